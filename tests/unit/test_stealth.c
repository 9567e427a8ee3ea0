// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detecting.h"

#define SCANNER 0xc0000207 /* 192.0.2.7 */
#define XMAS	(RST_FLAG_FIN | RST_FLAG_PSH | RST_FLAG_URG)

static void probe_listening(struct detecting *all, uint32_t peer, uint16_t port, uint8_t flags)
{
	struct rst_signal signal = {.time_ns = all->now_ns,
				    .netns = NETNS,
				    .local_port = port,
				    .peer_port = 40000,
				    .kind = RST_SIGNAL_PROBE,
				    .state = RST_STATE_LISTEN,
				    .trigger = flags};

	unit_ipv4(signal.local, OURS);
	unit_ipv4(signal.peer, peer);
	detect_signal(&all->detect, &signal);
}

static void told_at_the_second_port(void **state)
{
	const struct {
		uint8_t flags;
		const char *name, *says;
	} scans[] = {
		{RST_FLAG_FIN, "fin", "with FIN and of no connection"},
		{0, "null", "NULL"},
		{XMAS, "xmas", "Xmas"},
		{RST_FLAG_SYN | RST_FLAG_FIN, "syn_fin", "both SYN and FIN"},
		{RST_FLAG_URG, "urg", "with URG"},
		{RST_FLAG_PSH, "other", "no stack uses"},
		{RST_FLAG_ECE, "null", "NULL"},
		{XMAS | RST_FLAG_CWR, "xmas", "Xmas"},
		{RST_FLAG_FIN | RST_FLAG_PSH, "other", "no stack uses"},
	};

	(void)state;
	for (unsigned i = 0; i < COUNT_OF(scans); i++) {
		struct detecting *all = detecting_open();
		const struct alert *alert = &all->told.alerts[0];

		detecting_send(all, SCANNER, 4000, scans[i].flags, 0);
		told_silent(&all->told, ANY_KIND);
		detecting_send(all, SCANNER, 4001, scans[i].flags, 0);
		assert_int_equal(all->told.count, 1);
		assert_int_equal(alert->kind, ALERT_STEALTH_SCAN);
		assert_int_equal(alert->severity, ALERT_WARNING);
		assert_int_equal(alert->proof, ALERT_PROOF_NONE);
		assert_int_equal(alert->touched.all, 2);
		assert_int_equal(alert->total, 2);
		assert_string_equal(told_word(alert, "kind"), scans[i].name);
		told_says(alert, scans[i].says);
		told_says(alert, "192.0.2.7 sends");
		told_says(alert, "2 ports in 0 ms (4000, 4001)");
		assert_non_null(strstr(alert->advice, "do not block"));
		free(all);
	}
}

static void one_port_is_nothing(void **state)
{
	struct detecting *all = detecting_open();

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		detecting_send(all, SCANNER, 4000, RST_FLAG_FIN, 0);
		probe_listening(all, SCANNER + 1, 80, 0);
		detecting_pass(all, 100 * MILLI_NS);
	}
	told_silent(&all->told, ANY_KIND);
	free(all);
}

static void silent_ports_are_listed(void **state)
{
	struct detecting *all = detecting_open();
	const struct alert *alert = &all->told.alerts[0];

	(void)state;
	probe_listening(all, SCANNER, 22, RST_FLAG_FIN);
	told_silent(&all->told, ANY_KIND);
	detecting_send(all, SCANNER, 23, RST_FLAG_FIN, 0);
	assert_int_equal(all->told.count, 1);
	assert_int_equal(alert->open.all, 1);
	assert_int_equal(alert->open.ports[0], 22);
	assert_true(told_fact(alert, "silent_ports") == 1);
	for (uint16_t port = 24; port < 224; port++)
		detecting_send(all, SCANNER, port, RST_FLAG_FIN, 0);
	probe_listening(all, SCANNER, 443, RST_FLAG_FIN);
	probe_listening(all, SCANNER, 443, RST_FLAG_FIN);
	detecting_pass(all, 61 * SECOND_NS);
	assert_int_equal(all->told.count, 2);
	alert = &all->told.alerts[1];
	assert_int_equal(alert->open.all, 2);
	assert_int_equal(alert->touched.all, 203);
	assert_int_equal(alert->total, 204);
	told_says(alert, "no answer, which shows them as open: 22, 443");
	free(all);
}

/* A probe of an open connection, or another signal, is no contact with a port. */
static void other_signals_are_none(void **state)
{
	struct detecting *all = detecting_open();

	(void)state;
	for (uint16_t port = 1; port < 10; port++) {
		struct rst_signal signal = {.time_ns = all->now_ns,
					    .netns = NETNS,
					    .local_port = port,
					    .kind = RST_SIGNAL_PROBE,
					    .state = RST_STATE_ESTABLISHED,
					    .trigger = RST_FLAG_SYN};

		unit_ipv4(signal.peer, SCANNER);
		detect_signal(&all->detect, &signal);
		signal.kind = RST_SIGNAL_SYN;
		signal.state = RST_STATE_LISTEN;
		detect_signal(&all->detect, &signal);
	}
	assert_int_equal(told_count(&all->told, ALERT_STEALTH_SCAN, ANY_STATUS), 0);
	free(all);
}

static void two_kinds_are_two_scans(void **state)
{
	struct detecting *all = detecting_open();

	(void)state;
	detecting_send(all, SCANNER, 1, RST_FLAG_FIN, 0);
	detecting_send(all, SCANNER, 2, 0, 0);
	told_silent(&all->told, ANY_KIND);
	detecting_send(all, SCANNER, 2, RST_FLAG_FIN, 0);
	detecting_send(all, SCANNER, 1, 0, 0);
	assert_int_equal(told_count(&all->told, ALERT_STEALTH_SCAN, ALERT_RAISED), 2);
	free(all);
}

static unsigned ack_ports_until_told(uint8_t trigger, uint8_t flags, uint64_t gap_ns)
{
	struct detecting *all = detecting_open();
	uint16_t port = 0;

	while (port < 50 && !told_count(&all->told, ALERT_STEALTH_SCAN, ANY_STATUS)) {
		detecting_pass(all, gap_ns);
		detecting_send(all, SCANNER, ++port, trigger, flags);
	}
	free(all);
	return port;
}

static void ack_and_maimon_at_the_fifth(void **state)
{
	const uint8_t maimon = RST_FLAG_FIN | RST_FLAG_ACK;

	(void)state;
	assert_int_equal(ack_ports_until_told(RST_FLAG_ACK, 0, MILLI_NS), 5);
	assert_int_equal(ack_ports_until_told(maimon, 0, MILLI_NS), 5);
	assert_int_equal(ack_ports_until_told(RST_FLAG_ACK, 0, 14 * SECOND_NS), 5);
	/* Five in more than a minute; of somebody whom we know; with data: old connections. */
	assert_int_equal(ack_ports_until_told(RST_FLAG_ACK, 0, 16 * SECOND_NS), 50);
	assert_int_equal(ack_ports_until_told(RST_FLAG_ACK, RST_EVENT_KNOWN, MILLI_NS), 50);
	assert_int_equal(ack_ports_until_told(RST_FLAG_ACK | RST_FLAG_PSH, 0, MILLI_NS), 50);
}

static void an_ack_scan_says_its_kind(void **state)
{
	struct detecting *all = detecting_open();
	unsigned told;

	(void)state;
	detecting_listen(all, 80, true);
	for (uint16_t port = 101; port <= 105; port++)
		detecting_send(all, SCANNER, port, RST_FLAG_ACK, 0);
	assert_int_equal(all->told.count, 1);
	assert_string_equal(told_word(&all->told.alerts[0], "kind"), "ack");
	/* From now on those of ports that are open are of it, too. */
	detecting_send(all, SCANNER, 80, RST_FLAG_ACK, 0);
	for (uint16_t port = 101; port <= 105; port++)
		detecting_send(all, SCANNER, port, RST_FLAG_ACK | RST_FLAG_FIN, 0);
	told = all->told.count;
	assert_int_equal(told, 2);
	assert_string_equal(told_word(&all->told.alerts[1], "kind"), "maimon");
	detecting_pass(all, 61 * SECOND_NS);
	assert_int_equal(all->told.alerts[2].touched.all, 6);
	free(all);
}

/* After this host has forgotten its connections: to services, and those of its own. */
static void old_connections_are_no_scan(void **state)
{
	struct detecting *all = detecting_open();

	(void)state;
	for (uint16_t port = 80; port < 90; port++)
		detecting_listen(all, port, true);
	detecting_pass(all, SECOND_NS);
	for (unsigned i = 0; i < 100; i++) {
		struct rst_event event;

		detecting_send(all, SCANNER, 80 + i % 10, RST_FLAG_ACK, 0);
		detecting_send(all, SCANNER, 40000 + i, RST_FLAG_ACK, 0);
		event = detecting_event_of(all, SCANNER, 7000 + i, RST_FLAG_ACK);
		event.role = RST_ROLE_CLIENT;
		detecting_feed(all, &event, NULL);
		event = detecting_event_of(all, SCANNER, 7000 + i, RST_FLAG_ACK);
		event.state = RST_STATE_LISTEN;
		detecting_feed(all, &event, NULL);
	}
	assert_int_equal(told_count(&all->told, ALERT_STEALTH_SCAN, ANY_STATUS), 0);
	free(all);
}

static void it_owns_what_it_has_told(void **state)
{
	struct detecting *all = detecting_open();
	struct rst_port_key key = {.netns = NETNS,
				   .port = 1,
				   .direction = RST_SENT,
				   .cause = RST_HALF_OPEN,
				   .role = RST_ROLE_SERVER};

	(void)state;
	for (uint16_t port = 1; port <= 3; port++)
		detecting_send(all, SCANNER, port, RST_FLAG_FIN, 0);
	assert_int_equal(detect_count(&all->detect, &key, 1), 0);
	key.port = 2;
	assert_int_equal(detect_count(&all->detect, &key, 1), 1);
	key.port = 3;
	assert_int_equal(detect_count(&all->detect, &key, 1), 1);
	free(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(told_at_the_second_port),
		cmocka_unit_test(one_port_is_nothing),
		cmocka_unit_test(silent_ports_are_listed),
		cmocka_unit_test(other_signals_are_none),
		cmocka_unit_test(two_kinds_are_two_scans),
		cmocka_unit_test(ack_and_maimon_at_the_fifth),
		cmocka_unit_test(an_ack_scan_says_its_kind),
		cmocka_unit_test(old_connections_are_no_scan),
		cmocka_unit_test(it_owns_what_it_has_told),
	};

	return cmocka_run_group_tests_name("stealth", tests, NULL, NULL);
}

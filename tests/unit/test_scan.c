// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detecting.h"

#define SCANNER 0xc0000207 /* 192.0.2.7 */
#define CLIENT	0x0a000009 /* 10.0.0.9 */

/* How many first contacts with ports first, first + 1, ... it takes. */
static unsigned contacts_until_told(uint16_t first, uint8_t flags, uint64_t gap_ns)
{
	struct detecting *all = detecting_open();
	unsigned contacts = 0;

	while (!all->told.count && contacts < 100) {
		detecting_pass(all, gap_ns);
		detecting_send(all, SCANNER, first + contacts++, RST_FLAG_SYN, flags);
		if (all->told.count)
			assert_int_equal(all->told.alerts[0].time_ns,
					 all->now_ns); /* at that event */
	}
	assert_int_equal(told_count(&all->told, ALERT_PORT_SCAN, ALERT_RAISED), all->told.count);
	free(all);
	return contacts;
}

static void told_at_the_fourth_port(void **state)
{
	(void)state;
	assert_int_equal(contacts_until_told(1, 0, 60000), 4);
	assert_int_equal(contacts_until_told(1020, 0, 60000), 4);
	assert_int_equal(contacts_until_told(20000, 0, 60000), 5);
	assert_int_equal(contacts_until_told(32767, 0, 60000), 7); /* 30 * 6^6 */
	assert_int_equal(contacts_until_told(40000, 0, 60000), 8);
	assert_int_equal(contacts_until_told(1, RST_EVENT_KNOWN, 60000), 10);
	assert_int_equal(contacts_until_told(20000, RST_EVENT_KNOWN, 60000), 10);
	assert_int_equal(contacts_until_told(40000, RST_EVENT_KNOWN, 60000), 35);
}

static void a_slow_one_is_told_at_the_same_port(void **state)
{
	(void)state;
	assert_int_equal(contacts_until_told(1, 0, 15 * SECOND_NS), 4);
	assert_int_equal(contacts_until_told(1, 0, 300 * SECOND_NS), 4);
	assert_int_equal(contacts_until_told(1, 0, 6 * 60 * MINUTE_NS), 4);
	/* After a day it is forgotten. */
	assert_int_equal(contacts_until_told(1, 0, 25 * 60 * MINUTE_NS), 100);
}

/* One port, at one address of this host after the other. */
static void a_sweep_is_told_at_the_eighth_address(void **state)
{
	struct detecting *all = detecting_open();
	const struct alert *alert = &all->told.alerts[0];

	(void)state;
	for (uint32_t i = 0; i < 64; i++) {
		struct rst_event event = detecting_event_of(all, SCANNER, 23, RST_FLAG_SYN);

		unit_ipv4(event.local, OURS + i);
		detecting_pass(all, 30 * MILLI_NS);
		detecting_feed(all, &event, NULL);
		detecting_feed(all, &event, NULL); /* again is nothing new */
		assert_int_equal(all->told.count, i >= 7);
	}
	assert_int_equal(alert->touched.all, 1);
	assert_true(told_fact(alert, "local_addresses") == 8);
	told_says(alert, "192.0.2.7 scans this host: 1 port at 8 of its addresses in ");
	detecting_pass(all, 63 * SECOND_NS);
	alert = told_last(&all->told);
	assert_int_equal(alert->status, ALERT_CLEARED);
	assert_true(told_fact(alert, "local_addresses") > 48);
	assert_true(told_fact(alert, "local_addresses") < 80);
	free(all);
}

/* Whoever asks for a dead port at five addresses only, as a client with a list does. */
static void a_port_at_five_addresses_is_no_sweep(void **state)
{
	struct detecting *all = detecting_open();

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		struct rst_event event = detecting_event_of(all, SCANNER, 23, RST_FLAG_SYN);

		unit_ipv4(event.local, OURS + i % 5);
		detecting_pass(all, 300 * MILLI_NS);
		detecting_feed(all, &event, NULL);
	}
	told_silent(&all->told, ALERT_PORT_SCAN);
	free(all);
}

static void says_what_it_found(void **state)
{
	struct detecting *all = detecting_open();
	const struct alert *alert = &all->told.alerts[0];
	const uint16_t closed[] = {21, 23, 25, 110};

	(void)state;
	detecting_half_open(all, SCANNER, 22);
	for (unsigned i = 0; i < COUNT_OF(closed); i++) {
		detecting_pass(all, 500 * MILLI_NS);
		detecting_refuse(all, SCANNER, closed[i]);
		detecting_refuse(all, SCANNER, closed[i]); /* again is nothing new */
	}
	assert_int_equal(all->told.count, 1);
	assert_int_equal(alert->status, ALERT_RAISED);
	assert_int_equal(alert->kind, ALERT_PORT_SCAN);
	assert_int_equal(alert->severity, ALERT_WARNING);
	assert_int_equal(alert->netns, NETNS);
	assert_int_equal(alert->first_seen_ns, START_NS);
	assert_false(alert->has_local);
	assert_int_equal(alert->peer_count, 1);
	assert_memory_equal(alert->peers[0].key.address + 12, "\xc0\x00\x02\x07", 4);
	/* 1.39 + 3 * 4.55 is enough: the fourth closed port was not needed. */
	assert_int_equal(alert->touched.all, 4);
	assert_int_equal(alert->touched.count, 4);
	assert_int_equal(alert->touched.ports[1], 21);
	assert_int_equal(alert->open.all, 1);
	assert_int_equal(alert->open.ports[0], 22);
	assert_int_equal(alert->proof, ALERT_PROOF_ANSWERED);
	assert_true(told_fact(alert, "duration_seconds") == 1.5);
	told_says(alert, "192.0.2.7 scans this host: 4 ports in 1.5 s "
			 "(22, 21, 23, 25); found open: 22");

	/* It goes on: the same incident, with all that came. */
	detecting_half_open(all, SCANNER, 80);
	detecting_half_open(all, SCANNER, 80);
	detecting_pass(all, 61 * SECOND_NS);
	assert_int_equal(all->told.count, 2);
	alert = &all->told.alerts[1];
	assert_int_equal(alert->status, ALERT_CLEARED);
	assert_int_equal(alert->number, 1);
	assert_int_equal(alert->touched.all, 6);
	assert_int_equal(alert->open.all, 2);
	assert_int_equal(alert->total, 4 + 5);
	told_says(alert, "192.0.2.7 has scanned 6 ports in 2 s");
	told_says(alert, "with 9 probes; found open: 22, 80");
	free(all);
}

static void a_stranger_with_closed_ports_is_not_proven(void **state)
{
	struct detecting *all = detecting_open();
	const struct alert *alert = &all->told.alerts[0];

	(void)state;
	for (uint16_t port = 1; port <= 4; port++)
		detecting_refuse(all, SCANNER, port);
	assert_int_equal(all->told.count, 1);
	assert_int_equal(alert->proof, ALERT_PROOF_NONE);
	told_says(alert, "found none open; its address may be forged");
	assert_non_null(strstr(alert->advice, "do not block"));
	/* It turns out that it takes part in what it does. */
	detecting_half_open(all, SCANNER, 443);
	detecting_pass(all, 61 * SECOND_NS);
	alert = &all->told.alerts[1];
	assert_int_equal(alert->proof, ALERT_PROOF_ANSWERED);
	assert_null(strstr(alert->advice, "do not block"));
	free(all);
}

static void a_client_is_told_as_what_it_is(void **state)
{
	struct detecting *all = detecting_open();
	const struct alert *alert = &all->told.alerts[0];

	(void)state;
	for (uint16_t port = 1; port <= 10; port++)
		detecting_refuse_client(all, CLIENT, port);
	assert_int_equal(all->told.count, 1);
	assert_int_equal(alert->severity, ALERT_INFO);
	assert_int_equal(alert->proof, ALERT_PROOF_HANDSHAKE);
	assert_string_equal(told_word(alert, "source"), "known_client");
	told_says(alert, "10.0.0.9, a client of this host, scans this host");
	assert_null(strstr(alert->advice, "block"));
	free(all);
}

static void a_scan_that_connects_proves_itself(void **state)
{
	struct rst_connection connection = {.age_ms = 1, .idle_ms = RST_AGE_UNKNOWN};
	struct detecting *all = detecting_open();

	(void)state;
	detecting_refuse(all, SCANNER, 1);
	detecting_receive(all, SCANNER, 22, RST_STAGE_ESTABLISHED, 0, &connection);
	connection.bytes_in = 100; /* that is a client */
	detecting_receive(all, SCANNER, 80, RST_STAGE_ESTABLISHED, 0, &connection);
	for (uint16_t port = 2; port <= 4; port++)
		detecting_refuse(all, SCANNER, port);
	assert_int_equal(all->told.count, 1);
	assert_int_equal(all->told.alerts[0].proof, ALERT_PROOF_HANDSHAKE);
	assert_int_equal(all->told.alerts[0].open.all, 1);
	assert_int_equal(all->told.alerts[0].open.ports[0], 22);
	connection.bytes_in = 0;
	detecting_receive(all, SCANNER, 443, RST_STAGE_ESTABLISHED, 0, &connection);
	detecting_pass(all, 61 * SECOND_NS);
	assert_int_equal(all->told.alerts[1].open.all, 2);
	free(all);
}

/* A thousand ports in 70 ms, then each of them again: as many ports as there were. */
static void counts_the_ports_of_a_large_scan(void **state)
{
	struct detecting *all = detecting_open();
	const struct alert *alert = &all->told.alerts[1];

	(void)state;
	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < 1000; i++) {
			detecting_pass(all, 70000);
			detecting_refuse(all, SCANNER, 1 + i * 37 % 1009);
		}
	detecting_pass(all, 61 * SECOND_NS);
	assert_int_equal(all->told.count, 2);
	assert_int_equal(alert->status, ALERT_CLEARED);
	assert_int_equal(alert->touched.all, 1000);
	assert_int_equal(alert->touched.count, 16);
	assert_int_equal(alert->total, 2000);
	told_says(alert, "and 992 more");
	free(all);

	all = detecting_open();
	for (unsigned port = 1; port < 65536; port++)
		detecting_refuse(all, SCANNER, port);
	detecting_pass(all, 61 * SECOND_NS);
	assert_int_equal(all->told.alerts[1].touched.all, 65535);
	free(all);
}

/* What is told is explained: the rate alarms do not count it. */
static void owns_what_it_has_told(void **state)
{
	struct detecting *all = detecting_open();
	const struct rst_port_key key = {.netns = NETNS,
					 .port = 9,
					 .direction = RST_SENT,
					 .cause = RST_CLOSED_PORT,
					 .role = RST_ROLE_SERVER};
	struct rst_port_key early = key;

	(void)state;
	early.port = 3;
	for (uint16_t port = 1; port <= 9; port++)
		detecting_refuse(all, SCANNER, port);
	assert_int_equal(detect_count(&all->detect, &early, 1), 0);
	assert_int_equal(detect_count(&all->detect, &key, 1), 1);
	free(all);
}

/* A scan at T0 is one incident, not one for each port. */
static void a_slow_scan_is_one_incident(void **state)
{
	struct detecting *all = detecting_open();

	(void)state;
	for (uint16_t port = 1; port <= 12; port++) {
		detecting_refuse(all, SCANNER, port);
		detecting_pass(all, 300 * SECOND_NS);
	}
	assert_int_equal(told_count(&all->told, ALERT_PORT_SCAN, ALERT_RAISED), 1);
	assert_int_equal(told_count(&all->told, ALERT_PORT_SCAN, ALERT_CLEARED), 0);
	detecting_pass(all, 700 * SECOND_NS);
	assert_int_equal(told_count(&all->told, ALERT_PORT_SCAN, ALERT_CLEARED), 1);
	told_says(told_last(&all->told), "12 ports in 55 min");
	free(all);
}

/* Once it is cleared, one port more is no news; four are. */
static void a_new_scan_is_told_anew(void **state)
{
	struct detecting *all = detecting_open();

	(void)state;
	for (unsigned round = 1; round <= 2; round++) {
		for (uint16_t port = 1; port <= 3; port++)
			detecting_refuse(all, SCANNER, port);
		assert_int_equal(told_count(&all->told, ANY_KIND, ALERT_RAISED), round - 1);
		detecting_refuse(all, SCANNER, 4);
		assert_int_equal(told_count(&all->told, ANY_KIND, ALERT_RAISED), round);
		detecting_pass(all, 125 * SECOND_NS);
		assert_int_equal(told_count(&all->told, ANY_KIND, ALERT_CLEARED), round);
		assert_int_equal(told_last(&all->told)->touched.all, 4);
		assert_int_equal(told_last(&all->told)->number, 1);
	}
	free(all);
}

static void each_namespace_for_itself(void **state)
{
	struct detecting *all = detecting_open();

	(void)state;
	for (uint16_t port = 1; port <= 3; port++) {
		struct rst_event event = detecting_event_of(all, SCANNER, port, RST_FLAG_SYN);

		detecting_feed(all, &event, NULL);
		event.netns++;
		event.local_port += 10;
		detecting_feed(all, &event, NULL);
	}
	told_silent(&all->told, ANY_KIND);
	free(all);
}

/* --- decoys --- */

static void decoys_are_one_scan(void **state)
{
	struct detecting *all = detecting_open();
	const struct alert *alert;

	(void)state;
	for (uint16_t port = 100; port < 120; port++)
		for (uint32_t source = 0; source < 6; source++) {
			detecting_pass(all, 100000);
			detecting_refuse(all, SCANNER + source, port * 7 % 1000);
		}
	/* The addresses are those of hosts: they answer what they did not ask for. */
	detecting_half_open(all, SCANNER + 3, 22);
	assert_int_equal(told_count(&all->told, ANY_KIND, ALERT_RAISED), 1);
	detecting_pass(all, 61 * SECOND_NS);
	assert_int_equal(all->told.count, 2);
	alert = &all->told.alerts[1];
	assert_int_equal(alert->status, ALERT_CLEARED);
	assert_int_equal(alert->peers_all, 6);
	assert_int_equal(alert->peer_count, ALERT_TOP);
	assert_int_equal(alert->proof, ALERT_PROOF_NONE);
	assert_string_equal(told_word(alert, "decoys"), "suspected");
	assert_int_equal(alert->total, 6 * 20 + 1);
	assert_int_equal(alert->touched.all, 20);
	told_says(alert, "6 addresses ask for the same ports at once");
	assert_non_null(strstr(alert->advice, "Do not block"));
	free(all);
}

/* Two scans of other ports, or at another time, are two. */
static void others_are_no_decoys(void **state)
{
	struct detecting *all = detecting_open();

	(void)state;
	for (uint16_t port = 1; port <= 4; port++) {
		detecting_refuse(all, SCANNER, port);
		detecting_refuse(all, SCANNER + 1, port + 100);
	}
	assert_int_equal(told_count(&all->told, ALERT_PORT_SCAN, ALERT_RAISED), 2);
	detecting_pass(all, 2100 * MILLI_NS);
	for (uint16_t port = 1; port <= 4; port++)
		detecting_refuse(all, SCANNER + 2, port);
	assert_int_equal(told_count(&all->told, ALERT_PORT_SCAN, ALERT_RAISED), 3);
	assert_string_equal(told_word(&all->told.alerts[2], "decoys"), "");
	free(all);
}

/* --- what must stay silent --- */

static void one_port_again_and_again(void **state)
{
	struct detecting *all = detecting_open();

	(void)state;
	for (unsigned i = 0; i < 10000; i++) {
		detecting_refuse(all, CLIENT, 23);
		detecting_pass(all, 5 * MILLI_NS);
	}
	told_silent(&all->told, ANY_KIND);
	free(all);
}

static void a_client_polls_six_dead_ports(void **state)
{
	struct detecting *all = detecting_open();

	(void)state;
	for (unsigned round = 0; round < 360; round++) {
		for (uint16_t port = 9100; port < 9106; port++)
			detecting_refuse_client(all, CLIENT, port);
		detecting_pass(all, 10 * SECOND_NS);
	}
	told_silent(&all->told, ANY_KIND);
	free(all);
}

static void a_client_knocks(void **state)
{
	struct detecting *all = detecting_open();

	(void)state;
	for (unsigned round = 0; round < 20; round++) {
		for (uint16_t i = 0; i < 5; i++)
			detecting_refuse_client(all, CLIENT, 7000 + 111 * i);
		detecting_pass(all, 600 * SECOND_NS);
	}
	told_silent(&all->told, ANY_KIND);
	free(all);
}

static void load_balancers_check_half_open(void **state)
{
	struct detecting *all = detecting_open();

	(void)state;
	for (unsigned i = 0; i < 7200; i++) {
		detecting_half_open(all, CLIENT, 443);
		detecting_half_open(all, CLIENT + 1, 443);
		detecting_pass(all, 500 * MILLI_NS);
	}
	/* Another one has thirty services here to check. */
	for (uint16_t port = 8000; port < 8030; port++)
		detecting_half_open(all, CLIENT + 2, port);
	told_silent(&all->told, ANY_KIND);
	free(all);
}

static void load_balancers_check_by_connecting(void **state)
{
	const struct rst_connection connection = {.age_ms = 0, .idle_ms = RST_AGE_UNKNOWN};
	struct detecting *all = detecting_open();

	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		detecting_receive(all, CLIENT, 8000 + i % 30, RST_STAGE_ESTABLISHED, 0,
				  &connection);
		detecting_pass(all, 100 * MILLI_NS);
	}
	assert_int_equal(told_count(&all->told, ALERT_PORT_SCAN, ANY_STATUS), 0);
	free(all);
}

/* The noise of the internet: each address asks once. */
static void background_noise(void **state)
{
	struct detecting *all = detecting_open();
	uint64_t noise = 1;

	(void)state;
	for (unsigned i = 0; i < 10000; i++) {
		uint64_t random = unit_random(&noise);

		detecting_refuse(all, (uint32_t)random, random >> 48);
		detecting_pass(all, 10 * SECOND_NS);
	}
	told_silent(&all->told, ANY_KIND);
	free(all);
}

/* Transfers that come too late: now and then an ephemeral port, for weeks. */
static void ephemeral_ports_of_a_client(void **state)
{
	struct detecting *all = detecting_open();

	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		detecting_refuse_client(all, CLIENT, 33000 + i * 97 % 20000);
		detecting_pass(all, 60 * MINUTE_NS);
	}
	told_silent(&all->told, ANY_KIND);
	free(all);
}

/* That service is down, and that is told by another. */
static void ports_that_were_open(void **state)
{
	struct detecting *all = detecting_open();

	(void)state;
	for (uint16_t port = 1; port <= 20; port++) {
		detecting_listen(all, port, true);
		detecting_listen(all, port, false);
	}
	detecting_pass(all, SECOND_NS);
	for (uint16_t port = 1; port <= 20; port++)
		detecting_refuse(all, CLIENT, port);
	assert_int_equal(told_count(&all->told, ALERT_PORT_SCAN, ANY_STATUS), 0);
	free(all);
}

/* --- forged addresses --- */

/* A million of them hide nobody, at whatever rate they come. */
static void a_flood_hides_no_slow_scanner(void **state)
{
	struct detecting *all = detecting_open();
	uint64_t noise = 7;
	uint16_t port = 1;

	(void)state;
	detecting_refuse(all, SCANNER, port++);
	for (unsigned i = 0; i < 1000000; i++) {
		uint64_t random = unit_random(&noise);

		detecting_refuse(all, (uint32_t)random | 0x80000000, random >> 40);
		detecting_pass(all, 60000);
		if (i % 300000 == 299999) {
			assert_int_equal(told_count(&all->told, ALERT_PORT_SCAN, ANY_STATUS), 0);
			detecting_refuse(all, SCANNER, port++);
		}
	}
	assert_int_equal(port, 5);
	assert_int_equal(told_count(&all->told, ALERT_PORT_SCAN, ALERT_RAISED), 1);
	assert_int_equal(told_last(&all->told)->kind, ALERT_PORT_SCAN);
	assert_string_equal(told_word(told_last(&all->told), "source_table"), "frozen");
	free(all);
}

/* Whoever comes again is let in: a port later than else. */
static void a_flood_hides_no_new_scanner(void **state)
{
	struct detecting *all = detecting_open();
	uint64_t noise = 7;
	unsigned port = 0;

	(void)state;
	for (unsigned i = 0; i < 20000 && !told_count(&all->told, ALERT_PORT_SCAN, ALERT_RAISED);
	     i++) {
		uint64_t random = unit_random(&noise);

		detecting_refuse(all, (uint32_t)random | 0x80000000, random >> 40);
		detecting_pass(all, 60000);
		if (i >= 10000 && i % 10 == 0)
			detecting_refuse(all, SCANNER, ++port);
	}
	assert_int_equal(port, 5);
	free(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(told_at_the_fourth_port),
		cmocka_unit_test(a_slow_one_is_told_at_the_same_port),
		cmocka_unit_test(a_sweep_is_told_at_the_eighth_address),
		cmocka_unit_test(a_port_at_five_addresses_is_no_sweep),
		cmocka_unit_test(says_what_it_found),
		cmocka_unit_test(a_stranger_with_closed_ports_is_not_proven),
		cmocka_unit_test(a_client_is_told_as_what_it_is),
		cmocka_unit_test(a_scan_that_connects_proves_itself),
		cmocka_unit_test(counts_the_ports_of_a_large_scan),
		cmocka_unit_test(owns_what_it_has_told),
		cmocka_unit_test(a_slow_scan_is_one_incident),
		cmocka_unit_test(a_new_scan_is_told_anew),
		cmocka_unit_test(each_namespace_for_itself),
		cmocka_unit_test(decoys_are_one_scan),
		cmocka_unit_test(others_are_no_decoys),
		cmocka_unit_test(one_port_again_and_again),
		cmocka_unit_test(a_client_polls_six_dead_ports),
		cmocka_unit_test(a_client_knocks),
		cmocka_unit_test(load_balancers_check_half_open),
		cmocka_unit_test(load_balancers_check_by_connecting),
		cmocka_unit_test(background_noise),
		cmocka_unit_test(ephemeral_ports_of_a_client),
		cmocka_unit_test(ports_that_were_open),
		cmocka_unit_test(a_flood_hides_no_slow_scanner),
		cmocka_unit_test(a_flood_hides_no_new_scanner),
	};

	return cmocka_run_group_tests_name("scan", tests, NULL, NULL);
}

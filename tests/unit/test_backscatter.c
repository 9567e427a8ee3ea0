// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detecting.h"

#define VICTIM	0xc0000207 /* 192.0.2.7 */
#define SYN_ACK (RST_FLAG_SYN | RST_FLAG_ACK)

static void answer(struct detecting *all, uint32_t peer, uint16_t peer_port, uint16_t port,
		   uint8_t flags)
{
	struct rst_event event = detecting_event_of(all, peer, port, SYN_ACK);

	event.peer_port = peer_port;
	event.flags |= flags;
	detecting_feed(all, &event, NULL);
}

static void reset(struct detecting *all, uint32_t peer, uint16_t peer_port, uint16_t port,
		  uint8_t flags)
{
	struct rst_event event = detecting_event_of(all, peer, port, 0);

	event.direction = RST_RECEIVED;
	event.cause = RST_STAGE_STRAY;
	event.peer_port = peer_port;
	event.flags = flags;
	detecting_feed(all, &event, NULL);
}

/* Answers, one each so often, until it is told; how many that were. */
static unsigned answers_until_told(uint64_t gap_ns, unsigned most)
{
	struct detecting *all = detecting_open();
	unsigned answers = 0;

	while (answers < most && !all->told.count) {
		answer(all, VICTIM, 443, 1024 + answers++ * 7, 0);
		if (!all->told.count)
			detecting_pass(all, gap_ns);
	}
	free(all);
	return answers;
}

static void told_by_the_rule(void **state)
{
	(void)state;
	/* 10/s: after a minute. */
	assert_int_equal(answers_until_told(100 * MILLI_NS, 10000), 601);
	/* 40 in a minute: as well; 24: never. */
	assert_int_equal(answers_until_told(1500 * MILLI_NS, 10000), 41);
	assert_int_equal(answers_until_told(2500 * MILLI_NS, 10000), 10000);
}

static void says_who_is_flooded(void **state)
{
	struct detecting *all = detecting_open();
	const struct alert *alert = &all->told.alerts[0];

	(void)state;
	for (unsigned i = 0; i <= 60; i++) {
		answer(all, VICTIM, 443, 2000 + i * 100, 0);
		reset(all, VICTIM, 443, 2000 + i * 100, 0);
		if (i < 60)
			detecting_pass(all, SECOND_NS);
	}
	assert_int_equal(alert->kind, ALERT_BACKSCATTER);
	assert_int_equal(alert->severity, ALERT_INFO);
	assert_int_equal(alert->proof, ALERT_PROOF_NONE);
	assert_false(alert->has_local);
	assert_int_equal(alert->peer_port, 443);
	assert_int_equal(alert->peer_count, 1);
	assert_int_equal(alert->first_seen_ns, START_NS);
	assert_int_equal(alert->total, 121);
	assert_true(told_fact(alert, "segments") == 121);
	assert_true(told_fact(alert, "syn_acks") == 61);
	assert_true(told_fact(alert, "duration_seconds") == 60);
	assert_true(told_fact(alert, "peer_port") == 443);
	assert_true(told_fact(alert, "local_ports") >= 55);
	assert_true(told_fact(alert, "local_ports") <= 67);
	assert_string_equal(told_word(alert, "suspected"), "");
	told_says(alert, "192.0.2.7 sends answers from its port 443 that this host "
			 "did not ask for: 121 in 1 min, to ");
	assert_non_null(strstr(alert->advice, "nothing to fix"));
	assert_int_equal(all->told.count, 1);
	/* It stays one incident, and is never worse than that. */
	for (unsigned i = 0; i < 1200; i++) {
		answer(all, VICTIM, 443, 2000 + i % 300, 0);
		detecting_pass(all, 500 * MILLI_NS);
	}
	detecting_pass(all, 125 * SECOND_NS);
	assert_int_equal(told_count(&all->told, ALERT_BACKSCATTER, ALERT_RAISED), 1);
	assert_int_equal(told_count(&all->told, ALERT_BACKSCATTER, ALERT_CLEARED), 1);
	alert = told_last(&all->told);
	assert_int_equal(alert->severity, ALERT_INFO);
	assert_int_equal(alert->total, 122 + 1200);
	/* 2000 to 2299, and 58 of those before. */
	assert_true(told_fact(alert, "local_ports") > 358 * .9);
	assert_true(told_fact(alert, "local_ports") < 358 * 1.1);
	told_says(alert, "192.0.2.7 sent answers");
	free(all);
}

static void owns_what_it_has_told(void **state)
{
	struct detecting *all = detecting_open();
	struct rst_port_key key = {.netns = NETNS,
				   .port = 999,
				   .direction = RST_SENT,
				   .cause = RST_HALF_OPEN,
				   .role = RST_ROLE_SERVER};

	(void)state;
	for (unsigned i = 0; i <= 600; i++) {
		answer(all, VICTIM, 443, 999, 0);
		if (i < 600) {
			assert_int_equal(detect_count(&all->detect, &key, 1), 0);
			detecting_pass(all, 100 * MILLI_NS);
		}
	}
	assert_int_equal(all->told.count, 1);
	assert_int_equal(detect_count(&all->detect, &key, 1), 1);
	free(all);
}

static void another_path_is_suspected(void **state)
{
	struct detecting *all = detecting_open();
	const struct alert *alert = &all->told.alerts[0];

	(void)state;
	for (unsigned i = 0; i <= 120; i++) {
		answer(all, VICTIM, 443, 40000 + i, RST_EVENT_KNOWN);
		detecting_pass(all, 500 * MILLI_NS);
	}
	assert_int_equal(all->told.count, 1);
	assert_string_equal(told_word(alert, "suspected"), "asymmetric_path");
	told_says(alert, "another path");
	assert_non_null(strstr(alert->advice, "asymmetric path"));
	free(all);
}

/* --- what must stay silent --- */

static void a_burst(void **state)
{
	struct detecting *all = detecting_open();

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		answer(all, VICTIM, 443, 2000 + i, 0);
		detecting_pass(all, MILLI_NS);
	}
	detecting_pass(all, 50 * SECOND_NS);
	told_silent(&all->told, ANY_KIND);
	/* Half an hour later it is another one. */
	detecting_pass(all, 1800 * SECOND_NS);
	for (unsigned i = 0; i < 5000; i++)
		answer(all, VICTIM, 443, 2000 + i, 0);
	told_silent(&all->told, ANY_KIND);
	free(all);
}

/* Their connections had ended here when their resets came. */
static void resets_of_clients_and_servers(void **state)
{
	struct detecting *all = detecting_open();

	(void)state;
	for (unsigned i = 0; i < 10000; i++) {
		reset(all, VICTIM, 443, 40000 + i % 20000, RST_EVENT_KNOWN);
		reset(all, VICTIM + 1, 30000 + i % 20000, 443, 0); /* each of another port */
		detecting_pass(all, 50 * MILLI_NS);
	}
	assert_int_equal(told_count(&all->told, ALERT_BACKSCATTER, ANY_STATUS), 0);
	free(all);
}

/* SYN-ACKs that come after our connect() gave up: we did ask. */
static void late_answers(void **state)
{
	struct detecting *all = detecting_open();

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		struct rst_signal signal = {.time_ns = all->now_ns,
					    .netns = NETNS,
					    .local_port = 40000 + i,
					    .peer_port = 443,
					    .kind = RST_SIGNAL_CONNECT_FAILED,
					    .state = RST_STATE_SYN_SENT};

		unit_ipv4(signal.local, OURS);
		unit_ipv4(signal.peer, VICTIM);
		detect_signal(&all->detect, &signal);
		detecting_pass(all, 400 * MILLI_NS);
		answer(all, VICTIM, 443, 40000 + i, 0);
	}
	assert_int_equal(told_count(&all->told, ALERT_BACKSCATTER, ANY_STATUS), 0);
	free(all);
}

/* Random addresses displace each other, not one that goes on. */
static void found_among_many(void **state)
{
	struct detecting *all = detecting_open();
	uint64_t noise = 9;

	(void)state;
	for (unsigned i = 0; i < 65000; i++) {
		answer(all, (uint32_t)unit_random(&noise), 443, 2000 + i % 1000, 0);
		if (i % 100 == 0)
			answer(all, VICTIM, 443, 2000 + i % 1000, 0);
		detecting_pass(all, MILLI_NS);
	}
	assert_int_equal(told_count(&all->told, ALERT_BACKSCATTER, ALERT_RAISED), 1);
	told_says(&all->told.alerts[0], "192.0.2.7");
	free(all);
}

/* A host that has just started: its clock is near 0. */
static void soon_after_boot(void **state)
{
	struct detecting *all = detecting_open();

	(void)state;
	all->now_ns = all->slice_ns = 5 * SECOND_NS;
	for (unsigned i = 0; i < 120; i++) {
		answer(all, VICTIM, 443, 2000 + i, 0);
		detecting_pass(all, 500 * MILLI_NS);
	}
	told_silent(&all->told, ANY_KIND);
	answer(all, VICTIM, 443, 3000, 0);
	assert_int_equal(all->told.count, 1);
	free(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(told_by_the_rule),
		cmocka_unit_test(says_who_is_flooded),
		cmocka_unit_test(owns_what_it_has_told),
		cmocka_unit_test(another_path_is_suspected),
		cmocka_unit_test(a_burst),
		cmocka_unit_test(resets_of_clients_and_servers),
		cmocka_unit_test(late_answers),
		cmocka_unit_test(found_among_many),
		cmocka_unit_test(soon_after_boot),
	};

	return cmocka_run_group_tests_name("backscatter", tests, NULL, NULL);
}

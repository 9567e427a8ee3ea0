// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "resets.h"

#define KIND ALERT_PEER_RESET_STORM

static const struct rst_connection empty = {.age_ms = 1, .idle_ms = 1};
static const struct rst_connection check = {
	.bytes_in = 100, .bytes_out = 300, .age_ms = 5, .idle_ms = 1};
static const struct rst_connection used = {
	.bytes_in = 100, .bytes_out = 300000, .age_ms = 5000, .idle_ms = 1};

/* Some resets in each of so many seconds; a slice a second. */
static void run(struct resets *resets, unsigned seconds, uint32_t peer, unsigned per_second,
		struct rst_connection connection)
{
	for (unsigned second = 0; second < seconds; second++) {
		for (unsigned i = 0; i < per_second; i++) {
			resets_reset(resets, peer, 1024 + i, connection);
			resets_wait(resets, SECOND_NS / per_second);
		}
		resets->now_ns = resets->start_ns + SECOND_NS;
		resets_slice(resets);
	}
}

/* 100 a second by one client, among twenty that reset one connection a second between them. */
static void one_client_among_twenty(void **state)
{
	struct resets *resets = *state;
	const struct alert *alert;
	unsigned second = 0;

	resets_quiet(resets, 70);
	for (; second < 12; second++) {
		for (unsigned i = 0; i < 100; i++) {
			resets_reset(resets, 7, 1024 + i, empty);
			resets_wait(resets, SECOND_NS / 100);
		}
		resets_reset(resets, 100 + second % 20, 40000, used);
		resets_slice(resets);
		if (resets->told.count)
			break;
	}
	assert_in_range(second, 2, 4);
	alert = resets_last(resets, KIND);
	assert_int_equal(alert->status, ALERT_RAISED);
	assert_int_equal(alert->severity, ALERT_WARNING);
	assert_int_equal(alert->proof, ALERT_PROOF_HANDSHAKE);
	assert_int_equal(alert->local_port, RESETS_PORT);
	assert_int_equal(alert->peer_count, 1);
	assert_int_equal(alert->peers[0].key.address[15], 7);
	assert_true(told_fact(alert, "rate") > 95);
	assert_true(told_fact(alert, "rate") < 105);
	assert_true(told_fact(alert, "share_percent") > 98);
	assert_true(told_fact(alert, "share_percent") < 100);
	assert_int_equal((int)told_fact(alert, "without_data_percent"), 100);
	assert_int_equal((int)told_fact(alert, "baseline"), 0);
	told_says(alert, "10.0.0.7 resets working connections of port 80: ");
	/* It goes on: nothing more to say, and all is counted. */
	run(resets, 20, 7, 100, empty);
	assert_int_equal(told_count(&resets->told, KIND, ANY_STATUS), 1);
	resets_quiet(resets, 75);
	alert = resets_last(resets, KIND);
	assert_int_equal(alert->status, ALERT_CLEARED);
	assert_int_equal(alert->total, (second + 1) * 100 + 2000);
	told_says(alert, "Over: 10.0.0.7 has reset ");
}

/* What an incident is about is explained, and nothing else. */
static void its_resets_are_claimed(void **state)
{
	struct resets *resets = *state;
	struct rst_event event =
		resets_event_of(resets, RST_RECEIVED, RST_STAGE_ESTABLISHED, 7, 40000);
	struct rst_port_key key = classify_port_key(&event);

	resets_quiet(resets, 70);
	for (unsigned i = 0; i < 50; i++)
		resets_reset(resets, 7, 1024 + i, used);
	assert_int_equal(detect_count(&resets->detect, &key, 50), 0);
	resets_slice(resets);
	run(resets, 5, 7, 50, used);
	assert_int_equal(told_count(&resets->told, KIND, ANY_STATUS), 1);
	for (unsigned i = 0; i < 50; i++)
		resets_reset(resets, 7, 1024 + i, used);
	for (unsigned i = 0; i < 10; i++)
		resets_reset(resets, 8, 1024 + i, used);
	assert_int_equal(detect_count(&resets->detect, &key, 60), 50);
}

/* Ten backends, each checked once a second, and each check ends with a reset. */
static void health_checks(void **state)
{
	struct resets *resets = *state;

	run(resets, 30, 7, 10, empty);
	resets_quiet(resets, 60);
	run(resets, 600, 7, 10, check);
	run(resets, 10, 7, 24, check);
	told_silent(&resets->told, KIND);
}

/* A big load balancer, from the beginning of the run: that is how it always is there. Ten times
 * that is not. */
static void many_health_checks_from_the_beginning(void **state)
{
	struct resets *resets = *state;

	run(resets, 300, 7, 60, check);
	told_silent(&resets->told, KIND);
	run(resets, 10, 7, 700, check);
	assert_int_equal(told_count(&resets->told, KIND, ANY_STATUS), 1);
	assert_int_equal((int)told_fact(resets_last(resets, KIND), "baseline"), 60);
	assert_int_equal((int)told_fact(resets_last(resets, KIND), "limit"), 600);
}

/* In the first minute of the run, small connections are taken for health checks that have always
 * been there; not those of a peer that was quiet for twenty seconds of it. */
static void something_new_in_the_first_minute(void **state)
{
	struct resets *resets = *state;

	resets_reset(resets, 7, 1024, used); /* it was here, but did next to nothing */
	resets_quiet(resets, 43);
	run(resets, 4, 7, 85, check);
	assert_int_equal(told_count(&resets->told, KIND, ANY_STATUS), 1);
	assert_int_equal(resets_last(resets, KIND)->severity, ALERT_WARNING);
	assert_int_equal((int)told_fact(resets_last(resets, KIND), "baseline"), 0);
	/* And one that was not there at all. */
	run(resets, 4, 8, 300, check);
	assert_int_equal(told_count(&resets->told, KIND, ANY_STATUS), 2);
}

/* A restart of rstwatch within a pause of the health checks. */
static void health_checks_after_a_pause(void **state)
{
	struct resets *resets = *state;

	resets_quiet(resets, 15);
	run(resets, 300, 7, 60, check);
	told_silent(&resets->told, KIND);
}

/* Connections that had been used are another thing, and need no minute. */
static void used_connections_from_the_beginning(void **state)
{
	struct resets *resets = *state;

	run(resets, 9, 7, 6, used);
	assert_int_equal(told_count(&resets->told, KIND, ANY_STATUS), 1);
	assert_int_equal(resets_last(resets, KIND)->severity, ALERT_INFO);
	run(resets, 20, 7, 40, used);
	assert_int_equal(told_count(&resets->told, KIND, ANY_STATUS), 2);
	assert_int_equal(resets_last(resets, KIND)->severity, ALERT_WARNING);
	assert_int_equal(resets_last(resets, KIND)->status, ALERT_UPDATED);
}

/* A load generator is killed, at the turn of a second, and again a minute later. */
static void killed_load_generator(void **state)
{
	struct resets *resets = *state;

	resets_quiet(resets, 70);
	for (unsigned round = 0; round < 5; round++) {
		for (unsigned i = 0; i < 1000; i++)
			resets_reset(resets, 7, 1024 + i, used);
		resets_quiet(resets, 1);
		for (unsigned i = 0; i < 1000; i++)
			resets_reset(resets, 7, 1024 + i, used);
		resets_quiet(resets, 60);
	}
	told_silent(&resets->told, KIND);
}

/* Many clients, none of which stands out: a flash crowd that gives up. */
static void many_peers(void **state)
{
	struct resets *resets = *state;

	resets_quiet(resets, 70);
	for (unsigned i = 0; i < 40000; i++) {
		resets_reset(resets, 1 + i % 2000, 40000, used);
		resets_wait(resets, SECOND_NS / 1000);
		if (i % 1000 == 999)
			resets_slice(resets);
	}
	told_silent(&resets->told, KIND);
}

/* It is found among thousands that come once, which take all the room there is. */
static void one_among_many(void **state)
{
	struct resets *resets = *state;

	resets_quiet(resets, 70);
	for (unsigned i = 0; i < 10000; i++) {
		resets_reset(resets, 7, 40000, used);
		resets_reset(resets, 1000 + i, 40000, used);
		resets_reset(resets, 7, 40001, used);
		resets_wait(resets, SECOND_NS / 1000);
		if (i % 1000 == 999)
			resets_slice(resets);
	}
	assert_int_equal(told_count(&resets->told, KIND, ANY_STATUS), 1);
	assert_int_equal(resets_last(resets, KIND)->peers[0].key.address[15], 7);
	assert_int_equal((int)told_fact(resets_last(resets, KIND), "share_percent"), 66);
}

/* One that stands for less than half is not looked at, and one of another namespace is. */
static void share_is_that_of_its_namespace(void **state)
{
	struct resets *resets = *state;

	resets_quiet(resets, 70);
	for (unsigned second = 0; second < 10; second++) {
		for (unsigned i = 0; i < 40; i++)
			resets_reset(resets, 7, 1024 + i, used);
		for (unsigned i = 0; i < 50; i++)
			resets_reset(resets, 100 + i, 40000, used);
		resets_quiet(resets, 1);
	}
	told_silent(&resets->told, KIND);
	for (unsigned second = 0; second < 10; second++) {
		for (unsigned i = 0; i < 50; i++) {
			struct rst_event event = resets_event_of(
				resets, RST_RECEIVED, RST_STAGE_ESTABLISHED, 7, 1024 + i);

			event.netns = 8;
			resets_feed(resets, event, &used);
			resets_reset(resets, 100 + i, 40000, used);
		}
		resets_quiet(resets, 1);
	}
	assert_int_equal(told_count(&resets->told, KIND, ANY_STATUS), 1);
	assert_int_equal(resets_last(resets, KIND)->netns, 8);
}

/* What the connections were is not known of all: they count as used. */
static void unknown_connections(void **state)
{
	struct resets *resets = *state;

	resets_quiet(resets, 70);
	for (unsigned second = 0; second < 10; second++) {
		for (unsigned i = 0; i < 6; i++)
			resets_feed(resets,
				    resets_event_of(resets, RST_RECEIVED, RST_STAGE_ESTABLISHED, 7,
						    1024 + i),
				    NULL);
		resets_quiet(resets, 1);
	}
	assert_int_equal(told_count(&resets->told, KIND, ANY_STATUS), 1);
}

/* A paused reader: five minutes in one slice. What is 1/s is not 300 in 10 s, and what was a storm
 * within it is one. */
static void long_slices(void **state)
{
	struct resets *resets = *state;

	resets_quiet(resets, 70);
	for (unsigned i = 0; i < 300; i++) {
		resets_reset(resets, 7, 1024 + i, used);
		resets_wait(resets, SECOND_NS);
	}
	resets_slice(resets);
	told_silent(&resets->told, KIND);
	for (unsigned i = 0; i < 1000; i++) {
		resets_reset(resets, 8, 1024 + i, used);
		resets_wait(resets, SECOND_NS / 100);
	}
	resets_wait(resets, 300 * SECOND_NS);
	resets_slice(resets);
	assert_int_equal(resets->told.alerts[0].status, ALERT_RAISED);
	assert_int_equal(resets->told.alerts[0].kind, KIND);
	resets_quiet(resets, 1);
	assert_int_equal(resets_last(resets, KIND)->status, ALERT_CLEARED);
}

/* What resets hit while both ends were closing ended no working connection. */
static void resets_while_closing(void **state)
{
	struct resets *resets = *state;

	resets_quiet(resets, 70);
	for (unsigned second = 0; second < 20; second++) {
		for (unsigned i = 0; i < 100; i++)
			resets_feed(resets,
				    resets_event_of(resets, RST_RECEIVED, RST_STAGE_CLOSING, 7,
						    1024 + i),
				    &used);
		resets_quiet(resets, 1);
	}
	told_silent(&resets->told, KIND);
}

/* Of several ports: it is about none of them alone. */
static void several_ports(void **state)
{
	struct resets *resets = *state;
	const struct alert *alert;

	resets_quiet(resets, 70);
	for (unsigned second = 0; second < 10; second++) {
		for (unsigned i = 0; i < 60; i++) {
			struct rst_event event = resets_event_of(
				resets, RST_RECEIVED, RST_STAGE_ESTABLISHED, 7, 1024 + i);

			event.local_port += i % 3;
			resets_feed(resets, event, &used);
		}
		resets_quiet(resets, 1);
	}
	assert_int_equal(told_count(&resets->told, KIND, ANY_STATUS), 1);
	resets_quiet(resets, 75);
	alert = resets_last(resets, KIND);
	assert_int_equal(alert->local_port, 0);
	assert_int_equal(alert->touched.count, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RESETS_TEST(one_client_among_twenty),
		RESETS_TEST(its_resets_are_claimed),
		RESETS_TEST(health_checks),
		RESETS_TEST(many_health_checks_from_the_beginning),
		RESETS_TEST(something_new_in_the_first_minute),
		RESETS_TEST(health_checks_after_a_pause),
		RESETS_TEST(used_connections_from_the_beginning),
		RESETS_TEST(killed_load_generator),
		RESETS_TEST(many_peers),
		RESETS_TEST(one_among_many),
		RESETS_TEST(share_is_that_of_its_namespace),
		RESETS_TEST(unknown_connections),
		RESETS_TEST(long_slices),
		RESETS_TEST(resets_while_closing),
		RESETS_TEST(several_ports),
	};

	return cmocka_run_group_tests_name("storm", tests, NULL, NULL);
}

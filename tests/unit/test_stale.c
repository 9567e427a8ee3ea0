// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "resets.h"

#define KIND ALERT_STALE_CONNECTIONS
#define DATA (RST_FLAG_ACK | RST_FLAG_PSH)

static void listener(struct resets *resets, uint64_t time_ns, enum rst_listener_change change)
{
	struct rst_listener told = {.time_ns = time_ns,
				    .socket = time_ns,
				    .netns = RESETS_NETNS,
				    .port = RESETS_PORT,
				    .change = change};

	if (change == RST_LISTENER_CLOSED)
		told.socket = resets->listeners.sockets.used
				      ? resets->listeners.sockets_entries[0].socket
				      : 0;
	unit_ipv4(told.address, 0);
	listeners_add(&resets->listeners, &told);
}

static void late(struct resets *resets, uint32_t peer, uint16_t peer_port)
{
	struct rst_event event = resets_event_of(resets, RST_SENT, RST_TIME_WAIT, peer, peer_port);

	event.flags = RST_EVENT_TRIGGER;
	event.trigger = DATA;
	event.state = RST_STATE_TIME_WAIT;
	resets_feed(resets, event, NULL);
}

static void idle(struct resets *resets, uint32_t peer, uint16_t peer_port, uint32_t idle_ms)
{
	resets_reset(resets, peer, peer_port,
		     (struct rst_connection){.bytes_in = 10,
					     .bytes_out = 10,
					     .age_ms = idle_ms + 1000,
					     .idle_ms = idle_ms});
}

/* --- of connections that we do not know --- */

static void twenty_within_a_minute(void **state)
{
	struct resets *resets = *state;
	const struct alert *alert;

	for (unsigned i = 0; i < 20; i++) {
		resets_stale(resets, 7, 40000 + i, DATA);
		assert_int_equal(told_count(&resets->told, KIND, ANY_STATUS), i >= 4);
		resets_wait(resets, 3 * SECOND_NS);
		resets_slice(resets);
	}
	alert = resets_last(resets, KIND);
	assert_int_equal(alert->status, ALERT_RAISED);
	assert_int_equal(alert->severity, ALERT_INFO);
	assert_int_equal(alert->proof, ALERT_PROOF_NONE);
	assert_int_equal(alert->local_port, RESETS_PORT);
	assert_int_equal(alert->total, 5);
	assert_int_equal((int)told_fact(alert, "segments"), 5);
	assert_int_equal((int)told_fact(alert, "connections"), 5);
	assert_string_equal(alert->words[0].value, "unknown");
	told_says(alert, "10.0.0.7 sent 5 segments on 5 connections of port 80");
	resets_quiet(resets, 120);
	alert = resets_last(resets, KIND);
	assert_int_equal(alert->status, ALERT_CLEARED);
	assert_int_equal(alert->total, 20);
	assert_int_equal((int)told_fact(alert, "connections"), 20);
	told_says(alert, "Over: ");
}

static void its_resets_are_claimed(void **state)
{
	struct resets *resets = *state;
	struct rst_event event = resets_event_of(resets, RST_SENT, RST_HALF_OPEN, 7, 40000);
	struct rst_port_key key;

	event.role = RST_ROLE_UNKNOWN;
	key = classify_port_key(&event);
	for (unsigned i = 0; i < 4; i++)
		resets_stale(resets, 7, 40000 + i, DATA);
	assert_int_equal(detect_count(&resets->detect, &key, 10), 0);
	for (unsigned i = 0; i < 3; i++)
		resets_stale(resets, 7, 40000 + i, DATA);
	assert_int_equal(detect_count(&resets->detect, &key, 10), 3);
}

/* Two connections that are as obstinate as they like; and a few in each minute. */
static void few_connections_or_few_segments(void **state)
{
	struct resets *resets = *state;

	for (unsigned i = 0; i < 1000; i++) {
		resets_stale(resets, 7, 40000 + i % 2, DATA);
		resets_wait(resets, SECOND_NS / 10);
	}
	resets_quiet(resets, 120);
	for (unsigned i = 0; i < 100; i++) {
		resets_stale(resets, 7, 1024 + i, DATA);
		resets_wait(resets, 16 * SECOND_NS);
		resets_slice(resets);
	}
	/* One a network. */
	for (unsigned i = 0; i < 20000; i++)
		resets_stale(resets, i << 8, 40000, DATA);
	resets_slice(resets);
	told_silent(&resets->told, KIND);
}

/* Two connections that go on for an hour, and now and then another one: not three at a time. */
static void connections_of_long_ago_do_not_count(void **state)
{
	struct resets *resets = *state;

	for (unsigned i = 0; i < 200; i++) {
		resets_stale(resets, 7, 40000, DATA);
		if (i % 20 == 0)
			resets_stale(resets, 7, 50000 + i, DATA);
		resets_wait(resets, 7 * SECOND_NS);
		resets_slice(resets);
	}
	told_silent(&resets->told, KIND);
}

static void many_are_a_warning(void **state)
{
	struct resets *resets = *state;

	for (unsigned i = 0; i < 60; i++) {
		resets_stale(resets, 7, 40000 + i, DATA);
		resets_wait(resets, SECOND_NS / 2);
		assert_int_equal(told_count(&resets->told, KIND, ANY_STATUS), i < 4    ? 0
									      : i < 49 ? 1
										       : 2);
	}
	assert_int_equal(resets_last(resets, KIND)->status, ALERT_UPDATED);
	assert_int_equal(resets_last(resets, KIND)->severity, ALERT_WARNING);
}

static void lasting_is_a_warning(void **state)
{
	struct resets *resets = *state;

	for (unsigned i = 0; i < 40; i++) {
		resets_stale(resets, 7, 40000 + i, DATA);
		resets_quiet(resets, 10);
	}
	assert_int_equal(resets_last(resets, KIND)->severity, ALERT_WARNING);
}

/* Peers of all networks: one alert of the service, and it says how many they are. */
static void many_networks_are_one_alert(void **state)
{
	struct resets *resets = *state;

	for (unsigned i = 0; i < 40; i++)
		for (unsigned j = 0; j < 6; j++)
			resets_stale(resets, i << 8, 40000 + j, DATA);
	assert_int_equal(told_count(&resets->told, KIND, ANY_STATUS), 1);
	resets_quiet(resets, 121);
	assert_true(resets_last(resets, KIND)->peers_estimated);
	assert_in_range(resets_last(resets, KIND)->peers_all, 36, 40);
	told_says(resets_last(resets, KIND), " and others sent ");
}

/* What was under way when we reset the connection: an upload that the service refuses. */
static void upload_that_we_reset(void **state)
{
	struct resets *resets = *state;

	for (unsigned i = 0; i < 100; i++) {
		struct rst_event event =
			resets_event_of(resets, RST_SENT, RST_ABORTED, 7, 40000 + i);

		resets_feed(resets, event, NULL);
		for (unsigned j = 0; j < 10; j++) {
			resets_wait(resets, SECOND_NS / 100);
			resets_stale(resets, 7, 40000 + i, DATA);
		}
	}
	told_silent(&resets->told, KIND);
	/* But who has not seen our reset, and goes on later, is stale. */
	resets_wait(resets, SECOND_NS / 4);
	for (unsigned i = 0; i < 5; i++)
		resets_stale(resets, 7, 40000 + i, DATA);
	assert_int_equal(told_count(&resets->told, KIND, ANY_STATUS), 1);
}

/* The service was stopped, or restarted: its connections are another detector's. */
static void service_that_stopped(void **state)
{
	struct resets *resets = *state;

	listener(resets, resets->now_ns - 1000 * SECOND_NS, RST_LISTENER_OPENED);
	listener(resets, resets->now_ns - SECOND_NS, RST_LISTENER_CLOSED);
	for (unsigned i = 0; i < 100; i++) {
		resets_stale(resets, 7, 40000 + i, DATA);
		late(resets, 7, 50000 + i);
	}
	listener(resets, resets->now_ns, RST_LISTENER_OPENED);
	for (unsigned i = 0; i < 100; i++) {
		resets_wait(resets, SECOND_NS / 2);
		resets_stale(resets, 7, 40000 + i, DATA);
		late(resets, 7, 50000 + i);
	}
	told_silent(&resets->told, KIND);
	resets_wait(resets, 61 * SECOND_NS);
	for (unsigned i = 0; i < 5; i++)
		resets_stale(resets, 7, 40000 + i, DATA);
	assert_int_equal(told_count(&resets->told, KIND, ANY_STATUS), 1);
}

/* The first service that ever listened there has no connections of an earlier one. */
static void service_that_is_new(void **state)
{
	struct resets *resets = *state;

	listener(resets, resets->now_ns - SECOND_NS, RST_LISTENER_OPENED);
	for (unsigned i = 0; i < 5; i++)
		resets_stale(resets, 7, 40000 + i, DATA);
	assert_int_equal(told_count(&resets->told, KIND, ANY_STATUS), 1);
}

/* A service on a high port: that it listens tells that it is one, and not the lower number. */
static void service_on_a_high_port(void **state)
{
	struct resets *resets = *state;
	struct rst_listener told = {.time_ns = resets->now_ns - 1000 * SECOND_NS,
				    .socket = 1,
				    .netns = RESETS_NETNS,
				    .port = 60000,
				    .change = RST_LISTENER_FOUND};

	unit_ipv4(told.address, 0);
	listeners_add(&resets->listeners, &told);
	for (unsigned i = 0; i < 10; i++) {
		struct rst_event event =
			resets_event_of(resets, RST_SENT, RST_HALF_OPEN, 7, 40000 + i % 5);

		event.role = RST_ROLE_UNKNOWN;
		event.flags = RST_EVENT_TRIGGER;
		event.trigger = DATA;
		event.local_port = 60000;
		resets_feed(resets, event, NULL);
	}
	assert_int_equal(resets_last(resets, KIND)->local_port, 60000);
	/* And where nobody listens, the lower one is the service's. */
	for (unsigned i = 0; i < 5; i++) {
		struct rst_event event = resets_event_of(resets, RST_SENT, RST_HALF_OPEN, 7, 5432);

		event.role = RST_ROLE_UNKNOWN;
		event.flags = RST_EVENT_TRIGGER;
		event.trigger = DATA;
		event.local_port = 50000 + i;
		resets_feed(resets, event, NULL);
	}
	assert_int_equal(resets_last(resets, KIND)->peer_port, 5432);
}

/* A flood of forged ACKs does not hide the stale ones. */
static void forged_flood_does_not_evict(void **state)
{
	struct resets *resets = *state;
	unsigned told = 0;

	for (unsigned i = 0; i < 8; i++) {
		resets_stale(resets, 0xff0007, 40000 + i, DATA);
		resets_stale(resets, 0xff0007, 40000 + i, DATA);
		for (unsigned j = 0; j < 1000; j++)
			resets_stale(resets, (i * 1000 + j) << 8, 40000, DATA);
	}
	resets_slice(resets);
	told = told_count(&resets->told, KIND, ANY_STATUS);
	assert_int_equal(told, 1);
}

/* A paused reader. */
static void long_slice(void **state)
{
	struct resets *resets = *state;

	for (unsigned i = 0; i < 100; i++) {
		resets_stale(resets, 7, 1024 + i, DATA);
		resets_wait(resets, 20 * SECOND_NS);
	}
	resets_slice(resets);
	told_silent(&resets->told, KIND);
}

/* --- after we have closed --- */

static void pool_that_keeps_too_long(void **state)
{
	struct resets *resets = *state;
	const struct alert *alert;

	for (unsigned i = 0; i < 25; i++) {
		late(resets, 7, 40000 + i);
		assert_int_equal(told_count(&resets->told, KIND, ANY_STATUS), i >= 19);
		resets_wait(resets, 2 * SECOND_NS);
	}
	alert = resets_last(resets, KIND);
	assert_int_equal(alert->severity, ALERT_INFO);
	assert_int_equal(alert->proof, ALERT_PROOF_HANDSHAKE);
	assert_int_equal(alert->total, 20);
	assert_int_equal((int)told_fact(alert, "connections"), 20);
	assert_string_equal(alert->words[0].value, "pool");
	told_says(alert, "sent 20 segments after this host had closed 20 connections");
}

static void now_and_then_a_late_one(void **state)
{
	struct resets *resets = *state;

	for (unsigned i = 0; i < 200; i++) {
		late(resets, 7, 40000 + i);
		resets_wait(resets, 4 * SECOND_NS);
		resets_slice(resets);
	}
	told_silent(&resets->told, KIND);
}

/* --- idle ones that are reset --- */

static void timeout_is_inferred(void **state)
{
	struct resets *resets = *state;
	const struct alert *alert;

	for (unsigned i = 0; i < 8; i++) {
		idle(resets, 7, 40000 + i, 35000 + (i * 7 % 8) * 200);
		assert_int_equal(told_count(&resets->told, KIND, ANY_STATUS), i >= 4);
		resets_wait(resets, 4 * SECOND_NS);
	}
	resets_slice(resets);
	resets_quiet(resets, 121);
	alert = resets_last(resets, KIND);
	assert_int_equal(alert->total, 8);
	assert_true(told_fact(alert, "inferred_timeout_seconds") >= 35 * 0.95);
	assert_true(told_fact(alert, "inferred_timeout_seconds") <= 35 * 1.05);
	assert_string_equal(alert->words[0].value, "idle");
	assert_string_equal(alert->words[1].value, "unknown"); /* nobody is known for that */
	told_says(alert, "seems to forget them after 35 s");
}

/* In whatever order they come. */
static void least_idle_time_comes_last(void **state)
{
	struct resets *resets = *state;

	for (unsigned i = 0; i < 20; i++)
		idle(resets, 7, 40000 + i, 400000 - i * 5000);
	resets_slice(resets);
	resets_quiet(resets, 121);
	assert_int_equal((int)told_fact(resets_last(resets, KIND), "inferred_timeout_seconds"),
			 305);
}

/* What was suspected of the first five is not said of a shorter one. */
static void suspicion_is_taken_back(void **state)
{
	struct resets *resets = *state;

	for (unsigned i = 0; i < 5; i++)
		idle(resets, 7, 40000 + i, 350000 + i * 10);
	told_says(resets_last(resets, KIND), "load balancers");
	for (unsigned i = 5; i < 10; i++)
		idle(resets, 7, 40000 + i, 100000 + i * 10);
	resets_slice(resets);
	resets_quiet(resets, 121);
	told_says(resets_last(resets, KIND), "after 100.1 s");
	assert_null(strstr(resets_last(resets, KIND)->summary, "load balancers"));
}

static void known_timeouts_are_named(void **state)
{
	static const struct {
		unsigned idle_ms;
		const char *says;
	} cases[] = {
		{350200, "after 350.2 s, as many load balancers and NAT gateways do"},
		{240100, "after 240.1 s, as many load balancers and NAT gateways do"},
		{605000, "after 605 s, as many load balancers and NAT gateways do"},
		{3600000, "after 3600 s, as many firewalls do"},
	};
	struct resets *resets = *state;

	for (unsigned i = 0; i < COUNT_OF(cases); i++) {
		for (unsigned j = 0; j < 5; j++)
			idle(resets, i << 8, 40000 + j, cases[i].idle_ms + j * 10);
		told_says(resets_last(resets, KIND), cases[i].says);
		resets_quiet(resets, 2000);
	}
}

/* Idle times without a common one: no timeout is made up. */
static void no_timeout_is_made_up(void **state)
{
	struct resets *resets = *state;

	for (unsigned i = 0; i < 20; i++)
		idle(resets, 7, 40000 + i, 20000 + i * 3000);
	assert_int_equal(told_count(&resets->told, KIND, ANY_STATUS), 1);
	assert_true(told_fact(resets_last(resets, KIND), "inferred_timeout_seconds") < 0);
	assert_int_equal((int)told_fact(resets_last(resets, KIND), "idle_seconds_min"), 20);
}

/* An outlier on the long side changes nothing: some had just been idle for longer. */
static void longer_idle_times_do_not_matter(void **state)
{
	struct resets *resets = *state;

	for (unsigned i = 0; i < 4; i++)
		idle(resets, 7, 40000 + i, 350000 + i);
	for (unsigned i = 4; i < 8; i++)
		idle(resets, 7, 40000 + i, 900000 + i);
	idle(resets, 7, 50000, 350500);
	resets_slice(resets);
	resets_quiet(resets, 121);
	assert_int_equal((int)told_fact(resets_last(resets, KIND), "inferred_timeout_seconds"),
			 350);
	assert_int_equal((int)told_fact(resets_last(resets, KIND), "idle_seconds_max"), 900);
}

static void busy_connections_are_not_stale(void **state)
{
	struct resets *resets = *state;

	for (unsigned i = 0; i < 100; i++) {
		idle(resets, 7, 1024 + i, 19999);
		resets_wait(resets, SECOND_NS);
		resets_slice(resets);
	}
	told_silent(&resets->told, KIND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RESETS_TEST(twenty_within_a_minute),
		RESETS_TEST(its_resets_are_claimed),
		RESETS_TEST(few_connections_or_few_segments),
		RESETS_TEST(connections_of_long_ago_do_not_count),
		RESETS_TEST(many_are_a_warning),
		RESETS_TEST(lasting_is_a_warning),
		RESETS_TEST(many_networks_are_one_alert),
		RESETS_TEST(upload_that_we_reset),
		RESETS_TEST(service_that_stopped),
		RESETS_TEST(service_that_is_new),
		RESETS_TEST(service_on_a_high_port),
		RESETS_TEST(forged_flood_does_not_evict),
		RESETS_TEST(long_slice),
		RESETS_TEST(pool_that_keeps_too_long),
		RESETS_TEST(now_and_then_a_late_one),
		RESETS_TEST(timeout_is_inferred),
		RESETS_TEST(least_idle_time_comes_last),
		RESETS_TEST(suspicion_is_taken_back),
		RESETS_TEST(known_timeouts_are_named),
		RESETS_TEST(no_timeout_is_made_up),
		RESETS_TEST(longer_idle_times_do_not_matter),
		RESETS_TEST(busy_connections_are_not_stale),
	};

	return cmocka_run_group_tests_name("stale", tests, NULL, NULL);
}

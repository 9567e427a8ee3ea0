// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "resets.h"

#define KIND  ALERT_RESET_INJECTION
#define ACK   RST_FLAG_ACK
#define DATA  (RST_FLAG_ACK | RST_FLAG_PSH)
#define MS_NS (SECOND_NS / 1000)

static const struct rst_connection old = {
	.bytes_in = 1000, .bytes_out = 200, .age_ms = 3600000, .idle_ms = 10};

/* --- forged --- */

static void peer_that_goes_on(void **state)
{
	struct resets *resets = *state;
	const struct alert *alert;

	resets_reset(resets, 7, 40000, old);
	resets_wait(resets, 50 * MS_NS);
	told_silent(&resets->told, KIND);
	resets_stale(resets, 7, 40000, DATA);
	alert = resets_last(resets, KIND);
	assert_int_equal(alert->status, ALERT_RAISED);
	assert_int_equal(alert->time_ns, resets->now_ns);
	assert_int_equal(alert->severity, ALERT_WARNING);
	assert_int_equal(alert->proof, ALERT_PROOF_NONE);
	assert_int_equal(alert->local_port, RESETS_PORT);
	assert_int_equal(alert->total, 1);
	assert_string_equal(alert->words[0].value, "forged");
	assert_int_equal((int)told_fact(alert, "connections"), 1);
	assert_int_equal((int)told_fact(alert, "contradicted_after_ms"), 50);
	assert_int_equal((int)told_fact(alert, "connection_bytes"), 1200);
	assert_int_equal((int)told_fact(alert, "connection_age_seconds"), 3600);
	told_says(alert, "Forged resets ended 1 connection of port 80 with 10.0.0.7:");
	told_says(alert, "tcpdump -nv 'host 10.0.0.7 and port 80 and tcp[13] & 4 != 0'");
}

/* Even when it is in the middle of a stream: data cannot stand behind the end of all data. */
static void data_right_behind_the_reset(void **state)
{
	struct resets *resets = *state;

	resets_reset(resets, 7, 40000, old);
	resets_wait(resets, 5000);
	resets_stale(resets, 7, 40000, ACK);
	told_silent(&resets->told, KIND);
	resets_stale(resets, 7, 40000, DATA);
	assert_int_equal(resets_last(resets, KIND)->total, 2);
}

/* Acknowledgements that the reset has overtaken: a client that gives up in a download. */
static void acks_right_behind_the_reset(void **state)
{
	struct resets *resets = *state;

	for (unsigned port = 40000; port < 40100; port++) {
		resets_reset(resets, 7, port, old);
		for (unsigned i = 0; i < 8; i++) {
			resets_wait(resets, 50000);
			resets_stale(resets, 7, port, ACK);
		}
	}
	resets_slice(resets);
	told_silent(&resets->told, KIND);
}

/* But not so many, for so long. */
static void acks_that_go_on(void **state)
{
	struct resets *resets = *state;

	resets_reset(resets, 7, 40000, old);
	for (unsigned i = 0; i < 5; i++) {
		resets_wait(resets, MS_NS / 2);
		resets_stale(resets, 7, 40000, ACK);
	}
	assert_int_equal(resets_last(resets, KIND)->total, 5);
	resets_reset(resets, 8, 40000, old);
	resets_wait(resets, 10 * MS_NS);
	resets_stale(resets, 8, 40000, ACK);
	resets_slice(resets);
	resets_quiet(resets, 61);
	assert_int_equal((int)told_fact(resets_last(resets, KIND), "connections"), 2);
}

static void three_connections_are_critical(void **state)
{
	struct resets *resets = *state;

	for (unsigned i = 1; i <= 3; i++) {
		resets_reset(resets, i, 40000, old);
		resets_wait(resets, 20 * MS_NS);
		resets_stale(resets, i, 40000, DATA);
		resets_stale(resets, i, 40000, DATA); /* the same connection */
	}
	assert_int_equal(told_count(&resets->told, KIND, ANY_STATUS), 2);
	assert_int_equal(resets_last(resets, KIND)->status, ALERT_UPDATED);
	assert_int_equal(resets_last(resets, KIND)->severity, ALERT_CRITICAL);
	assert_int_equal((int)told_fact(resets_last(resets, KIND), "connections"), 3);
	resets_quiet(resets, 61);
	assert_int_equal(resets_last(resets, KIND)->status, ALERT_CLEARED);
	assert_int_equal(resets_last(resets, KIND)->total, 6);
	assert_int_equal(resets_last(resets, KIND)->peers_all, 3);
	told_says(resets_last(resets, KIND), "Over: forged resets ended 3 connections");
}

/* A load generator is killed: its connections end at once, and none of them goes on. */
static void many_resets_and_silence(void **state)
{
	struct resets *resets = *state;

	for (unsigned port = 1024; port < 3024; port++)
		resets_reset(resets, 7, port, old);
	resets_quiet(resets, 10);
	told_silent(&resets->told, KIND);
}

/* A client that uses the same port again is no contradiction, nor what comes too late. */
static void new_connections_and_late_segments(void **state)
{
	struct resets *resets = *state;

	resets_reset(resets, 7, 40000, old);
	resets_reset(resets, 7, 40001, old);
	resets_wait(resets, 100 * MS_NS);
	resets_stale(resets, 7, 40000, RST_FLAG_SYN);
	resets_wait(resets, 3 * SECOND_NS);
	resets_stale(resets, 7, 40001, DATA);
	resets_slice(resets);
	told_silent(&resets->told, KIND);
}

/* A connection that we were closing is reset often, and data crosses it. */
static void reset_while_closing(void **state)
{
	struct resets *resets = *state;
	struct rst_event event = resets_event_of(resets, RST_RECEIVED, RST_STAGE_CLOSING, 7, 40000);

	event.state = RST_STATE_FIN_WAIT1;
	resets_feed(resets, event, &old);
	resets_wait(resets, 50 * MS_NS);
	resets_stale(resets, 7, 40000, DATA);
	told_silent(&resets->told, KIND);
}

/* Our end is the client: the port is the peer's. */
static void forged_against_our_client(void **state)
{
	struct resets *resets = *state;
	struct rst_event event =
		resets_event_of(resets, RST_RECEIVED, RST_STAGE_ESTABLISHED, 7, 5432);
	const struct alert *alert;

	event.role = RST_ROLE_CLIENT;
	event.local_port = 50000;
	resets_feed(resets, event, &old);
	resets_wait(resets, 50 * MS_NS);
	event = resets_event_of(resets, RST_SENT, RST_HALF_OPEN, 7, 5432);
	event.local_port = 50000;
	event.flags = RST_EVENT_TRIGGER;
	event.trigger = DATA;
	event.role = RST_ROLE_UNKNOWN;
	resets_feed(resets, event, NULL);
	alert = resets_last(resets, KIND);
	assert_int_equal(alert->peer_port, 5432);
	told_says(alert, " to port 5432 with 10.0.0.7");
}

/* --- blind --- */

static void reject(struct resets *resets, uint32_t peer, uint16_t peer_port)
{
	resets_feed(resets,
		    resets_event_of(resets, RST_RECEIVED, RST_STAGE_REJECTED, peer, peer_port),
		    &old);
}

static uint64_t count(struct resets *resets, uint64_t rejected)
{
	struct rst_event event =
		resets_event_of(resets, RST_RECEIVED, RST_STAGE_REJECTED, 7, 40000);
	struct rst_port_key key = classify_port_key(&event);

	return detect_count(&resets->detect, &key, rejected);
}

static void challenges(struct resets *resets, uint64_t sent)
{
	struct record_queues queues = {.netns = RESETS_NETNS};

	queues.counters[QUEUE_CHALLENGES] = sent;
	detect_queues(&resets->detect, &queues);
}

/* 36000 in a fifth of a second, of which the ring buffer had but a few. */
static void sweep(void **state)
{
	struct resets *resets = *state;
	const struct alert *alert;

	challenges(resets, 500);
	resets_slice(resets);
	for (unsigned i = 0; i < 100; i++) {
		reject(resets, 7, 40000);
		resets_wait(resets, 2 * MS_NS);
		assert_int_equal(told_count(&resets->told, KIND, ANY_STATUS), i >= 2);
	}
	assert_int_equal(resets_last(resets, KIND)->severity, ALERT_INFO);
	assert_int_equal(resets_last(resets, KIND)->total, 3);
	assert_int_equal(count(resets, 36000), 36000); /* it is explained as a whole */
	challenges(resets, 501);
	resets_slice(resets);
	alert = resets_last(resets, KIND);
	assert_int_equal(alert->status, ALERT_UPDATED);
	assert_int_equal(alert->severity, ALERT_WARNING);
	assert_int_equal(alert->total, 36000);
	assert_int_equal((int)told_fact(alert, "rejected_resets"), 36000);
	assert_int_equal((int)told_fact(alert, "connections"), 1);
	assert_int_equal((int)told_fact(alert, "challenge_acks"), 1);
	assert_int_equal((int)told_fact(alert, "blind_syns"), 0);
	assert_string_equal(alert->words[0].value, "blind");
	assert_int_equal(alert->proof, ALERT_PROOF_NONE);
	told_says(alert, "36000 resets that do not fit hit 1 connection of");
	resets_quiet(resets, 61);
	assert_int_equal(resets_last(resets, KIND)->status, ALERT_CLEARED);
	assert_int_equal(count(resets, 1), 0);
}

/* 100 a second for some time: two words until it is over, and every one counted. */
static void slow_sweep(void **state)
{
	struct resets *resets = *state;

	for (unsigned second = 0; second < 30; second++) {
		for (unsigned i = 0; i < 100; i++) {
			reject(resets, 7, 40000);
			resets_wait(resets, 10 * MS_NS);
		}
		assert_int_equal(count(resets, 100), 100);
		resets_slice(resets);
	}
	assert_int_equal(told_count(&resets->told, KIND, ANY_STATUS), 2);
	assert_int_equal(resets_last(resets, KIND)->severity, ALERT_WARNING);
	resets_quiet(resets, 60);
	assert_int_equal(resets_last(resets, KIND)->total, 3000);
	assert_true(told_fact(resets_last(resets, KIND), "segments_per_second") > 99);
	assert_true(told_fact(resets_last(resets, KIND), "segments_per_second") < 104);
}

static void three_within_ten_seconds(void **state)
{
	struct resets *resets = *state;

	for (unsigned i = 0; i < 10; i++) {
		reject(resets, 7, 40000);
		resets_wait(resets, 5001 * MS_NS);
		assert_int_equal(count(resets, 1), 0);
		resets_slice(resets);
	}
	told_silent(&resets->told, KIND);
	resets_wait(resets, 20 * SECOND_NS);
	reject(resets, 7, 40000);
	assert_int_equal(count(resets, 1), 0);
	resets_wait(resets, 5 * SECOND_NS);
	resets_slice(resets);
	reject(resets, 7, 40000);
	assert_int_equal(count(resets, 1), 0);
	resets_wait(resets, 5 * SECOND_NS);
	resets_slice(resets);
	reject(resets, 7, 40000);
	assert_int_equal(resets_last(resets, KIND)->total, 3);
	/* Two of them were in the counters of earlier slices. */
	assert_int_equal(count(resets, 4), 4);
	resets_slice(resets);
	resets_quiet(resets, 61);
	assert_int_equal(resets_last(resets, KIND)->total, 6);
}

/* A middlebox sends a reset twice; a reset overtakes data, is rejected, and then comes right. */
static void strays_and_reordering(void **state)
{
	struct resets *resets = *state;

	for (unsigned port = 40000; port < 40009; port++) {
		reject(resets, 7, port);
		reject(resets, 7, port);
	}
	resets_quiet(resets, 30);
	for (unsigned i = 0; i < 5000; i++) {
		reject(resets, i, 40000);
		resets_wait(resets, MS_NS);
		resets_reset(resets, i, 40000, old);
		resets_wait(resets, MS_NS);
		if (i % 100 == 99) {
			assert_int_equal(count(resets, 100), 0);
			resets_slice(resets);
		}
	}
	told_silent(&resets->told, KIND);
}

/* The end of the slice comes between the reset that missed and the right one. */
static void right_resets_of_the_next_slice(void **state)
{
	struct resets *resets = *state;

	for (unsigned i = 0; i < 100; i++)
		reject(resets, i, 40000);
	resets_wait(resets, 80 * MS_NS);
	resets_slice(resets);
	for (unsigned i = 0; i < 100; i++)
		resets_reset(resets, i, 40000, old);
	resets_quiet(resets, 10);
	told_silent(&resets->told, KIND);
}

/* Twenty that live on, though each was hit but once. */
static void spread_over_many_connections(void **state)
{
	struct resets *resets = *state;
	const struct alert *alert;

	for (unsigned i = 0; i < 20; i++) {
		reject(resets, i, 40000);
		resets_wait(resets, 10 * MS_NS);
	}
	resets_wait(resets, 800 * MS_NS);
	resets_slice(resets);
	alert = resets_last(resets, KIND);
	assert_int_equal(alert->status, ALERT_RAISED);
	assert_int_equal(alert->severity, ALERT_WARNING);
	assert_int_equal(alert->total, 20);
	assert_int_equal((int)told_fact(alert, "connections"), 20);
	assert_int_equal(count(resets, 30), 30);
	resets_quiet(resets, 80);
	assert_int_equal(resets_last(resets, KIND)->status, ALERT_CLEARED);
	assert_int_equal(resets_last(resets, KIND)->total, 50);
}

/* The paused reader: an hour in one slice is not ten seconds. */
static void long_slice(void **state)
{
	struct resets *resets = *state;

	for (unsigned i = 0; i < 300; i++) {
		reject(resets, i, 40000);
		resets_wait(resets, 12 * SECOND_NS);
	}
	assert_int_equal(count(resets, 300), 0);
	resets_slice(resets);
	told_silent(&resets->told, KIND);
}

/* Half-open connections are made by who sends SYNs: missing them is nobody's attack on us. */
static void half_open_connections_do_not_count(void **state)
{
	struct resets *resets = *state;

	for (unsigned i = 0; i < 100; i++) {
		struct rst_event event =
			resets_event_of(resets, RST_RECEIVED, RST_STAGE_REJECTED, 7, 40000);

		event.state = RST_STATE_NEW_SYN_RECV;
		resets_feed(resets, event, NULL);
	}
	resets_slice(resets);
	told_silent(&resets->told, KIND);
}

static void probe(struct resets *resets, unsigned state, unsigned trigger)
{
	struct rst_signal signal = {.time_ns = resets->now_ns,
				    .netns = RESETS_NETNS,
				    .local_port = RESETS_PORT,
				    .peer_port = 40000,
				    .kind = RST_SIGNAL_PROBE,
				    .state = state,
				    .trigger = trigger};

	unit_ipv4(signal.local, 0x0a000002);
	unit_ipv4(signal.peer, 0x0a000007);
	detect_signal(&resets->detect, &signal);
}

static void blind_syns(void **state)
{
	struct resets *resets = *state;
	const struct alert *alert;

	for (unsigned i = 0; i < 20; i++) {
		probe(resets, RST_STATE_ESTABLISHED, RST_FLAG_SYN);
		resets_wait(resets, 50 * MS_NS);
	}
	assert_int_equal(told_count(&resets->told, KIND, ANY_STATUS), 1);
	assert_int_equal(resets_last(resets, KIND)->severity, ALERT_INFO);
	assert_int_equal(resets_last(resets, KIND)->local_port, RESETS_PORT);
	resets_slice(resets);
	resets_quiet(resets, 61);
	alert = resets_last(resets, KIND);
	assert_int_equal(alert->total, 20);
	assert_int_equal((int)told_fact(alert, "blind_syns"), 20);
	assert_int_equal((int)told_fact(alert, "rejected_resets"), 0);
}

/* A peer that has rebooted tries again after 1, 3 and 7 s. Nor is a probe of a listener one. */
static void syns_of_a_rebooted_peer(void **state)
{
	static const unsigned after[] = {0, 1, 2, 4, 8, 16};
	struct resets *resets = *state;

	for (unsigned i = 0; i < COUNT_OF(after); i++) {
		resets_wait(resets, after[i] * SECOND_NS);
		probe(resets, RST_STATE_ESTABLISHED, RST_FLAG_SYN);
		resets_slice(resets);
	}
	for (unsigned i = 0; i < 100; i++) {
		probe(resets, RST_STATE_LISTEN, RST_FLAG_SYN | RST_FLAG_FIN);
		probe(resets, RST_STATE_ESTABLISHED, RST_FLAG_SYN | RST_FLAG_FIN);
		probe(resets, 0, RST_FLAG_FIN);
	}
	resets_slice(resets);
	told_silent(&resets->told, KIND);
}

static void three_targets_are_a_warning(void **state)
{
	struct resets *resets = *state;

	for (unsigned peer = 1; peer <= 3; peer++)
		for (unsigned i = 0; i < 3; i++)
			reject(resets, peer, 40000);
	assert_int_equal(told_count(&resets->told, KIND, ANY_STATUS), 2);
	assert_int_equal(resets_last(resets, KIND)->severity, ALERT_WARNING);
	assert_int_equal((int)told_fact(resets_last(resets, KIND), "connections"), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RESETS_TEST(peer_that_goes_on),
		RESETS_TEST(data_right_behind_the_reset),
		RESETS_TEST(acks_right_behind_the_reset),
		RESETS_TEST(acks_that_go_on),
		RESETS_TEST(three_connections_are_critical),
		RESETS_TEST(many_resets_and_silence),
		RESETS_TEST(new_connections_and_late_segments),
		RESETS_TEST(reset_while_closing),
		RESETS_TEST(forged_against_our_client),
		RESETS_TEST(sweep),
		RESETS_TEST(slow_sweep),
		RESETS_TEST(three_within_ten_seconds),
		RESETS_TEST(strays_and_reordering),
		RESETS_TEST(right_resets_of_the_next_slice),
		RESETS_TEST(spread_over_many_connections),
		RESETS_TEST(long_slice),
		RESETS_TEST(half_open_connections_do_not_count),
		RESETS_TEST(blind_syns),
		RESETS_TEST(syns_of_a_rebooted_peer),
		RESETS_TEST(three_targets_are_a_warning),
	};

	return cmocka_run_group_tests_name("injection", tests, NULL, NULL);
}

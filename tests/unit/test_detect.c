// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit.h"

#include "classify.h"
#include "detect.h"

#define START_NS (100000 * SECOND_NS)
#define PORT	 80

struct bench {
	struct detect detect;
	struct listeners listeners;
	struct processes processes;
	unsigned raised;
};

static void keep(void *context, struct incident *incident, enum alert_status status,
		 uint64_t now_ns)
{
	struct bench *bench = context;
	struct alert alert;

	bench->raised += status == ALERT_RAISED;
	book_alert(incident, status, now_ns, &alert);
	detect_describe(incident, &alert);
	assert_true(*alert.summary);
	assert_non_null(alert.advice);
}

static int setup(void **state)
{
	struct bench *bench = unit_zeroed(sizeof(*bench));

	listeners_init(&bench->listeners, 42);
	detect_init(&bench->detect, &bench->listeners, &bench->processes, keep, bench, 42);
	*state = bench;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

/* Of 10.0.0.2:80 with 10.0.0.7:40000. */
static struct rst_event event_of(unsigned direction, unsigned cause)
{
	struct rst_event event = {.time_ns = START_NS,
				  .netns = 7,
				  .local_port = PORT,
				  .peer_port = 40000,
				  .direction = direction,
				  .cause = cause,
				  .role = RST_ROLE_UNKNOWN};

	unit_ipv4(event.local, 0x0a000002);
	unit_ipv4(event.peer, 0x0a000007);
	return event;
}

/* Sent to a segment with these flags. */
static struct rst_event provoked(unsigned cause, unsigned trigger)
{
	struct rst_event event = event_of(RST_SENT, cause);

	event.flags = RST_EVENT_TRIGGER;
	event.trigger = trigger;
	return event;
}

static struct detect_event look(const struct bench *bench, const struct rst_event *event)
{
	struct detect_event seen = {.event = event};

	seen.class = detect_classify(&bench->detect, &seen);
	return seen;
}

static void feed(struct bench *bench, const struct rst_event *event)
{
	const struct owner nobody = {.known_by = OWNER_UNKNOWN};

	detect_event(&bench->detect, event, NULL, &nobody);
}

static void listen_change(struct bench *bench, uint64_t time_ns, enum rst_listener_change change)
{
	struct rst_listener listener = {
		.time_ns = time_ns, .socket = 1, .netns = 7, .port = PORT, .change = change};

	unit_ipv4(listener.address, 0);
	listeners_add(&bench->listeners, &listener);
	detect_listener(&bench->detect, &listener);
}

static void classes_of_what_we_sent(void **state)
{
	enum {
		F = RST_FLAG_FIN,
		S = RST_FLAG_SYN,
		P = RST_FLAG_PSH,
		A = RST_FLAG_ACK,
		U = RST_FLAG_URG
	};
	static const struct {
		unsigned cause, trigger;
		enum detect_class class;
	} cases[] = {
		{RST_CLOSED_PORT, S, DETECT_REFUSED_NEW},
		{RST_CLOSED_PORT, S | RST_FLAG_ECE | RST_FLAG_CWR, DETECT_REFUSED_NEW},
		{RST_CLOSED_PORT, S | F, DETECT_STEALTH},
		{RST_HALF_OPEN, F, DETECT_STEALTH},
		{RST_HALF_OPEN, 0, DETECT_STEALTH},
		{RST_HALF_OPEN, F | P | U, DETECT_STEALTH},
		{RST_HALF_OPEN, A, DETECT_UNKNOWN_ACK},
		{RST_HALF_OPEN, A | P, DETECT_UNKNOWN_ACK},
		{RST_HALF_OPEN, A | F, DETECT_UNKNOWN_ACK},
		{RST_HALF_OPEN, S | A, DETECT_UNASKED_SYNACK},
		{RST_TIME_WAIT, A | P, DETECT_LATE},
		{RST_ABORTED, A | P, DETECT_OWN},
		{RST_INVALID, S, DETECT_OWN},
		{RST_QUEUE_FULL, A, DETECT_OWN},
		{RST_FIREWALL, S, DETECT_NONE},
	};

	for (unsigned i = 0; i < COUNT_OF(cases); i++) {
		struct rst_event event = provoked(cases[i].cause, cases[i].trigger);

		if (look(*state, &event).class != cases[i].class)
			fail_msg("case %u is of class %u", i, look(*state, &event).class);
		/* Nothing provoked it: a program did it. */
		event.flags = 0;
		assert_int_equal(look(*state, &event).class,
				 cases[i].cause == RST_FIREWALL ? DETECT_NONE : DETECT_OWN);
	}
}

static void classes_of_what_we_received(void **state)
{
	static const struct {
		unsigned cause;
		enum detect_class class;
	} cases[] = {
		{RST_STAGE_REFUSED, DETECT_CONNECT_REFUSED},
		{RST_STAGE_HANDSHAKE, DETECT_HALF_OPEN},
		{RST_STAGE_ESTABLISHED, DETECT_ESTABLISHED},
		{RST_STAGE_CLOSING, DETECT_ESTABLISHED},
		{RST_STAGE_TIME_WAIT, DETECT_NONE},
		{RST_STAGE_STRAY, DETECT_STRAY},
		{RST_STAGE_REJECTED, DETECT_REJECTED},
		{0, DETECT_NONE},
	};

	for (unsigned i = 0; i < COUNT_OF(cases); i++) {
		struct rst_event event = event_of(RST_RECEIVED, cases[i].cause);

		assert_int_equal(look(*state, &event).class, cases[i].class);
	}
}

/* A refused SYN belongs to who stopped listening there, for a day; not to who listens again. */
static void refused_where_somebody_listened(void **state)
{
	struct bench *bench = *state;
	struct rst_event event = provoked(RST_CLOSED_PORT, RST_FLAG_SYN);
	struct detect_event seen;

	listen_change(bench, START_NS - 10 * SECOND_NS, RST_LISTENER_OPENED);
	assert_int_equal(look(bench, &event).class, DETECT_REFUSED_NEW);
	listen_change(bench, START_NS - SECOND_NS, RST_LISTENER_CLOSED);
	seen = look(bench, &event);
	assert_int_equal(seen.class, DETECT_REFUSED_GONE);
	assert_int_equal(seen.gone.stopped_ns, START_NS - SECOND_NS);
	event.local_port++;
	assert_int_equal(look(bench, &event).class, DETECT_REFUSED_NEW);
	event.local_port--;
	event.time_ns = START_NS - SECOND_NS + 24 * 3600ULL * SECOND_NS - 1;
	assert_int_equal(look(bench, &event).class, DETECT_REFUSED_GONE);
	event.time_ns++;
	assert_int_equal(look(bench, &event).class, DETECT_REFUSED_NEW);
}

static void contradiction_of_a_reset(void **state)
{
	struct bench *bench = *state;
	struct rst_event reset = event_of(RST_RECEIVED, RST_STAGE_ESTABLISHED);
	struct rst_event event = provoked(RST_HALF_OPEN, RST_FLAG_ACK | RST_FLAG_PSH);
	struct detect_event seen;

	feed(bench, &reset);
	event.time_ns = START_NS + SECOND_NS;
	seen = look(bench, &event);
	assert_int_equal(seen.class, DETECT_CONTRADICTION);
	assert_int_equal(seen.reset_ns, START_NS);
	/* A new connection is none, nor is a probe, nor what comes later, nor another connection.
	 */
	event.trigger = RST_FLAG_SYN;
	event.cause = RST_CLOSED_PORT;
	assert_int_equal(look(bench, &event).class, DETECT_REFUSED_NEW);
	event.trigger = RST_FLAG_FIN;
	event.cause = RST_HALF_OPEN;
	assert_int_equal(look(bench, &event).class, DETECT_STEALTH);
	event.trigger = RST_FLAG_ACK;
	event.peer_port++;
	assert_int_equal(look(bench, &event).class, DETECT_UNKNOWN_ACK);
	event.peer_port--;
	event.time_ns = START_NS + 3 * SECOND_NS;
	assert_int_equal(look(bench, &event).class, DETECT_CONTRADICTION);
	event.time_ns++;
	assert_int_equal(look(bench, &event).class, DETECT_UNKNOWN_ACK);
	/* What was sent before the reset contradicts nothing. */
	event.time_ns = START_NS - 1;
	assert_int_equal(look(bench, &event).class, DETECT_UNKNOWN_ACK);
}

/* A reset that was not accepted ends nothing. */
static void rejected_reset_is_not_contradicted(void **state)
{
	struct bench *bench = *state;
	struct rst_event reset = event_of(RST_RECEIVED, RST_STAGE_REJECTED);
	struct rst_event event = provoked(RST_HALF_OPEN, RST_FLAG_ACK);

	feed(bench, &reset);
	event.time_ns = START_NS + 1;
	assert_int_equal(look(bench, &event).class, DETECT_UNKNOWN_ACK);
}

static void late_answer_to_our_connect(void **state)
{
	struct bench *bench = *state;
	struct rst_event event = provoked(RST_HALF_OPEN, RST_FLAG_SYN | RST_FLAG_ACK);
	struct rst_signal failed = {.time_ns = START_NS,
				    .netns = 7,
				    .local_port = PORT,
				    .peer_port = 40000,
				    .kind = RST_SIGNAL_CONNECT_FAILED};

	memcpy(failed.local, event.local, sizeof(failed.local));
	memcpy(failed.peer, event.peer, sizeof(failed.peer));
	event.time_ns = START_NS + 129 * SECOND_NS;
	assert_int_equal(look(bench, &event).class, DETECT_UNASKED_SYNACK);
	detect_signal(&bench->detect, &failed);
	assert_int_equal(look(bench, &event).class, DETECT_NONE);
	event.time_ns = START_NS + 131 * SECOND_NS;
	assert_int_equal(look(bench, &event).class, DETECT_UNASKED_SYNACK);
	/* Our connect() is still under way. */
	event.state = RST_STATE_SYN_SENT;
	assert_int_equal(look(bench, &event).class, DETECT_NONE);
}

/* An event that no incident is about is left to the rate alarms. */
static void nothing_is_explained_without_an_incident(void **state)
{
	struct bench *bench = *state;
	struct rst_event event = event_of(RST_RECEIVED, RST_STAGE_REJECTED);
	struct rst_port_key key = classify_port_key(&event);

	feed(bench, &event);
	assert_int_equal(bench->raised, 0);
	assert_int_equal(detect_count(&bench->detect, &key, 1), 0);
}

/* The events of an open incident are, to the number, and not beyond their slice. */
static void explained_events_are_counted(void **state)
{
	struct bench *bench = *state;
	struct rst_event reset = event_of(RST_RECEIVED, RST_STAGE_ESTABLISHED);
	struct rst_event event = provoked(RST_HALF_OPEN, RST_FLAG_ACK | RST_FLAG_PSH);
	struct rst_port_key key = classify_port_key(&event), other = key;

	reset.state = RST_STATE_ESTABLISHED;
	feed(bench, &reset);
	for (unsigned i = 0; i < 4; i++) {
		event.time_ns = START_NS + (i + 1) * SECOND_NS / 2;
		feed(bench, &event);
	}
	assert_int_equal(bench->raised, 1);
	assert_int_equal(detect_count(&bench->detect, &key, 10), 4);
	assert_int_equal(detect_count(&bench->detect, &key, 3), 3); /* never more than there are */
	other.port++;
	assert_int_equal(detect_count(&bench->detect, &other, 10), 0);
	detect_step(&bench->detect, START_NS, START_NS + 2 * SECOND_NS);
	assert_int_equal(detect_count(&bench->detect, &key, 10), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(classes_of_what_we_sent),
		TEST(classes_of_what_we_received),
		TEST(refused_where_somebody_listened),
		TEST(contradiction_of_a_reset),
		TEST(rejected_reset_is_not_contradicted),
		TEST(late_answer_to_our_connect),
		TEST(nothing_is_explained_without_an_incident),
		TEST(explained_events_are_counted),
	};

	return cmocka_run_group_tests_name("detect", tests, NULL, NULL);
}

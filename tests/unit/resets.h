/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * All detectors, without a pipeline: resets go in, and what the alert book says is kept. The
 * service is 10.0.0.2:80 in namespace 7, its peers are in 10.0.0.0/8.
 */
#ifndef RSTWATCH_RESETS_H
#define RSTWATCH_RESETS_H

#include "told.h"

#include "classify.h"
#include "detect.h"

#define RESETS_NETNS 7
#define RESETS_PORT  80

struct resets {
	struct detect detect;
	struct listeners listeners;
	struct processes processes;
	uint64_t start_ns, now_ns; /* of the slice; of the last event */
	struct told told;
};

static inline int resets_setup(void **state)
{
	struct resets *resets = unit_zeroed(sizeof(*resets));

	listeners_init(&resets->listeners, 42);
	resets->told.processes = &resets->processes;
	resets->told.describe = detect_describe;
	detect_init(&resets->detect, &resets->listeners, &resets->processes, told_hear,
		    &resets->told, 42);
	resets->start_ns = resets->now_ns = 100000 * SECOND_NS;
	*state = resets;
	return 0;
}

static inline int resets_teardown(void **state)
{
	free(*state);
	return 0;
}

#define RESETS_TEST(test) cmocka_unit_test_setup_teardown(test, resets_setup, resets_teardown)

/* Now, of the service with peer 10.x.y.z:peer_port; peer: 0xxyyzz. */
static inline struct rst_event resets_event_of(const struct resets *resets, unsigned direction,
					       unsigned cause, uint32_t peer, uint16_t peer_port)
{
	struct rst_event event = {.time_ns = resets->now_ns,
				  .netns = RESETS_NETNS,
				  .local_port = RESETS_PORT,
				  .peer_port = peer_port,
				  .direction = direction,
				  .cause = cause,
				  .role = RST_ROLE_SERVER};

	unit_ipv4(event.local, 0x0a000002);
	unit_ipv4(event.peer, 0x0a000000 + peer);
	if (direction == RST_RECEIVED)
		event.state = RST_STATE_ESTABLISHED;
	return event;
}

static inline void resets_feed(struct resets *resets, struct rst_event event,
			       const struct rst_connection *connection)
{
	const struct owner nobody = {.known_by = OWNER_UNKNOWN};

	detect_event(&resets->detect, &event, connection, &nobody);
}

/* A working connection is reset by its peer. */
static inline void resets_reset(struct resets *resets, uint32_t peer, uint16_t peer_port,
				struct rst_connection connection)
{
	resets_feed(resets,
		    resets_event_of(resets, RST_RECEIVED, RST_STAGE_ESTABLISHED, peer, peer_port),
		    &connection);
}

/* A segment with these flags comes for no connection of ours. Only the peer tells the role. */
static inline void resets_stale(struct resets *resets, uint32_t peer, uint16_t peer_port,
				unsigned trigger)
{
	struct rst_event event = resets_event_of(resets, RST_SENT, RST_HALF_OPEN, peer, peer_port);

	event.flags = RST_EVENT_TRIGGER;
	event.trigger = trigger;
	event.role = RST_ROLE_UNKNOWN;
	resets_feed(resets, event, NULL);
}

static inline void resets_wait(struct resets *resets, uint64_t duration_ns)
{
	resets->now_ns += duration_ns;
}

/* The slice ends now. */
static inline void resets_slice(struct resets *resets)
{
	detect_step(&resets->detect, resets->start_ns, resets->now_ns);
	resets->start_ns = resets->now_ns;
}

static inline void resets_quiet(struct resets *resets, unsigned seconds)
{
	for (unsigned i = 0; i < seconds; i++) {
		resets_wait(resets, SECOND_NS);
		resets_slice(resets);
	}
}

/* The last word, which must be of that kind. */
static inline const struct alert *resets_last(const struct resets *resets, enum alert_kind kind)
{
	const struct alert *alert = told_last(&resets->told);

	assert_int_equal(alert->kind, kind);
	return alert;
}

#endif

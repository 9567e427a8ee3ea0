/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* All detectors, fed with resets that are made here, and the words that they say. */
#ifndef RSTWATCH_DETECTING_H
#define RSTWATCH_DETECTING_H

#include "told.h"

#include "detect.h"

#define NETNS	 4026531840u
#define OURS	 0x0a000002 /* 10.0.0.2 */
#define MILLI_NS 1000000ULL
#define START_NS (1000 * SECOND_NS)

struct detecting {
	struct detect detect;
	struct listeners listeners;
	struct processes processes;
	uint64_t now_ns, slice_ns; /* the slice began then */
	struct told told;
};

static inline struct detecting *detecting_open(void)
{
	struct detecting *all = unit_zeroed(sizeof(*all));

	all->now_ns = all->slice_ns = START_NS;
	listeners_init(&all->listeners, 42);
	all->told.processes = &all->processes;
	all->told.describe = detect_describe;
	detect_init(&all->detect, &all->listeners, &all->processes, told_hear, &all->told, 42);
	return all;
}

/* Time goes by; each second is a slice, of a long time each minute. */
static inline void detecting_pass(struct detecting *all, uint64_t ns)
{
	uint64_t slice_ns = ns > 10 * MINUTE_NS ? MINUTE_NS : SECOND_NS;

	all->now_ns += ns;
	while (all->now_ns - all->slice_ns >= slice_ns) {
		detect_step(&all->detect, all->slice_ns, all->slice_ns + slice_ns);
		all->slice_ns += slice_ns;
	}
}

/* Somebody listens on a port; or, once it has, does no longer. */
static inline void detecting_listen(struct detecting *all, uint16_t port, bool opens)
{
	struct rst_listener change = {.time_ns = all->now_ns,
				      .socket = port,
				      .netns = NETNS,
				      .port = port,
				      .change = opens ? RST_LISTENER_OPENED : RST_LISTENER_CLOSED};

	unit_ipv4(change.address, 0);
	listeners_add(&all->listeners, &change);
	detect_listener(&all->detect, &change);
}

static inline struct rst_event detecting_event_of(const struct detecting *all, uint32_t peer,
						  uint16_t port, uint8_t trigger)
{
	struct rst_event event = {.time_ns = all->now_ns,
				  .netns = NETNS,
				  .local_port = port,
				  .peer_port = 40000,
				  .direction = RST_SENT,
				  .cause = (trigger & (RST_FLAG_SYN | RST_FLAG_ACK)) == RST_FLAG_SYN
						   ? RST_CLOSED_PORT
						   : RST_HALF_OPEN,
				  .trigger = trigger,
				  .role = RST_ROLE_SERVER,
				  .flags = RST_EVENT_TRIGGER};

	unit_ipv4(event.local, OURS);
	unit_ipv4(event.peer, peer);
	return event;
}

static inline void detecting_feed(struct detecting *all, const struct rst_event *event,
				  const struct rst_connection *connection)
{
	struct owner owner = {.known_by = OWNER_KERNEL};

	detect_event(&all->detect, event, connection, &owner);
}

/* A segment with these flags, that is refused; flags: more RST_EVENT_*. */
static inline void detecting_send(struct detecting *all, uint32_t peer, uint16_t port,
				  uint8_t trigger, uint8_t flags)
{
	struct rst_event event = detecting_event_of(all, peer, port, trigger);

	event.flags |= flags;
	detecting_feed(all, &event, NULL);
}

static inline void detecting_refuse(struct detecting *all, uint32_t peer, uint16_t port)
{
	detecting_send(all, peer, port, RST_FLAG_SYN, 0);
}

static inline void detecting_refuse_client(struct detecting *all, uint32_t peer, uint16_t port)
{
	detecting_send(all, peer, port, RST_FLAG_SYN, RST_EVENT_KNOWN);
}

/* A reset comes in. */
static inline void detecting_receive(struct detecting *all, uint32_t peer, uint16_t port,
				     uint8_t stage, uint8_t flags,
				     const struct rst_connection *connection)
{
	struct rst_event event = detecting_event_of(all, peer, port, 0);

	event.direction = RST_RECEIVED;
	event.cause = stage;
	event.flags = flags;
	detecting_feed(all, &event, connection);
}

static inline void detecting_half_open(struct detecting *all, uint32_t peer, uint16_t port)
{
	detecting_receive(all, peer, port, RST_STAGE_HANDSHAKE, 0, NULL);
}

#endif

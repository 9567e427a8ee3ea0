/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Counts one reset, at a price that does not depend on how many peers there are.
 *
 * Ports and causes: a shared hash, exact. If it is full, the reset is counted in `other` by
 * direction and cause, so the totals stay exact.
 *
 * Peers: each CPU first counts the peer in a count-min sketch with conservative update, whose
 * answer is never too low. Only a peer that this answer puts above 1/1024 of the CPU's resets in
 * this slice is counted in the exact table too. Hence the guarantee: what the table misses of any
 * peer on a CPU is less than 1/1024 of the resets that the CPU counted (nothing below 1025
 * resets), and user space prints that bound. Distinct peers: HyperLogLog.
 *
 * A program can be interrupted on its CPU by the other program: what must be exact is added
 * atomically. The sketch is not: an interrupt between reading and writing the very same cell
 * could make it one too low.
 */
#ifndef RSTWATCH_BPF_COUNT_H
#define RSTWATCH_BPF_COUNT_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "classify.h"
#include "event.h"
#include "hash.h"
#include "maps.h"

/* Adds one to key's value, making it if need be. False if the table is full. */
static __always_inline bool count_add(void *table, const void *key)
{
	__u64 *value = bpf_map_lookup_elem(table, key);
	__u64 one = 1;

	if (!value) {
		if (!bpf_map_update_elem(table, key, &one, BPF_NOEXIST))
			return true;
		value = bpf_map_lookup_elem(table, key); /* another CPU made it */
		if (!value)
			return false;
	}
	__sync_fetch_and_add(value, 1);
	return true;
}

static __always_inline void count_port(const struct rst_event *event, struct rst_sketch *sketch)
{
	struct rst_port_key key = classify_port_key(event);
	bool counted =
		event->slice & 1 ? count_add(&rst_ports_1, &key) : count_add(&rst_ports_0, &key);

	if (!counted)
		__sync_fetch_and_add(&sketch->other[event->direction & 1 ? RST_SENT : RST_RECEIVED]
						   [event->cause & (RST_CAUSES - 1)],
				     1);
}

/* The sketch's answer for this peer, this reset included. */
static __always_inline __u32 count_estimate(struct rst_sketch *sketch, __u64 hash)
{
	__u32 *first = &sketch->rows[0][hash_row(hash, 0)];
	__u32 *second = &sketch->rows[1][hash_row(hash, 1)];
	__u32 a = *first, b = *second;
	__u32 estimate = (a < b ? a : b) + 1;

	if (a < estimate)
		*first = estimate;
	if (b < estimate)
		*second = estimate;
	return estimate;
}

static __always_inline void count_peer(const struct rst_event *event, struct rst_sketch *sketch)
{
	__u64 address_hash = hash_address(event->peer, rst_settings.seed);
	__u8 *distinct =
		&sketch->distinct[event->direction == RST_RECEIVED][hash_register(address_hash)];
	__u8 rank = hash_rank(address_hash);
	__u64 estimate, counted;
	struct rst_peer_key key = {.netns = event->netns, .direction = event->direction};
	bool tabled;

	if (*distinct < rank)
		*distinct = rank;
	estimate = count_estimate(sketch, hash_peer(address_hash, event->netns, event->direction));
	counted = *(volatile __u64 *)&sketch->counted;
	if (estimate * RST_PEER_SHARE < counted)
		return;
	__builtin_memcpy(key.address, event->peer, sizeof(key.address));
	tabled = event->slice & 1 ? count_add(&rst_peers_1, &key) : count_add(&rst_peers_0, &key);
	if (!tabled)
		__sync_fetch_and_add(&sketch->peers_full, 1);
}

/* What goes to user space, in one piece; without the connection if there is none. */
struct count_streamed {
	struct rst_event event;
	struct rst_connection connection;
};

/*
 * A wake-up is an interrupt that the CPU sends itself, many times the price of the event: so only
 * the first event after user space went to sleep asks for one.
 */
static __always_inline void count_submit(struct rst_event *streamed, struct rst_sketch *sketch)
{
	__u64 flags = BPF_RB_NO_WAKEUP;

	if (!streamed->time_ns) /* one that was held has its time */
		streamed->time_ns = bpf_ktime_get_ns();
	if (rst_control.wake) {
		rst_control.wake = 0;
		flags = BPF_RB_FORCE_WAKEUP;
	}
	bpf_ringbuf_submit(streamed, flags);
	__sync_fetch_and_add(&sketch->events, 1);
}

static __always_inline void count_stream(const struct rst_event *event,
					 const struct rst_connection *connection,
					 struct rst_sketch *sketch)
{
	struct count_streamed *both;
	struct rst_event *alone;

	if (connection) {
		both = bpf_ringbuf_reserve(&rst_events, sizeof(*both), 0);
		if (both) {
			both->event = *event;
			both->connection = *connection;
			count_submit(&both->event, sketch);
			return;
		}
	} else {
		alone = bpf_ringbuf_reserve(&rst_events, sizeof(*alone), 0);
		if (alone) {
			*alone = *event;
			count_submit(alone, sketch);
			return;
		}
	}
	__sync_fetch_and_add(&sketch->lost, 1);
}

/* Everything about one reset. connection: NULL if there was none. A function of its own, as each
 * hook counts in two places. */
static __noinline int count_event(struct rst_event *event, struct rst_connection *connection,
				  struct rst_sketch *sketch)
{
	__sync_fetch_and_add(&sketch->counted, 1);
	count_port(event, sketch);
	count_peer(event, sketch);
	count_stream(event, connection, sketch);
	return 0;
}

/* Notes the slice in the event and finds the memory of its slice on this CPU. */
static __always_inline struct rst_sketch *count_begin(struct rst_event *event)
{
	__u32 slice = rst_control.slice, cpu = bpf_get_smp_processor_id();
	__u32 index = (slice & 1) * rst_settings.cpus + cpu;

	event->slice = slice;
	return bpf_map_lookup_elem(&rst_sketches, &index);
}

/*
 * Data that arrives after a full close makes the kernel reset the connection: it calls tcp_reset()
 * as if a RST had come, so tcp_receive_reset fires, and then sends one, with the same socket on
 * the same CPU. A received reset that may be such is therefore held until the next hook on this
 * CPU tells: it is dropped if that hook sends that socket's reset, and counted otherwise. What is
 * still held when the slice ends is counted by user space, to which the memory then belongs.
 *
 * The one guess: if the slice ends between the two hooks, a reset is counted that never came.
 */
static __always_inline void count_hold(const struct rst_event *event,
				       const struct rst_connection *connection,
				       struct rst_sketch *sketch, const void *sk)
{
	sketch->held = *event;
	sketch->held.time_ns = bpf_ktime_get_ns();
	sketch->held_connection = *connection;
	sketch->held_sk = (__u64)sk;
}

/* Counts what is held, unless it is the shadow of a reset that sk sends. */
static __always_inline void count_release(struct rst_sketch *sketch, const void *sk)
{
	struct rst_connection held_connection;
	struct rst_event held;
	__u64 held_sk = sketch->held_sk;

	if (!held_sk)
		return;
	sketch->held_sk = 0;
	if (held_sk == (__u64)sk)
		return;
	held = sketch->held;
	held_connection = sketch->held_connection;
	count_event(&held, &held_connection, sketch);
}

#endif

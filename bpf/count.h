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
	struct rst_port_key key = {
		.netns = event->netns,
		.port = classify_port(event),
		.direction = event->direction,
		.cause = event->cause,
		.reason = event->reason,
		.role = event->role,
	};
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
	__u64 address_hash = hash_address(event->peer, rst_seed);
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

/*
 * A wake-up is an interrupt that the CPU sends itself, many times the price of the event: so only
 * the first event after user space went to sleep asks for one.
 */
static __always_inline void count_stream(const struct rst_event *event, struct rst_sketch *sketch)
{
	struct rst_event *streamed;
	__u64 flags = BPF_RB_NO_WAKEUP;

	if (!rst_stream)
		return;
	streamed = bpf_ringbuf_reserve(&rst_events, sizeof(*streamed), 0);
	if (!streamed) {
		__sync_fetch_and_add(&sketch->lost, 1);
		return;
	}
	*streamed = *event;
	if (rst_wake) {
		rst_wake = 0;
		flags = BPF_RB_FORCE_WAKEUP;
	}
	bpf_ringbuf_submit(streamed, flags);
	__sync_fetch_and_add(&sketch->events, 1);
}

/* Everything about one reset. The caller has filled all but time and slice. */
static __always_inline void count_event(struct rst_event *event)
{
	__u32 slice = rst_slice, cpu = bpf_get_smp_processor_id();
	__u32 index = (slice & 1) * rst_cpus + cpu;
	struct rst_sketch *sketch = bpf_map_lookup_elem(&rst_sketches, &index);

	if (!sketch)
		return; /* cannot be: one entry per possible CPU and generation */
	event->slice = slice;
	event->time_ns = bpf_ktime_get_ns();
	__sync_fetch_and_add(&sketch->counted, 1);
	count_port(event, sketch);
	count_peer(event, sketch);
	count_stream(event, sketch);
}

#endif

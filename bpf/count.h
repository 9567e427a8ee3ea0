/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Counts one reset, at a price that does not depend on how many peers there are.
 *
 * Ports and causes: exact. First in the program's hot places (event.h), else in a shared
 * hash. If that is full, the reset is counted in `other` by direction and cause, so the totals
 * stay exact.
 *
 * Peers: each CPU first counts the peer in a count-min sketch with conservative update, whose
 * answer is never too low. Only a peer that this answer puts above 1/1024 of the CPU's resets in
 * this slice is counted exactly, too, in the same two ways. Hence the guarantee: what is not
 * counted so of any peer on a CPU is less than 1/1024 of the resets that the CPU counted (nothing
 * below 1025 resets), and user space prints that bound. Distinct peers: HyperLogLog.
 *
 * Events: all, up to a budget for each CPU and slice. Beyond it they are thinned, so that what is
 * rare still comes whole: see count_is_wanted().
 *
 * A program can be interrupted on its CPU by another program: what must be exact is added
 * atomically, or belongs to one program. The sketch is not: an interrupt between reading and
 * writing the very same cell could make it one too low.
 */
#ifndef RSTWATCH_BPF_COUNT_H
#define RSTWATCH_BPF_COUNT_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "classify.h"
#include "event.h"
#include "hash.h"
#include "known.h"
#include "maps.h"

#define COUNT_HOT_PEER 16 /* resets, until a peer may take a hot place: forged ones never do */
/* Of a slice on a CPU, beyond the budget of events: the first resets of a port and cause, and of a
 * peer, which are streamed still; how many such there may be; and the first of a known peer. */
#define COUNT_RARE_PORT	 64
#define COUNT_RARE_PEER	 8
#define COUNT_RARE	 2048
#define COUNT_KNOWN_PEER 64

/* Adds one to key's value, making it if need be, and gives the sum. 0 if the table is full. */
static __always_inline __u64 count_add(void *table, const void *key)
{
	__u64 *value = bpf_map_lookup_elem(table, key);
	__u64 one = 1;

	if (!value) {
		if (!bpf_map_update_elem(table, key, &one, BPF_NOEXIST))
			return 1;
		value = bpf_map_lookup_elem(table, key); /* another CPU made it */
		if (!value)
			return 0;
	}
	__sync_fetch_and_add(value, 1);
	return *value;
}

static __always_inline __u32 count_place(__u64 first, __u64 second, __u32 places)
{
	return hash_mix(first ^ second * 0x9e3779b97f4a7c15ULL, rst_settings.seed) >> 40 &
	       (places - 1);
}

/* In the port's own place, and how often by now in this slice; 0 if it has none. */
static __always_inline __u64 count_hot_port(const struct rst_port_key *key,
					    struct rst_sketch *sketch, __u32 maker)
{
	struct rst_hot_port *hot;
	__u64 wanted[2], found[2];

	if (maker >= RST_HOT_MAKERS)
		return 0;
	__builtin_memcpy(wanted, key, sizeof(wanted));
	hot = &sketch->hot_ports[maker][count_place(wanted[0], wanted[1], RST_HOT_PORTS)];
	__builtin_memcpy(found, &hot->key, sizeof(found));
	if (found[0] == wanted[0] && found[1] == wanted[1])
		return ++hot->count;
	if (hot->count)
		return 0;
	__builtin_memcpy(&hot->key, wanted, sizeof(wanted));
	return hot->count = 1;
}

static __always_inline bool count_hot_peer(const struct rst_peer_key *key,
					   struct rst_sketch *sketch, __u32 maker)
{
	struct rst_hot_peer *hot;
	__u64 wanted[3], found[3];

	if (maker >= RST_HOT_MAKERS)
		return false;
	__builtin_memcpy(wanted, key, sizeof(wanted));
	hot = &sketch->hot_peers[maker]
				[count_place(wanted[0] ^ wanted[1], wanted[2], RST_HOT_PEERS)];
	__builtin_memcpy(found, &hot->key, sizeof(found));
	if (found[0] != wanted[0] || found[1] != wanted[1] || found[2] != wanted[2]) {
		if (hot->count)
			return false;
		__builtin_memcpy(&hot->key, wanted, sizeof(wanted));
	}
	hot->count++;
	return true;
}

/* How often, about, in this slice on this CPU, this time included. */
static __always_inline __u64 count_port(const struct rst_event *event, struct rst_sketch *sketch,
					__u32 maker)
{
	struct rst_port_key key = classify_port_key(event);
	__u64 count = count_hot_port(&key, sketch, maker);

	if (count)
		return count;
	count = event->slice & 1 ? count_add(&rst_ports_1, &key) : count_add(&rst_ports_0, &key);
	if (!count)
		__sync_fetch_and_add(&sketch->other[event->direction & 1 ? RST_SENT : RST_RECEIVED]
						   [event->cause & (RST_CAUSES - 1)],
				     1);
	return count;
}

/* The sketch's answer for this peer, this reset included. */
static __always_inline __u32 count_estimate(struct rst_sketch *sketch, __u64 hash)
{
	__u32 *line = sketch->lines[hash_line(hash)];
	__u32 *first = &line[hash_cell(hash)], *second = &line[hash_other_cell(hash)];
	__u32 a = *first, b = *second;
	__u32 estimate = (a < b ? a : b) + 1;

	if (a < estimate)
		*first = estimate;
	if (b < estimate)
		*second = estimate;
	return estimate;
}

/* Counts a peer exactly. estimate: the sketch's answer for it. */
static __always_inline void count_tabled(const struct rst_event *event, struct rst_sketch *sketch,
					 __u32 maker, __u32 estimate)
{
	struct rst_peer_key key = {.netns = event->netns, .direction = event->direction};

	__builtin_memcpy(key.address, event->peer, sizeof(key.address));
	if (estimate >= COUNT_HOT_PEER && count_hot_peer(&key, sketch, maker))
		return;
	if (!(event->slice & 1 ? count_add(&rst_peers_1, &key) : count_add(&rst_peers_0, &key)))
		__sync_fetch_and_add(&sketch->peers_full, 1);
}

/* How often, at most, in this slice on this CPU, this time included. counted: of all peers. */
static __always_inline __u32 count_peer(const struct rst_event *event, struct rst_sketch *sketch,
					__u32 maker, __u64 counted)
{
	__u64 address_hash = hash_address(event->peer, rst_settings.seed);
	__u8 *distinct =
		&sketch->distinct[event->direction == RST_RECEIVED][hash_register(address_hash)];
	__u8 rank = hash_rank(address_hash);
	__u32 estimate;

	if (*distinct < rank)
		*distinct = rank;
	estimate = count_estimate(sketch, hash_peer(address_hash, event->netns, event->direction));
	if ((__u64)estimate * RST_PEER_SHARE >= counted)
		count_tabled(event, sketch, maker, estimate);
	return estimate;
}

/* One more, of all in this slice on this CPU: how many. */
static __always_inline __u64 count_all(struct rst_sketch *sketch, __u32 maker)
{
	volatile __u64 *counted = sketch->counted;

	if (maker < RST_HOT_MAKERS)
		counted[maker]++;
	else
		__sync_fetch_and_add(&sketch->counted[RST_HOT_MAKERS], 1);
	return counted[0] + counted[1] + counted[2] + counted[3];
}

/*
 * Whether the event is to be streamed. Beyond the budget of the slice: if its port and cause, or
 * its peer, has had few until now, as long as not too many look like that (forged addresses do, and
 * a scan's ports); and if its peer has exchanged data with this host, and has not had many.
 */
static __always_inline bool count_is_wanted(const struct rst_event *event,
					    struct rst_sketch *sketch, __u32 maker, __u64 counted,
					    __u64 of_port, __u32 of_peer)
{
	if (sketch->events < rst_settings.events)
		return true;
	if (maker > RST_HOT_MAKERS)
		maker = RST_HOT_MAKERS;
	if (of_port <= COUNT_RARE_PORT && sketch->rare_ports[maker] < COUNT_RARE) {
		sketch->rare_ports[maker]++;
		return true;
	}
	if (of_peer <= COUNT_RARE_PEER && sketch->rare_peers[maker] < COUNT_RARE) {
		sketch->rare_peers[maker]++;
		return true;
	}
	return event->flags & RST_EVENT_KNOWN &&
	       (of_peer <= COUNT_KNOWN_PEER || (__u64)of_peer * RST_PEER_SHARE < counted);
}

/*
 * A wake-up is an interrupt that the CPU sends itself, many times the price of the event: so only
 * the first event after user space went to sleep asks for one.
 */
static __always_inline void count_stream(struct rst_draft *draft, bool connected,
					 struct rst_sketch *sketch)
{
	__u64 flags = BPF_RB_NO_WAKEUP;
	long error;

	if (!draft->event.time_ns) /* one that was held has its time */
		draft->event.time_ns = bpf_ktime_get_ns();
	if (rst_control.wake) {
		rst_control.wake = 0;
		flags = BPF_RB_FORCE_WAKEUP;
	}
	error = connected ? bpf_ringbuf_output(&rst_events, draft, sizeof(*draft), flags)
			  : bpf_ringbuf_output(&rst_events, draft, sizeof(draft->event), flags);
	__sync_fetch_and_add(error ? &sketch->lost : &sketch->events, 1);
}

/* Of a segment that came in to somebody: what it wants decides by whether they are known. */
static __always_inline bool count_asks_who(const struct rst_event *event)
{
	return event->flags & RST_EVENT_TRIGGER ||
	       (event->direction == RST_RECEIVED && event->cause == RST_STAGE_HANDSHAKE);
}

static __always_inline struct rst_sketch *count_sketch(__u32 slice)
{
	__u32 cpu = bpf_get_smp_processor_id();
	__u32 index = (slice & 1) * rst_settings.cpus + cpu;

	return bpf_map_lookup_elem(&rst_sketches, &index);
}

#define COUNT_CONNECTED 1 /* the draft has a connection */
#define COUNT_RELEASED	2 /* the maker's other draft */

/*
 * Counts a draft of the maker, with all that belongs to it. A function of its own for the verifier,
 * global and without pointers, so that it is read once and not on every way to it.
 */
__noinline int count_draft(__u32 maker, __u32 slice, __u32 flags)
{
	struct rst_sketch *sketch = count_sketch(slice);
	struct rst_draft *draft;
	__u64 counted, of_port;
	__u32 of_peer, level;

	if (!sketch || maker >= RST_MAKERS)
		return 0; /* cannot be: one entry per possible CPU and generation */
	level = (sketch->levels[maker] - 1) & (RST_LEVELS - 1);
	draft = &sketch->drafts[maker][level][flags & COUNT_RELEASED ? 1 : 0];
	if (level)
		maker = RST_HOT_MAKERS; /* what is its own is in use */
	counted = count_all(sketch, maker);
	of_port = count_port(&draft->event, sketch, maker);
	of_peer = count_peer(&draft->event, sketch, maker, counted);
	if (count_asks_who(&draft->event))
		known_look(&draft->event);
	if (count_is_wanted(&draft->event, sketch, maker, counted, of_port, of_peer))
		count_stream(draft, flags & COUNT_CONNECTED, sketch);
	return 0;
}

/* The draft of a reset: in the sketch's memory and not on the stack, of which the verifier would
 * remember what it may hold on every way. NULL: cannot be, one entry per possible CPU and
 * generation. */
static __always_inline struct rst_draft *count_begin(struct rst_sketch **sketch, __u32 maker,
						     __u8 direction)
{
	__u32 slice = rst_control.slice, level;
	struct rst_draft *draft;

	*sketch = count_sketch(slice);
	if (!*sketch)
		return (void *)0;
	level = (*sketch)->levels[maker];
	if (level >= RST_LEVELS)
		return (void *)0; /* cannot be: only a softirq interrupts it */
	(*sketch)->levels[maker] = level + 1;
	draft = &(*sketch)->drafts[maker][level][0];
	draft->event = (struct rst_event){.slice = slice, .direction = direction};
	return draft;
}

/* It is not to be counted after all. */
static __always_inline void count_cancel(struct rst_sketch *sketch, __u32 maker)
{
	sketch->levels[maker]--;
}

static __always_inline int count_end(const struct rst_draft *draft, struct rst_sketch *sketch,
				     __u32 maker, bool connected)
{
	count_draft(maker, draft->event.slice, connected ? COUNT_CONNECTED : 0);
	sketch->levels[maker]--;
	return 0;
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
static __always_inline void count_hold(const struct rst_draft *draft, struct rst_sketch *sketch,
				       const void *sk)
{
	sketch->held = *draft;
	sketch->held.event.time_ns = bpf_ktime_get_ns();
	sketch->held_sk = (__u64)sk;
}

/* Counts what is held, unless it is the shadow of a reset that sk sends. */
static __always_inline void count_release(struct rst_sketch *sketch, const void *sk, __u32 maker)
{
	__u64 held_sk = sketch->held_sk;

	if (!held_sk)
		return;
	sketch->held_sk = 0;
	if (held_sk == (__u64)sk)
		return;
	sketch->drafts[maker][(sketch->levels[maker] - 1) & (RST_LEVELS - 1)][1] = sketch->held;
	count_draft(maker, sketch->held.event.slice, COUNT_CONNECTED | COUNT_RELEASED);
}

#endif

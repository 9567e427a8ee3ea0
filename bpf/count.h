/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Counts one reset, at a price that does not depend on how many peers there are.
 *
 * Ports and causes: exact. First in the program's hot places (event.h), else in a shared
 * hash. If that is full, the reset is counted in `other` by direction and cause, so the totals
 * stay exact.
 *
 * Peers: one that has a hot place is counted there. Else each CPU first counts the peer in a
 * count-min sketch with conservative update, whose answer is never too low. Only a peer that this
 * answer puts above 1/1024 of the CPU's resets in this slice is counted exactly, too: in a hot
 * place that it gets then, or in a shared hash. Hence the guarantee: what is not counted so of any
 * peer on a CPU is less than 1/1024 of the resets that the CPU counted (nothing below 1025 resets),
 * and user space prints that bound. Distinct peers: HyperLogLog.
 *
 * Events: all, up to a budget for each CPU and slice. Beyond it they are thinned, so that what is
 * rare still comes whole: see count_is_rare().
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
#include "sketch.h"

#define COUNT_HOT_PEER 4 /* resets, until a peer may take a hot place: forged ones hardly do */
/* Of a slice on a CPU, beyond the budget of events: the first resets of a port and cause, and of a
 * peer, which are streamed still; how many such there may be, about; and the first of a known
 * peer. */
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

/* In the tables, for what has no hot place: a port, and how often by now in this slice. Global, as
 * count_reset() is, and apart from it, which needs little stack then. */
__noinline __u64 count_tabled_port(__u64 first, __u64 second, __u32 slice)
{
	__u64 key[2] = {first, second};
	struct rst_port_key *port = (void *)key;
	struct rst_sketch *sketch;
	__u64 count;

	count = slice & 1 ? count_add(&rst_ports_1, key) : count_add(&rst_ports_0, key);
	sketch = sketch_of(slice);
	if (!count && sketch)
		__sync_fetch_and_add(&sketch->other[port->direction & 1 ? RST_SENT : RST_RECEIVED]
						   [port->cause & (RST_CAUSES - 1)],
				     1);
	return count;
}

__noinline int count_tabled_peer(__u64 first, __u64 second, __u64 third, __u32 slice)
{
	__u64 key[3] = {first, second, third};
	struct rst_sketch *sketch = sketch_of(slice);

	if (!(slice & 1 ? count_add(&rst_peers_1, key) : count_add(&rst_peers_0, key)) && sketch)
		__sync_fetch_and_add(&sketch->peers_full, 1);
	return 0;
}

static __always_inline struct rst_port_key count_port_key(__u64 first, __u64 second)
{
	__u64 words[2] = {first, second};
	struct rst_port_key key;

	__builtin_memcpy(&key, words, sizeof(key));
	return key;
}

/* The last word of a struct rst_peer_key. */
static __always_inline __u64 count_peer_word(__u32 netns, __u8 direction)
{
	struct rst_peer_key key = {.netns = netns, .direction = direction};
	__u64 word;

	__builtin_memcpy(&word, &key.netns, sizeof(word));
	return word;
}

/* How often, at most, in this slice on this CPU, this time included: of a peer without a hot place,
 * to whom its bucket may give one. counted: of all peers. */
static __always_inline __u64 count_peer(struct rst_sketch *sketch, __u32 maker, const __u64 peer[3],
					__u64 address_hash, const struct rst_port_key *port,
					__u64 counted, __u32 slice)
{
	struct rst_sketch_line *line = sketch_line(sketch, port->direction, address_hash);
	__u64 estimate = sketch_estimate(line, hash_peer(address_hash, port->netns));

	sketch_distinct(line, address_hash);
	if (estimate * RST_PEER_SHARE < counted && estimate < SKETCH_MANY)
		return estimate;
	if (estimate < COUNT_HOT_PEER ||
	    !sketch_hot_peer_new(sketch, maker, address_hash, peer[0], peer[1], peer[2]))
		count_tabled_peer(peer[0], peer[1], peer[2], slice);
	return estimate;
}

/* Beyond the budget: whether its port and cause, or its peer, has had few until now. As long as not
 * too many look like that: forged addresses do, and a scan's ports. */
static __always_inline bool count_is_rare(struct rst_sketch *sketch, __u32 maker, __u64 of_port,
					  __u64 of_peer)
{
	__u32 place = maker & RST_HOT_MAKERS; /* those without hot places share: 3 is a mask */

	if (of_port <= COUNT_RARE_PORT && sketch->rare_ports[place] < COUNT_RARE) {
		sketch->rare_ports[place]++;
		return true;
	}
	if (of_peer <= COUNT_RARE_PEER && sketch->rare_peers[place] < COUNT_RARE) {
		sketch->rare_peers[place]++;
		return true;
	}
	return false;
}

/* How to count: the slice in the upper half, the maker in the lowest byte, and: */
#define COUNT_ASKS_WHO (1 << 8) /* whether the peer is known is part of the event */

#define COUNT_WANTED 1 /* the event is to be streamed */
#define COUNT_KNOWN  2 /* the peer has exchanged data with this host, if that was asked */

/* What counting needs, in registers: the words of the struct rst_port_key, those of the peer's
 * address, and how. */
struct count_arguments {
	__u64 port, owner;
	__u64 first, second;
	__u64 how;
};

/* Counts one. Returns COUNT_*: beyond the budget of events, one is wanted if it is rare, or if its
 * peer is known, and has not had many. What has to come from far is asked for first. */
static __always_inline __u32 count_in(struct rst_sketch *sketch, struct count_arguments of)
{
	__u32 slice = of.how >> 32, maker = of.how & 0xff;
	struct rst_port_key key = count_port_key(of.port, of.owner);
	__u64 peer[3] = {of.first, of.second, count_peer_word(key.netns, key.direction)};
	__u64 counted = sketch_all(sketch, maker), of_port, of_peer;
	__u64 hash = hash_halves(of.first, of.second, rst_settings.seed);
	__u64 who = known_hash(hash, key.netns);
	__u32 may = of.how & COUNT_ASKS_WHO ? known_may(who) : 0;
	bool wanted;

	of_peer = sketch_hot_peer(sketch, maker, hash, peer[0], peer[1], peer[2]);
	if (of_peer)
		of_peer += COUNT_HOT_PEER;
	else
		of_peer = count_peer(sketch, maker, peer, hash, &key, counted, slice);
	of_port = sketch_hot_port(sketch, maker, of.port, of.owner);
	if (!of_port)
		of_port = count_tabled_port(of.port, of.owner, slice);
	wanted = sketch->events < rst_settings.events ||
		 count_is_rare(sketch, maker, of_port, of_peer);
	if (!wanted && of_peer > COUNT_KNOWN_PEER && of_peer * RST_PEER_SHARE >= counted)
		return 0;
	if (may && known_is(who))
		return COUNT_WANTED | COUNT_KNOWN;
	return wanted ? COUNT_WANTED : 0;
}

/* The same as a function of its own for the verifier, global and without pointers, so that it is
 * read once and not on every way to it. */
__noinline __u32 count_reset(__u64 port, __u64 owner, __u64 first, __u64 second, __u64 how)
{
	struct rst_sketch *sketch = sketch_of(how >> 32);
	struct count_arguments of = {port, owner, first, second, how};

	return sketch ? count_in(sketch, of) : 0;
}

/* Of a segment that came in to somebody, whether they are known decides, too. */
static __always_inline bool count_asks_who(const struct rst_event *event)
{
	return event->flags & RST_EVENT_TRIGGER ||
	       (event->direction == RST_RECEIVED && event->cause == RST_STAGE_HANDSHAKE);
}

static __always_inline struct count_arguments count_arguments_of(const struct rst_event *event,
								 __u32 maker)
{
	struct rst_port_key key = classify_port_key(event);
	struct count_arguments of = {.how = (__u64)event->slice << 32 | maker};
	__u64 port[2], peer[2];

	__builtin_memcpy(port, &key, sizeof(port));
	__builtin_memcpy(peer, event->peer, sizeof(peer));
	of.port = port[0];
	of.owner = port[1];
	of.first = peer[0];
	of.second = peer[1];
	if (count_asks_who(event))
		of.how |= COUNT_ASKS_WHO;
	return of;
}

/* Notes in the event what counting it has told. Whether it is to be streamed. */
static __always_inline bool count_note(struct rst_event *event, __u32 told)
{
	if (told & COUNT_KNOWN)
		event->flags |= RST_EVENT_KNOWN;
	return told & COUNT_WANTED;
}

static __always_inline bool count_event(struct rst_event *event, __u32 maker)
{
	struct count_arguments of = count_arguments_of(event, maker);

	return count_note(event, count_reset(of.port, of.owner, of.first, of.second, of.how));
}

/* The same inline, for one that is in registers; if there is stack enough (kernel_read.h). */
static __always_inline bool count_event_in(struct rst_sketch *sketch, struct rst_event *event,
					   __u32 maker)
{
	if (!KERNEL_CASTS)
		return count_event(event, maker);
	return count_note(event, count_in(sketch, count_arguments_of(event, maker)));
}

#endif

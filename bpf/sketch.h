/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What one CPU keeps of one slice (struct rst_sketch in event.h), and how one reset is put there:
 * each touches a few cache lines of it, and no more.
 *
 * Keys are passed as the words that they consist of, so that they stay in registers.
 *
 * A program can be interrupted on its CPU by another program: what must be exact belongs to one
 * program (its hot places), or is added atomically. The count-min sketch is neither: an interrupt
 * between reading and writing the very same cell could make it one too low.
 */
#ifndef RSTWATCH_BPF_SKETCH_H
#define RSTWATCH_BPF_SKETCH_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "event.h"
#include "hash.h"
#include "maps.h"

/* NULL: cannot be, one entry per possible CPU and generation. */
static __always_inline struct rst_sketch *sketch_of(__u32 slice)
{
	__u32 cpu = bpf_get_smp_processor_id();
	__u32 index = (slice & 1) * rst_settings.cpus + cpu;

	return bpf_map_lookup_elem(&rst_sketches, &index);
}

/* One more, of all in this slice on this CPU: how many. */
static __always_inline __u64 sketch_all(struct rst_sketch *sketch, __u32 maker)
{
	volatile __u64 *counted = sketch->counted;

	if (maker < RST_HOT_MAKERS)
		counted[maker]++;
	else
		__sync_fetch_and_add(&sketch->counted[RST_HOT_MAKERS], 1);
	return counted[0] + counted[1] + counted[2] + counted[3];
}

/* A place among those of all makers; `most` if this one has none. The bound is checked last: the
 * verifiers of Linux 5.10 and 6.1 have to see it in the register that is used. */
static __always_inline __u32 sketch_hot_index(__u32 maker, __u32 place, __u32 places)
{
	__u32 index = maker * places + place, most = RST_HOT_MAKERS * places;

	barrier_var(index);
	return index < most ? index : most;
}

/* A key in the place that its hash names, and how often by now in this slice; 0: another has it. */
static __always_inline __u64 sketch_hot_port(struct rst_sketch *sketch, __u32 maker, __u64 first,
					     __u64 second)
{
	__u32 place = hash_words(first, second, rst_settings.seed) >> 48 & (RST_HOT_PORTS - 1);
	__u32 index = sketch_hot_index(maker, place, RST_HOT_PORTS);
	struct rst_hot_port *hot;
	__u64 *key;

	if (index >= RST_HOT_MAKERS * RST_HOT_PORTS)
		return 0;
	hot = &sketch->hot_ports[index];
	key = (__u64 *)&hot->key;
	if (!hot->count) {
		key[0] = first;
		key[1] = second;
	} else if (key[0] != first || key[1] != second) {
		return 0;
	}
	return ++hot->count;
}

/* Of the bucket that a peer may have a place in, or of the one beside it, for when that is full. */
static __always_inline __u32 sketch_hot_bucket(__u32 maker, __u64 address_hash, __u32 which)
{
	return sketch_hot_index(maker, (address_hash >> 40 ^ which) & (RST_HOT_PEERS - 1),
				RST_HOT_PEERS);
}

/* The place of a bucket that has the key, or else is free; NULL: none is. third: the namespace and
 * the direction. */
static __always_inline struct rst_hot_peer *
sketch_hot_place(struct rst_sketch *sketch, __u32 bucket, __u64 first, __u64 second, __u64 third)
{
	struct rst_hot_peer *place;

	if (bucket >= RST_HOT_MAKERS * RST_HOT_PEERS)
		return (void *)0;
#pragma unroll
	for (int way = 0; way < RST_HOT_WAYS; way++) {
		const __u64 *key;

		place = &sketch->hot_peers[bucket][way];
		key = (const __u64 *)&place->key;
		if (!place->count || (key[1] == second && key[0] == first && key[2] == third))
			return place;
	}
	return (void *)0;
}

/* In both of its buckets. */
static __always_inline struct rst_hot_peer *sketch_hot_find(struct rst_sketch *sketch, __u32 maker,
							    __u64 address_hash, __u64 first,
							    __u64 second, __u64 third)
{
	struct rst_hot_peer *place = sketch_hot_place(
		sketch, sketch_hot_bucket(maker, address_hash, 0), first, second, third);

	return place ? place
		     : sketch_hot_place(sketch, sketch_hot_bucket(maker, address_hash, 1), first,
					second, third);
}

/* How often, since it has a place; 0: it has none. Whether its bucket is in use at all is looked up
 * first: forged addresses would ask for all of them. */
static __always_inline __u64 sketch_hot_peer(struct rst_sketch *sketch, __u32 maker,
					     __u64 address_hash, __u64 first, __u64 second,
					     __u64 third)
{
	__u32 bucket = sketch_hot_bucket(maker, address_hash, 0);
	struct rst_hot_peer *place;

	if (bucket >= RST_HOT_MAKERS * RST_HOT_PEERS ||
	    !(sketch->hot_used[bucket >> 6] >> (bucket & 63) & 1))
		return 0;
	place = sketch_hot_find(sketch, maker, address_hash, first, second, third);
	return place && place->count ? ++place->count : 0;
}

/* It has one from now on, if one is free. */
static __always_inline bool sketch_hot_peer_new(struct rst_sketch *sketch, __u32 maker,
						__u64 address_hash, __u64 first, __u64 second,
						__u64 third)
{
	struct rst_hot_peer *place =
		sketch_hot_find(sketch, maker, address_hash, first, second, third);
	__u32 bucket = sketch_hot_bucket(maker, address_hash, 0);
	__u64 *key;

	if (!place || bucket >= RST_HOT_MAKERS * RST_HOT_PEERS)
		return false;
	sketch->hot_used[bucket >> 6] |= 1ULL << (bucket & 63);
	key = (__u64 *)&place->key;
	key[0] = first;
	key[1] = second;
	key[2] = third;
	place->count++;
	return true;
}

/* The larger one, without a branch: which one it is cannot be predicted, and the processor would
 * wait for the memory that tells. Both below 2^63. */
static __always_inline __u64 sketch_max(__u64 a, __u64 b)
{
	__s64 difference = a - b;

	barrier_var(difference); /* else the compiler finds out, and makes a branch of it */
	return a - (difference & difference >> 63);
}

static __always_inline __u64 sketch_min(__u64 a, __u64 b)
{
	__s64 difference = a - b;

	barrier_var(difference);
	return b + (difference & difference >> 63);
}

static __always_inline struct rst_sketch_line *sketch_line(struct rst_sketch *sketch,
							   __u8 direction, __u64 address_hash)
{
	return &sketch->lines[direction == RST_RECEIVED][hash_line(address_hash)];
}

/* For the number of distinct peers. Most often the register has seen at least as much: then the
 * rank need not be known. */
static __always_inline void sketch_distinct(struct rst_sketch_line *line, __u64 address_hash)
{
	__u8 *distinct = &line->distinct[hash_register(address_hash) & (RST_DISTINCT_LINE - 1)];
	__u8 rank, seen = *distinct;

	if (address_hash & ((1ULL << (seen & 63)) - 1))
		return;
	rank = hash_rank(address_hash);
	if (seen < rank)
		*distinct = rank;
}

/* The count-min sketch's answer for this peer, this reset included: never too low, unless it is
 * SKETCH_MANY. */
#define SKETCH_MANY 0xffff

static __always_inline __u64 sketch_estimate(struct rst_sketch_line *line, __u64 peer_hash)
{
	__u16 *first = &line->cells[hash_cell(peer_hash)];
	__u16 *second = &line->cells[hash_other_cell(peer_hash)];
	__u64 a = *first, b = *second;
	__u64 estimate = sketch_min(sketch_min(a, b) + 1, SKETCH_MANY);

	*first = sketch_max(a, estimate);
	*second = sketch_max(b, estimate);
	return estimate;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What has to be remembered of sockets and of closed connections, in memory of a fixed size: two
 * tables of buckets, in which the new takes the place of the old if there is no room. What was
 * lost that way is not known, and never another's.
 *
 * Socket-local storage would do without bounds, but making and freeing it costs a short connection
 * 6 to 8%; a bucket is one cache line. Of an open socket nothing needs to be kept for its owner:
 * see holder.h.
 */
#ifndef RSTWATCH_BPF_TRACK_H
#define RSTWATCH_BPF_TRACK_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "event.h"
#include "hash.h"
#include "kernel_read.h"
#include "maps.h"

/* rst_socket.facts: the number of the process that has it now (28 bits, enough for 268 million
 * processes with sockets; then they begin anew), and its state before CLOSE (4 bits). */
#define TRACK_STATE_BITS 4
#define TRACK_STATE	 ((1 << TRACK_STATE_BITS) - 1)
#define TRACK_NUMBER	 (0xffffffff >> TRACK_STATE_BITS)

/* In jiffies, of which the low half lasts for months. Never 0. */
static __always_inline __u32 track_time(void)
{
	return (__u32)bpf_jiffies64() | 1;
}

static __always_inline __u32 track_age_ms(__u32 born)
{
	__u32 age = track_time() - born;

	return (__u64)age * rst_settings.tick_ns / 1000000;
}

/*
 * A socket and whom it is connected to: its address, which another socket will have some day, and
 * the peer's. The kernel skips a hook that interrupts itself, so the beginning of a connection can
 * be missed, and must not find what was noted of an earlier one.
 */
static __always_inline __u64 track_key(const struct sock *sk)
{
	__u32 peer = KERNEL_READ(sk, sock, __sk_common.skc_daddr) * 0x9e3779b1u;

	return (__u64)sk << 16 | (__u16)(KERNEL_READ(sk, sock, __sk_common.skc_dport) ^ peer >> 16);
}

static __always_inline __u32 track_index(__u64 key)
{
	/* By the socket alone: the kernel gives memory out again while it is in the cache. */
	return hash_mix(key >> 16, rst_settings.seed) >> (64 - RST_SOCKETS_BITS);
}

/* NULL: nothing is known of it. */
static __always_inline struct rst_socket *track_find(const struct sock *sk)
{
	__u64 key = track_key(sk);
	__u32 index = track_index(key);
	struct rst_socket_bucket *bucket = bpf_map_lookup_elem(&rst_sockets, &index);

	if (!bucket)
		return (void *)0; /* cannot be: an array */
#pragma unroll
	for (int i = 0; i < RST_TRACK_WAYS; i++)
		if (bucket->way[i].key == key)
			return &bucket->way[i];
	return (void *)0;
}

/* Where its entry is, which is made if need be: its bucket, and in the lowest bits its way. That is
 * a free one, else that of a socket that was closed, else of one whose owner is the file's, else
 * any. Global, for the verifier: see process_enrol(). */
__noinline __u32 track_place(__u64 key)
{
	__u32 index = track_index(key);
	struct rst_socket_bucket *bucket = bpf_map_lookup_elem(&rst_sockets, &index);
	struct rst_socket *way;
	__u32 victim = 0, worst = 0;

	if (!bucket)
		return 0; /* cannot be: an array */
#pragma unroll
	for (int i = 0; i < RST_TRACK_WAYS; i++) {
		__u32 worth;

		way = &bucket->way[i];
		if (way->key == key)
			return index * RST_TRACK_WAYS + i;
		worth = !way->key ? 4 : way->facts & TRACK_STATE ? 3 : !way->facts ? 2 : 1;
		if (worth > worst) {
			worst = worth;
			victim = i;
		}
	}
	way = &bucket->way[victim & (RST_TRACK_WAYS - 1)];
	way->facts = 0;
	way->born = 0;
	way->key = key;
	return index * RST_TRACK_WAYS + victim;
}

/* Finds or makes its entry. */
static __always_inline struct rst_socket *track_make(const struct sock *sk)
{
	__u32 place = track_place(track_key(sk)), index = place / RST_TRACK_WAYS;
	struct rst_socket_bucket *bucket = bpf_map_lookup_elem(&rst_sockets, &index);

	return bucket ? &bucket->way[place & (RST_TRACK_WAYS - 1)] : (void *)0;
}

/* A connection begins: what is known of an earlier socket at this address is void. */
static __always_inline void track_begin(const struct sock *sk, bool established)
{
	struct rst_socket *entry = track_make(sk);

	if (!entry)
		return;
	entry->facts = 0;
	entry->born = established ? track_time() : 0;
}

/* Our connect() has succeeded. */
static __always_inline void track_established(const struct sock *sk)
{
	struct rst_socket *entry = track_make(sk);

	if (entry)
		entry->born = track_time();
}

static __always_inline void track_close(const struct sock *sk, __u8 state)
{
	struct rst_socket *entry = track_make(sk);

	if (entry)
		entry->facts = (entry->facts & ~TRACK_STATE) | (state & TRACK_STATE);
}

static __always_inline void track_move(const struct sock *sk, __u32 number)
{
	struct rst_socket *entry = track_make(sk);

	if (entry)
		entry->facts = number << TRACK_STATE_BITS | (entry->facts & TRACK_STATE);
}

/* Both, of one that has nothing to do any more but to be closed. number: 0 if nobody moved it. */
static __always_inline void track_leave(const struct sock *sk, __u32 number, __u8 state)
{
	struct rst_socket *entry = track_make(sk);

	if (!entry)
		return;
	if (!number)
		number = entry->facts >> TRACK_STATE_BITS;
	entry->facts = number << TRACK_STATE_BITS | (state & TRACK_STATE);
}

/* The process that it was moved to; 0 if it still is the one that made its file. */
static __always_inline __u32 track_moved(const struct sock *sk)
{
	struct rst_socket *entry = track_find(sk);

	return entry ? entry->facts >> TRACK_STATE_BITS : 0;
}

/* --- closed connections, by their ends --- */

static __always_inline __u64 track_hash(const struct rst_event *event)
{
	__u64 ports = (__u64)event->netns << 32 | (__u32)event->local_port << 16 | event->peer_port;

	return hash_mix(hash_address(event->local, ports) ^ hash_address(event->peer, ~ports),
			rst_settings.seed);
}

static __always_inline __u64 *track_closed_place(__u64 hash)
{
	__u32 index = hash & ((1 << RST_CLOSED_BITS) - 1);

	return bpf_map_lookup_elem(&rst_closed, &index);
}

/* Of the event, only the ends and the namespace matter. Written without a look at what was there:
 * that would be waiting for memory, which is the most that a connection costs. */
static __always_inline void track_closed(const struct rst_event *event, __u32 number)
{
	__u64 hash = track_hash(event), *place = track_closed_place(hash);

	if (place)
		*place = (hash & ~0xffffffffULL) | number;
}

/* The number of the process that closed it; 0: not known. */
static __always_inline __u32 track_closed_by(const struct rst_event *event)
{
	__u64 hash = track_hash(event), *place = track_closed_place(hash);

	return place && *place >> 32 == hash >> 32 ? *place : 0;
}

#endif

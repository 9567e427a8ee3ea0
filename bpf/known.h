/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who has exchanged data with this host in the last hours: with an address that has, a reset is
 * more likely an outage than a probe.
 *
 * A Bloom filter of two bits an address. There are two generations, and what is asked of both is in
 * one cache line. User space clears the older one and makes it the current one every PEERS_HOURS
 * (user/peers.h), so that an address is remembered for once to twice as long. An address that was
 * never here is taken for a known one in 0.2% of cases with 20,000 known ones in a generation, in
 * 3.5% with 100,000, and twice as often if the other generation is as full.
 *
 * Bits are set without an atomic operation, which Linux 5.10 has not: of two CPUs that set one in
 * the same byte at the same time, one may not have its way, until that address comes again.
 */
#ifndef RSTWATCH_BPF_KNOWN_H
#define RSTWATCH_BPF_KNOWN_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "event.h"
#include "hash.h"
#include "kernel_read.h"
#include "maps.h"
#include "sock.h"

/* Of the two halves of an address. Cheaper than hash_peer(), as every connection pays for it. */
static __always_inline __u64 known_hash_halves(__u64 first, __u64 second, __u32 netns)
{
	__u64 seed = rst_settings.seed;

	return hash_mix(second + (first ^ netns) * (seed | 1), seed);
}

static __always_inline __u64 known_hash(const __u8 peer[16], __u32 netns)
{
	__u64 first, second;

	__builtin_memcpy(&first, peer, 8);
	__builtin_memcpy(&second, peer + 8, 8);
	return known_hash_halves(first, second, netns);
}

/* The same of a socket's peer: of IPv4, without a way through memory. */
static __always_inline __u64 known_hash_socket(const struct sock *sk)
{
	__u32 netns = sock_netns(sk);
	__u8 peer[16];
	__u64 ipv4;

	if (sock_is_ipv6(sk)) {
		KERNEL_READ_IPV6(peer, sk, sock, __sk_common.skc_v6_daddr);
		return known_hash(peer, netns);
	}
	ipv4 = 0xffff00000000 | bpf_ntohl(KERNEL_READ(sk, sock, __sk_common.skc_daddr));
	return known_hash_halves(0, bpf_cpu_to_be64(ipv4), netns);
}

static __always_inline struct rst_known *known_line(__u64 hash)
{
	__u32 index = hash >> (64 - RST_KNOWN_BITS);

	return bpf_map_lookup_elem(&rst_known, &index);
}

/* Where in its line the two bits of an address are: eight bits of the hash each. */
static __always_inline __u32 known_place(__u64 hash, __u32 which)
{
	return hash >> (32 + 8 * which);
}

static __always_inline __u32 known_bit(const __u8 bytes[RST_KNOWN_BYTES], __u32 place)
{
	return bytes[(place >> 3) & (RST_KNOWN_BYTES - 1)] >> (place & 7) & 1;
}

static __always_inline __u32 known_in(const __u8 bytes[RST_KNOWN_BYTES], __u64 hash)
{
	return known_bit(bytes, known_place(hash, 0)) & known_bit(bytes, known_place(hash, 1));
}

/* Notes in the event whether its peer is one of them. */
static __always_inline void known_look(struct rst_event *event)
{
	__u64 hash = known_hash(event->peer, event->netns);
	const struct rst_known *line = known_line(hash);

	if (line && known_in(line->bytes[0], hash) | known_in(line->bytes[1], hash))
		event->flags |= RST_EVENT_KNOWN;
}

static __always_inline void known_set(__u8 bytes[RST_KNOWN_BYTES], __u32 place)
{
	bytes[(place >> 3) & (RST_KNOWN_BYTES - 1)] |= 1 << (place & 7);
}

/* Remembers a socket's peer. */
static __always_inline void known_add(const struct sock *sk)
{
	__u64 hash = known_hash_socket(sk);
	struct rst_known *line = known_line(hash);
	__u8 *bytes;

	if (!line)
		return; /* cannot be: an array */
	bytes = line->bytes[rst_control.known & 1];
	if (known_in(bytes, hash))
		return;
	known_set(bytes, known_place(hash, 0));
	known_set(bytes, known_place(hash, 1));
}

#endif

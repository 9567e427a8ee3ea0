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
 * Every one of a million forged addresses would ask for another cache line. So each address has one
 * bit, too, in a filter of a sixteenth of the size, the outline, which is asked first: with 5,000
 * known ones in a generation it turns 93% of the others away, with 20,000 74%.
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

/* From hash_address() to who is known: in every namespace another. */
static __always_inline __u64 known_hash(__u64 address_hash, __u32 netns)
{
	return (address_hash ^ netns) * 0x9e3779b97f4a7c15ULL;
}

/* Of a socket's peer: of IPv4, without a way through memory. */
static __always_inline __u64 known_hash_socket(const struct sock *sk)
{
	__u64 seed = rst_settings.seed;
	__u32 netns = sock_netns(sk);
	__u8 peer[16] __attribute__((aligned(8)));
	__be32 ipv4;

	if (sock_is_ipv6(sk)) {
		KERNEL_READ_IPV6(peer, sk, sock, __sk_common.skc_v6_daddr);
		return known_hash(hash_address(peer, seed), netns);
	}
	ipv4 = KERNEL_READ(sk, sock, __sk_common.skc_daddr);
	return known_hash(hash_halves(0, packet_mapped(ipv4), seed), netns);
}

static __always_inline struct rst_known *known_line(__u64 hash)
{
	__u32 index = hash >> (64 - RST_KNOWN_BITS);

	return bpf_map_lookup_elem(&rst_known, &index);
}

/* Where in its line the two bits of an address are, and the one in that of the outline: eight bits
 * of the hash each. */
static __always_inline __u32 known_place(__u64 hash, __u32 which)
{
	return hash >> (32 + 8 * which);
}

static __always_inline struct rst_known *known_outline(__u64 hash)
{
	__u32 index = (1 << RST_KNOWN_BITS) + (hash >> 24 & ((1 << RST_KNOWN_OUTLINE_BITS) - 1));

	return bpf_map_lookup_elem(&rst_known, &index);
}

static __always_inline __u32 known_outline_place(__u64 hash)
{
	return hash >> 16;
}

static __always_inline __u32 known_bit(const __u8 bytes[RST_KNOWN_BYTES], __u32 place)
{
	return bytes[(place >> 3) & (RST_KNOWN_BYTES - 1)] >> (place & 7) & 1;
}

static __always_inline __u32 known_in(const __u8 bytes[RST_KNOWN_BYTES], __u64 hash)
{
	return known_bit(bytes, known_place(hash, 0)) & known_bit(bytes, known_place(hash, 1));
}

/* Whether it may be one of them, by the outline. */
static __always_inline __u32 known_may(__u64 hash)
{
	const struct rst_known *outline = known_outline(hash);
	__u32 place = known_outline_place(hash);

	return outline ? known_bit(outline->bytes[0], place) | known_bit(outline->bytes[1], place)
		       : 0;
}

/* Whether it is, if it may be. */
static __always_inline bool known_is(__u64 hash)
{
	const struct rst_known *line = known_line(hash);

	return line && known_in(line->bytes[0], hash) | known_in(line->bytes[1], hash);
}

static __always_inline void known_set(__u8 bytes[RST_KNOWN_BYTES], __u32 place)
{
	bytes[(place >> 3) & (RST_KNOWN_BYTES - 1)] |= 1 << (place & 7);
}

/* Remembers a socket's peer. */
static __always_inline void known_add(const struct sock *sk)
{
	__u64 hash = known_hash_socket(sk);
	struct rst_known *line = known_line(hash), *outline = known_outline(hash);
	__u32 generation = rst_control.known & 1;

	if (!line || !outline)
		return; /* cannot be: an array */
	if (!known_bit(outline->bytes[generation], known_outline_place(hash)))
		known_set(outline->bytes[generation], known_outline_place(hash));
	if (known_in(line->bytes[generation], hash))
		return;
	known_set(line->bytes[generation], known_place(hash, 0));
	known_set(line->bytes[generation], known_place(hash, 1));
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Hashes of peers. Both sides use them: the kernel for its sketch, user space to add tabled peers
 * to the same HyperLogLog registers. The seed is drawn at start, so that a sender cannot choose
 * addresses that collide.
 */
#ifndef RSTWATCH_BPF_HASH_H
#define RSTWATCH_BPF_HASH_H

#include "event.h"

/* Multiply and shift, the finalizer family of MurmurHash3 and SplitMix64. */
static inline __u64 hash_mix(__u64 value, __u64 seed)
{
	value = (value ^ seed) * 0x9e3779b97f4a7c15ULL;
	return (value ^ (value >> 32)) * 0xd6e8feb86659fd93ULL;
}

/* Of an address's halves, as they lie in memory. */
static inline __u64 hash_halves(__u64 first, __u64 second, __u64 seed)
{
	__u64 low = hash_mix(second, seed) ^ first;

	low = hash_mix(low ^ (low >> 29), seed);
	return low ^ (low >> 32);
}

static inline __u64 hash_address(const __u8 address[16], __u64 seed)
{
	__u64 first, second;

	__builtin_memcpy(&first, address, 8);
	__builtin_memcpy(&second, address + 8, 8);
	return hash_halves(first, second, seed);
}

/* From hash_address() to a peer: the same address in another namespace is another. */
static inline __u64 hash_peer(__u64 address_hash, __u32 netns)
{
	__u64 value = (address_hash ^ netns) * 0xd6e8feb86659fd93ULL;

	return value ^ (value >> 32);
}

/* Two words, by their upper bits. */
static inline __u64 hash_words(__u64 first, __u64 second, __u64 seed)
{
	return (first ^ seed) * 0x9e3779b97f4a7c15ULL + second * 0xd6e8feb86659fd93ULL;
}

/* The line of the sketch, which has the address's register in it, and the peer's two cells. */
static inline __u32 hash_line(__u64 address_hash)
{
	return address_hash >> (64 - RST_SKETCH_BITS);
}

static inline __u32 hash_cell(__u64 peer_hash)
{
	return peer_hash & (RST_SKETCH_CELLS - 1);
}

/* Never the first one: 1 to 15 further on. The mask comes last, as the verifier of Linux 5.10 has
 * to see it. */
static inline __u32 hash_other_cell(__u64 peer_hash)
{
	__u32 further = 1 + ((peer_hash >> 8 & 0xff) * (RST_SKETCH_CELLS - 1) >> 8);

	return (hash_cell(peer_hash) + further) & (RST_SKETCH_CELLS - 1);
}

/* HyperLogLog: the register is named by the top bits, its value is 1 + the trailing zeros. */
static inline __u32 hash_register(__u64 address_hash)
{
	return address_hash >> (64 - RST_DISTINCT_BITS);
}

static inline __u8 hash_rank(__u64 address_hash)
{
	__u8 rank = 1;

	address_hash |= 1ULL << (64 - RST_DISTINCT_BITS); /* an end for the search */
	if (!(address_hash & 0xffffffff)) {
		rank += 32;
		address_hash >>= 32;
	}
	if (!(address_hash & 0xffff)) {
		rank += 16;
		address_hash >>= 16;
	}
	if (!(address_hash & 0xff)) {
		rank += 8;
		address_hash >>= 8;
	}
	if (!(address_hash & 0xf)) {
		rank += 4;
		address_hash >>= 4;
	}
	if (!(address_hash & 0x3)) {
		rank += 2;
		address_hash >>= 2;
	}
	return rank + !(address_hash & 0x1);
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * When something last happened to a connection, by its ends: a memory of fixed size, in buckets of
 * which the oldest gives way. Of the last 4,096 connections one in a thousand is forgotten, of the
 * last 8,192 one in twenty. A connection is known by its hash alone: two of 64 bits are hardly ever
 * the same, and as they are seeded nobody can choose them.
 */
#ifndef RSTWATCH_TUPLES_H
#define RSTWATCH_TUPLES_H

#include <stdint.h>

#include "event.h"

#define TUPLES_BUCKETS 2048 /* a power of two */
#define TUPLES_WAYS    8

struct tuple_key {
	uint8_t local[16], peer[16];
	uint32_t netns;
	uint16_t local_port, peer_port;
};

struct tuple {
	uint64_t hash;
	uint64_t time_ns; /* 0: free */
};

struct tuples {
	uint64_t seed;
	struct tuple buckets[TUPLES_BUCKETS][TUPLES_WAYS];
};

/* The memory must be zero. */
void tuples_init(struct tuples *tuples, uint64_t seed);
void tuples_note(struct tuples *tuples, const struct tuple_key *key, uint64_t time_ns);
/* 0: nothing is known. */
uint64_t tuples_find(const struct tuples *tuples, const struct tuple_key *key);

struct tuple_key tuples_of_event(const struct rst_event *event);
struct tuple_key tuples_of_signal(const struct rst_signal *signal);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * When something last happened to a connection, by its ends: a memory of fixed size, of which the
 * oldest goes first.
 */
#ifndef RSTWATCH_TUPLES_H
#define RSTWATCH_TUPLES_H

#include <stdint.h>

#include "event.h"
#include "table.h"

#define TUPLES 8192 /* a power of two */

struct tuple_key {
	uint8_t local[16], peer[16];
	uint32_t netns;
	uint16_t local_port, peer_port;
};

struct tuple {
	struct tuple_key key;
	uint64_t time_ns;
};

struct tuples {
	uint32_t next; /* the oldest, once all are used */
	TABLE_OF(struct tuple, entries, TUPLES);
};

void tuples_init(struct tuples *tuples, uint64_t seed);
void tuples_note(struct tuples *tuples, const struct tuple_key *key, uint64_t time_ns);
/* 0: nothing is known. */
uint64_t tuples_find(const struct tuples *tuples, const struct tuple_key *key);

struct tuple_key tuples_of_event(const struct rst_event *event);
struct tuple_key tuples_of_signal(const struct rst_signal *signal);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How many different ones there are, by their hashes: exact up to CROWD, then estimated from a
 * sample (Wegman's adaptive sampling; Flajolet 1990): when the sample is full, half of all hashes
 * are of no interest any more. Standard error 1.2 / sqrt(CROWD) = 15%, in half a kilobyte.
 */
#ifndef RSTWATCH_CROWD_H
#define RSTWATCH_CROWD_H

#include <stdbool.h>
#include <stdint.h>

#define CROWD 64

/* The memory must be zero. */
struct crowd {
	uint32_t used;
	uint32_t level; /* one hash in 2^level is sampled; 0: all of them, so the count is exact */
	uint64_t hashes[CROWD];
};

/* True if it was not met before; false also if that cannot be told. */
bool crowd_add(struct crowd *crowd, uint64_t hash);

static inline uint64_t crowd_count(const struct crowd *crowd)
{
	return (uint64_t)crowd->used << crowd->level;
}

#endif

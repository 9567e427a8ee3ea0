/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * HyperLogLog (Flajolet, Fusy, Gandouet, Meunier 2007) with the improved estimator of Ertl 2017,
 * which needs no correction tables at either end. Standard error 1.04 / sqrt(registers) = 0.8%.
 */
#ifndef RSTWATCH_DISTINCT_H
#define RSTWATCH_DISTINCT_H

#include <stdint.h>

#include "event.h"

/* The largest value of a register: it counts the bits left of the register's index, and one more.
 */
#define DISTINCT_RANK_MAX (64 - RST_DISTINCT_BITS + 1)

/* Registers of which the estimate is asked for often. */
struct distinct {
	uint32_t ranks[DISTINCT_RANK_MAX + 1]; /* how many registers have each value */
	uint8_t registers[RST_DISTINCT_WIDTH];
};

void distinct_begin(struct distinct *distinct);
void distinct_note(struct distinct *distinct, uint64_t address_hash);
uint64_t distinct_count(const struct distinct *distinct);

void distinct_add(uint8_t registers[RST_DISTINCT_WIDTH], uint64_t address_hash);
void distinct_merge(uint8_t registers[RST_DISTINCT_WIDTH], const uint8_t other[RST_DISTINCT_WIDTH]);
uint64_t distinct_estimate(const uint8_t registers[RST_DISTINCT_WIDTH]);

#endif

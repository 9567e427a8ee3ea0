// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "distinct.h"

#include <string.h>

#include "hash.h"

#define RANK_MAX DISTINCT_RANK_MAX

/* hash_rank(), by an instruction that the kernel side has not. */
static uint8_t rank_of(uint64_t address_hash)
{
	return 1 + __builtin_ctzll(address_hash | 1ULL << (64 - RST_DISTINCT_BITS));
}

void distinct_add(uint8_t registers[RST_DISTINCT_WIDTH], uint64_t address_hash)
{
	uint8_t *chosen = &registers[hash_register(address_hash)];
	uint8_t rank = rank_of(address_hash);

	if (*chosen < rank)
		*chosen = rank;
}

void distinct_begin(struct distinct *distinct)
{
	memset(distinct, 0, sizeof(*distinct));
	distinct->ranks[0] = RST_DISTINCT_WIDTH;
}

void distinct_note(struct distinct *distinct, uint64_t address_hash)
{
	uint8_t *chosen = &distinct->registers[hash_register(address_hash)];
	uint8_t rank = rank_of(address_hash);

	if (*chosen >= rank)
		return;
	distinct->ranks[*chosen]--;
	distinct->ranks[rank]++;
	*chosen = rank;
}

void distinct_merge(uint8_t registers[RST_DISTINCT_WIDTH], const uint8_t other[RST_DISTINCT_WIDTH])
{
	for (unsigned i = 0; i < RST_DISTINCT_WIDTH; i++)
		if (registers[i] < other[i])
			registers[i] = other[i];
}

/* The two series of Ertl's estimator, sigma for the empty registers and tau for the full ones. */
static double sigma(double x)
{
	double power = 1, sum = x, before;

	if (x == 1)
		return 1e300; /* every register empty: the estimate is 0 */
	do {
		x *= x;
		before = sum;
		sum += x * power;
		power += power;
	} while (sum != before);
	return sum;
}

static double root(double x)
{
	double guess = x > 1 ? x : 1, before;

	if (x <= 0)
		return 0;
	do {
		before = guess;
		guess = (guess + x / guess) / 2;
	} while (guess < before);
	return before;
}

static double tau(double x)
{
	double power = 1, sum = 1 - x, before;

	if (x == 0 || x == 1)
		return 0;
	do {
		x = root(x);
		before = sum;
		power /= 2;
		sum -= (1 - x) * (1 - x) * power;
	} while (sum != before);
	return sum / 3;
}

static uint64_t estimate(const uint32_t histogram[RANK_MAX + 1])
{
	const double width = RST_DISTINCT_WIDTH;
	double sum;

	sum = width * tau(1 - histogram[RANK_MAX] / width);
	for (int rank = RANK_MAX - 1; rank >= 1; rank--)
		sum = (sum + histogram[rank]) / 2;
	sum += width * sigma(histogram[0] / width);
	/* 0.7213... = 1 / (2 ln 2) */
	sum = 0.72134752044448170 * width * width / sum + 0.5;
	return sum < 0x1p63 ? (uint64_t)sum : UINT64_MAX; /* every register full: no estimate */
}

uint64_t distinct_estimate(const uint8_t registers[RST_DISTINCT_WIDTH])
{
	uint32_t histogram[RANK_MAX + 1] = {0};

	for (unsigned i = 0; i < RST_DISTINCT_WIDTH; i++)
		histogram[registers[i] <= RANK_MAX ? registers[i] : RANK_MAX]++;
	return estimate(histogram);
}

uint64_t distinct_count(const struct distinct *distinct)
{
	return estimate(distinct->ranks);
}

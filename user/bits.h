/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Bits, in an array of 64-bit words. */
#ifndef RSTWATCH_BITS_H
#define RSTWATCH_BITS_H

#include <stdbool.h>
#include <stdint.h>

static inline bool bits_test(const uint64_t *bits, uint32_t bit)
{
	return bits[bit / 64] >> bit % 64 & 1;
}

/* True if it was not set before. */
static inline bool bits_set(uint64_t *bits, uint32_t bit)
{
	bool before = bits_test(bits, bit);

	bits[bit / 64] |= 1ULL << bit % 64;
	return !before;
}

/* How many are set in so many words. By hand: the compiler would call a function of its own. */
static inline uint32_t bits_count(const uint64_t *bits, uint32_t words)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < words; i++) {
		uint64_t word = bits[i];

		word -= word >> 1 & 0x5555555555555555ULL;
		word = (word & 0x3333333333333333ULL) + (word >> 2 & 0x3333333333333333ULL);
		word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
		count += word * 0x0101010101010101ULL >> 56;
	}
	return count;
}

#endif

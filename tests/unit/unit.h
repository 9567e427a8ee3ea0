/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What every unit test includes first, and the few values that many of them need. */
#ifndef RSTWATCH_UNIT_H
#define RSTWATCH_UNIT_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define SECOND_NS	1000000000ULL
#define MINUTE_NS	(60 * SECOND_NS)

/* ::ffff:a.b.c.d from 0xaabbccdd. */
static inline void unit_ipv4(uint8_t address[16], uint32_t host)
{
	memset(address, 0, 10);
	address[10] = address[11] = 0xff;
	for (unsigned i = 0; i < 4; i++)
		address[12 + i] = host >> (24 - 8 * i);
}

/* Deterministic noise (SplitMix64, Vigna): the same on every machine. */
static inline uint64_t unit_random(uint64_t *state)
{
	uint64_t value = *state += 0x9e3779b97f4a7c15ULL;

	value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
	value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
	return value ^ (value >> 31);
}

/* Zeroed memory that the test frees; a test that gets none is over. */
static inline void *unit_zeroed(size_t bytes)
{
	void *memory = calloc(1, bytes);

	assert_non_null(memory);
	return memory;
}

#endif

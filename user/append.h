/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Text at a cursor, for what is written with every event: the caller knows that there is room for
 * all of it. Each returns the new cursor, and writes no NUL.
 */
#ifndef RSTWATCH_APPEND_H
#define RSTWATCH_APPEND_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define APPEND_NUMBER_BYTES 20 /* of the largest one */

/* A string literal: one copy of constant size. */
#define APPEND(at, literal)                                                                        \
	((char *)memcpy((at), "" literal, sizeof(literal) - 1) + sizeof(literal) - 1)

/* "00" to "99", one behind the other. */
extern const char append_pairs[201];

static inline char *append_text(char *at, const char *text, size_t length)
{
	memcpy(at, text, length);
	return at + length;
}

static inline void append_pair(char *at, uint32_t below_100)
{
	memcpy(at, append_pairs + 2 * below_100, 2);
}

/* A number below 10,000 in as many digits as it has. */
static inline char *append_short(char *at, uint32_t number)
{
	if (number >= 100) {
		char *end = at + 3 + (number >= 1000);

		append_pair(end - 2, number % 100);
		if (number >= 1000)
			append_pair(at, number / 100);
		else
			*at = (char)('0' + number / 100);
		return end;
	}
	if (number >= 10) {
		append_pair(at, number);
		return at + 2;
	}
	*at = (char)('0' + number);
	return at + 1;
}

/* A number below 10,000 in four digits, one below 100,000,000 in eight. */
static inline char *append_4_digits(char *at, uint32_t number)
{
	append_pair(at, number / 100);
	append_pair(at + 2, number % 100);
	return at + 4;
}

static inline char *append_8_digits(char *at, uint32_t number)
{
	return append_4_digits(append_4_digits(at, number / 10000), number % 10000);
}

static inline char *append_number(char *at, uint64_t number)
{
	if (number < 10000)
		return append_short(at, (uint32_t)number);
	if (number < 100000000)
		return append_4_digits(append_short(at, (uint32_t)number / 10000),
				       (uint32_t)number % 10000);
	return append_8_digits(append_number(at, number / 100000000), number % 100000000);
}

#endif

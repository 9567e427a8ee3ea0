/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Keeps the largest entries of a stream in a fixed array: a heap with the smallest on top. The
 * order must be total (ties broken by key), so that the result does not depend on arrival.
 */
#ifndef RSTWATCH_TOP_H
#define RSTWATCH_TOP_H

#include <stddef.h>
#include <stdint.h>

#define TOP_ENTRY_MAX 512 /* bytes */

/* As for qsort(): negative if a ranks before (is larger than) b. */
typedef int (*top_order)(const void *a, const void *b);

struct top {
	uint8_t *entries; /* capacity * entry_size bytes, the caller's */
	uint32_t entry_size, capacity, used;
	top_order order;
};

void top_offer(struct top *top, const void *entry);
/* Sorts the entries, largest first. Offer nothing after that. */
void top_sort(struct top *top);

#endif

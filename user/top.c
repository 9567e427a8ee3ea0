// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "top.h"

#include <string.h>

static void *at(const struct top *top, uint32_t index)
{
	return top->entries + (size_t)index * top->entry_size;
}

static void swap(const struct top *top, uint32_t a, uint32_t b)
{
	uint8_t held[TOP_ENTRY_MAX];

	memcpy(held, at(top, a), top->entry_size);
	memcpy(at(top, a), at(top, b), top->entry_size);
	memcpy(at(top, b), held, top->entry_size);
}

/* True if a ranks after b, so belongs nearer to the top of the heap. */
static int is_smaller(const struct top *top, uint32_t a, uint32_t b)
{
	return top->order(at(top, a), at(top, b)) > 0;
}

static void sift_down(const struct top *top, uint32_t index, uint32_t used)
{
	for (;;) {
		uint32_t smallest = index, child = 2 * index + 1;

		if (child < used && is_smaller(top, child, smallest))
			smallest = child;
		if (child + 1 < used && is_smaller(top, child + 1, smallest))
			smallest = child + 1;
		if (smallest == index)
			return;
		swap(top, index, smallest);
		index = smallest;
	}
}

void top_offer(struct top *top, const void *entry)
{
	uint32_t index;

	if (!top->capacity)
		return;
	if (top->used == top->capacity) {
		if (top->order(at(top, 0), entry) <= 0)
			return;
		memcpy(at(top, 0), entry, top->entry_size);
		sift_down(top, 0, top->used);
		return;
	}
	index = top->used++;
	memcpy(at(top, index), entry, top->entry_size);
	while (index && is_smaller(top, index, (index - 1) / 2)) {
		swap(top, index, (index - 1) / 2);
		index = (index - 1) / 2;
	}
}

void top_sort(struct top *top)
{
	for (uint32_t left = top->used; left > 1; left--) {
		swap(top, 0, left - 1);
		sift_down(top, 0, left - 1);
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "table.h"

#include <stdbool.h>
#include <string.h>

#include "hash.h"

static uint32_t first_slot(const struct table *table, const void *key)
{
	uint64_t hash = table->key_size, word;
	uint32_t last, at = 0;

	for (; at + sizeof(word) <= table->key_size; at += sizeof(word)) {
		memcpy(&word, (const uint8_t *)key + at, sizeof(word));
		hash = hash_mix(hash ^ word, table->seed);
		hash ^= hash >> 29;
	}
	if (at < table->key_size) { /* by four bytes */
		memcpy(&last, (const uint8_t *)key + at, sizeof(last));
		hash = hash_mix(hash ^ last, table->seed);
		hash ^= hash >> 29;
	}
	return hash & (2 * table->capacity - 1);
}

/* By hand: keys are short, and memcmp() is a call. */
static bool is_same(const void *entry, const void *key, uint32_t size)
{
	uint64_t difference = 0, a, b;
	uint32_t x, y, at = 0;

	for (; at + sizeof(a) <= size; at += sizeof(a)) {
		memcpy(&a, (const uint8_t *)entry + at, sizeof(a));
		memcpy(&b, (const uint8_t *)key + at, sizeof(b));
		difference |= a ^ b;
	}
	if (at < size) {
		memcpy(&x, (const uint8_t *)entry + at, sizeof(x));
		memcpy(&y, (const uint8_t *)key + at, sizeof(y));
		difference |= x ^ y;
	}
	return !difference;
}

/* The slot of this key, or the free slot where it belongs. There always is one: slots outnumber
 * entries two to one. */
static uint32_t find_slot(const struct table *table, const void *key, void **entry)
{
	uint32_t slot = first_slot(table, key);

	*entry = NULL;
	for (;;) {
		uint32_t index = table->slots[slot];

		if (index >= table->used || table->back[index] != slot)
			return slot;
		if (is_same(table_entry(table, index), key, table->key_size)) {
			*entry = table_entry(table, index);
			return slot;
		}
		slot = (slot + 1) & (2 * table->capacity - 1);
	}
}

void *table_find(const struct table *table, const void *key)
{
	void *entry;

	find_slot(table, key, &entry);
	return entry;
}

void *table_add(struct table *table, const void *key)
{
	void *entry;
	uint32_t slot = find_slot(table, key, &entry);

	if (entry || table->used == table->capacity)
		return entry;
	entry = table_entry(table, table->used);
	memset(entry, 0, table->entry_size);
	memcpy(entry, key, table->key_size);
	table->slots[slot] = table->used;
	table->back[table->used] = slot;
	table->used++;
	return entry;
}

/*
 * Frees a slot. A search ends at the first free slot, so those behind it move up into the gap, each
 * unless it would come to lie in front of where its search begins (Knuth 6.4, algorithm R).
 */
static void free_slot(struct table *table, uint32_t gap)
{
	uint32_t mask = 2 * table->capacity - 1, slot = gap;

	for (;;) {
		uint32_t index, first;

		slot = (slot + 1) & mask;
		index = table->slots[slot];
		if (index >= table->used || table->back[index] != slot)
			break;
		first = first_slot(table, table_entry(table, index));
		if (((slot - first) & mask) < ((slot - gap) & mask))
			continue;
		table->slots[gap] = index;
		table->back[index] = gap;
		gap = slot;
	}
	table->slots[gap] = UINT32_MAX;
}

void table_remove(struct table *table, void *entry)
{
	uint32_t index = table_index(table, entry), last = table->used - 1;

	free_slot(table, table->back[index]);
	table->used = last;
	if (index == last)
		return;
	memcpy(entry, table_entry(table, last), table->entry_size);
	table->back[index] = table->back[last];
	table->slots[table->back[index]] = index;
}

void table_replace(struct table *table, void *entry, const void *key)
{
	uint32_t index = table_index(table, entry), slot;
	void *found;

	free_slot(table, table->back[index]);
	slot = find_slot(table, key, &found);
	memset(entry, 0, table->entry_size);
	memcpy(entry, key, table->key_size);
	table->slots[slot] = index;
	table->back[index] = slot;
}

void *table_renew(struct table *table, uint32_t *next, const void *key)
{
	void *entry = table_add(table, key);

	if (!entry) {
		entry = table_entry(table, *next);
		*next = (*next + 1) % table->capacity;
		table_replace(table, entry, key);
	}
	return entry;
}

void table_clear(struct table *table)
{
	table->used = 0;
}

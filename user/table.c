// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "table.h"

#include <stdbool.h>
#include <string.h>

static uint32_t hash_of(const struct table *table, const void *key)
{
	return table_hash(table, key, table->key_size);
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

/*
 * The slot of the key with this hash, or the free slot where it belongs. There always is one: slots
 * outnumber entries two to one. Entries of another hash are not looked at: they are mostly not in
 * the cache.
 */
static uint32_t find_slot(const struct table *table, const void *key, uint32_t hash, void **entry)
{
	uint32_t mask = 2 * table->capacity - 1, slot = hash & mask;

	*entry = NULL;
	for (;;) {
		uint32_t index = table->slots[slot];

		if (index >= table->used || table->back[index].slot != slot)
			return slot;
		if (table->back[index].hash == hash &&
		    is_same(table_entry(table, index), key, table->key_size)) {
			*entry = table_entry(table, index);
			return slot;
		}
		slot = (slot + 1) & mask;
	}
}

static void put(struct table *table, uint32_t slot, uint32_t index, uint32_t hash)
{
	table->slots[slot] = index;
	table->back[index] = (struct table_back){.slot = slot, .hash = hash};
}

void *table_find_hashed(const struct table *table, const void *key, uint32_t hash)
{
	void *entry;

	find_slot(table, key, hash, &entry);
	return entry;
}

void *table_find(const struct table *table, const void *key)
{
	return table->used ? table_find_hashed(table, key, hash_of(table, key)) : NULL;
}

void *table_add_hashed(struct table *table, const void *key, uint32_t hash)
{
	void *entry;
	uint32_t slot = find_slot(table, key, hash, &entry);

	if (entry || table->used == table->capacity)
		return entry;
	entry = table_entry(table, table->used);
	memset(entry, 0, table->entry_size);
	memcpy(entry, key, table->key_size);
	put(table, slot, table->used++, hash);
	return entry;
}

void *table_add(struct table *table, const void *key)
{
	return table_add_hashed(table, key, hash_of(table, key));
}

/*
 * Frees a slot. A search ends at the first free slot, so those behind it move up into the gap, each
 * unless it would come to lie in front of where its search begins (Knuth 6.4, algorithm R).
 */
static void free_slot(struct table *table, uint32_t gap)
{
	uint32_t mask = 2 * table->capacity - 1, slot = gap;

	for (;;) {
		uint32_t index;

		slot = (slot + 1) & mask;
		index = table->slots[slot];
		if (index >= table->used || table->back[index].slot != slot)
			break;
		if (((slot - table->back[index].hash) & mask) < ((slot - gap) & mask))
			continue;
		table->slots[gap] = index;
		table->back[index].slot = gap;
		gap = slot;
	}
	table->slots[gap] = UINT32_MAX;
}

void table_remove(struct table *table, void *entry)
{
	uint32_t index = table_index(table, entry), last = table->used - 1;

	free_slot(table, table->back[index].slot);
	table->used = last;
	if (index == last)
		return;
	memcpy(entry, table_entry(table, last), table->entry_size);
	table->back[index] = table->back[last];
	table->slots[table->back[index].slot] = index;
}

void table_replace_hashed(struct table *table, void *entry, const void *key, uint32_t hash)
{
	uint32_t index = table_index(table, entry), slot;
	void *found;

	free_slot(table, table->back[index].slot);
	slot = find_slot(table, key, hash, &found);
	memset(entry, 0, table->entry_size);
	memcpy(entry, key, table->key_size);
	put(table, slot, index, hash);
}

void table_replace(struct table *table, void *entry, const void *key)
{
	table_replace_hashed(table, entry, key, hash_of(table, key));
}

void *table_renew_hashed(struct table *table, uint32_t *next, const void *key, uint32_t hash)
{
	void *entry = table_add_hashed(table, key, hash);

	if (!entry) {
		entry = table_entry(table, *next);
		*next = (*next + 1) & (table->capacity - 1);
		table_replace_hashed(table, entry, key, hash);
	}
	return entry;
}

void *table_renew(struct table *table, uint32_t *next, const void *key)
{
	return table_renew_hashed(table, next, key, hash_of(table, key));
}

void table_clear(struct table *table)
{
	table->used = 0;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "table.h"

#include <stdbool.h>
#include <string.h>

#include "hash.h"

/* A slot holds the index of its entry and part of the key's hash, so that the entries of other keys
 * need not be looked at: they are mostly not in the cache. */
#define INDEX_BITS 20
#define INDEX_MASK ((1U << INDEX_BITS) - 1)

/*
 * NH (Black et al. 1999, UMAC) and a finalizer: the products do not wait for one another. A key is
 * read by four bytes, as it has often been written just now, and not by eight.
 */
static uint64_t hash_key(const struct table *table, const void *key)
{
	const uint8_t *at = key, *end = at + table->key_size;
	uint64_t secret = table->seed ^ 0x9e3779b97f4a7c15ULL, hash = 0;
	uint32_t low, high;

	for (; at + 8 <= end; at += 8) {
		memcpy(&low, at, sizeof(low));
		memcpy(&high, at + 4, sizeof(high));
		low += (uint32_t)secret;
		high += (uint32_t)(secret >> 32);
		hash += (uint64_t)low * high;
		secret = secret << 13 | secret >> 51;
	}
	if (at < end) {
		memcpy(&low, at, sizeof(low));
		hash += low * (secret | 1);
	}
	hash = hash_mix(hash, table->seed);
	return hash ^ hash >> 32;
}

static uint32_t first_slot(const struct table *table, uint64_t hash)
{
	return hash & (2 * table->capacity - 1);
}

static uint32_t tag_of(uint64_t hash)
{
	return hash >> 32 & ~INDEX_MASK;
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

/* The slot of the key with this hash, or the free slot where it belongs. There always is one: slots
 * outnumber entries two to one. */
static uint32_t find_slot(const struct table *table, const void *key, uint64_t hash, void **entry)
{
	uint32_t slot = first_slot(table, hash), tag = tag_of(hash);

	*entry = NULL;
	for (;;) {
		uint32_t held = table->slots[slot], index = held & INDEX_MASK;

		if (index >= table->used || table->back[index] != slot)
			return slot;
		if ((held & ~INDEX_MASK) == tag &&
		    is_same(table_entry(table, index), key, table->key_size)) {
			*entry = table_entry(table, index);
			return slot;
		}
		slot = (slot + 1) & (2 * table->capacity - 1);
	}
}

static void put(struct table *table, uint32_t slot, uint32_t index, uint64_t hash)
{
	table->slots[slot] = index | tag_of(hash);
	table->back[index] = slot;
}

void *table_find(const struct table *table, const void *key)
{
	void *entry;

	if (!table->used)
		return NULL;
	find_slot(table, key, hash_key(table, key), &entry);
	return entry;
}

void *table_add(struct table *table, const void *key)
{
	uint64_t hash = hash_key(table, key);
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
		index = table->slots[slot] & INDEX_MASK;
		if (index >= table->used || table->back[index] != slot)
			break;
		first = first_slot(table, hash_key(table, table_entry(table, index)));
		if (((slot - first) & mask) < ((slot - gap) & mask))
			continue;
		table->slots[gap] = table->slots[slot];
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
	table->slots[table->back[index]] += index - last;
}

void table_replace(struct table *table, void *entry, const void *key)
{
	uint32_t index = table_index(table, entry), slot;
	uint64_t hash = hash_key(table, key);
	void *found;

	free_slot(table, table->back[index]);
	slot = find_slot(table, key, hash, &found);
	memset(entry, 0, table->entry_size);
	memcpy(entry, key, table->key_size);
	put(table, slot, index, hash);
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

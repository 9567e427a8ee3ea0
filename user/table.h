/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A bounded hash table: fixed capacity, memory given by the caller, O(1) to clear. Entries lie
 * side by side in the order in which they came (of those that are removed, the last one takes the
 * place), so iteration does not depend on the hash, and a replay prints what the live run printed.
 *
 * An entry is a struct that begins with its key (no padding inside the key). Clearing forgets the
 * entries by setting `used` to 0: a slot counts only if it and its entry point at each other, so
 * stale slots need no wiping, and memory never used is never touched.
 */
#ifndef RSTWATCH_TABLE_H
#define RSTWATCH_TABLE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "hash.h"

/* Of an entry. */
struct table_back {
	uint32_t slot;
	uint32_t hash; /* of its key */
};

struct table {
	uint8_t *entries;
	uint32_t *slots;	 /* 2 * capacity: index of an entry */
	struct table_back *back; /* capacity */
	uint64_t seed;
	uint32_t entry_size, key_size; /* bytes; key_size a multiple of 4 */
	uint32_t capacity;	       /* entries, a power of two */
	uint32_t used;
};

/* Declares, inside a struct, a table `name` of `count` entries of `type`, and its memory. */
#define TABLE_OF(type, name, count)                                                                \
	struct table name;                                                                         \
	type name##_entries[count];                                                                \
	uint32_t name##_slots[2 * (count)];                                                        \
	struct table_back name##_back[count]

/* Initialises a table that TABLE_OF declared in *owner. */
#define TABLE_INIT(owner, name, key, seed_value)                                                   \
	((owner)->name = (struct table){                                                           \
		 .entries = (uint8_t *)(owner)->name##_entries,                                    \
		 .slots = (owner)->name##_slots,                                                   \
		 .back = (owner)->name##_back,                                                     \
		 .seed = (seed_value),                                                             \
		 .entry_size = sizeof((owner)->name##_entries[0]),                                 \
		 .key_size = sizeof(key),                                                          \
		 .capacity = sizeof((owner)->name##_back) / sizeof((owner)->name##_back[0]),       \
	 })

/*
 * NH (Black et al. 1999, UMAC) and a finalizer: its products do not wait for one another. A key is
 * read by four bytes, as it has often been written just now, and not by eight.
 */
static inline uint32_t table_hash(const struct table *table, const void *key, uint32_t key_size)
{
	uint64_t secret = table->seed ^ 0x9e3779b97f4a7c15ULL, hash = 0;
	uint32_t at = 0, low, high;

#pragma GCC unroll 8
	for (; at + 8 <= key_size; at += 8) {
		memcpy(&low, (const uint8_t *)key + at, sizeof(low));
		memcpy(&high, (const uint8_t *)key + at + 4, sizeof(high));
		low += (uint32_t)secret;
		high += (uint32_t)(secret >> 32);
		hash += (uint64_t)low * high;
		secret = secret << 13 | secret >> 51;
	}
	if (at < key_size) {
		memcpy(&low, (const uint8_t *)key + at, sizeof(low));
		hash += low * (secret | 1);
	}
	return hash_mix(hash, table->seed) >> 32;
}

/* The entry with this key, or NULL. */
void *table_find(const struct table *table, const void *key);
/* The entry with this key, made (zero but for its key) if need be; NULL if the table is full. */
void *table_add(struct table *table, const void *key);
/* Forgets an entry. The last entry moves to where it was: the only one whose index changes. */
void table_remove(struct table *table, void *entry);
/* Gives an entry another key, which the table does not have yet, and zeroes the rest of it. No
 * index changes. */
void table_replace(struct table *table, void *entry, const void *key);
void table_clear(struct table *table);

/* table_add(), but if the table is full the entry *next gives way, which is the oldest if the table
 * is filled by this alone. *next is 0 at first. */
void *table_renew(struct table *table, uint32_t *next, const void *key);

/* The same where they are called with every event: the hash is inline, of a key whose size the
 * compiler knows, so its type must be that of the table's keys. */
#define TABLE_HASH(table, key) table_hash(table, key, sizeof(*(key)))
#define TABLE_FIND(table, key)                                                                     \
	((table)->used ? table_find_hashed(table, key, TABLE_HASH(table, key)) : NULL)
#define TABLE_ADD(table, key)	      table_add_hashed(table, key, TABLE_HASH(table, key))
#define TABLE_RENEW(table, next, key) table_renew_hashed(table, next, key, TABLE_HASH(table, key))
#define TABLE_REPLACE(table, entry, key)                                                           \
	table_replace_hashed(table, entry, key, TABLE_HASH(table, key))
void *table_find_hashed(const struct table *table, const void *key, uint32_t hash);
void *table_add_hashed(struct table *table, const void *key, uint32_t hash);
void *table_renew_hashed(struct table *table, uint32_t *next, const void *key, uint32_t hash);
void table_replace_hashed(struct table *table, void *entry, const void *key, uint32_t hash);

static inline uint32_t table_index(const struct table *table, const void *entry)
{
	return (uint32_t)((const uint8_t *)entry - table->entries) / table->entry_size;
}

static inline void *table_entry(const struct table *table, uint32_t index)
{
	return table->entries + (size_t)index * table->entry_size;
}

#endif

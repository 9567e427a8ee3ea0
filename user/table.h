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

struct table {
	uint8_t *entries;
	uint32_t *slots; /* 2 * capacity: index of an entry */
	uint32_t *back;	 /* capacity: the entry's slot */
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
	uint32_t name##_back[count]

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

/* The entry with this key, or NULL. */
void *table_find(const struct table *table, const void *key);
/* The entry with this key, made (zero but for its key) if need be; NULL if the table is full. */
void *table_add(struct table *table, const void *key);
/* The same, but if the table is full the entry *next gives way, which is the oldest if the table is
 * filled by this alone. *next is 0 at first. */
void *table_renew(struct table *table, uint32_t *next, const void *key);
/* Forgets an entry. The last entry moves to where it was: the only one whose index changes. */
void table_remove(struct table *table, void *entry);
/* Gives an entry another key, which the table does not have yet, and zeroes the rest of it. No
 * index changes. */
void table_replace(struct table *table, void *entry, const void *key);
void table_clear(struct table *table);

static inline uint32_t table_index(const struct table *table, const void *entry)
{
	return ((const uint8_t *)entry - table->entries) / table->entry_size;
}

static inline void *table_entry(const struct table *table, uint32_t index)
{
	return table->entries + (size_t)index * table->entry_size;
}

#endif

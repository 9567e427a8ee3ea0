// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit.h"

#include "table.h"

#define CAPACITY 64

struct entry {
	uint32_t key[2];
	uint64_t count;
};

struct owner {
	TABLE_OF(struct entry, entries, CAPACITY);
};

static struct entry *add(struct owner *owner, uint32_t a, uint32_t b)
{
	const uint32_t key[2] = {a, b};

	return table_add(&owner->entries, key);
}

static struct entry *find(const struct owner *owner, uint32_t a, uint32_t b)
{
	const uint32_t key[2] = {a, b};

	return table_find(&owner->entries, key);
}

/* Slots and back pointers hold rubbish: memory need not be zero. */
static void open_dirty(struct owner *owner, uint64_t seed, int rubbish)
{
	memset(owner, rubbish, sizeof(*owner));
	TABLE_INIT(owner, entries, uint32_t[2], seed);
}

static void init_reads_sizes_from_the_declaration(void **state)
{
	struct owner owner;

	(void)state;
	open_dirty(&owner, 1, 0);
	assert_int_equal(owner.entries.capacity, CAPACITY);
	assert_int_equal(owner.entries.key_size, 8);
	assert_int_equal(owner.entries.entry_size, sizeof(struct entry));
	assert_int_equal(owner.entries.used, 0);
	assert_null(find(&owner, 0, 0));
}

static void add_makes_zeroed_entries_once(void **state)
{
	struct owner owner;
	struct entry *entry;

	(void)state;
	open_dirty(&owner, 1, 0xa5);
	entry = add(&owner, 3, 4);
	assert_non_null(entry);
	assert_int_equal(entry->key[0], 3);
	assert_int_equal(entry->key[1], 4);
	assert_int_equal(entry->count, 0);
	entry->count = 9;
	assert_ptr_equal(add(&owner, 3, 4), entry);
	assert_ptr_equal(find(&owner, 3, 4), entry);
	assert_int_equal(entry->count, 9);
	assert_int_equal(owner.entries.used, 1);
	assert_null(find(&owner, 4, 3));
	assert_null(find(&owner, 3, 5));
}

static void full_table_refuses_new_keys_only(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 20; seed++) {
		struct owner owner;

		open_dirty(&owner, seed, 0xff);
		for (uint32_t i = 0; i < CAPACITY; i++)
			add(&owner, i, seed)->count = i + 1;
		assert_null(add(&owner, CAPACITY, seed));
		assert_int_equal(owner.entries.used, CAPACITY);
		for (uint32_t i = 0; i < CAPACITY; i++)
			assert_int_equal(add(&owner, i, seed)->count, i + 1);
		assert_null(find(&owner, CAPACITY, seed));
	}
}

static void order_is_of_arrival_whatever_the_seed(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 20; seed++) {
		struct owner owner;

		open_dirty(&owner, seed, 0);
		for (uint32_t i = 0; i < CAPACITY; i++)
			add(&owner, (i * 37) % 101, 0);
		for (uint32_t i = 0; i < CAPACITY; i++) {
			const struct entry *entry = table_entry(&owner.entries, i);

			assert_int_equal(entry->key[0], (i * 37) % 101);
		}
	}
}

static void clear_forgets_all_and_leaves_no_ghosts(void **state)
{
	struct owner owner;

	(void)state;
	open_dirty(&owner, 7, 0);
	for (uint32_t round = 0; round < 1000; round++) {
		uint32_t count = 1 + round * 31 % CAPACITY;

		for (uint32_t i = 0; i < count; i++) {
			struct entry *entry = add(&owner, i, round);

			assert_non_null(entry);
			assert_int_equal(entry->count, 0);
			entry->count = 1;
		}
		assert_int_equal(owner.entries.used, count);
		if (round)
			assert_null(find(&owner, 0, round - 1));
		table_clear(&owner.entries);
		for (uint32_t i = 0; i < count; i++)
			assert_null(find(&owner, i, round));
	}
}

/* Random changes, against a plain array that does the same: the same entries, in the same order. */
static void removes_and_replaces_like_a_plain_array(void **state)
{
	uint64_t random = 5;

	(void)state;
	for (uint64_t seed = 0; seed < 20; seed++) {
		struct entry plain[CAPACITY];
		struct owner owner;
		uint32_t used = 0;

		open_dirty(&owner, seed, seed % 2 ? 0xff : 0);
		for (unsigned round = 0; round < 1000; round++) {
			struct entry new = {.key = {unit_random(&random) % 200, 7},
					    .count = unit_random(&random)};
			uint32_t at = used ? unit_random(&random) % used : 0;
			bool known = find(&owner, new.key[0], 7);

			switch (unit_random(&random) % 3) {
			case 0:
				if (!used)
					break;
				table_remove(&owner.entries, table_entry(&owner.entries, at));
				plain[at] = plain[--used];
				break;
			case 1:
				if (!used || known)
					break;
				table_replace(&owner.entries, table_entry(&owner.entries, at),
					      new.key);
				assert_int_equal(owner.entries_entries[at].count, 0);
				owner.entries_entries[at].count = new.count;
				plain[at] = new;
				break;
			default:
				if (known || used == CAPACITY)
					break;
				add(&owner, new.key[0], 7)->count = new.count;
				plain[used++] = new;
			}
			assert_int_equal(owner.entries.used, used);
			assert_memory_equal(owner.entries_entries, plain, used * sizeof(plain[0]));
			for (uint32_t key = 0; key < 200; key++) {
				const struct entry *expected = NULL;

				for (uint32_t i = 0; i < used; i++)
					if (plain[i].key[0] == key)
						expected = &owner.entries_entries[i];
				assert_ptr_equal(find(&owner, key, 7), expected);
			}
		}
		for (uint32_t i = 0; i < used; i++)
			assert_int_equal(
				table_index(&owner.entries, table_entry(&owner.entries, i)), i);
	}
}

static void renew_takes_the_place_of_the_oldest(void **state)
{
	struct owner owner;
	uint32_t next = 0;

	(void)state;
	open_dirty(&owner, 42, 0x55);
	for (uint32_t i = 0; i < 3 * CAPACITY; i++) {
		const uint32_t key[2] = {i, 1};
		struct entry *entry = table_renew(&owner.entries, &next, key);

		assert_int_equal(entry->count, 0);
		entry->count = i + 1;
		assert_ptr_equal(table_renew(&owner.entries, &next, key), entry);
		assert_int_equal(entry->count, i + 1);
		assert_null(i >= CAPACITY ? find(&owner, i - CAPACITY, 1) : NULL);
		assert_true(i + 1 < CAPACITY || find(&owner, i + 1 - CAPACITY, 1));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(init_reads_sizes_from_the_declaration),
		cmocka_unit_test(add_makes_zeroed_entries_once),
		cmocka_unit_test(full_table_refuses_new_keys_only),
		cmocka_unit_test(order_is_of_arrival_whatever_the_seed),
		cmocka_unit_test(clear_forgets_all_and_leaves_no_ghosts),
		cmocka_unit_test(renew_takes_the_place_of_the_oldest),
		cmocka_unit_test(removes_and_replaces_like_a_plain_array),
	};

	return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}

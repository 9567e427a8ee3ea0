// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit.h"

#include "top.h"

struct item {
	uint32_t count, key;
};

/* Largest count first, then smallest key: total. */
static int order(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return x->key < y->key ? -1 : x->key > y->key;
}

static struct top top_of(struct item *items, uint32_t capacity)
{
	return (struct top){.entries = (uint8_t *)items,
			    .entry_size = sizeof(*items),
			    .capacity = capacity,
			    .order = order};
}

static void shuffle(struct item *items, uint32_t count, uint64_t *random)
{
	for (uint32_t i = count; i > 1; i--) {
		uint32_t other = unit_random(random) % i;
		struct item held = items[i - 1];

		items[i - 1] = items[other];
		items[other] = held;
	}
}

static void keeps_the_largest_in_order(void **state)
{
	uint64_t random = 1;

	(void)state;
	for (uint32_t count = 0; count <= 100; count++) {
		struct item all[100], kept[10];
		struct top top = top_of(kept, COUNT_OF(kept));

		for (uint32_t i = 0; i < count; i++)
			all[i] = (struct item){.count = unit_random(&random) % 8, .key = i};
		for (uint32_t i = 0; i < count; i++)
			top_offer(&top, &all[i]);
		top_sort(&top);
		qsort(all, count, sizeof(all[0]), order);
		assert_int_equal(top.used, count < 10 ? count : 10);
		assert_memory_equal(all, kept, top.used * sizeof(kept[0]));
	}
}

static void ties_do_not_depend_on_arrival(void **state)
{
	struct item all[50], first[10], kept[10];
	uint64_t random = 2;

	(void)state;
	for (uint32_t i = 0; i < COUNT_OF(all); i++)
		all[i] = (struct item){.count = 7, .key = i};
	for (uint32_t i = 0; i < COUNT_OF(first); i++)
		first[i] = all[i];
	for (unsigned round = 0; round < 200; round++) {
		struct top top = top_of(kept, COUNT_OF(kept));

		shuffle(all, COUNT_OF(all), &random);
		for (uint32_t i = 0; i < COUNT_OF(all); i++)
			top_offer(&top, &all[i]);
		top_sort(&top);
		assert_memory_equal(first, kept, sizeof(first));
	}
}

static void capacity_of_none_and_of_one(void **state)
{
	struct item one, items[] = {{3, 0}, {9, 1}, {9, 0}, {1, 5}};
	struct top none = top_of(NULL, 0), single = top_of(&one, 1);

	(void)state;
	for (uint32_t i = 0; i < COUNT_OF(items); i++) {
		top_offer(&none, &items[i]);
		top_offer(&single, &items[i]);
	}
	top_sort(&none);
	top_sort(&single);
	assert_int_equal(none.used, 0);
	assert_int_equal(single.used, 1);
	assert_memory_equal(&one, &items[2], sizeof(one));
}

static void large_entries_move_whole(void **state)
{
	static uint8_t entry[TOP_ENTRY_MAX], kept[3 * TOP_ENTRY_MAX];
	struct top top = {
		.entries = kept, .entry_size = TOP_ENTRY_MAX, .capacity = 3, .order = order};

	(void)state;
	for (uint32_t i = 0; i < 8; i++) {
		struct item item = {.count = i * 3 % 8, .key = i};

		memset(entry, item.count, sizeof(entry));
		memcpy(entry, &item, sizeof(item));
		top_offer(&top, entry);
	}
	top_sort(&top);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(((struct item *)(kept + i * TOP_ENTRY_MAX))->count, 7 - i);
		assert_int_equal(kept[(i + 1) * TOP_ENTRY_MAX - 1], 7 - i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_the_largest_in_order),
		cmocka_unit_test(ties_do_not_depend_on_arrival),
		cmocka_unit_test(capacity_of_none_and_of_one),
		cmocka_unit_test(large_entries_move_whole),
	};

	return cmocka_run_group_tests_name("top", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit.h"

#include "tuples.h"

static struct tuple_key key_of(unsigned number)
{
	struct tuple_key key = {.netns = 7, .local_port = 80, .peer_port = 1024 + number % 60000};

	unit_ipv4(key.local, 0x0a000002);
	unit_ipv4(key.peer, 0x0b000000 + number / 60000);
	return key;
}

static struct tuples *open_tuples(void)
{
	struct tuples *tuples = unit_zeroed(sizeof(*tuples));

	tuples_init(tuples, 42);
	return tuples;
}

static void finds_what_was_noted(void **state)
{
	struct tuples *tuples = open_tuples();
	struct tuple_key key = key_of(1), other = key;

	(void)state;
	assert_int_equal(tuples_find(tuples, &key), 0);
	tuples_note(tuples, &key, 5);
	assert_int_equal(tuples_find(tuples, &key), 5);
	tuples_note(tuples, &key, 9);
	assert_int_equal(tuples_find(tuples, &key), 9);
	other.netns = 8;
	assert_int_equal(tuples_find(tuples, &other), 0);
	other = key;
	other.peer_port++;
	assert_int_equal(tuples_find(tuples, &other), 0);
	other = key;
	other.local[15]++;
	assert_int_equal(tuples_find(tuples, &other), 0);
	free(tuples);
}

/* What was noted last is there, and what was noted long ago is not. */
static void the_oldest_goes(void **state)
{
	const unsigned all = TUPLES_BUCKETS * TUPLES_WAYS, noted = 4 * all;
	struct tuples *tuples = open_tuples();
	unsigned recent = 0, late = 0, old = 0;

	(void)state;
	for (unsigned i = 0; i < noted; i++) {
		struct tuple_key key = key_of(i);

		tuples_note(tuples, &key, i + 1);
	}
	for (unsigned i = 0; i < noted; i++) {
		struct tuple_key key = key_of(i);
		uint64_t found = tuples_find(tuples, &key);

		assert_true(!found || found == i + 1);
		recent += found && i >= noted - 4096;
		late += found && i >= noted - 8192;
		old += found && i < noted - 2 * all;
	}
	assert_in_range(recent, 4096 - 20, 4096);
	assert_in_range(late, 8192 * 93 / 100, 8192);
	assert_in_range(old, 0, all / 50);
	free(tuples);
}

/* Addresses that differ by one, as those of a scan do, fill all buckets alike. */
static void buckets_are_even(void **state)
{
	struct tuples *tuples = open_tuples();
	unsigned used = 0;

	(void)state;
	for (unsigned i = 0; i < TUPLES_BUCKETS * TUPLES_WAYS; i++) {
		struct tuple_key key = key_of(0);

		unit_ipv4(key.peer, 0x0b000000 + i);
		tuples_note(tuples, &key, i + 1);
	}
	for (unsigned i = 0; i < TUPLES_BUCKETS; i++)
		for (unsigned j = 0; j < TUPLES_WAYS; j++)
			used += !!tuples->buckets[i][j].time_ns;
	/* Eight of Poisson's in the mean, of which there is no room for what is beyond eight. */
	assert_in_range(used, TUPLES_BUCKETS * TUPLES_WAYS * 84 / 100,
			TUPLES_BUCKETS * TUPLES_WAYS * 88 / 100);
	free(tuples);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_was_noted),
		cmocka_unit_test(the_oldest_goes),
		cmocka_unit_test(buckets_are_even),
	};

	return cmocka_run_group_tests_name("tuples", tests, NULL, NULL);
}

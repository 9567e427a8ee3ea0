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

/* The oldest goes first, round and round. */
static void the_oldest_goes(void **state)
{
	struct tuples *tuples = open_tuples();

	(void)state;
	for (unsigned i = 0; i < 3 * TUPLES + 5; i++) {
		struct tuple_key key = key_of(i);

		tuples_note(tuples, &key, i + 1);
	}
	for (unsigned i = 0; i < 3 * TUPLES + 5; i++) {
		struct tuple_key key = key_of(i);
		bool kept = i >= 2 * TUPLES + 5;

		assert_int_equal(tuples_find(tuples, &key), kept ? i + 1 : 0);
	}
	free(tuples);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_was_noted),
		cmocka_unit_test(the_oldest_goes),
	};

	return cmocka_run_group_tests_name("tuples", tests, NULL, NULL);
}

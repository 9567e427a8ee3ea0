// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit.h"

#include <inttypes.h>
#include <stdio.h>

#include "append.h"

static void assert_number(uint64_t number)
{
	char expected[32], *exact = unit_zeroed(APPEND_NUMBER_BYTES);
	size_t length = snprintf(expected, sizeof(expected), "%" PRIu64, number);

	assert_int_equal(append_number(exact, number) - exact, length);
	assert_memory_equal(exact, expected, length);
	free(exact);
}

static void numbers_of_every_length(void **state)
{
	(void)state;
	for (uint64_t number = 0; number < 20000; number++)
		assert_number(number);
	for (uint64_t power = 1; power < UINT64_MAX / 10; power *= 10)
		for (uint64_t digit = 1; digit < 10; digit++) {
			assert_number(digit * power - 1);
			assert_number(digit * power);
			assert_number(digit * power + 1);
		}
	assert_number(UINT32_MAX);
	assert_number(UINT64_MAX - 1);
	assert_number(UINT64_MAX);
}

static void digits_with_zeros_in_front(void **state)
{
	char text[8];

	(void)state;
	assert_ptr_equal(append_8_digits(text, 0), text + 8);
	assert_memory_equal(text, "00000000", 8);
	append_8_digits(text, 10203);
	assert_memory_equal(text, "00010203", 8);
	append_8_digits(text, 99999999);
	assert_memory_equal(text, "99999999", 8);
}

static void literals_and_texts(void **state)
{
	char text[5] = "#####", *at = APPEND(text, "ab");

	(void)state;
	assert_ptr_equal(at, text + 2);
	at = append_text(at, "cd", 2);
	assert_ptr_equal(at, text + 4);
	assert_memory_equal(text, "abcd#", 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_of_every_length),
		cmocka_unit_test(digits_with_zeros_in_front),
		cmocka_unit_test(literals_and_texts),
	};

	return cmocka_run_group_tests_name("append", tests, NULL, NULL);
}

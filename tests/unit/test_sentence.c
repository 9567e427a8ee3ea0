// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit.h"

#include "sentence.h"

static void words_and_numbers(void **state)
{
	char text[80];
	struct sentence sentence = {.text = text, .size = sizeof(text)};

	(void)state;
	sentence_add(&sentence, "");
	assert_string_equal(text, "");
	sentence_add(&sentence, "a");
	sentence_add_number(&sentence, 0);
	sentence_add(&sentence, " b ");
	sentence_add_number(&sentence, 18446744073709551615ULL);
	sentence_add(&sentence, " c ");
	sentence_add_number(&sentence, 1000);
	assert_string_equal(text, "a0 b 18446744073709551615 c 1000");
	assert_int_equal(sentence.length, strlen(text));
}

static void decimals_have_one_digit_or_none(void **state)
{
	static const struct {
		double number;
		const char *text;
	} cases[] = {
		{0, "0"},
		{0.04, "0"},
		{0.05, "0.1"},
		{0.1, "0.1"},
		{0.94, "0.9"},
		{0.96, "1"},
		{1, "1"},
		{49.9, "49.9"},
		{50, "50"},
		{50.1, "50.1"},
		{9.97, "10"},
		{99.99, "100"},
		{1e6 + 0.5, "1000000.5"},
		{1e15, "1000000000000000"},
	};

	(void)state;
	for (unsigned i = 0; i < COUNT_OF(cases); i++) {
		char text[40];
		struct sentence sentence = {.text = text, .size = sizeof(text)};

		sentence_add_decimal(&sentence, cases[i].number);
		assert_string_equal(text, cases[i].text);
	}
}

static void cuts_what_does_not_fit(void **state)
{
	(void)state;
	for (size_t size = 1; size <= 12; size++) {
		char *text = malloc(size); /* exactly: a sanitizer sees the byte behind it */
		struct sentence sentence = {.text = text, .size = size};

		assert_non_null(text);
		sentence_add(&sentence, "abc");
		sentence_add_number(&sentence, 12345);
		sentence_add_decimal(&sentence, 6.5);
		sentence_add(&sentence, "xyz");
		assert_int_equal(strlen(text), size - 1);
		assert_int_equal(sentence.length, size - 1);
		assert_memory_equal(text, "abc123456.5xyz", size - 1);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_and_numbers),
		cmocka_unit_test(decimals_have_one_digit_or_none),
		cmocka_unit_test(cuts_what_does_not_fit),
	};

	return cmocka_run_group_tests_name("sentence", tests, NULL, NULL);
}

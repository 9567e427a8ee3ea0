// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit.h"

#include "owner.h"
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

static void counts_of_one_and_many(void **state)
{
	char text[80];
	struct sentence sentence = {.text = text, .size = sizeof(text)};

	(void)state;
	sentence_add_count(&sentence, 0, " reset");
	sentence_add(&sentence, ", ");
	sentence_add_count(&sentence, 1, " reset");
	sentence_add(&sentence, ", ");
	sentence_add_count(&sentence, 21, " reset");
	assert_string_equal(text, "0 resets, 1 reset, 21 resets");
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

static void foreign_bytes_become_plain(void **state)
{
	char text[40];
	struct sentence sentence = {.text = text, .size = sizeof(text)};

	(void)state;
	sentence_add_foreign(&sentence, "a \033[1m\n\xc3\xa9\x7f~");
	assert_string_equal(text, "a ?[1m????~");
}

static void addresses_of_both_families(void **state)
{
	char text[80];
	struct sentence sentence = {.text = text, .size = sizeof(text)};
	uint8_t four[16], six[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 7};

	(void)state;
	unit_ipv4(four, 0x0a000007);
	sentence_add_address(&sentence, four);
	sentence_add(&sentence, " ");
	sentence_add_address(&sentence, six);
	assert_string_equal(text, "10.0.0.7 2001:db8::7");
}

static void assert_owner(const struct owner *owner, const char *expected)
{
	char text[400];
	struct sentence sentence = {.text = text, .size = sizeof(text)};

	sentence_add_owner(&sentence, owner);
	assert_string_equal(text, expected);
}

static void owners_as_well_as_they_are_known(void **state)
{
	struct process process = {.pid = 812, .comm = "ng\ninx"};
	struct owner owner = {.known_by = OWNER_SOCKET, .process = &process};

	(void)state;
	assert_owner(&owner, "ng?inx (pid 812)");
	memset(process.names.container, 'c', sizeof(process.names.container) - 1);
	assert_owner(&owner, "ng?inx (pid 812, container cccccccccccc)");
	strcpy(process.names.container, "web\x1b");
	assert_owner(&owner, "ng?inx (pid 812, container web?)");
	strcpy(process.names.unit, "nginx\x9b.service");
	assert_owner(&owner, "ng?inx (pid 812, nginx?.service)");
	owner.process = NULL;
	assert_owner(&owner, "a process");
	owner.known_by = OWNER_UNKNOWN;
	assert_owner(&owner, "a process");
	owner.known_by = OWNER_KERNEL;
	assert_owner(&owner, "the kernel");
	owner.known_by = OWNER_FIREWALL;
	assert_owner(&owner, "a firewall");
}

static void durations_in_the_unit_that_fits(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{0, "0 ms"},
		{999999, "0 ms"},
		{350 * 1000000ULL, "350 ms"},
		{SECOND_NS - 1, "999 ms"},
		{SECOND_NS, "1 s"},
		{3240 * 1000000ULL, "3.2 s"},
		{59 * SECOND_NS, "59 s"},
		{60 * SECOND_NS, "1 min"},
		{90 * SECOND_NS, "1.5 min"},
		{300 * SECOND_NS, "5 min"},
		{3600 * SECOND_NS, "1 h"},
		{5400 * SECOND_NS, "1.5 h"},
		{48 * 3600 * SECOND_NS, "2 d"},
		{UINT64_MAX, "213504 d"},
	};

	(void)state;
	for (unsigned i = 0; i < COUNT_OF(cases); i++) {
		char text[40];
		struct sentence sentence = {.text = text, .size = sizeof(text)};

		sentence_add_duration_ns(&sentence, cases[i].ns);
		assert_string_equal(text, cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_and_numbers),
		cmocka_unit_test(counts_of_one_and_many),
		cmocka_unit_test(decimals_have_one_digit_or_none),
		cmocka_unit_test(cuts_what_does_not_fit),
		cmocka_unit_test(foreign_bytes_become_plain),
		cmocka_unit_test(addresses_of_both_families),
		cmocka_unit_test(owners_as_well_as_they_are_known),
		cmocka_unit_test(durations_in_the_unit_that_fits),
	};

	return cmocka_run_group_tests_name("sentence", tests, NULL, NULL);
}

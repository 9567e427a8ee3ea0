// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit.h"

#include "pattern.h"

static void stars_and_question_marks(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool matches;
	} cases[] = {
		{"", "", true},		  {"", "a", false},	     {"*", "", true},
		{"*", "abc", true},	  {"?", "", false},	     {"?", "a", true},
		{"?", "ab", false},	  {"php*", "php", true},     {"php*", "php-fpm", true},
		{"php*", "ph", false},	  {"*fpm", "php-fpm", true}, {"*fpm", "php-fpmd", false},
		{"a*b*c", "aXbYc", true}, {"a*b*c", "abbcbc", true}, {"a*b*c", "acb", false},
		{"a?c", "abc", true},	  {"a?c", "ac", false},	     {"**", "x", true},
		{"abc", "abc", true},	  {"abc", "abcd", false},    {"abcd", "abc", false},
		{"A", "a", false},	  {"[a]", "a", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		if (pattern_matches(cases[i].pattern, cases[i].text) != cases[i].matches)
			fail_msg("'%s' and '%s'", cases[i].pattern, cases[i].text);
}

/* What would take others years. */
static void many_stars(void **state)
{
	char text[4096], pattern[129];

	(void)state;
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	for (unsigned i = 0; i < 128; i++)
		pattern[i] = i % 2 ? 'a' : '*';
	pattern[127] = 'b';
	pattern[128] = '\0';
	assert_false(pattern_matches(pattern, text));
	text[sizeof(text) - 2] = 'b';
	assert_true(pattern_matches(pattern, text));
}

static void beginnings(void **state)
{
	(void)state;
	assert_true(pattern_begins("", ""));
	assert_true(pattern_begins("4f", "4f5e"));
	assert_true(pattern_begins("4f5e", "4f5e"));
	assert_false(pattern_begins("4f5e6", "4f5e"));
	assert_false(pattern_begins("5e", "4f5e"));
}

static void units(void **state)
{
	(void)state;
	assert_true(pattern_matches_unit("nginx", "nginx.service"));
	assert_true(pattern_matches_unit("nginx.service", "nginx.service"));
	assert_true(pattern_matches_unit("ng*", "nginx.service"));
	assert_false(pattern_matches_unit("nginx", "nginx.socket"));
	assert_false(pattern_matches_unit("nginx", "nginx2.service"));
	assert_false(pattern_matches_unit("nginx.", "nginx..service"));
	assert_false(pattern_matches_unit("*", ""));
	assert_false(pattern_matches_unit("", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stars_and_question_marks),
		cmocka_unit_test(many_stars),
		cmocka_unit_test(beginnings),
		cmocka_unit_test(units),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

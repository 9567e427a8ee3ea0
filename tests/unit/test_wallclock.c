// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit.h"

#include <stdio.h>
#include <time.h>

#include "wallclock.h"

static void assert_time(struct wallclock *wallclock, uint64_t time_ns, const char *expected)
{
	char text[WALLCLOCK_BYTES];

	assert_int_equal(wallclock_time(wallclock, text, time_ns), strlen(expected));
	assert_string_equal(text, expected);
}

static void assert_rfc3339(struct wallclock *wallclock, uint64_t time_ns, const char *expected)
{
	char text[WALLCLOCK_BYTES];

	memset(text, 'x', sizeof(text));
	assert_int_equal(wallclock_rfc3339(wallclock, text, time_ns), strlen(expected));
	assert_string_equal(text, expected);
}

static void zone(const char *name)
{
	setenv("TZ", name, 1);
	tzset();
}

static void utc(void **state)
{
	struct wallclock wallclock = {.utc = true};

	(void)state;
	assert_rfc3339(&wallclock, 1769853600123456789, "2026-01-31T10:00:00.123456789Z");
	assert_time(&wallclock, 1769853600123456789, "10:00:00");
	assert_rfc3339(&wallclock, 0, "1970-01-01T00:00:00.000000000Z");
	assert_rfc3339(&wallclock, 1, "1970-01-01T00:00:00.000000001Z");
	assert_rfc3339(&wallclock, 951782399 * SECOND_NS, "2000-02-28T23:59:59.000000000Z");
	assert_rfc3339(&wallclock, 951782400 * SECOND_NS, "2000-02-29T00:00:00.000000000Z");
	assert_rfc3339(&wallclock, 4102444800 * SECOND_NS, "2100-01-01T00:00:00.000000000Z");
	assert_rfc3339(&wallclock, UINT64_MAX, "2554-07-21T23:34:33.709551615Z");
}

static void utc_has_no_zone(void **state)
{
	struct wallclock wallclock = {.utc = true};

	(void)state;
	zone("Asia/Kolkata");
	assert_time(&wallclock, 1769853600 * SECOND_NS, "10:00:00");
	assert_rfc3339(&wallclock, 1769853600 * SECOND_NS, "2026-01-31T10:00:00.000000000Z");
	zone("UTC");
}

static void local_time(void **state)
{
	struct wallclock wallclock = {.utc = false};

	(void)state;
	zone("Europe/Berlin");
	assert_time(&wallclock, 1769853600 * SECOND_NS, "11:00:00"); /* in winter */
	assert_time(&wallclock, 1785492000 * SECOND_NS, "12:00:00"); /* in summer, 10:00 UTC */
	/* 2026-03-29, 01:00 UTC: from 01:59:59 to 03:00:00. And in October, back from 03:00. */
	assert_time(&wallclock, 1774745999 * SECOND_NS, "01:59:59");
	assert_time(&wallclock, 1774746000 * SECOND_NS, "03:00:00");
	assert_time(&wallclock, 1792889999 * SECOND_NS, "02:59:59");
	assert_time(&wallclock, 1792890000 * SECOND_NS, "02:00:00");
	zone("UTC");
}

/* Within a second, and only there, what is known is kept. */
static void one_second_is_kept(void **state)
{
	struct wallclock wallclock = {.utc = true};

	(void)state;
	assert_rfc3339(&wallclock, 1769853600 * SECOND_NS, "2026-01-31T10:00:00.000000000Z");
	assert_true(wallclock.known);
	assert_int_equal(wallclock.second, 1769853600);
	wallclock.clock[0] = '*'; /* a mark that breaking down would wipe out */
	assert_time(&wallclock, 1769853600 * SECOND_NS + 999999999, "*0:00:00");
	assert_time(&wallclock, 1769853600 * SECOND_NS, "*0:00:00");
	assert_time(&wallclock, 1769853601 * SECOND_NS, "10:00:01");
	assert_time(&wallclock, 1769853600 * SECOND_NS - 1, "09:59:59"); /* the clock was set */
	assert_rfc3339(&wallclock, 1769853600 * SECOND_NS - 1, "2026-01-31T09:59:59.999999999Z");
}

/* Second 0 is not taken for known from the beginning. */
static void the_first_second_of_all(void **state)
{
	struct wallclock wallclock = {.utc = true};

	(void)state;
	assert_time(&wallclock, 0, "00:00:00");
}

static void every_digit_of_the_fraction(void **state)
{
	struct wallclock wallclock = {.utc = true};
	uint64_t seed = 3;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		unsigned fraction = unit_random(&seed) % SECOND_NS;
		char expected[WALLCLOCK_BYTES];

		snprintf(expected, sizeof(expected), "2026-01-31T10:00:00.%09uZ", fraction);
		assert_rfc3339(&wallclock, 1769853600 * SECOND_NS + fraction, expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utc),
		cmocka_unit_test(utc_has_no_zone),
		cmocka_unit_test(local_time),
		cmocka_unit_test(one_second_is_kept),
		cmocka_unit_test(the_first_second_of_all),
		cmocka_unit_test(every_digit_of_the_fraction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

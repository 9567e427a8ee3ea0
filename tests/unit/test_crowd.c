// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit.h"

#include "crowd.h"

static void few_are_counted_exactly(void **state)
{
	struct crowd crowd = {0};
	uint64_t noise = 1;

	(void)state;
	for (unsigned i = 1; i <= CROWD; i++) {
		uint64_t hash = unit_random(&noise);

		assert_true(crowd_add(&crowd, hash));
		assert_false(crowd_add(&crowd, hash));
		assert_int_equal(crowd_count(&crowd), i);
		assert_int_equal(crowd.level, 0);
	}
}

static void many_are_estimated(void **state)
{
	(void)state;
	for (unsigned count = 100; count <= 1000000; count *= 10) {
		double sum = 0;
		unsigned runs = 20;

		for (unsigned run = 0; run < runs; run++) {
			struct crowd crowd = {0};
			uint64_t noise = run * 1000003 + count;

			for (unsigned i = 0; i < count; i++)
				crowd_add(&crowd, unit_random(&noise));
			noise = run * 1000003 + count;
			for (unsigned i = 0; i < count; i++)
				assert_false(crowd_add(&crowd, unit_random(&noise)));
			assert_true(crowd.level > 0);
			/* Four standard errors. */
			assert_true(crowd_count(&crowd) > count * 0.4 &&
				    crowd_count(&crowd) < count * 1.6);
			sum += crowd_count(&crowd);
		}
		assert_true(sum / runs > count * 0.85 && sum / runs < count * 1.15);
	}
}

/* Whoever could choose them all alike gets no further than that. */
static void hashes_that_stay_in_any_sample(void **state)
{
	struct crowd crowd = {0};

	(void)state;
	for (uint64_t i = 0; i < 10000; i++)
		crowd_add(&crowd, i << 50);
	assert_true(crowd.used <= CROWD);
	assert_true(crowd_count(&crowd) > CROWD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_are_counted_exactly),
		cmocka_unit_test(many_are_estimated),
		cmocka_unit_test(hashes_that_stay_in_any_sample),
	};

	return cmocka_run_group_tests_name("crowd", tests, NULL, NULL);
}

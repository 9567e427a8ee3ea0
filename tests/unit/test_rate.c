// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit.h"

#include "rate.h"

#define REPORTS 64

/* A word that an incident said. */
struct report {
	enum alert_status status;
	unsigned direction;
	uint32_t netns;
	uint64_t since_first;
	unsigned at_s;
	struct rate_verdict verdict;
};

struct alarm {
	struct rate rate;
	unsigned now_s;
	unsigned told;
	struct report reports[REPORTS];
};

static void keep(void *context, struct rate_series *series, enum alert_status status,
		 unsigned direction, uint32_t netns, const struct rate_verdict *verdict)
{
	struct alarm *alarm = context;

	if (alarm->told < REPORTS)
		alarm->reports[alarm->told] = (struct report){.status = status,
							      .direction = direction,
							      .netns = netns,
							      .since_first = series->since_first,
							      .at_s = alarm->now_s,
							      .verdict = *verdict};
	alarm->told++;
}

static struct alarm *open_alarm(const struct rate_settings *settings)
{
	struct alarm *alarm = unit_zeroed(sizeof(*alarm));

	rate_init(&alarm->rate, settings, 42);
	return alarm;
}

/* The usual alarm, but told at once. */
static struct alarm *open_at_once(void)
{
	struct rate_settings settings = rate_defaults;

	settings.up = settings.down = 0;
	return open_alarm(&settings);
}

static void step(struct alarm *alarm, unsigned seconds)
{
	uint64_t start_ns = alarm->now_s * SECOND_NS;

	alarm->now_s += seconds;
	rate_step(&alarm->rate, start_ns, alarm->now_s * SECOND_NS, keep, alarm);
}

/* So many seconds with so many resets each, in one namespace. */
static void run(struct alarm *alarm, unsigned seconds, uint32_t netns, unsigned direction,
		uint64_t count)
{
	for (unsigned i = 0; i < seconds; i++) {
		if (count)
			rate_add(&alarm->rate, netns, direction, count);
		step(alarm, 1);
	}
}

static bool judge(const struct alarm *alarm, unsigned direction, struct rate_verdict *verdict)
{
	return rate_judge(&alarm->rate, &alarm->rate.host[direction], verdict);
}

/* After so many seconds at this rate, one with `count`: does the condition begin? */
static bool begins(uint64_t rate, unsigned seconds, uint64_t count, struct rate_verdict *verdict)
{
	struct alarm *alarm = open_alarm(&rate_defaults);
	bool firing;

	run(alarm, seconds, 7, RST_SENT, rate);
	rate_add(&alarm->rate, 7, RST_SENT, count);
	step(alarm, 1);
	firing = judge(alarm, RST_SENT, verdict);
	assert_int_equal(alarm->rate.host[RST_SENT].incident.firing, firing);
	free(alarm);
	return firing;
}

static void limit_on_the_floor(void **state)
{
	struct rate_verdict verdict;

	(void)state;
	/* 10 * 5/s, ten seconds long: 500. */
	assert_false(begins(0, 100, 499, &verdict));
	assert_false(begins(0, 100, 500, &verdict));
	assert_true(verdict.recent == 50);
	assert_true(verdict.limit == 50);
	assert_true(begins(0, 100, 501, &verdict));
	assert_int_equal(verdict.recent_total, 501);
	assert_true(verdict.baseline == 0);
}

static void limit_on_the_baseline(void **state)
{
	struct rate_verdict verdict;

	(void)state;
	/* 8/s before: 800 in ten seconds, nine of which bring 8 each. */
	assert_false(begins(8, 100, 727, &verdict));
	assert_false(begins(8, 100, 728, &verdict));
	assert_true(verdict.recent == 80);
	assert_true(verdict.baseline == 8);
	assert_true(verdict.limit == 80);
	assert_true(begins(8, 100, 729, &verdict));
}

static void floor_and_baseline_meet(void **state)
{
	struct rate_verdict verdict;

	(void)state;
	assert_false(begins(5, 100, 500 - 9 * 5, &verdict));
	assert_true(verdict.limit == 50);
	assert_true(begins(5, 100, 500 - 9 * 5 + 1, &verdict));
	/* A baseline below the floor does not lower the limit. */
	assert_false(begins(4, 100, 500 - 9 * 4, &verdict));
	assert_true(verdict.baseline == 4);
	assert_true(verdict.limit == 50);
	assert_true(begins(4, 100, 500 - 9 * 4 + 1, &verdict));
}

static void baseline_is_the_minute_before_the_ten_seconds(void **state)
{
	struct alarm *alarm = open_alarm(&rate_defaults);
	struct rate_verdict verdict;

	(void)state;
	run(alarm, 100, 7, RST_SENT, 0);
	run(alarm, 1, 7, RST_SENT, 600);
	/* It is recent for ten seconds, of the baseline for sixty, and then forgotten. */
	for (unsigned age = 0; age < 80; age++) {
		judge(alarm, RST_SENT, &verdict);
		assert_true(verdict.recent == (age < 10 ? 60 : 0));
		assert_true(verdict.baseline == (age >= 10 && age < 70 ? 10 : 0));
		step(alarm, 1);
	}
	free(alarm);
}

static void holds_until_no_higher_than_the_base(void **state)
{
	struct alarm *alarm = open_alarm(&rate_defaults);
	struct rate_series *series = &alarm->rate.host[RST_SENT];
	struct rate_verdict verdict;

	(void)state;
	run(alarm, 100, 7, RST_SENT, 0);
	series->incident.firing = true;
	run(alarm, 1, 7, RST_SENT, 51);
	assert_true(judge(alarm, RST_SENT, &verdict));
	assert_true(verdict.limit == 5);
	series->seconds[(alarm->rate.second - 1) % RATE_SECONDS] = 50;
	assert_false(judge(alarm, RST_SENT, &verdict));
	assert_true(verdict.recent == 5);

	/* The same above the floor. */
	run(alarm, 100, 7, RST_SENT, 8);
	series->incident.firing = true;
	assert_false(judge(alarm, RST_SENT, &verdict));
	assert_true(verdict.recent == 8 && verdict.limit == 8);
	series->seconds[(alarm->rate.second - 1) % RATE_SECONDS] = 9;
	assert_true(judge(alarm, RST_SENT, &verdict));
	free(alarm);
}

static void settings_are_used(void **state)
{
	const struct rate_settings settings = {
		.floor = 1, .factor = 3, .hold = 2, .multiplier = 1, .after = 5};
	struct alarm *alarm = open_alarm(&settings);

	(void)state;
	run(alarm, 5, 7, RST_SENT, 1000);
	assert_int_equal(alarm->told, 0);
	free(alarm);

	alarm = open_alarm(&settings);
	run(alarm, 90, 7, RST_SENT, 0);
	run(alarm, 1, 7, RST_SENT, 30);
	assert_int_equal(alarm->told, 0);
	run(alarm, 1, 7, RST_SENT, 1);
	assert_int_equal(alarm->told, 2); /* host and namespace */
	assert_true(alarm->reports[0].verdict.limit == 3);
	run(alarm, 8, 7, RST_SENT, 0);
	assert_int_equal(alarm->told, 2);
	run(alarm, 1, 7, RST_SENT, 0); /* 30 of the 31 are past */
	assert_int_equal(alarm->told, 4);
	assert_int_equal(alarm->reports[2].status, ALERT_CLEARED);
	assert_true(alarm->reports[2].verdict.limit == 3); /* what it had exceeded */
	free(alarm);
}

static void silent_in_the_first_minute(void **state)
{
	struct alarm *alarm = open_at_once();

	(void)state;
	run(alarm, 51, 7, RST_SENT, 0);
	run(alarm, 9, 7, RST_SENT, 100000);
	assert_int_equal(alarm->now_s, 60);
	assert_int_equal(alarm->told, 0);
	run(alarm, 1, 7, RST_SENT, 100000);
	assert_int_equal(alarm->told, 2);
	assert_int_equal(alarm->reports[0].status, ALERT_RAISED);
	free(alarm);
}

static void steady_traffic_is_no_news(void **state)
{
	struct alarm *alarm = open_at_once();

	(void)state;
	run(alarm, 500, 7, RST_SENT, 1000000);
	assert_int_equal(alarm->told, 0);
	free(alarm);
}

static void told_after_20_seconds_and_cleared_after_an_hour(void **state)
{
	struct alarm *alarm = open_alarm(&rate_defaults);
	unsigned gone_s = 0;

	(void)state;
	run(alarm, 100, 7, RST_RECEIVED, 0);
	/* 1000/s pass the limit at the first second: 1000 in ten seconds. */
	run(alarm, 20, 7, RST_RECEIVED, 1000);
	assert_int_equal(alarm->told, 0);
	run(alarm, 1, 7, RST_RECEIVED, 1000);
	assert_int_equal(alarm->told, 2);
	assert_int_equal(alarm->reports[0].status, ALERT_RAISED);
	assert_int_equal(alarm->reports[0].direction, RST_RECEIVED);
	assert_int_equal(alarm->rate.host[RST_RECEIVED].incident.first_ns, 101 * SECOND_NS);
	while (alarm->rate.host[RST_RECEIVED].incident.firing) {
		run(alarm, 1, 7, RST_RECEIVED, 0);
		gone_s = alarm->now_s;
	}
	/* Three seconds of 1000 are no more in ten than eighteen in the minute before. */
	assert_int_equal(gone_s, 128);
	run(alarm, 3599, 7, RST_RECEIVED, 0);
	assert_int_equal(alarm->told, 2);
	run(alarm, 1, 7, RST_RECEIVED, 0);
	assert_int_equal(alarm->told, 4);
	assert_int_equal(alarm->reports[2].status, ALERT_CLEARED);
	assert_int_equal(alarm->reports[2].at_s, 128 + 3600);
	free(alarm);
}

static void each_direction_for_itself(void **state)
{
	struct alarm *alarm = open_at_once();
	struct rate_verdict verdict;

	(void)state;
	run(alarm, 100, 7, RST_SENT, 0);
	run(alarm, 1, 7, RST_RECEIVED, 1000);
	assert_int_equal(alarm->told, 2);
	assert_int_equal(alarm->reports[0].direction, RST_RECEIVED);
	assert_int_equal(alarm->reports[1].direction, RST_RECEIVED);
	judge(alarm, RST_SENT, &verdict);
	assert_int_equal(verdict.recent_total, 0);
	free(alarm);

	alarm = open_at_once();
	run(alarm, 100, 7, RST_SENT, 0);
	/* 300 each way do not make 600. */
	rate_add(&alarm->rate, 7, RST_SENT, 300);
	rate_add(&alarm->rate, 7, RST_RECEIVED, 300);
	step(alarm, 1);
	assert_int_equal(alarm->told, 0);
	free(alarm);
}

static void each_namespace_and_the_host(void **state)
{
	struct alarm *alarm = open_at_once();

	(void)state;
	run(alarm, 100, 7, RST_SENT, 0);
	/* 300 here and 300 there: only the host as a whole is above 500. */
	rate_add(&alarm->rate, 7, RST_SENT, 300);
	rate_add(&alarm->rate, 8, RST_SENT, 300);
	step(alarm, 1);
	assert_int_equal(alarm->told, 1);
	assert_int_equal(alarm->reports[0].netns, 0);
	assert_int_equal(alarm->reports[0].verdict.recent_total, 600);
	free(alarm);

	alarm = open_at_once();
	run(alarm, 100, 7, RST_SENT, 100);
	assert_int_equal(alarm->told, 0);
	/* On a host at 100/s, namespace 8 stands out and the host does not. */
	for (unsigned i = 0; i < 10; i++) {
		rate_add(&alarm->rate, 7, RST_SENT, 100);
		rate_add(&alarm->rate, 8, RST_SENT, 60);
		step(alarm, 1);
	}
	assert_int_equal(alarm->told, 1);
	assert_int_equal(alarm->reports[0].netns, 8);
	assert_int_equal(alarm->reports[0].direction, RST_SENT);
	free(alarm);
}

/* 0 stands for the whole host in a report: resets of no known namespace are no namespace. */
static void unknown_namespace_is_told_once(void **state)
{
	struct alarm *alarm = open_at_once();

	(void)state;
	run(alarm, 100, 0, RST_SENT, 0);
	run(alarm, 1, 0, RST_SENT, 1000);
	assert_int_equal(alarm->told, 1);
	rate_add_host(&alarm->rate, RST_RECEIVED, 1000);
	step(alarm, 1);
	assert_int_equal(alarm->told, 2);
	assert_int_equal(alarm->reports[1].direction, RST_RECEIVED);
	assert_int_equal(alarm->reports[1].netns, 0);
	free(alarm);
}

static uint64_t sum_seconds(const struct rate_series *series)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < RATE_SECONDS; i++)
		sum += series->seconds[i];
	return sum;
}

static void long_slice_is_spread_over_its_seconds(void **state)
{
	struct alarm *alarm = open_at_once();
	const struct rate_series *host = &alarm->rate.host[RST_SENT];
	struct rate_verdict verdict;

	(void)state;
	run(alarm, 100, 7, RST_SENT, 0);
	/* 35 s at 49/s: 1715 would be an alarm if they were of one second. */
	rate_add(&alarm->rate, 7, RST_SENT, 35 * 49);
	step(alarm, 35);
	assert_int_equal(alarm->told, 0);
	assert_int_equal(alarm->rate.second, 135);
	judge(alarm, RST_SENT, &verdict);
	assert_int_equal(verdict.recent_total, 490);
	assert_true(verdict.baseline > 20.4 && verdict.baseline < 20.5); /* 25 * 49 / 60 */
	assert_int_equal(sum_seconds(host), 35 * 49);

	/* What does not divide goes to some second: none is lost. */
	rate_add(&alarm->rate, 7, RST_SENT, 11);
	step(alarm, 4);
	for (unsigned i = 135; i < 139; i++)
		assert_in_range(host->seconds[i % RATE_SECONDS], 2, 3);
	assert_int_equal(sum_seconds(host), 35 * 49 + 11);
	free(alarm);
}

static void slice_longer_than_memory_keeps_its_rate(void **state)
{
	struct alarm *alarm = open_at_once();
	struct rate_verdict verdict;

	(void)state;
	rate_add(&alarm->rate, 7, RST_SENT, 7007);
	step(alarm, 700);
	judge(alarm, RST_SENT, &verdict);
	assert_true(verdict.recent >= 10 && verdict.recent < 10.8);
	assert_true(verdict.baseline >= 10 && verdict.baseline < 10.8);
	assert_int_equal(alarm->rate.host[RST_SENT].pending, 0);
	assert_int_equal(alarm->rate.host[RST_SENT].since_first, 7007);
	/* So long a slice that counting through its seconds would never end. */
	rate_step(&alarm->rate, 700 * SECOND_NS, UINT64_MAX, keep, alarm);
	assert_int_equal(sum_seconds(&alarm->rate.host[RST_SENT]), 0);
	free(alarm);
}

static void less_than_half_a_second_waits(void **state)
{
	struct alarm *alarm = open_at_once();
	uint64_t now_ns;

	(void)state;
	run(alarm, 100, 7, RST_SENT, 0);
	now_ns = alarm->now_s * SECOND_NS;
	rate_add(&alarm->rate, 7, RST_SENT, 600);
	rate_step(&alarm->rate, now_ns, now_ns + SECOND_NS / 2 - 1, keep, alarm);
	assert_int_equal(alarm->told, 0);
	assert_int_equal(alarm->rate.second, 100);
	rate_step(&alarm->rate, now_ns + SECOND_NS / 2 - 1, now_ns + SECOND_NS, keep, alarm);
	assert_int_equal(alarm->rate.second, 101);
	assert_int_equal(alarm->told, 2);
	assert_int_equal(alarm->reports[0].verdict.recent_total, 600);
	free(alarm);
}

static void namespaces_beyond_the_table_count_for_the_host(void **state)
{
	struct alarm *alarm = open_at_once();
	struct rate_verdict verdict;

	(void)state;
	run(alarm, 100, 7, RST_SENT, 0);
	for (uint32_t netns = 1; netns <= RATE_NAMESPACES + 100; netns++)
		rate_add(&alarm->rate, netns, RST_SENT, netns);
	assert_int_equal(alarm->rate.namespaces.used, RATE_NAMESPACES);
	/* 1025 to 1124: counted as untracked, and by the host. */
	assert_int_equal(alarm->rate.untracked, (1025 + 1124) * 100 / 2);
	step(alarm, 1);
	judge(alarm, RST_SENT, &verdict);
	assert_int_equal(verdict.recent_total, 1124 * 1125 / 2);
	assert_int_equal(alarm->reports[0].netns, 0);
	assert_int_equal(alarm->told, 1 + RATE_NAMESPACES - 500); /* 501 to 1024 */
	free(alarm);
}

static void idle_namespaces_make_room(void **state)
{
	struct alarm *alarm = open_alarm(&rate_defaults);
	struct rate_netns *raised;

	(void)state;
	for (uint32_t netns = 1; netns <= RATE_NAMESPACES; netns++)
		rate_add(&alarm->rate, netns, RST_SENT, 1);
	step(alarm, 1);
	/* 1000 was raised and waits to be cleared, 500 is alive: both stay, with what is known. */
	raised = table_entry(&alarm->rate.namespaces, 999);
	assert_int_equal(raised->netns, 1000);
	raised->series[RST_SENT].incident.raised = true;
	raised->series[RST_SENT].since_first = 12345;
	run(alarm, 69, 500, RST_SENT, 3);
	rate_add(&alarm->rate, 5000, RST_SENT, 1); /* a second too early: all are remembered */
	assert_int_equal(alarm->rate.untracked, 1);
	run(alarm, 1, 500, RST_SENT, 3);
	rate_add(&alarm->rate, 5000, RST_SENT, 2);
	assert_int_equal(alarm->rate.untracked, 1);
	assert_int_equal(alarm->rate.namespaces.used, 3);
	raised = table_entry(&alarm->rate.namespaces, 0);
	assert_int_equal(raised->netns, 500);
	assert_int_equal(sum_seconds(&raised->series[RST_SENT]), 3 * 70);
	raised = table_entry(&alarm->rate.namespaces, 1);
	assert_int_equal(raised->netns, 1000);
	assert_true(raised->series[RST_SENT].incident.raised);
	assert_int_equal(raised->series[RST_SENT].since_first, 12345);
	raised = table_entry(&alarm->rate.namespaces, 2);
	assert_int_equal(raised->netns, 5000);
	assert_int_equal(raised->series[RST_SENT].pending, 2);
	free(alarm);
}

static void counts_since_the_incident_began(void **state)
{
	struct alarm *alarm = open_alarm(&rate_defaults);

	(void)state;
	run(alarm, 100, 7, RST_SENT, 3);
	run(alarm, 21, 7, RST_SENT, 1000);
	assert_int_equal(alarm->told, 2);
	/* 3/s of the nine seconds before, then all. */
	assert_int_equal(alarm->reports[0].since_first, 9 * 3 + 21 * 1000);
	/* It grows, or else the baseline would have caught up with it after 70 s. */
	for (unsigned i = 1; i <= 60; i++)
		run(alarm, 1, 7, RST_SENT, 1000 + i * 100);
	assert_int_equal(alarm->told, 4);
	assert_int_equal(alarm->reports[2].status, ALERT_UPDATED);
	assert_int_equal(alarm->reports[2].since_first, 9 * 3 + 81 * 1000 + 60 * 61 / 2 * 100);
	free(alarm);
}

static void settings_that_make_no_sense(void **state)
{
	struct rate_settings settings = rate_defaults;
	double *values[] = {&settings.floor, &settings.factor,	   &settings.hold, &settings.up,
			    &settings.down,  &settings.multiplier, &settings.max,  &settings.after};

	(void)state;
	assert_true(rate_settings_valid(&settings));
	for (unsigned i = 0; i < COUNT_OF(values); i++) {
		const double bad[] = {-1, 1e300, __builtin_nan(""), __builtin_inf()};
		double kept = *values[i];

		for (unsigned j = 0; j < COUNT_OF(bad); j++) {
			*values[i] = bad[j];
			assert_false(rate_settings_valid(&settings));
		}
		*values[i] = 0;
		assert_true(rate_settings_valid(&settings));
		*values[i] = kept;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limit_on_the_floor),
		cmocka_unit_test(limit_on_the_baseline),
		cmocka_unit_test(floor_and_baseline_meet),
		cmocka_unit_test(baseline_is_the_minute_before_the_ten_seconds),
		cmocka_unit_test(holds_until_no_higher_than_the_base),
		cmocka_unit_test(settings_are_used),
		cmocka_unit_test(silent_in_the_first_minute),
		cmocka_unit_test(steady_traffic_is_no_news),
		cmocka_unit_test(told_after_20_seconds_and_cleared_after_an_hour),
		cmocka_unit_test(each_direction_for_itself),
		cmocka_unit_test(each_namespace_and_the_host),
		cmocka_unit_test(unknown_namespace_is_told_once),
		cmocka_unit_test(long_slice_is_spread_over_its_seconds),
		cmocka_unit_test(slice_longer_than_memory_keeps_its_rate),
		cmocka_unit_test(less_than_half_a_second_waits),
		cmocka_unit_test(namespaces_beyond_the_table_count_for_the_host),
		cmocka_unit_test(idle_namespaces_make_room),
		cmocka_unit_test(counts_since_the_incident_began),
		cmocka_unit_test(settings_that_make_no_sense),
	};

	return cmocka_run_group_tests_name("rate", tests, NULL, NULL);
}

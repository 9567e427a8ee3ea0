// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit.h"

#include "alert.h"

/* The delays of the well-known alarm. */
static const struct alert_policy usual = {.up_ns = 20 * SECOND_NS,
					  .down_ns = 3600 * SECOND_NS,
					  .multiplier = 1.2,
					  .max_ns = 7200 * SECOND_NS};

static void assert_step(struct alert_incident *incident, bool firing, uint64_t now_ns,
			unsigned expected)
{
	unsigned status = alert_step(incident, &usual, firing, now_ns);

	if (status != expected)
		fail_msg("%d at %llu ns: %u, not %u", firing, (unsigned long long)now_ns, status,
			 expected);
}

/* Holds, or is gone, for all steps of a second before `to`: the words that are told, but updates.
 * *told_s is when the last of them was. */
static unsigned run(struct alert_incident *incident, bool firing, unsigned from_s, unsigned to_s,
		    unsigned *told_s)
{
	unsigned words = 0;

	for (unsigned at = from_s; at < to_s; at++) {
		unsigned status = alert_step(incident, &usual, firing, at * SECOND_NS);

		if (status && status != ALERT_UPDATED) {
			words++;
			*told_s = at;
		}
	}
	return words;
}

/* Raised at 120 s, after a condition that holds since 100 s. */
static struct alert_incident raised_at_120(void)
{
	struct alert_incident incident = {0};

	assert_step(&incident, false, 99 * SECOND_NS, 0);
	assert_step(&incident, true, 100 * SECOND_NS, 0);
	assert_step(&incident, true, 120 * SECOND_NS, ALERT_RAISED);
	return incident;
}

static void raised_after_up_not_before(void **state)
{
	struct alert_incident incident = {0};

	(void)state;
	assert_step(&incident, false, 0, 0);
	assert_step(&incident, true, 100 * SECOND_NS, 0);
	assert_step(&incident, true, 110 * SECOND_NS, 0);
	assert_step(&incident, true, 120 * SECOND_NS - 1, 0);
	assert_false(incident.raised);
	assert_step(&incident, true, 120 * SECOND_NS, ALERT_RAISED);
	assert_true(incident.raised);
	assert_int_equal(incident.first_ns, 100 * SECOND_NS);
	assert_int_equal(incident.raised_ns, 120 * SECOND_NS);
	assert_step(&incident, true, 121 * SECOND_NS, 0); /* once */
}

static void gone_before_up_is_never_told(void **state)
{
	struct alert_incident incident = {0};

	(void)state;
	assert_step(&incident, true, 100 * SECOND_NS, 0);
	assert_step(&incident, true, 119 * SECOND_NS, 0);
	for (uint64_t at = 120; at < 20000; at++)
		assert_step(&incident, false, at * SECOND_NS, 0);
	assert_false(incident.raised);
}

static void cleared_after_down_not_before(void **state)
{
	struct alert_incident incident = raised_at_120();

	(void)state;
	assert_step(&incident, false, 130 * SECOND_NS, 0);
	assert_step(&incident, false, 3730 * SECOND_NS - 1, 0);
	assert_true(incident.raised);
	assert_step(&incident, false, 3730 * SECOND_NS, ALERT_CLEARED);
	assert_false(incident.raised);
	assert_step(&incident, false, 3731 * SECOND_NS, 0);
	/* The next one is a new incident. */
	assert_step(&incident, true, 4000 * SECOND_NS, 0);
	assert_step(&incident, true, 4020 * SECOND_NS, ALERT_RAISED);
	assert_int_equal(incident.first_ns, 4000 * SECOND_NS);
}

static void back_before_down_was_never_cleared(void **state)
{
	struct alert_incident incident = raised_at_120();
	unsigned told_s;

	(void)state;
	assert_int_equal(run(&incident, false, 130, 1000, &told_s), 0);
	assert_int_equal(run(&incident, true, 1000, 30000, &told_s), 0);
	assert_true(incident.raised);
	assert_int_equal(incident.first_ns, 100 * SECOND_NS);
}

static void flaps_stretch_the_next_delay(void **state)
{
	struct alert_incident incident = raised_at_120();
	unsigned told_s = 0;

	(void)state;
	run(&incident, false, 130, 135, &told_s);
	run(&incident, true, 135, 140, &told_s); /* back early: up is 24 s, over at 159 s */
	/* Gone again before that: 3600 s * 1.2 * 1.2. */
	assert_int_equal(run(&incident, false, 140, 10000, &told_s), 1);
	assert_int_equal(told_s, 140 + 5184);
}

static void one_flap_stretches_once(void **state)
{
	struct alert_incident incident = {0};

	(void)state;
	/* Up, gone early, and up again while that change waits: 20 s * 1.2 * 1.2 = 28.8 s. */
	assert_step(&incident, true, 100 * SECOND_NS, 0);
	assert_step(&incident, false, 105 * SECOND_NS, 0);
	assert_step(&incident, true, 110 * SECOND_NS, 0);
	assert_step(&incident, true, 138799999999, 0);
	assert_step(&incident, true, 138800000000, ALERT_RAISED);
}

static void back_early_makes_the_up_delay_longer_by_a_fifth(void **state)
{
	struct alert_incident incident = raised_at_120();
	unsigned told_s = 0;

	(void)state;
	run(&incident, false, 130, 135, &told_s);
	assert_step(&incident, true, 135 * SECOND_NS, 0);
	assert_int_equal(incident.due_ns, (135 + 24) * SECOND_NS);
	/* It held for that long: at rest, the next change takes the plain delay. */
	run(&incident, true, 136, 160, &told_s);
	assert_int_equal(run(&incident, false, 160, 10000, &told_s), 1);
	assert_int_equal(told_s, 160 + 3600);
}

static void stretch_ends_at_max(void **state)
{
	struct alert_incident incident = raised_at_120();
	unsigned told_s = 0;

	(void)state;
	for (unsigned at = 121; at < 1121; at++)
		assert_int_equal(run(&incident, at % 2, at, at + 1, &told_s), 0);
	assert_int_equal(run(&incident, false, 1121, 20000, &told_s), 1);
	assert_int_equal(told_s, 1120 + 7200); /* the last change was at 1120 s */
}

static void flapping_for_years_stays_finite(void **state)
{
	struct alert_incident incident = raised_at_120();
	unsigned words = 0;

	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		unsigned status =
			alert_step(&incident, &usual, i % 2, (121 + (uint64_t)i) * SECOND_NS);

		words += status == ALERT_CLEARED || status == ALERT_RAISED;
	}
	assert_int_equal(words, 0);
	assert_true(incident.stretch <= usual.max_ns);
	assert_true(incident.due_ns <= (121 + 200000 + 7200) * SECOND_NS);
}

static void delay_set_above_max_stays_as_set(void **state)
{
	const struct alert_policy policy = {
		.up_ns = 50 * SECOND_NS, .down_ns = 0, .multiplier = 2, .max_ns = 10 * SECOND_NS};
	struct alert_incident incident = {0};

	(void)state;
	assert_int_equal(alert_step(&incident, &policy, true, SECOND_NS), 0);
	assert_int_equal(alert_step(&incident, &policy, true, 51 * SECOND_NS - 1), 0);
	assert_int_equal(alert_step(&incident, &policy, true, 51 * SECOND_NS), ALERT_RAISED);
}

static void no_delay_tells_at_once(void **state)
{
	const struct alert_policy policy = {.multiplier = 1};
	struct alert_incident incident = {0};

	(void)state;
	assert_int_equal(alert_step(&incident, &policy, true, SECOND_NS), ALERT_RAISED);
	assert_int_equal(alert_step(&incident, &policy, false, 2 * SECOND_NS), ALERT_CLEARED);
	assert_int_equal(alert_step(&incident, &policy, true, 3 * SECOND_NS), ALERT_RAISED);
	assert_int_equal(incident.first_ns, 3 * SECOND_NS);
}

static void updates_after_1_5_30_minutes_then_hourly(void **state)
{
	static const unsigned minutes[] = {1, 5, 30, 60, 120, 180, 240};
	struct alert_incident incident = raised_at_120();
	unsigned told = 0;

	(void)state;
	for (unsigned at = 121; at < 120 + 241 * 60; at++) {
		unsigned status = alert_step(&incident, &usual, true, at * SECOND_NS);

		if (!status)
			continue;
		assert_int_equal(status, ALERT_UPDATED);
		assert_in_range(told, 0, COUNT_OF(minutes) - 1);
		assert_int_equal(at, 120 + minutes[told] * 60);
		told++;
	}
	assert_int_equal(told, COUNT_OF(minutes));
}

static void update_is_not_a_nanosecond_early(void **state)
{
	struct alert_incident incident = raised_at_120();

	(void)state;
	assert_step(&incident, true, 180 * SECOND_NS - 1, 0);
	assert_step(&incident, true, 180 * SECOND_NS, ALERT_UPDATED);
	assert_step(&incident, true, 420 * SECOND_NS - 1, 0);
	assert_step(&incident, true, 420 * SECOND_NS + 1, ALERT_UPDATED);
}

/* While the condition is gone there is nothing to update, and what was passed over is not made
 * up for in a burst. */
static void updates_pause_and_do_not_pile_up(void **state)
{
	struct alert_incident incident = raised_at_120();
	unsigned at, told = 0;

	(void)state;
	for (at = 121; at < 120 + 40 * 60; at++)
		assert_step(&incident, false, at * SECOND_NS, 0);
	for (; at < 120 + 60 * 60; at++)
		told += alert_step(&incident, &usual, true, at * SECOND_NS) == ALERT_UPDATED;
	assert_int_equal(told, 1);
	assert_step(&incident, true, at * SECOND_NS, ALERT_UPDATED); /* the hour */
}

static void each_word_has_a_name(void **state)
{
	(void)state;
	assert_string_equal(alert_kind_name(ALERT_RST_SENT_RATE), "rst_sent_rate");
	assert_string_equal(alert_kind_name(ALERT_RST_RECEIVED_RATE), "rst_received_rate");
	for (unsigned kind = 1; kind < ALERT_KINDS; kind++)
		assert_non_null(alert_kind_name(kind));
	assert_string_equal(alert_status_name(ALERT_RAISED), "raised");
	assert_string_equal(alert_status_name(ALERT_UPDATED), "updated");
	assert_string_equal(alert_status_name(ALERT_CLEARED), "cleared");
	assert_string_equal(alert_severity_name(ALERT_INFO), "info");
	assert_string_equal(alert_severity_name(ALERT_WARNING), "warning");
	assert_string_equal(alert_severity_name(ALERT_CRITICAL), "critical");
}

static void main_owner_has_half_of_it(void **state)
{
	const struct process process = {.pid = 812};
	struct alert alert = {.total = 11, .owner_count = 1};
	struct window_owner *owner = &alert.owners[0];

	(void)state;
	*owner = (struct window_owner){
		.owner = {.known_by = OWNER_SOCKET, .process = &process}, .sent = 3, .received = 3};
	assert_ptr_equal(alert_main_owner(&alert), owner);
	owner->sent = 2;
	assert_null(alert_main_owner(&alert));
	alert.total = 10;
	assert_ptr_equal(alert_main_owner(&alert), owner);
	alert.owner_count = 0;
	assert_null(alert_main_owner(&alert));
	alert.owner_count = 1;
	owner->sent = owner->received = alert.total = 0;
	assert_null(alert_main_owner(&alert));
	/* Who has no process for a reason is somebody, whose process is not known is not. */
	*owner = (struct window_owner){.owner = {.known_by = OWNER_SOCKET}, .sent = 10};
	alert.total = 10;
	for (unsigned known = 0; known < OWNER_KNOWNS; known++) {
		owner->owner.known_by = known;
		assert_int_equal(!!alert_main_owner(&alert),
				 known == OWNER_KERNEL || known == OWNER_FIREWALL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(raised_after_up_not_before),
		cmocka_unit_test(gone_before_up_is_never_told),
		cmocka_unit_test(cleared_after_down_not_before),
		cmocka_unit_test(back_before_down_was_never_cleared),
		cmocka_unit_test(flaps_stretch_the_next_delay),
		cmocka_unit_test(one_flap_stretches_once),
		cmocka_unit_test(back_early_makes_the_up_delay_longer_by_a_fifth),
		cmocka_unit_test(stretch_ends_at_max),
		cmocka_unit_test(flapping_for_years_stays_finite),
		cmocka_unit_test(delay_set_above_max_stays_as_set),
		cmocka_unit_test(no_delay_tells_at_once),
		cmocka_unit_test(updates_after_1_5_30_minutes_then_hourly),
		cmocka_unit_test(update_is_not_a_nanosecond_early),
		cmocka_unit_test(updates_pause_and_do_not_pile_up),
		cmocka_unit_test(each_word_has_a_name),
		cmocka_unit_test(main_owner_has_half_of_it),
	};

	return cmocka_run_group_tests_name("alert", tests, NULL, NULL);
}

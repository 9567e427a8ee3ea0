// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "records.h"
#include "settings.h"

#define FROM_START(seconds) (RECORDS_START_NS + (seconds)*SECOND_NS)

static const struct rst_port_key web = {.netns = 7,
					.port = 80,
					.direction = RST_SENT,
					.cause = RST_ABORTED,
					.reason = 3,
					.role = RST_ROLE_SERVER};
static const struct rst_port_key refused = {.netns = 7,
					    .port = 5432,
					    .direction = RST_RECEIVED,
					    .cause = RST_STAGE_REFUSED,
					    .role = RST_ROLE_CLIENT};

static void assert_window(const struct records *records, unsigned number, uint64_t start_ns,
			  uint64_t end_ns)
{
	const struct window_summary *window = &records->told->window[number];

	assert_true(number < records->told->windows);
	if (window->start_ns != start_ns || window->end_ns != end_ns)
		fail_msg("window %u is from %llu to %llu, not from %llu to %llu", number,
			 (unsigned long long)window->start_ns, (unsigned long long)window->end_ns,
			 (unsigned long long)start_ns, (unsigned long long)end_ns);
}

/* --- the preamble --- */

static void start_tells_the_run(void **state)
{
	struct record_reason reason = {.head = RECORD_HEAD(record_reason, RECORD_REASON),
				       .number = 2,
				       .name = "NO_SOCKET"};
	struct record_hook hook = {.head = RECORD_HEAD(record_hook, RECORD_HOOK),
				   .name = "tcp_send_reset",
				   .attached = 1,
				   .how = "raw_tp"};
	struct records records;

	(void)state;
	records_open(&records, NULL);
	assert_int_equal(records_feed(&records, &reason), 0);
	reason.number = RST_REASONS; /* out of range: no place for it, no harm */
	assert_int_equal(records_feed(&records, &reason), 0);
	reason.number = 0xffffffff;
	assert_int_equal(records_feed(&records, &reason), 0);
	reason.number = RST_REASONS - 1;
	memset(reason.name, 'x', sizeof(reason.name)); /* no NUL */
	assert_int_equal(records_feed(&records, &reason), 0);
	assert_int_equal(records_feed(&records, &hook), 0);
	assert_int_equal(records.told->starts, 0);
	assert_int_equal(records_feed(&records, &records.start), 0);
	assert_int_equal(records.told->starts, 1);
	assert_string_equal(records.told->run.reasons[2], "NO_SOCKET");
	assert_int_equal(strlen(records.told->run.reasons[RST_REASONS - 1]), 43);
	assert_string_equal(records.told->run.reasons[0], "");
	assert_int_equal(records.told->run.hook_count, 1);
	assert_string_equal(records.told->run.hooks[0].name, "tcp_send_reset");
	assert_int_equal(records.told->run.start.window_seconds, 10);
	assert_int_equal(records.told->run.realtime_offset_ns, RECORDS_WALL_NS - RECORDS_START_NS);
	records_close(&records);
}

/* A reset that was dropped has a drop reason, of another numbering than those of one sent. */
static void drop_reasons_are_named_apart(void **state)
{
	struct record_reason reason = {.head = RECORD_HEAD(record_reason, RECORD_REASON),
				       .number = 2,
				       .name = "NO_SOCKET"};
	struct record_reason drop = {.head = RECORD_HEAD(record_reason, RECORD_DROP_REASON),
				     .number = 2,
				     .name = "TCP_RESET"};
	struct rst_event event = {.direction = RST_SENT, .reason = 2, .flags = RST_EVENT_REASON};
	struct records records;
	const struct pipeline_run *run;

	(void)state;
	records_open(&records, NULL);
	assert_int_equal(records_feed(&records, &drop), 0);
	assert_int_equal(records_feed(&records, &reason), 0);
	drop.number = RST_DROP_REASONS - 1;
	memset(drop.name, 'x', sizeof(drop.name)); /* no NUL */
	assert_int_equal(records_feed(&records, &drop), 0);
	drop.number = RST_DROP_REASONS; /* out of range: no place for it, no harm */
	assert_int_equal(records_feed(&records, &drop), 0);
	drop.number = 0xffffffff;
	assert_int_equal(records_feed(&records, &drop), 0);
	assert_int_equal(records_feed(&records, &records.start), 0);
	run = &records.told->run;
	assert_string_equal(pipeline_reason(run, &event), "NO_SOCKET");
	event.direction = RST_RECEIVED;
	assert_string_equal(pipeline_reason(run, &event), "TCP_RESET");
	event.reason = RST_DROP_REASONS - 1;
	assert_int_equal(strlen(pipeline_reason(run, &event)), 43);
	event.reason = 3; /* it has no name */
	assert_null(pipeline_reason(run, &event));
	event.direction = RST_SENT;
	assert_null(pipeline_reason(run, &event));
	event.reason = 2;
	event.flags = RST_EVENT_TRIGGER | RST_EVENT_FREED; /* none was given */
	assert_null(pipeline_reason(run, &event));
	event.direction = RST_RECEIVED;
	assert_null(pipeline_reason(run, &event));
	/* Whatever the byte holds. */
	event.flags = RST_EVENT_REASON;
	for (unsigned number = 0; number < 256; number++) {
		event.reason = number;
		event.direction = number % 2 ? RST_SENT : RST_RECEIVED;
		(void)pipeline_reason(run, &event);
	}
	records_close(&records);
}

static void more_hooks_than_room(void **state)
{
	struct records records;

	(void)state;
	records_open(&records, NULL);
	for (unsigned i = 0; i < PIPELINE_HOOKS + 5; i++) {
		struct record_hook hook = {.head = RECORD_HEAD(record_hook, RECORD_HOOK)};

		memset(hook.name, '#' + i, sizeof(hook.name)); /* no NUL */
		memset(hook.how, '!' + i, sizeof(hook.how));
		assert_int_equal(records_feed(&records, &hook), 0);
	}
	assert_int_equal(records_feed(&records, &records.start), 0);
	assert_int_equal(records.told->run.hook_count, PIPELINE_HOOKS);
	for (unsigned i = 0; i < PIPELINE_HOOKS; i++) {
		assert_int_equal(records.told->run.hooks[i].name[0], '#' + i);
		assert_int_equal(strlen(records.told->run.hooks[i].name), 30);
		assert_int_equal(strlen(records.told->run.hooks[i].how), 31);
	}
	records_close(&records);
}

static void texts_of_start_end(void **state)
{
	struct records records;

	(void)state;
	records_open(&records, NULL);
	memset(records.start.version, 'v', sizeof(records.start.version));
	memset(records.start.kernel, 'k', sizeof(records.start.kernel));
	assert_int_equal(records_feed(&records, &records.start), 0);
	assert_int_equal(strlen(records.told->run.start.version), 31);
	assert_int_equal(strlen(records.told->run.start.kernel), 63);
	records_close(&records);
}

static void settings_go_before_those_of_the_recording(void **state)
{
	struct pipeline_settings settings = {
		.window_seconds = 3, .has_rate = true, .rate = rate_defaults};
	struct records records;

	(void)state;
	settings.rate.floor = 77;
	records_begin(&records, &settings);
	assert_int_equal(records.told->run.start.window_seconds, 3);
	assert_true(records.told->run.start.rate.floor == 77);
	records_quiet(&records, 3);
	assert_int_equal(records.told->windows, 1);
	records_close(&records);

	settings = (struct pipeline_settings){.rate = {.floor = 77}}; /* has_rate is not set */
	records_begin(&records, &settings);
	assert_true(records.told->run.start.rate.floor == 5);
	records_close(&records);
}

/* --- the order and size of records --- */

/* Where each kind stands. Kinds were added at the end, so their numbers do not tell. */
static const bool preamble[RECORD_KINDS] = {
	[RECORD_REASON] = true,
	[RECORD_HOOK] = true,
	[RECORD_START] = true,
	[RECORD_DROP_REASON] = true,
};

static void only_the_preamble_stands_before_start(void **state)
{
	(void)state;
	for (unsigned kind = 1; kind < RECORD_KINDS; kind++) {
		struct record *record = unit_zeroed(RECORD_BYTES_MAX);
		struct records records;

		assert_int_equal(record_is_preamble(kind), preamble[kind]);
		if (preamble[kind]) {
			free(record);
			continue;
		}
		*record = (struct record){.size = RECORD_BYTES_MAX, .kind = kind};
		records_open(&records, NULL);
		assert_int_equal(records_feed(&records, record), -EPROTO);
		/* And without START there is nothing to tell. */
		pipeline_finish(records.pipeline, false);
		assert_int_equal(records.told->ends, 0);
		records_close(&records);
		free(record);
	}
}

static void the_preamble_ends_with_start(void **state)
{
	struct records *records = *state;
	const struct record_reason reason = {.head = RECORD_HEAD(record_reason, RECORD_REASON),
					     .number = 1};
	const struct record_reason drop_reason = {
		.head = RECORD_HEAD(record_reason, RECORD_DROP_REASON), .number = 1};
	const struct record_hook hook = {.head = RECORD_HEAD(record_hook, RECORD_HOOK)};

	assert_int_equal(records_feed(records, &records->start), -EPROTO);
	assert_int_equal(records_feed(records, &reason), -EPROTO);
	assert_int_equal(records_feed(records, &drop_reason), -EPROTO);
	assert_int_equal(records_feed(records, &hook), -EPROTO);
	assert_int_equal(records->told->starts, 1);
}

static void nothing_stands_after_end(void **state)
{
	struct records *records = *state;
	const struct record_port port = records_port(web, 1);

	records_end(records);
	assert_int_equal(records->told->ends, 1);
	assert_int_equal(records_feed(records, &port), -EPROTO);
	assert_int_equal(records_feed(records, &records->slice), -EPROTO);
	assert_int_equal(records_feed(records, &records->start), -EPROTO);
	pipeline_finish(records->pipeline, false);
	assert_int_equal(records->told->ends, 1);
	assert_int_equal(records->told->totals.total[RST_SENT], 0);
}

static void too_short_records(void **state)
{
	(void)state;
	for (unsigned kind = 1; kind < RECORD_KINDS; kind++) {
		uint32_t size = record_size(kind);
		struct records records;
		struct record *record;

		assert_true(size > sizeof(*record) && size % 8 == 0 && size <= RECORD_BYTES_MAX);
		records_open(&records, NULL);
		if (!preamble[kind])
			assert_int_equal(records_feed(&records, &records.start), 0);
		for (uint32_t shorter = sizeof(*record); shorter < size; shorter += 8) {
			/* Exactly as long as it says: a sanitizer sees the byte behind it. */
			record = unit_zeroed(shorter);
			*record = (struct record){.size = shorter, .kind = kind};
			assert_int_equal(records_feed(&records, record), -EPROTO);
			free(record);
			if (shorter > 256 && shorter < size - 16)
				shorter = size - 16;
		}
		records_close(&records);
	}
	assert_int_equal(record_size(0), 0);
	assert_int_equal(record_size(RECORD_KINDS), 0);
	assert_int_equal(record_size(0xffff), 0);
}

static void longer_records_of_a_later_version(void **state)
{
	struct records *records = *state;
	struct {
		struct record_port port;
		uint64_t more;
	} longer = {.port = records_port(web, 9)};

	longer.port.head.size = sizeof(longer);
	assert_int_equal(records_feed(records, &longer), 0);
	records_slice(records, SECOND_NS);
	records_end(records);
	assert_int_equal(records->told->totals.total[RST_SENT], 9);
}

static void unknown_kinds_are_ignored(void **state)
{
	static const uint16_t kinds[] = {0, RECORD_KINDS, RECORD_KINDS + 1, 0xffff};
	struct records records;

	(void)state;
	records_open(&records, NULL);
	for (unsigned i = 0; i < COUNT_OF(kinds); i++) {
		const struct record record = {.size = sizeof(record), .kind = kinds[i]};

		assert_int_equal(records_feed(&records, &record), 0);
	}
	assert_int_equal(records_feed(&records, &records.start), 0);
	for (unsigned i = 0; i < COUNT_OF(kinds); i++) {
		const struct record record = {.size = sizeof(record), .kind = kinds[i]};

		assert_int_equal(records_feed(&records, &record), 0);
	}
	assert_int_equal(records.told->starts, 1);
	records_close(&records);
}

static void start_that_cannot_be(void **state)
{
	struct records records;

	(void)state;
	records_open(&records, NULL);
	records.start.window_seconds = 0;
	assert_int_equal(records_feed(&records, &records.start), -EPROTO);
	records.start.window_seconds = 10;
	records.start.rate.up = __builtin_nan("");
	assert_int_equal(records_feed(&records, &records.start), -EPROTO);
	records.start.rate.up = -1;
	assert_int_equal(records_feed(&records, &records.start), -EPROTO);
	assert_int_equal(records.told->starts, 0);
	records.start.rate.up = 20;
	assert_int_equal(records_feed(&records, &records.start), 0);
	records_close(&records);
}

static void directions_that_do_not_exist(void **state)
{
	struct records *records = *state;
	static const uint8_t directions[] = {0, RST_DIRECTIONS, 255};

	for (unsigned i = 0; i < COUNT_OF(directions); i++) {
		const struct record_port port =
			records_port(PORT_KEY(.direction = directions[i]), 1);
		const struct record_peer peer =
			records_peer(records_peer_key(1, 7, directions[i]), 1);
		const struct record_other other = records_other_of(directions[i], 1, 1);
		const struct record_event event = {.head = RECORD_HEAD(record_event, RECORD_EVENT),
						   .event = {.direction = directions[i]}};

		assert_int_equal(records_feed(records, &port), -EPROTO);
		assert_int_equal(records_feed(records, &peer), -EPROTO);
		assert_int_equal(records_feed(records, &other), -EPROTO);
		assert_int_equal(records_feed(records, &event), -EPROTO);
	}
	assert_int_equal(records->told->events, 0);
}

static void time_that_runs_backwards(void **state)
{
	struct records *records = *state;
	struct record_slice slice = records_empty_slice(FROM_START(1), FROM_START(0));
	struct record_end end;

	assert_int_equal(records_feed(records, &slice), -EPROTO);
	slice = records_empty_slice(0, FROM_START(0) - 1); /* it ended before the run began */
	assert_int_equal(records_feed(records, &slice), -EPROTO);
	records_quiet(records, 5);
	slice = records_empty_slice(FROM_START(3), FROM_START(4));
	assert_int_equal(records_feed(records, &slice), -EPROTO);
	end = records_end_at(records);
	end.monotonic_ns--;
	assert_int_equal(records_feed(records, &end), -EPROTO);
	end.monotonic_ns++;
	assert_int_equal(records_feed(records, &end), 0);
}

/* --- windows --- */

static void slice_that_ends_with_the_window(void **state)
{
	struct records *records = *state;

	records_run(records, web, 5, 9);
	assert_int_equal(records->told->windows, 0);
	records_run(records, web, 5, 1);
	assert_int_equal(records->told->windows, 1);
	assert_window(records, 0, FROM_START(0), FROM_START(10));
	assert_int_equal(records->told->window[0].total[RST_SENT], 50);
	assert_int_equal(records->told->window[0].start_real_ns, RECORDS_WALL_NS);
	assert_int_equal(records->told->window[0].end_real_ns, RECORDS_WALL_NS + 10 * SECOND_NS);
	records_run(records, web, 1, 10);
	assert_int_equal(records->told->windows, 2);
	assert_window(records, 1, FROM_START(10), FROM_START(20));
	assert_int_equal(records->told->window[1].total[RST_SENT], 10);
}

static void slice_that_ends_a_nanosecond_early(void **state)
{
	struct records *records = *state;

	records_run(records, web, 1, 9);
	records_count(records, web, 100);
	records_slice(records, SECOND_NS - 1);
	assert_int_equal(records->told->windows, 0); /* not due: the next slice ends it */
	records_count(records, web, 1000);
	records_slice(records, SECOND_NS + 1);
	assert_int_equal(records->told->windows, 1);
	assert_window(records, 0, FROM_START(0), FROM_START(11));
	assert_int_equal(records->told->window[0].total[RST_SENT], 1109);
	/* The grid stays: the next is due at 20 s. */
	records_quiet(records, 8);
	assert_int_equal(records->told->windows, 1);
	records_quiet(records, 1);
	assert_window(records, 1, FROM_START(11), FROM_START(20));
}

static void slice_that_ends_a_nanosecond_late(void **state)
{
	struct records *records = *state;

	records_run(records, web, 1, 9);
	records_slice(records, SECOND_NS + 1);
	assert_int_equal(records->told->windows, 1);
	assert_window(records, 0, FROM_START(0), FROM_START(10) + 1);
	records_quiet(records, 9);
	assert_int_equal(records->told->windows, 1);
	records_slice(records, SECOND_NS - 2);
	assert_int_equal(records->told->windows, 1); /* 1 ns before 20 s */
	records_slice(records, 1);
	assert_window(records, 1, FROM_START(10) + 1, FROM_START(20));
}

static void late_slices_do_not_shift_the_grid(void **state)
{
	struct records *records = *state;

	/* Each is 30 ms late: window ends drift within a slice, never further. */
	for (unsigned i = 0; i < 200; i++)
		records_slice(records, SECOND_NS + 30000000);
	assert_int_equal(records->told->windows, 20);
	for (unsigned i = 0; i < 20; i++) {
		uint64_t late_ns = records->told->window[i].end_ns - FROM_START(10 * (i + 1));

		assert_true(late_ns < SECOND_NS + 30000000);
		if (i)
			assert_int_equal(records->told->window[i].start_ns,
					 records->told->window[i - 1].end_ns);
	}
}

static void empty_windows_are_told(void **state)
{
	struct records *records = *state;

	records_quiet(records, 30);
	assert_int_equal(records->told->windows, 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_window(records, i, FROM_START(10 * i), FROM_START(10 * (i + 1)));
		assert_int_equal(records->told->window[i].total[RST_SENT], 0);
		assert_int_equal(records->told->window[i].port_count, 0);
		assert_int_equal(records->told->window[i].distinct_peers, 0);
		assert_true(records->told->window[i].distinct_exact);
	}
}

static void gap_makes_one_long_window(void **state)
{
	struct records *records = *state;

	records_run(records, web, 1, 3);
	records_count(records, web, 1000);
	records_slice(records, 35 * SECOND_NS);
	assert_int_equal(records->told->windows, 1);
	assert_window(records, 0, FROM_START(0), FROM_START(38));
	assert_int_equal(records->told->window[0].total[RST_SENT], 1003);
	records_run(records, web, 1, 1);
	assert_int_equal(records->told->windows, 1);
	records_run(records, web, 1, 1);
	assert_window(records, 1, FROM_START(38), FROM_START(40));
	records_run(records, web, 1, 10);
	assert_window(records, 2, FROM_START(40), FROM_START(50));
	assert_int_equal(records->told->window[2].total[RST_SENT], 10);
}

static void gap_that_ends_on_the_grid(void **state)
{
	struct records *records = *state;

	records_slice(records, 30 * SECOND_NS);
	records_quiet(records, 9);
	assert_int_equal(records->told->windows, 1);
	records_quiet(records, 1);
	assert_int_equal(records->told->windows, 2);
	assert_window(records, 1, FROM_START(30), FROM_START(40));
}

static void gap_of_all_time_does_not_hang(void **state)
{
	struct records *records = *state;

	records_slice(records, INT64_MAX - FROM_START(5));
	records_slice(records, SECOND_NS);
	records_end(records);
	assert_int_equal(records->told->ends, 1);
	assert_in_range(records->told->windows, 1, 2);
}

static void clock_steps_move_wall_times_only(void **state)
{
	struct records *records = *state;
	const uint64_t step_ns = 3600 * SECOND_NS;

	records_quiet(records, 15);
	records->offset_ns += step_ns; /* forwards, within the second window */
	records_quiet(records, 10);
	records->offset_ns -= 2 * (int64_t)step_ns; /* and back further, within the third */
	records_quiet(records, 15);
	records_end(records);
	assert_int_equal(records->told->windows, 4);
	for (unsigned i = 0; i < 4; i++) {
		const struct window_summary *window = &records->told->window[i];

		assert_window(records, i, FROM_START(10 * i), FROM_START(10 * (i + 1)));
		assert_int_equal(window->end_real_ns - window->start_real_ns, 10 * SECOND_NS);
	}
	assert_int_equal(records->told->window[0].end_real_ns, RECORDS_WALL_NS + 10 * SECOND_NS);
	assert_int_equal(records->told->window[1].end_real_ns,
			 RECORDS_WALL_NS + 20 * SECOND_NS + step_ns);
	assert_int_equal(records->told->window[3].end_real_ns,
			 RECORDS_WALL_NS + 40 * SECOND_NS - step_ns);
	assert_int_equal(records->told->totals.end_ns - records->told->totals.start_ns,
			 40 * SECOND_NS);
	assert_int_equal(records->told->totals.end_real_ns,
			 RECORDS_WALL_NS + 40 * SECOND_NS - step_ns);
}

static void wall_clock_before_the_monotonic(void **state)
{
	struct records records;

	(void)state;
	/* A host whose clock stands at 1970 after boot. */
	records_open(&records, NULL);
	records.start.realtime_ns = 5;
	records.offset_ns = 5 - (int64_t)RECORDS_START_NS;
	assert_int_equal(records_feed(&records, &records.start), 0);
	records_quiet(&records, 10);
	assert_int_equal(records.told->window[0].start_real_ns, 5);
	assert_int_equal(records.told->window[0].end_real_ns, 5 + 10 * SECOND_NS);
	records_close(&records);
}

/* --- what a window counts --- */

static void events_of_the_next_slice_may_come_first(void **state)
{
	struct records *records = *state;
	const struct rst_event event = {.direction = RST_SENT, .slice = 10, .netns = 7};

	records_quiet(records, 9);
	records_count(records, web, 3);
	/* Streamed before the SLICE record of the slice before: told at once, counted later. */
	records_event(records, event);
	records->slice.events--;
	records_slice(records, SECOND_NS);
	assert_int_equal(records->told->events, 1);
	assert_int_equal(records->told->event[0].slice, 10);
	assert_int_equal(records->told->window[0].total[RST_SENT], 3);
	assert_int_equal(records->told->window[0].events, 0);
	assert_int_equal(records->told->window[0].losses.thinned, 3);
	records_count(records, web, 1);
	records->slice.events++;
	records_slice(records, 10 * SECOND_NS);
	assert_int_equal(records->told->window[1].total[RST_SENT], 1);
	assert_int_equal(records->told->window[1].events, 1);
	assert_int_equal(records->told->window[1].losses.thinned, 0);
}

static void totals_are_the_sum_of_the_windows(void **state)
{
	struct records *records = *state;
	const struct pipeline_totals *totals = &records->told->totals;
	struct window_losses losses = {0};
	uint64_t sum[RST_DIRECTIONS] = {0}, causes[RST_CAUSES] = {0};

	for (unsigned second = 0; second < 47; second++) {
		records_count(records, web, second);
		records_count(records, refused, 3);
		records_other(records, RST_SENT, RST_CLOSED_PORT, 5);
		records_event(records, EVENT_OF(.direction = RST_SENT));
		records->slice.lost = 1;
		records->slice.missed = 2;
		records->slice.peers_full = 4;
		records_slice(records, SECOND_NS);
	}
	records_end(records);
	assert_int_equal(records->told->windows, 5); /* the last of 7 s */
	assert_window(records, 4, FROM_START(40), FROM_START(47));
	for (unsigned i = 0; i < 5; i++) {
		const struct window_summary *window = &records->told->window[i];
		uint64_t shown = 0;

		for (unsigned j = 0; j < window->port_count; j++)
			shown += window->ports[j].sent + window->ports[j].received;
		assert_int_equal(shown + window->losses.ports_full,
				 window->total[RST_SENT] + window->total[RST_RECEIVED]);
		for (unsigned j = 0; j < RST_DIRECTIONS; j++)
			sum[j] += window->total[j];
		for (unsigned j = 0; j < RST_CAUSES; j++)
			causes[j] += window->causes[j];
		losses.thinned += window->losses.thinned;
		losses.lost += window->losses.lost;
		losses.missed += window->losses.missed;
		losses.ports_full += window->losses.ports_full;
		losses.peers_full += window->losses.peers_full;
		losses.netns_full += window->losses.netns_full;
		losses.alarms_full += window->losses.alarms_full;
	}
	assert_int_equal(totals->total[RST_SENT], 46 * 47 / 2 + 5 * 47);
	assert_int_equal(totals->total[RST_RECEIVED], 3 * 47);
	assert_memory_equal(totals->total, sum, sizeof(sum));
	assert_memory_equal(totals->causes, causes, sizeof(causes));
	assert_memory_equal(&totals->losses, &losses, sizeof(losses));
	assert_int_equal(totals->windows, 5);
	assert_int_equal(totals->events, 47);
	assert_int_equal(totals->losses.lost, 47);
	assert_int_equal(totals->losses.missed, 94);
	/* counted - events - lost */
	assert_int_equal(totals->losses.thinned,
			 totals->total[RST_SENT] + totals->total[RST_RECEIVED] - 47 - 47);
	assert_true(totals->complete);
}

/* They are no resets that this host received: beside the totals, not in them. */
static void resets_dropped_before_tcp(void **state)
{
	struct records *records = *state;

	records_outside(records, 3);
	records_outside(records, 4);
	records_slice(records, 10 * SECOND_NS);
	records_count(records, web, 2);
	records_slice(records, 5 * SECOND_NS);
	records_outside(records, 5);
	records_slice(records, 5 * SECOND_NS);
	records_outside(records, 6); /* of a slice that never ended */
	records_end(records);
	assert_int_equal(records->told->windows, 2);
	assert_int_equal(records->told->window[0].outside, 7);
	assert_int_equal(records->told->window[0].total[RST_RECEIVED], 0);
	assert_int_equal(records->told->window[1].outside, 5);
	assert_int_equal(records->told->window[1].total[RST_SENT], 2);
	assert_int_equal(records->told->totals.outside, 12);
	assert_int_equal(records->told->totals.total[RST_RECEIVED], 0);
	assert_int_equal(records->told->totals.losses.thinned, 2);
}

/* Two keys that differ in what they move are one row of the service. */
static void ports_whatever_they_move(void **state)
{
	struct records *records = *state;
	struct rst_port_key key = web;

	records_count(records, key, 2);
	key.moves = RST_MOVES_OUT_RSTS;
	records_count(records, key, 3);
	key.moves = RST_MOVES_OUT_RSTS | RST_MOVES_ESTAB_RESETS;
	records_count(records, key, 4);
	records_slice(records, 10 * SECOND_NS);
	assert_int_equal(records->told->window[0].port_count, 1);
	assert_int_equal(records->told->window[0].ports_all, 1);
	assert_int_equal(records->told->window[0].ports[0].sent, 9);
	assert_int_equal(records->told->window[0].causes[RST_ABORTED], 9);
}

static void full_tables_keep_the_totals(void **state)
{
	struct records *records = *state;
	const struct window_summary *window = &records->told->window[0];
	const uint32_t count = WINDOW_COUNTS + 500;

	for (uint32_t i = 0; i < count; i++) {
		records_count(records,
			      PORT_KEY(.netns = 1 + i % 5000, .port = i / 5000,
				       .direction = RST_SENT, .cause = RST_CLOSED_PORT),
			      1);
		if (i < WINDOW_PEERS + 500)
			records_tabled(records, records_peer_key(i, 7, RST_SENT), 1);
	}
	records_slice(records, 10 * SECOND_NS);
	assert_int_equal(records->told->windows, 1);
	assert_int_equal(window->total[RST_SENT], count);
	assert_int_equal(window->losses.ports_full, 500);
	assert_int_equal(window->losses.peers_full, 500);
	assert_true(window->losses.netns_full > 0);
	assert_true(window->losses.alarms_full > 0);
	records_end(records);
	assert_int_equal(records->told->totals.total[RST_SENT], count);
	assert_int_equal(records->told->totals.losses.ports_full, 500);
}

static void registers_make_an_estimate(void **state)
{
	struct records *records = *state;
	struct record_distinct *distinct = unit_zeroed(sizeof(*distinct));

	*distinct = (struct record_distinct){.head = RECORD_HEAD(record_distinct, RECORD_DISTINCT),
					     .direction = RST_SENT};
	for (unsigned i = 0; i < 100; i++)
		distinct->registers[i * 7] = 1 + i % 3;
	records_quiet(records, 5);
	assert_int_equal(records_feed(records, distinct), 0);
	records_quiet(records, 15);
	assert_false(records->told->window[0].distinct_exact);
	assert_in_range(records->told->window[0].distinct_peers, 95, 105);
	assert_true(records->told->window[1].distinct_exact);
	free(distinct);
}

/* --- the end --- */

static void end_tells_the_partial_window(void **state)
{
	struct records *records = *state;

	records_run(records, web, 2, 13);
	assert_int_equal(records->told->windows, 1);
	records_end(records);
	assert_int_equal(records->told->windows, 2);
	assert_window(records, 1, FROM_START(10), FROM_START(13));
	assert_int_equal(records->told->window[1].total[RST_SENT], 6);
	assert_int_equal(records->told->ends, 1);
	assert_true(records->told->totals.complete);
	assert_int_equal(records->told->totals.end_ns, FROM_START(13));
}

static void end_on_the_edge_tells_no_empty_window(void **state)
{
	struct records *records = *state;

	records_run(records, web, 2, 10);
	records_end(records);
	assert_int_equal(records->told->windows, 1);
	assert_int_equal(records->told->totals.windows, 1);
}

static void finish_without_end_is_incomplete(void **state)
{
	struct records *records = *state;

	records_run(records, web, 2, 13);
	pipeline_finish(records->pipeline, false);
	assert_int_equal(records->told->windows, 2);
	assert_window(records, 1, FROM_START(10), FROM_START(13));
	assert_int_equal(records->told->ends, 1);
	assert_false(records->told->totals.complete);
	assert_int_equal(records->told->totals.total[RST_SENT], 26);
	assert_int_equal(records->told->totals.end_ns, FROM_START(13));
	assert_int_equal(records->told->totals.end_real_ns, RECORDS_WALL_NS + 13 * SECOND_NS);
	pipeline_finish(records->pipeline, false);
	assert_int_equal(records->told->ends, 1);
}

static void finish_of_records_that_were_to_end_here(void **state)
{
	struct records *records = *state;

	records_run(records, web, 2, 3);
	pipeline_finish(records->pipeline, true);
	assert_int_equal(records->told->ends, 1);
	assert_true(records->told->totals.complete);
}

static void done_after_the_duration(void **state)
{
	const struct pipeline_settings settings = {.duration_ns = 3 * SECOND_NS};
	struct records records;

	(void)state;
	records_begin(&records, &settings);
	records_quiet(&records, 2);
	records_slice(&records, SECOND_NS - 1);
	assert_false(records.pipeline->done);
	records_slice(&records, 1);
	assert_true(records.pipeline->done);
	records_close(&records);
}

static void done_after_so_many_events_shown(void **state)
{
	const struct pipeline_settings settings = {.event_limit = 2, .filter = {.netns = 7}};
	struct records records;

	(void)state;
	records_begin(&records, &settings);
	for (unsigned i = 0; i < 6; i++) {
		assert_int_equal(records.pipeline->done, i >= 4);
		records_event(&records, EVENT_OF(.direction = RST_SENT, .netns = 6 + i % 2));
		records.slice.counted++;
	}
	/* The rest of the slice is counted, and not shown. */
	assert_int_equal(records.told->events, 2);
	records_slice(&records, SECOND_NS);
	records_end(&records);
	assert_int_equal(records.told->totals.events, 6);
	records_close(&records);
}

/* A recording that was cut off within a slice: what it counted is told, wherever that was. */
static void counters_of_a_cut_slice_are_told(void **state)
{
	static const unsigned seconds[] = {0, 4, 10, 13};

	(void)state;
	for (unsigned i = 0; i < COUNT_OF(seconds); i++) {
		struct records records;

		records_begin(&records, NULL);
		records_run(&records, web, 2, seconds[i]);
		records_count(&records, web, 1000);
		pipeline_finish(records.pipeline, false);
		assert_int_equal(records.told->totals.total[RST_SENT], 2 * seconds[i] + 1000);
		assert_int_equal(records.told->totals.windows, records.told->windows);
		records_close(&records);
	}
}

/* --- alerts --- */

/* A flood that is raised as soon as it can be: 100 s of nothing, then 21 s of it. */
static void flood(struct records *records, struct rst_port_key key, uint64_t count)
{
	records_quiet(records, 100);
	for (unsigned i = 0; i < 21; i++) {
		records_count(records, key, count);
		records_tabled(records, records_peer_key(0x0a000007, key.netns, key.direction),
			       count / 2);
		records_slice(records, SECOND_NS);
	}
}

static double fact(const struct alert *alert, const char *name)
{
	for (unsigned i = 0; i < alert->fact_count; i++)
		if (!strcmp(alert->facts[i].name, name))
			return alert->facts[i].value;
	fail_msg("no fact %s", name);
	return 0;
}

static void alert_carries_its_evidence(void **state)
{
	struct records *records = *state;
	const struct alert *alert = &records->told->alert[0];

	flood(records, web, 1000);
	assert_int_equal(records->told->alerts, 2); /* the host and the namespace */
	assert_int_equal(alert[0].number, 1);
	assert_int_equal(alert[1].number, 2);
	assert_int_equal(alert[0].kind, ALERT_RST_SENT_RATE);
	assert_int_equal(alert[0].status, ALERT_RAISED);
	assert_int_equal(alert[0].netns, 0);
	assert_int_equal(alert[1].netns, 7);
	/* The first second of it is more than 500 in ten seconds; told 20 s later. */
	assert_int_equal(alert[0].time_ns, records->now_ns);
	assert_int_equal(alert[0].first_seen_ns, alert[0].time_ns - 20 * SECOND_NS);
	assert_int_equal(alert[0].time_real_ns, alert[0].time_ns + records->offset_ns);
	assert_int_equal(alert[0].first_seen_real_ns, alert[0].first_seen_ns + records->offset_ns);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(alert[i].total, 10000);
		assert_int_equal(alert[i].port_count, 1);
		assert_int_equal(alert[i].ports[0].key.port, 80);
		assert_int_equal(alert[i].ports[0].sent, 10000);
		assert_int_equal(alert[i].ports[0].causes[RST_ABORTED], 10000);
		assert_int_equal(alert[i].causes[RST_ABORTED], 10000);
		assert_int_equal(alert[i].reasons[3], 10000);
		assert_int_equal(alert[i].peer_count, 1);
		assert_int_equal(alert[i].peers[0].count, 5000);
		assert_non_null(strstr(alert[i].summary, "100% aborted, 100% port 80, "
							 "50% peer 10.0.0.7"));
		assert_non_null(alert[i].advice);
		assert_true(fact(&alert[i], "rate") == 1000);
		assert_true(fact(&alert[i], "resets") == 10000);
		/* What it exceeded when it began, not what it has made of the minute since. */
		assert_true(fact(&alert[i], "baseline") == 0);
		assert_true(fact(&alert[i], "limit") == 50);
		assert_true(fact(&alert[i], "resets_since_first") == 21000);
	}
	assert_int_equal(records->told->windows, 12);
	records_end(records);
	assert_int_equal(records->told->totals.alerts, 2);
}

static void alert_of_a_long_slice_stays_below_100_percent(void **state)
{
	struct records *records = *state;

	records_quiet(records, 100);
	records_count(records, web, 12 * 1000);
	records_slice(records, 12 * SECOND_NS);
	records_count(records, web, 21 * 5000);
	records_slice(records, 21 * SECOND_NS);
	assert_int_equal(records->told->alerts, 2);
	assert_true(fact(&records->told->alert[0], "resets") == 50000);
	assert_non_null(strstr(records->told->alert[0].summary, "100% aborted, 100% port 80"));
	assert_int_equal(records->told->alert[0].causes[RST_ABORTED], 21 * 5000);
}

static void update_and_clear_keep_the_number(void **state)
{
	struct records records;

	(void)state;
	records_open(&records, NULL);
	records.start.rate.down = 60;
	assert_int_equal(records_feed(&records, &records.start), 0);
	flood(&records, web, 1000);
	assert_int_equal(records.told->alerts, 2);
	for (unsigned i = 1; i <= 60; i++)
		records_run(&records, web, 1000 + 100 * i, 1);
	assert_int_equal(records.told->alerts, 4);
	records_quiet(&records, 75);
	assert_int_equal(records.told->alerts, 6);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(records.told->alert[i].number, 1 + i % 2);
	assert_int_equal(records.told->alert[2].status, ALERT_UPDATED);
	assert_int_equal(records.told->alert[2].time_ns - records.told->alert[0].time_ns,
			 MINUTE_NS);
	assert_int_equal(records.told->alert[4].status, ALERT_CLEARED);
	assert_int_equal(records.told->alert[4].first_seen_ns,
			 records.told->alert[0].first_seen_ns);
	/* A new incident has a new number. */
	flood(&records, web, 100000);
	assert_int_equal(records.told->alert[6].status, ALERT_RAISED);
	assert_int_equal(records.told->alert[6].number, 3);
	records_end(&records);
	assert_int_equal(records.told->totals.alerts, 4);
	records_close(&records);
}

/* --- what detectors say --- */

/* A second in which resets were sent blindly at one connection, and three of them streamed. */
static void sweep(struct records *records, uint64_t count)
{
	struct rst_event event = {.netns = 7,
				  .local_port = 80,
				  .peer_port = 40000,
				  .direction = RST_RECEIVED,
				  .cause = RST_STAGE_REJECTED,
				  .state = RST_STATE_ESTABLISHED,
				  .role = RST_ROLE_SERVER};

	unit_ipv4(event.local, 0x0a000002);
	unit_ipv4(event.peer, 0x0a000007);
	for (unsigned i = 1; i <= 3; i++) {
		event.time_ns = records->now_ns + i * SECOND_NS / 4;
		records_event(records, event);
	}
	records_count(records,
		      PORT_KEY(.netns = 7, .port = 80, .direction = RST_RECEIVED,
			       .cause = RST_STAGE_REJECTED, .role = RST_ROLE_SERVER),
		      count);
	records_slice(records, SECOND_NS);
}

static void incidents_are_alerts(void **state)
{
	struct records *records = *state;
	const struct alert *alert = records->told->alert;

	records_quiet(records, 100);
	records->offset_ns += 5000 * SECOND_NS; /* the wall clock is put forward */
	records_quiet(records, 1);
	sweep(records, 1000);
	assert_int_equal(records->told->alerts, 2);
	assert_int_equal(alert[0].kind, ALERT_RESET_INJECTION);
	assert_int_equal(alert[0].status, ALERT_RAISED);
	assert_int_equal(alert[0].number, 1);
	assert_int_equal(alert[0].netns, 7);
	/* At once, and not with the slice. */
	assert_int_equal(alert[0].time_ns, FROM_START(101) + 3 * SECOND_NS / 4);
	assert_int_equal(alert[0].first_seen_ns, alert[0].time_ns);
	assert_int_equal(alert[0].time_real_ns, alert[0].time_ns + (uint64_t)records->offset_ns);
	assert_int_equal(alert[0].first_seen_real_ns, alert[0].time_real_ns);
	/* More severe, as the counters say. */
	assert_int_equal(alert[1].status, ALERT_UPDATED);
	assert_int_equal(alert[1].number, 1);
	assert_int_equal(alert[1].severity, ALERT_WARNING);
	assert_int_equal(alert[1].total, 1000);
	assert_int_equal(alert[1].time_ns, FROM_START(102));
	records_quiet(records, 60);
	assert_int_equal(records->told->alerts, 3);
	assert_int_equal(alert[2].status, ALERT_CLEARED);
	assert_int_equal(alert[2].number, 1);
	assert_int_equal(alert[2].first_seen_real_ns, alert[0].first_seen_real_ns);
	records_end(records);
	assert_int_equal(records->told->totals.alerts, 1);
	assert_int_equal(records->told->totals.alerts_folded, 0);
}

/* Numbers are given in one order, to rate alarms and incidents alike. */
static void incidents_and_rates_share_their_numbers(void **state)
{
	struct records *records = *state;

	flood(records, web, 1000);
	assert_int_equal(records->told->alerts, 2);
	sweep(records, 10);
	assert_int_equal(records->told->alert[2].kind, ALERT_RESET_INJECTION);
	assert_int_equal(records->told->alert[2].number, 3);
}

/* What an incident is about has its alert already. */
static void explained_resets_raise_no_rate_alarm(void **state)
{
	struct records *records = *state;

	records_quiet(records, 100);
	for (unsigned i = 0; i < 60; i++)
		sweep(records, 1000);
	for (unsigned i = 0; i < records->told->alerts; i++)
		assert_int_equal(records->told->alert[i].kind, ALERT_RESET_INJECTION);
	assert_int_equal(records->told->alert[0].status, ALERT_RAISED);
	/* They are counted all the same. */
	assert_int_equal(records->told->window[10].causes[RST_STAGE_REJECTED], 10000);
}

/* The same counters without an incident: nobody has seen what they were. */
static void unexplained_resets_raise_one(void **state)
{
	struct records *records = *state;

	flood(records,
	      PORT_KEY(.netns = 7, .port = 80, .direction = RST_RECEIVED,
		       .cause = RST_STAGE_REJECTED, .role = RST_ROLE_SERVER),
	      1000);
	assert_int_equal(records->told->alerts, 2);
	assert_int_equal(records->told->alert[0].kind, ALERT_RST_RECEIVED_RATE);
}

/* An alarm's evidence is what it is about: not what has its own alert. */
static void a_rate_alarm_names_what_is_left(void **state)
{
	struct records *records = *state;
	const struct alert *alarm = NULL;

	records_quiet(records, 100);
	for (unsigned i = 0; i < 30; i++) {
		records_count(records,
			      PORT_KEY(.netns = 7, .port = 443, .direction = RST_RECEIVED,
				       .cause = RST_STAGE_CLOSING, .role = RST_ROLE_SERVER),
			      200);
		records_tabled(records, records_peer_key(0x0a000007, 7, RST_RECEIVED), 1200);
		sweep(records, 1000);
	}
	for (unsigned i = 0; i < records->told->alerts; i++)
		if (records->told->alert[i].kind == ALERT_RST_RECEIVED_RATE &&
		    records->told->alert[i].netns == 7)
			alarm = &records->told->alert[i];
	assert_non_null(alarm);
	assert_int_equal(alarm->port_count, 1);
	assert_int_equal(alarm->ports[0].key.port, 443);
	assert_int_equal(alarm->ports[0].received, 2000);
	assert_int_equal(alarm->total, 2000);
	assert_int_equal(alarm->causes[RST_STAGE_REJECTED], 0);
	assert_int_equal(alarm->peers[0].count, 2000);
}

/* An incident that is not shown is raised all the same, and counted. */
static void filters_hide_incidents(void **state)
{
	const struct pipeline_settings cases[] = {
		{.filter = {.netns = 8}},
		{.filter = {.port_count = 1, .ports = {81}}},
		{.filter = {.family = 6}},
		{.filter = {.netns = 7, .port_count = 1, .ports = {80}, .family = 4}},
	};

	(void)state;
	for (unsigned i = 0; i < COUNT_OF(cases); i++) {
		bool shown = i == COUNT_OF(cases) - 1;
		struct records records;

		records_begin(&records, &cases[i]);
		sweep(&records, 2000);
		records_quiet(&records, 60);
		records_end(&records);
		assert_int_equal(records.told->alerts, shown ? 3 : 0);
		assert_int_equal(records.told->totals.alerts, 1);
		records_close(&records);
	}
}

static void resets_without_a_port_count_for_the_host(void **state)
{
	struct records *records = *state;

	records_quiet(records, 100);
	for (unsigned i = 0; i < 21; i++) {
		records_other(records, RST_RECEIVED, RST_STAGE_REFUSED, 1000);
		records_slice(records, SECOND_NS);
	}
	assert_int_equal(records->told->alerts, 1);
	assert_int_equal(records->told->alert[0].kind, ALERT_RST_RECEIVED_RATE);
	assert_int_equal(records->told->alert[0].netns, 0);
	assert_int_equal(records->told->alert[0].total, 10000);
}

static void no_alert_in_the_first_minute(void **state)
{
	struct records *records = *state;

	records_quiet(records, 20);
	records_run(records, web, 100000, 39);
	records_quiet(records, 100);
	assert_int_equal(records->told->alerts, 0);
}

/* --- filters --- */

static void filters_hide_but_do_not_change(void **state)
{
	const struct pipeline_settings settings = {
		.filter = {.direction = RST_RECEIVED, .netns = 8}};
	struct records all, some;
	struct pipeline_totals *totals;

	(void)state;
	records_begin(&all, NULL);
	records_begin(&some, &settings);
	for (unsigned i = 0; i < 2; i++) {
		struct records *records = i ? &some : &all;

		records_event(records, EVENT_OF(.direction = RST_SENT, .netns = 7));
		records_event(records, EVENT_OF(.direction = RST_RECEIVED, .netns = 7));
		records_event(records, EVENT_OF(.direction = RST_RECEIVED, .netns = 8));
		records->slice.counted = 3;
		flood(records, web, 1000);
		records_end(records);
	}
	assert_int_equal(all.told->events, 3);
	assert_int_equal(some.told->events, 1);
	assert_int_equal(some.told->event[0].netns, 8);
	assert_int_equal(some.pipeline->shown, 1);
	assert_int_equal(all.told->alerts, 2);
	assert_int_equal(some.told->alerts, 0);
	/* Totals, alerts raised among them, do not depend on the filter. */
	totals = &some.told->totals;
	assert_memory_equal(totals, &all.told->totals, sizeof(*totals));
	assert_int_equal(totals->alerts, 2);
	assert_int_equal(totals->events, 3);
	assert_int_equal(some.told->windows, all.told->windows);
	for (unsigned i = 0; i < all.told->windows; i++) {
		const struct window_summary *a = &all.told->window[i], *b = &some.told->window[i];

		assert_memory_equal(a->total, b->total, sizeof(a->total));
		assert_memory_equal(a->causes, b->causes, sizeof(a->causes));
		assert_int_equal(b->port_count, 0);
	}
	assert_int_equal(all.told->window[11].port_count, 1);
	records_close(&all);
	records_close(&some);
}

static void filter_lets_the_alerts_of_its_namespace_through(void **state)
{
	const struct pipeline_settings settings = {.filter = {.netns = 7}};
	struct records records;

	(void)state;
	records_begin(&records, &settings);
	records_quiet(&records, 100);
	for (unsigned i = 0; i < 21; i++) {
		struct rst_port_key key = web;

		records_count(&records, key, 1000);
		key.netns = 8;
		records_count(&records, key, 1000);
		records_slice(&records, SECOND_NS);
	}
	assert_int_equal(records.told->alerts, 2); /* host, 7, but not 8 */
	assert_int_equal(records.told->alert[0].netns, 0);
	assert_int_equal(records.told->alert[1].netns, 7);
	assert_int_equal(records.told->alert[1].total, 10000);
	assert_int_equal(records.told->alert[0].total, 20000);
	records_end(&records);
	assert_int_equal(records.told->totals.alerts, 3);
	records_close(&records);
}

/* --- owners, connections and names --- */

#define OWN_EVENT(...)                                                                             \
	EVENT_OF(.time_ns = FROM_START(1), .netns = 7, .local_port = 80, .peer_port = 50000,       \
		 .direction = RST_SENT, .cause = RST_ABORTED, .state = RST_STATE_ESTABLISHED,      \
		 .role = RST_ROLE_SERVER, __VA_ARGS__)

static void event_with_its_owner(void **state)
{
	struct records *records = *state;
	struct record_process process = records_process_of(1, 812, "nginx", "/system.slice");
	struct rst_event event = OWN_EVENT(.owner = 1);
	const struct records_told *told = records->told;

	records_event(records, event);			 /* the process is not known yet */
	memset(process.comm, 'c', sizeof(process.comm)); /* no NUL */
	memset(process.exe, 'e', sizeof(process.exe));
	memset(process.cgroup, '/', sizeof(process.cgroup));
	assert_int_equal(records_feed(records, &process), 0);
	records_event(records, event);
	event.owner = 2;
	records_event(records, event);
	event.owner = 0;
	event.role = RST_ROLE_CLIENT;
	records_event(records, event);
	event.cause = RST_FIREWALL;
	records_event(records, event);
	assert_int_equal(told->events, 5);
	assert_int_equal(told->owner[0].known_by, OWNER_SOCKET);
	assert_null(told->owner[0].process);
	assert_int_equal(told->owner[1].known_by, OWNER_SOCKET);
	assert_int_equal(told->owner[1].process->pid, 812);
	assert_int_equal(told->owner[1].process->uid, 33);
	assert_int_equal(strlen(told->owner[1].process->comm), sizeof(process.comm) - 1);
	assert_int_equal(strlen(told->owner[1].process->exe), sizeof(process.exe) - 1);
	assert_int_equal(strlen(told->owner[1].process->cgroup), sizeof(process.cgroup) - 1);
	assert_null(told->owner[2].process);
	assert_int_equal(told->owner[3].known_by, OWNER_UNKNOWN);
	assert_int_equal(told->owner[4].known_by, OWNER_FIREWALL);
}

static void event_for_a_listener(void **state)
{
	struct records *records = *state;
	struct rst_event event = OWN_EVENT(.owner = 0);
	const struct records_told *told = records->told;

	unit_ipv4(event.local, 0x0a000002);
	event.cause = RST_CLOSED_PORT;
	event.state = 0;
	records_event(records, event);
	records_process(records, 1, 812, "nginx", "/");
	records_listens(records, 7, 80, 1);
	records_event(records, event);
	records_stops(records, FROM_START(1) - 1, 7, 80, 1, 11);
	records_event(records, event);
	event.netns = 8;
	records_event(records, event);
	assert_int_equal(told->owner[0].known_by, OWNER_KERNEL);
	assert_int_equal(told->owner[1].known_by, OWNER_LISTENER);
	assert_int_equal(told->owner[1].process->pid, 812);
	assert_int_equal(told->owner[2].known_by, OWNER_LAST_LISTENER);
	assert_int_equal(told->owner[2].process->pid, 812);
	assert_int_equal(told->owner[2].stopped_ns, FROM_START(1) - 1);
	assert_true(told->owner[2].exited);
	assert_int_equal(told->owner[2].exit_status, 11);
	assert_int_equal(told->owner[3].known_by, OWNER_KERNEL);
}

/* What a detector wants to be told is asked for at once, not only at the end of a slice. */
static void what_is_wanted_is_asked_for_at_once(void **state)
{
	struct records *records = *state;
	struct record_signal record = {.head = RECORD_HEAD(record_signal, RECORD_SIGNAL),
				       .signal = {.kind = RST_SIGNAL_CONNECT_FAILED, .owner = 5}};
	struct rst_event event = OWN_EVENT(.owner = 6);

	event.direction = RST_RECEIVED;
	event.cause = RST_STAGE_REFUSED;
	event.role = RST_ROLE_CLIENT;
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(records->pipeline->watch, 0);
		record.signal.time_ns = records->start.monotonic_ns + 1 + i;
		record.signal.peer_port = 80 + i;
		assert_int_equal(records_feed(records, &record), 0);
	}
	assert_int_equal(records->pipeline->watch, RST_WATCH_CONNECTS);
	records->pipeline->watch = records->pipeline->detect.world.watch = 0;
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(records->pipeline->watch, 0);
		event.time_ns = records->start.monotonic_ns + 10 + i;
		event.peer_port = 80 + i;
		records_event(records, event);
	}
	assert_int_equal(records->pipeline->watch, RST_WATCH_CONNECTS);
}

/* A record of 72 bytes has none; one of 96 or more does. */
static void event_with_its_connection(void **state)
{
	struct records *records = *state;
	const struct rst_connection connection = {
		.bytes_in = 1ULL << 40, .bytes_out = 2, .age_ms = 3, .idle_ms = 4};
	struct {
		struct record_event event;
		uint64_t more;
	} longer = {.event = {.head = RECORD_HEAD(record_event, RECORD_EVENT),
			      .event = OWN_EVENT(.owner = 0),
			      .connection = connection}};
	const struct records_told *told = records->told;

	records_event(records, OWN_EVENT(.owner = 0));
	records_event_of(records, OWN_EVENT(.owner = 0), connection);
	longer.event.head.size = sizeof(longer);
	assert_int_equal(records_feed(records, &longer), 0);
	longer.event.head.size = sizeof(struct record_event) - 8; /* not all of it */
	assert_int_equal(records_feed(records, &longer), 0);
	assert_int_equal(told->events, 4);
	assert_false(told->has_connection[0]);
	assert_true(told->has_connection[1]);
	assert_memory_equal(&told->connection[1], &connection, sizeof(connection));
	assert_true(told->has_connection[2]);
	assert_memory_equal(&told->connection[2], &connection, sizeof(connection));
	assert_false(told->has_connection[3]);
}

static void names_of_namespaces(void **state)
{
	struct records *records = *state;
	const struct records_told *told = records->told;
	char longest[80];

	memset(longest, 'x', sizeof(longest));
	records_event(records, OWN_EVENT(.owner = 0));
	records_netns(records, 8, "green");
	records_netns(records, 7, "blue-and-more");
	records_event(records, OWN_EVENT(.owner = 0));
	records_netns(records, 7, "red"); /* the latest */
	records_event(records, OWN_EVENT(.owner = 0));
	records_netns(records, 7, longest); /* no NUL */
	records_event(records, OWN_EVENT(.owner = 0));
	records_count(records, web, 4);
	records_slice(records, 10 * SECOND_NS);
	assert_int_equal(told->window[0].netns_count, 1);
	assert_int_equal(strlen(told->window[0].namespaces[0].name), 63);
	records_netns(records, 7, ""); /* it has none any more */
	records_event(records, OWN_EVENT(.owner = 0));
	records_netns(records, 0, "nowhere");
	records_event(records, EVENT_OF(.direction = RST_SENT, .netns = 0));
	assert_string_equal(told->netns_name[0], "");
	assert_string_equal(told->netns_name[1], "blue-and-more");
	assert_string_equal(told->netns_name[2], "red");
	assert_int_equal(strlen(told->netns_name[3]), 63);
	assert_string_equal(told->netns_name[4], "");
	assert_string_equal(told->netns_name[5], "");
}

/* More than there is room for: the oldest go. */
static void names_of_many_namespaces(void **state)
{
	struct records *records = *state;

	for (uint32_t netns = 1; netns <= PIPELINE_NAMES + 10; netns++)
		records_netns(records, netns, "name");
	for (uint32_t netns = 9; netns <= 12; netns++)
		records_event(records, EVENT_OF(.direction = RST_SENT, .netns = netns));
	records_event(records, EVENT_OF(.direction = RST_SENT, .netns = PIPELINE_NAMES + 10));
	assert_string_equal(records->told->netns_name[0], "");
	assert_string_equal(records->told->netns_name[1], "");
	assert_string_equal(records->told->netns_name[2], "name");
	assert_string_equal(records->told->netns_name[3], "name");
	assert_string_equal(records->told->netns_name[4], "name");
}

/* Of each slice as it ends, and of a slice that was cut off. */
static void owners_of_windows(void **state)
{
	struct records *records = *state;
	const struct window_summary *window = records->told->window;
	struct rst_port_key key = web;

	records_process(records, 1, 812, "nginx", "/");
	records_process(records, 2, 813, "curl", "/");
	key.cause = RST_CLOSED_PORT;
	records_listens(records, 7, 80, 1);
	records_count(records, key, 5);
	/* Behind the end of the slice, and told before it. */
	records_stops(records, FROM_START(1) + 1, 7, 80, 1, 0);
	records_slice(records, SECOND_NS);
	records_count(records, key, 3);
	records_slice(records, 9 * SECOND_NS);
	assert_int_equal(window[0].owner_count, 2);
	assert_int_equal(window[0].owners[0].sent, 5);
	assert_int_equal(window[0].owners[0].owner.known_by, OWNER_LISTENER);
	assert_int_equal(window[0].owners[1].sent, 3);
	assert_int_equal(window[0].owners[1].owner.known_by, OWNER_LAST_LISTENER);
	assert_int_equal(window[0].port_count, 1);
	assert_int_equal(window[0].ports[0].sent, 8);
	key = web;
	key.owner = 2;
	records_count(records, key, 7);
	records_count(records, web, 1);
	pipeline_finish(records->pipeline, false);
	assert_int_equal(records->told->windows, 2);
	assert_int_equal(window[1].port_count, 1);
	assert_int_equal(window[1].ports[0].sent, 8);
	assert_int_equal(window[1].owners[0].sent, 7);
	assert_int_equal(window[1].owners[0].owner.process->pid, 813);
}

/* The processes of a service: one port, one namespace in the audit, whatever the keys. */
static void owners_do_not_confuse_the_audit(void **state)
{
	struct records *records = *state;
	uint64_t counters[COUNTERS_READ] = {100};
	struct rst_port_key key = web;

	key.moves = RST_MOVES_OUT_RSTS;
	records_base(records, 7, 1, counters);
	for (uint32_t owner = 0; owner < 3; owner++) {
		key.owner = owner;
		records_count(records, key, 10 + owner);
	}
	counters[0] += 33;
	records_kernel(records, 7, KERNEL_READ, 1, counters);
	records_slice(records, 5 * SECOND_NS);
	records_kernel(records, 7, KERNEL_READ, 1, counters);
	records_slice(records, 5 * SECOND_NS);
	assert_int_equal(records->told->window[0].audit.counters[COUNTER_OUT_RSTS].seen, 33);
	assert_int_equal(records->told->window[0].audit.counters[COUNTER_OUT_RSTS].unexplained, 0);
	assert_int_equal(records->pipeline->audit.namespaces.used, 1);
	assert_int_equal(records->told->window[0].port_count, 1);
	assert_int_equal(records->told->window[0].ports[0].sent, 33);
}

static void filters_by_owner(void **state)
{
	const struct pipeline_settings settings = {.event_limit = 2,
						   .filter = {.pid_count = 1, .pids = {813}}};
	struct records records;

	(void)state;
	records_begin(&records, &settings);
	records_process(&records, 1, 812, "nginx", "/");
	records_process(&records, 2, 813, "nginx", "/");
	for (uint32_t i = 0; i < 6; i++) {
		assert_int_equal(records.pipeline->done, i >= 4);
		records_event(&records, OWN_EVENT(.owner = 1 + i % 2));
		records.slice.counted++;
	}
	assert_int_equal(records.told->events, 2);
	assert_int_equal(records.told->owner[0].process->pid, 813);
	assert_int_equal(records.told->owner[1].process->pid, 813);
	records_slice(&records, SECOND_NS);
	records_end(&records);
	assert_int_equal(records.told->totals.events, 6);
	records_close(&records);
}

/* Of a flood by 812, and one by nobody known: who asks for 813 does not see the first. */
static void alerts_by_owner(void **state)
{
	static const uint32_t pids[] = {812, 813};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		const struct pipeline_settings settings = {
			.filter = {.pid_count = 1, .pids = {pids[i % 2]}}};
		struct records records;
		struct rst_port_key key = web;

		records_begin(&records, &settings);
		records_process(&records, 1, 812, "nginx", "/");
		key.owner = i < 2 ? 1 : 0;
		key.role = RST_ROLE_CLIENT;
		flood(&records, key, 1000);
		assert_int_equal(records.told->alerts, i == 1 ? 0 : 2);
		if (i == 0) {
			assert_int_equal(records.told->alert[0].owner_count, 1);
			assert_int_equal(records.told->alert[0].owners[0].owner.process->pid, 812);
			assert_int_equal(records.told->alert[0].owners[0].sent, 10000);
			assert_non_null(
				strstr(records.told->alert[0].summary, "100% nginx (pid 812)"));
		}
		records_end(&records);
		assert_int_equal(records.told->totals.alerts, 2);
		records_close(&records);
	}
}

/* What was shown once is shown to its end, and the next incident begins anew. */
static void alerts_that_are_over_by_owner(void **state)
{
	const struct pipeline_settings settings = {.filter = {.pid_count = 1, .pids = {812}}};
	struct records records;
	struct rst_port_key key = web;

	(void)state;
	records_open(&records, &settings);
	records.start.rate.down = 60;
	assert_int_equal(records_feed(&records, &records.start), 0);
	records_process(&records, 1, 812, "nginx", "/");
	records_process(&records, 2, 813, "nginx", "/");
	key.owner = 1;
	flood(&records, key, 1000);
	assert_int_equal(records.told->alerts, 2);
	records_quiet(&records, 100);
	assert_int_equal(records.told->alerts, 4);
	assert_int_equal(records.told->alert[3].status, ALERT_CLEARED);
	key.owner = 2;
	flood(&records, key, 100000);
	records_quiet(&records, 200);
	assert_int_equal(records.told->alerts, 4);
	records_end(&records);
	assert_int_equal(records.told->totals.alerts, 4);
	records_close(&records);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(start_tells_the_run),
		cmocka_unit_test(drop_reasons_are_named_apart),
		cmocka_unit_test(more_hooks_than_room),
		cmocka_unit_test(texts_of_start_end),
		cmocka_unit_test(settings_go_before_those_of_the_recording),
		cmocka_unit_test(only_the_preamble_stands_before_start),
		RECORDS_TEST(the_preamble_ends_with_start),
		RECORDS_TEST(nothing_stands_after_end),
		cmocka_unit_test(too_short_records),
		RECORDS_TEST(longer_records_of_a_later_version),
		cmocka_unit_test(unknown_kinds_are_ignored),
		cmocka_unit_test(start_that_cannot_be),
		RECORDS_TEST(directions_that_do_not_exist),
		RECORDS_TEST(time_that_runs_backwards),
		RECORDS_TEST(slice_that_ends_with_the_window),
		RECORDS_TEST(slice_that_ends_a_nanosecond_early),
		RECORDS_TEST(slice_that_ends_a_nanosecond_late),
		RECORDS_TEST(late_slices_do_not_shift_the_grid),
		RECORDS_TEST(empty_windows_are_told),
		RECORDS_TEST(gap_makes_one_long_window),
		RECORDS_TEST(gap_that_ends_on_the_grid),
		RECORDS_TEST(clock_steps_move_wall_times_only),
		cmocka_unit_test(wall_clock_before_the_monotonic),
		RECORDS_TEST(events_of_the_next_slice_may_come_first),
		RECORDS_TEST(totals_are_the_sum_of_the_windows),
		RECORDS_TEST(resets_dropped_before_tcp),
		RECORDS_TEST(ports_whatever_they_move),
		RECORDS_TEST(full_tables_keep_the_totals),
		RECORDS_TEST(registers_make_an_estimate),
		RECORDS_TEST(end_tells_the_partial_window),
		RECORDS_TEST(end_on_the_edge_tells_no_empty_window),
		RECORDS_TEST(finish_without_end_is_incomplete),
		RECORDS_TEST(finish_of_records_that_were_to_end_here),
		cmocka_unit_test(done_after_the_duration),
		cmocka_unit_test(done_after_so_many_events_shown),
		cmocka_unit_test(counters_of_a_cut_slice_are_told),
		RECORDS_TEST(alert_carries_its_evidence),
		RECORDS_TEST(alert_of_a_long_slice_stays_below_100_percent),
		cmocka_unit_test(update_and_clear_keep_the_number),
		RECORDS_TEST(incidents_are_alerts),
		RECORDS_TEST(incidents_and_rates_share_their_numbers),
		RECORDS_TEST(explained_resets_raise_no_rate_alarm),
		RECORDS_TEST(unexplained_resets_raise_one),
		RECORDS_TEST(a_rate_alarm_names_what_is_left),
		cmocka_unit_test(filters_hide_incidents),
		RECORDS_TEST(resets_without_a_port_count_for_the_host),
		RECORDS_TEST(no_alert_in_the_first_minute),
		cmocka_unit_test(filters_hide_but_do_not_change),
		cmocka_unit_test(filter_lets_the_alerts_of_its_namespace_through),
		RECORDS_TEST(gap_of_all_time_does_not_hang),
		RECORDS_TEST(event_with_its_owner),
		RECORDS_TEST(event_for_a_listener),
		RECORDS_TEST(event_with_its_connection),
		RECORDS_TEST(what_is_wanted_is_asked_for_at_once),
		RECORDS_TEST(names_of_namespaces),
		RECORDS_TEST(names_of_many_namespaces),
		RECORDS_TEST(owners_of_windows),
		RECORDS_TEST(owners_do_not_confuse_the_audit),
		cmocka_unit_test(filters_by_owner),
		cmocka_unit_test(alerts_by_owner),
		cmocka_unit_test(alerts_that_are_over_by_owner),
	};

	return cmocka_run_group_tests_name("pipeline", tests, NULL, NULL);
}

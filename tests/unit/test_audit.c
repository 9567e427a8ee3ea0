// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "records.h"

#include "audit.h"

#define HOST  7
#define GUEST 8
#define OTHER 9

#define OUT	  RST_MOVES_OUT_RSTS
#define FAILS	  RST_MOVES_ATTEMPT_FAILS
#define ESTAB	  RST_MOVES_ESTAB_RESETS
#define EMBRYONIC RST_MOVES_EMBRYONIC_RSTS

static const struct filter no_filter;

static int setup(void **state)
{
	struct audit *audit = unit_zeroed(sizeof(*audit));

	audit_init(audit, 42);
	*state = audit;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

#define AUDIT_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

/* Resets seen in the slice that is being fed. */
static void see(struct audit *audit, uint32_t netns, unsigned moves, uint64_t count)
{
	const struct record_port port = records_port(
		PORT_KEY(.netns = netns, .direction = RST_SENT, .moves = moves), count);

	audit_add_port(audit, &port);
}

/* The kernel's counters, in the order of enum record_counter; those left out are 0. */
#define COUNTED(...) ((const uint64_t[COUNTERS_READ]){__VA_ARGS__})

static void tell(struct audit *audit, uint32_t netns, enum record_kernel_status status,
		 uint64_t identity, const uint64_t counters[COUNTERS_READ])
{
	const struct record_kernel kernel = records_kernel_of(netns, status, identity, counters);

	audit_add_kernel(audit, &kernel);
}

/* The run begins, and nothing was counted while the hooks were attached. */
static void base(struct audit *audit, uint32_t netns, const uint64_t counters[COUNTERS_READ])
{
	tell(audit, netns, KERNEL_BASE, netns, counters);
	tell(audit, netns, KERNEL_BASE, netns, counters);
}

static void read_out(struct audit *audit, uint32_t netns, uint64_t out_rsts)
{
	tell(audit, netns, KERNEL_READ, netns, COUNTED(out_rsts));
}

/* A whole slice of resets sent in HOST, and its reading. */
static void slice(struct audit *audit, uint64_t seen, uint64_t out_rsts)
{
	see(audit, HOST, OUT, seen);
	read_out(audit, HOST, out_rsts);
	audit_add_slice(audit);
}

/* What the window would say if it ended now. The caller does not keep it. */
static const struct audit_summary *summarize(const struct audit *audit)
{
	static struct audit_summary summary;

	memset(&summary, 0xa5, sizeof(summary));
	audit_summarize(audit, &no_filter, false, &summary);
	return &summary;
}

static int64_t unexplained(const struct audit *audit)
{
	return summarize(audit)->counters[COUNTER_OUT_RSTS].unexplained;
}

static void assert_counter(const struct audit_counter *counter, uint64_t kernel, uint64_t seen,
			   int64_t difference)
{
	if (counter->kernel != kernel || counter->seen != seen ||
	    counter->unexplained != difference)
		fail_msg("kernel %lld, seen %lld, unexplained %lld, not %lld, %lld, %lld",
			 (long long)counter->kernel, (long long)counter->seen,
			 (long long)counter->unexplained, (long long)kernel, (long long)seen,
			 (long long)difference);
	assert_true(!counter->likely == !difference);
}

/* All is explained, and all was read. */
static void assert_clean(const struct audit *audit)
{
	const struct audit_summary *summary = summarize(audit);

	assert_true(summary->done);
	for (unsigned i = 0; i < COUNTERS; i++) {
		assert_int_equal(summary->counters[i].unexplained, 0);
		assert_null(summary->counters[i].likely);
	}
	assert_int_equal(summary->row_count, 0);
	assert_int_equal(summary->rows_all, 0);
	assert_int_equal(summary->unread_count, 0);
	assert_int_equal(summary->unread_all, 0);
}

static void assert_unread(const struct audit *audit, uint32_t netns, uint64_t resets,
			  const char *why)
{
	const struct audit_summary *summary = summarize(audit);

	for (unsigned i = 0; i < summary->unread_count; i++)
		if (summary->unread[i].netns == netns) {
			assert_int_equal(summary->unread[i].resets, resets);
			assert_string_equal(summary->unread[i].why, why);
			return;
		}
	fail_msg("netns %u is not among those that were not read", netns);
}

#define WHY_ANEW      "it was read for the first time, or others came and went under its number"
#define WHY_DENIED    "its counters may not be read: that takes CAP_SYS_ADMIN and CAP_SYS_PTRACE"
#define WHY_NO_NUMBER "their namespace is not known"
#define WHY_GONE      "it is gone, or no process and no mount leads there"
#define WHY_TOO_MANY  "there are too many namespaces to audit"

/* --- agreement --- */

static void nothing_to_compare_with(void **state)
{
	struct audit *audit = *state;
	const struct audit_summary *summary;

	see(audit, HOST, OUT, 5);
	see(audit, 0, OUT, 5);
	audit_add_slice(audit);
	summary = summarize(audit);
	assert_false(summary->done);
	assert_int_equal(summary->row_count, 0);
	assert_int_equal(summary->unread_count, 0);
	assert_int_equal(summary->unread_all, 0);
	assert_int_equal(summary->counters[COUNTER_OUT_RSTS].unexplained, 0);
	/* Nor is there with nothing at all. */
	audit_init(audit, 1);
	assert_false(summarize(audit)->done);
}

static void exact_agreement(void **state)
{
	struct audit *audit = *state;
	uint64_t total = 1000;

	base(audit, HOST, COUNTED(1000));
	for (unsigned i = 0; i < 20; i++) {
		total += i % 4;
		slice(audit, i % 4, total);
		assert_clean(audit);
	}
	assert_counter(&summarize(audit)->counters[COUNTER_OUT_RSTS], 30, 30, 0);
}

/* Each counter is compared with those resets only that move it. */
static void each_counter_by_its_moves(void **state)
{
	struct audit *audit = *state;

	for (unsigned moves = 0; moves < 16; moves++) {
		audit_init(audit, 42);
		base(audit, HOST, COUNTED(1, 2, 3, 4, 5, 6));
		see(audit, HOST, moves, 10);
		tell(audit, HOST, KERNEL_READ, HOST,
		     COUNTED(1 + (moves & OUT ? 10 : 0), 2 + (moves & FAILS ? 10 : 0),
			     3 + (moves & ESTAB ? 10 : 0), 4 + (moves & EMBRYONIC ? 10 : 0), 5, 6));
		audit_add_slice(audit);
		assert_clean(audit);
		tell(audit, HOST, KERNEL_READ, HOST, COUNTED(50, 50, 50, 50, 5, 6));
		audit_add_slice(audit);
		tell(audit, HOST, KERNEL_READ, HOST, COUNTED(50, 50, 50, 50, 5, 6));
		for (unsigned i = 0; i < COUNTERS; i++) {
			uint64_t seen = moves & 1U << i ? 10 : 0;

			assert_counter(&summarize(audit)->counters[i], 49 - i, seen, 49 - i - seen);
		}
	}
	/* Bits that no counter has yet. */
	audit_init(audit, 42);
	base(audit, HOST, COUNTED(1));
	see(audit, HOST, 0xf0, 10);
	read_out(audit, HOST, 1);
	audit_add_slice(audit);
	read_out(audit, HOST, 1);
	assert_clean(audit);
}

/* The kernel is read a moment after the slice ended: what came in that moment is seen later. */
static void kernel_ahead_by_less_than_a_slice(void **state)
{
	struct audit *audit = *state;

	base(audit, HOST, COUNTED(0));
	slice(audit, 10, 13);
	assert_clean(audit);
	slice(audit, 10, 26);
	assert_clean(audit);
	slice(audit, 6, 26);
	assert_clean(audit);
	slice(audit, 0, 26);
	assert_clean(audit);
	assert_counter(&summarize(audit)->counters[COUNTER_OUT_RSTS], 26, 26, 0);
}

/* A reset is seen just before the kernel counts it. */
static void kernel_behind_by_less_than_a_slice(void **state)
{
	struct audit *audit = *state;

	base(audit, HOST, COUNTED(0));
	slice(audit, 10, 9);
	assert_clean(audit);
	slice(audit, 10, 17);
	assert_clean(audit);
	slice(audit, 0, 20);
	assert_clean(audit);
	slice(audit, 0, 20);
	assert_clean(audit);
}

/* --- what is not seen, or seen too much --- */

static void a_gap_is_told_after_a_quiet_slice(void **state)
{
	struct audit *audit = *state;

	base(audit, HOST, COUNTED(100));
	slice(audit, 0, 103); /* perhaps they come in the next slice */
	assert_clean(audit);
	slice(audit, 0, 103); /* they did not */
	assert_int_equal(unexplained(audit), 3);
	slice(audit, 0, 103);
	assert_int_equal(unexplained(audit), 3); /* once */
	assert_counter(&summarize(audit)->counters[COUNTER_OUT_RSTS], 3, 0, 3);
	assert_int_equal(summarize(audit)->row_count, 1);
	assert_int_equal(summarize(audit)->rows[0].netns, HOST);
	assert_int_equal(summarize(audit)->rows[0].weight, 3);
}

static void a_surplus_is_told_after_a_quiet_slice(void **state)
{
	struct audit *audit = *state;

	base(audit, HOST, COUNTED(100));
	slice(audit, 3, 100);
	assert_clean(audit);
	slice(audit, 0, 100);
	assert_int_equal(unexplained(audit), -3);
	slice(audit, 0, 100);
	assert_int_equal(unexplained(audit), -3);
	assert_counter(&summarize(audit)->counters[COUNTER_OUT_RSTS], 0, 3, -3);
	assert_int_equal(summarize(audit)->rows[0].weight, 3);
	/* What makes up for it is told too. */
	slice(audit, 0, 105);
	slice(audit, 0, 105);
	assert_int_equal(unexplained(audit), 2);
}

/* As long as as many resets come in every slice, they may be these. */
static void a_gap_in_constant_traffic_is_told_late(void **state)
{
	struct audit *audit = *state;
	uint64_t total = 100;

	base(audit, HOST, COUNTED(100));
	for (unsigned i = 0; i < 50; i++) {
		total += i == 20 ? 17 : 10;
		slice(audit, 10, total);
		assert_clean(audit);
		if (i % 10 == 9)
			audit_next(audit);
	}
	slice(audit, 0, total);
	assert_int_equal(unexplained(audit), 7);
}

/* What is more than a slice's resets is told at once, as far as it is. */
static void a_large_gap_is_told_in_part(void **state)
{
	struct audit *audit = *state;

	base(audit, HOST, COUNTED(100));
	slice(audit, 10, 110);
	slice(audit, 10, 145); /* 25 unseen */
	assert_clean(audit);
	slice(audit, 10, 155);
	assert_int_equal(unexplained(audit), 15);
	slice(audit, 0, 155);
	assert_int_equal(unexplained(audit), 25);
	slice(audit, 10, 165);
	slice(audit, 0, 165);
	assert_int_equal(unexplained(audit), 25);
}

static void a_surplus_in_constant_traffic_is_told_late(void **state)
{
	struct audit *audit = *state;
	uint64_t total = 100;

	base(audit, HOST, COUNTED(100));
	for (unsigned i = 0; i < 30; i++) {
		total += i == 20 ? 3 : 10;
		slice(audit, 10, total);
		assert_clean(audit);
	}
	slice(audit, 0, total);
	assert_int_equal(unexplained(audit), -7);
}

static void each_window_has_its_own(void **state)
{
	struct audit *audit = *state;

	base(audit, HOST, COUNTED(0));
	slice(audit, 5, 8);
	slice(audit, 0, 8);
	assert_counter(&summarize(audit)->counters[COUNTER_OUT_RSTS], 8, 5, 3);
	audit_next(audit);
	assert_clean(audit);
	assert_counter(&summarize(audit)->counters[COUNTER_OUT_RSTS], 0, 0, 0);
	slice(audit, 4, 12);
	slice(audit, 0, 12);
	assert_clean(audit); /* told once, in its window */
	assert_counter(&summarize(audit)->counters[COUNTER_OUT_RSTS], 4, 4, 0);
	slice(audit, 2, 12);
	audit_next(audit); /* the window ends between the two readings */
	slice(audit, 0, 12);
	assert_counter(&summarize(audit)->counters[COUNTER_OUT_RSTS], 0, 0, -2);
}

/* What was seen counts when the kernel is read: then the three numbers of a window fit together. */
static void seen_is_what_was_compared(void **state)
{
	struct audit *audit = *state;

	base(audit, HOST, COUNTED(0));
	see(audit, HOST, OUT, 4);
	assert_counter(&summarize(audit)->counters[COUNTER_OUT_RSTS], 0, 0, 0);
	read_out(audit, HOST, 4);
	assert_counter(&summarize(audit)->counters[COUNTER_OUT_RSTS], 4, 4, 0);
	audit_add_slice(audit);
	assert_counter(&summarize(audit)->counters[COUNTER_OUT_RSTS], 4, 4, 0);
	/* Slices that end before the next reading. */
	for (unsigned i = 0; i < 3; i++) {
		see(audit, HOST, OUT, 2);
		audit_add_slice(audit);
		assert_counter(&summarize(audit)->counters[COUNTER_OUT_RSTS], 4, 4, 0);
	}
	slice(audit, 1, 11);
	assert_counter(&summarize(audit)->counters[COUNTER_OUT_RSTS], 11, 11, 0);
	/* A window may end in between: the next one has both. */
	see(audit, HOST, OUT, 5);
	audit_add_slice(audit);
	assert_counter(&summarize(audit)->counters[COUNTER_OUT_RSTS], 11, 11, 0);
	audit_next(audit);
	assert_counter(&summarize(audit)->counters[COUNTER_OUT_RSTS], 0, 0, 0);
	slice(audit, 2, 20);
	slice(audit, 0, 20);
	assert_counter(&summarize(audit)->counters[COUNTER_OUT_RSTS], 9, 7, 2);
	/* Read twice in one slice: what was compared is not compared again. */
	audit_next(audit);
	see(audit, HOST, OUT, 3);
	read_out(audit, HOST, 23);
	read_out(audit, HOST, 23);
	see(audit, HOST, OUT, 1);
	read_out(audit, HOST, 24);
	audit_add_slice(audit);
	assert_counter(&summarize(audit)->counters[COUNTER_OUT_RSTS], 4, 4, 0);
}

/* What was seen and never read is no part of the sums, it is listed. */
static void what_was_not_read_is_not_in_the_sums(void **state)
{
	struct audit *audit = *state;

	base(audit, HOST, COUNTED(0));
	see(audit, 0, OUT, 50);
	see(audit, GUEST, OUT, 60);
	tell(audit, GUEST, KERNEL_DENIED, 0, COUNTED(0));
	slice(audit, 1, 1);
	see(audit, GUEST, OUT, 7);
	slice(audit, 0, 1);
	assert_counter(&summarize(audit)->counters[COUNTER_OUT_RSTS], 1, 1, 0);
	assert_unread(audit, GUEST, 67, WHY_DENIED);
	assert_unread(audit, 0, 50, WHY_NO_NUMBER);
}

/* Namespaces are read in turn: slices may pass without a reading. */
static void not_every_slice_has_a_reading(void **state)
{
	struct audit *audit = *state;

	base(audit, HOST, COUNTED(0));
	for (unsigned i = 0; i < 5; i++) {
		see(audit, HOST, OUT, 3);
		audit_add_slice(audit);
	}
	slice(audit, 0, 16);
	assert_clean(audit);
	audit_add_slice(audit);
	audit_add_slice(audit);
	slice(audit, 0, 16);
	assert_int_equal(unexplained(audit), 1);
}

/*
 * Any traffic, any skew, gaps in both directions: what is told never lies outside of what was true
 * at some time, and is the truth after a quiet slice.
 */
static void never_cries_wolf_and_hides_nothing(void **state)
{
	struct audit *audit = *state;
	uint64_t seed = 3;

	for (unsigned round = 0; round < 300; round++) {
		uint64_t counted = unit_random(&seed) % 1000, early = 0, late = 0;
		int64_t truth = 0, smallest = 0, largest = 0, told;
		unsigned rate = 1 + unit_random(&seed) % 20;

		audit_init(audit, round);
		base(audit, HOST, COUNTED(counted));
		for (unsigned i = 0; i < 40; i++) {
			uint64_t common = unit_random(&seed) % rate;
			uint64_t unseen = unit_random(&seed) % 8 ? 0 : unit_random(&seed) % rate;
			uint64_t surplus = unit_random(&seed) % 8 ? 0 : unit_random(&seed) % rate;
			uint64_t now = unit_random(&seed) % 4, then = unit_random(&seed) % 4;

			/* Of each slice's resets, some were counted before the last reading, and
			 * some are only after this one. */
			see(audit, HOST, OUT, early + common + surplus + then);
			counted += common + unseen + now + late;
			early = now;
			late = then;
			truth += (int64_t)unseen - (int64_t)surplus;
			smallest = truth < smallest ? truth : smallest;
			largest = truth > largest ? truth : largest;
			if (unit_random(&seed) % 4)
				read_out(audit, HOST, counted);
			audit_add_slice(audit);
			told = unexplained(audit);
			if (told < smallest || told > largest)
				fail_msg("round %u, slice %u: told %lld, not within %lld to %lld",
					 round, i, (long long)told, (long long)smallest,
					 (long long)largest);
		}
		counted += late;
		slice(audit, early, counted);
		slice(audit, 0, counted);
		slice(audit, 0, counted);
		assert_int_equal(unexplained(audit), truth);
	}
}

/* What really happened under one number, and what may be told of it. */
struct model {
	struct audit *audit;
	uint64_t seed;
	uint64_t identity, counted;	  /* of the namespace that has the number now */
	uint64_t early, late;		  /* counted but not seen yet, seen but not counted yet */
	unsigned readings;		  /* of its base; 2: it is audited */
	uint64_t first, base;		  /* what the readings of its base said */
	uint64_t last;			  /* what the last reading said */
	uint64_t shift;			  /* early at the end of its base */
	int64_t truth, smallest, largest; /* unexplained since its base */
	int64_t told_before;		  /* and in all when that was read */
	/* Sums of resets seen, by what becomes of them, and what the kernel counted meanwhile. */
	uint64_t pending, compared, not_compared, kernel;
	/* Sums of the windows that are over. */
	uint64_t window_seen, window_unread, window_kernel;
	int64_t window_told;
};

static uint64_t model_random(struct model *model, uint64_t below)
{
	return unit_random(&model->seed) % below;
}

/* Another one takes the number. Its counters show it, but those that resets move need not. */
static void model_replace(struct model *model)
{
	model->identity++;
	model->counted = model_random(model, 200);
	model->late = 0; /* never to be counted under this number */
	model->readings = 0;
}

static void model_read(struct model *model, enum record_kernel_status status)
{
	tell(model->audit, HOST, status, model->identity,
	     COUNTED(model->counted, 0, 0, 0, 0, 100000 - model->identity));
	if (model->readings == 2) {
		model->compared += model->pending;
		model->kernel += model->counted - model->last;
	} else {
		model->not_compared += model->pending;
		if (!model->readings++)
			model->first = model->counted;
		model->base = model->counted;
		model->shift = model->early;
		model->truth = model->smallest = model->largest = 0;
		model->told_before = model->window_told + unexplained(model->audit);
	}
	model->last = model->counted;
	model->pending = 0;
}

static void model_begin(struct model *model, struct audit *audit, uint64_t seed)
{
	*model = (struct model){.audit = audit, .seed = seed, .identity = 1};
	audit_init(audit, seed);
	model->counted = model_random(model, 1000);
	model_read(model, KERNEL_BASE);
	model_read(model, KERNEL_BASE);
}

static void model_next_window(struct model *model)
{
	const struct audit_summary *summary = summarize(model->audit);

	assert_true(summary->unread_count <= 1);
	model->window_seen += summary->counters[COUNTER_OUT_RSTS].seen;
	model->window_kernel += summary->counters[COUNTER_OUT_RSTS].kernel;
	model->window_told += summary->counters[COUNTER_OUT_RSTS].unexplained;
	model->window_unread += summary->unread_count ? summary->unread[0].resets : 0;
	audit_next(model->audit);
}

static int64_t model_told(const struct model *model)
{
	return model->window_told + unexplained(model->audit) - model->told_before;
}

/* A slice of less than so many resets of each kind, of which less than so many in each direction
 * are in another slice than the kernel's. */
static void model_slice(struct model *model, uint64_t rate, uint64_t skew)
{
	uint64_t common = model_random(model, 3) ? model_random(model, rate) : 0, before = 0;
	uint64_t unseen = model_random(model, 8) ? 0 : model_random(model, rate);
	uint64_t surplus = model_random(model, 8) ? 0 : model_random(model, rate);
	uint64_t now = model_random(model, skew), then = model_random(model, skew), seen;
	bool is_read = model_random(model, 4);

	if (!model_random(model, 12)) {
		before = model_random(model, rate); /* by the one before, in this slice still */
		model_replace(model);
	}
	/* A base ends when what was seen before is counted: that takes no time. */
	if (model->readings == 1 && is_read)
		then = 0;
	seen = before + model->early + common + surplus + then;
	see(model->audit, HOST, OUT, seen);
	model->pending += seen;
	model->counted += common + unseen + now + model->late;
	model->early = now;
	model->late = then;
	if (model->readings == 2) {
		model->truth += (int64_t)unseen - (int64_t)surplus;
		model->smallest = model->truth < model->smallest ? model->truth : model->smallest;
		model->largest = model->truth > model->largest ? model->truth : model->largest;
	}
	if (is_read)
		model_read(model, KERNEL_READ);
	audit_add_slice(model->audit);
}

static void model_quiet_slice(struct model *model)
{
	see(model->audit, HOST, OUT, model->early);
	model->pending += model->early;
	model->counted += model->late;
	model->early = model->late = 0;
	model_read(model, KERNEL_READ);
	audit_add_slice(model->audit);
}

/*
 * The same while namespaces take the number one after the other, some before the last one's base
 * was read: what is told of one is neither told of the next nor taken back. After a quiet slice it
 * is the truth, but for what was counted while its base was read. And each reset that was seen is
 * in one window, either compared or listed as not audited.
 */
static void nor_when_namespaces_come_and_go(void **state)
{
	unsigned exact = 0, differing = 0;

	for (unsigned round = 0; round < 1000; round++) {
		struct model model;
		uint64_t rate, skew;
		int64_t told;

		model_begin(&model, *state, round);
		rate = 1 + model_random(&model, 20);
		skew = 1 + model_random(&model, 4);
		for (unsigned i = 0; i < 60; i++) {
			model_slice(&model, rate, skew);
			told = model_told(&model);
			if (told < model.smallest || told > model.largest)
				fail_msg("round %u, slice %u: told %lld, not within %lld to %lld",
					 round, i, (long long)told, (long long)model.smallest,
					 (long long)model.largest);
			if (!model_random(&model, 8))
				model_next_window(&model);
		}
		for (unsigned i = 0; i < 4; i++)
			model_quiet_slice(&model);
		told = model_told(&model) + (int64_t)model.shift - model.truth;
		if (told < 0 || told > (int64_t)(model.base - model.first))
			fail_msg("round %u: off by %lld", round, (long long)told);
		exact += model.base == model.first;
		differing += model.base == model.first && model.truth;
		model_next_window(&model);
		assert_int_equal(model.window_seen, model.compared);
		assert_int_equal(model.window_unread, model.not_compared);
		assert_int_equal(model.window_kernel, model.kernel);
	}
	assert_true(exact >= 100 && differing >= 50); /* it was put to the test */
}

/* --- where a namespace begins --- */

/* Between the two base readings the hooks are attached: what is counted then may be seen or not. */
static void resets_while_the_hooks_are_attached(void **state)
{
	struct audit *audit = *state;

	for (uint64_t seen = 0; seen <= 6; seen++) {
		audit_init(audit, 42);
		tell(audit, HOST, KERNEL_BASE, HOST, COUNTED(100));
		tell(audit, HOST, KERNEL_BASE, HOST, COUNTED(106));
		slice(audit, seen, 106);
		slice(audit, 0, 106);
		slice(audit, 0, 106);
		assert_clean(audit);
		/* The base is no reading of the window. */
		assert_counter(&summarize(audit)->counters[COUNTER_OUT_RSTS], 0, seen, 0);
		/* More than could be is told all the same. */
		slice(audit, 7 - seen, 106);
		slice(audit, 0, 106);
		assert_int_equal(unexplained(audit), -1);
		slice(audit, 0, 115);
		slice(audit, 0, 115);
		assert_int_equal(unexplained(audit), 2); /* 9 since, 7 seen, 6 may be of before */
	}
}

/* A base that was read once ends with the next reading: what came until then is listed. */
static void one_base_reading_only(void **state)
{
	struct audit *audit = *state;

	tell(audit, HOST, KERNEL_BASE, HOST, COUNTED(100));
	slice(audit, 5, 105);
	assert_unread(audit, HOST, 5, WHY_ANEW);
	assert_counter(&summarize(audit)->counters[COUNTER_OUT_RSTS], 0, 0, 0);
	slice(audit, 0, 105);
	assert_int_equal(unexplained(audit), 0);
	audit_next(audit);
	assert_clean(audit);
	slice(audit, 0, 106);
	slice(audit, 0, 106);
	assert_counter(&summarize(audit)->counters[COUNTER_OUT_RSTS], 1, 0, 1);
	assert_int_equal(summarize(audit)->unread_all, 0);
}

/* Whatever the status of the record that ends it, however long that takes. */
static void a_base_ends_with_the_next_reading(void **state)
{
	static const enum record_kernel_status begins[] = {KERNEL_BASE, KERNEL_READ},
					       ends[] = {KERNEL_BASE, KERNEL_READ, KERNEL_BORN};
	struct audit *audit = *state;

	for (size_t i = 0; i < COUNT_OF(begins) * COUNT_OF(ends); i++) {
		audit_init(audit, 42);
		see(audit, HOST, OUT, 3);
		tell(audit, HOST, begins[i % 2], HOST, COUNTED(100));
		audit_add_slice(audit);
		assert_unread(audit, HOST, 3, WHY_ANEW);
		/* Not by one that could not be read. */
		see(audit, HOST, OUT, 4);
		tell(audit, HOST, KERNEL_GONE, 0, COUNTED(0));
		audit_add_slice(audit);
		assert_unread(audit, HOST, 7, WHY_ANEW);
		tell(audit, HOST, KERNEL_DENIED, 0, COUNTED(0));
		audit_add_slice(audit);
		assert_unread(audit, HOST, 7, WHY_ANEW);
		see(audit, HOST, OUT, 2);
		tell(audit, HOST, ends[i / 2], HOST, COUNTED(100 + 4 + 2));
		audit_add_slice(audit);
		assert_unread(audit, HOST, 9, WHY_ANEW);
		assert_counter(&summarize(audit)->counters[COUNTER_OUT_RSTS], 0, 0, 0);
		/* From here on it is audited. */
		audit_next(audit);
		slice(audit, 4, 106 + 4 + 1);
		slice(audit, 0, 106 + 4 + 1);
		assert_counter(&summarize(audit)->counters[COUNTER_OUT_RSTS], 5, 4, 1);
		assert_int_equal(summarize(audit)->unread_all, 0);
	}
}

/* A window may end between the two: what is not compared is listed in the one with the second. */
static void a_window_ends_before_its_base(void **state)
{
	struct audit *audit = *state;

	see(audit, HOST, OUT, 2);
	tell(audit, HOST, KERNEL_READ, HOST, COUNTED(50));
	audit_add_slice(audit);
	see(audit, HOST, OUT, 3);
	audit_add_slice(audit);
	assert_unread(audit, HOST, 5, WHY_ANEW);
	audit_next(audit);
	assert_int_equal(summarize(audit)->unread_all, 0);
	see(audit, HOST, OUT, 1);
	audit_add_slice(audit);
	assert_unread(audit, HOST, 1, WHY_ANEW);
	slice(audit, 4, 57);
	assert_unread(audit, HOST, 5, WHY_ANEW);
	slice(audit, 0, 57);
	assert_int_equal(summarize(audit)->rows_all, 0);
}

/* The sum's likely reason is that of what adds most to it, never of what takes away from it. */
static void the_likely_reason_of_a_sum(void **state)
{
	struct audit *audit = *state;
	const struct audit_counter *all;

	base(audit, HOST, COUNTED(100));
	base(audit, GUEST, COUNTED(100));
	for (unsigned i = 0; i < 2; i++) {
		see(audit, HOST, OUT, i ? 0 : 1);
		tell(audit, HOST, KERNEL_READ, HOST, COUNTED(100));
		tell(audit, GUEST, KERNEL_READ, GUEST, COUNTED(110));
		audit_add_slice(audit);
	}
	all = &summarize(audit)->counters[COUNTER_OUT_RSTS];
	assert_int_equal(all->unexplained, 9);
	assert_string_equal(all->likely, "resets sent while a hook was skipped");
}

/* At the start it is read twice, and nothing is lost. */
static void a_base_that_was_read_twice(void **state)
{
	struct audit *audit = *state;

	base(audit, HOST, COUNTED(100));
	assert_clean(audit);
	slice(audit, 5, 106);
	slice(audit, 0, 106);
	assert_counter(&summarize(audit)->counters[COUNTER_OUT_RSTS], 6, 5, 1);
	assert_int_equal(summarize(audit)->unread_all, 0);
}

/* Older than the run, but it could not be read before: what it counted before is not a gap. */
static void a_base_that_comes_late(void **state)
{
	struct audit *audit = *state;

	base(audit, HOST, COUNTED(100));
	see(audit, GUEST, OUT, 2);
	tell(audit, GUEST, KERNEL_DENIED, 0, COUNTED(0));
	audit_add_slice(audit);
	assert_unread(audit, GUEST, 2, WHY_DENIED);
	audit_next(audit);
	see(audit, GUEST, OUT, 3);
	tell(audit, GUEST, KERNEL_BASE, 1, COUNTED(5000, 500, 50, 5));
	audit_add_slice(audit);
	assert_unread(audit, GUEST, 3, WHY_ANEW);
	tell(audit, GUEST, KERNEL_READ, 1, COUNTED(5000, 500, 50, 5));
	audit_add_slice(audit);
	audit_next(audit);
	assert_clean(audit);
	see(audit, GUEST, OUT | FAILS, 1);
	for (unsigned i = 0; i < 2; i++) {
		tell(audit, GUEST, KERNEL_READ, 1, COUNTED(5002, 501, 50, 5));
		audit_add_slice(audit);
	}
	assert_counter(&summarize(audit)->counters[COUNTER_OUT_RSTS], 2, 1, 1);
	assert_counter(&summarize(audit)->counters[COUNTER_ATTEMPT_FAILS], 1, 1, 0);
}

/* A reading of one that was never read: how much of it is older than the run is not known. */
static void a_reading_without_a_base(void **state)
{
	struct audit *audit = *state;

	see(audit, GUEST, OUT, 3);
	tell(audit, GUEST, KERNEL_READ, 1, COUNTED(5000, 500, 50, 5));
	audit_add_slice(audit);
	for (unsigned i = 0; i < 3; i++) {
		tell(audit, GUEST, KERNEL_READ, 1, COUNTED(5000, 500, 50, 5));
		audit_add_slice(audit);
		assert_int_equal(summarize(audit)->rows_all, 0);
		assert_counter(&summarize(audit)->counters[COUNTER_OUT_RSTS], 0, 0, 0);
	}
	assert_unread(audit, GUEST, 3, WHY_ANEW);
	/* Nor if it was heard of: it could not be read then. */
	tell(audit, OTHER, KERNEL_GONE, 0, COUNTED(0));
	for (unsigned i = 0; i < 3; i++) {
		tell(audit, OTHER, KERNEL_READ, 1, COUNTED(5000));
		audit_add_slice(audit);
		assert_int_equal(summarize(audit)->rows_all, 0);
	}
}

static void a_namespace_that_is_born_counts_from_zero(void **state)
{
	struct audit *audit = *state;

	see(audit, GUEST, OUT, 5);
	tell(audit, GUEST, KERNEL_BORN, 1, COUNTED(5));
	audit_add_slice(audit);
	assert_clean(audit);
	assert_counter(&summarize(audit)->counters[COUNTER_OUT_RSTS], 5, 5, 0);
	tell(audit, GUEST, KERNEL_READ, 1, COUNTED(5));
	audit_add_slice(audit);
	assert_clean(audit);
	/* Its unseen ones are told like those of any. */
	see(audit, OTHER, OUT, 5);
	tell(audit, OTHER, KERNEL_BORN, 2, COUNTED(9));
	audit_add_slice(audit);
	tell(audit, OTHER, KERNEL_READ, 2, COUNTED(9));
	audit_add_slice(audit);
	assert_int_equal(unexplained(audit), 4);
	assert_int_equal(summarize(audit)->rows[0].netns, OTHER);
}

/* --- one number, several namespaces --- */

static void another_way_to_the_same_namespace(void **state)
{
	struct audit *audit = *state;

	base(audit, HOST, COUNTED(100));
	slice(audit, 5, 105);
	see(audit, HOST, OUT, 5);
	tell(audit, HOST, KERNEL_READ, 999, COUNTED(110));
	audit_add_slice(audit);
	assert_clean(audit);
	tell(audit, HOST, KERNEL_READ, 998, COUNTED(113));
	audit_add_slice(audit);
	tell(audit, HOST, KERNEL_READ, 998, COUNTED(113));
	assert_counter(&summarize(audit)->counters[COUNTER_OUT_RSTS], 13, 10, 3); /* goes on */
}

/* What has been told before is no sign of another. */
static void another_way_after_a_surplus(void **state)
{
	struct audit *audit = *state;

	base(audit, HOST, COUNTED(100));
	slice(audit, 2, 100);
	slice(audit, 0, 100);
	assert_int_equal(unexplained(audit), -2);
	see(audit, HOST, OUT, 3);
	tell(audit, HOST, KERNEL_READ, 999, COUNTED(103));
	audit_add_slice(audit);
	assert_int_equal(summarize(audit)->unread_all, 0);
	tell(audit, HOST, KERNEL_READ, 999, COUNTED(103));
	assert_counter(&summarize(audit)->counters[COUNTER_OUT_RSTS], 3, 5, -2);
}

/* What was told of the last one is not taken back with the next. */
static void another_namespace_after_a_gap(void **state)
{
	struct audit *audit = *state;

	base(audit, HOST, COUNTED(100));
	slice(audit, 0, 103);
	slice(audit, 0, 103);
	assert_int_equal(unexplained(audit), 3);
	audit_next(audit);
	see(audit, HOST, OUT, 1);
	tell(audit, HOST, KERNEL_READ, 999, COUNTED(1));
	audit_add_slice(audit);
	for (unsigned i = 0; i < 3; i++) {
		tell(audit, HOST, KERNEL_READ, 999, COUNTED(1));
		audit_add_slice(audit);
		assert_int_equal(summarize(audit)->rows_all, 0);
	}
	assert_unread(audit, HOST, 1, WHY_ANEW);
}

/* Whichever counter goes back. */
static void another_namespace_that_counted_less(void **state)
{
	struct audit *audit = *state;

	for (unsigned back = 0; back < COUNTERS_READ; back++) {
		uint64_t counters[COUNTERS_READ] = {20, 20, 20, 20, 20, 20};

		audit_init(audit, 42);
		base(audit, HOST, counters);
		see(audit, HOST, OUT, 4);
		counters[COUNTER_OUT_RSTS] += 4;
		counters[back]--;
		if (back == COUNTER_OUT_RSTS)
			counters[back] = 4;
		tell(audit, HOST, KERNEL_READ, 999, counters);
		audit_add_slice(audit);
		assert_int_equal(summarize(audit)->rows_all, 0);
		assert_int_equal(summarize(audit)->unread_all, 1);
		assert_unread(audit, HOST, 4, WHY_ANEW);
		/* It goes on from there. */
		tell(audit, HOST, KERNEL_READ, 999, counters);
		audit_add_slice(audit);
		audit_next(audit);
		assert_clean(audit);
		see(audit, HOST, OUT, 2);
		counters[COUNTER_OUT_RSTS] += 3;
		tell(audit, HOST, KERNEL_READ, 999, counters);
		audit_add_slice(audit);
		tell(audit, HOST, KERNEL_READ, 999, counters);
		assert_counter(&summarize(audit)->counters[COUNTER_OUT_RSTS], 3, 2, 1);
	}
}

/* The counters did not go back, but they are too few for what was seen under this number. */
static void another_namespace_that_counted_no_less(void **state)
{
	struct audit *audit = *state;

	tell(audit, GUEST, KERNEL_BORN, 1, COUNTED(0));
	see(audit, GUEST, OUT, 3);
	tell(audit, GUEST, KERNEL_READ, 1, COUNTED(3));
	audit_add_slice(audit);
	see(audit, GUEST, OUT, 6); /* three of the first that were never read, three of the next */
	audit_add_slice(audit);
	tell(audit, GUEST, KERNEL_READ, 2, COUNTED(3));
	audit_add_slice(audit);
	assert_int_equal(summarize(audit)->rows_all, 0);
	assert_unread(audit, GUEST, 6, WHY_ANEW);
	tell(audit, GUEST, KERNEL_READ, 2, COUNTED(3));
	audit_add_slice(audit);
	assert_int_equal(summarize(audit)->rows_all, 0);
	audit_next(audit);
	assert_clean(audit);
}

/* The same, with its resets in the very slice in which it is read for the first time. */
static void another_namespace_as_busy_as_the_last(void **state)
{
	struct audit *audit = *state;

	see(audit, GUEST, OUT, 1);
	tell(audit, GUEST, KERNEL_BORN, 1, COUNTED(1));
	audit_add_slice(audit);
	tell(audit, GUEST, KERNEL_GONE, 0, COUNTED(0));
	audit_add_slice(audit);
	see(audit, GUEST, OUT, 1);
	tell(audit, GUEST, KERNEL_READ, 2, COUNTED(1));
	audit_add_slice(audit);
	tell(audit, GUEST, KERNEL_READ, 2, COUNTED(1));
	audit_add_slice(audit);
	tell(audit, GUEST, KERNEL_READ, 2, COUNTED(1));
	assert_int_equal(summarize(audit)->rows_all, 0);
	assert_unread(audit, GUEST, 1, WHY_ANEW);
}

/* One that was never read had the number before: what was seen of both is not that of one. */
static void another_namespace_before_the_first_reading(void **state)
{
	struct audit *audit = *state;

	see(audit, GUEST, OUT, 3);
	audit_add_slice(audit);
	see(audit, GUEST, OUT, 2);
	tell(audit, GUEST, KERNEL_BORN, 1, COUNTED(2));
	audit_add_slice(audit);
	for (unsigned i = 0; i < 3; i++) {
		tell(audit, GUEST, KERNEL_READ, 1, COUNTED(2));
		audit_add_slice(audit);
		assert_int_equal(summarize(audit)->rows_all, 0);
	}
	assert_unread(audit, GUEST, 5, WHY_ANEW);
	audit_next(audit);
	assert_clean(audit);
}

/* Several in one window, one after the other: none of their resets is left out, and the counters of
 * one are no base for the next. */
static void many_namespaces_under_one_number(void **state)
{
	struct audit *audit = *state;

	for (unsigned churn = 0; churn < 6; churn++) {
		audit_init(audit, 42);
		tell(audit, GUEST, KERNEL_BORN, 1, COUNTED(100));
		audit_add_slice(audit);
		audit_next(audit);
		for (unsigned i = 0; i < churn; i++) {
			see(audit, GUEST, OUT, 3);
			tell(audit, GUEST, KERNEL_READ, 2 + i, COUNTED(90 - 10 * i));
			audit_add_slice(audit);
		}
		if (churn)
			assert_unread(audit, GUEST, 3 * churn, WHY_ANEW);
		/* And what comes when the last is gone stands beside them. */
		see(audit, GUEST, OUT, 2);
		tell(audit, GUEST, KERNEL_GONE, 0, COUNTED(0));
		audit_add_slice(audit);
		assert_unread(audit, GUEST, 3 * churn + 2, churn ? WHY_ANEW : WHY_GONE);
		audit_next(audit);
		assert_int_equal(summarize(audit)->unread_all, 0);
		/* The last of them stays, and is quiet. */
		for (unsigned i = 0; i < 3; i++) {
			tell(audit, GUEST, KERNEL_READ, 20, COUNTED(3));
			audit_add_slice(audit);
			assert_int_equal(summarize(audit)->rows_all, 0);
		}
		assert_int_equal(unexplained(audit), 0);
		audit_next(audit);
		see(audit, GUEST, OUT, 1);
		for (unsigned i = 0; i < 2; i++) {
			tell(audit, GUEST, KERNEL_READ, 20, COUNTED(5));
			audit_add_slice(audit);
		}
		assert_counter(&summarize(audit)->counters[COUNTER_OUT_RSTS], 2, 1, 1);
	}
}

/* Whichever counter tells, between the two readings of a base too. */
static void another_namespace_while_a_base_is_read(void **state)
{
	struct audit *audit = *state;

	for (unsigned back = 0; back < COUNTERS_READ; back++) {
		uint64_t counters[COUNTERS_READ] = {50, 50, 50, 50, 50, 50};

		audit_init(audit, 42);
		tell(audit, GUEST, KERNEL_READ, 1, counters);
		audit_add_slice(audit);
		counters[back] -= 20;
		for (unsigned i = 0; i < 3; i++) {
			tell(audit, GUEST, KERNEL_READ, 2, counters);
			audit_add_slice(audit);
		}
		assert_clean(audit);
		counters[back % COUNTERS] += 2;
		for (unsigned i = 0; i < 2; i++) {
			tell(audit, GUEST, KERNEL_READ, 2, counters);
			audit_add_slice(audit);
		}
		assert_counter(&summarize(audit)->counters[back % COUNTERS], 2, 0, 2);
	}
}

/*
 * Right after another took its number: the kernel is read a moment after the slice ended, so it has
 * counted already what is seen one slice later. That is no surplus, at neither reading of the base.
 */
static void skew_after_another_namespace(void **state)
{
	struct audit *audit = *state;

	for (unsigned moves = 1; moves < 16; moves++)
		for (uint64_t first = 0; first < 4; first++)
			for (uint64_t second = 0; second < 4; second++) {
				uint64_t counters[COUNTERS_READ] = {200, 200, 200, 200, 9, 9};

				audit_init(audit, 42);
				base(audit, HOST, counters);
				see(audit, HOST, moves, 5); /* of the one before, or of this one */
				for (unsigned i = 0; i < COUNTERS; i++)
					counters[i] = moves & 1U << i ? 2 + first : 0;
				tell(audit, HOST, KERNEL_READ, 999, counters);
				audit_add_slice(audit);
				see(audit, HOST, moves, first + 1);
				for (unsigned i = 0; i < COUNTERS; i++)
					counters[i] += moves & 1U << i ? 1 + second : 0;
				tell(audit, HOST, KERNEL_READ, 999, counters);
				audit_add_slice(audit);
				assert_unread(audit, HOST, 5 + first + 1, WHY_ANEW);
				see(audit, HOST, moves, second);
				for (unsigned i = 0; i < 3; i++) {
					tell(audit, HOST, KERNEL_READ, 999, counters);
					audit_add_slice(audit);
					assert_int_equal(summarize(audit)->rows_all, 0);
				}
				assert_unread(audit, HOST, 5 + first + 1, WHY_ANEW);
				/* More than may be skew is told. */
				for (unsigned i = 0; i < COUNTERS; i++)
					counters[i] += moves & 1U << i ? second + 1 : 0;
				for (unsigned i = 0; i < 2; i++) {
					tell(audit, HOST, KERNEL_READ, 999, counters);
					audit_add_slice(audit);
				}
				for (unsigned i = 0; i < COUNTERS; i++)
					assert_counter(&summarize(audit)->counters[i],
						       moves & 1U << i ? second + 1 : 0,
						       moves & 1U << i ? second : 0,
						       moves & 1U << i ? 1 : 0);
			}
}

/* The same identity: then a counter that went back is not explained by another namespace. */
static void counters_that_go_back(void **state)
{
	struct audit *audit = *state;

	base(audit, HOST, COUNTED(100));
	slice(audit, 0, 90);
	slice(audit, 0, 90);
	assert_int_equal(unexplained(audit), -10);
	assert_int_equal(summarize(audit)->unread_all, 0);
}

/* --- what cannot be read --- */

static void resets_of_a_namespace_that_is_gone(void **state)
{
	struct audit *audit = *state;

	base(audit, HOST, COUNTED(100));
	slice(audit, 5, 105);
	see(audit, HOST, OUT, 4);
	see(audit, HOST, ESTAB, 2);
	see(audit, HOST, 0, 1); /* of a firewall: it counts as a reset too */
	tell(audit, HOST, KERNEL_GONE, 0, COUNTED(0));
	audit_add_slice(audit);
	assert_int_equal(summarize(audit)->rows_all, 0);
	assert_int_equal(summarize(audit)->unread_all, 1);
	assert_unread(audit, HOST, 7, WHY_GONE);
	assert_int_equal(unexplained(audit), 0);
	audit_next(audit);
	assert_clean(audit);
	see(audit, HOST, OUT, 1);
	audit_add_slice(audit);
	assert_unread(audit, HOST, 1, WHY_GONE); /* of this window only */
}

static void resets_of_a_namespace_that_is_denied(void **state)
{
	struct audit *audit = *state;

	see(audit, GUEST, OUT, 4);
	tell(audit, GUEST, KERNEL_DENIED, 0, COUNTED(0));
	audit_add_slice(audit);
	assert_true(summarize(audit)->done);
	assert_int_equal(summarize(audit)->rows_all, 0);
	assert_unread(audit, GUEST, 4, WHY_DENIED);
	audit_next(audit);
	assert_clean(audit);
}

/* Read again: nothing is lost, as the kernel went on counting. */
static void a_namespace_that_comes_back(void **state)
{
	struct audit *audit = *state;

	base(audit, HOST, COUNTED(100));
	see(audit, HOST, OUT, 4);
	tell(audit, HOST, KERNEL_GONE, 0, COUNTED(0));
	audit_add_slice(audit);
	assert_unread(audit, HOST, 4, WHY_GONE);
	slice(audit, 0, 107);
	assert_int_equal(summarize(audit)->unread_all, 0); /* in the same window: it is read */
	slice(audit, 0, 107);
	assert_counter(&summarize(audit)->counters[COUNTER_OUT_RSTS], 7, 4, 3);
}

/* A namespace that was known never, and one that gave no sign since. */
static void resets_without_a_number(void **state)
{
	struct audit *audit = *state;

	base(audit, HOST, COUNTED(100));
	see(audit, 0, OUT, 6);
	see(audit, GUEST, OUT, 2);
	audit_add_slice(audit);
	assert_int_equal(summarize(audit)->unread_all, 2);
	assert_unread(audit, 0, 6, WHY_NO_NUMBER);
	assert_unread(audit, GUEST, 2, WHY_GONE);
	audit_next(audit);
	assert_clean(audit);
}

static void only_resets_that_were_not_read_count(void **state)
{
	struct audit *audit = *state;

	base(audit, HOST, COUNTED(100));
	tell(audit, HOST, KERNEL_GONE, 0, COUNTED(0));
	tell(audit, GUEST, KERNEL_DENIED, 0, COUNTED(0));
	audit_add_slice(audit);
	assert_clean(audit); /* no reset, nothing missed */
	see(audit, OTHER, OUT, 3);
	tell(audit, OTHER, KERNEL_BORN, 1, COUNTED(3));
	audit_add_slice(audit);
	see(audit, OTHER, OUT, 2); /* its turn will come */
	audit_add_slice(audit);
	assert_clean(audit);
}

/* --- many namespaces --- */

static void namespaces_sum_up(void **state)
{
	struct audit *audit = *state;
	const struct audit_summary *summary;

	base(audit, HOST, COUNTED(100, 10));
	base(audit, GUEST, COUNTED(200, 20));
	base(audit, OTHER, COUNTED(300, 30));
	for (unsigned i = 0; i < 2; i++) {
		if (!i) {
			see(audit, HOST, OUT, 1);
			see(audit, GUEST, OUT | FAILS, 5);
			see(audit, OTHER, OUT, 4);
		}
		tell(audit, HOST, KERNEL_READ, HOST, COUNTED(103, 10));
		tell(audit, GUEST, KERNEL_READ, GUEST, COUNTED(200, 25));
		tell(audit, OTHER, KERNEL_READ, OTHER, COUNTED(304, 30));
		audit_add_slice(audit);
	}
	summary = summarize(audit);
	assert_counter(&summary->counters[COUNTER_OUT_RSTS], 7, 10, -3); /* 2 and -5 */
	assert_counter(&summary->counters[COUNTER_ATTEMPT_FAILS], 5, 5, 0);
	assert_counter(&summary->counters[COUNTER_ESTAB_RESETS], 0, 0, 0);
	assert_int_equal(summary->rows_all, 2);
	assert_int_equal(summary->row_count, 2);
	assert_int_equal(summary->rows[0].netns, GUEST);
	assert_counter(&summary->rows[0].counters[COUNTER_OUT_RSTS], 0, 5, -5);
	assert_counter(&summary->rows[0].counters[COUNTER_ATTEMPT_FAILS], 5, 5, 0);
	assert_int_equal(summary->rows[1].netns, HOST);
	assert_counter(&summary->rows[1].counters[COUNTER_OUT_RSTS], 3, 1, 2);
}

/* Those that cancel out are nothing in the sum, and two rows all the same. */
static void namespaces_that_cancel_out(void **state)
{
	struct audit *audit = *state;

	base(audit, HOST, COUNTED(100));
	base(audit, GUEST, COUNTED(100));
	see(audit, HOST, OUT, 4);
	audit_add_slice(audit);
	for (unsigned i = 0; i < 2; i++) {
		read_out(audit, HOST, 100);
		read_out(audit, GUEST, 104);
		audit_add_slice(audit);
	}
	assert_int_equal(unexplained(audit), 0);
	assert_int_equal(summarize(audit)->rows_all, 2);
}

/* Most first, whichever way and in whichever counter; equal ones by number. */
static void order_and_limit_of_the_rows(void **state)
{
	struct audit *audit = *state;
	const struct audit_summary *summary;

	for (unsigned i = 0; i < 15; i++) {
		uint32_t netns = 100 + (i * 7) % 15;
		uint64_t gap = netns % 2 ? netns / 2 : 0, surplus = netns % 2 ? 0 : netns / 2;

		base(audit, netns, COUNTED(0));
		see(audit, netns, FAILS, surplus);
		see(audit, netns, OUT, 1);
		audit_add_slice(audit);
		for (unsigned j = 0; j < 3; j++) {
			tell(audit, netns, KERNEL_READ, netns, COUNTED(1, 0, gap));
			audit_add_slice(audit);
		}
	}
	summary = summarize(audit);
	assert_int_equal(summary->rows_all, 15);
	assert_int_equal(summary->row_count, AUDIT_TOP);
	for (unsigned i = 0; i < AUDIT_TOP; i++) {
		/* 114 with 57, then 112 and 113 with 56, 110 and 111 with 55 and so on. */
		uint32_t netns = i ? 114 - 2 * ((i + 1) / 2) + (i + 1) % 2 : 114;

		assert_int_equal(summary->rows[i].netns, netns);
		assert_int_equal(summary->rows[i].weight, netns / 2);
		assert_int_equal(summary->rows[i].counters[COUNTER_ATTEMPT_FAILS].unexplained,
				 netns % 2 ? 0 : -(int64_t)(netns / 2));
		assert_int_equal(summary->rows[i].counters[COUNTER_ESTAB_RESETS].unexplained,
				 netns % 2 ? netns / 2 : 0);
	}
}

static void order_and_limit_of_those_not_read(void **state)
{
	struct audit *audit = *state;
	const struct audit_summary *summary;

	base(audit, HOST, COUNTED(0));
	for (unsigned i = 0; i < 15; i++) {
		uint32_t netns = 100 + (i * 7) % 15;

		see(audit, netns, OUT, netns / 2);
	}
	audit_add_slice(audit);
	summary = summarize(audit);
	assert_int_equal(summary->unread_all, 15);
	assert_int_equal(summary->unread_count, AUDIT_TOP);
	for (unsigned i = 0; i < AUDIT_TOP; i++) {
		uint32_t netns = i ? 114 - 2 * ((i + 1) / 2) + (i + 1) % 2 : 114;

		assert_int_equal(summary->unread[i].netns, netns);
		assert_int_equal(summary->unread[i].resets, netns / 2);
	}
}

/* The lists are filtered, the sums are not. */
static void a_filter(void **state)
{
	struct audit *audit = *state;
	const struct filter guest = {.netns = GUEST}, nowhere = {.netns = 1000};
	struct audit_summary summary;

	base(audit, HOST, COUNTED(0));
	base(audit, GUEST, COUNTED(0));
	for (unsigned i = 0; i < 2; i++) {
		read_out(audit, HOST, 5);
		read_out(audit, GUEST, 3);
		audit_add_slice(audit);
	}
	see(audit, OTHER, OUT, 1);
	see(audit, GUEST, OUT, 1);
	tell(audit, GUEST, KERNEL_GONE, 0, COUNTED(0));
	audit_add_slice(audit);
	audit_summarize(audit, &guest, false, &summary);
	assert_int_equal(summary.counters[COUNTER_OUT_RSTS].unexplained, 8);
	assert_int_equal(summary.rows_all, 1);
	assert_int_equal(summary.row_count, 1);
	assert_int_equal(summary.rows[0].netns, GUEST);
	assert_int_equal(summary.unread_all, 1);
	assert_int_equal(summary.unread[0].netns, GUEST);
	audit_summarize(audit, &nowhere, false, &summary);
	assert_int_equal(summary.counters[COUNTER_OUT_RSTS].unexplained, 8);
	assert_true(summary.done);
	assert_int_equal(summary.rows_all + summary.row_count, 0);
	assert_int_equal(summary.unread_all + summary.unread_count, 0);
}

static void more_namespaces_than_room(void **state)
{
	struct audit *audit = *state;

	for (uint32_t i = 1; i <= AUDIT_NAMESPACES + 3; i++)
		see(audit, i, OUT, 1);
	for (uint32_t i = 1; i <= AUDIT_NAMESPACES + 1; i++) /* no room for the last one either */
		tell(audit, i, KERNEL_BORN, i, COUNTED(1));
	audit_add_slice(audit);
	assert_int_equal(summarize(audit)->rows_all, 0);
	assert_int_equal(summarize(audit)->unread_all, 1);
	assert_unread(audit, 0, 3, WHY_TOO_MANY);
	assert_counter(&summarize(audit)->counters[COUNTER_OUT_RSTS], AUDIT_NAMESPACES,
		       AUDIT_NAMESPACES, 0);
	audit_next(audit);
	assert_int_equal(summarize(audit)->unread_all, 0);
}

/* Above the mark those that are gone make room, and only those. */
static void room_for_the_living(void **state)
{
	struct audit *audit = *state;
	uint32_t living = 0;

	for (uint32_t i = 1; i <= AUDIT_CROWDED; i++) {
		base(audit, i, COUNTED(i));
		if (i % 3 == 0)
			tell(audit, i, KERNEL_GONE, 0, COUNTED(0));
		if (i % 3 == 1)
			tell(audit, i, KERNEL_DENIED, 0, COUNTED(0));
	}
	audit_add_slice(audit);
	audit_next(audit);
	assert_int_equal(audit->namespaces.used, AUDIT_CROWDED); /* not above it yet */
	tell(audit, 100000, KERNEL_BORN, 1, COUNTED(0));
	see(audit, 100000, OUT, 2);
	audit_add_slice(audit);
	audit_next(audit);
	assert_int_equal(audit->namespaces.used, AUDIT_CROWDED / 3 * 2 + 1);
	/* What was known of them is known still: their base, and what was seen. */
	for (uint32_t i = 1; i <= AUDIT_CROWDED; i++) {
		const struct audit_netns *netns = table_find(&audit->namespaces, &i);

		if (i % 3 == 0) {
			assert_null(netns);
			continue;
		}
		living++;
		assert_non_null(netns);
		assert_int_equal(netns->netns, i);
		assert_int_equal(netns->base_least[COUNTER_OUT_RSTS], i);
		assert_int_equal(netns->status, i % 3 == 1 ? KERNEL_DENIED : KERNEL_BASE);
		read_out(audit, i, i + (i == 5));
	}
	assert_int_equal(living, AUDIT_CROWDED / 3 * 2);
	tell(audit, 100000, KERNEL_READ, 1, COUNTED(2));
	audit_add_slice(audit);
	read_out(audit, 5, 6);
	audit_add_slice(audit);
	assert_int_equal(summarize(audit)->rows_all, 1);
	assert_int_equal(summarize(audit)->rows[0].netns, 5);
	assert_int_equal(unexplained(audit), 1);
	/* A number that comes again is a new one's. */
	see(audit, 3, OUT, 4);
	tell(audit, 3, KERNEL_BORN, 2, COUNTED(4));
	audit_add_slice(audit);
	tell(audit, 3, KERNEL_READ, 2, COUNTED(4));
	assert_int_equal(summarize(audit)->rows_all, 1);
	/* One that was forgotten and is read all the same: where it began is not known any more. */
	for (unsigned i = 0; i < 3; i++) {
		tell(audit, 6, KERNEL_READ, 6, COUNTED(1000));
		audit_add_slice(audit);
	}
	assert_int_equal(summarize(audit)->rows_all, 1);
}

/* --- the likely reasons --- */

/* Makes the counter differ by so much, with these other counters' growth; says why. */
static const char *likely(struct audit *audit, unsigned counter, int64_t difference, bool unseen,
			  uint64_t abort_on_timeout, uint64_t abort_failed)
{
	uint64_t counters[COUNTERS_READ] = {1000, 1000, 1000, 1000, 1000, 1000};
	static struct audit_summary summary;

	audit_init(audit, 42);
	base(audit, HOST, counters);
	if (difference < 0)
		see(audit, HOST, 1U << counter, -difference);
	else
		counters[counter] += difference;
	counters[COUNTER_ABORT_ON_TIMEOUT] += abort_on_timeout;
	counters[COUNTER_ABORT_FAILED] += abort_failed;
	for (unsigned i = 0; i < 2; i++) {
		tell(audit, HOST, KERNEL_READ, HOST, counters);
		audit_add_slice(audit);
	}
	audit_summarize(audit, &no_filter, unseen, &summary);
	assert_int_equal(summary.counters[counter].unexplained, difference);
	assert_int_equal(summary.row_count, 1);
	for (unsigned i = 0; i < COUNTERS; i++)
		if (i != counter)
			assert_null(summary.counters[i].likely);
	assert_string_equal(summary.counters[counter].likely,
			    summary.rows[0].counters[counter].likely);
	return summary.counters[counter].likely;
}

#define LIKELY_ROUTE "resets that no route led back for, or in answer to a wrong TCP-MD5 signature"
#define LIKELY_UNSEEN                                                                              \
	"closed ports and unknown connections, which no hook shows on this kernel: see rstwatch "  \
	"check"
#define LIKELY_FAILED  "resets that could not be sent (TCPAbortFailed): out of memory"
#define LIKELY_SKIPPED "resets sent while a hook was skipped"
#define LIKELY_WINDOW                                                                              \
	"resets that a half-open connection did not accept, taken for ones that ended it"
#define LIKELY_CONNECTS	 "connects that timed out (TCPAbortOnTimeout): no reset"
#define LIKELY_ICMP	 "connects that ended without a reset: ICMP, ss -K or a timeout"
#define LIKELY_STATE	 "resets whose connection was in another state than was seen"
#define LIKELY_TIMEOUTS	 "connections that timed out (TCPAbortOnTimeout): no reset"
#define LIKELY_NO_RESET	 "connections that ended without a reset, or in a state that was not seen"
#define LIKELY_HALF_OPEN "half-open connections that ended unseen: see rstwatch check"

static void likely_reasons(void **state)
{
	static const struct {
		unsigned counter;
		int64_t difference;
		bool unseen;
		uint64_t abort_on_timeout, abort_failed;
		const char *likely;
	} cases[] = {
		{COUNTER_OUT_RSTS, -1, false, 0, 0, LIKELY_ROUTE},
		{COUNTER_OUT_RSTS, -1, true, 9, 9, LIKELY_ROUTE},
		{COUNTER_OUT_RSTS, 1, true, 0, 0, LIKELY_UNSEEN},
		{COUNTER_OUT_RSTS, 1, true, 9, 9, LIKELY_UNSEEN},
		{COUNTER_OUT_RSTS, 1, false, 0, 1, LIKELY_FAILED},
		{COUNTER_OUT_RSTS, 1, false, 9, 0, LIKELY_SKIPPED},
		{COUNTER_OUT_RSTS, 1, false, 0, 0, LIKELY_SKIPPED},
		{COUNTER_ATTEMPT_FAILS, -1, true, 9, 9, LIKELY_WINDOW},
		{COUNTER_ATTEMPT_FAILS, 1, false, 1, 0, LIKELY_CONNECTS},
		{COUNTER_ATTEMPT_FAILS, 1, true, 0, 9, LIKELY_ICMP},
		{COUNTER_ESTAB_RESETS, -1, true, 9, 9, LIKELY_STATE},
		{COUNTER_ESTAB_RESETS, 1, false, 1, 0, LIKELY_TIMEOUTS},
		{COUNTER_ESTAB_RESETS, 1, true, 0, 9, LIKELY_NO_RESET},
		{COUNTER_EMBRYONIC_RSTS, -1, true, 9, 9, LIKELY_WINDOW},
		{COUNTER_EMBRYONIC_RSTS, 1, true, 9, 9, LIKELY_HALF_OPEN},
		{COUNTER_EMBRYONIC_RSTS, 1, false, 0, 0, LIKELY_HALF_OPEN},
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const char *why =
			likely(*state, cases[i].counter, cases[i].difference, cases[i].unseen,
			       cases[i].abort_on_timeout, cases[i].abort_failed);

		if (strcmp(why, cases[i].likely) != 0)
			fail_msg("case %zu: %s", i, why);
	}
}

/* The evidence is that of the namespace, of this window and of the one before: what is told was
 * counted a slice ago at least. */
static void evidence_of_elsewhere(void **state)
{
	static const struct {
		unsigned counter;
		const char *with, *without;
	} cases[] = {
		{COUNTER_OUT_RSTS, LIKELY_FAILED, LIKELY_SKIPPED},
		{COUNTER_ATTEMPT_FAILS, LIKELY_CONNECTS, LIKELY_ICMP},
		{COUNTER_ESTAB_RESETS, LIKELY_TIMEOUTS, LIKELY_NO_RESET},
	};
	struct audit *audit = *state;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		unsigned counter = cases[i].counter;
		uint64_t host[COUNTERS_READ] = {0}, guest[COUNTERS_READ] = {0};

		audit_init(audit, 42);
		base(audit, HOST, host);
		base(audit, GUEST, guest);
		/* The evidence of HOST comes with the first gap, and is two windows old with the
		 * last; that of GUEST comes with the last. */
		for (unsigned window = 0; window < 3; window++) {
			host[counter] += 2;
			guest[counter]++;
			if (!window)
				host[COUNTER_ABORT_ON_TIMEOUT] = host[COUNTER_ABORT_FAILED] = 5;
			if (window == 2)
				guest[COUNTER_ABORT_ON_TIMEOUT] = guest[COUNTER_ABORT_FAILED] = 1;
			for (unsigned j = 0; j < 2; j++) {
				tell(audit, HOST, KERNEL_READ, HOST, host);
				tell(audit, GUEST, KERNEL_READ, GUEST, guest);
				audit_add_slice(audit);
			}
			assert_int_equal(summarize(audit)->rows_all, 2);
			assert_string_equal(summarize(audit)->rows[0].counters[counter].likely,
					    window < 2 ? cases[i].with : cases[i].without);
			assert_string_equal(summarize(audit)->rows[1].counters[counter].likely,
					    window < 2 ? cases[i].without : cases[i].with);
			/* Of all, the first that has one. */
			assert_string_equal(summarize(audit)->counters[counter].likely,
					    window < 2 ? cases[i].with : cases[i].without);
			audit_next(audit);
		}
	}
}

/* Counted at the end of a window, told at the beginning of the next one. */
static void evidence_of_the_window_before(void **state)
{
	struct audit *audit = *state;

	base(audit, HOST, COUNTED(0));
	tell(audit, HOST, KERNEL_READ, HOST, COUNTED(0, 1, 0, 0, 1));
	audit_add_slice(audit);
	assert_int_equal(summarize(audit)->rows_all, 0);
	audit_next(audit);
	tell(audit, HOST, KERNEL_READ, HOST, COUNTED(0, 1, 0, 0, 1));
	audit_add_slice(audit);
	assert_string_equal(summarize(audit)->counters[COUNTER_ATTEMPT_FAILS].likely,
			    LIKELY_CONNECTS);
}

/* --- numbers from a forged recording --- */

/* The sanitizer looks on; what comes out is of no use, but it is defined and bounded. */
static void extreme_numbers(void **state)
{
	static const uint64_t extreme[] = {
		0, 1, 2, INT64_MAX, 1ULL << 63, (1ULL << 63) + 1, UINT64_MAX - 1, UINT64_MAX};
	struct audit *audit = *state;
	uint64_t seed = 11;

	for (unsigned i = 0; i < 50000; i++) {
		struct record_kernel kernel = {.head = RECORD_HEAD(record_kernel, RECORD_KERNEL),
					       .netns = unit_random(&seed) % 3,
					       .status = unit_random(&seed) % 8,
					       .identity = unit_random(&seed) % 3};

		if (i % 1000 == 0)
			audit_init(audit, i);
		for (unsigned j = 0; j < COUNTERS_READ; j++)
			kernel.counters[j] = extreme[unit_random(&seed) % COUNT_OF(extreme)];
		see(audit, unit_random(&seed) % 3, unit_random(&seed) % 256,
		    extreme[unit_random(&seed) % COUNT_OF(extreme)]);
		audit_add_kernel(audit, &kernel);
		if (unit_random(&seed) % 2)
			audit_add_slice(audit);
		if (unit_random(&seed) % 8 == 0)
			audit_next(audit);
		assert_in_range(summarize(audit)->row_count, 0, 3);
		assert_in_range(summarize(audit)->unread_count, 0, 3);
	}
}

static void the_least_number_there_is(void **state)
{
	struct audit *audit = *state;

	base(audit, HOST, COUNTED(0));
	read_out(audit, HOST, 1ULL << 63);
	audit_add_slice(audit);
	assert_int_equal(summarize(audit)->rows[0].weight, 1ULL << 63);
	assert_true(unexplained(audit) == INT64_MIN);
	/* Two of them: the sum wraps around. */
	base(audit, GUEST, COUNTED(0));
	read_out(audit, GUEST, 1ULL << 63);
	audit_add_slice(audit);
	assert_int_equal(summarize(audit)->rows_all, 2);
	assert_int_equal(unexplained(audit), 0);
	/* Two in one row: its weight does not, or it would be none. */
	base(audit, OTHER, COUNTED(0));
	tell(audit, OTHER, KERNEL_READ, OTHER, COUNTED(1ULL << 63, 1ULL << 63, 1));
	audit_add_slice(audit);
	tell(audit, OTHER, KERNEL_READ, OTHER, COUNTED(1ULL << 63, 1ULL << 63, 1));
	assert_int_equal(summarize(audit)->rows_all, 3);
	assert_int_equal(summarize(audit)->rows[0].netns, OTHER);
	assert_int_equal(summarize(audit)->rows[0].weight, UINT64_MAX);
	assert_int_equal(summarize(audit)->rows[1].weight, 1ULL << 63);
}

/* A status of a later version is a reading, as far as this one knows. */
static void a_status_of_a_later_version(void **state)
{
	struct audit *audit = *state;

	base(audit, HOST, COUNTED(0));
	see(audit, HOST, OUT, 1);
	tell(audit, HOST, KERNEL_DENIED + 1, HOST, COUNTED(1));
	audit_add_slice(audit);
	assert_clean(audit);
}

/* --- through the pipeline --- */

static const struct rst_port_key closed = {.netns = HOST,
					   .port = 80,
					   .direction = RST_SENT,
					   .cause = RST_CLOSED_PORT,
					   .role = RST_ROLE_SERVER,
					   .moves = OUT};

static void windows_and_totals_carry_it(void **state)
{
	struct records *records = *state;
	const struct audit_summary *first = &records->told->window[0].audit,
				   *second = &records->told->window[1].audit;
	uint64_t counted = 100, failed = 10;

	records_base(records, HOST, 1, COUNTED(counted, failed));
	for (unsigned second_of = 0; second_of < 20; second_of++) {
		if (second_of < 8) {
			records_count(records, closed, 2);
			counted += 2 + (second_of == 5);
		}
		if (second_of == 12) {
			struct rst_port_key refused = closed;

			refused.direction = RST_RECEIVED;
			refused.cause = RST_STAGE_REFUSED;
			refused.moves = FAILS;
			records_count(records, refused, 3);
			failed += 1;
			counted += 4;
		}
		records_kernel(records, HOST, KERNEL_READ, 1, COUNTED(counted, failed));
		records_slice(records, SECOND_NS);
	}
	assert_int_equal(records->told->windows, 2);
	assert_true(first->done);
	assert_counter(&first->counters[COUNTER_OUT_RSTS], 17, 16, 1);
	assert_string_equal(first->counters[COUNTER_OUT_RSTS].likely, LIKELY_SKIPPED);
	assert_counter(&first->counters[COUNTER_ATTEMPT_FAILS], 0, 0, 0);
	assert_int_equal(first->row_count, 1);
	assert_counter(&second->counters[COUNTER_OUT_RSTS], 4, 0, 4);
	assert_counter(&second->counters[COUNTER_ATTEMPT_FAILS], 1, 3, -2);
	records_end(records);
	assert_true(records->told->totals.audited);
	assert_int_equal(records->told->totals.unexplained[COUNTER_OUT_RSTS], 5);
	assert_int_equal(records->told->totals.unexplained[COUNTER_ATTEMPT_FAILS], -2);
	assert_int_equal(records->told->totals.unexplained[COUNTER_ESTAB_RESETS], 0);
	assert_int_equal(records->told->totals.unexplained[COUNTER_EMBRYONIC_RSTS], 0);
}

static void a_recording_without_kernel_counters(void **state)
{
	struct records *records = *state;

	records_run(records, closed, 2, 10);
	records_end(records);
	assert_false(records->told->window[0].audit.done);
	assert_false(records->told->totals.audited);
	assert_int_equal(records->told->window[0].audit.unread_all, 0);
	assert_int_equal(records->told->totals.unexplained[COUNTER_OUT_RSTS], 0);
}

/* A hook that is missing, and what the audit makes of it. */
static const char *likely_without(const char *name, bool attached)
{
	static char likely[128];
	struct record_hook hook = {.head = RECORD_HEAD(record_hook, RECORD_HOOK),
				   .attached = attached};
	struct records records;

	strcpy(hook.name, name);
	records_open(&records, NULL);
	assert_int_equal(records_feed(&records, &hook), 0);
	assert_int_equal(records_feed(&records, &records.start), 0);
	records_base(&records, HOST, 1, COUNTED(0));
	for (unsigned i = 0; i < 10; i++) {
		records_kernel(&records, HOST, KERNEL_READ, 1, COUNTED(1));
		records_slice(&records, SECOND_NS);
	}
	strcpy(likely, records.told->window[0].audit.counters[COUNTER_OUT_RSTS].likely);
	records_close(&records);
	return likely;
}

static void a_kernel_that_sends_unseen(void **state)
{
	(void)state;
	assert_string_equal(likely_without("tcp_v4_send_reset", false), LIKELY_UNSEEN);
	assert_string_equal(likely_without("tcp_v6_send_reset", false), LIKELY_UNSEEN);
	assert_string_equal(likely_without("tcp_v4_send_reset", true), LIKELY_SKIPPED);
	assert_string_equal(likely_without("tcp_check_req", false), LIKELY_SKIPPED);
	assert_string_equal(likely_without("nf_send_reset", false), LIKELY_SKIPPED);
	/* It shows resets that came in. */
	assert_string_equal(likely_without("tcp_validate_incoming", false), LIKELY_SKIPPED);
}

static void a_filter_of_the_pipeline(void **state)
{
	const struct pipeline_settings settings = {.filter = {.netns = GUEST}};
	struct records records;

	(void)state;
	records_begin(&records, &settings);
	records_base(&records, HOST, 1, COUNTED(0));
	for (unsigned i = 0; i < 10; i++) {
		records_kernel(&records, HOST, KERNEL_READ, 1, COUNTED(1));
		records_slice(&records, SECOND_NS);
	}
	records_end(&records);
	assert_int_equal(records.told->window[0].audit.counters[COUNTER_OUT_RSTS].unexplained, 1);
	assert_int_equal(records.told->window[0].audit.rows_all, 0);
	assert_int_equal(records.told->totals.unexplained[COUNTER_OUT_RSTS], 1);
	records_close(&records);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AUDIT_TEST(nothing_to_compare_with),
		AUDIT_TEST(exact_agreement),
		AUDIT_TEST(each_counter_by_its_moves),
		AUDIT_TEST(kernel_ahead_by_less_than_a_slice),
		AUDIT_TEST(kernel_behind_by_less_than_a_slice),
		AUDIT_TEST(a_gap_is_told_after_a_quiet_slice),
		AUDIT_TEST(a_surplus_is_told_after_a_quiet_slice),
		AUDIT_TEST(a_gap_in_constant_traffic_is_told_late),
		AUDIT_TEST(a_large_gap_is_told_in_part),
		AUDIT_TEST(a_surplus_in_constant_traffic_is_told_late),
		AUDIT_TEST(each_window_has_its_own),
		AUDIT_TEST(seen_is_what_was_compared),
		AUDIT_TEST(what_was_not_read_is_not_in_the_sums),
		AUDIT_TEST(not_every_slice_has_a_reading),
		AUDIT_TEST(never_cries_wolf_and_hides_nothing),
		AUDIT_TEST(nor_when_namespaces_come_and_go),
		AUDIT_TEST(resets_while_the_hooks_are_attached),
		AUDIT_TEST(one_base_reading_only),
		AUDIT_TEST(a_base_ends_with_the_next_reading),
		AUDIT_TEST(a_window_ends_before_its_base),
		AUDIT_TEST(the_likely_reason_of_a_sum),
		AUDIT_TEST(a_base_that_was_read_twice),
		AUDIT_TEST(a_base_that_comes_late),
		AUDIT_TEST(a_reading_without_a_base),
		AUDIT_TEST(a_namespace_that_is_born_counts_from_zero),
		AUDIT_TEST(another_way_to_the_same_namespace),
		AUDIT_TEST(another_way_after_a_surplus),
		AUDIT_TEST(another_namespace_after_a_gap),
		AUDIT_TEST(another_namespace_that_counted_less),
		AUDIT_TEST(another_namespace_that_counted_no_less),
		AUDIT_TEST(another_namespace_as_busy_as_the_last),
		AUDIT_TEST(another_namespace_before_the_first_reading),
		AUDIT_TEST(many_namespaces_under_one_number),
		AUDIT_TEST(another_namespace_while_a_base_is_read),
		AUDIT_TEST(skew_after_another_namespace),
		AUDIT_TEST(counters_that_go_back),
		AUDIT_TEST(resets_of_a_namespace_that_is_gone),
		AUDIT_TEST(resets_of_a_namespace_that_is_denied),
		AUDIT_TEST(a_namespace_that_comes_back),
		AUDIT_TEST(resets_without_a_number),
		AUDIT_TEST(only_resets_that_were_not_read_count),
		AUDIT_TEST(namespaces_sum_up),
		AUDIT_TEST(namespaces_that_cancel_out),
		AUDIT_TEST(order_and_limit_of_the_rows),
		AUDIT_TEST(order_and_limit_of_those_not_read),
		AUDIT_TEST(a_filter),
		AUDIT_TEST(more_namespaces_than_room),
		AUDIT_TEST(room_for_the_living),
		AUDIT_TEST(likely_reasons),
		AUDIT_TEST(evidence_of_elsewhere),
		AUDIT_TEST(evidence_of_the_window_before),
		AUDIT_TEST(extreme_numbers),
		AUDIT_TEST(the_least_number_there_is),
		AUDIT_TEST(a_status_of_a_later_version),
		RECORDS_TEST(windows_and_totals_carry_it),
		RECORDS_TEST(a_recording_without_kernel_counters),
		cmocka_unit_test(a_kernel_that_sends_unseen),
		cmocka_unit_test(a_filter_of_the_pipeline),
	};

	return cmocka_run_group_tests_name("audit", tests, NULL, NULL);
}

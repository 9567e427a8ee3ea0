// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit.h"

#include "sources.h"

#define MILLI_NS 1000000ULL
#define START_NS (5000 * SECOND_NS)

static struct sources *open_sources(void)
{
	struct sources *sources = unit_zeroed(sizeof(*sources));

	sources_init(sources, 42);
	return sources;
}

static struct source *meet(struct sources *sources, uint32_t host, uint64_t time_ns)
{
	struct source_key key = {.netns = 7, .kind = 1};

	unit_ipv4(key.peer, host);
	return sources_meet(sources, &key, time_ns);
}

static struct source *find(struct sources *sources, uint32_t host)
{
	struct source_key key = {.netns = 7, .kind = 1};

	unit_ipv4(key.peer, host);
	return sources_find(sources, &key);
}

static void memory_is_bounded(void **state)
{
	(void)state;
	assert_true(sizeof(struct sources) < 4 << 20);
	/* No hidden padding in what is hashed. */
	assert_int_equal(sizeof(struct source_key), 24);
}

static void ports_are_met_once(void **state)
{
	struct sources *sources = open_sources();
	struct source *source = meet(sources, 1, START_NS);

	(void)state;
	for (unsigned round = 0; round < 2; round++)
		for (unsigned port = 0; port < 5000; port++)
			assert_int_equal(sources_touch(sources, source, port * 13), !round);
	assert_int_equal(source_ports(source), 5000);
	assert_int_equal(source->port_count, SOURCES_PORTS);
	assert_int_equal(source->ports[3], 39);
	/* Port 0 and the last one are ports as others are. */
	assert_false(sources_touch(sources, source, 0));
	assert_true(sources_touch(sources, source, 65535));
	free(sources);
}

/* More scanners at once than there are maps: those beyond are estimated. */
static void ports_are_estimated_without_a_map(void **state)
{
	struct sources *sources = open_sources();
	uint64_t sum = 0;

	(void)state;
	for (uint32_t host = 1; host <= SOURCES_MAPS; host++)
		for (unsigned port = 0; port < 20; port++)
			sources_touch(sources, meet(sources, host, START_NS), port);
	for (uint32_t host = 101; host <= 150; host++) {
		struct source *source = meet(sources, host, START_NS);

		for (unsigned port = 0; port < 500; port++)
			sources_touch(sources, source, port * 131 + host * 7);
		assert_int_equal(source->map, 0);
		assert_true(source->flags & SOURCE_MAPLESS);
		assert_in_range(source_ports(source), 500 * .75, 500 * 1.25);
		sum += source_ports(source);
	}
	assert_in_range(sum / 50, 500 * .95, 500 * 1.05);
	/* All ports: no more than it can tell, and nothing breaks. */
	for (unsigned port = 0; port < 65536; port++)
		sources_touch(sources, meet(sources, 200, START_NS), port);
	assert_in_range(source_ports(meet(sources, 200, START_NS)), 1000, 65536);
	free(sources);
}

static void maps_go_to_those_who_need_them(void **state)
{
	struct sources *sources = open_sources();
	struct source *first, *last;

	(void)state;
	for (uint32_t host = 1; host <= SOURCES_MAPS; host++)
		for (unsigned port = 0; port < 100; port++)
			sources_touch(sources, meet(sources, host, START_NS), port);
	first = find(sources, 1);
	assert_int_not_equal(first->map, 0);
	last = meet(sources, 1000, START_NS + 61 * SECOND_NS);
	for (unsigned port = 0; port < 1000; port++)
		assert_true(sources_touch(sources, last, port));
	assert_int_equal(source_ports(last), 1000);
	assert_int_equal(first->map, 0);
	/* A map of somebody who is forgotten is free, and clean; not for who has lost his. */
	sources_forget(sources, last);
	for (unsigned i = 0; i < SOURCES_MAPS; i++)
		assert_int_not_equal(sources->maps[i].source,
				     table_index(&sources->table, last) + 1);
	/* What that one had asked for, it has still asked for. */
	for (unsigned port = 0; port < 100; port++)
		assert_false(sources_touch(sources, first, port));
	assert_int_equal(source_ports(first), 100);
	assert_int_equal(source_ports(last), 0);
	for (unsigned port = 0; port < 100; port++)
		assert_true(sources_touch(sources, last, port));
	free(sources);
}

static void a_day_is_remembered(void **state)
{
	struct sources *sources = open_sources();
	struct source *source = meet(sources, 1, START_NS);

	(void)state;
	sources_touch(sources, source, 22);
	source->score = 5;
	assert_int_equal(meet(sources, 1, START_NS + 86400 * SECOND_NS)->score, 5);
	/* What comes late does not turn the clock back, nor forget. */
	assert_ptr_equal(meet(sources, 1, START_NS + SECOND_NS), source);
	assert_int_equal(source->score, 5);
	assert_int_equal(source->last_ns, START_NS + 86400 * SECOND_NS);
	assert_int_equal(source->first_ns, START_NS);
	meet(sources, 1, source->last_ns + 86400 * SECOND_NS + 1);
	assert_int_equal(source->score, 0);
	assert_int_equal(source_ports(source), 0);
	assert_true(sources_touch(sources, source, 22));
	free(sources);
}

/* Ten a second, for ever: the least suspicious goes, of several the oldest. */
static void the_lowest_score_goes_first(void **state)
{
	struct sources *sources = open_sources();
	uint64_t now_ns = START_NS;

	(void)state;
	meet(sources, 1, now_ns)->score = 1;
	meet(sources, 2, now_ns += 100 * MILLI_NS);
	meet(sources, 3, now_ns += 100 * MILLI_NS);
	for (uint32_t host = 10; sources->table.used < SOURCES; host++)
		meet(sources, host, now_ns += 100 * MILLI_NS);
	assert_false(sources->frozen);
	meet(sources, 2, now_ns += 100 * MILLI_NS);
	assert_non_null(find(sources, 3));
	meet(sources, 1000000, now_ns += 100 * MILLI_NS);
	assert_null(find(sources, 3));
	assert_non_null(find(sources, 10));
	/* 10 comes again, so 11 is the next. */
	meet(sources, 10, now_ns += 100 * MILLI_NS);
	meet(sources, 1000001, now_ns += 100 * MILLI_NS);
	assert_non_null(find(sources, 10));
	assert_null(find(sources, 11));
	for (uint32_t host = 2000000; host < 2050000; host++)
		meet(sources, host, now_ns += 100 * MILLI_NS);
	assert_int_equal(find(sources, 1)->score, 1);
	assert_null(find(sources, 2));
	assert_int_equal(sources->table.used, SOURCES);
	free(sources);
}

static void two_hundred_a_second_are_let_in(void **state)
{
	struct sources *sources = open_sources();
	uint64_t now_ns = START_NS;

	(void)state;
	for (uint32_t host = 1; host <= 200 * 20; host++)
		assert_non_null(meet(sources, host, now_ns += 5 * MILLI_NS));
	assert_false(sources->frozen);
	free(sources);
}

static void a_flood_freezes(void **state)
{
	struct sources *sources = open_sources();
	uint64_t now_ns = START_NS;
	uint32_t host = 100;

	(void)state;
	meet(sources, 1, now_ns)->score = 3;
	for (; !sources->frozen; host++)
		meet(sources, host, now_ns += MILLI_NS / 10);
	assert_int_equal(host - 100, SOURCES_STRANGE);
	assert_int_equal(sources->table.used, SOURCES_STRANGE);
	for (; host < 100000; host++)
		assert_null(meet(sources, host, now_ns += MILLI_NS / 10));
	assert_true(sources->kept_out > 99000);
	/* Who is in it goes on, and who comes again is let in. */
	assert_int_equal(meet(sources, 1, now_ns)->score, 3);
	assert_null(meet(sources, 200000, now_ns));
	assert_non_null(meet(sources, 200000, now_ns));
	assert_non_null(meet(sources, 200000, now_ns));
	/* It thaws after ten seconds of calm, not before. */
	assert_null(meet(sources, 300000, now_ns += 9 * SECOND_NS));
	assert_null(meet(sources, 300001, now_ns += SECOND_NS));
	assert_non_null(meet(sources, 300002, now_ns += 2 * SECOND_NS));
	assert_false(sources->frozen);
	free(sources);
}

/* Less than 200 a second are calm, more are not; one alone is calm however much it sends. */
static void calm_is_counted_in_addresses(void **state)
{
	struct sources *sources = open_sources();
	uint64_t now_ns = START_NS;
	uint32_t host = 1000;

	(void)state;
	for (; !sources->frozen; host++)
		meet(sources, host, now_ns += MILLI_NS / 10);
	for (unsigned i = 0; i < 20 * 400; i++)
		meet(sources, host++, now_ns += SECOND_NS / 400);
	assert_true(sources->frozen);
	/* It is let in the second time; then it is no stranger. */
	for (unsigned i = 0; i < 13 * 1000; i++)
		meet(sources, 5, now_ns += MILLI_NS);
	assert_false(sources->frozen);
	free(sources);
}

/* Many that are known, and many that are new: a busy host, no flood. */
static void a_busy_host_is_not_frozen(void **state)
{
	struct sources *sources = open_sources();
	uint64_t now_ns = START_NS;

	(void)state;
	for (uint32_t host = 1; host <= 5000; host++) {
		assert_non_null(meet(sources, host, now_ns += MILLI_NS));
		meet(sources, host, now_ns);
	}
	assert_false(sources->frozen);
	free(sources);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_bounded),
		cmocka_unit_test(ports_are_met_once),
		cmocka_unit_test(ports_are_estimated_without_a_map),
		cmocka_unit_test(maps_go_to_those_who_need_them),
		cmocka_unit_test(a_day_is_remembered),
		cmocka_unit_test(the_lowest_score_goes_first),
		cmocka_unit_test(two_hundred_a_second_are_let_in),
		cmocka_unit_test(a_flood_freezes),
		cmocka_unit_test(calm_is_counted_in_addresses),
		cmocka_unit_test(a_busy_host_is_not_frozen),
	};

	return cmocka_run_group_tests_name("sources", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "incidents.h"

#include "dependency.h"
#include "settings.h"

#define REDIS 6379
#define PEER  0x0a000009
#define APP   5

static struct world *open_dependency(void)
{
	struct world *world = world_open(&dependency_detector, sizeof(struct dependency));

	world_process(world, APP, 812, "app");
	world_process(world, APP + 1, 900, "worker");
	return world;
}

static void address_of(uint8_t address[16], uint32_t peer)
{
	static const uint8_t localhost[16] = {[15] = 1};

	if (peer)
		unit_ipv4(address, peer);
	else
		memcpy(address, localhost, sizeof(localhost)); /* ::1 */
}

static bool refuses(struct world *world, uint32_t peer, uint16_t port, uint32_t process,
		    uint64_t at)
{
	struct owner owner = {.known_by = OWNER_SOCKET};
	struct rst_event event = {.time_ns = at,
				  .netns = NETNS,
				  .local_port = 50000,
				  .peer_port = port,
				  .direction = RST_RECEIVED,
				  .cause = RST_STAGE_REFUSED,
				  .role = RST_ROLE_CLIENT,
				  .owner = process};
	struct detect_event seen = {
		.event = &event, .owner = &owner, .class = DETECT_CONNECT_REFUSED};

	address_of(event.peer, peer);
	return world_event(world, &seen);
}

/* Told only if it is asked for, as of the kernel side. */
static void connects(struct world *world, uint32_t peer, uint16_t port, uint32_t process,
		     uint64_t at)
{
	struct rst_signal signal = {.time_ns = at,
				    .netns = NETNS,
				    .local_port = 50000,
				    .peer_port = port,
				    .kind = RST_SIGNAL_CONNECTED,
				    .owner = process};

	address_of(signal.peer, peer);
	world_until(world, at);
	if (world->world.watch & RST_WATCH_CONNECTS)
		world_signal(world, &signal);
}

static void told_at_the_third_refusal(void **state)
{
	struct world *world = open_dependency();
	const struct alert *alert;

	(void)state;
	assert_false(refuses(world, PEER, REDIS, APP, AT(0.1)));
	assert_false(refuses(world, PEER, REDIS, APP, AT(3)));
	assert_int_equal(world->told.count, 0);
	assert_true(refuses(world, PEER, REDIS, APP, AT(6.1)));
	assert_int_equal(world->told.count, 1);
	alert = told_last(&world->told);
	assert_int_equal(alert->status, ALERT_RAISED);
	assert_int_equal(alert->severity, ALERT_INFO);
	assert_int_equal(alert->time_ns, AT(6.1));
	assert_int_equal(alert->peer_port, REDIS);
	assert_false(alert->has_local);
	assert_int_equal(alert->proof, ALERT_PROOF_ANSWERED);
	assert_int_equal(alert->owner.known_by, OWNER_SOCKET);
	assert_int_equal(alert->owner.process->pid, 812);
	assert_int_equal(alert->total, 3);
	assert_int_equal(alert->peer_count, 1);
	assert_int_equal(alert->peers[0].count, 3);
	assert_int_equal(alert->peers[0].key.address[15], 9);
	assert_true(told_fact(alert, "refusals") == 3);
	assert_true(told_fact(alert, "refusals_per_second") == 0.5);
	assert_true(told_fact(alert, "seconds_since_success") == -1);
	assert_string_equal(alert->summary, "app (pid 812) cannot connect to port 6379 of "
					    "10.0.0.9: refused 3 times in 6 s");
	assert_non_null(strstr(alert->advice, "That host answers"));
	world_close(world);
}

static void thick_refusals_are_a_warning(void **state)
{
	struct world *world = open_dependency();

	(void)state;
	for (unsigned i = 0; i < 20; i++) /* a burst may yet be one bad moment */
		refuses(world, PEER, REDIS, APP, AT(0.1 + 0.05 * i));
	assert_int_equal(world->told.count, 1);
	refuses(world, PEER, REDIS, APP, AT(2.1));
	assert_int_equal(world->told.count, 2);
	assert_int_equal(told_last(&world->told)->status, ALERT_UPDATED);
	assert_int_equal(told_last(&world->told)->severity, ALERT_WARNING);
	assert_int_equal(told_last(&world->told)->total, 21);
	world_close(world);
}

static unsigned severity_at_period(double period, double seconds)
{
	struct world *world = open_dependency();
	unsigned severity;

	for (double at = 0.5; at < seconds; at += period)
		refuses(world, PEER, REDIS, APP, AT(at));
	assert_true(world->told.said[ALERT_RAISED] <= 1);
	severity = world->told.count ? told_last(&world->told)->severity : 0;
	world_close(world);
	return severity;
}

static void a_slow_check_is_never_a_warning(void **state)
{
	(void)state;
	assert_int_equal(severity_at_period(60, 3600), 0);
	assert_int_equal(severity_at_period(15, 3600), 0);
	assert_int_equal(severity_at_period(5, 3600), 0); /* three within ten seconds, not less */
	assert_int_equal(severity_at_period(4, 3600), ALERT_INFO);
	assert_int_equal(severity_at_period(3, 50), ALERT_INFO);
	assert_int_equal(severity_at_period(3, 70), ALERT_WARNING);
	assert_int_equal(severity_at_period(2, 30), ALERT_WARNING);
}

static void a_success_ends_it(void **state)
{
	struct world *world = open_dependency();
	const struct alert *alert;

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		refuses(world, PEER, REDIS, APP, AT(0.5 + i));
	connects(world, PEER, REDIS + 1, APP, AT(10)); /* another port, process, host */
	connects(world, PEER, REDIS, APP + 1, AT(10));
	connects(world, PEER + 1, REDIS, APP, AT(10));
	world_until(world, AT(12));
	assert_int_equal(world->told.said[ALERT_CLEARED], 0);
	connects(world, PEER, REDIS, APP, AT(12.5));
	world_until(world, AT(13));
	assert_int_equal(world->told.said[ALERT_CLEARED], 1);
	alert = told_last(&world->told);
	assert_true(alert->ended);
	assert_int_equal(alert->total, 10);
	assert_true(told_fact(alert, "down_seconds") == 12);
	assert_string_equal(told_word(alert, "back"), "yes");
	assert_string_equal(alert->summary, "app (pid 812) connects again to port 6379 of "
					    "10.0.0.9: it was refused 10 times in 12 s");
	/* And what comes then says when it was up last, counting from zero. */
	refuses(world, PEER, REDIS, APP, AT(30));
	refuses(world, PEER, REDIS, APP, AT(31));
	refuses(world, PEER, REDIS, APP, AT(32.5));
	assert_int_equal(told_last(&world->told)->status, ALERT_RAISED);
	assert_int_equal(told_last(&world->told)->number, 1);
	assert_int_equal(told_last(&world->told)->total, 3);
	assert_true(told_fact(told_last(&world->told), "seconds_since_success") == 20);
	told_says(told_last(&world->told), "; it last succeeded 20 s ago");
	world_close(world);
}

static void whoever_gives_up_is_quiet(void **state)
{
	struct world *world = open_dependency();

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		refuses(world, PEER, REDIS, APP, AT(0.5 + i));
	world_until(world, AT(63));
	assert_int_equal(world->told.said[ALERT_CLEARED], 0);
	world_until(world, AT(64));
	assert_int_equal(world->told.said[ALERT_CLEARED], 1);
	assert_false(told_last(&world->told)->ended);
	told_says(told_last(&world->told), "no longer tries");
	assert_int_equal(world->world.watch & RST_WATCH_CONNECTS, RST_WATCH_CONNECTS);
	world_until(world, AT(80));
	assert_int_equal(world->world.watch, 0);
	world_close(world);
}

/* One of two backends of a pool fails now and then: successes in between are heard of. */
static void a_success_between_counts(void **state)
{
	struct world *world = open_dependency();

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		refuses(world, PEER, REDIS, APP, AT(0.5 + 1.5 * i));
		connects(world, PEER, REDIS, APP, AT(0.6 + 1.5 * i));
	}
	assert_int_equal(world->told.count, 0);
	world_close(world);
}

/* Successes are asked for from the first refusal on, but not for ever. */
static void asks_for_successes_only_when_needed(void **state)
{
	struct world *world = open_dependency();

	(void)state;
	refuses(world, PEER, REDIS, APP, AT(0.5));
	world_until(world, AT(1));
	assert_int_equal(world->world.watch, RST_WATCH_CONNECTS);
	for (unsigned i = 1; i < 20; i++)
		refuses(world, PEER, REDIS, APP, AT(0.5 + 5 * i));
	world_until(world, AT(97));
	assert_int_equal(world->world.watch, 0);
	world_close(world);
}

/* localhost is ::1 first, where nobody listens, and then 127.0.0.1. */
static void the_other_family_is_no_outage(void **state)
{
	struct world *world = open_dependency();

	(void)state;
	for (unsigned i = 0; i < 500; i++) {
		refuses(world, 0, REDIS, APP, AT(0.3 + 0.1 * i));
		connects(world, 0x7f000001, REDIS, APP, AT(0.301 + 0.1 * i));
	}
	world_until(world, AT(200));
	assert_int_equal(world->told.count, 0);
	/* But if that one refuses as well, both are told of. */
	for (unsigned i = 0; i < 50; i++) {
		refuses(world, 0, REDIS, APP, AT(200 + 0.1 * i));
		refuses(world, 0x7f000001, REDIS, APP, AT(200.001 + 0.1 * i));
	}
	assert_int_equal(world->told.said[ALERT_RAISED], 2);
	assert_non_null(strstr(told_last(&world->told)->advice, "should be on this host"));
	world_close(world);
}

/* Three quick refusals of an IPv6 address, and no more: told once no success can come. */
static void a_short_burst_of_the_other_family(void **state)
{
	struct world *world = open_dependency();

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		assert_false(refuses(world, 0, REDIS, APP, AT(0.3 + 0.1 * i)));
	world_until(world, AT(2));
	assert_int_equal(world->told.count, 0);
	world_until(world, AT(3));
	assert_int_equal(world->told.count, 1);
	assert_int_equal(told_last(&world->told)->severity, ALERT_INFO);
	world_close(world);
}

static void each_target_is_its_own(void **state)
{
	struct world *world = open_dependency();

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		for (unsigned port = 1; port <= 6; port++)
			refuses(world, PEER, port, APP, AT(0.1 + i));
		for (unsigned peer = 0; peer < 6; peer++)
			refuses(world, PEER + peer, REDIS, APP, AT(0.2 + i));
		refuses(world, PEER, REDIS, APP + 1, AT(0.3 + i));
	}
	assert_int_equal(world->told.count, 0);
	refuses(world, PEER, REDIS, APP, AT(2.5));
	refuses(world, PEER, REDIS, 0, AT(2.5)); /* whose that is is not known */
	assert_int_equal(world->told.count, 1);
	refuses(world, PEER, REDIS, 0, AT(2.6));
	refuses(world, PEER, REDIS, 0, AT(2.7));
	assert_int_equal(world->told.count, 2);
	assert_int_equal(told_last(&world->told)->owner.known_by, OWNER_UNKNOWN);
	told_says(told_last(&world->told), "A process cannot connect to");
	world_close(world);
}

/* Each of them is refused once, and does not come again: they are one application. */
static void workers_of_one_application(void **state)
{
	struct world *world = open_dependency();

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		world_process(world, 100 + i, 2000 + i, "php-fpm");
		assert_int_equal(refuses(world, PEER, REDIS, 100 + i, AT(0.5 + 0.5 * i)), i >= 2);
	}
	assert_int_equal(world->told.said[ALERT_RAISED], 1);
	assert_int_equal(told_last(&world->told)->severity, ALERT_WARNING);
	assert_int_equal(told_last(&world->told)->owner.process->pid, 2000);
	world_until(world, AT(80));
	assert_int_equal(world->told.said[ALERT_CLEARED], 1);
	assert_int_equal(told_last(&world->told)->total, 20);
	assert_true(told_fact(told_last(&world->told), "processes") == 20);
	told_says(&world->told.alerts[0],
		  "php-fpm (pid 2000) and 2 more like it cannot connect to ");
	world_close(world);
}

/* Others of that name, but in another container, are not. */
static void namesakes_elsewhere(void **state)
{
	struct world *world = open_dependency();

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		struct record_process record = {
			.head = RECORD_HEAD(record_process, RECORD_PROCESS),
			.number = 100 + i,
			.pid = 2000 + i,
			.uid = i % 10,
			.comm = "php-fpm",
			.cgroup = "/a",
		};

		record.cgroup[1] += i / 10;
		processes_add(&world->processes, &record);
		refuses(world, PEER, REDIS, 100 + i, AT(0.5 + 0.1 * i));
		refuses(world, PEER, REDIS, 100 + i, AT(0.5 + 0.1 * i));
	}
	assert_int_equal(world->told.count, 0);
	world_close(world);
}

static void more_targets_than_room(void **state)
{
	struct world *world = open_dependency();
	struct dependency *dependency = world->state;

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		refuses(world, PEER, REDIS, APP, AT(0.1 + i));
	for (unsigned i = 0; i < 4 * DEPENDENCY_TARGETS; i++)
		refuses(world, 0x0b000000 + i, REDIS, APP, AT(3));
	assert_int_equal(dependency->targets.used, DEPENDENCY_TARGETS);
	assert_true(refuses(world, PEER, REDIS, APP, AT(3.5)));
	assert_int_equal(told_last(&world->told)->total, 3);
	world_until(world, AT(80));
	assert_int_equal(told_last(&world->told)->total, 4);
	world_close(world);
}

/* The reader was held up, and events of several CPUs are out of order. */
static void long_slices(void **state)
{
	struct world *world = open_dependency();
	static const double times[] = {50, 30, 70, 20};

	(void)state;
	world_slice(world, AT(90));
	for (unsigned i = 0; i < COUNT_OF(times); i++)
		assert_false(refuses(world, PEER, REDIS, APP, AT(times[i])));
	world_slice(world, AT(91));
	world_slice(world, AT(300));
	assert_int_equal(world->told.count, 0);
	world_close(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(told_at_the_third_refusal),
		cmocka_unit_test(thick_refusals_are_a_warning),
		cmocka_unit_test(a_slow_check_is_never_a_warning),
		cmocka_unit_test(a_success_ends_it),
		cmocka_unit_test(whoever_gives_up_is_quiet),
		cmocka_unit_test(a_success_between_counts),
		cmocka_unit_test(asks_for_successes_only_when_needed),
		cmocka_unit_test(the_other_family_is_no_outage),
		cmocka_unit_test(a_short_burst_of_the_other_family),
		cmocka_unit_test(each_target_is_its_own),
		cmocka_unit_test(workers_of_one_application),
		cmocka_unit_test(namesakes_elsewhere),
		cmocka_unit_test(more_targets_than_room),
		cmocka_unit_test(long_slices),
	};

	return cmocka_run_group_tests_name("dependency", tests, NULL, NULL);
}

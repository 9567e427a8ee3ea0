// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "incidents.h"

#include "outbound.h"
#include "settings.h"

#define WALKER 5
#define FIRST  0x0a000100

enum outcome { REFUSED, FAILED, CONNECTED };

static struct world *open_outbound(void)
{
	struct world *world = world_open(&outbound_detector, sizeof(struct outbound));

	world_process(world, WALKER, 4242, "walker");
	world_process(world, WALKER + 1, 4343, "other");
	return world;
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

	unit_ipv4(event.peer, peer);
	return world_event(world, &seen);
}

/* A process tries a destination; successes are told only if they are asked for. */
static void tries(struct world *world, enum outcome outcome, uint32_t peer, uint16_t port,
		  uint32_t process, uint64_t at)
{
	struct rst_signal signal = {.time_ns = at,
				    .netns = NETNS,
				    .local_port = 50000,
				    .peer_port = port,
				    .kind = outcome == CONNECTED ? RST_SIGNAL_CONNECTED
								 : RST_SIGNAL_CONNECT_FAILED,
				    .owner = process};

	unit_ipv4(signal.peer, peer);
	world_until(world, at);
	if (outcome == REFUSED)
		refuses(world, peer, port, process, at);
	else if (outcome == FAILED || world->world.watch & RST_WATCH_CONNECTS)
		world_signal(world, &signal);
}

static void told_at_the_tenth_destination(void **state)
{
	struct world *world = open_outbound();
	const struct alert *alert;

	(void)state;
	for (unsigned i = 0; i < 9; i++)
		assert_false(refuses(world, FIRST + i, 22, WALKER, AT(0.1 + 0.5 * i)));
	for (unsigned i = 0; i < 100; i++) /* again: nothing new */
		assert_false(refuses(world, FIRST + i % 9, 22, WALKER, AT(4.2)));
	assert_int_equal(world->told.count, 0);
	assert_true(refuses(world, FIRST + 9, 22, WALKER, AT(4.6)));
	assert_int_equal(world->told.count, 1);
	alert = told_last(&world->told);
	assert_int_equal(alert->status, ALERT_RAISED);
	assert_int_equal(alert->severity, ALERT_CRITICAL);
	assert_int_equal(alert->time_ns, AT(4.6));
	assert_int_equal(alert->owner.known_by, OWNER_SOCKET);
	assert_int_equal(alert->owner.process->pid, 4242);
	assert_int_equal(alert->proof, ALERT_PROOF_ANSWERED);
	assert_false(alert->has_local);
	assert_int_equal(alert->total, 10);
	assert_int_equal(alert->peers_all, 10);
	assert_int_equal(alert->peer_count, ALERT_TOP);
	assert_int_equal(alert->peers[0].key.address[14], 1); /* the first one */
	assert_int_equal(alert->peers[0].key.address[15], 0);
	assert_int_equal(alert->touched.all, 1);
	assert_int_equal(alert->touched.ports[0], 22);
	assert_true(told_fact(alert, "destinations") == 10);
	assert_true(told_fact(alert, "failures") == 10);
	assert_true(told_fact(alert, "refused") == 10);
	assert_true(told_fact(alert, "unanswered") == 0);
	assert_true(told_fact(alert, "failures_per_second") > 2.2 &&
		    told_fact(alert, "failures_per_second") < 2.3);
	assert_string_equal(alert->summary,
			    "walker (pid 4242) fails to reach 10 of 10 new destinations (10 "
			    "refused) in 4.5 s: 10 addresses, 1 port (22)");
	assert_non_null(strstr(alert->advice, "isolate"));
	world_close(world);
}

static void ports_of_one_host(void **state)
{
	struct world *world = open_outbound();
	const struct alert *alert;

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		tries(world, i % 2 ? REFUSED : FAILED, FIRST, 1 + i, WALKER, AT(0.001 * i));
	assert_int_equal(world->told.count, 1);
	assert_int_equal(told_last(&world->told)->time_ns, AT(0.019));
	world_until(world, AT(60));
	assert_int_equal(world->told.said[ALERT_CLEARED], 0);
	world_until(world, AT(61));
	assert_int_equal(world->told.said[ALERT_CLEARED], 1);
	alert = told_last(&world->told);
	/* The filter takes a few for known ones. */
	assert_true(alert->total > 950 && alert->total <= 1000);
	assert_true(told_fact(alert, "unanswered") > 470);
	assert_int_equal(alert->peers_all, 1);
	assert_int_equal(alert->touched.count, ALERT_PORTS);
	assert_true(alert->touched.all > 500 && alert->touched.all < 1500);
	told_says(alert, "has stopped: it failed to reach");
	told_says(alert, ": 1 address, ");
	world_close(world);
}

/* Nobody answers at all: hosts that are not there. */
static void dead_addresses(void **state)
{
	struct world *world = open_outbound();

	(void)state;
	for (unsigned i = 0; i < 50; i++)
		tries(world, FAILED, FIRST + i, 80, WALKER, AT(3 + 0.1 * i));
	assert_int_equal(world->told.count, 1);
	assert_int_equal(told_last(&world->told)->time_ns, AT(3.9));
	assert_int_equal(told_last(&world->told)->severity, ALERT_CRITICAL);
	assert_int_equal(told_last(&world->told)->proof, ALERT_PROOF_UNSAID);
	world_close(world);
}

/* Two processes that reach nobody at the same time: perhaps the network is down. */
static void an_outage_of_the_network_is_no_proof(void **state)
{
	struct world *world = open_outbound();

	(void)state;
	for (unsigned i = 0; i < 12; i++)
		for (unsigned k = 0; k < 2; k++)
			tries(world, FAILED, FIRST + 50 * k + i, 443, WALKER + k, AT(1 + i));
	assert_int_equal(world->told.said[ALERT_RAISED], 2);
	assert_int_equal(world->told.alerts[0].severity, ALERT_WARNING);
	assert_int_equal(world->told.alerts[1].severity, ALERT_WARNING);
	assert_non_null(strstr(world->told.alerts[0].advice, "is down"));
	/* One that somebody refuses is no outage. */
	tries(world, REFUSED, FIRST + 200, 443, WALKER, AT(14));
	assert_int_equal(told_last(&world->told)->severity, ALERT_CRITICAL);
	world_close(world);
}

static void successes_are_steps_down(void **state)
{
	struct world *world = open_outbound();

	(void)state;
	/* Two of three fail: it takes 28 destinations. */
	for (unsigned i = 0; i < 300 && !world->told.count; i++)
		tries(world, i % 3 == 2 ? CONNECTED : REFUSED, FIRST + i, 80, WALKER, AT(1 + i));
	assert_int_equal(world->told.count, 1);
	assert_true(told_fact(told_last(&world->told), "successes") > 3);
	assert_true(told_fact(told_last(&world->told), "destinations") > 20);
	world_close(world);
}

/* None of this is a scan, from its first second on. */
static void benign(void **state)
{
	struct world *world = open_outbound();
	uint64_t noise = 3;

	(void)state;
	/* A crawler: of a thousand hosts three in ten are not there. */
	for (unsigned i = 0; i < 1000; i++)
		tries(world,
		      unit_random(&noise) % 10 < 3 ? (unit_random(&noise) % 2 ? REFUSED : FAILED)
						   : CONNECTED,
		      0x0c000000 + i, 443, 20, AT(1 + 0.1 * i));
	assert_int_equal(world->told.count, 0);
	/* Six exporters that are gone, polled for an hour. */
	for (unsigned i = 0; i < 240; i++)
		for (unsigned k = 0; k < 6; k++)
			tries(world, REFUSED, FIRST, 9100 + k, 21, AT(200 + 15.0 * i));
	assert_int_equal(world->told.count, 0);
	/* A pool and its only upstream. */
	for (unsigned i = 0; i < 1000; i++)
		tries(world, REFUSED, FIRST, 5432, 22, AT(4000 + 0.01 * i));
	assert_int_equal(world->told.count, 0);
	/* A browser: of fifty connections eight fail. */
	for (unsigned i = 0; i < 50; i++)
		tries(world, i % 6 == 5 ? FAILED : CONNECTED, 0x0d000000 + i, 443, 23,
		      AT(4100 + 0.05 * i));
	assert_int_equal(world->told.count, 0);
	/* Failures of nobody in particular. */
	for (unsigned i = 0; i < 100; i++)
		tries(world, REFUSED, 0x0e000000 + i, 443, 0, AT(4200 + 0.05 * i));
	assert_int_equal(world->told.count, 0);
	/* Forty processes that each fail once. */
	for (unsigned i = 0; i < 40; i++)
		tries(world, REFUSED, FIRST, 80 + i, 100 + i, AT(4300 + 0.05 * i));
	assert_int_equal(world->told.count, 0);
	/* Nine failures an hour. */
	for (unsigned i = 0; i < 45; i++)
		tries(world, FAILED, 0x0f000000 + i, 443, 24, AT(4400 + 4500.0 * (i / 9) + i % 9));
	assert_int_equal(world->told.count, 0);
	world_close(world);
}

/* Ten failures within a moment: the verdict waits until successes would have been told. */
static void ten_at_once_wait(void **state)
{
	struct world *world = open_outbound();

	(void)state;
	for (unsigned i = 0; i < 19; i++)
		refuses(world, FIRST + i, 22, WALKER, AT(0.1));
	assert_int_equal(world->told.count, 0);
	world_until(world, AT(1));
	assert_int_equal(world->told.count, 1);
	assert_int_equal(told_last(&world->told)->severity, ALERT_CRITICAL);
	assert_int_equal(told_last(&world->told)->total, 19);
	world_close(world);
	/* Nor for long: here it was asked for at 0.12. */
	world = open_outbound();
	for (unsigned i = 0; i < 19; i++)
		refuses(world, FIRST + i, 22, WALKER, AT(0.1 + 0.01 * i));
	assert_int_equal(world->told.count, 0);
	refuses(world, FIRST + 17, 23, WALKER, AT(0.63));
	assert_int_equal(world->told.count, 1);
	world_close(world);
}

/* Of one span, all successes may be told before the first failure. */
static void order_within_a_moment_is_not_known(void **state)
{
	const struct {
		unsigned successes;
		bool waits, told;
	} cases[] = {{0, false, true}, {5, true, true}, {40, true, false}};

	(void)state;
	for (unsigned k = 0; k < 3; k++) {
		struct world *world = open_outbound();

		world->world.watch = RST_WATCH_CONNECTS;
		for (unsigned i = 0; i < cases[k].successes; i++)
			tries(world, CONNECTED, FIRST + i, 22, WALKER, AT(0.11));
		for (unsigned i = 0; i < 20; i++)
			refuses(world, FIRST + 100 + i, 22, WALKER, AT(0.1));
		assert_int_equal(world->told.count, !cases[k].waits);
		world_until(world, AT(2));
		assert_int_equal(world->told.count, cases[k].told);
		world_close(world);
	}
}

/* Sixty connects within a few milliseconds, of which a third fails; what succeeds and what is
 * refused is told apart from each other, in any order. */
static void a_fast_crawler(void **state)
{
	const unsigned order[][2] = {{REFUSED, CONNECTED}, {CONNECTED, REFUSED}};

	(void)state;
	for (unsigned k = 0; k < 2; k++) {
		struct world *world = open_outbound();

		for (unsigned round = 0; round < 50; round++)
			for (unsigned half = 0; half < 2; half++)
				for (unsigned i = 0; i < 60; i++) {
					struct rst_signal signal = {
						.time_ns = AT(0.1 + 0.06 * round + 0.0001 * i),
						.netns = NETNS,
						.peer_port = 80,
						.kind = RST_SIGNAL_CONNECTED,
						.owner = WALKER};
					uint32_t peer = FIRST + 60 * round + i;

					unit_ipv4(signal.peer, peer);
					if (i % 3 == 0 && order[k][half] == REFUSED && i < 57)
						refuses(world, peer, 80, WALKER, signal.time_ns);
					else if (i % 3 && order[k][half] == CONNECTED)
						world_signal(world, &signal);
				}
		world_until(world, AT(5));
		assert_int_equal(world->told.count, 0);
		/* It begins to scan. */
		for (unsigned i = 0; i < 15; i++)
			refuses(world, FIRST + i, 23, WALKER, AT(6 + 0.1 * i));
		assert_int_equal(world->told.count, 1);
		world_close(world);
	}
}

/* Who only succeeds is forgotten with the slice. */
static void successes_alone_take_no_room(void **state)
{
	struct world *world = open_outbound();
	const struct outbound *outbound = world->state;

	(void)state;
	world->world.watch = RST_WATCH_CONNECTS;
	for (unsigned i = 0; i < 2 * OUTBOUND_PROCESSES; i++)
		tries(world, CONNECTED, FIRST, 443, 1000 + i, AT(0.1));
	assert_int_equal(outbound->processes.used, OUTBOUND_PROCESSES);
	tries(world, REFUSED, FIRST, 443, WALKER, AT(0.2));
	world_until(world, AT(1));
	assert_int_equal(outbound->processes.used, 1);
	assert_int_equal(outbound->processes_entries[0].key.process, WALKER);
	world_close(world);
}

static void asks_for_successes_only_when_needed(void **state)
{
	struct world *world = open_outbound();

	(void)state;
	tries(world, REFUSED, FIRST, 1, WALKER, AT(0.1));
	tries(world, REFUSED, FIRST, 2, WALKER, AT(0.2));
	world_until(world, AT(1));
	assert_int_equal(world->world.watch, 0);
	tries(world, FAILED, FIRST, 3, WALKER, AT(1.2));
	assert_int_equal(world->world.watch, RST_WATCH_CONNECTS); /* at once */
	world_until(world, AT(2));
	assert_int_equal(world->world.watch, RST_WATCH_CONNECTS);
	world_until(world, AT(61));
	assert_int_equal(world->world.watch, RST_WATCH_CONNECTS);
	world_until(world, AT(62));
	assert_int_equal(world->world.watch, 0);
	world_close(world);
}

static void all_its_refusals_are_explained(void **state)
{
	struct world *world = open_outbound();
	struct rst_port_key key = {.netns = NETNS,
				   .port = 22,
				   .direction = RST_RECEIVED,
				   .cause = RST_STAGE_REFUSED,
				   .role = RST_ROLE_CLIENT,
				   .owner = WALKER};

	(void)state;
	for (unsigned i = 0; i < 19; i++)
		refuses(world, FIRST + i, 22, WALKER, AT(0.1));
	assert_false(world->detector->count(world->state, &world->world, &key, 19));
	refuses(world, FIRST + 19, 22, WALKER, AT(0.1));
	assert_true(world->detector->count(world->state, &world->world, &key, 20));
	assert_true(refuses(world, FIRST + 9, 22, WALKER, AT(0.2))); /* and this is its own, too */
	key.owner = WALKER + 1;
	assert_false(world->detector->count(world->state, &world->world, &key, 10));
	key.owner = WALKER;
	key.cause = RST_STAGE_ESTABLISHED;
	assert_false(world->detector->count(world->state, &world->world, &key, 10));
	world_close(world);
}

static void a_second_scan_counts_from_zero(void **state)
{
	struct world *world = open_outbound();
	const struct outbound *outbound = world->state;

	(void)state;
	for (unsigned i = 0; i < 20; i++)
		refuses(world, FIRST + i, 22, WALKER, AT(0.1));
	world_until(world, AT(100));
	assert_int_equal(world->told.said[ALERT_CLEARED], 1);
	/* As any other process it gives way if there is no room. */
	assert_int_equal(outbound->processes.used, 1);
	assert_false(outbound->processes_entries[0].told);
	for (unsigned i = 0; i < 19; i++)
		refuses(world, FIRST + i, 23, WALKER, AT(100));
	assert_int_equal(world->told.count, 2);
	refuses(world, FIRST + 19, 23, WALKER, AT(100));
	assert_int_equal(world->told.count, 3);
	assert_int_equal(told_last(&world->told)->number, 1);
	assert_int_equal(told_last(&world->told)->total, 20);
	assert_int_equal(told_last(&world->told)->touched.count, 1);
	assert_int_equal(told_last(&world->told)->touched.ports[0], 23);
	world_close(world);
}

/* Thousands of processes that fail once do not push out the one that scans slowly. */
static void more_processes_than_room(void **state)
{
	struct world *world = open_outbound();
	struct outbound *outbound = world->state;

	(void)state;
	for (unsigned i = 0; i < 9; i++) {
		assert_int_equal(world->told.count, 0);
		refuses(world, FIRST + i, 22, WALKER, AT(300.0 * i));
		if (i == 0)
			refuses(world, FIRST + 20, 22, WALKER, AT(0));
		for (unsigned k = 0; i && k < OUTBOUND_PROCESSES; k++)
			refuses(world, FIRST, 80, 1000 + i * OUTBOUND_PROCESSES + k,
				AT(300.0 * i + 1));
		assert_true(outbound->processes.used <= OUTBOUND_PROCESSES);
	}
	assert_int_equal(world->told.count, 1);
	assert_int_equal(told_last(&world->told)->owner.process->pid, 4242);
	world_until(world, AT(8000));
	assert_int_equal(outbound->processes.used, 0);
	world_close(world);
}

/* A process with many destinations, for hours: the filter is renewed, not full. */
static void endless_destinations(void **state)
{
	struct world *world = open_outbound();

	(void)state;
	tries(world, REFUSED, FIRST, 443, WALKER, AT(9));
	for (unsigned i = 0; i < 20000; i++) {
		struct rst_signal signal = {.time_ns = AT(10 + 0.2 * i),
					    .netns = NETNS,
					    .peer_port = 443,
					    .kind = i % 10 ? RST_SIGNAL_CONNECTED
							   : RST_SIGNAL_CONNECT_FAILED,
					    .owner = WALKER};

		unit_ipv4(signal.peer, 0x0c000000 + i);
		world_signal(world, &signal);
	}
	assert_int_equal(world->told.count, 0);
	for (unsigned i = 0; i < 30; i++)
		tries(world, REFUSED, 0x0d000000 + i, 443, WALKER, AT(4200 + 0.2 * i));
	assert_int_equal(world->told.count, 1);
	world_close(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(told_at_the_tenth_destination),
		cmocka_unit_test(ports_of_one_host),
		cmocka_unit_test(dead_addresses),
		cmocka_unit_test(an_outage_of_the_network_is_no_proof),
		cmocka_unit_test(successes_are_steps_down),
		cmocka_unit_test(benign),
		cmocka_unit_test(ten_at_once_wait),
		cmocka_unit_test(order_within_a_moment_is_not_known),
		cmocka_unit_test(a_fast_crawler),
		cmocka_unit_test(successes_alone_take_no_room),
		cmocka_unit_test(asks_for_successes_only_when_needed),
		cmocka_unit_test(all_its_refusals_are_explained),
		cmocka_unit_test(a_second_scan_counts_from_zero),
		cmocka_unit_test(more_processes_than_room),
		cmocka_unit_test(endless_destinations),
	};

	return cmocka_run_group_tests_name("outbound", tests, NULL, NULL);
}

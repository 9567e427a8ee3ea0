// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "handshaking.h"

#define KIND ALERT_ACCEPT_QUEUE_FULL

static const struct alert *raised(const struct host *host)
{
	return told_first(&host->told, KIND, ALERT_RAISED);
}

/* Its clients come at that rate, and it has accepted at once for 20 s. */
static struct host *open_service(uint32_t backlog, double clients)
{
	struct host *host = host_open(backlog);

	host->backlog = backlog;
	host->clients = clients;
	host->accepts = 100000;
	host_run(host, 20);
	assert_int_equal(host->told.count, 0);
	return host;
}

/* One look at a socket, and the end of its slice. */
static void look(struct host *host, uint32_t queue, uint32_t backlog, uint32_t drops,
		 unsigned seconds)
{
	uint64_t start_ns = host_ns(host);

	host->now_ms += seconds * 1000;
	host->now.time_ns = host_ns(host);
	host->now.accept_queue = queue;
	host->now.backlog = backlog;
	host->now.drops = drops;
	detect_listening(&host->detect, &host->now);
	host->watch = detect_step(&host->detect, start_ns, host_ns(host));
}

static void a_stopped_program_is_named(void **state)
{
	static const uint32_t backlogs[] = {8, 64, 128, 511};

	(void)state;
	for (unsigned i = 0; i < COUNT_OF(backlogs); i++) {
		struct host *host = open_service(backlogs[i], 200);
		uint64_t since_ms = host->now_ms;
		double fill_s = backlogs[i] / 200.0;
		const struct alert *alert;

		host->accepts = 0;
		host_run(host, fill_s + 10);
		alert = raised(host);
		assert_non_null(alert);
		assert_in_range(alert->time_ns / 1000000 - since_ms, 0, fill_s * 1000 + 2000);
		assert_int_equal(alert->severity, ALERT_WARNING);
		assert_int_equal(alert->local_port, PORT);
		assert_int_equal(alert->owner.process->pid, 812);
		assert_int_equal(told_fact(alert, "backlog"), backlogs[i]);
		assert_in_range(told_fact(alert, "accept_queue"), backlogs[i], backlogs[i] + 1);
		alert = told_first(&host->told, KIND, ALERT_UPDATED);
		assert_non_null(alert);
		assert_int_equal(alert->severity, ALERT_CRITICAL);
		assert_string_equal(told_word(alert, "program"), "stuck");
		told_says(alert, "the program is stuck");
		assert_non_null(strstr(alert->advice, "dump its stacks"));
		assert_int_equal(host->told.count, 2);
		free(host);
	}
}

static void it_is_over_when_the_queue_is(void **state)
{
	struct host *host = open_service(64, 100);
	const struct alert *alert;

	(void)state;
	host->accepts = 0;
	host_run(host, 10);
	host->accepts = 100000;
	host_run(host, 9);
	assert_int_equal(told_count(&host->told, KIND, ALERT_CLEARED), 0);
	host_run(host, 5);
	alert = told_first(&host->told, KIND, ALERT_CLEARED);
	assert_non_null(alert);
	assert_true(alert->ended);
	assert_true(alert->total > 100);
	told_says(alert, "was full for ");
	assert_int_equal(host->watch & RST_WATCH_OPENS, 0);
	free(host);
}

static void a_slow_program_is_no_stuck_one(void **state)
{
	struct host *host = open_service(8, 50);
	const struct alert *alert;

	(void)state;
	host->accepts = 2;
	host_run(host, 30);
	alert = told_first(&host->told, KIND, ALERT_UPDATED);
	assert_non_null(alert);
	assert_string_equal(told_word(alert, "program"), "slow");
	assert_in_range(told_fact(alert, "accepts_per_second"), 1, 3);
	assert_non_null(strstr(alert->advice, "backlog is small"));
	assert_null(told_first(&host->told, ALERT_SYN_FLOOD, ALERT_RAISED));
	free(host);
}

static void overload_asks_for_workers(void **state)
{
	struct host *host = open_service(64, 300);

	(void)state;
	host->accepts = 250;
	host_run(host, 30);
	assert_non_null(raised(host));
	assert_non_null(strstr(raised(host)->advice, "more workers"));
	assert_null(told_first(&host->told, ALERT_SYN_FLOOD, ALERT_RAISED));
	free(host);
}

/* Its clients' handshakes hang, and their SYN-ACKs are sent again: many, at once and late. */
static void a_listener_that_does_not_accept_is_no_flood(void **state)
{
	static const unsigned round_trips[] = {5, 80, 200};

	(void)state;
	for (unsigned i = 0; i < 60; i++) {
		struct host *host = host_open(i);

		host->backlog = (uint32_t[]){16, 128, 1000}[i % 3];
		host->cookies = i / 3 % 3;
		host->rtt_ms = round_trips[i / 9 % 3];
		host->loss = i % 2 ? 0.01 : 0;
		host->clients = 300;
		host->accepts = 100000;
		host_run(host, 6);
		host->clients = 1000; /* a burst that it has no room for */
		host->accepts = i % 4 * 20;
		host_run(host, 12);
		host->accepts = 100000;
		host_run(host, 15);
		assert_null(told_first(&host->told, ALERT_SYN_FLOOD, ALERT_RAISED));
		assert_non_null(raised(host));
		free(host);
	}
}

static void a_flood_is_no_full_queue(void **state)
{
	(void)state;
	for (unsigned cookies = 0; cookies < 3; cookies++) {
		struct host *host = open_service(64, 50);

		host->cookies = cookies;
		host->flood = 500;
		host_run(host, 20);
		assert_null(raised(host));
		assert_non_null(told_first(&host->told, ALERT_SYN_FLOOD, ALERT_RAISED));
		free(host);
	}
}

static void a_full_queue_that_drops_nothing_is_none(void **state)
{
	struct host *host = host_open(1);

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		look(host, 129, 128, 5, 1);
	assert_int_equal(host->told.count, 0);
	assert_int_equal(host->watch, RST_WATCH_OPENS);
	/* Nor are drops with room in it. */
	for (unsigned i = 0; i < 10; i++)
		look(host, 10, 128, 5 + i * 50, 1);
	assert_int_equal(host->told.count, 0);
	free(host);
}

static void what_was_dropped_before_the_run_does_not_count(void **state)
{
	struct host *host = host_open(1);

	(void)state;
	look(host, 129, 128, 70000, 1);
	assert_int_equal(host->told.count, 0);
	look(host, 129, 128, 70001, 1);
	assert_int_equal(host->told.count, 1);
	assert_int_equal(host->told.alerts[0].total, 1);
	free(host);
}

static void a_new_listener_has_dropped_nothing_before(void **state)
{
	struct host *host = host_open(1);
	struct rst_listener change = {.time_ns = host_ns(host),
				      .socket = SOCKET,
				      .netns = NETNS,
				      .owner = PROCESS,
				      .port = PORT,
				      .change = RST_LISTENER_OPENED};

	(void)state;
	detect_listener(&host->detect, &change);
	look(host, 17, 16, 3, 1);
	assert_int_equal(host->told.count, 1);
	/* It stops listening: over. */
	change.change = RST_LISTENER_CLOSED;
	change.time_ns = host_ns(host);
	detect_listener(&host->detect, &change);
	host->watch = detect_step(&host->detect, host_ns(host), host_ns(host) + SECOND_NS);
	assert_int_equal(host->told.count, 2);
	assert_int_equal(host->told.alerts[1].status, ALERT_CLEARED);
	free(host);
}

static void drops_are_counted_modulo_2_to_the_32(void **state)
{
	struct host *host = host_open(1);

	(void)state;
	look(host, 129, 128, UINT32_MAX - 1, 1);
	look(host, 129, 128, 3, 1);
	assert_int_equal(host->told.count, 1);
	assert_int_equal(host->told.alerts[0].total, 5);
	free(host);
}

/* A suspended machine: one look after a long time is one look. */
static void a_long_slice_is_one_look(void **state)
{
	struct host *host = host_open(1);

	(void)state;
	look(host, 0, 128, 0, 1);
	look(host, 129, 128, 40, 20);
	assert_int_equal(host->told.count, 1);
	assert_int_equal(host->told.alerts[0].severity, ALERT_WARNING);
	assert_int_equal(told_fact(&host->told.alerts[0], "drops_per_second"), 2);
	assert_null(strstr(host->told.alerts[0].summary, "stuck"));
	free(host);
}

static void drops_in_three_windows_are_critical(void **state)
{
	struct host *host = host_open(1);

	(void)state;
	look(host, 0, 128, 0, 1);
	for (unsigned i = 1; i <= 3; i++) {
		look(host, 129, 128, i, 1);
		for (unsigned j = 0; j < 8; j++)
			look(host, 90, 128, i, 1);
	}
	assert_int_equal(host->told.count, 2);
	assert_int_equal(host->told.alerts[1].severity, ALERT_CRITICAL);
	free(host);
}

static void sockets_that_share_a_port_are_one_alert(void **state)
{
	struct host *host = host_open(1);

	(void)state;
	for (unsigned second = 0; second < 20; second++) {
		for (unsigned i = 0; i < 2; i++) {
			host->now.socket = SOCKET + i * 4096;
			host->now.time_ns = host_ns(host) + SECOND_NS;
			host->now.backlog = 8;
			/* The second one recovers after 3 s. */
			host->now.accept_queue = i && second > 3 ? 0 : 9;
			host->now.drops = i && second > 3 ? 3 : second;
			detect_listening(&host->detect, &host->now);
		}
		detect_step(&host->detect, host_ns(host), host_ns(host) + SECOND_NS);
		host->now_ms += 1000;
	}
	assert_int_equal(told_count(&host->told, KIND, ALERT_RAISED), 1);
	assert_int_equal(told_count(&host->told, KIND, ALERT_CLEARED), 0);
	free(host);
}

static void many_listeners_need_no_more_memory(void **state)
{
	struct host *host = host_open(1);

	(void)state;
	for (unsigned i = 0; i < 3 * ACCEPTQUEUE_SOCKETS; i++) {
		host->now.socket = SOCKET + i * 4096;
		host->now.port = i % 60000 + 1;
		look(host, 1, 128, i, 0);
	}
	assert_int_equal(host->told.count, 0);
	assert_int_equal(host->detect.acceptqueue.sockets.used, ACCEPTQUEUE_SOCKETS);
	look(host, 129, 128, 4 * ACCEPTQUEUE_SOCKETS, 1);
	assert_int_equal(host->told.count, 1);
	free(host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stopped_program_is_named),
		cmocka_unit_test(it_is_over_when_the_queue_is),
		cmocka_unit_test(a_slow_program_is_no_stuck_one),
		cmocka_unit_test(overload_asks_for_workers),
		cmocka_unit_test(a_listener_that_does_not_accept_is_no_flood),
		cmocka_unit_test(a_flood_is_no_full_queue),
		cmocka_unit_test(a_full_queue_that_drops_nothing_is_none),
		cmocka_unit_test(what_was_dropped_before_the_run_does_not_count),
		cmocka_unit_test(a_new_listener_has_dropped_nothing_before),
		cmocka_unit_test(drops_are_counted_modulo_2_to_the_32),
		cmocka_unit_test(a_long_slice_is_one_look),
		cmocka_unit_test(drops_in_three_windows_are_critical),
		cmocka_unit_test(sockets_that_share_a_port_are_one_alert),
		cmocka_unit_test(many_listeners_need_no_more_memory),
	};

	return cmocka_run_group_tests_name("acceptqueue", tests, NULL, NULL);
}

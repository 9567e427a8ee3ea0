// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detecting.h"

#define CLIENT 0x0a000009 /* 10.0.0.9 */
#define PORT   8081

/* Forged SYNs. */
static void flood(struct detecting *all, unsigned count, unsigned a_second, uint16_t port)
{
	static uint64_t noise = 3;

	for (unsigned i = 0; i < count; i++) {
		detecting_pass(all, SECOND_NS / a_second);
		detecting_refuse(all, (uint32_t)unit_random(&noise), port);
	}
}

static struct rst_port_key key_of(uint16_t port)
{
	return (struct rst_port_key){.netns = NETNS,
				     .port = port,
				     .direction = RST_SENT,
				     .cause = RST_CLOSED_PORT,
				     .role = RST_ROLE_SERVER};
}

static unsigned raised(const struct detecting *all)
{
	return told_count(&all->told, ALERT_CLOSED_PORT_FLOOD, ALERT_RAISED);
}

static void told_within_a_second(void **state)
{
	struct detecting *all = detecting_open();
	const struct alert *alert = &all->told.alerts[0];

	(void)state;
	flood(all, 59, 1000, PORT);
	told_silent(&all->told, ANY_KIND);
	flood(all, 10, 1000, PORT);
	assert_int_equal(all->told.count, 1);
	assert_int_equal(alert->kind, ALERT_CLOSED_PORT_FLOOD);
	assert_in_range(alert->time_ns - START_NS, 60 * MILLI_NS, 70 * MILLI_NS);
	assert_int_equal(alert->severity, ALERT_WARNING);
	assert_int_equal(alert->proof, ALERT_PROOF_NONE);
	assert_true(alert->has_local);
	assert_int_equal(alert->local_port, PORT);
	assert_int_equal(alert->netns, NETNS);
	assert_in_range(alert->total, 60, 69);
	assert_in_range(alert->peers_all, 50, 80);
	assert_true(alert->peers_estimated);
	assert_int_equal(alert->peer_count, 0); /* nobody to blame */
	told_says(alert, "Port 8081, on which nobody listens, gets 6");
	assert_non_null(strstr(alert->advice, "Drop"));
	assert_non_null(strstr(alert->advice, "Do not block"));
	free(all);
}

/* Totals are those of the counters, and hardly any event of it is left to be seen as a scan. */
static void counts_it_exactly(void **state)
{
	struct detecting *all = detecting_open();
	struct rst_port_key key = key_of(PORT), other = key_of(PORT + 1);
	struct rst_port_key aborted = key, received = key;
	const struct alert *alert;

	(void)state;
	aborted.cause = RST_ABORTED;
	received.direction = RST_RECEIVED;
	for (unsigned second = 0; second < 20; second++) {
		flood(all, 899, 900, PORT);
		/* Half of the events were lost. */
		assert_int_equal(detect_count(&all->detect, &key, 1700), 1700);
		key.reason++;
		assert_int_equal(detect_count(&all->detect, &key, 100), 100);
		assert_int_equal(detect_count(&all->detect, &other, 100), 0);
		assert_int_equal(detect_count(&all->detect, &aborted, 100), 0);
		assert_int_equal(detect_count(&all->detect, &received, 100), 0);
		detecting_pass(all, SECOND_NS - all->now_ns % SECOND_NS);
	}
	assert_int_equal(raised(all), 1);
	detecting_pass(all, 65 * SECOND_NS);
	alert = told_last(&all->told);
	assert_int_equal(alert->status, ALERT_CLEARED);
	assert_int_equal(alert->total, 20 * 1800);
	assert_in_range(alert->peers_all, 17400, 18400);
	assert_true(told_fact(alert, "resets_per_second_max") == 1800);
	told_says(alert, "got 36000 SYNs, at most 1800/s, from about 1");
	told_says(alert, "answered each");
	assert_int_equal(told_count(&all->told, ALERT_PORT_SCAN, ANY_STATUS), 0);
	/* It is over: that port is as good as another. */
	assert_int_equal(detect_count(&all->detect, &key, 100), 0);
	free(all);
}

static void says_what_it_costs(void **state)
{
	struct detecting *all = detecting_open();
	const struct incident *incident;
	struct book_key key = {.kind = ALERT_CLOSED_PORT_FLOOD, .netns = NETNS, .port = PORT};
	struct rst_port_key counter = key_of(PORT);

	(void)state;
	flood(all, 900, 1000, PORT);
	detect_count(&all->detect, &counter, 1000);
	detecting_pass(all, 200 * MILLI_NS);
	incident = book_find(&all->detect.book, &key);
	assert_non_null(incident);
	assert_true(book_find_fact(incident, "resets_per_second") == 1000);
	assert_true(book_find_fact(incident, "reset_bytes_per_second") == 54000);
	free(all);
}

/* 25 in each second are no burst; 200 in ten seconds are a flood. */
static void a_weak_one_is_told_after_ten_seconds(void **state)
{
	struct detecting *all = detecting_open();

	(void)state;
	flood(all, 195, 25, PORT);
	told_silent(&all->told, ANY_KIND);
	flood(all, 60, 25, PORT);
	assert_int_equal(raised(all), 1);
	assert_in_range(all->told.alerts[0].time_ns - START_NS, 8 * SECOND_NS, 10 * SECOND_NS);
	assert_in_range(all->told.alerts[0].total, 200, 230);
	free(all);

	all = detecting_open();
	flood(all, 15 * 120, 15, PORT);
	assert_int_equal(raised(all), 0);
	free(all);
}

/* Hardly any event was seen, but the counters were. */
static void counters_tell_when_events_are_lost(void **state)
{
	struct detecting *all = detecting_open();
	struct rst_port_key key = key_of(PORT);

	(void)state;
	flood(all, 40, 50, PORT);
	detect_count(&all->detect, &key, 50000);
	told_silent(&all->told, ANY_KIND);
	detecting_pass(all, SECOND_NS);
	assert_int_equal(raised(all), 1);
	assert_true(told_fact(&all->told.alerts[0], "resets_per_second") == 50000);
	assert_int_equal(all->told.alerts[0].total, 50000);
	free(all);
}

/* From too few to say whether they come from many. */
static void a_few_events_tell_nothing(void **state)
{
	struct detecting *all = detecting_open();
	struct rst_port_key key = key_of(PORT);

	(void)state;
	flood(all, 20, 50, PORT);
	detect_count(&all->detect, &key, 50000);
	detecting_pass(all, SECOND_NS);
	told_silent(&all->told, ANY_KIND);
	free(all);
}

/* The reader was paused for a minute: a slice of 300 is 5/s. */
static void a_long_slice_is_no_flood(void **state)
{
	struct detecting *all = detecting_open();
	struct rst_port_key key = key_of(PORT);
	uint64_t noise = 5;

	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		struct rst_event event =
			detecting_event_of(all, (uint32_t)unit_random(&noise), PORT, RST_FLAG_SYN);

		event.time_ns += i * SECOND_NS / 5;
		detecting_feed(all, &event, NULL);
	}
	detect_count(&all->detect, &key, 300);
	detect_step(&all->detect, START_NS, START_NS + 60 * SECOND_NS);
	assert_int_equal(raised(all), 0);
	free(all);
}

/* Five seconds on, 25 off: one incident. */
static void pulses_are_one_incident(void **state)
{
	struct detecting *all = detecting_open();

	(void)state;
	for (unsigned pulse = 0; pulse < 5; pulse++) {
		flood(all, 500, 100, PORT);
		detecting_pass(all, 25 * SECOND_NS);
	}
	assert_int_equal(raised(all), 1);
	assert_int_equal(told_count(&all->told, ALERT_CLOSED_PORT_FLOOD, ALERT_CLEARED), 0);
	detecting_pass(all, 61 * SECOND_NS);
	assert_int_equal(told_count(&all->told, ALERT_CLOSED_PORT_FLOOD, ALERT_CLEARED), 1);
	assert_int_equal(told_last(&all->told)->total, 2500);
	free(all);
}

/* Random ports make room for each other, not in place of one that is flooded. */
static void found_among_many_ports(void **state)
{
	struct detecting *all = detecting_open();
	uint64_t noise = 11;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		flood(all, 1, 5000, 1 + unit_random(&noise) % 60000);
		if (i % 50 == 0)
			flood(all, 1, 1000, PORT);
	}
	assert_int_equal(raised(all), 2);
	assert_int_equal(all->told.alerts[0].local_port, 0); /* all of them */
	assert_int_equal(all->told.alerts[1].local_port, PORT);
	free(all);
}

static void each_port_for_itself(void **state)
{
	struct detecting *all = detecting_open();

	(void)state;
	/* No more than the book has room for, time and again. */
	for (unsigned round = 1; round <= 3; round++) {
		for (unsigned port = 1; port <= 30; port++)
			flood(all, 100, 10000, 100 * round + port);
		assert_int_equal(raised(all), 20 * round);
		/* That of all ports comes back, and has to be quiet for longer. */
		detecting_pass(all, 260 * SECOND_NS);
		assert_int_equal(told_count(&all->told, ALERT_CLOSED_PORT_FLOOD, ALERT_CLEARED),
				 20 * round);
	}
	free(all);
}

/* Each SYN is for another port: one incident, and a scan among them is found. */
static void all_ports_at_once(void **state)
{
	struct detecting *all = detecting_open();
	const struct alert *alert = &all->told.alerts[0];
	struct rst_port_key key = key_of(12345);
	uint64_t noise = 11;

	(void)state;
	for (unsigned i = 0; i < 239; i++)
		flood(all, 1, 1000, 1 + unit_random(&noise) % 60000);
	told_silent(&all->told, ANY_KIND);
	for (unsigned i = 0; i < 800; i++)
		flood(all, 1, 1000, 1 + unit_random(&noise) % 60000);
	assert_int_equal(raised(all), 1);
	assert_false(alert->has_local);
	assert_in_range(alert->peers_all, 210, 270);
	told_says(alert, "Many ports, on which nobody listens, get 240 SYNs/s");
	assert_non_null(strstr(alert->advice, "Do not block"));
	/* Of those that have no watch of their own, too. */
	assert_int_equal(detect_count(&all->detect, &key, 1000), 1000);
	for (uint16_t port = 1; port <= 4; port++)
		detecting_refuse(all, 0xc0000207, port);
	assert_int_equal(told_count(&all->told, ALERT_PORT_SCAN, ALERT_RAISED), 0); /* frozen */
	detecting_refuse(all, 0xc0000207, 5);
	assert_int_equal(told_count(&all->told, ALERT_PORT_SCAN, ALERT_RAISED), 1);
	detecting_pass(all, 75 * SECOND_NS);
	alert = told_last(&all->told);
	assert_int_equal(told_count(&all->told, ALERT_CLOSED_PORT_FLOOD, ALERT_CLEARED), 1);
	free(all);
}

/* One port is no reason to speak of many. */
static void one_port_is_not_many(void **state)
{
	struct detecting *all = detecting_open();

	(void)state;
	flood(all, 10000, 1000, PORT);
	flood(all, 25 * 60, 25, PORT + 1);
	assert_int_equal(raised(all), 2);
	assert_int_equal(all->told.alerts[0].local_port, PORT);
	assert_int_equal(all->told.alerts[1].local_port, PORT + 1);
	free(all);
}

/* --- what must stay silent --- */

static void a_retry_storm(void **state)
{
	struct detecting *all = detecting_open();
	struct rst_port_key key = key_of(PORT);

	(void)state;
	for (unsigned second = 0; second < 60; second++) {
		for (unsigned i = 0; i < 200; i++) {
			detecting_refuse(all, CLIENT, PORT);
			detecting_pass(all, 4 * MILLI_NS);
		}
		assert_int_equal(detect_count(&all->detect, &key, 200), 0);
		detecting_pass(all, 200 * MILLI_NS);
	}
	/* Forty of them. */
	for (unsigned i = 0; i < 20000; i++) {
		detecting_refuse(all, CLIENT + i % 40, PORT + 1);
		detecting_pass(all, 5 * MILLI_NS);
	}
	told_silent(&all->told, ANY_KIND);
	free(all);
}

/* A service was taken away before we looked, and its clients miss it. */
static void clients_of_ours(void **state)
{
	struct detecting *all = detecting_open();

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		detecting_send(all, CLIENT + i % 1000, PORT, RST_FLAG_SYN,
			       i % 2 ? RST_EVENT_KNOWN : 0);
		detecting_pass(all, 2 * MILLI_NS);
	}
	assert_int_equal(raised(all), 0);
	free(all);
}

static void a_scan(void **state)
{
	struct detecting *all = detecting_open();

	(void)state;
	for (unsigned port = 1; port < 5000; port++)
		detecting_refuse(all, CLIENT, port);
	detecting_pass(all, 2 * SECOND_NS);
	assert_int_equal(raised(all), 0);
	assert_int_equal(told_count(&all->told, ALERT_PORT_SCAN, ALERT_RAISED), 1);
	free(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(told_within_a_second),
		cmocka_unit_test(counts_it_exactly),
		cmocka_unit_test(says_what_it_costs),
		cmocka_unit_test(a_weak_one_is_told_after_ten_seconds),
		cmocka_unit_test(counters_tell_when_events_are_lost),
		cmocka_unit_test(a_few_events_tell_nothing),
		cmocka_unit_test(a_long_slice_is_no_flood),
		cmocka_unit_test(pulses_are_one_incident),
		cmocka_unit_test(found_among_many_ports),
		cmocka_unit_test(each_port_for_itself),
		cmocka_unit_test(all_ports_at_once),
		cmocka_unit_test(one_port_is_not_many),
		cmocka_unit_test(a_retry_storm),
		cmocka_unit_test(clients_of_ours),
		cmocka_unit_test(a_scan),
	};

	return cmocka_run_group_tests_name("portflood", tests, NULL, NULL);
}

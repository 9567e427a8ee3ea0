// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "handshaking.h"

#define KIND ALERT_SYN_FLOOD

static const struct alert *raised(const struct host *host)
{
	return told_first(&host->told, KIND, ALERT_RAISED);
}

/* Clients have come for 20 s at that rate, and nothing was said. */
static struct host *open_service(uint64_t seed, uint32_t backlog, unsigned cookies, double clients)
{
	struct host *host = host_open(seed);

	host->backlog = backlog;
	host->cookies = cookies;
	host->clients = clients;
	host->loss = 0.01;
	host->rtt_ms = 80;
	host_run(host, 20);
	assert_int_equal(host->told.count, 0);
	return host;
}

/* The longest delay of several floods of that rate, in ms; each is told once. */
static uint64_t measure(uint32_t backlog, unsigned cookies, double clients, double flood)
{
	uint64_t longest = 0;

	for (unsigned seed = 0; seed < 5; seed++) {
		struct host *host = open_service(seed, backlog, cookies, clients);
		uint64_t since_ms = host->now_ms, delay_ms;

		host->flood = flood;
		host_run(host, 12);
		assert_int_equal(told_count(&host->told, KIND, ALERT_RAISED), 1);
		delay_ms = raised(host)->time_ns / 1000000 - since_ms;
		if (delay_ms > longest)
			longest = delay_ms;
		assert_int_equal(raised(host)->local_port, PORT);
		assert_int_equal(raised(host)->proof, ALERT_PROOF_NONE);
		assert_null(strstr(raised(host)->advice, "block them"));
		free(host);
	}
	return longest;
}

static void a_flood_is_told_in_time(void **state)
{
	static const struct {
		double clients, flood;
		uint64_t within_ms;
	} cases[] = {
		{0, 10, 8000},	   {0, 25, 3500},     {0, 50, 2500},   {0, 200, 2000},
		{0, 1000, 2000},   {0, 10000, 2000},  {100, 25, 3500}, {100, 50, 2500},
		{100, 1000, 2000}, {1000, 200, 4000},
	};

	(void)state;
	for (unsigned i = 0; i < COUNT_OF(cases); i++)
		for (unsigned small = 0; small < 2; small++)
			for (unsigned cookies = 0; cookies < 2; cookies++)
				assert_in_range(measure(small ? 128 : 4096, cookies,
							cases[i].clients, cases[i].flood),
						1000, cases[i].within_ms);
	assert_in_range(measure(4096, 1, 1000, 50), 1000, 4000);
}

static void a_flood_behind_cookies_is_told_in_time(void **state)
{
	static const struct {
		double clients, flood;
		uint64_t within_ms;
	} cases[] = {{0, 50, 2200},    {0, 1000, 2010}, {0, 10000, 2100},
		     {100, 200, 2600}, {100, 50, 6000}, {1000, 1000, 2600}};

	(void)state;
	for (unsigned i = 0; i < COUNT_OF(cases); i++)
		assert_in_range(measure(4096, 2, cases[i].clients, cases[i].flood), 0,
				cases[i].within_ms);
}

/* A twentieth of the load, where each SYN is answered with a cookie: strangers give it away. */
static void a_small_flood_among_regulars_is_told(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		struct host *host = host_open(i);
		uint64_t since_ms;

		host->cookies = 2;
		host->regulars = true;
		host->loss = 0.01;
		host->clients = 1000;
		host_run(host, 12);
		told_silent(&host->told, KIND);
		since_ms = host->now_ms;
		host->flood = i % 2 ? 50 : 200;
		host_run(host, 10);
		assert_int_equal(told_count(&host->told, KIND, ALERT_RAISED), 1);
		assert_in_range(raised(host)->time_ns / 1000000 - since_ms, 0, i % 2 ? 4000 : 3000);
		assert_int_equal(raised(host)->local_port, PORT);
		assert_string_equal(told_word(raised(host), "kind"), "spoofed");
		free(host);
	}
}

/* There, more is lost than before, and then ten times as many come. */
static void regulars_that_lose_more_are_no_flood(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		struct host *host = host_open(i);

		host->cookies = 2;
		host->regulars = i % 2;
		host->loss = 0.002;
		host->rtt_ms = 20 + i % 4 * 60;
		host->clients = 100;
		host_run(host, 12);
		host->loss = host->regulars ? 0.05 : 0.002;
		host_run(host, 10);
		host->clients = 1000;
		host_run(host, 10);
		told_silent(&host->told, KIND);
		free(host);
	}
}

/* Whatever the load, the losses and the distance; x10 within a moment, and gone again. */
static void clients_are_no_flood(void **state)
{
	static const double loads[] = {10, 200, 1000, 5000}, losses[] = {0.005, 0.01, 0.03, 0.05};
	static const unsigned round_trips[] = {0, 20, 80, 200};

	(void)state;
	for (unsigned i = 0; i < COUNT_OF(loads) * COUNT_OF(losses) * COUNT_OF(round_trips); i++) {
		struct host *host = host_open(i);

		host->backlog = i % 2 ? 128 : 65535;
		host->cookies = i % 3;
		host->loss = losses[i / 4 % 4];
		host->rtt_ms = round_trips[i / 16];
		host->vanishing = 0.5;
		host->clients = loads[i % 4] / 10;
		host_run(host, 6);
		host->clients = loads[i % 4];
		host_run(host, 12);
		host->clients = 0;
		host_run(host, 5);
		assert_int_equal(host->told.count, 0);
		free(host);
	}
}

/* An idle service, and all at once more clients than its queue holds: for a moment, and for long.
 */
static void a_burst_is_no_flood(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 60; i++) {
		struct host *host = host_open(i);

		host->backlog = (uint32_t[]){16, 128, 4096}[i % 3];
		host->cookies = i / 3 % 3;
		host->loss = i % 2 ? 0.02 : 0;
		host->rtt_ms = i % 5 * 50;
		host_run(host, 5 + i * 0.017);
		host->clients = 3000;
		host_run(host, i % 4 ? 0.2 : 6);
		host->clients = 0;
		host_run(host, 6);
		assert_int_equal(told_count(&host->told, KIND, ALERT_RAISED), 0);
		free(host);
	}
}

/* Some 30 of them are stale at any time. */
static void clients_that_vanish_are_no_flood(void **state)
{
	struct host *host = host_open(4);

	(void)state;
	host->clients = 20;
	host->vanishing = 0.5;
	host_run(host, 300);
	assert_true(host->now.half_open - host->now.young > 20);
	assert_int_equal(host->told.count, 0);
	free(host);
}

static void clients_that_say_nothing_are_no_flood(void **state)
{
	struct host *host = host_open(4);

	(void)state;
	host->deferred = true;
	host->vanishing = 100;
	host_run(host, 30);
	assert_true(host->now.half_open - host->now.young > 1000);
	assert_int_equal(host->told.count, 0);
	free(host);
}

static void forged_sources_are_not_named(void **state)
{
	struct host *host = open_service(1, 4096, 1, 0);
	const struct alert *alert;

	(void)state;
	host->flood = 1000;
	host_run(host, 5);
	alert = raised(host);
	assert_string_equal(told_word(alert, "kind"), "spoofed");
	assert_int_equal(alert->severity, ALERT_WARNING);
	assert_int_equal(alert->owner.process->pid, 812);
	assert_int_equal(alert->owner.known_by, OWNER_LISTENER);
	assert_int_equal(told_fact(alert, "backlog"), 4096);
	assert_true(told_fact(alert, "stale") >= 30);
	assert_true(told_fact(alert, "distinct_sources") >= 0.95 * told_fact(alert, "sampled"));
	told_says(alert, "SYN flood at port 8080 of nginx (pid 812");
	told_says(alert, "looks forged");
	assert_int_equal(alert->peer_count, ALERT_TOP);
	for (unsigned i = 0; i < ALERT_TOP; i++)
		assert_int_equal(alert->peers[i].count, 1);
	assert_non_null(strstr(alert->advice, "Do not block"));
	/* When it began: a second before the first SYN-ACK was sent again. */
	assert_in_range(alert->first_seen_ns / 1000000, 1020000 - 20, 1020000 + 400);
	free(host);
}

static void few_sources_are_named_and_not_proven(void **state)
{
	struct host *host = open_service(1, 4096, 1, 50);
	const struct alert *alert;
	uint8_t attacker[16];

	(void)state;
	host->few = 1;
	host->flood = 500;
	host_run(host, 5);
	alert = raised(host);
	unit_ipv4(attacker, ATTACKER);
	assert_string_equal(told_word(alert, "kind"), "few_sources");
	assert_int_equal(alert->proof, ALERT_PROOF_NONE);
	assert_memory_equal(alert->peers[0].key.address, attacker, 16);
	assert_true(alert->peers[0].count >= 0.9 * told_fact(alert, "sampled"));
	told_says(alert, "10.0.1.99 (not proven)");
	free(host);
	/* The same from a /24. */
	host = open_service(1, 4096, 1, 50);
	host->few = 100;
	host->flood = 500;
	host_run(host, 5);
	assert_string_equal(told_word(raised(host), "kind"), "few_sources");
	free(host);
}

static void it_tells_what_it_came_to(void **state)
{
	struct host *host = open_service(1, 128, 1, 0);
	const struct alert *alert;

	(void)state;
	host->flood = 200;
	host_run(host, 10);
	host->flood = 0;
	assert_int_equal(host->watch, RST_WATCH_OPENS | RST_WATCH_SYNS);
	host_run(host, 100);
	assert_int_equal(told_count(&host->told, KIND, ALERT_RAISED), 1);
	assert_int_equal(told_count(&host->told, KIND, ALERT_CLEARED), 1);
	alert = told_first(&host->told, KIND, ALERT_CLEARED);
	assert_in_range(alert->total, host->syns * 8 / 10, host->syns * 12 / 10);
	assert_string_equal(told_word(alert, "syncookies"), "on");
	told_says(alert, "is over: ");
	assert_int_equal(host->watch, 0);
	free(host);
}

static void without_cookies_clients_are_hit(void **state)
{
	struct host *host = open_service(1, 128, 0, 20);
	const struct alert *alert;

	(void)state;
	host->flood = 300;
	host_run(host, 6);
	alert = told_last(&host->told);
	assert_int_equal(alert->kind, KIND);
	assert_int_equal(alert->severity, ALERT_CRITICAL);
	assert_string_equal(told_word(alert, "syncookies"), "off");
	assert_non_null(strstr(alert->advice, "net.ipv4.tcp_syncookies=1"));
	assert_true(told_fact(alert, "drops") > 100);
	free(host);
}

static void pulses_are_one_alert(void **state)
{
	struct host *host = open_service(1, 4096, 1, 0);

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		host->flood = 200;
		host_run(host, 5);
		host->flood = 0;
		host_run(host, 25);
	}
	assert_int_equal(told_count(&host->told, KIND, ALERT_RAISED), 1);
	assert_int_equal(told_count(&host->told, KIND, ALERT_CLEARED), 0);
	host_run(host, 60);
	assert_int_equal(told_count(&host->told, KIND, ALERT_CLEARED), 1);
	free(host);
}

/* Nothing tells of the port but the SYNs, and where there is one listener, that. */
static void cookies_hide_the_port_and_samples_tell_it(void **state)
{
	struct rst_listener change = {.time_ns = 1,
				      .socket = SOCKET,
				      .netns = NETNS,
				      .port = PORT,
				      .owner = PROCESS,
				      .change = RST_LISTENER_OPENED};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct host *host = host_open(1);

		host->cookies = 2;
		listeners_add(&host->listeners, &change);
		if (i == 2) {
			change.socket++;
			change.port++;
			listeners_add(&host->listeners, &change);
		}
		host_run(host, 5);
		host->flood = 500;
		while (!host->told.count) {
			host_tick(host);
			if (i)
				host->watch = 0; /* the kernel side cannot sample */
		}
		assert_int_equal(host->told.alerts[0].local_port, i == 2 ? 0 : PORT);
		if (i < 2)
			assert_int_equal(host->told.alerts[0].owner.process->pid, 812);
		else
			assert_null(host->told.alerts[0].owner.process);
		assert_string_equal(told_word(&host->told.alerts[0], "syncookies"), "on");
		assert_true(!!strstr(host->told.alerts[0].summary, "not known") == (i == 2));
		host_run(host, 5);
		assert_int_equal(told_count(&host->told, KIND, ALERT_RAISED), 1);
		free(host);
	}
}

static void what_this_host_sends_is_lost(void **state)
{
	(void)state;
	for (unsigned seed = 0; seed < 10; seed++) {
		struct host *host = open_service(seed, 65535, 1, 300);

		host->answers_lost = true;
		host_run(host, 20);
		assert_int_equal(told_count(&host->told, KIND, ALERT_RAISED), 1);
		assert_int_equal(raised(host)->severity, ALERT_INFO);
		assert_string_equal(told_word(raised(host), "kind"), "outbound_path_loss");
		told_says(raised(host), "seems to be lost");
		free(host);
	}
}

/* A suspended machine, or a reader that was held up: one slice of many seconds. */
static void a_long_slice_is_no_flood(void **state)
{
	for (unsigned seed = 0; seed < 10; seed++) {
		struct host *host = open_service(seed, 4096, seed % 3, 200);

		(void)state;
		host->vanishing = 1;
		host->loss = 0.05;
		host->hold_slices_ms = host->now_ms + 30000;
		host_run(host, 60);
		assert_int_equal(host->told.count, 0);
		free(host);
	}
}

/* A client that had answered waits for room in the accept queue: then it is not known whether the
 * others do before that queue was looked at. Without one there is nothing to wait for. */
static void nothing_is_said_before_a_look_at_the_queue(void **state)
{
	(void)state;
	for (unsigned waiting = 0; waiting < 2; waiting++) {
		struct host *host = host_open(2);
		struct rst_signal signal;

		host_run(host, 6);
		host->hold_slices_ms = host->now_ms + 4000;
		host_run(host, 1);
		signal = host_signal(host, RST_SIGNAL_RETRANSMIT, 7);
		signal.socket = SOCKET;
		signal.attempt = signal.half_open = signal.stale = 1;
		signal.backlog = host->backlog;
		signal.trigger = RST_FLAG_ACK;
		if (waiting)
			detect_signal(&host->detect, &signal);
		host->flood = 300;
		host_run(host, 1.5);
		assert_int_equal(host->told.count, !waiting);
		host_run(host, 1);
		assert_int_equal(host->told.count, !waiting);
		host_run(host, 2);
		assert_int_equal(told_count(&host->told, KIND, ALERT_RAISED), 1);
		free(host);
	}
}

/* However many: they are no unanswered SYNs, and that is known at once. */
static void clients_that_have_answered_are_no_flood(void **state)
{
	struct host *host = host_open(2);
	struct rst_signal signal;

	(void)state;
	host_run(host, 6);
	for (unsigned i = 1; i <= 400; i++) {
		host_run(host, 0.01);
		signal = host_signal(host, RST_SIGNAL_RETRANSMIT, i);
		signal.time_ns = host_ns(host);
		signal.socket = SOCKET;
		signal.attempt = 1;
		signal.half_open = signal.stale = i;
		signal.backlog = 4096;
		signal.trigger = RST_FLAG_ACK;
		detect_signal(&host->detect, &signal);
	}
	assert_int_equal(host->told.count, 0);
	free(host);
}

static void a_flood_that_was_there_before_is_told(void **state)
{
	struct host *host = host_open(1);
	unsigned requests = 0;

	(void)state;
	/* Before the run: nothing is heard. */
	host->cookies = 1;
	host->flood = 300;
	host->hold_slices_ms = UINT64_MAX;
	host_run(host, 60);
	requests = host->requests;
	assert_true(requests > 1500);
	memset(&host->detect.synflood, 0, sizeof(host->detect.synflood));
	synflood_detector.init(&host->detect.synflood, 1);
	host->hold_slices_ms = 0;
	host->slice_ms = host->now_ms;
	host_run(host, 12);
	assert_int_equal(told_count(&host->told, KIND, ALERT_RAISED), 1);
	free(host);
}

static void without_the_counters_of_the_kernel_it_works(void **state)
{
	struct host *host = host_open(3);

	(void)state;
	host->quiet = true;
	host_run(host, 6);
	host->flood = 50;
	host_run(host, 3);
	assert_int_equal(told_count(&host->told, KIND, ALERT_RAISED), 1);
	free(host);
}

/* --- SYNs that are withdrawn --- */

static void withdraw(struct host *host, uint32_t peer, unsigned times, unsigned every_ms)
{
	struct rst_event event = {.netns = NETNS,
				  .local_port = PORT,
				  .direction = RST_RECEIVED,
				  .cause = RST_STAGE_HANDSHAKE,
				  .role = RST_ROLE_SERVER};
	struct owner owner = {.known_by = OWNER_LISTENER,
			      .process = processes_find(&host->processes, PROCESS)};

	unit_ipv4(event.peer, peer);
	for (unsigned i = 0; i < times; i++) {
		host->now_ms += every_ms;
		event.time_ns = host_ns(host);
		event.peer_port = i;
		detect_event(&host->detect, &event, NULL, &owner);
	}
}

static void withdrawn_syns_are_churn(void **state)
{
	struct host *host = host_open(1);
	struct rst_port_key key = {.netns = NETNS,
				   .port = PORT,
				   .direction = RST_RECEIVED,
				   .cause = RST_STAGE_HANDSHAKE,
				   .role = RST_ROLE_SERVER};
	const struct alert *alert;

	(void)state;
	withdraw(host, ATTACKER, 99, 2);
	assert_int_equal(host->told.count, 0);
	withdraw(host, ATTACKER, 1, 2);
	assert_int_equal(host->told.count, 1);
	alert = &host->told.alerts[0];
	assert_int_equal(alert->severity, ALERT_INFO);
	assert_string_equal(told_word(alert, "kind"), "churn");
	assert_int_equal(alert->proof, ALERT_PROOF_ANSWERED);
	assert_int_equal(alert->total, 100);
	assert_int_equal(alert->owner.process->pid, 812);
	told_says(alert, "10.0.1.99 withdraws 100 SYNs at port 8080");
	withdraw(host, ATTACKER, 500, 2);
	assert_int_equal(host->told.count, 2);
	assert_int_equal(host->told.alerts[1].severity, ALERT_WARNING);
	/* They are explained from the hundredth on; somebody else's are not. */
	withdraw(host, ATTACKER + 1, 10, 2);
	assert_int_equal(detect_count(&host->detect, &key, 610), 501);
	free(host);
}

static void health_checks_are_no_churn(void **state)
{
	struct host *host = host_open(1);

	(void)state;
	withdraw(host, ATTACKER, 3000, 500);
	assert_int_equal(host->told.count, 0);
	for (unsigned i = 0; i < 5000; i++)
		withdraw(host, ATTACKER + i % 500, 1, 2);
	assert_int_equal(host->told.count, 0);
	free(host);
}

/* --- half-open connections --- */

static void the_limit_grows_with_the_load(void **state)
{
	(void)state;
	assert_true(halfopen_limit(0) == 25);
	assert_true(halfopen_limit(1000) > 49.9 && halfopen_limit(1000) < 50.1);
}

/* However many more are stale: one SYN-ACK that was sent again stands for one. */
static void growth_counts_as_far_as_it_was_sent_again(void **state)
{
	struct halfopen *halfopen = unit_zeroed(sizeof(*halfopen));
	struct rst_signal signal = {.kind = RST_SIGNAL_RETRANSMIT,
				    .time_ns = 5000000000,
				    .socket = SOCKET,
				    .netns = NETNS,
				    .local_port = PORT,
				    .attempt = 1,
				    .half_open = 1000,
				    .stale = 1000,
				    .backlog = 4096};
	const struct halfopen_port *port;

	(void)state;
	halfopen_init(halfopen, 1);
	(void)halfopen_signal(halfopen, &signal, 0);
	signal.time_ns++;
	signal.stale = 2000;
	port = halfopen_signal(halfopen, &signal, 0);
	assert_true(port->score > 0 && port->score < 2.1);
	/* Nor does another retransmission, or one to a client that has answered. */
	signal.time_ns++;
	signal.stale = 3000;
	signal.attempt = 2;
	(void)halfopen_signal(halfopen, &signal, 0);
	signal.attempt = 1;
	signal.trigger = RST_FLAG_ACK;
	port = halfopen_signal(halfopen, &signal, 0);
	assert_true(port->score < 2.1);
	assert_int_equal(port->answered_ns, signal.time_ns);
	free(halfopen);
}

/* --- of fixed size --- */

static void sources_are_counted(void **state)
{
	struct senders *sources = unit_zeroed(sizeof(*sources));
	uint64_t random = 1;
	uint8_t address[16];

	(void)state;
	assert_int_equal(senders_distinct(sources), 0);
	assert_null(senders_main(sources, SENDER_ADDRESS));
	for (unsigned i = 0; i < 10000; i++) {
		unit_ipv4(address, i % 5 < 2 ? ATTACKER : (uint32_t)unit_random(&random));
		senders_add(sources, address, 42);
	}
	assert_int_equal(sources->samples, SENDERS_SAMPLES);
	assert_in_range(senders_distinct(sources), 0.58 * SENDERS_SAMPLES, 0.62 * SENDERS_SAMPLES);
	unit_ipv4(address, ATTACKER);
	assert_memory_equal(senders_main(sources, SENDER_ADDRESS)->address, address, 16);
	assert_in_range(senders_main(sources, SENDER_ADDRESS)->count, 0.4 * SENDERS_SAMPLES,
			0.5 * SENDERS_SAMPLES);
	address[15] = 0;
	assert_memory_equal(senders_main(sources, SENDER_PREFIX)->address, address, 16);
	assert_true(sender_least(senders_main(sources, SENDER_PREFIX)) >= 0.39 * SENDERS_SAMPLES);
	free(sources);
}

static void many_ports_need_no_more_memory(void **state)
{
	struct host *host = host_open(1);

	(void)state;
	host_run(host, 5);
	for (unsigned i = 0; i < 50000; i++) {
		struct rst_signal signal = host_signal(host, RST_SIGNAL_RETRANSMIT, i);

		signal.socket = SOCKET + i * 4096ULL;
		signal.local_port = i % 60000 + 1;
		signal.attempt = 1;
		signal.half_open = signal.stale = 1;
		signal.backlog = 128;
		detect_signal(&host->detect, &signal);
	}
	assert_int_equal(host->told.count, 0);
	assert_int_equal(host->detect.synflood.halfopen.ports.used, HALFOPEN_PORTS);
	/* And a flood is still seen. */
	host->flood = 200;
	host_run(host, 4);
	assert_non_null(raised(host));
	assert_int_equal(raised(host)->local_port, PORT);
	free(host);
}

static void two_floods_are_two_alerts(void **state)
{
	struct host *host = open_service(1, 4096, 1, 0);

	(void)state;
	host->flood = 100;
	for (unsigned i = 0; i < 400; i++) {
		struct rst_signal signal = host_signal(host, RST_SIGNAL_RETRANSMIT, i * 977);

		host_run(host, 0.01);
		signal.time_ns = host_ns(host);
		signal.socket = SOCKET + 4096;
		signal.local_port = PORT + 1;
		signal.attempt = 1;
		signal.half_open = i + 100;
		signal.stale = i + 1;
		signal.backlog = 4096;
		detect_signal(&host->detect, &signal);
		if (host->now_ms % 1000 == host->phase_ms - TICK_MS) {
			struct rst_listening now = {.time_ns = host_ns(host),
						    .socket = signal.socket,
						    .netns = NETNS,
						    .port = PORT + 1,
						    .half_open = i + 100,
						    .young = 99,
						    .backlog = 4096};

			detect_listening(&host->detect, &now);
		}
	}
	assert_int_equal(told_count(&host->told, KIND, ALERT_RAISED), 2);
	assert_int_not_equal(host->told.alerts[0].local_port, host->told.alerts[1].local_port);
	free(host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flood_is_told_in_time),
		cmocka_unit_test(a_flood_behind_cookies_is_told_in_time),
		cmocka_unit_test(a_small_flood_among_regulars_is_told),
		cmocka_unit_test(regulars_that_lose_more_are_no_flood),
		cmocka_unit_test(clients_are_no_flood),
		cmocka_unit_test(a_burst_is_no_flood),
		cmocka_unit_test(clients_that_vanish_are_no_flood),
		cmocka_unit_test(clients_that_say_nothing_are_no_flood),
		cmocka_unit_test(forged_sources_are_not_named),
		cmocka_unit_test(few_sources_are_named_and_not_proven),
		cmocka_unit_test(it_tells_what_it_came_to),
		cmocka_unit_test(without_cookies_clients_are_hit),
		cmocka_unit_test(pulses_are_one_alert),
		cmocka_unit_test(cookies_hide_the_port_and_samples_tell_it),
		cmocka_unit_test(what_this_host_sends_is_lost),
		cmocka_unit_test(a_long_slice_is_no_flood),
		cmocka_unit_test(nothing_is_said_before_a_look_at_the_queue),
		cmocka_unit_test(clients_that_have_answered_are_no_flood),
		cmocka_unit_test(a_flood_that_was_there_before_is_told),
		cmocka_unit_test(without_the_counters_of_the_kernel_it_works),
		cmocka_unit_test(withdrawn_syns_are_churn),
		cmocka_unit_test(health_checks_are_no_churn),
		cmocka_unit_test(the_limit_grows_with_the_load),
		cmocka_unit_test(growth_counts_as_far_as_it_was_sent_again),
		cmocka_unit_test(sources_are_counted),
		cmocka_unit_test(many_ports_need_no_more_memory),
		cmocka_unit_test(two_floods_are_two_alerts),
	};

	return cmocka_run_group_tests_name("synflood", tests, NULL, NULL);
}

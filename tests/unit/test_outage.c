// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What is down, and who cannot get out, through the whole pipeline: each refusal has one owner. */
#include "records.h"

#define NETNS 7
#define WEB   5
#define APP   6
#define MS    (SECOND_NS / 1000)

static struct rst_event refused_syn(uint64_t time_ns, uint16_t port, unsigned flags)
{
	struct rst_event event = {.time_ns = time_ns,
				  .netns = NETNS,
				  .local_port = port,
				  .peer_port = 50000,
				  .direction = RST_SENT,
				  .cause = RST_CLOSED_PORT,
				  .trigger = RST_FLAG_SYN,
				  .role = RST_ROLE_SERVER,
				  .flags = RST_EVENT_TRIGGER | flags};

	unit_ipv4(event.local, 0x0a000002);
	unit_ipv4(event.peer, 0x0a000007);
	return event;
}

static struct rst_event refused_connect(uint64_t time_ns, uint32_t peer, uint16_t port)
{
	struct rst_event event = {.time_ns = time_ns,
				  .netns = NETNS,
				  .local_port = 50000,
				  .peer_port = port,
				  .direction = RST_RECEIVED,
				  .cause = RST_STAGE_REFUSED,
				  .state = RST_STATE_SYN_SENT,
				  .role = RST_ROLE_CLIENT,
				  .owner = APP};

	unit_ipv4(event.local, 0x0a000002);
	unit_ipv4(event.peer, peer);
	return event;
}

static unsigned said(const struct records *records, enum alert_kind kind, enum alert_status status,
		     const struct alert **last)
{
	unsigned count = 0;

	*last = &records->told->alert[0];

	for (unsigned i = 0; i < records->told->alerts && i < RECORDS_KEPT; i++)
		if (records->told->alert[i].kind == kind &&
		    records->told->alert[i].status == status) {
			*last = &records->told->alert[i];
			count++;
		}
	return count;
}

static void nobody_says(const struct records *records, enum alert_kind kind)
{
	const struct alert *alert;

	assert_int_equal(said(records, kind, ALERT_RAISED, &alert), 0);
}

/* Sixty clients a second: the alarm of rates is silent, as it is known what they are. */
static void a_service_that_was_killed(void **state)
{
	struct records *records = *state;
	struct rst_event first;
	const struct alert *alert;

	records_process(records, WEB, 812, "nginx", "/system.slice/nginx.service");
	records_listens(records, NETNS, 8080, WEB);
	records_quiet(records, 100);
	records_stops(records, records->now_ns + 500 * MS, NETNS, 8080, WEB, 9);
	first = refused_syn(records->now_ns + 510 * MS, 8080, RST_EVENT_KNOWN);
	records_event(records, first);
	assert_int_equal(said(records, ALERT_SERVICE_DOWN, ALERT_RAISED, &alert), 1);
	assert_int_equal(alert->time_ns, first.time_ns);
	assert_int_equal(alert->severity, ALERT_CRITICAL);
	assert_string_equal(alert->summary,
			    "Port 8080 has been down for 10 ms: nginx (pid 812, nginx.service) was "
			    "killed by SIGKILL; 1 attempt to connect was refused, of 1 client");
	for (unsigned second = 0; second < 30; second++) {
		for (unsigned i = second == 0; i < 60; i++)
			records_event(records, refused_syn(records->now_ns + (520 + i) * MS, 8080,
							   RST_EVENT_KNOWN));
		records_run(records,
			    PORT_KEY(.netns = NETNS, .port = 8080, .direction = RST_SENT,
				     .cause = RST_CLOSED_PORT, .role = RST_ROLE_SERVER),
			    60, 1);
	}
	records_listens(records, NETNS, 8080, WEB);
	records_quiet(records, 30);
	assert_int_equal(said(records, ALERT_SERVICE_DOWN, ALERT_CLEARED, &alert), 1);
	assert_int_equal(alert->total, 1800);
	assert_int_equal(said(records, ALERT_SERVICE_DOWN, ALERT_RAISED, &alert), 1);
	nobody_says(records, ALERT_RST_SENT_RATE);
}

/* Nobody has ever listened there. */
static void a_port_that_never_was_is_no_service(void **state)
{
	struct records *records = *state;

	for (unsigned i = 0; i < 100; i++)
		records_event(records,
			      refused_syn(records->now_ns + i * MS, 8080, RST_EVENT_KNOWN));
	records_run(records,
		    PORT_KEY(.netns = NETNS, .port = 8080, .direction = RST_SENT,
			     .cause = RST_CLOSED_PORT, .role = RST_ROLE_SERVER),
		    100, 1);
	records_quiet(records, 10);
	nobody_says(records, ALERT_SERVICE_DOWN);
}

static void a_dependency_is_no_scan(void **state)
{
	struct records *records = *state;
	const struct alert *alert;

	records_process(records, APP, 900, "app", "");
	records_quiet(records, 100);
	for (unsigned second = 0; second < 30; second++) {
		for (unsigned i = 0; i < 100; i++)
			records_event(records, refused_connect(records->now_ns + 10 * i * MS,
							       0x0a000009, 6379));
		records_run(records,
			    PORT_KEY(.netns = NETNS, .port = 6379, .direction = RST_RECEIVED,
				     .cause = RST_STAGE_REFUSED, .role = RST_ROLE_CLIENT,
				     .owner = APP),
			    100, 1);
	}
	assert_int_equal(said(records, ALERT_DEPENDENCY_DOWN, ALERT_RAISED, &alert), 1);
	assert_int_equal(alert->time_ns, RECORDS_START_NS + 100 * SECOND_NS + 20 * MS);
	assert_int_equal(alert->owner.process->pid, 900);
	assert_int_equal(said(records, ALERT_DEPENDENCY_DOWN, ALERT_UPDATED, &alert), 1);
	assert_int_equal(alert->severity, ALERT_WARNING);
	nobody_says(records, ALERT_OUTBOUND_SCAN);
	nobody_says(records, ALERT_RST_RECEIVED_RATE);
}

static void a_scan_is_no_dependency(void **state)
{
	struct records *records = *state;
	const struct alert *alert;

	records_process(records, APP, 900, "walker", "");
	records_quiet(records, 100);
	for (unsigned round = 0; round < 50; round++)
		for (unsigned i = 0; i < 100; i++)
			records_event(records,
				      refused_connect(records->now_ns + (100 * round + i) * MS / 5,
						      0x0a000009, 1 + i));
	records_run(records,
		    PORT_KEY(.netns = NETNS, .port = 80, .direction = RST_RECEIVED,
			     .cause = RST_STAGE_REFUSED, .role = RST_ROLE_CLIENT, .owner = APP),
		    5000, 1);
	assert_int_equal(said(records, ALERT_OUTBOUND_SCAN, ALERT_RAISED, &alert), 1);
	assert_int_equal(alert->time_ns, RECORDS_START_NS + 100 * SECOND_NS + 19 * MS / 5);
	assert_int_equal(alert->owner.process->pid, 900);
	records_quiet(records, 70);
	assert_int_equal(said(records, ALERT_OUTBOUND_SCAN, ALERT_CLEARED, &alert), 1);
	nobody_says(records, ALERT_DEPENDENCY_DOWN);
	nobody_says(records, ALERT_RST_RECEIVED_RATE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RECORDS_TEST(a_service_that_was_killed),
		RECORDS_TEST(a_port_that_never_was_is_no_service),
		RECORDS_TEST(a_dependency_is_no_scan),
		RECORDS_TEST(a_scan_is_no_dependency),
	};

	return cmocka_run_group_tests_name("outage", tests, NULL, NULL);
}

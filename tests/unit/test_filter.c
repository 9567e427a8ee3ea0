// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit.h"

#include "alert.h"
#include "filter.h"

/* What each test varies in one place. */
static struct rst_event event_of(void)
{
	struct rst_event event = {.netns = 7,
				  .local_port = 8080,
				  .peer_port = 51234,
				  .direction = RST_SENT,
				  .cause = RST_ABORTED};

	unit_ipv4(event.local, 0x0a000002);
	unit_ipv4(event.peer, 0x0a000007);
	return event;
}

static void nothing_set_lets_all_through(void **state)
{
	const struct filter none = {0};
	const struct rst_event event = {0};
	const struct rst_port_key port = {0};
	const struct rst_peer_key peer = {0};

	(void)state;
	assert_true(filter_event(&none, &event));
	assert_true(filter_port_key(&none, &port));
	assert_true(filter_peer_key(&none, &peer));
	assert_true(filter_netns(&none, 0));
	assert_true(filter_netns(&none, 7));
	assert_true(filter_alert(&none, RST_SENT, 7, NULL));
}

static void direction(void **state)
{
	const struct filter sent = {.direction = RST_SENT}, received = {.direction = RST_RECEIVED};
	const struct rst_event event = event_of();
	const struct rst_port_key port = {.direction = RST_SENT};
	const struct rst_peer_key peer = {.direction = RST_SENT};

	(void)state;
	assert_true(filter_event(&sent, &event));
	assert_false(filter_event(&received, &event));
	assert_true(filter_port_key(&sent, &port));
	assert_false(filter_port_key(&received, &port));
	assert_true(filter_peer_key(&sent, &peer));
	assert_false(filter_peer_key(&received, &peer));
}

static void port_is_local_or_peer(void **state)
{
	const struct rst_event event = event_of();
	struct filter filter = {.port_count = 2, .ports = {1, 8080}};
	struct rst_port_key key = {.port = 8080};

	(void)state;
	assert_true(filter_event(&filter, &event));
	assert_true(filter_port_key(&filter, &key));
	filter.ports[1] = 51234;
	assert_true(filter_event(&filter, &event));
	assert_false(filter_port_key(&filter, &key));
	filter.ports[1] = 8081;
	assert_false(filter_event(&filter, &event));
	filter.port_count = 0; /* what stands behind the count does not matter */
	assert_true(filter_event(&filter, &event));

	filter.port_count = FILTER_PORTS;
	memset(filter.ports, 0, sizeof(filter.ports));
	filter.ports[FILTER_PORTS - 1] = 8080;
	assert_true(filter_event(&filter, &event));
	assert_true(filter_port_key(&filter, &key));
}

static void family_is_the_peers(void **state)
{
	const struct filter four = {.family = 4}, six = {.family = 6};
	struct rst_event event = event_of();
	struct rst_peer_key peer = {.direction = RST_SENT};

	(void)state;
	assert_true(filter_event(&four, &event));
	assert_false(filter_event(&six, &event));
	memset(event.peer, 0x20, sizeof(event.peer));
	assert_false(filter_event(&four, &event));
	assert_true(filter_event(&six, &event));
	unit_ipv4(peer.address, 1);
	assert_true(filter_peer_key(&four, &peer));
	assert_false(filter_peer_key(&six, &peer));
}

static void peer_is_a_range(void **state)
{
	struct filter filter = {.has_peer = true};
	struct rst_event event = event_of();
	struct rst_peer_key peer = {.direction = RST_SENT};

	(void)state;
	assert_int_equal(address_parse_range("10.0.0.4/30", &filter.peer), 0);
	unit_ipv4(peer.address, 0x0a000007);
	assert_true(filter_event(&filter, &event));
	assert_true(filter_peer_key(&filter, &peer));
	unit_ipv4(event.peer, 0x0a000008);
	unit_ipv4(event.local, 0x0a000007); /* our own address is not the peer's */
	unit_ipv4(peer.address, 0x0a000008);
	assert_false(filter_event(&filter, &event));
	assert_false(filter_peer_key(&filter, &peer));
	filter.has_peer = false;
	assert_true(filter_event(&filter, &event));
}

static void cause_and_the_name_that_two_share(void **state)
{
	struct filter filter = {.cause = RST_ABORTED};
	struct rst_event event = event_of();
	struct rst_port_key key = {.cause = RST_STAGE_TIME_WAIT};

	(void)state;
	assert_true(filter_event(&filter, &event));
	assert_false(filter_port_key(&filter, &key));
	event.cause = RST_HALF_OPEN;
	assert_false(filter_event(&filter, &event));

	filter.cause = RST_TIME_WAIT;
	event.cause = RST_TIME_WAIT;
	assert_true(filter_event(&filter, &event));
	event.cause = RST_STAGE_TIME_WAIT;
	assert_true(filter_event(&filter, &event));
	assert_true(filter_port_key(&filter, &key));
	key.cause = RST_STAGE_CLOSING;
	assert_false(filter_port_key(&filter, &key));
}

static void netns(void **state)
{
	const struct filter filter = {.netns = 7};
	struct rst_event event = event_of();
	struct rst_port_key port = {.netns = 7};
	struct rst_peer_key peer = {.netns = 7};

	(void)state;
	assert_true(filter_event(&filter, &event));
	assert_true(filter_port_key(&filter, &port));
	assert_true(filter_peer_key(&filter, &peer));
	assert_true(filter_netns(&filter, 7));
	event.netns = port.netns = peer.netns = 8;
	assert_false(filter_event(&filter, &event));
	assert_false(filter_port_key(&filter, &port));
	assert_false(filter_peer_key(&filter, &peer));
	assert_false(filter_netns(&filter, 8));
	assert_false(filter_netns(&filter, 0));
}

static void alert_by_direction_and_netns(void **state)
{
	struct filter filter = {.direction = RST_SENT, .netns = 7};

	(void)state;
	assert_true(filter_alert(&filter, RST_SENT, 7, NULL));
	assert_true(filter_alert(&filter, RST_SENT, 0, NULL)); /* the whole host: 7 is part of it */
	assert_true(filter_alert(&filter, 0, 7, NULL));
	assert_true(filter_alert(&filter, 0, 0, NULL));
	assert_false(filter_alert(&filter, RST_RECEIVED, 7, NULL));
	assert_false(filter_alert(&filter, RST_RECEIVED, 0, NULL));
	assert_false(filter_alert(&filter, RST_SENT, 8, NULL));
	/* Neither a port nor a cause nor a peer hides an alert. */
	filter = (struct filter){
		.cause = RST_ABORTED, .port_count = 1, .ports = {1}, .has_peer = true};
	assert_true(filter_alert(&filter, RST_RECEIVED, 8, NULL));
}

/* --- owners --- */

static struct process process_of(uint32_t pid, const char *cgroup)
{
	struct process process = {.number = 1, .pid = pid};

	strcpy(process.cgroup, cgroup);
	return process;
}

static bool lets_through(const struct filter *filter, const struct process *process)
{
	const struct owner owner = {.known_by = OWNER_SOCKET, .process = process};

	return filter_owner(filter, &owner);
}

static void without_a_process(void **state)
{
	const struct filter none = {0}, pid = {.pid_count = 1, .pids = {1}}, unit = {.unit = "*"},
			    container = {.container = "a"}, cgroup = {.cgroup = "/"};
	const struct filter *const filters[] = {&pid, &unit, &container, &cgroup};

	(void)state;
	assert_false(filter_by_owner(&none));
	for (unsigned known = 0; known < OWNER_KNOWNS; known++) {
		const struct owner owner = {.known_by = known};

		assert_true(filter_owner(&none, &owner));
		for (unsigned i = 0; i < COUNT_OF(filters); i++) {
			assert_true(filter_by_owner(filters[i]));
			assert_false(filter_owner(filters[i], &owner));
		}
	}
}

static void pids(void **state)
{
	struct filter filter = {.pid_count = 2, .pids = {1, 812}};
	struct process process = process_of(812, "");

	(void)state;
	assert_true(lets_through(&filter, &process));
	process.pid = 813;
	assert_false(lets_through(&filter, &process));
	process.pid = 0; /* what stands behind the count does not matter */
	assert_false(lets_through(&filter, &process));
	filter.pid_count = FILTER_PIDS;
	filter.pids[FILTER_PIDS - 1] = 4194304;
	process.pid = 4194304;
	assert_true(lets_through(&filter, &process));
}

static void units(void **state)
{
	static const struct {
		const char *pattern, *unit;
		bool fits;
	} cases[] = {
		{"nginx.service", "nginx.service", true},
		{"nginx.service", "nginx.service2", false},
		{"nginx.service", "anginx.service", false},
		{"nginx", "nginx.service", true}, /* as systemctl(1) has it */
		{"nginx", "nginx.socket", false},
		{"nginx", "nginx2.service", false},
		{"nginx", "nginx", true},
		{"n.x", "n.x.service", false},
		{"ngin?.service", "nginx.service", true},
		{"ngin?", "nginx.service", false},
		{"nginx?service", "nginx.service", true},
		{"?", "", false},
		{"*", "nginx.service", true},
		{"*", "", false}, /* no unit is none */
		{"", "", false},
		{"php*", "php8.3-fpm.service", true},
		{"php*", "ph.service", false},
		{"*.service", "nginx.service", true},
		{"*.service", "nginx.service.d", false},
		{"*a*b*c", "xxaxxbxbxc", true},
		{"*a*b*c", "xxaxxbxbxcx", false},
		{"*ab", "aab", true},
		{"a**", "a", true},
		{"a*?", "a", false},
		{"[n]ginx.service", "nginx.service", false}, /* no more than that */
		{"*", "*", true},
		{"a?", "a*", true},
	};
	struct process process = process_of(1, "/");

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct filter filter = {.unit = cases[i].pattern};

		strcpy(process.names.unit, cases[i].unit);
		if (lets_through(&filter, &process) != cases[i].fits)
			fail_msg("%s and %s", cases[i].pattern, cases[i].unit);
	}
}

/* A pattern that would take ages if each * were tried with each other. */
static void a_pattern_of_many_stars(void **state)
{
	const struct filter filter = {.unit = "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b"};
	struct process process = process_of(1, "/");

	(void)state;
	memset(process.names.unit, 'a', sizeof(process.names.unit) - 1);
	assert_false(lets_through(&filter, &process));
	process.names.unit[sizeof(process.names.unit) - 2] = 'b';
	assert_true(lets_through(&filter, &process));
}

static void containers(void **state)
{
	struct filter filter = {.container = "4f5e"};
	struct process process = process_of(1, "/");

	(void)state;
	assert_false(lets_through(&filter, &process));
	strcpy(process.names.container, "4f5e6d7c8b9a");
	assert_true(lets_through(&filter, &process));
	filter.container = "4";
	assert_true(lets_through(&filter, &process));
	filter.container = "4f5e6d7c8b9a";
	assert_true(lets_through(&filter, &process));
	filter.container = "4f5e6d7c8b9a0";
	assert_false(lets_through(&filter, &process));
	filter.container = "f5e6";
	assert_false(lets_through(&filter, &process));
}

static void cgroups(void **state)
{
	static const struct {
		const char *wanted, *path;
		bool fits;
	} cases[] = {
		{"/system.slice", "/system.slice", true},
		{"/system.slice", "/system.slice/nginx.service", true},
		{"system.slice", "/system.slice/nginx.service", true},
		{"system.slice/", "/system.slice", true},
		{"/system.slice/nginx.service", "/system.slice", false},
		{"/system.slic", "/system.slice", false},
		{"/slice", "/system.slice/slice", false},
		{"/", "/", true},
		{"/", "/system.slice", true},
		{"/", "", false},
		{"//a/b", "/a/b/c", true},
		{"a", "...a", false}, /* cut: not from the root */
		{"...", ".../a", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct filter filter = {.cgroup = cases[i].wanted};
		struct process process = process_of(1, cases[i].path);

		if (lets_through(&filter, &process) != cases[i].fits)
			fail_msg("%s and %s", cases[i].wanted, cases[i].path);
	}
}

static void owners_conditions_add_up(void **state)
{
	const struct filter filter = {.pid_count = 1,
				      .pids = {812},
				      .unit = "a.service",
				      .container = "4f",
				      .cgroup = "/x"};
	struct process process = process_of(812, "/x/y"), other;

	(void)state;
	strcpy(process.names.unit, "a.service");
	strcpy(process.names.container, "4f5e");
	assert_true(lets_through(&filter, &process));
	other = process;
	other.pid++;
	assert_false(lets_through(&filter, &other));
	other = process;
	*other.names.unit = 'b';
	assert_false(lets_through(&filter, &other));
	other = process;
	*other.names.container = '5';
	assert_false(lets_through(&filter, &other));
	other = process;
	strcpy(other.cgroup, "/y/x");
	assert_false(lets_through(&filter, &other));
}

/* Only one who is known to stand behind most of it, and is not asked for, hides an alert. */
static void alert_by_its_main_owner(void **state)
{
	const struct filter filter = {.pid_count = 1, .pids = {812}};
	const struct process process = process_of(812, ""), stranger = process_of(813, "");
	struct owner owner = {.known_by = OWNER_SOCKET, .process = &process};

	(void)state;
	assert_true(filter_alert(&filter, RST_SENT, 7, NULL));
	assert_true(filter_alert(&filter, RST_SENT, 7, &owner));
	owner.process = &stranger;
	assert_false(filter_alert(&filter, RST_SENT, 7, &owner));
	assert_false(filter_alert(&filter, 0, 0, &owner));
	owner = (struct owner){.known_by = OWNER_KERNEL};
	assert_false(filter_alert(&filter, RST_SENT, 7, &owner));
}

/* --- what detectors say --- */

static struct alert incident_of(void)
{
	struct alert alert = {.detected = true,
			      .netns = 7,
			      .has_local = true,
			      .local_port = 8080,
			      .peer_count = 2};

	unit_ipv4(alert.peers[0].key.address, 0x0a000007);
	unit_ipv4(alert.peers[1].key.address, 0xc0a80001);
	return alert;
}

static void incident_by_netns_and_port(void **state)
{
	struct alert alert = incident_of();
	struct filter filter = {.netns = 7};

	(void)state;
	assert_true(filter_incident(&filter, &alert));
	filter.netns = 8;
	assert_false(filter_incident(&filter, &alert));
	filter = (struct filter){.port_count = 2, .ports = {1, 8080}};
	assert_true(filter_incident(&filter, &alert));
	alert.local_port = 8081;
	assert_false(filter_incident(&filter, &alert));
	/* Of a service elsewhere. */
	alert.has_local = false;
	alert.peer_port = 8080;
	assert_true(filter_incident(&filter, &alert));
	alert.peer_port = 5432;
	assert_false(filter_incident(&filter, &alert));
	/* About no port, or about many: that hides nothing. */
	alert.peer_port = 0;
	assert_true(filter_incident(&filter, &alert));
}

static void incident_by_its_peers(void **state)
{
	struct alert alert = incident_of();
	struct filter filter = {.has_peer = true};

	(void)state;
	assert_int_equal(address_parse_range("192.168.0.0/16", &filter.peer), 0);
	assert_true(filter_incident(&filter, &alert)); /* one of them is enough */
	alert.peer_count = 1;
	assert_false(filter_incident(&filter, &alert));
	alert.peer_count = 0;
	assert_true(filter_incident(&filter, &alert));
	alert = incident_of();
	filter = (struct filter){.family = 6};
	assert_false(filter_incident(&filter, &alert));
	alert.peers[1].key.address[0] = 0x20;
	assert_true(filter_incident(&filter, &alert));
}

static void incident_by_its_owner(void **state)
{
	const struct process process = {.number = 1, .pid = 812, .comm = "nginx"};
	struct alert alert = incident_of();
	struct filter filter = {.pid_count = 1, .pids = {812}};

	(void)state;
	assert_true(filter_incident(&filter, &alert)); /* it is not known whose it is */
	alert.owner = (struct owner){.known_by = OWNER_SOCKET, .process = &process};
	assert_true(filter_incident(&filter, &alert));
	filter.pids[0] = 813;
	assert_false(filter_incident(&filter, &alert));
}

static void conditions_add_up(void **state)
{
	struct filter filter = {.direction = RST_SENT,
				.family = 4,
				.cause = RST_ABORTED,
				.netns = 7,
				.port_count = 1,
				.ports = {8080},
				.has_peer = true};
	const struct rst_event event = event_of();
	struct rst_event other = event;

	(void)state;
	assert_int_equal(address_parse_range("10.0.0.7", &filter.peer), 0);
	assert_true(filter_event(&filter, &event));
	other.direction = RST_RECEIVED;
	assert_false(filter_event(&filter, &other));
	other = event;
	other.cause = RST_INVALID;
	assert_false(filter_event(&filter, &other));
	other = event;
	other.netns = 0;
	assert_false(filter_event(&filter, &other));
	other = event;
	other.local_port = 80;
	assert_false(filter_event(&filter, &other));
	other = event;
	other.peer[15]++;
	assert_false(filter_event(&filter, &other));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_set_lets_all_through),
		cmocka_unit_test(direction),
		cmocka_unit_test(port_is_local_or_peer),
		cmocka_unit_test(family_is_the_peers),
		cmocka_unit_test(peer_is_a_range),
		cmocka_unit_test(cause_and_the_name_that_two_share),
		cmocka_unit_test(netns),
		cmocka_unit_test(alert_by_direction_and_netns),
		cmocka_unit_test(without_a_process),
		cmocka_unit_test(pids),
		cmocka_unit_test(units),
		cmocka_unit_test(a_pattern_of_many_stars),
		cmocka_unit_test(containers),
		cmocka_unit_test(cgroups),
		cmocka_unit_test(owners_conditions_add_up),
		cmocka_unit_test(alert_by_its_main_owner),
		cmocka_unit_test(incident_by_netns_and_port),
		cmocka_unit_test(incident_by_its_peers),
		cmocka_unit_test(incident_by_its_owner),
		cmocka_unit_test(conditions_add_up),
	};

	return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit.h"

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
	assert_true(filter_alert(&none, RST_SENT, 7));
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
	assert_true(filter_alert(&filter, RST_SENT, 7));
	assert_true(filter_alert(&filter, RST_SENT, 0)); /* the whole host: 7 is part of it */
	assert_true(filter_alert(&filter, 0, 7));
	assert_true(filter_alert(&filter, 0, 0));
	assert_false(filter_alert(&filter, RST_RECEIVED, 7));
	assert_false(filter_alert(&filter, RST_RECEIVED, 0));
	assert_false(filter_alert(&filter, RST_SENT, 8));
	/* Neither a port nor a cause nor a peer hides an alert. */
	filter = (struct filter){
		.cause = RST_ABORTED, .port_count = 1, .ports = {1}, .has_peer = true};
	assert_true(filter_alert(&filter, RST_RECEIVED, 8));
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
		cmocka_unit_test(conditions_add_up),
	};

	return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "listening.h"

static const uint8_t any6[16], host6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 2};

static void tell(struct listeners *listeners, unsigned kind, uint64_t socket, uint32_t host,
		 uint32_t owner, uint64_t time_ns)
{
	const struct rst_listener change = change_of(kind, socket, host, owner, time_ns);

	listeners_add(listeners, &change);
}

static void tell6(struct listeners *listeners, unsigned kind, uint64_t socket,
		  const uint8_t address[16], unsigned flags, uint32_t owner, uint64_t time_ns)
{
	struct rst_listener change = change_of(kind, socket, 0, owner, time_ns);

	memcpy(change.address, address, 16);
	change.flags = flags;
	listeners_add(listeners, &change);
}

static void expect_listening(const struct listeners *listeners, uint32_t host, uint64_t time_ns,
			     uint32_t owner, uint64_t since_ns)
{
	struct listener_answer answer;

	assert_true(ask(listeners, host, time_ns, &answer));
	assert_true(answer.listening);
	assert_int_equal(answer.owner, owner);
	assert_int_equal(answer.since_ns, since_ns);
	assert_int_equal(answer.stopped_ns, 0);
	assert_false(answer.exited);
}

static void expect_stopped(const struct listeners *listeners, uint32_t host, uint64_t time_ns,
			   uint32_t owner, uint64_t stopped_ns)
{
	struct listener_answer answer;

	assert_true(ask(listeners, host, time_ns, &answer));
	assert_false(answer.listening);
	assert_int_equal(answer.owner, owner);
	assert_int_equal(answer.stopped_ns, stopped_ns);
}

static void expect_nobody(const struct listeners *listeners, uint32_t host, uint64_t time_ns)
{
	struct listener_answer answer;

	assert_false(ask(listeners, host, time_ns, &answer));
}

static void opens_and_closes(void **state)
{
	struct listeners *listeners = open_listeners();
	struct rst_listener change = change_of(RST_LISTENER_CLOSED, 1, HOST, 5, 20);
	struct listener_answer answer;

	(void)state;
	expect_nobody(listeners, HOST, EVER);
	tell(listeners, RST_LISTENER_OPENED, 1, HOST, 5, 10);
	expect_listening(listeners, HOST, 10, 5, 10);
	expect_nobody(listeners, HOST, 9);
	expect_nobody(listeners, HOST + 1, 10);
	assert_false(listeners_find(listeners, NETNS + 1, NULL, PORT, 10, &answer));
	assert_false(listeners_find(listeners, NETNS, NULL, PORT + 1, 10, &answer));
	change.flags = RST_LISTENER_EXITING;
	change.exit_status = 11;
	listeners_add(listeners, &change);
	expect_listening(listeners, HOST, 19, 5, 10);
	expect_stopped(listeners, HOST, 20, 5, 20);
	assert_true(ask(listeners, HOST, EVER, &answer));
	assert_true(answer.exited);
	assert_int_equal(answer.exit_status, 11);
	tell(listeners, RST_LISTENER_OPENED, 2, HOST, 6, 30);
	expect_listening(listeners, HOST, 30, 6, 30);
	expect_stopped(listeners, HOST, 29, 5, 20);
	expect_listening(listeners, HOST, 12, 5, 10);
	expect_nobody(listeners, HOST, 9);
	change = change_of(RST_LISTENER_CLOSED, 2, HOST, 0, 40);
	change.exit_status = 9; /* means nothing without the flag */
	listeners_add(listeners, &change);
	expect_stopped(listeners, HOST, EVER, 6, 40);
	assert_true(ask(listeners, HOST, EVER, &answer));
	assert_false(answer.exited);
	assert_int_equal(answer.exit_status, 0);
	free(listeners);
}

/* Two changes back are remembered, three are not: then nothing is said. */
static void remembers_two_who_listened(void **state)
{
	struct listeners *listeners = open_listeners();

	(void)state;
	for (uint64_t i = 1; i <= 3; i++) {
		tell(listeners, RST_LISTENER_OPENED, i, HOST, i, 100 * i);
		tell(listeners, RST_LISTENER_CLOSED, i, HOST, i, 100 * i + 50);
	}
	expect_stopped(listeners, HOST, 350, 3, 350);
	expect_listening(listeners, HOST, 349, 3, 300);
	expect_stopped(listeners, HOST, 299, 2, 250);
	expect_listening(listeners, HOST, 200, 2, 200);
	expect_nobody(listeners, HOST, 199);
	free(listeners);
}

static void found_was_there_before_the_run(void **state)
{
	struct listeners *listeners = open_listeners();

	(void)state;
	tell(listeners, RST_LISTENER_FOUND, 1, HOST, 5, 10);
	expect_listening(listeners, HOST, 0, 5, 0);
	/* but not if it is known to have stopped, or to have been somewhere else */
	tell(listeners, RST_LISTENER_CLOSED, 1, HOST, 5, 20);
	tell(listeners, RST_LISTENER_FOUND, 2, HOST, 6, 30);
	expect_listening(listeners, HOST, 30, 6, 30);
	expect_stopped(listeners, HOST, 29, 5, 20);
	tell(listeners, RST_LISTENER_FOUND, 2, HOST + 1, 7, 40);
	expect_listening(listeners, HOST + 1, 40, 7, 40);
	expect_nobody(listeners, HOST + 1, 39);
	expect_stopped(listeners, HOST, 40, 6, 40);
	free(listeners);
}

/* The opening of a socket can be told after it was found, and the finding after it was closed. */
static void late_words(void **state)
{
	struct listeners *listeners = open_listeners();

	(void)state;
	tell(listeners, RST_LISTENER_FOUND, 1, HOST, 5, 12);
	tell(listeners, RST_LISTENER_OPENED, 1, HOST, 5, 10);
	expect_listening(listeners, HOST, 10, 5, 10);
	expect_nobody(listeners, HOST, 9);
	tell(listeners, RST_LISTENER_FOUND, 1, HOST, 5, 13);
	expect_listening(listeners, HOST, 20, 5, 10);
	tell(listeners, RST_LISTENER_CLOSED, 1, HOST, 5, 30);
	tell(listeners, RST_LISTENER_FOUND, 1, HOST, 5, 29);
	expect_stopped(listeners, HOST, EVER, 5, 30);
	assert_int_equal(listeners->sockets.used, 0);
	tell(listeners, RST_LISTENER_OPENED, 1, HOST, 6, 31);
	expect_listening(listeners, HOST, EVER, 6, 31);
	/* and this one's closing was missed */
	tell(listeners, RST_LISTENER_OPENED, 1, HOST, 7, 50);
	expect_listening(listeners, HOST, EVER, 7, 50);
	expect_listening(listeners, HOST, 49, 6, 31);
	assert_int_equal(listeners->sockets.used, 1);
	free(listeners);
}

/* A change of a time before the last one does not make the ones before it unknown. */
static void late_change_of_owner(void **state)
{
	struct listeners *listeners = open_listeners();

	(void)state;
	tell(listeners, RST_LISTENER_OPENED, 1, HOST, 5, 10);
	tell(listeners, RST_LISTENER_CLOSED, 1, HOST, 5, 20);
	tell(listeners, RST_LISTENER_OPENED, 2, HOST, 6, 30);
	tell(listeners, RST_LISTENER_FOUND, 2, HOST, 7, 25);
	expect_listening(listeners, HOST, 40, 7, 30);
	expect_stopped(listeners, HOST, 22, 5, 20);
	free(listeners);
}

static void owner_changes(void **state)
{
	struct listeners *listeners = open_listeners();

	(void)state;
	tell(listeners, RST_LISTENER_OPENED, 1, HOST, 5, 10);
	tell(listeners, RST_LISTENER_FOUND, 1, HOST, 6, 20);
	expect_listening(listeners, HOST, 19, 5, 10);
	expect_listening(listeners, HOST, 20, 6, 10);
	tell(listeners, RST_LISTENER_FOUND, 1, HOST, 0, 25);
	expect_listening(listeners, HOST, EVER, 6, 10);
	/* whoever closes it had it last */
	tell(listeners, RST_LISTENER_CLOSED, 1, HOST, 7, 30);
	expect_stopped(listeners, HOST, EVER, 7, 30);
	expect_listening(listeners, HOST, 29, 6, 10);
	/* an owner that was not known holds for what was before */
	tell(listeners, RST_LISTENER_FOUND, 2, HOST + 1, 0, 10);
	expect_listening(listeners, HOST + 1, EVER, 0, 0);
	tell(listeners, RST_LISTENER_FOUND, 2, HOST + 1, 8, 20);
	expect_listening(listeners, HOST + 1, 5, 8, 0);
	free(listeners);
}

static void groups_listen_until_the_last_is_closed(void **state)
{
	struct listeners *listeners = open_listeners();

	(void)state;
	tell(listeners, RST_LISTENER_OPENED, 1, HOST, 5, 10);
	tell(listeners, RST_LISTENER_OPENED, 2, HOST, 6, 20);
	tell(listeners, RST_LISTENER_OPENED, 3, HOST, 0, 21);
	expect_listening(listeners, HOST, EVER, 6, 10);
	expect_listening(listeners, HOST, 19, 5, 10);
	tell(listeners, RST_LISTENER_CLOSED, 2, HOST, 6, 30);
	expect_listening(listeners, HOST, 29, 6, 10);
	expect_listening(listeners, HOST, 30, 5, 10);
	tell(listeners, RST_LISTENER_CLOSED, 1, HOST, 5, 40);
	expect_listening(listeners, HOST, EVER, 5, 10);	      /* the last that is known */
	tell(listeners, RST_LISTENER_CLOSED, 9, HOST, 9, 45); /* nobody knows it */
	expect_listening(listeners, HOST, EVER, 5, 10);
	tell(listeners, RST_LISTENER_CLOSED, 3, HOST, 0, 50);
	expect_stopped(listeners, HOST, EVER, 5, 50);
	assert_int_equal(listeners->sockets.used, 0);
	free(listeners);
}

static void closing_of_an_unknown_socket(void **state)
{
	struct listeners *listeners = open_listeners();

	(void)state;
	tell(listeners, RST_LISTENER_CLOSED, 1, HOST, 5, 20);
	expect_stopped(listeners, HOST, 20, 5, 20);
	expect_listening(listeners, HOST, 19, 5, 0);
	tell(listeners, RST_LISTENER_CLOSED, 1, HOST, 6, 25); /* told twice */
	expect_stopped(listeners, HOST, EVER, 5, 20);
	tell(listeners, RST_LISTENER_CLOSED, 2, HOST, 6, 15); /* before */
	expect_stopped(listeners, HOST, EVER, 5, 20);
	tell(listeners, RST_LISTENER_CLOSED, 3, HOST, 7, 30);
	expect_stopped(listeners, HOST, EVER, 7, 30);
	expect_stopped(listeners, HOST, 29, 5, 20);
	tell(listeners, 0, 4, HOST, 7, 40);
	tell(listeners, 4, 4, HOST, 7, 40); /* of a later version */
	expect_stopped(listeners, HOST, EVER, 7, 30);
	assert_int_equal(listeners->untracked, 0);
	free(listeners);
}

static uint32_t owner_at(const struct listeners *listeners, const uint8_t address[16])
{
	struct listener_answer answer;

	return listeners_find(listeners, NETNS, address, PORT, EVER, &answer)
		       ? answer.owner + (answer.listening ? 0 : 100)
		       : 0;
}

/* Who has a SYN, as sockets are added from the least specific on; and again as they go. */
static void wildcards(void **state)
{
	struct listeners *listeners = open_listeners();
	uint8_t host[16], any[16];

	(void)state;
	unit_ipv4(host, HOST);
	unit_ipv4(any, 0);
	tell6(listeners, RST_LISTENER_OPENED, 1, any6, 0, 1, 1);
	assert_int_equal(owner_at(listeners, host), 0);
	assert_int_equal(owner_at(listeners, host6), 1);
	tell6(listeners, RST_LISTENER_OPENED, 2, any6, RST_LISTENER_DUAL, 2, 2);
	assert_int_equal(owner_at(listeners, host), 2);
	assert_int_equal(owner_at(listeners, host6), 1);
	tell6(listeners, RST_LISTENER_OPENED, 3, any, 0, 3, 3);
	assert_int_equal(owner_at(listeners, host), 3);
	assert_int_equal(owner_at(listeners, host6), 1);
	tell6(listeners, RST_LISTENER_OPENED, 4, host, 0, 4, 4);
	tell6(listeners, RST_LISTENER_OPENED, 5, host6, RST_LISTENER_DUAL, 5, 5);
	assert_int_equal(owner_at(listeners, host), 4);
	assert_int_equal(owner_at(listeners, host6), 5);
	for (unsigned socket = 5; socket; socket--) {
		static const uint32_t hosts[] = {104, 104, 2, 3, 4}, others[] = {102, 1, 1, 1, 1};

		tell6(listeners, RST_LISTENER_CLOSED, socket, any, 0, 0, 100 + socket % 5);
		assert_int_equal(owner_at(listeners, host), hosts[socket - 1]);
		assert_int_equal(owner_at(listeners, host6), others[socket - 1]);
	}
	free(listeners);
}

/* Any address: a listener goes before one that stopped, the later before the earlier. */
static void any_address(void **state)
{
	struct listeners *listeners = open_listeners();
	struct listener_answer answer;

	(void)state;
	assert_false(listeners_find(listeners, NETNS, NULL, PORT, EVER, &answer));
	for (uint32_t i = 1; i <= 5; i++)
		tell(listeners, RST_LISTENER_OPENED, i, HOST + i, i, 10 * ((i * 2) % 5 + 1));
	/* since 30, 50, 20, 40, 10 */
	for (uint64_t time = 10; time < 60; time += 10) {
		static const uint32_t owners[] = {5, 3, 1, 4, 2};

		assert_true(listeners_find(listeners, NETNS, NULL, PORT, time, &answer));
		assert_int_equal(answer.owner, owners[time / 10 - 1]);
		assert_int_equal(answer.since_ns, time);
	}
	assert_false(listeners_find(listeners, NETNS, NULL, PORT, 9, &answer));
	tell(listeners, RST_LISTENER_CLOSED, 2, HOST + 2, 2, 60);
	assert_true(listeners_find(listeners, NETNS, NULL, PORT, EVER, &answer));
	assert_int_equal(answer.owner, 4);
	for (uint32_t i = 1; i <= 5; i++)
		tell(listeners, RST_LISTENER_CLOSED, i, HOST + i, i, 70 + (i * 2) % 5);
	assert_true(listeners_find(listeners, NETNS, NULL, PORT, EVER, &answer));
	assert_false(answer.listening);
	assert_int_equal(answer.owner, 4);
	assert_int_equal(answer.stopped_ns, 73);
	free(listeners);
}

static void full_of_listeners(void **state)
{
	struct listeners *listeners = open_listeners();

	(void)state;
	for (uint32_t i = 0; i < LISTENERS; i++)
		tell(listeners, RST_LISTENER_OPENED, 1 + i, HOST + i, 5, 10);
	assert_int_equal(listeners->untracked, 0);
	tell(listeners, RST_LISTENER_OPENED, 99999, HOST - 1, 6, 11);
	assert_int_equal(listeners->untracked, 1);
	expect_nobody(listeners, HOST - 1, EVER);
	tell(listeners, RST_LISTENER_CLOSED, 99999, HOST - 1, 6, 12);
	expect_nobody(listeners, HOST - 1, EVER);
	assert_int_equal(listeners->untracked, 1);
	expect_listening(listeners, HOST + LISTENERS - 1, EVER, 5, 10);
	/* three stop, in another order than they are told: they go in that of their times */
	tell(listeners, RST_LISTENER_CLOSED, 3, HOST + 2, 5, 30);
	tell(listeners, RST_LISTENER_CLOSED, 1, HOST, 5, 20);
	tell(listeners, RST_LISTENER_CLOSED, 2, HOST + 1, 5, 25);
	tell(listeners, RST_LISTENER_OPENED, 100001, HOST - 1, 6, 40);
	expect_nobody(listeners, HOST, EVER);
	expect_stopped(listeners, HOST + 1, EVER, 5, 25);
	tell(listeners, RST_LISTENER_OPENED, 100002, HOST - 2, 6, 41);
	expect_nobody(listeners, HOST + 1, EVER);
	tell(listeners, RST_LISTENER_OPENED, 100003, HOST + 2, 6, 42); /* is back in time */
	tell(listeners, RST_LISTENER_OPENED, 100004, HOST - 3, 6, 43);
	assert_int_equal(listeners->untracked, 2);
	expect_listening(listeners, HOST - 1, EVER, 6, 40);
	expect_listening(listeners, HOST + 2, EVER, 6, 42);
	assert_int_equal(listeners->ports.used, 1);
	free(listeners);
}

/* A place that stops again, unseen, is the last to go. */
static void stops_again_unseen(void **state)
{
	struct listeners *listeners = open_listeners();

	(void)state;
	for (uint32_t i = 0; i < LISTENERS; i++)
		tell(listeners, RST_LISTENER_CLOSED, 1 + i, HOST + i, 5, 10 + i);
	tell(listeners, RST_LISTENER_CLOSED, 99999, HOST, 6, 99999);
	for (uint32_t i = 0; i < LISTENERS - 1; i++)
		tell(listeners, RST_LISTENER_OPENED, 100000 + i, HOST + LISTENERS + i, 7, 100000);
	expect_stopped(listeners, HOST, EVER, 6, 99999);
	expect_nobody(listeners, HOST + 1, EVER);
	expect_nobody(listeners, HOST + LISTENERS - 1, EVER);
	expect_listening(listeners, HOST + LISTENERS, EVER, 7, 100000);
	tell(listeners, RST_LISTENER_OPENED, 1, HOST - 1, 7, 100000);
	expect_nobody(listeners, HOST, EVER);
	tell(listeners, RST_LISTENER_OPENED, 2, HOST - 2, 7, 100000);
	assert_int_equal(listeners->untracked, 1);
	free(listeners);
}

/* More namespaces than there is room for ports: those of which nothing is kept go. */
static void ports_come_and_go(void **state)
{
	struct listeners *listeners = open_listeners();
	struct listener_answer answer;

	(void)state;
	for (uint32_t i = 0; i < 3 * LISTENERS; i++) {
		struct rst_listener change = change_of(RST_LISTENER_OPENED, i, HOST, i + 1, 10 + i);

		change.netns = i;
		listeners_add(listeners, &change);
		change.change = RST_LISTENER_CLOSED;
		listeners_add(listeners, &change);
		assert_true(listeners_find(listeners, i, NULL, PORT, EVER, &answer));
		assert_int_equal(answer.owner, i + 1);
		assert_int_equal(
			listeners_find(listeners, i - LISTENERS + 1, NULL, PORT, EVER, &answer),
			i >= LISTENERS - 1);
		assert_false(listeners_find(listeners, i - LISTENERS, NULL, PORT, EVER, &answer));
	}
	assert_int_equal(listeners->ports.used, LISTENERS);
	free(listeners);
}

/* One address with as many sockets as there is room for. */
static void full_of_sockets(void **state)
{
	struct listeners *listeners = open_listeners();

	(void)state;
	for (uint32_t i = 0; i < LISTENERS_SOCKETS; i++)
		tell(listeners, RST_LISTENER_OPENED, 1 + i, HOST, 1 + i, 10 + i);
	tell(listeners, RST_LISTENER_OPENED, 99999, HOST, 99999, 99999);
	tell(listeners, RST_LISTENER_OPENED, 99998, HOST + 1, 99999, 99999);
	assert_int_equal(listeners->untracked, 2);
	expect_listening(listeners, HOST, EVER, LISTENERS_SOCKETS, 10);
	expect_nobody(listeners, HOST + 1, EVER);
	for (uint32_t i = LISTENERS_SOCKETS - 1; i; i--) {
		tell(listeners, RST_LISTENER_CLOSED, 1 + i, HOST, 1 + i, 200000 - i);
		expect_listening(listeners, HOST, EVER, i, 10);
	}
	tell(listeners, RST_LISTENER_CLOSED, 1, HOST, 1, 200000);
	expect_stopped(listeners, HOST, EVER, 1, 200000);
	free(listeners);
}

static void only_port_of_a_namespace(void **state)
{
	struct listeners *listeners = open_listeners();
	struct rst_listener change = change_of(RST_LISTENER_OPENED, 1, HOST, 1, 100);

	(void)state;
	assert_int_equal(listeners_only_port(listeners, NETNS), 0);
	listeners_add(listeners, &change);
	change = change_of(RST_LISTENER_OPENED, 2, 0, 1, 100); /* another address */
	listeners_add(listeners, &change);
	assert_int_equal(listeners_only_port(listeners, NETNS), PORT);
	change.netns++;
	change.socket = 3;
	change.port++;
	listeners_add(listeners, &change);
	assert_int_equal(listeners_only_port(listeners, NETNS), PORT);
	assert_int_equal(listeners_only_port(listeners, NETNS + 1), PORT + 1);
	change.socket = 4;
	change.port++;
	listeners_add(listeners, &change);
	assert_int_equal(listeners_only_port(listeners, NETNS + 1), 0);
	change.change = RST_LISTENER_CLOSED;
	change.time_ns = 200;
	listeners_add(listeners, &change);
	assert_int_equal(listeners_only_port(listeners, NETNS + 1), PORT + 1);
	free(listeners);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_and_closes),
		cmocka_unit_test(remembers_two_who_listened),
		cmocka_unit_test(found_was_there_before_the_run),
		cmocka_unit_test(late_words),
		cmocka_unit_test(late_change_of_owner),
		cmocka_unit_test(owner_changes),
		cmocka_unit_test(groups_listen_until_the_last_is_closed),
		cmocka_unit_test(closing_of_an_unknown_socket),
		cmocka_unit_test(wildcards),
		cmocka_unit_test(any_address),
		cmocka_unit_test(full_of_listeners),
		cmocka_unit_test(stops_again_unseen),
		cmocka_unit_test(ports_come_and_go),
		cmocka_unit_test(full_of_sockets),
		cmocka_unit_test(only_port_of_a_namespace),
	};

	return cmocka_run_group_tests_name("listeners", tests, NULL, NULL);
}

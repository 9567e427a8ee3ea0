// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "incidents.h"

#include "service.h"

#define PORT   8080
#define HOST   0x0a000002
#define KNOWN  RST_EVENT_KNOWN
#define NGINX  5
#define KILLED 9
#define FAILED (1 << 8) /* exit status 1 */

static struct world *open_service(void)
{
	struct world *world = world_open(&service_detector, sizeof(struct service));

	world_process(world, NGINX, 812, "nginx");
	world_process(world, NGINX + 1, 900, "nginx");
	return world;
}

static struct rst_listener change_at(unsigned kind, uint64_t socket, uint16_t port,
				     uint64_t time_ns)
{
	struct rst_listener change = {.time_ns = time_ns,
				      .socket = socket,
				      .netns = NETNS,
				      .owner = NGINX,
				      .port = port,
				      .change = kind};

	unit_ipv4(change.address, HOST);
	return change;
}

static void starts(struct world *world, uint64_t socket, uint16_t port, uint32_t owner, uint64_t at)
{
	struct rst_listener change = change_at(RST_LISTENER_OPENED, socket, port, at);

	change.owner = owner;
	world_listener(world, &change);
}

static void closes(struct world *world, uint64_t socket, uint16_t port, uint64_t at)
{
	struct rst_listener change = change_at(RST_LISTENER_CLOSED, socket, port, at);

	world_listener(world, &change);
}

static void ends(struct world *world, uint64_t socket, uint16_t port, uint32_t status, uint64_t at)
{
	struct rst_listener change = change_at(RST_LISTENER_CLOSED, socket, port, at);

	change.flags = RST_LISTENER_EXITING;
	change.exit_status = status;
	world_listener(world, &change);
}

/* A SYN is refused. As detect.c does it: only if somebody has listened, and nobody does. */
static bool asks_host(struct world *world, uint32_t host, uint32_t peer, uint16_t port,
		      unsigned flags, uint64_t at)
{
	struct owner owner = {.known_by = OWNER_LAST_LISTENER};
	struct rst_event event = {.time_ns = at,
				  .netns = NETNS,
				  .local_port = port,
				  .peer_port = 50000,
				  .direction = RST_SENT,
				  .cause = RST_CLOSED_PORT,
				  .trigger = RST_FLAG_SYN,
				  .role = RST_ROLE_SERVER,
				  .flags = RST_EVENT_TRIGGER | flags};
	struct detect_event seen = {.event = &event, .owner = &owner, .class = DETECT_REFUSED_GONE};

	unit_ipv4(event.local, host);
	unit_ipv4(event.peer, peer);
	world_until(world, at);
	assert_true(listeners_find(&world->listeners, NETNS, event.local, port, at, &seen.gone));
	assert_false(seen.gone.listening);
	return world_event(world, &seen);
}

static bool asks(struct world *world, uint32_t peer, uint16_t port, unsigned flags, uint64_t at)
{
	return asks_host(world, HOST, peer, port, flags, at);
}

static bool counts(struct world *world, uint16_t port, unsigned cause, uint64_t count)
{
	struct rst_port_key key = {.netns = NETNS,
				   .port = port,
				   .direction = RST_SENT,
				   .cause = cause,
				   .role = RST_ROLE_SERVER};

	return world->detector->count(world->state, &world->world, &key, count);
}

static void a_killed_service_is_told_at_the_first_client(void **state)
{
	struct world *world = open_service();
	const struct alert *alert;

	(void)state;
	starts(world, 1, PORT, NGINX, AT(0));
	ends(world, 1, PORT, KILLED, AT(10));
	world_until(world, AT(12));
	assert_int_equal(world->told.count, 0); /* nobody asks for it */
	assert_true(asks(world, 0x0a000007, PORT, KNOWN, AT(12.5)));
	assert_int_equal(world->told.count, 1);
	alert = told_last(&world->told);
	assert_int_equal(alert->status, ALERT_RAISED);
	assert_int_equal(alert->severity, ALERT_CRITICAL);
	assert_int_equal(alert->time_ns, AT(12.5));
	assert_int_equal(alert->local_port, PORT);
	assert_true(alert->has_local);
	assert_int_equal(alert->proof, ALERT_PROOF_HANDSHAKE);
	assert_int_equal(alert->owner.known_by, OWNER_LAST_LISTENER);
	assert_int_equal(alert->owner.process->pid, 812);
	assert_int_equal(alert->owner.stopped_ns, AT(10));
	assert_true(alert->owner.exited);
	assert_int_equal(alert->owner.exit_status, KILLED);
	assert_int_equal(alert->total, 1);
	assert_int_equal(alert->peers_all, 1);
	assert_int_equal(alert->peer_count, 1);
	assert_true(told_fact(alert, "refusals") == 1);
	assert_true(told_fact(alert, "signal_number") == 9);
	assert_true(told_fact(alert, "exit_code") == -1);
	assert_true(told_fact(alert, "down_seconds") == 2.5);
	assert_string_equal(told_word(alert, "stopped"), "killed");
	assert_string_equal(told_word(alert, "back"), "no");
	assert_string_equal(alert->summary,
			    "Port 8080 has been down for 2.5 s: nginx (pid 812) was killed by "
			    "SIGKILL; 1 attempt to connect was refused, of 1 client");
	assert_non_null(strstr(alert->advice, "who killed it"));
	world_close(world);
}

static void strangers_must_ask_three_times_within_a_minute(void **state)
{
	struct world *world = open_service();

	(void)state;
	starts(world, 1, PORT, NGINX, AT(0));
	ends(world, 1, PORT, 11, AT(10));
	assert_false(asks(world, 0x0a000007, PORT, 0, AT(11)));
	assert_false(asks(world, 0x0a000008, PORT, 0, AT(60)));
	assert_false(asks(world, 0x0a000009, PORT, 0, AT(72)));
	assert_int_equal(world->told.count, 0);
	assert_true(asks(world, 0x0a000009, PORT, 0, AT(119.5)));
	assert_int_equal(world->told.count, 1);
	assert_int_equal(told_last(&world->told)->proof, ALERT_PROOF_NONE);
	assert_int_equal(told_last(&world->told)->peers_all, 3);
	assert_int_equal(told_last(&world->told)->peer_count, 3);
	told_says(told_last(&world->told), "of 3 addresses");
	world_close(world);
}

/* Long after it was stopped whoever asks is passing by, unless he knows it. */
static void strangers_long_after(void **state)
{
	struct world *world = open_service();

	(void)state;
	starts(world, 1, PORT, NGINX, AT(0));
	closes(world, 1, PORT, AT(100));
	for (unsigned i = 0; i < 50; i++)
		assert_false(asks(world, 0x0a000007 + i, PORT, 0, AT(3700 + i)));
	assert_int_equal(world->told.count, 0);
	assert_true(asks(world, 0x0a0000f0, PORT, KNOWN, AT(3800)));
	assert_int_equal(told_last(&world->told)->severity, ALERT_WARNING); /* stopped on purpose */
	/* Somebody known looks at all ports, once. */
	starts(world, 2, PORT + 1, NGINX, AT(3900));
	closes(world, 2, PORT + 1, AT(4000));
	assert_true(asks(world, 0x0a0000f0, PORT + 1, KNOWN, AT(8000)));
	assert_int_equal(told_last(&world->told)->severity, ALERT_INFO);
	assert_true(asks(world, 0x0a0000f0, PORT + 1, KNOWN, AT(8030)));
	assert_true(asks(world, 0x0a0000f0, PORT + 1, KNOWN, AT(8061)));
	assert_int_equal(told_last(&world->told)->severity, ALERT_INFO);
	assert_true(asks(world, 0x0a0000f0, PORT + 1, KNOWN, AT(8070)));
	assert_int_equal(told_last(&world->told)->severity, ALERT_WARNING);
	world_close(world);
}

static void what_failed_is_told_at_once_and_gets_worse(void **state)
{
	struct world *world = open_service();

	(void)state;
	starts(world, 1, PORT, NGINX, AT(0));
	ends(world, 1, PORT, FAILED, AT(10));
	assert_true(asks(world, 0x0a000007, PORT, KNOWN, AT(10.1)));
	assert_int_equal(told_last(&world->told)->severity, ALERT_WARNING);
	assert_true(told_fact(told_last(&world->told), "exit_code") == 1);
	assert_string_equal(told_word(told_last(&world->told), "stopped"), "exited");
	told_says(told_last(&world->told), "nginx (pid 812) exited with status 1");
	world_until(world, AT(11));
	assert_int_equal(world->told.count, 1);
	world_until(world, AT(12)); /* two seconds after it stopped, with nobody asking */
	assert_int_equal(world->told.count, 2);
	assert_int_equal(told_last(&world->told)->status, ALERT_UPDATED);
	assert_int_equal(told_last(&world->told)->severity, ALERT_CRITICAL);
	world_close(world);
}

static void whoever_merely_stops_has_two_seconds(void **state)
{
	static const struct {
		bool exits;
		uint32_t status;
	} cases[] = {{false, 0}, {true, 0}, {true, 15}, {true, 2}, {true, 143 << 8}};

	(void)state;
	for (unsigned i = 0; i < COUNT_OF(cases); i++) {
		/* Still down after two seconds: told by a step. */
		struct world *world = open_service();

		starts(world, 1, PORT, NGINX, AT(0));
		if (cases[i].exits)
			ends(world, 1, PORT, cases[i].status, AT(10));
		else
			closes(world, 1, PORT, AT(10));
		assert_false(asks(world, 0x0a000007, PORT, KNOWN, AT(10.1)));
		world_until(world, AT(11));
		assert_int_equal(world->told.count, 0);
		world_until(world, AT(12));
		assert_int_equal(world->told.count, 1);
		assert_int_equal(told_last(&world->told)->time_ns, AT(12));
		assert_int_equal(told_last(&world->told)->severity, ALERT_CRITICAL);
		assert_int_equal(told_last(&world->told)->peer_count, 1);
		if (!cases[i].exits)
			told_says(told_last(&world->told), "nginx (pid 812) has closed it; ");
		assert_non_null(
			strstr(told_last(&world->told)->advice, i == 4 ? "given up" : "purpose"));
		world_close(world);
		/* And by an event, if that comes first. */
		world = open_service();
		starts(world, 1, PORT, NGINX, AT(0));
		closes(world, 1, PORT, AT(10.5));
		assert_false(asks(world, 0x0a000007, PORT, KNOWN, AT(12.4)));
		assert_true(asks(world, 0x0a000007, PORT, KNOWN, AT(12.6)));
		assert_int_equal(told_last(&world->told)->time_ns, AT(12.6));
		world_close(world);
	}
}

static void a_restart_with_a_gap_is_no_outage(void **state)
{
	struct world *world = open_service();

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		double at = 10 * i;

		starts(world, i + 1, PORT, NGINX, AT(at));
		ends(world, i + 1, PORT, i % 2 ? 0 : 15, AT(at + 9.8));
		for (unsigned k = 0; k < 19; k++)
			assert_false(asks(world, 0x0a000007, PORT, KNOWN, AT(at + 9.8 + 0.01 * k)));
		assert_false(counts(world, PORT, RST_CLOSED_PORT, 19));
	}
	starts(world, 99, PORT, NGINX, AT(200));
	world_until(world, AT(300));
	assert_int_equal(world->told.count, 0);
	world_close(world);
}

static void who_listens_again_ends_it(void **state)
{
	struct world *world = open_service();
	const struct alert *alert;

	(void)state;
	starts(world, 1, PORT, NGINX, AT(0));
	ends(world, 1, PORT, KILLED, AT(10));
	for (unsigned i = 0; i < 100; i++)
		assert_true(asks(world, 0x0a000007 + i % 4, PORT, i == 0 ? KNOWN : 0,
				 AT(10.5 + 0.1 * i)));
	/* Meanwhile the exact counters tell of more than what was streamed. */
	assert_true(counts(world, PORT, RST_CLOSED_PORT, 1000));
	assert_false(counts(world, PORT, RST_HALF_OPEN, 1000));
	assert_false(counts(world, PORT + 1, RST_CLOSED_PORT, 1000));
	starts(world, 2, PORT, NGINX + 1, AT(20.7));
	assert_true(counts(world, PORT, RST_CLOSED_PORT, 7)); /* of the same slice */
	world_until(world, AT(22));
	assert_false(counts(world, PORT, RST_CLOSED_PORT, 5)); /* of another address, perhaps */
	assert_int_equal(world->told.said[ALERT_CLEARED], 0);
	world_until(world, AT(28));
	assert_int_equal(world->told.said[ALERT_RAISED], 1);
	assert_int_equal(world->told.said[ALERT_CLEARED], 1);
	alert = told_last(&world->told);
	assert_true(alert->ended);
	assert_int_equal(alert->total, 1007);
	assert_int_equal(alert->peers_all, 4);
	assert_false(alert->peers_estimated);
	assert_true(told_fact(alert, "refusals") == 1007);
	assert_true(told_fact(alert, "distinct_sources") == 4);
	assert_true(told_fact(alert, "down_seconds") > 10.69 &&
		    told_fact(alert, "down_seconds") < 10.71);
	assert_true(told_fact(alert, "new_pid") == 900);
	assert_string_equal(told_word(alert, "back"), "yes");
	assert_string_equal(alert->summary,
			    "Port 8080 was down for 10.7 s: nginx (pid 812) was killed by SIGKILL; "
			    "1007 attempts to connect were refused, of 4 clients; somebody listens "
			    "again (pid 900)");
	world_until(world, AT(2400));
	assert_int_equal(world->told.count, 2);
	world_close(world);
}

static void a_crash_loop_is_one_incident(void **state)
{
	struct world *world = open_service();
	unsigned times = 0;

	(void)state;
	for (double at = 0; at < 600; at += 5, times++) {
		starts(world, times + 1, PORT, NGINX, AT(at));
		ends(world, times + 1, PORT, 11, AT(at + 4));
		for (unsigned k = 0; k < 10; k++)
			asks(world, 0x0a000007, PORT, KNOWN, AT(at + 4 + 0.1 * k));
	}
	assert_int_equal(world->told.said[ALERT_RAISED], 1);
	assert_int_equal(world->told.said[ALERT_CLEARED], 0);
	assert_true(world->told.said[ALERT_UPDATED] >= 1 && world->told.said[ALERT_UPDATED] <= 3);
	starts(world, 1000, PORT, NGINX, AT(600));
	world_until(world, AT(620));
	assert_int_equal(world->told.said[ALERT_CLEARED], 1);
	assert_true(told_fact(told_last(&world->told), "times_down") == times);
	assert_true(told_fact(told_last(&world->told), "refusals") == 10 * times);
	assert_true(told_fact(told_last(&world->told), "down_seconds") == times);
	told_says(told_last(&world->told), "it went down 120 times");
	assert_non_null(strstr(told_last(&world->told)->advice, "keeps stopping"));
	world_close(world);
}

static void what_nobody_asks_for_any_more(void **state)
{
	struct world *world = open_service();

	(void)state;
	starts(world, 1, PORT, NGINX, AT(0));
	ends(world, 1, PORT, KILLED, AT(10));
	asks(world, 0x0a000007, PORT, KNOWN, AT(10.5));
	world_until(world, AT(311));
	assert_int_equal(world->told.said[ALERT_CLEARED], 1);
	assert_false(told_last(&world->told)->ended);
	told_says(told_last(&world->told), "is still down, but nobody asks");
	/* The next one begins from zero, under the old number. */
	assert_true(asks(world, 0x0a000008, PORT, KNOWN, AT(311.5)));
	assert_int_equal(told_last(&world->told)->status, ALERT_RAISED);
	assert_int_equal(told_last(&world->told)->number, 1);
	assert_int_equal(told_last(&world->told)->total, 1);
	assert_int_equal(told_last(&world->told)->peers_all, 1);
	world_close(world);
}

static void listeners_for_one_transfer_are_no_service(void **state)
{
	struct world *world = open_service();

	(void)state;
	starts(world, 1, 40001, NGINX, AT(0));
	closes(world, 1, 40001, AT(30));
	for (unsigned i = 0; i < 5; i++)
		assert_false(asks(world, 0x0a000007, 40001, KNOWN, AT(31 + i)));
	starts(world, 2, 2000, NGINX, AT(40));
	closes(world, 2, 2000, AT(41));
	for (unsigned i = 0; i < 5; i++)
		assert_false(asks(world, 0x0a000007, 2000, KNOWN, AT(41 + i)));
	assert_int_equal(world->told.count, 0);
	/* One that was killed is, and one that lived. */
	starts(world, 3, 40003, NGINX, AT(50));
	ends(world, 3, 40003, KILLED, AT(55));
	assert_true(asks(world, 0x0a000007, 40003, KNOWN, AT(56)));
	starts(world, 4, 40004, NGINX, AT(60));
	closes(world, 4, 40004, AT(160));
	assert_true(asks(world, 0x0a000007, 40004, KNOWN, AT(163)));
	world_close(world);
}

/* The address that was asked for counts: another one of the same port is no help. */
static void another_address_does_not_end_it(void **state)
{
	struct world *world = open_service();
	struct rst_listener other = change_at(RST_LISTENER_OPENED, 9, PORT, AT(20));
	struct rst_listener any = change_at(RST_LISTENER_FOUND, 10, PORT, AT(40));

	(void)state;
	starts(world, 1, PORT, NGINX, AT(0));
	ends(world, 1, PORT, KILLED, AT(10));
	assert_true(asks(world, 0x0a000007, PORT, KNOWN, AT(11)));
	unit_ipv4(other.address, 0x7f000001);
	world_listener(world, &other);
	world_until(world, AT(40));
	assert_int_equal(world->told.said[ALERT_CLEARED], 0);
	assert_true(asks(world, 0x0a000007, PORT, KNOWN, AT(40)));
	unit_ipv4(any.address, 0);
	world_listener(world, &any);
	world_until(world, AT(50));
	assert_int_equal(world->told.said[ALERT_CLEARED], 1);
	world_close(world);
}

/* Two sockets of one process are closed one after the other: it went down once. */
static void two_addresses_stop_as_one(void **state)
{
	struct world *world = open_service();
	struct rst_listener six = change_at(RST_LISTENER_OPENED, 2, PORT, AT(0));
	struct rst_listener ending = six;

	(void)state;
	unit_ipv4(six.address, HOST + 1);
	starts(world, 1, PORT, NGINX, AT(0));
	world_listener(world, &six);
	ending = six;
	ending.time_ns = AT(10.001);
	ending.change = RST_LISTENER_CLOSED;
	ends(world, 1, PORT, KILLED, AT(10));
	world_listener(world, &ending);
	for (unsigned i = 0; i < 10; i++)
		asks_host(world, HOST + i % 2, 0x0a000007, PORT, KNOWN, AT(11 + i));
	world_until(world, AT(330));
	assert_int_equal(world->told.said[ALERT_RAISED], 1);
	assert_int_equal(world->told.said[ALERT_CLEARED], 1);
	assert_true(told_fact(told_last(&world->told), "refusals") == 10);
	assert_true(told_fact(told_last(&world->told), "times_down") == 1);
	world_close(world);
}

/* One of them is started again: the other one is missed all the same. */
static void one_of_two_addresses_comes_back(void **state)
{
	struct world *world = open_service();
	struct rst_listener other = change_at(RST_LISTENER_OPENED, 2, PORT, AT(0));

	(void)state;
	unit_ipv4(other.address, HOST + 1);
	starts(world, 1, PORT, NGINX, AT(0));
	world_listener(world, &other);
	ends(world, 1, PORT, KILLED, AT(10));
	other.time_ns = AT(10.001);
	other.change = RST_LISTENER_CLOSED;
	world_listener(world, &other);
	asks_host(world, HOST + 1, 0x0a000007, PORT, KNOWN, AT(11));
	asks_host(world, HOST, 0x0a000007, PORT, KNOWN, AT(11.5));
	starts(world, 3, PORT, NGINX, AT(12));
	for (unsigned i = 0; i < 20; i++)
		assert_true(asks_host(world, HOST + 1, 0x0a000007, PORT, KNOWN, AT(13 + i)));
	assert_int_equal(world->told.said[ALERT_CLEARED], 0);
	other.time_ns = AT(40);
	other.change = RST_LISTENER_OPENED;
	world_listener(world, &other);
	world_until(world, AT(47));
	assert_int_equal(world->told.said[ALERT_CLEARED], 1);
	assert_true(told_fact(told_last(&world->told), "times_down") == 1);
	assert_true(told_fact(told_last(&world->told), "down_seconds") > 29.9 &&
		    told_fact(told_last(&world->told), "down_seconds") <= 30);
	world_close(world);
}

/* A refused SYN that is told only after the restart: the port is up, and nothing is to be said. */
static void late_events(void **state)
{
	struct world *world = open_service();

	(void)state;
	starts(world, 1, PORT, NGINX, AT(0));
	ends(world, 1, PORT, KILLED, AT(10.1));
	starts(world, 2, PORT, NGINX, AT(10.4));
	for (unsigned i = 0; i < 10; i++)
		assert_false(asks(world, 0x0a000007, PORT, KNOWN, AT(10.2)));
	world_until(world, AT(60));
	assert_int_equal(world->told.count, 0);
	/* One more in an incident adds to it, and does not bring it back. */
	ends(world, 2, PORT, KILLED, AT(60.1));
	assert_true(asks(world, 0x0a000007, PORT, KNOWN, AT(60.2)));
	starts(world, 3, PORT, NGINX, AT(60.5));
	assert_true(asks(world, 0x0a000007, PORT, KNOWN, AT(60.3)));
	world_until(world, AT(70));
	assert_int_equal(world->told.said[ALERT_CLEARED], 1);
	assert_int_equal(told_last(&world->told)->total, 2);
	assert_true(told_fact(told_last(&world->told), "times_down") == 1);
	world_close(world);
}

static void many_clients_are_estimated(void **state)
{
	struct world *world = open_service();

	(void)state;
	starts(world, 1, PORT, NGINX, AT(0));
	ends(world, 1, PORT, KILLED, AT(10));
	for (unsigned i = 0; i < 5000; i++)
		asks(world, 0x0b000000 + i, PORT, KNOWN, AT(11 + i * 0.001));
	starts(world, 2, PORT, NGINX, AT(17));
	world_until(world, AT(30));
	assert_true(told_last(&world->told)->peers_estimated);
	assert_true(told_last(&world->told)->peers_all > 2500 &&
		    told_last(&world->told)->peers_all < 7500);
	assert_int_equal(told_last(&world->told)->total, 5000);
	assert_int_equal(told_last(&world->told)->peer_count, ALERT_TOP);
	told_says(told_last(&world->told), "of about ");
	world_close(world);
}

/* More ports than room: the one that was told of stays, whatever else is asked for. */
static void more_ports_than_room(void **state)
{
	struct world *world = open_service();
	struct service *service = world->state;

	(void)state;
	starts(world, 1, PORT, NGINX, AT(0));
	ends(world, 1, PORT, KILLED, AT(10));
	assert_true(asks(world, 0x0a000007, PORT, KNOWN, AT(11)));
	for (unsigned i = 0; i < 2 * SERVICE_PORTS; i++) {
		starts(world, 10 + i, 10000 + i, NGINX, AT(11));
		closes(world, 10 + i, 10000 + i, AT(20));
	}
	for (unsigned i = 0; i < 2 * SERVICE_PORTS; i++)
		assert_false(asks(world, 0x0a000666, 10000 + i, 0, AT(21)));
	assert_int_equal(service->ports.used, SERVICE_PORTS);
	assert_true(asks(world, 0x0a000007, PORT, KNOWN, AT(21.5)));
	world_until(world, AT(100)); /* what nobody asks for is forgotten */
	assert_int_equal(service->ports.used, 1);
	assert_int_equal(world->told.said[ALERT_CLEARED], 0);
	world_until(world, AT(330));
	assert_int_equal(world->told.said[ALERT_CLEARED], 1);
	assert_int_equal(told_last(&world->told)->total, 2);
	world_close(world);
}

/* The reader was held up: what happened within is judged by when it happened. */
static void long_slices(void **state)
{
	struct world *world = open_service();

	(void)state;
	starts(world, 1, PORT, NGINX, AT(0));
	closes(world, 1, PORT, AT(0.1));
	world->end_ns = AT(0.2);
	world_slice(world, AT(5));
	starts(world, 2, PORT, NGINX, AT(5));
	closes(world, 2, PORT, AT(10));
	asks(world, 0x0a000007, PORT, KNOWN, AT(10.3));
	starts(world, 3, PORT, NGINX, AT(10.5));
	world_slice(world, AT(90));
	world_until(world, AT(100));
	assert_int_equal(world->told.count, 0);
	/* Down all the time: told by the step that ends it. */
	closes(world, 3, PORT, AT(100));
	assert_false(asks(world, 0x0a000007, PORT, KNOWN, AT(100.2)));
	world_slice(world, AT(300));
	assert_int_equal(world->told.said[ALERT_RAISED], 1);
	world_close(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_killed_service_is_told_at_the_first_client),
		cmocka_unit_test(strangers_must_ask_three_times_within_a_minute),
		cmocka_unit_test(strangers_long_after),
		cmocka_unit_test(what_failed_is_told_at_once_and_gets_worse),
		cmocka_unit_test(whoever_merely_stops_has_two_seconds),
		cmocka_unit_test(a_restart_with_a_gap_is_no_outage),
		cmocka_unit_test(who_listens_again_ends_it),
		cmocka_unit_test(a_crash_loop_is_one_incident),
		cmocka_unit_test(what_nobody_asks_for_any_more),
		cmocka_unit_test(listeners_for_one_transfer_are_no_service),
		cmocka_unit_test(another_address_does_not_end_it),
		cmocka_unit_test(two_addresses_stop_as_one),
		cmocka_unit_test(one_of_two_addresses_comes_back),
		cmocka_unit_test(late_events),
		cmocka_unit_test(many_clients_are_estimated),
		cmocka_unit_test(more_ports_than_room),
		cmocka_unit_test(long_slices),
	};

	return cmocka_run_group_tests_name("service", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "halfopen.h"

#include <string.h>

#include "units.h"

#define TICK_NS (SECOND_NS / 20)
/* What losses explain, as shares of the handshakes: a loss of 5% each way makes one in ten need a
 * second SYN-ACK, which is answered within a round trip of 250 ms, and one in a hundred a third;
 * one in a hundred clients may vanish. And what explains itself on any host. */
#define LOST_ONCE  0.1
#define LOST_TWICE 0.02
#define ROUND_TRIP 0.25 /* s */
#define SPARE	   3.0	/* a second */
#define LIMIT	   25.0

#define SPREAD_NS    (SECOND_NS / 4) /* a burst in flight is not spread further */
#define SPREAD_TICKS 6

static uint64_t tick_of(uint64_t time_ns)
{
	return time_ns / TICK_NS;
}

void halfopen_init(struct halfopen *halfopen, uint64_t seed)
{
	halfopen->seed = seed;
	TABLE_INIT(halfopen, sockets, uint64_t, seed);
	TABLE_INIT(halfopen, ports, struct halfopen_key, seed);
}

struct halfopen_port *halfopen_find(const struct halfopen *halfopen, uint32_t netns, uint32_t port)
{
	struct halfopen_key key = {.netns = netns, .port = port};

	return table_find(&halfopen->ports, &key);
}

/* Its entry; in place of another one if there is no room. */
static void *make(struct table *table, const void *key, uint32_t *next)
{
	void *made = table_add(table, key);

	if (!made) {
		made = table_entry(table, *next);
		table_replace(table, made, key);
		*next = (*next + 1) % table->capacity;
	}
	return made;
}

static struct halfopen_port *make_port(struct halfopen *halfopen, const struct halfopen_key *key)
{
	struct halfopen_port *port = table_find(&halfopen->ports, key);

	for (uint32_t i = 0; !port && halfopen->ports.used == HALFOPEN_PORTS && i < HALFOPEN_PORTS;
	     i++) {
		if (!halfopen->ports_entries[halfopen->next_port].held)
			break;
		halfopen->next_port = (halfopen->next_port + 1) % HALFOPEN_PORTS;
	}
	return port ? port : make(&halfopen->ports, key, &halfopen->next_port);
}

static void drop_ticks(struct halfopen_port *port, uint64_t tick)
{
	uint64_t behind = tick > port->tick ? tick - port->tick : 0;

	for (uint64_t i = 1; i <= behind && i <= HALFOPEN_TICKS; i++)
		port->ticks[(port->tick + i) % HALFOPEN_TICKS] = 0;
	if (behind)
		port->tick = tick;
}

uint64_t halfopen_rate(const struct halfopen_port *port)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < HALFOPEN_TICKS; i++)
		sum += port->ticks[i];
	return sum;
}

static double least(double a, double b)
{
	return a < b ? a : b;
}

double halfopen_limit(double load)
{
	return LIMIT + LOST_ONCE * ROUND_TRIP * load;
}

void halfopen_advance(struct halfopen_port *port, uint64_t now_ns, double load)
{
	double seconds = now_ns > port->last_ns ? (double)(now_ns - port->last_ns) / SECOND_NS : 0;
	double growth = (double)port->stale - port->advanced;
	double before = port->score, noise = halfopen_limit(load) / 4;

	drop_ticks(port, tick_of(now_ns));
	port->budget = least(port->budget, halfopen_rate(port));
	if (growth > 0) {
		growth = least(growth, port->budget);
		port->budget -= growth;
	}
	port->advanced = port->stale;
	port->last_ns = now_ns;
	port->score += growth - (SPARE + LOST_TWICE * load) * seconds;
	if (port->score < 0)
		port->score = 0;
	if (before <= 0 && port->score > 0 && !port->held)
		senders_clear(&port->sources);
	if (before < noise && port->score >= noise)
		port->run_ns = now_ns;
}

/* A part of a sum. */
static void replace(uint32_t *sum, uint32_t before, uint32_t now)
{
	*sum = (*sum > before ? *sum - before : 0) + now;
}

struct halfopen_port *halfopen_signal(struct halfopen *halfopen, const struct rst_signal *signal,
				      double load)
{
	struct halfopen_key key = {.netns = signal->netns, .port = signal->local_port};
	struct halfopen_socket *socket =
		make(&halfopen->sockets, &signal->socket, &halfopen->next_socket);
	struct halfopen_port *port = make_port(halfopen, &key);
	/* Its client is there: it waits for room in the accept queue. */
	bool answered = signal->trigger & RST_FLAG_ACK;

	replace(&port->half_open, socket->half_open, signal->half_open);
	replace(&port->stale, socket->stale, signal->stale);
	if (signal->backlog > port->backlog)
		port->backlog = signal->backlog;
	port->saturated |= signal->half_open * 4ULL >= signal->backlog * 3ULL;
	if (signal->owner)
		port->owner = signal->owner;
	socket->port = key;
	socket->half_open = signal->half_open;
	socket->stale = signal->stale;
	socket->backlog = signal->backlog;
	socket->owner = port->owner;
	drop_ticks(port, tick_of(signal->time_ns));
	if (answered)
		port->answered_ns = signal->time_ns;
	if (signal->attempt == 1)
		port->signalled++;
	if (signal->attempt == 1 && !answered) {
		port->ticks[port->tick % HALFOPEN_TICKS]++;
		port->budget++;
	}
	halfopen_advance(port, signal->time_ns, load);
	if (signal->attempt == 1 && !answered && port->score > 0)
		senders_add(&port->sources, signal->peer, halfopen->seed);
	return port;
}

/* What it has counted since it was last told. */
static void compare(struct halfopen_socket *socket, const struct rst_listening *now,
		    struct halfopen_slice *slice)
{
	if (socket->compared) {
		slice->drops += now->drops - socket->drops; /* modulo 2^32 */
		if (now->retransmits_first > socket->first)
			slice->first += now->retransmits_first - socket->first;
		if (now->completed > socket->completed)
			slice->completed += now->completed - socket->completed;
	}
	socket->compared = true;
	socket->drops = now->drops;
	socket->first = now->retransmits_first;
	socket->completed = now->completed;
}

static bool is_full(const struct halfopen_socket *socket)
{
	return socket->accept_queue && socket->accept_queue * 10ULL >= socket->backlog * 9ULL;
}

/* Most listeners have nothing half-open when they are looked at: those are not kept. */
void halfopen_listening(struct halfopen *halfopen, const struct rst_listening *listening)
{
	struct halfopen_key key = {.netns = listening->netns, .port = listening->port};
	struct halfopen_socket *socket = table_find(&halfopen->sockets, &listening->socket);
	struct halfopen_port *port;

	if (!socket && !listening->half_open)
		return;
	if (!socket)
		socket = make(&halfopen->sockets, &listening->socket, &halfopen->next_socket);
	port = make_port(halfopen, &key);
	socket->port = key;
	socket->half_open = listening->half_open;
	socket->stale = listening->half_open > listening->young
				? listening->half_open - listening->young
				: 0;
	socket->backlog = listening->backlog;
	socket->accept_queue = listening->accept_queue;
	socket->owner = listening->owner;
	socket->told = true;
	compare(socket, listening, &port->slice);
	if (is_full(socket))
		port->slice.full = true;
}

void halfopen_close(struct halfopen *halfopen, uint64_t number)
{
	struct halfopen_socket *socket = table_find(&halfopen->sockets, &number);

	if (socket)
		table_remove(&halfopen->sockets, socket);
}

/* The sums anew, of all sockets that are known. */
static void add_up(struct halfopen *halfopen)
{
	for (uint32_t i = 0; i < halfopen->ports.used; i++) {
		struct halfopen_port *port = &halfopen->ports_entries[i];

		port->half_open = port->stale = port->backlog = 0;
		port->saturated = false;
	}
	for (uint32_t i = 0; i < halfopen->sockets.used; i++) {
		const struct halfopen_socket *socket = &halfopen->sockets_entries[i];
		struct halfopen_port *port = table_find(&halfopen->ports, &socket->port);

		if (!port)
			continue;
		port->half_open += socket->half_open;
		port->stale += socket->stale;
		port->saturated |=
			socket->half_open && socket->half_open * 4ULL >= socket->backlog * 3ULL;
		if (socket->backlog > port->backlog)
			port->backlog = socket->backlog;
		if (socket->owner)
			port->owner = socket->owner;
	}
}

void halfopen_settle(struct halfopen *halfopen)
{
	for (uint32_t i = 0; i < halfopen->sockets.used; i++) {
		struct halfopen_socket *socket = &halfopen->sockets_entries[i];

		if (!socket->told)
			socket->half_open = socket->stale = socket->accept_queue = 0;
		socket->told = false;
	}
	add_up(halfopen);
	for (uint32_t i = 0; i < halfopen->ports.used; i++) {
		struct halfopen_port *port = &halfopen->ports_entries[i];
		uint64_t untold = port->slice.first > port->signalled
					  ? port->slice.first - port->signalled
					  : 0;

		/* What was not told at once has happened some time in the slice. */
		port->ticks[port->tick % HALFOPEN_TICKS] += untold;
		port->budget += untold;
		if (port->slice.first < port->signalled)
			port->slice.first = port->signalled;
		port->signalled = 0;
	}
}

void halfopen_next(struct halfopen *halfopen)
{
	for (uint32_t i = 0; i < halfopen->ports.used; i++)
		halfopen->ports_entries[i].slice = (struct halfopen_slice){0};
}

bool halfopen_grows(const struct halfopen_port *port, uint64_t now_ns)
{
	unsigned spread = 0;

	for (unsigned i = 0; i < HALFOPEN_TICKS; i++)
		spread += !!port->ticks[i];
	return port->saturated || (now_ns - port->run_ns >= SPREAD_NS && spread >= SPREAD_TICKS);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "service.h"

#include <signal.h>
#include <string.h>

#include "hash.h"
#include "units.h"

#define GRACE_NS  (2 * SECOND_NS)   /* for a graceful restart */
#define ASKED_NS  (60 * SECOND_NS)  /* within which strangers ask often enough */
#define LATE_NS	  (600 * SECOND_NS) /* after that only those who know it can miss it */
#define SETTLE_NS (6 * SECOND_NS)   /* who listens that long is not about to crash again */
#define IDLE_NS	  (60 * SECOND_NS)

/* A port of which nothing is for longer than that: a listener for one transfer, as of FTP. */
#define BRIEF_NS	   (2 * SECOND_NS)
#define BRIEF_EPHEMERAL_NS (60 * SECOND_NS)
#define EPHEMERAL_PORT	   32768 /* net.ipv4.ip_local_port_range begins there */

/* Events of several CPUs are a little out of order. */
static uint64_t since(uint64_t now_ns, uint64_t then_ns)
{
	return now_ns > then_ns ? now_ns - then_ns : 0;
}

static void init(void *state, uint64_t seed)
{
	struct service *service = state;

	service->seed = seed;
	TABLE_INIT(service, ports, struct service_key, seed);
}

static struct book_key incident_key(const struct service_port *port)
{
	return (struct book_key){
		.kind = ALERT_SERVICE_DOWN, .netns = port->key.netns, .port = port->key.port};
}

static struct incident *find_incident(const struct service_port *port,
				      const struct detect_world *world)
{
	struct book_key key = incident_key(port);

	return book_find(world->book, &key);
}

/* --- how it stopped --- */

static unsigned signal_of(const struct listener_answer *gone)
{
	return gone->exited ? gone->exit_status & 0x7f : 0;
}

static unsigned code_of(const struct listener_answer *gone)
{
	return gone->exited ? gone->exit_status >> 8 & 0xff : 0;
}

bool service_is_request(unsigned number)
{
	return number == SIGTERM || number == SIGINT || number == SIGHUP;
}

/* Not the way of somebody who was asked to stop, and may be replaced at once. */
static bool has_failed(const struct listener_answer *gone)
{
	unsigned number = signal_of(gone), code = code_of(gone);

	if (number)
		return !service_is_request(number);
	/* A shell, or a runtime, that passes on how its program ended. */
	return code && !(code > 128 && service_is_request(code - 128));
}

/* Whether it was no service, but waited for one connection that somebody was told of. */
static bool was_brief(uint16_t port, const struct listener_answer *gone)
{
	uint64_t least_ns = port >= EPHEMERAL_PORT ? BRIEF_EPHEMERAL_NS : BRIEF_NS;

	return gone->since_ns && !has_failed(gone) && gone->stopped_ns - gone->since_ns < least_ns;
}

/* --- who asks for it --- */

static void add_early(struct service_port *port, const uint8_t *address)
{
	uint32_t i = 0;

	while (i < port->early_used && memcmp(port->early[i].address, address, 16))
		i++;
	if (i == SERVICE_ENOUGH)
		return;
	if (i == port->early_used)
		memcpy(port->early[port->early_used++].address, address, 16);
	port->early[i].count++;
}

static bool is_asked_often(const struct service_port *port)
{
	uint64_t first_ns = port->asked[SERVICE_ENOUGH - 1];

	return first_ns && since(port->asked[0], first_ns) <= ASKED_NS;
}

/* Whether somebody misses it, rather than passing by. */
static bool is_wanted(const struct service_port *port)
{
	return port->known ||
	       (is_asked_often(port) && since(port->asked[0], port->gone.stopped_ns) <= LATE_NS);
}

static void note(struct service *service, struct service_port *port, const struct rst_event *event)
{
	port->events++;
	port->counts = true;
	memcpy(port->address, event->local, sizeof(port->address));
	memmove(port->asked + 1, port->asked, sizeof(port->asked) - sizeof(port->asked[0]));
	port->asked[0] = event->time_ns;
	port->known |= !!(event->flags & RST_EVENT_KNOWN);
	crowd_add(&port->clients, hash_address(event->peer, service->seed));
	if (!port->wanted && is_wanted(port)) {
		port->wanted = true;
		port->late = since(event->time_ns, port->gone.stopped_ns) > LATE_NS;
	}
}

/* --- the ports --- */

/* All but which port it is. */
static void forget(struct service_port *port)
{
	struct service_port forgotten = {.key = port->key};

	*port = forgotten;
}

static struct service_port *add_port(struct service *service, const struct service_key *key)
{
	struct service_port *port = table_add(&service->ports, key), *oldest = NULL;

	for (uint32_t i = 0; !port && i < service->ports.used; i++) {
		struct service_port *other = table_entry(&service->ports, i);

		if (!other->told && (!oldest || other->asked[0] < oldest->asked[0]))
			oldest = other;
	}
	if (!port && oldest) {
		table_replace(&service->ports, oldest, key);
		port = oldest;
	}
	return port;
}

static void go_down(struct service_port *port, const struct listener_answer *gone)
{
	if (port->times) {
		uint64_t until_ns = port->back_ns ? port->back_ns : gone->since_ns;

		port->down_ns += since(until_ns, port->gone.stopped_ns);
	}
	port->times++;
	port->gone = *gone;
	port->back_ns = 0;
	port->ended = false;
	port->wanted = port->late = false;
}

static void come_back(struct service_port *port, uint64_t time_ns)
{
	port->back_ns = time_ns > port->gone.stopped_ns ? time_ns : port->gone.stopped_ns + 1;
}

/* What the listeners say of it by now. */
static void look(struct service_port *port, const struct detect_world *world, uint64_t now_ns)
{
	struct listener_answer answer;

	if (!listeners_find(world->listeners, port->key.netns, port->address, port->key.port,
			    now_ns, &answer))
		return;
	if (!port->back_ns && answer.listening)
		come_back(port, answer.since_ns ? answer.since_ns : now_ns);
	else if (port->back_ns && !answer.listening && answer.stopped_ns > port->back_ns)
		go_down(port, &answer);
}

/* --- the incident --- */

static enum alert_severity severity_of(const struct service_port *port, uint64_t now_ns)
{
	if (signal_of(&port->gone) && has_failed(&port->gone))
		return ALERT_CRITICAL;
	if (since(now_ns, port->gone.stopped_ns) < GRACE_NS)
		return ALERT_WARNING;
	if (!port->late || has_failed(&port->gone))
		return ALERT_CRITICAL;
	/* Whoever stopped it on purpose has seen by then whom that hits. */
	return is_asked_often(port) ? ALERT_WARNING : ALERT_INFO;
}

static void write_back(const struct service_port *port, struct incident *incident,
		       const struct detect_world *world)
{
	const struct process *process;
	struct listener_answer answer;

	book_word(incident, "back", port->back_ns ? "yes" : "no");
	if (!port->back_ns ||
	    !listeners_find(world->listeners, port->key.netns, port->address, port->key.port,
			    port->back_ns, &answer) ||
	    !answer.listening)
		return;
	process = processes_find(world->processes, answer.owner);
	if (process)
		book_fact(incident, "new_pid", process->pid);
}

static void write_evidence(const struct service_port *port, struct incident *incident,
			   const struct detect_world *world, uint64_t now_ns)
{
	const struct listener_answer *gone = &port->gone;
	uint64_t until_ns = port->back_ns ? port->back_ns : now_ns;
	uint64_t down_ns = port->down_ns + since(until_ns, gone->stopped_ns);

	incident->total = port->counted > port->events ? port->counted : port->events;
	incident->proof = port->known ? ALERT_PROOF_HANDSHAKE : ALERT_PROOF_NONE;
	incident->peers_all = crowd_count(&port->clients);
	incident->peers_estimated = port->clients.level;
	incident->owner_process = gone->owner;
	incident->owner = (struct owner){.known_by = OWNER_LAST_LISTENER,
					 .stopped_ns = gone->stopped_ns,
					 .exited = gone->exited,
					 .exit_status = gone->exit_status};
	incident->fact_count = incident->word_count = 0;
	book_fact(incident, "refusals", incident->total);
	book_fact(incident, "distinct_sources", incident->peers_all);
	book_fact(incident, "down_seconds", (double)down_ns / SECOND_NS);
	book_fact(incident, "times_down", port->times);
	if (signal_of(gone))
		book_fact(incident, "signal_number", signal_of(gone));
	else if (gone->exited)
		book_fact(incident, "exit_code", code_of(gone));
	book_word(incident, "stopped",
		  !gone->exited	    ? "closed"
		  : signal_of(gone) ? "killed"
				    : "exited");
	write_back(port, incident, world);
}

/* Tells of it if it is time to. */
static void judge(struct service_port *port, struct detect_world *world, uint64_t now_ns)
{
	struct book_key key = incident_key(port);
	struct incident *incident;

	if (!port->told && (port->back_ns || !port->wanted))
		return;
	if (!port->told && !has_failed(&port->gone) &&
	    since(now_ns, port->gone.stopped_ns) < GRACE_NS)
		return;
	if (port->back_ns)
		return;
	incident = book_open(world->book, &key, severity_of(port, now_ns), port->asked[0]);
	if (!incident)
		return;
	for (uint32_t i = 0; i < port->early_used; i++)
		book_add_peer(incident, port->early[i].address, port->early[i].count);
	port->early_used = 0;
	port->told = true;
	write_evidence(port, incident, world, now_ns);
}

static bool event(void *state, struct detect_world *world, const struct detect_event *seen)
{
	const struct rst_event *event = seen->event;
	const struct listener_answer *gone = &seen->gone;
	struct service *service = state;
	struct service_key key = {.netns = event->netns, .port = event->local_port};
	struct service_port *port;
	struct incident *incident;

	if (was_brief(event->local_port, gone) && !TABLE_FIND(&service->ports, &key))
		return false;
	port = add_port(service, &key);
	if (!port)
		return false;
	if (port->told && !find_incident(port, world))
		forget(port);
	/* Another address of the port may have stopped a little later: that is no second time. */
	if (port->times && gone->since_ns > port->gone.stopped_ns && !port->told)
		forget(port);
	if (!port->times || gone->since_ns > port->gone.stopped_ns)
		go_down(port, gone);
	/* One of its addresses is back, and this one is not. */
	if (port->back_ns && event->time_ns > port->back_ns)
		port->back_ns = port->ended = 0;
	note(service, port, event);
	look(port, world, UINT64_MAX); /* it may be back, and that was told first */
	incident = find_incident(port, world);
	if (incident)
		book_add_peer(incident, event->peer, 1);
	else
		add_early(port, event->peer);
	judge(port, world, event->time_ns);
	return find_incident(port, world);
}

static void listener(void *state, struct detect_world *world, const struct rst_listener *change)
{
	struct service *service = state;
	struct service_key key = {.netns = change->netns, .port = change->port};
	struct service_port *port = table_find(&service->ports, &key);
	struct incident *incident;

	if (!port)
		return;
	look(port, world, change->time_ns);
	incident = port->told ? find_incident(port, world) : NULL;
	if (incident)
		write_evidence(port, incident, world, change->time_ns);
}

static bool count(void *state, struct detect_world *world, const struct rst_port_key *key,
		  uint64_t count)
{
	struct service *service = state;
	struct service_key of = {.netns = key->netns, .port = key->port};
	struct service_port *port;

	if (key->direction != RST_SENT || key->cause != RST_CLOSED_PORT ||
	    key->role != RST_ROLE_SERVER)
		return false;
	port = table_find(&service->ports, &of);
	if (!port || !port->counts)
		return false;
	port->counted += count;
	return find_incident(port, world);
}

/* False: there is nothing more to remember of it. */
static bool step_port(struct service_port *port, struct detect_world *world, uint64_t end_ns)
{
	struct incident *incident;

	look(port, world, end_ns);
	port->counts = !port->back_ns;
	if (port->told && !find_incident(port, world))
		return false;
	judge(port, world, end_ns);
	if (!port->told)
		return !port->back_ns && since(end_ns, port->asked[0]) < IDLE_NS;
	incident = find_incident(port, world);
	write_evidence(port, incident, world, end_ns);
	if (port->back_ns && !port->ended && since(end_ns, port->back_ns) >= SETTLE_NS) {
		port->ended = true;
		book_end(incident, end_ns);
	}
	return true;
}

static void step(void *state, struct detect_world *world, uint64_t start_ns, uint64_t end_ns)
{
	struct service *service = state;
	uint32_t i = 0;

	(void)start_ns;
	while (i < service->ports.used) {
		struct service_port *port = table_entry(&service->ports, i);

		if (step_port(port, world, end_ns)) {
			i++;
			continue;
		}
		table_remove(&service->ports, port); /* another one is at i now */
	}
}

const struct detector service_detector = {
	.kind = ALERT_SERVICE_DOWN,
	.classes = 1 << DETECT_REFUSED_GONE,
	.quiet_s = 300,
	.init = init,
	.event = event,
	.listener = listener,
	.count = count,
	.step = step,
	.describe = service_describe,
};

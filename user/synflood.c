// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "synflood.h"

#include "settings.h"
#include "units.h"

#define STALE	      30
#define SUSPECT	      10 /* stale ones */
#define SUSPECT_SCORE 3
#define WATCH_NS      (10 * SECOND_NS)
#define ATTEMPT_NS    SECOND_NS /* from a SYN-ACK to its first retransmission */
#define CLOGGED	      16	/* half-open connections that are no clogged queue yet */
#define CLOGGED_DROPS 10.0	/* SYNs a second */
#define REFUSED	      2		/* looks */
#define REQUEST_NS    (63 * SECOND_NS)
#define FIRST_LOOKS   3 /* until it is known what is usual */
#define LASTING	      5 /* looks, of what was there before the run */

static void init(void *state, uint64_t seed)
{
	struct synflood *synflood = state;

	synflood->seed = seed;
	halfopen_init(&synflood->halfopen, seed);
	churn_init(&synflood->churn, seed);
	TABLE_INIT(synflood, handshakes, uint32_t, seed);
}

static struct handshakes *find_netns(const struct synflood *synflood, uint32_t netns)
{
	return table_find(&synflood->handshakes, &netns);
}

static double load_of(const struct synflood *synflood, uint32_t netns)
{
	const struct handshakes *handshakes = find_netns(synflood, netns);

	return handshakes ? handshakes_load(handshakes) : 0;
}

/* --- what it has come to --- */

static struct synflood_flood *find_flood(struct synflood *synflood, uint32_t netns, uint16_t port)
{
	for (unsigned i = 0; i < BOOK_OPEN; i++)
		if (synflood->floods[i].used && synflood->floods[i].netns == netns &&
		    synflood->floods[i].port == port)
			return &synflood->floods[i];
	return NULL;
}

/* As that of the port, or as one of which the port is not known. */
static bool is_told(struct synflood *synflood, uint32_t netns, uint16_t port)
{
	return find_flood(synflood, netns, port) || find_flood(synflood, netns, 0);
}

static struct synflood_flood *begin_flood(struct synflood *synflood, uint32_t netns, uint16_t port)
{
	struct synflood_flood *flood = find_flood(synflood, netns, port);
	const struct handshakes *handshakes = find_netns(synflood, netns);

	for (unsigned i = 0; !flood && i < BOOK_OPEN; i++)
		if (!synflood->floods[i].used)
			flood = &synflood->floods[i];
	if (flood && !flood->used)
		*flood = (struct synflood_flood){
			.used = true,
			.netns = netns,
			.port = port,
			.before = handshakes ? handshakes_before(handshakes) : 0};
	return flood;
}

/* The alert begins: since_ns is when the first SYN of it came. */
static void open_flood(struct synflood *synflood, struct detect_world *world, uint32_t netns,
		       uint16_t number, struct halfopen_port *port, uint64_t since_ns, double rate)
{
	struct book_key key = synflood_key(netns, number, SYNFLOOD);
	bool new = !book_find(world->book, &key);
	struct incident *incident = book_open(world->book, &key, ALERT_WARNING, world->now_ns);
	struct synflood_flood *flood;

	if (!incident)
		return;
	flood = begin_flood(synflood, netns, number);
	if (new &&since_ns < incident->first_ns)
		incident->first_ns = since_ns;
	synflood_tell_owner(incident, world, port ? port->owner : 0);
	if (port) {
		port->held = true;
		synflood_tell_sources(incident, &port->sources);
	}
	synflood_tell_facts(incident, flood, port, rate);
	if (new &&port)
		incident->total = port->stale; /* the slice will tell */
	synflood->watch_until_ns = world->now_ns + WATCH_NS;
}

/* --- stale ones become more --- */

/* Clients hang just like that if their listener does not accept, and most have answered. Once some
 * of them have, a look at the queue from behind the first of these SYNs must have shown that it
 * accepts. */
static bool may_refuse(const struct synflood *synflood, const struct detect_world *world,
		       const struct halfopen_port *port)
{
	return port->refused ||
	       (port->answered_ns && world->now_ns - port->answered_ns < REQUEST_NS &&
		synflood->looked_ns + ATTEMPT_NS / 2 < port->run_ns);
}

/* At the time of an event. */
static void judge_port(struct synflood *synflood, struct detect_world *world,
		       struct halfopen_port *port)
{
	const struct handshakes *handshakes = find_netns(synflood, port->key.netns);

	if (synflood->looks < FIRST_LOOKS || port->stale < STALE ||
	    port->score < halfopen_limit(load_of(synflood, port->key.netns)) ||
	    may_refuse(synflood, world, port) || !halfopen_grows(port, world->now_ns) ||
	    is_told(synflood, port->key.netns, port->key.port) ||
	    synflood_is_path_loss(world, handshakes, port))
		return;
	open_flood(synflood, world, port->key.netns, port->key.port, port,
		   port->run_ns > ATTEMPT_NS ? port->run_ns - ATTEMPT_NS : 0, halfopen_rate(port));
}

static void signal(void *state, struct detect_world *world, const struct rst_signal *signal)
{
	struct synflood *synflood = state;
	struct handshakes *handshakes;
	struct halfopen_port *port;

	if (signal->kind == RST_SIGNAL_SYN) {
		handshakes = find_netns(synflood, signal->netns);
		if (handshakes && synflood->watching)
			handshakes_sample(handshakes, signal, synflood->seed);
	}
	if (signal->kind != RST_SIGNAL_RETRANSMIT)
		return;
	port = halfopen_signal(&synflood->halfopen, signal, load_of(synflood, signal->netns));
	judge_port(synflood, world, port);
}

static void listener(void *state, struct detect_world *world, const struct rst_listener *change)
{
	struct synflood *synflood = state;

	(void)world;
	if (change->change == RST_LISTENER_CLOSED)
		halfopen_close(&synflood->halfopen, change->socket);
}

static void listening(void *state, struct detect_world *world,
		      const struct rst_listening *listening)
{
	struct synflood *synflood = state;

	(void)world;
	halfopen_listening(&synflood->halfopen, listening);
}

/* One to be replaced: if possible one in which nothing goes on. */
static struct handshakes *next_netns(struct synflood *synflood)
{
	struct handshakes *next = NULL;

	for (unsigned i = 0; i < HANDSHAKES_NETNS; i++) {
		next = table_entry(&synflood->handshakes, synflood->next_netns);
		synflood->next_netns = (synflood->next_netns + 1) % HANDSHAKES_NETNS;
		if (!next->told && !next->past[0].completed && !next->past[0].sent)
			break;
	}
	return next;
}

static void queues(void *state, struct detect_world *world, const struct record_queues *queues)
{
	struct synflood *synflood = state;
	struct handshakes *handshakes = table_add(&synflood->handshakes, &queues->netns);

	(void)world;
	if (!handshakes) {
		handshakes = next_netns(synflood);
		table_replace(&synflood->handshakes, handshakes, &queues->netns);
	}
	handshakes_add(handshakes, queues);
}

/* --- at the end of a slice --- */

/* The accept queue is full, or was in between: SYNs and last ACKs were dropped because of it. */
static bool is_refusing(const struct halfopen_port *port, const struct handshakes *handshakes)
{
	uint64_t overflows = handshakes ? handshakes->moved[QUEUE_OVERFLOWS] : 0;

	return port->slice.full || (port->slice.drops && overflows * 2 >= port->slice.drops);
}

/* Most of the queue is stale, and SYNs find no room in it: without SYN cookies they are dropped. */
static bool is_clogged(const struct halfopen_port *port, const struct handshakes *handshakes,
		       double seconds)
{
	double drops = port->slice.drops / seconds;

	return port->half_open >= CLOGGED && port->stale * 2ULL >= port->half_open &&
	       (port->half_open >= 64 || port->half_open * 10ULL >= port->backlog * 9ULL) &&
	       drops >= CLOGGED_DROPS && (!handshakes || handshakes_now(handshakes) < drops);
}

/* Still going on: more SYN-ACKs are sent again than losses explain, and few of those end. */
static bool is_flooded(const struct halfopen_port *port, double load, double seconds)
{
	double first = port->slice.first / seconds;

	return !port->refused && port->stale >= STALE && first >= 5 + load / 10 &&
	       port->stale >= first * 0.7;
}

static void step_port(struct synflood *synflood, struct detect_world *world,
		      struct halfopen_port *port, double seconds)
{
	const struct handshakes *handshakes = find_netns(synflood, port->key.netns);

	halfopen_advance(port, world->now_ns, load_of(synflood, port->key.netns));
	if (is_refusing(port, handshakes))
		port->refused = REFUSED;
	else if (port->refused)
		port->refused--;
	if (port->refused) {
		port->score = 0;
		port->refused_ns = world->now_ns;
	}
	if (port->stale > SUSPECT && port->score >= SUSPECT_SCORE)
		synflood->watch_until_ns = world->now_ns + WATCH_NS;
	if (is_told(synflood, port->key.netns, port->key.port))
		return;
	judge_port(synflood, world, port);
	port->lasting = is_flooded(port, load_of(synflood, port->key.netns), seconds)
				? port->lasting + 1
				: 0;
	/* What waited for a full accept queue is stale for as long as a request lives. */
	if (port->refused_ns && world->now_ns - port->refused_ns < REQUEST_NS)
		return;
	if (is_clogged(port, handshakes, seconds) ||
	    (port->lasting >= LASTING && !synflood_is_path_loss(world, handshakes, port)))
		open_flood(synflood, world, port->key.netns, port->key.port, port, world->now_ns,
			   (port->slice.drops + port->slice.first) / seconds);
}

static bool is_hit(const struct synflood_flood *flood, const struct halfopen_port *port,
		   const struct handshakes *handshakes)
{
	if (port && port->slice.drops && !port->refused && port->half_open >= CLOGGED &&
	    !(handshakes && handshakes->moved[QUEUE_COOKIES_SENT]))
		return true;
	return handshakes && flood->before >= 5 && handshakes_now(handshakes) <= flood->before / 2;
}

static void add_up(struct synflood_flood *flood, const struct halfopen_port *port,
		   const struct handshakes *handshakes, uint64_t *syns)
{
	*syns = 0;
	if (port && !port->refused) {
		flood->drops += port->slice.drops;
		*syns += port->slice.drops;
	}
	if (port)
		*syns += port->slice.first;
	if (handshakes) {
		uint64_t sent = handshakes->moved[QUEUE_COOKIES_SENT],
			 valid = handshakes->moved[QUEUE_COOKIES_RECV];

		flood->sent += sent;
		flood->valid += valid;
		flood->completed += handshakes->moved[QUEUE_PASSIVE_OPENS];
		*syns += sent > valid ? sent - valid : 0;
	}
	flood->syns += *syns;
}

static void step_flood(struct synflood *synflood, struct detect_world *world,
		       struct synflood_flood *flood, double seconds)
{
	struct book_key key = synflood_key(flood->netns, flood->port, SYNFLOOD);
	struct incident *incident = book_find(world->book, &key);
	struct halfopen_port *port = halfopen_find(&synflood->halfopen, flood->netns, flood->port);
	struct handshakes *handshakes = find_netns(synflood, flood->netns);
	double missing = handshakes ? handshakes_unanswered(handshakes) : 0;
	uint64_t syns;

	if (!incident) {
		flood->used = false;
		if (port)
			port->held = false;
		return;
	}
	synflood->watch_until_ns = world->now_ns + WATCH_NS;
	if ((!port || !(is_flooded(port, handshakes ? handshakes_load(handshakes) : 0, seconds) ||
			is_clogged(port, handshakes, seconds))) &&
	    missing <= 0)
		return;
	add_up(flood, port, handshakes, &syns);
	incident = book_open(world->book, &key,
			     is_hit(flood, port, handshakes) ? ALERT_CRITICAL : ALERT_WARNING,
			     world->now_ns);
	if (!incident)
		return;
	synflood_tell_facts(incident, flood, port, syns / seconds);
	synflood_tell_cookies(incident, handshakes);
	if (port && port->sources.samples >= SYNFLOOD_SAMPLES)
		synflood_tell_sources(incident, &port->sources);
	else if (handshakes)
		synflood_tell_sources(incident, handshakes_senders(handshakes));
}

/* Nobody answers our cookies; they leave no trace in a listener, so samples of SYNs tell which. */
static void step_cookies(struct synflood *synflood, struct detect_world *world,
			 struct handshakes *handshakes)
{
	double rate = handshakes_unanswered(handshakes);
	uint16_t port = handshakes_port(handshakes);
	struct book_key key;
	struct incident *incident;

	if (handshakes->moved[QUEUE_COOKIES_SENT])
		synflood->watch_until_ns = world->now_ns + WATCH_NS;
	if (rate <= 0) {
		handshakes->portless = false;
		return;
	}
	for (unsigned i = 0; i < BOOK_OPEN; i++)
		if (synflood->floods[i].used && synflood->floods[i].netns == handshakes->netns &&
		    (!port || !synflood->floods[i].port || synflood->floods[i].port == port))
			return; /* that is it, and it was told what there is */
	if (!port)
		port = listeners_only_port(world->listeners, handshakes->netns);
	if (!port && !handshakes->portless) { /* SYNs may yet be sampled */
		handshakes->portless = true;
		return;
	}
	handshakes->portless = false;
	open_flood(synflood, world, handshakes->netns, port,
		   halfopen_find(&synflood->halfopen, handshakes->netns, port), world->now_ns,
		   rate);
	key = synflood_key(handshakes->netns, port, SYNFLOOD);
	incident = book_find(world->book, &key);
	if (!incident)
		return;
	synflood_tell_cookies(incident, handshakes);
	synflood_tell_sources(incident, handshakes_senders(handshakes));
}

static void watch(struct synflood *synflood, struct detect_world *world)
{
	bool watching = world->now_ns < synflood->watch_until_ns;

	if (watching)
		world->watch |= RST_WATCH_OPENS | RST_WATCH_SYNS;
	for (uint32_t i = 0; watching && !synflood->watching && i < synflood->handshakes.used; i++)
		handshakes_forget_samples(&synflood->handshakes_entries[i]);
	synflood->watching = watching;
}

static void step(void *state, struct detect_world *world, uint64_t start_ns, uint64_t end_ns)
{
	struct synflood *synflood = state;
	double seconds = end_ns > start_ns ? (double)(end_ns - start_ns) / SECOND_NS : 1;

	halfopen_settle(&synflood->halfopen);
	for (uint32_t i = 0; i < synflood->handshakes.used; i++)
		handshakes_step(&synflood->handshakes_entries[i], seconds);
	synflood->looked_ns = end_ns;
	synflood->looks++;
	for (uint32_t i = 0; i < synflood->halfopen.ports.used; i++)
		step_port(synflood, world, &synflood->halfopen.ports_entries[i], seconds);
	for (uint32_t i = 0; i < synflood->handshakes.used; i++)
		step_cookies(synflood, world, &synflood->handshakes_entries[i]);
	for (unsigned i = 0; i < BOOK_OPEN; i++)
		if (synflood->floods[i].used)
			step_flood(synflood, world, &synflood->floods[i], seconds);
	halfopen_next(&synflood->halfopen);
	watch(synflood, world);
}

const struct detector synflood_detector = {
	.kind = ALERT_SYN_FLOOD,
	.classes = 1 << DETECT_HALF_OPEN,
	.quiet_s = 60,
	.init = init,
	.event = synflood_event,
	.signal = signal,
	.listener = listener,
	.listening = listening,
	.queues = queues,
	.step = step,
	.describe = synflood_describe,
};

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "portflood.h"

#include <string.h>

#include "address.h"
#include "bits.h"
#include "hash.h"
#include "summary.h"
#include "units.h"

#define BURST_EVENTS	60 /* in a second: enough by itself */
#define BURST_ADDRESSES 50
#define TEN_EVENTS	200 /* in ten seconds */
#define TEN_ADDRESSES	30
#define SHARE		0.8 /* addresses, of events: hardly one comes again */
#define STAY		0.5 /* of the limits: it goes on */
#define KNOWN_SHARE	0.2 /* more clients of ours than that: somebody took their service away */
#define SAMPLED		PORTFLOOD_BITS /* events of a second */
#define CANDIDATES	8

/* On the wire, with an Ethernet header. */
#define RESET_BYTES_IPV4 54
#define RESET_BYTES_IPV6 74

static void init(void *state, uint64_t seed)
{
	struct portflood *flood = state;

	flood->seed = seed;
	TABLE_INIT(flood, ports, struct portflood_key, seed);
}

/* --- how many, and how many different --- */

static struct portflood_second *at_second(struct portflood_port *port, uint64_t second)
{
	/* What comes late belongs to the newest one. */
	while (port->second < second) {
		if (second - port->second > PORTFLOOD_SECONDS)
			port->second = second - PORTFLOOD_SECONDS;
		port->second++;
		memset(&port->seconds[port->second % PORTFLOOD_SECONDS], 0,
		       sizeof(port->seconds[0]));
	}
	return &port->seconds[port->second % PORTFLOOD_SECONDS];
}

static void sample(struct portflood_second *second, uint64_t hash, bool known)
{
	uint32_t bit = hash >> 32 & (PORTFLOOD_BITS - 1);

	second->events++;
	if (second->sampled == SAMPLED)
		return;
	second->sampled++;
	second->known += known;
	second->set += bits_set(second->bits, bit);
}

/* Linear counting (Whang 1990): bits * ln(bits / free). The logarithm by the series of artanh. */
static double count_distinct(uint32_t set)
{
	double free = PORTFLOOD_BITS - (set < PORTFLOOD_BITS ? set : PORTFLOOD_BITS - 1);
	double z = (PORTFLOOD_BITS - free) / (PORTFLOOD_BITS + free), power = z, sum = 0;

	for (unsigned i = 1; i < 400 && power > 1e-6; i += 2) {
		sum += power / i;
		power *= z * z;
	}
	return PORTFLOOD_BITS * 2 * sum;
}

static bool is_spread(double addresses, uint32_t sampled, uint32_t known)
{
	return addresses >= SHARE * sampled && known <= KNOWN_SHARE * sampled;
}

static unsigned limits_of(const struct portflood_port *port)
{
	return port->key.port == PORTFLOOD_MANY ? 4 : 1;
}

static bool is_burst(const struct portflood_port *port, const struct portflood_second *second)
{
	/* So few bits cannot be of so many addresses: no need to count. */
	if (second->events < BURST_EVENTS * limits_of(port) || second->set < BURST_ADDRESSES / 2)
		return false;
	return count_distinct(second->set) >= BURST_ADDRESSES &&
	       is_spread(count_distinct(second->set), second->sampled, second->known);
}

/* The seconds that are remembered, as if they were one. */
static struct portflood_second add_up(const struct portflood_port *port)
{
	struct portflood_second all = {0};

	for (unsigned i = 0; i < PORTFLOOD_SECONDS; i++) {
		const struct portflood_second *second = &port->seconds[i];

		all.events += second->events;
		all.sampled += second->sampled;
		all.known += second->known;
		for (unsigned j = 0; j < PORTFLOOD_BITS / 64; j++)
			all.bits[j] |= second->bits[j];
	}
	all.set = bits_count(all.bits, PORTFLOOD_BITS / 64);
	return all;
}

/* --- ports --- */

static struct portflood_port *find_room(struct portflood *flood)
{
	struct portflood_port *least = NULL;

	for (unsigned i = 0; i < CANDIDATES; i++) {
		struct portflood_port *port = table_entry(&flood->ports, flood->hand);

		flood->hand = (flood->hand + 1) % PORTFLOOD_PORTS;
		if (!port->open && (!least || port->recent < least->recent))
			least = port;
	}
	return least;
}

static struct portflood_port *watch(struct portflood *flood, uint32_t netns, uint32_t number)
{
	struct portflood_key key = {.netns = netns, .port = number};
	struct portflood_port *port = TABLE_ADD(&flood->ports, &key);

	if (!port) {
		port = find_room(flood);
		if (port)
			TABLE_REPLACE(&flood->ports, port, &key);
	}
	return port;
}

/* --- the incident --- */

static struct book_key book_key(const struct portflood_port *port)
{
	bool many = port->key.port == PORTFLOOD_MANY;

	return (struct book_key){.kind = ALERT_CLOSED_PORT_FLOOD,
				 .netns = port->key.netns,
				 .port = many ? 0 : port->key.port,
				 .detail = many};
}

/* NULL: there is none, or it was cleared. */
static struct incident *find_incident(struct portflood *flood, const struct detect_world *world,
				      struct portflood_port *port)
{
	struct book_key key = book_key(port);
	struct incident *incident = port->open ? book_find(world->book, &key) : NULL;

	if (!incident && port->open) {
		flood->distinct[port->open - 1].used = false;
		port->open = 0;
	}
	return incident;
}

static void take_registers(struct portflood *flood, struct portflood_port *port)
{
	for (uint32_t i = 0; i < PORTFLOOD_OPEN; i++) {
		struct portflood_distinct *distinct = &flood->distinct[i];

		if (distinct->used)
			continue;
		distinct->used = true;
		distinct_begin(&distinct->addresses);
		port->open = i + 1;
		return;
	}
}

static void write_evidence(const struct portflood *flood, const struct detect_world *world,
			   struct portflood_port *port, struct incident *incident, double rate)
{
	uint64_t addresses = distinct_count(&flood->distinct[port->open - 1].addresses);

	if (rate > port->peak)
		port->peak = rate;
	incident->total = port->past + port->events;
	incident->peers_all = addresses > port->least ? addresses : port->least;
	incident->peers_estimated = true;
	incident->proof = ALERT_PROOF_NONE;
	book_word(incident, "kind", incident->key.detail ? "many_ports" : "one_port");
	book_fact(incident, "resets_per_second", rate);
	book_fact(incident, "resets_per_second_max", port->peak);
	book_fact(incident, "distinct_sources", incident->peers_all);
	book_fact(incident, "reset_bytes_per_second", rate * port->reset_bytes);
	if (world->sources->frozen)
		book_word(incident, "source_table", "frozen");
}

static void open(struct portflood *flood, struct detect_world *world, struct portflood_port *port,
		 double rate, uint64_t time_ns)
{
	struct book_key key = book_key(port);
	struct incident *incident = book_open(world->book, &key, ALERT_WARNING, time_ns);
	struct portflood_second all;

	if (!incident)
		return;
	take_registers(flood, port);
	if (!port->open)
		return;
	all = add_up(port);
	port->past = all.events > port->events ? all.events - port->events : 0;
	port->peak = 0;
	port->least = (uint32_t)count_distinct(all.set);
	write_evidence(flood, world, port, incident, rate);
}

/* True if it is of an incident. hash: of its peer. */
static bool note(struct portflood *flood, struct detect_world *world, struct portflood_port *port,
		 const struct rst_event *event, uint64_t hash)
{
	struct portflood_second *second;

	if (!port)
		return false;
	port->events++;
	port->recent++;
	port->reset_bytes = address_is_ipv4(event->peer) ? RESET_BYTES_IPV4 : RESET_BYTES_IPV6;
	second = at_second(port, event->time_ns / SECOND_NS);
	sample(second, hash, event->flags & RST_EVENT_KNOWN);
	if (!port->asked)
		find_incident(flood, world, port);
	port->asked = true;
	if (!port->open && is_burst(port, second))
		open(flood, world, port, second->events, event->time_ns);
	if (!port->open)
		return false;
	distinct_note(&flood->distinct[port->open - 1].addresses, hash);
	return true;
}

static bool event(void *state, struct detect_world *world, const struct detect_event *seen)
{
	struct portflood *flood = state;
	const struct rst_event *event = seen->event;
	uint64_t hash = hash_address(event->peer, flood->seed);

	if (note(flood, world, watch(flood, event->netns, event->local_port), event, hash))
		return true;
	note(flood, world, watch(flood, event->netns, PORTFLOOD_MANY), event, hash);
	return false;
}

/* True if it is of an incident. */
static bool note_count(struct portflood *flood, struct detect_world *world, uint32_t netns,
		       uint32_t number, uint64_t count)
{
	struct portflood_key key = {.netns = netns, .port = number};
	struct portflood_port *port = table_find(&flood->ports, &key);

	if (!port)
		return false;
	port->exact += count;
	return find_incident(flood, world, port);
}

static bool count(void *state, struct detect_world *world, const struct rst_port_key *key,
		  uint64_t count)
{
	struct portflood *flood = state;

	if (key->direction != RST_SENT || key->cause != RST_CLOSED_PORT)
		return false;
	return note_count(flood, world, key->netns, key->port, count) ||
	       note_count(flood, world, key->netns, PORTFLOOD_MANY, count);
}

static void judge(struct portflood *flood, struct detect_world *world, struct portflood_port *port,
		  double seconds, uint64_t end_ns)
{
	struct portflood_second all;
	struct incident *incident = find_incident(flood, world, port);
	unsigned limits = limits_of(port);
	double rate;

	/* Events can be missing, counters cannot; but a full table of counters can be. */
	if (port->exact)
		port->events = port->exact;
	rate = (double)port->events / seconds;
	at_second(port, end_ns / SECOND_NS);
	all = add_up(port);
	if (!incident && (rate >= limits * BURST_EVENTS || all.events >= limits * TEN_EVENTS)) {
		double addresses = count_distinct(all.set);

		if (addresses >= TEN_ADDRESSES && is_spread(addresses, all.sampled, all.known))
			open(flood, world, port, rate, end_ns);
		return;
	}
	if (!incident)
		return;
	if (port->events &&
	    (rate >= STAY * limits * BURST_EVENTS || all.events >= STAY * limits * TEN_EVENTS))
		book_open(world->book, &incident->key, ALERT_WARNING, end_ns);
	write_evidence(flood, world, port, incident, rate);
}

/* What was counted for all ports before it turned out to be of one. */
static void take_back(struct portflood *flood, const struct portflood_port *port)
{
	struct portflood_key key = {.netns = port->key.netns, .port = PORTFLOOD_MANY};
	struct portflood_port *many = table_find(&flood->ports, &key);

	if (many)
		many->exact -= many->exact < port->exact ? many->exact : port->exact;
}

static void judge_all(struct portflood *flood, struct detect_world *world, bool many,
		      double seconds, uint64_t end_ns)
{
	for (uint32_t i = 0; i < flood->ports.used; i++) {
		struct portflood_port *port = table_entry(&flood->ports, i);
		bool before = port->open;

		if ((port->key.port == PORTFLOOD_MANY) != many)
			continue;
		if (port->events || port->exact || port->open || port->recent)
			judge(flood, world, port, seconds, end_ns);
		if (port->open && !before && !many)
			take_back(flood, port);
		port->past += port->events;
		port->recent /= 2;
		port->events = port->exact = 0;
		port->asked = false;
	}
}

static void step(void *state, struct detect_world *world, uint64_t start_ns, uint64_t end_ns)
{
	double seconds = (double)(end_ns - start_ns) / SECOND_NS;

	judge_all(state, world, false, seconds > 1 ? seconds : 1, end_ns);
	judge_all(state, world, true, seconds > 1 ? seconds : 1, end_ns);
}

static void describe(const struct incident *incident, struct alert *alert)
{
	struct sentence sentence = {.text = alert->summary, .size = sizeof(alert->summary)};
	bool over = alert->status == ALERT_CLEARED, many = incident->key.detail;
	uint64_t bytes = book_find_fact(incident, "reset_bytes_per_second");

	if (many) {
		sentence_add(&sentence, "Many ports, on which nobody listens, ");
		sentence_add(&sentence, over ? "got " : "get ");
	} else {
		sentence_add(&sentence, "Port ");
		sentence_add_number(&sentence, alert->local_port);
		sentence_add(&sentence, ", on which nobody listens, ");
		sentence_add(&sentence, over ? "got " : "gets ");
	}
	if (over) {
		sentence_add_count(&sentence, alert->total, " SYN");
		sentence_add(&sentence, ", at most ");
		sentence_add_decimal(&sentence, book_find_fact(incident, "resets_per_second_max"));
		sentence_add(&sentence, "/s,");
	} else {
		summary_add_rate(&sentence, book_find_fact(incident, "resets_per_second"), " SYN");
	}
	sentence_add(&sentence, " from about ");
	summary_add_addresses(&sentence, alert->peers_all);
	sentence_add(&sentence, ", most likely forged; this host answer");
	sentence_add(&sentence, over ? "ed each with a reset" : "s each with a reset");
	if (!over && bytes) {
		sentence_add(&sentence, ", ");
		summary_add_rate(&sentence, bytes, " byte");
	}
	alert->advice = many ? "Drop SYNs for ports that are not served at the input of the "
			       "firewall instead of answering them (drop, not reject). Do not "
			       "block the addresses: they are most likely forged."
			     : "Drop SYNs for that port at the input of the firewall instead of "
			       "answering them (tcp dport ... drop, not reject). Do not block the "
			       "addresses: they are most likely forged.";
}

const struct detector portflood_detector = {
	.kind = ALERT_CLOSED_PORT_FLOOD,
	.classes = 1 << DETECT_REFUSED_NEW,
	.quiet_s = 60,
	.init = init,
	.event = event,
	.count = count,
	.step = step,
	.describe = describe,
};

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "scan.h"

#include <string.h>

#include "probes.h"
#include "summary.h"
#include "units.h"

/* Natural logarithms, in 1/SOURCES_ONE, of how many times likelier a scan becomes. */
#define LN_95	4663  /* a closed port that is asked for by scans, and hardly by mistake */
#define LN_30	3483  /* another one below the ephemeral range */
#define LN_6	1835  /* an ephemeral one: FTP and the like use them */
#define LN_4	1420  /* a half-open connection that was reset; and at most, of a client of ours */
#define LN_1_5	415   /* an ephemeral one, of a client of ours */
#define DECIDED 14131 /* 13.8 = ln(.99 / 1e-6): a miss in a hundred, a false alarm in a million */

#define PRIVILEGED_PORTS 1024
#define EPHEMERAL_PORT	 32768 /* net.ipv4.ip_local_port_range begins there */

/* Open ports are what clients ask for, and health checks half-open many: they alone decide
 * nothing. */
#define HALF_OPEN_COUNTED 4

/* What a client of ours asks for by mistake adds up no longer than that. */
#define CLIENT_NS (24 * 3600 * SECOND_NS)

#define ABORTED_MS  1000 /* no client comes for less, and without a byte */
#define DECOY_NS    (2 * SECOND_NS)
#define FIRST_PORTS 4 /* of a decoy, of which all but one are among */
#define EARLY_PORTS 8 /* these of the leader: packets can overtake each other */

/* Above 1023, and asked for by most scans. */
static const uint16_t probed_ports[] = {
	1080, 1433, 1521, 1723, 2049, 2375, 3128, 3306, 3389, 5432, 5555, 5900,	 5984,	6379,
	7001, 8000, 8008, 8080, 8081, 8443, 8888, 9000, 9090, 9200, 9300, 10000, 11211, 27017};

static bool is_probed(uint16_t port)
{
	if (port < PRIVILEGED_PORTS)
		return true;
	for (unsigned i = 0; i < sizeof(probed_ports) / sizeof(probed_ports[0]); i++)
		if (probed_ports[i] == port)
			return true;
	return false;
}

static uint32_t weigh_closed(uint16_t port, bool known)
{
	if (port >= EPHEMERAL_PORT)
		return known ? LN_1_5 : LN_6;
	if (known)
		return LN_4;
	return is_probed(port) ? LN_95 : LN_30;
}

/* first: a port that it had not asked for; else the same at another address of ours. */
static uint32_t weigh(struct source *source, const struct detect_event *seen, bool first)
{
	if (seen->class == DETECT_REFUSED_NEW && !first)
		return LN_4; /* a client with a list of addresses does that, too */
	if (seen->class == DETECT_REFUSED_NEW)
		return weigh_closed(seen->event->local_port, seen->event->flags & RST_EVENT_KNOWN);
	if (source->half_open == HALF_OPEN_COUNTED)
		return 0;
	source->half_open++;
	return LN_4;
}

static struct source_key source_key(const struct rst_event *event)
{
	struct source_key key = {.netns = event->netns, .kind = ALERT_PORT_SCAN};

	memcpy(key.peer, event->peer, sizeof(key.peer));
	return key;
}

/* --- decoys --- */

static bool asks_for_same(const struct source *source, const struct source *leader)
{
	unsigned count = source->port_count < FIRST_PORTS ? source->port_count : FIRST_PORTS;
	unsigned early = leader->port_count < EARLY_PORTS ? leader->port_count : EARLY_PORTS;
	unsigned same = 0;

	for (unsigned i = 0; i < count; i++)
		for (unsigned j = 0; j < early; j++)
			same += source->ports[i] == leader->ports[j];
	return count == FIRST_PORTS && same + 1 >= FIRST_PORTS;
}

/* Somebody else who was found just now, by the same ports: that is one scan, and all of these
 * addresses but one at most are forged. */
static struct source *find_leader(const struct scan *scan, struct detect_world *world,
				  const struct source *source)
{
	for (unsigned i = 0; i < SCAN_LEADERS; i++) {
		const struct scan_leader *at = &scan->leaders[i];
		struct source *leader;

		if (!at->time_ns || at->key.netns != source->key.netns ||
		    source->last_ns > at->time_ns + DECOY_NS)
			continue;
		leader = sources_find(world->sources, &at->key);
		if (leader && leader != source && asks_for_same(source, leader))
			return leader;
	}
	return NULL;
}

static void lead(struct scan *scan, const struct source *source)
{
	scan->leaders[scan->next] =
		(struct scan_leader){.key = source->key, .time_ns = source->last_ns};
	scan->next = (scan->next + 1) % SCAN_LEADERS;
}

/* --- the incident --- */

static bool has_leader(const struct source *source)
{
	static const uint8_t nobody[16];

	return memcmp(source->leader, nobody, sizeof(nobody));
}

static struct book_key book_key(const struct source *source)
{
	struct book_key key = {.kind = ALERT_PORT_SCAN, .netns = source->key.netns};

	memcpy(key.peer, has_leader(source) ? source->leader : source->key.peer, sizeof(key.peer));
	return key;
}

static enum alert_proof proof_of(const struct incident *incident, const struct source *source)
{
	if (incident->peers_all > 1)
		return ALERT_PROOF_NONE;
	if (source->flags & (SOURCE_KNOWN | SOURCE_HANDSHAKE))
		return ALERT_PROOF_HANDSHAKE;
	return source->flags & SOURCE_ANSWERED ? ALERT_PROOF_ANSWERED : ALERT_PROOF_NONE;
}

/* Another address with the ports of a scan that is told already. */
static void note_decoy(struct incident *incident, struct source *source)
{
	if (!(source->flags & SOURCE_TOLD)) {
		incident->peers_all++;
		incident->total += source_first_contacts(source) - 1;
	}
	incident->total++;
	book_word(incident, "decoys", "suspected");
	book_add_peer(incident, source->key.peer, 1);
}

static bool tell(struct detect_world *world, struct source *source, const struct detect_event *seen,
		 bool first)
{
	struct book_key key = book_key(source);
	enum alert_severity severity = source->flags & SOURCE_KNOWN ? ALERT_INFO : ALERT_WARNING;
	struct incident *incident = book_open(world->book, &key, severity, seen->event->time_ns);

	if (!incident)
		return false;
	if (has_leader(source)) {
		note_decoy(incident, source);
	} else {
		bool before = incident->total;

		probes_note(incident, source, seen->event->local_port, world->sources->frozen);
		if (before && seen->class != DETECT_REFUSED_NEW)
			probes_note_open(incident, seen->event->local_port, first);
		if (source->flags & SOURCE_KNOWN)
			book_word(incident, "source", "known_client");
	}
	incident->proof = proof_of(incident, source);
	source->flags |= SOURCE_TOLD;
	return true;
}

static bool decide(struct scan *scan, struct detect_world *world, struct source *source,
		   const struct detect_event *seen, bool first)
{
	bool told = source->flags & SOURCE_TOLD;

	if (source->score < DECIDED)
		return false;
	if (!told) {
		const struct source *leader = find_leader(scan, world, source);

		if (leader)
			memcpy(source->leader, leader->key.peer, sizeof(source->leader));
	}
	if (!tell(world, source, seen, first))
		return false;
	if (!told && !has_leader(source))
		lead(scan, source);
	return true;
}

static struct source *meet(struct detect_world *world, const struct rst_event *event)
{
	struct source_key key = source_key(event);
	struct source *source = sources_meet(world->sources, &key, event->time_ns);
	struct book_key incident;

	if (!source)
		return NULL;
	incident = book_key(source);
	/* What was told and cleared is done with: it takes a new scan to tell it again. */
	if (source->flags & SOURCE_TOLD ? !book_find(world->book, &incident)
					: source->flags & SOURCE_KNOWN &&
						  source->last_ns - source->first_ns > CLIENT_NS)
		sources_forget(world->sources, source);
	if (event->flags & RST_EVENT_KNOWN)
		source->flags |= SOURCE_KNOWN;
	return source;
}

/* A connection that was made and reset at once, without a byte: a scan that connects does that, and
 * a health check. It proves who a source is, and says nothing of one that did nothing else. */
static void note_connection(struct detect_world *world, const struct detect_event *seen)
{
	const struct rst_connection *connection = seen->connection;
	struct source_key key = source_key(seen->event);
	struct source *source = sources_find(world->sources, &key);
	struct book_key book = source ? book_key(source) : (struct book_key){0};
	bool first;

	if (!source || !connection || connection->bytes_in || connection->bytes_out ||
	    connection->age_ms >= ABORTED_MS || seen->event->role == RST_ROLE_CLIENT)
		return;
	source->flags |= SOURCE_HANDSHAKE;
	first = sources_touch(world->sources, source, seen->event->local_port);
	source_note_open(source, seen->event->local_port);
	if (source->flags & SOURCE_TOLD && book_find(world->book, &book))
		tell(world, source, seen, first);
}

static bool event(void *state, struct detect_world *world, const struct detect_event *seen)
{
	struct source *source;
	bool first, elsewhere;

	if (seen->class == DETECT_ESTABLISHED) {
		note_connection(world, seen);
		return false;
	}
	source = meet(world, seen->event);
	if (!source)
		return false;
	first = sources_touch(world->sources, source, seen->event->local_port);
	elsewhere = sources_touch_place(world->sources, source, seen->event->local);
	if (first || elsewhere)
		source->score += weigh(source, seen, first);
	if (seen->class == DETECT_HALF_OPEN) {
		source->flags |= SOURCE_ANSWERED;
		source_note_open(source, seen->event->local_port);
	}
	return decide(state, world, source, seen, first);
}

/* --- words --- */

static void add_who(struct sentence *sentence, const struct incident *incident,
		    const struct alert *alert)
{
	if (alert->peers_all > 1) {
		summary_add_addresses(sentence, alert->peers_all);
		sentence_add(sentence, " ask for the same ports at once, a scan with "
				       "decoys whose true source is unknown: ");
		return;
	}
	if (alert->peer_count)
		sentence_add_address(sentence, alert->peers[0].key.address);
	if (incident->severity == ALERT_INFO)
		sentence_add(sentence, ", a client of this host,");
	sentence_add(sentence,
		     alert->status == ALERT_CLEARED ? " has scanned " : " scans this host: ");
}

static const char *advise(const struct incident *incident)
{
	if (incident->peers_all > 1)
		return "Do not block these addresses: all but one at most are forged. See that "
		       "only what must be reachable listens (ss -ltn).";
	if (incident->severity == ALERT_INFO)
		return "It is a client of this host: ask who runs it whether that is a check with "
		       "an old list of ports, or nothing that they know of.";
	if (incident->proof == ALERT_PROOF_NONE)
		return "Anybody can send that in the name of another: do not block the address for "
		       "it. See that only what must be reachable listens (ss -ltn).";
	return "See whether the open ports that it found must be reachable from there; it reacts "
	       "to our answers, so a firewall rule for that address is possible.";
}

static void describe(const struct incident *incident, struct alert *alert)
{
	struct sentence sentence = {.text = alert->summary, .size = sizeof(alert->summary)};

	add_who(&sentence, incident, alert);
	probes_add(&sentence, incident);
	if (alert->status == ALERT_CLEARED) {
		sentence_add(&sentence, " with ");
		sentence_add_count(&sentence, alert->total, " probe");
	}
	if (alert->open.all) {
		sentence_add(&sentence, "; found open: ");
		probes_add_ports(&sentence, &alert->open);
	} else {
		sentence_add(&sentence, "; found none open");
	}
	if (alert->proof == ALERT_PROOF_NONE && alert->peers_all <= 1)
		sentence_add(&sentence, "; its address may be forged");
	alert->advice = advise(incident);
}

const struct detector scan_detector = {
	.kind = ALERT_PORT_SCAN,
	.classes = 1 << DETECT_REFUSED_NEW | 1 << DETECT_HALF_OPEN | 1 << DETECT_ESTABLISHED,
	.quiet_s = 60,
	.event = event,
	.describe = describe,
};

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "stale.h"

#include <string.h>

#include "address.h"
#include "classify.h"
#include "hash.h"
#include "summary.h"
#include "units.h"

#define BUCKET_NS    (10 * SECOND_NS)
#define WINDOW_NS    (60 * SECOND_NS)
#define UNDER_WAY_NS (SECOND_NS / 4)   /* what was sent before our reset came there */
#define STOPPED_NS   (300 * SECOND_NS) /* of a service: its connections are forgotten by then */
#define RESTARTED_NS (60 * SECOND_NS)
#define LASTING_NS   (300 * SECOND_NS)
#define CONNECTIONS  3 /* at least, of unknown ones */
#define MANY	     50
#define IDLE_MS	     20000
#define LOOKED_AT    8 /* entries, for one that gives way */

enum { UNKNOWN = 1, POOL = 2, IDLE = 3 };

/* incident.own */
enum { SEEN_CONNECTIONS = 0, IDLE_MIN = 1, IDLE_MAX = 2, TIMEOUT_MS = 3 };

static const unsigned least[] = {[UNKNOWN] = 5, [POOL] = 20, [IDLE] = 5};

static void init(void *state, uint64_t seed)
{
	struct stale *stale = state;

	stale->seed = seed;
	tuples_init(&stale->own, seed);
	TABLE_INIT(stale, places, struct stale_key, seed);
}

/* --- what follows of itself --- */

static bool is_under_way(const struct stale *stale, const struct rst_event *event)
{
	struct tuple_key key = tuples_of_event(event);
	uint64_t reset_ns = tuples_find(&stale->own, &key);

	return reset_ns && event->time_ns - reset_ns < UNDER_WAY_NS;
}

/* Its service has stopped a while ago, or somebody else listens there since. */
static bool is_aftermath(const struct listeners *listeners, const struct rst_event *event)
{
	struct listener_answer now, earlier;

	if (!listeners_find(listeners, event->netns, event->local, event->local_port,
			    event->time_ns, &now))
		return false;
	if (!now.listening)
		return event->time_ns - now.stopped_ns < STOPPED_NS;
	return now.since_ns && event->time_ns - now.since_ns < RESTARTED_NS &&
	       listeners_find(listeners, event->netns, event->local, event->local_port,
			      now.since_ns - 1, &earlier);
}

/* --- the last minute --- */

static uint32_t advance(struct stale_place *place, uint64_t bucket)
{
	uint32_t sum = 0;

	if (bucket >= place->bucket + STALE_BUCKETS) {
		/* What was before that is another story. */
		memset(place->counts, 0, sizeof(place->counts));
		place->idle_count = place->distinct = 0;
	} else {
		for (uint64_t i = place->bucket + 1; i <= bucket; i++)
			place->counts[i % STALE_BUCKETS] = 0;
	}
	if (bucket > place->bucket)
		place->bucket = bucket;
	for (unsigned i = 0; i < STALE_BUCKETS; i++)
		sum += place->counts[i];
	return sum;
}

/* How many came in the last minute, this one included. */
static uint32_t add(struct stale_place *place, uint64_t time_ns)
{
	uint64_t bucket = time_ns / BUCKET_NS;
	uint32_t sum = advance(place, bucket);

	if (bucket + STALE_BUCKETS <= place->bucket)
		return sum; /* it comes too late */
	place->counts[bucket % STALE_BUCKETS]++;
	return sum + 1;
}

/* Notes a connection; true if it was not among the last ones. */
static bool note_connection(const struct stale *stale, struct stale_place *place,
			    const struct rst_event *event)
{
	uint64_t hash = hash_mix(hash_address(event->peer, stale->seed) ^
					 ((uint64_t)event->peer_port << 16 | event->local_port),
				 stale->seed);
	struct stale_connection *oldest = &place->connections[0];

	for (unsigned i = 0; i < STALE_CONNECTIONS; i++) {
		struct stale_connection *connection = &place->connections[i];

		if (connection->hash == hash && connection->time_ns) {
			connection->time_ns = event->time_ns;
			return false;
		}
		if (connection->time_ns < oldest->time_ns)
			oldest = connection;
	}
	*oldest = (struct stale_connection){hash, event->time_ns};
	place->distinct++;
	return true;
}

static unsigned recent_connections(const struct stale_place *place, uint64_t now_ns)
{
	unsigned found = 0;

	for (unsigned i = 0; i < STALE_CONNECTIONS; i++)
		found += place->connections[i].time_ns &&
			 place->connections[i].time_ns + WINDOW_NS >= now_ns;
	return found;
}

static void note_idle(struct stale_place *place, uint32_t idle_ms)
{
	uint32_t at = place->idle_count < STALE_IDLE ? place->idle_count : STALE_IDLE;

	place->idle_count++;
	if (at == STALE_IDLE) {
		if (idle_ms >= place->idle_ms[STALE_IDLE - 1])
			return;
		at--;
	}
	for (; at && place->idle_ms[at - 1] > idle_ms; at--)
		place->idle_ms[at] = place->idle_ms[at - 1];
	place->idle_ms[at] = idle_ms;
}

/* --- places --- */

/* One of which little comes gives way: who forges addresses makes many, but each for little. */
static struct stale_place *make_room(struct stale *stale, uint64_t bucket)
{
	struct stale_place *best = NULL;
	uint32_t best_count = 0;

	for (unsigned i = 0; i < LOOKED_AT; i++) {
		struct stale_place *place = table_entry(&stale->places, stale->hand);
		uint32_t count = advance(place, bucket);

		stale->hand = (stale->hand + 1) % STALE_PLACES;
		if (!best || count < best_count) {
			best = place;
			best_count = count;
		}
	}
	return best;
}

/* Which end is the service, of a connection of which nothing is known but its ends. */
static void find_service(const struct listeners *listeners, const struct rst_event *event,
			 struct stale_key *key)
{
	struct listener_answer answer;

	key->port = classify_port(event);
	key->role = event->role == RST_ROLE_CLIENT ? RST_ROLE_CLIENT : 0;
	if (event->role != RST_ROLE_UNKNOWN)
		return;
	if (listeners_find(listeners, event->netns, event->local, event->local_port, event->time_ns,
			   &answer))
		key->port = event->local_port;
	if (key->port != event->local_port)
		key->role = RST_ROLE_CLIENT;
}

static struct stale_place *place_of(struct stale *stale, const struct listeners *listeners,
				    const struct rst_event *event, unsigned detail)
{
	struct stale_key key = {.netns = event->netns, .detail = detail};
	struct stale_place *place;

	memcpy(key.network, event->peer, address_is_ipv4(event->peer) ? 15 : 8);
	find_service(listeners, event, &key);
	place = TABLE_ADD(&stale->places, &key);
	if (!place) {
		place = make_room(stale, event->time_ns / BUCKET_NS);
		TABLE_REPLACE(&stale->places, place, &key);
	}
	return place;
}

/* --- incidents --- */

/* Whose timeout that usually is. */
static const char *suspect(uint64_t timeout_ms)
{
	static const struct {
		unsigned seconds;
		const char *word;
	} known[] = {
		{240, "load_balancer_or_nat"},
		{350, "load_balancer_or_nat"},
		{600, "load_balancer_or_nat"},
		{3600, "firewall"},
	};

	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (timeout_ms >= known[i].seconds * 950ULL &&
		    timeout_ms <= known[i].seconds * 1050ULL)
			return known[i].word;
	return "unknown";
}

static void write_idle(struct incident *incident, const struct stale_place *place, uint32_t idle_ms)
{
	uint64_t *own = incident->own;
	uint32_t shortest = place->idle_ms[0];

	if (!own[IDLE_MIN] || shortest < own[IDLE_MIN])
		own[IDLE_MIN] = shortest;
	if (idle_ms > own[IDLE_MAX])
		own[IDLE_MAX] = idle_ms;
	book_fact(incident, "idle_seconds_min", own[IDLE_MIN] / 1e3);
	book_fact(incident, "idle_seconds_max", own[IDLE_MAX] / 1e3);
	if (place->idle_count < STALE_IDLE ||
	    place->idle_ms[STALE_IDLE - 1] > shortest + shortest / 10)
		return;
	own[TIMEOUT_MS] = shortest;
	book_fact(incident, "inferred_timeout_seconds", shortest / 1e3);
	book_word(incident, "suspected", suspect(shortest));
}

static void write(struct incident *incident, const struct stale_place *place,
		  const struct detect_event *seen, uint64_t more, uint64_t connections,
		  uint32_t minute)
{
	unsigned detail = place->key.detail;

	incident->total += more;
	incident->own[SEEN_CONNECTIONS] += connections;
	incident->proof = detail == UNKNOWN ? ALERT_PROOF_NONE : ALERT_PROOF_HANDSHAKE;
	incident->owner_process = owner_keep(&incident->owner, seen->owner);
	book_count_peer(incident, seen->event->peer, more);
	book_word(incident, "kind",
		  detail == UNKNOWN ? "unknown"
		  : detail == POOL  ? "pool"
				    : "idle");
	book_fact(incident, detail == IDLE ? "resets" : "segments", incident->total);
	book_fact(incident, "connections", incident->own[SEEN_CONNECTIONS]);
	book_fact(incident, "last_minute", minute);
	if (detail == IDLE)
		write_idle(incident, place, seen->connection->idle_ms);
}

static enum alert_severity severity_of(const struct incident *incident, unsigned detail,
				       uint32_t minute, uint64_t now_ns)
{
	bool lasting = incident && now_ns > incident->first_ns &&
		       now_ns - incident->first_ns >= LASTING_NS;

	return detail == UNKNOWN && (minute >= MANY || lasting) ? ALERT_WARNING : ALERT_INFO;
}

/* One more. True if an incident is about it. */
static bool see(struct stale *stale, struct detect_world *world, const struct detect_event *seen,
		unsigned detail)
{
	const struct rst_event *event = seen->event;
	struct stale_place *place = place_of(stale, world->listeners, event, detail);
	struct book_key key = {.netns = place->key.netns,
			       .port = place->key.port,
			       .role = place->key.role,
			       .kind = ALERT_STALE_CONNECTIONS,
			       .detail = detail};
	struct incident *incident = book_find(world->book, &key);
	uint32_t minute = add(place, event->time_ns);
	bool fresh = note_connection(stale, place, event), opens = !incident;
	unsigned connections = recent_connections(place, event->time_ns);

	if (detail == IDLE)
		note_idle(place, seen->connection->idle_ms);
	if (minute >= least[detail] && (detail != UNKNOWN || connections >= CONNECTIONS))
		incident = book_open(world->book, &key,
				     severity_of(incident, detail, minute, event->time_ns),
				     event->time_ns);
	if (incident)
		write(incident, place, seen, opens ? minute : 1,
		      !opens			 ? fresh
		      : place->distinct < minute ? place->distinct
						 : minute,
		      minute);
	return incident;
}

static bool event(void *state, struct detect_world *world, const struct detect_event *seen)
{
	struct stale *stale = state;
	struct tuple_key key;

	switch (seen->class) {
	case DETECT_OWN:
		key = tuples_of_event(seen->event);
		tuples_note(&stale->own, &key, seen->event->time_ns);
		return false;
	case DETECT_UNKNOWN_ACK:
	case DETECT_LATE:
		if (is_under_way(stale, seen->event) || is_aftermath(world->listeners, seen->event))
			return false;
		return see(stale, world, seen, seen->class == DETECT_LATE ? POOL : UNKNOWN);
	case DETECT_ESTABLISHED:
		if (!seen->connection || seen->connection->idle_ms < IDLE_MS)
			return false;
		return see(stale, world, seen, IDLE);
	default:
		return false;
	}
}

/* --- words --- */

static void add_service(struct sentence *sentence, const struct incident *incident,
			const struct alert *alert)
{
	summary_add_port(sentence, incident);
	if (alert->owner.process) {
		sentence_add(sentence, ", ");
		sentence_add_owner(sentence, &alert->owner);
	}
}

static void add_peers(struct sentence *sentence, const struct incident *incident)
{
	sentence_add_address(sentence, book_main_peer(incident)->address);
	sentence_add(sentence, incident->peers_all > 1 ? " and others" : "");
}

static void add_idle(struct sentence *sentence, const struct incident *incident)
{
	const uint64_t *own = incident->own;

	sentence_add(sentence, ", after they had been idle for ");
	sentence_add_decimal(sentence, own[IDLE_MIN] / 1e3);
	sentence_add(sentence, " s or more");
	if (!own[TIMEOUT_MS])
		return;
	sentence_add(sentence, "; something in between seems to forget them after ");
	sentence_add_decimal(sentence, own[TIMEOUT_MS] / 1e3);
	sentence_add(sentence, " s");
	if (!strcmp(summary_word(incident, "suspected"), "firewall"))
		sentence_add(sentence, ", as many firewalls do");
	if (!strcmp(summary_word(incident, "suspected"), "load_balancer_or_nat"))
		sentence_add(sentence, ", as many load balancers and NAT gateways do");
}

static void describe(const struct incident *incident, struct alert *alert)
{
	static const char *const advice[] = {
		[UNKNOWN] = "Look for what forgot these connections: a restart, an expired entry "
			    "of a NAT or a firewall, an asymmetric route or an address that "
			    "moved. A keepalive below the shortest timeout on the path helps.",
		[POOL] = "The peers' connection pool keeps connections longer than this service: "
			 "make its longest idle time shorter than the idle timeout here.",
		[IDLE] = "Set the keepalive of these connections below that idle time, or let the "
			 "connection pool close them earlier: a middlebox that forgets is rarely "
			 "changed.",
	};
	struct sentence sentence = {.text = alert->summary, .size = sizeof(alert->summary)};
	unsigned detail = incident->key.detail;

	sentence_add(&sentence, alert->status == ALERT_CLEARED ? "Over: " : "");
	add_peers(&sentence, incident);
	sentence_add(&sentence, detail == IDLE ? " reset " : " sent ");
	sentence_add_count(&sentence, incident->total, detail == IDLE ? " connection" : " segment");
	if (detail != IDLE) {
		sentence_add(&sentence,
			     detail == UNKNOWN ? " on " : " after this host had closed ");
		sentence_add_count(&sentence, incident->own[SEEN_CONNECTIONS], " connection");
	}
	add_service(&sentence, incident, alert);
	if (detail == UNKNOWN)
		sentence_add(&sentence, ", that this host does not know");
	if (detail == IDLE)
		add_idle(&sentence, incident);
	alert->advice = advice[detail];
}

const struct detector stale_detector = {
	.kind = ALERT_STALE_CONNECTIONS,
	.classes = 1 << DETECT_UNKNOWN_ACK | 1 << DETECT_LATE | 1 << DETECT_ESTABLISHED |
		   1 << DETECT_OWN,
	.quiet_s = 120,
	.init = init,
	.event = event,
	.describe = describe,
};

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "storm.h"

#include <string.h>

#include "classify.h"
#include "summary.h"
#include "units.h"

#define LEAST	       50  /* resets in 10 s */
#define LEAST_CHECKS   250 /* of connections such as a health check makes */
#define FACTOR	       10  /* above its own median */
#define BUSY_SECONDS   3   /* in so many of the ten there are */
#define BUSY	       5   /* so many resets at least */
#define WARNING_RATE   25  /* a second */
#define YOUNG	       6   /* windows, until what health checks there are is known */
#define QUIET	       2   /* windows in which it did next to nothing: it is none of them */
#define CHECK_BYTES    4096
#define CHECK_AGE_MS   2000
#define LOOKED_AT      8 /* entries, for one that gives way */
#define EMPTY	       0 /* incident.own: resets of connections without data */
#define WINDOW_NS      (STORM_SECONDS * SECOND_NS)
#define PER_CENT(a, b) ((b) ? 100.0 * (a) / (b) : 0)

static void init(void *state, uint64_t seed)
{
	struct storm *storm = state;

	TABLE_INIT(storm, peers, struct storm_key, seed);
	TABLE_INIT(storm, netns, uint32_t, seed);
}

/* --- the last ten seconds --- */

static void advance(struct storm_second *seconds, uint64_t *last, uint64_t second)
{
	if (second <= *last)
		return;
	if (second >= *last + STORM_SECONDS)
		memset(seconds, 0, STORM_SECONDS * sizeof(*seconds));
	else
		for (uint64_t i = *last + 1; i <= second; i++)
			seconds[i % STORM_SECONDS] = (struct storm_second){.all = 0};
	*last = second;
}

static void add(struct storm_second *seconds, uint64_t *last, uint64_t second,
		const struct storm_second *more)
{
	struct storm_second *to = &seconds[second % STORM_SECONDS];

	advance(seconds, last, second);
	if (second + STORM_SECONDS <= *last)
		return; /* it comes too late */
	to->all += more->all;
	to->worked += more->worked;
	to->empty += more->empty;
}

static struct storm_second sum(const struct storm_second *seconds)
{
	struct storm_second sum = {.all = 0};

	for (unsigned i = 0; i < STORM_SECONDS; i++) {
		sum.all += seconds[i].all;
		sum.worked += seconds[i].worked;
		sum.empty += seconds[i].empty;
	}
	return sum;
}

static uint32_t sum_all(const struct storm_second *seconds)
{
	uint32_t all = 0;

	for (unsigned i = 0; i < STORM_SECONDS; i++)
		all += seconds[i].all;
	return all;
}

/* --- peers --- */

/* One that resets little gives way: who does half of it all is safe. */
static struct storm_peer *make_room(struct storm *storm, uint64_t second)
{
	struct storm_peer *least = NULL;
	uint32_t least_count = 0;

	for (unsigned i = 0; i < LOOKED_AT; i++) {
		struct storm_peer *peer = table_entry(&storm->peers, storm->hand);
		uint32_t all;

		storm->hand = (storm->hand + 1) % STORM_PEERS;
		advance(peer->seconds, &peer->second, second);
		all = peer->storming ? UINT32_MAX : sum_all(peer->seconds);
		if (!least || all < least_count) {
			least = peer;
			least_count = all;
		}
	}
	return least;
}

static struct storm_peer *peer_of(struct storm *storm, const struct rst_event *event)
{
	struct storm_key key = {.netns = event->netns};
	struct storm_peer *peer;

	memcpy(key.address, event->peer, sizeof(key.address));
	peer = TABLE_ADD(&storm->peers, &key);
	if (!peer) {
		peer = make_room(storm, event->time_ns / SECOND_NS);
		TABLE_REPLACE(&storm->peers, peer, &key);
	}
	return peer;
}

/* Of what it was in the last windows; those from before it was met are 0. */
static uint32_t median(const struct storm *storm, const struct storm_peer *peer)
{
	uint32_t sorted[STORM_HISTORY];
	uint32_t own = peer->windows < STORM_HISTORY ? peer->windows : STORM_HISTORY;
	uint32_t all = storm->windows < STORM_HISTORY ? storm->windows : STORM_HISTORY;
	uint32_t zeros = all > own ? all - own : 0, middle = (own + zeros) / 2;

	for (uint32_t i = 0; i < own; i++) {
		uint32_t at = i;

		for (; at && sorted[at - 1] > peer->history[i]; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = peer->history[i];
	}
	return middle < zeros || !own ? 0 : sorted[middle - zeros];
}

/* Whether it is known what it usually does. In the first minute, a peer that was quiet has begun
 * something new, and one that was busy is as it always is. */
static bool is_met(const struct storm *storm, const struct storm_peer *peer)
{
	uint32_t own = peer->windows < STORM_HISTORY ? peer->windows : STORM_HISTORY;
	uint32_t quiet = storm->windows > peer->windows ? storm->windows - peer->windows : 0;

	if (storm->windows >= YOUNG)
		return true;
	for (uint32_t i = 0; i < own; i++)
		quiet += peer->history[i] < LEAST_CHECKS / FACTOR;
	return quiet >= QUIET;
}

/* --- the rule --- */

/* The seconds since it began, as far back as is known. */
static unsigned span(const struct storm_peer *peer)
{
	unsigned seconds = STORM_SECONDS;

	while (seconds > 1 && peer->second + 1 >= seconds &&
	       !peer->seconds[(peer->second + 1 - seconds) % STORM_SECONDS].all)
		seconds--;
	return seconds;
}

static bool lasts(const struct storm_peer *peer)
{
	unsigned busy = 0;

	for (unsigned i = 0; i < STORM_SECONDS; i++)
		busy += peer->seconds[i].all >= BUSY;
	return busy >= BUSY_SECONDS;
}

static void write(struct incident *incident, const struct storm_peer *peer, double rate,
		  double share, uint32_t usual, uint32_t limit)
{
	incident->proof = ALERT_PROOF_HANDSHAKE;
	incident->owner = peer->owner;
	incident->owner_process = peer->process;
	incident->peers_all = 1;
	book_fact(incident, "rate", rate);
	book_fact(incident, "share_percent", share);
	book_fact(incident, "baseline", (double)usual / STORM_SECONDS);
	book_fact(incident, "limit", (double)limit / STORM_SECONDS);
}

/* What it counts so far. */
static void count(struct incident *incident, const struct storm_peer *peer,
		  const struct storm_second *more)
{
	incident->total += more->all;
	incident->own[EMPTY] += more->empty;
	book_add_peer(incident, peer->key.address, more->all);
	book_fact(incident, "resets", incident->total);
	book_fact(incident, "without_data_percent",
		  PER_CENT(incident->own[EMPTY], incident->total));
	if (book_add_port(&incident->touched, peer->port))
		incident->touched.all++;
}

static void judge(struct storm *storm, struct book *book, struct storm_peer *peer, uint64_t now_ns)
{
	struct storm_second recent = sum(peer->seconds);
	const struct storm_netns *netns = table_find(&storm->netns, &peer->key.netns);
	uint32_t limit = recent.worked >= LEAST ? LEAST : LEAST_CHECKS, usual, all;
	struct incident *incident;
	double rate;

	if (recent.all < limit || !netns || !lasts(peer) ||
	    (recent.worked < LEAST && !is_met(storm, peer)))
		return;
	all = sum_all(netns->seconds);
	usual = median(storm, peer);
	if (limit < FACTOR * usual)
		limit = FACTOR * usual;
	if (recent.all < limit || all > 2 * recent.all)
		return;
	if (!peer->storming) {
		peer->incident = (struct book_key){.netns = peer->key.netns,
						   .port = peer->mixed ? 0 : peer->port,
						   .role = peer->mixed ? 0 : peer->role,
						   .kind = ALERT_PEER_RESET_STORM};
		memcpy(peer->incident.peer, peer->key.address, sizeof(peer->incident.peer));
	}
	rate = (double)recent.all / span(peer);
	incident = book_open(book, &peer->incident,
			     rate >= WARNING_RATE ? ALERT_WARNING : ALERT_INFO, now_ns);
	if (!incident)
		return;
	peer->storming = true;
	write(incident, peer, rate, PER_CENT(recent.all, all), usual, limit);
	if (!incident->total)
		count(incident, peer, &recent);
}

/* A health check, or the like: it is soon over, and has said little. */
static bool is_check(const struct rst_connection *connection)
{
	return connection && connection->age_ms < CHECK_AGE_MS &&
	       connection->bytes_in + connection->bytes_out < CHECK_BYTES;
}

static void note(struct storm_peer *peer, const struct detect_event *seen)
{
	uint16_t port = classify_port(seen->event);

	peer->mixed |= peer->port && peer->port != port;
	peer->port = port;
	peer->role = seen->event->role == RST_ROLE_CLIENT ? RST_ROLE_CLIENT : 0;
	peer->process = owner_keep(&peer->owner, seen->owner);
}

static bool event(void *state, struct detect_world *world, const struct detect_event *seen)
{
	struct storm *storm = state;
	const struct rst_event *event = seen->event;
	const struct rst_connection *connection = seen->connection;
	uint64_t second = event->time_ns / SECOND_NS;
	struct storm_second one = {.all = 1, .worked = !is_check(connection)};
	struct storm_netns *netns;
	struct storm_peer *peer;
	struct incident *incident;

	if (event->cause != RST_STAGE_ESTABLISHED)
		return false;
	one.empty = connection && !connection->bytes_in && !connection->bytes_out;
	peer = peer_of(storm, event);
	netns = TABLE_ADD(&storm->netns, &event->netns);
	note(peer, seen);
	/* Whole seconds are judged, and each once: here, if the slice is longer than one. */
	if (netns && second > peer->second) {
		advance(peer->seconds, &peer->second, second);
		advance(netns->seconds, &netns->second, second);
		judge(storm, world->book, peer, event->time_ns);
	}
	add(peer->seconds, &peer->second, second, &one);
	if (netns)
		add(netns->seconds, &netns->second, second, &one);
	incident = peer->storming ? book_find(world->book, &peer->incident) : NULL;
	peer->storming = incident;
	if (incident)
		count(incident, peer, &one);
	return incident;
}

static void learn(struct storm *storm, uint64_t start_ns, uint64_t end_ns)
{
	if (!storm->window_ns)
		storm->window_ns = start_ns;
	/* Slices are a second, about: ten of them, and not eleven. */
	if (end_ns - storm->window_ns < WINDOW_NS - SECOND_NS / 2)
		return;
	storm->window_ns = end_ns;
	storm->windows++;
	for (uint32_t i = 0; i < storm->peers.used; i++) {
		struct storm_peer *peer = table_entry(&storm->peers, i);

		/* A storm is not what is usual. */
		if (!peer->storming)
			peer->history[peer->windows++ % STORM_HISTORY] = sum_all(peer->seconds);
	}
}

static void step(void *state, struct detect_world *world, uint64_t start_ns, uint64_t end_ns)
{
	struct storm *storm = state;
	uint64_t second = (end_ns - 1) / SECOND_NS; /* the last that has begun */

	for (uint32_t i = 0; i < storm->netns.used; i++) {
		struct storm_netns *netns = table_entry(&storm->netns, i);

		advance(netns->seconds, &netns->second, second);
	}
	for (uint32_t i = 0; i < storm->peers.used; i++) {
		struct storm_peer *peer = table_entry(&storm->peers, i);

		advance(peer->seconds, &peer->second, second);
		peer->storming = peer->storming && book_find(world->book, &peer->incident);
		judge(storm, world->book, peer, end_ns);
	}
	learn(storm, start_ns, end_ns);
}

static void describe(const struct incident *incident, struct alert *alert)
{
	struct sentence sentence = {.text = alert->summary, .size = sizeof(alert->summary)};
	uint64_t empty = PER_CENT(incident->own[EMPTY], incident->total);
	bool over = alert->status == ALERT_CLEARED;

	sentence_add(&sentence, over ? "Over: " : "");
	sentence_add_address(&sentence, incident->key.peer);
	sentence_add(&sentence, over ? " has reset " : " resets working connections");
	if (over)
		sentence_add_count(&sentence, incident->total, " working connection");
	summary_add_port(&sentence, incident);
	if (alert->owner.process) {
		sentence_add(&sentence, ", ");
		sentence_add_owner(&sentence, &alert->owner);
	}
	if (!over) {
		sentence_add(&sentence, ": ");
		sentence_add_decimal(&sentence, book_find_fact(incident, "rate"));
		sentence_add(&sentence, "/s, ");
		sentence_add_number(&sentence, book_find_fact(incident, "share_percent"));
		sentence_add(&sentence, "% of all that are reset here, usually ");
		sentence_add_decimal(&sentence, book_find_fact(incident, "baseline"));
		sentence_add(&sentence, "/s; ");
		sentence_add_number(&sentence, incident->total);
		sentence_add(&sentence, " so far");
	}
	if (empty) {
		sentence_add(&sentence, over ? "; " : ", ");
		sentence_add_number(&sentence, empty);
		sentence_add(&sentence, "% before any data");
	}
	alert->advice = empty >= 90
				? "It connects and resets at once: look there for a health check, "
				  "a probe or a client that crashes and retries. The address is "
				  "real; limit its rate if it is not yours."
				: "It gives up connections that were in use: look there for short "
				  "timeouts, crashes or overload, and for what the service does "
				  "that makes it give up. The address is real.";
}

const struct detector storm_detector = {
	.kind = ALERT_PEER_RESET_STORM,
	.classes = 1 << DETECT_ESTABLISHED,
	.quiet_s = 60,
	.init = init,
	.event = event,
	.step = step,
	.describe = describe,
};

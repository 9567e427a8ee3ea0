// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "blind.h"

#include <string.h>

#include "classify.h"
#include "summary.h"
#include "units.h"

#define WINDOW_NS (10 * SECOND_NS)
#define SETTLE_NS (SECOND_NS / 2) /* until the right reset follows one that missed by a loss */
#define SPREAD	  20		  /* resets that miss, of a namespace in 10 s */
#define MANY	  1000
#define TARGETS	  3

/* incident.own */
enum { EXACT = 0, SEEN = 1, SYNS = 2, CONNECTIONS = 3 };

void blind_init(struct blind *blind, uint64_t seed)
{
	TABLE_INIT(blind, targets, struct tuple_key, seed);
	TABLE_INIT(blind, netns, uint32_t, seed);
}

static uint8_t role_of(unsigned role)
{
	return role == RST_ROLE_CLIENT ? RST_ROLE_CLIENT : 0;
}

static struct book_key key_of(uint32_t netns, uint16_t port, uint8_t role)
{
	return (struct book_key){.netns = netns,
				 .port = port,
				 .kind = ALERT_RESET_INJECTION,
				 .detail = INJECTION_BLIND,
				 .role = role};
}

static bool is_blind(const struct blind_target *target)
{
	uint64_t rejected_ns = target->rejected_ns[target->rejected % BLIND_REJECTED];
	uint64_t syn_ns = target->syn_ns[target->syns % BLIND_SYNS];

	return (target->rejected >= BLIND_REJECTED && target->last_ns - rejected_ns <= WINDOW_NS) ||
	       (target->syns >= BLIND_SYNS && target->last_ns - syn_ns <= WINDOW_NS);
}

/* The counters of the slice are complete; until they come, what was seen has to do. */
static void write_blind(struct incident *incident, uint64_t now_ns)
{
	uint64_t rejected = incident->own[EXACT] + incident->own[SEEN];
	uint64_t duration_ns = now_ns > incident->first_ns ? now_ns - incident->first_ns : 0;

	if (duration_ns < SECOND_NS)
		duration_ns = SECOND_NS;
	incident->total = rejected + incident->own[SYNS];
	incident->proof = ALERT_PROOF_NONE;
	if ((incident->total >= MANY || incident->own[CONNECTIONS] >= TARGETS) &&
	    incident->severity < ALERT_WARNING)
		incident->severity = ALERT_WARNING;
	book_word(incident, "kind", "blind");
	book_fact(incident, "rejected_resets", rejected);
	book_fact(incident, "blind_syns", incident->own[SYNS]);
	book_fact(incident, "connections", incident->own[CONNECTIONS]);
	book_fact(incident, "segments_per_second",
		  (double)incident->total * SECOND_NS / duration_ns);
}

static uint64_t before(uint64_t now_ns, uint64_t duration_ns)
{
	return now_ns > duration_ns ? now_ns - duration_ns : 0;
}

/* Of the last ones, those that are not older. */
static uint64_t since(const uint64_t *times, unsigned size, uint64_t seen, uint64_t from_ns)
{
	uint64_t found = 0;

	for (unsigned i = 0; i < size && i < seen; i++)
		found += times[i] >= from_ns;
	return found;
}

/* What had been aimed at it by then. What came in earlier slices is no part of the counters that
 * will come. */
static void begin(const struct blind *blind, const struct blind_target *target,
		  struct incident *incident)
{
	uint64_t from_ns = before(target->last_ns, WINDOW_NS);
	uint64_t slice_ns = blind->slice_ns > from_ns ? blind->slice_ns : from_ns;
	uint64_t all = since(target->rejected_ns, BLIND_REJECTED, target->rejected, from_ns);

	incident->own[SEEN] =
		since(target->rejected_ns, BLIND_REJECTED, target->rejected, slice_ns);
	incident->own[EXACT] = all - incident->own[SEEN];
	incident->own[SYNS] = since(target->syn_ns, BLIND_SYNS, target->syns, from_ns);
	incident->owner = target->owner;
	incident->owner_process = target->process;
	book_count_peer(incident, target->key.peer, all + incident->own[SYNS]);
}

/* One more was aimed at that connection. True if an incident is about it. */
static bool aim(struct blind *blind, struct book *book, struct blind_target *target, bool syn,
		uint64_t time_ns)
{
	struct book_key key = key_of(target->key.netns, target->port, target->role);
	struct book_key spread = key_of(target->key.netns, 0, 0);
	struct incident *incident = book_find(book, &key);
	bool opens = !incident;

	target->last_ns = time_ns;
	if (syn)
		target->syn_ns[target->syns++ % BLIND_SYNS] = time_ns;
	else
		target->rejected_ns[target->rejected++ % BLIND_REJECTED] = time_ns;
	if (is_blind(target))
		incident = book_open(book, &key, ALERT_INFO, time_ns);
	if (!incident)
		return !syn && book_find(book, &spread);
	if (opens) {
		begin(blind, target, incident);
	} else {
		incident->own[syn ? SYNS : SEEN]++;
		book_count_peer(incident, target->key.peer, 1);
	}
	if (is_blind(target) && target->counted_ns != incident->first_ns) {
		target->counted_ns = incident->first_ns;
		incident->own[CONNECTIONS]++;
	}
	write_blind(incident, time_ns);
	/* It may have become more severe: that is told at once. */
	book_open(book, &key, incident->severity, incident->last_ns);
	return true;
}

bool blind_reject(struct blind *blind, struct book *book, const struct detect_event *seen)
{
	const struct rst_event *event = seen->event;
	struct tuple_key key = tuples_of_event(event);
	struct blind_target *target;

	/* Whoever can send a SYN can make half-open connections, and miss them. */
	if (event->state == RST_STATE_SYN_RECV || event->state == RST_STATE_NEW_SYN_RECV ||
	    event->state == RST_STATE_LISTEN)
		return false;
	target = table_renew(&blind->targets, &blind->next, &key);
	target->port = classify_port(event);
	target->role = role_of(event->role);
	target->process = owner_keep(&target->owner, seen->owner);
	blind->fresh = true;
	return aim(blind, book, target, false, event->time_ns);
}

void blind_forget(struct blind *blind, const struct rst_event *event)
{
	struct tuple_key key = tuples_of_event(event);
	struct blind_target *target = TABLE_FIND(&blind->targets, &key);

	if (target)
		*target = (struct blind_target){.key = key};
}

/* A SYN into a connection. */
void blind_signal(struct blind *blind, struct detect_world *world, const struct rst_signal *told)
{
	struct tuple_key key = tuples_of_signal(told);
	struct blind_target *target;
	struct listener_answer answer;

	if (told->kind != RST_SIGNAL_PROBE || told->state != RST_STATE_ESTABLISHED ||
	    (told->trigger & (RST_FLAG_SYN | RST_FLAG_FIN)) != RST_FLAG_SYN)
		return;
	target = table_renew(&blind->targets, &blind->next, &key);
	if (!target->port) {
		bool ours = listeners_find(world->listeners, told->netns, told->local,
					   told->local_port, told->time_ns, &answer) ||
			    told->local_port < told->peer_port;

		target->port = ours ? told->local_port : told->peer_port;
		target->role = ours ? 0 : RST_ROLE_CLIENT;
		target->process = told->owner;
		target->owner.known_by = told->owner ? OWNER_SOCKET : OWNER_UNKNOWN;
	}
	aim(blind, world->book, target, true, told->time_ns);
}

static struct incident *find_counted(struct book *book, const struct rst_port_key *counted)
{
	const struct {
		uint16_t port;
		uint8_t role;
	} tries[] = {
		{counted->port, role_of(counted->role)}, {counted->port, RST_ROLE_CLIENT}, {0, 0}};
	struct incident *incident = NULL;

	for (unsigned i = 0; !incident && i < sizeof(tries) / sizeof(tries[0]); i++) {
		struct book_key key = key_of(counted->netns, tries[i].port, tries[i].role);

		if (i != 1 || counted->role == RST_ROLE_UNKNOWN)
			incident = book_find(book, &key);
	}
	return incident;
}

bool blind_count(struct book *book, const struct rst_port_key *key, uint64_t more)
{
	struct incident *incident;

	if (key->direction != RST_RECEIVED || key->cause != RST_STAGE_REJECTED)
		return false;
	incident = find_counted(book, key);
	if (!incident)
		return false;
	incident->own[EXACT] += more;
	incident->own[SEEN] = 0;
	write_blind(incident, incident->last_ns);
	return true;
}

/* What we answered to blind segments. */
void blind_queues(struct blind *blind, struct book *book, const struct record_queues *read)
{
	struct blind_netns *netns = table_add(&blind->netns, &read->netns);
	uint64_t challenges = read->counters[QUEUE_CHALLENGES], more;

	if (!netns)
		return;
	more = netns->has_read && challenges > netns->challenges ? challenges - netns->challenges
								 : 0;
	netns->has_read = 1;
	netns->challenges = challenges;
	for (uint32_t i = 0; more && i < book->incidents.used; i++) {
		struct incident *incident = table_entry(&book->incidents, i);

		if (incident->open_now && incident->key.kind == ALERT_RESET_INJECTION &&
		    incident->key.detail == INJECTION_BLIND && incident->key.netns == read->netns)
			book_add_fact(incident, "challenge_acks", more);
	}
}

static void judge_netns(struct book *book, struct blind_netns *netns)
{
	struct book_key key = key_of(netns->netns, 0, 0);
	struct incident *incident;

	if (netns->spread >= SPREAD) {
		incident = book_open(book, &key, ALERT_WARNING, netns->last_ns);
		if (incident) {
			if (!incident->own[EXACT])
				incident->own[EXACT] = netns->spread;
			if (incident->own[CONNECTIONS] < netns->targets)
				incident->own[CONNECTIONS] = netns->targets;
			write_blind(incident, netns->last_ns);
		}
	}
	netns->spread = netns->targets = 0;
}

/* Resets that miss a few times each, but many connections. */
void blind_step(struct blind *blind, struct book *book, uint64_t end_ns)
{
	bool found = false;

	blind->slice_ns = end_ns;
	if (!blind->fresh)
		return;
	for (uint32_t i = 0; i < blind->targets.used; i++) {
		struct blind_target *target = table_entry(&blind->targets, i);
		struct blind_netns *netns;
		uint64_t missed;

		found |= target->last_ns + WINDOW_NS >= end_ns;
		/* The right reset may still follow the last ones. */
		missed = target->counted_ns
				 ? 0
				 : since(target->rejected_ns, BLIND_REJECTED, target->rejected,
					 before(end_ns, WINDOW_NS)) -
					   since(target->rejected_ns, BLIND_REJECTED,
						 target->rejected, before(end_ns, SETTLE_NS));
		netns = missed ? table_add(&blind->netns, &target->key.netns) : NULL;
		if (!netns)
			continue;
		netns->spread += missed;
		netns->targets++;
		netns->last_ns = end_ns;
	}
	blind->fresh = found;
	for (uint32_t i = 0; i < blind->netns.used; i++)
		judge_netns(book, table_entry(&blind->netns, i));
}

void blind_describe(const struct incident *incident, struct sentence *sentence)
{
	const struct book_peer *peer = book_main_peer(incident);
	uint64_t resets = incident->own[EXACT] + incident->own[SEEN];

	if (resets)
		sentence_add_count(sentence, resets, " reset");
	if (resets && incident->own[SYNS])
		sentence_add(sentence, " and ");
	if (incident->own[SYNS])
		sentence_add_count(sentence, incident->own[SYNS], " SYN");
	sentence_add(sentence, resets + incident->own[SYNS] == 1 ? " that does not fit hits "
								 : " that do not fit hit ");
	sentence_add_count(sentence, incident->own[CONNECTIONS], " connection");
	summary_add_port(sentence, incident);
	if (peer) {
		sentence_add(sentence, " in the name of ");
		sentence_add_address(sentence, peer->address);
	}
	sentence_add(sentence, incident->peers_all > 1 ? " and others" : "");
	sentence_add(sentence, ", as blind forgery does; the kernel rejected them, and what "
			       "they hit lives on");
}

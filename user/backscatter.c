// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "backscatter.h"

#include <string.h>

#include "bits.h"
#include "hash.h"
#include "summary.h"
#include "units.h"

#define SLOT_NS	   (10 * SECOND_NS)
#define PACKETS	   25
#define PACKETS_NS (60 * SECOND_NS)
#define A_MINUTE   30		     /* packets */
#define FORGET_NS  (600 * SECOND_NS) /* what comes after that begins anew */
#define CANDIDATES 8

static void init(void *state, uint64_t seed)
{
	struct backscatter *backscatter = state;

	backscatter->seed = seed;
	TABLE_INIT(backscatter, victims, struct backscatter_key, seed);
}

/* Room: one of a few, that with the fewest packets. */
static struct backscatter_victim *find_room(struct backscatter *backscatter)
{
	struct backscatter_victim *least = NULL;

	for (unsigned i = 0; i < CANDIDATES; i++) {
		struct backscatter_victim *victim =
			table_entry(&backscatter->victims, backscatter->hand);

		backscatter->hand = (backscatter->hand + 1) % BACKSCATTER_VICTIMS;
		if (!least || victim->packets < least->packets)
			least = victim;
	}
	return least;
}

static struct backscatter_victim *meet(struct backscatter *backscatter,
				       const struct rst_event *event)
{
	struct backscatter_key key = {.netns = event->netns, .port = event->peer_port};
	struct backscatter_victim *victim;

	memcpy(key.peer, event->peer, sizeof(key.peer));
	victim = TABLE_ADD(&backscatter->victims, &key);
	if (!victim) {
		victim = find_room(backscatter);
		TABLE_REPLACE(&backscatter->victims, victim, &key);
	}
	if (!victim->packets || event->time_ns > victim->last_ns + FORGET_NS)
		*victim = (struct backscatter_victim){.key = victim->key,
						      .first_ns = event->time_ns,
						      .slot = event->time_ns / SLOT_NS};
	if (event->time_ns > victim->last_ns)
		victim->last_ns = event->time_ns;
	return victim;
}

/* A port that sets a new bit stands for as many as it had to come for that, as in sources.c. */
static void note_port(struct backscatter_victim *victim, uint16_t port, uint64_t seed)
{
	uint32_t bit = hash_mix(port, seed) >> 40 & 255;
	uint32_t left = 256 - bits_count(victim->ports, 4);

	if (bits_set(victim->ports, bit))
		victim->ports_256 += 256 * 256 / left;
}

static void count_packet(struct backscatter_victim *victim, uint64_t time_ns)
{
	uint64_t slot = time_ns / SLOT_NS;

	/* What comes late belongs to the newest slot. */
	while (victim->slot < slot) {
		if (slot - victim->slot > BACKSCATTER_SLOTS)
			victim->slot = slot - BACKSCATTER_SLOTS;
		victim->slots[++victim->slot % BACKSCATTER_SLOTS] = 0;
	}
	victim->slots[victim->slot % BACKSCATTER_SLOTS]++;
	victim->packets++;
}

/* Packets of the last minute, and of the slot that it began in. */
static uint32_t count_minute(const struct backscatter_victim *victim)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < BACKSCATTER_SLOTS; i++)
		sum += victim->slots[i];
	return sum;
}

static bool is_backscatter(const struct backscatter_victim *victim)
{
	return victim->packets >= PACKETS && victim->last_ns - victim->first_ns >= PACKETS_NS &&
	       count_minute(victim) >= A_MINUTE;
}

static void write_evidence(const struct backscatter_victim *victim, struct incident *incident)
{
	double seconds = (double)(victim->last_ns - victim->first_ns) / SECOND_NS;
	uint32_t ports = (victim->ports_256 + 128) / 256;

	if (!incident->total)
		incident->first_ns = victim->first_ns;
	if (victim->packets > incident->total)
		book_add_peer(incident, victim->key.peer, victim->packets - incident->total);
	incident->total = victim->packets;
	incident->peers_all = 1;
	incident->proof = ALERT_PROOF_NONE;
	book_fact(incident, "segments", victim->packets);
	book_fact(incident, "syn_acks", victim->syn_acks);
	book_fact(incident, "segments_per_second", victim->packets / (seconds > 1 ? seconds : 1));
	book_fact(incident, "duration_seconds", seconds);
	book_fact(incident, "local_ports", ports);
	book_fact(incident, "peer_port", victim->key.port);
	if (victim->known)
		book_word(incident, "suspected", "asymmetric_path");
}

static bool event(void *state, struct detect_world *world, const struct detect_event *seen)
{
	struct backscatter *backscatter = state;
	const struct rst_event *event = seen->event;
	struct book_key key = {.kind = ALERT_BACKSCATTER,
			       .netns = event->netns,
			       .port = event->peer_port,
			       .role = RST_ROLE_CLIENT};
	bool known = event->flags & RST_EVENT_KNOWN;
	struct backscatter_victim *victim;
	struct incident *incident;

	/* Resets that come after the end of a connection are usual. */
	if (seen->class == DETECT_STRAY && known)
		return false;
	memcpy(key.peer, event->peer, sizeof(key.peer));
	victim = meet(backscatter, event);
	count_packet(victim, event->time_ns);
	victim->syn_acks += seen->class == DETECT_UNASKED_SYNACK;
	victim->known |= known;
	note_port(victim, event->local_port, backscatter->seed);
	if (!book_find(world->book, &key) && !is_backscatter(victim))
		return false;
	incident = book_open(world->book, &key, ALERT_INFO, event->time_ns);
	if (!incident)
		return false;
	write_evidence(victim, incident);
	return true;
}

static void describe(const struct incident *incident, struct alert *alert)
{
	struct sentence sentence = {.text = alert->summary, .size = sizeof(alert->summary)};
	bool known = *summary_word(incident, "suspected"), over = alert->status == ALERT_CLEARED;

	if (alert->peer_count)
		sentence_add_address(&sentence, alert->peers[0].key.address);
	sentence_add(&sentence, over ? " sent " : " sends ");
	sentence_add(&sentence, "answers from its port ");
	sentence_add_number(&sentence, alert->peer_port);
	sentence_add(&sentence, " that this host did not ask for: ");
	sentence_add_number(&sentence, alert->total);
	sentence_add(&sentence, " in ");
	sentence_add_duration_ns(&sentence,
				 (uint64_t)(book_find_fact(incident, "duration_seconds") * 1e9));
	sentence_add(&sentence, ", to ");
	sentence_add_count(&sentence, (uint64_t)book_find_fact(incident, "local_ports"), " port");
	sentence_add(&sentence, " of ours");
	sentence_add(&sentence, known ? "; perhaps its other packets take another path"
				      : "; most likely somebody attacks it with our address");
	alert->advice = known ? "This host exchanges data with it, too: see whether what is sent "
				"there leaves by another host (an asymmetric path, direct server "
				"return), before you suspect forged addresses."
			      : "There is nothing to fix on this host. Tell the contact for abuse "
				"of that address, and your provider, that somebody forges yours.";
}

const struct detector backscatter_detector = {
	.kind = ALERT_BACKSCATTER,
	.classes = 1 << DETECT_UNASKED_SYNACK | 1 << DETECT_STRAY,
	.quiet_s = 120,
	.init = init,
	.event = event,
	.describe = describe,
};

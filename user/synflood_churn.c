// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <string.h>

#include "synflood.h"

#define CHURN	      100 /* withdrawn SYNs in ten seconds */
#define CHURN_WARNING 500

/* A half-open connection was reset by whoever made it. */
bool synflood_event(void *state, struct detect_world *world, const struct detect_event *event)
{
	struct synflood *synflood = state;
	const struct rst_event *reset = event->event;
	uint32_t count = churn_add(&synflood->churn, reset);
	struct book_key key = synflood_key(reset->netns, reset->local_port, SYNFLOOD_CHURN);
	struct incident *incident;

	memcpy(key.peer, reset->peer, sizeof(key.peer));
	incident = book_find(world->book, &key);
	if (count >= CHURN)
		incident = book_open(world->book, &key,
				     count >= CHURN_WARNING ? ALERT_WARNING : ALERT_INFO,
				     reset->time_ns);
	if (!incident)
		return false;
	incident->total += incident->total ? 1 : count;
	incident->proof = ALERT_PROOF_ANSWERED;
	incident->peers_all = 1;
	incident->peer_count = 0;
	book_add_peer(incident, reset->peer, incident->total);
	if (event->owner) {
		incident->owner = *event->owner;
		incident->owner_process = event->owner->process ? event->owner->process->number : 0;
	}
	book_word(incident, "kind", "churn");
	book_fact(incident, "withdrawn", incident->total);
	book_fact(incident, "last_10_seconds", count);
	return true;
}

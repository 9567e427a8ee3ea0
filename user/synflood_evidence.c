// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "synflood.h"

#define FEW_SYNS 100

void synflood_tell_owner(struct incident *incident, const struct detect_world *world,
			 uint32_t process)
{
	const struct book_key *key = &incident->key;
	struct listener_answer answer;

	if (!process && key->port &&
	    listeners_find(world->listeners, key->netns, NULL, key->port, world->now_ns, &answer))
		process = answer.owner;
	if (!process)
		return;
	incident->owner = (struct owner){.known_by = OWNER_LISTENER};
	incident->owner_process = process;
}

static bool is_most(const struct sender *source, const struct senders *sources)
{
	uint64_t least = sender_least(source), all = sources->samples;

	return least * 2 >= all && (least >= FEW_SYNS || least * 5 >= all * 4);
}

/* Those that surely sent most, or just some of them. */
static void tell_peers(struct incident *incident, const struct senders *sources)
{
	const struct sender *top = sources->top[SENDER_ADDRESS];
	uint32_t told = 0, best;

	incident->peer_count = 0;
	do {
		best = SENDERS_TOP;
		for (uint32_t i = 0; i < sources->used[SENDER_ADDRESS]; i++)
			if (!(told >> i & 1) && (best == SENDERS_TOP ||
						 sender_least(&top[i]) > sender_least(&top[best])))
				best = i;
		if (best == SENDERS_TOP)
			return;
		told |= 1u << best;
		book_add_peer(incident, top[best].address, sender_least(&top[best]));
	} while (incident->peer_count < ALERT_TOP);
}

void synflood_tell_sources(struct incident *incident, const struct senders *sources)
{
	uint32_t distinct = senders_distinct(sources);

	incident->proof = ALERT_PROOF_NONE;
	if (!sources->samples)
		return;
	incident->peers_all = distinct;
	incident->peers_estimated = true;
	tell_peers(incident, sources);
	book_fact(incident, "distinct_sources", distinct);
	book_fact(incident, "sampled", sources->samples);
	if (sources->samples < SYNFLOOD_SAMPLES)
		return;
	if (is_most(senders_main(sources, SENDER_ADDRESS), sources) ||
	    is_most(senders_main(sources, SENDER_PREFIX), sources))
		book_word(incident, "kind", "few_sources");
	else if (distinct * 10ULL >= sources->samples * 9ULL)
		book_word(incident, "kind", "spoofed");
	else
		book_word(incident, "kind", "many_sources");
}

void synflood_tell_facts(struct incident *incident, const struct synflood_flood *flood,
			 const struct halfopen_port *port, double syns_per_second)
{
	book_fact(incident, "half_open", port ? port->half_open : 0);
	book_fact(incident, "stale", port ? port->stale : 0);
	if (port)
		book_fact(incident, "backlog", port->backlog);
	book_fact(incident, "syns_per_second", syns_per_second);
	if (!flood)
		return;
	incident->total = flood->syns;
	book_fact(incident, "cookies_sent", flood->sent);
	book_fact(incident, "cookies_valid", flood->valid);
	book_fact(incident, "drops", flood->drops);
	book_fact(incident, "completed", flood->completed);
}

void synflood_tell_cookies(struct incident *incident, const struct handshakes *handshakes)
{
	if (handshakes && handshakes->moved[QUEUE_COOKIES_SENT])
		book_word(incident, "syncookies", "on");
	else if (handshakes && handshakes->moved[QUEUE_DO_DROPS])
		book_word(incident, "syncookies", "off");
}

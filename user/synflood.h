/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * syn_flood: SYNs whose senders never complete the handshake. Three things show it: half-open
 * connections that stay stale and become more (halfopen.h), a queue clogged by them from which SYNs
 * are dropped, and SYN cookies that nobody answers (handshakes.h). A listener that does not accept
 * has stale ones too: that is accept_queue_full, and no flood.
 *
 * An incident is about a port; its detail tells it from two others of the kind: one source that
 * withdraws its SYNs (churn.h), and an answer that does not get out of this host.
 */
#ifndef RSTWATCH_SYNFLOOD_H
#define RSTWATCH_SYNFLOOD_H

#include "churn.h"
#include "detector.h"
#include "halfopen.h"
#include "handshakes.h"

enum synflood_detail {
	SYNFLOOD = 0,
	SYNFLOOD_CHURN = 1,
	SYNFLOOD_PATH_LOSS = 2,
};

/* What an open incident has come to. */
struct synflood_flood {
	bool used;
	uint32_t netns;
	uint16_t port;
	uint64_t sent, valid, drops, completed, syns;
	double before; /* handshakes a second, before it began */
};

struct synflood {
	uint64_t seed;
	uint64_t looked_ns; /* when queues were last looked at; 0: not yet */
	uint64_t looks;	    /* how often */
	uint64_t watch_until_ns;
	bool watching;
	uint32_t next_netns; /* to be replaced, once all are used */
	struct halfopen halfopen;
	struct churn churn;
	TABLE_OF(struct handshakes, handshakes, HANDSHAKES_NETNS);
	struct synflood_flood floods[BOOK_OPEN];
};

extern const struct detector synflood_detector;

static inline struct book_key synflood_key(uint32_t netns, uint16_t port,
					   enum synflood_detail detail)
{
	return (struct book_key){
		.netns = netns, .port = port, .kind = ALERT_SYN_FLOOD, .detail = detail};
}

#define SYNFLOOD_SAMPLES 30 /* of sources, from which on they say what kind of flood it is */

/* Of synflood_evidence.c: what an incident is told, again and again. */
/* process: 0 if only who is known to listen there tells. */
void synflood_tell_owner(struct incident *incident, const struct detect_world *world,
			 uint32_t process);
void synflood_tell_sources(struct incident *incident, const struct senders *sources);
/* flood, port: NULL if there is none. */
void synflood_tell_facts(struct incident *incident, const struct synflood_flood *flood,
			 const struct halfopen_port *port, double syns_per_second);
void synflood_tell_cookies(struct incident *incident, const struct handshakes *handshakes);

/* Of synflood_loss.c: it is said if it is so; also true while that is in doubt. */
bool synflood_is_path_loss(struct detect_world *world, const struct handshakes *handshakes,
			   struct halfopen_port *port);

/* Of synflood_churn.c. */
bool synflood_event(void *state, struct detect_world *world, const struct detect_event *event);

/* Of synflood_text.c. */
void synflood_describe(const struct incident *incident, struct alert *alert);

#endif

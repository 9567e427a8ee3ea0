/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * service_down: a port has lost its listener, and clients ask for it. One refused SYN of a peer
 * that has exchanged data with this host is enough, or three of anybody within a minute. If the
 * process was killed or failed that is told at once; one that has merely stopped may be about to be
 * replaced, and has two seconds for that. A gap that is over before it was told is never told.
 *
 * Bounded: if there is no room, the port goes that nobody has asked for for the longest time, and
 * of which nothing was told.
 */
#ifndef RSTWATCH_SERVICE_H
#define RSTWATCH_SERVICE_H

#include "crowd.h"
#include "detector.h"
#include "table.h"

#define SERVICE_PORTS  256 /* that are down and asked for; a power of two */
#define SERVICE_ENOUGH 3   /* refused SYNs of strangers */

struct service_key {
	uint32_t netns;
	uint32_t port;
};

struct service_port {
	struct service_key key;
	uint8_t address[16];		/* that was asked for last */
	struct listener_answer gone;	/* as it stopped last */
	uint64_t back_ns;		/* when somebody listened again; 0: it is down */
	uint64_t down_ns;		/* how long it was down, the times before this one */
	uint64_t asked[SERVICE_ENOUGH]; /* when the last refused SYNs came, the latest first */
	uint64_t events, counted;	/* refused SYNs: as events, and by the exact counters */
	uint32_t times;			/* it went down */
	bool known;			/* one of the clients has exchanged data with this host */
	bool wanted;			/* it is asked for as a service is */
	bool late;			/* that was not until long after it had stopped */
	bool counts;			/* it was down in this slice */
	bool told, ended;
	struct crowd clients;
	uint32_t early_used; /* peers from before it is told */
	struct book_peer early[SERVICE_ENOUGH];
};

struct service {
	uint64_t seed;
	TABLE_OF(struct service_port, ports, SERVICE_PORTS);
};

extern const struct detector service_detector;

/* A signal by which somebody is asked to stop, and may be replaced at once. */
bool service_is_request(unsigned number);

/* Of service_text.c. */
void service_describe(const struct incident *incident, struct alert *alert);

#endif

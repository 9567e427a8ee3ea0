/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * peer_reset_storm: one peer resets working connections, far more often than it ever does.
 *
 * How often is much is a matter of the peer: it is compared with the median of its own last ten
 * minutes, and it must stand for at least half of all that is reset there. A load generator that is
 * killed resets all its connections in the same second: that is no storm. A health check connects
 * and resets for ever, with little or no data: it has to be five times as frequent to count, and
 * what it did in the first minute of the run is taken for usual, unless it was quiet for twenty
 * seconds of it.
 */
#ifndef RSTWATCH_STORM_H
#define RSTWATCH_STORM_H

#include "detector.h"
#include "table.h"

#define STORM_PEERS   512 /* that reset most; powers of two */
#define STORM_NETNS   256
#define STORM_SECONDS 10
#define STORM_HISTORY 60 /* windows of so many seconds */

struct storm_key {
	uint8_t address[16];
	uint32_t netns;
};

/* Resets of the last seconds. */
struct storm_second {
	uint32_t all;
	uint32_t worked; /* of connections that had done something, as health checks do not */
	uint32_t empty;	 /* of connections without any data */
};

struct storm_peer {
	struct storm_key key;
	uint16_t port; /* of the service */
	uint8_t role;
	bool mixed; /* of several */
	bool storming;
	uint64_t second; /* the last one of: */
	struct storm_second seconds[STORM_SECONDS];
	uint32_t windows; /* how many were written to: */
	uint32_t history[STORM_HISTORY];
	struct book_key incident; /* if storming */
	struct owner owner;
	uint32_t process;
};

struct storm_netns {
	uint32_t netns;
	uint64_t second;
	struct storm_second seconds[STORM_SECONDS];
};

struct storm {
	uint64_t window_ns; /* when the last one ended; 0: none has */
	uint32_t windows;
	uint32_t hand; /* where room is looked for next */
	TABLE_OF(struct storm_peer, peers, STORM_PEERS);
	TABLE_OF(struct storm_netns, netns, STORM_NETNS);
};

extern const struct detector storm_detector;

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * stale_connections: the two ends do not agree on whether a connection exists.
 *
 * Three ways to see that. Peers send segments of connections that this host does not know: a
 * middlebox or a restart has forgotten them. They send after we have closed (TIME_WAIT): their pool
 * keeps connections longer than we do. Or connections that had been idle are reset: something in
 * between had forgotten them, and after how long can be told if several had been idle just as long.
 *
 * What follows of itself is none: segments that were under way when we reset the connection, and
 * what comes after a service has stopped or was restarted.
 */
#ifndef RSTWATCH_STALE_H
#define RSTWATCH_STALE_H

#include "detector.h"
#include "table.h"
#include "tuples.h"

#define STALE_PLACES	  512 /* a power of two */
#define STALE_BUCKETS	  6   /* of 10 s */
#define STALE_CONNECTIONS 16
#define STALE_IDLE	  5

/* A service and a network of its peers: /24 or /64. */
struct stale_key {
	uint8_t network[16];
	uint32_t netns;
	uint16_t port;
	uint8_t role;	/* RST_ROLE_CLIENT: the port is the peer's */
	uint8_t detail; /* in which of the three ways */
};

struct stale_connection {
	uint64_t hash;
	uint64_t time_ns;
};

struct stale_place {
	struct stale_key key;
	uint64_t bucket; /* the last one of: */
	uint32_t counts[STALE_BUCKETS];
	uint32_t distinct; /* connections, since it was quiet for a minute */
	struct stale_connection connections[STALE_CONNECTIONS]; /* the last ones */
	uint32_t idle_count;
	uint32_t idle_ms[STALE_IDLE]; /* the least, in order */
};

struct stale {
	uint64_t seed;
	uint32_t hand;	   /* where room is looked for next */
	struct tuples own; /* connections that we have reset */
	TABLE_OF(struct stale_place, places, STALE_PLACES);
};

extern const struct detector stale_detector;

#endif

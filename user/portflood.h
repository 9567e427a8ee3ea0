/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * closed_port_flood: SYNs for one port on which nobody listens, from ever new addresses. The host
 * answers each of them with a reset, to somebody who did not ask. A scan asks for many ports, and a
 * client that tries again and again has one address: neither is this.
 *
 * Where each SYN is for another port, all ports together are judged as one, by four times the
 * limits: the noise of the internet comes from many addresses, too. Such a flood does not own its
 * events, or it would hide scans: only the counters.
 *
 * PORTFLOOD_PORTS ports are watched at a time; of those that make no incident, the one of several
 * that gets the least makes room.
 */
#ifndef RSTWATCH_PORTFLOOD_H
#define RSTWATCH_PORTFLOOD_H

#include "detector.h"
#include "distinct.h"
#include "table.h"

#define PORTFLOOD_PORTS	  256 /* a power of two */
#define PORTFLOOD_SECONDS 10
#define PORTFLOOD_BITS	  1024
#define PORTFLOOD_OPEN	  (2 * BOOK_OPEN) /* those that were cleared in this slice included */
#define PORTFLOOD_MANY	  65536		  /* stands for all ports that have no incident */

struct portflood_key {
	uint32_t netns;
	uint32_t port; /* or PORTFLOOD_MANY */
};

/* What came in one second. The first events of it are looked at more closely. */
struct portflood_second {
	uint32_t events;
	uint32_t sampled; /* events, */
	uint32_t known;	  /* of these from clients of this host; */
	uint32_t set;	  /* bits that their addresses have set */
	uint64_t bits[PORTFLOOD_BITS / 64];
};

struct portflood_port {
	struct portflood_key key;
	uint64_t second; /* the newest one, since boot */
	uint32_t recent; /* events, those of each second before the last half as much */
	uint32_t open;	 /* index of its registers plus one; 0: no incident */
	/* Of the current slice: */
	bool asked; /* whether its incident is still open: the book clears none before its end */
	uint64_t events;
	uint64_t exact; /* resets, by the exact counters */
	/* Of the incident: */
	uint64_t past; /* resets before the current slice */
	double peak;   /* a second */
	uint32_t reset_bytes;
	uint32_t least; /* addresses, when it was opened */
	struct portflood_second seconds[PORTFLOOD_SECONDS];
};

/* Of an incident: how many addresses. */
struct portflood_distinct {
	bool used;
	struct distinct addresses;
};

struct portflood {
	uint64_t seed;
	uint32_t hand; /* where room is looked for next */
	struct portflood_distinct distinct[PORTFLOOD_OPEN];
	TABLE_OF(struct portflood_port, ports, PORTFLOOD_PORTS);
};

extern const struct detector portflood_detector;

#endif

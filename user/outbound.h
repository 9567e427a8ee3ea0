/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * outbound_scan: a process of this host fails to reach one destination after the other. The
 * sequential test of Jung, Paxson, Berger and Balakrishnan (2004), with success rates of .8 and .2,
 * for a false alarm in a million: each destination (address and port) that fails at its first
 * contact is a step up, each that answers a step down, never below zero, and the tenth step is the
 * alert. What it tries again is no step, so a dependency that is down is none of this.
 *
 * Successes are told only while they are asked for: from OUTBOUND_WATCH steps on. Who connects fast
 * has failed ten times before the first one is told, so for half a second after they were asked for
 * nothing is said, but for twice as many failures without any success. And contacts within half a
 * second or so are weighed together, as it is not known which of them came first.
 *
 * Bounded: if there is no room, the process goes that is the fewest steps up, and of these the one
 * that has not failed for the longest time. The destinations of a process are a Bloom filter, so a
 * few first contacts are taken for known ones.
 */
#ifndef RSTWATCH_OUTBOUND_H
#define RSTWATCH_OUTBOUND_H

#include "crowd.h"
#include "detector.h"
#include "table.h"

#define OUTBOUND_PROCESSES 512	/* that have failed lately; a power of two */
#define OUTBOUND_STEPS	   10	/* ln(990000) / ln(.8 / .2) = 9.96 */
#define OUTBOUND_WATCH	   3	/* steps, from which on successes matter */
#define OUTBOUND_PLAIN	   20	/* failures without a success need no waiting */
#define OUTBOUND_BITS	   8192 /* of the filter; a power of two */

struct outbound_key {
	uint32_t netns;
	uint32_t process; /* its number */
};

/* Half a second: first contacts that failed and that succeeded. */
struct outbound_span {
	uint32_t up, down;
};

struct outbound_process {
	struct outbound_key key;
	uint32_t steps;
	/* How many it was up before the last two spans, these, and when the last one began. */
	uint32_t settled;
	struct outbound_span spans[2];
	uint64_t span_ns;
	bool told;
	uint64_t first_ns, last_ns; /* failures */
	/* First contacts, and how they ended. */
	uint64_t contacts, refused, failed, connected;
	struct crowd addresses, ports;
	struct alert_ports touched;
	uint32_t peers_used;
	struct book_peer peers[ALERT_TOP]; /* the first ones */
	uint32_t met;			   /* entries in the filter */
	uint64_t filter[OUTBOUND_BITS / 64];
};

struct outbound {
	uint64_t seed;
	bool asks;
	uint64_t asked_ns; /* since when */
	TABLE_OF(struct outbound_process, processes, OUTBOUND_PROCESSES);
};

extern const struct detector outbound_detector;

#endif

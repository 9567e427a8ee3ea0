/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * dependency_down: a process of this host is refused by the service that it wants to connect to.
 * Processes of one name, user and cgroup are one application: its workers lack the same service.
 * Told at the third refusal within ten seconds, and as a warning if they come thick (five within
 * ten seconds) or go on for a minute, which a check every four seconds or slower never does. A
 * connect() that succeeds ends it; that is told only while it is asked for, so a warning waits for
 * as long as it takes to hear of one.
 *
 * A name with addresses of both families is tried one after the other: who is refused by the one
 * and connects to the same port of the other family within a second misses nothing.
 *
 * Bounded: if there is no room, the target goes that has not refused for the longest time, and of
 * which nothing was told.
 */
#ifndef RSTWATCH_DEPENDENCY_H
#define RSTWATCH_DEPENDENCY_H

#include "crowd.h"
#include "detector.h"
#include "table.h"

#define DEPENDENCY_TARGETS 512 /* that have refused lately; a power of two */
#define DEPENDENCY_SEEN	   3   /* refusals within ten seconds: told */
#define DEPENDENCY_THICK   5   /* and a warning */

struct dependency_key {
	uint8_t peer[16];
	uint64_t application; /* 0: not known */
	uint32_t netns;
	uint32_t port;
};

struct dependency_target {
	struct dependency_key key;
	uint32_t process;		  /* the number of the first one, 0: not known; */
	struct crowd processes;		  /* and how many there are */
	uint64_t times[DEPENDENCY_THICK]; /* of the last refusals, the latest first */
	uint64_t last_ns, pause_ns;	  /* the last one, and its distance from the one before */
	uint64_t began_ns;		  /* the first refusal */
	uint64_t steady_ns;		  /* since when they have come without a longer pause */
	uint64_t success_ns;		  /* the last one that was told; 0: none */
	uint64_t refusals;
	bool told;
};

struct dependency {
	uint32_t next; /* to be looked at for its room */
	TABLE_OF(struct dependency_target, targets, DEPENDENCY_TARGETS);
};

extern const struct detector dependency_detector;

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * port_scan: somebody asks for one port after the other. A sequential test for each source (the
 * threshold random walk of Jung, Paxson, Berger and Balakrishnan 2004): each port that it asks for
 * the first time makes a scan so many times likelier than a client with a wrong port, and at odds
 * of a million to one it is told, at that very event. No time is in it, so a slow scan is found at
 * the same port as a fast one, and a client that tries one port again and again never is.
 */
#ifndef RSTWATCH_SCAN_H
#define RSTWATCH_SCAN_H

#include "detector.h"
#include "sources.h"

#define SCAN_LEADERS 8

/* A source for which an incident was opened lately. */
struct scan_leader {
	struct source_key key;
	uint64_t time_ns;
};

struct scan {
	uint32_t next; /* of the leaders, to be replaced */
	struct scan_leader leaders[SCAN_LEADERS];
};

extern const struct detector scan_detector;

#endif

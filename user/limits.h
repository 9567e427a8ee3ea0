/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What bounds the kernel side's memory, and what it streams. */
#ifndef RSTWATCH_LIMITS_H
#define RSTWATCH_LIMITS_H

#include <stdint.h>

#include "event.h"

struct limits {
	/* That a CPU streams in a slice of one second, whatever they are; beyond that it streams
	 * what is rare, and counts the rest: bpf/count.h. */
	uint32_t events;
	/* Entries of the tables of a slice, of which there are two: see bpf/event.h. */
	uint32_t ports, peers;
};

#define LIMITS_EVENTS_LEAST 100
#define LIMITS_EVENTS_MOST  10000000
#define LIMITS_TABLE_LEAST  1024
#define LIMITS_TABLE_MOST   (1 << 22)

static const struct limits limits_default = {
	.events = 10000, .ports = RST_PORTS_MAX, .peers = RST_PEERS_MAX};

#endif

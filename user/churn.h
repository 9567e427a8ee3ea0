/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who sends SYNs to a port and resets the half-open connections that they made: a prober, a health
 * check, or a generator of SYNs whose own kernel knows nothing of them. To do that it has to see
 * our answer, so these addresses are true.
 */
#ifndef RSTWATCH_CHURN_H
#define RSTWATCH_CHURN_H

#include <stdint.h>

#include "event.h"
#include "table.h"

#define CHURN_SOURCES 512 /* a power of two */

struct churn_key {
	uint8_t peer[16];
	uint32_t netns, port;
};

struct churn_source {
	struct churn_key key;
	uint64_t second; /* the last one in which it did that */
	uint64_t all;
	uint32_t seconds[10];
};

struct churn {
	uint32_t next; /* to be replaced, once all are used */
	TABLE_OF(struct churn_source, sources, CHURN_SOURCES);
};

/* The memory must be zero. */
void churn_init(struct churn *churn, uint64_t seed);
/* It reset another one. Returns how many it did within ten seconds. */
uint32_t churn_add(struct churn *churn, const struct rst_event *event);

#endif

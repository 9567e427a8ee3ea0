/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What to show. Filters never touch what is counted or detected: event lines, the lists of a
 * window and the alerts are filtered, its totals are not.
 */
#ifndef RSTWATCH_FILTER_H
#define RSTWATCH_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"
#include "event.h"

#define FILTER_PORTS 64

struct filter {
	unsigned direction; /* enum rst_direction; 0: both */
	unsigned family;    /* 4, 6; 0: both */
	unsigned cause;	    /* enum rst_cause; 0: all */
	uint32_t netns;	    /* 0: all */
	unsigned port_count;
	uint16_t ports[FILTER_PORTS]; /* local or peer port */
	bool has_peer;
	struct address_range peer;
};

bool filter_event(const struct filter *filter, const struct rst_event *event);
bool filter_port_key(const struct filter *filter, const struct rst_port_key *key);
bool filter_peer_key(const struct filter *filter, const struct rst_peer_key *key);
bool filter_netns(const struct filter *filter, uint32_t netns);
/* An alert about this direction (0: both) and namespace (0: the whole host). */
bool filter_alert(const struct filter *filter, unsigned direction, uint32_t netns);

#endif

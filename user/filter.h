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
#include "owner.h"

#define FILTER_PORTS 64
#define FILTER_PIDS  64

struct filter {
	unsigned direction; /* enum rst_direction; 0: both */
	unsigned family;    /* 4, 6; 0: both */
	unsigned cause;	    /* enum rst_cause; 0: all */
	uint32_t netns;	    /* 0: all */
	unsigned port_count;
	uint16_t ports[FILTER_PORTS]; /* local or peer port */
	bool has_peer;
	struct address_range peer;
	/* Of the owner; the texts are the caller's, NULL: all. */
	unsigned pid_count;
	uint32_t pids[FILTER_PIDS];
	const char *unit;      /* may hold * and ?; without a dot, of a service */
	const char *container; /* how its id begins */
	const char *cgroup;    /* it and all below */
};

/* By all but the owner. */
bool filter_event(const struct filter *filter, const struct rst_event *event);
bool filter_port_key(const struct filter *filter, const struct rst_port_key *key);
bool filter_peer_key(const struct filter *filter, const struct rst_peer_key *key);
bool filter_netns(const struct filter *filter, uint32_t netns);
/* Whether owners are filtered at all: if so, one of whom no process is known is not let through. */
bool filter_by_owner(const struct filter *filter);
bool filter_owner(const struct filter *filter, const struct owner *owner);
/* An alert about this direction (0: both) and namespace (0: the whole host). owner: who stands
 * behind most of it; NULL if that is not known, which hides nothing. */
struct alert;
/* A detector's alert: by its namespace, its port, its peers and its owner. */
bool filter_incident(const struct filter *filter, const struct alert *alert);
bool filter_alert(const struct filter *filter, unsigned direction, uint32_t netns,
		  const struct owner *owner);

#endif

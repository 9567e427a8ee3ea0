/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The last seconds in detail, for the evidence of an alert: of each slice the largest counters by
 * port and owner, and by peer. An alert condenses those that are about its direction and namespace.
 */
#ifndef RSTWATCH_RECENT_H
#define RSTWATCH_RECENT_H

#include <stdint.h>

#include "alert.h"
#include "rate.h"
#include "record.h"
#include "table.h"
#include "top.h"
#include "window.h"

#define RECENT_SLICES (RATE_RECENT + 1) /* and the one being filled */
#define RECENT_TOP    256

struct recent_slice {
	uint64_t end_ns;
	uint64_t peer_error;
	struct top counts, peers;
	struct window_count count_entries[RECENT_TOP];
	/* Whose they were when the slice was over, and their processes' numbers. */
	struct owner owners[RECENT_TOP];
	struct window_owner_key owner_keys[RECENT_TOP];
	struct window_peer peer_entries[RECENT_TOP];
};

struct recent {
	unsigned current; /* being filled */
	struct recent_slice slices[RECENT_SLICES];
	/* Scratch of recent_explain(). */
	TABLE_OF(struct window_port, ports, 4096);
	TABLE_OF(struct window_peer, peers, 4096);
	TABLE_OF(struct window_owner, owners, 4096);
};

void recent_init(struct recent *recent, uint64_t seed);
void recent_add_port(struct recent *recent, const struct record_port *port);
void recent_add_peer(struct recent *recent, const struct record_peer *peer);
/* The current slice is complete. */
void recent_add_slice(struct recent *recent, const struct record_slice *slice,
		      const struct processes *processes, const struct listeners *listeners);

/*
 * Fills the alert's ports, peers, owners, causes and reasons from the slices that ended less than
 * ten seconds before its time, for its direction and namespace (0: the whole host).
 * Raises its total to what they hold, should that be more.
 */
void recent_explain(struct recent *recent, const struct processes *processes, struct alert *alert);

#endif

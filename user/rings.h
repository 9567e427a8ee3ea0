/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The ring buffers that the programs write to, as records: resets (rst_events), signals, and
 * changes of listeners. What is said of a port must be what held when a reset came, so changes go
 * first.
 */
#ifndef RSTWATCH_RINGS_H
#define RSTWATCH_RINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "record.h"
#include "ring.h"

struct rstwatch;

struct rings {
	struct ring events;
	struct ring signals;
	struct ring changes;
	int epoll;	      /* of those two that wake us: not the changes */
	uint64_t received[2]; /* events of the slices of each generation */
	uint64_t budget;      /* events that this call may still deliver */
	record_handler handler;
	void *context;
	int handler_error;
};

/* handler: gets every record. 0 or -errno. */
int rings_open(struct rings *rings, const struct rstwatch *skeleton, record_handler handler,
	       void *context);
void rings_close(struct rings *rings);
/* To wait for with epoll(7). */
int rings_fd(const struct rings *rings);

/* All of these return 0, -errno, or what the handler returned. */

/* The listeners that have changed. */
int rings_take_changes(struct rings *rings);
/* What is there, but no more events than that, or a batch more. *any: there were events. */
int rings_take(struct rings *rings, uint64_t budget, bool *any);
/* The signals of a retired slice, and its events until as many as expected have been taken; some of
 * the next slice may come along. */
int rings_drain(struct rings *rings, uint32_t slice, uint64_t expected);

#endif

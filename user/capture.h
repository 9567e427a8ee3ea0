/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel as a source of records. It loads and attaches the programs (hooks.h), delivers events
 * as they come, and once a second turns the page: flips the kernel's counters to a new slice, and
 * reads and clears the old one exactly.
 */
#ifndef RSTWATCH_CAPTURE_H
#define RSTWATCH_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "limits.h"
#include "record.h"

struct capture;
struct hooks;

struct capture_settings {
	const char *btf_path; /* NULL: the kernel's own */
	bool verbose;	      /* libbpf's messages on standard error */
	struct limits limits;
};

#define CAPTURE_ERROR_BYTES 512

/* Loads and attaches. 0 or -errno and one line in error: what is missing and what to do. *capture
 * is untouched on failure. */
int capture_open(struct capture **capture, const struct capture_settings *settings,
		 char error[CAPTURE_ERROR_BYTES]);

/* Delivers the preamble. start holds what the caller knows: window_seconds, rate, version. The
 * first slice begins here. */
int capture_start(struct capture *capture, const struct record_start *start, record_handler handler,
		  void *context);
/* Becomes readable, as an edge (EPOLLET), at the first event after a poll that found none. */
int capture_fd(const struct capture *capture);
/*
 * Delivers the events that are there, a bounded number at a time; never waits. *more: there were
 * some, so poll again after CAPTURE_PAUSE_MS, the kernel will not call for it. Thus a flood costs
 * no wake-ups, and an event after silence comes at once.
 */
#define CAPTURE_PAUSE_MS 10
int capture_poll(struct capture *capture, bool *more, record_handler handler, void *context);
/* Ends the slice: delivers the rest of its events, its counters and SLICE. If last, an empty slice
 * shorter than half a second is left out. */
int capture_turn(struct capture *capture, bool last, record_handler handler, void *context);
/* Delivers END. */
int capture_end(struct capture *capture, record_handler handler, void *context);
/* All of these return 0, -errno, or what the handler returned. */

void capture_close(struct capture **capture);

/* What the kernel side is to tell of from now on: RST_WATCH_*. */
void capture_watch(struct capture *capture, uint32_t watch);

/* Something to tell the user once, and what it means; NULL if there is nothing (more). */
const char *capture_complaint(struct capture *capture);

/* Which hooks are attached, and what they pass. */
const struct hooks *capture_hooks(const struct capture *capture);

/* Memory in the kernel. */
struct capture_sizes {
	uint64_t ring_bytes;
	uint64_t sketch_bytes;
	uint32_t ports, peers; /* entries of a slice */
	/* How many are remembered: */
	uint32_t processes, sockets, closed; /* closed: connections */
};
void capture_sizes(const struct capture *capture, struct capture_sizes *sizes);

/* When the first slice began, CLOCK_MONOTONIC. */
uint64_t capture_start_ns(const struct capture *capture);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The pure core: records in, words out. It reads no clock, allocates nothing, prints nothing; what
 * it has to say it says to one sink. The same records give the same calls in the same order.
 */
#ifndef RSTWATCH_PIPELINE_H
#define RSTWATCH_PIPELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "alert.h"
#include "audit.h"
#include "detect.h"
#include "filter.h"
#include "listeners.h"
#include "mute.h"
#include "owner.h"
#include "processes.h"
#include "rate.h"
#include "recent.h"
#include "record.h"
#include "window.h"

#define PIPELINE_HOOKS 32
#define PIPELINE_NAMES 1024 /* of network namespaces; a power of two */

struct pipeline_settings {
	uint32_t window_seconds; /* 0: as the run was started with */
	bool has_rate;		 /* rate is set; else as the run was started with */
	struct rate_settings rate;
	struct filter filter;
	struct mute_rules mute;
	uint64_t event_limit; /* done after so many events shown; 0: never */
	uint64_t duration_ns; /* done after that time; 0: never */
};

/* What is known of the run; constant from START on, but for the clock. */
struct pipeline_run {
	struct record_start start;
	struct record_hook hooks[PIPELINE_HOOKS];
	unsigned hook_count;
	char reasons[RST_REASONS][44]; /* "" where the kernel has none */
	char drop_reasons[RST_DROP_REASONS][44];
	int64_t realtime_offset_ns; /* wall clock minus CLOCK_MONOTONIC, as last seen */
};

/* Sums over the run. */
struct pipeline_totals {
	uint64_t start_ns, end_ns; /* CLOCK_MONOTONIC */
	uint64_t end_real_ns;
	uint64_t total[RST_DIRECTIONS];
	uint64_t causes[RST_CAUSES];
	uint64_t windows;
	uint64_t events;  /* received */
	uint64_t outside; /* resets dropped before TCP had them */
	bool audited;	  /* in some window there was something to compare with */
	int64_t unexplained[COUNTERS];
	uint64_t alerts;	/* raised, shown or not */
	uint64_t alerts_muted;	/* raised, and not shown because of --mute */
	uint64_t alerts_folded; /* evidence for alerts of whose kind too many were open */
	struct window_losses losses;
	bool complete; /* false if the records end without END */
};

/* The name of the reason that the kernel gave for this reset; NULL if it gave none. */
const char *pipeline_reason(const struct pipeline_run *run, const struct rst_event *event);

/* One reset, and what is known of it. */
struct pipeline_event {
	const struct rst_event *event;
	const struct rst_connection *connection; /* NULL: not known */
	struct owner owner;
	const char *netns_name; /* NULL: none is known */
};

/* Where the words go. Each call may use its arguments only until it returns. */
struct sink {
	void *context;
	void (*start)(void *context, const struct pipeline_run *run);
	void (*event)(void *context, const struct pipeline_run *run,
		      const struct pipeline_event *event);
	void (*window)(void *context, const struct pipeline_run *run,
		       const struct window_summary *summary);
	void (*alert)(void *context, const struct pipeline_run *run, const struct alert *alert);
	void (*end)(void *context, const struct pipeline_run *run,
		    const struct pipeline_totals *totals);
};

/* The name of a network namespace, the latest. */
struct pipeline_name {
	uint32_t netns;
	char name[sizeof(((struct record_netns *)NULL)->name)];
};

struct pipeline {
	struct pipeline_settings settings;
	struct sink sink;
	struct pipeline_run run;
	bool started, ended;
	bool done; /* a limit of the settings is reached: feed no more than the rest of the slice */
	uint64_t window_end_ns;	       /* when the window is due */
	uint64_t window_start_real_ns; /* wall clock when it began */
	uint64_t window_ns;
	uint64_t alert_number;
	uint64_t shown; /* events that the filter let through */
	struct pipeline_totals totals;
	struct window window;
	struct audit audit;
	struct window_summary summary;
	struct rate rate;
	struct recent recent;
	struct alert alert;
	uint32_t
		watch; /* RST_WATCH_*: what capture is to tell from now on; nothing else reads it */
	struct detect detect;
	uint32_t next_name; /* the oldest, once there is no room */
	TABLE_OF(struct pipeline_name, names, PIPELINE_NAMES);
	struct processes processes;
	struct listeners listeners;
};

/* The memory must be zero (calloc() it: most of it is never touched). */
void pipeline_init(struct pipeline *pipeline, const struct pipeline_settings *settings,
		   const struct sink *sink);
/* 0, or -EPROTO for a record that cannot stand here. Signature of record_handler. */
int pipeline_feed(void *pipeline, const struct record *record);
/* No more records: closes the window and tells the end, if END did not. complete: the records
 * were to end here. */
void pipeline_finish(struct pipeline *pipeline, bool complete);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The audit: what was seen against what the kernel counted itself, for each counter that resets
 * move, in each network namespace. What the two do not agree on is `unexplained`: positive if the
 * kernel counted more.
 *
 * The two cannot be read at the same instant, so while resets come, any reading may be ahead or
 * behind. But all that the kernel counted before a slice was seen when that slice is over, and the
 * other way round; hence two bounds, between which the truth is. `unexplained` moves only when it
 * would lie outside them, so it never cries wolf; and with the first quiet second the bounds meet,
 * so nothing stays hidden.
 */
#ifndef RSTWATCH_AUDIT_H
#define RSTWATCH_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "filter.h"
#include "record.h"
#include "table.h"

#define AUDIT_NAMESPACES 4096
#define AUDIT_CROWDED	 (AUDIT_NAMESPACES / 4 * 3) /* those that are gone are forgotten then */
#define AUDIT_TOP	 10

/* One namespace. Arrays are by counter. */
struct audit_netns {
	uint32_t netns;
	uint32_t status;   /* of the last record, enum record_kernel_status; 0: none yet */
	uint64_t identity; /* of the last reading */
	uint64_t base_least[COUNTERS], base_most[COUNTERS]; /* where the run began */
	uint64_t last[COUNTERS_READ];			    /* at the last reading */
	uint64_t seen[COUNTERS];			    /* up to the last slice */
	uint64_t fresh[COUNTERS];			    /* in the slice that is being fed */
	int64_t told[COUNTERS];				    /* unexplained so far */
	uint64_t compared[COUNTERS];			    /* seen, at the last reading */
	uint64_t unread;				    /* resets since the last reading */
	bool known;					    /* it has been read */
	bool anew; /* the base was begun with the last reading, and ends with the next */
	uint8_t pad[6];
	/* Of the window. */
	uint64_t window_kernel[COUNTERS_READ];
	uint64_t before_kernel[COUNTERS_READ]; /* of the window before: what is told may be older */
	uint64_t window_seen[COUNTERS];
	int64_t window_unexplained[COUNTERS];
	uint64_t unaudited; /* resets that came while the base was not known */
};

struct audit {
	TABLE_OF(struct audit_netns, namespaces, AUDIT_NAMESPACES);
	uint64_t untracked; /* resets of the window in namespaces that found no room */
};

struct audit_counter {
	uint64_t kernel, seen;
	int64_t unexplained;
	const char *likely; /* half a sentence; NULL if all is explained */
};

struct audit_row {
	uint32_t netns;
	uint32_t pad;
	uint64_t weight; /* the sum of what is unexplained either way */
	struct audit_counter counters[COUNTERS];
};

/* Resets that could not be audited. */
struct audit_unread {
	uint64_t resets;
	uint32_t netns;
	uint32_t pad;
	const char *why;
};

struct audit_summary {
	bool done;				 /* there was something to compare with */
	struct audit_counter counters[COUNTERS]; /* of all namespaces */
	struct audit_row rows[AUDIT_TOP];	 /* namespaces with something unexplained */
	unsigned row_count;
	uint64_t rows_all;
	struct audit_unread unread[AUDIT_TOP];
	unsigned unread_count;
	uint64_t unread_all;
};

void audit_init(struct audit *audit, uint64_t seed);
void audit_add_port(struct audit *audit, const struct record_port *port);
void audit_add_kernel(struct audit *audit, const struct record_kernel *kernel);
/* The slice is complete. */
void audit_add_slice(struct audit *audit);
/* unseen: this kernel sends resets that no hook shows. The rows are those that the filter lets
 * through. */
void audit_summarize(const struct audit *audit, const struct filter *filter, bool unseen,
		     struct audit_summary *summary);
/* The next window begins. */
void audit_next(struct audit *audit);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Alerts: what one is, and how it lives. Detectors say each second whether their condition holds;
 * the incident turns that into few and well-timed words: raised, updated, cleared.
 */
#ifndef RSTWATCH_ALERT_H
#define RSTWATCH_ALERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "window.h"

enum alert_kind {
	ALERT_RST_SENT_RATE = 1,
	ALERT_RST_RECEIVED_RATE = 2,
	ALERT_KINDS = 3, /* array size */
};

enum alert_status {
	ALERT_RAISED = 1,
	ALERT_UPDATED = 2,
	ALERT_CLEARED = 3,
};

enum alert_severity {
	ALERT_INFO = 1,
	ALERT_WARNING = 2,
	ALERT_CRITICAL = 3,
};

#define ALERT_FACTS  8
#define ALERT_TOP    5
#define ALERT_OWNERS 3

/* A number that made the alert fire, under the name that it has in the output. */
struct alert_fact {
	const char *name;
	double value;
};

struct alert_reason {
	uint8_t number; /* the kernel's */
	uint8_t pad[7];
	uint64_t count;
};

struct alert {
	uint64_t number; /* 1, 2, ... in a run; updates keep it */
	enum alert_kind kind;
	enum alert_status status;
	enum alert_severity severity;
	unsigned direction;		 /* enum rst_direction, 0: both */
	uint32_t netns;			 /* 0: the whole host */
	uint64_t time_ns, first_seen_ns; /* CLOCK_MONOTONIC */
	uint64_t time_real_ns, first_seen_real_ns;
	struct alert_fact facts[ALERT_FACTS];
	unsigned fact_count;
	/* What the resets behind it were. Counts, of `total`; lists are largest first. */
	uint64_t total;
	struct window_port ports[ALERT_TOP];
	unsigned port_count;
	struct window_peer peers[ALERT_TOP];
	unsigned peer_count;
	uint64_t peer_error;
	struct window_owner owners[ALERT_OWNERS];
	unsigned owner_count;
	uint64_t causes[RST_CAUSES];
	uint64_t reasons[RST_REASONS];
	char summary[320];
	const char *advice;
};

const char *alert_kind_name(enum alert_kind kind);
const char *alert_status_name(enum alert_status status);
const char *alert_severity_name(enum alert_severity severity);

/* Who stands behind at least half of it; NULL if nobody does, or it is not known who. */
const struct window_owner *alert_main_owner(const struct alert *alert);

/* How long a condition must hold, and be gone, before anybody is told. */
struct alert_policy {
	uint64_t up_ns, down_ns;
	double multiplier; /* of both delays, at each change that comes before the delay is over */
	uint64_t max_ns;   /* of the delays so multiplied */
};

struct alert_incident {
	bool firing;	  /* the condition, at the last step */
	bool raised;	  /* what was last told */
	bool pending;	  /* a change waits to be told */
	unsigned updates; /* due so far: told, or passed over while the condition was gone */
	uint64_t number;
	uint64_t due_ns;    /* when the change will be told */
	uint64_t first_ns;  /* when the condition began to hold */
	uint64_t raised_ns; /* when that was told */
	double stretch;	    /* of the delays, 1 at rest */
};

/*
 * One step, at most one word: 0 if there is nothing to tell. A condition that is gone before its
 * up delay has passed is never told; one that is back before its down delay has passed was never
 * cleared, and makes the next delays longer. A raised incident is updated 1, 5 and 30 minutes
 * after it was raised, then hourly.
 */
enum alert_status alert_step(struct alert_incident *incident, const struct alert_policy *policy,
			     bool firing, uint64_t now_ns);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The two classic alarms, rst_sent_rate and rst_received_rate, host-wide and per network
 * namespace. The condition begins when the average of the last ten seconds exceeds
 *
 *     factor * max(floor, average of the minute before those ten seconds)
 *
 * and holds until it is no higher than `hold` times that maximum. Nothing is judged during the
 * first `after` seconds. It is stepped once per slice, on resets really counted, but for those that
 * an open alert of a detector explains.
 */
#ifndef RSTWATCH_RATE_H
#define RSTWATCH_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "alert.h"
#include "event.h"
#include "record.h"
#include "table.h"

#define RATE_RECENT	10 /* seconds judged */
#define RATE_BASELINE	60 /* seconds before them */
#define RATE_SECONDS	(RATE_RECENT + RATE_BASELINE)
#define RATE_NAMESPACES 1024

/* What the rule compared, in resets a second. A report has the baseline and the limit of the second
 * in which the incident began. */
struct rate_verdict {
	double recent, baseline, limit;
	uint64_t recent_total;
};

/* The resets of the last seconds; [(second) % RATE_SECONDS]. */
struct rate_series {
	uint64_t pending; /* counted since the last step */
	uint64_t seconds[RATE_SECONDS];
	uint64_t since_first;	   /* since the incident began */
	struct rate_verdict first; /* when it began */
	uint64_t first_real_ns;	   /* wall clock then, kept by the reporter */
	bool shown; /* the filter let some word about it through; kept by the reporter */
	bool muted; /* no word of it yet, because of --mute; kept by the reporter */
	struct alert_incident incident;
};

struct rate_netns {
	uint32_t netns;
	uint32_t pad;
	struct rate_series series[RST_DIRECTIONS];
};

struct rate {
	struct rate_settings settings;
	struct alert_policy policy;
	uint64_t second;    /* seconds seen */
	uint64_t untracked; /* resets in namespaces beyond the table; the caller takes it */
	bool swept;	    /* idle namespaces were forgotten since the last step */
	struct rate_series host[RST_DIRECTIONS];
	TABLE_OF(struct rate_netns, namespaces, RATE_NAMESPACES);
};

extern const struct rate_settings rate_defaults;

/* True if every setting is a number from 0 to 1e9: what a recording says may be anything. */
bool rate_settings_valid(const struct rate_settings *settings);

void rate_init(struct rate *rate, const struct rate_settings *settings, uint64_t seed);
void rate_add(struct rate *rate, uint32_t netns, unsigned direction, uint64_t count);
/* Resets whose namespace is not known. */
void rate_add_host(struct rate *rate, unsigned direction, uint64_t count);

/* Called for each word that an incident has to say; netns 0 is the whole host. */
typedef void (*rate_report)(void *context, struct rate_series *series, enum alert_status status,
			    unsigned direction, uint32_t netns, const struct rate_verdict *verdict);
/* A slice of this length is complete. Resets of a long slice are spread over its seconds. */
void rate_step(struct rate *rate, uint64_t start_ns, uint64_t end_ns, rate_report report,
	       void *context);

/* One series against the rule; exposed for the tests. */
bool rate_judge(const struct rate *rate, const struct rate_series *series,
		struct rate_verdict *verdict);

#endif

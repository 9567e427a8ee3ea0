/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Wall times as text, from nanoseconds since 1970. Broken down once a second and kept, as events
 * of the same second are printed by the hundred thousand. Reads no clock.
 */
#ifndef RSTWATCH_WALLCLOCK_H
#define RSTWATCH_WALLCLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "output.h"

struct wallclock {
	bool utc;
	bool known; /* second is broken down below */
	int64_t second;
	char clock[16];	  /* "12:34:56" */
	char rfc3339[32]; /* "2026-01-31T10:00:00" */
};

/* "12:34:56", local time unless utc. */
void wallclock_time(struct wallclock *wallclock, struct output *output, uint64_t time_ns);
/* "2026-01-31T10:00:00.123456789Z", always UTC: set utc for this one. */
void wallclock_rfc3339(struct wallclock *wallclock, struct output *output, uint64_t time_ns);

#endif

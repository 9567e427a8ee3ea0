/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Wall times as text, from nanoseconds since 1970. Broken down once a second and kept, as events
 * of the same second are printed by the hundred thousand. Reads no clock.
 */
#ifndef RSTWATCH_WALLCLOCK_H
#define RSTWATCH_WALLCLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WALLCLOCK_BYTES 40 /* longest text, with its NUL */

struct wallclock {
	bool utc;
	bool known; /* second is broken down below */
	int64_t second;
	size_t clock_length, rfc3339_length;
	char clock[16];	  /* "12:34:56" */
	char rfc3339[32]; /* "2026-01-31T10:00:00" */
};

/* Both write NUL-terminated text and return its length. */

/* "12:34:56", local time unless utc. */
size_t wallclock_time(struct wallclock *wallclock, char text[WALLCLOCK_BYTES], uint64_t time_ns);
/* "2026-01-31T10:00:00.123456789Z", always UTC: set utc for this one. */
size_t wallclock_rfc3339(struct wallclock *wallclock, char text[WALLCLOCK_BYTES], uint64_t time_ns);

#endif

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "wallclock.h"

#include <string.h>
#include <time.h>

#include "append.h"
#include "units.h"

static void break_down(struct wallclock *wallclock, uint64_t time_ns)
{
	time_t second = time_ns / SECOND_NS;
	struct tm parts;

	if (wallclock->known && wallclock->second == second)
		return;
	if (wallclock->utc)
		gmtime_r(&second, &parts);
	else
		localtime_r(&second, &parts);
	wallclock->clock_length =
		strftime(wallclock->clock, sizeof(wallclock->clock), "%H:%M:%S", &parts);
	wallclock->rfc3339_length = strftime(wallclock->rfc3339, sizeof(wallclock->rfc3339),
					     "%Y-%m-%dT%H:%M:%S", &parts);
	wallclock->second = second;
	wallclock->known = true;
}

size_t wallclock_time(struct wallclock *wallclock, char text[WALLCLOCK_BYTES], uint64_t time_ns)
{
	break_down(wallclock, time_ns);
	memcpy(text, wallclock->clock, sizeof(wallclock->clock));
	return wallclock->clock_length;
}

size_t wallclock_rfc3339(struct wallclock *wallclock, char text[WALLCLOCK_BYTES], uint64_t time_ns)
{
	uint32_t fraction = time_ns % SECOND_NS;
	char *at = text;

	break_down(wallclock, time_ns);
	memcpy(at, wallclock->rfc3339, sizeof(wallclock->rfc3339));
	at += wallclock->rfc3339_length;
	*at++ = '.';
	*at++ = (char)('0' + fraction / 100000000);
	at = append_8_digits(at, fraction % 100000000);
	*at++ = 'Z';
	*at = '\0';
	return at - text;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "wallclock.h"

#include <string.h>
#include <time.h>

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
	strftime(wallclock->clock, sizeof(wallclock->clock), "%H:%M:%S", &parts);
	strftime(wallclock->rfc3339, sizeof(wallclock->rfc3339), "%Y-%m-%dT%H:%M:%S", &parts);
	wallclock->second = second;
	wallclock->known = true;
}

size_t wallclock_time(struct wallclock *wallclock, char text[WALLCLOCK_BYTES], uint64_t time_ns)
{
	break_down(wallclock, time_ns);
	memcpy(text, wallclock->clock, sizeof(wallclock->clock));
	return strlen(text);
}

size_t wallclock_rfc3339(struct wallclock *wallclock, char text[WALLCLOCK_BYTES], uint64_t time_ns)
{
	uint32_t fraction = time_ns % SECOND_NS;
	size_t length;

	break_down(wallclock, time_ns);
	memcpy(text, wallclock->rfc3339, sizeof(wallclock->rfc3339));
	length = strlen(text);
	text[length] = '.';
	for (int digit = 9; digit; digit--) {
		text[length + digit] = '0' + fraction % 10;
		fraction /= 10;
	}
	text[length + 10] = 'Z';
	text[length + 11] = '\0';
	return length + 11;
}

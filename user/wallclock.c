// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "wallclock.h"

#include <string.h>
#include <time.h>

#define SECOND_NS 1000000000ULL

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

void wallclock_time(struct wallclock *wallclock, struct output *output, uint64_t time_ns)
{
	break_down(wallclock, time_ns);
	output_text(output, wallclock->clock);
}

void wallclock_rfc3339(struct wallclock *wallclock, struct output *output, uint64_t time_ns)
{
	break_down(wallclock, time_ns);
	output_text(output, wallclock->rfc3339);
	output_char(output, '.');
	output_digits(output, time_ns % SECOND_NS, 9);
	output_char(output, 'Z');
}

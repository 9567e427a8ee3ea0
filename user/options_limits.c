// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The options that bound what the kernel side keeps and streams. */
#include "limits.h"
#include "options_parts.h"

static int parse(struct options_state *state, const char *name, const char *argument,
		 uint32_t least, uint32_t most, uint32_t *limit)
{
	uint64_t number;

	if (state->options->command == OPTIONS_REPLAY)
		return options_refuse(state, "--%s: a replay asks no kernel; leave it out", name);
	if (!options_number(argument, least, most, &number))
		return options_refuse(state, "--%s '%.64s': give a number from %u to %u", name,
				      argument, least, most);
	*limit = number;
	return 0;
}

int options_max_events(struct options_state *state, const char *argument)
{
	return parse(state, "max-events", argument, LIMITS_EVENTS_LEAST, LIMITS_EVENTS_MOST,
		     &state->options->limits.events);
}

int options_max_ports(struct options_state *state, const char *argument)
{
	return parse(state, "max-ports", argument, LIMITS_TABLE_LEAST, LIMITS_TABLE_MOST,
		     &state->options->limits.ports);
}

int options_max_peers(struct options_state *state, const char *argument)
{
	return parse(state, "max-peers", argument, LIMITS_TABLE_LEAST, LIMITS_TABLE_MOST,
		     &state->options->limits.peers);
}

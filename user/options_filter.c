// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The options that choose what is shown. */
#include "options_parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "address.h"
#include "names.h"

#define PID_MOST 4194304 /* PID_MAX_LIMIT of the kernel */

static int set_direction(struct options_state *state, unsigned direction)
{
	struct filter *filter = &state->options->filter;

	if (filter->direction && filter->direction != direction)
		return options_refuse(state,
				      "--sent and --received exclude each other: give one, or "
				      "neither for both");
	filter->direction = direction;
	return 0;
}

int options_sent(struct options_state *state, const char *argument)
{
	(void)argument;
	return set_direction(state, RST_SENT);
}

int options_received(struct options_state *state, const char *argument)
{
	(void)argument;
	return set_direction(state, RST_RECEIVED);
}

/* The first number of a list with commas between, and *list behind it; NULL behind the last. */
static bool parse_listed(const char **list, uint64_t most, uint64_t *number)
{
	char text[16] = {0};
	size_t length = strcspn(*list, ",");

	if (length >= sizeof(text))
		return false;
	memcpy(text, *list, length);
	*list = (*list)[length] ? *list + length + 1 : NULL;
	return options_number(text, 1, most, number);
}

int options_port(struct options_state *state, const char *argument)
{
	struct filter *filter = &state->options->filter;
	uint64_t port;

	for (const char *at = argument; at;) {
		if (!parse_listed(&at, 65535, &port))
			return options_refuse(
				state,
				"--port '%.64s': give ports from 1 to 65535, with commas "
				"between",
				argument);
		if (filter->port_count == FILTER_PORTS)
			return options_refuse(state, "--port: at most %d ports", FILTER_PORTS);
		filter->ports[filter->port_count++] = port;
	}
	return 0;
}

int options_pid(struct options_state *state, const char *argument)
{
	struct filter *filter = &state->options->filter;
	uint64_t pid;

	for (const char *at = argument; at;) {
		if (!parse_listed(&at, PID_MOST, &pid))
			return options_refuse(
				state,
				"--pid '%.64s': give process ids from 1 to %d, with commas "
				"between",
				argument, PID_MOST);
		if (filter->pid_count == FILTER_PIDS)
			return options_refuse(state, "--pid: at most %d process ids", FILTER_PIDS);
		filter->pids[filter->pid_count++] = pid;
	}
	return 0;
}

int options_unit(struct options_state *state, const char *argument)
{
	if (!*argument)
		return options_refuse(
			state, "--unit: give the name of a systemd unit, as in nginx.service "
			       "or 'php*'");
	state->options->filter.unit = argument;
	return 0;
}

int options_container(struct options_state *state, const char *argument)
{
	if (!*argument)
		return options_refuse(state,
				      "--container: give the id of a container, or how it begins");
	state->options->filter.container = argument;
	return 0;
}

int options_cgroup(struct options_state *state, const char *argument)
{
	if (!*argument)
		return options_refuse(state,
				      "--cgroup: give the path of a cgroup, as /proc/PID/cgroup "
				      "shows it");
	state->options->filter.cgroup = argument;
	return 0;
}

static int set_family(struct options_state *state, unsigned family)
{
	struct filter *filter = &state->options->filter;

	if (filter->family && filter->family != family)
		return options_refuse(
			state, "-4 and -6 exclude each other: give one, or neither for both");
	filter->family = family;
	return 0;
}

int options_ipv4(struct options_state *state, const char *argument)
{
	(void)argument;
	return set_family(state, 4);
}

int options_ipv6(struct options_state *state, const char *argument)
{
	(void)argument;
	return set_family(state, 6);
}

int options_peer(struct options_state *state, const char *argument)
{
	struct filter *filter = &state->options->filter;
	int error = address_parse_range(argument, &filter->peer);

	if (error == -ERANGE)
		return options_refuse(state,
				      "--peer '%.64s': bits are set behind the prefix; give the "
				      "network's address, as in 10.0.0.0/8",
				      argument);
	if (error)
		return options_refuse(state,
				      "--peer '%.64s': give an address or a range, as in 10.0.0.7, "
				      "10.0.0.0/8 or 2001:db8::/32",
				      argument);
	filter->has_peer = true;
	return 0;
}

int options_cause(struct options_state *state, const char *argument)
{
	char accepted[OPTIONS_ERROR_BYTES] = "";
	size_t used = 0;

	state->options->filter.cause = name_to_cause(argument);
	if (state->options->filter.cause)
		return 0;
	for (unsigned cause = 1; cause < RST_CAUSES; cause++) {
		const char *name = name_cause(cause);

		if (!name || name_to_cause(name) != cause)
			continue;
		used += snprintf(accepted + used, sizeof(accepted) - used, "%s%s", used ? " " : "",
				 name);
	}
	return options_refuse(state, "--cause '%.32s': give one of %.200s", argument, accepted);
}

int options_netns(struct options_state *state, const char *argument)
{
	uint64_t netns;

	if (!options_number(argument, 1, UINT32_MAX, &netns))
		return options_refuse(
			state,
			"--netns '%.64s': give the inode number of a network namespace, as "
			"lsns -t net or stat -Lc %%i /run/netns/NAME print it",
			argument);
	state->options->filter.netns = netns;
	return 0;
}

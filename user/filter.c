// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "filter.h"

#include <string.h>

#include "alert.h"
#include "pattern.h"

static bool match_direction(const struct filter *filter, unsigned direction)
{
	return !filter->direction || filter->direction == direction;
}

static bool match_port(const struct filter *filter, uint16_t port)
{
	for (unsigned i = 0; i < filter->port_count; i++)
		if (filter->ports[i] == port)
			return true;
	return !filter->port_count;
}

/* time_wait is a cause and a stage: the name selects both. */
static bool match_cause(const struct filter *filter, unsigned cause)
{
	if (!filter->cause || filter->cause == cause)
		return true;
	return filter->cause == RST_TIME_WAIT && cause == RST_STAGE_TIME_WAIT;
}

static bool match_peer(const struct filter *filter, const uint8_t address[16])
{
	if (filter->family && address_is_ipv4(address) != (filter->family == 4))
		return false;
	return !filter->has_peer || address_in_range(address, &filter->peer);
}

bool filter_netns(const struct filter *filter, uint32_t netns)
{
	return !filter->netns || filter->netns == netns;
}

bool filter_event(const struct filter *filter, const struct rst_event *event)
{
	return match_direction(filter, event->direction) && match_cause(filter, event->cause) &&
	       filter_netns(filter, event->netns) && match_peer(filter, event->peer) &&
	       (match_port(filter, event->local_port) || match_port(filter, event->peer_port));
}

bool filter_port_key(const struct filter *filter, const struct rst_port_key *key)
{
	return match_direction(filter, key->direction) && match_cause(filter, key->cause) &&
	       filter_netns(filter, key->netns) && match_port(filter, key->port);
}

bool filter_peer_key(const struct filter *filter, const struct rst_peer_key *key)
{
	return match_direction(filter, key->direction) && filter_netns(filter, key->netns) &&
	       match_peer(filter, key->address);
}

static bool match_pid(const struct filter *filter, uint32_t pid)
{
	for (unsigned i = 0; i < filter->pid_count; i++)
		if (filter->pids[i] == pid)
			return true;
	return !filter->pid_count;
}

static bool match_cgroup(const char *wanted, const char *path)
{
	size_t length;

	if (*path != '/')
		return false; /* not known, or not from the root */
	wanted += strspn(wanted, "/");
	path += strspn(path, "/");
	length = strlen(wanted);
	while (length && wanted[length - 1] == '/')
		length--;
	return !length || (strlen(path) >= length && !memcmp(path, wanted, length) &&
			   (!path[length] || path[length] == '/'));
}

bool filter_by_owner(const struct filter *filter)
{
	return filter->pid_count || filter->unit || filter->container || filter->cgroup;
}

bool filter_owner(const struct filter *filter, const struct owner *owner)
{
	const struct process *process = owner->process;

	if (!filter_by_owner(filter))
		return true;
	return process && match_pid(filter, process->pid) &&
	       (!filter->unit || pattern_matches_unit(filter->unit, process->names.unit)) &&
	       (!filter->container ||
		pattern_begins(filter->container, process->names.container)) &&
	       (!filter->cgroup || match_cgroup(filter->cgroup, process->cgroup));
}

bool filter_alert(const struct filter *filter, unsigned direction, uint32_t netns,
		  const struct owner *owner)
{
	return (!direction || match_direction(filter, direction)) &&
	       (!netns || filter_netns(filter, netns)) && (!owner || filter_owner(filter, owner));
}

/* What is not known hides nothing. */
bool filter_incident(const struct filter *filter, const struct alert *alert)
{
	uint16_t port = alert->has_local ? alert->local_port : alert->peer_port;

	if (!filter_netns(filter, alert->netns) || (port && !match_port(filter, port)))
		return false;
	if (alert->owner.process && !filter_owner(filter, &alert->owner))
		return false;
	for (unsigned i = 0; i < alert->peer_count; i++)
		if (match_peer(filter, alert->peers[i].key.address))
			return true;
	return !alert->peer_count;
}

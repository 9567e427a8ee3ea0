// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tuples.h"

#include <string.h>

void tuples_init(struct tuples *tuples, uint64_t seed)
{
	tuples->next = 0;
	TABLE_INIT(tuples, entries, struct tuple_key, seed);
}

void tuples_note(struct tuples *tuples, const struct tuple_key *key, uint64_t time_ns)
{
	struct tuple *tuple = table_renew(&tuples->entries, &tuples->next, key);

	tuple->time_ns = time_ns;
}

uint64_t tuples_find(const struct tuples *tuples, const struct tuple_key *key)
{
	const struct tuple *tuple = table_find(&tuples->entries, key);

	return tuple ? tuple->time_ns : 0;
}

static struct tuple_key make(const uint8_t local[16], uint16_t local_port, const uint8_t peer[16],
			     uint16_t peer_port, uint32_t netns)
{
	struct tuple_key key = {.netns = netns, .local_port = local_port, .peer_port = peer_port};

	memcpy(key.local, local, sizeof(key.local));
	memcpy(key.peer, peer, sizeof(key.peer));
	return key;
}

struct tuple_key tuples_of_event(const struct rst_event *event)
{
	return make(event->local, event->local_port, event->peer, event->peer_port, event->netns);
}

struct tuple_key tuples_of_signal(const struct rst_signal *signal)
{
	return make(signal->local, signal->local_port, signal->peer, signal->peer_port,
		    signal->netns);
}

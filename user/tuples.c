// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tuples.h"

#include <string.h>

#include "hash.h"

void tuples_init(struct tuples *tuples, uint64_t seed)
{
	tuples->seed = seed;
}

static uint64_t hash_key(const struct tuple_key *key, uint64_t seed)
{
	uint64_t words[sizeof(*key) / sizeof(uint64_t)], hash = seed;

	memcpy(words, key, sizeof(words));
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		hash = hash_mix(hash ^ words[i], seed);
		hash ^= hash >> 29;
	}
	return hash;
}

static uint32_t bucket_of(uint64_t hash)
{
	return hash >> 32 & (TUPLES_BUCKETS - 1);
}

void tuples_note(struct tuples *tuples, const struct tuple_key *key, uint64_t time_ns)
{
	uint64_t hash = hash_key(key, tuples->seed);
	struct tuple *bucket = tuples->buckets[bucket_of(hash)], *place = bucket;

	for (unsigned i = 0; i < TUPLES_WAYS; i++) {
		if (bucket[i].hash == hash) {
			place = &bucket[i];
			break;
		}
		if (bucket[i].time_ns < place->time_ns)
			place = &bucket[i];
	}
	place->hash = hash;
	place->time_ns = time_ns;
}

uint64_t tuples_find(const struct tuples *tuples, const struct tuple_key *key)
{
	uint64_t hash = hash_key(key, tuples->seed);
	const struct tuple *bucket = tuples->buckets[bucket_of(hash)];

	for (unsigned i = 0; i < TUPLES_WAYS; i++)
		if (bucket[i].hash == hash)
			return bucket[i].time_ns;
	return 0;
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

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources.h"

#include <string.h>

#include "bits.h"
#include "hash.h"
#include "top.h"
#include "units.h"

#define MEMORY_NS   (24 * 3600 * SECOND_NS)
#define MAP_IDLE_NS (60 * SECOND_NS) /* then a map may go to another source */
#define CALM_S	    10
#define SEEN_BITS   (SOURCES_REPEATS / 4)
#define FEW_BITS    180 /* of SEEN_BITS, set by SOURCES_STRANGE different sources */

void sources_init(struct sources *sources, uint64_t seed)
{
	sources->seed = seed;
	TABLE_INIT(sources, table, struct source_key, seed);
}

/* --- ports --- */

static uint32_t hashed_port(const struct sources *sources, uint16_t port)
{
	return hash_mix(port, sources->seed) >> 40 & 255;
}

static int find_port(const struct source *source, uint16_t port)
{
	for (int i = 0; i < source->port_count; i++)
		if (source->ports[i] == port)
			return i;
	return -1;
}

static void release_map(struct sources *sources, struct source *source)
{
	if (source->map)
		sources->maps[source->map - 1].source = 0;
	source->map = 0;
}

static bool is_idle(const struct source *source, uint64_t now_ns, uint64_t idle_ns)
{
	return now_ns > source->last_ns && now_ns - source->last_ns > idle_ns;
}

/* A source that has asked for many ports gets a map, as long as there is one. */
static void give_map(struct sources *sources, struct source *source)
{
	struct source_map *map = NULL;

	for (unsigned i = 0; i < SOURCES_MAPS && !map; i++) {
		struct source_map *other = &sources->maps[i];
		struct source *owner;

		if (!other->source) {
			map = other;
			continue;
		}
		owner = table_entry(&sources->table, other->source - 1);
		if (is_idle(owner, source->last_ns, MAP_IDLE_NS)) {
			owner->map = 0;
			owner->flags |= SOURCE_MAPLESS;
			map = other;
		}
	}
	/* What it asks for from now on is not known exactly: too late for a map. */
	if (!map) {
		source->flags |= SOURCE_MAPLESS;
		return;
	}
	memset(map->bits, 0, sizeof(map->bits));
	map->source = table_index(&sources->table, source) + 1;
	source->map = map - sources->maps + 1;
	for (unsigned i = 0; i < source->port_count; i++)
		bits_set(map->bits, source->ports[i]);
}

/*
 * Without a map, a port that sets a new bit stands for as many as it had to come for that: 256 in
 * as many as are left. (Cohen 2015, Ting 2014: the same for any sketch that only grows.)
 */
static bool touch_bits(struct source *source, uint32_t bit)
{
	uint32_t left = 256 - bits_count(source->bits, 4);

	if (!bits_set(source->bits, bit))
		return false;
	source->ports_256 += 256 * 256 / left;
	return true;
}

bool sources_touch(struct sources *sources, struct source *source, uint16_t port)
{
	uint32_t bit = hashed_port(sources, port);
	bool first;

	if (find_port(source, port) >= 0)
		return false;
	if (source->port_count < SOURCES_PORTS) {
		source->ports[source->port_count++] = port;
		source->ports_256 += 256;
		bits_set(source->bits, bit);
		return true;
	}
	if (!source->map && !(source->flags & SOURCE_MAPLESS))
		give_map(sources, source);
	if (source->map) {
		first = bits_set(sources->maps[source->map - 1].bits, port);
		source->ports_256 += first ? 256 : 0;
		bits_set(source->bits, bit);
		return first;
	}
	return touch_bits(source, bit);
}

bool sources_touch_place(struct sources *sources, struct source *source, const uint8_t local[16])
{
	uint32_t left = 64 - bits_count(&source->places, 1);

	if (!bits_set(&source->places, hash_address(local, sources->seed) >> 40 & 63))
		return false;
	source->places_64 += 64 * 64 / left;
	return left < 64;
}

void source_note_open(struct source *source, uint16_t port)
{
	int i = find_port(source, port);

	if (i >= 0)
		source->open |= 1 << i;
}

uint32_t source_ports(const struct source *source)
{
	return (source->ports_256 + 128) / 256;
}

uint32_t source_places(const struct source *source)
{
	return (source->places_64 + 32) / 64;
}

uint32_t source_first_contacts(const struct source *source)
{
	uint32_t ports = source_ports(source), places = source_places(source);

	return ports > places ? ports : places;
}

void sources_forget(struct sources *sources, struct source *source)
{
	struct source_key key = source->key;
	uint64_t last_ns = source->last_ns;

	release_map(sources, source);
	*source = (struct source){.key = key, .first_ns = last_ns, .last_ns = last_ns};
}

/* --- room --- */

static int order_victims(const void *a, const void *b)
{
	const struct source_victim *left = a, *right = b;

	if (left->score != right->score)
		return left->score < right->score ? -1 : 1;
	if (left->last_ns != right->last_ns)
		return left->last_ns < right->last_ns ? -1 : 1;
	return left->index < right->index ? -1 : left->index > right->index;
}

/* Looks through the whole table for those that go next: once for many. */
static void choose_victims(struct sources *sources)
{
	struct top top = {.entries = (uint8_t *)sources->victim_list,
			  .entry_size = sizeof(sources->victim_list[0]),
			  .capacity = SOURCES_VICTIMS,
			  .order = order_victims};

	for (uint32_t i = 0; i < sources->table.used; i++) {
		const struct source *source = table_entry(&sources->table, i);
		struct source_victim victim = {
			.last_ns = source->last_ns, .score = source->score, .index = i};

		top_offer(&top, &victim);
	}
	top_sort(&top);
	sources->victims = top.used;
	sources->victim = 0;
}

/* The next victim that was not met since it was chosen. */
static struct source *next_victim(struct sources *sources)
{
	for (;;) {
		const struct source_victim *victim;
		struct source *source;

		if (sources->victim == sources->victims)
			choose_victims(sources);
		victim = &sources->victim_list[sources->victim++];
		source = table_entry(&sources->table, victim->index);
		if (source->last_ns == victim->last_ns && source->score == victim->score)
			return source;
	}
}

static struct source *make(struct sources *sources, const struct source_key *key)
{
	struct source *source = TABLE_ADD(&sources->table, key);

	if (!source) {
		source = next_victim(sources);
		release_map(sources, source);
		TABLE_REPLACE(&sources->table, source, key);
	}
	return source;
}

/* --- forged addresses --- */

static void thaw(struct sources *sources, uint64_t seconds)
{
	/* After the first of these seconds nothing came at all. */
	sources->calm = sources->different <= FEW_BITS ? sources->calm + seconds : seconds - 1;
	if (sources->calm >= CALM_S)
		sources->frozen = false;
}

static void pass_time(struct sources *sources, uint64_t time_ns)
{
	uint64_t seconds;

	if (time_ns < sources->second_ns + SECOND_NS)
		return;
	seconds = (time_ns - sources->second_ns) / SECOND_NS;
	/* As good as forever. */
	if (sources->frozen)
		thaw(sources, seconds < 1000 ? seconds : 1000);
	sources->second_ns += seconds * SECOND_NS;
	sources->met = sources->strange = sources->different = 0;
	memset(sources->seen, 0, sizeof(sources->seen));
}

/* While frozen: whether somebody comes again who was not let in. */
static bool comes_again(struct sources *sources, const struct source_key *key)
{
	uint64_t hash = hash_mix(hash_address(key->peer, sources->seed) ^ key->netns, key->kind);
	uint32_t bit = hash % SEEN_BITS, mark = hash >> 32 | 1;
	uint32_t *last = &sources->repeats[hash % SOURCES_REPEATS];

	sources->different += bits_set(sources->seen, bit);
	if (*last == mark) {
		*last = 0;
		return true;
	}
	*last = mark;
	sources->kept_out++;
	return false;
}

static bool let_in(struct sources *sources, const struct source_key *key)
{
	sources->strange++;
	if (!sources->frozen && sources->strange > SOURCES_STRANGE &&
	    sources->strange * 5ULL > sources->met * 4ULL) {
		sources->frozen = true;
		sources->calm = 0;
		sources->different = SEEN_BITS; /* this second was not calm */
	}
	return !sources->frozen || comes_again(sources, key);
}

struct source *sources_find(struct sources *sources, const struct source_key *key)
{
	return TABLE_FIND(&sources->table, key);
}

struct source *sources_meet(struct sources *sources, const struct source_key *key, uint64_t time_ns)
{
	struct source *source = sources_find(sources, key);

	pass_time(sources, time_ns);
	sources->met++;
	if (source && is_idle(source, time_ns, MEMORY_NS))
		sources_forget(sources, source);
	else if (!source && let_in(sources, key))
		source = make(sources, key);
	if (!source)
		return NULL;
	if (!source->port_count)
		source->first_ns = time_ns;
	if (time_ns > source->last_ns)
		source->last_ns = time_ns;
	return source;
}

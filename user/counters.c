// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "counters.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "classify.h"
#include "settings.h" /* the skeleton needs it */

#include "rstwatch.skel.h"

#define BATCH 8192 /* counters read at once */

struct counters {
	const struct rstwatch *skeleton;
	struct rst_sketch *sketches;
	size_t size; /* of the sketches, mapped */
	uint32_t cpus;
	record_handler handler;
	void *context;
	struct rst_port_key port_keys[BATCH];
	struct rst_peer_key peer_keys[BATCH];
	uint64_t counts[BATCH];
	struct record_distinct distinct;
};

int counters_open(struct counters **counters, const struct rstwatch *skeleton, uint32_t cpus)
{
	size_t page = sysconf(_SC_PAGESIZE);
	struct counters *made = calloc(1, sizeof(*made));
	void *memory;

	if (!made)
		return -ENOMEM;
	made->skeleton = skeleton;
	made->cpus = cpus;
	made->size = (2 * cpus * sizeof(struct rst_sketch) + page - 1) / page * page;
	memory = mmap(NULL, made->size, PROT_READ | PROT_WRITE, MAP_SHARED,
		      bpf_map__fd(skeleton->maps.rst_sketches), 0);
	if (memory == MAP_FAILED) {
		int code = -errno;

		free(made);
		return code;
	}
	made->sketches = memory;
	*counters = made;
	return 0;
}

void counters_close(struct counters **held)
{
	struct counters *counters = *held;

	if (!counters)
		return;
	munmap(counters->sketches, counters->size);
	free(counters);
	*held = NULL;
}

size_t counters_size(const struct counters *counters)
{
	return counters->size;
}

/* One for each CPU. */
static struct rst_sketch *sketches_of(const struct counters *counters, uint32_t slice)
{
	return counters->sketches + (slice & 1) * counters->cpus;
}

static int deliver(struct counters *counters, const struct record *record)
{
	return counters->handler(counters->context, record);
}

static int deliver_ports(struct counters *counters, unsigned count)
{
	struct record_port record = {.head = RECORD_HEAD(record_port, RECORD_PORT)};
	int error = 0;

	for (unsigned i = 0; i < count && !error; i++) {
		record.key = counters->port_keys[i];
		record.count = counters->counts[i];
		error = deliver(counters, &record.head);
	}
	return error;
}

static int deliver_peers(struct counters *counters, unsigned count)
{
	struct record_peer record = {.head = RECORD_HEAD(record_peer, RECORD_PEER)};
	int error = 0;

	for (unsigned i = 0; i < count && !error; i++) {
		record.key = counters->peer_keys[i];
		record.count = counters->counts[i];
		error = deliver(counters, &record.head);
	}
	return error;
}

/* Reads and empties a retired hash, by the batch. The walk goes by bucket and nobody else touches
 * the map, so every entry is read once. */
static int read_table(struct counters *counters, const struct bpf_map *map, void *keys,
		      int (*deliver_batch)(struct counters *, unsigned))
{
	uint32_t position, count;
	void *from = NULL;
	int error = 0, code;

	do {
		count = BATCH;
		code = bpf_map_lookup_and_delete_batch(bpf_map__fd(map), from, &position, keys,
						       counters->counts, &count, NULL);
		if (code && errno != ENOENT)
			return -errno;
		error = deliver_batch(counters, count);
		from = &position;
	} while (!code && !error);
	return error;
}

/* What has a place in a sketch. */
static int deliver_hot(struct counters *counters, const struct rst_sketch *sketch, unsigned maker)
{
	const struct rst_hot_port *ports = &sketch->hot_ports[maker * RST_HOT_PORTS];
	const struct rst_hot_peer *peers = sketch->hot_peers[maker * RST_HOT_PEERS];
	unsigned count = 0;
	int error;

	_Static_assert(RST_HOT_PORTS <= BATCH && RST_HOT_PEERS * RST_HOT_WAYS <= BATCH,
		       "a batch holds what a maker has");
	for (unsigned i = 0; i < RST_HOT_PORTS; i++)
		if (ports[i].count) {
			counters->port_keys[count] = ports[i].key;
			counters->counts[count++] = ports[i].count;
		}
	error = deliver_ports(counters, count);
	count = 0;
	for (unsigned i = 0; i < RST_HOT_PEERS * RST_HOT_WAYS; i++)
		if (peers[i].count) {
			counters->peer_keys[count] = peers[i].key;
			counters->counts[count++] = peers[i].count;
		}
	return error ? error : deliver_peers(counters, count);
}

static int deliver_all_hot(struct counters *counters, const struct rst_sketch *sketches)
{
	int error = 0;

	for (uint32_t cpu = 0; cpu < counters->cpus; cpu++)
		for (unsigned maker = 0; maker < RST_HOT_MAKERS && !error; maker++)
			if (sketches[cpu].counted[maker])
				error = deliver_hot(counters, &sketches[cpu], maker);
	return error;
}

static int deliver_other(struct counters *counters, const struct rst_sketch *sketches,
			 struct record_slice *slice)
{
	struct record_other record = {.head = RECORD_HEAD(record_other, RECORD_OTHER)};
	int error = 0;

	for (record.direction = RST_SENT; record.direction < RST_DIRECTIONS; record.direction++)
		for (record.cause = 1; record.cause < RST_CAUSES && !error; record.cause++) {
			record.count = 0;
			for (uint32_t cpu = 0; cpu < counters->cpus; cpu++)
				record.count += sketches[cpu].other[record.direction][record.cause];
			slice->ports_full += record.count;
			if (record.count)
				error = deliver(counters, &record.head);
		}
	return error;
}

/* The registers of a CPU, line by line. */
static void merge_distinct(uint8_t *registers, const struct rst_sketch_line *lines)
{
	for (unsigned i = 0; i < RST_DISTINCT_WIDTH; i++) {
		uint8_t rank = lines[i / RST_DISTINCT_LINE].distinct[i % RST_DISTINCT_LINE];

		if (registers[i] < rank)
			registers[i] = rank;
	}
}

static int deliver_distinct(struct counters *counters, const struct rst_sketch *sketches)
{
	struct record_distinct *record = &counters->distinct;
	int error = 0;

	record->head = (struct record)RECORD_HEAD(record_distinct, RECORD_DISTINCT);
	for (unsigned direction = RST_SENT; direction < RST_DIRECTIONS && !error; direction++) {
		record->direction = direction;
		memset(record->registers, 0, sizeof(record->registers));
		for (uint32_t cpu = 0; cpu < counters->cpus; cpu++)
			merge_distinct(record->registers, sketches[cpu].lines[direction - 1]);
		error = deliver(counters, &record->head);
	}
	return error;
}

/* Received resets that were held until the slice ended (draft.h): no sent one followed, so they are
 * real, and counted here. */
static int deliver_held(struct counters *counters, const struct rst_sketch *sketches,
			struct record_slice *slice)
{
	struct record_event record = {.head = RECORD_HEAD(record_event, RECORD_EVENT)};
	int error = 0;

	for (uint32_t cpu = 0; cpu < counters->cpus && !error; cpu++) {
		const struct rst_event *held = &sketches[cpu].held.event;

		if (!sketches[cpu].held_sk)
			continue;
		slice->counted++;
		slice->events++;
		record.event = *held;
		record.connection = sketches[cpu].held.connection;
		error = deliver(counters, &record.head);
		counters->port_keys[0] = classify_port_key(held);
		counters->peer_keys[0] =
			(struct rst_peer_key){.netns = held->netns, .direction = held->direction};
		memcpy(counters->peer_keys[0].address, held->peer, sizeof(held->peer));
		counters->counts[0] = 1;
		if (!error)
			error = deliver_ports(counters, 1);
		if (!error)
			error = deliver_peers(counters, 1);
	}
	return error;
}

/* Events that were yet to be written when the slice ended (draft.h). They are counted already. */
static int deliver_batched(struct counters *counters, const struct rst_sketch *sketches,
			   struct record_slice *slice)
{
	struct record_event record = {.head = RECORD_HEAD(record_event, RECORD_EVENT)};
	int error = 0;

	record.head.size -= sizeof(record.connection);
	for (uint32_t cpu = 0; cpu < counters->cpus; cpu++)
		for (unsigned maker = 0; maker < RST_HOT_MAKERS; maker++)
			for (unsigned i = 0; i < sketches[cpu].batched[maker] && !error; i++) {
				slice->events++;
				record.event = sketches[cpu].batches[maker][i];
				error = deliver(counters, &record.head);
			}
	return error;
}

static int deliver_outside(struct counters *counters, const struct rst_sketch *sketches)
{
	struct record_outside record = {.head = RECORD_HEAD(record_outside, RECORD_OUTSIDE)};

	for (uint32_t cpu = 0; cpu < counters->cpus; cpu++)
		record.count += sketches[cpu].outside;
	return record.count ? deliver(counters, &record.head) : 0;
}

static int deliver_thinned(struct counters *counters, const struct rst_sketch *sketches)
{
	struct record_thinned record = {.head = RECORD_HEAD(record_thinned, RECORD_THINNED)};

	for (uint32_t cpu = 0; cpu < counters->cpus; cpu++)
		record.signals += sketches[cpu].signals_thinned;
	return record.signals ? deliver(counters, &record.head) : 0;
}

static uint64_t counted(const struct rst_sketch *sketch)
{
	uint64_t sum = 0;

	for (unsigned maker = 0; maker <= RST_HOT_MAKERS; maker++)
		sum += sketch->counted[maker];
	return sum;
}

static bool is_used(const struct rst_sketch *sketch)
{
	uint64_t used =
		counted(sketch) | sketch->held_sk | sketch->outside | sketch->signals_thinned;

	for (unsigned kind = 0; kind < RST_SIGNALS; kind++)
		used |= sketch->signals[kind];
	return used;
}

bool counters_are_used(const struct counters *counters, uint32_t slice)
{
	const struct rst_sketch *sketches = sketches_of(counters, slice);
	bool used = false;

	for (uint32_t cpu = 0; cpu < counters->cpus && !used; cpu++)
		used = is_used(&sketches[cpu]);
	return used;
}

void counters_add(const struct counters *counters, struct record_slice *slice)
{
	const struct rst_sketch *sketches = sketches_of(counters, slice->slice);

	for (uint32_t cpu = 0; cpu < counters->cpus; cpu++) {
		const struct rst_sketch *sketch = &sketches[cpu];

		slice->counted += counted(sketch);
		slice->events += sketch->events;
		slice->lost += sketch->lost;
		slice->peers_full += sketch->peers_full;
		/* count.h: untabled are estimates below counted / RST_PEER_SHARE */
		if (counted(sketch))
			slice->peer_error += (counted(sketch) - 1) / RST_PEER_SHARE;
	}
}

int counters_deliver(struct counters *counters, struct record_slice *slice, record_handler handler,
		     void *context)
{
	const struct rst_sketch *sketches = sketches_of(counters, slice->slice);
	const struct rstwatch *skeleton = counters->skeleton;
	bool odd = slice->slice & 1;
	int error;

	counters->handler = handler;
	counters->context = context;
	error = deliver_batched(counters, sketches, slice);
	if (!error)
		error = deliver_held(counters, sketches, slice);
	if (!error)
		error = deliver_all_hot(counters, sketches);
	if (!error)
		error = read_table(counters,
				   odd ? skeleton->maps.rst_ports_1 : skeleton->maps.rst_ports_0,
				   counters->port_keys, deliver_ports);
	if (!error)
		error = deliver_other(counters, sketches, slice);
	if (!error)
		error = read_table(counters,
				   odd ? skeleton->maps.rst_peers_1 : skeleton->maps.rst_peers_0,
				   counters->peer_keys, deliver_peers);
	if (!error && (slice->peer_error || slice->peers_full))
		error = deliver_distinct(counters, sketches);
	if (!error)
		error = deliver_outside(counters, sketches);
	if (!error)
		error = deliver_thinned(counters, sketches);
	return error;
}

void counters_clear(struct counters *counters, uint32_t slice)
{
	struct rst_sketch *sketches = sketches_of(counters, slice);

	for (uint32_t cpu = 0; cpu < counters->cpus; cpu++)
		if (is_used(&sketches[cpu]))
			memset(&sketches[cpu], 0, sizeof(sketches[cpu]));
}

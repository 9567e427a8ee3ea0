/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One detector alone, with a book, listeners and processes of its own, fed as the pipeline feeds
 * it; what the book tells is kept. Time goes by in slices of a second.
 */
#ifndef RSTWATCH_INCIDENTS_H
#define RSTWATCH_INCIDENTS_H

#include "told.h"

#include "detector.h"

#define NETNS 7
#define MS    (SECOND_NS / 1000)
#define START (5000 * SECOND_NS)
#define AT(s) (START + (uint64_t)((s)*1000 + 0.5) * MS) /* seconds since the start */

struct world {
	const struct detector *detector;
	void *state;
	struct book book;
	struct listeners listeners;
	struct processes processes;
	struct detect_world world;
	uint64_t end_ns; /* of the last slice */
	struct told told;
};

static inline struct world *world_open(const struct detector *detector, size_t state_bytes)
{
	struct world *world = unit_zeroed(sizeof(*world));

	world->detector = detector;
	world->state = unit_zeroed(state_bytes);
	listeners_init(&world->listeners, 42);
	world->told.processes = &world->processes;
	world->told.describe = detector->describe;
	book_init(&world->book, told_hear, &world->told, 42);
	world->book.quiet_ns[detector->kind] = detector->quiet_s * SECOND_NS;
	world->world = (struct detect_world){.book = &world->book,
					     .listeners = &world->listeners,
					     .processes = &world->processes};
	world->end_ns = START;
	if (detector->init)
		detector->init(world->state, 42);
	return world;
}

static inline void world_close(struct world *world)
{
	free(world->state);
	free(world);
}

static inline void world_process(struct world *world, uint32_t number, uint32_t pid,
				 const char *comm)
{
	struct record_process record = {
		.head = RECORD_HEAD(record_process, RECORD_PROCESS),
		.number = number,
		.pid = pid,
	};

	memcpy(record.comm, comm, strlen(comm));
	processes_add(&world->processes, &record);
}

/* The slice that is going on ends, however long it was. */
static inline void world_slice(struct world *world, uint64_t end_ns)
{
	world->world.now_ns = end_ns;
	world->world.watch = 0;
	world->detector->step(world->state, &world->world, world->end_ns, end_ns);
	book_step(&world->book, end_ns);
	world->end_ns = end_ns;
}

static inline void world_until(struct world *world, uint64_t time_ns)
{
	while (world->end_ns + SECOND_NS <= time_ns)
		world_slice(world, world->end_ns + SECOND_NS);
}

static inline bool world_event(struct world *world, const struct detect_event *seen)
{
	bool own;

	assert_true(world->detector->classes >> seen->class & 1);
	world_until(world, seen->event->time_ns);
	world->world.now_ns = seen->event->time_ns;
	own = world->detector->event(world->state, &world->world, seen);
	book_flush(&world->book, seen->event->time_ns);
	return own;
}

static inline void world_signal(struct world *world, const struct rst_signal *signal)
{
	world_until(world, signal->time_ns);
	world->world.now_ns = signal->time_ns;
	world->detector->signal(world->state, &world->world, signal);
	book_flush(&world->book, signal->time_ns);
}

static inline void world_listener(struct world *world, const struct rst_listener *change)
{
	world_until(world, change->time_ns);
	listeners_add(&world->listeners, change);
	world->detector->listener(world->state, &world->world, change);
	book_flush(&world->book, change->time_ns);
}

#endif

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "rings.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "settings.h" /* the skeleton needs it */
#include "units.h"

#include "rstwatch.skel.h"

#define STOP (-ECANCELED) /* from a callback: enough for now */

static int hand_over(struct rings *rings, const struct record *record)
{
	rings->handler_error = rings->handler(rings->context, record);
	return rings->handler_error ? STOP : 0;
}

/* --- the callbacks --- */

static int receive_change(void *context, const void *data, size_t size)
{
	struct record_listener record = {.head = RECORD_HEAD(record_listener, RECORD_LISTENER)};

	if (size < sizeof(record.listener))
		return 0;
	memcpy(&record.listener, data, sizeof(record.listener));
	return hand_over(context, &record.head);
}

static int receive_signal(void *context, const void *data, size_t size)
{
	struct record_signal record = {.head = RECORD_HEAD(record_signal, RECORD_SIGNAL)};

	if (size < sizeof(record.signal))
		return 0;
	memcpy(&record.signal, data, sizeof(record.signal));
	return hand_over(context, &record.head);
}

static int receive_one(struct rings *rings, const struct rst_event *event,
		       const struct rst_connection *connection)
{
	struct record_event record = {.head = RECORD_HEAD(record_event, RECORD_EVENT)};

	record.event = *event;
	if (connection)
		record.connection = *connection;
	else
		record.head.size -= sizeof(record.connection);
	rings->received[event->slice & 1]++;
	if (rings->budget)
		rings->budget--;
	return hand_over(rings, &record.head);
}

/* One with its connection, or one or more without. */
static int receive_event(void *context, const void *data, size_t size)
{
	const struct rst_draft *draft = data;
	const struct rst_event *events = data;
	struct rings *rings = context;
	int code = 0;

	if (size == sizeof(*draft))
		code = receive_one(rings, &draft->event, &draft->connection);
	else
		for (size_t i = 0; i < size / sizeof(*events) && !code; i++)
			code = receive_one(rings, &events[i], NULL);
	return code || !rings->budget ? STOP : 0;
}

static int open_ring(struct ring *ring, const struct bpf_map *map)
{
	return ring_open(ring, bpf_map__fd(map), bpf_map__max_entries(map));
}

static int wait_for(int epoll, const struct bpf_map *map)
{
	struct epoll_event wanted = {.events = EPOLLIN};

	return epoll_ctl(epoll, EPOLL_CTL_ADD, bpf_map__fd(map), &wanted) ? -errno : 0;
}

int rings_open(struct rings *rings, const struct rstwatch *skeleton, record_handler handler,
	       void *context)
{
	int error;

	rings->handler = handler;
	rings->context = context;
	rings->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (rings->epoll < 0)
		return -errno;
	error = open_ring(&rings->events, skeleton->maps.rst_events);
	if (!error)
		error = open_ring(&rings->signals, skeleton->maps.rst_signals);
	if (!error)
		error = open_ring(&rings->changes, skeleton->maps.rst_changes);
	if (!error)
		error = wait_for(rings->epoll, skeleton->maps.rst_events);
	if (!error)
		error = wait_for(rings->epoll, skeleton->maps.rst_signals);
	return error;
}

void rings_close(struct rings *rings)
{
	ring_close(&rings->events);
	ring_close(&rings->signals);
	ring_close(&rings->changes);
	if (rings->epoll > 0)
		close(rings->epoll);
}

int rings_fd(const struct rings *rings)
{
	return rings->epoll;
}

static int take(struct rings *rings, struct ring *ring, ring_handler handler)
{
	int code;

	rings->handler_error = 0;
	code = ring_take(ring, handler, rings);
	if (rings->handler_error)
		return rings->handler_error;
	return code == STOP ? 0 : code;
}

static uint64_t received(const struct rings *rings)
{
	return rings->received[0] + rings->received[1];
}

int rings_take_changes(struct rings *rings)
{
	return take(rings, &rings->changes, receive_change);
}

int rings_take(struct rings *rings, uint64_t budget, bool *any)
{
	uint64_t before = received(rings);
	int error = rings_take_changes(rings);

	rings->budget = budget;
	if (!error) /* signals first: they are few, and events may stop before all are there */
		error = take(rings, &rings->signals, receive_signal);
	if (!error)
		error = take(rings, &rings->events, receive_event);
	*any = received(rings) != before;
	return error;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * SECOND_NS + now.tv_nsec;
}

int rings_drain(struct rings *rings, uint32_t slice, uint64_t expected)
{
	const uint64_t *taken = &rings->received[slice & 1];
	uint64_t deadline_ns = now_ns() + SECOND_NS;
	int error = take(rings, &rings->signals, receive_signal);

	while (!error && *taken < expected) {
		uint64_t before = received(rings);

		rings->budget = expected - *taken;
		error = take(rings, &rings->events, receive_event);
		if (received(rings) != before)
			deadline_ns = now_ns() + SECOND_NS;
		else if (now_ns() > deadline_ns)
			return -ETIMEDOUT; /* cannot be: they were written before the slice ended */
		else
			sched_yield(); /* another CPU holds a record that it has not yet written */
	}
	return error;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "rings.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <time.h>

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

static int receive_change(void *context, void *data, size_t size)
{
	struct record_listener record = {.head = RECORD_HEAD(record_listener, RECORD_LISTENER)};

	if (size < sizeof(record.listener))
		return 0;
	memcpy(&record.listener, data, sizeof(record.listener));
	return hand_over(context, &record.head);
}

static int receive_signal(void *context, void *data, size_t size)
{
	struct record_signal record = {.head = RECORD_HEAD(record_signal, RECORD_SIGNAL)};

	if (size < sizeof(record.signal))
		return 0;
	memcpy(&record.signal, data, sizeof(record.signal));
	return hand_over(context, &record.head);
}

static int receive_event(void *context, void *data, size_t size)
{
	struct rings *rings = context;
	struct record_event record = {.head = RECORD_HEAD(record_event, RECORD_EVENT)};

	if (size < sizeof(record.event))
		return 0;
	memcpy(&record.event, data, sizeof(record.event));
	if (size >= sizeof(record.event) + sizeof(record.connection))
		memcpy(&record.connection, (const uint8_t *)data + sizeof(record.event),
		       sizeof(record.connection));
	else
		record.head.size -= sizeof(record.connection);
	rings->received[record.event.slice & 1]++;
	if (hand_over(rings, &record.head) || !--rings->budget)
		return STOP;
	return 0;
}

int rings_open(struct rings *rings, const struct rstwatch *skeleton, record_handler handler,
	       void *context)
{
	int events = bpf_map__fd(skeleton->maps.rst_events);
	int signals = bpf_map__fd(skeleton->maps.rst_signals);
	int changes = bpf_map__fd(skeleton->maps.rst_changes);

	rings->handler = handler;
	rings->context = context;
	/* In this order: signals are few, and events may stop before all are there. */
	rings->all = ring_buffer__new(signals, receive_signal, rings, NULL);
	rings->signals = ring_buffer__new(signals, receive_signal, rings, NULL);
	rings->changes = ring_buffer__new(changes, receive_change, rings, NULL);
	if (!rings->all || !rings->signals || !rings->changes ||
	    ring_buffer__add(rings->all, events, receive_event, rings))
		return -errno;
	return 0;
}

void rings_close(struct rings *rings)
{
	ring_buffer__free(rings->all);
	ring_buffer__free(rings->signals);
	ring_buffer__free(rings->changes);
}

int rings_fd(const struct rings *rings)
{
	return ring_buffer__epoll_fd(rings->all);
}

static int take(struct rings *rings, struct ring_buffer *ring)
{
	int error;

	rings->handler_error = 0;
	error = ring_buffer__consume(ring);
	if (rings->handler_error)
		return rings->handler_error;
	return error < 0 && error != STOP ? error : 0;
}

static uint64_t received(const struct rings *rings)
{
	return rings->received[0] + rings->received[1];
}

int rings_take_changes(struct rings *rings)
{
	return take(rings, rings->changes);
}

int rings_take(struct rings *rings, uint64_t budget, bool *any)
{
	uint64_t before = received(rings);
	int error = rings_take_changes(rings);

	rings->budget = budget;
	if (!error)
		error = take(rings, rings->all);
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
	int error = take(rings, rings->signals);

	while (!error && *taken < expected) {
		uint64_t before = received(rings);

		rings->budget = expected - *taken;
		error = take(rings, rings->all);
		if (received(rings) != before)
			deadline_ns = now_ns() + SECOND_NS;
		else if (now_ns() > deadline_ns)
			return -ETIMEDOUT; /* cannot be: they were written before the slice ended */
		else
			sched_yield(); /* another CPU holds a record that it has not yet written */
	}
	return error;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detect.h"

#include <stddef.h>

#include "classify.h"
#include "units.h"

#define CONTRADICTION_NS (3 * SECOND_NS)	    /* of a reset by what its peer sends next */
#define LATE_SYNACK_NS	 (130 * SECOND_NS)	    /* a connect() gives up after 127 s */
#define HISTORY_NS	 (24 * 3600ULL * SECOND_NS) /* who listened before that is forgotten */

#define ROW(name)                                                                                  \
	{                                                                                          \
		&name##_detector, offsetof(struct detect, name)                                    \
	}

/* Who is asked first whose reset it is. */
static const struct {
	const struct detector *detector;
	size_t state;
} table[] = {
	ROW(synflood),	 ROW(acceptqueue), ROW(service),   ROW(portflood),
	ROW(stealth),	 ROW(scan),	   ROW(injection), ROW(outbound),
	ROW(dependency), ROW(backscatter), ROW(stale),	   ROW(storm),
};

#define ROWS (sizeof(table) / sizeof(table[0]))

#define FOR_EACH(part)                                                                             \
	for (unsigned row = 0; row < ROWS; row++)                                                  \
		if (table[row].detector->part)

static void *state_of(struct detect *detect, unsigned row)
{
	return (uint8_t *)detect + table[row].state;
}

void detect_init(struct detect *detect, const struct listeners *listeners,
		 const struct processes *processes, book_tell tell, void *context, uint64_t seed)
{
	detect->world = (struct detect_world){.book = &detect->book,
					      .sources = &detect->sources,
					      .listeners = listeners,
					      .processes = processes};
	sources_init(&detect->sources, seed);
	book_init(&detect->book, tell, context, seed);
	tuples_init(&detect->resets, seed);
	tuples_init(&detect->connects, seed);
	TABLE_INIT(detect, claims, struct rst_port_key, seed);
	for (unsigned row = 0; row < ROWS; row++) {
		const struct detector *detector = table[row].detector;

		detect->book.quiet_ns[detector->kind] = detector->quiet_s * SECOND_NS;
		for (unsigned class = 0; class < DETECT_CLASSES; class ++)
			if (detector->event && detector->classes >> class & 1)
				detect->rows[class] |= 1 << row;
		if (detector->init)
			detector->init(state_of(detect, row), seed);
	}
}

/* When it last happened, if that was less than so long before. */
static uint64_t happened(const struct tuples *tuples, const struct rst_event *event,
			 uint64_t within_ns)
{
	struct tuple_key key = tuples_of_event(event);
	uint64_t time_ns = tuples_find(tuples, &key);

	return time_ns && event->time_ns - time_ns <= within_ns ? time_ns : 0;
}

/* A SYN was refused: has somebody listened there? */
static enum detect_class classify_refused(const struct detect *detect, struct detect_event *seen)
{
	const struct rst_event *event = seen->event;

	if (listeners_find(detect->world.listeners, event->netns, event->local, event->local_port,
			   event->time_ns, &seen->gone) &&
	    !seen->gone.listening && event->time_ns - seen->gone.stopped_ns < HISTORY_NS)
		return DETECT_REFUSED_GONE;
	return DETECT_REFUSED_NEW;
}

/* A segment provoked our reset. */
static enum detect_class classify_provoked(const struct detect *detect, struct detect_event *seen)
{
	const struct rst_event *event = seen->event;
	bool syn = event->trigger & RST_FLAG_SYN, ack = event->trigger & RST_FLAG_ACK;

	if (event->cause == RST_TIME_WAIT)
		return DETECT_LATE;
	if (event->cause != RST_CLOSED_PORT && event->cause != RST_HALF_OPEN)
		return DETECT_OWN;
	/* The answer to a SYN of ours, though a wrong or a late one. */
	if (syn && ack &&
	    (event->state == RST_STATE_SYN_SENT ||
	     happened(&detect->connects, event, LATE_SYNACK_NS)))
		return DETECT_NONE;
	if (syn && ack)
		return DETECT_UNASKED_SYNACK;
	if (syn && !(event->trigger & RST_FLAG_FIN))
		return classify_refused(detect, seen);
	if (!ack)
		return DETECT_STEALTH;
	seen->reset_ns = happened(&detect->resets, event, CONTRADICTION_NS);
	return seen->reset_ns ? DETECT_CONTRADICTION : DETECT_UNKNOWN_ACK;
}

static enum detect_class classify_received(const struct rst_event *event)
{
	switch (event->cause) {
	case RST_STAGE_REFUSED:
		return DETECT_CONNECT_REFUSED;
	case RST_STAGE_HANDSHAKE:
		return DETECT_HALF_OPEN;
	case RST_STAGE_ESTABLISHED:
	case RST_STAGE_CLOSING:
		return DETECT_ESTABLISHED;
	case RST_STAGE_REJECTED:
		return DETECT_REJECTED;
	case RST_STAGE_STRAY:
		return DETECT_STRAY;
	default:
		return DETECT_NONE;
	}
}

enum detect_class detect_classify(const struct detect *detect, struct detect_event *seen)
{
	const struct rst_event *event = seen->event;

	if (event->direction == RST_RECEIVED)
		return classify_received(event);
	if (event->cause == RST_FIREWALL)
		return DETECT_NONE;
	return event->flags & RST_EVENT_TRIGGER ? classify_provoked(detect, seen) : DETECT_OWN;
}

static void claim(struct detect *detect, const struct rst_event *event)
{
	struct rst_port_key key = classify_port_key(event);
	struct detect_claim *made = TABLE_ADD(&detect->claims, &key);

	if (made)
		made->count++;
}

void detect_event(struct detect *detect, const struct rst_event *event,
		  const struct rst_connection *connection, const struct owner *owner)
{
	struct detect_event seen = {.event = event, .connection = connection, .owner = owner};

	seen.class = detect_classify(detect, &seen);
	detect->world.now_ns = event->time_ns;
	if (seen.class == DETECT_ESTABLISHED) {
		struct tuple_key key = tuples_of_event(event);

		tuples_note(&detect->resets, &key, event->time_ns);
	}
	for (unsigned rows = detect->rows[seen.class]; rows; rows &= rows - 1) {
		unsigned row = __builtin_ctz(rows);

		if (table[row].detector->event(state_of(detect, row), &detect->world, &seen)) {
			claim(detect, event);
			break;
		}
	}
	book_flush(&detect->book, event->time_ns);
}

void detect_signal(struct detect *detect, const struct rst_signal *signal)
{
	detect->world.now_ns = signal->time_ns;
	if (signal->kind == RST_SIGNAL_CONNECT_FAILED) {
		struct tuple_key key = tuples_of_signal(signal);

		tuples_note(&detect->connects, &key, signal->time_ns);
	}
	FOR_EACH(signal)
	table[row].detector->signal(state_of(detect, row), &detect->world, signal);
	book_flush(&detect->book, signal->time_ns);
}

void detect_listener(struct detect *detect, const struct rst_listener *change)
{
	detect->world.now_ns = change->time_ns;
	FOR_EACH(listener)
	table[row].detector->listener(state_of(detect, row), &detect->world, change);
	book_flush(&detect->book, change->time_ns);
}

void detect_listening(struct detect *detect, const struct rst_listening *listening)
{
	detect->world.now_ns = listening->time_ns;
	FOR_EACH(listening)
	table[row].detector->listening(state_of(detect, row), &detect->world, listening);
	book_flush(&detect->book, listening->time_ns);
}

void detect_queues(struct detect *detect, const struct record_queues *queues)
{
	FOR_EACH(queues)
	table[row].detector->queues(state_of(detect, row), &detect->world, queues);
}

uint64_t detect_count(struct detect *detect, const struct rst_port_key *key, uint64_t count)
{
	const struct detect_claim *made = table_find(&detect->claims, key);
	bool whole = false;

	FOR_EACH(count)
	whole |= table[row].detector->count(state_of(detect, row), &detect->world, key, count);
	if (whole)
		return count;
	return !made ? 0 : made->count < count ? made->count : count;
}

uint32_t detect_step(struct detect *detect, uint64_t start_ns, uint64_t end_ns)
{
	detect->world.now_ns = end_ns;
	detect->world.watch = 0;
	FOR_EACH(step)
	table[row].detector->step(state_of(detect, row), &detect->world, start_ns, end_ns);
	table_clear(&detect->claims);
	book_step(&detect->book, end_ns);
	return detect->world.watch;
}

void detect_describe(const struct incident *incident, struct alert *alert)
{
	for (unsigned row = 0; row < ROWS; row++)
		if (table[row].detector->kind == incident->key.kind)
			table[row].detector->describe(incident, alert);
}

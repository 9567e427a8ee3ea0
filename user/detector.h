/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a detector is. Each has its state and its rule in a file of its own, and its row in the
 * table of detect.c. It sees what the pipeline sees, in the same order, and writes incidents into
 * the alert book. Pure: what it says depends on nothing but the records.
 */
#ifndef RSTWATCH_DETECTOR_H
#define RSTWATCH_DETECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "book.h"
#include "listeners.h"
#include "owner.h"
#include "processes.h"
#include "record.h"
#include "sources.h"

/* What a reset looks like, from itself and from what is known of its port and its connection. */
enum detect_class {
	DETECT_NONE = 0,	    /* nothing that a detector is for */
	DETECT_REFUSED_NEW = 1,	    /* a SYN for a port on which nobody was ever seen to listen */
	DETECT_REFUSED_GONE = 2,    /* a SYN for a port whose listener has stopped */
	DETECT_STEALTH = 3,	    /* FIN, NULL, Xmas and the like for a closed port, refused */
	DETECT_UNKNOWN_ACK = 4,	    /* a segment with ACK of a connection that we do not know */
	DETECT_UNASKED_SYNACK = 5,  /* an answer to a SYN that we did not send */
	DETECT_CONTRADICTION = 6,   /* a segment of a connection that its peer had just reset */
	DETECT_LATE = 7,	    /* data for a connection in TIME_WAIT, which we had closed */
	DETECT_CONNECT_REFUSED = 8, /* our connect() was refused */
	DETECT_HALF_OPEN = 9,	    /* received: it hit a half-open connection to us */
	DETECT_ESTABLISHED = 10,    /* received: it ended a connection */
	DETECT_REJECTED = 11,	    /* received: not acceptable, the connection lives on */
	DETECT_STRAY = 12,	    /* received: for no connection of ours */
	DETECT_OWN = 13,	    /* sent by a program of ours, or for its socket: aborted etc. */
	DETECT_CLASSES = 14,	    /* array size */
};

/* A reset as the detectors see it. */
struct detect_event {
	const struct rst_event *event;
	const struct rst_connection *connection; /* NULL: not known */
	const struct owner *owner;
	enum detect_class class;
	/* Of a port on which somebody has listened (REFUSED_GONE): what is known of that. */
	struct listener_answer gone;
	uint64_t reset_ns; /* CONTRADICTION: when its peer had reset it */
};

/* What detectors share. */
struct detect_world {
	struct book *book;
	struct sources *sources;
	const struct listeners *listeners;
	const struct processes *processes;
	uint64_t now_ns; /* of the record that is being looked at */
	/* RST_WATCH_*: what they ask the kernel side to tell, at any time; set anew by step() */
	uint32_t watch;
};

/*
 * A detector. What it does not need is NULL. state is its part of struct detect, zero at first.
 * event() is offered the resets of its classes, in the order of the table, until one says that it
 * is its own: then it is explained, and the rate alarms do not count it. So say that only of what
 * an open incident is about. count() says the same of an exact counter, as a whole. step() is
 * called at the end of each slice, after all else of it. describe() writes an incident's advice
 * and summary into an alert that has the rest already. A summary is one sentence without a full
 * stop; it begins with a capital, a number, an address or the name of a process.
 */
struct detector {
	enum alert_kind kind;
	uint32_t classes; /* 1 << enum detect_class, or-ed */
	unsigned quiet_s; /* until an incident is cleared */
	void (*init)(void *state, uint64_t seed);
	bool (*event)(void *state, struct detect_world *world, const struct detect_event *event);
	void (*signal)(void *state, struct detect_world *world, const struct rst_signal *signal);
	void (*listener)(void *state, struct detect_world *world,
			 const struct rst_listener *change);
	void (*listening)(void *state, struct detect_world *world,
			  const struct rst_listening *listening);
	void (*queues)(void *state, struct detect_world *world, const struct record_queues *queues);
	bool (*count)(void *state, struct detect_world *world, const struct rst_port_key *key,
		      uint64_t count);
	void (*step)(void *state, struct detect_world *world, uint64_t start_ns, uint64_t end_ns);
	void (*describe)(const struct incident *incident, struct alert *alert);
};

#endif

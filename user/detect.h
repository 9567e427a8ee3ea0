/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * All detectors together: what a reset looks like, whose it is, and the alert book that they write.
 *
 * A reset is given to one detector (arbitration): detect.c tells its class, and its table who is
 * asked first. So a refused SYN belongs to the scan or to the dead service, and not to both, and
 * what belongs to none is left to the rate alarms.
 */
#ifndef RSTWATCH_DETECT_H
#define RSTWATCH_DETECT_H

#include <stdbool.h>
#include <stdint.h>

#include "acceptqueue.h"
#include "backscatter.h"
#include "book.h"
#include "dependency.h"
#include "injection.h"
#include "listeners.h"
#include "outbound.h"
#include "portflood.h"
#include "scan.h"
#include "service.h"
#include "sources.h"
#include "stale.h"
#include "stealth.h"
#include "storm.h"
#include "synflood.h"
#include "tuples.h"
#include "table.h"

#define DETECT_CLAIMS 4096 /* exact counters of a slice with explained events; a power of two */

/* How many events of a counter are explained. */
struct detect_claim {
	struct rst_port_key key;
	uint64_t count;
};

struct detect {
	struct detect_world world;
	uint16_t rows[DETECT_CLASSES]; /* bit i: row i of the table is asked for that class */
	struct book book;
	struct tuples resets;	/* connections that their peer has reset */
	struct tuples connects; /* our connect()s that got no answer */
	struct sources sources;
	TABLE_OF(struct detect_claim, claims, DETECT_CLAIMS);
	struct synflood synflood;
	struct portflood portflood;
	struct scan scan;
	struct stealth stealth;
	struct outbound outbound;
	struct service service;
	struct dependency dependency;
	struct acceptqueue acceptqueue;
	struct injection injection;
	struct storm storm;
	struct stale stale;
	struct backscatter backscatter;
};

/* tell: says one word about an incident. The memory must be zero. */
void detect_init(struct detect *detect, const struct listeners *listeners,
		 const struct processes *processes, book_tell tell, void *context, uint64_t seed);
void detect_event(struct detect *detect, const struct rst_event *event,
		  const struct rst_connection *connection, const struct owner *owner);
/* What that event looks like, after what was seen before it; sets what else belongs to its class.
 */
enum detect_class detect_classify(const struct detect *detect, struct detect_event *seen);
void detect_signal(struct detect *detect, const struct rst_signal *signal);
/* The listeners know of the change already. */
void detect_listener(struct detect *detect, const struct rst_listener *change);
void detect_listening(struct detect *detect, const struct rst_listening *listening);
void detect_queues(struct detect *detect, const struct record_queues *queues);
/* An exact counter of the slice. Returns how many of its resets are explained. */
uint64_t detect_count(struct detect *detect, const struct rst_port_key *key, uint64_t count);
/* The slice is over. Returns RST_WATCH_*: what the kernel side is asked to tell from now on. */
uint32_t detect_step(struct detect *detect, uint64_t start_ns, uint64_t end_ns);

/* The words of an incident: summary and advice of an alert that has the rest already. */
void detect_describe(const struct incident *incident, struct alert *alert);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The part of reset_injection that is about blind segments: resets that miss, and SYNs into a
 * connection (RFC 5961). A few happen by themselves, where packets were lost or came in another
 * order; many of one connection do not, nor do those of many connections that live on.
 *
 * How many resets missed is exact: the counters of the slices tell, and events only what they hit.
 */
#ifndef RSTWATCH_BLIND_H
#define RSTWATCH_BLIND_H

#include "detector.h"
#include "sentence.h"
#include "table.h"
#include "tuples.h"

#define BLIND_TARGETS  1024 /* connections; powers of two */
#define BLIND_NETNS    256
#define BLIND_REJECTED 3 /* of a connection within 10 s */
#define BLIND_SYNS     5 /* more: a peer that has rebooted may try four times */

/* book_key.detail */
enum injection_detail {
	INJECTION_FORGED = 1,
	INJECTION_BLIND = 2,
};

/* A connection at which blind segments are aimed. */
struct blind_target {
	struct tuple_key key;
	uint64_t rejected_ns[BLIND_REJECTED]; /* the last ones, round and round */
	uint64_t syn_ns[BLIND_SYNS];
	uint32_t rejected, syns;
	uint64_t last_ns;
	uint64_t counted_ns; /* first_ns of the incident in which it is counted */
	struct owner owner;
	uint32_t process;
	uint16_t port; /* of the service */
	uint8_t role;
};

struct blind_netns {
	uint32_t netns;
	uint32_t spread;   /* resets that missed connections which live on, in 10 s */
	uint32_t targets;  /* and how many connections those are */
	uint32_t has_read; /* challenges */
	uint64_t challenges;
	uint64_t last_ns;
};

struct blind {
	uint64_t slice_ns; /* where the slice began */
	uint32_t next;	   /* of targets: the oldest, once all are used */
	bool fresh;	   /* a reset was rejected within the last 10 s */
	TABLE_OF(struct blind_target, targets, BLIND_TARGETS);
	TABLE_OF(struct blind_netns, netns, BLIND_NETNS);
};

void blind_init(struct blind *blind, uint64_t seed);
/* A reset was rejected. True if an incident is about it. */
bool blind_reject(struct blind *blind, struct book *book, const struct detect_event *seen);
/* The connection was reset after all. */
void blind_forget(struct blind *blind, const struct rst_event *event);
void blind_signal(struct blind *blind, struct detect_world *world, const struct rst_signal *told);
bool blind_count(struct book *book, const struct rst_port_key *key, uint64_t more);
void blind_queues(struct blind *blind, struct book *book, const struct record_queues *read);
void blind_step(struct blind *blind, struct book *book, uint64_t end_ns);
void blind_describe(const struct incident *incident, struct sentence *sentence);

#endif

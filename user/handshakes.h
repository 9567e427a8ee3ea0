/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel's counters of handshakes of a network namespace, slice by slice: how many completed,
 * now and before, and whether SYN cookies go out that nobody answers.
 */
#ifndef RSTWATCH_HANDSHAKES_H
#define RSTWATCH_HANDSHAKES_H

#include <stdbool.h>
#include <stdint.h>

#include "record.h"
#include "senders.h"
#include "table.h"

#define HANDSHAKES_NETNS  64 /* a power of two */
#define HANDSHAKES_SLICES 12
#define HANDSHAKES_PORTS  8

struct handshakes_slice {
	double seconds;
	uint64_t completed, sent, valid; /* cookies */
	double strange;			 /* about so many SYNs of strangers, by samples */
};

/* SYNs of which samples were told: for which ports (Space-Saving), and from whom. */
struct handshakes_samples {
	struct {
		uint16_t port;
		uint32_t count;
	} ports[HANDSHAKES_PORTS];
	uint32_t port_count, count;
	struct senders senders;
};

struct handshakes {
	uint32_t netns; /* the key */
	bool known;	/* counters of an earlier slice are */
	bool told;	/* in this slice */
	bool begun;	/* in this slice, with the first counters */
	double seconds; /* since it was told before */
	bool portless;	/* cookies are missing, and for which port was not known a slice ago */
	uint64_t counters[QUEUES];
	uint64_t moved[QUEUES];				 /* in the last slice */
	uint32_t slices;				 /* known ones, up to HANDSHAKES_SLICES */
	struct handshakes_slice past[HANDSHAKES_SLICES]; /* the last one first */
	/* CUSUM of unanswered cookies that losses do not explain: now, and a slice before. */
	double score, score_before;
	/* What is usual where cookies go out at all times, learned in so many slices in which
	 * nothing was suspicious: unanswered ones for each answered one, answered ones a second,
	 * SYNs of strangers a second. And the CUSUM of what is more than that. */
	uint32_t learned;
	double usual_unanswered, usual_valid, usual_strange;
	double surplus, surplus_before;
	/* Of strangers, and of those who have exchanged data with this host; since it began to be
	 * suspicious, and in this slice. */
	struct handshakes_samples strangers, known_ones;
	uint32_t slice_samples, slice_strangers;
};

void handshakes_add(struct handshakes *handshakes, const struct record_queues *queues);
void handshakes_sample(struct handshakes *handshakes, const struct rst_signal *syn, uint64_t seed);
void handshakes_forget_samples(struct handshakes *handshakes);
/* The slice is over. */
void handshakes_step(struct handshakes *handshakes, double seconds);
/* Completed a second: the most of the last three slices, of the last one, and of those before. */
double handshakes_load(const struct handshakes *handshakes);
double handshakes_now(const struct handshakes *handshakes);
/* The most of the last two. */
double handshakes_last(const struct handshakes *handshakes);
double handshakes_before(const struct handshakes *handshakes);
/* How many cookies a second nobody answers; 0 if losses explain that. */
double handshakes_unanswered(const struct handshakes *handshakes);
/* The port that most of the sampled SYNs were for; 0 if that is not known. */
uint16_t handshakes_port(const struct handshakes *handshakes);
/* Who sent them. */
const struct senders *handshakes_senders(const struct handshakes *handshakes);

#endif

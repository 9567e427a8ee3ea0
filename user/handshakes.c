// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "handshakes.h"

#include <string.h>

#define RECENT	      3	 /* slices that may belong to what is going on */
#define COOKIES_LEAST 25 /* not answered, and */
#define COOKIES_RATE  10 /* a second */
#define COOKIES_LEFT  5	 /* not answered a slice later */
#define SAMPLES_LEAST 8

/* Of answered cookies: one in ten is lost, or its answer (5% each way); and in flight are those of
 * a round trip of 250 ms. */
#define LOST	  0.105
#define IN_FLIGHT 0.25

void handshakes_add(struct handshakes *handshakes, const struct record_queues *queues)
{
	for (unsigned i = 0; i < QUEUES; i++) {
		uint64_t before = handshakes->counters[i], now = queues->counters[i];

		handshakes->moved[i] = handshakes->known && now > before ? now - before : 0;
		handshakes->counters[i] = now;
	}
	handshakes->told = handshakes->known;
	handshakes->begun = !handshakes->known;
	handshakes->known = true;
}

static double root(double square)
{
	double guess = square > 1 ? square : 1;

	for (unsigned i = 0; i < 40; i++)
		guess = (guess + square / guess) / 2;
	return guess;
}

static void advance(struct handshakes *handshakes)
{
	const struct handshakes_slice *last = &handshakes->past[0];
	double limit = COOKIES_LEAST + IN_FLIGHT * last->valid;

	handshakes->score_before = handshakes->score;
	handshakes->score += (double)last->sent - last->valid - LOST * last->valid -
			     root(last->valid) - COOKIES_RATE * last->seconds;
	if (handshakes->score < 0)
		handshakes->score = 0;
	if (handshakes->score > 2 * limit)
		handshakes->score = 2 * limit; /* it is to be over when the cause is */
}

void handshakes_step(struct handshakes *handshakes, double seconds)
{
	struct handshakes_slice *past = handshakes->past;

	handshakes->seconds = handshakes->begun ? 0 : handshakes->seconds + seconds;
	handshakes->begun = false;
	if (!handshakes->told) {
		memset(handshakes->moved, 0, sizeof(handshakes->moved));
		return;
	}
	handshakes->told = false;
	memmove(past + 1, past, sizeof(*past) * (HANDSHAKES_SLICES - 1));
	past[0] = (struct handshakes_slice){
		.seconds = handshakes->seconds,
		.completed = handshakes->moved[QUEUE_PASSIVE_OPENS],
		.sent = handshakes->moved[QUEUE_COOKIES_SENT],
		.valid = handshakes->moved[QUEUE_COOKIES_RECV],
	};
	handshakes->seconds = 0;
	if (handshakes->slices < HANDSHAKES_SLICES)
		handshakes->slices++;
	if (!past[0].sent)
		handshakes_forget_samples(handshakes); /* those were for something else */
	advance(handshakes);
}

static double rate(const struct handshakes_slice *slice)
{
	return slice->seconds > 0 ? slice->completed / slice->seconds : 0;
}

double handshakes_load(const struct handshakes *handshakes)
{
	double most = 0;

	for (unsigned i = 0; i < RECENT && i < handshakes->slices; i++)
		if (rate(&handshakes->past[i]) > most)
			most = rate(&handshakes->past[i]);
	return most;
}

double handshakes_now(const struct handshakes *handshakes)
{
	return handshakes->slices ? rate(&handshakes->past[0]) : 0;
}

double handshakes_last(const struct handshakes *handshakes)
{
	double now = handshakes_now(handshakes);
	double before = handshakes->slices > 1 ? rate(&handshakes->past[1]) : 0;

	return before > now ? before : now;
}

double handshakes_before(const struct handshakes *handshakes)
{
	double completed = 0, seconds = 0;

	for (unsigned i = RECENT; i < handshakes->slices; i++) {
		completed += handshakes->past[i].completed;
		seconds += handshakes->past[i].seconds;
	}
	return seconds > 0 ? completed / seconds : 0;
}

/* Cookies that nobody else explains: the answers of one slice more are set against those sent, so
 * what was sent at the end of a slice is never missed, and a load that comes or goes makes no gap.
 * That is quick where few are answered, */
static double missing_many(const struct handshakes *handshakes)
{
	const struct handshakes_slice *past = handshakes->past;
	double sent = past[1].sent + past[2].sent;
	double valid = past[0].valid + past[1].valid + past[2].valid;
	double seconds = past[1].seconds + past[2].seconds;
	double missing = sent - valid;

	if (handshakes->slices < 2 || missing < COOKIES_LEAST || missing * 4 < sent ||
	    missing < COOKIES_RATE * seconds)
		return 0;
	return missing / seconds;
}

/* Sooner, where hardly any is: some of the slice before are not answered in this one, and as
 * many as it takes in both. */
static double missing_most(const struct handshakes *handshakes)
{
	const struct handshakes_slice *now = &handshakes->past[0], *before = &handshakes->past[1];
	double sent = now->sent + before->sent, valid = now->valid + before->valid;

	if (handshakes->slices < 2 || before->sent < valid + COOKIES_LEFT || valid * 4 > sent ||
	    sent - valid < COOKIES_LEAST ||
	    sent - valid < COOKIES_RATE * (now->seconds + before->seconds) ||
	    now->sent < now->valid + COOKIES_RATE * now->seconds)
		return 0;
	return (double)(now->sent - now->valid) / now->seconds;
}

/* and this where most are. */
static double missing_some(const struct handshakes *handshakes)
{
	const struct handshakes_slice *past = handshakes->past;
	uint64_t valid = past[past[1].valid > past[0].valid].valid;
	double limit = COOKIES_LEAST + IN_FLIGHT * valid;

	if (handshakes->slices < 2 || handshakes->score < limit || handshakes->score_before < limit)
		return 0;
	return (double)(past[0].sent > past[0].valid ? past[0].sent - past[0].valid : 0) /
		       past[0].seconds +
	       1;
}

double handshakes_unanswered(const struct handshakes *handshakes)
{
	double many = missing_many(handshakes), some = missing_some(handshakes);
	double most = missing_most(handshakes);

	if (some > most)
		most = some;
	return many > most ? many : most;
}

void handshakes_sample(struct handshakes *handshakes, const struct rst_signal *syn, uint64_t seed)
{
	unsigned i = 0, least = 0;

	while (i < handshakes->port_count && handshakes->ports[i].port != syn->local_port) {
		if (handshakes->ports[i].count < handshakes->ports[least].count)
			least = i;
		i++;
	}
	if (i == handshakes->port_count && i < HANDSHAKES_PORTS)
		handshakes->ports[handshakes->port_count++].count = 0;
	else if (i == handshakes->port_count)
		i = least; /* of which it takes the count: an upper bound */
	handshakes->ports[i].port = syn->local_port;
	handshakes->ports[i].count++;
	handshakes->samples++;
	senders_add(&handshakes->sources, syn->peer, seed);
}

void handshakes_forget_samples(struct handshakes *handshakes)
{
	handshakes->port_count = handshakes->samples = 0;
	senders_clear(&handshakes->sources);
}

uint16_t handshakes_port(const struct handshakes *handshakes)
{
	for (unsigned i = 0; handshakes->samples >= SAMPLES_LEAST && i < handshakes->port_count;
	     i++)
		if (handshakes->ports[i].count * 2ULL > handshakes->samples)
			return handshakes->ports[i].port;
	return 0;
}

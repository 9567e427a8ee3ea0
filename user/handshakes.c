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

#define LOST_MOST 0.2 /* that can be usual */
#define LEARNED	  4   /* slices, until it is known what is usual */
#define LEARN_MAX 8   /* slices that it goes back, about */

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

static double expected(const struct handshakes *handshakes, const struct handshakes_slice *slice)
{
	return handshakes->usual_unanswered * slice->valid;
}

/* Of that: its own, and that of what was learned, which is the more the larger the load is now. */
static double noise(const struct handshakes *handshakes, const struct handshakes_slice *slice)
{
	double growth = handshakes->usual_valid > 0
				? slice->valid / (handshakes->usual_valid * slice->seconds)
				: 1;

	return root(expected(handshakes, slice) * (1 + (growth > 1 ? growth : 1)));
}

static double surplus_limit(const struct handshakes *handshakes)
{
	const struct handshakes_slice *past = handshakes->past;
	double valid = past[past[1].valid > past[0].valid].valid;
	double growth = valid - handshakes->usual_valid * past[0].seconds;

	return COOKIES_LEAST + noise(handshakes, &past[0]) + (growth > 0 ? IN_FLIGHT * growth : 0);
}

static void learn(double *usual, double now, uint32_t slices)
{
	*usual += (now - *usual) / slices;
}

static void learn_slice(struct handshakes *handshakes)
{
	const struct handshakes_slice *last = &handshakes->past[0];
	uint32_t slices = handshakes->learned < LEARN_MAX ? handshakes->learned + 1 : LEARN_MAX;
	double share = last->valid && last->sent > last->valid
			       ? (double)(last->sent - last->valid) / last->valid
			       : 0;

	handshakes->learned++;
	learn(&handshakes->usual_unanswered, share < LOST_MOST ? share : LOST_MOST, slices);
	learn(&handshakes->usual_valid, last->valid / last->seconds, slices);
	learn(&handshakes->usual_strange, last->strange / last->seconds, slices);
}

/* Every connection was made with a cookie, and found room: not that a queue was full. */
static bool is_always_cookies(const struct handshakes *handshakes)
{
	const struct handshakes_slice *last = &handshakes->past[0];
	uint64_t apart = last->completed > last->valid ? last->completed - last->valid
						       : last->valid - last->completed;

	return last->sent && apart * 10 <= last->valid && !handshakes->moved[QUEUE_OVERFLOWS];
}

static void advance_surplus(struct handshakes *handshakes)
{
	const struct handshakes_slice *last = &handshakes->past[0];
	double limit;

	handshakes->surplus_before = handshakes->surplus;
	if (!is_always_cookies(handshakes)) {
		handshakes->surplus = 0;
		return;
	}
	if (last->seconds <= 0 || !handshakes->slice_samples)
		return; /* nothing is known of who asks */
	handshakes->surplus += (double)last->sent - last->valid - expected(handshakes, last) -
			       noise(handshakes, last) - COOKIES_RATE * last->seconds;
	limit = surplus_limit(handshakes);
	if (handshakes->surplus > 2 * limit)
		handshakes->surplus = 2 * limit;
	if (handshakes->surplus < 0)
		handshakes->surplus = 0;
	if (handshakes->surplus <= 0 || handshakes->learned < LEARNED)
		learn_slice(handshakes);
	if (handshakes->learned < LEARNED)
		handshakes->surplus = 0;
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
	if (handshakes->slice_samples)
		past[0].strange = (double)past[0].sent * handshakes->slice_strangers /
				  handshakes->slice_samples;
	handshakes->seconds = 0;
	if (handshakes->slices < HANDSHAKES_SLICES)
		handshakes->slices++;
	advance(handshakes);
	advance_surplus(handshakes);
	handshakes->slice_samples = handshakes->slice_strangers = 0;
	/* Those were for something else. */
	if (!past[0].sent || (handshakes->score <= 0 && handshakes->surplus <= 0))
		handshakes_forget_samples(handshakes);
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

/* A small part, where cookies go out at all times: more than is usual there, as long as it is
 * strangers who ask for them. It is not enough that more is lost than before. */
static double missing_more(const struct handshakes *handshakes)
{
	const struct handshakes_slice *past = handshakes->past;
	double limit = surplus_limit(handshakes);
	double seconds = past[0].seconds + past[1].seconds, usual, missing, strange;

	if (handshakes->learned < LEARNED || handshakes->surplus < limit ||
	    handshakes->surplus_before < limit)
		return 0;
	missing = (double)(past[0].sent + past[1].sent) - past[0].valid - past[1].valid -
		  expected(handshakes, &past[0]) - expected(handshakes, &past[1]);
	usual = handshakes->usual_strange * seconds;
	strange = past[0].strange + past[1].strange - usual;
	return missing > 0 && strange * 2 >= missing &&
			       strange >= 3 * root(usual * (1 + seconds / LEARN_MAX))
		       ? missing / seconds
		       : 0;
}

double handshakes_unanswered(const struct handshakes *handshakes)
{
	const double missing[] = {missing_many(handshakes), missing_most(handshakes),
				  missing_some(handshakes), missing_more(handshakes)};
	double most = 0;

	for (unsigned i = 0; i < sizeof(missing) / sizeof(missing[0]); i++)
		if (missing[i] > most)
			most = missing[i];
	return most;
}

static void add_sample(struct handshakes_samples *samples, const struct rst_signal *syn,
		       uint64_t seed)
{
	unsigned i = 0, least = 0;

	while (i < samples->port_count && samples->ports[i].port != syn->local_port) {
		if (samples->ports[i].count < samples->ports[least].count)
			least = i;
		i++;
	}
	if (i == samples->port_count && i < HANDSHAKES_PORTS)
		samples->ports[samples->port_count++].count = 0;
	else if (i == samples->port_count)
		i = least; /* of which it takes the count: an upper bound */
	samples->ports[i].port = syn->local_port;
	samples->ports[i].count++;
	samples->count++;
	senders_add(&samples->senders, syn->peer, seed);
}

void handshakes_sample(struct handshakes *handshakes, const struct rst_signal *syn, uint64_t seed)
{
	bool known = syn->flags & RST_EVENT_KNOWN;

	handshakes->slice_samples++;
	handshakes->slice_strangers += !known;
	add_sample(known ? &handshakes->known_ones : &handshakes->strangers, syn, seed);
}

static void forget(struct handshakes_samples *samples)
{
	if (!samples->count)
		return;
	samples->port_count = samples->count = 0;
	senders_clear(&samples->senders);
}

void handshakes_forget_samples(struct handshakes *handshakes)
{
	forget(&handshakes->strangers);
	forget(&handshakes->known_ones);
}

/* Those who have exchanged data are hardly the ones who flood, as long as there are others. */
static const struct handshakes_samples *suspects(const struct handshakes *handshakes)
{
	return handshakes->strangers.count >= SAMPLES_LEAST ? &handshakes->strangers
							    : &handshakes->known_ones;
}

uint16_t handshakes_port(const struct handshakes *handshakes)
{
	const struct handshakes_samples *samples = suspects(handshakes);

	for (unsigned i = 0; samples->count >= SAMPLES_LEAST && i < samples->port_count; i++)
		if (samples->ports[i].count * 2ULL > samples->count)
			return samples->ports[i].port;
	return 0;
}

const struct senders *handshakes_senders(const struct handshakes *handshakes)
{
	return &suspects(handshakes)->senders;
}

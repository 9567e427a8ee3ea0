/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A listening socket of Linux in small, with its clients: it makes the records that the kernel side
 * and the kernel's counters would, and feeds them to the detectors. Ticks of 5 ms, slices of 1 s.
 */
#ifndef RSTWATCH_HANDSHAKING_H
#define RSTWATCH_HANDSHAKING_H

#include "told.h"

#include "detect.h"
#include "settings.h"

#define NETNS	 4026531840u
#define PORT	 8080
#define SOCKET	 0xffff888100000000ULL
#define PROCESS	 7
#define TICK_MS	 5
#define HOST	 0x0a000002 /* 10.0.0.2 */
#define ATTACKER 0x0a000163 /* 10.0.1.99 */
#define REQUESTS 40000

enum request_kind { CLIENT, VANISHED, FORGED };

struct request {
	uint64_t due_ms;    /* of its timer */
	uint64_t answer_ms; /* when the last ACK comes in; 0: it does not */
	uint32_t peer;
	uint8_t kind, timeouts;
	bool acked;   /* the last ACK came in, and there was no room for it */
	bool outside; /* no request: a client that will send its SYN again at due_ms */
};

struct host {
	struct detect detect;
	struct listeners listeners;
	struct processes processes;
	uint64_t random;
	uint64_t now_ms, slice_ms, phase_ms, hold_slices_ms;
	/* The traffic, in events a second. */
	double clients, flood, vanishing;
	unsigned few; /* the flood comes from so many addresses; 0: each from another one */
	double loss;  /* each way */
	unsigned rtt_ms;
	bool answers_lost; /* nothing that this host sends gets out */
	bool regulars;	   /* clients have exchanged data with this host before */
	/* The listener. */
	uint32_t backlog;
	unsigned cookies;
	double accepts; /* a second; negative: at once */
	double accept_credit;
	bool deferred; /* clients say nothing for 5 s, and TCP_DEFER_ACCEPT is set */
	bool quiet;    /* the kernel's counters are not read */
	struct rst_listening now, shown;
	struct record_queues queues;
	uint32_t watch, signals, samples;
	uint64_t syns; /* of the flood */
	unsigned requests;
	struct request table[REQUESTS];
	/* Cookies that wait for their answer, by the tick in which that comes. */
	uint32_t answers[1024];
	struct told told;
};

static inline struct host *host_open(uint64_t seed)
{
	struct host *host = unit_zeroed(sizeof(*host));
	struct record_process process = {.number = PROCESS, .pid = 812, .comm = "nginx"};

	listeners_init(&host->listeners, seed);
	host->told.processes = &host->processes;
	host->told.describe = detect_describe;
	detect_init(&host->detect, &host->listeners, &host->processes, told_hear, &host->told,
		    seed);
	processes_add(&host->processes, &process);
	host->random = seed;
	host->now_ms = 1000000;
	host->slice_ms = host->now_ms;
	host->phase_ms = unit_random(&host->random) % 1000 / TICK_MS * TICK_MS;
	host->accepts = -1;
	host->rtt_ms = 20;
	host->backlog = 4096;
	host->cookies = 1;
	host->now = (struct rst_listening){
		.socket = SOCKET, .netns = NETNS, .owner = PROCESS, .port = PORT};
	host->queues.netns = NETNS;
	return host;
}

static inline double host_chance(struct host *host)
{
	return (double)(unit_random(&host->random) >> 11) / (double)(1ULL << 53);
}

/* How many events of that rate fall into a tick. */
static inline unsigned host_events(struct host *host, double rate)
{
	double mean = rate * TICK_MS / 1000, chance = host_chance(host), p, sum;
	unsigned count = 0;

	if (mean > 20) { /* near enough */
		double normal = -6;

		for (unsigned i = 0; i < 12; i++)
			normal += host_chance(host);
		sum = mean;
		p = mean;
		for (unsigned i = 0; i < 20; i++)
			p = (p + sum / p) / 2;
		sum += normal * p;
		return sum > 0 ? (unsigned)(sum + 0.5) : 0;
	}
	p = 1;
	for (double term = -mean, i = 1, power = term; i < 60; i++, power *= term / i)
		p += power;
	for (sum = p; chance > sum && count < 100; sum += p)
		p *= mean / ++count;
	return count;
}

static inline bool host_answers(struct host *host, unsigned kind)
{
	return kind == CLIENT && !host->answers_lost && host_chance(host) >= host->loss &&
	       host_chance(host) >= host->loss;
}

static inline uint64_t host_ns(const struct host *host)
{
	return host->now_ms * 1000000;
}

static inline bool host_is_full(const struct host *host)
{
	return host->now.accept_queue > host->backlog;
}

static inline void host_drop(struct host *host, bool overflow)
{
	host->now.drops++;
	host->queues.counters[QUEUE_DROPS]++;
	host->queues.counters[QUEUE_OVERFLOWS] += overflow;
}

static inline void host_complete(struct host *host)
{
	host->queues.counters[QUEUE_PASSIVE_OPENS]++;
	host->now.completed += !!(host->watch & RST_WATCH_OPENS);
	host->now.accept_queue += host->accepts >= 0;
}

static inline struct rst_signal host_signal(const struct host *host, unsigned kind, uint32_t peer)
{
	struct rst_signal signal = {.time_ns = host_ns(host),
				    .netns = NETNS,
				    .owner = PROCESS,
				    .local_port = PORT,
				    .peer_port = 40000,
				    .kind = kind};

	unit_ipv4(signal.local, HOST);
	unit_ipv4(signal.peer, peer);
	return signal;
}

/* A client whose SYN was dropped sends it again. */
static inline void host_again(struct host *host, const struct request *from, unsigned timeouts)
{
	if (from->kind == CLIENT && timeouts < 4 && host->requests < REQUESTS)
		host->table[host->requests++] =
			(struct request){.due_ms = host->now_ms + (1000u << timeouts),
					 .peer = from->peer,
					 .timeouts = timeouts + 1,
					 .outside = true};
}

static inline void host_syn(struct host *host, unsigned kind, uint32_t peer, unsigned timeouts)
{
	struct request request = {.due_ms = host->now_ms + 1000, .peer = peer, .kind = kind};

	host->syns += kind == FORGED;
	if (host->watch & RST_WATCH_SYNS && host->samples++ < RST_SIGNALS_MAX) {
		struct rst_signal signal = host_signal(host, RST_SIGNAL_SYN, peer);

		signal.flags = kind == CLIENT && host->regulars ? RST_EVENT_KNOWN : 0;
		detect_signal(&host->detect, &signal);
	}
	if (host_is_full(host)) {
		host_drop(host, true);
		host_again(host, &request, timeouts);
		return;
	}
	if (host->cookies == 2 || (host->now.half_open > host->backlog && host->cookies)) {
		host->queues.counters[QUEUE_COOKIES_SENT]++;
		host->queues.counters[QUEUE_DO_COOKIES]++;
		if (host->cookies == 1)
			host->now.flags |= RST_LISTENING_WARNED;
		if (host_answers(host, kind))
			host->answers[((host->now_ms + host->rtt_ms) / TICK_MS + 1) % 1024]++;
		return;
	}
	if (host->now.half_open > host->backlog) {
		host_drop(host, false);
		host->queues.counters[QUEUE_DO_DROPS]++;
		host->now.flags |= RST_LISTENING_WARNED;
		host_again(host, &request, timeouts);
		return;
	}
	if (host_answers(host, kind))
		request.answer_ms = host->now_ms + host->rtt_ms;
	assert_true(host->requests < REQUESTS);
	host->table[host->requests++] = request;
	host->now.half_open++;
	host->now.young++;
}

static inline void host_forget(struct host *host, unsigned i)
{
	if (!host->table[i].outside) {
		host->now.half_open--;
		host->now.young -= !host->table[i].timeouts;
	}
	host->table[i] = host->table[--host->requests];
}

/* As reqsk_timer_handler(): a queue more than half full gives up on the old ones sooner. */
static inline unsigned host_retries(const struct host *host)
{
	uint32_t young = host->now.young << 1;
	unsigned retries = 5;

	if (host->now.half_open << 1 <= (host->backlog > 8 ? host->backlog : 8))
		return retries;
	while (retries > 2 && host->now.half_open >= young) {
		retries--;
		young <<= 1;
	}
	return retries;
}

static inline void host_time_out(struct host *host, unsigned i)
{
	struct request *request = &host->table[i];
	struct rst_signal signal = host_signal(host, RST_SIGNAL_RETRANSMIT, request->peer);

	if (request->outside) {
		struct request again = *request;

		host_forget(host, i);
		host_syn(host, again.kind, again.peer, again.timeouts);
		return;
	}
	if (request->timeouts >= host_retries(host)) {
		host_forget(host, i);
		return;
	}
	if (!request->timeouts++) {
		host->now.young--;
		host->now.retransmits_first += !host->deferred;
	}
	request->due_ms = host->now_ms + (1000u << request->timeouts);
	if (host->deferred)
		return;
	host->now.retransmits++;
	signal.socket = SOCKET;
	signal.attempt = request->timeouts;
	signal.half_open = host->now.half_open;
	signal.stale = host->now.half_open - host->now.young;
	signal.backlog = host->backlog;
	signal.trigger = request->acked ? RST_FLAG_ACK : 0;
	if (host->signals++ < RST_SIGNALS_MAX)
		detect_signal(&host->detect, &signal);
	if (host_answers(host, request->kind))
		request->answer_ms = host->now_ms + host->rtt_ms;
}

static inline void host_step_requests(struct host *host)
{
	for (unsigned i = 0; i < host->requests;) {
		struct request *request = &host->table[i];
		unsigned before = host->requests;

		if (request->answer_ms && request->answer_ms <= host->now_ms) {
			request->answer_ms = 0;
			if (host_is_full(host)) {
				request->acked = true;
				host_drop(host, true); /* the last ACK */
			} else {
				host_complete(host);
				host_forget(host, i);
			}
		} else if (request->due_ms <= host->now_ms) {
			host_time_out(host, i);
		}
		i += host->requests >= before && request->due_ms > host->now_ms;
	}
}

static inline void host_accept(struct host *host)
{
	if (host->accepts < 0)
		return;
	for (host->accept_credit += host->accepts * TICK_MS / 1000; host->accept_credit >= 1;
	     host->accept_credit--)
		if (host->now.accept_queue)
			host->now.accept_queue--;
}

/* A slice ends: what has changed or has something in its queues is told. */
static inline void host_look(struct host *host)
{
	uint64_t start_ns = host->slice_ms * 1000000;

	host->now.time_ns = host_ns(host);
	host->now.backlog = host->backlog;
	host->shown.time_ns = host->now.time_ns;
	if (memcmp(&host->now, &host->shown, sizeof(host->now)) || host->now.half_open ||
	    host->now.accept_queue)
		detect_listening(&host->detect, &host->now);
	host->shown = host->now;
	if (!host->quiet)
		detect_queues(&host->detect, &host->queues);
	host->slice_ms = host->now_ms;
	host->signals = host->samples = 0;
	host->watch = detect_step(&host->detect, start_ns, host_ns(host));
}

static inline uint32_t host_peer(struct host *host, unsigned few)
{
	return few ? ATTACKER + unit_random(&host->random) % few
		   : (uint32_t)unit_random(&host->random);
}

static inline void host_tick(struct host *host)
{
	uint32_t *answers;
	unsigned count;

	host->now_ms += TICK_MS;
	answers = &host->answers[host->now_ms / TICK_MS % 1024];
	for (; *answers; --*answers) {
		host->queues.counters[QUEUE_COOKIES_RECV]++;
		if (host_is_full(host))
			host_drop(host, true);
		else
			host_complete(host);
	}
	host_step_requests(host);
	host_accept(host);
	for (count = host_events(host, host->clients); count; count--)
		host_syn(host, CLIENT, 0x0a800000 + unit_random(&host->random) % 2000, 0);
	for (count = host_events(host, host->vanishing); count; count--)
		host_syn(host, VANISHED, host_peer(host, 0), 0);
	for (count = host_events(host, host->flood); count; count--)
		host_syn(host, FORGED, host_peer(host, host->few), 0);
	if (host->now_ms % 1000 == host->phase_ms && host->now_ms >= host->hold_slices_ms)
		host_look(host);
}

static inline void host_run(struct host *host, double seconds)
{
	for (uint64_t end_ms = host->now_ms + (uint64_t)(seconds * 1000); host->now_ms < end_ms;)
		host_tick(host);
}

#endif

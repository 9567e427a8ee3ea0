/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* All detectors, fed with resets that are made here, and the words that they say. */
#ifndef RSTWATCH_DETECTING_H
#define RSTWATCH_DETECTING_H

#include "unit.h"

#include "detect.h"

#define NETNS	  4026531840u
#define OURS	  0x0a000002 /* 10.0.0.2 */
#define MILLI_NS  1000000ULL
#define WORDS	  512
#define START_NS  (1000 * SECOND_NS)
#define ANY_KIND  0
#define ANY_STATE 0

struct word {
	enum alert_status status;
	uint64_t at_ns;
	struct incident incident;
	struct alert alert;
};

struct detecting {
	struct detect detect;
	struct listeners listeners;
	struct processes processes;
	uint64_t now_ns, slice_ns; /* the slice began then */
	uint64_t number;
	unsigned told;
	struct word words[WORDS];
};

static inline void detecting_keep(void *context, struct incident *incident,
				  enum alert_status status, uint64_t now_ns)
{
	struct detecting *all = context;
	struct word *word = &all->words[all->told];

	if (!incident->number)
		incident->number = ++all->number;
	if (all->told++ >= WORDS)
		return;
	*word = (struct word){.status = status, .at_ns = now_ns, .incident = *incident};
	book_alert(incident, status, now_ns, &word->alert);
	detect_describe(incident, &word->alert);
	assert_non_null(word->alert.advice);
	assert_true(strlen(word->alert.summary) > 0);
	assert_true(strlen(word->alert.summary) < sizeof(word->alert.summary) - 1);
}

static inline struct detecting *detecting_open(void)
{
	struct detecting *all = unit_zeroed(sizeof(*all));

	all->now_ns = all->slice_ns = START_NS;
	listeners_init(&all->listeners, 42);
	detect_init(&all->detect, &all->listeners, &all->processes, detecting_keep, all, 42);
	return all;
}

/* Time goes by; each second is a slice, of a long time each minute. */
static inline void detecting_pass(struct detecting *all, uint64_t ns)
{
	uint64_t slice_ns = ns > 10 * MINUTE_NS ? MINUTE_NS : SECOND_NS;

	all->now_ns += ns;
	while (all->now_ns - all->slice_ns >= slice_ns) {
		detect_step(&all->detect, all->slice_ns, all->slice_ns + slice_ns);
		all->slice_ns += slice_ns;
	}
}

/* Somebody listens on a port; or, once it has, does no longer. */
static inline void detecting_listen(struct detecting *all, uint16_t port, bool opens)
{
	struct rst_listener change = {.time_ns = all->now_ns,
				      .socket = port,
				      .netns = NETNS,
				      .port = port,
				      .change = opens ? RST_LISTENER_OPENED : RST_LISTENER_CLOSED};

	unit_ipv4(change.address, 0);
	listeners_add(&all->listeners, &change);
	detect_listener(&all->detect, &change);
}

static inline struct rst_event detecting_event_of(const struct detecting *all, uint32_t peer,
						  uint16_t port, uint8_t trigger)
{
	struct rst_event event = {.time_ns = all->now_ns,
				  .netns = NETNS,
				  .local_port = port,
				  .peer_port = 40000,
				  .direction = RST_SENT,
				  .cause = (trigger & (RST_FLAG_SYN | RST_FLAG_ACK)) == RST_FLAG_SYN
						   ? RST_CLOSED_PORT
						   : RST_HALF_OPEN,
				  .trigger = trigger,
				  .role = RST_ROLE_SERVER,
				  .flags = RST_EVENT_TRIGGER};

	unit_ipv4(event.local, OURS);
	unit_ipv4(event.peer, peer);
	return event;
}

static inline void detecting_feed(struct detecting *all, const struct rst_event *event,
				  const struct rst_connection *connection)
{
	struct owner owner = {.known_by = OWNER_KERNEL};

	detect_event(&all->detect, event, connection, &owner);
}

/* A segment with these flags, that is refused; flags: more RST_EVENT_*. */
static inline void detecting_send(struct detecting *all, uint32_t peer, uint16_t port,
				  uint8_t trigger, uint8_t flags)
{
	struct rst_event event = detecting_event_of(all, peer, port, trigger);

	event.flags |= flags;
	detecting_feed(all, &event, NULL);
}

static inline void detecting_refuse(struct detecting *all, uint32_t peer, uint16_t port)
{
	detecting_send(all, peer, port, RST_FLAG_SYN, 0);
}

static inline void detecting_refuse_client(struct detecting *all, uint32_t peer, uint16_t port)
{
	detecting_send(all, peer, port, RST_FLAG_SYN, RST_EVENT_KNOWN);
}

/* A reset comes in. */
static inline void detecting_receive(struct detecting *all, uint32_t peer, uint16_t port,
				     uint8_t stage, uint8_t flags,
				     const struct rst_connection *connection)
{
	struct rst_event event = detecting_event_of(all, peer, port, 0);

	event.direction = RST_RECEIVED;
	event.cause = stage;
	event.flags = flags;
	detecting_feed(all, &event, connection);
}

static inline void detecting_half_open(struct detecting *all, uint32_t peer, uint16_t port)
{
	detecting_receive(all, peer, port, RST_STAGE_HANDSHAKE, 0, NULL);
}

static inline unsigned detecting_count(const struct detecting *all, enum alert_kind kind,
				       enum alert_status status)
{
	unsigned count = 0;

	assert_true(all->told <= WORDS);
	for (unsigned i = 0; i < all->told; i++)
		count += (kind == ANY_KIND || all->words[i].incident.key.kind == kind) &&
			 (status == ANY_STATE || all->words[i].status == status);
	return count;
}

static inline double detecting_fact(const struct word *word, const char *name)
{
	for (unsigned i = 0; i < word->alert.fact_count; i++)
		if (!strcmp(word->alert.facts[i].name, name))
			return word->alert.facts[i].value;
	fail_msg("there is no fact %s", name);
	return 0;
}

/* NULL: there is no such word. */
static inline const char *detecting_word(const struct word *word, const char *name)
{
	for (unsigned i = 0; i < word->alert.word_count; i++)
		if (!strcmp(word->alert.words[i].name, name))
			return word->alert.words[i].value;
	return NULL;
}

static inline bool detecting_says(const struct word *word, const char *text)
{
	return strstr(word->alert.summary, text);
}

static inline void detecting_silent(const struct detecting *all)
{
	if (all->told)
		fail_msg("%s", all->words[0].alert.summary);
}

#endif

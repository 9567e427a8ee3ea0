// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "stealth.h"

#include <string.h>

#include "probes.h"
#include "sentence.h"
#include "units.h"

/* Natural logarithms in 1/SOURCES_ONE, as in scan.c. */
#define LN_1000 7074  /* a segment that no stack sends */
#define DECIDED 14131 /* 13.8, the second port */

#define ACK_PORTS      5
#define ACK_NS	       (60 * SECOND_NS)
#define EPHEMERAL_PORT 32768 /* ours, as a client: what comes there is of old connections */

/* The names are public: the word "kind" of the evidence. */
static const struct {
	const char *name, *flags;
} kinds[STEALTH_KINDS] = {
	[STEALTH_FIN] = {"fin", "FIN"},
	[STEALTH_NULL] = {"null", "no flag at all (NULL)"},
	[STEALTH_XMAS] = {"xmas", "FIN, PSH and URG (Xmas)"},
	[STEALTH_SYN_FIN] = {"syn_fin", "both SYN and FIN"},
	[STEALTH_URG] = {"urg", "URG"},
	[STEALTH_OTHER] = {"other", "flags that no stack uses"},
	[STEALTH_ACK] = {"ack", "ACK"},
	[STEALTH_MAIMON] = {"maimon", "FIN and ACK (Maimon)"},
};

enum stealth_kind stealth_kind_of(uint8_t flags)
{
	flags &= RST_FLAG_FIN | RST_FLAG_SYN | RST_FLAG_PSH | RST_FLAG_ACK | RST_FLAG_URG;
	if (flags & RST_FLAG_SYN)
		return flags & RST_FLAG_FIN ? STEALTH_SYN_FIN : STEALTH_OTHER;
	switch (flags) {
	case 0:
		return STEALTH_NULL;
	case RST_FLAG_FIN:
		return STEALTH_FIN;
	case RST_FLAG_URG:
		return STEALTH_URG;
	case RST_FLAG_FIN | RST_FLAG_PSH | RST_FLAG_URG:
		return STEALTH_XMAS;
	case RST_FLAG_ACK:
		return STEALTH_ACK;
	case RST_FLAG_FIN | RST_FLAG_ACK:
		return STEALTH_MAIMON;
	default:
		return STEALTH_OTHER;
	}
}

/* One probe, of a reset or of a signal. */
struct probe {
	const uint8_t *peer;
	uint64_t time_ns;
	uint32_t netns;
	uint16_t port;
	enum stealth_kind kind;
	bool silent; /* no reset was sent */
};

static struct book_key book_key(const struct probe *probe)
{
	struct book_key key = {
		.kind = ALERT_STEALTH_SCAN, .netns = probe->netns, .detail = probe->kind};

	memcpy(key.peer, probe->peer, sizeof(key.peer));
	return key;
}

static bool is_told(const struct detect_world *world, const struct probe *probe)
{
	struct book_key key = book_key(probe);

	return book_find(world->book, &key);
}

static struct source *meet(struct detect_world *world, const struct probe *probe)
{
	/* Kinds of alerts are kinds of sources, too: these stand behind them. */
	struct source_key key = {.netns = probe->netns, .kind = ALERT_KINDS + probe->kind};
	struct source *source;

	memcpy(key.peer, probe->peer, sizeof(key.peer));
	source = sources_meet(world->sources, &key, probe->time_ns);
	/* What was told and cleared is done with: it takes a new scan to tell it again. */
	if (source && source->flags & SOURCE_TOLD && !is_told(world, probe))
		sources_forget(world->sources, source);
	return source;
}

static bool tell(struct detect_world *world, struct source *source, const struct probe *probe,
		 bool first)
{
	struct book_key key = book_key(probe);
	struct incident *incident = book_open(world->book, &key, ALERT_WARNING, probe->time_ns);
	bool before;

	if (!incident)
		return false;
	before = incident->total;
	probes_note(incident, source, probe->port, world->sources->frozen);
	if (before && probe->silent)
		probes_note_open(incident, probe->port, first);
	if (incident->open.all)
		book_fact(incident, "silent_ports", incident->open.all);
	book_word(incident, "kind", kinds[probe->kind].name);
	incident->proof = ALERT_PROOF_NONE;
	source->flags |= SOURCE_TOLD;
	return true;
}

/* Its ports are those of a minute, until it is told. */
static bool ask_around(struct detect_world *world, const struct probe *probe)
{
	struct source *source = meet(world, probe);
	bool told, first;

	if (!source)
		return false;
	told = source->flags & SOURCE_TOLD;
	if (!told && source->last_ns - source->first_ns > ACK_NS) {
		sources_forget(world->sources, source);
		source->first_ns = source->last_ns;
	}
	first = sources_touch(world->sources, source, probe->port);
	return (told || source->port_count >= ACK_PORTS) && tell(world, source, probe, first);
}

static bool send_stealthily(struct detect_world *world, const struct probe *probe)
{
	struct source *source = meet(world, probe);
	bool first;

	if (!source)
		return false;
	first = sources_touch(world->sources, source, probe->port);
	if (first)
		source->score += LN_1000;
	if (probe->silent)
		source_note_open(source, probe->port);
	return source->score >= DECIDED && tell(world, source, probe, first);
}

/* Whether it can be of a connection that this host has forgotten. */
static bool may_be_stale(const struct detect_world *world, const struct rst_event *event)
{
	struct listener_answer answer;

	return event->flags & RST_EVENT_KNOWN || event->local_port >= EPHEMERAL_PORT ||
	       event->role == RST_ROLE_CLIENT || event->state == RST_STATE_LISTEN ||
	       listeners_find(world->listeners, event->netns, event->local, event->local_port,
			      event->time_ns, &answer);
}

static bool event(void *state, struct detect_world *world, const struct detect_event *seen)
{
	const struct rst_event *event = seen->event;
	struct probe probe = {.peer = event->peer,
			      .time_ns = event->time_ns,
			      .netns = event->netns,
			      .port = event->local_port,
			      .kind = stealth_kind_of(event->trigger)};

	(void)state;
	if (seen->class == DETECT_STEALTH)
		return send_stealthily(world, &probe);
	if (probe.kind != STEALTH_ACK && probe.kind != STEALTH_MAIMON)
		return false;
	/* Once it is told, its probes of ports that are open are of it, too. */
	if (may_be_stale(world, event) && !is_told(world, &probe))
		return false;
	return ask_around(world, &probe);
}

static void signal(void *state, struct detect_world *world, const struct rst_signal *signal)
{
	struct probe probe = {.peer = signal->peer,
			      .time_ns = signal->time_ns,
			      .netns = signal->netns,
			      .port = signal->local_port,
			      .kind = stealth_kind_of(signal->trigger),
			      .silent = true};

	(void)state;
	if (signal->kind == RST_SIGNAL_PROBE && signal->state == RST_STATE_LISTEN)
		send_stealthily(world, &probe);
}

static void describe(const struct incident *incident, struct alert *alert)
{
	struct sentence sentence = {.text = alert->summary, .size = sizeof(alert->summary)};

	if (alert->peer_count)
		sentence_add_address(&sentence, alert->peers[0].key.address);
	sentence_add(&sentence, alert->status == ALERT_CLEARED ? " has sent segments with "
							       : " sends segments with ");
	sentence_add(&sentence, kinds[incident->key.detail].flags);
	sentence_add(&sentence, " and of no connection to ");
	probes_add(&sentence, incident);
	if (alert->status == ALERT_CLEARED) {
		sentence_add(&sentence, ", ");
		sentence_add_number(&sentence, alert->total);
		sentence_add(&sentence, " in all");
	}
	if (alert->open.all) {
		sentence_add(&sentence, "; no answer, which shows them as open: ");
		probes_add_ports(&sentence, &alert->open);
	}
	sentence_add(&sentence, "; its address may be forged");
	alert->advice = "Somebody looks for open ports behind a firewall. Drop what belongs to no "
			"connection there (ct state invalid drop), and do not block the address: "
			"such a segment needs no true one.";
}

const struct detector stealth_detector = {
	.kind = ALERT_STEALTH_SCAN,
	.classes = 1 << DETECT_STEALTH | 1 << DETECT_UNKNOWN_ACK,
	.quiet_s = 60,
	.event = event,
	.signal = signal,
	.describe = describe,
};

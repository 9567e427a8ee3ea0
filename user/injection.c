// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "injection.h"

#include "address.h"
#include "classify.h"
#include "summary.h"
#include "units.h"

#define REORDER_NS (10 * (SECOND_NS / 1000)) /* a pure ACK can come so late all the same */
#define CROWD	   5			     /* so many cannot, but for the first moment: */
#define CROWD_NS   (SECOND_NS / 1000)
#define CRITICAL   3 /* connections */

#define CONNECTIONS 0 /* incident.own */

static void init(void *state, uint64_t seed)
{
	struct injection *injection = state;

	TABLE_INIT(injection, resets, struct tuple_key, seed);
	blind_init(&injection->blind, seed);
}

static bool is_proof(const struct injection_reset *reset, const struct rst_event *event)
{
	uint64_t delay_ns = event->time_ns - reset->time_ns;

	return event->trigger & RST_FLAG_PSH || delay_ns >= REORDER_NS ||
	       (reset->segments >= CROWD && delay_ns >= CROWD_NS);
}

static void write_forged(struct incident *incident, const struct injection_reset *reset,
			 uint64_t delay_ns)
{
	incident->proof = ALERT_PROOF_NONE;
	incident->owner = reset->owner;
	incident->owner_process = reset->process;
	incident->own[CONNECTIONS]++;
	book_word(incident, "kind", "forged");
	book_fact(incident, "connections", incident->own[CONNECTIONS]);
	book_fact(incident, "contradicted_after_ms", delay_ns / 1e6);
	book_fact(incident, "connection_bytes", reset->bytes);
	if (reset->age_ms != RST_AGE_UNKNOWN)
		book_fact(incident, "connection_age_seconds", reset->age_ms / 1e3);
}

/* The peer goes on with a connection that it is said to have reset. */
static bool contradict(struct injection *injection, struct book *book,
		       const struct rst_event *event)
{
	struct tuple_key tuple = tuples_of_event(event);
	struct injection_reset *reset = TABLE_FIND(&injection->resets, &tuple);
	struct incident *incident;
	struct book_key key;
	uint32_t more = 1;

	if (!reset || event->time_ns <= reset->time_ns)
		return false;
	key = (struct book_key){.netns = event->netns,
				.port = reset->port,
				.kind = ALERT_RESET_INJECTION,
				.detail = INJECTION_FORGED,
				.role = reset->role};
	reset->segments++;
	if (!reset->proven && !is_proof(reset, event))
		return book_find(book, &key);
	incident = book_find(book, &key);
	incident = book_open(book, &key,
			     incident && incident->own[CONNECTIONS] + !reset->proven >= CRITICAL
				     ? ALERT_CRITICAL
				     : ALERT_WARNING,
			     event->time_ns);
	if (!incident)
		return false;
	if (!reset->proven)
		more = reset->segments;
	incident->total += more;
	book_count_peer(incident, event->peer, more);
	if (!reset->proven)
		write_forged(incident, reset, event->time_ns - reset->time_ns);
	reset->proven = true;
	book_fact(incident, "contradicting_segments", incident->total);
	return true;
}

static void note_reset(struct injection *injection, const struct detect_event *seen)
{
	const struct rst_event *event = seen->event;
	struct tuple_key key = tuples_of_event(event);
	struct injection_reset *reset;

	/* It has not lived on: what missed it was what a loss or another order makes. */
	blind_forget(&injection->blind, event);
	if (event->cause != RST_STAGE_ESTABLISHED)
		return;
	reset = TABLE_RENEW(&injection->resets, &injection->next, &key);
	*reset = (struct injection_reset){.key = key,
					  .time_ns = event->time_ns,
					  .age_ms = RST_AGE_UNKNOWN,
					  .port = classify_port(event),
					  .role = event->role == RST_ROLE_CLIENT ? RST_ROLE_CLIENT
										 : 0};
	reset->process = owner_keep(&reset->owner, seen->owner);
	if (seen->connection) {
		reset->bytes = seen->connection->bytes_in + seen->connection->bytes_out;
		reset->age_ms = seen->connection->age_ms;
	}
}

static bool event(void *state, struct detect_world *world, const struct detect_event *seen)
{
	struct injection *injection = state;

	switch (seen->class) {
	case DETECT_ESTABLISHED:
		note_reset(injection, seen);
		return false;
	case DETECT_CONTRADICTION:
		return contradict(injection, world->book, seen->event);
	case DETECT_REJECTED:
		return blind_reject(&injection->blind, world->book, seen);
	default:
		return false;
	}
}

static void signal(void *state, struct detect_world *world, const struct rst_signal *told)
{
	struct injection *injection = state;

	blind_signal(&injection->blind, world, told);
}

static bool count(void *state, struct detect_world *world, const struct rst_port_key *key,
		  uint64_t more)
{
	(void)state;
	return blind_count(world->book, key, more);
}

static void queues(void *state, struct detect_world *world, const struct record_queues *read)
{
	struct injection *injection = state;

	blind_queues(&injection->blind, world->book, read);
}

static void step(void *state, struct detect_world *world, uint64_t start_ns, uint64_t end_ns)
{
	struct injection *injection = state;

	(void)start_ns;
	blind_step(&injection->blind, world->book, end_ns);
}

/* --- words --- */

/* Ready to paste: the resets of that peer, the real ones and the others. */
static void add_capture(struct sentence *sentence, const struct incident *incident)
{
	const struct book_peer *peer = book_main_peer(incident);

	if (!peer)
		return;
	sentence_add(sentence, "; to see them: tcpdump -nv 'host ");
	sentence_add_address(sentence, peer->address);
	sentence_add(sentence, " and port ");
	sentence_add_number(sentence, incident->key.port);
	sentence_add(sentence, address_is_ipv4(peer->address) ? " and tcp[13] & 4 != 0'"
							      : " and ip6[53] & 4 != 0'");
}

static void describe_forged(const struct incident *incident, struct sentence *sentence, bool over)
{
	const struct book_peer *peer = book_main_peer(incident);

	sentence_add(sentence, over ? "Over: forged" : "Forged");
	sentence_add(sentence, " resets ended ");
	sentence_add_count(sentence, incident->own[CONNECTIONS], " connection");
	summary_add_port(sentence, incident);
	if (peer) {
		sentence_add(sentence, " with ");
		sentence_add_address(sentence, peer->address);
	}
	sentence_add(sentence, incident->peers_all > 1 ? " and others" : "");
	sentence_add(sentence, ": the peer went on sending, ");
	sentence_add_count(sentence, incident->total, " segment");
	sentence_add(sentence, " after its supposed reset; who forged it is not known");
}

static void describe(const struct incident *incident, struct alert *alert)
{
	struct sentence sentence = {.text = alert->summary, .size = sizeof(alert->summary)};
	bool forged = incident->key.detail == INJECTION_FORGED;
	bool over = alert->status == ALERT_CLEARED;

	if (forged) {
		describe_forged(incident, &sentence, over);
	} else {
		sentence_add(&sentence, over ? "Over: " : "");
		blind_describe(incident, &sentence);
	}
	if (alert->owner.process) {
		sentence_add(&sentence, "; it hits ");
		sentence_add_owner(&sentence, &alert->owner);
	}
	if (!over)
		add_capture(&sentence, incident);
	alert->advice =
		forged ? "Something on the path, or a host that sees this traffic, forges resets: "
			 "compare the TTL of the resets with that of the data, and ask who runs "
			 "the firewalls in between. TLS does not help, TCP-AO or IPsec does."
		       : "Somebody guesses at connections without seeing them: keep the kernel's "
			 "RFC 5961 checks as they are, filter forged sources at the border, and "
			 "use "
			 "TCP-AO or IPsec where a connection matters. The addresses prove nothing.";
}

const struct detector injection_detector = {
	.kind = ALERT_RESET_INJECTION,
	.classes = 1 << DETECT_CONTRADICTION | 1 << DETECT_ESTABLISHED | 1 << DETECT_REJECTED,
	.quiet_s = 60,
	.init = init,
	.event = event,
	.signal = signal,
	.queues = queues,
	.count = count,
	.step = step,
	.describe = describe,
};

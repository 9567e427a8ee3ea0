// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "outbound.h"

#include <string.h>

#include "bits.h"
#include "hash.h"
#include "settings.h"
#include "summary.h"
#include "units.h"

#define WATCH_NS  (60 * SECOND_NS)    /* after the last failure */
#define WEIGH_NS  (SECOND_NS / 2)     /* contacts of so long have no order */
#define FORGET_NS (3600 * SECOND_NS)  /* no failure for that long: what there was means nothing */
#define MET_MAX	  (OUTBOUND_BITS / 4) /* one contact in six is taken for a known one by then */

/* A destination, and what became of the connect(). */
struct contact {
	const uint8_t *address;
	uint16_t port;
	bool refused, connected; /* else it failed for another reason */
	uint64_t time_ns;
};

static void init(void *state, uint64_t seed)
{
	struct outbound *outbound = state;

	outbound->seed = seed;
	TABLE_INIT(outbound, processes, struct outbound_key, seed);
}

static struct book_key incident_key(const struct outbound_key *key)
{
	return (struct book_key){.kind = ALERT_OUTBOUND_SCAN,
				 .role = RST_ROLE_CLIENT,
				 .netns = key->netns,
				 .process = key->process};
}

static struct incident *find_incident(const struct outbound_key *key,
				      const struct detect_world *world)
{
	struct book_key of = incident_key(key);

	return book_find(world->book, &of);
}

/* --- the processes --- */

static struct outbound_process *add_process(struct outbound *outbound,
					    const struct outbound_key *key)
{
	struct outbound_process *process = TABLE_ADD(&outbound->processes, key), *least = NULL;

	for (uint32_t i = 0; !process && i < outbound->processes.used; i++) {
		struct outbound_process *other = table_entry(&outbound->processes, i);

		if (other->told)
			continue;
		if (!least || other->steps < least->steps ||
		    (other->steps == least->steps && other->last_ns < least->last_ns))
			least = other;
	}
	if (!process && least) {
		table_replace(&outbound->processes, least, key);
		process = least;
	}
	return process;
}

/* Puts it into the filter. True if it was not there. */
static bool meet(struct outbound_process *process, uint64_t hash)
{
	bool first = false;

	for (unsigned i = 0; i < 2; i++) {
		first |= bits_set(process->filter, (i ? hash >> 32 : hash) % OUTBOUND_BITS);
	}
	return first;
}

/* Whether it is the first contact to that destination. */
static bool is_first(struct outbound *outbound, struct outbound_process *process,
		     const struct contact *contact)
{
	uint64_t hash = hash_mix(hash_address(contact->address, outbound->seed), contact->port);

	if (process->met == MET_MAX) {
		memset(process->filter, 0, sizeof(process->filter));
		process->met = 0;
	}
	if (!meet(process, hash ^ hash >> 29))
		return false;
	process->met++;
	return true;
}

static void add_peer(struct outbound_process *process, const uint8_t address[16])
{
	uint32_t i = 0;

	while (i < process->peers_used && memcmp(process->peers[i].address, address, 16))
		i++;
	if (i == ALERT_TOP)
		return;
	if (i == process->peers_used)
		memcpy(process->peers[process->peers_used++].address, address, 16);
	process->peers[i].count++;
}

static uint32_t walk(uint32_t steps, uint32_t up, uint32_t down)
{
	steps = steps + up > down ? steps + up - down : 0;
	return steps < OUTBOUND_STEPS ? steps : OUTBOUND_STEPS;
}

/* The older one of the two spans is settled, and a new one begins. */
static void settle(struct outbound_process *process)
{
	struct outbound_span *spans = process->spans;

	process->settled = walk(process->settled, spans[0].up, spans[0].down);
	spans[0] = spans[1];
	spans[1] = (struct outbound_span){.up = 0};
}

/* A step up or down. */
static void weigh(struct outbound_process *process, const struct contact *contact)
{
	struct outbound_span *spans = process->spans;

	if (contact->time_ns >= process->span_ns + WEIGH_NS) {
		settle(process);
		if (contact->time_ns >= process->span_ns + 2 * WEIGH_NS)
			settle(process);
		process->span_ns = contact->time_ns;
	}
	spans[1].up += !contact->connected;
	spans[1].down += contact->connected;
	process->steps =
		walk(process->settled, spans[0].up + spans[1].up, spans[0].down + spans[1].down);
}

static void note(struct outbound *outbound, struct outbound_process *process,
		 const struct contact *contact)
{
	process->contacts++;
	crowd_add(&process->addresses, hash_address(contact->address, outbound->seed));
	crowd_add(&process->ports, hash_mix(contact->port, outbound->seed) >> 16);
	process->touched.all = crowd_count(&process->ports);
	book_add_port(&process->touched, contact->port);
	weigh(process, contact);
	if (contact->connected) {
		process->connected++;
		return;
	}
	add_peer(process, contact->address);
	process->refused += contact->refused;
	process->failed += !contact->refused;
	if (!process->first_ns)
		process->first_ns = contact->time_ns;
	if (contact->time_ns > process->last_ns)
		process->last_ns = contact->time_ns;
}

/* --- the incident --- */

/* Whether another process fails just so, and nobody answers either: then it may well be the network
 * that is down. */
static bool is_alone(const struct outbound *outbound, const struct outbound_process *process)
{
	for (uint32_t i = 0; i < outbound->processes.used; i++) {
		const struct outbound_process *other = table_entry(&outbound->processes, i);

		if (other != process && other->key.netns == process->key.netns &&
		    other->steps >= OUTBOUND_WATCH && !other->refused &&
		    process->last_ns < other->last_ns + WATCH_NS)
			return false;
	}
	return true;
}

static void write_evidence(const struct outbound_process *process, struct incident *incident)
{
	uint64_t failures = process->refused + process->failed;
	uint64_t lasted_ns =
		process->last_ns > process->first_ns ? process->last_ns - process->first_ns : 0;

	incident->total = failures;
	incident->proof = process->refused ? ALERT_PROOF_ANSWERED : ALERT_PROOF_UNSAID;
	incident->owner = (struct owner){.known_by = OWNER_SOCKET};
	incident->owner_process = process->key.process;
	incident->peers_all = crowd_count(&process->addresses);
	incident->peers_estimated = process->addresses.level;
	incident->peer_count = process->peers_used;
	memcpy(incident->peers, process->peers, sizeof(incident->peers));
	incident->touched = process->touched;
	book_fact(incident, "destinations", process->contacts);
	book_fact(incident, "failures", failures);
	book_fact(incident, "refused", process->refused);
	book_fact(incident, "unanswered", process->failed);
	book_fact(incident, "successes", process->connected);
	book_fact(incident, "ports", crowd_count(&process->ports));
	book_fact(incident, "duration_seconds", (double)lasted_ns / SECOND_NS);
	/* Of what was over in less than a second, there is no rate. */
	if (lasted_ns >= SECOND_NS)
		book_fact(incident, "failures_per_second",
			  (double)failures * SECOND_NS / lasted_ns);
}

/* Whether it would have been told by now if some had succeeded. */
static bool is_heard(const struct outbound *outbound, const struct outbound_process *process,
		     uint64_t now_ns)
{
	return (outbound->asks && now_ns >= outbound->asked_ns + WEIGH_NS) ||
	       (!process->connected && process->refused + process->failed >= OUTBOUND_PLAIN);
}

static void judge(struct outbound *outbound, struct outbound_process *process,
		  struct detect_world *world)
{
	struct book_key key = incident_key(&process->key);
	bool alone = process->refused || process->connected || is_alone(outbound, process);
	struct incident *incident;

	incident = process->steps < OUTBOUND_STEPS || !is_heard(outbound, process, world->now_ns)
			   ? find_incident(&process->key, world)
			   : book_open(world->book, &key, alone ? ALERT_CRITICAL : ALERT_WARNING,
				       process->last_ns);
	if (!incident)
		return;
	process->told = true;
	write_evidence(process, incident);
}

/* It is over: what comes now is another one, though the destinations are still known. */
static void restart(struct outbound_process *process)
{
	process->told = false;
	process->steps = process->peers_used = 0;
	process->settled = 0;
	memset(process->spans, 0, sizeof(process->spans));
	process->first_ns = 0; /* last_ns stays: how long it has been idle */
	process->contacts = process->refused = process->failed = process->connected = 0;
	memset(process->peers, 0, sizeof(process->peers));
	memset(&process->touched, 0, sizeof(process->touched));
	memset(&process->addresses, 0, sizeof(process->addresses));
	memset(&process->ports, 0, sizeof(process->ports));
}

/* That successes are told from now on. */
static void ask(struct outbound *outbound, struct detect_world *world, uint64_t now_ns)
{
	world->watch |= RST_WATCH_CONNECTS;
	if (!outbound->asks)
		outbound->asked_ns = now_ns;
	outbound->asks = true;
}

static void add_contact(struct outbound *outbound, struct detect_world *world,
			const struct outbound_key *key, const struct contact *contact)
{
	/* Its failures may be told after this success though they came first. */
	struct outbound_process *process = add_process(outbound, key);

	if (!process)
		return;
	if (process->told && !find_incident(key, world))
		restart(process);
	if (!is_first(outbound, process, contact))
		return;
	note(outbound, process, contact);
	if (process->steps >= OUTBOUND_WATCH)
		ask(outbound, world, contact->time_ns);
	judge(outbound, process, world);
}

static bool event(void *state, struct detect_world *world, const struct detect_event *seen)
{
	const struct rst_event *event = seen->event;
	struct outbound_key key = {.netns = event->netns, .process = event->owner};
	struct contact contact = {.address = event->peer,
				  .port = event->peer_port,
				  .refused = true,
				  .time_ns = event->time_ns};

	if (!event->owner)
		return false;
	add_contact(state, world, &key, &contact);
	return find_incident(&key, world);
}

static void signal(void *state, struct detect_world *world, const struct rst_signal *signal)
{
	struct outbound_key key = {.netns = signal->netns, .process = signal->owner};
	struct contact contact = {.address = signal->peer,
				  .port = signal->peer_port,
				  .connected = signal->kind == RST_SIGNAL_CONNECTED,
				  .time_ns = signal->time_ns};

	if (signal->owner &&
	    (signal->kind == RST_SIGNAL_CONNECTED || signal->kind == RST_SIGNAL_CONNECT_FAILED))
		add_contact(state, world, &key, &contact);
}

/* All refusals of that process are what the incident is about. */
static bool count(void *state, struct detect_world *world, const struct rst_port_key *key,
		  uint64_t count)
{
	struct outbound_key of = {.netns = key->netns, .process = key->owner};

	(void)state;
	(void)count;
	return key->direction == RST_RECEIVED && key->cause == RST_STAGE_REFUSED && key->owner &&
	       find_incident(&of, world);
}

static void step(void *state, struct detect_world *world, uint64_t start_ns, uint64_t end_ns)
{
	struct outbound *outbound = state;
	bool asks = false;
	uint32_t i = 0;

	(void)start_ns;
	while (i < outbound->processes.used) {
		struct outbound_process *process = table_entry(&outbound->processes, i);
		bool open = find_incident(&process->key, world);
		uint64_t idle_ns = end_ns > process->last_ns ? end_ns - process->last_ns : 0;

		if (open || (process->steps >= OUTBOUND_WATCH && idle_ns < WATCH_NS))
			asks = true;
		if (process->told && !open)
			restart(process);
		else if (!open && idle_ns < WATCH_NS)
			judge(outbound, process, world);
		if (!open && (!process->last_ns || idle_ns >= FORGET_NS))
			table_remove(&outbound->processes, process); /* another one is at i now */
		else
			i++;
	}
	outbound->asks &= asks;
	if (asks)
		ask(outbound, world, end_ns);
}

/* --- the words --- */

static void add_kind(struct sentence *sentence, unsigned count, const char *kind, bool *any)
{
	if (!count)
		return;
	sentence_add(sentence, *any ? ", " : " (");
	sentence_add_number(sentence, count);
	sentence_add(sentence, kind);
	*any = true;
}

static void describe(const struct incident *incident, struct alert *alert)
{
	struct sentence sentence = {.text = alert->summary, .size = sizeof(alert->summary)};
	uint64_t ports = book_find_fact(incident, "ports");
	bool any = false;

	summary_begin_owner(&sentence, alert);
	sentence_add(&sentence, alert->status == ALERT_CLEARED ? " has stopped: it failed to reach "
							       : " fails to reach ");
	sentence_add_number(&sentence, incident->total);
	sentence_add(&sentence, " of ");
	sentence_add_count(&sentence, book_find_fact(incident, "destinations"), " new destination");
	add_kind(&sentence, book_find_fact(incident, "refused"), " refused", &any);
	add_kind(&sentence, book_find_fact(incident, "unanswered"), " unanswered", &any);
	sentence_add(&sentence, any ? ") in " : " in ");
	sentence_add_duration_ns(&sentence,
				 book_find_fact(incident, "duration_seconds") * SECOND_NS);
	sentence_add(&sentence, ": ");
	if (incident->peers_estimated)
		sentence_add(&sentence, "about ");
	summary_add_addresses(&sentence, incident->peers_all);
	sentence_add(&sentence, ", ");
	sentence_add_count(&sentence, ports, " port");
	if (ports == 1) {
		sentence_add(&sentence, " (");
		sentence_add_number(&sentence, incident->touched.ports[0]);
		sentence_add(&sentence, ")");
	}
	alert->advice =
		incident->severity < ALERT_CRITICAL
			? "Other processes reach nobody either: see first whether the network of "
			  "this host is down, and then what this process is after."
			: "Find out who started it (ps, ls -l /proc/PID/exe, its unit); if nobody "
			  "meant it to scan, treat this host as taken over and isolate it.";
}

const struct detector outbound_detector = {
	.kind = ALERT_OUTBOUND_SCAN,
	.classes = 1 << DETECT_CONNECT_REFUSED,
	.quiet_s = 60,
	.init = init,
	.event = event,
	.signal = signal,
	.count = count,
	.step = step,
	.describe = describe,
};

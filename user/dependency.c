// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "dependency.h"

#include <string.h>

#include "address.h"
#include "hash.h"
#include "settings.h"
#include "summary.h"
#include "units.h"

#define WINDOW_NS (10 * SECOND_NS)
#define STEADY_NS (60 * SECOND_NS)
#define PAUSE_NS  (4 * SECOND_NS) /* longer ones are a check's, and not somebody's who waits */
#define HEAR_NS	  (2 * SECOND_NS) /* until successes are told, from the first refusal on */
#define LOOKS	  16		  /* for one to give way, the oldest of them */
#define RACE_NS	  SECOND_NS	  /* to connect to the other family */

static void init(void *state, uint64_t seed)
{
	struct dependency *dependency = state;

	TABLE_INIT(dependency, targets, struct dependency_key, seed);
}

/* Events of several CPUs are a little out of order. */
static uint64_t since(uint64_t now_ns, uint64_t then_ns)
{
	return now_ns > then_ns ? now_ns - then_ns : 0;
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
	for (; *text; text++)
		hash = hash_mix(hash, (uint8_t)*text);
	return hash_mix(hash, 256);
}

static uint64_t application_of(const struct detect_world *world, uint32_t number)
{
	const struct process *process = processes_find(world->processes, number);

	if (!process)
		return number;
	return hash_text(hash_text(process->uid, process->comm), process->cgroup) | 1ULL << 63;
}

static struct book_key incident_key(const struct dependency_target *target)
{
	struct book_key key = {.kind = ALERT_DEPENDENCY_DOWN,
			       .role = RST_ROLE_CLIENT,
			       .netns = target->key.netns,
			       .process = target->process,
			       .port = target->key.port};

	memcpy(key.peer, target->key.peer, sizeof(key.peer));
	return key;
}

static struct incident *find_incident(const struct dependency_target *target,
				      const struct detect_world *world)
{
	struct book_key key = incident_key(target);

	return book_find(world->book, &key);
}

/* --- the targets --- */

static struct dependency_target *add_target(struct dependency *dependency,
					    const struct dependency_key *key)
{
	struct dependency_target *target = TABLE_ADD(&dependency->targets, key), *oldest = NULL;

	/* A few are looked at, and others the next time. */
	for (unsigned i = 0; !target && i < LOOKS; i++) {
		struct dependency_target *other =
			table_entry(&dependency->targets, dependency->next);

		dependency->next = (dependency->next + 1) % DEPENDENCY_TARGETS;
		if (!other->told && (!oldest || other->last_ns < oldest->last_ns))
			oldest = other;
	}
	if (!target && oldest) {
		TABLE_REPLACE(&dependency->targets, oldest, key);
		target = oldest;
	}
	return target;
}

/* The refusals so far are no matter any more; an incident may still be open. */
static void calm(struct dependency_target *target)
{
	memset(target->times, 0, sizeof(target->times));
	target->steady_ns = 0;
	target->told = false;
}

static void restart(struct dependency_target *target)
{
	calm(target);
	target->began_ns = target->refusals = 0;
	memset(&target->processes, 0, sizeof(target->processes));
}

static void note(struct dependency_target *target, uint32_t process, uint64_t time_ns)
{
	if (!target->began_ns) {
		target->began_ns = time_ns;
		target->process = process;
	}
	crowd_add(&target->processes, hash_mix(process, 0) >> 16);
	if (!target->steady_ns || since(time_ns, target->times[0]) >= PAUSE_NS)
		target->steady_ns = time_ns;
	target->pause_ns = target->last_ns ? since(time_ns, target->last_ns) : 0;
	target->last_ns = time_ns;
	memmove(target->times + 1, target->times, sizeof(target->times) - sizeof(target->times[0]));
	target->times[0] = time_ns;
	target->refusals++;
}

/* Whether the last so many came within ten seconds. */
static bool has_come(const struct dependency_target *target, unsigned count)
{
	uint64_t first_ns = target->times[count - 1];

	return first_ns && since(target->times[0], first_ns) < WINDOW_NS;
}

/* --- the incident --- */

static enum alert_severity severity_of(const struct dependency_target *target)
{
	bool steady = since(target->times[0], target->steady_ns) >= STEADY_NS;
	bool heard = since(target->times[0], target->began_ns) >= HEAR_NS;

	return heard && (steady || has_come(target, DEPENDENCY_THICK)) ? ALERT_WARNING : ALERT_INFO;
}

static void write_evidence(const struct dependency_target *target, struct incident *incident,
			   uint64_t now_ns, bool back)
{
	uint64_t lasted_ns = since(now_ns, target->began_ns);

	incident->total = target->refusals;
	incident->proof = ALERT_PROOF_ANSWERED;
	incident->owner =
		(struct owner){.known_by = target->process ? OWNER_SOCKET : OWNER_UNKNOWN};
	incident->owner_process = target->process;
	incident->peers_all = incident->peer_count = 1;
	incident->peers[0].count = target->refusals;
	memcpy(incident->peers[0].address, target->key.peer, sizeof(target->key.peer));
	book_fact(incident, "refusals", target->refusals);
	book_fact(incident, "processes", crowd_count(&target->processes));
	book_fact(incident, "down_seconds", (double)lasted_ns / SECOND_NS);
	if (lasted_ns >= SECOND_NS)
		book_fact(incident, "refusals_per_second",
			  (double)target->refusals * SECOND_NS / lasted_ns);
	if (target->success_ns && target->success_ns < target->began_ns)
		book_fact(incident, "seconds_since_success",
			  (double)since(now_ns, target->success_ns) / SECOND_NS);
	book_word(incident, "back", back ? "yes" : "no");
}

/* Whether it may yet connect to the same name's address of the other family. */
static bool is_racing(const struct dependency_target *target, uint64_t now_ns)
{
	return !address_is_ipv4(target->key.peer) && since(now_ns, target->began_ns) < HEAR_NS;
}

static void judge(struct dependency_target *target, struct detect_world *world, uint64_t now_ns)
{
	struct book_key key = incident_key(target);
	struct incident *incident;

	if (!target->told && (!has_come(target, DEPENDENCY_SEEN) || is_racing(target, now_ns)))
		return;
	incident = book_open(world->book, &key, severity_of(target), target->times[0]);
	if (!incident)
		return;
	target->told = true;
	write_evidence(target, incident, target->times[0], false);
}

static bool event(void *state, struct detect_world *world, const struct detect_event *seen)
{
	const struct rst_event *event = seen->event;
	struct dependency *dependency = state;
	struct dependency_key key = {.application = application_of(world, event->owner),
				     .netns = event->netns,
				     .port = event->peer_port};
	struct dependency_target *target;

	memcpy(key.peer, event->peer, sizeof(key.peer));
	target = add_target(dependency, &key);
	if (!target)
		return false;
	if (since(event->time_ns, target->times[0]) >= WINDOW_NS && !find_incident(target, world))
		restart(target);
	note(target, event->owner, event->time_ns);
	judge(target, world, event->time_ns);
	return find_incident(target, world);
}

static void succeed(struct dependency_target *target, struct detect_world *world, uint64_t time_ns)
{
	struct incident *incident = find_incident(target, world);

	if (!incident) {
		restart(target);
		return;
	}
	if (target->told) {
		write_evidence(target, incident, time_ns, true);
		book_end(incident, time_ns);
	}
	calm(target);
}

/* A name with two addresses: the one refused, the other one did not. */
static bool is_sibling(const struct dependency_target *target, const struct dependency_key *key,
		       uint64_t time_ns)
{
	return target->key.application == key->application && target->key.netns == key->netns &&
	       target->key.port == key->port &&
	       address_is_ipv4(target->key.peer) != address_is_ipv4(key->peer) &&
	       since(time_ns, target->times[0]) <= RACE_NS;
}

static void signal(void *state, struct detect_world *world, const struct rst_signal *signal)
{
	struct dependency *dependency = state;
	struct dependency_key key = {.netns = signal->netns, .port = signal->peer_port};
	struct dependency_target *target;

	if (signal->kind != RST_SIGNAL_CONNECTED)
		return;
	memcpy(key.peer, signal->peer, sizeof(key.peer));
	key.application = application_of(world, signal->owner);
	target = table_find(&dependency->targets, &key);
	if (target) {
		succeed(target, world, signal->time_ns);
		target->success_ns = signal->time_ns;
	}
	for (uint32_t i = 0; key.application && i < dependency->targets.used; i++) {
		target = table_entry(&dependency->targets, i);
		if (is_sibling(target, &key, signal->time_ns))
			succeed(target, world, signal->time_ns);
	}
}

static void step(void *state, struct detect_world *world, uint64_t start_ns, uint64_t end_ns)
{
	struct dependency *dependency = state;

	(void)start_ns;
	for (uint32_t i = 0; i < dependency->targets.used; i++) {
		struct dependency_target *target = table_entry(&dependency->targets, i);
		struct incident *incident = find_incident(target, world);

		if (target->told && !incident)
			restart(target);
		if (!target->told && since(end_ns, target->times[0]) < WINDOW_NS)
			judge(target, world, end_ns);
		/* A slow check that fails for ever is no reason to ask for ever. */
		if (incident ||
		    (target->pause_ns < PAUSE_NS && since(end_ns, target->last_ns) < WINDOW_NS))
			world->watch |= RST_WATCH_CONNECTS;
	}
}

/* --- the words --- */

static bool is_loopback(const uint8_t address[16])
{
	static const uint8_t six[16] = {[15] = 1};

	return address_is_ipv4(address) ? address[12] == 127 : !memcmp(address, six, sizeof(six));
}

static void describe(const struct incident *incident, struct alert *alert)
{
	struct sentence sentence = {.text = alert->summary, .size = sizeof(alert->summary)};
	uint64_t lasted_ns = book_find_fact(incident, "down_seconds") * SECOND_NS;
	double success = book_find_fact(incident, "seconds_since_success");
	uint64_t processes = book_find_fact(incident, "processes");
	bool over = alert->status == ALERT_CLEARED;

	summary_begin_owner(&sentence, alert);
	if (processes > 1 && !over) {
		sentence_add(&sentence, " and ");
		sentence_add_number(&sentence, processes - 1);
		sentence_add(&sentence, " more like it");
	}
	sentence_add(&sentence, !over		 ? " cannot connect to port "
				: incident->over ? " connects again to port "
						 : " no longer tries to connect to port ");
	sentence_add_number(&sentence, incident->key.port);
	sentence_add(&sentence, " of ");
	sentence_add_address(&sentence, incident->key.peer);
	sentence_add(&sentence, over ? ": it was refused " : ": refused ");
	sentence_add_count(&sentence, incident->total, " time");
	sentence_add(&sentence, " in ");
	sentence_add_duration_ns(&sentence, lasted_ns);
	if (success > 0 && !over) {
		sentence_add(&sentence, "; it last succeeded ");
		sentence_add_duration_ns(&sentence, success * SECOND_NS);
		sentence_add(&sentence, " ago");
	}
	if (over && incident->over)
		alert->advice = "It is over; see the log of that service for why it was away.";
	else if (is_loopback(incident->key.peer))
		alert->advice = "That service should be on this host: see whether it runs and on "
				"which address it listens (ss -ltn, systemctl --failed).";
	else
		alert->advice = "That host answers, but refuses: see there whether the service "
				"runs and on which address it listens (ss -ltn).";
}

const struct detector dependency_detector = {
	.kind = ALERT_DEPENDENCY_DOWN,
	.classes = 1 << DETECT_CONNECT_REFUSED,
	.quiet_s = 60,
	.init = init,
	.event = event,
	.signal = signal,
	.step = step,
	.describe = describe,
};

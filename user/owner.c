// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "owner.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>

#include "sentence.h"

static const char *const knowns[OWNER_KNOWNS] = {
	[OWNER_SOCKET] = "socket",
	[OWNER_LISTENER] = "listener",
	[OWNER_LAST_LISTENER] = "last_listener",
	[OWNER_KERNEL] = "kernel",
	[OWNER_FIREWALL] = "firewall",
};

#define SIGNAL(name) [name] = #name
static const char *const signals[] = {
	SIGNAL(SIGHUP),	 SIGNAL(SIGINT),   SIGNAL(SIGQUIT), SIGNAL(SIGILL),  SIGNAL(SIGTRAP),
	SIGNAL(SIGABRT), SIGNAL(SIGBUS),   SIGNAL(SIGFPE),  SIGNAL(SIGKILL), SIGNAL(SIGUSR1),
	SIGNAL(SIGSEGV), SIGNAL(SIGUSR2),  SIGNAL(SIGPIPE), SIGNAL(SIGALRM), SIGNAL(SIGTERM),
	SIGNAL(SIGCHLD), SIGNAL(SIGCONT),  SIGNAL(SIGSTOP), SIGNAL(SIGTSTP), SIGNAL(SIGTTIN),
	SIGNAL(SIGTTOU), SIGNAL(SIGURG),   SIGNAL(SIGXCPU), SIGNAL(SIGXFSZ), SIGNAL(SIGVTALRM),
	SIGNAL(SIGPROF), SIGNAL(SIGWINCH), SIGNAL(SIGIO),   SIGNAL(SIGPWR),  SIGNAL(SIGSYS),
};

const char *owner_known_name(enum owner_known known)
{
	return (unsigned)known < OWNER_KNOWNS ? knowns[known] : NULL;
}

/* What the records tell of the port. known_by stays unknown if nobody is known to have listened. */
static struct owner find_listener(const struct processes *processes,
				  const struct listeners *listeners, uint32_t netns,
				  const uint8_t *address, uint16_t port, uint64_t time_ns)
{
	struct owner owner = {.known_by = OWNER_UNKNOWN};
	struct listener_answer answer;

	if (!listeners_find(listeners, netns, address, port, time_ns, &answer))
		return owner;
	owner.known_by = answer.listening ? OWNER_LISTENER : OWNER_LAST_LISTENER;
	owner.process = processes_find(processes, answer.owner);
	if (answer.listening)
		return owner;
	owner.stopped_ns = answer.stopped_ns;
	owner.exited = answer.exited;
	owner.exit_status = answer.exit_status;
	return owner;
}

/* For a closed port: whoever listens there on other addresses only. */
static void find_elsewhere(struct owner *owner, const struct processes *processes,
			   const struct listeners *listeners, const struct rst_event *event)
{
	struct listener_answer answer;

	if (event->cause != RST_CLOSED_PORT || owner->known_by == OWNER_LISTENER ||
	    !listeners_find(listeners, event->netns, NULL, event->local_port, event->time_ns,
			    &answer) ||
	    !answer.listening)
		return;
	owner->elsewhere = true;
	owner->neighbor = processes_find(processes, answer.owner);
}

struct owner owner_of_event(const struct processes *processes, const struct listeners *listeners,
			    const struct rst_event *event)
{
	struct owner owner = {.known_by = OWNER_UNKNOWN};

	if (event->owner) {
		owner.known_by =
			event->state == RST_STATE_LISTEN || event->state == RST_STATE_NEW_SYN_RECV
				? OWNER_LISTENER
				: OWNER_SOCKET;
		owner.process = processes_find(processes, event->owner);
		return owner;
	}
	if (event->cause == RST_FIREWALL || event->flags & RST_EVENT_KERNEL) {
		owner.known_by = event->cause == RST_FIREWALL ? OWNER_FIREWALL : OWNER_KERNEL;
		return owner;
	}
	if (event->role != RST_ROLE_CLIENT)
		owner = find_listener(processes, listeners, event->netns, event->local,
				      event->local_port, event->time_ns);
	if (owner.known_by == OWNER_UNKNOWN && !event->state)
		owner.known_by = OWNER_KERNEL;
	owner.watched = listeners->places.used;
	find_elsewhere(&owner, processes, listeners, event);
	return owner;
}

/* Whether resets of that cause are a listening socket's, or a half-open connection's: the key has
 * no state. */
static bool is_of_listener(const struct rst_port_key *key)
{
	switch (key->cause) {
	case RST_QUEUE_FULL:
	case RST_STAGE_HANDSHAKE:
		return true;
	case RST_HALF_OPEN:
	case RST_INVALID:
		return key->role == RST_ROLE_SERVER;
	default:
		return false;
	}
}

/* Likewise, whether there is no socket. */
static bool is_of_nobody(const struct rst_port_key *key)
{
	switch (key->cause) {
	case RST_CLOSED_PORT:
	case RST_HALF_OPEN:
	case RST_STAGE_STRAY:
		return true;
	default:
		return false;
	}
}

struct owner owner_of_key(const struct processes *processes, const struct listeners *listeners,
			  const struct rst_port_key *key, uint64_t time_ns)
{
	struct owner owner = {.known_by = OWNER_UNKNOWN};

	if (key->owner) {
		owner.known_by = is_of_listener(key) ? OWNER_LISTENER : OWNER_SOCKET;
		owner.process = processes_find(processes, key->owner);
		return owner;
	}
	if (key->cause == RST_FIREWALL) {
		owner.known_by = OWNER_FIREWALL;
		return owner;
	}
	if (key->role != RST_ROLE_CLIENT)
		owner = find_listener(processes, listeners, key->netns, NULL, key->port, time_ns);
	if (owner.known_by == OWNER_UNKNOWN && is_of_nobody(key))
		owner.known_by = OWNER_KERNEL;
	return owner;
}

unsigned owner_exit_format(char text[OWNER_EXIT_BYTES], uint32_t exit_status)
{
	struct sentence sentence = {.text = text, .size = OWNER_EXIT_BYTES};
	unsigned number = exit_status & 0x7f;

	if (!number) {
		sentence_add(&sentence, "exited with status ");
		sentence_add_number(&sentence, exit_status >> 8 & 0xff);
	} else if (number < sizeof(signals) / sizeof(signals[0]) && signals[number]) {
		sentence_add(&sentence, "killed by ");
		sentence_add(&sentence, signals[number]);
	} else {
		sentence_add(&sentence, "killed by signal ");
		sentence_add_number(&sentence, number);
	}
	return sentence.length;
}

uint32_t owner_keep(struct owner *kept, const struct owner *owner)
{
	*kept = *owner;
	kept->process = kept->neighbor = NULL;
	return owner->process ? owner->process->number : 0;
}

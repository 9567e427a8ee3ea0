// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "explain.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "address.h"
#include "phrase.h"

#define REASON_SHOWN 44
#define IDLE_MS	     10000 /* from here on it may be why */

struct words {
	struct sentence sentence;
	const struct rst_event *event;
	const struct rst_connection *connection;
	const struct owner *owner;
	const char *reason;
};

static void say(struct words *words, const char *text)
{
	sentence_add(&words->sentence, text);
}

static void say_number(struct words *words, uint64_t number)
{
	sentence_add_number(&words->sentence, number);
}

/* "3.2 s ago, killed by SIGSEGV", with any marks around how. */
static void say_stopped(struct words *words, const char *before, const char *behind)
{
	const struct owner *owner = words->owner;
	uint64_t time_ns = words->event->time_ns;
	char how[OWNER_EXIT_BYTES];

	phrase_add_duration(&words->sentence, time_ns > owner->stopped_ns
						      ? (time_ns - owner->stopped_ns) / 1000000
						      : 0);
	say(words, " ago");
	if (!owner->exited)
		return;
	owner_exit_format(how, owner->exit_status);
	say(words, before);
	say(words, how);
	say(words, behind);
}

/* The clause behind a port, of who listens there. Whether there is one. */
static bool say_where(struct words *words)
{
	const struct owner *owner = words->owner;

	if (owner->known_by == OWNER_LISTENER && owner->process) {
		say(words, ", where ");
		phrase_add_process(&words->sentence, owner->process);
		say(words, " listens");
		return true;
	}
	if (owner->known_by == OWNER_LAST_LISTENER) {
		say(words, ", where ");
		phrase_add_process(&words->sentence, owner->process);
		say(words, " listened until ");
		say_stopped(words, " (", ")");
		return true;
	}
	return false;
}

static void say_port(struct words *words)
{
	say(words, "port ");
	say_number(words, words->event->local_port);
}

/* The peer: with its port, unless that is one that its kernel chose. */
static void say_peer(struct words *words)
{
	bool port = words->event->role != RST_ROLE_SERVER;
	bool bracket = port && !address_is_ipv4(words->event->peer);
	char address[ADDRESS_BYTES];

	address_format(address, words->event->peer);
	if (bracket)
		say(words, "[");
	say(words, address);
	if (bracket)
		say(words, "]");
	if (port) {
		say(words, ":");
		say_number(words, words->event->peer_port);
	}
}

/* Whose socket it is, if that is known. */
static void say_of(struct words *words)
{
	const struct owner *owner = words->owner;

	if (owner->known_by == OWNER_SOCKET && owner->process) {
		say(words, " of ");
		phrase_add_process(&words->sentence, owner->process);
	} else if (owner->known_by == OWNER_KERNEL && words->event->flags & RST_EVENT_KERNEL) {
		say(words, " of the kernel");
	}
}

static void say_connection(struct words *words)
{
	say(words, "the connection");
	switch (words->event->role) {
	case RST_ROLE_SERVER:
		say(words, " from ");
		say_peer(words);
		say(words, " to ");
		say_port(words);
		break;
	case RST_ROLE_CLIENT:
		say(words, " to ");
		say_peer(words);
		break;
	default:
		say(words, " between ");
		say_port(words);
		say(words, " and ");
		say_peer(words);
	}
}

/* The same for a sentence that is about the peer, and whose it is here. Whether it ends with a
 * clause. */
static bool say_its_connection(struct words *words)
{
	say(words, "its connection ");
	if (words->event->role == RST_ROLE_CLIENT) {
		say(words, "with ");
		if (words->owner->known_by == OWNER_SOCKET)
			phrase_add_process(&words->sentence, words->owner->process);
		else
			say(words,
			    words->event->flags & RST_EVENT_KERNEL ? "the kernel" : "this host");
		return false;
	}
	say(words, words->event->role == RST_ROLE_SERVER ? "to " : "with ");
	say_port(words);
	say_of(words);
	return say_where(words);
}

/* How far the connection had come. */
static void say_past(struct words *words, bool clause)
{
	const struct rst_connection *past = words->connection;
	bool data;

	if (!past)
		return;
	data = past->bytes_in || past->bytes_out;
	if (clause)
		say(words, ",");
	if (past->age_ms != RST_AGE_UNKNOWN) {
		say(words, " after ");
		phrase_add_duration(&words->sentence, past->age_ms);
	}
	if (!data) {
		say(words, " without data");
		return;
	}
	say(words, past->age_ms != RST_AGE_UNKNOWN ? ", " : " after ");
	phrase_add_bytes(&words->sentence, past->bytes_in);
	say(words, " in, ");
	phrase_add_bytes(&words->sentence, past->bytes_out);
	say(words, " out");
	if (past->idle_ms != RST_AGE_UNKNOWN && past->idle_ms >= IDLE_MS) {
		say(words, ", idle for ");
		phrase_add_duration(&words->sentence, past->idle_ms);
	}
}

/* Who acts: begins a sentence. */
static void say_actor(struct words *words)
{
	switch (words->owner->known_by) {
	case OWNER_SOCKET:
		phrase_add_process(&words->sentence, words->owner->process);
		return;
	case OWNER_LISTENER:
	case OWNER_LAST_LISTENER:
		/* The socket's process is not known: perhaps a worker of the one that listens. */
		say(words, "A process behind ");
		say_port(words);
		if (say_where(words))
			say(words, ",");
		return;
	case OWNER_KERNEL:
		say(words, "The kernel");
		return;
	default:
		say(words, "This host");
	}
}

static void explain_aborted(struct words *words)
{
	static const struct {
		const char *reason, *before, *behind;
	} kinds[] = {
		{"TCP_ABORT_ON_CLOSE", " closed ", " with unread data"},
		{"TCP_ABORT_ON_DATA", " had closed ", " when more data came in"},
		{"TCP_ABORT_ON_LINGER", " closed ",
		 " and did not wait for the other end (TCP_LINGER2)"},
		{"TCP_DISCONNECT_WITH_DATA", " disconnected ", " with data not yet sent"},
	};
	const char *behind = "";
	bool found = !words->reason;

	say_actor(words);
	for (unsigned i = 0; !found && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(words->reason, kinds[i].reason))
			continue;
		say(words, kinds[i].before);
		behind = kinds[i].behind;
		found = true;
	}
	if (!behind[0])
		say(words, " aborted ");
	if (!found)
		behind = " (SO_LINGER 0, a disconnect, or an administrator)";
	say_connection(words);
	say(words, behind);
	say_past(words, false);
}

static void explain_closed_port(struct words *words)
{
	const struct owner *owner = words->owner;
	char address[ADDRESS_BYTES];

	address_format(address, words->event->local);
	if (owner->known_by == OWNER_LISTENER) {
		phrase_add_process(&words->sentence, owner->process);
		say(words, " listens on ");
		say_port(words);
		say(words, ", but had no part in this SYN from ");
		say_peer(words);
		say(words, ": bound to an interface, or only just started");
		return;
	}
	say(words, "Nothing listens on ");
	say_port(words);
	if (owner->elsewhere) {
		say(words, " of ");
		say(words, address);
	}
	if (owner->known_by == OWNER_LAST_LISTENER) {
		say(words, ": ");
		phrase_add_process(&words->sentence, owner->process);
		say(words, owner->exited ? " stopped " : " stopped listening ");
		say_stopped(words, ", ", "");
	} else if (owner->elsewhere) {
		say(words, ": ");
		phrase_add_process(&words->sentence, owner->neighbor);
		say(words, " does, on another address");
	} else if (owner->known_by == OWNER_KERNEL && owner->watched) {
		say(words, ", and nothing has since rstwatch started");
	}
}

static void explain_half_open(struct words *words)
{
	say_peer(words);
	if (words->event->role == RST_ROLE_CLIENT) {
		if (words->owner->known_by == OWNER_SOCKET) {
			say(words, " answered another connection attempt than that");
			say_of(words);
		} else {
			say(words, " answered a connection attempt that this host does not know");
		}
		return;
	}
	say(words, " talks to ");
	say_port(words);
	say_of(words);
	if (say_where(words))
		say(words, ",");
	say(words, " on a connection that this host does not know");
}

/* The peer did something to the connection. */
static void explain_peer(struct words *words, const char *did, const char *behind, bool past)
{
	bool clause;

	say_peer(words);
	say(words, did);
	clause = say_its_connection(words);
	if (behind[0] && clause && behind[0] != ',')
		say(words, ",");
	say(words, behind);
	if (past)
		say_past(words, clause || behind[0]);
}

/* The kernel, or a rule in it, did. */
static void explain_host(struct words *words, const char *did)
{
	say(words, did);
	say_connection(words);
	say_of(words);
	say_past(words, say_where(words));
}

static void explain_queue_full(struct words *words)
{
	const struct owner *owner = words->owner;
	bool known = owner->process &&
		     (owner->known_by == OWNER_LISTENER || owner->known_by == OWNER_SOCKET);

	if (known) {
		phrase_add_process(&words->sentence, owner->process);
		say(words, " accepts too slowly: its accept queue on ");
	} else {
		say(words, "The accept queue of ");
	}
	say_port(words);
	say(words, " is full, and net.ipv4.tcp_abort_on_overflow is set");
}

static void explain_unknown(struct words *words)
{
	explain_host(words, "This host reset ");
	if (words->reason) {
		say(words, ", for a reason that rstwatch does not know: ");
		phrase_add_foreign(&words->sentence, words->reason, REASON_SHOWN);
	} else {
		say(words, ", and the kernel does not say why");
	}
}

static void explain_refused(struct words *words)
{
	say_peer(words);
	say(words, " refused the connection that ");
	if (words->owner->known_by == OWNER_SOCKET)
		phrase_add_process(&words->sentence, words->owner->process);
	else
		say(words, words->event->flags & RST_EVENT_KERNEL ? "the kernel" : "this host");
	say(words, " was opening");
}

static void explain_stray(struct words *words)
{
	say_peer(words);
	say(words, " reset a connection with ");
	say_port(words);
	say_of(words);
	if (say_where(words))
		say(words, ",");
	say(words, " that this host does not know");
}

static void explain(struct words *words)
{
	switch (words->event->cause) {
	case RST_CLOSED_PORT:
		explain_closed_port(words);
		break;
	case RST_ABORTED:
		explain_aborted(words);
		break;
	case RST_HALF_OPEN:
		explain_half_open(words);
		break;
	case RST_TIME_WAIT:
		explain_peer(words, " went on with ", ", after this host had closed it (TIME_WAIT)",
			     false);
		break;
	case RST_QUEUE_FULL:
		explain_queue_full(words);
		break;
	case RST_NO_MEMORY:
		explain_host(words, "The kernel is short of socket memory and gave up ");
		break;
	case RST_KEEPALIVE:
		explain_peer(words, " no longer answers the keepalive probes on ", "", true);
		break;
	case RST_INVALID:
		explain_peer(words, " sent a segment that breaks the handshake of ", "", false);
		break;
	case RST_MPTCP:
		explain_host(words, "Multipath TCP reset ");
		if (words->reason) {
			say(words, ": ");
			phrase_add_foreign(&words->sentence, words->reason, REASON_SHOWN);
		}
		break;
	case RST_FIREWALL:
		explain_host(words, "A firewall rule of this host rejected ");
		break;
	case RST_STAGE_REFUSED:
		explain_refused(words);
		break;
	case RST_STAGE_HANDSHAKE:
		explain_peer(words, " gave up ", " half-way through the handshake", false);
		break;
	case RST_STAGE_ESTABLISHED:
		explain_peer(words, " aborted ", "", true);
		break;
	case RST_STAGE_CLOSING:
		explain_peer(words, " aborted ", " while it was being closed", true);
		break;
	case RST_STAGE_TIME_WAIT:
		explain_peer(words, " reset ",
			     words->event->flags & RST_EVENT_FREED
				     ? ", which this host had closed, and ended its TIME_WAIT early"
				     : ", which this host had closed (TIME_WAIT), to no effect",
			     false);
		break;
	case RST_STAGE_STRAY:
		explain_stray(words);
		break;
	case RST_STAGE_REJECTED:
		explain_peer(words, " sent a reset that does not fit ", ", and was not accepted",
			     false);
		break;
	default:
		if (words->event->direction == RST_RECEIVED)
			explain_peer(words, " reset ", "", true);
		else
			explain_unknown(words);
	}
}

void explain_event(char text[EXPLAIN_BYTES], const struct rst_event *event,
		   const struct rst_connection *connection, const struct owner *owner,
		   const char *reason)
{
	struct words words = {.sentence = {.text = text, .size = EXPLAIN_BYTES},
			      .event = event,
			      .connection = connection,
			      .owner = owner,
			      .reason = reason};

	if (reason && !strcmp(reason, "NOT_SPECIFIED"))
		words.reason = NULL;
	text[0] = '\0';
	explain(&words);
	say(&words, ".");
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From what a hook saw to what the reset means: cause, stage, role, service port. Pure functions,
 * compiled for the kernel and for the unit tests alike.
 *
 * Source of the facts: the callers of trace_tcp_send_reset() and tcp_reset() in net/ipv4 and
 * net/ipv6 of Linux 5.10 to 7.3, each checked by making the kernel send that reset.
 */
#ifndef RSTWATCH_BPF_CLASSIFY_H
#define RSTWATCH_BPF_CLASSIFY_H

#ifndef __bpf__
#include <stdbool.h>
#endif

#include "event.h"

/*
 * What a kernel reason says of the cause: an enum rst_cause, or one of these where the segment has
 * to decide. User space fills the tables from the kernel's BTF (user/names.c).
 */
enum {
	CLASSIFY_NONE = 0,	   /* no reason given: infer */
	CLASSIFY_NO_SOCKET = 64,   /* SYN: closed port; else half-open */
	CLASSIFY_INVALID_SYN = 65, /* SYN: invalid; else the accept queue was full */
};

/* What a drop reason says of the stage of the reset that was dropped: an enum rst_cause, or: */
enum {
	CLASSIFY_OUTSIDE = 0,	/* it never reached TCP, or was no valid segment */
	CLASSIFY_UNTOLD = 66,	/* no reason given: a mini-socket had it */
	CLASSIFY_BY_STATE = 67, /* the state of the socket decides */
};

/* What the hook knows beside the event when it asks for a cause. */
struct classify_hints {
	bool queue_full; /* the listener's accept queue */
	bool no_request; /* no half-open inbound connection had the segment: tcp_check_req() */
	bool orphan;	 /* no program has the socket any more: SOCK_DEAD */
	bool probing;	 /* keepalive is on, and probes are unanswered */
};

static inline bool classify_opens(__u8 trigger)
{
	return (trigger & (RST_FLAG_SYN | RST_FLAG_ACK)) == RST_FLAG_SYN;
}

/* Of our own accord: no segment provoked it. The state is CLOSE if the socket was closed first, and
 * the connection's own if a timer or another program did it. */
static inline __u8 classify_active(const struct rst_event *event,
				   const struct classify_hints *hints)
{
	if (event->state == RST_STATE_CLOSE || event->state == RST_STATE_FIN_WAIT2)
		return RST_ABORTED;
	if (hints->orphan)
		return RST_NO_MEMORY;
	return hints->probing ? RST_KEEPALIVE : RST_ABORTED;
}

/* Why the kernel sent a reset for which it gave no reason. */
static inline __u8 classify_without_reason(const struct rst_event *event,
					   const struct classify_hints *hints)
{
	if (!(event->flags & RST_EVENT_TRIGGER))
		return classify_active(event, hints);

	switch (event->state) {
	case 0:
		return classify_opens(event->trigger) ? RST_CLOSED_PORT : RST_HALF_OPEN;
	case RST_STATE_TIME_WAIT:
		return RST_TIME_WAIT;
	case RST_STATE_LISTEN:
		/* Only Multipath TCP refuses a SYN that a listener has for the first time. */
		if (classify_opens(event->trigger))
			return hints->no_request ? RST_MPTCP : RST_INVALID;
		return hints->queue_full && !hints->no_request ? RST_QUEUE_FULL : RST_HALF_OPEN;
	case RST_STATE_SYN_RECV:
	case RST_STATE_NEW_SYN_RECV:
		return RST_INVALID;
	case RST_STATE_SYN_SENT:
		return RST_HALF_OPEN;
	default:
		return RST_ABORTED; /* data after close */
	}
}

/* Why we sent it. meaning: what the reason table says. */
static inline __u8 classify_cause(const struct rst_event *event, __u8 meaning,
				  const struct classify_hints *hints)
{
	switch (meaning) {
	case CLASSIFY_NONE:
		return classify_without_reason(event, hints);
	case CLASSIFY_NO_SOCKET:
		return classify_opens(event->trigger) ? RST_CLOSED_PORT : RST_HALF_OPEN;
	case CLASSIFY_INVALID_SYN:
		return event->trigger & RST_FLAG_SYN ? RST_INVALID : RST_QUEUE_FULL;
	default:
		return meaning < RST_CAUSES ? meaning : RST_UNKNOWN;
	}
}

/* What a received reset hit, from the state that the socket was in. */
static inline __u8 classify_stage(__u8 state)
{
	switch (state) {
	case RST_STATE_SYN_SENT:
		return RST_STAGE_REFUSED;
	case RST_STATE_SYN_RECV:
	case RST_STATE_NEW_SYN_RECV:
		return RST_STAGE_HANDSHAKE;
	case RST_STATE_ESTABLISHED:
		return RST_STAGE_ESTABLISHED;
	case RST_STATE_TIME_WAIT:
		return RST_STAGE_TIME_WAIT;
	default:
		return RST_STAGE_CLOSING;
	}
}

/*
 * What a reset hit that TCP dropped without acting on a full socket; 0 if it never reached TCP.
 * state: of the socket that it was held against, 0 if none is known. gone: that was a mini-socket,
 * and it is no longer in the table of connections. meaning: what the table of drop reasons says.
 *
 * A half-open connection is shown as itself (NEW_SYN_RECV) where tcp_check_req() can be hooked, and
 * as its listener otherwise.
 */
static inline __u8 classify_dropped(__u8 state, bool gone, __u8 meaning)
{
	if (meaning == CLASSIFY_OUTSIDE)
		return 0;
	switch (state) {
	case RST_STATE_TIME_WAIT:
		return RST_STAGE_TIME_WAIT;
	case RST_STATE_NEW_SYN_RECV:
		return gone ? RST_STAGE_HANDSHAKE : RST_STAGE_REJECTED;
	case RST_STATE_CLOSE:
		return RST_STAGE_STRAY;
	case RST_STATE_LISTEN:
		if (meaning == CLASSIFY_BY_STATE)
			return RST_STAGE_STRAY;
		break;
	case 0:
		break;
	default:
		return RST_STAGE_REJECTED;
	}
	if (meaning == CLASSIFY_UNTOLD)
		return RST_STAGE_HANDSHAKE;
	return meaning < RST_CAUSES ? meaning : RST_STAGE_REJECTED;
}

/* tcp_set_state() counts EstabResets when a connection that has not sent its FIN is closed. */
static inline bool classify_is_established(__u8 state)
{
	return state == RST_STATE_ESTABLISHED || state == RST_STATE_CLOSE_WAIT;
}

/*
 * The kernel's counters that this reset moved or is about to move: RST_MOVES_*. was_established:
 * the socket is in CLOSE already, and was in ESTABLISHED or CLOSE_WAIT before.
 *
 * OutRsts: at the end of tcp_v4_send_reset() and tcp_v6_send_response(), and in
 * tcp_send_active_reset(). AttemptFails and EmbryonicRsts: tcp_check_req(), and AttemptFails also
 * tcp_done() of a socket in SYN_SENT or SYN_RECV. EstabResets: tcp_set_state().
 */
static inline __u8 classify_moves(const struct rst_event *event, bool was_established)
{
	bool established = was_established || classify_is_established(event->state);
	bool provoked = event->flags & RST_EVENT_TRIGGER;

	if (event->cause == RST_STAGE_HANDSHAKE && event->state == RST_STATE_NEW_SYN_RECV)
		return RST_MOVES_ATTEMPT_FAILS | RST_MOVES_EMBRYONIC_RSTS;
	if (event->direction == RST_RECEIVED)
		switch (event->cause) {
		case RST_STAGE_REFUSED:
		case RST_STAGE_HANDSHAKE:
			return RST_MOVES_ATTEMPT_FAILS;
		case RST_STAGE_ESTABLISHED:
		case RST_STAGE_CLOSING:
			return established ? RST_MOVES_ESTAB_RESETS : 0;
		default:
			return 0;
		}
	if (event->cause == RST_FIREWALL)
		return 0;
	if (provoked && event->state == RST_STATE_LISTEN) {
		if (event->cause == RST_INVALID && event->trigger & RST_FLAG_SYN)
			return RST_MOVES_OUT_RSTS | RST_MOVES_ATTEMPT_FAILS |
			       RST_MOVES_EMBRYONIC_RSTS;
		if (event->cause == RST_QUEUE_FULL)
			return RST_MOVES_OUT_RSTS | RST_MOVES_EMBRYONIC_RSTS;
	}
	/* A provoked one ends a socket only if it is closed already: data after close. */
	if (established && (!provoked || event->state == RST_STATE_CLOSE))
		return RST_MOVES_OUT_RSTS | RST_MOVES_ESTAB_RESETS;
	/* tcp_abort() sends first and closes then. */
	if (!provoked && event->state == RST_STATE_SYN_RECV)
		return RST_MOVES_OUT_RSTS | RST_MOVES_ATTEMPT_FAILS;
	return RST_MOVES_OUT_RSTS;
}

/*
 * Our role, as far as the state and the provoking segment tell; the socket itself may know better
 * (sock_role() in sock.h).
 */
static inline __u8 classify_role(const struct rst_event *event)
{
	switch (event->state) {
	case RST_STATE_SYN_SENT:
		return RST_ROLE_CLIENT;
	case RST_STATE_LISTEN:
	case RST_STATE_NEW_SYN_RECV:
		return RST_ROLE_SERVER;
	}
	if (!(event->flags & RST_EVENT_TRIGGER))
		return RST_ROLE_UNKNOWN;
	if (!(event->trigger & RST_FLAG_ACK))
		return RST_ROLE_SERVER; /* a SYN, or a probe: no connection sends without ACK */
	if (event->trigger & RST_FLAG_SYN)
		return RST_ROLE_CLIENT; /* the answer to a SYN of ours */
	return RST_ROLE_UNKNOWN;
}

static inline __u16 classify_port(const struct rst_event *event)
{
	switch (event->role) {
	case RST_ROLE_SERVER:
		return event->local_port;
	case RST_ROLE_CLIENT:
		return event->peer_port;
	default:
		return event->local_port < event->peer_port ? event->local_port : event->peer_port;
	}
}

/* Under which key the reset is counted. */
static inline struct rst_port_key classify_port_key(const struct rst_event *event)
{
	struct rst_port_key key = {
		.netns = event->netns,
		.port = classify_port(event),
		.direction = event->direction,
		.cause = event->cause,
		.reason = event->direction == RST_SENT ? event->reason : 0,
		.role = event->role,
		.moves = event->moves,
		.owner = event->owner,
	};

	return key;
}

#endif

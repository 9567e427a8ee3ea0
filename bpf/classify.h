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
 * to decide. User space fills the table from the kernel's BTF (user/names.c).
 */
enum {
	CLASSIFY_NONE = 0,	   /* no reason given: infer */
	CLASSIFY_NO_SOCKET = 64,   /* SYN: closed port; else half-open */
	CLASSIFY_INVALID_SYN = 65, /* SYN: invalid; else the accept queue was full */
};

static inline bool classify_opens(__u8 trigger)
{
	return (trigger & (RST_FLAG_SYN | RST_FLAG_ACK)) == RST_FLAG_SYN;
}

/* Why the kernel sent a reset for which it gave no reason. */
static inline __u8 classify_without_reason(const struct rst_event *event, bool queue_full)
{
	if (!(event->flags & RST_EVENT_TRIGGER))
		return event->state == RST_STATE_CLOSE ? RST_ABORTED : RST_UNKNOWN;

	switch (event->state) {
	case 0:
		return classify_opens(event->trigger) ? RST_CLOSED_PORT : RST_HALF_OPEN;
	case RST_STATE_TIME_WAIT:
		return RST_TIME_WAIT;
	case RST_STATE_LISTEN:
		if (event->trigger & RST_FLAG_SYN && !(event->trigger & RST_FLAG_ACK))
			return RST_INVALID;
		return queue_full ? RST_QUEUE_FULL : RST_HALF_OPEN;
	case RST_STATE_SYN_RECV:
	case RST_STATE_NEW_SYN_RECV:
		return RST_INVALID;
	case RST_STATE_SYN_SENT:
		return RST_HALF_OPEN;
	default:
		return RST_ABORTED; /* data after close */
	}
}

/* Why we sent it. meaning: what the reason table says; queue_full: the listener's accept queue. */
static inline __u8 classify_cause(const struct rst_event *event, __u8 meaning, bool queue_full)
{
	switch (meaning) {
	case CLASSIFY_NONE:
		return classify_without_reason(event, queue_full);
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

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A reset that this host sends, from the two things every hook on the way has: the socket, if there
 * is one, and the segment that provoked it, if one did.
 */
#ifndef RSTWATCH_BPF_SENT_H
#define RSTWATCH_BPF_SENT_H

#include "vmlinux.h"
#include "classify.h"
#include "connection.h"
#include "count.h"
#include "note.h"
#include "holder.h"
#include "packet.h"
#include "sock.h"
#include "track.h"

#define SENT_NO_REASON (~0ULL)

/* What has to stand in for a reason that the kernel does not give. */
static __always_inline struct classify_hints
sent_hints(const struct rst_event *event, const struct sock *sk, const struct sk_buff *skb)
{
	struct classify_hints hints = {0};
	struct packet packet;

	if (!sk)
		return hints;
	if (event->state == RST_STATE_LISTEN && skb) {
		hints.queue_full = sock_queue_full(sk);
		packet = packet_of_tcp(skb);
		hints.no_request =
			rst_control.noted & RST_NOTED_REQUESTS && !note_take(skb, &packet);
	} else if (!skb) {
		hints.orphan = sock_flag(sk, SOCK_FLAG_DEAD);
		hints.probing = sock_is_probing(sk);
	}
	return hints;
}

/* Whose it is. A socket that was closed just now, by whoever runs, is no longer in the state that
 * it is about; one that an administrator or a timer resets still is. */
static __always_inline __u32 sent_owner(struct rst_event *event, const struct sock *sk,
					const struct sk_buff *skb)
{
	if (!skb && event->state == RST_STATE_CLOSE)
		return holder_acting(event, sk);
	return holder_in(event, sk, event->state);
}

/* The state that the socket was in before it was closed, if the closing has come first. */
static __always_inline __u8 sent_state_before(const struct rst_event *event, const struct sock *sk)
{
	struct rst_socket *entry;
	__u8 before;

	if (event->state != RST_STATE_CLOSE)
		return event->state;
	entry = track_find(sk);
	before = entry ? entry->facts & TRACK_STATE : 0;
	return before ? before : RST_STATE_CLOSE;
}

/*
 * sk: NULL, or a full socket, or a mini-socket in TIME_WAIT. skb: NULL only with a full socket.
 * reason: the kernel's number, or SENT_NO_REASON.
 */
static __always_inline int sent_count(const struct sock *sk, const struct sk_buff *skb,
				      __u64 reason, __u32 maker)
{
	struct classify_hints hints = {0};
	struct rst_sketch *sketch;
	struct rst_draft *draft = count_begin(&sketch, maker, RST_SENT);
	struct rst_event *event = &draft->event;
	__u8 meaning = CLASSIFY_NONE, before;
	bool connected;

	if (!draft)
		return 0;
	if (reason != SENT_NO_REASON) {
		if (reason < RST_REASONS)
			event->reason = reason;
		event->flags |= RST_EVENT_REASON;
		meaning = rst_settings.meaning[event->reason & (RST_REASONS - 1)];
	}
	if (sk) {
		event->state = KERNEL_READ(sk, sock, __sk_common.skc_state);
		event->netns = sock_netns(sk);
	} else {
		event->netns = packet_netns(skb);
	}
	if (skb) {
		struct packet packet = packet_of_tcp(skb);

		packet_read(event, &packet);
		event->flags |= RST_EVENT_TRIGGER;
	} else {
		sock_read(event, sk);
	}
	event->role = sock_role_in(event, sk);
	if (meaning == CLASSIFY_NONE)
		hints = sent_hints(event, sk, skb);
	event->cause = classify_cause(event, meaning, &hints);
	event->owner = sent_owner(event, sk, skb);
	before = sent_state_before(event, sk);
	event->moves = classify_moves(event, classify_is_established(before));
	/* Data after close: tcp_done() has run, and tcp_receive_reset has fired without a RST. */
	count_release(sketch, skb && event->state == RST_STATE_CLOSE ? sk : (void *)0, maker);
	connected = sock_is_connected(event->state);
	if (connected)
		connection_read(&draft->connection, sk);
	event->state = before;
	return count_end(draft, sketch, maker, connected);
}

#endif

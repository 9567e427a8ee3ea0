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
#include "draft.h"
#include "holder.h"
#include "note.h"
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

/* Keeps the kernel's reason, and says what it means. */
static __always_inline __u8 sent_meaning(struct rst_event *event, __u64 reason)
{
	if (reason == SENT_NO_REASON)
		return CLASSIFY_NONE;
	event->flags |= RST_EVENT_REASON;
	if (reason >= RST_REASONS)
		return rst_settings.meaning[0];
	event->reason = reason;
	return rst_settings.meaning[reason];
}

/* In answer to a segment that no socket has: what a flood and a scan get. */
static KERNEL_INLINE int sent_without_socket(const struct sk_buff *skb, __u64 reason, __u32 maker)
{
	struct rst_event event = {.direction = RST_SENT, .flags = RST_EVENT_TRIGGER};
	struct classify_hints hints = {0};
	struct packet packet = packet_of_tcp(skb);
	struct rst_sketch *sketch;
	__u32 as;
	__u8 meaning;

	event.slice = rst_control.slice;
	sketch = sketch_of(event.slice);
	if (!sketch)
		return 0; /* cannot be: see sketch_of() */
	event.netns = packet_netns(skb);
	packet_read_peer(&event, &packet);
	meaning = sent_meaning(&event, reason);
	event.cause = classify_cause(&event, meaning, &hints);
	event.role = classify_role(&event);
	event.moves = classify_moves(&event, false);
	as = draft_enter(sketch, maker);
	draft_release(sketch, (void *)0, maker);
	if (count_event_in(sketch, &event, as)) {
		packet_read_local(&event, &packet);
		draft_stream(&event, sketch, as);
	}
	draft_leave(sketch, maker);
	return 0;
}

/*
 * sk: a full socket, or a mini-socket in TIME_WAIT. skb: NULL only with a full socket. reason: the
 * kernel's number, or SENT_NO_REASON. Apart from the above, so that a flood meets little code.
 */
static __noinline int sent_with_socket(const struct sock *sk, const struct sk_buff *skb,
				       __u64 reason, __u32 maker)
{
	struct classify_hints hints = {0};
	struct rst_sketch *sketch;
	struct rst_draft *draft = draft_begin(&sketch, maker, RST_SENT);
	struct rst_event *event = &draft->event;
	__u8 meaning, before;
	bool connected;

	if (!draft)
		return 0;
	meaning = sent_meaning(event, reason);
	event->state = KERNEL_READ(sk, sock, __sk_common.skc_state);
	event->netns = sock_netns(sk);
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
	draft_release(sketch, skb && event->state == RST_STATE_CLOSE ? sk : (void *)0, maker);
	connected = sock_is_connected(event->state);
	if (connected)
		connection_read(&draft->connection, sk);
	event->state = before;
	return draft_end(draft, sketch, maker, connected);
}

/* sk, skb: one of them may be NULL. */
static __always_inline int sent_count(const struct sock *sk, const struct sk_buff *skb,
				      __u64 reason, __u32 maker)
{
	return sk ? sent_with_socket(sk, skb, reason, maker)
		  : sent_without_socket(skb, reason, maker);
}

#endif

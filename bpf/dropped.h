/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A reset that came in and that TCP dropped, without tcp_receive_reset: it hit a half-open inbound
 * connection, a TIME_WAIT mini-socket or no connection, or it was not acceptable.
 */
#ifndef RSTWATCH_BPF_DROPPED_H
#define RSTWATCH_BPF_DROPPED_H

#include "vmlinux.h"
#include "classify.h"
#include "connection.h"
#include "count.h"
#include "draft.h"
#include "holder.h"
#include "note.h"
#include "packet.h"
#include "sock.h"

/*
 * Whether this packet is a TCP segment with RST that came in. Asked for every packet that this host
 * drops, so what is cheap and rules most out comes first. A packet that was made here has no input
 * interface.
 */
static __always_inline bool dropped_is_reset(const struct sk_buff *skb, struct packet *packet)
{
	__be16 ethernet = KERNEL_READ(skb, sk_buff, protocol);

	if (ethernet != bpf_htons(PACKET_ETH_IPV4) && ethernet != bpf_htons(PACKET_ETH_IPV6))
		return false;
	if (KERNEL_READ(skb, sk_buff, transport_header) == PACKET_UNSET)
		return false;
	*packet = packet_of_ip(skb);
	return packet_flags(packet) & RST_FLAG_RST && packet->transport > packet->network &&
	       packet_is_tcp(packet, ethernet) && KERNEL_READ(skb, sk_buff, skb_iif);
}

/* A copy that lies in the queue of a raw or packet socket, and goes with it. */
static __always_inline bool dropped_is_copy(const struct sk_buff *skb)
{
	const struct sock *owner = KERNEL_READ(skb, sk_buff, sk);

	return owner && sock_is_raw(owner);
}

/* What the reset hit. sk: the socket that it was held against, or NULL if none is known. */
static __always_inline void dropped_fill(struct rst_event *event, const struct sock *sk,
					 const struct packet *packet, __u8 meaning)
{
	bool gone = false;
	__u8 found = 0;

	if (sk) {
		found = event->state = KERNEL_READ(sk, sock, __sk_common.skc_state);
		event->netns = sock_netns(sk);
		gone = sock_is_unhashed(sk);
	}
	event->cause = classify_dropped(event->state, gone, meaning);
	if (event->cause == RST_STAGE_HANDSHAKE)
		event->state = RST_STATE_NEW_SYN_RECV; /* its listener was passed, or nothing */
	if (event->cause == RST_STAGE_TIME_WAIT && gone)
		event->flags |= RST_EVENT_FREED;
	packet_read_peer(event, packet);
	if (sk)
		packet_read_local(event, packet);
	event->trigger = 0; /* nothing provoked it: these are its own flags */
	event->role = sock_role_in(event, sk);
	event->moves = classify_moves(event, false);
	event->owner = holder_in(event, sk, found);
}

/* What a mini-socket had and no note tells of: by elimination, where notes are left. */
static __always_inline __u8 dropped_without_note(const struct sock *listener)
{
	__u32 noted = rst_control.noted;

	if (!(noted & RST_NOTED_REQUESTS))
		return CLASSIFY_UNTOLD;
	return listener || noted & RST_NOTED_TIMEWAITS ? RST_STAGE_REJECTED : RST_STAGE_TIME_WAIT;
}

/* What the drop reason says of the stage. Keeps it in the event, if the kernel gave one. */
static __always_inline __u8 dropped_meaning(struct rst_event *event, const struct sock *sk,
					    bool noted, __u32 number)
{
	__u8 meaning;

	if (!rst_settings.drop_reason)
		return sk ? CLASSIFY_BY_STATE : RST_STAGE_STRAY;
	if (number >= RST_DROP_REASONS)
		return CLASSIFY_OUTSIDE; /* of another subsystem */
	event->reason = number;
	event->flags |= RST_EVENT_REASON;
	meaning = rst_settings.dropped[number & (RST_DROP_REASONS - 1)];
	return meaning == CLASSIFY_UNTOLD && !noted ? dropped_without_note(sk) : meaning;
}

/* The socket that a function hook noted for this segment. It is counted here then, not by judge.h.
 */
static __always_inline const struct sock *dropped_noted(const struct sk_buff *skb,
							const struct packet *packet)
{
	const struct sock *noted = note_take(skb, packet);
	__u64 judged = (__u64)noted;

	if (noted)
		bpf_map_delete_elem(&rst_judged, &judged);
	return noted;
}

/* It went no further than IP, or was no valid segment; a copy is none at all. */
static __always_inline int dropped_outside(const struct sk_buff *skb, struct rst_sketch *sketch)
{
	if (!dropped_is_copy(skb))
		__sync_fetch_and_add(&sketch->outside, 1);
	return 0;
}

/* No socket is known that had it: most often there was none. */
static KERNEL_INLINE int dropped_without_socket(const struct sk_buff *skb,
						const struct packet *packet, __u32 number)
{
	struct rst_event event = {.direction = RST_RECEIVED, .slice = rst_control.slice};
	struct rst_sketch *sketch = sketch_of(event.slice);
	__u8 meaning = dropped_meaning(&event, (void *)0, false, number);
	__u32 as;

	if (!sketch)
		return 0; /* cannot be: see sketch_of() */
	if (meaning == CLASSIFY_OUTSIDE)
		return dropped_outside(skb, sketch);
	event.netns = packet_netns(skb);
	dropped_fill(&event, (void *)0, packet, meaning);
	as = draft_enter(sketch, RST_MAKER_DROP);
	if (count_event(&event, as)) {
		packet_read_local(&event, packet);
		draft_stream(&event, sketch, as);
	}
	draft_leave(sketch, RST_MAKER_DROP);
	return 0;
}

static __noinline int dropped_with_socket(const struct sk_buff *skb, const struct sock *sk,
					  bool noted, __u32 number)
{
	struct rst_sketch *sketch;
	struct rst_draft *draft = draft_begin(&sketch, RST_MAKER_DROP, RST_RECEIVED);
	struct rst_event *event = &draft->event;
	struct packet packet = packet_of_tcp(skb);
	bool connected;
	__u8 meaning;

	if (!draft)
		return 0;
	meaning = dropped_meaning(event, sk, noted, number);
	if (meaning == CLASSIFY_OUTSIDE) {
		draft_leave(sketch, RST_MAKER_DROP);
		return dropped_outside(skb, sketch);
	}
	dropped_fill(event, sk, &packet, meaning);
	connected = sock_is_connected(event->state);
	if (connected)
		connection_read(&draft->connection, sk);
	return draft_end(draft, sketch, RST_MAKER_DROP, connected);
}

/* sk, number: the socket and the drop reason that the tracepoint passed, or NULL and 0. */
static __always_inline int dropped_count(const struct sk_buff *skb, const struct sock *sk,
					 __u32 number)
{
	const struct sock *noted;
	struct packet packet;

	if (!dropped_is_reset(skb, &packet))
		return 0;
	if (KERNEL_READ(skb, sk_buff, data) != packet.transport) {
		struct rst_sketch *sketch = sketch_of(rst_control.slice);

		return sketch ? dropped_outside(skb, sketch) : 0;
	}
	noted = dropped_noted(skb, &packet);
	if (noted || sk)
		return dropped_with_socket(skb, noted ? noted : sk, noted, number);
	return dropped_without_socket(skb, &packet, number);
}

#endif

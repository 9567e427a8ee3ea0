/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A reset that this host sends, from the two things every hook on the way has: the socket, if there
 * is one, and the segment that provoked it, if one did.
 */
#ifndef RSTWATCH_BPF_SENT_H
#define RSTWATCH_BPF_SENT_H

#include "vmlinux.h"
#include "classify.h"
#include "count.h"
#include "note.h"
#include "packet.h"
#include "sock.h"

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

/*
 * sk: NULL, or a full socket, or a mini-socket in TIME_WAIT. skb: NULL only with a full socket.
 * meaning: of the kernel's reason. event: the direction is set, and the reason if there is one.
 */
static __always_inline int sent_count(struct rst_event *event, const struct sock *sk,
				      const struct sk_buff *skb, __u8 meaning)
{
	struct classify_hints hints = {0};
	struct rst_sketch *sketch = count_begin(event);

	if (!sketch)
		return 0; /* cannot be: one entry per possible CPU and generation */
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
	event->moves = classify_moves(event, event->state == RST_STATE_CLOSE &&
						     !sock_has_sent_fin(sk, event->role));
	/* Data after close: tcp_done() has run, and tcp_receive_reset has fired without a RST. */
	count_release(sketch, skb && event->state == RST_STATE_CLOSE ? sk : (void *)0);
	count_event(event, sketch);
	return 0;
}

#endif

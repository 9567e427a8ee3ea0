// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The tracepoints that tell of resets, and of what else is looked at. Those that tell whose a
 * socket is are in owners.bpf.c.
 */
#define KERNEL_CAST_BY_US /* kernel_read.h */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "barrier.h"
#include "classify.h"
#include "connection.h"
#include "draft.h"
#include "dropped.h"
#include "event.h"
#include "failing.h"
#include "holder.h"
#include "probe.h"
#include "retransmit.h"
#include "sent.h"
#include "sock.h"
#include "syn.h"
#include "tracepoint.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/*
 * tcp_send_reset(sk, skb[, reason]). skb is the segment that provoked the reset, or NULL if we
 * aborted of our own accord; then sk is a full socket. sk is NULL for a segment without a socket,
 * and a mini-socket for TIME_WAIT; a kernel that passes no reason does not call it for those two
 * (functions.bpf.c does). A full socket that answers a segment in state CLOSE aborts on data after
 * close.
 */
SEC("raw_tp/tcp_send_reset")
int rst_send(struct tracepoint_arguments *context)
{
	const struct sock *sk = (const void *)context->argument[0];
	const struct sk_buff *skb = (const void *)context->argument[1];

	return sent_count(sk, skb, rst_settings.send_reason ? context->argument[2] : SENT_NO_REASON,
			  RST_MAKER_SEND);
}

/* tcp_receive_reset(sk): a full socket, never NULL, still in the state that the reset found. */
SEC("raw_tp/tcp_receive_reset")
int rst_receive(struct tracepoint_arguments *context)
{
	const struct sock *sk = (const void *)context->argument[0];
	struct rst_sketch *sketch;
	struct rst_draft *draft = draft_begin(&sketch, RST_MAKER_RECEIVE, RST_RECEIVED);
	struct rst_event *event = &draft->event;
	bool connected;

	if (!draft)
		return 0;
	event->state = KERNEL_READ(sk, sock, __sk_common.skc_state);
	event->netns = sock_netns(sk);
	sock_read(event, sk);
	event->role = sock_role_in(event, sk);
	event->cause = classify_stage(event->state);
	event->moves = classify_moves(event, false);
	event->owner = holder_in(event, sk, event->state);
	if (event->cause == RST_STAGE_REFUSED)
		failing_note(event->owner);
	draft_release(sketch, (void *)0, RST_MAKER_RECEIVE);
	connected = sock_is_connected(event->state);
	if (connected)
		connection_read(&draft->connection, sk);
	if (event->cause == RST_STAGE_CLOSING && sock_receive_shut(sk)) {
		draft_hold(draft, sketch, sk);
		draft_leave(sketch, RST_MAKER_RECEIVE);
		return 0;
	}
	return draft_end(draft, sketch, RST_MAKER_RECEIVE, connected);
}

/* kfree_skb(skb, location[, reason[, rx_sk]]): every packet that this host drops. skb is never
 * NULL; rx_sk is the socket that had it, a mini-socket's listener among them, or NULL. */
SEC("raw_tp/kfree_skb")
int rst_drop(struct tracepoint_arguments *context)
{
	const struct sk_buff *skb = (const void *)context->argument[0];
	const struct sock *sk = (void *)0;
	__u32 reason = 0;

	if (rst_settings.drop_reason)
		reason = context->argument[2];
	if (rst_settings.drop_socket)
		sk = (const void *)context->argument[3];
	if (probe_is_reason(reason))
		probe_tell(skb, sk);
	return dropped_count(skb, sk, reason);
}

/* tcp_retransmit_synack(sk, req): a listener, and a mini-socket whose SYN-ACK has been sent again.
 */
SEC("raw_tp/tcp_retransmit_synack")
int rst_retransmit(struct tracepoint_arguments *context)
{
	return retransmit((const void *)context->argument[0], (const void *)context->argument[1]);
}

/* netif_receive_skb(skb): every packet that comes in. Attached only while RST_WATCH_SYNS is set. */
SEC("raw_tp/netif_receive_skb")
int rst_syn(struct tracepoint_arguments *context)
{
	return syn((const void *)context->argument[0]);
}

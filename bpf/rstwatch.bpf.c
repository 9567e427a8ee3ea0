// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The tracepoints. Raw ones, because their arguments are plain numbers: a tp_btf program would get
 * pointers that some kernels trust to be non-NULL although both of tcp_send_reset's can be NULL,
 * and there a direct load crashes the machine and the NULL check is compiled away.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "barrier.h"
#include "classify.h"
#include "connection.h"
#include "count.h"
#include "dropped.h"
#include "event.h"
#include "failing.h"
#include "holder.h"
#include "probe.h"
#include "process.h"
#include "retransmit.h"
#include "sent.h"
#include "sock.h"
#include "syn.h"
#include "transition.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* A raw tracepoint's context (struct bpf_raw_tracepoint_args). */
struct hook_arguments {
	__u64 argument[4];
};

/*
 * tcp_send_reset(sk, skb[, reason]). skb is the segment that provoked the reset, or NULL if we
 * aborted of our own accord; then sk is a full socket. sk is NULL for a segment without a socket,
 * and a mini-socket for TIME_WAIT; a kernel that passes no reason does not call it for those two
 * (functions.bpf.c does). A full socket that answers a segment in state CLOSE aborts on data after
 * close.
 */
SEC("raw_tp/tcp_send_reset")
int rst_send(struct hook_arguments *context)
{
	const struct sock *sk = (const void *)context->argument[0];
	const struct sk_buff *skb = (const void *)context->argument[1];

	return sent_count(sk, skb, rst_settings.send_reason ? context->argument[2] : SENT_NO_REASON,
			  RST_MAKER_SEND);
}

/* tcp_receive_reset(sk): a full socket, never NULL, still in the state that the reset found. */
SEC("raw_tp/tcp_receive_reset")
int rst_receive(struct hook_arguments *context)
{
	const struct sock *sk = (const void *)context->argument[0];
	struct rst_sketch *sketch;
	struct rst_draft *draft = count_begin(&sketch, RST_MAKER_RECEIVE, RST_RECEIVED);
	struct rst_event *event = &draft->event;

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
	count_release(sketch, (void *)0, RST_MAKER_RECEIVE);
	connection_read(&draft->connection, sk);
	if (event->cause == RST_STAGE_CLOSING && sock_receive_shut(sk)) {
		count_hold(draft, sketch, sk);
		count_cancel(sketch, RST_MAKER_RECEIVE);
		return 0;
	}
	return count_end(draft, sketch, RST_MAKER_RECEIVE, sock_is_connected(event->state));
}

/* kfree_skb(skb, location[, reason[, rx_sk]]): every packet that this host drops. skb is never
 * NULL; rx_sk is the socket that had it, a mini-socket's listener among them, or NULL. */
SEC("raw_tp/kfree_skb")
int rst_drop(struct hook_arguments *context)
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

/* inet_sock_set_state(sk, oldstate, newstate), before the state is set: a full socket, of any
 * protocol that uses these states. */
SEC("raw_tp/inet_sock_set_state")
int rst_state(struct hook_arguments *context)
{
	const struct sock *sk = (const void *)context->argument[0];

	return transition(sk, context->argument[1], context->argument[2]);
}

/* tcp_rcv_space_adjust(sk): somebody has read data from a socket. */
SEC("raw_tp/tcp_rcv_space_adjust")
int rst_read(struct hook_arguments *context)
{
	return holder_read((const void *)context->argument[0]);
}

/* sched_process_fork(parent, child) */
SEC("raw_tp/sched_process_fork")
int rst_fork(struct hook_arguments *context)
{
	return process_fork((const void *)context->argument[1]);
}

/* sched_process_exec(task, old_pid, bprm), in the process that has a new program now. */
SEC("raw_tp/sched_process_exec")
int rst_exec(struct hook_arguments *context)
{
	(void)context;
	return process_exec();
}

/* task_rename(task, comm): a thread is about to get another name. */
SEC("raw_tp/task_rename")
int rst_rename(struct hook_arguments *context)
{
	return process_rename((const void *)context->argument[0],
			      (const void *)context->argument[1]);
}

/* sched_process_free(task) */
SEC("raw_tp/sched_process_free")
int rst_free(struct hook_arguments *context)
{
	return process_free((const void *)context->argument[0]);
}

/* tcp_retransmit_synack(sk, req): a listener, and a mini-socket whose SYN-ACK has been sent again.
 */
SEC("raw_tp/tcp_retransmit_synack")
int rst_retransmit(struct hook_arguments *context)
{
	return retransmit((const void *)context->argument[0], (const void *)context->argument[1]);
}

/* netif_receive_skb(skb): every packet that comes in. Attached only while RST_WATCH_SYNS is set. */
SEC("raw_tp/netif_receive_skb")
int rst_syn(struct hook_arguments *context)
{
	return syn((const void *)context->argument[0]);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The hooks. Raw tracepoints, because their arguments are plain numbers: a tp_btf program would
 * get pointers that some kernels trust to be non-NULL although both of tcp_send_reset's can be
 * NULL, and there a direct load crashes the machine and the NULL check is compiled away.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "classify.h"
#include "count.h"
#include "event.h"
#include "packet.h"
#include "sock.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* A raw tracepoint's context (struct bpf_raw_tracepoint_args). */
struct hook_arguments {
	__u64 argument[3];
};

/*
 * tcp_send_reset(sk, skb[, reason]). skb is the segment that provoked the reset, or NULL if we
 * aborted of our own accord; then sk is a full socket. sk is NULL for a segment without a socket,
 * and a mini-socket for TIME_WAIT. A full socket that answers a segment in state CLOSE aborts on
 * data after close: tcp_done() has run, and tcp_receive_reset has fired without a RST (count.h).
 */
SEC("raw_tp/tcp_send_reset")
int rst_send(struct hook_arguments *context)
{
	const struct sock *sk = (const void *)context->argument[0];
	const struct sk_buff *skb = (const void *)context->argument[1];
	struct rst_event event = {.direction = RST_SENT};
	__u8 meaning = CLASSIFY_NONE;
	bool queue_full = false;
	struct rst_sketch *sketch = count_begin(&event);

	if (!sketch)
		return 0; /* cannot be: one entry per possible CPU and generation */
	if (sk) {
		event.state = KERNEL_READ(sk, sock, __sk_common.skc_state);
		event.netns = sock_netns(sk);
	} else {
		event.netns = packet_netns(skb);
	}
	if (skb)
		packet_read(&event, skb);
	else
		sock_read(&event, sk);

	if (sock_is_connected(event.state))
		event.role = sock_role(sk);
	else if (event.state == RST_STATE_TIME_WAIT)
		event.role = sock_role_time_wait(sk);
	else
		event.role = classify_role(&event);

	if (rst_has_reason) {
		if (context->argument[2] < RST_REASONS)
			event.reason = context->argument[2];
		event.flags |= RST_EVENT_REASON;
		meaning = rst_meaning[event.reason & (RST_REASONS - 1)];
	}
	if (meaning == CLASSIFY_NONE && event.state == RST_STATE_LISTEN)
		queue_full = sock_queue_full(sk);
	event.cause = classify_cause(&event, meaning, queue_full);
	count_release(sketch, skb && event.state == RST_STATE_CLOSE ? sk : (void *)0);
	count_event(&event, sketch);
	return 0;
}

/* tcp_receive_reset(sk): a full socket, never NULL, still in the state that the reset found. */
SEC("raw_tp/tcp_receive_reset")
int rst_receive(struct hook_arguments *context)
{
	const struct sock *sk = (const void *)context->argument[0];
	struct rst_event event = {.direction = RST_RECEIVED};
	struct rst_sketch *sketch = count_begin(&event);

	if (!sketch)
		return 0; /* cannot be: one entry per possible CPU and generation */
	event.state = KERNEL_READ(sk, sock, __sk_common.skc_state);
	event.netns = sock_netns(sk);
	sock_read(&event, sk);
	event.role = sock_is_connected(event.state) ? sock_role(sk) : classify_role(&event);
	event.cause = classify_stage(event.state);
	count_release(sketch, (void *)0);
	if (event.cause == RST_STAGE_CLOSING && sock_receive_shut(sk))
		count_hold(&event, sketch, sk);
	else
		count_event(&event, sketch);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Hooks on kernel functions: what some kernels' tracepoints do not show. Each stands here twice,
 * for fentry and for kprobe, as a thin wrapper around the same handler; user/functions.c loads the
 * one that the kernel allows, and neither if the tracepoints are enough.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "classify.h"
#include "draft.h"
#include "event.h"
#include "judge.h"
#include "note.h"
#include "packet.h"
#include "process.h"
#include "sent.h"
#include "sock.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* The context of fentry and fexit: the function's arguments, then what it returned. */
struct hook_arguments {
	__u64 argument[5];
};

/* A socket, as a plain number: to the verifier an argument is a pointer, with which track_key() may
 * not calculate. */
static __always_inline const struct sock *socket_of(struct hook_arguments *context)
{
	__u64 address = 0;

	bpf_probe_read_kernel(&address, sizeof(address), &context->argument[0]);
	return (const void *)address;
}

/*
 * tcp_v4_send_reset(sk, skb[, reason]) and tcp_v6_send_reset(): before Linux 6.10 they do not call
 * the tracepoint unless sk is a full socket. They send nothing in answer to a reset, nor, without a
 * socket, to a segment that is not for this host. What remains is an upper bound: a segment whose
 * TCP-MD5 signature is wrong is not answered either, nor one that no route leads back from.
 */
static __always_inline int send(const struct sock *sk, const struct sk_buff *skb, __u32 maker)
{
	struct packet packet = packet_of_tcp(skb);
	__u8 state = 0;

	if (packet_flags(&packet) & RST_FLAG_RST)
		return 0;
	if (sk) {
		state = KERNEL_READ(sk, sock, __sk_common.skc_state);
		if (state != RST_STATE_TIME_WAIT && state != RST_STATE_NEW_SYN_RECV)
			return 0;
	} else if (!packet_is_for_us(skb)) {
		return 0;
	}
	return sent_count(sk, skb, SENT_NO_REASON, maker);
}

SEC("fentry/tcp_v4_send_reset")
int rst_send4_f(struct hook_arguments *context)
{
	return send(socket_of(context), (const void *)context->argument[1], RST_MAKER_SEND4);
}

SEC("kprobe/tcp_v4_send_reset")
int rst_send4_k(struct pt_regs *context)
{
	return send((const void *)PT_REGS_PARM1(context), (const void *)PT_REGS_PARM2(context),
		    RST_MAKER_SEND4);
}

SEC("fentry/tcp_v6_send_reset")
int rst_send6_f(struct hook_arguments *context)
{
	return send(socket_of(context), (const void *)context->argument[1], RST_MAKER_SEND6);
}

SEC("kprobe/tcp_v6_send_reset")
int rst_send6_k(struct pt_regs *context)
{
	return send((const void *)PT_REGS_PARM1(context), (const void *)PT_REGS_PARM2(context),
		    RST_MAKER_SEND6);
}

#define REJECT_LOCAL_OUT 3 /* NF_INET_LOCAL_OUT, include/uapi/linux/netfilter.h */

/*
 * nf_send_reset(net[, sk], oldskb, hook) and nf_send_reset6(): netfilter's REJECT, in answer to
 * oldskb. It goes straight to IP, past the tracepoint and OutRsts. A packet that we send ourselves
 * can be rejected too: then the reset comes back to us, from the peer's address.
 */
static __always_inline int reject(const struct net *net, const struct sk_buff *skb, __u32 hook,
				  __u32 maker)
{
	struct packet packet = packet_of_ip(skb);
	struct rst_sketch *sketch;
	struct rst_event *event;
	struct rst_draft *draft;

	if (packet_flags(&packet) & RST_FLAG_RST)
		return 0;
	draft = draft_begin(&sketch, maker, RST_SENT);
	if (!draft)
		return 0;
	event = &draft->event;
	event->cause = RST_FIREWALL;
	event->netns = KERNEL_READ(net, net, ns.inum);
	packet_read(event, &packet);
	event->flags |= RST_EVENT_TRIGGER;
	event->role = classify_role(event);
	if (hook == REJECT_LOCAL_OUT) {
		struct rst_event as_sent = *event;

		__builtin_memcpy(event->local, as_sent.peer, sizeof(event->local));
		__builtin_memcpy(event->peer, as_sent.local, sizeof(event->peer));
		event->local_port = as_sent.peer_port;
		event->peer_port = as_sent.local_port;
		if (as_sent.role != RST_ROLE_UNKNOWN)
			event->role =
				as_sent.role == RST_ROLE_SERVER ? RST_ROLE_CLIENT : RST_ROLE_SERVER;
	}
	event->moves = classify_moves(event, false);
	return draft_end(draft, sketch, maker, false);
}

static __always_inline int reject_entry(struct hook_arguments *context, __u32 maker)
{
	const struct net *net = (const void *)context->argument[0];

	if (rst_settings.reject_socket)
		return reject(net, (const void *)context->argument[2], context->argument[3], maker);
	return reject(net, (const void *)context->argument[1], context->argument[2], maker);
}

/* The function's module may have no BTF to tell the layout (before Linux 5.11), but the third
 * argument does: a hook's number or an address. */
static __always_inline int reject_probe(struct pt_regs *context, __u32 maker)
{
	const struct net *net = (const void *)PT_REGS_PARM1(context);
	__u64 third = PT_REGS_PARM3(context);

	if (third < 4096)
		return reject(net, (const void *)PT_REGS_PARM2(context), third, maker);
	return reject(net, (const void *)third, PT_REGS_PARM4(context), maker);
}

SEC("fentry/nf_send_reset")
int rst_reject4_f(struct hook_arguments *context)
{
	return reject_entry(context, RST_MAKER_REJECT4);
}

SEC("kprobe/nf_send_reset")
int rst_reject4_k(struct pt_regs *context)
{
	return reject_probe(context, RST_MAKER_REJECT4);
}

SEC("fentry/nf_send_reset6")
int rst_reject6_f(struct hook_arguments *context)
{
	return reject_entry(context, RST_MAKER_REJECT6);
}

SEC("kprobe/nf_send_reset6")
int rst_reject6_k(struct pt_regs *context)
{
	return reject_probe(context, RST_MAKER_REJECT6);
}

/* tcp_check_req(sk, skb, req, ...): a segment for a half-open inbound connection. Any segment,
 * since also the answer to one may want to know (sent_hints()). */
static __always_inline int request(const struct sk_buff *skb, const void *req)
{
	struct packet packet = packet_of_tcp(skb);

	note_write(skb, &packet, req);
	return 0;
}

SEC("fentry/tcp_check_req")
int rst_request_f(struct hook_arguments *context)
{
	return request((const void *)context->argument[1], (const void *)context->argument[2]);
}

SEC("kprobe/tcp_check_req")
int rst_request_k(struct pt_regs *context)
{
	return request((const void *)PT_REGS_PARM2(context), (const void *)PT_REGS_PARM3(context));
}

/* tcp_timewait_state_process(tw, skb, ...): a segment for a connection in TIME_WAIT. */
static __always_inline int timewait(const void *tw, const struct sk_buff *skb)
{
	struct packet packet = packet_of_tcp(skb);

	if (packet_flags(&packet) & RST_FLAG_RST)
		note_write(skb, &packet, tw);
	return 0;
}

SEC("fentry/tcp_timewait_state_process")
int rst_timewait_f(struct hook_arguments *context)
{
	return timewait((const void *)context->argument[0], (const void *)context->argument[1]);
}

SEC("kprobe/tcp_timewait_state_process")
int rst_timewait_k(struct pt_regs *context)
{
	return timewait((const void *)PT_REGS_PARM1(context), (const void *)PT_REGS_PARM2(context));
}

/* commit_creds(new): a process changes its user or privileges. Without this hook, the next walk of
 * the processes finds out. */
SEC("fentry/commit_creds")
int rst_creds_f(struct hook_arguments *context)
{
	return process_change(context->argument[0]);
}

SEC("kprobe/commit_creds")
int rst_creds_k(struct pt_regs *context)
{
	return process_change(PT_REGS_PARM1(context));
}

/* tcp_validate_incoming(sk, skb, th, syn_inerr) and tcp_rcv_state_process(sk, skb): see judge.h.
 * The second one returns 1 if its caller is to send a reset, and to drop the segment. */
SEC("fentry/tcp_validate_incoming")
int rst_valid_f(struct hook_arguments *context)
{
	return judge_begin(socket_of(context), (const void *)context->argument[1]);
}

SEC("fexit/tcp_validate_incoming")
int rst_valid_x(struct hook_arguments *context)
{
	return judge_end(socket_of(context), false, RST_MAKER_VALID);
}

SEC("fentry/tcp_rcv_state_process")
int rst_process_f(struct hook_arguments *context)
{
	return judge_begin(socket_of(context), (const void *)context->argument[1]);
}

SEC("fexit/tcp_rcv_state_process")
int rst_process_x(struct hook_arguments *context)
{
	return judge_end(socket_of(context), (int)context->argument[2], RST_MAKER_PROCESS);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A SYN-ACK is sent again: whoever sent the SYN has not completed the handshake in time, or has
 * sent it again; or it has, and its ACK was dropped as the accept queue was full. Of a client that
 * is there this is a lost packet or a program that does not accept; of one that was made up it is
 * sure to come, a second after its SYN.
 */
#ifndef RSTWATCH_BPF_RETRANSMIT_H
#define RSTWATCH_BPF_RETRANSMIT_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "event.h"
#include "kernel_read.h"
#include "listening.h"
#include "signals.h"
#include "sock.h"

/* sk: the listener; of TCP Fast Open it is the connection that there is already, which is no
 * half-open one. req: counts what was before this one. */
static __always_inline int retransmit(const struct sock *sk, const struct request_sock *req)
{
	struct rst_signal signal = {.kind = RST_SIGNAL_RETRANSMIT, .socket = (__u64)sk};
	const struct sock *half = (const struct sock *)req;
	__u32 before = KERNEL_READ(req, request_sock, num_retrans), young;
	struct rst_listens *listens;

	if (KERNEL_READ(sk, sock, __sk_common.skc_state) != RST_STATE_LISTEN)
		return 0;
	listens = listening_find(signal.socket);
	if (listens) {
		signal.owner = listens->owner;
		__sync_fetch_and_add(&listens->retransmits, 1);
		if (!before)
			__sync_fetch_and_add(&listens->retransmits_first, 1);
	}
	sock_local(signal.local, half);
	sock_peer(signal.peer, half);
	signal.local_port = KERNEL_READ(half, sock, __sk_common.skc_num);
	signal.peer_port = bpf_ntohs(KERNEL_READ(half, sock, __sk_common.skc_dport));
	signal.netns = sock_netns(sk);
	signal.attempt = before < 255 ? before + 1 : 255;
	signal.half_open = listening_half_open(sk);
	signal.backlog = KERNEL_READ(sk, sock, sk_max_ack_backlog);
	if (BPF_CORE_READ_BITFIELD_PROBED((const struct inet_request_sock *)req, acked))
		signal.trigger = RST_FLAG_ACK;
	young = listening_young(sk);
	/* The kernel takes it off the young ones only after this. */
	if (young && !BPF_CORE_READ_BITFIELD_PROBED(req, num_timeout))
		young--;
	if (young < signal.half_open) /* else both have moved while they were read */
		signal.stale = signal.half_open - young;
	return signals_tell(&signal);
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Resets that a full socket rejects, on kernels that drop those without kfree_skb (tcp_drop()
 * called __kfree_skb() until Linux 5.18). Before the kernel judges a reset, it is kept by its
 * socket, whose lock makes it the only one in progress there. Afterwards the socket's state tells:
 * CLOSE means that it was accepted, which is tcp_receive_reset's to count.
 */
#ifndef RSTWATCH_BPF_JUDGE_H
#define RSTWATCH_BPF_JUDGE_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "classify.h"
#include "connection.h"
#include "draft.h"
#include "dropped.h"
#include "maps.h"
#include "note.h"
#include "packet.h"
#include "sock.h"

static __always_inline int judge_begin(const struct sock *sk, const struct sk_buff *skb)
{
	struct rst_event event = {.direction = RST_RECEIVED};
	struct packet packet = packet_of_tcp(skb);
	__u64 key = (__u64)sk;

	if (!(packet_flags(&packet) & RST_FLAG_RST))
		return 0;
	note_write(skb, &packet, sk);
	dropped_fill(&event, sk, &packet, CLASSIFY_BY_STATE);
	bpf_map_update_elem(&rst_judged, &key, &event, BPF_ANY);
	return 0;
}

/* passed_on: the caller will drop the segment itself, with kfree_skb. */
static __always_inline int judge_end(const struct sock *sk, bool passed_on, __u32 maker)
{
	__u64 key = (__u64)sk;
	struct rst_event *kept = bpf_map_lookup_elem(&rst_judged, &key), event;
	struct rst_sketch *sketch;
	struct rst_draft *draft;
	bool connected;

	if (!kept)
		return 0;
	event = *kept;
	bpf_map_delete_elem(&rst_judged, &key);
	if (!passed_on)
		note_discard();
	if (passed_on || (event.state != RST_STATE_CLOSE &&
			  KERNEL_READ(sk, sock, __sk_common.skc_state) == RST_STATE_CLOSE))
		return 0;
	draft = draft_begin(&sketch, maker, RST_RECEIVED);
	if (!draft)
		return 0;
	event.slice = draft->event.slice;
	draft->event = event;
	connected = sock_is_connected(event.state);
	if (connected)
		connection_read(&draft->connection, sk);
	return draft_end(draft, sketch, maker, connected);
}

#endif

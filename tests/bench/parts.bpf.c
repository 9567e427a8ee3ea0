// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a program that counts a reset cannot do without, each alone: the floor under rst_send. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "event.h"
#include "packet.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct parts_arguments {
	__u64 argument[2];
};

/* The namespace, the peer's address, both ports and the flags. */
SEC("raw_tp/tcp_send_reset")
int parts_read(struct parts_arguments *context)
{
	const struct sk_buff *skb = (const void *)context->argument[1];
	struct packet packet = packet_of_tcp(skb);
	struct rst_event event = {0};
	__u64 peer[2];

	event.netns = packet_netns(skb);
	packet_read_peer(&event, &packet);
	__builtin_memcpy(peer, event.peer, sizeof(peer));
	return peer[0] ^ peer[1] ^ event.netns ^ event.local_port ^ event.peer_port ^ event.trigger;
}

SEC("raw_tp/tcp_send_reset")
int parts_clock(void *context)
{
	(void)context;
	return bpf_ktime_get_ns();
}

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} ring SEC(".maps");

/* An event, which somebody on another CPU reads. */
SEC("raw_tp/tcp_send_reset")
int parts_ring(void *context)
{
	struct rst_event *event = bpf_ringbuf_reserve(&ring, sizeof(*event), 0);

	(void)context;
	if (!event)
		return 0;
	*event = (struct rst_event){.direction = RST_SENT};
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
	return 0;
}

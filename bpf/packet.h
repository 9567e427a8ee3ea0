/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads the segment that provoked a reset: its headers give the peer, the local end and the flags,
 * whether or not there was a socket. A bad or NULL pointer reads as zeroes, see kernel.h.
 */
#ifndef RSTWATCH_BPF_PACKET_H
#define RSTWATCH_BPF_PACKET_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "event.h"
#include "kernel.h"

#define PACKET_IPV4_BYTES 20 /* without options */
#define PACKET_IPV6_BYTES 40 /* without extension headers */
#define PACKET_TCP_BYTES  14 /* up to and with the flags */

struct packet_ipv4 {
	__u8 version_ihl;
	__u8 skipped[11];
	__u8 source[4];
	__u8 destination[4];
};

struct packet_ipv6 {
	__u8 skipped[8];
	__u8 source[16];
	__u8 destination[16];
};

struct packet_tcp {
	__be16 source;
	__be16 destination;
	__u8 skipped[9];
	__u8 flags;
};

/* The IP header, and behind it the TCP header where no options stand between. */
struct packet_headers {
	union {
		struct packet_ipv4 v4;
		struct packet_ipv6 v6;
		__u8 bytes[PACKET_IPV6_BYTES + PACKET_TCP_BYTES + 2];
	};
};

static __always_inline void packet_map_ipv4(__u8 address[16], const __u8 ipv4[4])
{
	__builtin_memset(address, 0, 10);
	address[10] = 0xff;
	address[11] = 0xff;
	__builtin_memcpy(address + 12, ipv4, 4);
}

/* Loads straight from the packet, where the kernel lets us. */
static __always_inline void packet_load(struct rst_event *event, const unsigned char *network,
					const unsigned char *transport)
{
	const struct iphdr *v4 = KERNEL_CAST(network, iphdr);
	const struct tcphdr *tcp = KERNEL_CAST(transport, tcphdr);
	__be32 address;

	if (*(const __u8 *)v4 >> 4 == 4) {
		address = v4->daddr;
		packet_map_ipv4(event->local, (const __u8 *)&address);
		address = v4->saddr;
		packet_map_ipv4(event->peer, (const __u8 *)&address);
	} else {
		bpf_probe_read_kernel(event->peer, 16,
				      network + __builtin_offsetof(struct packet_ipv6, source));
		bpf_probe_read_kernel(event->local, 16,
				      network +
					      __builtin_offsetof(struct packet_ipv6, destination));
	}
	event->local_port = bpf_ntohs(tcp->dest);
	event->peer_port = bpf_ntohs(tcp->source);
	event->trigger = ((const __u8 *)tcp)[__builtin_offsetof(struct packet_tcp, flags)];
}

/*
 * Copies both headers with one probe read, where it does not. What lies behind a shorter packet is
 * still the packet's own buffer, which ends with the 320 bytes of skb_shared_info.
 */
static __always_inline void packet_copy(struct rst_event *event, const unsigned char *network,
					const unsigned char *transport)
{
	struct packet_headers headers;
	struct packet_tcp tcp;
	__u32 offset = transport - network;

	bpf_probe_read_kernel(&headers, sizeof(headers), network);
	if (headers.v4.version_ihl >> 4 == 4) {
		packet_map_ipv4(event->local, headers.v4.destination);
		packet_map_ipv4(event->peer, headers.v4.source);
	} else {
		__builtin_memcpy(event->local, headers.v6.destination, 16);
		__builtin_memcpy(event->peer, headers.v6.source, 16);
	}
	if (offset == PACKET_IPV4_BYTES)
		__builtin_memcpy(&tcp, headers.bytes + PACKET_IPV4_BYTES, sizeof(tcp));
	else if (offset == PACKET_IPV6_BYTES)
		__builtin_memcpy(&tcp, headers.bytes + PACKET_IPV6_BYTES, sizeof(tcp));
	else
		bpf_probe_read_kernel(&tcp, sizeof(tcp), transport);
	event->local_port = bpf_ntohs(tcp.destination);
	event->peer_port = bpf_ntohs(tcp.source);
	event->trigger = tcp.flags;
}

/*
 * At every call of trace_tcp_send_reset() with a segment, skb->data is at the TCP header and
 * network_header is valid. The segment travels from the peer to us.
 */
static __always_inline void packet_read(struct rst_event *event, const struct sk_buff *skb)
{
	unsigned char *network =
		KERNEL_READ(skb, sk_buff, head) + KERNEL_READ(skb, sk_buff, network_header);
	unsigned char *transport = KERNEL_READ(skb, sk_buff, data);

	if (bpf_rdonly_cast)
		packet_load(event, network, transport);
	else
		packet_copy(event, network, transport);
	event->flags |= RST_EVENT_TRIGGER;
}

/* The namespace of the device it came in by. Valid only where the kernel found no socket: on the
 * other paths the device has already been taken off. */
static __always_inline __u32 packet_netns(const struct sk_buff *skb)
{
	return KERNEL_READ(skb, sk_buff, dev, nd_net.net, ns.inum);
}

#endif

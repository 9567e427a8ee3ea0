/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads a segment that came in, and provoked a reset or is one: its headers give the peer, the
 * local end and the flags, whether or not there was a socket. A bad or NULL pointer reads as
 * zeroes, see kernel_read.h.
 */
#ifndef RSTWATCH_BPF_PACKET_H
#define RSTWATCH_BPF_PACKET_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "event.h"
#include "kernel_read.h"

#define PACKET_IPV4_BYTES 20 /* without options */
#define PACKET_IPV6_BYTES 40 /* without extension headers */
#define PACKET_TCP_BYTES  14 /* up to and with the flags */

struct packet_ipv4 {
	__u8 version_ihl;
	__u8 skipped[11];
	__be32 source;
	__be32 destination;
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

#define PACKET_ETH_IPV4 0x0800
#define PACKET_ETH_IPV6 0x86dd
#define PACKET_TCP	6      /* IPPROTO_TCP */
#define PACKET_UNSET	0xffff /* of a transport header that nobody has looked for */

/* Where the headers of a segment are. */
struct packet {
	const unsigned char *network;
	const unsigned char *transport;
};

/* The IP header, and behind it the TCP header where no options stand between. */
struct packet_headers {
	union {
		struct packet_ipv4 v4;
		struct packet_ipv6 v6;
		__u8 bytes[PACKET_IPV6_BYTES + PACKET_TCP_BYTES + 2];
	};
};

/* The second half of ::ffff:a.b.c.d, as it lies in memory; the first is 0. */
static __always_inline __u64 packet_mapped(__be32 ipv4)
{
	union {
		__be32 part[2];
		__u64 whole;
	} half = {.part = {bpf_htonl(0xffff), ipv4}};

	return half.whole;
}

/* address: at a multiple of 8 bytes. */
static __always_inline void packet_map_ipv4(__u8 *address, __be32 ipv4)
{
	__u8 *aligned = __builtin_assume_aligned(address, 8);
	__u64 first = 0, second = packet_mapped(ipv4);

	__builtin_memcpy(aligned, &first, 8);
	__builtin_memcpy(aligned + 8, &second, 8);
}

/*
 * Fills the ends and the flags. The segment travels from the peer to us. In two steps, as not all
 * of it is needed to count a reset: what is, and the rest.
 */
#if KERNEL_CASTS
/* Loads straight from the packet, where the kernel lets us. */
static __always_inline bool packet_is_ipv4(const struct packet *packet)
{
	return *(const __u8 *)KERNEL_CAST(packet->network, iphdr) >> 4 == 4;
}

static __always_inline void packet_read_peer(struct rst_event *event, const struct packet *packet)
{
	const struct tcphdr *tcp = KERNEL_CAST(packet->transport, tcphdr);
	const unsigned char *network = packet->network;

	if (packet_is_ipv4(packet))
		packet_map_ipv4(event->peer, KERNEL_CAST(network, iphdr)->saddr);
	else
		KERNEL_READ_IPV6(event->peer, network, ipv6hdr, saddr);
	event->local_port = bpf_ntohs(tcp->dest);
	event->peer_port = bpf_ntohs(tcp->source);
	event->trigger = ((const __u8 *)tcp)[__builtin_offsetof(struct packet_tcp, flags)];
}

static __always_inline void packet_read_local(struct rst_event *event, const struct packet *packet)
{
	const unsigned char *network = packet->network;

	if (packet_is_ipv4(packet))
		packet_map_ipv4(event->local, KERNEL_CAST(network, iphdr)->daddr);
	else
		KERNEL_READ_IPV6(event->local, network, ipv6hdr, daddr);
}
#else
/*
 * Copies both headers with one probe read, where it does not. What lies behind a shorter packet is
 * still the packet's own buffer, which ends with the 320 bytes of skb_shared_info.
 */
static __always_inline void packet_read_peer(struct rst_event *event, const struct packet *packet)
{
	struct packet_headers headers;
	struct packet_tcp tcp;
	__u32 offset = packet->transport - packet->network;

	bpf_probe_read_kernel(&headers, sizeof(headers), packet->network);
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
		bpf_probe_read_kernel(&tcp, sizeof(tcp), packet->transport);
	event->local_port = bpf_ntohs(tcp.destination);
	event->peer_port = bpf_ntohs(tcp.source);
	event->trigger = tcp.flags;
}

static __always_inline void packet_read_local(struct rst_event *event, const struct packet *packet)
{
	(void)event; /* has it already: see above */
	(void)packet;
}
#endif

static __always_inline void packet_read(struct rst_event *event, const struct packet *packet)
{
	packet_read_peer(event, packet);
	packet_read_local(event, packet);
}

/*
 * Where TCP has the segment, skb->data is at its header and network_header is valid: at every call
 * of trace_tcp_send_reset() with a segment, of tcp_v4_send_reset(), tcp_check_req() and the like.
 */
static __always_inline struct packet packet_of_tcp(const struct sk_buff *skb)
{
	struct packet packet = {
		.network =
			KERNEL_READ(skb, sk_buff, head) + KERNEL_READ(skb, sk_buff, network_header),
		.transport = KERNEL_READ(skb, sk_buff, data),
	};

	return packet;
}

/* Where IP still has it, skb->data is at the IP header, and transport_header tells. */
static __always_inline struct packet packet_of_ip(const struct sk_buff *skb)
{
	const unsigned char *head = KERNEL_READ(skb, sk_buff, head);
	struct packet packet = {
		.network = head + KERNEL_READ(skb, sk_buff, network_header),
		.transport = head + KERNEL_READ(skb, sk_buff, transport_header),
	};

	return packet;
}

static __always_inline __u8 packet_byte(const unsigned char *at)
{
#if KERNEL_CASTS
	return *(const __u8 *)KERNEL_CAST(at, iphdr);
#else
	__u8 byte = 0;

	bpf_probe_read_kernel(&byte, sizeof(byte), at);
	return byte;
#endif
}

static __always_inline __u8 packet_flags(const struct packet *packet)
{
	return packet_byte(packet->transport + __builtin_offsetof(struct packet_tcp, flags));
}

static __always_inline __u32 packet_sequence(const struct packet *packet)
{
	/* By itself: inside KERNEL_READ() it would be an access to a kernel type "packet". */
	const unsigned char *transport = packet->transport;

	return bpf_ntohl(KERNEL_READ(transport, tcphdr, seq));
}

/* Extension headers that may stand between IPv6 and TCP, RFC 8200 section 4 and RFC 4302. */
static __always_inline bool packet_is_extension(__u8 protocol)
{
	switch (protocol) {
	case 0:	 /* hop-by-hop options */
	case 43: /* routing */
	case 44: /* fragment */
	case 51: /* authentication */
	case 60: /* destination options */
		return true;
	default:
		return false;
	}
}

/* Whether a TCP header can be expected behind the IP header. Of an IPv4 packet in fragments, only
 * the first one has it. */
static __always_inline bool packet_is_tcp(const struct packet *packet, __be16 ethernet)
{
	__u8 protocol;

	if (ethernet == bpf_htons(PACKET_ETH_IPV4))
		return packet_byte(packet->network + 9) == PACKET_TCP &&
		       !(packet_byte(packet->network + 6) & 0x1f) &&
		       !packet_byte(packet->network + 7);
	protocol = packet_byte(packet->network + 6);
	return protocol == PACKET_TCP || packet_is_extension(protocol);
}

static __always_inline const void *packet_route(const struct sk_buff *skb)
{
	return (const void *)(KERNEL_READ(skb, sk_buff, _skb_refdst) & ~1UL); /* SKB_DST_NOREF */
}

/*
 * The namespace that a segment came into: of its device, which is taken off once a full socket has
 * the segment; then of its route's.
 */
static __always_inline __u32 packet_netns(const struct sk_buff *skb)
{
	__u32 netns = KERNEL_READ(skb, sk_buff, dev, nd_net.net, ns.inum);

	if (netns)
		return netns;
	return KERNEL_READ(packet_route(skb), dst_entry, dev, nd_net.net, ns.inum);
}

/* Whether its route ends at this host: else the kernel resets nothing that has no socket. */
static __always_inline bool packet_is_for_us(const struct sk_buff *skb)
{
	const void *route = packet_route(skb);

	if (KERNEL_READ(skb, sk_buff, protocol) == bpf_htons(PACKET_ETH_IPV4))
		return KERNEL_READ(route, rtable, rt_type) == 2;      /* RTN_LOCAL */
	return KERNEL_READ(route, rt6_info, rt6i_flags) & 0x80000000; /* RTF_LOCAL */
}

#endif

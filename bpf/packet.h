/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads the segment that provoked a reset: its headers give the peer, the local end and the flags,
 * whether or not there was a socket. Everything is copied with probe reads, which answer a bad or
 * NULL pointer with zeroes.
 */
#ifndef RSTWATCH_BPF_PACKET_H
#define RSTWATCH_BPF_PACKET_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "event.h"

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

/* A field of the chunk below; the offsets are constants once libbpf has fitted the program. */
#define PACKET_FIELD(type, chunk, base, field)                                                     \
	(*(type *)((chunk) + (bpf_core_field_offset(struct sk_buff, field) - (base))))

/*
 * Where the packet's IP and TCP headers are. In every kernel seen, the three fields lie close
 * together: one read fetches them, as each costs a call. If they ever do not, three reads do.
 */
static __always_inline void packet_locate(const struct sk_buff *skb, unsigned char **network,
					  unsigned char **transport)
{
	const __u32 base = bpf_core_field_offset(struct sk_buff, network_header) & ~7U;
	const __u32 head = bpf_core_field_offset(struct sk_buff, head);
	const __u32 data = bpf_core_field_offset(struct sk_buff, data);
	unsigned char chunk[64] __attribute__((aligned(8)));

	if (head < base || data < base || head - base > sizeof(chunk) - 8 ||
	    data - base > sizeof(chunk) - 8) {
		*network = BPF_CORE_READ(skb, head) + BPF_CORE_READ(skb, network_header);
		*transport = BPF_CORE_READ(skb, data);
		return;
	}
	bpf_probe_read_kernel(chunk, sizeof(chunk), (const void *)skb + base);
	*network = PACKET_FIELD(unsigned char *, chunk, base, head) +
		   PACKET_FIELD(__u16, chunk, base, network_header);
	*transport = PACKET_FIELD(unsigned char *, chunk, base, data);
}

/*
 * At every call of trace_tcp_send_reset() with a segment, skb->data is at the TCP header and
 * network_header is valid. The segment travels from the peer to us. One read fetches both headers:
 * what lies behind a shorter packet is still the packet's own buffer, which ends with the
 * 320 bytes of skb_shared_info.
 */
static __always_inline void packet_read(struct rst_event *event, const struct sk_buff *skb)
{
	struct packet_headers headers;
	struct packet_tcp tcp;
	unsigned char *network, *transport;
	__u32 offset;

	packet_locate(skb, &network, &transport);
	offset = transport - network;
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
	event->flags |= RST_EVENT_TRIGGER;
}

/* The namespace of the device it came in by. Valid only where the kernel found no socket: on the
 * other paths the device has already been taken off. */
static __always_inline __u32 packet_netns(const struct sk_buff *skb)
{
	return BPF_CORE_READ(skb, dev, nd_net.net, ns.inum);
}

#endif

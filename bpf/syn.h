/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tells of SYNs that come in (netif_receive_skb). For every packet that this host receives, so it
 * is attached only while somebody has reason to ask. What is not plain is left out: these are a
 * sample.
 */
#ifndef RSTWATCH_BPF_SYN_H
#define RSTWATCH_BPF_SYN_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "event.h"
#include "kernel_read.h"
#include "known.h"
#include "packet.h"
#include "signals.h"

#define SYN_TCP_BYTES 20

/* Where the TCP header of a packet is, behind its IP header and in one piece with it; NULL if there
 * is none, or not a plain one: IP options and extension headers, fragments. */
static __always_inline const unsigned char *syn_find_tcp(const struct sk_buff *skb,
							 const unsigned char *network)
{
	__u32 linear = KERNEL_READ(skb, sk_buff, len) - KERNEL_READ(skb, sk_buff, data_len);
	__be16 protocol = KERNEL_READ(skb, sk_buff, protocol);
	struct packet packet = {.network = network};

	if (protocol == bpf_htons(PACKET_ETH_IPV4) && linear >= PACKET_IPV4_BYTES + SYN_TCP_BYTES &&
	    packet_byte(network) == 0x45 && packet_is_tcp(&packet, protocol))
		return network + PACKET_IPV4_BYTES;
	if (protocol == bpf_htons(PACKET_ETH_IPV6) && linear >= PACKET_IPV6_BYTES + SYN_TCP_BYTES &&
	    packet_byte(network + 6) == PACKET_TCP)
		return network + PACKET_IPV6_BYTES;
	return (void *)0;
}

/* It is for this host by its Ethernet address (PACKET_HOST), and in no VLAN. */
static __always_inline bool syn_is_plain(const struct sk_buff *skb)
{
	return !KERNEL_READ(skb, sk_buff, vlan_proto) &&
	       !BPF_CORE_READ_BITFIELD_PROBED(skb, pkt_type);
}

/* network_header is not set yet: skb->data is there. */
static __always_inline int syn(const struct sk_buff *skb)
{
	const unsigned char *network = KERNEL_READ(skb, sk_buff, data), *tcp;
	struct rst_signal signal = {.kind = RST_SIGNAL_SYN};
	struct rst_event ends = {0};
	struct packet packet;
	__u64 hash;

	if (!syn_is_plain(skb))
		return 0;
	tcp = syn_find_tcp(skb, network);
	if (!tcp)
		return 0;
	packet.network = network;
	packet.transport = tcp;
	if ((packet_flags(&packet) & (RST_FLAG_SYN | RST_FLAG_ACK | RST_FLAG_RST | RST_FLAG_FIN)) !=
	    RST_FLAG_SYN)
		return 0;
	packet_read(&ends, &packet);
	__builtin_memcpy(signal.local, ends.local, sizeof(signal.local));
	__builtin_memcpy(signal.peer, ends.peer, sizeof(signal.peer));
	signal.local_port = ends.local_port;
	signal.peer_port = ends.peer_port;
	ends.netns = KERNEL_READ(skb, sk_buff, dev, nd_net.net, ns.inum);
	signal.netns = ends.netns;
	hash = known_hash(hash_address(ends.peer, rst_settings.seed), ends.netns);
	if (known_may(hash) && known_is(hash))
		signal.flags = RST_EVENT_KNOWN;
	return signals_tell(&signal);
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads a socket. A TIME_WAIT or request mini-socket is passed as a struct sock but holds only the
 * struct sock_common at its head: look at the state first. A bad or NULL pointer reads as
 * zeroes, see kernel_read.h.
 */
#ifndef RSTWATCH_BPF_SOCK_H
#define RSTWATCH_BPF_SOCK_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "classify.h"
#include "event.h"
#include "packet.h"

#define SOCK_INET  2  /* AF_INET */
#define SOCK_INET6 10 /* AF_INET6 */

/* A full socket with a peer, of which sock_role() can be asked. */
static __always_inline bool sock_is_connected(__u8 state)
{
	switch (state) {
	case 0:
	case RST_STATE_TIME_WAIT:
	case RST_STATE_NEW_SYN_RECV:
	case RST_STATE_LISTEN:
	case RST_STATE_SYN_SENT:
		return false;
	default:
		return true;
	}
}

static __always_inline __u32 sock_netns(const struct sock *sk)
{
	return KERNEL_READ(sk, sock, __sk_common.skc_net.net, ns.inum);
}

/* Without CONFIG_IPV6 the IPv6 fields do not exist. */
static __always_inline bool sock_is_ipv6(const struct sock *sk)
{
	return bpf_core_field_exists(sk->__sk_common.skc_v6_daddr) &&
	       KERNEL_READ(sk, sock, __sk_common.skc_family) == SOCK_INET6;
}

/* The addresses of both ends, of a full socket or a mini-socket. A dual-stack server that serves
 * IPv4 is AF_INET6 with ::ffff:a.b.c.d, which is how we write IPv4 anyway. address: 16 bytes, at a
 * multiple of 8. */
static __always_inline void sock_peer(__u8 address[16], const struct sock *sk)
{
	if (sock_is_ipv6(sk))
		KERNEL_READ_IPV6(address, sk, sock, __sk_common.skc_v6_daddr);
	else
		packet_map_ipv4(address, KERNEL_READ(sk, sock, __sk_common.skc_daddr));
}

static __always_inline void sock_local(__u8 address[16], const struct sock *sk)
{
	if (sock_is_ipv6(sk))
		KERNEL_READ_IPV6(address, sk, sock, __sk_common.skc_v6_rcv_saddr);
	else
		packet_map_ipv4(address, KERNEL_READ(sk, sock, __sk_common.skc_rcv_saddr));
}

/* Both ends of a full socket. skc_num is gone once an active close has released the port
 * (tcp_set_state() to CLOSE calls inet_put_port()), inet_sport stays. */
static __always_inline void sock_read(struct rst_event *event, const struct sock *sk)
{
	const struct inet_sock *inet = (const struct inet_sock *)sk;

	sock_local(event->local, sk);
	sock_peer(event->peer, sk);
	event->local_port = bpf_ntohs(KERNEL_READ(inet, inet_sock, inet_sport));
	event->peer_port = bpf_ntohs(KERNEL_READ(sk, sock, __sk_common.skc_dport));
}

/*
 * Whether a connected socket was accepted or connected. The kernel keeps no flag, but a child of a
 * listener starts with the interface of its SYN as multicast interface (mc_index in
 * tcp_v4_syn_recv_sock(), mcast_oif in tcp_v6_syn_recv_sock()), and a socket that connects starts
 * with 0. It survives the close. Only a program that sets IP_MULTICAST_IF on a TCP socket
 * misleads it.
 */
static __always_inline __u8 sock_role(const struct sock *sk)
{
	const struct inet_sock *inet = (const struct inet_sock *)sk;
	int interface;

	if (!bpf_core_field_exists(inet->mc_index))
		return RST_ROLE_UNKNOWN;
	interface = KERNEL_READ(inet, inet_sock, mc_index);
	if (!interface && bpf_core_field_exists(inet->pinet6) &&
	    KERNEL_READ(sk, sock, __sk_common.skc_family) == SOCK_INET6)
		interface = KERNEL_READ(inet, inet_sock, pinet6, mcast_oif);
	return interface ? RST_ROLE_SERVER : RST_ROLE_CLIENT;
}

/* The same for a TIME_WAIT mini-socket: connect() marks the port's bucket that it makes with
 * fastreuse -1 (__inet_hash_connect()), bind() never does. */
static __always_inline __u8 sock_role_time_wait(const struct sock *sk)
{
	const struct inet_timewait_sock *tw = (const struct inet_timewait_sock *)sk;
	const struct inet_bind_bucket *bucket = NULL;

	if (!bpf_core_field_exists(tw->tw_tb) || !bpf_core_field_exists(bucket->fastreuse))
		return RST_ROLE_UNKNOWN;
	return KERNEL_READ(tw, inet_timewait_sock, tw_tb, fastreuse) < 0 ? RST_ROLE_CLIENT
									 : RST_ROLE_SERVER;
}

/* Our role, by the socket if there is one that knows, else by the state and the segment. */
static __always_inline __u8 sock_role_in(const struct rst_event *event, const struct sock *sk)
{
	if (sk && sock_is_connected(event->state))
		return sock_role(sk);
	if (sk && event->state == RST_STATE_TIME_WAIT)
		return sock_role_time_wait(sk);
	return classify_role(event);
}

/* Whether our program has closed the receiving side (RCV_SHUTDOWN). */
static __always_inline bool sock_receive_shut(const struct sock *sk)
{
	return BPF_CORE_READ_BITFIELD_PROBED(sk, sk_shutdown) & 1;
}

/* A full socket of another type than SOCK_STREAM: a raw or a packet socket. */
static __always_inline bool sock_is_raw(const struct sock *sk)
{
	__u8 state = KERNEL_READ(sk, sock, __sk_common.skc_state);

	return state != RST_STATE_TIME_WAIT && state != RST_STATE_NEW_SYN_RECV &&
	       BPF_CORE_READ_BITFIELD_PROBED(sk, sk_type) != 1;
}

/* enum sock_flags, include/net/sock.h; unchanged since Linux 2.6. */
#define SOCK_FLAG_DEAD	   0 /* SOCK_DEAD */
#define SOCK_FLAG_DONE	   1 /* SOCK_DONE: its FIN has come */
#define SOCK_FLAG_KEEPOPEN 3 /* SOCK_KEEPOPEN */

static __always_inline bool sock_flag(const struct sock *sk, __u32 flag)
{
	return KERNEL_READ(sk, sock, __sk_common.skc_flags) >> flag & 1;
}

/* Keepalive is on and has sent probes that were not answered. */
static __always_inline bool sock_is_probing(const struct sock *sk)
{
	return sock_flag(sk, SOCK_FLAG_KEEPOPEN) &&
	       KERNEL_READ(sk, inet_connection_sock, icsk_probes_out);
}

/* Whether a mini-socket has been taken out of the table of connections
 * (sk_nulls_del_node_init_rcu()). It may be freed already, but its memory remains one. */
static __always_inline bool sock_is_unhashed(const struct sock *sk)
{
	return !KERNEL_READ(sk, sock, __sk_common.skc_nulls_node.pprev);
}

/* IPv4 or IPv6. */
static __always_inline bool sock_is_inet(const struct sock *sk)
{
	__u16 family = KERNEL_READ(sk, sock, __sk_common.skc_family);

	return family == SOCK_INET || family == SOCK_INET6;
}

/* TCP itself; Multipath TCP's own sockets are not, their subflows are. */
static __always_inline bool sock_is_tcp(const struct sock *sk)
{
	return KERNEL_READ(sk, sock, sk_protocol) == PACKET_TCP;
}

/* A program holds its lock (lock_sock()): then whoever runs, runs for that program, and not in an
 * interrupt. */
static __always_inline bool sock_is_locked_by_user(const struct sock *sk)
{
	return KERNEL_READ(sk, sock, sk_lock.owned);
}

static __always_inline bool sock_queue_full(const struct sock *listener)
{
	return KERNEL_READ(listener, sock, sk_ack_backlog) >
	       KERNEL_READ(listener, sock, sk_max_ack_backlog);
}

#endif

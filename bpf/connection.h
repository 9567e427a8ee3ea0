/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a connection had been when it was reset, from its full socket. */
#ifndef RSTWATCH_BPF_CONNECTION_H
#define RSTWATCH_BPF_CONNECTION_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "event.h"
#include "kernel_read.h"
#include "settings.h"
#include "sock.h"
#include "track.h"

/* The low half of jiffies, as the times in a struct tcp_sock are. */
static __always_inline __u32 connection_jiffies(void)
{
	return bpf_jiffies64();
}

/*
 * How long nothing had come from the peer, in jiffies: what we wrote last may well be what provoked
 * the reset. A reset is seen before its ACK is looked at, so it does not count. While we send the
 * same again and again the peer is silent, but the connection is not idle.
 */
static __always_inline __u32 connection_idle(const struct sock *sk)
{
	__u32 now = connection_jiffies();
	__u32 heard = now - KERNEL_READ(sk, tcp_sock, rcv_tstamp); /* ACKs */
	__u32 data = now - KERNEL_READ(sk, inet_connection_sock, icsk_ack.lrcvtime);
	__u32 idle = heard < data ? heard : data;
	__u32 sent;

	if (KERNEL_READ(sk, inet_connection_sock, icsk_retransmits)) {
		sent = now - KERNEL_READ(sk, tcp_sock, lsndtime);
		if (sent < idle)
			idle = sent;
	}
	return idle;
}

static __always_inline void connection_read(struct rst_connection *connection,
					    const struct sock *sk)
{
	const struct rst_socket *entry = track_find(sk);

	connection->bytes_in = KERNEL_READ(sk, tcp_sock, bytes_received);
	if (connection->bytes_in && sock_flag(sk, SOCK_FLAG_DONE))
		connection->bytes_in--; /* the FIN counts as one (tcp_rcv_nxt_update()) */
	connection->bytes_out =
		KERNEL_READ(sk, tcp_sock, bytes_sent) - KERNEL_READ(sk, tcp_sock, bytes_retrans);
	connection->idle_ms = (__u64)connection_idle(sk) * rst_settings.tick_ns / 1000000;
	connection->age_ms = entry && entry->born ? track_age_ms(entry->born) : RST_AGE_UNKNOWN;
}

#endif

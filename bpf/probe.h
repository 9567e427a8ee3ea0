/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Segments that no stack sends, and that TCP drops because of their flags, or that are a SYN into a
 * connection: somebody probes a socket. The drop reason tells them apart, so this costs other drops
 * next to nothing; a kernel without these reasons does not show them at all. What hits no socket
 * is answered with a reset, and is an event.
 */
#ifndef RSTWATCH_BPF_PROBE_H
#define RSTWATCH_BPF_PROBE_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "event.h"
#include "maps.h"
#include "packet.h"
#include "signals.h"
#include "sock.h"

/* number: of the drop reason. */
static __always_inline bool probe_is_reason(__u32 number)
{
	return (rst_settings.drop_flags && number == rst_settings.drop_flags) ||
	       (rst_settings.drop_syn && number == rst_settings.drop_syn);
}

/* It was dropped for one of these reasons. sk: the socket that it was held against, or NULL if that
 * is not known. */
static __noinline int probe_tell(const struct sk_buff *skb, const struct sock *sk)
{
	struct packet packet = packet_of_ip(skb);
	struct rst_signal signal = {.kind = RST_SIGNAL_PROBE};
	struct rst_event event = {0};

	packet_read(&event, &packet);
	if (event.trigger & (RST_FLAG_ACK | RST_FLAG_RST))
		return 0;
	if (sk) {
		signal.state = KERNEL_READ(sk, sock, __sk_common.skc_state);
		signal.netns = sock_netns(sk);
		/* Any stack sends a SYN to a listener, and a second one to a half-open connection.
		 */
		if ((event.trigger & (RST_FLAG_SYN | RST_FLAG_FIN)) == RST_FLAG_SYN &&
		    !sock_is_connected(signal.state))
			return 0;
	} else {
		signal.netns = packet_netns(skb);
	}
	__builtin_memcpy(signal.local, event.local, sizeof(signal.local));
	__builtin_memcpy(signal.peer, event.peer, sizeof(signal.peer));
	signal.local_port = event.local_port;
	signal.peer_port = event.peer_port;
	signal.trigger = event.trigger;
	return signals_tell(&signal);
}

#endif

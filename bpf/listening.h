/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The sockets that listen, in a table, so that each can be looked at once a second (owners.bpf.c),
 * and that what happens to one can be told with its owner. Filled as sockets start to listen, and
 * with those that there were before.
 */
#ifndef RSTWATCH_BPF_LISTENING_H
#define RSTWATCH_BPF_LISTENING_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "event.h"
#include "maps.h"
#include "sock.h"

static __always_inline struct rst_listens *listening_find(__u64 socket)
{
	return bpf_map_lookup_elem(&rst_listening, &socket);
}

/* It starts to listen: what is known of an earlier socket at this address is void. */
static __always_inline void listening_add(const struct rst_listener *listener)
{
	__u64 socket = listener->socket;
	struct rst_listens made = {
		.netns = listener->netns,
		.owner = listener->owner,
		.port = listener->port,
		.flags = listener->flags & RST_LISTENER_DUAL,
	};

	__builtin_memcpy(made.address, listener->address, sizeof(made.address));
	if (bpf_map_update_elem(&rst_listening, &socket, &made, BPF_ANY))
		__sync_fetch_and_add(&rst_control.listening_full, 1);
}

/* It listens already: it may be known, and then with its port and its owner of today. */
static __always_inline void listening_meet(const struct rst_listener *listener)
{
	struct rst_listens *known = listening_find(listener->socket);

	if (!known || known->netns != listener->netns ||
	    (known->port && known->port != listener->port)) {
		listening_add(listener);
		return;
	}
	known->port = listener->port;
	known->owner = listener->owner;
}

static __always_inline void listening_remove(const struct sock *sk)
{
	__u64 socket = (__u64)sk;

	bpf_map_delete_elem(&rst_listening, &socket);
}

/* Requests that wait for their last ACK, and those of them that have not timed out yet. */
static __always_inline __u32 listening_half_open(const struct sock *sk)
{
	return KERNEL_READ(sk, inet_connection_sock, icsk_accept_queue.qlen.counter);
}

static __always_inline __u32 listening_young(const struct sock *sk)
{
	return KERNEL_READ(sk, inet_connection_sock, icsk_accept_queue.young.counter);
}

#endif

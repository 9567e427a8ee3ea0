/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A socket's way through its states (inet_sock_set_state): who opens and closes it, when it was
 * established, from which state it was closed, who listens.
 *
 * Ten calls a connection over loopback, so whatever is not needed is left at once.
 */
#ifndef RSTWATCH_BPF_TRANSITION_H
#define RSTWATCH_BPF_TRANSITION_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "event.h"
#include "failing.h"
#include "holder.h"
#include "known.h"
#include "listening.h"
#include "process.h"
#include "signals.h"
#include "sock.h"
#include "track.h"

static __always_inline bool transition_is_any(const __u8 address[16])
{
	const __u64 *half = (const __u64 *)address;

	return !half[0] && !half[1];
}

static __always_inline bool transition_is_ipv6_only(const struct sock *sk)
{
	return BPF_CORE_READ_BITFIELD_PROBED(sk, __sk_common.skc_ipv6only);
}

/* The local end of a listening socket. */
static __always_inline void transition_listener(struct rst_listener *listener,
						const struct sock *sk)
{
	struct rst_event ends = {0};

	sock_read(&ends, sk);
	__builtin_memcpy(listener->address, ends.local, sizeof(listener->address));
	listener->port = ends.local_port;
	if (!listener->port) /* before listen() returns, inet_sport is not yet set */
		listener->port = KERNEL_READ(sk, sock, __sk_common.skc_num);
	listener->netns = sock_netns(sk);
	listener->socket = (__u64)sk;
	if (transition_is_any(listener->address) && !transition_is_ipv6_only(sk))
		listener->flags |= RST_LISTENER_DUAL;
}

static __always_inline void transition_tell(const struct rst_listener *listener)
{
	if (bpf_ringbuf_output(&rst_changes, (void *)listener, sizeof(*listener), BPF_RB_NO_WAKEUP))
		__sync_fetch_and_add(&rst_control.changes_lost, 1);
}

static __noinline int transition_listen(const struct sock *sk)
{
	struct rst_listener listener = {.change = RST_LISTENER_OPENED};
	const struct task_struct *task = process_current();
	__u32 pid = process_pid(task);
	struct rst_task *known;

	track_begin(sk, false);
	holder_use(sk);
	if (holder_file_cred(KERNEL_READ(sk, sock, sk_socket)))
		listener.owner = holder_current();
	known = bpf_map_lookup_elem(&rst_tasks, &pid);
	if (known)
		known->listens = 1;
	transition_listener(&listener, sk);
	if (!listener.port)
		rst_control.ownerless++; /* the kernel is to choose the port: look for it later */
	listening_add(&listener);
	listener.time_ns = bpf_ktime_get_ns();
	transition_tell(&listener);
	return 0;
}

static __noinline int transition_stop(const struct sock *sk)
{
	struct rst_listener listener = {.change = RST_LISTENER_CLOSED};
	const struct task_struct *task = process_current();
	struct rst_event event = {.state = RST_STATE_LISTEN};

	transition_listener(&listener, sk);
	listener.owner = holder_of(&event, sk);
	if (KERNEL_READ(task, task_struct, flags) & PROCESS_EXITING) {
		listener.flags |= RST_LISTENER_EXITING;
		listener.exit_status = KERNEL_READ(task, task_struct, exit_code);
	}
	listening_remove(sk);
	listener.time_ns = bpf_ktime_get_ns();
	transition_tell(&listener);
	return 0;
}

/*
 * close() or shutdown(), by the program or because it ends. From here on the socket may have no
 * file. If our side has sent its FIN first, the connection may live on as a TIME_WAIT mini-socket;
 * noted here, in the process, as no later transition is sure to be seen. If not, all that can
 * follow is that the socket is closed.
 */
static __noinline int transition_close(const struct sock *sk, __u8 after)
{
	struct rst_event event = {0};
	__u32 number = holder_acting(&event, sk);

	if (after == RST_STATE_LAST_ACK) {
		track_leave(sk, number, after);
		return 0;
	}
	if (!number)
		return 0;
	track_move(sk, number);
	event.netns = sock_netns(sk);
	sock_read(&event, sk);
	track_closed(&event, number);
	return 0;
}

/* Whether somebody may want to know of a connect() that succeeds. */
static __always_inline bool transition_is_asked(void)
{
	return rst_control.watch & RST_WATCH_CONNECTS ||
	       rst_control.connects_failed >= RST_CONNECTS_FAILED;
}

/* The same, of whom it is. */
static __always_inline bool transition_is_wanted(__u32 number)
{
	if (failing_is(number))
		return true;
	if (!(rst_control.watch & RST_WATCH_CONNECTS) ||
	    rst_control.connects_told >= RST_CONNECTS_TOLD)
		return false;
	rst_control.connects_told++;
	return true;
}

/* A connection was accepted by the kernel. sk: the new socket, which has its listener's port. */
static __noinline int transition_count_open(const struct sock *sk)
{
	struct rst_open_key key = {
		.netns = sock_netns(sk),
		.port = KERNEL_READ(sk, sock, __sk_common.skc_num),
	};
	__u64 *count = bpf_map_lookup_elem(&rst_opens, &key), none = 0;

	if (!count) {
		/* Full: then it is not known of the ports that come last. */
		bpf_map_update_elem(&rst_opens, &key, &none, BPF_NOEXIST);
		count = bpf_map_lookup_elem(&rst_opens, &key);
	}
	if (count)
		__sync_fetch_and_add(count, 1);
	return 0;
}

/* How our connect() has ended, and whose it is. kind: of the signal. */
static __noinline int transition_connect(const struct sock *sk, __u8 kind)
{
	struct rst_signal signal = {.kind = kind};
	struct rst_event event = {0};

	signal.owner = holder_acting(&event, sk);
	if (kind == RST_SIGNAL_CONNECT_FAILED)
		failing_note(signal.owner);
	else if (!transition_is_wanted(signal.owner))
		return 0;
	event.netns = signal.netns = sock_netns(sk);
	sock_read(&event, sk);
	__builtin_memcpy(signal.local, event.local, sizeof(signal.local));
	__builtin_memcpy(signal.peer, event.peer, sizeof(signal.peer));
	signal.local_port = event.local_port;
	signal.peer_port = event.peer_port;
	return signals_tell(&signal);
}

/* A connection that was refused has its error already: tcp_reset(). */
#define TRANSITION_REFUSED 111 /* ECONNREFUSED */

#define TRANSITION_LATELY_BITS 15 /* of jiffies: half a minute to five */

/* Whether the peer has been remembered within minutes: few peers have most connections, and the
 * memory of all of them is not in the cache. */
static __always_inline bool transition_is_remembered(const struct sock *sk)
{
	__u64 hash = known_hash_socket(sk), told;
	__u32 place = hash & ((1 << RST_LATELY_BITS) - 1);
	__u64 *lately = bpf_map_lookup_elem(&rst_lately, &place);

	if (!lately)
		return false; /* cannot be: an array */
	told = hash ^ bpf_jiffies64() >> TRANSITION_LATELY_BITS << 32 ^ rst_control.known;
	if (*lately == told)
		return true;
	*lately = told;
	return false;
}

/* A connection ends: its peer is known from now on, if data went both ways and arrived. The kernel
 * counts their FIN as one byte, and our SYN and our FIN, too. */
static __noinline int transition_known(const struct sock *sk)
{
	if (KERNEL_READ(sk, tcp_sock, bytes_received) <= 1 ||
	    KERNEL_READ(sk, tcp_sock, bytes_acked) <= 2 || transition_is_remembered(sk))
		return 0;
	known_add(sk);
	return 0;
}

/* A TCP socket is no longer connected, or never was. */
static __always_inline void transition_end(const struct sock *sk, __u8 before)
{
	switch (before) {
	case RST_STATE_LISTEN:
		transition_stop(sk);
		break;
	case RST_STATE_SYN_SENT:
		rst_control.connects_failed++;
		if (KERNEL_READ(sk, sock, sk_err) != TRANSITION_REFUSED)
			transition_connect(sk, RST_SIGNAL_CONNECT_FAILED);
		break;
	case RST_STATE_CLOSE:
		break;
	default:
		transition_known(sk);
	}
}

static __always_inline int transition(const struct sock *sk, __u8 before, __u8 after)
{
	switch (after) {
	case RST_STATE_SYN_SENT:
		if (!sock_is_tcp(sk))
			break;
		track_begin(sk, false);
		holder_use(sk);
		break;
	case RST_STATE_ESTABLISHED:
		if (before != RST_STATE_SYN_SENT) {
			track_begin(sk, true);
			if (before == RST_STATE_SYN_RECV && rst_control.watch & RST_WATCH_OPENS)
				transition_count_open(sk);
			break;
		}
		track_established(sk);
		if (transition_is_asked() && sock_is_tcp(sk))
			transition_connect(sk, RST_SIGNAL_CONNECTED);
		break;
	case RST_STATE_FIN_WAIT2:
	case RST_STATE_CLOSING:
		if (before != after)
			break;
		/* close() after shutdown() sets the state to what it is: tcp_close_state() */
	case RST_STATE_FIN_WAIT1:
	case RST_STATE_LAST_ACK:
		if (sock_is_tcp(sk))
			transition_close(sk, after);
		break;
	case RST_STATE_CLOSE:
		if (sock_is_tcp(sk))
			transition_end(sk, before);
		if (before != RST_STATE_LAST_ACK) /* noted: transition_close() */
			track_close(sk, before);
		break;
	case RST_STATE_LISTEN:
		if (sock_is_tcp(sk))
			transition_listen(sk);
		break;
	}
	return 0;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whose socket it is: the process that made its file (process.h), or that was seen to use it later,
 * after fork() or because it was passed on. The task that runs is asked only where it runs for the
 * socket: in a system call of its own, which holds the socket's lock.
 */
#ifndef RSTWATCH_BPF_HOLDER_H
#define RSTWATCH_BPF_HOLDER_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "event.h"
#include "process.h"
#include "sock.h"
#include "track.h"

static __always_inline __u64 holder_file_cred(const struct socket *socket)
{
	return (__u64)KERNEL_READ(socket, socket, file, f_cred);
}

/* A further subflow of Multipath TCP has a socket without a file: its owner has the main one. */
static __always_inline __u64 holder_mptcp_cred(const struct sock *sk)
{
	const struct mptcp_subflow_context *subflow = (void *)0;

	if (!bpf_core_field_exists(subflow->conn) ||
	    !BPF_CORE_READ_BITFIELD_PROBED((const struct tcp_sock *)sk, is_mptcp))
		return 0;
	subflow = KERNEL_READ(sk, inet_connection_sock, icsk_ulp_data);
	return holder_file_cred(KERNEL_READ(subflow, mptcp_subflow_context, conn, sk_socket));
}

#define HOLDER_KERNEL (1ULL << 32)

/* holder_of(), by the socket's address; HOLDER_KERNEL: nobody's but the kernel's. Global, for the
 * verifier: see process_enrol(). */
__noinline __u64 holder_find(__u64 socket_address)
{
	const struct sock *sk = (const void *)socket_address;
	const struct socket *socket = KERNEL_READ(sk, sock, sk_socket);
	__u32 moved = track_moved(sk);
	__u64 cred;

	if (moved)
		return process_is_known(moved) ? moved : 0;
	if (!socket)
		return 0; /* not yet accepted, or closed and forgotten */
	cred = holder_file_cred(socket);
	if (!cred)
		cred = holder_mptcp_cred(sk);
	return process_of_file(cred) | (cred ? 0 : HOLDER_KERNEL);
}

/* The number of a full socket's process; 0: not known. event: its ends are set. */
static __always_inline __u32 holder_of(struct rst_event *event, const struct sock *sk)
{
	__u64 found = holder_find((__u64)sk);

	if (found & HOLDER_KERNEL)
		event->flags |= RST_EVENT_KERNEL;
	return found;
}

/* The same for a socket of any kind, NULL and mini-sockets included. */
static __always_inline __u32 holder_in(struct rst_event *event, const struct sock *sk, __u8 state)
{
	if (!sk)
		return 0;
	if (state == RST_STATE_TIME_WAIT)
		return track_closed_by(event);
	if (state == RST_STATE_NEW_SYN_RECV)
		sk = KERNEL_READ(sk, sock, __sk_common.skc_listener);
	return holder_of(event, sk);
}

/* The number of the process that runs now, and does so for a socket; 0: a kernel thread does. Asked
 * for every connection that is opened or closed, so the last ones are kept. */
__noinline __u32 holder_current(void)
{
	const struct task_struct *task = process_current();
	__u64 cred = process_cred(task), started = process_started(task);
	__u32 pid = process_pid(task), place = pid & ((1 << RST_RECENT_BITS) - 1);
	struct rst_recent *recent = bpf_map_lookup_elem(&rst_recent, &place);
	struct rst_task *known;
	__u32 number;

	if (!recent)
		return 0; /* cannot be: an array */
	if (recent->cred == cred && recent->started == started && recent->pid == pid &&
	    process_is_kept(recent->number))
		return recent->number;
	if (process_is_kernel(task))
		return 0;
	known = process_learn(task, pid);
	number = known ? process_number(known, pid) : 0;
	recent->cred = cred;
	recent->started = started;
	recent->pid = pid;
	recent->number = number;
	return number;
}

/* The process that closes, resets or shuts down a full socket, which is the one that has it. */
static __always_inline __u32 holder_acting(struct rst_event *event, const struct sock *sk)
{
	__u32 number = 0;

	if (KERNEL_READ(sk, sock, sk_socket) && sock_is_locked_by_user(sk))
		number = holder_current();
	return number ? number : holder_of(event, sk);
}

/* Whether the file's credentials alone will name this process, whichever of its threads runs. */
static __always_inline bool holder_is_plain(const struct task_struct *task, __u64 cred)
{
	return rst_control.noted & RST_NOTED_CREDS ||
	       process_cred(KERNEL_READ(task, task_struct, group_leader)) == cred;
}

/*
 * The process that runs uses the socket: it has it from now on, if it has not made its file. Asked
 * with every read that gets data, so what is usual comes first: a process that has made it, and is
 * known. Credentials that differ can be its own as well, from before a setuid(): then it is noted
 * with the socket.
 */
static __always_inline int holder_use(const struct sock *sk)
{
	const struct socket *socket = KERNEL_READ(sk, sock, sk_socket);
	const struct task_struct *task = process_current();
	__u64 cred = holder_file_cred(socket);
	__u32 number = holder_current(), moved;

	if (!number || !cred)
		return 0;
	moved = rst_control.moved ? track_moved(sk) : 0;
	if (!moved && cred == process_cred(task) && holder_is_plain(task, cred))
		return 0;
	if (number != moved) {
		rst_control.moved = 1;
		track_move(sk, number);
	}
	return 0;
}

/* Whoever reads from a socket uses it; unless something in the kernel reads, in an interrupt. */
static __always_inline int holder_read(const struct sock *sk)
{
	return sock_is_locked_by_user(sk) ? holder_use(sk) : 0;
}

#endif

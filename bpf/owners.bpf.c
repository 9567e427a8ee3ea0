// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Who is who, and who has which socket: the tracepoints that tell when that changes, and iterators
 * for what was there before. Processes and files are walked once at start, and the files again when
 * a process ends that had listened, as its sockets may live on in others. And how the sockets that
 * listen are now: walked once a second.
 *
 * An object of its own, as the verifier reads two at the same time: user/programs.c.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "event.h"
#include "holder.h"
#include "kernel_read.h"
#include "maps.h"
#include "process.h"
#include "sock.h"
#include "tracepoint.h"
#include "transition.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* inet_sock_set_state(sk, oldstate, newstate), before the state is set: a full socket, of any
 * protocol that uses these states. */
SEC("raw_tp/inet_sock_set_state")
int rst_state(struct tracepoint_arguments *context)
{
	const struct sock *sk = (const void *)context->argument[0];

	return transition(sk, context->argument[1], context->argument[2]);
}

/* tcp_rcv_space_adjust(sk): somebody has read data from a socket. */
SEC("raw_tp/tcp_rcv_space_adjust")
int rst_read(struct tracepoint_arguments *context)
{
	return holder_read((const void *)context->argument[0]);
}

/* sched_process_fork(parent, child) */
SEC("raw_tp/sched_process_fork")
int rst_fork(struct tracepoint_arguments *context)
{
	return process_fork((const void *)context->argument[1]);
}

/* sched_process_exec(task, old_pid, bprm), in the process that has a new program now. */
SEC("raw_tp/sched_process_exec")
int rst_exec(struct tracepoint_arguments *context)
{
	(void)context;
	return process_exec();
}

/* task_rename(task, comm): a thread is about to get another name. */
SEC("raw_tp/task_rename")
int rst_rename(struct tracepoint_arguments *context)
{
	return process_rename((const void *)context->argument[0],
			      (const void *)context->argument[1]);
}

/* sched_process_free(task) */
SEC("raw_tp/sched_process_free")
int rst_free(struct tracepoint_arguments *context)
{
	return process_free((const void *)context->argument[0]);
}

/* --- what was there before --- */

#define SEED_FORMAT 0170000 /* S_IFMT */
#define SEED_SOCKET 0140000 /* S_IFSOCK */

/* Every thread. The task is NULL in the last call. */
SEC("iter/task")
int rst_tasks_iter(struct bpf_iter__task *context)
{
	const struct task_struct *task = context->task;

	if (!task || process_is_kernel(task))
		return 0;
	process_learn(task, process_pid(task));
	return 0;
}

/* A TCP socket that listens, told as the iterator's output: struct rst_listener. */
static __always_inline void tell(struct bpf_iter__task_file *context, const struct sock *sk,
				 __u32 number)
{
	struct rst_listener listener = {.change = RST_LISTENER_FOUND, .owner = number};

	transition_listener(&listener, sk);
	listening_meet(&listener);
	listener.time_ns = bpf_ktime_get_ns();
	bpf_seq_write(context->meta->seq, &listener, sizeof(listener));
}

/*
 * Every file of every process. A socket's file that nobody's credentials are sure to fit (its maker
 * has gone, or has changed them since) is this process's; and so is one that listens and was made
 * by init, which only listens for others (socket activation).
 */
SEC("iter/task_file")
int rst_files_iter(struct bpf_iter__task_file *context)
{
	const struct task_struct *task = context->task;
	const struct file *file = context->file;
	const struct socket *socket;
	struct rst_task *maker, *holder;
	const struct sock *sk;
	struct rst_cred *cred;
	__u32 pid, made_by;
	__u64 address;
	bool listens;

	if (!task || !file ||
	    (KERNEL_READ(file, file, f_inode, i_mode) & SEED_FORMAT) != SEED_SOCKET)
		return 0;
	socket = KERNEL_READ(file, file, private_data);
	sk = BPF_CORE_READ(socket, sk); /* a plain number: it is the key of a table */
	if (!sk || KERNEL_READ(socket, socket, file) != file || !sock_is_inet(sk) ||
	    !sock_is_tcp(sk))
		return 0;
	listens = KERNEL_READ(sk, sock, __sk_common.skc_state) == RST_STATE_LISTEN;
	pid = process_pid(task);
	address = (__u64)KERNEL_READ(file, file, f_cred);
	cred = bpf_map_lookup_elem(&rst_creds, &address);
	maker = cred ? process_of_cred(cred) : (void *)0;
	made_by = cred ? cred->pid : 0;
	if (!maker || (listens && made_by == 1 && pid != 1) ||
	    (made_by == pid && !process_is_sure(maker, address))) {
		holder = process_learn(task, pid);
		if (!holder)
			return 0;
		if (!maker)
			process_own(pid, holder, address);
		rst_control.moved = 1;
		track_move(sk, process_number(holder, pid));
		maker = holder;
		made_by = pid;
	}
	if (listens) {
		maker->listens = 1;
		tell(context, sk, process_number(maker, made_by));
	}
	return 0;
}

/* Whether the socket is the one that was noted. One whose port the kernel was still to choose has
 * it by now. */
static __always_inline bool is_same(struct rst_listens *listens, const struct sock *sk)
{
	__u16 port = KERNEL_READ(sk, sock, __sk_common.skc_num);

	if (KERNEL_READ(sk, sock, __sk_common.skc_state) != RST_STATE_LISTEN ||
	    sock_netns(sk) != listens->netns || !sock_is_tcp(sk))
		return false;
	if (!listens->port)
		listens->port = port;
	return listens->port == port;
}

static __always_inline void look(struct rst_listening *now, struct rst_listens *listens,
				 const struct sock *sk)
{
	struct rst_open_key opened = {.netns = listens->netns, .port = listens->port};
	const __u64 *completed = bpf_map_lookup_elem(&rst_opens, &opened);

	now->socket = (__u64)sk;
	__builtin_memcpy(now->address, listens->address, sizeof(now->address));
	now->netns = listens->netns;
	now->port = listens->port;
	now->owner = listens->owner;
	now->flags = listens->flags;
	if (BPF_CORE_READ_BITFIELD_PROBED((const struct inet_connection_sock *)sk,
					  icsk_accept_queue.synflood_warned))
		now->flags |= RST_LISTENING_WARNED;
	now->half_open = listening_half_open(sk);
	now->young = listening_young(sk);
	now->accept_queue = KERNEL_READ(sk, sock, sk_ack_backlog);
	now->backlog = KERNEL_READ(sk, sock, sk_max_ack_backlog);
	now->drops = KERNEL_READ(sk, sock, sk_drops.counter);
	now->retransmits_first = listens->retransmits_first;
	now->retransmits = listens->retransmits;
	now->completed = completed ? *completed : 0;
}

/* Whether there is nothing to tell: its queues are empty and were, and nothing else has changed. */
static __always_inline bool is_told(const struct rst_listening *now,
				    const struct rst_listening *told)
{
	return now->socket == told->socket &&
	       !(now->half_open | now->accept_queue | told->half_open | told->accept_queue) &&
	       now->owner == told->owner && now->backlog == told->backlog &&
	       now->drops == told->drops && now->flags == told->flags &&
	       now->retransmits == told->retransmits && now->completed == told->completed;
}

/* Every socket of rst_listening, in all namespaces, told as the iterator's output: struct
 * rst_listening. Key and value are NULL in the last call. */
SEC("iter/bpf_map_elem")
int rst_listening_iter(struct bpf_iter__bpf_map_elem *context)
{
	struct rst_listening now = {0};
	const __u64 *key = context->key;
	struct rst_listens *listens;
	__u64 socket;

	if (!key)
		return 0;
	socket = *key; /* a plain number, and so is what stands in a map */
	listens = listening_find(socket);
	if (!listens)
		return 0;
	if (!is_same(listens, (const void *)socket)) {
		/* It is noted before its state is set: look twice. */
		if (listens->strange++)
			listening_remove((const void *)socket);
		return 0;
	}
	listens->strange = 0;
	if (!process_is_known(listens->owner))
		listens->owner = holder_find(socket);
	look(&now, listens, (const void *)socket);
	if (is_told(&now, &listens->told))
		return 0;
	now.time_ns = bpf_ktime_get_ns();
	/* If there was no room, it is called again for the same one. */
	if (!bpf_seq_write(context->meta->seq, &now, sizeof(now)))
		listens->told = now;
	return 0;
}

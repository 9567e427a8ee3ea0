// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What was there before rstwatch: processes and their credentials, and who has which socket. Walked
 * once at start, and the files again when a process ends that had listened, as its sockets may
 * live on in others.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "barrier.h"
#include "event.h"
#include "kernel_read.h"
#include "maps.h"
#include "process.h"
#include "sock.h"
#include "transition.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

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

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who is who. Every process has a struct cred of its own from fork() on (copy_creds()), gets a new
 * one with exec() and with setuid() and the like, and a file keeps that of its maker (f_cred). So
 * the credentials of a socket's file name the process that called socket() or accept(), without any
 * work when it did. rst_creds tells whose they are.
 *
 * They are learned from fork and exec; for changes in between when the process is seen with a
 * socket; and for all processes when rstwatch starts, and now and then (user/walks.c).
 */
#ifndef RSTWATCH_BPF_PROCESS_H
#define RSTWATCH_BPF_PROCESS_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "cgpath.h"
#include "event.h"
#include "kernel_read.h"
#include "maps.h"
#include "track.h"

#define PROCESS_EXITING 0x00000004 /* PF_EXITING */
#define PROCESS_KERNEL	0x00200000 /* PF_KTHREAD */

#define PROCESS_TICK_NS 10000000 /* of /proc/PID/stat: USER_HZ is 100 everywhere */

static __always_inline const struct task_struct *process_current(void)
{
	return (const struct task_struct *)bpf_get_current_task();
}

/* Of the thread group. */
static __always_inline __u32 process_pid(const struct task_struct *task)
{
	return KERNEL_READ(task, task_struct, tgid);
}

static __always_inline __u64 process_cred(const struct task_struct *task)
{
	return (__u64)KERNEL_READ(task, task_struct, cred);
}

/* In ns since boot: with the id, what makes it another one. */
static __always_inline __u64 process_started(const struct task_struct *task)
{
	return KERNEL_READ(task, task_struct, group_leader, start_boottime);
}

static __always_inline __u64 process_cgroups(const struct task_struct *task)
{
	return (__u64)KERNEL_READ(task, task_struct, cgroups);
}

static __always_inline __u32 process_cred_uid(__u64 address)
{
	const struct cred *cred = (const void *)address;

	return KERNEL_READ(cred, cred, euid.val);
}

/* A kernel thread: whatever it does with a socket, it does for somebody else. */
static __always_inline bool process_is_kernel(const struct task_struct *task)
{
	return KERNEL_READ(task, task_struct, flags) & PROCESS_KERNEL;
}

/* These credentials are that process's. */
static __always_inline void process_own(__u32 pid, const struct rst_task *task, __u64 address)
{
	struct rst_cred cred = {
		.started = task->started,
		.pid = pid,
		.number = task->number,
		.uid = process_cred_uid(address),
	};

	bpf_map_update_elem(&rst_creds, &address, &cred, BPF_ANY);
}

/* A process, from any of its threads. NULL: there is no room, which is counted. */
static __noinline struct rst_task *process_add(const struct task_struct *task, __u32 pid)
{
	const struct task_struct *leader = KERNEL_READ(task, task_struct, group_leader);
	struct rst_task made = {.leader = (__u64)leader};

	made.started = process_started(task);
	if (bpf_map_update_elem(&rst_tasks, &pid, &made, BPF_ANY))
		__sync_fetch_and_add(&rst_control.tasks_full, 1);
	process_own(pid, &made, process_cred(task));
	return bpf_map_lookup_elem(&rst_tasks, &pid);
}

/* Makes sure that a process and the credentials of this thread of it are known. */
static __always_inline struct rst_task *process_learn(const struct task_struct *task, __u32 pid)
{
	struct rst_task *known = bpf_map_lookup_elem(&rst_tasks, &pid);
	__u64 address = process_cred(task);
	struct rst_cred *cred;

	if (!known || known->leader != (__u64)KERNEL_READ(task, task_struct, group_leader))
		return process_add(task, pid);
	cred = bpf_map_lookup_elem(&rst_creds, &address);
	if (!cred || cred->pid != pid || cred->started != known->started)
		process_own(pid, known, address);
	return known;
}

/* A number that nobody else has been given. */
static __always_inline __u32 process_draw_number(void)
{
#if KERNEL_CASTS
	__u32 number = __sync_fetch_and_add(&rst_control.processes, 1) + 1;
#else
	/* Before Linux 5.12 an atomic addition does not tell the sum: each CPU counts for itself.
	 */
	__u32 zero = 0, *drawn = bpf_map_lookup_elem(&rst_drawn, &zero), number = 0;

	if (drawn)
		number = (*drawn)++ * rst_settings.cpus + bpf_get_smp_processor_id() + 1;
#endif
	return number & TRACK_NUMBER;
}

static __always_inline struct rst_process *process_slot(__u32 number)
{
	__u32 index = number & (RST_PROCESSES - 1);

	return bpf_map_lookup_elem(&rst_processes, &index);
}

/* Whether the kernel still remembers who that is. */
static __always_inline bool process_is_known(__u32 number)
{
	struct rst_process *process = process_slot(number);

	return number && process && process->number == number;
}

/* The same of one that was known: while fewer have been drawn since than there are slots, its own
 * is not another's, and need not be looked at. */
static __always_inline bool process_is_kept(__u32 number)
{
#if KERNEL_CASTS
	if (number && ((rst_control.processes - number) & TRACK_NUMBER) < RST_PROCESSES)
		return true;
#endif
	return process_is_known(number);
}

/* Whether what is written there is of a process that runs, and can still be asked for. */
static __always_inline bool process_is_alive(const struct rst_process *process)
{
	__u32 pid = process->pid;
	struct rst_task *task = bpf_map_lookup_elem(&rst_tasks, &pid);

	return task && process->number && task->number == process->number;
}

/* Draws one; 0 if its slot is of a process that runs. */
__noinline __u32 process_try_number(void)
{
	__u32 number = process_draw_number();
	struct rst_process *process = process_slot(number);

	return number && process && !process_is_alive(process) ? number : 0;
}

/* A number whose slot is free, or of a process that has ended; of any if those that follow all run.
 * No loop, which not all verifiers would take here. */
static __always_inline __u32 process_choose_number(void)
{
	__u32 number = process_try_number();

	if (!number)
		number = process_try_number();
	if (!number)
		number = process_try_number();
	if (!number)
		number = process_try_number();
	return number ? number : process_draw_number();
}

/*
 * Writes down a process of rst_tasks, and gives the number under which it is told of. Global, like
 * whatever takes plain numbers and many call: the verifier reads such a function once, and a static
 * one again on every way to it.
 */
__noinline __u32 process_enrol(__u32 pid)
{
	struct rst_task *task = bpf_map_lookup_elem(&rst_tasks, &pid);
	const struct task_struct *leader;
	struct rst_process *process;
	__u32 number;

	if (!task)
		return 0;
	leader = (const void *)task->leader;
	number = process_choose_number();
	process = process_slot(number);
	if (!process || !number)
		return 0;
	process->number = 0;
	barrier();
	task->cred = process_cred(leader);
	task->cgroups = process_cgroups(leader);
	process->pid = pid;
	process->started = task->started / PROCESS_TICK_NS;
	process->uid = process_cred_uid(task->cred);
	bpf_probe_read_kernel(process->comm, sizeof(process->comm), leader->comm);
	cgpath_read(process, number & (RST_PROCESSES - 1), leader);
	barrier();
	process->number = number;
	task->number = number;
	return number;
}

/* Whether the process still is what was written of it: its user and its cgroup can change. Its name
 * can, too: process_rename(). */
static __always_inline bool process_is_current(const struct rst_task *task)
{
	const struct task_struct *leader = (const void *)task->leader;

	return process_is_known(task->number) && task->cred == process_cred(leader) &&
	       task->cgroups == process_cgroups(leader);
}

/* The number under which the process is told of. 0: there is none. */
static __always_inline __u32 process_number(struct rst_task *task, __u32 pid)
{
	if (process_is_current(task))
		return task->number;
	return process_enrol(pid);
}

/* The process that runs and has or had these credentials. NULL: none does. */
static __always_inline struct rst_task *process_of_cred(const struct rst_cred *cred)
{
	struct rst_task *task = bpf_map_lookup_elem(&rst_tasks, &cred->pid);

	return task && task->started == cred->started ? task : (void *)0;
}

/*
 * Whether these credentials are sure to be that process's still. Those that it had before it
 * changed them are, as long as a file of it has them; but then their memory can become another's,
 * and where commit_creds() cannot be hooked, nothing tells.
 */
static __always_inline bool process_is_sure(const struct rst_task *task, __u64 address)
{
	return rst_control.noted & RST_NOTED_CREDS ||
	       process_cred((const void *)task->leader) == address;
}

/* The number of the process whose credentials a file has, whether it runs or has ended. */
static __always_inline __u32 process_of_file(__u64 address)
{
	struct rst_cred *cred = bpf_map_lookup_elem(&rst_creds, &address);
	struct rst_task *task;

	if (!cred || cred->uid != process_cred_uid(address))
		return 0;
	task = process_of_cred(cred);
	if (task && !process_is_sure(task, address))
		return 0;
	if (task)
		cred->number = process_number(task, cred->pid);
	return process_is_known(cred->number) ? cred->number : 0;
}

/* Asks for a walk of the processes (owners.bpf.c): what is new may be about to change. */
static __always_inline void process_tell_born(void)
{
	if (!rst_control.born)
		rst_control.born = 1;
}

/* fork(): the child has its credentials, and does not run yet. */
static __always_inline int process_fork(const struct task_struct *child)
{
	__u32 pid = process_pid(child);

	if (pid == KERNEL_READ(child, task_struct, pid)) {
		process_add(child, pid);
		process_tell_born();
	}
	return 0;
}

/* exec(): another program, under the same id. Files of before are its own, too. */
static __always_inline int process_exec(void)
{
	const struct task_struct *task = process_current();
	struct rst_task *known = process_learn(task, process_pid(task));

	if (known)
		known->number = 0;
	process_tell_born();
	return 0;
}

/* A thread's name changes; that of the leader is the process's. */
static __always_inline int process_rename(const struct task_struct *task, const char *comm)
{
	__u32 pid = process_pid(task);
	struct rst_process *process;
	struct rst_task *known;

	if (pid != KERNEL_READ(task, task_struct, pid))
		return 0;
	known = bpf_map_lookup_elem(&rst_tasks, &pid);
	if (!known || !process_is_known(known->number))
		return 0;
	process = process_slot(known->number);
	if (process)
		bpf_probe_read_kernel_str(process->comm, sizeof(process->comm), comm);
	return 0;
}

/* The last reference to a process goes: it has ended and its parent knows. Files of it may still be
 * open elsewhere. */
static __always_inline int process_free(const struct task_struct *leader)
{
	__u32 pid = process_pid(leader);
	__u64 address = process_cred(leader);
	struct rst_task *task;
	struct rst_cred *cred;

	if (pid != KERNEL_READ(leader, task_struct, pid))
		return 0;
	task = bpf_map_lookup_elem(&rst_tasks, &pid);
	if (!task || task->leader != (__u64)leader)
		return 0;
	cred = bpf_map_lookup_elem(&rst_creds, &address);
	if (cred && cred->pid == pid)
		cred->number = task->number;
	if (task->listens)
		rst_control.ownerless++;
	bpf_map_delete_elem(&rst_tasks, &pid);
	return 0;
}

/* The process that runs gets other credentials: setuid(), capset() and the like, and exec(). */
static __always_inline int process_change(__u64 address)
{
	const struct task_struct *task = process_current();
	__u32 pid = process_pid(task);
	struct rst_task *known = process_is_kernel(task) ? (void *)0 : process_learn(task, pid);

	if (known)
		process_own(pid, known, address);
	return 0;
}

#endif

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "hooks.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "functions.h"
#include "programs.h"
#include "rstwatch.skel.h"
#include "seed.h"

static const char *const tracepoints[] = {
	[HOOK_SEND] = "tcp_send_reset",
	[HOOK_RECEIVE] = "tcp_receive_reset",
	[HOOK_DROP] = "kfree_skb",
	[HOOK_STATE] = "inet_sock_set_state",
	[HOOK_READ] = "tcp_rcv_space_adjust",
	[HOOK_FORK] = "sched_process_fork",
	[HOOK_EXEC] = "sched_process_exec",
	[HOOK_RENAME] = "task_rename",
	[HOOK_FREE] = "sched_process_free",
	[HOOK_RETRANSMIT] = "tcp_retransmit_synack",
};

_Static_assert(sizeof(tracepoints) / sizeof(tracepoints[0]) == TRACEPOINTS, "one name for each");

void hook_missing(struct hook *hook, const char *how, const char *why)
{
	hook->state = HOOK_MISSING;
	snprintf(hook->how, sizeof(hook->how), "%s", how);
	snprintf(hook->why, sizeof(hook->why), "%s", why);
}

/* jiffies are the clock's ticks, and the coarse clock advances by one tick. */
static uint32_t read_tick_ns(void)
{
	struct timespec tick = {0};

	clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
	return tick.tv_nsec;
}

static int attach_tracepoints(struct hooks *hooks, char *error, size_t error_size)
{
	for (unsigned i = 0; i < TRACEPOINTS; i++) {
		struct bpf_program *program = programs_find(hooks, i);
		struct hook *hook = &hooks->hooks[i];

		if (hook->state == HOOK_MISSING)
			continue;
		hook->program_fds[0] = bpf_program__fd(program);
		hook->links[0] = bpf_program__attach_raw_tracepoint(program, hook->name);
		if (hook->links[0]) {
			hook->state = HOOK_ATTACHED;
			snprintf(hook->how, sizeof(hook->how), "raw_tp");
			continue;
		}
		if (i == HOOK_SEND || i == HOOK_RECEIVE) {
			int code = -errno;

			snprintf(error, error_size, "cannot attach to the tracepoint %s: %s",
				 hook->name, strerror(-code));
			return code;
		}
		hook_missing(hook, "refused", strerror(errno));
	}
	return 0;
}

/* --- all of them --- */

static int find_tracepoints(struct hooks *hooks, char *error, size_t error_size)
{
	for (unsigned i = 0; i < TRACEPOINTS; i++) {
		struct hook *hook = &hooks->hooks[i];

		if (kernel_tracepoint(&hooks->kernel, hook->name) > 0)
			continue;
		if (i == HOOK_SEND || i == HOOK_RECEIVE) {
			snprintf(error, error_size,
				 "this kernel has no tracepoint %s: Linux 4.15 and newer have it "
				 "if built with CONFIG_NET and CONFIG_TRACEPOINTS",
				 hook->name);
			return -ENOENT;
		}
		hook_missing(hook, "no such tracepoint", "this kernel has no such tracepoint");
	}
	return 0;
}

/* With all the names that are asked for later. */
static int open_kernel(struct hooks *hooks, const char *path, char *error, size_t error_size)
{
	char types[TRACEPOINTS][KERNEL_TYPE_BYTES];
	const char *names[HOOKS];
	unsigned count = 0;

	for (unsigned i = 0; i < HOOKS; i++) {
		names[count++] = hooks->hooks[i].name;
		if (i >= TRACEPOINTS)
			continue;
		kernel_tracepoint_type(types[i], hooks->hooks[i].name);
		names[i] = types[i];
	}
	return kernel_open(&hooks->kernel, path, names, count, error, error_size);
}

int hooks_load(struct hooks *hooks, const struct rst_settings *settings,
	       const struct limits *limits, const char *btf_path, char *error, size_t error_size)
{
	int code;

	memset(hooks, 0, sizeof(*hooks));
	for (unsigned i = 0; i < HOOKS; i++) {
		if (i < TRACEPOINTS)
			hooks->hooks[i].name = tracepoints[i];
		hooks->hooks[i].state = HOOK_UNWANTED;
		snprintf(hooks->hooks[i].how, sizeof(hooks->hooks[i].how), "not needed");
	}
	functions_name(hooks);
	hooks->hooks[HOOK_SEED].name = "task_file";
	hooks->settings = *settings;
	hooks->limits = *limits;
	hooks->settings.tick_ns = read_tick_ns();
	code = open_kernel(hooks, btf_path, error, error_size);
	if (code)
		return code;
	kernel_settings(&hooks->kernel, &hooks->settings);
	code = find_tracepoints(hooks, error, error_size);
	if (!code)
		code = programs_load(hooks, error, error_size);
	return code;
}

int hooks_attach(struct hooks *hooks, char *error, size_t error_size)
{
	int code = attach_tracepoints(hooks, error, error_size);

	if (!code) {
		functions_attach(hooks);
		hooks->seed = seed_open(hooks);
	}
	kernel_close(&hooks->kernel);
	return code;
}

int hooks_watch(struct hooks *hooks, uint32_t watch)
{
	bool wanted = watch & RST_WATCH_SYNS;

	if (wanted == (hooks->syns != NULL))
		return 0;
	if (!wanted) {
		bpf_link__destroy(hooks->syns);
		hooks->syns = NULL;
		return 0;
	}
	hooks->syns = bpf_program__attach_raw_tracepoint(hooks->skeleton->progs.rst_syn,
							 "netif_receive_skb");
	return hooks->syns ? 0 : -errno;
}

void hooks_retry(struct hooks *hooks)
{
	functions_retry(hooks);
}

uint64_t hooks_missed(struct hooks *hooks)
{
	uint64_t missed = 0;

	for (unsigned i = 0; i < HOOKS; i++) {
		struct hook *hook = &hooks->hooks[i];
		uint64_t all = 0;

		for (unsigned j = 0; j < HOOK_PROGRAMS; j++) {
			struct bpf_prog_info info = {0};
			uint32_t size = sizeof(info);

			if (hook->program_fds[j] &&
			    !bpf_obj_get_info_by_fd(hook->program_fds[j], &info, &size))
				all += info.recursion_misses;
		}
		missed += all - hook->missed;
		hook->missed = all;
	}
	return missed;
}

void hooks_coverage(const struct hooks *hooks, struct coverage *coverage)
{
	coverage->kernel = hooks->kernel.facts;
	for (unsigned i = 0; i < HOOKS; i++)
		coverage->hook[i] = hooks->hooks[i].state == HOOK_ATTACHED ||
				    hooks->hooks[i].state == HOOK_WAITING;
}

void hooks_close(struct hooks *hooks)
{
	for (unsigned i = 0; i < HOOKS; i++)
		for (unsigned j = 0; j < HOOK_PROGRAMS; j++)
			bpf_link__destroy(hooks->hooks[i].links[j]);
	bpf_link__destroy(hooks->syns);
	functions_close(hooks);
	seed_close(&hooks->seed);
	programs_close(hooks);
	kernel_close(&hooks->kernel);
}

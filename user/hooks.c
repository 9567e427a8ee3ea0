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
#include "privilege.h"
#include "rstwatch.skel.h"
#include "rstwatch_probes.skel.h"
#include "seed.h"
#include "skeleton.h"

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

#define TRACEPOINTS (sizeof(tracepoints) / sizeof(tracepoints[0]))

void hook_missing(struct hook *hook, const char *how, const char *why)
{
	hook->state = HOOK_MISSING;
	snprintf(hook->how, sizeof(hook->how), "%s", how);
	snprintf(hook->why, sizeof(hook->why), "%s", why);
}

static struct bpf_program *tracepoint_program(const struct rstwatch *skeleton, unsigned which)
{
	switch (which) {
	case HOOK_SEND:
		return skeleton->progs.rst_send;
	case HOOK_RECEIVE:
		return skeleton->progs.rst_receive;
	case HOOK_DROP:
		return skeleton->progs.rst_drop;
	case HOOK_STATE:
		return skeleton->progs.rst_state;
	case HOOK_READ:
		return skeleton->progs.rst_read;
	case HOOK_FORK:
		return skeleton->progs.rst_fork;
	case HOOK_EXEC:
		return skeleton->progs.rst_exec;
	case HOOK_RENAME:
		return skeleton->progs.rst_rename;
	case HOOK_FREE:
		return skeleton->progs.rst_free;
	default:
		return skeleton->progs.rst_retransmit;
	}
}

/* jiffies are the clock's ticks, and the coarse clock advances by one tick. */
static uint32_t read_tick_ns(void)
{
	struct timespec tick = {0};

	clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
	return tick.tv_nsec;
}

/* A table of that many entries: both of its generations. */
static bool can_have(const struct bpf_map *map, uint32_t entries)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = bpf_map__map_flags(map));
	bool can = true;
	int fds[2];

	for (unsigned i = 0; i < 2; i++) {
		fds[i] = bpf_map_create(bpf_map__type(map), NULL, bpf_map__key_size(map),
					bpf_map__value_size(map), entries, &options);
		can = can && fds[i] >= 0;
	}
	for (unsigned i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	return can;
}

/* Says which table the kernel has no room for, and how large it may be. False: it has for all. */
static bool explain_size(struct hooks *hooks, char *error, size_t error_size)
{
	const struct {
		const char *option;
		const struct bpf_map *map;
		uint32_t entries;
	} tables[] = {
		{"--max-ports", hooks->skeleton->maps.rst_ports_0, hooks->limits.ports},
		{"--max-peers", hooks->skeleton->maps.rst_peers_0, hooks->limits.peers},
	};

	for (unsigned i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		uint32_t entries = tables[i].entries;

		if (can_have(tables[i].map, entries))
			continue;
		while (entries > LIMITS_TABLE_LEAST && !can_have(tables[i].map, entries))
			entries /= 2;
		if (entries < LIMITS_TABLE_LEAST)
			entries = LIMITS_TABLE_LEAST;
		snprintf(error, error_size,
			 "the kernel has no memory for a table of %u entries: %s %u would work",
			 tables[i].entries, tables[i].option, entries);
		return true;
	}
	return false;
}

static void size_tables(struct hooks *hooks)
{
	struct rstwatch *skeleton = hooks->skeleton;

	bpf_map__set_max_entries(skeleton->maps.rst_sketches, 2 * hooks->settings.cpus);
	bpf_map__set_max_entries(skeleton->maps.rst_ports_0, hooks->limits.ports);
	bpf_map__set_max_entries(skeleton->maps.rst_ports_1, hooks->limits.ports);
	bpf_map__set_max_entries(skeleton->maps.rst_peers_0, hooks->limits.peers);
	bpf_map__set_max_entries(skeleton->maps.rst_peers_1, hooks->limits.peers);
}

static int load_tracepoints(struct hooks *hooks, char *error, size_t error_size)
{
	struct rstwatch *skeleton = hooks->skeleton = SKELETON_OPEN(rstwatch, &hooks->kernel);
	char missing[64];
	int code;

	if (!skeleton) {
		code = -errno;
		snprintf(error, error_size, "cannot open the BPF object: %s", strerror(-code));
		return code;
	}
	skeleton->rodata->rst_settings = hooks->settings;
	size_tables(hooks);
	for (unsigned i = 0; i < TRACEPOINTS; i++)
		bpf_program__set_autoload(tracepoint_program(skeleton, i),
					  hooks->hooks[i].state != HOOK_MISSING);
	code = rstwatch__load(skeleton);
	if (!code)
		return 0;
	if ((code == -EPERM || code == -EACCES) && !privilege_check(missing, sizeof(missing)))
		snprintf(error, error_size, "missing %s: run as root, or grant it", missing);
	else if ((code != -ENOMEM && code != -E2BIG) || !explain_size(hooks, error, error_size))
		snprintf(error, error_size,
			 "cannot load the BPF programs: %s (the kernel's words: run again with "
			 "-v)%s",
			 strerror(-code),
			 code == -EPERM ? "; the kernel forbids it: lockdown, a container, an LSM, "
					  "or before Linux 5.11 RLIMIT_MEMLOCK (ulimit -l)"
					: "");
	return code;
}

static int attach_tracepoints(struct hooks *hooks, char *error, size_t error_size)
{
	for (unsigned i = 0; i < TRACEPOINTS; i++) {
		struct bpf_program *program = tracepoint_program(hooks->skeleton, i);
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
		code = load_tracepoints(hooks, error, error_size);
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
	rstwatch__destroy(hooks->skeleton);
	kernel_close(&hooks->kernel);
}

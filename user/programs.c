// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "programs.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "owners.skel.h"
#include "owners_probes.skel.h"
#include "privilege.h"
#include "rstwatch.skel.h"
#include "rstwatch_probes.skel.h"
#include "skeleton.h"

struct bpf_program *programs_find(const struct hooks *hooks, enum coverage_hook which)
{
	switch (which) {
	case HOOK_SEND:
		return hooks->skeleton->progs.rst_send;
	case HOOK_RECEIVE:
		return hooks->skeleton->progs.rst_receive;
	case HOOK_DROP:
		return hooks->skeleton->progs.rst_drop;
	case HOOK_STATE:
		return hooks->owners->progs.rst_state;
	case HOOK_READ:
		return hooks->owners->progs.rst_read;
	case HOOK_FORK:
		return hooks->owners->progs.rst_fork;
	case HOOK_EXEC:
		return hooks->owners->progs.rst_exec;
	case HOOK_RENAME:
		return hooks->owners->progs.rst_rename;
	case HOOK_FREE:
		return hooks->owners->progs.rst_free;
	default:
		return hooks->skeleton->progs.rst_retransmit;
	}
}

/* --- the maps --- */

static void size_tables(struct hooks *hooks)
{
	struct rstwatch *skeleton = hooks->skeleton;

	bpf_map__set_max_entries(skeleton->maps.rst_sketches, 2 * hooks->settings.cpus);
	bpf_map__set_max_entries(skeleton->maps.rst_ports_0, hooks->limits.ports);
	bpf_map__set_max_entries(skeleton->maps.rst_ports_1, hooks->limits.ports);
	bpf_map__set_max_entries(skeleton->maps.rst_peers_0, hooks->limits.peers);
	bpf_map__set_max_entries(skeleton->maps.rst_peers_1, hooks->limits.peers);
}

static int create_map(struct bpf_map *map)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = bpf_map__map_flags(map));
	int fd = bpf_map_create(bpf_map__type(map), bpf_map__name(map), bpf_map__key_size(map),
				bpf_map__value_size(map), bpf_map__max_entries(map), &options);
	int code;

	if (fd < 0)
		return -errno;
	code = bpf_map__reuse_fd(map, fd) ? -errno : 0;
	close(fd);
	return code;
}

/* Those that both objects have, before either is loaded: all but the constants and the barrier. */
static int create_maps(struct rstwatch *skeleton)
{
	struct bpf_map *map;
	int code = 0;

	bpf_object__for_each_map(map, skeleton->obj)
	{
		if (map == skeleton->maps.rodata || map == skeleton->maps.rst_barrier)
			continue;
		code = create_map(map);
		if (code)
			break;
	}
	return code;
}

/* --- the objects --- */

/* Makes calls of RST_CALL_CAST those of the kernel's function, before a program is loaded. */
static int set_casts(struct bpf_program *program, struct bpf_prog_load_opts *options, long id)
{
	size_t count = bpf_program__insn_cnt(program);
	struct bpf_insn *insns = calloc(count, sizeof(*insns));
	int code;

	(void)options;
	if (!insns)
		return -ENOMEM;
	memcpy(insns, bpf_program__insns(program), count * sizeof(*insns));
	for (size_t i = 0; i < count; i++)
		if (insns[i].code == (BPF_JMP | BPF_CALL) && !insns[i].src_reg &&
		    insns[i].imm == RST_CALL_CAST) {
			insns[i].src_reg = BPF_PSEUDO_KFUNC_CALL;
			insns[i].imm = id;
		}
	code = bpf_program__set_insns(program, insns, count);
	free(insns);
	return code;
}

/* Of all raw tracepoints that are opened from now on. */
static int handle_casts(const struct kernel *kernel)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, options, .cookie = kernel->cast,
		    .prog_prepare_load_fn = set_casts);
	int handler =
		libbpf_register_prog_handler("raw_tp+", BPF_PROG_TYPE_RAW_TRACEPOINT, 0, &options);

	return handler < 0 ? handler : 0;
}

static void choose(struct hooks *hooks)
{
	for (unsigned i = 0; i < TRACEPOINTS; i++)
		bpf_program__set_autoload(programs_find(hooks, i),
					  hooks->hooks[i].state != HOOK_MISSING);
}

static int open_rstwatch(struct hooks *hooks)
{
	struct rstwatch *skeleton = hooks->skeleton = SKELETON_OPEN(rstwatch, &hooks->kernel);

	if (!skeleton)
		return -errno;
	skeleton->rodata->rst_settings = hooks->settings;
	size_tables(hooks);
	return 0;
}

static int open_owners(struct hooks *hooks)
{
	struct owners *owners = hooks->owners = SKELETON_OPEN(owners, &hooks->kernel);

	if (!owners)
		return -errno;
	owners->rodata->rst_settings = hooks->settings;
	return skeleton_share_maps(owners->obj, hooks->skeleton->obj, owners->maps.rodata);
}

/* Once more, if the kernel does not take them: it may be that it takes the others. */
static int load_without_iterators(struct hooks *hooks)
{
	struct owners *owners;
	int code;

	owners__destroy(hooks->owners);
	code = open_owners(hooks);
	if (code)
		return code;
	choose(hooks);
	owners = hooks->owners;
	bpf_program__set_autoload(owners->progs.rst_tasks_iter, false);
	bpf_program__set_autoload(owners->progs.rst_files_iter, false);
	bpf_program__set_autoload(owners->progs.rst_listening_iter, false);
	return owners__load(owners);
}

static void *load_owners(void *argument)
{
	struct hooks *hooks = argument;

	hooks->iterators = owners__load(hooks->owners);
	return NULL;
}

/* If not even that can be asked, there are very many. */
static bool has_two_cpus(void)
{
	cpu_set_t cpus;

	return sched_getaffinity(0, sizeof(cpus), &cpus) || CPU_COUNT(&cpus) > 1;
}

/* Both, at the same time where there are two CPUs. */
static int load_both(struct hooks *hooks)
{
	pthread_t thread;
	bool apart = has_two_cpus() && !pthread_create(&thread, NULL, load_owners, hooks);
	int code = rstwatch__load(hooks->skeleton);

	if (apart)
		pthread_join(thread, NULL);
	else
		load_owners(hooks);
	return !code && hooks->iterators ? load_without_iterators(hooks) : code;
}

/* --- a kernel that has no memory for tables of that size --- */

#define HASH_ENTRY_BYTES  48 /* struct htab_elem, in front of key and value */
#define HASH_BUCKET_BYTES 16
#define SPARE_BYTES	  (32 << 20) /* after the maps: the verifier, the programs, ourselves */
#define PIECE_BYTES	  (1 << 20)

/* That the kernel takes for it. Of those for each CPU there are only small ones. */
static uint64_t map_bytes(const struct bpf_map *map)
{
	uint64_t entries = bpf_map__max_entries(map), buckets = 1;

	switch (bpf_map__type(map)) {
	case BPF_MAP_TYPE_RINGBUF:
		return entries;
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_LRU_HASH:
		while (buckets < entries)
			buckets *= 2;
		return entries * (HASH_ENTRY_BYTES + bpf_map__key_size(map) +
				  bpf_map__value_size(map)) +
		       buckets * HASH_BUCKET_BYTES;
	default:
		return entries * bpf_map__value_size(map);
	}
}

/*
 * Whether the kernel has the memory for all maps, and for what comes after them. No map may have
 * that name: the kernel sees it once it has the memory, and gives the memory back before it
 * returns. Of a map that is closed it does so some time later, and if a map takes the last that a
 * memory cgroup has, that ends us.
 */
static bool has_memory(const struct rstwatch *skeleton)
{
	uint64_t bytes = SPARE_BYTES;
	struct bpf_map *map;
	int fd;

	bpf_object__for_each_map(map, skeleton->obj) bytes += map_bytes(map);
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "spare?", sizeof(uint32_t), PIECE_BYTES,
			    (bytes + PIECE_BYTES - 1) / PIECE_BYTES, NULL);
	if (fd < 0)
		return errno == EINVAL;
	close(fd);
	return true;
}

static bool would_fit(struct hooks *hooks, uint32_t ports, uint32_t peers)
{
	hooks->limits.ports = ports;
	hooks->limits.peers = peers;
	size_tables(hooks);
	return has_memory(hooks->skeleton);
}

/* Says how large the tables may be. False: no size helps. */
static bool explain_size(struct hooks *hooks, char *error, size_t error_size)
{
	const struct timespec freed = {.tv_sec = 1};
	const struct limits asked = hooks->limits;
	uint32_t ports = asked.ports, peers = asked.peers;
	char fewer_ports[32] = "", fewer_peers[32] = "";

	if (ports == LIMITS_TABLE_LEAST && peers == LIMITS_TABLE_LEAST)
		return false;
	programs_close(hooks);
	nanosleep(&freed, NULL);
	if (open_rstwatch(hooks) || !would_fit(hooks, LIMITS_TABLE_LEAST, LIMITS_TABLE_LEAST))
		return false;
	do {
		uint32_t *larger = ports > peers ? &ports : &peers;

		*larger = *larger / 2 > LIMITS_TABLE_LEAST ? *larger / 2 : LIMITS_TABLE_LEAST;
	} while ((ports > LIMITS_TABLE_LEAST || peers > LIMITS_TABLE_LEAST) &&
		 !would_fit(hooks, ports, peers));
	if (ports != asked.ports)
		snprintf(fewer_ports, sizeof(fewer_ports), " --max-ports %u", ports);
	if (peers != asked.peers)
		snprintf(fewer_peers, sizeof(fewer_peers), " --max-peers %u", peers);
	snprintf(error, error_size,
		 "the kernel has no memory for tables of %u ports and %u peers:%s%s would work",
		 asked.ports, asked.peers, fewer_ports, fewer_peers);
	return true;
}

/* Whether more was asked for than is usual: it is not tried before it is known to fit. */
static bool is_large(const struct limits *limits)
{
	return limits->ports > limits_default.ports || limits->peers > limits_default.peers;
}

static int load(struct hooks *hooks)
{
	int code = open_rstwatch(hooks);

	if (!code && is_large(&hooks->limits) && !has_memory(hooks->skeleton))
		code = -ENOMEM;
	if (!code)
		code = create_maps(hooks->skeleton);
	if (!code)
		code = open_owners(hooks);
	if (code)
		return code;
	choose(hooks);
	return load_both(hooks);
}

int programs_load(struct hooks *hooks, char *error, size_t error_size)
{
	char missing[64];
	int code = hooks->kernel.casts ? handle_casts(&hooks->kernel) : 0;

	if (!code)
		code = load(hooks);
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
			 : code == -ENOMEM ? "; with smaller tables, too: a memory cgroup's limit, "
					     "or there is too little memory"
					   : "");
	return code;
}

void programs_close(struct hooks *hooks)
{
	owners__destroy(hooks->owners);
	rstwatch__destroy(hooks->skeleton);
	hooks->owners = NULL;
	hooks->skeleton = NULL;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "hooks.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "functions.skel.h"
#include "functions_probes.skel.h"
#include "privilege.h"
#include "rstwatch.skel.h"
#include "rstwatch_probes.skel.h"

/* How a function can be hooked, best first. */
enum flavour {
	FENTRY = 0,
	KPROBE = 1,
	FLAVOURS = 2,
};

static const char *const flavour_names[FLAVOURS] = {"fentry", "kprobe"};

/* A function's programs by their names; NULL: none. A pair is both attached or neither. */
struct function_row {
	const char *name, *module;
	const char *programs[FLAVOURS][HOOK_PROGRAMS];
};

static const struct function_row rows[HOOKS] = {
	[HOOK_SEND] = {.name = "tcp_send_reset"},
	[HOOK_RECEIVE] = {.name = "tcp_receive_reset"},
	[HOOK_DROP] = {.name = "kfree_skb"},
	[HOOK_SEND4] = {"tcp_v4_send_reset", NULL, {{"rst_send4_f"}, {"rst_send4_k"}}},
	[HOOK_SEND6] = {"tcp_v6_send_reset", NULL, {{"rst_send6_f"}, {"rst_send6_k"}}},
	[HOOK_REJECT4] = {"nf_send_reset",
			  "nf_reject_ipv4",
			  {{"rst_reject4_f"}, {"rst_reject4_k"}}},
	[HOOK_REJECT6] = {"nf_send_reset6",
			  "nf_reject_ipv6",
			  {{"rst_reject6_f"}, {"rst_reject6_k"}}},
	[HOOK_REQUEST] = {"tcp_check_req", NULL, {{"rst_request_f"}, {"rst_request_k"}}},
	[HOOK_TIMEWAIT] = {"tcp_timewait_state_process",
			   NULL,
			   {{"rst_timewait_f"}, {"rst_timewait_k"}}},
	[HOOK_VALIDATE] = {"tcp_validate_incoming", NULL, {{"rst_valid_f", "rst_valid_x"}}},
	[HOOK_PROCESS] = {"tcp_rcv_state_process", NULL, {{"rst_process_f", "rst_process_x"}}},
};

static bool is_function(unsigned hook)
{
	return hook >= HOOK_SEND4;
}

static void set_missing(struct hook *hook, const char *how, const char *why)
{
	hook->state = HOOK_MISSING;
	snprintf(hook->how, sizeof(hook->how), "%s", how);
	snprintf(hook->why, sizeof(hook->why), "%s", why);
}

static void set_refused(struct hook *hook, const char *how, const char *what, int code)
{
	set_missing(hook, how, "");
	snprintf(hook->why, sizeof(hook->why), "%s: %s", what, strerror(-code));
}

/* --- the tracepoints --- */

/*
 * Opens a skeleton with the object that fits this kernel. Both of a pair have the same maps and
 * programs, so one skeleton serves for the other's bytes. NULL and errno on failure.
 */
#define OPEN(hooks, name, options)                                                                 \
	({                                                                                         \
		struct name *opened = calloc(1, sizeof(*opened));                                  \
		int code = opened ? name##__create_skeleton(opened) : -ENOMEM;                     \
                                                                                                   \
		if (!code && !(hooks)->kernel.casts)                                               \
			opened->skeleton->data =                                                   \
				(void *)name##_probes__elf_bytes(&opened->skeleton->data_sz);      \
		if (!code)                                                                         \
			code = bpf_object__open_skeleton(opened->skeleton, options);               \
		if (code) {                                                                        \
			name##__destroy(opened);                                                   \
			opened = NULL;                                                             \
			errno = -code;                                                             \
		}                                                                                  \
		opened;                                                                            \
	})

static int load_tracepoints(struct hooks *hooks, const char *btf_path, char *error,
			    size_t error_size)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .btf_custom_path = btf_path);
	struct rstwatch *skeleton = hooks->skeleton = OPEN(hooks, rstwatch, &options);
	char missing[64];
	int code;

	if (!skeleton) {
		code = -errno;
		snprintf(error, error_size, "cannot open the BPF object: %s", strerror(-code));
		return code;
	}
	skeleton->rodata->rst_settings = hooks->settings;
	bpf_map__set_max_entries(skeleton->maps.rst_sketches, 2 * hooks->settings.cpus);
	if (!hooks->settings.stream)
		bpf_map__set_max_entries(skeleton->maps.rst_events, sysconf(_SC_PAGESIZE));
	bpf_program__set_autoload(skeleton->progs.rst_drop,
				  hooks->hooks[HOOK_DROP].state != HOOK_MISSING);
	code = rstwatch__load(skeleton);
	if (!code)
		return 0;
	if ((code == -EPERM || code == -EACCES) && !privilege_check(missing, sizeof(missing)))
		snprintf(error, error_size, "missing %s: run as root, or grant it", missing);
	else
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
	struct bpf_program *programs[] = {
		[HOOK_SEND] = hooks->skeleton->progs.rst_send,
		[HOOK_RECEIVE] = hooks->skeleton->progs.rst_receive,
		[HOOK_DROP] = hooks->skeleton->progs.rst_drop,
	};

	for (unsigned i = HOOK_SEND; !is_function(i); i++) {
		struct hook *hook = &hooks->hooks[i];

		if (hook->state == HOOK_MISSING)
			continue;
		hook->program_fds[0] = bpf_program__fd(programs[i]);
		hook->links[0] = bpf_program__attach_raw_tracepoint(programs[i], hook->name);
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
		set_refused(hook, "refused", "cannot attach to the tracepoint", -errno);
	}
	return 0;
}

/* --- functions --- */

/* Whether fentry programs may be loaded at all, asked with the smallest there is. */
static bool allows_fentry(uint32_t function_id)
{
	static const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_FENTRY,
		    .attach_btf_id = function_id);
	int fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "rst_allowed", "GPL", insns, 2, &options);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

/* By any function that every kernel has. */
static void find_flavours(struct hooks *hooks)
{
	uint32_t id;

	hooks->fentry = hooks->kernel.own &&
			kernel_function(&hooks->kernel, NULL, "tcp_v4_send_reset", &id) >= 0 &&
			allows_fentry(id);
	hooks->kprobe = !access("/sys/bus/event_source/devices/kprobe/type", F_OK);
}

/* The maps of the functions' object are those of the tracepoints': same names, same contents. */
static int share_maps(const struct hooks *hooks, struct functions *functions)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, functions->obj)
	{
		const struct bpf_map *same =
			bpf_object__find_map_by_name(hooks->skeleton->obj, bpf_map__name(map));

		if (map == functions->maps.rodata)
			continue;
		if (!same)
			return -ENOENT; /* cannot be: both include maps.h */
		if (bpf_map__reuse_fd(map, bpf_map__fd(same)))
			return -errno;
	}
	return 0;
}

/* The programs of those hooks, loaded in one object. 0 or -errno, and nothing is loaded then. */
static int load_functions(struct hooks *hooks, const bool chosen[HOOKS], enum flavour flavour)
{
	struct functions *functions = OPEN(hooks, functions, NULL);
	struct bpf_program *program;
	int code;

	if (!functions)
		return -errno;
	functions->rodata->rst_settings = hooks->settings;
	bpf_object__for_each_program(program, functions->obj)
		bpf_program__set_autoload(program, false);
	for (unsigned i = HOOK_SEND4; i < HOOKS; i++)
		for (unsigned j = 0; chosen[i] && j < HOOK_PROGRAMS; j++) {
			const char *name = rows[i].programs[flavour][j];

			if (name)
				bpf_program__set_autoload(
					bpf_object__find_program_by_name(functions->obj, name),
					true);
		}
	code = share_maps(hooks, functions);
	if (!code)
		code = functions__load(functions);
	if (code) {
		functions__destroy(functions);
		return code;
	}
	hooks->functions[hooks->function_count++] = functions;
	return 0;
}

/* From the object loaded last. Both of a pair, or neither. */
static int attach_function(struct hooks *hooks, unsigned which, enum flavour flavour)
{
	const struct functions *functions = hooks->functions[hooks->function_count - 1];
	struct hook *hook = &hooks->hooks[which];

	for (unsigned j = 0; j < HOOK_PROGRAMS; j++) {
		const char *name = rows[which].programs[flavour][j];
		struct bpf_program *program;

		if (!name)
			continue;
		program = bpf_object__find_program_by_name(functions->obj, name);
		hook->links[j] = bpf_program__attach(program);
		if (!hook->links[j]) {
			int code = -errno;

			while (j--) {
				bpf_link__destroy(hook->links[j]);
				hook->links[j] = NULL;
				hook->program_fds[j] = 0;
			}
			return code;
		}
		hook->program_fds[j] = bpf_program__fd(program);
	}
	hook->state = HOOK_ATTACHED;
	snprintf(hook->how, sizeof(hook->how), "%s", flavour_names[flavour]);
	hook->why[0] = '\0';
	if (which == HOOK_REQUEST || which == HOOK_TIMEWAIT)
		__atomic_fetch_or(&hooks->skeleton->data_control->rst_control.noted,
				  which == HOOK_REQUEST ? RST_NOTED_REQUESTS : RST_NOTED_TIMEWAITS,
				  __ATOMIC_SEQ_CST);
	return 0;
}

/* Whether a function is there to be hooked. */
enum presence {
	ABSENT = 1,
	PRESENT = 2,	 /* and its BTF */
	WITHOUT_BTF = 3, /* its module has none: only a kprobe will do */
};

static enum presence find_function(struct hooks *hooks, unsigned which)
{
	struct hook *hook = &hooks->hooks[which];
	char path[64];
	uint32_t id;
	int arguments = kernel_function(&hooks->kernel, NULL, hook->name, &id);

	if (arguments < 0 && hook->module)
		arguments = kernel_function(&hooks->kernel, hook->module, hook->name, &id);
	if (arguments < 0) {
		if (!hook->module)
			return ABSENT;
		snprintf(path, sizeof(path), "/sys/module/%s", hook->module);
		return access(path, F_OK) ? ABSENT : WITHOUT_BTF;
	}
	if (which == HOOK_REJECT4 || which == HOOK_REJECT6)
		hooks->settings.reject_socket = arguments > 3;
	return PRESENT;
}

/* Loads and attaches one hook by itself, in each flavour until one works. */
static void attach_alone(struct hooks *hooks, unsigned which, enum presence presence)
{
	struct hook *hook = &hooks->hooks[which];
	const bool allowed[FLAVOURS] = {hooks->fentry && presence == PRESENT, hooks->kprobe};
	bool chosen[HOOKS] = {false};
	const char *why[FLAVOURS] = {"not allowed here", "not in this kernel"};

	chosen[which] = true;
	for (unsigned flavour = FENTRY; flavour < FLAVOURS; flavour++) {
		int code;

		if (!rows[which].programs[flavour][0]) {
			why[flavour] = "would not do";
			continue;
		}
		if (!allowed[flavour] || hooks->function_count == HOOKS_OBJECTS)
			continue;
		code = load_functions(hooks, chosen, flavour);
		if (!code) {
			code = attach_function(hooks, which, flavour);
			if (!code)
				return;
			functions__destroy(hooks->functions[--hooks->function_count]);
		}
		why[flavour] = strerror(-code);
	}
	set_missing(hook, hooks->fentry || hooks->kprobe ? "refused" : "no fentry, no kprobes", "");
	snprintf(hook->why, sizeof(hook->why), "fentry: %.36s; kprobe: %.36s", why[FENTRY],
		 why[KPROBE]);
}

static void set_absent(struct hooks *hooks, unsigned which)
{
	struct hook *hook = &hooks->hooks[which];

	if (!hook->module) {
		set_missing(hook, "no such function",
			    "this kernel has no such function in its BTF");
	} else if (hooks->fentry || hooks->kprobe) {
		hook->state = HOOK_WAITING;
		snprintf(hook->how, sizeof(hook->how), "waits for %s", hook->module);
		snprintf(hook->why, sizeof(hook->why),
			 "that module is not loaded, so nothing can be rejected");
	} else {
		set_missing(hook, "no fentry, no kprobes", "this kernel allows neither");
	}
}

/* All at once if that works, which is the usual case, and each by itself otherwise. */
static void attach_functions(struct hooks *hooks)
{
	bool chosen[HOOKS] = {false}, any = false;
	enum presence present[HOOKS];

	for (unsigned i = HOOK_SEND4; i < HOOKS; i++) {
		if (!coverage_wants(&hooks->kernel.facts, i))
			continue;
		present[i] = find_function(hooks, i);
		hooks->hooks[i].state = HOOK_MISSING;
		if (present[i] == ABSENT)
			set_absent(hooks, i);
		chosen[i] = present[i] == PRESENT;
		any = any || chosen[i];
	}
	if (any && hooks->fentry && !load_functions(hooks, chosen, FENTRY))
		for (unsigned i = HOOK_SEND4; i < HOOKS; i++)
			if (chosen[i])
				(void)attach_function(hooks, i, FENTRY);
	for (unsigned i = HOOK_SEND4; i < HOOKS; i++)
		if (hooks->hooks[i].state == HOOK_MISSING && present[i] != ABSENT)
			attach_alone(hooks, i, present[i]);
}

void hooks_retry(struct hooks *hooks)
{
	for (unsigned i = HOOK_SEND4; i < HOOKS; i++) {
		char path[64];

		if (hooks->hooks[i].state != HOOK_WAITING)
			continue;
		snprintf(path, sizeof(path), "/sys/module/%s", hooks->hooks[i].module);
		if (!access(path, F_OK))
			attach_alone(hooks, i, find_function(hooks, i));
	}
}

/* --- all of them --- */

static int find_tracepoints(struct hooks *hooks, char *error, size_t error_size)
{
	for (unsigned i = HOOK_SEND; !is_function(i); i++) {
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
		set_missing(hook, "no such tracepoint", "this kernel has no such tracepoint");
	}
	return 0;
}

int hooks_load(struct hooks *hooks, const struct rst_settings *settings, const char *btf_path,
	       char *error, size_t error_size)
{
	int code;

	memset(hooks, 0, sizeof(*hooks));
	for (unsigned i = 0; i < HOOKS; i++) {
		hooks->hooks[i].name = rows[i].name;
		hooks->hooks[i].module = rows[i].module;
		hooks->hooks[i].state = HOOK_UNWANTED;
		snprintf(hooks->hooks[i].how, sizeof(hooks->hooks[i].how), "not needed");
	}
	hooks->settings = *settings;
	code = kernel_open(&hooks->kernel, btf_path, error, error_size);
	if (code)
		return code;
	kernel_settings(&hooks->kernel, &hooks->settings);
	code = find_tracepoints(hooks, error, error_size);
	if (!code)
		code = load_tracepoints(hooks, btf_path, error, error_size);
	return code;
}

int hooks_attach(struct hooks *hooks, char *error, size_t error_size)
{
	int code = attach_tracepoints(hooks, error, error_size);

	if (code)
		return code;
	find_flavours(hooks);
	attach_functions(hooks);
	return 0;
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
	while (hooks->function_count)
		functions__destroy(hooks->functions[--hooks->function_count]);
	rstwatch__destroy(hooks->skeleton);
	kernel_close(&hooks->kernel);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "functions.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hooks.h"
#include "functions.skel.h"
#include "functions_probes.skel.h"
#include "rstwatch.skel.h"
#include "skeleton.h"

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
	[HOOK_CREDS] = {"commit_creds", NULL, {{"rst_creds_f"}, {"rst_creds_k"}}},
};

/* What the tracepoints' programs may count on once it is attached: RST_NOTED_*. */
static const uint32_t notes[HOOKS] = {
	[HOOK_REQUEST] = RST_NOTED_REQUESTS,
	[HOOK_TIMEWAIT] = RST_NOTED_TIMEWAITS,
	[HOOK_CREDS] = RST_NOTED_CREDS,
};

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

/* The programs of those hooks, loaded in one object. 0 or -errno, and nothing is loaded then. */
static int load_functions(struct hooks *hooks, const bool chosen[HOOKS], enum flavour flavour)
{
	struct functions *functions = SKELETON_OPEN(functions, &hooks->kernel);
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
	code = skeleton_share_maps(functions->obj, hooks->skeleton->obj, functions->maps.rodata);
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
	if (notes[which])
		__atomic_fetch_or(&hooks->skeleton->data_control->rst_control.noted, notes[which],
				  __ATOMIC_SEQ_CST);
	return 0;
}

/* Whether a function is there to be hooked. */
enum presence {
	ABSENT = 1,
	PRESENT = 2,	 /* and its BTF */
	WITHOUT_BTF = 3, /* its module has none: only a kprobe will do */
};

static bool is_loaded(const char *module)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/module/%s", module);
	return !access(path, F_OK);
}

static enum presence find_function(struct hooks *hooks, unsigned which)
{
	struct hook *hook = &hooks->hooks[which];
	uint32_t id;
	int arguments = kernel_function(&hooks->kernel, NULL, hook->name, &id);

	if (arguments < 0 && hook->module)
		arguments = kernel_function(&hooks->kernel, hook->module, hook->name, &id);
	if (arguments < 0) {
		if (!hook->module)
			return ABSENT;
		return is_loaded(hook->module) ? WITHOUT_BTF : ABSENT;
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
	hook_missing(hook, hooks->fentry || hooks->kprobe ? "refused" : "no fentry, no kprobes",
		     "");
	snprintf(hook->why, sizeof(hook->why), "fentry: %.36s; kprobe: %.36s", why[FENTRY],
		 why[KPROBE]);
}

static void set_absent(struct hooks *hooks, unsigned which)
{
	struct hook *hook = &hooks->hooks[which];

	if (!hook->module) {
		hook_missing(hook, "no such function",
			     "this kernel has no such function in its BTF");
	} else if (hooks->fentry || hooks->kprobe) {
		hook->state = HOOK_WAITING;
		snprintf(hook->how, sizeof(hook->how), "waits for %s", hook->module);
		snprintf(hook->why, sizeof(hook->why),
			 "that module is not loaded, so nothing can be rejected");
	} else {
		hook_missing(hook, "no fentry, no kprobes", "this kernel allows neither");
	}
}

void functions_name(struct hooks *hooks)
{
	for (unsigned i = HOOK_SEND4; i < HOOKS; i++) {
		hooks->hooks[i].name = rows[i].name;
		hooks->hooks[i].module = rows[i].module;
	}
}

/* All at once if that works, which is the usual case, and each by itself otherwise. */
void functions_attach(struct hooks *hooks)
{
	bool chosen[HOOKS] = {false}, any = false;
	enum presence present[HOOKS];

	find_flavours(hooks);
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

void functions_retry(struct hooks *hooks)
{
	for (unsigned i = HOOK_SEND4; i < HOOKS; i++) {
		if (hooks->hooks[i].state != HOOK_WAITING || !is_loaded(hooks->hooks[i].module))
			continue;
		kernel_reopen(&hooks->kernel);
		attach_alone(hooks, i, hooks->kernel.own ? find_function(hooks, i) : WITHOUT_BTF);
		kernel_close(&hooks->kernel);
	}
}

void functions_close(struct hooks *hooks)
{
	while (hooks->function_count)
		functions__destroy(hooks->functions[--hooks->function_count]);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The hooks: which of them this kernel needs, how each can be attached, and that it is. The
 * tracepoints of rstwatch.bpf.c are loaded as one; tcp_send_reset and tcp_receive_reset must be
 * there, the others tell more of a reset, and whose it is. Functions are hooked where the
 * tracepoints do not tell enough, with fentry if the kernel allows it, else with a kprobe; what
 * cannot be hooked is named, and the rest runs.
 */
#ifndef RSTWATCH_HOOKS_H
#define RSTWATCH_HOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coverage.h"
#include "kernel.h"
#include "limits.h"

struct rstwatch; /* the skeletons: what bpftool generates */
struct owners;
struct functions;
struct seed;
struct bpf_link;

enum hook_state {
	HOOK_UNWANTED = 1, /* the tracepoints are enough on this kernel */
	HOOK_ATTACHED = 2,
	HOOK_WAITING = 3, /* a function of a module that is not loaded: hooks_retry() */
	HOOK_MISSING = 4,
};

#define TRACEPOINTS   (HOOK_RETRANSMIT + 1) /* the first of the hooks */
#define HOOK_PROGRAMS 2
#define HOOKS_OBJECTS (HOOKS + 1) /* of functions.bpf.c, loaded: each hook by itself, at worst */

struct hook {
	const char *name;   /* of the tracepoint or the function */
	const char *module; /* NULL: the kernel's own */
	enum hook_state state;
	char how[32]; /* "raw_tp", "fentry", "kprobe"; else why not, in short */
	char why[96]; /* if it is missing or waiting: why, and what to do */
	struct bpf_link *links[HOOK_PROGRAMS];
	int program_fds[HOOK_PROGRAMS]; /* 0: none */
	uint64_t missed;		/* calls that the kernel skipped, at the last look */
};

struct hooks {
	struct kernel kernel;
	struct rst_settings settings;
	struct rstwatch *skeleton; /* which has the maps */
	struct owners *owners;
	int iterators;	       /* of owners: 0 if they are loaded, or -errno */
	struct bpf_link *syns; /* NULL: not attached, see hooks_watch() */
	struct seed *seed;     /* NULL: processes cannot be walked */
	bool fentry, kprobe;   /* whether the kernel allows them at all */
	struct limits limits;
	struct functions *functions[HOOKS_OBJECTS];
	unsigned function_count;
	struct hook hooks[HOOKS];
};

/* Notes that it cannot be hooked: in short, and why. */
void hook_missing(struct hook *hook, const char *how, const char *why);

/* Loads what is needed; nothing is attached yet. All of these return 0 or -errno, and one line in
 * error: what is missing and what to do. */
int hooks_load(struct hooks *hooks, const struct rst_settings *settings,
	       const struct limits *limits, const char *btf_path, char *error, size_t error_size);
int hooks_attach(struct hooks *hooks, char *error, size_t error_size);
/* Attaches and detaches what runs only while it is asked for: RST_WATCH_*. 0 or -errno. */
int hooks_watch(struct hooks *hooks, uint32_t watch);
/* Hooks functions whose module has been loaded since. Costs a look per such function. */
void hooks_retry(struct hooks *hooks);
/* How often the kernel has skipped a hook, since the last call, because it was already running on
 * that CPU. */
uint64_t hooks_missed(struct hooks *hooks);
void hooks_coverage(const struct hooks *hooks, struct coverage *coverage);
void hooks_close(struct hooks *hooks);

#endif

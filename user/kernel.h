/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What this kernel's BTF says of the hooks: which tracepoints and functions there are, what they
 * pass, and how it numbers its reasons. Never the version: distributions change signatures within
 * one. Sources: include/trace/events/{tcp,skb,sock}.h, include/net/{rstreason,dropreason-core}.h.
 */
#ifndef RSTWATCH_KERNEL_H
#define RSTWATCH_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coverage.h"
#include "record.h"
#include "settings.h"

struct btf;

struct kernel {
	struct btf *btf;  /* of its own, what is asked of it: types.h; freed by kernel_close() */
	bool own;	  /* it is the running kernel's own, not one from a file */
	bool casts;	  /* programs may call bpf_rdonly_cast(): bpf/kernel_read.h */
	uint32_t cast;	  /* its id */
	const char *path; /* for libbpf's btf_custom_path; NULL: it is to read all of the BTF */
	int types_fd;	  /* a file with what BPF objects name, if it is the kernel's own; or -1 */
	char types_path[32]; /* of that file */
	struct coverage_kernel facts;
	struct record_reason reasons[RST_REASONS]; /* ready to be delivered */
	unsigned reason_count;
	struct record_reason drop_reasons[RST_DROP_REASONS];
	unsigned drop_reason_count;
};

/* 0 or -errno and one line in error. path: a file with BTF, or NULL for the kernel's own. Of the
 * kernel's own, these names can be asked for. */
int kernel_open(struct kernel *kernel, const char *path, const char *const *names, unsigned count,
		char *error, size_t error_size);
/* Frees the BTF; the rest stays. Then only kernel_settings() and functions of modules may be asked,
 * and kernel_reopen() is to come before a BPF object is opened. */
void kernel_close(struct kernel *kernel);
void kernel_reopen(struct kernel *kernel);

/* The name of a tracepoint's type. */
#define KERNEL_TYPE_BYTES 64
void kernel_tracepoint_type(char name[KERNEL_TYPE_BYTES], const char *tracepoint);
/* How many arguments the tracepoint passes; 0 if there is no such tracepoint. */
int kernel_tracepoint(const struct kernel *kernel, const char *tracepoint);
/* The same for a function of the kernel (module NULL) or of a module that is loaded; *id is that
 * of its BTF type, for attaching. -ENOENT if there is no such function. */
int kernel_function(const struct kernel *kernel, const char *module, const char *function,
		    uint32_t *id);

/* The settings of the BPF programs that follow from all this. */
void kernel_settings(const struct kernel *kernel, struct rst_settings *settings);

#endif

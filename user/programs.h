/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The tracepoints' programs and the iterators: two BPF objects that share their maps, each loaded
 * by a thread of its own, as most of a start is the verifier at work. A part of hooks.h.
 */
#ifndef RSTWATCH_PROGRAMS_H
#define RSTWATCH_PROGRAMS_H

#include <stddef.h>

#include "hooks.h"

struct bpf_program;

/* Loads those that are not missing. Without the iterators, if they alone are refused. 0 or -errno,
 * and one line in error. */
int programs_load(struct hooks *hooks, char *error, size_t error_size);
/* Of a tracepoint. */
struct bpf_program *programs_find(const struct hooks *hooks, enum coverage_hook which);
void programs_close(struct hooks *hooks);

#endif

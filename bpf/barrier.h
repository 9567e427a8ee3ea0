/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What user space updates to wait for the programs that run: an update of a map of maps returns
 * only when every program that could have seen the old value has finished (kernel/bpf/syscall.c,
 * maybe_wait_bpf_programs()).
 */
#ifndef RSTWATCH_BPF_BARRIER_H
#define RSTWATCH_BPF_BARRIER_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct rst_barrier_inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} rst_inner SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct rst_barrier_inner);
} rst_barrier SEC(".maps"); /* empty until the first slice ends: to fill it is to wait */

#endif

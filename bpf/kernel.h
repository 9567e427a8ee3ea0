/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads a field of a kernel object that a hook was passed as a plain number. Since Linux 6.2,
 * bpf_rdonly_cast() makes the number a pointer that may be wrong: a load through it is one
 * instruction, and a fault reads as zero, exactly as with a probe read, which is a call of some
 * 35 ns. The verifier never takes such a pointer for non-NULL.
 */
#ifndef RSTWATCH_BPF_KERNEL_H
#define RSTWATCH_BPF_KERNEL_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

extern void *bpf_rdonly_cast(const void *object, __u32 btf_id) __ksym __weak;

#define KERNEL_CAST(pointer, type)                                                                 \
	((const struct type *)bpf_rdonly_cast(pointer, bpf_core_type_id_kernel(struct type)))
#define KERNEL_READ(pointer, type, ...)                                                            \
	(bpf_rdonly_cast ? ___arrow(KERNEL_CAST(pointer, type), __VA_ARGS__)                       \
			 : BPF_CORE_READ((const struct type *)(pointer), __VA_ARGS__))

#endif

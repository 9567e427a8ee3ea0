/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads a field of a kernel object that a hook was passed as a plain number. Since Linux 6.2,
 * bpf_rdonly_cast() makes the number a pointer that may be wrong: a load through it is one
 * instruction, and a fault reads as zero, exactly as with a probe read, which is a call of some
 * 35 ns. The verifier never takes such a pointer for non-NULL.
 *
 * Each BPF object is compiled twice: with KERNEL_PROBES for kernels without that function, to which
 * a program that so much as names it can only be loaded with CAP_SYS_ADMIN (libbpf searches the
 * modules' BTF for it).
 */
#ifndef RSTWATCH_BPF_KERNEL_READ_H
#define RSTWATCH_BPF_KERNEL_READ_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "settings.h"

#ifdef KERNEL_PROBES
#define KERNEL_CASTS 0
/* A function of its own, as copies need stack, and those called beside it would have too little. */
#define KERNEL_INLINE			__noinline
#define KERNEL_READ(pointer, type, ...) BPF_CORE_READ((const struct type *)(pointer), __VA_ARGS__)
#else
#define KERNEL_CASTS  1
#define KERNEL_INLINE __always_inline
#ifdef KERNEL_CAST_BY_US
/* To find the function, libbpf would read all of the kernel's BTF, some 10 ms: so this is a call of
 * a helper that there is not, which user/programs.c makes one of the function. */
static void *(*const bpf_rdonly_cast)(const void *object, __u32 btf_id) = (void *)RST_CALL_CAST;
#else
extern void *bpf_rdonly_cast(const void *object, __u32 btf_id) __ksym;
#endif

#define KERNEL_CAST(pointer, type)                                                                 \
	((const struct type *)bpf_rdonly_cast(pointer, bpf_core_type_id_kernel(struct type)))
#define KERNEL_READ(pointer, type, ...) ___arrow(KERNEL_CAST(pointer, type), __VA_ARGS__)
#endif

/* An IPv6 address: the field of a type behind the pointer. To a multiple of 8 bytes. */
#ifdef KERNEL_PROBES
#define KERNEL_READ_IPV6(address, pointer, type, field)                                            \
	bpf_core_read(address, 16, &((const struct type *)(pointer))->field)
#else
#define KERNEL_READ_IPV6(address, pointer, type, field)                                            \
	kernel_copy_words(address, &KERNEL_CAST(pointer, type)->field)

/* Two words of eight bytes: a type that every kernel has, and that is nothing but such words. */
static __always_inline void kernel_copy_words(__u8 *to, const void *from)
{
	const struct bpf_perf_event_value *words = KERNEL_CAST(from, bpf_perf_event_value);
	__u8 *aligned = __builtin_assume_aligned(to, 8);
	__u64 first = words->counter, second = words->enabled;

	__builtin_memcpy(aligned, &first, 8);
	__builtin_memcpy(aligned + 8, &second, 8);
}
#endif

#endif

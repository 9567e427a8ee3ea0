/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a tracepoint's program gets. They are raw ones, because their arguments are plain numbers: a
 * tp_btf program would get pointers that some kernels trust to be non-NULL although both of
 * tcp_send_reset's can be NULL, and there a direct load crashes the machine and the NULL check is
 * compiled away.
 */
#ifndef RSTWATCH_BPF_TRACEPOINT_H
#define RSTWATCH_BPF_TRACEPOINT_H

#include "vmlinux.h"

/* struct bpf_raw_tracepoint_args */
struct tracepoint_arguments {
	__u64 argument[4];
};

#endif

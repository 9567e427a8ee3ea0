/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Maps and settings. There are two generations of every counter; the program that runs reads
 * rst_slice once and counts into generation rst_slice & 1. User space adds one to rst_slice and
 * updates rst_barrier: an update of a map of maps returns only when every program that could
 * have seen the old value has finished (kernel/bpf/syscall.c, maybe_wait_bpf_programs()). From
 * then on the retired generation is quiet, and user space reads and clears it exactly.
 */
#ifndef RSTWATCH_BPF_MAPS_H
#define RSTWATCH_BPF_MAPS_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "event.h"

volatile __u32 rst_slice; /* advanced by user space */
volatile __u32 rst_wake;  /* set by user space before it sleeps: the next event is to wake it */

/* Set before load. */
const volatile __u64 rst_seed;
const volatile __u32 rst_cpus = 1;
const volatile bool rst_has_reason;	      /* tcp_send_reset passes a reason (Linux 6.10) */
const volatile bool rst_stream;		      /* write events to the ring buffer */
const volatile __u8 rst_meaning[RST_REASONS]; /* what each kernel reason says: classify.h */

#define RST_PORTS                                                                                  \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_HASH);                                                   \
		__uint(max_entries, RST_PORTS_MAX);                                                \
		__type(key, struct rst_port_key);                                                  \
		__type(value, __u64);                                                              \
	}
#define RST_PEERS                                                                                  \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_HASH);                                                   \
		__uint(max_entries, RST_PEERS_MAX);                                                \
		__type(key, struct rst_peer_key);                                                  \
		__type(value, __u64);                                                              \
	}

RST_PORTS rst_ports_0 SEC(".maps"), rst_ports_1 SEC(".maps");
RST_PEERS rst_peers_0 SEC(".maps"), rst_peers_1 SEC(".maps");

/* Entry generation * rst_cpus + cpu. An array and not a per-CPU array, whose values are limited to
 * 32 KiB, and so that user space can map it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2); /* 2 * rst_cpus, set before load */
	__type(key, __u32);
	__type(value, struct rst_sketch);
} rst_sketches SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} rst_events SEC(".maps");

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
} rst_barrier SEC(".maps") = {.values = {&rst_inner}};

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Maps. There are two generations of every counter; the program that runs reads rst_control.slice
 * once and counts into generation slice & 1. User space adds one to it and waits until every
 * program that could have seen the old value has finished (barrier.h). From then on the retired
 * generation is quiet, and user space reads and clears it exactly.
 *
 * Each BPF object declares them all; those of functions.bpf.c are made to be those of
 * rstwatch.bpf.c before they are created (user/functions.c).
 */
#ifndef RSTWATCH_BPF_MAPS_H
#define RSTWATCH_BPF_MAPS_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "event.h"
#include "settings.h"

const volatile struct rst_settings rst_settings = {.cpus = 1};
/* In a section, and so a map, of its own, to be shared. */
volatile struct rst_control rst_control SEC(".data.control");

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

/* Entry generation * cpus + cpu. An array and not a per-CPU array, whose values are limited to
 * 32 KiB, and so that user space can map it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2); /* 2 * cpus, set before load */
	__type(key, __u32);
	__type(value, struct rst_sketch);
} rst_sketches SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} rst_events SEC(".maps");

/* The last mini-socket or socket that a reset on its way in was held against, see note.h. */
struct rst_note {
	__u64 segment; /* struct sk_buff */
	__u64 socket;  /* struct sock, or a mini-socket */
	__u32 sequence;
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rst_note);
} rst_notes SEC(".maps");

/* Resets that a full socket is judging now, by socket, see judge.h. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024); /* as many as can be in progress: one for each CPU or task */
	__type(key, __u64);
	__type(value, struct rst_event);
} rst_judged SEC(".maps");

#endif

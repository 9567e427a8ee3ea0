/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Maps. There are two generations of every counter; the program that runs reads rst_control.slice
 * once and counts into generation slice & 1. User space adds one to it and waits until every
 * program that could have seen the old value has finished (barrier.h). From then on the retired
 * generation is quiet, and user space reads and clears it exactly. A slice that is empty when it
 * ends hands its generation on to the next.
 *
 * Each BPF object declares them all; those of owners.bpf.c and functions.bpf.c are made to be
 * those of rstwatch.bpf.c (user/programs.c, user/functions.c).
 */
#ifndef RSTWATCH_BPF_MAPS_H
#define RSTWATCH_BPF_MAPS_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "event.h"
#include "kernel_read.h"
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

/* struct rst_signal: see signals.h. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 512 << 10);
} rst_signals SEC(".maps");

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

/*
 * --- who: see process.h ---
 * A bound and not a size where the kernel allocates entries as they come (Linux 6.1). Before that,
 * it must not do so inside a tracepoint.
 */
#if KERNEL_CASTS
#define RST_TASKS_MAX 65536
#define RST_ON_DEMAND BPF_F_NO_PREALLOC
#else
#define RST_TASKS_MAX 16384
#define RST_ON_DEMAND 0
#endif
#define RST_CREDS_MAX 32768

/* A process that runs. */
struct rst_task {
	__u64 leader;	     /* struct task_struct of the thread group's leader */
	__u64 started;	     /* the leader's start_boottime, in ns */
	__u64 cred, cgroups; /* the leader's, when its rst_process was written */
	__u32 number;	     /* of its rst_process; 0: none yet */
	__u32 listens;	     /* it has had a listening socket */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, RST_ON_DEMAND);
	__uint(max_entries, RST_TASKS_MAX);
	__type(key, __u32); /* thread group, in the initial pid namespace */
	__type(value, struct rst_task);
} rst_tasks SEC(".maps");

/* Whose credentials these are, or were. What is not asked for goes when there is no more room, and
 * what still is in use comes back with the next walk of the processes (owners.bpf.c). */
struct rst_cred {
	__u64 started; /* with the id, who it is: as in rst_task */
	__u32 pid;
	__u32 number; /* of its rst_process, when last asked for; 0: it had none */
	__u32 uid;    /* of these credentials: the memory may be another's by now */
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, RST_CREDS_MAX);
	__type(key, __u64); /* struct cred */
	__type(value, struct rst_cred);
} rst_creds SEC(".maps");

/* Who has acted on a socket on this CPU lately, by its id. All of it must fit, so that it
 * cannot be taken for another that came after it. */
#define RST_RECENT_BITS 4

struct rst_recent {
	__u64 cred;
	__u64 started; /* the leader's start_boottime */
	__u32 pid;
	__u32 number; /* of its rst_process */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1 << RST_RECENT_BITS);
	__type(key, __u32);
	__type(value, struct rst_recent);
} rst_recent SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} rst_drawn SEC(".maps"); /* numbers given: see process_draw_number() */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, RST_PROCESSES);
	__type(key, __u32);
	__type(value, struct rst_process);
} rst_processes SEC(".maps");

/* --- sockets and connections: see track.h --- */
#define RST_TRACK_WAYS	 4
#define RST_SOCKETS_BITS 15 /* buckets: 131,072 sockets */
#define RST_CLOSED_BITS	 17 /* connections */

struct rst_socket {
	__u64 key;   /* of the socket and its peer: track_key(); 0: free */
	__u32 born;  /* when it was established, track_time(); 0: not known */
	__u32 facts; /* the owner's number if it is not the file's, and the last state: track.h */
};

struct rst_socket_bucket {
	struct rst_socket way[RST_TRACK_WAYS];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << RST_SOCKETS_BITS);
	__type(key, __u32);
	__type(value, struct rst_socket_bucket);
} rst_sockets SEC(".maps");

/* Each: the upper half of the connection's hash, and the number of the process that closed it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << RST_CLOSED_BITS);
	__type(key, __u32);
	__type(value, __u64);
} rst_closed SEC(".maps");

/* --- peers that have exchanged data: see known.h --- */
#define RST_KNOWN_BYTES	       32 /* of a generation, in a line */
#define RST_KNOWN_BITS	       12 /* lines: 2^20 bits of a generation */
#define RST_KNOWN_OUTLINE_BITS 8  /* lines behind them: 2^16 bits of a generation */

struct rst_known { /* a cache line */
	__u8 bytes[2][RST_KNOWN_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, (1 << RST_KNOWN_BITS) + (1 << RST_KNOWN_OUTLINE_BITS));
	__type(key, __u32);
	__type(value, struct rst_known);
} rst_known SEC(".maps");

/* Those that it has been told of lately: transition_known(). */
#define RST_LATELY_BITS 9

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << RST_LATELY_BITS);
	__type(key, __u32);
	__type(value, __u64);
} rst_lately SEC(".maps");

/* struct rst_listener: see transition.h. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 << 10);
} rst_changes SEC(".maps");

/* --- sockets that listen: see listening.h --- */
#define RST_LISTENING_MAX 8192

struct rst_listens {
	__u8 address[16];
	__u64 retransmits_first; /* as in rst_listening */
	__u64 retransmits;
	__u32 netns;
	__u32 owner;
	__u16 port;   /* 0: the kernel is still to choose it */
	__u8 flags;   /* RST_LISTENING_DUAL */
	__u8 strange; /* walks in a row that did not find it as it is here */
	__u8 pad[4];
	struct rst_listening told; /* the last time; its socket 0: never */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, RST_ON_DEMAND);
	__uint(max_entries, RST_LISTENING_MAX);
	__type(key, __u64); /* struct sock */
	__type(value, struct rst_listens);
} rst_listening SEC(".maps");

/* Handshakes completed while RST_WATCH_OPENS was set. */
struct rst_open_key {
	__u32 netns;
	__u32 port;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct rst_open_key);
	__type(value, __u64);
} rst_opens SEC(".maps");

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The seam. Everything that the pipeline ever learns is a sequence of these records: capture makes
 * them live, a recording keeps them, replay plays them back. Same records, same order, same output.
 *
 * A run is: (REASON | DROP_REASON)* HOOK* START (KERNEL | QUEUES)*, then per slice (EVENT | PORT |
 * PEER | OTHER | DISTINCT | OUTSIDE | LISTENER | SIGNAL)* (KERNEL | QUEUES | LISTENING)* SLICE, and
 * END. PROCESS and NETNS stand anywhere behind START, before the first record that uses them. The
 * counters of a slice stand between its events and its SLICE record; a few events of the next slice
 * can stand before that too (rst_event.slice tells). The kernel's own counters are read after those
 * of the slice were.
 *
 * Recordings hold these bytes: append kinds, never change one. Native byte order (the recording's
 * header says which). `size` is the size of the whole record, a multiple of 8.
 */
#ifndef RSTWATCH_RECORD_H
#define RSTWATCH_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event.h"

enum record_kind {
	RECORD_REASON = 1,   /* the name of a kernel reset reason */
	RECORD_HOOK = 2,     /* a hook, and whether it is attached */
	RECORD_START = 3,    /* the run, its clocks and settings; ends the preamble */
	RECORD_EVENT = 4,    /* one reset */
	RECORD_PORT = 5,     /* an exact counter */
	RECORD_PEER = 6,     /* a bounded counter */
	RECORD_OTHER = 7,    /* resets counted without a port: the port table was full */
	RECORD_DISTINCT = 8, /* HyperLogLog registers, if the slice's PEER records are not all */
	RECORD_SLICE = 9,    /* a slice is complete */
	RECORD_END = 10,     /* an orderly end */
	RECORD_DROP_REASON = 11, /* the name of a kernel drop reason; in the preamble too */
	RECORD_OUTSIDE = 12,	 /* resets that came in and were dropped before TCP had them */
	RECORD_KERNEL = 13,	 /* the kernel's own counters of a network namespace */
	RECORD_PROCESS = 14,	 /* who a number of a process is; stands before it is used */
	RECORD_LISTENER = 15,	 /* a socket starts or stops listening, or did so before the run */
	RECORD_NETNS = 16,	 /* the name of a network namespace */
	RECORD_SIGNAL = 17,	 /* what is no reset, and tells what is wrong; stands with EVENT */
	RECORD_LISTENING = 18,	 /* a listening socket as it is now; in front of SLICE */
	RECORD_QUEUES = 19,	 /* the kernel's counters of handshakes in a network namespace */
	RECORD_THINNED = 20,	 /* signals that were left out of the slice */
	RECORD_KINDS = 21,
};

#define RECORD_BYTES_MAX (64 << 10)

struct record {
	uint32_t size; /* bytes, this header included */
	uint16_t kind;
	uint16_t pad;
};

/* REASON and DROP_REASON. */
struct record_reason {
	struct record head;
	uint32_t number;
	char name[44]; /* NUL-terminated, without SK_RST_REASON_ or SKB_DROP_REASON_ */
};

struct record_hook {
	struct record head;
	char name[31]; /* of the tracepoint or function */
	uint8_t attached;
	char how[32]; /* "raw_tp", "fentry" or "kprobe"; or why not */
};

/* The rate alarms, see rate.h. Times in seconds, rates in resets a second. */
struct rate_settings {
	double floor, factor, hold;
	double up, down, multiplier, max, after;
};

struct record_start {
	struct record head;
	uint64_t monotonic_ns; /* both clocks, read together */
	uint64_t realtime_ns;
	uint64_t seed; /* of hash_address() */
	uint32_t window_seconds;
	uint32_t cpus;
	struct rate_settings rate;
	char version[32];
	char kernel[64];
};

struct record_event {
	struct record head;
	struct rst_event event;
	struct rst_connection connection; /* only if head.size says so: record_connection() */
};

struct record_port {
	struct record head;
	struct rst_port_key key; /* its owner is 0 in recordings of minor version 1 and before */
	uint64_t count;
};

/* Whoever reads records keeps the last process of each number % RECORD_PROCESSES, no more: one that
 * was displaced is told again when it is needed again. A power of two. */
#define RECORD_PROCESSES    2048
#define RECORD_CGROUP_BYTES 480
#define RECORD_EXE_BYTES    256

/* Strings are NUL-terminated and may hold any bytes; "" if not known. */
struct record_process {
	struct record head;
	uint32_t number; /* rst_process.number */
	uint32_t pid;
	uint64_t started; /* since boot, in units of 10 ms */
	uint32_t uid;
	uint32_t pad;
	char comm[16];
	char cgroup[RECORD_CGROUP_BYTES]; /* a path from the root; longer ones begin with "..." */
	char exe[RECORD_EXE_BYTES];	  /* longer ones are left out */
};

struct record_listener {
	struct record head;
	struct rst_listener listener;
};

struct record_netns {
	struct record head;
	uint32_t netns;
	uint32_t pad;
	char name[64]; /* under which it is mounted, as of ip-netns(8) */
};

struct record_signal {
	struct record head;
	struct rst_signal signal;
};

/* Told once a second, if its queues are in use or anything in it has changed. A listener that is
 * not told of in a slice is as it was last told, and both its queues are empty. */
struct record_listening {
	struct record head;
	struct rst_listening listening;
};

/* The kernel's counters of handshakes, since the namespace was made. TcpExt unless said. */
enum record_queue {
	QUEUE_PASSIVE_OPENS = 0,  /* Tcp: PassiveOpens: handshakes completed */
	QUEUE_OVERFLOWS = 1,	  /* ListenOverflows */
	QUEUE_DROPS = 2,	  /* ListenDrops */
	QUEUE_COOKIES_SENT = 3,	  /* SyncookiesSent */
	QUEUE_COOKIES_RECV = 4,	  /* SyncookiesRecv: answered, and right */
	QUEUE_COOKIES_FAILED = 5, /* SyncookiesFailed */
	QUEUE_DO_COOKIES = 6,	  /* TCPReqQFullDoCookies */
	QUEUE_DO_DROPS = 7,	  /* TCPReqQFullDrop */
	QUEUE_CHALLENGES = 8,	  /* TCPChallengeACK */
	QUEUE_SYN_CHALLENGES = 9, /* TCPSYNChallenge */
	QUEUES = 10,
};

struct record_queues {
	struct record head;
	uint32_t netns;
	uint32_t pad;
	uint64_t counters[QUEUES];
};

struct record_thinned {
	struct record head;
	uint64_t signals;
};

struct record_peer {
	struct record head;
	struct rst_peer_key key;
	uint64_t count;
};

struct record_other {
	struct record head;
	uint32_t direction;
	uint32_t cause;
	uint64_t count;
};

struct record_distinct {
	struct record head;
	uint32_t direction;
	uint32_t pad;
	uint8_t registers[RST_DISTINCT_WIDTH];
};

struct record_outside {
	struct record head;
	uint64_t count;
};

/* The counters of the kernel that the audit looks at: the first ones are compared with what was
 * seen (bit i of RST_MOVES_* moves counter i), the others tell why they may differ. */
enum record_counter {
	COUNTER_OUT_RSTS = 0,	    /* Tcp: OutRsts */
	COUNTER_ATTEMPT_FAILS = 1,  /* Tcp: AttemptFails */
	COUNTER_ESTAB_RESETS = 2,   /* Tcp: EstabResets */
	COUNTER_EMBRYONIC_RSTS = 3, /* TcpExt: EmbryonicRsts */
	COUNTERS = 4,
	COUNTER_ABORT_ON_TIMEOUT = 4, /* TcpExt: TCPAbortOnTimeout */
	COUNTER_ABORT_FAILED = 5,     /* TcpExt: TCPAbortFailed */
	COUNTERS_READ = 6,
};

enum record_kernel_status {
	KERNEL_BASE = 1,   /* read: before the hooks were attached, and again after that; or later,
			    * if the namespace is older than the run but could not be read before */
	KERNEL_READ = 2,   /* read */
	KERNEL_BORN = 3,   /* read for the first time: the namespace is younger than the run */
	KERNEL_GONE = 4,   /* not read: nothing leads to that namespace (any more) */
	KERNEL_DENIED = 5, /* not read: no permission */
};

struct record_kernel {
	struct record head;
	uint32_t netns;
	uint32_t status;   /* enum record_kernel_status */
	uint64_t identity; /* another one: perhaps another namespace with the same number */
	uint64_t counters[COUNTERS_READ]; /* since the namespace was made; 0 if not read */
};

struct record_slice {
	struct record head;
	uint32_t slice;
	uint32_t pad;
	uint64_t start_ns, end_ns; /* CLOCK_MONOTONIC */
	uint64_t realtime_ns;	   /* at end_ns */
	uint64_t counted;	   /* resets; = events + lost + thinned */
	uint64_t events;	   /* streamed */
	uint64_t lost;		   /* events lost because the ring buffer was full */
	uint64_t missed;	   /* calls of a hook that the kernel skipped (recursion) */
	uint64_t ports_full;	   /* resets counted by cause only: port table full */
	uint64_t peers_full;	   /* resets not tabled by peer: peer table full */
	uint64_t peer_error;	   /* no peer's count is too low by more than this */
};

struct record_end {
	struct record head;
	uint64_t monotonic_ns;
	uint64_t realtime_ns;
};

/* Consumes a record. 0 to go on; anything else stops the source, which returns it. */
typedef int (*record_handler)(void *context, const struct record *record);

#define RECORD_HEAD(type, number)                                                                  \
	{                                                                                          \
		.size = sizeof(struct type), .kind = (number)                                      \
	}

/* What the connection of an event had been; NULL if that is not known. */
static inline const struct rst_connection *record_connection(const struct record_event *record)
{
	return record->head.size < sizeof(*record) ? NULL : &record->connection;
}

/* The least size of each kind. */
extern const uint32_t record_sizes[RECORD_KINDS];

/* The same; 0 for a kind that does not exist. */
static inline uint32_t record_size(unsigned kind)
{
	return kind < RECORD_KINDS ? record_sizes[kind] : 0;
}

/* Whether records of this kind stand in front of START. */
static inline bool record_is_preamble(unsigned kind)
{
	return kind <= RECORD_START || kind == RECORD_DROP_REASON;
}

#endif

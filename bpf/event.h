/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The words that the kernel side and user space share: what one reset is (struct rst_event), under
 * which keys resets are counted, and the memory of the peer sketch. They are also the payload of
 * a recording, so: fixed-width fields, no hidden padding (a lint compiles this header for both
 * sides with -Wpadded), value 0 of every enum invalid, values explicit and never reused.
 *
 * Ports are in host byte order. Addresses are 16 bytes in network order, IPv4 as ::ffff:a.b.c.d.
 * "local" is this host's end of the connection and "peer" the other, whichever of them sent.
 */
#ifndef RSTWATCH_BPF_EVENT_H
#define RSTWATCH_BPF_EVENT_H

#ifdef __bpf__
#include "vmlinux.h"
#else
#include <linux/types.h>
#endif

enum rst_direction {
	RST_SENT = 1,
	RST_RECEIVED = 2,
	RST_DIRECTIONS = 3, /* array size */
};

/* Which end of the connection is ours. Unknown: the lower port number is taken as the service's. */
enum rst_role {
	RST_ROLE_UNKNOWN = 1,
	RST_ROLE_SERVER = 2,
	RST_ROLE_CLIENT = 3,
	RST_ROLES = 4, /* array size */
};

/*
 * Why a reset was sent (a cause), or what a received one hit (a stage). One numbering for both, so
 * that every table has one column for it; the names are in user/names.c.
 */
enum rst_cause {
	RST_CLOSED_PORT = 1,
	RST_ABORTED = 2,
	RST_HALF_OPEN = 3,
	RST_TIME_WAIT = 4,
	RST_QUEUE_FULL = 5,
	RST_NO_MEMORY = 6,
	RST_KEEPALIVE = 7,
	RST_INVALID = 8,
	RST_MPTCP = 9,
	RST_FIREWALL = 10,
	RST_UNKNOWN = 11,
	/* stages of a received reset */
	RST_STAGE_REFUSED = 16,
	RST_STAGE_HANDSHAKE = 17,
	RST_STAGE_ESTABLISHED = 18,
	RST_STAGE_CLOSING = 19,
	RST_STAGE_TIME_WAIT = 20,
	RST_STAGE_STRAY = 21,
	RST_STAGE_REJECTED = 22,
	RST_CAUSES = 32, /* array size */
};

#define RST_PROCESSES	   8192 /* a power of two */
#define RST_PROCESS_CGROUP 464

/* The kernel's reasons are numbered differently from kernel to kernel: a number below these bounds
 * is kept as it is, and user space names it from the kernel's BTF. */
#define RST_REASONS	 64  /* of a reset sent: enum sk_rst_reason */
#define RST_DROP_REASONS 256 /* of a received one that was dropped: enum skb_drop_reason */

enum {
	RST_EVENT_TRIGGER = 1, /* a segment provoked this reset: trigger holds its TCP flags */
	RST_EVENT_REASON = 2,  /* the kernel gave a reason */
	RST_EVENT_FREED = 4,   /* received in TIME_WAIT, whose socket is gone with it (RFC 1337) */
	RST_EVENT_KERNEL = 8,  /* the socket is the kernel's own: no process ever had it */
	RST_EVENT_KNOWN = 16,  /* the peer has exchanged data with this host lately: known.h */
};

/* The kernel's own counters that a reset moves (/proc/net/snmp and netstat), as bits: what the
 * audit compares with. The names are in user/names.c. */
enum rst_moves {
	RST_MOVES_OUT_RSTS = 1,
	RST_MOVES_ATTEMPT_FAILS = 2,
	RST_MOVES_ESTAB_RESETS = 4,
	RST_MOVES_EMBRYONIC_RSTS = 8,
};

/* The flags of a TCP header, RFC 9293 section 3.1. */
enum {
	RST_FLAG_FIN = 0x01,
	RST_FLAG_SYN = 0x02,
	RST_FLAG_RST = 0x04,
	RST_FLAG_PSH = 0x08,
	RST_FLAG_ACK = 0x10,
	RST_FLAG_URG = 0x20,
	RST_FLAG_ECE = 0x40,
	RST_FLAG_CWR = 0x80,
};

/* One reset. */
struct rst_event {
	__u64 time_ns; /* CLOCK_MONOTONIC */
	__u8 local[16];
	__u8 peer[16];
	__u32 netns; /* inode number of the network namespace, 0 if it could not be read */
	__u32 slice; /* the slice whose counters hold this reset */
	__u16 local_port;
	__u16 peer_port;
	__u8 direction; /* enum rst_direction */
	__u8 cause;	/* enum rst_cause */
	__u8 reason;	/* kernel's number, if RST_EVENT_REASON */
	__u8 state;	/* enum rst_state, before the reset; 0 if there was no socket */
	__u8 trigger;	/* TCP flags, if RST_EVENT_TRIGGER */
	__u8 role;	/* enum rst_role */
	__u8 flags;	/* RST_EVENT_* */
	__u8 moves;	/* RST_MOVES_* */
	__u32 owner;	/* rst_process.number of the socket's process; 0: none is known */
};

/* What is no reset, and tells an attack or an outage from what is usual. */
enum rst_signal_kind {
	/* A half-open connection was not completed in time: its SYN-ACK is sent again. local: of
	 * the listener's side, peer: who sent the SYN. trigger: ACK if the peer has completed the
	 * handshake, and the accept queue was full; else 0. */
	RST_SIGNAL_RETRANSMIT = 1,
	/* A segment was dropped that no stack sends: no ACK and no SYN (FIN, NULL, Xmas) or
	 * SYN+FIN, or a SYN into a connection (RFC 5961). state: of the socket, trigger: its flags.
	 */
	RST_SIGNAL_PROBE = 2,
	/* Our connect() ended without a connection, and not because it was refused. */
	RST_SIGNAL_CONNECT_FAILED = 3,
	/* Our connect() succeeded; told only while RST_WATCH_CONNECTS is set. */
	RST_SIGNAL_CONNECTED = 4,
	/* A SYN came in; sampled, and only while RST_WATCH_SYNS is set. flags: RST_EVENT_KNOWN. */
	RST_SIGNAL_SYN = 5,
	RST_SIGNALS = 6, /* array size */
};

/* One of them. What is not said of its kind above is 0. At most RST_SIGNALS_MAX of a kind in a
 * slice and on a CPU; what is left out is a number of its own (rst_sketch.signals_thinned). */
struct rst_signal {
	__u64 time_ns; /* CLOCK_MONOTONIC */
	__u64 socket;  /* RETRANSMIT: the listener, as in rst_listener */
	__u8 local[16];
	__u8 peer[16];
	__u32 netns;
	__u32 owner; /* rst_process.number; 0: not known */
	__u16 local_port;
	__u16 peer_port;
	__u8 kind;	 /* enum rst_signal_kind */
	__u8 state;	 /* enum rst_state */
	__u8 trigger;	 /* TCP flags */
	__u8 attempt;	 /* RETRANSMIT: 1 is the first retransmission */
	__u32 half_open; /* RETRANSMIT: requests that wait for their last ACK, */
	__u32 stale;   /* of which the SYN-ACK has been retransmitted already, this one included; */
	__u32 backlog; /* how many may wait to be accepted: listen(2), cut to somaxconn */
	__u32 flags;
};

#define RST_SIGNALS_MAX 512

/* A listening socket as it is now, once a second. Counters run since the run began. */
struct rst_listening {
	__u64 time_ns;
	__u64 socket; /* as in rst_listener */
	__u8 address[16];
	__u32 netns;
	__u32 owner;	    /* rst_process.number; 0: not known */
	__u32 half_open;    /* requests that wait for their last ACK (icsk_accept_queue.qlen), */
	__u32 young;	    /* of which the SYN-ACK has not been retransmitted */
	__u32 accept_queue; /* connections that wait for accept() (sk_ack_backlog) */
	__u32 backlog;	    /* and how many may (sk_max_ack_backlog) */
	__u32 drops; /* SYNs and last ACKs dropped since it listens, modulo 2^32 (sk_drops) */
	__u16 port;
	__u8 flags; /* RST_LISTENING_* */
	__u8 pad;
	__u64 retransmits_first; /* SYN-ACKs sent for the second time, */
	__u64 retransmits;	 /* and in all after the first */
	__u64 completed; /* handshakes, for any address of the port; only while RST_WATCH_OPENS is
			    set */
};

enum {
	RST_LISTENING_DUAL = 1,	  /* as RST_LISTENER_DUAL */
	RST_LISTENING_WARNED = 2, /* the kernel has warned of a SYN flood (synflood_warned) */
};

/* What a connection had been, for a reset of a full socket that had one. Stands behind the event,
 * in the ring buffer and in recordings; an event without it is that much shorter. */
struct rst_connection {
	__u64 bytes_in;	 /* payload received in order */
	__u64 bytes_out; /* payload sent, each byte once */
	__u32 age_ms;	 /* since it was established; RST_AGE_UNKNOWN */
	/* since anything last came from the peer, acknowledgments included, or since we last sent
	 * something again that it had not acknowledged */
	__u32 idle_ms;
};

#define RST_AGE_UNKNOWN 0xffffffff

/* TCP states, the kernel's numbers (include/net/tcp_states.h; stable since Linux 4.4). */
enum rst_state {
	RST_STATE_ESTABLISHED = 1,
	RST_STATE_SYN_SENT = 2,
	RST_STATE_SYN_RECV = 3,
	RST_STATE_FIN_WAIT1 = 4,
	RST_STATE_FIN_WAIT2 = 5,
	RST_STATE_TIME_WAIT = 6,
	RST_STATE_CLOSE = 7,
	RST_STATE_CLOSE_WAIT = 8,
	RST_STATE_LAST_ACK = 9,
	RST_STATE_LISTEN = 10,
	RST_STATE_CLOSING = 11,
	RST_STATE_NEW_SYN_RECV = 12,
	RST_STATES = 16, /* array size */
};

/* Exact counters of one slice: a hash of these keys to __u64. */
struct rst_port_key {
	__u32 netns;
	__u16 port; /* of the service */
	__u8 direction;
	__u8 cause;
	__u8 reason; /* of a reset sent: the kernel's number; 0 (not specified) if it gave none */
	__u8 role;
	__u8 moves; /* RST_MOVES_* */
	__u8 pad;
	__u32 owner; /* as in rst_event */
};

/* Bounded counters of one slice: a hash of these keys to __u64, filled as described in count.h. */
struct rst_peer_key {
	__u8 address[16];
	__u32 netns;
	__u8 direction;
	__u8 pad[3];
};

/*
 * A process that had TCP sockets, under a number that it keeps until it calls exec(). Numbers are
 * given in order, from 1, when a process is first met with a socket. The kernel remembers
 * RST_PROCESSES of them, in slot number % RST_PROCESSES: those that run, as long as there is room,
 * and of those that have ended the last.
 */
struct rst_process {
	__u32 number;  /* 0: the slot is being written */
	__u32 pid;     /* thread group, in the initial pid namespace */
	__u64 started; /* since boot in units of 10 ms: what /proc/PID/stat says (starttime) */
	__u32 uid;     /* effective */
	__u16 cgroup_bytes;
	__u16 cgroup_cut; /* directories near the root did not fit */
	char comm[16];	  /* of the thread group's leader; any bytes, up to a NUL */
	/* Names of the directories of its cgroup, from the leaf up, each ended by a NUL. Cgroup v2,
	 * or of a controller of v1 where it is in the root of v2. */
	char cgroup[RST_PROCESS_CGROUP];
};

/* A socket that starts or stops listening. */
struct rst_listener {
	__u64 time_ns; /* CLOCK_MONOTONIC */
	__u64 socket;  /* tells listening sockets apart; an address, so reused once it is closed */
	__u8 address[16];
	__u32 netns;
	__u32 owner; /* rst_process.number; 0: not known */
	__u16 port;
	__u8 change;	   /* enum rst_listener_change */
	__u8 flags;	   /* RST_LISTENER_* */
	__u32 exit_status; /* of the process that stops, if RST_LISTENER_EXITING: as of wait(2) */
};

enum rst_listener_change {
	RST_LISTENER_OPENED = 1,
	RST_LISTENER_CLOSED = 2,
	RST_LISTENER_FOUND = 3, /* was there before, or has another owner now */
};

enum {
	RST_LISTENER_DUAL = 1,	  /* an IPv6 socket on :: that takes IPv4 connections, too */
	RST_LISTENER_EXITING = 2, /* its process is about to end, and closes it thereby */
};

#define RST_PORTS_MAX 65536 /* keys a slice */
#define RST_PEERS_MAX 16384

/*
 * What a CPU knows of its peers, in lines of one cache line, which the peer's address names: cells
 * of a count-min sketch with conservative update, of which a peer has two, and HyperLogLog
 * registers, of which an address has one.
 */
#define RST_SKETCH_BITS	   9
#define RST_SKETCH_LINES   (1 << RST_SKETCH_BITS)
#define RST_SKETCH_CELLS   16
#define RST_DISTINCT_BITS  14
#define RST_DISTINCT_WIDTH (1 << RST_DISTINCT_BITS) /* standard error 1.04/sqrt(width) = 0.8% */
#define RST_DISTINCT_LINE  (RST_DISTINCT_WIDTH / RST_SKETCH_LINES) /* registers in a line */

struct rst_sketch_line {
	__u16 cells[RST_SKETCH_CELLS]; /* the largest number: that or more */
	__u8 distinct[RST_DISTINCT_LINE];
};

/* A peer is tabled once it holds more than one in this many of the slice's resets on a CPU. */
#define RST_PEER_SHARE 1024

/*
 * The programs that count resets. A program is not interrupted by itself on its CPU since
 * Linux 6.1, so what is its own in a sketch needs no atomic operation; before that it can be, once:
 * in a process by a softirq. Hence the levels.
 */
enum rst_maker {
	RST_MAKER_SEND = 0,
	RST_MAKER_RECEIVE = 1,
	RST_MAKER_DROP = 2,
	RST_HOT_MAKERS = 3, /* array size: those above have hot places */
	RST_MAKER_SEND4 = 3,
	RST_MAKER_SEND6 = 4,
	RST_MAKER_REJECT4 = 5,
	RST_MAKER_REJECT6 = 6,
	RST_MAKER_VALID = 7,
	RST_MAKER_PROCESS = 8,
	RST_MAKERS = 9, /* array size */
};

#define RST_LEVELS 2

/* What goes to user space of a reset, in one piece; without the connection if there is none. */
struct rst_draft {
	struct rst_event event;
	struct rst_connection connection;
};

/*
 * The keys that most resets have are counted in the sketch's own memory: each in the place that its
 * hash names, if it was the first to ask for that in this slice, else in the hash tables.
 */
#define RST_HOT_PORTS 256  /* places of a maker */
#define RST_HOT_PEERS 1024 /* buckets of a maker */
#define RST_HOT_WAYS  2	   /* places in a bucket, which is a cache line */

struct rst_hot_port {
	struct rst_port_key key;
	__u64 count; /* 0: free */
	__u64 pad;
};

struct rst_hot_peer {
	struct rst_peer_key key;
	__u64 count; /* 0: free */
};

/* Events without a connection can come many in one piece. */
#define RST_BATCH 8

/*
 * What one CPU keeps of one slice. User space maps this memory, reads it once the slice is
 * retired, and zeroes it.
 */
struct rst_sketch {
	/* One cache line, which every reset needs. Resets: of those with hot places, and of all
	 * others. */
	__u64 counted[RST_HOT_MAKERS + 1];
	__u64 events;  /* written to the ring buffer */
	__u64 held_sk; /* of the draft that is held, see draft.h; 0: none is */
	/* Written beyond the budget for their port or their peer, see count.h; as `counted`. */
	__u16 rare_ports[RST_HOT_MAKERS + 1];
	__u16 rare_peers[RST_HOT_MAKERS + 1];

	__u64 lost;		    /* not written: ring buffer full */
	__u64 peers_full;	    /* not tabled: peer table full */
	__u64 outside;		    /* received, dropped before TCP: no event */
	__u64 signals[RST_SIGNALS]; /* written to the ring buffer, by kind */
	__u64 signals_thinned;	    /* not written: beyond RST_SIGNALS_MAX, or it was full */
	__u64 other[RST_DIRECTIONS][RST_CAUSES]; /* not tabled: port table full */
	struct rst_draft held;
	/* Events that are yet to be written, see draft.h; and how many. */
	struct rst_event batches[RST_HOT_MAKERS][RST_BATCH];
	__u64 batched[RST_HOT_MAKERS];
	/* Being made, see draft.h: the maker's own, and one that was held. */
	struct rst_draft drafts[RST_MAKERS][RST_LEVELS][2];
	__u8 levels[16]; /* of a maker: how many runs of it are in progress */
	__u64 pad[2];
	__u64 hot_used[RST_HOT_MAKERS * RST_HOT_PEERS / 64]; /* buckets of hot_peers, as bits */
	/* Of one maker after the other: */
	struct rst_hot_port hot_ports[RST_HOT_MAKERS * RST_HOT_PORTS];
	struct rst_hot_peer hot_peers[RST_HOT_MAKERS * RST_HOT_PEERS][RST_HOT_WAYS];
	struct rst_sketch_line lines[RST_DIRECTIONS - 1][RST_SKETCH_LINES]; /* index direction-1 */
};

_Static_assert(sizeof(struct rst_event) == 64, "rst_event is 64 bytes");
_Static_assert(sizeof(struct rst_connection) == 24, "rst_connection is 24 bytes");
_Static_assert(sizeof(struct rst_signal) == 80, "rst_signal is 80 bytes");
_Static_assert(sizeof(struct rst_listening) == 88, "rst_listening is 88 bytes");
_Static_assert(sizeof(struct rst_process) == 504, "rst_process is 504 bytes");
_Static_assert(sizeof(struct rst_listener) == 48, "rst_listener is 48 bytes");
_Static_assert(sizeof(struct rst_port_key) == 16, "rst_port_key is 16 bytes");
_Static_assert(sizeof(struct rst_peer_key) == 24, "rst_peer_key is 24 bytes");
_Static_assert(sizeof(struct rst_sketch) % 64 == 0, "no two CPUs share a cache line");
_Static_assert(__builtin_offsetof(struct rst_sketch, lost) == 64, "the first line");
_Static_assert(__builtin_offsetof(struct rst_sketch, hot_ports) % 64 == 0, "a place in one line");
_Static_assert(__builtin_offsetof(struct rst_sketch, lines) % 64 == 0, "lines are cache lines");

#endif

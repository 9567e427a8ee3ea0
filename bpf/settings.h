/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What user space tells the programs: settings, fixed before load, and the control block, which it
 * writes while they run. Every BPF object has settings of its own with the same contents; the
 * control block is one for all of them.
 */
#ifndef RSTWATCH_BPF_SETTINGS_H
#define RSTWATCH_BPF_SETTINGS_H

#include "event.h"

/* Constant to the verifier: a branch that a setting rules out is never verified, nor run. */
struct rst_settings {
	__u64 seed; /* of hash_address() */
	__u32 cpus;
	/* What this kernel's hooks pass, found in its BTF (user/kernel.h). */
	__u8 send_reason;   /* tcp_send_reset: a reason, for every reset (6.10) */
	__u8 drop_reason;   /* kfree_skb: a reason (5.17) */
	__u8 drop_socket;   /* kfree_skb: the receiving socket (6.11) */
	__u8 reject_socket; /* nf_send_reset: a socket in front of the segment (5.12) */
	/* kfree_skb: the reasons for segments whose flags no stack sends, and for a SYN into a
	 * connection; 0: this kernel has none */
	__u8 drop_flags;
	__u8 drop_syn;
	__u8 pad[2];
	__u32 tick_ns; /* of jiffies */
	__u32 events;  /* that a CPU streams in a slice, whatever they are; see count.h */
	__u32 pad2;
	__u8 meaning[RST_REASONS];	/* what each reason of a reset sent says: classify.h */
	__u8 dropped[RST_DROP_REASONS]; /* what each drop reason says: classify.h */
};

#define RST_CALL_CAST 0x7fff0001 /* no helper has this number: see kernel_read.h */

#define RST_FAILING 256

struct rst_control {
	__u32 slice; /* advanced by user space: its lowest bit is the generation to count into; by
		      * two after a slice in which nothing was counted, as that needs no new one */
	__u32 wake;  /* set by user space before it sleeps: the next event is to wake it */
	__u32 watch; /* RST_WATCH_*: what is told only while somebody has reason to ask */
	__u32 noted; /* RST_NOTED_*: which function hooks leave notes, see note.h and process.h */
	/* Written by the programs: */
	__u32 processes;  /* numbers given, see process.h */
	__u32 ownerless;  /* often: a process ended that had listened, so somebody else may now */
	__u32 known;	  /* generation of rst_known to remember peers in, by user space: known.h */
	__u32 moved;	  /* a socket has got another owner than its file's maker */
	__u32 born;	  /* a process has been made, or has another program; unset by user space */
	__u32 second;	  /* slices until now, by user space */
	__u64 tasks_full; /* processes not kept: rst_tasks or rst_creds is full */
	__u64 changes_lost;   /* listeners not told: rst_changes is full */
	__u64 listening_full; /* listeners not watched: rst_listening is full */
	/* In this slice, set to 0 by user space: */
	__u32 connects_failed; /* refused, or for another reason */
	__u32 connects_told; /* those that succeeded, of processes that have had none that failed */
	/* The second after the one in which a connect() last failed, by the process's number;
	 * others may share its place. */
	__u32 failing[RST_FAILING];
};

/*
 * From so many failed connect()s in a slice on, those that succeed are told in any case, of the
 * processes that have had some that failed within a minute: hundreds may do so before user space
 * can ask. If it asks, so many of the others are told, too: a busy one must not hide them.
 */
#define RST_CONNECTS_FAILED 3
#define RST_CONNECTS_TOLD   256
#define RST_FAILING_SECONDS 60

/* Set by user space once something looks wrong, and unset when it no longer does. */
enum {
	RST_WATCH_OPENS = 1,	/* count the handshakes that are completed, by port */
	RST_WATCH_CONNECTS = 2, /* tell of connect()s that succeed; see RST_CONNECTS_FAILED */
	RST_WATCH_SYNS = 4,	/* tell of SYNs that come in */
};

enum {
	RST_NOTED_REQUESTS = 1,	 /* tcp_check_req(): of every segment for a half-open connection */
	RST_NOTED_TIMEWAITS = 2, /* tcp_timewait_state_process(): of every reset in TIME_WAIT */
	RST_NOTED_CREDS = 4,	 /* commit_creds(): of every change of a process's credentials */
};

_Static_assert(sizeof(struct rst_settings) == 32 + RST_REASONS + RST_DROP_REASONS,
	       "rst_settings has no hidden padding");

#endif

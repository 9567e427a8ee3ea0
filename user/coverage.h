/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What can be seen on a kernel, cause by cause, stage by stage and counter by counter, given what
 * its hooks pass and which of them are attached. Also which hooks are wanted there at all: where
 * the tracepoints tell enough, no function is hooked.
 */
#ifndef RSTWATCH_COVERAGE_H
#define RSTWATCH_COVERAGE_H

#include <stdbool.h>

#include "names.h"
#include "record.h"

/* The hooks, in the order in which they are listed. */
enum coverage_hook {
	HOOK_SEND = 0,
	HOOK_RECEIVE = 1,
	HOOK_DROP = 2,
	HOOK_STATE = 3,
	HOOK_READ = 4,
	HOOK_FORK = 5,
	HOOK_EXEC = 6,
	HOOK_RENAME = 7,
	HOOK_FREE = 8,
	HOOK_RETRANSMIT = 9,
	HOOK_SEED = 10, /* not a hook, but iterators */
	HOOK_SEND4 = 11,
	HOOK_SEND6 = 12,
	HOOK_REJECT4 = 13,
	HOOK_REJECT6 = 14,
	HOOK_REQUEST = 15,
	HOOK_TIMEWAIT = 16,
	HOOK_VALIDATE = 17,
	HOOK_PROCESS = 18,
	HOOK_CREDS = 19,
	HOOKS = 20,
};

/* What a kernel's hooks pass (user/kernel.c). */
struct coverage_kernel {
	bool send_reason;    /* tcp_send_reset: a reason, and it fires for every reset */
	bool active_reason;  /* also for resets of our own accord */
	bool drop_reason;    /* kfree_skb: a reason */
	bool drop_socket;    /* kfree_skb: the receiving socket */
	bool drop_rejected;  /* kfree_skb: fires for what a full socket rejects */
	bool request_reason; /* tcp_check_req() gives a reason for what it drops */
};

struct coverage {
	struct coverage_kernel kernel;
	/* Attached; or, for a function of a module that is not loaded and so cannot run, sure to be
	 * attached when it is. */
	bool hook[HOOKS];
};

enum coverage_verdict {
	COVERAGE_EXACT = 1,
	COVERAGE_INFERRED = 2,
	COVERAGE_UNSEEN = 3,
	COVERAGE_VERDICTS = 4, /* array size */
};

struct coverage_answer {
	enum coverage_verdict verdict;
	const char *why; /* half a sentence; NULL if there is nothing to say */
};

const char *coverage_verdict_name(enum coverage_verdict verdict);

/* Whether the hook adds anything on this kernel. */
bool coverage_wants(const struct coverage_kernel *kernel, enum coverage_hook hook);

/* A cause of a reset sent, or a stage of a received one: enum rst_cause. */
struct coverage_answer coverage_cause(const struct coverage *coverage, unsigned cause);
/* What the audit makes of a kernel counter: enum name_counter. Exact: what the hooks see and what
 * the kernel counts agree, unless something else than a reset moves the counter. */
struct coverage_answer coverage_counter(const struct coverage *coverage, unsigned counter);
/* What can be said of the owner of a reset. */
enum coverage_owner {
	COVERAGE_OWNER_SOCKET = 0,   /* the process of a socket */
	COVERAGE_OWNER_MOVED = 1,    /* one that inherited it or was passed it */
	COVERAGE_OWNER_LISTENER = 2, /* who listens or listened on a port */
	COVERAGE_OWNER_BEFORE = 3,   /* of sockets that are older than the run */
	COVERAGE_OWNERS = 4,
};
const char *coverage_owner_name(enum coverage_owner owner);
struct coverage_answer coverage_owner(const struct coverage *coverage, enum coverage_owner owner);
/* What is no reset, and tells an attack or an outage from what is usual. */
enum coverage_signal {
	COVERAGE_SYNACK_RETRANSMITS =
		0, /* each half-open connection that is not completed in time */
	COVERAGE_LISTENING_SOCKETS = 1, /* their queues, once a second */
	COVERAGE_SYN_COOKIES = 2,	/* the kernel's counters of them, and of full queues */
	COVERAGE_PROBES = 3,		/* segments that no stack sends, dropped by a socket */
	COVERAGE_FAILED_CONNECTS = 4,	/* ours that timed out or were given up */
	COVERAGE_KNOWN_PEERS = 5,	/* who has exchanged data here lately */
	COVERAGE_SYNS = 6,		/* SYNs that come in */
	COVERAGE_SIGNALS = 7,
};
const char *coverage_signal_name(enum coverage_signal signal);
struct coverage_answer coverage_signal(const struct coverage *coverage,
				       enum coverage_signal signal);
/* Nothing is unseen. */
bool coverage_is_complete(const struct coverage *coverage);

#endif

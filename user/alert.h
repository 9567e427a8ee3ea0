/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Alerts: what one is, and how it lives. Detectors say each second whether their condition holds;
 * the incident turns that into few and well-timed words: raised, updated, cleared.
 */
#ifndef RSTWATCH_ALERT_H
#define RSTWATCH_ALERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "owner.h"
#include "window.h"

enum alert_kind {
	ALERT_RST_SENT_RATE = 1,
	ALERT_RST_RECEIVED_RATE = 2,
	ALERT_SYN_FLOOD = 3,
	ALERT_CLOSED_PORT_FLOOD = 4,
	ALERT_PORT_SCAN = 5,
	ALERT_STEALTH_SCAN = 6,
	ALERT_OUTBOUND_SCAN = 7,
	ALERT_SERVICE_DOWN = 8,
	ALERT_DEPENDENCY_DOWN = 9,
	ALERT_ACCEPT_QUEUE_FULL = 10,
	ALERT_RESET_INJECTION = 11,
	ALERT_PEER_RESET_STORM = 12,
	ALERT_STALE_CONNECTIONS = 13,
	ALERT_BACKSCATTER = 14,
	ALERT_KINDS = 15, /* array size */
};

enum alert_status {
	ALERT_RAISED = 1,
	ALERT_UPDATED = 2,
	ALERT_CLEARED = 3,
};

enum alert_severity {
	ALERT_INFO = 1,
	ALERT_WARNING = 2,
	ALERT_CRITICAL = 3,
};

/* Whether the peers are who they say: what is claimed by an address that never answered can be
 * forged, and must not be blocked. */
enum alert_proof {
	ALERT_PROOF_UNSAID = 0,	   /* the alert is about no peer */
	ALERT_PROOF_NONE = 1,	   /* anybody can have sent that */
	ALERT_PROOF_ANSWERED = 2,  /* they reacted to what we sent to that address */
	ALERT_PROOF_HANDSHAKE = 3, /* they completed a handshake */
	ALERT_PROOFS = 4,	   /* array size */
};

#define ALERT_FACTS  12
#define ALERT_WORDS  4
#define ALERT_PORTS  16
#define ALERT_TOP    5
#define ALERT_OWNERS 3

/* A number that made the alert fire, under the name that it has in the output. */
struct alert_fact {
	const char *name;
	double value;
};

/* The same in words. */
struct alert_word {
	const char *name;
	const char *value;
};

/* Some of the ports that something is about, in the order in which they were met. */
struct alert_ports {
	uint32_t all; /* how many there are, as far as is known */
	uint16_t count;
	uint16_t ports[ALERT_PORTS];
	uint16_t pad;
};

struct alert {
	uint64_t number; /* 1, 2, ... in a run; updates keep it */
	enum alert_kind kind;
	enum alert_status status;
	enum alert_severity severity;
	unsigned direction; /* enum rst_direction, 0: both */
	uint32_t netns;	    /* 0: the whole host */
	bool ended;	    /* CLEARED: what it is about is known to be over, and not just quiet */
	/* Of a detector's alert (book.h); a rate alarm has its lists below instead. */
	bool detected;
	bool has_local;
	uint16_t local_port;
	uint8_t local[16];  /* any address: of all */
	uint16_t peer_port; /* of the service there, where we are the client; 0: none */
	struct owner owner; /* who is hit, or who does it; known_by OWNER_UNKNOWN: not known */
	enum alert_proof proof;
	uint64_t peers_all; /* how many peers, as far as is known */
	bool peers_estimated;
	struct alert_ports touched, open; /* ports asked for, and of these those that answered */
	struct alert_word words[ALERT_WORDS];
	unsigned word_count;
	uint64_t time_ns, first_seen_ns; /* CLOCK_MONOTONIC */
	uint64_t time_real_ns, first_seen_real_ns;
	struct alert_fact facts[ALERT_FACTS];
	unsigned fact_count;
	/* What the resets behind it were. Counts, of `total`; lists are largest first. */
	uint64_t total;
	struct window_port ports[ALERT_TOP];
	unsigned port_count;
	struct window_peer peers[ALERT_TOP];
	unsigned peer_count;
	uint64_t peer_error;
	struct window_owner owners[ALERT_OWNERS];
	unsigned owner_count;
	uint64_t causes[RST_CAUSES];
	uint64_t reasons[RST_REASONS];
	char summary[320];
	const char *advice;
};

const char *alert_kind_name(enum alert_kind kind);
const char *alert_status_name(enum alert_status status);
const char *alert_severity_name(enum alert_severity severity);
/* "none", "answered", "handshake"; NULL for unsaid. */
const char *alert_proof_name(enum alert_proof proof);
/* The kind of that name, 0 if there is none. */
enum alert_kind alert_kind_of(const char *name);

/* Who stands behind at least half of it; NULL if nobody does, or it is not known who. */
const struct window_owner *alert_main_owner(const struct alert *alert);

/* When the next update of an incident is due, since it was raised: after 1, 5 and 30 minutes, then
 * hourly. */
uint64_t alert_update_after_ns(unsigned updates);

/* How long a condition must hold, and be gone, before anybody is told. */
struct alert_policy {
	uint64_t up_ns, down_ns;
	double multiplier; /* of both delays, at each change that comes before the delay is over */
	uint64_t max_ns;   /* of the delays so multiplied */
};

struct alert_incident {
	bool firing;	  /* the condition, at the last step */
	bool raised;	  /* what was last told */
	bool pending;	  /* a change waits to be told */
	unsigned updates; /* due so far: told, or passed over while the condition was gone */
	uint64_t number;
	uint64_t due_ns;    /* when the change will be told */
	uint64_t first_ns;  /* when the condition began to hold */
	uint64_t raised_ns; /* when that was told */
	double stretch;	    /* of the delays, 1 at rest */
};

/*
 * One step, at most one word: 0 if there is nothing to tell. A condition that is gone before its
 * up delay has passed is never told; one that is back before its down delay has passed was never
 * cleared, and makes the next delays longer. A raised incident is updated 1, 5 and 30 minutes
 * after it was raised, then hourly.
 */
enum alert_status alert_step(struct alert_incident *incident, const struct alert_policy *policy,
			     bool firing, uint64_t now_ns);

#endif

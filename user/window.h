/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Adds up the counters of the slices of one window, and condenses them into what the sinks show.
 * Totals are exact whatever happens; lists are bounded, and what did not fit is a number too.
 */
#ifndef RSTWATCH_WINDOW_H
#define RSTWATCH_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "audit.h"
#include "event.h"
#include "filter.h"
#include "names.h"
#include "owner.h"
#include "record.h"
#include "table.h"

#define WINDOW_COUNTS	  131072 /* exact counters of a slice; services of a window */
#define WINDOW_OWNERS	  8192
#define WINDOW_PEERS	  65536
#define WINDOW_NAMESPACES 4096
#define WINDOW_TOP	  10 /* entries of a list */

/* One exact counter. */
struct window_count {
	struct rst_port_key key;
	uint64_t count;
};

struct window_service_key {
	uint32_t netns;
	uint16_t port;
	uint8_t role;
	uint8_t pad;
};

/* A service port with its resets. */
struct window_port {
	struct window_service_key key;
	uint64_t sent, received;
	uint64_t causes[RST_CAUSES];
};

struct window_owner_key {
	uint32_t known_by; /* enum owner_known */
	uint32_t process;  /* its number; 0: none, or not known any more */
};

/* An owner with its resets. */
struct window_owner {
	struct window_owner_key key;
	struct owner owner; /* if it stopped listening several times: as at the last */
	uint64_t sent, received;
	uint64_t causes[RST_CAUSES];
};

struct window_peer {
	struct rst_peer_key key;
	uint64_t count;
};

struct window_netns {
	uint32_t netns;
	uint32_t pad;
	uint64_t count[RST_DIRECTIONS];
	const char *name; /* in a summary, the pipeline's to fill; NULL: none is known */
};

struct window_address {
	uint8_t address[16];
};

/* The losses and bounds of the slices, summed. */
struct window_losses {
	uint64_t thinned;     /* resets counted without an event */
	uint64_t lost;	      /* events lost: ring buffer full */
	uint64_t missed;      /* hook calls that the kernel skipped */
	uint64_t ports_full;  /* resets without a port: port tables full */
	uint64_t peers_full;  /* resets without a peer: peer tables full */
	uint64_t netns_full;  /* resets without a namespace row: namespace table full */
	uint64_t signals;     /* for the detectors: left out, there were too many */
	uint64_t alarms_full; /* resets that no namespace's rate alarm judged: its table is full */
};

struct window {
	uint64_t start_ns, end_ns; /* CLOCK_MONOTONIC */
	unsigned slices;
	uint64_t total[RST_DIRECTIONS];
	uint64_t causes[RST_CAUSES];
	uint64_t reasons[RST_REASONS];	/* of sent resets */
	uint64_t owned[RST_DIRECTIONS]; /* resets that have an owner, shown or not */
	uint64_t events;
	uint64_t outside; /* resets that came in and were dropped before TCP had them */
	uint64_t peer_error;
	struct window_losses losses;
	uint64_t seed; /* of hash_address() */
	/* HyperLogLog, used once the peers of some slice are not all known (estimate). */
	bool estimate;
	uint8_t registers[RST_DISTINCT_WIDTH];
	TABLE_OF(struct window_count, counts, WINDOW_COUNTS); /* of the slice being fed */
	/* What the filter lets through of the slices before. */
	TABLE_OF(struct window_port, services, WINDOW_COUNTS);
	TABLE_OF(struct window_owner, owners, WINDOW_OWNERS);
	TABLE_OF(struct window_peer, peers, WINDOW_PEERS);
	TABLE_OF(struct window_netns, namespaces, WINDOW_NAMESPACES);
	TABLE_OF(struct window_address, addresses, WINDOW_PEERS);
};

struct window_summary {
	uint64_t start_ns, end_ns;	     /* CLOCK_MONOTONIC */
	uint64_t start_real_ns, end_real_ns; /* wall clock */
	uint64_t total[RST_DIRECTIONS];
	uint64_t causes[RST_CAUSES];
	uint64_t reasons[RST_REASONS];
	struct window_port ports[WINDOW_TOP];
	unsigned port_count;
	uint64_t ports_all; /* services that the filter lets through, shown or not */
	struct window_owner owners[WINDOW_TOP];
	unsigned owner_count;
	uint64_t owners_all;
	uint64_t owners_unknown[RST_DIRECTIONS]; /* resets in no owner's row, whatever the filter */
	struct window_peer peers[WINDOW_TOP];
	unsigned peer_count;
	uint64_t peer_error; /* each peer's count may be too low by as much */
	uint64_t distinct_peers;
	bool distinct_exact;
	struct window_netns namespaces[WINDOW_TOP];
	unsigned netns_count;
	uint64_t netns_all;
	uint64_t events;
	uint64_t outside;
	struct window_losses losses;
	struct audit_summary audit; /* the pipeline's to fill */
};

/* The number to count it under: one that has no name is unknown, or not specified. */
static inline unsigned window_cause(unsigned cause)
{
	return name_cause(cause) ? cause : RST_UNKNOWN;
}

static inline unsigned window_reason(unsigned reason)
{
	return reason < RST_REASONS ? reason : 0;
}

/* Orders for top_offer(): largest count first, then by key. */
int window_order_ports(const void *a, const void *b);
int window_order_peers(const void *a, const void *b);
int window_order_counts(const void *a, const void *b);

struct window_owner_key window_owner_key(const struct owner *owner);
/* Adds a counter to its owner's row, made if need be. False if the table is full. */
bool window_add_owner(struct table *owners, struct window_owner_key key, const struct owner *owner,
		      const struct window_count *counted);
/* The largest rows; returns how many. Their processes are those that are still known. */
unsigned window_top_owners(const struct table *owners, const struct processes *processes,
			   struct window_owner *top, unsigned capacity);

void window_init(struct window *window, uint64_t seed);
/* Forgets all; the next window starts where this one ended. */
void window_next(struct window *window);

void window_add_port(struct window *window, const struct record_port *port);
void window_add_peer(struct window *window, const struct record_peer *peer);
void window_add_other(struct window *window, const struct record_other *other);
void window_add_distinct(struct window *window, const struct record_distinct *distinct);
void window_add_outside(struct window *window, const struct record_outside *outside);
/* The slice's counters are all there: adds them to their services and owners, as these are known
 * at time_ns, its end. What happens to a listener later does not change whose they were. */
void window_settle(struct window *window, const struct filter *filter,
		   const struct processes *processes, const struct listeners *listeners,
		   uint64_t time_ns);
void window_add_slice(struct window *window, const struct record_slice *slice);

/* Number of distinct peer addresses; *exact says whether they were counted or estimated. */
uint64_t window_distinct(const struct window *window, bool *exact);
/* Condenses what is settled; the lists hold what the filter lets through. Wall times, names and the
 * audit are left 0. */
void window_summarize(const struct window *window, const struct filter *filter,
		      const struct processes *processes, struct window_summary *summary);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Half-open connections, port by port (all sockets of a port together), and whether more and more
 * of them are stale: their SYN-ACK was sent again, and still nobody answers.
 *
 * A lost packet makes a connection stale for no longer than a round trip, or until the next
 * retransmission if that was lost too. A SYN whose sender does not exist makes one that stays. So
 * the score is a CUSUM (Page 1954) of the growth of the stale ones, less what losses and clients
 * that vanish explain at the present load. Growth counts only as far as SYN-ACKs were sent again:
 * with TCP_DEFER_ACCEPT a client that says nothing leaves the same traces without them.
 */
#ifndef RSTWATCH_HALFOPEN_H
#define RSTWATCH_HALFOPEN_H

#include <stdbool.h>
#include <stdint.h>

#include "record.h"
#include "senders.h"
#include "table.h"

#define HALFOPEN_SOCKETS 2048 /* powers of two */
#define HALFOPEN_PORTS	 512
#define HALFOPEN_TICKS	 20 /* of 50 ms */

struct halfopen_key {
	uint32_t netns, port;
};

struct halfopen_socket {
	uint64_t socket; /* the key */
	struct halfopen_key port;
	uint32_t half_open, stale, backlog, accept_queue, drops, owner;
	uint64_t first, completed;
	bool told;     /* by a LISTENING record of this slice */
	bool compared; /* its counters were told before */
};

/* What happened to a port in a slice, as far as it is known. */
struct halfopen_slice {
	uint64_t first, drops,
		completed; /* SYN-ACKs sent again the first time; see rst_listening */
	bool full;	   /* the accept queue is, or all but */
};

struct halfopen_port {
	struct halfopen_key key;
	uint32_t owner;
	uint32_t half_open, stale;
	uint32_t backlog; /* the largest */
	bool saturated;	  /* there is not much room for more half-open connections */
	struct halfopen_slice slice;
	uint64_t signalled;   /* first retransmissions of the slice that were told at once */
	double score, budget; /* see above; growth that retransmissions stand for */
	uint32_t advanced;    /* the stale ones that the score knows */
	uint64_t run_ns;      /* since when the score is no noise */
	uint64_t last_ns;
	uint64_t tick; /* of the last one */
	uint32_t ticks[HALFOPEN_TICKS];
	struct senders sources; /* of the stale ones, since the score is not 0 */
	bool held; /* an alert is open: neither the port nor the sources are forgotten */
	/* The detector's: */
	unsigned refused; /* looks for which it is still taken for one whose accept queue is full */
	uint64_t answered_ns; /* when last a SYN-ACK was sent again that had been answered */
	uint64_t refused_ns;  /* when its accept queue was last seen full; 0: never */
	unsigned lasting;     /* looks at which it was flooded */
	double usual;	      /* handshakes a second, before they stopped; 0: they did not */
	uint64_t doubt_ns;    /* when that was seen */
};

struct halfopen {
	uint64_t seed;
	uint32_t next_socket, next_port; /* to be replaced, once all are used */
	TABLE_OF(struct halfopen_socket, sockets, HALFOPEN_SOCKETS);
	TABLE_OF(struct halfopen_port, ports, HALFOPEN_PORTS);
};

/* The memory must be zero. */
void halfopen_init(struct halfopen *halfopen, uint64_t seed);
/* A SYN-ACK was sent again. load: handshakes a second that complete on that host. */
struct halfopen_port *halfopen_signal(struct halfopen *halfopen, const struct rst_signal *signal,
				      double load);
void halfopen_listening(struct halfopen *halfopen, const struct rst_listening *listening);
void halfopen_close(struct halfopen *halfopen, uint64_t socket);
/* The slice is over: whoever was not told of is empty. Then each port is advanced, and what its
 * slice held can be read until halfopen_next(). */
void halfopen_settle(struct halfopen *halfopen);
void halfopen_advance(struct halfopen_port *port, uint64_t now_ns, double load);
void halfopen_next(struct halfopen *halfopen);
/* The score that is no chance, at that load. */
double halfopen_limit(double load);
/* Growth that came over some time, or that fills the queue: not one burst of clients that were cut
 * off. */
bool halfopen_grows(const struct halfopen_port *port, uint64_t now_ns);
/* First retransmissions told within the last second. */
uint64_t halfopen_rate(const struct halfopen_port *port);
struct halfopen_port *halfopen_find(const struct halfopen *halfopen, uint32_t netns, uint32_t port);

#endif

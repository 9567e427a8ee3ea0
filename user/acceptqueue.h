/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * accept_queue_full: connections wait for accept() until no more fit, and the kernel drops SYNs and
 * last ACKs. A queue that is full without anything dropped is none.
 */
#ifndef RSTWATCH_ACCEPTQUEUE_H
#define RSTWATCH_ACCEPTQUEUE_H

#include "detector.h"

#define ACCEPTQUEUE_SOCKETS 2048 /* a power of two */

struct acceptqueue_socket {
	uint64_t socket; /* the key */
	uint32_t netns, owner;
	uint16_t port;
	bool compared; /* drops were told before, or it has just begun to listen */
	bool told;     /* in this slice */
	uint32_t queue, backlog, drops;
	uint64_t completed;
	uint64_t looked_ns;  /* when it was looked at last */
	uint64_t idle_ns;    /* since when it surely has not accepted */
	uint32_t full_looks; /* in a row */
	/* Of the open incident: */
	bool open;
	uint64_t drops_ns; /* when the last ones were seen */
	uint64_t window;   /* the last with drops, since 0, of 10 s */
	uint32_t windows;  /* with drops */
	double accepts;	   /* a second; negative: not known */
};

struct acceptqueue {
	uint32_t next; /* to be replaced, once all are used */
	bool counting; /* handshakes are, in this slice: that was asked for */
	uint64_t watch_until_ns;
	TABLE_OF(struct acceptqueue_socket, sockets, ACCEPTQUEUE_SOCKETS);
};

extern const struct detector acceptqueue_detector;

#endif

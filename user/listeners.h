/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who listens on a port, and who did last. Built from LISTENER records, in their order. An address
 * is looked up as the kernel does it: the very address first, then the wildcard of its family, and
 * for IPv4 also :: if that socket is dual-stack. Several sockets may listen on one address and port
 * (SO_REUSEPORT): they are one entry until the last of them is closed, and its owner is that of the
 * newest of them whose owner is known.
 *
 * Bounded: if there is no room, the entry goes whose last listener stopped first, and if all of
 * them listen, the new one is not kept, and counted.
 */
#ifndef RSTWATCH_LISTENERS_H
#define RSTWATCH_LISTENERS_H

#include <stdbool.h>
#include <stdint.h>

#include "record.h"
#include "table.h"

#define LISTENERS	  8192	/* addresses and ports; a power of two */
#define LISTENERS_SOCKETS 16384 /* sockets that listen now; a power of two */

/* What is known of an address and port at some time. */
struct listener_answer {
	bool listening;	      /* else somebody did */
	bool exited;	      /* the listener stopped because its process ended: */
	uint32_t exit_status; /* how, as of wait(2) */
	uint32_t owner;	      /* of the socket that listens, or listened last; 0: not known */
	uint64_t since_ns;    /* when that began; 0: before the run */
	uint64_t stopped_ns;  /* if not listening */
};

/* The rest of this is of no concern to others. Indices are those of table entries, plus one; 0 ends
 * a list. */

struct listener_link {
	uint32_t previous, next;
};

struct listener_key {
	uint8_t address[16];
	uint32_t netns;
	uint16_t port;
	uint8_t dual; /* :: and IPv4 too; that alone on the same port is another listener */
	uint8_t pad;
};

/* One owner for one time. If it is stopped, it tells of the time before that too. */
struct listener_period {
	uint64_t from_ns;
	bool known; /* else nobody had listened yet */
	struct listener_answer answer;
};

struct listener_place {
	struct listener_key key;
	uint32_t sockets;	   /* list of those that listen, the newest first */
	struct listener_link port; /* in the list of its port */
	struct listener_link idle; /* in the list of those that nobody listens on */
	uint64_t last_socket;	   /* that was closed: to know it if it comes up again, late */
	struct listener_period now, before;
};

struct listener_socket {
	uint64_t socket; /* the key */
	uint32_t place;	 /* index, not plus one */
	uint32_t owner;
	struct listener_link link; /* in the list of its place */
};

struct listener_port_key {
	uint32_t netns;
	uint32_t port;
};

struct listener_port {
	struct listener_port_key key;
	uint32_t places; /* list: all addresses of that port */
};

struct listeners {
	uint64_t untracked;		/* sockets that began to listen and were not kept */
	uint32_t idle_first, idle_last; /* places without a listener, in the order of stopping */
	TABLE_OF(struct listener_place, places, LISTENERS);
	TABLE_OF(struct listener_socket, sockets, LISTENERS_SOCKETS);
	TABLE_OF(struct listener_port, ports, LISTENERS);
};

/* The memory need not be zero. */
void listeners_init(struct listeners *listeners, uint64_t seed);
void listeners_add(struct listeners *listeners, const struct rst_listener *change);
/* address: NULL for any of the namespace; then one that listens goes before one that did, and the
 * later before the earlier. time_ns: when (CLOCK_MONOTONIC); a change after that time has not
 * happened yet, as far back as the last two who listened there are concerned. False if nobody is
 * known to have listened there. */
bool listeners_find(const struct listeners *listeners, uint32_t netns, const uint8_t address[16],
		    uint16_t port, uint64_t time_ns, struct listener_answer *answer);
/* The port of a namespace on which somebody listens now, if there is no other one; else 0. */
uint16_t listeners_only_port(const struct listeners *listeners, uint32_t netns);

#endif

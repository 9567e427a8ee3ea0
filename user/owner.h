/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whose reset it is, and how that is known. Never the task that happened to run: the process of the
 * socket, else who listens on the port, else who did last, else the kernel itself.
 */
#ifndef RSTWATCH_OWNER_H
#define RSTWATCH_OWNER_H

#include <stdbool.h>
#include <stdint.h>

#include "listeners.h"
#include "processes.h"

/* The numbers are public in the order of these names: owner_known_name(). */
enum owner_known {
	OWNER_UNKNOWN = 0,	 /* nothing is known, and nothing is said */
	OWNER_SOCKET = 1,	 /* the process of the socket */
	OWNER_LISTENER = 2,	 /* the process that listens on the port */
	OWNER_LAST_LISTENER = 3, /* the process that listened there last */
	OWNER_KERNEL = 4,	 /* no process: the kernel answers for itself */
	OWNER_FIREWALL = 5,	 /* no process: a netfilter rule */
	OWNER_KNOWNS = 6,	 /* array size */
};

struct owner {
	enum owner_known known_by;
	const struct process *process; /* NULL: none, or not known any more */
	/* Of a last listener. */
	uint64_t stopped_ns;  /* when it stopped, CLOCK_MONOTONIC */
	bool exited;	      /* because the process ended: */
	uint32_t exit_status; /* as of wait(2) */
	/* Of an event: records tell of listeners at all. Else nothing is known of them. */
	bool watched;
	/* Of an event with a closed port: that port has a listener, on other addresses only. */
	bool elsewhere;
	const struct process *neighbor; /* its process; NULL: not known */
};

/* "socket", "listener", "last_listener", "kernel", "firewall"; NULL for unknown. */
const char *owner_known_name(enum owner_known known);

/*
 * event.owner, if it is known, is the process of the socket; of a listening socket or a half-open
 * connection: the listener. Without one: a firewall's reset is the firewall's. A socket of the
 * kernel (RST_EVENT_KERNEL) is the kernel's. Else, where our end is the server or the role is not
 * known, the local address and port are looked up. What remains is the kernel's if there was no
 * socket, and unknown otherwise.
 */
struct owner owner_of_event(const struct processes *processes, const struct listeners *listeners,
			    const struct rst_event *event);
/* The same for a counter, of which the address and the state are not known: any address will do,
 * and the cause tells whether there was a socket. time_ns: the end of its slice. */
struct owner owner_of_key(const struct processes *processes, const struct listeners *listeners,
			  const struct rst_port_key *key, uint64_t time_ns);

/* For later, when its processes may be forgotten: all but these. Returns the process's number. */
uint32_t owner_keep(struct owner *kept, const struct owner *owner);

#define OWNER_EXIT_BYTES 48
/* "exited with status 1", "killed by SIGSEGV", "killed by signal 63"; returns the length. */
unsigned owner_exit_format(char text[OWNER_EXIT_BYTES], uint32_t exit_status);

#endif

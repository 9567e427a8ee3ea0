/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The network namespaces of this host and the kernel's own counters in each, for the audit and for
 * what only they tell: a SYN flood that is met with cookies alone leaves no other trace. A
 * namespace is reached through a process in it (/proc/PID/net, no privilege needed) or through
 * where it is mounted (/run/netns, setns(2), CAP_SYS_ADMIN). Nothing is kept open, so that no
 * namespace lives longer because of it.
 */
#ifndef RSTWATCH_NAMESPACES_H
#define RSTWATCH_NAMESPACES_H

#include <stdbool.h>
#include <stdint.h>

#include "record.h"

struct namespaces;

/* Finds all there are, and reads their counters. NULL if there is no memory. */
struct namespaces *namespaces_open(void);
void namespaces_close(struct namespaces **namespaces);

/* Delivers the counters of all of them, KERNEL_BASE: as they were at namespaces_open(), and as they
 * are now. What was counted between is perhaps seen, and perhaps not. 0 or what the handler
 * returned. */
int namespaces_base(struct namespaces *namespaces, record_handler handler, void *context);
/* Resets were counted in that namespace: it will be read in this turn and in the next. */
void namespaces_mark(struct namespaces *namespaces, uint32_t netns);
/* There are sockets in it that listen. busy: their queues are in use, or something was counted. */
void namespaces_listens(struct namespaces *namespaces, uint32_t netns, bool busy);
/* Delivers the counters (KERNEL, QUEUES) of those marked, and of one other in its turn; and of
 * those with listeners, each time unless there are so many that it takes more than 3 ms: then in
 * turn. The same. */
int namespaces_turn(struct namespaces *namespaces, record_handler handler, void *context);

#endif

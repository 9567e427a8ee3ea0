/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One reset in one plain sentence, for --explain: who did what, and why.
 *
 *   nginx (pid 812, nginx.service) closed the connection from 10.0.0.7 to port 443 with unread data
 *   after 3.2 s, 120 bytes in, 4 kB out.
 *   Nothing listens on port 8080: nginx (pid 812, nginx.service) stopped 3.2 s ago, killed by
 *   SIGSEGV.
 */
#ifndef RSTWATCH_EXPLAIN_H
#define RSTWATCH_EXPLAIN_H

#include "event.h"
#include "owner.h"

#define EXPLAIN_BYTES 512

/* connection: NULL if not known. reason: the kernel's word, NULL if it gave none. The text has no
 * control characters and is valid UTF-8, whatever a process calls itself. */
void explain_event(char text[EXPLAIN_BYTES], const struct rst_event *event,
		   const struct rst_connection *connection, const struct owner *owner,
		   const char *reason);

#endif

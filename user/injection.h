/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * reset_injection: somebody forges resets of our connections.
 *
 * Forged, and it worked: a connection was reset, and then its peer goes on sending as if nothing
 * had happened. Whoever sent that reset, it was not the peer. A pure ACK that comes right behind
 * the reset proves nothing: CPUs and networks change the order of packets. Data does, because a
 * reset is accepted only at the very place where its sender's data ends.
 *
 * What was blind, and did not work, is in blind.h.
 */
#ifndef RSTWATCH_INJECTION_H
#define RSTWATCH_INJECTION_H

#include "blind.h"
#include "detector.h"
#include "table.h"
#include "tuples.h"

#define INJECTION_RESETS 4096 /* that were accepted; a power of two */

/* A working connection that was reset. */
struct injection_reset {
	struct tuple_key key;
	uint64_t time_ns;
	uint64_t bytes; /* both ways */
	struct owner owner;
	uint32_t process;
	uint32_t age_ms; /* RST_AGE_UNKNOWN */
	uint32_t segments;
	uint16_t port; /* of the service */
	uint8_t role;
	bool proven;
};

struct injection {
	uint32_t next; /* of resets: the oldest, once all are used */
	TABLE_OF(struct injection_reset, resets, INJECTION_RESETS);
	struct blind blind;
};

extern const struct detector injection_detector;

#endif

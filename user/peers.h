/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Lets the kernel side forget peers in time: bpf/known.h has two generations of them. */
#ifndef RSTWATCH_PEERS_H
#define RSTWATCH_PEERS_H

#include <stdint.h>

struct rstwatch;

/* An address is remembered for as long, and at most twice as long, after its last connection. */
#define PEERS_HOURS 12

struct peers {
	uint64_t since_ns; /* when the current generation began; 0: not yet */
};

/* Once in a while. Begins a new generation in the place of the older one, if it is time. 0 or
 * -errno: then the next turn tries again. */
int peers_turn(struct peers *peers, const struct rstwatch *skeleton, uint64_t now_ns);

#endif

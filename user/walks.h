/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * When the kernel is asked again who is there: which processes have which credentials, and which
 * have which sockets (seed.h). A part of capture.h.
 */
#ifndef RSTWATCH_WALKS_H
#define RSTWATCH_WALKS_H

#include <stdbool.h>
#include <stdint.h>

#include "seed.h"

struct hooks;
struct rst_control;

struct walks {
	struct seed *seed; /* NULL: it cannot be asked */
	volatile struct rst_control *control;
	bool told; /* the programs tell of new processes */
	/* Turns, for the processes: */
	uint32_t rest;	    /* until they may be walked again, */
	uint32_t due;	    /* or must be, */
	uint32_t changing;  /* and in which they are, as some are new */
	uint32_t ownerless; /* rst_control.ownerless, when sockets were last walked */
	seed_listener listener;
	void *context;
};

/* Who was there before us. hooks: attached. The listeners that are found go to listener, then and
 * later. All of these return 0, -errno, or what listener returned. */
int walks_begin(struct walks *walks, const struct hooks *hooks,
		volatile struct rst_control *control, seed_listener listener, void *context);
/* Once a second. missed: the kernel has skipped hooks. */
int walks_turn(struct walks *walks, bool missed);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tells the programs who was there before them: walks all processes and their files inside the
 * kernel (bpf/owners.bpf.c), which fills the maps that the hooks share. The listening sockets that
 * it meets on the way come back to user space; and how they are, whenever that is asked.
 */
#ifndef RSTWATCH_SEED_H
#define RSTWATCH_SEED_H

#include "event.h"

struct hooks;
struct seed;

/* With the iterators, if they could be loaded; their hook in hooks says whether. NULL if not. */
struct seed *seed_open(struct hooks *hooks);
void seed_close(struct seed **seed);

/* Returns 0, or what it wants the walk to stop with. */
typedef int (*seed_listener)(void *context, const struct rst_listener *listener);
typedef int (*seed_listening)(void *context, const struct rst_listening *listening);

/* All processes: whose credentials are whose. 0 or -errno. */
int seed_processes(struct seed *seed);
/* All sockets: whose files they are; each one that listens is told, more than once if several
 * processes have it. 0, -errno, or what tell returned. */
int seed_sockets(struct seed *seed, seed_listener tell, void *context);
/* The sockets that listen, as they are now: each of which there is something new to tell, or whose
 * queues are in use. The same. */
int seed_queues(struct seed *seed, seed_listening tell, void *context);

#endif

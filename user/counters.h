/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads the counters of a slice that is over, exactly, and clears them: the part of capture that
 * knows how bpf/count.h counts. Nothing counts into them meanwhile (bpf/maps.h).
 */
#ifndef RSTWATCH_COUNTERS_H
#define RSTWATCH_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>

#include "record.h"

struct rstwatch;
struct counters;

/* Maps them. skeleton: loaded. 0 or -errno. */
int counters_open(struct counters **counters, const struct rstwatch *skeleton, uint32_t cpus);
void counters_close(struct counters **counters);
/* Bytes of the memory that is mapped. */
size_t counters_size(const struct counters *counters);

/* Whether there is anything in the generation of that slice, which may not be over. */
bool counters_are_used(const struct counters *counters, uint32_t slice);
/* Adds up what the CPUs counted in slice->slice, into that record. */
void counters_add(const struct counters *counters, struct record_slice *slice);
/* Delivers them: EVENT for what was held until the slice ended, PORT, OTHER, PEER, DISTINCT,
 * OUTSIDE, THINNED. Completes *slice. 0, -errno, or what the handler returned. */
int counters_deliver(struct counters *counters, struct record_slice *slice, record_handler handler,
		     void *context);
/* Once they are delivered. */
void counters_clear(struct counters *counters, uint32_t slice);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The names of everything that event.h and record.h number: the public words of the text and JSON
 * output and of the options. One table per enum. A number without a name gives NULL.
 */
#ifndef RSTWATCH_NAMES_H
#define RSTWATCH_NAMES_H

#include <stddef.h>

#include "event.h"
#include "record.h"

const char *name_direction(unsigned direction);
const char *name_role(unsigned role); /* NULL for unknown too: what is not known is not said */
const char *name_state(unsigned state);
/* A cause or a stage. */
const char *name_cause(unsigned cause);
/* The reverse; 0 if there is no such cause or stage. */
unsigned name_to_cause(const char *name);
/* RST_SENT if it is a cause, RST_RECEIVED if it is a stage. */
unsigned name_cause_direction(unsigned cause);

#define NAME_FLAGS_BYTES 40
/* "SYN", "FIN+ACK", or "none"; returns the length. */
size_t name_flags(char text[NAME_FLAGS_BYTES], unsigned flags);
/* The same in tcpdump's letters, for narrow columns: "S", "F.", "none". */
size_t name_flags_short(char text[NAME_FLAGS_BYTES], unsigned flags);

/*
 * What a kernel reset reason means, by its name without SK_RST_REASON_: an enum rst_cause or a
 * CLASSIFY_* value of classify.h. CLASSIFY_NONE for "not specified", RST_UNKNOWN for a name
 * that this version does not know.
 */
unsigned name_reason_meaning(const char *reason);
/*
 * What a drop reason of a received reset means, by its name without SKB_DROP_REASON_: an enum
 * rst_cause or a CLASSIFY_* value. CLASSIFY_OUTSIDE for one that is not TCP's.
 */
unsigned name_drop_meaning(const char *reason);

/* A counter of the kernel, as nstat writes it without its group: enum record_counter. */
const char *name_counter(unsigned counter);
/* The same: enum record_queue. */
const char *name_queue(unsigned queue);

#endif

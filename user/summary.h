/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the summaries of detectors have in common; the rule for them is at describe(), detector.h.
 */
#ifndef RSTWATCH_SUMMARY_H
#define RSTWATCH_SUMMARY_H

#include "book.h"
#include "sentence.h"

/* A word of the evidence, by its name; "" if it was not said. */
const char *summary_word(const struct incident *incident, const char *name);
/* The process that the summary begins with; "A process" if it is not known. */
void summary_begin_owner(struct sentence *sentence, const struct alert *alert);
/* " to port 5432" of theirs, " of port 80" of ours; nothing if there is no such port. */
void summary_add_port(struct sentence *sentence, const struct incident *incident);
/* "1 address", "2 addresses" */
void summary_add_addresses(struct sentence *sentence, uint64_t count);
/* "1 SYN/s", "2.5 SYNs/s" of " SYN" */
void summary_add_rate(struct sentence *sentence, double rate, const char *what);

#endif

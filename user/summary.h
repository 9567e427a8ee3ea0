/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the summaries of detectors have in common; the rule for them is at describe(), detector.h.
 */
#ifndef RSTWATCH_SUMMARY_H
#define RSTWATCH_SUMMARY_H

#include "book.h"
#include "sentence.h"

/* A word of the evidence, by its name; "" if it was not said. */
const char *summary_word(const struct incident *incident, const char *name);
/* " to port 5432" of theirs, " of port 80" of ours; nothing if there is no such port. */
void summary_add_port(struct sentence *sentence, const struct incident *incident);

#endif

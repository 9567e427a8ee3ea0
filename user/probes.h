/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What detectors of scans have in common once they have found one: the evidence of a source that
 * goes from port to port, and the words for it.
 */
#ifndef RSTWATCH_PROBES_H
#define RSTWATCH_PROBES_H

#include "book.h"
#include "sentence.h"
#include "sources.h"

/* One probe more, of a source whose incident is open; the first time with all that it did before.
 * frozen: whether new sources are not let in. */
void probes_note(struct incident *incident, const struct source *source, uint16_t port,
		 bool frozen);
/* A port that is open, or may be. first: the source had not asked for it before. */
void probes_note_open(struct incident *incident, uint16_t port, bool first);
/* "12 ports in 3.2 s (21, 22, 23 ...)" */
void probes_add(struct sentence *sentence, const struct incident *incident);
/* "22, 80"; " and 12 more" if there are. */
void probes_add_ports(struct sentence *sentence, const struct alert_ports *ports);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The parts of the text sink: text.c with what they share, text_event.c, text_window.c. */
#ifndef RSTWATCH_TEXT_H
#define RSTWATCH_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "view.h"

#define TEXT_COLOR_OFF "\033[0m"

/* An escape sequence, on a terminal. */
void text_color(struct text *text, const char *sequence);
void text_clock(struct text *text, uint64_t real_ns);
/* In front of a line: the times that the view asks for. */
void text_times(struct text *text, const struct pipeline_run *run, uint64_t monotonic_ns,
		uint64_t real_ns);
/* A name that a process, a kernel or a recording brings, and spaces up to a width: nothing that
 * steers a terminal or moves the columns behind it. */
void text_foreign(struct text *text, const char *name, size_t width);
const char *text_or_dash(const char *name);
/* The first word of a line in a block. */
void text_label(struct text *text, const char *name);
/* ":80 server" */
void text_port(struct text *text, const struct window_port *port);
/* "nginx (812)", "(kernel)" */
void text_owner(struct text *text, const struct window_owner *owner);

void text_event_header(struct text *text);
void text_event(void *context, const struct pipeline_run *run, const struct pipeline_event *reset);
void text_window(void *context, const struct pipeline_run *run,
		 const struct window_summary *summary);

#endif

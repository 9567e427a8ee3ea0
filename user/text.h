/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The parts of the text sink: text.c with what they share, text_alert.c, text_event.c,
 * text_window.c. */
#ifndef RSTWATCH_TEXT_H
#define RSTWATCH_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "view.h"

#define TEXT_END_BYTES (ADDRESS_BYTES + 8)
#define TEXT_COLOR_OFF "\033[0m"

/* An escape sequence, on a terminal. */
void text_color(struct text *text, const char *sequence);
void text_clock(struct text *text, uint64_t real_ns);
/* In front of a line: the times that the view asks for. At a cursor (append.h) they take
 * TEXT_TIMES_BYTES at most. */
#define TEXT_TIMES_BYTES (WALLCLOCK_BYTES + 32)
char *text_append_times(char *at, struct text *text, const struct pipeline_run *run,
			uint64_t monotonic_ns, uint64_t real_ns);
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
void text_owner(struct text *text, const struct owner *owner);
/* The unit of its process, or else its container: "docker:0123456789ab"; a dash if there is none.
 */
void text_unit_or_container(struct text *text, const struct owner *owner);
/* An address with a port: "10.0.0.2:80", "[2001:db8::2]:80"; returns the length. */
size_t text_end(char text[TEXT_END_BYTES], const uint8_t address[16], uint16_t port);
/* ", and 3 more"; nothing if there are none. */
void text_more(struct text *text, uint64_t count);

void text_event_header(struct text *text);
void text_event(void *context, const struct pipeline_run *run, const struct pipeline_event *reset);
void text_window(void *context, const struct pipeline_run *run,
		 const struct window_summary *summary);
void text_alert(void *context, const struct pipeline_run *run, const struct alert *alert);

#endif

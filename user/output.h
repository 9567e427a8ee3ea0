/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Buffered text on a file descriptor: appends bytes, numbers and lines without printf() on the way
 * of every event. The buffer is written when it is full and at output_flush(), which callers do
 * whenever they are about to wait, so that a reader never waits for a line that is there.
 */
#ifndef RSTWATCH_OUTPUT_H
#define RSTWATCH_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#define OUTPUT_BYTES (64 << 10)

struct output {
	int fd;
	int error; /* the first -errno of writing; from then on nothing is written */
	size_t used;
	char buffer[OUTPUT_BYTES];
};

void output_init(struct output *output, int fd);
/* 0 or the first -errno; -EPIPE if the reader went away. */
int output_flush(struct output *output);

void output_bytes(struct output *output, const char *bytes, size_t length);
void output_text(struct output *output, const char *text);
void output_char(struct output *output, char character);
void output_number(struct output *output, uint64_t number);
/* In at least `width` digits, zeros in front. */
void output_digits(struct output *output, uint64_t number, unsigned width);
/* With at most `places` (up to 3) digits behind the point, none if they are 0. */
void output_decimal(struct output *output, double number, unsigned places);
/* The text, and spaces up to a width. */
void output_padded(struct output *output, const char *text, size_t length, size_t width);

#endif

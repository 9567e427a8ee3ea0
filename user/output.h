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
#include <string.h>

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

/* Room for length bytes, at most OUTPUT_BYTES; output_advance() tells how many were used. */
static inline char *output_reserve(struct output *output, size_t length)
{
	if (output->used + length > sizeof(output->buffer))
		output_flush(output);
	return output->buffer + output->used;
}

static inline void output_advance(struct output *output, size_t length)
{
	output->used += length;
}

/* Any number of bytes. */
void output_long(struct output *output, const char *bytes, size_t length);

/* Inline, so that what is constant costs one copy of constant size. */
static inline void output_bytes(struct output *output, const char *bytes, size_t length)
{
	if (length > OUTPUT_BYTES / 2) {
		output_long(output, bytes, length);
		return;
	}
	memcpy(output_reserve(output, length), bytes, length);
	output_advance(output, length);
}

static inline void output_text(struct output *output, const char *text)
{
	output_bytes(output, text, strlen(text));
}

static inline void output_char(struct output *output, char character)
{
	*output_reserve(output, 1) = character;
	output_advance(output, 1);
}

void output_number(struct output *output, uint64_t number);
/* In at least `width` digits, zeros in front. */
void output_digits(struct output *output, uint64_t number, unsigned width);
/* With at most `places` (up to 3) digits behind the point, none if they are 0. What is no number
 * or beyond 64 bits is shown as the largest. */
void output_decimal(struct output *output, double number, unsigned places);
/* The text, and spaces up to a width. */
void output_padded(struct output *output, const char *text, size_t length, size_t width);

#endif

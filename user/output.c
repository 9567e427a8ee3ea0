// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "append.h"

#define DIGITS_MAX 24

void output_init(struct output *output, int fd)
{
	output->fd = fd;
	output->error = 0;
	output->used = 0;
}

int output_flush(struct output *output)
{
	size_t at = 0;

	while (at < output->used && !output->error) {
		ssize_t written = write(output->fd, output->buffer + at, output->used - at);

		if (written >= 0)
			at += written;
		else if (errno != EINTR)
			output->error = -errno;
	}
	output->used = 0;
	return output->error;
}

void output_long(struct output *output, const char *bytes, size_t length)
{
	while (length) {
		size_t part = length < OUTPUT_BYTES ? length : OUTPUT_BYTES;

		memcpy(output_reserve(output, part), bytes, part);
		output_advance(output, part);
		bytes += part;
		length -= part;
	}
}

void output_number(struct output *output, uint64_t number)
{
	char *at = output_reserve(output, APPEND_NUMBER_BYTES);

	output_advance(output, append_number(at, number) - at);
}

void output_digits(struct output *output, uint64_t number, unsigned width)
{
	char digits[APPEND_NUMBER_BYTES];
	size_t length = append_number(digits, number) - digits;
	size_t zeros = width < DIGITS_MAX ? width : DIGITS_MAX;

	for (; zeros > length; zeros--)
		output_char(output, '0');
	output_bytes(output, digits, length);
}

void output_decimal(struct output *output, double number, unsigned places)
{
	uint64_t scale = 1, scaled, fraction;

	for (unsigned i = 0; i < places; i++)
		scale *= 10;
	if (number < 0) {
		output_char(output, '-');
		number = -number;
	}
	if (!(number < 1e16)) { /* nothing behind the point is known, and times scale is too much */
		output_number(output, number < 0x1p64 ? (uint64_t)number : UINT64_MAX);
		return;
	}
	scaled = (uint64_t)(number * scale + 0.5);
	output_number(output, scaled / scale);
	fraction = scaled % scale;
	if (!fraction)
		return;
	while (!(fraction % 10)) {
		fraction /= 10;
		places--;
	}
	output_char(output, '.');
	output_digits(output, fraction, places);
}

void output_padded(struct output *output, const char *text, size_t length, size_t width)
{
	size_t spaces = length < width ? width - length : 0;

	output_bytes(output, text, length);
	memset(output_reserve(output, spaces), ' ', spaces);
	output_advance(output, spaces);
}

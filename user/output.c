// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

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

void output_digits(struct output *output, uint64_t number, unsigned width)
{
	static const char pairs[] = "00010203040506070809101112131415161718192021222324"
				    "25262728293031323334353637383940414243444546474849"
				    "50515253545556575859606162636465666768697071727374"
				    "75767778798081828384858687888990919293949596979899";
	char digits[24];
	size_t at = sizeof(digits);

	while (number >= 100) {
		at -= 2;
		memcpy(digits + at, pairs + number % 100 * 2, 2);
		number /= 100;
	}
	if (number >= 10) {
		at -= 2;
		memcpy(digits + at, pairs + number * 2, 2);
	} else {
		digits[--at] = '0' + number;
	}
	while (sizeof(digits) - at < width && at)
		digits[--at] = '0';
	output_bytes(output, digits + at, sizeof(digits) - at);
}

void output_number(struct output *output, uint64_t number)
{
	output_digits(output, number, 1);
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

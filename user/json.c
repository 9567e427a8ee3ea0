// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "json.h"

#include <string.h>

static void separate(struct json *json)
{
	if (json->comma)
		output_char(json->output, ',');
	json->comma = true;
}

static void open_with(struct json *json, char bracket)
{
	separate(json);
	output_char(json->output, bracket);
	json->comma = false;
}

static void close_with(struct json *json, char bracket)
{
	output_char(json->output, bracket);
	json->comma = true;
}

void json_object(struct json *json)
{
	open_with(json, '{');
}

void json_object_end(struct json *json)
{
	close_with(json, '}');
}

void json_array(struct json *json)
{
	open_with(json, '[');
}

void json_array_end(struct json *json)
{
	close_with(json, ']');
}

void json_line_end(struct json *json)
{
	output_char(json->output, '\n');
	json->comma = false;
}

/* The length of the UTF-8 sequence at the start (RFC 3629), 0 if there is none. */
static size_t utf8_length(const unsigned char *at, size_t left)
{
	unsigned first = at[0], low = 0x80, high = 0xbf;
	size_t length;

	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first <= 0xdf)
		length = 2;
	else if (first >= 0xe0 && first <= 0xef)
		length = 3;
	else if (first >= 0xf0 && first <= 0xf4)
		length = 4;
	else
		return 0;
	if (first == 0xe0)
		low = 0xa0; /* shorter forms exist */
	else if (first == 0xed)
		high = 0x9f; /* surrogates */
	else if (first == 0xf0)
		low = 0x90;
	else if (first == 0xf4)
		high = 0x8f; /* beyond U+10FFFF */
	if (length > left || at[1] < low || at[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if (at[i] < 0x80 || at[i] > 0xbf)
			return 0;
	return length;
}

/* How much of it, from the start, is ASCII that needs no escaping: nearly always all. */
static size_t plain_length(const unsigned char *at, size_t left)
{
	size_t length = 0;

	while (length < left && at[length] >= 0x20 && at[length] < 0x7f && at[length] != '"' &&
	       at[length] != '\\')
		length++;
	return length;
}

static void escape(struct output *output, unsigned char byte)
{
	static const char hex[] = "0123456789abcdef";
	char sequence[6] = {'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]};

	if (byte == '"' || byte == '\\') {
		output_char(output, '\\');
		output_char(output, byte);
	} else {
		output_bytes(output, sequence, sizeof(sequence));
	}
}

void json_string_bytes(struct json *json, const char *bytes, size_t length)
{
	const unsigned char *at = (const unsigned char *)bytes, *end = at + length;
	struct output *output = json->output;

	separate(json);
	output_char(output, '"');
	while (at < end) {
		size_t size = plain_length(at, end - at);

		if (size) {
			output_bytes(output, (const char *)at, size);
			at += size;
			continue;
		}
		size = utf8_length(at, end - at);
		if (!size) {
			output_bytes(output, "\xef\xbf\xbd", 3);
			size = 1;
		} else if (size == 1) {
			escape(output, *at);
		} else {
			output_bytes(output, (const char *)at, size);
		}
		at += size;
	}
	output_char(output, '"');
}

void json_string(struct json *json, const char *text)
{
	json_string_bytes(json, text, strlen(text));
}

void json_key_string(struct json *json, const char *key)
{
	json_string(json, key);
	output_char(json->output, ':');
	json->comma = false;
}

void json_number(struct json *json, uint64_t number)
{
	separate(json);
	output_number(json->output, number);
}

void json_signed(struct json *json, int64_t number)
{
	separate(json);
	if (number < 0)
		output_char(json->output, '-');
	output_number(json->output, number < 0 ? -(uint64_t)number : (uint64_t)number);
}

void json_decimal(struct json *json, double number)
{
	separate(json);
	output_decimal(json->output, number, 3);
}

void json_bool(struct json *json, bool value)
{
	separate(json);
	output_text(json->output, value ? "true" : "false");
}

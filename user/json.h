/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A streaming JSON writer: one object per line, no tree, no allocation. It sets the commas. Keys
 * and plain strings are the program's own and written as they are; json_string() escapes whatever
 * bytes it is given into valid UTF-8: control characters as \u00XX, bytes that are not UTF-8 as
 * U+FFFD.
 */
#ifndef RSTWATCH_JSON_H
#define RSTWATCH_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "output.h"

struct json {
	struct output *output;
	bool comma; /* the next member or element needs one in front */
};

void json_object(struct json *json); /* { */
void json_object_end(struct json *json);
void json_array(struct json *json);
void json_array_end(struct json *json);
void json_line_end(struct json *json);

/* A member's name; its value follows. Inline, because names are constants. */
static inline void json_key(struct json *json, const char *key)
{
	size_t length = strlen(key);
	char *at = output_reserve(json->output, length + 4);

	if (json->comma)
		*at++ = ',';
	*at++ = '"';
	memcpy(at, key, length);
	at[length] = '"';
	at[length + 1] = ':';
	output_advance(json->output, length + 3 + json->comma);
	json->comma = false;
}

/* The same for a name that is not the program's own. */
void json_key_string(struct json *json, const char *key);

/* A string that needs no escaping: the program's own words, addresses, times. */
static inline void json_plain(struct json *json, const char *text, size_t length)
{
	char *at = output_reserve(json->output, length + 3);

	if (json->comma)
		*at++ = ',';
	*at++ = '"';
	memcpy(at, text, length);
	at[length] = '"';
	output_advance(json->output, length + 2 + json->comma);
	json->comma = true;
}

void json_string(struct json *json, const char *text);
void json_string_bytes(struct json *json, const char *bytes, size_t length);
void json_number(struct json *json, uint64_t number);
void json_signed(struct json *json, int64_t number);
void json_decimal(struct json *json, double number);
void json_bool(struct json *json, bool value);

/* key and value in one; a NULL text leaves the member out. */
static inline void json_member_plain(struct json *json, const char *key, const char *text)
{
	if (!text)
		return;
	json_key(json, key);
	json_plain(json, text, strlen(text));
}

static inline void json_member_string(struct json *json, const char *key, const char *text)
{
	if (!text)
		return;
	json_key(json, key);
	json_string(json, text);
}

static inline void json_member_number(struct json *json, const char *key, uint64_t number)
{
	json_key(json, key);
	json_number(json, number);
}

#endif

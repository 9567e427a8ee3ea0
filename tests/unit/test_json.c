// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "edges.h"

#include "json.h"

static int setup(void **state)
{
	*state = edges_output();
	return 0;
}

static int teardown(void **state)
{
	edges_output_free(*state);
	return 0;
}

/* What a string of these bytes becomes, without its quotes. */
static void assert_string(struct output *output, const char *bytes, size_t length,
			  const char *expected)
{
	struct json json = {.output = output};
	char *written;

	json_string_bytes(&json, bytes, length);
	written = edges_written(output);
	length = strlen(written);
	assert_true(length >= 2 && written[0] == '"' && written[length - 1] == '"');
	written[length - 1] = '\0';
	assert_string_equal(written + 1, expected);
	free(written);
	edges_output_clear(output);
}

/* Each byte alone: ASCII as it is, but for what RFC 8259 escapes; no others are UTF-8. */
static void every_byte(void **state)
{
	for (unsigned byte = 0; byte < 256; byte++) {
		const char text[1] = {(char)byte};
		char expected[8];

		if (byte == '"' || byte == '\\')
			snprintf(expected, sizeof(expected), "\\%c", byte);
		else if (byte < 0x20 || byte == 0x7f)
			snprintf(expected, sizeof(expected), "\\u%04x", byte);
		else if (byte < 0x7f)
			snprintf(expected, sizeof(expected), "%c", byte);
		else
			snprintf(expected, sizeof(expected), "\xef\xbf\xbd");
		assert_string(*state, text, 1, expected);
	}
}

static void every_byte_between_letters(void **state)
{
	for (unsigned byte = 0x80; byte < 256; byte++) {
		const char text[] = {'a', (char)byte, 'z'};

		assert_string(*state, text, sizeof(text), "a\xef\xbf\xbdz");
	}
}

static size_t encode(char bytes[4], uint32_t code)
{
	if (code < 0x80) {
		bytes[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		bytes[0] = (char)(0xc0 | code >> 6);
		bytes[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		bytes[0] = (char)(0xe0 | code >> 12);
		bytes[1] = (char)(0x80 | (code >> 6 & 0x3f));
		bytes[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	bytes[0] = (char)(0xf0 | code >> 18);
	bytes[1] = (char)(0x80 | (code >> 12 & 0x3f));
	bytes[2] = (char)(0x80 | (code >> 6 & 0x3f));
	bytes[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

/* Every code point from U+0080 up, those of surrogates left out, comes out as it went in. */
static void every_code_point(void **state)
{
	struct output *output = *state;
	size_t size = 5 << 20, used = 0;
	char *text = unit_zeroed(size), *written;
	struct json json = {.output = output};

	for (uint32_t code = 0x80; code < 0x110000; code++)
		if (code < 0xd800 || code > 0xdfff)
			used += encode(text + used, code);
	assert_true(used < size);
	json_string_bytes(&json, text, used);
	written = edges_written(output);
	assert_int_equal(strlen(written), used + 2);
	assert_memory_equal(written + 1, text, used);
	free(written);
	free(text);
}

#define BAD "\xef\xbf\xbd"

static void not_utf8(void **state)
{
	static const struct {
		const char *bytes, *expected;
	} cases[] = {
		{"\xc0\x80", BAD BAD},			  /* overlong NUL */
		{"\xc1\xbf", BAD BAD},			  /* overlong DEL */
		{"\xe0\x80\x80", BAD BAD BAD},		  /* overlong in three */
		{"\xe0\x9f\xbf", BAD BAD BAD},		  /* U+07FF in three */
		{"\xe0\xa0\x80", "\xe0\xa0\x80"},	  /* U+0800 */
		{"\xf0\x80\x80\x80", BAD BAD BAD BAD},	  /* overlong in four */
		{"\xf0\x8f\xbf\xbf", BAD BAD BAD BAD},	  /* U+FFFF in four */
		{"\xf0\x90\x80\x80", "\xf0\x90\x80\x80"}, /* U+10000 */
		{"\xed\x9f\xbf", "\xed\x9f\xbf"},	  /* U+D7FF */
		{"\xed\xa0\x80", BAD BAD BAD},		  /* U+D800, a surrogate */
		{"\xed\xbf\xbf", BAD BAD BAD},		  /* U+DFFF */
		{"\xee\x80\x80", "\xee\x80\x80"},	  /* U+E000 */
		{"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"}, /* U+10FFFF */
		{"\xf4\x90\x80\x80", BAD BAD BAD BAD},	  /* U+110000 */
		{"\xf5\x80\x80\x80", BAD BAD BAD BAD},
		{"\xff\xfe", BAD BAD},
		{"\x80", BAD},		       /* a continuation alone */
		{"\xc3", BAD},		       /* cut short */
		{"\xe2\x82", BAD BAD},	       /* cut short */
		{"\xf0\x9f\x98", BAD BAD BAD}, /* cut short */
		{"\xc3(", BAD "("},	       /* the next character is not eaten */
		{"\xe2\x28\xa1", BAD "(" BAD},
		{"\xe2\x82(", BAD BAD "("},
		{"\xe2\"x", BAD "\\\"x"}, /* nor is a quote */
		{"\xf0\x9f\x98\"", BAD BAD BAD "\\\""},
		{"\xc3\xa9\xc3", "\xc3\xa9" BAD},
		{"a\xc3\xa9z\xe2\x82\xac\xf0\x9f\x98\x80",
		 "a\xc3\xa9z\xe2\x82\xac\xf0\x9f\x98\x80"},
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_string(*state, cases[i].bytes, strlen(cases[i].bytes), cases[i].expected);
}

/* A sequence that would go on behind the end of the bytes: nothing behind them is read. */
static void ends_within_a_sequence(void **state)
{
	static const char euro[] = "\xf0\x9f\x98\x80";

	for (size_t length = 1; length < 4; length++) {
		char *exact = unit_zeroed(length); /* the sanitizer sees the byte behind */
		char expected[16] = "";

		memcpy(exact, euro, length);
		for (size_t i = 0; i < length; i++)
			strcat(expected, BAD);
		assert_string(*state, exact, length, expected);
		free(exact);
	}
	assert_string(*state, "", 0, "");
}

static void bytes_hold_nul(void **state)
{
	assert_string(*state, "a\0b", 3, "a\\u0000b");
}

static unsigned count(const char *text, const char *part)
{
	unsigned found = 0;

	while ((text = strstr(text, part))) {
		found++;
		text += strlen(part);
	}
	return found;
}

static void noise_is_valid(void **state)
{
	uint64_t seed = 1;

	for (unsigned round = 0; round < 2000; round++) {
		struct json json = {.output = *state};
		char bytes[64], *written;
		size_t length = unit_random(&seed) % sizeof(bytes), again;
		unsigned replaced;

		for (size_t i = 0; i < length; i++)
			bytes[i] = (char)unit_random(&seed);
		json_string_bytes(&json, bytes, length);
		written = edges_written(*state);
		edges_output_clear(*state);
		again = strlen(written);
		for (size_t i = 1; i + 1 < again; i++) {
			assert_true((unsigned char)written[i] >= 0x20);
			assert_true(written[i] != 0x7f && written[i] != '"');
			if (written[i] == '\\') /* \", \\ or \u00XX */
				i += written[i + 1] == 'u' ? 5 : 1;
		}
		/* It is UTF-8 by now: written once more, nothing is replaced. */
		replaced = count(written, BAD);
		json = (struct json){.output = *state};
		json_string_bytes(&json, written + 1, again - 2);
		free(written);
		written = edges_written(*state);
		edges_output_clear(*state);
		assert_int_equal(count(written, BAD), replaced);
		free(written);
	}
}

static void commas_and_nesting(void **state)
{
	struct json json = {.output = *state};

	json_object(&json);
	json_key(&json, "a");
	json_number(&json, 1);
	json_key(&json, "b");
	json_array(&json);
	json_array_end(&json);
	json_key(&json, "c");
	json_array(&json);
	json_number(&json, 1);
	json_plain(&json, "two", 3);
	json_object(&json);
	json_object_end(&json);
	json_object(&json);
	json_member_number(&json, "x", 0);
	json_member_string(&json, "y", "\"");
	json_object_end(&json);
	json_array(&json);
	json_array(&json);
	json_bool(&json, true);
	json_bool(&json, false);
	json_array_end(&json);
	json_string(&json, "s");
	json_array_end(&json);
	json_decimal(&json, 0.5);
	json_array_end(&json);
	json_key_string(&json, "d\n");
	json_object(&json);
	json_key_string(&json, "e");
	json_bool(&json, false);
	json_key_string(&json, "f");
	json_bool(&json, true);
	json_object_end(&json);
	json_key(&json, "g");
	json_plain(&json, "", 0);
	json_object_end(&json);
	json_line_end(&json);
	json_object(&json);
	json_object_end(&json);
	json_line_end(&json);
	json_array(&json);
	json_array_end(&json);
	json_line_end(&json);
	edges_assert_written(*state,
			     "{\"a\":1,\"b\":[],\"c\":[1,\"two\",{},{\"x\":0,\"y\":\"\\\"\"},"
			     "[[true,false],\"s\"],0.5],\"d\\u000a\":{\"e\":false,\"f\":true},"
			     "\"g\":\"\"}\n{}\n[]\n");
}

static void what_is_not_known_is_left_out(void **state)
{
	struct json json = {.output = *state};

	json_object(&json);
	json_member_plain(&json, "a", NULL);
	json_member_string(&json, "b", NULL);
	json_member_plain(&json, "c", "x");
	json_member_string(&json, "d", NULL);
	json_member_string(&json, "e", "");
	json_object_end(&json);
	edges_assert_written(*state, "{\"c\":\"x\",\"e\":\"\"}");
}

static void numbers(void **state)
{
	struct json json = {.output = *state};

	json_array(&json);
	json_number(&json, 0);
	json_number(&json, UINT64_MAX);
	json_decimal(&json, 0);
	json_decimal(&json, 1);
	json_decimal(&json, 1.0 / 3);
	json_decimal(&json, 0.9996);
	json_decimal(&json, 2.5);
	json_decimal(&json, -2.25);
	json_array_end(&json);
	edges_assert_written(*state, "[0,18446744073709551615,0,1,0.333,1,2.5,-2.25]");
}

static void signed_numbers(void **state)
{
	struct json json = {.output = *state};

	json_array(&json);
	json_signed(&json, 0);
	json_signed(&json, 1);
	json_signed(&json, -1);
	json_signed(&json, 1234567890123);
	json_signed(&json, INT64_MAX);
	json_signed(&json, -INT64_MAX);
	json_signed(&json, INT64_MIN);
	json_array_end(&json);
	json_line_end(&json);
	json_object(&json);
	json_key(&json, "a");
	json_signed(&json, -2);
	json_key(&json, "b");
	json_signed(&json, 3);
	json_object_end(&json);
	edges_assert_written(*state, "[0,1,-1,1234567890123,9223372036854775807,"
				     "-9223372036854775807,-9223372036854775808]\n"
				     "{\"a\":-2,\"b\":3}");
}

/* Whatever stands in the buffer already: keys and strings never cross its end. */
static void around_the_end_of_the_buffer(void **state)
{
	for (size_t before = OUTPUT_BYTES - 40; before <= OUTPUT_BYTES; before++) {
		struct output *output = *state;
		struct json json = {.output = output};
		char *written;

		for (size_t i = 0; i < before; i++)
			output_char(output, ' ');
		json_object(&json);
		json_member_plain(&json, "plain", "value");
		json_member_string(&json, "string", "\xe2\x82\xac\n");
		json_object_end(&json);
		written = edges_written(output);
		assert_string_equal(written + before,
				    "{\"plain\":\"value\",\"string\":\"\xe2\x82\xac\\u000a\"}");
		free(written);
		edges_output_clear(output);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_byte, setup, teardown),
		cmocka_unit_test_setup_teardown(every_byte_between_letters, setup, teardown),
		cmocka_unit_test_setup_teardown(every_code_point, setup, teardown),
		cmocka_unit_test_setup_teardown(not_utf8, setup, teardown),
		cmocka_unit_test_setup_teardown(ends_within_a_sequence, setup, teardown),
		cmocka_unit_test_setup_teardown(bytes_hold_nul, setup, teardown),
		cmocka_unit_test_setup_teardown(noise_is_valid, setup, teardown),
		cmocka_unit_test_setup_teardown(commas_and_nesting, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_not_known_is_left_out, setup, teardown),
		cmocka_unit_test_setup_teardown(numbers, setup, teardown),
		cmocka_unit_test_setup_teardown(signed_numbers, setup, teardown),
		cmocka_unit_test_setup_teardown(around_the_end_of_the_buffer, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

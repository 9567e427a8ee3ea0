// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* Addresses are formatted with every event: by hand, as inet_ntop() goes through printf. */

#define ONE(number, digits)                                                                        \
	{                                                                                          \
		digits, #number                                                                    \
	}
#define TEN(front, digits)                                                                         \
	ONE(front##0, digits), ONE(front##1, digits), ONE(front##2, digits),                       \
		ONE(front##3, digits), ONE(front##4, digits), ONE(front##5, digits),               \
		ONE(front##6, digits), ONE(front##7, digits), ONE(front##8, digits),               \
		ONE(front##9, digits)

/* Of each byte its text: how long it is cannot be predicted, so nothing should branch on it. */
static const struct {
	uint8_t length;
	char text[4];
} bytes[256] = {
	TEN(, 1),    TEN(1, 2),	  TEN(2, 2),   TEN(3, 2),  TEN(4, 2),	TEN(5, 2),   TEN(6, 2),
	TEN(7, 2),   TEN(8, 2),	  TEN(9, 2),   TEN(10, 3), TEN(11, 3),	TEN(12, 3),  TEN(13, 3),
	TEN(14, 3),  TEN(15, 3),  TEN(16, 3),  TEN(17, 3), TEN(18, 3),	TEN(19, 3),  TEN(20, 3),
	TEN(21, 3),  TEN(22, 3),  TEN(23, 3),  TEN(24, 3), ONE(250, 3), ONE(251, 3), ONE(252, 3),
	ONE(253, 3), ONE(254, 3), ONE(255, 3),
};

static char *append_ipv4(char *at, const uint8_t address[4])
{
	for (unsigned i = 0; i < 4; i++) {
		memcpy(at, bytes[address[i]].text, sizeof(bytes[0].text));
		at += bytes[address[i]].length;
		*at++ = '.';
	}
	return at - 1;
}

static char *append_hex(char *at, unsigned word)
{
	static const char digits[] = "0123456789abcdef";
	unsigned shift = word >= 0x1000 ? 12 : word >= 0x100 ? 8 : word >= 0x10 ? 4 : 0;

	for (; shift; shift -= 4)
		*at++ = digits[word >> shift & 15];
	*at++ = digits[word & 15];
	return at;
}

/* The longest run of two zero words or more, of several the first, is "::". */
static char *append_ipv6(char *at, const uint8_t address[16])
{
	unsigned words[8], run = 0, longest = 1, gap = 8, end;

	for (unsigned i = 0; i < 8; i++) {
		words[i] = address[2 * i] << 8 | address[2 * i + 1];
		run = words[i] ? 0 : run + 1;
		if (run > longest) {
			longest = run;
			gap = i + 1 - run;
		}
	}
	/* ::a.b.c.d: what was once "IPv4-compatible" is shown as inet_ntop() shows it. */
	end = !gap && longest == 6 ? 6 : 8;
	for (unsigned i = 0; i < end; i++) {
		if (i == gap) {
			*at++ = ':';
			i += longest - 1;
			if (i == 7)
				*at++ = ':';
			continue;
		}
		if (i)
			*at++ = ':';
		at = append_hex(at, words[i]);
	}
	if (end == 8)
		return at;
	*at++ = ':';
	return append_ipv4(at, address + sizeof(mapped));
}

size_t address_format(char text[ADDRESS_BYTES], const uint8_t address[16])
{
	char *end = address_is_ipv4(address) ? append_ipv4(text, address + sizeof(mapped))
					     : append_ipv6(text, address);

	*end = '\0';
	return end - text;
}

/* A decimal number of at most three digits, up to the end. -1 if it is not. */
static int parse_bits(const char *text)
{
	int bits = 0;
	size_t length = strlen(text);

	if (!length || length > 3 || strspn(text, "0123456789") != length)
		return -1;
	for (; *text; text++)
		bits = bits * 10 + *text - '0';
	return bits;
}

int address_parse_range(const char *text, struct address_range *range)
{
	struct address_range parsed = {.bits = 128};
	char address[ADDRESS_BYTES];
	const char *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	int bits = -1, longest;

	if (length >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, length);
	address[length] = '\0';
	if (inet_pton(AF_INET, address, parsed.network + sizeof(mapped)) == 1) {
		memcpy(parsed.network, mapped, sizeof(mapped));
		longest = 32;
	} else if (inet_pton(AF_INET6, address, parsed.network) == 1) {
		longest = 128;
	} else {
		return -EINVAL;
	}
	if (slash) {
		bits = parse_bits(slash + 1);
		if (bits < 0 || bits > longest)
			return -EINVAL;
		parsed.bits = 128 - longest + bits;
	}
	for (unsigned bit = parsed.bits; bit < 128; bit++)
		if (parsed.network[bit / 8] & 0x80 >> bit % 8)
			return -ERANGE;
	*range = parsed;
	return 0;
}

bool address_in_range(const uint8_t address[16], const struct address_range *range)
{
	unsigned whole = range->bits / 8, rest = range->bits % 8;

	if (address_is_ipv4(address) && whole < sizeof(mapped))
		return false; /* ::/0 is all of IPv6, not IPv4 too */
	if (memcmp(address, range->network, whole))
		return false;
	return !rest || !((address[whole] ^ range->network[whole]) >> (8 - rest));
}

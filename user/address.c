// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool address_is_ipv4(const uint8_t address[16])
{
	return !memcmp(address, mapped, sizeof(mapped));
}

/* IPv4 is formatted once per streamed event: by hand, as inet_ntop() goes through printf. */
static size_t format_ipv4(char *text, const uint8_t address[4])
{
	char *at = text;

	for (int i = 0; i < 4; i++) {
		unsigned byte = address[i];

		if (i)
			*at++ = '.';
		if (byte >= 100)
			*at++ = '0' + byte / 100;
		if (byte >= 10)
			*at++ = '0' + byte / 10 % 10;
		*at++ = '0' + byte % 10;
	}
	*at = '\0';
	return at - text;
}

size_t address_format(char text[ADDRESS_BYTES], const uint8_t address[16])
{
	if (address_is_ipv4(address))
		return format_ipv4(text, address + sizeof(mapped));
	inet_ntop(AF_INET6, address, text, ADDRESS_BYTES);
	return strlen(text);
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

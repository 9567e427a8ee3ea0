/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * IP addresses as text and as ranges. An address is 16 bytes in network order, IPv4 as
 * ::ffff:a.b.c.d; it is shown as a.b.c.d or in the RFC 5952 form.
 */
#ifndef RSTWATCH_ADDRESS_H
#define RSTWATCH_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ADDRESS_BYTES 46 /* longest text, with its NUL */

struct address_range {
	uint8_t network[16];
	uint8_t bits; /* 0 to 128, of the 16 bytes */
};

static inline bool address_is_ipv4(const uint8_t address[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, 0xff};

	/* In two, as compilers inline these. */
	return !memcmp(address, mapped, 8) && !memcmp(address + 8, mapped + 8, 4);
}

/* Writes the text, NUL-terminated, and returns its length. */
size_t address_format(char text[ADDRESS_BYTES], const uint8_t address[16]);
/* Parses an address or a CIDR range. 0, -EINVAL if it is neither, -ERANGE if bits are set behind
 * the prefix. *range is untouched on failure. */
int address_parse_range(const char *text, struct address_range *range);
bool address_in_range(const uint8_t address[16], const struct address_range *range);

#endif

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit.h"

#include <arpa/inet.h>

#include "address.h"

/* An IPv6 address in any form, or an IPv4 one as ::ffff:a.b.c.d. */
static void address_of(uint8_t address[16], const char *text)
{
	assert_int_equal(inet_pton(AF_INET6, text, address), 1);
}

static void formats_as_rfc5952_says(void **state)
{
	static const struct {
		const char *address, *shown;
	} cases[] = {
		{"::ffff:10.0.0.7", "10.0.0.7"},
		{"::ffff:0.0.0.0", "0.0.0.0"},
		{"::ffff:255.255.255.255", "255.255.255.255"},
		{"::ffff:1.20.99.100", "1.20.99.100"},
		{"::ffff:109.110.200.9", "109.110.200.9"},
		{"::", "::"},
		{"::1", "::1"},
		{"2001:0db8::0001", "2001:db8::1"},
		{"2001:DB8::ABCD", "2001:db8::abcd"},
		{"2001:db8:0:0:0:0:2:1", "2001:db8::2:1"},
		{"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"}, /* one 0 is not shortened */
		{"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},	  /* the longest run is */
		{"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},	  /* the first, if two are */
		{"fe80:0:0:0:0:0:0:0", "fe80::"},
		{"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	};

	(void)state;
	for (unsigned i = 0; i < COUNT_OF(cases); i++) {
		uint8_t address[16], *exact = unit_zeroed(ADDRESS_BYTES);

		address_of(address, cases[i].address);
		assert_int_equal(address_format((char *)exact, address), strlen(cases[i].shown));
		assert_string_equal((char *)exact, cases[i].shown);
		free(exact);
	}
}

static void formats_every_byte_value(void **state)
{
	(void)state;
	for (unsigned byte = 0; byte < 256; byte++) {
		uint8_t address[16], back[4];
		char text[ADDRESS_BYTES];

		unit_ipv4(address, byte * 0x01010101U);
		address_format(text, address);
		assert_int_equal(inet_pton(AF_INET, text, back), 1);
		assert_memory_equal(back, address + 12, 4);
	}
}

/* Zeros in every place, and of any number. */
static void formats_as_the_library_does(void **state)
{
	uint64_t random = 1;

	(void)state;
	for (unsigned round = 0; round < 100000; round++) {
		uint8_t address[16] = {0};
		char text[ADDRESS_BYTES], expected[INET6_ADDRSTRLEN];

		for (unsigned i = 0; i < 16; i++) {
			random = random * 6364136223846793005ULL + 1442695040888963407ULL;
			if (random >> 62)
				continue;
			address[i] = random >> 40 >> (random >> 32 & 7);
		}
		if (!(address[0] |
		      address[1])) /* mapped ones, and such, are shown in several ways */
			address[round & 1] = 1;
		inet_ntop(AF_INET6, address, expected, sizeof(expected));
		assert_int_equal(address_format(text, address), strlen(expected));
		assert_string_equal(text, expected);
	}
}

static void knows_ipv4(void **state)
{
	uint8_t address[16];

	(void)state;
	address_of(address, "::ffff:1.2.3.4");
	assert_true(address_is_ipv4(address));
	address_of(address, "::1.2.3.4");
	assert_false(address_is_ipv4(address));
	address_of(address, "1::ffff:1.2.3.4");
	assert_false(address_is_ipv4(address));
	address_of(address, "::");
	assert_false(address_is_ipv4(address));
}

static void parses_ranges(void **state)
{
	static const struct {
		const char *text, *network;
		unsigned bits;
	} cases[] = {
		{"10.0.0.7", "::ffff:10.0.0.7", 128},
		{"10.0.0.7/32", "::ffff:10.0.0.7", 128},
		{"10.0.0.0/8", "::ffff:10.0.0.0", 104},
		{"10.128.0.0/9", "::ffff:10.128.0.0", 105},
		{"10.0.0.6/31", "::ffff:10.0.0.6", 127},
		{"0.0.0.0/0", "::ffff:0.0.0.0", 96},
		{"10.0.0.0/008", "::ffff:10.0.0.0", 104},
		{"::ffff:10.0.0.0/104", "::ffff:10.0.0.0", 104},
		{"::1", "::1", 128},
		{"::/0", "::", 0},
		{"2001:db8::/32", "2001:db8::", 32},
		{"2001:db8:8000::/33", "2001:db8:8000::", 33},
		{"fe80::1/128", "fe80::1", 128},
	};

	(void)state;
	for (unsigned i = 0; i < COUNT_OF(cases); i++) {
		struct address_range range;
		uint8_t network[16];

		address_of(network, cases[i].network);
		assert_int_equal(address_parse_range(cases[i].text, &range), 0);
		assert_memory_equal(range.network, network, 16);
		assert_int_equal(range.bits, cases[i].bits);
	}
}

static void refuses_and_leaves_the_range_alone(void **state)
{
	static const struct {
		const char *text;
		int error;
	} cases[] = {
		{"", -EINVAL},
		{"/", -EINVAL},
		{"/8", -EINVAL},
		{"10.0.0.0/33", -EINVAL},
		{"10.0.0.0/", -EINVAL},
		{"10.0.0.0/1x", -EINVAL},
		{"10.0.0.0/x1", -EINVAL},
		{"10.0.0.0/ 8", -EINVAL},
		{"10.0.0.0/+8", -EINVAL},
		{"10.0.0.0/-1", -EINVAL},
		{"10.0.0.0/8/8", -EINVAL},
		{"10.0.0.0/4294967304", -EINVAL},
		{"10.0.0.0/0008", -EINVAL},
		{"10.0.0", -EINVAL},
		{"10.0.0.0.0", -EINVAL},
		{"10.0.0.256", -EINVAL},
		{" 10.0.0.0", -EINVAL},
		{"10.0.0.0 ", -EINVAL},
		{"localhost", -EINVAL},
		{"::/129", -EINVAL},
		{":::", -EINVAL},
		{"fe80::1%eth0", -EINVAL},
		{"12345::", -EINVAL},
		{"10.0.0.1/31", -ERANGE},
		{"10.0.0.1/8", -ERANGE},
		{"10.0.0.0/4", -ERANGE},
		{"128.0.0.0/0", -ERANGE},
		{"::1/0", -ERANGE},
		{"::1/127", -ERANGE},
		{"2001:db8::/31", 0},
		{"2001:db9::/31", -ERANGE},
		{"8000::/0", -ERANGE},
		{"::ffff:10.0.0.1/104", -ERANGE},
	};

	(void)state;
	for (unsigned i = 0; i < COUNT_OF(cases); i++) {
		struct address_range range, before;

		memset(&range, 0x5a, sizeof(range));
		before = range;
		assert_int_equal(address_parse_range(cases[i].text, &range), cases[i].error);
		if (cases[i].error)
			assert_memory_equal(&range, &before, sizeof(range));
	}
}

static void refuses_any_length(void **state)
{
	struct address_range range;

	(void)state;
	for (size_t length = 40; length < 5000; length += length < 60 ? 1 : 777) {
		char *text = unit_zeroed(length + 1);

		memset(text, '1', length);
		assert_int_equal(address_parse_range(text, &range), -EINVAL);
		memcpy(text, "::/", 3);
		assert_int_equal(address_parse_range(text, &range), -EINVAL);
		free(text);
	}
	/* The longest text that is an address. */
	assert_int_equal(
		address_parse_range("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255/128", &range),
		0);
}

static void ranges_hold_what_shares_their_bits(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits <= 128; bits++) {
		struct address_range range = {.bits = bits};

		memset(range.network, 0xa5, sizeof(range.network));
		for (unsigned bit = 0; bit < 128; bit++) {
			uint8_t address[16];

			memcpy(address, range.network, sizeof(address));
			assert_true(address_in_range(address, &range));
			address[bit / 8] ^= 0x80 >> bit % 8;
			assert_int_equal(address_in_range(address, &range), bit >= bits);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_as_rfc5952_says),
		cmocka_unit_test(formats_every_byte_value),
		cmocka_unit_test(formats_as_the_library_does),
		cmocka_unit_test(knows_ipv4),
		cmocka_unit_test(parses_ranges),
		cmocka_unit_test(refuses_and_leaves_the_range_alone),
		cmocka_unit_test(refuses_any_length),
		cmocka_unit_test(ranges_hold_what_shares_their_bits),
	};

	return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}

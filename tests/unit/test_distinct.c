// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* distinct.c and the hashes of bpf/hash.h on which it and the kernel's sketch stand. */
#include "unit.h"

#include "distinct.h"
#include "hash.h"

static const uint64_t seeds[] = {0, 1, 42, 0xffffffffffffffffULL, 0x123456789abcdef0ULL};

/* The families that a sender would use: hosts of an IPv4 net, of one /64, and many /64. */
static void nth_address(uint8_t address[16], unsigned family, uint32_t number)
{
	static const uint8_t prefix[8] = {0x20, 0x01, 0x0d, 0xb8};

	memset(address, 0, 16);
	switch (family) {
	case 0:
		unit_ipv4(address, 0x0a000000 + number);
		return;
	case 1:
		memcpy(address, prefix, sizeof(prefix));
		memcpy(address + 12, &number, sizeof(number));
		return;
	default:
		memcpy(address, prefix, 4);
		for (unsigned i = 0; i < 4; i++)
			address[4 + i] = number >> (24 - 8 * i);
		address[15] = 1;
	}
}

static uint64_t nth_hash(unsigned family, uint32_t number, uint64_t seed)
{
	uint8_t address[16];

	nth_address(address, family, number);
	return hash_address(address, seed);
}

static void assert_within_3_percent(uint64_t estimate, uint64_t count)
{
	uint64_t error = estimate > count ? estimate - count : count - estimate;

	if (error * 100 > count * 3)
		fail_msg("%llu estimated as %llu", (unsigned long long)count,
			 (unsigned long long)estimate);
}

static void estimates_within_3_percent(void **state)
{
	static const uint32_t checks[] = {
		1,     2,     3,      5,      10,     20,     30,     50,     100,    200,
		300,   500,   1000,   2000,   3000,   5000,   10000,  20000,  30000,  40000,
		50000, 70000, 100000, 150000, 200000, 300000, 500000, 700000, 1000000};

	(void)state;
	for (unsigned family = 0; family < 3; family++) {
		for (unsigned seed = family ? 3 : 0; seed < COUNT_OF(seeds); seed++) {
			uint8_t registers[RST_DISTINCT_WIDTH] = {0};
			uint32_t number = 0;

			for (unsigned i = 0; i < COUNT_OF(checks); i++) {
				while (number < checks[i])
					distinct_add(registers,
						     nth_hash(family, number++, seeds[seed]));
				assert_within_3_percent(distinct_estimate(registers), number);
			}
		}
	}
}

static void empty_is_none_and_full_is_finite(void **state)
{
	uint8_t registers[RST_DISTINCT_WIDTH] = {0};

	(void)state;
	assert_int_equal(distinct_estimate(registers), 0);
	memset(registers, 64 - RST_DISTINCT_BITS, sizeof(registers));
	assert_true(distinct_estimate(registers) > 1ULL << 60);
	/* Of a damaged recording: any byte is a number. */
	registers[3] = 255;
	assert_true(distinct_estimate(registers) > 1ULL << 60);
}

static void same_address_counts_once(void **state)
{
	uint8_t registers[RST_DISTINCT_WIDTH] = {0};

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		distinct_add(registers, nth_hash(0, i % 3, 42));
	assert_int_equal(distinct_estimate(registers), 3);
}

static void add_keeps_the_largest_rank(void **state)
{
	uint8_t registers[RST_DISTINCT_WIDTH] = {0};
	const uint64_t base = 5ULL << (64 - RST_DISTINCT_BITS); /* register 5 */

	(void)state;
	distinct_add(registers, base | 1 << 6);
	assert_int_equal(registers[5], 7);
	distinct_add(registers, base | 1);
	assert_int_equal(registers[5], 7);
	distinct_add(registers, base | 1 << 9);
	assert_int_equal(registers[5], 10);
	for (unsigned i = 0; i < RST_DISTINCT_WIDTH; i++)
		if (i != 5)
			assert_int_equal(registers[i], 0);
}

static void merge_is_union(void **state)
{
	uint8_t a[RST_DISTINCT_WIDTH] = {0}, b[RST_DISTINCT_WIDTH] = {0};
	uint8_t all[RST_DISTINCT_WIDTH] = {0};

	(void)state;
	for (uint32_t i = 0; i < 60000; i++) {
		uint64_t hash = nth_hash(0, i, 42);

		distinct_add(all, hash);
		if (i < 40000)
			distinct_add(a, hash);
		if (i >= 20000)
			distinct_add(b, hash);
	}
	distinct_merge(a, b);
	assert_memory_equal(a, all, sizeof(all));
	distinct_merge(a, b);
	assert_memory_equal(a, all, sizeof(all));
	assert_within_3_percent(distinct_estimate(a), 60000);
}

static void rank_is_one_and_the_trailing_zeros(void **state)
{
	const unsigned bits = 64 - RST_DISTINCT_BITS;
	uint64_t random = 3;

	(void)state;
	assert_int_equal(hash_rank(0), bits + 1);
	assert_int_equal(hash_rank(~0ULL << bits), bits + 1);
	for (unsigned bit = 0; bit < bits; bit++) {
		assert_int_equal(hash_rank(1ULL << bit), bit + 1);
		assert_int_equal(hash_rank(~0ULL << bit), bit + 1);
	}
	for (unsigned i = 0; i < 100000; i++) {
		uint64_t hash = unit_random(&random) & unit_random(&random) << i % 50;
		uint64_t low = hash & ((1ULL << bits) - 1);

		assert_int_equal(hash_rank(hash), low ? 1U + __builtin_ctzll(low) : bits + 1);
		assert_int_equal(hash_register(hash), hash >> bits);
	}
}

/* Chi-square of so many cells; its mean is cells - 1, its deviation sqrt(2 * cells). */
static void assert_even(const uint32_t *cells, unsigned count, uint64_t total)
{
	double expected = (double)total / count, sum = 0;

	for (unsigned i = 0; i < count; i++)
		sum += (cells[i] - expected) * (cells[i] - expected) / expected;
	/* Five deviations up: uneven. Far down is even beyond chance, which harms nobody. */
	if ((sum - count) * (sum - count) > 25 * 2.0 * count && sum > count)
		fail_msg("chi-square %f of %u cells", sum, count);
}

static uint32_t cell_of(uint64_t address_hash, uint32_t cell)
{
	return hash_line(address_hash) * RST_SKETCH_CELLS + cell;
}

static void cells_and_registers_are_even(void **state)
{
	const uint32_t total = 1 << 17;

	(void)state;
	for (unsigned family = 0; family < 3; family++) {
		for (unsigned seed = 0; seed < COUNT_OF(seeds); seed++) {
			uint32_t cells[2][RST_SKETCH_LINES * RST_SKETCH_CELLS] = {0};
			uint32_t registers[RST_DISTINCT_WIDTH] = {0};
			uint32_t ranks[8] = {0}; /* 1 to 7, and above */

			for (uint32_t i = 0; i < total; i++) {
				uint64_t hash = nth_hash(family, i, seeds[seed]);
				uint64_t peer = hash_peer(hash, 4026531840U);
				uint8_t rank = hash_rank(hash);

				cells[0][cell_of(hash, hash_cell(peer))]++;
				cells[1][cell_of(hash, hash_other_cell(peer))]++;
				registers[hash_register(hash)]++;
				ranks[rank < 8 ? rank - 1 : 7]++;
			}
			for (unsigned i = 0; i < 2; i++)
				assert_even(cells[i], COUNT_OF(cells[i]), total);
			assert_even(registers, RST_DISTINCT_WIDTH, total);
			for (unsigned rank = 1; rank < 8; rank++)
				assert_in_range(ranks[rank - 1], (total >> rank) * 9 / 10,
						(total >> rank) * 11 / 10);
		}
	}
}

/* Two peers that share a cell seldom share the other: of a line there are 240 such pairs. */
static void cells_are_independent(void **state)
{
	const uint32_t total = 1 << 12; /* total^2 / 2 / (lines * 240): 34 by chance */

	(void)state;
	for (unsigned family = 0; family < 3; family++) {
		uint8_t *seen = unit_zeroed((size_t)RST_SKETCH_LINES * 256 / 8);
		unsigned pairs = 0;

		for (uint32_t i = 0; i < total; i++) {
			uint64_t hash = nth_hash(family, i, 42), peer = hash_peer(hash, 7);
			uint32_t cell = cell_of(hash, hash_cell(peer)) * RST_SKETCH_CELLS +
					hash_other_cell(peer);

			assert_int_not_equal(hash_cell(peer), hash_other_cell(peer));

			pairs += seen[cell / 8] >> cell % 8 & 1;
			seen[cell / 8] |= 1 << cell % 8;
		}
		free(seen);
		assert_in_range(pairs, 10, 80);
	}
}

static void a_peer_is_address_and_namespace(void **state)
{
	const uint64_t hash = nth_hash(0, 1, 42);
	unsigned same = 0;

	(void)state;
	assert_int_equal(hash_peer(hash, 7), hash_peer(hash, 7));
	assert_int_not_equal(hash_peer(hash, 7), hash_peer(hash, 8));
	/* Another seed moves the peers: those that collide under one do not under the next. */
	for (uint32_t i = 0; i < 1000; i++)
		same += hash_register(nth_hash(0, i, 42)) == hash_register(nth_hash(0, i, 43));
	assert_in_range(same, 0, 3);
}

/* What is kept with the registers says what counting them says. */
static void kept_ranks_give_the_same(void **state)
{
	struct distinct *distinct = unit_zeroed(sizeof(*distinct));
	uint8_t registers[RST_DISTINCT_WIDTH] = {0};

	(void)state;
	distinct_begin(distinct);
	assert_int_equal(distinct_count(distinct), 0);
	for (uint64_t i = 0, next = 1; i < 300000; i++) {
		uint64_t hash = i % 1000 ? hash_mix(i, 42) : i / 1000 << 50; /* rare ranks, too */

		distinct_note(distinct, hash);
		distinct_add(registers, hash);
		if (i != next)
			continue;
		next *= 3;
		assert_memory_equal(distinct->registers, registers, sizeof(registers));
		assert_int_equal(distinct_count(distinct), distinct_estimate(registers));
	}
	free(distinct);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(estimates_within_3_percent),
		cmocka_unit_test(empty_is_none_and_full_is_finite),
		cmocka_unit_test(same_address_counts_once),
		cmocka_unit_test(add_keeps_the_largest_rank),
		cmocka_unit_test(merge_is_union),
		cmocka_unit_test(rank_is_one_and_the_trailing_zeros),
		cmocka_unit_test(cells_and_registers_are_even),
		cmocka_unit_test(cells_are_independent),
		cmocka_unit_test(a_peer_is_address_and_namespace),
		cmocka_unit_test(kept_ranks_give_the_same),
	};

	return cmocka_run_group_tests_name("distinct", tests, NULL, NULL);
}

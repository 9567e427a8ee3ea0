// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "senders.h"

#include <string.h>

#include "address.h"
#include "bits.h"
#include "hash.h"

void senders_clear(struct senders *senders)
{
	memset(senders, 0, sizeof(*senders));
}

static void count(struct senders *senders, enum sender_extent extent, const uint8_t address[16])
{
	struct sender *top = senders->top[extent], *least = &top[0];

	for (uint32_t i = 0; i < senders->used[extent]; i++) {
		if (!memcmp(top[i].address, address, sizeof(top[i].address))) {
			top[i].count++;
			return;
		}
		if (top[i].count < least->count)
			least = &top[i];
	}
	if (senders->used[extent] < SENDERS_TOP)
		least = &top[senders->used[extent]++];
	/* What it replaces may have been this one. */
	memcpy(least->address, address, sizeof(least->address));
	least->error = least->count;
	least->count++;
}

void senders_add(struct senders *senders, const uint8_t address[16], uint64_t seed)
{
	uint32_t bit = hash_address(address, seed) >> 32 & (SENDERS_BITS - 1);
	uint8_t prefix[16] = {0};

	if (senders->samples == SENDERS_SAMPLES)
		return;
	senders->samples++;
	senders->bits_set += bits_set(senders->bits, bit);
	memcpy(prefix, address, address_is_ipv4(address) ? 15 : 8);
	count(senders, SENDER_ADDRESS, address);
	count(senders, SENDER_PREFIX, prefix);
}

/* Whang et al. 1990: -m ln(1 - set / m), by its series: less than half of the bits are set. */
uint32_t senders_distinct(const struct senders *senders)
{
	double share = (double)senders->bits_set / SENDERS_BITS, power = 1, sum = 0;

	for (unsigned i = 1; i <= 12; i++) {
		power *= share;
		sum += power / i;
	}
	sum = sum * SENDERS_BITS + 0.5;
	return sum < senders->samples ? (uint32_t)sum : senders->samples;
}

const struct sender *senders_main(const struct senders *senders, enum sender_extent extent)
{
	const struct sender *most = NULL;

	for (uint32_t i = 0; i < senders->used[extent]; i++) {
		const struct sender *sender = &senders->top[extent][i];

		if (!most || sender_least(sender) > sender_least(most))
			most = sender;
	}
	return most;
}

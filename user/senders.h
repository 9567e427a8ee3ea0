/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who sends, by samples: how many of them are different, and who sends most of it, alone or from
 * one prefix (/24, /64). Of fixed size: the first SENDERS_SAMPLES tell, and nothing is added after
 * that; whoever forges addresses cannot make it larger.
 */
#ifndef RSTWATCH_SENDERS_H
#define RSTWATCH_SENDERS_H

#include <stdbool.h>
#include <stdint.h>

#define SENDERS_SAMPLES 4096
#define SENDERS_BITS	8192
#define SENDERS_TOP	16

/* Space-Saving: count is too high by error at most. */
struct sender {
	uint8_t address[16];
	uint32_t count, error;
};

struct senders {
	uint32_t samples;
	uint32_t bits_set;
	uint32_t used[2];
	struct sender top[2][SENDERS_TOP]; /* addresses, prefixes */
	uint64_t bits[SENDERS_BITS / 64];  /* linear counting */
};

enum sender_extent {
	SENDER_ADDRESS = 0,
	SENDER_PREFIX = 1, /* the rest of the address is 0 */
};

void senders_clear(struct senders *senders);
void senders_add(struct senders *senders, const uint8_t address[16], uint64_t seed);
/* How many different ones there are among the samples. */
uint32_t senders_distinct(const struct senders *senders);
/* Who surely sent most of the samples; NULL if there are none. */
const struct sender *senders_main(const struct senders *senders, enum sender_extent extent);

static inline uint32_t sender_least(const struct sender *sender)
{
	return sender ? sender->count - sender->error : 0;
}

#endif

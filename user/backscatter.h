/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * backscatter: somebody floods a third party in our name, and its answers come to us: SYN-ACKs that
 * we did not ask for, and resets of connections that we do not have. The rule is that of Moore et
 * al. (2006), as of CAIDA's Corsaro: 25 packets over 60 seconds, and 30 in a minute. One incident
 * for each address and port that answers.
 */
#ifndef RSTWATCH_BACKSCATTER_H
#define RSTWATCH_BACKSCATTER_H

#include "detector.h"
#include "table.h"

#define BACKSCATTER_VICTIMS 1024 /* a power of two */
#define BACKSCATTER_SLOTS   7	 /* of 10 seconds: the last minute is in them */

struct backscatter_key {
	uint8_t peer[16];
	uint32_t netns;
	uint32_t port; /* the peer's */
};

struct backscatter_victim {
	struct backscatter_key key;
	uint64_t first_ns, last_ns;
	uint64_t packets, syn_acks;
	uint64_t slot; /* the newest one, since boot */
	uint32_t slots[BACKSCATTER_SLOTS];
	uint32_t pad;
	uint64_t ports[4];  /* 256 bits: hashes of the ports of ours that were met */
	uint32_t ports_256; /* how many different ones, in 1/256 */
	bool known;	    /* a packet came from somebody who exchanges data with us */
};

struct backscatter {
	uint64_t seed;
	uint32_t hand; /* where room is looked for next */
	TABLE_OF(struct backscatter_victim, victims, BACKSCATTER_VICTIMS);
};

extern const struct detector backscatter_detector;

#endif

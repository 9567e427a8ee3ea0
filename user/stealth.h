/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * stealth_scan: somebody sends segments to one port after the other that no stack sends without a
 * connection. Those that none sends at all (FIN, NULL, Xmas and the like) are told at the second
 * port. ACK and FIN+ACK also come of connections that this host has forgotten, so these have to
 * come to several ports within a minute on which nobody ever listened.
 *
 * A port that is open answers nothing to the first, and a filtered one does not either.
 */
#ifndef RSTWATCH_STEALTH_H
#define RSTWATCH_STEALTH_H

#include "detector.h"

/* book_key.detail */
enum stealth_kind {
	STEALTH_FIN = 1,
	STEALTH_NULL = 2,
	STEALTH_XMAS = 3,    /* FIN, PSH and URG */
	STEALTH_SYN_FIN = 4, /* with whatever else */
	STEALTH_URG = 5,
	STEALTH_OTHER = 6,
	STEALTH_ACK = 7,
	STEALTH_MAIMON = 8, /* FIN and ACK */
	STEALTH_KINDS = 9,
};

/* Its sources are those of the world. */
struct stealth {
	uint32_t unused;
};

/* From the flags of a segment without SYN+ACK or RST. */
enum stealth_kind stealth_kind_of(uint8_t flags);

extern const struct detector stealth_detector;

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which alerts nobody wants to hear of. A rule is a line of KEY=VALUE with spaces between, of which
 * all must hold; of several rules, one that matches is enough. What an alert does not say matches
 * nothing: a rule never hides more than it names.
 */
#ifndef RSTWATCH_MUTE_H
#define RSTWATCH_MUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "alert.h"
#include "cgroup.h"

#define MUTE_RULES	   64
#define MUTE_PROCESS_BYTES 64
#define MUTE_ERROR_BYTES   320 /* enough for whatever mute_parse() says */

struct mute {
	uint32_t given; /* 1 << each key of the table in mute.c, or-ed */
	enum alert_kind kind;
	enum alert_severity severity; /* it, and what is less severe */
	uint32_t netns;
	uint16_t port; /* of the service: ours, or the peer's where we are the client */
	struct address_range peer;
	/* Of the owner. In the first two, * and ? match. */
	char process[MUTE_PROCESS_BYTES];
	char unit[CGROUP_UNIT_BYTES];
	char container[CGROUP_CONTAINER_BYTES]; /* how its id begins */
};

struct mute_rules {
	unsigned count;
	struct mute rules[MUTE_RULES];
};

/* 0, or -EINVAL and a sentence in error that says what is accepted; it may hold bytes of the text.
 * *mute is untouched on failure. */
int mute_parse(const char *text, struct mute *mute, char *error, size_t size);
bool mute_matches(const struct mute_rules *rules, const struct alert *alert);

#endif

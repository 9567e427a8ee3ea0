/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The members of an event that have few values, as text that is made once: each is then one copy of
 * constant size.
 */
#ifndef RSTWATCH_NDJSON_WORDS_H
#define RSTWATCH_NDJSON_WORDS_H

#include <stdint.h>

#include "owner.h"
#include "pipeline.h"

#define NDJSON_WORD_BYTES 64

/* Members, with a comma in front of each. */
struct ndjson_word {
	char text[NDJSON_WORD_BYTES - 1];
	uint8_t length;
};

struct ndjson_words {
	struct ndjson_word causes[RST_DIRECTIONS][RST_CAUSES]; /* and the direction */
	struct ndjson_word ends[RST_ROLES][RST_STATES];	       /* our role and state */
	struct ndjson_word triggers[256];
	struct ndjson_word owners[OWNER_KNOWNS]; /* that have no process */
	/* Of length 0 where the kernel has none, or one that does not fit. */
	struct ndjson_word reasons[RST_REASONS], drop_reasons[RST_DROP_REASONS];
	struct ndjson_word netns; /* the one that was last asked for: */
	uint32_t last_netns;
};

void ndjson_words_init(struct ndjson_words *words);
/* The names of the reasons are known. */
void ndjson_words_start(struct ndjson_words *words, const struct pipeline_run *run);
void ndjson_words_make_netns(struct ndjson_words *words, uint32_t netns);

/* What has no number of its own has no name either, like 0. */
static inline const struct ndjson_word *ndjson_word_cause(const struct ndjson_words *words,
							  const struct rst_event *event)
{
	unsigned direction = event->direction < RST_DIRECTIONS ? event->direction : 0;

	return &words->causes[direction][event->cause < RST_CAUSES ? event->cause : 0];
}

static inline const struct ndjson_word *ndjson_word_end(const struct ndjson_words *words,
							const struct rst_event *event)
{
	unsigned role = event->role < RST_ROLES ? event->role : 0;

	return &words->ends[role][event->state < RST_STATES ? event->state : 0];
}

static inline const struct ndjson_word *ndjson_word_netns(struct ndjson_words *words,
							  uint32_t netns)
{
	if (netns != words->last_netns)
		ndjson_words_make_netns(words, netns);
	return &words->netns;
}

/* At a cursor, see append.h: writes NDJSON_WORD_BYTES, however long it is. */
static inline char *ndjson_word_append(char *at, const struct ndjson_word *word)
{
	memcpy(at, word, sizeof(*word));
	return at + word->length;
}

#endif

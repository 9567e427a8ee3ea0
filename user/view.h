/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How to show what the pipeline says: the choices that both sinks share. */
#ifndef RSTWATCH_VIEW_H
#define RSTWATCH_VIEW_H

#include <stdbool.h>

#include "ndjson_words.h"
#include "output.h"
#include "pipeline.h"
#include "wallclock.h"

struct view {
	bool json;
	bool events;  /* a line per reset */
	bool windows; /* a summary per window */
	bool wide;
	bool explain;		     /* a sentence with each of them */
	bool wall_time, since_start; /* in front of each line */
	bool utc;
	bool color;
};

/* Text for people. */
struct text {
	struct view view;
	struct output *output;
	struct wallclock wallclock;
};
struct sink text_sink(struct text *text, const struct view *view, struct output *output);

/* One JSON object per line. */
struct ndjson {
	struct view view;
	struct output *output;
	struct wallclock wallclock;
	struct ndjson_words words;
};
struct sink ndjson_sink(struct ndjson *ndjson, const struct view *view, struct output *output);

#endif

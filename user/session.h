/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A run from its source to standard output: the pipeline, the sink that the options ask for, and
 * the buffer. live.c and replay.c drive it.
 */
#ifndef RSTWATCH_SESSION_H
#define RSTWATCH_SESSION_H

#include <stdbool.h>

#include "options.h"
#include "output.h"
#include "pipeline.h"
#include "view.h"

/* Exit codes. */
enum {
	SESSION_DONE = 0,
	SESSION_FAILED = 1,
	SESSION_USAGE = 2,
	SESSION_ALERTED = 3,
};

struct session {
	struct output output;
	struct text text;
	struct ndjson ndjson;
	struct pipeline pipeline;
};

/* NULL if there is no memory. Freed by session_end(). */
struct session *session_begin(const struct options *options);
/* Writes what is buffered, if the caller is about to wait. False if standard output is gone. */
bool session_flush(struct session *session);
/* Writes the rest and frees. code is what the source came to; a failed output makes it worse, a
 * reader that went away does not. */
int session_end(struct session *session, const struct options *options, int code);

/* One line on standard error: "rstwatch: ..." */
__attribute__((format(printf, 1, 2))) void session_complain(const char *format, ...);

int live_run(const struct options *options);
int replay_run(const struct options *options);
int check_run(const struct options *options);

#endif

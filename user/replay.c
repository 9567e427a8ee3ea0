// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* rstwatch replay: a recording's records, to the pipeline. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "recording.h"
#include "session.h"

#define ENOUGH 1 /* from consume(): a limit is reached, or nobody reads */

static int consume(void *context, const struct record *record)
{
	struct session *session = context;
	int error = pipeline_feed(&session->pipeline, record);

	if (error)
		return error;
	/* A limit is reached within a slice: its counters follow, and belong to what was shown. */
	if (session->pipeline.done && record->kind == RECORD_SLICE)
		return ENOUGH;
	return session->output.error ? ENOUGH : 0;
}

int replay_run(const struct options *options)
{
	struct session *session = session_begin(options);
	struct recording_result result;
	int error, code = SESSION_DONE;

	if (!session)
		return SESSION_FAILED;
	error = recording_play(options->path, consume, session, &result);
	pipeline_finish(&session->pipeline, error == ENOUGH);
	session_flush(session);
	if (error < 0) {
		session_complain("%s: %s", options->path, result.error);
		code = SESSION_FAILED;
	} else if (result.cut_short) {
		session_complain("%s: the recording was cut short: it ends at byte %" PRIu64
				 ", before its run did; all that is there was shown",
				 options->path, result.offset);
	}
	return session_end(session, options, code);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "session.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "units.h"

void session_complain(const char *format, ...)
{
	va_list arguments;

	fputs("rstwatch: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

struct session *session_begin(const struct options *options)
{
	struct session *session = calloc(1, sizeof(*session));
	struct pipeline_settings settings = {
		.window_seconds = options->window_seconds,
		.has_rate = options->has_rate,
		.rate = options->rate,
		.filter = options->filter,
		.mute = options->mute,
		.event_limit = options->event_limit,
		.duration_ns = options->duration_seconds * SECOND_NS,
	};
	struct view view = options->view;
	const char *no_color = getenv("NO_COLOR");
	struct sink sink;

	if (!session) {
		session_complain("out of memory");
		return NULL;
	}
	/* https://no-color.org: set and not empty */
	view.color = isatty(STDOUT_FILENO) && !(no_color && *no_color);
	output_init(&session->output, STDOUT_FILENO);
	sink = view.json ? ndjson_sink(&session->ndjson, &view, &session->output)
			 : text_sink(&session->text, &view, &session->output);
	pipeline_init(&session->pipeline, &settings, &sink);
	return session;
}

bool session_flush(struct session *session)
{
	return !output_flush(&session->output);
}

int session_end(struct session *session, const struct options *options, int code)
{
	int error = output_flush(&session->output);

	if (error && error != -EPIPE) {
		session_complain("cannot write to standard output: %s", strerror(-error));
		code = SESSION_FAILED;
	}
	if (code == SESSION_DONE && options->fail_on_alert &&
	    session->pipeline.totals.alerts > session->pipeline.totals.alerts_muted)
		code = SESSION_ALERTED;
	free(session);
	return code;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "options.h"
#include "schema.h"
#include "session.h"
#include "version.h"

static int print_help(const struct options *options)
{
	(void)options;
	options_help(stdout);
	return SESSION_DONE;
}

static int print_version(const struct options *options)
{
	(void)options;
	puts("rstwatch " RSTWATCH_VERSION);
	return SESSION_DONE;
}

static int print_schema(const struct options *options)
{
	(void)options;
	fwrite(schema_json, 1, schema_json_bytes, stdout);
	return SESSION_DONE;
}

static int run(const struct options *options)
{
	switch (options->command) {
	case OPTIONS_REPLAY:
		return replay_run(options);
	case OPTIONS_CHECK:
		return check_run(options);
	default:
		return live_run(options);
	}
}

static int (*const actions[])(const struct options *options) = {
	[OPTIONS_RUN] = run,
	[OPTIONS_HELP] = print_help,
	[OPTIONS_VERSION] = print_version,
	[OPTIONS_SCHEMA] = print_schema,
};

int main(int argc, char *argv[])
{
	struct options options;
	char message[OPTIONS_ERROR_BYTES];
	int code;

	signal(SIGPIPE, SIG_IGN);
	if (options_parse(argc, argv, &options, message)) {
		session_complain("%s", message);
		return SESSION_USAGE;
	}
	code = actions[options.action](&options);
	if ((fflush(stdout) || ferror(stdout)) && errno != EPIPE) {
		session_complain("cannot write to standard output: %s", strerror(errno));
		return SESSION_FAILED;
	}
	return code;
}

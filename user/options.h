/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The command line. One table in options.c makes the parser and the help text. */
#ifndef RSTWATCH_OPTIONS_H
#define RSTWATCH_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "filter.h"
#include "limits.h"
#include "mute.h"
#include "record.h"
#include "view.h"

#define OPTIONS_WINDOW_SECONDS 10 /* unless -i says otherwise */
#define OPTIONS_ERROR_BYTES    384

enum options_command {
	OPTIONS_STREAM = 1,
	OPTIONS_RECORD = 2,
	OPTIONS_REPLAY = 3,
	OPTIONS_CHECK = 4,
};

enum options_action {
	OPTIONS_RUN = 1,
	OPTIONS_HELP = 2,
	OPTIONS_VERSION = 3,
	OPTIONS_SCHEMA = 4,
};

struct options {
	enum options_command command;
	enum options_action action;
	const char *path; /* of the recording */
	const char *btf_path;
	uint32_t window_seconds; /* 0: not given */
	uint32_t duration_seconds;
	uint64_t event_limit;
	bool has_rate;
	struct rate_settings rate;
	struct limits limits;
	struct filter filter;
	struct mute_rules mute;
	struct view view; /* without color */
	bool fail_on_alert;
	bool verbose;
};

/* 0, or -EINVAL and one line in error that says what is accepted. argv is not changed. */
int options_parse(int argc, char *const argv[], struct options *options,
		  char error[OPTIONS_ERROR_BYTES]);
void options_help(FILE *stream);

#endif

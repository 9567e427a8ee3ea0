// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "options_parts.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "rate.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

struct option_row {
	char letter; /* 0: none */
	const char *name;
	const char *argument; /* NULL: takes none */
	const char *help;
	options_parser *parse; /* or, if NULL, what to set: */
	size_t flag;	       /* offset of a bool in struct options */
	bool value;
};

#define FLAG(member, value) NULL, offsetof(struct options, member), value
#define PARSE(function)	    function, 0, false

int options_refuse(struct options_state *state, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(state->error, OPTIONS_ERROR_BYTES, format, arguments);
	va_end(arguments);
	/* One line, whatever the arguments hold. */
	for (char *at = state->error; *at; at++)
		if (iscntrl((unsigned char)*at))
			*at = '?';
	return -EINVAL;
}

bool options_number(const char *text, uint64_t least, uint64_t most, uint64_t *number)
{
	char *end;
	uint64_t parsed;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	parsed = strtoull(text, &end, 10);
	if (errno || *end || parsed < least || parsed > most)
		return false;
	*number = parsed;
	return true;
}

static int parse_interval(struct options_state *state, const char *argument)
{
	uint64_t seconds;

	if (!options_number(argument, 1, 3600, &seconds))
		return options_refuse(
			state, "--interval '%.64s': give whole seconds from 1 to 3600", argument);
	state->options->window_seconds = seconds;
	return 0;
}

static int parse_duration(struct options_state *state, const char *argument)
{
	uint64_t seconds;

	if (!options_number(argument, 1, UINT32_MAX, &seconds))
		return options_refuse(state, "--duration '%.64s': give whole seconds, 1 or more",
				      argument);
	state->options->duration_seconds = seconds;
	return 0;
}

static int parse_count(struct options_state *state, const char *argument)
{
	if (!options_number(argument, 1, UINT64_MAX, &state->options->event_limit))
		return options_refuse(state, "--count '%.64s': give a number of events, 1 or more",
				      argument);
	return 0;
}

static int parse_alerts(struct options_state *state, const char *argument)
{
	(void)argument;
	state->options->view.events = false;
	state->options->view.windows = false;
	return 0;
}

static const struct {
	const char *key;
	size_t offset;
	double least, most;
} rate_keys[] = {
	{"floor", offsetof(struct rate_settings, floor), 0, 1e9},
	{"factor", offsetof(struct rate_settings, factor), 1, 1e6},
	{"hold", offsetof(struct rate_settings, hold), 0, 1e6},
	{"up", offsetof(struct rate_settings, up), 0, 86400},
	{"down", offsetof(struct rate_settings, down), 0, 86400},
	{"multiplier", offsetof(struct rate_settings, multiplier), 1, 100},
	{"max", offsetof(struct rate_settings, max), 0, 86400},
	{"after", offsetof(struct rate_settings, after), 0, 86400},
};

static int parse_rate_pair(struct options_state *state, const char *pair, size_t length)
{
	const char *equals = memchr(pair, '=', length);
	size_t key_length = equals ? (size_t)(equals - pair) : length;
	char text[32] = {0}, *end;
	double value;

	for (size_t i = 0; i < N_ELEMENTS(rate_keys); i++) {
		size_t value_length = equals ? length - key_length - 1 : 0;

		if (strlen(rate_keys[i].key) != key_length ||
		    memcmp(rate_keys[i].key, pair, key_length))
			continue;
		if (!value_length || value_length >= sizeof(text))
			break;
		memcpy(text, equals + 1, value_length);
		value = strtod(text, &end);
		/* strtod() also takes hexadecimal and names. */
		if (!isdigit((unsigned char)*text) || text[strspn(text, "0123456789.eE+-")] ||
		    *end || value < rate_keys[i].least || value > rate_keys[i].most)
			return options_refuse(
				state, "--rate '%.*s': give %s a number from %g to %g", (int)length,
				pair, rate_keys[i].key, rate_keys[i].least, rate_keys[i].most);
		*(double *)((char *)&state->options->rate + rate_keys[i].offset) = value;
		return 0;
	}
	return options_refuse(
		state,
		"--rate '%.*s': give KEY=NUMBER[,...] with the keys floor factor hold up "
		"down multiplier max after",
		(int)(length < 64 ? length : 64), pair);
}

static int parse_rate(struct options_state *state, const char *argument)
{
	const char *at = argument;

	state->options->has_rate = true;
	for (;;) {
		size_t length = strcspn(at, ",");
		int error = parse_rate_pair(state, at, length);

		if (error || !at[length])
			return error;
		at += length + 1;
	}
}

static int parse_wall_time(struct options_state *state, const char *argument)
{
	(void)argument;
	state->wall_time = true;
	return 0;
}

static int parse_since_start(struct options_state *state, const char *argument)
{
	(void)argument;
	state->since_start = true;
	return 0;
}

static int parse_output(struct options_state *state, const char *argument)
{
	if (state->options->command != OPTIONS_RECORD)
		return options_refuse(state, "--output goes with the command record");
	state->options->path = argument;
	return 0;
}

static int parse_btf(struct options_state *state, const char *argument)
{
	if (state->options->command == OPTIONS_REPLAY)
		return options_refuse(state, "--btf: a replay asks no kernel; leave it out");
	state->options->btf_path = argument;
	return 0;
}

static int set_action(struct options_state *state, enum options_action action)
{
	if (state->options->action == OPTIONS_RUN)
		state->options->action = action;
	return 0;
}

static int parse_schema(struct options_state *state, const char *argument)
{
	(void)argument;
	return set_action(state, OPTIONS_SCHEMA);
}

static int parse_version(struct options_state *state, const char *argument)
{
	(void)argument;
	return set_action(state, OPTIONS_VERSION);
}

static int parse_help(struct options_state *state, const char *argument)
{
	(void)argument;
	return set_action(state, OPTIONS_HELP);
}

static const struct option_row rows[] = {
	{'j', "json", NULL, "one JSON object per line", FLAG(view.json, true)},
	{'i', "interval", "SECONDS", "window length (10)", PARSE(parse_interval)},
	{'d', "duration", "SECONDS", "stop after that time", PARSE(parse_duration)},
	{0, "count", "N", "stop after N events", PARSE(parse_count)},
	{'q', "quiet", NULL, "no event lines: windows and alerts only", FLAG(view.events, false)},
	{0, "alerts", NULL, "alerts only", PARSE(parse_alerts)},
	{'s', "sent", NULL, "only resets that this host sends", PARSE(options_sent)},
	{'r', "received", NULL, "only resets that this host receives", PARSE(options_received)},
	{'P', "port", "PORT[,...]", "only these local or peer ports", PARSE(options_port)},
	{'p', "pid", "PID[,...]", "only resets of these processes", PARSE(options_pid)},
	{0, "unit", "NAME", "only of this systemd unit; * and ? match", PARSE(options_unit)},
	{0, "container", "ID", "only of this container; its id may be cut",
	 PARSE(options_container)},
	{0, "cgroup", "PATH", "only of this cgroup and those below", PARSE(options_cgroup)},
	{'4', "ipv4", NULL, "only IPv4", PARSE(options_ipv4)},
	{'6', "ipv6", NULL, "only IPv6", PARSE(options_ipv6)},
	{0, "peer", "CIDR", "only peers in this range", PARSE(options_peer)},
	{0, "cause", "NAME", "only this cause or stage", PARSE(options_cause)},
	{0, "netns", "INODE", "only this network namespace", PARSE(options_netns)},
	{0, "rate", "KEY=N[,...]", "thresholds of the rate alarms", PARSE(parse_rate)},
	{0, "mute", "RULE", "hide these alerts, see below", PARSE(options_mute)},
	{'w', "wide", NULL, "more columns: unit/container, reason, connection",
	 FLAG(view.wide, true)},
	{0, "explain", NULL, "a sentence about each reset", FLAG(view.explain, true)},
	{'T', "time", NULL, "wall time in front of each line (default)", PARSE(parse_wall_time)},
	{'t', "seconds", NULL, "seconds since start in front of each line",
	 PARSE(parse_since_start)},
	{0, "utc", NULL, "wall times in UTC", FLAG(view.utc, true)},
	{'o', "output", "FILE", "record: where to", PARSE(parse_output)},
	{0, "max-events", "N", "that a CPU streams whole in a second (10000)",
	 PARSE(options_max_events)},
	{0, "max-ports", "N", "entries of the table of ports (65536)", PARSE(options_max_ports)},
	{0, "max-peers", "N", "entries of the table of peers (16384)", PARSE(options_max_peers)},
	{0, "btf", "FILE", "kernel types, for a kernel that carries none", PARSE(parse_btf)},
	{0, "fail-on-alert", NULL, "exit with 3 if any alert is raised and not muted",
	 FLAG(fail_on_alert, true)},
	{0, "json-schema", NULL, "print the JSON Schema of --json", PARSE(parse_schema)},
	{'v', "verbose", NULL, "libbpf's messages on standard error", FLAG(verbose, true)},
	{'V', "version", NULL, "print the version", PARSE(parse_version)},
	{'h', "help", NULL, "print this help", PARSE(parse_help)},
};

void options_help(FILE *stream)
{
	fputs("rstwatch shows who resets TCP connections on this host, and why.\n"
	      "\n"
	      "  rstwatch [options]                 a line per reset, window summaries, alerts\n"
	      "  rstwatch record -o FILE [options]  the same, and keep a recording\n"
	      "  rstwatch replay FILE [options]     the same from a recording; needs no root\n"
	      "  rstwatch check [-j]                what can be seen on this kernel, what not\n"
	      "\n",
	      stream);
	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		const struct option_row *row = &rows[i];
		char left[64];

		snprintf(left, sizeof(left), "%c%c%c --%s%s%s", row->letter ? '-' : ' ',
			 row->letter ? row->letter : ' ', row->letter ? ',' : ' ', row->name,
			 row->argument ? " " : "", row->argument ? row->argument : "");
		fprintf(stream, "  %-28s %s\n", left, row->help);
	}
	options_help_alerts(stream);
	fputs("\nExit codes: 0 done, 1 failed at run time, 2 wrong usage, 3 see --fail-on-alert.\n",
	      stream);
}

/* For getopt_long(): val is 256 + the row. */
static void make_tables(struct option long_options[N_ELEMENTS(rows) + 1],
			char letters[2 * N_ELEMENTS(rows) + 3])
{
	size_t used = 0;

	letters[used++] = '-'; /* operands in their turn, argv as it is */
	letters[used++] = ':'; /* tell a missing argument from an unknown option */
	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		long_options[i] = (struct option){
			.name = rows[i].name,
			.has_arg = rows[i].argument ? required_argument : no_argument,
			.val = 256 + (int)i,
		};
		if (!rows[i].letter)
			continue;
		letters[used++] = rows[i].letter;
		if (rows[i].argument)
			letters[used++] = ':';
	}
	letters[used] = '\0';
	long_options[N_ELEMENTS(rows)] = (struct option){0};
}

static const struct option_row *find_row(int value)
{
	for (size_t i = 0; i < N_ELEMENTS(rows); i++)
		if (value == 256 + (int)i || (rows[i].letter && value == rows[i].letter))
			return &rows[i];
	return NULL;
}

static int parse_operand(struct options_state *state, const char *operand)
{
	struct options *options = state->options;

	if (options->command != OPTIONS_REPLAY || options->path)
		return options_refuse(
			state,
			"'%.64s' is not accepted here: the commands are record, replay and "
			"check (first), options begin with -",
			operand);
	options->path = operand;
	return 0;
}

/* It shows no resets, so what chooses among them means nothing to it. */
static bool goes_with_check(const struct option_row *row)
{
	static const char *const names[] = {"json",	   "btf",     "verbose",
					    "json-schema", "version", "help"};

	for (size_t i = 0; i < N_ELEMENTS(names); i++)
		if (!strcmp(row->name, names[i]))
			return true;
	return false;
}

static int apply(struct options_state *state, const struct option_row *row, const char *argument)
{
	if (state->options->command == OPTIONS_CHECK && !goes_with_check(row))
		return options_refuse(state,
				      "--%s does not go with check: it takes --json, --btf FILE "
				      "and --verbose",
				      row->name);
	if (row->parse)
		return row->parse(state, argument);
	*(bool *)((char *)state->options + row->flag) = row->value;
	return 0;
}

/* Up to the first error, or up to --help and the like: what stands behind those does not count. */
static int parse_all(struct options_state *state, int argc, char *const argv[])
{
	struct option long_options[N_ELEMENTS(rows) + 1];
	char letters[2 * N_ELEMENTS(rows) + 3];
	int value, error = 0;

	make_tables(long_options, letters);
	opterr = 0;
	optind = 0; /* glibc: start anew */
	while (!error && state->options->action == OPTIONS_RUN &&
	       (value = getopt_long(argc, argv, letters, long_options, NULL)) != -1) {
		const char *given = argv[optind - 1];
		const struct option_row *row;

		if (value == ':')
			return options_refuse(state, "%.64s needs a value, see rstwatch --help",
					      given);
		if (value == '?' && find_row(optopt))
			return options_refuse(state, "%.64s takes no value", given);
		if (value == '?' && optopt && optopt < 256)
			return options_refuse(
				state, "unknown option -%c: rstwatch --help lists what is accepted",
				optopt);
		if (value == '?')
			return options_refuse(state,
					      "unknown option %.64s: rstwatch --help lists what is "
					      "accepted",
					      given);
		row = find_row(value);
		error = row ? apply(state, row, optarg) : parse_operand(state, optarg);
	}
	while (!error && state->options->action == OPTIONS_RUN && optind < argc)
		error = parse_operand(state, argv[optind++]); /* behind "--" */
	return error;
}

static int check_path(struct options_state *state)
{
	const struct options *options = state->options;

	if (options->action != OPTIONS_RUN || options->path)
		return 0;
	if (options->command == OPTIONS_RECORD)
		return options_refuse(state, "record needs a file: rstwatch record -o FILE");
	if (options->command == OPTIONS_REPLAY)
		return options_refuse(state, "replay needs a recording: rstwatch replay FILE");
	return 0;
}

int options_parse(int argc, char *const argv[], struct options *options,
		  char error[OPTIONS_ERROR_BYTES])
{
	struct options parsed = {
		.command = OPTIONS_STREAM,
		.action = OPTIONS_RUN,
		.rate = rate_defaults,
		.limits = limits_default,
		.view = {.events = true, .windows = true},
	};
	struct options_state state = {.options = &parsed, .error = error};
	int code;

	if (argc > 1 && !strcmp(argv[1], "record"))
		parsed.command = OPTIONS_RECORD;
	else if (argc > 1 && !strcmp(argv[1], "replay"))
		parsed.command = OPTIONS_REPLAY;
	else if (argc > 1 && !strcmp(argv[1], "check"))
		parsed.command = OPTIONS_CHECK;
	if (parsed.command != OPTIONS_STREAM) {
		argc--;
		argv++;
	}
	code = parse_all(&state, argc, argv);
	if (!code)
		code = check_path(&state);
	if (code)
		return code;
	parsed.view.wall_time = state.wall_time || !state.since_start;
	parsed.view.since_start = state.since_start;
	*options = parsed;
	return 0;
}

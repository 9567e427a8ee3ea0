/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The parts of the command line: options.c with the table and what they share, options_filter.c
 * with the filters, options_limits.c with what bounds the kernel side, options_mute.c with --mute.
 */
#ifndef RSTWATCH_OPTIONS_PARTS_H
#define RSTWATCH_OPTIONS_PARTS_H

#include "options.h"

/* What is being parsed. */
struct options_state {
	struct options *options;
	bool wall_time, since_start; /* asked for */
	char *error;		     /* OPTIONS_ERROR_BYTES */
};

/* 0, or -EINVAL and a line in state->error. argument is NULL for an option without one. */
typedef int options_parser(struct options_state *state, const char *argument);

options_parser options_sent, options_received, options_port, options_pid, options_unit,
	options_container, options_cgroup, options_ipv4, options_ipv6, options_peer, options_cause,
	options_netns, options_max_events, options_max_ports, options_max_peers, options_mute;

/* Writes the error, as one line whatever the arguments hold, and returns -EINVAL. */
__attribute__((format(printf, 2, 3))) int options_refuse(struct options_state *state,
							 const char *format, ...);
/* A decimal number, digits only and all of the text, within [least, most]. */
bool options_number(const char *text, uint64_t least, uint64_t most, uint64_t *number);

/* The part of --help about alerts: what --mute takes. */
void options_help_alerts(FILE *stream);

#endif

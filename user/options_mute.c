// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* --mute, and what --help says of the alerts. */
#include "options_parts.h"

#include "alert.h"
#include "mute.h"

static const char *const meanings[ALERT_KINDS] = {
	[ALERT_RST_SENT_RATE] = "more resets sent than usual",
	[ALERT_RST_RECEIVED_RATE] = "more resets received than usual",
	[ALERT_SYN_FLOOD] = "half-open connections pile up at a service",
	[ALERT_CLOSED_PORT_FLOOD] = "many connect to a port that was never open",
	[ALERT_PORT_SCAN] = "a peer tries one port after the other",
	[ALERT_STEALTH_SCAN] = "the same with segments that begin nothing",
	[ALERT_OUTBOUND_SCAN] = "a process here tries one host or port after the other",
	[ALERT_SERVICE_DOWN] = "clients are refused by a service that has stopped",
	[ALERT_DEPENDENCY_DOWN] = "a service that this host uses refuses it",
	[ALERT_ACCEPT_QUEUE_FULL] = "a service accepts more slowly than clients come",
	[ALERT_RESET_INJECTION] = "resets that their peer does not seem to have sent",
	[ALERT_PEER_RESET_STORM] = "a peer resets most of its connections",
	[ALERT_STALE_CONNECTIONS] = "peers talk on connections that are gone here",
	[ALERT_BACKSCATTER] = "answers to what this host never sent",
};

void options_help_alerts(FILE *stream)
{
	fputs("\n--mute takes KEY=VALUE, with spaces between several, of which all must hold:\n"
	      "alert= peer= port= netns= severity= (that or less) process= unit= container=\n"
	      "Severities are info, warning and critical. The alerts are:\n",
	      stream);
	for (unsigned kind = 1; kind < ALERT_KINDS; kind++)
		fprintf(stream, "  %-18s %s\n", alert_kind_name(kind), meanings[kind]);
}

int options_mute(struct options_state *state, const char *argument)
{
	struct mute_rules *mute = &state->options->mute;
	char error[MUTE_ERROR_BYTES];

	if (mute->count == MUTE_RULES)
		return options_refuse(state, "--mute: at most %d rules", MUTE_RULES);
	if (mute_parse(argument, &mute->rules[mute->count], error, sizeof(error)))
		return options_refuse(state, "--mute: %s", error);
	mute->count++;
	return 0;
}

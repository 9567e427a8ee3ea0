// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Alerts of every kind, as the NDJSON sink writes them, for the schema: with nothing that may be
 * absent, with all of it, and cleared. What is in them is made up; only their form counts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "book.h"
#include "view.h"

static struct pipeline_run run = {
	.start = {.realtime_ns = 1700000000000000000, .version = "1", .kernel = "6.18"}};

static void tell(struct sink *sink, const struct incident *incident, enum alert_status status,
		 const struct process *process)
{
	struct alert alert;

	book_alert(incident, status, 5000000000, &alert);
	alert.time_real_ns = 1700000005000000000;
	alert.first_seen_real_ns = 1700000003000000000;
	alert.owner.process = process;
	strcpy(alert.summary, "A summary.");
	alert.advice = "An advice.";
	sink->alert(sink->context, &run, &alert);
}

/* Of each kind, one or two numbers and all of its words. */
static const struct {
	const char *facts[2];
	struct alert_word words[3];
} evidence[ALERT_KINDS] = {
	[ALERT_SYN_FLOOD] = {{"half_open", "cookies_sent"},
			     {{"kind", "spoofed"}, {"syncookies", "on"}}},
	[ALERT_CLOSED_PORT_FLOOD] = {{"resets_per_second", "distinct_sources"},
				     {{"kind", "one_port"}, {"source_table", "frozen"}}},
	[ALERT_PORT_SCAN] = {{"duration_seconds", "ports_per_second"},
			     {{"source_table", "frozen"},
			      {"decoys", "suspected"},
			      {"source", "known_client"}}},
	[ALERT_STEALTH_SCAN] = {{"ports_per_second", "silent_ports"},
				{{"kind", "xmas"}, {"source_table", "frozen"}}},
	[ALERT_OUTBOUND_SCAN] = {{"failures", "failures_per_second"}},
	[ALERT_SERVICE_DOWN] = {{"refusals", "down_seconds"},
				{{"stopped", "killed"}, {"back", "no"}}},
	[ALERT_DEPENDENCY_DOWN] = {{"refusals", "down_seconds"}, {{"back", "yes"}}},
	[ALERT_ACCEPT_QUEUE_FULL] = {{"backlog", "drops"}, {{"program", "stuck"}}},
	[ALERT_RESET_INJECTION] = {{"connections", "connection_bytes"}, {{"kind", "forged"}}},
	[ALERT_PEER_RESET_STORM] = {{"rate", "limit"}},
	[ALERT_STALE_CONNECTIONS] = {{"resets", "inferred_timeout_seconds"},
				     {{"kind", "idle"}, {"suspected", "firewall"}}},
	[ALERT_BACKSCATTER] = {{"segments", "peer_port"}, {{"suspected", "asymmetric_path"}}},
};

static void add_all(struct incident *incident, unsigned kind)
{
	uint8_t address[16] = {[10] = 0xff, [11] = 0xff, [12] = 10};

	incident->key.netns = 4026531840;
	incident->key.port = 443;
	incident->key.role = kind % 2 ? RST_ROLE_CLIENT : RST_ROLE_SERVER;
	incident->key.local[15] = 1;
	incident->proof = kind % ALERT_PROOFS;
	incident->owner = (struct owner){.known_by = kind % OWNER_KNOWNS, .exited = true};
	incident->peers_all = 7;
	incident->peers_estimated = kind % 3;
	for (unsigned i = 0; i < 7; i++) {
		address[15] = i;
		book_add_peer(incident, address, i + 1);
	}
	for (unsigned i = 1; i <= 20; i++)
		book_add_port(&incident->touched, i);
	incident->touched.all = 20;
	book_add_port(&incident->open, 22);
	for (unsigned i = 0; i < 2; i++)
		book_fact(incident, evidence[kind].facts[i], i * 1.5);
	for (unsigned i = 0; i < 3 && evidence[kind].words[i].name; i++)
		book_word(incident, evidence[kind].words[i].name, evidence[kind].words[i].value);
	book_fact(incident, "folded", 3);
}

static void tell_kind(struct sink *sink, unsigned kind)
{
	static const struct process process = {
		.pid = 812, .comm = "n\"\xff", .names = {.unit = "nginx.service"}};
	struct incident incident = {.key = {.kind = kind}, .severity = ALERT_INFO, .number = kind};

	tell(sink, &incident, ALERT_RAISED, NULL);
	add_all(&incident, kind);
	incident.severity = ALERT_WARNING;
	tell(sink, &incident, ALERT_UPDATED, &process);
	incident.severity = ALERT_CRITICAL;
	incident.over = kind % 2;
	tell(sink, &incident, ALERT_CLEARED, &process);
}

int main(void)
{
	static const struct view view = {.json = true};
	struct output *output = calloc(1, sizeof(*output));
	struct ndjson ndjson;
	struct sink sink;
	int error;

	if (!output)
		return 1;
	output_init(output, STDOUT_FILENO);
	sink = ndjson_sink(&ndjson, &view, output);
	for (unsigned kind = ALERT_RST_RECEIVED_RATE + 1; kind < ALERT_KINDS; kind++)
		tell_kind(&sink, kind);
	error = output_flush(output);
	free(output);
	return error != 0;
}

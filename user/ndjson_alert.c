// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* An alert in NDJSON: of a rate, with the resets behind it, or of a detector, with its incident. */
#include "ndjson.h"

#include <string.h>

#include "names.h"

static void member_share(struct json *json, uint64_t count, uint64_t total)
{
	json_key(json, "share");
	json_decimal(json, total ? count / (double)total : 0);
}

/* Unique across runs: when the run started, and the alert's number in it. */
static void member_id(struct json *json, const struct pipeline_run *run, const struct alert *alert)
{
	json_key(json, "id");
	output_char(json->output, '"');
	output_number(json->output, run->start.realtime_ns / 1000000);
	output_char(json->output, '-');
	output_number(json->output, alert->number);
	output_char(json->output, '"');
	json->comma = true;
}

static void member_owner(struct json *json, const struct owner *owner, uint64_t time_ns)
{
	json_key(json, "owner");
	json_object(json);
	ndjson_owner(json, owner, time_ns);
	json_object_end(json);
}

static void facts(struct json *json, const struct alert *alert)
{
	for (unsigned i = 0; i < alert->fact_count; i++) {
		json_key(json, alert->facts[i].name);
		json_decimal(json, alert->facts[i].value);
	}
	for (unsigned i = 0; i < alert->word_count; i++)
		json_member_string(json, alert->words[i].name, alert->words[i].value);
}

static void rate_ports(struct json *json, const struct alert *alert)
{
	json_key(json, "ports");
	json_array(json);
	for (unsigned i = 0; i < alert->port_count; i++) {
		ndjson_port(json, &alert->ports[i]);
		member_share(json, alert->ports[i].sent + alert->ports[i].received, alert->total);
		json_object_end(json);
	}
	json_array_end(json);
}

static void rate_peers(struct json *json, const struct alert *alert)
{
	json_key(json, "peers");
	json_array(json);
	for (unsigned i = 0; i < alert->peer_count; i++) {
		ndjson_peer(json, &alert->peers[i], alert->peer_error);
		member_share(json, alert->peers[i].count, alert->total);
		json_object_end(json);
	}
	json_array_end(json);
}

static void rate_owners(struct json *json, const struct alert *alert)
{
	json_key(json, "owners");
	json_array(json);
	for (unsigned i = 0; i < alert->owner_count; i++) {
		ndjson_owner_row(json, &alert->owners[i], alert->time_ns);
		member_share(json, alert->owners[i].sent + alert->owners[i].received, alert->total);
		json_object_end(json);
	}
	json_array_end(json);
	if (alert_main_owner(alert))
		member_owner(json, &alert_main_owner(alert)->owner, alert->time_ns);
}

static void rate(struct json *json, const struct pipeline_run *run, const struct alert *alert)
{
	json_member_plain(json, "direction", name_direction(alert->direction));
	rate_ports(json, alert);
	rate_peers(json, alert);
	rate_owners(json, alert);
	json_key(json, "evidence");
	json_object(json);
	facts(json, alert);
	ndjson_causes(json, alert->direction, alert->causes);
	if (alert->direction == RST_SENT)
		ndjson_reasons(json, run, alert->reasons);
	json_object_end(json);
}

/* The end that is ours; where we are the client, the peer's port is the service. */
static void detected_service(struct json *json, const struct alert *alert)
{
	static const uint8_t any[16];
	bool has_address = memcmp(alert->local, any, sizeof(any));

	if (alert->has_local && (has_address || alert->local_port)) {
		json_key(json, "local");
		json_object(json);
		if (has_address)
			ndjson_address(json, "address", alert->local);
		if (alert->local_port)
			json_member_number(json, "port", alert->local_port);
		json_object_end(json);
	}
	if (alert->peer_port)
		json_member_number(json, "peer_port", alert->peer_port);
}

static void detected_peers(struct json *json, const struct alert *alert)
{
	uint64_t all = alert->peers_all > alert->peer_count ? alert->peers_all : alert->peer_count;

	if (alert->peer_count) {
		json_key(json, "peers");
		json_array(json);
		for (unsigned i = 0; i < alert->peer_count; i++) {
			json_object(json);
			ndjson_address(json, "address", alert->peers[i].key.address);
			json_member_number(json, "count", alert->peers[i].count);
			json_object_end(json);
		}
		json_array_end(json);
	}
	if (all) {
		json_member_number(json, "distinct_peers", all);
		json_key(json, "distinct_peers_estimated");
		json_bool(json, alert->peers_estimated);
	}
	json_member_plain(json, "source_proof", alert_proof_name(alert->proof));
}

static void detected_ports(struct json *json, const char *list, const char *distinct,
			   const struct alert_ports *ports)
{
	uint32_t all = ports->all > ports->count ? ports->all : ports->count;

	if (!all)
		return;
	json_key(json, list);
	json_array(json);
	for (unsigned i = 0; i < ports->count; i++)
		json_number(json, ports->ports[i]);
	json_array_end(json);
	json_member_number(json, distinct, all);
}

static void detected(struct json *json, const struct alert *alert)
{
	detected_service(json, alert);
	detected_peers(json, alert);
	if (alert->owner.known_by != OWNER_UNKNOWN)
		member_owner(json, &alert->owner, alert->time_ns);
	detected_ports(json, "ports_touched", "distinct_ports", &alert->touched);
	detected_ports(json, "ports_open", "distinct_ports_open", &alert->open);
	json_key(json, "evidence");
	json_object(json);
	facts(json, alert);
	json_object_end(json);
}

void ndjson_alert(void *context, const struct pipeline_run *run, const struct alert *alert)
{
	struct ndjson *ndjson = context;
	struct json json = ndjson_begin(ndjson, "alert");

	member_id(&json, run, alert);
	json_member_plain(&json, "alert", alert_kind_name(alert->kind));
	json_member_plain(&json, "status", alert_status_name(alert->status));
	json_member_plain(&json, "severity", alert_severity_name(alert->severity));
	ndjson_time(ndjson, &json, "time", alert->time_real_ns);
	ndjson_time(ndjson, &json, "first_seen", alert->first_seen_real_ns);
	if (alert->netns)
		json_member_number(&json, "netns", alert->netns);
	if (alert->detected)
		detected(&json, alert);
	else
		rate(&json, run, alert);
	json_member_string(&json, "summary", alert->summary);
	json_member_string(&json, "advice", alert->advice);
	if (alert->detected && alert->status == ALERT_CLEARED) {
		json_key(&json, "ended");
		json_bool(&json, alert->ended);
	}
	ndjson_finish(&json);
}

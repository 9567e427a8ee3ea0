// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A reset in NDJSON. */
#include "ndjson.h"

#include "address.h"
#include "explain.h"
#include "names.h"

static void member_end(struct json *json, const char *key, const uint8_t address[16], uint16_t port)
{
	json_key(json, key);
	json_object(json);
	ndjson_address(json, "address", address);
	json_member_number(json, "port", port);
	json_object_end(json);
}

static void member_connection(struct json *json, const struct rst_connection *connection)
{
	if (!connection)
		return;
	json_key(json, "connection");
	json_object(json);
	if (connection->age_ms != RST_AGE_UNKNOWN)
		json_member_number(json, "age_ms", connection->age_ms);
	if (connection->idle_ms != RST_AGE_UNKNOWN)
		json_member_number(json, "idle_ms", connection->idle_ms);
	json_member_number(json, "bytes_in", connection->bytes_in);
	json_member_number(json, "bytes_out", connection->bytes_out);
	json_object_end(json);
}

void ndjson_event(void *context, const struct pipeline_run *run, const struct pipeline_event *reset)
{
	const struct rst_event *event = reset->event;
	struct ndjson *ndjson = context;
	struct json json;
	char flags[NAME_FLAGS_BYTES], sentence[EXPLAIN_BYTES];

	if (!ndjson->view.events)
		return;
	json = ndjson_begin(ndjson, "event");
	ndjson_time(ndjson, &json, "time", event->time_ns + (uint64_t)run->realtime_offset_ns);
	json_member_plain(&json, "direction", name_direction(event->direction));
	if (event->direction == RST_SENT)
		json_member_plain(&json, "cause", name_cause(event->cause));
	else
		json_member_plain(&json, "stage", name_cause(event->cause));
	if (pipeline_reason(run, event))
		json_member_string(&json, "reason", pipeline_reason(run, event));
	json_member_number(&json, "family", address_is_ipv4(event->peer) ? 4 : 6);
	member_end(&json, "local", event->local, event->local_port);
	member_end(&json, "peer", event->peer, event->peer_port);
	json_member_plain(&json, "role", name_role(event->role));
	json_member_plain(&json, "state", name_state(event->state));
	if (event->flags & RST_EVENT_TRIGGER) {
		name_flags(flags, event->trigger);
		json_member_plain(&json, "trigger", flags);
	}
	if (event->cause == RST_STAGE_TIME_WAIT) {
		json_key(&json, "freed");
		json_bool(&json, event->flags & RST_EVENT_FREED);
	}
	json_member_number(&json, "netns", event->netns);
	json_member_string(&json, "netns_name", reset->netns_name);
	member_connection(&json, reset->connection);
	if (reset->owner.known_by != OWNER_UNKNOWN) {
		json_key(&json, "owner");
		json_object(&json);
		ndjson_owner(&json, &reset->owner, event->time_ns);
		json_object_end(&json);
	}
	if (ndjson->view.explain) {
		explain_event(sentence, event, reset->connection, &reset->owner,
			      pipeline_reason(run, event));
		json_member_string(&json, "explanation", sentence);
	}
	ndjson_finish(&json);
}

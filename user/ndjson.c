// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The NDJSON sink. What it writes is described by schema.json, and the tests hold it to that. */
#include "view.h"

#include <string.h>

#include "address.h"
#include "json.h"
#include "names.h"

static void member_time(struct ndjson *ndjson, struct json *json, const char *key, uint64_t time_ns)
{
	char text[WALLCLOCK_BYTES];

	json_key(json, key);
	json_plain(json, text, wallclock_rfc3339(&ndjson->wallclock, text, time_ns));
}

static void member_address(struct json *json, const char *key, const uint8_t address[16])
{
	char text[ADDRESS_BYTES];

	json_key(json, key);
	json_plain(json, text, address_format(text, address));
}

static void member_end(struct json *json, const char *key, const uint8_t address[16], uint16_t port)
{
	json_key(json, key);
	json_object(json);
	member_address(json, "address", address);
	json_member_number(json, "port", port);
	json_object_end(json);
}

static struct json begin(struct ndjson *ndjson, const char *type)
{
	struct json json = {.output = ndjson->output};

	json_object(&json);
	json_member_plain(&json, "type", type);
	return json;
}

static void finish(struct json *json)
{
	json_object_end(json);
	json_line_end(json);
}

/* Those causes (or stages) of one direction that occurred, under their names. */
static void member_causes(struct json *json, unsigned direction, const uint64_t causes[RST_CAUSES])
{
	json_key(json, direction == RST_SENT ? "causes" : "stages");
	json_object(json);
	for (unsigned cause = 1; cause < RST_CAUSES; cause++)
		if (causes[cause] && name_cause(cause) && name_cause_direction(cause) == direction)
			json_member_number(json, name_cause(cause), causes[cause]);
	json_object_end(json);
}

static void member_reasons(struct json *json, const struct pipeline_run *run,
			   const uint64_t reasons[RST_REASONS])
{
	json_key(json, "reasons");
	json_object(json);
	for (unsigned reason = 0; reason < RST_REASONS; reason++)
		if (reasons[reason] && run->reasons[reason][0]) {
			json_key_string(json, run->reasons[reason]);
			json_number(json, reasons[reason]);
		}
	json_object_end(json);
}

static void start(void *context, const struct pipeline_run *run)
{
	struct ndjson *ndjson = context;
	struct json json = begin(ndjson, "start");

	member_time(ndjson, &json, "time", run->start.realtime_ns);
	json_member_string(&json, "version", run->start.version);
	json_member_string(&json, "kernel", run->start.kernel);
	json_member_number(&json, "window_seconds", run->start.window_seconds);
	json_key(&json, "hooks");
	json_object(&json);
	for (unsigned i = 0; i < run->hook_count; i++) {
		json_key_string(&json, run->hooks[i].name);
		json_string(&json, run->hooks[i].how);
	}
	json_object_end(&json);
	finish(&json);
}

static void event(void *context, const struct pipeline_run *run, const struct rst_event *event)
{
	struct ndjson *ndjson = context;
	struct json json;
	char flags[NAME_FLAGS_BYTES];

	if (!ndjson->view.events)
		return;
	json = begin(ndjson, "event");
	member_time(ndjson, &json, "time", event->time_ns + (uint64_t)run->realtime_offset_ns);
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
	finish(&json);
}

static void port(struct json *json, const struct window_port *port)
{
	json_object(json);
	json_member_number(json, "port", port->key.port);
	json_member_plain(json, "role", name_role(port->key.role));
	json_member_number(json, "netns", port->key.netns);
	json_member_number(json, "sent", port->sent);
	json_member_number(json, "received", port->received);
	if (port->sent)
		member_causes(json, RST_SENT, port->causes);
	if (port->received)
		member_causes(json, RST_RECEIVED, port->causes);
}

static void peer(struct json *json, const struct window_peer *peer, uint64_t error_max)
{
	json_object(json);
	member_address(json, "address", peer->key.address);
	json_member_number(json, "netns", peer->key.netns);
	json_member_plain(json, "direction", name_direction(peer->key.direction));
	json_member_number(json, "count", peer->count);
	json_member_number(json, "error_max", error_max);
}

static void member_losses(struct json *json, const struct window_losses *losses)
{
	json_member_number(json, "events_thinned", losses->thinned);
	json_key(json, "lost");
	json_object(json);
	json_member_number(json, "events", losses->lost);
	json_member_number(json, "hook_calls", losses->missed);
	json_member_number(json, "ports", losses->ports_full);
	json_member_number(json, "peers", losses->peers_full);
	json_member_number(json, "namespaces", losses->netns_full);
	json_member_number(json, "alarm_namespaces", losses->alarms_full);
	json_object_end(json);
}

static void member_counters(struct json *json, const struct audit_counter counters[COUNTERS])
{
	for (unsigned i = 0; i < COUNTERS; i++) {
		json_key(json, name_counter(i));
		json_object(json);
		json_member_number(json, "kernel", counters[i].kernel);
		json_member_number(json, "seen", counters[i].seen);
		json_key(json, "unexplained");
		json_signed(json, counters[i].unexplained);
		if (counters[i].likely)
			json_member_plain(json, "likely", counters[i].likely);
		json_object_end(json);
	}
}

static void member_audit(struct json *json, const struct audit_summary *audit)
{
	const struct audit_counter *out = &audit->counters[COUNTER_OUT_RSTS];

	if (!audit->done)
		return;
	json_key(json, "audit");
	json_object(json);
	json_member_number(json, "kernel_out_rsts", out->kernel);
	json_member_number(json, "seen", out->seen);
	json_key(json, "unexplained");
	json_signed(json, out->unexplained);
	json_key(json, "counters");
	json_object(json);
	member_counters(json, audit->counters);
	json_object_end(json);
	json_key(json, "namespaces");
	json_array(json);
	for (unsigned i = 0; i < audit->row_count; i++) {
		json_object(json);
		json_member_number(json, "netns", audit->rows[i].netns);
		member_counters(json, audit->rows[i].counters);
		json_object_end(json);
	}
	json_array_end(json);
	json_member_number(json, "distinct_namespaces", audit->rows_all);
	json_key(json, "unread");
	json_array(json);
	for (unsigned i = 0; i < audit->unread_count; i++) {
		json_object(json);
		json_member_number(json, "netns", audit->unread[i].netns);
		json_member_number(json, "resets", audit->unread[i].resets);
		json_member_plain(json, "why", audit->unread[i].why);
		json_object_end(json);
	}
	json_array_end(json);
	json_member_number(json, "distinct_unread", audit->unread_all);
	json_object_end(json);
}

static void window(void *context, const struct pipeline_run *run,
		   const struct window_summary *summary)
{
	struct ndjson *ndjson = context;
	struct json json;

	if (!ndjson->view.windows)
		return;
	json = begin(ndjson, "window");
	member_time(ndjson, &json, "start", summary->start_real_ns);
	member_time(ndjson, &json, "end", summary->end_real_ns);
	json_key(&json, "sent");
	json_object(&json);
	json_member_number(&json, "total", summary->total[RST_SENT]);
	member_causes(&json, RST_SENT, summary->causes);
	member_reasons(&json, run, summary->reasons);
	json_object_end(&json);
	json_key(&json, "received");
	json_object(&json);
	json_member_number(&json, "total", summary->total[RST_RECEIVED]);
	member_causes(&json, RST_RECEIVED, summary->causes);
	json_object_end(&json);
	json_key(&json, "ports");
	json_array(&json);
	for (unsigned i = 0; i < summary->port_count; i++) {
		port(&json, &summary->ports[i]);
		json_object_end(&json);
	}
	json_array_end(&json);
	json_member_number(&json, "distinct_ports", summary->ports_all);
	json_key(&json, "peers");
	json_array(&json);
	for (unsigned i = 0; i < summary->peer_count; i++) {
		peer(&json, &summary->peers[i], summary->peer_error);
		json_object_end(&json);
	}
	json_array_end(&json);
	json_member_number(&json, "distinct_peers", summary->distinct_peers);
	json_key(&json, "distinct_peers_estimated");
	json_bool(&json, !summary->distinct_exact);
	json_key(&json, "namespaces");
	json_array(&json);
	for (unsigned i = 0; i < summary->netns_count; i++) {
		json_object(&json);
		json_member_number(&json, "netns", summary->namespaces[i].netns);
		json_member_number(&json, "sent", summary->namespaces[i].count[RST_SENT]);
		json_member_number(&json, "received", summary->namespaces[i].count[RST_RECEIVED]);
		json_object_end(&json);
	}
	json_array_end(&json);
	json_member_number(&json, "distinct_namespaces", summary->netns_all);
	member_audit(&json, &summary->audit);
	json_member_number(&json, "dropped_before_tcp", summary->outside);
	json_member_number(&json, "events", summary->events);
	member_losses(&json, &summary->losses);
	finish(&json);
}

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

static void alert(void *context, const struct pipeline_run *run, const struct alert *alert)
{
	struct ndjson *ndjson = context;
	struct json json = begin(ndjson, "alert");

	member_id(&json, run, alert);
	json_member_plain(&json, "alert", alert_kind_name(alert->kind));
	json_member_plain(&json, "status", alert_status_name(alert->status));
	json_member_plain(&json, "severity", alert_severity_name(alert->severity));
	member_time(ndjson, &json, "time", alert->time_real_ns);
	member_time(ndjson, &json, "first_seen", alert->first_seen_real_ns);
	if (alert->netns)
		json_member_number(&json, "netns", alert->netns);
	json_member_plain(&json, "direction", name_direction(alert->direction));
	json_key(&json, "ports");
	json_array(&json);
	for (unsigned i = 0; i < alert->port_count; i++) {
		port(&json, &alert->ports[i]);
		member_share(&json, alert->ports[i].sent + alert->ports[i].received, alert->total);
		json_object_end(&json);
	}
	json_array_end(&json);
	json_key(&json, "peers");
	json_array(&json);
	for (unsigned i = 0; i < alert->peer_count; i++) {
		peer(&json, &alert->peers[i], alert->peer_error);
		member_share(&json, alert->peers[i].count, alert->total);
		json_object_end(&json);
	}
	json_array_end(&json);
	json_key(&json, "evidence");
	json_object(&json);
	for (unsigned i = 0; i < alert->fact_count; i++) {
		json_key(&json, alert->facts[i].name);
		json_decimal(&json, alert->facts[i].value);
	}
	member_causes(&json, alert->direction, alert->causes);
	if (alert->direction == RST_SENT)
		member_reasons(&json, run, alert->reasons);
	json_object_end(&json);
	json_member_string(&json, "summary", alert->summary);
	json_member_string(&json, "advice", alert->advice);
	finish(&json);
}

static void end(void *context, const struct pipeline_run *run, const struct pipeline_totals *totals)
{
	struct ndjson *ndjson = context;
	struct json json = begin(ndjson, "end");

	(void)run;
	member_time(ndjson, &json, "time", totals->end_real_ns);
	json_key(&json, "duration_seconds");
	json_decimal(&json, (totals->end_ns - totals->start_ns) / 1e9);
	json_key(&json, "complete");
	json_bool(&json, totals->complete);
	json_member_number(&json, "windows", totals->windows);
	json_key(&json, "sent");
	json_object(&json);
	json_member_number(&json, "total", totals->total[RST_SENT]);
	member_causes(&json, RST_SENT, totals->causes);
	json_object_end(&json);
	json_key(&json, "received");
	json_object(&json);
	json_member_number(&json, "total", totals->total[RST_RECEIVED]);
	member_causes(&json, RST_RECEIVED, totals->causes);
	json_object_end(&json);
	if (totals->audited) {
		json_key(&json, "unexplained");
		json_object(&json);
		for (unsigned i = 0; i < COUNTERS; i++) {
			json_key(&json, name_counter(i));
			json_signed(&json, totals->unexplained[i]);
		}
		json_object_end(&json);
	}
	json_member_number(&json, "dropped_before_tcp", totals->outside);
	json_member_number(&json, "events", totals->events);
	json_member_number(&json, "alerts", totals->alerts);
	member_losses(&json, &totals->losses);
	finish(&json);
}

struct sink ndjson_sink(struct ndjson *ndjson, const struct view *view, struct output *output)
{
	*ndjson = (struct ndjson){.view = *view, .output = output, .wallclock = {.utc = true}};
	return (struct sink){
		.context = ndjson,
		.start = start,
		.event = event,
		.window = window,
		.alert = alert,
		.end = end,
	};
}

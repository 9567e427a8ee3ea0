// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The NDJSON sink: what its parts share, the start and the end. What it writes is described
 * by schema.json, and the tests hold it to that.
 */
#include "ndjson.h"

#include <string.h>

#include "address.h"
#include "names.h"

void ndjson_time(struct ndjson *ndjson, struct json *json, const char *key, uint64_t time_ns)
{
	char text[WALLCLOCK_BYTES];

	json_key(json, key);
	json_plain(json, text, wallclock_rfc3339(&ndjson->wallclock, text, time_ns));
}

void ndjson_address(struct json *json, const char *key, const uint8_t address[16])
{
	char text[ADDRESS_BYTES];

	json_key(json, key);
	json_plain(json, text, address_format(text, address));
}

struct json ndjson_begin(struct ndjson *ndjson, const char *type)
{
	struct json json = {.output = ndjson->output};

	json_object(&json);
	json_member_plain(&json, "type", type);
	return json;
}

void ndjson_finish(struct json *json)
{
	json_object_end(json);
	json_line_end(json);
}

void ndjson_causes(struct json *json, unsigned direction, const uint64_t causes[RST_CAUSES])
{
	json_key(json, direction == RST_SENT ? "causes" : "stages");
	json_object(json);
	for (unsigned cause = 1; cause < RST_CAUSES; cause++)
		if (causes[cause] && name_cause(cause) && name_cause_direction(cause) == direction)
			json_member_number(json, name_cause(cause), causes[cause]);
	json_object_end(json);
}

void ndjson_reasons(struct json *json, const struct pipeline_run *run,
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
	struct json json = ndjson_begin(ndjson, "start");

	ndjson_words_start(&ndjson->words, run);
	ndjson_time(ndjson, &json, "time", run->start.realtime_ns);
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
	ndjson_finish(&json);
}

void ndjson_port(struct json *json, const struct window_port *port)
{
	json_object(json);
	json_member_number(json, "port", port->key.port);
	json_member_plain(json, "role", name_role(port->key.role));
	json_member_number(json, "netns", port->key.netns);
	json_member_number(json, "sent", port->sent);
	json_member_number(json, "received", port->received);
	if (port->sent)
		ndjson_causes(json, RST_SENT, port->causes);
	if (port->received)
		ndjson_causes(json, RST_RECEIVED, port->causes);
}

void ndjson_peer(struct json *json, const struct window_peer *peer, uint64_t error_max)
{
	json_object(json);
	ndjson_address(json, "address", peer->key.address);
	json_member_number(json, "netns", peer->key.netns);
	json_member_plain(json, "direction", name_direction(peer->key.direction));
	json_member_number(json, "count", peer->count);
	json_member_number(json, "error_max", error_max);
}

/* How a process ended, as of wait(2): with a code, or by a signal under its name. */
static void member_exit(struct json *json, const struct owner *owner)
{
	static const char killed[] = "killed by ";
	char how[OWNER_EXIT_BYTES];

	if (!owner->exited)
		return;
	owner_exit_format(how, owner->exit_status);
	if (strncmp(how, killed, strlen(killed)))
		json_member_number(json, "exit_code", owner->exit_status >> 8 & 0xff);
	else
		json_member_string(json, "signal", how + strlen(killed));
}

static void member_text(struct json *json, const char *key, const char *text)
{
	if (text && *text)
		json_member_string(json, key, text);
}

void ndjson_owner(struct json *json, const struct owner *owner, uint64_t time_ns)
{
	const struct process *process = owner->process;
	uint64_t since_ns = time_ns - owner->stopped_ns;

	if (process) {
		json_member_number(json, "pid", process->pid);
		member_text(json, "comm", process->comm);
		member_text(json, "exe", process->exe);
		json_member_number(json, "uid", process->uid);
		member_text(json, "cgroup", process->cgroup);
		member_text(json, "unit", process->names.unit);
		member_text(json, "container", process->names.container);
		member_text(json, "runtime", process->names.runtime);
		member_text(json, "pod", process->names.pod);
	}
	json_member_plain(json, "known_by", owner_known_name(owner->known_by));
	if (owner->known_by == OWNER_LAST_LISTENER) {
		json_member_number(json, "stopped_ms",
				   (int64_t)since_ns < 0 ? 0 : since_ns / 1000000);
		member_exit(json, owner);
	}
}

void ndjson_owner_row(struct json *json, const struct window_owner *owner, uint64_t time_ns)
{
	json_object(json);
	ndjson_owner(json, &owner->owner, time_ns);
	json_member_number(json, "sent", owner->sent);
	json_member_number(json, "received", owner->received);
	if (owner->sent)
		ndjson_causes(json, RST_SENT, owner->causes);
	if (owner->received)
		ndjson_causes(json, RST_RECEIVED, owner->causes);
}

void ndjson_losses(struct json *json, const struct window_losses *losses)
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
	json_member_number(json, "signals", losses->signals);
	json_object_end(json);
}

static void end(void *context, const struct pipeline_run *run, const struct pipeline_totals *totals)
{
	struct ndjson *ndjson = context;
	struct json json = ndjson_begin(ndjson, "end");

	(void)run;
	ndjson_time(ndjson, &json, "time", totals->end_real_ns);
	json_key(&json, "duration_seconds");
	json_decimal(&json, (totals->end_ns - totals->start_ns) / 1e9);
	json_key(&json, "complete");
	json_bool(&json, totals->complete);
	json_member_number(&json, "windows", totals->windows);
	json_key(&json, "sent");
	json_object(&json);
	json_member_number(&json, "total", totals->total[RST_SENT]);
	ndjson_causes(&json, RST_SENT, totals->causes);
	json_object_end(&json);
	json_key(&json, "received");
	json_object(&json);
	json_member_number(&json, "total", totals->total[RST_RECEIVED]);
	ndjson_causes(&json, RST_RECEIVED, totals->causes);
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
	json_member_number(&json, "alerts_muted", totals->alerts_muted);
	json_member_number(&json, "alerts_folded", totals->alerts_folded);
	ndjson_losses(&json, &totals->losses);
	ndjson_finish(&json);
}

struct sink ndjson_sink(struct ndjson *ndjson, const struct view *view, struct output *output)
{
	ndjson->view = *view;
	ndjson->output = output;
	ndjson->wallclock = (struct wallclock){.utc = true};
	ndjson_words_init(&ndjson->words);
	return (struct sink){
		.context = ndjson,
		.start = start,
		.event = ndjson_event,
		.window = ndjson_window,
		.alert = ndjson_alert,
		.end = end,
	};
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A window in NDJSON. */
#include "ndjson.h"

#include "names.h"

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

void ndjson_window(void *context, const struct pipeline_run *run,
		   const struct window_summary *summary)
{
	struct ndjson *ndjson = context;
	struct json json;

	if (!ndjson->view.windows)
		return;
	json = ndjson_begin(ndjson, "window");
	ndjson_time(ndjson, &json, "start", summary->start_real_ns);
	ndjson_time(ndjson, &json, "end", summary->end_real_ns);
	json_key(&json, "sent");
	json_object(&json);
	json_member_number(&json, "total", summary->total[RST_SENT]);
	ndjson_causes(&json, RST_SENT, summary->causes);
	ndjson_reasons(&json, run, summary->reasons);
	json_object_end(&json);
	json_key(&json, "received");
	json_object(&json);
	json_member_number(&json, "total", summary->total[RST_RECEIVED]);
	ndjson_causes(&json, RST_RECEIVED, summary->causes);
	json_object_end(&json);
	json_key(&json, "ports");
	json_array(&json);
	for (unsigned i = 0; i < summary->port_count; i++) {
		ndjson_port(&json, &summary->ports[i]);
		json_object_end(&json);
	}
	json_array_end(&json);
	json_member_number(&json, "distinct_ports", summary->ports_all);
	json_key(&json, "owners");
	json_array(&json);
	for (unsigned i = 0; i < summary->owner_count; i++) {
		ndjson_owner_row(&json, &summary->owners[i], summary->end_ns);
		json_object_end(&json);
	}
	json_array_end(&json);
	json_member_number(&json, "distinct_owners", summary->owners_all);
	json_key(&json, "owners_unknown");
	json_object(&json);
	json_member_number(&json, "sent", summary->owners_unknown[RST_SENT]);
	json_member_number(&json, "received", summary->owners_unknown[RST_RECEIVED]);
	json_object_end(&json);
	json_key(&json, "peers");
	json_array(&json);
	for (unsigned i = 0; i < summary->peer_count; i++) {
		ndjson_peer(&json, &summary->peers[i], summary->peer_error);
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
		json_member_string(&json, "name", summary->namespaces[i].name);
		json_member_number(&json, "sent", summary->namespaces[i].count[RST_SENT]);
		json_member_number(&json, "received", summary->namespaces[i].count[RST_RECEIVED]);
		json_object_end(&json);
	}
	json_array_end(&json);
	json_member_number(&json, "distinct_namespaces", summary->netns_all);
	member_audit(&json, &summary->audit);
	json_member_number(&json, "dropped_before_tcp", summary->outside);
	json_member_number(&json, "events", summary->events);
	ndjson_losses(&json, &summary->losses);
	ndjson_finish(&json);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "pipeline.h"

#include <errno.h>
#include <string.h>

#include "advice.h"
#include "units.h"

#define CLOCK_STEP_NS (SECOND_NS / 10) /* more than the wall clock drifts in a window */

void pipeline_init(struct pipeline *pipeline, const struct pipeline_settings *settings,
		   const struct sink *sink)
{
	pipeline->settings = *settings;
	pipeline->sink = *sink;
}

static uint64_t wall(const struct pipeline *pipeline, uint64_t monotonic_ns)
{
	return monotonic_ns + (uint64_t)pipeline->run.realtime_offset_ns;
}

const char *pipeline_reason(const struct pipeline_run *run, const struct rst_event *event)
{
	const char *name;

	if (!(event->flags & RST_EVENT_REASON))
		return NULL;
	name = event->direction == RST_SENT ? run->reasons[event->reason % RST_REASONS]
					    : run->drop_reasons[event->reason];
	return *name ? name : NULL;
}

static int feed_reason(char names[][44], unsigned count, const struct record_reason *reason)
{
	if (reason->number < count)
		memcpy(names[reason->number], reason->name, sizeof(reason->name) - 1);
	return 0;
}

static int feed_hook(struct pipeline *pipeline, const struct record_hook *hook)
{
	if (pipeline->run.hook_count < PIPELINE_HOOKS) {
		struct record_hook *kept = &pipeline->run.hooks[pipeline->run.hook_count++];

		*kept = *hook;
		kept->name[sizeof(kept->name) - 1] = '\0';
		kept->how[sizeof(kept->how) - 1] = '\0';
	}
	return 0;
}

/*
 * Whether to say it. What was shown once is shown to its end; what is muted is looked at again with
 * each word, as it may have become more than its rule is about. passes: what the filter says.
 */
static bool lets_through(struct pipeline *pipeline, const struct alert *alert, bool passes,
			 bool *muted, bool *shown)
{
	struct pipeline_totals *totals = &pipeline->totals;
	bool mute = mute_matches(&pipeline->settings.mute, alert);

	if (alert->status == ALERT_RAISED) {
		*shown = false;
		*muted = mute;
		totals->alerts++;
		totals->alerts_muted += mute;
	} else if (alert->status == ALERT_UPDATED && *muted && !mute) {
		*muted = false;
		totals->alerts_muted--;
	}
	if (alert->status != ALERT_CLEARED && !*muted && passes)
		*shown = true;
	return *shown;
}

/* The book has something to say. Signature of book_tell. */
static void report_incident(void *context, struct incident *incident, enum alert_status status,
			    uint64_t now_ns)
{
	struct pipeline *pipeline = context;
	struct alert *alert = &pipeline->alert;

	if (status == ALERT_RAISED) {
		if (!incident->number)
			incident->number = ++pipeline->alert_number;
		incident->first_real_ns = wall(pipeline, incident->first_ns);
		processes_keep(&pipeline->processes, incident->owner_process);
	}
	book_alert(incident, status, now_ns, alert);
	alert->first_seen_real_ns = incident->first_real_ns;
	alert->time_real_ns = wall(pipeline, now_ns);
	alert->owner.process = processes_find(&pipeline->processes, incident->owner_process);
	detect_describe(incident, alert);
	if (lets_through(pipeline, alert, filter_incident(&pipeline->settings.filter, alert),
			 &incident->muted, &incident->shown))
		pipeline->sink.alert(pipeline->sink.context, &pipeline->run, alert);
}

static int feed_start(struct pipeline *pipeline, const struct record_start *start)
{
	const struct pipeline_settings *settings = &pipeline->settings;
	struct pipeline_run *run = &pipeline->run;

	if (start->monotonic_ns > INT64_MAX)
		return -EPROTO;
	run->start = *start;
	run->start.version[sizeof(run->start.version) - 1] = '\0';
	run->start.kernel[sizeof(run->start.kernel) - 1] = '\0';
	run->realtime_offset_ns = start->realtime_ns - start->monotonic_ns;
	if (settings->window_seconds)
		run->start.window_seconds = settings->window_seconds;
	if (settings->has_rate)
		run->start.rate = settings->rate;
	if (!run->start.window_seconds || !rate_settings_valid(&run->start.rate))
		return -EPROTO;
	pipeline->window_ns = run->start.window_seconds * SECOND_NS;
	pipeline->window_end_ns = start->monotonic_ns + pipeline->window_ns;
	pipeline->window_start_real_ns = start->realtime_ns;
	pipeline->totals.start_ns = pipeline->totals.end_ns = start->monotonic_ns;
	window_init(&pipeline->window, start->seed);
	pipeline->window.start_ns = pipeline->window.end_ns = start->monotonic_ns;
	audit_init(&pipeline->audit, start->seed);
	rate_init(&pipeline->rate, &run->start.rate, start->seed);
	recent_init(&pipeline->recent, start->seed);
	listeners_init(&pipeline->listeners, start->seed);
	TABLE_INIT(pipeline, names, uint32_t, start->seed);
	detect_init(&pipeline->detect, &pipeline->listeners, &pipeline->processes, report_incident,
		    pipeline, start->seed);
	pipeline->started = true;
	pipeline->sink.start(pipeline->sink.context, run);
	return 0;
}

static bool is_direction(unsigned direction)
{
	return direction == RST_SENT || direction == RST_RECEIVED;
}

static void feed_netns(struct pipeline *pipeline, const struct record_netns *record)
{
	struct pipeline_name *name;

	if (!record->netns)
		return; /* a namespace that could not be read is many */
	name = table_add(&pipeline->names, &record->netns);
	if (!name) {
		name = table_entry(&pipeline->names, pipeline->next_name);
		pipeline->next_name = (pipeline->next_name + 1) % PIPELINE_NAMES;
		table_replace(&pipeline->names, name, &record->netns);
	}
	memcpy(name->name, record->name, sizeof(name->name) - 1);
}

static const char *name_of(const struct pipeline *pipeline, uint32_t netns)
{
	const struct pipeline_name *name = TABLE_FIND(&pipeline->names, &netns);

	return name && *name->name ? name->name : NULL;
}

static void show_event(struct pipeline *pipeline, const struct pipeline_event *event)
{
	uint64_t limit = pipeline->settings.event_limit;

	if ((limit && pipeline->shown == limit) ||
	    !filter_event(&pipeline->settings.filter, event->event) ||
	    !filter_owner(&pipeline->settings.filter, &event->owner))
		return;
	if (++pipeline->shown == limit)
		pipeline->done = true;
	pipeline->sink.event(pipeline->sink.context, &pipeline->run, event);
}

static int feed_event(struct pipeline *pipeline, const struct record_event *record)
{
	struct pipeline_event event = {.event = &record->event};

	if (!is_direction(record->event.direction))
		return -EPROTO;
	pipeline->totals.events++;
	event.owner = owner_of_event(&pipeline->processes, &pipeline->listeners, &record->event);
	event.connection = record_connection(record);
	event.netns_name = name_of(pipeline, record->event.netns);
	show_event(pipeline, &event);
	detect_event(&pipeline->detect, &record->event, event.connection, &event.owner);
	pipeline->watch = pipeline->detect.world.watch;
	return 0;
}

static void add_losses(struct window_losses *to, const struct window_losses *from)
{
	to->thinned += from->thinned;
	to->lost += from->lost;
	to->missed += from->missed;
	to->ports_full += from->ports_full;
	to->peers_full += from->peers_full;
	to->netns_full += from->netns_full;
	to->alarms_full += from->alarms_full;
	to->signals += from->signals;
}

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* Whether this kernel sends resets that none of its tracepoints shows, and no function is hooked.
 */
static bool sends_unseen(const struct pipeline_run *run)
{
	for (unsigned i = 0; i < run->hook_count; i++)
		if (!run->hooks[i].attached && (!strcmp(run->hooks[i].name, "tcp_v4_send_reset") ||
						!strcmp(run->hooks[i].name, "tcp_v6_send_reset")))
			return true;
	return false;
}

static void close_window(struct pipeline *pipeline)
{
	struct window_summary *summary = &pipeline->summary;
	struct pipeline_totals *totals = &pipeline->totals;

	pipeline->window.losses.alarms_full = pipeline->rate.untracked;
	pipeline->rate.untracked = 0;
	window_summarize(&pipeline->window, &pipeline->settings.filter, &pipeline->processes,
			 summary);
	for (unsigned i = 0; i < summary->netns_count; i++)
		summary->namespaces[i].name = name_of(pipeline, summary->namespaces[i].netns);
	audit_summarize(&pipeline->audit, &pipeline->settings.filter, sends_unseen(&pipeline->run),
			&summary->audit);
	summary->start_real_ns = wall(pipeline, summary->start_ns);
	summary->end_real_ns = wall(pipeline, summary->end_ns);
	/* The clocks drift: a window starts where the last one ended, unless one was stepped. */
	if (distance(summary->start_real_ns, pipeline->window_start_real_ns) < CLOCK_STEP_NS)
		summary->start_real_ns = pipeline->window_start_real_ns;
	pipeline->window_start_real_ns = summary->end_real_ns;
	for (unsigned i = 0; i < RST_DIRECTIONS; i++)
		totals->total[i] += summary->total[i];
	for (unsigned i = 0; i < RST_CAUSES; i++)
		totals->causes[i] += summary->causes[i];
	for (unsigned i = 0; i < COUNTERS; i++)
		totals->unexplained[i] = (int64_t)((uint64_t)totals->unexplained[i] +
						   summary->audit.counters[i].unexplained);
	totals->audited = totals->audited || summary->audit.done;
	totals->outside += summary->outside;
	add_losses(&totals->losses, &summary->losses);
	totals->windows++;
	pipeline->sink.window(pipeline->sink.context, &pipeline->run, summary);
	window_next(&pipeline->window);
	audit_next(&pipeline->audit);
}

static void report_rate(void *context, struct rate_series *series, enum alert_status status,
			unsigned direction, uint32_t netns, const struct rate_verdict *verdict)
{
	struct pipeline *pipeline = context;
	struct alert *alert = &pipeline->alert;
	struct alert_incident *incident = &series->incident;
	const struct window_owner *owner;

	if (status == ALERT_RAISED) {
		series->first_real_ns = wall(pipeline, incident->first_ns);
		incident->number = ++pipeline->alert_number;
	}
	memset(alert, 0, sizeof(*alert));
	alert->number = incident->number;
	alert->kind = direction == RST_SENT ? ALERT_RST_SENT_RATE : ALERT_RST_RECEIVED_RATE;
	alert->status = status;
	alert->severity = ALERT_WARNING;
	alert->direction = direction;
	alert->netns = netns;
	alert->time_ns = pipeline->window.end_ns;
	alert->first_seen_ns = incident->first_ns;
	alert->time_real_ns = wall(pipeline, alert->time_ns);
	alert->first_seen_real_ns = series->first_real_ns;
	alert->total = verdict->recent_total;
	alert->facts[0] = (struct alert_fact){"rate", verdict->recent};
	alert->facts[1] = (struct alert_fact){"baseline", verdict->baseline};
	alert->facts[2] = (struct alert_fact){"limit", verdict->limit};
	alert->facts[3] = (struct alert_fact){"resets", verdict->recent_total};
	alert->facts[4] = (struct alert_fact){"resets_since_first", series->since_first};
	alert->fact_count = 5;
	recent_explain(&pipeline->recent, &pipeline->processes, alert);
	/* What a detector explains is in the counts of peers, and in no other. */
	for (unsigned i = 0; i < alert->peer_count; i++)
		if (alert->peers[i].count > alert->total)
			alert->peers[i].count = alert->total;
	advice_rate(alert, verdict);
	owner = alert_main_owner(alert);
	if (lets_through(pipeline, alert,
			 filter_alert(&pipeline->settings.filter, direction, netns,
				      owner ? &owner->owner : NULL),
			 &series->muted, &series->shown))
		pipeline->sink.alert(pipeline->sink.context, &pipeline->run, alert);
}

static void settle(struct pipeline *pipeline, uint64_t time_ns)
{
	window_settle(&pipeline->window, &pipeline->settings.filter, &pipeline->processes,
		      &pipeline->listeners, time_ns);
}

static int feed_slice(struct pipeline *pipeline, const struct record_slice *slice)
{
	uint64_t duration_ns = pipeline->settings.duration_ns, late_ns;

	if (slice->end_ns < slice->start_ns || slice->end_ns < pipeline->totals.end_ns ||
	    slice->end_ns > INT64_MAX || slice->events > slice->counted ||
	    slice->lost > slice->counted - slice->events)
		return -EPROTO;
	pipeline->run.realtime_offset_ns = slice->realtime_ns - slice->end_ns;
	if (duration_ns && slice->end_ns - pipeline->totals.start_ns >= duration_ns)
		pipeline->done = true;
	settle(pipeline, slice->end_ns);
	window_add_slice(&pipeline->window, slice);
	recent_add_slice(&pipeline->recent, slice, &pipeline->processes, &pipeline->listeners);
	audit_add_slice(&pipeline->audit);
	pipeline->totals.end_ns = slice->end_ns;
	pipeline->watch = detect_step(&pipeline->detect, slice->start_ns, slice->end_ns);
	rate_step(&pipeline->rate, slice->start_ns, slice->end_ns, report_rate, pipeline);
	if (slice->end_ns >= pipeline->window_end_ns) {
		close_window(pipeline);
		/* The grid stays where it was, whatever a slice's delay; gaps make long windows. */
		late_ns = slice->end_ns - pipeline->window_end_ns;
		pipeline->window_end_ns +=
			(late_ns / pipeline->window_ns + 1) * pipeline->window_ns;
	}
	return 0;
}

static void tell_end(struct pipeline *pipeline)
{
	const uint64_t *total = pipeline->window.total;

	pipeline->ended = true;
	settle(pipeline, UINT64_MAX); /* of a slice that was cut off */
	/* Without a slice but with counts: the records were cut off within its first one. */
	if (pipeline->window.slices || total[RST_SENT] || total[RST_RECEIVED])
		close_window(pipeline);
	pipeline->totals.alerts_folded = pipeline->detect.book.folded_all;
	pipeline->totals.end_real_ns = wall(pipeline, pipeline->totals.end_ns);
	pipeline->totals.alerts_folded = pipeline->detect.book.folded_all;
	pipeline->sink.end(pipeline->sink.context, &pipeline->run, &pipeline->totals);
}

static int feed_end(struct pipeline *pipeline, const struct record_end *end)
{
	if (end->monotonic_ns < pipeline->totals.end_ns || end->monotonic_ns > INT64_MAX)
		return -EPROTO;
	pipeline->run.realtime_offset_ns = end->realtime_ns - end->monotonic_ns;
	pipeline->totals.end_ns = end->monotonic_ns;
	pipeline->totals.complete = true;
	tell_end(pipeline);
	return 0;
}

/* The rate alarms and their evidence are about what no detector explains. */
static int feed_port(struct pipeline *pipeline, const struct record_port *port)
{
	struct record_port rest = *port;

	if (!is_direction(port->key.direction))
		return -EPROTO;
	window_add_port(&pipeline->window, port);
	audit_add_port(&pipeline->audit, port);
	rest.count -= detect_count(&pipeline->detect, &port->key, port->count);
	if (!rest.count)
		return 0;
	recent_add_port(&pipeline->recent, &rest);
	rate_add(&pipeline->rate, rest.key.netns, rest.key.direction, rest.count);
	return 0;
}

int pipeline_feed(void *context, const struct record *record)
{
	struct pipeline *pipeline = context;

	if (pipeline->ended || record->size < record_size(record->kind))
		return -EPROTO;
	/* Up to START is the preamble; kinds of a later version may stand anywhere. */
	if (record_size(record->kind) && record_is_preamble(record->kind) == pipeline->started)
		return -EPROTO;

	switch (record->kind) {
	case RECORD_REASON:
		return feed_reason(pipeline->run.reasons, RST_REASONS, (const void *)record);
	case RECORD_DROP_REASON:
		return feed_reason(pipeline->run.drop_reasons, RST_DROP_REASONS,
				   (const void *)record);
	case RECORD_HOOK:
		return feed_hook(pipeline, (const void *)record);
	case RECORD_START:
		return feed_start(pipeline, (const void *)record);
	case RECORD_EVENT:
		return feed_event(pipeline, (const void *)record);
	case RECORD_PORT:
		return feed_port(pipeline, (const void *)record);
	case RECORD_PEER: {
		const struct record_peer *peer = (const void *)record;

		if (!is_direction(peer->key.direction))
			return -EPROTO;
		window_add_peer(&pipeline->window, peer);
		recent_add_peer(&pipeline->recent, peer);
		return 0;
	}
	case RECORD_OTHER: {
		const struct record_other *other = (const void *)record;

		if (!is_direction(other->direction))
			return -EPROTO;
		window_add_other(&pipeline->window, other);
		rate_add_host(&pipeline->rate, other->direction, other->count);
		return 0;
	}
	case RECORD_DISTINCT:
		window_add_distinct(&pipeline->window, (const void *)record);
		return 0;
	case RECORD_OUTSIDE:
		window_add_outside(&pipeline->window, (const void *)record);
		return 0;
	case RECORD_KERNEL:
		audit_add_kernel(&pipeline->audit, (const void *)record);
		return 0;
	case RECORD_PROCESS:
		processes_add(&pipeline->processes, (const void *)record);
		return 0;
	case RECORD_LISTENER: {
		const struct record_listener *told = (const void *)record;

		processes_keep(&pipeline->processes, told->listener.owner);
		listeners_add(&pipeline->listeners, &told->listener);
		detect_listener(&pipeline->detect, &told->listener);
		return 0;
	}
	case RECORD_SIGNAL:
		detect_signal(&pipeline->detect, &((const struct record_signal *)record)->signal);
		pipeline->watch = pipeline->detect.world.watch;
		return 0;
	case RECORD_LISTENING:
		detect_listening(&pipeline->detect,
				 &((const struct record_listening *)record)->listening);
		return 0;
	case RECORD_QUEUES:
		detect_queues(&pipeline->detect, (const void *)record);
		return 0;
	case RECORD_THINNED:
		pipeline->window.losses.signals += ((const struct record_thinned *)record)->signals;
		return 0;
	case RECORD_NETNS:
		feed_netns(pipeline, (const void *)record);
		return 0;
	case RECORD_SLICE:
		return feed_slice(pipeline, (const void *)record);
	case RECORD_END:
		return feed_end(pipeline, (const void *)record);
	default:
		return 0; /* of a later version: nothing that we know depends on it */
	}
}

void pipeline_finish(struct pipeline *pipeline, bool complete)
{
	if (!pipeline->started || pipeline->ended)
		return;
	pipeline->totals.complete = complete;
	tell_end(pipeline);
}

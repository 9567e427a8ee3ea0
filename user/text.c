// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The text sink: one line per reset, in 80 columns for IPv4; a block per window; alerts. */
#include "view.h"

#include <string.h>

#include "address.h"
#include "names.h"
#include "units.h"

#define END_WIDTH    21 /* 255.255.255.255:65535 */
#define STATE_WIDTH  11 /* ESTABLISHED */
#define CAUSE_WIDTH  11
#define REASON_WIDTH 20
#define LABEL_WIDTH  10

#define COLOR_ALERT  "\033[1;31m"
#define COLOR_CLEAR  "\033[1;32m"
#define COLOR_WINDOW "\033[1m"
#define COLOR_OFF    "\033[0m"

static void color(struct text *text, const char *sequence)
{
	if (text->view.color)
		output_text(text->output, sequence);
}

static void clock_time(struct text *text, uint64_t real_ns)
{
	char shown[WALLCLOCK_BYTES];

	output_bytes(text->output, shown, wallclock_time(&text->wallclock, shown, real_ns));
}

/* A name that a recording brings: no control characters to the terminal. */
static void foreign(struct text *text, const char *name, size_t width)
{
	size_t length = 0;

	for (; name[length]; length++) {
		unsigned char byte = name[length];

		output_char(text->output, byte >= ' ' && byte < 0x7f ? byte : '?');
	}
	output_padded(text->output, "", 0, length < width ? width - length : 0);
}

static void times(struct text *text, const struct pipeline_run *run, uint64_t monotonic_ns,
		  uint64_t real_ns)
{
	uint64_t since_ns = monotonic_ns - run->start.monotonic_ns;

	if (text->view.wall_time) {
		clock_time(text, real_ns);
		output_char(text->output, ' ');
	}
	if (text->view.since_start) {
		if ((int64_t)since_ns < 0)
			since_ns = 0;
		output_number(text->output, since_ns / SECOND_NS);
		output_char(text->output, '.');
		output_digits(text->output, since_ns / 1000000 % 1000, 3);
		output_char(text->output, ' ');
	}
}

static void header(struct text *text)
{
	struct output *output = text->output;

	if (text->view.wall_time)
		output_text(output, "TIME     ");
	if (text->view.since_start)
		output_text(output, "SECS  ");
	output_padded(output, "LOCAL", 5, END_WIDTH + 4);
	output_padded(output, "PEER", 4, END_WIDTH + 1);
	output_padded(output, "TRIG/STATE", 10, STATE_WIDTH + 1);
	if (text->view.wide) {
		output_padded(output, "CAUSE", 5, CAUSE_WIDTH + 1);
		output_padded(output, "REASON", 6, REASON_WIDTH + 1);
		output_text(output, "ROLE   NETNS\n");
	} else {
		output_text(output, "CAUSE\n");
	}
}

static void start(void *context, const struct pipeline_run *run)
{
	struct text *text = context;

	for (unsigned i = 0; i < run->hook_count; i++) {
		if (run->hooks[i].attached || !text->view.windows)
			continue;
		output_text(text->output, "--- not attached: ");
		foreign(text, run->hooks[i].name, 0);
		output_text(text->output, ": ");
		foreign(text, run->hooks[i].how, 0);
		output_char(text->output, '\n');
	}
	if (text->view.events)
		header(text);
}

static size_t format_end(char text[ADDRESS_BYTES + 8], const uint8_t address[16], uint16_t port)
{
	bool bracket = !address_is_ipv4(address);
	size_t length = bracket;
	char digits[5];
	unsigned count = 0;

	if (bracket)
		text[0] = '[';
	length += address_format(text + length, address);
	if (bracket)
		text[length++] = ']';
	text[length++] = ':';
	do
		digits[count++] = '0' + port % 10;
	while (port /= 10);
	while (count)
		text[length++] = digits[--count];
	return length;
}

/* The segment that provoked it, or the state of the socket. */
static void trigger_or_state(struct text *text, const struct rst_event *event)
{
	char flags[NAME_FLAGS_BYTES];
	const char *shown = flags;

	if (event->flags & RST_EVENT_TRIGGER) {
		if (name_flags(flags, event->trigger) > STATE_WIDTH)
			name_flags_short(flags, event->trigger);
	} else {
		shown = name_state(event->state);
		if (!shown)
			shown = "-";
	}
	output_padded(text->output, shown, strlen(shown), STATE_WIDTH);
	output_char(text->output, ' '); /* NEW_SYN_RECV is one too long */
}

static const char *or_dash(const char *name)
{
	return name && *name ? name : "-";
}

static void event(void *context, const struct pipeline_run *run, const struct rst_event *event)
{
	struct text *text = context;
	char end[ADDRESS_BYTES + 8];
	const char *cause = or_dash(name_cause(event->cause)), *reason, *role;

	if (!text->view.events)
		return;
	times(text, run, event->time_ns, event->time_ns + (uint64_t)run->realtime_offset_ns);
	output_padded(text->output, end, format_end(end, event->local, event->local_port),
		      END_WIDTH);
	output_text(text->output, event->direction == RST_SENT ? " -> " : " <- ");
	output_padded(text->output, end, format_end(end, event->peer, event->peer_port), END_WIDTH);
	output_char(text->output, ' ');
	trigger_or_state(text, event);
	if (text->view.wide) {
		reason = or_dash(pipeline_reason(run, event));
		role = or_dash(name_role(event->role));
		output_padded(text->output, cause, strlen(cause), CAUSE_WIDTH + 1);
		foreign(text, reason, REASON_WIDTH);
		output_char(text->output, ' ');
		output_padded(text->output, role, strlen(role), 7);
		output_number(text->output, event->netns);
	} else {
		output_text(text->output, cause);
	}
	output_char(text->output, '\n');
}

static void label(struct text *text, const char *name)
{
	output_text(text->output, "    ");
	output_padded(text->output, name, strlen(name), LABEL_WIDTH);
}

static void named_count(struct text *text, bool *first, const char *name, uint64_t count)
{
	if (!*first)
		output_text(text->output, ", ");
	*first = false;
	output_text(text->output, name);
	output_char(text->output, ' ');
	output_number(text->output, count);
}

static void causes(struct text *text, unsigned direction, const uint64_t counts[RST_CAUSES])
{
	bool first = true;

	for (unsigned cause = 1; cause < RST_CAUSES; cause++)
		if (counts[cause] && name_cause(cause) && name_cause_direction(cause) == direction)
			named_count(text, &first, name_cause(cause), counts[cause]);
}

static void port_name(struct text *text, const struct window_port *port)
{
	output_char(text->output, ':');
	output_number(text->output, port->key.port);
	if (name_role(port->key.role)) {
		output_char(text->output, ' ');
		output_text(text->output, name_role(port->key.role));
	}
}

static void ports(struct text *text, const struct window_summary *summary)
{
	label(text, "ports");
	if (!summary->port_count)
		output_text(text->output, "none shown");
	for (unsigned i = 0; i < summary->port_count; i++) {
		const struct window_port *port = &summary->ports[i];

		if (i)
			output_text(text->output, ", ");
		port_name(text, port);
		if (port->sent) {
			output_text(text->output, " sent ");
			output_number(text->output, port->sent);
		}
		if (port->received) {
			output_text(text->output, " received ");
			output_number(text->output, port->received);
		}
	}
	if (summary->ports_all > summary->port_count) {
		output_text(text->output, ", and ");
		output_number(text->output, summary->ports_all - summary->port_count);
		output_text(text->output, " more");
	}
	output_char(text->output, '\n');
}

/* A count that is no larger than its own error says nothing about that peer: left out here. */
static void peers(struct text *text, const struct window_summary *summary)
{
	char address[ADDRESS_BYTES];
	unsigned shown = 0;

	label(text, "peers");
	for (unsigned i = 0; i < summary->peer_count; i++) {
		const struct window_peer *peer = &summary->peers[i];

		if (peer->count <= summary->peer_error)
			break;
		output_text(text->output, shown++ ? ", " : "");
		output_bytes(text->output, address, address_format(address, peer->key.address));
		output_char(text->output, ' ');
		output_text(text->output, or_dash(name_direction(peer->key.direction)));
		output_char(text->output, ' ');
		output_number(text->output, peer->count);
		if (summary->peer_error) {
			output_text(text->output, "..");
			output_number(text->output, peer->count + summary->peer_error);
		}
	}
	if (!shown)
		output_text(text->output, summary->peer_count ? "none stands out" : "none shown");
	output_text(text->output, "; ");
	output_number(text->output, summary->distinct_peers);
	output_text(text->output,
		    summary->distinct_exact ? " distinct\n" : " distinct (estimate)\n");
}

static void losses(struct text *text, const struct window_losses *losses)
{
	bool first = true;

	if (text->view.events && losses->thinned) {
		label(text, "thinned");
		output_number(text->output, losses->thinned);
		output_text(text->output, " events\n");
	}
	if (!losses->lost && !losses->missed && !losses->ports_full && !losses->peers_full &&
	    !losses->netns_full && !losses->alarms_full)
		return;
	label(text, "LOST");
	if (losses->lost)
		named_count(text, &first, "events (ring buffer full)", losses->lost);
	if (losses->missed)
		named_count(text, &first, "hook calls (skipped by the kernel)", losses->missed);
	if (losses->ports_full)
		named_count(text, &first, "ports (table full)", losses->ports_full);
	if (losses->peers_full)
		named_count(text, &first, "peers (table full)", losses->peers_full);
	if (losses->netns_full)
		named_count(text, &first, "namespaces (table full)", losses->netns_full);
	if (losses->alarms_full)
		named_count(text, &first, "unjudged by namespace (table full)",
			    losses->alarms_full);
	output_char(text->output, '\n');
}

/* "0", "+3", "-1": against what was seen. */
static void signed_number(struct text *text, int64_t number)
{
	if (number)
		output_char(text->output, number < 0 ? '-' : '+');
	output_number(text->output, number < 0 ? -(uint64_t)number : (uint64_t)number);
}

static void unexplained(struct text *text, const struct audit_counter counters[COUNTERS],
			bool nonzero)
{
	bool first = true;

	for (unsigned i = 0; i < COUNTERS; i++) {
		if (nonzero && !counters[i].unexplained)
			continue;
		output_text(text->output, first ? "" : ", ");
		output_text(text->output, name_counter(i));
		output_char(text->output, ' ');
		signed_number(text, counters[i].unexplained);
		first = false;
	}
}

static void more_namespaces(struct text *text, const char *what, uint64_t count)
{
	if (!count)
		return;
	label(text, "");
	output_text(text->output, what);
	output_text(text->output, ": ");
	output_number(text->output, count);
	output_text(text->output, " more namespaces\n");
}

/* What the kernel counted and nobody saw, or the other way round, and where. */
static void audit(struct text *text, const struct window_summary *summary)
{
	const struct audit_summary *audit = &summary->audit;

	if (!audit->done || (!summary->total[RST_SENT] && !summary->total[RST_RECEIVED] &&
			     !audit->row_count && !audit->unread_count))
		return;
	label(text, "audit");
	output_text(text->output, "unexplained ");
	unexplained(text, audit->counters, false);
	output_char(text->output, '\n');
	for (unsigned i = 0; i < audit->row_count; i++) {
		const struct audit_row *row = &audit->rows[i];

		label(text, "");
		output_text(text->output, "netns ");
		output_number(text->output, row->netns);
		output_text(text->output, ": ");
		unexplained(text, row->counters, true);
		for (unsigned j = 0; j < COUNTERS; j++)
			if (row->counters[j].likely) {
				output_text(text->output, "; likely ");
				output_text(text->output, row->counters[j].likely);
				break;
			}
		output_char(text->output, '\n');
	}
	more_namespaces(text, "unexplained", audit->rows_all - audit->row_count);
	for (unsigned i = 0; i < audit->unread_count; i++) {
		label(text, "");
		output_text(text->output, "not audited: ");
		output_number(text->output, audit->unread[i].resets);
		if (audit->unread[i].netns) {
			output_text(text->output, " in netns ");
			output_number(text->output, audit->unread[i].netns);
		}
		output_text(text->output, ": ");
		output_text(text->output, audit->unread[i].why);
		output_char(text->output, '\n');
	}
	more_namespaces(text, "not audited", audit->unread_all - audit->unread_count);
}

static void outside(struct text *text, uint64_t count)
{
	if (!count)
		return;
	label(text, "dropped");
	output_number(text->output, count);
	output_text(text->output,
		    " more that came in: by a firewall or damaged, TCP never had them\n");
}

static void window(void *context, const struct pipeline_run *run,
		   const struct window_summary *summary)
{
	struct text *text = context;

	(void)run;
	if (!text->view.windows)
		return;
	color(text, COLOR_WINDOW);
	output_text(text->output, "--- ");
	clock_time(text, summary->start_real_ns);
	output_text(text->output, " to ");
	clock_time(text, summary->end_real_ns);
	if (!summary->total[RST_SENT] && !summary->total[RST_RECEIVED]) {
		output_text(text->output, ": no resets");
		color(text, COLOR_OFF);
		output_char(text->output, '\n');
		outside(text, summary->outside);
		audit(text, summary);
		losses(text, &summary->losses);
		return;
	}
	output_text(text->output, ": sent ");
	output_number(text->output, summary->total[RST_SENT]);
	output_text(text->output, ", received ");
	output_number(text->output, summary->total[RST_RECEIVED]);
	color(text, COLOR_OFF);
	output_char(text->output, '\n');
	if (summary->total[RST_SENT]) {
		label(text, "sent");
		causes(text, RST_SENT, summary->causes);
		output_char(text->output, '\n');
	}
	if (summary->total[RST_RECEIVED]) {
		label(text, "received");
		causes(text, RST_RECEIVED, summary->causes);
		output_char(text->output, '\n');
	}
	ports(text, summary);
	peers(text, summary);
	outside(text, summary->outside);
	audit(text, summary);
	losses(text, &summary->losses);
}

static void share(struct text *text, uint64_t count, uint64_t total)
{
	output_char(text->output, ' ');
	output_number(text->output, total ? count * 100 / total : 0);
	output_char(text->output, '%');
}

static void evidence(struct text *text, const struct alert *alert)
{
	char address[ADDRESS_BYTES];

	label(text, "ports");
	if (!alert->port_count)
		output_text(text->output, "none known");
	for (unsigned i = 0; i < alert->port_count; i++) {
		output_text(text->output, i ? ", " : "");
		port_name(text, &alert->ports[i]);
		share(text, alert->ports[i].sent + alert->ports[i].received, alert->total);
	}
	output_char(text->output, '\n');
	label(text, "peers");
	if (!alert->peer_count)
		output_text(text->output, "none known");
	for (unsigned i = 0; i < alert->peer_count; i++) {
		output_text(text->output, i ? ", " : "");
		output_bytes(text->output, address,
			     address_format(address, alert->peers[i].key.address));
		share(text, alert->peers[i].count, alert->total);
	}
	output_char(text->output, '\n');
}

static void alert(void *context, const struct pipeline_run *run, const struct alert *alert)
{
	struct text *text = context;

	color(text, alert->status == ALERT_CLEARED ? COLOR_CLEAR : COLOR_ALERT);
	output_text(text->output, "*** ");
	times(text, run, alert->time_ns, alert->time_real_ns);
	output_text(text->output, "ALERT ");
	output_text(text->output, alert_kind_name(alert->kind));
	output_char(text->output, ' ');
	output_text(text->output, alert_status_name(alert->status));
	output_text(text->output, " (");
	output_text(text->output, alert_severity_name(alert->severity));
	output_text(text->output, ", since ");
	clock_time(text, alert->first_seen_real_ns);
	output_char(text->output, ')');
	color(text, COLOR_OFF);
	output_text(text->output, "\n    ");
	output_text(text->output, alert->summary);
	output_char(text->output, '\n');
	if (alert->status != ALERT_CLEARED) {
		evidence(text, alert);
		label(text, "advice");
		output_text(text->output, alert->advice);
		output_char(text->output, '\n');
	}
}

static void end(void *context, const struct pipeline_run *run, const struct pipeline_totals *totals)
{
	struct text *text = context;

	(void)run;
	if (!text->view.windows)
		return;
	output_text(text->output, "--- ");
	output_text(text->output, totals->complete ? "end: " : "end (cut short): ");
	output_decimal(text->output, (totals->end_ns - totals->start_ns) / 1e9, 1);
	output_text(text->output, " s, sent ");
	output_number(text->output, totals->total[RST_SENT]);
	output_text(text->output, ", received ");
	output_number(text->output, totals->total[RST_RECEIVED]);
	output_text(text->output, ", alerts ");
	output_number(text->output, totals->alerts);
	output_char(text->output, '\n');
}

struct sink text_sink(struct text *text, const struct view *view, struct output *output)
{
	*text = (struct text){.view = *view, .output = output, .wallclock = {.utc = view->utc}};
	return (struct sink){
		.context = text,
		.start = start,
		.event = event,
		.window = window,
		.alert = alert,
		.end = end,
	};
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A window in text: a block of lines. */
#include "text.h"

#include <string.h>

#include "address.h"
#include "names.h"

#define COLOR_WINDOW "\033[1m"

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

static void sent_and_received(struct text *text, uint64_t sent, uint64_t received)
{
	if (sent) {
		output_text(text->output, " sent ");
		output_number(text->output, sent);
	}
	if (received) {
		output_text(text->output, " received ");
		output_number(text->output, received);
	}
}

static void ports(struct text *text, const struct window_summary *summary)
{
	text_label(text, "ports");
	if (!summary->port_count)
		output_text(text->output, "none shown");
	for (unsigned i = 0; i < summary->port_count; i++) {
		const struct window_port *port = &summary->ports[i];

		if (i)
			output_text(text->output, ", ");
		text_port(text, port);
		sent_and_received(text, port->sent, port->received);
	}
	text_more(text, summary->ports_all - summary->port_count);
	output_char(text->output, '\n');
}

static void owners(struct text *text, const struct window_summary *summary)
{
	const uint64_t *unknown = summary->owners_unknown;
	bool some = unknown[RST_SENT] != summary->total[RST_SENT] ||
		    unknown[RST_RECEIVED] != summary->total[RST_RECEIVED];

	text_label(text, "owners");
	if (!summary->owner_count)
		output_text(text->output, some ? "none shown" : "none known");
	for (unsigned i = 0; i < summary->owner_count; i++) {
		const struct window_owner *owner = &summary->owners[i];

		output_text(text->output, i ? ", " : "");
		text_owner(text, &owner->owner);
		sent_and_received(text, owner->sent, owner->received);
	}
	text_more(text, summary->owners_all - summary->owner_count);
	if (some && (unknown[RST_SENT] || unknown[RST_RECEIVED])) {
		output_text(text->output, "; unknown");
		sent_and_received(text, unknown[RST_SENT], unknown[RST_RECEIVED]);
	}
	output_char(text->output, '\n');
}

/* A count that is no larger than its own error says nothing about that peer: left out here. */
static void peers(struct text *text, const struct window_summary *summary)
{
	char address[ADDRESS_BYTES];
	unsigned shown = 0;

	text_label(text, "peers");
	for (unsigned i = 0; i < summary->peer_count; i++) {
		const struct window_peer *peer = &summary->peers[i];

		if (peer->count <= summary->peer_error)
			break;
		output_text(text->output, shown++ ? ", " : "");
		output_bytes(text->output, address, address_format(address, peer->key.address));
		output_char(text->output, ' ');
		output_text(text->output, text_or_dash(name_direction(peer->key.direction)));
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
		text_label(text, "thinned");
		output_number(text->output, losses->thinned);
		output_text(text->output, " events\n");
	}
	if (!losses->lost && !losses->missed && !losses->ports_full && !losses->peers_full &&
	    !losses->netns_full && !losses->alarms_full && !losses->signals)
		return;
	text_label(text, "LOST");
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
	if (losses->signals)
		named_count(text, &first, "signals for the detectors (too many)", losses->signals);
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
	text_label(text, "");
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
	text_label(text, "audit");
	output_text(text->output, "unexplained ");
	unexplained(text, audit->counters, false);
	output_char(text->output, '\n');
	for (unsigned i = 0; i < audit->row_count; i++) {
		const struct audit_row *row = &audit->rows[i];

		text_label(text, "");
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
		text_label(text, "");
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
	text_label(text, "dropped");
	output_number(text->output, count);
	output_text(text->output,
		    " more that came in: by a firewall or damaged, TCP never had them\n");
}

void text_window(void *context, const struct pipeline_run *run,
		 const struct window_summary *summary)
{
	struct text *text = context;

	(void)run;
	if (!text->view.windows)
		return;
	text_color(text, COLOR_WINDOW);
	output_text(text->output, "--- ");
	text_clock(text, summary->start_real_ns);
	output_text(text->output, " to ");
	text_clock(text, summary->end_real_ns);
	if (!summary->total[RST_SENT] && !summary->total[RST_RECEIVED]) {
		output_text(text->output, ": no resets");
		text_color(text, TEXT_COLOR_OFF);
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
	text_color(text, TEXT_COLOR_OFF);
	output_char(text->output, '\n');
	if (summary->total[RST_SENT]) {
		text_label(text, "sent");
		causes(text, RST_SENT, summary->causes);
		output_char(text->output, '\n');
	}
	if (summary->total[RST_RECEIVED]) {
		text_label(text, "received");
		causes(text, RST_RECEIVED, summary->causes);
		output_char(text->output, '\n');
	}
	ports(text, summary);
	owners(text, summary);
	peers(text, summary);
	outside(text, summary->outside);
	audit(text, summary);
	losses(text, &summary->losses);
}

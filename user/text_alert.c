// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* An alert in text: a block of lines. */
#include "text.h"

#include <string.h>

#include "address.h"
#include "names.h"

#define FACTS_SHOWN 6 /* without --wide */

#define COLOR_ALERT "\033[1;31m"
#define COLOR_CLEAR "\033[1;32m"
#define COLOR_INFO  "\033[1;33m"

static void share(struct text *text, uint64_t count, uint64_t total)
{
	output_char(text->output, ' ');
	output_number(text->output, total ? count * 100 / total : 0);
	output_char(text->output, '%');
}

/* --- of a rate: the resets behind it --- */

static void rate(struct text *text, const struct alert *alert)
{
	char address[ADDRESS_BYTES];

	text_label(text, "ports");
	if (!alert->port_count)
		output_text(text->output, "none known");
	for (unsigned i = 0; i < alert->port_count; i++) {
		output_text(text->output, i ? ", " : "");
		text_port(text, &alert->ports[i]);
		share(text, alert->ports[i].sent + alert->ports[i].received, alert->total);
	}
	output_char(text->output, '\n');
	text_label(text, "owners");
	if (!alert->owner_count)
		output_text(text->output, "none known");
	for (unsigned i = 0; i < alert->owner_count; i++) {
		output_text(text->output, i ? ", " : "");
		text_owner(text, &alert->owners[i].owner);
		share(text, alert->owners[i].sent + alert->owners[i].received, alert->total);
	}
	output_char(text->output, '\n');
	text_label(text, "peers");
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

/* --- of a detector: what there is --- */

/* "10.0.0.2:443", "*:443", "10.0.0.2" */
static void local(struct text *text, const struct alert *alert)
{
	static const uint8_t any[16];
	char end[TEXT_END_BYTES];
	bool has_address = memcmp(alert->local, any, sizeof(any));

	if (!alert->has_local || !(has_address || alert->local_port))
		return;
	text_label(text, "local");
	if (!has_address) {
		output_text(text->output, "*:");
		output_number(text->output, alert->local_port);
	} else if (alert->local_port) {
		output_bytes(text->output, end, text_end(end, alert->local, alert->local_port));
	} else {
		output_bytes(text->output, end, address_format(end, alert->local));
	}
	output_char(text->output, '\n');
}

static void owner(struct text *text, const struct alert *alert)
{
	const struct process *process = alert->owner.process;

	if (alert->owner.known_by == OWNER_UNKNOWN)
		return;
	text_label(text, "owner");
	text_owner(text, &alert->owner);
	if (text->view.wide && process && (*process->names.unit || *process->names.container)) {
		output_text(text->output, ", ");
		text_unit_or_container(text, &alert->owner);
	}
	output_char(text->output, '\n');
}

/* Where we are the client, with the port of the service there. */
static void peers(struct text *text, const struct alert *alert)
{
	char end[TEXT_END_BYTES];

	if (!alert->peer_count && !alert->peers_all && !alert->peer_port)
		return;
	text_label(text, "peers");
	for (unsigned i = 0; i < alert->peer_count; i++) {
		const uint8_t *address = alert->peers[i].key.address;

		output_text(text->output, i ? ", " : "");
		output_bytes(text->output, end,
			     alert->peer_port ? text_end(end, address, alert->peer_port)
					      : address_format(end, address));
		output_char(text->output, ' ');
		output_number(text->output, alert->peers[i].count);
	}
	if (!alert->peer_count && alert->peer_port) {
		output_text(text->output, "their port ");
		output_number(text->output, alert->peer_port);
	}
	if (alert->peers_all > alert->peer_count) {
		output_text(text->output, alert->peer_count || alert->peer_port ? "; " : "");
		output_number(text->output, alert->peers_all);
		output_text(text->output,
			    alert->peers_estimated ? " distinct (estimate)" : " distinct");
	}
	if (alert->proof == ALERT_PROOF_NONE)
		output_text(text->output, " (unproven)");
	output_char(text->output, '\n');
}

static void ports(struct text *text, const char *label, const struct alert_ports *ports)
{
	if (!ports->count)
		return;
	text_label(text, label);
	for (unsigned i = 0; i < ports->count; i++) {
		output_text(text->output, i ? ", " : "");
		output_number(text->output, ports->ports[i]);
	}
	if (ports->all > ports->count)
		text_more(text, ports->all - ports->count);
	output_char(text->output, '\n');
}

static void evidence(struct text *text, const struct alert *alert)
{
	bool all = text->view.wide || alert->fact_count <= FACTS_SHOWN;
	unsigned shown = all ? alert->fact_count : FACTS_SHOWN;

	if (!alert->word_count && !alert->fact_count)
		return;
	text_label(text, "evidence");
	for (unsigned i = 0; i < alert->word_count; i++) {
		output_text(text->output, i ? ", " : "");
		output_text(text->output, alert->words[i].name);
		output_char(text->output, ' ');
		output_text(text->output, alert->words[i].value);
	}
	for (unsigned i = 0; i < shown; i++) {
		output_text(text->output, i || alert->word_count ? ", " : "");
		output_text(text->output, alert->facts[i].name);
		output_char(text->output, ' ');
		output_decimal(text->output, alert->facts[i].value, 3);
	}
	text_more(text, alert->fact_count - shown);
	output_char(text->output, '\n');
}

static void detected(struct text *text, const struct alert *alert)
{
	local(text, alert);
	if (text->view.wide && alert->netns) {
		text_label(text, "netns");
		output_number(text->output, alert->netns);
		output_char(text->output, '\n');
	}
	owner(text, alert);
	peers(text, alert);
	ports(text, "ports", &alert->touched);
	ports(text, "open", &alert->open);
	evidence(text, alert);
}

static void header(struct text *text, const struct pipeline_run *run, const struct alert *alert)
{
	text_color(text, alert->status == ALERT_CLEARED	 ? COLOR_CLEAR
			 : alert->severity == ALERT_INFO ? COLOR_INFO
							 : COLOR_ALERT);
	output_text(text->output, "*** ");
	text_times(text, run, alert->time_ns, alert->time_real_ns);
	output_text(text->output, "ALERT ");
	output_text(text->output, alert_kind_name(alert->kind));
	output_char(text->output, ' ');
	output_text(text->output, alert_status_name(alert->status));
	output_text(text->output, " (");
	output_text(text->output, alert_severity_name(alert->severity));
	output_text(text->output, ", since ");
	text_clock(text, alert->first_seen_real_ns);
	if (alert->detected && alert->status == ALERT_CLEARED)
		output_text(text->output, alert->ended ? ", over" : ", quiet now");
	output_char(text->output, ')');
	text_color(text, TEXT_COLOR_OFF);
}

/* When it is over, the summary says what it came to. */
void text_alert(void *context, const struct pipeline_run *run, const struct alert *alert)
{
	struct text *text = context;

	header(text, run, alert);
	output_text(text->output, "\n    ");
	output_text(text->output, alert->summary);
	output_char(text->output, '\n');
	if (alert->detected && (alert->status != ALERT_CLEARED || text->view.wide))
		detected(text, alert);
	if (alert->status == ALERT_CLEARED)
		return;
	if (!alert->detected)
		rate(text, alert);
	if (alert->advice) {
		text_label(text, "advice");
		output_text(text->output, alert->advice);
		output_char(text->output, '\n');
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A reset in text: one line, of which for IPv4 all but a long name stands in 80 columns. What
 * --wide adds stands behind that, and the last column of either is not padded.
 */
#include "text.h"

#include <string.h>

#include "address.h"
#include "append.h"
#include "explain.h"
#include "names.h"
#include "sentence.h"

#define END_WIDTH	 21 /* 255.255.255.255:65535 */
#define CAUSE_WIDTH	 11
#define PID_WIDTH	 7 /* 4194304 */
#define COMM_WIDTH	 15
#define KNOWN_WIDTH	 13 /* last_listener */
#define STATE_WIDTH	 11 /* ESTABLISHED */
#define REASON_WIDTH	 20
#define ROLE_WIDTH	 6
#define NETNS_WIDTH	 10
#define CONNECTION_WIDTH 36
#define PADDING_BYTES	 32  /* more than any of these that are written at a cursor */
#define CURSOR_BYTES	 512 /* more than what is written there */
#define ID_DIGITS	 64
#define CONTAINER_DIGITS 12 /* as docker ps shows */

static void column(struct text *text, const char *shown, size_t width)
{
	output_padded(text->output, shown, strlen(shown), width);
	output_char(text->output, ' '); /* between columns, even where one is too long */
}

void text_event_header(struct text *text)
{
	struct output *output = text->output;

	if (text->view.wall_time)
		output_text(output, "TIME     ");
	if (text->view.since_start)
		output_text(output, "SECS  ");
	column(text, "LOCAL", END_WIDTH + 3);
	column(text, "PEER", END_WIDTH);
	column(text, "CAUSE", CAUSE_WIDTH);
	column(text, "PID", PID_WIDTH);
	if (!text->view.wide) {
		output_text(output, "COMM\n");
		return;
	}
	column(text, "COMM", COMM_WIDTH);
	column(text, "KNOWN_BY", KNOWN_WIDTH);
	column(text, "TRIG/STATE", STATE_WIDTH);
	column(text, "REASON", REASON_WIDTH);
	column(text, "ROLE", ROLE_WIDTH);
	column(text, "NETNS", NETNS_WIDTH);
	column(text, "CONNECTION", CONNECTION_WIDTH);
	output_text(output, "UNIT\n");
}

size_t text_end(char text[TEXT_END_BYTES], const uint8_t address[16], uint16_t port)
{
	bool bracket = !address_is_ipv4(address);
	char *at = text;

	if (bracket)
		*at++ = '[';
	at += address_format(at, address);
	if (bracket)
		*at++ = ']';
	*at++ = ':';
	return append_number(at, port) - text;
}

/* At a cursor (append.h): pads what stands there to a column. PADDING_BYTES are written behind it,
 * whatever is missing. */
static char *append_padding(char *at, size_t length, size_t width)
{
	memset(at + length, ' ', PADDING_BYTES);
	return at + (length < width ? width : length);
}

static char *append_end(char *at, const uint8_t address[16], uint16_t port)
{
	return append_padding(at, text_end(at, address, port), END_WIDTH);
}

/* As column() does. */
static char *append_column(char *at, const char *shown, size_t width)
{
	size_t length = strlen(shown);

	append_text(at, shown, length);
	at = append_padding(at, length, width);
	*at++ = ' ';
	return at;
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
	column(text, shown, STATE_WIDTH);
}

static char *append_pid(char *at, const struct process *process)
{
	if (!process)
		return append_column(at, "-", PID_WIDTH);
	at = append_padding(at, append_number(at, process->pid) - at, PID_WIDTH);
	*at++ = ' ';
	return at;
}

/* How a process calls itself. */
static const char *comm_of(const struct owner *owner)
{
	if (owner->process)
		return text_or_dash(owner->process->comm);
	if (owner->known_by == OWNER_KERNEL)
		return "(kernel)";
	return owner->known_by == OWNER_FIREWALL ? "(firewall)" : "-";
}

/* In seconds while their tenths mean something, then in whole minutes, hours, days. */
static void add_span(struct sentence *sentence, uint64_t ms, bool spaced)
{
	static const struct {
		uint64_t ms, below;
		const char *unit, *spaced;
	} units[] = {
		{1000, 120, "s", " s"},
		{60 * 1000, 120, "m", " min"},
		{3600 * 1000, 48, "h", " h"},
		{86400 * 1000, UINT64_MAX, "d", " days"},
	};
	unsigned i = 0;

	while (ms / units[i].ms >= units[i].below)
		i++;
	if (i)
		sentence_add_number(sentence, ms / units[i].ms);
	else
		sentence_add_decimal(sentence, ms / 1000.0);
	sentence_add(sentence, spaced ? units[i].spaced : units[i].unit);
}

/* Of a last listener: when it stopped, and how. */
static void stopped(struct text *text, const struct rst_event *event, const struct owner *owner)
{
	uint64_t since_ns = event->time_ns - owner->stopped_ns;
	char how[OWNER_EXIT_BYTES], shown[128] = "";
	struct sentence sentence = {.text = shown, .size = sizeof(shown)};

	if (owner->known_by != OWNER_LAST_LISTENER)
		return;
	sentence_add(&sentence, " (stopped ");
	add_span(&sentence, (int64_t)since_ns < 0 ? 0 : since_ns / 1000000, true);
	sentence_add(&sentence, " ago");
	if (owner->exited) {
		owner_exit_format(how, owner->exit_status);
		sentence_add(&sentence, ", ");
		sentence_add(&sentence, how);
	}
	sentence_add(&sentence, ")");
	output_text(text->output, shown);
}

static void add_age(struct sentence *sentence, uint32_t ms)
{
	if (ms == RST_AGE_UNKNOWN)
		sentence_add(sentence, "-");
	else
		add_span(sentence, ms, false);
}

/* "age 3.2s idle 0.1s in 120 out 4096" */
static void connection(struct text *text, const struct rst_connection *connection)
{
	char shown[128] = "";
	struct sentence sentence = {.text = shown, .size = sizeof(shown)};

	if (connection) {
		sentence_add(&sentence, "age ");
		add_age(&sentence, connection->age_ms);
		sentence_add(&sentence, " idle ");
		add_age(&sentence, connection->idle_ms);
		sentence_add(&sentence, " in ");
		sentence_add_number(&sentence, connection->bytes_in);
		sentence_add(&sentence, " out ");
		sentence_add_number(&sentence, connection->bytes_out);
	}
	column(text, text_or_dash(shown), CONNECTION_WIDTH);
}

void text_unit_or_container(struct text *text, const struct owner *owner)
{
	const struct cgroup_names *names = owner->process ? &owner->process->names : NULL;
	char shown[CGROUP_CONTAINER_BYTES];

	if (!names || *names->unit || !*names->container) {
		text_foreign(text, text_or_dash(names ? names->unit : NULL), 0);
		return;
	}
	if (names->runtime) {
		output_text(text->output, names->runtime);
		output_char(text->output, ':');
	}
	memcpy(shown, names->container, sizeof(shown));
	if (strspn(shown, "0123456789abcdef") == ID_DIGITS)
		shown[CONTAINER_DIGITS] = '\0'; /* an id; LXC and others have names */
	text_foreign(text, shown, 0);
}

static void netns(struct text *text, const struct pipeline_event *reset)
{
	char digits[16] = "";
	struct sentence number = {.text = digits, .size = sizeof(digits)};

	sentence_add_number(&number, reset->event->netns);
	text_foreign(text, reset->netns_name ? reset->netns_name : digits, NETNS_WIDTH);
	output_char(text->output, ' ');
}

static void wide(struct text *text, const struct pipeline_run *run,
		 const struct pipeline_event *reset)
{
	output_char(text->output, ' ');
	column(text, text_or_dash(owner_known_name(reset->owner.known_by)), KNOWN_WIDTH);
	trigger_or_state(text, reset->event);
	text_foreign(text, text_or_dash(pipeline_reason(run, reset->event)), REASON_WIDTH);
	output_char(text->output, ' ');
	column(text, text_or_dash(name_role(reset->event->role)), ROLE_WIDTH);
	netns(text, reset);
	connection(text, reset->connection);
	text_unit_or_container(text, &reset->owner);
}

static void explain(struct text *text, const struct pipeline_run *run,
		    const struct pipeline_event *reset)
{
	char sentence[EXPLAIN_BYTES];

	explain_event(sentence, reset->event, reset->connection, &reset->owner,
		      pipeline_reason(run, reset->event));
	output_text(text->output, "    ");
	output_text(text->output, sentence);
	output_char(text->output, '\n');
}

void text_event(void *context, const struct pipeline_run *run, const struct pipeline_event *reset)
{
	const struct rst_event *event = reset->event;
	struct text *text = context;
	char *begin, *at;

	if (!text->view.events)
		return;
	begin = at = output_reserve(text->output, CURSOR_BYTES);
	at = text_append_times(at, text, run, event->time_ns,
			       event->time_ns + (uint64_t)run->realtime_offset_ns);
	at = append_end(at, event->local, event->local_port);
	at = event->direction == RST_SENT ? APPEND(at, " -> ") : APPEND(at, " <- ");
	at = append_end(at, event->peer, event->peer_port);
	*at++ = ' ';
	at = append_column(at, text_or_dash(name_cause(event->cause)), CAUSE_WIDTH);
	at = append_pid(at, reset->owner.process);
	output_advance(text->output, at - begin);
	text_foreign(text, comm_of(&reset->owner), text->view.wide ? COMM_WIDTH : 0);
	if (text->view.wide)
		wide(text, run, reset);
	stopped(text, event, &reset->owner);
	output_char(text->output, '\n');
	if (text->view.explain)
		explain(text, run, reset);
}

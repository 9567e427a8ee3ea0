// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The text sink: what its parts share, the start and the end. */
#include "text.h"

#include <string.h>

#include "address.h"
#include "append.h"
#include "names.h"
#include "units.h"

#define LABEL_WIDTH 10

void text_color(struct text *text, const char *sequence)
{
	if (text->view.color)
		output_text(text->output, sequence);
}

void text_clock(struct text *text, uint64_t real_ns)
{
	char shown[WALLCLOCK_BYTES];

	output_bytes(text->output, shown, wallclock_time(&text->wallclock, shown, real_ns));
}

/* The length of a letter of two bytes that takes one column and is written from left to right:
 * Latin, Greek, Cyrillic. 0 for anything else, the controls of U+0080 to U+009F among it. */
static size_t letter_length(const char *at)
{
	unsigned char first = at[0], second = first ? at[1] : 0;
	unsigned letter = (first & 0x1f) << 6 | (second & 0x3f);

	if ((first & 0xe0) != 0xc0 || (second & 0xc0) != 0x80)
		return 0;
	if (letter >= 0x483 && letter <= 0x489)
		return 0; /* combining */
	return (letter >= 0xc0 && letter < 0x2b0) || (letter >= 0x386 && letter < 0x530) ? 2 : 0;
}

void text_foreign(struct text *text, const char *name, size_t width)
{
	size_t columns = 0;

	while (name[columns] >= ' ' && name[columns] < 0x7f)
		columns++;
	output_bytes(text->output, name, columns);
	for (name += columns; *name; columns++) {
		size_t length = letter_length(name);

		if (length)
			output_bytes(text->output, name, length);
		else
			output_char(text->output, *name >= ' ' && *name < 0x7f ? *name : '?');
		name += length ? length : 1;
	}
	output_padded(text->output, "", 0, columns < width ? width - columns : 0);
}

const char *text_or_dash(const char *name)
{
	return name && *name ? name : "-";
}

char *text_append_times(char *at, struct text *text, const struct pipeline_run *run,
			uint64_t monotonic_ns, uint64_t real_ns)
{
	uint64_t since_ns = monotonic_ns - run->start.monotonic_ns;

	if (text->view.wall_time) {
		at += wallclock_time(&text->wallclock, at, real_ns);
		*at++ = ' ';
	}
	if (text->view.since_start) {
		if ((int64_t)since_ns < 0)
			since_ns = 0;
		at = append_number(at, since_ns / SECOND_NS);
		*at++ = '.';
		*at++ = (char)('0' + since_ns / 100000000 % 10);
		append_pair(at, since_ns / 1000000 % 100);
		at += 2;
		*at++ = ' ';
	}
	return at;
}

void text_times(struct text *text, const struct pipeline_run *run, uint64_t monotonic_ns,
		uint64_t real_ns)
{
	char *at = output_reserve(text->output, TEXT_TIMES_BYTES);

	output_advance(text->output, text_append_times(at, text, run, monotonic_ns, real_ns) - at);
}

static void start(void *context, const struct pipeline_run *run)
{
	struct text *text = context;

	for (unsigned i = 0; i < run->hook_count; i++) {
		if (run->hooks[i].attached || !text->view.windows)
			continue;
		output_text(text->output, "--- not attached: ");
		text_foreign(text, run->hooks[i].name, 0);
		output_text(text->output, ": ");
		text_foreign(text, run->hooks[i].how, 0);
		output_char(text->output, '\n');
	}
	if (text->view.events)
		text_event_header(text);
}

void text_label(struct text *text, const char *name)
{
	output_text(text->output, "    ");
	output_padded(text->output, name, strlen(name), LABEL_WIDTH);
}

void text_port(struct text *text, const struct window_port *port)
{
	output_char(text->output, ':');
	output_number(text->output, port->key.port);
	if (name_role(port->key.role)) {
		output_char(text->output, ' ');
		output_text(text->output, name_role(port->key.role));
	}
}

void text_owner(struct text *text, const struct owner *owner)
{
	const struct process *process = owner->process;

	if (owner->known_by == OWNER_KERNEL || owner->known_by == OWNER_FIREWALL) {
		output_char(text->output, '(');
		output_text(text->output, owner_known_name(owner->known_by));
		output_char(text->output, ')');
		return;
	}
	if (process) {
		text_foreign(text, text_or_dash(process->comm), 0);
		output_text(text->output, " (");
		output_number(text->output, process->pid);
		output_char(text->output, ')');
	} else {
		output_text(text->output, "(a process)");
	}
	/* A process can be named twice: with its sockets, and as who listens. */
	if (owner->known_by == OWNER_LISTENER)
		output_text(text->output, " listener");
	else if (owner->known_by == OWNER_LAST_LISTENER)
		output_text(text->output, " last listener");
}

void text_more(struct text *text, uint64_t count)
{
	if (!count)
		return;
	output_text(text->output, ", and ");
	output_number(text->output, count);
	output_text(text->output, " more");
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
	if (totals->alerts_muted) {
		output_text(text->output, ", muted ");
		output_number(text->output, totals->alerts_muted);
	}
	if (totals->alerts_folded) {
		output_text(text->output, ", folded ");
		output_number(text->output, totals->alerts_folded);
	}
	output_char(text->output, '\n');
}

struct sink text_sink(struct text *text, const struct view *view, struct output *output)
{
	*text = (struct text){.view = *view, .output = output, .wallclock = {.utc = view->utc}};
	return (struct sink){
		.context = text,
		.start = start,
		.event = text_event,
		.window = text_window,
		.alert = text_alert,
		.end = end,
	};
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "phrase.h"

#include <string.h>

/* What is shown of a name. */
#define COMM_SHOWN	48
#define UNIT_SHOWN	56
#define CONTAINER_SHOWN 32

#define CONTAINER_ID 64 /* digits, of which 12 are shown, as docker(1) and crictl(1) do */

/* The length of the character at the start that can be shown as it is, 0 if there is none: not
 * UTF-8 (RFC 3629), a control character, or one that turns the direction of writing. */
static size_t printable_length(const unsigned char *at)
{
	unsigned code, length, least;

	if (at[0] < 0x80)
		return at[0] >= 0x20 && at[0] != 0x7f;
	if (at[0] < 0xc2 || at[0] > 0xf4)
		return 0;
	length = at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
	least = length == 2 ? 0x80 : length == 3 ? 0x800 : 0x10000;
	code = at[0] & (0x7f >> length);
	for (unsigned i = 1; i < length; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0; /* the NUL at the end, too */
		code = code << 6 | (at[i] & 0x3f);
	}
	if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	if (code < 0xa0 || (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069))
		return 0;
	return length;
}

void phrase_add_foreign(struct sentence *sentence, const char *text, size_t limit)
{
	static const char hex[] = "0123456789abcdef";
	size_t shown = 0;

	for (const unsigned char *at = (const unsigned char *)text; *at;) {
		char piece[8] = {'\\', 'x', hex[*at >> 4], hex[*at & 15]};
		size_t length = printable_length(at), size = length ? length : 4;

		if (length) {
			memcpy(piece, at, length);
			piece[length] = '\0';
		}
		if (shown + size > limit) {
			sentence_add(sentence, "...");
			return;
		}
		sentence_add(sentence, piece);
		shown += size;
		at += length ? length : 1;
	}
}

void phrase_add_duration(struct sentence *sentence, uint64_t ms)
{
	static const struct {
		uint64_t below, unit;
		const char *name;
	} units[] = {
		{7200000, 60000, " min"},
		{172800000, 3600000, " h"},
		{UINT64_MAX, 86400000, " days"},
	};
	unsigned i = 0;

	if (ms < 1000) {
		sentence_add_number(sentence, ms);
		sentence_add(sentence, " ms");
		return;
	}
	if (ms < 60000) {
		sentence_add_decimal(sentence, ms / 1000.0);
		sentence_add(sentence, " s");
		return;
	}
	while (ms >= units[i].below && i < 2)
		i++;
	sentence_add_number(sentence, ms / units[i].unit);
	sentence_add(sentence, units[i].name);
}

void phrase_add_bytes(struct sentence *sentence, uint64_t bytes)
{
	static const char *const units[] = {" kB", " MB", " GB", " TB", " PB", " EB"};
	uint64_t unit = 1000;
	unsigned i = 0;

	if (bytes < 1000) {
		sentence_add_number(sentence, bytes);
		sentence_add(sentence, bytes == 1 ? " byte" : " bytes");
		return;
	}
	while (bytes / unit >= 1000) {
		unit *= 1000;
		i++;
	}
	if (bytes / unit < 10)
		sentence_add_decimal(sentence, (double)bytes / (double)unit);
	else
		sentence_add_number(sentence, bytes / unit);
	sentence_add(sentence, units[i]);
}

static void add_container(struct sentence *sentence, const struct cgroup_names *names)
{
	char id[13];

	sentence_add(sentence, ", ");
	if (names->runtime) {
		sentence_add(sentence, names->runtime);
		sentence_add(sentence, " ");
	}
	sentence_add(sentence, "container ");
	if (strlen(names->container) == CONTAINER_ID) {
		memcpy(id, names->container, 12);
		id[12] = '\0';
		sentence_add(sentence, id);
	} else {
		phrase_add_foreign(sentence, names->container, CONTAINER_SHOWN);
	}
}

void phrase_add_process(struct sentence *sentence, const struct process *process)
{
	if (!process || !process->comm[0])
		sentence_add(sentence, sentence->length ? "a process" : "A process");
	if (!process)
		return;
	phrase_add_foreign(sentence, process->comm, COMM_SHOWN);
	sentence_add(sentence, " (pid ");
	sentence_add_number(sentence, process->pid);
	if (process->names.unit[0]) {
		sentence_add(sentence, ", ");
		phrase_add_foreign(sentence, process->names.unit, UNIT_SHOWN);
	}
	if (process->names.container[0]) {
		add_container(sentence, &process->names);
	} else if (process->names.pod[0]) {
		sentence_add(sentence, ", pod ");
		sentence_add(sentence, process->names.pod);
	}
	sentence_add(sentence, ")");
}

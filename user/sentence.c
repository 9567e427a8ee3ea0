// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sentence.h"

#include <string.h>

#include "address.h"
#include "owner.h"
#include "units.h"

#define CONTAINER_SHOWN 12 /* digits of its id, as everybody shows it */

void sentence_add(struct sentence *sentence, const char *text)
{
	size_t length = strlen(text), room = sentence->size - 1 - sentence->length;

	if (length > room)
		length = room;
	memcpy(sentence->text + sentence->length, text, length);
	sentence->length += length;
	sentence->text[sentence->length] = '\0';
}

void sentence_add_number(struct sentence *sentence, uint64_t number)
{
	char digits[24];
	size_t at = sizeof(digits) - 1;

	digits[at] = '\0';
	do
		digits[--at] = '0' + number % 10;
	while (number /= 10);
	sentence_add(sentence, digits + at);
}

void sentence_add_decimal(struct sentence *sentence, double number)
{
	uint64_t tenths = number < 1e17 ? (uint64_t)(number * 10 + 0.5) : UINT64_MAX;
	char fraction[3] = {'.', '0' + tenths % 10, '\0'};

	sentence_add_number(sentence, tenths / 10);
	if (tenths % 10)
		sentence_add(sentence, fraction);
}

void sentence_add_count(struct sentence *sentence, uint64_t number, const char *what)
{
	sentence_add_number(sentence, number);
	sentence_add(sentence, what);
	sentence_add(sentence, number == 1 ? "" : "s");
}

void sentence_add_foreign(struct sentence *sentence, const char *name)
{
	for (; *name; name++) {
		char plain[2] = {*name >= ' ' && *name < 0x7f ? *name : '?', '\0'};

		sentence_add(sentence, plain);
	}
}

void sentence_add_address(struct sentence *sentence, const uint8_t address[16])
{
	char text[ADDRESS_BYTES];

	address_format(text, address);
	sentence_add(sentence, text);
}

static void add_place(struct sentence *sentence, const struct cgroup_names *names)
{
	char shown[CONTAINER_SHOWN + 1] = "";

	if (*names->unit) {
		sentence_add(sentence, ", ");
		sentence_add_foreign(sentence, names->unit);
	} else if (*names->container) {
		memcpy(shown, names->container, CONTAINER_SHOWN);
		sentence_add(sentence, ", container ");
		sentence_add_foreign(sentence, shown);
	}
}

void sentence_add_owner(struct sentence *sentence, const struct owner *owner)
{
	const struct process *process = owner->process;

	if (!process) {
		sentence_add(sentence, owner->known_by == OWNER_KERNEL	   ? "the kernel"
				       : owner->known_by == OWNER_FIREWALL ? "a firewall"
									   : "a process");
		return;
	}
	sentence_add_foreign(sentence, process->comm);
	sentence_add(sentence, " (pid ");
	sentence_add_number(sentence, process->pid);
	add_place(sentence, &process->names);
	sentence_add(sentence, ")");
}

void sentence_add_duration_ns(struct sentence *sentence, uint64_t duration_ns)
{
	static const struct {
		uint64_t below_s, seconds;
		const char *name;
	} units[] = {
		{60, 1, " s"},
		{3600, 60, " min"},
		{24 * 3600, 3600, " h"},
		{UINT64_MAX, 24 * 3600, " d"},
	};
	unsigned i = 0;

	if (duration_ns < SECOND_NS) {
		sentence_add_number(sentence, duration_ns / (SECOND_NS / 1000));
		sentence_add(sentence, " ms");
		return;
	}
	while (duration_ns / SECOND_NS >= units[i].below_s)
		i++;
	sentence_add_decimal(sentence, (double)duration_ns / SECOND_NS / units[i].seconds);
	sentence_add(sentence, units[i].name);
}

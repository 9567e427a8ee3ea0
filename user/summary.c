// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "summary.h"

#include <string.h>

const char *summary_word(const struct incident *incident, const char *name)
{
	for (unsigned i = 0; i < incident->word_count; i++)
		if (!strcmp(incident->words[i].name, name))
			return incident->words[i].value;
	return "";
}

void summary_add_port(struct sentence *sentence, const struct incident *incident)
{
	if (!incident->key.port)
		return;
	sentence_add(sentence, incident->key.role == RST_ROLE_CLIENT ? " to port " : " of port ");
	sentence_add_number(sentence, incident->key.port);
}

void summary_begin_owner(struct sentence *sentence, const struct alert *alert)
{
	if (alert->owner.process)
		sentence_add_owner(sentence, &alert->owner);
	else
		sentence_add(sentence, "A process");
}

void summary_add_addresses(struct sentence *sentence, uint64_t count)
{
	sentence_add_number(sentence, count);
	sentence_add(sentence, count == 1 ? " address" : " addresses");
}

void summary_add_rate(struct sentence *sentence, double rate, const char *what)
{
	bool one = (uint64_t)(rate * 10 + 0.5) == 10; /* as it is shown */

	sentence_add_decimal(sentence, rate);
	sentence_add(sentence, what);
	sentence_add(sentence, one ? "/s" : "s/s");
}

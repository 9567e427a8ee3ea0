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

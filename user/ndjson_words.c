// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "ndjson_words.h"

#include <string.h>

#include "append.h"
#include "names.h"

/* ,"key":"value" unless the value is NULL. What does not fit is left out. */
static void add(struct ndjson_word *word, const char *key, const char *value)
{
	size_t key_length = strlen(key), value_length = value ? strlen(value) : 0;
	char *at = word->text + word->length;

	if (!value || word->length + key_length + value_length + 6 > sizeof(word->text))
		return;
	at = APPEND(at, ",\"");
	at = append_text(at, key, key_length);
	at = APPEND(at, "\":\"");
	at = append_text(at, value, value_length);
	*at++ = '"';
	word->length = at - word->text;
}

static void make_owner(struct ndjson_word *word, const char *known_by)
{
	char *at = APPEND(word->text, ",\"owner\":{\"known_by\":\"");

	at = append_text(at, known_by, strlen(known_by));
	at = APPEND(at, "\"}");
	word->length = at - word->text;
}

void ndjson_words_init(struct ndjson_words *words)
{
	char flags[NAME_FLAGS_BYTES];

	memset(words, 0, sizeof(*words));
	for (unsigned direction = 0; direction < RST_DIRECTIONS; direction++)
		for (unsigned cause = 0; cause < RST_CAUSES; cause++) {
			struct ndjson_word *word = &words->causes[direction][cause];

			add(word, "direction", name_direction(direction));
			add(word, direction == RST_SENT ? "cause" : "stage", name_cause(cause));
		}
	for (unsigned role = 0; role < RST_ROLES; role++)
		for (unsigned state = 0; state < RST_STATES; state++) {
			add(&words->ends[role][state], "role", name_role(role));
			add(&words->ends[role][state], "state", name_state(state));
		}
	for (unsigned trigger = 0; trigger < 256; trigger++) {
		name_flags(flags, trigger);
		add(&words->triggers[trigger], "trigger", flags);
	}
	for (unsigned known = 1; known < OWNER_KNOWNS; known++)
		make_owner(&words->owners[known], owner_known_name(known));
	ndjson_words_make_netns(words, 0);
}

/* A name that a string of JSON holds as it is. */
static bool is_plain(const char *name)
{
	for (; *name; name++)
		if (*name < 0x20 || *name >= 0x7f || *name == '"' || *name == '\\')
			return false;
	return true;
}

static void make_reasons(struct ndjson_word *made, const char names[][44], unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (*names[i] && is_plain(names[i]))
			add(&made[i], "reason", names[i]);
}

void ndjson_words_start(struct ndjson_words *words, const struct pipeline_run *run)
{
	make_reasons(words->reasons, run->reasons, RST_REASONS);
	make_reasons(words->drop_reasons, run->drop_reasons, RST_DROP_REASONS);
}

void ndjson_words_make_netns(struct ndjson_words *words, uint32_t netns)
{
	char *at = APPEND(words->netns.text, ",\"netns\":");

	words->netns.length = append_number(at, netns) - words->netns.text;
	words->last_netns = netns;
}

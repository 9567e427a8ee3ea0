/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What detectors tell: kept, and looked at for what holds for every alert. Its evidence is what
 * the schema lists for its kind, and nobody is told to block whom anybody can claim to be.
 */
#ifndef RSTWATCH_TOLD_H
#define RSTWATCH_TOLD_H

#include "unit.h"

#include <stdio.h>

#include "book.h"
#include "processes.h"

#define TOLD_MAX   512 /* kept, the last ones */
#define ANY_KIND   0
#define ANY_STATUS 0

struct told {
	const struct processes *processes;
	void (*describe)(const struct incident *incident, struct alert *alert);
	uint64_t number; /* of the last incident */
	unsigned count;
	unsigned said[ALERT_CLEARED + 1]; /* by status */
	struct alert alerts[TOLD_MAX];
};

/* --- what holds for all --- */

static inline const char *told_schema(void)
{
	static char schema[1 << 17];
	FILE *file = *schema ? NULL : fopen("user/schema.json", "r");

	if (file) {
		assert_true(fread(schema, 1, sizeof(schema) - 1, file) < sizeof(schema) - 1);
		fclose(file);
	}
	if (!*schema)
		fail_msg("no user/schema.json: unit tests run where the Makefile is");
	return schema;
}

/* The line of the schema about that evidence of that kind; NULL if there is none. It relies on how
 * the schema is laid out: a name a line. */
static inline const char *told_listed(const struct alert *alert, const char *name)
{
	char text[128];
	const char *list, *end, *found;

	snprintf(text, sizeof(text), "\n    \"evidence_%s\": {\n", alert_kind_name(alert->kind));
	list = strstr(told_schema(), text);
	assert_non_null(list);
	end = strstr(list, "\n    },");
	assert_non_null(end);
	snprintf(text, sizeof(text), "\n        \"%s\": {", name);
	found = strstr(list, text);
	return found && found < end ? found + 1 : NULL;
}

static inline void told_check_evidence(const struct alert *alert)
{
	for (unsigned i = 0; i < alert->fact_count; i++) {
		const char *line = told_listed(alert, alert->facts[i].name);

		if (!line || memmem(line, strcspn(line, "\n"), "\"enum\"", 6))
			fail_msg("%s: the schema has no number %s", alert_kind_name(alert->kind),
				 alert->facts[i].name);
		assert_true(alert->facts[i].value >= 0);
	}
	for (unsigned i = 0; i < alert->word_count; i++) {
		const char *line = told_listed(alert, alert->words[i].name);
		char value[64];

		snprintf(value, sizeof(value), "\"%s\"", alert->words[i].value);
		if (!line || !memmem(line, strcspn(line, "\n"), "\"enum\"", 6) ||
		    !memmem(line, strcspn(line, "\n"), value, strlen(value)))
			fail_msg("%s: the schema has no %s %s", alert_kind_name(alert->kind),
				 alert->words[i].name, value);
	}
}

static inline void told_check_advice(const struct alert *alert)
{
	assert_non_null(alert->advice);
	if (alert->proof >= ALERT_PROOF_ANSWERED)
		return;
	for (const char *at = alert->advice; (at = strstr(at, "block ")); at++)
		assert_true(at - alert->advice >= 4 && !memcmp(at - 4, "not ", 4));
}

/* "1 ports", "0 SYNs": at the number. */
static inline bool told_is_misnumbered(const char *number)
{
	static const char *const adjectives[] = {"new ", "working ", "SYN "};
	const char *noun = number + 2;
	size_t length;

	for (unsigned i = 0; i < COUNT_OF(adjectives); i++)
		if (!strncmp(noun, adjectives[i], strlen(adjectives[i])))
			noun += strlen(adjectives[i]);
	length = strspn(noun, "abcdefghijklmnopqrstuvwxyzSYN");
	if (length < 3) /* of a unit, and "of" */
		return false;
	if (*number == '0')
		return noun[length] != '/';
	return noun[length - 1] == 's' && noun[length - 2] != 's';
}

/* The rule is at describe(), detector.h. */
static inline void told_check_summary(const struct alert *alert)
{
	const struct process *process = alert->owner.process;
	const char *text = alert->summary, *space = strchr(text, ' ');

	assert_non_null(space);
	assert_true(strlen(text) < sizeof(alert->summary) - 1); /* nothing was cut */
	if (text[strlen(text) - 1] == '.' || strstr(text, ". "))
		fail_msg("a full stop in: %s", text);
	if (*text >= 'a' && *text <= 'z' && !memchr(text, ':', space - text) &&
	    !(process && !strncmp(text, process->comm, strlen(process->comm))))
		fail_msg("no capital in: %s", text);
	for (const char *at = text; *at; at++)
		if ((*at == '0' || *at == '1') && at[1] == ' ' &&
		    (at == text || at[-1] == ' ' || at[-1] == '(') &&
		    !(at - text >= 5 && !memcmp(at - 5, "port ", 5)) && told_is_misnumbered(at))
			fail_msg("\"%.20s\" in: %s", at, text);
}

/* --- the ear of a book --- */

static inline void told_hear(void *context, struct incident *incident, enum alert_status status,
			     uint64_t now_ns)
{
	struct told *told = context;
	struct alert *alert = &told->alerts[told->count++ % TOLD_MAX];

	if (!incident->number)
		incident->number = ++told->number;
	book_alert(incident, status, now_ns, alert);
	alert->owner.process = processes_find(told->processes, incident->owner_process);
	told->describe(incident, alert);
	told->said[status]++;
	told_check_evidence(alert);
	told_check_advice(alert);
	told_check_summary(alert);
}

/* --- what was heard --- */

static inline unsigned told_count(const struct told *told, enum alert_kind kind,
				  enum alert_status status)
{
	unsigned count = 0;

	assert_true(told->count <= TOLD_MAX);
	for (unsigned i = 0; i < told->count; i++)
		count += (kind == ANY_KIND || told->alerts[i].kind == kind) &&
			 (status == ANY_STATUS || told->alerts[i].status == status);
	return count;
}

/* The first of that kind and status; NULL if there is none. */
static inline const struct alert *told_first(const struct told *told, enum alert_kind kind,
					     enum alert_status status)
{
	assert_true(told->count <= TOLD_MAX);
	for (unsigned i = 0; i < told->count; i++)
		if (told->alerts[i].kind == kind && told->alerts[i].status == status)
			return &told->alerts[i];
	return NULL;
}

static inline const struct alert *told_last(const struct told *told)
{
	assert_true(told->count > 0);
	return &told->alerts[(told->count - 1) % TOLD_MAX];
}

static inline void told_silent(const struct told *told, enum alert_kind kind)
{
	if (told_count(told, kind, ANY_STATUS))
		fail_msg("said: %s", told_last(told)->summary);
}

/* -1: there is no such number, as none is negative. */
static inline double told_fact(const struct alert *alert, const char *name)
{
	for (unsigned i = 0; i < alert->fact_count; i++)
		if (!strcmp(alert->facts[i].name, name))
			return alert->facts[i].value;
	return -1;
}

/* "": there is no such word. */
static inline const char *told_word(const struct alert *alert, const char *name)
{
	for (unsigned i = 0; i < alert->word_count; i++)
		if (!strcmp(alert->words[i].name, name))
			return alert->words[i].value;
	return "";
}

static inline void told_says(const struct alert *alert, const char *text)
{
	if (!strstr(alert->summary, text))
		fail_msg("no \"%s\" in: %s", text, alert->summary);
}

#endif

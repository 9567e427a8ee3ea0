// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "mute.h"

#include <errno.h>
#include <string.h>

#include "pattern.h"
#include "sentence.h"

#define VALUE_BYTES CGROUP_UNIT_BYTES /* the longest of all values, with its NUL */
#define QUOTED	    32		      /* bytes of what is wrong that are repeated */

/* A key of a rule: takes its value (0, -EINVAL, or -ERANGE for bits behind a prefix), and looks
 * whether an alert is what the rule says. */
struct mute_key {
	const char *name;
	int (*take)(struct mute *mute, const char *value);
	bool (*match)(const struct mute *mute, const struct alert *alert);
	const char *accepts;
};

static int take_kind(struct mute *mute, const char *value)
{
	mute->kind = alert_kind_of(value);
	return mute->kind ? 0 : -EINVAL;
}

static bool match_kind(const struct mute *mute, const struct alert *alert)
{
	return alert->kind == mute->kind;
}

static int take_peer(struct mute *mute, const char *value)
{
	return address_parse_range(value, &mute->peer);
}

/* All of its peers; if some of them are not listed, nobody knows. A rate alarm is about none. */
static bool match_peer(const struct mute *mute, const struct alert *alert)
{
	if (!alert->detected || !alert->peer_count || alert->peers_all > alert->peer_count)
		return false;
	for (unsigned i = 0; i < alert->peer_count; i++)
		if (!address_in_range(alert->peers[i].key.address, &mute->peer))
			return false;
	return true;
}

/* Digits only, from 1 on; 0 if it is anything else. */
static uint64_t number_of(const char *text, uint64_t most)
{
	uint64_t number = 0;

	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return 0;
		number = number * 10 + (unsigned)(*text - '0');
		if (number > most)
			return 0;
	}
	return number;
}

static int take_port(struct mute *mute, const char *value)
{
	mute->port = number_of(value, UINT16_MAX);
	return mute->port ? 0 : -EINVAL;
}

static bool match_port(const struct mute *mute, const struct alert *alert)
{
	uint16_t port = alert->has_local ? alert->local_port : alert->peer_port;

	return alert->detected && port == mute->port;
}

static int take_netns(struct mute *mute, const char *value)
{
	mute->netns = number_of(value, UINT32_MAX);
	return mute->netns ? 0 : -EINVAL;
}

static bool match_netns(const struct mute *mute, const struct alert *alert)
{
	return alert->netns == mute->netns;
}

static int take_severity(struct mute *mute, const char *value)
{
	for (mute->severity = ALERT_INFO; mute->severity <= ALERT_CRITICAL; mute->severity++)
		if (!strcmp(alert_severity_name(mute->severity), value))
			return 0;
	return -EINVAL;
}

static bool match_severity(const struct mute *mute, const struct alert *alert)
{
	return alert->severity <= mute->severity;
}

/* Of a rate alarm, who stands behind most of it. */
static const struct process *process_of(const struct alert *alert)
{
	const struct window_owner *main = alert->detected ? NULL : alert_main_owner(alert);

	return main ? main->owner.process : alert->owner.process;
}

static int copy(char *to, size_t size, const char *value)
{
	size_t length = strlen(value);

	if (length >= size)
		return -EINVAL;
	memcpy(to, value, length + 1);
	return 0;
}

static int take_process(struct mute *mute, const char *value)
{
	return copy(mute->process, sizeof(mute->process), value);
}

static bool match_process(const struct mute *mute, const struct alert *alert)
{
	const struct process *process = process_of(alert);

	return process && pattern_matches(mute->process, process->comm);
}

static int take_unit(struct mute *mute, const char *value)
{
	return copy(mute->unit, sizeof(mute->unit), value);
}

static bool match_unit(const struct mute *mute, const struct alert *alert)
{
	const struct process *process = process_of(alert);

	return process && pattern_matches_unit(mute->unit, process->names.unit);
}

static int take_container(struct mute *mute, const char *value)
{
	return copy(mute->container, sizeof(mute->container), value);
}

static bool match_container(const struct mute *mute, const struct alert *alert)
{
	const struct process *process = process_of(alert);

	return process && pattern_begins(mute->container, process->names.container);
}

static const struct mute_key keys[] = {
	{"alert", take_kind, match_kind, NULL /* their names */},
	{"peer", take_peer, match_peer,
	 "an address or a range, as in 10.0.0.7, 10.0.0.0/8 or 2001:db8::/32"},
	{"port", take_port, match_port, "a port from 1 to 65535"},
	{"netns", take_netns, match_netns,
	 "the inode number of a network namespace, as lsns -t net prints it"},
	{"severity", take_severity, match_severity, "info, warning or critical"},
	{"process", take_process, match_process,
	 "the name of a process, at most 63 bytes; * and ? match"},
	{"unit", take_unit, match_unit,
	 "the name of a systemd unit, at most 255 bytes; * and ? match"},
	{"container", take_container, match_container,
	 "the id of a container, at most 71 bytes, or how it begins"},
};

#define KEYS (sizeof(keys) / sizeof(keys[0]))

static void add_some(struct sentence *sentence, const char *text, size_t length)
{
	char some[QUOTED + 1] = "";

	if (length > QUOTED)
		length = QUOTED;
	memcpy(some, text, length);
	some[length] = '\0';
	sentence_add(sentence, some);
}

static int refuse_value(struct sentence *error, unsigned key, const char *value, int code)
{
	sentence_add(error, keys[key].name);
	sentence_add(error, "=");
	add_some(error, value, strlen(value));
	sentence_add(error, ": ");
	if (code == -ERANGE)
		sentence_add(error, "bits are set behind the prefix; ");
	sentence_add(error, "give ");
	if (keys[key].accepts) {
		sentence_add(error, keys[key].accepts);
		return -EINVAL;
	}
	sentence_add(error, "one of");
	for (unsigned kind = 1; kind < ALERT_KINDS; kind++) {
		sentence_add(error, " ");
		sentence_add(error, alert_kind_name(kind));
	}
	return -EINVAL;
}

static int refuse_rule(struct sentence *error, const char *text, size_t length)
{
	if (length) {
		sentence_add(error, "'");
		add_some(error, text, length);
		sentence_add(error, "': ");
	}
	sentence_add(error, "give KEY=VALUE, with spaces between several, and the keys");
	for (unsigned key = 0; key < KEYS; key++) {
		sentence_add(error, " ");
		sentence_add(error, keys[key].name);
	}
	return -EINVAL;
}

static int parse_pair(const char *pair, size_t length, struct mute *mute, struct sentence *error)
{
	const char *equals = memchr(pair, '=', length);
	char value[VALUE_BYTES] = "";
	size_t name_length, value_length;
	unsigned key = 0;
	int code;

	if (!equals)
		return refuse_rule(error, pair, length);
	name_length = equals - pair;
	value_length = length - name_length - 1;
	while (key < KEYS &&
	       (strlen(keys[key].name) != name_length || memcmp(keys[key].name, pair, name_length)))
		key++;
	if (key == KEYS)
		return refuse_rule(error, pair, length);
	if (mute->given >> key & 1) {
		sentence_add(error, keys[key].name);
		sentence_add(error, "= stands there twice: give each key once, and several rules "
				    "for several values");
		return -EINVAL;
	}
	mute->given |= 1U << key;
	/* One that is too long is cut here, and refused. */
	memcpy(value, equals + 1, value_length < VALUE_BYTES ? value_length : VALUE_BYTES - 1);
	code = value_length && value_length < VALUE_BYTES ? keys[key].take(mute, value) : -EINVAL;
	return code ? refuse_value(error, key, value, code) : 0;
}

int mute_parse(const char *text, struct mute *mute, char *error, size_t size)
{
	struct sentence sentence = {.text = error, .size = size};
	struct mute parsed = {0};

	error[0] = '\0';
	for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
		const char *space = strchr(text, ' ');
		size_t length = space ? (size_t)(space - text) : strlen(text);

		if (parse_pair(text, length, &parsed, &sentence))
			return -EINVAL;
		text += length;
	}
	if (!parsed.given)
		return refuse_rule(&sentence, "", 0);
	*mute = parsed;
	return 0;
}

static bool match(const struct mute *mute, const struct alert *alert)
{
	for (unsigned key = 0; key < KEYS; key++)
		if (mute->given >> key & 1 && !keys[key].match(mute, alert))
			return false;
	return true;
}

bool mute_matches(const struct mute_rules *rules, const struct alert *alert)
{
	for (unsigned i = 0; i < rules->count; i++)
		if (match(&rules->rules[i], alert))
			return true;
	return false;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "synflood.h"

#include <string.h>

#include "summary.h"
#include "units.h"

#define PAUSE_NS (2 * SECOND_NS)

static bool is(const struct incident *incident, const char *name, const char *value)
{
	return !strcmp(summary_word(incident, name), value);
}

/* What is counted is whole. */
static uint64_t round_fact(const struct incident *incident, const char *name)
{
	return (uint64_t)(book_find_fact(incident, name) + 0.5);
}

static void add_where(struct sentence *sentence, const struct alert *alert)
{
	if (alert->local_port) {
		sentence_add(sentence, " at port ");
		sentence_add_number(sentence, alert->local_port);
	} else {
		sentence_add(sentence, " at a port that is not known");
	}
	if (alert->owner.process) {
		sentence_add(sentence, " of ");
		sentence_add_owner(sentence, &alert->owner);
	}
}

static void add_sources(struct sentence *sentence, const struct incident *incident)
{
	if (is(incident, "kind", "spoofed")) {
		sentence_add(sentence, ", hardly two from the same address: it looks forged");
	} else if (is(incident, "kind", "few_sources") && incident->peer_count) {
		sentence_add(sentence, ", most of them from or next to ");
		sentence_add_address(sentence, book_main_peer(incident)->address);
		sentence_add(sentence, " (not proven)");
	} else if (is(incident, "kind", "many_sources")) {
		sentence_add(sentence, ", from some ");
		summary_add_addresses(sentence, incident->peers_all);
		sentence_add(sentence, " (not proven)");
	}
}

static void add_defence(struct sentence *sentence, const struct incident *incident)
{
	uint64_t sent = round_fact(incident, "cookies_sent"), drops = round_fact(incident, "drops");
	uint64_t valid = round_fact(incident, "cookies_valid");

	if (sent) {
		sentence_add(sentence, "; ");
		sentence_add_count(sentence, sent, " SYN cookie");
		sentence_add(sentence, " sent, ");
		if (valid)
			sentence_add_number(sentence, valid);
		sentence_add(sentence, valid ? " answered" : "none answered");
	}
	if (drops) {
		sentence_add(sentence, "; ");
		sentence_add_count(sentence, drops, " segment");
		sentence_add(sentence, " dropped");
	}
	if (incident->severity == ALERT_CRITICAL)
		sentence_add(sentence, "; clients fail to connect");
}

static void say_flood(struct sentence *sentence, const struct incident *incident,
		      const struct alert *alert)
{
	uint64_t half_open = round_fact(incident, "half_open");
	uint64_t stale = round_fact(incident, "stale");

	sentence_add(sentence, "SYN flood");
	add_where(sentence, alert);
	if (alert->status == ALERT_CLEARED) {
		sentence_add(sentence, " is over: ");
		sentence_add_count(sentence, incident->total, " SYN");
		sentence_add(sentence, " came to nothing in ");
		sentence_add_duration_ns(sentence, incident->last_ns - incident->first_ns);
	} else if (alert->time_ns > incident->last_ns + PAUSE_NS) {
		sentence_add(sentence, " pauses for ");
		sentence_add_duration_ns(sentence, alert->time_ns - incident->last_ns);
		sentence_add(sentence, ": ");
		sentence_add_count(sentence, incident->total, " SYN");
		sentence_add(sentence, " came to nothing so far");
	} else {
		sentence_add(sentence, ": ");
		summary_add_rate(sentence, round_fact(incident, "syns_per_second"), " SYN");
		sentence_add(sentence, " that nobody completes");
		if (half_open) {
			sentence_add(sentence, ", ");
			sentence_add_number(sentence, half_open);
			sentence_add(sentence, " half-open (backlog ");
			sentence_add_number(sentence, round_fact(incident, "backlog"));
			sentence_add(sentence, ")");
		}
		if (half_open && stale) {
			sentence_add(sentence, ", ");
			sentence_add_number(sentence, stale);
			sentence_add(sentence, " stale");
		}
	}
	add_sources(sentence, incident);
	add_defence(sentence, incident);
}

static const char *advise_flood(const struct incident *incident)
{
	if (is(incident, "syncookies", "off"))
		return "Turn SYN cookies on at once: sysctl net.ipv4.tcp_syncookies=1. Do not "
		       "block the addresses: they can be forged.";
	if (is(incident, "syncookies", "on"))
		return "SYN cookies hold the service up; if it suffers, filter upstream "
		       "(SYNPROXY, your provider). Do not block the addresses: they can be "
		       "forged.";
	if (book_find_fact(incident, "backlog") > 0 && book_find_fact(incident, "backlog") <= 128)
		return "See that net.ipv4.tcp_syncookies is 1, and raise the backlog of the "
		       "service and net.core.somaxconn. Do not block the addresses: they can be "
		       "forged.";
	return "See that net.ipv4.tcp_syncookies is 1; if the service suffers, filter upstream "
	       "(SYNPROXY, your provider). Do not block the addresses: they can be forged.";
}

static void say_churn(struct sentence *sentence, const struct incident *incident,
		      const struct alert *alert)
{
	sentence_add_address(sentence, incident->key.peer);
	sentence_add(sentence, alert->status == ALERT_CLEARED ? " has withdrawn " : " withdraws ");
	sentence_add_count(sentence, incident->total, " SYN");
	add_where(sentence, alert);
	sentence_add(sentence, alert->status == ALERT_CLEARED ? " in " : " so far, within ");
	sentence_add_duration_ns(sentence, incident->last_ns - incident->first_ns);
	sentence_add(sentence, ": each is answered, and the answer is reset");
}

static void say_path_loss(struct sentence *sentence, const struct incident *incident,
			  const struct alert *alert)
{
	sentence_add(sentence, "Handshakes");
	add_where(sentence, alert);
	sentence_add(sentence, alert->status == ALERT_CLEARED ? " were not completed: "
							      : " are not completed: ");
	sentence_add_number(sentence, round_fact(incident, "completed_per_second"));
	sentence_add(sentence, "/s after ");
	sentence_add_number(sentence, round_fact(incident, "completed_per_second_before"));
	sentence_add(sentence, "/s, ");
	sentence_add_number(sentence, round_fact(incident, "stale"));
	sentence_add(sentence, round_fact(incident, "stale") == 1 ? " waits" : " wait");
	sentence_add(sentence, " without more SYNs than before: what this host sends seems to "
			       "be lost");
}

void synflood_describe(const struct incident *incident, struct alert *alert)
{
	struct sentence sentence = {.text = alert->summary, .size = sizeof(alert->summary)};

	switch (incident->key.detail) {
	case SYNFLOOD_CHURN:
		say_churn(&sentence, incident, alert);
		alert->advice = "See whether that address is a health check or a scanner of "
				"yours; if it is neither, limit its rate or block it.";
		break;
	case SYNFLOOD_PATH_LOSS:
		say_path_loss(&sentence, incident, alert);
		alert->advice = "Look at what leaves this host: routes, firewall rules for "
				"outgoing packets, the link.";
		break;
	default:
		say_flood(&sentence, incident, alert);
		alert->advice = advise_flood(incident);
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "service.h"

#include <signal.h>
#include <string.h>

#include "summary.h"
#include "units.h"

static void add_end(struct sentence *sentence, const struct owner *owner)
{
	char text[OWNER_EXIT_BYTES];

	if (!owner->exited) {
		sentence_add(sentence, " has closed it");
		return;
	}
	owner_exit_format(text, owner->exit_status);
	sentence_add(sentence, owner->exit_status & 0x7f ? " was " : " ");
	sentence_add(sentence, text);
}

static void add_refused(struct sentence *sentence, const struct incident *incident)
{
	sentence_add_count(sentence, incident->total, " attempt");
	sentence_add(sentence, incident->total == 1 ? " to connect was refused, of "
						    : " to connect were refused, of ");
	if (incident->peers_estimated)
		sentence_add(sentence, "about ");
	if (incident->proof == ALERT_PROOF_HANDSHAKE)
		sentence_add_count(sentence, incident->peers_all, " client");
	else
		summary_add_addresses(sentence, incident->peers_all);
}

static const char *advice_of(const struct incident *incident, bool back)
{
	const struct owner *owner = &incident->owner;
	unsigned number = owner->exited ? owner->exit_status & 0x7f : 0;

	if (book_find_fact(incident, "times_down") > 2)
		return "It keeps stopping: see the log of its unit (journalctl -u) for why, before "
		       "it is started once more.";
	if (back)
		return "It is back: see in the log of its unit (journalctl -u) why it had stopped.";
	if (number == SIGKILL)
		return "See who killed it (dmesg, if memory ran out; the log of its unit, "
		       "journalctl -u), and start it again.";
	if (number && !service_is_request(number))
		return "It crashed: see coredumpctl and the log of its unit (journalctl -u), and "
		       "start it again.";
	if (owner->exited && !number && owner->exit_status)
		return "It has given up: see the log of its unit (systemctl status, journalctl "
		       "-u), and start it again.";
	return "See whether it was stopped on purpose (systemctl status); if so, tell its clients, "
	       "else start it again.";
}

void service_describe(const struct incident *incident, struct alert *alert)
{
	struct sentence sentence = {.text = alert->summary, .size = sizeof(alert->summary)};
	double down = book_find_fact(incident, "down_seconds");
	unsigned times = book_find_fact(incident, "times_down");
	unsigned new_pid = book_find_fact(incident, "new_pid");
	bool back = !strcmp(summary_word(incident, "back"), "yes");

	sentence_add(&sentence, "Port ");
	sentence_add_number(&sentence, incident->key.port);
	sentence_add(&sentence, back ? " was down for "
				: alert->status == ALERT_CLEARED
					? " is still down, but nobody asks for it any more, after "
					: " has been down for ");
	sentence_add_duration_ns(&sentence, down * SECOND_NS);
	sentence_add(&sentence, ": ");
	sentence_add_owner(&sentence, &alert->owner);
	add_end(&sentence, &incident->owner);
	sentence_add(&sentence, "; ");
	add_refused(&sentence, incident);
	if (times > 1) {
		sentence_add(&sentence, "; it went down ");
		sentence_add_count(&sentence, times, " time");
	}
	if (back)
		sentence_add(&sentence, "; somebody listens again");
	if (back && new_pid) {
		sentence_add(&sentence, " (pid ");
		sentence_add_number(&sentence, new_pid);
		sentence_add(&sentence, ")");
	}
	alert->advice = advice_of(incident, back);
}

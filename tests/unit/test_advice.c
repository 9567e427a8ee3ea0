// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit.h"

#include "advice.h"
#include "names.h"

static const struct rate_verdict verdict = {
	.recent = 123.4, .baseline = 2, .limit = 50, .recent_total = 1234};

static struct alert alert_of(unsigned direction)
{
	return (struct alert){.kind = direction == RST_SENT ? ALERT_RST_SENT_RATE
							    : ALERT_RST_RECEIVED_RATE,
			      .direction = direction,
			      .total = 1234};
}

static void says_who_and_why(void **state)
{
	struct alert alert = alert_of(RST_SENT);

	(void)state;
	alert.netns = 4026531840U;
	alert.causes[RST_ABORTED] = 234;
	alert.causes[RST_CLOSED_PORT] = 1000;
	alert.port_count = alert.peer_count = 1;
	alert.ports[0] = (struct window_port){.key = {.port = 8080}, .sent = 617};
	alert.peers[0].count = 1234;
	unit_ipv4(alert.peers[0].key.address, 0x0a000007);
	advice_rate(&alert, &verdict);
	assert_string_equal(
		alert.summary,
		"123.4 resets/s sent in netns 4026531840 over 10 s, against 2/s in the "
		"minute before it began; 81% closed_port, 50% port 8080, 100% peer 10.0.0.7");
	assert_non_null(strstr(alert.advice, "Nothing listens"));
}

/* Who has most of it, and only then; however it calls itself. */
static void says_whose_they_are(void **state)
{
	struct process process = {.pid = 812, .comm = "nginx"};
	struct alert alert = alert_of(RST_SENT);

	(void)state;
	alert.causes[RST_ABORTED] = 1234;
	alert.owner_count = 1;
	alert.owners[0].owner = (struct owner){.known_by = OWNER_SOCKET, .process = &process};
	alert.owners[0].sent = 616;
	advice_rate(&alert, &verdict);
	assert_null(strstr(alert.summary, "nginx"));
	alert.owners[0].sent = 617;
	advice_rate(&alert, &verdict);
	assert_non_null(strstr(alert.summary, "; 100% aborted, 50% nginx (pid 812)"));
	strcpy(process.comm, "\033[1m\n\xc3\xa9\x7f");
	advice_rate(&alert, &verdict);
	assert_non_null(strstr(alert.summary, "; 100% aborted, 50% ?[1m???? (pid 812)"));
	alert.owners[0].owner.known_by = OWNER_LAST_LISTENER;
	advice_rate(&alert, &verdict);
	assert_non_null(strstr(alert.summary, "(pid 812, stopped)"));
	/* The cause has said it. */
	alert.owners[0].owner = (struct owner){.known_by = OWNER_KERNEL};
	advice_rate(&alert, &verdict);
	assert_string_equal(strstr(alert.summary, "; "), "; 100% aborted");
}

static void says_no_more_than_is_known(void **state)
{
	struct alert alert = alert_of(RST_RECEIVED);

	(void)state;
	advice_rate(&alert, &verdict);
	assert_string_equal(
		alert.summary,
		"123.4 resets/s received over 10 s, against 2/s in the minute before it began");
	assert_non_null(alert.advice);
	alert = alert_of(RST_RECEIVED);
	alert.total = 0;
	alert.causes[RST_STAGE_REFUSED] = 3;
	advice_rate(&alert, &verdict);
	assert_non_null(strstr(alert.summary, "; 0% refused"));
}

/* The largest cause is the main one, and has a piece of advice that is not another's. */
static void advice_fits_the_main_cause(void **state)
{
	const char *seen[RST_CAUSES] = {NULL};

	(void)state;
	for (unsigned cause = 1; cause < RST_CAUSES; cause++) {
		struct alert alert;
		char word[40];

		if (!name_cause(cause))
			continue;
		alert = alert_of(name_cause_direction(cause));
		alert.causes[cause] = 1000;
		alert.causes[cause == RST_ABORTED ? RST_INVALID : RST_ABORTED] = 234;
		advice_rate(&alert, &verdict);
		strcpy(word, "81% ");
		strcat(word, name_cause(cause));
		assert_non_null(strstr(alert.summary, word));
		assert_non_null(alert.advice);
		for (unsigned other = 1; other < cause; other++)
			if (seen[other])
				assert_string_not_equal(seen[other], alert.advice);
		seen[cause] = alert.advice;
	}
}

static void cause_of_a_later_version(void **state)
{
	(void)state;
	for (unsigned cause = 0; cause < RST_CAUSES; cause++) {
		struct alert alert = alert_of(RST_SENT);

		if (name_cause(cause))
			continue;
		alert.causes[cause] = 1000;
		alert.causes[RST_ABORTED] = 234;
		advice_rate(&alert, &verdict);
		assert_non_null(strstr(alert.summary, "18% aborted"));
		assert_non_null(alert.advice);
	}
}

static void longest_sentence_fits(void **state)
{
	const struct rate_verdict huge = {.recent = 1e17, .baseline = 1e17};
	const struct process process = {.pid = 0xffffffff, .comm = "nnnnnnnnnnnnnnn"};
	struct alert alert = alert_of(RST_RECEIVED);

	(void)state;
	alert.netns = 0xffffffff;
	alert.total = 1;
	alert.owner_count = 1;
	alert.owners[0].owner =
		(struct owner){.known_by = OWNER_LAST_LISTENER, .process = &process};
	alert.owners[0].received = 1;
	alert.causes[RST_STAGE_ESTABLISHED] = 1;
	alert.port_count = alert.peer_count = 1;
	alert.ports[0] = (struct window_port){.key = {.port = 65535}, .received = 1};
	alert.peers[0].count = 1;
	memset(alert.peers[0].key.address, 0xff, 16);
	advice_rate(&alert, &huge);
	assert_string_equal(alert.summary + strlen(alert.summary) - 44,
			    "peer ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_who_and_why),
		cmocka_unit_test(says_whose_they_are),
		cmocka_unit_test(says_no_more_than_is_known),
		cmocka_unit_test(advice_fits_the_main_cause),
		cmocka_unit_test(cause_of_a_later_version),
		cmocka_unit_test(longest_sentence_fits),
	};

	return cmocka_run_group_tests_name("advice", tests, NULL, NULL);
}

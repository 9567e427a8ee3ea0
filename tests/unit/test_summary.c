// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "told.h"

#include "summary.h"

static void numbers_and_nouns_agree(void **state)
{
	char text[160] = "";
	struct sentence sentence = {.text = text, .size = sizeof(text)};
	const double rates[] = {0, 0.94, 0.95, 1, 1.04, 1.05, 2};

	(void)state;
	for (unsigned i = 0; i < COUNT_OF(rates); i++)
		summary_add_rate(&sentence, rates[i], " x");
	for (unsigned i = 0; i < 3; i++)
		summary_add_addresses(&sentence, i);
	assert_string_equal(text, "0 xs/s0.9 xs/s1 x/s1 x/s1 x/s1.1 xs/s2 xs/s"
				  "0 addresses1 address2 addresses");
}

static void port_of_ours_or_theirs(void **state)
{
	char text[64] = "";
	struct sentence sentence = {.text = text, .size = sizeof(text)};
	struct incident incident = {.key = {.port = 0}};

	(void)state;
	summary_add_port(&sentence, &incident);
	assert_string_equal(text, "");
	incident.key.port = 80;
	summary_add_port(&sentence, &incident);
	incident.key.role = RST_ROLE_CLIENT;
	summary_add_port(&sentence, &incident);
	assert_string_equal(text, " of port 80 to port 80");
}

static void words_by_name(void **state)
{
	struct incident incident = {.key = {.port = 0}};

	(void)state;
	assert_string_equal(summary_word(&incident, "kind"), "");
	book_word(&incident, "back", "no");
	book_word(&incident, "kind", "idle");
	assert_string_equal(summary_word(&incident, "kind"), "idle");
}

static void begins_with_its_process(void **state)
{
	struct process process = {.pid = 812, .comm = "nginx"};
	struct alert alert = {.owner = {.known_by = OWNER_SOCKET}};
	char text[64] = "";
	struct sentence sentence = {.text = text, .size = sizeof(text)};

	(void)state;
	summary_begin_owner(&sentence, &alert);
	assert_string_equal(text, "A process");
	alert.owner.process = &process;
	sentence.length = 0;
	summary_begin_owner(&sentence, &alert);
	assert_string_equal(text, "nginx (pid 812)");
}

/* Who looks at all summaries sees what is wrong in one. */
static void wrong_numbers_are_seen(void **state)
{
	static const char *const wrong[] = {"1 ports", "0 resets and", "1 new destinations",
					    "1 SYN cookies", "1 SYNs/s"};
	static const char *const right[] = {"1 port",	"0 ms",	   "1 address", "0 of 5",
					    "0 SYNs/s", "1 SYN/s", "1 s",	"1 SYN cookie"};

	(void)state;
	for (unsigned i = 0; i < COUNT_OF(wrong); i++)
		assert_true(told_is_misnumbered(wrong[i]));
	for (unsigned i = 0; i < COUNT_OF(right); i++)
		assert_false(told_is_misnumbered(right[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_and_nouns_agree),
		cmocka_unit_test(port_of_ours_or_theirs),
		cmocka_unit_test(words_by_name),
		cmocka_unit_test(begins_with_its_process),
		cmocka_unit_test(wrong_numbers_are_seen),
	};

	return cmocka_run_group_tests_name("summary", tests, NULL, NULL);
}

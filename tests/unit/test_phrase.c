// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit.h"

#include "phrase.h"

static char text[512];

static struct sentence *begin(void)
{
	static struct sentence sentence;

	memset(text, 'x', sizeof(text));
	text[0] = '\0';
	sentence = (struct sentence){.text = text, .size = sizeof(text)};
	return &sentence;
}

static void foreign(void **state)
{
	static const struct {
		const char *bytes, *shown;
	} examples[] = {
		{"", ""},
		{"nginx", "nginx"},
		{"a b~", "a b~"},
		{"a\nb\x1b[31m\x7f", "a\\x0ab\\x1b[31m\\x7f"},
		{"caf\xc3\xa9", "caf\xc3\xa9"},
		{"\xe2\x82\xac\xf0\x9f\x98\x80", "\xe2\x82\xac\xf0\x9f\x98\x80"},
		{"\xc3", "\\xc3"},
		{"\xe2\x82", "\\xe2\\x82"},
		{"\xf0\x9f\x98z", "\\xf0\\x9f\\x98z"},
		{"\x80\xbf\xff", "\\x80\\xbf\\xff"},
		{"\xc0\xaf\xc1\xbf", "\\xc0\\xaf\\xc1\\xbf"}, /* too long for what they say */
		{"\xe0\x9f\xbf", "\\xe0\\x9f\\xbf"},
		{"\xf0\x8f\xbf\xbf", "\\xf0\\x8f\\xbf\\xbf"},
		{"\xed\xa0\x80", "\\xed\\xa0\\x80"}, /* a surrogate */
		{"\xed\x9f\xbf\xee\x80\x80", "\xed\x9f\xbf\xee\x80\x80"},
		{"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"}, /* U+10FFFF */
		{"\xf4\x90\x80\x80\xf5", "\\xf4\\x90\\x80\\x80\\xf5"},
		{"\xc2\x9b\xc2\xa0", "\\xc2\\x9b\xc2\xa0"}, /* CSI of 8 bits */
		{"\xe2\x80\xae\xe2\x81\xa6", "\\xe2\\x80\\xae\\xe2\\x81\\xa6"},
		{"\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xa5", "\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xa5"},
		{"\xe2\x80\xa8", "\\xe2\\x80\\xa8"},
		{"\xe2\x81\xa9\xe2\x81\xaa", "\\xe2\\x81\\xa9\xe2\x81\xaa"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(examples); i++) {
		/* In memory of its own: nothing behind the NUL is read. */
		char *bytes = strdup(examples[i].bytes);

		phrase_add_foreign(begin(), bytes, 100);
		assert_string_equal(text, examples[i].shown);
		free(bytes);
	}
	phrase_add_foreign(begin(), "abc", 3);
	assert_string_equal(text, "abc");
	phrase_add_foreign(begin(), "abcd", 3);
	assert_string_equal(text, "abc...");
	phrase_add_foreign(begin(), "ab\xc3\xa9", 3);
	assert_string_equal(text, "ab...");
	phrase_add_foreign(begin(), "a\n", 4);
	assert_string_equal(text, "a...");
}

static void durations(void **state)
{
	static const struct {
		uint64_t ms;
		const char *shown;
	} examples[] = {
		{0, "0 ms"},
		{40, "40 ms"},
		{999, "999 ms"},
		{1000, "1 s"},
		{3249, "3.2 s"},
		{59940, "59.9 s"},
		{60000, "1 min"},
		{119999, "1 min"},
		{7199999, "119 min"},
		{7200000, "2 h"},
		{172799999, "47 h"},
		{172800000, "2 days"},
		{UINT32_MAX, "49 days"},
		{UINT64_MAX / 1000000, "213503 days"},
		{UINT64_MAX, "213503982334 days"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(examples); i++) {
		phrase_add_duration(begin(), examples[i].ms);
		assert_string_equal(text, examples[i].shown);
	}
}

static void amounts(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *shown;
	} examples[] = {
		{0, "0 bytes"},		 {1, "1 byte"},		{999, "999 bytes"},
		{1000, "1 kB"},		 {4240, "4.2 kB"},	{9949, "9.9 kB"},
		{12345, "12 kB"},	 {999999, "999 kB"},	{1000000, "1 MB"},
		{2500000000, "2.5 GB"},	 {UINT64_MAX, "18 EB"}, {999999999999999999, "999 PB"},
		{1000000000000, "1 TB"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(examples); i++) {
		phrase_add_bytes(begin(), examples[i].bytes);
		assert_string_equal(text, examples[i].shown);
	}
}

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void processes(void **state)
{
	static const struct {
		struct process process;
		const char *shown;
	} examples[] = {
		{{.pid = 812, .comm = "nginx"}, "nginx (pid 812)"},
		{{.pid = 812}, "A process (pid 812)"},
		{{.pid = 812, .comm = "nginx", .names.unit = "nginx.service"},
		 "nginx (pid 812, nginx.service)"},
		{{.pid = 1, .comm = "x", .names = {.container = ID, .runtime = "docker"}},
		 "x (pid 1, docker container 0123456789ab)"},
		{{.pid = 1, .comm = "x", .names = {.container = ID, .pod = "u"}},
		 "x (pid 1, container 0123456789ab)"},
		{{.pid = 1, .comm = "x", .names = {.pod = "u"}}, "x (pid 1, pod u)"},
		{{.pid = 1,
		  .comm = "x",
		  .names = {.unit = "a.service", .container = "w\n1", .runtime = "lxc"}},
		 "x (pid 1, a.service, lxc container w\\x0a1)"},
		{{.pid = 1, .comm = "\xff\x01", .names.unit = "\n.service"},
		 "\\xff\\x01 (pid 1, \\x0a.service)"},
	};
	struct process longest = {.pid = UINT32_MAX, .names.runtime = "systemd-nspawn"};
	struct sentence *sentence;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(examples); i++) {
		phrase_add_process(begin(), &examples[i].process);
		assert_string_equal(text, examples[i].shown);
	}
	phrase_add_process(begin(), NULL);
	assert_string_equal(text, "A process");
	sentence = begin();
	sentence_add(sentence, "It is ");
	phrase_add_process(sentence, NULL);
	assert_string_equal(text, "It is a process");
	memset(longest.comm, 1, sizeof(longest.comm) - 1);
	memset(longest.names.unit, 1, sizeof(longest.names.unit) - 1);
	memset(longest.names.container, 1, sizeof(longest.names.container) - 1);
	sentence = begin();
	phrase_add_process(sentence, &longest);
	assert_in_range(sentence->length, 150, PHRASE_PROCESS);
	assert_string_equal(text + sentence->length - 5, "1...)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(foreign),
		cmocka_unit_test(durations),
		cmocka_unit_test(amounts),
		cmocka_unit_test(processes),
	};

	return cmocka_run_group_tests_name("phrase", tests, NULL, NULL);
}

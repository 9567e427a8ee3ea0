// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit.h"

#include <stdio.h>

#include "options.h"
#include "rate.h"

#define WORDS 160

/* The words behind "rstwatch", parsed. argv must not change, nor *options on failure. */
static int parse_words(struct options *options, char error[OPTIONS_ERROR_BYTES],
		       const char *const *words)
{
	char *argv[WORDS + 2] = {(char *)"rstwatch"}, *copy[WORDS + 2];
	struct options before;
	int argc = 1, code;

	while (words[argc - 1]) {
		assert_true(argc <= WORDS);
		argv[argc] = (char *)words[argc - 1];
		argc++;
	}
	memcpy(copy, argv, sizeof(copy));
	memset(options, 0xa5, sizeof(*options));
	before = *options;
	memset(error, 'x', OPTIONS_ERROR_BYTES);
	code = options_parse(argc, argv, options, error);
	assert_memory_equal(copy, argv, sizeof(copy));
	if (code)
		assert_memory_equal(&before, options, sizeof(before));
	return code;
}

static struct options accept_words(const char *const *words)
{
	struct options options;
	char error[OPTIONS_ERROR_BYTES];

	if (parse_words(&options, error, words))
		fail_msg("%s ...: %s", words[0], error);
	return options;
}

/* Refused in one line, which holds this. */
static void refuse_words(const char *part, const char *const *words)
{
	struct options options;
	char error[OPTIONS_ERROR_BYTES];
	int code = parse_words(&options, error, words);

	if (!code)
		fail_msg("%s %s is accepted", words[0], words[0] && words[1] ? words[1] : "");
	assert_int_equal(code, -EINVAL);
	assert_non_null(memchr(error, '\0', sizeof(error)));
	if (strpbrk(error, "\n\r\033\t"))
		fail_msg("not one line: %s", error);
	if (!strstr(error, part))
		fail_msg("\"%s\" is not in: %s", part, error);
}

#define ACCEPT(...)	  accept_words((const char *const[]){__VA_ARGS__, NULL})
#define REFUSE(part, ...) refuse_words(part, (const char *const[]){__VA_ARGS__, NULL})

static void nothing_at_all(void **state)
{
	const char *const none[] = {NULL};
	struct options options = accept_words(none), empty;
	char error[OPTIONS_ERROR_BYTES];
	char *argv[] = {NULL};

	(void)state;
	assert_int_equal(options.command, OPTIONS_STREAM);
	assert_int_equal(options.action, OPTIONS_RUN);
	assert_null(options.path);
	assert_null(options.btf_path);
	assert_int_equal(options.window_seconds, 0);
	assert_int_equal(options.duration_seconds, 0);
	assert_int_equal(options.event_limit, 0);
	assert_false(options.has_rate);
	assert_memory_equal(&options.rate, &rate_defaults, sizeof(rate_defaults));
	assert_int_equal(options.filter.direction, 0);
	assert_int_equal(options.filter.family, 0);
	assert_int_equal(options.filter.cause, 0);
	assert_int_equal(options.filter.netns, 0);
	assert_int_equal(options.filter.port_count, 0);
	assert_false(options.filter.has_peer);
	assert_false(options.view.json);
	assert_true(options.view.events);
	assert_true(options.view.windows);
	assert_int_equal(options.filter.pid_count, 0);
	assert_null(options.filter.unit);
	assert_null(options.filter.container);
	assert_null(options.filter.cgroup);
	assert_false(options.view.wide);
	assert_false(options.view.explain);
	assert_true(options.view.wall_time);
	assert_false(options.view.since_start);
	assert_false(options.view.utc);
	assert_false(options.view.color);
	assert_false(options.fail_on_alert);
	assert_false(options.verbose);
	/* Not even a name: execve() can do that. */
	assert_int_equal(options_parse(0, argv, &empty, error), 0);
	assert_int_equal(empty.command, OPTIONS_STREAM);
}

/* --- each option, in its forms --- */

static void flags(void **state)
{
	(void)state;
	assert_true(ACCEPT("-j").view.json);
	assert_true(ACCEPT("--json").view.json);
	assert_false(ACCEPT("-q").view.events);
	assert_true(ACCEPT("-q").view.windows);
	assert_false(ACCEPT("--quiet").view.events);
	assert_false(ACCEPT("--alerts").view.events);
	assert_false(ACCEPT("--alerts").view.windows);
	assert_false(ACCEPT("--alerts", "-q").view.windows);
	assert_true(ACCEPT("-w").view.wide);
	assert_true(ACCEPT("--wide").view.wide);
	assert_true(ACCEPT("--explain").view.explain);
	assert_true(ACCEPT("replay", "file", "--explain").view.events);
	assert_true(ACCEPT("--utc").view.utc);
	assert_true(ACCEPT("--fail-on-alert").fail_on_alert);
	assert_true(ACCEPT("-v").verbose);
	assert_true(ACCEPT("--verbose").verbose);
	assert_int_equal(ACCEPT("-s").filter.direction, RST_SENT);
	assert_int_equal(ACCEPT("--sent").filter.direction, RST_SENT);
	assert_int_equal(ACCEPT("-s", "--sent").filter.direction, RST_SENT);
	assert_int_equal(ACCEPT("-r").filter.direction, RST_RECEIVED);
	assert_int_equal(ACCEPT("--received").filter.direction, RST_RECEIVED);
	assert_int_equal(ACCEPT("-4").filter.family, 4);
	assert_int_equal(ACCEPT("--ipv4").filter.family, 4);
	assert_int_equal(ACCEPT("-6").filter.family, 6);
	assert_int_equal(ACCEPT("--ipv6").filter.family, 6);
}

static void times(void **state)
{
	(void)state;
	assert_true(ACCEPT("-T").view.wall_time);
	assert_false(ACCEPT("--time").view.since_start);
	assert_false(ACCEPT("-t").view.wall_time); /* instead of the default */
	assert_true(ACCEPT("-t").view.since_start);
	assert_true(ACCEPT("--seconds").view.since_start);
	assert_true(ACCEPT("-t", "-T").view.wall_time); /* both if both are asked for */
	assert_true(ACCEPT("-T", "-t").view.since_start);
}

static void numbers(void **state)
{
	(void)state;
	assert_int_equal(ACCEPT("-i", "1").window_seconds, 1);
	assert_int_equal(ACCEPT("-i3600").window_seconds, 3600);
	assert_int_equal(ACCEPT("--interval", "60").window_seconds, 60);
	assert_int_equal(ACCEPT("--interval=60").window_seconds, 60);
	assert_int_equal(ACCEPT("-i", "5", "-i", "7").window_seconds, 7);
	assert_int_equal(ACCEPT("-d", "1").duration_seconds, 1);
	assert_int_equal(ACCEPT("--duration=4294967295").duration_seconds, 4294967295);
	assert_int_equal(ACCEPT("--count", "1").event_limit, 1);
	assert_int_equal(ACCEPT("--count", "18446744073709551615").event_limit, UINT64_MAX);
	assert_int_equal(ACCEPT("--netns", "4294967295").filter.netns, 4294967295);
	assert_int_equal(ACCEPT("--netns=1").filter.netns, 1);
	assert_int_equal(ACCEPT("-j").limits.events, 10000);
	assert_int_equal(ACCEPT("--max-events", "100").limits.events, 100);
	assert_int_equal(ACCEPT("--max-events=10000000").limits.events, 10000000);
	assert_int_equal(ACCEPT("-j").limits.ports, RST_PORTS_MAX);
	assert_int_equal(ACCEPT("--max-ports", "1024").limits.ports, 1024);
	assert_int_equal(ACCEPT("-j").limits.peers, RST_PEERS_MAX);
	assert_int_equal(ACCEPT("--max-peers", "4194304").limits.peers, 4194304);
}

static void bad_numbers(void **state)
{
	static const char *const bad[] = {"",
					  "0",
					  "-1",
					  "+1",
					  " 1",
					  "1 ",
					  "10abc",
					  "abc",
					  "0x10",
					  "1.5",
					  "1e3",
					  "1,2",
					  "99999999999999999999",
					  "\xd9\xa1"};
	static const char *const tables[] = {"--max-ports", "--max-peers"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		REFUSE("from 1 to 3600", "-i", bad[i]);
		REFUSE("whole seconds, 1 or more", "-d", bad[i]);
		REFUSE("a number of events, 1 or more", "--count", bad[i]);
		REFUSE("lsns -t net", "--netns", bad[i]);
		REFUSE("from 100 to 10000000", "--max-events", bad[i]);
		REFUSE("from 1024 to 4194304", "--max-ports", bad[i]);
		REFUSE("from 1024 to 4194304", "--max-peers", bad[i]);
	}
	REFUSE("from 100 to 10000000", "--max-events", "99");
	REFUSE("from 100 to 10000000", "--max-events", "10000001");
	REFUSE("from 100 to 10000000", "--max-events", "4294967396"); /* 2^32 + 100 */
	for (size_t i = 0; i < COUNT_OF(tables); i++) {
		REFUSE("from 1024 to 4194304", tables[i], "1023");
		REFUSE("from 1024 to 4194304", tables[i], "4194305");
		REFUSE("from 1024 to 4194304", tables[i], "4294968320"); /* 2^32 + 1024 */
		REFUSE("a replay asks no kernel", "replay", "x", tables[i], "1024");
	}
	REFUSE("a replay asks no kernel", "replay", "x", "--max-events", "100");
	REFUSE("from 1 to 3600", "-i", "3601");
	REFUSE("from 1 to 3600", "-i10abc");
	REFUSE("from 1 to 3600", "--interval=-1");
	REFUSE("1 or more", "-d", "4294967296");
	REFUSE("1 or more", "--count", "18446744073709551616");
	REFUSE("inode number", "--netns", "4294967296");
}

static void ports(void **state)
{
	struct options options;

	(void)state;
	options = ACCEPT("-P", "80");
	assert_int_equal(options.filter.port_count, 1);
	assert_int_equal(options.filter.ports[0], 80);
	options = ACCEPT("--port=1,65535,443", "-P8080");
	assert_int_equal(options.filter.port_count, 4);
	assert_int_equal(options.filter.ports[0], 1);
	assert_int_equal(options.filter.ports[1], 65535);
	assert_int_equal(options.filter.ports[2], 443);
	assert_int_equal(options.filter.ports[3], 8080);
}

static void bad_ports(void **state)
{
	static const char *const bad[] = {
		"",    "0",	 "70000", "65536", "-1",    "80,",  ",80",  "8,,0",	   ",",
		"80 ", "80, 81", "http",  "80-90", "10abc", "80,0", "80,x", "99999999999", "0x50"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		REFUSE("ports from 1 to 65535, with commas between", "-P", bad[i]);
}

static void many_ports(void **state)
{
	char list[65 * 6] = "";
	struct options options;

	(void)state;
	for (unsigned i = 0; i < FILTER_PORTS; i++)
		snprintf(list + strlen(list), 7, "%s%u", i ? "," : "", 10000 + i);
	options = ACCEPT("-P", list);
	assert_int_equal(options.filter.port_count, FILTER_PORTS);
	assert_int_equal(options.filter.ports[FILTER_PORTS - 1], 10000 + FILTER_PORTS - 1);
	REFUSE("at most 64 ports", "-P", list, "-P", "1");
	strcat(list, ",9");
	REFUSE("at most 64 ports", "-P", list);
}

static void pids(void **state)
{
	struct options options;

	(void)state;
	options = ACCEPT("-p", "812");
	assert_int_equal(options.filter.pid_count, 1);
	assert_int_equal(options.filter.pids[0], 812);
	options = ACCEPT("--pid=1,4194304", "-p2", "-P", "80");
	assert_int_equal(options.filter.pid_count, 3);
	assert_int_equal(options.filter.pids[0], 1);
	assert_int_equal(options.filter.pids[1], 4194304);
	assert_int_equal(options.filter.pids[2], 2);
	assert_int_equal(options.filter.port_count, 1);
}

static void bad_pids(void **state)
{
	static const char *const bad[] = {"",
					  "0",
					  "-1",
					  "4194305",
					  "1,",
					  ",1",
					  "1,,2",
					  ",",
					  "1 ",
					  " 1",
					  "1, 2",
					  "nginx",
					  "10abc",
					  "1,10abc",
					  "0x10",
					  "1.5",
					  "+1",
					  "1-2",
					  "1,0",
					  "18446744073709551617",
					  "00000000000000111",
					  "00000000000000000000000000000001"};
	char list[65 * 6] = "";

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		REFUSE("process ids from 1 to 4194304, with commas between", "-p", bad[i]);
	for (unsigned i = 0; i < FILTER_PIDS; i++)
		snprintf(list + strlen(list), 7, "%s%u", i ? "," : "", 10000 + i);
	assert_int_equal(ACCEPT("-p", list).filter.pids[FILTER_PIDS - 1], 10000 + FILTER_PIDS - 1);
	REFUSE("at most 64 process ids", "-p", list, "-p", "1");
}

static void owners(void **state)
{
	(void)state;
	assert_string_equal(ACCEPT("--unit", "php*").filter.unit, "php*");
	assert_string_equal(ACCEPT("--unit=nginx.service").filter.unit, "nginx.service");
	assert_string_equal(ACCEPT("--container", "4").filter.container, "4");
	assert_string_equal(ACCEPT("--cgroup", "/").filter.cgroup, "/");
	assert_string_equal(ACCEPT("--cgroup", "a", "--cgroup", "b").filter.cgroup, "b");
	REFUSE("name of a systemd unit", "--unit", "");
	REFUSE("id of a container", "--container", "");
	REFUSE("path of a cgroup", "--cgroup", "");
}

static void directions_exclude_each_other(void **state)
{
	(void)state;
	REFUSE("--sent and --received exclude each other", "-s", "-r");
	REFUSE("--sent and --received exclude each other", "-rs");
	REFUSE("--sent and --received exclude each other", "--received", "--sent");
	REFUSE("-4 and -6 exclude each other", "-4", "-6");
	REFUSE("-4 and -6 exclude each other", "-64");
	REFUSE("-4 and -6 exclude each other", "--ipv6", "--ipv4");
}

static void peers(void **state)
{
	struct options options = ACCEPT("--peer", "10.0.0.0/8");
	uint8_t inside[16], outside[16];

	(void)state;
	assert_true(options.filter.has_peer);
	unit_ipv4(inside, 0x0a010203);
	unit_ipv4(outside, 0x0b010203);
	assert_true(address_in_range(inside, &options.filter.peer));
	assert_false(address_in_range(outside, &options.filter.peer));
	assert_int_equal(ACCEPT("--peer=10.0.0.7").filter.peer.bits, 128);
	assert_int_equal(ACCEPT("--peer", "2001:db8::/32").filter.peer.bits, 32);
	assert_int_equal(ACCEPT("--peer", "::/0").filter.peer.bits, 0);
	REFUSE("bits are set behind the prefix", "--peer", "10.0.0.1/8");
	REFUSE("bits are set behind the prefix", "--peer", "2001:db8::1/32");
	REFUSE("give an address or a range", "--peer", "");
	REFUSE("give an address or a range", "--peer", "10.0.0.0/33");
	REFUSE("give an address or a range", "--peer", "10.0.0.0/");
	REFUSE("give an address or a range", "--peer", "10.0.0");
	REFUSE("give an address or a range", "--peer", "localhost");
	REFUSE("give an address or a range", "--peer", "10.0.0.0/8,11.0.0.0/8");
}

static void causes(void **state)
{
	static const char *const names[] = {
		"closed_port", "aborted",     "half_open", "time_wait", "queue_full", "no_memory",
		"keepalive",   "invalid",     "mptcp",	   "firewall",	"unknown",    "refused",
		"handshake",   "established", "closing",   "stray",	"rejected"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		assert_true(ACCEPT("--cause", names[i]).filter.cause > 0);
		REFUSE(names[i], "--cause", "nonsense"); /* each of them is named */
	}
	assert_int_equal(ACCEPT("--cause", "time_wait").filter.cause, RST_TIME_WAIT);
	REFUSE("give one of closed_port", "--cause", "");
	REFUSE("give one of closed_port", "--cause", "Closed_port");
	REFUSE("give one of closed_port", "--cause", "closed");
	REFUSE("give one of closed_port", "--cause", "closed_port,aborted");
}

static void rate(void **state)
{
	struct options options = ACCEPT("--rate", "floor=1");

	(void)state;
	assert_true(options.has_rate);
	assert_true(options.rate.floor == 1);
	assert_true(options.rate.factor == rate_defaults.factor); /* the others as they are */
	assert_true(options.rate.after == rate_defaults.after);
	options = ACCEPT("--rate=floor=0,factor=1,hold=0.5,up=0,down=86400,multiplier=1.25,"
			 "max=0,after=1e2");
	assert_true(options.rate.floor == 0);
	assert_true(options.rate.factor == 1);
	assert_true(options.rate.hold == 0.5);
	assert_true(options.rate.up == 0);
	assert_true(options.rate.down == 86400);
	assert_true(options.rate.multiplier == 1.25);
	assert_true(options.rate.max == 0);
	assert_true(options.rate.after == 100);
	options = ACCEPT("--rate", "up=1,up=2", "--rate", "down=3");
	assert_true(options.rate.up == 2);
	assert_true(options.rate.down == 3);
	assert_true(rate_settings_valid(&options.rate));
	/* The largest of everything is still what the core accepts. */
	options = ACCEPT("--rate", "floor=1e9,factor=1e6,hold=1e6,up=86400,multiplier=100");
	assert_true(rate_settings_valid(&options.rate));
}

static void bad_rates(void **state)
{
	static const char *const no_pair[] = {
		"",	   "floor",	     "floor=",	 "=1",	       "=",
		",",	   "floor=1,",	     ",floor=1", "nonsense=1", "floors=1",
		"floo=1",  "Floor=1",	     " floor=1", "floor =1",   "up=1,,down=2",
		"floor:1", "floor=1;up=2x,", "10"};
	static const char *const no_number[] = {"x",   "-1",	   " 1",  "1 ",	 "+1",
						"1x",  "0x10",	   "nan", "inf", "1e999",
						"1=2", "infinity", ".5",  "1e",	 "1.2.3"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(no_number); i++) {
		char pair[64];

		snprintf(pair, sizeof(pair), "floor=%s", no_number[i]);
		REFUSE("give floor a number from 0 to 1e+09", "--rate", pair);
		snprintf(pair, sizeof(pair), "up=1,floor=%s,down=1", no_number[i]);
		REFUSE("give floor a number from 0 to 1e+09", "--rate", pair);
	}
	for (size_t i = 0; i < COUNT_OF(no_pair); i++)
		REFUSE("--rate '", "--rate", no_pair[i]);
	REFUSE("keys floor factor hold up down multiplier max after", "--rate", "nonsense=1");
	REFUSE("keys floor factor hold up down multiplier max after", "--rate", "");
	REFUSE("keys floor factor hold up down multiplier max after", "--rate", "floor");
	REFUSE("give KEY=NUMBER", "--rate", "floor=00000000000000000000000000000000000000001");
	REFUSE("give factor a number from 1 to", "--rate", "factor=0.5");
	REFUSE("give multiplier a number from 1 to 100", "--rate", "multiplier=101");
	REFUSE("give multiplier a number from 1 to 100", "--rate", "multiplier=0");
	REFUSE("give floor a number", "--rate", "floor=1000000001");
	REFUSE("give up a number from 0 to 86400", "--rate", "up=86401");
}

static void mute(void **state)
{
	struct options options =
		ACCEPT("--mute", "alert=port_scan peer=10.0.0.0/24", "--mute=severity=info", "-j");
	const char *words[2 * MUTE_RULES + 3] = {NULL};

	(void)state;
	assert_int_equal(ACCEPT("-j").mute.count, 0);
	assert_int_equal(options.mute.count, 2);
	assert_int_equal(options.mute.rules[0].kind, ALERT_PORT_SCAN);
	assert_int_equal(options.mute.rules[1].severity, ALERT_INFO);
	assert_int_equal(options.mute.rules[1].kind, 0);
	REFUSE("--mute: give KEY=VALUE", "--mute", "");
	REFUSE("keys alert peer port netns severity process unit container", "--mute", "foo=1");
	REFUSE("--mute: port=0: give a port", "--mute", "port=80", "--mute", "port=0");
	REFUSE("stands there twice", "--mute", "port=80 port=81");
	REFUSE("--mute: 'port?\?=80'", "--mute", "port\n\033=80"); /* one line */
	REFUSE("stale_connections backscatter", "--mute", "alert=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	for (unsigned i = 0; i <= MUTE_RULES; i++) {
		words[2 * i] = "--mute";
		words[2 * i + 1] = "port=80";
	}
	refuse_words("at most 64 rules", words);
	words[2 * MUTE_RULES] = NULL;
	assert_int_equal(accept_words(words).mute.count, MUTE_RULES);
}

/* --- commands --- */

static void record(void **state)
{
	struct options options = ACCEPT("record", "-o", "file");

	(void)state;
	assert_int_equal(options.command, OPTIONS_RECORD);
	assert_string_equal(options.path, "file");
	assert_string_equal(ACCEPT("record", "--output=file").path, "file");
	assert_string_equal(ACCEPT("record", "-j", "-ofile", "-q").path, "file");
	assert_string_equal(ACCEPT("record", "-o", "-x").path, "-x"); /* a value all the same */
	REFUSE("rstwatch record -o FILE", "record");
	REFUSE("rstwatch record -o FILE", "record", "-j");
	REFUSE("needs a value", "record", "-o");
	REFUSE("--output goes with the command record", "-o", "file");
	REFUSE("--output goes with the command record", "replay", "file", "-o", "file");
	REFUSE("'file' is not accepted here", "record", "file");
	REFUSE("'file' is not accepted here", "record", "-o", "x", "file");
	REFUSE("'record' is not accepted here", "-j", "record", "-o", "file");
}

static void replay(void **state)
{
	struct options options = ACCEPT("replay", "file");

	(void)state;
	assert_int_equal(options.command, OPTIONS_REPLAY);
	assert_string_equal(options.path, "file");
	assert_string_equal(ACCEPT("replay", "-j", "file").path, "file");
	assert_string_equal(ACCEPT("replay", "file", "-j").path, "file");
	assert_true(ACCEPT("replay", "file", "-j").view.json);
	assert_int_equal(ACCEPT("replay", "-i", "5", "file", "-q").window_seconds, 5);
	assert_string_equal(ACCEPT("replay", "-").path, "-"); /* standard input */
	assert_string_equal(ACCEPT("replay", "--", "-file").path, "-file");
	assert_string_equal(ACCEPT("replay", "replay").path, "replay");
	assert_string_equal(ACCEPT("replay", "record").path, "record");
	REFUSE("rstwatch replay FILE", "replay");
	REFUSE("rstwatch replay FILE", "replay", "-j");
	REFUSE("rstwatch replay FILE", "replay", "--");
	REFUSE("'b' is not accepted here", "replay", "a", "b");
	REFUSE("'b' is not accepted here", "replay", "a", "--", "b");
	REFUSE("a replay asks no kernel", "replay", "file", "--btf", "x");
}

/* It shows no resets, so what chooses among them is refused, wherever it stands. */
static void check(void **state)
{
	static const char *const refused[][3] = {{"-i", "5"},
						 {"--interval", "5"},
						 {"-d", "1"},
						 {"--duration=1"},
						 {"--count", "1"},
						 {"-q"},
						 {"--quiet"},
						 {"--alerts"},
						 {"-s"},
						 {"--sent"},
						 {"-r"},
						 {"--received"},
						 {"-P", "80"},
						 {"--port", "80"},
						 {"-p", "1"},
						 {"--pid", "1"},
						 {"--unit", "a"},
						 {"--container", "a"},
						 {"--cgroup", "/"},
						 {"--explain"},
						 {"-4"},
						 {"--ipv4"},
						 {"-6"},
						 {"--ipv6"},
						 {"--peer", "10.0.0.7"},
						 {"--cause", "aborted"},
						 {"--netns", "1"},
						 {"--rate", "floor=1"},
						 {"--mute", "port=80"},
						 {"-w"},
						 {"--wide"},
						 {"-T"},
						 {"--time"},
						 {"-t"},
						 {"--seconds"},
						 {"--utc"},
						 {"-o", "file"},
						 {"--output", "file"},
						 {"--fail-on-alert"}};
	struct options options = ACCEPT("check");

	(void)state;
	assert_int_equal(options.command, OPTIONS_CHECK);
	assert_int_equal(options.action, OPTIONS_RUN);
	assert_null(options.path);
	assert_null(options.btf_path);
	assert_false(options.view.json);
	assert_false(options.verbose);
	assert_true(ACCEPT("check", "-j").view.json);
	assert_true(ACCEPT("check", "--json").view.json);
	assert_true(ACCEPT("check", "-v").verbose);
	assert_true(ACCEPT("check", "--verbose", "-j").view.json);
	assert_string_equal(ACCEPT("check", "--btf", "vmlinux").btf_path, "vmlinux");
	assert_int_equal(ACCEPT("check", "--btf=vmlinux").command, OPTIONS_CHECK);
	assert_int_equal(ACCEPT("check", "-h").action, OPTIONS_HELP);
	assert_int_equal(ACCEPT("check", "--help").action, OPTIONS_HELP);
	assert_int_equal(ACCEPT("check", "-V").action, OPTIONS_VERSION);
	assert_int_equal(ACCEPT("check", "--json-schema").action, OPTIONS_SCHEMA);
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		REFUSE("does not go with check: it takes --json, --btf FILE and --verbose", "check",
		       refused[i][0], refused[i][1]);
		REFUSE("does not go with check", "check", "-j", refused[i][0], refused[i][1]);
	}
	/* By its long name, so that it is found in the manual; its value is not looked at. */
	REFUSE("--interval does not go with check", "check", "-i", "x");
	REFUSE("--fail-on-alert does not go with check", "check", "--fail-on-alert");
	REFUSE("--wide does not go with check", "check", "-jw");
	REFUSE("--btf needs a value", "check", "--btf");
	REFUSE("unknown option --nonsense", "check", "--nonsense");
	REFUSE("'file' is not accepted here", "check", "file");
	REFUSE("'check' is not accepted here", "check", "check");
	REFUSE("'file' is not accepted here", "check", "--", "file");
	REFUSE("'check' is not accepted here", "-j", "check");
	REFUSE("'check' is not accepted here", "--", "check");
	REFUSE("'checks' is not accepted here", "checks");
	assert_string_equal(ACCEPT("replay", "check").path, "check");
	/* And elsewhere nothing has changed. */
	assert_int_equal(ACCEPT("-i", "5", "-w").window_seconds, 5);
}

/* POSIXLY_CORRECT makes getopt() stop at the first operand; options behind it count all the same.
 */
static void whatever_the_environment_says(void **state)
{
	(void)state;
	setenv("POSIXLY_CORRECT", "1", 1);
	assert_true(ACCEPT("replay", "file", "-j").view.json);
	REFUSE("'x' is not accepted here", "x", "-j");
	unsetenv("POSIXLY_CORRECT");
}

static void kernel_types(void **state)
{
	(void)state;
	assert_string_equal(ACCEPT("--btf", "vmlinux").btf_path, "vmlinux");
	assert_string_equal(ACCEPT("record", "-o", "x", "--btf=vmlinux").btf_path, "vmlinux");
	REFUSE("--btf needs a value", "--btf");
}

static void operands(void **state)
{
	(void)state;
	REFUSE("the commands are record, replay and check (first)", "foo");
	REFUSE("the commands are record, replay and check (first)", "");
	REFUSE("'replay' is not accepted here", "-j", "replay", "file");
	REFUSE("'foo' is not accepted here", "-j", "foo", "-q");
	REFUSE("'foo' is not accepted here", "--", "foo");
	REFUSE("'-j' is not accepted here", "--", "-j");
	REFUSE("'-' is not accepted here", "-");
	ACCEPT("--");
	ACCEPT("-j", "--");
}

/* --- what is wrong with the options themselves --- */

static void unknown_options(void **state)
{
	(void)state;
	REFUSE("unknown option -x: rstwatch --help lists", "-x");
	REFUSE("unknown option -x", "-jx");
	REFUSE("unknown option -x", "-xj");
	REFUSE("unknown option --nonsense: rstwatch --help", "--nonsense");
	REFUSE("unknown option --nonsense=1", "--nonsense=1");
	REFUSE("unknown option --s", "--s"); /* --sent or --seconds? */
	REFUSE("unknown option -u", "-u", "1");
	REFUSE("unknown option -:", "-:");
	REFUSE("unknown option -?", "-?");
	REFUSE("unknown option", "-\x01");
	REFUSE("unknown option", "-\n");
	REFUSE("unknown option", "-\xc3\xa9");
	REFUSE("unknown option", "-\xff");
}

static void missing_values(void **state)
{
	static const char *const letters[] = {"-i", "-d", "-P", "-p"};
	static const char *const names[] = {
		"--interval",  "--duration",  "--count",  "--port", "--peer",
		"--cause",     "--netns",     "--rate",	  "--btf",  "--pid",
		"--unit",      "--container", "--cgroup", "--mute", "--max-events",
		"--max-ports", "--max-peers"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(letters); i++) {
		REFUSE("needs a value, see rstwatch --help", letters[i]);
		REFUSE(letters[i], "-j", letters[i]);
	}
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		REFUSE("needs a value, see rstwatch --help", names[i]);
		REFUSE(names[i], "-j", names[i]);
	}
	REFUSE("-ji needs a value", "-ji");
}

static void values_to_flags(void **state)
{
	static const char *const names[] = {
		"json",		 "quiet",	"alerts",  "sent",    "received", "ipv4",
		"ipv6",		 "wide",	"explain", "time",    "seconds",  "utc",
		"fail-on-alert", "json-schema", "verbose", "version", "help"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		char given[64];

		snprintf(given, sizeof(given), "--%s=1", names[i]);
		REFUSE("takes no value", given);
		snprintf(given, sizeof(given), "--%s=", names[i]);
		REFUSE("takes no value", given);
	}
	REFUSE("--json=x takes no value", "-q", "--json=x");
}

/* Long and strange values: still one line that says what is accepted. */
static void strange_values(void **state)
{
	char longest[4096];

	(void)state;
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	REFUSE("from 1 to 3600", "-i", longest);
	REFUSE("1 or more", "-d", longest);
	REFUSE("1 or more", "--count", longest);
	REFUSE("from 1 to 65535", "-P", longest);
	REFUSE("from 1 to 4194304", "-p", longest);
	assert_string_equal(ACCEPT("--unit", longest).filter.unit, longest);
	REFUSE("as in 10.0.0.7", "--peer", longest);
	REFUSE("closed_port", "--cause", longest);
	REFUSE("rejected", "--cause", longest);
	REFUSE("lsns -t net", "--netns", longest);
	REFUSE("give KEY=NUMBER", "--rate", longest);
	REFUSE("the commands are", longest);
	memcpy(longest, "--", 2);
	REFUSE("--help lists", longest);
	REFUSE("from 1 to 3600", "-i", "1\n2");
	REFUSE("from 1 to 65535", "-P", "\033[31m80");
	REFUSE("as in 10.0.0.7", "--peer", "10.0.0.0\r\n");
	REFUSE("closed_port", "--cause", "\t");
	REFUSE("KEY=NUMBER", "--rate", "\n=1");
	REFUSE("the commands are", "a\nb");
	REFUSE("unknown option", "--a\nb");
	REFUSE("from 1 to 3600", "-i", "%s%n");
}

/* --- help, version, schema --- */

static void actions(void **state)
{
	(void)state;
	assert_int_equal(ACCEPT("-h").action, OPTIONS_HELP);
	assert_int_equal(ACCEPT("--help").action, OPTIONS_HELP);
	assert_int_equal(ACCEPT("-V").action, OPTIONS_VERSION);
	assert_int_equal(ACCEPT("--version").action, OPTIONS_VERSION);
	assert_int_equal(ACCEPT("--json-schema").action, OPTIONS_SCHEMA);
}

static void actions_win(void **state)
{
	(void)state;
	assert_int_equal(ACCEPT("record", "--help").action, OPTIONS_HELP);
	assert_int_equal(ACCEPT("replay", "--version").action, OPTIONS_VERSION);
	assert_int_equal(ACCEPT("-jq", "-h").action, OPTIONS_HELP);
	assert_int_equal(ACCEPT("-jh").action, OPTIONS_HELP);
	assert_int_equal(ACCEPT("-h", "-V").action, OPTIONS_HELP); /* the first */
	assert_int_equal(ACCEPT("-V", "-h").action, OPTIONS_VERSION);
	/* Nothing behind them counts. */
	assert_int_equal(ACCEPT("--help", "--nonsense").action, OPTIONS_HELP);
	assert_int_equal(ACCEPT("--help", "-i", "x").action, OPTIONS_HELP);
	assert_int_equal(ACCEPT("--help", "record").action, OPTIONS_HELP);
	assert_int_equal(ACCEPT("--version", "--", "foo").action, OPTIONS_VERSION);
	/* What stands before does. */
	REFUSE("unknown option", "--nonsense", "--help");
	REFUSE("from 1 to 3600", "-i", "x", "--help");
	REFUSE("not accepted here", "checks", "--help");
	REFUSE("--wide does not go with check", "check", "-w", "--help");
}

/* A parse leaves nothing behind for the next. */
static void again_and_again(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		REFUSE("unknown option -x", "-jx");
		assert_true(ACCEPT("-jqw").view.wide);
		REFUSE("needs a value", "-j", "-i");
		assert_int_equal(ACCEPT("-P", "80").filter.port_count, 1);
	}
}

static void help_names_every_option(void **state)
{
	static const char *const options[] = {"-j, --json",
					      "-i, --interval SECONDS",
					      "-d, --duration SECONDS",
					      "    --count N",
					      "-q, --quiet",
					      "    --alerts",
					      "-s, --sent",
					      "-r, --received",
					      "-P, --port PORT[,...]",
					      "-p, --pid PID[,...]",
					      "    --unit NAME",
					      "    --container ID",
					      "    --cgroup PATH",
					      "    --explain",
					      "-4, --ipv4",
					      "-6, --ipv6",
					      "    --peer CIDR",
					      "    --cause NAME",
					      "    --netns INODE",
					      "    --rate KEY=N[,...]",
					      "    --mute RULE",
					      "-w, --wide",
					      "-T, --time",
					      "-t, --seconds",
					      "    --utc",
					      "-o, --output FILE",
					      "    --btf FILE",
					      "    --fail-on-alert",
					      "    --json-schema",
					      "-v, --verbose",
					      "-V, --version",
					      "-h, --help"};
	static const char *const commands[] = {
		"rstwatch [options] ", "rstwatch record -o FILE [options] ",
		"rstwatch replay FILE [options] ", "rstwatch check [-j] "};
	char *text = NULL, *line;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	(void)state;
	assert_non_null(stream);
	options_help(stream);
	fclose(stream);
	for (size_t i = 0; i < COUNT_OF(commands); i++)
		if (!strstr(text, commands[i]))
			fail_msg("no %s", commands[i]);
	for (size_t i = 0; i < COUNT_OF(options); i++)
		if (!strstr(text, options[i]))
			fail_msg("no %s", options[i]);
	for (unsigned kind = 1; kind < ALERT_KINDS; kind++) {
		char line_of[64];

		snprintf(line_of, sizeof(line_of), "\n  %s ", alert_kind_name(kind));
		if (!strstr(text, line_of))
			fail_msg("no %s", alert_kind_name(kind));
	}
	assert_null(strstr(text, "(null)"));
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		if (strlen(line) > 80)
			fail_msg("more than 80 columns: %s", line);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_at_all),
		cmocka_unit_test(flags),
		cmocka_unit_test(times),
		cmocka_unit_test(numbers),
		cmocka_unit_test(bad_numbers),
		cmocka_unit_test(ports),
		cmocka_unit_test(bad_ports),
		cmocka_unit_test(many_ports),
		cmocka_unit_test(pids),
		cmocka_unit_test(bad_pids),
		cmocka_unit_test(owners),
		cmocka_unit_test(directions_exclude_each_other),
		cmocka_unit_test(peers),
		cmocka_unit_test(causes),
		cmocka_unit_test(rate),
		cmocka_unit_test(bad_rates),
		cmocka_unit_test(mute),
		cmocka_unit_test(record),
		cmocka_unit_test(replay),
		cmocka_unit_test(check),
		cmocka_unit_test(whatever_the_environment_says),
		cmocka_unit_test(kernel_types),
		cmocka_unit_test(operands),
		cmocka_unit_test(unknown_options),
		cmocka_unit_test(missing_values),
		cmocka_unit_test(values_to_flags),
		cmocka_unit_test(strange_values),
		cmocka_unit_test(actions),
		cmocka_unit_test(actions_win),
		cmocka_unit_test(again_and_again),
		cmocka_unit_test(help_names_every_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

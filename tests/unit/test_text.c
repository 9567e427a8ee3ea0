// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "edges.h"

#include <time.h>

#include "explain.h"

#define COLUMNS "LOCAL                    PEER                  CAUSE       PID     COMM"
#define HEADER	"TIME     " COLUMNS "\n"
#define WIDE                                                                                       \
	"            KNOWN_BY      TRIG/STATE  REASON               ROLE   NETNS      "            \
	"CONNECTION                           UNIT\n"
#define HEADER_WIDE "TIME     " COLUMNS WIDE
/* An event of edges_event(), up to its cause. */
#define SENT	 "10.0.0.2:8080         -> 10.0.0.7:51234        "
#define RECEIVED "10.0.0.2:8080         <- 10.0.0.7:51234        "
#define KERNEL	 "-       (kernel)\n"
#define NOBODY	 "-       -\n"

static const struct view usual = {.events = true, .windows = true, .wall_time = true, .utc = true};

static int setup(void **state)
{
	struct edges *edges = unit_zeroed(sizeof(*edges));

	edges_open(edges, &usual, NULL);
	*state = edges;
	return 0;
}

static int teardown(void **state)
{
	edges_close(*state);
	free(*state);
	return 0;
}

static void begin(struct edges *edges)
{
	assert_int_equal(records_feed(&edges->records, &edges->records.start), 0);
	edges_skip(edges);
}

/* Another view or other settings than those of setup(). */
static void reopen(struct edges *edges, const struct view *view,
		   const struct pipeline_settings *settings)
{
	edges_close(edges);
	edges_open(edges, view, settings);
}

/* Streams it, and counts it. */
static void event(struct edges *edges, struct rst_event event)
{
	edges->records.slice.counted++;
	records_event(&edges->records, event);
}

/* --- the start --- */

static void the_start(void **state)
{
	struct edges *edges = *state;

	edges_hook(edges, "tcp_send_reset", true, "raw_tp");
	edges_hook(edges, "tcp_receive_reset", false, "no such tracepoint");
	assert_int_equal(records_feed(&edges->records, &edges->records.start), 0);
	edges_assert(edges, "--- not attached: tcp_receive_reset: no such tracepoint\n" HEADER);
}

static void headers(void **state)
{
	struct edges *edges = *state;
	struct view view = usual;

	view.wall_time = false;
	reopen(edges, &view, NULL);
	assert_int_equal(records_feed(&edges->records, &edges->records.start), 0);
	edges_assert(edges, COLUMNS "\n");
	view.since_start = view.wide = true;
	reopen(edges, &view, NULL);
	assert_int_equal(records_feed(&edges->records, &edges->records.start), 0);
	edges_assert(edges, "SECS  " COLUMNS WIDE);
	view.events = false;
	reopen(edges, &view, NULL);
	assert_int_equal(records_feed(&edges->records, &edges->records.start), 0);
	edges_assert(edges, "");
}

/* --- events --- */

static void sent_and_received(void **state)
{
	struct edges *edges = *state;
	struct rst_event sent = edges_event(RST_SENT, RST_CLOSED_PORT);
	struct rst_event received = edges_event(RST_RECEIVED, RST_STAGE_REFUSED);

	begin(edges);
	event(edges, sent);
	received.state = RST_STATE_SYN_SENT;
	event(edges, received);
	received.state = 0; /* no socket */
	event(edges, received);
	received.cause = 0; /* it has no name */
	event(edges, received);
	edges_assert(edges, "22:13:21 " SENT "closed_port " KERNEL "22:13:21 " RECEIVED
			    "refused     " NOBODY "22:13:21 " RECEIVED "refused     " KERNEL
			    "22:13:21 " RECEIVED "-           " KERNEL);
}

static void ipv6(void **state)
{
	struct edges *edges = *state;
	struct rst_event ours = edges_event(RST_SENT, RST_HALF_OPEN);

	begin(edges);
	ours.flags = RST_EVENT_TRIGGER;
	ours.trigger = RST_FLAG_ACK;
	edges_ipv6(ours.local, 2);
	edges_ipv6(ours.peer, 7);
	event(edges, ours);
	memset(ours.local, 0xff, 16); /* too long for its column: nothing is cut */
	memset(ours.peer, 0xff, 16);
	ours.local_port = ours.peer_port = 65535;
	event(edges, ours);
	edges_assert(edges,
		     "22:13:21 [2001:db8::2]:8080    -> [2001:db8::7]:51234   half_open   " KERNEL
		     "22:13:21 [ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535 -> "
		     "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535 half_open   " KERNEL);
}

/* The longest of everything that IPv4 has: its name begins within 80 columns, each in its own. */
static void eighty_columns(void **state)
{
	struct edges *edges = *state;
	struct rst_event longest = edges_event(RST_SENT, 0);
	unsigned lines = 0;
	char *written, *line;

	begin(edges);
	records_process(&edges->records, 7, 4194304, "fifteen-letters", "/");
	unit_ipv4(longest.local, 0xffffffff);
	unit_ipv4(longest.peer, 0xffffffff);
	longest.local_port = longest.peer_port = 65535;
	longest.owner = 7;
	for (unsigned cause = 0; cause < RST_CAUSES; cause++) {
		longest.cause = cause;
		event(edges, longest);
	}
	written = edges_written(edges->output);
	for (line = strtok(written, "\n"); line; line = strtok(NULL, "\n")) {
		char column[6][32];

		lines++;
		assert_int_equal(sscanf(line, "%*s %31s %31s %31s %31s %31s %31s", column[0],
					column[1], column[2], column[3], column[4], column[5]),
				 6);
		assert_string_equal(column[0], "255.255.255.255:65535");
		assert_string_equal(column[2], "255.255.255.255:65535");
		assert_string_equal(column[4], "4194304");
		assert_string_equal(column[5], "fifteen-letters");
		assert_string_equal(line + 76, "fifteen-letters");
	}
	assert_int_equal(lines, RST_CAUSES);
	free(written);
}

static void times(void **state)
{
	struct edges *edges = *state;
	struct view view = usual;
	struct rst_event some = edges_event(RST_SENT, RST_ABORTED);

	view.wall_time = false;
	view.since_start = true;
	reopen(edges, &view, NULL);
	begin(edges);
	event(edges, some);
	some.time_ns = RECORDS_START_NS - 1; /* an event from before the start: not 2^64 */
	event(edges, some);
	some.time_ns = RECORDS_START_NS + 12345 * SECOND_NS + 6999999;
	event(edges, some);
	edges_assert(edges, "1.500 " SENT "aborted     " KERNEL "0.000 " SENT "aborted     " KERNEL
			    "12345.006 " SENT "aborted     " KERNEL);
	view.wall_time = true; /* both */
	reopen(edges, &view, NULL);
	begin(edges);
	event(edges, edges_event(RST_SENT, RST_ABORTED));
	edges_assert(edges, "22:13:21 1.500 " SENT "aborted     " KERNEL);
	view.wall_time = view.since_start = false; /* none */
	reopen(edges, &view, NULL);
	begin(edges);
	event(edges, edges_event(RST_SENT, RST_ABORTED));
	edges_assert(edges, "" SENT "aborted     " KERNEL);
}

static void local_time(void **state)
{
	struct edges *edges = *state;
	struct view view = usual;

	setenv("TZ", "Asia/Kolkata", 1);
	tzset();
	reopen(edges, &view, NULL);
	begin(edges);
	event(edges, edges_event(RST_SENT, RST_ABORTED));
	edges_assert(edges, "22:13:21 " SENT "aborted     " KERNEL);
	view.utc = false;
	reopen(edges, &view, NULL);
	begin(edges);
	event(edges, edges_event(RST_SENT, RST_ABORTED));
	edges_assert(edges, "03:43:21 " SENT "aborted     " KERNEL);
	unsetenv("TZ");
	tzset();
}

#define NO_CONNECTION "-                                    "

static void wide(void **state)
{
	struct edges *edges = *state;
	struct view view = usual;
	struct rst_event some = edges_event(RST_SENT, RST_CLOSED_PORT);

	view.wide = true;
	reopen(edges, &view, NULL);
	edges_reason(edges, 2, "NO_SOCKET");
	edges_reason(edges, 3, "A_REASON_OF_A_LATER_KERNEL");
	edges_drop_reason(edges, 2, "TCP_INVALID_SEQUENCE");
	begin(edges);
	event(edges, some);
	some.flags = RST_EVENT_TRIGGER;
	some.trigger = RST_FLAG_SYN;
	some.state = RST_STATE_NEW_SYN_RECV; /* the trigger says more */
	event(edges, some);
	some.trigger = 0xff;
	event(edges, some);
	some.role = RST_ROLE_SERVER;
	some.flags = RST_EVENT_REASON;
	some.reason = 2;
	some.netns = 0;
	event(edges, some);
	some.state = 0;
	some.reason = 3;
	some.role = RST_ROLE_CLIENT;
	event(edges, some);
	some.reason = 4; /* it has no name */
	event(edges, some);
	some = edges_event(RST_RECEIVED, RST_STAGE_REJECTED);
	some.flags = RST_EVENT_REASON;
	some.reason = 2; /* of another numbering */
	event(edges, some);
	records_netns(&edges->records, some.netns, "blue");
	some.flags = 0;
	event(edges, some);
	edges_assert(
		edges,
		"22:13:21 " SENT "closed_port -       (kernel)        kernel        -           "
		"-                    -      4026531840 " NO_CONNECTION "-\n"
		"22:13:21 " SENT "closed_port -       -               -             SYN         "
		"-                    -      4026531840 " NO_CONNECTION "-\n"
		"22:13:21 " SENT "closed_port -       -               -             FSRP.UEW    "
		"-                    -      4026531840 " NO_CONNECTION "-\n"
		"22:13:21 " SENT "closed_port -       -               -             NEW_SYN_RECV "
		"NO_SOCKET            server 0          " NO_CONNECTION "-\n"
		"22:13:21 " SENT "closed_port -       (kernel)        kernel        -           "
		"A_REASON_OF_A_LATER_KERNEL client 0          " NO_CONNECTION "-\n"
		"22:13:21 " SENT "closed_port -       (kernel)        kernel        -           "
		"-                    client 0          " NO_CONNECTION "-\n"
		"22:13:21 " RECEIVED
		"rejected    -       (kernel)        kernel        -           "
		"TCP_INVALID_SEQUENCE -      4026531840 " NO_CONNECTION "-\n"
		"22:13:21 " RECEIVED
		"rejected    -       (kernel)        kernel        -           "
		"-                    -      blue       " NO_CONNECTION "-\n");
}

/* A recording may come from anybody: its names do not steer the reader's terminal. */
static void names_that_are_not_ours(void **state)
{
	struct edges *edges = *state;
	struct view view = usual;
	struct rst_event some = edges_event(RST_SENT, RST_CLOSED_PORT);

	view.wide = true;
	reopen(edges, &view, NULL);
	edges_hook(edges, "\033[2J", false, "a\nb\x7f\x9b");
	edges_reason(edges, 2, "\033]0;x\007");
	edges_drop_reason(edges, 200, "\033[1m\n");
	assert_int_equal(records_feed(&edges->records, &edges->records.start), 0);
	edges_assert(edges, "--- not attached: ?[2J: a?b??\n" HEADER_WIDE);
	some.flags = RST_EVENT_REASON;
	some.reason = 2;
	event(edges, some);
	edges_assert(edges,
		     "22:13:21 " SENT "closed_port -       (kernel)        kernel        "
		     "-           ?]0;x?               -      4026531840 " NO_CONNECTION "-\n");
	some = edges_event(RST_RECEIVED, RST_STAGE_STRAY);
	some.flags = RST_EVENT_REASON;
	some.reason = 200;
	event(edges, some);
	edges_assert(edges,
		     "22:13:21 " RECEIVED "stray       -       (kernel)        kernel        "
		     "-           ?[1m?                -      4026531840 " NO_CONNECTION "-\n");
}

/* --- owners --- */

static void owners(void **state)
{
	struct edges *edges = *state;
	struct records *records = &edges->records;
	struct rst_event some = edges_event(RST_SENT, RST_ABORTED);

	begin(edges);
	records_process(records, 1, 812, "nginx", "/system.slice/nginx.service");
	records_process(records, 2, 813, "", "/"); /* not even a name */
	records_listens(records, some.netns, 8080, 1);
	some.owner = 1;
	some.state = RST_STATE_ESTABLISHED;
	event(edges, some);
	some.owner = 2;
	event(edges, some);
	some.owner = 3; /* not known any more */
	event(edges, some);
	some.owner = 0;
	some.cause = RST_FIREWALL;
	event(edges, some);
	some.cause = RST_CLOSED_PORT;
	some.state = 0;
	event(edges, some);
	edges_assert(edges, "22:13:21 " SENT "aborted     812     nginx\n"
			    "22:13:21 " SENT "aborted     813     -\n"
			    "22:13:21 " SENT "aborted     " NOBODY "22:13:21 " SENT
			    "firewall    -       (firewall)\n"
			    "22:13:21 " SENT "closed_port 812     nginx\n");
}

/* When it stopped, and how, if its process ended. */
static void last_listeners(void **state)
{
	static const struct {
		uint64_t before_ns;
		const char *shown;
	} stops[] = {
		{0, "0 s"},
		{1, "0 s"},
		{49999999, "0 s"},
		{50000000, "0.1 s"},
		{3200000000, "3.2 s"},
		{3 * SECOND_NS, "3 s"},
		{119 * SECOND_NS, "119 s"},
		{120 * SECOND_NS, "2 min"},
		{119 * MINUTE_NS, "119 min"},
		{120 * MINUTE_NS, "2 h"},
		{47 * 60 * MINUTE_NS, "47 h"},
		{48 * 60 * MINUTE_NS, "2 days"},
		{1000 * 24 * 60 * MINUTE_NS, "1000 days"},
	};
	struct edges *edges = *state;
	struct records *records = &edges->records;
	struct rst_event some = edges_event(RST_SENT, RST_CLOSED_PORT);
	struct record_listener listener;

	begin(edges);
	records_process(records, 1, 812, "nginx", "/");
	for (size_t i = 0; i < COUNT_OF(stops); i++) {
		char expected[256];

		some.local_port = 1000 + i;
		some.time_ns = records->now_ns + stops[i].before_ns + SECOND_NS;
		records_listens(records, some.netns, 1000 + i, 1);
		records_stops(records, records->now_ns + SECOND_NS, some.netns, 1000 + i, 1, 11);
		edges_skip(edges);
		event(edges, some);
		snprintf(expected, sizeof(expected),
			 "closed_port 812     nginx (stopped %s ago, killed by SIGSEGV)\n",
			 stops[i].shown);
		edges_assert_end(edges, expected);
	}
	some.time_ns = records->now_ns + 4 * SECOND_NS;
	records_listens(records, some.netns, 8080, 1);
	records_stops(records, records->now_ns + SECOND_NS, some.netns, 8080, 1, 3 << 8);
	some.local_port = 8080;
	event(edges, some);
	edges_assert_end(edges, "nginx (stopped 3 s ago, exited with status 3)\n");
	records_listens(records, some.netns, 8081, 1);
	listener = records_listener_of(records->now_ns + SECOND_NS, some.netns, 8081, 1,
				       RST_LISTENER_CLOSED);
	assert_int_equal(records_feed(records, &listener), 0);
	some.local_port = 8081;
	event(edges, some);
	edges_assert_end(edges, "closed_port 812     nginx (stopped 3 s ago)\n");
	/* Who it was is not known, only that it was somebody. */
	records_listens(records, some.netns, 8082, 9);
	records_stops(records, records->now_ns + SECOND_NS, some.netns, 8082, 9, 9);
	some.local_port = 8082;
	event(edges, some);
	edges_assert_end(edges, "closed_port -       - (stopped 3 s ago, killed by SIGKILL)\n");
}

/* A process calls itself what it likes. Letters of one column stay, whatever the locale. */
static void hostile_names(void **state)
{
	static const struct {
		const char *comm, *shown;
	} names[] = {
		{"a\nb\tc", "a?b?c          "},
		{"\033[31mred\033[m", "?[31mred?[m    "},
		{"\x7f\x01", "??             "},
		{"\x9b", "?              "},
		{"\xc2\x9b[2J", "??[2J          "}, /* a control of two bytes */
		{"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f           "},
		{"\xd0\xb6\xce\xb1", "\xd0\xb6\xce\xb1             "},
		{"\xc3", "?              "}, /* cut */
		{"\xc3(", "?(             "},
		{"\xc0\xaf", "??             "}, /* too long a form */
		{"\xcc\x81", "??             "}, /* combining */
		{"\xd2\x88", "??             "},
		{"\xd7\x90", "??             "},     /* from right to left */
		{"\xc2\xad", "??             "},     /* invisible */
		{"\xe2\x80\xae", "???            "}, /* an override of direction */
		{"\xe4\xb8\xad", "???            "}, /* wide */
		{"\xf0\x9f\x92\xa9", "????           "},
		{"\xff\xfe", "??             "},
		{"  ", "               "},
	};
	struct edges *edges = *state;
	struct view view = usual;
	struct rst_event some = edges_event(RST_SENT, RST_ABORTED);

	view.wide = true;
	reopen(edges, &view, NULL);
	begin(edges);
	some.state = RST_STATE_ESTABLISHED;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		char expected[512];

		records_process(&edges->records, i + 1, 812, names[i].comm,
				"/system.slice/\033]0;x\007.service");
		records_netns(&edges->records, some.netns, "\xc3\xa9\r");
		some.owner = i + 1;
		event(edges, some);
		snprintf(expected, sizeof(expected),
			 "22:13:21 " SENT "aborted     812     %s socket        ESTABLISHED "
			 "-                    -      \xc3\xa9?         " NO_CONNECTION
			 "?]0;x?.service\n",
			 names[i].shown);
		edges_assert(edges, expected);
	}
}

static void connections(void **state)
{
	static const struct {
		struct rst_connection connection;
		const char *shown;
	} cases[] = {
		{{.bytes_in = 120, .bytes_out = 4096, .age_ms = 3210, .idle_ms = 100},
		 "age 3.2s idle 0.1s in 120 out 4096  "},
		{{.age_ms = RST_AGE_UNKNOWN}, "age - idle 0s in 0 out 0            "},
		{{.age_ms = 300000, .idle_ms = 7200000}, "age 5m idle 2h in 0 out 0           "},
		{{.age_ms = RST_AGE_UNKNOWN - 1}, "age 49d idle 0s in 0 out 0          "},
		{{.bytes_in = UINT64_MAX, .bytes_out = UINT64_MAX, .age_ms = 1},
		 "age 0s idle 0s in 18446744073709551615 out 18446744073709551615"},
	};
	struct edges *edges = *state;
	struct view view = usual;
	struct rst_event some = edges_event(RST_SENT, RST_ABORTED);

	view.wide = true;
	reopen(edges, &view, NULL);
	begin(edges);
	some.state = RST_STATE_ESTABLISHED;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char expected[512];

		edges->records.slice.counted++;
		records_event_of(&edges->records, some, cases[i].connection);
		snprintf(expected, sizeof(expected), "-      4026531840 %s -\n", cases[i].shown);
		edges_assert_end(edges, expected);
	}
	/* The usual columns do not show it. */
	reopen(edges, &usual, NULL);
	begin(edges);
	edges->records.slice.counted++;
	records_event_of(&edges->records, some, cases[0].connection);
	edges_assert(edges, "22:13:21 " SENT "aborted     " NOBODY);
}

#define CONTAINER "4f5e6d7c8b9a0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796"

/* The unit, which may be one within a container; else the container. What happened to a last
 * listener stands behind it. */
static void units_and_containers(void **state)
{
	static const struct {
		const char *cgroup, *shown;
	} cases[] = {
		{"/system.slice/nginx.service", "nginx.service"},
		{"/docker/" CONTAINER, "docker:4f5e6d7c8b9a"},
		{"/docker/" CONTAINER "/system.slice/nginx.service", "nginx.service"},
		{"/system.slice/docker-" CONTAINER ".scope", "docker:4f5e6d7c8b9a"},
		{"/kubepods/besteffort/pod0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0/" CONTAINER,
		 "4f5e6d7c8b9a"}, /* whose runtime is not known */
		{"/lxc.payload.webserver-of-mine", "lxc:webserver-of-mine"},
		{"", "-"},
	};
	struct edges *edges = *state;
	struct records *records = &edges->records;
	struct view view = usual;
	struct rst_event some = edges_event(RST_SENT, RST_CLOSED_PORT);

	view.wide = true;
	reopen(edges, &view, NULL);
	begin(edges);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char expected[512];

		records_process(records, i + 1, 812, "nginx", cases[i].cgroup);
		some.owner = i + 1;
		event(edges, some);
		snprintf(expected, sizeof(expected), " " NO_CONNECTION "%s\n", cases[i].shown);
		edges_assert_end(edges, expected);
	}
	some.owner = 0;
	records_listens(records, some.netns, 8080, 1);
	records_stops(records, records->now_ns + SECOND_NS, some.netns, 8080, 1, 11);
	event(edges, some);
	edges_assert(edges, "22:13:21 " SENT
			    "closed_port 812     nginx           last_listener -           "
			    "-                    -      4026531840 " NO_CONNECTION
			    "nginx.service (stopped 0.5 s ago, killed by SIGSEGV)\n");
}

/* A sentence under each event, and nowhere else. */
static void explained(void **state)
{
	struct edges *edges = *state;
	struct view view = usual;
	struct rst_event some = edges_event(RST_SENT, RST_ABORTED);
	struct owner owner = {.known_by = OWNER_SOCKET};
	char sentence[EXPLAIN_BYTES], expected[EXPLAIN_BYTES + 256];

	view.explain = true;
	reopen(edges, &view, NULL);
	edges_reason(edges, 3, "TCP_ABORT_ON_LINGER");
	begin(edges);
	records_process(&edges->records, 1, 812, "\033[1m\n", "/");
	some.owner = 1;
	some.flags = RST_EVENT_REASON;
	some.reason = 3;
	some.state = RST_STATE_ESTABLISHED;
	event(edges, some);
	owner.process = processes_find(&edges->records.pipeline->processes, 1);
	explain_event(sentence, &some, NULL, &owner, "TCP_ABORT_ON_LINGER");
	assert_null(strpbrk(sentence, "\033\n"));
	snprintf(expected, sizeof(expected), "22:13:21 " SENT "aborted     812     ?[1m?\n    %s\n",
		 sentence);
	edges_assert(edges, expected);
	records_slice(&edges->records, 10 * SECOND_NS);
	edges_assert(edges, "--- 22:13:20 to 22:13:30: no resets\n");
	view.events = false;
	reopen(edges, &view, NULL);
	begin(edges);
	event(edges, some);
	edges_assert(edges, "");
}

/* --- windows --- */

static void an_empty_window(void **state)
{
	struct edges *edges = *state;

	begin(edges);
	records_quiet(&edges->records, 10);
	edges_assert(edges, "--- 22:13:20 to 22:13:30: no resets\n");
	edges->records.slice.missed = 3;
	records_quiet(&edges->records, 10);
	edges_assert(edges, "--- 22:13:30 to 22:13:40: no resets\n"
			    "    LOST      hook calls (skipped by the kernel) 3\n");
}

static void a_full_window(void **state)
{
	struct edges *edges = *state;
	struct records *records = &edges->records;

	begin(edges);
	records_count(records, web, 6);
	records_count(records, refused, 2);
	records_count(records, nobody, 1);
	records_tabled(records, records_peer_key(0x0a000007, 7, RST_SENT), 5);
	records_tabled(records, records_peer_key(0x0a000008, 8, RST_RECEIVED), 2);
	records->slice.events = 9;
	records_slice(records, 10 * SECOND_NS);
	edges_assert(edges, "--- 22:13:20 to 22:13:30: sent 7, received 2\n"
			    "    sent      closed_port 1, aborted 6\n"
			    "    received  refused 2\n"
			    "    ports     :80 server sent 6, :5432 client received 2, :9 sent 1\n"
			    "    owners    (kernel) sent 1; unknown sent 6 received 2\n"
			    "    peers     10.0.0.7 sent 5, 10.0.0.8 received 2; 2 distinct\n");
}

/* Each way in which a process is known has its place; what is not known is a number. */
static void owners_of_a_window(void **state)
{
	struct edges *edges = *state;
	struct records *records = &edges->records;
	struct rst_port_key key = web;

	begin(edges);
	records_process(records, 1, 812, "nginx", "/");
	records_process(records, 2, 813, "\033[1m\n", "/");
	records_listens(records, 7, 81, 1);
	key.owner = 1;
	records_count(records, key, 50);
	key.direction = RST_RECEIVED;
	key.cause = RST_STAGE_ESTABLISHED;
	records_count(records, key, 4);
	key.owner = 2;
	records_count(records, key, 40);
	key = nobody;
	records_count(records, key, 30);
	key = web;
	key.port = 81;
	key.cause = RST_QUEUE_FULL;
	records_count(records, key, 20); /* a listener's */
	key.cause = RST_FIREWALL;
	records_count(records, key, 10);
	key.cause = RST_CLOSED_PORT;
	key.port = 82;
	records_listens(records, 7, 82, 1);
	records_stops(records, records->now_ns + 1, 7, 82, 1, 11);
	records_count(records, key, 3);
	key.owner = 9; /* never known */
	key.cause = RST_ABORTED;
	records_count(records, key, 2);
	records_count(records, web, 1);
	records->slice.events = records->slice.counted;
	records_slice(records, 10 * SECOND_NS);
	edges_assert(edges, "--- 22:13:20 to 22:13:30: sent 116, received 44\n"
			    "    sent      closed_port 33, aborted 53, queue_full 20, firewall 10\n"
			    "    received  established 44\n"
			    "    ports     :80 server sent 51 received 44, :9 sent 30, "
			    ":81 server sent 30, :82 server sent 5\n"
			    "    owners    nginx (812) sent 50 received 4, "
			    "?[1m? (813) received 40, (kernel) sent 30, "
			    "nginx (812) listener sent 20, (firewall) sent 10, "
			    "nginx (812) last listener sent 3, (a process) sent 2; unknown sent 1\n"
			    "    peers     none shown; 0 distinct\n");
}

static void more_owners_than_the_list_holds(void **state)
{
	const struct pipeline_settings settings = {.filter = {.pid_count = 1, .pids = {1}}};
	struct edges *edges = *state;
	struct records *records = &edges->records;
	struct rst_port_key key = web;

	begin(edges);
	for (key.owner = 1; key.owner <= 13; key.owner++) {
		records_process(records, key.owner, 800 + key.owner, "a", "/");
		records_count(records, key, 50 - key.owner);
	}
	records_slice(records, 10 * SECOND_NS);
	edges_assert_has(edges, "    owners    a (801) sent 49, a (802) sent 48, ");
	edges_skip(edges);
	for (key.owner = 1; key.owner <= 13; key.owner++)
		records_count(records, key, 50 - key.owner);
	records_slice(records, 10 * SECOND_NS);
	edges_assert_has(edges, ", a (810) sent 40, and 3 more\n");
	reopen(edges, &usual, &settings); /* and one that hides all */
	begin(edges);
	key.owner = 1;
	records_process(records, 1, 801, "a", "/");
	records_count(records, key, 5);
	records_count(records, web, 2);
	records_slice(records, 10 * SECOND_NS);
	edges_assert_has(edges, "    ports     none shown\n"
				"    owners    none shown; unknown sent 2\n");
}

static void bounds_and_losses(void **state)
{
	struct edges *edges = *state;
	struct records *records = &edges->records;

	begin(edges);
	records_count(records, web, 16);
	records_tabled(records, records_peer_key(0x0a000007, 7, RST_SENT), 9);
	records_tabled(records, records_peer_key(0x0a000008, 7, RST_SENT), 5);
	records_other(records, RST_SENT, RST_ABORTED, 4);
	records->slice.events = 10;
	records->slice.lost = 3;
	records->slice.missed = 11;
	records->slice.peers_full = 1;
	records->slice.peer_error = 4; /* and the 1 */
	records_slice(records, 10 * SECOND_NS);
	edges_assert(edges, "--- 22:13:20 to 22:13:30: sent 20, received 0\n"
			    "    sent      aborted 20\n"
			    "    ports     :80 server sent 16\n"
			    "    owners    none known\n"
			    "    peers     10.0.0.7 sent 9..14; 2 distinct\n"
			    "    thinned   7 events\n"
			    "    LOST      events (ring buffer full) 3, "
			    "hook calls (skipped by the kernel) 11, ports (table full) 4, "
			    "peers (table full) 1\n");
	records_count(records, web, 16);
	records_tabled(records, records_peer_key(0x0a000007, 7, RST_SENT), 9);
	records->slice.events = 16;
	records->slice.peer_error = 9;
	records_slice(records, 10 * SECOND_NS);
	edges_assert(edges, "--- 22:13:30 to 22:13:40: sent 16, received 0\n"
			    "    sent      aborted 16\n"
			    "    ports     :80 server sent 16\n"
			    "    owners    none known\n"
			    "    peers     none stands out; 1 distinct\n");
}

static void more_than_the_list_holds(void **state)
{
	struct edges *edges = *state;
	struct records *records = &edges->records;
	struct record_distinct *distinct = unit_zeroed(sizeof(*distinct));
	struct rst_port_key key = web;

	*distinct = (struct record_distinct){.head = RECORD_HEAD(record_distinct, RECORD_DISTINCT),
					     .direction = RST_SENT};
	memset(distinct->registers, 1, 1000);
	begin(edges);
	for (unsigned i = 0; i < 13; i++) {
		key.port = 1000 + i;
		records_count(records, key, 50 - i);
	}
	assert_int_equal(records_feed(records, distinct), 0);
	records->slice.events = records->slice.counted;
	records_slice(records, 10 * SECOND_NS);
	edges_assert(edges, "--- 22:13:20 to 22:13:30: sent 572, received 0\n"
			    "    sent      aborted 572\n"
			    "    ports     :1000 server sent 50, :1001 server sent 49, "
			    ":1002 server sent 48, :1003 server sent 47, :1004 server sent 46, "
			    ":1005 server sent 45, :1006 server sent 44, :1007 server sent 43, "
			    ":1008 server sent 42, :1009 server sent 41, and 3 more\n"
			    "    owners    none known\n"
			    "    peers     none shown; 1031 distinct (estimate)\n");
	free(distinct);
}

/* The filter empties the lists; the totals stay. */
static void a_filter_that_hides_all(void **state)
{
	struct edges *edges = *state;
	const struct pipeline_settings settings = {
		.filter = {.port_count = 1, .ports = {443}, .netns = 9}};

	reopen(edges, &usual, &settings);
	begin(edges);
	records_count(&edges->records, web, 3);
	records_tabled(&edges->records, records_peer_key(0x0a000007, 7, RST_SENT), 3);
	event(edges, edges_event(RST_SENT, RST_ABORTED));
	edges->records.slice.events = 4;
	records_slice(&edges->records, 10 * SECOND_NS);
	edges_assert(edges, "--- 22:13:20 to 22:13:30: sent 3, received 0\n"
			    "    sent      aborted 3\n"
			    "    ports     none shown\n"
			    "    owners    none known\n"
			    "    peers     none shown; 1 distinct\n");
}

/* Numbers that have no name yet: nothing of them can be said, and nothing breaks. */
static void causes_of_a_later_version(void **state)
{
	struct edges *edges = *state;
	char *written;

	begin(edges);
	for (unsigned cause = 0; cause < 256; cause++) {
		struct rst_port_key key = {
			.netns = 7, .port = 1, .cause = cause, .direction = RST_SENT};

		records_count(&edges->records, key, 1);
		key.direction = RST_RECEIVED;
		records_count(&edges->records, key, 1);
		event(edges, edges_event(RST_RECEIVED, cause));
	}
	records_quiet(&edges->records, 120);
	records_end(&edges->records);
	written = edges_written(edges->output);
	assert_non_null(strstr(written, ": sent 256, received 256\n"));
	assert_null(strstr(written, "null"));
	free(written);
}

/* --- the audit --- */

#define LABEL "              "

/* A window of nothing but what moves OutRsts, in netns 7. */
static void audited(struct edges *edges, uint64_t seen, uint64_t counted)
{
	struct rst_port_key key = web;

	key.moves = RST_MOVES_OUT_RSTS;
	if (seen)
		records_count(&edges->records, key, seen);
	edges->records.slice.events = seen;
	records_kernel(&edges->records, 7, KERNEL_READ, 1, EDGES_COUNTED(counted));
	records_slice(&edges->records, 10 * SECOND_NS);
}

static void an_audit(void **state)
{
	struct edges *edges = *state;

	begin(edges);
	records_base(&edges->records, 7, 1, EDGES_COUNTED(100));
	audited(edges, 3, 103);
	edges_assert(edges, "--- 22:13:20 to 22:13:30: sent 3, received 0\n"
			    "    sent      aborted 3\n"
			    "    ports     :80 server sent 3\n"
			    "    owners    none known\n"
			    "    peers     none shown; 0 distinct\n"
			    "    audit     unexplained OutRsts 0, AttemptFails 0, EstabResets 0, "
			    "EmbryonicRsts 0\n");
	/* Of a window without resets in which all is explained there is nothing to say. */
	audited(edges, 0, 103);
	edges_assert(edges, "--- 22:13:30 to 22:13:40: no resets\n");
	audited(edges, 0, 104);
	edges_assert(edges, "--- 22:13:40 to 22:13:50: no resets\n");
	audited(edges, 0, 104);
	edges_assert(edges, "--- 22:13:50 to 22:14:00: no resets\n"
			    "    audit     unexplained OutRsts +1, AttemptFails 0, EstabResets 0, "
			    "EmbryonicRsts 0\n" LABEL
			    "netns 7: OutRsts +1; likely resets sent while a hook was skipped\n");
	edges->records.slice.missed = 2; /* losses come last */
	audited(edges, 5, 104);
	edges_skip(edges);
	records_outside(&edges->records, 9);
	edges->records.slice.missed = 2;
	audited(edges, 0, 104);
	edges_assert(edges,
		     "--- 22:14:10 to 22:14:20: no resets\n"
		     "    dropped   9 more that came in: by a firewall or damaged, TCP never had "
		     "them\n"
		     "    audit     unexplained OutRsts -5, AttemptFails 0, EstabResets 0, "
		     "EmbryonicRsts 0\n" LABEL
		     "netns 7: OutRsts -5; likely resets that no route led back for, or in "
		     "answer to a wrong TCP-MD5 signature\n"
		     "    LOST      hook calls (skipped by the kernel) 2\n");
}

/* Only what is unexplained is told of a namespace, and one likely reason: the first. */
static void an_audit_of_several_namespaces(void **state)
{
	struct edges *edges = *state;
	struct records *records = &edges->records;
	struct rst_port_key key = web;

	begin(edges);
	records_base(records, 7, 1, EDGES_COUNTED(100));
	records_base(records, 8, 2, EDGES_COUNTED(100));
	key.moves = RST_MOVES_ATTEMPT_FAILS;
	records_count(records, key, 4);
	key.netns = 9;
	records_count(records, key, 2);
	key.netns = 0;
	records_count(records, key, 1);
	records->slice.events = 7;
	records_slice(records, SECOND_NS);
	for (unsigned i = 0; i < 3; i++) {
		records_kernel(records, 7, KERNEL_READ, 1, EDGES_COUNTED(100, 0, 3, 0, 1));
		records_kernel(records, 8, KERNEL_READ, 2, EDGES_COUNTED(101, 0, 0, 2));
		records_kernel(records, 9, KERNEL_GONE, 0, EDGES_COUNTED(0));
		records_slice(records, 3 * SECOND_NS);
	}
	edges_assert(edges,
		     "--- 22:13:20 to 22:13:30: sent 7, received 0\n"
		     "    sent      aborted 7\n"
		     "    ports     :80 server sent 4, :80 server sent 2, :80 server sent 1\n"
		     "    owners    none known\n"
		     "    peers     none shown; 0 distinct\n"
		     "    audit     unexplained OutRsts +1, AttemptFails -4, EstabResets +3, "
		     "EmbryonicRsts +2\n" LABEL
		     "netns 7: AttemptFails -4, EstabResets +3; likely resets that a "
		     "half-open connection did not accept, taken for ones that ended it\n" LABEL
		     "netns 8: OutRsts +1, EmbryonicRsts +2; likely resets sent while a hook "
		     "was skipped\n" LABEL
		     "not audited: 2 in netns 9: it is gone, or no process and no mount leads "
		     "there\n" LABEL "not audited: 1: their namespace is not known\n");
}

static void more_namespaces_than_the_list_holds(void **state)
{
	struct edges *edges = *state;
	struct records *records = &edges->records;
	char *written;

	begin(edges);
	records_base(records, 7, 1, EDGES_COUNTED(100));
	for (unsigned i = 0; i < 13; i++) {
		struct rst_port_key key = web;

		key.netns = 1000 + i;
		records_count(records, key, 50 - i);
	}
	records->slice.events = records->slice.counted;
	records_slice(records, 10 * SECOND_NS);
	written = edges_written(edges->output);
	assert_non_null(strstr(written, LABEL "not audited: 50 in netns 1000: "));
	assert_non_null(strstr(written, LABEL "not audited: 41 in netns 1009: "));
	assert_null(strstr(written, "in netns 1010"));
	assert_non_null(strstr(written, LABEL "not audited: 3 more namespaces\n"));
	assert_null(strstr(written, "unexplained: ")); /* of those there are none */
	free(written);
}

/* As many as it holds, and one more, and two. */
static void more_unexplained_than_the_list_holds(void **state)
{
	static const char *const more[] = {"", LABEL "unexplained: 1 more namespaces\n",
					   LABEL "unexplained: 2 more namespaces\n"};
	struct edges *edges = *state;
	struct records *records = &edges->records;
	struct rst_port_key key = web;
	uint64_t counted[AUDIT_TOP + 2] = {0};

	begin(edges);
	for (unsigned i = 0; i < AUDIT_TOP + 2; i++)
		records_base(records, 1000 + i, 1, EDGES_COUNTED(0));
	for (unsigned window = 0; window < 3; window++) {
		char expected[256], *written, *found;

		for (unsigned i = 0; i < AUDIT_TOP + window; i++) {
			counted[i] += 100 - i;
			for (unsigned j = 0; j < 2; j++)
				records_kernel(records, 1000 + i, KERNEL_READ, 1,
					       EDGES_COUNTED(counted[i]));
		}
		key.netns = 0;
		records_count(records, key, 3);
		records->slice.events = records->slice.counted;
		records_slice(records, 10 * SECOND_NS);
		written = edges_written(edges->output);
		found = strstr(written, LABEL "netns 1009: ");
		assert_non_null(found);
		found = strchr(found, '\n') + 1;
		snprintf(expected, sizeof(expected),
			 "%s" LABEL "not audited: 3: their namespace is not known\n", more[window]);
		assert_string_equal(found, expected);
		free(written);
		edges_skip(edges);
	}
}

/* Resets that were not read in their window, and cannot be any more. */
static void not_audited_without_resets(void **state)
{
	struct edges *edges = *state;
	struct records *records = &edges->records;

	begin(edges);
	records_base(records, 7, 1, EDGES_COUNTED(100));
	records_count(records, web, 3);
	records_slice(records, 10 * SECOND_NS);
	edges_skip(edges);
	records_kernel(records, 7, KERNEL_READ, 2, EDGES_COUNTED(3));
	records_slice(records, 10 * SECOND_NS);
	edges_assert(edges,
		     "--- 22:13:30 to 22:13:40: no resets\n"
		     "    audit     unexplained OutRsts 0, AttemptFails 0, EstabResets 0, "
		     "EmbryonicRsts 0\n" LABEL
		     "not audited: 3 in netns 7: it was read for the first time, or others came "
		     "and went under its number\n");
}

/* The numbers of a forged recording. */
static void extreme_differences(void **state)
{
	struct edges *edges = *state;
	struct records *records = &edges->records;
	char *written;

	begin(edges);
	records_base(records, 7, 1, EDGES_COUNTED(0));
	for (unsigned i = 0; i < 2; i++)
		records_kernel(records, 7, KERNEL_READ, 1,
			       EDGES_COUNTED(1ULL << 63, INT64_MAX, UINT64_MAX - 1));
	records_slice(records, 10 * SECOND_NS);
	written = edges_written(edges->output);
	assert_non_null(strstr(written, "unexplained OutRsts -9223372036854775808, AttemptFails "
					"+9223372036854775807, EstabResets -2, EmbryonicRsts 0\n"));
	free(written);
}

/* A recording from before there was an audit. */
static void no_audit(void **state)
{
	struct edges *edges = *state;

	begin(edges);
	records_count(&edges->records, web, 3);
	records_outside(&edges->records, 2);
	edges->records.slice.events = 3;
	records_slice(&edges->records, 10 * SECOND_NS);
	edges_assert(edges,
		     "--- 22:13:20 to 22:13:30: sent 3, received 0\n"
		     "    sent      aborted 3\n"
		     "    ports     :80 server sent 3\n"
		     "    owners    none known\n"
		     "    peers     none shown; 0 distinct\n"
		     "    dropped   2 more that came in: by a firewall or damaged, TCP never had "
		     "them\n");
}

/* --- alerts --- */

static const struct pipeline_settings touchy = {
	.has_rate = true,
	.rate = {.floor = 1, .factor = 2, .hold = 1, .up = 2, .down = 2, .multiplier = 1}};

static void alerts(void **state)
{
	struct edges *edges = *state;
	struct records *records = &edges->records;
	const struct view view = {.wall_time = true, .utc = true};

	reopen(edges, &view, &touchy);
	begin(edges);
	for (unsigned i = 0; i < 8; i++) {
		records_count(records, nobody, 3);
		if (i == 2)
			records_count(records, refused, 1);
		records_tabled(records, records_peer_key(0x0a000007, 0, RST_SENT), 2);
		records_slice(records, SECOND_NS);
	}
	edges_assert(edges, "");
	records_slice(records, SECOND_NS);
	edges_assert(edges,
		     "*** 22:13:29 ALERT rst_sent_rate raised (warning, since 22:13:27)\n"
		     "    2.4 resets/s sent over 10 s, against 0/s in the minute before it began; "
		     "100% closed_port, 100% port 9, 66% peer 10.0.0.7\n"
		     "    ports     :9 100%\n"
		     "    owners    (kernel) 100%\n"
		     "    peers     10.0.0.7 66%\n"
		     "    advice    Nothing listens on that port: see whether its service is down "
		     "(ss -ltn) or whether a scan or a flood is under way.\n");
	records_quiet(records, 20);
	edges_assert(
		edges,
		"*** 22:13:33 ALERT rst_sent_rate cleared (warning, since 22:13:27)\n"
		"    1.5 resets/s sent over 10 s, against 0/s in the minute before it began; 100% "
		"closed_port, 100% port 9, 66% peer 10.0.0.7\n");
}

/* Whose they are, in a line and, if one has most of them, in the sentence. */
static void an_alert_with_owners(void **state)
{
	struct edges *edges = *state;
	const struct view view = {.wall_time = true, .utc = true};
	struct rst_port_key key = web;

	reopen(edges, &view, &touchy);
	begin(edges);
	records_process(&edges->records, 1, 812, "nginx", "/");
	records_process(&edges->records, 2, 813, "curl", "/");
	for (unsigned i = 0; i < 3; i++) {
		key.owner = 1;
		records_count(&edges->records, key, 93);
		key.owner = 2;
		records_count(&edges->records, key, 6);
		key.owner = 0;
		records_count(&edges->records, key, 1);
		records_slice(&edges->records, SECOND_NS);
	}
	edges_assert_has(edges, "; 100% aborted, 100% port 80, 93% nginx (pid 812)\n"
				"    ports     :80 server 100%\n"
				"    owners    nginx (812) 93%, curl (813) 6%\n"
				"    peers     none known\n");
}

/* Resets without port and peer: the lists say so. */
static void an_alert_about_nothing_known(void **state)
{
	struct edges *edges = *state;
	const struct view view = {.since_start = true, .utc = true};

	reopen(edges, &view, &touchy);
	begin(edges);
	for (unsigned i = 0; i < 3; i++) {
		records_other(&edges->records, RST_RECEIVED, RST_STAGE_STRAY, 100);
		records_slice(&edges->records, SECOND_NS);
	}
	edges_assert(
		edges,
		"*** 3.000 ALERT rst_received_rate raised (warning, since 22:13:21)\n"
		"    30 resets/s received over 10 s, against 0/s in the minute before it began\n"
		"    ports     none known\n"
		"    owners    none known\n"
		"    peers     none known\n"
		"    advice    The kernel gave no reason: see the ports and peers "
		"above.\n");
}

static void colors(void **state)
{
	struct edges *edges = *state;
	struct view view = {.windows = true, .wall_time = true, .utc = true, .color = true};

	reopen(edges, &view, &touchy);
	begin(edges);
	for (unsigned i = 0; i < 3; i++) {
		records_other(&edges->records, RST_RECEIVED, RST_STAGE_STRAY, 100);
		records_slice(&edges->records, SECOND_NS);
	}
	records_quiet(&edges->records, 20);
	records_end(&edges->records);
	edges_assert(
		edges,
		"\033[1;31m*** 22:13:23 ALERT rst_received_rate raised (warning, since "
		"22:13:21)\033[0m\n"
		"    30 resets/s received over 10 s, against 0/s in the minute before it began\n"
		"    ports     none known\n"
		"    owners    none known\n"
		"    peers     none known\n"
		"    advice    The kernel gave no reason: see the ports and peers "
		"above.\n"
		"\033[1m--- 22:13:20 to 22:13:30: sent 0, received 300\033[0m\n"
		"    received  stray 300\n"
		"    ports     none shown\n"
		"    owners    none known\n"
		"    peers     none shown; 0 distinct\n"
		"    LOST      ports (table full) 300\n"
		"\033[1;32m*** 22:13:33 ALERT rst_received_rate cleared (warning, since "
		"22:13:21)\033[0m\n"
		"    0 resets/s received over 10 s, against 0/s in the minute before it began\n"
		"\033[1m--- 22:13:30 to 22:13:40: no resets\033[0m\n"
		"\033[1m--- 22:13:40 to 22:13:43: no resets\033[0m\n"
		"--- end: 23 s, sent 0, received 300, alerts 1\n");
}

/* The longest summary, advice and lists: whole, and without escape sequences. */
static void no_escape_without_color(void **state)
{
	struct edges *edges = *state;
	char *written;

	reopen(edges, &usual, &touchy);
	begin(edges);
	for (unsigned i = 0; i < 8; i++) {
		records_count(&edges->records, web, 300);
		event(edges, edges_event(RST_SENT, RST_ABORTED));
		records_slice(&edges->records, SECOND_NS);
	}
	records_quiet(&edges->records, 20);
	records_end(&edges->records);
	written = edges_written(edges->output);
	assert_non_null(strstr(written, "ALERT rst_sent_rate raised"));
	assert_non_null(strstr(written, "ALERT rst_sent_rate cleared"));
	assert_null(strchr(written, '\033'));
	free(written);
}

/* --- alerts of detectors --- */

static const struct view alerts_only = {.wall_time = true, .utc = true};
static const struct view alerts_wide = {.wall_time = true, .utc = true, .wide = true};

#define RAISED "*** 22:13:27 ALERT port_scan raised (warning, since 22:13:25)\n    So it is.\n"
#define ADVICE "    advice    Look.\n"

static struct alert begin_alert(struct edges *edges, const struct view *view)
{
	reopen(edges, view, NULL);
	begin(edges);
	return edges_alert(edges, ALERT_RAISED);
}

static void a_detected_alert_about_nothing(void **state)
{
	struct edges *edges = *state;
	struct alert alert = begin_alert(edges, &alerts_wide);

	edges_tell(edges, &alert);
	edges_assert(edges, RAISED ADVICE);
	alert.has_local = true; /* but there is neither address nor port */
	alert.proof = ALERT_PROOF_NONE;
	alert.advice = NULL;
	edges_tell(edges, &alert);
	edges_assert(edges, RAISED);
}

static struct alert full_alert(struct edges *edges, const struct view *view)
{
	static const char *const facts[] = {"probes", "ports", "share", "rate",
					    "open",   "age",   "seven", "eight"};
	struct alert alert = begin_alert(edges, view);

	records_process(&edges->records, 1, 812, "n\033x", "/system.slice/nginx.service");
	alert.netns = 4026531840;
	alert.has_local = true;
	unit_ipv4(alert.local, 0x0a000002);
	alert.local_port = 443;
	alert.peer_count = 2;
	unit_ipv4(alert.peers[0].key.address, 0x0a000007);
	alert.peers[0].count = 950;
	edges_ipv6(alert.peers[1].key.address, 7);
	alert.peers[1].count = 50;
	alert.peers_all = 1000;
	alert.peers_estimated = true;
	alert.proof = ALERT_PROOF_NONE;
	alert.owner =
		(struct owner){.known_by = OWNER_LISTENER,
			       .process = processes_find(&edges->records.pipeline->processes, 1)};
	alert.touched = (struct alert_ports){.all = 20, .count = 3, .ports = {22, 80, 65535}};
	alert.open = (struct alert_ports){.all = 1, .count = 1, .ports = {22}};
	for (unsigned i = 0; i < COUNT_OF(facts); i++)
		alert.facts[i] = (struct alert_fact){facts[i], i + 0.25};
	alert.fact_count = COUNT_OF(facts);
	alert.words[0] = (struct alert_word){"scan", "syn"};
	alert.words[1] = (struct alert_word){"order", "random"};
	alert.word_count = 2;
	return alert;
}

#define FULL_PEERS                                                                                 \
	"    peers     10.0.0.7 950, 2001:db8::7 50; 1000 distinct (estimate) (unproven)\n"        \
	"    ports     22, 80, 65535, and 17 more\n"                                               \
	"    open      22\n"
#define SIX                                                                                        \
	"    evidence  scan syn, order random, probes 0.25, ports 1.25, share 2.25, rate 3.25, "   \
	"open 4.25, age 5.25"

static void a_detected_alert_about_everything(void **state)
{
	struct edges *edges = *state;
	struct alert alert = full_alert(edges, &alerts_only);

	edges_tell(edges, &alert);
	edges_assert(edges, RAISED "    local     10.0.0.2:443\n"
				   "    owner     n?x (812) listener\n" FULL_PEERS SIX
				   ", and 2 more\n" ADVICE);
	alert.fact_count = 6;
	alert.word_count = 0;
	edges_tell(edges, &alert);
	edges_assert_has(edges, "    evidence  probes 0.25, ports 1.25, share 2.25, rate 3.25, "
				"open 4.25, age 5.25\n" ADVICE);
	alert.fact_count = 0;
	alert.word_count = 1;
	edges_tell(edges, &alert);
	edges_assert_has(edges, "    evidence  scan syn\n" ADVICE);
}

static void a_detected_alert_that_is_wide(void **state)
{
	struct edges *edges = *state;
	struct alert alert = full_alert(edges, &alerts_wide);

	edges_tell(edges, &alert);
	edges_assert(edges,
		     RAISED "    local     10.0.0.2:443\n"
			    "    netns     4026531840\n"
			    "    owner     n?x (812) listener, nginx.service\n" FULL_PEERS SIX
			    ", seven 6.25, eight 7.25\n" ADVICE);
}

/* Any address of ours; only an address; the service is the peer's. */
static void whose_port_it_is(void **state)
{
	struct edges *edges = *state;
	struct alert alert = begin_alert(edges, &alerts_only);

	alert.has_local = true;
	alert.local_port = 80;
	edges_tell(edges, &alert);
	edges_assert(edges, RAISED "    local     *:80\n" ADVICE);
	edges_ipv6(alert.local, 2);
	edges_tell(edges, &alert);
	edges_assert(edges, RAISED "    local     [2001:db8::2]:80\n" ADVICE);
	alert.local_port = 0;
	edges_tell(edges, &alert);
	edges_assert(edges, RAISED "    local     2001:db8::2\n" ADVICE);
	alert.has_local = false;
	alert.peer_port = 5432;
	edges_tell(edges, &alert);
	edges_assert(edges, RAISED "    peers     their port 5432\n" ADVICE);
	alert.peers_all = 3;
	edges_tell(edges, &alert);
	edges_assert(edges, RAISED "    peers     their port 5432; 3 distinct\n" ADVICE);
	alert.peer_count = 2;
	alert.peers_all = 2;
	alert.proof = ALERT_PROOF_HANDSHAKE;
	unit_ipv4(alert.peers[0].key.address, 0x0a000007);
	edges_ipv6(alert.peers[1].key.address, 7);
	alert.peers[0].count = alert.peers[1].count = 4;
	edges_tell(edges, &alert);
	edges_assert(edges, RAISED "    peers     10.0.0.7:5432 4, [2001:db8::7]:5432 4\n" ADVICE);
	alert.peer_count = 0;
	alert.peer_port = 0;
	alert.proof = ALERT_PROOF_NONE;
	edges_tell(edges, &alert);
	edges_assert(edges, RAISED "    peers     2 distinct (unproven)\n" ADVICE);
}

/* In one sentence; the rest is for who asks. */
static void how_it_was_cleared(void **state)
{
	struct edges *edges = *state;
	struct alert alert = full_alert(edges, &alerts_only);

	alert.status = ALERT_CLEARED;
	edges_tell(edges, &alert);
	edges_assert(edges, "*** 22:13:27 ALERT port_scan cleared (warning, since 22:13:25, quiet "
			    "now)\n    So it is.\n");
	alert.ended = true;
	edges_tell(edges, &alert);
	edges_assert(edges, "*** 22:13:27 ALERT port_scan cleared (warning, since 22:13:25, over)\n"
			    "    So it is.\n");
	alert = full_alert(edges, &alerts_wide);
	alert.status = ALERT_CLEARED;
	edges_tell(edges, &alert);
	edges_assert_end(edges, FULL_PEERS SIX ", seven 6.25, eight 7.25\n");
}

static void colors_of_severities(void **state)
{
	struct view view = {.wall_time = true, .utc = true, .color = true};
	struct edges *edges = *state;
	struct alert alert = begin_alert(edges, &view);

	for (unsigned i = 0; i < 3; i++) {
		static const char *const colors[] = {"\033[1;33m***", "\033[1;31m***",
						     "\033[1;31m***"};

		alert.severity = ALERT_INFO + i;
		edges_tell(edges, &alert);
		edges_assert_has(edges, colors[i]);
	}
	alert.status = ALERT_CLEARED;
	edges_tell(edges, &alert);
	edges_assert_has(edges, "\033[1;32m***");
}

/* Signals that were left out; alerts that were not shown. */
static void what_detectors_did_not_get(void **state)
{
	struct edges *edges = *state;
	struct record_thinned thinned = {.head = RECORD_HEAD(record_thinned, RECORD_THINNED),
					 .signals = 6};

	begin(edges);
	edges->records.pipeline->totals.alerts = 5;
	edges->records.pipeline->totals.alerts_muted = 4;
	edges->records.pipeline->detect.book.folded_all = 3;
	assert_int_equal(records_feed(&edges->records, &thinned), 0);
	records_slice(&edges->records, SECOND_NS);
	records_end(&edges->records);
	edges_assert(edges, "--- 22:13:20 to 22:13:21: no resets\n"
			    "    LOST      signals for the detectors (too many) 6\n"
			    "--- end: 1 s, sent 0, received 0, alerts 5, muted 4, folded 3\n");
}

/* --- the end, and what is hidden --- */

static void the_end(void **state)
{
	struct edges *edges = *state;

	begin(edges);
	records_count(&edges->records, web, 6);
	edges->records.slice.events = 6;
	records_slice(&edges->records, SECOND_NS + SECOND_NS / 4);
	records_end(&edges->records);
	edges_assert(edges, "--- 22:13:20 to 22:13:21: sent 6, received 0\n"
			    "    sent      aborted 6\n"
			    "    ports     :80 server sent 6\n"
			    "    owners    none known\n"
			    "    peers     none shown; 0 distinct\n"
			    "--- end: 1.3 s, sent 6, received 0, alerts 0\n");
}

static void an_end_that_is_missing(void **state)
{
	struct edges *edges = *state;

	begin(edges);
	pipeline_finish(edges->records.pipeline, false);
	edges_assert(edges, "--- end (cut short): 0 s, sent 0, received 0, alerts 0\n");
}

/* The first words of the lines, those of a block's other lines left out. */
static void assert_lines(const struct view *view, const char *expected)
{
	struct edges edges = {0};
	char *written, *line, said[512] = "";

	edges_begin(&edges, view, NULL);
	event(&edges, edges_event(RST_SENT, RST_ABORTED));
	records_quiet(&edges.records, 60);
	records_run(&edges.records, nobody, 1000, 30);
	records_end(&edges.records);
	written = edges_written(edges.output);
	for (line = strtok(written, "\n"); line; line = strtok(NULL, "\n"))
		if (*line != ' ') {
			assert_true(strlen(said) < sizeof(said) - 8);
			strncat(said, line, 5);
			strcat(said, "|");
		}
	assert_string_equal(said, expected);
	free(written);
	edges_close(&edges);
}

static void what_the_view_hides(void **state)
{
	struct view view = usual;

	(void)state;
	assert_lines(&view, "TIME |22:13|--- 2|--- 2|--- 2|--- 2|--- 2|--- 2|--- 2|--- 2|"
			    "*** 2|--- 2|--- e|");
	view.events = false; /* quiet */
	assert_lines(&view, "--- 2|--- 2|--- 2|--- 2|--- 2|--- 2|--- 2|--- 2|*** 2|--- 2|--- e|");
	view.windows = false; /* alerts only */
	assert_lines(&view, "*** 2|");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_start, setup, teardown),
		cmocka_unit_test_setup_teardown(headers, setup, teardown),
		cmocka_unit_test_setup_teardown(sent_and_received, setup, teardown),
		cmocka_unit_test_setup_teardown(ipv6, setup, teardown),
		cmocka_unit_test_setup_teardown(eighty_columns, setup, teardown),
		cmocka_unit_test_setup_teardown(times, setup, teardown),
		cmocka_unit_test_setup_teardown(local_time, setup, teardown),
		cmocka_unit_test_setup_teardown(wide, setup, teardown),
		cmocka_unit_test_setup_teardown(names_that_are_not_ours, setup, teardown),
		cmocka_unit_test_setup_teardown(owners, setup, teardown),
		cmocka_unit_test_setup_teardown(last_listeners, setup, teardown),
		cmocka_unit_test_setup_teardown(hostile_names, setup, teardown),
		cmocka_unit_test_setup_teardown(connections, setup, teardown),
		cmocka_unit_test_setup_teardown(units_and_containers, setup, teardown),
		cmocka_unit_test_setup_teardown(explained, setup, teardown),
		cmocka_unit_test_setup_teardown(an_empty_window, setup, teardown),
		cmocka_unit_test_setup_teardown(a_full_window, setup, teardown),
		cmocka_unit_test_setup_teardown(owners_of_a_window, setup, teardown),
		cmocka_unit_test_setup_teardown(more_owners_than_the_list_holds, setup, teardown),
		cmocka_unit_test_setup_teardown(bounds_and_losses, setup, teardown),
		cmocka_unit_test_setup_teardown(more_than_the_list_holds, setup, teardown),
		cmocka_unit_test_setup_teardown(a_filter_that_hides_all, setup, teardown),
		cmocka_unit_test_setup_teardown(causes_of_a_later_version, setup, teardown),
		cmocka_unit_test_setup_teardown(an_audit, setup, teardown),
		cmocka_unit_test_setup_teardown(an_audit_of_several_namespaces, setup, teardown),
		cmocka_unit_test_setup_teardown(more_unexplained_than_the_list_holds, setup,
						teardown),
		cmocka_unit_test_setup_teardown(more_namespaces_than_the_list_holds, setup,
						teardown),
		cmocka_unit_test_setup_teardown(not_audited_without_resets, setup, teardown),
		cmocka_unit_test_setup_teardown(extreme_differences, setup, teardown),
		cmocka_unit_test_setup_teardown(no_audit, setup, teardown),
		cmocka_unit_test_setup_teardown(alerts, setup, teardown),
		cmocka_unit_test_setup_teardown(an_alert_with_owners, setup, teardown),
		cmocka_unit_test_setup_teardown(an_alert_about_nothing_known, setup, teardown),
		cmocka_unit_test_setup_teardown(a_detected_alert_about_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(a_detected_alert_about_everything, setup, teardown),
		cmocka_unit_test_setup_teardown(a_detected_alert_that_is_wide, setup, teardown),
		cmocka_unit_test_setup_teardown(whose_port_it_is, setup, teardown),
		cmocka_unit_test_setup_teardown(how_it_was_cleared, setup, teardown),
		cmocka_unit_test_setup_teardown(colors_of_severities, setup, teardown),
		cmocka_unit_test_setup_teardown(what_detectors_did_not_get, setup, teardown),
		cmocka_unit_test_setup_teardown(colors, setup, teardown),
		cmocka_unit_test_setup_teardown(no_escape_without_color, setup, teardown),
		cmocka_unit_test_setup_teardown(the_end, setup, teardown),
		cmocka_unit_test_setup_teardown(an_end_that_is_missing, setup, teardown),
		cmocka_unit_test(what_the_view_hides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "edges.h"

#include "explain.h"

#define START                                                                                      \
	"{\"type\":\"start\",\"time\":\"2023-11-14T22:13:20.000000000Z\",\"version\":\"1\","       \
	"\"kernel\":\"6.18\",\"window_seconds\":10,\"hooks\":{}}\n"
#define NO_LOSSES                                                                                  \
	"\"events_thinned\":0,\"lost\":{\"events\":0,\"hook_calls\":0,\"ports\":0,\"peers\":0,"    \
	"\"namespaces\":0,\"alarm_namespaces\":0,\"signals\":0}"

/* Of an event without a socket. */
#define KERNEL ",\"owner\":{\"known_by\":\"kernel\"}"
/* Of a window in which nobody is known. */
#define NO_OWNERS(sent, received)                                                                  \
	"\"owners\":[],\"distinct_owners\":0,\"owners_unknown\":{\"sent\":" #sent                  \
	",\"received\":" #received "},"
#define NOT_AUDITED "\"dropped_before_tcp\":0,"
#define NO_UNEXPLAINED                                                                             \
	"\"unexplained\":{\"OutRsts\":0,\"AttemptFails\":0,\"EstabResets\":0,"                     \
	"\"EmbryonicRsts\":0},\"dropped_before_tcp\":0,"

static const struct view everything = {.json = true, .events = true, .windows = true};

static int setup(void **state)
{
	struct edges *edges = unit_zeroed(sizeof(*edges));

	edges_open(edges, &everything, NULL);
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

/* --- the start --- */

static void the_start(void **state)
{
	struct edges *edges = *state;

	edges_hook(edges, "tcp_send_reset", true, "raw_tp");
	edges_hook(edges, "tcp_receive_reset", false, "no such tracepoint");
	strcpy(edges->records.start.kernel, "6.18-\"x\"\xff");
	assert_int_equal(records_feed(&edges->records, &edges->records.start), 0);
	edges_assert(edges, "{\"type\":\"start\",\"time\":\"2023-11-14T22:13:20.000000000Z\","
			    "\"version\":\"1\",\"kernel\":\"6.18-\\\"x\\\"\xef\xbf\xbd\","
			    "\"window_seconds\":10,\"hooks\":{\"tcp_send_reset\":\"raw_tp\","
			    "\"tcp_receive_reset\":\"no such tracepoint\"}}\n");
}

static void a_start_without_hooks(void **state)
{
	struct edges *edges = *state;

	assert_int_equal(records_feed(&edges->records, &edges->records.start), 0);
	edges_assert(edges, START);
}

/* Names that come from a recording are escaped, be they values or keys. */
static void names_that_are_not_ours(void **state)
{
	struct edges *edges = *state;
	struct rst_event event = edges_event(RST_SENT, RST_ABORTED);
	struct rst_port_key key = web;

	edges_hook(edges, "a\"b\n", true, "\\\x01");
	edges_reason(edges, 3, "R\":{}\x7f");
	assert_int_equal(records_feed(&edges->records, &edges->records.start), 0);
	edges_assert(edges, "{\"type\":\"start\",\"time\":\"2023-11-14T22:13:20.000000000Z\","
			    "\"version\":\"1\",\"kernel\":\"6.18\",\"window_seconds\":10,"
			    "\"hooks\":{\"a\\\"b\\u000a\":\"\\\\\\u0001\"}}\n");
	event.reason = 3;
	event.flags = RST_EVENT_REASON;
	records_event(&edges->records, event);
	edges_assert(edges, "{\"type\":\"event\",\"time\":\"2023-11-14T22:13:21.500000000Z\","
			    "\"direction\":\"sent\",\"cause\":\"aborted\","
			    "\"reason\":\"R\\\":{}\\u007f\",\"family\":4,"
			    "\"local\":{\"address\":\"10.0.0.2\",\"port\":8080},"
			    "\"peer\":{\"address\":\"10.0.0.7\",\"port\":51234},"
			    "\"netns\":4026531840" KERNEL "}\n");
	key.netns = 0;
	records_run(&edges->records, key, 2, 10);
	edges_assert(
		edges,
		"{\"type\":\"window\",\"start\":\"2023-11-14T22:13:20.000000000Z\","
		"\"end\":\"2023-11-14T22:13:30.000000000Z\","
		"\"sent\":{\"total\":20,\"causes\":{\"aborted\":20},"
		"\"reasons\":{\"R\\\":{}\\u007f\":20}},"
		"\"received\":{\"total\":0,\"stages\":{}},"
		"\"ports\":[{\"port\":80,\"role\":\"server\",\"netns\":0,\"sent\":20,"
		"\"received\":0,\"causes\":{\"aborted\":20}}],\"distinct_ports\":1," NO_OWNERS(
			20,
			0) "\"peers\":[],\"distinct_peers\":0,\"distinct_peers_estimated\":false,"
			   "\"namespaces\":[{\"netns\":0,\"sent\":20,\"received\":0}],"
			   "\"distinct_namespaces\":1,\"dropped_before_tcp\":0,\"events\":1,"
			   "\"events_thinned\":19,"
			   "\"lost\":{\"events\":0,\"hook_calls\":0,\"ports\":0,\"peers\":0,"
			   "\"namespaces\":0,\"alarm_namespaces\":0,\"signals\":0}}\n");
}

/* --- events --- */

static void sent_with_everything(void **state)
{
	struct edges *edges = *state;
	struct rst_event event = edges_event(RST_SENT, RST_CLOSED_PORT);

	edges_reason(edges, 2, "NO_SOCKET");
	begin(edges);
	event.reason = 2;
	event.trigger = RST_FLAG_SYN;
	event.flags = RST_EVENT_REASON | RST_EVENT_TRIGGER;
	event.role = RST_ROLE_SERVER;
	event.state = RST_STATE_CLOSE;
	event.time_ns += 123456789;
	records_event(&edges->records, event);
	edges_assert(edges, "{\"type\":\"event\",\"time\":\"2023-11-14T22:13:21.623456789Z\","
			    "\"direction\":\"sent\",\"cause\":\"closed_port\","
			    "\"reason\":\"NO_SOCKET\",\"family\":4,"
			    "\"local\":{\"address\":\"10.0.0.2\",\"port\":8080},"
			    "\"peer\":{\"address\":\"10.0.0.7\",\"port\":51234},"
			    "\"role\":\"server\",\"state\":\"CLOSE\",\"trigger\":\"SYN\","
			    "\"netns\":4026531840}\n");
}

static void received_with_everything(void **state)
{
	struct edges *edges = *state;
	struct rst_event event = edges_event(RST_RECEIVED, RST_STAGE_REFUSED);

	begin(edges);
	event.role = RST_ROLE_CLIENT;
	event.state = RST_STATE_SYN_SENT;
	records_event(&edges->records, event);
	edges_assert(edges, "{\"type\":\"event\",\"time\":\"2023-11-14T22:13:21.500000000Z\","
			    "\"direction\":\"received\",\"stage\":\"refused\",\"family\":4,"
			    "\"local\":{\"address\":\"10.0.0.2\",\"port\":8080},"
			    "\"peer\":{\"address\":\"10.0.0.7\",\"port\":51234},"
			    "\"role\":\"client\",\"state\":\"SYN_SENT\",\"netns\":4026531840}\n");
}

/* Of a reset that was dropped, the kernel's drop reason; they have numbers of their own. */
static void received_and_dropped(void **state)
{
	struct edges *edges = *state;
	struct rst_event event = edges_event(RST_RECEIVED, RST_STAGE_REJECTED);
	char *written;

	edges_reason(edges, 2, "NO_SOCKET");
	edges_drop_reason(edges, 2, "TCP_RESET");
	edges_drop_reason(edges, 255, "\"\x01");
	begin(edges);
	event.flags = RST_EVENT_REASON;
	event.reason = 2;
	event.state = RST_STATE_ESTABLISHED;
	records_event(&edges->records, event);
	edges_assert(edges, "{\"type\":\"event\",\"time\":\"2023-11-14T22:13:21.500000000Z\","
			    "\"direction\":\"received\",\"stage\":\"rejected\","
			    "\"reason\":\"TCP_RESET\",\"family\":4,"
			    "\"local\":{\"address\":\"10.0.0.2\",\"port\":8080},"
			    "\"peer\":{\"address\":\"10.0.0.7\",\"port\":51234},"
			    "\"state\":\"ESTABLISHED\",\"netns\":4026531840}\n");
	event.reason = 3; /* it has no name */
	records_event(&edges->records, event);
	event.reason = 2;
	event.flags = 0; /* none was given */
	records_event(&edges->records, event);
	written = edges_written(edges->output);
	assert_null(strstr(written, "reason"));
	free(written);
	event.reason = 255;
	event.flags = RST_EVENT_REASON;
	records_event(&edges->records, event);
	written = edges_written(edges->output);
	assert_non_null(strstr(written, "\"reason\":\"\\\"\\u0001\""));
	free(written);
}

/* In TIME_WAIT, and nowhere else, it is told whether the socket is gone. */
static void freed_in_time_wait(void **state)
{
	struct edges *edges = *state;

	begin(edges);
	for (unsigned cause = 0; cause < RST_CAUSES; cause++)
		for (unsigned freed = 0; freed < 2; freed++) {
			struct rst_event event = edges_event(
				cause < RST_STAGE_REFUSED ? RST_SENT : RST_RECEIVED, cause);
			const char *expected =
				freed ? ",\"freed\":true,\"netns\"" : ",\"freed\":false,\"netns\"";
			char *written;

			event.flags = freed ? RST_EVENT_FREED : 0;
			records_event(&edges->records, event);
			written = edges_written(edges->output);
			if (cause == RST_STAGE_TIME_WAIT)
				assert_non_null(strstr(written, expected));
			else
				assert_null(strstr(written, "freed"));
			free(written);
			edges_skip(edges);
		}
}

#define BARE(owner)                                                                                \
	"{\"type\":\"event\",\"time\":\"2023-11-14T22:13:21.500000000Z\",\"direction\":\"sent\","  \
	"\"cause\":\"unknown\",\"family\":4,\"local\":{\"address\":\"10.0.0.2\",\"port\":8080},"   \
	"\"peer\":{\"address\":\"10.0.0.7\",\"port\":51234},\"netns\":4026531840" owner "}\n"

/* Role, state, trigger and reason: absent where they are not known, whatever the bytes hold. */
static void what_is_not_known_is_absent(void **state)
{
	struct edges *edges = *state;
	struct rst_event event = edges_event(RST_SENT, RST_UNKNOWN);

	edges_reason(edges, 2, "NO_SOCKET");
	begin(edges);
	records_event(&edges->records, event);
	edges_assert(edges, BARE(KERNEL));
	event.role = 0;
	records_event(&edges->records, event);
	edges_assert(edges, BARE(KERNEL));
	event.role = RST_ROLES;
	event.state = RST_STATES;
	records_event(&edges->records, event);
	edges_assert(edges, BARE(""));
	event.role = event.state = 255;
	event.reason = 2; /* but the flags do not say so */
	event.trigger = RST_FLAG_SYN;
	records_event(&edges->records, event);
	edges_assert(edges, BARE(""));
	event.flags = RST_EVENT_REASON;
	event.reason = 5; /* no REASON record named it */
	records_event(&edges->records, event);
	edges_assert(edges, BARE(""));
	event.reason = 0;
	records_event(&edges->records, event);
	edges_assert(edges, BARE(""));
}

static void no_flags_at_all(void **state)
{
	struct edges *edges = *state;
	struct rst_event event = edges_event(RST_SENT, RST_UNKNOWN);
	char *written;

	begin(edges);
	event.flags = RST_EVENT_TRIGGER;
	records_event(&edges->records, event);
	event.trigger = 0xff;
	records_event(&edges->records, event);
	written = edges_written(edges->output);
	assert_non_null(strstr(written, "\"trigger\":\"none\""));
	assert_non_null(strstr(written, "\"trigger\":\"FIN+SYN+RST+PSH+ACK+URG+ECE+CWR\""));
	free(written);
}

static void ipv6(void **state)
{
	struct edges *edges = *state;
	struct rst_event event = edges_event(RST_SENT, RST_HALF_OPEN);

	begin(edges);
	edges_ipv6(event.local, 2);
	edges_ipv6(event.peer, 7);
	event.local_port = 65535;
	event.peer_port = 0;
	event.netns = 0;
	records_event(&edges->records, event);
	memset(event.peer, 0, 16);
	memset(event.local, 0xff, 16);
	records_event(&edges->records, event);
	edges_assert(edges,
		     "{\"type\":\"event\",\"time\":\"2023-11-14T22:13:21.500000000Z\","
		     "\"direction\":\"sent\",\"cause\":\"half_open\",\"family\":6,"
		     "\"local\":{\"address\":\"2001:db8::2\",\"port\":65535},"
		     "\"peer\":{\"address\":\"2001:db8::7\",\"port\":0},\"netns\":0" KERNEL "}\n"
		     "{\"type\":\"event\",\"time\":\"2023-11-14T22:13:21.500000000Z\","
		     "\"direction\":\"sent\",\"cause\":\"half_open\",\"family\":6,"
		     "\"local\":{\"address\":\"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\","
		     "\"port\":65535},\"peer\":{\"address\":\"::\",\"port\":0},\"netns\":0" KERNEL
		     "}\n");
}

/* From the member "netns" of an event on. */
static void assert_from_netns(struct edges *edges, const char *expected)
{
	char *written = edges_written(edges->output), *found = strstr(written, "\"netns\":");

	assert_non_null(found);
	assert_string_equal(found, expected);
	free(written);
	edges_skip(edges);
}

#define NETNS	  "\"netns\":4026531840"
#define CONTAINER "4f5e6d7c8b9a0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796"
#define POD	  "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"

static void owners(void **state)
{
	struct edges *edges = *state;
	struct record_process process =
		records_process_of(1, 812, "nginx", "/kubepods/burstable/pod" POD "/" CONTAINER);
	struct rst_event event = edges_event(RST_SENT, RST_ABORTED);
	char *written;

	begin(edges);
	event.state = RST_STATE_ESTABLISHED;
	records_event(&edges->records, event);
	assert_from_netns(edges, NETNS "}\n"); /* nobody is known */
	strcpy(process.exe, "/usr/sbin/nginx");
	assert_int_equal(records_feed(&edges->records, &process), 0);
	event.owner = 1;
	records_event(&edges->records, event);
	written = edges_written(edges->output);
	assert_non_null(strstr(written, NETNS ",\"owner\":{\"pid\":812,\"comm\":\"nginx\","
					      "\"exe\":\"/usr/sbin/nginx\",\"uid\":33,"
					      "\"cgroup\":\"/kubepods/burstable/pod" POD
					      "/" CONTAINER "\","));
	assert_non_null(strstr(written, ",\"container\":\"" CONTAINER "\","));
	assert_non_null(strstr(written, ",\"pod\":\"" POD "\",\"known_by\":\"socket\"}}\n"));
	free(written);
	edges_skip(edges);
	records_process(&edges->records, 2, 813, "php", "/system.slice/php8.3-fpm.service");
	event.owner = 2;
	records_event(&edges->records, event);
	assert_from_netns(edges, NETNS ",\"owner\":{\"pid\":813,\"comm\":\"php\",\"uid\":33,"
				       "\"cgroup\":\"/system.slice/php8.3-fpm.service\","
				       "\"unit\":\"php8.3-fpm.service\","
				       "\"known_by\":\"socket\"}}\n");
	event.owner = 3; /* not known any more */
	records_event(&edges->records, event);
	assert_from_netns(edges, NETNS ",\"owner\":{\"known_by\":\"socket\"}}\n");
	event.owner = 0;
	event.cause = RST_FIREWALL;
	records_event(&edges->records, event);
	assert_from_netns(edges, NETNS ",\"owner\":{\"known_by\":\"firewall\"}}\n");
	event.cause = RST_ABORTED;
	event.flags = RST_EVENT_KERNEL;
	records_event(&edges->records, event);
	assert_from_netns(edges, NETNS KERNEL "}\n");
}

static void last_listeners(void **state)
{
	struct edges *edges = *state;
	struct records *records = &edges->records;
	struct rst_event event = edges_event(RST_SENT, RST_CLOSED_PORT);
	struct record_listener closed;

	begin(edges);
	records_process(records, 1, 812, "nginx", "");
	event.time_ns = RECORDS_START_NS + 4200 * SECOND_NS / 1000;
	for (unsigned port = 1; port <= 6; port++)
		records_listens(records, event.netns, port, 1);
	records_stops(records, RECORDS_START_NS + SECOND_NS, event.netns, 2, 1, 11);
	records_stops(records, RECORDS_START_NS + SECOND_NS, event.netns, 3, 1, 3 << 8);
	records_stops(records, RECORDS_START_NS + SECOND_NS, event.netns, 4, 1, 0);
	records_stops(records, RECORDS_START_NS + SECOND_NS, event.netns, 5, 1, 63);
	closed = records_listener_of(RECORDS_START_NS, event.netns, 6, 1, RST_LISTENER_CLOSED);
	assert_int_equal(records_feed(records, &closed), 0);
#define NGINX NETNS ",\"owner\":{\"pid\":812,\"comm\":\"nginx\",\"uid\":33,\"known_by\":"
	event.local_port = 1;
	records_event(records, event);
	assert_from_netns(edges, NGINX "\"listener\"}}\n");
	event.local_port = 2;
	records_event(records, event);
	assert_from_netns(edges,
			  NGINX "\"last_listener\",\"stopped_ms\":3200,\"signal\":\"SIGSEGV\"}}\n");
	event.local_port = 3;
	records_event(records, event);
	assert_from_netns(edges, NGINX "\"last_listener\",\"stopped_ms\":3200,\"exit_code\":3}}\n");
	event.local_port = 4;
	records_event(records, event);
	assert_from_netns(edges, NGINX "\"last_listener\",\"stopped_ms\":3200,\"exit_code\":0}}\n");
	event.local_port = 5; /* one without a name */
	records_event(records, event);
	assert_from_netns(edges, NGINX "\"last_listener\",\"stopped_ms\":3200,"
				       "\"signal\":\"signal 63\"}}\n");
	event.local_port = 6; /* closed, and its process goes on */
	records_event(records, event);
	assert_from_netns(edges, NGINX "\"last_listener\",\"stopped_ms\":4200}}\n");
}

/* Whatever bytes a process puts in its names. */
static void hostile_owners(void **state)
{
	struct edges *edges = *state;
	struct record_process process = records_process_of(1, 812, "\"\n\033[1m", "/\xff\"");
	struct rst_event event = edges_event(RST_SENT, RST_ABORTED);

	begin(edges);
	strcpy(process.exe, "/a\x01\xc3");
	assert_int_equal(records_feed(&edges->records, &process), 0);
	records_netns(&edges->records, event.netns, "\"\x7f");
	event.owner = 1;
	records_event(&edges->records, event);
	assert_from_netns(edges, NETNS ",\"netns_name\":\"\\\"\\u007f\","
				       "\"owner\":{\"pid\":812,\"comm\":\"\\\"\\u000a\\u001b[1m\","
				       "\"exe\":\"/a\\u0001\xef\xbf\xbd\",\"uid\":33,"
				       "\"cgroup\":\"/\xef\xbf\xbd\\\"\","
				       "\"known_by\":\"socket\"}}\n");
}

static void connections(void **state)
{
	struct edges *edges = *state;
	struct rst_event event = edges_event(RST_SENT, RST_ABORTED);
	struct rst_connection connection = {
		.bytes_in = UINT64_MAX, .bytes_out = 4096, .age_ms = 3210, .idle_ms = 7};

	begin(edges);
	event.state = RST_STATE_ESTABLISHED;
	records_netns(&edges->records, event.netns, "blue");
	records_event_of(&edges->records, event, connection);
	assert_from_netns(edges, NETNS ",\"netns_name\":\"blue\",\"connection\":{\"age_ms\":3210,"
				       "\"idle_ms\":7,\"bytes_in\":18446744073709551615,"
				       "\"bytes_out\":4096}}\n");
	connection = (struct rst_connection){.age_ms = RST_AGE_UNKNOWN};
	records_event_of(&edges->records, event, connection);
	assert_from_netns(edges, NETNS ",\"netns_name\":\"blue\",\"connection\":{\"idle_ms\":0,"
				       "\"bytes_in\":0,\"bytes_out\":0}}\n");
}

static void explained(void **state)
{
	const struct view view = {.json = true, .events = true, .explain = true};
	const struct rst_connection connection = {.bytes_in = 1};
	const struct owner kernel = {.known_by = OWNER_KERNEL};
	struct edges *edges = *state;
	struct rst_event event = edges_event(RST_SENT, RST_HALF_OPEN);
	char sentence[EXPLAIN_BYTES], expected[EXPLAIN_BYTES + 256];

	edges_close(edges);
	edges_open(edges, &view, NULL);
	begin(edges);
	records_event_of(&edges->records, event, connection);
	explain_event(sentence, &event, &connection, &kernel, NULL);
	snprintf(expected, sizeof(expected),
		 NETNS ",\"connection\":{\"age_ms\":0,\"idle_ms\":0,\"bytes_in\":1,"
		       "\"bytes_out\":0}" KERNEL ",\"explanation\":\"%s\"}\n",
		 sentence);
	assert_from_netns(edges, expected);
}

/* --- windows --- */

static void an_empty_window(void **state)
{
	struct edges *edges = *state;

	begin(edges);
	records_quiet(&edges->records, 9);
	edges_assert(edges, "");
	records_quiet(&edges->records, 1);
	edges_assert(edges, "{\"type\":\"window\",\"start\":\"2023-11-14T22:13:20.000000000Z\","
			    "\"end\":\"2023-11-14T22:13:30.000000000Z\","
			    "\"sent\":{\"total\":0,\"causes\":{},\"reasons\":{}},"
			    "\"received\":{\"total\":0,\"stages\":{}},\"ports\":[],"
			    "\"distinct_ports\":0," NO_OWNERS(
				    0, 0) "\"peers\":[],\"distinct_peers\":0,"
					  "\"distinct_peers_estimated\":false,\"namespaces\":[],"
					  "\"distinct_namespaces\":0,\"dropped_before_tcp\":0,"
					  "\"events\":0," NO_LOSSES "}\n");
}

static void a_full_window(void **state)
{
	struct edges *edges = *state;
	struct records *records = &edges->records;

	edges_reason(edges, 3, "TCP_STATE");
	begin(edges);
	records_count(records, web, 6);
	records_count(records, refused, 2);
	records_count(records, nobody, 1);
	records_tabled(records, records_peer_key(0x0a000007, 7, RST_SENT), 5);
	records_tabled(records, records_peer_key(0x0a000008, 8, RST_RECEIVED), 2);
	records->slice.events = 4;
	records->slice.lost = 3;
	records->slice.missed = 11;
	records->slice.peers_full = 1;
	records->slice.peer_error = 2;
	records_slice(records, SECOND_NS);
	records_other(records, RST_RECEIVED, RST_STAGE_STRAY, 100);
	records->slice.events = 100;
	records_slice(records, 9 * SECOND_NS);
	edges_assert(edges,
		     "{\"type\":\"window\",\"start\":\"2023-11-14T22:13:20.000000000Z\","
		     "\"end\":\"2023-11-14T22:13:30.000000000Z\","
		     "\"sent\":{\"total\":7,\"causes\":{\"closed_port\":1,\"aborted\":6},"
		     "\"reasons\":{\"TCP_STATE\":6}},"
		     "\"received\":{\"total\":102,\"stages\":{\"refused\":2,\"stray\":100}},"
		     "\"ports\":[{\"port\":80,\"role\":\"server\",\"netns\":7,\"sent\":6,"
		     "\"received\":0,\"causes\":{\"aborted\":6}},"
		     "{\"port\":5432,\"role\":\"client\",\"netns\":8,\"sent\":0,\"received\":2,"
		     "\"stages\":{\"refused\":2}},"
		     "{\"port\":9,\"netns\":0,\"sent\":1,\"received\":0,"
		     "\"causes\":{\"closed_port\":1}}],\"distinct_ports\":3,\"owners\":[{\"known_"
		     "by\":\"kernel\",\"sent\":1,\"received\":0,\"causes\":{\"closed_port\":1}}],"
		     "\"distinct_owners\":1,\"owners_unknown\":{\"sent\":6,\"received\":102},"
		     "\"peers\":[{\"address\":\"10.0.0.7\",\"netns\":7,\"direction\":\"sent\","
		     "\"count\":5,\"error_max\":3},"
		     "{\"address\":\"10.0.0.8\",\"netns\":8,\"direction\":\"received\","
		     "\"count\":2,\"error_max\":3}],\"distinct_peers\":2,"
		     "\"distinct_peers_estimated\":false,"
		     "\"namespaces\":[{\"netns\":7,\"sent\":6,\"received\":0},"
		     "{\"netns\":8,\"sent\":0,\"received\":2},"
		     "{\"netns\":0,\"sent\":1,\"received\":0}],\"distinct_namespaces\":3,\"dropped_"
		     "before_tcp\":0,"
		     "\"events\":104,\"events_thinned\":2,\"lost\":{\"events\":3,\"hook_calls\":11,"
		     "\"ports\":100,\"peers\":1,\"namespaces\":0,\"alarm_namespaces\":0,"
		     "\"signals\":0}}\n");
}

static void a_window_of_owners(void **state)
{
	struct edges *edges = *state;
	struct records *records = &edges->records;
	struct rst_port_key key = web;

	begin(edges);
	records_process(records, 1, 812, "nginx", "");
	records_netns(records, 7, "blue\n");
	key.owner = 1;
	records_count(records, key, 5);
	key.direction = RST_RECEIVED;
	key.cause = RST_STAGE_ESTABLISHED;
	records_count(records, key, 2);
	key.direction = RST_SENT;
	key.cause = RST_CLOSED_PORT;
	key.owner = 0;
	key.port = 81;
	records_listens(records, 7, 81, 1);
	records_stops(records, records->now_ns + 8 * SECOND_NS, 7, 81, 1, 11);
	records_count(records, key, 3);
	records_count(records, refused, 4);
	records_slice(records, 10 * SECOND_NS);
	edges_assert_has(
		edges,
		"\"distinct_ports\":3,\"owners\":[{\"pid\":812,\"comm\":\"nginx\",\"uid\":33,"
		"\"known_by\":\"socket\",\"sent\":5,\"received\":2,"
		"\"causes\":{\"aborted\":5},\"stages\":{\"established\":2}},"
		"{\"pid\":812,\"comm\":\"nginx\",\"uid\":33,\"known_by\":\"last_listener\","
		"\"stopped_ms\":2000,\"signal\":\"SIGSEGV\",\"sent\":3,\"received\":0,"
		"\"causes\":{\"closed_port\":3}}],\"distinct_owners\":2,"
		"\"owners_unknown\":{\"sent\":0,\"received\":4},\"peers\":[],"
		"\"distinct_peers\":0,\"distinct_peers_estimated\":false,"
		"\"namespaces\":[{\"netns\":7,\"name\":\"blue\\u000a\",\"sent\":8,"
		"\"received\":2},{\"netns\":8,\"sent\":0,\"received\":4}],");
}

/* --- the audit --- */

/* From the member "audit" on. */
static void assert_audit(struct edges *edges, const char *expected)
{
	char *written = edges_written(edges->output);
	char *found = strstr(written, "\"audit\":");

	assert_non_null(found);
	if (strncmp(found, expected, strlen(expected)) != 0)
		fail_msg("%s is not %s", found, expected);
	free(written);
	edges_skip(edges);
}

#define EXPLAINED "{\"kernel\":0,\"seen\":0,\"unexplained\":0}"

static void an_audit_that_agrees(void **state)
{
	struct edges *edges = *state;
	struct records *records = &edges->records;
	struct rst_port_key key = web;

	begin(edges);
	records_base(records, 7, 1, EDGES_COUNTED(100));
	key.moves = RST_MOVES_OUT_RSTS | RST_MOVES_ESTAB_RESETS;
	records_count(records, key, 3);
	records_kernel(records, 7, KERNEL_READ, 1, EDGES_COUNTED(103, 0, 3));
	records_slice(records, 10 * SECOND_NS);
	assert_audit(edges, "\"audit\":{\"kernel_out_rsts\":3,\"seen\":3,\"unexplained\":0,"
			    "\"counters\":{\"OutRsts\":{\"kernel\":3,\"seen\":3,\"unexplained\":0},"
			    "\"AttemptFails\":" EXPLAINED ","
			    "\"EstabResets\":{\"kernel\":3,\"seen\":3,\"unexplained\":0},"
			    "\"EmbryonicRsts\":" EXPLAINED "},\"namespaces\":[],"
			    "\"distinct_namespaces\":0,\"unread\":[],\"distinct_unread\":0},"
			    "\"dropped_before_tcp\":0,\"events\":0,");
	records_end(records);
	edges_assert(edges, "{\"type\":\"end\",\"time\":\"2023-11-14T22:13:30.000000000Z\","
			    "\"duration_seconds\":10,\"complete\":true,\"windows\":1,"
			    "\"sent\":{\"total\":3,\"causes\":{\"aborted\":3}},"
			    "\"received\":{\"total\":0,\"stages\":{}}," NO_UNEXPLAINED
			    "\"events\":0,\"alerts\":0,\"alerts_muted\":0,\"alerts_folded\":0,"
			    "\"events_thinned\":3,\"lost\":{"
			    "\"events\":0,\"hook_calls\":0,\"ports\":0,\"peers\":0,"
			    "\"namespaces\":0,\"alarm_namespaces\":0,\"signals\":0}}\n");
}

static void an_audit_that_does_not(void **state)
{
	struct edges *edges = *state;
	struct records *records = &edges->records;
	struct rst_port_key key = web;

	begin(edges);
	records_base(records, 7, 1, EDGES_COUNTED(100));
	records_base(records, 8, 2, EDGES_COUNTED(10));
	key.moves = RST_MOVES_OUT_RSTS | RST_MOVES_ATTEMPT_FAILS;
	records_count(records, key, 3);
	key.netns = 9;
	records_count(records, key, 2);
	records_slice(records, SECOND_NS);
	for (unsigned i = 0; i < 3; i++) {
		records_kernel(records, 7, KERNEL_READ, 1, EDGES_COUNTED(108, 1));
		records_kernel(records, 8, KERNEL_READ, 2, EDGES_COUNTED(10, 0, 1, 0, 1));
		records_kernel(records, 9, KERNEL_DENIED, 0, EDGES_COUNTED(0));
		records_slice(records, 3 * SECOND_NS);
	}
	/* seen: without those of the namespace that was not read, which are in "unread". */
	assert_audit(edges,
		     "\"audit\":{\"kernel_out_rsts\":8,\"seen\":3,\"unexplained\":5,"
		     "\"counters\":{\"OutRsts\":{\"kernel\":8,\"seen\":3,\"unexplained\":5,"
		     "\"likely\":\"resets sent while a hook was skipped\"},"
		     "\"AttemptFails\":{\"kernel\":1,\"seen\":3,\"unexplained\":-2,"
		     "\"likely\":\"resets that a half-open connection did not accept, taken for "
		     "ones that "
		     "ended it\"},"
		     "\"EstabResets\":{\"kernel\":1,\"seen\":0,\"unexplained\":1,"
		     "\"likely\":\"connections that timed out (TCPAbortOnTimeout): no reset\"},"
		     "\"EmbryonicRsts\":" EXPLAINED "},"
		     "\"namespaces\":[{\"netns\":7,"
		     "\"OutRsts\":{\"kernel\":8,\"seen\":3,\"unexplained\":5,"
		     "\"likely\":\"resets sent while a hook was skipped\"},"
		     "\"AttemptFails\":{\"kernel\":1,\"seen\":3,\"unexplained\":-2,"
		     "\"likely\":\"resets that a half-open connection did not accept, taken for "
		     "ones that "
		     "ended it\"},"
		     "\"EstabResets\":" EXPLAINED ",\"EmbryonicRsts\":" EXPLAINED "},"
		     "{\"netns\":8,\"OutRsts\":" EXPLAINED ",\"AttemptFails\":" EXPLAINED ","
		     "\"EstabResets\":{\"kernel\":1,\"seen\":0,\"unexplained\":1,"
		     "\"likely\":\"connections that timed out (TCPAbortOnTimeout): no reset\"},"
		     "\"EmbryonicRsts\":" EXPLAINED "}],\"distinct_namespaces\":2,"
		     "\"unread\":[{\"netns\":9,\"resets\":2,"
		     "\"why\":\"its counters may not be read: that takes CAP_SYS_ADMIN and "
		     "CAP_SYS_PTRACE\"}],\"distinct_unread\":1},"
		     "\"dropped_before_tcp\":0,\"events\":0,");
	records_end(records);
	edges_assert(edges, "{\"type\":\"end\",\"time\":\"2023-11-14T22:13:30.000000000Z\","
			    "\"duration_seconds\":10,\"complete\":true,\"windows\":1,"
			    "\"sent\":{\"total\":5,\"causes\":{\"aborted\":5}},"
			    "\"received\":{\"total\":0,\"stages\":{}},"
			    "\"unexplained\":{\"OutRsts\":5,\"AttemptFails\":-2,"
			    "\"EstabResets\":1,\"EmbryonicRsts\":0},\"dropped_before_tcp\":0,"
			    "\"events\":0,\"alerts\":0,\"alerts_muted\":0,\"alerts_folded\":0,"
			    "\"events_thinned\":5,\"lost\":{"
			    "\"events\":0,\"hook_calls\":0,\"ports\":0,\"peers\":0,"
			    "\"namespaces\":0,\"alarm_namespaces\":0,\"signals\":0}}\n");
}

/* What came until the base of a namespace was known is listed. */
static void an_audit_that_begins_late(void **state)
{
	struct edges *edges = *state;
	struct records *records = &edges->records;
	struct rst_port_key key = web;

	begin(edges);
	key.moves = RST_MOVES_OUT_RSTS;
	records_count(records, key, 2);
	records_kernel(records, 7, KERNEL_BASE, 1, EDGES_COUNTED(100));
	records_slice(records, SECOND_NS);
	records_count(records, key, 1);
	records_kernel(records, 7, KERNEL_READ, 1, EDGES_COUNTED(101));
	records_slice(records, SECOND_NS);
	records_count(records, key, 4);
	records_kernel(records, 7, KERNEL_READ, 1, EDGES_COUNTED(105));
	records_slice(records, 8 * SECOND_NS);
	assert_audit(edges, "\"audit\":{\"kernel_out_rsts\":4,\"seen\":4,\"unexplained\":0,"
			    "\"counters\":{\"OutRsts\":{\"kernel\":4,\"seen\":4,\"unexplained\":0},"
			    "\"AttemptFails\":" EXPLAINED ",\"EstabResets\":" EXPLAINED ","
			    "\"EmbryonicRsts\":" EXPLAINED "},\"namespaces\":[],"
			    "\"distinct_namespaces\":0,\"unread\":[{\"netns\":7,\"resets\":3,"
			    "\"why\":\"it was read for the first time, or others came and went "
			    "under its number\"}],\"distinct_unread\":1},"
			    "\"dropped_before_tcp\":0,\"events\":0,");
}

/* The least number there is, and lists that are full. */
static void an_audit_of_a_forged_recording(void **state)
{
	struct edges *edges = *state;
	struct records *records = &edges->records;
	char *written;

	begin(edges);
	records_base(records, 7, 1, EDGES_COUNTED(0));
	records_kernel(records, 7, KERNEL_READ, 1,
		       EDGES_COUNTED(1ULL << 63, INT64_MAX, UINT64_MAX));
	for (unsigned i = 0; i < 13; i++) {
		struct rst_port_key key = web;

		key.netns = 100 + i;
		records_count(records, key, 1);
		records_base(records, 200 + i, 1, EDGES_COUNTED(0));
		records_kernel(records, 200 + i, KERNEL_READ, 1, EDGES_COUNTED(0, 1));
		records_kernel(records, 200 + i, KERNEL_READ, 1, EDGES_COUNTED(0, 1));
	}
	records_slice(records, 10 * SECOND_NS);
	records_end(records);
	written = edges_written(edges->output);
	assert_non_null(strstr(written, "\"kernel_out_rsts\":9223372036854775808,\"seen\":0,"
					"\"unexplained\":-9223372036854775808,"));
	assert_non_null(strstr(written, "],\"distinct_namespaces\":14,\"unread\":["));
	assert_non_null(strstr(written, "],\"distinct_unread\":13},"));
	assert_non_null(strstr(written, "{\"netns\":109,\"resets\":1,"));
	assert_null(strstr(written, "{\"netns\":110,\"resets\":1,"));
	assert_non_null(strstr(written, "{\"netns\":208,\"OutRsts\""));
	assert_null(strstr(written, "{\"netns\":209,\"OutRsts\""));
	free(written);
}

static void resets_dropped_before_tcp(void **state)
{
	struct edges *edges = *state;
	char *written;

	begin(edges);
	records_outside(&edges->records, 5);
	records_slice(&edges->records, 10 * SECOND_NS);
	records_outside(&edges->records, 6);
	records_slice(&edges->records, 10 * SECOND_NS);
	records_end(&edges->records);
	written = edges_written(edges->output);
	assert_non_null(strstr(written, "\"dropped_before_tcp\":5,\"events\":0,"));
	assert_non_null(strstr(written, "\"dropped_before_tcp\":6,\"events\":0,"));
	assert_non_null(strstr(written, "\"dropped_before_tcp\":11,\"events\":0,\"alerts\":0,"
					"\"alerts_muted\":0,\"alerts_folded\":0,"));
	assert_null(strstr(written, "\"audit\"")); /* nothing was compared */
	free(written);
}

static void an_estimate(void **state)
{
	struct edges *edges = *state;
	struct record_distinct *distinct = unit_zeroed(sizeof(*distinct));
	char *written;

	*distinct = (struct record_distinct){.head = RECORD_HEAD(record_distinct, RECORD_DISTINCT),
					     .direction = RST_SENT};
	distinct->registers[1] = 1;
	begin(edges);
	assert_int_equal(records_feed(&edges->records, distinct), 0);
	records_quiet(&edges->records, 10);
	written = edges_written(edges->output);
	assert_non_null(strstr(written, "\"distinct_peers\":1,\"distinct_peers_estimated\":true,"));
	free(written);
	free(distinct);
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
		struct rst_event event = edges_event(RST_RECEIVED, cause);

		records_count(&edges->records, key, 1);
		key.direction = RST_RECEIVED;
		records_count(&edges->records, key, 1);
		records_event(&edges->records, event);
	}
	records_quiet(&edges->records, 120);
	records_end(&edges->records);
	written = edges_written(edges->output);
	assert_non_null(strstr(written, "\"sent\":{\"total\":256,"));
	assert_null(strstr(written, "null"));
	free(written);
}

/* --- alerts --- */

static void an_alert(void **state)
{
	struct edges *edges = *state;
	struct records *records = &edges->records;
	struct pipeline_settings settings = {
		.has_rate = true,
		.rate = {.floor = 1, .factor = 2, .hold = 1, .up = 2, .down = 2, .multiplier = 1}};
	const struct view alerts = {.json = true};

	edges_close(edges);
	edges_open(edges, &alerts, &settings);
	edges_reason(edges, 3, "TCP_STATE");
	begin(edges);
	for (unsigned i = 0; i < 8; i++) {
		records_count(records, web, 4);
		if (i == 2)
			records_count(records, nobody, 3);
		records_tabled(records, records_peer_key(0x0a000007, 7, RST_SENT), 3);
		records->slice.peer_error = 1;
		records_slice(records, SECOND_NS);
	}
	/* 23 in five seconds (with the 3 of nobody) are more than 2/s; told 2 s later. In netns 7
	 * alone a second later. The limit told is the one that was exceeded. */
	edges_assert(
		edges,
		"{\"type\":\"alert\",\"id\":\"1700000000000-1\","
		"\"alert\":\"rst_sent_rate\",\"status\":\"raised\","
		"\"severity\":\"warning\",\"time\":\"2023-11-14T22:13:27.000000000Z\","
		"\"first_seen\":\"2023-11-14T22:13:25.000000000Z\","
		"\"direction\":\"sent\",\"ports\":[{\"port\":80,\"role\":\"server\","
		"\"netns\":7,\"sent\":28,\"received\":0,\"causes\":{\"aborted\":28},"
		"\"share\":0.903},{\"port\":9,\"netns\":0,\"sent\":3,\"received\":0,"
		"\"causes\":{\"closed_port\":3},\"share\":0.097}],"
		"\"peers\":[{\"address\":\"10.0.0.7\",\"netns\":7,\"direction\":\"sent\","
		"\"count\":21,\"error_max\":7,\"share\":0.677}],"
		"\"owners\":[{\"known_by\":\"kernel\",\"sent\":3,\"received\":0,\"causes\":{"
		"\"closed_port\":3},\"share\":0.097}],"
		"\"evidence\":{\"rate\":3.1,\"baseline\":0,\"limit\":2,\"resets\":31,"
		"\"resets_since_first\":31,\"causes\":{\"closed_port\":3,\"aborted\":28},"
		"\"reasons\":{\"TCP_STATE\":28}},\"summary\":\"3.1 resets/s sent over 10 "
		"s, against 0/s in the minute before it began; 90% aborted, 90% port 80, 67% peer "
		"10.0.0.7\",\"advice\":\"A program on this host closes connections hard: "
		"look at the service behind that port, its restarts and its "
		"timeouts.\"}\n"
		"{\"type\":\"alert\",\"id\":\"1700000000000-2\","
		"\"alert\":\"rst_sent_rate\",\"status\":\"raised\","
		"\"severity\":\"warning\",\"time\":\"2023-11-14T22:13:28.000000000Z\","
		"\"first_seen\":\"2023-11-14T22:13:26.000000000Z\",\"netns\":7,"
		"\"direction\":\"sent\",\"ports\":[{\"port\":80,\"role\":\"server\","
		"\"netns\":7,\"sent\":32,\"received\":0,\"causes\":{\"aborted\":32},"
		"\"share\":1}],\"peers\":[{\"address\":\"10.0.0.7\",\"netns\":7,"
		"\"direction\":\"sent\",\"count\":24,\"error_max\":8,\"share\":0.75}],"
		"\"owners\":[],"
		"\"evidence\":{\"rate\":3.2,\"baseline\":0,\"limit\":2,\"resets\":32,"
		"\"resets_since_first\":32,\"causes\":{\"aborted\":32},"
		"\"reasons\":{\"TCP_STATE\":32}},\"summary\":\"3.2 resets/s sent in "
		"netns 7 over 10 s, against 0/s in the minute before it began; 100% aborted, 100% "
		"port 80, 75% peer 10.0.0.7\",\"advice\":\"A program on this host closes "
		"connections hard: look at the service behind that port, its restarts "
		"and its timeouts.\"}\n");
	/* Those seconds become the minute before: from second 11 on the rate is below it. */
	records_quiet(records, 10);
	edges_assert(
		edges,
		"{\"type\":\"alert\",\"id\":\"1700000000000-1\","
		"\"alert\":\"rst_sent_rate\",\"status\":\"cleared\","
		"\"severity\":\"warning\",\"time\":\"2023-11-14T22:13:33.000000000Z\","
		"\"first_seen\":\"2023-11-14T22:13:25.000000000Z\","
		"\"direction\":\"sent\",\"ports\":[{\"port\":80,\"role\":\"server\","
		"\"netns\":7,\"sent\":20,\"received\":0,\"causes\":{\"aborted\":20},"
		"\"share\":1}],\"peers\":[{\"address\":\"10.0.0.7\",\"netns\":7,"
		"\"direction\":\"sent\",\"count\":15,\"error_max\":5,\"share\":0.75}],"
		"\"owners\":[],"
		"\"evidence\":{\"rate\":2,\"baseline\":0,\"limit\":2,\"resets\":20,"
		"\"resets_since_first\":35,\"causes\":{\"aborted\":20},"
		"\"reasons\":{\"TCP_STATE\":20}},\"summary\":\"2 resets/s sent over 10 "
		"s, against 0/s in the minute before it began; 100% aborted, 100% port 80, 75% "
		"peer 10.0.0.7\",\"advice\":\"A program on this host closes connections "
		"hard: look at the service behind that port, its restarts and its "
		"timeouts.\"}\n"
		"{\"type\":\"alert\",\"id\":\"1700000000000-2\","
		"\"alert\":\"rst_sent_rate\",\"status\":\"cleared\","
		"\"severity\":\"warning\",\"time\":\"2023-11-14T22:13:33.000000000Z\","
		"\"first_seen\":\"2023-11-14T22:13:26.000000000Z\",\"netns\":7,"
		"\"direction\":\"sent\",\"ports\":[{\"port\":80,\"role\":\"server\","
		"\"netns\":7,\"sent\":20,\"received\":0,\"causes\":{\"aborted\":20},"
		"\"share\":1}],\"peers\":[{\"address\":\"10.0.0.7\",\"netns\":7,"
		"\"direction\":\"sent\",\"count\":15,\"error_max\":5,\"share\":0.75}],"
		"\"owners\":[],"
		"\"evidence\":{\"rate\":2,\"baseline\":0,\"limit\":2,\"resets\":20,"
		"\"resets_since_first\":32,\"causes\":{\"aborted\":20},"
		"\"reasons\":{\"TCP_STATE\":20}},\"summary\":\"2 resets/s sent in netns "
		"7 over 10 s, against 0/s in the minute before it began; 100% aborted, 100% port "
		"80, 75% peer 10.0.0.7\",\"advice\":\"A program on this host closes "
		"connections hard: look at the service behind that port, its restarts "
		"and its timeouts.\"}\n");
}

/* The first has most of it. */
static void an_alert_with_an_owner(void **state)
{
	const struct pipeline_settings settings = {
		.has_rate = true,
		.rate = {.floor = 1, .factor = 2, .hold = 1, .up = 2, .down = 2, .multiplier = 1}};
	const struct view alerts = {.json = true};
	struct edges *edges = *state;
	struct rst_port_key key = web;

	edges_close(edges);
	edges_open(edges, &alerts, &settings);
	begin(edges);
	records_process(&edges->records, 1, 812, "nginx", "");
	for (unsigned i = 0; i < 3; i++) {
		key.owner = 1;
		key.cause = RST_ABORTED;
		records_count(&edges->records, key, 75);
		key.owner = 0;
		key.cause = RST_FIREWALL;
		records_count(&edges->records, key, 25);
		records_slice(&edges->records, SECOND_NS);
	}
	edges_assert_has(edges,
			 "\"peers\":[],\"owners\":[{\"pid\":812,\"comm\":\"nginx\",\"uid\":33,"
			 "\"known_by\":\"socket\",\"sent\":225,\"received\":0,"
			 "\"causes\":{\"aborted\":225},\"share\":0.75},"
			 "{\"known_by\":\"firewall\",\"sent\":75,\"received\":0,"
			 "\"causes\":{\"firewall\":75},\"share\":0.25}],"
			 "\"owner\":{\"pid\":812,\"comm\":\"nginx\",\"uid\":33,"
			 "\"known_by\":\"socket\"},\"evidence\":");
}

/* --- alerts of detectors --- */

#define DETECTED(status)                                                                           \
	"{\"type\":\"alert\",\"id\":\"1700000000000-3\",\"alert\":\"port_scan\",\"status\":"       \
	"\"" status "\",\"severity\":\"warning\",\"time\":\"2023-11-14T22:13:27.000000000Z\","     \
	"\"first_seen\":\"2023-11-14T22:13:25.000000000Z\","
#define WORDS "\"summary\":\"So it is.\",\"advice\":\"Look.\""

/* What is not known is absent. */
static void a_detected_alert_about_nothing(void **state)
{
	struct edges *edges = *state;
	struct alert alert;

	begin(edges);
	alert = edges_alert(edges, ALERT_RAISED);
	edges_tell(edges, &alert);
	edges_assert(edges, DETECTED("raised") "\"evidence\":{}," WORDS "}\n");
	alert.status = ALERT_UPDATED;
	alert.has_local = true; /* but there is neither address nor port */
	alert.advice = NULL;
	edges_tell(edges, &alert);
	edges_assert(edges, DETECTED("updated") "\"evidence\":{},\"summary\":\"So it is.\"}\n");
}

static void a_detected_alert_about_everything(void **state)
{
	struct edges *edges = *state;
	struct alert alert;

	begin(edges);
	records_process(&edges->records, 1, 812, "n\"x\xff", "/system.slice/nginx.service");
	alert = edges_alert(edges, ALERT_RAISED);
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
		(struct owner){.known_by = OWNER_LAST_LISTENER,
			       .process = processes_find(&edges->records.pipeline->processes, 1),
			       .stopped_ns = alert.time_ns - 1500000000,
			       .exited = true,
			       .exit_status = 11};
	alert.touched = (struct alert_ports){.all = 20, .count = 3, .ports = {22, 80, 65535}};
	alert.open = (struct alert_ports){.all = 1, .count = 1, .ports = {22}};
	alert.facts[0] = (struct alert_fact){"probes", 20};
	alert.facts[1] = (struct alert_fact){"share", 0.25};
	alert.fact_count = 2;
	alert.words[0] = (struct alert_word){"scan", "syn"};
	alert.words[1] = (struct alert_word){"flags", "F\"P"};
	alert.word_count = 2;
	edges_tell(edges, &alert);
	edges_assert(
		edges,
		DETECTED("raised") "\"netns\":4026531840,"
				   "\"local\":{\"address\":\"10.0.0.2\",\"port\":443},"
				   "\"peers\":[{\"address\":\"10.0.0.7\",\"count\":950},"
				   "{\"address\":\"2001:db8::7\",\"count\":50}],"
				   "\"distinct_peers\":1000,\"distinct_peers_estimated\":true,"
				   "\"source_proof\":\"none\","
				   "\"owner\":{\"pid\":812,\"comm\":\"n\\\"x\xef\xbf\xbd\",\"uid\":"
				   "33,"
				   "\"cgroup\":\"/system.slice/nginx.service\","
				   "\"unit\":\"nginx.service\",\"known_by\":\"last_listener\","
				   "\"stopped_ms\":1500,\"signal\":\"SIGSEGV\"},"
				   "\"ports_touched\":[22,80,65535],\"distinct_ports\":20,"
				   "\"ports_open\":[22],\"distinct_ports_open\":1,"
				   "\"evidence\":{\"probes\":20,\"share\":0.25,\"scan\":\"syn\","
				   "\"flags\":\"F\\\"P\"}," WORDS "}\n");
}

/* Any address of ours; only an address; the service is the peer's. */
static void whose_port_it_is(void **state)
{
	struct edges *edges = *state;
	struct alert alert;

	begin(edges);
	alert = edges_alert(edges, ALERT_RAISED);
	alert.has_local = true;
	alert.local_port = 80;
	edges_tell(edges, &alert);
	edges_assert(edges,
		     DETECTED("raised") "\"local\":{\"port\":80},\"evidence\":{}," WORDS "}\n");
	alert.local_port = 0;
	edges_ipv6(alert.local, 2);
	edges_tell(edges, &alert);
	edges_assert(edges, DETECTED("raised") "\"local\":{\"address\":\"2001:db8::2\"},"
					       "\"evidence\":{}," WORDS "}\n");
	alert.has_local = false;
	alert.peer_port = 5432;
	edges_tell(edges, &alert);
	edges_assert(edges, DETECTED("raised") "\"peer_port\":5432,\"evidence\":{}," WORDS "}\n");
}

/* How many there are is never less than what is listed, and known without a list too. */
static void peers_and_their_proof(void **state)
{
	struct edges *edges = *state;
	struct alert alert;

	begin(edges);
	alert = edges_alert(edges, ALERT_RAISED);
	alert.peer_count = 1;
	unit_ipv4(alert.peers[0].key.address, 0x0a000007);
	alert.peers[0].count = 4;
	alert.proof = ALERT_PROOF_HANDSHAKE;
	alert.touched.count = 1;
	alert.touched.ports[0] = 22;
	edges_tell(edges, &alert);
	edges_assert(edges,
		     DETECTED("raised") "\"peers\":[{\"address\":\"10.0.0.7\",\"count\":4}],"
					"\"distinct_peers\":1,\"distinct_peers_estimated\":false,"
					"\"source_proof\":\"handshake\",\"ports_touched\":[22],"
					"\"distinct_ports\":1,\"evidence\":{}," WORDS "}\n");
	alert.peer_count = 2;
	alert.peers_all = 1; /* an estimate can be lower */
	edges_tell(edges, &alert);
	edges_assert_has(edges, ",\"distinct_peers\":2,");
	alert.peer_count = 0;
	alert.peers_all = 9;
	alert.proof = ALERT_PROOF_ANSWERED;
	alert.touched.count = 0;
	edges_tell(edges, &alert);
	edges_assert(edges,
		     DETECTED("raised") "\"distinct_peers\":9,\"distinct_peers_estimated\":false,"
					"\"source_proof\":\"answered\",\"evidence\":{}," WORDS
					"}\n");
}

static void how_it_was_cleared(void **state)
{
	struct edges *edges = *state;
	struct alert alert;

	begin(edges);
	alert = edges_alert(edges, ALERT_CLEARED);
	edges_tell(edges, &alert);
	edges_assert(edges, DETECTED("cleared") "\"evidence\":{}," WORDS ",\"ended\":false}\n");
	alert.ended = true;
	edges_tell(edges, &alert);
	edges_assert(edges, DETECTED("cleared") "\"evidence\":{}," WORDS ",\"ended\":true}\n");
}

/* From an incident: its peers in the order in which they count. */
static void peers_of_an_incident(void **state)
{
	static const struct book_key key = {
		.kind = ALERT_PORT_SCAN, .role = RST_ROLE_CLIENT, .port = 22};
	struct incident *incident = unit_zeroed(sizeof(*incident));
	struct edges *edges = *state;
	struct alert alert;

	begin(edges);
	incident->key = key;
	incident->severity = ALERT_INFO;
	for (unsigned i = 0; i < ALERT_TOP; i++) {
		uint8_t address[16];

		unit_ipv4(address, 0x0a000000 + i);
		book_add_peer(incident, address, (unsigned[]){3, 9, 3, 1, 10}[i]);
	}
	book_alert(incident, ALERT_RAISED, RECORDS_START_NS, &alert);
	edges_tell(edges, &alert);
	edges_assert_has(edges, ",\"peer_port\":22,"
				"\"peers\":[{\"address\":\"10.0.0.4\",\"count\":10},"
				"{\"address\":\"10.0.0.1\",\"count\":9},"
				"{\"address\":\"10.0.0.0\",\"count\":3},"
				"{\"address\":\"10.0.0.2\",\"count\":3},"
				"{\"address\":\"10.0.0.3\",\"count\":1}],\"distinct_peers\":5,");
	free(incident);
}

/* Signals that were left out; alerts that were not shown. */
static void what_detectors_did_not_get(void **state)
{
	struct edges *edges = *state;
	struct record_thinned thinned = {.head = RECORD_HEAD(record_thinned, RECORD_THINNED),
					 .signals = 6};
	char *written;

	begin(edges);
	edges->records.pipeline->totals.alerts = 5;
	edges->records.pipeline->totals.alerts_muted = 4;
	edges->records.pipeline->detect.book.folded_all = 3;
	assert_int_equal(records_feed(&edges->records, &thinned), 0);
	records_slice(&edges->records, SECOND_NS);
	records_end(&edges->records);
	written = edges_written(edges->output);
	assert_non_null(
		strstr(written, "\"alarm_namespaces\":0,\"signals\":6}}\n{\"type\":\"end\""));
	assert_non_null(strstr(written, "\"alerts\":5,\"alerts_muted\":4,\"alerts_folded\":3,"));
	assert_non_null(strstr(strstr(written, "\"end\""), "\"signals\":6}}\n"));
	free(written);
}

/* --- the end --- */

static void the_end(void **state)
{
	struct edges *edges = *state;

	begin(edges);
	records_count(&edges->records, web, 6);
	records_count(&edges->records, refused, 2);
	records_slice(&edges->records, SECOND_NS);
	records_slice(&edges->records, SECOND_NS / 4);
	edges_skip(edges);
	records_end(&edges->records);
	edges_assert(
		edges,
		"{\"type\":\"window\",\"start\":\"2023-11-14T22:13:20.000000000Z\","
		"\"end\":\"2023-11-14T22:13:21.250000000Z\","
		"\"sent\":{\"total\":6,\"causes\":{\"aborted\":6},\"reasons\":{}},"
		"\"received\":{\"total\":2,\"stages\":{\"refused\":2}},"
		"\"ports\":[{\"port\":80,\"role\":\"server\",\"netns\":7,\"sent\":6,\"received\":0,"
		"\"causes\":{\"aborted\":6}},{\"port\":5432,\"role\":\"client\",\"netns\":8,"
		"\"sent\":0,\"received\":2,\"stages\":{\"refused\":2}}],\"distinct_ports\":"
		"2," NO_OWNERS(
			6,
			2) "\"peers\":[],\"distinct_peers\":0,\"distinct_peers_estimated\":false,"
			   "\"namespaces\":[{\"netns\":7,\"sent\":6,\"received\":0},"
			   "{\"netns\":8,\"sent\":0,\"received\":2}],\"distinct_namespaces\":2,"
			   "\"dropped_"
			   "before_tcp\":0,\"events\":0,"
			   "\"events_thinned\":8,\"lost\":{\"events\":0,\"hook_calls\":0,\"ports\":"
			   "0,"
			   "\"peers\":0,\"namespaces\":0,\"alarm_namespaces\":0,\"signals\":0}}\n"
			   "{\"type\":\"end\",\"time\":\"2023-11-14T22:13:21.250000000Z\","
			   "\"duration_seconds\":1.25,\"complete\":true,\"windows\":1,"
			   "\"sent\":{\"total\":6,\"causes\":{\"aborted\":6}},"
			   "\"received\":{\"total\":2,\"stages\":{\"refused\":2}}," NOT_AUDITED
			   "\"events\":0,\"alerts\":0,\"alerts_muted\":0,\"alerts_folded\":0,"
			   "\"events_thinned\":8,\"lost\":{\"events\":0,"
			   "\"hook_"
			   "calls\":0,\"ports\":0,"
			   "\"peers\":0,\"namespaces\":0,\"alarm_namespaces\":0,\"signals\":0}}\n");
}

static void an_end_that_is_missing(void **state)
{
	struct edges *edges = *state;

	begin(edges);
	pipeline_finish(edges->records.pipeline, false);
	edges_assert(edges,
		     "{\"type\":\"end\",\"time\":\"2023-11-14T22:13:20.000000000Z\","
		     "\"duration_seconds\":0,\"complete\":false,\"windows\":0,"
		     "\"sent\":{\"total\":0,\"causes\":{}},"
		     "\"received\":{\"total\":0,\"stages\":{}}," NOT_AUDITED
		     "\"events\":0,\"alerts\":0,\"alerts_muted\":0,\"alerts_folded\":0," NO_LOSSES
		     "}\n");
}

/* --- what is hidden --- */

/* The types of the lines, one letter each. */
static void assert_types(const struct view *view, const char *expected)
{
	struct edges edges = {0};
	char *written, types[64] = "", *line;
	size_t used = 0;

	edges_begin(&edges, view, NULL);
	edges.records.slice.counted = 1;
	records_event(&edges.records, edges_event(RST_SENT, RST_ABORTED));
	records_quiet(&edges.records, 60);
	records_run(&edges.records, nobody, 1000, 30);
	records_end(&edges.records);
	written = edges_written(edges.output);
	for (line = strtok(written, "\n"); line && used < sizeof(types) - 1;
	     line = strtok(NULL, "\n")) {
		assert_memory_equal(line, "{\"type\":\"", 9);
		types[used++] = line[9] == 'e' && line[10] == 'n' ? '.' : line[9];
	}
	assert_string_equal(types, expected);
	free(written);
	edges_close(&edges);
}

static void what_the_view_hides(void **state)
{
	(void)state;
	assert_types(&everything, "sewwwwwwwwaw.");
	assert_types(&(struct view){.json = true, .windows = true}, "swwwwwwwwaw.");
	assert_types(&(struct view){.json = true, .events = true}, "sea.");
	assert_types(&(struct view){.json = true}, "sa.");
}

/* Times are in UTC and there is no color, whatever the other choices say. */
static void choices_that_are_for_text(void **state)
{
	const struct view view = {.json = true,
				  .events = true,
				  .windows = true,
				  .wide = true,
				  .since_start = true,
				  .color = true};
	struct edges edges = {0};

	(void)state;
	setenv("TZ", "Asia/Kolkata", 1);
	edges_begin(&edges, &view, NULL);
	edges_assert(&edges, START);
	edges_close(&edges);
	unsetenv("TZ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_start, setup, teardown),
		cmocka_unit_test_setup_teardown(a_start_without_hooks, setup, teardown),
		cmocka_unit_test_setup_teardown(names_that_are_not_ours, setup, teardown),
		cmocka_unit_test_setup_teardown(sent_with_everything, setup, teardown),
		cmocka_unit_test_setup_teardown(received_with_everything, setup, teardown),
		cmocka_unit_test_setup_teardown(received_and_dropped, setup, teardown),
		cmocka_unit_test_setup_teardown(freed_in_time_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_not_known_is_absent, setup, teardown),
		cmocka_unit_test_setup_teardown(no_flags_at_all, setup, teardown),
		cmocka_unit_test_setup_teardown(ipv6, setup, teardown),
		cmocka_unit_test_setup_teardown(owners, setup, teardown),
		cmocka_unit_test_setup_teardown(last_listeners, setup, teardown),
		cmocka_unit_test_setup_teardown(hostile_owners, setup, teardown),
		cmocka_unit_test_setup_teardown(connections, setup, teardown),
		cmocka_unit_test_setup_teardown(explained, setup, teardown),
		cmocka_unit_test_setup_teardown(a_window_of_owners, setup, teardown),
		cmocka_unit_test_setup_teardown(an_alert_with_an_owner, setup, teardown),
		cmocka_unit_test_setup_teardown(an_empty_window, setup, teardown),
		cmocka_unit_test_setup_teardown(a_full_window, setup, teardown),
		cmocka_unit_test_setup_teardown(an_audit_that_agrees, setup, teardown),
		cmocka_unit_test_setup_teardown(an_audit_that_begins_late, setup, teardown),
		cmocka_unit_test_setup_teardown(an_audit_that_does_not, setup, teardown),
		cmocka_unit_test_setup_teardown(an_audit_of_a_forged_recording, setup, teardown),
		cmocka_unit_test_setup_teardown(resets_dropped_before_tcp, setup, teardown),
		cmocka_unit_test_setup_teardown(an_estimate, setup, teardown),
		cmocka_unit_test_setup_teardown(causes_of_a_later_version, setup, teardown),
		cmocka_unit_test_setup_teardown(an_alert, setup, teardown),
		cmocka_unit_test_setup_teardown(a_detected_alert_about_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(a_detected_alert_about_everything, setup, teardown),
		cmocka_unit_test_setup_teardown(whose_port_it_is, setup, teardown),
		cmocka_unit_test_setup_teardown(peers_and_their_proof, setup, teardown),
		cmocka_unit_test_setup_teardown(how_it_was_cleared, setup, teardown),
		cmocka_unit_test_setup_teardown(peers_of_an_incident, setup, teardown),
		cmocka_unit_test_setup_teardown(what_detectors_did_not_get, setup, teardown),
		cmocka_unit_test_setup_teardown(the_end, setup, teardown),
		cmocka_unit_test_setup_teardown(an_end_that_is_missing, setup, teardown),
		cmocka_unit_test(what_the_view_hides),
		cmocka_unit_test(choices_that_are_for_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

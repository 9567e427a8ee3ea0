// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * generate DIRECTORY: writes the recordings of tests/replay/data. They are kept, so that a change
 * of the format is seen; and this program says what is in them. The same bytes on every run.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recording.h"

#define SECOND_NS  1000000000ULL
#define START_NS   (5000 * SECOND_NS)
#define REAL_NS	   (1769853600 * SECOND_NS) /* 2026-01-31T10:00:00Z, at START_NS */
#define HOST	   4026531840U
#define CONTAINER  4026532200U
#define NO_SOCKET  2
#define TCP_STATE  3
#define NO_LOSS	   ((struct record_slice){0})
#define KEY(...)   ((struct rst_port_key){__VA_ARGS__})
#define EVENT(...) ((struct rst_event){__VA_ARGS__})

static const struct rate_settings usual_rate = {.floor = 5,
						.factor = 10,
						.hold = 1,
						.up = 20,
						.down = 3600,
						.multiplier = 1.2,
						.max = 7200,
						.after = 60};

struct run {
	struct recording_writer *writer;
	uint64_t now_ns;    /* end of the last slice */
	uint64_t offset_ns; /* wall clock minus monotonic */
	uint32_t slice;
	uint64_t counted, events, other; /* in the slice being filled */
};

static void check(int error, const char *what)
{
	if (!error)
		return;
	fprintf(stderr, "generate: %s: %s\n", what, strerror(-error));
	exit(1);
}

static void add(struct run *run, const struct record *record)
{
	check(recording_add(run->writer, record), "cannot write");
}

static void reason(struct run *run, unsigned number, const char *name)
{
	struct record_reason record = {.head = RECORD_HEAD(record_reason, RECORD_REASON),
				       .number = number};

	snprintf(record.name, sizeof(record.name), "%s", name);
	add(run, &record.head);
}

static void drop_reason(struct run *run, unsigned number, const char *name)
{
	struct record_reason record = {.head = RECORD_HEAD(record_reason, RECORD_DROP_REASON),
				       .number = number};

	snprintf(record.name, sizeof(record.name), "%s", name);
	add(run, &record.head);
}

static void hook(struct run *run, const char *name, bool attached, const char *how)
{
	struct record_hook record = {.head = RECORD_HEAD(record_hook, RECORD_HOOK),
				     .attached = attached};

	snprintf(record.name, sizeof(record.name), "%s", name);
	snprintf(record.how, sizeof(record.how), "%s", how);
	add(run, &record.head);
}

/* Up to START, which may have more in front of it. */
static struct run begin_preamble(const char *directory, const char *name)
{
	struct run run = {.now_ns = START_NS, .offset_ns = REAL_NS - START_NS};
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s.rec", directory, name);
	check(recording_create(&run.writer, path), path);
	reason(&run, NO_SOCKET, "NO_SOCKET");
	reason(&run, TCP_STATE, "TCP_STATE");
	hook(&run, "tcp_send_reset", true, "raw_tp");
	hook(&run, "tcp_receive_reset", true, "raw_tp");
	return run;
}

static void start(struct run *run, const struct rate_settings *rate)
{
	const struct record_start start = {.head = RECORD_HEAD(record_start, RECORD_START),
					   .monotonic_ns = START_NS,
					   .realtime_ns = REAL_NS,
					   .seed = 1,
					   .window_seconds = 10,
					   .cpus = 2,
					   .rate = *rate,
					   .version = "0",
					   .kernel = "6.18.0"};

	add(run, &start.head);
}

static struct run begin(const char *directory, const char *name, const struct rate_settings *rate)
{
	struct run run = begin_preamble(directory, name);

	start(&run, rate);
	return run;
}

static void finish(struct run *run)
{
	struct record_end end = {.head = RECORD_HEAD(record_end, RECORD_END),
				 .monotonic_ns = run->now_ns,
				 .realtime_ns = run->now_ns + run->offset_ns};

	add(run, &end.head);
	check(recording_finish(&run->writer, true), "cannot write");
}

static void address(uint8_t bytes[16], const char *text)
{
	memset(bytes, 0, 16);
	if (inet_pton(AF_INET6, text, bytes) == 1)
		return;
	bytes[10] = bytes[11] = 0xff;
	if (inet_pton(AF_INET, text, bytes + 12) != 1)
		check(-EINVAL, text);
}

static void count(struct run *run, struct rst_port_key key, uint64_t count)
{
	struct record_port port = {
		.head = RECORD_HEAD(record_port, RECORD_PORT), .key = key, .count = count};

	run->counted += count;
	add(run, &port.head);
}

static void peer(struct run *run, const char *text, uint32_t netns, unsigned direction,
		 uint64_t count)
{
	struct record_peer record = {.head = RECORD_HEAD(record_peer, RECORD_PEER),
				     .key = {.netns = netns, .direction = direction},
				     .count = count};

	address(record.key.address, text);
	add(run, &record.head);
}

static void other(struct run *run, unsigned direction, unsigned cause, uint64_t count)
{
	struct record_other record = {.head = RECORD_HEAD(record_other, RECORD_OTHER),
				      .direction = direction,
				      .cause = cause,
				      .count = count};

	run->counted += count;
	run->other += count;
	add(run, &record.head);
}

static void outside(struct run *run, uint64_t count)
{
	const struct record_outside record = {.head = RECORD_HEAD(record_outside, RECORD_OUTSIDE),
					      .count = count};

	add(run, &record.head);
}

/* The kernel's counters of a namespace, in the order of enum record_counter. */
struct counters {
	uint64_t of[COUNTERS_READ];
};

static void kernel(struct run *run, uint32_t netns, enum record_kernel_status status,
		   uint64_t identity, const struct counters *counters)
{
	struct record_kernel record = {.head = RECORD_HEAD(record_kernel, RECORD_KERNEL),
				       .netns = netns,
				       .status = status,
				       .identity = identity};

	if (counters)
		memcpy(record.counters, counters->of, sizeof(record.counters));
	add(run, &record.head);
}

/* Streams an event half-way through the slice, `after_ms` later than that. */
static void event_of(struct run *run, const char *local, const char *remote, unsigned after_ms,
		     struct rst_event event, const struct rst_connection *connection)
{
	struct record_event record = {.head = RECORD_HEAD(record_event, RECORD_EVENT),
				      .event = event};

	record.event.time_ns = run->now_ns + SECOND_NS / 2 + after_ms * 1000000ULL + 1;
	record.event.slice = run->slice;
	address(record.event.local, local);
	address(record.event.peer, remote);
	if (connection)
		record.connection = *connection;
	else
		record.head.size = offsetof(struct record_event, connection);
	run->events++;
	add(run, &record.head);
}

static void event(struct run *run, const char *local, const char *remote, unsigned after_ms,
		  struct rst_event event)
{
	event_of(run, local, remote, after_ms, event, NULL);
}

static void process(struct run *run, uint32_t number, uint32_t pid, const char *comm,
		    const char *exe, const char *cgroup)
{
	struct record_process record = {.head = RECORD_HEAD(record_process, RECORD_PROCESS),
					.number = number,
					.pid = pid,
					.started = 1000 + number,
					.uid = 1000};

	snprintf(record.comm, sizeof(record.comm), "%s", comm);
	snprintf(record.exe, sizeof(record.exe), "%s", exe);
	snprintf(record.cgroup, sizeof(record.cgroup), "%s", cgroup);
	add(run, &record.head);
}

/* So many milliseconds into the slice. exit_status: -1 if its process goes on. */
static void listener(struct run *run, unsigned after_ms, enum rst_listener_change change,
		     uint32_t netns, const char *local, uint16_t port, uint32_t owner,
		     int exit_status)
{
	struct record_listener record = {
		.head = RECORD_HEAD(record_listener, RECORD_LISTENER),
		.listener = {.time_ns = run->now_ns + after_ms * 1000000ULL,
			     .socket = 0x1000 + port,
			     .netns = netns,
			     .owner = owner,
			     .port = port,
			     .change = change,
			     .flags = exit_status < 0 ? 0 : RST_LISTENER_EXITING,
			     .exit_status = exit_status < 0 ? 0 : exit_status}};

	address(record.listener.address, local);
	add(run, &record.head);
}

static void netns_name(struct run *run, uint32_t netns, const char *name)
{
	struct record_netns record = {.head = RECORD_HEAD(record_netns, RECORD_NETNS),
				      .netns = netns};

	snprintf(record.name, sizeof(record.name), "%s", name);
	add(run, &record.head);
}

/* Ends the slice. Of `losses`, the fields about losses count; the rest is filled in. */
static void slice(struct run *run, uint64_t duration_ns, struct record_slice losses)
{
	losses.head = (struct record)RECORD_HEAD(record_slice, RECORD_SLICE);
	losses.slice = run->slice++;
	losses.start_ns = run->now_ns;
	losses.end_ns = run->now_ns += duration_ns;
	losses.realtime_ns = run->now_ns + run->offset_ns;
	losses.counted = run->counted;
	losses.events = run->events;
	losses.ports_full = run->other;
	run->counted = run->events = run->other = 0;
	add(run, &losses.head);
}

static void quiet(struct run *run, unsigned seconds)
{
	for (unsigned i = 0; i < seconds; i++)
		slice(run, SECOND_NS, NO_LOSS);
}

static const struct rst_port_key closed = {.netns = HOST,
					   .port = 8080,
					   .direction = RST_SENT,
					   .cause = RST_CLOSED_PORT,
					   .reason = NO_SOCKET,
					   .role = RST_ROLE_SERVER};

/* n resets for a SYN to the closed port, with no events. */
static void refuse(struct run *run, unsigned n)
{
	count(run, closed, n);
	peer(run, "10.0.0.7", HOST, RST_SENT, n);
	slice(run, SECOND_NS, NO_LOSS);
}

/* --- the recordings --- */

/* 25 s without a reset. */
static void make_quiet(const char *directory)
{
	struct run run = begin(directory, "quiet", &usual_rate);

	quiet(&run, 25);
	finish(&run);
}

/* Several causes, both directions, two namespaces, both families, and roles that are not known. */
static void make_mix(const char *directory)
{
	struct run run = begin(directory, "mix", &usual_rate);

	quiet(&run, 3);
	event(&run, "10.0.0.2", "10.0.0.7", 0,
	      EVENT(.netns = HOST, .local_port = 8080, .peer_port = 51234, .direction = RST_SENT,
		    .cause = RST_CLOSED_PORT, .reason = NO_SOCKET, .trigger = RST_FLAG_SYN,
		    .role = RST_ROLE_SERVER, .flags = RST_EVENT_TRIGGER | RST_EVENT_REASON));
	count(&run, closed, 1);
	peer(&run, "10.0.0.7", HOST, RST_SENT, 1);
	slice(&run, SECOND_NS, NO_LOSS);

	event(&run, "10.0.0.2", "192.0.2.99", 0,
	      EVENT(.netns = HOST, .local_port = 40000, .peer_port = 5432,
		    .direction = RST_RECEIVED, .cause = RST_STAGE_REFUSED,
		    .state = RST_STATE_SYN_SENT, .role = RST_ROLE_CLIENT));
	event(&run, "2001:db8::2", "2001:db8::7", 1,
	      EVENT(.netns = CONTAINER, .local_port = 443, .peer_port = 40001,
		    .direction = RST_SENT, .cause = RST_ABORTED, .reason = TCP_STATE,
		    .state = RST_STATE_ESTABLISHED, .role = RST_ROLE_SERVER,
		    .flags = RST_EVENT_REASON));
	event(&run, "2001:db8::2", "2001:db8::8", 2,
	      EVENT(.netns = CONTAINER, .local_port = 443, .peer_port = 40002,
		    .direction = RST_RECEIVED, .cause = RST_STAGE_ESTABLISHED,
		    .state = RST_STATE_ESTABLISHED, .role = RST_ROLE_SERVER));
	event(&run, "10.0.0.2", "10.0.0.9", 3,
	      EVENT(.local_port = 50000, .peer_port = 50001, .direction = RST_SENT,
		    .cause = RST_HALF_OPEN, .trigger = RST_FLAG_ACK | RST_FLAG_PSH,
		    .role = RST_ROLE_UNKNOWN, .flags = RST_EVENT_TRIGGER));
	count(&run,
	      KEY(.netns = HOST, .port = 5432, .direction = RST_RECEIVED,
		  .cause = RST_STAGE_REFUSED, .role = RST_ROLE_CLIENT),
	      1);
	count(&run,
	      KEY(.netns = CONTAINER, .port = 443, .direction = RST_SENT, .cause = RST_ABORTED,
		  .reason = TCP_STATE, .role = RST_ROLE_SERVER),
	      1);
	count(&run,
	      KEY(.netns = CONTAINER, .port = 443, .direction = RST_RECEIVED,
		  .cause = RST_STAGE_ESTABLISHED, .role = RST_ROLE_SERVER),
	      1);
	count(&run,
	      KEY(.port = 50000, .direction = RST_SENT, .cause = RST_HALF_OPEN,
		  .role = RST_ROLE_UNKNOWN),
	      1);
	peer(&run, "192.0.2.99", HOST, RST_RECEIVED, 1);
	peer(&run, "2001:db8::7", CONTAINER, RST_SENT, 1);
	peer(&run, "2001:db8::8", CONTAINER, RST_RECEIVED, 1);
	peer(&run, "10.0.0.9", 0, RST_SENT, 1);
	slice(&run, SECOND_NS, NO_LOSS);
	quiet(&run, 2);

	/* Three in one slice, of which two are streamed; the next window. */
	quiet(&run, 5);
	for (unsigned i = 0; i < 2; i++)
		event(&run, "10.0.0.2", "10.0.0.7", i,
		      EVENT(.netns = HOST, .local_port = 22, .peer_port = 51000 + i,
			    .direction = RST_RECEIVED, .cause = RST_STAGE_TIME_WAIT,
			    .state = RST_STATE_TIME_WAIT, .role = RST_ROLE_SERVER));
	count(&run,
	      KEY(.netns = HOST, .port = 22, .direction = RST_RECEIVED,
		  .cause = RST_STAGE_TIME_WAIT, .role = RST_ROLE_SERVER),
	      3);
	peer(&run, "10.0.0.7", HOST, RST_RECEIVED, 3);
	slice(&run, SECOND_NS, NO_LOSS);
	quiet(&run, 1);
	slice(&run, SECOND_NS / 4, NO_LOSS);
	finish(&run);
}

/* An alarm by the recording's own settings: raised, updated after a minute, cleared. */
static void make_alarm(const char *directory)
{
	static const struct rate_settings touchy = {.floor = 1,
						    .factor = 2,
						    .hold = 0.5,
						    .up = 3,
						    .down = 5,
						    .multiplier = 1,
						    .max = 60,
						    .after = 2};
	struct run run = begin(directory, "alarm", &touchy);

	quiet(&run, 5);
	for (unsigned i = 0; i < 80; i++)
		refuse(&run, 10 + i);
	quiet(&run, 25);
	finish(&run);
}

/* The machine slept: one slice of 35 s, with resets in it. Windows keep their grid. */
static void make_gap(const char *directory)
{
	struct run run = begin(directory, "gap", &usual_rate);

	quiet(&run, 4);
	refuse(&run, 1);
	count(&run, closed, 70);
	peer(&run, "10.0.0.7", HOST, RST_SENT, 70);
	slice(&run, 35 * SECOND_NS, NO_LOSS);
	refuse(&run, 2);
	quiet(&run, 12);
	finish(&run);
}

/* The wall clock is set back by an hour in the second window, and forth by a day in the third. */
static void make_clock(const char *directory)
{
	struct run run = begin(directory, "clock", &usual_rate);

	for (unsigned i = 0; i < 32; i++) {
		if (i == 13)
			run.offset_ns -= 3600 * SECOND_NS;
		if (i == 25)
			run.offset_ns += 86400 * SECOND_NS;
		event(&run, "10.0.0.2", "10.0.0.7", 0,
		      EVENT(.netns = HOST, .local_port = 8080, .peer_port = 50000 + i,
			    .direction = RST_SENT, .cause = RST_CLOSED_PORT, .reason = NO_SOCKET,
			    .trigger = RST_FLAG_SYN, .role = RST_ROLE_SERVER,
			    .flags = RST_EVENT_TRIGGER | RST_EVENT_REASON));
		refuse(&run, 1);
	}
	finish(&run);
}

/* A loss of each kind, and events thinned. */
static void make_losses(const char *directory)
{
	struct run run = begin(directory, "losses", &usual_rate);

	count(&run, closed, 100);
	peer(&run, "10.0.0.7", HOST, RST_SENT, 60);
	peer(&run, "10.0.0.8", HOST, RST_SENT, 3);
	other(&run, RST_SENT, RST_HALF_OPEN, 7);
	other(&run, RST_RECEIVED, RST_STAGE_STRAY, 5);
	slice(&run, SECOND_NS,
	      (struct record_slice){.lost = 11, .missed = 13, .peers_full = 17, .peer_error = 2});
	quiet(&run, 11);
	slice(&run, SECOND_NS, (struct record_slice){.missed = 1});
	finish(&run);
}

/* More peers than are tabled: the registers of each direction tell how many. */
static void make_distinct(const char *directory)
{
	struct run run = begin(directory, "distinct", &usual_rate);
	struct record_distinct sent = {.head = RECORD_HEAD(record_distinct, RECORD_DISTINCT),
				       .direction = RST_SENT};
	struct record_distinct received = sent;

	received.direction = RST_RECEIVED;
	for (unsigned i = 0; i < RST_DISTINCT_WIDTH; i++) {
		sent.registers[i] = 1 + i % 3;
		received.registers[i] = i % 2 ? 0 : 5;
	}
	peer(&run, "10.0.0.7", HOST, RST_SENT, 400);
	count(&run, closed, 50000);
	add(&run, &sent.head);
	slice(&run, SECOND_NS, (struct record_slice){.peer_error = 48});
	count(&run,
	      KEY(.netns = HOST, .port = 80, .direction = RST_RECEIVED,
		  .cause = RST_STAGE_HANDSHAKE, .role = RST_ROLE_SERVER),
	      9000);
	add(&run, &received.head);
	slice(&run, SECOND_NS, (struct record_slice){.peer_error = 8});
	quiet(&run, 8);
	refuse(&run, 4); /* the next window counts again */
	finish(&run);
}

/* Killed in the middle of the second window: no END, and INCOMPLETE in the header. */
static void make_killed(const char *directory)
{
	struct run run = begin(directory, "killed", &usual_rate);

	for (unsigned i = 0; i < 13; i++)
		refuse(&run, 1);
	count(&run, closed, 5); /* of a slice that never ended */
	check(recording_finish(&run.writer, false), "cannot write");
}

/* All of it written, but END is missing. */
static void make_endless(const char *directory)
{
	struct run run = begin(directory, "endless", &usual_rate);

	for (unsigned i = 0; i < 3; i++)
		refuse(&run, 1);
	check(recording_finish(&run.writer, true), "cannot write");
}

/* Names as no kernel has them: a recording can come from anybody. */
static void make_names(const char *directory)
{
	struct run run = {.now_ns = START_NS, .offset_ns = REAL_NS - START_NS};
	struct record_start start = {.head = RECORD_HEAD(record_start, RECORD_START),
				     .monotonic_ns = START_NS,
				     .realtime_ns = REAL_NS,
				     .window_seconds = 10,
				     .rate = usual_rate,
				     .version = "\"\\\n\xff",
				     .kernel = "\xe2\x82\xac \xed\xa0\x80 \x7f"};
	char path[4096];

	snprintf(path, sizeof(path), "%s/names.rec", directory);
	check(recording_create(&run.writer, path), path);
	reason(&run, NO_SOCKET, "\",\"x\":\"\033[31m");
	hook(&run, "\"\n", false, "\033[2J \xc3");
	add(&run, &start.head);
	event(&run, "10.0.0.2", "10.0.0.7", 0,
	      EVENT(.netns = HOST, .local_port = 8080, .peer_port = 51234, .direction = RST_SENT,
		    .cause = RST_CLOSED_PORT, .reason = NO_SOCKET, .state = 200, .role = 200,
		    .flags = RST_EVENT_REASON));
	count(&run, closed, 1);
	slice(&run, SECOND_NS, NO_LOSS);
	finish(&run);
}

#define FORBIDDEN    4026532300U /* its counters may not be read */
#define GONE	     4026532400U
#define YOUNG	     4026532500U /* made in the second window */
#define DROP_STRAY   3
#define DROP_RESET   40
#define DROP_UNTOLD  2
#define DROP_UNNAMED 200

/* A reset received by the container's :443 that was dropped. */
static void dropped(struct run *run, unsigned after_ms, unsigned stage, unsigned state,
		    unsigned why, unsigned flags, unsigned moves)
{
	event(run, "2001:db8::2", "2001:db8::9", after_ms,
	      EVENT(.netns = CONTAINER, .local_port = 443, .peer_port = 41000 + after_ms,
		    .direction = RST_RECEIVED, .cause = stage, .reason = why, .state = state,
		    .role = RST_ROLE_SERVER, .flags = RST_EVENT_REASON | flags, .moves = moves));
	count(run,
	      KEY(.netns = CONTAINER, .port = 443, .direction = RST_RECEIVED, .cause = stage,
		  .role = RST_ROLE_SERVER, .moves = moves),
	      1);
}

/* Resets sent by a service of that namespace which was down, without events. */
static void refused_in(struct run *run, uint32_t netns, unsigned n)
{
	struct rst_port_key key = closed;

	key.netns = netns;
	key.moves = RST_MOVES_OUT_RSTS;
	count(run, key, n);
	peer(run, "10.0.0.7", netns, RST_SENT, n);
}

/* Ends the slice, after a reading of those two. */
static void audited(struct run *run, const struct counters *host, const struct counters *container,
		    uint64_t container_identity)
{
	kernel(run, HOST, KERNEL_READ, 1, host);
	kernel(run, CONTAINER, KERNEL_READ, container_identity, container);
	slice(run, SECOND_NS, NO_LOSS);
}

/*
 * What the kernel counted itself. First window: unexplained in two namespaces, in both directions,
 * three that are not read, every kind of dropped reset. Second: all is explained, but for a
 * container that was replaced by another. Third: no reset, and something unexplained.
 */
static void make_audit(const char *directory)
{
	struct run run = begin_preamble(directory, "audit");
	struct counters host = {{1000, 50, 20, 5, 3, 0}}, container = {{70, 8, 30, 9, 0, 0}};
	struct counters young = {{0}};

	drop_reason(&run, DROP_UNTOLD, "NOT_SPECIFIED");
	drop_reason(&run, DROP_STRAY, "NO_SOCKET");
	drop_reason(&run, DROP_RESET, "TCP_RESET");
	hook(&run, "kfree_skb", true, "raw_tp");
	hook(&run, "inet_sock_set_state", true, "raw_tp");
	hook(&run, "tcp_check_req", true, "fentry");
	hook(&run, "nf_send_reset", false, "not permitted");
	start(&run, &usual_rate);
	kernel(&run, HOST, KERNEL_BASE, 1, &host);
	host.of[COUNTER_OUT_RSTS] += 2; /* while the hooks were attached: perhaps seen */
	kernel(&run, HOST, KERNEL_BASE, 1, &host);
	kernel(&run, CONTAINER, KERNEL_BASE, 77, &container);
	kernel(&run, CONTAINER, KERNEL_BASE, 77, &container);

	/* All as it should be; the kernel is one ahead. */
	event(&run, "10.0.0.2", "10.0.0.7", 0,
	      EVENT(.netns = HOST, .local_port = 8080, .peer_port = 51234, .direction = RST_SENT,
		    .cause = RST_CLOSED_PORT, .reason = NO_SOCKET, .trigger = RST_FLAG_SYN,
		    .role = RST_ROLE_SERVER, .flags = RST_EVENT_TRIGGER | RST_EVENT_REASON,
		    .moves = RST_MOVES_OUT_RSTS));
	refused_in(&run, HOST, 1);
	host.of[COUNTER_OUT_RSTS] += 2;
	audited(&run, &host, &container, 77);
	refused_in(&run, HOST, 1);
	audited(&run, &host, &container, 77);

	/* What comes in: each way to be dropped, and before TCP. */
	dropped(&run, 0, RST_STAGE_REJECTED, RST_STATE_ESTABLISHED, DROP_RESET, 0, 0);
	dropped(&run, 1, RST_STAGE_STRAY, 0, DROP_STRAY, 0, 0);
	dropped(&run, 2, RST_STAGE_TIME_WAIT, RST_STATE_TIME_WAIT, DROP_UNTOLD, RST_EVENT_FREED, 0);
	dropped(&run, 3, RST_STAGE_TIME_WAIT, RST_STATE_TIME_WAIT, DROP_UNTOLD, 0, 0);
	dropped(&run, 4, RST_STAGE_REJECTED, RST_STATE_CLOSE_WAIT, DROP_UNNAMED, 0, 0);
	/* Two half-open connections, of which the kernel reset only one. */
	for (unsigned i = 5; i < 7; i++)
		dropped(&run, i, RST_STAGE_HANDSHAKE, RST_STATE_NEW_SYN_RECV, DROP_UNTOLD, 0,
			RST_MOVES_ATTEMPT_FAILS | RST_MOVES_EMBRYONIC_RSTS);
	peer(&run, "2001:db8::9", CONTAINER, RST_RECEIVED, 7);
	outside(&run, 4);
	container.of[COUNTER_ATTEMPT_FAILS] += 1;
	container.of[COUNTER_EMBRYONIC_RSTS] += 1;
	audited(&run, &host, &container, 77);
	audited(&run, &host, &container, 77);

	/* The kernel counted five that nobody saw. */
	host.of[COUNTER_OUT_RSTS] += 5;
	host.of[COUNTER_ABORT_FAILED] += 5;
	audited(&run, &host, &container, 77);
	audited(&run, &host, &container, 77);

	/* Counters that cannot be read. */
	refused_in(&run, FORBIDDEN, 6);
	refused_in(&run, GONE, 2);
	refused_in(&run, 0, 1);
	kernel(&run, FORBIDDEN, KERNEL_DENIED, 0, NULL);
	kernel(&run, GONE, KERNEL_GONE, 0, NULL);
	audited(&run, &host, &container, 77);
	quiet(&run, 3);

	/* A namespace is made, and is read from its beginning. */
	refused_in(&run, YOUNG, 5);
	young.of[COUNTER_OUT_RSTS] = 5;
	kernel(&run, YOUNG, KERNEL_BORN, 78, &young);
	slice(&run, SECOND_NS, NO_LOSS);
	kernel(&run, YOUNG, KERNEL_READ, 78, &young);
	slice(&run, SECOND_NS, NO_LOSS);
	/* Another container has the number of the old one. */
	refused_in(&run, CONTAINER, 3);
	container = (struct counters){{3}};
	audited(&run, &host, &container, 79);
	audited(&run, &host, &container, 79);
	/* And its resets are accounted for from now on. */
	refused_in(&run, CONTAINER, 2);
	container.of[COUNTER_OUT_RSTS] += 2;
	audited(&run, &host, &container, 79);
	audited(&run, &host, &container, 79);
	quiet(&run, 4);

	/* No reset at all, but a connection that timed out. */
	host.of[COUNTER_ESTAB_RESETS] += 1;
	host.of[COUNTER_ABORT_ON_TIMEOUT] += 1;
	audited(&run, &host, &container, 79);
	audited(&run, &host, &container, 79);
	outside(&run, 1);
	slice(&run, SECOND_NS, NO_LOSS);
	finish(&run);
}

#define DOCKER	"4f5e6d7c8b9a0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796"
#define POD	"0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
#define SIGSEGV 11

/* A reset that a socket of that process sends, or one that hits it; counted and streamed. */
static void owned(struct run *run, unsigned after_ms, struct rst_event reset,
		  const struct rst_connection *connection)
{
	bool server = reset.role == RST_ROLE_SERVER;

	event_of(run, "10.0.0.2", "10.0.0.7", after_ms, reset, connection);
	count(run,
	      KEY(.netns = reset.netns, .port = server ? reset.local_port : reset.peer_port,
		  .direction = reset.direction, .cause = reset.cause, .reason = reset.reason,
		  .role = reset.role, .owner = reset.owner),
	      1);
	peer(run, "10.0.0.7", reset.netns, reset.direction, 1);
}

/*
 * Whose resets they are. First window: each way in which an owner is known, a service that
 * crashes, names that a process should not have, and connections. Second: the service is back, and
 * one that ends by itself, and one that only closes its socket. From then on an alarm, of which
 * one process has most.
 */
static void make_owners(const char *directory)
{
	static const struct rate_settings touchy = {.floor = 1,
						    .factor = 2,
						    .hold = 0.5,
						    .up = 3,
						    .down = 5,
						    .multiplier = 1,
						    .max = 60,
						    .after = 2};
	static const struct rst_connection usual = {
		.bytes_in = 120, .bytes_out = 4096, .age_ms = 3210, .idle_ms = 100};
	static const struct rst_connection old = {.bytes_in = 1ULL << 40,
						  .bytes_out = 7,
						  .age_ms = RST_AGE_UNKNOWN,
						  .idle_ms = 3600 * 1000 * 3};
	struct run run = begin(directory, "owners", &touchy);
	struct rst_event served = EVENT(.netns = HOST, .local_port = 8080, .peer_port = 51234,
					.direction = RST_SENT, .role = RST_ROLE_SERVER);
	struct rst_event reset;

	netns_name(&run, CONTAINER, "blue");
	process(&run, 1, 812, "nginx", "/usr/sbin/nginx", "/system.slice/nginx.service");
	process(&run, 2, 4194304, "postgres", "/usr/lib/postgresql/bin/postgres",
		"/system.slice/docker-" DOCKER ".scope");
	process(&run, 3, 666, "\033[31mred\n\xff", "/tmp/\"\033]0;x\007", "/user.slice/\033[2J\n");
	process(&run, 4, 900, "gr\xc3\xbc\xc3\x9f", "", "/kubepods/burstable/pod" POD "/" DOCKER);
	process(&run, 5, 1000, "curl", "/usr/bin/curl",
		"/user.slice/user-1000.slice/session-1.scope");
	listener(&run, 0, RST_LISTENER_FOUND, HOST, "0.0.0.0", 8080, 1, -1);
	listener(&run, 0, RST_LISTENER_FOUND, CONTAINER, "10.0.0.2", 5432, 2, -1);

	/* The process of the socket, of each kind. */
	reset = served;
	reset.cause = RST_ABORTED;
	reset.reason = TCP_STATE;
	reset.flags = RST_EVENT_REASON;
	reset.state = RST_STATE_ESTABLISHED;
	reset.owner = 1;
	owned(&run, 0, reset, &usual);
	reset.owner = 3;
	owned(&run, 1, reset, NULL);
	reset.owner = 4;
	owned(&run, 2, reset, &old);
	reset.owner = 7; /* nothing is known of it */
	owned(&run, 3, reset, NULL);
	reset.owner = 2;
	reset.netns = CONTAINER;
	reset.local_port = 5432;
	reset.flags = 0;
	reset.reason = 0;
	reset.direction = RST_RECEIVED;
	reset.cause = RST_STAGE_ESTABLISHED;
	owned(&run, 4, reset, &usual);
	reset = EVENT(.netns = HOST, .local_port = 40000, .peer_port = 443,
		      .direction = RST_RECEIVED, .cause = RST_STAGE_REFUSED,
		      .state = RST_STATE_SYN_SENT, .role = RST_ROLE_CLIENT, .owner = 5);
	owned(&run, 5, reset, NULL);
	reset.owner = 0; /* of a socket that nobody is known to have */
	owned(&run, 6, reset, NULL);
	reset.flags = RST_EVENT_KERNEL;
	event(&run, "10.0.0.2", "10.0.0.7", 7, reset);
	count(&run,
	      KEY(.netns = HOST, .port = 443, .direction = RST_RECEIVED, .cause = RST_STAGE_REFUSED,
		  .role = RST_ROLE_CLIENT),
	      1);
	slice(&run, SECOND_NS, NO_LOSS);

	/* Who listens, and nobody. */
	reset = served;
	reset.cause = RST_QUEUE_FULL;
	reset.state = RST_STATE_LISTEN;
	reset.trigger = RST_FLAG_SYN;
	reset.flags = RST_EVENT_TRIGGER;
	owned(&run, 0, reset, NULL);
	reset.cause = RST_FIREWALL;
	reset.state = 0;
	owned(&run, 1, reset, NULL);
	reset.cause = RST_CLOSED_PORT;
	reset.reason = NO_SOCKET;
	reset.flags |= RST_EVENT_REASON;
	reset.local_port = 9999;
	owned(&run, 2, reset, NULL);
	slice(&run, SECOND_NS, NO_LOSS);

	/* It crashes: those before are the listener's, those behind the last listener's. */
	reset.local_port = 8080;
	listener(&run, 300, RST_LISTENER_CLOSED, HOST, "0.0.0.0", 8080, 1, SIGSEGV);
	owned(&run, 0, reset, NULL);
	slice(&run, SECOND_NS, NO_LOSS);
	quiet(&run, 2);
	owned(&run, 0, reset, NULL);
	slice(&run, SECOND_NS, NO_LOSS);
	quiet(&run, 4);

	/* It is back, under another number; and others stop in other ways. */
	process(&run, 6, 1812, "nginx", "/usr/sbin/nginx", "/system.slice/nginx.service");
	listener(&run, 1, RST_LISTENER_OPENED, HOST, "0.0.0.0", 8080, 6, -1);
	listener(&run, 2, RST_LISTENER_OPENED, HOST, "0.0.0.0", 8081, 5, -1);
	listener(&run, 3, RST_LISTENER_CLOSED, HOST, "0.0.0.0", 8081, 5, 3 << 8);
	listener(&run, 4, RST_LISTENER_CLOSED, CONTAINER, "10.0.0.2", 5432, 2, -1);
	netns_name(&run, CONTAINER, "\033[1mred\xff");
	reset.cause = RST_QUEUE_FULL;
	reset.state = RST_STATE_LISTEN;
	reset.reason = 0;
	reset.flags = RST_EVENT_TRIGGER;
	owned(&run, 0, reset, NULL);
	reset.cause = RST_CLOSED_PORT;
	reset.state = 0;
	reset.local_port = 8081;
	owned(&run, 1, reset, NULL);
	reset.local_port = 5432;
	reset.netns = CONTAINER;
	owned(&run, 2, reset, NULL);
	slice(&run, SECOND_NS, NO_LOSS);
	quiet(&run, 9);

	/* Of 20 a second, 19 are one's. */
	for (unsigned i = 0; i < 10; i++) {
		count(&run,
		      KEY(.netns = HOST, .port = 8080, .direction = RST_SENT, .cause = RST_ABORTED,
			  .reason = TCP_STATE, .role = RST_ROLE_SERVER, .owner = 6),
		      19);
		count(&run,
		      KEY(.netns = HOST, .port = 8080, .direction = RST_SENT, .cause = RST_FIREWALL,
			  .role = RST_ROLE_SERVER),
		      1);
		slice(&run, SECOND_NS, NO_LOSS);
	}
	quiet(&run, 25);
	finish(&run);
}

int main(int argc, char *argv[])
{
	if (argc != 2) {
		fprintf(stderr, "generate DIRECTORY\n");
		return 2;
	}
	make_quiet(argv[1]);
	make_mix(argv[1]);
	make_alarm(argv[1]);
	make_gap(argv[1]);
	make_clock(argv[1]);
	make_losses(argv[1]);
	make_distinct(argv[1]);
	make_killed(argv[1]);
	make_endless(argv[1]);
	make_names(argv[1]);
	make_audit(argv[1]);
	make_owners(argv[1]);
	return 0;
}

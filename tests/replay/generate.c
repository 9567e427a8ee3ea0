// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * generate DIRECTORY: writes the recordings of tests/replay/data. They are kept, so that a change
 * of the format is seen; and this program says what is in them. The same bytes on every run.
 */
#include <arpa/inet.h>
#include <errno.h>
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

static void hook(struct run *run, const char *name, bool attached, const char *how)
{
	struct record_hook record = {.head = RECORD_HEAD(record_hook, RECORD_HOOK),
				     .attached = attached};

	snprintf(record.name, sizeof(record.name), "%s", name);
	snprintf(record.how, sizeof(record.how), "%s", how);
	add(run, &record.head);
}

static struct run begin(const char *directory, const char *name, const struct rate_settings *rate)
{
	struct run run = {.now_ns = START_NS, .offset_ns = REAL_NS - START_NS};
	struct record_start start = {.head = RECORD_HEAD(record_start, RECORD_START),
				     .monotonic_ns = START_NS,
				     .realtime_ns = REAL_NS,
				     .seed = 1,
				     .window_seconds = 10,
				     .cpus = 2,
				     .rate = *rate,
				     .version = "0",
				     .kernel = "6.18.0"};
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s.rec", directory, name);
	check(recording_create(&run.writer, path), path);
	reason(&run, NO_SOCKET, "NO_SOCKET");
	reason(&run, TCP_STATE, "TCP_STATE");
	hook(&run, "tcp_send_reset", true, "raw_tp");
	hook(&run, "tcp_receive_reset", true, "raw_tp");
	add(&run, &start.head);
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

/* Streams an event half-way through the slice, `after_ms` later than that. */
static void event(struct run *run, const char *local, const char *remote, unsigned after_ms,
		  struct rst_event event)
{
	struct record_event record = {.head = RECORD_HEAD(record_event, RECORD_EVENT),
				      .event = event};

	record.event.time_ns = run->now_ns + SECOND_NS / 2 + after_ms * 1000000ULL + 1;
	record.event.slice = run->slice;
	address(record.event.local, local);
	address(record.event.peer, remote);
	run->events++;
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
	return 0;
}

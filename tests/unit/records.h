/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Makes records, feeds them to a pipeline as a capture would, and keeps what its sink was told.
 * records_count(), records_other() and records_event() add to the slice that records_slice() ends,
 * so its sums are right unless a test changes them in `slice`.
 */
#ifndef RSTWATCH_RECORDS_H
#define RSTWATCH_RECORDS_H

#include "unit.h"

#include "pipeline.h"

#define RECORDS_START_NS (1000 * SECOND_NS)
#define RECORDS_WALL_NS	 (1700000000 * SECOND_NS) /* at RECORDS_START_NS */
#define RECORDS_SEED	 42
#define RECORDS_KEPT	 64

#define PORT_KEY(...) ((struct rst_port_key){__VA_ARGS__})
#define EVENT_OF(...) ((struct rst_event){__VA_ARGS__})

/* What the sink was told; the first RECORDS_KEPT of each kind in full. */
struct records_told {
	unsigned starts, events, windows, alerts, ends;
	struct rst_event event[RECORDS_KEPT];
	struct rst_connection connection[RECORDS_KEPT]; /* zero if not known */
	bool has_connection[RECORDS_KEPT];
	struct owner owner[RECORDS_KEPT];
	char netns_name[RECORDS_KEPT][80]; /* "" if none is known */
	struct window_summary window[RECORDS_KEPT];
	struct alert alert[RECORDS_KEPT];
	struct pipeline_run run; /* at the start */
	struct pipeline_totals totals;
};

struct records {
	struct pipeline *pipeline;
	struct records_told *told;
	uint64_t now_ns;	   /* end of the last slice */
	int64_t offset_ns;	   /* wall clock minus CLOCK_MONOTONIC */
	struct record_start start; /* as it will be fed */
	struct record_slice slice; /* being filled */
};

static inline struct record_port records_port(struct rst_port_key key, uint64_t count)
{
	return (struct record_port){
		.head = RECORD_HEAD(record_port, RECORD_PORT), .key = key, .count = count};
}

static inline struct rst_peer_key records_peer_key(uint32_t ipv4, uint32_t netns,
						   unsigned direction)
{
	struct rst_peer_key key = {.netns = netns, .direction = direction};

	unit_ipv4(key.address, ipv4);
	return key;
}

static inline struct record_peer records_peer(struct rst_peer_key key, uint64_t count)
{
	return (struct record_peer){
		.head = RECORD_HEAD(record_peer, RECORD_PEER), .key = key, .count = count};
}

static inline struct record_slice records_empty_slice(uint64_t start_ns, uint64_t end_ns)
{
	return (struct record_slice){.head = RECORD_HEAD(record_slice, RECORD_SLICE),
				     .start_ns = start_ns,
				     .end_ns = end_ns};
}

static inline struct record_other records_other_of(unsigned direction, unsigned cause,
						   uint64_t count)
{
	return (struct record_other){.head = RECORD_HEAD(record_other, RECORD_OTHER),
				     .direction = direction,
				     .cause = cause,
				     .count = count};
}

/* counters: in the order of enum record_counter. */
static inline struct record_kernel records_kernel_of(uint32_t netns,
						     enum record_kernel_status status,
						     uint64_t identity,
						     const uint64_t counters[COUNTERS_READ])
{
	struct record_kernel kernel = {.head = RECORD_HEAD(record_kernel, RECORD_KERNEL),
				       .netns = netns,
				       .status = status,
				       .identity = identity};

	memcpy(kernel.counters, counters, sizeof(kernel.counters));
	return kernel;
}

static inline void records_tell_start(void *context, const struct pipeline_run *run)
{
	struct records_told *told = context;

	told->starts++;
	told->run = *run;
}

static inline void records_tell_event(void *context, const struct pipeline_run *run,
				      const struct pipeline_event *reset)
{
	struct records_told *told = context;

	(void)run;
	if (told->events < RECORDS_KEPT) {
		told->event[told->events] = *reset->event;
		told->has_connection[told->events] = reset->connection;
		if (reset->connection)
			told->connection[told->events] = *reset->connection;
		told->owner[told->events] = reset->owner;
		if (reset->netns_name)
			strcpy(told->netns_name[told->events], reset->netns_name);
	}
	told->events++;
}

static inline void records_tell_window(void *context, const struct pipeline_run *run,
				       const struct window_summary *summary)
{
	struct records_told *told = context;

	(void)run;
	if (told->windows < RECORDS_KEPT)
		told->window[told->windows] = *summary;
	told->windows++;
}

static inline void records_tell_alert(void *context, const struct pipeline_run *run,
				      const struct alert *alert)
{
	struct records_told *told = context;

	(void)run;
	if (told->alerts < RECORDS_KEPT)
		told->alert[told->alerts] = *alert;
	told->alerts++;
}

static inline void records_tell_end(void *context, const struct pipeline_run *run,
				    const struct pipeline_totals *totals)
{
	struct records_told *told = context;

	(void)run;
	told->ends++;
	told->totals = *totals;
}

/* A pipeline that has not been fed anything, and START with 10 s windows and the usual alarm. */
static inline void records_open(struct records *records, const struct pipeline_settings *settings)
{
	static const struct pipeline_settings none;
	struct sink sink = {.start = records_tell_start,
			    .event = records_tell_event,
			    .window = records_tell_window,
			    .alert = records_tell_alert,
			    .end = records_tell_end};

	memset(records, 0, sizeof(*records));
	records->pipeline = unit_zeroed(sizeof(*records->pipeline));
	sink.context = records->told = unit_zeroed(sizeof(*records->told));
	records->now_ns = RECORDS_START_NS;
	records->offset_ns = RECORDS_WALL_NS - RECORDS_START_NS;
	records->start = (struct record_start){.head = RECORD_HEAD(record_start, RECORD_START),
					       .monotonic_ns = RECORDS_START_NS,
					       .realtime_ns = RECORDS_WALL_NS,
					       .seed = RECORDS_SEED,
					       .window_seconds = 10,
					       .cpus = 1,
					       .rate = rate_defaults,
					       .version = "1",
					       .kernel = "6.18"};
	records->slice = records_empty_slice(0, 0);
	pipeline_init(records->pipeline, settings ? settings : &none, &sink);
}

static inline void records_close(struct records *records)
{
	free(records->pipeline);
	free(records->told);
}

/* Any record, as it is. */
static inline int records_feed(struct records *records, const void *record)
{
	return pipeline_feed(records->pipeline, record);
}

static inline void records_begin(struct records *records, const struct pipeline_settings *settings)
{
	records_open(records, settings);
	assert_int_equal(records_feed(records, &records->start), 0);
}

static inline void records_count(struct records *records, struct rst_port_key key, uint64_t count)
{
	const struct record_port port = records_port(key, count);

	records->slice.counted += count;
	assert_int_equal(records_feed(records, &port), 0);
}

static inline void records_tabled(struct records *records, struct rst_peer_key key, uint64_t count)
{
	const struct record_peer peer = records_peer(key, count);

	assert_int_equal(records_feed(records, &peer), 0);
}

static inline void records_other(struct records *records, unsigned direction, unsigned cause,
				 uint64_t count)
{
	const struct record_other other = records_other_of(direction, cause, count);

	records->slice.counted += count;
	records->slice.ports_full += count;
	assert_int_equal(records_feed(records, &other), 0);
}

/* Resets that came in and never reached TCP: no part of the slice's sums. */
static inline void records_outside(struct records *records, uint64_t count)
{
	const struct record_outside outside = {.head = RECORD_HEAD(record_outside, RECORD_OUTSIDE),
					       .count = count};

	assert_int_equal(records_feed(records, &outside), 0);
}

static inline void records_kernel(struct records *records, uint32_t netns,
				  enum record_kernel_status status, uint64_t identity,
				  const uint64_t counters[COUNTERS_READ])
{
	const struct record_kernel kernel = records_kernel_of(netns, status, identity, counters);

	assert_int_equal(records_feed(records, &kernel), 0);
}

/* A base as capture delivers it at the start: read twice, with nothing counted in between. */
static inline void records_base(struct records *records, uint32_t netns, uint64_t identity,
				const uint64_t counters[COUNTERS_READ])
{
	records_kernel(records, netns, KERNEL_BASE, identity, counters);
	records_kernel(records, netns, KERNEL_BASE, identity, counters);
}

/* Streams an event, of whose connection nothing is known. It is counted by records_count(), like
 * any reset. */
static inline void records_event(struct records *records, struct rst_event event)
{
	struct record_event record = {.head = RECORD_HEAD(record_event, RECORD_EVENT),
				      .event = event};

	record.head.size = record_size(RECORD_EVENT);
	memset(&record.connection, 0xee, sizeof(record.connection)); /* is not looked at */
	records->slice.events++;
	assert_int_equal(records_feed(records, &record), 0);
}

static inline void records_event_of(struct records *records, struct rst_event event,
				    struct rst_connection connection)
{
	const struct record_event record = {.head = RECORD_HEAD(record_event, RECORD_EVENT),
					    .event = event,
					    .connection = connection};

	records->slice.events++;
	assert_int_equal(records_feed(records, &record), 0);
}

static inline struct record_process records_process_of(uint32_t number, uint32_t pid,
						       const char *comm, const char *cgroup)
{
	struct record_process process = {.head = RECORD_HEAD(record_process, RECORD_PROCESS),
					 .number = number,
					 .pid = pid,
					 .started = 1000 + number,
					 .uid = 33};

	strcpy(process.comm, comm);
	strcpy(process.cgroup, cgroup);
	return process;
}

static inline void records_process(struct records *records, uint32_t number, uint32_t pid,
				   const char *comm, const char *cgroup)
{
	const struct record_process process = records_process_of(number, pid, comm, cgroup);

	assert_int_equal(records_feed(records, &process), 0);
}

/* A socket on all addresses of IPv4; one for each port. */
static inline struct record_listener records_listener_of(uint64_t time_ns, uint32_t netns,
							 uint16_t port, uint32_t owner,
							 enum rst_listener_change change)
{
	struct record_listener listener = {.head = RECORD_HEAD(record_listener, RECORD_LISTENER),
					   .listener = {.time_ns = time_ns,
							.socket = 0x1000 + port,
							.netns = netns,
							.owner = owner,
							.port = port,
							.change = change}};

	unit_ipv4(listener.listener.address, 0);
	return listener;
}

/* At the end of the last slice. */
static inline void records_listens(struct records *records, uint32_t netns, uint16_t port,
				   uint32_t owner)
{
	const struct record_listener listener =
		records_listener_of(records->now_ns, netns, port, owner, RST_LISTENER_OPENED);

	assert_int_equal(records_feed(records, &listener), 0);
}

/* Its process ends with that status, at that time. */
static inline void records_stops(struct records *records, uint64_t time_ns, uint32_t netns,
				 uint16_t port, uint32_t owner, uint32_t exit_status)
{
	struct record_listener listener =
		records_listener_of(time_ns, netns, port, owner, RST_LISTENER_CLOSED);

	listener.listener.flags = RST_LISTENER_EXITING;
	listener.listener.exit_status = exit_status;
	assert_int_equal(records_feed(records, &listener), 0);
}

static inline void records_netns(struct records *records, uint32_t netns, const char *name)
{
	struct record_netns record = {.head = RECORD_HEAD(record_netns, RECORD_NETNS),
				      .netns = netns};

	memcpy(record.name, name, strnlen(name, sizeof(record.name)));
	assert_int_equal(records_feed(records, &record), 0);
}

/* Ends the slice so many nanoseconds after the last. */
static inline void records_slice(struct records *records, uint64_t duration_ns)
{
	records->slice.start_ns = records->now_ns;
	records->slice.end_ns = records->now_ns += duration_ns;
	records->slice.realtime_ns = records->now_ns + (uint64_t)records->offset_ns;
	assert_int_equal(records_feed(records, &records->slice), 0);
	records->slice = (struct record_slice){.head = records->slice.head,
					       .slice = records->slice.slice + 1};
}

/* Slices of a second with the same resets in each; a count of 0 makes quiet ones. */
static inline void records_run(struct records *records, struct rst_port_key key, uint64_t count,
			       unsigned seconds)
{
	for (unsigned i = 0; i < seconds; i++) {
		if (count)
			records_count(records, key, count);
		records_slice(records, SECOND_NS);
	}
}

static inline void records_quiet(struct records *records, unsigned seconds)
{
	records_run(records, PORT_KEY(.direction = RST_SENT), 0, seconds);
}

static inline struct record_end records_end_at(const struct records *records)
{
	return (struct record_end){.head = RECORD_HEAD(record_end, RECORD_END),
				   .monotonic_ns = records->now_ns,
				   .realtime_ns = records->now_ns + (uint64_t)records->offset_ns};
}

static inline void records_end(struct records *records)
{
	const struct record_end end = records_end_at(records);

	assert_int_equal(records_feed(records, &end), 0);
}

/* Setup and teardown of a test whose state is a struct records that has begun. */
static inline int records_setup(void **state)
{
	struct records *records = malloc(sizeof(*records));

	if (!records)
		return -1;
	records_begin(records, NULL);
	*state = records;
	return 0;
}

static inline int records_teardown(void **state)
{
	records_close(*state);
	free(*state);
	return 0;
}

#define RECORDS_TEST(test) cmocka_unit_test_setup_teardown(test, records_setup, records_teardown)

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the tests of the edges share: files in memory, and a sink behind a real pipeline. */
#ifndef RSTWATCH_EDGES_H
#define RSTWATCH_EDGES_H

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "records.h"
#include "view.h"

/* --- files in memory --- */

static inline int edges_file(void)
{
	int fd = memfd_create("rstwatch-test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	return fd;
}

/* A name under which the file can be opened; buffer may be reused. */
static inline const char *edges_path(int fd, char path[64])
{
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return path;
}

/* All of it, NUL-terminated; the caller frees. */
static inline char *edges_read(int fd, size_t *size)
{
	off_t length = lseek(fd, 0, SEEK_END);
	char *bytes;

	assert_true(length >= 0);
	bytes = unit_zeroed(length + 1);
	assert_int_equal(pread(fd, bytes, length, 0), length);
	if (size)
		*size = length;
	return bytes;
}

static inline void edges_write(int fd, const void *bytes, size_t size)
{
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, bytes, size, 0), (ssize_t)size);
}

/* --- an output into such a file --- */

static inline struct output *edges_output(void)
{
	struct output *output = unit_zeroed(sizeof(*output));

	output_init(output, edges_file());
	return output;
}

/* What has been written so far; the caller frees. */
static inline char *edges_written(struct output *output)
{
	assert_int_equal(output_flush(output), 0);
	return edges_read(output->fd, NULL);
}

static inline void edges_output_free(struct output *output)
{
	close(output->fd);
	free(output);
}

/* Forgets what was written. */
static inline void edges_output_clear(struct output *output)
{
	output_flush(output);
	assert_int_equal(ftruncate(output->fd, 0), 0);
	assert_int_equal(lseek(output->fd, 0, SEEK_SET), 0);
}

static inline void edges_assert_written(struct output *output, const char *expected)
{
	char *written = edges_written(output);

	assert_string_equal(written, expected);
	free(written);
	edges_output_clear(output);
}

/* --- a run whose words go through a sink --- */

/* Counters that the tests of both sinks feed. */
static const struct rst_port_key web = {.netns = 7,
					.port = 80,
					.direction = RST_SENT,
					.cause = RST_ABORTED,
					.reason = 3,
					.role = RST_ROLE_SERVER};
static const struct rst_port_key refused = {.netns = 8,
					    .port = 5432,
					    .direction = RST_RECEIVED,
					    .cause = RST_STAGE_REFUSED,
					    .role = RST_ROLE_CLIENT};
static const struct rst_port_key nobody = {
	.port = 9, .direction = RST_SENT, .cause = RST_CLOSED_PORT, .role = RST_ROLE_UNKNOWN};

/* Counters of the kernel, in the order of enum record_counter. */
#define EDGES_COUNTED(...) ((const uint64_t[COUNTERS_READ]){__VA_ARGS__})

struct edges {
	struct records records;
	struct output *output;
	struct text text;
	struct ndjson ndjson;
};

/* Nothing fed yet: the caller may feed a preamble and then START. */
static inline void edges_open(struct edges *edges, const struct view *view,
			      const struct pipeline_settings *settings)
{
	records_open(&edges->records, settings);
	edges->output = edges_output();
	edges->records.pipeline->sink = view->json
						? ndjson_sink(&edges->ndjson, view, edges->output)
						: text_sink(&edges->text, view, edges->output);
}

static inline void edges_begin(struct edges *edges, const struct view *view,
			       const struct pipeline_settings *settings)
{
	edges_open(edges, view, settings);
	assert_int_equal(records_feed(&edges->records, &edges->records.start), 0);
}

static inline void edges_close(struct edges *edges)
{
	edges_output_free(edges->output);
	records_close(&edges->records);
}

static inline void edges_name(struct edges *edges, unsigned kind, unsigned number, const char *name)
{
	struct record_reason reason = {.head = RECORD_HEAD(record_reason, kind), .number = number};

	snprintf(reason.name, sizeof(reason.name), "%s", name);
	assert_int_equal(records_feed(&edges->records, &reason), 0);
}

static inline void edges_reason(struct edges *edges, unsigned number, const char *name)
{
	edges_name(edges, RECORD_REASON, number, name);
}

static inline void edges_drop_reason(struct edges *edges, unsigned number, const char *name)
{
	edges_name(edges, RECORD_DROP_REASON, number, name);
}

static inline void edges_hook(struct edges *edges, const char *name, bool attached, const char *how)
{
	struct record_hook hook = {.head = RECORD_HEAD(record_hook, RECORD_HOOK),
				   .attached = attached};

	snprintf(hook.name, sizeof(hook.name), "%s", name);
	snprintf(hook.how, sizeof(hook.how), "%s", how);
	assert_int_equal(records_feed(&edges->records, &hook), 0);
}

/* Compares what was said since the last time, and forgets it. */
static inline void edges_assert(struct edges *edges, const char *expected)
{
	edges_assert_written(edges->output, expected);
}

/* The same of its end only. */
static inline void edges_assert_end(struct edges *edges, const char *expected)
{
	char *written = edges_written(edges->output);
	size_t length = strlen(written), least = strlen(expected);

	assert_string_equal(length < least ? written : written + length - least, expected);
	free(written);
	edges_output_clear(edges->output);
}

/* And of any part. */
static inline void edges_assert_has(struct edges *edges, const char *expected)
{
	char *written = edges_written(edges->output);

	if (!strstr(written, expected))
		fail_msg("no %s in %s", expected, written);
	free(written);
	edges_output_clear(edges->output);
}

/* Forgets it. */
static inline void edges_skip(struct edges *edges)
{
	edges_output_clear(edges->output);
}

/* An event of 10.0.0.2:8080 with 10.0.0.7:51234, 1.5 s after the start. */
static inline struct rst_event edges_event(unsigned direction, unsigned cause)
{
	struct rst_event event = {.time_ns = RECORDS_START_NS + 1500000000,
				  .netns = 4026531840,
				  .local_port = 8080,
				  .peer_port = 51234,
				  .direction = direction,
				  .cause = cause,
				  .role = RST_ROLE_UNKNOWN};

	unit_ipv4(event.local, 0x0a000002);
	unit_ipv4(event.peer, 0x0a000007);
	return event;
}

/* A detector's alert, which says nothing yet but what each of them does. */
static inline struct alert edges_alert(const struct edges *edges, enum alert_status status)
{
	struct alert alert = {.detected = true,
			      .number = 3,
			      .kind = ALERT_PORT_SCAN,
			      .status = status,
			      .severity = ALERT_WARNING,
			      .advice = "Look."};

	alert.time_ns = RECORDS_START_NS + 7 * SECOND_NS;
	alert.first_seen_ns = alert.time_ns - 2 * SECOND_NS;
	alert.time_real_ns = alert.time_ns + (uint64_t)edges->records.offset_ns;
	alert.first_seen_real_ns = alert.first_seen_ns + (uint64_t)edges->records.offset_ns;
	strcpy(alert.summary, "So it is.");
	return alert;
}

static inline void edges_tell(struct edges *edges, const struct alert *alert)
{
	const struct pipeline *pipeline = edges->records.pipeline;

	pipeline->sink.alert(pipeline->sink.context, &pipeline->run, alert);
}

/* 2001:db8::LAST */
static inline void edges_ipv6(uint8_t address[16], uint8_t last)
{
	static const uint8_t network[4] = {0x20, 0x01, 0x0d, 0xb8};

	memset(address, 0, 16);
	memcpy(address, network, sizeof(network));
	address[15] = last;
}

#endif

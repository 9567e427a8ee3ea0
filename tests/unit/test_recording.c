// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "edges.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <zlib.h>

#include "recording.h"

/* --- what was played --- */

struct heard {
	uint8_t *bytes; /* the records, one behind the other */
	size_t size, room;
	unsigned records;
	unsigned stop_at; /* at the record of this number (from 1), with this answer */
	int answer;
};

static int hear(void *context, const struct record *record)
{
	struct heard *heard = context;

	assert_int_equal((uintptr_t)record % 8, 0);
	if (++heard->records == heard->stop_at)
		return heard->answer;
	if (heard->size + record->size > heard->room) {
		heard->room = 2 * (heard->size + record->size);
		heard->bytes = realloc(heard->bytes, heard->room);
		assert_non_null(heard->bytes);
	}
	memcpy(heard->bytes + heard->size, record, record->size);
	heard->size += record->size;
	return 0;
}

static void forget(struct heard *heard)
{
	free(heard->bytes);
	*heard = (struct heard){0};
}

/* --- what was recorded --- */

struct recorded {
	int fd;
	struct recording_writer *writer;
	struct heard sent; /* the records that went in */
};

static void begin(struct recorded *recorded)
{
	char path[64];

	*recorded = (struct recorded){.fd = edges_file()};
	assert_int_equal(recording_create(&recorded->writer, edges_path(recorded->fd, path)), 0);
	assert_non_null(recorded->writer);
}

static void add(struct recorded *recorded, const void *record)
{
	assert_int_equal(recording_add(recorded->writer, record), 0);
	assert_int_equal(hear(&recorded->sent, record), 0);
}

static void finish(struct recorded *recorded, bool complete)
{
	assert_int_equal(recording_finish(&recorded->writer, complete), 0);
	assert_null(recorded->writer);
}

static void drop(struct recorded *recorded)
{
	recording_finish(&recorded->writer, false);
	forget(&recorded->sent);
	close(recorded->fd);
}

static int play(int fd, struct heard *heard, struct recording_result *result)
{
	char path[64];

	memset(result, 0xa5, sizeof(*result));
	return recording_play(edges_path(fd, path), hear, heard, result);
}

/* A record of any kind and size, its bytes noise. */
static void add_noise(struct recorded *recorded, unsigned kind, uint32_t size)
{
	union {
		struct record head;
		uint8_t bytes[RECORD_BYTES_MAX];
		uint64_t aligned;
	} *record = unit_zeroed(sizeof(*record));
	uint64_t seed = size * 31 + kind;

	assert_true(size <= RECORD_BYTES_MAX);
	for (uint32_t i = 0; i < size; i++)
		record->bytes[i] = unit_random(&seed);
	record->head = (struct record){.size = size, .kind = kind};
	add(recorded, record);
	free(record);
}

static struct record_slice slice_of(unsigned number)
{
	struct record_slice slice = records_empty_slice(
		RECORDS_START_NS + number * SECOND_NS, RECORDS_START_NS + (number + 1) * SECOND_NS);

	slice.slice = number;
	return slice;
}

static const struct record_end the_end = {
	.head = RECORD_HEAD(record_end, RECORD_END), .monotonic_ns = 1, .realtime_ns = 2};

static void add_slice(struct recorded *recorded, unsigned number)
{
	const struct record_slice slice = slice_of(number);

	add(recorded, &slice);
}

/* Three small blocks: preamble and a slice, a slice with counts, the end. */
static void record_small(struct recorded *recorded)
{
	const struct record_port port =
		records_port(PORT_KEY(.port = 80, .direction = RST_SENT), 3);
	struct record_start start = {.head = RECORD_HEAD(record_start, RECORD_START),
				     .window_seconds = 10,
				     .version = "1"};

	begin(recorded);
	add(recorded, &start);
	add_slice(recorded, 0);
	add(recorded, &port);
	add_slice(recorded, 1);
	add(recorded, &the_end);
	finish(recorded, true);
}

#define SMALL_BLOCK_1 (sizeof(struct recording_header))
#define SMALL_BLOCK_2                                                                              \
	(SMALL_BLOCK_1 + sizeof(struct recording_block) + sizeof(struct record_start) +            \
	 sizeof(struct record_slice))
#define SMALL_BLOCK_3                                                                              \
	(SMALL_BLOCK_2 + sizeof(struct recording_block) + sizeof(struct record_port) +             \
	 sizeof(struct record_slice))
#define SMALL_BYTES (SMALL_BLOCK_3 + sizeof(struct recording_block) + sizeof(struct record_end))

static void assert_played(int fd, const struct heard *sent)
{
	struct recording_result result;
	struct heard heard = {0};

	assert_int_equal(play(fd, &heard, &result), 0);
	assert_false(result.cut_short);
	assert_string_equal(result.error, "");
	assert_int_equal(result.records, sent->records);
	assert_int_equal(result.offset, lseek(fd, 0, SEEK_END));
	assert_int_equal(heard.size, sent->size);
	assert_memory_equal(heard.bytes, sent->bytes, sent->size);
	forget(&heard);
}

/* --- the format --- */

/* Kinds and sizes are those of recordings that exist: appended to, never changed. */
static void kinds_and_sizes(void **state)
{
	static const struct {
		unsigned number, kind, size;
	} kinds[] = {
		{1, RECORD_REASON, 56},	 {2, RECORD_HOOK, 72},	       {3, RECORD_START, 200},
		{4, RECORD_EVENT, 72},	 {5, RECORD_PORT, 32},	       {6, RECORD_PEER, 40},
		{7, RECORD_OTHER, 24},	 {8, RECORD_DISTINCT, 16400},  {9, RECORD_SLICE, 96},
		{10, RECORD_END, 24},	 {11, RECORD_DROP_REASON, 56}, {12, RECORD_OUTSIDE, 16},
		{13, RECORD_KERNEL, 72}, {14, RECORD_PROCESS, 784},    {15, RECORD_LISTENER, 56},
		{16, RECORD_NETNS, 80},	 {17, RECORD_SIGNAL, 88},      {18, RECORD_LISTENING, 96},
		{19, RECORD_QUEUES, 96}, {20, RECORD_THINNED, 16},
	};

	(void)state;
	assert_int_equal(COUNT_OF(kinds), RECORD_KINDS - 1);
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		assert_int_equal(kinds[i].kind, kinds[i].number);
		assert_int_equal(record_size(kinds[i].kind), kinds[i].size);
	}
	assert_int_equal(KERNEL_BASE, 1);
	assert_int_equal(KERNEL_READ, 2);
	assert_int_equal(KERNEL_BORN, 3);
	assert_int_equal(KERNEL_GONE, 4);
	assert_int_equal(KERNEL_DENIED, 5);
	/* In the preamble or not; a kind of a later version is skipped in either place. */
	assert_true(record_is_preamble(RECORD_DROP_REASON));
	assert_false(record_is_preamble(RECORD_OUTSIDE));
	assert_false(record_is_preamble(RECORD_KERNEL));
	assert_false(record_is_preamble(RECORD_PROCESS));
	assert_false(record_is_preamble(RECORD_LISTENER));
	assert_false(record_is_preamble(RECORD_NETNS));
	assert_int_equal(record_size(RECORD_KINDS), 0);
}

/* --- round trips --- */

static void every_kind(void **state)
{
	struct recorded recorded;

	(void)state;
	begin(&recorded);
	for (unsigned kind = 1; kind < RECORD_KINDS; kind++) {
		add_noise(&recorded, kind, record_size(kind));
		add_noise(&recorded, kind, record_size(kind) + 8); /* of a later version */
	}
	add_noise(&recorded, RECORD_KINDS, 8); /* a kind of a later version */
	add_noise(&recorded, 0, 8);
	add_noise(&recorded, 0xffff, 1024);
	add_noise(&recorded, RECORD_EVENT, RECORD_BYTES_MAX);
	finish(&recorded, true);
	assert_played(recorded.fd, &recorded.sent);
	drop(&recorded);
}

/* Format 1.1 had no connection behind an event, and no owner in an event or a counter: 0 here. */
static void events_old_and_new(void **state)
{
	struct record_event event = {
		.head = RECORD_HEAD(record_event, RECORD_EVENT),
		.event = {.direction = RST_SENT, .owner = 7},
		.connection = {.bytes_in = 1, .bytes_out = 2, .age_ms = 3, .idle_ms = 4}};
	const struct record_port port = records_port(PORT_KEY(.direction = RST_SENT), 3);
	const struct record_event *played;
	struct recorded recorded;
	struct recording_result result;
	struct heard heard = {0};

	(void)state;
	begin(&recorded);
	add(&recorded, &event);
	event.head.size = 72;
	add(&recorded, &event);
	add(&recorded, &port);
	finish(&recorded, true);
	assert_played(recorded.fd, &recorded.sent);
	assert_int_equal(play(recorded.fd, &heard, &result), 0);
	assert_int_equal(heard.size, 96 + 72 + 32);
	played = (const void *)heard.bytes;
	assert_non_null(record_connection(played));
	assert_int_equal(record_connection(played)->bytes_out, 2);
	assert_int_equal(record_connection(played)->idle_ms, 4);
	assert_int_equal(played->event.owner, 7);
	played = (const void *)(heard.bytes + 96);
	assert_null(record_connection(played));
	forget(&heard);
	drop(&recorded);
}

/* More than a block holds, with records of 16 KiB among the small ones. */
static void many_blocks(void **state)
{
	struct recorded recorded;
	uint64_t seed = 5;

	(void)state;
	begin(&recorded);
	for (unsigned i = 0; i < 2000; i++) {
		if (unit_random(&seed) % 8)
			add_noise(&recorded, RECORD_EVENT, sizeof(struct record_event));
		else
			add_noise(&recorded, RECORD_DISTINCT, sizeof(struct record_distinct));
	}
	assert_true(recorded.sent.size > 10 * RECORDING_BLOCK_MAX);
	finish(&recorded, true);
	assert_played(recorded.fd, &recorded.sent);
	drop(&recorded);
}

static void a_block_that_is_exactly_full(void **state)
{
	struct recorded recorded;
	char *bytes;
	struct recording_block block;

	(void)state;
	begin(&recorded);
	for (unsigned i = 0; i < RECORDING_BLOCK_MAX / RECORD_BYTES_MAX; i++)
		add_noise(&recorded, RECORD_EVENT, RECORD_BYTES_MAX);
	assert_int_equal(lseek(recorded.fd, 0, SEEK_END), sizeof(struct recording_header));
	add_noise(&recorded, RECORD_EVENT, sizeof(struct record_event));
	bytes = edges_read(recorded.fd, NULL);
	memcpy(&block, bytes + sizeof(struct recording_header), sizeof(block));
	assert_int_equal(block.bytes, RECORDING_BLOCK_MAX);
	free(bytes);
	finish(&recorded, true);
	assert_played(recorded.fd, &recorded.sent);
	drop(&recorded);
}

static void nothing_recorded(void **state)
{
	struct recorded recorded;

	(void)state;
	begin(&recorded);
	finish(&recorded, true);
	assert_int_equal(lseek(recorded.fd, 0, SEEK_END), sizeof(struct recording_header));
	assert_played(recorded.fd, &recorded.sent);
	drop(&recorded);
}

/* A slice is in the file once it is complete, and so is the end. */
static void slices_are_written_at_once(void **state)
{
	const struct record_port port = records_port(PORT_KEY(.direction = RST_SENT), 3);
	struct recorded recorded;
	struct recording_result result;
	struct heard heard = {0};

	(void)state;
	begin(&recorded);
	add_slice(&recorded, 0);
	add(&recorded, &port); /* not yet */
	assert_int_equal(play(recorded.fd, &heard, &result), 0);
	assert_int_equal(result.records, 1);
	assert_true(result.cut_short); /* it is being written */
	forget(&heard);
	add_slice(&recorded, 1);
	assert_int_equal(play(recorded.fd, &heard, &result), 0);
	assert_int_equal(result.records, 3);
	forget(&heard);
	add(&recorded, &the_end);
	assert_int_equal(play(recorded.fd, &heard, &result), 0);
	assert_int_equal(result.records, 4);
	assert_false(result.cut_short); /* the end is there */
	forget(&heard);
	drop(&recorded);
}

static void the_header(void **state)
{
	struct recorded recorded;
	struct recording_header header;

	(void)state;
	begin(&recorded);
	assert_int_equal(pread(recorded.fd, &header, sizeof(header), 0), sizeof(header));
	assert_memory_equal(header.magic, "\x89RSTW\r\n\x1a", 8);
	assert_int_equal(header.order, 0x01020304);
	assert_int_equal(header.major, RECORDING_MAJOR);
	assert_int_equal(header.major, 1);
	assert_int_equal(header.minor, RECORDING_MINOR);
	assert_int_equal(header.minor, 3); /* signals and queues */
	assert_int_equal(header.flags, RECORDING_INCOMPLETE);
	add_slice(&recorded, 0);
	finish(&recorded, true);
	assert_int_equal(pread(recorded.fd, &header, sizeof(header), 0), sizeof(header));
	assert_int_equal(header.flags, 0);
	drop(&recorded);
}

static void not_complete(void **state)
{
	struct recorded recorded;
	struct recording_result result;
	struct heard heard = {0};

	(void)state;
	begin(&recorded);
	add_slice(&recorded, 0);
	finish(&recorded, false);
	assert_int_equal(play(recorded.fd, &heard, &result), 0);
	assert_true(result.cut_short);
	assert_int_equal(result.records, 1);
	assert_int_equal(result.offset, lseek(recorded.fd, 0, SEEK_END));
	assert_string_equal(result.error, "");
	forget(&heard);
	drop(&recorded);
}

static void an_old_file_is_replaced(void **state)
{
	struct recorded recorded;
	struct recording_writer *writer = NULL;
	char path[64];

	(void)state;
	record_small(&recorded);
	assert_int_equal(recording_create(&writer, edges_path(recorded.fd, path)), 0);
	assert_int_equal(lseek(recorded.fd, 0, SEEK_END), sizeof(struct recording_header));
	assert_int_equal(recording_finish(&writer, true), 0);
	assert_int_equal(recording_finish(&writer, true), 0); /* none: nothing to do */
	drop(&recorded);
}

/* A pipe: nobody goes back to clear INCOMPLETE, and the END tells all the same. */
static void through_a_pipe(void **state)
{
	struct recorded recorded = {0};
	struct recording_result result;
	struct heard heard = {0};
	char path[64];
	int ends[2], status;
	pid_t child;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (!child) {
		close(ends[0]);
		if (recording_create(&recorded.writer, edges_path(ends[1], path)))
			_exit(1);
		for (unsigned i = 0; i < 100; i++)
			add_noise(&recorded, RECORD_DISTINCT, sizeof(struct record_distinct));
		add_slice(&recorded, 0);
		add(&recorded, &the_end);
		_exit(recording_finish(&recorded.writer, true) ? 2 : 0);
	}
	close(ends[1]);
	assert_int_equal(play(ends[0], &heard, &result), 0);
	assert_int_equal(result.records, 102);
	assert_false(result.cut_short);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	forget(&heard);
	close(ends[0]);
}

static void standard_input(void **state)
{
	struct recorded recorded;
	int status;
	pid_t child;

	(void)state;
	record_small(&recorded);
	child = fork();
	if (!child) {
		struct recording_result result;
		struct heard heard = {0};

		if (dup2(recorded.fd, STDIN_FILENO) || lseek(STDIN_FILENO, 0, SEEK_SET))
			_exit(1);
		if (recording_play("-", hear, &heard, &result) || result.records != 5)
			_exit(2);
		_exit(fcntl(STDIN_FILENO, F_GETFD) < 0 ? 3 : 0); /* not ours to close */
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	drop(&recorded);
}

/* --- the handler's answer --- */

static void the_handler_stops(void **state)
{
	struct recorded recorded;

	(void)state;
	record_small(&recorded);
	for (unsigned i = 1; i <= recorded.sent.records; i++) {
		struct recording_result result;
		struct heard heard = {.stop_at = i, .answer = 7};

		assert_int_equal(play(recorded.fd, &heard, &result), 7);
		assert_int_equal(heard.records, i);
		assert_int_equal(result.records, i - 1);
		assert_string_equal(result.error, "");
		assert_false(result.cut_short);
		forget(&heard);
	}
	drop(&recorded);
}

static void the_handler_refuses(void **state)
{
	struct recorded recorded;
	struct recording_result result;
	struct heard heard = {.stop_at = 4, .answer = -EPROTO};
	char offset[32];

	(void)state;
	record_small(&recorded);
	assert_int_equal(play(recorded.fd, &heard, &result), -EPROTO);
	assert_int_equal(result.offset, SMALL_BLOCK_2 + sizeof(struct recording_block) +
						sizeof(struct record_port));
	snprintf(offset, sizeof(offset), "at byte %u", (unsigned)result.offset);
	assert_non_null(strstr(result.error, offset));
	forget(&heard);
	drop(&recorded);
}

/* --- cut short and damaged --- */

static void truncated_at_every_byte(void **state)
{
	struct recorded recorded;
	char *bytes;
	size_t size;
	int fd = edges_file();

	(void)state;
	record_small(&recorded);
	bytes = edges_read(recorded.fd, &size);
	assert_int_equal(size, SMALL_BYTES);
	for (size_t length = 0; length < size; length++) {
		struct recording_result result;
		struct heard heard = {0};
		unsigned whole = length < SMALL_BLOCK_2 ? 0 : length < SMALL_BLOCK_3 ? 2 : 4;
		int code;

		edges_write(fd, bytes, length);
		code = play(fd, &heard, &result);
		assert_int_equal(heard.records, whole);
		assert_int_equal(result.records, whole);
		assert_memory_equal(heard.bytes ? heard.bytes : recorded.sent.bytes,
				    recorded.sent.bytes, heard.size);
		if (length < 8) {
			assert_int_equal(code, -EPROTO);
			assert_non_null(strstr(result.error, "not an rstwatch recording"));
		} else if (length < sizeof(struct recording_header)) {
			assert_int_equal(code, -EPROTO);
			assert_int_equal(result.offset, length);
			assert_non_null(strstr(result.error, "cut off in its header at byte"));
		} else if (length == SMALL_BLOCK_1 || length == SMALL_BLOCK_2 ||
			   length == SMALL_BLOCK_3) {
			/* Between blocks: the header says complete, only the END is missing. */
			assert_int_equal(code, 0);
			assert_int_equal(result.offset, length);
		} else {
			assert_int_equal(code, 0);
			assert_true(result.cut_short);
			assert_int_equal(result.offset, length); /* where the file ends */
			assert_string_equal(result.error, "");
		}
		forget(&heard);
	}
	free(bytes);
	close(fd);
	drop(&recorded);
}

/* What carries nothing, or tells no more than how it ended. */
static bool is_idle_byte(size_t at)
{
	static const size_t blocks[] = {SMALL_BLOCK_1, SMALL_BLOCK_2, SMALL_BLOCK_3};

	if (at >= offsetof(struct recording_header, minor) && at < sizeof(struct recording_header))
		return true; /* minor, flags, pad */
	for (size_t i = 0; i < COUNT_OF(blocks); i++)
		if (at >= blocks[i] + offsetof(struct recording_block, pad) &&
		    at < blocks[i] + sizeof(struct recording_block))
			return true;
	return false;
}

static bool is_length_byte(size_t at)
{
	static const size_t blocks[] = {SMALL_BLOCK_1, SMALL_BLOCK_2, SMALL_BLOCK_3};

	for (size_t i = 0; i < COUNT_OF(blocks); i++)
		if (at >= blocks[i] + offsetof(struct recording_block, bytes) &&
		    at < blocks[i] + offsetof(struct recording_block, crc))
			return true;
	return false;
}

static void every_bit_flipped(void **state)
{
	struct recorded recorded;
	char *bytes;
	size_t size;
	int fd = edges_file();

	(void)state;
	record_small(&recorded);
	bytes = edges_read(recorded.fd, &size);
	for (size_t at = 0; at < size; at++) {
		for (unsigned bit = 0; bit < 9; bit++) {
			const unsigned mask = bit < 8 ? 1U << bit : 0xff;
			struct recording_result result;
			struct heard heard = {0};
			int code;

			bytes[at] = (char)(bytes[at] ^ mask);
			edges_write(fd, bytes, size);
			bytes[at] = (char)(bytes[at] ^ mask);
			code = play(fd, &heard, &result);
			if (is_idle_byte(at)) {
				assert_int_equal(code, 0);
				assert_int_equal(heard.records, recorded.sent.records);
				assert_false(result.cut_short);
			} else if (!code && is_length_byte(at)) {
				/* A block longer than the file looks like one that is cut. */
				assert_true(result.cut_short);
				assert_int_equal(result.offset, size);
				assert_true(heard.records < recorded.sent.records);
			} else {
				if (code != -EPROTO || !strstr(result.error, "byte "))
					fail_msg("byte %zu ^ %#x: %d %s", at, mask, code,
						 result.error);
				assert_true(result.offset <= at);
				assert_true(heard.records < recorded.sent.records);
			}
			/* No more than whole blocks in front of the damage, and those as they were.
			 */
			assert_true(heard.size <= recorded.sent.size);
			assert_memory_equal(heard.bytes ? heard.bytes : recorded.sent.bytes,
					    recorded.sent.bytes, heard.size);
			forget(&heard);
		}
	}
	free(bytes);
	close(fd);
	drop(&recorded);
}

/* A file of one block: these bytes, with a checksum that fits. */
static void write_block(int fd, const void *records, uint32_t size)
{
	const struct recording_header header = {
		.magic = "\x89RSTW\r\n\x1a", .order = 0x01020304, .major = RECORDING_MAJOR};
	const struct recording_block block = {
		.magic = RECORDING_BLOCK_MAGIC, .bytes = size, .crc = crc32(0, records, size)};

	edges_write(fd, &header, sizeof(header));
	assert_int_equal(pwrite(fd, &block, sizeof(block), sizeof(header)), sizeof(block));
	assert_int_equal(pwrite(fd, records, size, sizeof(header) + sizeof(block)), size);
}

/* The checksum is right and the records are not: a writer's fault, or somebody's intent. */
static void impossible_sizes(void **state)
{
	static const uint32_t sizes[] = {0,  1,		 4,	     7,		 9,	    12,
					 24, 0x7fffffff, 0x80000000, 0xfffffff8, UINT32_MAX};
	const size_t first = sizeof(struct recording_header) + sizeof(struct recording_block);
	int fd = edges_file();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		for (unsigned good = 0; good < 2; good++) {
			const struct record records[3] = {{.size = 8, .kind = RECORD_KINDS},
							  {.size = 8, .kind = RECORD_KINDS}};
			struct record all[3];
			struct recording_result result;
			struct heard heard = {0};

			if (!good && sizes[i] == 24)
				continue; /* that is all three */
			memcpy(all, records, sizeof(all));
			all[good].size = sizes[i];
			write_block(fd, all, sizeof(all));
			assert_int_equal(play(fd, &heard, &result), -EPROTO);
			assert_int_equal(heard.records, good);
			assert_int_equal(result.offset, first + good * 8);
			assert_non_null(
				strstr(result.error, "a record of impossible size at byte"));
			forget(&heard);
		}
	}
	close(fd);
}

/* A record that is shorter than its kind, and the rest of a block too short for a head. */
static void too_short_for_its_kind(void **state)
{
	int fd = edges_file();

	(void)state;
	for (unsigned kind = 1; kind < RECORD_KINDS; kind++) {
		struct recording_result result;
		struct heard heard = {0};
		struct record *record = unit_zeroed(RECORD_BYTES_MAX);

		record->size = record_size(kind) - 8;
		record->kind = kind;
		write_block(fd, record, record->size);
		assert_int_equal(play(fd, &heard, &result), -EPROTO);
		assert_int_equal(heard.records, 0);
		free(record);
	}
	for (uint32_t rest = 1; rest < 8; rest++) {
		const struct record records[2] = {{.size = 8, .kind = RECORD_KINDS},
						  {.size = 8, .kind = RECORD_KINDS}};
		struct recording_result result;
		struct heard heard = {0};

		write_block(fd, records, 8 + rest);
		assert_int_equal(play(fd, &heard, &result), -EPROTO);
		assert_int_equal(heard.records, 1);
		forget(&heard);
	}
	close(fd);
}

static void an_empty_block(void **state)
{
	struct recording_result result;
	struct heard heard = {0};
	int fd = edges_file();

	(void)state;
	write_block(fd, "", 0);
	assert_int_equal(play(fd, &heard, &result), 0);
	assert_int_equal(heard.records, 0);
	close(fd);
}

/* --- what is no recording of ours --- */

static void assert_refused(int fd, const char *part, uint64_t offset)
{
	struct recording_result result;
	struct heard heard = {0};
	char place[32];

	assert_int_equal(play(fd, &heard, &result), -EPROTO);
	assert_int_equal(heard.records, 0);
	assert_int_equal(result.records, 0);
	assert_int_equal(result.offset, offset);
	assert_false(result.cut_short);
	if (!strstr(result.error, part))
		fail_msg("\"%s\" is not in: %s", part, result.error);
	snprintf(place, sizeof(place), "byte %u", (unsigned)offset);
	assert_non_null(strstr(result.error, place));
	assert_null(strchr(result.error, '\n'));
}

static void write_header(int fd, struct recording_header header)
{
	memcpy(header.magic, "\x89RSTW\r\n\x1a", 8);
	edges_write(fd, &header, sizeof(header));
}

static void other_files(void **state)
{
	static const char *const texts[] = {
		"",
		"x",
		"\x89RSTW\r\n",
		"rstwatch 1\nTIME LOCAL PEER\n",
		"\x89RSTW\n\x1a and more that is not so short as to be cut off",   /* \r lost */
		"\x09RSTW\r\n\x1a and more that is not so short as to be cut off", /* bit 7 lost */
		"\x89RSTW\r\r\n\x1a and more that is not so short as to be cut"};
	int fd = edges_file();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		edges_write(fd, texts[i], strlen(texts[i]));
		assert_refused(fd, "not an rstwatch recording", 0);
	}
	close(fd);
}

static void other_versions(void **state)
{
	int fd = edges_file();

	(void)state;
	write_header(fd, (struct recording_header){.order = 0x04030201, .major = 0x0100});
	assert_refused(fd, "other byte order", offsetof(struct recording_header, order));
	write_header(fd, (struct recording_header){.order = 0x01020305, .major = 1});
	assert_refused(fd, "damaged: no byte order mark", offsetof(struct recording_header, order));
	write_header(fd, (struct recording_header){.order = 0x01020304, .major = 2});
	assert_refused(fd, "recording format 2, this rstwatch reads format 1",
		       offsetof(struct recording_header, major));
	write_header(fd, (struct recording_header){.order = 0x01020304, .major = 0});
	assert_refused(fd, "recording format 0", offsetof(struct recording_header, major));
	close(fd);
}

/* A recording of another minor version: the same records, and perhaps some that we skip. */
static void set_minor(int fd, uint16_t minor)
{
	assert_int_equal(
		pwrite(fd, &minor, sizeof(minor), offsetof(struct recording_header, minor)),
		sizeof(minor));
}

static void other_minor_versions(void **state)
{
	static const uint16_t minors[] = {0, RECORDING_MINOR + 1, 99, 0xffff};
	struct recording_result result;
	struct heard heard = {0};
	struct recorded recorded;
	int fd = edges_file();

	(void)state;
	write_header(fd, (struct recording_header){
				 .order = 0x01020304, .major = 1, .minor = 99, .pad = {1, 2, 3}});
	assert_int_equal(play(fd, &heard, &result), 0);
	assert_false(result.cut_short);
	close(fd);
	record_small(&recorded);
	for (size_t i = 0; i < COUNT_OF(minors); i++) {
		set_minor(recorded.fd, minors[i]);
		assert_played(recorded.fd, &recorded.sent);
	}
	drop(&recorded);
}

/* Kinds that we do not know stand among those that we do, and longer records than ours. */
static void records_of_a_later_minor_version(void **state)
{
	struct {
		struct record_kernel kernel;
		uint64_t more[3];
	} longer = {
		.kernel = records_kernel_of(7, KERNEL_BORN, 1, (const uint64_t[COUNTERS_READ]){3})};
	const struct record_port port = records_port(
		PORT_KEY(.netns = 7, .direction = RST_SENT, .moves = RST_MOVES_OUT_RSTS), 3);
	struct record_slice slice = slice_of(0);
	struct recorded recorded;
	struct recording_result result;
	struct records records;
	char path[64];

	(void)state;
	longer.kernel.head.size = sizeof(longer);
	records_open(&records, NULL);
	records.start.monotonic_ns = RECORDS_START_NS;
	begin(&recorded);
	add_noise(&recorded, RECORD_KINDS, 24); /* in the preamble */
	add(&recorded, &records.start);
	add_noise(&recorded, RECORD_KINDS + 1, 1024);
	add(&recorded, &port);
	add(&recorded, &longer);
	add_noise(&recorded, 0xffff, 8);
	slice.counted = 3;
	add(&recorded, &slice);
	finish(&recorded, true);
	set_minor(recorded.fd, RECORDING_MINOR + 1);
	assert_int_equal(recording_play(edges_path(recorded.fd, path), pipeline_feed,
					records.pipeline, &result),
			 0);
	assert_string_equal(result.error, "");
	pipeline_finish(records.pipeline, true);
	assert_int_equal(records.told->windows, 1);
	assert_int_equal(records.told->window[0].total[RST_SENT], 3);
	assert_int_equal(records.told->window[0].audit.counters[COUNTER_OUT_RSTS].kernel, 3);
	assert_int_equal(records.told->window[0].audit.counters[COUNTER_OUT_RSTS].unexplained, 0);
	records_close(&records);
	drop(&recorded);
}

static void what_cannot_be_read(void **state)
{
	struct recording_result result;
	struct heard heard = {0};

	(void)state;
	assert_int_equal(recording_play("/nonexistent/file", hear, &heard, &result), -ENOENT);
	assert_string_equal(result.error, "cannot open: No such file or directory");
	assert_int_equal(recording_play("", hear, &heard, &result), -ENOENT);
	assert_int_equal(recording_play("/proc/self", hear, &heard, &result), -EISDIR);
	assert_string_equal(result.error, "cannot read at byte 0: Is a directory");
	assert_int_equal(recording_play("/dev/null", hear, &heard, &result), -EPROTO);
	assert_int_equal(heard.records, 0);
}

static unsigned open_files(void)
{
	unsigned count = 0;
	DIR *directory = opendir("/proc/self/fd");

	assert_non_null(directory);
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

static void nothing_stays_open(void **state)
{
	unsigned before = open_files();
	struct recorded recorded;
	struct recording_result result;
	struct heard heard = {.stop_at = 1, .answer = 1};
	struct recording_writer *writer = NULL;

	(void)state;
	record_small(&recorded);
	assert_int_equal(play(recorded.fd, &heard, &result), 1);
	forget(&heard);
	assert_int_equal(ftruncate(recorded.fd, 50), 0);
	assert_int_equal(play(recorded.fd, &heard, &result), 0);
	assert_int_equal(ftruncate(recorded.fd, 5), 0);
	assert_int_equal(play(recorded.fd, &heard, &result), -EPROTO);
	assert_int_equal(recording_create(&writer, "/dev/full"), -ENOSPC);
	drop(&recorded);
	assert_int_equal(open_files(), before);
}

/* --- what cannot be written --- */

static void no_file_to_write(void **state)
{
	struct recording_writer *writer = (void *)&writer;

	(void)state;
	assert_int_equal(recording_create(&writer, "/nonexistent/file"), -ENOENT);
	assert_ptr_equal(writer, &writer); /* untouched */
	assert_int_equal(recording_create(&writer, "/proc/self"), -EISDIR);
	assert_int_equal(recording_create(&writer, ""), -ENOENT);
	assert_int_equal(recording_create(&writer, "/dev/full"), -ENOSPC);
	assert_ptr_equal(writer, &writer);
}

/* Writes slices until there is no more room; true if each answer is as it should be. */
static int fill(const char *path, rlim_t room)
{
	const struct rlimit limit = {room, room};
	const struct record_slice slice = slice_of(0);
	const struct record_port port = records_port(PORT_KEY(.direction = RST_SENT), 3);
	struct recording_writer *writer = NULL;
	unsigned written = 0;
	int error = 0;

	signal(SIGXFSZ, SIG_IGN);
	if (recording_create(&writer, path) || setrlimit(RLIMIT_FSIZE, &limit))
		return 1;
	while (!error && written < 1000) {
		error = recording_add(writer, &port.head);
		if (!error)
			error = recording_add(writer, &slice.head);
		written += !error;
	}
	if (error != -EFBIG)
		return 2;
	/* It stays so, and the first error of all is what the finish returns. */
	if (recording_add(writer, &slice.head) != -EFBIG ||
	    recording_add(writer, &port.head) != -EFBIG)
		return 3;
	if (recording_finish(&writer, true) != -EFBIG || writer)
		return 4;
	return 0;
}

/* Wherever the room ends: the file holds whole blocks, and says that it is not complete. */
static void no_room(void **state)
{
	const unsigned block = sizeof(struct recording_block) + sizeof(struct record_port) +
			       sizeof(struct record_slice);
	char path[] = "/tmp/rstwatch-test-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	for (unsigned room = sizeof(struct recording_header);
	     room < sizeof(struct recording_header) + 2 * block + 8; room += 7) {
		struct recording_result result;
		struct heard heard = {0};
		unsigned whole = (room - sizeof(struct recording_header)) / block;
		int status;
		pid_t child = fork();

		if (!child)
			_exit(fill(path, room));
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
		assert_int_equal(lseek(fd, 0, SEEK_END),
				 sizeof(struct recording_header) + whole * block);
		assert_int_equal(play(fd, &heard, &result), 0);
		assert_int_equal(result.records, 2 * whole);
		assert_true(result.cut_short);
		assert_string_equal(result.error, "");
		forget(&heard);
	}
	unlink(path);
	close(fd);
}

/* What does not fit at the very end is told by the finish. */
static void no_room_for_the_rest(void **state)
{
	struct recorded recorded;
	const struct record_port port = records_port(PORT_KEY(.direction = RST_SENT), 3);

	(void)state;
	begin(&recorded);
	assert_int_equal(fcntl(recorded.fd, F_ADD_SEALS, F_SEAL_GROW), 0);
	assert_int_equal(recording_add(recorded.writer, &port.head), 0);
	assert_int_equal(recording_finish(&recorded.writer, true), -EPERM);
	assert_null(recorded.writer);
	drop(&recorded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_and_sizes),
		cmocka_unit_test(every_kind),
		cmocka_unit_test(events_old_and_new),
		cmocka_unit_test(many_blocks),
		cmocka_unit_test(a_block_that_is_exactly_full),
		cmocka_unit_test(nothing_recorded),
		cmocka_unit_test(slices_are_written_at_once),
		cmocka_unit_test(the_header),
		cmocka_unit_test(not_complete),
		cmocka_unit_test(an_old_file_is_replaced),
		cmocka_unit_test(through_a_pipe),
		cmocka_unit_test(standard_input),
		cmocka_unit_test(the_handler_stops),
		cmocka_unit_test(the_handler_refuses),
		cmocka_unit_test(truncated_at_every_byte),
		cmocka_unit_test(every_bit_flipped),
		cmocka_unit_test(impossible_sizes),
		cmocka_unit_test(too_short_for_its_kind),
		cmocka_unit_test(an_empty_block),
		cmocka_unit_test(other_files),
		cmocka_unit_test(other_versions),
		cmocka_unit_test(other_minor_versions),
		cmocka_unit_test(records_of_a_later_minor_version),
		cmocka_unit_test(what_cannot_be_read),
		cmocka_unit_test(nothing_stays_open),
		cmocka_unit_test(no_file_to_write),
		cmocka_unit_test(no_room),
		cmocka_unit_test(no_room_for_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

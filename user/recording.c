// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "recording.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define ORDER	      0x01020304U
#define ORDER_FOREIGN 0x04030201U

static const uint8_t magic[8] = {0x89, 'R', 'S', 'T', 'W', '\r', '\n', 0x1a};

_Static_assert(sizeof(struct recording_header) == 32, "recording_header is 32 bytes");
_Static_assert(RECORD_BYTES_MAX <= RECORDING_BLOCK_MAX, "a record fits into a block");

struct recording_writer {
	int fd;
	int error;
	bool seekable;
	uint64_t offset; /* end of the last whole block */
	size_t used;
	struct recording_block block;
	uint8_t data[RECORDING_BLOCK_MAX]; /* behind the block's header, written with it */
};

/* All of it, or -errno. */
static int write_all(int fd, const void *data, size_t size)
{
	const uint8_t *at = data;

	while (size) {
		ssize_t written = write(fd, at, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		at += written;
		size -= written;
	}
	return 0;
}

static int write_block(struct recording_writer *writer)
{
	size_t size = sizeof(writer->block) + writer->used;
	int error;

	if (writer->error || !writer->used)
		return writer->error;
	writer->block = (struct recording_block){
		.magic = RECORDING_BLOCK_MAGIC,
		.bytes = writer->used,
		.crc = crc32(0, writer->data, writer->used),
	};
	writer->used = 0;
	error = write_all(writer->fd, &writer->block, size);
	if (!error) {
		writer->offset += size;
		return 0;
	}
	writer->error = error;
	/* Keep whole blocks. Where that fails too, replay stops at the part of a block. */
	if (writer->seekable && ftruncate(writer->fd, writer->offset))
		return error;
	return error;
}

int recording_create(struct recording_writer **writer, const char *path)
{
	struct recording_header header = {
		.order = ORDER,
		.major = RECORDING_MAJOR,
		.minor = RECORDING_MINOR,
		.flags = RECORDING_INCOMPLETE,
	};
	struct recording_writer *made = calloc(1, sizeof(*made));
	int error;

	if (!made)
		return -ENOMEM;
	memcpy(header.magic, magic, sizeof(magic));
	made->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	error = made->fd < 0 ? -errno : write_all(made->fd, &header, sizeof(header));
	if (error) {
		if (made->fd >= 0)
			close(made->fd);
		free(made);
		return error;
	}
	made->seekable = lseek(made->fd, 0, SEEK_CUR) >= 0;
	made->offset = sizeof(header);
	*writer = made;
	return 0;
}

int recording_add(void *context, const struct record *record)
{
	struct recording_writer *writer = context;
	int error = writer->error;

	if (!error && writer->used + record->size > sizeof(writer->data))
		error = write_block(writer);
	if (error)
		return error;
	memcpy(writer->data + writer->used, record, record->size);
	writer->used += record->size;
	if (record->kind == RECORD_SLICE || record->kind == RECORD_END)
		return write_block(writer);
	return 0;
}

int recording_finish(struct recording_writer **held, bool complete)
{
	struct recording_writer *writer = *held;
	const uint32_t flags = 0;
	int error;

	if (!writer)
		return 0;
	error = write_block(writer);
	if (!error && complete && writer->seekable &&
	    pwrite(writer->fd, &flags, sizeof(flags), offsetof(struct recording_header, flags)) !=
		    sizeof(flags))
		error = -errno;
	if (close(writer->fd) && !error)
		error = -errno;
	free(writer);
	*held = NULL;
	return error;
}

struct player {
	int fd;
	struct recording_result *result;
	bool ended;					       /* the last record was END */
	uint64_t data[RECORDING_BLOCK_MAX / sizeof(uint64_t)]; /* aligned as records are */
};

/* Reads size bytes; fewer only at the end of the file. -errno if it cannot be read. */
static ssize_t read_all(struct player *player, void *data, size_t size)
{
	size_t have = 0;

	while (have < size) {
		ssize_t got = read(player->fd, (uint8_t *)data + have, size - have);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			snprintf(player->result->error, RECORDING_ERROR_BYTES,
				 "cannot read at byte %" PRIu64 ": %s",
				 player->result->offset + have, strerror(errno));
			return -errno;
		}
		if (!got)
			break;
		have += got;
	}
	return have;
}

static int refuse(struct player *player, const char *what)
{
	snprintf(player->result->error, RECORDING_ERROR_BYTES, "%s at byte %" PRIu64, what,
		 player->result->offset);
	return -EPROTO;
}

static int read_header(struct player *player, struct recording_header *header)
{
	ssize_t got = read_all(player, header, sizeof(*header));

	if (got < 0)
		return got;
	if ((size_t)got < sizeof(header->magic) || memcmp(header->magic, magic, sizeof(magic)))
		return refuse(player, "not an rstwatch recording: no recording's header");
	if ((size_t)got < sizeof(*header)) {
		player->result->offset = got;
		return refuse(player, "the recording is cut off in its header");
	}
	player->result->offset = offsetof(struct recording_header, order);
	if (header->order == ORDER_FOREIGN)
		return refuse(player, "recorded on a machine of the other byte order, replay it on "
				      "such a machine: order mark");
	if (header->order != ORDER)
		return refuse(player, "damaged: no byte order mark");
	player->result->offset = offsetof(struct recording_header, major);
	if (header->major != RECORDING_MAJOR) {
		snprintf(player->result->error, RECORDING_ERROR_BYTES,
			 "recording format %u, this rstwatch reads format %u (byte %" PRIu64
			 "): replay it with the version that recorded it",
			 header->major, RECORDING_MAJOR, player->result->offset);
		return -EPROTO;
	}
	player->result->offset = sizeof(*header);
	return 0;
}

static int play_records(struct player *player, uint32_t bytes, record_handler handler,
			void *context)
{
	uint64_t start = player->result->offset;
	uint32_t at = 0;
	int error;

	while (at < bytes) {
		const struct record *record = (const void *)((const uint8_t *)player->data + at);

		player->result->offset = start + at;
		if (bytes - at < sizeof(*record) || record->size < sizeof(*record) ||
		    record->size % 8 || record->size > bytes - at ||
		    record->size < record_size(record->kind))
			return refuse(player, "damaged: a record of impossible size");
		error = handler(context, record);
		if (error == -EPROTO)
			return refuse(player, "damaged: a record that cannot stand");
		if (error)
			return error;
		player->result->records++;
		player->ended = record->kind == RECORD_END;
		at += record->size;
	}
	player->result->offset = start + bytes;
	return 0;
}

static int play_blocks(struct player *player, bool incomplete, record_handler handler,
		       void *context)
{
	struct recording_result *result = player->result;
	struct recording_block block;

	for (;;) {
		ssize_t got = read_all(player, &block, sizeof(block));
		int error;

		if (got < 0)
			return got;
		if (!got) {
			/* A pipe keeps its INCOMPLETE: nobody can go back to clear it. */
			result->cut_short = incomplete && !player->ended;
			return 0;
		}
		if ((size_t)got < sizeof(block)) {
			result->offset += got;
			result->cut_short = true;
			return 0;
		}
		if (block.magic != RECORDING_BLOCK_MAGIC || block.bytes > RECORDING_BLOCK_MAX)
			return refuse(player, "damaged: no block begins");
		got = read_all(player, player->data, block.bytes);
		if (got < 0)
			return got;
		if (got < block.bytes) {
			result->offset += sizeof(block) + got;
			result->cut_short = true;
			return 0;
		}
		if (crc32(0, (const uint8_t *)player->data, block.bytes) != block.crc)
			return refuse(player, "damaged: wrong checksum of the block");
		result->offset += sizeof(block);
		error = play_records(player, block.bytes, handler, context);
		if (error)
			return error;
	}
}

int recording_play(const char *path, record_handler handler, void *context,
		   struct recording_result *result)
{
	struct recording_header header = {0};
	struct player *player;
	int error;

	memset(result, 0, sizeof(*result));
	player = malloc(sizeof(*player));
	if (!player) {
		snprintf(result->error, sizeof(result->error), "out of memory");
		return -ENOMEM;
	}
	player->result = result;
	player->ended = false;
	player->fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
	if (player->fd < 0) {
		error = -errno;
		snprintf(result->error, sizeof(result->error), "cannot open: %s", strerror(errno));
		free(player);
		return error;
	}
	error = read_header(player, &header);
	if (!error)
		error = play_blocks(player, header.flags & RECORDING_INCOMPLETE, handler, context);
	if (player->fd != STDIN_FILENO)
		close(player->fd);
	free(player);
	return error;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Recordings: the record sequence of a run in a file.
 *
 * The file is a header and blocks. A block has a length and a CRC-32 and holds whole records; it is
 * written at once, so what is in the file is always readable. The header's INCOMPLETE flag is set
 * from the first write and cleared by recording_finish(). Numbers are in the byte order of the
 * machine that recorded; the header tells it.
 */
#ifndef RSTWATCH_RECORDING_H
#define RSTWATCH_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record.h"

#define RECORDING_MAJOR 1 /* another one cannot be read */
#define RECORDING_MINOR 3 /* a higher one has records that we skip */

/* 32 bytes at the start of the file. */
struct recording_header {
	uint8_t magic[8]; /* "\x89RSTW\r\n\x1a": damaged by any text conversion */
	uint32_t order;	  /* 0x01020304 in the byte order of the file */
	uint16_t major, minor;
	uint32_t flags; /* RECORDING_INCOMPLETE */
	uint32_t pad[3];
};

enum {
	RECORDING_INCOMPLETE = 1,
};

struct recording_block {
	uint32_t magic; /* RECORDING_BLOCK_MAGIC */
	uint32_t bytes; /* of the records behind, at most RECORDING_BLOCK_MAX */
	uint32_t crc;	/* CRC-32 (zlib) of them */
	uint32_t pad;
};

#define RECORDING_BLOCK_MAGIC 0x4b4c4252 /* "RBLK" */
#define RECORDING_BLOCK_MAX   (256 << 10)

#define RECORDING_ERROR_BYTES 256

struct recording_writer;

/* Creates or truncates the file. 0 or -errno; *writer is untouched on failure. */
int recording_create(struct recording_writer **writer, const char *path);
/* Adds a record; signature of record_handler. A SLICE or END record ends a block, so that at most
 * one second is lost to a crash. 0 or -errno, after which the file holds whole blocks only. */
int recording_add(void *writer, const struct record *record);
/* Writes what is left, says that the recording is complete if `complete`, and frees. The first
 * error of all is returned. *writer becomes NULL. */
int recording_finish(struct recording_writer **writer, bool complete);

/* How a replay ended. */
struct recording_result {
	bool cut_short;	 /* the file ends before the run did: all that is there has been played */
	uint64_t offset; /* of the damage, or where the file ends */
	uint64_t records;
	char error[RECORDING_ERROR_BYTES]; /* what is wrong and what to do; "" if nothing */
};

/*
 * Plays a recording ("-" for standard input): each record to the handler, in order. 0; -errno if
 * the file cannot be read; -EPROTO if it is no recording, of another version or damaged; or what
 * the handler returned. result is always filled.
 */
int recording_play(const char *path, record_handler handler, void *context,
		   struct recording_result *result);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The reading end of a BPF ring buffer (include/uapi/linux/bpf.h, kernel/bpf/ringbuf.c). It says
 * how far it has come once for many records, not after each: programs on other CPUs look at that
 * with every record that they write, and would wait each time for the memory to come over.
 */
#ifndef RSTWATCH_RING_H
#define RSTWATCH_RING_H

#include <stddef.h>
#include <stdint.h>

#define RING_RECORD 1024 /* bytes of a record, at most */

/* The kernel offers the data twice, one behind the other, so that no record is cut. Both count as
 * resident memory: it is mapped once, and a record that begins at the end is put together. */
struct ring {
	uint64_t *consumer;	  /* how far we have read; a page of its own */
	const uint64_t *producer; /* how far has been written, or is being written */
	const uint8_t *data;
	uint64_t size; /* in bytes, a power of two */
	uint64_t whole[RING_RECORD / 8];
};

/* Given a record that stays where it is until the call returns. Other than 0: enough for now. */
typedef int (*ring_handler)(void *context, const void *data, size_t size);

/* fd: of the map, and its max_entries. 0 or -errno. */
int ring_open(struct ring *ring, int fd, uint32_t size);
void ring_close(struct ring *ring);

/* Hands over what is there, in order, up to a record that is still being written. 0, or what the
 * handler returned, whose record counts as read; -EMSGSIZE: a record is too long. */
int ring_take(struct ring *ring, ring_handler handler, void *context);

#endif

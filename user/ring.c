// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "ring.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RECORDS_AT_ONCE 64 /* much less than a buffer holds */

int ring_open(struct ring *ring, int fd, uint32_t size)
{
	size_t page = sysconf(_SC_PAGESIZE);
	void *consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	const uint8_t *rest;

	memset(ring, 0, sizeof(*ring));
	if (consumer == MAP_FAILED)
		return -errno;
	ring->consumer = consumer;
	ring->size = size;
	rest = mmap(NULL, page + (size_t)size, PROT_READ, MAP_SHARED, fd, (off_t)page);
	if (rest == MAP_FAILED) {
		int code = -errno;

		ring_close(ring);
		return code;
	}
	ring->producer = (const uint64_t *)rest;
	ring->data = rest + page;
	return 0;
}

void ring_close(struct ring *ring)
{
	size_t page = sysconf(_SC_PAGESIZE);

	if (ring->consumer)
		munmap(ring->consumer, page);
	if (ring->producer)
		munmap((void *)ring->producer, page + ring->size);
	memset(ring, 0, sizeof(*ring));
}

/* The header that stands before a record: its length, with two bits of state. */
static uint32_t header_at(const struct ring *ring, uint64_t position)
{
	const uint32_t *header = (const uint32_t *)(ring->data + (position & (ring->size - 1)));

	return __atomic_load_n(header, __ATOMIC_ACQUIRE);
}

static const void *data_at(struct ring *ring, uint64_t position, size_t length)
{
	uint64_t offset = position & (ring->size - 1), until_end = ring->size - offset;

	if (length <= until_end)
		return ring->data + offset;
	memcpy(ring->whole, ring->data + offset, until_end);
	memcpy((uint8_t *)ring->whole + until_end, ring->data, length - until_end);
	return ring->whole;
}

int ring_take(struct ring *ring, ring_handler handler, void *context)
{
	uint64_t position = *ring->consumer; /* nobody else writes it */
	unsigned records = 0;
	int code = 0;

	while (!code && position < __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE)) {
		uint32_t header = header_at(ring, position);
		uint32_t length = header & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

		if (header & BPF_RINGBUF_BUSY_BIT)
			break;
		if (length > RING_RECORD)
			return -EMSGSIZE; /* cannot be: bpf/ writes none */
		if (!(header & BPF_RINGBUF_DISCARD_BIT))
			code = handler(context,
				       data_at(ring, position + BPF_RINGBUF_HDR_SZ, length),
				       length);
		position += (BPF_RINGBUF_HDR_SZ + length + 7) / 8 * 8;
		if (++records % RECORDS_AT_ONCE == 0)
			__atomic_store_n(ring->consumer, position, __ATOMIC_RELEASE);
	}
	if (records)
		__atomic_store_n(ring->consumer, position, __ATOMIC_RELEASE);
	return code;
}

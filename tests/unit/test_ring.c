// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The reading end of a ring buffer, against memory that is written as the kernel writes it. */
#include "unit.h"

#include <linux/bpf.h>

#include "ring.h"

#define SIZE 4096

struct writer {
	uint64_t consumer, producer;
	uint64_t data[SIZE / 8];
	struct ring ring;
	/* What was read. */
	uint32_t taken;	  /* records, which are numbered from 0 */
	uint32_t stop_at; /* after so many */
	uint64_t seen;	  /* the consumer's position when the last one came */
};

static void begin(struct writer *writer)
{
	memset(writer, 0, sizeof(*writer));
	writer->ring = (struct ring){.consumer = &writer->consumer,
				     .producer = &writer->producer,
				     .data = (const uint8_t *)writer->data,
				     .size = SIZE};
	writer->stop_at = UINT32_MAX;
}

/* The byte at a place of the record of that number. */
static uint8_t byte_of(uint32_t number, size_t at)
{
	return (uint8_t)(number * 31 + at);
}

static void write_record(struct writer *writer, uint32_t number, uint32_t length, uint32_t state)
{
	uint8_t *data = (uint8_t *)writer->data;
	uint32_t header = length | state;

	memcpy(data + writer->producer % SIZE, &header, sizeof(header));
	for (uint32_t i = 0; i < length; i++)
		data[(writer->producer + 8 + i) % SIZE] = byte_of(number, i);
	writer->producer += (8 + length + 7) / 8 * 8;
}

static int take_one(void *context, const void *data, size_t size)
{
	struct writer *writer = context;

	for (size_t i = 0; i < size; i++)
		assert_int_equal(((const uint8_t *)data)[i], byte_of(writer->taken, i));
	writer->seen = writer->consumer;
	return ++writer->taken == writer->stop_at ? -ECANCELED : 0;
}

static int take(struct writer *writer)
{
	return ring_take(&writer->ring, take_one, writer);
}

/* Of every length, so that some begin at the end and go on at the start, at every place. */
static void records_come_whole_and_in_order(void **state)
{
	struct writer writer;
	uint32_t number = 0;

	(void)state;
	begin(&writer);
	for (uint32_t length = 0; length <= RING_RECORD; length++) {
		for (unsigned i = 0; i < 3; i++)
			write_record(&writer, number++, length, 0);
		assert_int_equal(take(&writer), 0);
		assert_int_equal(writer.taken, number);
		assert_int_equal(writer.consumer, writer.producer);
	}
}

static void nothing_is_handed_over_before_it_is_written(void **state)
{
	struct writer writer;
	uint64_t busy;

	(void)state;
	begin(&writer);
	assert_int_equal(take(&writer), 0);
	write_record(&writer, 0, 64, 0);
	busy = writer.producer;
	write_record(&writer, 1, 64, BPF_RINGBUF_BUSY_BIT);
	write_record(&writer, 2, 88, 0);
	assert_int_equal(take(&writer), 0);
	assert_int_equal(writer.taken, 1);
	assert_int_equal(writer.consumer, busy);
	writer.data[busy / 8] = 64; /* done */
	assert_int_equal(take(&writer), 0);
	assert_int_equal(writer.taken, 3);
}

static void what_is_discarded_is_skipped(void **state)
{
	struct writer writer;

	(void)state;
	begin(&writer);
	write_record(&writer, 9, 64, BPF_RINGBUF_DISCARD_BIT);
	write_record(&writer, 0, 64, 0);
	assert_int_equal(take(&writer), 0);
	assert_int_equal(writer.taken, 1);
	assert_int_equal(writer.consumer, writer.producer);
}

static void a_handler_can_stop_and_go_on(void **state)
{
	struct writer writer;

	(void)state;
	begin(&writer);
	for (uint32_t number = 0; number < 10; number++)
		write_record(&writer, number, 64, 0);
	writer.stop_at = 4;
	assert_int_equal(take(&writer), -ECANCELED);
	assert_int_equal(writer.taken, 4);
	assert_int_equal(writer.consumer, 4 * 72);
	assert_int_equal(take(&writer), 0);
	assert_int_equal(writer.taken, 10);
}

/* Not after each record, but before the writers run out of room. */
static void the_position_is_told_now_and_then(void **state)
{
	struct writer writer;

	(void)state;
	begin(&writer);
	for (uint32_t number = 0; number < 250; number++)
		write_record(&writer, number, 8, 0);
	writer.stop_at = 250;
	assert_int_equal(take(&writer), -ECANCELED);
	assert_in_range(writer.seen, 249 * 16 / 2, 248 * 16);
	assert_int_equal(writer.consumer, 250 * 16);
}

static void a_record_that_cannot_be_is_an_error(void **state)
{
	struct writer writer;

	(void)state;
	begin(&writer);
	write_record(&writer, 0, RING_RECORD + 1, 0);
	assert_int_equal(take(&writer), -EMSGSIZE);
	assert_int_equal(writer.taken, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_come_whole_and_in_order),
		cmocka_unit_test(nothing_is_handed_over_before_it_is_written),
		cmocka_unit_test(what_is_discarded_is_skipped),
		cmocka_unit_test(a_handler_can_stop_and_go_on),
		cmocka_unit_test(the_position_is_told_now_and_then),
		cmocka_unit_test(a_record_that_cannot_be_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

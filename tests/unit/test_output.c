// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "edges.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <sys/wait.h>

#include "output.h"

static int setup(void **state)
{
	*state = edges_output();
	return 0;
}

static int teardown(void **state)
{
	edges_output_free(*state);
	return 0;
}

static void nothing_is_written_before_flush(void **state)
{
	struct output *output = *state;

	output_text(output, "one");
	output_char(output, ' ');
	output_bytes(output, "two and", 3);
	output_bytes(output, "", 0);
	assert_int_equal(lseek(output->fd, 0, SEEK_END), 0);
	assert_int_equal(output_flush(output), 0);
	assert_int_equal(lseek(output->fd, 0, SEEK_END), 7);
	assert_int_equal(output_flush(output), 0); /* nothing twice */
	edges_assert_written(output, "one two");
}

static void numbers(void **state)
{
	struct output *output = *state;

	for (uint64_t number = 1; number && number <= UINT64_MAX / 10; number *= 10) {
		char expected[64];

		output_number(output, number - 1);
		output_char(output, ' ');
		output_number(output, number);
		snprintf(expected, sizeof(expected), "%llu %llu", (unsigned long long)number - 1,
			 (unsigned long long)number);
		edges_assert_written(output, expected);
	}
	output_number(output, UINT64_MAX);
	edges_assert_written(output, "18446744073709551615");
}

static void digits(void **state)
{
	struct output *output = *state;

	output_digits(output, 0, 3);
	output_char(output, ' ');
	output_digits(output, 7, 3);
	output_char(output, ' ');
	output_digits(output, 1234, 3);
	output_char(output, ' ');
	output_digits(output, 5, 0);
	output_char(output, ' ');
	output_digits(output, 0, 1);
	output_char(output, ' ');
	output_digits(output, UINT64_MAX, 24);
	edges_assert_written(output, "000 007 1234 5 0 000018446744073709551615");
	output_digits(output, 1, 1000000); /* no more than there is room for */
	edges_assert_written(output, "000000000000000000000001");
}

static void assert_decimal(struct output *output, double number, unsigned places,
			   const char *expected)
{
	output_decimal(output, number, places);
	edges_assert_written(output, expected);
}

static void decimals(void **state)
{
	struct output *output = *state;

	assert_decimal(output, 0, 3, "0");
	assert_decimal(output, 0.0004, 3, "0");
	assert_decimal(output, 0.0005, 3, "0.001");
	assert_decimal(output, 0.001, 3, "0.001");
	assert_decimal(output, 0.01, 3, "0.01");
	assert_decimal(output, 0.1, 3, "0.1");
	assert_decimal(output, 0.125, 3, "0.125");
	assert_decimal(output, 1.5, 3, "1.5");
	assert_decimal(output, 1.05, 3, "1.05");
	assert_decimal(output, 10, 3, "10");
	assert_decimal(output, 100.1, 3, "100.1");
	assert_decimal(output, 0.9994, 3, "0.999");
	assert_decimal(output, 0.9996, 3, "1"); /* carries */
	assert_decimal(output, 99.96, 1, "100");
	assert_decimal(output, 99.94, 1, "99.9");
	assert_decimal(output, 2.5, 0, "3");
	assert_decimal(output, -1.25, 2, "-1.25");
	assert_decimal(output, 1e15, 3, "1000000000000000");
	assert_decimal(output, 123456789012.5, 3, "123456789012.5");
}

/* What no recording should hold, and one can: numbers beyond 64 bits, and no numbers. */
static void decimals_beyond(void **state)
{
	struct output *output = *state;

	assert_decimal(output, 1e16, 3, "10000000000000000");
	assert_decimal(output, 1e18, 3, "1000000000000000000");
	assert_decimal(output, 0x1p63, 3, "9223372036854775808");
	assert_decimal(output, 0x1p64, 3, "18446744073709551615");
	assert_decimal(output, 1e300, 1, "18446744073709551615");
	assert_decimal(output, -1e300, 1, "-18446744073709551615");
	assert_decimal(output, INFINITY, 3, "18446744073709551615");
	assert_decimal(output, NAN, 3, "18446744073709551615");
}

static void padding(void **state)
{
	struct output *output = *state;

	output_padded(output, "ab", 2, 5);
	output_char(output, '|');
	output_padded(output, "abcde", 5, 5);
	output_char(output, '|');
	output_padded(output, "abcdef", 6, 5); /* too long: all of it */
	output_char(output, '|');
	output_padded(output, "", 0, 2);
	output_char(output, '|');
	output_padded(output, "abc", 1, 2);
	output_padded(output, "", 0, 0);
	edges_assert_written(output, "ab   |abcde|abcdef|  |a ");
}

/* Pieces of all sizes around those where the buffer changes its ways, in order and complete. */
static void more_than_a_buffer(void **state)
{
	static const size_t sizes[] = {1,
				       OUTPUT_BYTES / 2,
				       OUTPUT_BYTES / 2 + 1,
				       OUTPUT_BYTES - 1,
				       OUTPUT_BYTES,
				       OUTPUT_BYTES + 1,
				       3 * OUTPUT_BYTES + 17,
				       0,
				       5};
	struct output *output = *state;
	size_t total = 0, length, at = 0;
	char *pieces, *written;
	uint64_t seed = 7;

	for (size_t i = 0; i < COUNT_OF(sizes); i++)
		total += sizes[i];
	pieces = unit_zeroed(total);
	for (size_t i = 0; i < total; i++)
		pieces[i] = (char)('a' + unit_random(&seed) % 26);
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		output_bytes(output, pieces + at, sizes[i]);
		at += sizes[i];
	}
	assert_int_equal(output_flush(output), 0);
	written = edges_read(output->fd, &length);
	assert_int_equal(length, total);
	assert_memory_equal(written, pieces, total);
	free(written);
	free(pieces);
}

static void exactly_full(void **state)
{
	struct output *output = *state;
	size_t length;

	for (size_t i = 0; i < OUTPUT_BYTES; i++)
		output_char(output, 'x');
	assert_int_equal(lseek(output->fd, 0, SEEK_END), 0); /* it holds as many */
	output_char(output, 'y');
	assert_int_equal(lseek(output->fd, 0, SEEK_END), OUTPUT_BYTES);
	assert_int_equal(output_flush(output), 0);
	free(edges_read(output->fd, &length));
	assert_int_equal(length, OUTPUT_BYTES + 1);
}

static void a_write_error_stays(void **state)
{
	struct output *output = unit_zeroed(sizeof(*output));
	int fd = edges_file();

	(void)state;
	output_init(output, open("/dev/full", O_WRONLY | O_CLOEXEC));
	assert_true(output->fd >= 0);
	output_text(output, "lost");
	assert_int_equal(output->error, 0);
	assert_int_equal(output_flush(output), -ENOSPC);
	/* From then on nothing is written, were there room or not, and nothing piles up. */
	assert_true(dup2(fd, output->fd) >= 0);
	for (size_t i = 0; i < 3 * OUTPUT_BYTES; i++)
		output_char(output, 'x');
	output_padded(output, "y", 1, 100);
	assert_int_equal(output_flush(output), -ENOSPC);
	assert_int_equal(output->used, 0);
	assert_int_equal(lseek(fd, 0, SEEK_END), 0);
	close(output->fd);
	close(fd);
	free(output);
}

static void a_bad_descriptor(void **state)
{
	struct output *output = unit_zeroed(sizeof(*output));

	(void)state;
	output_init(output, -1);
	assert_int_equal(output_flush(output), 0); /* nothing to write, nothing wrong */
	output_char(output, 'x');
	assert_int_equal(output_flush(output), -EBADF);
	free(output);
}

static void the_reader_goes_away(void **state)
{
	struct output *output = unit_zeroed(sizeof(*output));
	int ends[2];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(ends), 0);
	output_init(output, ends[1]);
	output_text(output, "read\n");
	assert_int_equal(output_flush(output), 0);
	close(ends[0]);
	output_text(output, "not read\n");
	assert_int_equal(output_flush(output), -EPIPE);
	assert_int_equal(output_flush(output), -EPIPE);
	close(ends[1]);
	free(output);
}

/* A pipe takes a part at a time: the rest follows. */
static void parts_of_writes(void **state)
{
	struct output *output = unit_zeroed(sizeof(*output));
	char read_back[4096];
	int ends[2], status;
	uint64_t total = 0;
	pid_t child;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	(void)fcntl(ends[1], F_SETPIPE_SZ, 4096);
	child = fork();
	if (!child) {
		close(ends[0]);
		output_init(output, ends[1]);
		for (unsigned i = 0; i < 50000; i++)
			output_text(output, "12345678\n");
		_exit(output_flush(output) ? 1 : 0);
	}
	close(ends[1]);
	for (;;) {
		ssize_t got = read(ends[0], read_back, sizeof(read_back));

		assert_true(got >= 0);
		if (!got)
			break;
		for (ssize_t i = 0; i < got; i++)
			assert_int_equal(read_back[i], "12345678\n"[(total + i) % 9]);
		total += got;
	}
	assert_int_equal(total, 50000 * 9);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	close(ends[0]);
	free(output);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_is_written_before_flush, setup, teardown),
		cmocka_unit_test_setup_teardown(numbers, setup, teardown),
		cmocka_unit_test_setup_teardown(digits, setup, teardown),
		cmocka_unit_test_setup_teardown(decimals, setup, teardown),
		cmocka_unit_test_setup_teardown(decimals_beyond, setup, teardown),
		cmocka_unit_test_setup_teardown(padding, setup, teardown),
		cmocka_unit_test_setup_teardown(more_than_a_buffer, setup, teardown),
		cmocka_unit_test_setup_teardown(exactly_full, setup, teardown),
		cmocka_unit_test(a_write_error_stays),
		cmocka_unit_test(a_bad_descriptor),
		cmocka_unit_test(the_reader_goes_away),
		cmocka_unit_test(parts_of_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

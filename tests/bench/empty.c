// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * empty OBJECT: attaches the programs of empty.bpf.c, or of parts.bpf.c, and has the kernel measure
 * the run time of every BPF program for as long as it lives. Says "ready", and reads the ring
 * buffer if there is one, until a signal comes.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int complain(const char *what, int error)
{
	fprintf(stderr, "empty: %s: %s\n", what, strerror(error < 0 ? -error : error));
	return 1;
}

static int skip(void *context, void *data, size_t size)
{
	(void)context;
	(void)data;
	(void)size;
	return 0;
}

static void stay(struct bpf_object *object)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, "ring");
	struct ring_buffer *ring =
		map ? ring_buffer__new(bpf_map__fd(map), skip, NULL, NULL) : NULL;

	for (;;) {
		if (ring)
			ring_buffer__consume(ring);
		usleep(ring ? 10000 : 1000000);
	}
}

int main(int argc, char **argv)
{
	struct bpf_program *program;
	struct bpf_object *object;
	int error;

	if (argc != 2) {
		fputs("usage: empty OBJECT\n", stderr);
		return 2;
	}
	object = bpf_object__open_file(argv[1], NULL);
	if (!object)
		return complain(argv[1], errno);
	error = bpf_object__load(object);
	if (error)
		return complain("cannot load", error);
	bpf_object__for_each_program(program, object)
	{
		if (!bpf_program__attach(program))
			return complain("cannot attach", errno);
	}
	/* The kernel counts who wants statistics, and stops when the descriptor goes. */
	error = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (error < 0)
		return complain("cannot enable BPF statistics", error);
	puts("ready");
	fflush(stdout);
	stay(object);
}

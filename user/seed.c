// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "seed.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hooks.h"
#include "settings.h" /* the skeleton needs it */

#include "owners.skel.h"

#define OUTPUT_BYTES 16384 /* read at once */

struct seed {
	struct bpf_link *processes, *sockets, *queues;
};

static int attach(struct seed *seed, const struct hooks *hooks)
{
	union bpf_iter_link_info map = {0};
	LIBBPF_OPTS(bpf_iter_attach_opts, options, .link_info = &map, .link_info_len = sizeof(map));
	const struct owners *owners = hooks->owners;

	if (hooks->iterators)
		return hooks->iterators;
	seed->processes = bpf_program__attach_iter(owners->progs.rst_tasks_iter, NULL);
	if (!seed->processes)
		return -errno;
	seed->sockets = bpf_program__attach_iter(owners->progs.rst_files_iter, NULL);
	if (!seed->sockets)
		return -errno;
	map.map.map_fd = bpf_map__fd(owners->maps.rst_listening);
	seed->queues = bpf_program__attach_iter(owners->progs.rst_listening_iter, &options);
	return seed->queues ? 0 : -errno;
}

struct seed *seed_open(struct hooks *hooks)
{
	struct hook *hook = &hooks->hooks[HOOK_SEED];
	struct seed *seed = calloc(1, sizeof(*seed));
	int code = seed ? attach(seed, hooks) : -ENOMEM;

	if (code) {
		hook_missing(hook, "refused", strerror(-code));
		seed_close(&seed);
		return NULL;
	}
	hook->state = HOOK_ATTACHED;
	snprintf(hook->how, sizeof(hook->how), "iter");
	return seed;
}

void seed_close(struct seed **held)
{
	struct seed *seed = *held;

	if (!seed)
		return;
	bpf_link__destroy(seed->processes);
	bpf_link__destroy(seed->sockets);
	bpf_link__destroy(seed->queues);
	free(seed);
	*held = NULL;
}

/* Consumes one struct of an iterator's output. */
typedef int (*consumer)(void *context, const void *item);

/* Runs an iterator; of its output, each struct of that size goes to consume. */
static int walk(const struct bpf_link *link, size_t size, consumer consume, void *context)
{
	uint64_t found[OUTPUT_BYTES / sizeof(uint64_t)]; /* aligned for any */
	uint8_t *bytes = (uint8_t *)found;
	size_t held = 0;
	int fd = bpf_iter_create(bpf_link__fd(link)), code = 0;
	ssize_t got;

	if (fd < 0)
		return -errno;
	while (!code) {
		size_t at = 0;

		got = read(fd, bytes + held, sizeof(found) - held);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			continue; /* the walk goes on where it was: it was long */
		if (got <= 0) {
			code = got < 0 ? -errno : 0;
			break;
		}
		held += got;
		for (; held - at >= size && !code; at += size)
			code = consume(context, bytes + at);
		held -= at;
		memmove(bytes, bytes + at, held);
	}
	close(fd);
	return code;
}

/* Who is told of each. */
struct told {
	seed_listener listener;
	seed_listening listening;
	void *context;
};

static int tell_listener(void *context, const void *item)
{
	const struct told *told = context;

	return told->listener(told->context, item);
}

static int tell_listening(void *context, const void *item)
{
	const struct told *told = context;

	return told->listening(told->context, item);
}

/* It tells nothing. */
static int ignore(void *context, const void *item)
{
	(void)context;
	(void)item;
	return 0;
}

int seed_processes(struct seed *seed)
{
	return walk(seed->processes, 1, ignore, NULL);
}

int seed_sockets(struct seed *seed, seed_listener tell, void *context)
{
	struct told told = {.listener = tell, .context = context};

	return walk(seed->sockets, sizeof(struct rst_listener), tell_listener, &told);
}

int seed_queues(struct seed *seed, seed_listening tell, void *context)
{
	struct told told = {.listening = tell, .context = context};

	return walk(seed->queues, sizeof(struct rst_listening), tell_listening, &told);
}

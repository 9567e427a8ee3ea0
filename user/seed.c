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
#include "rstwatch.skel.h"
#include "walk.skel.h"
#include "walk_probes.skel.h"
#include "skeleton.h"

struct seed {
	struct walk *skeleton;
	struct bpf_link *processes, *sockets;
};

static int load(struct seed *seed, const struct hooks *hooks)
{
	struct walk *skeleton = seed->skeleton = SKELETON_OPEN(walk, hooks->kernel.casts, NULL);
	int code;

	if (!skeleton)
		return -errno;
	skeleton->rodata->rst_settings = hooks->settings;
	code = skeleton_share_maps(skeleton->obj, hooks->skeleton->obj, skeleton->maps.rodata);
	if (!code)
		code = walk__load(skeleton);
	if (code)
		return code;
	seed->processes = bpf_program__attach_iter(skeleton->progs.rst_tasks_iter, NULL);
	if (!seed->processes)
		return -errno;
	seed->sockets = bpf_program__attach_iter(skeleton->progs.rst_files_iter, NULL);
	return seed->sockets ? 0 : -errno;
}

struct seed *seed_open(struct hooks *hooks)
{
	struct hook *hook = &hooks->hooks[HOOK_SEED];
	struct seed *seed = calloc(1, sizeof(*seed));
	int code = seed ? load(seed, hooks) : -ENOMEM;

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
	walk__destroy(seed->skeleton);
	free(seed);
	*held = NULL;
}

/* Runs an iterator; its output goes to tell, whole structs at a time. */
static int walk(const struct bpf_link *link, seed_listener tell, void *context)
{
	struct rst_listener found[64];
	size_t held = 0;
	int fd = bpf_iter_create(bpf_link__fd(link)), code = 0;
	ssize_t got;

	if (fd < 0)
		return -errno;
	while (!code) {
		size_t whole;

		got = read(fd, (uint8_t *)found + held, sizeof(found) - held);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			continue; /* the walk goes on where it was: it was long */
		if (got <= 0) {
			code = got < 0 ? -errno : 0;
			break;
		}
		held += got;
		whole = held / sizeof(found[0]);
		for (size_t i = 0; i < whole && !code; i++)
			code = tell(context, &found[i]);
		held -= whole * sizeof(found[0]);
		memmove(found, &found[whole], held);
	}
	close(fd);
	return code;
}

int seed_processes(struct seed *seed)
{
	return walk(seed->processes, NULL, NULL);
}

int seed_sockets(struct seed *seed, seed_listener tell, void *context)
{
	return walk(seed->sockets, tell, context);
}

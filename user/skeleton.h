/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Opens a generated skeleton with the object that fits this kernel: bpf/kernel_read.h says why each
 * is compiled twice. Both of a pair have the same maps and programs, so one skeleton serves for the
 * other's bytes. For files that include NAME.skel.h and NAME_probes.skel.h.
 */
#ifndef RSTWATCH_SKELETON_H
#define RSTWATCH_SKELETON_H

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

#include "kernel.h"

/* kernel: open. NULL and errno on failure. */
#define SKELETON_OPEN(name, kernel)                                                                \
	({                                                                                         \
		LIBBPF_OPTS(bpf_object_open_opts, opening, .btf_custom_path = (kernel)->path);     \
		struct name *opened = calloc(1, sizeof(*opened));                                  \
		int code = opened ? name##__create_skeleton(opened) : -ENOMEM;                     \
                                                                                                   \
		if (!code && !(kernel)->casts)                                                     \
			opened->skeleton->data =                                                   \
				(void *)name##_probes__elf_bytes(&opened->skeleton->data_sz);      \
		if (!code)                                                                         \
			code = bpf_object__open_skeleton(opened->skeleton, &opening);              \
		if (code) {                                                                        \
			name##__destroy(opened);                                                   \
			opened = NULL;                                                             \
			errno = -code;                                                             \
		}                                                                                  \
		opened;                                                                            \
	})

/* The maps of an object are to be those of another that is loaded: same names, same contents. But
 * for its own constants. 0 or -errno. */
static inline int skeleton_share_maps(const struct bpf_object *object,
				      const struct bpf_object *loaded, const struct bpf_map *own)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object)
	{
		const struct bpf_map *same =
			bpf_object__find_map_by_name(loaded, bpf_map__name(map));

		if (map == own)
			continue;
		if (!same)
			return -ENOENT; /* cannot be: both include maps.h */
		if (bpf_map__reuse_fd(map, bpf_map__fd(same)))
			return -errno;
	}
	return 0;
}

#endif

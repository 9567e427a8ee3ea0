/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Opens a generated skeleton with the object that fits this kernel: bpf/kernel_read.h says why each
 * is compiled twice. Both of a pair have the same maps and programs, so one skeleton serves for the
 * other's bytes. For files that include NAME.skel.h and NAME_probes.skel.h.
 */
#ifndef RSTWATCH_SKELETON_H
#define RSTWATCH_SKELETON_H

#include <errno.h>
#include <stdlib.h>

/* casts: of struct kernel. NULL and errno on failure. */
#define SKELETON_OPEN(name, casts, options)                                                        \
	({                                                                                         \
		struct name *opened = calloc(1, sizeof(*opened));                                  \
		int code = opened ? name##__create_skeleton(opened) : -ENOMEM;                     \
                                                                                                   \
		if (!code && !(casts))                                                             \
			opened->skeleton->data =                                                   \
				(void *)name##_probes__elf_bytes(&opened->skeleton->data_sz);      \
		if (!code)                                                                         \
			code = bpf_object__open_skeleton(opened->skeleton, options);               \
		if (code) {                                                                        \
			name##__destroy(opened);                                                   \
			opened = NULL;                                                             \
			errno = -code;                                                             \
		}                                                                                  \
		opened;                                                                            \
	})

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What /proc tells of a process. Only what the kernel side cannot know better. */
#ifndef RSTWATCH_PROCFS_H
#define RSTWATCH_PROCFS_H

#include <stddef.h>
#include <stdint.h>

/* When it started, since boot in units of 10 ms: with its id, what makes it another one. 0 or
 * -errno. */
int procfs_started(uint32_t pid, uint64_t *started);
/* Its executable. 0 or -errno: -ENOENT if there is no such process (any more), -EACCES or -EPERM if
 * that is not for us to see, -ENAMETOOLONG. */
int procfs_exe(uint32_t pid, char *path, size_t size);

#endif

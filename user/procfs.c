// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Field 22 of the line, counted from behind the name, which may hold anything. */
static int parse_started(const char *line, uint64_t *started)
{
	const char *at = strrchr(line, ')');

	for (unsigned field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	if (!at)
		return -EINVAL;
	*started = strtoull(at + 1, NULL, 10);
	return 0;
}

/* A process that runs and that /proc does not show is hidden (hidepid). */
static int why_absent(uint32_t pid, int code)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%u", pid);
	if (code == -ENOENT && access(path, F_OK) && (!kill(pid, 0) || errno == EPERM))
		return -EACCES;
	return code;
}

int procfs_started(uint32_t pid, uint64_t *started)
{
	char path[32], line[1024];
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return why_absent(pid, -errno);
	length = read(fd, line, sizeof(line) - 1);
	close(fd);
	if (length < 0)
		return -ENOENT; /* it ended meanwhile */
	line[length] = '\0';
	return parse_started(line, started);
}

int procfs_exe(uint32_t pid, char *path, size_t size)
{
	char link[32];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/%u/exe", pid);
	length = readlink(link, path, size);
	if (length < 0)
		return why_absent(pid, -errno);
	if ((size_t)length >= size)
		return -ENAMETOOLONG;
	path[length] = '\0';
	return 0;
}

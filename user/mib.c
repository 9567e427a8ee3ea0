// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "mib.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "names.h"

#define PATH_BYTES 320
#define FILE_BYTES (16 << 10) /* of netstat: some 4 KiB */

static int read_file(const char *path, char text[FILE_BYTES])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = 0, got = 0;

	if (fd < 0)
		return -errno;
	do {
		length += got;
		got = read(fd, text + length, FILE_BYTES - 1 - length);
	} while (got > 0);
	if (got < 0) {
		int code = -errno;

		close(fd);
		return code;
	}
	close(fd);
	text[length] = '\0';
	return 0;
}

static const char *next_word(const char **at)
{
	const char *word = *at + strspn(*at, " ");

	*at = word + strcspn(word, " \n");
	return word;
}

static bool is_word(const char *word, size_t length, const char *name)
{
	return !strncmp(word, name, length) && !name[length];
}

/* Takes the counters from pairs of lines: "Group: name name ..." and "Group: number number ...". */
static void parse(const char *text, struct mib *mib)
{
	while (*text) {
		const char *names = text;
		const char *values = strchr(names, '\n');

		if (!values++)
			return;
		text = strchr(values, '\n');
		if (!text++)
			return;
		while (*names != '\n' && *values != '\n') {
			const char *name = next_word(&names);
			size_t length = names - name;
			const char *value = next_word(&values);

			for (unsigned i = 0; i < COUNTERS_READ; i++)
				if (is_word(name, length, name_counter(i)))
					mib->counters[i] = strtoull(value, NULL, 10);
			for (unsigned i = 0; i < QUEUES; i++)
				if (is_word(name, length, name_queue(i)))
					mib->queues[i] = strtoull(value, NULL, 10);
		}
	}
}

int mib_read(const char *directory, struct mib *mib)
{
	static const char *const files[] = {"snmp", "netstat"};

	memset(mib, 0, sizeof(*mib));
	for (unsigned i = 0; i < 2; i++) {
		char path[PATH_BYTES], text[FILE_BYTES];
		int code;

		*text = '\0';
		snprintf(path, sizeof(path), "%s/%s", directory, files[i]);
		code = read_file(path, text);
		if (code)
			return code;
		parse(text, mib);
	}
	return 0;
}

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

static int read_file(int fd, char text[FILE_BYTES])
{
	ssize_t length = 0, got = 0;

	if (lseek(fd, 0, SEEK_SET))
		return -errno;
	do {
		length += got;
		got = read(fd, text + length, FILE_BYTES - 1 - length);
	} while (got > 0);
	if (got < 0)
		return -errno;
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
	return *word == *name && !strncmp(word, name, length) && !name[length];
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

int mib_open(const char *directory, int files[MIB_FILES])
{
	static const char *const names[MIB_FILES] = {"snmp", "netstat"};

	for (unsigned i = 0; i < MIB_FILES; i++) {
		char path[PATH_BYTES];

		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		files[i] = open(path, O_RDONLY | O_CLOEXEC);
		if (files[i] < 0) {
			int code = -errno;

			while (i--)
				close(files[i]);
			return code;
		}
	}
	return 0;
}

void mib_close(const int files[MIB_FILES])
{
	for (unsigned i = 0; i < MIB_FILES; i++)
		close(files[i]);
}

int mib_read(const int files[MIB_FILES], struct mib *mib)
{
	memset(mib, 0, sizeof(*mib));
	for (unsigned i = 0; i < MIB_FILES; i++) {
		char text[FILE_BYTES];
		int code;

		*text = '\0';
		code = read_file(files[i], text);
		if (code)
			return code;
		parse(text, mib);
	}
	return 0;
}

int mib_read_once(const char *directory, struct mib *mib)
{
	int files[MIB_FILES] = {-1, -1};
	int code = mib_open(directory, files);

	if (code)
		return code;
	code = mib_read(files, mib);
	mib_close(files);
	return code;
}

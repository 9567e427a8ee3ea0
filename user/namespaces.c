// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "namespaces.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "names.h"
#include "privilege.h"
#include "procfs.h"
#include "table.h"
#include "units.h"

#define CAPACITY   8192
#define CROWDED	   (CAPACITY / 4 * 3) /* from here on, those that are gone are forgotten */
#define PATH_BYTES 320
#define FILE_BYTES (16 << 10) /* of /proc/net/netstat: some 4 KiB */
#define TURNS	   2	      /* for which a mark holds */

/* Where ip-netns(8) and container engines mount them. */
static const char *const mounts[] = {"/run/netns", "/run/docker/netns"};

/* A namespace and the way to it: a process, or else where it is mounted. */
struct entry {
	uint32_t netns;
	uint32_t pid; /* 0: none is known */
	char *path;   /* NULL: not mounted, as far as is known */
	bool known;   /* has been read */
	bool old;     /* was there when the run began */
	bool gone;    /* nothing leads there: not tried again before it is marked */
	uint8_t due;  /* turns in which it is still to be read because of resets */
	uint8_t pad[4];
	uint64_t base[COUNTERS_READ]; /* when it was opened */
};

struct namespaces {
	uint32_t own;	 /* of this program */
	int own_fd;	 /* to come back to; -1: not needed yet */
	uint64_t device; /* of nsfs, on which a mounted namespace is */
	bool denied;	 /* processes of others do not show their namespace */
	bool scanned;	 /* in this turn */
	uint32_t next;	 /* whose turn it is */
	TABLE_OF(struct entry, entries, CAPACITY);
	char text[FILE_BYTES];
};

/* --- finding them --- */

static struct entry *find(struct namespaces *namespaces, uint32_t netns)
{
	return table_add(&namespaces->entries, &netns);
}

/* The namespace that a link like /proc/PID/ns/net names; 0 if it cannot be read. */
static uint32_t read_link(const char *path)
{
	char text[64];
	ssize_t length = readlink(path, text, sizeof(text) - 1);
	uint32_t netns;

	if (length < 0)
		return 0;
	text[length] = '\0';
	return sscanf(text, "net:[%" SCNu32 "]", &netns) == 1 ? netns : 0;
}

static void scan_processes(struct namespaces *namespaces)
{
	DIR *directory = opendir("/proc");
	const struct dirent *item;

	while (directory && (item = readdir(directory))) {
		char path[PATH_BYTES];
		struct entry *entry;
		uint32_t netns;

		if (!isdigit((unsigned char)item->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/ns/net", item->d_name);
		netns = read_link(path);
		entry = netns ? find(namespaces, netns) : NULL;
		if (entry && !entry->pid)
			entry->pid = strtoul(item->d_name, NULL, 10);
	}
	if (directory)
		closedir(directory);
}

static void scan_mounts(struct namespaces *namespaces, const char *where)
{
	DIR *directory = opendir(where);
	const struct dirent *item;

	while (directory && (item = readdir(directory))) {
		struct entry *entry;
		struct stat status;

		if (fstatat(dirfd(directory), item->d_name, &status, 0) ||
		    status.st_dev != namespaces->device)
			continue;
		entry = find(namespaces, status.st_ino);
		if (entry && !entry->path &&
		    asprintf(&entry->path, "%s/%s", where, item->d_name) < 0)
			entry->path = NULL;
	}
	if (directory)
		closedir(directory);
}

static void scan(struct namespaces *namespaces)
{
	namespaces->scanned = true;
	scan_processes(namespaces);
	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++)
		scan_mounts(namespaces, mounts[i]);
}

/* --- reading one --- */

static int read_file(struct namespaces *namespaces, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = 0, got = 0;

	if (fd < 0)
		return -errno;
	do {
		length += got;
		got = read(fd, namespaces->text + length, FILE_BYTES - 1 - length);
	} while (got > 0);
	if (got < 0) {
		int code = -errno;

		close(fd);
		return code;
	}
	close(fd);
	namespaces->text[length] = '\0';
	return 0;
}

static const char *next_word(const char **at)
{
	const char *word = *at + strspn(*at, " ");

	*at = word + strcspn(word, " \n");
	return word;
}

/* Takes the counters from pairs of lines: "Group: name name ..." and "Group: number number ...". */
static void parse(const char *text, uint64_t counters[COUNTERS_READ])
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
				if (length == strlen(name_counter(i)) &&
				    !memcmp(name, name_counter(i), length))
					counters[i] = strtoull(value, NULL, 10);
		}
	}
}

/* From the files of /proc/PID/net, or of this thread's own namespace. */
static int read_counters(struct namespaces *namespaces, const char *directory,
			 uint64_t counters[COUNTERS_READ])
{
	static const char *const files[] = {"snmp", "netstat"};
	char path[PATH_BYTES];

	for (unsigned i = 0; i < 2; i++) {
		int code;

		snprintf(path, sizeof(path), "%s/%s", directory, files[i]);
		code = read_file(namespaces, path);
		if (code)
			return code;
		parse(namespaces->text, counters);
	}
	return 0;
}

static int read_process(struct namespaces *namespaces, struct entry *entry,
			struct record_kernel *record)
{
	char link[PATH_BYTES], directory[PATH_BYTES];
	uint64_t started = 0;
	int code;

	snprintf(link, sizeof(link), "/proc/%u/ns/net", entry->pid);
	snprintf(directory, sizeof(directory), "/proc/%u/net", entry->pid);
	code = read_counters(namespaces, directory, record->counters);
	/* Looked at afterwards: then it was there before. */
	if (!code && read_link(link) != entry->netns)
		code = -ENOENT;
	if (code)
		return code;
	(void)procfs_started(entry->pid, &started);
	record->identity = started << 22 | entry->pid;
	return 0;
}

/* Enters the namespace that is mounted at the entry's path, if it is still the same. */
static int enter_mounted(struct namespaces *namespaces, const struct entry *entry,
			 struct stat *status)
{
	int fd, code = 0;

	if (namespaces->own_fd < 0)
		namespaces->own_fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (namespaces->own_fd < 0)
		return -errno;
	fd = open(entry->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, status))
		code = -errno;
	if (!code && (status->st_dev != namespaces->device || status->st_ino != entry->netns))
		code = -ENOENT;
	if (!code && setns(fd, CLONE_NEWNET))
		code = -errno;
	close(fd);
	return code;
}

static int read_mounted(struct namespaces *namespaces, const struct entry *entry,
			struct record_kernel *record)
{
	struct stat status;
	int code = enter_mounted(namespaces, entry, &status);

	if (code)
		return code;
	code = read_counters(namespaces, "/proc/thread-self/net", record->counters);
	record->identity = ~((uint64_t)status.st_ctim.tv_sec * SECOND_NS + status.st_ctim.tv_nsec);
	if (setns(namespaces->own_fd, CLONE_NEWNET))
		code = -errno; /* cannot be: we were there. No counter depends on where we are. */
	return code;
}

static void forget_ways(struct entry *entry)
{
	entry->pid = 0;
	free(entry->path);
	entry->path = NULL;
}

/* By either way. */
static int try_ways(struct namespaces *namespaces, struct entry *entry,
		    struct record_kernel *record)
{
	int code = -ENOENT;

	if (entry->netns == namespaces->own) {
		record->identity = 1;
		return read_counters(namespaces, "/proc/thread-self/net", record->counters);
	}
	if (entry->pid)
		code = read_process(namespaces, entry, record);
	if (code && entry->path)
		code = read_mounted(namespaces, entry, record);
	return code;
}

/* Reads its counters. If what led there does not any more, looks for another way, once a turn. */
static int read_entry(struct namespaces *namespaces, struct entry *entry,
		      struct record_kernel *record)
{
	int code = try_ways(namespaces, entry, record);

	if (code && code != -EPERM && code != -EACCES && !namespaces->scanned) {
		for (uint32_t i = 0; i < namespaces->entries.used; i++)
			forget_ways(table_entry(&namespaces->entries, i));
		scan(namespaces);
		code = try_ways(namespaces, entry, record);
	}
	entry->gone = code;
	return code;
}

static int deliver_one(struct namespaces *namespaces, struct entry *entry, bool base,
		       record_handler handler, void *context)
{
	struct record_kernel record = {.head = RECORD_HEAD(record_kernel, RECORD_KERNEL),
				       .netns = entry->netns};
	int code = read_entry(namespaces, entry, &record);

	if (code) {
		memset(record.counters, 0, sizeof(record.counters));
		record.identity = 0;
		record.status = code == -EPERM || code == -EACCES || namespaces->denied
					? KERNEL_DENIED
					: KERNEL_GONE;
	} else if (entry->known && !base) {
		record.status = KERNEL_READ;
	} else {
		record.status = entry->old ? KERNEL_BASE : KERNEL_BORN;
	}
	entry->known = entry->known || !code;
	return handler(context, &record.head);
}

/* Makes room: a number that comes again is a new namespace's, or treated like one. */
static void forget_gone(struct namespaces *namespaces)
{
	uint32_t used = namespaces->entries.used;

	table_clear(&namespaces->entries);
	for (uint32_t i = 0; i < used; i++) {
		struct entry kept = namespaces->entries_entries[i], *entry;

		if (kept.gone && !kept.due && !kept.old) {
			free(kept.path);
			continue;
		}
		entry = find(namespaces,
			     kept.netns); /* not behind i: never overwrites one to come */
		*entry = kept;
	}
}

/* --- all of them --- */

struct namespaces *namespaces_open(void)
{
	struct namespaces *namespaces = calloc(1, sizeof(*namespaces));
	struct stat status;

	if (!namespaces)
		return NULL;
	namespaces->own_fd = -1;
	namespaces->denied = !privilege_sees_namespaces();
	namespaces->own = read_link("/proc/thread-self/ns/net");
	if (!stat("/proc/thread-self/ns/net", &status))
		namespaces->device = status.st_dev;
	TABLE_INIT(namespaces, entries, uint32_t, 0);
	if (namespaces->own)
		(void)find(namespaces, namespaces->own);
	scan(namespaces);
	for (uint32_t i = 0; i < namespaces->entries.used; i++) {
		struct entry *entry = table_entry(&namespaces->entries, i);
		struct record_kernel record = {0};

		entry->old = true;
		entry->known = !read_entry(namespaces, entry, &record);
		memcpy(entry->base, record.counters, sizeof(entry->base));
	}
	return namespaces;
}

void namespaces_close(struct namespaces **held)
{
	struct namespaces *namespaces = *held;

	if (!namespaces)
		return;
	for (uint32_t i = 0; i < namespaces->entries.used; i++)
		forget_ways(table_entry(&namespaces->entries, i));
	if (namespaces->own_fd >= 0)
		close(namespaces->own_fd);
	free(namespaces);
	*held = NULL;
}

int namespaces_base(struct namespaces *namespaces, record_handler handler, void *context)
{
	int error = 0;

	for (uint32_t i = 0; i < namespaces->entries.used && !error; i++) {
		struct entry *entry = table_entry(&namespaces->entries, i);
		struct record_kernel record = {.head = RECORD_HEAD(record_kernel, RECORD_KERNEL),
					       .netns = entry->netns,
					       .status = KERNEL_BASE};

		if (!entry->known)
			continue;
		memcpy(record.counters, entry->base, sizeof(record.counters));
		error = handler(context, &record.head);
		if (!error)
			error = deliver_one(namespaces, entry, true, handler, context);
	}
	return error;
}

void namespaces_mark(struct namespaces *namespaces, uint32_t netns)
{
	struct entry *entry = netns ? find(namespaces, netns) : NULL;

	if (entry)
		entry->due = TURNS;
}

int namespaces_turn(struct namespaces *namespaces, record_handler handler, void *context)
{
	int error = 0;

	namespaces->scanned = false;
	if (namespaces->entries.used > CROWDED)
		forget_gone(namespaces);
	if (++namespaces->next >= namespaces->entries.used)
		namespaces->next = 0;
	for (uint32_t i = 0; i < namespaces->entries.used && !error; i++) {
		struct entry *entry = table_entry(&namespaces->entries, i);

		if (!entry->due && (i != namespaces->next || entry->gone))
			continue;
		error = deliver_one(namespaces, entry, false, handler, context);
		if (entry->due)
			entry->due--;
	}
	return error;
}

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
#include <time.h>
#include <unistd.h>

#include "mib.h"
#include "privilege.h"
#include "procfs.h"
#include "table.h"
#include "units.h"

#define CAPACITY   8192
#define CROWDED	   (CAPACITY / 4 * 3) /* from here on, those that are gone are forgotten */
#define PATH_BYTES 320
#define TURNS	   2	   /* for which a mark holds */
#define BUDGET_NS  3000000 /* of a turn, for the reads because of each kind of listeners */

/* Where ip-netns(8) and container engines mount them. */
static const char *const mounts[] = {"/run/netns", "/run/docker/netns"};

/* Namespaces with listeners, in turn: those in which they are busy, and the others. */
enum {
	SHARE_BUSY = 0,
	SHARE_IDLE = 1,
	SHARES = 2,
};

/* A namespace and the way to it: a process, or else where it is mounted. */
struct entry {
	uint32_t netns;
	uint32_t pid; /* 0: none is known */
	char *path;   /* NULL: not mounted, as far as is known */
	bool known;   /* has been read */
	bool old;     /* was there when the run began */
	bool gone;    /* nothing leads there: not tried again before it is marked */
	uint8_t due;  /* turns in which it is still to be read because of resets, */
	uint8_t busy; /* and because of listeners that have something to do */
	bool listens; /* has or had sockets that listen */
	bool read;    /* since the run began: cookies is known */
	uint8_t pad;
	uint32_t turn; /* in which it was last read */
	uint32_t pad2;
	uint64_t cookies;	      /* SYN cookies sent, when it was last read */
	uint64_t base[COUNTERS_READ]; /* when it was opened */
};

struct namespaces {
	uint32_t own; /* of this program */
	int own_fd;   /* to come back to; -1: not needed yet */
	bool opened;  /* its counters, read each second: */
	int own_files[MIB_FILES];
	uint64_t device; /* of nsfs, on which a mounted namespace is */
	bool denied;	 /* processes of others do not show their namespace */
	bool scanned;	 /* in this turn */
	uint32_t next;	 /* whose turn it is */
	uint32_t turn;
	struct share {
		int64_t left_ns; /* of the time that it may take; less than 0: it has taken more */
		uint32_t next;
	} shares[SHARES];
	TABLE_OF(struct entry, entries, CAPACITY);
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

/* Its counters, and whose they are: enum record_kernel_status tells of it. */
struct reading {
	struct mib mib;
	uint64_t identity;
};

static int read_process(const struct entry *entry, struct reading *reading)
{
	char link[PATH_BYTES], directory[PATH_BYTES];
	uint64_t started = 0;
	int code;

	snprintf(link, sizeof(link), "/proc/%u/ns/net", entry->pid);
	snprintf(directory, sizeof(directory), "/proc/%u/net", entry->pid);
	code = mib_read_once(directory, &reading->mib);
	/* Looked at afterwards: then it was there before. */
	if (!code && read_link(link) != entry->netns)
		code = -ENOENT;
	if (code)
		return code;
	(void)procfs_started(entry->pid, &started);
	reading->identity = started << 22 | entry->pid;
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
			struct reading *reading)
{
	struct stat status;
	int code = enter_mounted(namespaces, entry, &status);

	if (code)
		return code;
	code = mib_read_once("/proc/thread-self/net", &reading->mib);
	reading->identity = ~((uint64_t)status.st_ctim.tv_sec * SECOND_NS + status.st_ctim.tv_nsec);
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
static int try_ways(struct namespaces *namespaces, struct entry *entry, struct reading *reading)
{
	int code = -ENOENT;

	if (entry->netns == namespaces->own) {
		reading->identity = 1;
		return namespaces->opened ? mib_read(namespaces->own_files, &reading->mib)
					  : -ENOENT;
	}
	if (entry->pid)
		code = read_process(entry, reading);
	if (code && entry->path)
		code = read_mounted(namespaces, entry, reading);
	return code;
}

/* Reads its counters. If what led there does not any more, looks for another way, once a turn. */
static int read_entry(struct namespaces *namespaces, struct entry *entry, struct reading *reading)
{
	int code = try_ways(namespaces, entry, reading);

	if (code && code != -EPERM && code != -EACCES && !namespaces->scanned) {
		for (uint32_t i = 0; i < namespaces->entries.used; i++)
			forget_ways(table_entry(&namespaces->entries, i));
		scan(namespaces);
		code = try_ways(namespaces, entry, reading);
	}
	entry->gone = code;
	return code;
}

static int deliver_queues(struct entry *entry, const struct reading *reading,
			  record_handler handler, void *context)
{
	struct record_queues record = {.head = RECORD_HEAD(record_queues, RECORD_QUEUES),
				       .netns = entry->netns};
	uint64_t cookies = reading->mib.queues[QUEUE_COOKIES_SENT];

	/* SYN cookies leave no trace in the listener: nothing else says that it is busy. */
	if (entry->read && cookies != entry->cookies)
		entry->busy = TURNS + 1;
	entry->read = true;
	entry->cookies = cookies;

	memcpy(record.counters, reading->mib.queues, sizeof(record.counters));
	return handler(context, &record.head);
}

static int deliver_one(struct namespaces *namespaces, struct entry *entry, bool base,
		       record_handler handler, void *context)
{
	struct record_kernel record = {.head = RECORD_HEAD(record_kernel, RECORD_KERNEL),
				       .netns = entry->netns};
	struct reading reading = {0};
	int code = read_entry(namespaces, entry, &reading), error;

	if (code) {
		record.status = code == -EPERM || code == -EACCES || namespaces->denied
					? KERNEL_DENIED
					: KERNEL_GONE;
	} else {
		if (entry->known && !base)
			record.status = KERNEL_READ;
		else
			record.status = entry->old ? KERNEL_BASE : KERNEL_BORN;
		record.identity = reading.identity;
		memcpy(record.counters, reading.mib.counters, sizeof(record.counters));
	}
	entry->turn = namespaces->turn;
	entry->known = entry->known || !code;
	error = handler(context, &record.head);
	return error || code ? error : deliver_queues(entry, &reading, handler, context);
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
	namespaces->opened = !mib_open("/proc/thread-self/net", namespaces->own_files);
	scan(namespaces);
	for (uint32_t i = 0; i < namespaces->entries.used; i++) {
		struct entry *entry = table_entry(&namespaces->entries, i);
		struct reading reading = {0};

		entry->old = true;
		entry->known = !read_entry(namespaces, entry, &reading);
		memcpy(entry->base, reading.mib.counters, sizeof(entry->base));
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
	if (namespaces->opened)
		mib_close(namespaces->own_files);
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

void namespaces_listens(struct namespaces *namespaces, uint32_t netns, bool busy)
{
	struct entry *entry = netns ? find(namespaces, netns) : NULL;

	if (!entry)
		return;
	entry->listens = true;
	if (busy)
		entry->busy = TURNS;
	else
		entry->gone = false; /* perhaps there is a way again */
}

static int64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * (int64_t)SECOND_NS + now.tv_nsec;
}

static bool is_of_share(const struct entry *entry, unsigned which)
{
	return entry->listens && !entry->gone && (entry->busy != 0) == (which == SHARE_BUSY);
}

/* What the busy ones do not need, the others have. */
static void divide_time(struct share *busy, struct share *idle)
{
	int64_t spare_ns = busy->left_ns > 0 ? busy->left_ns : 0;

	idle->left_ns = (idle->left_ns < 0 ? idle->left_ns : 0) + spare_ns + BUDGET_NS;
	busy->left_ns += BUDGET_NS - spare_ns;
}

/* Reads those of a share, as many as there is time for; the next turn goes on with the others. A
 * turn that takes longer, to look for where namespaces are, lends from the next ones. */
static int turn_share(struct namespaces *namespaces, unsigned which, record_handler handler,
		      void *context)
{
	struct share *share = &namespaces->shares[which];
	uint32_t used = namespaces->entries.used;
	int error = 0;

	for (uint32_t i = 0; i < used && share->left_ns > 0 && !error; i++) {
		struct entry *entry;
		int64_t begun_ns;

		if (++share->next >= used)
			share->next = 0;
		entry = table_entry(&namespaces->entries, share->next);
		if (!is_of_share(entry, which) || entry->turn == namespaces->turn)
			continue;
		begun_ns = clock_ns();
		error = deliver_one(namespaces, entry, false, handler, context);
		share->left_ns -= clock_ns() - begun_ns;
	}
	return error;
}

int namespaces_turn(struct namespaces *namespaces, record_handler handler, void *context)
{
	int error = 0;

	namespaces->scanned = false;
	namespaces->turn++;
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
	divide_time(&namespaces->shares[SHARE_BUSY], &namespaces->shares[SHARE_IDLE]);
	for (unsigned i = 0; i < SHARES && !error; i++)
		error = turn_share(namespaces, i, handler, context);
	for (uint32_t i = 0; i < namespaces->entries.used; i++) {
		struct entry *entry = table_entry(&namespaces->entries, i);

		if (entry->busy)
			entry->busy--;
	}
	return error;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "identity.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "procfs.h"
#include "table.h"

#define NAMESPACES  4096
#define TURNS_NAMED 10 /* for which a namespace keeps its name without being looked for */

/* Where ip-netns(8) and container engines mount them. */
static const char *const mounts[] = {"/run/netns", "/run/docker/netns"};

struct named {
	uint32_t netns;
	uint32_t turn; /* when it was looked for */
	char name[64]; /* as told; "" if it had none */
};

struct identity {
	const volatile struct rst_process *slots;
	size_t size;
	struct told {
		uint32_t number;
		char comm[16]; /* its process may have renamed itself since */
	} told[RECORD_PROCESSES];
	uint32_t turn;
	uint64_t device; /* of nsfs, on which a mounted namespace is */
	bool complained;
	const char *complaint;
	TABLE_OF(struct named, namespaces, NAMESPACES);
};

int identity_open(struct identity **identity, int map_fd)
{
	size_t page = sysconf(_SC_PAGESIZE);
	struct identity *made = calloc(1, sizeof(*made));
	struct stat status;
	void *memory;

	if (!made)
		return -ENOMEM;
	made->size = (RST_PROCESSES * sizeof(struct rst_process) + page - 1) / page * page;
	memory = mmap(NULL, made->size, PROT_READ, MAP_SHARED, map_fd, 0);
	if (memory == MAP_FAILED) {
		int code = -errno;

		free(made);
		return code;
	}
	made->slots = memory;
	if (!stat("/proc/self/ns/net", &status))
		made->device = status.st_dev;
	TABLE_INIT(made, namespaces, uint32_t, 0);
	*identity = made;
	return 0;
}

void identity_close(struct identity **held)
{
	struct identity *identity = *held;

	if (!identity)
		return;
	munmap((void *)identity->slots, identity->size);
	free(identity);
	*held = NULL;
}

/* --- processes --- */

/* The kernel side may write the slot meanwhile, for another process. */
static bool read_slot(const struct identity *identity, uint32_t number, struct rst_process *process)
{
	const volatile struct rst_process *slot = &identity->slots[number % RST_PROCESSES];

	if (__atomic_load_n(&slot->number, __ATOMIC_ACQUIRE) != number)
		return false;
	memcpy(process, (const void *)slot, sizeof(*process));
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return slot->number == number;
}

/* From the names of the directories, leaf first, to a path. */
static void make_path(char path[RECORD_CGROUP_BYTES], const struct rst_process *process)
{
	size_t end = process->cgroup_bytes, at = 0;

	_Static_assert(RST_PROCESS_CGROUP + sizeof("...") <= RECORD_CGROUP_BYTES, "paths fit");
	if (end > sizeof(process->cgroup))
		end = sizeof(process->cgroup);
	if (process->cgroup_cut) {
		memcpy(path, "...", 3);
		at = 3;
	}
	while (end) {
		size_t start = end - 1; /* a NUL ends each name */

		while (start && process->cgroup[start - 1])
			start--;
		path[at++] = '/';
		memcpy(path + at, process->cgroup + start, end - 1 - start);
		at += end - 1 - start;
		end = start;
	}
	if (!at)
		path[at++] = '/';
	path[at] = '\0';
}

static void complain(struct identity *identity)
{
	if (identity->complained)
		return;
	identity->complained = true;
	identity->complaint = "the executable of some processes cannot be read from /proc and is "
			      "left out: run as root, or grant CAP_SYS_PTRACE";
}

/* Looks at the process before and after: the id may be another one's. */
static void read_exe(struct identity *identity, struct record_process *record)
{
	uint64_t started;
	int code = procfs_exe(record->pid, record->exe, sizeof(record->exe));

	if (!code)
		code = procfs_started(record->pid, &started);
	if (!code && started == record->started)
		return;
	record->exe[0] = '\0';
	if (code == -EACCES || code == -EPERM)
		complain(identity);
}

static bool is_told(const struct identity *identity, uint32_t number)
{
	const struct told *told = &identity->told[number % RECORD_PROCESSES];
	const volatile struct rst_process *slot = &identity->slots[number % RST_PROCESSES];

	return told->number == number &&
	       (slot->number != number ||
		!memcmp((const void *)slot->comm, told->comm, sizeof(told->comm)));
}

int identity_process(struct identity *identity, uint32_t number, record_handler handler,
		     void *context)
{
	struct record_process record = {.head = RECORD_HEAD(record_process, RECORD_PROCESS),
					.number = number};
	struct rst_process process;
	struct told *told;

	if (!number || is_told(identity, number) || !read_slot(identity, number, &process))
		return 0;
	told = &identity->told[number % RECORD_PROCESSES];
	told->number = number;
	memcpy(told->comm, process.comm, sizeof(told->comm));
	record.pid = process.pid;
	record.started = process.started;
	record.uid = process.uid;
	snprintf(record.comm, sizeof(record.comm), "%.15s", process.comm);
	make_path(record.cgroup, &process);
	read_exe(identity, &record);
	return handler(context, &record.head);
}

const char *identity_complaint(struct identity *identity)
{
	const char *complaint = identity->complaint;

	identity->complaint = NULL;
	return complaint;
}

/* --- network namespaces --- */

static void find_name(const struct identity *identity, uint32_t netns, char *name, size_t size)
{
	name[0] = '\0';
	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]) && !*name; i++) {
		DIR *directory = opendir(mounts[i]);
		const struct dirent *item;

		while (directory && !*name && (item = readdir(directory))) {
			struct stat status;

			if (!fstatat(dirfd(directory), item->d_name, &status, 0) &&
			    status.st_dev == identity->device && status.st_ino == netns)
				snprintf(name, size, "%.63s", item->d_name);
		}
		if (directory)
			closedir(directory);
	}
}

int identity_netns(struct identity *identity, uint32_t netns, record_handler handler, void *context)
{
	struct record_netns record = {.head = RECORD_HEAD(record_netns, RECORD_NETNS),
				      .netns = netns};
	uint32_t known = identity->namespaces.used;
	struct named *named;

	if (!netns)
		return 0;
	named = table_add(&identity->namespaces, &netns);
	if (!named) { /* of namespaces that come and go: most are gone */
		table_clear(&identity->namespaces);
		known = 0;
		named = table_add(&identity->namespaces, &netns);
	}
	if (identity->namespaces.used == known && identity->turn - named->turn < TURNS_NAMED)
		return 0;
	named->turn = identity->turn;
	find_name(identity, netns, record.name, sizeof(record.name));
	if (!strcmp(record.name, named->name))
		return 0;
	memcpy(named->name, record.name, sizeof(named->name));
	return handler(context, &record.head);
}

void identity_turn(struct identity *identity)
{
	identity->turn++;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The processes that records tell of, by their numbers. A record replaces what is known of its
 * number, and of any other number that shares its slot (number % PROCESSES): as numbers are given
 * in order, the last PROCESSES of them are kept; and longer, the last PROCESSES_KEPT of those that
 * processes_keep() was asked for, such as who listens: they are often spoken of much later.
 */
#ifndef RSTWATCH_PROCESSES_H
#define RSTWATCH_PROCESSES_H

#include <stdint.h>

#include "cgroup.h"
#include "record.h"

#define PROCESSES      RECORD_PROCESSES
#define PROCESSES_KEPT 512

/* Strings are NUL-terminated and may hold any bytes; "" if not known. */
struct process {
	uint32_t number; /* 0: nobody */
	uint32_t pid;
	uint64_t started; /* since boot, in units of 10 ms */
	uint32_t uid;
	char comm[16];
	char cgroup[RECORD_CGROUP_BYTES];
	char exe[RECORD_EXE_BYTES];
	struct cgroup_names names;
};

/* The memory must be zero. */
struct processes {
	struct process slots[PROCESSES];
	struct process kept[PROCESSES_KEPT];
	uint32_t next; /* of kept, to be replaced */
};

void processes_add(struct processes *processes, const struct record_process *record);
void processes_keep(struct processes *processes, uint32_t number);
/* NULL if it is not known (any more). */
const struct process *processes_find(const struct processes *processes, uint32_t number);

#endif

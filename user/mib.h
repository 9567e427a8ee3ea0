/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel's counters of a network namespace, as /proc/net/snmp and /proc/net/netstat have them.
 */
#ifndef RSTWATCH_MIB_H
#define RSTWATCH_MIB_H

#include <stdint.h>

#include "record.h"

struct mib {
	uint64_t counters[COUNTERS_READ];
	uint64_t queues[QUEUES]; /* 0 for what this kernel does not count */
};

#define MIB_FILES 2

/* Opens the files of a directory, /proc/PID/net, which can then be read again and again. While they
 * are open, the namespace stays. All of these return 0 or -errno. */
int mib_open(const char *directory, int files[MIB_FILES]);
int mib_read(const int files[MIB_FILES], struct mib *mib);
void mib_close(const int files[MIB_FILES]);
/* Of a namespace that may go. */
int mib_read_once(const char *directory, struct mib *mib);

#endif

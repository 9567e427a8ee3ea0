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

/* Reads them from a directory: /proc/PID/net. 0 or -errno. */
int mib_read(const char *directory, struct mib *mib);

#endif

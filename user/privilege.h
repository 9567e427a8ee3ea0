/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The capabilities that things take. Loading and attaching raw tracepoints: CAP_BPF and
 * CAP_PERFMON, or CAP_SYS_ADMIN alone (capabilities(7), Linux 5.8).
 */
#ifndef RSTWATCH_PRIVILEGE_H
#define RSTWATCH_PRIVILEGE_H

#include <stdbool.h>
#include <stddef.h>

/* True if this process has what it takes. Else false, and the names of what is missing, as in
 * "CAP_BPF and CAP_PERFMON". True as well if the kernel does not tell. */
bool privilege_check(char *missing, size_t size);

/* Whether this process may see which namespaces another user's process is in: CAP_SYS_PTRACE
 * (proc(5), /proc/PID/ns). True as well if the kernel does not tell. */
bool privilege_sees_namespaces(void);

#endif

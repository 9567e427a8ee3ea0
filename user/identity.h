/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Turns the numbers that the programs give into who they are, as records: a process as the kernel
 * side has noted it, with its executable if that can still be read, and the name of a network
 * namespace where one is mounted. Each is told once, in front of the first record that needs it.
 */
#ifndef RSTWATCH_IDENTITY_H
#define RSTWATCH_IDENTITY_H

#include "record.h"

struct identity;

/* map_fd: of rst_processes. 0 or -errno. */
int identity_open(struct identity **identity, int map_fd);
void identity_close(struct identity **identity);

/* Delivers PROCESS or NETNS, unless that was done. 0 or what the handler returned. */
int identity_process(struct identity *identity, uint32_t number, record_handler handler,
		     void *context);
int identity_netns(struct identity *identity, uint32_t netns, record_handler handler,
		   void *context);
/* Once a second: names of namespaces may have changed. */
void identity_turn(struct identity *identity);

/* What cannot be read, and what to do, the first time that it was needed; NULL if there is nothing
 * (more) to say. */
const char *identity_complaint(struct identity *identity);

#endif

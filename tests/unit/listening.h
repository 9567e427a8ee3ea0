/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Makes changes of listeners, all of one port in one namespace, and asks who listens there. */
#ifndef RSTWATCH_LISTENING_H
#define RSTWATCH_LISTENING_H

#include "unit.h"

#include "listeners.h"

#define NETNS 4026531840u
#define PORT  8080
#define HOST  0x0a000002 /* 10.0.0.2 */
#define EVER  UINT64_MAX

static inline struct listeners *open_listeners(void)
{
	struct listeners *listeners = unit_zeroed(sizeof(*listeners));

	memset(listeners, 0xa5, sizeof(*listeners));
	listeners_init(listeners, 42);
	return listeners;
}

static inline struct rst_listener change_of(unsigned kind, uint64_t socket, uint32_t host,
					    uint32_t owner, uint64_t time_ns)
{
	struct rst_listener change = {.time_ns = time_ns,
				      .socket = socket,
				      .netns = NETNS,
				      .owner = owner,
				      .port = PORT,
				      .change = kind};

	unit_ipv4(change.address, host);
	return change;
}

static inline bool ask(const struct listeners *listeners, uint32_t host, uint64_t time_ns,
		       struct listener_answer *answer)
{
	uint8_t address[16];

	unit_ipv4(address, host);
	memset(answer, 0xa5, sizeof(*answer));
	return listeners_find(listeners, NETNS, address, PORT, time_ns, answer);
}

#endif

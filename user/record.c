// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "record.h"

const uint32_t record_sizes[RECORD_KINDS] = {
	[RECORD_REASON] = sizeof(struct record_reason),
	[RECORD_HOOK] = sizeof(struct record_hook),
	[RECORD_START] = sizeof(struct record_start),
	[RECORD_EVENT] = offsetof(struct record_event, connection),
	[RECORD_PORT] = sizeof(struct record_port),
	[RECORD_PEER] = sizeof(struct record_peer),
	[RECORD_OTHER] = sizeof(struct record_other),
	[RECORD_DISTINCT] = sizeof(struct record_distinct),
	[RECORD_SLICE] = sizeof(struct record_slice),
	[RECORD_END] = sizeof(struct record_end),
	[RECORD_DROP_REASON] = sizeof(struct record_reason),
	[RECORD_OUTSIDE] = sizeof(struct record_outside),
	[RECORD_KERNEL] = sizeof(struct record_kernel),
	[RECORD_PROCESS] = sizeof(struct record_process),
	[RECORD_LISTENER] = sizeof(struct record_listener),
	[RECORD_NETNS] = sizeof(struct record_netns),
	[RECORD_SIGNAL] = sizeof(struct record_signal),
	[RECORD_LISTENING] = sizeof(struct record_listening),
	[RECORD_QUEUES] = sizeof(struct record_queues),
	[RECORD_THINNED] = sizeof(struct record_thinned),
};

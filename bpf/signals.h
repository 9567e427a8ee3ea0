/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tells user space of what is no reset, and wakes it as an event does. Bounded in a slice, by kind
 * and CPU: what comes beyond that is counted and not told.
 */
#ifndef RSTWATCH_BPF_SIGNALS_H
#define RSTWATCH_BPF_SIGNALS_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "event.h"
#include "maps.h"

/* signal: its kind is set. */
static __noinline int signals_tell(struct rst_signal *signal)
{
	__u32 slice = rst_control.slice, cpu = bpf_get_smp_processor_id();
	__u32 index = (slice & 1) * rst_settings.cpus + cpu;
	struct rst_sketch *sketch = bpf_map_lookup_elem(&rst_sketches, &index);
	__u64 flags = BPF_RB_NO_WAKEUP, *told;

	if (!sketch || signal->kind >= RST_SIGNALS)
		return 0; /* cannot be */
	told = &sketch->signals[signal->kind];
	signal->time_ns = bpf_ktime_get_ns();
	if (rst_control.wake) {
		rst_control.wake = 0;
		flags = BPF_RB_FORCE_WAKEUP;
	}
	if (*told >= RST_SIGNALS_MAX ||
	    bpf_ringbuf_output(&rst_signals, signal, sizeof(*signal), flags))
		__sync_fetch_and_add(&sketch->signals_thinned, 1);
	else
		__sync_fetch_and_add(told, 1);
	return 0;
}

#endif

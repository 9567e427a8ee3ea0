/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Makes the event of a reset, counts it (count.h), and streams it if it is wanted. A reset that
 * somebody's socket has is drafted in the sketch's memory and not on the stack, of which the
 * verifier would remember what it may hold on every way.
 */
#ifndef RSTWATCH_BPF_DRAFT_H
#define RSTWATCH_BPF_DRAFT_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "count.h"
#include "event.h"
#include "kernel_read.h"
#include "maps.h"
#include "sketch.h"

/*
 * A wake-up is an interrupt that the CPU sends itself, many times the price of the event: so only
 * the first event after user space went to sleep asks for one.
 */
static __always_inline __u64 draft_wake(void)
{
	if (!rst_control.wake)
		return BPF_RB_NO_WAKEUP;
	rst_control.wake = 0;
	return BPF_RB_FORCE_WAKEUP;
}

/*
 * From so many events of a slice on, a program writes its events by the batch, which saves most of
 * what the ring buffer costs: it locks, and waits until all that was written before has reached the
 * cache. Unless user space sleeps, and is to be woken now. What a batch holds when the slice ends
 * is taken from there.
 */
#define DRAFT_SINGLE 1024

static __always_inline void draft_batch(const struct rst_event *event, struct rst_sketch *sketch,
					__u32 maker)
{
	struct rst_event *batch = sketch->batches[maker];
	__u64 count = sketch->batched[maker] & (RST_BATCH - 1);
	long error;

	batch[count] = *event;
	batch[count].time_ns = bpf_ktime_get_ns();
	count++;
	if (count < RST_BATCH && !rst_control.wake) {
		sketch->batched[maker] = count;
		return;
	}
	sketch->batched[maker] = 0;
	error = bpf_ringbuf_output(&rst_events, batch, count * sizeof(*batch), draft_wake());
	__sync_fetch_and_add(error ? &sketch->lost : &sketch->events, count);
}

/* Streams an event that needs no draft. maker: as whom it was counted. */
static __always_inline void draft_stream(const struct rst_event *event, struct rst_sketch *sketch,
					 __u32 maker)
{
	struct rst_event *written;

	if (sketch->events >= DRAFT_SINGLE && maker < RST_HOT_MAKERS) {
		draft_batch(event, sketch, maker);
		return;
	}
	written = bpf_ringbuf_reserve(&rst_events, sizeof(*written), 0);
	if (!written) {
		__sync_fetch_and_add(&sketch->lost, 1);
		return;
	}
	*written = *event;
	written->time_ns = bpf_ktime_get_ns();
	bpf_ringbuf_submit(written, draft_wake());
	__sync_fetch_and_add(&sketch->events, 1);
}

/* A run of the maker begins: as whom it counts. Where it can be interrupted by another of the same
 * (event.h), what is its own may be in use. */
static __always_inline __u32 draft_enter(struct rst_sketch *sketch, __u32 maker)
{
	if (KERNEL_CASTS)
		return maker;
	return sketch->levels[maker]++ ? RST_HOT_MAKERS : maker;
}

/* It ends; without draft_end(), if nothing is to be counted after all. */
static __always_inline void draft_leave(struct rst_sketch *sketch, __u32 maker)
{
	if (!KERNEL_CASTS)
		sketch->levels[maker]--;
}

/* The level of the run that has begun last. */
static __always_inline __u32 draft_level(const struct rst_sketch *sketch, __u32 maker)
{
	return KERNEL_CASTS ? 0 : (sketch->levels[maker] - 1) & (RST_LEVELS - 1);
}

#define DRAFT_CONNECTED 1 /* the draft has a connection */
#define DRAFT_RELEASED	2 /* the maker's other draft */

/* Counts a draft of the maker, with all that belongs to it. Global, as count_reset() is. */
__noinline int draft_count(__u32 maker, __u32 slice, __u32 flags)
{
	struct rst_sketch *sketch = sketch_of(slice);
	struct rst_draft *draft;
	__u32 level;
	long error;

	if (!sketch || maker >= RST_MAKERS)
		return 0; /* cannot be: see sketch_of() */
	level = draft_level(sketch, maker);
	draft = &sketch->drafts[maker][level][flags & DRAFT_RELEASED ? 1 : 0];
	if (!count_event(&draft->event, level ? RST_HOT_MAKERS : maker)) /* see draft_enter() */
		return 0;
	if (!draft->event.time_ns) /* one that was held has its time */
		draft->event.time_ns = bpf_ktime_get_ns();
	error = bpf_ringbuf_output(&rst_events, draft,
				   flags & DRAFT_CONNECTED ? sizeof(*draft) : sizeof(draft->event),
				   draft_wake());
	__sync_fetch_and_add(error ? &sketch->lost : &sketch->events, 1);
	return 0;
}

/* NULL: cannot be, see sketch_of(). */
static __always_inline struct rst_draft *draft_begin(struct rst_sketch **sketch, __u32 maker,
						     __u8 direction)
{
	__u32 slice = rst_control.slice, level;
	struct rst_draft *draft;

	*sketch = sketch_of(slice);
	if (!*sketch)
		return (void *)0;
	draft_enter(*sketch, maker);
	level = draft_level(*sketch, maker);
	draft = &(*sketch)->drafts[maker][level][0];
	draft->event = (struct rst_event){.slice = slice, .direction = direction};
	return draft;
}

static __always_inline int draft_end(const struct rst_draft *draft, struct rst_sketch *sketch,
				     __u32 maker, bool connected)
{
	draft_count(maker, draft->event.slice, connected ? DRAFT_CONNECTED : 0);
	draft_leave(sketch, maker);
	return 0;
}

/*
 * Data that arrives after a full close makes the kernel reset the connection: it calls tcp_reset()
 * as if a RST had come, so tcp_receive_reset fires, and then sends one, with the same socket on
 * the same CPU. A received reset that may be such is therefore held until the next hook on this
 * CPU tells: it is dropped if that hook sends that socket's reset, and counted otherwise. What is
 * still held when the slice ends is counted by user space, to which the memory then belongs.
 *
 * The one guess: if the slice ends between the two hooks, a reset is counted that never came.
 */
static __always_inline void draft_hold(const struct rst_draft *draft, struct rst_sketch *sketch,
				       const void *sk)
{
	sketch->held = *draft;
	sketch->held.event.time_ns = bpf_ktime_get_ns();
	sketch->held_sk = (__u64)sk;
}

/* Counts what is held, unless it is the shadow of a reset that sk sends. */
static __always_inline void draft_release(struct rst_sketch *sketch, const void *sk, __u32 maker)
{
	__u64 held_sk = sketch->held_sk;

	if (!held_sk)
		return;
	sketch->held_sk = 0;
	if (held_sk == (__u64)sk)
		return;
	sketch->drafts[maker][draft_level(sketch, maker)][1] = sketch->held;
	draft_count(maker, sketch->held.event.slice, DRAFT_CONNECTED | DRAFT_RELEASED);
}

#endif

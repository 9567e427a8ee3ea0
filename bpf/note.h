/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Notes of function hooks for the tracepoints behind them: which socket a segment is held against
 * right now. tcp_check_req() and tcp_timewait_state_process() know the mini-socket, and the
 * tracepoint that fires next on the same CPU for the same segment does not.
 *
 * A note is found by the segment's address and sequence number, so that one which was left for a
 * segment that passed without a reset is not taken for a later one's.
 */
#ifndef RSTWATCH_BPF_NOTE_H
#define RSTWATCH_BPF_NOTE_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "maps.h"
#include "packet.h"

static __always_inline void note_write(const struct sk_buff *skb, const struct packet *packet,
				       const void *socket)
{
	__u32 zero = 0;
	struct rst_note *note = bpf_map_lookup_elem(&rst_notes, &zero);

	if (!note)
		return; /* cannot be: an array */
	note->segment = (__u64)skb;
	note->socket = (__u64)socket;
	note->sequence = packet_sequence(packet);
}

/* The socket that the segment was last held against; NULL if no note says. Taken out. */
static __always_inline const struct sock *note_take(const struct sk_buff *skb,
						    const struct packet *packet)
{
	__u32 zero = 0;
	struct rst_note *note = bpf_map_lookup_elem(&rst_notes, &zero);

	if (!note || note->segment != (__u64)skb || note->sequence != packet_sequence(packet))
		return (void *)0;
	note->segment = 0;
	return (const void *)note->socket;
}

/* Nothing will ask for the last note any more. Its segment's address may soon be another's, and
 * sequence numbers repeat: resets often have 0. */
static __always_inline void note_discard(void)
{
	__u32 zero = 0;
	struct rst_note *note = bpf_map_lookup_elem(&rst_notes, &zero);

	if (note)
		note->segment = 0;
}

#endif

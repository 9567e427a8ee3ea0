/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whose connect()s have failed lately: of those, it matters which succeed (settings.h). */
#ifndef RSTWATCH_BPF_FAILING_H
#define RSTWATCH_BPF_FAILING_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "maps.h"
#include "settings.h"

/* number: of the process; 0, not known, is one of them. */
static __always_inline void failing_note(__u32 number)
{
	rst_control.failing[number & (RST_FAILING - 1)] = rst_control.second + 1;
}

static __always_inline bool failing_is(__u32 number)
{
	__u32 after = rst_control.failing[number & (RST_FAILING - 1)];

	return after && rst_control.second + 1 - after <= RST_FAILING_SECONDS;
}

#endif

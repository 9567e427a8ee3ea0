// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Programs that do nothing, on the hooks that rstwatch uses: what being called costs. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("raw_tp/tcp_send_reset")
int empty_send(void *context)
{
	(void)context;
	return 0;
}

SEC("raw_tp/tcp_receive_reset")
int empty_receive(void *context)
{
	(void)context;
	return 0;
}

SEC("raw_tp/kfree_skb")
int empty_drop(void *context)
{
	(void)context;
	return 0;
}

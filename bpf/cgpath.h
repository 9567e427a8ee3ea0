/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The path of a process's cgroup, from the kernel's own tree: it needs no mount, and is there when
 * the process and its cgroup are gone. In the v2 tree, unless the process is in the root of that:
 * then of a v1 hierarchy, systemd's if there is one.
 *
 * What loops here call is global, so that the verifier reads it once and not in every turn. Such
 * functions take plain numbers alone, and those come of probe reads, not of KERNEL_READ().
 */
#ifndef RSTWATCH_BPF_CGPATH_H
#define RSTWATCH_BPF_CGPATH_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "event.h"
#include "kernel_read.h"
#include "maps.h"

#define CGPATH_DEPTH	   16
#define CGPATH_HIERARCHIES 16
#define CGPATH_NAME_BYTES  256 /* NAME_MAX and a NUL */

static __always_inline const struct kernfs_node *cgpath_parent(const struct kernfs_node *node)
{
	const struct kernfs_node___parent *before = (const void *)node;

	if (bpf_core_field_exists(node->__parent))
		return BPF_CORE_READ(node, __parent);
	return BPF_CORE_READ(before, parent);
}

/* 0 for the root of a hierarchy. */
static __always_inline __u64 cgpath_node(const struct cgroup *cgroup)
{
	const struct kernfs_node *node = BPF_CORE_READ(cgroup, kn);

	return cgpath_parent(node) ? (__u64)node : 0;
}

static __always_inline bool cgpath_is_systemd(const struct cgroup *cgroup)
{
	const struct cgroup_root *root = KERNEL_READ(cgroup, cgroup, root);
	char name[8] = {0};

	bpf_probe_read_kernel(name, sizeof(name), root->name);
	return !__builtin_memcmp(name, "systemd", 8);
}

/* The better one of what was found and of what the link at this place in a list leads to. */
__noinline __u64 cgpath_better(__u64 found, __u64 at)
{
	const struct cgrp_cset_link *link =
		(const void *)(at - bpf_core_field_offset(struct cgrp_cset_link, cgrp_link));
	const struct cgroup *cgroup = BPF_CORE_READ(link, cgrp);
	__u64 node = cgpath_node(cgroup);

	return node && (!found || cgpath_is_systemd(cgroup)) ? node : found;
}

static __always_inline __u64 cgpath_of(const struct task_struct *task)
{
	const struct css_set *set = BPF_CORE_READ(task, cgroups);
	__u64 found = cgpath_node(BPF_CORE_READ(set, dfl_cgrp));
	const struct list_head *head = &set->cgrp_links, *at = BPF_CORE_READ(head, next);

	if (found)
		return found;
	for (int i = 0; i < CGPATH_HIERARCHIES && at && at != head; i++) {
		found = cgpath_better(found, (__u64)at);
		at = BPF_CORE_READ(at, next);
	}
	return found;
}

/* Appends a node's name to the path of the process in this slot, and gives its length with that. 0:
 * it has no room. */
__noinline __u32 cgpath_append(__u32 slot, __u32 used, __u64 address)
{
	const struct kernfs_node *node = (const void *)address;
	struct rst_process *process = bpf_map_lookup_elem(&rst_processes, &slot);
	long bytes;

	if (!process || used > RST_PROCESS_CGROUP - CGPATH_NAME_BYTES)
		return 0;
	bytes = bpf_probe_read_kernel_str(process->cgroup + used, CGPATH_NAME_BYTES,
					  KERNEL_READ(node, kernfs_node, name));
	return bytes > 0 ? used + (bytes & (CGPATH_NAME_BYTES * 2 - 1)) : used;
}

/* The path of a process's cgroup. slot: where it is to stand. */
static __always_inline void cgpath_read(struct rst_process *process, __u32 slot,
					const struct task_struct *task)
{
	const struct kernfs_node *node = (const void *)cgpath_of(task), *parent;
	__u32 used = 0, longer;

	process->cgroup_cut = 0;
	for (int i = 0; i < CGPATH_DEPTH && node; i++) {
		parent = cgpath_parent(node);
		if (!parent)
			break; /* the root has no name */
		longer = cgpath_append(slot, used, (__u64)node);
		if (!longer) {
			process->cgroup_cut = 1;
			break;
		}
		used = longer;
		node = parent;
	}
	process->cgroup_bytes = used;
}

#endif

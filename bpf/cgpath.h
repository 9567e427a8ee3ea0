/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The path of a process's cgroup, from the kernel's own tree: it needs no mount, and is there when
 * the process and its cgroup are gone. In the v2 tree, unless the process is in the root of that:
 * then of a v1 hierarchy, systemd's if there is one.
 */
#ifndef RSTWATCH_BPF_CGPATH_H
#define RSTWATCH_BPF_CGPATH_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "event.h"
#include "kernel_read.h"

#define CGPATH_DEPTH	   16
#define CGPATH_HIERARCHIES 16
#define CGPATH_NAME_BYTES  256 /* NAME_MAX and a NUL */

static __always_inline const struct kernfs_node *cgpath_parent(const struct kernfs_node *node)
{
	const struct kernfs_node___parent *before = (const void *)node;

	if (bpf_core_field_exists(node->__parent))
		return KERNEL_READ(node, kernfs_node, __parent);
	return BPF_CORE_READ(before, parent);
}

/* NULL for the root of a hierarchy. */
static __always_inline const struct kernfs_node *cgpath_node(const struct cgroup *cgroup)
{
	const struct kernfs_node *node = KERNEL_READ(cgroup, cgroup, kn);

	return cgpath_parent(node) ? node : (void *)0;
}

static __always_inline bool cgpath_is_systemd(const struct cgroup *cgroup)
{
	const struct cgroup_root *root = KERNEL_READ(cgroup, cgroup, root);
	char name[8] = {0};

	bpf_probe_read_kernel(name, sizeof(name), root->name);
	return !__builtin_memcmp(name, "systemd", 8);
}

static __noinline const struct kernfs_node *cgpath_of(const struct task_struct *task)
{
	const struct css_set *set = KERNEL_READ(task, task_struct, cgroups);
	const struct kernfs_node *found = cgpath_node(KERNEL_READ(set, css_set, dfl_cgrp));
	const struct list_head *head = &set->cgrp_links, *at = KERNEL_READ(head, list_head, next);

	if (found)
		return found;
	for (int i = 0; i < CGPATH_HIERARCHIES && at && at != head; i++) {
		const struct cgrp_cset_link *link =
			(const void *)((const char *)at -
				       bpf_core_field_offset(struct cgrp_cset_link, cgrp_link));
		const struct cgroup *cgroup = KERNEL_READ(link, cgrp_cset_link, cgrp);
		const struct kernfs_node *node = cgpath_node(cgroup);

		if (node && (!found || cgpath_is_systemd(cgroup)))
			found = node;
		at = KERNEL_READ(at, list_head, next);
	}
	return found;
}

static __always_inline void cgpath_read(struct rst_process *process, const struct task_struct *task)
{
	const struct kernfs_node *node = cgpath_of(task), *parent;
	__u32 used = 0;

	process->cgroup_cut = 0;
	for (int i = 0; i < CGPATH_DEPTH && node; i++) {
		long bytes;

		parent = cgpath_parent(node);
		if (!parent)
			break; /* the root has no name */
		if (used > RST_PROCESS_CGROUP - CGPATH_NAME_BYTES) {
			process->cgroup_cut = 1;
			break;
		}
		bytes = bpf_probe_read_kernel_str(process->cgroup + used, CGPATH_NAME_BYTES,
						  KERNEL_READ(node, kernfs_node, name));
		if (bytes <= 0)
			break;
		used += bytes & (CGPATH_NAME_BYTES * 2 - 1);
		node = parent;
	}
	process->cgroup_bytes = used;
}

#endif

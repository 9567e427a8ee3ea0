// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "privilege.h"

#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool has(const struct __user_cap_data_struct data[2], unsigned capability)
{
	return data[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability);
}

/* True if the kernel tells. */
static bool read_capabilities(struct __user_cap_data_struct data[2])
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

	return !syscall(SYS_capget, &header, data);
}

bool privilege_sees_namespaces(void)
{
	struct __user_cap_data_struct data[2] = {{0}};

	return !read_capabilities(data) || has(data, CAP_SYS_PTRACE);
}

bool privilege_check(char *missing, size_t size)
{
	struct __user_cap_data_struct data[2] = {{0}};
	bool bpf, perfmon;

	if (!read_capabilities(data) || has(data, CAP_SYS_ADMIN))
		return true;
	bpf = has(data, CAP_BPF);
	perfmon = has(data, CAP_PERFMON);
	if (bpf && perfmon)
		return true;
	snprintf(missing, size, "%s%s%s", bpf ? "" : "CAP_BPF", !bpf && !perfmon ? " and " : "",
		 perfmon ? "" : "CAP_PERFMON");
	return false;
}

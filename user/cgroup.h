/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the path of a cgroup tells of who runs there: systemd's unit, the container and its runtime,
 * the pod. By the names that systemd, docker, containerd, CRI-O, podman and the kubelet give, with
 * either cgroup driver (cgroupfs or systemd), in v2 and v1 trees.
 */
#ifndef RSTWATCH_CGROUP_H
#define RSTWATCH_CGROUP_H

#define CGROUP_UNIT_BYTES      256
#define CGROUP_CONTAINER_BYTES 72 /* 64 hexadecimal digits, as all of the runtimes use */
#define CGROUP_POD_BYTES       40 /* a UUID with dashes */

/* "" or NULL: there is none, or its name is too long. */
struct cgroup_names {
	/* The innermost service, scope or other unit (systemd.unit(5)), with "\x2d" and the like
	 * decoded; a slice only if there is nothing else and no container. A unit that a runtime
	 * made for its container is none. */
	char unit[CGROUP_UNIT_BYTES];
	/* The innermost one: its id, whole; a name if it is LXC's or systemd-nspawn's. */
	char container[CGROUP_CONTAINER_BYTES];
	/* "docker", "containerd", "cri-o", "podman", "buildkit", "lxc", "systemd-nspawn"; NULL if
	 * the path does not tell. */
	const char *runtime;
	char pod[CGROUP_POD_BYTES]; /* the uid of the Kubernetes pod */
};

/* The path may hold any bytes. One that begins with "..." has lost its front, perhaps in the middle
 * of a name. */
void cgroup_parse(const char *path, struct cgroup_names *names);

#endif

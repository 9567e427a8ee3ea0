// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit.h"

#include "cgroup.h"

#define ID_A "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID_B "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define UID  "1a2b3c4d-0001-4002-8003-00000000000f"
#define UID_ "1a2b3c4d_0001_4002_8003_00000000000f"
#define HASH "0123456789abcdef0123456789abcdef" /* uid of a static pod */

struct example {
	const char *path, *unit, *container, *runtime, *pod;
};

static const struct example examples[] = {
	/* nothing to tell */
	{"", "", "", NULL, ""},
	{"/", "", "", NULL, ""},
	{"//", "", "", NULL, ""},
	{"/user", "", "", NULL, ""},
	{"/.service", "", "", NULL, ""},
	{"/service/x", "", "", NULL, ""},
	/* systemd */
	{"/init.scope", "init.scope", "", NULL, ""},
	{"/system.slice/nginx.service", "nginx.service", "", NULL, ""},
	{"/system.slice/nginx.service/", "nginx.service", "", NULL, ""},
	{"/system.slice/nginx.service/worker/3", "nginx.service", "", NULL, ""},
	{"/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service", "", NULL, ""},
	{"/system.slice", "system.slice", "", NULL, ""},
	{"/user.slice/user-1000.slice", "user-1000.slice", "", NULL, ""},
	{"/user.slice/user-1000.slice/session-3.scope", "session-3.scope", "", NULL, ""},
	{"/user.slice/user-1000.slice/user@1000.service/app.slice/foo.service", "foo.service", "",
	 NULL, ""},
	{"/user.slice/user-1000.slice/user@1000.service/app.slice", "user@1000.service", "", NULL,
	 ""},
	{"/user.slice/user-1000.slice/user@1000.service/init.scope", "init.scope", "", NULL, ""},
	{"/user.slice/user-1000.slice/user@1000.service/app.slice/app-org.gnome.Terminal.slice/"
	 "vte-spawn-1.scope",
	 "vte-spawn-1.scope", "", NULL, ""},
	{"/system.slice/dbus-:1.2-org.foo@0.service", "dbus-:1.2-org.foo@0.service", "", NULL, ""},
	{"/system.slice/sshd.socket", "sshd.socket", "", NULL, ""},
	{"/system.slice/var-lib.mount", "var-lib.mount", "", NULL, ""},
	{"/system.slice/swapfile.swap", "swapfile.swap", "", NULL, ""},
	{"/system.slice/_memory.service", "memory.service", "", NULL, ""},
	{"/system.slice/__x.service", "_x.service", "", NULL, ""},
	{"/system.slice/nginx.service (deleted)", "nginx.service", "", NULL, ""},
	{"/system.slice/snap.docker.dockerd.service", "snap.docker.dockerd.service", "", NULL, ""},
	{"system.slice/nginx.service", "nginx.service", "", NULL, ""},
	/* escapes */
	{"/system.slice/a\\x2db.service", "a-b.service", "", NULL, ""},
	{"/system.slice/system-x\\x2dy.slice", "system-x-y.slice", "", NULL, ""},
	{"/system.slice/a\\x5cx2d.service", "a\\x2d.service", "", NULL, ""},
	{"/system.slice/a\\x00b.service", "a\\x00b.service", "", NULL, ""},
	{"/system.slice/a\\xg0b.service", "a\\xg0b.service", "", NULL, ""},
	{"/system.slice/a\\y2d.service", "a\\y2d.service", "", NULL, ""},
	{"/system.slice/\\xff\\x01.service", "\xff\x01.service", "", NULL, ""},
	{"/system.slice/a\\x2.service", "a\\x2.service", "", NULL, ""},
	/* docker */
	{"/docker/" ID_A, "", ID_A, "docker", ""},
	{"/system.slice/docker-" ID_A ".scope", "", ID_A, "docker", ""},
	{"/system.slice/docker-" ID_A ".scope/sub", "", ID_A, "docker", ""},
	{"/docker/" ID_A "/system.slice/nginx.service", "nginx.service", ID_A, "docker", ""},
	{"/system.slice/docker-" ID_A ".scope/init.scope", "init.scope", ID_A, "docker", ""},
	{"/docker/" ID_A "/docker/" ID_B, "", ID_B, "docker", ""},
	{"/user.slice/user-1000.slice/user@1000.service/user.slice/docker-" ID_A ".scope", "", ID_A,
	 "docker", ""},
	{"/docker/" ID_A "/system.slice", "", ID_A, "docker", ""},
	{"/docker/0123456789ab", "", "", NULL, ""},
	{"/docker/" ID_A "0", "", "", NULL, ""},
	{"/docker/g123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "", "", NULL,
	 ""},
	{"/system.slice/docker-0123.scope", "docker-0123.scope", "", NULL, ""},
	{"/system.slice/docker" ID_A ".scope", "docker" ID_A ".scope", "", NULL, ""},
	{"/actions_job/" ID_A, "", ID_A, NULL, ""},
	{"/" ID_A, "", ID_A, NULL, ""},
	/* BuildKit */
	{"/docker/buildkit/w3lkj1x0c2s9p8q7r6t5u4v3z", "", "w3lkj1x0c2s9p8q7r6t5u4v3z", "buildkit",
	 ""},
	{"/buildkit/" ID_A, "", ID_A, "buildkit", ""},
	{"/system.slice/docker-w3lkj1x0c2s9p8q7r6t5u4v3z.scope", "", "w3lkj1x0c2s9p8q7r6t5u4v3z",
	 "docker", ""},
	{"/system.slice/crio-w3lkj1x0c2s9p8q7r6t5u4v3z.scope",
	 "crio-w3lkj1x0c2s9p8q7r6t5u4v3z.scope", "", NULL, ""},
	{"/buildkit/step", "", "", NULL, ""},
	/* containerd, nerdctl */
	{"/default/" ID_A, "", ID_A, "containerd", ""},
	{"/k8s.io/" ID_A, "", ID_A, "containerd", ""},
	{"/system.slice/nerdctl-" ID_A ".scope", "", ID_A, "containerd", ""},
	{"/system.slice/containerd.service", "containerd.service", "", NULL, ""},
	{"/system.slice/containerd.service/kubepods-burstable-pod" UID_
	 ".slice:cri-containerd:" ID_A,
	 "", ID_A, "containerd", UID},
	{"/system.slice/containerd.service/system.slice:x:" ID_A, "containerd.service", "", NULL,
	 ""},
	/* Kubernetes */
	{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_
	 ".slice/cri-containerd-" ID_A ".scope",
	 "", ID_A, "containerd", UID},
	{"/kubepods.slice/kubepods-pod" UID_ ".slice/crio-" ID_A ".scope", "", ID_A, "cri-o", UID},
	{"/kubepods.slice/kubepods-pod" UID_ ".slice/crio-" ID_A ".scope/container", "", ID_A,
	 "cri-o", UID},
	{"/kubepods.slice/kubepods-pod" UID_ ".slice/crio-conmon-" ID_A ".scope",
	 "crio-conmon-" ID_A ".scope", "", NULL, UID},
	{"/kubepods/besteffort/pod" UID "/" ID_A, "", ID_A, NULL, UID},
	{"/kubepods/pod" UID "/crio-" ID_A, "", ID_A, "cri-o", UID},
	{"/kubepods/pod" UID "/crio-conmon-" ID_A, "", "", NULL, UID},
	{"/kubepods/pod" UID, "", "", NULL, UID},
	{"/kubepods.slice/kubepods-pod" UID_ ".slice", "kubepods-pod" UID_ ".slice", "", NULL, UID},
	{"/kubepods/burstable/pod" HASH "/" ID_A, "", ID_A, NULL, HASH},
	{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" HASH
	 ".slice/docker-" ID_A ".scope",
	 "", ID_A, "docker", HASH},
	{"/docker/" ID_A "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" UID_
	 ".slice/cri-containerd-" ID_B ".scope",
	 "", ID_B, "containerd", UID},
	{"/docker/" ID_A "/kubelet/kubepods/besteffort/pod" UID "/" ID_B, "", ID_B, NULL, UID},
	{"/kubepods/pod" UID "/" ID_A "/docker/" ID_B, "", ID_B, "docker", UID},
	{"/kubepods/pod" UID "/" ID_A "/system.slice/nginx.service", "nginx.service", ID_A, NULL,
	 UID},
	{"/kubepods/x-pod" UID "/" ID_A, "", ID_A, NULL, ""},
	{"/kubepods.slice/xpod" UID_ ".slice/crio-" ID_A ".scope", "", ID_A, "cri-o", ""},
	{"/kubepods/podx" UID "/" ID_A, "", ID_A, NULL, ""},
	{"/kubepods/pod1a2b3c4d-0001-4002-8003+00000000000f/" ID_A, "", ID_A, NULL, ""},
	{"/kubepods/pod1a2b3c4d-0001-4002-80030-0000000000f/" ID_A, "", ID_A, NULL, ""},
	{"/kubepods/" UID "/" ID_A, "", ID_A, NULL, ""},
	/* podman */
	{"/machine.slice/libpod-" ID_A ".scope", "", ID_A, "podman", ""},
	{"/machine.slice/libpod-" ID_A ".scope/container", "", ID_A, "podman", ""},
	{"/machine.slice/libpod-conmon-" ID_A ".scope", "libpod-conmon-" ID_A ".scope", "", NULL,
	 ""},
	{"/libpod_parent/libpod-" ID_A, "", ID_A, "podman", ""},
	{"/libpod_parent/" ID_A, "", ID_A, "podman", ""},
	{"/libpod_parent/conmon", "", "", NULL, ""},
	{"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID_A ".scope/container",
	 "", ID_A, "podman", ""},
	{"/system.slice/web.service/libpod-payload-" ID_A, "web.service", ID_A, "podman", ""},
	{"/system.slice/web.service/supervisor", "web.service", "", NULL, ""},
	{"/machine.slice/libpod-" ID_A ".scope/container/system.slice/a\\x2db.service",
	 "a-b.service", ID_A, "podman", ""},
	{"/user.slice/user-1000.slice/user@1000.service/user.slice/podman-pause-1.scope",
	 "podman-pause-1.scope", "", NULL, ""},
	/* LXC, systemd-nspawn, virtual machines */
	{"/lxc.payload.web1", "", "web1", "lxc", ""},
	{"/lxc.payload.web1/system.slice/nginx.service", "nginx.service", "web1", "lxc", ""},
	{"/lxc.payload/web1", "", "web1", "lxc", ""},
	{"/lxc/101/ns/init.scope", "init.scope", "101", "lxc", ""},
	{"/lxc.monitor.web1", "", "", NULL, ""},
	{"/lxc", "", "", NULL, ""},
	{"/lxc.payload.", "", "", NULL, ""},
	{"/lxc.payload.web1/docker/" ID_A, "", ID_A, "docker", ""},
	{"/lxc.payload.a\\x2db", "", "a\\x2db", "lxc", ""},
	{"/machine.slice/machine-my\\x2dbox.scope/payload/system.slice/cron.service",
	 "cron.service", "my-box", "systemd-nspawn", ""},
	{"/machine.slice/machine-box.scope", "", "box", "systemd-nspawn", ""},
	{"/machine.slice/systemd-nspawn@box.service/payload", "", "box", "systemd-nspawn", ""},
	{"/machine.slice/systemd-nspawn@box.service/supervisor", "systemd-nspawn@box.service", "",
	 NULL, ""},
	{"/machine.slice/machine-box.scope/payload/lxc.payload.c\\x2dd", "", "c\\x2dd", "lxc", ""},
	{"/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt/emulator",
	 "machine-qemu-1-vm.scope", "", NULL, ""},
	{"/system.slice/machine-box.scope", "machine-box.scope", "", NULL, ""},
	/* cut at the front */
	{"...", "", "", NULL, ""},
	{"...nginx.service", "", "", NULL, ""},
	{".../nginx.service", "nginx.service", "", NULL, ""},
	{"...ker-" ID_A ".scope/init.scope", "init.scope", "", NULL, ""},
	{"...docker/" ID_A, "", ID_A, NULL, ""},
};

static void paths(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(examples); i++) {
		const struct example *example = &examples[i];
		struct cgroup_names names;

		memset(&names, 0xa5, sizeof(names));
		cgroup_parse(example->path, &names);
		if (strcmp(names.unit, example->unit) ||
		    strcmp(names.container, example->container) || strcmp(names.pod, example->pod))
			fail_msg("%s: unit %s, container %s, pod %s", example->path, names.unit,
				 names.container, names.pod);
		if (!example->runtime != !names.runtime ||
		    (names.runtime && strcmp(names.runtime, example->runtime)))
			fail_msg("%s: runtime %s", example->path,
				 names.runtime ? names.runtime : "NULL");
	}
}

/* A path of one name of so many letters and an end. */
static void make_long(char *path, const char *front, size_t letters, const char *end)
{
	size_t length = strlen(front);

	memcpy(path, front, length);
	memset(path + length, 'x', letters);
	strcpy(path + length + letters, end);
}

/* A name is there whole, or not at all. */
static void long_names(void **state)
{
	struct cgroup_names names;
	char path[600];

	(void)state;
	make_long(path, "/a.service/", 255 - 8, ".service");
	cgroup_parse(path, &names);
	assert_int_equal(strlen(names.unit), 255);
	make_long(path, "/a.service/", 256 - 8, ".service");
	cgroup_parse(path, &names);
	assert_string_equal(names.unit, "");
	make_long(path, "/a.service/\\x2d", 255 - 9, ".service");
	cgroup_parse(path, &names);
	assert_int_equal(strlen(names.unit), 255);
	make_long(path, "/a.slice/", 256 - 6, ".slice");
	cgroup_parse(path, &names);
	assert_string_equal(names.unit, "");
	make_long(path, "/lxc/", CGROUP_CONTAINER_BYTES - 1, "");
	cgroup_parse(path, &names);
	assert_int_equal(strlen(names.container), CGROUP_CONTAINER_BYTES - 1);
	assert_string_equal(names.runtime, "lxc");
	make_long(path, "/lxc/web/lxc/", CGROUP_CONTAINER_BYTES, "");
	cgroup_parse(path, &names);
	assert_string_equal(names.container, "");
	assert_null(names.runtime);
}

/* Pieces of the examples in any order, with noise: the sanitizers watch, and what comes out is a
 * string that is part of what went in. */
static void rubbish(void **state)
{
	uint64_t random = 1;
	static const char *const pieces[] = {
		"/",
		"docker-",
		ID_A,
		".scope",
		"machine.slice/machine-",
		"\\x2d",
		"\\x",
		"\\",
		"pod",
		UID,
		".slice",
		":",
		"cri-containerd",
		"kubepods-",
		"lxc.payload.",
		"...",
		"_",
		" (deleted)",
		".service",
		"systemd-nspawn@",
		"supervisor",
		"\xff\x01",
		"lxc/",
		"buildkit/",
		UID_,
	};

	(void)state;
	for (unsigned round = 0; round < 100000; round++) {
		struct cgroup_names names;
		size_t length = 0;
		char *path;

		for (unsigned i = 0; i < 2; i++) {
			uint64_t draw = random;

			path = i ? malloc(length + 1) : NULL;
			length = 0;
			for (unsigned n = unit_random(&draw) % 12; n; n--) {
				const char *piece = pieces[unit_random(&draw) % COUNT_OF(pieces)];

				if (path)
					memcpy(path + length, piece, strlen(piece));
				length += strlen(piece);
			}
			if (path)
				path[length] = '\0';
			if (i)
				random = draw;
		}
		memset(&names, 0xff, sizeof(names));
		cgroup_parse(path, &names);
		assert_non_null(memchr(names.unit, 0, sizeof(names.unit)));
		assert_non_null(memchr(names.container, 0, sizeof(names.container)));
		assert_non_null(memchr(names.pod, 0, sizeof(names.pod)));
		assert_true(!names.runtime || names.container[0]);
		if (strlen(names.container) == 64)
			assert_non_null(strstr(path, names.container));
		free(path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths),
		cmocka_unit_test(long_names),
		cmocka_unit_test(rubbish),
	};

	return cmocka_run_group_tests_name("cgroup", tests, NULL, NULL);
}

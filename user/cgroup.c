// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cgroup.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define CONTAINER_ID 64 /* hexadecimal digits */
#define BUILD_ID     25 /* digits of base 36, as BuildKit numbers the steps of a build */

static const char hexadecimal[] = "0123456789abcdef";
static const char base36[] = "0123456789abcdefghijklmnopqrstuvwxyz";

/* Part of the path. */
struct span {
	const char *at;
	size_t length;
};

/* What the components so far have told. The innermost of each kind replaces those around it. */
struct walk {
	struct span parent; /* the component before */
	struct span unit, slice, container, pod;
	struct span machine; /* the unit of the innermost systemd-nspawn */
	const char *runtime;
};

/* The names that runtimes put in front of an id: PREFIX-ID.scope with the systemd driver,
 * PREFIX-ID with cgroupfs, SLICE:PREFIX:ID where the two ends do not agree on the driver. */
static const struct {
	const char *prefix, *runtime;
} prefixes[] = {
	{"docker", "docker"},
	{"cri-containerd", "containerd"},
	{"nerdctl", "containerd"},
	{"crio", "cri-o"},
	{"libpod", "podman"},
	{"libpod-payload", "podman"}, /* within the service that runs podman: --cgroups=split */
};

/* The directories in which a bare id tells its runtime. */
static const struct {
	const char *parent, *runtime;
} parents[] = {
	{"docker", "docker"},	  {"default", "containerd"},   {"k8s.io", "containerd"},
	{"buildkit", "buildkit"}, {"libpod_parent", "podman"},
};

static bool equals(struct span span, const char *text)
{
	return strlen(text) == span.length && !memcmp(span.at, text, span.length);
}

static bool cut_prefix(struct span *span, const char *prefix)
{
	size_t length = strlen(prefix);

	if (span->length < length || memcmp(span->at, prefix, length))
		return false;
	span->at += length;
	span->length -= length;
	return true;
}

static bool cut_suffix(struct span *span, const char *suffix)
{
	size_t length = strlen(suffix);

	if (span->length < length || memcmp(span->at + span->length - length, suffix, length))
		return false;
	span->length -= length;
	return true;
}

static bool consists_of(struct span span, const char *digits)
{
	for (size_t i = 0; i < span.length; i++)
		if (!strchr(digits, span.at[i]))
			return false;
	return true;
}

static bool is_container_id(struct span span)
{
	return span.length == CONTAINER_ID && consists_of(span, hexadecimal);
}

/* As the kubelet writes it: a UUID with dashes or, in a slice, underscores; of a static pod a hash
 * of 32 digits. */
static bool is_pod_uid(struct span span)
{
	if (span.length == 32)
		return consists_of(span, hexadecimal);
	if (span.length != 36)
		return false;
	for (size_t i = 0; i < span.length; i++) {
		bool mark = i == 8 || i == 13 || i == 18 || i == 23;

		if (!strchr(mark ? "-_" : hexadecimal, span.at[i]))
			return false;
	}
	return true;
}

static void enter_container(struct walk *walk, struct span id, const char *runtime)
{
	walk->container = id;
	walk->runtime = runtime;
}

static bool visit_pod(struct walk *walk, struct span name)
{
	static const size_t lengths[] = {36, 32};
	bool slice = cut_suffix(&name, ".slice");

	for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct span uid = name, front = name;

		if (name.length < lengths[i])
			continue;
		uid.length = lengths[i];
		front.length = name.length - lengths[i];
		uid.at += front.length;
		if (!is_pod_uid(uid) ||
		    !(slice ? cut_suffix(&front, "-pod") : equals(front, "pod")))
			continue;
		walk->pod = uid;
		return true;
	}
	return false;
}

/* docker-ID.scope and the like. Where the runtime made a unit of it, that says no more than the
 * container does, nor does the unit around it. */
static bool visit_prefixed(struct walk *walk, struct span name)
{
	bool scope = cut_suffix(&name, ".scope");

	for (unsigned i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		struct span id = name;

		if (!cut_prefix(&id, prefixes[i].prefix) || !cut_prefix(&id, "-"))
			continue;
		if (!is_container_id(id) &&
		    !(i == 0 && id.length == BUILD_ID && consists_of(id, base36)))
			continue;
		enter_container(walk, id, prefixes[i].runtime);
		if (scope)
			walk->unit.length = 0;
		return true;
	}
	return false;
}

/* SLICE:PREFIX:ID, in the cgroup of the runtime's daemon, whose unit it is not. */
static bool visit_colons(struct walk *walk, struct span name)
{
	struct span id = name, slice = name;
	const char *colon = memchr(name.at, ':', name.length);

	if (!colon)
		return false;
	slice.length = colon - name.at;
	for (unsigned i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		id.at = colon + 1;
		id.length = name.length - slice.length - 1;
		if (!cut_prefix(&id, prefixes[i].prefix) || !cut_prefix(&id, ":") ||
		    !is_container_id(id))
			continue;
		visit_pod(walk, slice);
		enter_container(walk, id, prefixes[i].runtime);
		walk->unit.length = 0;
		return true;
	}
	return false;
}

static bool visit_bare(struct walk *walk, struct span name)
{
	const char *runtime = NULL;
	bool build = equals(walk->parent, "buildkit") && name.length == BUILD_ID &&
		     consists_of(name, base36);

	if (!build && !is_container_id(name))
		return false;
	for (unsigned i = 0; i < sizeof(parents) / sizeof(parents[0]); i++)
		if (equals(walk->parent, parents[i].parent))
			runtime = parents[i].runtime;
	enter_container(walk, name, runtime);
	return true;
}

static bool visit_lxc(struct walk *walk, struct span name)
{
	if (!equals(walk->parent, "lxc") && !equals(walk->parent, "lxc.payload") &&
	    !cut_prefix(&name, "lxc.payload."))
		return false;
	if (!name.length)
		return false;
	enter_container(walk, name, "lxc");
	return true;
}

/* libvirt registers its virtual machines in the same way: those are no containers. */
static bool visit_nspawn(struct walk *walk, struct span name)
{
	struct span machine = name, start;
	bool scope = equals(walk->parent, "machine.slice") && cut_prefix(&machine, "machine-") &&
		     cut_suffix(&machine, ".scope");

	if (!scope) {
		machine = name;
		if (!cut_prefix(&machine, "systemd-nspawn@") || !cut_suffix(&machine, ".service"))
			return false;
	}
	start = machine;
	if (!machine.length || (scope && cut_prefix(&start, "qemu\\x2d")))
		return false;
	enter_container(walk, machine, "systemd-nspawn");
	walk->unit.length = 0;
	walk->machine = name;
	return true;
}

/* What runs the container, and is not in it. */
static bool visit_supervisor(struct walk *walk, struct span name)
{
	if (!walk->machine.length || walk->parent.at != walk->machine.at ||
	    !equals(name, "supervisor"))
		return false;
	walk->unit = walk->machine;
	enter_container(walk, (struct span){.at = name.at}, NULL);
	return true;
}

/* Units that hold processes. */
static void visit_unit(struct walk *walk, struct span name)
{
	static const char *const types[] = {".service", ".scope", ".socket", ".mount", ".swap"};
	struct span rest = name;

	if (cut_suffix(&rest, ".slice") && rest.length)
		walk->slice = name;
	for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		rest = name;
		if (cut_suffix(&rest, types[i]) && rest.length)
			walk->unit = name;
	}
}

static void visit(struct walk *walk, struct span name)
{
	/* systemd's mark of names that the kernel has files of, such as memory.service. */
	if (name.length > 1)
		cut_prefix(&name, "_");
	if (!visit_prefixed(walk, name) && !visit_colons(walk, name) && !visit_bare(walk, name) &&
	    !visit_lxc(walk, name) && !visit_nspawn(walk, name) && !visit_supervisor(walk, name)) {
		visit_pod(walk, name);
		visit_unit(walk, name);
	}
	walk->parent = name;
}

static int digit(char character)
{
	const char *at = character ? strchr(hexadecimal, character) : NULL;

	return at ? (int)(at - hexadecimal) : -1;
}

/* Copies a name, with "\x2d" and the like decoded if it is a unit's. One that does not fit is left
 * out: half a name is another name. */
static void copy(char *text, size_t size, struct span name, bool escaped)
{
	size_t length = 0;

	for (size_t i = 0; i < name.length; i++) {
		char byte = name.at[i];

		if (escaped && byte == '\\' && name.length - i >= 4 && name.at[i + 1] == 'x') {
			int high = digit(name.at[i + 2]), low = digit(name.at[i + 3]);

			if (high >= 0 && low >= 0 && high + low) {
				byte = (char)(high << 4 | low);
				i += 3;
			}
		}
		if (length == size - 1) {
			length = 0;
			break;
		}
		text[length++] = byte;
	}
	text[length] = '\0';
}

static void copy_all(const struct walk *walk, struct cgroup_names *names)
{
	struct span unit = walk->unit;

	if (!unit.length && !walk->container.length)
		unit = walk->slice;
	copy(names->unit, sizeof(names->unit), unit, true);
	copy(names->container, sizeof(names->container), walk->container,
	     walk->machine.length && walk->container.at > walk->machine.at &&
		     walk->container.at < walk->machine.at + walk->machine.length);
	if (names->container[0])
		names->runtime = walk->runtime;
	copy(names->pod, sizeof(names->pod), walk->pod, false);
	for (char *at = names->pod; *at; at++)
		if (*at == '_')
			*at = '-';
}

void cgroup_parse(const char *path, struct cgroup_names *names)
{
	struct span left = {.at = path, .length = strlen(path)}, cut = left;
	struct walk walk = {.parent = {.at = path}};

	memset(names, 0, sizeof(*names));
	walk.unit = walk.slice = walk.container = walk.pod = walk.machine = walk.parent;
	cut_suffix(&left, " (deleted)"); /* says /proc/PID/cgroup */
	if (cut_prefix(&cut, "...")) {
		/* What stands in front of the first slash may be half a name. */
		const char *slash = memchr(left.at, '/', left.length);

		left.length = slash ? left.length - (slash - left.at) : 0;
		left.at = slash ? slash : left.at;
	}
	while (left.length) {
		const char *slash = memchr(left.at, '/', left.length);
		struct span name = left;

		if (slash)
			name.length = slash - left.at;
		if (name.length)
			visit(&walk, name);
		left.at += name.length + (slash != NULL);
		left.length -= name.length + (slash != NULL);
	}
	copy_all(&walk, names);
}

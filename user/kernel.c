// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "names.h"
#include "types.h"

#define OWN_BTF "/sys/kernel/btf/vmlinux"

/* What BPF objects name: the structs of vmlinux.h. */
static const char *const structs[] = {
#include "kernel_structs.h"
};
/* What is asked for here. */
static const char *const asked[] = {"sk_rst_reason", "skb_drop_reason", "bpf_rdonly_cast"};

#define STRUCTS	   (sizeof(structs) / sizeof(structs[0]))
#define ASKED	   (sizeof(asked) / sizeof(asked[0]))
#define NAMES_MOST 64 /* that a caller asks for */

/* A function prototype's number of arguments; 0 if the type is none. */
static int count_arguments(const struct btf *btf, uint32_t id)
{
	const struct btf_type *type = btf__type_by_id(btf, id);

	return type && btf_is_func_proto(type) ? btf_vlen(type) : 0;
}

void kernel_tracepoint_type(char name[KERNEL_TYPE_BYTES], const char *tracepoint)
{
	snprintf(name, KERNEL_TYPE_BYTES, "btf_trace_%s", tracepoint);
}

int kernel_tracepoint(const struct kernel *kernel, const char *tracepoint)
{
	const struct btf_type *type;
	char name[KERNEL_TYPE_BYTES];
	int id;

	kernel_tracepoint_type(name, tracepoint);
	id = btf__find_by_name_kind(kernel->btf, name, BTF_KIND_TYPEDEF);
	if (id < 0)
		return 0;
	type = btf__type_by_id(kernel->btf, btf__type_by_id(kernel->btf, id)->type);
	if (!type || !btf_is_ptr(type))
		return 0;
	/* The prototype has one more in front, the registered data. */
	return count_arguments(kernel->btf, type->type) - 1;
}

/* A module's BTF builds on all of the kernel's. */
static struct btf *load_module(const char *module, struct btf **base)
{
	struct btf *split;
	char path[64];

	snprintf(path, sizeof(path), "/sys/kernel/btf/%s", module);
	if (access(path, F_OK))
		return NULL;
	*base = btf__load_vmlinux_btf();
	if (!*base)
		return NULL;
	split = btf__parse_split(path, *base);
	if (!split)
		btf__free(*base);
	return split;
}

int kernel_function(const struct kernel *kernel, const char *module, const char *function,
		    uint32_t *id)
{
	struct btf *base = NULL, *btf = module ? load_module(module, &base) : kernel->btf;
	int found, arguments = -ENOENT;

	if (!btf)
		return -ENOENT;
	found = btf__find_by_name_kind(btf, function, BTF_KIND_FUNC);
	if (found > 0) {
		*id = found;
		arguments = count_arguments(btf, btf__type_by_id(btf, found)->type);
	}
	if (module) {
		btf__free(btf);
		btf__free(base);
	}
	return arguments;
}

/* The enum's values whose names begin with the prefix, without it. */
static unsigned read_reasons(const struct btf *btf, const char *name, const char *prefix,
			     struct record_reason *reasons, unsigned capacity, unsigned kind)
{
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_ENUM);
	const struct btf_type *type;
	const struct btf_enum *values;
	unsigned count = 0;

	if (id < 0)
		return 0;
	type = btf__type_by_id(btf, id);
	values = btf_enum(type);
	for (unsigned i = 0; i < btf_vlen(type); i++) {
		const char *value = btf__name_by_offset(btf, values[i].name_off);
		uint32_t number = values[i].val;

		if (!value || strncmp(value, prefix, strlen(prefix)) || number >= capacity ||
		    count == capacity)
			continue;
		value += strlen(prefix);
		if (!strcmp(value, "MAX"))
			continue;
		reasons[count].head = (struct record)RECORD_HEAD(record_reason, kind);
		reasons[count].number = number;
		snprintf(reasons[count].name, sizeof(reasons[count].name), "%s", value);
		count++;
	}
	return count;
}

static bool has_reason(const struct record_reason *reasons, unsigned count, const char *name)
{
	for (unsigned i = 0; i < count; i++)
		if (!strcmp(reasons[i].name, name))
			return true;
	return false;
}

static void read_facts(struct kernel *kernel)
{
	struct coverage_kernel *facts = &kernel->facts;
	int drop = kernel_tracepoint(kernel, "kfree_skb");
	uint32_t id;

	facts->send_reason = kernel_tracepoint(kernel, "tcp_send_reset") > 2;
	facts->active_reason =
		facts->send_reason &&
		has_reason(kernel->reasons, kernel->reason_count, "TCP_ABORT_ON_CLOSE");
	facts->drop_reason = drop > 2;
	facts->drop_socket = drop > 3;
	/* The reason came with the change from __kfree_skb() to kfree_skb_reason() (5.19). */
	facts->drop_rejected =
		facts->drop_reason &&
		has_reason(kernel->drop_reasons, kernel->drop_reason_count, "TCP_RESET");
	facts->request_reason = kernel_function(kernel, NULL, "tcp_check_req", &id) > 5;
	kernel->casts =
		kernel->own && kernel_function(kernel, NULL, "bpf_rdonly_cast", &kernel->cast) > 0;
}

/* Writes them to a file for libbpf, which takes no other way. */
static void offer(struct kernel *kernel, const struct types *types)
{
	int fd = memfd_create("rstwatch-types", MFD_CLOEXEC);

	if (fd < 0)
		return;
	snprintf(kernel->types_path, sizeof(kernel->types_path), "/proc/self/fd/%d", fd);
	if (types_write_structs(types, fd) || access(kernel->types_path, R_OK)) {
		close(fd);
		return;
	}
	kernel->types_fd = fd;
	kernel->path = kernel->types_path;
}

/* The kernel's own: the structs, and what is called by these names. */
static int cut(struct types *types, const char *const *names, unsigned count)
{
	const char *all[STRUCTS + ASKED + NAMES_MOST];

	if (count > NAMES_MOST)
		return -EINVAL;
	memcpy(all, structs, sizeof(structs));
	memcpy(all + STRUCTS, asked, sizeof(asked));
	if (count)
		memcpy(all + STRUCTS + ASKED, names, count * sizeof(*names));
	return types_read(types, OWN_BTF, all, STRUCTS + ASKED + count);
}

/* All of it, if there is no memory for less. */
static struct btf *load_own(struct kernel *kernel, const char *const *names, unsigned count)
{
	struct types types;
	struct btf *btf;

	if (cut(&types, names, count))
		return btf__load_vmlinux_btf();
	btf = btf__new(types.data, types.size);
	if (btf)
		offer(kernel, &types);
	free(types.data);
	return btf ? btf : btf__load_vmlinux_btf();
}

int kernel_open(struct kernel *kernel, const char *path, const char *const *names, unsigned count,
		char *error, size_t error_size)
{
	char reason[128];
	int code;

	kernel->path = path;
	kernel->own = !path;
	kernel->types_fd = -1;
	kernel->btf = path ? btf__parse(path, NULL) : load_own(kernel, names, count);
	if (!kernel->btf) {
		code = -errno;
		libbpf_strerror(code, reason, sizeof(reason)); /* it has numbers of its own */
		if (path)
			snprintf(error, error_size, "cannot read BTF from %s: %s", path, reason);
		else
			snprintf(error, error_size,
				 "this kernel has no BTF (/sys/kernel/btf/vmlinux): use one built "
				 "with CONFIG_DEBUG_INFO_BTF, or name a file that has it with "
				 "--btf");
		return code;
	}
	kernel->reason_count = read_reasons(kernel->btf, "sk_rst_reason", "SK_RST_REASON_",
					    kernel->reasons, RST_REASONS, RECORD_REASON);
	kernel->drop_reason_count =
		read_reasons(kernel->btf, "skb_drop_reason", "SKB_DROP_REASON_",
			     kernel->drop_reasons, RST_DROP_REASONS, RECORD_DROP_REASON);
	read_facts(kernel);
	return 0;
}

void kernel_close(struct kernel *kernel)
{
	btf__free(kernel->btf);
	kernel->btf = NULL;
	if (!kernel->own || kernel->types_fd < 0)
		return;
	close(kernel->types_fd);
	kernel->types_fd = -1;
	kernel->path = NULL;
}

void kernel_reopen(struct kernel *kernel)
{
	struct types types;

	if (!kernel->own || cut(&types, NULL, 0))
		return;
	offer(kernel, &types);
	free(types.data);
}

void kernel_settings(const struct kernel *kernel, struct rst_settings *settings)
{
	settings->send_reason = kernel->facts.send_reason;
	settings->drop_reason = kernel->facts.drop_reason;
	settings->drop_socket = kernel->facts.drop_socket;
	for (unsigned i = 0; i < kernel->reason_count; i++)
		settings->meaning[kernel->reasons[i].number] =
			name_reason_meaning(kernel->reasons[i].name);
	for (unsigned i = 0; i < kernel->drop_reason_count; i++) {
		const struct record_reason *reason = &kernel->drop_reasons[i];

		settings->dropped[reason->number] = name_drop_meaning(reason->name);
		if (!strcmp(reason->name, "TCP_FLAGS"))
			settings->drop_flags = reason->number;
		else if (!strcmp(reason->name, "TCP_INVALID_SYN"))
			settings->drop_syn = reason->number;
	}
}

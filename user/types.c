// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "types.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/btf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SLOTS 512 /* of the set of names: a power of two, more than twice as many as there are */

struct cut {
	const uint8_t *types, *types_end;
	const char *strings;
	size_t strings_size;
	uint32_t count;	   /* of types, the first of which has id 1 */
	uint32_t *offsets; /* of each, by its id */
	uint8_t *kept;	   /* by id */
	uint32_t *pending; /* ids that are kept, and whose parts are still to be looked at */
	uint32_t pending_count;
	uint32_t *later; /* ids of what is no struct, union or enum: kept after those */
	uint32_t later_count;
	uint32_t last, last_struct; /* the highest that is kept; that structs have */
	const char *names[SLOTS];
	uint8_t begins[1 << 13]; /* a bit for each pair of characters that a name begins with */
};

static unsigned kind_of(const struct btf_type *type)
{
	return BTF_INFO_KIND(type->info);
}

/* What follows a struct btf_type: entries of that size. All of those with names begin with it. */
static size_t entry_size(unsigned kind)
{
	switch (kind) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return sizeof(struct btf_enum);
	case BTF_KIND_ENUM64:
		return sizeof(struct btf_enum64);
	case BTF_KIND_FUNC_PROTO:
		return sizeof(struct btf_param);
	case BTF_KIND_DATASEC:
		return sizeof(struct btf_var_secinfo);
	default:
		return 0;
	}
}

static size_t extra_size(unsigned kind)
{
	switch (kind) {
	case BTF_KIND_INT:
		return sizeof(uint32_t);
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_VAR:
		return sizeof(struct btf_var);
	case BTF_KIND_DECL_TAG:
		return sizeof(struct btf_decl_tag);
	default:
		return 0;
	}
}

static size_t type_size(const struct btf_type *type)
{
	unsigned kind = kind_of(type);

	return sizeof(*type) + extra_size(kind) + entry_size(kind) * BTF_INFO_VLEN(type->info);
}

static const struct btf_type *type_at(const struct cut *cut, uint32_t id)
{
	return (const void *)(cut->types + cut->offsets[id]);
}

/* "" if there is none. */
static const char *string_at(const struct cut *cut, uint32_t offset)
{
	return cut->strings + (offset < cut->strings_size ? offset : 0);
}

/* --- the names that are asked for --- */

/* Where its search begins. */
static size_t hash_name(const char *name)
{
	uint32_t hash = 2166136261u;

	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 16777619u;
	return hash ^ hash >> 15;
}

static unsigned beginning_of(const char *name)
{
	return (uint8_t)name[0] << 8 | (name[0] ? (uint8_t)name[1] : 0);
}

static bool is_named(const struct cut *cut, const char *name)
{
	unsigned beginning = beginning_of(name);

	if (!(cut->begins[beginning >> 3] >> (beginning & 7) & 1))
		return false;
	for (size_t i = hash_name(name);; i++) {
		const char *held = cut->names[i & (SLOTS - 1)];

		if (!held)
			return false;
		if (!strcmp(held, name))
			return true;
	}
}

static int add_names(struct cut *cut, const char *const *names, unsigned count)
{
	if (count > SLOTS / 2)
		return -EINVAL;
	for (unsigned i = 0; i < count; i++) {
		size_t at = hash_name(names[i]);

		while (cut->names[at & (SLOTS - 1)])
			at++;
		cut->names[at & (SLOTS - 1)] = names[i];
		cut->begins[beginning_of(names[i]) >> 3] |= 1 << (beginning_of(names[i]) & 7);
	}
	return 0;
}

/* --- what is kept --- */

static void keep(struct cut *cut, uint32_t id)
{
	if (!id || id > cut->count || cut->kept[id])
		return; /* void, or no type */
	cut->kept[id] = 1;
	cut->pending[cut->pending_count++] = id;
	if (id > cut->last)
		cut->last = id;
}

static bool is_struct(unsigned kind)
{
	return kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION || kind == BTF_KIND_ENUM ||
	       kind == BTF_KIND_ENUM64;
}

/* Keeps a type that is asked for. */
static void ask(struct cut *cut, uint32_t id, const struct btf_type *type)
{
	unsigned kind = kind_of(type);
	bool structs = is_struct(kind);

	if (!structs && kind != BTF_KIND_TYPEDEF && kind != BTF_KIND_FUNC)
		return;
	if (!is_named(cut, string_at(cut, type->name_off)))
		return;
	if (structs)
		keep(cut, id);
	else
		cut->later[cut->later_count++] = id;
}

/* Finds where every type is, and those that are asked for. False: these are no types. */
static bool find(struct cut *cut)
{
	const uint8_t *at = cut->types;

	while ((size_t)(cut->types_end - at) >= sizeof(struct btf_type)) {
		const struct btf_type *type = (const void *)at;

		if (kind_of(type) == BTF_KIND_UNKN || kind_of(type) > BTF_KIND_ENUM64 ||
		    type_size(type) > (size_t)(cut->types_end - at))
			return false;
		cut->offsets[++cut->count] = at - cut->types;
		ask(cut, cut->count, type);
		at += type_size(type);
	}
	return at == cut->types_end;
}

/* The parts of a type that is kept. */
static void keep_parts(struct cut *cut, const struct btf_type *type)
{
	const struct btf_member *members = (const void *)(type + 1);

	switch (kind_of(type)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		for (unsigned i = 0; i < BTF_INFO_VLEN(type->info); i++)
			keep(cut, members[i].type);
		break;
	case BTF_KIND_ARRAY:
		keep(cut, ((const struct btf_array *)(type + 1))->type);
		keep(cut, ((const struct btf_array *)(type + 1))->index_type);
		break;
	case BTF_KIND_PTR:
		if (type->type && type->type <= cut->count &&
		    kind_of(type_at(cut, type->type)) == BTF_KIND_FUNC_PROTO)
			keep(cut, type->type);
		break;
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
	case BTF_KIND_FUNC:
		keep(cut, type->type);
		break;
	}
}

static void keep_all_parts(struct cut *cut)
{
	while (cut->pending_count)
		keep_parts(cut, type_at(cut, cut->pending[--cut->pending_count]));
}

static void keep_all(struct cut *cut)
{
	keep_all_parts(cut);
	cut->last_struct = cut->last;
	for (uint32_t i = 0; i < cut->later_count; i++)
		keep(cut, cut->later[i]);
	keep_all_parts(cut);
}

/* --- what is written --- */

struct output {
	uint8_t *types;
	size_t types_size;
	char *strings;
	size_t strings_size;
};

/* Its place among the strings that are kept. */
static uint32_t write_string(struct output *output, const struct cut *cut, uint32_t offset)
{
	const char *string = string_at(cut, offset);
	size_t size = strlen(string) + 1, at = output->strings_size;

	if (size == 1)
		return 0;
	memcpy(output->strings + at, string, size);
	output->strings_size += size;
	return at;
}

static void write_type(struct output *output, const struct cut *cut, uint32_t id)
{
	static const struct btf_type left_out = {.info = BTF_KIND_PTR << 24};
	uint8_t *at = output->types + output->types_size;
	struct btf_type *made = (void *)at;
	const struct btf_type *type;
	size_t each;

	if (!cut->kept[id]) {
		*made = left_out;
		output->types_size += sizeof(*made);
		return;
	}
	type = type_at(cut, id);
	each = entry_size(kind_of(type));
	memcpy(at, type, type_size(type));
	output->types_size += type_size(type);
	made->name_off = write_string(output, cut, type->name_off);
	for (unsigned i = 0; each && i < BTF_INFO_VLEN(type->info); i++) {
		uint32_t *name = (void *)(at + sizeof(*type) + i * each);

		*name = write_string(output, cut, *name);
	}
}

/* What one of its strings takes at most. */
static size_t string_room(const struct cut *cut, uint32_t offset)
{
	return strlen(string_at(cut, offset)) + 1;
}

/* How much memory all of it takes at most. */
static void measure(const struct cut *cut, struct output *output)
{
	output->strings_size = 1;
	for (uint32_t id = 1; id <= cut->last; id++) {
		const struct btf_type *type;
		size_t each;

		if (!cut->kept[id]) {
			output->types_size += sizeof(*type);
			continue;
		}
		type = type_at(cut, id);
		each = entry_size(kind_of(type));
		output->types_size += type_size(type);
		output->strings_size += string_room(cut, type->name_off);
		for (unsigned i = 0; each && i < BTF_INFO_VLEN(type->info); i++)
			output->strings_size += string_room(
				cut, *(const uint32_t *)((const uint8_t *)(type + 1) + i * each));
	}
}

static int write_all(const struct cut *cut, struct types *types)
{
	struct output output = {0};
	struct btf_header *header;

	measure(cut, &output);
	*types = (struct types){0};
	types->data = calloc(1, sizeof(*header) + output.types_size + output.strings_size);
	if (!types->data)
		return -ENOMEM;
	header = types->data;
	*header = (struct btf_header){.magic = BTF_MAGIC,
				      .version = BTF_VERSION,
				      .hdr_len = sizeof(*header),
				      .type_len = output.types_size,
				      .str_off = output.types_size};
	output.types = (uint8_t *)(header + 1);
	output.strings = (char *)output.types + output.types_size;
	output.types_size = 0;
	output.strings_size = 1;
	for (uint32_t id = 1; id <= cut->last; id++) {
		write_type(&output, cut, id);
		if (id == cut->last_struct)
			types->structs_size = output.types_size;
	}
	header->str_len = output.strings_size;
	types->size = sizeof(*header) + header->type_len + header->str_len;
	return 0;
}

/* --- all of it --- */

static int begin(struct cut *cut, const void *btf, size_t size)
{
	const struct btf_header *header = btf;
	uint64_t types, strings;

	if (size < sizeof(*header) || header->magic != BTF_MAGIC || header->hdr_len % 4 ||
	    header->type_off % 4)
		return -EINVAL;
	types = (uint64_t)header->hdr_len + header->type_off;
	strings = (uint64_t)header->hdr_len + header->str_off;
	if (types + header->type_len > size || !header->str_len || strings + header->str_len > size)
		return -EINVAL;
	cut->types = (const uint8_t *)btf + types;
	cut->types_end = cut->types + header->type_len;
	cut->strings = (const char *)btf + strings;
	cut->strings_size = header->str_len;
	if (cut->strings[0] || cut->strings[cut->strings_size - 1])
		return -EINVAL;
	return 0;
}

int types_cut(struct types *types, const void *btf, size_t size, const char *const *names,
	      unsigned count)
{
	struct cut cut = {0};
	int code = begin(&cut, btf, size);
	size_t most;

	if (!code)
		code = add_names(&cut, names, count);
	if (code)
		return code;
	most = (cut.types_end - cut.types) / sizeof(struct btf_type) + 1;
	cut.offsets = calloc(most, sizeof(*cut.offsets));
	cut.pending = calloc(most, sizeof(*cut.pending));
	cut.later = calloc(most, sizeof(*cut.later));
	cut.kept = calloc(most, 1);
	code = -ENOMEM;
	if (cut.offsets && cut.pending && cut.later && cut.kept)
		code = find(&cut) ? 0 : -EINVAL;
	if (!code) {
		keep_all(&cut);
		code = write_all(&cut, types);
	}
	free(cut.offsets);
	free(cut.pending);
	free(cut.later);
	free(cut.kept);
	return code;
}

/* A page at a time, which is what the kernel gives. */
static int read_whole(int fd, uint8_t *bytes, size_t size)
{
	size_t held = 0;

	while (held < size) {
		ssize_t got = read(fd, bytes + held, size - held);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EINVAL;
		held += got;
	}
	return 0;
}

static int cut_copy(struct types *types, int fd, size_t size, const char *const *names,
		    unsigned count)
{
	uint8_t *copy = malloc(size);
	int code = copy ? read_whole(fd, copy, size) : -ENOMEM;

	if (!code)
		code = types_cut(types, copy, size, names, count);
	free(copy);
	return code;
}

int types_read(struct types *types, const char *path, const char *const *names, unsigned count)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), code;
	struct stat status;
	void *mapped;

	if (fd < 0 || fstat(fd, &status)) {
		code = -errno;
		if (fd >= 0)
			close(fd);
		return code;
	}
	mapped = mmap(NULL, status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (mapped != MAP_FAILED) {
		code = types_cut(types, mapped, status.st_size, names, count);
		munmap(mapped, status.st_size);
	} else { /* before Linux 6.16 it cannot be mapped */
		code = cut_copy(types, fd, status.st_size, names, count);
	}
	close(fd);
	return code;
}

int types_write_structs(const struct types *types, int fd)
{
	struct btf_header header = *(const struct btf_header *)types->data;
	uint8_t *data = types->data;
	struct iovec parts[] = {
		{&header, sizeof(header)},
		{data + sizeof(header), types->structs_size},
		{data + sizeof(header) + header.str_off, header.str_len},
	};
	ssize_t size = sizeof(header) + types->structs_size + header.str_len;

	header.type_len = header.str_off = types->structs_size;
	return writev(fd, parts, 3) == size ? 0 : -EIO;
}

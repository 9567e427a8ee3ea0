/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel's BTF, cut down to the types that are asked for. libbpf looks through all of some
 * 130,000 types for every one that a BPF object names, and so often for every object: half of what
 * a start would take.
 *
 * What is kept has its name and its id, as a program may hand an id to the kernel. With it goes
 * what it has inside: the types of its members, but not those that it points to (prototypes
 * excepted). All others have become void pointers, and those behind the last that is kept are left
 * out.
 */
#ifndef RSTWATCH_TYPES_H
#define RSTWATCH_TYPES_H

#include <stddef.h>

struct types {
	void *data; /* BTF; freed by the caller */
	size_t size;
	size_t structs_size; /* of the types up to the last that a struct, union or enum needs */
};

/*
 * Cuts down BTF, size bytes of it, to the structs, unions, enums, typedefs and functions of those
 * names. 0; -EINVAL: it is none; -ENOMEM.
 */
int types_cut(struct types *types, const void *btf, size_t size, const char *const *names,
	      unsigned count);
/* The same of a file of the kernel's. Also -errno. */
int types_read(struct types *types, const char *path, const char *const *names, unsigned count);
/* Writes to a file the structs, unions and enums of it, which is all that libbpf looks for. 0 or
 * -errno. */
int types_write_structs(const struct types *types, int fd);

#endif

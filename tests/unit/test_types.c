// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit.h"

#include <linux/btf.h>

#include "types.h"

/* A kernel of eleven types. */
static const char strings[] = "\0int\0sock\0state\0unused\0sock_t\0tcp_send\0argument\0";

enum {
	S_INT = 1,
	S_SOCK = 5,
	S_STATE = 10,
	S_UNUSED = 16,
	S_SOCK_T = 23,
	S_TCP_SEND = 30,
	S_ARGUMENT = 39,
};

#define INFO(kind, length) ((kind) << 24 | (length))

struct kernel_btf {
	struct btf_header header;
	uint32_t types[64];
	char strings[sizeof(strings)];
};

static const uint32_t kernel_types[] = {
	S_INT,	    INFO(BTF_KIND_INT, 0),	  4,  32,		/* 1: int */
	S_UNUSED,   INFO(BTF_KIND_STRUCT, 1),	  4,  S_STATE,	  1, 0, /* 2: unused */
	0,	    INFO(BTF_KIND_PTR, 0),	  2,			/* 3: unused * */
	S_SOCK,	    INFO(BTF_KIND_STRUCT, 3),	  24, S_STATE,	  8, 0, 0, 3, 64, S_INT, 6,
	128,								   /* 4: sock */
	S_SOCK,	    INFO(BTF_KIND_FUNC, 0),	  9,			   /* 5: sock() */
	0,	    INFO(BTF_KIND_UNION, 1),	  4,  S_ARGUMENT, 1, 0,	   /* 6: inside sock */
	S_SOCK_T,   INFO(BTF_KIND_TYPEDEF, 0),	  10,			   /* 7: sock_t */
	0,	    INFO(BTF_KIND_VOLATILE, 0),	  1,			   /* 8: volatile int */
	0,	    INFO(BTF_KIND_FUNC_PROTO, 2), 1,  S_ARGUMENT, 3, 0, 0, /* 9: its prototype */
	0,	    INFO(BTF_KIND_PTR, 0),	  9,			   /* 10: a pointer to it */
	S_TCP_SEND, INFO(BTF_KIND_FUNC, 1),	  9,			   /* 11: tcp_send() */
};

static void make_kernel(struct kernel_btf *kernel)
{
	memset(kernel, 0, sizeof(*kernel));
	kernel->header = (struct btf_header){
		.magic = BTF_MAGIC,
		.version = BTF_VERSION,
		.hdr_len = sizeof(kernel->header),
		.type_len = sizeof(kernel_types),
		.str_off = sizeof(kernel->types),
		.str_len = sizeof(strings),
	};
	memcpy(kernel->types, kernel_types, sizeof(kernel_types));
	memcpy(kernel->strings, strings, sizeof(strings));
}

/* The type of an id: its kind and its name, "" if it has none. All here take 3 words and some. */
static const struct btf_type *type_of(const struct types *types, uint32_t id, const char **name)
{
	const struct btf_header *header = types->data;
	const uint32_t *at = (const void *)(header + 1);

	for (uint32_t i = 1; i < id; i++) {
		const struct btf_type *type = (const void *)at;
		unsigned length = BTF_INFO_VLEN(type->info);

		at += 3;
		switch (BTF_INFO_KIND(type->info)) {
		case BTF_KIND_INT:
			at++;
			break;
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
			at += 3 * length;
			break;
		case BTF_KIND_FUNC_PROTO:
			at += 2 * length;
			break;
		}
	}
	*name = (const char *)(header + 1) + header->str_off +
		((const struct btf_type *)at)->name_off;
	return (const void *)at;
}

static void assert_type(const struct types *types, uint32_t id, unsigned kind, const char *name)
{
	const char *held;
	const struct btf_type *type = type_of(types, id, &held);

	if (BTF_INFO_KIND(type->info) != kind || strcmp(held, name))
		fail_msg("type %u is of kind %u, '%s'", id, BTF_INFO_KIND(type->info), held);
}

static void what_is_asked_for_keeps_its_id(void **state)
{
	static const char *const names[] = {"sock", "missing"};
	const struct btf_header *header;
	struct kernel_btf kernel;
	struct types types;

	(void)state;
	make_kernel(&kernel);
	assert_int_equal(types_cut(&types, &kernel, sizeof(kernel), names, 2), 0);
	assert_type(&types, 1, BTF_KIND_INT, "int");
	assert_type(&types, 2, BTF_KIND_PTR, ""); /* only pointed to */
	assert_type(&types, 3, BTF_KIND_PTR, "");
	assert_type(&types, 4, BTF_KIND_STRUCT, "sock");
	assert_type(&types, 5, BTF_KIND_FUNC, "sock");
	assert_type(&types, 6, BTF_KIND_UNION, "");
	assert_type(&types, 7, BTF_KIND_PTR, "");
	assert_type(&types, 8, BTF_KIND_VOLATILE, "");
	assert_type(&types, 9, BTF_KIND_FUNC_PROTO, "");
	header = types.data;
	/* What is behind the last that is kept is left out. */
	assert_int_equal(header->type_len, 8 * sizeof(struct btf_type) + 3 * 12 + 12 + 4 +
						   sizeof(struct btf_type) + 2 * 8);
	free(types.data);
}

static void members_keep_their_names(void **state)
{
	static const char *const names[] = {"sock"};
	const struct btf_member *members;
	const struct btf_header *header;
	struct kernel_btf kernel;
	struct types types;
	const char *name, *held;

	(void)state;
	make_kernel(&kernel);
	assert_int_equal(types_cut(&types, &kernel, sizeof(kernel), names, 1), 0);
	header = types.data;
	held = (const char *)(header + 1) + header->str_off;
	members = (const void *)(type_of(&types, 4, &name) + 1);
	assert_string_equal(held + members[0].name_off, "state");
	assert_int_equal(members[0].type, 8);
	assert_int_equal(members[1].name_off, 0);
	assert_int_equal(members[1].type, 3);
	assert_string_equal(held + members[2].name_off, "int");
	assert_int_equal(members[2].offset, 128);
	free(types.data);
}

/* The tracepoints' way: a typedef of a pointer to a prototype. */
static void prototypes_are_kept_behind_pointers(void **state)
{
	static const char *const names[] = {"sock_t", "tcp_send"};
	struct kernel_btf kernel;
	struct types types;

	(void)state;
	make_kernel(&kernel);
	assert_int_equal(types_cut(&types, &kernel, sizeof(kernel), names, 2), 0);
	assert_type(&types, 4, BTF_KIND_PTR, "");
	assert_type(&types, 7, BTF_KIND_TYPEDEF, "sock_t");
	assert_type(&types, 9, BTF_KIND_FUNC_PROTO, "");
	assert_type(&types, 10, BTF_KIND_PTR, "");
	assert_type(&types, 11, BTF_KIND_FUNC, "tcp_send");
	assert_int_equal(types.structs_size, 0); /* there are none */
	free(types.data);
}

/* Whatever stands in the file: cut off anywhere, and with any word changed. */
static void what_is_broken_is_refused_or_cut(void **state)
{
	static const char *const names[] = {"sock", "sock_t", "tcp_send", "int", "unused"};
	struct kernel_btf kernel;
	struct types types;

	(void)state;
	make_kernel(&kernel);
	for (size_t size = 0; size < offsetof(struct kernel_btf, strings) + sizeof(strings); size++)
		assert_int_equal(types_cut(&types, &kernel, size, names, 5), -EINVAL);
	for (size_t word = 0; word < sizeof(kernel) / 4; word++)
		for (unsigned bit = 0; bit < 32; bit++) {
			uint32_t *words = (void *)&kernel;
			int code;

			words[word] ^= 1u << bit;
			code = types_cut(&types, &kernel, sizeof(kernel), names, 5);
			words[word] ^= 1u << bit;
			assert_true(code == 0 || code == -EINVAL);
			if (!code)
				free(types.data);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_asked_for_keeps_its_id),
		cmocka_unit_test(members_keep_their_names),
		cmocka_unit_test(prototypes_are_kept_behind_pointers),
		cmocka_unit_test(what_is_broken_is_refused_or_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit.h"

#include <linux/capability.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "privilege.h"

#define BIT(capability) (1ULL << (capability))

static void get(uint64_t *effective, uint64_t *permitted)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	assert_int_equal(syscall(SYS_capget, &header, data), 0);
	*effective = data[0].effective | (uint64_t)data[1].effective << 32;
	*permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
}

/* Of those permitted, only these are effective. */
static int set(uint64_t effective, uint64_t permitted)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {
		{.effective = (uint32_t)effective, .permitted = (uint32_t)permitted},
		{.effective = effective >> 32, .permitted = permitted >> 32},
	};

	return syscall(SYS_capset, &header, data);
}

static bool is_enough(uint64_t effective)
{
	const uint64_t both = BIT(CAP_BPF) | BIT(CAP_PERFMON);

	return effective & BIT(CAP_SYS_ADMIN) || (effective & both) == both;
}

static void names(uint64_t effective, char expected[64])
{
	bool bpf = effective & BIT(CAP_BPF), perfmon = effective & BIT(CAP_PERFMON);

	snprintf(expected, 64, "%s%s%s", bpf ? "" : "CAP_BPF", bpf || perfmon ? "" : " and ",
		 perfmon ? "" : "CAP_PERFMON");
}

static void as_it_is(void **state)
{
	uint64_t effective, permitted;
	char missing[64] = "untouched", expected[64];
	bool enough;

	(void)state;
	get(&effective, &permitted);
	enough = privilege_check(missing, sizeof(missing));
	assert_int_equal(enough, is_enough(effective));
	names(effective, expected);
	assert_string_equal(missing, enough ? "untouched" : expected);
	assert_int_equal(privilege_check(missing, sizeof(missing)), enough); /* as before */
}

/* In a process of its own, with these capabilities only. */
static void check_with(uint64_t wanted)
{
	uint64_t effective, permitted;
	int status;
	pid_t child;

	get(&effective, &permitted);
	wanted &= permitted; /* without root none are left, which is a case too */
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		char missing[64] = "", expected[64];
		bool enough;

		if (set(wanted, permitted))
			_exit(1);
		enough = privilege_check(missing, sizeof(missing));
		if (enough != is_enough(wanted))
			_exit(2);
		names(wanted, expected);
		_exit(!enough && strcmp(missing, expected) ? 3 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void with_none(void **state)
{
	(void)state;
	check_with(0);
}

static void with_each_of_the_three(void **state)
{
	static const unsigned three[] = {CAP_BPF, CAP_PERFMON, CAP_SYS_ADMIN};

	(void)state;
	for (unsigned set_of = 0; set_of < 8; set_of++) {
		uint64_t wanted = 0;

		for (unsigned i = 0; i < COUNT_OF(three); i++)
			if (set_of & 1U << i)
				wanted |= BIT(three[i]);
		check_with(wanted);
	}
}

static void others_do_not_help(void **state)
{
	(void)state;
	check_with(~(BIT(CAP_BPF) | BIT(CAP_PERFMON) | BIT(CAP_SYS_ADMIN)));
	check_with(~(BIT(CAP_BPF) | BIT(CAP_SYS_ADMIN)));
}

static void a_small_buffer(void **state)
{
	uint64_t effective, permitted;
	int status;
	pid_t child;

	(void)state;
	get(&effective, &permitted);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		char missing[4] = {'x', 'x', 'x', 'x'};

		if (set(0, permitted) || privilege_check(missing, 3))
			_exit(1);
		_exit(strcmp(missing, "CA") || missing[3] != 'x' ? 2 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_it_is),
		cmocka_unit_test(with_none),
		cmocka_unit_test(with_each_of_the_three),
		cmocka_unit_test(others_do_not_help),
		cmocka_unit_test(a_small_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

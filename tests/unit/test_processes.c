// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit.h"

#include "processes.h"

static struct record_process record_of(uint32_t number)
{
	struct record_process record = {.head = RECORD_HEAD(record_process, RECORD_PROCESS),
					.number = number,
					.pid = number + 1,
					.started = (1ULL << 40) + number,
					.uid = number + 2};

	strcpy(record.comm, "nginx");
	strcpy(record.cgroup, "/system.slice/nginx.service");
	strcpy(record.exe, "/usr/sbin/nginx");
	return record;
}

static void told_is_found(void **state)
{
	struct processes *processes = unit_zeroed(sizeof(*processes));
	const struct record_process record = record_of(PROCESSES + 7);
	const struct process *process;

	(void)state;
	assert_null(processes_find(processes, 0));
	assert_null(processes_find(processes, 7));
	processes_add(processes, &record);
	assert_null(processes_find(processes, 7));
	process = processes_find(processes, PROCESSES + 7);
	assert_non_null(process);
	assert_int_equal(process->number, PROCESSES + 7);
	assert_int_equal(process->pid, PROCESSES + 8);
	assert_int_equal(process->started, (1ULL << 40) + PROCESSES + 7);
	assert_int_equal(process->uid, PROCESSES + 9);
	assert_string_equal(process->comm, "nginx");
	assert_string_equal(process->cgroup, "/system.slice/nginx.service");
	assert_string_equal(process->exe, "/usr/sbin/nginx");
	assert_string_equal(process->names.unit, "nginx.service");
	free(processes);
}

static void nobody_is_not_kept(void **state)
{
	struct processes *processes = unit_zeroed(sizeof(*processes));
	struct record_process record = record_of(PROCESSES);

	(void)state;
	processes_add(processes, &record);
	record.number = 0;
	processes_add(processes, &record);
	assert_null(processes_find(processes, 0));
	assert_non_null(processes_find(processes, PROCESSES));
	free(processes);
}

/* The last PROCESSES numbers are known, the ones before are not; also when numbers begin anew. */
static void last_are_kept(void **state)
{
	struct processes *processes = unit_zeroed(sizeof(*processes));
	uint32_t number = 0u - 2 * PROCESSES;

	(void)state;
	for (uint32_t i = 0; i < 4 * PROCESSES; i++, number++) {
		const struct record_process record = record_of(number);

		processes_add(processes, &record);
		assert_true(!number || processes_find(processes, number)->pid == number + 1);
		assert_true(!number || !processes_find(processes, number - PROCESSES));
		if (i >= PROCESSES && number != PROCESSES - 1)
			assert_non_null(processes_find(processes, number - PROCESSES + 1));
	}
	free(processes);
}

static void same_number_is_replaced(void **state)
{
	struct processes *processes = unit_zeroed(sizeof(*processes));
	struct record_process record = record_of(3);
	const struct process *process;

	(void)state;
	strcpy(record.cgroup,
	       "/docker/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
	processes_add(processes, &record);
	assert_string_equal(processes_find(processes, 3)->names.runtime, "docker");
	strcpy(record.comm, "x");
	record.cgroup[0] = record.exe[0] = '\0';
	processes_add(processes, &record);
	process = processes_find(processes, 3);
	assert_string_equal(process->comm, "x");
	assert_string_equal(process->cgroup, "");
	assert_string_equal(process->exe, "");
	assert_string_equal(process->names.container, "");
	assert_null(process->names.runtime);
	free(processes);
}

/* A recording may lack the NULs. */
static void strings_end(void **state)
{
	struct processes *processes = unit_zeroed(sizeof(*processes));
	struct record_process record = record_of(3);
	const struct process *process;

	(void)state;
	memset(record.comm, 'c', sizeof(record.comm));
	memset(record.cgroup, '/', sizeof(record.cgroup));
	memset(record.exe, 'e', sizeof(record.exe));
	processes_add(processes, &record);
	process = processes_find(processes, 3);
	assert_int_equal(strnlen(process->comm, sizeof(process->comm)), sizeof(process->comm) - 1);
	assert_int_equal(strnlen(process->cgroup, sizeof(process->cgroup)),
			 sizeof(process->cgroup) - 1);
	assert_int_equal(strnlen(process->exe, sizeof(process->exe)), sizeof(process->exe) - 1);
	free(processes);
}

static void kept_outlive_their_slots(void **state)
{
	struct processes *processes = unit_zeroed(sizeof(*processes));
	struct record_process record = record_of(3);

	(void)state;
	processes_keep(processes, 3); /* not known: nothing to keep */
	processes_keep(processes, 0);
	assert_null(processes_find(processes, 3));
	processes_add(processes, &record);
	processes_keep(processes, 3);
	processes_keep(processes, 3);
	record = record_of(PROCESSES + 3);
	processes_add(processes, &record);
	assert_int_equal(processes_find(processes, 3)->number, 3);
	assert_int_equal(processes_find(processes, PROCESSES + 3)->number, PROCESSES + 3);
	/* As many others as there is room for: it goes with the last of them. */
	for (uint32_t i = 0; i < PROCESSES_KEPT; i++) {
		assert_non_null(processes_find(processes, 3));
		record = record_of(2 * PROCESSES + i);
		processes_add(processes, &record);
		processes_keep(processes, record.number);
	}
	assert_null(processes_find(processes, 3));
	assert_non_null(processes_find(processes, 2 * PROCESSES));
	free(processes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(told_is_found), cmocka_unit_test(nobody_is_not_kept),
		cmocka_unit_test(last_are_kept), cmocka_unit_test(same_number_is_replaced),
		cmocka_unit_test(strings_end),	 cmocka_unit_test(kept_outlive_their_slots),
	};

	return cmocka_run_group_tests_name("processes", tests, NULL, NULL);
}

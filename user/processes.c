// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "processes.h"

#include <stddef.h>
#include <string.h>

/* A recording can bring anything: the last byte is a NUL whatever it says. */
static void copy(char *text, const char *told, size_t size)
{
	memcpy(text, told, size - 1);
	text[size - 1] = '\0';
}

void processes_add(struct processes *processes, const struct record_process *record)
{
	struct process *process = &processes->slots[record->number % PROCESSES];

	if (!record->number)
		return;
	process->number = record->number;
	process->pid = record->pid;
	process->started = record->started;
	process->uid = record->uid;
	copy(process->comm, record->comm, sizeof(process->comm));
	copy(process->cgroup, record->cgroup, sizeof(process->cgroup));
	copy(process->exe, record->exe, sizeof(process->exe));
	cgroup_parse(process->cgroup, &process->names);
}

static unsigned find_kept(const struct processes *processes, uint32_t number)
{
	unsigned i = 0;

	while (i < PROCESSES_KEPT && processes->kept[i].number != number)
		i++;
	return i;
}

void processes_keep(struct processes *processes, uint32_t number)
{
	const struct process *process = &processes->slots[number % PROCESSES];
	unsigned place = find_kept(processes, number);

	if (!number || process->number != number)
		return;
	if (place == PROCESSES_KEPT)
		place = processes->next++ % PROCESSES_KEPT;
	processes->kept[place] = *process;
}

const struct process *processes_find(const struct processes *processes, uint32_t number)
{
	const struct process *process = &processes->slots[number % PROCESSES];
	unsigned place;

	if (!number || process->number == number)
		return number ? process : NULL;
	place = find_kept(processes, number);
	return place < PROCESSES_KEPT ? &processes->kept[place] : NULL;
}

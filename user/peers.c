// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "peers.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "settings.h" /* the skeleton needs it */
#include "units.h"

#include "rstwatch.skel.h"

/* Nobody sets a bit in the generation that is not the current one, but for a program that has just
 * read which one is: that bit is remembered a little longer. */
static int clear(const struct bpf_map *map, uint32_t generation)
{
	size_t line = bpf_map__value_size(map), size = bpf_map__max_entries(map) * line;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	if (memory == MAP_FAILED)
		return -errno;
	for (size_t at = generation * (line / 2); at < size; at += line)
		memset(memory + at, 0, line / 2);
	munmap(memory, size);
	return 0;
}

int peers_turn(struct peers *peers, const struct rstwatch *skeleton, uint64_t now_ns)
{
	volatile struct rst_control *control = &skeleton->data_control->rst_control;
	uint32_t older = !control->known;
	int code;

	if (!peers->since_ns)
		peers->since_ns = now_ns;
	if (now_ns - peers->since_ns < PEERS_HOURS * 3600ULL * SECOND_NS)
		return 0;
	code = clear(skeleton->maps.rst_known, older);
	if (code)
		return code;
	control->known = older;
	peers->since_ns = now_ns;
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "crowd.h"

#define LEVEL_MAX 48

static bool is_sampled(const struct crowd *crowd, uint64_t hash)
{
	return !(hash & ((1ULL << crowd->level) - 1));
}

static void thin(struct crowd *crowd)
{
	uint32_t kept = 0;

	crowd->level++;
	for (uint32_t i = 0; i < crowd->used; i++)
		if (is_sampled(crowd, crowd->hashes[i]))
			crowd->hashes[kept++] = crowd->hashes[i];
	crowd->used = kept;
}

bool crowd_add(struct crowd *crowd, uint64_t hash)
{
	if (!is_sampled(crowd, hash))
		return false;
	for (uint32_t i = 0; i < crowd->used; i++)
		if (crowd->hashes[i] == hash)
			return false;
	while (crowd->used == CROWD && crowd->level < LEVEL_MAX)
		thin(crowd);
	if (is_sampled(crowd, hash) && crowd->used < CROWD)
		crowd->hashes[crowd->used++] = hash;
	return true;
}

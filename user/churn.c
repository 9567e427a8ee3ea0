// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "churn.h"

#include <string.h>

#include "units.h"

#define SECONDS 10

void churn_init(struct churn *churn, uint64_t seed)
{
	TABLE_INIT(churn, sources, struct churn_key, seed);
}

static struct churn_source *make(struct churn *churn, const struct churn_key *key)
{
	struct churn_source *source = table_add(&churn->sources, key);

	if (!source) {
		source = table_entry(&churn->sources, churn->next);
		table_replace(&churn->sources, source, key);
		churn->next = (churn->next + 1) % CHURN_SOURCES;
	}
	return source;
}

uint32_t churn_add(struct churn *churn, const struct rst_event *event)
{
	struct churn_key key = {.netns = event->netns, .port = event->local_port};
	uint64_t second = event->time_ns / SECOND_NS;
	struct churn_source *source;
	uint32_t sum = 0;

	memcpy(key.peer, event->peer, sizeof(key.peer));
	source = make(churn, &key);
	for (unsigned i = 1; i <= SECONDS && source->second + i <= second; i++)
		source->seconds[(source->second + i) % SECONDS] = 0;
	if (second > source->second)
		source->second = second;
	source->seconds[source->second % SECONDS]++;
	source->all++;
	for (unsigned i = 0; i < SECONDS; i++)
		sum += source->seconds[i];
	return sum;
}

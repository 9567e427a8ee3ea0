// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "rate.h"

#include <string.h>

#include "units.h"

/* The well-known alarm: 10 times max(5/s, the minute before), told after 20 s, cleared after an
 * hour, longer by a fifth for each flap up to two hours, silent in the first minute. */
const struct rate_settings rate_defaults = {
	.floor = 5,
	.factor = 10,
	.hold = 1,
	.up = 20,
	.down = 3600,
	.multiplier = 1.2,
	.max = 7200,
	.after = 60,
};

bool rate_settings_valid(const struct rate_settings *settings)
{
	const double values[] = {settings->floor, settings->factor, settings->hold,
				 settings->up,	  settings->down,   settings->multiplier,
				 settings->max,	  settings->after};

	for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		if (!(values[i] >= 0 && values[i] <= 1e9)) /* NaN is neither */
			return false;
	return true;
}

void rate_init(struct rate *rate, const struct rate_settings *settings, uint64_t seed)
{
	rate->settings = *settings;
	rate->policy = (struct alert_policy){
		.up_ns = (uint64_t)(settings->up * SECOND_NS),
		.down_ns = (uint64_t)(settings->down * SECOND_NS),
		.multiplier = settings->multiplier,
		.max_ns = (uint64_t)(settings->max * SECOND_NS),
	};
	rate->second = 0;
	rate->untracked = 0;
	rate->swept = false;
	memset(rate->host, 0, sizeof(rate->host));
	TABLE_INIT(rate, namespaces, uint32_t, seed);
}

static bool is_idle(const struct rate_series *series)
{
	if (series->pending || series->incident.firing || series->incident.raised)
		return false;
	for (unsigned i = 0; i < RATE_SECONDS; i++)
		if (series->seconds[i])
			return false;
	return true;
}

/* Keeps the namespaces about which something is still known. */
static void forget_idle(struct rate *rate)
{
	uint32_t used = rate->namespaces.used;

	table_clear(&rate->namespaces);
	for (uint32_t i = 0; i < used; i++) {
		struct rate_netns row = rate->namespaces_entries[i], *kept;

		if (is_idle(&row.series[RST_SENT]) && is_idle(&row.series[RST_RECEIVED]))
			continue;
		kept = table_add(&rate->namespaces, &row.netns); /* at i or before */
		*kept = row;
	}
}

void rate_add_host(struct rate *rate, unsigned direction, uint64_t count)
{
	rate->host[direction].pending += count;
}

void rate_add(struct rate *rate, uint32_t netns, unsigned direction, uint64_t count)
{
	struct rate_netns *row;

	rate_add_host(rate, direction, count);
	if (!netns)
		return; /* not known; and in a report 0 is the whole host */
	row = table_add(&rate->namespaces, &netns);
	if (!row && !rate->swept) {
		rate->swept = true;
		forget_idle(rate);
		row = table_add(&rate->namespaces, &netns);
	}
	if (row)
		row->series[direction].pending += count;
	else
		rate->untracked += count;
}

bool rate_judge(const struct rate *rate, const struct rate_series *series,
		struct rate_verdict *verdict)
{
	const struct rate_settings *settings = &rate->settings;
	uint64_t recent = 0, before = 0, seen = 0;
	double base;

	for (uint64_t age = 0; age < RATE_SECONDS && age < rate->second; age++) {
		uint64_t count = series->seconds[(rate->second - 1 - age) % RATE_SECONDS];

		if (age < RATE_RECENT) {
			recent += count;
		} else {
			before += count;
			seen++;
		}
	}
	verdict->recent_total = recent;
	verdict->recent = recent / (double)RATE_RECENT;
	verdict->baseline = seen ? before / (double)seen : 0;
	base = verdict->baseline > settings->floor ? verdict->baseline : settings->floor;
	verdict->limit = base * (series->incident.firing ? settings->hold : settings->factor);
	return rate->second > settings->after && verdict->recent > verdict->limit;
}

/* Puts the slice's resets into its seconds, evenly. */
static void advance(const struct rate *rate, struct rate_series *series, uint64_t seconds)
{
	uint64_t first = seconds > RATE_SECONDS ? seconds - RATE_SECONDS : 0;
	uint64_t forgotten = series->pending / seconds * first;

	series->pending -= forgotten;
	series->since_first += forgotten;
	for (uint64_t i = first; i < seconds; i++) {
		uint64_t share = series->pending / (seconds - i);

		series->seconds[(rate->second + i) % RATE_SECONDS] = share;
		series->pending -= share;
		series->since_first += share;
	}
}

static void step_series(struct rate *rate, struct rate_series *series, unsigned direction,
			uint32_t netns, uint64_t now_ns, rate_report report, void *context)
{
	struct rate_verdict verdict;
	enum alert_status status;
	bool was_quiet = !series->incident.firing && !series->incident.raised;
	bool firing = rate_judge(rate, series, &verdict);

	if (firing && was_quiet) {
		series->since_first = verdict.recent_total;
		series->first = verdict;
	}
	status = alert_step(&series->incident, &rate->policy, firing, now_ns);
	if (!status)
		return;
	/* By now the incident is in its own baseline: tell what it exceeded when it began. */
	verdict.baseline = series->first.baseline;
	verdict.limit = series->first.limit;
	report(context, series, status, direction, netns, &verdict);
}

void rate_step(struct rate *rate, uint64_t start_ns, uint64_t end_ns, rate_report report,
	       void *context)
{
	uint64_t seconds = (end_ns - start_ns + SECOND_NS / 2) / SECOND_NS;

	if (!seconds)
		return; /* less than half a second, at the very end: stays pending */
	for (unsigned direction = RST_SENT; direction <= RST_RECEIVED; direction++) {
		advance(rate, &rate->host[direction], seconds);
		for (uint32_t i = 0; i < rate->namespaces.used; i++)
			advance(rate, &rate->namespaces_entries[i].series[direction], seconds);
	}
	rate->second += seconds;
	rate->swept = false;
	for (unsigned direction = RST_SENT; direction <= RST_RECEIVED; direction++) {
		step_series(rate, &rate->host[direction], direction, 0, end_ns, report, context);
		for (uint32_t i = 0; i < rate->namespaces.used; i++) {
			struct rate_netns *row = &rate->namespaces_entries[i];

			step_series(rate, &row->series[direction], direction, row->netns, end_ns,
				    report, context);
		}
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "audit.h"

#include <string.h>

#include "top.h"

void audit_init(struct audit *audit, uint64_t seed)
{
	TABLE_INIT(audit, namespaces, uint32_t, seed);
}

void audit_add_port(struct audit *audit, const struct record_port *port)
{
	struct audit_netns *netns = table_add(&audit->namespaces, &port->key.netns);

	if (!netns) {
		audit->untracked += port->count;
		return;
	}
	netns->unread += port->count;
	for (unsigned i = 0; i < COUNTERS; i++)
		if (port->key.moves & 1U << i)
			netns->fresh[i] += port->count;
}

/*
 * Begins anew: what the counters say now, and nothing seen yet. A reset that the kernel counts
 * while this is read may be seen in the next slice: so a base has two readings, this and the next
 * one, and what comes until then is not audited. From the start there are both.
 */
static void rebase(struct audit_netns *netns, const struct record_kernel *kernel)
{
	if (!netns->anew)
		memcpy(netns->base_least, kernel->counters, sizeof(netns->base_least));
	memcpy(netns->base_most, kernel->counters, sizeof(netns->base_most));
	netns->anew = !netns->anew;
	netns->unaudited += netns->unread;
	memcpy(netns->last, kernel->counters, sizeof(netns->last));
	memset(netns->seen, 0, sizeof(netns->seen));
	memset(netns->fresh, 0, sizeof(netns->fresh));
	memset(netns->told, 0, sizeof(netns->told));
	memset(netns->compared, 0, sizeof(netns->compared));
}

/* The counters of a namespace never go back. */
static bool went_back(const struct audit_netns *netns, const struct record_kernel *kernel)
{
	for (unsigned i = 0; i < COUNTERS_READ; i++)
		if (kernel->counters[i] < netns->last[i])
			return true;
	return false;
}

/* Wraps around, as a forged recording can make it. */
static int64_t add(int64_t a, uint64_t b)
{
	return (int64_t)((uint64_t)a + b);
}

/* The bounds of what is unexplained since the base. Sums of counters fit in 63 bits. */
static int64_t least(const struct audit_netns *netns, unsigned i)
{
	return (int64_t)(netns->last[i] - netns->base_most[i] - netns->seen[i] - netns->fresh[i]);
}

static int64_t most(const struct audit_netns *netns, const struct record_kernel *kernel, unsigned i)
{
	return (int64_t)(kernel->counters[i] - netns->base_least[i] - netns->seen[i]);
}

/* With what is fresh: else the namespace would be taken for the one before it, and next time what
 * was seen of both would be compared with the counters of one. */
static bool saw_too_much(const struct audit_netns *netns, const struct record_kernel *kernel)
{
	for (unsigned i = 0; i < COUNTERS; i++)
		if (add(most(netns, kernel, i), -netns->fresh[i]) < netns->told[i])
			return true;
	return false;
}

static void compare(struct audit_netns *netns, const struct record_kernel *kernel)
{
	for (unsigned i = 0; i < COUNTERS; i++) {
		int64_t told = netns->told[i];

		if (told < least(netns, i))
			told = least(netns, i);
		if (told > most(netns, kernel, i))
			told = most(netns, kernel, i);
		netns->window_unexplained[i] =
			add(netns->window_unexplained[i], (uint64_t)told - netns->told[i]);
		netns->told[i] = told;
		netns->window_seen[i] += netns->seen[i] + netns->fresh[i] - netns->compared[i];
		netns->compared[i] = netns->seen[i] + netns->fresh[i];
	}
	for (unsigned i = 0; i < COUNTERS_READ; i++)
		netns->window_kernel[i] += kernel->counters[i] - netns->last[i];
	memcpy(netns->last, kernel->counters, sizeof(netns->last));
}

/*
 * Another identity may be the same namespace, reached in another way, or another one with the same
 * number. If the numbers do not fit, it is another: then what was seen under this number belongs
 * to several, and cannot be compared with the counters of one.
 */
static bool is_another(const struct audit_netns *netns, const struct record_kernel *kernel)
{
	return netns->identity != kernel->identity &&
	       (went_back(netns, kernel) || saw_too_much(netns, kernel));
}

void audit_add_kernel(struct audit *audit, const struct record_kernel *kernel)
{
	struct audit_netns *netns = table_add(&audit->namespaces, &kernel->netns);
	bool another;

	if (!netns)
		return;
	netns->status = kernel->status;
	if (kernel->status == KERNEL_GONE || kernel->status == KERNEL_DENIED)
		return;
	another = is_another(netns, kernel);
	if (another)
		netns->anew = false; /* the first reading was of the one before: that is no base */
	if (netns->anew || another || kernel->status == KERNEL_BASE ||
	    (!netns->known && kernel->status == KERNEL_READ))
		rebase(netns, kernel);
	else
		compare(netns, kernel);
	netns->known = true;
	netns->identity = kernel->identity;
	netns->unread = 0;
}

void audit_add_slice(struct audit *audit)
{
	for (uint32_t i = 0; i < audit->namespaces.used; i++) {
		struct audit_netns *netns = table_entry(&audit->namespaces, i);

		for (unsigned j = 0; j < COUNTERS; j++) {
			netns->seen[j] += netns->fresh[j];
			netns->fresh[j] = 0;
		}
	}
}

/* Why the kernel counted more or less than was seen. */
static const char *likely(unsigned counter, int64_t unexplained, const struct audit_netns *netns,
			  bool unseen)
{
	bool more = unexplained > 0;
	bool timed_out = netns->window_kernel[COUNTER_ABORT_ON_TIMEOUT] ||
			 netns->before_kernel[COUNTER_ABORT_ON_TIMEOUT];
	bool failed = netns->window_kernel[COUNTER_ABORT_FAILED] ||
		      netns->before_kernel[COUNTER_ABORT_FAILED];

	switch (counter) {
	case COUNTER_OUT_RSTS:
		if (!more)
			return "resets that no route led back for, or in answer to a wrong TCP-MD5 "
			       "signature";
		if (unseen)
			return "closed ports and unknown connections, which no hook shows on this "
			       "kernel: see rstwatch check";
		if (failed)
			return "resets that could not be sent (TCPAbortFailed): out of memory";
		return "resets sent while a hook was skipped";
	case COUNTER_ATTEMPT_FAILS:
		if (!more)
			return "resets that a half-open connection did not accept, taken for ones "
			       "that "
			       "ended it";
		if (timed_out)
			return "connects that timed out (TCPAbortOnTimeout): no reset";
		return "connects that ended without a reset: ICMP, ss -K or a timeout";
	case COUNTER_ESTAB_RESETS:
		if (!more)
			return "resets whose connection was in another state than was seen";
		if (timed_out)
			return "connections that timed out (TCPAbortOnTimeout): no reset";
		return "connections that ended without a reset, or in a state that was not seen";
	default:
		return more ? "half-open connections that ended unseen: see rstwatch check"
			    : "resets that a half-open connection did not accept, taken for ones "
			      "that "
			      "ended it";
	}
}

static int order_rows(const void *a, const void *b)
{
	const struct audit_row *x = a, *y = b;

	if (x->weight != y->weight)
		return x->weight > y->weight ? -1 : 1;
	return x->netns < y->netns ? -1 : x->netns > y->netns;
}

static int order_unread(const void *a, const void *b)
{
	const struct audit_unread *x = a, *y = b;

	if (x->resets != y->resets)
		return x->resets > y->resets ? -1 : 1;
	return x->netns < y->netns ? -1 : x->netns > y->netns;
}

static uint64_t magnitude(int64_t number)
{
	return number < 0 ? -(uint64_t)number : (uint64_t)number;
}

static uint64_t add_saturated(uint64_t a, uint64_t b)
{
	return a + b < a ? UINT64_MAX : a + b;
}

/* Adds the namespace to the totals, and makes its row. */
static void summarize_netns(const struct audit_netns *netns, bool unseen,
			    struct audit_summary *summary, struct audit_row *row)
{
	*row = (struct audit_row){.netns = netns->netns};
	for (unsigned i = 0; i < COUNTERS; i++) {
		struct audit_counter *one = &row->counters[i], *all = &summary->counters[i];

		one->kernel = netns->window_kernel[i];
		one->seen = netns->window_seen[i];
		one->unexplained = netns->window_unexplained[i];
		if (one->unexplained)
			one->likely = likely(i, one->unexplained, netns, unseen);
		row->weight = add_saturated(row->weight, magnitude(one->unexplained));
		all->kernel += one->kernel;
		all->seen += one->seen;
		all->unexplained = add(all->unexplained, one->unexplained);
	}
}

/* The likely reason for a sum is that of the namespace which adds most to it. */
static const char *likely_in_all(const struct audit *audit, unsigned i, int64_t unexplained,
				 bool unseen)
{
	const struct audit_netns *main = NULL;

	for (uint32_t j = 0; j < audit->namespaces.used; j++) {
		const struct audit_netns *netns = table_entry(&audit->namespaces, j);
		int64_t told = netns->window_unexplained[i];

		if (told && (told > 0) == (unexplained > 0) &&
		    (!main || magnitude(told) > magnitude(main->window_unexplained[i])))
			main = netns;
	}
	return unexplained && main ? likely(i, unexplained, main, unseen) : NULL;
}

static const char *why_unread(const struct audit_netns *netns)
{
	if (netns->unaudited || netns->anew)
		return "it was read for the first time, or others came and went under its number";
	if (netns->status == KERNEL_DENIED)
		return "its counters may not be read: that takes CAP_SYS_ADMIN and "
		       "CAP_SYS_PTRACE";
	if (!netns->netns)
		return "their namespace is not known";
	return "it is gone, or no process and no mount leads there";
}

/* What comes now will be compared. */
static bool is_audited(const struct audit_netns *netns)
{
	return netns->status && netns->status != KERNEL_GONE && netns->status != KERNEL_DENIED &&
	       !netns->anew;
}

void audit_summarize(const struct audit *audit, const struct filter *filter, bool unseen,
		     struct audit_summary *summary)
{
	struct top rows = {
		.entries = (uint8_t *)summary->rows,
		.entry_size = sizeof(summary->rows[0]),
		.capacity = AUDIT_TOP,
		.order = order_rows,
	};
	struct top unread = {
		.entries = (uint8_t *)summary->unread,
		.entry_size = sizeof(summary->unread[0]),
		.capacity = AUDIT_TOP,
		.order = order_unread,
	};

	memset(summary, 0, sizeof(*summary));
	for (uint32_t i = 0; i < audit->namespaces.used; i++) {
		const struct audit_netns *netns = table_entry(&audit->namespaces, i);
		struct audit_unread missed = {.netns = netns->netns};
		struct audit_row row;

		summarize_netns(netns, unseen, summary, &row);
		summary->done = summary->done || netns->status;
		missed.resets = netns->unaudited + (is_audited(netns) ? 0 : netns->unread);
		if (!filter_netns(filter, netns->netns))
			continue;
		if (row.weight) {
			summary->rows_all++;
			top_offer(&rows, &row);
		}
		if (missed.resets) {
			missed.why = why_unread(netns);
			summary->unread_all++;
			top_offer(&unread, &missed);
		}
	}
	for (unsigned i = 0; i < COUNTERS; i++)
		summary->counters[i].likely =
			likely_in_all(audit, i, summary->counters[i].unexplained, unseen);
	if (audit->untracked) {
		struct audit_unread missed = {.resets = audit->untracked,
					      .why = "there are too many namespaces to audit"};

		summary->unread_all++;
		top_offer(&unread, &missed);
	}
	top_sort(&rows);
	top_sort(&unread);
	summary->row_count = rows.used;
	summary->unread_count = unread.used;
	/* A recording from before there was an audit has nothing to compare with. */
	if (!summary->done)
		summary->unread_count = summary->unread_all = 0;
}

/* Makes room: one that is gone has nothing left to compare. */
static void forget_gone(struct audit *audit)
{
	uint32_t used = audit->namespaces.used;

	table_clear(&audit->namespaces);
	for (uint32_t i = 0; i < used; i++) {
		const struct audit_netns kept = audit->namespaces_entries[i];
		struct audit_netns *netns;

		if (kept.status == KERNEL_GONE)
			continue;
		netns = table_add(&audit->namespaces, &kept.netns); /* at i or before */
		*netns = kept;
	}
}

void audit_next(struct audit *audit)
{
	audit->untracked = 0;
	for (uint32_t i = 0; i < audit->namespaces.used; i++) {
		struct audit_netns *netns = table_entry(&audit->namespaces, i);

		if (!is_audited(netns))
			netns->unread = 0;
		netns->unaudited = 0;
		memcpy(netns->before_kernel, netns->window_kernel, sizeof(netns->before_kernel));
		memset(netns->window_kernel, 0, sizeof(netns->window_kernel));
		memset(netns->window_seen, 0, sizeof(netns->window_seen));
		memset(netns->window_unexplained, 0, sizeof(netns->window_unexplained));
	}
	if (audit->namespaces.used > AUDIT_CROWDED)
		forget_gone(audit);
}

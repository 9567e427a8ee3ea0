// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit.h"

#include "coverage.h"

#define BIT(hook) (1U << (hook))

/* What the kernels pass that we know: kernel.md has from where. */
static const struct coverage_kernel v5_10 = {0};
static const struct coverage_kernel v5_17 = {.drop_reason = true}; /* and Ubuntu's 5.15 */
static const struct coverage_kernel v6_1 = {.drop_reason = true, .drop_rejected = true};
static const struct coverage_kernel v6_11 = {
	.send_reason = true, .drop_reason = true, .drop_socket = true, .drop_rejected = true};
static const struct coverage_kernel v6_12 = {.send_reason = true,
					     .active_reason = true,
					     .drop_reason = true,
					     .drop_socket = true,
					     .drop_rejected = true};
static const struct coverage_kernel v6_18 = {.send_reason = true,
					     .active_reason = true,
					     .drop_reason = true,
					     .drop_socket = true,
					     .drop_rejected = true,
					     .request_reason = true};

#define WHOSE                                                                                      \
	(BIT(HOOK_STATE) | BIT(HOOK_READ) | BIT(HOOK_FORK) | BIT(HOOK_EXEC) | BIT(HOOK_RENAME) |   \
	 BIT(HOOK_FREE) | BIT(HOOK_SEED) | BIT(HOOK_CREDS))
#define SIGNALS	    BIT(HOOK_RETRANSMIT)
#define TRACEPOINTS (BIT(HOOK_SEND) | BIT(HOOK_RECEIVE) | BIT(HOOK_DROP))
#define REJECTS	    (BIT(HOOK_REJECT4) | BIT(HOOK_REJECT6))
#define ALL	    (BIT(HOOKS) - 1)

static struct coverage coverage_of(const struct coverage_kernel *kernel, unsigned attached)
{
	struct coverage coverage = {.kernel = *kernel};

	for (unsigned i = 0; i < HOOKS; i++)
		coverage.hook[i] = attached & BIT(i);
	return coverage;
}

/* As hooks.c does it: those that the kernel wants. */
static unsigned wanted(const struct coverage_kernel *kernel)
{
	unsigned hooks = 0;

	for (unsigned i = 0; i < HOOKS; i++)
		if (coverage_wants(kernel, i))
			hooks |= BIT(i);
	return hooks;
}

static void assert_answer(const char *what, unsigned number, struct coverage_answer answer,
			  enum coverage_verdict verdict, const char *why)
{
	if (answer.verdict != verdict)
		fail_msg("%s %u is %s, not %s", what, number, coverage_verdict_name(answer.verdict),
			 coverage_verdict_name(verdict));
	if (!why && answer.why)
		fail_msg("%s %u: %s", what, number, answer.why);
	if (why && (!answer.why || strcmp(why, answer.why) != 0))
		fail_msg("%s %u: \"%s\" is not: %s", what, number, why, answer.why);
}

/* One answer that differs from EXACT. */
struct expected {
	bool counter; /* else a cause */
	unsigned number;
	enum coverage_verdict verdict;
	const char *why;
};

#define CAUSE(number, verdict, why)                                                                \
	{                                                                                          \
		false, number, verdict, why                                                        \
	}
#define COUNTER(number, verdict, why)                                                              \
	{                                                                                          \
		true, number, verdict, why                                                         \
	}
#define INFERRED COVERAGE_INFERRED
#define UNSEEN	 COVERAGE_UNSEEN

/* Every cause, stage and counter: as listed, and exact if not listed. */
static void assert_coverage(const struct coverage_kernel *kernel, unsigned attached,
			    const struct expected *expected, size_t count)
{
	const struct coverage coverage = coverage_of(kernel, attached);
	static const struct expected exact = {.verdict = COVERAGE_EXACT};
	unsigned used = 0;
	bool complete = true;

	for (unsigned counter = 0; counter < 2; counter++) {
		for (unsigned i = 0; i < (counter ? COUNTERS : RST_CAUSES); i++) {
			const struct expected *one = &exact;

			if (!counter && !name_cause(i))
				continue;
			for (size_t j = 0; j < count; j++)
				if (expected[j].counter == counter && expected[j].number == i) {
					one = &expected[j];
					used++;
				}
			assert_answer(counter ? "counter" : "cause", i,
				      counter ? coverage_counter(&coverage, i)
					      : coverage_cause(&coverage, i),
				      one->verdict, one->why);
			complete = complete && one->verdict != COVERAGE_UNSEEN;
		}
	}
	for (unsigned i = 0; i < COVERAGE_SIGNALS; i++)
		complete = complete && coverage_signal(&coverage, i).verdict != COVERAGE_UNSEEN;
	assert_int_equal(used, count); /* each once */
	assert_int_equal(coverage_is_complete(&coverage), complete);
}

#define ASSERT_COVERAGE(kernel, attached, ...)                                                     \
	do {                                                                                       \
		const struct expected expected_answers[] = {__VA_ARGS__};                          \
		assert_coverage(kernel, attached, expected_answers, COUNT_OF(expected_answers));   \
	} while (0)

#define NO_FIRE	       "this kernel's tcp_send_reset does not fire without a full socket"
#define NO_REASON      "this kernel gives no reason: from the segment and the socket"
#define NO_NETFILTER   "netfilter's functions cannot be hooked"
#define NO_IPV4	       "not over IPv4: its function cannot be hooked"
#define NO_IPV6	       "not over IPv6: its function cannot be hooked"
#define NO_DROP	       "kfree_skb cannot be hooked"
#define NO_TRACE       "this kernel drops them without a trace"
#define JOINS_ONLY     "refused joins only; the others count as aborted"
#define AS_ABORTED     "counts as invalid or aborted"
#define AS_STRAY       "counts as stray"
#define AS_HANDSHAKE   "counts as handshake"
#define OR_TIME_WAIT   "one in TIME_WAIT cannot be told from it"
#define OR_OUTSIDE     "one outside the window of a half-open connection counts too"
#define OR_CHALLENGED  "one that was not exact and was challenged counts too"
#define NO_REQUEST_HAD "what no half-open connection had"
#define OR_OTHERS      "others that were dropped cannot be told from it"

/* --- kernel by kernel --- */

static void linux_5_10(void **state)
{
	(void)state;
	ASSERT_COVERAGE(&v5_10, ALL, CAUSE(RST_ABORTED, INFERRED, NO_REASON),
			CAUSE(RST_NO_MEMORY, INFERRED, NO_REASON),
			CAUSE(RST_KEEPALIVE, INFERRED, NO_REASON),
			CAUSE(RST_QUEUE_FULL, INFERRED, NO_REASON),
			CAUSE(RST_INVALID, INFERRED, NO_REASON),
			CAUSE(RST_MPTCP, INFERRED, JOINS_ONLY));
	ASSERT_COVERAGE(
		&v5_10, TRACEPOINTS, CAUSE(RST_CLOSED_PORT, UNSEEN, NO_FIRE),
		CAUSE(RST_HALF_OPEN, UNSEEN, NO_FIRE), CAUSE(RST_TIME_WAIT, UNSEEN, NO_FIRE),
		CAUSE(RST_ABORTED, INFERRED, NO_REASON), CAUSE(RST_NO_MEMORY, INFERRED, NO_REASON),
		CAUSE(RST_KEEPALIVE, INFERRED, NO_REASON),
		CAUSE(RST_QUEUE_FULL, INFERRED, NO_REASON), CAUSE(RST_INVALID, INFERRED, NO_REASON),
		CAUSE(RST_MPTCP, UNSEEN, AS_ABORTED), CAUSE(RST_FIREWALL, UNSEEN, NO_NETFILTER),
		CAUSE(RST_STAGE_HANDSHAKE, UNSEEN, AS_STRAY),
		CAUSE(RST_STAGE_TIME_WAIT, UNSEEN, AS_STRAY),
		CAUSE(RST_STAGE_STRAY, INFERRED, OR_OTHERS),
		CAUSE(RST_STAGE_REJECTED, UNSEEN, NO_TRACE),
		COUNTER(COUNTER_OUT_RSTS, UNSEEN, NO_FIRE),
		COUNTER(COUNTER_ATTEMPT_FAILS, UNSEEN, AS_STRAY),
		COUNTER(COUNTER_EMBRYONIC_RSTS, UNSEEN, AS_STRAY));
}

/* Drop reasons, but what a full socket rejects is dropped without kfree_skb. */
static void linux_5_17(void **state)
{
	(void)state;
	assert_int_equal(wanted(&v5_17), ALL);
	ASSERT_COVERAGE(&v5_17, ALL, CAUSE(RST_ABORTED, INFERRED, NO_REASON),
			CAUSE(RST_NO_MEMORY, INFERRED, NO_REASON),
			CAUSE(RST_KEEPALIVE, INFERRED, NO_REASON),
			CAUSE(RST_QUEUE_FULL, INFERRED, NO_REASON),
			CAUSE(RST_INVALID, INFERRED, NO_REASON),
			CAUSE(RST_MPTCP, INFERRED, JOINS_ONLY));
	ASSERT_COVERAGE(
		&v5_17, TRACEPOINTS, CAUSE(RST_CLOSED_PORT, UNSEEN, NO_FIRE),
		CAUSE(RST_HALF_OPEN, UNSEEN, NO_FIRE), CAUSE(RST_TIME_WAIT, UNSEEN, NO_FIRE),
		CAUSE(RST_ABORTED, INFERRED, NO_REASON), CAUSE(RST_NO_MEMORY, INFERRED, NO_REASON),
		CAUSE(RST_KEEPALIVE, INFERRED, NO_REASON),
		CAUSE(RST_QUEUE_FULL, INFERRED, NO_REASON), CAUSE(RST_INVALID, INFERRED, NO_REASON),
		CAUSE(RST_MPTCP, UNSEEN, AS_ABORTED), CAUSE(RST_FIREWALL, UNSEEN, NO_NETFILTER),
		CAUSE(RST_STAGE_HANDSHAKE, INFERRED, OR_TIME_WAIT),
		CAUSE(RST_STAGE_TIME_WAIT, UNSEEN, AS_HANDSHAKE),
		CAUSE(RST_STAGE_REJECTED, UNSEEN, NO_TRACE),
		COUNTER(COUNTER_OUT_RSTS, UNSEEN, NO_FIRE),
		COUNTER(COUNTER_ATTEMPT_FAILS, INFERRED, OR_TIME_WAIT),
		COUNTER(COUNTER_EMBRYONIC_RSTS, INFERRED, OR_TIME_WAIT));
}

static void linux_6_1(void **state)
{
	const unsigned all = wanted(&v6_1);

	(void)state;
	assert_int_equal(all, ALL & ~(BIT(HOOK_VALIDATE) | BIT(HOOK_PROCESS)));
	ASSERT_COVERAGE(&v6_1, all, CAUSE(RST_ABORTED, INFERRED, NO_REASON),
			CAUSE(RST_NO_MEMORY, INFERRED, NO_REASON),
			CAUSE(RST_KEEPALIVE, INFERRED, NO_REASON),
			CAUSE(RST_QUEUE_FULL, INFERRED, NO_REASON),
			CAUSE(RST_INVALID, INFERRED, NO_REASON),
			CAUSE(RST_MPTCP, INFERRED, JOINS_ONLY));
	ASSERT_COVERAGE(
		&v6_1, TRACEPOINTS, CAUSE(RST_CLOSED_PORT, UNSEEN, NO_FIRE),
		CAUSE(RST_HALF_OPEN, UNSEEN, NO_FIRE), CAUSE(RST_TIME_WAIT, UNSEEN, NO_FIRE),
		CAUSE(RST_ABORTED, INFERRED, NO_REASON), CAUSE(RST_NO_MEMORY, INFERRED, NO_REASON),
		CAUSE(RST_KEEPALIVE, INFERRED, NO_REASON),
		CAUSE(RST_QUEUE_FULL, INFERRED, NO_REASON), CAUSE(RST_INVALID, INFERRED, NO_REASON),
		CAUSE(RST_MPTCP, UNSEEN, AS_ABORTED), CAUSE(RST_FIREWALL, UNSEEN, NO_NETFILTER),
		CAUSE(RST_STAGE_HANDSHAKE, INFERRED, OR_TIME_WAIT),
		CAUSE(RST_STAGE_TIME_WAIT, UNSEEN, AS_HANDSHAKE),
		COUNTER(COUNTER_OUT_RSTS, UNSEEN, NO_FIRE),
		COUNTER(COUNTER_ATTEMPT_FAILS, INFERRED, OR_TIME_WAIT),
		COUNTER(COUNTER_EMBRYONIC_RSTS, INFERRED, OR_TIME_WAIT));
}

/* Reasons, but none for what a program does. */
static void linux_6_11(void **state)
{
	(void)state;
	ASSERT_COVERAGE(&v6_11, wanted(&v6_11), CAUSE(RST_ABORTED, INFERRED, NO_REASON),
			CAUSE(RST_NO_MEMORY, INFERRED, NO_REASON),
			CAUSE(RST_KEEPALIVE, INFERRED, NO_REASON),
			CAUSE(RST_MPTCP, INFERRED, JOINS_ONLY));
	ASSERT_COVERAGE(&v6_11, TRACEPOINTS, CAUSE(RST_ABORTED, INFERRED, NO_REASON),
			CAUSE(RST_NO_MEMORY, INFERRED, NO_REASON),
			CAUSE(RST_KEEPALIVE, INFERRED, NO_REASON),
			CAUSE(RST_MPTCP, INFERRED, JOINS_ONLY),
			CAUSE(RST_FIREWALL, UNSEEN, NO_NETFILTER),
			CAUSE(RST_STAGE_HANDSHAKE, INFERRED, OR_OUTSIDE),
			COUNTER(COUNTER_ATTEMPT_FAILS, INFERRED, OR_OUTSIDE),
			COUNTER(COUNTER_EMBRYONIC_RSTS, INFERRED, OR_OUTSIDE));
}

static void linux_6_12(void **state)
{
	const unsigned all = wanted(&v6_12);

	(void)state;
	assert_int_equal(all, TRACEPOINTS | WHOSE | SIGNALS | REJECTS | BIT(HOOK_REQUEST));
	assert_coverage(&v6_12, all, NULL, 0); /* everything, exactly */
	ASSERT_COVERAGE(&v6_12, TRACEPOINTS, CAUSE(RST_FIREWALL, UNSEEN, NO_NETFILTER),
			CAUSE(RST_STAGE_HANDSHAKE, INFERRED, OR_OUTSIDE),
			COUNTER(COUNTER_ATTEMPT_FAILS, INFERRED, OR_OUTSIDE),
			COUNTER(COUNTER_EMBRYONIC_RSTS, INFERRED, OR_OUTSIDE));
}

/* The tracepoints tell everything but what a firewall sends, and whether a half-open connection
 * accepted a reset. */
#define CHALLENGED                                                                                 \
	CAUSE(RST_STAGE_HANDSHAKE, INFERRED, OR_CHALLENGED),                                       \
		COUNTER(COUNTER_ATTEMPT_FAILS, INFERRED, OR_CHALLENGED),                           \
		COUNTER(COUNTER_EMBRYONIC_RSTS, INFERRED, OR_CHALLENGED)

static void linux_6_18(void **state)
{
	const unsigned all = wanted(&v6_18);

	(void)state;
	assert_int_equal(all, TRACEPOINTS | WHOSE | SIGNALS | REJECTS | BIT(HOOK_REQUEST));
	assert_coverage(&v6_18, all, NULL, 0);
	assert_coverage(&v6_18, ALL, NULL, 0);
	ASSERT_COVERAGE(&v6_18, TRACEPOINTS | WHOSE | REJECTS, CHALLENGED);
	ASSERT_COVERAGE(&v6_18, TRACEPOINTS, CAUSE(RST_FIREWALL, UNSEEN, NO_NETFILTER), CHALLENGED);
}

/* --- hook by hook --- */

static void one_family_only(void **state)
{
	static const unsigned causes[] = {RST_CLOSED_PORT, RST_HALF_OPEN, RST_TIME_WAIT};
	struct coverage without4 = coverage_of(&v5_10, ALL & ~BIT(HOOK_SEND4));
	struct coverage without6 = coverage_of(&v5_10, ALL & ~BIT(HOOK_SEND6));

	(void)state;
	for (size_t i = 0; i < COUNT_OF(causes); i++) {
		assert_answer("cause", causes[i], coverage_cause(&without4, causes[i]), UNSEEN,
			      NO_IPV4);
		assert_answer("cause", causes[i], coverage_cause(&without6, causes[i]), UNSEEN,
			      NO_IPV6);
	}
	assert_answer("counter", 0, coverage_counter(&without4, COUNTER_OUT_RSTS), UNSEEN, NO_IPV4);
	assert_answer("counter", 0, coverage_counter(&without6, COUNTER_OUT_RSTS), UNSEEN, NO_IPV6);
	assert_answer("firewall", 0, coverage_cause(&without4, RST_FIREWALL), COVERAGE_EXACT, NULL);
	assert_false(coverage_is_complete(&without4));
	assert_false(coverage_is_complete(&without6));

	ASSERT_COVERAGE(&v6_18, TRACEPOINTS | BIT(HOOK_REJECT6),
			CAUSE(RST_FIREWALL, UNSEEN, NO_IPV4), CHALLENGED);
	ASSERT_COVERAGE(&v6_18, TRACEPOINTS | BIT(HOOK_REJECT4),
			CAUSE(RST_FIREWALL, UNSEEN, NO_IPV6), CHALLENGED);
	/* Where the tracepoint fires for every reset, these are not needed. */
	assert_coverage(&v6_18, ALL & ~BIT(HOOK_SEND4) & ~BIT(HOOK_SEND6), NULL, 0);
}

/* Without kfree_skb nothing is known of what is dropped, whatever else is hooked. */
static void no_drops(void **state)
{
	const unsigned hooks = ALL & ~BIT(HOOK_DROP) & ~BIT(HOOK_VALIDATE) & ~BIT(HOOK_PROCESS);
	const struct coverage old = coverage_of(&v5_10, ALL & ~BIT(HOOK_DROP));

	(void)state;
	ASSERT_COVERAGE(&v6_18, hooks, CAUSE(RST_STAGE_HANDSHAKE, UNSEEN, NO_DROP),
			CAUSE(RST_STAGE_TIME_WAIT, UNSEEN, NO_DROP),
			CAUSE(RST_STAGE_STRAY, UNSEEN, NO_DROP),
			CAUSE(RST_STAGE_REJECTED, UNSEEN, NO_TRACE),
			COUNTER(COUNTER_ATTEMPT_FAILS, UNSEEN, NO_DROP),
			COUNTER(COUNTER_EMBRYONIC_RSTS, UNSEEN, NO_DROP));
	/* What a full socket rejects is shown by two functions there. */
	assert_answer("rejected", 0, coverage_cause(&old, RST_STAGE_REJECTED), COVERAGE_EXACT,
		      NULL);
}

/* On 5.10 each function shows its own. */
static void functions_of_5_10_one_by_one(void **state)
{
	struct coverage coverage = coverage_of(&v5_10, ALL & ~BIT(HOOK_REQUEST));

	(void)state;
	assert_answer("mptcp", 0, coverage_cause(&coverage, RST_MPTCP), UNSEEN, AS_ABORTED);
	assert_answer("handshake", 0, coverage_cause(&coverage, RST_STAGE_HANDSHAKE), UNSEEN,
		      AS_STRAY);
	assert_answer("stray", 0, coverage_cause(&coverage, RST_STAGE_STRAY), INFERRED, OR_OTHERS);
	assert_answer("time_wait", 0, coverage_cause(&coverage, RST_STAGE_TIME_WAIT),
		      COVERAGE_EXACT, NULL);
	coverage = coverage_of(&v5_10, ALL & ~BIT(HOOK_TIMEWAIT));
	assert_answer("time_wait", 0, coverage_cause(&coverage, RST_STAGE_TIME_WAIT), UNSEEN,
		      AS_STRAY);
	assert_answer("stray", 0, coverage_cause(&coverage, RST_STAGE_STRAY), INFERRED, OR_OTHERS);
	assert_answer("handshake", 0, coverage_cause(&coverage, RST_STAGE_HANDSHAKE),
		      COVERAGE_EXACT, NULL);
	coverage = coverage_of(&v5_10, ALL & ~BIT(HOOK_VALIDATE));
	assert_answer("rejected", 0, coverage_cause(&coverage, RST_STAGE_REJECTED), UNSEEN,
		      NO_TRACE);
	coverage = coverage_of(&v5_10, ALL & ~BIT(HOOK_PROCESS));
	assert_answer("rejected", 0, coverage_cause(&coverage, RST_STAGE_REJECTED), UNSEEN,
		      NO_TRACE);
	assert_false(coverage_is_complete(&coverage)); /* for this one stage alone */
}

/* With reasons, but no sockets, each tells what is left for the other. */
static void functions_of_5_17_one_by_one(void **state)
{
	static const struct coverage_kernel *const kernels[] = {&v5_17, &v6_1};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(kernels); i++) {
		struct coverage coverage = coverage_of(kernels[i], ALL & ~BIT(HOOK_REQUEST));

		assert_answer("handshake", i, coverage_cause(&coverage, RST_STAGE_HANDSHAKE),
			      INFERRED, OR_OUTSIDE);
		assert_answer("time_wait", i, coverage_cause(&coverage, RST_STAGE_TIME_WAIT),
			      COVERAGE_EXACT, NULL);
		assert_answer("counter", 1, coverage_counter(&coverage, COUNTER_ATTEMPT_FAILS),
			      INFERRED, OR_OUTSIDE);
		assert_answer("counter", 3, coverage_counter(&coverage, COUNTER_EMBRYONIC_RSTS),
			      INFERRED, OR_OUTSIDE);
		coverage = coverage_of(kernels[i], ALL & ~BIT(HOOK_TIMEWAIT));
		assert_answer("handshake", i, coverage_cause(&coverage, RST_STAGE_HANDSHAKE),
			      COVERAGE_EXACT, NULL);
		assert_answer("time_wait", i, coverage_cause(&coverage, RST_STAGE_TIME_WAIT),
			      INFERRED, NO_REQUEST_HAD);
		coverage = coverage_of(kernels[i], ALL & ~BIT(HOOK_REQUEST) & ~BIT(HOOK_TIMEWAIT));
		assert_answer("handshake", i, coverage_cause(&coverage, RST_STAGE_HANDSHAKE),
			      INFERRED, OR_TIME_WAIT);
		assert_answer("time_wait", i, coverage_cause(&coverage, RST_STAGE_TIME_WAIT),
			      UNSEEN, AS_HANDSHAKE);
		/* Neither without the drops themselves. */
		coverage = coverage_of(kernels[i], ALL & ~BIT(HOOK_DROP) & ~BIT(HOOK_TIMEWAIT));
		assert_answer("time_wait", i, coverage_cause(&coverage, RST_STAGE_TIME_WAIT),
			      UNSEEN, NO_DROP);
		coverage = coverage_of(kernels[i], ALL & ~BIT(HOOK_DROP) & ~BIT(HOOK_REQUEST));
		assert_answer("handshake", i, coverage_cause(&coverage, RST_STAGE_HANDSHAKE),
			      UNSEEN, NO_DROP);
	}
}

/* No kernel that we know: a reason for a request, and no socket. */
static void counters_of_inferred_causes(void **state)
{
	struct coverage_kernel mixed;
	struct coverage coverage;

	(void)state;
	/* A reason for what is no half-open connection's is of use only beside the socket. */
	mixed = v6_18;
	mixed.drop_socket = false;
	coverage = coverage_of(&mixed, TRACEPOINTS);
	assert_answer("handshake", 0, coverage_cause(&coverage, RST_STAGE_HANDSHAKE), INFERRED,
		      OR_TIME_WAIT);
	assert_answer("counter", 1, coverage_counter(&coverage, COUNTER_ATTEMPT_FAILS), INFERRED,
		      OR_TIME_WAIT);
}

/* Each hook is wanted where it tells more than the rest, and nowhere else. */
static void which_hooks_are_wanted(void **state)
{
	static const struct coverage_kernel *const kernels[] = {&v5_10, &v5_17, &v6_1,
								&v6_11, &v6_12, &v6_18};
	static const bool wants[HOOKS][COUNT_OF(kernels)] = {
		[HOOK_SEND] = {true, true, true, true, true, true},
		[HOOK_RECEIVE] = {true, true, true, true, true, true},
		[HOOK_DROP] = {true, true, true, true, true, true},
		[HOOK_STATE] = {true, true, true, true, true, true},
		[HOOK_READ] = {true, true, true, true, true, true},
		[HOOK_FORK] = {true, true, true, true, true, true},
		[HOOK_EXEC] = {true, true, true, true, true, true},
		[HOOK_RENAME] = {true, true, true, true, true, true},
		[HOOK_FREE] = {true, true, true, true, true, true},
		[HOOK_RETRANSMIT] = {true, true, true, true, true, true},
		[HOOK_SEED] = {true, true, true, true, true, true},
		[HOOK_CREDS] = {true, true, true, true, true, true},
		[HOOK_SEND4] = {true, true, true, false, false, false},
		[HOOK_SEND6] = {true, true, true, false, false, false},
		[HOOK_REJECT4] = {true, true, true, true, true, true},
		[HOOK_REJECT6] = {true, true, true, true, true, true},
		[HOOK_REQUEST] = {true, true, true, true, true, true},
		[HOOK_TIMEWAIT] = {true, true, true, false, false, false},
		[HOOK_VALIDATE] = {true, true, false, false, false, false},
		[HOOK_PROCESS] = {true, true, false, false, false, false},
	};

	(void)state;
	for (unsigned hook = 0; hook < HOOKS; hook++)
		for (size_t i = 0; i < COUNT_OF(kernels); i++)
			if (coverage_wants(kernels[i], hook) != wants[hook][i])
				fail_msg("hook %u, kernel %zu", hook, i);
}

/* --- owners --- */

static void owners_hook_by_hook(void **state)
{
	static const struct {
		unsigned without;
		unsigned owner;
		unsigned verdict;
	} rows[] = {
		{BIT(HOOK_STATE), COVERAGE_OWNER_SOCKET, INFERRED},
		{BIT(HOOK_FORK), COVERAGE_OWNER_SOCKET, INFERRED},
		{BIT(HOOK_EXEC), COVERAGE_OWNER_SOCKET, INFERRED},
		{BIT(HOOK_FREE), COVERAGE_OWNER_SOCKET, INFERRED},
		{BIT(HOOK_READ), COVERAGE_OWNER_MOVED, INFERRED},
		{BIT(HOOK_STATE), COVERAGE_OWNER_LISTENER, UNSEEN},
		{BIT(HOOK_SEED), COVERAGE_OWNER_BEFORE, UNSEEN},
	};

	(void)state;
	for (unsigned owner = 0; owner < COVERAGE_OWNERS; owner++) {
		struct coverage all = coverage_of(&v6_18, ALL);

		assert_int_equal(coverage_owner(&all, owner).verdict, COVERAGE_EXACT);
		assert_non_null(coverage_owner_name(owner));
	}
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct coverage without = coverage_of(&v6_18, ALL & ~rows[i].without);
		struct coverage_answer answer = coverage_owner(&without, rows[i].owner);

		assert_int_equal(answer.verdict, rows[i].verdict);
		assert_non_null(answer.why);
		assert_int_equal(coverage_is_complete(&without),
				 rows[i].without != BIT(HOOK_STATE) &&
					 rows[i].without != BIT(HOOK_SEED));
	}
	assert_null(coverage_owner_name(COVERAGE_OWNERS));
}

/* --- signals --- */

static void signals_hook_by_hook(void **state)
{
	static const struct {
		const struct coverage_kernel *kernel;
		unsigned without;
		unsigned signal;
		const char *why;
	} unseen[] = {
		{&v6_18, BIT(HOOK_RETRANSMIT), COVERAGE_SYNACK_RETRANSMITS,
		 "tcp_retransmit_synack cannot be hooked"},
		{&v6_18, BIT(HOOK_SEED), COVERAGE_LISTENING_SOCKETS, "sockets cannot be walked"},
		{&v6_18, BIT(HOOK_DROP), COVERAGE_PROBES, NO_DROP},
		{&v5_10, 0, COVERAGE_PROBES, NO_TRACE},
		{&v5_17, 0, COVERAGE_PROBES, NO_TRACE},
		{&v6_18, BIT(HOOK_STATE), COVERAGE_FAILED_CONNECTS,
		 "inet_sock_set_state cannot be hooked"},
		{&v6_18, BIT(HOOK_STATE), COVERAGE_KNOWN_PEERS,
		 "inet_sock_set_state cannot be hooked"},
	};
	const struct coverage all = coverage_of(&v6_1, ALL);

	(void)state;
	for (unsigned i = 0; i < COVERAGE_SIGNALS; i++) {
		assert_non_null(coverage_signal_name(i));
		if (i == COVERAGE_SYNS)
			assert_answer("signal", i, coverage_signal(&all, i), INFERRED,
				      "sampled while something looks wrong");
		else
			assert_answer("signal", i, coverage_signal(&all, i), COVERAGE_EXACT, NULL);
	}
	for (size_t i = 0; i < COUNT_OF(unseen); i++) {
		struct coverage coverage = coverage_of(unseen[i].kernel, ALL & ~unseen[i].without);

		assert_answer("signal", unseen[i].signal,
			      coverage_signal(&coverage, unseen[i].signal), UNSEEN, unseen[i].why);
		assert_false(coverage_is_complete(&coverage));
	}
	assert_null(coverage_signal_name(COVERAGE_SIGNALS));
	assert_int_equal(coverage_signal(&all, COVERAGE_SIGNALS).verdict, UNSEEN);
}

/* A hook that is not wanted changes no verdict. */
static void what_is_not_wanted_adds_nothing(void **state)
{
	static const struct coverage_kernel *const kernels[] = {&v5_10, &v5_17, &v6_1,
								&v6_11, &v6_12, &v6_18};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(kernels); i++) {
		const struct coverage best = coverage_of(kernels[i], ALL);
		const struct coverage some = coverage_of(kernels[i], wanted(kernels[i]));

		for (unsigned cause = 0; cause < RST_CAUSES; cause++)
			assert_int_equal(coverage_cause(&best, cause).verdict,
					 coverage_cause(&some, cause).verdict);
		for (unsigned counter = 0; counter < COUNTERS; counter++)
			assert_int_equal(coverage_counter(&best, counter).verdict,
					 coverage_counter(&some, counter).verdict);
	}
}

/* Those that resets are seen through, of which each set is tried; the others tell whose they are.
 */
static const unsigned reset_hooks[] = {HOOK_SEND,    HOOK_RECEIVE,  HOOK_DROP,	  HOOK_PROCESS,
				       HOOK_SEND4,   HOOK_SEND6,    HOOK_REJECT4, HOOK_REJECT6,
				       HOOK_REQUEST, HOOK_TIMEWAIT, HOOK_VALIDATE};
#define RESET_SETS BIT(COUNT_OF(reset_hooks))

static unsigned hooks_of(unsigned set)
{
	unsigned attached = 0;

	for (size_t i = 0; i < COUNT_OF(reset_hooks); i++)
		attached |= set >> i & 1 ? BIT(reset_hooks[i]) : 0;
	return attached;
}

static void owners_hooks_change_no_cause(void **state)
{
	unsigned others = (BIT(HOOKS) - 1) & ~hooks_of(RESET_SETS - 1);

	(void)state;
	for (unsigned set = 0; set < RESET_SETS; set++) {
		const struct coverage less = coverage_of(&v6_18, hooks_of(set));
		const struct coverage more = coverage_of(&v6_18, hooks_of(set) | others);

		for (unsigned cause = 0; cause < RST_CAUSES; cause++)
			assert_int_equal(coverage_cause(&more, cause).verdict,
					 coverage_cause(&less, cause).verdict);
		for (unsigned counter = 0; counter < COUNTERS; counter++)
			assert_int_equal(coverage_counter(&more, counter).verdict,
					 coverage_counter(&less, counter).verdict);
	}
}

/* And one more hook never makes it worse. */
static void more_hooks_see_no_less(void **state)
{
	static const struct coverage_kernel *const kernels[] = {&v5_10, &v5_17, &v6_1,
								&v6_11, &v6_12, &v6_18};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(kernels); i++) {
		for (unsigned set = 0; set < RESET_SETS; set++) {
			const struct coverage less = coverage_of(kernels[i], hooks_of(set));

			for (unsigned hook = 0; hook < HOOKS; hook++) {
				struct coverage more = less;

				more.hook[hook] = true;
				for (unsigned cause = 0; cause < RST_CAUSES; cause++)
					assert_true(coverage_cause(&more, cause).verdict <=
						    coverage_cause(&less, cause).verdict);
				for (unsigned counter = 0; counter < COUNTERS; counter++)
					assert_true(coverage_counter(&more, counter).verdict <=
						    coverage_counter(&less, counter).verdict);
			}
		}
	}
}

/* Whatever is not exact says why. */
static void less_than_exact_is_explained(void **state)
{
	(void)state;
	for (unsigned facts = 0; facts < 64; facts++) {
		const struct coverage_kernel kernel = {.send_reason = facts & 1,
						       .active_reason = facts & 2,
						       .drop_reason = facts & 4,
						       .drop_socket = facts & 8,
						       .drop_rejected = facts & 16,
						       .request_reason = facts & 32};

		for (unsigned set = 0; set < RESET_SETS; set++) {
			const struct coverage coverage = coverage_of(&kernel, hooks_of(set));

			for (unsigned cause = 1; cause < RST_CAUSES; cause++) {
				struct coverage_answer answer = coverage_cause(&coverage, cause);

				if (name_cause(cause))
					assert_true(!answer.why ==
						    (answer.verdict == COVERAGE_EXACT));
			}
			for (unsigned counter = 0; counter < COUNTERS; counter++) {
				struct coverage_answer answer =
					coverage_counter(&coverage, counter);

				assert_true(!answer.why == (answer.verdict == COVERAGE_EXACT));
			}
		}
	}
}

static void numbers_that_nothing_has(void **state)
{
	const struct coverage best = coverage_of(&v6_18, ALL);

	(void)state;
	assert_answer("cause", 0, coverage_cause(&best, 0), UNSEEN, NULL);
	for (unsigned cause = 1; cause < 300; cause++)
		if (!name_cause(cause))
			assert_answer("cause", cause, coverage_cause(&best, cause), UNSEEN, NULL);
	/* These tell why, and are compared with nothing. */
	assert_answer("counter", 4, coverage_counter(&best, COUNTER_ABORT_ON_TIMEOUT), UNSEEN,
		      NULL);
	assert_answer("counter", 5, coverage_counter(&best, COUNTER_ABORT_FAILED), UNSEEN, NULL);
	assert_answer("counter", 99, coverage_counter(&best, 99), UNSEEN, NULL);
	assert_null(coverage_verdict_name(0));
	assert_string_equal(coverage_verdict_name(COVERAGE_EXACT), "exact");
	assert_string_equal(coverage_verdict_name(COVERAGE_INFERRED), "inferred");
	assert_string_equal(coverage_verdict_name(COVERAGE_UNSEEN), "unseen");
	assert_null(coverage_verdict_name(COVERAGE_VERDICTS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(linux_5_10),
		cmocka_unit_test(linux_5_17),
		cmocka_unit_test(linux_6_1),
		cmocka_unit_test(linux_6_11),
		cmocka_unit_test(linux_6_12),
		cmocka_unit_test(linux_6_18),
		cmocka_unit_test(one_family_only),
		cmocka_unit_test(no_drops),
		cmocka_unit_test(functions_of_5_10_one_by_one),
		cmocka_unit_test(functions_of_5_17_one_by_one),
		cmocka_unit_test(counters_of_inferred_causes),
		cmocka_unit_test(which_hooks_are_wanted),
		cmocka_unit_test(owners_hook_by_hook),
		cmocka_unit_test(signals_hook_by_hook),
		cmocka_unit_test(what_is_not_wanted_adds_nothing),
		cmocka_unit_test(owners_hooks_change_no_cause),
		cmocka_unit_test(more_hooks_see_no_less),
		cmocka_unit_test(less_than_exact_is_explained),
		cmocka_unit_test(numbers_that_nothing_has),
	};

	return cmocka_run_group_tests_name("coverage", tests, NULL, NULL);
}

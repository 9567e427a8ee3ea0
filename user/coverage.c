// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "coverage.h"

#include <stddef.h>

#include "event.h"

static const char *const verdicts[COVERAGE_VERDICTS] = {
	[COVERAGE_EXACT] = "exact",
	[COVERAGE_INFERRED] = "inferred",
	[COVERAGE_UNSEEN] = "unseen",
};

const char *coverage_verdict_name(enum coverage_verdict verdict)
{
	return verdict < COVERAGE_VERDICTS ? verdicts[verdict] : NULL;
}

static struct coverage_answer answer(enum coverage_verdict verdict, const char *why)
{
	return (struct coverage_answer){.verdict = verdict, .why = why};
}

bool coverage_wants(const struct coverage_kernel *kernel, enum coverage_hook hook)
{
	switch (hook) {
	case HOOK_SEND4:
	case HOOK_SEND6:
		return !kernel->send_reason;
	case HOOK_TIMEWAIT:
		return !kernel->drop_socket;
	case HOOK_VALIDATE:
	case HOOK_PROCESS:
		return !kernel->drop_rejected;
	default:
		return true;
	}
}

/* Both halves of a pair of hooks, one for IPv4 and one for IPv6. */
static struct coverage_answer both(const struct coverage *coverage, enum coverage_hook v4,
				   enum coverage_hook v6, const char *neither)
{
	if (coverage->hook[v4] && coverage->hook[v6])
		return answer(COVERAGE_EXACT, NULL);
	if (coverage->hook[v4])
		return answer(COVERAGE_UNSEEN, "not over IPv6: its function cannot be hooked");
	if (coverage->hook[v6])
		return answer(COVERAGE_UNSEEN, "not over IPv4: its function cannot be hooked");
	return answer(COVERAGE_UNSEEN, neither);
}

/* Resets for which tcp_send_reset fires with a reason only. */
static struct coverage_answer without_socket(const struct coverage *coverage)
{
	if (coverage->kernel.send_reason)
		return answer(COVERAGE_EXACT, NULL);
	return both(coverage, HOOK_SEND4, HOOK_SEND6,
		    "this kernel's tcp_send_reset does not fire without a full socket");
}

static struct coverage_answer told_by(bool reason)
{
	return reason ? answer(COVERAGE_EXACT, NULL)
		      : answer(COVERAGE_INFERRED,
			       "this kernel gives no reason: from the segment and the socket");
}

static struct coverage_answer handshake(const struct coverage *coverage)
{
	if (!coverage->hook[HOOK_DROP])
		return answer(COVERAGE_UNSEEN, "kfree_skb cannot be hooked");
	if (coverage->hook[HOOK_REQUEST])
		return answer(COVERAGE_EXACT, NULL);
	if (coverage->kernel.drop_socket && coverage->kernel.request_reason)
		return answer(COVERAGE_INFERRED,
			      "one that was not exact and was challenged counts too");
	if (coverage->kernel.drop_socket ||
	    (coverage->kernel.drop_reason && coverage->hook[HOOK_TIMEWAIT]))
		return answer(COVERAGE_INFERRED,
			      "one outside the window of a half-open connection counts too");
	if (coverage->kernel.drop_reason)
		return answer(COVERAGE_INFERRED, "one in TIME_WAIT cannot be told from it");
	return answer(COVERAGE_UNSEEN, "counts as stray");
}

static struct coverage_answer time_wait(const struct coverage *coverage)
{
	if (!coverage->hook[HOOK_DROP])
		return answer(COVERAGE_UNSEEN, "kfree_skb cannot be hooked");
	if (coverage->hook[HOOK_TIMEWAIT] || coverage->kernel.drop_socket)
		return answer(COVERAGE_EXACT, NULL);
	if (!coverage->kernel.drop_reason)
		return answer(COVERAGE_UNSEEN, "counts as stray");
	if (coverage->hook[HOOK_REQUEST])
		return answer(COVERAGE_INFERRED, "what no half-open connection had");
	return answer(COVERAGE_UNSEEN, "counts as handshake");
}

static struct coverage_answer stray(const struct coverage *coverage)
{
	if (!coverage->hook[HOOK_DROP])
		return answer(COVERAGE_UNSEEN, "kfree_skb cannot be hooked");
	if (coverage->kernel.drop_reason ||
	    (coverage->hook[HOOK_REQUEST] && coverage->hook[HOOK_TIMEWAIT]))
		return answer(COVERAGE_EXACT, NULL);
	return answer(COVERAGE_INFERRED, "others that were dropped cannot be told from it");
}

static struct coverage_answer rejected(const struct coverage *coverage)
{
	if (coverage->kernel.drop_rejected && coverage->hook[HOOK_DROP])
		return answer(COVERAGE_EXACT, NULL);
	if (coverage->hook[HOOK_VALIDATE] && coverage->hook[HOOK_PROCESS])
		return answer(COVERAGE_EXACT, NULL);
	return answer(COVERAGE_UNSEEN, "this kernel drops them without a trace");
}

struct coverage_answer coverage_cause(const struct coverage *coverage, unsigned cause)
{
	switch (cause) {
	case RST_CLOSED_PORT:
	case RST_HALF_OPEN:
	case RST_TIME_WAIT:
		return without_socket(coverage);
	case RST_ABORTED:
	case RST_NO_MEMORY:
	case RST_KEEPALIVE:
		return told_by(coverage->kernel.active_reason);
	case RST_QUEUE_FULL:
	case RST_INVALID:
		return told_by(coverage->kernel.send_reason);
	case RST_MPTCP:
		if (coverage->kernel.send_reason && coverage->kernel.active_reason)
			return answer(COVERAGE_EXACT, NULL);
		return coverage->hook[HOOK_REQUEST] || coverage->kernel.send_reason
			       ? answer(COVERAGE_INFERRED,
					"refused joins only; the others count as aborted")
			       : answer(COVERAGE_UNSEEN, "counts as invalid or aborted");
	case RST_FIREWALL:
		return both(coverage, HOOK_REJECT4, HOOK_REJECT6,
			    "netfilter's functions cannot be hooked");
	case RST_UNKNOWN:
	case RST_STAGE_REFUSED:
	case RST_STAGE_ESTABLISHED:
	case RST_STAGE_CLOSING:
		return answer(COVERAGE_EXACT, NULL);
	case RST_STAGE_HANDSHAKE:
		return handshake(coverage);
	case RST_STAGE_TIME_WAIT:
		return time_wait(coverage);
	case RST_STAGE_STRAY:
		return stray(coverage);
	case RST_STAGE_REJECTED:
		return rejected(coverage);
	default:
		return answer(COVERAGE_UNSEEN, NULL);
	}
}

struct coverage_answer coverage_counter(const struct coverage *coverage, unsigned counter)
{
	switch (counter) {
	case COUNTER_OUT_RSTS:
		return without_socket(coverage);
	case COUNTER_ATTEMPT_FAILS:
	case COUNTER_EMBRYONIC_RSTS:
		return handshake(coverage); /* a hooked request tells the cause, too */
	case COUNTER_ESTAB_RESETS:
		return answer(COVERAGE_EXACT, NULL);
	default:
		return answer(COVERAGE_UNSEEN, NULL);
	}
}

static const char *const owners[COVERAGE_OWNERS] = {
	[COVERAGE_OWNER_SOCKET] = "socket",
	[COVERAGE_OWNER_MOVED] = "moved_socket",
	[COVERAGE_OWNER_LISTENER] = "listener",
	[COVERAGE_OWNER_BEFORE] = "older_socket",
};

const char *coverage_owner_name(enum coverage_owner owner)
{
	return owner < COVERAGE_OWNERS ? owners[owner] : NULL;
}

struct coverage_answer coverage_owner(const struct coverage *coverage, enum coverage_owner owner)
{
	const bool *hook = coverage->hook;

	switch (owner) {
	case COVERAGE_OWNER_SOCKET:
		if (!hook[HOOK_STATE])
			return answer(COVERAGE_INFERRED, "not of connections that are closed");
		if (!hook[HOOK_FORK] || !hook[HOOK_EXEC] || !hook[HOOK_FREE])
			return answer(COVERAGE_INFERRED,
				      "a process is known once it opens or closes a connection");
		return hook[HOOK_CREDS] ? answer(COVERAGE_EXACT, NULL)
					: answer(COVERAGE_EXACT, "within a second of setuid()");
	case COVERAGE_OWNER_MOVED:
		return hook[HOOK_READ] ? answer(COVERAGE_EXACT, "from its first read or close on")
				       : answer(COVERAGE_INFERRED, "from its close on");
	case COVERAGE_OWNER_LISTENER:
		return hook[HOOK_STATE]
			       ? answer(COVERAGE_EXACT, NULL)
			       : answer(COVERAGE_UNSEEN, "inet_sock_set_state cannot be hooked");
	case COVERAGE_OWNER_BEFORE:
		return hook[HOOK_SEED] ? answer(COVERAGE_EXACT, NULL)
				       : answer(COVERAGE_UNSEEN, "processes cannot be walked");
	default:
		return answer(COVERAGE_UNSEEN, NULL);
	}
}

static const char *const signals[COVERAGE_SIGNALS] = {
	[COVERAGE_SYNACK_RETRANSMITS] = "synack_retransmits",
	[COVERAGE_LISTENING_SOCKETS] = "listening_sockets",
	[COVERAGE_SYN_COOKIES] = "syn_cookies",
	[COVERAGE_PROBES] = "probes",
	[COVERAGE_FAILED_CONNECTS] = "failed_connects",
	[COVERAGE_KNOWN_PEERS] = "known_peers",
	[COVERAGE_SYNS] = "syns",
};

const char *coverage_signal_name(enum coverage_signal signal)
{
	return signal < COVERAGE_SIGNALS ? signals[signal] : NULL;
}

static struct coverage_answer if_hooked(bool hooked, const char *why_not)
{
	return hooked ? answer(COVERAGE_EXACT, NULL) : answer(COVERAGE_UNSEEN, why_not);
}

struct coverage_answer coverage_signal(const struct coverage *coverage, enum coverage_signal signal)
{
	const bool *hook = coverage->hook;

	switch (signal) {
	case COVERAGE_SYNACK_RETRANSMITS:
		return if_hooked(hook[HOOK_RETRANSMIT], "tcp_retransmit_synack cannot be hooked");
	case COVERAGE_LISTENING_SOCKETS:
		return if_hooked(hook[HOOK_SEED], "sockets cannot be walked");
	case COVERAGE_SYN_COOKIES:
		return answer(COVERAGE_EXACT, NULL); /* counters of the kernel, in /proc */
	case COVERAGE_PROBES:
		if (!hook[HOOK_DROP])
			return answer(COVERAGE_UNSEEN, "kfree_skb cannot be hooked");
		return if_hooked(coverage->kernel.drop_rejected,
				 "this kernel drops them without a trace");
	case COVERAGE_FAILED_CONNECTS:
	case COVERAGE_KNOWN_PEERS:
		return if_hooked(hook[HOOK_STATE], "inet_sock_set_state cannot be hooked");
	case COVERAGE_SYNS:
		return answer(COVERAGE_INFERRED, "sampled while something looks wrong");
	default:
		return answer(COVERAGE_UNSEEN, NULL);
	}
}

bool coverage_is_complete(const struct coverage *coverage)
{
	for (unsigned signal = 0; signal < COVERAGE_SIGNALS; signal++)
		if (coverage_signal(coverage, signal).verdict == COVERAGE_UNSEEN)
			return false;
	for (unsigned owner = 0; owner < COVERAGE_OWNERS; owner++)
		if (coverage_owner(coverage, owner).verdict == COVERAGE_UNSEEN)
			return false;
	for (unsigned cause = 1; cause < RST_CAUSES; cause++)
		if (name_cause(cause) && coverage_cause(coverage, cause).verdict == COVERAGE_UNSEEN)
			return false;
	for (unsigned counter = 0; counter < COUNTERS; counter++)
		if (coverage_counter(coverage, counter).verdict == COVERAGE_UNSEEN)
			return false;
	return true;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "alert.h"

#include <string.h>

#include "units.h"

#define MINUTE_NS (60 * SECOND_NS)

static const char *const kinds[ALERT_KINDS] = {
	[ALERT_RST_SENT_RATE] = "rst_sent_rate",
	[ALERT_RST_RECEIVED_RATE] = "rst_received_rate",
	[ALERT_SYN_FLOOD] = "syn_flood",
	[ALERT_CLOSED_PORT_FLOOD] = "closed_port_flood",
	[ALERT_PORT_SCAN] = "port_scan",
	[ALERT_STEALTH_SCAN] = "stealth_scan",
	[ALERT_OUTBOUND_SCAN] = "outbound_scan",
	[ALERT_SERVICE_DOWN] = "service_down",
	[ALERT_DEPENDENCY_DOWN] = "dependency_down",
	[ALERT_ACCEPT_QUEUE_FULL] = "accept_queue_full",
	[ALERT_RESET_INJECTION] = "reset_injection",
	[ALERT_PEER_RESET_STORM] = "peer_reset_storm",
	[ALERT_STALE_CONNECTIONS] = "stale_connections",
	[ALERT_BACKSCATTER] = "backscatter",
};

static const char *const statuses[] = {
	[ALERT_RAISED] = "raised",
	[ALERT_UPDATED] = "updated",
	[ALERT_CLEARED] = "cleared",
};

static const char *const severities[] = {
	[ALERT_INFO] = "info",
	[ALERT_WARNING] = "warning",
	[ALERT_CRITICAL] = "critical",
};

static const char *const proofs[ALERT_PROOFS] = {
	[ALERT_PROOF_NONE] = "none",
	[ALERT_PROOF_ANSWERED] = "answered",
	[ALERT_PROOF_HANDSHAKE] = "handshake",
};

const char *alert_kind_name(enum alert_kind kind)
{
	return kinds[kind];
}

const char *alert_status_name(enum alert_status status)
{
	return statuses[status];
}

const char *alert_severity_name(enum alert_severity severity)
{
	return severities[severity];
}

const char *alert_proof_name(enum alert_proof proof)
{
	return proofs[proof];
}

enum alert_kind alert_kind_of(const char *name)
{
	for (unsigned kind = 1; kind < ALERT_KINDS; kind++)
		if (!strcmp(kinds[kind], name))
			return kind;
	return 0;
}

const struct window_owner *alert_main_owner(const struct alert *alert)
{
	const struct window_owner *owner = &alert->owners[0];
	uint64_t count = owner->sent + owner->received;

	if (!alert->owner_count || !count || count < alert->total - alert->total / 2)
		return NULL;
	/* A process that was forgotten is nobody; the kernel and a firewall never had one. */
	if (!owner->owner.process && owner->owner.known_by != OWNER_KERNEL &&
	    owner->owner.known_by != OWNER_FIREWALL)
		return NULL;
	return owner;
}

uint64_t alert_update_after_ns(unsigned updates)
{
	static const unsigned minutes[] = {1, 5, 30};
	const unsigned count = sizeof(minutes) / sizeof(minutes[0]);

	if (updates < count)
		return minutes[updates] * MINUTE_NS;
	return (updates - count + 1) * 60 * MINUTE_NS;
}

static uint64_t stretched(const struct alert_policy *policy, uint64_t delay_ns, double stretch)
{
	double stretched_ns = delay_ns * stretch;

	/* A delay that is set above the bound stays as it is set. */
	if (stretched_ns > policy->max_ns)
		stretched_ns = policy->max_ns > delay_ns ? policy->max_ns : delay_ns;
	return (uint64_t)stretched_ns;
}

/* The condition has changed: it will be told after its delay, or not at all if it changes back. */
static void change(struct alert_incident *incident, const struct alert_policy *policy, bool firing,
		   uint64_t now_ns)
{
	uint64_t delay_ns = firing ? policy->up_ns : policy->down_ns;
	double longest = policy->max_ns > SECOND_NS ? policy->max_ns : SECOND_NS;

	if (incident->pending && now_ns < incident->due_ns)
		incident->stretch *= policy->multiplier;
	else
		incident->stretch = 1;
	if (incident->stretch > longest)
		incident->stretch = longest;
	if (firing && !incident->raised)
		incident->first_ns = now_ns;
	incident->firing = firing;
	incident->pending = true;
	incident->due_ns = now_ns + stretched(policy, delay_ns, incident->stretch);
}

enum alert_status alert_step(struct alert_incident *incident, const struct alert_policy *policy,
			     bool firing, uint64_t now_ns)
{
	if (firing != incident->firing)
		change(incident, policy, firing, now_ns);
	if (incident->pending && now_ns >= incident->due_ns) {
		incident->pending = false;
		if (incident->firing != incident->raised) {
			incident->raised = incident->firing;
			if (!incident->raised)
				return ALERT_CLEARED;
			incident->raised_ns = now_ns;
			incident->updates = 0;
			return ALERT_RAISED;
		}
	}
	if (incident->raised && incident->firing &&
	    now_ns - incident->raised_ns >= alert_update_after_ns(incident->updates)) {
		/* Those that fell due while the condition was gone are not made up for. */
		do
			incident->updates++;
		while (now_ns - incident->raised_ns >= alert_update_after_ns(incident->updates));
		return ALERT_UPDATED;
	}
	return 0;
}

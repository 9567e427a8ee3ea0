// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "names.h"

#include <stdbool.h>
#include <string.h>

#include "classify.h"

static const char *const directions[RST_DIRECTIONS] = {
	[RST_SENT] = "sent",
	[RST_RECEIVED] = "received",
};

static const char *const roles[RST_ROLES] = {
	[RST_ROLE_SERVER] = "server",
	[RST_ROLE_CLIENT] = "client",
};

static const char *const states[RST_STATES] = {
	[RST_STATE_ESTABLISHED] = "ESTABLISHED",
	[RST_STATE_SYN_SENT] = "SYN_SENT",
	[RST_STATE_SYN_RECV] = "SYN_RECV",
	[RST_STATE_FIN_WAIT1] = "FIN_WAIT1",
	[RST_STATE_FIN_WAIT2] = "FIN_WAIT2",
	[RST_STATE_TIME_WAIT] = "TIME_WAIT",
	[RST_STATE_CLOSE] = "CLOSE",
	[RST_STATE_CLOSE_WAIT] = "CLOSE_WAIT",
	[RST_STATE_LAST_ACK] = "LAST_ACK",
	[RST_STATE_LISTEN] = "LISTEN",
	[RST_STATE_CLOSING] = "CLOSING",
	[RST_STATE_NEW_SYN_RECV] = "NEW_SYN_RECV",
};

static const char *const causes[RST_CAUSES] = {
	[RST_CLOSED_PORT] = "closed_port",
	[RST_ABORTED] = "aborted",
	[RST_HALF_OPEN] = "half_open",
	[RST_TIME_WAIT] = "time_wait",
	[RST_QUEUE_FULL] = "queue_full",
	[RST_NO_MEMORY] = "no_memory",
	[RST_KEEPALIVE] = "keepalive",
	[RST_INVALID] = "invalid",
	[RST_MPTCP] = "mptcp",
	[RST_FIREWALL] = "firewall",
	[RST_UNKNOWN] = "unknown",
	[RST_STAGE_REFUSED] = "refused",
	[RST_STAGE_HANDSHAKE] = "handshake",
	[RST_STAGE_ESTABLISHED] = "established",
	[RST_STAGE_CLOSING] = "closing",
	[RST_STAGE_TIME_WAIT] = "time_wait",
	[RST_STAGE_STRAY] = "stray",
	[RST_STAGE_REJECTED] = "rejected",
};

static const struct {
	const char *name;
	char letter;
} flag_names[8] = {
	{"FIN", 'F'}, {"SYN", 'S'}, {"RST", 'R'}, {"PSH", 'P'},
	{"ACK", '.'}, {"URG", 'U'}, {"ECE", 'E'}, {"CWR", 'W'},
};

/* enum sk_rst_reason of Linux 6.10 to 7.3, include/net/rstreason.h. */
static const struct {
	const char *reason;
	unsigned meaning;
} meanings[] = {
	{"NOT_SPECIFIED", CLASSIFY_NONE},
	{"NO_SOCKET", CLASSIFY_NO_SOCKET},
	{"TCP_INVALID_ACK_SEQUENCE", RST_HALF_OPEN}, /* a SYN-ACK for another SYN of ours */
	{"TCP_RFC7323_PAWS", RST_HALF_OPEN},
	{"TCP_TOO_OLD_ACK", RST_INVALID}, /* the handshake's last ACK is wrong */
	{"TCP_ACK_UNSENT_DATA", RST_INVALID},
	{"TCP_OLD_ACK", RST_INVALID},
	{"TCP_FLAGS", RST_HALF_OPEN}, /* an ACK for a listener */
	{"TCP_ABORT_ON_DATA", RST_ABORTED},
	{"TCP_TIMEWAIT_SOCKET", RST_TIME_WAIT},
	{"INVALID_SYN", CLASSIFY_INVALID_SYN},
	{"TCP_ABORT_ON_CLOSE", RST_ABORTED},
	{"TCP_ABORT_ON_LINGER", RST_ABORTED},
	{"TCP_ABORT_ON_MEMORY", RST_NO_MEMORY},
	{"TCP_STATE", RST_ABORTED}, /* SO_LINGER 0, disconnect, a closed listener's children */
	{"TCP_KEEPALIVE_TIMEOUT", RST_KEEPALIVE},
	{"TCP_DISCONNECT_WITH_DATA", RST_ABORTED},
	{"MPTCP_RST_EUNSPEC", RST_MPTCP},
	{"MPTCP_RST_EMPTCP", RST_MPTCP},
	{"MPTCP_RST_ERESOURCE", RST_MPTCP},
	{"MPTCP_RST_EPROHIBIT", RST_MPTCP},
	{"MPTCP_RST_EWQ2BIG", RST_MPTCP},
	{"MPTCP_RST_EBADPERF", RST_MPTCP},
	{"MPTCP_RST_EMIDDLEBOX", RST_MPTCP},
};

/* enum skb_drop_reason of Linux 5.17 to 7.3, include/net/dropreason-core.h. Those that are not here
 * are TCP's judgement if their names say so, and none of its business otherwise. */
static const struct {
	const char *reason;
	unsigned meaning;
} drop_meanings[] = {
	{"NOT_SPECIFIED", CLASSIFY_UNTOLD},	{"NO_SOCKET", RST_STAGE_STRAY},
	{"TCP_CLOSE", RST_STAGE_STRAY},		{"SOCKET_CLOSE", RST_STAGE_STRAY},
	{"TCP_RESET", CLASSIFY_BY_STATE},	{"TCP_FLAGS", CLASSIFY_BY_STATE},
	{"TCP_CSUM", CLASSIFY_OUTSIDE}, /* no valid segment */
	{"SOCKET_FILTER", RST_STAGE_REJECTED},	{"SOCKET_RCVBUFF", RST_STAGE_REJECTED},
	{"SOCKET_BACKLOG", RST_STAGE_REJECTED}, {"PROTO_MEM", RST_STAGE_REJECTED},
	{"SECURITY_HOOK", RST_STAGE_REJECTED},	{"XFRM_POLICY", RST_STAGE_REJECTED},
};

/* /proc/net/snmp and /proc/net/netstat. */
static const char *const counters[COUNTERS_READ] = {
	[COUNTER_OUT_RSTS] = "OutRsts",
	[COUNTER_ATTEMPT_FAILS] = "AttemptFails",
	[COUNTER_ESTAB_RESETS] = "EstabResets",
	[COUNTER_EMBRYONIC_RSTS] = "EmbryonicRsts",
	[COUNTER_ABORT_ON_TIMEOUT] = "TCPAbortOnTimeout",
	[COUNTER_ABORT_FAILED] = "TCPAbortFailed",
};

static const char *const queues[QUEUES] = {
	[QUEUE_PASSIVE_OPENS] = "PassiveOpens",
	[QUEUE_OVERFLOWS] = "ListenOverflows",
	[QUEUE_DROPS] = "ListenDrops",
	[QUEUE_COOKIES_SENT] = "SyncookiesSent",
	[QUEUE_COOKIES_RECV] = "SyncookiesRecv",
	[QUEUE_COOKIES_FAILED] = "SyncookiesFailed",
	[QUEUE_DO_COOKIES] = "TCPReqQFullDoCookies",
	[QUEUE_DO_DROPS] = "TCPReqQFullDrop",
	[QUEUE_CHALLENGES] = "TCPChallengeACK",
	[QUEUE_SYN_CHALLENGES] = "TCPSYNChallenge",
};

const char *name_direction(unsigned direction)
{
	return direction < RST_DIRECTIONS ? directions[direction] : NULL;
}

const char *name_role(unsigned role)
{
	return role < RST_ROLES ? roles[role] : NULL;
}

const char *name_state(unsigned state)
{
	return state < RST_STATES ? states[state] : NULL;
}

const char *name_cause(unsigned cause)
{
	return cause < RST_CAUSES ? causes[cause] : NULL;
}

unsigned name_to_cause(const char *name)
{
	for (unsigned cause = 1; cause < RST_CAUSES; cause++)
		if (causes[cause] && !strcmp(causes[cause], name))
			return cause;
	return 0;
}

unsigned name_cause_direction(unsigned cause)
{
	return cause < RST_STAGE_REFUSED ? RST_SENT : RST_RECEIVED;
}

size_t name_flags(char text[NAME_FLAGS_BYTES], unsigned flags)
{
	size_t length = 0;

	for (unsigned bit = 0; bit < 8; bit++) {
		if (!(flags & 1U << bit))
			continue;
		if (length)
			text[length++] = '+';
		memcpy(text + length, flag_names[bit].name, 3);
		length += 3;
	}
	if (!length) {
		memcpy(text, "none", 4);
		length = 4;
	}
	text[length] = '\0';
	return length;
}

size_t name_flags_short(char text[NAME_FLAGS_BYTES], unsigned flags)
{
	size_t length = 0;

	if (!flags)
		return name_flags(text, flags);
	for (unsigned bit = 0; bit < 8; bit++)
		if (flags & 1U << bit)
			text[length++] = flag_names[bit].letter;
	text[length] = '\0';
	return length;
}

unsigned name_reason_meaning(const char *reason)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (!strcmp(meanings[i].reason, reason))
			return meanings[i].meaning;
	return RST_UNKNOWN;
}

unsigned name_drop_meaning(const char *reason)
{
	for (size_t i = 0; i < sizeof(drop_meanings) / sizeof(drop_meanings[0]); i++)
		if (!strcmp(drop_meanings[i].reason, reason))
			return drop_meanings[i].meaning;
	return strlen(reason) < 4 || memcmp(reason, "TCP_", 4) ? CLASSIFY_OUTSIDE
							       : RST_STAGE_REJECTED;
}

const char *name_counter(unsigned counter)
{
	return counter < COUNTERS_READ ? counters[counter] : NULL;
}

const char *name_queue(unsigned queue)
{
	return queue < QUEUES ? queues[queue] : NULL;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit.h"

#include "classify.h"
#include "names.h"

static const struct {
	unsigned cause;
	const char *name;
	unsigned direction;
} causes[] = {
	{RST_CLOSED_PORT, "closed_port", RST_SENT},
	{RST_ABORTED, "aborted", RST_SENT},
	{RST_HALF_OPEN, "half_open", RST_SENT},
	{RST_TIME_WAIT, "time_wait", RST_SENT},
	{RST_QUEUE_FULL, "queue_full", RST_SENT},
	{RST_NO_MEMORY, "no_memory", RST_SENT},
	{RST_KEEPALIVE, "keepalive", RST_SENT},
	{RST_INVALID, "invalid", RST_SENT},
	{RST_MPTCP, "mptcp", RST_SENT},
	{RST_FIREWALL, "firewall", RST_SENT},
	{RST_UNKNOWN, "unknown", RST_SENT},
	{RST_STAGE_REFUSED, "refused", RST_RECEIVED},
	{RST_STAGE_HANDSHAKE, "handshake", RST_RECEIVED},
	{RST_STAGE_ESTABLISHED, "established", RST_RECEIVED},
	{RST_STAGE_CLOSING, "closing", RST_RECEIVED},
	{RST_STAGE_TIME_WAIT, "time_wait", RST_RECEIVED},
	{RST_STAGE_STRAY, "stray", RST_RECEIVED},
	{RST_STAGE_REJECTED, "rejected", RST_RECEIVED},
};

static void every_cause_has_its_name(void **state)
{
	unsigned named = 0;

	(void)state;
	for (unsigned i = 0; i < COUNT_OF(causes); i++) {
		assert_string_equal(name_cause(causes[i].cause), causes[i].name);
		assert_int_equal(name_cause_direction(causes[i].cause), causes[i].direction);
	}
	for (unsigned cause = 0; cause < 2 * RST_CAUSES; cause++)
		named += name_cause(cause) != NULL;
	assert_int_equal(named, COUNT_OF(causes)); /* and no other number has one */
}

static void causes_round_trip(void **state)
{
	(void)state;
	for (unsigned i = 0; i < COUNT_OF(causes); i++) {
		unsigned cause = name_to_cause(causes[i].name);

		assert_string_equal(name_cause(cause), causes[i].name);
		/* Only this name stands for two; filter.c knows. */
		if (causes[i].cause != RST_STAGE_TIME_WAIT)
			assert_int_equal(cause, causes[i].cause);
		else
			assert_int_equal(cause, RST_TIME_WAIT);
	}
	assert_int_equal(name_to_cause(""), 0);
	assert_int_equal(name_to_cause("Aborted"), 0);
	assert_int_equal(name_to_cause("aborted "), 0);
	assert_int_equal(name_to_cause("abort"), 0);
}

static void every_state_has_its_name(void **state)
{
	static const char *const names[] = {
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

	(void)state;
	assert_null(name_state(0));
	for (unsigned i = 1; i < COUNT_OF(names); i++)
		assert_string_equal(name_state(i), names[i]);
	for (unsigned i = COUNT_OF(names); i < 300; i++)
		assert_null(name_state(i));
}

static void directions_and_roles(void **state)
{
	(void)state;
	assert_null(name_direction(0));
	assert_string_equal(name_direction(RST_SENT), "sent");
	assert_string_equal(name_direction(RST_RECEIVED), "received");
	assert_null(name_direction(RST_DIRECTIONS));
	assert_null(name_role(0));
	assert_null(name_role(RST_ROLE_UNKNOWN));
	assert_string_equal(name_role(RST_ROLE_SERVER), "server");
	assert_string_equal(name_role(RST_ROLE_CLIENT), "client");
	assert_null(name_role(RST_ROLES));
	assert_null(name_role(255));
}

static void flags_both_ways(void **state)
{
	static const struct {
		unsigned flags;
		const char *words, *letters;
	} cases[] = {
		{0, "none", "none"},
		{RST_FLAG_SYN, "SYN", "S"},
		{RST_FLAG_FIN | RST_FLAG_ACK, "FIN+ACK", "F."},
		{RST_FLAG_SYN | RST_FLAG_ACK, "SYN+ACK", "S."},
		{RST_FLAG_PSH | RST_FLAG_ACK, "PSH+ACK", "P."},
		{RST_FLAG_FIN | RST_FLAG_PSH | RST_FLAG_URG, "FIN+PSH+URG", "FPU"},
		{RST_FLAG_CWR, "CWR", "W"},
		{0xff, "FIN+SYN+RST+PSH+ACK+URG+ECE+CWR", "FSRP.UEW"},
	};

	(void)state;
	for (unsigned i = 0; i < COUNT_OF(cases); i++) {
		char text[NAME_FLAGS_BYTES];

		assert_int_equal(name_flags(text, cases[i].flags), strlen(cases[i].words));
		assert_string_equal(text, cases[i].words);
		assert_int_equal(name_flags_short(text, cases[i].flags), strlen(cases[i].letters));
		assert_string_equal(text, cases[i].letters);
	}
}

/* enum sk_rst_reason of Linux 7.0, every member. */
static void every_reason_has_a_meaning(void **state)
{
	static const struct {
		const char *name;
		unsigned meaning;
	} reasons[] = {
		{"NOT_SPECIFIED", CLASSIFY_NONE},
		{"NO_SOCKET", CLASSIFY_NO_SOCKET},
		{"TCP_INVALID_ACK_SEQUENCE", RST_HALF_OPEN},
		{"TCP_RFC7323_PAWS", RST_HALF_OPEN},
		{"TCP_TOO_OLD_ACK", RST_INVALID},
		{"TCP_ACK_UNSENT_DATA", RST_INVALID},
		{"TCP_FLAGS", RST_HALF_OPEN},
		{"TCP_OLD_ACK", RST_INVALID},
		{"TCP_ABORT_ON_DATA", RST_ABORTED},
		{"TCP_TIMEWAIT_SOCKET", RST_TIME_WAIT},
		{"INVALID_SYN", CLASSIFY_INVALID_SYN},
		{"TCP_ABORT_ON_CLOSE", RST_ABORTED},
		{"TCP_ABORT_ON_LINGER", RST_ABORTED},
		{"TCP_ABORT_ON_MEMORY", RST_NO_MEMORY},
		{"TCP_STATE", RST_ABORTED},
		{"TCP_KEEPALIVE_TIMEOUT", RST_KEEPALIVE},
		{"TCP_DISCONNECT_WITH_DATA", RST_ABORTED},
		{"MPTCP_RST_EUNSPEC", RST_MPTCP},
		{"MPTCP_RST_EMPTCP", RST_MPTCP},
		{"MPTCP_RST_ERESOURCE", RST_MPTCP},
		{"MPTCP_RST_EPROHIBIT", RST_MPTCP},
		{"MPTCP_RST_EWQ2BIG", RST_MPTCP},
		{"MPTCP_RST_EBADPERF", RST_MPTCP},
		{"MPTCP_RST_EMIDDLEBOX", RST_MPTCP},
		{"ERROR", RST_UNKNOWN},
		{"", RST_UNKNOWN},
		{"NO_SOCKE", RST_UNKNOWN},
		{"A_REASON_OF_TOMORROW", RST_UNKNOWN},
	};

	(void)state;
	for (unsigned i = 0; i < COUNT_OF(reasons); i++)
		assert_int_equal(name_reason_meaning(reasons[i].name), reasons[i].meaning);
}

/* enum skb_drop_reason of Linux 7.0: those that a TCP segment can be dropped for, and others. */
static void every_drop_reason_has_a_meaning(void **state)
{
	static const struct {
		const char *name;
		unsigned meaning;
	} reasons[] = {
		{"NOT_SPECIFIED", CLASSIFY_UNTOLD},
		{"NO_SOCKET", RST_STAGE_STRAY},
		{"TCP_CLOSE", RST_STAGE_STRAY},
		{"SOCKET_CLOSE", RST_STAGE_STRAY},
		{"TCP_RESET", CLASSIFY_BY_STATE},
		{"TCP_FLAGS", CLASSIFY_BY_STATE},
		{"TCP_CSUM", CLASSIFY_OUTSIDE},
		{"SOCKET_FILTER", RST_STAGE_REJECTED},
		{"SOCKET_RCVBUFF", RST_STAGE_REJECTED},
		{"SOCKET_BACKLOG", RST_STAGE_REJECTED},
		{"PROTO_MEM", RST_STAGE_REJECTED},
		{"SECURITY_HOOK", RST_STAGE_REJECTED},
		{"XFRM_POLICY", RST_STAGE_REJECTED},
		/* TCP's by their names. */
		{"TCP_MD5NOTFOUND", RST_STAGE_REJECTED},
		{"TCP_MD5UNEXPECTED", RST_STAGE_REJECTED},
		{"TCP_MD5FAILURE", RST_STAGE_REJECTED},
		{"TCP_AONOTFOUND", RST_STAGE_REJECTED},
		{"TCP_ZEROWINDOW", RST_STAGE_REJECTED},
		{"TCP_OLD_DATA", RST_STAGE_REJECTED},
		{"TCP_OVERWINDOW", RST_STAGE_REJECTED},
		{"TCP_OFOMERGE", RST_STAGE_REJECTED},
		{"TCP_RFC7323_PAWS", RST_STAGE_REJECTED},
		{"TCP_RFC7323_PAWS_ACK", RST_STAGE_REJECTED},
		{"TCP_OLD_SEQUENCE", RST_STAGE_REJECTED},
		{"TCP_INVALID_SEQUENCE", RST_STAGE_REJECTED},
		{"TCP_INVALID_ACK_SEQUENCE", RST_STAGE_REJECTED},
		{"TCP_INVALID_SYN", RST_STAGE_REJECTED},
		{"TCP_FASTOPEN", RST_STAGE_REJECTED},
		{"TCP_OLD_ACK", RST_STAGE_REJECTED},
		{"TCP_TOO_OLD_ACK", RST_STAGE_REJECTED},
		{"TCP_ACK_UNSENT_DATA", RST_STAGE_REJECTED},
		{"TCP_OFO_QUEUE_PRUNE", RST_STAGE_REJECTED},
		{"TCP_OFO_DROP", RST_STAGE_REJECTED},
		{"TCP_MINTTL", RST_STAGE_REJECTED},
		{"TCP_A_REASON_OF_TOMORROW", RST_STAGE_REJECTED},
		/* In front of TCP. */
		{"PKT_TOO_SMALL", CLASSIFY_OUTSIDE},
		{"NETFILTER_DROP", CLASSIFY_OUTSIDE},
		{"OTHERHOST", CLASSIFY_OUTSIDE},
		{"IP_CSUM", CLASSIFY_OUTSIDE},
		{"IP_INHDR", CLASSIFY_OUTSIDE},
		{"IP_RPFILTER", CLASSIFY_OUTSIDE},
		{"IP_INADDRERRORS", CLASSIFY_OUTSIDE},
		{"IP_INNOROUTES", CLASSIFY_OUTSIDE},
		{"UNICAST_IN_L2_MULTICAST", CLASSIFY_OUTSIDE},
		{"UDP_CSUM", CLASSIFY_OUTSIDE},
		{"CPU_BACKLOG", CLASSIFY_OUTSIDE},
		{"XDP", CLASSIFY_OUTSIDE},
		{"TC_INGRESS", CLASSIFY_OUTSIDE},
		{"UNHANDLED_PROTO", CLASSIFY_OUTSIDE},
		{"NOMEM", CLASSIFY_OUTSIDE},
		{"A_REASON_OF_TOMORROW", CLASSIFY_OUTSIDE},
		{"NOT_TCP_RESET", CLASSIFY_OUTSIDE},
		{"TCP", CLASSIFY_OUTSIDE},
		{"TC", CLASSIFY_OUTSIDE},
		{"tcp_reset", CLASSIFY_OUTSIDE},
		{"", CLASSIFY_OUTSIDE},
		{"TCP_", RST_STAGE_REJECTED},
		{"TCP_RESE", RST_STAGE_REJECTED},
		{"TCP_RESETS", RST_STAGE_REJECTED},
	};

	(void)state;
	for (unsigned i = 0; i < COUNT_OF(reasons); i++)
		if (name_drop_meaning(reasons[i].name) != reasons[i].meaning)
			fail_msg("%s means %u, not %u", reasons[i].name,
				 name_drop_meaning(reasons[i].name), reasons[i].meaning);
}

/* As /proc/net/snmp and /proc/net/netstat write them; the bits of RST_MOVES_* are in their order.
 */
static void every_counter_has_its_name(void **state)
{
	static const char *const names[] = {
		[COUNTER_OUT_RSTS] = "OutRsts",
		[COUNTER_ATTEMPT_FAILS] = "AttemptFails",
		[COUNTER_ESTAB_RESETS] = "EstabResets",
		[COUNTER_EMBRYONIC_RSTS] = "EmbryonicRsts",
		[COUNTER_ABORT_ON_TIMEOUT] = "TCPAbortOnTimeout",
		[COUNTER_ABORT_FAILED] = "TCPAbortFailed",
	};

	(void)state;
	assert_int_equal(COUNT_OF(names), COUNTERS_READ);
	for (unsigned i = 0; i < COUNT_OF(names); i++)
		assert_string_equal(name_counter(i), names[i]);
	assert_null(name_counter(COUNTERS_READ));
	assert_null(name_counter(1000));
	assert_int_equal(RST_MOVES_OUT_RSTS, 1 << COUNTER_OUT_RSTS);
	assert_int_equal(RST_MOVES_ATTEMPT_FAILS, 1 << COUNTER_ATTEMPT_FAILS);
	assert_int_equal(RST_MOVES_ESTAB_RESETS, 1 << COUNTER_ESTAB_RESETS);
	assert_int_equal(RST_MOVES_EMBRYONIC_RSTS, 1 << COUNTER_EMBRYONIC_RSTS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cause_has_its_name),
		cmocka_unit_test(causes_round_trip),
		cmocka_unit_test(every_state_has_its_name),
		cmocka_unit_test(directions_and_roles),
		cmocka_unit_test(flags_both_ways),
		cmocka_unit_test(every_reason_has_a_meaning),
		cmocka_unit_test(every_drop_reason_has_a_meaning),
		cmocka_unit_test(every_counter_has_its_name),
	};

	return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}

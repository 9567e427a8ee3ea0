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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cause_has_its_name),
		cmocka_unit_test(causes_round_trip),
		cmocka_unit_test(every_state_has_its_name),
		cmocka_unit_test(directions_and_roles),
		cmocka_unit_test(flags_both_ways),
		cmocka_unit_test(every_reason_has_a_meaning),
	};

	return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}

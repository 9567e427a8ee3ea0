// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit.h"

#include "classify.h"

#define NO_TRIGGER 0x100 /* nothing provoked the reset */

#define FIN RST_FLAG_FIN
#define SYN RST_FLAG_SYN
#define PSH RST_FLAG_PSH
#define ACK RST_FLAG_ACK
#define URG RST_FLAG_URG

/* A state that no kernel has: what comes after NEW_SYN_RECV. */
#define STATE_NEXT 13

static struct rst_event event_of(unsigned trigger, unsigned event_state)
{
	struct rst_event event = {.direction = RST_SENT, .state = event_state};

	if (trigger != NO_TRIGGER) {
		event.flags |= RST_EVENT_TRIGGER;
		event.trigger = trigger;
	}
	return event;
}

static void assert_cause(unsigned trigger, unsigned event_state, unsigned meaning, bool queue_full,
			 unsigned expected)
{
	const struct rst_event event = event_of(trigger, event_state);
	unsigned cause = classify_cause(&event, meaning, queue_full);

	if (cause != expected)
		fail_msg("trigger %#x, state %u, meaning %u, queue %d: cause %u, not %u", trigger,
			 event_state, meaning, queue_full, cause, expected);
}

static const unsigned triggers[] = {NO_TRIGGER,
				    0,
				    SYN,
				    SYN | PSH,
				    SYN | FIN,
				    ACK,
				    SYN | ACK,
				    FIN | ACK,
				    PSH | ACK,
				    FIN,
				    FIN | PSH | URG,
				    0xff & ~RST_FLAG_RST,
				    URG | ACK,
				    SYN | 0xc0,
				    SYN | ACK | 0xc0};

static bool opens(unsigned trigger)
{
	return trigger == SYN || trigger == (SYN | PSH) || trigger == (SYN | FIN) ||
	       trigger == (SYN | 0xc0);
}

static void aborts_without_a_segment(void **state)
{
	(void)state;
	for (unsigned s = 0; s <= STATE_NEXT; s++)
		for (unsigned full = 0; full < 2; full++)
			assert_cause(NO_TRIGGER, s, CLASSIFY_NONE, full,
				     s == RST_STATE_CLOSE ? RST_ABORTED : RST_UNKNOWN);
}

/* Of a kernel that gives no reasons: the state and the segment decide. */
static void inferred_from_state_and_segment(void **state)
{
	static const struct {
		unsigned state;
		unsigned opening, other, other_full; /* the cause */
	} cases[] = {
		{0, RST_CLOSED_PORT, RST_HALF_OPEN, RST_HALF_OPEN},
		{RST_STATE_ESTABLISHED, RST_ABORTED, RST_ABORTED, RST_ABORTED},
		{RST_STATE_SYN_SENT, RST_HALF_OPEN, RST_HALF_OPEN, RST_HALF_OPEN},
		{RST_STATE_SYN_RECV, RST_INVALID, RST_INVALID, RST_INVALID},
		{RST_STATE_FIN_WAIT1, RST_ABORTED, RST_ABORTED, RST_ABORTED},
		{RST_STATE_FIN_WAIT2, RST_ABORTED, RST_ABORTED, RST_ABORTED},
		{RST_STATE_TIME_WAIT, RST_TIME_WAIT, RST_TIME_WAIT, RST_TIME_WAIT},
		{RST_STATE_CLOSE, RST_ABORTED, RST_ABORTED, RST_ABORTED},
		{RST_STATE_CLOSE_WAIT, RST_ABORTED, RST_ABORTED, RST_ABORTED},
		{RST_STATE_LAST_ACK, RST_ABORTED, RST_ABORTED, RST_ABORTED},
		{RST_STATE_LISTEN, RST_INVALID, RST_HALF_OPEN, RST_QUEUE_FULL},
		{RST_STATE_CLOSING, RST_ABORTED, RST_ABORTED, RST_ABORTED},
		{RST_STATE_NEW_SYN_RECV, RST_INVALID, RST_INVALID, RST_INVALID},
		{STATE_NEXT, RST_ABORTED, RST_ABORTED, RST_ABORTED},
	};

	(void)state;
	for (unsigned i = 0; i < COUNT_OF(cases); i++) {
		for (unsigned t = 1; t < COUNT_OF(triggers); t++) {
			unsigned trigger = triggers[t];
			bool opening = opens(trigger);

			assert_cause(trigger, cases[i].state, CLASSIFY_NONE, false,
				     opening ? cases[i].opening : cases[i].other);
			assert_cause(trigger, cases[i].state, CLASSIFY_NONE, true,
				     opening ? cases[i].opening : cases[i].other_full);
		}
	}
}

/* A reason that names the cause decides, whatever state and segment look like. */
static void reason_decides(void **state)
{
	(void)state;
	for (unsigned meaning = 1; meaning < 256; meaning++) {
		unsigned expected = meaning < RST_CAUSES ? meaning : RST_UNKNOWN;

		if (meaning == CLASSIFY_NO_SOCKET || meaning == CLASSIFY_INVALID_SYN)
			continue;
		for (unsigned t = 0; t < COUNT_OF(triggers); t++)
			for (unsigned s = 0; s <= STATE_NEXT; s++)
				for (unsigned full = 0; full < 2; full++)
					assert_cause(triggers[t], s, meaning, full, expected);
	}
}

static void reasons_that_ask_the_segment(void **state)
{
	(void)state;
	for (unsigned t = 0; t < COUNT_OF(triggers); t++) {
		unsigned trigger = triggers[t];
		bool syn = trigger != NO_TRIGGER && trigger & SYN;

		for (unsigned s = 0; s <= STATE_NEXT; s++) {
			for (unsigned full = 0; full < 2; full++) {
				assert_cause(trigger, s, CLASSIFY_NO_SOCKET, full,
					     opens(trigger) ? RST_CLOSED_PORT : RST_HALF_OPEN);
				assert_cause(trigger, s, CLASSIFY_INVALID_SYN, full,
					     syn ? RST_INVALID : RST_QUEUE_FULL);
			}
		}
	}
}

static void stage_of_every_state(void **state)
{
	static const unsigned stages[] = {
		[RST_STATE_ESTABLISHED] = RST_STAGE_ESTABLISHED,
		[RST_STATE_SYN_SENT] = RST_STAGE_REFUSED,
		[RST_STATE_SYN_RECV] = RST_STAGE_HANDSHAKE,
		[RST_STATE_FIN_WAIT1] = RST_STAGE_CLOSING,
		[RST_STATE_FIN_WAIT2] = RST_STAGE_CLOSING,
		[RST_STATE_TIME_WAIT] = RST_STAGE_TIME_WAIT,
		[RST_STATE_CLOSE] = RST_STAGE_CLOSING,
		[RST_STATE_CLOSE_WAIT] = RST_STAGE_CLOSING,
		[RST_STATE_LAST_ACK] = RST_STAGE_CLOSING,
		[RST_STATE_LISTEN] = RST_STAGE_CLOSING,
		[RST_STATE_CLOSING] = RST_STAGE_CLOSING,
		[RST_STATE_NEW_SYN_RECV] = RST_STAGE_HANDSHAKE,
	};

	(void)state;
	for (unsigned s = 1; s < COUNT_OF(stages); s++)
		assert_int_equal(classify_stage(s), stages[s]);
}

static void role_of_every_state_and_segment(void **state)
{
	(void)state;
	for (unsigned s = 0; s <= STATE_NEXT; s++) {
		for (unsigned t = 0; t < COUNT_OF(triggers); t++) {
			unsigned trigger = triggers[t];
			const struct rst_event event = event_of(trigger, s);
			unsigned expected;

			if (s == RST_STATE_SYN_SENT)
				expected = RST_ROLE_CLIENT;
			else if (s == RST_STATE_LISTEN || s == RST_STATE_NEW_SYN_RECV)
				expected = RST_ROLE_SERVER;
			else if (trigger == NO_TRIGGER)
				expected = RST_ROLE_UNKNOWN;
			else if (trigger == (SYN | ACK) || trigger == (SYN | ACK | 0xc0) ||
				 trigger == (0xff & ~RST_FLAG_RST))
				expected = RST_ROLE_CLIENT; /* SYN-ACK, answers us */
			else if (trigger == ACK || trigger == (FIN | ACK) ||
				 trigger == (PSH | ACK) || trigger == (URG | ACK))
				expected = RST_ROLE_UNKNOWN;
			else
				expected = RST_ROLE_SERVER; /* SYN and the probes of scanners */
			assert_int_equal(classify_role(&event), expected);
		}
	}
}

static void port_is_the_services(void **state)
{
	static const struct {
		unsigned role;
		uint16_t local, peer, service;
	} cases[] = {
		{RST_ROLE_SERVER, 8080, 51234, 8080},  {RST_ROLE_SERVER, 51234, 80, 51234},
		{RST_ROLE_CLIENT, 51234, 8080, 8080},  {RST_ROLE_CLIENT, 80, 51234, 51234},
		{RST_ROLE_UNKNOWN, 8080, 51234, 8080}, {RST_ROLE_UNKNOWN, 51234, 8080, 8080},
		{RST_ROLE_UNKNOWN, 443, 443, 443},     {0, 51234, 65535, 51234},
	};

	(void)state;
	for (unsigned i = 0; i < COUNT_OF(cases); i++) {
		const struct rst_event event = {.role = cases[i].role,
						.local_port = cases[i].local,
						.peer_port = cases[i].peer};

		assert_int_equal(classify_port(&event), cases[i].service);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(aborts_without_a_segment),
		cmocka_unit_test(inferred_from_state_and_segment),
		cmocka_unit_test(reason_decides),
		cmocka_unit_test(reasons_that_ask_the_segment),
		cmocka_unit_test(stage_of_every_state),
		cmocka_unit_test(role_of_every_state_and_segment),
		cmocka_unit_test(port_is_the_services),
	};

	return cmocka_run_group_tests_name("classify", tests, NULL, NULL);
}

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

static void assert_cause(unsigned trigger, unsigned event_state, unsigned meaning,
			 struct classify_hints hints, unsigned expected)
{
	const struct rst_event event = event_of(trigger, event_state);
	unsigned cause = classify_cause(&event, meaning, &hints);

	if (cause != expected)
		fail_msg("trigger %#x, state %u, meaning %u, queue_full %d, no_request %d, orphan "
			 "%d, probing %d: cause %u, not %u",
			 trigger, event_state, meaning, hints.queue_full, hints.no_request,
			 hints.orphan, hints.probing, cause, expected);
}

/* Each combination of them, by number. */
#define HINTS 16

static struct classify_hints hints_of(unsigned number)
{
	return (struct classify_hints){.queue_full = number & 1,
				       .no_request = number & 2,
				       .orphan = number & 4,
				       .probing = number & 8};
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

/*
 * Of our own accord, and the kernel gives no reason. A program's close leaves CLOSE, or FIN_WAIT2
 * if the socket was closed before and its timer ran out. In any other state a timer did it (the
 * socket is an orphan, or was probed), or somebody else: ss -K.
 */
static void inferred_without_a_segment(void **state)
{
	(void)state;
	for (unsigned s = 0; s <= STATE_NEXT; s++) {
		for (unsigned i = 0; i < HINTS; i++) {
			const struct classify_hints hints = hints_of(i);
			unsigned expected = RST_ABORTED;

			if (s != RST_STATE_CLOSE && s != RST_STATE_FIN_WAIT2) {
				if (hints.orphan)
					expected = RST_NO_MEMORY;
				else if (hints.probing)
					expected = RST_KEEPALIVE;
			}
			assert_cause(NO_TRIGGER, s, CLASSIFY_NONE, hints, expected);
		}
	}
}

/* Those of kernel.md, section 2, as they look where the kernel gives no reason. */
static void active_ones_by_their_call_site(void **state)
{
	static const struct {
		unsigned state;
		bool orphan, probing;
		unsigned cause;
	} sites[] = {
		{RST_STATE_CLOSE, false, false, RST_ABORTED},	     /* 10: unread data */
		{RST_STATE_CLOSE, false, true, RST_ABORTED},	     /* 11: linger, had keepalive */
		{RST_STATE_CLOSE, true, false, RST_ABORTED},	     /* 17: cannot be told from 9 */
		{RST_STATE_ESTABLISHED, false, false, RST_ABORTED},  /* 15: ss -K */
		{RST_STATE_FIN_WAIT1, true, false, RST_NO_MEMORY},   /* 18: too many orphans */
		{RST_STATE_ESTABLISHED, false, true, RST_KEEPALIVE}, /* 19 */
		{RST_STATE_CLOSE_WAIT, false, true, RST_KEEPALIVE},  /* 19 */
		{RST_STATE_FIN_WAIT2, true, false, RST_ABORTED},     /* 20: no TIME_WAIT wanted */
		{RST_STATE_LAST_ACK, true, true, RST_NO_MEMORY}, /* 18: no probe is sent by then */
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(sites); i++) {
		const struct classify_hints hints = {.orphan = sites[i].orphan,
						     .probing = sites[i].probing};

		assert_cause(NO_TRIGGER, sites[i].state, CLASSIFY_NONE, hints, sites[i].cause);
	}
}

/* Of a kernel that gives no reasons: the state and the segment decide. */
static void inferred_from_state_and_segment(void **state)
{
	static const struct {
		unsigned state;
		unsigned opening, other; /* the cause */
	} cases[] = {
		{0, RST_CLOSED_PORT, RST_HALF_OPEN},
		{RST_STATE_ESTABLISHED, RST_ABORTED, RST_ABORTED},
		{RST_STATE_SYN_SENT, RST_HALF_OPEN, RST_HALF_OPEN},
		{RST_STATE_SYN_RECV, RST_INVALID, RST_INVALID},
		{RST_STATE_FIN_WAIT1, RST_ABORTED, RST_ABORTED},
		{RST_STATE_FIN_WAIT2, RST_ABORTED, RST_ABORTED},
		{RST_STATE_TIME_WAIT, RST_TIME_WAIT, RST_TIME_WAIT},
		{RST_STATE_CLOSE, RST_ABORTED, RST_ABORTED},
		{RST_STATE_CLOSE_WAIT, RST_ABORTED, RST_ABORTED},
		{RST_STATE_LAST_ACK, RST_ABORTED, RST_ABORTED},
		{RST_STATE_CLOSING, RST_ABORTED, RST_ABORTED},
		{RST_STATE_NEW_SYN_RECV, RST_INVALID, RST_INVALID},
		{STATE_NEXT, RST_ABORTED, RST_ABORTED},
	};

	(void)state;
	for (unsigned i = 0; i < COUNT_OF(cases); i++)
		for (unsigned t = 1; t < COUNT_OF(triggers); t++)
			for (unsigned j = 0; j < HINTS; j++)
				assert_cause(
					triggers[t], cases[i].state, CLASSIFY_NONE, hints_of(j),
					opens(triggers[t]) ? cases[i].opening : cases[i].other);
}

/*
 * A listener: a SYN is one of a handshake that is not valid, or, if it is of none, a join that
 * Multipath TCP refuses. Anything else ends a handshake that finds the accept queue full, or is of
 * a connection that this host does not know.
 */
static void inferred_at_a_listener(void **state)
{
	(void)state;
	for (unsigned t = 1; t < COUNT_OF(triggers); t++) {
		for (unsigned i = 0; i < HINTS; i++) {
			const struct classify_hints hints = hints_of(i);
			unsigned expected;

			if (opens(triggers[t]))
				expected = hints.no_request ? RST_MPTCP : RST_INVALID;
			else
				expected = hints.queue_full && !hints.no_request ? RST_QUEUE_FULL
										 : RST_HALF_OPEN;
			assert_cause(triggers[t], RST_STATE_LISTEN, CLASSIFY_NONE, hints, expected);
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
				for (unsigned i = 0; i < HINTS; i++)
					assert_cause(triggers[t], s, meaning, hints_of(i),
						     expected);
	}
}

static void reasons_that_ask_the_segment(void **state)
{
	(void)state;
	for (unsigned t = 0; t < COUNT_OF(triggers); t++) {
		unsigned trigger = triggers[t];
		bool syn = trigger != NO_TRIGGER && trigger & SYN;

		for (unsigned s = 0; s <= STATE_NEXT; s++) {
			for (unsigned i = 0; i < HINTS; i++) {
				assert_cause(trigger, s, CLASSIFY_NO_SOCKET, hints_of(i),
					     opens(trigger) ? RST_CLOSED_PORT : RST_HALF_OPEN);
				assert_cause(trigger, s, CLASSIFY_INVALID_SYN, hints_of(i),
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

/* --- what was dropped --- */

static void assert_dropped(unsigned event_state, bool gone, unsigned meaning, unsigned expected)
{
	unsigned stage = classify_dropped(event_state, gone, meaning);

	if (stage != expected)
		fail_msg("state %u, gone %d, meaning %u: stage %u, not %u", event_state, gone,
			 meaning, stage, expected);
}

/* A drop that is not TCP's is none of ours, whatever socket is known. */
static void dropped_outside(void **state)
{
	(void)state;
	for (unsigned s = 0; s <= STATE_NEXT; s++)
		for (unsigned gone = 0; gone < 2; gone++)
			assert_dropped(s, gone, CLASSIFY_OUTSIDE, 0);
}

/* The state decides but where it is a listener's, or where no socket is known. */
static void dropped_by_state(void **state)
{
	static const unsigned stages[] = {
		[RST_STATE_ESTABLISHED] = RST_STAGE_REJECTED,
		[RST_STATE_SYN_SENT] = RST_STAGE_REJECTED, /* no ACK, or a bad one */
		[RST_STATE_SYN_RECV] = RST_STAGE_REJECTED,
		[RST_STATE_FIN_WAIT1] = RST_STAGE_REJECTED,
		[RST_STATE_FIN_WAIT2] = RST_STAGE_REJECTED,
		[RST_STATE_TIME_WAIT] = RST_STAGE_TIME_WAIT,
		[RST_STATE_CLOSE] = RST_STAGE_STRAY,
		[RST_STATE_CLOSE_WAIT] = RST_STAGE_REJECTED,
		[RST_STATE_LAST_ACK] = RST_STAGE_REJECTED,
		[RST_STATE_CLOSING] = RST_STAGE_REJECTED,
		[STATE_NEXT] = RST_STAGE_REJECTED,
	};

	(void)state;
	for (unsigned meaning = 1; meaning < 256; meaning++) {
		for (unsigned s = 1; s < COUNT_OF(stages); s++)
			for (unsigned gone = 0; gone < 2; gone++)
				if (stages[s])
					assert_dropped(s, gone, meaning, stages[s]);
		/* A half-open connection that survives has rejected it. */
		assert_dropped(RST_STATE_NEW_SYN_RECV, true, meaning, RST_STAGE_HANDSHAKE);
		assert_dropped(RST_STATE_NEW_SYN_RECV, false, meaning, RST_STAGE_REJECTED);
	}
}

/* Passed is the listener, or nothing: then the reason decides. */
static void dropped_by_reason(void **state)
{
	(void)state;
	for (unsigned gone = 0; gone < 2; gone++) {
		/* NOT_SPECIFIED: tcp_check_req() gives none (until 6.17). */
		assert_dropped(RST_STATE_LISTEN, gone, CLASSIFY_UNTOLD, RST_STAGE_HANDSHAKE);
		assert_dropped(0, gone, CLASSIFY_UNTOLD, RST_STAGE_HANDSHAKE);
		/* TCP_RESET at a listener: no half-open connection had it. */
		assert_dropped(RST_STATE_LISTEN, gone, CLASSIFY_BY_STATE, RST_STAGE_STRAY);
		/* TCP_RESET of a kernel that passes no socket. */
		assert_dropped(0, gone, CLASSIFY_BY_STATE, RST_STAGE_REJECTED);
		for (unsigned s = 0; s <= RST_STATE_LISTEN; s += RST_STATE_LISTEN) {
			assert_dropped(s, gone, RST_STAGE_STRAY, RST_STAGE_STRAY); /* NO_SOCKET */
			/* TCP_OVERWINDOW */
			assert_dropped(s, gone, RST_STAGE_REJECTED, RST_STAGE_REJECTED);
			for (unsigned meaning = RST_CAUSES; meaning < 256; meaning++)
				if (meaning != CLASSIFY_UNTOLD && meaning != CLASSIFY_BY_STATE)
					assert_dropped(s, gone, meaning, RST_STAGE_REJECTED);
		}
	}
}

/* --- the kernel's counters --- */

#define OUT	  RST_MOVES_OUT_RSTS
#define FAILS	  RST_MOVES_ATTEMPT_FAILS
#define ESTAB	  RST_MOVES_ESTAB_RESETS
#define EMBRYONIC RST_MOVES_EMBRYONIC_RSTS

/* before: the state before the last change to CLOSE, of a socket that is in CLOSE. */
static void assert_moves(struct rst_event event, unsigned before, unsigned expected)
{
	unsigned moves = classify_moves(&event, event.state == RST_STATE_CLOSE &&
							classify_is_established(before));

	if (moves != expected)
		fail_msg(
			"direction %u, cause %u, state %u, trigger %#x, flags %u, before %u: moves "
			"%#x, not %#x",
			event.direction, event.cause, event.state, event.trigger, event.flags,
			before, moves, expected);
}

/* The rows of kernel.md, section 2: what the kernel counts for each reset that it sends. */
static void moves_of_every_call_site(void **state)
{
	static const struct {
		unsigned row;
		unsigned cause, state, trigger, before, moves;
	} sites[] = {
		{1, RST_CLOSED_PORT, 0, SYN, 0, OUT},
		{1, RST_HALF_OPEN, 0, ACK, 0, OUT},
		{1, RST_HALF_OPEN, 0, SYN | ACK, 0, OUT},
		{2, RST_TIME_WAIT, RST_STATE_TIME_WAIT, PSH | ACK, 0, OUT},
		{2, RST_TIME_WAIT, RST_STATE_TIME_WAIT, SYN, 0, OUT},
		{3, RST_HALF_OPEN, RST_STATE_LISTEN, ACK, 0, OUT},
		{3, RST_HALF_OPEN, RST_STATE_LISTEN, SYN | ACK, 0, OUT},
		{4, RST_INVALID, RST_STATE_LISTEN, SYN, 0, OUT | FAILS | EMBRYONIC},
		{4, RST_INVALID, RST_STATE_LISTEN, SYN | 0xc0, 0, OUT | FAILS | EMBRYONIC},
		{5, RST_QUEUE_FULL, RST_STATE_LISTEN, ACK, 0, OUT | EMBRYONIC},
		{5, RST_QUEUE_FULL, RST_STATE_LISTEN, PSH | ACK, 0, OUT | EMBRYONIC},
		{6, RST_INVALID, RST_STATE_SYN_RECV, ACK, 0, OUT},
		{6, RST_INVALID, RST_STATE_LISTEN, ACK, 0, OUT}, /* with a cookie, from 7.2 on */
		{6, RST_INVALID, RST_STATE_SYN_RECV, SYN | ACK, 0, OUT}, /* crossed */
		{7, RST_HALF_OPEN, RST_STATE_SYN_SENT, SYN | ACK, 0, OUT},
		{8, RST_ABORTED, RST_STATE_CLOSE, PSH | ACK, RST_STATE_FIN_WAIT1, OUT},
		{8, RST_ABORTED, RST_STATE_CLOSE, PSH | ACK, RST_STATE_FIN_WAIT2, OUT},
		{8, RST_ABORTED, RST_STATE_CLOSE, PSH | ACK, RST_STATE_CLOSING, OUT},
		{8, RST_ABORTED, RST_STATE_CLOSE, PSH | ACK, RST_STATE_LAST_ACK, OUT},
		{8, RST_ABORTED, RST_STATE_CLOSE, PSH | ACK, RST_STATE_CLOSE_WAIT, OUT | ESTAB},
		{9, RST_ABORTED, RST_STATE_CLOSE, ACK, RST_STATE_FIN_WAIT1, OUT},
		{10, RST_ABORTED, RST_STATE_CLOSE, NO_TRIGGER, RST_STATE_ESTABLISHED, OUT | ESTAB},
		{10, RST_ABORTED, RST_STATE_CLOSE, NO_TRIGGER, RST_STATE_CLOSE_WAIT, OUT | ESTAB},
		{11, RST_ABORTED, RST_STATE_CLOSE, NO_TRIGGER, RST_STATE_ESTABLISHED, OUT | ESTAB},
		{12, RST_ABORTED, RST_STATE_CLOSE, NO_TRIGGER, RST_STATE_ESTABLISHED, OUT | ESTAB},
		{13, RST_ABORTED, RST_STATE_CLOSE, NO_TRIGGER, RST_STATE_CLOSE_WAIT, OUT | ESTAB},
		{14, RST_ABORTED, RST_STATE_CLOSE, NO_TRIGGER, RST_STATE_LAST_ACK, OUT},
		{15, RST_ABORTED, RST_STATE_ESTABLISHED, NO_TRIGGER, 0, OUT | ESTAB},
		{15, RST_ABORTED, RST_STATE_CLOSE_WAIT, NO_TRIGGER, 0, OUT | ESTAB},
		{15, RST_ABORTED, RST_STATE_FIN_WAIT1, NO_TRIGGER, 0, OUT},
		{15, RST_ABORTED, RST_STATE_SYN_RECV, NO_TRIGGER, 0, OUT | FAILS},
		{16, RST_ABORTED, RST_STATE_CLOSE, NO_TRIGGER, RST_STATE_FIN_WAIT2, OUT},
		{17, RST_NO_MEMORY, RST_STATE_CLOSE, NO_TRIGGER, RST_STATE_FIN_WAIT1, OUT},
		{18, RST_NO_MEMORY, RST_STATE_FIN_WAIT1, NO_TRIGGER, 0, OUT},
		{18, RST_NO_MEMORY, RST_STATE_LAST_ACK, NO_TRIGGER, 0, OUT},
		{19, RST_KEEPALIVE, RST_STATE_ESTABLISHED, NO_TRIGGER, 0, OUT | ESTAB},
		{19, RST_KEEPALIVE, RST_STATE_CLOSE_WAIT, NO_TRIGGER, 0, OUT | ESTAB},
		{20, RST_ABORTED, RST_STATE_FIN_WAIT2, NO_TRIGGER, 0, OUT},
		{22, RST_MPTCP, RST_STATE_ESTABLISHED, NO_TRIGGER, 0, OUT | ESTAB},
		{23, RST_MPTCP, RST_STATE_LISTEN, SYN, 0, OUT},
		{23, RST_MPTCP, RST_STATE_LISTEN, ACK, 0, OUT},
		/* Provoked, and the connection lives on. */
		{0, RST_ABORTED, RST_STATE_ESTABLISHED, ACK, 0, OUT},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(sites); i++) {
		struct rst_event event = event_of(sites[i].trigger, sites[i].state);

		event.cause = sites[i].cause;
		assert_moves(event, sites[i].before, sites[i].moves);
	}
}

/* nf_send_reset() goes past the counters. */
static void moves_of_a_firewall(void **state)
{
	(void)state;
	for (unsigned s = 0; s <= STATE_NEXT; s++)
		for (size_t t = 0; t < COUNT_OF(triggers); t++) {
			struct rst_event event = event_of(triggers[t], s);

			event.cause = RST_FIREWALL;
			assert_moves(event, RST_STATE_ESTABLISHED, 0);
		}
}

/* The rows of kernel.md, section 3. */
static void moves_of_every_reset_received(void **state)
{
	static const struct {
		unsigned row;
		unsigned cause, state, before, moves;
	} received[] = {
		{1, RST_STAGE_ESTABLISHED, RST_STATE_ESTABLISHED, 0, ESTAB},
		{1, RST_STAGE_CLOSING, RST_STATE_CLOSE_WAIT, 0, ESTAB},
		{1, RST_STAGE_CLOSING, RST_STATE_FIN_WAIT1, 0, 0},
		{1, RST_STAGE_CLOSING, RST_STATE_FIN_WAIT2, 0, 0},
		{1, RST_STAGE_CLOSING, RST_STATE_CLOSING, 0, 0},
		{1, RST_STAGE_CLOSING, RST_STATE_LAST_ACK, 0, 0},
		{2, RST_STAGE_REFUSED, RST_STATE_SYN_SENT, 0, FAILS},
		{3, RST_STAGE_REJECTED, RST_STATE_SYN_SENT, 0, 0},
		{4, RST_STAGE_REJECTED, RST_STATE_ESTABLISHED, 0, 0},
		{5, RST_STAGE_REJECTED, RST_STATE_CLOSE_WAIT, 0, 0},
		{6, RST_STAGE_HANDSHAKE, RST_STATE_NEW_SYN_RECV, 0, FAILS | EMBRYONIC},
		{7, RST_STAGE_REJECTED, RST_STATE_NEW_SYN_RECV, 0, 0},
		{8, RST_STAGE_STRAY, RST_STATE_LISTEN, 0, 0},
		{9, RST_STAGE_TIME_WAIT, RST_STATE_TIME_WAIT, 0, 0},
		{12, RST_STAGE_STRAY, 0, 0, 0},
		{12, RST_STAGE_STRAY, RST_STATE_CLOSE, RST_STATE_ESTABLISHED, 0},
		{13, RST_STAGE_HANDSHAKE, RST_STATE_SYN_RECV, 0, FAILS}, /* a socket of its own */
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(received); i++) {
		struct rst_event event = {.direction = RST_RECEIVED,
					  .cause = received[i].cause,
					  .state = received[i].state};

		assert_moves(event, received[i].before, received[i].moves);
		/* The flags of the reset itself change nothing. */
		event.flags = RST_EVENT_REASON | RST_EVENT_FREED;
		event.trigger = SYN;
		assert_moves(event, received[i].before, received[i].moves);
	}
}

/* A reset that is received never moves OutRsts, and one that the stack sends always does. */
static void moves_of_out_rsts(void **state)
{
	(void)state;
	for (unsigned cause = 1; cause < RST_CAUSES; cause++)
		for (unsigned s = 0; s <= STATE_NEXT; s++)
			for (size_t t = 0; t < COUNT_OF(triggers); t++)
				for (unsigned established = 0; established < 2; established++) {
					struct rst_event event = event_of(triggers[t], s);
					bool sent = cause < RST_STAGE_REFUSED;

					event.direction = sent ? RST_SENT : RST_RECEIVED;
					event.cause = cause;
					assert_int_equal(
						!!(classify_moves(&event, established) & OUT),
						sent && cause != RST_FIREWALL);
				}
}

/* --- role, port and key --- */

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

static void key_of_an_event(void **state)
{
	struct rst_event event = {.time_ns = 1,
				  .netns = 4026531840,
				  .slice = 3,
				  .local_port = 8080,
				  .peer_port = 51234,
				  .direction = RST_SENT,
				  .cause = RST_QUEUE_FULL,
				  .reason = 9,
				  .state = RST_STATE_LISTEN,
				  .trigger = ACK,
				  .role = RST_ROLE_SERVER,
				  .flags = RST_EVENT_TRIGGER | RST_EVENT_REASON,
				  .moves = OUT | EMBRYONIC};
	struct rst_port_key key = classify_port_key(&event);
	const struct rst_port_key expected = {.netns = 4026531840,
					      .port = 8080,
					      .direction = RST_SENT,
					      .cause = RST_QUEUE_FULL,
					      .reason = 9,
					      .role = RST_ROLE_SERVER,
					      .moves = OUT | EMBRYONIC};

	(void)state;
	assert_memory_equal(&key, &expected, sizeof(key)); /* as it is hashed */
	event.role = RST_ROLE_CLIENT;
	key = classify_port_key(&event);
	assert_int_equal(key.port, 51234);
	assert_int_equal(key.role, RST_ROLE_CLIENT);
	/* A drop reason is no reason of a reset sent: the numbers mean something else. */
	event.direction = RST_RECEIVED;
	event.cause = RST_STAGE_REJECTED;
	event.moves = 0;
	key = classify_port_key(&event);
	assert_int_equal(key.direction, RST_RECEIVED);
	assert_int_equal(key.cause, RST_STAGE_REJECTED);
	assert_int_equal(key.reason, 0);
	assert_int_equal(key.moves, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inferred_without_a_segment),
		cmocka_unit_test(active_ones_by_their_call_site),
		cmocka_unit_test(inferred_from_state_and_segment),
		cmocka_unit_test(inferred_at_a_listener),
		cmocka_unit_test(reason_decides),
		cmocka_unit_test(reasons_that_ask_the_segment),
		cmocka_unit_test(stage_of_every_state),
		cmocka_unit_test(dropped_outside),
		cmocka_unit_test(dropped_by_state),
		cmocka_unit_test(dropped_by_reason),
		cmocka_unit_test(moves_of_every_call_site),
		cmocka_unit_test(moves_of_a_firewall),
		cmocka_unit_test(moves_of_every_reset_received),
		cmocka_unit_test(moves_of_out_rsts),
		cmocka_unit_test(role_of_every_state_and_segment),
		cmocka_unit_test(port_is_the_services),
		cmocka_unit_test(key_of_an_event),
	};

	return cmocka_run_group_tests_name("classify", tests, NULL, NULL);
}

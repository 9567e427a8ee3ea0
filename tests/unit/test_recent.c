// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "records.h"

#include "recent.h"

struct made {
	struct processes processes;
	struct listeners listeners;
	struct recent recent;
	struct alert alert;
	uint64_t now_ns;
};

static int setup(void **state)
{
	struct made *made = calloc(1, sizeof(*made));

	if (!made)
		return -1;
	recent_init(&made->recent, RECORDS_SEED);
	listeners_init(&made->listeners, RECORDS_SEED);
	made->now_ns = RECORDS_START_NS;
	*state = made;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

static void add_port(struct made *made, struct rst_port_key key, uint64_t count)
{
	const struct record_port port = records_port(key, count);

	recent_add_port(&made->recent, &port);
}

static void add_peer(struct made *made, struct rst_peer_key key, uint64_t count)
{
	const struct record_peer peer = records_peer(key, count);

	recent_add_peer(&made->recent, &peer);
}

static void end_slice(struct made *made, uint64_t duration_ns, uint64_t peer_error)
{
	struct record_slice slice = records_empty_slice(made->now_ns, made->now_ns + duration_ns);

	slice.peer_error = peer_error;
	made->now_ns = slice.end_ns;
	recent_add_slice(&made->recent, &slice, &made->processes, &made->listeners);
}

static const struct alert *explain(struct made *made, unsigned direction, uint32_t netns,
				   uint64_t total)
{
	made->alert = (struct alert){
		.direction = direction, .netns = netns, .time_ns = made->now_ns, .total = total};
	recent_explain(&made->recent, &made->processes, &made->alert);
	return &made->alert;
}

static const struct rst_port_key aborted = {.netns = 7,
					    .port = 80,
					    .direction = RST_SENT,
					    .cause = RST_ABORTED,
					    .reason = 3,
					    .role = RST_ROLE_SERVER};

static void nothing_known(void **state)
{
	const struct alert *alert = explain(*state, RST_SENT, 0, 0);

	assert_int_equal(alert->port_count, 0);
	assert_int_equal(alert->peer_count, 0);
	assert_int_equal(alert->peer_error, 0);
	assert_int_equal(alert->total, 0);
}

/* The evidence is of the same seconds as the rate: all ten of them, and no more. */
static void ten_slices_count_and_the_eleventh_does_not(void **state)
{
	struct made *made = *state;
	uint64_t expected = 0;

	for (unsigned i = 0; i < 40; i++) {
		const struct alert *alert;

		add_port(made, aborted, i + 1);
		add_peer(made, records_peer_key(1, 7, RST_SENT), i + 1);
		end_slice(made, SECOND_NS, 2);
		expected += i + 1;
		if (i >= 10)
			expected -= i + 1 - 10;
		alert = explain(made, RST_SENT, 0, expected);
		assert_int_equal(alert->causes[RST_ABORTED], expected);
		assert_int_equal(alert->reasons[3], expected);
		assert_int_equal(alert->ports[0].sent, expected);
		assert_int_equal(alert->peers[0].count, expected);
		assert_int_equal(alert->peer_error, 2 * (i < 10 ? i + 1 : 10));
		assert_int_equal(alert->total, expected);
	}
}

static void slice_being_filled_is_not_evidence(void **state)
{
	struct made *made = *state;

	add_port(made, aborted, 5);
	end_slice(made, SECOND_NS, 0);
	add_port(made, aborted, 100);
	assert_int_equal(explain(made, RST_SENT, 0, 5)->causes[RST_ABORTED], 5);
	end_slice(made, SECOND_NS, 0);
	assert_int_equal(explain(made, RST_SENT, 0, 105)->causes[RST_ABORTED], 105);
}

static void old_slices_are_no_evidence(void **state)
{
	struct made *made = *state;

	add_port(made, aborted, 5);
	end_slice(made, SECOND_NS, 0);
	made->now_ns += 10 * SECOND_NS - 1;
	assert_int_equal(explain(made, RST_SENT, 0, 5)->causes[RST_ABORTED], 5);
	made->now_ns++;
	assert_int_equal(explain(made, RST_SENT, 0, 5)->causes[RST_ABORTED], 0);
	assert_int_equal(made->alert.port_count, 0);
}

static void of_its_direction_and_namespace_only(void **state)
{
	struct made *made = *state;
	const struct alert *alert;

	for (unsigned netns = 7; netns <= 8; netns++) {
		struct rst_port_key key = aborted;

		key.netns = netns;
		add_port(made, key, netns);
		key.direction = RST_RECEIVED;
		key.cause = RST_STAGE_REFUSED;
		key.role = RST_ROLE_CLIENT;
		add_port(made, key, 10 * netns);
		add_peer(made, records_peer_key(netns, netns, RST_SENT), 100 * netns);
		add_peer(made, records_peer_key(netns, netns, RST_RECEIVED), 1000 * netns);
	}
	end_slice(made, SECOND_NS, 0);

	alert = explain(made, RST_SENT, 8, 8);
	assert_int_equal(alert->port_count, 1);
	assert_int_equal(alert->ports[0].sent, 8);
	assert_int_equal(alert->ports[0].received, 0);
	assert_int_equal(alert->ports[0].key.netns, 8);
	assert_int_equal(alert->ports[0].causes[RST_ABORTED], 8);
	assert_int_equal(alert->causes[RST_ABORTED], 8);
	assert_int_equal(alert->causes[RST_STAGE_REFUSED], 0);
	assert_int_equal(alert->reasons[3], 8);
	assert_int_equal(alert->peer_count, 1);
	assert_int_equal(alert->peers[0].count, 800);

	alert = explain(made, RST_RECEIVED, 7, 70);
	assert_int_equal(alert->port_count, 1);
	assert_int_equal(alert->ports[0].received, 70);
	assert_int_equal(alert->ports[0].sent, 0);
	assert_int_equal(alert->causes[RST_STAGE_REFUSED], 70);
	assert_int_equal(alert->reasons[3], 0); /* a received reset has no reason */
	assert_int_equal(alert->peers[0].count, 7000);

	alert = explain(made, RST_RECEIVED, 0, 150);
	assert_int_equal(alert->port_count, 2);
	assert_int_equal(alert->ports[0].received, 80);
	assert_int_equal(alert->ports[1].received, 70);
	assert_int_equal(alert->causes[RST_STAGE_REFUSED], 150);
	assert_int_equal(alert->peer_count, 2);
	assert_int_equal(alert->peers[0].count, 8000);
}

static void causes_of_a_port_add_up(void **state)
{
	struct made *made = *state;
	struct rst_port_key key = aborted;
	const struct alert *alert;

	add_port(made, key, 5);
	key.reason = 200; /* of no kernel */
	add_port(made, key, 6);
	end_slice(made, SECOND_NS, 0);
	key.cause = 200;
	add_port(made, key, 7);
	end_slice(made, SECOND_NS, 0);
	alert = explain(made, RST_SENT, 7, 18);
	assert_int_equal(alert->port_count, 1);
	assert_int_equal(alert->ports[0].sent, 18);
	assert_int_equal(alert->ports[0].causes[RST_ABORTED], 11);
	assert_int_equal(alert->ports[0].causes[RST_UNKNOWN], 7);
	assert_int_equal(alert->causes[RST_UNKNOWN], 7);
	assert_int_equal(alert->reasons[3], 5);
	assert_int_equal(alert->reasons[0], 13);
}

static void largest_five_in_order(void **state)
{
	struct made *made = *state;
	const struct alert *alert;

	for (unsigned i = 0; i < 20; i++) {
		struct rst_port_key key = aborted;

		key.port = 1 + i * 7 % 20;
		add_port(made, key, key.port / 2);
		add_peer(made, records_peer_key(1 + i * 7 % 20, 7, RST_SENT), 1 + i * 7 % 20);
	}
	end_slice(made, SECOND_NS, 0);
	alert = explain(made, RST_SENT, 0, 100);
	assert_int_equal(alert->port_count, ALERT_TOP);
	assert_int_equal(alert->peer_count, ALERT_TOP);
	assert_int_equal(alert->ports[0].key.port, 20);
	assert_int_equal(alert->ports[1].key.port, 18); /* 18 and 19 tie */
	assert_int_equal(alert->ports[2].key.port, 19);
	for (unsigned i = 0; i < ALERT_TOP; i++)
		assert_int_equal(alert->peers[i].key.address[15], 20 - i);
}

static void keeps_the_largest_of_a_slice(void **state)
{
	struct made *made = *state;
	const uint32_t many = 5000;
	const struct alert *alert;
	uint64_t expected = 0;

	/* In every slice other ones: the scratch must hold the largest of all slices. */
	for (uint32_t slice = 0; slice < 10; slice++) {
		for (uint32_t i = 0; i < many; i++) {
			struct rst_port_key key = aborted;

			key.netns = 100 + slice;
			key.port = i;
			add_port(made, key, 1 + i % many);
			add_peer(made, records_peer_key(i, 100 + slice, RST_SENT), 1 + i);
		}
		end_slice(made, SECOND_NS, 0);
	}
	for (uint32_t i = 0; i < RECENT_TOP; i++)
		expected += 10 * (many - i);
	alert = explain(made, RST_SENT, 0, 10ULL * many * (many + 1) / 2);
	assert_int_equal(alert->causes[RST_ABORTED], expected);
	assert_int_equal(alert->total, 10ULL * many * (many + 1) / 2); /* shares stay of all */
	for (unsigned i = 0; i < ALERT_TOP; i++) {
		assert_int_equal(alert->ports[i].sent, many);
		assert_int_equal(alert->peers[i].count, many);
	}
}

/* The rule judges the last ten seconds of a long slice, the evidence is all of it: the counts
 * must not be more than the total that they are of. */
static void long_slice_is_evidence_as_a_whole(void **state)
{
	struct made *made = *state;
	const struct alert *alert;

	add_port(made, aborted, 3500);
	end_slice(made, 35 * SECOND_NS, 0);
	alert = explain(made, RST_SENT, 0, 1000);
	assert_int_equal(alert->causes[RST_ABORTED], 3500);
	assert_int_equal(alert->ports[0].sent, 3500);
	assert_int_equal(alert->total, 3500);
}

/* --- owners --- */

static void add_owned(struct made *made, uint32_t owner, unsigned direction, uint64_t count)
{
	struct rst_port_key key = aborted;

	key.owner = owner;
	key.direction = direction;
	if (direction == RST_RECEIVED)
		key.cause = RST_STAGE_ESTABLISHED;
	add_port(made, key, count);
}

static void add_process(struct made *made, uint32_t number)
{
	const struct record_process process = records_process_of(number, 800 + number, "web", "/");

	processes_add(&made->processes, &process);
}

/* Those of its direction, largest first; their ports are one. */
static void owners_of_an_alert(void **state)
{
	struct made *made = *state;
	const struct alert *alert;

	for (uint32_t number = 1; number <= 5; number++)
		add_process(made, number);
	for (unsigned i = 0; i < 3; i++) {
		for (uint32_t number = 1; number <= 5; number++)
			add_owned(made, number, RST_SENT, 10 * number);
		add_owned(made, 1, RST_RECEIVED, 1000);
		add_owned(made, 0, RST_SENT, 500); /* nobody's */
		end_slice(made, SECOND_NS, 0);
	}
	alert = explain(made, RST_SENT, 0, 1950);
	assert_int_equal(alert->port_count, 1);
	assert_int_equal(alert->ports[0].sent, 1950);
	assert_int_equal(alert->owner_count, ALERT_OWNERS);
	for (unsigned i = 0; i < ALERT_OWNERS; i++) {
		assert_int_equal(alert->owners[i].owner.process->pid, 805 - i);
		assert_int_equal(alert->owners[i].sent, 30 * (5 - i));
		assert_int_equal(alert->owners[i].received, 0);
	}
	alert = explain(made, RST_RECEIVED, 0, 3000);
	assert_int_equal(alert->owner_count, 1);
	assert_int_equal(alert->owners[0].received, 3000);
	alert = explain(made, RST_SENT, 9, 0); /* of another namespace */
	assert_int_equal(alert->owner_count, 0);
}

/* Whose they were when they came; and a process that was forgotten is not its successor. */
static void owners_are_those_of_their_slice(void **state)
{
	struct made *made = *state;
	struct record_listener listener =
		records_listener_of(made->now_ns, 7, 80, 1, RST_LISTENER_OPENED);
	struct rst_port_key key = aborted;
	const struct alert *alert;

	key.cause = RST_QUEUE_FULL;
	add_process(made, 1);
	add_process(made, 2);
	listeners_add(&made->listeners, &listener.listener);
	add_port(made, key, 100);
	/* Behind the end of the slice, and told before it. */
	listener = records_listener_of(made->now_ns + SECOND_NS + 1, 7, 80, 1, RST_LISTENER_CLOSED);
	listeners_add(&made->listeners, &listener.listener);
	end_slice(made, SECOND_NS, 0);
	listener = records_listener_of(made->now_ns + 2, 7, 80, 2, RST_LISTENER_OPENED);
	listeners_add(&made->listeners, &listener.listener);
	add_port(made, key, 10);
	end_slice(made, SECOND_NS, 0);
	alert = explain(made, RST_SENT, 7, 110);
	assert_int_equal(alert->owner_count, 2);
	assert_int_equal(alert->owners[0].sent, 100);
	assert_int_equal(alert->owners[0].owner.process->pid, 801);
	assert_int_equal(alert->owners[0].owner.known_by, OWNER_LISTENER);
	assert_int_equal(alert->owners[1].owner.process->pid, 802);
	add_process(made, 1 + PROCESSES);
	alert = explain(made, RST_SENT, 7, 110);
	assert_int_equal(alert->owners[0].sent, 100);
	assert_null(alert->owners[0].owner.process);
	assert_int_equal(alert->owners[1].owner.process->pid, 802);
}

/* As many as the slices can hold. */
static void owners_of_full_slices(void **state)
{
	struct made *made = *state;
	const struct alert *alert;
	uint64_t sum = 0;

	for (uint32_t slice = 0; slice < 10; slice++) {
		for (uint32_t i = 1; i <= RECENT_TOP; i++) {
			add_process(made, slice * RECENT_TOP + i);
			add_owned(made, slice * RECENT_TOP + i, RST_SENT, i);
		}
		end_slice(made, SECOND_NS, 0);
	}
	alert = explain(made, RST_SENT, 7, 0);
	for (uint32_t i = 0; i < made->recent.owners.used; i++)
		sum += ((struct window_owner *)table_entry(&made->recent.owners, i))->sent;
	assert_int_equal(sum, alert->total);
	assert_int_equal(alert->owner_count, ALERT_OWNERS);
	assert_int_equal(alert->owners[2].sent, RECENT_TOP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_known),
		TEST(ten_slices_count_and_the_eleventh_does_not),
		TEST(slice_being_filled_is_not_evidence),
		TEST(old_slices_are_no_evidence),
		TEST(of_its_direction_and_namespace_only),
		TEST(causes_of_a_port_add_up),
		TEST(largest_five_in_order),
		TEST(keeps_the_largest_of_a_slice),
		TEST(long_slice_is_evidence_as_a_whole),
		TEST(owners_of_an_alert),
		TEST(owners_are_those_of_their_slice),
		TEST(owners_of_full_slices),
	};

	return cmocka_run_group_tests_name("recent", tests, NULL, NULL);
}

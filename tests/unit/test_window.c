// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "records.h"

#include "hash.h"
#include "window.h"

static const struct filter none;

struct made {
	struct window window;
	struct window_summary summary;
	struct processes processes;
	struct listeners listeners;
};

static int setup(void **state)
{
	struct made *made = calloc(1, sizeof(*made));

	if (!made)
		return -1;
	window_init(&made->window, RECORDS_SEED);
	listeners_init(&made->listeners, RECORDS_SEED);
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

	window_add_port(&made->window, &port);
}

static void add_peer(struct made *made, struct rst_peer_key key, uint64_t count)
{
	const struct record_peer peer = records_peer(key, count);

	window_add_peer(&made->window, &peer);
}

static void add_other(struct made *made, unsigned direction, unsigned cause, uint64_t count)
{
	const struct record_other other = records_other_of(direction, cause, count);

	window_add_other(&made->window, &other);
}

static void settle(struct made *made, const struct filter *filter, uint64_t time_ns)
{
	window_settle(&made->window, filter, &made->processes, &made->listeners, time_ns);
}

static const struct window_summary *summarize(struct made *made, const struct filter *filter)
{
	settle(made, filter, UINT64_MAX);
	memset(&made->summary, 0xee, sizeof(made->summary)); /* all of it must be written */
	window_summarize(&made->window, filter, &made->processes, &made->summary);
	return &made->summary;
}

static uint64_t both(const uint64_t count[RST_DIRECTIONS])
{
	return count[RST_SENT] + count[RST_RECEIVED];
}

static uint64_t sum_of(const uint64_t *counts, unsigned number)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < number; i++)
		sum += counts[i];
	return sum;
}

static void nothing_happened(void **state)
{
	const struct window_summary *summary = summarize(*state, &none);
	struct window_summary empty;

	memset(&empty, 0, sizeof(empty));
	empty.distinct_exact = true;
	assert_memory_equal(summary, &empty, sizeof(empty));
}

static void adds_up_by_service(void **state)
{
	struct made *made = *state;
	const struct window_summary *summary;
	struct rst_port_key key = {.netns = 7, .port = 80, .role = RST_ROLE_SERVER};

	key.direction = RST_SENT;
	key.cause = RST_ABORTED;
	key.reason = 3;
	add_port(made, key, 10);
	key.reason = 4;
	add_port(made, key, 20);
	add_port(made, key, 5);
	key.cause = RST_HALF_OPEN;
	add_port(made, key, 1);
	key.direction = RST_RECEIVED;
	key.cause = RST_STAGE_ESTABLISHED;
	key.reason = 0;
	add_port(made, key, 300);
	key.role = RST_ROLE_CLIENT; /* another service: port 80 somewhere else */
	add_port(made, key, 4);
	key.netns = 8;
	add_port(made, key, 2);

	summary = summarize(made, &none);
	assert_int_equal(summary->total[RST_SENT], 36);
	assert_int_equal(summary->total[RST_RECEIVED], 306);
	assert_int_equal(summary->causes[RST_ABORTED], 35);
	assert_int_equal(summary->causes[RST_HALF_OPEN], 1);
	assert_int_equal(summary->causes[RST_STAGE_ESTABLISHED], 306);
	assert_int_equal(sum_of(summary->causes, RST_CAUSES), 342);
	/* Reasons are those of sent resets. */
	assert_int_equal(summary->reasons[3], 10);
	assert_int_equal(summary->reasons[4], 26);
	assert_int_equal(sum_of(summary->reasons, RST_REASONS), 36);
	assert_int_equal(summary->port_count, 3);
	assert_int_equal(summary->ports_all, 3);
	assert_int_equal(summary->ports[0].key.port, 80);
	assert_int_equal(summary->ports[0].key.role, RST_ROLE_SERVER);
	assert_int_equal(summary->ports[0].sent, 36);
	assert_int_equal(summary->ports[0].received, 300);
	assert_int_equal(summary->ports[0].causes[RST_ABORTED], 35);
	assert_int_equal(summary->ports[0].causes[RST_STAGE_ESTABLISHED], 300);
	assert_int_equal(summary->ports[1].received, 4);
	assert_int_equal(summary->ports[2].key.netns, 8);
	assert_int_equal(summary->netns_count, 2);
	assert_int_equal(summary->namespaces[0].netns, 7);
	assert_int_equal(summary->namespaces[0].count[RST_SENT], 36);
	assert_int_equal(summary->namespaces[0].count[RST_RECEIVED], 304);
	assert_int_equal(summary->namespaces[1].count[RST_RECEIVED], 2);
}

static void ports_and_other_make_the_total(void **state)
{
	struct made *made = *state;
	struct record_slice slice = records_empty_slice(0, SECOND_NS);
	const struct window_summary *summary;
	uint64_t shown = 0;

	for (uint16_t port = 1; port <= 8; port++)
		add_port(made,
			 PORT_KEY(.netns = 7, .port = port, .direction = 1 + port % 2,
				  .cause = RST_ABORTED),
			 port * 11);
	add_other(made, RST_SENT, RST_CLOSED_PORT, 1000);
	add_other(made, RST_RECEIVED, RST_STAGE_REFUSED, 100);
	slice.ports_full = 1100;
	window_add_slice(&made->window, &slice);
	summary = summarize(made, &none);
	for (unsigned i = 0; i < summary->port_count; i++)
		shown += summary->ports[i].sent + summary->ports[i].received;
	assert_int_equal(summary->losses.ports_full, 1100);
	assert_int_equal(shown + summary->losses.ports_full, both(summary->total));
	assert_int_equal(sum_of(summary->causes, RST_CAUSES), both(summary->total));
	assert_int_equal(summary->causes[RST_CLOSED_PORT], 1000);
	assert_int_equal(summary->causes[RST_STAGE_REFUSED], 100);
	/* Nothing says in which namespace the others were. */
	assert_int_equal(both(summary->namespaces[0].count), shown);
}

static void numbers_out_of_range(void **state)
{
	struct made *made = *state;
	const struct window_summary *summary;

	add_port(made,
		 PORT_KEY(.port = 1, .direction = RST_SENT, .cause = RST_CAUSES + RST_CLOSED_PORT,
			  .reason = RST_REASONS + 5),
		 3);
	add_port(made, PORT_KEY(.port = 1, .direction = RST_SENT, .cause = 255, .reason = 255), 4);
	add_port(made,
		 PORT_KEY(.port = 1, .direction = RST_SENT, .cause = RST_ABORTED,
			  .reason = RST_REASONS - 1),
		 5);
	add_other(made, RST_SENT, 0xffffffff, 6);
	summary = summarize(made, &none);
	assert_int_equal(summary->total[RST_SENT], 18);
	/* To no cause or reason that they are not. */
	assert_int_equal(summary->causes[RST_UNKNOWN], 13);
	assert_int_equal(summary->causes[RST_CLOSED_PORT], 0);
	assert_int_equal(summary->ports[0].causes[RST_UNKNOWN], 7);
	assert_int_equal(summary->ports[0].causes[RST_CLOSED_PORT], 0);
	assert_int_equal(summary->reasons[0], 7);
	assert_int_equal(summary->reasons[5], 0);
	assert_int_equal(summary->reasons[RST_REASONS - 1], 5);
	assert_int_equal(sum_of(summary->reasons, RST_REASONS), 12);
}

static void full_counts_keep_the_totals(void **state)
{
	struct made *made = *state;
	const uint32_t more = 1000;
	const struct window_summary *summary;
	uint64_t kept = 0;

	for (uint32_t i = 0; i < WINDOW_COUNTS + more; i++)
		add_port(made,
			 PORT_KEY(.netns = i >> 16, .port = i, .direction = RST_SENT,
				  .cause = RST_CLOSED_PORT),
			 2);
	/* A counter that is there goes on counting. */
	add_port(made, PORT_KEY(.port = 9, .direction = RST_SENT, .cause = RST_CLOSED_PORT), 50);
	summary = summarize(made, &none);
	assert_int_equal(summary->total[RST_SENT], 2 * (WINDOW_COUNTS + more) + 50);
	assert_int_equal(summary->causes[RST_CLOSED_PORT], summary->total[RST_SENT]);
	assert_int_equal(summary->losses.ports_full, 2 * more);
	assert_int_equal(summary->ports_all, WINDOW_COUNTS);
	assert_int_equal(summary->ports[0].key.port, 9);
	assert_int_equal(summary->ports[0].sent, 52);
	for (uint32_t i = 0; i < made->window.services.used; i++)
		kept += ((struct window_port *)table_entry(&made->window.services, i))->sent;
	assert_int_equal(kept + summary->losses.ports_full, summary->total[RST_SENT]);
	assert_int_equal(both(summary->namespaces[0].count), 2 * 65536 + 50);
}

static void full_namespaces_keep_the_totals(void **state)
{
	struct made *made = *state;
	const struct window_summary *summary;

	for (uint32_t netns = 1; netns <= WINDOW_NAMESPACES + 20; netns++)
		add_port(made,
			 PORT_KEY(.netns = netns, .port = 80, .direction = RST_RECEIVED,
				  .cause = RST_STAGE_CLOSING),
			 3);
	summary = summarize(made, &none);
	assert_int_equal(summary->total[RST_RECEIVED], 3 * (WINDOW_NAMESPACES + 20));
	assert_int_equal(summary->netns_all, WINDOW_NAMESPACES);
	assert_int_equal(summary->netns_count, WINDOW_TOP);
	assert_int_equal(summary->losses.netns_full, 60);
	assert_int_equal(summary->losses.ports_full, 0);
}

static void full_peers_widen_the_error(void **state)
{
	struct made *made = *state;
	const struct window_summary *summary;

	for (uint32_t i = 0; i < WINDOW_PEERS; i++)
		add_peer(made, records_peer_key(i, 7, RST_SENT), 1);
	summary = summarize(made, &none);
	assert_true(summary->distinct_exact);
	assert_int_equal(summary->distinct_peers, WINDOW_PEERS);
	assert_int_equal(summary->peer_error, 0);

	for (uint32_t i = 0; i < 10000; i++)
		add_peer(made, records_peer_key(WINDOW_PEERS + i, 7, RST_SENT), 4);
	add_peer(made, records_peer_key(3, 7, RST_SENT), 8);
	summary = summarize(made, &none);
	assert_int_equal(summary->losses.peers_full, 40000);
	/* No peer's count may be too low by more than this, those without a row among them. */
	assert_in_range(summary->peer_error, 4, 40000);
	assert_int_equal(summary->peers[0].count, 9);
	assert_false(summary->distinct_exact);
	assert_in_range(summary->distinct_peers, (WINDOW_PEERS + 10000) * 97 / 100,
			(WINDOW_PEERS + 10000) * 103 / 100);
}

static void distinct_counts_addresses(void **state)
{
	struct made *made = *state;
	bool exact = false;

	add_peer(made, records_peer_key(1, 7, RST_SENT), 1);
	add_peer(made, records_peer_key(1, 7, RST_RECEIVED), 1);
	add_peer(made, records_peer_key(1, 8, RST_SENT), 1);
	add_peer(made, records_peer_key(2, 8, RST_SENT), 1);
	assert_int_equal(window_distinct(&made->window, &exact), 2);
	assert_true(exact);
	assert_int_equal(summarize(made, &none)->peer_count, 4);
}

static void registers_join_what_is_known(void **state)
{
	struct made *made = *state;
	struct record_distinct *distinct = unit_zeroed(sizeof(*distinct));
	bool exact = true;

	*distinct = (struct record_distinct){.head = RECORD_HEAD(record_distinct, RECORD_DISTINCT),
					     .direction = RST_SENT};
	/* 0 to 999 by name, 500 to 1999 by the registers, 2000 to 2499 by name again. */
	for (uint32_t i = 0; i < 1000; i++)
		add_peer(made, records_peer_key(i, 7, RST_SENT), 1);
	for (uint32_t i = 500; i < 2000; i++) {
		const struct rst_peer_key key = records_peer_key(i, 7, RST_SENT);
		uint64_t hash = hash_address(key.address, RECORDS_SEED);
		uint8_t *chosen = &distinct->registers[hash_register(hash)];

		if (*chosen < hash_rank(hash))
			*chosen = hash_rank(hash);
	}
	window_add_distinct(&made->window, distinct);
	for (uint32_t i = 2000; i < 2500; i++)
		add_peer(made, records_peer_key(i, 7, RST_SENT), 1);
	assert_in_range(window_distinct(&made->window, &exact), 2425, 2575);
	assert_false(exact);

	/* The next window knows nothing of it. */
	window_next(&made->window);
	assert_int_equal(window_distinct(&made->window, &exact), 0);
	assert_true(exact);
	memset(distinct->registers, 0, sizeof(distinct->registers));
	window_add_distinct(&made->window, distinct);
	assert_int_equal(window_distinct(&made->window, &exact), 0);
	assert_false(exact);
	free(distinct);
}

static void slices_add_their_losses(void **state)
{
	struct made *made = *state;
	struct record_slice slice = records_empty_slice(5 * SECOND_NS, 6 * SECOND_NS);
	const struct window_summary *summary;

	slice.counted = 1000;
	slice.events = 700;
	slice.lost = 100;
	slice.missed = 3;
	slice.ports_full = 5;
	slice.peers_full = 7;
	slice.peer_error = 11;
	window_add_slice(&made->window, &slice);
	slice.start_ns = 6 * SECOND_NS;
	slice.end_ns = 7 * SECOND_NS + 1;
	slice.counted = 20;
	slice.events = slice.lost = 10;
	window_add_slice(&made->window, &slice);
	summary = summarize(made, &none);
	assert_int_equal(summary->start_ns, 5 * SECOND_NS);
	assert_int_equal(summary->end_ns, 7 * SECOND_NS + 1);
	assert_int_equal(summary->events, 710);
	assert_int_equal(summary->losses.lost, 110);
	assert_int_equal(summary->losses.thinned, 200); /* counted - events - lost */
	assert_int_equal(summary->losses.missed, 6);
	assert_int_equal(summary->losses.ports_full, 10);
	assert_int_equal(summary->losses.peers_full, 14);
	assert_int_equal(summary->peer_error, 2 * (11 + 7));
	assert_int_equal(made->window.slices, 2);
}

static void next_forgets_all_but_where_it_ended(void **state)
{
	struct made *made = *state;
	struct record_slice slice = records_empty_slice(5 * SECOND_NS, 6 * SECOND_NS);
	struct window_summary empty;

	add_port(made, PORT_KEY(.netns = 7, .port = 80, .direction = RST_SENT, .cause = RST_MPTCP),
		 9);
	add_peer(made, records_peer_key(1, 7, RST_SENT), 9);
	add_other(made, RST_SENT, RST_MPTCP, 9);
	slice.counted = 18;
	slice.lost = slice.missed = slice.ports_full = slice.peers_full = slice.peer_error = 1;
	window_add_slice(&made->window, &slice);
	window_next(&made->window);

	memset(&empty, 0, sizeof(empty));
	empty.start_ns = empty.end_ns = 6 * SECOND_NS;
	empty.distinct_exact = true;
	assert_memory_equal(summarize(made, &none), &empty, sizeof(empty));
	assert_int_equal(made->window.slices, 0);
}

#define RECORDS_MIXED 300

/* Many ties, in this order of arrival. */
static void add_mixed(struct made *made, const unsigned order[RECORDS_MIXED])
{
	window_next(&made->window);
	for (unsigned i = 0; i < RECORDS_MIXED; i++) {
		unsigned number = order[i];

		add_port(made,
			 PORT_KEY(.netns = number % 30, .port = number % 100,
				  .direction = 1 + number % 2, .cause = 1 + number % 11),
			 1 + number % 3);
		add_peer(made, records_peer_key(number % 70, number % 5, 1 + number % 2),
			 1 + number % 3);
	}
}

static void lists_do_not_depend_on_arrival(void **state)
{
	struct made *made = *state;
	struct window_summary *first = unit_zeroed(sizeof(*first));
	unsigned order[RECORDS_MIXED];
	uint64_t random = 1;

	for (unsigned i = 0; i < RECORDS_MIXED; i++)
		order[i] = i;
	add_mixed(made, order);
	*first = *summarize(made, &none);
	assert_int_equal(first->port_count, WINDOW_TOP);
	assert_int_equal(first->peer_count, WINDOW_TOP);
	assert_int_equal(first->netns_count, WINDOW_TOP);
	for (unsigned round = 0; round < 50; round++) {
		for (unsigned i = RECORDS_MIXED; i > 1; i--) {
			unsigned other = unit_random(&random) % i, held = order[i - 1];

			order[i - 1] = order[other];
			order[other] = held;
		}
		add_mixed(made, order);
		assert_memory_equal(summarize(made, &none), first, sizeof(*first));
	}
	for (unsigned i = 1; i < WINDOW_TOP; i++) {
		assert_true(window_order_ports(&first->ports[i - 1], &first->ports[i]) < 0);
		assert_true(window_order_peers(&first->peers[i - 1], &first->peers[i]) < 0);
		assert_true(both(first->namespaces[i - 1].count) >=
			    both(first->namespaces[i].count));
	}
	free(first);
}

static void orders_are_total(void **state)
{
	const struct window_count low = {.key = {.port = 1}, .count = 5};
	const struct window_count high = {.key = {.port = 2}, .count = 5};
	const struct window_count more = {.key = {.port = 9}, .count = 6};

	(void)state;
	assert_true(window_order_counts(&more, &low) < 0);
	assert_true(window_order_counts(&low, &more) > 0);
	assert_true(window_order_counts(&low, &high) < 0);
	assert_true(window_order_counts(&high, &low) > 0);
	assert_int_equal(window_order_counts(&low, &low), 0);
}

static void filter_picks_rows_never_totals(void **state)
{
	struct made *made = *state;
	const struct filter filter = {.direction = RST_SENT,
				      .netns = 7,
				      .port_count = 1,
				      .ports = {80},
				      .cause = RST_ABORTED};
	const struct window_summary *summary;

	for (unsigned netns = 7; netns <= 8; netns++) {
		for (unsigned port = 80; port <= 81; port++) {
			add_port(made,
				 PORT_KEY(.netns = netns, .port = port, .direction = RST_SENT,
					  .cause = RST_ABORTED),
				 10);
			add_port(made,
				 PORT_KEY(.netns = netns, .port = port, .direction = RST_SENT,
					  .cause = RST_INVALID),
				 100);
			add_port(made,
				 PORT_KEY(.netns = netns, .port = port, .direction = RST_RECEIVED,
					  .cause = RST_STAGE_CLOSING),
				 1000);
		}
		add_peer(made, records_peer_key(1, netns, RST_SENT), 220);
		add_peer(made, records_peer_key(1, netns, RST_RECEIVED), 2000);
	}
	summary = summarize(made, &filter);
	assert_int_equal(summary->total[RST_SENT], 440);
	assert_int_equal(summary->total[RST_RECEIVED], 4000);
	assert_int_equal(sum_of(summary->causes, RST_CAUSES), 4440);
	assert_int_equal(summary->port_count, 1);
	assert_int_equal(summary->ports_all, 1);
	assert_int_equal(summary->ports[0].sent, 10);
	assert_int_equal(summary->ports[0].received, 0);
	assert_int_equal(summary->peer_count, 1);
	assert_int_equal(summary->peers[0].count, 220);
	assert_int_equal(summary->netns_count, 1);
	assert_int_equal(summary->netns_all, 1);
	assert_int_equal(summary->namespaces[0].count[RST_RECEIVED], 2000);
	assert_int_equal(summary->distinct_peers, 1);
}

/* --- owners --- */

static void add_process(struct made *made, uint32_t number, uint32_t pid, const char *cgroup)
{
	const struct record_process process = records_process_of(number, pid, "web", cgroup);

	processes_add(&made->processes, &process);
}

static void change_listener(struct made *made, uint64_t time_ns, uint16_t port, uint32_t owner,
			    enum rst_listener_change change)
{
	const struct record_listener listener =
		records_listener_of(time_ns, 7, port, owner, change);

	listeners_add(&made->listeners, &listener.listener);
}

/* A reset that a socket of that process sends from :80, or one that hits it. */
static struct rst_port_key owned_by(uint32_t owner, unsigned direction)
{
	return PORT_KEY(.netns = 7, .port = 80, .direction = direction,
			.cause = direction == RST_SENT ? RST_ABORTED : RST_STAGE_ESTABLISHED,
			.role = RST_ROLE_SERVER, .owner = owner);
}

/* Known and unknown, shown and not: nothing is in two places, nothing in none. */
static void assert_exact(const struct window_summary *summary)
{
	uint64_t sum[RST_DIRECTIONS] = {0};

	for (unsigned i = 0; i < summary->owner_count; i++) {
		sum[RST_SENT] += summary->owners[i].sent;
		sum[RST_RECEIVED] += summary->owners[i].received;
		assert_int_equal(sum_of(summary->owners[i].causes, RST_CAUSES),
				 summary->owners[i].sent + summary->owners[i].received);
	}
	assert_int_equal(summary->owners_all, summary->owner_count);
	for (unsigned i = RST_SENT; i < RST_DIRECTIONS; i++)
		assert_int_equal(sum[i] + summary->owners_unknown[i], summary->total[i]);
}

/* The processes of a service are one row of ports, and a row each of owners. */
static void owners_add_up_and_a_service_stays_one(void **state)
{
	struct made *made = *state;
	const struct window_summary *summary;

	for (uint32_t number = 1; number <= 3; number++)
		add_process(made, number, 800 + number, "/");
	for (unsigned slice = 0; slice < 2; slice++) {
		add_port(made, owned_by(1, RST_SENT), 10);
		add_port(made, owned_by(2, RST_SENT), 20);
		add_port(made, owned_by(2, RST_RECEIVED), 5);
		add_port(made, owned_by(3, RST_SENT), 1);
		settle(made, &none, slice);
	}
	add_other(made, RST_SENT, RST_ABORTED, 7);
	summary = summarize(made, &none);
	assert_int_equal(summary->port_count, 1);
	assert_int_equal(summary->ports_all, 1);
	assert_int_equal(summary->ports[0].sent, 62);
	assert_int_equal(summary->ports[0].received, 10);
	assert_int_equal(summary->owner_count, 3);
	assert_int_equal(summary->owners_all, 3);
	assert_int_equal(summary->owners[0].owner.process->pid, 802);
	assert_int_equal(summary->owners[0].owner.known_by, OWNER_SOCKET);
	assert_int_equal(summary->owners[0].sent, 40);
	assert_int_equal(summary->owners[0].received, 10);
	assert_int_equal(summary->owners[0].causes[RST_ABORTED], 40);
	assert_int_equal(summary->owners[0].causes[RST_STAGE_ESTABLISHED], 10);
	assert_int_equal(summary->owners[1].owner.process->pid, 801);
	assert_int_equal(summary->owners[2].owner.process->pid, 803);
	assert_int_equal(summary->owners_unknown[RST_SENT], 7);
	assert_int_equal(summary->owners_unknown[RST_RECEIVED], 0);
	assert_exact(summary);
	window_next(&made->window);
	summary = summarize(made, &none);
	assert_int_equal(summary->owners_all, 0);
	assert_int_equal(summary->owners_unknown[RST_SENT], 0);
}

static void owners_without_a_process(void **state)
{
	struct made *made = *state;
	const struct window_summary *summary;
	struct rst_port_key key = owned_by(0, RST_SENT);

	key.role = RST_ROLE_CLIENT;
	add_port(made, key, 100); /* of a socket that nobody is known to have */
	key.cause = RST_FIREWALL;
	add_port(made, key, 3);
	key.cause = RST_CLOSED_PORT;
	key.role = RST_ROLE_SERVER;
	add_port(made, key, 2);
	summary = summarize(made, &none);
	assert_int_equal(summary->owner_count, 2);
	assert_int_equal(summary->owners[0].owner.known_by, OWNER_FIREWALL);
	assert_int_equal(summary->owners[0].sent, 3);
	assert_null(summary->owners[0].owner.process);
	assert_int_equal(summary->owners[1].owner.known_by, OWNER_KERNEL);
	assert_int_equal(summary->owners_unknown[RST_SENT], 100);
	assert_exact(summary);
}

/* A listener that stops, or another one in its place, changes what comes, not what was. */
static void owners_are_those_of_their_slice(void **state)
{
	struct made *made = *state;
	const struct window_summary *summary;
	struct rst_port_key key = owned_by(0, RST_SENT);

	key.cause = RST_CLOSED_PORT;
	add_process(made, 1, 801, "/");
	add_process(made, 2, 802, "/");
	change_listener(made, SECOND_NS / 2, 80, 1, RST_LISTENER_OPENED);
	add_port(made, key, 100);
	settle(made, &none, SECOND_NS);
	change_listener(made, SECOND_NS + 1, 80, 1, RST_LISTENER_CLOSED);
	add_port(made, key, 10);
	settle(made, &none, 2 * SECOND_NS);
	change_listener(made, 2 * SECOND_NS + 1, 80, 2, RST_LISTENER_OPENED);
	add_port(made, key, 1);
	settle(made, &none, 3 * SECOND_NS);
	summary = summarize(made, &none);
	assert_int_equal(summary->owner_count, 3);
	assert_int_equal(summary->owners[0].owner.known_by, OWNER_LISTENER);
	assert_int_equal(summary->owners[0].owner.process->pid, 801);
	assert_int_equal(summary->owners[0].sent, 100);
	assert_int_equal(summary->owners[1].owner.known_by, OWNER_LAST_LISTENER);
	assert_int_equal(summary->owners[1].owner.process->pid, 801);
	assert_int_equal(summary->owners[1].owner.stopped_ns, SECOND_NS + 1);
	assert_int_equal(summary->owners[1].sent, 10);
	assert_int_equal(summary->owners[2].owner.known_by, OWNER_LISTENER);
	assert_int_equal(summary->owners[2].owner.process->pid, 802);
	assert_int_equal(summary->owners[2].sent, 1);
	assert_int_equal(summary->port_count, 1);
	assert_exact(summary);
}

/* A change behind the end of the slice has not happened yet, though its record is there. */
static void owners_as_of_the_end_of_the_slice(void **state)
{
	struct made *made = *state;
	const struct window_summary *summary;
	struct rst_port_key key = owned_by(0, RST_SENT);

	key.cause = RST_CLOSED_PORT;
	add_process(made, 1, 801, "/");
	change_listener(made, 10, 80, 1, RST_LISTENER_OPENED);
	change_listener(made, SECOND_NS + 1, 80, 1, RST_LISTENER_CLOSED);
	add_port(made, key, 5);
	settle(made, &none, SECOND_NS);
	summary = summarize(made, &none);
	assert_int_equal(summary->owner_count, 1);
	assert_int_equal(summary->owners[0].owner.known_by, OWNER_LISTENER);
}

/* Of one that stopped on several ports, the last time: wherever its counters stand. */
static void owners_stopped_last(void **state)
{
	struct made *made = *state;
	const struct window_summary *summary;
	struct rst_port_key key = owned_by(0, RST_SENT);

	key.cause = RST_CLOSED_PORT;
	add_process(made, 1, 801, "/");
	for (uint16_t port = 80; port <= 82; port++) {
		change_listener(made, 1, port, 1, RST_LISTENER_OPENED);
		change_listener(made, port == 81 ? 100 : 50, port, 1, RST_LISTENER_CLOSED);
		key.port = port;
		add_port(made, key, 1);
	}
	summary = summarize(made, &none);
	assert_int_equal(summary->owner_count, 1);
	assert_int_equal(summary->owners[0].sent, 3);
	assert_int_equal(summary->owners[0].owner.stopped_ns, 100);
}

/* Its place is another's when the window ends: its resets must not become that one's. */
static void owners_that_are_forgotten(void **state)
{
	struct made *made = *state;
	const struct window_summary *summary;

	add_process(made, 5, 805, "/");
	add_port(made, owned_by(5, RST_SENT), 9);
	add_port(made, owned_by(77, RST_SENT), 4); /* never known */
	settle(made, &none, SECOND_NS);
	add_process(made, 5 + PROCESSES, 999, "/");
	summary = summarize(made, &none);
	assert_int_equal(summary->owner_count, 2);
	assert_int_equal(summary->owners[0].sent, 9);
	assert_int_equal(summary->owners[0].owner.known_by, OWNER_SOCKET);
	assert_null(summary->owners[0].owner.process);
	assert_null(summary->owners[1].owner.process);
	assert_exact(summary);
}

static void owners_largest_first_and_no_more(void **state)
{
	struct made *made = *state;
	const struct window_summary *summary;

	for (uint32_t i = 0; i < 30; i++) {
		uint32_t number = 1 + i * 7 % 30;

		add_process(made, number, 800 + number, "/");
		add_port(made, owned_by(number, RST_SENT), number / 2);
	}
	summary = summarize(made, &none);
	assert_int_equal(summary->owner_count, WINDOW_TOP);
	assert_int_equal(summary->owners_all, 30);
	assert_int_equal(summary->owners[0].owner.process->pid, 830);
	assert_int_equal(summary->owners[1].owner.process->pid, 828); /* 28 and 29 tie */
	assert_int_equal(summary->owners[2].owner.process->pid, 829);
	assert_int_equal(summary->port_count, 1);
}

static void full_owners_are_unknown(void **state)
{
	struct made *made = *state;
	const struct window_summary *summary;
	uint64_t kept = 0;

	for (uint32_t number = 1; number <= WINDOW_OWNERS + 50; number++) {
		add_process(made, number, number, "/");
		add_port(made, owned_by(number, RST_SENT), 2);
		settle(made, &none, SECOND_NS);
	}
	summary = summarize(made, &none);
	assert_int_equal(summary->owners_all, WINDOW_OWNERS);
	for (uint32_t i = 0; i < made->window.owners.used; i++)
		kept += ((struct window_owner *)table_entry(&made->window.owners, i))->sent;
	assert_int_equal(kept + summary->owners_unknown[RST_SENT], summary->total[RST_SENT]);
	assert_int_equal(summary->owners_unknown[RST_SENT], 100);
	assert_int_equal(summary->ports[0].sent, summary->total[RST_SENT]);
	assert_int_equal(summary->losses.ports_full, 0);
}

/* The filter looks at each counter's owner, in ports and owners; what is unknown is a total. */
static void filter_by_owners(void **state)
{
	struct made *made = *state;
	const struct filter filter = {.pid_count = 1, .pids = {802}};
	const struct window_summary *summary;
	struct rst_port_key key = owned_by(1, RST_SENT);

	add_process(made, 1, 801, "/");
	add_process(made, 2, 802, "/");
	change_listener(made, 0, 90, 2, RST_LISTENER_OPENED);
	add_port(made, key, 100);
	add_port(made, owned_by(2, RST_SENT), 10);
	key.port = 81; /* only of the other */
	add_port(made, key, 1000);
	key.port = 90;
	key.owner = 0;
	key.cause = RST_QUEUE_FULL;
	add_port(made, key, 3);
	key.role = RST_ROLE_CLIENT;
	add_port(made, key, 50); /* nobody's */
	summary = summarize(made, &filter);
	assert_int_equal(summary->total[RST_SENT], 1163);
	assert_int_equal(summary->port_count, 2);
	assert_int_equal(summary->ports_all, 2);
	assert_int_equal(summary->ports[0].key.port, 80);
	assert_int_equal(summary->ports[0].sent, 10);
	assert_int_equal(summary->ports[1].key.port, 90);
	assert_int_equal(summary->ports[1].sent, 3);
	assert_int_equal(summary->owner_count, 2);
	assert_int_equal(summary->owners_all, 2);
	assert_int_equal(summary->owners[0].sent, 10);
	assert_int_equal(summary->owners[1].sent, 3);
	assert_int_equal(summary->owners[1].owner.known_by, OWNER_LISTENER);
	assert_int_equal(summary->owners_unknown[RST_SENT], 50);
}

/* And the other filters choose among the counters of an owner. */
static void owners_by_other_filters(void **state)
{
	struct made *made = *state;
	const struct filter filter = {.direction = RST_RECEIVED, .port_count = 1, .ports = {80}};
	const struct window_summary *summary;

	add_process(made, 1, 801, "/");
	add_port(made, owned_by(1, RST_SENT), 100);
	add_port(made, owned_by(1, RST_RECEIVED), 10);
	add_port(made,
		 PORT_KEY(.netns = 7, .port = 81, .direction = RST_RECEIVED,
			  .cause = RST_STAGE_ESTABLISHED, .owner = 1),
		 1000);
	summary = summarize(made, &filter);
	assert_int_equal(summary->owner_count, 1);
	assert_int_equal(summary->owners[0].sent, 0);
	assert_int_equal(summary->owners[0].received, 10);
	assert_int_equal(summary->owners_unknown[RST_SENT], 0);
	assert_int_equal(summary->owners_unknown[RST_RECEIVED], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_happened),
		TEST(adds_up_by_service),
		TEST(ports_and_other_make_the_total),
		TEST(numbers_out_of_range),
		TEST(full_counts_keep_the_totals),
		TEST(full_namespaces_keep_the_totals),
		TEST(full_peers_widen_the_error),
		TEST(distinct_counts_addresses),
		TEST(registers_join_what_is_known),
		TEST(slices_add_their_losses),
		TEST(next_forgets_all_but_where_it_ended),
		TEST(lists_do_not_depend_on_arrival),
		TEST(orders_are_total),
		TEST(filter_picks_rows_never_totals),
		TEST(owners_add_up_and_a_service_stays_one),
		TEST(owners_without_a_process),
		TEST(owners_are_those_of_their_slice),
		TEST(owners_as_of_the_end_of_the_slice),
		TEST(owners_stopped_last),
		TEST(owners_that_are_forgotten),
		TEST(owners_largest_first_and_no_more),
		TEST(full_owners_are_unknown),
		TEST(filter_by_owners),
		TEST(owners_by_other_filters),
	};

	return cmocka_run_group_tests_name("window", tests, NULL, NULL);
}

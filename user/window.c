// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "window.h"

#include <string.h>

#include "distinct.h"
#include "hash.h"
#include "top.h"

void window_init(struct window *window, uint64_t seed)
{
	window->seed = seed;
	TABLE_INIT(window, counts, struct rst_port_key, seed);
	TABLE_INIT(window, services, struct window_service_key, seed);
	TABLE_INIT(window, owners, struct window_owner_key, seed);
	TABLE_INIT(window, peers, struct rst_peer_key, seed);
	TABLE_INIT(window, namespaces, uint32_t, seed);
	TABLE_INIT(window, addresses, struct window_address, seed);
	window_next(window);
}

void window_next(struct window *window)
{
	window->start_ns = window->end_ns;
	window->slices = 0;
	memset(window->total, 0, sizeof(window->total));
	memset(window->causes, 0, sizeof(window->causes));
	memset(window->reasons, 0, sizeof(window->reasons));
	memset(window->owned, 0, sizeof(window->owned));
	window->events = 0;
	window->outside = 0;
	window->peer_error = 0;
	memset(&window->losses, 0, sizeof(window->losses));
	if (window->estimate)
		memset(window->registers, 0, sizeof(window->registers));
	window->estimate = false;
	table_clear(&window->counts);
	table_clear(&window->services);
	table_clear(&window->owners);
	table_clear(&window->peers);
	table_clear(&window->namespaces);
	table_clear(&window->addresses);
}

static unsigned direction_of(unsigned direction)
{
	return direction == RST_RECEIVED ? RST_RECEIVED : RST_SENT;
}

static void add_total(struct window *window, unsigned direction, unsigned cause, uint64_t count)
{
	window->total[direction_of(direction)] += count;
	window->causes[window_cause(cause)] += count;
}

void window_add_port(struct window *window, const struct record_port *port)
{
	const struct rst_port_key *key = &port->key;
	struct window_count *counted = table_add(&window->counts, key);
	struct window_netns *netns = table_add(&window->namespaces, &key->netns);

	add_total(window, key->direction, key->cause, port->count);
	if (key->direction == RST_SENT)
		window->reasons[window_reason(key->reason)] += port->count;
	if (counted)
		counted->count += port->count;
	else
		window->losses.ports_full += port->count;
	if (netns)
		netns->count[direction_of(key->direction)] += port->count;
	else
		window->losses.netns_full += port->count;
}

struct window_owner_key window_owner_key(const struct owner *owner)
{
	return (struct window_owner_key){.known_by = owner->known_by,
					 .process = owner->process ? owner->process->number : 0};
}

bool window_add_owner(struct table *owners, struct window_owner_key key, const struct owner *owner,
		      const struct window_count *counted)
{
	struct window_owner *row = table_add(owners, &key);

	if (!row)
		return false;
	if (owner->stopped_ns >= row->owner.stopped_ns)
		row->owner = *owner;
	if (counted->key.direction == RST_SENT)
		row->sent += counted->count;
	else
		row->received += counted->count;
	row->causes[window_cause(counted->key.cause)] += counted->count;
	return true;
}

static bool add_service(struct window *window, const struct window_count *counted)
{
	struct window_service_key key = {
		.netns = counted->key.netns, .port = counted->key.port, .role = counted->key.role};
	struct window_port *port = table_add(&window->services, &key);

	if (!port)
		return false;
	if (counted->key.direction == RST_SENT)
		port->sent += counted->count;
	else
		port->received += counted->count;
	port->causes[window_cause(counted->key.cause)] += counted->count;
	return true;
}

void window_settle(struct window *window, const struct filter *filter,
		   const struct processes *processes, const struct listeners *listeners,
		   uint64_t time_ns)
{
	for (uint32_t i = 0; i < window->counts.used; i++) {
		const struct window_count *counted = table_entry(&window->counts, i);
		struct owner owner = owner_of_key(processes, listeners, &counted->key, time_ns);
		bool shown = filter_port_key(filter, &counted->key) && filter_owner(filter, &owner);
		bool owned = owner.known_by != OWNER_UNKNOWN;

		if (shown && !add_service(window, counted))
			window->losses.ports_full += counted->count;
		if (shown && owned)
			owned = window_add_owner(&window->owners, window_owner_key(&owner), &owner,
						 counted);
		if (owned)
			window->owned[direction_of(counted->key.direction)] += counted->count;
	}
	table_clear(&window->counts);
}

/* From here on registers count the peers: those known so far go in first. */
static void start_estimate(struct window *window)
{
	if (window->estimate)
		return;
	window->estimate = true;
	for (uint32_t i = 0; i < window->addresses.used; i++) {
		const struct window_address *known = table_entry(&window->addresses, i);

		distinct_add(window->registers, hash_address(known->address, window->seed));
	}
}

void window_add_peer(struct window *window, const struct record_peer *peer)
{
	struct window_peer *row = table_add(&window->peers, &peer->key);

	if (row) {
		row->count += peer->count;
	} else {
		window->losses.peers_full += peer->count;
		window->peer_error += peer->count;
	}
	if (!table_add(&window->addresses, peer->key.address))
		start_estimate(window);
	if (window->estimate)
		distinct_add(window->registers, hash_address(peer->key.address, window->seed));
}

void window_add_other(struct window *window, const struct record_other *other)
{
	add_total(window, other->direction, other->cause, other->count);
}

void window_add_distinct(struct window *window, const struct record_distinct *distinct)
{
	start_estimate(window);
	distinct_merge(window->registers, distinct->registers);
}

void window_add_outside(struct window *window, const struct record_outside *outside)
{
	window->outside += outside->count;
}

void window_add_slice(struct window *window, const struct record_slice *slice)
{
	if (!window->slices++)
		window->start_ns = slice->start_ns;
	window->end_ns = slice->end_ns;
	window->events += slice->events;
	window->losses.lost += slice->lost;
	window->losses.thinned += slice->counted - slice->events - slice->lost;
	window->losses.missed += slice->missed;
	window->losses.ports_full += slice->ports_full;
	window->losses.peers_full += slice->peers_full;
	window->peer_error += slice->peer_error + slice->peers_full;
}

uint64_t window_distinct(const struct window *window, bool *exact)
{
	*exact = !window->estimate;
	return window->estimate ? distinct_estimate(window->registers) : window->addresses.used;
}

static int order_by(uint64_t a, uint64_t b, const void *key_a, const void *key_b, size_t size)
{
	if (a != b)
		return a > b ? -1 : 1;
	return memcmp(key_a, key_b, size);
}

int window_order_ports(const void *a, const void *b)
{
	const struct window_port *x = a, *y = b;

	return order_by(x->sent + x->received, y->sent + y->received, &x->key, &y->key,
			sizeof(x->key));
}

int window_order_peers(const void *a, const void *b)
{
	const struct window_peer *x = a, *y = b;

	return order_by(x->count, y->count, &x->key, &y->key, sizeof(x->key));
}

static int order_owners(const void *a, const void *b)
{
	const struct window_owner *x = a, *y = b;

	return order_by(x->sent + x->received, y->sent + y->received, &x->key, &y->key,
			sizeof(x->key));
}

int window_order_counts(const void *a, const void *b)
{
	const struct window_count *x = a, *y = b;

	return order_by(x->count, y->count, &x->key, &y->key, sizeof(x->key));
}

static int order_namespaces(const void *a, const void *b)
{
	const struct window_netns *x = a, *y = b;

	return order_by(x->count[RST_SENT] + x->count[RST_RECEIVED],
			y->count[RST_SENT] + y->count[RST_RECEIVED], &x->netns, &y->netns,
			sizeof(x->netns));
}

static void summarize_ports(const struct window *window, struct window_summary *summary)
{
	struct top top = {
		.entries = (uint8_t *)summary->ports,
		.entry_size = sizeof(summary->ports[0]),
		.capacity = WINDOW_TOP,
		.order = window_order_ports,
	};

	for (uint32_t i = 0; i < window->services.used; i++)
		top_offer(&top, table_entry(&window->services, i));
	top_sort(&top);
	summary->port_count = top.used;
	summary->ports_all = window->services.used;
}

unsigned window_top_owners(const struct table *owners, const struct processes *processes,
			   struct window_owner *top_owners, unsigned capacity)
{
	struct top top = {
		.entries = (uint8_t *)top_owners,
		.entry_size = sizeof(*top_owners),
		.capacity = capacity,
		.order = order_owners,
	};

	for (uint32_t i = 0; i < owners->used; i++)
		top_offer(&top, table_entry(owners, i));
	top_sort(&top);
	/* Another process may have the place of one that was forgotten since. */
	for (uint32_t i = 0; i < top.used; i++) {
		uint32_t number = top_owners[i].key.process;

		top_owners[i].owner.process = number ? processes_find(processes, number) : NULL;
	}
	return top.used;
}

static void summarize_owners(const struct window *window, const struct processes *processes,
			     struct window_summary *summary)
{
	summary->owner_count =
		window_top_owners(&window->owners, processes, summary->owners, WINDOW_TOP);
	summary->owners_all = window->owners.used;
	for (unsigned i = 0; i < RST_DIRECTIONS; i++)
		summary->owners_unknown[i] = window->total[i] - window->owned[i];
}

static void summarize_peers(const struct window *window, const struct filter *filter,
			    struct window_summary *summary)
{
	struct top top = {
		.entries = (uint8_t *)summary->peers,
		.entry_size = sizeof(summary->peers[0]),
		.capacity = WINDOW_TOP,
		.order = window_order_peers,
	};

	for (uint32_t i = 0; i < window->peers.used; i++) {
		const struct window_peer *peer = table_entry(&window->peers, i);

		if (filter_peer_key(filter, &peer->key))
			top_offer(&top, peer);
	}
	top_sort(&top);
	summary->peer_count = top.used;
	summary->peer_error = window->peer_error;
}

static void summarize_namespaces(const struct window *window, const struct filter *filter,
				 struct window_summary *summary)
{
	struct top top = {
		.entries = (uint8_t *)summary->namespaces,
		.entry_size = sizeof(summary->namespaces[0]),
		.capacity = WINDOW_TOP,
		.order = order_namespaces,
	};

	for (uint32_t i = 0; i < window->namespaces.used; i++) {
		const struct window_netns *netns = table_entry(&window->namespaces, i);

		if (!filter_netns(filter, netns->netns))
			continue;
		summary->netns_all++;
		top_offer(&top, netns);
	}
	top_sort(&top);
	summary->netns_count = top.used;
}

void window_summarize(const struct window *window, const struct filter *filter,
		      const struct processes *processes, struct window_summary *summary)
{
	memset(summary, 0, sizeof(*summary));
	summary->start_ns = window->start_ns;
	summary->end_ns = window->end_ns;
	memcpy(summary->total, window->total, sizeof(summary->total));
	memcpy(summary->causes, window->causes, sizeof(summary->causes));
	memcpy(summary->reasons, window->reasons, sizeof(summary->reasons));
	summary->events = window->events;
	summary->outside = window->outside;
	summary->losses = window->losses;
	summary->distinct_peers = window_distinct(window, &summary->distinct_exact);
	summarize_ports(window, summary);
	summarize_owners(window, processes, summary);
	summarize_peers(window, filter, summary);
	summarize_namespaces(window, filter, summary);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "recent.h"

#include "units.h"

static void clear(struct recent_slice *slice)
{
	slice->end_ns = 0;
	slice->counts.used = 0;
	slice->peers.used = 0;
}

void recent_init(struct recent *recent, uint64_t seed)
{
	recent->current = 0;
	for (unsigned i = 0; i < RECENT_SLICES; i++) {
		struct recent_slice *slice = &recent->slices[i];

		slice->counts = (struct top){.entries = (uint8_t *)slice->count_entries,
					     .entry_size = sizeof(slice->count_entries[0]),
					     .capacity = RECENT_TOP,
					     .order = window_order_counts};
		slice->peers = (struct top){.entries = (uint8_t *)slice->peer_entries,
					    .entry_size = sizeof(slice->peer_entries[0]),
					    .capacity = RECENT_TOP,
					    .order = window_order_peers};
		clear(slice);
	}
	TABLE_INIT(recent, ports, struct window_service_key, seed);
	TABLE_INIT(recent, peers, struct rst_peer_key, seed);
	TABLE_INIT(recent, owners, struct window_owner_key, seed);
}

void recent_add_port(struct recent *recent, const struct record_port *port)
{
	struct window_count counted = {.key = port->key, .count = port->count};

	top_offer(&recent->slices[recent->current].counts, &counted);
}

void recent_add_peer(struct recent *recent, const struct record_peer *peer)
{
	struct window_peer counted = {.key = peer->key, .count = peer->count};

	top_offer(&recent->slices[recent->current].peers, &counted);
}

void recent_add_slice(struct recent *recent, const struct record_slice *slice,
		      const struct processes *processes, const struct listeners *listeners)
{
	struct recent_slice *current = &recent->slices[recent->current];

	current->end_ns = slice->end_ns;
	current->peer_error = slice->peer_error + slice->peers_full;
	for (uint32_t i = 0; i < current->counts.used; i++) {
		current->owners[i] = owner_of_key(processes, listeners,
						  &current->count_entries[i].key, slice->end_ns);
		current->owner_keys[i] = window_owner_key(&current->owners[i]);
	}
	recent->current = (recent->current + 1) % RECENT_SLICES;
	clear(&recent->slices[recent->current]);
}

static void explain_counts(struct recent *recent, const struct recent_slice *slice,
			   struct alert *alert)
{
	for (uint32_t i = 0; i < slice->counts.used; i++) {
		const struct window_count *counted = &slice->count_entries[i];
		struct window_service_key key = {.netns = counted->key.netns,
						 .port = counted->key.port,
						 .role = counted->key.role};
		struct window_port *port;

		if (counted->key.direction != alert->direction ||
		    (alert->netns && counted->key.netns != alert->netns))
			continue;
		alert->causes[window_cause(counted->key.cause)] += counted->count;
		if (alert->direction == RST_SENT)
			alert->reasons[window_reason(counted->key.reason)] += counted->count;
		port = table_add(&recent->ports, &key); /* room for all slices' entries */
		if (alert->direction == RST_SENT)
			port->sent += counted->count;
		else
			port->received += counted->count;
		port->causes[window_cause(counted->key.cause)] += counted->count;
		if (slice->owners[i].known_by != OWNER_UNKNOWN)
			window_add_owner(&recent->owners, slice->owner_keys[i], &slice->owners[i],
					 counted);
	}
}

static void explain_peers(struct recent *recent, const struct recent_slice *slice,
			  struct alert *alert)
{
	for (uint32_t i = 0; i < slice->peers.used; i++) {
		const struct window_peer *counted = &slice->peer_entries[i];
		struct window_peer *peer;

		if (counted->key.direction != alert->direction ||
		    (alert->netns && counted->key.netns != alert->netns))
			continue;
		peer = table_add(&recent->peers, &counted->key);
		peer->count += counted->count;
	}
	alert->peer_error += slice->peer_error;
}

void recent_explain(struct recent *recent, const struct processes *processes, struct alert *alert)
{
	struct top ports = {.entries = (uint8_t *)alert->ports,
			    .entry_size = sizeof(alert->ports[0]),
			    .capacity = ALERT_TOP,
			    .order = window_order_ports};
	struct top peers = {.entries = (uint8_t *)alert->peers,
			    .entry_size = sizeof(alert->peers[0]),
			    .capacity = ALERT_TOP,
			    .order = window_order_peers};
	uint64_t known = 0;

	table_clear(&recent->ports);
	table_clear(&recent->peers);
	table_clear(&recent->owners);
	for (unsigned i = 0; i < RECENT_SLICES; i++) {
		const struct recent_slice *slice = &recent->slices[i];

		if (!slice->end_ns || slice->end_ns + RATE_RECENT * SECOND_NS <= alert->time_ns)
			continue;
		explain_counts(recent, slice, alert);
		explain_peers(recent, slice, alert);
	}
	for (unsigned cause = 0; cause < RST_CAUSES; cause++)
		known += alert->causes[cause];
	if (alert->total < known)
		alert->total = known; /* a long slice: the rule took its last seconds only */
	for (uint32_t i = 0; i < recent->ports.used; i++)
		top_offer(&ports, table_entry(&recent->ports, i));
	for (uint32_t i = 0; i < recent->peers.used; i++)
		top_offer(&peers, table_entry(&recent->peers, i));
	top_sort(&ports);
	top_sort(&peers);
	alert->port_count = ports.used;
	alert->peer_count = peers.used;
	alert->owner_count =
		window_top_owners(&recent->owners, processes, alert->owners, ALERT_OWNERS);
}

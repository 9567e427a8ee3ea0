// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "listeners.h"

#include <stddef.h>
#include <string.h>

#include "address.h"

/* The link of one kind of list in the entry with this index plus one. */
typedef struct listener_link *(*link_of)(struct listeners *listeners, uint32_t at);

static struct listener_place *place_at(const struct listeners *listeners, uint32_t at)
{
	return table_entry(&listeners->places, at - 1);
}

static struct listener_socket *socket_at(const struct listeners *listeners, uint32_t at)
{
	return table_entry(&listeners->sockets, at - 1);
}

static struct listener_link *port_link(struct listeners *listeners, uint32_t at)
{
	return &place_at(listeners, at)->port;
}

static struct listener_link *idle_link(struct listeners *listeners, uint32_t at)
{
	return &place_at(listeners, at)->idle;
}

static struct listener_link *socket_link(struct listeners *listeners, uint32_t at)
{
	return &socket_at(listeners, at)->link;
}

/* Inserts an entry behind another, 0: in front. */
static void put(struct listeners *listeners, link_of link, uint32_t *first, uint32_t *last,
		uint32_t behind, uint32_t at)
{
	uint32_t *next = behind ? &link(listeners, behind)->next : first;
	struct listener_link *own = link(listeners, at);

	own->previous = behind;
	own->next = *next;
	*next = at;
	if (own->next)
		link(listeners, own->next)->previous = at;
	else
		*last = at;
}

static void take(struct listeners *listeners, link_of link, uint32_t *first, uint32_t *last,
		 uint32_t at)
{
	const struct listener_link own = *link(listeners, at);

	if (own.previous)
		link(listeners, own.previous)->next = own.next;
	else
		*first = own.next;
	if (own.next)
		link(listeners, own.next)->previous = own.previous;
	else
		*last = own.previous;
}

static uint32_t place_number(const struct listeners *listeners, const struct listener_place *place)
{
	return table_index(&listeners->places, place) + 1;
}

/* Records come nearly in the order of their times: the search ends soon. */
static void put_idle(struct listeners *listeners, struct listener_place *place)
{
	uint32_t behind = listeners->idle_last;

	while (behind &&
	       place_at(listeners, behind)->now.answer.stopped_ns > place->now.answer.stopped_ns)
		behind = place_at(listeners, behind)->idle.previous;
	put(listeners, idle_link, &listeners->idle_first, &listeners->idle_last, behind,
	    place_number(listeners, place));
}

static void take_idle(struct listeners *listeners, struct listener_place *place)
{
	take(listeners, idle_link, &listeners->idle_first, &listeners->idle_last,
	     place_number(listeners, place));
}

static struct listener_port *find_port(const struct listeners *listeners, uint32_t netns,
				       uint16_t port)
{
	const struct listener_port_key key = {.netns = netns, .port = port};

	return TABLE_FIND(&listeners->ports, &key);
}

static void leave_port(struct listeners *listeners, struct listener_place *place)
{
	struct listener_port *port = find_port(listeners, place->key.netns, place->key.port);
	uint32_t last;

	take(listeners, port_link, &port->places, &last, place_number(listeners, place));
	if (!port->places)
		table_remove(&listeners->ports, port);
}

/* A place that is not known yet. NULL if there is no room. It is in no list but that of its port:
 * the caller makes a listener there, or puts it among the idle. */
static struct listener_place *add_place(struct listeners *listeners, const struct listener_key *key)
{
	const struct listener_port_key port_key = {.netns = key->netns, .port = key->port};
	struct listener_place *place = table_add(&listeners->places, key);
	struct listener_port *port;
	uint32_t last;

	if (!place) {
		if (!listeners->idle_first)
			return NULL;
		place = place_at(listeners, listeners->idle_first);
		take_idle(listeners, place);
		leave_port(listeners, place);
		table_replace(&listeners->places, place, key);
	}
	/* There is room: no more ports than places. */
	port = table_add(&listeners->ports, &port_key);
	put(listeners, port_link, &port->places, &last, 0, place_number(listeners, place));
	return place;
}

static struct listener_key key_of(const struct rst_listener *change)
{
	static const uint8_t any[16];
	struct listener_key key = {.netns = change->netns, .port = change->port};

	memcpy(key.address, change->address, sizeof(key.address));
	key.dual = change->flags & RST_LISTENER_DUAL && !memcmp(key.address, any, sizeof(any));
	return key;
}

/* A change that comes late, of a time before the present period, is not remembered for itself. */
static void begin(struct listener_place *place, uint64_t from_ns,
		  const struct listener_answer *answer)
{
	if (place->now.known && from_ns > place->now.from_ns)
		place->before = place->now;
	place->now = (struct listener_period){.from_ns = from_ns, .known = true, .answer = *answer};
}

static void show_owner(struct listeners *listeners, struct listener_place *place, uint64_t time_ns)
{
	struct listener_answer answer = place->now.answer;
	uint32_t owner = 0;

	for (uint32_t at = place->sockets; at && !owner; at = socket_at(listeners, at)->link.next)
		owner = socket_at(listeners, at)->owner;
	if (!owner || owner == answer.owner)
		return;
	answer.owner = owner;
	if (place->now.answer.owner)
		begin(place, time_ns, &answer);
	else
		place->now.answer.owner = owner;
}

static void remove_socket(struct listeners *listeners, struct listener_socket *socket)
{
	struct listener_place *place = table_entry(&listeners->places, socket->place);
	uint32_t index = table_index(&listeners->sockets, socket), last;

	take(listeners, socket_link, &place->sockets, &last, index + 1);
	table_remove(&listeners->sockets, socket);
	if (index == listeners->sockets.used)
		return;
	/* Another one has moved here. */
	if (socket->link.previous) {
		socket_at(listeners, socket->link.previous)->link.next = index + 1;
	} else {
		place = table_entry(&listeners->places, socket->place);
		place->sockets = index + 1;
	}
	if (socket->link.next)
		socket_at(listeners, socket->link.next)->link.previous = index + 1;
}

static void stop(struct listener_answer *answer, const struct rst_listener *change)
{
	answer->listening = false;
	answer->stopped_ns = change->time_ns;
	answer->exited =
		change->change == RST_LISTENER_CLOSED && change->flags & RST_LISTENER_EXITING;
	answer->exit_status = answer->exited ? change->exit_status : 0;
}

/* change: its closing, or the opening of another under the same number, of which the closing was
 * missed. */
static void close_socket(struct listeners *listeners, struct listener_socket *socket,
			 const struct rst_listener *change)
{
	struct listener_place *place = table_entry(&listeners->places, socket->place);

	if (change->change == RST_LISTENER_CLOSED && change->owner && !socket->link.next &&
	    !socket->link.previous) {
		socket->owner = change->owner;
		show_owner(listeners, place, change->time_ns);
	}
	remove_socket(listeners, socket);
	if (place->sockets) {
		show_owner(listeners, place, change->time_ns);
		return;
	}
	stop(&place->now.answer, change);
	place->last_socket = change->socket;
	put_idle(listeners, place);
}

/* Somebody listened there, and that was not known. Worth knowing still, unless somebody else does,
 * or did later. */
static void close_unknown(struct listeners *listeners, const struct rst_listener *change)
{
	const struct listener_key key = key_of(change);
	struct listener_place *place = table_find(&listeners->places, &key);
	struct listener_answer answer = {.owner = change->owner};

	stop(&answer, change);
	if (!place) {
		place = add_place(listeners, &key);
		if (!place)
			return;
		begin(place, 0, &answer);
	} else {
		if (place->sockets || place->last_socket == change->socket ||
		    change->time_ns <= place->now.answer.stopped_ns)
			return;
		take_idle(listeners, place);
		answer.since_ns = change->time_ns; /* or before, but after the last one stopped */
		begin(place, change->time_ns, &answer);
	}
	place->last_socket = change->socket;
	put_idle(listeners, place);
}

/* Told of a socket that listens already, on the same place. */
static void open_again(struct listeners *listeners, struct listener_socket *socket,
		       const struct rst_listener *change)
{
	struct listener_place *place = table_entry(&listeners->places, socket->place);
	struct listener_answer answer = place->now.answer;

	if (change->owner)
		socket->owner = change->owner;
	if (change->change == RST_LISTENER_OPENED && !socket->link.previous && !socket->link.next) {
		/* It was found before its opening was told; or its closing was missed. */
		if (!place->now.from_ns)
			place->now.known = false;
		answer.since_ns = change->time_ns;
		answer.owner = socket->owner;
		begin(place, change->time_ns, &answer);
	}
	show_owner(listeners, place, change->time_ns);
}

static void open_new(struct listeners *listeners, const struct listener_key *key,
		     const struct rst_listener *change, bool reused)
{
	struct listener_place *place = table_find(&listeners->places, key);
	bool listening = place && place->sockets;
	struct listener_socket *socket;
	uint32_t last;

	/* It was found before it was closed, and that is told the other way round. */
	if (place && !listening && place->last_socket == change->socket &&
	    change->time_ns < place->now.answer.stopped_ns)
		return;
	if (listeners->sockets.used == listeners->sockets.capacity) {
		listeners->untracked++;
		return;
	}
	if (!place)
		place = add_place(listeners, key);
	else if (!listening)
		take_idle(listeners, place);
	if (!place) {
		listeners->untracked++;
		return;
	}
	if (!listening) {
		struct listener_answer answer = {.listening = true, .owner = change->owner};

		/* One that is found listened before the run, unless more is known. */
		if (change->change == RST_LISTENER_OPENED || place->now.known || reused)
			answer.since_ns = change->time_ns;
		begin(place, answer.since_ns, &answer);
	}
	socket = table_add(&listeners->sockets, &change->socket);
	socket->place = table_index(&listeners->places, place);
	socket->owner = change->owner;
	put(listeners, socket_link, &place->sockets, &last, 0,
	    table_index(&listeners->sockets, socket) + 1);
	show_owner(listeners, place, change->time_ns);
}

void listeners_init(struct listeners *listeners, uint64_t seed)
{
	listeners->untracked = 0;
	listeners->idle_first = listeners->idle_last = 0;
	TABLE_INIT(listeners, places, struct listener_key, seed);
	TABLE_INIT(listeners, sockets, uint64_t, seed);
	TABLE_INIT(listeners, ports, struct listener_port_key, seed);
}

void listeners_add(struct listeners *listeners, const struct rst_listener *change)
{
	struct listener_socket *socket = table_find(&listeners->sockets, &change->socket);
	const struct listener_key key = key_of(change);
	bool reused = false;

	switch (change->change) {
	case RST_LISTENER_CLOSED:
		if (socket)
			close_socket(listeners, socket, change);
		else
			close_unknown(listeners, change);
		return;
	case RST_LISTENER_OPENED:
	case RST_LISTENER_FOUND:
		break;
	default:
		return; /* of a later version */
	}
	if (socket) {
		const struct listener_place *place = table_entry(&listeners->places, socket->place);

		if (!memcmp(&place->key, &key, sizeof(key))) {
			open_again(listeners, socket, change);
			return;
		}
		close_socket(listeners, socket, change);
		reused = true;
	}
	open_new(listeners, &key, change, reused);
}

static bool recall(const struct listener_place *place, uint64_t time_ns,
		   struct listener_answer *answer)
{
	const struct listener_period *period =
		time_ns < place->now.from_ns ? &place->before : &place->now;

	if (!period->known || time_ns < period->from_ns)
		return false;
	*answer = period->answer;
	if (!answer->listening && time_ns < answer->stopped_ns)
		*answer = (struct listener_answer){.listening = true,
						   .owner = period->answer.owner,
						   .since_ns = period->answer.since_ns};
	return true;
}

static bool is_later(const struct listener_answer *a, const struct listener_answer *b)
{
	if (a->listening != b->listening)
		return a->listening;
	return a->listening ? a->since_ns > b->since_ns : a->stopped_ns > b->stopped_ns;
}

static bool find_any(const struct listeners *listeners, const struct listener_port *port,
		     uint64_t time_ns, struct listener_answer *answer)
{
	struct listener_answer found;
	bool any = false;

	for (uint32_t at = port->places; at; at = place_at(listeners, at)->port.next) {
		if (!recall(place_at(listeners, at), time_ns, &found))
			continue;
		if (!any || is_later(&found, answer))
			*answer = found;
		any = true;
	}
	return any;
}

static bool find_at(const struct listeners *listeners, const struct listener_port *port,
		    const uint8_t address[16], uint64_t time_ns, struct listener_answer *answer)
{
	const struct listener_key key = {.netns = port->key.netns, .port = port->key.port};
	struct listener_key keys[3] = {key, key, key};
	struct listener_answer found;
	bool any = false;

	keys[2].dual = 1;
	memcpy(keys[0].address, address, 16);
	if (address_is_ipv4(address))
		memcpy(keys[1].address, address, 12);
	for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const struct listener_place *place = TABLE_FIND(&listeners->places, &keys[i]);

		if (!place || !recall(place, time_ns, &found) ||
		    (any && (answer->listening || !is_later(&found, answer))))
			continue;
		*answer = found;
		any = true;
	}
	return any;
}

bool listeners_find(const struct listeners *listeners, uint32_t netns, const uint8_t address[16],
		    uint16_t port, uint64_t time_ns, struct listener_answer *answer)
{
	/* Of most ports that are asked for nothing is known: that is to be cheap. */
	const struct listener_port *known = find_port(listeners, netns, port);

	if (!known)
		return false;
	return address ? find_at(listeners, known, address, time_ns, answer)
		       : find_any(listeners, known, time_ns, answer);
}

uint16_t listeners_only_port(const struct listeners *listeners, uint32_t netns)
{
	uint16_t only = 0;

	for (uint32_t i = 0; i < listeners->places.used; i++) {
		const struct listener_place *place = &listeners->places_entries[i];

		if (!place->sockets || place->key.netns != netns || place->key.port == only)
			continue;
		if (only)
			return 0;
		only = place->key.port;
	}
	return only;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The answer does not get out of this host. */
#include "synflood.h"

#include "units.h"

#define LEAST	 10 /* handshakes a second */
#define DOUBT_NS (SECOND_NS * 2)
/* Of the usual. The last look may have come but a quarter of a second after they stopped. */
#define GOES_ON 0.9
#define RISE_NS (SECOND_NS / 4) /* before the score is no noise */

static void tell(struct detect_world *world, const struct halfopen_port *port, double now)
{
	struct book_key key = synflood_key(port->key.netns, port->key.port, SYNFLOOD_PATH_LOSS);
	struct incident *incident = book_open(world->book, &key, ALERT_INFO, world->now_ns);

	if (!incident)
		return;
	synflood_tell_owner(incident, world, port->owner);
	book_word(incident, "kind", "outbound_path_loss");
	book_fact(incident, "half_open", port->half_open);
	book_fact(incident, "stale", port->stale);
	book_fact(incident, "completed_per_second_before", port->usual);
	book_fact(incident, "completed_per_second", now);
	incident->total = port->stale;
}

/* SYN-ACKs sent again for the first time, a second, since they became more. */
static double rate_of(const struct halfopen_port *port, uint64_t now_ns)
{
	uint64_t since_ns = now_ns - port->run_ns + RISE_NS;
	double seconds = since_ns / 1e9;

	return halfopen_rate(port) / (seconds < 1 ? seconds : 1);
}

/* Handshakes have stopped while there is room for more, and about as many SYN-ACKs are sent again
 * as there were handshakes: then it is our answers that are lost. That takes two slices to be seen.
 * One in which clients pause, or this machine, looks the same. */
bool synflood_is_path_loss(struct detect_world *world, const struct handshakes *handshakes,
			   struct halfopen_port *port)
{
	double now = handshakes ? handshakes_now(handshakes) : 0;
	double rate = rate_of(port, world->now_ns);
	struct book_key key = synflood_key(port->key.netns, port->key.port, SYNFLOOD_PATH_LOSS);

	if (!handshakes || port->saturated)
		return false;
	if (!port->usual) {
		port->usual = handshakes_before(handshakes);
		port->doubt_ns = world->now_ns;
	}
	if (port->usual < LEAST || now >= port->usual * GOES_ON || rate > port->usual * 1.5 + 5 ||
	    (rate < port->usual * 0.4 && !book_find(world->book, &key))) {
		port->usual = 0;
		return false;
	}
	if (handshakes_last(handshakes) < port->usual * 0.2) {
		tell(world, port, now);
		return true;
	}
	return world->now_ns - port->doubt_ns < DOUBT_NS;
}

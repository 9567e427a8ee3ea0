// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "probes.h"

#include "units.h"

#define SLOW_NS	   (30 * SECOND_NS) /* from port to port: a scan that takes its time */
#define WAIT_NS	   (1800 * SECOND_NS)
#define SAID_PORTS 8

static void note_pace(struct incident *incident, const struct source *source)
{
	uint64_t took_ns = source->last_ns - source->first_ns, gap_ns, until_ns;
	uint32_t ports = source_ports(source);
	double seconds = (double)took_ns / SECOND_NS;

	book_fact(incident, "duration_seconds", seconds);
	book_fact(incident, "ports_per_second", ports / (seconds > 1 ? seconds : 1));
	if (source_places(source) > 1)
		book_fact(incident, "local_addresses", source_places(source));
	if (ports < 2)
		return;
	/* A slow one is not over as soon as it is quiet for as long as others are. */
	gap_ns = took_ns / (ports - 1);
	until_ns = source->last_ns + (2 * gap_ns < WAIT_NS ? 2 * gap_ns : WAIT_NS);
	if (gap_ns >= SLOW_NS && until_ns > incident->last_ns)
		incident->last_ns = until_ns;
}

void probes_note(struct incident *incident, const struct source *source, uint16_t port, bool frozen)
{
	if (!incident->total) {
		incident->first_ns = source->first_ns;
		incident->total = source_first_contacts(source) - 1;
		incident->peers_all = 1;
		for (unsigned i = 0; i < source->port_count; i++)
			book_add_port(&incident->touched, source->ports[i]);
		for (unsigned i = 0; i < source->port_count; i++)
			if (source->open >> i & 1)
				probes_note_open(incident, source->ports[i], true);
	}
	incident->total++;
	incident->touched.all = source_ports(source);
	book_add_port(&incident->touched, port);
	book_add_peer(incident, source->key.peer, 1);
	if (frozen)
		book_word(incident, "source_table", "frozen");
	note_pace(incident, source);
}

void probes_note_open(struct incident *incident, uint16_t port, bool first)
{
	unsigned noted = incident->open.count;

	book_add_port(&incident->open, port);
	if (first || incident->open.count > noted)
		incident->open.all++;
}

void probes_add_ports(struct sentence *sentence, const struct alert_ports *ports)
{
	unsigned said = ports->count < SAID_PORTS ? ports->count : SAID_PORTS;

	for (unsigned i = 0; i < said; i++) {
		sentence_add(sentence, i ? ", " : "");
		sentence_add_number(sentence, ports->ports[i]);
	}
	if (ports->all > said) {
		sentence_add(sentence, " and ");
		sentence_add_number(sentence, ports->all - said);
		sentence_add(sentence, " more");
	}
}

void probes_add(struct sentence *sentence, const struct incident *incident)
{
	double seconds = book_find_fact(incident, "duration_seconds");
	double places = book_find_fact(incident, "local_addresses");

	sentence_add_count(sentence, incident->touched.all, " port");
	if (places > 1) {
		sentence_add(sentence, " at ");
		sentence_add_number(sentence, (uint64_t)places);
		sentence_add(sentence, " of its addresses");
	}
	sentence_add(sentence, " in ");
	sentence_add_duration_ns(sentence, (uint64_t)(seconds * SECOND_NS));
	sentence_add(sentence, " (");
	probes_add_ports(sentence, &incident->touched);
	sentence_add(sentence, ")");
}

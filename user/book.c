// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "book.h"

#include <string.h>

#include "units.h"

#define REMEMBER_NS (30 * 60 * SECOND_NS) /* a cleared incident, by its number */
#define STRETCH_MAX 4			  /* the quiet time doubles so often */

void book_init(struct book *book, book_tell tell, void *context, uint64_t seed)
{
	book->tell = tell;
	book->context = context;
	TABLE_INIT(book, incidents, struct book_key, seed);
}

struct incident *book_find(struct book *book, const struct book_key *key)
{
	struct incident *incident = TABLE_FIND(&book->incidents, key);

	return incident && incident->open_now ? incident : NULL;
}

/* Room for one more: in place of the one that has been cleared for the longest time. */
static struct incident *make(struct book *book, const struct book_key *key)
{
	struct incident *made = table_add(&book->incidents, key), *oldest = NULL;

	for (uint32_t i = 0; !made && i < book->incidents.used; i++) {
		struct incident *incident = table_entry(&book->incidents, i);

		if (!incident->open_now && (!oldest || incident->cleared_ns < oldest->cleared_ns))
			oldest = incident;
	}
	if (!made && oldest) {
		table_replace(&book->incidents, oldest, key);
		made = oldest;
	}
	return made;
}

/* Evidence of the last time is not evidence of this one; what ties the two together is. */
static void begin(struct incident *incident, enum alert_severity severity, uint64_t time_ns)
{
	struct incident begun = {.key = incident->key,
				 .number = incident->number,
				 .episodes = incident->episodes,
				 .opened_as = severity,
				 .open_now = true,
				 .first_ns = time_ns,
				 .last_ns = time_ns};

	*incident = begun;
}

struct incident *book_open(struct book *book, const struct book_key *key,
			   enum alert_severity severity, uint64_t time_ns)
{
	struct incident *incident = TABLE_FIND(&book->incidents, key);

	if (!incident || !incident->open_now) {
		bool room = book->open[key->kind][severity] < BOOK_OPEN;

		if (room && !incident)
			incident = make(book, key);
		if (!room || !incident) {
			book->folded[key->kind]++;
			book->folded_all++;
			return NULL;
		}
		begin(incident, severity, time_ns);
		book->open[key->kind][severity]++;
	}
	if (severity > incident->severity)
		incident->severity = severity;
	if (incident->told < incident->severity)
		book->fresh = true;
	/* Evidence can come late, and of what is over by then. */
	if (time_ns > incident->last_ns) {
		incident->last_ns = time_ns;
		incident->over = false;
	}
	return incident;
}

void book_end(struct incident *incident, uint64_t time_ns)
{
	if (time_ns > incident->last_ns)
		incident->last_ns = time_ns;
	incident->over = true;
}

/* One word, and with it what had no room since the last word of that kind. */
static void tell(struct book *book, struct incident *incident, enum alert_status status,
		 uint64_t now_ns)
{
	uint64_t *folded = &book->folded[incident->key.kind];
	bool told = *folded && incident->fact_count < ALERT_FACTS;

	if (told)
		incident->facts[incident->fact_count++] =
			(struct alert_fact){"folded", (double)*folded};
	incident->told = incident->severity;
	incident->told_ns = incident->last_ns;
	book->tell(book->context, incident, status, now_ns);
	if (told) {
		incident->fact_count--;
		*folded = 0;
	}
}

static void raise(struct book *book, struct incident *incident, uint64_t now_ns)
{
	unsigned stretch = incident->episodes < STRETCH_MAX ? incident->episodes : STRETCH_MAX;

	incident->quiet_ns = book->quiet_ns[incident->key.kind] << stretch;
	incident->episodes++;
	incident->raised_ns = now_ns;
	incident->updates = 0;
	tell(book, incident, ALERT_RAISED, now_ns);
}

static void tell_fresh(struct book *book, struct incident *incident, uint64_t now_ns)
{
	if (!incident->open_now || incident->told >= incident->severity)
		return;
	if (incident->told)
		tell(book, incident, ALERT_UPDATED, now_ns);
	else
		raise(book, incident, now_ns);
}

void book_flush(struct book *book, uint64_t now_ns)
{
	if (!book->fresh)
		return;
	book->fresh = false;
	for (uint32_t i = 0; i < book->incidents.used; i++)
		tell_fresh(book, table_entry(&book->incidents, i), now_ns);
}

/* One that has come back before is over only once it has been quiet. */
static bool is_over(const struct incident *incident, uint64_t now_ns)
{
	if (incident->over && incident->episodes == 1)
		return true;
	return now_ns >= incident->last_ns && now_ns - incident->last_ns >= incident->quiet_ns;
}

static void step(struct book *book, struct incident *incident, uint64_t now_ns)
{
	/* Events of the next slice can stand before the end of this one. */
	uint64_t age_ns = now_ns > incident->raised_ns ? now_ns - incident->raised_ns : 0;

	if (is_over(incident, now_ns)) {
		incident->open_now = false;
		incident->cleared_ns = now_ns;
		book->open[incident->key.kind][incident->opened_as]--;
		tell(book, incident, ALERT_CLEARED, now_ns);
		return;
	}
	if (age_ns < alert_update_after_ns(incident->updates))
		return;
	do
		incident->updates++;
	while (age_ns >= alert_update_after_ns(incident->updates));
	/* Without evidence since the last word there is nothing to say. */
	if (incident->last_ns > incident->told_ns)
		tell(book, incident, ALERT_UPDATED, now_ns);
}

void book_step(struct book *book, uint64_t now_ns)
{
	uint32_t i = 0;

	book->fresh = true; /* a detector may have made one more severe by itself */
	book_flush(book, now_ns);
	while (i < book->incidents.used) {
		struct incident *incident = table_entry(&book->incidents, i);

		if (incident->open_now)
			step(book, incident, now_ns);
		if (!incident->open_now && now_ns - incident->cleared_ns >= REMEMBER_NS)
			table_remove(&book->incidents, incident); /* another one is at i now */
		else
			i++;
	}
}

/* NULL if there is no room for it. */
static struct alert_fact *find_fact(struct incident *incident, const char *name)
{
	unsigned i = 0;

	/* Mostly it is the very same literal. */
	while (i < incident->fact_count && incident->facts[i].name != name)
		i++;
	if (i < incident->fact_count)
		return &incident->facts[i];
	for (i = 0; i < incident->fact_count && strcmp(incident->facts[i].name, name);)
		i++;
	if (i == ALERT_FACTS)
		return NULL;
	if (i == incident->fact_count)
		incident->facts[incident->fact_count++] = (struct alert_fact){name, 0};
	return &incident->facts[i];
}

void book_fact(struct incident *incident, const char *name, double value)
{
	struct alert_fact *fact = find_fact(incident, name);

	if (fact)
		fact->value = value;
}

void book_add_fact(struct incident *incident, const char *name, double more)
{
	struct alert_fact *fact = find_fact(incident, name);

	if (fact)
		fact->value += more;
}

void book_word(struct incident *incident, const char *name, const char *value)
{
	unsigned i = 0;

	while (i < incident->word_count && strcmp(incident->words[i].name, name))
		i++;
	if (i == ALERT_WORDS)
		return;
	incident->words[i] = (struct alert_word){name, value};
	if (i == incident->word_count)
		incident->word_count++;
}

double book_find_fact(const struct incident *incident, const char *name)
{
	for (unsigned i = 0; i < incident->fact_count; i++)
		if (!strcmp(incident->facts[i].name, name))
			return incident->facts[i].value;
	return 0;
}

bool book_add_peer(struct incident *incident, const uint8_t address[16], uint64_t count)
{
	struct book_peer *least = &incident->peers[0];

	for (unsigned i = 0; i < incident->peer_count; i++) {
		struct book_peer *peer = &incident->peers[i];

		if (!memcmp(peer->address, address, sizeof(peer->address))) {
			peer->count += count;
			return false;
		}
		if (peer->count < least->count)
			least = peer;
	}
	if (incident->peer_count < ALERT_TOP) {
		least = &incident->peers[incident->peer_count++];
		least->count = 0;
	}
	/* What it replaces may have been this one: its count is an upper bound. */
	memcpy(least->address, address, sizeof(least->address));
	least->count += count;
	return true;
}

void book_count_peer(struct incident *incident, const uint8_t address[16], uint64_t count)
{
	incident->peers_all += book_add_peer(incident, address, count);
	incident->peers_estimated = incident->peers_all > ALERT_TOP;
}

const struct book_peer *book_main_peer(const struct incident *incident)
{
	const struct book_peer *main = &incident->peers[0];

	for (unsigned i = 1; i < incident->peer_count; i++)
		if (incident->peers[i].count > main->count)
			main = &incident->peers[i];
	return incident->peer_count ? main : NULL;
}

bool book_add_port(struct alert_ports *ports, uint16_t port)
{
	for (unsigned i = 0; i < ports->count; i++)
		if (ports->ports[i] == port)
			return false;
	if (ports->count < ALERT_PORTS)
		ports->ports[ports->count++] = port;
	return true;
}

/* Into their order, the largest first. */
static void add_peer(struct alert *alert, const struct book_peer *peer)
{
	unsigned at = alert->peer_count++;

	for (; at && alert->peers[at - 1].count < peer->count; at--)
		alert->peers[at] = alert->peers[at - 1];
	alert->peers[at] =
		(struct window_peer){.key = {.netns = alert->netns}, .count = peer->count};
	memcpy(alert->peers[at].key.address, peer->address, sizeof(peer->address));
}

static bool is_any(const uint8_t address[16])
{
	static const uint8_t any[16];

	return !memcmp(address, any, sizeof(any));
}

void book_alert(const struct incident *incident, enum alert_status status, uint64_t now_ns,
		struct alert *alert)
{
	const struct book_key *key = &incident->key;

	memset(alert, 0, sizeof(*alert));
	alert->detected = true;
	alert->number = incident->number;
	alert->kind = key->kind;
	alert->status = status;
	alert->severity = incident->severity;
	alert->netns = key->netns;
	alert->time_ns = now_ns;
	alert->first_seen_ns = incident->first_ns;
	alert->ended = incident->over;
	if (key->role == RST_ROLE_CLIENT) {
		alert->peer_port = key->port;
	} else {
		alert->has_local = key->port || !is_any(key->local);
		alert->local_port = key->port;
	}
	memcpy(alert->local, key->local, sizeof(alert->local));
	alert->total = incident->total;
	alert->owner = incident->owner;
	alert->owner.process = NULL;
	alert->proof = incident->proof;
	alert->peers_all = incident->peers_all;
	alert->peers_estimated = incident->peers_estimated;
	for (unsigned i = 0; i < incident->peer_count; i++)
		add_peer(alert, &incident->peers[i]);
	alert->touched = incident->touched;
	alert->open = incident->open;
	memcpy(alert->facts, incident->facts, sizeof(alert->facts));
	alert->fact_count = incident->fact_count;
	memcpy(alert->words, incident->words, sizeof(alert->words));
	alert->word_count = incident->word_count;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit.h"

#include "book.h"

#define WORDS	 4096
#define QUIET_NS (60 * SECOND_NS)
#define START_NS (1000 * SECOND_NS)

/* A word that the book said. */
struct word {
	struct incident incident; /* as it was then */
	enum alert_status status;
	uint64_t now_ns;
};

struct shelf {
	struct book book;
	uint64_t number;
	unsigned told;
	struct word words[WORDS];
};

static void keep(void *context, struct incident *incident, enum alert_status status,
		 uint64_t now_ns)
{
	struct shelf *shelf = context;

	if (!incident->number)
		incident->number = ++shelf->number;
	assert_true(shelf->told < WORDS);
	shelf->words[shelf->told++] =
		(struct word){.incident = *incident, .status = status, .now_ns = now_ns};
}

static int setup(void **state)
{
	struct shelf *shelf = unit_zeroed(sizeof(*shelf));

	book_init(&shelf->book, keep, shelf, 42);
	for (unsigned kind = 0; kind < ALERT_KINDS; kind++)
		shelf->book.quiet_ns[kind] = QUIET_NS;
	*state = shelf;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static struct book_key key_of(unsigned kind, unsigned port)
{
	return (struct book_key){.netns = 7, .port = port, .kind = kind};
}

/* So many seconds from the start. */
static uint64_t at(unsigned seconds)
{
	return START_NS + seconds * SECOND_NS;
}

static struct incident *see(struct shelf *shelf, unsigned port, enum alert_severity severity,
			    uint64_t time_ns)
{
	struct book_key key = key_of(ALERT_PORT_SCAN, port);
	struct incident *incident = book_open(&shelf->book, &key, severity, time_ns);

	book_flush(&shelf->book, time_ns);
	return incident;
}

static const struct word *last(const struct shelf *shelf)
{
	assert_true(shelf->told);
	return &shelf->words[shelf->told - 1];
}

static unsigned count(const struct shelf *shelf, enum alert_status status)
{
	unsigned found = 0;

	for (unsigned i = 0; i < shelf->told; i++)
		found += shelf->words[i].status == status;
	return found;
}

static void assert_told(const struct shelf *shelf, unsigned told, enum alert_status status,
			uint64_t now_ns)
{
	assert_int_equal(shelf->told, told);
	assert_int_equal(last(shelf)->status, status);
	assert_int_equal(last(shelf)->now_ns, now_ns);
}

static void is_raised_at_once(void **state)
{
	struct shelf *shelf = *state;
	struct book_key key = key_of(ALERT_PORT_SCAN, 80), other = key_of(ALERT_PORT_SCAN, 81);
	struct incident *incident = book_open(&shelf->book, &key, ALERT_INFO, at(1));

	assert_non_null(incident);
	assert_int_equal(shelf->told, 0); /* the evidence is not written yet */
	incident->total = 5;
	book_flush(&shelf->book, at(1));
	assert_told(shelf, 1, ALERT_RAISED, at(1));
	assert_int_equal(last(shelf)->incident.total, 5);
	assert_int_equal(last(shelf)->incident.number, 1);
	assert_ptr_equal(book_find(&shelf->book, &key), incident);
	assert_null(book_find(&shelf->book, &other));
	book_flush(&shelf->book, at(1));
	book_step(&shelf->book, at(2));
	assert_int_equal(shelf->told, 1);
}

/* What is opened is told with the step if nobody flushes. */
static void step_raises_what_is_left(void **state)
{
	struct shelf *shelf = *state;
	struct book_key key = key_of(ALERT_PORT_SCAN, 80);

	assert_non_null(book_open(&shelf->book, &key, ALERT_INFO, at(1)));
	book_step(&shelf->book, at(2));
	assert_told(shelf, 1, ALERT_RAISED, at(2));
}

static void severity_only_rises(void **state)
{
	struct shelf *shelf = *state;

	see(shelf, 80, ALERT_INFO, at(1));
	see(shelf, 80, ALERT_CRITICAL, at(2));
	assert_told(shelf, 2, ALERT_UPDATED, at(2));
	assert_int_equal(last(shelf)->incident.severity, ALERT_CRITICAL);
	see(shelf, 80, ALERT_WARNING, at(3));
	see(shelf, 80, ALERT_CRITICAL, at(4));
	book_step(&shelf->book, at(5));
	assert_int_equal(shelf->told, 2);
	assert_int_equal(see(shelf, 80, ALERT_INFO, at(6))->severity, ALERT_CRITICAL);
}

/* Two steps up in one event are one word. */
static void severity_rises_once_a_flush(void **state)
{
	struct shelf *shelf = *state;
	struct book_key key = key_of(ALERT_PORT_SCAN, 80);

	see(shelf, 80, ALERT_INFO, at(1));
	book_open(&shelf->book, &key, ALERT_WARNING, at(2));
	book_open(&shelf->book, &key, ALERT_CRITICAL, at(2));
	book_flush(&shelf->book, at(2));
	assert_told(shelf, 2, ALERT_UPDATED, at(2));
}

/* A detector that sets it by itself is heard with the next step. */
static void severity_set_by_hand(void **state)
{
	struct shelf *shelf = *state;

	see(shelf, 80, ALERT_INFO, at(1))->severity = ALERT_WARNING;
	book_step(&shelf->book, at(2));
	assert_told(shelf, 2, ALERT_UPDATED, at(2));
	assert_int_equal(last(shelf)->incident.severity, ALERT_WARNING);
}

static void updates_after_1_5_30_minutes(void **state)
{
	static const unsigned due[] = {60, 300, 1800, 3600, 7200};
	struct shelf *shelf = *state;
	unsigned told = 1;

	see(shelf, 80, ALERT_INFO, at(0));
	for (unsigned second = 1; second <= 7300; second++) {
		see(shelf, 80, ALERT_INFO, at(second));
		book_step(&shelf->book, at(second));
		if (told <= COUNT_OF(due) && second == due[told - 1])
			told++;
		assert_int_equal(shelf->told, told);
	}
	assert_int_equal(told, 1 + COUNT_OF(due));
	assert_int_equal(count(shelf, ALERT_UPDATED), COUNT_OF(due));
}

/* An update that has nothing new to say is left out, and not made up for. */
static void update_without_evidence_is_not_told(void **state)
{
	struct shelf *shelf = *state;

	shelf->book.quiet_ns[ALERT_PORT_SCAN] = 600 * SECOND_NS;
	see(shelf, 80, ALERT_INFO, at(0));
	for (unsigned second = 1; second < 120; second++)
		book_step(&shelf->book, at(second));
	assert_int_equal(shelf->told, 1);
	see(shelf, 80, ALERT_INFO, at(120));
	for (unsigned second = 120; second < 300; second++)
		book_step(&shelf->book, at(second));
	assert_int_equal(shelf->told, 1);
	book_step(&shelf->book, at(300));
	assert_told(shelf, 2, ALERT_UPDATED, at(300));
}

/* A slice that lasted for an hour is one update. */
static void long_slice_is_one_update(void **state)
{
	struct shelf *shelf = *state;

	see(shelf, 80, ALERT_INFO, at(0));
	see(shelf, 80, ALERT_INFO, at(3599));
	book_step(&shelf->book, at(3600));
	assert_told(shelf, 2, ALERT_UPDATED, at(3600));
	see(shelf, 80, ALERT_INFO, at(3601));
	book_step(&shelf->book, at(3601));
	assert_int_equal(shelf->told, 2);
}

static void is_cleared_when_quiet(void **state)
{
	struct shelf *shelf = *state;
	struct book_key key = key_of(ALERT_PORT_SCAN, 80);

	see(shelf, 80, ALERT_INFO, at(0));
	see(shelf, 80, ALERT_INFO, at(10));
	book_step(&shelf->book, at(69));
	assert_int_equal(count(shelf, ALERT_CLEARED), 0);
	book_step(&shelf->book, at(70));
	assert_int_equal(last(shelf)->status, ALERT_CLEARED);
	assert_false(last(shelf)->incident.over);
	assert_null(book_find(&shelf->book, &key));
}

static void what_is_over_is_cleared_at_once(void **state)
{
	struct shelf *shelf = *state;

	book_end(see(shelf, 80, ALERT_INFO, at(0)), at(5));
	book_step(&shelf->book, at(6));
	assert_told(shelf, 2, ALERT_CLEARED, at(6));
	assert_true(last(shelf)->incident.over);
	/* It has come back: now it has to be quiet, for twice as long. */
	book_end(see(shelf, 80, ALERT_INFO, at(10)), at(15));
	book_step(&shelf->book, at(16));
	book_step(&shelf->book, at(134));
	assert_int_equal(count(shelf, ALERT_CLEARED), 1);
	book_step(&shelf->book, at(135));
	assert_int_equal(count(shelf, ALERT_CLEARED), 2);
}

/* Evidence from before the end, which comes late, does not open it again; newer does. */
static void late_evidence_of_what_is_over(void **state)
{
	struct shelf *shelf = *state;
	struct incident *incident = see(shelf, 80, ALERT_INFO, at(0));

	book_end(incident, at(5));
	see(shelf, 80, ALERT_INFO, at(4));
	assert_true(incident->over);
	assert_int_equal(incident->last_ns, at(5));
	see(shelf, 80, ALERT_INFO, at(6));
	assert_false(incident->over);
	book_step(&shelf->book, at(7));
	assert_int_equal(count(shelf, ALERT_CLEARED), 0);
}

static void comes_back_under_its_number(void **state)
{
	struct shelf *shelf = *state;
	struct incident *incident = see(shelf, 80, ALERT_CRITICAL, at(0));

	incident->total = 99;
	book_fact(incident, "rate", 1);
	see(shelf, 81, ALERT_INFO, at(0));
	book_step(&shelf->book, at(60));
	assert_int_equal(count(shelf, ALERT_CLEARED), 2);
	incident = see(shelf, 80, ALERT_INFO, at(60 + 1799));
	assert_int_equal(last(shelf)->status, ALERT_RAISED);
	assert_int_equal(last(shelf)->incident.number, 1);
	assert_int_equal(incident->first_ns, at(60 + 1799));
	/* Evidence of the first time is not evidence of this one. */
	assert_int_equal(incident->total, 0);
	assert_int_equal(incident->fact_count, 0);
	assert_int_equal(incident->severity, ALERT_INFO);
}

static void is_forgotten_after_half_an_hour(void **state)
{
	struct shelf *shelf = *state;

	see(shelf, 80, ALERT_INFO, at(0));
	book_step(&shelf->book, at(60));
	book_step(&shelf->book, at(60 + 1800));
	assert_int_equal(shelf->book.incidents.used, 0);
	see(shelf, 80, ALERT_INFO, at(60 + 1801));
	assert_int_equal(last(shelf)->incident.number, 2);
}

static void quiet_time_doubles(void **state)
{
	static const unsigned expected[] = {60, 120, 240, 480, 960, 960, 960};
	struct shelf *shelf = *state;
	unsigned now = 0;

	for (unsigned i = 0; i < COUNT_OF(expected); i++) {
		see(shelf, 80, ALERT_INFO, at(now));
		book_step(&shelf->book, at(now + expected[i] - 1));
		assert_int_equal(count(shelf, ALERT_CLEARED), i);
		now += expected[i];
		book_step(&shelf->book, at(now));
		assert_int_equal(count(shelf, ALERT_CLEARED), i + 1);
		now++;
	}
	assert_int_equal(shelf->number, 1);
}

static double fact(const struct incident *incident, const char *name)
{
	for (unsigned i = 0; i < incident->fact_count; i++)
		if (!strcmp(incident->facts[i].name, name))
			return incident->facts[i].value;
	return -1;
}

/* Twenty of a kind and a severity; the rest is counted, and told once. */
static void what_has_no_room_is_counted(void **state)
{
	struct shelf *shelf = *state;
	struct book_key other = key_of(ALERT_STEALTH_SCAN, 1);

	for (unsigned port = 1; port <= BOOK_OPEN; port++)
		assert_non_null(see(shelf, port, ALERT_INFO, at(0)));
	for (unsigned i = 0; i < 7; i++)
		assert_null(see(shelf, 100 + i, ALERT_INFO, at(1)));
	assert_int_equal(shelf->told, BOOK_OPEN);
	assert_int_equal(shelf->book.folded[ALERT_PORT_SCAN], 7);
	assert_int_equal(shelf->book.folded_all, 7);
	/* Of another kind there is room, and it has nothing to say of these. */
	assert_non_null(book_open(&shelf->book, &other, ALERT_INFO, at(1)));
	book_flush(&shelf->book, at(1));
	assert_int_equal(last(shelf)->incident.key.kind, ALERT_STEALTH_SCAN);
	assert_true(fact(&last(shelf)->incident, "folded") < 0);
	/* What is open takes more, and tells of the others with its next word. */
	see(shelf, 3, ALERT_WARNING, at(2));
	assert_int_equal((int)fact(&last(shelf)->incident, "folded"), 7);
	assert_int_equal(shelf->book.folded[ALERT_PORT_SCAN], 0);
	assert_int_equal(shelf->book.folded_all, 7);
	see(shelf, 3, ALERT_CRITICAL, at(3));
	assert_true(fact(&last(shelf)->incident, "folded") < 0);
}

/* One whose facts are full cannot tell of them: the next one does. */
static void folded_waits_for_room(void **state)
{
	static const char *const names[ALERT_FACTS] = {"a", "b", "c", "d", "e", "f",
						       "g", "h", "i", "j", "k", "l"};
	struct shelf *shelf = *state;
	struct incident *full = NULL;

	for (unsigned port = 1; port <= BOOK_OPEN; port++)
		full = see(shelf, port, ALERT_INFO, at(0));
	for (unsigned i = 0; i < ALERT_FACTS; i++)
		book_fact(full, names[i], i);
	assert_null(see(shelf, 100, ALERT_INFO, at(1)));
	see(shelf, BOOK_OPEN, ALERT_WARNING, at(2));
	assert_int_equal(last(shelf)->incident.fact_count, ALERT_FACTS);
	assert_int_equal(shelf->book.folded[ALERT_PORT_SCAN], 1);
	see(shelf, 1, ALERT_WARNING, at(2));
	assert_int_equal((int)fact(&last(shelf)->incident, "folded"), 1);
}

/* Who forges many small ones does not hide a grave one. */
static void grave_ones_have_their_own_room(void **state)
{
	struct shelf *shelf = *state;

	for (unsigned port = 1; port <= 2 * BOOK_OPEN; port++)
		see(shelf, port, ALERT_INFO, at(0));
	assert_int_equal(shelf->told, BOOK_OPEN);
	assert_non_null(see(shelf, 1000, ALERT_CRITICAL, at(1)));
	assert_int_equal(last(shelf)->incident.key.port, 1000);
	/* One that was folded has room once it is grave. */
	assert_non_null(see(shelf, 2 * BOOK_OPEN, ALERT_WARNING, at(1)));
	/* All is let go of as it was opened, and there is room again. */
	see(shelf, 1, ALERT_CRITICAL, at(2));
	book_step(&shelf->book, at(62));
	for (unsigned severity = 0; severity <= ALERT_CRITICAL; severity++)
		assert_int_equal(shelf->book.open[ALERT_PORT_SCAN][severity], 0);
	for (unsigned port = 2001; port <= 2000 + BOOK_OPEN; port++)
		assert_non_null(see(shelf, port, ALERT_INFO, at(63)));
	assert_null(see(shelf, 3000, ALERT_INFO, at(63)));
}

/* The cleared ones that the book remembers give way, the oldest first. */
static void remembered_ones_give_way(void **state)
{
	struct shelf *shelf = *state;
	unsigned port = 1, second = 0;

	shelf->book.quiet_ns[ALERT_PORT_SCAN] = SECOND_NS;
	for (; port <= BOOK_INCIDENTS; second++) {
		for (unsigned i = 0; i < 16; i++)
			assert_non_null(see(shelf, port++, ALERT_INFO, at(second)));
		book_step(&shelf->book, at(second + 1));
	}
	assert_int_equal(shelf->book.incidents.used, BOOK_INCIDENTS);
	assert_non_null(see(shelf, port, ALERT_INFO, at(second)));
	assert_int_equal(shelf->book.incidents.used, BOOK_INCIDENTS);
	assert_int_equal(shelf->book.folded_all, 0);
	see(shelf, BOOK_INCIDENTS, ALERT_INFO, at(second));
	assert_int_equal(last(shelf)->incident.number, BOOK_INCIDENTS);
	see(shelf, 1, ALERT_INFO, at(second)); /* its number was forgotten */
	assert_int_equal(last(shelf)->incident.number, BOOK_INCIDENTS + 2);
}

/* Events of the next slice can stand in front of the end of this one. */
static void evidence_from_behind_the_slice(void **state)
{
	struct shelf *shelf = *state;

	see(shelf, 80, ALERT_INFO, at(1) + 5);
	book_step(&shelf->book, at(1));
	assert_int_equal(shelf->told, 1);
	for (unsigned second = 2; second <= 62; second++) {
		see(shelf, 80, ALERT_INFO, at(second));
		book_step(&shelf->book, at(second));
	}
	assert_told(shelf, 2, ALERT_UPDATED, at(62));
}

static void facts_and_words_are_set(void **state)
{
	struct incident incident = {.fact_count = 0};

	(void)state;
	book_fact(&incident, "rate", 1);
	book_fact(&incident, "resets", 2);
	book_fact(&incident, "rate", 3);
	assert_int_equal(incident.fact_count, 2);
	assert_int_equal((int)fact(&incident, "rate"), 3);
	book_add_fact(&incident, "rate", 4);
	book_add_fact(&incident, "new", 5);
	assert_int_equal((int)fact(&incident, "rate"), 7);
	assert_int_equal((int)fact(&incident, "new"), 5);
	book_word(&incident, "type", "blind");
	book_word(&incident, "type", "forged");
	assert_int_equal(incident.word_count, 1);
	assert_string_equal(incident.words[0].value, "forged");
}

static void peers_that_come_most_often_are_kept(void **state)
{
	struct incident incident = {.peer_count = 0};
	uint8_t address[16];
	bool found = false;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		unit_ipv4(address, 0x0a000000 + i % 100);
		book_add_peer(&incident, address, 1);
		unit_ipv4(address, 0xc0a80001);
		book_add_peer(&incident, address, 2);
	}
	assert_int_equal(incident.peer_count, ALERT_TOP);
	for (unsigned i = 0; i < ALERT_TOP; i++)
		if (!memcmp(incident.peers[i].address, address, 16)) {
			found = true;
			assert_int_equal(incident.peers[i].count, 2000);
		}
	assert_true(found);
}

static void peers_are_counted(void **state)
{
	struct incident incident = {.peer_count = 0};
	uint8_t address[16];

	(void)state;
	assert_null(book_main_peer(&incident));
	for (unsigned i = 1; i <= ALERT_TOP; i++) {
		unit_ipv4(address, i);
		book_count_peer(&incident, address, i == 3 ? 100 : i);
		book_count_peer(&incident, address, 1);
	}
	assert_int_equal(incident.peers_all, ALERT_TOP);
	assert_false(incident.peers_estimated);
	unit_ipv4(address, 3);
	assert_memory_equal(book_main_peer(&incident)->address, address, 16);
	unit_ipv4(address, 99);
	book_count_peer(&incident, address, 1);
	assert_int_equal(incident.peers_all, ALERT_TOP + 1);
	assert_true(incident.peers_estimated);
}

static void ports_are_noted_once(void **state)
{
	struct alert_ports ports = {.all = 0};

	(void)state;
	for (unsigned port = 1; port <= ALERT_PORTS; port++)
		assert_true(book_add_port(&ports, port));
	assert_false(book_add_port(&ports, 3));
	assert_true(book_add_port(&ports, 500)); /* not noted, for want of room */
	assert_int_equal(ports.count, ALERT_PORTS);
}

static void alert_of_an_incident(void **state)
{
	struct shelf *shelf = *state;
	struct incident *incident = see(shelf, 80, ALERT_WARNING, at(1));
	struct alert alert;
	uint8_t address[16];

	incident->total = 12;
	incident->proof = ALERT_PROOF_HANDSHAKE;
	incident->peers_all = 3;
	unit_ipv4(address, 0x0a000007);
	book_add_peer(incident, address, 12);
	book_fact(incident, "rate", 4);
	book_word(incident, "type", "forged");
	book_alert(incident, ALERT_UPDATED, at(9), &alert);
	assert_true(alert.detected);
	assert_int_equal(alert.kind, ALERT_PORT_SCAN);
	assert_int_equal(alert.status, ALERT_UPDATED);
	assert_int_equal(alert.severity, ALERT_WARNING);
	assert_int_equal(alert.netns, 7);
	assert_int_equal(alert.time_ns, at(9));
	assert_int_equal(alert.first_seen_ns, at(1));
	assert_true(alert.has_local);
	assert_int_equal(alert.local_port, 80);
	assert_int_equal(alert.peer_port, 0);
	assert_int_equal(alert.total, 12);
	assert_int_equal(alert.peers_all, 3);
	assert_int_equal(alert.peer_count, 1);
	assert_memory_equal(alert.peers[0].key.address, address, 16);
	assert_int_equal(alert.peers[0].count, 12);
	assert_int_equal(alert.proof, ALERT_PROOF_HANDSHAKE);
	assert_string_equal(alert.facts[0].name, "rate");
	assert_string_equal(alert.words[0].value, "forged");
	/* Where we are the client, the port is the peer's. */
	incident->key.role = RST_ROLE_CLIENT;
	book_alert(incident, ALERT_UPDATED, at(9), &alert);
	assert_false(alert.has_local);
	assert_int_equal(alert.local_port, 0);
	assert_int_equal(alert.peer_port, 80);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(is_raised_at_once),
		TEST(step_raises_what_is_left),
		TEST(severity_only_rises),
		TEST(severity_rises_once_a_flush),
		TEST(severity_set_by_hand),
		TEST(updates_after_1_5_30_minutes),
		TEST(update_without_evidence_is_not_told),
		TEST(long_slice_is_one_update),
		TEST(is_cleared_when_quiet),
		TEST(what_is_over_is_cleared_at_once),
		TEST(late_evidence_of_what_is_over),
		TEST(comes_back_under_its_number),
		TEST(is_forgotten_after_half_an_hour),
		TEST(quiet_time_doubles),
		TEST(what_has_no_room_is_counted),
		TEST(folded_waits_for_room),
		TEST(grave_ones_have_their_own_room),
		TEST(remembered_ones_give_way),
		TEST(evidence_from_behind_the_slice),
		TEST(facts_and_words_are_set),
		TEST(peers_that_come_most_often_are_kept),
		TEST(peers_are_counted),
		TEST(ports_are_noted_once),
		TEST(alert_of_an_incident),
	};

	return cmocka_run_group_tests_name("book", tests, NULL, NULL);
}

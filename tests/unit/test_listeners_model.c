// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Listeners under random changes, against models that are too simple to be wrong, or fast. */
#include "listening.h"

/*
 * The naive model: for each place all that ever happened there, played back up to the time that is
 * asked about. A socket that moves without a closing is closed first; what is found, or closed
 * unseen, was there from the start.
 */

#define PLACES	 3
#define SOCKETS	 6
#define HAPPENED 400

enum happening { OPENS, OWNS, CLOSES };

struct happened {
	uint64_t time_ns, since_ns, socket;
	enum happening what;
	uint32_t owner, exit_status;
	bool exited;
};

struct model_place {
	unsigned count;
	struct happened log[HAPPENED];
	uint64_t last_socket;
};

struct model {
	struct model_place places[PLACES];
	int where[SOCKETS]; /* -1: it does not listen */
	uint64_t now_ns;
};

struct played {
	bool known;
	struct listener_answer answer;
	unsigned sockets, periods;
};

static struct played play(const struct model_place *place, uint64_t time_ns)
{
	uint64_t socket[SOCKETS];
	uint32_t owner[SOCKETS];
	struct played played = {.sockets = 0};

	for (unsigned i = 0; i < place->count; i++) {
		const struct happened *happened = &place->log[i];
		struct listener_answer *answer = &played.answer;
		uint32_t before = answer->owner;
		unsigned at = 0;

		if (happened->time_ns > time_ns)
			continue;
		while (at < played.sockets && socket[at] != happened->socket)
			at++;
		if (happened->what == OPENS) {
			assert_int_equal(at, played.sockets);
			if (!played.sockets) {
				*answer = (struct listener_answer){.listening = true,
								   .since_ns = happened->since_ns};
				before = happened->owner;
				played.periods++;
			}
			played.known = true;
			socket[at] = happened->socket;
			played.sockets++;
		}
		if (happened->owner && (happened->what != CLOSES || played.sockets == 1))
			owner[at] = happened->owner;
		answer->owner = owner[played.sockets - 1];
		if (happened->what == CLOSES) {
			played.sockets--;
			memmove(socket + at, socket + at + 1,
				(played.sockets - at) * sizeof(*socket));
			memmove(owner + at, owner + at + 1, (played.sockets - at) * sizeof(*owner));
			if (played.sockets) {
				answer->owner = owner[played.sockets - 1];
			} else {
				answer->listening = false;
				answer->stopped_ns = happened->time_ns;
				answer->exited = happened->exited;
				answer->exit_status = happened->exited ? happened->exit_status : 0;
			}
		}
		played.periods += answer->owner != before;
	}
	return played;
}

static void happen(struct model *model, unsigned place, enum happening what, uint64_t time_ns,
		   uint64_t since_ns, const struct rst_listener *change)
{
	struct model_place *at = &model->places[place];

	assert_true(at->count < HAPPENED);
	at->log[at->count++] = (struct happened){
		.time_ns = time_ns,
		.since_ns = since_ns,
		.socket = change->socket,
		.what = what,
		.owner =
			what == CLOSES && change->change != RST_LISTENER_CLOSED ? 0 : change->owner,
		.exited = change->change == RST_LISTENER_CLOSED &&
			  change->flags & RST_LISTENER_EXITING,
		.exit_status = change->exit_status};
	if (what == CLOSES)
		at->last_socket = change->socket;
}

/* False: leave this change out, its outcome is the business of another test. */
static bool model_add(struct model *model, unsigned place, const struct rst_listener *change)
{
	const struct played now = play(&model->places[place], change->time_ns);
	int was = model->where[change->socket];
	bool found = change->change == RST_LISTENER_FOUND && !now.known && was < 0;

	if (change->change == RST_LISTENER_CLOSED && was >= 0) {
		happen(model, was, CLOSES, change->time_ns, 0, change);
		model->where[change->socket] = -1;
		return true;
	}
	if (change->change == RST_LISTENER_CLOSED) {
		if (now.sockets ||
		    (now.known && model->places[place].last_socket == change->socket))
			return true;
		happen(model, place, OPENS, now.known ? change->time_ns : 0,
		       now.known ? change->time_ns : 0, change);
		happen(model, place, CLOSES, change->time_ns, 0, change);
		return true;
	}
	if (was == (int)place) {
		if (change->change == RST_LISTENER_OPENED)
			return false;
		happen(model, place, OWNS, change->time_ns, 0, change);
		return true;
	}
	if (was >= 0)
		happen(model, was, CLOSES, change->time_ns, 0, change);
	happen(model, place, OPENS, found ? 0 : change->time_ns, found ? 0 : change->time_ns,
	       change);
	model->where[change->socket] = place;
	return true;
}

static void compare(const struct listeners *listeners, const struct model *model, uint64_t time_ns)
{
	for (unsigned place = 0; place < PLACES; place++) {
		const struct played then = play(&model->places[place], time_ns),
				    now = play(&model->places[place], EVER);
		struct listener_answer answer;
		bool known = ask(listeners, HOST + place, time_ns, &answer);

		assert_int_equal(known, then.known && now.periods - then.periods < 2);
		if (!known)
			continue;
		assert_int_equal(answer.listening, then.answer.listening);
		assert_int_equal(answer.owner, then.answer.owner);
		assert_int_equal(answer.since_ns, then.answer.since_ns);
		assert_int_equal(answer.stopped_ns, then.answer.stopped_ns);
		assert_int_equal(answer.exited, then.answer.exited);
		assert_int_equal(answer.exit_status, then.answer.exit_status);
	}
}

static void agrees_with_a_naive_model(void **state)
{
	struct listeners *listeners = unit_zeroed(sizeof(*listeners));
	struct model *model = unit_zeroed(sizeof(*model));
	uint64_t random = 3;

	(void)state;
	for (unsigned run = 0; run < 300; run++) {
		memset(model, 0, sizeof(*model));
		memset(model->where, 0xff, sizeof(model->where));
		listeners_init(listeners, run);
		for (unsigned i = 0; i < 80; i++) {
			unsigned place = unit_random(&random) % PLACES;
			struct rst_listener change = change_of(
				1 + unit_random(&random) % 3, unit_random(&random) % SOCKETS,
				HOST + place, 1 + unit_random(&random) % 3,
				model->now_ns += 1 + unit_random(&random) % 3);

			change.flags = unit_random(&random) & RST_LISTENER_EXITING;
			change.exit_status = unit_random(&random) % 3;
			if (change.change == RST_LISTENER_CLOSED && unit_random(&random) % 2)
				change.owner = 0;
			if (change.change == RST_LISTENER_CLOSED && !change.owner &&
			    model->where[change.socket] < 0)
				change.owner = 9;
			if (!model_add(model, place, &change))
				continue;
			listeners_add(listeners, &change);
			for (uint64_t back = 0; back < 12; back++)
				compare(listeners, model,
					model->now_ns - (back < model->now_ns ? back : 0));
		}
		assert_int_equal(listeners->untracked, 0);
	}
	free(listeners);
	free(model);
}

/* The bounds: more addresses than there is room for, one socket each, on a few ports. */
#define ADDRESSES 12000

struct crowd {
	bool known[ADDRESSES], listens[ADDRESSES];
	uint64_t stopped_ns[ADDRESSES];
	unsigned count;
};

static bool crowd_add(struct crowd *crowd, unsigned at)
{
	int first = -1;

	if (crowd->known[at])
		return true;
	for (int i = 0; crowd->count == LISTENERS && i < ADDRESSES; i++)
		if (crowd->known[i] && !crowd->listens[i] &&
		    (first < 0 || crowd->stopped_ns[i] < crowd->stopped_ns[first]))
			first = i;
	if (crowd->count == LISTENERS && first < 0)
		return false;
	if (first >= 0)
		crowd->known[first] = false;
	else
		crowd->count++;
	return crowd->known[at] = true;
}

static void forgets_who_stopped_first(void **state)
{
	struct listeners *listeners = open_listeners();
	struct crowd *crowd = unit_zeroed(sizeof(*crowd));
	uint64_t random = 4, untracked = 0;

	(void)state;
	for (unsigned i = 1; i <= 60000; i++) {
		unsigned at = unit_random(&random) % ADDRESSES;
		/* now and then nearly all of them listen */
		bool opens = unit_random(&random) % 16 < (i / 10000 % 2 ? 15 : 8);
		struct rst_listener change =
			change_of(opens ? RST_LISTENER_OPENED : RST_LISTENER_CLOSED, at, HOST + at,
				  at + 1, 16 * i - unit_random(&random) % 64 * (i > 4));

		change.port = at % 5;
		if (opens == crowd->listens[at] || (!opens && !crowd->known[at]) ||
		    (opens && crowd->known[at] && change.time_ns <= crowd->stopped_ns[at]))
			continue;
		listeners_add(listeners, &change);
		if (opens && !crowd_add(crowd, at)) {
			untracked++;
		} else {
			crowd->listens[at] = opens;
			if (!opens)
				crowd->stopped_ns[at] = change.time_ns;
		}
		assert_int_equal(listeners->untracked, untracked);
		assert_int_equal(listeners->places.used, crowd->count);
		for (unsigned j = 0; !(i % 3000) && j < ADDRESSES; j++) {
			struct listener_answer answer;
			uint8_t address[16];
			bool known;

			unit_ipv4(address, HOST + j);
			known = listeners_find(listeners, NETNS, address, j % 5, EVER, &answer);
			assert_int_equal(known, crowd->known[j]);
			if (!known)
				continue;
			assert_int_equal(answer.listening, crowd->listens[j]);
			assert_int_equal(answer.owner, j + 1);
		}
	}
	assert_true(untracked > 100);
	/* Any address of a port, by looking at all of them. */
	for (unsigned port = 0; port < 5; port++) {
		uint64_t latest = 0;
		struct listener_answer answer, best;

		for (unsigned j = port; j < ADDRESSES; j += 5) {
			uint8_t address[16];

			unit_ipv4(address, HOST + j);
			if (!listeners_find(listeners, NETNS, address, port, EVER, &answer) ||
			    !answer.listening || answer.since_ns < latest)
				continue;
			latest = answer.since_ns;
			best = answer;
		}
		assert_true(listeners_find(listeners, NETNS, NULL, port, EVER, &answer));
		assert_int_equal(answer.since_ns, best.since_ns);
	}
	free(listeners);
	free(crowd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_a_naive_model),
		cmocka_unit_test(forgets_who_stopped_first),
	};

	return cmocka_run_group_tests_name("listeners_model", tests, NULL, NULL);
}

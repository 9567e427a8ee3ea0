// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "walks.h"

#include <time.h>

#include "hooks.h"
#include "settings.h"
#include "units.h"

#define WALK_NS	    (SECOND_NS / 100) /* of a second, at most, for walks of the processes */
#define TURNS_NEW   5		      /* in which they are walked after one has come */
#define TURNS_QUIET 10		      /* between walks, if none has */

static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * SECOND_NS + now.tv_nsec;
}

/* The sockets that there are: whose they are, and which of them listen. */
static int walk_sockets(struct walks *walks)
{
	walks->ownerless = walks->control->ownerless;
	return seed_sockets(walks->seed, walks->listener, walks->context);
}

/*
 * Whose credentials are whose: some change unseen where commit_creds() cannot be hooked, and the
 * kernel side forgets those that nobody has asked for. A walk of some hundred processes takes a
 * tenth of a millisecond; one that takes longer is made as much more rarely.
 */
static int walk_processes(struct walks *walks)
{
	uint64_t begun_ns = clock_ns();
	int error = seed_processes(walks->seed);

	walks->due = TURNS_QUIET;
	walks->rest = (clock_ns() - begun_ns) / WALK_NS;
	return error;
}

/* Programs change their credentials soon after they start, if they do: so in each turn for a while
 * if there are new ones, and now and then if there are none. */
static int turn_processes(struct walks *walks)
{
	if (!walks->told || walks->control->born) {
		walks->control->born = 0;
		walks->changing = TURNS_NEW;
	}
	if (walks->due)
		walks->due--;
	if (walks->rest) {
		walks->rest--;
		return 0;
	}
	if (!walks->changing && walks->due)
		return 0;
	if (walks->changing)
		walks->changing--;
	return walk_processes(walks);
}

int walks_begin(struct walks *walks, const struct hooks *hooks,
		volatile struct rst_control *control, seed_listener listener, void *context)
{
	int error;

	*walks = (struct walks){.seed = hooks->seed,
				.control = control,
				.told = hooks->hooks[HOOK_FORK].state == HOOK_ATTACHED &&
					hooks->hooks[HOOK_EXEC].state == HOOK_ATTACHED,
				.changing = TURNS_NEW,
				.listener = listener,
				.context = context};
	if (!walks->seed)
		return 0;
	error = walk_processes(walks);
	return error ? error : walk_sockets(walks);
}

int walks_turn(struct walks *walks, bool missed)
{
	int error;

	if (!walks->seed)
		return 0;
	error = turn_processes(walks);
	/* A process has ended that listened, and its sockets may live on in others; or the kernel
	 * has skipped hooks. */
	if (!error && (missed || walks->control->ownerless != walks->ownerless))
		error = walk_sockets(walks);
	return error;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "acceptqueue.h"

#include <string.h>

#include "summary.h"
#include "settings.h"
#include "units.h"

#define WINDOW_NS	 (10 * SECOND_NS)
#define CALM_NS		 (10 * SECOND_NS) /* without drops, until it is over */
#define WATCH_NS	 (10 * SECOND_NS)
#define CRITICAL_LOOKS	 3
#define CRITICAL_WINDOWS 3
#define STUCK_NS	 (2 * SECOND_NS) /* without an accept() that was seen */

static void init(void *state, uint64_t seed)
{
	struct acceptqueue *acceptqueue = state;

	TABLE_INIT(acceptqueue, sockets, uint64_t, seed);
}

static struct acceptqueue_socket *make(struct acceptqueue *acceptqueue, uint64_t number)
{
	struct acceptqueue_socket *socket = table_add(&acceptqueue->sockets, &number);

	if (!socket) {
		socket = table_entry(&acceptqueue->sockets, acceptqueue->next);
		table_replace(&acceptqueue->sockets, socket, &number);
		acceptqueue->next = (acceptqueue->next + 1) % ACCEPTQUEUE_SOCKETS;
	}
	return socket;
}

static struct book_key key_of(const struct acceptqueue_socket *socket)
{
	return (struct book_key){
		.netns = socket->netns, .port = socket->port, .kind = ALERT_ACCEPT_QUEUE_FULL};
}

/* The kernel refuses when more than backlog wait; a look may come just after one was accepted. */
static bool is_full(const struct acceptqueue_socket *socket)
{
	return socket->queue && socket->queue * 10ULL >= socket->backlog * 9ULL;
}

static bool is_half(const struct acceptqueue_socket *socket)
{
	return socket->queue && socket->queue * 2ULL >= socket->backlog;
}

/* Accepted since the last look: what was completed and does not wait. As long as the completed ones
 * are not counted it may have been anything. */
static void note_accepts(struct acceptqueue_socket *socket, const struct rst_listening *now,
			 bool counting, double seconds)
{
	int64_t longer = (int64_t)now->accept_queue - socket->queue;
	int64_t accepted = (int64_t)(now->completed - socket->completed) - longer;

	socket->accepts = !counting ? -1 : accepted > 0 ? (double)accepted / seconds : 0;
	if (!counting || longer < 0 || accepted > 0)
		socket->idle_ns = now->time_ns;
}

static void tell(struct acceptqueue_socket *socket, struct detect_world *world, uint32_t drops,
		 double seconds)
{
	struct book_key key = key_of(socket);
	bool critical = socket->full_looks >= CRITICAL_LOOKS || socket->windows >= CRITICAL_WINDOWS;
	uint64_t idle_ns = world->now_ns - socket->idle_ns;
	struct incident *incident = book_open(
		world->book, &key, critical ? ALERT_CRITICAL : ALERT_WARNING, world->now_ns);

	if (!incident)
		return;
	if (socket->owner) {
		incident->owner = (struct owner){.known_by = OWNER_LISTENER};
		incident->owner_process = socket->owner;
	}
	incident->total += drops;
	book_fact(incident, "accept_queue", socket->queue);
	book_fact(incident, "backlog", socket->backlog);
	book_fact(incident, "drops", incident->total);
	book_fact(incident, "drops_per_second", drops / seconds);
	if (socket->accepts >= 0) {
		book_fact(incident, "accepts_per_second", socket->accepts);
		book_fact(incident, "seconds_since_accept", (double)idle_ns / SECOND_NS);
	}
	book_word(incident, "program",
		  idle_ns >= STUCK_NS	? "stuck"
		  : socket->accepts > 0 ? "slow"
					: "unknown");
}

/* A full queue that drops, or one that had done so and is still full. */
static void judge(struct acceptqueue_socket *socket, struct detect_world *world, uint32_t drops,
		  double seconds)
{
	if (socket->open ? !is_full(socket) && !(drops && is_half(socket))
			 : !is_full(socket) || !drops)
		return;
	if (drops) {
		uint64_t window = world->now_ns / WINDOW_NS;

		if (!socket->windows || window != socket->window)
			socket->windows++;
		socket->window = window;
		socket->drops_ns = world->now_ns;
	}
	socket->open = true;
	socket->full_looks = is_full(socket) ? socket->full_looks + 1 : 0;
	tell(socket, world, drops, seconds);
}

static void listening(void *state, struct detect_world *world, const struct rst_listening *now)
{
	struct acceptqueue *acceptqueue = state;
	struct acceptqueue_socket *socket = make(acceptqueue, now->socket);
	uint32_t drops = socket->compared ? now->drops - socket->drops : 0; /* modulo 2^32 */
	double seconds = socket->looked_ns && now->time_ns > socket->looked_ns
				 ? (double)(now->time_ns - socket->looked_ns) / SECOND_NS
				 : 1;

	note_accepts(socket, now, acceptqueue->counting && socket->looked_ns, seconds);
	socket->compared = socket->told = true;
	socket->netns = now->netns;
	socket->port = now->port;
	if (now->owner)
		socket->owner = now->owner;
	socket->queue = now->accept_queue;
	socket->backlog = now->backlog;
	socket->drops = now->drops;
	socket->completed = now->completed;
	socket->looked_ns = now->time_ns;
	judge(socket, world, drops, seconds);
	if (is_half(socket))
		acceptqueue->watch_until_ns = now->time_ns + WATCH_NS;
}

/* Another socket of that port goes on (SO_REUSEPORT). */
static bool is_shared(const struct acceptqueue *acceptqueue,
		      const struct acceptqueue_socket *socket)
{
	for (uint32_t i = 0; i < acceptqueue->sockets.used; i++) {
		const struct acceptqueue_socket *other = &acceptqueue->sockets_entries[i];

		if (other != socket && other->open && other->netns == socket->netns &&
		    other->port == socket->port)
			return true;
	}
	return false;
}

static void close(const struct acceptqueue *acceptqueue, struct acceptqueue_socket *socket,
		  struct detect_world *world)
{
	struct book_key key = key_of(socket);
	struct incident *incident = book_find(world->book, &key);

	if (incident && !is_shared(acceptqueue, socket))
		book_end(incident, incident->last_ns);
	socket->open = false;
	socket->windows = socket->full_looks = 0;
}

static void listener(void *state, struct detect_world *world, const struct rst_listener *change)
{
	struct acceptqueue *acceptqueue = state;
	struct acceptqueue_socket *socket = table_find(&acceptqueue->sockets, &change->socket);

	if (socket && change->change != RST_LISTENER_FOUND) {
		if (socket->open)
			close(acceptqueue, socket, world);
		table_remove(&acceptqueue->sockets, socket);
	}
	if (change->change != RST_LISTENER_OPENED ||
	    acceptqueue->sockets.used == ACCEPTQUEUE_SOCKETS)
		return;
	socket = make(acceptqueue, change->socket);
	*socket =
		(struct acceptqueue_socket){.socket = change->socket,
					    .netns = change->netns,
					    .port = change->port,
					    .owner = change->owner,
					    .compared = true, /* it has not dropped anything yet */
					    .looked_ns = change->time_ns,
					    .idle_ns = change->time_ns,
					    .accepts = -1};
}

static void step_socket(const struct acceptqueue *acceptqueue, struct acceptqueue_socket *socket,
			struct detect_world *world)
{
	if (!socket->told) { /* unchanged, and nothing waits */
		socket->queue = 0;
		socket->looked_ns = socket->idle_ns = world->now_ns;
	}
	socket->told = false;
	if (socket->open && !is_half(socket) && world->now_ns - socket->drops_ns >= CALM_NS)
		close(acceptqueue, socket, world);
}

static void step(void *state, struct detect_world *world, uint64_t start_ns, uint64_t end_ns)
{
	struct acceptqueue *acceptqueue = state;

	(void)start_ns;
	for (uint32_t i = 0; i < acceptqueue->sockets.used; i++)
		step_socket(acceptqueue, &acceptqueue->sockets_entries[i], world);
	acceptqueue->counting = end_ns < acceptqueue->watch_until_ns;
	if (acceptqueue->counting)
		world->watch |= RST_WATCH_OPENS;
}

/* --- in words --- */

static bool is_stuck(const struct incident *incident)
{
	return !strcmp(summary_word(incident, "program"), "stuck");
}

static void add_accepts(struct sentence *sentence, const struct incident *incident)
{
	double accepts = book_find_fact(incident, "accepts_per_second");

	if (is_stuck(incident)) {
		sentence_add(sentence, "; nothing was accepted for ");
		sentence_add_decimal(sentence, book_find_fact(incident, "seconds_since_accept"));
		sentence_add(sentence, " s: the program is stuck");
	} else if (accepts > 0) {
		sentence_add(sentence, "; it accepts ");
		sentence_add_decimal(sentence, accepts);
		sentence_add(sentence, " a second");
	}
}

static void describe(const struct incident *incident, struct alert *alert)
{
	struct sentence sentence = {.text = alert->summary, .size = sizeof(alert->summary)};
	double backlog = book_find_fact(incident, "backlog");
	double drops = book_find_fact(incident, "drops_per_second");
	uint64_t waiting = book_find_fact(incident, "accept_queue");
	bool cleared = alert->status == ALERT_CLEARED;

	sentence_add(&sentence, "The accept queue of port ");
	sentence_add_number(&sentence, alert->local_port);
	if (alert->owner.process) {
		sentence_add(&sentence, " of ");
		sentence_add_owner(&sentence, &alert->owner);
	}
	sentence_add(&sentence, cleared ? " was full for " : " is full: ");
	if (cleared) {
		sentence_add_duration_ns(&sentence, incident->last_ns - incident->first_ns);
		sentence_add(&sentence, ": the kernel has dropped ");
		sentence_add_count(&sentence, incident->total, " segment");
		sentence_add(&sentence, " of clients");
	} else {
		sentence_add_count(&sentence, waiting, " connection");
		sentence_add(&sentence, waiting == 1 ? " waits, " : " wait, ");
		sentence_add(&sentence, "with a backlog of ");
		sentence_add_number(&sentence, (uint64_t)backlog);
		if (drops > 0) {
			sentence_add(&sentence, "; the kernel drops ");
			summary_add_rate(&sentence, drops, " segment");
			sentence_add(&sentence, " of clients, ");
			sentence_add_number(&sentence, incident->total);
		} else {
			sentence_add(&sentence, "; the kernel has dropped ");
			sentence_add_count(&sentence, incident->total, " segment");
			sentence_add(&sentence, " of clients");
		}
		sentence_add(&sentence, " so far (clients try again)");
		add_accepts(&sentence, incident);
	}
	if (is_stuck(incident))
		alert->advice = "The program does not accept: dump its stacks (gdb -p, "
				"/proc/PID/stack), see whether it is stopped, blocked or out of "
				"file descriptors.";
	else if (backlog <= 16)
		alert->advice = "The backlog is small: raise it in the program's listen() or its "
				"configuration.";
	else if (backlog == 128 || backlog == 4096)
		alert->advice = "Give the program more workers. Its backlog equals the default of "
				"net.core.somaxconn, which may cut it: raise both if its bursts "
				"are larger.";
	else
		alert->advice = "Connections come faster than the program accepts them: give it "
				"more workers, or a larger backlog if it is but a burst.";
}

const struct detector acceptqueue_detector = {
	.kind = ALERT_ACCEPT_QUEUE_FULL,
	.quiet_s = 60,
	.init = init,
	.listener = listener,
	.listening = listening,
	.step = step,
	.describe = describe,
};

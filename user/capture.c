// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "capture.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "counters.h"
#include "hooks.h"
#include "identity.h"
#include "namespaces.h"
#include "peers.h"
#include "rings.h"
#include "rstwatch.skel.h"
#include "seed.h"
#include "units.h"
#include "walks.h"

#define POLL_EVENTS  65536 /* events delivered before other work gets a turn */
#define MISSED_EVERY 10	   /* turns in which nothing was counted, until hooks are asked */
#define SOCKET_BYTES 16	   /* of a socket: bpf/maps.h */

struct capture {
	struct hooks hooks;
	struct rstwatch *skeleton; /* that of the hooks */
	struct namespaces *namespaces;
	struct identity *identity;
	struct rings rings;
	uint32_t quiet; /* turns in a row in which nothing was counted */
	struct walks walks;
	bool told_full, told_lost, told_listening;
	struct peers peers;
	uint32_t watch; /* what was last asked for: capture_watch() */
	struct counters *counters;
	uint32_t cpus;
	uint32_t slice;
	uint64_t start_ns, slice_start_ns;
	record_handler handler;
	void *context;
};

static bool verbose;

static int print_libbpf(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	return verbose ? vfprintf(stderr, format, arguments) : 0;
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * SECOND_NS + now.tv_nsec;
}

__attribute__((format(printf, 3, 4))) static int fail(char error[CAPTURE_ERROR_BYTES], int code,
						      const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error, CAPTURE_ERROR_BYTES, format, arguments);
	va_end(arguments);
	return code;
}

static volatile struct rst_control *control(const struct capture *capture)
{
	return &capture->skeleton->data_control->rst_control;
}

static int deliver(struct capture *capture, const struct record *record)
{
	return capture->handler(capture->context, record);
}

/* Who a record is about to speak of. */
static int deliver_who(struct capture *capture, uint32_t owner, uint32_t netns)
{
	int error = identity_process(capture->identity, owner, capture->handler, capture->context);

	if (!error)
		error = identity_netns(capture->identity, netns, capture->handler,
				       capture->context);
	return error;
}

/* What is said of a port must be what held when the reset came, so the changes that came before it
 * go first. */
static int deliver_before_event(struct capture *capture, const struct rst_event *event)
{
	int error = event->owner ? 0 : rings_take_changes(&capture->rings);

	return error ? error : deliver_who(capture, event->owner, event->netns);
}

/* Every record goes out here, and in front of it what it needs. Signature of record_handler. */
static int forward(void *context, const struct record *record)
{
	struct capture *capture = context;
	int error = 0;

	switch (record->kind) {
	case RECORD_EVENT:
		error = deliver_before_event(capture,
					     &((const struct record_event *)record)->event);
		break;
	case RECORD_PORT: {
		const struct rst_port_key *key = &((const struct record_port *)record)->key;

		namespaces_mark(capture->namespaces, key->netns);
		error = deliver_who(capture, key->owner, key->netns);
		break;
	}
	case RECORD_SIGNAL: {
		const struct rst_signal *signal = &((const struct record_signal *)record)->signal;

		if (signal->kind == RST_SIGNAL_RETRANSMIT)
			namespaces_listens(capture->namespaces, signal->netns, true);
		error = deliver_who(capture, signal->owner, signal->netns);
		break;
	}
	case RECORD_LISTENER: {
		const struct rst_listener *listener =
			&((const struct record_listener *)record)->listener;

		if (listener->change != RST_LISTENER_CLOSED)
			namespaces_listens(capture->namespaces, listener->netns, false);
		error = deliver_who(capture, listener->owner, 0);
		break;
	}
	case RECORD_LISTENING: {
		const struct rst_listening *listening =
			&((const struct record_listening *)record)->listening;

		namespaces_listens(capture->namespaces, listening->netns, true);
		error = deliver_who(capture, listening->owner, listening->netns);
		break;
	}
	}
	return error ? error : deliver(capture, record);
}

static int deliver_listener(void *context, const struct rst_listener *listener)
{
	struct record_listener record = {.head = RECORD_HEAD(record_listener, RECORD_LISTENER),
					 .listener = *listener};

	return forward(context, &record.head);
}

static int deliver_listening(void *context, const struct rst_listening *listening)
{
	struct record_listening record = {.head = RECORD_HEAD(record_listening, RECORD_LISTENING),
					  .listening = *listening};

	return forward(context, &record.head);
}

static int map_memory(struct capture *capture, char error[CAPTURE_ERROR_BYTES])
{
	struct rstwatch *skeleton = capture->skeleton;
	int code = counters_open(&capture->counters, skeleton, capture->cpus);

	if (code)
		return fail(error, code, "cannot map the counters: %s", strerror(-code));
	code = rings_open(&capture->rings, skeleton, forward, capture);
	if (code)
		return fail(error, code, "cannot map the ring buffers: %s", strerror(-code));
	code = identity_open(&capture->identity, bpf_map__fd(skeleton->maps.rst_processes));
	if (code)
		return fail(error, code, "cannot map the processes: %s", strerror(-code));
	return 0;
}

static int open_all(struct capture *capture, const struct capture_settings *settings,
		    char error[CAPTURE_ERROR_BYTES])
{
	struct rst_settings programs = {.cpus = capture->cpus, .events = settings->limits.events};
	int code;

	if (getrandom(&programs.seed, sizeof(programs.seed), 0) != sizeof(programs.seed))
		programs.seed = clock_ns(CLOCK_MONOTONIC) ^ (uint64_t)getpid() << 32;
	code = hooks_load(&capture->hooks, &programs, &settings->limits, settings->btf_path, error,
			  CAPTURE_ERROR_BYTES);
	capture->skeleton = capture->hooks.skeleton;
	if (!code)
		code = map_memory(capture, error);
	if (code)
		return code;
	/* Before anything is attached: see namespaces_base(). */
	capture->namespaces = namespaces_open();
	if (!capture->namespaces)
		return fail(error, -ENOMEM, "out of memory");
	return hooks_attach(&capture->hooks, error, CAPTURE_ERROR_BYTES);
}

int capture_open(struct capture **capture, const struct capture_settings *settings,
		 char error[CAPTURE_ERROR_BYTES])
{
	struct capture *made = calloc(1, sizeof(*made));
	int cpus, code;

	if (!made)
		return fail(error, -ENOMEM, "out of memory");
	verbose = settings->verbose;
	libbpf_set_print(print_libbpf);
	cpus = libbpf_num_possible_cpus();
	made->cpus = cpus > 0 ? cpus : 1;
	code = open_all(made, settings, error);
	if (code) {
		capture_close(&made);
		return code;
	}
	*capture = made;
	return 0;
}

static int deliver_reasons(struct capture *capture)
{
	const struct kernel *kernel = &capture->hooks.kernel;
	int error = 0;

	for (unsigned i = 0; i < kernel->reason_count && !error; i++)
		error = deliver(capture, &kernel->reasons[i].head);
	for (unsigned i = 0; i < kernel->drop_reason_count && !error; i++)
		error = deliver(capture, &kernel->drop_reasons[i].head);
	return error;
}

/* Those that this kernel needs. */
static int deliver_hooks(struct capture *capture)
{
	int error = 0;

	for (unsigned i = 0; i < HOOKS && !error; i++) {
		const struct hook *hook = &capture->hooks.hooks[i];
		struct record_hook told = {.head = RECORD_HEAD(record_hook, RECORD_HOOK),
					   .attached = hook->state == HOOK_ATTACHED};

		if (hook->state == HOOK_UNWANTED)
			continue;
		memcpy(told.how, hook->how, sizeof(told.how));
		snprintf(told.name, sizeof(told.name), "%s", hook->name);
		error = deliver(capture, &told.head);
	}
	return error;
}

int capture_start(struct capture *capture, const struct record_start *start, record_handler handler,
		  void *context)
{
	struct record_start record = *start;
	struct utsname kernel;
	int error;

	capture->handler = handler;
	capture->context = context;
	error = deliver_reasons(capture);
	if (!error)
		error = deliver_hooks(capture);
	if (error)
		return error;
	record.head = (struct record)RECORD_HEAD(record_start, RECORD_START);
	record.realtime_ns = clock_ns(CLOCK_REALTIME);
	record.monotonic_ns = clock_ns(CLOCK_MONOTONIC);
	record.seed = capture->hooks.settings.seed;
	record.cpus = capture->cpus;
	uname(&kernel);
	snprintf(record.kernel, sizeof(record.kernel), "%.*s", (int)sizeof(record.kernel) - 1,
		 kernel.release);
	capture->start_ns = capture->slice_start_ns = record.monotonic_ns;
	error = deliver(capture, &record.head);
	if (!error)
		error = walks_begin(&capture->walks, &capture->hooks, control(capture),
				    deliver_listener, capture);
	if (!error)
		error = namespaces_base(capture->namespaces, handler, context);
	return error;
}

uint64_t capture_start_ns(const struct capture *capture)
{
	return capture->start_ns;
}

int capture_fd(const struct capture *capture)
{
	return rings_fd(&capture->rings);
}

int capture_poll(struct capture *capture, bool *more, record_handler handler, void *context)
{
	volatile uint32_t *wake = &control(capture)->wake;
	int error;

	capture->handler = handler;
	capture->context = context;
	error = rings_take(&capture->rings, POLL_EVENTS, more);
	if (error || *more)
		return error;
	/* Look again after asking: an event that came between the two will not call. One that is
	 * being written just now may be missed; the next turn finds it. */
	__atomic_store_n(wake, 1, __ATOMIC_SEQ_CST);
	error = rings_take(&capture->rings, POLL_EVENTS, more);
	if (*more)
		*wake = 0;
	return error;
}

/* From here on programs count into the new slice, and none counts into the old one any more. */
static int flip(struct capture *capture)
{
	const uint32_t zero = 0;
	int inner = bpf_map__fd(capture->skeleton->maps.rst_inner);

	__atomic_store_n(&control(capture)->slice, capture->slice + 1, __ATOMIC_SEQ_CST);
	if (bpf_map_update_elem(bpf_map__fd(capture->skeleton->maps.rst_barrier), &zero, &inner,
				BPF_ANY))
		return -errno;
	return 0;
}

int capture_turn(struct capture *capture, bool last, record_handler handler, void *context)
{
	struct record_slice slice = {.head = RECORD_HEAD(record_slice, RECORD_SLICE),
				     .slice = capture->slice,
				     .start_ns = capture->slice_start_ns};
	bool busy;
	int error = 0;

	capture->handler = handler;
	capture->context = context;
	slice.realtime_ns = clock_ns(CLOCK_REALTIME);
	slice.end_ns = clock_ns(CLOCK_MONOTONIC);
	busy = counters_are_used(capture->counters, capture->slice);
	if (busy)
		error = flip(capture);
	if (!error)
		error = rings_take_changes(&capture->rings);
	if (error)
		return error;
	capture->quiet = busy ? 0 : capture->quiet + 1;
	if (last || capture->quiet % MISSED_EVERY == 0)
		slice.missed = hooks_missed(&capture->hooks);
	if (last && !busy && slice.end_ns - slice.start_ns < SECOND_NS / 2)
		return 0;
	if (busy) {
		counters_add(capture->counters, &slice);
		error = rings_drain(&capture->rings, capture->slice, slice.events);
		if (!error)
			error = counters_deliver(capture->counters, &slice, forward, capture);
		if (error)
			return error;
		counters_clear(capture->counters, capture->slice);
	}
	capture->rings.received[capture->slice & 1] = 0;
	control(capture)->connects_failed = control(capture)->connects_told = 0;
	control(capture)->second++;
	/* An empty one needs no other generation, and nobody to wait for. */
	capture->slice += busy ? 1 : 2;
	control(capture)->slice = capture->slice;
	capture->slice_start_ns = slice.end_ns;
	if (capture->hooks.seed)
		error = seed_queues(capture->hooks.seed, deliver_listening, capture);
	if (!error)
		error = namespaces_turn(capture->namespaces, handler, context);
	if (!error)
		error = deliver(capture, &slice.head);
	hooks_retry(&capture->hooks);
	/* Again, if it could not be attached when that was asked for. */
	(void)hooks_watch(&capture->hooks, control(capture)->watch);
	(void)peers_turn(&capture->peers, capture->skeleton, capture->slice_start_ns);
	identity_turn(capture->identity);
	if (!error)
		error = walks_turn(&capture->walks, slice.missed);
	return error;
}

int capture_end(struct capture *capture, record_handler handler, void *context)
{
	struct record_end record = {.head = RECORD_HEAD(record_end, RECORD_END)};

	capture->handler = handler;
	capture->context = context;
	record.realtime_ns = clock_ns(CLOCK_REALTIME);
	record.monotonic_ns = clock_ns(CLOCK_MONOTONIC);
	return deliver(capture, &record.head);
}

void capture_close(struct capture **held)
{
	struct capture *capture = *held;

	if (!capture)
		return;
	rings_close(&capture->rings);
	identity_close(&capture->identity);
	counters_close(&capture->counters);
	hooks_close(&capture->hooks);
	namespaces_close(&capture->namespaces);
	free(capture);
	*held = NULL;
}

/* What was lost or could not be read for the first time, each once. */
const char *capture_complaint(struct capture *capture)
{
	const char *complaint = identity_complaint(capture->identity);

	if (complaint)
		return complaint;
	if (control(capture)->tasks_full && !capture->told_full) {
		capture->told_full = true;
		return "more processes than can be kept: some resets will have no owner";
	}
	if (control(capture)->changes_lost && !capture->told_lost) {
		capture->told_lost = true;
		return "ports are opened and closed faster than can be followed: who listens may "
		       "be wrong for some";
	}
	if (control(capture)->listening_full && !capture->told_listening) {
		capture->told_listening = true;
		return "more sockets listen than can be watched: the queues of some are not known";
	}
	return NULL;
}

void capture_watch(struct capture *capture, uint32_t watch)
{
	if (watch == capture->watch)
		return;
	capture->watch = watch;
	control(capture)->watch = watch;
	(void)hooks_watch(&capture->hooks, watch);
}

const struct hooks *capture_hooks(const struct capture *capture)
{
	return &capture->hooks;
}

void capture_sizes(const struct capture *capture, struct capture_sizes *sizes)
{
	*sizes = (struct capture_sizes){
		.ring_bytes = bpf_map__max_entries(capture->skeleton->maps.rst_events),
		.sketch_bytes = counters_size(capture->counters),
		.ports = bpf_map__max_entries(capture->skeleton->maps.rst_ports_0),
		.peers = bpf_map__max_entries(capture->skeleton->maps.rst_peers_0),
		.processes = bpf_map__max_entries(capture->skeleton->maps.rst_processes),
		.sockets = bpf_map__value_size(capture->skeleton->maps.rst_sockets) / SOCKET_BYTES *
			   bpf_map__max_entries(capture->skeleton->maps.rst_sockets),
		.closed = bpf_map__max_entries(capture->skeleton->maps.rst_closed),
	};
}

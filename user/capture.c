// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "capture.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "classify.h"
#include "hooks.h"
#include "namespaces.h"
#include "rstwatch.skel.h"
#include "units.h"

#define BATCH	    8192	 /* counters read at once */
#define POLL_EVENTS 65536	 /* events delivered before other work gets a turn */
#define STOP_POLL   (-ECANCELED) /* from the ring buffer's callback: enough for now */

struct capture {
	struct hooks hooks;
	struct rstwatch *skeleton; /* that of the hooks */
	struct namespaces *namespaces;
	struct ring_buffer *ring;
	struct rst_sketch *sketches;
	size_t sketches_size;
	uint32_t cpus;
	uint32_t slice;
	uint64_t start_ns, slice_start_ns;
	uint64_t received[2]; /* events of the slices of each generation */
	uint64_t budget;      /* events that this poll may still deliver */
	record_handler handler;
	void *context;
	int handler_error;
	struct rst_port_key port_keys[BATCH];
	struct rst_peer_key peer_keys[BATCH];
	uint64_t counts[BATCH];
	struct record_distinct distinct;
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

static int deliver(struct capture *capture, const struct record *record)
{
	return capture->handler(capture->context, record);
}

/* The ring buffer's callback. */
static int receive(void *context, void *data, size_t size)
{
	struct capture *capture = context;
	struct record_event record = {.head = RECORD_HEAD(record_event, RECORD_EVENT)};

	if (size < sizeof(record.event))
		return 0;
	memcpy(&record.event, data, sizeof(record.event));
	capture->received[record.event.slice & 1]++;
	capture->handler_error = deliver(capture, &record.head);
	if (capture->handler_error || !--capture->budget)
		return STOP_POLL;
	return 0;
}

static int map_memory(struct capture *capture, char error[CAPTURE_ERROR_BYTES])
{
	size_t page = sysconf(_SC_PAGESIZE);
	size_t size = 2 * capture->cpus * sizeof(struct rst_sketch);
	struct rstwatch *skeleton = capture->skeleton;
	void *memory;

	size = (size + page - 1) / page * page;
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
		      bpf_map__fd(skeleton->maps.rst_sketches), 0);
	if (memory == MAP_FAILED)
		return fail(error, -errno, "cannot map the counters: %s", strerror(errno));
	capture->sketches = memory;
	capture->sketches_size = size;
	capture->ring =
		ring_buffer__new(bpf_map__fd(skeleton->maps.rst_events), receive, capture, NULL);
	if (!capture->ring)
		return fail(error, -errno, "cannot map the ring buffer: %s", strerror(errno));
	return 0;
}

static int open_all(struct capture *capture, const struct capture_settings *settings,
		    char error[CAPTURE_ERROR_BYTES])
{
	struct rst_settings programs = {.cpus = capture->cpus, .stream = settings->stream};
	int code;

	if (getrandom(&programs.seed, sizeof(programs.seed), 0) != sizeof(programs.seed))
		programs.seed = clock_ns(CLOCK_MONOTONIC) ^ (uint64_t)getpid() << 32;
	code = hooks_load(&capture->hooks, &programs, settings->btf_path, error,
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
		error = namespaces_base(capture->namespaces, handler, context);
	return error;
}

uint64_t capture_start_ns(const struct capture *capture)
{
	return capture->start_ns;
}

int capture_fd(const struct capture *capture)
{
	return ring_buffer__epoll_fd(capture->ring);
}

static int consume(struct capture *capture, bool *any)
{
	uint64_t before = capture->received[0] + capture->received[1];
	int error;

	capture->budget = POLL_EVENTS;
	capture->handler_error = 0;
	error = ring_buffer__consume(capture->ring);
	*any = capture->received[0] + capture->received[1] != before;
	if (capture->handler_error)
		return capture->handler_error;
	return error < 0 && error != STOP_POLL ? error : 0;
}

int capture_poll(struct capture *capture, bool *more, record_handler handler, void *context)
{
	volatile uint32_t *wake = &capture->skeleton->data_control->rst_control.wake;
	int error;

	capture->handler = handler;
	capture->context = context;
	error = consume(capture, more);
	if (error || *more)
		return error;
	/* Look again after asking: an event that came between the two will not call. One that is
	 * being written just now may be missed; the next turn finds it. */
	__atomic_store_n(wake, 1, __ATOMIC_SEQ_CST);
	error = consume(capture, more);
	if (*more)
		*wake = 0;
	return error;
}

/* From here on programs count into the new slice, and none counts into the old one any more. */
static int flip(struct capture *capture)
{
	const uint32_t zero = 0;
	int inner = bpf_map__fd(capture->skeleton->maps.rst_inner);

	__atomic_store_n(&capture->skeleton->data_control->rst_control.slice, capture->slice + 1,
			 __ATOMIC_SEQ_CST);
	if (bpf_map_update_elem(bpf_map__fd(capture->skeleton->maps.rst_barrier), &zero, &inner,
				BPF_ANY))
		return -errno;
	return 0;
}

/* Delivers events until all of the retired slice are there; some of the next may come along. */
static int drain(struct capture *capture, uint64_t expected)
{
	unsigned generation = capture->slice & 1;
	uint64_t deadline_ns = clock_ns(CLOCK_MONOTONIC) + SECOND_NS;

	while (capture->received[generation] < expected) {
		uint64_t before = capture->received[0] + capture->received[1];
		int error;

		capture->budget = expected - capture->received[generation];
		capture->handler_error = 0;
		error = ring_buffer__consume(capture->ring);
		if (capture->handler_error)
			return capture->handler_error;
		if (error < 0 && error != STOP_POLL)
			return error;
		if (capture->received[0] + capture->received[1] != before) {
			deadline_ns = clock_ns(CLOCK_MONOTONIC) + SECOND_NS;
			continue;
		}
		if (clock_ns(CLOCK_MONOTONIC) > deadline_ns)
			return -ETIMEDOUT; /* cannot be: they were written before flip() returned */
		sched_yield(); /* another CPU holds a record that it has not yet written */
	}
	return 0;
}

static int deliver_ports(struct capture *capture, unsigned count)
{
	struct record_port record = {.head = RECORD_HEAD(record_port, RECORD_PORT)};
	int error = 0;

	for (unsigned i = 0; i < count && !error; i++) {
		record.key = capture->port_keys[i];
		record.count = capture->counts[i];
		namespaces_mark(capture->namespaces, record.key.netns);
		error = deliver(capture, &record.head);
	}
	return error;
}

static int deliver_peers(struct capture *capture, unsigned count)
{
	struct record_peer record = {.head = RECORD_HEAD(record_peer, RECORD_PEER)};
	int error = 0;

	for (unsigned i = 0; i < count && !error; i++) {
		record.key = capture->peer_keys[i];
		record.count = capture->counts[i];
		error = deliver(capture, &record.head);
	}
	return error;
}

/* Reads and empties a retired hash, by the batch. The walk goes by bucket and nobody else touches
 * the map, so every entry is read once. */
static int read_table(struct capture *capture, const struct bpf_map *map, void *keys,
		      int (*deliver_batch)(struct capture *, unsigned))
{
	uint32_t position, count;
	void *from = NULL;
	int error = 0, code;

	do {
		count = BATCH;
		code = bpf_map_lookup_and_delete_batch(bpf_map__fd(map), from, &position, keys,
						       capture->counts, &count, NULL);
		if (code && errno != ENOENT)
			return -errno;
		error = deliver_batch(capture, count);
		from = &position;
	} while (!code && !error);
	return error;
}

static int deliver_other(struct capture *capture, const struct rst_sketch *sketches,
			 struct record_slice *slice)
{
	struct record_other record = {.head = RECORD_HEAD(record_other, RECORD_OTHER)};
	int error = 0;

	for (record.direction = RST_SENT; record.direction < RST_DIRECTIONS; record.direction++)
		for (record.cause = 1; record.cause < RST_CAUSES && !error; record.cause++) {
			record.count = 0;
			for (uint32_t cpu = 0; cpu < capture->cpus; cpu++)
				record.count += sketches[cpu].other[record.direction][record.cause];
			slice->ports_full += record.count;
			if (record.count)
				error = deliver(capture, &record.head);
		}
	return error;
}

static int deliver_distinct(struct capture *capture, const struct rst_sketch *sketches)
{
	struct record_distinct *record = &capture->distinct;
	int error = 0;

	record->head = (struct record)RECORD_HEAD(record_distinct, RECORD_DISTINCT);
	for (unsigned direction = RST_SENT; direction < RST_DIRECTIONS && !error; direction++) {
		record->direction = direction;
		memset(record->registers, 0, sizeof(record->registers));
		for (uint32_t cpu = 0; cpu < capture->cpus; cpu++)
			for (unsigned i = 0; i < RST_DISTINCT_WIDTH; i++) {
				uint8_t rank = sketches[cpu].distinct[direction - 1][i];

				if (record->registers[i] < rank)
					record->registers[i] = rank;
			}
		error = deliver(capture, &record->head);
	}
	return error;
}

/* Received resets that were held until the slice ended (count.h): no sent one followed, so they are
 * real, and counted here. */
static int deliver_held(struct capture *capture, const struct rst_sketch *sketches,
			struct record_slice *slice)
{
	int error = 0;

	for (uint32_t cpu = 0; cpu < capture->cpus && !error; cpu++) {
		const struct rst_event *held = &sketches[cpu].held;

		if (!sketches[cpu].held_sk)
			continue;
		slice->counted++;
		if (capture->hooks.settings.stream) {
			struct record_event record = {
				.head = RECORD_HEAD(record_event, RECORD_EVENT), .event = *held};

			slice->events++;
			error = deliver(capture, &record.head);
		}
		capture->port_keys[0] = classify_port_key(held);
		capture->peer_keys[0] =
			(struct rst_peer_key){.netns = held->netns, .direction = held->direction};
		memcpy(capture->peer_keys[0].address, held->peer, sizeof(held->peer));
		capture->counts[0] = 1;
		if (!error)
			error = deliver_ports(capture, 1);
		if (!error)
			error = deliver_peers(capture, 1);
	}
	return error;
}

static int deliver_outside(struct capture *capture, const struct rst_sketch *sketches)
{
	struct record_outside record = {.head = RECORD_HEAD(record_outside, RECORD_OUTSIDE)};

	for (uint32_t cpu = 0; cpu < capture->cpus; cpu++)
		record.count += sketches[cpu].outside;
	return record.count ? deliver(capture, &record.head) : 0;
}

static bool is_used(const struct rst_sketch *sketch)
{
	return sketch->counted || sketch->held_sk || sketch->outside;
}

/* Sums what the CPUs counted. True if there is anything to read in this slice. */
static bool add_sketches(const struct capture *capture, const struct rst_sketch *sketches,
			 struct record_slice *slice)
{
	bool busy = false;

	for (uint32_t cpu = 0; cpu < capture->cpus; cpu++) {
		const struct rst_sketch *sketch = &sketches[cpu];

		busy = busy || is_used(sketch);
		slice->counted += sketch->counted;
		slice->events += sketch->events;
		slice->lost += sketch->lost;
		slice->peers_full += sketch->peers_full;
		/* count.h: untabled are estimates below counted / RST_PEER_SHARE */
		if (sketch->counted)
			slice->peer_error += (sketch->counted - 1) / RST_PEER_SHARE;
	}
	return busy;
}

static int deliver_counters(struct capture *capture, const struct rst_sketch *sketches,
			    struct record_slice *slice)
{
	struct rstwatch *skeleton = capture->skeleton;
	bool odd = capture->slice & 1;
	int error;

	error = drain(capture, slice->events);
	if (!error)
		error = deliver_held(capture, sketches, slice);
	if (!error)
		error = read_table(capture,
				   odd ? skeleton->maps.rst_ports_1 : skeleton->maps.rst_ports_0,
				   capture->port_keys, deliver_ports);
	if (!error)
		error = deliver_other(capture, sketches, slice);
	if (!error)
		error = read_table(capture,
				   odd ? skeleton->maps.rst_peers_1 : skeleton->maps.rst_peers_0,
				   capture->peer_keys, deliver_peers);
	if (!error && (slice->peer_error || slice->peers_full))
		error = deliver_distinct(capture, sketches);
	if (!error)
		error = deliver_outside(capture, sketches);
	return error;
}

int capture_turn(struct capture *capture, bool last, record_handler handler, void *context)
{
	struct record_slice slice = {.head = RECORD_HEAD(record_slice, RECORD_SLICE),
				     .slice = capture->slice,
				     .start_ns = capture->slice_start_ns};
	struct rst_sketch *sketches = capture->sketches + (capture->slice & 1) * capture->cpus;
	bool busy;
	int error;

	capture->handler = handler;
	capture->context = context;
	slice.realtime_ns = clock_ns(CLOCK_REALTIME);
	slice.end_ns = clock_ns(CLOCK_MONOTONIC);
	error = flip(capture);
	if (error)
		return error;
	busy = add_sketches(capture, sketches, &slice);
	slice.missed = hooks_missed(&capture->hooks);
	if (last && !busy && slice.end_ns - slice.start_ns < SECOND_NS / 2)
		return 0;
	if (busy) {
		error = deliver_counters(capture, sketches, &slice);
		if (error)
			return error;
		for (uint32_t cpu = 0; cpu < capture->cpus; cpu++)
			if (is_used(&sketches[cpu]))
				memset(&sketches[cpu], 0, sizeof(sketches[cpu]));
	}
	capture->received[capture->slice & 1] = 0;
	capture->slice++;
	capture->slice_start_ns = slice.end_ns;
	error = namespaces_turn(capture->namespaces, handler, context);
	if (!error)
		error = deliver(capture, &slice.head);
	hooks_retry(&capture->hooks);
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
	ring_buffer__free(capture->ring);
	if (capture->sketches)
		munmap(capture->sketches, capture->sketches_size);
	hooks_close(&capture->hooks);
	namespaces_close(&capture->namespaces);
	free(capture);
	*held = NULL;
}

const struct hooks *capture_hooks(const struct capture *capture)
{
	return &capture->hooks;
}

void capture_sizes(const struct capture *capture, struct capture_sizes *sizes)
{
	*sizes = (struct capture_sizes){
		.ring_bytes = bpf_map__max_entries(capture->skeleton->maps.rst_events),
		.sketch_bytes = capture->sketches_size,
		.ports = bpf_map__max_entries(capture->skeleton->maps.rst_ports_0),
		.peers = bpf_map__max_entries(capture->skeleton->maps.rst_peers_0),
	};
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "capture.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
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
#include "names.h"
#include "privilege.h"
#include "rstwatch.skel.h"
#include "units.h"

#define BATCH	    8192	 /* counters read at once */
#define POLL_EVENTS 65536	 /* events delivered before other work gets a turn */
#define STOP_POLL   (-ECANCELED) /* from the ring buffer's callback: enough for now */

enum {
	HOOK_SEND,
	HOOK_RECEIVE,
	HOOKS,
};

/* The raw tracepoints. arguments: without the context pointer that BTF counts in; 0 if the kernel
 * has no such tracepoint. */
struct hook {
	const char *tracepoint;
	int arguments;
	char how[32]; /* attached, or why not */
	struct bpf_link *link;
	int program_fd;
	uint64_t missed; /* at the last turn */
};

struct capture {
	struct rstwatch *skeleton;
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
	struct hook hooks[HOOKS];
	struct record_reason reasons[RST_REASONS];
	unsigned reason_count;
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

/* The number of arguments of a tracepoint, 0 if there is no such. Its BTF prototype has one more
 * in front, the registered data. */
static int tracepoint_arguments(const struct btf *btf, const char *tracepoint)
{
	const struct btf_type *type;
	char name[64];
	int id;

	snprintf(name, sizeof(name), "btf_trace_%s", tracepoint);
	id = btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF);
	if (id < 0)
		return 0;
	type = btf__type_by_id(btf, btf__type_by_id(btf, id)->type);
	if (!type || !btf_is_ptr(type))
		return 0;
	type = btf__type_by_id(btf, type->type);
	if (!type || !btf_is_func_proto(type))
		return 0;
	return btf_vlen(type) - 1;
}

static void read_reasons(struct capture *capture, const struct btf *btf)
{
	static const char prefix[] = "SK_RST_REASON_";
	const struct btf_enum *values;
	const struct btf_type *type;
	int id = btf__find_by_name_kind(btf, "sk_rst_reason", BTF_KIND_ENUM);

	if (id < 0)
		return;
	type = btf__type_by_id(btf, id);
	values = btf_enum(type);
	for (unsigned i = 0; i < btf_vlen(type); i++) {
		const char *name = btf__name_by_offset(btf, values[i].name_off);
		uint32_t number = values[i].val;
		struct record_reason *reason;

		if (!name || strncmp(name, prefix, sizeof(prefix) - 1) || number >= RST_REASONS ||
		    capture->reason_count == RST_REASONS)
			continue;
		name += sizeof(prefix) - 1;
		if (!strcmp(name, "MAX"))
			continue;
		reason = &capture->reasons[capture->reason_count++];
		reason->head = (struct record)RECORD_HEAD(record_reason, RECORD_REASON);
		reason->number = number;
		snprintf(reason->name, sizeof(reason->name), "%s", name);
	}
}

static int read_btf(struct capture *capture, const char *path, char error[CAPTURE_ERROR_BYTES])
{
	struct btf *btf = path ? btf__parse(path, NULL) : btf__load_vmlinux_btf();
	char reason[128];
	int code = 0;

	if (!btf && path) {
		code = -errno;
		libbpf_strerror(code, reason, sizeof(reason)); /* it has numbers of its own */
		return fail(error, code, "cannot read BTF from %s: %s", path, reason);
	}
	if (!btf)
		return fail(error, -errno,
			    "this kernel has no BTF (/sys/kernel/btf/vmlinux): use one built with "
			    "CONFIG_DEBUG_INFO_BTF, or name a file that has it with --btf");
	for (unsigned i = 0; i < HOOKS && !code; i++) {
		struct hook *hook = &capture->hooks[i];

		hook->arguments = tracepoint_arguments(btf, hook->tracepoint);
		if (!hook->arguments)
			code = fail(error, -ENOENT,
				    "this kernel has no tracepoint %s: Linux 4.15 and newer have "
				    "it if built with CONFIG_NET and CONFIG_TRACEPOINTS",
				    hook->tracepoint);
	}
	if (!code)
		read_reasons(capture, btf);
	btf__free(btf);
	return code;
}

static void set_up(struct capture *capture, bool stream)
{
	struct rstwatch *skeleton = capture->skeleton;
	uint64_t seed;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		seed = clock_ns(CLOCK_MONOTONIC) ^ (uint64_t)getpid() << 32;
	skeleton->rodata->rst_seed = seed;
	skeleton->rodata->rst_cpus = capture->cpus;
	skeleton->rodata->rst_has_reason = capture->hooks[HOOK_SEND].arguments > 2;
	skeleton->rodata->rst_stream = stream;
	for (unsigned i = 0; i < capture->reason_count; i++) {
		const struct record_reason *reason = &capture->reasons[i];

		skeleton->rodata->rst_meaning[reason->number] = name_reason_meaning(reason->name);
	}
	bpf_map__set_max_entries(skeleton->maps.rst_sketches, 2 * capture->cpus);
	if (!stream)
		bpf_map__set_max_entries(skeleton->maps.rst_events, sysconf(_SC_PAGESIZE));
}

static int load(struct capture *capture, const struct capture_settings *settings,
		char error[CAPTURE_ERROR_BYTES])
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .btf_custom_path = settings->btf_path);
	char missing[64];
	int code;

	capture->skeleton = rstwatch__open_opts(&options);
	if (!capture->skeleton)
		return fail(error, -errno, "cannot open the BPF object: %s", strerror(errno));
	set_up(capture, settings->stream);
	code = rstwatch__load(capture->skeleton);
	if (!code)
		return 0;
	if ((code == -EPERM || code == -EACCES) && !privilege_check(missing, sizeof(missing)))
		return fail(error, code, "missing %s: run as root, or grant it", missing);
	return fail(error, code,
		    "cannot load the BPF programs: %s (the kernel's words: run again with -v)%s",
		    strerror(-code),
		    code == -EPERM ? "; the kernel forbids it: lockdown, a container or an LSM"
				   : "");
}

static int attach(struct capture *capture, char error[CAPTURE_ERROR_BYTES])
{
	struct bpf_program *programs[HOOKS] = {
		[HOOK_SEND] = capture->skeleton->progs.rst_send,
		[HOOK_RECEIVE] = capture->skeleton->progs.rst_receive,
	};

	for (unsigned i = 0; i < HOOKS; i++) {
		struct hook *hook = &capture->hooks[i];

		hook->program_fd = bpf_program__fd(programs[i]);
		hook->link = bpf_program__attach_raw_tracepoint(programs[i], hook->tracepoint);
		if (!hook->link)
			return fail(error, -errno, "cannot attach to the tracepoint %s: %s",
				    hook->tracepoint, strerror(errno));
		snprintf(hook->how, sizeof(hook->how), "raw_tp");
	}
	return 0;
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

int capture_open(struct capture **capture, const struct capture_settings *settings,
		 char error[CAPTURE_ERROR_BYTES])
{
	struct capture *made = calloc(1, sizeof(*made));
	int cpus, code;

	if (!made)
		return fail(error, -ENOMEM, "out of memory");
	verbose = settings->verbose;
	libbpf_set_print(print_libbpf);
	made->hooks[HOOK_SEND].tracepoint = "tcp_send_reset";
	made->hooks[HOOK_RECEIVE].tracepoint = "tcp_receive_reset";
	cpus = libbpf_num_possible_cpus();
	made->cpus = cpus > 0 ? cpus : 1;
	code = read_btf(made, settings->btf_path, error);
	if (!code)
		code = load(made, settings, error);
	if (!code)
		code = map_memory(made, error);
	if (!code)
		code = attach(made, error);
	if (code) {
		capture_close(&made);
		return code;
	}
	*capture = made;
	return 0;
}

int capture_start(struct capture *capture, const struct record_start *start, record_handler handler,
		  void *context)
{
	struct record_start record = *start;
	struct utsname kernel;
	int error = 0;

	capture->handler = handler;
	capture->context = context;
	for (unsigned i = 0; i < capture->reason_count && !error; i++)
		error = deliver(capture, &capture->reasons[i].head);
	for (unsigned i = 0; i < HOOKS && !error; i++) {
		const struct hook *hook = &capture->hooks[i];
		struct record_hook told = {.head = RECORD_HEAD(record_hook, RECORD_HOOK),
					   .attached = !!hook->link};

		memcpy(told.how, hook->how, sizeof(told.how));
		snprintf(told.name, sizeof(told.name), "%s", hook->tracepoint);
		error = deliver(capture, &told.head);
	}
	if (error)
		return error;
	record.head = (struct record)RECORD_HEAD(record_start, RECORD_START);
	record.realtime_ns = clock_ns(CLOCK_REALTIME);
	record.monotonic_ns = clock_ns(CLOCK_MONOTONIC);
	record.seed = capture->skeleton->rodata->rst_seed;
	record.cpus = capture->cpus;
	uname(&kernel);
	snprintf(record.kernel, sizeof(record.kernel), "%.*s", (int)sizeof(record.kernel) - 1,
		 kernel.release);
	capture->start_ns = capture->slice_start_ns = record.monotonic_ns;
	return deliver(capture, &record.head);
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
	volatile uint32_t *wake = &capture->skeleton->bss->rst_wake;
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

	__atomic_store_n(&capture->skeleton->bss->rst_slice, capture->slice + 1, __ATOMIC_SEQ_CST);
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
		if (capture->skeleton->rodata->rst_stream) {
			struct record_event record = {
				.head = RECORD_HEAD(record_event, RECORD_EVENT), .event = *held};

			slice->events++;
			error = deliver(capture, &record.head);
		}
		capture->port_keys[0] = (struct rst_port_key){.netns = held->netns,
							      .port = classify_port(held),
							      .direction = held->direction,
							      .cause = held->cause,
							      .role = held->role};
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

/* How often the kernel skipped a hook because it was already running on that CPU. */
static uint64_t read_missed(struct capture *capture)
{
	uint64_t missed = 0;

	for (unsigned i = 0; i < HOOKS; i++) {
		struct hook *hook = &capture->hooks[i];
		struct bpf_prog_info info = {0};
		uint32_t size = sizeof(info);

		if (bpf_obj_get_info_by_fd(hook->program_fd, &info, &size))
			continue;
		missed += info.recursion_misses - hook->missed;
		hook->missed = info.recursion_misses;
	}
	return missed;
}

/* Sums what the CPUs counted. True if there is anything to read in this slice. */
static bool add_sketches(const struct capture *capture, const struct rst_sketch *sketches,
			 struct record_slice *slice)
{
	bool busy = false;

	for (uint32_t cpu = 0; cpu < capture->cpus; cpu++) {
		const struct rst_sketch *sketch = &sketches[cpu];

		busy = busy || sketch->counted || sketch->held_sk;
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
	slice.missed = read_missed(capture);
	if (last && !busy && slice.end_ns - slice.start_ns < SECOND_NS / 2)
		return 0;
	if (busy) {
		error = deliver_counters(capture, sketches, &slice);
		if (error)
			return error;
		for (uint32_t cpu = 0; cpu < capture->cpus; cpu++)
			if (sketches[cpu].counted || sketches[cpu].held_sk)
				memset(&sketches[cpu], 0, sizeof(sketches[cpu]));
	}
	capture->received[capture->slice & 1] = 0;
	capture->slice++;
	capture->slice_start_ns = slice.end_ns;
	return deliver(capture, &slice.head);
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
	for (unsigned i = 0; i < HOOKS; i++)
		bpf_link__destroy(capture->hooks[i].link);
	ring_buffer__free(capture->ring);
	if (capture->sketches)
		munmap(capture->sketches, capture->sketches_size);
	rstwatch__destroy(capture->skeleton);
	free(capture);
	*held = NULL;
}

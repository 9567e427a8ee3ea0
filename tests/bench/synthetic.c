// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * synthetic EVENTS RECORDING PCAP [PEERS]: writes a recording of so many resets, as a busy host
 * under a scan would make it, and the same resets as packets. The random peers are any, or some of
 * so many. The same numbers give the same files.
 *
 * The counters of each slice are the sums of its events, as the kernel side would have them. The
 * packets have none of the random peers: tcpdump keeps every address that it prints in 4096 lists,
 * and would take minutes.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "rate.h"
#include "recording.h"

#define SECOND_NS	 1000000000ULL
#define START_NS	 (1000 * SECOND_NS)
#define START_REAL_NS	 (1700000000 * SECOND_NS)
#define SEED		 42
#define EVENTS_PER_SLICE 20000
#define NETNS		 4026531840U
#define LOCAL_IPV4	 0x0a000002U
#define KNOWN_PEERS	 2048 /* the others are random, as in a spoofed flood */
#define SERVICES	 64
#define COUNTERS	 8192 /* hash slots, a power of two; far more than there are keys */
#define NO_SOCKET	 1
#define ABORT_ON_LINGER	 12

struct kind {
	unsigned percent;
	bool random_peer;
	uint8_t direction, cause, state, trigger, role;
	uint8_t reason;
};

/* What happens how often. */
static const struct kind kinds[] = {
	{50, true, RST_SENT, RST_CLOSED_PORT, 0, RST_FLAG_SYN, RST_ROLE_SERVER, NO_SOCKET},
	{10, false, RST_SENT, RST_HALF_OPEN, 0, RST_FLAG_ACK, RST_ROLE_UNKNOWN, NO_SOCKET},
	{15, false, RST_SENT, RST_ABORTED, RST_STATE_CLOSE, 0, RST_ROLE_SERVER, ABORT_ON_LINGER},
	{10, false, RST_RECEIVED, RST_STAGE_REFUSED, RST_STATE_SYN_SENT, 0, RST_ROLE_CLIENT, 0},
	{15, false, RST_RECEIVED, RST_STAGE_ESTABLISHED, RST_STATE_ESTABLISHED, 0, RST_ROLE_SERVER,
	 0},
};

struct port_counter {
	struct rst_port_key key;
	uint64_t count;
};

struct slice {
	uint32_t number;
	uint64_t counted;
	struct port_counter ports[COUNTERS];
	uint64_t peers[RST_DIRECTIONS][KNOWN_PEERS];
	struct record_distinct distinct[RST_DIRECTIONS];
};

struct pcap_header {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, accuracy, snap_bytes, link;
};

struct pcap_packet {
	uint32_t seconds, microseconds, captured, bytes;
};

#define PACKET_BYTES 54 /* Ethernet, IPv4, TCP */

static uint64_t random_state = SEED, peers = 1ULL << 32;
static struct slice slice;
static struct recording_writer *writer;
static FILE *pcap;

static uint64_t random_next(void)
{
	random_state += 0x9e3779b97f4a7c15ULL;
	return hash_mix(random_state, SEED);
}

static void die(const char *what, int error)
{
	fprintf(stderr, "synthetic: %s: %s\n", what, strerror(error));
	exit(1);
}

static void add(const void *record)
{
	int error = recording_add(writer, record);

	if (error)
		die("recording", -error);
}

static void put_ipv4(uint8_t to[4], uint32_t ipv4)
{
	for (unsigned i = 0; i < 4; i++)
		to[i] = ipv4 >> (24 - 8 * i);
}

static void map_ipv4(uint8_t address[16], uint32_t ipv4)
{
	memset(address, 0, 10);
	address[10] = address[11] = 0xff;
	put_ipv4(address + 12, ipv4);
}

static void count_port(const struct rst_event *event, uint16_t port)
{
	struct rst_port_key key = {
		.netns = NETNS,
		.port = port,
		.direction = event->direction,
		.cause = event->cause,
		.reason = event->reason,
		.role = event->role,
	};
	uint64_t at = hash_mix((uint64_t)port << 32 | key.direction << 24 | key.cause << 16 |
				       key.reason << 8 | key.role,
			       SEED);

	for (;; at++) {
		struct port_counter *counter = &slice.ports[at % COUNTERS];

		if (!counter->count)
			counter->key = key;
		if (!memcmp(&counter->key, &key, sizeof(key))) {
			counter->count++;
			return;
		}
	}
}

static void count_peer(const struct rst_event *event, uint32_t peer)
{
	uint64_t hash = hash_address(event->peer, SEED);
	uint8_t *rank = &slice.distinct[event->direction].registers[hash_register(hash)];

	if (*rank < hash_rank(hash))
		*rank = hash_rank(hash);
	if (peer < KNOWN_PEERS)
		slice.peers[event->direction][peer]++;
}

static const struct kind *pick_kind(void)
{
	unsigned percent = random_next() % 100;
	const struct kind *kind = kinds;

	while (percent >= kind->percent) {
		percent -= kind->percent;
		kind++;
	}
	return kind;
}

/* Small numbers far more often than large ones. */
static uint32_t pick_skewed(uint32_t below)
{
	uint64_t random = random_next();

	return (random & 0xffffffff) % (1 + (random >> 32) % below);
}

static void make_event(struct record_event *record, uint64_t time_ns)
{
	const struct kind *kind = pick_kind();
	uint32_t peer = kind->random_peer ? UINT32_MAX : pick_skewed(KNOWN_PEERS);
	uint16_t port = 1 + pick_skewed(SERVICES) * 127;
	uint16_t other = 32768 + random_next() % 28000;
	bool client = kind->role == RST_ROLE_CLIENT;
	struct rst_event *event = &record->event;

	*record = (struct record_event){
		.head = RECORD_HEAD(record_event, RECORD_EVENT),
		.event = {.time_ns = time_ns,
			  .netns = NETNS,
			  .slice = slice.number,
			  .local_port = client ? other : port,
			  .peer_port = client ? port : other,
			  .direction = kind->direction,
			  .cause = kind->cause,
			  .reason = kind->reason,
			  .state = kind->state,
			  .trigger = kind->trigger,
			  .role = kind->role},
	};
	if (kind->trigger)
		event->flags |= RST_EVENT_TRIGGER;
	if (kind->direction == RST_SENT)
		event->flags |= RST_EVENT_REASON;
	map_ipv4(event->local, LOCAL_IPV4);
	map_ipv4(event->peer,
		 peer < KNOWN_PEERS ? 0xc0a80000U + peer : (uint32_t)(random_next() % peers));
	slice.counted++;
	count_port(event, port);
	count_peer(event, peer);
}

/* The peer of the packet: one of the known ones. */
static uint32_t fold_peer(const struct rst_event *event)
{
	uint32_t peer = event->peer[14] << 8 | event->peer[15];

	return 0xc0a80000U + peer % KNOWN_PEERS;
}

static void write_packet(const struct rst_event *event)
{
	uint64_t real_ns = event->time_ns - START_NS + START_REAL_NS;
	bool sent = event->direction == RST_SENT;
	struct pcap_packet head = {
		.seconds = real_ns / SECOND_NS,
		.microseconds = real_ns % SECOND_NS / 1000,
		.captured = PACKET_BYTES,
		.bytes = PACKET_BYTES,
	};
	uint16_t from = sent ? event->local_port : event->peer_port;
	uint16_t to = sent ? event->peer_port : event->local_port;
	uint8_t packet[PACKET_BYTES] = {[12] = 8, [14] = 0x45, [17] = 40, [22] = 64, [23] = 6};

	put_ipv4(packet + 26, sent ? LOCAL_IPV4 : fold_peer(event));
	put_ipv4(packet + 30, sent ? fold_peer(event) : LOCAL_IPV4);
	packet[34] = from >> 8;
	packet[35] = from;
	packet[36] = to >> 8;
	packet[37] = to;
	packet[46] = 0x50;
	packet[47] = RST_FLAG_RST | RST_FLAG_ACK;
	if (fwrite(&head, sizeof(head), 1, pcap) != 1 ||
	    fwrite(packet, sizeof(packet), 1, pcap) != 1)
		die("pcap", errno);
}

static void end_slice(void)
{
	uint64_t start_ns = START_NS + slice.number * SECOND_NS;
	struct record_slice record = {
		.head = RECORD_HEAD(record_slice, RECORD_SLICE),
		.slice = slice.number,
		.start_ns = start_ns,
		.end_ns = start_ns + SECOND_NS,
		.realtime_ns = start_ns + SECOND_NS - START_NS + START_REAL_NS,
		.counted = slice.counted,
		.events = slice.counted,
		.peer_error = (slice.counted - 1) / RST_PEER_SHARE,
	};

	for (unsigned i = 0; i < COUNTERS; i++) {
		struct record_port port = {.head = RECORD_HEAD(record_port, RECORD_PORT),
					   .key = slice.ports[i].key,
					   .count = slice.ports[i].count};

		if (port.count)
			add(&port);
	}
	for (unsigned direction = RST_SENT; direction < RST_DIRECTIONS; direction++) {
		for (uint32_t i = 0; i < KNOWN_PEERS; i++) {
			struct record_peer peer = {.head = RECORD_HEAD(record_peer, RECORD_PEER),
						   .key = {.netns = NETNS, .direction = direction},
						   .count = slice.peers[direction][i]};

			map_ipv4(peer.key.address, 0xc0a80000U + i);
			if (peer.count > record.peer_error)
				add(&peer);
		}
		slice.distinct[direction].head =
			(struct record)RECORD_HEAD(record_distinct, RECORD_DISTINCT);
		slice.distinct[direction].direction = direction;
		add(&slice.distinct[direction]);
	}
	add(&record);
	slice = (struct slice){.number = slice.number + 1};
}

static void begin(const char *path, const char *pcap_path)
{
	const struct pcap_header header = {
		.magic = 0xa1b2c3d4, .major = 2, .minor = 4, .snap_bytes = 65535, .link = 1};
	struct record_reason no_socket = {.head = RECORD_HEAD(record_reason, RECORD_REASON),
					  .number = NO_SOCKET,
					  .name = "NO_SOCKET"};
	struct record_reason abort = {.head = RECORD_HEAD(record_reason, RECORD_REASON),
				      .number = ABORT_ON_LINGER,
				      .name = "TCP_ABORT_ON_LINGER"};
	struct record_start start = {
		.head = RECORD_HEAD(record_start, RECORD_START),
		.monotonic_ns = START_NS,
		.realtime_ns = START_REAL_NS,
		.seed = SEED,
		.window_seconds = 10,
		.cpus = 1,
		.rate = rate_defaults,
		.version = "bench",
		.kernel = "synthetic",
	};
	int error = recording_create(&writer, path);

	if (error)
		die(path, -error);
	pcap = fopen(pcap_path, "w");
	if (!pcap || fwrite(&header, sizeof(header), 1, pcap) != 1)
		die(pcap_path, errno);
	add(&no_socket);
	add(&abort);
	add(&start);
}

static void finish(void)
{
	uint64_t end_ns = START_NS + slice.number * SECOND_NS;
	struct record_end end = {
		.head = RECORD_HEAD(record_end, RECORD_END),
		.monotonic_ns = end_ns,
		.realtime_ns = end_ns - START_NS + START_REAL_NS,
	};
	int error;

	add(&end);
	error = recording_finish(&writer, true);
	if (error)
		die("recording", -error);
	if (fclose(pcap))
		die("pcap", errno);
}

int main(int argc, char **argv)
{
	uint64_t events = argc == 4 || argc == 5 ? strtoull(argv[1], NULL, 10) : 0;
	struct record_event record;

	if (argc == 5)
		peers = strtoull(argv[4], NULL, 10);
	if (!events || !peers) {
		fputs("usage: synthetic EVENTS RECORDING PCAP [PEERS]\n", stderr);
		return 2;
	}
	begin(argv[2], argv[3]);
	for (uint64_t i = 0; i < events; i++) {
		make_event(&record, START_NS + i * (SECOND_NS / EVENTS_PER_SLICE));
		add(&record);
		write_packet(&record.event);
		if (slice.counted == EVENTS_PER_SLICE)
			end_slice();
	}
	if (slice.counted)
		end_slice();
	finish();
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * flood TARGET PORT SOURCES SECONDS: SYNs as fast as one CPU makes them, from so many different
 * addresses in turn (0: each from a random one), none of which is anybody's. TARGET is IPv4 or
 * IPv6, and in a namespace whose answers end with us.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define BATCH	  64
#define IPV4_SIZE 20
#define IPV6_SIZE 40
#define TCP_SIZE  20

struct packet {
	uint8_t bytes[IPV6_SIZE + TCP_SIZE];
};

static struct packet packets[BATCH];
static struct iovec vectors[BATCH];
static struct mmsghdr messages[BATCH];
static uint64_t state = 42;

static uint64_t random_next(void)
{
	uint64_t mixed = state += 0x9e3779b97f4a7c15ULL;

	mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9ULL;
	mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebULL;
	return mixed ^ mixed >> 31;
}

/* The number'th address: of 100.64.0.0/10 (RFC 6598) or fd88::/64. */
static void put_source(uint8_t *at, uint64_t number, int family)
{
	uint32_t ipv4 = htonl(0x64400000 | (number & 0x3fffff));

	if (family == AF_INET) {
		memcpy(at, &ipv4, 4);
		return;
	}
	memset(at, 0, 8);
	at[0] = 0xfd;
	at[1] = 0x88;
	memcpy(at + 8, &number, 8);
}

static uint32_t add_up(uint32_t sum, const uint8_t *bytes, unsigned size)
{
	for (unsigned i = 0; i < size; i += 2)
		sum += bytes[i] << 8 | bytes[i + 1];
	return sum;
}

/* Of TCP with its pseudo-header (RFC 9293 section 3.1). The field is 0 at first. */
static void put_checksum(uint8_t *tcp, const uint8_t *addresses, unsigned size)
{
	uint32_t sum = add_up(add_up(IPPROTO_TCP + TCP_SIZE, addresses, size), tcp, TCP_SIZE);

	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~((sum & 0xffff) + (sum >> 16));
	tcp[16] = sum >> 8;
	tcp[17] = sum;
}

static void make(struct packet *packet, const uint8_t *target, uint16_t port, uint64_t source,
		 int family)
{
	unsigned size = family == AF_INET ? 4 : 16;
	uint8_t *ip = packet->bytes, *tcp = ip + (family == AF_INET ? IPV4_SIZE : IPV6_SIZE);
	uint8_t *from = ip + (family == AF_INET ? 12 : 8);
	uint64_t more = random_next();

	if (family == AF_INET) {
		memcpy(ip, "\x45\0\0\x28\0\0\0\0\x40\x06", 10); /* the kernel adds its checksum */
	} else {
		memcpy(ip, "\x60\0\0\0\0\x14\x06\x40", 8);
	}
	put_source(from, source, family);
	memcpy(from + size, target, size);
	memset(tcp, 0, TCP_SIZE);
	tcp[0] = 0x80 | more >> 8; /* from 32768 on */
	tcp[1] = more;
	tcp[2] = port >> 8;
	tcp[3] = port;
	memcpy(tcp + 4, (const uint8_t *)&more + 2, 4);
	tcp[12] = 0x50;
	tcp[13] = 0x02; /* SYN */
	tcp[14] = 0x02;
	put_checksum(tcp, from, 2 * size);
}

static int die(const char *what)
{
	fprintf(stderr, "flood: %s: %s\n", what, strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	uint64_t sources, sent = 0;
	int family, fd;
	time_t end;

	if (argc != 5) {
		fprintf(stderr, "flood TARGET PORT SOURCES SECONDS\n");
		return 2;
	}
	family = strchr(argv[1], ':') ? AF_INET6 : AF_INET;
	if (inet_pton(family, argv[1],
		      family == AF_INET ? (void *)&v4.sin_addr : (void *)&v6.sin6_addr) != 1)
		return die("no address");
	sources = strtoull(argv[3], NULL, 10);
	fd = socket(family, SOCK_RAW, IPPROTO_RAW);
	if (fd < 0)
		return die("socket");
	for (unsigned i = 0; i < BATCH; i++) {
		vectors[i] = (struct iovec){.iov_base = &packets[i],
					    .iov_len = TCP_SIZE +
						       (family == AF_INET ? IPV4_SIZE : IPV6_SIZE)};
		messages[i].msg_hdr =
			(struct msghdr){.msg_name = family == AF_INET ? (void *)&v4 : (void *)&v6,
					.msg_namelen = family == AF_INET ? sizeof(v4) : sizeof(v6),
					.msg_iov = &vectors[i],
					.msg_iovlen = 1};
	}
	for (end = time(NULL) + atoi(argv[4]); time(NULL) < end;) {
		for (unsigned i = 0; i < BATCH; i++, sent++)
			make(&packets[i],
			     family == AF_INET ? (void *)&v4.sin_addr : (void *)&v6.sin6_addr,
			     atoi(argv[2]), sources ? sent % sources : random_next(), family);
		if (sendmmsg(fd, messages, BATCH, 0) < 0 && errno != ENOBUFS)
			return die("sendmmsg");
	}
	return 0;
}

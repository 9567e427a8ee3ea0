// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * connects refused SECONDS    connects over loopback to a port where nobody listens
 * connects ordinary COUNT     connects, exchanges a byte each way, closes; its own server answers
 * connects bulk MEGABYTES     sends so much over one connection; its own server reads it
 * connects drops SECONDS      sends UDP datagrams to a port where nobody listens: each is dropped
 * connects trips COUNT        sends a byte there and back so many times over one connection
 * connects forks COUNT        forks so many processes, one after the other, which end at once
 * connects open COUNT         opens so many sockets, connected in pairs, and keeps them
 *
 * Prints the connections, megabytes, datagrams, round trips or processes per second. "open" prints
 * "ready" and stays until it is ended.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define REFUSED_PORT  9
#define ORDINARY_PORT 8080
#define BULK_BYTES    (1 << 20) /* written or read at once */
#define LOOPBACKS     250 /* server addresses taken in turn: one has too few ports for TIME_WAIT */
#define PAIRS	      8000 /* of connected sockets a process: some systems limit it to 20,000 files */

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

static void die(const char *what)
{
	fprintf(stderr, "connects: %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct sockaddr_in loopback(uint32_t index, uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK + index % LOOPBACKS),
	};
}

static double run_refused(double seconds)
{
	struct sockaddr_in address = loopback(0, REFUSED_PORT);
	double start = now(), end = start;
	uint64_t count = 0;

	while (end - start < seconds) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

		if (fd < 0)
			die("socket");
		if (!connect(fd, (struct sockaddr *)&address, sizeof(address))) {
			errno = EADDRINUSE;
			die("somebody listens on the port");
		}
		close(fd);
		if (!(++count % 256))
			end = now();
	}
	return count / (end - start);
}

static void serve(int listener)
{
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		char byte;

		if (fd < 0)
			die("accept");
		while (read(fd, &byte, 1) == 1)
			if (write(fd, &byte, 1) != 1)
				die("write");
		close(fd);
	}
}

static int listen_anywhere(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(ORDINARY_PORT)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 4096))
		die("listen");
	return fd;
}

static void connect_once(uint32_t index)
{
	struct sockaddr_in address = loopback(index, ORDINARY_PORT);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char byte = 'x';

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)))
		die("connect");
	if (write(fd, &byte, 1) != 1 || read(fd, &byte, 1) != 1)
		die("exchange");
	close(fd);
}

static void read_all(int listener)
{
	static char bytes[BULK_BYTES];
	int fd = accept(listener, NULL, NULL);

	if (fd < 0)
		die("accept");
	while (read(fd, bytes, sizeof(bytes)) > 0)
		;
	_exit(0);
}

static void write_all(uint32_t megabytes)
{
	static char bytes[BULK_BYTES];
	struct sockaddr_in address = loopback(0, ORDINARY_PORT);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)))
		die("connect");
	for (uint64_t left = (uint64_t)megabytes << 20; left;) {
		ssize_t sent = write(fd, bytes, left < sizeof(bytes) ? left : sizeof(bytes));

		if (sent <= 0)
			die("write");
		left -= sent;
	}
	close(fd);
}

static void connect_all(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		connect_once(i);
}

/* The client's work, and a server beside it. How many of the units of work a second. */
static double run_pair(void (*server)(int listener), void (*client)(uint32_t count), uint32_t count)
{
	int listener = listen_anywhere();
	pid_t child = fork();
	double start, rate;

	if (child < 0)
		die("fork");
	if (!child)
		server(listener);
	start = now();
	client(count);
	rate = count / (now() - start);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return rate;
}

static void send_byte(int fd)
{
	if (write(fd, "x", 1) != 1)
		die("write");
}

static void receive_byte(int fd)
{
	char byte;

	if (read(fd, &byte, 1) != 1)
		die("read");
}

static void make_trips(uint32_t count)
{
	struct sockaddr_in address = loopback(0, ORDINARY_PORT);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)))
		die("connect");
	for (uint32_t i = 0; i < count; i++) {
		send_byte(fd);
		receive_byte(fd);
	}
	close(fd);
}

static double run_forks(uint32_t count)
{
	double start = now();

	for (uint32_t i = 0; i < count; i++) {
		pid_t child = fork();

		if (child < 0)
			die("fork");
		if (!child)
			_exit(0);
		waitpid(child, NULL, 0);
	}
	return count / (now() - start);
}

/* In a process of its own, which tells over the pipe that it is done, and ends with its parent. */
static void open_pairs(int listener, uint32_t first, uint32_t count, int done)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (uint32_t i = first; i < first + count; i++) {
		struct sockaddr_in address = loopback(i, ORDINARY_PORT);
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) ||
		    accept(listener, NULL, NULL) < 0)
			die("open");
	}
	send_byte(done);
	pause();
	_exit(0);
}

/* One process after the other, so that each accepts what it has connected. */
static void run_open(uint32_t count)
{
	int listener = listen_anywhere(), done[2];

	if (pipe(done))
		die("pipe");
	for (uint32_t first = 0; first < count / 2; first += PAIRS) {
		uint32_t left = count / 2 - first;
		pid_t child = fork();

		if (child < 0)
			die("fork");
		if (!child)
			open_pairs(listener, first, left < PAIRS ? left : PAIRS, done[1]);
		receive_byte(done[0]);
	}
	puts("ready");
	fflush(stdout);
	pause();
}

static double run_drops(double seconds)
{
	struct sockaddr_in address = loopback(0, REFUSED_PORT);
	double start = now(), end = start;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	uint64_t count = 0;

	if (fd < 0)
		die("socket");
	while (end - start < seconds) {
		if (sendto(fd, "x", 1, 0, (struct sockaddr *)&address, sizeof(address)) < 0 &&
		    errno != ECONNREFUSED)
			die("sendto");
		if (!(++count % 256))
			end = now();
	}
	return count / (end - start);
}

int main(int argc, char **argv)
{
	const char *what = argc == 3 ? argv[1] : "";
	double number = argc == 3 ? strtod(argv[2], NULL) : 0;

	if (number > 0 && number <= UINT32_MAX && !strcmp(what, "refused"))
		printf("%.0f\n", run_refused(number));
	else if (number > 0 && number <= UINT32_MAX && !strcmp(what, "drops"))
		printf("%.0f\n", run_drops(number));
	else if (number >= 1 && number <= UINT32_MAX && !strcmp(what, "ordinary"))
		printf("%.0f\n", run_pair(serve, connect_all, number));
	else if (number >= 1 && number <= UINT32_MAX && !strcmp(what, "bulk"))
		printf("%.0f\n", run_pair(read_all, write_all, number));
	else if (number >= 1 && number <= UINT32_MAX && !strcmp(what, "trips"))
		printf("%.0f\n", run_pair(serve, make_trips, number));
	else if (number >= 1 && number <= UINT32_MAX && !strcmp(what, "forks"))
		printf("%.0f\n", run_forks(number));
	else if (number >= 1 && number <= UINT32_MAX && !strcmp(what, "open"))
		run_open(number);
	else {
		fputs("usage: connects refused SECONDS | ordinary COUNT | bulk MEGABYTES | "
		      "drops SECONDS | trips COUNT | forks COUNT | open COUNT\n",
		      stderr);
		return 2;
	}
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* rstwatch and rstwatch record: the kernel's records, to the pipeline and to a recording. */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "capture.h"
#include "recording.h"
#include "session.h"
#include "units.h"
#include "version.h"

struct live {
	const struct options *options;
	struct session *session;
	struct capture *capture;
	struct recording_writer *recording;
	int recording_error;
	int epoll_fd, timer_fd;
	bool between_slices; /* nothing has come since the last slice ended */
};

/* Tells the loop to stop; an eventfd, as it may be written from a signal handler. */
static int stop_fd = -1;

static void on_signal(int number)
{
	const uint64_t one = 1;
	int saved = errno;

	(void)number;
	if (write(stop_fd, &one, sizeof(one)) < 0)
		errno = saved; /* the loop is stopping already */
	errno = saved;
}

/* A first signal ends the run in order, a second one at once, if output hangs for example. */
static int catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND};

	stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (stop_fd < 0)
		return -errno;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	return 0;
}

/* Both consumers see every record; the recording comes first, so that it holds what was shown. */
static int consume(void *context, const struct record *record)
{
	struct live *live = context;

	if (live->recording && !live->recording_error)
		live->recording_error = recording_add(live->recording, record);
	return pipeline_feed(&live->session->pipeline, record);
}

static int watch(struct live *live, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events, .data = {.fd = fd}};

	return epoll_ctl(live->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

/* A tick each second from the start of the first slice. */
static int start_timer(struct live *live)
{
	uint64_t first_ns = capture_start_ns(live->capture) + SECOND_NS;
	struct itimerspec ticks = {
		.it_value = {.tv_sec = first_ns / SECOND_NS, .tv_nsec = first_ns % SECOND_NS},
		.it_interval = {.tv_sec = 1},
	};

	live->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (live->timer_fd < 0 || timerfd_settime(live->timer_fd, TFD_TIMER_ABSTIME, &ticks, NULL))
		return -errno;
	return 0;
}

static int set_up_loop(struct live *live)
{
	int error;

	live->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (live->epoll_fd < 0)
		return -errno;
	error = start_timer(live);
	if (!error)
		error = watch(live, live->timer_fd, EPOLLIN);
	if (!error)
		error = watch(live, stop_fd, EPOLLIN);
	if (!error)
		error = watch(live, capture_fd(live->capture), EPOLLIN | EPOLLET);
	/* A reader that goes away is noticed although nothing is written. A file cannot be watched,
	 * and cannot go away either. */
	if (!error)
		(void)watch(live, STDOUT_FILENO, 0);
	return error;
}

/* What epoll reported: a tick, the end, or nothing but time gone by. *stop ends the loop. */
static int handle(struct live *live, int fd, bool *stop)
{
	uint64_t ticks;
	int error = 0;

	if (fd == stop_fd) {
		*stop = true;
	} else if (fd == STDOUT_FILENO) {
		live->session->output.error = -EPIPE;
		*stop = true;
	} else if (fd == live->timer_fd &&
		   read(live->timer_fd, &ticks, sizeof(ticks)) == sizeof(ticks)) {
		/* Missed ticks make one long slice. */
		live->between_slices = true;
		error = capture_turn(live->capture, false, consume, live);
	}
	return error;
}

static void complain(struct capture *capture)
{
	const char *complaint;

	while ((complaint = capture_complaint(capture)))
		session_complain("%s", complaint);
}

/* Until a signal, a limit, a closed pipe or an error. */
static int loop(struct live *live)
{
	struct pipeline *pipeline = &live->session->pipeline;
	bool more = true, stop = false;
	int error = 0;

	while (!error && !stop && !pipeline->done && !live->recording_error &&
	       session_flush(live->session)) {
		struct epoll_event event;
		int ready = epoll_wait(live->epoll_fd, &event, 1, more ? CAPTURE_PAUSE_MS : -1);

		if (ready < 0 && errno != EINTR)
			return -errno;
		live->between_slices = false;
		if (ready > 0)
			error = handle(live, event.data.fd, &stop);
		complain(live->capture);
		if (!error && !stop && !pipeline->done)
			error = capture_poll(live->capture, &more, consume, live);
		capture_watch(live->capture, pipeline->watch);
	}
	return error;
}

static int run(struct live *live)
{
	const struct options *options = live->options;
	struct record_start start = {
		.window_seconds =
			options->window_seconds ? options->window_seconds : OPTIONS_WINDOW_SECONDS,
		.rate = options->rate,
	};
	int error;

	snprintf(start.version, sizeof(start.version), "%s", RSTWATCH_VERSION);
	error = capture_start(live->capture, &start, consume, live);
	if (!error)
		error = set_up_loop(live);
	if (!error && isatty(STDERR_FILENO) && !options->view.json)
		fputs("Watching for TCP resets. Ctrl-C ends.\n", stderr);
	if (!error)
		error = loop(live);
	/* A run that is over with its last slice has nothing more to tell. */
	if (!error && !live->between_slices)
		error = capture_turn(live->capture, true, consume, live);
	if (!error)
		error = capture_end(live->capture, consume, live);
	return error;
}

static int finish_recording(struct live *live, bool complete)
{
	int error = recording_finish(&live->recording, complete && !live->recording_error);

	if (live->recording_error)
		error = live->recording_error;
	if (!error)
		return SESSION_DONE;
	session_complain("cannot write to %s: %s; what is there can be replayed",
			 live->options->path, strerror(-error));
	return SESSION_FAILED;
}

int live_run(const struct options *options)
{
	struct live live = {.options = options, .epoll_fd = -1, .timer_fd = -1};
	struct capture_settings settings = {
		.btf_path = options->btf_path,
		.verbose = options->verbose,
		.limits = options->limits,
	};
	char message[CAPTURE_ERROR_BYTES];
	int error, code = SESSION_DONE;

	error = catch_signals();
	if (!error)
		error = capture_open(&live.capture, &settings, message);
	if (error) {
		session_complain("%s", message);
		return SESSION_FAILED;
	}
	if (options->command == OPTIONS_RECORD) {
		error = recording_create(&live.recording, options->path);
		if (error) {
			session_complain("cannot record to %s: %s", options->path,
					 strerror(-error));
			capture_close(&live.capture);
			return SESSION_FAILED;
		}
	}
	live.session = session_begin(options);
	if (!live.session) {
		recording_finish(&live.recording, false);
		capture_close(&live.capture);
		return SESSION_FAILED;
	}
	error = run(&live);
	if (error) {
		session_complain("cannot go on reading from the kernel: %s", strerror(-error));
		code = SESSION_FAILED;
	}
	pipeline_finish(&live.session->pipeline, false);
	if (finish_recording(&live, !error) != SESSION_DONE)
		code = SESSION_FAILED;
	capture_close(&live.capture);
	if (live.timer_fd >= 0)
		close(live.timer_fd);
	if (live.epoll_fd >= 0)
		close(live.epoll_fd);
	close(stop_fd);
	return session_end(live.session, options, code);
}

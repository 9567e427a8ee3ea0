// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit.h"

#include <signal.h>

#include "owner.h"

#define NETNS 4026531840u
#define HOST  0x0a000002 /* 10.0.0.2 */

struct fixture {
	struct processes processes;
	struct listeners listeners;
};

static void listener(struct fixture *fixture, unsigned kind, uint32_t host, uint16_t port,
		     uint32_t owner, uint64_t time_ns, int exit_status)
{
	struct rst_listener change = {.time_ns = time_ns,
				      .socket = (uint64_t)host << 16 | port,
				      .netns = NETNS,
				      .owner = owner,
				      .port = port,
				      .change = kind,
				      .flags = exit_status < 0 ? 0 : RST_LISTENER_EXITING,
				      .exit_status = exit_status};

	unit_ipv4(change.address, host);
	listeners_add(&fixture->listeners, &change);
}

/* Processes 1 to 9, with pids 101 to 109. On HOST, 1 listens on 80, 2 listened on 81 until 50 and
 * was killed, 3 closed 82 at 50. On HOST + 1, 4 listens on 83. On HOST, 77 is unknown, on 84. */
static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	if (!fixture)
		return -1;
	listeners_init(&fixture->listeners, 1);
	for (uint32_t i = 1; i <= 9; i++) {
		const struct record_process record = {.number = i, .pid = 100 + i};

		processes_add(&fixture->processes, &record);
	}
	listener(fixture, RST_LISTENER_FOUND, HOST, 80, 1, 10, -1);
	listener(fixture, RST_LISTENER_OPENED, HOST, 81, 2, 10, -1);
	listener(fixture, RST_LISTENER_CLOSED, HOST, 81, 2, 50, SIGSEGV);
	listener(fixture, RST_LISTENER_OPENED, HOST, 82, 3, 10, -1);
	listener(fixture, RST_LISTENER_CLOSED, HOST, 82, 3, 50, -1);
	listener(fixture, RST_LISTENER_OPENED, HOST + 1, 83, 4, 10, -1);
	listener(fixture, RST_LISTENER_OPENED, HOST, 84, 77, 10, -1);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

#define EVENT(...) ((struct rst_event){__VA_ARGS__})

/* What is 0 is the usual: that namespace, at 100, as a server. */
static struct owner of_event(const struct fixture *fixture, struct rst_event event)
{
	unit_ipv4(event.local, HOST);
	event.netns = event.netns ? event.netns : NETNS;
	event.time_ns = event.time_ns ? event.time_ns : 100;
	event.role = event.role ? event.role : RST_ROLE_SERVER;
	return owner_of_event(&fixture->processes, &fixture->listeners, &event);
}

#define expect(owner, known, number) expect_at(owner, known, number, __LINE__)

/* pid: of the process, 0 for none. */
static void expect_at(struct owner owner, enum owner_known known, uint32_t pid, int line)
{
	if (owner.known_by != known || (owner.process ? owner.process->pid : 0) != pid)
		fail_msg("line %d: known by %d, pid %u", line, owner.known_by,
			 owner.process ? owner.process->pid : 0);
}

static void names(void **state)
{
	(void)state;
	assert_string_equal(owner_known_name(OWNER_SOCKET), "socket");
	assert_string_equal(owner_known_name(OWNER_LISTENER), "listener");
	assert_string_equal(owner_known_name(OWNER_LAST_LISTENER), "last_listener");
	assert_string_equal(owner_known_name(OWNER_KERNEL), "kernel");
	assert_string_equal(owner_known_name(OWNER_FIREWALL), "firewall");
	assert_null(owner_known_name(OWNER_UNKNOWN));
	assert_null(owner_known_name(OWNER_KNOWNS));
	assert_null(owner_known_name((enum owner_known) - 1));
}

static void process_of_the_socket_goes_first(void **state)
{
	const struct fixture *fixture = *state;

	for (unsigned cause = 1; cause < RST_CAUSES; cause++)
		for (unsigned role = 1; role < RST_ROLES; role++) {
			expect(of_event(fixture, EVENT(.owner = 5, .local_port = 80, .cause = cause,
						       .role = role, .state = RST_STATE_ESTABLISHED,
						       .flags = RST_EVENT_KERNEL)),
			       OWNER_SOCKET, 105);
			expect(of_event(fixture, EVENT(.owner = 99, .local_port = 80,
						       .cause = cause, .role = role)),
			       OWNER_SOCKET, 0);
		}
	expect(of_event(fixture, EVENT(.owner = 5, .state = RST_STATE_LISTEN)), OWNER_LISTENER,
	       105);
	expect(of_event(fixture, EVENT(.owner = 5, .state = RST_STATE_NEW_SYN_RECV)),
	       OWNER_LISTENER, 105);
	expect(of_event(fixture, EVENT(.owner = 5, .state = RST_STATE_SYN_RECV)), OWNER_SOCKET,
	       105);
}

static void firewall_and_kernel(void **state)
{
	const struct fixture *fixture = *state;

	expect(of_event(fixture, EVENT(.local_port = 80, .cause = RST_FIREWALL)), OWNER_FIREWALL,
	       0);
	expect(of_event(fixture,
			EVENT(.local_port = 80, .cause = RST_FIREWALL, .flags = RST_EVENT_KERNEL)),
	       OWNER_FIREWALL, 0);
	expect(of_event(fixture, EVENT(.local_port = 80, .cause = RST_ABORTED,
				       .state = RST_STATE_CLOSE, .flags = RST_EVENT_KERNEL)),
	       OWNER_KERNEL, 0);
}

static void listeners_of_the_port(void **state)
{
	const struct fixture *fixture = *state;
	struct owner owner;

	expect(of_event(fixture, EVENT(.local_port = 80)), OWNER_LISTENER, 101);
	expect(of_event(fixture, EVENT(.local_port = 80, .role = RST_ROLE_UNKNOWN)), OWNER_LISTENER,
	       101);
	expect(of_event(fixture, EVENT(.local_port = 80, .state = RST_STATE_CLOSE)), OWNER_LISTENER,
	       101);
	expect(of_event(fixture, EVENT(.local_port = 80, .role = RST_ROLE_CLIENT)), OWNER_KERNEL,
	       0);
	expect(of_event(fixture,
			EVENT(.local_port = 80, .role = RST_ROLE_CLIENT, .state = RST_STATE_CLOSE)),
	       OWNER_UNKNOWN, 0);
	expect(of_event(fixture, EVENT(.local_port = 1, .peer_port = 80)), OWNER_KERNEL, 0);
	expect(of_event(fixture, EVENT(.local_port = 80, .netns = 1)), OWNER_KERNEL, 0);
	expect(of_event(fixture, EVENT(.local_port = 84)), OWNER_LISTENER, 0);
	owner = of_event(fixture, EVENT(.local_port = 81));
	expect(owner, OWNER_LAST_LISTENER, 102);
	assert_int_equal(owner.stopped_ns, 50);
	assert_true(owner.exited);
	assert_int_equal(owner.exit_status, SIGSEGV);
	expect(of_event(fixture, EVENT(.local_port = 81, .time_ns = 49)), OWNER_LISTENER, 102);
	owner = of_event(fixture, EVENT(.local_port = 82));
	expect(owner, OWNER_LAST_LISTENER, 103);
	assert_false(owner.exited);
	assert_int_equal(owner.exit_status, 0);
}

static void what_remains(void **state)
{
	const struct fixture *fixture = *state;

	for (unsigned at = 0; at < RST_STATES; at++)
		expect(of_event(fixture, EVENT(.local_port = 1, .state = at)),
		       at == 0 ? OWNER_KERNEL : OWNER_UNKNOWN, 0);
}

/* Where no listener is ever told of, as in older recordings, nothing can be said of them. */
static void says_whether_listeners_are_told_of(void **state)
{
	struct fixture *fixture = *state;

	assert_true(of_event(fixture, EVENT(.local_port = 1)).watched);
	listeners_init(&fixture->listeners, 1);
	expect(of_event(fixture, EVENT(.local_port = 1)), OWNER_KERNEL, 0);
	assert_false(of_event(fixture, EVENT(.local_port = 1)).watched);
}

static void closed_on_this_address_only(void **state)
{
	struct fixture *fixture = *state;
	struct owner owner = of_event(fixture, EVENT(.local_port = 83, .cause = RST_CLOSED_PORT));

	expect(owner, OWNER_KERNEL, 0);
	assert_true(owner.elsewhere);
	assert_int_equal(owner.neighbor->pid, 104);
	owner = of_event(fixture, EVENT(.local_port = 83, .cause = RST_HALF_OPEN));
	assert_false(owner.elsewhere);
	owner = of_event(fixture, EVENT(.local_port = 83, .cause = RST_CLOSED_PORT, .time_ns = 9));
	assert_false(owner.elsewhere);
	assert_null(owner.neighbor);
	owner = of_event(fixture, EVENT(.local_port = 80, .cause = RST_CLOSED_PORT));
	expect(owner, OWNER_LISTENER, 101);
	assert_false(owner.elsewhere);
	owner = of_event(fixture, EVENT(.local_port = 81, .cause = RST_CLOSED_PORT));
	assert_false(owner.elsewhere);
	listener(fixture, RST_LISTENER_OPENED, HOST + 1, 81, 9, 60, -1);
	owner = of_event(fixture, EVENT(.local_port = 81, .cause = RST_CLOSED_PORT));
	expect(owner, OWNER_LAST_LISTENER, 102);
	assert_true(owner.elsewhere);
	assert_int_equal(owner.neighbor->pid, 109);
}

#define KEY(...) ((struct rst_port_key){__VA_ARGS__})

static struct owner of_key(const struct fixture *fixture, struct rst_port_key key)
{
	key.netns = NETNS;
	key.role = key.role ? key.role : RST_ROLE_SERVER;
	return owner_of_key(&fixture->processes, &fixture->listeners, &key, 100);
}

static void keys(void **state)
{
	const struct fixture *fixture = *state;
	struct owner owner;

	expect(of_key(fixture, KEY(.owner = 5, .port = 80, .cause = RST_ABORTED)), OWNER_SOCKET,
	       105);
	expect(of_key(fixture, KEY(.owner = 99, .port = 80, .cause = RST_FIREWALL)), OWNER_SOCKET,
	       0);
	expect(of_key(fixture, KEY(.owner = 5, .cause = RST_QUEUE_FULL)), OWNER_LISTENER, 105);
	expect(of_key(fixture, KEY(.owner = 5, .cause = RST_STAGE_HANDSHAKE)), OWNER_LISTENER, 105);
	expect(of_key(fixture, KEY(.owner = 5, .cause = RST_HALF_OPEN)), OWNER_LISTENER, 105);
	expect(of_key(fixture, KEY(.owner = 5, .cause = RST_INVALID)), OWNER_LISTENER, 105);
	expect(of_key(fixture, KEY(.owner = 5, .cause = RST_HALF_OPEN, .role = RST_ROLE_CLIENT)),
	       OWNER_SOCKET, 105);
	expect(of_key(fixture, KEY(.port = 80, .cause = RST_FIREWALL)), OWNER_FIREWALL, 0);
	expect(of_key(fixture, KEY(.port = 80, .cause = RST_HALF_OPEN)), OWNER_LISTENER, 101);
	expect(of_key(fixture, KEY(.port = 80, .cause = RST_HALF_OPEN, .role = RST_ROLE_UNKNOWN)),
	       OWNER_LISTENER, 101);
	expect(of_key(fixture, KEY(.port = 80, .cause = RST_ABORTED, .role = RST_ROLE_CLIENT)),
	       OWNER_UNKNOWN, 0);
	expect(of_key(fixture, KEY(.port = 83, .cause = RST_STAGE_STRAY)), OWNER_LISTENER, 104);
	expect(of_key(fixture, KEY(.port = 84, .cause = RST_HALF_OPEN)), OWNER_LISTENER, 0);
	owner = of_key(fixture, KEY(.port = 81, .cause = RST_CLOSED_PORT));
	expect(owner, OWNER_LAST_LISTENER, 102);
	assert_int_equal(owner.stopped_ns, 50);
	assert_true(owner.exited);
	for (unsigned cause = 1; cause < RST_CAUSES; cause++) {
		bool nobody = cause == RST_CLOSED_PORT || cause == RST_HALF_OPEN ||
			      cause == RST_STAGE_STRAY;

		expect(of_key(fixture, KEY(.port = 1, .cause = cause)),
		       cause == RST_FIREWALL ? OWNER_FIREWALL
		       : nobody		     ? OWNER_KERNEL
					     : OWNER_UNKNOWN,
		       0);
	}
}

static void exits(void **state)
{
	static const struct {
		uint32_t status;
		const char *text;
	} examples[] = {
		{0, "exited with status 0"},	       {1 << 8, "exited with status 1"},
		{255 << 8, "exited with status 255"},  {SIGSEGV, "killed by SIGSEGV"},
		{SIGSEGV | 0x80, "killed by SIGSEGV"}, {SIGKILL, "killed by SIGKILL"},
		{SIGTERM, "killed by SIGTERM"},	       {SIGHUP, "killed by SIGHUP"},
		{SIGABRT | 0x80, "killed by SIGABRT"}, {SIGSYS, "killed by SIGSYS"},
		{63, "killed by signal 63"},	       {127, "killed by signal 127"},
		{0xffffffff, "killed by signal 127"},
	};
	char text[OWNER_EXIT_BYTES];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(examples); i++) {
		memset(text, 'x', sizeof(text));
		assert_int_equal(owner_exit_format(text, examples[i].status),
				 strlen(examples[i].text));
		assert_string_equal(text, examples[i].text);
	}
}

#define OWNER_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

static void kept_without_its_processes(void **state)
{
	const struct process process = {.number = 5}, neighbor = {.number = 6};
	const struct owner owner = {.known_by = OWNER_LAST_LISTENER,
				    .process = &process,
				    .neighbor = &neighbor,
				    .stopped_ns = 9};
	const struct owner nobody = {.known_by = OWNER_KERNEL};
	struct owner kept;

	(void)state;
	assert_int_equal(owner_keep(&kept, &owner), 5);
	assert_int_equal(kept.known_by, OWNER_LAST_LISTENER);
	assert_int_equal(kept.stopped_ns, 9);
	assert_null(kept.process);
	assert_null(kept.neighbor);
	assert_int_equal(owner_keep(&kept, &nobody), 0);
	assert_int_equal(kept.known_by, OWNER_KERNEL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(kept_without_its_processes),
		OWNER_TEST(process_of_the_socket_goes_first),
		OWNER_TEST(firewall_and_kernel),
		OWNER_TEST(listeners_of_the_port),
		OWNER_TEST(what_remains),
		OWNER_TEST(says_whether_listeners_are_told_of),
		OWNER_TEST(closed_on_this_address_only),
		OWNER_TEST(keys),
		cmocka_unit_test(exits),
	};

	return cmocka_run_group_tests_name("owner", tests, NULL, NULL);
}

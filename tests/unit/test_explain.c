// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit.h"

#include <signal.h>

#include "explain.h"
#include "names.h"

#define NGINX	     "nginx (pid 812, nginx.service)"
#define UNKNOWN_ROLE RST_ROLE_UNKNOWN
#define SERVER	     RST_ROLE_SERVER
#define CLIENT	     RST_ROLE_CLIENT

static const struct process nginx = {
	.number = 1, .pid = 812, .comm = "nginx", .names.unit = "nginx.service"};
static const struct rst_connection past = {
	.bytes_in = 120, .bytes_out = 4000, .age_ms = 3200, .idle_ms = 9999};

/* At 10 s, with nginx as the owner if there is to be one, who stopped 3.2 s before. */
static struct rst_event event_of(unsigned cause, unsigned role)
{
	struct rst_event event = {.time_ns = 10 * SECOND_NS,
				  .cause = cause,
				  .direction = name_cause_direction(cause),
				  .role = role,
				  .local_port = role == CLIENT ? 45000 : 443,
				  .peer_port = role == CLIENT ? 443 : 45000};

	unit_ipv4(event.local, 0x0a000002);
	unit_ipv4(event.peer, 0x0a000007);
	return event;
}

static struct owner owner_known(enum owner_known known)
{
	struct owner owner = {.known_by = known, .watched = true};

	if (known == OWNER_SOCKET || known == OWNER_LISTENER || known == OWNER_LAST_LISTENER)
		owner.process = &nginx;
	if (known == OWNER_LAST_LISTENER) {
		owner.stopped_ns = 6800000000;
		owner.exited = true;
		owner.exit_status = SIGSEGV;
	}
	return owner;
}

static const char *explain(const struct rst_event *event, const struct rst_connection *connection,
			   const struct owner *owner, const char *reason)
{
	static char text[EXPLAIN_BYTES];

	memset(text, 'x', sizeof(text));
	explain_event(text, event, connection, owner, reason);
	return text;
}

struct example {
	unsigned cause, role;
	enum owner_known known;
	const char *reason;
	const struct rst_connection *connection;
	const char *sentence;
};

#define AFTER	" after 3.2 s, 120 bytes in, 4 kB out."
#define STOPPED "where " NGINX " listened until 3.2 s ago (killed by SIGSEGV)"

static const struct example examples[] = {
	{RST_CLOSED_PORT, SERVER, OWNER_KERNEL, NULL, NULL,
	 "Nothing listens on port 443, and nothing has since rstwatch started."},
	{RST_CLOSED_PORT, SERVER, OWNER_UNKNOWN, "NO_SOCKET", NULL, "Nothing listens on port 443."},
	{RST_CLOSED_PORT, SERVER, OWNER_LAST_LISTENER, NULL, NULL,
	 "Nothing listens on port 443: " NGINX " stopped 3.2 s ago, killed by SIGSEGV."},
	{RST_CLOSED_PORT, SERVER, OWNER_LISTENER, NULL, NULL,
	 NGINX " listens on port 443, but had no part in this SYN from 10.0.0.7: bound to an "
	       "interface, or only just started."},
	{RST_ABORTED, SERVER, OWNER_SOCKET, "TCP_ABORT_ON_CLOSE", &past,
	 NGINX " closed the connection from 10.0.0.7 to port 443 with unread data" AFTER},
	{RST_ABORTED, CLIENT, OWNER_SOCKET, "TCP_ABORT_ON_DATA", NULL,
	 NGINX " had closed the connection to 10.0.0.7:443 when more data came in."},
	{RST_ABORTED, UNKNOWN_ROLE, OWNER_SOCKET, "TCP_ABORT_ON_LINGER", NULL,
	 NGINX " closed the connection between port 443 and 10.0.0.7:45000 and did not wait for "
	       "the other end (TCP_LINGER2)."},
	{RST_ABORTED, SERVER, OWNER_SOCKET, "TCP_DISCONNECT_WITH_DATA", &past,
	 NGINX " disconnected the connection from 10.0.0.7 to port 443 with data not yet "
	       "sent" AFTER},
	{RST_ABORTED, SERVER, OWNER_SOCKET, "TCP_STATE", &past,
	 NGINX " aborted the connection from 10.0.0.7 to port 443 (SO_LINGER 0, a disconnect, or "
	       "an administrator)" AFTER},
	{RST_ABORTED, SERVER, OWNER_SOCKET, NULL, &past,
	 NGINX " aborted the connection from 10.0.0.7 to port 443" AFTER},
	{RST_ABORTED, SERVER, OWNER_SOCKET, "NOT_SPECIFIED", NULL,
	 NGINX " aborted the connection from 10.0.0.7 to port 443."},
	{RST_ABORTED, SERVER, OWNER_LISTENER, NULL, NULL,
	 "A process behind port 443, where " NGINX " listens, aborted the connection from "
	 "10.0.0.7 to port 443."},
	{RST_ABORTED, SERVER, OWNER_LAST_LISTENER, NULL, NULL,
	 "A process behind port 443, " STOPPED ", aborted the connection from 10.0.0.7 to port "
	 "443."},
	{RST_ABORTED, SERVER, OWNER_KERNEL, NULL, NULL,
	 "The kernel aborted the connection from 10.0.0.7 to port 443."},
	{RST_ABORTED, SERVER, OWNER_UNKNOWN, NULL, NULL,
	 "This host aborted the connection from 10.0.0.7 to port 443."},
	{RST_HALF_OPEN, UNKNOWN_ROLE, OWNER_KERNEL, NULL, NULL,
	 "10.0.0.7:45000 talks to port 443 on a connection that this host does not know."},
	{RST_HALF_OPEN, SERVER, OWNER_LISTENER, NULL, NULL,
	 "10.0.0.7 talks to port 443, where " NGINX " listens, on a connection that this host "
	 "does not know."},
	{RST_HALF_OPEN, SERVER, OWNER_LAST_LISTENER, NULL, NULL,
	 "10.0.0.7 talks to port 443, " STOPPED ", on a connection that this host does not know."},
	{RST_HALF_OPEN, CLIENT, OWNER_KERNEL, NULL, NULL,
	 "10.0.0.7:443 answered a connection attempt that this host does not know."},
	{RST_HALF_OPEN, CLIENT, OWNER_SOCKET, NULL, NULL,
	 "10.0.0.7:443 answered another connection attempt than that of " NGINX "."},
	{RST_TIME_WAIT, SERVER, OWNER_LISTENER, NULL, NULL,
	 "10.0.0.7 went on with its connection to port 443, where " NGINX " listens, after this "
	 "host had closed it (TIME_WAIT)."},
	{RST_TIME_WAIT, CLIENT, OWNER_KERNEL, NULL, NULL,
	 "10.0.0.7:443 went on with its connection with this host, after this host had closed it "
	 "(TIME_WAIT)."},
	{RST_QUEUE_FULL, SERVER, OWNER_LISTENER, NULL, NULL,
	 NGINX " accepts too slowly: its accept queue on port 443 is full, and "
	       "net.ipv4.tcp_abort_on_overflow is set."},
	{RST_QUEUE_FULL, SERVER, OWNER_LAST_LISTENER, NULL, NULL,
	 "The accept queue of port 443 is full, and net.ipv4.tcp_abort_on_overflow is set."},
	{RST_NO_MEMORY, SERVER, OWNER_SOCKET, NULL, &past,
	 "The kernel is short of socket memory and gave up the connection from 10.0.0.7 to port "
	 "443 of " NGINX AFTER},
	{RST_KEEPALIVE, SERVER, OWNER_SOCKET, NULL, &past,
	 "10.0.0.7 no longer answers the keepalive probes on its connection to port 443 of " NGINX
		 AFTER},
	{RST_INVALID, SERVER, OWNER_LISTENER, NULL, NULL,
	 "10.0.0.7 sent a segment that breaks the handshake of its connection to port 443, "
	 "where " NGINX " listens."},
	{RST_MPTCP, CLIENT, OWNER_SOCKET, "MPTCP_RST_EPROHIBIT", NULL,
	 "Multipath TCP reset the connection to 10.0.0.7:443 of " NGINX ": MPTCP_RST_EPROHIBIT."},
	{RST_FIREWALL, SERVER, OWNER_FIREWALL, NULL, NULL,
	 "A firewall rule of this host rejected the connection from 10.0.0.7 to port 443."},
	{RST_UNKNOWN, SERVER, OWNER_SOCKET, NULL, &past,
	 "This host reset the connection from 10.0.0.7 to port 443 of " NGINX
	 " after 3.2 s, 120 bytes in, 4 kB out, and the kernel does not say why."},
	{RST_UNKNOWN, SERVER, OWNER_UNKNOWN, "NEW\nONE", NULL,
	 "This host reset the connection from 10.0.0.7 to port 443, for a reason that rstwatch "
	 "does not know: NEW\\x0aONE."},
	{RST_STAGE_REFUSED, CLIENT, OWNER_SOCKET, NULL, NULL,
	 "10.0.0.7:443 refused the connection that " NGINX " was opening."},
	{RST_STAGE_REFUSED, CLIENT, OWNER_UNKNOWN, NULL, NULL,
	 "10.0.0.7:443 refused the connection that this host was opening."},
	{RST_STAGE_HANDSHAKE, SERVER, OWNER_LISTENER, NULL, NULL,
	 "10.0.0.7 gave up its connection to port 443, where " NGINX
	 " listens, half-way through the handshake."},
	{RST_STAGE_HANDSHAKE, SERVER, OWNER_UNKNOWN, NULL, NULL,
	 "10.0.0.7 gave up its connection to port 443 half-way through the handshake."},
	{RST_STAGE_ESTABLISHED, CLIENT, OWNER_SOCKET, NULL, &past,
	 "10.0.0.7:443 aborted its connection with " NGINX AFTER},
	{RST_STAGE_ESTABLISHED, SERVER, OWNER_LISTENER, NULL, &past,
	 "10.0.0.7 aborted its connection to port 443, where " NGINX " listens," AFTER},
	{RST_STAGE_CLOSING, UNKNOWN_ROLE, OWNER_SOCKET, NULL, &past,
	 "10.0.0.7:45000 aborted its connection with port 443 of " NGINX
	 " while it was being closed," AFTER},
	{RST_STAGE_TIME_WAIT, SERVER, OWNER_KERNEL, NULL, NULL,
	 "10.0.0.7 reset its connection to port 443, which this host had closed (TIME_WAIT), to "
	 "no effect."},
	{RST_STAGE_STRAY, UNKNOWN_ROLE, OWNER_LISTENER, NULL, NULL,
	 "10.0.0.7:45000 reset a connection with port 443, where " NGINX
	 " listens, that this host does not know."},
	{RST_STAGE_STRAY, UNKNOWN_ROLE, OWNER_KERNEL, NULL, NULL,
	 "10.0.0.7:45000 reset a connection with port 443 that this host does not know."},
	{RST_STAGE_REJECTED, SERVER, OWNER_SOCKET, NULL, NULL,
	 "10.0.0.7 sent a reset that does not fit its connection to port 443 of " NGINX
	 ", and was not accepted."},
};

static void sentences(void **state)
{
	unsigned seen = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(examples); i++) {
		const struct rst_event event = event_of(examples[i].cause, examples[i].role);
		const struct owner owner = owner_known(examples[i].known);

		assert_string_equal(
			explain(&event, examples[i].connection, &owner, examples[i].reason),
			examples[i].sentence);
		seen |= 1u << examples[i].cause;
	}
	for (unsigned cause = 1; cause < RST_CAUSES; cause++)
		assert_int_equal(seen >> cause & 1, name_cause(cause) != NULL);
}

static void closed_ports(void **state)
{
	const struct process other = {.pid = 9, .comm = "x"};
	struct rst_event event = event_of(RST_CLOSED_PORT, SERVER);
	struct owner owner = owner_known(OWNER_KERNEL);

	(void)state;
	owner.watched = false;
	assert_string_equal(explain(&event, NULL, &owner, NULL), "Nothing listens on port 443.");
	owner.elsewhere = owner.watched = true;
	owner.neighbor = &nginx;
	assert_string_equal(explain(&event, NULL, &owner, NULL),
			    "Nothing listens on port 443 of 10.0.0.2: " NGINX
			    " does, on another address.");
	owner.neighbor = NULL;
	assert_string_equal(
		explain(&event, NULL, &owner, NULL),
		"Nothing listens on port 443 of 10.0.0.2: a process does, on another address.");
	owner = owner_known(OWNER_LAST_LISTENER);
	owner.elsewhere = true;
	owner.neighbor = &other;
	assert_string_equal(explain(&event, NULL, &owner, NULL),
			    "Nothing listens on port 443 of 10.0.0.2: " NGINX
			    " stopped 3.2 s ago, killed by SIGSEGV.");
	owner = owner_known(OWNER_LAST_LISTENER);
	owner.process = NULL;
	owner.exit_status = 256;
	assert_string_equal(
		explain(&event, NULL, &owner, NULL),
		"Nothing listens on port 443: a process stopped 3.2 s ago, exited with status 1.");
	owner.exited = false;
	owner.stopped_ns = event.time_ns + 1;
	owner.process = &nginx;
	assert_string_equal(explain(&event, NULL, &owner, NULL),
			    "Nothing listens on port 443: " NGINX " stopped listening 0 ms ago.");
	owner = owner_known(OWNER_LISTENER);
	owner.process = NULL;
	assert_string_equal(explain(&event, NULL, &owner, NULL),
			    "A process listens on port 443, but had no part in this SYN from "
			    "10.0.0.7: bound to an interface, or only just started.");
}

static void processes_that_are_not_known(void **state)
{
	struct rst_event event = event_of(RST_ABORTED, SERVER);
	struct owner owner = {.known_by = OWNER_SOCKET};

	(void)state;
	assert_string_equal(explain(&event, NULL, &owner, NULL),
			    "A process aborted the connection from 10.0.0.7 to port 443.");
	owner.known_by = OWNER_LISTENER;
	assert_string_equal(
		explain(&event, NULL, &owner, NULL),
		"A process behind port 443 aborted the connection from 10.0.0.7 to port 443.");
	event.cause = RST_STAGE_ESTABLISHED;
	assert_string_equal(explain(&event, &past, &owner, NULL),
			    "10.0.0.7 aborted its connection to port 443" AFTER);
	owner.known_by = OWNER_SOCKET;
	assert_string_equal(explain(&event, &past, &owner, NULL),
			    "10.0.0.7 aborted its connection to port 443" AFTER);
	event.cause = RST_QUEUE_FULL;
	assert_string_equal(explain(&event, NULL, &owner, NULL),
			    "The accept queue of port 443 is full, and "
			    "net.ipv4.tcp_abort_on_overflow is set.");
	event = event_of(RST_STAGE_ESTABLISHED, CLIENT);
	event.flags = RST_EVENT_KERNEL;
	owner.known_by = OWNER_KERNEL;
	assert_string_equal(explain(&event, NULL, &owner, NULL),
			    "10.0.0.7:443 aborted its connection with the kernel.");
	event.cause = RST_STAGE_REFUSED;
	assert_string_equal(explain(&event, NULL, &owner, NULL),
			    "10.0.0.7:443 refused the connection that the kernel was opening.");
	event.cause = RST_NO_MEMORY;
	assert_string_equal(explain(&event, NULL, &owner, NULL),
			    "The kernel is short of socket memory and gave up the connection to "
			    "10.0.0.7:443 of the kernel.");
}

static void pasts(void **state)
{
	static const struct {
		struct rst_connection connection;
		const char *shown;
	} cases[] = {
		{{.age_ms = 40}, " after 40 ms without data."},
		{{.age_ms = RST_AGE_UNKNOWN}, " without data."},
		{{.bytes_in = 1, .age_ms = RST_AGE_UNKNOWN, .idle_ms = RST_AGE_UNKNOWN},
		 " after 1 byte in, 0 bytes out."},
		{{.bytes_out = 1, .age_ms = 40, .idle_ms = 60000},
		 " after 40 ms, 0 bytes in, 1 byte out, idle for 1 min."},
		{{.bytes_out = 1, .age_ms = 40, .idle_ms = 10000},
		 " after 40 ms, 0 bytes in, 1 byte out, idle for 10 s."},
	};
	const struct rst_event event = event_of(RST_STAGE_ESTABLISHED, SERVER);
	const struct owner owner = {.known_by = OWNER_UNKNOWN};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char expected[EXPLAIN_BYTES] = "10.0.0.7 aborted its connection to port 443";

		strcat(expected, cases[i].shown);
		assert_string_equal(explain(&event, &cases[i].connection, &owner, NULL), expected);
	}
}

static void other_forms(void **state)
{
	struct rst_event event = event_of(RST_STAGE_TIME_WAIT, SERVER);
	const struct owner owner = {.known_by = OWNER_UNKNOWN};

	(void)state;
	event.flags = RST_EVENT_FREED;
	assert_string_equal(explain(&event, NULL, &owner, NULL),
			    "10.0.0.7 reset its connection to port 443, which this host had "
			    "closed, and ended its TIME_WAIT early.");
	event.cause = 30; /* of a later version */
	assert_string_equal(explain(&event, NULL, &owner, NULL),
			    "10.0.0.7 reset its connection to port 443.");
	event.direction = RST_SENT;
	assert_string_equal(explain(&event, NULL, &owner, NULL),
			    "This host reset the connection from 10.0.0.7 to port 443, and the "
			    "kernel does not say why.");
	event = event_of(RST_STAGE_REFUSED, CLIENT);
	memset(event.peer, 0xfe, 16);
	assert_string_equal(explain(&event, NULL, &owner, NULL),
			    "[fefe:fefe:fefe:fefe:fefe:fefe:fefe:fefe]:443 refused the connection "
			    "that this host was opening.");
	event = event_of(RST_STAGE_ESTABLISHED, SERVER);
	memset(event.peer, 0xfe, 16);
	assert_string_equal(explain(&event, NULL, &owner, NULL),
			    "fefe:fefe:fefe:fefe:fefe:fefe:fefe:fefe aborted its connection to "
			    "port 443.");
}

/* Whatever comes together, it is one whole sentence in printable characters. */
static void longest_sentence_fits(void **state)
{
	static const char *const reasons[] = {
		NULL,
		"TCP_ABORT_ON_CLOSE",
		"TCP_ABORT_ON_DATA",
		"TCP_ABORT_ON_LINGER",
		"TCP_STATE",
		"TCP_DISCONNECT_WITH_DATA",
		"\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01"};
	const struct rst_connection connection = {.bytes_in = 9999999999999999999u,
						  .bytes_out = 9899999999999999999u,
						  .age_ms = UINT32_MAX - 1,
						  .idle_ms = UINT32_MAX - 1};
	struct process process = {.pid = UINT32_MAX, .names.runtime = "systemd-nspawn"};
	size_t longest = 0;

	(void)state;
	memset(process.comm, 1, sizeof(process.comm) - 1);
	memset(process.names.unit, 1, sizeof(process.names.unit) - 1);
	memset(process.names.container, 1, sizeof(process.names.container) - 1);
	for (unsigned i = 0; i < RST_CAUSES * RST_ROLES * OWNER_KNOWNS * COUNT_OF(reasons) * 2;
	     i++) {
		struct rst_event event = {.time_ns = UINT64_MAX,
					  .cause = i % RST_CAUSES,
					  .role = i / RST_CAUSES % RST_ROLES,
					  .local_port = 65535,
					  .peer_port = 65535,
					  .direction = 1 + i % 2};
		unsigned rest = i / (RST_CAUSES * RST_ROLES);
		struct owner owner = {.known_by = rest % OWNER_KNOWNS,
				      .process = &process,
				      .neighbor = &process,
				      .exited = true,
				      .exit_status = SIGVTALRM,
				      .watched = true};
		const char *text;
		size_t length;

		rest /= OWNER_KNOWNS;
		owner.elsewhere = rest % 2;
		memset(event.local, 0xfe, 16);
		memset(event.peer, 0xfe, 16);
		text = explain(&event, &connection, &owner, reasons[rest / 2]);
		length = strlen(text);
		assert_true(length < EXPLAIN_BYTES);
		assert_int_equal(text[length - 1], '.');
		assert_true(text[length - 2] != '.' || text[length - 3] == '.');
		assert_true(length < EXPLAIN_BYTES - 1);
		assert_null(strstr(text, ",."));
		assert_null(strstr(text, ",,"));
		assert_null(strstr(text, "  "));
		for (size_t at = 0; at < length; at++)
			assert_in_range(text[at], 0x20, 0x7e);
		longest = length > longest ? length : longest;
	}
	assert_in_range(longest, 400, EXPLAIN_BYTES - 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sentences),
		cmocka_unit_test(closed_ports),
		cmocka_unit_test(processes_that_are_not_known),
		cmocka_unit_test(pasts),
		cmocka_unit_test(other_forms),
		cmocka_unit_test(longest_sentence_fits),
	};

	return cmocka_run_group_tests_name("explain", tests, NULL, NULL);
}

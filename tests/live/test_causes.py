#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Every reset that can be made here, by a real kernel, and each field of what rstwatch says of it:
over IPv4, IPv6 and IPv4 on dual-stack sockets, as sent in one namespace and as received in the
other. In the end the audit has to come out even: nothing unexplained in any counter. What `rstwatch
check` says this kernel cannot show is not expected; all that it says is seen, is.

The service ports are above the ephemeral range, so that nothing is right by "the lower port is the
service's"."""
import ctypes
import select
import socket

from harness import *

tap = Tap()
report = check_report()
passes = report["passes"]
pair = Pair()
client, server = pair.client, pair.server
for namespace in (client, server):
    namespace.nft("add table inet test; add chain inet test in { type filter hook input "
                  "priority 0; }; add chain inet test out { type filter hook output priority 0; }")
# So that a full accept queue resets, and requests do not become cookies.
server.sysctl("ipv4.tcp_abort_on_overflow", 1)
server.sysctl("ipv4.tcp_syncookies", 0)
watcher = Watcher("-i", "1")

WAYS = [Way(name) for name in FAMILIES]
PLAIN = WAYS[:2]
RAW_PORT = 64000  # of segments made by hand
SOL_TCP_LINGER2 = 8  # TCP_LINGER2

cases = []
outside = 0  # resets that a firewall drops on their way in
taken = 0  # resets shown as if they had ended a half-open connection, which was left alone
ports = iter(range(61001, 63000))


class Case:
    """What one case expects: sent() and received() each add an event. The client's port is that
    of the first event seen if `port` is not known (0)."""

    def __init__(self, name, way):
        self.name = f"{name}, {'IPv' if way.name in (4, 6) else ''}{way.name}"
        self.way, self.port, self.client_port = way, next(ports), 0
        self.expected, self.error = [], None
        cases.append(self)

    def _event(self, namespace, direction, fields):
        at_server = namespace is server
        other = client if at_server else server
        mine, others = (self.port, self.client_port) if at_server else (self.client_port, self.port)
        event = {
            "type": "event", "direction": direction, "family": self.way.family,
            "local": {"address": self.way.shown(namespace), "port": mine},
            "peer": {"address": self.way.shown(other), "port": others},
            "role": "server" if at_server else "client", "netns": namespace.inode, **fields,
        }
        self.expected.append({key: value for key, value in event.items() if value is not None})

    def sent(self, namespace, cause, reason, **fields):
        """Without a trigger, we aborted of our own accord."""
        if report["causes"][cause]["seen"] == "unseen":
            return
        if not passes["send_reasons"] or reason is None:
            reason = None
        elif "trigger" not in fields and not passes["abort_reasons"]:
            reason = "NOT_SPECIFIED"
        self._event(namespace, "sent", {"cause": cause, "reason": reason, **fields})

    def received(self, namespace, stage, state, **fields):
        self._event(namespace, "received", {"stage": stage, "state": state, **fields})

    def dropped(self, namespace, stage, *reasons, **fields):
        """Received, and dropped by TCP for one of these reasons, as kernels differ."""
        if report["stages"][stage]["seen"] == "unseen":
            return
        self._event(namespace, "received",
                    {"stage": stage, "reason": reasons if passes["drop_reasons"] else None,
                     **fields})

    def connect(self):
        connection = Connection(pair, self.way, self.port)
        self.client_port = connection.port
        return connection

    def drop(self, namespace, match):
        """Drops arriving segments in the namespace; returns what ends that."""
        comment = f"case-{self.port}"
        namespace.nft(f'add rule inet test in {match} drop comment "{comment}"')

        def allow():
            listing = run(*namespace.command("nft", "-a", "list", "chain", "inet", "test", "in"))
            for line in listing.splitlines():
                if f'"{comment}"' in line:
                    namespace.nft(f"delete rule inet test in handle {line.split()[-1]}")

        return allow

    def probe(self, flags, **more):
        """A segment by hand from the client's namespace to the case's port."""
        self.client_port = RAW_PORT
        send_segment(client, self.way.shown(client), RAW_PORT, self.way.shown(server), self.port,
                     flags, **more)

    def got(self):
        return [event for event in watcher.events(client, server)
                if self.port in (event["local"]["port"], event["peer"]["port"])]

    def judge(self):
        if self.error:
            raise self.error
        left = [{key: value for key, value in event.items() if key not in ELSEWHERE}
                for event in self.got()]
        wrong = []
        for expected in self.expected:
            match = next((event for event in left if fits(event, expected)), None)
            if match is None:
                wrong.append(f"expected {expected}")
            else:
                left.remove(match)
        wrong += [f"got      {event}" for event in left]
        check(not wrong, "\n" + "\n".join(wrong))
        seen = {event[end]["port"] for event in self.got() for end in ("local", "peer")}
        if self.client_port == 0 and self.expected:
            equal(len(seen - {self.port}), 1, f"number of client ports in {seen}")


# Of no matter here: test_owners.py is about them.
ELSEWHERE = ("time", "owner", "connection", "netns_name")


def fits(event, expected):
    """Equal, but for expected ports that are 0."""

    def fields(one):
        return {key: {**value, "port": 0} if key in unknown else value for key, value in one.items()}

    unknown = [end for end in ("local", "peer") if expected[end]["port"] == 0]
    if isinstance(expected.get("reason"), tuple) and event.get("reason") in expected["reason"]:
        expected = {**expected, "reason": event["reason"]}
    return fields(event) == fields(expected) and all(event[end]["port"] for end in unknown)


# Why TCP drops a reset.
NO_SOCKET = ("NO_SOCKET",)
UNTOLD = ("NOT_SPECIFIED",)


def case(name, ways=WAYS):
    """Runs the decorated function once for each way."""

    def wrap(function):
        for way in ways:
            one = Case(name, way)
            try:
                function(one)
            except (Failure, Skip) as error:
                one.error = error
            except OSError as error:
                one.error = Failure(repr(error))

    return wrap


def wait_state(namespace, port, state, count=1):
    wait_until(lambda: sum(one[3] == state for one in namespace.sockets(port)) >= count,
               f"{count} sockets of port {port} in state {state}: {namespace.sockets(port)}")


ESTABLISHED, SYN_SENT, SYN_RECV, FIN_WAIT1, FIN_WAIT2, TIME_WAIT = 1, 2, 3, 4, 5, 6


def is_reset(sock, limit):
    """Whether this end learns of a reset in so many seconds."""
    poll = select.poll()
    poll.register(sock, 0)
    return bool(poll.poll(limit * 1000))


def expect_reset(sock):
    check(is_reset(sock, LIMIT), "no reset arrived")


# --- those that need a second or more begin first, and end last ---

slow = []


def later(name, ways=WAYS):
    """Like case(), for a generator that is run in two halves."""

    def wrap(function):
        for way in ways:
            one = Case(name, way)
            half = function(one)
            try:
                next(half)
                slow.append((one, half))
            except (Failure, OSError) as error:
                one.error = Failure(repr(error))

    return wrap


def finish_slow():
    for one, half in slow:
        try:
            next(half, None)
        except (Failure, OSError) as error:
            one.error = Failure(repr(error))


def keepalive(one, ours, other, sock_of):
    connection = one.connect()
    sock = sock_of(connection)
    match = f"tcp sport {one.port}" if ours is client else f"tcp dport {one.port}"
    one.drop(ours, match)
    for option, value in ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1),
                          (socket.TCP_KEEPCNT, 1)):
        sock.setsockopt(socket.IPPROTO_TCP, option, value)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    one.sent(ours, "keepalive", "TCP_KEEPALIVE_TIMEOUT", state="ESTABLISHED")
    one.received(other, "established", "ESTABLISHED")
    yield
    for end in (connection.client, connection.server):
        expect_reset(end)
    connection.close()


@later("keepalive of the client")
def _(one):
    return keepalive(one, client, server, lambda connection: connection.client)


@later("keepalive of the server")
def _(one):
    return keepalive(one, server, client, lambda connection: connection.server)


def fill_queue(one):
    """A listener with room for two in its queue, one in it, and two requests that wait for their
    last ACK: the second of them will find the queue full. Returns the listener, the clients, and
    what lets the ACKs come."""
    listener = make_listener(server, one.way, one.port, 1)
    clients = [make_client(client, one.way, server, one.port)]
    wait_state(server, one.port, ESTABLISHED)
    allow = one.drop(client, f"tcp sport {one.port}")
    for _ in range(2):
        sock = make_socket(client, one.way.socket_family)
        sock.setblocking(False)
        sock.connect_ex((one.way.address(server), one.port))
        clients.append(sock)
    wait_state(server, one.port, SYN_RECV, 2)
    return listener, clients, allow


@later("accept queue full")
def _(one):
    listener, clients, allow = fill_queue(one)
    # Only the server tries again: a second answer to the client's would be acknowledged twice.
    one.drop(server, f"tcp dport {one.port} tcp flags & (syn | ack) == syn")
    allow()
    yield
    wait_until(lambda: len(one.got()) >= 2, "a sent and a received reset")
    for _ in range(2):
        listener.accept()[0].close()
    for sock in (listener, *clients):
        sock.close()
    one.sent(server, "queue_full", "INVALID_SYN", state="LISTEN", trigger="ACK")
    one.received(client, "established", "ESTABLISHED")


# --- nothing listens ---


@case("connect to a closed port", PLAIN)
def _(one):
    equal(connect_refused(client, one.way.address(server), one.port), 1)
    one.sent(server, "closed_port", "NO_SOCKET", trigger="SYN")
    one.received(client, "refused", "SYN_SENT")


@case("connect to a closed port with a dual-stack socket", WAYS[2:])
def _(one):
    sock = make_socket(client, one.way.socket_family)
    check(sock.connect_ex((one.way.address(server), one.port)), "was not refused")
    one.sent(server, "closed_port", "NO_SOCKET", trigger="SYN")
    one.received(client, "refused", "SYN_SENT")


def probed(one, namespace=client):
    """The probe came from no socket: the answer is a stray one."""
    one.dropped(namespace, "stray", *NO_SOCKET, role=None)


@case("ACK for a closed port", PLAIN)
def _(one):
    one.probe(ACK)
    one.sent(server, "half_open", "NO_SOCKET", trigger="ACK", role=None)
    probed(one)


@case("SYN-ACK for a closed port", PLAIN)
def _(one):
    # As the answer to a SYN of ours would look: we are the client, of port 64000.
    one.probe(SYN | ACK)
    one.sent(server, "half_open", "NO_SOCKET", trigger="SYN+ACK", role="client")
    probed(one)


for probe_name, flags, trigger in (("FIN probe", FIN, "FIN"), ("NULL probe", 0, "none"),
                                   ("Xmas probe", FIN | PSH | URG, "FIN+PSH+URG")):

    @case(f"{probe_name} of a closed port", PLAIN)
    def _(one):
        one.probe(flags)
        one.sent(server, "half_open", "NO_SOCKET", trigger=trigger)
        probed(one)


@case("RST for a closed port", PLAIN)
def _(one):
    one.probe(RST)
    probed(one, server)


@case("RST for a closed port, dropped by a firewall", PLAIN)
def _(one):
    global outside
    outside += 1
    one.drop(server, f"tcp dport {one.port}")
    one.probe(RST)


# --- something listens ---


@case("ACK for a listener")
def _(one):
    with make_listener(server, one.way, one.port):
        one.probe(ACK)
    one.sent(server, "half_open", "TCP_FLAGS", state="LISTEN", trigger="ACK")
    probed(one)


@case("RST for a listener")
def _(one):
    with make_listener(server, one.way, one.port):
        one.probe(RST)
    # Without the tracepoint's socket, it is known by its reason only.
    if passes["drop_sockets"] or not passes["drops_of_rejected"]:
        one.dropped(server, "stray", "TCP_RESET", state="LISTEN")
    else:
        one.dropped(server, "rejected", "TCP_RESET", role=None)


def half_open(one):
    """An inbound connection that waits for its last ACK, which does not come."""
    one.drop(client, f"tcp sport {one.port}")
    one.probe(SYN, sequence=1000)
    wait_state(server, one.port, SYN_RECV)


# Whether tcp_check_req() tells which half-open connection a reset was held against.
noted = report["hooks"]["tcp_check_req"]["state"] == "attached"


def taken_for_handshake(one):
    """It was not accepted, but nothing on this kernel tells: the audit will."""
    global taken
    taken += 1
    equal(report["stages"]["handshake"]["seen"], "inferred", "what check says of handshakes")
    one.dropped(server, "handshake", *UNTOLD, state="NEW_SYN_RECV")


@case("RST for a half-open inbound connection")
def _(one):
    with make_listener(server, one.way, one.port):
        half_open(one)
        one.probe(RST, sequence=1001)
        wait_until(lambda: not any(state == SYN_RECV for *_, state in server.sockets(one.port)),
                   "the request is gone")
    one.dropped(server, "handshake", *UNTOLD, state="NEW_SYN_RECV")


@case("RST outside the window of a half-open inbound connection")
def _(one):
    with make_listener(server, one.way, one.port):
        half_open(one)
        one.probe(RST, sequence=1001 + (1 << 30))
    if not noted and not passes["request_reasons"]:
        return taken_for_handshake(one)
    one.dropped(server, "rejected", "NOT_SPECIFIED", "TCP_OVERWINDOW",
                state="NEW_SYN_RECV" if noted else "LISTEN")


@case("RST in the window of a half-open inbound connection, but not exact")
def _(one):
    # Kernels differ: it ends the connection, or is challenged.
    with make_listener(server, one.way, one.port):
        half_open(one)
        one.probe(RST, sequence=1001 + 100)
        left = any(state == SYN_RECV for *_, state in server.sockets(one.port))
    if left and noted:
        one.dropped(server, "rejected", "NOT_SPECIFIED", "TCP_RESET", state="NEW_SYN_RECV")
    elif left:
        taken_for_handshake(one)
    else:
        one.dropped(server, "handshake", *UNTOLD, state="NEW_SYN_RECV")


@case("SYN scan of an open port")
def _(one):
    # The scanner's kernel knows of no connection, and resets the answer.
    with make_listener(server, one.way, one.port):
        one.probe(SYN)
        wait_until(lambda: len(one.got()) >= 1, "a reset")
    one.sent(client, "half_open", "NO_SOCKET", trigger="SYN+ACK")
    one.dropped(server, "handshake", *UNTOLD, state="NEW_SYN_RECV")


@case("FIN probe of a listener makes no reset")
def _(one):
    with make_listener(server, one.way, one.port):
        one.probe(FIN)


@case("second SYN with another number")
def _(one):
    global outside
    outside += 1  # the answer
    one.drop(client, f"tcp sport {one.port}")
    with make_listener(server, one.way, one.port):
        one.probe(SYN, sequence=1000)
        wait_state(server, one.port, SYN_RECV)
        one.probe(SYN, sequence=1100)
    one.sent(server, "invalid", "INVALID_SYN", state="LISTEN", trigger="SYN")


@case("listener closed with connections waiting")
def _(one):
    listener = make_listener(server, one.way, one.port)
    clients = [make_client(client, one.way, server, one.port) for _ in range(2)]
    wait_state(server, one.port, ESTABLISHED, 2)
    listener.close()
    for sock in clients:
        expect_reset(sock)
        one.client_port = sock.getsockname()[1]
        one.sent(server, "aborted", "TCP_STATE", state="ESTABLISHED")
        one.received(client, "established", "ESTABLISHED")
        sock.close()


@case("join of an unknown Multipath TCP connection", PLAIN)
def _(one):
    try:
        with server:
            listener = socket.socket(one.way.socket_family, socket.SOCK_STREAM, 262)
    except OSError as error:
        raise Skip(f"Multipath TCP: {error}") from None
    with listener:
        listener.bind((one.way.address(server), one.port))
        listener.listen(4)
        one.probe(SYN, options=bytes((30, 12, 0x10, 1)) + b"abcdefgh")
    one.sent(server, "mptcp", "MPTCP_RST_EMPTCP", state="LISTEN", trigger="SYN")
    probed(one)


# --- our own connect ---


def wait_for_module():
    """The first rule that rejects loads a module, and within a second its functions are hooked."""
    if any(hook["state"] == "waiting" for hook in report["hooks"].values()):
        seen = len(watcher.windows())
        watcher.wait_for(lambda: len(watcher.windows()) >= seen + 2, "two windows")


@case("SYN-ACK that answers another SYN")
def _(one):
    global outside
    outside += 1  # the answer
    one.drop(server, f"tcp dport {one.port}")
    with make_socket(client, one.way.socket_family) as sock:
        sock.setblocking(False)
        sock.connect_ex((one.way.address(server), one.port))
        one.client_port = sock.getsockname()[1]
        send_segment(server, one.way.shown(server), one.port, one.way.shown(client),
                     one.client_port, SYN | ACK, acknowledge=7)
    one.sent(client, "half_open", "TCP_INVALID_ACK_SEQUENCE", state="SYN_SENT", trigger="SYN+ACK")


@case("reset of a handshake")
def _(one):
    # A crossed SYN makes a full socket in SYN_RECV, the only one that the tracepoint shows. It
    # called connect(): our end is the client.
    one.drop(server, f"tcp dport {one.port}")
    with make_socket(client, one.way.socket_family) as sock:
        sock.setblocking(False)
        sock.connect_ex((one.way.address(server), one.port))
        one.client_port = sock.getsockname()[1]
        ends = (one.way.shown(server), one.port, one.way.shown(client), one.client_port)
        send_segment(server, *ends, SYN, sequence=1000)
        wait_state(client, one.port, SYN_RECV)
        send_segment(server, *ends, RST, sequence=1001)
        expect_reset(sock)
    one.received(client, "handshake", "SYN_RECV")


@case("connect refused by a firewall")
def _(one):
    server.nft(f"add rule inet test in tcp dport {one.port} reject with tcp reset")
    wait_for_module()
    with make_listener(server, one.way, one.port):
        with make_socket(client, one.way.socket_family) as sock:
            check(sock.connect_ex((one.way.address(server), one.port)), "was not refused")
    one.sent(server, "firewall", None, trigger="SYN")
    one.received(client, "refused", "SYN_SENT")


@case("connect rejected by our own firewall")
def _(one):
    client.nft(f"add rule inet test out tcp dport {one.port} reject with tcp reset")
    with make_socket(client, one.way.socket_family) as sock:
        check(sock.connect_ex((one.way.address(server), one.port)), "was not refused")
    one.sent(client, "firewall", None, trigger="SYN")
    one.received(client, "refused", "SYN_SENT")


# --- established connections ---


@case("client closes with SO_LINGER 0")
def _(one):
    connection = one.connect()
    linger_0(connection.client)
    connection.client.close()
    expect_reset(connection.server)
    connection.close()
    one.sent(client, "aborted", "TCP_STATE", state="ESTABLISHED")
    one.received(server, "established", "ESTABLISHED")


@case("server closes with SO_LINGER 0")
def _(one):
    connection = one.connect()
    linger_0(connection.server)
    connection.server.close()
    expect_reset(connection.client)
    connection.close()
    one.sent(server, "aborted", "TCP_STATE", state="ESTABLISHED")
    one.received(client, "established", "ESTABLISHED")


def linger_after_fin(one, namespace, ours, other):
    """EstabResets moves at the other end only: ours has left ESTABLISHED with its FIN."""
    for sock, reader in ((ours, other), (other, ours)):
        sock.send(b"data")
        equal(reader.recv(8), b"data", "data")
    ours.shutdown(socket.SHUT_WR)
    equal(other.recv(1), b"", "end of file")
    wait_state(namespace, one.port, FIN_WAIT2)
    linger_0(ours)
    ours.close()
    expect_reset(other)


@case("client closes with SO_LINGER 0 after its FIN")
def _(one):
    connection = one.connect()
    linger_after_fin(one, client, connection.client, connection.server)
    connection.close()
    one.sent(client, "aborted", "TCP_STATE", state="FIN_WAIT2")
    one.received(server, "closing", "CLOSE_WAIT")


@case("server closes with SO_LINGER 0 after its FIN")
def _(one):
    connection = one.connect()
    linger_after_fin(one, server, connection.server, connection.client)
    connection.close()
    one.sent(server, "aborted", "TCP_STATE", state="FIN_WAIT2")
    one.received(client, "closing", "CLOSE_WAIT")


@case("client closes with unread data")
def _(one):
    connection = one.connect()
    connection.server.send(b"data")
    equal(connection.client.recv(4, socket.MSG_PEEK), b"data")
    connection.client.close()
    expect_reset(connection.server)
    connection.close()
    one.sent(client, "aborted", "TCP_ABORT_ON_CLOSE", state="ESTABLISHED")
    one.received(server, "established", "ESTABLISHED")


@case("server closes with unread data")
def _(one):
    connection = one.connect()
    connection.client.send(b"data")
    equal(connection.server.recv(4, socket.MSG_PEEK), b"data")
    connection.server.close()
    expect_reset(connection.client)
    connection.close()
    one.sent(server, "aborted", "TCP_ABORT_ON_CLOSE", state="ESTABLISHED")
    one.received(client, "established", "ESTABLISHED")


@case("disconnect")
def _(one):
    connection = one.connect()
    nothing = ctypes.create_string_buffer(16)  # sockaddr with AF_UNSPEC
    equal(ctypes.CDLL(None).connect(connection.client.fileno(), nothing, 16), 0, "connect")
    expect_reset(connection.server)
    connection.close()
    one.sent(client, "aborted", "TCP_STATE", state="ESTABLISHED")
    one.received(server, "established", "ESTABLISHED")


@case("killed by ss -K")
def _(one):
    connection = one.connect()
    run(*client.command("ss", "-tnK", f"dport = :{one.port}"))
    if not is_reset(connection.server, 2):
        raise Skip("the kernel does not destroy sockets")
    connection.close()
    one.sent(client, "aborted", "TCP_STATE", state="ESTABLISHED")
    one.received(server, "established", "ESTABLISHED")


@case("half-open: the client has lost its state")
def _(one):
    global outside
    outside += 1
    connection = one.connect()
    allow = one.drop(server, f"tcp dport {one.port}")
    linger_0(connection.client)
    connection.client.close()
    allow()
    connection.server.send(b"data")
    expect_reset(connection.server)
    connection.close()
    one.sent(client, "aborted", "TCP_STATE", state="ESTABLISHED")
    one.sent(client, "half_open", "NO_SOCKET", trigger="PSH+ACK", role=None)
    one.received(server, "established", "ESTABLISHED")


def forged(one, connection, sequence):
    """A reset in the client's name."""
    send_segment(client, one.way.shown(client), connection.port, one.way.shown(server), one.port,
                 RST, sequence=sequence)


def rejecting(state):
    """What is known of the socket that rejects a reset."""
    if passes["drop_sockets"] or not passes["drops_of_rejected"]:
        return {"state": state}
    return {"role": None}


@case("forged RST in the window, but not exact")
def _(one):
    connection = one.connect()
    forged(one, connection, send_sequence(connection.client) + 100)
    connection.client.send(b"data")
    equal(connection.server.recv(4), b"data", "the connection goes on")
    connection.close()
    one.dropped(server, "rejected", "TCP_RESET", **rejecting("ESTABLISHED"))


@case("forged RST far outside the window")
def _(one):
    connection = one.connect()
    forged(one, connection, send_sequence(connection.client) + (1 << 30))
    connection.client.send(b"data")
    equal(connection.server.recv(4), b"data", "the connection goes on")
    connection.close()
    one.dropped(server, "rejected", "TCP_INVALID_SEQUENCE", "TCP_OVERWINDOW",
                **rejecting("ESTABLISHED"))


def wait_time_wait(one, connection):
    """Closes in order, the server first, which then is in TIME_WAIT. The number behind the
    client's FIN."""
    number = send_sequence(connection.client)
    connection.server.close()
    equal(connection.client.recv(1), b"", "end of file")
    connection.client.close()
    wait_state(server, one.port, TIME_WAIT)
    connection.listener.close()
    return number + 1


for rfc1337 in (0, 1):

    @case(f"RST in TIME_WAIT, tcp_rfc1337 {rfc1337}")
    def _(one):
        connection = one.connect()
        number = wait_time_wait(one, connection)
        server.sysctl("ipv4.tcp_rfc1337", rfc1337)
        forged(one, connection, number)
        server.sysctl("ipv4.tcp_rfc1337", 0)
        left = any(state == TIME_WAIT for *_, state in server.sockets(one.port))
        equal(left, bool(rfc1337), "the socket is left")
        one.dropped(server, "time_wait", *UNTOLD, state="TIME_WAIT", freed=not rfc1337)


@case("data into TIME_WAIT")
def _(one):
    # It is acknowledged; the client knows of no connection any more and resets that; and as this
    # reset is exact, it ends TIME_WAIT early.
    connection = one.connect()
    number = wait_time_wait(one, connection)
    send_segment(client, one.way.shown(client), connection.port, one.way.shown(server), one.port,
                 PSH | ACK, sequence=number, data=b"data")
    one.sent(client, "half_open", "NO_SOCKET", trigger="ACK", role=None)
    one.dropped(server, "time_wait", *UNTOLD, state="TIME_WAIT", freed=True)


def close_waiting(one, closing, closer):
    """close() that leaves a TIME_WAIT mini-socket. By itself it may leave a FIN_WAIT2 socket: when
    the FIN is acknowledged while close() still has the socket."""
    closer.shutdown(socket.SHUT_WR)
    wait_state(closing, one.port, FIN_WAIT2)
    closer.close()


def data_after(one, closing, other, closer, sender):
    """The closer has closed, the other goes on sending."""
    equal(sender.recv(1), b"", "end of file")
    wait_state(closing, one.port, FIN_WAIT2)
    sender.send(b"data")
    expect_reset(sender)
    one.received(other, "closing", "CLOSE_WAIT")


@case("data after the server's close")
def _(one):
    connection = one.connect()
    close_waiting(one, server, connection.server)
    data_after(one, server, client, connection.server, connection.client)
    connection.close()
    one.sent(server, "time_wait", "TCP_TIMEWAIT_SOCKET", state="TIME_WAIT", trigger="PSH+ACK")


@case("data after the client's close")
def _(one):
    connection = one.connect()
    close_waiting(one, client, connection.client)
    data_after(one, client, server, connection.client, connection.server)
    connection.close()
    one.sent(client, "time_wait", "TCP_TIMEWAIT_SOCKET", state="TIME_WAIT", trigger="PSH+ACK")


@case("data after the server's shutdown")
def _(one):
    # The kernel calls tcp_receive_reset here too, although no reset arrived.
    connection = one.connect()
    connection.server.shutdown(socket.SHUT_RDWR)
    data_after(one, server, client, connection.server, connection.client)
    connection.close()
    one.sent(server, "aborted", "TCP_ABORT_ON_DATA", state="FIN_WAIT2", trigger="PSH+ACK")


@case("close with TCP_LINGER2 below 0")
def _(one):
    connection = one.connect()
    connection.server.setsockopt(socket.IPPROTO_TCP, SOL_TCP_LINGER2, -1)
    connection.server.shutdown(socket.SHUT_WR)
    wait_state(server, one.port, FIN_WAIT2)
    connection.server.close()
    expect_reset(connection.client)
    connection.close()
    one.sent(server, "aborted", "TCP_ABORT_ON_LINGER", state="FIN_WAIT2")
    one.received(client, "closing", "CLOSE_WAIT")


# --- one host with itself ---


@case("connect to a closed port on loopback", PLAIN)
def _(one):
    address = "127.0.0.1" if one.way.family == 4 else "::1"
    equal(connect_refused(client, address, one.port), 1)
    common = {"type": "event", "family": one.way.family, "netns": client.inode}
    mine, service = {"address": address, "port": 0}, {"address": address, "port": one.port}
    one.expected = [
        {**common, "direction": "sent", "cause": "closed_port", "trigger": "SYN",
         "role": "server", "local": service, "peer": mine,
         **({"reason": "NO_SOCKET"} if passes["send_reasons"] else {})},
        {**common, "direction": "received", "stage": "refused", "state": "SYN_SENT",
         "role": "client", "local": mine, "peer": service},
    ]


finish_slow()
slow.clear()
server.sysctl("ipv4.tcp_abort_on_overflow", 0)


@later("accept queue full, without tcp_abort_on_overflow")
def _(one):
    # Nothing is reset: the last ACK is dropped, and the server's next SYN-ACK asks for it again.
    overflows = server.counter("ListenOverflows", "TcpExt")
    listener, clients, allow = fill_queue(one)
    allow()
    wait_until(lambda: server.counter("ListenOverflows", "TcpExt") > overflows, "an overflow")
    yield
    for _ in clients:
        listener.accept()[0].close()
    for sock in (*clients, listener):
        sock.close()


finish_slow()
expected_total = sum(len(one.expected) for one in cases if not one.error)
with tap.test("ends in order"):
    try:
        watcher.wait_events(expected_total, client, server, limit=3)
    except Failure:
        pass  # each case tells
    watcher.wait_audited()
    equal(watcher.stop(), 0, "exit code")
    watcher.check_books()
    equal(watcher.objects[-1]["lost"]["events"], 0, "lost events")
for one in cases:
    with tap.test(one.name):
        one.judge()

with tap.test("what was sent is what the kernel counted"):
    for namespace in (client, server):
        # The sockets that the pair's own set-up opened came before rstwatch.
        equal(watcher.sum(namespace, "sent"), len(watcher.events(namespace, direction="sent")),
              f"windows against events of {namespace.name}")
        equal(watcher.sum(namespace, "received"),
              len(watcher.events(namespace, direction="received")),
              f"windows against events of {namespace.name}")

with tap.test("the audit explains every counter of the kernel, or the check said that it cannot"):
    left = {}
    for name, counter, number, likely in watcher.unexplained(client, server):
        left.setdefault((name, counter), []).append((number, likely))
    for counter in ("AttemptFails", "EmbryonicRsts") if taken else ():
        equal(report["audit"][counter]["seen"], "inferred", f"what check says of {counter}")
        told = left.pop((server.name, counter), [])
        equal(sum(number for number, _ in told), -taken, f"{counter}: {told}")
    equal(left, {}, "unexplained")
    unread = [row for window in watcher.windows() for row in window["audit"]["unread"]
              if row["netns"] in pair.inodes]
    equal(unread, [], "not audited")
    check(watcher.windows()[-1]["audit"]["kernel_out_rsts"] == 0, "resets while nothing went on")

with tap.test("resets that a firewall drops on their way in are counted apart"):
    dropped = sum(window["dropped_before_tcp"] for window in watcher.windows())
    # Not the copies that the raw sockets of probes got: those are gone with their sockets.
    check(dropped == outside or (dropped > outside and watcher.foreign(pair)),
          f"{dropped}, expected {outside}")

with tap.test("no window names an ephemeral port where the role is known"):
    services = {one.port for one in cases} | {RAW_PORT}
    for window in watcher.windows():
        for row in window["ports"]:
            if row["netns"] in pair.inodes and "role" in row:
                check(row["port"] in services, "row", row)

with tap.test("windows count under the service's port and our role"):
    second = Watcher("-i", "1")
    expected = {}
    for way in WAYS:
        for who in ("client", "server"):
            port = next(ports)
            reset_connections(pair, way, port, 3, who)
            closing, waiting = (client, server) if who == "client" else (server, client)
            for namespace, sent in ((closing, 3), (waiting, 0)):
                role = "client" if namespace is client else "server"
                expected[namespace.inode, port, role] = [sent, 3 - sent]
        # Rows are the ten largest: let a window end before there are more.
        seen = len(second.windows())
        second.wait_for(lambda: len(second.windows()) > seen, "a window")
    equal(second.stop(), 0, "exit code")
    got = {}
    for window in second.windows():
        for row in window["ports"]:
            if row["netns"] in pair.inodes:
                counts = got.setdefault((row["netns"], row["port"], row.get("role")), [0, 0])
                counts[0] += row["sent"]
                counts[1] += row["received"]
                if row["sent"]:
                    equal(row["causes"], {"aborted": row["sent"]}, "causes")
                if row["received"]:
                    equal(row["stages"], {"established": row["received"]}, "stages")
    equal(got, expected, "port rows")

tap.done()

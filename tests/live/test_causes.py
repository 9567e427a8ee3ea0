#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Every reset that the two tracepoints can show here, made by a real kernel, and each field of what
rstwatch says of it: over IPv4, IPv6 and IPv4 on dual-stack sockets, as sent in one namespace and as
received in the other.

The service ports are above the ephemeral range, so that nothing is right by "the lower port is the
service's"."""
import ctypes
import select
import socket

from harness import *

tap = Tap()
pair = Pair()
client, server = pair.client, pair.server
for namespace in (client, server):
    namespace.nft("add table inet test; add chain inet test in { type filter hook input "
                  "priority 0; }")
# So that a full accept queue resets, and requests do not become cookies.
server.sysctl("ipv4.tcp_abort_on_overflow", 1)
server.sysctl("ipv4.tcp_syncookies", 0)
watcher = Watcher("-i", "1")

WAYS = [Way(name) for name in FAMILIES]
PLAIN = WAYS[:2]
RAW_PORT = 64000  # of segments made by hand
SOL_TCP_LINGER2 = 8  # TCP_LINGER2

cases = []  # (name, port, expected events)
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
        self._event(namespace, "sent", {"cause": cause, "reason": reason, **fields})

    def received(self, namespace, stage, state, **fields):
        self._event(namespace, "received", {"stage": stage, "state": state, **fields})

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
        left = [{key: value for key, value in event.items() if key != "time"}
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


def fits(event, expected):
    """Equal, but for expected ports that are 0."""

    def fields(one):
        return {key: {**value, "port": 0} if key in unknown else value for key, value in one.items()}

    unknown = [end for end in ("local", "peer") if expected[end]["port"] == 0]
    return fields(event) == fields(expected) and all(event[end]["port"] for end in unknown)


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


ESTABLISHED, SYN_SENT, SYN_RECV, FIN_WAIT1, FIN_WAIT2 = 1, 2, 3, 4, 5


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


@later("accept queue full")
def _(one):
    # The queue has room for two. One is in it, two requests wait for their last ACK: the second of
    # them finds it full.
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


@case("ACK for a closed port", PLAIN)
def _(one):
    one.probe(ACK)
    one.sent(server, "half_open", "NO_SOCKET", trigger="ACK", role=None)


@case("SYN-ACK for a closed port", PLAIN)
def _(one):
    # As the answer to a SYN of ours would look: we are the client, of port 64000.
    one.probe(SYN | ACK)
    one.sent(server, "half_open", "NO_SOCKET", trigger="SYN+ACK", role="client")


for probe_name, flags, trigger in (("FIN probe", FIN, "FIN"), ("NULL probe", 0, "none"),
                                   ("Xmas probe", FIN | PSH | URG, "FIN+PSH+URG")):

    @case(f"{probe_name} of a closed port", PLAIN)
    def _(one):
        one.probe(flags)
        one.sent(server, "half_open", "NO_SOCKET", trigger=trigger)


@case("RST for a closed port makes no reset", PLAIN)
def _(one):
    one.probe(RST)


# --- something listens ---


@case("ACK for a listener")
def _(one):
    with make_listener(server, one.way, one.port):
        one.probe(ACK)
    one.sent(server, "half_open", "TCP_FLAGS", state="LISTEN", trigger="ACK")


@case("FIN probe of a listener makes no reset")
def _(one):
    with make_listener(server, one.way, one.port):
        one.probe(FIN)


@case("second SYN with another number")
def _(one):
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
        one.sent(server, "aborted", "TCP_STATE", state="CLOSE")
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


# --- our own connect ---


@case("SYN-ACK that answers another SYN")
def _(one):
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
    with make_listener(server, one.way, one.port):
        with make_socket(client, one.way.socket_family) as sock:
            check(sock.connect_ex((one.way.address(server), one.port)), "was not refused")
    one.received(client, "refused", "SYN_SENT")


# --- established connections ---


@case("client closes with SO_LINGER 0")
def _(one):
    connection = one.connect()
    linger_0(connection.client)
    connection.client.close()
    expect_reset(connection.server)
    connection.close()
    one.sent(client, "aborted", "TCP_STATE", state="CLOSE")
    one.received(server, "established", "ESTABLISHED")


@case("server closes with SO_LINGER 0")
def _(one):
    connection = one.connect()
    linger_0(connection.server)
    connection.server.close()
    expect_reset(connection.client)
    connection.close()
    one.sent(server, "aborted", "TCP_STATE", state="CLOSE")
    one.received(client, "established", "ESTABLISHED")


@case("client closes with unread data")
def _(one):
    connection = one.connect()
    connection.server.send(b"data")
    equal(connection.client.recv(4, socket.MSG_PEEK), b"data")
    connection.client.close()
    expect_reset(connection.server)
    connection.close()
    one.sent(client, "aborted", "TCP_ABORT_ON_CLOSE", state="CLOSE")
    one.received(server, "established", "ESTABLISHED")


@case("server closes with unread data")
def _(one):
    connection = one.connect()
    connection.client.send(b"data")
    equal(connection.server.recv(4, socket.MSG_PEEK), b"data")
    connection.server.close()
    expect_reset(connection.client)
    connection.close()
    one.sent(server, "aborted", "TCP_ABORT_ON_CLOSE", state="CLOSE")
    one.received(client, "established", "ESTABLISHED")


@case("disconnect")
def _(one):
    connection = one.connect()
    nothing = ctypes.create_string_buffer(16)  # sockaddr with AF_UNSPEC
    equal(ctypes.CDLL(None).connect(connection.client.fileno(), nothing, 16), 0, "connect")
    expect_reset(connection.server)
    connection.close()
    one.sent(client, "aborted", "TCP_STATE", state="CLOSE")
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
    connection.server.close()
    data_after(one, server, client, connection.server, connection.client)
    connection.close()
    one.sent(server, "time_wait", "TCP_TIMEWAIT_SOCKET", state="TIME_WAIT", trigger="PSH+ACK")


@case("data after the client's close")
def _(one):
    connection = one.connect()
    connection.client.close()
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
    one.sent(server, "aborted", "TCP_ABORT_ON_DATA", state="CLOSE", trigger="PSH+ACK")


@case("close with TCP_LINGER2 below 0")
def _(one):
    connection = one.connect()
    connection.server.setsockopt(socket.IPPROTO_TCP, SOL_TCP_LINGER2, -1)
    connection.server.shutdown(socket.SHUT_WR)
    wait_state(server, one.port, FIN_WAIT2)
    connection.server.close()
    expect_reset(connection.client)
    connection.close()
    one.sent(server, "aborted", "TCP_ABORT_ON_LINGER", state="CLOSE")
    one.received(client, "closing", "CLOSE_WAIT")


# --- one host with itself ---


@case("connect to a closed port on loopback", PLAIN)
def _(one):
    address = "127.0.0.1" if one.way.family == 4 else "::1"
    equal(connect_refused(client, address, one.port), 1)
    common = {"type": "event", "family": one.way.family, "netns": client.inode}
    mine, service = {"address": address, "port": 0}, {"address": address, "port": one.port}
    one.expected = [
        {**common, "direction": "sent", "cause": "closed_port", "reason": "NO_SOCKET",
         "trigger": "SYN", "role": "server", "local": service, "peer": mine},
        {**common, "direction": "received", "stage": "refused", "state": "SYN_SENT",
         "role": "client", "local": mine, "peer": service},
    ]


finish_slow()
expected_total = sum(len(one.expected) for one in cases if not one.error)
with tap.test("ends in order"):
    try:
        watcher.wait_events(expected_total, client, server, limit=3)
    except Failure:
        pass  # each case tells
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

with tap.test("no window names an ephemeral port"):
    services = {one.port for one in cases} | {RAW_PORT}
    for window in watcher.windows():
        for row in window["ports"]:
            if row["netns"] in pair.inodes:
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

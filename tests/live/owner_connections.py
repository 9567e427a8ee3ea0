# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Cases of connections: who opens, closes, resets them, and has them when a reset comes; and what
is told of them."""
import functools
import socket
import time

from actors import *
from harness import *
from owner_cases import *

TCP_LINGER2 = 8

# --- sockets that are older than rstwatch ---


@older("older client, reset by its own linger 0")
def _(one):
    c, s = one.pair()
    c.send("c", 3)
    s.recv("s", 3)
    yield
    reset(one, c, "c", s, "s", facts=(0, 3))


@older("older server, which closes with unread data")
def _(one):
    c, s = one.pair()
    c.send("c", 5)
    s.recv("s", 5, peek=True)
    yield
    s.close("s")
    c.wait_reset("c")
    both(one, server, client, s, c, facts=(5, 0))


@older("older connect, refused while rstwatch runs")
def _(one):
    c = one.client()
    allow = one.drop(server, f"tcp dport {one.port}")
    one.dial(c, wait=False)
    one.wait_state(client, "SYN_SENT")
    yield
    allow()
    c.wait_reset("c")  # its next try, after a second
    one.sent(server, "closed_port", KERNEL, False)
    one.received(client, "refused", owned(c), False, state="SYN_SENT")


@older("older socket, closed by a process that has ended: nobody is named")
def _(one):
    c, s = one.pair()
    c.exit()
    s.wait_end("s")
    one.wait_state(client, "FIN_WAIT2")
    yield
    s.send("s", 1)
    s.wait_reset("s")
    one.sent(client, "time_wait", None, False, state="TIME_WAIT")
    one.received(server, "closing", owned(s), state="CLOSE_WAIT")


MANY = 300 if EMULATED else 10000
STEP = MANY // 50


@older(f"{MANY} sockets of one process, half of them older", IPV4)
def _(one):
    c, s = one.client(), one.server()
    for actor in (c, s):
        if actor.raise_files() < MANY + 100:
            raise Skip("one process may not have so many descriptors")
    one.listen(s, backlog=1024)

    def connect(prefix):
        for first in range(0, MANY // 2, 500):
            name, count = f"{prefix}{first}-", min(500, MANY // 2 - first)
            c.tell("connect_many", name, count, one.way.socket_family, one.way.address(server),
                   one.port)
            s.accept_many("l", name, count)
            c.hear()

    connect("old")
    yield
    connect("new")
    for prefix in ("old", "new"):
        for first in range(0, MANY // 2, 500):
            for actor, other, namespace, peer in ((c, s, client, server), (s, c, server, client)):
                start = 0 if actor is c else 1
                count = min(500, MANY // 2 - first)
                each = range(start, count, STEP)
                actor.reset_each(f"{prefix}{first}-", start, count, STEP)
                other.wait_reset(f"{prefix}{first}-{each[-1]}")
                one.client_port = 0
                for _ in each:
                    one.sent(namespace, "aborted", owned(actor), (0, 0), state="ESTABLISHED")
                    one.received(peer, "established", owned(other), (0, 0), state="ESTABLISHED")


# --- what takes a second or more ---


def keepalive(one, namespace, peer, ours, other, names):
    match = f"tcp sport {one.port}" if namespace is client else f"tcp dport {one.port}"
    one.drop(namespace, match)
    for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT):
        ours.option(names[0], socket.IPPROTO_TCP, option, 1)
    ours.option(names[0], socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    yield
    ours.wait_reset(names[0])
    other.wait_reset(names[1])
    one.sent(namespace, "keepalive", owned(ours), (0, 0), state="ESTABLISHED")
    one.received(peer, "established", owned(other), (0, 0), state="ESTABLISHED")


@later("keepalive of the client")
def _(one):
    c, s = one.pair()
    return keepalive(one, client, server, c, s, "cs")


@later("keepalive of the server")
def _(one):
    c, s = one.pair()
    return keepalive(one, server, client, s, c, "sc")


# --- connections, and who closes them ---


@case("client closes with SO_LINGER 0", WAYS)
def _(one):
    c, s = one.pair()
    c.send("c", 100)
    s.recv("s", 100)
    s.send("s", 30)
    c.recv("c", 30)
    reset(one, c, "c", s, "s", facts=(30, 100))


@case("server closes with SO_LINGER 0")
def _(one):
    c, s = one.pair()
    reset(one, s, "s", c, "c")


@case("client closes with unread data")
def _(one):
    c, s = one.pair()
    s.send("s", 4)
    c.recv("c", 4, peek=True)
    c.close("c")
    s.wait_reset("s")
    both(one, client, server, c, s, facts=(4, 0))


@case("server closes with unread data", WAYS)
def _(one):
    c, s = one.pair()
    c.send("c", 4)
    s.recv("s", 4, peek=True)
    s.close("s")
    c.wait_reset("c")
    both(one, server, client, s, c, facts=(4, 0))


@case("client closes with SO_LINGER 0 after its FIN")
def _(one):
    c, s = one.pair()
    c.send("c", 8)
    s.recv("s", 8)
    c.shutdown("c")
    s.wait_end("s")
    one.wait_state(client, "FIN_WAIT2")
    c.linger("c")
    c.close("c")
    s.wait_reset("s")
    both(one, client, server, c, s, stage="closing", state="FIN_WAIT2", other_state="CLOSE_WAIT",
         facts=(0, 8))


@case("server closes with unread data after the client's FIN")
def _(one):
    c, s = one.pair()
    c.send("c", 12)
    c.shutdown("c")
    s.recv("s", 12, peek=True)
    one.wait_state(server, "CLOSE_WAIT")
    one.wait_state(client, "FIN_WAIT2")
    s.close("s")
    c.wait_reset("c")
    both(one, server, client, s, c, stage="closing", state="CLOSE_WAIT", other_state="FIN_WAIT2",
         facts=(12, 0))


@case("disconnect, with connect(AF_UNSPEC)")
def _(one):
    c, s = one.pair()
    c.disconnect("c")
    s.wait_reset("s")
    both(one, client, server, c, s)


def destroy(one, namespace, match, sock_of, name):
    run(*namespace.command("ss", "-tnK", match))
    if not sock_of.wait_reset(name, 2):
        raise Skip("the kernel does not destroy sockets")


@case("client's socket destroyed by ss -K")
def _(one):
    c, s = one.pair()
    destroy(one, client, f"dport = :{one.port}", s, "s")
    both(one, client, server, c, s)


@case("server's socket destroyed by ss -K", IPV4)
def _(one):
    c, s = one.pair()
    destroy(one, server, f"sport = :{one.port} and dport = :{one.client_port}", c, "c")
    both(one, server, client, s, c)


@case("process that exits with unread data, and is gone at once")
def _(one):
    c, s = one.pair()
    c.send("c", 6)
    s.recv("s", 6, peek=True)
    s.exit(3)
    s.forget()
    c.wait_reset("c")
    both(one, server, client, s, c, facts=(6, 0))


@case("process that is killed with unread data")
def _(one):
    c, s = one.pair()
    s.send("s", 6)
    c.recv("c", 6, peek=True)
    c.kill()
    s.wait_reset("s")
    both(one, client, server, c, s, facts=(6, 0))


@case("RST to an established connection, from nowhere")
def _(one):
    c, s = one.pair()
    number = c.sequence("c")
    one.forge(number)
    s.wait_reset("s")
    one.received(server, "established", owned(s), (0, 0), state="ESTABLISHED")
    # The client knows nothing of it, and its FIN hits the listener.
    c.close("c")
    wait_until(lambda: not client.sockets(one.port), "it is reset, too")
    one.sent(server, "half_open", owned(s, "listener"), False, state="LISTEN")
    one.received(client, "closing", owned(c), (0, 0), state="FIN_WAIT1")


@case("RST in the window, but not exact")
def _(one):
    c, s = one.pair()
    one.forge(c.sequence("c") + 100)
    c.send("c", 1)
    s.recv("s", 1)
    if passes["drop_sockets"] or not passes["drops_of_rejected"]:
        one.received(server, "rejected", owned(s), state="ESTABLISHED")
    else:
        one.received(server, "rejected", owned(s, "listener"), role=None)


# --- connections that were closed in order ---


def late_data(one, at, peer, closer, other, name, gone=False):
    """Data for one who has closed, and has gone, too."""
    (closer.exit if gone else functools.partial(closer.close, {"s": "c", "c": "s"}[name]))()
    if gone:
        closer.forget()
    other.wait_end(name)
    one.wait_state(at, "FIN_WAIT2")
    other.send(name, 5)
    other.wait_reset(name)
    one.sent(at, "time_wait", owned(closer), False, state="TIME_WAIT")
    one.received(peer, "closing", owned(other), (0, 5), state="CLOSE_WAIT")


@case("data after the server's close")
def _(one):
    c, s = one.pair()
    late_data(one, server, client, s, c, "c")


@case("data after the client's close")
def _(one):
    c, s = one.pair()
    late_data(one, client, server, c, s, "s")


@case("data after the close of a client that is gone", WAYS)
def _(one):
    c, s = one.pair()
    late_data(one, client, server, c, s, "s", gone=True)


@case("data after the close of a server that is gone")
def _(one):
    c, s = one.pair()
    late_data(one, server, client, s, c, "c", gone=True)


@case("data after the close of a worker that is gone, its master listening", IPV4)
def _(one):
    c, master = one.client(), one.server("ma")
    one.listen(master)
    worker = one.fork(master, "wo")
    one.dial(c)
    worker.accept("l", "s")
    worker.exit(0)
    master.reap(worker.pid)
    c.wait_end("c")
    one.wait_state(server, "FIN_WAIT2")
    c.send("c", 1)
    c.wait_reset("c")
    one.sent(server, "time_wait", owned(worker), False, state="TIME_WAIT")
    one.received(client, "closing", owned(c), state="CLOSE_WAIT")


@case("data after shutdown of both directions")
def _(one):
    c, s = one.pair()
    s.shutdown("s", socket.SHUT_RDWR)
    c.wait_end("c")
    one.wait_state(server, "FIN_WAIT2")
    c.send("c", 2)
    c.wait_reset("c")
    both(one, server, client, s, c, stage="closing", state="FIN_WAIT2", other_state="CLOSE_WAIT",
         facts=None)


@case("data for an orphan in FIN_WAIT2, whose process is gone")
def _(one):
    c, s = one.pair()
    s.option("s", socket.IPPROTO_TCP, TCP_LINGER2, 120)  # longer than TIME_WAIT: stays a socket
    s.exit(0)
    s.forget()
    c.wait_end("c")
    one.wait_state(server, "FIN_WAIT2")
    c.send("c", 2)
    c.wait_reset("c")
    both(one, server, client, s, c, stage="closing", state="FIN_WAIT2", other_state="CLOSE_WAIT",
         facts=None)


@case("RST for an orphan in FIN_WAIT1, whose process is gone")
def _(one):
    c, s = one.pair()
    number = c.sequence("c")
    one.drop(server, f"tcp dport {one.port} tcp flags & (ack | rst) == ack")
    s.send("s", 20)
    c.recv("c", 20)
    s.exit(0)
    s.forget()
    one.wait_state(server, "FIN_WAIT1")
    one.forge(number)
    one.wait_left(server, "FIN_WAIT1")
    one.received(server, "closing", owned(s), (0, 20), state="FIN_WAIT1")


@case("TCP_LINGER2 below 0")
def _(one):
    c, s = one.pair()
    s.option("s", socket.IPPROTO_TCP, TCP_LINGER2, -1)
    s.shutdown("s")
    one.wait_state(server, "FIN_WAIT2")
    s.close("s")
    c.wait_reset("c")
    both(one, server, client, s, c, stage="closing", state="FIN_WAIT2", other_state="CLOSE_WAIT")


@case("RST in TIME_WAIT")
def _(one):
    c, s = one.pair()
    number = c.sequence("c")
    s.close("s")
    c.wait_end("c")
    c.close("c")
    one.wait_state(server, "TIME_WAIT")
    s.exit(0)
    s.forget()
    one.forge(number + 1)
    one.received(server, "time_wait", owned(s), False, state="TIME_WAIT", freed=True)


BRIEF = 5 if EMULATED else 50


@case(f"{BRIEF} processes that connect, close and are gone")
def _(one):
    c, s = one.client(), one.server()
    one.listen(s, backlog=BRIEF)
    told = c.brief_clients(BRIEF, f"b{one.port}-", one.way.socket_family, one.way.address(server),
                           one.port)
    for i, (pid, comm, port) in enumerate(told):
        s.accept("l", f"s{i}")
        s.wait_end(f"s{i}")
        wait_until(lambda: any(ends == [port, one.port] and state == STATE["FIN_WAIT2"]
                               for _, *ends, state in client.sockets(port)),
                   "its FIN is acknowledged")
        s.send(f"s{i}", 1)
        s.wait_reset(f"s{i}")
        one.client_port = port
        one.sent(client, "time_wait", {**owned(c), "pid": pid, "comm": comm}, False,
                 state="TIME_WAIT")
        one.received(server, "closing", owned(s), state="CLOSE_WAIT")


# --- our own connect ---


@case("connect refused")
def _(one):
    knock(one, KERNEL)


@case("connect of a thread refused: it is the leader's")
def _(one):
    c = one.client()
    error, one.client_port = c.in_thread("worker", "try_connect", "c", one.way.socket_family,
                                         one.way.address(server), one.port)
    equal(error, 111, "error")
    one.sent(server, "closed_port", KERNEL, False)
    one.received(client, "refused", owned(c), False, state="SYN_SENT")


@case("SYN-ACK that answers another SYN")
def _(one):
    c = one.client()
    one.drop(server, f"tcp dport {one.port}")
    one.dial(c, wait=False)
    send_segment(server, one.way.shown(server), one.port, one.way.shown(client), one.client_port,
                 SYN | ACK, acknowledge=7)
    one.sent(client, "half_open", owned(c), False, state="SYN_SENT")


@case("reset of a crossed handshake")
def _(one):
    c = one.client()
    one.drop(server, f"tcp dport {one.port}")
    one.dial(c, wait=False)
    ends = (one.way.shown(server), one.port, one.way.shown(client), one.client_port)
    send_segment(server, *ends, SYN, sequence=1000)
    one.wait_state(client, "SYN_RECV")
    send_segment(server, *ends, RST, sequence=1001)
    c.wait_reset("c")
    one.received(client, "handshake", owned(c), state="SYN_RECV")


# --- nobody's ---


@case("refused by a firewall: the firewall's, and the client's", IPV4 if EMULATED else PLAIN)
def _(one):
    server.nft(f"add rule inet test in tcp dport {one.port} reject with tcp reset")
    wait_for_module()
    s, c = one.server(), one.client()
    one.listen(s)
    c.try_connect("c", one.way.socket_family, one.way.address(server), one.port)
    one.sent(server, "firewall", FIREWALL, False)
    one.received(client, "refused", owned(c), False, state="SYN_SENT")


@case("half-open: the client has lost its state")
def _(one):
    c, s = one.pair()
    allow = one.drop(server, f"tcp dport {one.port}")
    c.linger("c")
    c.close("c")
    one.sent(client, "aborted", owned(c), (0, 0), state="ESTABLISHED")
    allow()
    s.send("s", 7)
    s.wait_reset("s")
    one.sent(client, "half_open", KERNEL, False, role=None)
    one.received(server, "established", owned(s), (0, 7), state="ESTABLISHED")


# --- what is told of the connection ---


@case("age and idle time of a connection")
def _(one):
    c, s = one.around("opened", one.pair)
    time.sleep(0.3)
    one.around("used", lambda: (c.send("c", 1), s.recv("s", 1)))
    time.sleep(0.4)
    one.around("reset", reset, one, c, "c", s, "s", (0, 1))


@case("what we wrote and what that provoked does not end the idle time")
def _(one):
    c, s = one.around("opened", one.pair)
    one.around("used", lambda: (c.send("c", 1), s.recv("s", 1)))
    time.sleep(0.4)

    def forget_and_write():
        allow = one.drop(server, f"tcp dport {one.port}")
        c.linger("c")
        c.close("c")
        allow()
        s.send("s", 7)
        s.wait_reset("s")

    one.around("reset", forget_and_write)
    one.sent(client, "aborted", owned(c), (0, 1), state="ESTABLISHED")
    one.sent(client, "half_open", KERNEL, False, role=None)
    one.received(server, "established", owned(s), (1, 7), state="ESTABLISHED")


@case("a connection is not idle while something is sent again and again", IPV4)
def _(one):
    c, s = one.pair()
    allow = one.drop(server, f"tcp dport {one.port}"), one.drop(client, f"tcp sport {one.port}")
    c.linger("c")
    c.close("c")
    one.sent(client, "aborted", owned(c), (0, 0), state="ESTABLISHED")
    s.send("s", 7)
    time.sleep(1)  # twice at least, and the third time it comes through
    for end in allow:
        end()
    one.around("reset", s.wait_reset, "s")
    one.marks["used"] = one.marks["reset"]
    one.timed = ("received",)  # the client's own was before
    one.sent(client, "half_open", KERNEL, False, role=None)
    one.received(server, "established", owned(s), (0, 7), state="ESTABLISHED")


@case("bytes that were sent twice count once", IPV4)
def _(one):
    c, s = one.pair()
    allow = one.drop(server, f"tcp dport {one.port}")
    c.send("c", 1000)
    time.sleep(0.5)  # it is retransmitted, and lost again
    allow()
    s.recv("s", 1000)
    wait_until(lambda: unacknowledged(one) == 0, "it is acknowledged")
    reset(one, s, "s", c, "c", facts=(1000, 0))


@case("a megabyte one way, a byte the other", IPV4)
def _(one):
    c, s = one.pair()
    for _ in range(16):
        c.tell("send", "c", 1 << 16)
        s.recv("s", 1 << 16)
        c.hear()
    s.send("s", 1)
    c.recv("c", 1)
    wait_until(lambda: unacknowledged(one) == 0, "it is acknowledged")
    reset_by_client(one, c, s, (1 << 20, 1))


# --- Multipath TCP ---


@case("Multipath TCP: unread data at the client", IPV4)
def _(one):
    c, s = one.client(), one.server()
    try:
        one.listen(s, protocol=262)
    except Failure as error:
        raise Skip(f"Multipath TCP: {error}") from None
    one.dial(c, protocol=262)
    s.accept("l", "s")
    s.send("s", 10)
    c.recv("c", 10, peek=True)
    c.close("c")
    s.wait_reset("s")
    wait_until(lambda: len(one.got()) >= 2, "two events", 3)
    one.sent(client, "aborted", owned(c))
    one.received(server, "established", owned(s))


# --- whatever else runs ---


def on_loopback(one, c, s, count):
    """Resets of both ends in one namespace, where each is sent in the other's context."""
    shown_address = "127.0.0.1" if one.way.family == 4 else "::1"
    address = ("::ffff:" if one.way.name == "mapped" else "") + shown_address
    service = {"address": shown_address, "port": one.port}
    for i in range(count):
        mine = {"address": shown_address,
                "port": c.connect(f"c{i}", one.way.socket_family, address, one.port)}
        s.accept("l", f"s{i}")
        ends = {"role": "client", "local": mine, "peer": service}, {
            "role": "server", "local": service, "peer": mine}
        ours, other = (c, s) if i % 2 else (s, c)
        name, left = (f"c{i}", f"s{i}") if i % 2 else (f"s{i}", f"c{i}")
        ours.linger(name)
        ours.close(name)
        other.wait_reset(left)
        one.sent(server, "aborted", owned(ours), (0, 0), state="ESTABLISHED", **ends[ours is s])
        one.received(server, "established", owned(other), (0, 0), state="ESTABLISHED",
                     **ends[other is s])


@case("client and server of one host on one CPU")
def _(one):
    s, c = one.server(), one.server("cl")
    for actor in (s, c):
        actor.pin(0)
    one.listen(s)
    on_loopback(one, c, s, 10)


BUSY = 12 if EMULATED else 200


@case(f"{BUSY} tasks that keep switching", IPV4 if EMULATED else PLAIN)
def _(one):
    pids, end = busy_tasks(BUSY, 20)
    never_named(*pids)
    s, c, away = one.server(), one.server("cl"), one.client("aw")
    one.listen(s)
    on_loopback(one, c, s, 4 if EMULATED else 20)
    for i in range(3 if EMULATED else 10):
        one.dial(away, f"d{i}")
        s.accept("l", f"t{i}")
        s.send(f"t{i}", 2)
        away.recv(f"d{i}", 2, peek=True)
        away.close(f"d{i}")
        s.wait_reset(f"t{i}")
        both(one, client, server, away, s, facts=(2, 0))
    for i in range(3 if EMULATED else 10):
        one.dial(away, f"e{i}")
        s.accept("l", f"u{i}")
        s.close(f"u{i}")
        away.wait_end(f"e{i}")
        one.wait_state(server, "FIN_WAIT2")
        away.send(f"e{i}", 1)
        away.wait_reset(f"e{i}")
        one.sent(server, "time_wait", owned(s), False, state="TIME_WAIT")
        one.received(client, "closing", owned(away), state="CLOSE_WAIT")
    end()


@case("all of it on one CPU, with tasks that keep switching there", IPV4)
def _(one):
    pids, end = busy_tasks(BUSY // 4, 20, {0})
    never_named(*pids)
    s, c = one.server(), one.server("cl")
    for actor in (s, c):
        actor.pin(0)
    one.listen(s)
    on_loopback(one, c, s, 4 if EMULATED else 20)
    end()

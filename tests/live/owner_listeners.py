# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Cases where no process has the socket: who listens on the port, who did last and how that ended,
or nobody."""
import signal
import socket

from actors import *
from harness import *
from owner_cases import *


# --- listeners that are older than rstwatch ---


@older("older listener, closed while rstwatch runs")
def _(one):
    s = one.server()
    one.listen(s)
    yield
    stray(one, owned(s, "listener"))
    s.close("l")
    one.client_port = 0
    knock(one, owned(s, "last_listener"))


@older("older listener, whose process has dropped its privileges")
def _(one):
    c, s = one.client(), one.server()
    one.listen(s)
    s.setuid(NOBODY)
    yield
    one.dial(c)
    s.accept("l", "s")
    reset(one, s, "s", c, "c")
    stray(one, owned(s, "listener"))


@older("older listener, with a connection that was never accepted")
def _(one):
    c, s = one.client(), one.server()
    one.listen(s)
    one.dial(c)
    one.wait_state(server, "ESTABLISHED")
    yield
    s.close("l")
    c.wait_reset("c")
    one.sent(server, "aborted", owned(s, ("listener", "last_listener")), state="ESTABLISHED")
    one.received(client, "established", owned(c), state="ESTABLISHED")


# --- what takes a second or more ---


@later("daemon that listens, forks, and whose parent exits")
def _(one):
    s = one.server()
    one.listen(s)
    daemon = one.fork(s, "da")
    s.exit(0)
    s.forget()
    yield
    stray(one, owned(daemon, "listener"))
    daemon.exit(4)
    one.client_port = 0
    knock(one, owned(daemon, "last_listener", exit_code=4))


def made_again(one, pid, comm, namespace):
    """Another process with the same number; it may take some tries."""
    for _ in range(20):
        try:
            actor = Actor(namespace, comm=comm, wanted_pid=pid)
        except OSError as error:
            raise Skip(f"cannot choose a process number: {error}") from None
        if actor.pid == pid:
            one.actors.append(actor)
            return actor
        actor.end()
    raise Skip(f"process number {pid} was not to be had")


@later("daemon whose parent exits, and another process gets that one's number")
def _(one):
    s = one.server()
    one.listen(s)
    daemon = one.fork(s, "da")
    s.exit(0)
    s.forget()
    made_again(one, s.pid, f"new-{one.port}", server)
    yield
    stray(one, owned(daemon, "listener"))
    daemon.exit(4)
    one.client_port = 0
    knock(one, owned(daemon, "last_listener", exit_code=4))


@later("accept queue full")
def _(one):
    # Room for two in the queue, one in it, and two requests that wait for their last ACK.
    c, s = one.client(), one.server()
    one.listen(s, backlog=1)
    one.dial(c, "c0")
    one.wait_state(server, "ESTABLISHED")
    allow = one.drop(client, f"tcp sport {one.port}")
    for name in ("c1", "c2"):
        one.dial(c, name, wait=False)
    one.wait_state(server, "SYN_RECV", 2)
    # Only the server tries again: a second answer to the client's would be acknowledged twice.
    one.drop(server, f"tcp dport {one.port} tcp flags & (syn | ack) == syn")
    allow()
    yield
    wait_until(lambda: len(one.got()) >= 2, "a sent and a received reset")
    for name in ("s0", "s1"):
        s.accept("l", name)
    one.client_port = 0
    one.sent(server, "queue_full", owned(s, "listener"), state="LISTEN")
    one.received(client, "established", owned(c), state="ESTABLISHED")


# --- nobody ever listened there ---


@case("closed port on which nobody ever listened", WAYS)
def _(one):
    knock(one, KERNEL)


@case("segment of a connection that nobody knows")
def _(one):
    one.probe(ACK)
    one.sent(server, "half_open", KERNEL, False, role=None)
    one.received(client, "stray", KERNEL, False, role=None)


@case("listener on another address only", IPV4)
def _(one):
    s = one.server()
    one.listen(s, address=OTHER_IP)
    knock(one, KERNEL)


@case("listener on loopback only", PLAIN)
def _(one):
    s = one.server()
    one.listen(s, address="127.0.0.1" if one.way.family == 4 else "::1")
    knock(one, KERNEL)


@case("listener on the same port in another network namespace")
def _(one):
    other = one.client("other")
    one.listen(other)
    knock(one, KERNEL)


@case("listener on :: that takes IPv6 only does not serve IPv4", IPV4)
def _(one):
    s = one.server()
    s.listen("l", socket.AF_INET6, "::", one.port, only=True)
    knock(one, KERNEL)


# --- who listened last ---


@case("listener that has closed its socket", WAYS)
def _(one):
    s = one.server()
    one.listen(s)
    s.close("l")
    knock(one, owned(s, "last_listener"))


ENDINGS = (
    ("exit 0", lambda s: s.exit(0), {"exit_code": 0}),
    ("exit 3", lambda s: s.exit(3), {"exit_code": 3}),
    ("SIGSEGV", lambda s: s.die(signal.SIGSEGV), {"signal": "SIGSEGV"}),
    ("SIGKILL", lambda s: s.kill(), {"signal": "SIGKILL"}),
    ("SIGABRT", lambda s: s.die(signal.SIGABRT), {"signal": "SIGABRT"}),
    ("SIGTERM", lambda s: s.kill(signal.SIGTERM), {"signal": "SIGTERM"}),
)
for name, how, ending in ENDINGS[:4] if EMULATED else ENDINGS:

    @case(f"listener ended by {name}", MOST if name == "SIGKILL" else IPV4)
    def _(one, how=how, ending=ending):
        s = one.server()
        one.listen(s)
        how(s)
        knock(one, owned(s, "last_listener", **ending))


@case("listener in a thread of a process that exits with 3", IPV4)
def _(one):
    s = one.server()
    s.in_thread("listener", "listen", "l", one.way.socket_family, "0.0.0.0", one.port, keep=True)
    s.exit(3)
    knock(one, owned(s, "last_listener", exit_code=3))


@case("restarted service")
def _(one):
    old = one.server("old")
    one.listen(old)
    old.kill(signal.SIGTERM)
    knock(one, owned(old, "last_listener", signal="SIGTERM"))
    new = one.server("new")
    c = one.client()
    one.pair(c, new)
    reset(one, new, "s", c, "c")
    stray(one, owned(new, "listener"))


@case("port that another program has taken over, and closed")
def _(one):
    old, new = one.server("old"), one.server("new")
    one.listen(old)
    old.exit(1)
    one.listen(new)
    new.close("l")
    knock(one, owned(new, "last_listener"))


@case("connection of the former listener, whose port another program has")
def _(one):
    c, old = one.pair()
    old.close("l")
    new = one.server("new")
    one.listen(new)
    reset(one, c, "c", old, "s")


@case("process number given again: the closed port was another's")
def _(one):
    old = one.server("old")
    one.listen(old)
    owner = owned(old, "last_listener", exit_code=9)
    old.exit(9)
    old.forget()
    new = made_again(one, old.pid, f"new-{one.port}", server)
    new.listen("l", one.way.socket_family, "", next(ports))
    knock(one, owner)
    # What the new one does is its own.
    one.listen(new, "again")
    stray(one, owned(new, "listener"))


@case("process number given again: the closed connection was another's")
def _(one):
    c, s = one.pair()
    owner = owned(c)
    c.exit(0)
    c.forget()
    s.wait_end("s")
    one.wait_state(client, "FIN_WAIT2")
    new = made_again(one, c.pid, f"new-{one.port}", client)
    new.listen("l", one.way.socket_family, "", next(ports))
    s.send("s", 1)
    s.wait_reset("s")
    one.sent(client, "time_wait", owner, False, state="TIME_WAIT")
    one.received(server, "closing", owned(s), state="CLOSE_WAIT")


# --- several who listen ---


@case("SO_REUSEPORT: one of two closes, then the other")
def _(one):
    first, second = one.server("first"), one.server("second")
    one.listen(first, shared=True)
    one.listen(second, shared=True)
    stray(one, owned(first, "listener", pid=(first.pid, second.pid),
                     comm=(first.comm, second.comm)))
    first.close("l")
    equal(one.count_state(server, "LISTEN"), 1, "listeners")
    stray(one, owned(second, "listener"))
    second.exit(2)
    knock(one, owned(second, "last_listener", exit_code=2))


@case("SO_REUSEPORT: each accepts its own", IPV4)
def _(one):
    servers = [one.server(f"r{i}") for i in range(3)]
    c = one.client()
    for s in servers:
        one.listen(s, shared=True)
    for i in range(12):
        one.dial(c, f"c{i}")
        found = None
        while not found:  # whose it is, the kernel has chosen
            found = next((s for s in servers if s.can_accept("l")), None)
        found.accept("l", f"s{i}")
        reset(one, found, f"s{i}", c, f"c{i}")


@case("dual-stack listener on :: serves IPv4", IPV4)
def _(one):
    s, c = one.server(), one.client()
    s.listen("l", socket.AF_INET6, "::", one.port)
    one.dial(c)
    s.accept("l", "s")
    reset(one, s, "s", c, "c")
    stray(one, owned(s, "listener"))
    s.exit(5)
    knock(one, owned(s, "last_listener", exit_code=5))


@case("an address of its own beside the wildcard", IPV4)
def _(one):
    every, special = one.server("every"), one.server("special")
    one.listen(every, shared=True)
    one.listen(special, address=OTHER_IP, shared=True)
    for address, owner in ((OTHER_IP, special), (one.way.shown(server), every)):
        stray(one, owned(owner, "listener"), to=address)
    special.close("l")
    stray(one, owned(every, "listener"), to=OTHER_IP)
    every.exit(6)
    knock(one, owned(every, "last_listener", exit_code=6))
    knock(one, owned(every, "last_listener", exit_code=6), at=THIRD_IP)


# --- what hits a listener ---


@case("ACK for a listener", WAYS)
def _(one):
    s = one.server()
    one.listen(s)
    stray(one, owned(s, "listener"))


@case("RST for a listener")
def _(one):
    s = one.server()
    one.listen(s)
    one.probe(RST)
    if passes["drop_sockets"] or not passes["drops_of_rejected"]:
        one.received(server, "stray", owned(s, "listener"), False, state="LISTEN")
    else:
        one.received(server, "rejected", owned(s, "listener"), False, role=None)


@case("RST for a port that nobody listens on any more", IPV4)
def _(one):
    s = one.server()
    one.listen(s)
    s.exit(1)
    one.probe(RST)
    one.received(server, "stray", owned(s, "last_listener", exit_code=1), False, role=None)


@case("RST for a half-open inbound connection")
def _(one):
    s = one.server()
    one.listen(s)
    one.drop(client, f"tcp sport {one.port}")
    one.probe(SYN, sequence=1000)
    one.wait_state(server, "SYN_RECV")
    one.probe(RST, sequence=1001)
    one.wait_left(server, "SYN_RECV")
    one.received(server, "handshake", owned(s, "listener"), False, state="NEW_SYN_RECV")


@case("second SYN with another number")
def _(one):
    s = one.server()
    one.drop(client, f"tcp sport {one.port}")
    one.listen(s)
    one.probe(SYN, sequence=1000)
    one.wait_state(server, "SYN_RECV")
    one.probe(SYN, sequence=1100)
    one.sent(server, "invalid", owned(s, "listener"), False, state="LISTEN")


@case("join of an unknown Multipath TCP connection", IPV4)
def _(one):
    s = one.server()
    try:
        one.listen(s, protocol=262)
    except Failure as error:
        raise Skip(f"Multipath TCP: {error}") from None
    one.probe(SYN, options=bytes((30, 12, 0x10, 1)) + b"abcdefgh")
    one.sent(server, "mptcp", owned(s, "listener"), False, state="LISTEN")
    one.received(client, "stray", KERNEL, False, role=None)


# --- connections that wait to be accepted ---


@case("listener closed with connections waiting", WAYS)
def _(one):
    c, s = one.client(), one.server()
    one.listen(s)
    for name in ("c0", "c1"):
        one.dial(c, name)
    c.send("c0", 9)
    one.wait_state(server, "ESTABLISHED", 2)
    wait_until(lambda: 9 in unread(one), "the data are there")
    s.close("l")
    one.client_port = 0
    for name, count in (("c0", 9), ("c1", 0)):
        c.wait_reset(name)
        one.sent(server, "aborted", owned(s, ("listener", "last_listener")), (count, 0),
                 state="ESTABLISHED")
        one.received(client, "established", owned(c), (0, count), state="ESTABLISHED")


def reset_unaccepted(one, c, listener, **how):
    one.dial(c, **how)
    one.wait_state(server, "ESTABLISHED")
    c.linger("c")
    c.close("c")
    one.wait_left(server, "ESTABLISHED")
    one.sent(client, "aborted", owned(c), (0, 0), state="ESTABLISHED")
    one.received(server, "established", owned(listener, "listener"), (0, 0), state="ESTABLISHED")


@case("client resets a connection that nobody has accepted")
def _(one):
    c, s = one.client(), one.server()
    one.listen(s)
    reset_unaccepted(one, c, s)


@case("server killed: unread data, and one that waits to be accepted")
def _(one):
    c, s = one.client(), one.server()
    one.listen(s)
    for name in ("c0", "c1"):
        one.dial(c, name)
    s.accept("l", "s0")
    c.send("c0", 4)
    s.recv("s0", 4, peek=True)
    s.kill()
    one.client_port = 0
    for name, count, known in (("c0", 4, "socket"), ("c1", 0, ("listener", "last_listener"))):
        c.wait_reset(name)
        ending = {"signal": (None, "SIGKILL")} if count == 0 else {}
        one.sent(server, "aborted", owned(s, known, **ending), (count, 0), state="ESTABLISHED")
        one.received(client, "established", owned(c), (0, count), state="ESTABLISHED")


@case("the same ends as of a connection that another had closed, not accepted")
def _(one):
    c, old, source = one.client(), one.server("old"), next(ports)
    one.listen(old)
    one.dial(c, source=source)
    old.accept("l", "s")
    old.shutdown("s")
    c.wait_end("c")
    one.wait_state(server, "FIN_WAIT2")
    c.linger("c")
    c.close("c")
    old.wait_reset("s")
    both(one, client, server, c, old, stage="closing", state="CLOSE_WAIT", other_state="FIN_WAIT2")
    old.exit(0)
    new = one.server("new")
    one.listen(new)
    reset_unaccepted(one, c, new, source=source)

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Cases where the process with the socket is not the one that made it, or has changed: threads,
forks, other users, sockets passed on, other programs, names, cgroups and containers."""
import os
import shutil
import time

from actors import *
from harness import *
from owner_cases import *

sleep = shutil.which("sleep")


# --- sockets that are older than rstwatch ---


@older("older socket of a thread that has ended", IPV4)
def _(one):
    c, s = one.client(), one.server()
    one.listen(s)
    one.client_port = c.in_thread("worker", "connect", "c", one.way.socket_family,
                                  one.way.address(server), one.port)
    s.in_thread("acceptor", "accept", "l", "s", keep=True)
    yield
    s.linger("s")
    s.in_thread("closer", "close", "s")
    c.wait_reset("c")
    both(one, server, client, s, c)


@older("older socket that only a child has left", IPV4)
def _(one):
    c, s = one.pair()
    child = one.fork(s)
    s.exit()
    s.forget()
    yield
    reset(one, c, "c", child, "s")


@older("older socket, on its way over a Unix socket", IPV4)
def _(one):
    c, s = one.pair()
    heir = one.server("he")
    s.give("s", heir)
    s.exit()
    s.forget()
    yield
    heir.take("s")
    c.send("c", 1)
    heir.recv("s", 1)
    reset(one, c, "c", heir, "s", facts=(0, 1))


@older("older socket of a container", IPV4)
def _(one):
    c = one.client()
    outside = one.server("out")
    s = one.contain(outside)
    one.pair(c, s)
    yield
    reset(one, s, "s", c, "c")


@older("older socket of a process with a name to be feared", IPV4)
def _(one):
    c, s = one.pair(one.client(comm=b") S 1 1\n\x1b[2J"))
    yield
    reset(one, c, "c", s, "s")


@older("older master, whose new workers accept", IPV4)
def _(one):
    c, master = one.client(), one.server("ma")
    one.listen(master)
    yield
    worker = one.fork(master, "wo")
    one.dial(c)
    worker.accept("l", "s")
    reset(one, c, "c", worker, "s")


# --- threads, forks, users ---


@case("worker thread connects, and another closes: the leader's pid and name")
def _(one):
    c, s = one.client(), one.server()
    one.listen(s)
    one.client_port = c.in_thread("worker", "connect", "c", one.way.socket_family,
                                  one.way.address(server), one.port)
    s.in_thread("acceptor", "accept", "l", "s", keep=True)
    c.linger("c")
    c.in_thread("closer", "close", "c")
    s.wait_reset("s")
    both(one, client, server, c, s)


@case("child has the socket but does nothing with it")
def _(one):
    c, s, _ = forked(one)
    reset_by_client(one, c, s)


@case("child that has ended, after doing nothing with the socket", IPV4)
def _(one):
    c, s, child = forked(one)
    child.exit(0)
    s.reap(child.pid)
    reset_by_client(one, c, s)


@case("child that only writes does not become the owner", IPV4)
def _(one):
    c, s, child = forked(one)
    child.send("s", 3)
    c.recv("c", 3)
    reset_by_client(one, c, s, (0, 3))


for how in ("recv", "read", "readv", "recvmsg", "splice"):

    @case(f"child reads with {how}(): it is the owner", MOST if how == "recv" else IPV4)
    def _(one, how=how):
        c, s, child = forked(one)
        c.send("c", 4)
        if how == "recv":
            child.recv("s", 4)
        else:
            child.recv_by(how, "s", 4)
        reset_by_client(one, c, child, (4, 0))


@case("parent and child read in turns: the last one is the owner", IPV4)
def _(one):
    c, s, child = forked(one)
    for reader in (child, s, child, s):
        c.send("c", 2)
        reader.recv("s", 2)
    reset_by_client(one, c, s, (8, 0))


@case("parent reads, child reads elsewhere, parent reads again: the parent is the owner", IPV4)
def _(one):
    if os.cpu_count() < 2:
        raise Skip("one CPU")
    c, s, child = forked(one)
    s.pin(0)
    child.pin(1)
    for reader in (s, child, s):
        c.send("c", 2)
        reader.recv("s", 2)
    reset_by_client(one, c, s, (6, 0))


@case("parent accepts, forks, and is gone before anybody reads", IPV4)
def _(one):
    c, s, child = forked(one)
    s.exit(0)
    s.forget()
    c.linger("c")
    c.close("c")
    child.wait_reset("s")
    one.sent(client, "aborted", owned(c), (0, 0), state="ESTABLISHED")
    # Its child has the socket, but has not used it.
    either = owned(s, pid=(s.pid, child.pid), comm=(s.comm, child.comm))
    one.received(server, "established", either, (0, 0), state="ESTABLISHED")


@case("thread of the child reads: the child's leader is the owner", IPV4)
def _(one):
    c, s, child = forked(one)
    c.send("c", 4)
    child.in_thread("reader", "recv", "s", 4)
    reset_by_client(one, c, child, (4, 0))


@case("child that has read, and ended: its parent still has the socket", IPV4)
def _(one):
    c, s, child = forked(one)
    c.send("c", 4)
    child.recv("s", 4)
    child.exit(0)
    # Who read last is the owner, until somebody else uses it.
    c.send("c", 4)
    s.recv("s", 4)
    reset_by_client(one, c, s, (8, 0))


@case("child closes last")
def _(one):
    c, s, child = forked(one)
    s.exit(0)
    reset(one, child, "s", c, "c")


@case("child closes last, with unread data", IPV4)
def _(one):
    c, s, child = forked(one)
    c.send("c", 4)
    child.recv("s", 4, peek=True)
    s.close("s")
    child.close("s")
    c.wait_reset("c")
    both(one, server, client, child, c, facts=(4, 0))


@case("parent closes last", IPV4)
def _(one):
    c, s, child = forked(one)
    child.exit(0)
    reset(one, s, "s", c, "c")


@case("parent forks a child for each connection, and closes its own copy")
def _(one):
    c, s = one.client(), one.server()
    one.listen(s)
    children = []
    for i in range(3):
        one.dial(c, f"c{i}")
        s.accept("l", f"s{i}")
        child = one.fork(s, f"k{i}")
        s.close(f"s{i}")
        c.send(f"c{i}", 2)
        child.recv(f"s{i}", 2)
        children.append((child, one.client_port))
    for i, (child, port) in enumerate(children):
        one.client_port = port
        reset(one, child, f"s{i}", c, f"c{i}", facts=(2, 0))


@case("client's child reads, and its parent is gone")
def _(one):
    c, s = one.pair()
    child = one.fork(c)
    c.exit(0)
    s.send("s", 4)
    child.recv("c", 4)
    reset(one, s, "s", child, "c", facts=(0, 4))


@case("child accepts what its parent listens for")
def _(one):
    c, s = one.client(), one.server()
    one.listen(s)
    child = one.fork(s)
    one.dial(c)
    child.accept("l", "s")
    reset(one, child, "s", c, "c")
    stray(one, owned(s, "listener"))


@case("three workers of a master accept in turns")
def _(one):
    c, master = one.client(), one.server("ma")
    one.listen(master)
    workers = [one.fork(master, f"w{i}") for i in range(3)]
    for i in range(6):
        worker = workers[i % 3]
        one.dial(c, f"c{i}")
        worker.accept("l", f"s{i}")
        if i < 3:
            reset(one, worker, f"s{i}", c, f"c{i}")
        else:
            reset(one, c, f"c{i}", worker, f"s{i}")


@case("workers that give up root before they accept")
def _(one):
    c, master = one.client(), one.server("ma")
    one.listen(master)
    worker = one.fork(master, "wo")
    worker.setuid(NOBODY)
    one.dial(c)
    worker.accept("l", "s")
    reset(one, worker, "s", c, "c")


@case("worker that gives up root before it accepts, and is reset before it reads")
def _(one):
    c, master = one.client(), one.server("ma")
    one.listen(master)
    worker = one.fork(master, "wo")
    worker.setuid(NOBODY)
    learned()
    one.dial(c)
    worker.accept("l", "s")
    reset_by_client(one, c, worker)


@case("worker that gives up root before it connects", IPV4)
def _(one):
    s, master = one.server(), one.client("ma")
    one.listen(s)
    worker = one.fork(master, "wo")
    worker.setuid(NOBODY)
    one.dial(worker)
    s.accept("l", "s")
    reset(one, s, "s", worker, "c")


@case("process that changes its user again and again, and the socket from before", IPV4)
def _(one):
    c, s = one.pair()
    for i in range(6):
        s.seteuid(0 if i % 2 else NOBODY)
        port = next(ports)
        s.listen(f"l{i}", one.way.socket_family, "", port)
        s.close(f"l{i}")
    unsure(s)
    reset_by_client(one, c, s)


def of_threads(one, actor):
    """Eight threads, which have credentials of their own from the time the process changes them."""
    actor.threads(8)
    actor.seteuid(NOBODY)
    actor.uid = NOBODY


@case("eight threads with credentials of their own connect", IPV4)
def _(one):
    c, s = one.client(), one.server()
    one.listen(s)
    of_threads(one, c)
    opened = []
    for i in range(8):
        opened.append(c.on_thread(i, ["connect", f"c{i}", one.way.socket_family,
                                      one.way.address(server), one.port]))
        s.accept("l", f"s{i}")
    for i, one.client_port in enumerate(opened):
        reset(one, s, f"s{i}", c, f"c{i}")


@case("eight threads with credentials of their own accept", IPV4)
def _(one):
    c, s = one.client(), one.server()
    one.listen(s)
    of_threads(one, s)
    unsure(s)
    for i in range(8):
        one.dial(c, f"c{i}")
        s.on_thread(i, ["accept", "l", f"s{i}"])
    for i in range(8):
        c.linger(f"c{i}")
        c.close(f"c{i}")
        s.wait_reset(f"s{i}")
    one.client_port = 0
    for i in range(8):
        both(one, client, server, c, s)


@case("thread that acts for another user: the process's, as its leader is", IPV4)
def _(one):
    c, s = one.client(), one.server()
    one.listen(s)
    s.threads(1)
    one.dial(c)
    s.on_thread(0, ["thread_setuid", NOBODY], ["accept", "l", "s"])
    unsure(s)
    reset_by_client(one, c, s)


@case("credentials of one process, in memory where another's had been", IPV4)
def _(one):
    # The kernel frees them after a while, and gives out again first what was freed last.
    hooked = not EMULATED and report["hooks"]["commit_creds"]["state"] == "attached"
    c, s, other = one.client(), one.server(), one.server("ot")
    one.listen(s)
    for actor in (s, other):
        actor.pin(0)
    for i in range(20 if hooked else 3):
        for j in range(2):
            other.seteuid(0 if j else NOBODY)
            other.listen(f"l{i}-{j}", one.way.socket_family, "127.0.0.1", 0)
            other.close(f"l{i}-{j}")
        time.sleep(0.03)
        s.seteuid(0 if i % 2 else NOBODY)
        s.uid = 0 if i % 2 else NOBODY
        learned()
        one.dial(c, f"c{i}")
        s.accept("l", f"s{i}")
        reset(one, c, f"c{i}", s, f"s{i}")


@case("the same before they can be known: perhaps as the listener, but never the other one", IPV4)
def _(one):
    c, s, other = one.client(), one.server(), one.server("ot")
    one.listen(s)
    for actor in (s, other):
        actor.pin(0)
    for i in range(6 if EMULATED else 20):
        for j in range(2):
            other.seteuid(0 if j else NOBODY)
            other.listen(f"l{i}-{j}", one.way.socket_family, "127.0.0.1", 0)
            other.close(f"l{i}-{j}")
        time.sleep(0.03)
        s.seteuid(0 if i % 2 else NOBODY)
        one.dial(c, f"c{i}")
        s.accept("l", f"s{i}")
        c.linger(f"c{i}")
        c.close(f"c{i}")
        s.wait_reset(f"s{i}")
        one.sent(client, "aborted", owned(c), (0, 0), state="ESTABLISHED")
        one.received(server, "established", owned(s, ("socket", "listener"), uid=(0, NOBODY)),
                     (0, 0), state="ESTABLISHED")


@case("credentials of a program that has ended, in memory where another's are now", IPV4)
def _(one):
    # Those that exec() replaces go when the program ends, before its parent takes note of that.
    c, parent = one.client(), one.server("pa")
    parent.pin(0)
    programs = [one.fork(parent, f"x{i}") for i in range(4 if EMULATED else 12)]
    for program in programs:
        program.exec(sleep, "sleep", "30")
    for program in programs:
        program.kill()
    time.sleep(0.1)
    servers, dialled = [one.fork(parent, f"y{i}") for i in range(4 if EMULATED else 12)], []
    for i, s in enumerate(servers):
        one.listen(s)
        dialled.append(one.dial(c, f"c{i}"))
        s.accept("l", f"s{i}")
        s.close("l")
    for program in programs:
        parent.reap(program.pid)
    time.sleep(0.1)
    for i, (s, one.client_port) in enumerate(zip(servers, dialled)):
        reset(one, c, f"c{i}", s, f"s{i}")


@case("user of its own")
def _(one):
    c, s = one.pair(one.client(uid=1234), one.server(uid=NOBODY))
    reset(one, c, "c", s, "s")


@case("user that it became before it had a socket", IPV4)
def _(one):
    s = one.server()
    s.setuid(4321)
    c, s = one.pair(s=s)
    reset(one, s, "s", c, "c")


@case("parent shuts down, child closes last: the child's, when data come late", IPV4)
def _(one):
    c, s, child = forked(one)
    s.shutdown("s")
    c.wait_end("c")
    one.wait_state(server, "FIN_WAIT2")
    s.close("s")
    child.close("s")
    c.send("c", 1)
    c.wait_reset("c")
    one.sent(server, "time_wait", owned(child), False, state="TIME_WAIT")
    one.received(client, "closing", owned(c), state="CLOSE_WAIT")


# --- sockets passed over a Unix socket ---


def passed(one):
    c, s = one.pair()
    heir = one.server("he")
    s.give("s", heir)
    heir.take("s")
    return c, s, heir


@case("socket passed on, and read by who received it")
def _(one):
    c, s, heir = passed(one)
    c.send("c", 3)
    heir.recv("s", 3)
    reset_by_client(one, c, heir, (3, 0))


@case("socket passed on, read, and its sender gone", IPV4)
def _(one):
    c, s, heir = passed(one)
    s.exit(0)
    c.send("c", 3)
    heir.recv("s", 3)
    reset(one, heir, "s", c, "c", facts=(3, 0))


@case("socket passed on, and closed by who received it, as the last")
def _(one):
    c, s, heir = passed(one)
    s.close("s")
    reset(one, heir, "s", c, "c")


@case("socket passed on, but not used", IPV4)
def _(one):
    c, s, heir = passed(one)
    reset_by_client(one, c, s)


@case("client's socket passed on, data after its close", IPV4)
def _(one):
    c, s = one.pair()
    heir = one.client("he")
    c.give("c", heir)
    heir.take("c")
    c.close("c")
    heir.close("c")
    s.wait_end("s")
    one.wait_state(client, "FIN_WAIT2")
    s.send("s", 1)
    s.wait_reset("s")
    one.sent(client, "time_wait", owned(heir), False, state="TIME_WAIT")
    one.received(server, "closing", owned(s), state="CLOSE_WAIT")


@case("listener passed on: who accepts, owns", IPV4)
def _(one):
    c, s = one.client(), one.server()
    heir = one.server("he")
    one.listen(s)
    s.give("l", heir)
    heir.take("l")
    one.dial(c)
    heir.accept("l", "s")
    reset(one, heir, "s", c, "c")


# --- another program in the same process ---


@case("exec after connect: the same number, another name")
def _(one):
    c, s = one.pair()
    s.send("s", 4)
    c.recv("c", 4, peek=True)
    c.exec(sleep, "sleep", "30", keep=["c"])
    c.kill()
    s.wait_reset("s")
    both(one, client, server, c, s, facts=(4, 0))


@case("exec in a thread that is not the leader: the same number, another name", IPV4)
def _(one):
    c, s = one.pair()
    s.exec(sleep, "sleep", "30", keep=["s"], by_thread=True)
    unsure(s, "last_listener")
    reset_by_client(one, c, s)


@case("exec by a process that was passed the socket", IPV4)
def _(one):
    c, s, heir = passed(one)
    c.send("c", 2)
    heir.recv("s", 2)
    heir.exec(sleep, "sleep", "30", keep=["s"])
    reset_by_client(one, c, heir, (2, 0))


@case("exec with the socket as standard input, as of inetd: the program that reads", IPV4)
def _(one):
    c, s = one.pair()
    child = one.fork(s)
    s.close("s")
    child.exec(shutil.which("head"), "head", "-c", "100", stdin="s")
    c.send("c", 10)
    wait_until(lambda: unread(one) and not any(unread(one)), "it is read")
    reset_by_client(one, c, child, (10, 0))


@case("exec closes the socket", IPV4)
def _(one):
    c, s = one.pair()
    s.linger("s")
    before = shown(s.comm)
    s.exec(sleep, "sleep", "30")
    c.wait_reset("c")
    # It is closed half way between the two programs.
    owner = owned(s, comm=(before, "sleep"), _exe=None)
    one.sent(server, "aborted", owner, (0, 0), state="ESTABLISHED")
    one.received(client, "established", owned(c), (0, 0), state="ESTABLISHED")


@case("program whose file is gone, and had a name to be feared", IPV4)
def _(one):
    c, s = one.pair()
    s.send("s", 4)
    c.recv("c", 4, peek=True)
    folder = os.fsencode(temporary_directory())
    path = folder + b"/sl\"\\\n\x1b[0m) \xff"
    shutil.copy(sleep, path)
    c.exec(path, "sleep", "30", keep=["c"])
    os.unlink(path)
    c.kill()
    s.wait_reset("s")
    one.sent(client, "aborted", owned(c, _exe=None), (4, 0), state="ESTABLISHED")
    one.received(server, "established", owned(s), state="ESTABLISHED")


# --- names to be feared ---


NAMES = (b"a\nb\r\tc", b"\x1b[31mred\x1b[0m", b"\xff\xfe\xc3(\xe2\x82", b"q\"u\\o'te`$(x)",
         b" two  spaces ", b"(x) S 1 (y", b"\x01\x02\x7f\x9b31m", b'{"a":[1],}', b"%s%n%1000x",
         b"0123456789abcdefgh", "\u00e9".encode() * 8, "\u202e\u200b\u0085".encode(), b"/../..",
         b"\xed\xa0\x80\xf4\x90\x80\x80", b"-1")

for name in NAMES[:3] if EMULATED else NAMES:

    @case(f"name {ascii(name)[1:]}", IPV4)
    def _(one, name=name):
        c, s = one.pair(one.client(comm=name))
        reset(one, c, "c", s, "s")


@case("no name at all", IPV4)
def _(one):
    c, s = one.pair(one.client(comm=b""))
    c.linger("c")
    c.close("c")
    s.wait_reset("s")
    one.sent(client, "aborted", owned(c, comm=("", None)), state="ESTABLISHED")
    one.received(server, "established", owned(s), state="ESTABLISHED")


# --- cgroups and containers ---


tree = CgroupTree()
POD = "12345678-9abc-def0-1234-56789abcdef0"
docker, containerd, crio, podman, plain = (
    container_id(name) for name in ("docker", "containerd", "crio", "podman", "plain"))

CGROUPS = (
    ("service", "/system.slice/made.service", {"unit": "made.service"}),
    ("service with a name that is escaped", "/system.slice/made\\x2da@b.service",
     {"unit": "made-a@b.service"}),
    ("docker", f"/system.slice/docker-{docker}.scope",
     {"container": docker, "runtime": "docker"}),
    ("docker, without systemd", f"/docker/{plain}", {"container": plain, "runtime": "docker"}),
    ("pod of containerd", f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod"
     f"{POD.replace('-', '_')}.slice/cri-containerd-{containerd}.scope",
     {"container": containerd, "runtime": "containerd", "pod": POD}),
    ("pod of CRI-O", f"/kubepods.slice/kubepods-pod{POD.replace('-', '_')}.slice/"
     f"crio-{crio}.scope", {"container": crio, "runtime": "cri-o", "pod": POD}),
    ("pod, without systemd", f"/kubepods/besteffort/pod{POD}/{containerd}",
     {"container": containerd, "pod": POD}),
    ("podman", f"/machine.slice/libpod-{podman}.scope",
     {"container": podman, "runtime": "podman"}),
)

for name, path, expected in CGROUPS[2:5] if EMULATED else CGROUPS:

    @case(f"cgroup of a {name}", IPV4)
    def _(one, path=path, expected=expected):
        cgroup = tree.make(path)
        c, s = one.client(), one.server(cgroup=cgroup)
        one.pair(c, s)
        s.linger("s")
        s.close("s")
        c.wait_reset("c")
        one.sent(server, "aborted", owned(s, cgroup=cgroup.path, **expected), state="ESTABLISHED")
        one.received(client, "established", owned(c), state="ESTABLISHED")


@case("cgroup whose path is longer than what is kept: its end is", IPV4)
def _(one):
    path = "/" + "/".join(f"{letter * 90}" for letter in "abcde")
    cgroup = tree.make(f"{path}/docker-{docker}.scope")
    c, s = one.pair(s=one.server(cgroup=cgroup))
    s.linger("s")
    s.close("s")
    c.wait_reset("c")
    owner = owned(s, container=docker, runtime="docker")
    one.sent(server, "aborted", owner, state="ESTABLISHED")
    one.received(client, "established", owned(c), state="ESTABLISHED")


@case("container: the host's pid, and the cgroup as the host sees it")
def _(one):
    cgroup = tree.make(f"/system.slice/docker-{container_id(str(one.port))}.scope")
    outside = one.server("out", cgroup=cgroup)
    s = one.contain(outside)
    c = one.client()
    one.pair(c, s)
    s.linger("s")
    s.close("s")
    c.wait_reset("c")
    owner = owned(s, cgroup=cgroup.path, container=container_id(str(one.port)), runtime="docker")
    one.sent(server, "aborted", owner, (0, 0), state="ESTABLISHED")
    one.received(client, "established", owned(c), (0, 0), state="ESTABLISHED")
    s.exit(7)
    knock(one, {**owner, "known_by": "last_listener", "exit_code": 7})

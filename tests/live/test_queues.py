#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the kernel tells of sockets that listen, as it stands in a recording: SYN-ACKs that are sent
again, half-open connections and accept queues, the counters of handshakes in /proc; and what is told
only while it is asked for."""
import contextlib
import ctypes
import ipaddress
import mmap
import os
import socket
import struct
import threading
import time

from harness import *
from harness import segment

PORT = 61200
SYNS = 60
RATE = 200  # SYNs a second
V4, V6 = Way(4), Way(6)

tap = Tap()
pair = Pair()
client, server = pair.client, pair.server
directory = temporary_directory()
server.sysctl("ipv4.tcp_syncookies", 1)
server.sysctl("ipv4.tcp_max_syn_backlog", 4096)


# --- recordings: user/record.h, bpf/event.h ---

PROCESS, SLICE, LISTENER, SIGNAL, LISTENING, QUEUES, THINNED = 14, 9, 15, 17, 18, 19, 20
RETRANSMIT, SYN_IN = 1, 5
DUAL, OPENED = 1, 1
QUEUE_NAMES = """PassiveOpens ListenOverflows ListenDrops SyncookiesSent SyncookiesRecv
SyncookiesFailed TCPReqQFullDoCookies TCPReqQFullDrop TCPChallengeACK TCPSYNChallenge""".split()


class Record:
    """One record: its .kind, and the fields that layout names, in the order of their bytes."""

    LAYOUTS = {
        PROCESS: ("IIQII16s", "number pid started uid pad comm"),
        SLICE: ("II", "slice pad"),
        LISTENER: ("QQ16sIIHBBI", "time socket address netns owner port change flags status"),
        SIGNAL: ("QQ16s16sIIHHBBBBIIII",
                 "time socket local peer netns owner local_port peer_port signal state trigger "
                 "attempt half_open stale backlog pad"),
        LISTENING: ("QQ16sIIIIIIIHBBQQQ",
                    "time socket address netns owner half_open young accept_queue backlog drops "
                    "port flags pad retransmits_first retransmits completed"),
        THINNED: ("Q", "signals"),
        QUEUES: ("II10Q", "netns pad " + " ".join(QUEUE_NAMES)),
    }

    def __init__(self, kind, data):
        self.kind = kind
        if kind in self.LAYOUTS:
            layout, names = self.LAYOUTS[kind]
            values = struct.unpack_from("=" + layout, data)
            self.__dict__.update(zip(names.split(), values))

    def __repr__(self):
        return repr(self.__dict__)


def shown(address):
    plain = ipaddress.IPv6Address(address)
    return str(plain.ipv4_mapped or plain)


class Recorder:
    """A running rstwatch record, and what it has recorded so far."""

    _count = 0

    def __init__(self):
        Recorder._count += 1
        self.path = os.path.join(directory, f"recording-{Recorder._count}")
        self.watcher = Watcher(command=("record", "-o", self.path))

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        end_process(self.watcher.process)

    def records(self, *kinds, **fields):
        with open(self.path, "rb") as file:
            data = file.read()
        at, found = 32, []
        while at + 16 <= len(data):
            size = struct.unpack_from("=I", data, at + 4)[0]
            at, end = at + 16, at + 16 + size
            if end > len(data):
                break
            while at < end:
                length, kind = struct.unpack_from("=IH", data, at)
                if kind in kinds:
                    record = Record(kind, data[at + 8:at + length])
                    if all(getattr(record, name) == value for name, value in fields.items()):
                        found.append(record)
                at += length
        return found

    def signals(self, signal, **fields):
        return self.records(SIGNAL, signal=signal, netns=server.inode, **fields)

    def thinned(self):
        """Signals that were left out: of a flood that somebody else on this host makes."""
        return sum(one.signals for one in self.records(THINNED))

    def listening(self, port):
        return self.records(LISTENING, netns=server.inode, port=port)

    def wait_listening(self, port, condition, what, limit=LIMIT):
        """The last record of the port's listener, once condition(it) holds."""
        def look():
            told = self.listening(port)
            return told and condition(told[-1]) and told[-1]

        try:
            return wait_until(look, what, limit, 0.1)
        except Failure as failure:
            raise Failure(failure, "the last one told:", self.listening(port)[-1:]) from None

    def wait_slices(self, count):
        before = len(self.records(SLICE))
        wait_until(lambda: len(self.records(SLICE)) >= before + count, f"{count} slices", LIMIT, 0.1)

    def pid_of(self, number):
        return [one.pid for one in self.records(PROCESS, number=number)][-1:]


def send_syns(sources, target, port, rate=RATE):
    """One SYN from each address, which is nobody's: the client drops what comes back."""
    family = socket.AF_INET6 if ":" in target else socket.AF_INET
    with client, socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW) as sock:
        for number, source in enumerate(sources):
            tcp = segment(source, 40000, target, port, SYN)
            ends = socket.inet_pton(family, source) + socket.inet_pton(family, target)
            if family == socket.AF_INET6:
                header = struct.pack("!IHBB", 6 << 28, len(tcp), 6, 64) + ends
            else:
                header = struct.pack("!BBHHHBBH", 0x45, 0, 40, 0, 0, 64, 6, 0) + ends
            sock.sendto(header + tcp, (target, 0))
            time.sleep(1 / rate)


def spoofed(way, count, block):
    return [f"fd77::{block}:{i:x}" if way is V6 else f"10.77.{block}.{i}"
            for i in range(1, count + 1)]


@contextlib.contextmanager
def on_one_cpu():
    """Sends from one CPU, which then has the timers, too: so what they count is in order."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def check_unanswered(recorder, way, listener, port, block):
    """SYNs that nobody follows up."""
    peers = spoofed(way, SYNS, block)
    sent = time.monotonic_ns()
    with on_one_cpu():
        send_syns(peers, way.shown(server), port)
    took = time.monotonic_ns() - sent

    def told_of(attempt):
        return recorder.signals(RETRANSMIT, local_port=port, attempt=attempt)

    def wait_told(attempt):
        wait_until(lambda: len(told_of(attempt)) >= SYNS - recorder.thinned(),
                   f"signals of attempt {attempt}", LIMIT, 0.1)
        told = [shown(one.peer) for one in told_of(attempt)]
        equal(len(set(told)), len(told), f"peers, attempt {attempt}: told twice")
        equal(set(told) - set(peers), set(), f"peers, attempt {attempt}")

    wait_told(1)
    signals = told_of(1)
    check(signals, "no signal")
    for signal in signals:
        equal(shown(signal.local), way.shown(server), "local end")
        equal(signal.peer_port, 40000, "the peer's port")
        equal(signal.backlog, 128, "backlog")
        equal((signal.state, signal.trigger), (0, 0), "what is not said of it")
        equal(recorder.pid_of(signal.owner), [os.getpid()], "owner")
        check(0.8e9 < signal.time - sent < 2.5e9 + took, "after", signal.time - sent, "ns")
    if took < 0.9e9:
        equal({one.half_open for one in signals}, {SYNS}, "half open")
        stale = list(range(1, SYNS + 1))
        check(recorder.thinned() or sorted(one.stale for one in signals) == stale, "stale", signals)
    told = recorder.wait_listening(port, lambda one: one.retransmits_first == SYNS,
                                   "retransmits_first")
    equal({one.socket for one in signals}, {told.socket}, "the listener's socket")
    equal(recorder.pid_of(told.owner), [os.getpid()], "the listener's owner")
    check(any(one.half_open == SYNS for one in recorder.listening(port)), "half_open not told")
    check(any(one.half_open == SYNS and not one.young for one in recorder.listening(port)),
          "young does not fall", recorder.listening(port))
    check(any(one.young for one in recorder.listening(port)), "young never told")
    # Two seconds later, each is sent a third time.
    wait_told(2)
    recorder.wait_listening(port, lambda one: one.retransmits >= 2 * SYNS, "retransmits")
    listener.close()


# --- what is told at all times ---

old = make_listener(server, V4, PORT, 128)
recorder = Recorder()
new = make_listener(server, V6, PORT + 1, 128)

with tap.test("SYNs without an answer, at a listener that was there before: IPv4"):
    check_unanswered(recorder, V4, old, PORT, 1)
    told = recorder.listening(PORT)[-1]
    equal(shown(told.address), "0.0.0.0", "address")
    equal(told.flags & DUAL, 0, "dual")

with tap.test("SYNs without an answer, at a listener that came later: IPv6"):
    check_unanswered(recorder, V6, new, PORT + 1, 2)
    told = recorder.listening(PORT + 1)[-1]
    equal(shown(told.address), "::", "address")
    equal(told.flags & DUAL, DUAL, "dual")
    opened = recorder.records(LISTENER, netns=server.inode, port=PORT + 1, change=OPENED)
    equal([one.socket for one in opened], [told.socket], "the socket that was told to listen")

def accept_all(listener):
    with contextlib.suppress(OSError):  # until nothing comes any more
        while True:
            listener.accept()[0].close()


with tap.test("a listener whose program does not accept"):
    with make_listener(server, V4, PORT + 2, 4) as listener:
        before = server.counter("ListenDrops", "TcpExt")
        clients = []
        for _ in range(8):
            with client:
                one = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            one.setblocking(False)
            one.connect_ex((server.ip4, PORT + 2))
            clients.append(one)
        told = recorder.wait_listening(PORT + 2, lambda one: one.drops and one.accept_queue == 5,
                                       "a full accept queue")
        equal(told.backlog, 4, "backlog")
        recorder.wait_listening(
            PORT + 2, lambda one: one.drops == server.counter("ListenDrops", "TcpExt") - before,
            "drops as the namespace's ListenDrops")
        for one in clients:
            one.close()
        accepting = threading.Thread(target=accept_all, args=(listener,), daemon=True)
        accepting.start()
        recorder.wait_listening(PORT + 2, lambda one: not one.accept_queue and not one.half_open,
                                "empty queues", 3 * LIMIT)
        recorder.wait_slices(2)
        count = len(recorder.listening(PORT + 2))
        recorder.wait_slices(2)
        equal(len(recorder.listening(PORT + 2)), count, "told although nothing has happened")

with tap.test("handshakes that are complete, and do not fit into the accept queue"):
    port = PORT + 7
    with make_listener(server, V4, port, 4) as listener:
        clients = [make_client(client, V4, server, port) for _ in range(3)]
        server.nft(f"""
table inet late {{
	chain in {{
		type filter hook input priority 0;
		tcp dport {port} tcp flags & (syn | ack) == ack drop
	}}
}}""")
        late = [make_client(client, V4, server, port) for _ in range(4)]
        run(*server.command("nft", "delete", "table", "inet", "late"))
        # Their ACKs come again with the SYN-ACKs: two fit.
        told = recorder.wait_listening(port, lambda one: one.accept_queue == 5, "a full queue")
        wait_until(lambda: recorder.thinned() or
                   recorder.signals(RETRANSMIT, local_port=port, trigger=ACK), "signals", LIMIT, 0.1)
        ports = {one.getsockname()[1] for one in late}
        for one in recorder.signals(RETRANSMIT, local_port=port):
            equal(shown(one.peer), client.ip4, "peer")
            check(one.peer_port in ports, "peer", one)
            check(not one.trigger or one.attempt > 1, "its ACK", one)
        for one in clients + late:
            one.close()

with tap.test("a listener whose port the kernel chooses"):
    with server:
        chosen = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    chosen.listen(7)
    told = recorder.wait_listening(chosen.getsockname()[1], lambda one: True, "the port")
    equal(told.backlog, 7, "backlog")
    equal(recorder.pid_of(told.owner), [os.getpid()], "owner")
    chosen.close()
    recorder.wait_slices(3)
    count = len(recorder.listening(told.port))
    recorder.wait_slices(2)
    equal(len(recorder.listening(told.port)), count, "told after it was closed")

with tap.test("SYN cookies alone: the namespace's counters, each second"):
    server.sysctl("ipv4.tcp_syncookies", 2)
    with make_listener(server, V4, PORT + 3, 128):
        recorder.wait_slices(1)
        before = server.counter("SyncookiesSent", "TcpExt")
        send_syns(spoofed(V4, SYNS, 3), server.ip4, PORT + 3, 20)
        sent = server.counter("SyncookiesSent", "TcpExt") - before
        equal(sent, SYNS, "cookies sent")
        recorder.wait_slices(3)
        equal(recorder.signals(RETRANSMIT, local_port=PORT + 3), [], "retransmissions")
        gap, gaps, values = 0, [], []
        for one in recorder.records(SLICE, QUEUES):
            if one.kind == SLICE:
                gap += 1
            elif one.netns == server.inode:
                gaps.append(gap)
                gap = 0
                values.append(one.SyncookiesSent)
        check(values[-1] >= before + SYNS, "not told of all cookies", values)
        # Others on this host may have so many that they take turns.
        crowd = len({one.netns for one in recorder.records(QUEUES)})
        longest = 3 if EMULATED else 1 + crowd // 12
        rising = [one for one in values if before < one < before + SYNS]
        check(rising, "not told while it rises:", values)
        equal([gap for gap in gaps[-5:] if gap > longest], [], "seconds between them")
        names = {name: server.counter(name, "Tcp" if name == "PassiveOpens" else "TcpExt")
                 for name in QUEUE_NAMES}
        told = recorder.records(QUEUES, netns=server.inode)[-1]
        equal({name: getattr(told, name) for name in names}, names, "all counters")
    server.sysctl("ipv4.tcp_syncookies", 1)

# --- what is told only while it is asked for ---

WATCH_OPENS, WATCH_SYNS = 1, 4
WATCH_AT = 8  # in struct rst_control: bpf/settings.h
_PIDFD_GETFD = 438


def control_memory(pid):
    """The control block of a running rstwatch: its only map of one entry that can be mapped and
    that programs may write."""
    libc = ctypes.CDLL(None, use_errno=True)
    pidfd = os.pidfd_open(pid)
    for name in os.listdir(f"/proc/{pid}/fdinfo"):
        with open(f"/proc/{pid}/fdinfo/{name}") as file:
            info = dict(line.split(":\t", 1) for line in file.read().splitlines() if ":\t" in line)
        if info.get("max_entries") == "1" and info.get("map_flags") == "0x400":
            fd = libc.syscall(_PIDFD_GETFD, pidfd, int(name), 0)
            check(fd >= 0, "pidfd_getfd:", os.strerror(ctypes.get_errno()))
            return mmap.mmap(fd, mmap.PAGESIZE)
    raise Failure("no control block")


# A new one: the floods above are suspicious, so the detectors of the old one ask for this themselves.
equal(recorder.watcher.stop(), 0, "exit code")
recorder = Recorder()
memory = control_memory(recorder.watcher.process.pid)


def watch(flags):
    struct.pack_into("=I", memory, WATCH_AT, flags)
    recorder.wait_slices(2)


def connect(listener, count):
    for _ in range(count):
        with make_client(client, V4, server, listener.getsockname()[1]):
            listener.accept()[0].close()


with tap.test("handshakes are counted by port while that is asked for"):
    with make_listener(server, V4, PORT + 4) as listener:
        connect(listener, 5)
        recorder.wait_slices(2)
        equal(recorder.listening(PORT + 4)[-1].completed, 0, "completed, not asked for")
        watch(WATCH_OPENS)
        connect(listener, 7)
        recorder.wait_listening(PORT + 4, lambda one: one.completed == 7, "completed")
        watch(0)
        connect(listener, 3)
        recorder.wait_slices(2)
        equal(recorder.listening(PORT + 4)[-1].completed, 7, "completed, not asked for any more")

with tap.test("SYNs that come in are told while that is asked for"):
    with make_listener(server, V4, PORT + 5) as listener:
        connect(listener, 3)
        equal(recorder.signals(SYN_IN), [], "not asked for")
        watch(WATCH_SYNS)
        connect(listener, 3)
        peers = spoofed(V6, 4, 4)
        send_syns(peers, server.ip6, PORT + 6)
        send_segment(client, client.ip4, 40001, server.ip4, PORT + 6, ACK)
        wait_until(lambda: len(recorder.signals(SYN_IN)) >= 7, "7 SYNs", LIMIT, 0.1)
        recorder.wait_slices(1)
        told = recorder.signals(SYN_IN)
        equal([(shown(one.peer), shown(one.local), one.local_port) for one in told],
              3 * [(client.ip4, server.ip4, PORT + 5)] +
              [(peer, server.ip6, PORT + 6) for peer in peers], "SYNs")
        watch(0)
        connect(listener, 3)
        recorder.wait_slices(2)
        equal(len(recorder.signals(SYN_IN)), 7, "not asked for any more")

with tap.test("rstwatch ends in order, and has nothing to complain of"):
    equal(recorder.watcher.stop(), 0, "exit code")
    equal(recorder.watcher.stderr(), "", "standard error")

tap.done()

#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the kernel side tells beside resets: probes of a listening or connected socket, connects that
fail, and whether the peer of a reset has exchanged data here before. None of it is in a line of
output, so the records of a recording are read. What `rstwatch check` says this kernel cannot show is
not expected; all that it says is seen, is."""
import errno
import ipaddress
import os
import select
import socket
import struct

from harness import *

tap = Tap()
report = check_report()
PROBE, CONNECT_FAILED = 2, 3  # enum rst_signal_kind
ESTABLISHED, LISTEN = 1, 10  # enum rst_state
KNOWN = 16  # RST_EVENT_KNOWN
RAW_PORT = 64000  # of segments made by hand
# Addresses of the client: the first one exchanges data, the second one connects and says nothing,
# the last one does neither.
SPEAKERS = {4: "10.66.0.11", 6: "fd66::11"}
SILENT = {4: "10.66.0.12", 6: "fd66::12"}
STRANGERS = {4: "10.66.0.13", 6: "fd66::13"}


# --- what a recording holds: user/recording.h, user/record.h, bpf/event.h ---


def fields(layout, names, data):
    return dict(zip(names.split(), struct.unpack_from(layout, data)))


def shown(address):
    address = ipaddress.IPv6Address(address)
    return str(address.ipv4_mapped or address)


def records(path):
    """(kind, payload) of each."""
    with open(path, "rb") as file:
        check(file.read(32).startswith(b"\x89RSTW"), "no recording")
        while block := file.read(16):
            left = file.read(struct.unpack("=IIII", block)[1])
            while left:
                size, kind, _ = struct.unpack_from("=IHH", left)
                yield kind, left[8:size]
                left = left[size:]


class Recording:
    """Its .events, .signals, and .processes (pid by number)."""

    def __init__(self, path):
        self.events, self.signals, self.processes, self.thinned = [], [], {}, 0
        for kind, data in records(path):
            if kind == 4:
                one = fields("=Q16s16sIIHH8BI", "time_ns local peer netns slice local_port "
                             "peer_port direction cause reason state trigger role flags moves "
                             "owner", data)
                self.events.append(one)
            elif kind == 17:
                one = fields("=QQ16s16sIIHH4B", "time_ns socket local peer netns owner local_port "
                             "peer_port kind state trigger attempt", data)
                self.signals.append(one)
            elif kind == 14:
                number, pid = struct.unpack_from("=II", data)
                self.processes[number] = pid
            elif kind == 20:
                self.thinned += struct.unpack_from("=Q", data)[0]
        for one in self.events + self.signals:
            one["local"], one["peer"] = shown(one["local"]), shown(one["peer"])

    def told(self, kind, namespace, port):
        """Signals of a kind in a namespace about a service's port."""
        return [one for one in self.signals if one["kind"] == kind
                and one["netns"] == namespace.inode and port in (one["local_port"], one["peer_port"])]

    def known(self, namespace, address, port):
        """Whether the peer was known, of each reset that the namespace sent to that address."""
        return [bool(one["flags"] & KNOWN) for one in self.events
                if one["netns"] == namespace.inode and one["direction"] == 1
                and one["peer"] == address and one["local_port"] == port]


# --- what is done, all of it before anything is judged ---

pair = Pair()
client, server = pair.client, pair.server
for addresses in (SPEAKERS, SILENT, STRANGERS):
    client.ip("address", "add", addresses[4] + "/24", "dev", "veth0")
    client.ip("address", "add", addresses[6] + "/64", "dev", "veth0", "nodad",
              "preferred_lft", "0")  # not to be chosen by itself
client.nft("add table inet test; add chain inet test out { type filter hook output priority 0; }")
path = os.path.join(temporary_directory(), "recording")
watcher = Watcher("-i", "1", command=("record", "-o", path), keep="none")
WAYS = [Way(4), Way(6)]
ports = iter(range(61001, 63000))
FLAGS = {"FIN": FIN, "NULL": 0, "Xmas": FIN | PSH | URG, "SYN+FIN": SYN | FIN, "URG": URG}
expected = []  # of probes: (way, port, flags, state, client's port)


def probe(way, port, flags, source_port=RAW_PORT, **more):
    send_segment(client, way.shown(client), source_port, way.shown(server), port, flags, **more)


listening, closed, connection_ports = {}, {}, {}
listeners = []
for way in WAYS:
    port = listening[way.name] = next(ports)
    listeners.append(make_listener(server, way, port))
    for number, flags in enumerate(FLAGS.values()):
        probe(way, port, flags, RAW_PORT + number)
        expected.append((way, port, flags, LISTEN, RAW_PORT + number))
    closed[way.name] = next(ports)
    for number, flags in enumerate([*FLAGS.values(), SYN, ACK]):
        probe(way, closed[way.name], flags, RAW_PORT + number)
    port = connection_ports[way.name] = next(ports)
    connection = Connection(pair, way, port)
    sequence = send_sequence(connection.client)
    probe(way, port, SYN, connection.port, sequence=sequence + 1)
    expected.append((way, port, SYN, ESTABLISHED, connection.port))
    probe(way, port, 0, connection.port, sequence=sequence)
    expected.append((way, port, 0, ESTABLISHED, connection.port))
    connection.client.sendall(b"still there")
    equal(connection.server.recv(100), b"still there", "data after the probes")
    # What a listener gets from anybody, and a connection from a peer that has not had our answer.
    # The client answers the SYN-ACK with a reset, as it knows nothing of it.
    probe(way, listening[way.name], SYN, RAW_PORT + 100)  # from an address not known yet
    probe(way, port, ACK, connection.port, sequence=sequence - 100000)
    connection.close()

# Connects that fail, (way, port, how, pid, local port), and that do not, (port, pid, local port)
refused, succeeded = [], []


def start_child(function):
    """Runs it in a process of its own. What waits for that, and gives its pid and the number that
    it returned."""
    theirs, ours = os.pipe()
    pid = os.fork()
    if not pid:
        number = 0
        try:
            number = function()
        finally:
            os.write(ours, struct.pack("=I", number))
            os._exit(0)
    os.close(ours)

    def wait():
        with os.fdopen(theirs, "rb") as file:
            number = struct.unpack("=I", file.read(4))[0]
        os.waitpid(pid, 0)
        return pid, number

    return wait


def connect(way, port, error, limit=LIMIT):
    """Our port, after a connect() that ended with this error, or was given up; 0: it did not."""
    sock = make_socket(client, way.socket_family)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT, 1)
    sock.setsockopt(socket.IPPROTO_TCP, 18, 50)  # TCP_USER_TIMEOUT; not all kernels ask it here
    sock.setblocking(False)
    sock.connect_ex((way.address(server), port))
    local = sock.getsockname()[1]
    poll = select.poll()
    poll.register(sock, select.POLLOUT)
    ended = bool(poll.poll(limit * 1000))
    if ended != (error is not None) or ended and sock.getsockopt(
            socket.SOL_SOCKET, socket.SO_ERROR) != error:
        local = 0
    sock.close()
    return local


def connect_into_nothing(way, how, *arguments):
    port = next(ports)
    client.nft(f"add rule inet test out tcp dport {port} drop")
    return way, port, how, start_child(lambda: connect(way, port, *arguments))


waiting = [connect_into_nothing(way, "timeout", errno.ETIMEDOUT) for way in WAYS]
waiting += [connect_into_nothing(way, "given up", None, 0.05) for way in WAYS]
for way in WAYS:
    port = next(ports)
    refused.append((port, *start_child(lambda: connect(way, port, errno.ECONNREFUSED))()))
    port = listening[way.name]
    succeeded.append((port, *start_child(lambda: connect(way, port, 0))()))
failed = [(*parts, *wait()) for *parts, wait in waiting]


# Who is known. (family, address, port, known)
asked = []


def knock(way, address):
    port = next(ports)
    send_segment(client, address, RAW_PORT, way.shown(server), port, SYN)
    return way, address, port


def talk(way, address, data, who_closes):
    listener = make_listener(server, way, next(ports))
    with make_socket(client, way.socket_family) as one:
        one.bind((address, 0))
        one.connect((way.address(server), listener.getsockname()[1]))
        other = listener.accept()[0]
        other.settimeout(LIMIT)
        if data:
            one.sendall(data)
            equal(other.recv(100), data, "received")
            other.sendall(data)
            equal(one.recv(100), data, "returned")
        first, second = (one, other) if who_closes == "client" else (other, one)
        first.close()
        equal(second.recv(1), b"", "end")
        second.close()
    port = listener.getsockname()[1]
    listener.close()
    # The last acknowledgement, and what is left in TIME_WAIT.
    wait_until(lambda: all(state in (6, 10) for *_, state in server.sockets(port)), "closed")


for way in WAYS:
    for address in (SPEAKERS, SILENT, STRANGERS):
        asked.append((*knock(way, address[way.family]), False))
    talk(way, SPEAKERS[way.family], b"hello", "client" if way.family == 4 else "server")
    talk(way, SILENT[way.family], b"", "client" if way.family == 4 else "server")
    asked.append((*knock(way, SPEAKERS[way.family]), True))
    send_segment(client, SPEAKERS[way.family], RAW_PORT + 101, way.shown(server),
                 listening[way.name], SYN)
    asked.append((*knock(way, SILENT[way.family]), False))
    asked.append((*knock(way, STRANGERS[way.family]), False))

wait_steady(server.out_resets)
equal(watcher.stop(), 0, "exit code")
recording = Recording(path)

# More than are told of a kind in a slice and on a CPU: RST_SIGNALS_MAX
BURST = 6000
watcher = Watcher("-i", "1", command=("record", "-o", path), keep="none")
with client, socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP) as raw:
    fin = segment(client.ip4, RAW_PORT, server.ip4, listening[4], FIN)
    for _ in range(BURST):
        raw.sendto(fin, (server.ip4, 0))
equal(watcher.stop(), 0, "exit code")
burst = Recording(path)


# --- what was told ---

unseen = {name for name, answer in report["signals"].items() if answer["seen"] == "unseen"}
send_unseen = report["causes"]["closed_port"]["seen"] == "unseen"


def need(signal):
    if signal in unseen:
        raise Skip(f"not seen here: {report['signals'][signal]['why']}")


with tap.test("nothing was left out"):
    equal(recording.thinned, 0, "signals thinned")

with tap.test("a burst of probes is told in part, and how many were left out is exact"):
    need("probes")
    told = len(burst.told(PROBE, server, listening[4]))
    check(told >= 512 and burst.thinned > 0, told, "told", burst.thinned, "left out")
    equal(told + burst.thinned, BURST, "told and left out")

for way in WAYS:
    with tap.test(f"probes of a listener and of a connection, each once, IPv{way.family}"):
        need("probes")
        wanted = [(port, source, flags, state if report["passes"]["drop_sockets"] else 0)
                  for one, port, flags, state, source in expected if one is way]
        got = [(one["local_port"], one["peer_port"], one["trigger"], one["state"])
               for port in (listening[way.name], connection_ports[way.name])
               for one in recording.told(PROBE, server, port)]
        equal(sorted(got), sorted(wanted), "port, peer's port, flags, state")
        for one in recording.told(PROBE, server, listening[way.name]):
            equal((one["local"], one["peer"]), (way.shown(server), way.shown(client)), "ends")

    with tap.test(f"segments for a closed port are resets and no probes, IPv{way.family}"):
        equal(recording.told(PROBE, server, closed[way.name]), [], "probes")
        if not send_unseen:
            equal(len(recording.known(server, way.shown(client), closed[way.name])),
                  len(FLAGS) + 2, "resets")

    for one, port, how, pid, local in failed:
        if one is not way:
            continue
        with tap.test(f"a connect that fails is told with its owner: {how}, IPv{way.family}"):
            need("failed_connects")
            got = recording.told(CONNECT_FAILED, client, port)
            check(local, "another error")
            equal(len(got), 1, "signals")
            equal((got[0]["local"], got[0]["local_port"]), (way.shown(client), local), "local end")
            equal((got[0]["peer"], got[0]["peer_port"]), (way.shown(server), port), "peer")
            equal(recording.processes.get(got[0]["owner"]), pid, "owner")

    with tap.test(f"who has exchanged data is known, nobody else is, IPv{way.family}"):
        need("known_peers")
        if send_unseen:
            raise Skip("resets for closed ports are not seen here")
        for one, address, port, known in asked:
            if one is way:
                equal(recording.known(server, address, port), [known], f"{address} at {port}")

    with tap.test(f"a reset that ends a half-open connection tells it too, IPv{way.family}"):
        need("known_peers")
        hits = [one for one in recording.events if one["netns"] == server.inode
                and one["direction"] == 2 and one["local_port"] == listening[way.name]]
        if report["stages"]["handshake"]["seen"] == "unseen":
            raise Skip("not seen here")
        equal([(one["cause"], one["peer"], bool(one["flags"] & KNOWN)) for one in hits],
              [(17, way.shown(client), False), (17, SPEAKERS[way.family], True)],
              "cause, peer, known")

with tap.test("a connect that is refused or succeeds is not told as one that fails"):
    for port, _, local in refused + succeeded:
        check(local, "another error at port", port)
        equal([one for one in recording.told(CONNECT_FAILED, client, port)
               if one["local_port"] == local], [], port)

tap.done()

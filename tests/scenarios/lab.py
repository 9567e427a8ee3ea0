# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The laboratory of one scenario: two network namespaces, the processes in them, and the truth.

.victim is the host that is attacked. .outside is everybody else: it owns all of 10.77.0.0/16, so
that clients and attackers have addresses of their own there. It forwards nothing and has no way
out, so that what the victim answers to a forged source ends there. A scenario is one process, which
forks the actors; whatever it made is undone when it ends.
"""
import ctypes
import json
import os
import random
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "live"))
import harness  # noqa: E402
from harness import Failure, check, defer, run  # noqa: E402

VICTIM, OUTSIDE, CLIENTS = "10.66.0.2", "10.66.0.1", "10.77"
OURS = socket.inet_aton(VICTIM)[:2]  # of all addresses of the victim
SO_TIMESTAMPNS = 35


def set_name(comm):
    harness._libc.prctl(15, comm.encode(), 0, 0, 0)  # PR_SET_NAME


class Child:
    """A forked process in a namespace that runs function(say, *arguments); say(**fields) sends a
    message to its parent. .pid; heard() is the next message, None once there are no more."""

    def __init__(self, namespace, function, *arguments, comm="actor", uid=0, **keywords):
        read, write = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            os.close(read)
            self._be(namespace, function, write, comm, uid, arguments, keywords)
        os.close(write)
        self._read, self._rest, self.status = read, b"", None
        self.pidfd = os.pidfd_open(self.pid)
        defer(self.end)

    @staticmethod
    def _be(namespace, function, write, comm, uid, arguments, keywords):
        code = 0
        try:
            harness._undo.clear()
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            harness._libc.prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG
            set_name(comm)
            with open(namespace.path) as file:
                harness.enter_network(file.fileno())
            if uid:
                os.setgid(uid)
                os.setuid(uid)

            def say(**fields):
                os.write(write, json.dumps(fields).encode() + b"\n")

            function(say, *arguments, **keywords)
        except Exception as error:
            os.write(2, f"# {comm}: {type(error).__name__}: {error}\n".encode())
            code = 1
        os._exit(code)

    def heard(self, limit=30):
        deadline = time.monotonic() + limit
        while b"\n" not in self._rest:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._read], [], [], left)[0]:
                raise Failure("an actor says nothing")
            data = os.read(self._read, 65536)
            if not data:
                return None
            self._rest += data
        line, self._rest = self._rest.split(b"\n", 1)
        return json.loads(line)

    def wait_for(self, key, limit=30):
        """The value of the first message that has this key; None if there is none."""
        while True:
            message = self.heard(limit)
            if message is None or key in message:
                return message and message[key]

    def signal(self, number):
        signal.pidfd_send_signal(self.pidfd, number)

    def wait(self, limit=60):
        if self.status is None:
            poll = select.poll()
            poll.register(self.pidfd, select.POLLIN)
            check(poll.poll(limit * 1000), "an actor does not end")
            self.status = os.waitpid(self.pid, 0)[1]
        return self.status

    def end(self):
        if self.status is None:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGKILL)
            self.wait()
        if self._read is not None:
            os.close(self._read)
            self._read = None


class Lab:
    """What a scenario function gets. Everything random comes from .random."""

    def __init__(self, name, seed):
        self.name, self.seed = name, seed
        self.random = random.Random(f"{name}/{seed}")
        self.truths, self.ports, self.temporary = [], set(), None
        self.began = time.time()
        self.victim = harness.Namespace(VICTIM, "fd66::2")
        self.outside = harness.Namespace(OUTSIDE, "fd66::1")
        tell(namespaces={"victim": self.victim.path, "outside": self.outside.path})
        for here, other in ((self.outside, VICTIM), (self.victim, OUTSIDE)):
            here.sysctl("ipv4.conf.all.rp_filter", 0)
            here.sysctl("ipv4.conf.default.rp_filter", 0)
            here.sysctl("ipv4.ip_forward", 0)
        run("ip", "-n", self.outside.name, "-batch", "-", input=f"""
            link add veth0 type veth peer name veth0 netns {self.victim.name}
            address add {OUTSIDE}/24 dev veth0
            link set veth0 up
            route add local {CLIENTS}.0.0/16 dev lo
            route add default via {VICTIM}
            """)
        run("ip", "-n", self.victim.name, "-batch", "-", input=f"""
            address add {VICTIM}/24 dev veth0
            link set veth0 up
            route add default via {OUTSIDE}
            """)
        self.victim.nft("""table ip lab {
            counter arrived { }
            chain count { type filter hook prerouting priority -400
                iif veth0 meta l4proto tcp counter name arrived
            }
        }""")
        self.observer = Child(self.victim, observe, self.began, comm="observer")

    # --- the random parts ---

    def port(self, low=1024, high=30000):
        """A port that nothing else here uses."""
        while True:
            port = self.random.randrange(low, high)
            if port not in self.ports:
                self.ports.add(port)
                return port

    def client(self):
        return f"{CLIENTS}.{self.random.randrange(1, 200)}.{self.random.randrange(1, 255)}"

    def attacker(self):
        return f"{CLIENTS}.{self.random.randrange(200, 255)}.{self.random.randrange(1, 255)}"

    def pause(self, low, high):
        time.sleep(self.random.uniform(low, high))

    # --- processes ---

    def inside(self, function, *arguments, **keywords):
        return Child(self.victim, function, *arguments, **keywords)

    def away(self, function, *arguments, **keywords):
        return Child(self.outside, function, *arguments, **keywords)

    def start(self, namespace, *argv):
        return harness.start_process(namespace.command(*argv), stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL)

    @staticmethod
    def drop(namespace, hook, match):
        """Drops what matches, on its way out ("output") or in ("input") there."""
        namespace.nft(f"""table ip lost {{
            chain {hook}s {{
                type filter hook {hook} priority 0; policy accept;
                {match} drop
            }}
        }}""")

    def undrop(self, namespace):
        run(*namespace.command("nft", "delete", "table", "ip", "lost"))

    def tool(self, namespace, *argv, limit=90):
        """Runs a program there to its end, whatever its exit code."""
        return run(*namespace.command(*argv), limit=limit, accept=None)

    def at_last(self, function):
        """Calls it when the actors are gone."""
        harness._undo.insert(0, (function, ()))

    def folder(self):
        if not self.temporary:
            self.temporary = harness.temporary_directory()
        return self.temporary

    # --- truth ---

    def watch(self, source=None, spoofed=False, ports=1, port=None, places=1):
        """Starts looking for the first packets into the victim: from an address, or from forged
        ones; to so many different ports, or to this one; to so many different addresses and ports.
        .wait_for("at") is when."""
        child = self.inside(watch_packets, source, spoofed, ports, port, places, comm="watch")
        child.wait_for("ready")
        return child

    def packets(self):
        listing = run(*self.victim.command("nft", "-j", "list", "counters"))
        return next(one["counter"]["packets"] for one in json.loads(listing)["nftables"]
                    if "counter" in one)

    def truth(self, kind, first, within, **fields):
        """One thing that rstwatch is to say. first: wall time of the first packet that counts;
        within: seconds until the alert. See score.py for the fields."""
        check(first, "there is no first packet")
        truth = {"class": kind, "t_first": first, "within": within, **fields}
        self.truths.append(truth)
        return truth

    def finish(self, **fields):
        """The scenario is over: says what is true."""
        packets, ended = self.packets(), time.time()
        common = {"scenario": self.name, "seed": self.seed, "netns": self.victim.inode,
                  "outside": self.outside.inode, "t_begin": self.began, "t_end": ended,
                  "packets": packets}
        self.observer.end()
        for truth in self.truths or [{"class": "none", "t_first": self.began, "within": 0}]:
            tell(truth={**common, **fields, **truth})


def tell(**fields):
    print(json.dumps(fields), flush=True)


# --- observers in the victim's namespace ---


def counters():
    values = {}
    for name in ("snmp", "netstat"):
        with open("/proc/thread-self/net/" + name) as file:
            lines = file.read().splitlines()
        for names, numbers in zip(lines[::2], lines[1::2]):
            if names.startswith(("Tcp:", "TcpExt:")):
                values.update(zip(names.split()[1:], map(int, numbers.split()[1:])))
    return values


def observe(_say, began):
    """The counters each second, and when those of the kernel's own warning moved first: lines for
    the baselines."""
    first, before, tick = {}, counters(), 0
    inode = os.stat("/proc/thread-self/ns/net").st_ino
    while True:
        time.sleep(0.05)
        now, tick = counters(), tick + 1
        for name in ("TCPReqQFullDoCookies", "TCPReqQFullDrop"):
            if now[name] > before[name] and name not in first:
                first[name] = time.time()
                tell(moved=name, at=first[name], netns=inode)
        if tick % 20 == 0:
            tell(sample=time.time(), netns=inode, sent=now["OutRsts"],
                 received=now["AttemptFails"], reset=now["EstabResets"])


def wait_counter(say, name, limit=30):
    """Says when a counter of the victim moves."""
    before = counters()[name]
    say(ready=1)
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        if counters()[name] > before:
            say(at=time.time())
            return
        time.sleep(0.02)
    say(at=0)


def packet_filter(source, spoofed):
    """A classic BPF program for IPv4 without link header: TCP, and from whom."""
    number = {name: int.from_bytes(socket.inet_aton(name), "big")
              for name in (source or VICTIM, CLIENTS + ".0.0", "10.66.0.0")}
    if spoofed:  # neither ours nor a client
        tests = [(0x54, 0xFFFF0000, 0, 0), (0x15, number["10.66.0.0"], "no", 0),
                 (0x15, number[CLIENTS + ".0.0"], "no", 0)]
    else:
        tests = [(0x15, number[source], 0, "no")] if source else []
    program = [(0x30, 9, 0, 0), (0x15, 6, 0, "no"), (0x20, 12, 0, 0), *tests,
               (0x06, 0xFFFF, 0, 0), (0x06, 0, 0, 0)]
    return b"".join(
        struct.pack("HBBI", code, *(len(program) - 2 - at if jump == "no" else 0
                                    for jump in (yes, no)), value)
        for at, (code, value, yes, no) in enumerate(program))


def watch_packets(say, source, spoofed, ports, port, places):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    program = packet_filter(source, spoofed)
    memory = ctypes.create_string_buffer(program)
    sock.setsockopt(socket.SOL_SOCKET, 26,  # SO_ATTACH_FILTER
                    struct.pack("HP", len(program) // 8, ctypes.addressof(memory)))
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    say(ready=1)
    seen, met = set(), set()
    while True:
        data, more, _flags, address = sock.recvmsg(128, 64)
        if address[2] == 4 or data[16:18] != OURS:  # PACKET_OUTGOING
            continue
        to = struct.unpack_from("!H", data, (data[0] & 15) * 4 + 2)[0]
        if port and to != port:
            continue
        seen.add(to)
        met.add((data[16:20], to))
        if len(seen) >= ports and len(met) >= places and more:
            seconds, nanoseconds = struct.unpack("qq", more[0][2][:16])
            say(at=seconds + nanoseconds / 1e9)
            return

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Live tests: TAP, clean-up, network namespaces, segments made by hand, and a running rstwatch.

Whatever a test makes is undone in reverse order however the test ends, and only processes that it
started are ended. Waiting is always for something, with a limit.
"""
import atexit
import contextlib
import ctypes
import errno
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback

__all__ = """ACK EMULATED FIN LIMIT NOBODY PSH RST RSTWATCH SYN URG FAMILIES Connection Failure Pair
Skip Tap Watcher Way check check_report connect_refused defer end_process enter_network equal
linger_0 make_client make_listener make_socket note reset_connections rstwatch run segment
send_segment send_sequence send_spoofed_syns start_process temporary_directory unshare_network
wait_steady wait_until""".split()

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RSTWATCH = os.path.abspath(os.environ.get("RSTWATCH") or os.path.join(ROOT, "build", "rstwatch"))
NOBODY = 65534
with open("/proc/meminfo") as _file:
    EMULATED = int(_file.readline().split()[1]) < 1 << 20  # KiB: a guest of tests/kernels
LIMIT = 30 if EMULATED else 10  # seconds that anything may take

os.environ["PATH"] += ":/usr/sbin:/sbin"


# --- TAP ---


class Skip(Exception):
    """Raised in a test: it cannot be run here."""


class Failure(AssertionError):
    """Raised in a test, with what is wrong."""


def check(condition, *detail):
    if not condition:
        raise Failure(" ".join(str(part) for part in detail))


def equal(got, expected, what=""):
    check(got == expected, f"{what}: got {got!r}, expected {expected!r}")


class Tap:
    """One program's tests. `with tap.test(name):` is one; done() prints the plan and exits."""

    def __init__(self):
        self.count = self.failed = 0
        if os.geteuid() != 0:
            self._finish("skip", "all", "needs root")
            self.done()
        if not os.access(RSTWATCH, os.X_OK):
            self._finish("fail", f"{RSTWATCH} is there", "not built")
            self.done()

    def _finish(self, verdict, name, detail=""):
        self.count += 1
        if verdict == "fail":
            self.failed += 1
            print(f"not ok {self.count} - {name}")
            for line in detail.splitlines():
                print("# " + line)
        elif verdict == "skip":
            print(f"ok {self.count} - {name} # SKIP {detail}")
        else:
            print(f"ok {self.count} - {name}")
        sys.stdout.flush()

    @contextlib.contextmanager
    def test(self, name):
        try:
            yield
        except Skip as skip:
            self._finish("skip", name, str(skip))
        except Failure as failure:
            at = traceback.extract_tb(failure.__traceback__)
            where = [frame for frame in at if frame.filename != __file__]
            line = f" (line {where[-1].lineno})" if where else ""
            self._finish("fail", name, str(failure) + line)
        except Exception:
            self._finish("fail", name, traceback.format_exc())
        else:
            self._finish("ok", name)

    def done(self):
        print(f"1..{self.count}")
        sys.stdout.flush()
        sys.exit(self.failed > 0)


def note(text):
    print("# " + text)
    sys.stdout.flush()


# --- clean-up ---

_undo = []
_owner = os.getpid()


def defer(function, *arguments):
    """Calls function at the end, before all that was deferred earlier."""
    _undo.append((function, arguments))


def _clean_up():
    while _undo and os.getpid() == _owner:
        function, arguments = _undo.pop()
        try:
            function(*arguments)
        except Exception as error:
            note(f"clean-up: {function.__name__}{arguments}: {error}")


def _on_signal(number, _frame):
    sys.exit(128 + number)


atexit.register(_clean_up)
for _number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(_number, _on_signal)


def temporary_directory():
    """A directory that anybody may enter, for files of a test."""
    path = tempfile.mkdtemp(prefix="rstwatch-test.")
    defer(shutil.rmtree, path, True)
    os.chmod(path, 0o755)
    return path


# --- waiting ---


def wait_until(condition, what, limit=LIMIT, step=0.01):
    """What condition() returns once it is true; a failure if that takes too long."""
    deadline = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        check(time.monotonic() < deadline, f"not within {limit} s: {what}")
        time.sleep(step)


def wait_steady(read, quiet=0.3, limit=LIMIT):
    """A counter's value, once it has not moved for `quiet` seconds."""
    value, since = read(), time.monotonic()

    def is_steady():
        nonlocal value, since
        now = read()
        if now != value:
            value, since = now, time.monotonic()
        return time.monotonic() - since >= quiet

    wait_until(is_steady, f"{read} stands still", limit, 0.05)
    return value


# --- processes ---


def run(*argv, input=None, limit=LIMIT, accept=(0,)):
    """Runs a command to its end; its standard output."""
    done = subprocess.run(argv, input=input, capture_output=True, text=True, timeout=limit)
    if accept is not None and done.returncode not in accept:
        raise Failure(f"{' '.join(argv)}: exit code {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def end_process(process):
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()


def start_process(argv, **options):
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, **options)
    defer(end_process, process)
    return process


def rstwatch(*arguments, limit=LIMIT, **options):
    """Runs rstwatch to its end; a CompletedProcess with bytes."""
    options.setdefault("stdout", subprocess.PIPE)
    return subprocess.run(
        [RSTWATCH, *arguments],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        timeout=limit,
        **options,
    )


def check_report():
    """What rstwatch check -j says of this kernel."""
    done = rstwatch("check", "-j")
    check(done.returncode in (0, 1), "exit code", done.returncode, done.stderr)
    return json.loads(done.stdout)


# --- network namespaces ---

_libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000


def enter_network(fd):
    """Puts the calling thread into that network namespace."""
    if _libc.setns(fd, CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, "setns: " + os.strerror(number))


def unshare_network():
    """Puts this process into a network namespace of its own, which goes when it ends."""
    if _libc.unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")


class Namespace:
    """A network namespace. `with namespace:` puts the calling thread into it; sockets made there
    stay there. IPv4 address .ip4, IPv6 address .ip6, inode number .inode."""

    _count = 0
    marks = []  # of those that we made, in an event's line

    def __init__(self, ip4, ip6):
        Namespace._count += 1
        self.name = f"rstw-{os.getpid()}-{Namespace._count}"
        self.ip4, self.ip6 = ip4, ip6
        run("ip", "netns", "add", self.name)
        defer(run, "ip", "netns", "delete", self.name)
        self.path = "/run/netns/" + self.name
        self.inode = os.stat(self.path).st_ino
        self.marks.append(b'"netns":%d' % self.inode)
        self._before = []  # what to go back to; only the main thread enters
        self.ip("link", "set", "lo", "up")

    def __enter__(self):
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        inside = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            enter_network(inside)
        except OSError:
            os.close(before)
            raise
        finally:
            os.close(inside)
        self._before.append(before)
        return self

    def __exit__(self, *_exception):
        before = self._before.pop()
        enter_network(before)
        os.close(before)

    def ip(self, *arguments):
        return run("ip", "-n", self.name, *arguments)

    def command(self, *argv):
        return ["nsenter", "--net=" + self.path, *argv]

    def nft(self, rules):
        return run(*self.command("nft", "-f", "-"), input=rules)

    def sysctl(self, name, value):
        with self, open("/proc/sys/net/" + name.replace(".", "/"), "w") as file:
            file.write(str(value))

    def address(self, family):
        return self.ip4 if family == 4 else self.ip6

    def counter(self, name, group="Tcp"):
        """A counter of /proc/net/snmp or netstat."""
        with self, open("/proc/thread-self/net/snmp") as snmp:
            with open("/proc/thread-self/net/netstat") as netstat:
                lines = snmp.read().splitlines() + netstat.read().splitlines()
        for names, values in zip(lines[::2], lines[1::2]):
            if names.startswith(group + ":"):
                return int(dict(zip(names.split(), values.split()))[name])
        raise KeyError(group)

    def out_resets(self):
        return self.counter("OutRsts")

    def sockets(self, port=None):
        """The TCP sockets as (family, local port, peer port, state number)."""
        found = []
        with self:
            for family, name in ((4, "tcp"), (6, "tcp6")):
                with open("/proc/thread-self/net/" + name) as file:
                    for line in file.read().splitlines()[1:]:
                        column = line.split()
                        local, peer = (int(at.rsplit(":", 1)[1], 16) for at in column[1:3])
                        if port in (None, local, peer):
                            found.append((family, local, peer, int(column[3], 16)))
        return found


class Pair:
    """Two fresh namespaces joined by a veth pair: .client and .server, each the other's default
    route. Only the addresses' last part differs; all pairs use the same ones."""

    def __init__(self):
        self.client = Namespace("10.66.0.1", "fd66::1")
        self.server = Namespace("10.66.0.2", "fd66::2")
        self.client.ip("link", "add", "veth0", "type", "veth",
                       "peer", "name", "veth0", "netns", self.server.name)
        for here, other in ((self.client, self.server), (self.server, self.client)):
            here.sysctl("ipv4.conf.all.rp_filter", 0)
            here.sysctl("ipv4.conf.veth0.rp_filter", 0)
            here.ip("address", "add", here.ip4 + "/24", "dev", "veth0")
            here.ip("address", "add", here.ip6 + "/64", "dev", "veth0", "nodad")
            here.ip("link", "set", "veth0", "up")
        for here, other in ((self.client, self.server), (self.server, self.client)):
            here.ip("route", "add", "default", "via", other.ip4)
            here.ip("-6", "route", "add", "default", "via", other.ip6)
        # Both directions resolved, so that no segment waits for ARP or neighbour discovery.
        for family in (4, 6):
            equal(connect_refused(self.client, self.server.address(family), 1), 1)

    inodes = property(lambda self: (self.client.inode, self.server.inode))


# --- connections ---

FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6, "mapped": socket.AF_INET6}


class Way:
    """How client and server talk: IPv4, IPv6, or IPv4 through dual-stack sockets on both ends."""

    def __init__(self, name):
        self.name = name
        self.socket_family = FAMILIES[name]
        self.family = 6 if name == 6 else 4

    def address(self, namespace):
        """For the socket calls."""
        return ("::ffff:" if self.name == "mapped" else "") + self.shown(namespace)

    def shown(self, namespace):
        """As rstwatch writes it."""
        return namespace.address(self.family)


def linger_0(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def make_socket(namespace, family):
    with namespace:
        sock = socket.socket(family, socket.SOCK_STREAM)
    sock.settimeout(LIMIT)
    return sock


def make_listener(namespace, way, port, backlog=16):
    sock = make_socket(namespace, way.socket_family)
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("" if sock.family == socket.AF_INET else "::", port))
    sock.listen(backlog)
    return sock


def make_client(namespace, way, server, port):
    sock = make_socket(namespace, way.socket_family)
    sock.connect((way.address(server), port))
    return sock


class Connection:
    """An established connection: sockets .client and .server, .listener, and the client's port."""

    def __init__(self, pair, way, port):
        self.listener = make_listener(pair.server, way, port)
        self.client = make_client(pair.client, way, pair.server, port)
        self.server = self.listener.accept()[0]
        self.server.settimeout(LIMIT)
        self.port = self.client.getsockname()[1]

    def close(self):
        for sock in (self.client, self.server, self.listener):
            sock.close()


# TCP_REPAIR and its relatives, include/uapi/linux/tcp.h
_REPAIR, _REPAIR_QUEUE, _QUEUE_SEQ, _SEND_QUEUE, _REPAIR_OFF_NO_WP = 19, 20, 21, 2, -1


def send_sequence(sock):
    """The sequence number of the next byte that an established socket will send."""
    sock.setsockopt(socket.IPPROTO_TCP, _REPAIR, 1)
    sock.setsockopt(socket.IPPROTO_TCP, _REPAIR_QUEUE, _SEND_QUEUE)
    number = sock.getsockopt(socket.IPPROTO_TCP, _QUEUE_SEQ)
    sock.setsockopt(socket.IPPROTO_TCP, _REPAIR, _REPAIR_OFF_NO_WP)
    return number & 0xFFFFFFFF


def connect_refused(namespace, address, port, count=1):
    """Connects so many times to a port on which nothing listens; how often it was refused."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    refused = 0
    with namespace:
        for _ in range(count):
            with socket.socket(family, socket.SOCK_STREAM) as sock:
                sock.settimeout(LIMIT)
                refused += sock.connect_ex((address, port)) == errno.ECONNREFUSED
    return refused


def reset_connections(pair, way, port, count, who="client"):
    """Makes connections that one end closes with SO_LINGER 0; the other end sees each reset."""
    with make_listener(pair.server, way, port) as listener:
        for _ in range(count):
            client = make_client(pair.client, way, pair.server, port)
            server = listener.accept()[0]
            closing, waiting = (client, server) if who == "client" else (server, client)
            linger_0(closing)
            closing.close()
            try:
                waiting.settimeout(LIMIT)
                equal(waiting.recv(1), None, "recv of a reset connection")
            except ConnectionResetError:
                pass
            waiting.close()


# --- segments made by hand ---

FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32


def _sum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _address_bytes(address):
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def segment(source, source_port, target, target_port, flags, sequence=1000, acknowledge=0,
            options=b"", window=64240, data=b""):
    """A TCP segment; options are padded by the caller to 4 bytes."""
    acknowledge = acknowledge or (5000 if flags & ACK else 0)
    header = struct.pack("!HHIIBBHHH", source_port, target_port, sequence & 0xFFFFFFFF, acknowledge,
                         (5 + len(options) // 4) << 4, flags, window, 0, 0) + options + data
    pseudo = _address_bytes(source) + _address_bytes(target)
    pseudo += struct.pack("!II" if ":" in source else "!HH",
                          *((len(header), 6) if ":" in source else (6, len(header))))
    return header[:16] + struct.pack("!H", _sum(pseudo + header)) + header[18:]


def send_segment(namespace, source, source_port, target, target_port, flags, **more):
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    with namespace, socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_TCP) as sock:
        if family == socket.AF_INET6 or source != namespace.ip4:
            sock.bind((source, 0))
        sock.sendto(segment(source, source_port, target, target_port, flags, **more), (target, 0))


def send_spoofed_syns(namespace, sources, target, target_port):
    """One SYN from each IPv4 address, at full speed."""
    with namespace, socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as sock:
        for source in sources:
            header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, 0, 0, 64, 6, 0,
                                 _address_bytes(source), _address_bytes(target))
            sock.sendto(header + segment(source, 40000, target, target_port, SYN), (target, 0))


# --- rstwatch ---

_EVENT = b'{"type":"event"'


class Watcher:
    """A running rstwatch -j. Its lines are in .lines (bytes, in order) and .objects (parsed). Of
    events only those of our namespaces are kept, so that the reader keeps up with a flood elsewhere
    on this host; all of them with keep="all", none with keep="none". .event_lines is how many there
    were. command goes in front of the -j ("record", "-o", FILE), wrapper in front of it all."""

    def __init__(self, *arguments, command=(), wrapper=(), keep="ours", wait=True,
                 binary=RSTWATCH, json_lines=True, **options):
        self.lines, self.objects, self.event_lines = [], [], 0
        self._events_at_window = []  # event lines before each window
        self._keep, self._json = keep, json_lines
        self._news = threading.Condition()
        self._stderr = tempfile.TemporaryFile()
        argv = [*wrapper, binary, *command, *(["-j"] if json_lines else []), *arguments]
        self.process = start_process(argv, stdout=subprocess.PIPE, stderr=self._stderr, **options)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if wait and json_lines:
            self.start = self.wait_for(lambda: self.objects and self.objects[0], "start object")
            equal(self.start["type"], "start", "the first object")

    def _keeps(self, line):
        return self._keep == "all" or (
            self._keep == "ours" and any(mark in line for mark in Namespace.marks))

    def _read(self):
        for line in self.process.stdout:
            if line.startswith(_EVENT):
                self.event_lines += 1
                if not self._keeps(line):
                    continue
            try:
                parsed = json.loads(line) if self._json else None
            except ValueError:
                parsed = {"type": "garbage", "line": repr(line)}
            with self._news:
                self.lines.append(line)
                if self._json:
                    self.objects.append(parsed)
                    if parsed["type"] == "window":
                        self._events_at_window.append(self.event_lines)
                self._news.notify_all()
        with self._news:
            self._news.notify_all()

    def stderr(self):
        self._stderr.seek(0)
        return self._stderr.read().decode(errors="replace")

    def wait_for(self, condition, what, limit=LIMIT):
        """What condition() returns once it is true; it is asked after each line."""
        with self._news:
            self._news.wait_for(lambda: condition() or not self._reader.is_alive(), limit)
        value = condition()
        check(value, f"not within {limit} s: {what}; rstwatch:", self.process.poll(), self.stderr())
        return value

    def wait_end(self, limit=LIMIT):
        """Waits for the program to end by itself; its exit code."""
        try:
            code = self.process.wait(limit)
        except subprocess.TimeoutExpired:
            raise Failure(f"rstwatch still runs after {limit} s") from None
        self._reader.join(limit)
        return code

    def stop(self, number=signal.SIGINT, limit=LIMIT):
        """Ends the program with a signal, which is to end it in order; its exit code."""
        self.process.send_signal(number)
        return self.wait_end(limit)

    def of_type(self, name):
        return [one for one in list(self.objects) if one["type"] == name]

    def events(self, *namespaces, **fields):
        inodes = [namespace.inode for namespace in namespaces]
        return [event for event in self.of_type("event")
                if (not inodes or event["netns"] in inodes)
                and all(event.get(key) == value for key, value in fields.items())]

    def windows(self):
        return self.of_type("window")

    def sum(self, namespace, direction):
        """The windows' counts of a namespace, added up."""
        return sum(row[direction] for window in self.windows() for row in window["namespaces"]
                   if row["netns"] == namespace.inode)

    def unexplained(self, *namespaces):
        """What the audits of the windows left unexplained in these namespaces, as
        [(namespace's name, counter, number, likely reason)]."""
        names = {namespace.inode: namespace.name for namespace in namespaces}
        return [(names[row["netns"]], counter, said["unexplained"], said["likely"])
                for window in self.windows() for row in window["audit"]["namespaces"]
                if row["netns"] in names
                for counter, said in row.items() if counter != "netns" and said["unexplained"]]

    def wait_audited(self):
        """Until two seconds have passed, after which nothing can be in doubt."""
        seen = len(self.windows())
        self.wait_for(lambda: len(self.windows()) >= seen + 3, "three windows of a second")

    def wait_events(self, count, *namespaces, limit=LIMIT, **fields):
        return self.wait_for(
            lambda: len(self.events(*namespaces, **fields)) >= count and
            self.events(*namespaces, **fields),
            f"{count} events {fields}", limit)

    def foreign(self, *pairs):
        """How many of the resets were of namespaces that are not of these pairs: other work on
        this host, which what is said of the whole host includes."""
        ours = sum(self.sum(namespace, direction) for pair in pairs
                   for namespace in (pair.client, pair.server)
                   for direction in ("sent", "received"))
        return sum(window["sent"]["total"] + window["received"]["total"]
                   for window in self.windows()) - ours

    def check_events_before_windows(self):
        """No window comes before its own events. (Some of the next may come early.)"""
        streamed = 0
        for window, lines in zip(self.windows(), self._events_at_window):
            streamed += window["events"]
            check(lines >= streamed, "a window of", streamed, "events so far came after", lines)

    def check_books(self):
        """Each window and the end object: all resets = events + thinned + lost events, and each has
        its port and its cause. An interrupt that finds a hook running on its CPU makes the kernel
        skip the hook's call: that is rare, counted, and noted here; whoever needs it says so."""
        skipped = self.of_type("end")[-1]["lost"]["hook_calls"]
        if skipped:
            note(f"{skipped} hook calls were skipped by the kernel")
        for one in self.windows() + self.of_type("end"):
            total = one["sent"]["total"] + one["received"]["total"]
            shown = one["events"] + one["events_thinned"] + one["lost"]["events"]
            equal(shown, total, f"events + thinned + lost of {one['type']}")
            equal(one["lost"]["ports"], 0, "lost ports")
            equal(sum(one["sent"]["causes"].values()), one["sent"]["total"], "sum of causes")
            equal(sum(one["received"]["stages"].values()), one["received"]["total"],
                  "sum of stages")

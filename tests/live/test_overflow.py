#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Resets at 100,000 local ports, of 1,000 network namespaces, within a second: more than the tables
of ports hold. The totals stay exact, what did not fit is counted and shown, and no memory is added."""
import fcntl
import os
import re
import resource
import signal
import socket
import struct
import subprocess
import time

from harness import *
from memory import *

NAMESPACES, PORTS, FIRST_PORT = 1000, 100, 1001
LOOPBACK = "127.0.0.1"
MAKING_SECONDS = 20  # to make them; where that takes longer, there are fewer
LEAST_NAMESPACES = 100
HWM_KIB, MAPS_KIB = 1024, 256  # that may be added by a second burst
TABLE, SMALL, LARGE = 65536, 1024, 262144  # entries for a slice: unless given, the least, enough
WINDOW_SERVICES = 131072  # user/window.h

tap = Tap()


class Crowd:
    """Network namespaces that have nothing but their loopback, each with a raw socket."""

    SIOCSIFFLAGS, IFF_UP = 0x8914, 1

    def __init__(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self._home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self._inside, self._sockets = [], []
        started = time.monotonic()
        try:
            while (len(self._sockets) < min(NAMESPACES, (hard - 100) // 2)
                   and time.monotonic() - started < MAKING_SECONDS):
                self._add()
        finally:
            enter_network(self._home)
        note(f"{len(self._sockets)} namespaces in {time.monotonic() - started:.2f} s")
        self.count = len(self._sockets) * PORTS
        check(len(self._sockets) >= LEAST_NAMESPACES, "namespaces:", len(self._sockets))
        self._segments = [self._syn(FIRST_PORT + i) for i in range(PORTS)]

    def _add(self):
        unshare_network()
        self._inside.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))
        sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        fcntl.ioctl(sock, self.SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", self.IFF_UP))
        self._sockets.append(sock)

    @staticmethod
    def _syn(port):
        address = socket.inet_aton(LOOPBACK)
        return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, 0, 0, 64, 6, 0, address, address) + segment(
            LOOPBACK, 40000, LOOPBACK, port, SYN)

    def out_resets(self):
        """Of all of them, as the kernel has counted."""
        total = 0
        try:
            for inside in self._inside:
                enter_network(inside)
                with open("/proc/thread-self/net/snmp") as file:
                    names, values = (line.split() for line in file if line.startswith("Tcp:"))
                total += int(values[names.index("OutRsts")])
        finally:
            enter_network(self._home)
        return total

    def reset(self):
        """A SYN to each port of each, which resets it; the seconds that it took."""
        before, started = self.out_resets(), time.monotonic()
        for sock in self._sockets:
            for one in self._segments:
                sock.sendto(one, (LOOPBACK, 0))
        took = time.monotonic() - started
        equal(self.out_resets() - before, self.count, "OutRsts")
        return took


def watch_burst(*arguments, stop=False):
    """The one window of a run in which each port has one reset sent and one received, in one slice
    if rstwatch is stopped meanwhile. Another try if there was other work on this host."""
    for _ in range(5):
        watcher = Watcher("-q", "-i", "3600", *arguments)
        if stop:
            watcher.process.send_signal(signal.SIGSTOP)
        took = crowd.reset()
        if stop:
            watcher.process.send_signal(signal.SIGCONT)
        equal(watcher.stop(), 0, "exit code; " + watcher.stderr())
        window, end = watcher.windows()[0], watcher.objects[-1]
        foreign = window["sent"]["total"] + window["received"]["total"] - 2 * crowd.count
        note(f"{took:.2f} s, {foreign} others, {window['distinct_ports']} rows, "
             f"{window['lost']['ports']} without")
        check(foreign >= 0, "too few:", window["sent"], window["received"])
        if not foreign:
            equal(end["lost"]["ports"], window["lost"]["ports"], "lost ports at the end")
            return window
    raise Skip("others on this host reset connections all the time")


def check_window(window, rows_least, rows_most):
    equal(window["sent"], {**window["sent"], "total": crowd.count,
                           "causes": {"closed_port": crowd.count}}, "sent")
    equal(window["received"], {"total": crowd.count, "stages": {"stray": crowd.count}}, "received")
    rows, lost = window["distinct_ports"], window["lost"]["ports"]
    equal(rows + lost, 2 * crowd.count, "rows of one reset each, and resets without a row")
    check(rows_least <= rows <= rows_most, rows, "rows are not", rows_least, "to", rows_most)
    equal([row["sent"] + row["received"] for row in window["ports"]], [1] * len(window["ports"]),
          "resets of a row")
    for direction in ("sent", "received"):
        owned = sum(row[direction] for row in window["owners"])
        equal(owned + window["owners_unknown"][direction], crowd.count, "owners, " + direction)
    equal(window["events"] + window["events_thinned"] + window["lost"]["events"], 2 * crowd.count,
          "events + thinned + lost")
    equal([window["lost"][what] for what in ("hook_calls", "peers", "namespaces")], [0, 0, 0],
          "lost hook calls, peers, namespaces")


crowd = Crowd()

with tap.test(f"{crowd.count} ports in one slice of the usual size: the rest is counted and told"):
    check_window(watch_burst(stop=True), TABLE, TABLE + 2 * 256 * os.cpu_count())

with tap.test("and however many slices there are"):
    check_window(watch_burst(), TABLE, WINDOW_SERVICES)

with tap.test(f"{crowd.count} ports and a table of {SMALL}"):
    check_window(watch_burst("--max-ports", str(SMALL), stop=True), SMALL,
                 SMALL + 2 * 256 * os.cpu_count())

with tap.test(f"{crowd.count} ports and room for all in the kernel: what a window holds is the bound"):
    rows = min(WINDOW_SERVICES, 2 * crowd.count)
    check_window(watch_burst("--max-ports", str(LARGE), stop=True), rows, rows)

with tap.test("in words"):
    watcher = Watcher("-q", "-i", "3600", json_lines=False)
    wait_until(lambda: maps_of(watcher.process.pid), "maps")
    time.sleep(1)
    crowd.reset()
    equal(watcher.stop(), 0, "exit code")
    text = b"".join(watcher.lines).decode()
    sent = re.search(r"sent (\d+), received (\d+)\n", text)
    check(sent and min(int(sent[1]), int(sent[2])) >= crowd.count, text[-2000:])
    lost = re.search(r"^ +LOST .*ports \(table full\) (\d+)", text, re.MULTILINE)
    more = re.search(r"^ +ports .* and (\d+) more$", text, re.MULTILINE)
    check(lost and more, text[-2000:])
    equal(int(lost[1]) + int(more[1]) + 10 - (int(sent[1]) + int(sent[2]) - 2 * crowd.count),
          2 * crowd.count, "rows and resets without")

with tap.test("no memory is added by another burst, and no map is larger"):
    watcher = Watcher("-q", "-i", "1")
    pid, peaks = watcher.process.pid, [peak_kib(watcher.process.pid)]
    maps = maps_of(pid)
    check(maps, "its maps are not found")
    for _ in range(3):
        crowd.reset()
        watcher.wait_audited()
        peaks.append(peak_kib(pid))
    note("VmHWM " + ", ".join(f"{peak} KiB" for peak in peaks) + f"; maps {maps_kib(maps)} KiB")
    now = maps_of(pid)
    equal({key: value[0] for key, value in now.items()},
          {key: value[0] for key, value in maps.items()}, "maps and their entries")
    check(maps_kib(now) - maps_kib(maps) <= MAPS_KIB, "added to the maps:", maps_kib(now), "KiB")
    check(peaks[-1] - peaks[1] <= HWM_KIB, "added after the first:", peaks[-1] - peaks[1], "KiB")
    equal(watcher.stop(), 0, "exit code; " + watcher.stderr())

tap.done()

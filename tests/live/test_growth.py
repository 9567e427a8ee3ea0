#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Nothing grows, whatever comes and goes: 100,000 connections and 10,000 processes that had one.
And who had a socket before them is known after them, or nobody is named, but never another."""
import os
import socket
import time

from actors import *
from harness import *
from memory import *

CONNECTIONS, PROCESSES, WORKERS = 100_000, 10_000, 2
WARM = 10  # a part of it, before anything is measured
RSS_KIB, MAPS_KIB = 1024, 256  # that may be added

tap = Tap()
become_subreaper()
pair = Pair()
client, server = pair.client, pair.server
ports = iter(range(61001, 62000))


def churn(method, count):
    """Divided among the workers, all at once."""
    for worker, port in workers:
        worker.tell(method, count // len(workers), port)
    for worker, _ in workers:
        worker.wait_told(60)


def open_pair(prefix):
    c, s = Actor(client, "cl-" + prefix), Actor(server, "sv-" + prefix)
    port = next(ports)
    s.listen("l", socket.AF_INET, "0.0.0.0", port)
    c.connect("c", socket.AF_INET, server.ip4, port)
    s.accept("l", "s")
    return c, s, port


def owner_after_reset(c, left, port):
    """The client resets; whose the server's end was."""
    c.linger("c")
    c.close("c")
    left.wait_reset("s")
    return watcher.wait_events(1, server, direction="received",
                               local={"address": server.ip4, "port": port})[0].get("owner")


workers = [(Actor(server, f"churn-{i}"), next(ports)) for i in range(WORKERS)]
older = open_pair("older")
watcher = Watcher("-i", "1")
plain = open_pair("plain")
passed = open_pair("passed")
heir = Actor(server, "heir")
passed[1].give("s", heir)
heir.take("s")
passed[0].send("c", 1)
heir.recv("s", 1)
silent = open_pair("silent")  # reset before the churn: its process will be forgotten
silent[1].exit(0)
churn("churn", CONNECTIONS // WARM)
churn("churn_processes", PROCESSES // WARM)
time.sleep(2)  # whole windows
pid = watcher.process.pid
resident, maps = resident_kib(pid), maps_of(pid)

with tap.test(f"{CONNECTIONS} connections and {PROCESSES} processes: no memory is added"):
    check(maps, "its maps are not found")
    # Once more if other work on this host was the first of its kind: what leaks, does so each time.
    for _ in range(2):
        started = time.monotonic()
        churn("churn", CONNECTIONS)
        connected = time.monotonic()
        churn("churn_processes", PROCESSES)
        note(f"{connected - started:.1f} s for the connections, "
             f"{time.monotonic() - connected:.1f} s for the processes")
        time.sleep(2)
        before, resident = resident, resident_kib(pid)
        note(f"VmRSS {before} KiB, {resident - before:+} KiB")
        if resident - before <= RSS_KIB:
            break
    check(resident - before <= RSS_KIB, "added to VmRSS:", resident - before, "KiB")

with tap.test("no map is added, and none is larger"):
    now = maps_of(pid)
    equal({key: value[0] for key, value in now.items()},
          {key: value[0] for key, value in maps.items()}, "maps and their entries")
    before, after = maps_kib(maps), maps_kib(now)
    note(f"maps {before} KiB, {after - before:+} KiB")
    check(after - before <= MAPS_KIB, "added to the maps:", after - before, "KiB")

for name, (c, s, port), owner in (("a socket older than rstwatch", older, older[1]),
                                  ("a socket", plain, plain[1]),
                                  ("a socket that was passed on", passed, heir)):
    with tap.test(f"{name} is still its process's"):
        got = owner_after_reset(c, owner, port)
        check(got, "nobody is named")
        equal((got.get("pid"), got.get("comm"), got["known_by"]), (owner.pid, owner.comm, "socket"),
              "owner")

with tap.test("a port that was closed before them: nobody else is named"):
    c, s, port = silent
    c.try_connect("again", socket.AF_INET, server.ip4, port)
    event = watcher.wait_events(1, server, direction="sent",
                                local={"address": server.ip4, "port": port})[0]
    equal(event["owner"]["known_by"], "last_listener", "known_by")
    check(event["owner"].get("pid") in (None, s.pid), "owner", event["owner"])
    note(f"{event['owner']}")

with tap.test("ends in order"):
    equal(watcher.stop(), 0, "exit code")
    equal(watcher.objects[-1]["lost"]["events"], 0, "lost events")
    equal(watcher.stderr(), "", "standard error")

tap.done()

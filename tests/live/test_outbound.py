#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A process that connects to many destinations as fast as it can: it is a scan if they fail, and none
if a third of them does."""
import subprocess
import sys
import time

from harness import *

PORTS = 60
# Connects to each of these ports of 127.0.0.1, once. It is given the pause in between.
CLIENT = """
import socket, sys, time
pause = float(sys.argv[1])
for port in sys.argv[2:]:
    with socket.socket() as sock:
        sock.connect_ex(("127.0.0.1", int(port)))
    time.sleep(pause)
"""

tap = Tap()
pair = Pair()
way = Way(4)
watcher = Watcher("--alerts", keep="all")


def scans(pid):
    return [line for line in watcher.of_type("alert")
            if line["alert"] == "outbound_scan" and line.get("owner", {}).get("pid") == pid]


def client(ports, pause):
    with pair.client:
        process = subprocess.Popen([sys.executable, "-c", CLIENT, str(pause), *map(str, ports)])
    process.wait(LIMIT)
    return process.pid


def settle():
    """Two slices."""
    time.sleep(2.2)


def crawl(first, fails, pause):
    """Its process, and who listens. fails: whether the n-th one does."""
    ports = range(first, first + PORTS)
    listeners = [make_listener(pair.client, way, port) for n, port in enumerate(ports)
                 if not fails(n)]
    equal(len(listeners), PORTS * 2 // 3, "listeners")
    pid = client(ports, pause)
    for listener in listeners:
        listener.close()
    return pid


CRAWLS = {
    "every third": lambda n: n % 3 == 0,
    "in groups": lambda n: n % 15 < 5,
    "the first ones above all": lambda n: n < 9 or n % 4 == 0 and 12 <= n < 56,
}
# A process whose connects all succeed, thousands a second, as those of a load generator do.
BUSY = """
import socket
listener = socket.create_server(("127.0.0.1", 19999), backlog=100)
print(flush=True)
while True:
    with socket.create_connection(("127.0.0.1", 19999)):
        listener.accept()[0].close()
"""

first = 20000
for name, fails in CRAWLS.items():
    for pause in (0, 0.002, 0.05):
        first += PORTS
        with tap.test(f"a third fails, {name}, {pause} s in between: no scan"):
            pid = crawl(first, fails, pause)
            settle()
            equal(scans(pid), [], "alerts")

with tap.test("a third fails, beside a process that connects all the time: no scan"):
    with pair.client:
        busy = start_process([sys.executable, "-c", BUSY], stdout=subprocess.PIPE)
    busy.stdout.readline()
    pids = []
    for name, fails in CRAWLS.items():
        first += PORTS
        pids.append(crawl(first, fails, 0))
        time.sleep(1.1)
    settle()
    end_process(busy)
    equal([scans(pid) for pid in pids], [[]] * len(pids), "alerts")

for pause in (0, 0.05):
    with tap.test(f"a scan is told once, {pause} s in between"):
        pid = client(range(40000, 40030), pause)
        watcher.wait_for(lambda: scans(pid), "the alert")
        settle()
        equal([line["status"] for line in scans(pid)][:1], ["raised"], "words")
        facts = scans(pid)[0]["evidence"]
        check(facts["successes"] == 0 and facts["refused"] >= 10, facts)

watcher.stop()
tap.done()

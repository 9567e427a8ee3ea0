#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Exact counts under floods, against what the kernel counted itself: a million resets with every
event streamed, with the events thinned, and without any, rstwatch stopped in the middle; that what
is rare comes through a flood whole; and the stated bounds of what is bounded. FLOOD_RESETS sets how
many are a million."""
import errno
import json
import os
import random
import signal
import socket
import subprocess
import threading
import time

from harness import *

RESETS = int(os.environ.get("FLOOD_RESETS", 1000000))
SPOOFED = 20000
REFUSED = 20000
PORT = 61001  # nothing listens there
RARE_PORT, KNOWN_PORT = 61002, 61003
RARE, KNOWN = 10, "10.99.1.9"
WHOLE = "--max-events", "10000000"

tap = Tap()
pair = Pair()
client, server = pair.client, pair.server
server.nft(f"""
table inet test {{
	counter from_client {{ }}
	chain in {{
		type filter hook input priority 0;
		ip saddr {client.ip4} tcp dport {PORT} counter name from_client
	}}
}}""")
if os.cpu_count() < 2:
    note("one CPU only: both floods run on it")


def syns_from_client():
    listing = run(*server.command("nft", "-j", "list", "counter", "inet", "test", "from_client"))
    return next(one["counter"]["packets"] for one in json.loads(listing)["nftables"]
                if "counter" in one)


def start_flood(cpu, *options):
    command = ["taskset", "-c", str(cpu % os.cpu_count()), "hping3", "--flood", "-S", "-q", "-n",
               "-p", str(PORT), *options, server.ip4]
    return start_process(client.command(*command), stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)


def flood(resets, during=None):
    """Two hping3 on two CPUs, one with random sources, until the server has sent so many resets.
    Returns how many it sent, and how many of them to the client's own address."""
    resets_before, syns_before = server.out_resets(), syns_from_client()
    floods = [start_flood(0), start_flood(1, "--rand-source")]
    if during:
        during()
    wait_until(lambda: server.out_resets() - resets_before >= resets, f"{resets} resets", 120, 0.05)
    for process in floods:
        end_process(process)
    total = wait_steady(server.out_resets) - resets_before
    return total, syns_from_client() - syns_before


def check_exact(watcher, resets, lines=True, whole=False, others=0):
    """whole: every event is streamed; others: so many resets were for another port."""
    equal(watcher.sum(server, "sent"), resets, "sum of the windows' sent against OutRsts")
    equal(watcher.sum(server, "received"), 0, "received")
    watcher.check_books()
    end = watcher.objects[-1]
    equal(end["type"], "end", "last object")
    if lines:
        equal(watcher.event_lines, end["events"], "event lines printed against `events`")
        watcher.check_events_before_windows()
    if whole:
        equal(end["events_thinned"], 0, "thinned")
    else:
        check(end["events_thinned"] > resets / 2, "thinned:", end["events_thinned"])
        equal(end["lost"]["events"], 0, "lost")
    ports = sum(row["sent"] for window in watcher.windows() for row in window["ports"]
                if row["netns"] == server.inode and row["port"] == PORT)
    equal(ports, resets - others, "sum of the port's rows")
    note(f"{resets} resets: {end['events']} events, {end['events_thinned']} thinned, "
         f"{end['lost']['events']} lost")


def peer_rows(watcher, namespace, address):
    """(total of the window, the peer's row or None) of each window in which there were resets."""
    found = []
    for window in watcher.windows():
        rows = [row for row in window["peers"] if row["netns"] == namespace.inode
                and row["address"] == address]
        check(len(rows) <= 1, "rows of one peer", rows)
        total = window["sent"]["total"] + window["received"]["total"]
        if total:
            found.append((total, rows[0] if rows else None))
    return found


def check_bound(rows, truth):
    least = most = 0
    for total, row in rows:
        if row is None:
            continue
        least += row["count"]
        most += row["count"] + row["error_max"]
        # The bound is useful: no more than 0.1% of all.
        check(row["error_max"] <= total / 1000 + 1, "error_max", row, "of", total)
    check(least <= truth <= most, f"true count {truth} is not in [{least}, {most}]")


def check_peer(watcher, truth):
    """The client's own address made far more than 0.1%, except where the floods begin and end."""
    rows = peer_rows(watcher, server, client.ip4)
    for total, row in rows[1:-2]:
        check(row, f"the peer is not listed in a window of {total} resets")
    check_bound(rows, truth)


with tap.test(f"{RESETS} resets are counted exactly, every event streamed"):
    streamed = Watcher("-i", "1", *WHOLE, keep="none")
    total, truth = flood(RESETS)
    equal(streamed.stop(limit=60), 0, "exit code")
    check_exact(streamed, total, whole=True)

with tap.test("a peer with more than 0.1% is listed, its true count within the bound"):
    check_peer(streamed, truth)

def connect_from(address, port):
    with client, socket.socket() as one:
        one.bind((address, 0))
        error = one.connect_ex((server.ip4, port))
        if not error:
            one.send(b"hello")
            one.recv(100)
        return error


def refuse_rarely():
    """In a flood: of a port that the flood is not about, and of one that it is about to a peer that
    this host knows."""
    begun = server.out_resets()
    wait_until(lambda: server.out_resets() - begun > 100000, "the flood is there")
    for _ in range(RARE):
        send_spoofed_syns(client, ["10.99.1.1"], server.ip4, RARE_PORT)
        equal(connect_from(KNOWN, PORT), errno.ECONNREFUSED, "connect")
        time.sleep(0.05)


def greet(listener):
    one = listener.accept()[0]
    one.recv(100)
    one.send(b"hello, too")
    one.close()


with tap.test(f"{RESETS} resets are counted exactly, events thinned; what is rare is not"):
    run("ip", "-n", client.name, "address", "add", KNOWN + "/32", "dev", "lo")
    run("ip", "-n", server.name, "route", "add", KNOWN, "via", client.ip4)
    thinned = Watcher("-i", "1")
    with make_listener(server, Way(4), KNOWN_PORT) as listener:
        threading.Thread(target=greet, args=(listener,), daemon=True).start()
        equal(connect_from(KNOWN, KNOWN_PORT), 0, "connect")
    total, truth = flood(RESETS, refuse_rarely)
    equal(thinned.stop(limit=60), 0, "exit code")
    events = thinned.events(server)
    equal(sum(event["local"]["port"] == RARE_PORT for event in events), RARE,
          "events of the rare port")
    equal(sum(event["peer"]["address"] == KNOWN for event in events), RARE,
          "events of the known peer")
    check_exact(thinned, total, others=RARE)
    check_peer(thinned, truth)

with tap.test(f"{RESETS} resets are counted exactly, without event lines"):
    quiet = Watcher("-i", "1", "-q", keep="none")
    total, truth = flood(RESETS)
    equal(quiet.stop(limit=60), 0, "exit code")
    check_exact(quiet, total, lines=False)
    equal(quiet.event_lines, 0, "event lines")
    check_peer(quiet, truth)

with tap.test("stopped for 5 s in the middle: counted exactly"):
    stopped = Watcher("-i", "1", *WHOLE, keep="none")

    def pause():
        begun = server.out_resets()
        wait_until(lambda: server.out_resets() - begun > 10000, "the flood has begun")
        stopped.process.send_signal(signal.SIGSTOP)
        deadline = time.monotonic() + 5
        wait_until(lambda: time.monotonic() > deadline, "5 s")
        stopped.process.send_signal(signal.SIGCONT)

    total, truth = flood(0, pause)
    equal(stopped.stop(limit=60), 0, "exit code")
    check_exact(stopped, total, whole=True)
    check(stopped.objects[-1]["lost"]["events"] > 0, "5 s of flood fitted into the ring buffer")
    check_peer(stopped, truth)

with tap.test(f"{REFUSED} refused connects are received exactly so often"):
    watcher = Watcher("-i", "1", "-q")
    before = server.out_resets()
    equal(connect_refused(client, server.ip4, PORT, REFUSED), REFUSED, "refused")
    equal(watcher.stop(), 0, "exit code")
    equal(server.out_resets() - before, REFUSED, "OutRsts")
    equal(watcher.sum(server, "sent"), REFUSED, "sent")
    equal(watcher.sum(client, "received"), REFUSED, "received")
    rows = [row for window in watcher.windows() for row in window["ports"]
            if row["netns"] == client.inode]
    equal({(row["port"], row["role"]) for row in rows}, {(PORT, "client")}, "port rows")
    equal(sum(row["stages"]["refused"] for row in rows), REFUSED, "refused in the port rows")
    for address, namespace in ((server.ip4, client), (client.ip4, server)):
        peers = [row for window in watcher.windows() for row in window["peers"]
                 if row["netns"] == namespace.inode]
        equal({row["address"] for row in peers}, {address}, "peers")
        check(sum(row["count"] for row in peers) <= REFUSED <=
              sum(row["count"] + row["error_max"] for row in peers), "peer counts", peers)


with tap.test("more ports than there is room for: the totals are exact, the rest is told"):
    ports = random.Random(5).sample(range(1, 60000), 6000)
    watcher = Watcher("-i", "3600", "-q", "--max-ports", "1024")
    before = server.out_resets()
    for port in ports:
        send_spoofed_syns(client, ["10.99.2.1"], server.ip4, port)
    equal(wait_steady(server.out_resets) - before, len(ports), "OutRsts")
    equal(watcher.stop(), 0, "exit code")
    window = watcher.windows()[0]
    rows, lost = watcher.sum(server, "sent"), window["lost"]["ports"]
    check(len(ports) - lost <= rows < len(ports), f"{rows} of {len(ports)} in rows, {lost} lost")
    check(lost > 0 and window["sent"]["total"] >= len(ports), "sent", window["sent"])
    equal(sum(window["sent"]["causes"].values()), window["sent"]["total"], "sum of causes")

with tap.test("peers with 0.3% each, among others with one reset each, are listed"):
    few = [f"10.99.0.{i}" for i in range(1, 6)]
    many = [f"100.{64 + i // 65536}.{i // 256 % 256}.{i % 256}"
            for i in random.Random(9).sample(range(1 << 22), 100000)]
    mixed = [few[i % 5] if i % 67 == 0 else address for i, address in enumerate(many)]
    watcher = Watcher("-i", "3600", "-q")
    before = server.out_resets()
    send_spoofed_syns(client, mixed, server.ip4, PORT)
    equal(wait_steady(server.out_resets) - before, len(mixed), "OutRsts")
    equal(watcher.stop(), 0, "exit code")
    equal(watcher.sum(server, "sent"), len(mixed), "sent")
    for address in few:
        rows = peer_rows(watcher, server, address)
        check(rows and rows[0][1], f"{address} with {mixed.count(address)} is not listed")
        check_bound(rows, mixed.count(address))


for count, exact in ((SPOOFED, False), (500, True)):
    with tap.test(f"{count} sources are " + ("counted" if exact else "estimated within 3%")):
        addresses = [f"100.{64 + i // 65536}.{i // 256 % 256}.{i % 256}"
                     for i in random.Random(7).sample(range(1 << 20), count)]
        watcher = Watcher("-i", "3600", "-q")
        before = server.out_resets()
        send_spoofed_syns(client, addresses, server.ip4, PORT)
        equal(wait_steady(server.out_resets) - before, count, "OutRsts")
        equal(watcher.stop(), 0, "exit code")
        window = watcher.windows()[0]
        equal(watcher.sum(server, "sent"), count, "sent")
        distinct = window["distinct_peers"]
        foreign = watcher.foreign(pair)  # with peers of their own, and then nothing is counted
        slack = foreign + (0 if exact and not foreign else 0.03 * (count + foreign))
        check(abs(distinct - count) <= slack, f"distinct_peers {distinct}, true {count}")
        if not foreign:
            equal(window["distinct_peers_estimated"], not exact, "distinct_peers_estimated")

tap.done()

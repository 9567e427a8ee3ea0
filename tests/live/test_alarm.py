#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The rate alarms: 100 resets a second between two namespaces raise one for the host and for the
right namespace, with the right port, peer and cause; it clears; 20 a second raise nothing. At the
other end a detector explains them all, and so no rate alarm is raised there."""
import os
import time

from harness import *

PORT, CALM_PORT = 61001, 61002
SECONDS = 12
RATE = "floor=5,factor=10,hold=1,up=0,down=2,after=5"

tap = Tap()
busy, calm = Pair(), Pair()
watcher = Watcher("-i", "1", "-q", "--fail-on-alert", "--rate", RATE)


def alerts(namespace, kind, status):
    """Of the whole host if namespace is None."""
    inode = namespace.inode if namespace else None
    return [one for one in watcher.of_type("alert") if one.get("netns") == inode
            and one["alert"] == kind and one["status"] == status]


def traffic():
    """100 refused connects a second between one pair, 20 between the other."""
    begun = time.monotonic()
    for tick in range(SECONDS * 20):
        due = begun + tick / 20
        wait_until(lambda: time.monotonic() >= due, "the next tick", LIMIT, 0.002)
        connect_refused(busy.client, busy.server.ip4, PORT, 5)
        connect_refused(calm.client, calm.server.ip6, CALM_PORT, 1)


traffic()
expected = ((None, "rst_sent_rate"), (busy.server, "rst_sent_rate"))
try:
    watcher.wait_for(lambda: alerts(*expected[1], "cleared"), "clearing", 30)
except Failure:
    pass  # the tests below tell which
code = watcher.stop()


def name(namespace):
    return {None: "the host", busy.server: "the server"}[namespace]


def skip_if_foreign(namespace):
    if not namespace and watcher.foreign(busy, calm) > SECONDS * 100:
        raise Skip("this host has many other resets at the moment")


for namespace, kind in expected:
    with tap.test(f"{kind} is raised for {name(namespace)}"):
        skip_if_foreign(namespace)
        raised = alerts(namespace, kind, "raised")
        check(raised, "no alert; there are",
              [(one["alert"], one["status"], one.get("netns")) for one in watcher.of_type("alert")])
        if namespace:
            equal(len(raised), 1, "times raised")
        one = raised[0]
        evidence = one["evidence"]
        equal(one["severity"], "warning", "severity")
        check(evidence["rate"] > evidence["limit"] >= 50, "evidence", evidence)
        check(50 < evidence["rate"] <= 130 or not namespace, "rate", evidence)
        check(one["first_seen"] <= one["time"], "times", one)
        check(one["summary"] and one["advice"], "no sentence")

with tap.test("the server's alarm names port, peer and cause with their shares"):
    one = (alerts(*expected[1], "raised") or [None])[0]
    check(one, "no alert")
    port = one["ports"][0]
    equal(port["port"], PORT, "port")
    equal(port["role"], "server", "role")
    equal(port["netns"], busy.server.inode, "netns of the port")
    equal(len(one["ports"]), 1, "ports")
    equal(port["share"], 1, "share of the port")
    equal(port["causes"], {"closed_port": port["sent"]}, "causes of the port")
    equal(one["peers"][0]["address"], busy.client.ip4, "peer")
    equal(one["peers"][0]["netns"], busy.server.inode, "netns of the peer")
    # All resets were this peer's; its count may be too low by error_max.
    resets = one["evidence"]["resets"]
    count, most = one["peers"][0]["count"], one["peers"][0]["error_max"]
    check(count <= resets <= count + most, "count of the peer", one["peers"], "of", resets)
    check(abs(one["peers"][0]["share"] - count / resets) < 0.01, "share", one["peers"])
    equal(one["evidence"]["causes"], {"closed_port": resets}, "causes")
    for part in (str(PORT), busy.client.ip4):
        check(part in one["summary"], f"no {part} in:", one["summary"])

with tap.test("the server's alarm is cleared, with the same id and the total"):
    raised, cleared = alerts(*expected[1], "raised"), alerts(*expected[1], "cleared")
    equal(len(cleared), 1, "times cleared")
    equal(cleared[0]["id"], raised[0]["id"], "id")
    equal(cleared[0]["first_seen"], raised[0]["first_seen"], "first_seen")
    check(cleared[0]["time"] > raised[0]["time"], "time")
    since = cleared[0]["evidence"]["resets_since_first"]
    check(SECONDS * 100 * 0.9 <= since <= SECONDS * 100, "resets_since_first", since)

for pair, port, address in ((busy, PORT, busy.server.ip4), (calm, CALM_PORT, calm.server.ip6)):
    with tap.test(f"at the client a service that refuses explains them: {address}"):
        told = alerts(pair.client, "dependency_down", "raised")
        equal([(one["peer_port"], one["peers"][0]["address"]) for one in told], [(port, address)],
              "dependency_down")
        equal(told[0]["owner"]["pid"], os.getpid(), "pid")
        equal(alerts(pair.client, "rst_received_rate", "raised"), [], "rate alarm")

with tap.test("the host's alarm names the busy port with its share"):
    skip_if_foreign(None)
    one = (alerts(None, "rst_sent_rate", "raised") or [None])[0]
    check(one, "no alert")
    check("netns" not in one, "netns", one.get("netns"))
    rows = [row for row in one["ports"] if row["netns"] == busy.server.inode]
    equal([row["port"] for row in rows], [PORT], "ports")
    resets = one["evidence"]["resets"]
    check(abs(rows[0]["share"] - rows[0]["sent"] / resets) < 0.01, "share", rows[0], "of", resets)

with tap.test("a rate below the threshold raises nothing"):
    equal(watcher.sum(calm.server, "sent"), SECONDS * 20, "resets counted there")
    equal(alerts(calm.server, "rst_sent_rate", "raised"), [], "alerts")

with tap.test("the wrong direction raises nothing"):
    equal(alerts(busy.server, "rst_received_rate", "raised"), [], "received, server")
    equal(alerts(busy.client, "rst_sent_rate", "raised"), [], "sent, client")

with tap.test("--fail-on-alert: 3 after an alert"):
    equal(code, 3, "exit code")
    equal(watcher.objects[-1]["type"], "end", "last object")

with tap.test("--fail-on-alert: 0 without one"):
    # The default thresholds say nothing in the first minute.
    equal(rstwatch("-q", "-d", "1", "--fail-on-alert").returncode, 0, "exit code")

with tap.test("an alert without --fail-on-alert: 0"):
    second = Watcher("-i", "1", "-q", "--rate", "floor=1,factor=1,up=0,after=0")
    connect_refused(busy.client, busy.server.ip4, PORT, 100)
    second.wait_for(lambda: second.of_type("alert"), "an alert")
    equal(second.stop(), 0, "exit code")

tap.done()

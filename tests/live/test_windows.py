#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Windows: their sums against the kernel's own counters, when they come and how they end, what the
options hide and what they do not, and the output against its schema."""
import copy
import datetime
import json
import signal
import time

import jsonschema

from harness import *

tap = Tap()
first, second = Pair(), Pair()
SPACES = (first.client, first.server, second.client, second.server)
PORT = 61001  # nothing listens there
ALARM = "floor=1,factor=1,hold=1,up=0,down=0,after=0"
seen = []  # lines of all sorts, for the schema


def seconds(text):
    """A time of the output."""
    whole, fraction = text.rstrip("Z").split(".")
    moment = datetime.datetime.fromisoformat(whole + "+00:00")
    return moment.timestamp() + int(fraction) / 1e9


def next_window(watcher, limit=LIMIT):
    count = len(watcher.windows())
    watcher.wait_for(lambda: len(watcher.windows()) > count, "another window", limit)
    return watcher.windows()[-1]


def make_mixed(pair):
    """Some of everything: 20 refused, 10 and 5 aborted, over IPv4 and IPv6; how many were sent by
    (client, server), and received."""
    equal(connect_refused(pair.client, pair.server.ip4, PORT, 12), 12)
    equal(connect_refused(pair.client, pair.server.ip6, PORT, 8), 8)
    reset_connections(pair, Way(4), PORT + 1, 10, "client")
    reset_connections(pair, Way(6), PORT + 2, 5, "server")
    return (10, 25), (25, 10)


with tap.test("windows add up to the events and to OutRsts, namespace by namespace"):
    before = [namespace.out_resets() for namespace in SPACES]
    watcher = Watcher("-i", "1", "--rate", ALARM)
    sent, received = make_mixed(first)
    next_window(watcher)
    make_mixed(second)
    make_mixed(second)
    next_window(watcher)
    equal(watcher.stop(), 0, "exit code")
    seen += watcher.lines
    expected_sent = [*sent, 2 * sent[0], 2 * sent[1]]
    expected_received = [*received, 2 * received[0], 2 * received[1]]
    for i, namespace in enumerate(SPACES):
        grown = namespace.out_resets() - before[i]
        equal(grown, expected_sent[i], f"OutRsts of namespace {i}")
        equal(watcher.sum(namespace, "sent"), grown, f"sent in namespace {i}")
        equal(watcher.sum(namespace, "received"), expected_received[i],
              f"received in namespace {i}")
        for direction, count in (("sent", grown), ("received", expected_received[i])):
            equal(len(watcher.events(namespace, direction=direction)), count,
                  f"{direction} events of namespace {i}")
    watcher.check_books()

with tap.test("the end object adds up the windows"):
    end = watcher.objects[-1]
    equal(end["type"], "end", "last object")
    equal(end["complete"], True, "complete")
    equal(end["windows"], len(watcher.windows()), "windows")
    for direction in ("sent", "received"):
        equal(end[direction]["total"],
              sum(window[direction]["total"] for window in watcher.windows()), direction)
    equal(end["events"], watcher.event_lines, "events")
    equal(end["alerts"], sum(one["status"] == "raised" for one in watcher.of_type("alert")),
          "alerts")

with tap.test("windows follow each other without a gap, also empty ones"):
    watcher = Watcher("-i", "1", "-d", "4")
    twos = Watcher("--interval", "2", "--duration", "4", "--quiet")  # looked at below
    started = time.monotonic()
    equal(watcher.wait_end(), 0, "exit code")
    seen += watcher.lines
    windows = watcher.windows()
    check(4 <= len(windows) <= 5, "windows in 4 s:", len(windows))
    for one, after in zip(windows, windows[1:]):
        equal(after["start"], one["end"], "start of a window")
    for window in windows[:4]:
        length = seconds(window["end"]) - seconds(window["start"])
        check(0.5 < length < 1.5, "a window of 1 s took", length)
    for window in windows:
        rows = [row for row in window["namespaces"] if row["netns"] in
                [namespace.inode for namespace in SPACES]]
        equal(rows, [], "rows of idle namespaces")

with tap.test("-i 2 makes windows of two seconds, --duration 4 two of them"):
    equal(twos.start["window_seconds"], 2, "window_seconds")
    equal(twos.wait_end(), 0, "exit code")
    check(3 < time.monotonic() - started < 6, "took", time.monotonic() - started)
    seen += twos.lines
    equal(len(twos.windows()), 2, "windows")
    for window in twos.windows():
        length = seconds(window["end"]) - seconds(window["start"])
        check(1.5 < length < 2.5, "a window of 2 s took", length)

for name, number in (("SIGINT", signal.SIGINT), ("SIGTERM", signal.SIGTERM)):
    with tap.test(f"{name} prints the window begun, and ends with 0"):
        watcher = Watcher("-i", "3600")
        equal(connect_refused(first.client, first.server.ip4, PORT, 7), 7)
        equal(watcher.stop(number), 0, "exit code")
        seen += watcher.lines
        equal(len(watcher.windows()), 1, "windows")
        equal(watcher.sum(first.server, "sent"), 7, "sent")
        equal(watcher.sum(first.client, "received"), 7, "received")
        equal(watcher.objects[-1]["type"], "end", "last object")
        equal(watcher.stderr(), "", "standard error")

with tap.test("--count stops after so many events"):
    watcher = Watcher("-i", "1", "--count", "5", "--netns", str(first.server.inode))
    equal(connect_refused(first.client, first.server.ip4, PORT, 20), 20)
    equal(watcher.wait_end(), 0, "exit code")
    seen += watcher.lines
    equal(len(watcher.of_type("event")), 5, "events")
    equal(watcher.objects[-1]["type"], "end", "last object")

with tap.test("-q prints windows, no events"):
    watcher = Watcher("-i", "1", "-q")
    equal(connect_refused(first.client, first.server.ip4, PORT, 9), 9)
    equal(watcher.stop(), 0, "exit code")
    seen += watcher.lines
    equal(watcher.of_type("event"), [], "events")
    equal(watcher.sum(first.server, "sent"), 9, "sent")
    for window in watcher.windows():  # they are looked at, though not shown
        equal(window["events_thinned"], 0, "events thinned")
    watcher.check_books()

with tap.test("--alerts prints alerts, no events, no windows"):
    watcher = Watcher("-i", "1", "--alerts", "--rate", ALARM)
    equal(connect_refused(first.client, first.server.ip4, PORT, 100), 100)
    watcher.wait_for(lambda: watcher.of_type("alert"), "an alert")
    equal(watcher.stop(), 0, "exit code")
    seen += watcher.lines
    equal({one["type"] for one in watcher.objects} - {"start", "end"}, {"alert"}, "types")


# Filters: each against the same traffic, all at once.
def by(**fields):
    return lambda event: all(event.get(key) == value for key, value in fields.items())


def has_port(*ports):
    return lambda event: event["local"]["port"] in ports or event["peer"]["port"] in ports


FILTERS = {
    "-s": by(direction="sent"),
    "--sent": by(direction="sent"),
    "-r": by(direction="received"),
    "--received": by(direction="received"),
    "-4": by(family=4),
    "-6": by(family=6),
    f"-P {PORT}": has_port(PORT),
    f"--port {PORT + 1},{PORT + 2}": has_port(PORT + 1, PORT + 2),
    "-P 1": lambda event: False,
    f"--peer {first.server.ip4}": lambda event: event["peer"]["address"] == first.server.ip4,
    "--peer 10.66.0.0/30": by(family=4),
    "--peer fd66::/64": by(family=6),
    f"--peer {first.client.ip6}": lambda event: event["peer"]["address"] == first.client.ip6,
    "--peer 192.0.2.0/24": lambda event: False,
    "--cause closed_port": by(cause="closed_port"),
    "--cause aborted": by(cause="aborted"),
    "--cause refused": by(stage="refused"),
    "--cause established": by(stage="established"),
    f"--netns {first.client.inode}": by(netns=first.client.inode),
    f"-s -4 -P {PORT} --cause closed_port": by(direction="sent", family=4, cause="closed_port"),
}
everything = Watcher("-i", "3600")
watchers = {name: Watcher("-i", "3600", *name.split()) for name in FILTERS}
make_mixed(first)
make_mixed(second)
for one in (everything, *watchers.values()):
    one.process.send_signal(signal.SIGINT)
for one in (everything, *watchers.values()):
    one.code = one.wait_end()
    seen += one.lines


def key(event):
    """What tells one event from another in two runs: all but the times, which each run reads."""
    event = copy.deepcopy({name: value for name, value in event.items() if name != "time"})
    for name in ("age_ms", "idle_ms"):
        event.get("connection", {}).pop(name, None)
    return json.dumps(event, sort_keys=True)


with tap.test("without a filter everything is shown"):
    equal(everything.code, 0, "exit code")
    equal(len(everything.events(*SPACES)), 140, "events")

for name, matches in FILTERS.items():
    with tap.test(f"{name} restricts what is shown, not what is counted"):
        watcher = watchers[name]
        equal(watcher.code, 0, "exit code")
        expected = sorted(key(event) for event in everything.events(*SPACES) if matches(event))
        equal(sorted(key(event) for event in watcher.events(*SPACES)), expected, "events")
        for event in watcher.of_type("event"):
            check(matches(event), "event", event)
        window = watcher.windows()[0]
        check(window["sent"]["total"] >= 70, "sent", window["sent"])
        check(window["received"]["total"] >= 70, "received", window["received"])
        watcher.check_books()

with tap.test("every line of every type fits rstwatch --json-schema"):
    schema = json.loads(rstwatch("--json-schema").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    types = {}
    for line in seen:
        types.setdefault(json.loads(line)["type"], []).append(line)
    equal(sorted(types), ["alert", "end", "event", "start", "window"], "types")
    # A validator of each type alone says what is wrong; oneOf would only say that nothing fits.
    for name, lines in types.items():
        validator = jsonschema.Draft202012Validator({**schema, "oneOf": [
            {"$ref": f"#/$defs/{name}"}]})
        for line in {key(json.loads(line)): line for line in lines}.values():
            for error in validator.iter_errors(json.loads(line)):
                detail = error.context[0].message if error.context else error.message
                raise Failure(f"{name}: {detail}: {line.decode()[:400]}")

with tap.test("every line is UTF-8 and one object"):
    for line in seen:
        check(line.endswith(b"}\n"), "line", line[-80:])
        line.decode("utf-8")

tap.done()

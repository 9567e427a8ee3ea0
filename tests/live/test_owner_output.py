#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Where owners are shown: filters by owner, the sums of a window's owners, the sentence of
--explain, names to be feared in the text output, recordings, and the output against its schema."""
import json
import os
import re
import signal
import socket
import unicodedata

import jsonschema

from actors import *
from harness import *

tap = Tap()
become_subreaper()
pair = Pair()
client, server = pair.client, pair.server
tree = CgroupTree()
ports = iter(range(61001, 62000))
IPV4 = Way(4)
seen = []  # lines of all sorts, for the schema


def reset_some(c, s, count, sent_by="client"):
    """Resets of connections between two actors."""
    port = next(ports)
    s.listen("l", socket.AF_INET, "0.0.0.0", port)
    for _ in range(count):
        c.connect("c", socket.AF_INET, server.ip4, port)
        s.accept("l", "s")
        closer, other, name, left = (c, s, "c", "s") if sent_by == "client" else (s, c, "s", "c")
        closer.linger(name)
        closer.close(name)
        other.wait_reset(left)
        other.close(left)
    s.close("l")
    return port


def refuse_some(c, count):
    """Connects to a port on which nobody ever listened."""
    port = next(ports)
    for _ in range(count):
        c.try_connect("c", socket.AF_INET, server.ip4, port)
    return port


def stop_all(watchers):
    for one in watchers:
        one.process.send_signal(signal.SIGINT)
    for one in watchers:
        one.code = one.wait_end()


def pids_of(events):
    return sorted(event["owner"]["pid"] for event in events if "pid" in event.get("owner", {}))


# --- filters ---

ids = [container_id(name) for name in ("one", "two")]
mine = f"made-{os.getpid()}"
with tap.test("filters by owner restrict what is shown, not what is counted"):
    plain_client, plain_server = Actor(client, "cl-plain"), Actor(server, "sv-plain")
    in_unit, below, in_one, in_two = (
        Actor(server, name, cgroup=tree.make(path)) for name, path in (
            ("sv-unit", f"/system.slice/{mine}.service"),
            ("sv-below", f"/system.slice/{mine}.service/below"),
            ("sv-one", f"/system.slice/docker-{ids[0]}.scope"), ("sv-two", f"/docker/{ids[1]}")))
    servers = (plain_server, in_unit, below, in_one, in_two)
    FILTERS = {
        f"-p {plain_client.pid}": [plain_client],
        f"--pid {in_one.pid},{below.pid}": [in_one, below],
        "-p 4000000": [],
        f"--unit {mine}.service": [in_unit, below],
        f"--unit {mine}": [in_unit, below],
        f"--unit {mine[:-1]}?.service": [in_unit, below],
        "--unit made-*": [in_unit, below],
        "--unit made-": [],
        f"--container {ids[0]}": [in_one],
        f"--container {ids[1][:12]}": [in_two],
        "--container ffffffffffff": [],
        f"--cgroup {in_unit.cgroup.path}": [in_unit, below],
        f"--cgroup {below.cgroup.path}": [below],
        f"--cgroup {in_two.cgroup.path}": [in_two],
        f"--cgroup {in_unit.cgroup.path[:-1]}": [],
        f"--cgroup {below.cgroup.path}/": [below],
        f"-s -p {plain_client.pid}": [plain_client],
        f"-r --container {ids[0]}": [in_one],
    }
    everything = Watcher("-i", "3600")
    watchers = {name: Watcher("-i", "3600", *name.split()) for name in FILTERS}
    for one in servers:
        reset_some(plain_client, one, 3)
        reset_some(plain_client, one, 2, "server")
    stop_all([everything, *watchers.values()])
    seen += everything.lines
    equal(everything.code, 0, "exit code")
    events = everything.events(client, server)
    equal(len(events), 50, "events")
    expected = [one.pid for one in servers for _ in range(5)] + [plain_client.pid] * 25
    equal(pids_of(events), sorted(expected), "owners")


def key(event):
    """What tells one event from another in two runs: all but times, which each run reads."""
    return json.dumps({name: value for name, value in event.items()
                       if name not in ("time", "connection")}, sort_keys=True)


for name, actors in FILTERS.items():
    with tap.test(re.sub(r"[0-9a-f]{64}", "ID", name).replace(str(os.getpid()), "N")):
        watcher, pids = watchers[name], [one.pid for one in actors]
        equal(watcher.code, 0, f"exit code; {watcher.stderr()}")
        seen += watcher.lines
        direction = {"-s": ("sent",), "-r": ("received",)}.get(name[:2], ("sent", "received"))
        expected = sorted(key(event) for event in events
                          if event["owner"].get("pid") in pids and event["direction"] in direction)
        equal(bool(expected), bool(pids), "something is expected")
        equal(sorted(key(event) for event in watcher.events(client, server)), expected, "events")
        for event in watcher.of_type("event"):
            check(event.get("owner", {}).get("pid") in pids, "event", event)
        window = watcher.windows()[0]
        for side in ("sent", "received"):
            check(window[side]["total"] >= 25, side, window[side])
        for row in window["owners"]:
            check(row.get("pid") in pids, "row", row)
        watcher.check_books()

for arguments in (["-p", "0"], ["-p", "x"], ["-p", "1,"], ["--pid", "4194305"], ["--unit", ""],
                  ["--container", ""], ["--cgroup", ""]):
    with tap.test("wrong usage: " + " ".join(arguments)):
        done = rstwatch(*arguments, "-d", "1")
        equal(done.returncode, 2, f"exit code; {done.stderr}")
        equal(len(done.stderr.splitlines()), 1, "lines of standard error")


# --- windows ---


def rows_of(windows):
    """{(known_by, pid or None): [sent, received]}, over the windows."""
    sums = {}
    for window in windows:
        for row in window["owners"]:
            counts = sums.setdefault((row["known_by"], row.get("pid")), [0, 0])
            counts[0] += row["sent"]
            counts[1] += row["received"]
    return sums


with tap.test("a window's owners add up to the events, also with -q, where there are none"):
    c, s, gone = Actor(client, "cl-sum"), Actor(server, "sv-sum"), Actor(server, "sv-gone")
    only = ["--netns", str(server.inode)]
    gone_port = next(ports)
    streaming, quiet = Watcher("-i", "1", *only), Watcher("-i", "1", "-q", *only)
    gone.listen("l", socket.AF_INET, "0.0.0.0", gone_port)
    gone.exit(0)
    seconds = len(quiet.windows())
    quiet.wait_for(lambda: len(quiet.windows()) > seconds, "a window")
    reset_some(c, s, 7)
    reset_some(c, s, 4, "server")
    refuse_some(c, 6)
    for _ in range(5):
        c.try_connect("c", socket.AF_INET, server.ip4, gone_port)
    expected = {("socket", s.pid): [4, 7], ("kernel", None): [6, 0],
                ("last_listener", gone.pid): [5, 0]}
    stop_all([streaming, quiet])
    for one in (streaming, quiet):
        seen += one.lines
        equal(rows_of(one.windows()), expected, "rows of owners")
        one.check_books()
    equal(quiet.of_type("event"), [], "events with -q")
    from_events = {}
    for event in streaming.events(server):
        owner = event["owner"]
        counts = from_events.setdefault((owner["known_by"], owner.get("pid")), [0, 0])
        counts[event["direction"] == "received"] += 1
    equal(from_events, expected, "events")

with tap.test("rows of owners say who that is, and why the resets were"):
    rows = [row for window in quiet.windows() for row in window["owners"]]
    for row in rows:
        equal(sum(row.get("causes", {}).values()), row["sent"], f"causes of {row}")
        equal(sum(row.get("stages", {}).values()), row["received"], f"stages of {row}")
        if row["known_by"] == "kernel":
            equal(row["causes"], {"closed_port": row["sent"]}, "causes")
        elif row["known_by"] == "socket":
            equal((row["comm"], row["uid"]), ("sv-sum", 0), "process")
        else:
            equal((row["comm"], row["exit_code"]), ("sv-gone", 0), "process")
            check("stopped_ms" in row, "row", row)


# --- sentences ---

with tap.test("--explain: a sentence with the process's name and number"):
    watcher = Watcher("-i", "3600", "--explain")
    c, s, gone = Actor(client, "cl-why"), Actor(server, "sv-why"), Actor(server, "sv-crash")
    reset_some(c, s, 1)
    reset_some(c, s, 1, "server")
    refuse_some(c, 1)
    port = next(ports)
    gone.listen("l", socket.AF_INET, "0.0.0.0", port)
    gone.die(signal.SIGSEGV)
    c.try_connect("c", socket.AF_INET, server.ip4, port)
    equal(watcher.stop(), 0, "exit code")
    seen += watcher.lines
    events = watcher.events(client, server)
    equal(len(events), 8, "events")
    for event in events:
        text, owner = event["explanation"], event["owner"]
        check(text.endswith("."), "no sentence:", text)
        if "pid" in owner:
            check(owner["comm"] in text, f"no {owner['comm']} in:", text)
            check(str(owner["pid"]) in text, f"no {owner['pid']} in:", text)
        if owner["known_by"] == "last_listener":
            check("SIGSEGV" in text and str(port) in text, "how it ended:", text)
        note(text)

with tap.test("without --explain there is none"):
    check(all("explanation" not in event for event in everything.of_type("event")), "explanation")


# --- names to be feared ---

NAMES = (b"a\nb\r\tc", b"\x1b[31mred\x1b[0m", b"\xff\xfe\xc3(\xe2\x82", b"\x01\x02\x7f\x9b31m",
         "\u202e\u200b\u0085".encode(), "\u00e9".encode() * 8, b"q\"u\\o'te`$(x)", b"(x) S 1 (y",
         b" two  spaces ")


def check_tame(text):
    """Nothing that a terminal obeys, ends a line, or turns what stands beside it around."""
    for one in text:
        check(unicodedata.category(one) not in ("Cc", "Zl", "Zp") and
              unicodedata.bidirectional(one) not in ("RLO", "LRO", "RLE", "LRE", "RLI", "LRI"),
              f"U+{ord(one):04X} in", repr(text))


for arguments in ([], ["-w"], ["-w", "--explain"]):
    with tap.test(f"text output {' '.join(arguments)}: no name gets a control character through"):
        only = ["--netns", str(client.inode)]
        watcher = Watcher("-i", "1", *only, *arguments, json_lines=False)
        watcher.wait_for(lambda: watcher.lines, "a line")
        s = Actor(server, "sv-text")
        actors = [Actor(client, name) for name in NAMES]
        for actor in actors:
            reset_some(actor, s, 1)
        equal(watcher.stop(), 0, "exit code")
        for line in watcher.lines:
            check(line.endswith(b"\n"), "line", line)
            check_tame(line[:-1].decode("utf-8", "strict"))
        text = b"".join(watcher.lines)
        for actor in actors:
            check(re.search(rb"\b%d\b" % actor.pid, text), f"no process {actor.pid} in the text")

with tap.test("text output with --explain, in JSON: no control character in the sentence"):
    watcher = Watcher("-i", "1", "--explain")
    s = Actor(server, "sv-json")
    for name in NAMES:
        reset_some(Actor(client, name), s, 1)
    equal(watcher.stop(), 0, "exit code")
    seen += watcher.lines
    told = [event["explanation"] for event in watcher.events(client)]
    equal(len(told), len(NAMES), "events")
    for text in told:
        check_tame(text)


# --- recordings ---

with tap.test("a recording has the owners: replay prints the same bytes"):
    path = os.path.join(temporary_directory(), "owners.rec")
    watcher = Watcher("-i", "1", "--explain", command=("record", "-o", path), keep="all")
    c, s, gone = Actor(client, "cl-rec"), Actor(server, b"sv-\x1b\xff\n"), Actor(server, "sv-end")
    reset_some(c, s, 3)
    reset_some(c, s, 3, "server")
    refuse_some(c, 2)
    port = next(ports)
    gone.listen("l", socket.AF_INET, "0.0.0.0", port)
    gone.exit(3)
    c.try_connect("c", socket.AF_INET, server.ip4, port)
    equal(watcher.stop(), 0, "exit code")
    seen += watcher.lines
    equal(len(watcher.events(client, server)), 18, "events")
    done = rstwatch("replay", path, "-j", "--explain")
    equal(done.returncode, 0, f"exit code; {done.stderr}")
    replayed = done.stdout.splitlines(keepends=True)
    # Losses of the recording are only known at its end: rows of them may differ in nothing else.
    equal(replayed, watcher.lines, "lines")

with tap.test("every line fits rstwatch --json-schema"):
    schema = json.loads(rstwatch("--json-schema").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    lines = {key(json.loads(line)): line for line in seen}
    for kind in {json.loads(line)["type"] for line in lines.values()}:
        validator = jsonschema.Draft202012Validator({**schema, "oneOf": [
            {"$ref": f"#/$defs/{kind}"}]})
        for line in lines.values():
            if json.loads(line)["type"] != kind:
                continue
            for error in validator.iter_errors(json.loads(line)):
                detail = error.context[0].message if error.context else error.message
                raise Failure(f"{kind}: {detail}: {line.decode()[:600]}")

tap.done()

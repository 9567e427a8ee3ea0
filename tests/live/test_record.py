#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Recordings: a replay says byte for byte what the live run said; without root; from a recording
that was cut short; and what happens when a file cannot be written, or is damaged or foreign."""
import json
import os
import re
import shutil
import struct
import subprocess

from harness import *

tap = Tap()
pair = Pair()
PORT = 61001
ALARM = "floor=1,factor=1,hold=1,up=0,down=0,after=0"
directory = temporary_directory()
SANDBOX = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
           "--bounding-set=-all", "--inh-caps=-all"]


def at(name):
    return os.path.join(directory, name)


def replay(path, *arguments, wrapper=(), binary=RSTWATCH):
    return subprocess.run([*wrapper, binary, "replay", path, *arguments],
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT)


def make_traffic(count=30):
    equal(connect_refused(pair.client, pair.server.ip4, PORT, count), count)
    equal(connect_refused(pair.client, pair.server.ip6, PORT, count), count)
    reset_connections(pair, Way("mapped"), PORT + 1, 5, "server")


def same(got, expected):
    """Byte-identical; else the first line that differs."""
    got, expected = got.splitlines(), expected.splitlines()
    for number, (one, other) in enumerate(zip(got, expected), 1):
        equal(one, other, f"line {number}")
    equal(len(got), len(expected), "number of lines")


def record(path, *arguments, json_lines):
    """Records 2-3 s of traffic; the bytes that the live run printed."""
    watcher = Watcher("-i", "1", "--rate", ALARM, *arguments, command=("record", "-o", path),
                      json_lines=json_lines, wait=json_lines, keep="all")
    if not json_lines:
        watcher.wait_for(lambda: watcher.lines, "the first line")
    for turn in range(2):
        make_traffic()
        count = len(watcher.lines)
        watcher.wait_for(lambda: any(line.startswith((b'{"type":"window"', b"--- "))
                                     for line in watcher.lines[count:]), "a window")
    make_traffic()
    equal(watcher.stop(), 0, "exit code")
    equal(watcher.stderr(), "", "standard error")
    return b"".join(watcher.lines)


for name, arguments in (("NDJSON", ("-j",)), ("text", ()), ("wide text", ("-w", "-t", "--utc")),
                        ("quiet NDJSON", ("-j", "-q"))):
    with tap.test(f"replay prints the same bytes: {name}"):
        path = at(name)
        printed = record(path, *(one for one in arguments if one != "-j"),
                         json_lines="-j" in arguments)
        check(b"rst_sent_rate" in printed, "no alert in the run")
        replayed = replay(path, *arguments)
        equal(replayed.returncode, 0, "exit code")
        equal(replayed.stderr, b"", "standard error")
        same(replayed.stdout, printed)
        if name == "NDJSON":
            whole, lines = path, printed
            types = {json.loads(line)["type"] for line in printed.splitlines()}
            equal(types, {"start", "event", "window", "alert", "end"}, "types")

with tap.test("replay works without root and without any capability"):
    os.chmod(whole, 0o644)
    binary = shutil.copy(RSTWATCH, at("rstwatch"))
    os.chmod(binary, 0o755)
    replayed = replay(whole, "-j", wrapper=SANDBOX, binary=binary)
    equal(replayed.returncode, 0, "exit code " + replayed.stderr.decode())
    same(replayed.stdout, lines)

with tap.test("replay reads standard input"):
    with open(whole, "rb") as file:
        done = subprocess.run([RSTWATCH, "replay", "-", "-j"], stdin=file, capture_output=True,
                              timeout=LIMIT)
    equal(done.returncode, 0, "exit code")
    same(done.stdout, lines)

with tap.test("replay shows a JSON recording as text, and with a filter"):
    replayed = replay(whole)
    equal(replayed.returncode, 0, "exit code")
    check(b"closed_port" in replayed.stdout and b"{" not in replayed.stdout, "no text")
    replayed = replay(whole, "-j", "-6", "-s", "--netns", str(pair.server.inode))
    events = [json.loads(line) for line in replayed.stdout.splitlines()
              if line.startswith(b'{"type":"event"')]
    equal(len(events), 90, "IPv6 events")
    equal({event["family"] for event in events}, {6}, "families")

with tap.test("kill -9: replay says that it was cut short and prints what is there"):
    path = at("killed")
    watcher = Watcher("-i", "1", command=("record", "-o", path), keep="all")
    make_traffic()
    watcher.wait_for(lambda: watcher.sum(pair.server, "sent") > 0, "a window")
    count = len(watcher.windows())
    watcher.wait_for(lambda: len(watcher.windows()) > count, "another window")
    watcher.process.kill()
    watcher.wait_end()
    replayed = replay(path, "-j")
    check(b"cut short" in replayed.stderr, "standard error:", replayed.stderr)
    equal(len(replayed.stderr.splitlines()), 1, "lines of standard error")
    got = replayed.stdout.splitlines(True)
    equal(json.loads(got[-1])["type"], "end", "last object")
    equal(json.loads(got[-1])["complete"], False, "complete")
    windows = [line for line in got if line.startswith(b'{"type":"window"')]
    live = [line for line in watcher.lines if line.startswith(b'{"type":"window"')]
    check(len(windows) >= len(live) - 1, len(windows), "of", len(live), "windows replayed")
    equal(got[:-1], watcher.lines[:len(got) - 1], "what is there")
    note(f"exit code {replayed.returncode}")

with tap.test("a truncated recording: cut short too"):
    data = open(whole, "rb").read()
    first = 32 + 16 + struct.unpack_from("=I", data, 36)[0]  # where the second block begins
    with open(at("truncated"), "wb") as file:
        file.write(data[:(first + len(data)) // 2])
    replayed = replay(at("truncated"), "-j")
    check(b"cut short" in replayed.stderr, "standard error:", replayed.stderr)
    got = replayed.stdout.splitlines(True)
    check(len(got) > 2, "lines", len(got))
    events = [line for line in got if line.startswith(b'{"type":"event"')]
    equal(events, [line for line in lines.splitlines(True)
                   if line.startswith(b'{"type":"event"')][:len(events)], "events")

with tap.test("full disk: exit 1, a message, and what was written replays"):
    disk = at("disk")
    os.mkdir(disk)
    # A private mount namespace: nothing of it is left when rstwatch has ended.
    watcher = Watcher("-i", "1", "--max-events", "10000000",
                      command=("record", "-o", disk + "/file"), keep="all",
                      wrapper=("unshare", "--mount", "sh", "-c",
                               f'mount -t tmpfs -o size=1m none {disk} && exec "$@"', "sh"))
    inside = os.open(f"/proc/{watcher.process.pid}/root{disk}", os.O_RDONLY | os.O_DIRECTORY)
    defer(os.close, inside)
    for _ in range(200):
        if watcher.process.poll() is None:
            make_traffic(100)
    equal(watcher.wait_end(), 1, "exit code")
    message = watcher.stderr()
    check(disk + "/file" in message and "No space left" in message, "standard error:", message)
    equal(len(message.splitlines()), 1, "lines of standard error")
    with open(os.open("file", os.O_RDONLY, dir_fd=inside), "rb") as file:
        data = file.read()
    with open(at("from-full-disk"), "wb") as file:
        file.write(data)
    replayed = replay(at("from-full-disk"), "-j")
    check(b"cut short" in replayed.stderr, "standard error:", replayed.stderr)
    check(b'{"type":"event"' in replayed.stdout, "no event in the replay")
    events = [line for line in replayed.stdout.splitlines(True)
              if line.startswith(b'{"type":"event"')]
    live = [line for line in watcher.lines if line.startswith(b'{"type":"event"')]
    equal(events, live[:len(events)], "events")

with tap.test("record to a place that does not exist: exit 1"):
    done = rstwatch("record", "-o", "/nonexistent/file", "-d", "1")
    equal(done.returncode, 1, "exit code")
    check(b"/nonexistent/file" in done.stderr and b"No such file" in done.stderr, done.stderr)
    equal(len(done.stderr.splitlines()), 1, "lines of standard error")

for name, arguments in (("live", ("-j", "-d", "1")), ("replay", ("replay", whole, "-j")),
                        ("text", ("-d", "1")), ("help", ("--help",)), ("schema", ("--json-schema",))):
    with tap.test(f"standard output full, {name}: exit 1 and a message"):
        with open("/dev/full", "wb") as full:
            done = rstwatch(*arguments, stdout=full)
        equal(done.returncode, 1, "exit code")
        check(b"No space left" in done.stderr, "standard error:", done.stderr)
        equal(len(done.stderr.splitlines()), 1, "lines of standard error")

for name, arguments in (("live", ("-j", "-i", "3600")), ("text", ("-i", "3600")),
                        ("record", ("record", "-o", at("pipe"), "-j", "-i", "3600")),
                        ("replay", ("replay", whole, "-j"))):
    with tap.test(f"a reader that goes away, {name}: ends with 0, without a word"):
        process = start_process([RSTWATCH, *arguments], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)
        check(process.stdout.readline(), "no first line")
        process.stdout.close()
        try:
            equal(process.wait(5), 0, "exit code")
        except subprocess.TimeoutExpired:
            raise Failure("hangs") from None
        equal(process.stderr.read(), b"", "standard error")

with tap.test("a reader that is gone from the start, while resets come"):
    read, write = os.pipe()
    os.close(read)
    process = start_process([RSTWATCH, "-j", "-i", "3600"], stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    try:
        equal(process.wait(5), 0, "exit code")
    except subprocess.TimeoutExpired:
        raise Failure("hangs") from None

with tap.test("damage in the middle: exit 1, the message names the byte"):
    data = bytearray(open(whole, "rb").read())
    middle = len(data) // 2
    data[middle] ^= 0x40
    with open(at("damaged"), "wb") as file:
        file.write(data)
    replayed = replay(at("damaged"), "-j")
    equal(replayed.returncode, 1, "exit code")
    equal(len(replayed.stderr.splitlines()), 1, "lines of standard error")
    offset = re.search(rb"byte (\d+)", replayed.stderr)
    check(offset, "standard error:", replayed.stderr)
    check(abs(int(offset[1]) - middle) <= 1 << 18, "byte", offset[1], "damaged at", middle)
    check(at("damaged").encode() in replayed.stderr, "no file name:", replayed.stderr)
    got = [line for line in replayed.stdout.splitlines(True)
           if line.startswith(b'{"type":"event"')]
    live = [line for line in lines.splitlines(True) if line.startswith(b'{"type":"event"')]
    equal(got, live[:len(got)], "events before the damage")

for name, content in (("text", b"root:x:0:0:root:/root:/bin/bash\n" * 100), ("empty", b""),
                      ("random", bytes(range(256)) * 64)):
    with tap.test(f"a foreign file, {name}: exit 1"):
        with open(at("foreign"), "wb") as file:
            file.write(content)
        replayed = replay(at("foreign"), "-j")
        equal(replayed.returncode, 1, "exit code")
        equal(replayed.stdout, b"", "standard output")
        equal(len(replayed.stderr.splitlines()), 1, "lines of standard error")
        check(at("foreign").encode() in replayed.stderr, "standard error:", replayed.stderr)

with tap.test("no file: exit 1"):
    replayed = replay("/nonexistent/file")
    equal(replayed.returncode, 1, "exit code")
    check(b"/nonexistent/file" in replayed.stderr, "standard error:", replayed.stderr)

tap.done()

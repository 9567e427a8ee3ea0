#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Wrong usage: exit 2 and one line that says what is accepted. Missing privileges: exit 1 and the
name of what is missing; and that CAP_BPF with CAP_PERFMON is all it takes."""
import os
import shutil
import subprocess

from harness import *

tap = Tap()

# Arguments, and what the line has to contain: what was wrong, and what is accepted.
WRONG = (
    (["--nonsense"], ["--nonsense", "--help"]),
    (["-Z"], ["Z", "--help"]),
    (["nonsense"], ["nonsense", "record", "replay"]),
    (["-i"], ["-i", "value"]),
    (["-i", "10abc"], ["10abc", "1", "3600"]),
    (["-i", "-1"], ["-1", "1", "3600"]),
    (["-i", "0"], ["0", "1", "3600"]),
    (["-i", ""], ["--interval", "1", "3600"]),
    (["-i", "99999999999999999999"], ["99999999999999999999", "3600"]),
    (["-i", " 5"], [" 5", "3600"]),
    (["-d", "1.5"], ["1.5", "seconds"]),
    (["-d", "0"], ["--duration", "1 or more"]),
    (["--count", "many"], ["many", "number"]),
    (["-P", "70000"], ["70000", "65535"]),
    (["-P", "80,"], ["80,", "65535"]),
    (["-P", "http"], ["http", "65535"]),
    (["--peer", "10.0.0.1/8"], ["10.0.0.1/8", "10.0.0.0/8"]),
    (["--peer", "10.0.0.0/33"], ["10.0.0.0/33", "range"]),
    (["--peer", "example"], ["example", "range"]),
    (["-s", "-r"], ["--sent", "--received"]),
    (["-4", "-6"], ["-4", "-6"]),
    (["--cause", "nonsense"], ["nonsense", "closed_port", "refused", "time_wait", "rejected"]),
    (["--netns", "x"], ["'x'", "inode"]),
    (["--rate", "floor=x"], ["floor=x", "number"]),
    (["--rate", "nonsense=1"], ["nonsense", "floor", "factor", "after"]),
    (["--rate", "floor"], ["floor", "factor"]),
    (["--rate", "floor=nan"], ["floor", "number"]),
    (["--max-events", "0"], ["--max-events", "'0'", "100", "10000000"]),
    (["--max-ports", "-1"], ["--max-ports", "'-1'", "1024", "4194304"]),
    (["--max-peers", "4194305"], ["--max-peers", "'4194305'", "1024", "4194304"]),
    (["-o", "file"], ["--output", "record"]),
    (["record"], ["-o"]),
    (["record", "-o", "/tmp/never-made", "extra"], ["extra"]),
    (["replay"], ["FILE"]),
    (["replay", "one", "two"], ["two"]),
    (["-j", "record", "-o", "/tmp/never-made"], ["record", "first"]),
)

for arguments, parts in WRONG:
    with tap.test("wrong usage: " + " ".join(arguments)):
        done = rstwatch(*arguments, "-d", "1") if arguments[-1] != "-i" else rstwatch(*arguments)
        message = done.stderr.decode()
        equal(done.returncode, 2, "exit code; " + message)
        equal(done.stdout, b"", "standard output")
        equal(len(message.splitlines()), 1, "lines of standard error: " + message)
        check(message.startswith("rstwatch: "), "standard error:", message)
        for part in parts:
            check(part in message, f"no '{part}' in:", message)
        check(not os.path.exists("/tmp/never-made"), "the file was made")

for arguments, first_word in ((["--help"], b"rstwatch"), (["-h"], b"rstwatch"),
                              (["--version"], b"rstwatch 0"), (["-V"], b"rstwatch 0")):
    with tap.test(f"{arguments[0]}: exit 0"):
        done = rstwatch(*arguments)
        equal(done.returncode, 0, "exit code")
        check(done.stdout.startswith(first_word), "standard output:", done.stdout[:80])
        equal(done.stderr, b"", "standard error")

with tap.test("--help names every option of the design"):
    text = rstwatch("--help").stdout.decode()
    for option in ("--json", "--interval", "--duration", "--count", "--quiet", "--alerts", "--sent",
                   "--received", "--port", "-4", "-6", "--peer", "--cause", "--netns", "--wide",
                   "-T", "-t", "--utc", "--verbose", "--version", "--help", "--fail-on-alert"):
        check(option in text, f"no {option}")


# --- privileges ---

directory = temporary_directory()
binary = shutil.copy(RSTWATCH, os.path.join(directory, "rstwatch"))
os.chmod(binary, 0o755)


def as_nobody(*capabilities):
    sets = ",".join(["-all", *("+" + one for one in capabilities)])
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
            f"--inh-caps={sets}", f"--ambient-caps={sets}", f"--bounding-set={sets}"]


def run_as_nobody(*capabilities):
    return subprocess.run([*as_nobody(*capabilities), binary, "-j", "-i", "1", "-d", "1"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT)


for name, capabilities, named, not_named in (
        ("nobody", (), ("CAP_BPF", "CAP_PERFMON"), ()),
        ("nobody with CAP_BPF", ("bpf",), ("CAP_PERFMON",), ("CAP_BPF",)),
        ("nobody with CAP_PERFMON", ("perfmon",), ("CAP_BPF",), ("CAP_PERFMON",)),
        ("nobody with CAP_BPF and CAP_NET_ADMIN", ("bpf", "net_admin"), ("CAP_PERFMON",), ())):
    with tap.test(f"{name}: exit 1, and the line names what is missing"):
        done = run_as_nobody(*capabilities)
        equal(done.returncode, 1, "exit code; " + done.stderr)
        equal(done.stdout, "", "standard output")
        equal(len(done.stderr.splitlines()), 1, "lines of standard error: " + done.stderr)
        # What the line says is missing, before any advice on how to run it.
        lacking = done.stderr.split(":")[1] if not_named else done.stderr
        for part in named:
            check(part in lacking, f"no {part} in:", done.stderr)
        for part in not_named:
            check(part not in lacking, f"{part} in:", done.stderr)

# Before Linux 5.11, BPF maps count against RLIMIT_MEMLOCK, which libbpf raises where it may.
charged = tuple(int(part) for part in os.uname().release.split(".")[:2]) < (5, 11)
enough = ["prlimit", "--memlock=unlimited:unlimited"] if charged else []

for name, capabilities in (("CAP_BPF and CAP_PERFMON", ("bpf", "perfmon")),
                           ("CAP_SYS_ADMIN", ("sys_admin",))):
    with tap.test(f"nobody with {name}: works, and counts"):
        pair = Pair()
        watcher = Watcher("-i", "1", wrapper=[*enough, *as_nobody(*capabilities)], binary=binary)
        equal(connect_refused(pair.client, pair.server.ip4, 61001, 5), 5)
        equal(watcher.stop(), 0, "exit code; " + watcher.stderr())
        # Whose executables they are, /proc does not tell nobody.
        said = watcher.stderr().splitlines()
        check(len(said) <= 1 and all("executable" in line for line in said), said)
        equal(watcher.sum(pair.server, "sent"), 5, "sent")
        equal(len(watcher.events(pair.client)), 5, "received events")

with tap.test("a limit that the kernel holds against BPF maps is named"):
    if not charged:
        raise Skip("this kernel does not count BPF maps against RLIMIT_MEMLOCK")
    done = run_as_nobody("bpf", "perfmon")
    equal(done.returncode, 1, "exit code")
    check("RLIMIT_MEMLOCK" in done.stderr, done.stderr)

with tap.test("no resource limit has to be raised"):
    pair = Pair()
    limits = ["prlimit", "--nofile=256:256", *(enough[1:] or ["--memlock=0:0"])]
    watcher = Watcher("-i", "1", wrapper=[*limits, *as_nobody("bpf", "perfmon")], binary=binary)
    equal(connect_refused(pair.client, pair.server.ip4, 61001, 5), 5)
    equal(watcher.stop(), 0, "exit code; " + watcher.stderr())
    equal(watcher.sum(pair.server, "sent"), 5, "sent")

tap.done()

#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A kernel that has no memory for the tables asked for: exit 1, and one line that names sizes that
would work; and they do. The kernel is made to refuse by a memory cgroup, which BPF maps count
against since Linux 5.11; a guest of tests/kernels has little memory in any case."""
import os
import re
import subprocess

from actors import Cgroup
from harness import *

REFUSES = re.compile(
    rb"rstwatch: the kernel has no memory for tables of (\d+) ports and (\d+) peers:"
    rb"(?: --max-ports (\d+))?(?: --max-peers (\d+))? would work\n")
DEFAULT_PORTS, DEFAULT_PEERS, LEAST, MOST = 65536, 16384, 1024, 4194304
RESETS = 5

tap = Tap()
pair = Pair()


def possible_cpus():
    with open("/sys/devices/system/cpu/possible") as file:
        return int(re.split("[-,]", file.read().strip())[-1]) + 1


class MemoryCgroup:
    """One with a limit. .command goes in front of a command that is to run within."""

    def __init__(self, name, megabytes):
        root = None
        self.command, self._usage = [], None
        if EMULATED:
            return
        with open("/proc/self/mountinfo") as file:
            for line in file:
                kind, _, options = line.split(" - ")[1].split()[:3]
                if kind == "cgroup" and "memory" in options.split(","):
                    root, limit, usage = line.split()[4], "limit_in_bytes", "usage_in_bytes"
                elif kind == "cgroup2" and not root:
                    root, limit, usage = line.split()[4], "max", "current"
        if not root:
            raise Skip("there is no cgroup tree")
        path = f"/rstwatch-test-{os.getpid()}-{name}"
        try:
            Cgroup(root, path)
            with open(f"{root}{path}/memory.{limit}", "w") as file:
                file.write(str(megabytes << 20))
        except OSError as error:
            raise Skip(f"no memory cgroup can be made: {error}") from None
        self._usage = f"{root}{path}/memory.{usage}"
        self.command = ["sh", "-c", f'echo $$ >"{root}{path}/cgroup.procs" && exec "$@"', "sh"]

    def wait_freed(self):
        """The kernel frees the maps of a process some time after its end."""

        def usage():
            with open(self._usage) as file:
                return int(file.read())

        if self._usage:
            wait_until(lambda: usage() < 16 << 20, "the maps are freed")


def run_within(cgroup, *arguments):
    return subprocess.run([*cgroup.command, RSTWATCH, "-j", "-d", "1", *arguments],
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=3 * LIMIT)


def sized(ports, peers):
    return ["--max-ports", str(ports), "--max-peers", str(peers)]


def check_refusal(done, ports, peers):
    """The sizes that it names, or those that were asked for where it names none."""
    equal(done.returncode, 1, f"exit code; {done.stderr}")
    equal(done.stdout, b"", "standard output")
    said = REFUSES.fullmatch(done.stderr)
    check(said, "standard error:", done.stderr)
    equal((int(said[1]), int(said[2])), (ports, peers), "the sizes that were asked for")
    check(said[3] or said[4], "no option is named:", done.stderr)
    note(done.stderr.decode().strip())
    named = int(said[3] or ports), int(said[4] or peers)
    for asked, size in zip((ports, peers), named):
        check(LEAST <= size <= asked, f"{size} instead of {asked}")
    for asked, text in ((ports, said[3]), (peers, said[4])):
        check(not text or int(text) < asked, "named, and no smaller:", done.stderr)
    return named


for ports, peers in ((DEFAULT_PORTS, MOST), (MOST, DEFAULT_PEERS), (MOST, MOST), (300000, 300000)):
    with tap.test(f"no memory for {ports} ports and {peers} peers: sizes are named that work"):
        if EMULATED and (ports, peers) != (MOST, MOST):
            raise Skip("a guest refuses only the largest")
        cgroup = MemoryCgroup(f"{ports}-{peers}", 96 + possible_cpus())
        named = check_refusal(run_within(cgroup, *sized(ports, peers)), ports, peers)
        check(min(named) >= DEFAULT_PEERS, "small:", named)
        equal(ports == DEFAULT_PORTS, named[0] == ports, "whether the ports are in order")
        equal(peers == DEFAULT_PEERS, named[1] == peers, "whether the peers are in order")
        cgroup.wait_freed()
        watcher = Watcher("-i", "1", *sized(*named), wrapper=cgroup.command)
        equal(connect_refused(pair.client, pair.server.ip4, 61001, RESETS), RESETS)
        equal(watcher.stop(), 0, "exit code; " + watcher.stderr())
        equal(watcher.sum(pair.server, "sent"), RESETS, "sent")

with tap.test("no memory for any size: no size is named"):
    if EMULATED:
        raise Skip("a guest has room for the smallest")
    done = run_within(MemoryCgroup("none", 28 + possible_cpus()))
    equal(done.returncode, 1, f"exit code; {done.stderr}")
    equal(done.stdout, b"", "standard output")
    equal(done.stderr.count(b"\n"), 1, f"lines of standard error: {done.stderr}")
    check(b"memory" in done.stderr and b"would work" not in done.stderr, done.stderr)

tap.done()

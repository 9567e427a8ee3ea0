#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What is shown of owners where something cannot be read: a /proc that hides processes, a cgroup
tree that is not mounted, processes that are gone. The member is absent, nothing else suffers, and
that is explained once, in one line."""
import os
import shutil
import socket

from actors import *
from harness import *

tap = Tap()
become_subreaper()
pair = Pair()
client, server = pair.client, pair.server
cgroup = CgroupTree().make("/system.slice/made.service")
ports = iter(range(61001, 62000))

# Who is not root enters neither our build directory nor, perhaps, that above it.
binary = shutil.copy(RSTWATCH, os.path.join(temporary_directory(), "rstwatch"))
os.chmod(binary, 0o755)
SETS = "-all,+bpf,+perfmon"
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
             f"--inh-caps={SETS}", f"--ambient-caps={SETS}", f"--bounding-set={SETS}"]
# Before Linux 5.11, BPF maps count against RLIMIT_MEMLOCK, which libbpf raises where it may.
if tuple(int(part) for part in os.uname().release.split(".")[:2]) < (5, 11):
    AS_NOBODY = ["prlimit", "--memlock=unlimited:unlimited", *AS_NOBODY]
# procfs: another instance than the host's, which stays as it is (since Linux 5.8).
HIDING = "mount -t proc -o hidepid=2 proc /proc"
EXPLAINED = "executable"


def in_private_mounts(script, *after):
    """A wrapper: runs what follows where the script has changed the mounts, for it alone."""
    return ["unshare", "--mount", "--propagation", "private", "sh", "-ec",
            f'{script}; exec "$@"', "sh", *after]


def make_resets(c, s):
    """Three resets of each end, one refused connect, and one to a port of who has just stopped."""
    port = next(ports)
    s.listen("l", socket.AF_INET, "0.0.0.0", port)
    for i in range(3):
        c.connect("c", socket.AF_INET, server.ip4, port)
        s.accept("l", "s")
        c.linger("c")
        c.close("c")
        s.wait_reset("s")
    s.close("l")
    c.try_connect("c", socket.AF_INET, server.ip4, port)
    c.try_connect("c", socket.AF_INET, server.ip4, next(ports))


def watch(wrapper, older):
    """Runs rstwatch so; its events, and what each has to have as its owner, all but the path and
    the cgroup. A client that is older than rstwatch takes part if there may be one."""
    s = Actor(server, "sv-blind", uid=1234, cgroup=cgroup)
    c = Actor(client, "cl-blind")
    port = next(ports)
    s.listen("old", socket.AF_INET, "0.0.0.0", port)
    c.connect("old", socket.AF_INET, server.ip4, port)
    s.accept("old", "olds")
    watcher = Watcher("-i", "1", wrapper=wrapper, binary=binary)
    make_resets(c, s)
    if older:
        s.linger("olds")
        s.close("olds")
        c.wait_reset("old")
    watcher.wait_events(10 + 2 * older, client, server)
    equal(watcher.stop(), 0, f"exit code; {watcher.stderr()}")
    watcher.check_books()
    events = watcher.events(client, server)
    equal(len(events), 10 + 2 * older, "events")
    got = sorted((event["direction"], event["owner"]["known_by"], event["owner"].get("pid", 0),
                  event["owner"].get("comm", ""), event["owner"].get("uid", -1))
                 for event in events)
    ends = {"client": (c.pid, "cl-blind", 0), "server": (s.pid, "sv-blind", 1234)}
    expected = [("sent", "socket", *ends["client"])] * 3
    expected += [("received", "socket", *ends["server"])] * 3
    expected += [("received", "socket", *ends["client"])] * 2
    expected += [("sent", "last_listener", *ends["server"]), ("sent", "kernel", 0, "", -1)]
    if older:
        expected += [("sent", "socket", *ends["server"]), ("received", "socket", *ends["client"])]
    equal(got, sorted(expected), "owners")
    for actor in (c, s):
        actor.end()
    return watcher, [event["owner"] for event in events]


def check_explained(watcher, times=1):
    lines = watcher.stderr().splitlines()
    told = [line for line in lines if EXPLAINED in line]
    equal(len(told), times, f"lines that explain it in: {lines}")
    equal(lines, told, "standard error")
    for line in lines:
        check(line.startswith("rstwatch: "), "standard error:", line)


def check_cgroups(owners):
    for owner in owners:
        if owner.get("comm") == "sv-blind":
            equal(owner.get("cgroup"), cgroup.path, "cgroup")
            equal(owner.get("unit"), "made.service", "unit")


with tap.test("as root: all is known, nothing has to be explained"):
    watcher, owners = watch([], True)
    equal(watcher.stderr(), "", "standard error")
    exe = os.path.realpath("/proc/self/exe")
    for owner in owners:
        equal(owner.get("exe"), exe if "pid" in owner else None, f"path of {owner}")
    check_cgroups(owners)

for name, wrapper in (("CAP_BPF and CAP_PERFMON", AS_NOBODY),
                      ("CAP_BPF and CAP_PERFMON, /proc with hidepid=2",
                       in_private_mounts(HIDING, *AS_NOBODY))):
    with tap.test(f"{name}: no path of programs, which is explained once"):
        watcher, owners = watch(wrapper, True)
        for owner in owners:
            check("exe" not in owner, "owner", owner)
        check_cgroups(owners)
        check_explained(watcher)

with tap.test("no cgroup tree: cgroups are absent or right, nothing else suffers"):
    if not os.path.ismount("/sys/fs/cgroup"):
        raise Skip("no cgroup tree is mounted")
    watcher, owners = watch(in_private_mounts("umount -R /sys/fs/cgroup"), True)
    for owner in owners:
        check("exe" in owner or "pid" not in owner, "owner", owner)
        if owner.get("comm") == "sv-blind":
            check(owner.get("cgroup") in (None, cgroup.path), "owner", owner)
    lines = watcher.stderr().splitlines()
    check(len(lines) <= 1, "standard error:", lines)

with tap.test("processes that are gone at once: nothing has to be explained"):
    watcher = Watcher("-i", "1")
    s = Actor(server, "sv-brief")
    starter = Actor(client, "starter")
    port = next(ports)
    s.listen("l", socket.AF_INET, "0.0.0.0", port, backlog=64)
    told = starter.brief_clients(40, "brief-", socket.AF_INET, server.ip4, port)
    for _ in told:
        s.accept("l", "s")
        s.wait_end("s")
        wait_until(lambda: True, "")
        s.send("s", 1)
        s.wait_reset("s")
        s.close("s")
    watcher.wait_events(80, client, server)
    equal(watcher.stop(), 0, "exit code")
    events = watcher.events(client, direction="sent")
    equal(sorted((event["owner"]["pid"], event["owner"]["comm"]) for event in events),
          sorted((pid, comm) for pid, comm, _ in told), "owners")
    note(f"{sum('exe' in event['owner'] for event in events)} of {len(events)} have a path")
    equal(watcher.stderr(), "", "standard error")

with tap.test("the host's /proc and cgroup tree are as they were"):
    check(os.path.exists("/proc/1/comm"), "/proc/1")
    with open("/proc/self/mountinfo") as file:
        check("hidepid" not in file.read(), "hidepid")

tap.done()

#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The audit: what it says when the kernel counted something that was no reset, of namespaces that
cannot be read, and of namespaces that appear and vanish; and that nothing leaks. That it comes out
even for every reset is test_causes.py's to show."""
import os
import socket
import subprocess
import time

from harness import *

CHURN = int(os.environ.get("CHURN_NAMESPACES", 300))
CHURN_RATE = 100  # a second
PORT = 61777	  # nothing listens there

tap = Tap()
report = check_report()


def in_new_namespace(function):
    """Calls function() in a child that has a network namespace of its own, with loopback up.
    Returns the child's id."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        unshare_network()
        run("ip", "link", "set", "lo", "up")
        function()
        code = 0
    finally:
        os._exit(code)


def refused_on_loopback(count):
    for _ in range(count):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
            check(sock.connect_ex(("127.0.0.1", PORT)), "was not refused")


def own_inode():
    return os.stat("/proc/self/ns/net").st_ino


def open_files(watcher):
    return len(os.listdir(f"/proc/{watcher.process.pid}/fd"))


def memory_kib(watcher):
    with open(f"/proc/{watcher.process.pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))


def unread(watcher, inode):
    return [row for window in watcher.windows() for row in window["audit"]["unread"]
            if row["netns"] == inode]


with tap.test("a connect that times out is no reset, and the audit says so"):
    pair = Pair()
    pair.client.sysctl("ipv4.tcp_syn_retries", 1)
    pair.server.nft("add table inet test; add chain inet test in { type filter hook input "
                    f"priority 0; }}; add rule inet test in tcp dport {PORT} drop")
    watcher = Watcher("-i", "1")
    with make_socket(pair.client, socket.AF_INET) as sock:
        try:
            sock.connect((pair.server.ip4, PORT))
            raise Failure("was connected")
        except TimeoutError:
            pass
    # Namespaces without resets are looked at in turn, one a second: a reset brings this one on.
    equal(connect_refused(pair.client, pair.server.ip4, PORT + 1), 1)
    watcher.wait_audited()
    equal(watcher.stop(), 0, "exit code")
    left = watcher.unexplained(pair.client, pair.server)
    equal([one[:3] for one in left], [(pair.client.name, "AttemptFails", 1)], "unexplained")
    check("TCPAbortOnTimeout" in left[0][3], left)
    equal(watcher.objects[-1]["unexplained"]["AttemptFails"] >= 1, True, "in the end object")

with tap.test("a namespace to which nothing leads is named"):
    # Only sockets hold it: no process is in it and no mount shows it.
    here, there = socket.socketpair()
    watcher = Watcher("-i", "1")

    def hand_over():
        sockets = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(3)]
        socket.send_fds(there, [str(own_inode()).encode()], [sock.fileno() for sock in sockets])

    child = in_new_namespace(hand_over)
    message, descriptors, *_ = socket.recv_fds(here, 64, 3)
    equal(os.waitpid(child, 0)[1], 0, "the child's exit code")
    inode = int(message)
    for descriptor in descriptors:
        with socket.socket(fileno=descriptor) as sock:
            check(sock.connect_ex(("127.0.0.1", PORT)), "was not refused")
    watcher.wait_audited()
    equal(watcher.stop(), 0, "exit code")
    rows = unread(watcher, inode)
    counted = sum(row["sent"] + row["received"] for window in watcher.windows()
                  for row in window["namespaces"] if row["netns"] == inode)
    equal(sum(row["resets"] for row in rows), counted, "resets that were not audited")
    check(counted >= 3 and "no process" in rows[0]["why"], counted, rows)

with tap.test("namespaces that may not be read are named"):
    pair = Pair()
    capabilities = "-all,+bpf,+perfmon"
    watcher = Watcher("-i", "1", wrapper=[
        "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
        f"--inh-caps={capabilities}", f"--ambient-caps={capabilities}",
        f"--bounding-set={capabilities}"])
    equal(connect_refused(pair.client, pair.server.ip4, PORT, 5), 5)
    watcher.wait_audited()
    equal(watcher.stop(), 0, "exit code")
    rows = unread(watcher, pair.client.inode)
    equal(sum(row["resets"] for row in rows), 5, "resets that were not audited")
    check("CAP_SYS_ADMIN" in rows[0]["why"], rows)



def churn(count):
    """So many namespaces, each with two refused connects on its loopback, a hundred a second if the
    machine can. The numbers that they had."""
    here, there = os.pipe()

    def come_and_go():
        os.write(there, own_inode().to_bytes(8, "little"))
        refused_on_loopback(2)

    begin, children = time.monotonic(), []
    for number in range(count):
        wait_until(lambda: time.monotonic() >= begin + number / CHURN_RATE, "its turn", 60, 0.001)
        children.append(in_new_namespace(come_and_go))
    failed = sum(os.waitpid(child, 0)[1] != 0 for child in children)
    took = time.monotonic() - begin
    inodes = {int.from_bytes(os.read(here, 8), "little") for _ in range(count)}
    os.close(here)
    os.close(there)
    equal(failed, 0, "children that failed")
    note(f"{count / took:.0f} namespaces a second, {len(inodes)} numbers")
    return inodes


with tap.test(f"{CHURN} namespaces come and go, {CHURN_RATE} a second: counted, and nothing leaks"):
    watcher = Watcher("-i", "1", keep="all")
    warm_up = CHURN // 3
    inodes = churn(warm_up)  # touches the tables for the first time
    watcher.wait_audited()
    files, memory = open_files(watcher), memory_kib(watcher)
    inodes |= churn(CHURN)
    watcher.wait_audited()
    files_after, memory_after = open_files(watcher), memory_kib(watcher)
    equal(watcher.stop(), 0, "exit code")
    equal(files_after, files, "open files")
    # Of each process that had sockets, some is kept, in tables that are bounded (test_growth.py).
    check(memory_after - memory < 1024 + 8 * CHURN, f"memory grew from {memory} to {memory_after} KiB")
    # A hook that interrupts itself on its CPU is skipped by the kernel, which counts that.
    skipped = watcher.objects[-1]["lost"]["hook_calls"]
    made = 2 * (warm_up + CHURN)
    for direction, end in (("sent", "local"), ("received", "peer")):
        counted = sum(event[end]["port"] == PORT for event in watcher.events(direction=direction))
        if direction == "received" or report["causes"]["closed_port"]["seen"] != "unseen":
            check(made - skipped <= counted <= made,
                  f"{direction}: {counted} of {made}, {skipped} skipped by the kernel")
    if skipped:
        note(f"{skipped} hook calls were skipped by the kernel")
    left = [(row, row["netns"]) for window in watcher.windows()
            for row in window["audit"]["namespaces"] if row["netns"] in inodes]
    check(not left or skipped, "unexplained in namespaces that came and went", left)
    told = sum(row["resets"] for window in watcher.windows()
               for row in window["audit"]["unread"] if row["netns"] in inodes)
    check(told, "some must be gone before they could be read, and are named")

tap.done()

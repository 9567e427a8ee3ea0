#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""rstwatch check: what it says, and that it is true; and a hook that the kernel refuses at run time,
made to fail by strace(1): the rest runs, and the failure is named."""
import json
import os
import re
import shutil
import signal
import subprocess

import jsonschema

from harness import *

tap = Tap()
schema = json.loads(rstwatch("--json-schema").stdout)
report = check_report()
PARTS = ("causes", "stages", "audit", "owners", "signals")
TRACEPOINTS = ("tcp_send_reset", "tcp_receive_reset", "kfree_skb")


def unseen(said):
    """All that cannot be seen, by name."""
    return {name for part in PARTS for name, answer in said[part].items()
            if answer["seen"] == "unseen"}


with tap.test("check -j: one object, as the schema says"):
    jsonschema.validate(report, schema)
    for name in TRACEPOINTS:
        equal(report["hooks"][name]["state"], "attached", name)

with tap.test("exit 0 if everything can be seen, 1 if something cannot"):
    equal(rstwatch("check").returncode, int(not report["complete"]), "exit code")
    equal(rstwatch("check", "-j").returncode, int(not report["complete"]), "exit code with -j")
    equal(report["complete"], not unseen(report), "complete")

with tap.test("the text says the same as the JSON"):
    lines = rstwatch("check").stdout.decode().splitlines()
    for part in PARTS:
        for name, answer in report[part].items():
            check(any(re.match(rf"{name} +{answer['seen']}\b", line) for line in lines),
                  f"no line for {name}, {answer['seen']}")
    for name, hook in report["hooks"].items():
        check(any(re.match(rf"{name} +{hook['state']}\b", line) for line in lines),
              f"no line for {name}, {hook['state']}")

with tap.test("what is not seen says why, and a missing hook too"):
    for part in PARTS:
        for name, answer in report[part].items():
            check(answer["seen"] == "exact" or answer.get("why"), f"{name}: no reason")
    for name, hook in report["hooks"].items():
        check(hook["state"] != "missing" or hook["why"], f"{name}: no reason")

with tap.test("without privileges: exit 1, and their names"):
    directory = temporary_directory()
    binary = shutil.copy(RSTWATCH, os.path.join(directory, "rstwatch"))
    done = subprocess.run(["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
                           "--inh-caps=-all", "--ambient-caps=-all", binary, "check", "-j"],
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT)
    equal(done.returncode, 1, "exit code")
    said = json.loads(done.stdout)
    jsonschema.validate(said, schema)
    equal(said["complete"], False, "complete")
    for capability in ("CAP_BPF", "CAP_PERFMON"):
        check(capability in said["missing_privileges"], capability, "in", said)


# --- a hook that fails at run time ---

# On one CPU, where it loads its programs in one thread, and so in the same order.
STRACE = ["taskset", "-c", str(min(os.sched_getaffinity(0))),
          "strace", "--seccomp-bpf", "-f", "-e", "trace=bpf"]


def log_calls():
    """The bpf() calls of a run, in order; those up to the last attachment are the same in all."""
    if not shutil.which("strace"):
        return []
    log = os.path.join(temporary_directory(), "log")
    subprocess.run([*STRACE, "-s", "64", "-o", log, RSTWATCH, "check"], stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=6 * LIMIT)
    with open(log, errors="replace") as file:
        return [line for line in file if "bpf(" in line]


calls = log_calls()


def failing(*parts):
    """strace, which lets the first bpf() call fail in whose line all the parts are."""
    if not calls:
        raise Skip("needs strace")
    for number, line in enumerate(calls, 1):
        if all(part in line for part in parts):
            return [*STRACE, "-o", "/dev/null", "-e", f"inject=bpf:error=EBUSY:when={number}"]
    raise Failure(f"no bpf() call with {parts}")


def check_failing(*parts):
    done = subprocess.run([*failing(*parts), RSTWATCH, "check", "-j"], stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=6 * LIMIT)
    said = json.loads(done.stdout)
    equal(done.returncode, int(not said["complete"]), "exit code")
    return said


with tap.test("kfree_skb fails to attach: named, and the rest runs"):
    said = check_failing("RAW_TRACEPOINT_OPEN", '"kfree_skb"')
    hook = said["hooks"].pop("kfree_skb")
    equal(hook["state"], "missing", "state")
    check("Device or resource busy" in hook["why"], hook)
    check({"handshake", "stray"} <= unseen(said), f"unseen: {unseen(said)}")
    for other in said["hooks"]:
        equal(said["hooks"][other]["state"], report["hooks"][other]["state"], other)

with tap.test("streaming goes on without kfree_skb, and says so"):
    strace = failing("RAW_TRACEPOINT_OPEN", '"kfree_skb"')
    pair = Pair()
    watcher = Watcher("-i", "1", wrapper=strace)
    check(watcher.start["hooks"]["kfree_skb"] != "raw_tp", watcher.start["hooks"])
    equal(connect_refused(pair.client, pair.server.ip4, 61001, 5), 5)
    watcher.wait_events(5, pair.client)
    with open(f"/proc/{watcher.process.pid}/task/{watcher.process.pid}/children") as file:
        os.kill(int(file.read()), signal.SIGINT)  # the one that strace watches
    watcher.wait_end()
    equal(watcher.sum(pair.client, "received"), 5, "received")
    if report["causes"]["closed_port"]["seen"] != "unseen":
        equal(watcher.sum(pair.server, "sent"), 5, "sent")

with tap.test("a run says at its start what is not attached"):
    text = rstwatch("-d", "1").stdout.decode()
    for name, hook in report["hooks"].items():
        equal(f"not attached: {name}:" in text, hook["state"] in ("missing", "waiting"), name)

fentries = [name for name, hook in report["hooks"].items() if hook.get("how") == "fentry"]


def need_fentry():
    if not fentries:
        raise Skip("no function is hooked with fentry on this kernel")


with tap.test("where fentry is refused, a kprobe does it, or what only fentry can do is named"):
    need_fentry()
    said = check_failing("PROG_LOAD", '"rst_allowed"')
    for name in fentries:
        hook = said["hooks"][name]
        if name in ("tcp_validate_incoming", "tcp_rcv_state_process"):
            check(hook["state"] == "missing" and "would not do" in hook["why"], name, hook)
        else:
            equal(hook["how"], "kprobe", name)
    equal(unseen(said) - unseen(report),
          {"rejected"} if "tcp_validate_incoming" in fentries else set(), "unseen")

with tap.test("a function whose fentry fails to attach is tried by itself"):
    need_fentry()
    said = check_failing("LINK_CREATE", "BPF_TRACE_FENTRY")
    equal({name: hook["state"] for name, hook in said["hooks"].items()},
          {name: hook["state"] for name, hook in report["hooks"].items()}, "states")

tap.done()

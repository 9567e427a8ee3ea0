# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Cases of whose a reset is: two namespaces, one rstwatch, processes for each case, what each case
expects, and the judgement in the end. The cases are in owner_*.py."""
import ast
import os
import re
import time

from actors import *
from harness import *

__all__ = """FIREWALL IPV4 KERNEL MOST OTHER_IP PLAIN RAW_PORT THIRD_IP WAYS both case client forked
knock later learned never_named older owned pair passes ports report reset reset_by_client run_all server
shown stray unacknowledged unsure unread wait_for_module""".split()

tap = Tap()
become_subreaper()
report = check_report()
passes = report["passes"]
pair = Pair()
client, server = pair.client, pair.server
for namespace in (client, server):
    namespace.nft("add table inet test; add chain inet test in { type filter hook input "
                  "priority 0; }; add chain inet test out { type filter hook output priority 0; }")
server.sysctl("ipv4.tcp_abort_on_overflow", 1)
server.sysctl("ipv4.tcp_syncookies", 0)
# Other addresses of the server's.
OTHER_IP, THIRD_IP = "10.66.0.3", "10.66.0.4"
for address in (OTHER_IP, THIRD_IP):
    server.ip("address", "add", address + "/24", "dev", "veth0")

WAYS = [Way(name) for name in FAMILIES]
IPV4, PLAIN = WAYS[:1], WAYS[:2]
MOST = IPV4 if EMULATED else WAYS  # unless another family is another path in the kernel
RAW_PORT = 64000  # of segments made by hand
KEPT = 4 if EMULATED else 12  # cases whose processes still run
SLOW = 2.5  # seconds that what takes more than one may take

KERNEL = {"known_by": "kernel"}
FIREWALL = {"known_by": "firewall"}
MEMBERS = {"pid", "comm", "exe", "uid", "cgroup", "unit", "container", "runtime", "pod", "known_by",
           "stopped_ms", "exit_code", "signal"}

ports = iter(range(61001, 63000))
defined = {"older": [], "later": [], "case": []}  # (name, ways, function)
cases = []
finished = []  # those of which the processes still run
strangers = {os.getpid(), 0, 1}  # who may not be named
unnamed = []  # events without an owner, where the kernel has skipped calls of hooks
watcher = None


def wait_windows(count):
    seen = len(watcher.windows())
    watcher.wait_for(lambda: len(watcher.windows()) >= seen + count, f"{count} windows")


def learned():
    """Once whoever has changed its user is known again: at once where commit_creds() is hooked,
    else with the next walk of the processes, one a second."""
    if report["hooks"]["commit_creds"]["state"] != "attached":
        wait_windows(2)


def never_named(*pids):
    strangers.update(pids)


def shown(name):
    """A name as JSON has it: each byte that is not of UTF-8 is a U+FFFD."""
    text = os.fsencode(name)[:15].decode("utf-8", "surrogateescape")
    return "".join("\ufffd" if 0xDC80 <= ord(one) <= 0xDCFF else one for one in text)


def owned(actor, known="socket", **more):
    """A process as the owner that an event tells of; a tuple is one of several."""
    if known == "socket":
        known = unsure_owners.get(actor, known)
    return {"pid": actor.pid, "comm": shown(actor.comm), "uid": actor.uid, "known_by": known,
            "_exe": actor.exe, **more}


unsure_owners = {}


def unsure(actor, known="listener"):
    """What it has made with other credentials than its leader has now may be known by its port only,
    where commit_creds() cannot be hooked."""
    if report["hooks"]["commit_creds"]["state"] != "attached":
        unsure_owners[actor] = ("socket", known)
        actor.uid = (0, NOBODY)


class Case:
    """What one case expects: sent() and received() each add an event. The client's port is that
    of the events seen if `client_port` is not known (0)."""

    def __init__(self, name, way):
        self.name = f"{name}, {'IPv' if way.name in (4, 6) else ''}{way.name}"
        self.way, self.port, self.client_port = way, next(ports), 0
        self.expected, self.error, self.actors, self.marks = [], None, [], {}
        self.timed = ("sent", "received")  # events of which the marks tell the times
        self.began = time.monotonic()
        self.began_at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())

    # --- its processes ---

    def actor(self, namespace, prefix, **options):
        options.setdefault("comm", f"{prefix}-{self.port}")
        actor = Actor(namespace, **options)
        self.actors.append(actor)
        return actor

    def client(self, prefix="cl", **options):
        return self.actor(client, prefix, **options)

    def server(self, prefix="sv", **options):
        return self.actor(server, prefix, **options)

    def fork(self, parent, prefix="ch"):
        child = parent.fork(f"{prefix}-{self.port}")
        self.actors.append(child)
        return child

    def contain(self, parent, prefix="in"):
        child = parent.contain(f"{prefix}-{self.port}")
        self.actors.append(child)
        return child

    def listen(self, actor, name="l", address=None, port=None, **options):
        family = self.way.socket_family
        if address is None:
            address = "0.0.0.0" if family == FAMILIES[4] else "::"
        actor.listen(name, family, address, port or self.port, **options)

    def dial(self, actor, name="c", **options):
        """Connects to the server's port; the port that the client got."""
        self.client_port = actor.connect(name, self.way.socket_family, self.way.address(server),
                                         self.port, **options)
        return self.client_port

    def pair(self, c=None, s=None):
        """A client, with "c", and a server, with "l" and "s", which are connected."""
        c, s = c or self.client(), s or self.server()
        self.listen(s)
        self.dial(c)
        s.accept("l", "s")
        return c, s

    def end(self):
        while self.actors:
            self.actors.pop().end()

    # --- its segments ---

    def drop(self, namespace, match):
        """Drops arriving segments in the namespace; returns what ends that."""
        told = run(*namespace.command("nft", "-ea", "-f", "-"),
                   input=f"add rule inet test in {match} drop")
        handle = re.search(r"# handle (\d+)", told)[1]
        return lambda: namespace.nft(f"delete rule inet test in handle {handle}")

    def probe(self, flags, to=None, **more):
        """A segment by hand from the client's namespace to the case's port."""
        self.client_port = RAW_PORT
        send_segment(client, self.way.shown(client), RAW_PORT, to or self.way.shown(server),
                     self.port, flags, **more)

    def forge(self, sequence):
        """A reset in the client's name."""
        send_segment(client, self.way.shown(client), self.client_port, self.way.shown(server),
                     self.port, RST, sequence=sequence)

    def count_state(self, namespace, state):
        return sum(one[3] == STATE[state] for one in namespace.sockets(self.port))

    def wait_state(self, namespace, state, count=1):
        wait_until(lambda: self.count_state(namespace, state) >= count,
                   f"{count} sockets of port {self.port} in {state}")

    def wait_left(self, namespace, state):
        wait_until(lambda: not self.count_state(namespace, state),
                   f"no socket of port {self.port} is in {state}")

    # --- its events ---

    def _event(self, namespace, direction, owner, facts, at, fields):
        at_server = namespace is server
        other = client if at_server else server
        mine, others = (self.port, self.client_port) if at_server else (self.client_port, self.port)
        event = {
            "direction": direction, "family": self.way.family,
            "local": {"address": at or self.way.shown(namespace), "port": mine},
            "peer": {"address": self.way.shown(other), "port": others},
            "role": "server" if at_server else "client", "netns": namespace.inode, **fields,
        }
        self.expected.append((event, owner, facts, time.monotonic()))

    def sent(self, namespace, cause, owner, facts=None, at=None, **fields):
        """facts: (bytes_in, bytes_out), False if there was no connection, None if either."""
        if report["causes"][cause]["seen"] != "unseen":
            self._event(namespace, "sent", owner, facts, at, {"cause": cause, **fields})

    def received(self, namespace, stage, owner, facts=None, at=None, **fields):
        if report["stages"][stage]["seen"] != "unseen":
            self._event(namespace, "received", owner, facts, at, {"stage": stage, **fields})

    def got(self):
        return [event for event in watcher.events(client, server)
                if self.port in (event["local"]["port"], event["peer"]["port"])]

    def judge(self):
        if self.error:
            raise self.error
        left, wrong = self.got(), []
        for expected in self.expected:
            faults = sorted(((self._differences(event, *expected), i)
                             for i, event in enumerate(left)), key=lambda one: len(one[0]))
            if faults and not faults[0][0]:
                left.pop(faults[0][1])
                continue
            event, owner, facts, _ = expected
            if faults and len(faults[0][0]) == 1 and self._may_be_unnamed(left[faults[0][1]]):
                unnamed.append(left.pop(faults[0][1]))
                continue
            wrong.append(f"expected {event}, owner {owner}, facts {facts}")
            if faults:
                wrong.append(f"  nearest differs in {faults[0][0]}: {left[faults[0][1]]}")
        wrong += [f"got {event}" for event in left]
        check(not wrong, "\n" + "\n".join(wrong))
        for event in self.got() if self.marks else ():
            if "connection" not in event or event["direction"] not in self.timed:
                continue
            self._check_between("age_ms", event["connection"], "opened")
            self._check_between("idle_ms", event["connection"], "used")

    def _may_be_unnamed(self, event):
        """Whether there is no owner, and the kernel has skipped calls since the case began."""
        return "owner" not in event and any(
            window["lost"]["hook_calls"] for window in watcher.windows()
            if window["end"] >= self.began_at and window["start"] <= event["time"])

    def _differences(self, event, expected, owner, facts, until):
        """In what an event is not as expected."""
        wrong = []
        for key, value in expected.items():
            got = event.get(key)
            if key in ("local", "peer") and value["port"] == 0:
                got = {**got, "port": 0}
            if got != value:
                wrong.append(f"{key} {got}, not {value}")
        wrong += owner_differences(event.get("owner"), owner, until - self.began)
        return wrong + facts_differences(event.get("connection"), facts, until - self.began)

    # --- when things happened ---

    def around(self, mark, function, *arguments):
        """Does something, and remembers when: "opened", "used", "reset"."""
        before = time.monotonic()
        result = function(*arguments)
        self.marks[mark] = before, time.monotonic()
        return result

    def _check_between(self, key, connection, start):
        """That it is the time from the mark, if there is one, to the reset, but for 50 ms of ticks and
        rounding."""
        if start not in self.marks:
            return
        least = (self.marks["reset"][0] - self.marks[start][1]) * 1000 - 50
        most = (self.marks["reset"][1] - self.marks[start][0]) * 1000 + 50
        check(least <= connection.get(key, -1) <= most,
              f"{key} is not from {least:.0f} to {most:.0f}: {connection}")


def owner_differences(got, owner, seconds):
    if got is None or owner is None:
        return [] if got is owner else [f"owner {got}, not {owner}"]
    wrong = [f"unknown members {set(got) - MEMBERS}"] if set(got) - MEMBERS else []
    # What is not expected may not be there; but where a process is, it may be known or not.
    keys = MEMBERS - {"stopped_ms"}
    if "pid" in owner:
        keys -= {"exe", "cgroup", "unit", "container", "runtime", "pod"} - set(owner)
    for key in keys:
        value = owner.get(key)
        if got.get(key) != value and not (isinstance(value, tuple) and got.get(key) in value):
            wrong.append(f"owner.{key} {got.get(key)!r}, not {value!r}")
    if owner.get("_exe") and got.get("exe", owner["_exe"]) != owner["_exe"]:
        wrong.append(f"owner.exe {got['exe']!r}, not {owner['_exe']!r}")
    if got["known_by"] == "last_listener":
        # It has to be after the case began; when the event is read does not matter.
        if not 0 <= got.get("stopped_ms", -1) <= seconds * 1000 + 100:
            wrong.append(f"owner.stopped_ms {got.get('stopped_ms')} after {seconds:.3f} s")
    elif "stopped_ms" in got:
        wrong.append("owner.stopped_ms of one that has not stopped listening")
    return wrong


def facts_differences(got, facts, seconds):
    if facts is None:
        return []
    if not facts or got is None:
        return [] if not facts and got is None else [f"connection {got}, not {facts}"]
    wrong = []
    if (got["bytes_in"], got["bytes_out"]) != facts:
        wrong.append(f"bytes {got['bytes_in'], got['bytes_out']}, not {facts}")
    for key in ("age_ms", "idle_ms"):
        if key in got and not 0 <= got[key] <= seconds * 1000 + 100:
            wrong.append(f"{key} {got[key]} after {seconds:.3f} s")
    return wrong


# --- running them ---


def attempt(one, function, *arguments):
    try:
        return function(*arguments)
    except (Failure, Skip) as error:
        one.error = error
    except Exception as error:
        one.error = Failure(repr(error))
    return None


def finish(one):
    """Its processes run on for a while: who reads of them late, still finds them."""
    finished.append(one)
    if len(finished) > KEPT:
        finished.pop(0).end()


def define(kind):
    def decorator(name, ways=MOST):
        return lambda function: defined[kind].append((name, ways, function))

    return decorator


# Each defines a case, which runs once for each way. An older one is a generator, of which the first
# half runs before rstwatch does; a later one's second half runs at the end, after some seconds.
older, later, case = define("older"), define("later"), define("case")


def chosen(kind, again):
    """The cases of that kind to be run: all, or those that are run again."""
    for name, ways, function in defined[kind]:
        for way in ways:
            one = Case(name, way)
            if again is None or one.name in again:
                cases.append(one)
                yield one, function


def run_cases(again):
    for one, function in chosen("case", again):
        attempt(one, function, one)
        finish(one)


def run_halves(kind, again):
    """Runs the first halves now, and then gives what runs the second ones."""
    halves = []
    for one, function in chosen(kind, again):
        half = attempt(one, function, one)
        if half:
            attempt(one, next, half, None)
        halves.append((one, half))

    def go_on():
        for one, half in halves:
            if not one.error:
                attempt(one, next, half, None)
            finish(one)

    return go_on


def run_round(again=None):
    """Runs rstwatch and the cases. What is wrong with each, by its name: an exception, or None."""
    global watcher
    cases.clear()
    go_on = run_halves("older", again)
    watcher = Watcher("-i", "1")
    never_named(watcher.process.pid)
    go_on()
    go_on, begun = run_halves("later", again), time.monotonic()
    run_cases(again)
    time.sleep(max(0, begun + SLOW - time.monotonic()))
    go_on()
    end_round()
    verdicts = {}
    for one in cases:
        try:
            one.judge()
            verdicts[one.name] = None
        except (Failure, Skip) as error:
            verdicts[one.name] = error
    for event in unnamed:
        note(f"nobody is named: {event}")
    unnamed.clear()
    check_names([one.port for one in cases if isinstance(verdicts[one.name], Failure)])
    return verdicts


def names_another(error):
    """Whether what is wrong is that an event names a process that it should not."""
    for differences in re.findall(r"nearest differs in (\[.*?\]): {", str(error)):
        differences = ast.literal_eval(differences)
        if all(one.startswith("owner.") for one in differences) and any(
                one.startswith("owner.pid") for one in differences):
            return True
    return False


def run_all():
    """Runs everything, tells of each case, and ends the program.

    Some kernels do not call BPF programs in an interrupt of some threads, although the tracepoint
    fires: one event in a thousand is not seen then. So one case in a hundred may be run again, but
    none in which somebody else was named.
    """
    verdicts = run_round()
    failed = {name: error for name, error in verdicts.items() if isinstance(error, Failure)}
    if 0 < len(failed) <= len(verdicts) / 100 and not any(map(names_another, failed.values())):
        for name, error in failed.items():
            note(f"run again: {name}:")
            for line in str(error).splitlines():
                note("  " + line)
        verdicts.update(run_round(failed))
    for name, error in verdicts.items():
        with tap.test(name):
            if error:
                raise error
    tap.done()


def wait_for_module():
    """The first rule that rejects loads a module, and within a second its functions are hooked."""
    if any(hook["state"] == "waiting" for hook in report["hooks"].values()):
        wait_windows(2)


def end_round():
    expected = sum(len(one.expected) for one in cases if not one.error)
    with tap.test("ends in order"):
        try:
            watcher.wait_events(expected, client, server, limit=3)
        except Failure:
            pass  # each case tells
        watcher.wait_audited()
        equal(watcher.stop(), 0, "exit code")
        # Other work on this host may be too much, so that nothing is exact. Each case tells.
        if any(watcher.objects[-1]["lost"].values()):
            note(f"lost: {watcher.objects[-1]['lost']}")
        else:
            watcher.check_books()
        equal(watcher.stderr(), "", "standard error")
    while finished:
        finished.pop().end()


def check_names(failed):
    """Of all events but those of the cases that failed, by their ports."""
    seen = [event for event in watcher.events(client, server)
            if not {event["local"]["port"], event["peer"]["port"]}.intersection(failed)]
    with tap.test("nobody is named who is not expected somewhere"):
        pids = {None}
        for one in cases:
            for _, owner, _, _ in one.expected:
                pid = (owner or {}).get("pid")
                pids.update(pid if isinstance(pid, tuple) else (pid,))
        for event in seen:
            check(event.get("owner", {}).get("pid") in pids, "named:", event)
        for window in watcher.windows():
            for row in window["owners"]:
                check(row.get("pid") not in strangers, "named:", row)
    with tap.test("the paths of programs are known"):
        owners = [event["owner"] for event in seen if "pid" in event.get("owner", {})]
        known = sum("exe" in owner for owner in owners)
        note(f"of {known} of {len(owners)}")
        check(known * 2 >= len(owners), known, "of", len(owners))


# --- what many cases do ---


def both(one, at, peer, ours, other, cause="aborted", stage="established", state="ESTABLISHED",
         other_state="ESTABLISHED", facts=(0, 0), **fields):
    """One reset, seen at both ends. facts: of the end that sent it."""
    one.sent(at, cause, owned(ours), facts, state=state, **fields)
    one.received(peer, stage, owned(other), facts and facts[::-1], state=other_state)


def reset(one, ours, name, other, left, facts=(0, 0)):
    """Ours resets its end of a connection. The client's socket has a name that begins with c."""
    ours.linger(name)
    ours.close(name)
    other.wait_reset(left)
    ends = (client, server) if name[0] == "c" else (server, client)
    both(one, *ends, ours, other, facts=facts)


def reset_by_client(one, c, owner, facts=(0, 0)):
    """The client resets, and nobody waits for that at the server; whose that end was, and its
    bytes."""
    c.linger("c")
    c.close("c")
    wait_until(lambda: not any(other == one.client_port
                               for _, _, other, _ in server.sockets(one.port)), "it is reset")
    both(one, client, server, c, owner, facts=facts[::-1])


def knock(one, owner, at=None):
    """A connect to the case's port, which is refused, and whose that is."""
    c = one.client("kn")
    address = ("::ffff:" if one.way.name == "mapped" else "") + (at or one.way.shown(server))
    error, one.client_port = c.try_connect("c", one.way.socket_family, address, one.port)
    equal(error, 111, "error of the connect")
    one.sent(server, "closed_port", owner, False, at)
    event = {"peer": {"address": at, "port": one.port}} if at else {}
    one.received(client, "refused", owned(c), False, state="SYN_SENT", **event)


def stray(one, owner, to=None):
    """A segment of no connection hits a listener; the answer hits nobody."""
    one.probe(ACK, to=to)
    one.sent(server, "half_open", owner, False, at=to, state="LISTEN")
    event = {"peer": {"address": to, "port": one.port}} if to else {}
    one.received(client, "stray", KERNEL, False, role=None, **event)


def forked(one):
    """A connection that the server and its child have."""
    c, s = one.pair()
    return c, s, one.fork(s)


def queues(namespace, match, column):
    """What ss has in this column for each of the matching sockets."""
    listing = run(*namespace.command("ss", "-Htan", match))
    return [int(line.split()[column]) for line in listing.splitlines()]


def unread(one):
    """How many bytes wait in each of the server's sockets."""
    return queues(server, f"sport = :{one.port}", 1)


def unacknowledged(one):
    """How many bytes of the client's have not been acknowledged."""
    return sum(queues(client, f"dport = :{one.port}", 2))

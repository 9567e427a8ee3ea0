# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The scenarios in which something happens that rstwatch is to name. One function each; its row in
the table says what it costs and whether it belongs to the short run."""
import os
import signal
import time

import traffic
from harness import ACK, FIN, PSH, RST, SYN, URG, Skip, check, equal, run, wait_until
from lab import OUTSIDE, VICTIM, wait_counter
from table import scenario

# --- scans ---


def background(lab, port=None, rate=5, seconds=8):
    """A server and a few clients of its own, as there are on every host; the server."""
    port = port or lab.port()
    server = lab.inside(traffic.serve, port, comm="service", seconds=seconds + 120)
    server.wait_for("ready")
    server.port = port
    server.clients = lab.away(traffic.clients, port, rate, seconds,
                              [lab.client() for _ in range(5)], comm="clients")
    return server


def nmap(lab, kind, source, *arguments, ports=4, within=1.0, limit=90):
    lab.pause(0.5, 2)
    watch = lab.watch(source, ports=ports)
    lab.tool(lab.outside, "nmap", "-n", "-Pn", "--disable-arp-ping", "--max-retries", "1",
             *(("-S", source, "-e", "veth0") if source != OUTSIDE else ()), *arguments, VICTIM,
             limit=limit)
    time.sleep(1.5)
    return lab.truth(kind, watch.heard()["at"], within, peer=source)


@scenario("A1-syn-scan", 0.6, short=True, needs="nmap")
def syn_scan(lab):
    background(lab)
    nmap(lab, "port_scan", lab.attacker(), "-sS", "-p1-1000")


@scenario("A2-fast-scan", 0.5, needs="nmap")
def fast_scan(lab):
    background(lab)
    nmap(lab, "port_scan", lab.attacker(), "-sS", "-F")


@scenario("A2-eight-ports", 0.2, short=True)
def eight_ports(lab):
    """With the options of a real connect(), so that nothing but the ports tells."""
    background(lab)
    lab.pause(0.5, 2)
    source, sent_by = lab.attacker(), lab.random.randrange(30000, 60000)
    ports = [lab.port(1, 30000) for _ in range(8)]
    watch = lab.watch(source, ports=8)
    lab.away(traffic.send_each, [(source, sent_by + n, port, SYN) for n, port in enumerate(ports)],
             lab.random.uniform(0.01, 0.2)).wait()
    lab.truth("port_scan", watch.heard()["at"], 1.0, peer=source)
    time.sleep(1.5)


@scenario("A3-connect-scan", 0.6, needs="nmap")
def connect_scan(lab):
    background(lab)
    nmap(lab, "port_scan", OUTSIDE, "-sT", "-p1-1000")


def stealth(lab, *flags):
    background(lab)
    nmap(lab, "stealth_scan", lab.attacker(), *flags, "-p1-200", "-T4", ports=2)


@scenario("A4-fin-scan", 0.4, short=True, needs="nmap")
def fin_scan(lab):
    stealth(lab, "-sF")


@scenario("A4-null-scan", 0.4, needs="nmap")
def null_scan(lab):
    stealth(lab, "-sN")


@scenario("A4-xmas-scan", 0.4, needs="nmap")
def xmas_scan(lab):
    stealth(lab, "-sX")


@scenario("A4-urg-scan", 0.4, needs="nmap")
def urg_scan(lab):
    stealth(lab, "--scanflags", "URG")


@scenario("A4-maimon-scan", 0.4, needs="nmap")
def maimon_scan(lab):
    background(lab)
    nmap(lab, "stealth_scan", lab.attacker(), "-sM", "-p1-200", ports=5)


@scenario("A4-ack-scan", 0.4, short=True, needs="nmap")
def ack_scan(lab):
    background(lab)
    nmap(lab, "stealth_scan", lab.attacker(), "-sA", "-p1-200", ports=5)


@scenario("A5-polite-scan", 0.2, short=True, needs="nmap")
def polite_scan(lab):
    background(lab, seconds=15)
    nmap(lab, "port_scan", lab.attacker(), "-sS", "-T2", "-p", "1-20", ports=1, within=2.2)


@scenario("A6-sneaky-scan", 0.1, seconds=80, needs="nmap")
def sneaky_scan(lab):
    background(lab, seconds=60, rate=2)
    nmap(lab, "port_scan", lab.attacker(), "-sS", "-T1", "-p", "21,22,23,25,80", ports=1, within=46)


@scenario("A7-paranoid-scan", 0.02, seconds=1300, needs="nmap", nightly=True)
def paranoid_scan(lab):
    """A probe every five minutes."""
    background(lab, seconds=1250, rate=0.2)
    nmap(lab, "port_scan", lab.attacker(), "-sS", "-T0", "-p", "21,22,23,25", ports=1, within=901,
         limit=1280)


@scenario("A8-evading-scan", 0.2)
def evading_scan(lab):
    """A successful request between any two probes: plain TRW never sees it."""
    server = background(lab)
    source = lab.attacker()
    watch = lab.watch(source, ports=11)
    first, closed = lab.random.randrange(1, 900), []
    for n in range(16):
        closed.append(first + 7 * n)
    for n, port in enumerate(closed):
        lab.away(traffic.clients, server.port, 20, 0.05, [source]).wait()
        lab.away(traffic.send_each, [(source, 40000 + n, port, SYN)], 0.1).wait()
    lab.truth("port_scan", watch.heard()["at"], 1.0, peer=source)
    time.sleep(1.5)


@scenario("A9-decoy-scan", 0.5, needs="nmap")
def decoy_scan(lab):
    background(lab)
    decoys = [lab.attacker() for _ in range(5)]
    source = lab.attacker()
    nmap(lab, "port_scan", source, "-sS", "-F", "-D", ",".join(decoys + ["ME"]))
    lab.truths[-1].update(peer=None, peers=decoys + [source], most=6)


@scenario("A10-sweep", 0.2, short=True)
def sweep_addresses(lab):
    """One port, at each of the victim's addresses."""
    background(lab)
    base = lab.random.randrange(0, 192)
    addresses = [f"10.66.1.{base + n}" for n in range(64)]
    run("ip", "-n", lab.victim.name, "-batch", "-",
        input="".join(f"address add {one}/32 dev veth0\n" for one in addresses))
    run("ip", "-n", lab.outside.name, "route", "add", "10.66.1.0/24", "via", VICTIM)
    lab.pause(0.5, 2)
    source, port = lab.attacker(), lab.port(1, 30000)
    watch = lab.watch(source, places=9)
    lab.random.shuffle(addresses)
    lab.away(traffic.send_each, [(source, 40000 + n, port, SYN, address)
                                 for n, address in enumerate(addresses)], 0.03).wait()
    lab.truth("port_scan", watch.heard()["at"], 1.0, peer=source)
    time.sleep(1.5)


@scenario("A11-outbound-scan", 0.2, short=True)
def outbound_scan(lab):
    background(lab)
    lab.pause(0.5, 1.5)
    address = lab.client()
    targets = [(f"{address.rsplit('.', 1)[0]}.{n + 1}", 22) for n in range(25)]
    worm = lab.inside(traffic.connect_each, targets, 0.1, comm="worm")
    while worm.heard().get("tried") != 10:
        pass
    lab.truth("outbound_scan", time.time(), 1.0, pid=worm.pid, most=1)
    worm.wait()
    time.sleep(1)


@scenario("A11-outbound-dead", 0.2)
def outbound_dead(lab):
    """Addresses at which nobody answers at all."""
    background(lab)
    lab.drop(lab.outside, "prerouting", "tcp dport 445")
    targets = [(lab.client(), 445) for _ in range(30)]
    worm = lab.inside(traffic.connect_each, targets, 0.05, timeout=0.1, comm="worm")
    while worm.heard().get("tried") != 10:
        pass
    # The kernel tries again after a second: only then it is known that there is no answer.
    lab.truth("outbound_scan", time.time(), 3.0, pid=worm.pid, most=1)
    worm.wait()
    time.sleep(3)


# --- floods ---


def flooded(lab, port, rate, seconds, cookies, backlog, good=0, loss=0, within=2.5, hping=False,
            **more):
    lab.victim.sysctl("ipv4.tcp_syncookies", cookies)
    lab.victim.sysctl("core.somaxconn", 4096)
    lab.victim.sysctl("ipv4.tcp_max_syn_backlog", max(backlog, 128))
    server = lab.inside(traffic.serve, port, backlog, comm="service")
    server.wait_for("ready")
    if loss:
        for namespace in (lab.outside, lab.victim):
            lab.drop(namespace, "prerouting", f"meta l4proto tcp numgen random mod 100 < {loss}")
    if good:
        clients = lab.away(traffic.clients, port, good, seconds + 12,
                           [lab.client() for _ in range(50)], comm="clients")
        time.sleep(8)
    lab.pause(0.5, 2)
    watch = lab.watch(spoofed=True)
    if hping:
        tool = lab.start(lab.outside, "hping3", "-q", "-S", "-p", str(port), "--rand-source", "-i",
                         f"u{1000000 // rate}", VICTIM)
        time.sleep(seconds)
        tool.kill()
        tool.wait()
    else:
        lab.away(traffic.flood, port, rate, seconds, **more).wait(seconds + 30)
    lab.truth("syn_flood", watch.heard()["at"], within, port=port, pid=server.pid, proof="none",
              severity="warning")
    time.sleep(1)
    if good:
        done = clients.wait_for("done")
        check(done["ok"] >= 0.95 * good * (seconds + 12) and done["seconds"] < seconds + 15,
              "not the load that was asked for:", done)


@scenario("B1-flood-50", 0.2, short=True)
def flood_50(lab):
    flooded(lab, lab.port(), 50, 6, lab.random.choice((0, 1, 2)), lab.random.choice((128, 4096)),
            hping=lab.seed % 2 == 0)


@scenario("B1-flood-200", 0.3)
def flood_200(lab):
    flooded(lab, lab.port(), 200, 6, lab.random.choice((0, 1, 2)), lab.random.choice((128, 4096)),
            hping=lab.seed % 2 == 1, linux=lab.seed % 2 == 0)


@scenario("B1-flood-1000", 0.6, short=True)
def flood_1000(lab):
    flooded(lab, lab.port(), 1000, 5, lab.random.choice((0, 1, 2)), lab.random.choice((128, 4096)),
            linux=lab.seed % 2 == 1)


@scenario("B1-flood-10000", 1.6)
def flood_10000(lab):
    flooded(lab, lab.port(), 10000, 4, lab.random.choice((0, 1, 2)),
            lab.random.choice((128, 4096)))


def flood_under_load(lab, rate):
    """Among a thousand good connections a second, of all of which every hundredth segment is lost,
    each way."""
    flooded(lab, lab.port(), rate, 6, lab.random.choice((0, 1, 2)), 4096, good=1000, loss=1,
            within=4)


@scenario("B2-flood-50-under-load", 1.6, seconds=20)
def flood_50_under_load(lab):
    flood_under_load(lab, 50)


@scenario("B2-flood-200-under-load", 1.6, seconds=20)
def flood_200_under_load(lab):
    flood_under_load(lab, 200)


def backlog_128(lab, cookies):
    flooded(lab, lab.port(), 500, 5, cookies, 128)


@scenario("B3-no-cookies", 0.4)
def no_cookies(lab):
    backlog_128(lab, 0)


@scenario("B3-cookies", 0.4)
def cookies(lab):
    backlog_128(lab, 1)


@scenario("B3-always-cookies", 0.4)
def always_cookies(lab):
    backlog_128(lab, 2)


def few_sources(lab, drop, sources):
    server = background(lab)
    if drop:
        lab.drop(lab.outside, "output", "tcp flags & rst == rst")
    lab.pause(0.5, 2)
    watch = lab.watch(sources[0])
    lab.away(traffic.flood, server.port, 500, 5, sources=sources).wait()
    time.sleep(1)
    return lab.truth("syn_flood", watch.heard()["at"], 2.5, port=server.port, pid=server.pid,
                     peers=sources, severity="warning" if drop else "info")


@scenario("B4-one-source", 0.5, short=True)
def one_source(lab):
    few_sources(lab, True, [lab.attacker()])


@scenario("B4-three-sources", 0.5)
def three_sources(lab):
    few_sources(lab, True, [lab.attacker() for _ in range(3)])


@scenario("B5-answered", 0.5)
def answered(lab):
    few_sources(lab, False, [lab.attacker()])["within"] = 3.0


@scenario("B6-closed-port", 0.6, short=True)
def closed_port(lab):
    background(lab)
    port = lab.port()
    lab.pause(0.5, 2)
    watch = lab.watch(spoofed=True)
    lab.away(traffic.flood, port, lab.random.choice((300, 1000)), 5).wait()
    lab.truth("closed_port_flood", watch.heard()["at"], 2.0, port=port, proof="none")
    time.sleep(1)


@scenario("B7-pulses", 0.5, seconds=25)
def pulses(lab):
    port = lab.port()
    flooded(lab, port, 300, 6, 1, 4096, on=2, off=6)


# --- services ---


def killed(lab, number, rate, memory=False):
    """A server that served its clients is killed while they go on."""
    port = lab.port()
    server = lab.inside(traffic.eat_memory if memory else traffic.serve, port, 128, comm="victimd")
    server.wait_for("ready")
    if memory:
        limit_memory(lab, server.pid)
    clients = lab.away(traffic.clients, port, rate, 11, [lab.client() for _ in range(4)],
                       comm="clients")
    # It has to be known that this port is served, and by whom.
    time.sleep(lab.random.uniform(2, 4))
    server.signal(signal.SIGUSR1 if memory else number)
    equal(server.wait(), number, "how the server ended")
    lab.truth("service_down", clients.wait_for("refused"), 2.5, port=port, pid=server.pid,
              signal=signal.Signals(number).name, severity="warning")
    clients.wait()


def limit_memory(lab, pid):
    folder = f"/sys/fs/cgroup/memory/rstw-{os.getpid()}"
    try:
        os.mkdir(folder)
        with open(folder + "/memory.limit_in_bytes", "w") as file:
            file.write(str(64 << 20))
        with open(folder + "/cgroup.procs", "w") as file:
            file.write(str(pid))
    except OSError as error:
        raise Skip(f"no memory cgroup: {error}") from None

    def remove():
        def gone():
            try:
                os.rmdir(folder)
            except OSError:
                return False
            return True
        wait_until(gone, folder + " is empty", 3)
    lab.at_last(remove)


@scenario("C1-kill-9", 0.2, short=True)
def kill_9(lab):
    killed(lab, signal.SIGKILL, 50)


@scenario("C1-kill-11", 0.2)
def kill_11(lab):
    killed(lab, signal.SIGSEGV, 50)


@scenario("C1-out-of-memory", 0.3)
def out_of_memory(lab):
    killed(lab, signal.SIGKILL, 50, memory=True)


@scenario("C2-kill-slow", 0.1, short=True)
def kill_slow(lab):
    killed(lab, signal.SIGKILL, 2)


@scenario("C1-nginx", 0.3, needs="nginx")
def kill_nginx(lab):
    port = lab.port()
    server = start_nginx(lab, port)
    pids = [server.pid]
    clients = lab.away(traffic.clients, port, 50, 10, [lab.client() for _ in range(4)])
    lab.pause(2, 4)
    with open(f"/proc/{server.pid}/task/{server.pid}/children") as file:
        pids += [int(pid) for pid in file.read().split()]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    server.wait()
    lab.truth("service_down", clients.wait_for("refused"), 2.5, port=port, pids=pids,
              signal="SIGKILL", severity="warning")
    clients.wait()


def start_nginx(lab, port, more=""):
    folder = lab.folder()
    path = f"{folder}/nginx.conf"
    with open(path, "w") as file:
        file.write(f"""daemon off; pid {folder}/nginx.pid; error_log /dev/null; user root;
            worker_processes 1; events {{ worker_connections 1000; }}
            http {{ access_log off; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b;
            fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
            {more} server {{ listen {port}; location / {{ return 200 ok; }} }} }}""")
    server = lab.start(lab.victim, "nginx", "-c", path)
    time.sleep(0.5)
    return server


def overflow(lab, accepts, backlog, within):
    port = lab.port()
    server = lab.inside(traffic.serve, port, backlog, comm="stuck")
    server.wait_for("ready")
    lab.away(traffic.clients, port, lab.random.randrange(20, 80), 10,
             [lab.client() for _ in range(8)], timeout=1.5)
    lab.pause(1, 3)
    watch = lab.inside(wait_counter, "ListenOverflows")
    watch.wait_for("ready")
    if accepts is None:
        server.signal(signal.SIGSTOP)
    lab.truth("accept_queue_full", watch.heard()["at"], within, port=port, pid=server.pid)
    time.sleep(within + 1.5)
    server.signal(signal.SIGCONT)


@scenario("C3-stopped", 0.3, short=True)
def stopped(lab):
    overflow(lab, None, lab.random.choice((8, 32, 64)), 3)


@scenario("C4-slow-accept", 0.3)
def slow_accept(lab):
    port = lab.port()
    server = lab.inside(traffic.serve, port, 8, accepts=1, comm="slow")
    server.wait_for("ready")
    watch = lab.inside(wait_counter, "ListenOverflows")
    watch.wait_for("ready")
    lab.away(traffic.clients, port, 20, 9, [lab.client() for _ in range(8)], timeout=1.5)
    lab.truth("accept_queue_full", watch.heard()["at"], 10, port=port, pid=server.pid)
    time.sleep(9)


@scenario("C5-crash-loop", 0.2)
def crash_loop(lab):
    port = lab.port()
    clients = None
    pids = []
    for _ in range(3):
        server = lab.inside(traffic.serve, port, 128, comm="looper")
        server.wait_for("ready")
        pids.append(server.pid)
        clients = clients or lab.away(traffic.clients, port, 20, 16,
                                      [lab.client() for _ in range(3)])
        time.sleep(2)
        server.signal(signal.SIGSEGV)
        server.wait()
        time.sleep(3)
    lab.truth("service_down", clients.wait_for("refused"), 2.5, port=port, pids=pids, most=1,
              signal="SIGSEGV", severity="warning")
    clients.wait()


# --- forged resets ---


def forged(lab, ttl, burst, connections):
    port = lab.port()
    server = lab.inside(traffic.serve, port, keep=True, comm="service")
    server.wait_for("ready")
    lab.pause(0.5, 1)
    source = lab.client()
    peer = lab.away(traffic.forge_exact, source, port, ttl, burst, connections,
                    lab.random.uniform(0.05, 0.5))
    lab.truth("reset_injection", peer.wait_for("at"), 1.0, port=port, peer=source)
    peer.wait()
    time.sleep(1)


@scenario("D1-forged-far", 0.2, short=True)
def forged_far(lab):
    forged(lab, 47, 1, 1)


@scenario("D1-forged-near", 0.2)
def forged_near(lab):
    forged(lab, 64, 1, 3)


@scenario("D2-forged-burst", 0.2)
def forged_burst(lab):
    forged(lab, 51, 3, 2)


def blind(lab, count, seconds, flags, step):
    port = lab.port()
    server = lab.inside(traffic.serve, port, keep=True, comm="service")
    server.wait_for("ready")
    source = lab.client()
    peer = lab.away(traffic.hold, port, source, seconds=seconds + 5, comm="peer")
    own = peer.wait_for("ports")[0]
    lab.pause(1, 2)
    sweep = lab.away(traffic.sweep, source, own, port, count, seconds, flags, step)
    lab.truth("reset_injection", sweep.wait_for("at"), 2.0, port=port, peer=source)
    sweep.wait()
    time.sleep(2)


@scenario("D3-blind-fast", 1.0)
def blind_fast(lab):
    blind(lab, 20000, 1, RST, 60000)


@scenario("D3-blind-slow", 0.2, short=True)
def blind_slow(lab):
    blind(lab, 500, 5, RST, 60000)


@scenario("D4-blind-syn", 0.2)
def blind_syn(lab):
    blind(lab, 100, 5, SYN, 60000)


# --- connections ---


@scenario("E1-stale", 0.2)
def stale(lab):
    """The victim forgets its connections, and their peers do not learn of it."""
    port = lab.port()
    server = lab.inside(traffic.serve_and_forget, port, comm="service")
    server.wait_for("ready")
    source = lab.client()
    peer = lab.away(traffic.keep_and_write, port, source, 20)
    peer.wait_for("ready")
    lab.drop(lab.victim, "output", "tcp flags & rst == rst")
    server.signal(signal.SIGUSR1)
    server.wait_for("forgot")
    lab.undrop(lab.victim)
    peer.signal(signal.SIGUSR1)
    lab.truth("stale_connections", peer.wait_for("at"), 60, port=port)
    peer.wait()
    time.sleep(3)


@scenario("E2-idle", 0.1, seconds=45)
def idle_connections(lab):
    """Something on the way forgets what is idle for so long: a client here finds out when it writes
    again."""
    port, timeout = lab.port(), lab.random.randrange(25, 36)
    server = lab.away(traffic.serve_and_forget, port, comm="middlebox")
    server.wait_for("ready")
    client = lab.inside(traffic.keep_and_write, port, VICTIM, 20, address=OUTSIDE, comm="pool")
    client.wait_for("ready")
    began = time.time()
    lab.drop(lab.outside, "output", "tcp flags & rst == rst")
    server.signal(signal.SIGUSR1)
    server.wait_for("forgot")
    lab.undrop(lab.outside)
    time.sleep(began + timeout - time.time())
    client.signal(signal.SIGUSR1)
    lab.truth("stale_connections", client.wait_for("at"), 60, port=port, pid=client.pid,
              timeout=timeout)
    client.wait()
    time.sleep(3)


@scenario("E3-storm", 0.4, seconds=36)
def storm(lab):
    """Long enough after rstwatch has begun: for twenty seconds, nobody can tell it from health
    checks that have always been there."""
    port = lab.port()
    server = lab.inside(traffic.serve, port, keep=True, comm="service")
    server.wait_for("ready")
    lab.away(traffic.clients, port, 20, 34, [lab.client() for _ in range(20)], request=b"x",
             timeout=0.5)
    lab.pause(21, 23)
    source = lab.client()
    peer = lab.away(traffic.clients, port, 100, 10, [source], abort=1.0)
    lab.truth("peer_reset_storm", time.time(), 10, peer=source)
    peer.wait()
    time.sleep(1)


@scenario("E4-dependency", 0.2, short=True)
def dependency(lab):
    port = lab.port()
    server = lab.away(traffic.serve, port, comm="database")
    server.wait_for("ready")
    app = lab.inside(traffic.ask_each, [(OUTSIDE, port)], 0.1, 9, comm="app")
    lab.pause(2, 4)
    server.signal(signal.SIGKILL)
    server.wait()
    for _ in range(3):
        at = app.wait_for("at")
    lab.truth("dependency_down", at, 1.0, pid=app.pid, port=port, peer=OUTSIDE)
    app.wait()


@scenario("F1-backscatter", 0.2, seconds=75)
def backscatter(lab):
    background(lab, seconds=10)
    source = lab.attacker()
    watch = lab.watch(source)
    ports = [lab.port(30000, 60000) for _ in range(200)]
    lab.away(traffic.flood, ports, 10, 65, sources=[source], flags=SYN | ACK,
             source_port=443).wait(90)
    lab.truth("backscatter", watch.heard()["at"], 70, peer=source)
    time.sleep(6)


# --- mixtures ---


@scenario("M1-scan-and-flood", 0.8, short=True, needs="nmap")
def scan_and_flood(lab):
    source, port = lab.attacker(), lab.port()
    watch = lab.watch(source, ports=4)
    scan = lab.away(traffic.send_each, [(source, 40000 + n, n + 1, SYN) for n in range(200)], 0.03)
    flooded(lab, port, 500, 5, 1, 4096)
    scan.wait()
    lab.truth("port_scan", watch.heard()["at"], 1.0, peer=source)


@scenario("M2-crash-and-scan", 0.3)
def crash_and_scan(lab):
    source = lab.attacker()
    watch = lab.watch(source, ports=4)
    scan = lab.away(traffic.send_each, [(source, 40000 + n, n + 1, SYN) for n in range(200)], 0.05)
    killed(lab, signal.SIGKILL, 50)
    scan.wait()
    lab.truth("port_scan", watch.heard()["at"], 1.0, peer=source)


@scenario("M3-flood-and-overflow", 0.8)
def flood_and_overflow(lab):
    flood_port = lab.port()
    server = lab.inside(traffic.serve, flood_port, 4096, comm="service")
    server.wait_for("ready")
    watch = lab.watch(spoofed=True)
    flood = lab.away(traffic.flood, flood_port, 300, 8)
    overflow(lab, None, 16, 3)
    flood.wait()
    lab.truth("syn_flood", watch.heard()["at"], 2.5, port=flood_port, pid=server.pid,
              severity="warning")


@scenario("M4-two-floods", 1.0)
def two_floods(lab):
    closed = lab.port()
    watch = lab.watch(spoofed=True, port=closed)
    flood = lab.away(traffic.flood, closed, 500, 6)
    port = lab.port()
    server = lab.inside(traffic.serve, port, 4096, comm="service")
    server.wait_for("ready")
    other = lab.watch(spoofed=True, port=port)
    lab.away(traffic.flood, port, 300, 6).wait()
    flood.wait()
    lab.truth("closed_port_flood", watch.heard()["at"], 2.0, port=closed)
    lab.truth("syn_flood", other.heard()["at"], 2.5, port=port, pid=server.pid,
              severity="warning")
    time.sleep(1)


@scenario("M5-scan-in-closed-flood", 0.8)
def scan_in_flood(lab):
    """The scan must not drown in what the flood asks for."""
    closed = lab.port()
    watch = lab.watch(spoofed=True, port=closed)
    flood = lab.away(traffic.flood, closed, 800, 7)
    lab.pause(1.5, 3)
    source = lab.attacker()
    scanned = lab.watch(source, ports=6)
    lab.away(traffic.send_each, [(source, 40000 + n, n + 20, SYN) for n in range(60)], 0.02).wait()
    flood.wait()
    lab.truth("closed_port_flood", watch.heard()["at"], 2.0, port=closed)
    lab.truth("port_scan", scanned.heard()["at"], 1.0, peer=source)
    time.sleep(1)


@scenario("M6-kinds-of-scan", 0.3)
def kinds_of_scan(lab):
    background(lab)
    lab.pause(0.5, 1)
    one, other = lab.attacker(), lab.attacker()
    first, second = lab.watch(one, ports=4), lab.watch(other, ports=2)
    scan = lab.away(traffic.send_each, [(one, 40000 + n, n + 1, SYN) for n in range(100)], 0.03)
    lab.away(traffic.send_each,
             [(other, 41000 + n, n + 1, FIN | PSH | URG) for n in range(100)], 0.03).wait()
    scan.wait()
    lab.truth("port_scan", first.heard()["at"], 1.0, peer=one)
    lab.truth("stealth_scan", second.heard()["at"], 1.0, peer=other)
    time.sleep(1.5)

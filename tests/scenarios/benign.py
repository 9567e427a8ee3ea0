# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The scenarios in which nothing is wrong, or nothing that is worth more than a note, though it
looks like something that is: rstwatch must not say more than info."""
import signal
import time

import traffic
from attacks import start_nginx
from lab import OUTSIDE, VICTIM
from table import scenario


def served(lab, port=None, **how):
    port = port or lab.port()
    server = lab.inside(traffic.serve, port, comm="service", **how)
    server.wait_for("ready")
    server.port = port
    return server


def sources(lab, count):
    return [lab.client() for _ in range(count)]


@scenario("N1-wrk-killed", 0.9, benign=True, needs="nginx wrk")
def wrk_killed(lab):
    """A load generator ends in the middle of its work, with all of its connections."""
    port = lab.port()
    start_nginx(lab, port)
    for _ in range(2):
        wrk = lab.start(lab.outside, "wrk", "-t1", f"-c{lab.random.randrange(20, 100)}", "-d20",
                        "-H", f"Connection: {lab.random.choice(('close', 'keep-alive'))}",
                        f"http://{VICTIM}:{port}/")
        time.sleep(2)
        wrk.send_signal(lab.random.choice((signal.SIGKILL, signal.SIGINT)))
        wrk.wait()
        time.sleep(1)


@scenario("N2-aborts", 0.5, benign=True, needs="nginx ab")
def aborts(lab):
    port = lab.port()
    start_nginx(lab, port)
    lab.tool(lab.outside, "ab", "-q", "-n", "400", "-c", "20", f"http://{VICTIM}:{port}/")
    # Browsers that go away: one of five connections ends in a reset.
    lab.away(traffic.clients, port, 30, 6, sources(lab, 40), abort=0.2).wait()
    time.sleep(1)


@scenario("N3-haproxy-checks", 0.4, benign=True, needs="haproxy nginx")
def haproxy_checks(lab):
    """Ten backends, checked each second; tcp-check ends with a reset."""
    port = lab.port()
    start_nginx(lab, port)
    path = lab.folder() + "/haproxy.cfg"
    with open(path, "w") as file:
        file.write("defaults\n mode http\n timeout connect 2s\n timeout client 5s\n"
                   " timeout server 5s\nfrontend f\n bind 127.0.0.1:8000\n default_backend h\n"
                   "backend h\n option httpchk\n")
        file.writelines(f" server h{n} {VICTIM}:{port} check inter 1s\n" for n in range(5))
        file.write("backend t\n mode tcp\n option tcp-check\n")
        file.writelines(f" server t{n} {VICTIM}:{port} check inter 1s\n" for n in range(5))
    lab.start(lab.outside, "haproxy", "-f", path)
    time.sleep(10)


@scenario("N4-linger-checks", 0.2, benign=True, short=True)
def linger_checks(lab):
    server = served(lab)
    for source in sources(lab, 3):
        lab.away(traffic.health_checks, server.port, source, 0.5, 10, "linger")
    lab.away(traffic.clients, server.port, 20, 9, sources(lab, 5)).wait()
    time.sleep(1)


@scenario("N5-half-open-checks", 0.2, benign=True, short=True)
def half_open_checks(lab):
    server = served(lab)
    for source in sources(lab, 2):
        lab.away(traffic.half_open_checks, server.port, source, 0.5, 10)
    lab.away(traffic.clients, server.port, 10, 9, sources(lab, 5)).wait()
    time.sleep(1)


@scenario("N6-nginx-reloads", 0.4, benign=True, needs="nginx")
def nginx_reloads(lab):
    port = lab.port()
    server = start_nginx(lab, port)
    clients = lab.away(traffic.clients, port, 50, 10, sources(lab, 10))
    for _ in range(10):
        time.sleep(0.8)
        server.send_signal(signal.SIGHUP)
    clients.wait()


@scenario("N6-restart", 0.3, benign=True, short=True)
def restart(lab):
    """Stopped in order and started again, 200 ms later, under a hundred clients a second."""
    port = lab.port()
    server = served(lab, port)
    clients = lab.away(traffic.clients, port, 100, 9, sources(lab, 10))
    for _ in range(2):
        time.sleep(3)
        server.signal(signal.SIGTERM)
        server.wait()
        time.sleep(0.2)
        server = served(lab, port)
    clients.wait()


@scenario("N7-redis-benchmark", 0.9, benign=True, needs="redis-server redis-benchmark")
def redis_benchmark(lab):
    port = lab.port()
    lab.start(lab.victim, "redis-server", "--port", str(port), "--bind", "0.0.0.0", "--save", "",
              "--protected-mode", "no", "--timeout", "2")
    time.sleep(0.5)
    lab.tool(lab.outside, "redis-benchmark", "-h", VICTIM, "-p", str(port), "-n", "3000", "-q",
             "-k", "0", "-c", "20", "-t", "get,set")
    lab.away(traffic.pool, port, lab.client(), 5, 3, 6).wait()


@scenario("N7-idle-pool", 0.2, benign=True, short=True)
def idle_pool(lab):
    """The server closes what is idle; the pool finds out when it uses it."""
    server = served(lab, keep=True, idle=1.0)
    lab.away(traffic.pool, server.port, lab.client(), 5, 1.6, 8).wait()
    time.sleep(1)


@scenario("N8-flash-crowd", 1.4, benign=True, short=True)
def flash_crowd(lab):
    """Ten times as many clients within a second, from two thousand addresses, all real."""
    server = served(lab, backlog=4096)
    base = lab.away(traffic.clients, server.port, 25, 9, sources(lab, 20))
    lab.pause(3, 4)
    lab.away(traffic.clients, server.port, 250, 4, sources(lab, 2000)).wait()
    base.wait()
    time.sleep(1)


@scenario("N9-loss", 0.6, benign=True, short=True)
def loss(lab):
    server = served(lab, backlog=1024)
    percent = lab.random.choice((1, 2, 3))
    for namespace in (lab.outside, lab.victim):
        lab.drop(namespace, "prerouting", f"meta l4proto tcp numgen random mod 100 < {percent}")
    lab.away(traffic.clients, server.port, 100, 10, sources(lab, 100)).wait()
    time.sleep(1)


@scenario("N10-dead-exporters", 0.2, benign=True, short=True,
          elsewhere=("dependency_down",))
def dead_exporters(lab):
    """A monitoring server that is a known client asks six ports where nothing is."""
    server = served(lab)
    source = lab.client()
    exporters = [9090, 9091, 9093, 9100, 9104, 9187]
    lab.away(traffic.clients, server.port, 5, 1, [source]).wait()
    main = lab.away(traffic.clients, server.port, 2, 8, [source])
    for _ in range(4):
        for port in exporters:
            lab.away(traffic.clients, port, 1, 1, [source]).wait()
        time.sleep(1)
    main.wait()


@scenario("N11-passive-ftp", 0.3, benign=True, short=True)
def passive_ftp(lab):
    lab.inside(traffic.serve_passive, comm="ftpd").wait_for("ready")
    for source in sources(lab, 3):
        lab.away(traffic.passive_transfers, source, 40)
    time.sleep(7)


@scenario("N12-retries", 0.5, benign=True, short=True,
          elsewhere=("dependency_down",))
def retries(lab):
    """One client insists on a port on which there never was anything."""
    server = served(lab)
    source = lab.client()
    lab.away(traffic.clients, server.port, 5, 2, [source]).wait()
    lab.away(traffic.clients, lab.port(), 100, 6, [source]).wait()
    time.sleep(1)


@scenario("N13-rolling-restart", 0.6, benign=True)
def rolling_restart(lab):
    ports = [lab.port() for _ in range(10)]
    servers = [served(lab, port) for port in ports]
    for port in ports:
        lab.away(traffic.clients, port, 10, 12, sources(lab, 3))
    time.sleep(2)
    for server, port in zip(servers, ports):
        server.signal(signal.SIGTERM)
        server.wait()
        time.sleep(0.3)
        served(lab, port)
        time.sleep(0.5)
    time.sleep(2)


@scenario("N14-address-moves", 0.3, benign=True)
def address_moves(lab):
    """A virtual address comes to this host; who was connected to the other finds nobody here."""
    server = served(lab)
    lab.away(traffic.clients, server.port, 10, 8, sources(lab, 5))
    time.sleep(2)
    sent = [(lab.client(), 30000 + n, server.port, traffic.ACK) for n in range(30)]
    lab.away(traffic.send_each, sent, 0.01).wait()
    time.sleep(6)


@scenario("N15-knocking", 0.1, benign=True, short=True)
def knocking(lab):
    server = served(lab)
    source = lab.client()
    lab.away(traffic.clients, server.port, 2, 2, [source]).wait()
    lab.away(traffic.knock, source, [lab.port() for _ in range(5)], server.port).wait()
    time.sleep(2)


@scenario("N16-probes", 0.3, benign=True, elsewhere=("dependency_down",))
def probes(lab):
    """What a host asks of itself and its neighbours: until they are there."""
    server = served(lab)
    later = lab.port()
    lab.away(traffic.clients, later, 1, 4, [OUTSIDE])
    lab.inside(traffic.ask_each, [("127.0.0.1", server.port), (VICTIM, server.port)], 0.1, 8)
    time.sleep(3)
    served(lab, later)
    lab.away(traffic.clients, later, 5, 5, [OUTSIDE]).wait()


@scenario("N17-idle", 0.05, benign=True)
def idle(lab):
    served(lab)
    time.sleep(20)


@scenario("N18-late-answers", 0.2, benign=True)
def late_answers(lab):
    """connect() is given up, and the answer comes afterwards."""
    port = lab.port()
    lab.away(traffic.serve, port).wait_for("ready")
    lab.drop(lab.outside, "output", "tcp flags & (syn|ack) == syn|ack numgen inc mod 2 < 1")
    lab.inside(traffic.late_answers, port, OUTSIDE, 20).wait()
    time.sleep(3)


@scenario("N19-reset-behind-data", 0.2, benign=True)
def reset_behind_data(lab):
    """Clients that end with a reset while their data is still on its way."""
    server = served(lab, keep=True)
    lab.away(traffic.data_then_reset, server.port, lab.client(), 40, 0.15).wait()
    time.sleep(1)


@scenario("N20-refusing-server", 0.3, benign=True)
def refusing_server(lab):
    """A server at its limit of descriptors: it takes connections and closes them unread."""
    server = served(lab, unread=True)
    lab.away(traffic.clients, server.port, 15, 8, sources(lab, 10)).wait()
    time.sleep(1)


@scenario("N21-normal-client", 0.2, benign=True)
def normal_client(lab):
    """The victim as a client of healthy services."""
    ports = [lab.port() for _ in range(12)]
    for port in ports:
        lab.away(traffic.serve, port).wait_for("ready")
    lab.inside(traffic.ask_each, [(OUTSIDE, port) for port in ports], 0.02, 8, comm="app").wait()


@scenario("N22-crawler", 0.3, benign=True, short=True, elsewhere=("port_scan",))
def crawler(lab):
    """Connects to many addresses as fast as it can, and to a third of them in vain. Here they are
    all one host's, to which that is a sweep."""
    port = lab.port()
    targets = [(f"{address.rsplit('.', 1)[0]}.{n + 1}", port)
               for address in sources(lab, 3) for n in range(60)]
    chosen = [one for n, one in enumerate(targets) if n % 3]
    lab.away(traffic.listen_each, chosen, comm="web").wait_for("ready")
    for n in range(0, len(targets), 60):
        lab.random.shuffle(part := targets[n:n + 60])
        lab.inside(traffic.connect_each, part, 0, comm="crawler").wait()
        lab.pause(0.5, 2)
    time.sleep(1)

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The table of scenarios."""

TABLE = {}


class Scenario:
    """.cost: of the machine's processors, about; .seconds: how long it takes, about; .nightly: too
    long for a run that did not ask for it; .benign: nothing above info may be said; .elsewhere: the
    kinds that may be said of the other end, whose host sees the same from its side."""

    def __init__(self, name, cost, function, short, needs, benign, elsewhere, seconds,
                 nightly=False):
        self.name, self.cost, self.function = name, cost, function
        self.short, self.needs, self.benign = short, needs.split(), benign
        self.elsewhere, self.seconds, self.nightly = elsewhere, seconds, nightly


SEEN_ELSEWHERE = ("outbound_scan", "dependency_down", "backscatter", "rst_received_rate",
                  "rst_sent_rate", "peer_reset_storm", "service_down", "stale_connections",
                  "reset_injection")


def scenario(name, cost, short=False, needs="", benign=False, elsewhere=None, seconds=10,
             nightly=False):
    def add(function):
        TABLE[name] = Scenario(name, cost, function, short, needs, benign,
                               elsewhere or (() if benign else SEEN_ELSEWHERE), seconds,
                               nightly)
        return function
    return add

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What others would have said of the same traffic, and when. No input or output here.

Each function gives the wall time at which it would have told of a truth, or None.
"""

NETDATA_DELAY = 20.0  # "delay: up 20s"


def netdata(truth, samples):
    """Netdata's alarms of TCP resets: the average of 10 s above ten times that of the minute before
    (at least 5 a second). In its favour: evaluated each second here, where it does so each ten; and
    told 20 s later even if the condition, as in most scenarios, does not hold for so long. samples:
    (time, OutRsts, AttemptFails) of the victim, each second."""
    rows = [one for one in samples if truth["t_begin"] <= one[0] <= truth["t_end"]]
    for column in (1, 2):
        for now in range(1, len(rows)):
            last, before = max(0, now - 10), max(0, now - 70)
            # What was before the first sample is a time in which nothing happened.
            average = (rows[now][column] - rows[last][column]) / 10
            span = rows[last][0] - rows[before][0]
            base = (rows[last][column] - rows[before][column]) / span if span > 0 else 0
            if average > max(5, base) * 10 and rows[now][0] >= truth["t_first"]:
                return rows[now][0] + NETDATA_DELAY
    return None


def trw(truth, refused, served):
    """Plain threshold random walk, as published: theta0 .8, theta1 .2, 4 failures of first contacts
    without a success. refused: (time, peer, port) of SYNs for closed ports; served: the ports of
    the victim that answer, a first contact with which is a success (not seen in resets: what a
    scan meets of them is not known here, which favours the walk)."""
    seen, walk = set(), {}
    for time, peer, port in refused:
        if not truth["t_begin"] <= time <= truth["t_end"] or (peer, port) in seen or port in served:
            continue
        seen.add((peer, port))
        walk[peer] = walk.get(peer, 0) + 1
        if walk[peer] == 4 and peer in (truth.get("peer"), *truth.get("peers", ())):
            return time
    return None


def kernel(truth, moved):
    """The kernel's "Possible SYN flooding": with the first full request queue of a listener, once
    for each listener. moved: (time, counter) of the victim. A warning of what came before the flood
    is none of the flood, and the last one."""
    if truth["class"] != "syn_flood":
        return None
    first = min((time for time, _ in moved if truth["t_begin"] <= time <= truth["t_end"] + 1),
                default=0)
    return first if first >= truth["t_first"] else None

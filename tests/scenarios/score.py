# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the alerts of a run are worth, against the truth. No input or output here.

A truth has: class (alert kind, or "none"), scenario, seed, netns, outside (the other end's),
t_begin, t_end, t_first (the first packet that counts), within (seconds until the alert, as
promised), and what the alert is to name: port, peer or peers, pid or pids, signal, proof, timeout;
severity: the least that counts as told; most: so many alerts are right (one, if it does not say). An alert is
one NDJSON object, and at: when its line was read.
"""
import collections
import math

LEVEL = {"info": 1, "warning": 2, "critical": 3}
GRACE = 3.0  # seconds after the end of a scenario in which its alerts may still come; what is false
# may come until the end of the run, as the namespaces stay


def wilson(good, count, z=1.96):
    """95% bounds of a share."""
    if not count:
        return 0.0, 1.0
    share, square = good / count, z * z
    middle = share + square / (2 * count)
    half = z * math.sqrt(share * (1 - share) / count + square / (4 * count * count))
    return (middle - half) / (1 + square / count), (middle + half) / (1 + square / count)


def percentile(values, share):
    """The nearest-rank percentile; None of nothing."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


def ports_named(alert):
    return {alert.get("local", {}).get("port"), alert.get("peer_port")} - {None}


def attribution(truth, alert):
    """What of the alert is not as it should be: a list of words."""
    wrong = []
    owner = alert.get("owner", {})
    peers = [peer["address"] for peer in alert.get("peers", ())]
    pids = truth.get("pids") or [truth.get("pid")]
    if truth.get("port") and truth["port"] not in ports_named(alert):
        wrong.append(f"port {sorted(ports_named(alert))}, not {truth['port']}")
    if truth.get("peer") and truth["peer"] not in peers[:1]:
        wrong.append(f"peers {peers}, not {truth['peer']}")
    if truth.get("peers") and not set(truth["peers"]) & set(peers):
        wrong.append(f"peers {peers}, not {truth['peers']}")
    if pids[0] and owner.get("pid") not in pids:
        wrong.append(f"pid {owner.get('pid')}, not {pids}")
    if truth.get("signal") and owner.get("signal") != truth["signal"]:
        wrong.append(f"signal {owner.get('signal')}, not {truth['signal']}")
    if truth.get("timeout"):
        got = alert.get("evidence", {}).get("inferred_timeout_seconds", 0)
        if abs(got - truth["timeout"]) > truth["timeout"] / 20:
            wrong.append(f"timeout {got} s, not {truth['timeout']}")
    if truth.get("proof") and alert.get("source_proof") != truth["proof"]:
        wrong.append(f"proof {alert.get('source_proof')}, not {truth['proof']}")
    return wrong


class Verdict:
    """Of one truth: .alert (None: missed), .delay in seconds, .wrong, .alerts; .false: the alerts
    above info that are no truth's here, on the first truth of each scenario only."""

    def __init__(self, truth):
        self.truth, self.alert, self.delay = truth, None, None
        self.wrong, self.alerts, self.false = [], 0, []


def incidents(alerts):
    """Alerts by their id, in order."""
    by_id = collections.OrderedDict()
    for alert in alerts:
        by_id.setdefault(alert["id"], []).append(alert)
    return list(by_id.values())


def severity(words):
    return max(LEVEL[word["severity"]] for word in words)


def judge(truths, alerts, table):
    """A Verdict for each truth. table: the scenarios by name."""
    verdicts = []
    groups = collections.OrderedDict()
    for truth in truths:
        groups.setdefault((truth["scenario"], truth["seed"]), []).append(truth)
    raised = incidents(alerts)
    for (name, _seed), group in groups.items():
        first = group[0]
        there = [words for words in raised
                 if words[0].get("netns") in (first["netns"], first["outside"])
                 and first["t_begin"] <= words[0]["at"]]
        here = [words for words in there if words[0]["netns"] == first["netns"]]
        mine = []
        for truth in group:
            verdict = Verdict(truth)
            verdicts.append(verdict)
            mine.append(verdict)
            right = [words for words in here if words[0]["alert"] == truth["class"]]
            verdict.alerts = len(right)
            for words in right:
                least = LEVEL[truth.get("severity", "info")]
                told = [word for word in words if LEVEL[word["severity"]] >= least
                        and word["at"] <= truth["t_end"] + GRACE]
                if told and (verdict.alert is None or told[0]["at"] < verdict.alert["at"]):
                    verdict.alert = told[0]
            if verdict.alert:
                verdict.delay = max(0.0, verdict.alert["at"] - truth["t_first"])
                verdict.wrong = attribution(truth, verdict.alert)
        classes = {truth["class"] for truth in group} | set(first.get("also", ()))
        for words in there:
            kind, at_home = words[0]["alert"], words[0]["netns"] == first["netns"]
            allowed = classes if at_home else set(table[name].elsewhere)
            if kind not in allowed and severity(words) > LEVEL["info"]:
                mine[0].false.append(max(words, key=lambda word: LEVEL[word["severity"]]))
    return verdicts


def classes(verdicts):
    """A row for each class, and the sum: a list of dicts."""
    names = sorted({one.truth["class"] for one in verdicts} - {"none"})
    false = collections.Counter(alert["alert"] for one in verdicts for alert in one.false)
    rows = []
    for name in [*names, *sorted(set(false) - set(names)), "all"]:
        of = [one for one in verdicts if one.truth["class"] != "none"
              and name in ("all", one.truth["class"])]
        found = [one for one in of if one.alert]
        wrong = sum(false.values()) if name == "all" else false[name]
        delays = [one.delay for one in found]
        right = sum(not one.wrong for one in found)
        # Where several are right, as many count as one.
        told = sum(max(1, one.alerts - one.truth.get("most", 1) + 1) for one in found)
        rows.append({
            "class": name, "count": len(of), "found": len(found), "false": wrong,
            "recall": len(found) / len(of) if of else None,
            "recall_95": wilson(len(found), len(of)),
            "precision": len(found) / (len(found) + wrong) if found or wrong else None,
            "precision_95": wilson(len(found), len(found) + wrong),
            "p50": percentile(delays, 0.5), "p95": percentile(delays, 0.95),
            "in_time": sum(one.delay <= one.truth["within"] for one in found),
            "attributed": right, "attribution": right / len(found) if found else None,
            "alerts_per_incident": told / len(found) if found else None,
        })
    return rows


def confusion(verdicts):
    """{class of the scenario: {class of the alert: how many}}; "-": nothing was said."""
    matrix = {}
    for one in verdicts:
        row = matrix.setdefault(one.truth["class"], collections.Counter())
        if one.truth["class"] != "none":
            row[one.truth["class"] if one.alert else "-"] += 1
        elif not one.false:
            row["-"] += 1
        row.update(alert["alert"] for alert in one.false)
    return matrix


FLOORS = (("recall", 0.99), ("precision", 0.98), ("attribution", 0.99))
ALERTS_PER_INCIDENT = 1.2


def below_floors(rows):
    """What the sum misses of what is promised: a list of sentences."""
    total = rows[-1]
    below = [f"{name} is {total[name]:.3f}, below {floor}" for name, floor in FLOORS
             if total[name] is not None and total[name] < floor]
    if (total["alerts_per_incident"] or 0) > ALERTS_PER_INCIDENT:
        below.append(f"{total['alerts_per_incident']:.2f} alerts per incident")
    if total["count"] and not total["found"]:
        below.append("nothing was found")
    return below

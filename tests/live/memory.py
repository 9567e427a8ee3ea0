# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a running rstwatch takes of memory: its own, and that of its BPF maps."""
import glob

__all__ = ["maps_kib", "maps_of", "peak_kib", "resident_kib"]


def _status_kib(pid, name):
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(name + ":"))


def resident_kib(pid):
    return _status_kib(pid, "VmRSS")


def peak_kib(pid):
    return _status_kib(pid, "VmHWM")


def maps_of(pid):
    """{id: (entries, bytes)} of the BPF maps that a process has open."""
    maps = {}
    for path in glob.glob(f"/proc/{pid}/fdinfo/*"):
        try:
            with open(path) as file:
                info = dict(line.split(":", 1) for line in file.read().splitlines() if ":" in line)
        except FileNotFoundError:
            continue
        if "map_id" in info and "memlock" in info:  # else it is an iterator of that map
            maps[int(info["map_id"])] = int(info["max_entries"]), int(info["memlock"])
    return maps


def maps_kib(maps):
    return sum(size for _, size in maps.values()) // 1024

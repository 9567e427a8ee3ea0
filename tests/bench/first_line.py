#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""first_line.py TIMES COMMAND...: median milliseconds from exec to a command's first line."""
import os
import statistics
import subprocess
import sys
import threading
import time

LIMIT = 20  # seconds for one start


def start_once(command):
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          stdin=subprocess.DEVNULL) as process:
        killer = threading.Timer(LIMIT, process.kill)
        killer.start()
        try:
            line = process.stdout.readline()
            took = time.perf_counter() - began
        finally:
            killer.cancel()
            process.terminate()
            try:
                process.communicate(timeout=LIMIT)
            except subprocess.TimeoutExpired:
                process.kill()
    if not line.endswith(b"\n"):
        sys.exit(f"first_line.py: {os.path.basename(command[0])} said nothing")
    return took


def main():
    times = int(sys.argv[1])
    took = [start_once(sys.argv[2:]) for _ in range(times)]
    print(f"{statistics.median(took) * 1000:.1f}")


main()

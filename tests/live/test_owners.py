#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Whose each reset is, against a truth that the test knows because it made the processes: the pid,
name and user of the owner, how it is known, the cause or stage, the state before the reset, and the
bytes of the connection. In the end, nobody but the processes that a test expects may have been
named, whatever else was running."""
import owner_changes
import owner_connections
import owner_listeners
from owner_cases import run_all

run_all()

# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# TAP for shell tests. Source it, call check for each test, and tap_end at the end.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
tap_count=0
tap_failed=0
tap_dir=$(mktemp -d)
trap 'rm -rf "$tap_dir"' EXIT

# check NAME COMMAND...: passes if the command succeeds; else shows what it printed.
check()
{
	local name=$1
	shift
	tap_count=$((tap_count + 1))
	if "$@" >"$tap_dir/log" 2>&1; then
		echo "ok $tap_count - $name"
	else
		echo "not ok $tap_count - $name"
		sed 's/^/# /' "$tap_dir/log"
		tap_failed=$((tap_failed + 1))
	fi
}

tap_end()
{
	echo "1..$tap_count"
	exit $((tap_failed > 0))
}

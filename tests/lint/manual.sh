#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The manual and the README say what the program says.
. "$(dirname "$0")/../tap.sh"

# "-i --interval SECONDS", a line an option, from the help text and from the manual.
help_options()
{
	build/rstwatch --help | sed -nE 's/^  (-.|  ),? +--([a-z0-9-]+)( [^ ]+)?  .*/\1 --\2\3/p' |
		sed 's/^  *//' | sort
}

manual_options()
{
	MANWIDTH=200 mandoc -T ascii user/rstwatch.8 | col -b |
		sed -n '/^OPTIONS/,/^[A-Z]/p' | sed '1d' |
		sed -nE 's/^     ((-.), )?--([a-z0-9-]+)( [^ ]+)?( .*)?$/\2 --\3\4/p' |
		sed 's/^ *//' | sort
}

same_options()
{
	diff <(help_options) <(manual_options) && [ "$(help_options | wc -l)" -gt 20 ]
}

help_exits_zero()
{
	build/rstwatch --help >/dev/null && build/rstwatch --version | grep -q '^rstwatch [0-9]'
}

# The schema and the program's own names.
schema_is_json()
{
	build/rstwatch --json-schema | cmp - user/schema.json && jq -e . user/schema.json >/dev/null
}

check "--help and --version" help_exits_zero
check "the manual has the options of --help" same_options
check "mandoc finds no fault" mandoc -T lint -W warning user/rstwatch.8
check "--json-schema is user/schema.json" schema_is_json
tap_end

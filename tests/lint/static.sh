#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What reads the sources without running them: clang's warnings, clang-tidy, shellcheck, python.
. "$(dirname "$0")/../tap.sh"

flags="-std=gnu11 -D_GNU_SOURCE -Ibpf -Iuser"
warnings="-Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes -Wshadow -Wundef -Wvla"
# shellcheck disable=SC2086 # on purpose: words
clang_warnings()
{
	local file
	for file in user/*.c; do
		clang $flags -isystem build $warnings -fsyntax-only "$file" || return 1
	done
}

# One process a file: in one for all, its analyzer takes every va_list after the first for unset.
# What includes bpftool's generated skeletons without the leak checker, which finds fault with them.
clang_tidy()
{
	# shellcheck disable=SC2086
	grep -L 'skel\.h"' user/*.c | xargs -P 2 -I{} clang-tidy --quiet {} -- $flags -isystem build &&
		grep -l 'skel\.h"' user/*.c | xargs -P 2 -I{} clang-tidy --quiet \
			--checks=-clang-analyzer-unix.Malloc {} -- $flags -isystem build
}

shell_scripts()
{
	grep -rlIE '^#!.*(bash|/sh|busybox sh)$' .ci tests | xargs shellcheck tests/tap.sh tests/bench/*.sh
}

python_files()
{
	{
		find tests -name '*.py' -print0
		grep -rlIZE '^#!.*python3' tests
	} | xargs -0 -r /usr/bin/python3 -W error -c '
import ast, sys
for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as file:
        ast.parse(file.read(), path)'
}

check "clang's warnings" clang_warnings
check "clang-tidy" clang_tidy
check "shellcheck" shell_scripts
check "python parses" python_files
tap_end

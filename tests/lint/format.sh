#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The layout of the sources: clang-format, line ends, licence lines.
. "$(dirname "$0")/../tap.sh"

mapfile -t sources < <(find bpf user vmlinux tests -name '*.[ch]' | sort)

no_trailing_space()
{
	! grep -rnE '[[:space:]]+$' bpf user vmlinux tests Makefile README.md .ci --include='*' \
		--exclude-dir=__pycache__ -I
}

licence_lines()
{
	local file missing=0
	while IFS= read -r file; do
		head -n 4 "$file" | grep -q 'SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause' ||
			{ echo "$file: no licence line" && missing=1; }
	done < <(find bpf user vmlinux tests .ci Makefile -type f ! -name '*.json' ! -name '*.8' \
		! -path '*/__pycache__/*' ! -path 'tests/replay/data/*')
	return "$missing"
}

check "clang-format" clang-format --dry-run -Werror "${sources[@]}"
check "no space at the ends of lines" no_trailing_space
check "each file has its licence line" licence_lines
tap_end

#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Every header compiles alone, with both compilers; shared structs have no hidden padding.
. "$(dirname "$0")/../tap.sh"

flags="-std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -Ibpf -Iuser -fsyntax-only -x c"
kernel="-target bpf -O2 -g -Wall -Wextra -Werror -Wno-unused-function -Ibpf -Ivmlinux -fsyntax-only -x c"

for header in user/*.h bpf/event.h bpf/settings.h bpf/hash.h bpf/classify.h; do
	# shellcheck disable=SC2086 # on purpose: words
	check "$header alone, gcc" bash -c "echo '#include \"$(basename "$header")\"' | gcc $flags -"
	# shellcheck disable=SC2086
	check "$header alone, clang" bash -c "echo '#include \"$(basename "$header")\"' | clang $flags -"
done
for header in bpf/*.h vmlinux/*.h; do
	check "$header alone, kernel side" \
		bash -c "echo '#include \"$(basename "$header")\"' | clang $kernel -"
done
for header in event.h settings.h record.h; do
	check "$header without padding, gcc" \
		bash -c "echo '#include \"$header\"' | gcc $flags -Wpadded -"
done
check "recording.h's file format without padding, clang" \
	bash -c "echo '#include \"record.h\"' | clang $flags -Wpadded -"
for header in event.h settings.h; do
	check "$header without padding, kernel side" \
		bash -c "echo '#include \"$header\"' | clang ${kernel/-Ivmlinux/-isystem vmlinux} -Wpadded -"
done
tap_end

#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A header that changes rebuilds what includes it, and nothing else.
. "$(dirname "$0")/../tap.sh"

# The objects that make would build again if the file had changed.
rebuilt()
{
	make -n V=1 -W "$1" build/rstwatch | sed -nE 's/.* -o (build\/[a-z._]+\.o)$/\1/p' | sort -u
}

# The objects whose source includes the file, as the compilers see it.
including()
{
	local source
	for source in user/*.c; do
		gcc -std=gnu11 -D_GNU_SOURCE -MM -Ibpf -Iuser -Ibuild "$source" | grep -qE "[ /]?$1( |\$)" &&
			echo "build/$(basename "$source" .c).o"
	done
	for source in rstwatch functions owners; do
		clang -target bpf -MM -Ibpf -Ivmlinux "bpf/$source.bpf.c" | grep -qE " $1( |\$)" || continue
		printf '%s\n' "build/$source.bpf.o" "build/${source}_probes.bpf.o"
		case $source in
		rstwatch) printf 'build/%s.o\n' capture counters functions hooks peers programs rings ;;
		functions) echo build/functions.o ;;
		owners) printf 'build/%s.o\n' programs seed ;;
		esac
	done
	# By way of build/kernel_structs.h.
	[ "$1" != vmlinux/vmlinux.h ] || echo build/kernel.o
}

same()
{
	diff <(rebuilt "$1") <(including "$1" | sort -u) && [ -n "$(rebuilt "$1")" ]
}

up_to_date()
{
	[ -z "$(rebuilt README.md)" ]
}

check "nothing changed, nothing to do" up_to_date
for header in bpf/event.h bpf/count.h user/record.h user/output.h vmlinux/vmlinux.h; do
	check "$header rebuilds exactly its dependents" same "$header"
done
tap_end

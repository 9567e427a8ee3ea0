#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The core does no I/O, reads no clock and allocates nothing: its objects refer to each other and
# to a few functions on memory, and to nothing else.
. "$(dirname "$0")/../tap.sh"

allowed='memcpy memset memcmp memmove memchr strlen strcmp strchr strspn inet_pton inet_ntop'
allowed+=' __stack_chk_fail _GLOBAL_OFFSET_TABLE_'

core=$(sed -n '/^CORE :=/,/[^\\]$/p' Makefile | sed 's/^CORE :=//; s/\\$//')

pure()
{
	local object=build/$1.o symbol bad=0
	for symbol in $(nm -u "$object" | awk '{print $2}'); do
		case " $allowed $defined " in
		*" $symbol "*) ;;
		*) echo "$object calls $symbol" && bad=1 ;;
		esac
	done
	return "$bad"
}

# shellcheck disable=SC2086 # on purpose: words
defined=$(for module in $core; do nm -g --defined-only build/$module.o; done | awk '{print $3}' |
	tr '\n' ' ')
for module in $core; do
	check "$module is pure" pure "$module"
done
tap_end

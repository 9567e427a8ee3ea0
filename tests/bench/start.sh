# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash disable=SC2154,SC2034
# Start, idling, memory.

# resets_seen FILE: sent and received, by the last line of rstwatch -j.
resets_seen()
{
	tail -n 1 "$1" | sed 's/[{,]/\n/g' | awk -F: '
		$1 ~ /"(sent|received)"/ { inside = 1 }
		inside && $1 ~ /"total"/ { sum += $2; inside = 0 }
		END { print sum + 0 }'
}

bench_start()
{
	local before witness
	row "exec to the first line, rstwatch -j" "$(tests/bench/first_line.py 5 "$rstwatch" -j)" ms \
		"$(tests/bench/first_line.py 5 bpftrace -q -e 'BEGIN { printf("ready\n"); }
			tracepoint:tcp:tcp_send_reset { @ = count(); }')" "bpftrace, one probe"
	watch -j || return
	sleep 0.5
	row "VmRSS, idle after the start" "$(memory "$watcher" VmRSS)" KiB
	# How idle the host was, a second one tells.
	start "$rstwatch" -j -q >"$data/witness"
	witness=$pid
	wait_for rstwatch is_attached "$witness"
	before=$(cpu_ms "$watcher")
	sleep "$idle"
	before=$(awk -v a="$before" -v b="$(cpu_ms "$watcher")" 'BEGIN { printf "%.1f", b - a }')
	stop "$witness"
	row "CPU time of $idle idle seconds, $(resets_seen "$data/witness") resets" "$before" ms
	flood 0
	sleep "$seconds"
	row "VmRSS, in a flood from random sources" "$(memory "$watcher" VmRSS)" KiB
	stop "$flood"
	sleep 2
	row "VmRSS, after it" "$(memory "$watcher" VmRSS)" KiB
	row "VmHWM" "$(memory "$watcher" VmHWM)" KiB
	row "memory of the maps" $(($(map_bytes "$watcher") / 1024)) KiB
	stop "$watcher"
	watch_with_bpftrace send || return
	row "memory of the maps, bpftrace" $(($(map_bytes "$watcher") / 1024)) KiB
	row "VmRSS, bpftrace" "$(memory "$watcher" VmRSS)" KiB
	stop "$watcher"
}

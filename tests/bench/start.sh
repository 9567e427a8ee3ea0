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

# What a CPU has of the maps: both generations of its sketch, but for a few bytes.
sketch_kib()
{
	bpftool map show name rst_sketches | sed -n 's/.*value \([0-9]*\)B.*/\1/p' |
		awk '{ print 2 * $1 / 1024; exit }'
}

# wake_ups PID: how often it has gone to sleep.
wake_ups()
{
	awk '$1 == "voluntary_ctxt_switches:" { print $2 }' "/proc/$1/status"
}

# What an event costs in user space beside its own time: memory asked for, and sleep interrupted.
bench_flooded()
{
	local allocations wakes events
	start env ALLOCATIONS="$data/allocations" LD_PRELOAD="$work/allocations.so" \
		taskset -c "$watch_cpu" "$rstwatch" -j -q --max-events 10000000 -i 1 >"$data/flooded"
	watcher=$pid
	wait_for rstwatch is_attached "$watcher"
	flood 0
	sleep 1
	allocations=$(od -An -td8 "$data/allocations")
	wakes=$(wake_ups "$watcher")
	sleep "$seconds"
	allocations=$(($(od -An -td8 "$data/allocations") - allocations))
	wakes=$(($(wake_ups "$watcher") - wakes))
	stop "$flood"
	stop "$watcher"
	row "wake-ups a second, in a flood" \
		"$(awk -v n="$wakes" -v s="$seconds" 'BEGIN { printf "%.0f", n / s }')" ""
	events=$(resets_seen "$data/flooded")
	row "allocations, of $events resets" "$allocations" ""
}

bench_start()
{
	local before witness wakes
	row "exec to the first line, rstwatch -j" "$(tests/bench/first_line.py 5 "$rstwatch" -j)" ms \
		"$(tests/bench/first_line.py 5 bpftrace -q -e 'BEGIN { printf("ready\n"); }
			tracepoint:tcp:tcp_send_reset { @ = count(); }')" "bpftrace, one probe"
	row "the same of three programs that do nothing" \
		"$(tests/bench/first_line.py 5 "$work/empty" "$work/empty.bpf.o")" ms
	watch -j || return
	sleep 0.5
	row "VmRSS, idle after the start" "$(memory "$watcher" VmRSS)" KiB
	# How idle the host was, a second one tells.
	start "$rstwatch" -j -q >"$data/witness"
	witness=$pid
	wait_for rstwatch is_attached "$witness"
	before=$(cpu_ms "$watcher")
	wakes=$(wake_ups "$watcher")
	sleep "$idle"
	wakes=$(($(wake_ups "$watcher") - wakes))
	before=$(awk -v a="$before" -v b="$(cpu_ms "$watcher")" 'BEGIN { printf "%.1f", b - a }')
	stop "$witness"
	row "CPU time of $idle idle seconds, $(resets_seen "$data/witness") resets" "$before" ms
	row "wake-ups in them" "$wakes" ""
	flood 0
	sleep "$seconds"
	row "VmRSS, in a flood from random sources" "$(memory "$watcher" VmRSS)" KiB
	stop "$flood"
	sleep 2
	row "VmRSS, after it" "$(memory "$watcher" VmRSS)" KiB
	row "VmHWM" "$(memory "$watcher" VmHWM)" KiB
	row "memory of the maps" $(($(map_bytes "$watcher") / 1024)) KiB
	row "  by which it grows with each CPU" "$(sketch_kib)" KiB
	stop "$watcher"
	watch_with_bpftrace send || return
	row "memory of the maps, bpftrace" $(($(map_bytes "$watcher") / 1024)) KiB
	row "VmRSS, bpftrace" "$(memory "$watcher" VmRSS)" KiB
	stop "$watcher"
	bench_flooded
}

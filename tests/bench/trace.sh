# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash disable=SC2154,SC2034
# A long trace of ever new peers, through everything but the output of events; and the memory of it.

# replay_trace RESETS PEERS: how long it took, and the most memory, in $took and $most.
replay_trace()
{
	local from=$EPOCHREALTIME now most_now
	rm -f "$data/trace"
	mkfifo "$data/trace" || return
	start taskset -c "$load_cpu" "$rstwatch" replay -q "$data/trace" >"$data/out"
	replayer=$pid
	start taskset -c "$watch_cpu" "$work/synthetic" "$1" "$data/trace" /dev/null "$2"
	most=0
	while most_now=$(memory "$replayer" VmHWM 2>/dev/null) && [ -n "$most_now" ]; do
		most=$most_now
		sleep 0.1
	done
	now=$EPOCHREALTIME
	wait "$replayer"
	took=$(awk -v a="$from" -v b="$now" 'BEGIN { print b - a }')
}

bench_trace()
{
	local took most most_of_one
	replay_trace $((trace / 10)) 1 && most_of_one=$most
	replay_trace "$trace" $((1 << 24)) || return
	row "replay -q of $trace resets, 2^24 peers" \
		"$(awk -v n="$trace" -v s="$took" 'BEGIN { printf "%.0f", n / s }')" events/s
	row "  VmHWM" "$most" KiB "$most_of_one" "one peer beside the known ones"
}

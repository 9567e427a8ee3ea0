# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash disable=SC2154,SC2034
# What a reset costs, of each program beside an empty one.

# measure_program LABEL TRACEPOINT [UNIT]: of $watcher and of the empty program, under what runs
# now.
measure_program()
{
	local own empty more_own more_empty
	own=$(program_counters "$watcher" "$2")
	empty=$(program_counters "$empty_pid" "$2")
	sleep "$seconds"
	more_own=$(program_counters "$watcher" "$2")
	more_empty=$(program_counters "$empty_pid" "$2")
	own=$(echo "$own $more_own" | awk '{ if ($4 > $2) printf "%.1f", ($3 - $1) / ($4 - $2) }')
	empty=$(echo "$empty $more_empty" |
		awk '{ if ($4 > $2) printf "%.1f", ($3 - $1) / ($4 - $2) }')
	row "$1" "${own:-none}" "ns/${3:-RST}" "${empty:-none}" "empty program"
}

# measure_flood SOURCES TARGET FAMILY: rst_send, its events thinned and whole, and bpftrace.
measure_flood()
{
	local name
	name="$(sources_named "$1"), $3"
	flood "$1" "$2"
	watch -j && measure_program "rst_send, $name" tcp_send_reset
	stop "$watcher"
	watch -j --max-events 10000000 &&
		measure_program "  every event streamed" tcp_send_reset
	stop "$watcher"
	watch_with_bpftrace send && measure_program "  bpftrace by port and peer" tcp_send_reset
	stop "$watcher"
	stop "$flood"
}

# What no program can do without, each by itself, named.
measure_parts()
{
	local name counters parts
	start "$work/empty" "$work/parts.bpf.o" >"$data/ready"
	parts=$pid
	wait_for "the parts" grep -q ready "$data/ready" || return
	flood 1
	sleep "$seconds"
	stop "$flood"
	for name in "reads a segment:parts_read" "reads the clock:parts_clock" \
		"writes to a ring buffer:parts_ring"; do
		counters=$(bpftool prog show name "${name#*:}" | awk '{
			for (i = 1; i < NF; i++) {
				if ($i == "run_time_ns") time = $(i + 1)
				if ($i == "run_cnt") calls = $(i + 1)
			} } END { if (calls) printf "%.1f", time / calls }')
		row "a program that ${name%:*}, and nothing else" "${counters:-none}" ns/RST
	done
	stop "$parts"
}

bench_nanoseconds()
{
	local sources
	start "$work/empty" "$work/empty.bpf.o" >"$data/ready"
	empty_pid=$pid
	wait_for "the empty program" grep -q ready "$data/ready" || return
	for sources in 1 1000 100000 0; do
		measure_flood $sources "$server_ip" IPv4
	done
	for sources in 1 0; do
		measure_flood $sources "$server_ip6" IPv6
	done
	background refused
	watch -j && measure_program "rst_receive, refused connects" tcp_receive_reset
	stop "$watcher"
	watch_with_bpftrace receive &&
		measure_program "  bpftrace by port and peer" tcp_receive_reset
	stop "$watcher"
	stop "$flood"
	# What ordinary traffic pays: a packet that is dropped and is no reset.
	background drops
	watch -j && measure_program "rst_drop, an ordinary drop" kfree_skb drop
	stop "$watcher"
	stop "$flood"
	stop "$empty_pid"
	measure_parts
}

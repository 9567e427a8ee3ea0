# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash disable=SC2154,SC2034
# Replay, beside what reads packets.

# per_second TIMES COMMAND...: events per second on one CPU, the best.
per_second()
{
	local round times=$1 from
	shift
	for ((round = 0; round < times; round++)); do
		from=$EPOCHREALTIME
		timeout 60 taskset -c "$load_cpu" "$@" >/dev/null 2>"$data/errors" || return
		awk -v n="$events" -v from="$from" -v until="$EPOCHREALTIME" \
			'BEGIN { printf "%.0f\n", n / (until - from) }'
	done | sort -g | tail -n 1
}

# It is slow: the first 50,000 packets.
tshark_per_second()
{
	local count=50000 from
	from=$EPOCHREALTIME
	timeout 120 taskset -c "$load_cpu" tshark -T ek -c $count -r "$data/pcap" >/dev/null \
		2>"$data/errors" || return
	awk -v n=$count -v from="$from" -v until="$EPOCHREALTIME" \
		'BEGIN { printf "%.0f\n", n / (until - from) }'
}

bytes_per_event()
{
	awk -v bytes="$(stat -c %s "$1")" -v n="$events" 'BEGIN { printf "%.1f", bytes / n }'
}

bench_replay()
{
	local packets
	"$work/synthetic" "$events" "$data/recording" "$data/pcap" || return
	# -S: tcpdump need not remember every connection, of which it is slow to find one of many.
	packets=$(per_second 1 tcpdump -nn -S -r "$data/pcap")
	row "tcpdump -nn -S -r, as many packets" "$packets" packets/s
	row "rstwatch replay" "$(per_second 3 "$rstwatch" replay "$data/recording")" events/s \
		"$packets" "tcpdump -r"
	row "rstwatch replay -j" "$(per_second 3 "$rstwatch" replay -j "$data/recording")" events/s \
		"$packets" "tcpdump -r"
	row "rstwatch replay -q" "$(per_second 3 "$rstwatch" replay -q "$data/recording")" events/s \
		"$packets" "tcpdump -r"
	if command -v tshark >/dev/null; then
		row "rstwatch replay -j" "$(per_second 3 "$rstwatch" replay -j "$data/recording")" \
			events/s "$(tshark_per_second)" "tshark -T ek -r"
	fi
	row "recording, bytes per event" \
		"$(bytes_per_event "$data/recording")" bytes "$(bytes_per_event "$data/pcap")" pcap
	rm -f "$data/recording" "$data/pcap"
}

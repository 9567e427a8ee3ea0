# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash disable=SC2154,SC2034
# How many resets the machine makes while somebody watches: in short rounds, of which the medians
# count.

generated_rounds=10 generated_seconds=0.4

# generated_per_second: what the namespace sends under the flood that runs now.
generated_per_second()
{
	local before after from until
	before=$(out_rsts) from=$EPOCHREALTIME
	sleep "$generated_seconds"
	after=$(out_rsts) until=$EPOCHREALTIME
	awk -v n=$((after - before)) -v from="$from" -v until="$until" \
		'BEGIN { printf "%.0f\n", n / (until - from) }'
}

# generate_beside WHO: one round of it, between two of nothing, as the machine has other work too;
# adds to WHO's rates, ratios and CPU percentages.
generate_beside()
{
	local rate before nothing
	nothing=$(generated_per_second)
	case $1 in
	rstwatch*) watch "${1#rstwatch }" || return ;;
	bpftrace) watch_with_bpftrace send || return ;;
	tcpdump) watch_with_tcpdump || return ;;
	esac
	before=$(cpu_ms "$watcher")
	rate=$(generated_per_second)
	awk -v a="$before" -v b="$(cpu_ms "$watcher")" -v seconds="$generated_seconds" \
		'BEGIN { print (b - a) / seconds / 10 }' >>"$data/cpu.$1"
	stop "$watcher"
	echo "$rate" >>"$data/rate.$1"
	echo "$nothing" >>"$data/rate.nothing"
	nothing="$nothing $(generated_per_second)"
	echo "$rate $nothing" | awk '{ print 2 * $1 / ($2 + $3) }' >>"$data/ratio.$1"
}

bench_generated()
{
	local sources name round who nothing
	for sources in 1 0; do
		name=$(sources_named $sources)
		rm -f "$data/"rate.* "$data/"ratio.* "$data/"cpu.*
		flood $sources
		for ((round = 0; round < generated_rounds; round++)); do
			for who in "rstwatch -q" "rstwatch -j" bpftrace tcpdump; do
				generate_beside "$who"
			done
		done
		stop "$flood"
		nothing=$(median <"$data/rate.nothing")
		row "resets sent, $name, beside nothing" "$nothing" RST/s
		for who in "rstwatch -q" "rstwatch -j" bpftrace tcpdump; do
			[ -s "$data/rate.$who" ] || continue
			row "resets sent, $name, beside $who" "$(median <"$data/rate.$who")" RST/s \
				"$nothing" nothing "$(median <"$data/ratio.$who")"
			row "  CPU that $who took" "$(median <"$data/cpu.$who")" "% of one"
		done
	done
}

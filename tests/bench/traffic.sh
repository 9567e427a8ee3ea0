# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash disable=SC2154,SC2034
# What ordinary traffic pays.

# ordinary_rate WHAT COUNT: of so much ordinary traffic over loopback, once whatever was started or
# stopped before has settled.
ordinary_rate()
{
	sleep 0.3
	ip netns exec "$server" taskset -c "$load_cpu" timeout 60 "$work/connects" "$1" "$2"
}

# pairwise LABEL UNIT WHAT COUNT: the same traffic in pairs of short runs, with rstwatch streaming
# and without, each pair the other way round than the one before, so that a drift cancels out; the
# median of the pairs' ratios.
pairwise()
{
	local pair with without
	rm -f "$data/"with* "$data/"ratios
	ordinary_rate "$3" "$4" >/dev/null # warms up
	for ((pair = 0; pair < pairs; pair++)); do
		[ $((pair % 2)) -eq 0 ] || without=$(ordinary_rate "$3" "$4")
		watch -j || return
		with=$(ordinary_rate "$3" "$4")
		stop "$watcher"
		[ $((pair % 2)) -eq 1 ] || without=$(ordinary_rate "$3" "$4")
		echo "$with" >>"$data/with"
		echo "$without" >>"$data/without"
		awk -v a="$with" -v b="$without" 'BEGIN { print a / b }' >>"$data/ratios"
	done
	row "$1, with rstwatch" "$(median <"$data/with")" "$2" "$(median <"$data/without")" without \
		"$(sort -g "$data/ratios" | awk '{ value[NR] = $1 } END {
			printf "%.3f", (value[int((NR + 1) / 2)] + value[int(NR / 2) + 1]) / 2 }')"
}

bench_traffic()
{
	pairwise "short connections over loopback" conn/s ordinary $((connects / pairs))
	pairwise "one connection over loopback" MB/s bulk $((bulk / pairs))
}

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash disable=SC2154,SC2034
# What knowing the owners costs.

# slab_kib: what the kernel's own objects take, but for caches, which come and go.
slab_kib()
{
	awk '$1 == "SUnreclaim:" || $1 == "Percpu:" { sum += $2 } END { print sum }' /proc/meminfo
}

# keep_open COUNT: so many open sockets; their process is $keeper.
keep_open()
{
	: >"$data/kept"
	start ip netns exec "$server" "$work/connects" open "$1" >"$data/kept"
	keeper=$pid
	wait_for "opening $1 sockets" grep -qs ready "$data/kept"
}

# slab_per_socket: bytes, of sockets opened now.
slab_per_socket()
{
	local before after
	sleep 1
	before=$(slab_kib)
	keep_open "$kept" || return
	after=$(slab_kib)
	stop "$keeper"
	# They go with their processes, which takes a moment.
	sleep 3
	awk -v kib=$((after - before)) -v n="$kept" 'BEGIN { printf "%.1f\n", kib * 1024 / n }'
}

measure_memory_per_socket()
{
	local round before after
	rm -f "$data/"with* "$data/"maps
	slab_per_socket >/dev/null # what the kernel keeps for later stays
	for round in 1 2 3; do
		slab_per_socket >>"$data/without"
		watch -j || return
		slab_per_socket >>"$data/with"
		before=$(map_bytes "$watcher")
		keep_open "$kept" || return
		after=$(map_bytes "$watcher")
		echo "$before $after" | awk -v n="$kept" '{ print ($2 - $1) / n }' >>"$data/maps"
		stop "$keeper"
		stop "$watcher"
	done
	row "kernel memory a socket, of $kept" "$(median <"$data/with")" bytes \
		"$(median <"$data/without")" without
	row "  that the maps grow by" "$(median <"$data/maps")" bytes
}

# Starting with so many sockets that are there already.
measure_seeding()
{
	local with without
	without=$(tests/bench/first_line.py 7 "$rstwatch" -j)
	keep_open "$kept" || return
	with=$(tests/bench/first_line.py 7 "$rstwatch" -j)
	stop "$keeper"
	sleep 3
	row "exec to the first line, $kept sockets open" "$with" ms "$without" "none open"
}

measure_churn()
{
	local resident maps
	watch -j || return
	ordinary_rate ordinary $((churn / 50)) >/dev/null
	sleep 1
	resident=$(memory "$watcher" VmRSS) maps=$(map_bytes "$watcher")
	ip netns exec "$server" taskset -c "$load_cpu" timeout 600 "$work/connects" ordinary "$churn" \
		>/dev/null
	sleep 2
	row "VmRSS after $churn connections" "$(memory "$watcher" VmRSS)" KiB "$resident" before
	row "memory of the maps after them" $(($(map_bytes "$watcher") / 1024)) KiB \
		$((maps / 1024)) before
	stop "$watcher"
}

bench_owners()
{
	measure_memory_per_socket
	measure_seeding
	measure_churn
	pairwise "round trips over one connection" trips/s trips $((trips / pairs))
	pairwise "fork and exit" procs/s forks $((forks / pairs))
}

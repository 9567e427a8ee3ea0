# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash disable=SC2154,SC2034
# What the sections of the bench have in common: processes, the table, what the kernel tells of a
# process, the network and its floods. Sourced by tests/bench/run, which sets the variables.

# --- clean-up ---

# stop PID: ends a process that we started.
stop()
{
	local pid=$1 tries=0 index
	kill "$pid" 2>/dev/null
	while kill -0 "$pid" 2>/dev/null; do
		[ $((tries++)) -lt 100 ] || kill -KILL "$pid" 2>/dev/null
		sleep 0.05
	done
	wait "$pid" 2>/dev/null
	for index in "${!started[@]}"; do
		[ "${started[index]}" != "$pid" ] || unset "started[index]"
	done
}

clean_up()
{
	local pid
	trap '' INT TERM HUP
	for pid in "${started[@]}"; do
		stop "$pid"
	done
	ip netns del "$client" 2>/dev/null
	ip netns del "$server" 2>/dev/null
	[ -z "${data:-}" ] || rm -rf "$data"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# start COMMAND...: in the background; its process is $pid, standard error is $data/errors.
start()
{
	"$@" 2>"$data/errors" </dev/null &
	pid=$!
	started+=("$pid")
}

# wait_for WHAT COMMAND...: until the command succeeds, at most 20 s.
wait_for()
{
	local what=$1 tries=0
	shift
	until "$@"; do
		if ! kill -0 "$pid" 2>/dev/null || [ $((tries++)) -gt 400 ]; then
			echo "tests/bench/run: $what did not start:" >&2
			tail -n 5 "$data/errors" >&2
			return 1
		fi
		sleep 0.05
	done
}

# --- the table ---

# row WHAT VALUE UNIT [OTHER-VALUE AGAINST [RATIO]]
row()
{
	local ratio="" against=""
	if [ $# -ge 5 ]; then
		ratio=${6:-$(awk -v a="$2" -v b="$4" 'BEGIN { if (b > 0) printf "%.2f", a / b }')}
		against="$5 ($4)"
	fi
	printf '%-54s %12s %-9s %8s  %s\n' "$1" "$2" "$3" "$ratio" "$against"
}

median()
{
	sort -g | awk '
		{ value[NR] = $1 }
		END {
			middle = (value[int((NR + 1) / 2)] + value[int(NR / 2) + 1]) / 2
			printf middle < 100 ? "%.2f" : "%.0f", middle
		}'
}

# --- what the kernel tells of a process ---

# program_counters PID TRACEPOINT: nanoseconds and calls of its program on the tracepoint. A raw
# tracepoint's link names it; of bpftrace, its only program of type tracepoint (5) is meant.
program_counters()
{
	cat "/proc/$1/fdinfo/"* 2>/dev/null | awk -v tracepoint="$2" '
		$1 == "pos:" { type = "" }
		$1 == "prog_type:" { type = $2 }
		$1 == "prog_id:" { id = $2; if (type == 5) only = id }
		$1 == "run_time_ns:" { time[id] = $2 }
		$1 == "run_cnt:" { calls[id] = $2 }
		$1 == "tp_name:" && $2 == tracepoint { linked = id }
		END { id = linked ? linked : only; printf "%d %d\n", time[id], calls[id] }'
}

is_attached()
{
	grep -qs '^tp_name:.*tcp_receive_reset' "/proc/$1/fdinfo/"*
}

# map_bytes PID: memory of its maps.
map_bytes()
{
	cat "/proc/$1/fdinfo/"* 2>/dev/null | awk '
		$1 == "pos:" { bytes = 0 }
		$1 == "memlock:" { bytes = $2 }
		$1 == "map_id:" && bytes { map[$2] = bytes } # an iterator of a map has none
		END { for (id in map) sum += map[id]; print sum + 0 }'
}

# memory PID FIELD: VmRSS or VmHWM in KiB.
memory()
{
	awk -v field="$2:" '$1 == field { print $2 }' "/proc/$1/status"
}

# cpu_ms PID: by the scheduler's clock where there is one, in ticks otherwise.
cpu_ms()
{
	if [ -r "/proc/$1/schedstat" ]; then
		awk '{ printf "%.3f\n", $1 / 1e6 }' "/proc/$1/schedstat"
	else
		awk -v hertz="$(getconf CLK_TCK)" '{ printf "%.0f\n", ($14 + $15) * 1000 / hertz }' \
			"/proc/$1/stat"
	fi
}

# --- what makes resets ---

# Two namespaces and a cable; whatever the source address, the reset goes back the same way.
make_network()
{
	local name
	ip netns add "$client" && ip netns add "$server" &&
		ip link add to-server netns "$client" type veth peer name to-client netns "$server" &&
		ip -n "$client" addr add "$client_ip/24" dev to-server &&
		ip -n "$server" addr add "$server_ip/24" dev to-client &&
		ip -n "$client" link set to-server up && ip -n "$server" link set to-client up &&
		ip -n "$client" link set lo up && ip -n "$server" link set lo up &&
		ip -n "$server" route add default via "$client_ip" &&
		ip -n "$client" addr add "$client_ip6/64" dev to-server nodad &&
		ip -n "$server" addr add "$server_ip6/64" dev to-client nodad &&
		ip -n "$server" -6 route add default via "$client_ip6" || return 1
	for name in all default to-client; do
		ip netns exec "$server" sysctl -qw "net.ipv4.conf.$name.rp_filter=0"
	done
	ip netns exec "$server" sysctl -qw net.ipv4.tcp_max_tw_buckets=1000000 2>/dev/null
	ip netns exec "$client" ping -qc 1 -W 2 "$server_ip" >/dev/null 2>&1
	ip netns exec "$client" ping -qc 1 -W 2 "$server_ip6" >/dev/null 2>&1
	return 0
}

# flood SOURCES [TARGET]: of a closed port, from so many addresses, 0: ever new ones. Its process is
# $flood.
flood()
{
	start ip netns exec "$client" taskset -c "$load_cpu" \
		"$work/flood" "${2:-$server_ip}" 61000 "$1" 300 >/dev/null
	flood=$pid
	sleep 0.4
}

# sources_named SOURCES: in words.
sources_named()
{
	case $1 in
	0) echo "random sources" ;;
	1) echo "one source" ;;
	*) echo "$1 sources" ;;
	esac
}

# background WHAT [NUMBER]: traffic over loopback; its process is $flood.
background()
{
	start ip netns exec "$server" taskset -c "$load_cpu" timeout 120 \
		"$work/connects" "$1" "${2:-120}" >/dev/null
	flood=$pid
	sleep 0.4
}

out_rsts()
{
	ip netns exec "$server" cat /proc/net/snmp | awk '
		$1 == "Tcp:" && at { print $at }
		$1 == "Tcp:" { for (i = 1; i <= NF; i++) if ($i == "OutRsts") at = i }'
}

# watch COMMAND...: rstwatch, on its own CPU, output to nowhere; its process is $watcher.
watch()
{
	start taskset -c "$watch_cpu" "$rstwatch" "$@" >/dev/null
	watcher=$pid
	wait_for rstwatch is_attached "$watcher"
}

watch_with_bpftrace()
{
	: >"$data/out"
	start taskset -c "$watch_cpu" bpftrace "tests/bench/$1.bt" >"$data/out"
	watcher=$pid
	wait_for bpftrace grep -q ready "$data/out" && sleep 0.5
}

watch_with_tcpdump()
{
	start ip netns exec "$server" taskset -c "$watch_cpu" \
		tcpdump -nn -i to-client 'tcp[tcpflags] & tcp-rst != 0' >/dev/null
	watcher=$pid
	wait_for tcpdump grep -q 'listening on' "$data/errors"
}

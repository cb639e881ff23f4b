#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The histogram against a guest that halts for known times, known times over. Runs in the bed.

bats_require_minimum_version 1.5.0
load helper

# The least in the middle, so that both quantiles are of one length each.
HALTS=1:100,3:300,10:100,30:50
HALT_CNT=550

# What the guest's own account has on top of each halt: the way out and back in, in the bed.
WAY_BACK_NS=150000

# Edges between the lengths. What is below the first is no halt of the guest's: reads of MPERF that are some
# microseconds apart, in the bed.
EDGES='[500000, 1750000, 5500000, 17500000, 60000000]'

# Timers of the bed come late when the machine below is busy, and then a halt is longer than was ordered. By
# the guest's own account, no more than this share may be, or the run is void.
LATE_MAX_PCT=10

# own FILE: how long each of its halts was, sorted, by the guest's own account.
own() {
	jq -c --argjson back "$WAY_BACK_NS" '[.vcpus[0].segments[] | .[1] - .[0] - $back] | sort' "$1"
}

# late_pct FILE: of the halts, how many were a tenth and more longer than any length that was ordered.
late_pct() {
	own "$1" | jq '([.[] | select(. as $ns | [1e6, 3e6, 1e7, 3e7] | any($ns > . * 0.9 and $ns < . * 1.1 + 100000) | not)] |
		length) * 100 / length'
}

# halts_measured: a guest's halts, all of them within one interval, in $dir/report and $dir/halts.json.
halts_measured() {
	local tool
	guest_start halts --halts "$HALTS" --hold --linger --pin "$QUIET_CPU"
	timeout 60 "$GTIMEHALT" -j -H -p "$guest" -d 60 >"$dir/report" 3>&- &
	tool=$!
	sleep 3
	kill -USR1 "$guest"
	sleep 6
	kill "$tool"
	wait "$tool"
	guest_end
	check_report "$dir/report"
	jq -e --argjson cnt "$HALT_CNT" '[.vcpus[0].halts[].done] | add == $cnt' "$dir/halts.json" >/dev/null
}

# As in helper.bash, void is what the machine below did, never what was measured.
quiet_halts_measured() {
	local void mark stolen late
	dir=$BATS_TEST_TMPDIR
	for ((void = 0; void < VOID_MAX; void++)); do
		mark=$(stolen_mark "$QUIET_CPU")
		halts_measured
		stolen=$(stolen_percent "$QUIET_CPU" "$mark")
		late=$(late_pct "$dir/halts.json")
		jq -n -e "$stolen <= 0.5 and $late <= $LATE_MAX_PCT" >/dev/null && return
		echo "# void: ${stolen}% of the CPU was stolen, $late% of the halts were late" >&3
	done
	echo "void $VOID_MAX times: the machine below is too busy to measure on"
	return 1
}

# within A B PERCENT WHAT: A is B, give or take so many per cent of B.
within() {
	near "$1" "$2" "$(jq -n "$2 * $3 / 100")" "$4"
}

@test "halts of 1, 3, 10 and 30 ms: each in its bucket, as many as there were, as long as they were" {
	local histogram i shown counted halted
	quiet_halts_measured
	histogram=$(jq -c '.vms[0].vcpus[0].histogram' "$dir/report")
	[[ $(jq -c '.vms[0].total.histogram' "$dir/report") == "$histogram" ]]
	for i in 0 1 2 3; do
		shown=$(jq --argjson edges "$EDGES" --argjson i "$i" '[.buckets[] | select((.[0] + .[1]) / 2 >= $edges[$i] and
			(.[0] + .[1]) / 2 < $edges[$i + 1]) | .[2]] | add' <<<"$histogram")
		counted=$(own "$dir/halts.json" | jq --argjson edges "$EDGES" --argjson i "$i" \
			'[.[] | select(. >= $edges[$i] and . < $edges[$i + 1])] | length')
		printf '# of length %d: %d in the histogram, %d by the guest'\''s account\n' "$i" "$shown" "$counted" >&3
		within "$shown" "$counted" 2 "count of length $i"
	done
	within "$(jq .p50_ns <<<"$histogram")" "$(own "$dir/halts.json" | jq '.[length / 2 | floor]')" 7 p50
	within "$(jq .p99_ns <<<"$histogram")" "$(own "$dir/halts.json" | jq '.[length * 0.99 | floor]')" 7 p99
	halted=$(jq '.vms[0].vcpus[0].halted_ns' "$dir/report")
	printf '# p50 %s, p99 %s ns; halted %s ns in the histogram, %s by the counter\n' "$(jq .p50_ns <<<"$histogram")" \
		"$(jq .p99_ns <<<"$histogram")" "$(jq .halted_ns <<<"$histogram")" "$halted" >&3
	within "$(jq .halted_ns <<<"$histogram")" "$halted" 1 "sum of the histogram"
	jq -e '.count + .below_count' <<<"$histogram" >/dev/null
	[[ $(jq '.count + .below_count' <<<"$histogram") == $(jq '.vms[0].vcpus[0].entries' "$dir/report") ]]
}

@test "as text: one of all, one of each VM, one of each vCPU; nothing too wide" {
	local dir=$BATS_TEST_TMPDIR
	guest_start pair --vcpus 2 --busy 20,70 --pin "$OTHER_CPU,$QUIET_CPU"
	timeout 60 "$GTIMEHALT" -H -d 1 >"$dir/all"
	timeout 60 "$GTIMEHALT" -HP -m -d 1 >"$dir/vms"
	timeout 60 "$GTIMEHALT" -HL -N -d 1 >"$dir/vcpus"
	cat "$dir/all"
	[[ $(head -n 1 "$dir/all") == '1 VM, 2 vCPUs' && $(grep -c usecs.*distribution "$dir/all") == 1 ]]
	[[ $(head -n 1 "$dir/vms") == "pair, PID $guest, 2 vCPUs" && $(grep -c msecs.*distribution "$dir/vms") == 1 ]]
	[[ $(grep -c '^pair, vCPU [01], TID' "$dir/vcpus") == 2 && $(grep -c nsecs.*distribution "$dir/vcpus") == 2 ]]
	run ! grep -hE '.{80}' "$dir"/{all,vms,vcpus}
	# Busy loops halt in nobody's histogram.
	guest_end
	guest_start busy --busy 100 --pin "$QUIET_CPU"
	timeout 60 "$GTIMEHALT" -j -H -p "$guest" -d 2 >"$dir/busy"
	jq -e '.vms[0].total.histogram | .halted_ns < 2e7' "$dir/busy" >/dev/null || cat "$dir/busy"
}

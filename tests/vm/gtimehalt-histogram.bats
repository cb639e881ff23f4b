#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The histogram against a guest that halts for known times, known times over. Runs in the bed.

bats_require_minimum_version 1.5.0
load helper

# The tool with its durations in the bed's time, made by `make test-programs`: there two counters that are read
# one after the other can lie as far apart as a short halt on silicon is long.
STRETCHED=${STRETCHED:-$src/.output/tests/stretched/gtimehalt}

HALTS=1:200,3:200,10:100,30:50
HALT_CNT=550

# Edges between the lengths. While both CPUs of a virtual VM are busy, a halt of 1 ms can take 2 ms: the wake-up takes
# its turns. An edge there would have the two accounts disagree, as the guest's includes the way out.
EDGES='[500000, 2500000, 5500000, 17500000, 60000000]'

# The lengths that were ordered.
LENGTHS='[1e6, 3e6, 1e7, 3e7]'

# own FILE: how long each of its halts was, sorted, by the guest's own account; which has the way out and back in on top.
# How long that is, the machine below decides: of each length, but for one in twenty, cut short by something else, all
# were longer than ordered by more.
own() {
	jq -c --argjson lengths "$LENGTHS" '[.vcpus[0].segments[] | .[1] - .[0]] |
		group_by(. as $ns | [$lengths[] | select(. <= $ns)] | length) |
		map(sort | ([.[0] as $ns | $lengths[] | select(. <= $ns)] | max) as $ordered |
			(if $ordered then .[length / 20 | floor] - $ordered else 0 end) as $back | map(. - $back)) | add | sort' "$1"
}

# halts_measured: a guest's halts, all of them within one interval, in $dir/report and $dir/halts.json.
halts_measured() {
	local tool
	guest_start halts --halts "$HALTS" --hold --linger --pin "$QUIET_CPU"
	timeout 60 "$STRETCHED" -v -j -H -p "$guest" -d 60 >"$dir/report" 2>"$dir/report.stderr" 3>&- &
	tool=$!
	measuring "$dir/report.stderr"
	kill -USR1 "$guest"
	sleep 6
	kill "$tool"
	wait "$tool"
	guest_end
	check_report "$dir/report"
	jq -e --argjson cnt "$HALT_CNT" '[.vcpus[0].halts[].done] | add == $cnt' "$dir/halts.json" >/dev/null
}

# A quantile of buckets: the middle of the one in which it is.
# shellcheck disable=SC2016 # jq's own variables
quantile='def quantile($share): . as $buckets | (map(.[2]) | add * $share | ceil) as $rank |
	reduce $buckets[] as $b ({ seen: 0, ns: null };
		if .ns == null and .seen + $b[2] >= $rank then .ns = ($b[0] + $b[1]) / 2 else . end | .seen += $b[2]) | .ns;'

# of_length I: the buckets between two edges, and the guest's own halts.
of_length() {
	jq -c --argjson edges "$EDGES" --argjson i "$1" '[.buckets[] | select((.[0] + .[1]) / 2 >= $edges[$i] and
		(.[0] + .[1]) / 2 < $edges[$i + 1])]' <<<"$histogram"
}

own_of_length() {
	own "$dir/halts.json" | jq -c --argjson edges "$EDGES" --argjson i "$1" \
		'[.[] | select(. >= $edges[$i] and . < $edges[$i + 1])]'
}

# within A B PERCENT WHAT: A is B, give or take so many per cent of B.
within() {
	near "$1" "$2" "$(jq -n "$2 * $3 / 100")" "$4"
}

# bats test_tags=core
@test "halts of 1, 3, 10 and 30 ms: each in its bucket, as many as there were, as long as they were" {
	local dir histogram i buckets halts cnt p50 halted
	dir=$BATS_TEST_TMPDIR
	halts_measured
	histogram=$(jq -c '.vms[0].vcpus[0].histogram' "$dir/report")
	[[ $(jq -c '.vms[0].total.histogram' "$dir/report") == "$histogram" ]]
	for i in 0 1 2 3; do
		buckets=$(of_length "$i")
		halts=$(own_of_length "$i")
		cnt=$(jq 'map(.[2]) | add' <<<"$buckets")
		p50=$(jq "$quantile quantile(0.5)" <<<"$buckets")
		printf '# of length %d: %d, p50 %d ns; by the guest'\''s account %d, %d ns\n' "$i" "$cnt" "$p50" \
			"$(jq length <<<"$halts")" "$(jq '.[length / 2 | floor]' <<<"$halts")" >&3
		# One may have been cut in two, of which each side may have another opinion.
		near "$cnt" "$(jq length <<<"$halts")" "$(jq '[1, length * 0.02] | max' <<<"$halts")" "count of length $i"
		within "$p50" "$(jq '.[length / 2 | floor]' <<<"$halts")" 7 "p50 of length $i"
	done
	within "$(jq .p50_ns <<<"$histogram")" "$(own "$dir/halts.json" | jq '.[length / 2 | floor]')" 7 p50
	within "$(jq .p99_ns <<<"$histogram")" "$(own "$dir/halts.json" | jq '.[length * 0.99 | floor]')" 7 p99
	# What the tool makes of all buckets.
	jq -e "$quantile"' (.buckets | [quantile(0.5), quantile(0.9), quantile(0.99), quantile(1)]) ==
		[.p50_ns, .p90_ns, .p99_ns, .max_ns]' <<<"$histogram" >/dev/null
	halted=$(jq '.vms[0].vcpus[0].halted_ns' "$dir/report")
	printf '# p50 %s, p99 %s ns; halted %s ns in the histogram, %s by the counter\n' "$(jq .p50_ns <<<"$histogram")" \
		"$(jq .p99_ns <<<"$histogram")" "$(jq .halted_ns <<<"$histogram")" "$halted" >&3
	within "$(jq .halted_ns <<<"$histogram")" "$halted" 1 "sum of the histogram"
	[[ $(jq '.count + .below_count' <<<"$histogram") == $(jq '.vms[0].vcpus[0].entries' "$dir/report") ]]
}

# show OPTION...: for a second; how fast MPERF counts is not the question here.
show() {
	timeout 60 "$GTIMEHALT" --mperf-ratio 1 -d 1 "$@"
}

@test "as text: one of all, one of each VM, one of each vCPU; nothing too wide" {
	local dir=$BATS_TEST_TMPDIR
	guest_start pair --vcpus 2 --busy 20,70 --pin "$QUIET_CPU"
	show -H >"$dir/all"
	show -HP -m >"$dir/vms"
	show -HL -N >"$dir/vcpus"
	cat "$dir/all"
	[[ $(sed -n 2p "$dir/all") == '2 vCPUs of 1 VM on '* && $(grep -c 'usecs.*distribution' "$dir/all") == 1 ]]
	[[ $(sed -n 3p "$dir/vms") == "pair, PID $guest, 2 vCPUs" && $(grep -c 'msecs.*distribution' "$dir/vms") == 1 ]]
	[[ $(grep -c '^pair, vCPU [01], TID' "$dir/vcpus") == 2 && $(grep -c 'nsecs.*distribution' "$dir/vcpus") == 2 ]]
	run ! grep -hE '.{80}' "$dir"/{all,vms,vcpus}
}

@test "a busy loop has no halts worth a histogram" {
	guest_start busy --busy 100 --pin "$QUIET_CPU"
	show -j -H >"$BATS_TEST_TMPDIR/busy"
	jq -e '.vms[0].total | .busy_ns > 0.9 * .wall_ns and .histogram.halted_ns < 0.01 * .wall_ns' \
		"$BATS_TEST_TMPDIR/busy" >/dev/null || {
		cat "$BATS_TEST_TMPDIR/busy"
		return 1
	}
}

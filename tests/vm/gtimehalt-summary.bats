#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# --summary of a guest whose duty changes by plan, against the plan and the guest's own log. Runs in the bed.

bats_require_minimum_version 1.5.0
load helper

# own_idle RECORDING NAME: the share that the vCPU was halted, by the guest's own log, over the time of the summary. The log is in
# CLOCK_MONOTONIC, and so are the snapshots of the recording.
own_idle() {
	local from to
	from=$(sed -n 2p "$1" | jq .clock.monotonic_ns)
	to=$(tail -n 1 "$1" | jq .clock.monotonic_ns)
	"$ACCOUNT" "$BATS_TEST_TMPDIR/$2.json" --from "$from" --to "$to" --vm 0 --vcpu 0 | jq .share
}

# within FILE FILTER EXPECTED TOLERANCE
within() {
	near "$(jq ".vms[] | select(.name == \"duty\") | $2" "$1")" "$3" "$4" "$2"
}

@test "10 %, 90 % and 40 % busy in turn: mean, percentiles, worst minute and joined intervals as planned" {
	local dir=$BATS_TEST_TMPDIR sum=$BATS_TEST_TMPDIR/sum
	guest_start duty --busy 10,90,40 --turn-ms 200000 --seconds 700 --pin "$QUIET_CPU"
	timeout 700 "$GTIMEHALT" --summary -j --record "$dir/recording" -d 600 >"$dir/live"
	guest_end
	"$GTIMEHALT" --replay "$dir/recording" --summary -j >"$sum"
	cmp "$dir/live" "$sum"
	"$GTIMEHALT" --replay "$dir/recording" --summary >&2
	# Three parts of 200 s; an interval with a change of duty in it lies between the two.
	within "$sum" .busy.mean 0.4667 0.005
	within "$sum" .busy.p50 0.4 0.02
	within "$sum" .busy.p95 0.9 0.02
	within "$sum" .busy.max 0.9 0.02
	within "$sum" .busy.worst_minute 0.9 0.005
	within "$sum" .idle.p95 0.9 0.02
	within "$sum" .idle.mean "$(own_idle "$dir/recording" duty)" 0.004
	[[ $(jq '.vms[] | select(.name == "duty") | .enough_vcpus' "$sum") == 1 ]]
	# No 300 s are 90 % busy, because each duty lasts 200 s: (200 * 90 % + 100 * 40 %) / 300 = 73 % at most.
	"$GTIMEHALT" --replay "$dir/recording" --summary -j 300 >"$dir/joined"
	[[ $(jq .intervals "$dir/joined") == 2 ]]
	within "$dir/joined" .busy.mean 0.4667 0.005
	jq -e '.vms[] | select(.name == "duty") | .busy.max < 0.75' "$dir/joined"
	"$GTIMEHALT" --replay "$dir/recording" --summary -j --from 10 --to 40 >"$dir/part"
	[[ $(jq '.length_ns / 1e9 | round' "$dir/part") == 30 ]]
	jq -c . "$sum" >&2
}

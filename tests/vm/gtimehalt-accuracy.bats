#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# One vCPU, pinned to a CPU without a tick, against its own account of its halts. Runs in the bed, in virtual time.

bats_require_minimum_version 1.5.0
load helper

# Percent of loaded time.
halted_share() {
	vcpu_of "$1" "$2" "${3:-0}" | jq '100 * .halted_ns / .loaded_ns'
}

# against_own_account BUSY_PCT
against_own_account() {
	local out=$BATS_TEST_TMPDIR/out.json shown own
	guest_start duty --busy "$1" --pin "$QUIET_CPU"
	measure "$out" -p "$guest" -d 2
	guest_end
	shown=$(halted_share "$out" duty)
	own=$(own_share "$out" duty)
	printf '# %s%% busy: %.2f%% halted, by its own account %.2f%%\n' "$1" "$shown" "$own" >&3
	near "$shown" "$own" "$TOLERANCE_POINTS" "halted share"
	# That it is the duty that was asked for, and not two accounts of something else.
	near "$own" $((100 - $1)) 5 "duty"
	loaded_all_along "$out" duty
}

# Pinned and alone, a vCPU is loaded from the first nanosecond of the interval to the last.
loaded_all_along() {
	local row
	row=$(vcpu_of "$1" "$2" 0)
	near "$(jq '100 * .loaded_ns / .wall_ns' <<<"$row")" 100 1.0 "loaded share of wall"
	near "$(jq '.wall_ns' <<<"$row")" "$(jq -s '.[0].interval_ns' "$1")" 10000000 "wall"
}

@test "0 % busy: halted as the guest says" {
	against_own_account 0
}

@test "1 % busy: halted as the guest says" {
	against_own_account 1
}

# bats test_tags=core
@test "30 % busy: halted as the guest says" {
	against_own_account 30
}

@test "80 % busy: halted as the guest says" {
	against_own_account 80
}

@test "100 % busy: halted as the guest says" {
	against_own_account 100
}

# bats test_tags=core
@test "a guest that spins with PAUSE is not halted at all" {
	local out=$BATS_TEST_TMPDIR/out.json shown
	guest_start pause --busy 30 --idle pause --pin "$QUIET_CPU"
	measure "$out" -p "$guest" -d 2
	shown=$(halted_share "$out" pause)
	printf '# PAUSE: %.3f%% halted\n' "$shown" >&3
	jq -n -e "$shown < 0.1" >/dev/null
	loaded_all_along "$out" pause
}

# bats test_tags=core
@test "with HLT exits the host sees the halts: blocked, not halted" {
	local out=$BATS_TEST_TMPDIR/out.json shown own blocked
	guest_start exits --busy 30 --hlt exit --pin "$QUIET_CPU"
	measure "$out" -p "$guest" -d 2
	guest_end
	shown=$(halted_share "$out" exits)
	own=$(own_share "$out" exits)
	blocked=$(vcpu_of "$out" exits 0 | jq '100 * .blocked_ns / .wall_ns')
	printf '# HLT exits: %.2f%% halted, %.2f%% blocked, by its own account %.2f%% halted\n' \
		"$shown" "$blocked" "$own" >&3
	jq -n -e "$shown < 0.1" >/dev/null
	near "$blocked" "$own" 0.3 "blocked share"
}

# apart: two guests on one CPU, of which one always halts and one never does. What the first one does not halt is the
# work of its timer and of KVM, about 3 % of its time here.
apart() {
	local out=$BATS_TEST_TMPDIR/out.json halter spinner
	guest_start halter --busy 0 --pin "$QUIET_CPU"
	guest_start spinner --busy 100 --pin "$QUIET_CPU"
	clamped_max=1000 measure "$out" 1 3
	guest_end
	halter=$(halted_share "$out" halter)
	spinner=$(halted_share "$out" spinner)
	printf '# on one CPU: halted %.2f%% and %.2f%%\n' "$halter" "$spinner" >&3
	near "$spinner" 0 0.3 "halted share"
	near "$halter" 97.5 2.5 "halted share"
}

# bats test_tags=core
@test "two guests on one CPU: each has its own halts" {
	apart
}

# bats test_tags=core
@test "the test above fails with a build that has no hook on loads" {
	local broken=$src/.output/tests/broken/gtimehalt
	[[ -x $broken ]]
	# `run` goes on behind what fails: near() says so.
	GTIMEHALT=$broken run apart
	printf '%s\n' "$output"
	[[ $output == *'halted share: '*' differ by more than '* ]]
}

# bats test_tags=core
@test "the tests above fail with an MPERF rate that is off by half a per cent" {
	local tool=$BATS_TEST_TMPDIR/tool
	printf '#!/bin/sh\nexec %s --mperf-ratio 0.995 "$@"\n' "$GTIMEHALT" >"$tool"
	chmod +x "$tool"
	GTIMEHALT=$tool clamped_max=1000 run against_own_account 80
	printf '%s\n' "$output"
	[[ $output == *'halted share: '*' differ by more than '* ]]
}

@test "the first interval is whole, and so is every one after it" {
	local out=$BATS_TEST_TMPDIR/out.json
	guest_start duty --busy 50 --pin "$QUIET_CPU"
	measure "$out" -p "$guest" 0.5 6
	jq -s -e 'length == 6 and all(.[]; .vms[0].vcpus[0] |
		(.loaded_ns / .wall_ns) > 0.99 and (.loaded_ns / .wall_ns) < 1.01)' "$out" >/dev/null
	# No nanosecond between two intervals.
	jq -s -e '[.[:-1], .[1:]] | transpose |
		all(.[]; .[0].end_monotonic_ns == .[1].start_monotonic_ns)' "$out" >/dev/null
}

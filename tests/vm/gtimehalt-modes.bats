#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Both modes, every hook, and MPERF at other rates, against the guest's own account. Runs in the bed,
# on every kernel.

bats_require_minimum_version 1.5.0
load helper

# The hooks that this kernel can do.
hooks() {
	[[ ! -e /sys/kernel/btf/kvm ]] || echo fentry
	echo kprobe
	echo tracepoint
}

share() {
	vcpu_of "$1" duty 0 | jq '100 * .halted_ns / .loaded_ns'
}

# against_own_account FILE WHAT
against_own_account() {
	local shown own
	shown=$(share "$1")
	own=$(own_share "$1" duty)
	printf '# %s: %.2f%% halted, by its own account %.2f%%\n' "$2" "$shown" "$own" >&3
	near "$shown" "$own" "$TOLERANCE_POINTS" "$2"
	near "$(vcpu_of "$1" duty 0 | jq '100 * .loaded_ns / .wall_ns')" 100 1.0 "loaded"
}

# accurate_in_both_modes BUSY_PCT: one after the other, on one guest.
accurate_in_both_modes() {
	local dir=$BATS_TEST_TMPDIR
	guest_start duty --busy "$1" --pin "$QUIET_CPU"
	measure "$dir/entry" --mode entry -p "$guest" -d 2
	measure "$dir/switch" --mode switch -p "$guest" -d 2
	guest_end
	against_own_account "$dir/entry" "entry mode, $1 % busy"
	against_own_account "$dir/switch" "switch mode, $1 % busy"
	# What switch mode does not know, it does not show.
	vcpu_of "$dir/switch" duty 0 | jq -e \
		'[.guest_ns, .busy_ns, .host_ns, .entries] == [null, null, null, null]' >/dev/null
}

@test "both modes: 1 % busy" {
	accurate_in_both_modes 1
}

# bats test_tags=core
@test "both modes: 30 % busy" {
	accurate_in_both_modes 30
}

@test "both modes: 80 % busy" {
	accurate_in_both_modes 80
}

# Their spans are not the same, so each is held against what the guest says of its own.
@test "both modes at the same time agree with the guest" {
	local dir=$BATS_TEST_TMPDIR tool
	guest_start duty --busy 40 --pin "$QUIET_CPU"
	timeout 60 "$GTIMEHALT" -j --mode switch -p "$guest" -d 4 >"$dir/switch" 3>&- &
	tool=$!
	timeout 60 "$GTIMEHALT" -j --mode entry -p "$guest" -d 4 >"$dir/entry" 3>&-
	wait "$tool"
	check_report "$dir/entry"
	check_report "$dir/switch"
	guest_end
	against_own_account "$dir/entry" 'entry, beside switch'
	against_own_account "$dir/switch" 'switch, beside entry'
}

# bats test_tags=core-newest
@test "every hook this kernel has: accurate, and guest time within loaded" {
	local hook
	for hook in $(hooks); do
		guest_start duty --busy 50 --pin "$QUIET_CPU"
		measure "$BATS_TEST_TMPDIR/$hook" --hook "$hook" -p "$guest" -d 2
		guest_end
		against_own_account "$BATS_TEST_TMPDIR/$hook" "$hook"
		# Host time is short for such a guest: a hook that missed stints would show it long.
		vcpu_of "$BATS_TEST_TMPDIR/$hook" duty 0 |
			jq -e '.entries > 10 and .host_ns < .loaded_ns * 0.1' >/dev/null || {
			vcpu_of "$BATS_TEST_TMPDIR/$hook" duty 0
			return 1
		}
	done
}

@test "a hook that this kernel does not have: exit 3" {
	[[ ! -e /sys/kernel/btf/kvm ]] || skip "this kernel has them all"
	run -3 --separate-stderr "$GTIMEHALT" --hook fentry 1 1
	[[ -z $output && $stderr == "gtimehalt: "*BTF* ]]
}

set_rate() {
	local cpu
	for cpu in 0 1; do
		mperf_set_rate "$cpu" "$1"
	done
}

# bats test_tags=core
@test "MPERF at 0.97 of TSC: calibrated, shown, and as accurate" {
	local dir=$BATS_TEST_TMPDIR ratio
	set_rate 970000
	guest_start duty --busy 60 --pin "$QUIET_CPU"
	measure "$dir/out" -p "$guest" -d 2
	"$GTIMEHALT" -p "$guest" -d 1 >"$dir/table"
	# Far off, so that all is clamped: only that it is taken is tested.
	"$GTIMEHALT" -j -p "$guest" -d 1 --mperf-ratio 0.5 >"$dir/given"
	guest_end
	set_rate 1000000
	ratio=$(jq '.mperf_ratio' "$dir/out")
	printf '# calibrated to %s\n' "$ratio" >&3
	near "$ratio" 0.97 0.001 "the ratio"
	against_own_account "$dir/out" "MPERF at 0.97"
	near "$(sed -n -E 's/^# MPERF counts at ([0-9.]+) times .*/\1/p' "$dir/table")" 0.97 0.001 "as shown"
	[[ $(jq '.mperf_ratio' "$dir/given") == 0.5 ]]
}

# bats test_tags=core
@test "MPERF stands still: no numbers, exit 3" {
	guest_start duty --busy 60 --pin "$QUIET_CPU"
	set_rate 0
	run -3 --separate-stderr "$GTIMEHALT" -p "$guest" -d 1
	set_rate 1000000
	[[ -z $output && $stderr == "gtimehalt: MPERF "* && $(wc -l <<<"$stderr") == 1 ]]
}

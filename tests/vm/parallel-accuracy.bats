#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# bats file_tags=parallel
#
# One accuracy test a mode on CPUs that run at the same time, in the time of the machine below: what virtual time, where
# CPUs take turns, might hide. A busy machine makes the measurement void, and the test a skip.

bats_require_minimum_version 1.5.0
load helper

# against_own_account MODE
against_own_account() {
	local out=$BATS_TEST_TMPDIR/out.json shown own
	guest_start duty --busy 30 --pin "$QUIET_CPU"
	quiet_measure "$out" --mode "$1" -p "$guest" -d 3
	guest_end
	shown=$(vcpu_of "$out" duty 0 | jq '100 * .halted_ns / .loaded_ns')
	own=$(own_share "$out" duty)
	printf '# %s mode: %.2f%% halted, by its own account %.2f%%\n' "$1" "$shown" "$own" >&3
	near "$shown" "$own" "$TOLERANCE_POINTS" "halted share"
	near "$own" 70 5 "duty"
}

# bats test_tags=core
@test "entry mode, 30 % busy: halted as the guest says" {
	against_own_account entry
}

# bats test_tags=core
@test "switch mode, 30 % busy: halted as the guest says" {
	against_own_account switch
}

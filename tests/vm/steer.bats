#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# bats file_tags=boot:plain
#
# gtimehalt-steer on a ticking host of two CPUs. The judge is the host's scheduler: how long each vCPU's thread waited
# for its CPU (schedstat), and how much CPU housekeeping got (cpu.stat).

bats_require_minimum_version 1.5.0
load helper
load steer

# Seconds of a measurement, and the least baseline that shows anything.
SECONDS_JUDGED=4
BASELINE_MIN_PCT=10
STEERED_MAX_PCT=1

setup() {
	guest_options=()
}

teardown() {
	steer_teardown
}

# CPU 1 polls, CPU 0 is halted; a stressor may use both. Delays and use without steering, pinned by hand to the halted
# CPU, and steered.
against_baseline() {
	local baseline by_hand
	steer_setup "$@"
	vcpus 0=0 1=100
	stress hk
	away_from 0
	judge "$SECONDS_JUDGED" 1
	baseline=${delay_pct[1]}
	holds "$baseline >= $BASELINE_MIN_PCT" 'without steering the vCPU waits'
	taskset -cp 0 "${stressors[0]}" >/dev/null
	judge "$SECONDS_JUDGED" 1
	by_hand=$used_pct
	taskset -cp 0,1 "${stressors[0]}" >/dev/null
	steer_start hk
	becomes 0 given hk
	judge "$SECONDS_JUDGED" 1
	printf '# waits %s%% without, %s%% with; housekeeping has %s%% of a CPU, %s%% when pinned by hand\n' \
		"$baseline" "${delay_pct[1]}" "$used_pct" "$by_hand" >&3
	holds "${delay_pct[1]} <= $STEERED_MAX_PCT" 'with steering it does not'
	holds "$used_pct >= 0.9 * $by_hand" 'housekeeping has what it would have by hand'
	steer_end
}

# bats test_tags=core
@test "a polling vCPU is not preempted, in cgroups with the cpu controller" {
	against_baseline cpu
}

@test "the same without the cpu controller" {
	against_baseline
}

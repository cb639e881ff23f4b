#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# bats file_tags=boot:four
#
# gtimehalt-steer on a ticking host with four CPUs: two vCPUs poll, two are halted, two stressors may use all CPUs.

bats_require_minimum_version 1.5.0
load helper
load steer

setup() {
	guest_options=(--seconds 1000)
}

teardown() {
	steer_teardown
}

# delays: prints the delays of the two polling vCPUs, and what housekeeping got.
delays() {
	printf '%s%% and %s%%, housekeeping gets %s%%' "${delay_pct[2]}" "${delay_pct[3]}" "$used_pct"
}

# judged_well BY_HAND MAX WHAT: the polling vCPUs do not wait, and housekeeping gets its share.
judged_well() {
	holds "${delay_pct[2]} <= $2 && ${delay_pct[3]} <= $2" "$3: the polling vCPUs do not wait"
	holds "$used_pct >= $BY_HAND_MIN_SHARE * $1" "$3: housekeeping gets as much CPU time as when pinned by hand"
}

@test "four CPUs: two polling vCPUs are not preempted, with cpusets and with --sched" {
	local by_hand pid
	steer_setup cpu
	vcpus 0=0 1=0 2=100 3=100
	stress hk
	stress hk
	stay_on 0
	judge "$SECONDS_JUDGED" 2 3
	echo "# without steering: the polling vCPUs wait $(delays)" >&3
	holds "${delay_pct[2]} + ${delay_pct[3]} >= 2 * $BASELINE_MIN_PCT" 'without steering the vCPUs wait'
	for pid in "${stressors[@]}"; do
		taskset -cp 0,1 "$pid" >/dev/null
	done
	judge "$SECONDS_JUDGED" 2 3
	by_hand=$used_pct
	echo "# pinned by hand: $(delays)" >&3
	for pid in "${stressors[@]}"; do
		taskset -cp 0-3 "$pid" >/dev/null
	done
	steer_start hk
	becomes 0-1 given hk
	judge "$SECONDS_JUDGED" 2 3
	echo "# cpusets: $(delays)" >&3
	judged_well "$by_hand" "$STEERED_MAX_PCT" cpusets
	steer_end
	[[ -e /sys/kernel/sched_ext/state ]] || return 0
	steer_start --sched
	sleep 1
	judge "$SECONDS_JUDGED" 2 3
	echo "# --sched: $(delays)" >&3
	judged_well "$by_hand" 0.1 --sched
	steer_end
}

@test "four CPUs, one of four vCPUs is halted: housekeeping runs there" {
	steer_setup cpu
	vcpus 0=0 1=100 2=100 3=100
	stress hk
	stress hk
	stay_on 0
	steer_start hk
	becomes 0 given hk
	judge "$SECONDS_JUDGED" 2 3
	echo "# cpusets: $(delays)" >&3
	holds "${delay_pct[2]} <= $STEERED_MAX_PCT && ${delay_pct[3]} <= $STEERED_MAX_PCT" 'the polling vCPUs do not wait'
	steer_end
}

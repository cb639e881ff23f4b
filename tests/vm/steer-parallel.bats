#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# bats file_tags=parallel,boot:plain
#
# Tests of steer.bats that also run with CPUs in parallel; steer.bats runs in virtual time. On a busy machine the
# measurement is void and the test is skipped.

bats_require_minimum_version 1.5.0
load helper
load steer

# The vCPU that is judged is on CPU 1; housekeeping is on CPU 0 when it is pinned by hand and when it is steered.
JUDGED_QUIET='0=5 1=0.5'

setup() {
	guest_options=(--seconds 1000)
}

teardown() {
	steer_teardown
}

@test "a polling vCPU is not preempted, in cgroups with the cpu controller" {
	against_baseline cpu
}

@test "a polling vCPU is not preempted, in cgroups without the cpu controller" {
	against_baseline
}

@test "vCPUs that swap roles every 4 s: the polling vCPU is hardly preempted" {
	swapping hk
}

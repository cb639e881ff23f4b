#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# On ordinary CPUs, whose tick makes the guest exit 250 times a second. An exit is long here and spoils
# the guest's own account, so the witness is the kernel's own: perf counts TSC and MPERF of the vCPU's
# thread while it is on a CPU. Runs in the bed, booted with --plain, on every kernel.

bats_require_minimum_version 1.5.0
load helper
load perf

# QEMU's own threads share a core with the one CPU, and perf and the tool run there too.
clamped_max=10

# against_perf NAME BUSY_PCT: both modes, each against perf over the same seconds.
against_perf() {
	local mode
	for mode in entry switch; do
		measure_beside_perf "$BATS_TEST_TMPDIR/$mode" "$guest" -p "$guest" --mode "$mode"
		near_perf "$BATS_TEST_TMPDIR/$mode" duty "$1, $mode, $2% busy" loaded
	done
}

@test "pinned, 1 % busy: as perf counts it" {
	guest_start duty --busy 1 --pin 1
	against_perf pinned 1
}

@test "pinned, 30 % busy: as perf counts it" {
	guest_start duty --busy 30 --pin 1
	against_perf pinned 30
}

@test "pinned, 80 % busy: as perf counts it" {
	guest_start duty --busy 80 --pin 1
	against_perf pinned 80
}

@test "moved between CPUs ten times a second: as perf counts it" {
	local mover tid
	guest_start duty --busy 50
	tid=$(vcpu_tid "$guest")
	(
		for ((i = 0; i < 600; i++)); do
			taskset -pc $((i % 2)) "$tid" >/dev/null 2>&1 || exit 0
			sleep 0.1
		done
	) 3>&- &
	mover=$!
	against_perf moved 50
	kill "$mover"
	wait "$mover" || :
}

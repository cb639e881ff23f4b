#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# bats file_tags=boot:plain
#
# On ordinary CPUs, whose tick makes the guest exit 250 times a second. An exit is long here and spoils
# the guest's own account, so the witness is the kernel's own: perf counts TSC and MPERF of the vCPU's
# thread while it is on a CPU. Runs in the bed, booted with --plain, on every kernel.

bats_require_minimum_version 1.5.0
load helper
load perf

# QEMU's own threads share a core with the one CPU, and perf and the tool run there too.
clamped_max=10

# against_perf NAME BUSY_PCT MODE...: these modes at once, against perf over the same seconds.
against_perf() {
	local mode name=$1 busy_pct=$2
	shift 2
	for mode; do
		begin_beside "$BATS_TEST_TMPDIR/$mode" -p "$guest" --mode "$mode"
	done
	perf_beside "$guest"
	for mode; do
		near_perf "$BATS_TEST_TMPDIR/$mode" duty "$name, $mode, $busy_pct% busy" loaded
	done
}

@test "pinned, 1 % busy: as perf counts it" {
	guest_start duty --busy 1 --pin 1
	against_perf pinned 1 entry switch
}

# bats test_tags=core-oldest
@test "pinned, 30 % busy: as perf counts it" {
	guest_start duty --busy 30 --pin 1
	against_perf pinned 30 entry switch
}

@test "pinned, 80 % busy: as perf counts it" {
	guest_start duty --busy 80 --pin 1
	against_perf pinned 80 entry switch
}

@test "moved between CPUs ten times a second: as perf counts it" {
	local mover tid PERF_SECONDS=30
	guest_start duty --busy 50
	tid=$(vcpu_tid "$guest")
	(
		for ((i = 0; i < 1000; i++)); do
			taskset -pc $((i % 2)) "$tid" >/dev/null 2>&1 || exit 0
			sleep 0.1
		done
	) 3>&- &
	mover=$!
	# One at a time: with both, each was 0.3 to 0.4 points off what perf says, which is twice as much.
	against_perf moved 50 entry
	against_perf moved 50 switch
	kill "$mover"
	wait "$mover" || :
}

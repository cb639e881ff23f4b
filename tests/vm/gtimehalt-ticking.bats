#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# On ordinary CPUs, whose tick makes the guest exit 250 times a second. An exit is long here and spoils
# the guest's own account, so the witness is the kernel's own: perf counts TSC and MPERF of the vCPU's
# thread while it is on a CPU. Runs in the bed, booted with --plain, on every kernel.

bats_require_minimum_version 1.5.0
load helper

# QEMU's own threads share a core with the one CPU, and perf and the tool run there too.
clamped_max=10

# witness: what perf makes of the thread in 10 s, as per cent halted; when the 10 s began and ended goes to
# $BATS_TEST_TMPDIR/span. They are perf's own: before it counts it starts up, during which the guest is
# made to exit ten times as often as otherwise.
witness() {
	local dir=$BATS_TEST_TMPDIR
	# CLOCK_BOOTTIME, which is CLOCK_MONOTONIC on a machine that was never suspended.
	# shellcheck disable=SC2016 # for the inner shell
	perf stat -x, -o "$dir/perf" -e '{msr/tsc/,msr/mperf/}' -t "$tid" -- bash -c '
		read -r from _ </proc/uptime
		sleep 10
		read -r to _ </proc/uptime
		echo "${from/./}0000000 ${to/./}0000000" >"$1"' - "$dir/span"
	awk -F, '$3 ~ /tsc/ { tsc = $1 } $3 ~ /mperf/ { mperf = $1 }
		END { if (!tsc) exit 1; print 100 * (tsc - mperf) / tsc }' "$dir/perf"
}

# shown_between FILE FROM_NS TO_NS: what the tool makes of it in the intervals that begin and end there.
shown_between() {
	jq -s --argjson from "$2" --argjson to "$3" '
		[.[] | select(.start_monotonic_ns >= $from and .end_monotonic_ns <= $to) |
			.vms[] | select(.name == "duty") | .vcpus[]] |
		if length < 80 then error("too few intervals") else . end |
		100 * (map(.halted_ns) | add) / (map(.loaded_ns) | add)' "$1"
}

# The thread of the one vCPU of $guest.
vcpu_tid() {
	grep -l '^CPU 0/KVM' "/proc/$guest"/task/*/comm | sed 's:.*/task/\([0-9]*\)/comm:\1:'
}

# against_perf NAME BUSY_PCT: both modes, each against perf over the same seconds: perf starts when the
# tool has, for its attaching makes the guest exit, and ends before it does. The intervals are short since
# those at perf's two ends are left out, and the share is not the same at all times.
against_perf() {
	local mode out shown witness tool from to
	for mode in entry switch; do
		out=$BATS_TEST_TMPDIR/$mode
		timeout 60 "$GTIMEHALT" -j --mode "$mode" -p "$guest" 0.1 400 >"$out" 3>&- &
		tool=$!
		while [[ ! -s $out ]]; do
			sleep 0.2
		done
		witness=$(witness)
		read -r from to <"$BATS_TEST_TMPDIR/span"
		kill "$tool"
		wait "$tool"
		check_report "$out"
		shown=$(shown_between "$out" "$from" "$to")
		printf '# %s, %s, %s%% busy: %.2f%% halted, perf says %.2f%%\n' \
			"$1" "$mode" "$2" "$shown" "$witness" >&3
		near "$shown" "$witness" 0.5 "$1, $mode"
	done
}

@test "pinned, 1 % busy: as perf counts it" {
	guest_start duty --busy 1 --pin 1
	tid=$(vcpu_tid)
	against_perf pinned 1
}

@test "pinned, 30 % busy: as perf counts it" {
	guest_start duty --busy 30 --pin 1
	tid=$(vcpu_tid)
	against_perf pinned 30
}

@test "pinned, 80 % busy: as perf counts it" {
	guest_start duty --busy 80 --pin 1
	tid=$(vcpu_tid)
	against_perf pinned 80
}

@test "moved between CPUs ten times a second: as perf counts it" {
	local mover
	guest_start duty --busy 50
	tid=$(vcpu_tid)
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

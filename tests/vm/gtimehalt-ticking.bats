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

# witness_while FILE COMMAND...: what perf makes of the thread while the command writes to the file, as
# per cent halted.
witness_while() {
	local out=$BATS_TEST_TMPDIR/perf file=$1
	shift
	perf stat -x, -o "$out" -e '{msr/tsc/,msr/mperf/}' -t "$tid" -- "$@" >"$file"
	awk -F, '$3 ~ /tsc/ { tsc = $1 } $3 ~ /mperf/ { mperf = $1 }
		END { if (!tsc) exit 1; print 100 * (tsc - mperf) / tsc }' "$out"
}

# The thread of the one vCPU of $guest.
vcpu_tid() {
	grep -l '^CPU 0/KVM' "/proc/$guest"/task/*/comm | sed 's:.*/task/\([0-9]*\)/comm:\1:'
}

# against_perf NAME BUSY_PCT: both modes, each against perf over the same seconds.
against_perf() {
	local mode out shown witness
	for mode in entry switch; do
		out=$BATS_TEST_TMPDIR/$mode
		witness=$(witness_while "$out" \
			timeout 60 "$GTIMEHALT" -j --mode "$mode" -p "$guest" -d 5 3>&-)
		check_report "$out"
		shown=$(vcpu_of "$out" duty 0 | jq '100 * .halted_ns / .loaded_ns')
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
		for ((i = 0; i < 400; i++)); do
			taskset -pc $((i % 2)) "$tid" >/dev/null 2>&1 || exit 0
			sleep 0.1
		done
	) 3>&- &
	mover=$!
	against_perf moved 50
	kill "$mover"
	wait "$mover" || :
}

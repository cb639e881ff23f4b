#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vCPUs whose VMM sleeps in user mode: their threads leave the CPU with no vCPU loaded, unseen by any hook,
# and what runs there next tells of it: the idle task, another thread, another vCPU. Against perf, for a
# guest does not know when another thread has its CPU. Runs in the bed, on every kernel, also with --plain.

bats_require_minimum_version 1.5.0
load helper
load perf

# Halted 30 ms, then asleep 15 ms, 21 times a second: a way out and back in takes some 0.1 ms in the bed.
SLEEPER=(--halts 30:3000 --vmm-sleep-us 15000)
OTHER=(--halts 15:6000 --vmm-sleep-us 22500)

# Per mille of an interval of 100 ms. A forced read takes up to 2 ms here, a hundred times as long as on silicon. The
# scheduler leaves such interrupts out of the run time of threads, and subtracts some from the next thread instead
# (update_rq_clock_task() in kernel/sched/core.c), so that a guest ran for longer than its thread.
clamped_max=25

# The cycles of sleep and halts are 45 ms and more.
PERF_SECONDS=30

rival=''

teardown() {
	[[ -z $rival ]] || kill "$rival" 2>/dev/null || :
	guest_end
}

# against_perf OPTION...: the guest "sleeper", whose process is $guest, halted and loaded.
against_perf() {
	local file=$BATS_TEST_TMPDIR/out loaded ran
	begin_beside "$file" "$@"
	perf_beside "$guest"
	near_perf "$file" sleeper "$BATS_TEST_DESCRIPTION" wall
	loaded=$(jq -n "100 * $(shown_in_span "$file" sleeper .loaded_ns) / $(shown_in_span "$file" sleeper .wall_ns)")
	ran=$(perf_on_cpu)
	printf '# %s: %.2f%% loaded, on a CPU %.2f%%\n' "$BATS_TEST_DESCRIPTION" "$loaded" "$ran" >&3
	# Less by user mode, in which no vCPU is loaded.
	jq -n -e "$ran - $loaded > -0.2 and $ran - $loaded < 2.5" >/dev/null
	# That it did leave the CPU, and was not there all along.
	jq -n -e "$loaded < 80" >/dev/null
}

@test "the CPU goes idle meanwhile" {
	guest_start sleeper "${SLEEPER[@]}" --pin "$QUIET_CPU"
	against_perf
}

@test "the CPU goes idle meanwhile, switch mode" {
	guest_start sleeper "${SLEEPER[@]}" --pin "$QUIET_CPU"
	against_perf --mode switch
}

@test "another thread runs meanwhile" {
	taskset -c "$QUIET_CPU" nice -n 19 sh -c 'while :; do :; done' 3>&- &
	rival=$!
	guest_start sleeper "${SLEEPER[@]}" --pin "$QUIET_CPU"
	against_perf
}

# bats test_tags=core
@test "another vCPU halts there meanwhile" {
	guest_start other "${OTHER[@]}" --pin "$QUIET_CPU"
	guest_start sleeper "${SLEEPER[@]}" --pin "$QUIET_CPU"
	against_perf
}

@test "a VM that is not asked for halts there meanwhile" {
	guest_start other "${OTHER[@]}" --pin "$QUIET_CPU"
	guest_start sleeper "${SLEEPER[@]}" --pin "$QUIET_CPU"
	against_perf -p "$guest"
}

@test "the sums of the CPUs close" {
	guest_start other "${OTHER[@]}" --pin "$QUIET_CPU"
	guest_start sleeper "${SLEEPER[@]}" --pin "$QUIET_CPU"
	run --separate-stderr "$GTIMEHALT" --check -d 5
	printf '%s\n' "$output" "$stderr"
	printf '# %s\n' "${lines[-1]}" >&3
	[[ $status == 0 && ${lines[-1]} == 'PASS: '* ]]
}

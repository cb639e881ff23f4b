#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vCPUs whose VMM sleeps in user mode: their threads leave the CPU with no vCPU loaded, unseen by any hook,
# and what runs there next tells of it: the idle task, another thread, another vCPU. Runs in the bed.

bats_require_minimum_version 1.5.0
load helper

# Halted 20 ms, then asleep 10 ms, some 30 times a second.
SLEEPER=(--halts 20:2000 --vmm-sleep-us 10000)

rivals=()

teardown() {
	((!${#rivals[@]})) || kill "${rivals[@]}" 2>/dev/null || :
	guest_end
}

# The thread of the one vCPU of process $1.
vcpu_tid() {
	grep -l '^CPU 0/KVM' "/proc/$1"/task/*/comm | sed 's:.*/task/\([0-9]*\)/comm:\1:'
}

# on_cpu_ns PID TID: time on a CPU, by the scheduler's own account.
on_cpu_ns() {
	cut -d ' ' -f 1 "/proc/$1/task/$2/schedstat"
}

# against_witnesses NAME PID: halted against the guest's account, loaded against the scheduler's.
against_witnesses() {
	local name=$1 pid=$2 dir=$BATS_TEST_TMPDIR tid before after begin end shown own loaded ran
	tid=$(vcpu_tid "$pid")
	begin=$(awk '{ print $1 }' /proc/uptime) before=$(on_cpu_ns "$pid" "$tid")
	measure "$dir/out" -p "$pid" -d 8
	after=$(on_cpu_ns "$pid" "$tid") end=$(awk '{ print $1 }' /proc/uptime)
	guest_end
	shown=$(vcpu_of "$dir/out" "$name" 0 | jq '100 * .halted_ns / .wall_ns')
	loaded=$(vcpu_of "$dir/out" "$name" 0 | jq '100 * .loaded_ns / .wall_ns')
	own=$(own_share "$dir/out" "$name")
	# The scheduler's span is longer by what the tool takes to start; the load is the same all along.
	ran=$(jq -n "($after - $before) / ($end - $begin) / 1e7")
	printf '# %s: %.2f%% halted, by its own account %.2f%%; %.2f%% loaded, the scheduler says %.2f%%\n' \
		"$BATS_TEST_DESCRIPTION" "$shown" "$own" "$loaded" "$ran" >&3
	near "$shown" "$own" 1.0 "halted"
	near "$loaded" "$ran" 2.0 "loaded"
	vcpu_of "$dir/out" "$name" 0 | jq -e '.blocked_ns > .wall_ns * 0.2' >/dev/null
}

@test "the CPU goes idle meanwhile" {
	guest_start sleeper "${SLEEPER[@]}" --pin "$QUIET_CPU"
	against_witnesses sleeper "$guest"
}

@test "another thread runs meanwhile" {
	taskset -c "$QUIET_CPU" nice -n 19 sh -c 'while :; do :; done' 3>&- &
	rivals+=($!)
	guest_start sleeper "${SLEEPER[@]}" --pin "$QUIET_CPU"
	against_witnesses sleeper "$guest"
}

@test "another vCPU halts there meanwhile" {
	guest_start other --halts 10:4000 --vmm-sleep-us 15000 --pin "$QUIET_CPU"
	guest_start sleeper "${SLEEPER[@]}" --pin "$QUIET_CPU"
	against_witnesses sleeper "$guest"
}

@test "the sums of the CPUs close" {
	guest_start other --halts 10:4000 --vmm-sleep-us 15000 --pin "$QUIET_CPU"
	guest_start sleeper "${SLEEPER[@]}" --pin "$QUIET_CPU"
	run --separate-stderr "$GTIMEHALT" --check -d 5
	printf '%s\n' "$output" "$stderr"
	printf '# %s\n' "${lines[-1]}" >&3
	[[ $status == 0 && ${lines[-1]} == 'PASS: '* ]]
}

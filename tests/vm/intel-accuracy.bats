#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# bats file_tags=vmx
#
# An Intel host: both modes against the guest's own account, with HLT and MWAIT passed through, with PAUSE, and with HLT
# exits. Runs in the bed with VMX; with one CPU too, which guest, tool and tick share.

bats_require_minimum_version 1.5.0
load helper
load faults

setup() {
	dir=$BATS_TEST_TMPDIR
	(($(nproc --all) > 1)) || QUIET_CPU=0
}

# share FILE WHAT: per cent of the wall time of the only vCPU.
share() {
	vcpu_of "$1" duty 0 | jq "100 * (.$2 // 0) / .wall_ns"
}

# measure_guest MODE OPTION...: into $dir/MODE.
measure_guest() {
	local mode=$1
	shift
	guest_start duty --pin "$QUIET_CPU" "$@"
	measure "$dir/$mode" --mode "$mode" -p "$guest" -d 2
	guest_end
}

# accurate IDLE BUSY_PCT: in both modes. A guest takes what the host executes on its CPU while it is halted for halted.
# Next to a guest that is alone on its CPU that is less than the tolerance. With one CPU it is the tick and the tool too,
# as much as the tool says.
accurate() {
	local mode shown own unseen bound
	for mode in entry switch; do
		measure_guest "$mode" --idle "$1" --busy "$2"
		shown=$(share "$dir/$mode" halted_ns)
		own=$(own_share "$dir/$mode" duty)
		# Switch mode does not know the host's part: entry mode's, of the same guest.
		unseen=$(jq -n "$(share "$dir/$mode" wait_ns) + $(share "$dir/entry" host_ns)")
		printf '# %s, %s%% busy, %s mode: %.2f%% halted, by its own account %.2f%%; host and wait %.2f%%\n' "$1" "$2" \
			"$mode" "$shown" "$own" "$unseen" >&3
		bound=0
		(($(nproc --all) > 1)) || bound=$unseen
		bounded "$shown" "$own" "$bound" "$TOLERANCE_POINTS" "$1, $mode mode"
		near "$own" $((100 - $2)) 5 "duty"
	done
}

@test "HLT, 0 % busy: halted as the guest says" {
	accurate hlt 0
}

@test "HLT, 1 % busy: halted as the guest says" {
	accurate hlt 1
}

# bats test_tags=core-intel
@test "HLT, 30 % busy: halted as the guest says" {
	accurate hlt 30
}

@test "HLT, 80 % busy: halted as the guest says" {
	accurate hlt 80
}

@test "HLT, 100 % busy: halted as the guest says" {
	accurate hlt 100
}

@test "MWAIT, 0 % busy: halted as the guest says" {
	accurate mwait 0
}

@test "MWAIT, 1 % busy: halted as the guest says" {
	accurate mwait 1
}

# bats test_tags=core-intel
@test "MWAIT, 30 % busy: halted as the guest says" {
	accurate mwait 30
}

@test "MWAIT, 80 % busy: halted as the guest says" {
	accurate mwait 80
}

@test "MWAIT, 100 % busy: halted as the guest says" {
	accurate mwait 100
}

@test "a guest that spins with PAUSE is not halted at all" {
	local mode
	for mode in entry switch; do
		measure_guest "$mode" --busy 30 --idle pause
		printf '# PAUSE, %s mode: %.3f%% halted\n' "$mode" "$(share "$dir/$mode" halted_ns)" >&3
		jq -n -e "$(share "$dir/$mode" halted_ns) < 0.05" >/dev/null
	done
}

@test "with HLT exits the host sees the halts: blocked, not halted" {
	local mode own unseen
	for mode in entry switch; do
		measure_guest "$mode" --busy 30 --hlt exit
		own=$(own_share "$dir/$mode" duty)
		printf '# HLT exits, %s mode: %.3f%% halted, %.2f%% blocked, by its own account %.2f%% halted\n' "$mode" \
			"$(share "$dir/$mode" halted_ns)" "$(share "$dir/$mode" blocked_ns)" "$own" >&3
		jq -n -e "$(share "$dir/$mode" halted_ns) < 0.05" >/dev/null
		# To the guest, the ways into the host and back are halted too.
		unseen=$(jq -n "$(share "$dir/$mode" wait_ns) + $(share "$dir/entry" host_ns)")
		bounded "$(share "$dir/$mode" blocked_ns)" "$own" "$unseen" "$TOLERANCE_POINTS" "blocked, $mode mode"
	done
}

# The exit by a tick of the host saves that the guest is in HLT, and the next entry goes on in it: on AMD the guest
# would be behind its HLT each time.
@test "a halted guest does not notice the host's ticks" {
	guest_start duty --busy 10 --pin "$OTHER_CPU"
	sleep 2
	guest_end
	printf '# of %s halts, %s were broken\n' "$(jq '.vcpus[0].wakeups' "$dir/duty.json")" \
		"$(jq '.vcpus[0].broken' "$dir/duty.json")" >&3
	# The end breaks one.
	jq -e '.vcpus[0] | .wakeups > 10 and .broken <= 1' "$dir/duty.json" >/dev/null
}

# KVM cannot inject the timer's interrupt before the guest's STI, and asks for an exit when it can (interrupt window). At
# that moment the guest is in HLT or MWAIT.
@test "a timer that has expired before the guest halts ends the halt" {
	local idle
	for idle in hlt mwait; do
		guest_start "$idle" --halts 0.001:500 --idle "$idle" --pin "$QUIET_CPU"
		wait "$guest"
		guests=()
		printf '# %s: %s\n' "$idle" "$(jq -c '.vcpus[0] | {wakeups, broken}' "$dir/$idle.json")" >&3
		jq -e '.vcpus[0] | .wakeups == 500 and .broken == 0' "$dir/$idle.json" >/dev/null
	done
}

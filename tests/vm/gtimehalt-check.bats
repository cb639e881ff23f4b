#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# --check: the sums close over every CPU, and when a hook is missing they do not. Runs in the bed, also
# booted with --plain, on every kernel.

bats_require_minimum_version 1.5.0
load helper

# The tool with one hook of its plan left out, made by `make test-programs`.
BROKEN=${BROKEN:-$src/.output/tests/broken/gtimehalt}

competitor=''

teardown() {
	[[ -z $competitor ]] || kill "$competitor" 2>/dev/null || :
	guest_end
}

# compete CPU: another busy thread there, so that a vCPU is put and loaded all the time.
compete() {
	taskset -c "$1" sh -c 'while :; do :; done' 3>&- &
	competitor=$!
}

# rest CPU: what the check in $output left unexplained of it, in per cent, without its sign.
rest() {
	awk -v cpu="$1" 'NF == 7 && $1 == cpu { sub(/^[+-]/, "", $7); print $7; exit }' <<<"$output"
}

# closes WHAT OPTION...: the check passes, by its verdict and by its figures.
closes() {
	local what=$1 cpu
	shift
	run --separate-stderr "$GTIMEHALT" --check "$@"
	printf '%s\n' "$output" "$stderr"
	[[ $status == 0 && ${lines[-1]} == 'PASS: '* ]]
	for cpu in "$OTHER_CPU" "$QUIET_CPU"; do
		jq -n -e "$(rest "$cpu") < 1" >/dev/null
	done
	printf '# %s: %s\n' "$what" "${lines[-1]}" >&3
}

@test "an idle host closes" {
	closes "idle host" -d 1
	[[ $stderr == *'no VM is running'* ]]
}

# bats test_tags=core,core-oldest
@test "a pinned guest, 30 % busy, closes" {
	guest_start duty --busy 30 --pin "$QUIET_CPU"
	closes "30 % busy" -d 3
	closes "30 % busy, switch mode" --mode switch -d 3
}

@test "a pinned guest, 80 % busy, closes" {
	guest_start duty --busy 80 --pin "$QUIET_CPU"
	closes "80 % busy" -d 3
	closes "80 % busy, switch mode" --mode switch -d 3
}

@test "every interval closes, and has its verdict" {
	guest_start duty --busy 50 --pin "$QUIET_CPU"
	closes "six intervals" 0.5 6
	[[ $(grep -c '^PASS: ' <<<"$output") == 6 ]]
}

@test "a guest that halts by exits closes: the host's own idle" {
	guest_start exits --busy 50 --hlt exit --pin "$QUIET_CPU"
	closes "HLT exits" -d 3
}

@test "a guest that shares its CPU closes" {
	guest_start duty --busy 50 --pin "$QUIET_CPU"
	compete "$QUIET_CPU"
	closes "shared CPU" -d 3
}

# bats test_tags=core,core-oldest
@test "a hook that is missing is found: exit 1" {
	[[ -x $BROKEN ]]
	# A window that was open at the start ends when the CPU first goes idle, and no load begins another.
	guest_start sleeper --halts 30:3000 --vmm-sleep-us 15000 --pin "$QUIET_CPU"
	run -1 --separate-stderr "$BROKEN" --check -d 3
	printf '%s\n' "$output" "$stderr"
	printf '# without vcpu_load: %s\n' "${lines[-1]}" >&3
	[[ ${lines[-1]} == 'FAIL: '*"CPU $QUIET_CPU "* ]]
	# By the rest itself, whatever else was noticed.
	jq -n -e "$(rest "$QUIET_CPU") > 5" >/dev/null
	jq -n -e "$(rest "$OTHER_CPU") < 1" >/dev/null
}

@test "--check is a text about all VMs" {
	run -2 --separate-stderr "$GTIMEHALT" --check -j
	run -2 --separate-stderr "$GTIMEHALT" --check -p 1
}

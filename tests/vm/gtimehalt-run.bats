#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# How the tool starts, waits, ends, and what it says when it cannot. Runs in the bed.

bats_require_minimum_version 1.5.0
load helper

# refused STATUS PATTERN OPTION...: one line on stderr, nothing on stdout, the exit status.
refused() {
	local status=$1 pattern=$2
	shift 2
	run "-$status" --separate-stderr "$GTIMEHALT" "$@"
	[[ -z $output ]]
	# shellcheck disable=SC2154 # set by run
	[[ $(wc -l <<<"$stderr") == 1 && $stderr == "gtimehalt: "$pattern ]] || {
		printf 'stderr: %s\n' "$stderr"
		return 1
	}
}

# bats test_tags=core
@test "unknown options and bad PIDs are wrong usage: exit 2" {
	refused 2 '*--frobnicate*' --frobnicate
	refused 2 "*abc*" -p abc
	refused 2 "*" -p
	refused 2 "*zero*" 1 zero
	refused 2 "*surplus*" 1 1 surplus
}

# bats test_tags=core
@test "a process that runs no VM, or is not there: exit 1" {
	refused 1 'process 1 runs no VM*' -p 1
	refused 1 'there is no process 4194304*' -p 4194304
}

# bats test_tags=core
@test "not root: exit 3" {
	run -3 --separate-stderr setpriv --reuid 65534 --clear-groups --inh-caps=-all \
		"$GTIMEHALT" 1 1
	[[ -z $output && $stderr == "gtimehalt: needs CAP_"*"root"* && $(wc -l <<<"$stderr") == 1 ]]
}

# bats test_tags=core
@test "no BTF: exit 3" {
	mount -t tmpfs none /sys/kernel/btf
	run -3 --separate-stderr "$GTIMEHALT" 1 1
	umount /sys/kernel/btf
	[[ -z $output && $stderr == "gtimehalt: "*BTF* && $(wc -l <<<"$stderr") == 1 ]]
}

# bats test_tags=core
@test "no KVM: exit 3, and nothing of ours keeps the module" {
	"$GTIMEHALT" -d 0.1
	modprobe -r "$KVM_VENDOR" kvm
	refused 3 'KVM is not loaded*modprobe*' 1 1
	modprobe kvm
	refused 3 "*vendor*modprobe*" 1 1
	modprobe "$KVM_VENDOR"
	"$GTIMEHALT" -d 0.1
}

# bats test_tags=core
@test "no VM: a warning, an empty table, exit 0" {
	run -0 --separate-stderr "$GTIMEHALT" -d 0.1
	[[ $stderr == "gtimehalt: warning: no VM is running" ]]
	[[ $(wc -l <<<"$output") == 3 && ${lines[1]} == "0 vCPUs of 0 VMs on "* && ${lines[2]} == VM/vCPU* ]]
}

# bats test_tags=core
@test "the table has the whole name, and its shares add up" {
	guest_start a-name-that-is-far-too-long-for-any-table-but-legal --busy 50 --pin "$QUIET_CPU"
	run -0 "$GTIMEHALT" -p "$guest" -d 1
	[[ $output == *$'\na-name-that-is-far-too-long-for-any-table-but-legal '* ]]
	# halted + busy + host + wait + blocked = 100, each rounded to a tenth
	awk '/vCPU 0/ { s = $5 + $6 + $7 + $8 + $9; found = 1 }
		END { exit !(found && s > 99.7 && s < 100.3) }' <<<"$output" || {
		echo "$output"
		return 1
	}
}

# ended_by SIGNAL: the run of an hour ends at once, and prints the part that was measured.
ended_by() {
	local out=$BATS_TEST_TMPDIR/out tool begin_ns
	guest_start duty --busy 50 --pin "$QUIET_CPU"
	"$GTIMEHALT" -v -j -d 3600 >"$out" 2>"$out.said" 3>&- &
	tool=$!
	measuring "$out.said"
	sleep 2
	begin_ns=$(date +%s%N)
	kill "-$1" "$tool"
	wait "$tool"
	(($(date +%s%N) - begin_ns < 1000000000))
	check_report "$out"
	jq -s -e 'length == 1 and .[0].interval_ns > 1e9 and .[0].interval_ns < 6e9 and
		(.[0].vms[0].vcpus[0] | .loaded_ns / .wall_ns > 0.99)' "$out" >/dev/null
}

# bats test_tags=core
@test "Ctrl-C ends a run at once and prints what was measured" {
	ended_by INT
}

# bats test_tags=core
@test "SIGTERM ends a run at once and prints what was measured" {
	ended_by TERM
}

@test "start to first row, and no busy CPU while waiting" {
	local log=$BATS_TEST_TMPDIR/log begin_ns end_ns ticks tool
	guest_start duty --busy 50 --pin "$QUIET_CPU"
	begin_ns=$(date +%s%N)
	"$GTIMEHALT" -v 1 1 >/dev/null 2>"$log"
	end_ns=$(date +%s%N)
	grep -E ': [0-9.]+ ms$' "$log" | sed 's/^gtimehalt: /# /' >&3
	printf '# start to first row: %d ms, of which the interval is 1000\n' \
		$(((end_ns - begin_ns) / 1000000)) >&3
	"$GTIMEHALT" 1 20 >/dev/null 3>&- &
	tool=$!
	sleep 5
	ticks=$(awk '{ print $14 + $15 }' "/proc/$tool/stat")
	sleep 10
	ticks=$(($(awk '{ print $14 + $15 }' "/proc/$tool/stat") - ticks))
	kill "$tool"
	wait "$tool"
	# 10 intervals in 10 s; a tick is 10 ms. Below 3 % of a CPU that does 1/50 of a real one's work.
	printf '# CPU time of the tool in 10 s of 1 s intervals: %d ms\n' $((ticks * 10)) >&3
	((ticks <= 30))
}

# bats test_tags=core
@test "after the end nothing is left: no program, no map, no use of the module" {
	local before
	before=$(bpftool prog list | grep -c . || :)
	guest_start duty --busy 50 --pin "$QUIET_CPU"
	"$GTIMEHALT" -d 0.2 >/dev/null
	guest_end
	[[ $(bpftool prog list | grep -c . || :) == "$before" ]]
	[[ $(awk -v module="$KVM_VENDOR" '$1 == module { print $3 }' /proc/modules) == 0 ]]
}

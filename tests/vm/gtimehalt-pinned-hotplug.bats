#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A measurement that goes on without a process, while CPUs come and go. Runs in the bed with ordinary CPUs:
# isolated ones do not go offline on Linux 6.12.

bats_require_minimum_version 1.5.0
load helper

PINNED=/sys/fs/bpf/gtimehalt
SPAN_S=${SPAN_S:-20}

setup() {
	local major minor
	IFS=. read -r major minor _ < <(uname -r)
	if ((major * 100 + minor < 515)); then
		skip "links of kprobes and timers cannot be pinned before Linux 5.15"
	fi
	mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf
}

teardown() {
	guest_end
	[[ ! -e $PINNED ]] || "$GTIMEHALT" --unpin
}

# stat_of TID: loaded halted guest vcpu unmeasured wait updated, of one thread.
stat_of() {
	sed -n -E "s/^[0-9]+ $1 \(.*\) //p" $PINNED/stat
}

# The thread of the only vCPU of the guest that was started last.
vcpu_tid() {
	awk -v pid="${guest:?}" '$1 == pid { print $2 }' $PINNED/stat
}

# share FILE NAME: per cent of loaded time.
share() {
	vcpu_of "$1" "$2" 0 | jq '100 * .halted_ns / .loaded_ns'
}

@test "a CPU goes offline and comes back while nobody runs: seen in stat, and mended by --pin" {
	local tid unmeasured before after
	guest_start duty --busy 60 --pin "$OTHER_CPU"
	"$GTIMEHALT" --pin
	echo 0 >"/sys/devices/system/cpu/cpu$QUIET_CPU/online"
	sleep 1
	echo 1 >"/sys/devices/system/cpu/cpu$QUIET_CPU/online"
	tid=$(vcpu_tid)
	taskset -cp "$QUIET_CPU" "$tid" >/dev/null
	sleep 3
	taskset -cp "$OTHER_CPU" "$tid" >/dev/null
	sleep 2
	unmeasured=$(stat_of "$tid" | cut -d ' ' -f 5)
	echo "# $unmeasured ns were not measured" >&3
	((unmeasured > 1000000000))
	"$GTIMEHALT" --pin
	taskset -cp "$QUIET_CPU" "$tid" >/dev/null
	sleep 2
	before=$(stat_of "$tid" | cut -d ' ' -f 5)
	sleep 4
	after=$(stat_of "$tid" | cut -d ' ' -f 5)
	((after == before))
	measure "$BATS_TEST_TMPDIR/out" -d 3
	near "$(share "$BATS_TEST_TMPDIR/out" duty)" 40 5 "halted share"
}

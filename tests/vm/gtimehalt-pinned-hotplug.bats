#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A measurement that goes on without a process, while CPUs come and go. Runs in the bed with ordinary CPUs:
# isolated ones do not go offline on Linux 6.12.

bats_require_minimum_version 1.5.0
load helper
# shellcheck source=tests/vm/pinned.bash
load pinned

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

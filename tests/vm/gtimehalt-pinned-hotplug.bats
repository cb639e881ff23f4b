#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# bats file_tags=boot:plain
#
# A measurement that goes on without a process, while CPUs come and go. Runs in the bed with ordinary CPUs:
# isolated ones do not go offline on Linux 6.12.

bats_require_minimum_version 1.5.0
load helper
# shellcheck source=tests/vm/pinned.bash
load pinned

@test "a CPU goes offline and comes back while somebody reads: mended by the reader, once" {
	local tid from to reader
	guest_start duty --busy 60 --pin "$OTHER_CPU"
	"$GTIMEHALT" --pin
	"$GTIMEHALT" -v -j 1 >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/said" 3>&- &
	reader=$!
	sleep 2
	echo 0 >"/sys/devices/system/cpu/cpu$QUIET_CPU/online"
	sleep 1
	echo 1 >"/sys/devices/system/cpu/cpu$QUIET_CPU/online"
	tid=$(vcpu_tid)
	taskset -cp "$QUIET_CPU" "$tid" >/dev/null
	sleep 5
	from=$(stat_of "$tid" | cut -d ' ' -f 5)
	sleep 5
	to=$(stat_of "$tid" | cut -d ' ' -f 5)
	kill "$reader"
	wait "$reader"
	echo "# reopened $(grep -c ': reopened$' "$BATS_TEST_TMPDIR/said") times" >&3
	[[ $from == "$to" ]]
	(($(grep -c ': reopened$' "$BATS_TEST_TMPDIR/said") <= 2))
	near "$(jq -s 'last.vms[0].vcpus[0] | 100 * .halted_ns / .loaded_ns' "$BATS_TEST_TMPDIR/out")" 40 10 "halted share"
}

@test "a CPU goes offline and comes back while nobody runs: seen in stat, and mended by --renew" {
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
	"$GTIMEHALT" --renew
	taskset -cp "$QUIET_CPU" "$tid" >/dev/null
	sleep 2
	before=$(stat_of "$tid" | cut -d ' ' -f 5)
	sleep 4
	after=$(stat_of "$tid" | cut -d ' ' -f 5)
	((after == before))
	measure "$BATS_TEST_TMPDIR/out" -d 3
	near "$(share "$BATS_TEST_TMPDIR/out" duty)" 40 5 "halted share"
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What is measured cannot be written, or is read late. Runs in the bed; what needs no measurement is in
# tests/cli/outputs.bats.

bats_require_minimum_version 1.5.0
load helper
load faults
load ended

teardown() {
	umount "$BATS_TEST_TMPDIR/full" 2>/dev/null || :
	guest_end
}

# fails STATUS LINE COMMAND...: with that status and that one line, which has begun to measure.
fails() {
	local status=$1 line=$2 ended=0
	shift 2
	"$@" >"$out" 2>"$err" 3>&- 4>&- || ended=$?
	[[ $ended == "$status" && $(<"$err") == "$line" ]] || {
		echo "status $ended of $*"
		cat "$err"
		return 1
	}
}

@test "the disk is full under --record" {
	local full=$BATS_TEST_TMPDIR/full cnt
	guest_start duty --busy 30 --pin "$QUIET_CPU"
	state_begin
	mkdir "$full"
	mount -t tmpfs -o size=32k none "$full"
	fails 1 "gtimehalt: cannot record to $full/rec: No space left on device" "$GTIMEHALT" -j --record "$full/rec" 0.05 2000
	nothing_left
	# What was printed is whole, and what was recorded is that, up to where the disk was full.
	objects_whole "$out"
	"$GTIMEHALT" -j --replay "$full/rec" >"$out.replayed" 2>"$err"
	# Where the disk ended within a line.
	[[ ! -s $err ]] || grep -q 'cut off' "$err"
	cnt=$(wc -l <"$out.replayed")
	((cnt > 5))
	cmp "$out.replayed" <(head -n "$cnt" "$out")
	fault '--record on a tmpfs of 32 KiB' 'one line, status 1; what was recorded until then is replayed; nothing left' \
		"$cnt of $(wc -l <"$out") intervals are in the recording"
}

to_nowhere() {
	"$@" >&-
}

to_full() {
	"$@" >/dev/full
}

to_one_line() {
	local status
	"$@" | head -n 1 >/dev/null
	status=${PIPESTATUS[0]}
	return "$status"
}

@test "nobody reads what is measured" {
	guest_start duty --busy 30 --pin "$QUIET_CPU"
	state_begin
	fails 1 'gtimehalt: cannot write the report: Bad file descriptor' to_nowhere "$GTIMEHALT" -j -d 0.2
	fails 1 'gtimehalt: cannot write the report: No space left on device' to_full "$GTIMEHALT" -d 0.2
	fails 141 '' to_one_line "$GTIMEHALT" -j 0.1
	nothing_left
	fault 'stdout closed, /dev/full, and head -n 1 behind intervals' 'one line and status 1; an end by SIGPIPE; nothing left' \
		'status 1, 1, 141'
}

read_late() {
	guest_start duty --busy 30 --pin "$QUIET_CPU"
	# shellcheck disable=SC2016 # Python's
	"$GTIMEHALT" -j 0.1 30 2>"$err" 3>&- 4>&- | python3 -c '
import fcntl, shutil, sys, time
fcntl.fcntl(0, 1031, 4096)
time.sleep(8)
shutil.copyfileobj(sys.stdin, sys.stdout)' >"$out"
	[[ ${PIPESTATUS[*]} == '0 0' ]]
	guest_end
}

@test "a reader that is late by seconds" {
	local longest
	quietly read_late
	[[ ! -s $err ]]
	check_report "$out"
	agrees "$out" duty
	longest=$(jq -s 'map(.interval_ns) | max / 1e6 | round' "$out")
	((longest > 1000))
	jq -e -s '. as $all | length == 30 and
		all(range(1; 30); $all[.].start_monotonic_ns == $all[. - 1].end_monotonic_ns)' "$out" >/dev/null
	fault 'a pipe of 4 KiB, from which nothing is read for 8 s' \
		'all intervals, one of them as long as the wait, without a gap; halted as the guest says' \
		"30 intervals, the longest $longest ms; $agreed"
}

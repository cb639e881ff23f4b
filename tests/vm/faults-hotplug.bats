#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# bats file_tags=boot:plain
#
# A CPU goes offline and comes back under a vCPU that runs there, while it is measured. Runs in the bed with ordinary
# CPUs: isolated ones do not go offline on Linux 6.12. What is pinned is in gtimehalt-pinned-hotplug.bats.

bats_require_minimum_version 1.5.0
load helper
load faults
load ended
load host

setup() {
	tools=()
	draw_begin
}

teardown() {
	local pid
	set_online 1
	for pid in "${tools[@]}" ${tool:-}; do
		! is_running "$pid" || kill -KILL "$pid" || :
	done
	guest_end
}

set_online() {
	[[ $(<"/sys/devices/system/cpu/cpu$QUIET_CPU/online") == "$1" ]] ||
		echo "$1" >"/sys/devices/system/cpu/cpu$QUIET_CPU/online"
}

# move_to CPUS: the guest's vCPU.
move_to() {
	taskset -pc "$1" "$tid" >/dev/null
}

# The vCPU is on the CPU that goes, and is brought back to it.
under_the_guest() {
	local tid i
	guest_start duty --busy 40 --period-ms 200 --pin "$QUIET_CPU"
	tid=$(thread_of "$guest")
	exporter_begin 1
	run_in_background entry -j 1 60
	lines_of "$BATS_TEST_TMPDIR/entry.out" 1
	run_in_background switch -j --mode switch 1 60
	lines_of "$BATS_TEST_TMPDIR/switch.out" 1
	from=$(scrape_mark)
	for ((i = 0; i < 2; i++)); do
		sleep_ms $((300 + RANDOM % 700))
		set_online 0
		sleep_ms $((800 + RANDOM % 700))
		set_online 1
		sleep_ms $((RANDOM % 500))
		move_to "$QUIET_CPU"
		sleep 1.5
		move_to "$OTHER_CPU"
		sleep 0.5
		move_to "$QUIET_CPU"
	done
	sleep 1.5
	to=$(scrape_mark)
	sleep 3
	after=$(scrape_mark)
	sleep 1
	kill -INT "${pid_of[entry]}" "${pid_of[switch]}" "$tool"
	run_ends entry
	run_ends switch
	await_end "$tool"
	((ended == 0))
	guest_end
}

# as_the_guest_says NAME: all intervals that were measured in this mode, and the last three. What switch mode does not
# know of the host's part is that of entry mode at the same time.
as_the_guest_says() {
	local file=$BATS_TEST_TMPDIR/$1.out gap
	contiguous "$file"
	said_nothing "$1"
	never_too_much "$file" duty 1
	gap=$(jq -s -r '[.[].vms[0].vcpus[0].unmeasured_ns | select(. > 0) / 1e6 | round] |
		"\(length) intervals with \(add) ms not measured"' "$file")
	jq -e -s '[.[].vms[0].vcpus[0].unmeasured_ns] | add > 0' "$file" >/dev/null
	jq -e -s '[.[].health.mperf_errors] | add > 0' "$file" >/dev/null
	agrees "$file" duty
	seen+="$1: $gap, $agreed; "
	tail -n 3 "$file" >"$file.tail"
	check_report "$file.tail"
	agrees "$file.tail" duty
	seen+="the last three $agreed; "
}

# bats test_tags=core-newest
@test "a CPU goes offline and comes back, twice, under a vCPU" {
	local from to after seen='' host_pct scraped loaded halted unmeasured own most
	# What the host does on the CPU that is left goes off the intervals of both.
	local clamped_max=10
	quietly under_the_guest
	host_pct=$(shown_over "$BATS_TEST_TMPDIR/entry.out" duty 0 | jq '100 * .host_ns / .wall_ns')
	as_the_guest_says entry
	as_the_guest_says switch
	scraped_between "$from" "$to" duty
	read -r loaded halted unmeasured own <<<"$scraped"
	jq -n -e "$unmeasured > 0" >/dev/null
	bounded "$halted" "$own" "$(jq -n "$host_pct + $unmeasured")" 3 exporter
	seen+="exporter: $halted% halted, $unmeasured not measured, the guest $own%, "
	scraped_between "$to" "$after" duty
	read -r loaded halted unmeasured own <<<"$scraped"
	[[ $unmeasured == 0 ]]
	bounded "$halted" "$own" "$host_pct" 3 'exporter afterwards'
	seen+="afterwards $halted%, the guest $own%; reopened $(grep -c ': reopened$' "$err") times"
	fault 'echo 0, then 1, to cpu1/online, twice, with the vCPU on it; -j 1 in both modes and an exporter' \
		'the gap is shown as not measured, no interval has more halted than the guest says; then all as it says' "$seen"
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The host changes under the tool: clocks, modules, MPERF, and the CPU time that it is given itself. Runs in the bed.
# CPUs that come and go are in faults-hotplug.bats.

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
	for pid in "${tools[@]}" ${tool:-}; do
		! is_running "$pid" || kill -KILL "$pid" || :
	done
	mperf_set_rate "$QUIET_CPU" 1000000
	[[ -e /sys/module/$KVM_VENDOR ]] || modprobe "$KVM_VENDOR"
	guest_end
}

# A stop of MPERF is seen when the guest exits and enters again within it: this one does in each period of 100 ms.
SEEN_AFTER_NS=100000000

# only_while FILE: what is not measured is that of the intervals in which MPERF stood, and all of those; it is told to be
# wrong in all at whose end it did. How many they are is in $unmeasured_cnt. Of an interval that has less of it than
# SEEN_AFTER_NS, or that may have any only by how late the clock was read, neither is asked: FILE.judged is without.
only_while() {
	local edges
	edges=$(printf '%s\n' "${stopped_ns[@]}" "${started_ns[@]}" | jq -s -c "{
		possible: [.[0], .[3] + 1e7], certain: [.[1] + 1e7, .[2]], seen_after: $SEEN_AFTER_NS}")
	jq -c --argjson edges "$edges" '
		def overlap($span): ([.end_monotonic_ns, $span[1]] | min) - ([.start_monotonic_ns, $span[0]] | max);
		.stood = if overlap($edges.possible) <= 0 then false
			elif overlap($edges.certain) >= $edges.seen_after then true else null end' "$1" >"$1.edges"
	jq -c 'select(.stood != null)' "$1.edges" >"$1.judged"
	unmeasured_cnt=$(jq -s -e --argjson edges "$edges" '
		if all(.vms[0].vcpus[0] as $v |
			if .stood then
				$v.halted_ns == null and $v.unmeasured_ns == $v.loaded_ns and
					(.health.mperf_errors > 0 or .end_monotonic_ns > $edges.certain[1])
			else
				$v.halted_ns != null and $v.unmeasured_ns == 0 and .health.mperf_errors == 0
			end) then map(select(.vms[0].vcpus[0].unmeasured_ns > 0)) | length else false end' "$1.judged") || {
		jq -c --argjson edges "$edges" '.vms[0].vcpus[0] as $v | [.stood,
			(.start_monotonic_ns - $edges.certain[0]) / 1e6, (.end_monotonic_ns - $edges.certain[1]) / 1e6,
			$v.loaded_ns, $v.halted_ns, $v.unmeasured_ns, .health.mperf_errors]' "$1.edges"
		return 1
	}
}

mperf_stops() {
	local mode
	guest_start duty --busy 40 --pin "$QUIET_CPU"
	# One by one: starting takes a CPU for itself for a moment.
	run_in_background entry -j 0.5
	lines_of "$BATS_TEST_TMPDIR/entry.out" 1
	run_in_background switch -j --mode switch 0.5
	lines_of "$BATS_TEST_TMPDIR/switch.out" 1
	run_in_background stints -j -H 0.5
	lines_of "$BATS_TEST_TMPDIR/stints.out" 2
	stopped_ns=("$(uptime_ns)")
	mperf_set_rate "$QUIET_CPU" 0
	stopped_ns+=("$(uptime_ns)")
	sleep 2.4
	started_ns=("$(uptime_ns)")
	mperf_set_rate "$QUIET_CPU" 1000000
	started_ns+=("$(uptime_ns)")
	sleep 1.2
	for mode in entry switch stints; do
		kill -INT "${pid_of[$mode]}"
		run_ends "$mode"
	done
	guest_end
	# Nothing to find in a guest that is always halted.
	guest_start still --busy 0 --pin "$QUIET_CPU"
	run_in_background still -j 0.5 5
	run_ends still
	guest_end
}

# bats test_tags=core-newest
@test "MPERF stops in the middle, and counts again" {
	# Just before, and just after.
	local -a stopped_ns started_ns
	local mode most unmeasured_cnt host_pct seen=
	quietly mperf_stops
	host_pct=$(shown_over "$BATS_TEST_TMPDIR/entry.out" duty 0 | jq '100 * .host_ns / .wall_ns')
	for mode in entry switch stints; do
		diff - "$BATS_TEST_TMPDIR/$mode.err" <<-END
			gtimehalt: warning: MPERF has stopped on CPU $QUIET_CPU: vCPUs are not measured while they run there
			gtimehalt: warning: MPERF counts again on CPU $QUIET_CPU
		END
		contiguous "$BATS_TEST_TMPDIR/$mode.out"
		only_while "$BATS_TEST_TMPDIR/$mode.out"
		((unmeasured_cnt >= 5))
		never_too_much "$BATS_TEST_TMPDIR/$mode.out.judged" duty 1
		agrees "$BATS_TEST_TMPDIR/$mode.out" duty
		seen+="$mode: $unmeasured_cnt intervals not measured, $agreed, at most $most points above it in one; "
	done
	check_report "$BATS_TEST_TMPDIR/still.out"
	said_nothing still
	seen+="a guest that only halts: $(shown_over "$BATS_TEST_TMPDIR/still.out" still 0 |
		jq '1e4 * .halted_ns / .wall_ns | round / 100')%, nothing told"
	fault "MPERF of the guest's CPU at rate 0 for $(((started_ns[1] - stopped_ns[0]) / 1000000)) ms" \
		'halted is not known in the intervals that saw it, right in all others; told by a line, and its end too' "$seen"
}

clock_moves() {
	guest_start duty --busy 30 --pin "$QUIET_CPU"
	run_in_background json -j 1
	lines_of "$BATS_TEST_TMPDIR/json.out" 1
	run_in_background table -P 1
	lines_of "$BATS_TEST_TMPDIR/table.out" 1
	date -s "@$(($(date +%s) - 3600))" >/dev/null
	sleep 2.5
	date -s "@$(($(date +%s) + 3600))" >/dev/null
	sleep 2.5
	kill -INT "${pid_of[json]}" "${pid_of[table]}"
	run_ends json
	run_ends table
	guest_end
}

@test "the wall clock is set back an hour, and forth" {
	local dir=$BATS_TEST_TMPDIR steps hours lengths
	quietly clock_moves
	said_nothing json
	said_nothing table
	check_report "$dir/json.out"
	contiguous "$dir/json.out"
	agrees "$dir/json.out" duty
	# How much longer than its interval each was by its stamps.
	steps=$(jq -s -c '[.[] | [(.time | sub("\\.[0-9]+"; "") | fromdate), .interval_ns / 1e9]] as $all |
		[range(1; length) | ($all[.][0] - $all[. - 1][0] - $all[.][1]) / 10 | round * 10] | map(select(. != 0))' \
		"$dir/json.out")
	[[ $steps == '[-3600,3600]' ]]
	hours=$(grep -E '^[0-9]{2}:[0-9]{2}:[0-9]{2}' "$dir/table.out" | cut -d : -f 1 | uniq | wc -l)
	# This one, the one before, this one; and the next, when it has come meanwhile.
	((hours == 3 || hours == 4)) || {
		cat "$dir/table.out"
		return 1
	}
	lengths=$(jq -s -r 'map(.interval_ns / 1e6 | round) | "\(min) to \(max) ms"' "$dir/json.out")
	jq -e -s 'all(.interval_ns > 0.5e9 and .interval_ns < 1.5e9)' "$dir/json.out" >/dev/null
	fault 'date -s an hour back and forth during -j 1 and a table' \
		'intervals by CLOCK_MONOTONIC, without a gap; stamps by the wall clock; halted as the guest says' \
		"intervals of $lengths; stamps by $steps s, the table's too; $agreed"
}

is_stopped() {
	grep -q '^State:.T' "/proc/$1/status"
}

# stop_for SECONDS PID...
stop_for() {
	local pid
	kill -STOP "${@:2}"
	for pid in "${@:2}"; do
		until is_stopped "$pid"; do
			is_running "$pid"
			sleep 0.01
		done
	done
	sleep "$1"
	kill -CONT "${@:2}"
}

tool_sleeps() {
	local helper
	guest_start duty --busy 30 --pin "$QUIET_CPU"
	exporter_begin 1
	helper=$(pgrep -P "$tool")
	run_in_background json -j 0.5 16
	lines_of "$BATS_TEST_TMPDIR/json.out" 1
	from=$(scrape_mark)
	stop_for 4 "${pid_of[json]}" "$tool" "$helper"
	to=$(scrape_mark)
	run_ends json
	kill -INT "$tool"
	await_end "$tool"
	((ended == 0))
	guest_end
	scraped_between "$from" "$to" duty
}

@test "the tool is stopped for 4 s, the exporter and its helper too" {
	local from to scraped loaded halted unmeasured own longest host_pct=0
	quietly tool_sleeps
	said_nothing json
	check_report "$BATS_TEST_TMPDIR/json.out"
	contiguous "$BATS_TEST_TMPDIR/json.out"
	agrees "$BATS_TEST_TMPDIR/json.out" duty
	longest=$(jq -s 'map(.interval_ns / 1e6 | round) | max' "$BATS_TEST_TMPDIR/json.out")
	((longest >= 4000 && longest < 6000))
	[[ $(jq -s 'map(select(.interval_ns > 2e9)) | length' "$BATS_TEST_TMPDIR/json.out") == 1 ]]
	[[ $(wc -l <"$BATS_TEST_TMPDIR/json.out") == 16 ]]
	read -r loaded halted unmeasured own <<<"$scraped"
	# It does not know the host's part, which is that of the intervals.
	host_pct=$(shown_over "$BATS_TEST_TMPDIR/json.out" duty 0 | jq '100 * .host_ns / .wall_ns')
	bounded "$halted" "$own" "$host_pct" 3 'what the exporter has counted'
	# All of the time in which it was stopped is in it.
	jq -n -e "$loaded > 4" >/dev/null
	[[ $unmeasured == 0 ]]
	fault 'SIGSTOP and SIGCONT 4 s later, to -j 0.5 16, an exporter, and its helper' \
		'one interval that is as long as it was, and as many as asked for; halted as the guest says' \
		"16 intervals, the longest $longest ms; $agreed; exporter: $halted% of $loaded s halted, the guest $own%"
}

# starve PID...: they get 1 % of a CPU from now on. cgroup v2, which has its controllers where v1 has not taken them.
starve() {
	local root=$BATS_TEST_TMPDIR/cgroup group pid
	mkdir -p "$root"
	mountpoint -q "$root" || mount -t cgroup2 none "$root"
	grep -qw cpu "$root/cgroup.controllers" || return 1
	echo +cpu >"$root/cgroup.subtree_control"
	group=$root/starved
	mkdir -p "$group"
	echo '2000 200000' >"$group/cpu.max"
	for pid; do
		echo "$pid" >"$group/cgroup.procs"
	done
}

tool_starves() {
	guest_start duty --busy 30 --pin "$QUIET_CPU"
	run_in_background json -j 0.05
	lines_of "$BATS_TEST_TMPDIR/json.out" 2
	starve "${pid_of[json]}"
	sleep 8
	kill -INT "${pid_of[json]}"
	run_ends json
	throttled_ms=$(sed -n 's/^throttled_usec \(.*\)...$/\1/p' "$BATS_TEST_TMPDIR/cgroup/starved/cpu.stat")
	rmdir "$BATS_TEST_TMPDIR/cgroup/starved"
	guest_end
}

@test "a CPU limit of 1 % on the tool" {
	local throttled_ms lengths
	quietly tool_starves
	umount "$BATS_TEST_TMPDIR/cgroup"
	said_nothing json
	check_report "$BATS_TEST_TMPDIR/json.out"
	contiguous "$BATS_TEST_TMPDIR/json.out"
	agrees "$BATS_TEST_TMPDIR/json.out" duty
	((throttled_ms > 1000))
	jq -e -s 'map(select(.interval_ns > 0.1e9)) | length > 5' "$BATS_TEST_TMPDIR/json.out" >/dev/null
	lengths=$(jq -s -r 'map(.interval_ns / 1e6 | round) | "\(length) intervals of \(min) to \(max) ms"' \
		"$BATS_TEST_TMPDIR/json.out")
	fault 'cpu.max of 2 ms in 200 ms for -j 0.05 during 8 s, then SIGINT' \
		'intervals that are late and as long as they were, no gap; halted as the guest says; it ends' \
		"$lengths; throttled $throttled_ms ms; $agreed; ended with 0 $took_ms ms after SIGINT"
}

unlike_cpus() {
	guest_start quiet --busy 40 --pin "$QUIET_CPU"
	guest_start ticks --busy 20 --pin "$OTHER_CPU"
	measure "$BATS_TEST_TMPDIR/json.out" 1 4
	guest_end
}

@test "a CPU without a tick and an ordinary one, a guest on each" {
	local clamped_max=10 seen
	quietly unlike_cpus
	agrees "$BATS_TEST_TMPDIR/json.out" quiet
	seen="CPU $QUIET_CPU: $agreed"
	# The tool itself, and QEMU below, share this one.
	agrees "$BATS_TEST_TMPDIR/json.out" ticks 2
	fault "a guest on each of two CPUs; nohz_full: $(cat /sys/devices/system/cpu/nohz_full 2>/dev/null || echo none)" \
		'both as the guests say' "$seen; CPU $OTHER_CPU: $agreed"
}

# try_unload MODULE: whether the kernel lets it go is the kernel's to say, but it says so at once. Adds to $tried.
try_unload() {
	local begin=${EPOCHREALTIME/./} status=0
	timeout 20 rmmod "$1" 2>"$BATS_TEST_TMPDIR/rmmod" || status=$?
	((status == 0 || status == 1))
	((${EPOCHREALTIME/./} - begin < 10000000))
	((status)) && tried+=" $1 refused," || tried+=" $1 went,"
}

# has_lost_hooks NAME: what this run had attached went with its module. That is kvm, and in entry mode with kprobes
# the vendor's module.
has_lost_hooks() {
	[[ $tried == *"$1:"*' kvm went'* ]] ||
		[[ $1 == entry && $tried == *"$1:"*" $KVM_VENDOR went"* && ! -e /sys/kernel/btf/kvm ]]
}

# after_unload NAME: a run that goes on measures a guest that comes now; one whose KVM has gone has said so and ended
# with 1.
after_unload() {
	local name=$1 file=$BATS_TEST_TMPDIR/$1.out lines
	lines=$(wc -l <"$file")
	modprobe "$KVM_VENDOR"
	guest_start after --busy 30 --pin "$QUIET_CPU"
	if has_lost_hooks "$name"; then
		await_end "${pid_of[$name]}"
		((ended == 1))
		grep -qx 'gtimehalt: KVM was unloaded, which detached the programs from its functions: restart gtimehalt; if the measurement is pinned, --unpin and --pin again' \
			"$BATS_TEST_TMPDIR/$name.err"
		tried+=' said so and ended with 1'
	else
		lines_of "$file" $((lines + 5))
		kill -INT "${pid_of[$name]}"
		run_ends "$name"
		jq -e -s 'last | .vms[0].vcpus[0] | .loaded_ns > 0.9 * .wall_ns' "$file" >/dev/null
		tried+=' and the next guest is measured'
	fi
	guest_end
}

# unload_under NAME OPTION...
unload_under() {
	local name=$1 first users
	shift
	users=$(<"/sys/module/$KVM_VENDOR/refcnt")
	guest_start before --busy 30 --pin "$QUIET_CPU"
	run_in_background "$name" -j "$@" 0.5
	lines_of "$BATS_TEST_TMPDIR/$name.out" 2
	first=$tried
	try_unload "$KVM_VENDOR"
	[[ $tried == "$first $KVM_VENDOR refused," ]]
	guest_end
	tried="$first $name:"
	try_unload "$KVM_VENDOR"
	try_unload kvm
	after_unload "$name"
	[[ $(<"/sys/module/$KVM_VENDOR/refcnt") == "$users" ]]
	modprobe -r "$KVM_VENDOR" kvm
	modprobe "$KVM_VENDOR"
	tried+=';'
}

kvm_comes() {
	local tries
	modprobe -r "$KVM_VENDOR" kvm
	out=$BATS_TEST_TMPDIR/exporter.out err=$BATS_TEST_TMPDIR/exporter.err
	begin "$GTIMEHALT_EXPORTER" -v --wait --listen=127.0.0.1:0
	sleep 2.5
	is_running "$tool"
	grep -q 'waiting: KVM is not loaded' "$err"
	modprobe "$KVM_VENDOR"
	for ((tries = 0; tries < 200; tries++)); do
		port=$(sed -n 's,.*listening on 127.0.0.1:,,p' "$err")
		[[ -n $port ]] && grep -q 'Seccomp:.2' "/proc/$tool/status" && break
		sleep 0.1
	done
	guest_start duty --busy 30 --pin "$QUIET_CPU"
	from=$(scrape_mark)
	sleep 3
	to=$(scrape_mark)
	guest_end
	kill -INT "$tool"
	await_end "$tool"
	((ended == 0))
	scraped_between "$from" "$to" duty
}

# Before modules had BTF it was kprobes that went with KVM. The kernel keeps their places in ftrace's filter, and finds
# them again when KVM is loaded to where it was: how many is in $kept.
nothing_left_of_ours() {
	kept=$(grep -c 'kvm.*kprobe_ftrace_handler' /sys/kernel/tracing/enabled_functions || :)
	((kept == 0)) || [[ $tried == *' kvm went'* ]]
	((kept)) || {
		nothing_left
		return
	}
	sleep 2
	diff "$BATS_TEST_TMPDIR/state" <(host_state | grep -v 'kvm.*kprobe_ftrace_handler')
}

measure_again() {
	guest_start again --busy 30 --pin "$QUIET_CPU"
	measure "$BATS_TEST_TMPDIR/again" -d 2
	guest_end
}

@test "KVM comes while an exporter waits, is to be unloaded under a measurement, and comes again" {
	local from to scraped loaded halted unmeasured own tried='' kept host_pct=0
	state_begin
	quietly kvm_comes
	read -r loaded halted unmeasured own <<<"$scraped"
	unload_under switch --mode switch
	unload_under entry
	quietly measure_again
	nothing_left_of_ours
	agrees "$BATS_TEST_TMPDIR/again" again
	# The exporter does not know the host's part, which the same guest has here.
	host_pct=$(shown_over "$BATS_TEST_TMPDIR/again" again 0 | jq '100 * .host_ns / .wall_ns')
	bounded "$halted" "$own" "$host_pct" 3 'what the exporter has counted'
	fault 'modprobe while gtimehalt-exporter --wait waits; rmmod kvm_amd, kvm while a guest runs, and after it, in both modes' \
		'refused, or told with status 1; no hang, no reference left; then all as ever' \
		"exporter $halted% halted, the guest $own%;$tried afterwards $agreed; \
functions of KVM still in ftrace: $kept"
}

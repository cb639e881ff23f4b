#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The kernel is told not to run what is attached, in the middle of a measurement, and to run it again. Runs in the bed, on
# every kernel.

bats_require_minimum_version 1.5.0
load helper
load faults
load ended
load host

FTRACE=/proc/sys/kernel/ftrace_enabled
KPROBES=/sys/kernel/debug/kprobes/enabled

setup() {
	tools=()
	draw_begin
	mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf
}

teardown() {
	local pid
	echo 1 >"$FTRACE"
	echo 1 >"$KPROBES"
	for pid in "${tools[@]}" ${tool:-}; do
		! is_running "$pid" || kill -KILL "$pid" || :
	done
	[[ -e /sys/module/$KVM_VENDOR ]] || modprobe "$KVM_VENDOR"
	guest_end
	[[ ! -e $PINNED ]] || "$GTIMEHALT" --unpin
}

# Newer kernels let nobody switch ftrace off: the write fails, and nothing is to be shown.
needs_ftrace_switch() {
	(echo 0 >"$FTRACE") 2>/dev/null || skip 'this kernel does not let ftrace be switched off'
	echo 1 >"$FTRACE"
}

# A guest that halts in guest mode and never leaves its CPU; one that is loaded again and again, for what else runs on the
# other CPU; and one that sleeps in the host for most of 3 s.
guests_start() {
	guest_start duty --busy 40 --seconds 900 --pin "$QUIET_CPU"
	guest_start moved --busy 20 --seconds 900 --pin "$OTHER_CPU"
	guest_start seldom --busy 1 --seconds 900 --period-ms 3000 --hlt exit --pin "$OTHER_CPU"
}

# off_for SECONDS FILE: when it was switched off, and on again, is in $off_ns: just before and just after either. The kernel
# changes its text meanwhile, which takes a second here.
off_for() {
	off_ns=("$(uptime_ns)")
	echo 0 >"$2"
	off_ns+=("$(uptime_ns)")
	sleep "$1"
	off_ns+=("$(uptime_ns)")
	echo 1 >"$2"
	off_ns+=("$(uptime_ns)")
}

# goes_on NAME: five intervals more, and its end.
goes_on() {
	local file=$BATS_TEST_TMPDIR/$1.out
	lines_of "$file" $(($(wc -l <"$file") + 5))
	kill -INT "${pid_of[$1]}"
	run_ends "$1"
}

# unknown_while_off FILE: of all vCPUs nothing is known in the intervals that FILE has of that time, and all of it in the
# others; but for a vCPU that was on no CPU when the hooks came back, in the one in which it runs again. How many intervals
# are unknown is in $off_cnt.
unknown_while_off() {
	off_cnt=$(jq -s -e --argjson off "$(printf '%s\n' "${off_ns[@]}" | jq -s -c .)" '
		def is_known: .loaded_ns != null;
		[.[] | . + {off: (if .end_monotonic_ns < $off[0] or .start_monotonic_ns > $off[3] then 0
			elif .end_monotonic_ns > $off[1] and .start_monotonic_ns < $off[2] then 1
			else .health.hooks_off end)}] |
		if all(.health.hooks_off == .off and
			all(.vms[].vcpus[]; .wall_ns > 0 and .clamped_ns != null) and
			if .off == 1 then all(.vms[].vcpus[]; [.halted_ns, .loaded_ns, .guest_ns, .busy_ns, .host_ns,
				.wait_ns, .blocked_ns, .entries, .unmeasured_ns] | all(. == null))
			else all(.vms[] | select(.name == "duty") | .vcpus[]; is_known) end) and
			([.[] | select(.off == 0) | .vms[] | select(.vcpus[0] | is_known | not) | .name] |
				group_by(.) | all(length == 1))
		then map(select(.off == 1)) | length else false end' "$1") || {
		jq -c '[.start_monotonic_ns, .end_monotonic_ns, .health.hooks_off, [.vms[] | {(.name): .vcpus[0] |
			[.loaded_ns, .halted_ns, .wait_ns, .blocked_ns]}]]' "$1"
		echo "off: ${off_ns[*]}"
		return 1
	}
}

# sane FILE: no interval in which all is known shows a vCPU at what it does not do.
sane() {
	jq -s -c -e '[.[] | select(.health.hooks_off == 0) | .vms[] | . as $vm | .vcpus[0] | select(.loaded_ns != null) |
		. as $v | {vm: $vm.name, share: (100 * .loaded_ns / .wall_ns), clamped: (100 * .clamped_ns / .wall_ns),
			slept: (100 * .blocked_ns / .wall_ns)} |
		select(($vm.name == "duty" and .share < 90) or ($vm.name == "seldom" and .share > 20) or
			($vm.name == "moved" and (.share == 0 or .slept > 5)) or .clamped > 1)] | length == 0' "$1" >/dev/null || {
		jq -c '[.health.hooks_off, [.vms[] | {(.name): .vcpus[0] |
			[.loaded_ns, .halted_ns, .wait_ns, .blocked_ns, .clamped_ns]}]]' "$1"
		return 1
	}
}

# judged FILE: what is known is what the guest says. The intervals before and behind the break are apart.
judged() {
	jq -c --argjson off "${off_ns[0]}" 'select(.end_monotonic_ns < $off and .health.hooks_off == 0)' "$1" >"$1.before"
	jq -c --argjson on "${off_ns[3]}" 'select(.start_monotonic_ns > $on and .health.hooks_off == 0)' "$1" >"$1.behind"
	contiguous "$1.before"
	contiguous "$1.behind"
	agrees "$1.before" duty 3
	seen+="$agreed; "
	agrees "$1.behind" duty 3
	seen+="then $agreed; "
}

switched_off() {
	guests_start
	run_in_background entry -j 0.5
	lines_of "$BATS_TEST_TMPDIR/entry.out" 3
	run_in_background switch -j --mode switch 0.5
	lines_of "$BATS_TEST_TMPDIR/switch.out" 3
	off_for 2.3 "$1"
	goes_on entry
	goes_on switch
	guest_end
}

# told NAME SWITCH: it is said when it begins and when it ends, and not in between. The kernel shows the new value before it
# has changed its text: a snapshot in between says "is 1 again", and the next one that it was written to.
told() {
	local words
	words=$(sed -n -E 's/^gtimehalt(-exporter)?(: warning: ([^ ]+ is [01])?).*/gtimehalt\2/p' "$BATS_TEST_TMPDIR/$1.err")
	[[ ${words%$'\n'gtimehalt: warning: } == "gtimehalt: warning: $2 is 0"$'\n'"gtimehalt: warning: $2 is 1" ]] || {
		cat "$BATS_TEST_TMPDIR/$1.err"
		return 1
	}
}

@test "ftrace is switched off in the middle, and on again" {
	local -a off_ns
	local run off_cnt seen='' host_pct=0
	needs_ftrace_switch
	switched_off "$FTRACE"
	jq -c 'select(.health.hooks_off == 0)' "$BATS_TEST_TMPDIR/entry.out" >"$BATS_TEST_TMPDIR/known"
	host_pct=$(shown_over "$BATS_TEST_TMPDIR/known" duty 0 | jq '100 * .host_ns / .wall_ns')
	for run in entry switch; do
		contiguous "$BATS_TEST_TMPDIR/$run.out"
		told "$run" kernel.ftrace_enabled
		unknown_while_off "$BATS_TEST_TMPDIR/$run.out"
		((off_cnt >= 5))
		sane "$BATS_TEST_TMPDIR/$run.out"
		seen+="$run: $off_cnt intervals unknown, "
		judged "$BATS_TEST_TMPDIR/$run.out"
	done
	fault 'kernel.ftrace_enabled=0 for 2.3 s under -j 0.5 in both modes, 3 guests' \
		'unknown in the intervals that had it, right in all others; told when it begins and ends' "$seen"
}

blinks() {
	guests_start
	run_in_background entry -j 0.5
	lines_of "$BATS_TEST_TMPDIR/entry.out" 4
	off_for 0.1 "$FTRACE"
	goes_on entry
	guest_end
}

# bats test_tags=core
@test "ftrace is off for a tenth of a second between two snapshots" {
	local -a off_ns
	local off_cnt seen=''
	needs_ftrace_switch
	blinks
	unknown_while_off "$BATS_TEST_TMPDIR/entry.out"
	((off_cnt >= 1))
	grep -q 'kernel.ftrace_enabled' "$BATS_TEST_TMPDIR/entry.err"
	sane "$BATS_TEST_TMPDIR/entry.out"
	judged "$BATS_TEST_TMPDIR/entry.out"
	fault 'kernel.ftrace_enabled=0 for 100 ms under -j 0.5' 'that interval is unknown, and told' "$off_cnt unknown; $seen"
}

probes_off() {
	guest_start duty --busy 40 --seconds 900 --pin "$QUIET_CPU"
	run_in_background entry -j --hook kprobe 0.5
	lines_of "$BATS_TEST_TMPDIR/entry.out" 3
	off_for 1.3 "$KPROBES"
	goes_on entry
	guest_end
}

@test "kprobes are switched off in the middle" {
	local -a off_ns
	local off_cnt seen=''
	probes_off
	told entry "$KPROBES"
	unknown_while_off "$BATS_TEST_TMPDIR/entry.out"
	((off_cnt >= 3))
	judged "$BATS_TEST_TMPDIR/entry.out"
	fault 'echo 0 >/sys/kernel/debug/kprobes/enabled for 1.3 s under --hook kprobe' \
		'unknown in the intervals that had it, right in all others; told' "$off_cnt unknown; $seen"
}

exporter_sees() {
	guests_start
	exporter_begin 0.5
	marks=("$(uptime_ns) $(scrape gtimehalt_hooks_off_total gtimehalt_node_loaded_seconds_total)")
	sleep 2
	marks+=("$(uptime_ns) $(scrape gtimehalt_hooks_off_total gtimehalt_node_loaded_seconds_total)")
	echo 0 >"$FTRACE"
	sleep 1.5
	marks+=("$(uptime_ns) $(scrape gtimehalt_hooks_off_total gtimehalt_node_loaded_seconds_total)")
	sleep 1.5
	marks+=("$(uptime_ns) $(scrape gtimehalt_hooks_off_total gtimehalt_node_loaded_seconds_total)")
	echo 1 >"$FTRACE"
	sleep 1.5
	marks+=("$(uptime_ns) $(scrape gtimehalt_hooks_off_total gtimehalt_node_loaded_seconds_total)")
	sleep 2
	marks+=("$(uptime_ns) $(scrape gtimehalt_hooks_off_total gtimehalt_node_loaded_seconds_total)")
	kill -INT "$tool"
	await_end "$tool"
	((ended == 0))
	guest_end
}

@test "an exporter that has given up its rights sees it" {
	local -a marks
	needs_ftrace_switch
	exporter_sees
	printf '%s\n' "${marks[@]}"
	# ns, snapshots with the hooks off, seconds loaded.
	printf '%s\n' "${marks[@]}" | jq -R -s -e 'split("\n")[:6] | map(split(" ") | map(select(. != "") | tonumber)) |
		.[0][1] == 0 and .[1][1] == 0 and .[2][1] > 0 and .[3][1] > .[2][1] and .[4][1] == .[5][1] and
		.[1][2] - .[0][2] > 1 and .[3][2] == .[2][2] and .[5][2] - .[4][2] > 1 and
		.[5][2] - .[4][2] < 2.1 * (.[5][0] - .[4][0]) / 1e9'
	told exporter kernel.ftrace_enabled
	fault 'kernel.ftrace_enabled=0 for 3 s under gtimehalt-exporter, without capabilities, behind seccomp' \
		'counted; the sums stand still; then they go on' "$(printf '%s; ' "${marks[@]#* }")"
}

pinned_off() {
	"$GTIMEHALT" --pin --mode entry
	guests_start
	run_in_background entry -j 0.5
	lines_of "$BATS_TEST_TMPDIR/entry.out" 4
	off_for 2.3 "$FTRACE"
	goes_on entry
	# A reader that comes while it is off.
	echo 0 >"$FTRACE"
	"$GTIMEHALT" -j 0.5 2 >"$BATS_TEST_TMPDIR/late.out" 2>"$BATS_TEST_TMPDIR/late.err"
	echo 1 >"$FTRACE"
	guest_end
}

@test "ftrace is switched off under a measurement that is pinned" {
	local -a off_ns
	local off_cnt seen=''
	can_pin || skip 'before Linux 5.15'
	needs_ftrace_switch
	pinned_off
	contiguous "$BATS_TEST_TMPDIR/entry.out"
	told entry kernel.ftrace_enabled
	unknown_while_off "$BATS_TEST_TMPDIR/entry.out"
	((off_cnt >= 5))
	sane "$BATS_TEST_TMPDIR/entry.out"
	judged "$BATS_TEST_TMPDIR/entry.out"
	jq -e -s 'length == 2 and all(.health.hooks_off == 1 and all(.vms[].vcpus[]; .loaded_ns == null))' \
		"$BATS_TEST_TMPDIR/late.out"
	[[ $(wc -l <"$BATS_TEST_TMPDIR/late.err") == 1 ]]
	fault 'kernel.ftrace_enabled=0 for 2.3 s under a pinned measurement and its reader, and before one comes' \
		'unknown in the intervals that had it, right in all others; told' "$off_cnt unknown; $seen"
}

# refused_reader: one that comes now ends with 1, and says so.
refused_reader() {
	local status=0 said
	said=$("$GTIMEHALT" -d 1 2>&1) || status=$?
	[[ $status == 1 && $said == "gtimehalt: KVM was unloaded"*"--unpin and --pin again" ]] || {
		echo "status $status: $said"
		return 1
	}
}

@test "the vendor's module is unloaded under a measurement by kprobes that is pinned, and loaded again" {
	can_pin || skip 'before Linux 5.15'
	"$GTIMEHALT" --pin --mode entry --hook kprobe
	run_in_background before -j 0.5
	lines_of "$BATS_TEST_TMPDIR/before.out" 2
	modprobe -r "$KVM_VENDOR"
	await_end "${pid_of[before]}"
	((ended == 1))
	grep -q 'KVM was unloaded' "$BATS_TEST_TMPDIR/before.err"
	refused_reader
	modprobe "$KVM_VENDOR"
	refused_reader
	"$GTIMEHALT" --unpin
	guest_start duty --busy 30 --seconds 900 --pin "$QUIET_CPU"
	"$GTIMEHALT" --pin --mode entry --hook kprobe
	measure "$BATS_TEST_TMPDIR/again" -d 2
	guest_end
	agrees "$BATS_TEST_TMPDIR/again" duty 2
	fault 'modprobe -r kvm-amd, modprobe kvm-amd, between --pin --hook kprobe and its readers' \
		'told with status 1, until it is pinned again' "$agreed"
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Numbers hold where other threads, the scheduler, perf and NTP are at work at the same time. The witness is the
# scheduler's own account (schedstat), or a guest that never halts. Runs in the bed, on every kernel.

bats_require_minimum_version 1.5.0
load helper

ODD_VMM=$src/.output/tests/odd_vmm
PING_PONG=$src/.output/tests/ping_pong
CLOCK_TICK=$src/.output/tests/clock_tick
PINNED=/sys/fs/bpf/gtimehalt

others=()

teardown() {
	((!${#others[@]})) || kill "${others[@]}" 2>/dev/null || :
	guest_end
	"$CLOCK_TICK" 10000
	[[ ! -e $PINNED ]] || "$GTIMEHALT" --unpin
}

# beside COMMAND...: runs it in the background until the test ends; its PID is $beside.
beside() {
	"$@" 3>&- &
	beside=$!
	others+=("$beside")
}

# odd MODE: starts odd_vmm; its PID is $odd, its vCPU thread $thread.
odd() {
	beside "$ODD_VMM" "$1"
	odd=$beside
	sleep 1
	thread=$(grep -l '^CPU 0/KVM' "/proc/$odd"/task/*/comm | sed 's:.*/task/\([0-9]*\)/comm:\1:')
}

# account: what the scheduler says that the vCPU thread has run and waited, and the time, in ns.
account() {
	echo "$(cut -d ' ' -f 1,2 "/proc/$odd/task/$thread/schedstat") $(date +%s%N)"
}

# share_of METRIC FILE: per cent of wall time of the vCPU thread, of the last interval.
share_of() {
	jq -s --argjson tid "$thread" "[.[-1].vms[].vcpus[] | select(.tid == \$tid)] |
		100 * (map(.$1) | add) / (map(.wall_ns) | add)" "$2"
}

# measure_odd: two intervals, for the first one sees the thread for the first time. The second is held against what the
# scheduler says of both.
measure_odd() {
	local from to
	beside "$GTIMEHALT" -v -j 3 2 >"$BATS_TEST_TMPDIR/odd.json" 2>"$BATS_TEST_TMPDIR/said"
	tool=$beside
	measuring "$BATS_TEST_TMPDIR/said"
	from=$(account)
	wait "$tool"
	to=$(account)
	jq -c '.vms[].vcpus[]' "$BATS_TEST_TMPDIR/odd.json"
	echo "the scheduler, ran waited time: $from .. $to"
	read -r ran waited slept < <(awk -v from="$from" -v to="$to" 'BEGIN {
		split(from, a); split(to, b); all = b[3] - a[3]
		ran = 100 * (b[1] - a[1]) / all; waited = 100 * (b[2] - a[2]) / all
		print ran, waited, 100 - ran - waited }')
	near "$(share_of loaded_ns "$BATS_TEST_TMPDIR/odd.json")" "$ran" 5 loaded
	near "$(share_of wait_ns "$BATS_TEST_TMPDIR/odd.json")" "$waited" 5 wait
	near "$(share_of blocked_ns "$BATS_TEST_TMPDIR/odd.json")" "$slept" 5 blocked
}

# bats test_tags=core,core-oldest
@test "registers read by another thread do not make a vCPU that sleeps look loaded" {
	odd look
	measure_odd
	jq -n -e "$slept > 80" >/dev/null
}

@test "a second thread that runs the same vCPU does not make the first one look loaded" {
	odd share
	measure_odd
	jq -n -e "$slept > 80" >/dev/null
}

# bats test_tags=core,core-oldest
@test "user mode on a CPU that is shared is loaded and waiting, not blocked" {
	odd work
	measure_odd
	near "$(share_of blocked_ns "$BATS_TEST_TMPDIR/odd.json")" 0 1 blocked
}

@test "a thread that runs two vCPUs in turn has two rows, and none is clamped" {
	odd turn
	measure_odd
	jq -e -s 'all(.[].vms[].vcpus[]; .clamped_ns < .wall_ns / 1000)' "$BATS_TEST_TMPDIR/odd.json"
	[[ $(jq -s '.[-1].vms[0].vcpus | length' "$BATS_TEST_TMPDIR/odd.json") == 2 ]]
	jq -e -s 'all(.[]; (.health | add) == 0)' "$BATS_TEST_TMPDIR/odd.json"
}

@test "user mode of a thread that no hook has seen is loaded and waiting, not blocked" {
	odd leave
	measure_odd
	near "$(share_of blocked_ns "$BATS_TEST_TMPDIR/odd.json")" 0 1 blocked
}

# halting_of NAME FILE: can_halt and sums of the VM in the last interval.
halting_of() {
	jq -s -c --arg name "$1" '.[-1].vms[] | select(.name == $name) | .total as $total |
		[.can_halt, $total.halted_ns > 0, $total.busy_ns == $total.guest_ns, $total.guest_ns > 0, $total.unmeasured_ns]' \
		"$2"
}

# bats test_tags=core,core-oldest,core-newest
@test "what a guest cannot halt, by KVM's flags, is 0 without a measurement, and is named so" {
	guest_start exits --busy 50 --hlt exit --pin "$OTHER_CPU"
	guest_start through --busy 50 --pin "$QUIET_CPU"
	"$GTIMEHALT" -j 1 2 >"$BATS_TEST_TMPDIR/vms.json"
	jq -c '.vms[]' "$BATS_TEST_TMPDIR/vms.json"
	[[ $(halting_of exits "$BATS_TEST_TMPDIR/vms.json") == '[false,false,true,true,0]' ]]
	[[ $(halting_of through "$BATS_TEST_TMPDIR/vms.json") == '[true,true,false,true,0]' ]]
}

# KVM refuses to change the flags when vCPUs exist, or the tool sees the change.
# bats test_tags=core,core-oldest
@test "flags of KVM that change when vCPUs exist are seen" {
	beside "$ODD_VMM" late >"$BATS_TEST_TMPDIR/answer"
	"$GTIMEHALT" -j -p "$beside" 1 5 >"$BATS_TEST_TMPDIR/vms.json"
	answer=$(<"$BATS_TEST_TMPDIR/answer")
	jq -s -c '[.[].vms[0].can_halt]' "$BATS_TEST_TMPDIR/vms.json"
	printf '# KVM_CAP_X86_DISABLE_EXITS when vCPUs exist: %s\n' "$answer" >&3
	case $answer in
	refused) jq -s -e '.[-1].vms[0].can_halt == false' "$BATS_TEST_TMPDIR/vms.json" ;;
	accepted) jq -s -e '.[-1].vms[0].can_halt == true' "$BATS_TEST_TMPDIR/vms.json" ;;
	*) false ;;
	esac
}

# bats test_tags=core
@test "perf's cgroup events do not make a busy guest look halted" {
	local cgroups=$BATS_TEST_TMPDIR/cgroups
	mkdir "$cgroups"
	mount -t cgroup -o perf_event none "$cgroups" || mount -t cgroup2 none "$cgroups"
	mkdir -p "$cgroups/ping" "$cgroups/pong"
	guest_start busy --busy 100 --pin "$QUIET_CPU"
	beside "$PING_PONG" "$cgroups/ping" "$cgroups/pong" "$(</sys/bus/event_source/devices/msr/type)"
	sleep 1
	"$GTIMEHALT" -j 2 2 >"$BATS_TEST_TMPDIR/busy.json"
	kill -0 "$beside"
	jq -c '.vms[].vcpus[]' "$BATS_TEST_TMPDIR/busy.json"
	# perf takes the events out at each switch between the cgroups, thousands of times a second: that is neither a halt
	# nor the loss of a window.
	jq -e -s '.[-1].vms[0].vcpus[0] | .loaded_ns > .wall_ns / 10 and .unmeasured_ns == 0 and .halted_ns < .wall_ns / 300' \
		"$BATS_TEST_TMPDIR/busy.json"
	umount -l "$cgroups"
}

# bats test_tags=core
@test "a clock that NTP slews does not make a busy guest look halted in a pinned measurement" {
	local loaded halted
	! is_linux_before 5 15 || skip "nothing can be pinned before Linux 5.15"
	mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf
	guest_start busy --busy 100 --pin "$QUIET_CPU"
	"$CLOCK_TICK" 9500
	"$GTIMEHALT" --pin
	"$CLOCK_TICK" 10000
	sleep 4
	read -r loaded halted _ < <(sed -E 's/^.*\) //' $PINNED/stat)
	echo "loaded $loaded, halted $halted"
	near "$(jq -n "100 * $halted / $loaded")" 0 0.5 halted
}

@test "a clock that NTP slews does not make a busy guest look halted in a histogram" {
	guest_start busy --busy 100 --pin "$QUIET_CPU"
	"$CLOCK_TICK" 9500
	beside "$GTIMEHALT" -v -j -H 2 2 >"$BATS_TEST_TMPDIR/busy.json" 2>"$BATS_TEST_TMPDIR/said"
	tool=$beside
	measuring "$BATS_TEST_TMPDIR/said"
	"$CLOCK_TICK" 10000
	wait "$tool"
	jq -c '.vms[].vcpus[] | del(.histogram.buckets)' "$BATS_TEST_TMPDIR/busy.json"
	jq -e -s '.[-1].vms[0].vcpus[0] | .loaded_ns > .wall_ns / 2 and .histogram.halted_ns < .wall_ns / 1000' \
		"$BATS_TEST_TMPDIR/busy.json"
}

# A hog of the CPU with real-time priority: the vCPU thread waits for 0.3 s at a time, longer than an interval. The hog starts
# when the hooks have seen the thread: before that, /proc tells only of waits that have ended.
# bats test_tags=core
@test "a wait that is not over at the end of an interval belongs to that interval" {
	local i seen='any(.vms[].vcpus[]; .entries > 0)'
	odd work
	beside "$GTIMEHALT" -v -j 0.2 >"$BATS_TEST_TMPDIR/odd.json" 2>"$BATS_TEST_TMPDIR/said"
	tool=$beside
	measuring "$BATS_TEST_TMPDIR/said"
	for ((i = 0; i < 100; i++)); do
		! jq -e -n "any(inputs; $seen)" "$BATS_TEST_TMPDIR/odd.json" 2>&1 || break
		sleep 0.2
	done
	# shellcheck disable=SC2016 # the inner shell expands it
	beside chrt -f 10 taskset -c 1 bash -c 'for (( ; ; )); do
		end=$((${EPOCHREALTIME/./} + 300000))
		while ((${EPOCHREALTIME/./} < end)); do :; done
		sleep 0.1
	done'
	sleep 4
	kill -INT "$tool"
	wait "$tool"
	jq -c '.vms[].vcpus[]' "$BATS_TEST_TMPDIR/odd.json"
	jq -e -s ".[map($seen) | index(true) + 1:] | map(.vms[].vcpus[]) | length > 10 and
		any(.[]; .wait_ns > .wall_ns * 0.95) and
		all(.[]; .clamped_ns < .wall_ns / 1000 and .blocked_ns < .wall_ns / 100)" "$BATS_TEST_TMPDIR/odd.json"
}

# bats test_tags=core
@test "a group that may read a pinned measurement reads no kernel address in it" {
	local map
	! is_linux_before 5 15 || skip "nothing can be pinned before Linux 5.15"
	mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf
	guest_start busy --busy 100 --pin "$QUIET_CPU"
	"$GTIMEHALT" --pin --group daemon
	sleep 2
	for map in ended processes healths about; do
		bpftool -j map dump pinned "$PINNED/$map" >"$BATS_TEST_TMPDIR/$map"
	done
	first_entries >"$BATS_TEST_TMPDIR/vcpus"
	jq -e 'length == 1 and .[0].vm_id != 0' "$BATS_TEST_TMPDIR/vcpus"
	# Addresses of the kernel begin at 0xffff800000000000.
	for map in ended processes healths about vcpus; do
		! grep -o '1844[67][0-9]\{15\}' "$BATS_TEST_TMPDIR/$map" || return 1
	done
	# The group may read nothing else, and no program: a descriptor of one is enough to attach it anywhere.
	[[ $(find "$PINNED" -maxdepth 1 -type f -perm -040 -printf '%f\n' | sort | paste -s -d ' ') == \
		'about ended healths processes stat vcpus' ]]
}

# first_entries: the first entries of the pinned measurement that are in use; thousands are free.
first_entries() {
	local i
	for i in {1..4}; do
		bpftool -j map lookup pinned "$PINNED/vcpus" key "$i" 0 0 0
	done | jq -s -c 'map(.formatted.value | select(.tid != 0))'
}

# The room is for 4 entries: a process gets as many as it leaves free, the first one 2, each other one 1.
# bats test_tags=core
@test "VMMs with more vCPUs than their share do not take the room of another VM" {
	guest_start big --vcpus 4 --busy 1 --pin "$OTHER_CPU,$OTHER_CPU,$OTHER_CPU,$OTHER_CPU"
	guest_start large --vcpus 4 --busy 1 --pin "$OTHER_CPU,$OTHER_CPU,$OTHER_CPU,$OTHER_CPU"
	beside "$src/.output/tests/crowded/gtimehalt" -v -j 3 2 >"$BATS_TEST_TMPDIR/crowd.json" 2>"$BATS_TEST_TMPDIR/said"
	tool=$beside
	measuring "$BATS_TEST_TMPDIR/said"
	guest_start small --busy 100 --pin "$QUIET_CPU"
	wait "$tool"
	cat "$BATS_TEST_TMPDIR/said"
	jq -c '.health, (.vms[] | [.name, .total.loaded_ns, .total.halted_ns])' "$BATS_TEST_TMPDIR/crowd.json"
	jq -e -s '.[-1].health.map_full == 0 and any(.[]; .health.refused_windows > 0)' "$BATS_TEST_TMPDIR/crowd.json"
	jq -e -s '.[-1].vms[] | select(.name == "small") | .vcpus[0] | .loaded_ns > .wall_ns * 0.9 and .halted_ns < .wall_ns / 100' \
		"$BATS_TEST_TMPDIR/crowd.json"
	grep "process ${guests[0]} runs more vCPUs" "$BATS_TEST_TMPDIR/said"
}

# gone: within seconds the pinned measurement has no entry of the thread, and has its last sums.
gone() {
	local i
	for ((i = 0; i < 50; i++)); do
		! first_entries | jq -e 'length == 0' || break
		sleep 0.1
	done
	first_entries | tee /dev/stderr | jq -e 'length == 0'
	bpftool -j map dump pinned "$PINNED/ended" | jq -e --argjson tid "$thread" 'any(.[]; .formatted.key.tid == $tid)'
}

pin_all() {
	! is_linux_before 5 15 || skip "nothing can be pinned before Linux 5.15"
	mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf
	"$GTIMEHALT" --pin
}

# bats test_tags=core
@test "a vCPU thread that calls execve() leaves no entry in a pinned measurement" {
	pin_all
	odd exec
	first_entries | tee /dev/stderr | jq -e --argjson tid "$thread" 'length == 1 and .[0].tid == $tid'
	for ((i = 0; i < 50; i++)); do
		[[ $(<"/proc/$odd/comm") != sleep ]] || break
		sleep 0.1
	done
	[[ $(<"/proc/$odd/comm") == sleep ]]
	gone
}

@test "a thread whose exit no hook has seen leaves no entry in a pinned measurement" {
	pin_all
	odd work
	first_entries | jq -e --argjson tid "$thread" 'length == 1 and .[0].tid == $tid'
	rm "$PINNED"/links/raw_tp_process_exit
	kill -KILL "$odd"
	gone
}

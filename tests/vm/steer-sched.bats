#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# bats file_tags=boot:plain
#
# gtimehalt-steer --sched on a ticking host with two CPUs, judged as in steer.bats by data of the host: how long each
# vCPU's thread waited to run (schedstat), and how much CPU time tasks got (cpu.stat).

bats_require_minimum_version 1.5.0
load helper
load steer

setup() {
	guest_options=(--seconds 1000)
	[[ -e /sys/kernel/sched_ext/state ]] || skip 'this kernel has no sched_ext'
}

teardown() {
	steer_teardown
}

# scheduler: prints the state of sched_ext.
scheduler() {
	cat /sys/kernel/sched_ext/state
}

# sched_start: starts gtimehalt-steer --sched and returns when it schedules.
sched_start() {
	steer_start --sched
	[[ $(scheduler) == enabled && $(</sys/kernel/sched_ext/root/ops) == gtimehalt_steer ]]
}

# Largest delay of a polling vCPU: see the figures that scheduler.bpf.c's design rests on, 99.97 % available and more.
SCHED_MAX_PCT=0.1

# bats test_tags=core-newest
@test "a polling vCPU is not preempted: nothing, by hand, cpusets, --sched" {
	local baseline by_hand cpusets
	steer_setup cpu
	baseline_judged
	steer_start hk
	becomes 0 given hk
	# Without --sched nothing of the scheduler is loaded.
	[[ $(scheduler) == disabled && $(</sys/kernel/sched_ext/enable_seq) == 0 ]]
	judge "$SECONDS_JUDGED" 1
	cpusets="${delay_pct[1]}%, $used_pct%"
	steer_end
	sched_start
	sleep 1
	judge "$SECONDS_JUDGED" 1
	printf '# vCPU waits, housekeeping gets: without steering %s%%; by hand -, %s%%; cpusets %s; --sched %s%%, %s%%\n' \
		"$baseline" "$by_hand" "$cpusets" "${delay_pct[1]}" "$used_pct" >&3
	printf '# %s\n' "$("$STEER" --status | tr '\n' ' ')" >&3
	holds "$baseline >= $BASELINE_MIN_PCT" 'without steering the vCPU waits'
	holds "${delay_pct[1]} <= $SCHED_MAX_PCT" 'with --sched the vCPU does not wait'
	holds "$used_pct >= $BY_HAND_MIN_SHARE * $by_hand" 'housekeeping gets as much CPU time as when pinned by hand'
	[[ $(status_of .busy_cpus) == 1 ]]
	steer_end
	[[ $(scheduler) == disabled ]]
}

@test "in one cgroup: a polling vCPU is not preempted" {
	local baseline by_hand
	steer_setup
	baseline_judged
	sched_start
	sleep 1
	judge "$SECONDS_JUDGED" 1
	printf '# vCPU waits %s%% without steering, %s%% with; housekeeping gets %s%% of a CPU, %s%% when pinned by hand\n' \
		"$baseline" "${delay_pct[1]}" "$used_pct" "$by_hand" >&3
	holds "$baseline >= $BASELINE_MIN_PCT" 'without steering the vCPU waits'
	holds "${delay_pct[1]} <= $SCHED_MAX_PCT" 'with --sched the vCPU does not wait'
	holds "$used_pct >= $BY_HAND_MIN_SHARE * $by_hand" 'housekeeping gets as much CPU time as when pinned by hand'
	steer_end
}

@test "vCPUs that swap roles every 4 s: the polling vCPU is hardly preempted" {
	# Three to four ticks measure the swap, in each of which housekeeping has a turn: 50 ms of 4 s, and as much again.
	SWAPPING_MAX_PCT=2.5 swapping --sched
}

@test "all vCPUs are busy: housekeeping runs on all CPUs as before" {
	local use
	steer_setup cpu
	vcpus 0=100 1=100
	stress hk
	stay_on 0
	judge 3 0 1
	use=$used_pct
	sched_start
	sleep 1
	judge 3 0 1
	printf '# vCPUs wait %s%% and %s%%; housekeeping gets %s%%, %s%% before\n' "${delay_pct[0]}" "${delay_pct[1]}" \
		"$used_pct" "$use" >&3
	[[ $(status_of .busy_cpus) == 0-1 ]]
	holds "$used_pct >= 0.7 * $use && $used_pct <= 1.3 * $use" 'housekeeping gets as much CPU time as before'
	steer_end
}

# uses PID: prints the CPU time of the process in ns.
uses() {
	cut -d ' ' -f 1 "/proc/$1/schedstat"
}

# shares: measures for 3 s. Prints the CPU time of the first stressor in per cent of that of the first two.
shares() {
	local a b
	a=$(uses "${stressors[0]}") b=$(uses "${stressors[1]}")
	sleep 3
	a=$(($(uses "${stressors[0]}") - a)) b=$(($(uses "${stressors[1]}") - b))
	percent "$a" "$((a + b))"
}

@test "tasks share a CPU by nice and by cpu.weight, as with the kernel's scheduler" {
	local pid expected is
	steer_setup cpu
	mkdir -p "$cgroups"/hk/a "$cgroups"/hk/b
	echo +cpu >"$cgroups"/hk/cgroup.subtree_control
	stay_on 0
	# Three tasks in b: a has 300 of 400 whatever their number.
	stress hk/a
	stress hk/b
	stress hk/b
	stress hk/b
	for pid in "${stressors[@]}"; do
		taskset -cp 1 "$pid" >/dev/null
	done
	echo 300 >"$cgroups"/hk/a/cpu.weight
	sched_start
	# a: 300; b: 100, of which a third each.
	is=$(shares)
	printf '# cpu.weight 300 and 100 for three: %s%% of the two, 90 expected\n' "$is" >&3
	holds "$is >= 87 && $is <= 93" 'cgroups share by weight'
	# A change while both run.
	echo 100 >"$cgroups"/hk/a/cpu.weight
	is=$(shares)
	printf '# 100 and 100 for three: %s%%, 75 expected\n' "$is" >&3
	holds "$is >= 71 && $is <= 79" 'a change of a weight comes into effect'
	stress_end
	stress hk/a
	stress hk/a nice -n 5
	for pid in "${stressors[@]}"; do
		taskset -cp 1 "$pid" >/dev/null
	done
	# 1024 : 335, as kernel/sched/core.c weighs nice 0 and 5.
	is=$(shares)
	printf '# nice 0 and 5: %s%%, 75.3 expected\n' "$is" >&3
	holds "$is >= 72 && $is <= 78" 'tasks share by nice'
	steer_end
}

# bats test_tags=core-newest
@test "after kill -9 the kernel's own scheduler runs" {
	steer_setup
	stress hk
	sched_start
	kill -KILL "$steer"
	wait "$steer" || :
	becomes disabled scheduler
	dmesg | grep -q 'sched_ext: BPF scheduler "gtimehalt_steer" disabled (unregistered'
	# Nothing has to be undone.
	sched_start
	steer_end
	[[ $(scheduler) == disabled ]]
}

@test "a scheduler under which a task does not run is removed by the kernel, and the program says why" {
	local server=/sys/kernel/debug/sched/ext_server/cpu1/runtime
	steer_setup
	stay_on 0
	sched_start
	# A task of a higher class keeps CPU 1, and nothing gives the others a part of it.
	[[ ! -e $server ]] || echo 0 >"$server"
	echo -1 >/proc/sys/kernel/sched_rt_runtime_us
	stress hk taskset -c 1 chrt -f 50
	stress hk taskset -c 1
	ended 1
	kill "${stressors[0]}"
	echo 950000 >/proc/sys/kernel/sched_rt_runtime_us
	cat "$BATS_TEST_TMPDIR/steer"
	grep -q 'the kernel has removed the scheduler.*runnable task stall' "$BATS_TEST_TMPDIR/steer"
	[[ $(scheduler) == disabled ]]
	# Nothing is lost: the other task goes on.
	stress_end
}

@test "CPU hotplug does not end the scheduler" {
	steer_setup
	vcpus 0=0
	stress hk
	stress hk
	stay_on 0
	sched_start
	echo 0 >/sys/devices/system/cpu/cpu1/online
	sleep 1
	echo 1 >/sys/devices/system/cpu/cpu1/online
	sleep 1
	judge 2 0
	holds "$used_pct >= 100" 'housekeeping uses the CPU that is back'
	[[ $(scheduler) == enabled ]]
	steer_end
}

@test "refused: a second run, another scheduler, cgroups that a killed run has narrowed" {
	steer_setup
	vcpus 0=0 1=100
	stay_on 0
	sched_start
	run -1 --separate-stderr "$STEER" --mperf-ratio 1 --sched
	[[ $stderr == *'another gtimehalt-steer is running'* ]]
	# shellcheck disable=SC2016 # for the inner shell
	run -3 --separate-stderr unshare --mount bash -c 'mount -t tmpfs tmpfs /run && "$1" --mperf-ratio 1 --sched' - "$STEER"
	[[ $stderr == *'another scheduler is loaded (gtimehalt_steer, enabled)'* && $(wc -l <<<"$stderr") == 1 ]]
	steer_end
	steer_start hk
	becomes 0 given hk
	kill -KILL "$steer"
	wait "$steer" || :
	run -3 --separate-stderr "$STEER" --mperf-ratio 1 --sched
	[[ $stderr == *'restore them with --unsteer first'* && $(scheduler) == disabled ]]
}

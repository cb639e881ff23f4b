#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# bats file_tags=boot:plain
#
# gtimehalt-steer on a ticking host with two CPUs. The tests judge it by data of the host's scheduler: how long each
# vCPU's thread waited to run (schedstat), and how much CPU time housekeeping got (cpu.stat).

bats_require_minimum_version 1.5.0
load helper
load steer

setup() {
	guest_options=(--seconds 1000)
}

teardown() {
	[[ ! $BATS_TEST_DESCRIPTION == *MPERF* ]] || wrmsr -p 0 "$MSR_BED_RATE" 1000000
	steer_teardown
}

# bats test_tags=core
@test "a polling vCPU is not preempted, in cgroups with the cpu controller" {
	against_baseline cpu
}

@test "a polling vCPU is not preempted, in cgroups without the cpu controller" {
	against_baseline
}

@test "weights, nice and SCHED_IDLE do not protect the polling vCPU, or starve housekeeping" {
	against_rivals
}

@test "vCPUs that swap roles every 4 s: the polling vCPU is hardly preempted" {
	swapping hk
}

@test "all vCPUs are busy: housekeeping runs on all CPUs as before" {
	local use
	steer_setup cpu
	vcpus 0=100 1=100
	stress hk
	stay_on 0
	judge 3 0 1
	use=$used_pct
	steer_start hk
	judge 3 0 1
	printf '# vCPUs wait %s%% and %s%%; housekeeping gets %s%%, %s%% before\n' "${delay_pct[0]}" "${delay_pct[1]}" \
		"$used_pct" "$use" >&3
	[[ $(given hk) == 0-1 && $(status_of '.cgroups[0] | .narrowed, .writes') == $'false\n0' ]]
	holds "$used_pct >= 0.8 * $use && $used_pct <= 1.2 * $use" 'housekeeping gets as much CPU time as before'
	steer_end
	[[ $(<"$cgroups"/hk/cpuset.cpus) == '' ]]
}

@test "no vCPU is busy, or there is no VM: nothing is written" {
	steer_setup
	stay_on 0
	steer_start hk
	sleep 2
	[[ $(given hk) == 0-1 && $(status_of '.cgroups[0].writes') == 0 ]]
	steer_end
	# Start the guests before the next run, because a guest is busy for a moment when it starts.
	vcpus 0=0 1=0
	stress hk
	steer_start hk
	sleep 3
	[[ $(given hk) == 0-1 && $(status_of '.cgroups[0].writes') == 0 ]]
	steer_end
}

# sleepy_delay: prints how long the first sleepy task has waited to run, in us for each time that it ran.
sleepy_delay() {
	local waited before runs runs_before
	read -r _ before runs_before <"/proc/${stressors[0]}/schedstat"
	sleep 3
	read -r _ waited runs <"/proc/${stressors[0]}/schedstat"
	echo $(((waited - before) / (runs - runs_before) / 1000))
}

@test "tasks that sleep 10 ms and work 2 ms leave the CPU of the polling vCPU" {
	local baseline own
	steer_setup cpu
	vcpus 0=0 1=100
	sleepy hk
	sleepy hk
	stay_on 0
	judge "$SECONDS_JUDGED" 1
	baseline=${delay_pct[1]} own=$(sleepy_delay)
	printf '# without steering: vCPU waits %s%%, tasks get %s%%, and wait %s us at a time\n' "$baseline" "$used_pct" "$own" >&3
	steer_start hk
	becomes 0 given hk
	judge "$SECONDS_JUDGED" 1
	printf '# cpusets: vCPU waits %s%%, tasks get %s%%, and wait %s us at a time\n' "${delay_pct[1]}" "$used_pct" \
		"$(sleepy_delay)" >&3
	holds "${delay_pct[1]} <= $STEERED_MAX_PCT" 'with steering the vCPU does not wait'
	steer_end
	[[ -e /sys/kernel/sched_ext/state ]] || return 0
	steer_start --sched
	sleep 1
	judge "$SECONDS_JUDGED" 1
	printf '# --sched: vCPU waits %s%%, tasks get %s%%, and wait %s us at a time\n' "${delay_pct[1]}" "$used_pct" \
		"$(sleepy_delay)" >&3
	holds "${delay_pct[1]} <= $STEERED_MAX_PCT" 'with --sched the vCPU does not wait'
	steer_end
}

# set_cpus LIST: writes the CPUs of hk, and prints how long that took, in us.
set_cpus() {
	local begin=$EPOCHREALTIME
	echo "$1" >"$cgroups"/hk/cpuset.cpus
	local end=$EPOCHREALTIME
	echo $((10#${end/./} - 10#${begin/./}))
}

@test "1000 tasks in the cgroup: what a change costs" {
	local few many
	steer_setup
	vcpus 0=0 1=100
	stay_on 0
	few=$(set_cpus 0)
	set_cpus 0-1
	sleepers hk 1000
	until [[ $(wc -l <"$cgroups"/hk/cgroup.procs) == 1000 ]]; do
		sleep 0.2
	done
	many=$(set_cpus 0)
	set_cpus 0-1
	printf '# a write of cpuset.cpus takes %s us without a task and %s us with 1000\n' "$few" "$many" >&3
	steer_start hk
	becomes 0 given hk
	[[ $(status_of '.cgroups[0] | .writes, .failures') == $'1\n0' ]]
	steer_end
	[[ $(given hk) == 0-1 ]]
	echo 1 >"$cgroups"/hk/cgroup.kill
}

# rest_cost VCPUS: prints the CPU time of gtimehalt-steer for each interval of 0.2 s, in us, beside a VM that idles.
rest_cost() {
	local used_before used decisions_before decisions
	guest_start many --vcpus "$1" --busy 0 --hlt exit --period-ms 1000
	steer_start hk 0.2
	sleep 2
	decisions_before=$(status_of .decisions)
	read -r used_before _ <"/proc/$steer/schedstat"
	sleep 4
	read -r used _ <"/proc/$steer/schedstat"
	decisions=$(status_of .decisions)
	steer_end
	guest_end
	echo $(((used - used_before) / (decisions - decisions_before) / 1000))
}

@test "cost at rest: CPU time of an interval with 8, 64 and 512 vCPUs" {
	local cnt cost
	steer_setup
	for cnt in 8 64 512; do
		cost=$(rest_cost "$cnt")
		printf '# %s vCPUs: %s us of CPU time for each interval, which is %s instructions here\n' "$cnt" "$cost" \
			"$((cost * 125))" >&3
		((cost > 0))
	done
}

# bats test_tags=core
@test "a run has no privileges, and reports what it does: --status, --json, --textfile" {
	local dir=$BATS_TEST_TMPDIR/metrics
	steer_setup
	vcpus 0=0 1=100
	stress hk
	stay_on 0
	install -d -o nobody "$dir"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_TEST_TMPDIR" "$BATS_RUN_TMPDIR/test"
	steer_start -j --textfile "$dir/steer.prom" hk
	becomes 0 given hk
	diff - <(awk '/^(Uid|Groups|Cap|NoNewPrivs|Seccomp:)/ { print $1, $2 }' "/proc/$steer/status") <<-'END'
		Uid: 65534
		Groups: 
		CapInh: 0000000000000000
		CapPrm: 0000000000000000
		CapEff: 0000000000000000
		CapBnd: 0000000000000000
		CapAmb: 0000000000000000
		NoNewPrivs: 1
		Seccomp: 2
	END
	# gtimehalt-steer itself keeps off busy CPUs, too.
	becomes 0 affinity "$steer"
	becomes true status_of '.cgroups[0] | .cpus == "0" and .original_cpus == "" and .narrowed and .refusal == null and .writes == 1'
	[[ $(status_of .busy_cpus) == 1 ]]
	"$STEER" --status | grep -qx 'hk: CPUs 0 of all'
	run ! setpriv --reuid 65534 --clear-groups "$STEER" --status
	steer_end
	jq -e '.cgroup == "hk" and .before_cpus == "" and .cpus == "0" and .narrowed' "$BATS_TEST_TMPDIR/steer.out"
	grep -qx 'gtimehalt_steer_writes_total{cgroup="hk"} 1' "$dir/steer.prom"
	grep -qx 'gtimehalt_steer_cpus{cgroup="hk"} 2' "$dir/steer.prom"
	run -1 "$STEER" --status
}

@test "after kill -9, --unsteer or the next start restores the CPUs" {
	steer_setup
	echo 0-1 >"$cgroups"/hk/cpuset.cpus
	vcpus 0=0 1=100
	stress hk
	stay_on 0
	for way in unsteer start; do
		steer_start hk
		becomes 0 given hk
		kill -KILL "$steer"
		wait "$steer" || :
		[[ $(given hk) == 0 ]]
		if [[ $way == unsteer ]]; then
			"$STEER" --unsteer
			[[ $(<"$cgroups"/hk/cpuset.cpus) == 0-1 && ! -s /run/gtimehalt-steer/originals ]]
			"$STEER" --unsteer
		fi
	done
	steer_start hk
	grep -q 'restored cgroups that a killed run had left narrowed: 1' "$BATS_TEST_TMPDIR/steer"
	becomes 0 given hk
	steer_end
	[[ $(<"$cgroups"/hk/cpuset.cpus) == 0-1 ]]
}

@test "SIGTERM, SIGHUP, SIGQUIT and a failed write to stdout restore the CPUs" {
	steer_setup
	vcpus 0=0 1=100
	stress hk
	stay_on 0
	for signal in TERM HUP QUIT; do
		steer_start hk
		becomes 0 given hk
		kill -"$signal" "$steer"
		ended 0
		[[ $(given hk) == 0-1 ]]
	done
	# shellcheck disable=SC2016 # for the inner shell
	run -1 bash -c '"$1" -j hk >/dev/full' - "$STEER"
	[[ $(given hk) == 0-1 ]]
}

@test "the CPUs are restored while a vCPU's thread is in the cgroup" {
	steer_setup
	vcpus 0=0 1=100
	stress hk
	stay_on 0
	steer_start hk
	becomes 0 given hk
	mkdir -p "$cgroups"/hk/below
	echo "${guests[0]}" >"$cgroups"/hk/below/cgroup.procs
	becomes 0-1 given hk
	becomes vcpu status_of '.cgroups[0].refusal'
	echo "${guests[0]}" >"$cgroups"/vm/cgroup.procs
	becomes 0 given hk
	[[ $(status_of '.cgroups[0].refusal') == null ]]
	steer_end
	# A cgroup that contains a vCPU's thread at the start is refused.
	run -3 --separate-stderr "$STEER" vm
	[[ $stderr == *'vm is not steered: a vCPU'* ]]
}

@test "a removed cgroup does not affect the others; the run ends when the last cgroup is removed" {
	steer_setup
	mkdir "$cgroups"/hk/a "$cgroups"/hk/b
	echo +cpuset >"$cgroups"/hk/cgroup.subtree_control
	vcpus 0=0 1=100
	stay_on 0
	steer_start hk/a hk/b
	becomes 0 given hk/a
	becomes 0 given hk/b
	rmdir "$cgroups"/hk/a
	becomes gone status_of '.cgroups[0].refusal'
	[[ $(given hk/b) == 0 && $(status_of '.cgroups[1].refusal') == null ]]
	rmdir "$cgroups"/hk/b
	ended 1
	grep -q 'all cgroups have been removed' "$BATS_TEST_TMPDIR/steer"
}

@test "a sibling that is a partition root takes its CPU away; a cgroup that is a partition root is refused" {
	is_linux_before 6 1 && skip 'partitions work differently on this kernel'
	steer_setup
	mkdir "$cgroups"/part
	vcpus 0=0 1=100
	stress hk
	stay_on 0
	echo 0 >"$cgroups"/part/cpuset.cpus
	echo root >"$cgroups"/part/cpuset.cpus.partition
	[[ $(<"$cgroups"/part/cpuset.cpus.partition) == root && $(given hk) == 1 ]]
	steer_start hk
	sleep 2
	[[ $(given hk) == 1 && $(status_of '.cgroups[0] | .writes, .failures') == $'0\n0' ]]
	echo member >"$cgroups"/part/cpuset.cpus.partition
	becomes 0 given hk
	# The partition becomes invalid, because CPU 0 is in the list of hk: this must not affect hk.
	echo root >"$cgroups"/part/cpuset.cpus.partition
	sleep 1
	[[ $(given hk) == 0 && $(status_of '.cgroups[0] | .refusal, .failures') == $'null\n0' ]]
	steer_end
	[[ $(given hk) == 0-1 || $(given hk) == 1 ]]
	echo 0-1 >"$cgroups"/hk/cpuset.cpus
	echo member >"$cgroups"/part/cpuset.cpus.partition
	echo root >"$cgroups"/part/cpuset.cpus.partition
	run -3 --separate-stderr "$STEER" part
	[[ $stderr == *'part is not steered: it is a partition'* ]]
}

# affinity PID: prints the CPUs that the process may use.
affinity() {
	awk '/^Cpus_allowed_list:/ { print $2 }' "/proc/$1/status"
}

# bats test_tags=core,core-oldest
@test "affinities that housekeeping has set survive, or the cgroup is refused" {
	steer_setup
	vcpus 0=0 1=100
	stress hk
	stay_on 0
	if is_linux_before 6 2; then
		steer_start hk
		grep -q 'this kernel erases the affinities' "$BATS_TEST_TMPDIR/steer"
		becomes 0 given hk
		steer_end
		stress hk
		sleep 0.5
		taskset -cp 1 "${stressors[1]}" >/dev/null
		run -3 --separate-stderr "$STEER" hk
		[[ $stderr == *"hk is not steered: a thread in it has an affinity of its own"*"thread ${stressors[1]}"* ]]
		[[ $(given hk) == 0-1 && $(affinity "${stressors[1]}") == 1 ]]
	else
		stress hk
		sleep 0.5
		taskset -cp 1 "${stressors[1]}" >/dev/null
		steer_start hk
		grep -q 'this kernel keeps the affinities' "$BATS_TEST_TMPDIR/steer"
		becomes 0 given hk
		[[ $(affinity "${stressors[1]}") == 0 ]]
		steer_end
		[[ $(given hk) == 0-1 && $(affinity "${stressors[1]}") == 1 ]]
	fi
}

# bats test_tags=core-oldest
@test "a thread sets its affinity later, on a kernel that would erase it: the cgroup is not written" {
	is_linux_before 6 2 || skip 'this kernel keeps affinities'
	steer_setup
	vcpus 0=100 1=100
	stress hk
	stay_on 0
	steer_start hk
	sleep 1
	taskset -cp 1 "${stressors[0]}" >/dev/null
	kill "${guests[0]}"
	wait "${guests[0]}" || :
	guests=("${guests[1]}")
	becomes affinity status_of '.cgroups[0].refusal'
	[[ $(given hk) == 0-1 && $(affinity "${stressors[0]}") == 1 ]]
	stress_end
	becomes 0 given hk
	steer_end
}

# bats test_tags=core
@test "refused: a second run, its own cgroup, no cpuset, no such cgroup, the root, nested cgroups" {
	steer_setup
	mkdir "$cgroups"/hk/below "$cgroups"/hk/below/deep
	echo +cpuset >"$cgroups"/hk/cgroup.subtree_control
	steer_start hk
	run -1 --separate-stderr "$STEER" vm
	[[ $stderr == *'another gtimehalt-steer is running'* ]]
	run -1 --separate-stderr "$STEER" --unsteer
	[[ $stderr == *'another gtimehalt-steer is running'* ]]
	steer_end
	# shellcheck disable=SC2016 # for the inner shell
	run -3 --separate-stderr bash -c 'echo $$ >/sys/fs/cgroup/hk/below/deep/cgroup.procs; exec "$1" hk' - "$STEER"
	[[ $stderr == *'gtimehalt-steer runs in it'* ]]
	run -3 --separate-stderr "$STEER" hk/below/deep
	[[ $stderr == *'it has no cpuset: write +cpuset'* ]]
	run -3 --separate-stderr "$STEER" nowhere
	[[ $stderr == *'nowhere: there is no such cgroup'* ]]
	run -2 --separate-stderr "$STEER" hk /sys/fs/cgroup/hk/below
	[[ $stderr == *'one is part of the other'* ]]
	run -2 --separate-stderr "$STEER" /sys/fs/cgroup/
	[[ ! -s /run/gtimehalt-steer/originals ]]
}

@test "after another program has set the CPUs, the cgroup is not written any more" {
	steer_setup
	vcpus 0=0 1=100
	stay_on 0
	steer_start hk
	becomes 0 given hk
	echo 1 >"$cgroups"/hk/cpuset.cpus
	becomes foreign status_of '.cgroups[0].refusal'
	[[ ! -s /run/gtimehalt-steer/originals ]]
	steer_end
	[[ $(<"$cgroups"/hk/cpuset.cpus) == 1 ]]
}

@test "--dry-run prints what it would set, and sets nothing" {
	steer_setup
	vcpus 0=0 1=100
	stay_on 0
	steer_start --dry-run -j hk
	becomes '"0"' jq -c .cpus "$BATS_TEST_TMPDIR/steer.out"
	[[ $(given hk) == 0-1 && $(<"$cgroups"/hk/cpuset.cpus) == '' ]]
	steer_end
	[[ ! -e /run/gtimehalt-steer/originals || ! -s /run/gtimehalt-steer/originals ]]
}

@test "MPERF does not advance on the CPU of the halted vCPU: the CPU counts as busy" {
	steer_setup
	vcpus 0=0 1=100
	stay_on 0
	steer_start hk
	becomes 0 given hk
	wrmsr -p 0 "$MSR_BED_RATE" 0
	becomes 0-1 given hk
	[[ $(status_of .busy_cpus) == 0-1 ]]
	steer_end
	[[ $(given hk) == 0-1 ]]
}

@test "CPU hotplug neither fails nor causes a refusal" {
	steer_setup
	vcpus 0=0 1=100
	stay_on 0
	steer_start hk
	becomes 0 given hk
	echo 0 >/sys/devices/system/cpu/cpu1/online
	sleep 1
	[[ $(given hk) == 0 && $(status_of '.cgroups[0] | .refusal, .failures') == $'null\n0' ]]
	echo 1 >/sys/devices/system/cpu/cpu1/online
	sleep 1
	[[ $(status_of '.cgroups[0] | .refusal, .failures') == $'null\n0' ]]
	steer_end
	[[ $(given hk) == 0-1 ]]
}

# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
#
# Functions for the tests of gtimehalt-steer: make cgroups with guests and with housekeeping, run the program, and
# read the delay of a thread from the host's scheduler. Loaded by steer*.bats, after helper.

STEER=${STEER:-$src/.output/gtimehalt-steer}
cgroups=/sys/fs/cgroup
steer=''
stressors=()

# stay_on CPU: pins the test's own processes, so that they do not delay the vCPU that is judged.
stay_on() {
	taskset -cp "$1" "$BASHPID" >/dev/null
}

# steer_setup [CONTROLLER...]: makes the cgroups vm, and hk for housekeeping, with cpuset and these controllers.
steer_setup() {
	local controller
	for controller in cpuset "$@"; do
		echo "+$controller" >"$cgroups"/cgroup.subtree_control
	done
	mkdir -p "$cgroups"/vm "$cgroups"/hk
}

steer_teardown() {
	local group controller
	[[ ! $steer ]] || kill -KILL "$steer" 2>/dev/null || :
	steer=''
	((!${#stressors[@]})) || kill -KILL "${stressors[@]}" 2>/dev/null || :
	stressors=()
	echo "$BASHPID" >"$cgroups"/cgroup.procs
	guest_end
	wait
	"$STEER" --unsteer || :
	! grep -qw cpuset "$cgroups"/hk/cgroup.subtree_control || echo -cpuset >"$cgroups"/hk/cgroup.subtree_control
	for group in "$cgroups"/hk/*/*/ "$cgroups"/hk/*/ "$cgroups"/hk "$cgroups"/vm "$cgroups"/part; do
		[[ ! -d $group ]] || gone "$group"
	done
	for controller in cpu cpuset; do
		echo "-$controller" >"$cgroups"/cgroup.subtree_control
	done
}

# gone CGROUP: removes the cgroup as soon as its last process has ended.
gone() {
	local tries
	for ((tries = 0; tries < 100; tries++)); do
		! rmdir "$1" 2>/dev/null || return 0
		sleep 0.05
	done
	rmdir "$1"
}

# vcpus CPU=BUSY_PCT...: starts for each argument a guest with one vCPU, pinned to CPU, in cgroup vm. Sets tid_of[CPU]
# to the thread of the vCPU.
declare -gA tid_of=()
vcpus() {
	local word cpu task
	for word; do
		cpu=${word%=*}
		guest_start "cpu$cpu" --busy "${word#*=}" --pin "$cpu" "${guest_options[@]}"
		echo "$guest" >"$cgroups"/vm/cgroup.procs
		for task in /proc/"$guest"/task/*; do
			[[ $(<"$task/comm") != CPU* ]] || tid_of[$cpu]=${task##*/}
		done
		# Pin the thread again, because joining a cgroup erases the affinity on some kernels.
		taskset -cp "$cpu" "${tid_of[$cpu]}" >/dev/null
	done
}

# stress CGROUP [COMMAND...]: starts a busy loop in the cgroup, as the argument of COMMAND.
stress() {
	local group=$1
	shift
	# shellcheck disable=SC2016 # for the inner shell
	"$@" bash -c 'echo $$ >"$1/cgroup.procs" && while :; do :; done' - "$cgroups/$group" 3>&- &
	stressors+=("$!")
}

# sleepy CGROUP: starts a task in the cgroup that works for 2 ms of CPU time and sleeps for 10 ms, in turns.
sleepy() {
	python3 - "$cgroups/$1/cgroup.procs" 3>&- <<-'END' &
		import os, sys, time
		with open(sys.argv[1], "w") as procs:
		    procs.write(str(os.getpid()))
		while True:
		    until = time.thread_time_ns() + 2000000
		    while time.thread_time_ns() < until:
		        pass
		    time.sleep(0.01)
	END
	stressors+=("$!")
}

# sleepers CGROUP CNT: starts CNT processes in the cgroup that only sleep; the test ends them by cgroup.kill.
sleepers() {
	python3 - "$cgroups/$1/cgroup.procs" "$2" 3>&- <<-'END' &
		import os, sys, time
		with open(sys.argv[1], "w") as procs:
		    procs.write(str(os.getpid()))
		for _ in range(int(sys.argv[2]) - 1):
		    if not os.fork():
		        break
		time.sleep(10000)
	END
}

stress_end() {
	kill "${stressors[@]}"
	wait "${stressors[@]}" || :
	stressors=()
}

# steer_start ARGUMENT...: starts gtimehalt-steer and returns when it steers. Its stderr is in
# $BATS_TEST_TMPDIR/steer. Passes the MPERF ratio of the bed, because with stressors on both CPUs there may be no
# quiet moment to measure it.
steer_start() {
	local tries
	"$STEER" -v --mperf-ratio 1 "$@" 2>"$BATS_TEST_TMPDIR/steer" >"$BATS_TEST_TMPDIR/steer.out" 3>&- &
	steer=$!
	for ((tries = 0; tries < 300; tries++)); do
		! grep -q 'user nobody$' "$BATS_TEST_TMPDIR/steer" || return 0
		kill -0 "$steer" || break
		sleep 0.1
	done
	cat "$BATS_TEST_TMPDIR/steer"
	return 1
}

# steer_end: ends gtimehalt-steer as Ctrl-C does; the exit status must be 0.
steer_end() {
	kill -INT "$steer"
	ended 0
}

# ended STATUS: waits until gtimehalt-steer has ended; the exit status must be STATUS.
ended() {
	local status=0
	wait "$steer" || status=$?
	steer=''
	[[ $status == "$1" ]] || {
		echo "status $status"
		cat "$BATS_TEST_TMPDIR/steer"
		return 1
	}
}

# given CGROUP: prints the CPUs that the cgroup may use.
given() {
	cat "$cgroups/$1/cpuset.cpus.effective"
}

# becomes WANT COMMAND...: waits up to some ten seconds until the command prints WANT; fails otherwise.
becomes() {
	local want=$1 tries
	shift
	for ((tries = 0; tries < 100; tries++)); do
		[[ $("$@") != "$want" ]] || return 0
		sleep 0.1
	done
	echo "$*: $("$@"), not $want"
	[[ ! -e $BATS_TEST_TMPDIR/steer ]] || cat "$BATS_TEST_TMPDIR/steer"
	return 1
}

status_of() {
	"$STEER" --status -j | jq -r "$1"
}

# delay_of CPU: sets delay_ns to the time for which the thread of the vCPU on this CPU has waited to run.
delay_of() {
	read -r _ delay_ns _ <"/proc/${tid_of[$1]}/schedstat"
}

# use_of CGROUP: sets use_ns to the CPU time that the cgroup has used.
use_of() {
	local key value
	while read -r key value; do
		[[ $key != usage_usec ]] || use_ns=$((1000 * value))
	done <"$cgroups/$1/cpu.stat"
}

# Sets now_ns to the uptime.
read_now() {
	local up
	read -r up _ </proc/uptime
	now_ns=$((10#${up/./} * 10000000))
}

# judge SECONDS CPU...: measures for SECONDS. Sets delay_pct[CPU] to the share of time for which the vCPU on CPU
# waited to run, and used_pct to the share of one CPU that hk used. The kernel counts a delay when the thread runs
# again, so a wait at the end, which is shorter than a time slice, is missing.
declare -gA delay_pct=()
JUDGED_QUIET=''
judge() {
	local seconds=$1 cpu from_ns from_use_ns
	local -A readings=()
	shift
	use_of hk
	from_use_ns=$use_ns
	for cpu; do
		delay_of "$cpu"
		readings[$cpu]=$delay_ns
	done
	read_now
	from_ns=$now_ns
	sleep "$seconds"
	for cpu; do
		delay_of "$cpu"
		readings[$cpu]=$((delay_ns - readings[$cpu]))
	done
	use_of hk
	read_now
	for cpu; do
		delay_pct[$cpu]=$(percent "${readings[$cpu]}" "$((now_ns - from_ns))")
	done
	used_pct=$(percent "$((use_ns - from_use_ns))" "$((now_ns - from_ns))")
}

percent() {
	awk "BEGIN { printf \"%.2f\", 100 * $1 / $2 }"
}

holds() {
	awk "BEGIN { exit !($1) }" || {
		echo "not so: $2 ($1)"
		return 1
	}
}

# Length of a measurement; the smallest delay without steering that makes a comparison meaningful; the largest delay
# allowed with steering.
SECONDS_JUDGED=4
BASELINE_MIN_PCT=10
STEERED_MAX_PCT=1
# Largest delay when roles swap every 4 s: a swap is seen after at most two intervals of 0.2 s, in which housekeeping
# takes 70 % of the CPU, which is 7 % of 4 s; STEERED_MAX_PCT is added.
SWAPPING_MAX_PCT=8
BY_HAND_MIN_SHARE=0.9

# baseline_judged: the vCPU on CPU 1 polls, the vCPU on CPU 0 is halted, a stressor in hk may use both CPUs. Sets
# baseline to the delay of the polling vCPU in per cent, and by_hand to the share of a CPU that housekeeping gets when
# it is pinned to CPU 0 by hand.
baseline_judged() {
	vcpus 0=0 1=100
	stress hk
	stay_on 0
	void_if_stolen "$JUDGED_QUIET" judge "$SECONDS_JUDGED" 1
	baseline=${delay_pct[1]}
	taskset -cp 0 "${stressors[0]}" >/dev/null
	void_if_stolen "$JUDGED_QUIET" judge "$SECONDS_JUDGED" 1
	by_hand=$used_pct
	taskset -cp 0,1 "${stressors[0]}" >/dev/null
}

# against_baseline [CONTROLLER...]: compares steering with no steering, and with housekeeping pinned by hand.
against_baseline() {
	local baseline by_hand
	steer_setup "$@"
	baseline_judged
	steer_start hk
	becomes 0 given hk
	void_if_stolen "$JUDGED_QUIET" judge "$SECONDS_JUDGED" 1
	printf '# vCPU waits %s%% without steering, %s%% with; housekeeping gets %s%% of a CPU, %s%% when pinned by hand\n' \
		"$baseline" "${delay_pct[1]}" "$used_pct" "$by_hand" >&3
	holds "$baseline >= $BASELINE_MIN_PCT" 'without steering the vCPU waits'
	holds "${delay_pct[1]} <= $STEERED_MAX_PCT" 'with steering the vCPU does not wait'
	holds "$used_pct >= $BY_HAND_MIN_SHARE * $by_hand" 'housekeeping gets as much CPU time as when pinned by hand'
	steer_end
}

# rival NAME: measures and prints the result of an alternative to steering. The alternative must miss one of two aims:
# the polling vCPU does not wait, and housekeeping gets its CPU time.
rival() {
	void_if_stolen "$JUDGED_QUIET" judge "$SECONDS_JUDGED" 1
	printf '# %-22s waits %6s%%, housekeeping %6s%%\n' "$1" "${delay_pct[1]}" "$used_pct" >&3
	holds "${delay_pct[1]} > $STEERED_MAX_PCT || $used_pct < $BY_HAND_MIN_SHARE * $by_hand" "$1 misses one of the two aims"
}

against_rivals() {
	local baseline by_hand
	steer_setup cpu
	baseline_judged
	printf '# %-22s waits %6s%%, housekeeping %6s%%\n' 'nothing' "$baseline" - 'pinned by hand' - "$by_hand" >&3
	echo 10000 >"$cgroups"/vm/cpu.weight
	rival 'cpu.weight 10000'
	echo 100 >"$cgroups"/vm/cpu.weight
	if [[ -e "$cgroups"/hk/cpu.idle ]]; then
		echo 1 >"$cgroups"/hk/cpu.idle
		rival 'cpu.idle'
		echo 0 >"$cgroups"/hk/cpu.idle
	fi
	chrt -a -i -p 0 "${stressors[0]}"
	rival 'SCHED_IDLE'
	chrt -a -o -p 0 "${stressors[0]}"
	renice -n 19 -p "${stressors[0]}" >/dev/null
	rival 'nice 19'
	renice -n 0 -p "${stressors[0]}" >/dev/null
	echo -cpu >"$cgroups"/cgroup.subtree_control
	chrt -a -i -p 0 "${stressors[0]}"
	rival 'SCHED_IDLE, one group'
	chrt -a -o -p 0 "${stressors[0]}"
	renice -n 19 -p "${stressors[0]}" >/dev/null
	rival 'nice 19, one group'
	renice -n 0 -p "${stressors[0]}" >/dev/null
	echo +cpu >"$cgroups"/cgroup.subtree_control
	steer_start hk
	becomes 0 given hk
	void_if_stolen "$JUDGED_QUIET" judge "$SECONDS_JUDGED" 1
	printf '# %-22s waits %6s%%, housekeeping %6s%%\n' 'gtimehalt-steer' "${delay_pct[1]}" "$used_pct" >&3
	holds "${delay_pct[1]} <= $STEERED_MAX_PCT && $used_pct >= $BY_HAND_MIN_SHARE * $by_hand" 'steering reaches both aims'
	steer_end
}

# judge_turns FILE START0 START1: each line of FILE has a time and the delays of the vCPUs on CPUs 0 and 1 up to then.
# From START0 or START1 on, each vCPU polls for 4 s and is halted for 4 s, in turns. Prints the delay of the vCPU that
# polls, in per cent of the time, twice: including the swaps, and only from 1.2 s after each swap on. For a step that
# contains a swap, the part before the swap counts with the rate of the previous step.
judge_turns() {
	awk -v start0="$2" -v start1="$3" '
		NR > 2 && $1 >= start1 {
			in0 = ($1 - start0) % 8e9; in1 = ($1 - start1) % 8e9; step = $1 - t
			waited0 = $2 - delay0; waited1 = $3 - delay1
			if (in0 < 4e9 && in1 >= 4e9) { since = in0; waited = waited0; rate = rate0 }
			if (in1 < 4e9 && in0 >= 4e9) { since = in1; waited = waited1; rate = rate1 }
			if ((in0 < 4e9) != (in1 < 4e9)) {
				if (since < step) {
					waited -= rate * (step - since)
					whole_ns += since
				} else
					whole_ns += step
				whole_waited += waited
				if (since - step >= 1.2e9) {
					steady_ns += step; steady_waited += waited
				}
			}
		}
		{
			if (NR > 1) { rate0 = ($2 - delay0) / ($1 - t); rate1 = ($3 - delay1) / ($1 - t) }
			t = $1; delay0 = $2; delay1 = $3
		}
		END {
			if (steady_ns < 6e9) exit 1
			printf "%.2f %.2f\n", 100 * whole_waited / whole_ns, 100 * steady_waited / steady_ns
		}' "$1"
}

# sample FILE CNT TID...: writes CNT lines, one every 0.2 s, with the time and the delay of each thread up to then.
# Runs in a bash of its own, because each command in bats costs ten milliseconds here, and in hk, so that it does not
# disturb the vCPU that polls.
sample() {
	local file=$1
	shift
	# shellcheck disable=SC2016 # for the inner shell
	bash -c '
		echo $$ >/sys/fs/cgroup/hk/cgroup.procs
		exec {never}<> <(:)
		cnt=$1
		shift
		for ((i = 0; i < cnt; i++)); do
			read -r -t 0.2 -u "$never" _
			read -r up _ </proc/uptime
			line=$((10#${up/./} * 10000000))
			for tid; do
				read -r _ delay _ <"/proc/$tid/schedstat"
				line+=" $delay"
			done
			echo "$line"
		done' - "$@" >"$file"
}

# swapping ARGUMENT...: measures two vCPUs that poll for 4 s and are halted for 4 s, in turns, while gtimehalt-steer
# runs with these arguments.
swapping() {
	local whole steady writes samples=$BATS_TEST_TMPDIR/samples
	steer_setup cpu
	guest_options+=(--period-ms 8000 --hold)
	vcpus 0=50 1=50
	stress hk
	steer_start "$@"
	kill -USR1 "${guests[0]}"
	sleep 4
	kill -USR1 "${guests[1]}"
	void_if_stolen "$JUDGED_QUIET" sample "$samples" 100 "${tid_of[0]}" "${tid_of[1]}"
	writes=$(status_of '.cgroups[0].writes // .scheduler.changes')
	steer_end
	stress_end
	guest_end
	read -r whole steady < <(judge_turns "$samples" \
		"$(jq '.vcpus[0].start_ns' "$BATS_TEST_TMPDIR/cpu0.json")" "$(jq '.vcpus[0].start_ns' "$BATS_TEST_TMPDIR/cpu1.json")")
	printf '# the polling vCPU waits %s%% including the swaps, %s%% from 1.2 s after a swap on; %s changes\n' \
		"$whole" "$steady" "$writes" >&3
	holds "$steady <= $STEERED_MAX_PCT" 'the polling vCPU does not wait after the swap is seen'
	holds "$whole <= $SWAPPING_MAX_PCT" 'swaps are seen in time'
}

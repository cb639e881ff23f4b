# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
#
# What the tests of gtimehalt-steer share: cgroups with guests and with housekeeping, the program, and what the host's
# scheduler says of a thread. Loaded by steer*.bats, after helper.

STEER=${STEER:-$src/.output/gtimehalt-steer}
cgroups=/sys/fs/cgroup
steer=''
stressors=()

# stay_on CPU: the tests' own processes are not what is judged.
stay_on() {
	taskset -cp "$1" "$BASHPID" >/dev/null
}

# steer_setup [CONTROLLER...]: cgroups vm, and hk for housekeeping, with cpusets and these controllers.
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

# gone CGROUP: removes it as soon as its last process has ended.
gone() {
	local tries
	for ((tries = 0; tries < 100; tries++)); do
		! rmdir "$1" 2>/dev/null || return 0
		sleep 0.05
	done
	rmdir "$1"
}

# vcpus CPU=BUSY...: a guest of a vCPU each, pinned, in cgroup vm; their threads are in ${tid_of[CPU]}.
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
		# Where joining a cgroup erases an affinity.
		taskset -cp "$cpu" "${tid_of[$cpu]}" >/dev/null
	done
}

# stress CGROUP [COMMAND...]: a busy loop in the cgroup, below COMMAND.
stress() {
	local group=$1
	shift
	# shellcheck disable=SC2016 # for the inner shell
	"$@" bash -c 'echo $$ >"$1/cgroup.procs" && while :; do :; done' - "$cgroups/$group" 3>&- &
	stressors+=("$!")
}

stress_end() {
	kill "${stressors[@]}"
	wait "${stressors[@]}" || :
	stressors=()
}

# steer_start OPTION...: returns when it steers. Its stderr is in $tmp/steer.
steer_start() {
	local tries
	"$STEER" -v "$@" 2>"$BATS_TEST_TMPDIR/steer" >"$BATS_TEST_TMPDIR/steer.out" 3>&- &
	steer=$!
	for ((tries = 0; tries < 300; tries++)); do
		! grep -q 'is user nobody' "$BATS_TEST_TMPDIR/steer" || return 0
		kill -0 "$steer" || break
		sleep 0.1
	done
	cat "$BATS_TEST_TMPDIR/steer"
	return 1
}

# steer_end: ends it, as by Ctrl-C.
steer_end() {
	kill -INT "$steer"
	ended 0
}

# ended STATUS: it does, with this status.
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

# given CGROUP: the CPUs that it may use.
given() {
	cat "$cgroups/$1/cpuset.cpus.effective"
}

# becomes WANT COMMAND...: within some seconds the command prints WANT.
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

# What a thread has waited for a CPU, and what a cgroup has used, in ns. Both without starting a process.
delay_ns() {
	local ran delay
	read -r ran delay _ <"/proc/$1/schedstat"
	echo "$delay"
}

used_ns() {
	local key value
	while read -r key value; do
		[[ $key != usage_usec ]] || echo "$((1000 * value))"
	done <"$cgroups/$1/cpu.stat"
}

now_ns() {
	local up
	read -r up _ </proc/uptime
	echo "$((10#${up/./} * 10000000))"
}

# judge SECONDS CPU...: sets, over so long, delay_pct[CPU] of the vCPU there, and used_pct of a CPU by hk. A thread's delay
# is counted when it runs again: what it waits at the end is left out, less than a slice.
declare -gA delay_pct=()
JUDGED_QUIET=''
judge() {
	local seconds=$1 cpu from used
	local -A delays=()
	shift
	from=$(now_ns) used=$(used_ns hk)
	for cpu; do
		delays[$cpu]=$(delay_ns "${tid_of[$cpu]}")
	done
	sleep "$seconds"
	for cpu; do
		[[ -e /proc/${tid_of[$cpu]} ]] || {
			echo "the vCPU of CPU $cpu has ended"
			return 1
		}
		delays[$cpu]=$(($(delay_ns "${tid_of[$cpu]}") - delays[$cpu]))
	done
	used=$(($(used_ns hk) - used)) from=$(($(now_ns) - from))
	for cpu; do
		delay_pct[$cpu]=$(percent "${delays[$cpu]}" "$from")
	done
	used_pct=$(percent "$used" "$from")
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

# Seconds of a measurement, the least baseline that shows anything, and what is asked for.
SECONDS_JUDGED=4
BASELINE_MIN_PCT=10
STEERED_MAX_PCT=1
BY_HAND_MIN_SHARE=0.9

# baseline_judged: CPU 1 polls, CPU 0 is halted, a stressor in hk may use both. Sets baseline, what the polling vCPU waits,
# and by_hand, what housekeeping gets when it is pinned to CPU 0 by hand.
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

# against_baseline [CONTROLLER...]
against_baseline() {
	local baseline by_hand
	steer_setup "$@"
	baseline_judged
	steer_start hk
	becomes 0 given hk
	void_if_stolen "$JUDGED_QUIET" judge "$SECONDS_JUDGED" 1
	printf '# waits %s%% without, %s%% with; housekeeping has %s%% of a CPU, %s%% when pinned by hand\n' \
		"$baseline" "${delay_pct[1]}" "$used_pct" "$by_hand" >&3
	holds "$baseline >= $BASELINE_MIN_PCT" 'without steering the vCPU waits'
	holds "${delay_pct[1]} <= $STEERED_MAX_PCT" 'with steering it does not'
	holds "$used_pct >= $BY_HAND_MIN_SHARE * $by_hand" 'housekeeping has what it would have by hand'
	steer_end
}

# rival NAME: judged, and shown. It must miss one of the two aims.
rival() {
	void_if_stolen "$JUDGED_QUIET" judge "$SECONDS_JUDGED" 1
	printf '# %-22s waits %6s%%, housekeeping %6s%%\n' "$1" "${delay_pct[1]}" "$used_pct" >&3
	holds "${delay_pct[1]} > $STEERED_MAX_PCT || $used_pct < $BY_HAND_MIN_SHARE * $by_hand" "$1 does not do both"
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
	holds "${delay_pct[1]} <= $STEERED_MAX_PCT && $used_pct >= $BY_HAND_MIN_SHARE * $by_hand" 'steering does both'
	steer_end
}

# sleep_until NS: of now_ns.
sleep_until() {
	local left=$(($1 - $(now_ns)))
	((left <= 0)) || sleep "$(awk "BEGIN { print $left / 1e9 }")"
}

# Each vCPU polls for 4 s and is halted for 4 s, in turns. The whole of each turn counts, and its steady part apart.
swapping() {
	local phase cpu start from=4000000000 whole=0 steady=0
	local -a before
	steer_setup cpu
	guest_options+=(--period-ms 8000 --hold)
	vcpus 0=50 1=50
	stress hk
	steer_start hk
	# The test is housekeeping itself here, since neither CPU is to be disturbed for long.
	echo "$BASHPID" >"$cgroups"/hk/cgroup.procs
	start=$(($(now_ns) + 1000000000))
	sleep_until "$start"
	kill -USR1 "${guests[0]}"
	sleep_until "$((start + from))"
	kill -USR1 "${guests[1]}"
	# In turn 0, which is over, CPU 0 has polled alone.
	for phase in 1 2 3 4; do
		cpu=$((phase % 2))
		sleep_until "$((start + phase * from))"
		before=("$(delay_ns "${tid_of[$cpu]}")")
		sleep_until "$((start + phase * from + 1200000000))"
		before+=("$(delay_ns "${tid_of[$cpu]}")")
		sleep_until "$((start + (phase + 1) * from - 100000000))"
		before+=("$(delay_ns "${tid_of[$cpu]}")")
		((whole += before[2] - before[0], steady += before[2] - before[1])) || :
	done
	whole=$(percent "$whole" "$((4 * 3900000000))") steady=$(percent "$steady" "$((4 * 2700000000))")
	printf '# the polling vCPU waits %s%%, with the swaps in it; %s%% from 1.2 s after a swap on; %s writes\n' \
		"$whole" "$steady" "$(status_of '.cgroups[0].writes')" >&3
	holds "$steady <= $STEERED_MAX_PCT" 'it does not wait once the swap is seen'
	holds "$whole <= 8" 'swaps are seen in time'
	steer_end
}

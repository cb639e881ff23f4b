# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
#
# What the tests of gtimehalt-steer share: cgroups with guests and with housekeeping, the program, and what the host's
# scheduler says of a thread. Loaded by steer*.bats, after helper.

STEER=${STEER:-$src/.output/gtimehalt-steer}
cgroups=/sys/fs/cgroup
steer=''
stressors=()

# The tests' own processes are not what is judged.
away_from() {
	taskset -cp "$1" "$BASHPID" >/dev/null
}

# steer_setup [CONTROLLER...]: cgroups vm, and hk for housekeeping, with cpusets and these controllers.
steer_setup() {
	local controller
	for controller in cpuset "$@"; do
		echo "+$controller" >$cgroups/cgroup.subtree_control
	done
	mkdir -p $cgroups/vm $cgroups/hk
}

steer_teardown() {
	local group controller
	[[ ! $steer ]] || kill -KILL "$steer" 2>/dev/null || :
	steer=''
	((!${#stressors[@]})) || kill -KILL "${stressors[@]}" 2>/dev/null || :
	stressors=()
	guest_end
	wait
	"$STEER" --unsteer || :
	for group in $cgroups/hk/*/ $cgroups/hk $cgroups/vm; do
		[[ ! -d $group ]] || gone "$group"
	done
	for controller in cpu cpuset; do
		echo "-$controller" >$cgroups/cgroup.subtree_control
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
		echo "$guest" >$cgroups/vm/cgroup.procs
		for task in /proc/"$guest"/task/*; do
			[[ $(<"$task/comm") != CPU* ]] || tid_of[$cpu]=${task##*/}
		done
	done
}

# stress CGROUP [COMMAND...]: a busy loop in the cgroup, below COMMAND.
stress() {
	local group=$1
	shift
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

# steer_end [STATUS]: ends it, as by Ctrl-C.
steer_end() {
	local status=0
	kill -INT "$steer"
	wait "$steer" || status=$?
	steer=''
	[[ $status == "${1:-0}" ]] || {
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

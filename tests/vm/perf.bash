# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
#
# The kernel's own account of a vCPU's thread as a witness: perf counts TSC and MPERF of it while it is on
# a CPU. Loaded by the tests of cases in which the guest's account is spoilt, by ticks or by other threads.

# The thread of the first vCPU of process $1.
vcpu_tid() {
	grep -l '^CPU 0/KVM' "/proc/$1"/task/*/comm | sed 's:.*/task/\([0-9]*\)/comm:\1:'
}

# perf_stat TID: 10 s of it, into $BATS_TEST_TMPDIR/perf; when they began and ended goes to .../span. They are
# perf's own: before it counts it starts up, during which the guest is made to exit ten times as often.
perf_stat() {
	# CLOCK_BOOTTIME, which is CLOCK_MONOTONIC on a machine that was never suspended.
	# shellcheck disable=SC2016 # for the inner shell
	perf stat -x, -o "$BATS_TEST_TMPDIR/perf" -e '{msr/tsc/,msr/mperf/},duration_time' -t "$1" -- bash -c '
		read -r from _ </proc/uptime
		sleep 10
		read -r to _ </proc/uptime
		echo "${from/./}0000000 ${to/./}0000000" >"$1"' - "$BATS_TEST_TMPDIR/span"
}

# begin_beside FILE OPTION...: the tool, for longer than perf's 10 s, until perf_beside. It has begun when this returns,
# for its attaching makes the guest exit. The intervals are short since those at perf's two ends are left out, and a
# share is not the same at all times.
declare -gA beside=()
begin_beside() {
	local file=$1
	shift
	timeout 60 "$GTIMEHALT" -j "$@" 0.1 500 >"$file" 3>&- &
	beside[$file]=$!
	while [[ ! -s $file ]]; do
		kill -0 "${beside[$file]}"
		sleep 0.2
	done
}

# perf_beside PID: perf of the process's first vCPU, then the end of all that has begun.
perf_beside() {
	local file
	perf_stat "$(vcpu_tid "$1")"
	kill "${beside[@]}"
	for file in "${!beside[@]}"; do
		wait "${beside[$file]}"
		check_report "$file"
	done
	beside=()
}

# shown_in_span FILE NAME WHAT: the sum of WHAT, a jq expression of a vCPU's row, in perf's span.
shown_in_span() {
	local from to
	read -r from to <"$BATS_TEST_TMPDIR/span"
	jq -s --argjson from "$from" --argjson to "$to" --arg name "$2" '
		[.[] | select(.start_monotonic_ns >= $from and .end_monotonic_ns <= $to) |
			.vms[] | select(.name == $name) | .vcpus[]] |
		if length < 80 then error("too few intervals") else . end |
		map('"$3"') | add' "$1"
}

# near_perf FILE NAME WHAT OF: how much was halted, within the tolerance; of "loaded" time, which is the time on a
# CPU of a thread that does not leave KVM, or of all the "wall" time, where perf's time on a CPU has user mode
# in it.
near_perf() {
	local shown witness
	shown=$(jq -n "100 * $(shown_in_span "$1" "$2" .halted_ns) / $(shown_in_span "$1" "$2" ".$4_ns")")
	witness=$(awk -F, -v of="$4" '
		$3 ~ /tsc/ { tsc = $1; ran_ns = $4 } $3 ~ /mperf/ { mperf = $1 } $3 ~ /duration/ { ns = $1 }
		END {
			if (!tsc || !ns) exit 1
			print 100 * (tsc - mperf) / tsc * (of == "wall" ? ran_ns / ns : 1)
		}' "$BATS_TEST_TMPDIR/perf")
	printf '# %s: %.2f%% halted, perf says %.2f%%\n' "$3" "$shown" "$witness" >&3
	near "$shown" "$witness" "$TOLERANCE_POINTS" "$3"
}

# The share of the time in which perf counted that the thread was on a CPU, in per cent: for so long the events
# ran. By perf's own clock: it counts from before the command begins until after it has ended.
perf_on_cpu() {
	awk -F, '$3 ~ /tsc/ { ran_ns = $4 } $3 ~ /duration/ { ns = $1 } END { if (!ns) exit 1; print 100 * ran_ns / ns }' \
		"$BATS_TEST_TMPDIR/perf"
}

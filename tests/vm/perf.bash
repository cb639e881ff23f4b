# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
#
# The kernel's own measurement of a vCPU's thread as a reference: perf counts TSC and MPERF while the thread is on a
# CPU. Loaded by tests in which the guest's account is not exact because of ticks or other threads.

# Prints the TID of the first vCPU of process $1.
vcpu_tid() {
	grep -l '^CPU 0/KVM' "/proc/$1"/task/*/comm | sed 's:.*/task/\([0-9]*\)/comm:\1:'
}

# For how long perf counts. The tool's intervals at both ends of this span are left out, and by as much as the share there
# differs from that of the whole, the two differ: a thread without a period that divides the span needs a long one.
PERF_SECONDS=10

# perf_stat TID: counts for $PERF_SECONDS, with the result in $BATS_TEST_TMPDIR/perf and the begin and end of this span in
# .../span. The command that perf runs writes the span itself, because perf first starts up, and during that time the
# guest exits ten times as often.
perf_stat() {
	# /proc/uptime is CLOCK_BOOTTIME, which equals CLOCK_MONOTONIC on a machine that was never suspended.
	# shellcheck disable=SC2016 # for the inner shell
	perf stat -x, -o "$BATS_TEST_TMPDIR/perf" -e '{msr/tsc/,msr/mperf/},duration_time' -t "$1" -- bash -c '
		read -r from _ </proc/uptime
		sleep "$2"
		read -r to _ </proc/uptime
		echo "${from/./}0000000 ${to/./}0000000" >"$1"' - "$BATS_TEST_TMPDIR/span" "$PERF_SECONDS"
}

# begin_beside FILE OPTION...: starts the tool, which runs for longer than perf, until perf_beside ends it.
# Returns when the tool measures, because attaching makes the guest exit. The intervals are short, because those at
# both ends of perf's span are left out, and the halted share changes over time.
declare -gA beside=()
begin_beside() {
	local file=$1
	shift
	timeout 100 "$GTIMEHALT" -j "$@" 0.1 >"$file" 3>&- &
	beside[$file]=$!
	while [[ ! -s $file ]]; do
		kill -0 "${beside[$file]}"
		sleep 0.2
	done
}

# perf_beside PID: runs perf on the first vCPU of the process, then ends all tools that begin_beside has started.
perf_beside() {
	local file from to
	perf_stat "$(vcpu_tid "$1")"
	kill "${beside[@]}"
	for file in "${!beside[@]}"; do
		wait "${beside[$file]}"
		# Only within perf's span: perf's start makes the kernel patch code, in interrupts of milliseconds in the
		# bed. The scheduler leaves interrupts out of the run time of threads, and subtracts some later, from
		# another thread.
		read -r from to <"$BATS_TEST_TMPDIR/span"
		check_report "$file" "$from" "$to"
	done
	beside=()
}

# shown_in_span FILE NAME WHAT: prints the sum of WHAT, a jq expression on a vCPU, over the intervals in perf's span.
shown_in_span() {
	local from to
	read -r from to <"$BATS_TEST_TMPDIR/span"
	jq -s --argjson from "$from" --argjson to "$to" --arg name "$2" '
		[.[] | select(.start_monotonic_ns >= $from and .end_monotonic_ns <= $to) |
			.vms[] | select(.name == $name) | .vcpus[]] |
		if length < 80 then error("too few intervals") else . end |
		map('"$3"') | add' "$1"
}

# near_perf FILE NAME WHAT OF: fails unless the halted share is within the tolerance of perf's. OF is "loaded" for a
# share of loaded time, which is the time on a CPU of a thread that does not leave KVM; or "wall" for a share of wall
# time, for threads whose time on a CPU includes user mode.
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

# Prints for how much of perf's time the thread was on a CPU, in per cent: the events run only then. The time is
# perf's own duration_time, because perf counts from before the command begins until after it has ended.
perf_on_cpu() {
	awk -F, '$3 ~ /tsc/ { ran_ns = $4 } $3 ~ /duration/ { ns = $1 } END { if (!ns) exit 1; print 100 * ran_ns / ns }' \
		"$BATS_TEST_TMPDIR/perf"
}

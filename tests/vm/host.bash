# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154
#
# Functions for the tests of a host that changes. Loaded after ended.bash.

# lines_of FILE CNT: waits until a run has printed CNT intervals.
lines_of() {
	local tries
	for ((tries = 0; tries < 600; tries++)); do
		[[ ! -e $1 ]] || (($(wc -l <"$1") < $2)) || return 0
		sleep 0.05
	done
	echo "$1 has no $2 lines:"
	cat "$1" "${1%.out}.err" || :
	return 1
}

# run_in_background NAME OPTION...: starts gtimehalt with its output in NAME.out and its messages in NAME.err, and
# sets ${pid_of[NAME]} to its PID.
declare -gA pid_of=()
run_in_background() {
	local name=$BATS_TEST_TMPDIR/$1
	rm -f "$name.out" "$name.err"
	env --default-signal=INT "$GTIMEHALT" "${@:2}" >"$name.out" 2>"$name.err" 3>&- 4>&- &
	pid_of[$1]=$!
	tools+=("$!")
}

# run_ends NAME: fails unless the run ends within END_MAX_MS with status 0.
run_ends() {
	await_end "${pid_of[$1]}"
	((ended == 0)) || {
		echo "$1: status $ended"
		cat "$BATS_TEST_TMPDIR/$1.err"
		return 1
	}
}

# said_nothing NAME: fails if the run has printed a message.
said_nothing() {
	[[ ! -s $BATS_TEST_TMPDIR/$1.err ]] || {
		cat "$BATS_TEST_TMPDIR/$1.err"
		return 1
	}
}

# contiguous FILE: fails unless each interval begins where the previous one ended and is as long as CLOCK_MONOTONIC
# says.
contiguous() {
	jq -e -s '. as $all | length > 1 and
		all(.interval_ns == .end_monotonic_ns - .start_monotonic_ns and .interval_ns > 0) and
		([range(1; length)] | all($all[.].start_monotonic_ns == $all[. - 1].end_monotonic_ns))' "$1" >/dev/null || {
		jq -c '{time, interval_ns, start_monotonic_ns, end_monotonic_ns}' "$1"
		return 1
	}
}

# Prints the TID of the only vCPU of process $1.
thread_of() {
	grep -l '^CPU 0/KVM' "/proc/$1"/task/*/comm | sed 's:.*/task/\([0-9]*\)/comm:\1:'
}

# scrape_mark: prints the sums of the host in one line, with about the time of the scrape: ns loaded halted unmeasured
scrape_mark() {
	printf '%s %s\n' "$(uptime_ns)" "$(scrape gtimehalt_node_loaded_seconds_total \
		gtimehalt_node_halted_seconds_total gtimehalt_node_unmeasured_seconds_total)"
}

# scraped_between FROM TO NAME: sets $scraped to "LOADED HALTED UNMEASURED OWN" between two marks: loaded in seconds,
# halted and unmeasured in per cent of it, and the guest's own account in per cent of the time. The metrics are up to
# a second old when they are scraped, so the spans of the exporter and of the account differ slightly.
scraped_between() {
	local own from to
	read -r from _ <<<"$1"
	read -r to _ <<<"$2"
	own=$("$ACCOUNT" "$BATS_TEST_TMPDIR/$3.json" --from "$from" --to "$to" --vm 0 --vcpu 0 | jq '100 * .share')
	scraped=$(jq -n -r --arg from "$1" --arg to "$2" --argjson own "$own" '
		[$from, $to | split(" ") | map(select(. != "") | tonumber)] | transpose | map(.[1] - .[0]) as
			[$_, $loaded, $halted, $unmeasured] |
		def pct: 100 * . / $loaded * 100 | round / 100;
		"\($loaded * 100 | round / 100) \($halted | pct) \($unmeasured | pct) \($own * 100 | round / 100)"')
}

# never_too_much FILE NAME TOLERANCE: fails if any interval shows more halted time than the guest's account by more
# than TOLERANCE per cent of the longest interval; $most is the largest excess. Intervals whose halted time is null
# are skipped. The excess is relative to the longest interval, because the last one may be so short that the delay
# between reading the clock and reading the vCPU matters.
never_too_much() {
	local intervals
	intervals=$(jq -n -c --slurpfile guest "$BATS_TEST_TMPDIR/$2.json" --slurpfile shown "$1" '
		$guest[0].vcpus[0].segments as $halts |
		([$shown[].vms[0].vcpus[0].wall_ns] | max) as $longest_ns |
		[$shown[] | .start_monotonic_ns as $from | .end_monotonic_ns as $to | .vms[0].vcpus[0] |
			select(.halted_ns != null) |
			([$halts[] | ([.[1], $to] | min) - ([.[0], $from] | max) | select(. > 0)] | add // 0) as $own_ns |
			{over: (100 * (.halted_ns - $own_ns) / $longest_ns), from_ns: $from, own_ns: $own_ns} + .]') || return
	most=$(jq 'map(.over) | max * 100 | round / 100' <<<"$intervals")
	jq -n -e "$most <= $3" >/dev/null || {
		echo "$1: $most points more than the guest says"
		jq -c ".[] | select(.over > $3)" <<<"$intervals"
		dmesg | grep -i 'tsc\|clocksource' | tail -n 5
		return 1
	}
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Checks the payload, which is the witness of other tests. Runs wherever there is a /dev/kvm: natively, and in the
# test bed. PAYLOAD names the binary under test.

# jq filters are in single quotes.
# shellcheck disable=SC2016
bats_require_minimum_version 1.5.0

setup() {
	here=$BATS_TEST_DIRNAME
	payload=${PAYLOAD:-$here/../../../.output/tests/payload/payload}
	account=${ACCOUNT:-${payload%/*}/payload-account}
	report=$BATS_TEST_TMPDIR/report.json
	[[ -r /dev/kvm && -w /dev/kvm ]] || skip "no /dev/kvm"
	[[ -x $payload ]] || {
		echo "no $payload: make it first"
		return 1
	}
}

# run_payload OPTION...: runs the payload; a timeout ends a VMM that hangs.
run_payload() {
	timeout --kill-after=5 60 "$payload" --report "$report" "$@"
}

# check FILTER [NAME VALUE]...: runs a jq filter with $r, the report, $v, its first vCPU, the NAMEs, and what is
# defined here.
check() {
	local filter=$1 args=()
	shift
	while (($#)); do
		args+=(--argjson "$1" "$2")
		shift 2
	done
	jq -e "${args[@]}" '. as $r | .vcpus[0] as $v | ($v.end_ns - $v.start_ns) as $span |
		# Time for which the vCPU thread had to wait for a CPU may prolong its busy or its halted part.
		(0.02 + ($v.waited_ns // 0) / ([$span, 1] | max)) as $near |
		def in_order(f): . as $all | all(range(1; length); $all[. - 1:. + 1] | f);
		('"$filter"') == true' "$report" >/dev/null || {
		echo "false: $filter"
		jq -c '.vcpus[].segments |= "\(length) of them"' "$report"
		return 1
	}
}

# bats test_tags=core
@test "a duty of 30 % is halted for 70 %, and all of the time is accounted for" {
	run_payload --busy 30 --seconds 3
	check '$v.complete and $v.mapped and $v.dropped == 0'
	check '($v.halted_ns / $span - 0.70 | fabs) < $near'
	check '($v.halted_ns + $v.busy_ns) / $span | . > 0.99 - $near and . <= 1'
	check '$v.wakeups | . >= 28 and . <= 31'
}

@test "the segments in the log add up to the cumulative counter" {
	run_payload --busy 60 --seconds 2 --period-ms 20
	# Each end of a segment is rounded to whole nanoseconds.
	check '([$v.segments[] | .[1] - .[0]] | add) - $v.halted_ns | fabs <= 1 + ($v.segments | length)'
	check '($v.segments | length) == $v.wakeups + $v.broken'
	check '$v.segments | in_order(.[0][1] <= .[1][0])'
	check '$v.segments[0][0] >= $v.start_ns and $v.segments[-1][1] <= $v.end_ns'
}

@test "in turn: one thread runs one VM after the other, and each has its own log" {
	run_payload --in-turn --vms 2 --busy 20,80 --seconds 2
	check '($r.vcpus | length) == 2 and ([$r.vcpus[].tid] | unique | length) == 1'
	check 'all($r.vcpus[]; .complete and .mapped and .dropped == 0)'
	check '$r.vcpus[0].end_ns < $r.vcpus[1].start_ns'
	check '[$r.vcpus[] | .halted_ns / (.end_ns - .start_ns)] |
		(.[0] - 0.8 | fabs) < $near + 0.03 and (.[1] - 0.2 | fabs) < $near + 0.03'
	run -2 "$payload" --in-turn --vcpus 2
}

@test "100 % busy never halts" {
	run_payload --busy 100 --seconds 1
	check '$v.halted_ns == 0 and $v.segments == [] and $v.wakeups == 0'
	check '$v.busy_ns / $span > 1 - $near'
}

@test "0 % busy halts nearly always, and still wakes up once a period" {
	run_payload --busy 0 --seconds 2
	check '$v.halted_ns / $span > 0.99 - $near'
	check '$v.wakeups | . >= 18 and . <= 21'
}

@test "mwait instead of hlt: halted for the same time" {
	grep -qw vmx /proc/cpuinfo || skip "QEMU does not halt in MWAIT where there are two CPUs; Bochs does (bed run --vmx)"
	run run_payload --busy 30 --idle mwait --seconds 3
	[[ $output != *'cannot pass MWAIT through'* ]] || skip "this KVM cannot pass MWAIT through"
	((status == 0))
	check '($v.halted_ns / $span - 0.70 | fabs) < $near'
	check '$v.wakeups | . >= 28 and . <= 31'
}

# bats test_tags=core
@test "pause instead of hlt: not halted at all" {
	run_payload --busy 30 --idle pause --seconds 1
	check '$v.halted_ns == 0 and $v.segments == []'
	check '($v.paused_ns / $span - 0.70 | fabs) < $near'
}

# bats test_tags=core
@test "with HLT exits the guest's own log is the same" {
	run_payload --busy 30 --hlt exit --seconds 2
	check '$r.disabled_exits == 0 and $r.hlt == "exit"'
	check '($v.halted_ns / $span - 0.70 | fabs) < $near'
	check '$v.broken <= 1' # the end of the run interrupts one
}

@test "halts: the requested number and length" {
	run_payload --halts 2:20,20:10 --seconds 30
	check '[$v.halts[].done] == [20, 10] and $v.wakeups == 30'
	check '$v.halted_ns | . > 0.24e9 * 0.8 and . < 0.24e9 * 1.2'
}

@test "halts: the VMM sleeps at the exits between them" {
	run_payload --halts 5:20 --vmm-sleep-us 5000 --seconds 30
	check '[$v.halts[].done] == [20]'
	check '$v.slept_ns >= 20 * 5e6'
}

@test "exits: the requested number, in rounds" {
	local kind
	for kind in cpuid out; do
		run_payload --exits "$kind:500:4" --seconds 30
		check '$v.exit_kind == $kind and $v.exits == 2000' kind "\"$kind\""
		check '[$v.marks[].exits] == [0, 500, 1000, 1500, 2000]'
		check '$v.marks | in_order(.[0].ns < .[1].ns)'
	done
}

@test "exits by HLT: the requested number, asleep in between" {
	run_payload --hlt exit --exits hlt:20:4 --period-ms 2 --seconds 30
	check '$v.exit_kind == "hlt" and $v.exits == 80'
	check '[$v.marks[].exits] == [0, 20, 40, 60, 80]'
	check '$v.marks | in_order(.[0].ns + 40e6 <= .[1].ns)'
}

@test "several VMs in one process: each vCPU has its own log" {
	run_payload --vms 2 --vcpus 2 --busy 0,10,20,30 --seconds 1
	check '[$r.vcpus[] | [.vm, .vcpu]] == [[0, 0], [0, 1], [1, 0], [1, 1]]'
	check '[$r.vcpus[].busy_pct] == [0, 10, 20, 30]'
	check '([$r.vcpus[].tid] | unique | length) == 4'
	check 'all($r.vcpus[]; .complete and .wakeups >= 5)'
}

@test "threads are named like QEMU's, the process as requested; SIGTERM produces the report" {
	local pid ready=$BATS_TEST_TMPDIR/ready
	run_payload --vcpus 2 --busy 0 -name guest=demo,debug-threads=on --ready "$ready" \
		--seconds 30 3>&- &
	for _ in {1..200}; do
		[[ -s $ready ]] && break
		sleep 0.1
	done
	pid=$(<"$ready")
	[[ $(<"/proc/$pid/comm") == demo ]]
	# Newer kernels add a KVM worker thread to the process.
	[[ $(sort /proc/"$pid"/task/*/comm | grep -v ^kvm) == $'CPU 0/KVM\nCPU 1/KVM\ndemo' ]]
	kill -TERM "$pid"
	wait "$!"
	check '($r.vcpus | length) == 2 and all($r.vcpus[]; .complete)'
	check '$r.pid == $pid and $span < 25e9' pid "$pid"
}

@test "hold: nothing runs before SIGUSR1; linger: the threads stay after the last halt" {
	local pid ready=$BATS_TEST_TMPDIR/ready
	run_payload --halts 1:3 --hold --linger --ready "$ready" --seconds 30 3>&- &
	for _ in {1..200}; do
		[[ -s $ready ]] && break
		sleep 0.1
	done
	pid=$(<"$ready")
	sleep 0.5
	kill -USR1 "$pid"
	sleep 1.5
	grep -q 'CPU 0/KVM' /proc/"$pid"/task/*/comm
	kill -INT "$pid"
	wait "$!"
	check '$v.start_ns - $r.clock.begin.ns > 0.5e9 and $v.halts[0].done == 3'
}

# bats test_tags=core
@test "payload-account clips to the span, and refuses what the report does not cover" {
	local from to
	run_payload --busy 50 --seconds 2
	read -r from to < <(jq -r '.vcpus[0] | "\(.start_ns) \(.end_ns)"' "$report")
	"$account" "$report" --from $((from + 210000000)) --to $((from + 1210000000)) \
		--vcpu 0 | jq -e '.span_ns == 1e9 and (.share - 0.5 | fabs) < 0.02'
	# Each period begins with its busy part, so the first 40 ms are not halted.
	"$account" "$report" --from "$from" --to $((from + 40000000)) |
		jq -e '.halted_ns == 0'
	run ! "$account" "$report" --from $((from - 1)) --to "$to"
	run ! "$account" "$report" --from "$from" --to $((to + 1))
	run ! "$account" "$report" --vcpu 1
	run ! "$account" "$report" --from "$to" --to "$from"

	run_payload --busy 50 --seconds 1 --log-entries 3
	check '($v.segments | length) == 3 and $v.dropped > 0'
	run ! "$account" "$report"
	[[ $output == *overflowed* ]]
}

@test "bad options are refused with exit code 2" {
	local args
	for args in '--busy 101' '--busy -1' '--busy 1,2' '--busy nan' '--busy 0x10' '--busy 1,' \
		'--vcpus 0' '--vcpus 2x' '--pin 0.5' '--halts 1' '--halts 1:2 --exits out' \
		'--halts 1:2 --busy 3' '--vmm-sleep-us 5' '--exits in' '--exits hlt' '--exits out:0' '--read-msr 0x309' \
		'--seconds 0' '--seconds 1s' '--idle sleep' '--idle mwait --hlt exit' '--hlt no' '--nonsense' 'argument'; do
		# shellcheck disable=SC2086 # these are words
		run -2 "$payload" $args
		[[ -n $output ]] || { echo "silent: $args"; return 1; }
	done
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Is the witness itself to be trusted? Runs wherever there is a /dev/kvm: natively, and in the test
# bed. PAYLOAD names the binary under test.

bats_require_minimum_version 1.5.0

setup() {
	here=$BATS_TEST_DIRNAME
	payload=${PAYLOAD:-$here/../../../.output/tests/payload/payload}
	report=$BATS_TEST_TMPDIR/report.json
	[[ -r /dev/kvm && -w /dev/kvm ]] || skip "no /dev/kvm"
	[[ -x $payload ]] || {
		echo "no $payload: make it first"
		return 1
	}
}

# run_payload OPTION...: bounded from outside too, for a VMM that hangs
run_payload() {
	timeout --kill-after=5 60 "$payload" --report "$report" "$@"
}

# check EXPRESSION: over r, the report, and v, its first vCPU
check() {
	python3 - "$report" "$1" <<-'PYTHON'
		import json, sys

		r = json.load(open(sys.argv[1]))
		v = r["vcpus"][0]
		span = v["end_ns"] - v["start_ns"]
		# What others took from the vCPU's thread may lengthen its busy or its halted part.
		near = 0.02 + (v["waited_ns"] or 0) / max(span, 1)
		logged = sum(end - start for start, end in v["segments"])
		if not eval(sys.argv[2]):
		    for vcpu in r["vcpus"]:
		        vcpu["segments"] = f"{len(vcpu['segments'])} of them"
		    sys.exit(f"false: {sys.argv[2]}\n{r}")
	PYTHON
}

@test "a duty of 30 % is halted for 70 %, and all of the time has a name" {
	run_payload --busy 30 --seconds 3
	check 'v["complete"] and v["mapped"] and not v["dropped"]'
	check 'abs(v["halted_ns"] / span - 0.70) < near'
	check '0.99 - near < (v["halted_ns"] + v["busy_ns"]) / span <= 1'
	check '28 <= v["wakeups"] <= 31'
}

@test "the log adds up to the cumulative counter" {
	run_payload --busy 60 --seconds 2 --period-ms 20
	# Each end of a segment is rounded to whole nanoseconds.
	check 'abs(logged - v["halted_ns"]) <= 1 + len(v["segments"])'
	check 'len(v["segments"]) == v["wakeups"] + v["broken"]'
	check 'all(a[1] <= b[0] for a, b in zip(v["segments"], v["segments"][1:]))'
	check 'v["segments"][0][0] >= v["start_ns"] and v["segments"][-1][1] <= v["end_ns"]'
}

@test "in turn: one thread, a VM after the other, each with an account of its own" {
	run_payload --in-turn --vms 2 --busy 20,80 --seconds 2
	check 'len(r["vcpus"]) == 2 and len({v["tid"] for v in r["vcpus"]}) == 1'
	check 'all(v["complete"] and v["mapped"] and not v["dropped"] for v in r["vcpus"])'
	check 'r["vcpus"][0]["end_ns"] < r["vcpus"][1]["start_ns"]'
	check 'all(abs(v["halted_ns"] / (v["end_ns"] - v["start_ns"]) - halted) < near + 0.03
		for v, halted in zip(r["vcpus"], (0.8, 0.2)))'
	run -2 "$payload" --in-turn --vcpus 2
}

@test "100 % busy never halts" {
	run_payload --busy 100 --seconds 1
	check 'v["halted_ns"] == 0 and v["segments"] == [] and v["wakeups"] == 0'
	check 'v["busy_ns"] / span > 1 - near'
}

@test "0 % busy halts nearly always, and still wakes once a period" {
	run_payload --busy 0 --seconds 2
	check 'v["halted_ns"] / span > 0.99 - near'
	check '18 <= v["wakeups"] <= 21'
}

@test "pause instead of hlt: not halted at all" {
	run_payload --busy 30 --idle pause --seconds 1
	check 'v["halted_ns"] == 0 and v["segments"] == []'
	check 'abs(v["paused_ns"] / span - 0.70) < near'
}

@test "with HLT exits the guest's own account is the same" {
	run_payload --busy 30 --hlt exit --seconds 2
	check 'r["disabled_exits"] == 0 and r["hlt"] == "exit"'
	check 'abs(v["halted_ns"] / span - 0.70) < near'
	check 'v["broken"] <= 1' # the one that the end broke
}

@test "halts: as many as ordered, of the length ordered" {
	run_payload --halts 2:20,20:10 --seconds 30
	check '[g["done"] for g in v["halts"]] == [20, 10] and v["wakeups"] == 30'
	check '0.24e9 * 0.8 < v["halted_ns"] < 0.24e9 * 1.2'
}

@test "halts: the VMM sleeps at the exits between them" {
	run_payload --halts 5:20 --vmm-sleep-us 5000 --seconds 30
	check '[g["done"] for g in v["halts"]] == [20]'
	check 'v["slept_ns"] >= 20 * 5e6'
}

@test "exits: as many as ordered, in rounds" {
	local kind
	for kind in cpuid out; do
		run_payload --exits "$kind:500:4" --seconds 30
		check "v['exit_kind'] == '$kind' and v['exits'] == 2000"
		check '[m["exits"] for m in v["marks"]] == [0, 500, 1000, 1500, 2000]'
		check 'all(a["ns"] < b["ns"] for a, b in zip(v["marks"], v["marks"][1:]))'
	done
}

@test "exits by HLT: as many as ordered, asleep in between" {
	run_payload --hlt exit --exits hlt:20:4 --period-ms 2 --seconds 30
	check "v['exit_kind'] == 'hlt' and v['exits'] == 80"
	check '[m["exits"] for m in v["marks"]] == [0, 20, 40, 60, 80]'
	check 'all(a["ns"] + 40e6 <= b["ns"] for a, b in zip(v["marks"], v["marks"][1:]))'
}

@test "several VMs in one process: each vCPU has its own account" {
	run_payload --vms 2 --vcpus 2 --busy 0,10,20,30 --seconds 1
	check '[(w["vm"], w["vcpu"]) for w in r["vcpus"]] == [(0, 0), (0, 1), (1, 0), (1, 1)]'
	check '[w["busy_pct"] for w in r["vcpus"]] == [0, 10, 20, 30]'
	check 'len({w["tid"] for w in r["vcpus"]}) == 4'
	check 'all(w["complete"] and w["wakeups"] >= 5 for w in r["vcpus"])'
}

@test "threads are named as QEMU names them, the process as asked; SIGTERM gives the report" {
	local pid ready=$BATS_TEST_TMPDIR/ready
	run_payload --vcpus 2 --busy 0 -name guest=demo,debug-threads=on --ready "$ready" \
		--seconds 30 3>&- &
	for _ in {1..200}; do
		[[ -s $ready ]] && break
		sleep 0.1
	done
	pid=$(<"$ready")
	[[ $(<"/proc/$pid/comm") == demo ]]
	# Newer kernels add a thread of KVM's own to the process.
	[[ $(sort /proc/"$pid"/task/*/comm | grep -v ^kvm) == $'CPU 0/KVM\nCPU 1/KVM\ndemo' ]]
	kill -TERM "$pid"
	wait "$!"
	check 'len(r["vcpus"]) == 2 and all(w["complete"] for w in r["vcpus"])'
	check "r['pid'] == $pid and span < 25e9"
}

@test "hold: nothing runs before SIGUSR1; linger: the threads stay after the last halt" {
	local pid before ready=$BATS_TEST_TMPDIR/ready
	run_payload --halts 1:3 --hold --linger --ready "$ready" --seconds 30 3>&- &
	for _ in {1..200}; do
		[[ -s $ready ]] && break
		sleep 0.1
	done
	pid=$(<"$ready")
	sleep 0.5
	before=$(python3 -c 'import time; print(time.clock_gettime_ns(time.CLOCK_MONOTONIC))')
	kill -USR1 "$pid"
	sleep 1.5
	grep -q 'CPU 0/KVM' /proc/"$pid"/task/*/comm
	kill -INT "$pid"
	wait "$!"
	check "v['start_ns'] > $before and v['halts'][0]['done'] == 3"
}

@test "account: clips to the span, and refuses what it cannot know" {
	local from to
	run_payload --busy 50 --seconds 2
	read -r from to < <(python3 -c 'import json, sys
v = json.load(open(sys.argv[1]))["vcpus"][0]
print(v["start_ns"], v["end_ns"])' "$report")
	"$here/payload-account" "$report" --from $((from + 210000000)) --to $((from + 1210000000)) \
		--vcpu 0 | python3 -c 'import json, sys
a = json.load(sys.stdin)
assert a["span_ns"] == 10**9 and abs(a["share"] - 0.5) < 0.02, a'
	# Whole periods start busy: nothing of the first 40 ms is halted.
	"$here/payload-account" "$report" --from "$from" --to $((from + 40000000)) |
		python3 -c 'import json, sys; assert json.load(sys.stdin)["halted_ns"] == 0'
	run ! "$here/payload-account" "$report" --from $((from - 1)) --to "$to"
	run ! "$here/payload-account" "$report" --from "$from" --to $((to + 1))
	run ! "$here/payload-account" "$report" --vcpu 1
	run ! "$here/payload-account" "$report" --from "$to" --to "$from"

	run_payload --busy 50 --seconds 1 --log-entries 3
	check 'len(v["segments"]) == 3 and v["dropped"] > 0'
	run ! "$here/payload-account" "$report"
	[[ $output == *overflowed* ]]
}

@test "bad options are refused with exit code 2" {
	local args
	for args in '--busy 101' '--busy -1' '--busy 1,2' '--busy nan' '--busy 0x10' '--busy 1,' \
		'--vcpus 0' '--vcpus 2x' '--pin 0.5' '--halts 1' '--halts 1:2 --exits out' \
		'--halts 1:2 --busy 3' '--vmm-sleep-us 5' '--exits in' '--exits hlt' '--exits out:0' '--read-msr 0x309' \
		'--seconds 0' '--seconds 1s' '--idle sleep' '--hlt no' '--nonsense' 'argument'; do
		# shellcheck disable=SC2086 # these are words
		run -2 "$payload" $args
		[[ -n $output ]] || { echo "silent: $args"; return 1; }
	done
}

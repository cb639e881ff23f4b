#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Several vCPUs and several VMs at once: never mixed up. Runs in the bed.

bats_require_minimum_version 1.5.0
load helper

# The CPU with the tick runs the tool too, and a tick's exit takes long here: the guests' accounts are
# not that good, but 20 % busy is told from 70 % without doubt.
MIXED_TOLERANCE=10

# On that CPU the thread waits whenever the tool runs, and where a wait begins is seen a little earlier
# by the scheduler than by the hook; all code being slow here, that is a millisecond at times.
clamped_max=10

# row_matches FILE NAME VM VCPU: finds the row by the thread ID that the guest's own report has.
row_matches() {
	local row shown own
	row=$(jq -e -s --argjson tid "$(jq -e ".vcpus[] | select(.vm == $3 and .vcpu == $4) | .tid" \
		"$BATS_TEST_TMPDIR/$2.json")" '.[0].vms[] | .name as $name | .vcpus[] |
		select(.tid == $tid) | . + {name: $name}' "$1")
	[[ $(jq -r '"\(.name) \(.vcpu)"' <<<"$row") == "$2 $4" ]]
	shown=$(jq '100 * .halted_ns / .wall_ns' <<<"$row")
	own=$(own_share "$1" "$2" "$3" "$4")
	printf '# %s VM %s vCPU %s: %.2f%% halted, by its own account %.2f%%\n' \
		"$2" "$3" "$4" "$shown" "$own" >&3
	near "$shown" "$own" "$MIXED_TOLERANCE" "$2 VM $3 vCPU $4"
}

@test "two vCPUs of one VM keep their numbers apart" {
	local out=$BATS_TEST_TMPDIR/out.json
	guest_start pair --vcpus 2 --busy 20,70 --pin "$OTHER_CPU,$QUIET_CPU"
	measure "$out" -p "$guest" -d 2
	guest_end
	jq -s -e '.[0].vms | length == 1 and (.[0].vcpus | map(.vcpu) == [0, 1])' "$out" >/dev/null
	row_matches "$out" pair 0 0
	row_matches "$out" pair 0 1
}

# bats test_tags=core
@test "two VMs at once keep theirs apart, and without -p both are shown" {
	local out=$BATS_TEST_TMPDIR/out.json first
	guest_start idler --busy 20 --pin "$OTHER_CPU"
	first=$guest
	guest_start worker --busy 70 --pin "$QUIET_CPU"
	measure "$out" -d 2
	guest_end
	[[ $(jq -c -s '[.[0].vms[] | [.pid, .name]]' "$out") == \
		"[[$first,\"idler\"],[$guest,\"worker\"]]" ]]
	row_matches "$out" idler 0 0
	row_matches "$out" worker 0 0
}

@test "two VMs of one process keep theirs apart" {
	local out=$BATS_TEST_TMPDIR/out.json
	guest_start both --vms 2 --busy 20,70 --pin "$OTHER_CPU,$QUIET_CPU"
	measure "$out" -d 2
	guest_end
	jq -s -e '.[0].vms | length == 2 and .[0].pid == .[1].pid' "$out" >/dev/null
	row_matches "$out" both 0 0
	row_matches "$out" both 1 0
}

@test "-p shows what was asked for, and measures nothing else" {
	local out=$BATS_TEST_TMPDIR/out.json wanted
	guest_start wanted --busy 20 --pin "$OTHER_CPU"
	wanted=$guest
	guest_start other --busy 50 --pin "$QUIET_CPU"
	measure "$out" -p "$wanted" -d 1
	[[ $(jq -c -s '[.[0].vms[].name]' "$out") == '["wanted"]' ]]
}

# shown_names FILE NAMES: waits until the last interval of a running measurement shows these VMs.
shown_names() {
	local tries
	for ((tries = 0; tries < 300; tries++)); do
		[[ $(tail -n 1 "$1" | jq -c '[.vms[].name]' 2>/dev/null) != "$2" ]] || return 0
		sleep 0.1
	done
	echo "no interval shows $2"
	jq -c '[.vms[].name]' "$1"
	return 1
}

@test "a VM that starts during the run is shown, one that ends leaves no ghost" {
	local out=$BATS_TEST_TMPDIR/out.json tool
	guest_start early --busy 20 --pin "$OTHER_CPU"
	timeout 60 "$GTIMEHALT" -j 1 >"$out" 3>&- &
	tool=$!
	shown_names "$out" '["early"]'
	guest_start late --busy 50 --pin "$QUIET_CPU"
	shown_names "$out" '["early","late"]'
	guest_end
	shown_names "$out" '[]'
	kill -INT "$tool"
	wait "$tool"
	check_report "$out"
	jq -s -e 'map([.vms[].name]) | .[0] == ["early"] and any(.[]; . == ["early", "late"]) and
		.[-1] == []' "$out" >/dev/null || {
		jq -c '[.vms[].name]' "$out"
		return 1
	}
}

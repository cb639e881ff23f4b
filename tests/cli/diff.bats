#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# --diff of recordings of simulated fleets, whose loads are known.

# `run` sets output in the function that calls it, not in a subshell of a test.
# shellcheck disable=SC2030,SC2031,SC2154
bats_require_minimum_version 1.5.0

setup_file() {
	local fleet=$BATS_TEST_DIRNAME/fleet.py
	export a=$BATS_FILE_TMPDIR/a b=$BATS_FILE_TMPDIR/b
	"$fleet" --vms 4 --vcpus 2 --intervals 360 --busy 30 --seed 1 >"$a"
	# The first VM has another name, and the others twice the load.
	"$fleet" --vms 4 --vcpus 2 --intervals 360 --busy 60 --seed 2 | sed 's/instance-00000a01/renamed/' >"$b"
}

setup() {
	src=$BATS_TEST_DIRNAME/../..
	GTIMEHALT=${GTIMEHALT:-$src/gtimehalt}
	dir=$BATS_TEST_TMPDIR
	export TZ=UTC
}

# mean_of RECORDING PID MEMBER: the share of a VM's time that the member is in the sums of JSON, in per cent.
mean_of() {
	"$GTIMEHALT" --replay "$1" -j | jq -s --argjson pid "$2" "[.[].vms[] | select(.pid == \$pid) | .total] |
		100 * (map(.$3) | add) / (map(.wall_ns) | add)"
}

@test "the shares are those of JSON, and a load that has doubled is told from one that has not" {
	run -0 --separate-stderr "$GTIMEHALT" --diff "$a" "$b" -j
	[[ -z $stderr && $(wc -l <<<"$output") == 1 ]]
	"$src/tests/schema/validate.py" "$src/contrib/gtimehalt-diff.schema.json" <<<"$output"
	local member
	for member in idle halted busy host wait; do
		jq -e --argjson before "$(mean_of "$a" 1100 "${member}_ns")" --argjson after "$(mean_of "$b" 1100 "${member}_ns")" \
			".vms[1].$member | (.before_pct - \$before | fabs) < 0.001 and (.after_pct - \$after | fabs) < 0.001 and
			(.difference_pct - (\$after - \$before) | fabs) < 0.001" <<<"$output"
	done
	jq -e '.vms | map(select(.before and .after)) | length == 3 and all(.[]; .busy.exceeds and .idle.exceeds and
		.busy.difference_pct > 20 and .host.exceeds == false and .wait.exceeds == false)' <<<"$output"
	# Another seed, the same loads.
	"$BATS_TEST_DIRNAME/fleet.py" --vms 4 --vcpus 2 --intervals 360 --busy 30 --seed 3 >"$dir/same"
	"$GTIMEHALT" --diff "$a" "$dir/same" -j | jq -e 'all(.vms[]; .busy.exceeds == false and .busy.variation_pct > 0.2 and .idle.exceeds == false)'
}

@test "VMs that are in one recording only are shown as such" {
	run -0 --separate-stderr "$GTIMEHALT" --diff "$a" "$b"
	[[ -z $stderr ]]
	[[ $output == *'before 2026-11-24 23:13:43 to 2026-11-25 00:13:43, 3600 s in 360 intervals'* ]]
	grep -A 1 '^instance-00000a01  *2  *1000 before ' <<<"$output" | tail -n 1 | grep -q '^ *after   not in this recording$'
	grep -A 1 '^renamed  *before  not in this recording$' <<<"$output" | tail -n 1 | grep -q '^  *2  *1000 after  '
	[[ $(grep -c '^ *change ' <<<"$output") == 3 ]]
	run ! grep -E '.{83}' <<<"$output"
	"$GTIMEHALT" --diff "$a" "$b" -j | jq -e '(.vms | map(select(.name == "renamed"))[0]) as $vm | $vm.before == null and
		$vm.busy.before_pct == null and $vm.busy.difference_pct == null and $vm.busy.exceeds == null and $vm.busy.after_pct > 40'
}

@test "INTERVAL, --from, --to and -g apply to both; too few intervals: unknown" {
	run -0 --separate-stderr "$GTIMEHALT" --diff "$a" "$b" -jg '*a02' --from 10m --to 20m
	jq -e '(.vms | length == 1) and .before.intervals == 60 and .after.intervals == 60 and (.vms[0].busy.variation_pct > 0)' <<<"$output"
	run -0 --separate-stderr "$GTIMEHALT" --diff "$a" "$b" -jg '*a02' 600
	jq -e '.before.intervals == 6 and .vms[0].busy.exceeds == null and .vms[0].busy.variation_pct == null and
		.vms[0].busy.difference_pct > 20' <<<"$output"
	run -0 --separate-stderr "$GTIMEHALT" --diff "$a" "$b" -g 'renamed'
	[[ $output == *'not in this recording'* ]]
	run -1 --separate-stderr "$GTIMEHALT" --diff "$a" "$b" -g 'nobody'
	[[ -z $output && $stderr == 'gtimehalt: no VM of the two recordings to compare' ]]
}

@test "unknown is not 0: intervals in which hooks were off, and switch mode" {
	# From the 100th snapshot on, each later one says that hooks were off, 180 of 360 times.
	python3 -c '
import json, sys
for number, line in enumerate(sys.stdin):
    snapshot = json.loads(line)
    if "health" in snapshot:
        snapshot["health"]["hooks_off"] = max(0, min(number - 100, 180))
    print(json.dumps(snapshot, separators=(",", ":")))' <"$a" >"$dir/off"
	run -0 --separate-stderr "$GTIMEHALT" --diff "$a" "$dir/off" -g '*a02'
	[[ $output == *', after: time that is not counted, because its busy is unknown:   50.0 %'* ]]
	"$GTIMEHALT" --diff "$a" "$dir/off" -jg '*a02' | jq -e '.vms[0].busy | .after_unknown_pct == 50 and .before_unknown_pct == 0 and
		(.difference_pct | fabs) < 10 and .exceeds == false'
	sed 's/"mode":"entry"/"mode":"switch"/' "$a" >"$dir/switch"
	"$GTIMEHALT" --diff "$a" "$dir/switch" -j | jq -e 'all(.vms[]; .busy.after_pct == null and .busy.after_unknown_pct == 100 and
		.host.difference_pct == null and .busy.exceeds == null and .halted.difference_pct == 0 and .halted.exceeds == false)'
}

@test "a fault of either recording, or of the output: one line, exit 1" {
	run -1 --separate-stderr "$GTIMEHALT" --diff "$dir/none" "$b"
	[[ -z $output && $stderr == "gtimehalt: cannot open $dir/none: No such file or directory" ]]
	run -1 --separate-stderr "$GTIMEHALT" --diff "$a" /dev/null
	[[ -z $output && $stderr == 'gtimehalt: /dev/null: the recording is empty; there is no interval to show' ]]
	run -1 --separate-stderr "$GTIMEHALT" --diff "$a" "$b" --from 2h
	[[ -z $output && $stderr == "gtimehalt: $a: the recording ends before --from" ]]
	run -1 --separate-stderr bash -c "'$GTIMEHALT' --diff '$a' '$b' >/dev/full"
	[[ $stderr == 'gtimehalt: cannot write the comparison: No space left on device' ]]
}

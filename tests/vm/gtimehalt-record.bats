#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# bats file_tags=parallel
#
# Three guests at once, recorded, and what is replayed of them against what was shown live. Runs in the bed.
# With KEEP_RECORDING=FILE the recording is left there: tests/golden/replay/README.md tells what for.

bats_require_minimum_version 1.5.0
load helper

# The guests share two CPUs with the tool: their shares wander, and 50 ms of a CPU are hard to come by.
clamped_max=10
tool=("$GTIMEHALT" --mperf-ratio 1)

# Points of wall time by which two runs of the tool may differ whose intervals overlap, but for their ends.
AGREEMENT=5

setup_file() {
	export TMPDIR=$BATS_FILE_TMPDIR
	"$BATS_TEST_DIRNAME/linux-guest/start" --name linux --seconds 120 --busy 1 >"$TMPDIR/pid"
}

teardown_file() {
	"$BATS_TEST_DIRNAME/linux-guest/stop" linux
}

setup() {
	dir=$BATS_TEST_TMPDIR
	linux=$(<"$TMPDIR/pid")
	guest_start through --busy 30 --pin "$QUIET_CPU"
	guest_start exits --busy 20 --hlt exit --pin "$OTHER_CPU"
}

# shares FILE: per cent of the last interval, a line for each vCPU.
shares() {
	jq -r -s 'last.vms[] | .name as $n | .vcpus[] | "\($n)/\(.vcpu) \(100 * .halted_ns / .wall_ns)"' "$1"
}

# Whole, and in each view what the live run had.
@test "what is recorded is replayed as it was shown" {
	local beside line name own
	timeout 60 "${tool[@]}" -j -d 3 >"$dir/beside" 3>&- &
	beside=$!
	timeout 60 "${tool[@]}" -j -H --record "$dir/recording" 1 3 >"$dir/live"
	wait "$beside"
	check_report "$dir/live"
	check_report "$dir/beside"
	[[ $(jq -c -s 'last.vms | map([.name, (.vcpus | map(.vcpu))]) | sort' "$dir/live") == \
		'[["exits",[0]],["linux",[0,1]],["through",[0]]]' ]]
	[[ $(wc -l <"$dir/recording") == 5 ]]

	"$GTIMEHALT" -j -H --replay "$dir/recording" >"$dir/replayed"
	cmp "$dir/live" "$dir/replayed"
	# Whoever was not there needs no root for it.
	chmod 755 "$dir" && chmod 644 "$dir/recording"
	setpriv --reuid 65534 --clear-groups --inh-caps=-all "$GTIMEHALT" -j -H --replay - \
		<"$dir/recording" >"$dir/replayed"
	cmp "$dir/live" "$dir/replayed"

	jq -s -c '{ vms: [.[].vms[]] | group_by(.name) | map({ name: .[0].name, vcpus: [.[].vcpus[]] | group_by(.vcpu) |
		map({ vcpu: .[0].vcpu, halted_ns: map(.halted_ns) | add, wall_ns: map(.wall_ns) | add }) }) }' \
		"$dir/replayed" >"$dir/sum"
	while read -r name own; do
		line=$(shares "$dir/beside" | awk -v name="$name" '$1 == name { print $2 }')
		printf '# %s: %.1f%% halted as recorded, %.1f%% beside\n' "$name" "$own" "$line" >&3
		near "$own" "$line" "$AGREEMENT" "$name"
	done < <(shares "$dir/sum")

	# The release is of this machine, and means nothing to the tests.
	[[ -z ${KEEP_RECORDING-} ]] || sed '1s/"kernel_release":"[^"]*"/"kernel_release":"6.12.0"/' \
		"$dir/recording" >"$KEEP_RECORDING"
}

@test "filters narrow what is shown, not what is recorded" {
	timeout 60 "${tool[@]}" -j -g through --record "$dir/recording" -d 1 >"$dir/live"
	"$GTIMEHALT" -j -g through --replay "$dir/recording" >"$dir/replayed"
	cmp "$dir/live" "$dir/replayed"
	"$GTIMEHALT" -j --replay "$dir/recording" >"$dir/replayed"
	[[ $(jq '.vms | length' "$dir/replayed") == 3 ]]
	# -p is measured alone.
	timeout 60 "${tool[@]}" -P -p "$linux" --record "$dir/recording" -d 1 >"$dir/live"
	"$GTIMEHALT" -P --replay "$dir/recording" >"$dir/replayed"
	cmp "$dir/live" "$dir/replayed"
}

@test "a disk that is full: one line, exit 1, and what was printed stays whole" {
	mkdir "$dir/small"
	mount -t tmpfs -o size=16k none "$dir/small"
	run -1 --separate-stderr timeout 60 "${tool[@]}" -j --record "$dir/small/recording" 0.2 100
	[[ $stderr == "gtimehalt: cannot record to $dir/small/recording: No space left on device" ]]
	jq -e -s 'length > 0' <<<"$output" >/dev/null
	"$GTIMEHALT" -j --replay "$dir/small/recording" >"$dir/replayed"
	umount "$dir/small"
	[[ $(head -n "$(wc -l <"$dir/replayed")" <<<"$output") == "$(cat "$dir/replayed")" ]]
	run -1 --separate-stderr "${tool[@]}" --record /nowhere/at/all -d 1
	[[ -z $output && $stderr == "gtimehalt: cannot record to /nowhere/at/all: "* ]]
}

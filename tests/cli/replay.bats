#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A recording of three real guests, replayed through every view; neither root nor KVM is needed. The expected outputs
# are files below tests/golden/replay; `make golden` rewrites them, to be reviewed as a diff.

bats_require_minimum_version 1.5.0

setup() {
	src=$BATS_TEST_DIRNAME/../..
	GTIMEHALT=${GTIMEHALT:-$src/gtimehalt}
	golden_dir=$src/tests/golden/replay
	recording=$golden_dir/three-guests.ndjson
	dir=$BATS_TEST_TMPDIR
	export TZ=UTC
}

# golden NAME OPTION...: compares the output with these options with the file.
golden() {
	local file=$golden_dir/$1
	shift
	run -0 --separate-stderr "$GTIMEHALT" --replay "$recording" "$@"
	# shellcheck disable=SC2154 # set by run
	[[ -z $stderr ]]
	if [[ ${GOLDEN:-} == update ]]; then
		printf '%s\n' "$output" >"$file"
		return
	fi
	diff -u "$file" - <<<"$output"
}

# each: reads lines of "FILE OPTION..." from stdin and runs golden for each.
each() {
	local name args
	while read -r name args; do
		# shellcheck disable=SC2086 # several words
		golden "$name" $args
	done
}

@test "tables" {
	each <<-'END'
		default.txt
		per-vm.txt -P
		per-vcpu.txt -L
		sorted.txt -s busy
		sorted-cut.txt -Ls halted -r 2
		per-vm-sorted.txt -Ps blocked -r 1
	END
}

@test "histograms" {
	each <<-'END'
		histogram.txt -H
		histogram-per-vm.txt -HP
		histogram-per-vcpu.txt -HL
		histogram-ms.txt -Hm -g through
		histogram-ns.txt -HN -g through
	END
}

@test "summaries, joined intervals, and parts of a recording" {
	each <<-'END'
		summary.txt --summary
		summary.ndjson --summary -j
		summary-joined.txt --summary 2 -g linux
		joined.txt -P 2
		part.txt -P --from 1 --to 2026-11-24T23:13:46
	END
	# Joined intervals have the sums of those that were recorded, but for what is rounded and what is clamped.
	"$GTIMEHALT" --replay "$recording" -j 1000 >"$dir/joined"
	jq -e -s --slurpfile joined "$dir/joined" '(map(.vms[].total.entries) | add) == ($joined[0].vms | map(.total.entries) | add) and
		((map(.host.idle_ns) | add) / $joined[0].host.idle_ns - 1 | fabs) < 0.01' "$golden_dir/json.ndjson"
	run -1 --separate-stderr "$GTIMEHALT" --replay "$recording" --from 1h
	[[ -z $output && $stderr == *': the recording ends before --from' ]]
}

@test "forms for programs" {
	each <<-'END'
		json.ndjson -j
		json-histogram.ndjson -jH
		all.csv --csv
		per-vcpu.csv --csv -L
		per-vm.csv --csv -Ps wait -r 2
	END
}

@test "filters" {
	local pid tid
	pid=$(jq -s '.[0].vms[] | select(.name == "linux") | .pid' "$golden_dir/json.ndjson")
	tid=$(jq -s '.[0].vms[] | select(.name == "exits") | .vcpus[0].tid' "$golden_dir/json.ndjson")
	golden filter-pid.txt -p "$pid"
	golden filter-tid.txt -L -t "$tid"
	each <<-'END'
		filter-guest.txt -P -g t*,exits
		filter-vcpu.txt --vcpu 1
		filter-all.txt -g linux --vcpu 0
		filter-json.ndjson -j -g through
	END
}

@test "JSON conforms to its schema, and the identities hold" {
	"$src/tests/schema/validate.py" "$src/contrib/gtimehalt.schema.json" <"$golden_dir/json.ndjson"
	"$src/tests/schema/validate.py" "$src/contrib/gtimehalt.schema.json" <"$golden_dir/json-histogram.ndjson"
	jq -e -s 'length >= 2 and all(.[].vms[].vcpus[];
		.loaded_ns + .wait_ns + .blocked_ns == .wall_ns and .guest_ns + .host_ns == .loaded_ns and
		.busy_ns + .halted_ns == .guest_ns)' "$golden_dir/json.ndjson" >/dev/null
	# Without -H, JSON has no histogram. With -H, the histogram and the stints below it count all entries, and its
	# time is that of the counter.
	jq -e 'all(.vms[]; .total.histogram == null)' "$golden_dir/json.ndjson" >/dev/null
	jq -e -s 'all(.[].vms[].vcpus[]; (.histogram.buckets | map(.[2]) | add // 0) == .histogram.count and
		.histogram.count + .histogram.below_count == .entries)' "$golden_dir/json-histogram.ndjson" >/dev/null
	run ! grep -E '.{80}' "$golden_dir"/{default,per,sorted,histogram,filter}*.txt
}

# edited PYTHON: prints the recording with PYTHON applied to "clock" of the third and of all later snapshots. jq would
# round the integers.
edited() {
	python3 -c '
import json, sys
for number, line in enumerate(sys.stdin):
    snapshot = json.loads(line)
    if number >= 3:
        clock = snapshot["clock"]
        exec(sys.argv[1])
    print(json.dumps(snapshot, separators=(",", ":")))' "$1" <"$recording"
}

@test "a suspend, after which TSC restarts at 0: halted is unknown in that interval, and known in the next" {
	edited 'clock["boottime_ns"] += 3600 * 10**9; clock["tsc_cycles"] -= 132 * 10**9' >"$dir/suspend"
	run -0 --separate-stderr "$GTIMEHALT" -j --replay "$dir/suspend"
	[[ -z $stderr ]]
	[[ $(jq -s -c 'map(all(.vms[].vcpus[]; .halted_ns == null or .loaded_ns == 0))' <<<"$output") == '[false,true,false]' ]]
	"$src/tests/schema/validate.py" "$src/contrib/gtimehalt.schema.json" <<<"$output"
	# The same step of TSC without a suspend makes the recording invalid.
	edited 'clock["tsc_cycles"] -= 132 * 10**9' >"$dir/step"
	run -1 --separate-stderr "$GTIMEHALT" -j --replay "$dir/step"
	[[ $stderr == "gtimehalt: $dir/step:4: clock.tsc_cycles: not later than in the previous snapshot, without a suspend" ]]
}

@test "hooks that were switched off: that interval has only a wall time, in any form, the next has everything" {
	sed '4,$s/"map_full":0}/"map_full":0,"hooks_off":1}/' "$recording" >"$dir/off"
	run -0 --separate-stderr "$GTIMEHALT" -jH --replay "$dir/off"
	[[ -z $stderr ]]
	jq -e -s 'map(.health.hooks_off) == [0, 1, 0] and all(.[1].vms[].vcpus[];
		.wall_ns > 0 and ([.[]] | map(select(. == null)) | length) == 11)' <<<"$output"
	diff -q <(sed -n '1p;3p' <<<"$output") <(sed -n '1p;3p' "$golden_dir/json-histogram.ndjson")
	"$src/tests/schema/validate.py" "$src/contrib/gtimehalt.schema.json" <<<"$output"
	run -0 --separate-stderr "$GTIMEHALT" --replay "$dir/off"
	[[ $output == *'# hooks were off, nothing is known about the interval: 1'* ]]
	[[ $output == *'# vCPUs that are not measured (no room, or hooks were off): '* ]]
	run -0 --separate-stderr "$GTIMEHALT" -H --replay "$dir/off"
	[[ $output == *'stints were not counted'* ]]
}

@test "a recording through a pipe, and from stdin" {
	"$GTIMEHALT" --replay - <"$recording" >"$dir/out"
	diff "$golden_dir/default.txt" "$dir/out"
	# Each interval is shown as soon as it was read, while the recorder still runs.
	mkfifo "$dir/fifo"
	"$GTIMEHALT" -j --replay "$dir/fifo" >"$dir/out" 3>&- &
	tool=$!
	exec 4>"$dir/fifo"
	head -n 3 "$recording" >&4
	for ((try = 0; try < 1200; try++)); do
		[[ -s $dir/out ]] && break
		sleep 0.05
	done
	cmp "$dir/out" <(head -n 1 "$golden_dir/json.ndjson")
	# Signals have their default effect.
	kill "$tool"
	status=0
	wait "$tool" || status=$?
	[[ $status == 143 ]]
	exec 4>&-
}

@test "on a terminal nothing is cleared, because all intervals come at once" {
	TERM=xterm script -qec "$GTIMEHALT --replay $recording -P" /dev/null >"$dir/out" </dev/null
	diff "$golden_dir/per-vm.txt" <(tr -d '\r' <"$dir/out")
}

@test "names that differ only at the end, in the middle or at the start differ at any width; in a pipe they are whole" {
	local names width form
	for names in 'instance-00000a01 instance-00000a02 instance-00000a03' \
		'prod-web1-eu-west-1.example prod-web2-eu-west-1.example prod-web3-eu-west-1.example' \
		'a1-production-web-server b2-production-web-server c3-production-web-server'; do
		# shellcheck disable=SC2086 # several words
		set -- $names
		sed "s/\"name\":\"linux\"/\"name\":\"$1\"/; s/\"name\":\"through\"/\"name\":\"$2\"/
			s/\"name\":\"exits\"/\"name\":\"$3\"/" "$recording" >"$dir/names"
		for form in '' -P -L; do
			for width in 60 80 120 200; do
				TERM=xterm script -qec "stty cols $width; $GTIMEHALT --replay $dir/names $form" /dev/null \
					</dev/null | tr -d '\r' | sed '/^$/,$d; /^# /d' >"$dir/out"
				[[ $(awk '{ if (length > w) w = length } END { print w }' "$dir/out") -lt $width ]]
				[[ $(awk 'NR > 3 && $1 != "vCPU" { print $1 }' "$dir/out" | sort -u | wc -l) == 3 ]] || {
					cat "$dir/out"
					return 1
				}
			done
			# shellcheck disable=SC2086
			"$GTIMEHALT" --replay "$dir/names" $form >"$dir/out"
			grep -q "^$1 " "$dir/out" && grep -q "^$2 " "$dir/out" && grep -q "^$3 " "$dir/out"
		done
	done
}

@test "a truncated recording is shown up to the cut, with a warning: exit 0" {
	local size
	size=$(head -n 4 "$recording" | wc -c)
	head -c $((size - 100)) "$recording" >"$dir/cut"
	run -0 --separate-stderr "$GTIMEHALT" -j --replay "$dir/cut"
	[[ $stderr == "gtimehalt: warning: $dir/cut:4: the recording is cut off here" ]]
	[[ $output == "$(head -n 1 "$golden_dir/json.ndjson")" ]]
}

@test "a recording shorter than an interval: one line, exit 1" {
	head -n 2 "$recording" >"$dir/one"
	run -1 --separate-stderr "$GTIMEHALT" --replay "$dir/one"
	[[ -z $output && $stderr == "gtimehalt: $dir/one: there is no interval to show" ]]
	head -c -100 <(head -n 3 "$recording") >"$dir/one"
	run -1 --separate-stderr "$GTIMEHALT" --replay "$dir/one"
	[[ -z $output && $stderr == "gtimehalt: $dir/one: the recording is cut off here; there is no interval to show" ]]
	run -1 --separate-stderr "$GTIMEHALT" --replay /dev/null
	[[ -z $output && $stderr == *"there is no interval to show" ]]
}

@test "a file that is not a recording: file, line, reason, exit 1" {
	printf 'garbage\n' >"$dir/garbage"
	run -1 --separate-stderr "$GTIMEHALT" --replay "$dir/garbage"
	[[ -z $output && $stderr == "gtimehalt: $dir/garbage:1: not a JSON object" ]]
	head -c 100000 /dev/urandom >"$dir/garbage"
	run -1 --separate-stderr "$GTIMEHALT" --replay "$dir/garbage"
	[[ -z $output && $(wc -l <<<"$stderr") == 1 && $stderr == "gtimehalt: $dir/garbage:1: "* ]]
	run -1 --separate-stderr "$GTIMEHALT" --replay "$golden_dir/json.ndjson"
	[[ -z $output && $stderr == "gtimehalt: "*"json.ndjson:1: not a recording: its format is not gtimehalt-recording" ]]
	sed '1s/"version":1/"version":7/' "$recording" >"$dir/version"
	run -1 --separate-stderr "$GTIMEHALT" --replay "$dir/version"
	[[ -z $output && $stderr == "gtimehalt: $dir/version:1: version 7 of the format is not supported, only version 1" ]]
	# The intervals before the faulty line have been shown.
	sed '4s/"vms":/"VMs":/' "$recording" >"$dir/broken"
	run -1 --separate-stderr "$GTIMEHALT" -j --replay "$dir/broken"
	[[ $stderr == "gtimehalt: $dir/broken:4: vms: missing" ]]
	[[ $output == "$(head -n 1 "$golden_dir/json.ndjson")" ]]
	run -1 --separate-stderr "$GTIMEHALT" --replay "$dir/nowhere"
	[[ -z $output && $stderr == "gtimehalt: cannot open $dir/nowhere: "* ]]
}

@test "filters that match nothing in the recording: one line, exit 1" {
	run -1 --separate-stderr "$GTIMEHALT" --replay "$recording" -g nobody
	[[ -z $output && $stderr == "gtimehalt: no VM has a name like 'nobody'" ]]
	run -1 --separate-stderr "$GTIMEHALT" --replay "$recording" -p 4194304
	[[ -z $output && $stderr == "gtimehalt: no VM or vCPU matches all of the filters" ]]
	# A recording made without -H.
	sed -E 's/,"stints":[0-9]+//g; s/,"has_stints":true.*/}/' "$recording" >"$dir/without"
	run -1 --separate-stderr "$GTIMEHALT" --replay "$dir/without" -H
	[[ -z $output && $stderr == "gtimehalt: the recording has no histogram: it was made without -H" ]]
	"$GTIMEHALT" --replay "$dir/without" | diff "$golden_dir/default.txt" -
}

@test "a full disk: one line, exit 1" {
	run -1 --separate-stderr bash -c "$GTIMEHALT --replay $recording >/dev/full"
	[[ $stderr == "gtimehalt: cannot write the report: No space left on device" ]]
}

@test "the limit of open files is raised as far as the process may" {
	local tool tries
	[[ ${INSTRUMENTED:-} != valgrind ]] || skip 'valgrind keeps the limit of the program to itself'
	mkfifo "$dir/fifo"
	prlimit --nofile=64:512 "$GTIMEHALT" --replay "$dir/fifo" 3>&- 2>/dev/null &
	tool=$!
	exec 4<>"$dir/fifo"
	for ((tries = 0; tries < 100; tries++)); do
		! grep -q '^Max open files *512 *512 ' "/proc/$tool/limits" || break
		sleep 0.1
	done
	kill "$tool"
	wait "$tool" || :
	exec 4<&-
	((tries < 100))
}

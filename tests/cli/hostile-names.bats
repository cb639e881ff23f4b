#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# VMs by names that no VM should have, in each form of output, as parsed by others; and in messages. Neither root nor
# KVM: tests/cli/hostile_names.py makes a recording of them, and one of as many harmless ones to compare with.

# `run` sets output in the function that calls it, and not in a subshell of a test.
# shellcheck disable=SC2030,SC2031,SC2153
bats_require_minimum_version 1.5.0
load ../contrib/exporter

setup_file() {
	export dir=$BATS_FILE_TMPDIR
	local recording=$BATS_TEST_DIRNAME/../golden/replay/three-guests.ndjson
	"$BATS_TEST_DIRNAME/hostile_names.py" record "$recording" >"$dir/hostile"
	"$BATS_TEST_DIRNAME/hostile_names.py" record "$recording" --plain >"$dir/plain"
}

setup() {
	names=$BATS_TEST_DIRNAME/hostile_names.py
	export TZ=UTC
}

teardown() {
	exporter_stop
}

# shown FORM OPTION...: what the options show of the hostile recording is as promised.
shown() {
	local form=$1
	shift
	timeout 60 "$GTIMEHALT" --replay "$dir/plain" "$@" >"$dir/plain.out"
	timeout 60 "$GTIMEHALT" --replay "$dir/hostile" "$@" >"$dir/out"
	"$names" check "$form" "$dir/plain.out" <"$dir/out" || {
		printf 'with %s\n' "$*"
		return 1
	}
}

@test "tables and histograms: each character is one that a terminal shows, each line is where it was" {
	for options in -C -P -L -TP '-Ls halted -r 50' -H -HP -HL; do
		# shellcheck disable=SC2086 # several words
		shown lines $options
	done
}

@test "JSON: the names as promised, nothing else changed, and to jq too" {
	shown json -j
	shown json -jH
	diff <(jq -r '.vms[].name' "$dir/out" | head -n "$("$names" promised | wc -l)") <("$names" promised)
}

@test "CSV: no cell more or less, no formula, and the names back without their quote" {
	shown csv --csv
	shown csv --csv -L
	shown csv --csv -P
}

@test "metrics in a file, and over HTTP in both forms: not a sample or label more, to a strict parser" {
	for recording in plain hostile; do
		"$GTIMEHALT" --replay "$dir/$recording" -H --textfile "$dir/$recording.prom"
		exporter_start "$dir" 60 --replay "$dir/$recording" -H
		scrape 2>/dev/null >"$dir/$recording.text"
		scrape 'application/openmetrics-text' 2>/dev/null >"$dir/$recording.openmetrics"
		exporter_stop
	done
	"$names" check prometheus "$dir/plain.prom" <"$dir/hostile.prom"
	"$names" check prometheus "$dir/plain.text" <"$dir/hostile.text"
	"$names" check openmetrics "$dir/plain.openmetrics" <"$dir/hostile.openmetrics"
}

# says STATUS OPTION...: one line, and nothing in it that a terminal would act on; of words that cannot be avoided.
says() {
	local status=$1
	shift
	run "-$status" --separate-stderr timeout 60 "$GTIMEHALT" "$@"
	[[ -z $output && $(wc -l <<<"$stderr") == 1 && $stderr == gtimehalt:* ]]
	diff <("$names" printable <<<"$stderr") <(tr '\n' '?' <<<"$stderr")
}

@test "messages: what was typed comes back printable, on one line" {
	local word recording=$dir/hostile
	for word in $'\xc2\x9b31m' $'\x9b2J' $'\xe2\x80\xaeexe' $'\xff\xfe' $'a\xe2\x80\xa8b' $'\xc2\x85' \
		'%s%n' '<0>panic'; do
		says 1 --replay "/nowhere/$word"
		says 1 --replay "$recording" -g "no-$word"
		says 1 --replay "$recording" --textfile "/nowhere/$word.prom"
		says 2 --replay "$recording" --sort "$word"
		says 2 --replay "$recording" -p "$word"
		says 2 --exporter="$word"
		says 2 --mode "$word"
		says 2 "--$word"
		says 2 "-$word"
		says 2 1 1 "$word"
		# Of a file that is there, and is none.
		echo nothing >"$dir/$(tr / _ <<<"$word")"
		says 1 --replay "$dir/$(tr / _ <<<"$word")"
	done
	for word in $'a\nb' $'\e[2J' $'\r' $'\t' $'\x7f'; do
		says 2 --replay "$word"
		says 2 -g "$word"
		says 2 "--$word"
	done
}

@test "recordings with names that are none: one line, exit 1, and nothing shown" {
	local name
	# A NUL, which would end it; too long; no text.
	for name in '"a\u0000b"' "\"$(printf 'x%.0s' {1..128})\"" 17 null '["a"]' '{}'; do
		NAME=$name perl -pe 's/"name":"linux"/"name":$ENV{NAME}/' "$RECORDING" >"$dir/broken"
		run -1 --separate-stderr timeout 60 "$GTIMEHALT" -j --replay "$dir/broken"
		[[ -z $output && $(wc -l <<<"$stderr") == 1 && $stderr == "gtimehalt: $dir/broken:2: vms[0].name: "* ]]
	done
	# A raw control in a string is no JSON; json-c takes it, and so it is a name like others.
	perl -pe 's/"name":"linux"/"name":"\e[2J\x7f"/' "$RECORDING" >"$dir/raw"
	run -0 --separate-stderr timeout 60 "$GTIMEHALT" -j --replay "$dir/raw"
	[[ $(jq -r '.vms[0].name' <<<"$output" | sort -u) == '?[2J?' ]]
}

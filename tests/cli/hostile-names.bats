#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# VMs with hostile names, in each form of output, checked by other parsers, and in messages. Neither root nor KVM is
# needed: tests/cli/hostile_names.py makes a recording with such names, and one with harmless names to compare with.

# `run` sets output in the function that calls it, not in a subshell of a test.
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

# shown FORM OPTION...: the output with these options must be as promised for the hostile recording.
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

@test "tables and histograms: every character is printable, and every line is in its place" {
	for options in -C -P -L '-Ls halted -r 50' -H -HP -HL; do
		# shellcheck disable=SC2086 # several words
		shown lines $options
	done
}

@test "JSON: the names are as promised, also to jq, and nothing else changes" {
	shown json -j
	shown json -jH
	diff <(jq -r '.vms[].name' "$dir/out" | head -n "$("$names" promised | wc -l)") <("$names" promised)
}

@test "summaries and comparisons as JSON: the names are as promised" {
	local recording
	shown json --summary -j
	for recording in plain hostile; do
		timeout 60 "$GTIMEHALT" --diff "$dir/$recording" "$dir/$recording" -j >"$dir/$recording.diff"
	done
	"$names" check json "$dir/plain.diff" <"$dir/hostile.diff"
}

@test "the page: no element, attribute or value more or less, and the names are as promised" {
	local recording
	for recording in plain hostile; do
		timeout 60 "$GTIMEHALT" --replay "$dir/$recording" --html "$dir/$recording.html"
	done
	"$names" check html "$dir/plain.html" <"$dir/hostile.html"
}

@test "CSV: no cell more or less, no formula, and the names are right after removing their quote" {
	shown csv --csv
	shown csv --csv -L
	shown csv --csv -P
}

@test "metrics, in a file and over HTTP in both formats: a strict parser finds no additional sample or label" {
	for recording in plain hostile; do
		"$GTIMEHALT_EXPORTER" --replay "$dir/$recording" -H --textfile "$dir/$recording.prom"
		exporter_start "$dir" 60 --replay "$dir/$recording" -H
		scrape 2>/dev/null >"$dir/$recording.text"
		scrape 'application/openmetrics-text' 2>/dev/null >"$dir/$recording.openmetrics"
		exporter_stop
	done
	"$names" check prometheus "$dir/plain.prom" <"$dir/hostile.prom"
	"$names" check prometheus "$dir/plain.text" <"$dir/hostile.text"
	"$names" check openmetrics "$dir/plain.openmetrics" <"$dir/hostile.openmetrics"
}

# says_of PROGRAM STATUS OPTION...: must print one line, without a character that acts on a terminal.
says_of() {
	run "-$2" --separate-stderr timeout 60 "$1" "${@:3}"
	[[ -z $output && $(wc -l <<<"$stderr") == 1 && $stderr == "${1##*/}: "* ]]
	diff <("$names" printable <<<"$stderr") <(tr '\n' '?' <<<"$stderr")
}

says() {
	says_of "$GTIMEHALT" "$@"
}

@test "messages: user input is echoed printable, on one line" {
	local word recording=$dir/hostile
	for word in $'\xc2\x9b31m' $'\x9b2J' $'\xe2\x80\xaeexe' $'\xff\xfe' $'a\xe2\x80\xa8b' $'\xc2\x85' \
		'%s%n' '<0>panic'; do
		says 1 --replay "/nowhere/$word"
		says 1 --replay "$recording" -g "no-$word"
		says_of "$GTIMEHALT_EXPORTER" 1 --replay "$recording" --textfile "/nowhere/$word.prom"
		says 2 --replay "$recording" --sort "$word"
		says 2 --replay "$recording" -p "$word"
		says_of "$GTIMEHALT_EXPORTER" 2 --listen="$word"
		says 2 --mode "$word"
		says 2 "--$word"
		says 2 "-$word"
		says 2 1 1 "$word"
		# A file that exists, but is not a recording.
		echo nothing >"$dir/$(tr / _ <<<"$word")"
		says 1 --replay "$dir/$(tr / _ <<<"$word")"
	done
	for word in $'a\nb' $'\e[2J' $'\r' $'\t' $'\x7f'; do
		says 2 --replay "$word"
		says 2 -g "$word"
		says 2 "--$word"
	done
}

@test "recordings with invalid names: one line, exit 1, and no output" {
	local name
	# A NUL, which would end the name; a name that is too long; values that are not strings.
	for name in '"a\u0000b"' "\"$(printf 'x%.0s' {1..128})\"" 17 null '["a"]' '{}'; do
		NAME=$name perl -pe 's/"name":"linux"/"name":$ENV{NAME}/' "$RECORDING" >"$dir/broken"
		run -1 --separate-stderr timeout 60 "$GTIMEHALT" -j --replay "$dir/broken"
		[[ -z $output && $(wc -l <<<"$stderr") == 1 && $stderr == "gtimehalt: $dir/broken:2: vms[0].name: "* ]]
	done
	# JSON does not allow raw control characters in strings, but json-c accepts them, so they are treated like
	# others.
	perl -pe 's/"name":"linux"/"name":"\e[2J\x7f"/' "$RECORDING" >"$dir/raw"
	run -0 --separate-stderr timeout 60 "$GTIMEHALT" -j --replay "$dir/raw"
	[[ $(jq -r '.vms[0].name' <<<"$output" | sort -u) == '?[2J?' ]]
}

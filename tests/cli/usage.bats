#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The program as it is called, on any machine and by anyone: neither root nor KVM.

bats_require_minimum_version 1.5.0

setup() {
	GTIMEHALT=${GTIMEHALT:-$BATS_TEST_DIRNAME/../../gtimehalt}
}

@test "--help is on stdout, below 80 columns, and names every exit status" {
	run -0 --separate-stderr "$GTIMEHALT" --help
	[[ -z $stderr ]]
	[[ $(awk '{ if (length > w) w = length } END { print w }' <<<"$output") -lt 80 ]]
	for status in 0 1 2 3; do
		grep -q "^ *$status  [a-z]" <<<"$output"
	done
	run -0 "$GTIMEHALT" -h
	run -0 "$GTIMEHALT" -?
}

@test "--version" {
	run -0 --separate-stderr "$GTIMEHALT" --version
	[[ -z $stderr && $output =~ ^gtimehalt\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
}

@test "wrong usage: one line on stderr that shows the word, nothing on stdout, exit 2" {
	while read -r word args; do
		# shellcheck disable=SC2086 # several words
		run -2 --separate-stderr "$GTIMEHALT" $args
		[[ -z $output && $(wc -l <<<"$stderr") == 1 && $stderr == "gtimehalt: "*"$word"* ]] || {
			printf 'gtimehalt %s: %s\n' "$args" "$stderr"
			return 1
		}
	done <<-'END'
		--frobnicate --frobnicate
		x -x
		abc -p abc
		1,,2 -p 1,,2
		p -p
		0 -p 0
		-1 -p -1
		never never
		0 0
		many 1 many
		surplus 1 1 surplus
		2 -d 1 2
		--mperf-ratio --mperf-ratio 0
	END
}

@test "what this machine lacks is said in one line: exit 3" {
	[[ ! -e /sys/bus/event_source/devices/msr/events/mperf ]] || skip "this machine may have it all"
	run -3 --separate-stderr "$GTIMEHALT" 1 1
	[[ -z $output && $(wc -l <<<"$stderr") == 1 && $stderr == "gtimehalt: "* ]]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The command line on any machine, by any user: neither root nor KVM is needed.

bats_require_minimum_version 1.5.0

setup() {
	GTIMEHALT=${GTIMEHALT:-$BATS_TEST_DIRNAME/../../gtimehalt}
	GTIMEHALT_EXPORTER=$GTIMEHALT-exporter
}

# refused_by PROGRAM WORD OTHER OPTION...: must exit with 2, print one line with both words on stderr, and nothing on
# stdout.
refused_by() {
	local name=${1##*/} word=$2 other=$3
	run -2 --separate-stderr "$1" "${@:4}"
	[[ -z $output && $(wc -l <<<"$stderr") == 1 && $stderr == "$name: $word "*"$other"* ]] || {
		printf '%s %s: %s\n' "$name" "${*:4}" "$stderr"
		return 1
	}
}

refused() {
	refused_by "$GTIMEHALT" "$@"
}

@test "--help is on stdout, fits into 80 columns, and names every exit status" {
	run -0 --separate-stderr "$GTIMEHALT" --help
	[[ -z $stderr ]]
	[[ $(awk '{ if (length > w) w = length } END { print w }' <<<"$output") -lt 80 ]]
	for status in 0 1 2 3; do
		grep -q "^ *$status  [a-z]" <<<"$output"
	done
	run -0 "$GTIMEHALT" -h
	run -0 "$GTIMEHALT" -?
}

@test "--version prints the version" {
	run -0 --separate-stderr "$GTIMEHALT" --version
	[[ -z $stderr && $output =~ ^gtimehalt\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
}

@test "wrong usage: one line on stderr with the wrong word, nothing on stdout, exit 2" {
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
		INTERVAL -d 1 2
		--mperf-ratio --mperf-ratio 0
	END
}

# tests/unit/test_option_rules.c tests all pairs; these are examples of each rule, as users type them.
@test "conflicting options: one line on stderr that names two, exit 2" {
	while read -r word other args; do
		# shellcheck disable=SC2086 # several words
		refused "$word" "$other" $args
	done <<-'END'
		--check --pid --check -p 1
		--check --json -j --check
		--check --sort --check -s halted
		--check --record --check --record f
		--replay --record --record f --replay g
		--replay --mode --replay f --mode switch
		--replay --hook --replay f --hook kprobe
		--replay --mperf-ratio --replay f --mperf-ratio 1
		--replay --duration --replay f -d 2
		--summary --csv --summary --csv
		--summary --top --summary --top
		--html --csv --html p --csv
		--html --summary --html p --summary
		--diff --replay --replay f --diff a b
		--diff --pid --diff a b -p 1
		--top --from --replay f --top --from 1
		--from --replay --from 1
		--replay --wait --replay f --wait
		--json --csv -j --csv
		--json --per-vm -jP
		--json --per-vcpu -jL
		--json --sort -j -s wait
		--json --rows -j -r 3
		--json --milliseconds -jHm
		--csv --histogram --csv -H
		--no-clear --json -jC
		--no-clear --csv --csv -C
		--top --json --top -j
		--top --csv --top --csv
		--top --histogram --top -H
		--top --no-clear --top -C
		--top --duration --top -d 1
		--per-vm --per-vcpu -LP
		--histogram --mode -H --mode switch
		--histogram --sort -H -s halted
		--histogram --rows -H -r 1
		--milliseconds --nanoseconds -HmN
		--milliseconds --histogram -m
		--nanoseconds --histogram -N
		--sort --mode -s busy --mode=switch
		--hook --mode --hook fentry --mode=switch
		--duration INTERVAL -d 1 2
	END
}

@test "an invalid value: one line on stderr with the option and the value, exit 2" {
	while read -r word other args; do
		# shellcheck disable=SC2086 # several words
		refused "$word" "$other" $args
	done <<-'END'
		--tid '-1' -t -1
		--tid '1,,2' -t 1,,2
		--tid '4194305' -t 4194305
		--guest ',' -g ,
		--guest 'a\' -g a\
		--vcpu 'x' --vcpu x
		--vcpu '4294967296' --vcpu 4294967296
		--sort 'name' -s name
		--rows '0' -r 0
		--rows '-3' -r -3
	END
	refused --record "''" --record ''
	refused --record "'-'" --record -
	refused --replay "''" --replay ''
	refused --guest "''" -g ''
	refused argument control -g $'a\nb'
}

@test "the exporter: texts, conflicting options and invalid values as of the tool" {
	run -0 --separate-stderr "$GTIMEHALT_EXPORTER" --help
	[[ -z $stderr && $(awk '{ if (length > w) w = length } END { print w }' <<<"$output") -lt 80 ]]
	for status in 0 1 2 3; do
		grep -q "^ *$status  [a-z]" <<<"$output"
	done
	run -0 --separate-stderr "$GTIMEHALT_EXPORTER" --version
	[[ -z $stderr && $output =~ ^gtimehalt-exporter\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
	while read -r word other args; do
		# shellcheck disable=SC2086 # several words
		refused_by "$GTIMEHALT_EXPORTER" "$word" "$other" $args
	done <<-'END'
		--replay INTERVAL --replay f 1
		--replay --bpf-stats --replay f --textfile g --bpf-stats
		--histogram --mode -H --mode switch
		--listen 'here' --listen here
		--listen '127.0.0.1' --listen=127.0.0.1
		--textfile '-' --textfile -
		--guest ',' -g ,
		unrecognized --top --top
		unrecognized --pin --pin
		one '2' 1 2
	END
}

@test "the tool serves no metrics: --exporter and --textfile are unknown" {
	refused unrecognized "'--exporter'" --exporter
	refused unrecognized "'--textfile'" --textfile f
}

# needed_by PROGRAM: prints the libraries that the dynamic linker loads for PROGRAM by name, without their versions.
needed_by() {
	readelf -d "$1" | sed -nE 's/.*\(NEEDED\).*\[(.*)\.so\..*\]/\1/p' | sort | paste -sd ' '
}

@test "each program links only the libraries that it needs" {
	local built
	built=$(dirname "$(realpath "$GTIMEHALT")")
	# A sanitizer adds its own.
	[[ -z ${INSTRUMENTED:-} ]] || skip 'the build is instrumented'
	[[ $(needed_by "$built/gtimehalt") == 'libbpf libc libjson-c libm libncursesw libtinfo' ]]
	[[ $(needed_by "$built/gtimehalt-exporter") == \
		'libbpf libc libcap-ng libjson-c libmicrohttpd libseccomp libsystemd' ]]
	[[ $(needed_by "$built/gtimehalt-steer") == 'libbpf libc libcap-ng libjson-c libseccomp libsystemd' ]]
}

@test "--sort with an unknown column lists the columns" {
	run -2 --separate-stderr "$GTIMEHALT" -s name
	for column in halted loaded busy host wait blocked entries; do
		[[ $stderr == *"$column"* ]]
	done
}

@test "--top without a terminal: one line, exit 2, before any file is opened" {
	refused --top: terminal --top
	refused --top: terminal --top --replay /nowhere
}

@test "a machine that cannot measure: one line that says what is missing, exit 3" {
	[[ ! -e /sys/bus/event_source/devices/msr/events/mperf ]] || skip "this machine may have it all"
	run -3 --separate-stderr "$GTIMEHALT" 1 1
	[[ -z $output && $(wc -l <<<"$stderr") == 1 && $stderr == "gtimehalt: "* ]]
}

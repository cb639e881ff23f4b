#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The completion for bash: its function is called as bash calls it, without a terminal. tests/vm/package.bats shows
# that it finds the processes of real VMs.

# `run` sets output and status in functions that several tests call, not in a subshell of a test.
# shellcheck disable=SC2030,SC2031
bats_require_minimum_version 1.5.0
load values

setup() {
	src=$BATS_TEST_DIRNAME/../..
	GTIMEHALT=${GTIMEHALT:-$src/gtimehalt}
	# shellcheck source=contrib/completion/gtimehalt.bash
	. "$src/contrib/completion/gtimehalt.bash"
	# shellcheck source=contrib/completion/gtimehalt-exporter.bash
	. "$src/contrib/completion/gtimehalt-exporter.bash"
	complete=_gtimehalt
}

# The real compopt works only while readline runs a completion.
compopt() {
	options_set+="$*"
}

# completed WORD...: prints what is offered for the last word, sorted. The words are split as bash splits them.
completed() {
	COMP_WORDS=(gtimehalt "$@")
	COMP_CWORD=$#
	COMPREPLY=()
	"$complete"
	printf '%s\n' "${COMPREPLY[@]}" | sort
}

# words WORD...: prints the words, one per line, sorted.
words() {
	printf '%s\n' "$@" | sort
}

# as_exporter: tests the exporter's completion from now on.
as_exporter() {
	GTIMEHALT=$GTIMEHALT-exporter complete=_gtimehalt_exporter
}

# offers_all MINIMUM: the long options of --help, at least so many, are offered, and no others.
offers_all() {
	options=$("$GTIMEHALT" --help | grep -oE '^ +(-[A-Za-z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+' | sort)
	[[ $(wc -l <<<"$options") -ge $1 ]]
	diff <(completed --) - <<<"$options"
}

@test "every long option of --help is offered, and no other" {
	offers_all 20
	as_exporter
	offers_all 15
}

@test "a part of an option is completed" {
	[[ $(completed --mpe) == --mperf-ratio ]]
	[[ $(completed 5 --rep) == --replay ]]
	[[ $(completed --frob) == '' ]]
	# INTERVAL cannot be guessed.
	[[ $(completed '') == '' ]]
}

# accepts_offered OPTION...: each value that is offered for these options is accepted.
accepts_offered() {
	for option; do
		mapfile -t values < <(completed "$option" '')
		((${#values[@]} >= 2))
		for value in "${values[@]}"; do
			# --version ends the run after the options were parsed.
			run --separate-stderr timeout 300 "$GTIMEHALT" "$option" "$value" --version
			[[ $status == 0 && -z $stderr ]] || {
				echo "$option $value: $stderr"
				return 1
			}
		done
	done
}

@test "each value that is offered is accepted by its option" {
	accepts_offered --mode --hook --sort -s
	as_exporter
	accepts_offered --mode --hook
}

# offers_named OPTION...: every value that the program names for these options is offered.
offers_named() {
	for option; do
		mapfile -t values < <(values_of "$option")
		((${#values[@]} >= 2))
		for value in "${values[@]}"; do
			completed "$option" '' | grep -qx -- "$value" || {
				echo "$option $value is not offered"
				return 1
			}
		done
	done
}

@test "every value that the program names is offered" {
	offers_named --mode --hook --sort
	as_exporter
	offers_named --mode --hook
}

@test "a value is completed after a space, after an equals sign and after a bundle of short options" {
	[[ $(completed --mode s) == switch ]]
	[[ $(completed --mode =) == "$(words entry switch)" ]]
	[[ $(completed --mode = e) == entry ]]
	[[ $(completed -s bl) == blocked ]]
	[[ $(completed -Ps bu) == busy ]]
	[[ $(completed -d '') == '' ]]
	# A number belongs here, not an option.
	[[ $(completed --rows --) == '' ]]
}

@test "files are completed after --record and --replay, whatever their names" {
	cd "$BATS_TEST_TMPDIR" || return
	touch 'a night.ndjson' other
	mkdir a-folder
	[[ $(completed --replay a) == "$(words 'a night.ndjson' a-folder)" ]]
	[[ $(completed --record = o) == other ]]
	options_set=''
	COMP_WORDS=(gtimehalt --record '')
	COMP_CWORD=2
	_gtimehalt
	[[ $options_set == *filenames* ]]
	as_exporter
	[[ $(completed --textfile o) == other ]]
}

@test "process IDs are completed after -p, also in a list" {
	_gtimehalt_pids() {
		printf '%s\n' 2412 2977 31
	}
	[[ $(completed -p 2) == "$(words 2412 2977)" ]]
	[[ $(completed --pid = 31,29) == 31,2977 ]]
	[[ $(completed -Lp 3) == 31 ]]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The completion for bash: its function is called as bash calls it, without a terminal. That it finds the
# processes of real VMs, tests/vm/package.bats shows.

bats_require_minimum_version 1.5.0
load values

setup() {
	src=$BATS_TEST_DIRNAME/../..
	GTIMEHALT=${GTIMEHALT:-$src/gtimehalt}
	# shellcheck source=contrib/completion/gtimehalt.bash
	. "$src/contrib/completion/gtimehalt.bash"
}

# compopt is only for a completion that readline has asked for.
compopt() {
	options_set+="$*"
}

# completed WORD...: what is offered for the last of the words, as bash splits them, sorted.
completed() {
	COMP_WORDS=(gtimehalt "$@")
	COMP_CWORD=$#
	COMPREPLY=()
	_gtimehalt
	printf '%s\n' "${COMPREPLY[@]}" | sort
}

# words WORD...: one a line, sorted.
words() {
	printf '%s\n' "$@" | sort
}

@test "every long option of --help, and no other" {
	options=$("$GTIMEHALT" --help | grep -oE '^ +(-[A-Za-z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+' | sort)
	[[ $(wc -l <<<"$options") -gt 20 ]]
	diff <(completed --) - <<<"$options"
}

@test "a part of an option" {
	[[ $(completed --mpe) == --mperf-ratio ]]
	[[ $(completed 5 --rep) == --replay ]]
	[[ $(completed --frob) == '' ]]
	# INTERVAL is anyone's guess.
	[[ $(completed '') == '' ]]
}

@test "each value that is offered is taken, and so is its option" {
	for option in --mode --hook --sort -s; do
		mapfile -t values < <(completed "$option" '')
		((${#values[@]} >= 2))
		for value in "${values[@]}"; do
			# What ends the run behind the parser is not at stake here.
			run --separate-stderr timeout 300 "$GTIMEHALT" "$option" "$value" --version
			[[ $status == 0 && -z $stderr ]] || {
				echo "$option $value: $stderr"
				return 1
			}
		done
	done
}

@test "the values that the program names are all offered" {
	for option in --mode --hook --sort; do
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

@test "a value, behind a space, behind an equals sign and behind a bundle of letters" {
	[[ $(completed --mode s) == switch ]]
	[[ $(completed --mode =) == "$(words entry switch)" ]]
	[[ $(completed --mode = e) == entry ]]
	[[ $(completed -s bl) == blocked ]]
	[[ $(completed -Ps bu) == busy ]]
	[[ $(completed -d '') == '' ]]
	# A number, not an option, is what belongs here.
	[[ $(completed --rows --) == '' ]]
}

@test "files behind --record and --replay, whatever their names" {
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
}

@test "processes behind -p, in a list too" {
	_gtimehalt_pids() {
		printf '%s\n' 2412 2977 31
	}
	[[ $(completed -p 2) == "$(words 2412 2977)" ]]
	[[ $(completed --pid = 31,29) == 31,2977 ]]
	[[ $(completed -Lp 3) == 31 ]]
}

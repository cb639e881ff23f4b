#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The completion for bash: its function is called as bash calls it, without a terminal. tests/vm/package.bats shows
# that it finds the processes of real VMs.

bats_require_minimum_version 1.5.0
load values

setup() {
	src=$BATS_TEST_DIRNAME/../..
	GTIMEHALT=${GTIMEHALT:-$src/gtimehalt}
	# shellcheck source=contrib/completion/gtimehalt.bash
	. "$src/contrib/completion/gtimehalt.bash"
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
	_gtimehalt
	printf '%s\n' "${COMPREPLY[@]}" | sort
}

# words WORD...: prints the words, one per line, sorted.
words() {
	printf '%s\n' "$@" | sort
}

@test "every long option of --help is offered, and no other" {
	options=$("$GTIMEHALT" --help | grep -oE '^ +(-[A-Za-z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+' | sort)
	[[ $(wc -l <<<"$options") -gt 20 ]]
	diff <(completed --) - <<<"$options"
}

@test "a part of an option is completed" {
	[[ $(completed --mpe) == --mperf-ratio ]]
	[[ $(completed 5 --rep) == --replay ]]
	[[ $(completed --frob) == '' ]]
	# INTERVAL cannot be guessed.
	[[ $(completed '') == '' ]]
}

@test "each value that is offered is accepted by its option" {
	for option in --mode --hook --sort -s; do
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

@test "every value that the program names is offered" {
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
}

@test "process IDs are completed after -p, also in a list" {
	_gtimehalt_pids() {
		printf '%s\n' 2412 2977 31
	}
	[[ $(completed -p 2) == "$(words 2412 2977)" ]]
	[[ $(completed --pid = 31,29) == 31,2977 ]]
	[[ $(completed -Lp 3) == 31 ]]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# VMs with hostile names on the full screen: the bytes sent to the terminal, and the text that it shows. Neither root
# nor KVM is needed: tests/cli/hostile_names.py makes the recordings, and tests/cli/hostile_top.py checks the result.
# The other outputs are tested in tests/cli/hostile-names.bats.

bats_require_minimum_version 1.5.0
load top

setup_file() {
	export dir=$BATS_FILE_TMPDIR
	local recording=$BATS_TEST_DIRNAME/../golden/replay/three-guests.ndjson
	"$BATS_TEST_DIRNAME/hostile_names.py" record "$recording" >"$dir/hostile"
	"$BATS_TEST_DIRNAME/hostile_names.py" record "$recording" --plain >"$dir/plain"
}

setup() {
	GTIMEHALT=$(realpath "${GTIMEHALT:-$ROOT/gtimehalt}")
}

teardown() {
	tmux kill-server 2>/dev/null || true
}

# looked_at CASE [LOCALE]: runs a case of hostile_top.py.
looked_at() {
	run timeout 300 "$BATS_TEST_DIRNAME/hostile_top.py" "$GTIMEHALT" "$dir/hostile" "$dir/plain" "$@"
	[[ -z $output ]] || printf '# %s\n' "$output" >&3
	((status == 0))
}

@test "screens of all sizes: no byte of a name acts on the terminal" {
	looked_at bytes
}

@test "a locale without UTF-8: the output is pure ASCII" {
	looked_at bytes C
}

@test "names typed as a filter are echoed as printable text" {
	looked_at typed
}

# all_rows NAME: prints all rows of the recording, as a terminal shows them.
all_rows() {
	start_command "$GTIMEHALT --replay $dir/$1 --top 0.01" 132 160
	until_shown 'the recording has ended'
	until_shown 'q quit'
	screen >"$dir/$1.screen"
	keys q
	ended 0
	tmux kill-server
}

@test "each name is shown as promised in its own row, and the rest of the screen is as with harmless names" {
	all_rows hostile
	all_rows plain
	looked_at screen < <(cat "$dir/hostile.screen" && head -c 40 /dev/zero && echo && cat "$dir/plain.screen")
}

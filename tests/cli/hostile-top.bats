#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# VMs by names that no VM should have, on the full screen: as the bytes that a terminal gets, and as the text that it
# shows. Neither root nor KVM: the recordings are those of tests/cli/hostile_names.py, and tests/cli/hostile_top.py
# looks at what comes of them. tests/cli/hostile-names.bats has the other outputs.

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

# looked_at CASE [LOCALE]
looked_at() {
	run timeout 300 "$BATS_TEST_DIRNAME/hostile_top.py" "$GTIMEHALT" "$dir/hostile" "$dir/plain" "$@"
	[[ -z $output ]] || printf '# %s\n' "$output" >&3
	((status == 0))
}

@test "on screens of all sizes, nothing that a terminal acts on comes from a name" {
	looked_at bytes
}

@test "in a locale without UTF-8 it is ASCII, and nothing else" {
	looked_at bytes C
}

@test "typed as a filter: what comes back on the screen is text" {
	looked_at typed
}

# all_rows NAME: of that recording, as a terminal shows them.
all_rows() {
	start_command "$GTIMEHALT --replay $dir/$1 --top 0.01" 132 160
	until_shown 'the recording has ended'
	until_shown 'q quit'
	screen >"$dir/$1.screen"
	keys q
	ended 0
	tmux kill-server
}

@test "each name as promised, in its own row, and all else where it is with harmless names" {
	all_rows hostile
	all_rows plain
	looked_at screen < <(cat "$dir/hostile.screen" && head -c 40 /dev/zero && echo && cat "$dir/plain.screen")
}

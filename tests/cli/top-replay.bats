#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The tool itself with --top, on a recording of real guests: how it begins, goes on and ends. The features of
# the screen are tested in tests/cli/top.bats.

bats_require_minimum_version 1.5.0
load top

setup() {
	GTIMEHALT=${GTIMEHALT:-$ROOT/gtimehalt}
	[[ $GTIMEHALT == /* ]] || GTIMEHALT=$PWD/$GTIMEHALT
	RECORDING=$(realpath "$ROOT/tests/golden/replay/three-guests.ndjson")
	GOLDEN_DIR=$ROOT/tests/golden/replay
}

teardown() {
	tmux kill-server 2>/dev/null || true
}

# start_replay WORD...: starts the replay with these options in a terminal.
start_replay() {
	start_command "$GTIMEHALT --replay $RECORDING --top $*"
	until_shown 'q quit'
}

@test "one interval after the other; at the end the screen stays, and says that the recording has ended" {
	start_replay 0.3
	until_shown 'the recording has ended'
	golden top
	keys a
	golden top-unfolded
	keys B
	until_shown 'by busy'
	keys q
	ended 0
}

@test "a key changes the pace, and pausing stops the recording" {
	start_replay 1000
	sleep 0.5
	shows measuring
	keys p
	until_shown PAUSED
	keys i
	until_shown Seconds:
	keys 0 . 1 Enter
	until_gone Seconds:
	sleep 0.5
	shows measuring
	keys p
	until_shown 'the recording has ended'
	golden top
	keys q
	ended 0
}

@test "signals and keys end it, both before and after the end of the recording" {
	local signal
	for signal in TERM INT HUP QUIT; do
		start_replay 1000
		signal "$signal"
		ended 0
		tmux kill-server
		start_replay 0.1
		until_shown 'the recording has ended'
		signal "$signal"
		ended 0
		tmux kill-server
	done
	start_replay 1000
	keys C-c
	ended 0
}

@test "COUNT ends it" {
	start_command "$GTIMEHALT --replay $RECORDING --top 0.5 1"
	ended 0
}

@test "the terminal is resized, the program stopped and continued" {
	start_replay 0.1
	until_shown 'the recording has ended'
	tmux resize-window -x 60 -y 12
	golden top-60x12
	tmux resize-window -x 80 -y 24
	golden top
}

@test "a broken recording: the terminal is restored, and then the reason is printed" {
	head -n 3 "$RECORDING" >"$BATS_TEST_TMPDIR/broken"
	echo '{}' >>"$BATS_TEST_TMPDIR/broken"
	head -n 2 "$RECORDING" | tail -n 1 >>"$BATS_TEST_TMPDIR/broken"
	start_command "$GTIMEHALT --replay $BATS_TEST_TMPDIR/broken --top 0.3"
	ended 1
	shows 'broken:4: clock: missing'
}

@test "refused: a pipe, a file, a dumb terminal, and a recording on the stdin that keys are read from" {
	local replay="$GTIMEHALT --replay $RECORDING --top"
	open_terminal 200 24 "
		try() {
			\"\$@\" 2>\$T/said
			echo \"exit \$?, \$(wc -l <\$T/said) line: \$(cat \$T/said)\"
		}
		try bash -c '$replay | cat; exit \${PIPESTATUS[0]}'
		try sh -c '$replay >\$T/stdout'
		try env TERM=dumb $replay
		try sh -c '$GTIMEHALT --replay - --top <$RECORDING'
		wc -c <\$T/stdout
		echo ended
		exec cat"
	until_shown ended
	golden top-refused
}

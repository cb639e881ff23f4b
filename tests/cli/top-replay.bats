#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The tool itself with --top, on a recording of real guests: wired as it is on a host. What the screen can
# do is in tests/cli/top.bats; this is how it begins, goes on and ends.

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

# start_replay OPTION...
start_replay() {
	TOP_COMMAND="$GTIMEHALT --replay $RECORDING --top $*" start ''
}

@test "one interval after the other; at the end it stays, and says so" {
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

@test "a key chooses another pace, and pausing stops the recording" {
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

@test "signals and keys end it, before the end and behind it" {
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

@test "a count ends it" {
	TOP_COMMAND="$GTIMEHALT --replay $RECORDING --top 0.5 1" start ''
	ended 0
}

@test "another size, stopped and continued" {
	start_replay 0.1
	until_shown 'the recording has ended'
	tmux resize-window -x 60 -y 12
	golden top-60x12
	tmux resize-window -x 80 -y 24
	golden top
}

@test "a recording that breaks off on the screen: the terminal is back, and then the reason is there" {
	head -n 3 "$RECORDING" >"$BATS_TEST_TMPDIR/broken"
	echo '{}' >>"$BATS_TEST_TMPDIR/broken"
	head -n 2 "$RECORDING" | tail -n 1 >>"$BATS_TEST_TMPDIR/broken"
	TOP_COMMAND="$GTIMEHALT --replay $BATS_TEST_TMPDIR/broken --top 0.3" start ''
	ended 1
	shows 'broken:4: clock: missing'
}

@test "refused: a pipe, a file, a dumb terminal, and a recording in place of the keys" {
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

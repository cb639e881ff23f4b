#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Signals at random moments while a recording is replayed, by tests/cli/signals.py; neither root nor KVM is needed.
# SIGNALS_SEED=N repeats a run. Signals to a measurement are tested in tests/vm/faults-ended.bats; the full screen as
# a job of a shell is tested below.

# Lines for eval are in single quotes.
# shellcheck disable=SC2016
bats_require_minimum_version 1.5.0
load top

setup() {
	[[ ${INSTRUMENTED:-} != valgrind ]] || skip 'signals come to valgrind first, which is ended by them while it starts'
	GTIMEHALT=$(realpath "${GTIMEHALT:-$ROOT/gtimehalt}")
	RECORDING=$(realpath "$ROOT/tests/golden/replay/three-guests.ndjson")
	ulimit -c 0
}

teardown() {
	tmux kill-server 2>/dev/null || true
}

# by_lot CASE [RECORDING]: runs a case of signals.py.
by_lot() {
	run timeout 300 "$BATS_TEST_DIRNAME/signals.py" "$GTIMEHALT" "${2:-$RECORDING}" "$1"
	printf '# %s\n' "$output" >&3
	((status == 0))
}

many_vms() {
	"$BATS_TEST_DIRNAME/hostile_names.py" record "$RECORDING" --plain >"$BATS_TEST_TMPDIR/many"
}

@test "a replay is ended by the signal at once, and the output so far is complete" {
	many_vms
	by_lot replay "$BATS_TEST_TMPDIR/many"
}

@test "signals that were ignored at the start stay ignored" {
	by_lot kept
}

@test "signals that were blocked or pending at the start end the program" {
	many_vms
	by_lot blocked "$BATS_TEST_TMPDIR/many"
}

@test "an exporter: the file is complete, and no temporary file is left; SIGHUP does not end it" {
	by_lot exporter
}

@test "a screen: the terminal is restored, whenever the signals come, and however many" {
	by_lot top
}

@test "a screen on a terminal that accepts no output: it sleeps, and a signal still ends it" {
	by_lot stuck
}

# in_shell: starts the screen as a job of an interactive shell, and stops the job.
in_shell() {
	open_terminal 80 24 'PS1="ready> " exec bash --norc --noprofile -i'
	until_shown 'ready>'
	keys "clear; stty -a >\$T/before; sh -c 'echo \$\$ >\$T/pid; exec $GTIMEHALT --replay $RECORDING --top 1000'" Enter
	until_shown measuring
	keys C-z
	until_shown Stopped
}

# given_back: the terminal is back with the shell, which goes on.
given_back() {
	keys "clear; stty -a >\$T/after; jobs; echo done: \$?" Enter
	until_shown 'done: 0'
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
	[[ $(tmux display -p '#{cursor_flag} #{alternate_on}') == '1 0' ]]
	until_true eval "! kill -0 $(<"$BATS_TEST_TMPDIR/pid") 2>/dev/null"
}

@test "a stopped screen that its shell ends: it does not take the terminal" {
	in_shell
	keys 'kill %1' Enter
	given_back
	tmux kill-server
	# A job that is continued in the background may not use the terminal: it is stopped again, as other programs
	# are.
	in_shell
	keys 'clear; bg' Enter
	until_true eval '[[ $(sed -n "s/^State:.\(.\).*/\1/p" /proc/$(<"$BATS_TEST_TMPDIR/pid")/status) == T ]]'
	run ! shows measuring
	keys 'kill -HUP %1' Enter
	given_back
	tmux kill-server
	# The signal is pending when the job is continued in the foreground.
	in_shell
	signal TERM
	keys 'clear; fg' Enter
	given_back
}

@test "Ctrl-Z does not stop a screen that no shell would continue" {
	start_command "$GTIMEHALT --replay $RECORDING --top 1000"
	until_shown measuring
	keys C-z
	keys '?'
	until_shown 'any other key'
	keys q
	until_shown measuring
	keys q
	ended 0
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Signals at moments drawn by lot, of a recording that is replayed, neither root nor KVM: tests/cli/signals.py.
# SIGNALS_SEED=N repeats what was drawn. What a measurement does at signals is in tests/vm/faults-ended.bats; the full
# screen in the hands of a shell is below.

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

# by_lot CASE [RECORDING]
by_lot() {
	run -0 timeout 300 "$BATS_TEST_DIRNAME/signals.py" "$GTIMEHALT" "${2:-$RECORDING}" "$1"
	printf '# %s\n' "$output" >&3
}

many_vms() {
	"$BATS_TEST_DIRNAME/hostile_names.py" record "$RECORDING" --plain >"$BATS_TEST_TMPDIR/many"
}

@test "a replay: by the signal, at once, and what was shown is whole" {
	many_vms
	by_lot replay "$BATS_TEST_TMPDIR/many"
}

@test "signals that were ignored when it was started stay so" {
	by_lot kept
}

@test "signals that were blocked when it was started, or pending, end it" {
	many_vms
	by_lot blocked "$BATS_TEST_TMPDIR/many"
}

@test "an exporter: the file is whole, and nothing lies beside it; SIGHUP does not end it" {
	by_lot exporter
}

@test "a screen: the terminal is what it was, at any moment, and by signals again and again" {
	by_lot top
}

@test "a screen on a terminal that takes nothing: it sleeps, and a signal ends it all the same" {
	by_lot stuck
}

# in_shell: the screen as a job of an interactive shell, stopped.
in_shell() {
	open_terminal 80 24 'PS1="ready> " exec bash --norc --noprofile -i'
	until_shown 'ready>'
	keys "clear; stty -a >\$T/before; sh -c 'echo \$\$ >\$T/pid; exec $GTIMEHALT --replay $RECORDING --top 1000'" Enter
	until_shown measuring
	keys C-z
	until_shown Stopped
}

# given_back: to the shell, which goes on.
given_back() {
	keys "clear; stty -a >\$T/after; jobs; echo done: \$?" Enter
	until_shown 'done: 0'
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
	[[ $(tmux display -p '#{cursor_flag} #{alternate_on}') == '1 0' ]]
	until_true eval "! kill -0 $(<"$BATS_TEST_TMPDIR/pid") 2>/dev/null"
}

@test "a screen that is stopped, and ended by its shell: it does not take the terminal for that" {
	in_shell
	keys 'kill %1' Enter
	given_back
	tmux kill-server
	# A job that goes on in the background has no terminal: it is stopped again, as others are.
	in_shell
	keys 'clear; bg' Enter
	until_true eval '[[ $(sed -n "s/^State:.\(.\).*/\1/p" /proc/$(<"$BATS_TEST_TMPDIR/pid")/status) == T ]]'
	run ! shows measuring
	keys 'kill -HUP %1' Enter
	given_back
	tmux kill-server
	# Continued where it is to be seen, it has the signal already.
	in_shell
	signal TERM
	keys 'clear; fg' Enter
	given_back
}

@test "a screen that no shell would continue is not stopped by Ctrl-Z" {
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

# SPDX-License-Identifier: GPL-2.0-or-later
#
# A full screen in a tmux terminal without a window: tests send keys and read the text. Loaded by tests/cli/top.bats.

ROOT=$BATS_TEST_DIRNAME/../..
GOLDEN_DIR=$ROOT/tests/golden/top
OUTPUT=${OUTPUT:-.output}
[[ $OUTPUT == /* ]] || OUTPUT=$ROOT/$OUTPUT
# The program to drive. It ends an interval at each SIGUSR1.
TOP_COMMAND=${TOP_COMMAND:-$OUTPUT/tests/cli/top_feeder}

# The number of terminals opened. Each has its own tmux server, so that a starting server never meets one that is
# ending.
terminal=0

tmux() {
	command tmux -S "$BATS_TEST_TMPDIR/tmux.$terminal" -f /dev/null -u "$@"
}

# until_true COMMAND...: repeats COMMAND until it succeeds, for up to a minute.
until_true() {
	local try
	for ((try = 0; try < 1200; try++)); do
		"$@" && return
		sleep 0.05
	done
	printf 'not within a minute: %s\n' "$*"
	screen
	return 1
}

# open_terminal COLUMNS ROWS COMMAND: runs a line of shell in a terminal. Its variables are those of the environment.
open_terminal() {
	((++terminal))
	tmux new-session -d -x "$1" -y "$2" \
		-e LC_ALL="${TOP_LOCALE:-C.UTF-8}" -e TZ=UTC -e T="$BATS_TEST_TMPDIR" "$3" \; \
		set -g status off
}

# start_command COMMAND [COLUMNS ROWS]: runs COMMAND in a terminal. The terminal's settings before and after are left
# in files.
start_command() {
	open_terminal "${2:-80}" "${3:-24}" "
		${TOP_TERM:+export TERM=$TOP_TERM}
		stty -a >\$T/before
		sh -c 'echo \$\$ >\$T/pid; exec $1'
		echo \$? >\$T/status
		stty -a >\$T/after
		echo ended
		exec cat"
}

# start [CASE [COLUMNS ROWS]]: starts the screen and waits until it waits for the end of an interval.
start() {
	local case=${1:-few}
	shift || :
	start_command "$TOP_COMMAND $case" "$@"
	until_shown measuring
}

screen() {
	tmux capture-pane -p
}

shows() {
	[[ $(screen) == *"$1"* ]]
}

until_shown() {
	until_true shows "$1"
}

until_gone() {
	until_true eval "! shows '$1'"
}

keys() {
	tmux send-keys "$@"
}

# Sends text literally, not as names of keys.
type_text() {
	tmux send-keys -l "$1"
}

signal() {
	kill -"$1" "$(<"$BATS_TEST_TMPDIR/pid")"
}

# end_interval TEXT: ends an interval, and waits until TEXT is on the screen.
end_interval() {
	signal USR1
	until_shown "$1"
}

is_golden() {
	diff -u "$GOLDEN_DIR/$1.txt" <(printf '%s\n' "$(screen)") >"$BATS_TEST_TMPDIR/diff"
}

# golden NAME: waits until the screen equals that of the file.
golden() {
	local before now
	if [[ ${GOLDEN:-} == update ]]; then
		until [[ -v before && $before == "${now-}" ]]; do
			before=${now-none}
			sleep 0.2
			now=$(screen)
		done
		printf '%s\n' "$now" >"$GOLDEN_DIR/$1.txt"
		return
	fi
	until_true is_golden "$1" || {
		cat "$BATS_TEST_TMPDIR/diff"
		return 1
	}
}

# Looks for a line of its own, because "the recording has ended" appears long before the screen ends.
says_ended() {
	grep -qx ended <<<"$(screen)"
}

# ended STATUS: waits until the screen has exited with this status; the terminal must be restored.
ended() {
	until_true says_ended
	[[ $(<"$BATS_TEST_TMPDIR/status") == "$1" ]]
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
	[[ $(tmux display -p '#{cursor_flag} #{alternate_on} #{keypad_flag} #{keypad_cursor_flag}') == '1 0 0 0' ]]
}

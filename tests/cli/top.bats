#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The full screen, driven by keys in tmux; neither root nor KVM is needed. tests/cli/top_feeder.c creates the reports.
# The expected screens are files below tests/golden/top; `make golden` rewrites them, to be reviewed as a diff.

bats_require_minimum_version 1.5.0
load top

teardown() {
	tmux kill-server 2>/dev/null || true
}

@test "VMs as bars, unfolded into their vCPUs and folded again" {
	start
	golden measuring
	end_interval 14:26:41
	golden vms
	keys Down Down Down Enter
	golden unfolded
	keys Down Left
	until_gone 'vCPU 1'
	keys a
	golden all-unfolded
	keys a Home
	golden vms
}

@test "another sort order, at once and in later intervals" {
	start
	end_interval 14:26:41
	keys B
	golden by-busy
	end_interval 14:26:42
	golden by-busy-later
	keys s
	until_shown 'by host'
	keys S S
	until_shown 'by halted'
	keys P
	golden by-pid
	keys E
	golden by-entries
	keys v
	golden vcpus
}

@test "a filter takes effect while it is typed, and can be undone" {
	start
	end_interval 14:26:41
	keys /
	until_shown Name:
	type_text WEB
	golden filter-typed
	keys Enter
	golden filter
	keys / C-u
	type_text 数
	until_shown 'Name: 数'
	keys Enter
	golden filter-wide
	keys Escape
	golden vms
}

@test "paused: the screen does not change and says so; then it goes on with the latest interval" {
	start
	end_interval 14:26:41
	keys p
	golden paused
	signal USR1
	until_shown '1 newer'
	signal USR1
	until_shown '2 newer'
	golden paused-behind
	keys B
	until_shown 'by busy'
	shows 14:26:41
	keys p
	until_shown 14:26:43
	until_gone PAUSED
}

@test "another interval" {
	start
	end_interval 14:26:41
	keys i
	until_shown Seconds:
	type_text 0x
	keys Enter
	golden interval-refused
	keys BSpace
	type_text .25
	keys Enter
	until_gone Seconds
	end_interval '0.250 s'
	keys i 9 Escape
	until_gone Seconds
	end_interval 14:26:43
	shows '0.250 s'
}

@test "help" {
	start
	keys '?'
	golden help
	keys q
	until_shown measuring
	keys F1
	until_shown 'any other key'
}

@test "failures are shown, all of them on a page of their own, and also in later intervals" {
	start failing
	end_interval 14:26:41
	golden notes
	keys n
	golden notes-page
	keys Escape
	# A warning on stderr, which is the same terminal, does not damage the screen.
	end_interval 14:26:42
	golden notes-later
	keys q
	ended 0
	shows 'gtimehalt: warning: CPU 3 has gone offline'
}

@test "300 VMs: scrolling, and terminals of all sizes" {
	start many
	end_interval 14:26:41
	golden many
	keys NPage NPage
	golden many-scrolled
	keys End
	until_shown '283-300 of 300'
	tmux resize-window -x 200 -y 50
	golden many-200x50
	tmux resize-window -x 20 -y 5
	golden many-20x5
	tmux resize-window -x 1 -y 1
	end_interval ''
	tmux resize-window -x 80 -y 24
	until_shown '283-300 of 300'
	keys Home
	until_shown '1-18 of 300'
	tmux resize-window -x 110 -y 12
	golden many-110x12
}

@test "output of other programs on the terminal is painted over" {
	start
	end_interval 14:26:41
	printf '\e[Hit rains' >"$(tmux display -p '#{pane_tty}')"
	until_shown 'it rains'
	keys C-l
	golden vms
}

@test "switch mode: unknown values are not shown" {
	start switch
	end_interval 14:26:41
	golden switch
}

@test "no VM at all" {
	start none
	end_interval 14:26:41
	golden none
}

@test "colours if the terminal has them; the same characters if not" {
	start
	end_interval 14:26:41
	golden vms
	[[ $(tmux capture-pane -pe) == *$'\e[32m###'* ]]
	tmux kill-server
	TOP_TERM=vt100 start
	end_interval 14:26:41
	golden vms
	[[ $(tmux capture-pane -pe) != *$'\e[3'[0-7]m* ]]
}

@test "a locale without UTF-8: characters that it cannot show become ?" {
	TOP_LOCALE=C start
	end_interval 14:26:41
	golden vms-ascii
}

@test "q restores the terminal" {
	start
	end_interval 14:26:41
	keys q
	ended 0
}

@test "signals and the keys for them restore the terminal" {
	for signal in TERM INT HUP QUIT; do
		start
		keys /
		until_shown Name:
		signal "$signal"
		ended 0
		tmux kill-server
	done
	for key in C-c C-\\; do
		start
		keys "$key"
		ended 0
		tmux kill-server
	done
}

@test "stopped by Ctrl-Z, and continued" {
	[[ ${INSTRUMENTED:-} != valgrind ]] || skip 'valgrind does not stop by SIGTSTP'
	open_terminal 80 24 'PS1="ready> " exec bash --norc --noprofile -i'
	until_shown 'ready>'
	keys "stty -a >\$T/before; sh -c 'echo \$\$ >\$T/pid; exec $TOP_COMMAND'; echo ended" Enter
	until_shown measuring
	end_interval 14:26:41
	keys C-z
	until_shown Stopped
	[[ $(tmux display -p '#{cursor_flag} #{alternate_on}') == '1 0' ]]
	keys 'clear; fg' Enter
	until_shown 'q quit'
	golden vms
	keys q
	until_gone 'q quit'
	until_shown 'ready>'
}

@test "the loss of the terminal ends it" {
	start
	pid=$(<"$BATS_TEST_TMPDIR/pid")
	tmux kill-server
	until_true eval "! kill -0 $pid 2>/dev/null"
	# In a session of its own, so that the loss of the terminal sends no signal.
	open_terminal 80 24 "setsid -f sh -c 'echo \$\$ >\$T/pid; exec $TOP_COMMAND'; exec sleep 60"
	until_shown measuring
	pid=$(<"$BATS_TEST_TMPDIR/pid")
	tmux kill-server
	until_true eval "! kill -0 $pid 2>/dev/null"
}

@test "refused: a pipe, a file, a dumb terminal, and an unknown terminal type" {
	open_terminal 200 24 "
		try() {
			\"\$@\" 2>\$T/said
			echo \"exit \$?, \$(wc -l <\$T/said) line: \$(cat \$T/said)\"
		}
		try sh -c '$TOP_COMMAND | cat; exit \${PIPESTATUS-2}'
		try sh -c '$TOP_COMMAND </dev/null'
		try sh -c '$TOP_COMMAND >\$T/stdout'
		try env TERM=dumb $TOP_COMMAND
		try env TERM= $TOP_COMMAND
		try env -u TERM $TOP_COMMAND
		try env TERM=no-such-terminal $TOP_COMMAND
		wc -c <\$T/stdout
		echo ended
		exec cat"
	until_shown ended
	golden refused
}

# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Functions that every part of the bed uses. Sourced by ../bed.

# Exit statuses of `bed` other than those of the command in the VM.
# shellcheck disable=SC2034 # used by the other parts
readonly EXIT_FAILURE=1 EXIT_USAGE=2 EXIT_UNAVAILABLE=3 EXIT_TIMEOUT=124 EXIT_VM_DIED=125

note()
{
	printf 'bed: %s\n' "$*" >&2
}

die()
{
	note "$*"
	exit "$EXIT_FAILURE"
}

die_usage()
{
	note "$* (see 'bed help')"
	exit "$EXIT_USAGE"
}

require_root()
{
	((EUID == 0)) || die "must run as root, to mount file systems and to make a Debian root"
}

# seconds_since START: prints the seconds since START (an EPOCHREALTIME), with one decimal.
seconds_since()
{
	local now=$EPOCHREALTIME

	awk -v a="$1" -v b="$now" 'BEGIN { printf "%.1f", b - a }'
}

# A stamp consists of a stage's name and a key of what the stage's result depends on. It is written after the result
# was checked, so that a stage is repeated if it was interrupted or its recipe has changed.
stamp_is()
{
	local file=$BED_DIR/stamp/$1 key=$2

	[[ -f $file && $(<"$file") == "$key" ]]
}

stamp_set()
{
	mkdir -p "$BED_DIR/stamp"
	printf '%s\n' "$2" >"$BED_DIR/stamp/$1"
}

stamp_clear()
{
	rm -f "$BED_DIR/stamp/$1"
}

# bed_lock KIND WHAT: takes the bed's lock until this process exits. `virtual` VMs share it. A `parallel` VM takes it
# exclusively, because it would compete with others for the cores, and each would see the other as stolen time; a
# `setup` does so as well, because it must not replace the root while a VM runs.
bed_lock()
{
	local holder kind=--exclusive

	[[ $1 != virtual ]] || kind=--shared
	exec {BED_LOCK_FD}>>"$BED_DIR/lock"
	if ! flock --nonblock "$kind" "$BED_LOCK_FD"; then
		holder=$(tail -n 1 "$BED_DIR/lock")
		note "waiting for another bed: ${holder:-unknown}"
		flock "$kind" "$BED_LOCK_FD"
	fi
	printf 'pid %s: %s\n' "$$" "$2" >"$BED_DIR/lock"
}

# logged LOG COMMAND...: runs a command with its output in a log; if it fails, prints the end of the log.
logged()
{
	local log=$BED_DIR/log/$1

	shift
	mkdir -p "$BED_DIR/log"
	"$@" >"$log" 2>&1 && return
	tail -n 20 "$log" >&2
	return "$EXIT_FAILURE"
}

# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What every part of the bed uses. Sourced by ../bed.

# Exit statuses of `bed`, beside those of the command that was run in the VM.
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
	((EUID == 0)) || die "must run as root (it mounts, and makes a Debian root)"
}

# Seconds since START (an EPOCHREALTIME), with one decimal.
seconds_since()
{
	local now=$EPOCHREALTIME

	awk -v a="$1" -v b="$now" 'BEGIN { printf "%.1f", b - a }'
}

# A stamp is a stage's name and what its result depends on. It is written only behind the check of
# that result, so a stage that was interrupted, or whose recipe changed, is done again.
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

# bed_lock KIND WHAT: `virtual` VMs run beside each other. A `parallel` one would fight with any other for
# the cores, and each would see the other as stolen time; a `setup` must not replace the root under a
# running VM either. The lock goes with the process.
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

# Runs a command with its output in a log; on failure shows the log's end.
logged()
{
	local log=$BED_DIR/log/$1

	shift
	mkdir -p "$BED_DIR/log"
	"$@" >"$log" 2>&1 && return
	tail -n 20 "$log" >&2
	return "$EXIT_FAILURE"
}

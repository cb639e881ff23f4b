# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Measures each kind of exit or switch in stretches, and writes a line "INSTRUCTIONS COUNT" for each stretch to
# $tmp/stretches. Sourced by l1 and where, in L1, from the top of the checkout.

# shellcheck source=tests/bench/guest.bash
. tests/bench/guest.bash

SHORT_ROUNDS=64 HLT_MS=0.3 PREEMPT_US=500

# yes: /bed/where gets the instructions of all stretches by address, and $tmp/kallsyms the symbols.
by_place=no

# Otherwise KVM would poll for the wake-up instead of blocking, and the kind hlt would measure only that.
echo 0 >/sys/module/kvm/parameters/halt_poll_ns
# Real-time threads may use all of CPU 1: see switches.c.
echo -1 >/proc/sys/kernel/sched_rt_runtime_us

# stretches ROW KIND OPTION...: runs a guest with these options under the tool, and the stretches of this kind; writes
# a line "INSTRUCTIONS COUNT" for each.
stretches()
{
	local row=$1 kind=$2 status=0
	shift 2
	guest_hold "$@"
	tool_start "$row" "$tid" || status=$?
	if ((status)); then
		guest_drop
		tool_stop || :
		return "$status"
	fi
	[[ $by_place == no ]] || where_reset "$QUIET_CPU"
	case $kind in
	cpuid | out | hlt)
		guest_go
		guest_wait && marks
		;;
	preempt)
		chrt -f -p 1 "$tid"
		guest_go
		sleep 0.5
		switches preempt 1 4 "$PREEMPT_US"
		;;
	# The vCPU thread exists, for tools that attach to it, but does not run.
	pair) switches pair 2 12 ;;
	esac >"$tmp/stretches" || status=1
	if [[ $by_place == yes ]]; then
		where_write "$QUIET_CPU"
		# kallsyms lists BPF programs only while they are loaded.
		cat /proc/kallsyms >"$tmp/kallsyms"
	fi
	guest_drop
	tool_stop || status=1
	return "$status"
}

# Prints the stretches from the guest's report.
marks()
{
	grep -oE '"exits":[0-9]+,"msr":[0-9]+' "$tmp/report" | awk -F '[:,]' '
		NR > 1 { print $4 - insns, $2 - exits }
		{ insns = $4; exits = $2 }'
}

switches()
{
	local what=$1 short=$2 long=$3
	shift 3
	"$SWITCHES" "$what" "$QUIET_CPU" "$((MSR_BED_INSNS))" "$short" "$long" "$SHORT_ROUNDS" "$@"
}

# exits ROW KIND COUNT ROUNDS: measures exits.
exits()
{
	local -a options=(--exits "$2:$3:$4" --read-msr "$((MSR_BED_INSNS))")
	[[ $2 != hlt ]] || options+=(--hlt exit --period-ms "$HLT_MS")
	stretches "$1" "$2" "${options[@]}"
}

# switched ROW preempt|pair: measures context switches.
switched()
{
	case $2 in
	preempt) stretches "$1" "$2" --halts 10000:100 ;;
	pair) stretches "$1" "$2" --halts 10000:1 ;;
	esac
}

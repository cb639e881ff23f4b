# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The guest whose exits are counted, alone on a CPU, and functions that both l1 and where need. Sourced by these
# scripts, in L1, from the top of the checkout.

QUIET_CPU=1
OTHER_CPU=0
GTIMEHALT=${GTIMEHALT:-.output/gtimehalt}
STRETCHED=${STRETCHED:-.output/tests/stretched/gtimehalt}
PAYLOAD=${PAYLOAD:-.output/tests/payload/payload}
SWITCHES=${SWITCHES:-.output/tests/bench/switches}

# KVM patches out its code for disabled local APICs one second after the last guest has enabled its APIC.
SETTLE_S=1.5

# shellcheck source=tests/vm/lib/msr.bash
. tests/vm/lib/msr.bash
# shellcheck source=tests/bench/tools.bash
. tests/bench/tools.bash

tmp=$(mktemp -d)
guest='' tid=''

# shellcheck disable=SC2317 # by the trap
finish()
{
	tool_stop || :
	guest_drop
	rm -rf "$tmp"
}
trap finish EXIT

# guest_hold OPTION...: starts a payload that waits for SIGUSR1; sets guest and tid.
guest_hold()
{
	local tries task
	rm -f "$tmp/ready"
	"$PAYLOAD" --pin "$QUIET_CPU" --seconds 300 --hold --ready "$tmp/ready" --report "$tmp/report" \
		"$@" 2>"$tmp/payload.log" &
	guest=$!
	for ((tries = 0; tries < 300; tries++)); do
		[[ ! -e $tmp/ready ]] || break
		sleep 0.1
	done
	for task in "/proc/$guest/task/"*; do
		[[ $(<"$task/comm") != 'CPU 0/KVM' ]] || tid=${task##*/}
	done
	sleep "$SETTLE_S"
}

guest_go()
{
	kill -USR1 "$guest"
}

# Waits until the guest exits by itself; its report is then in $tmp/report.
guest_wait()
{
	wait "$guest" || {
		cat "$tmp/payload.log" >&2
		return 1
	}
	guest=''
}

guest_drop()
{
	[[ $guest ]] || return 0
	kill "$guest" 2>/dev/null || :
	wait "$guest" || :
	guest=''
}

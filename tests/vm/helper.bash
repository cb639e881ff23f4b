# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034 # used by those who load this
#
# What the tests of the tool in L1 share: guests that are started and ended, a measurement that is
# checked and held against the guest's own account. Loaded by every gtimehalt-*.bats.

src=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
GTIMEHALT=${GTIMEHALT:-$src/.output/gtimehalt}
PAYLOAD=${PAYLOAD:-$src/.output/tests/payload/payload}
ACCOUNT=${ACCOUNT:-$src/.output/tests/payload/payload-account}

# The CPU without a tick, and the one on which everything else runs.
QUIET_CPU=1
OTHER_CPU=0

# How far halted shares of a vCPU that is alone on its CPU may be from the guest's own account, in points. In
# virtual time the way out of a halt, which the guest counts, is all that is left of the bed's own error.
TOLERANCE_POINTS=0.2
[[ -e /bed/virtual ]] || TOLERANCE_POINTS=1.0

# What the machine below may take from a CPU of a parallel VM, in per cent, before a measurement is void.
QUIET="$QUIET_CPU=0.5"
VOID_MAX=5

# Per mille of wall time by which a row may have been clamped.
clamped_max=1

# shellcheck source=tests/vm/lib/msr.bash
. "$src/tests/vm/lib/msr.bash"

guest=''
guests=()

# guest_start NAME OPTION...: starts a payload; its PID is in $guest, its report $tmp/NAME.json.
guest_start() {
	local name=$1 ready=$BATS_TEST_TMPDIR/$1.ready tries
	shift
	rm -f "$ready"
	"$PAYLOAD" --name "$name" --ready "$ready" --report "$BATS_TEST_TMPDIR/$name.json" \
		--seconds 120 "$@" 2>"$BATS_TEST_TMPDIR/$name.stderr" 3>&- &
	guest=$!
	guests+=("$guest")
	for ((tries = 0; tries < 200; tries++)); do
		[[ -e $ready ]] && return
		sleep 0.1
	done
	cat "$BATS_TEST_TMPDIR/$name.stderr"
	return 1
}

# guest_end: ends all guests; their reports are there afterwards.
guest_end() {
	((${#guests[@]})) || return 0
	kill "${guests[@]}" 2>/dev/null || :
	wait "${guests[@]}" || :
	guests=()
}

teardown() {
	guest_end
}

# measure FILE OPTION...: runs the tool with -j, and holds every row to the identities.
measure() {
	report_of "$@"
	check_report "$1"
}

# measuring FILE: waits until a tool started with -v, whose stderr is FILE, has begun to measure.
measuring() {
	local tries
	for ((tries = 0; tries < 300; tries++)); do
		! grep -q '^gtimehalt: baseline' "$1" || return 0
		sleep 0.1
	done
	cat "$1"
	return 1
}

# Every row of every interval: the identities to the nanosecond, nothing lost, nothing clamped away.
# Switch mode knows fewer of them.
check_report() {
	local broken
	broken=$(jq -c --argjson clamped_max "$clamped_max" '
		select((.schema == 1 and (.health | add) == 0 and
		([.vms[] | .total, .vcpus[]] | all(
			.wall_ns == .loaded_ns + .wait_ns + .blocked_ns and
			(.guest_ns == null or .loaded_ns == .guest_ns + .host_ns and
				.guest_ns == .busy_ns + .halted_ns) and
			.unmeasured_ns == 0 and
			.clamped_ns <= .wall_ns * $clamped_max / 1000))) | not)' "$1") || return
	[[ -s $1 && -z $broken ]] || {
		echo "an interval breaks an identity, or lost something:"
		echo "$broken"
		return 1
	}
}

# vcpu_of FILE NAME VCPU: the row of a vCPU, of the first interval.
vcpu_of() {
	jq -e -s --arg name "$2" --argjson vcpu "$3" \
		'.[0].vms[] | select(.name == $name) | .vcpus[] | select(.vcpu == $vcpu)' "$1"
}

# own_share FILE NAME [VM] [VCPU]: per cent of the first interval that the guest says it was halted.
own_share() {
	local from to
	from=$(jq -s '.[0].start_monotonic_ns' "$1")
	to=$(jq -s '.[0].end_monotonic_ns' "$1")
	"$ACCOUNT" "$BATS_TEST_TMPDIR/$2.json" --from "$from" --to "$to" --vm "${3:-0}" \
		--vcpu "${4:-0}" | jq '100 * .share'
}

# is_linux_before MAJOR MINOR
is_linux_before() {
	local major minor
	IFS=. read -r major minor _ < <(uname -r)
	((major < $1 || (major == $1 && minor < $2)))
}

# near A B TOLERANCE WHAT
near() {
	jq -n -e --argjson a "$1" --argjson b "$2" --argjson t "$3" '($a - $b) | fabs <= $t' \
		>/dev/null || {
		echo "$4: $1 against $2, more than $3 apart"
		return 1
	}
}

# void_if_stolen LIMITS COMMAND...: runs a measuring command, again when the machine below took too much of a CPU
# away meanwhile; LIMITS is "CPU=PERCENT ...". What was measured is judged by the caller, afterwards: a measurement is
# void for what the plugin says of the machine, never for its result. On a machine that is too busy for a parallel VM
# the test is a skip, which says so. In virtual time nothing can be stolen.
void_if_stolen() {
	local limits=$1 void limit cpu stolen is_void
	local -A marks
	shift
	if [[ -e /bed/virtual ]]; then
		"$@"
		return
	fi
	for ((void = 0; void < VOID_MAX; void++)); do
		for limit in $limits; do
			cpu=${limit%=*}
			marks[$cpu]=$(stolen_mark "$cpu")
		done
		"$@"
		is_void=no
		for limit in $limits; do
			cpu=${limit%=*}
			stolen=$(stolen_percent "$cpu" "${marks[$cpu]}")
			jq -n -e "$stolen <= ${limit#*=}" >/dev/null && continue
			echo "# void: ${stolen}% of CPU $cpu was stolen, measuring again" >&3
			is_void=yes
		done
		[[ $is_void == yes ]] || return 0
	done
	skip "void $VOID_MAX times: the machine below is too busy for a parallel VM"
}

# report_of FILE OPTION...: the tool's JSON.
report_of() {
	local file=$1
	shift
	timeout 120 "$GTIMEHALT" -j "$@" >"$file"
}

# quiet_measure FILE OPTION...: measure, where the machine below may be busy.
quiet_measure() {
	void_if_stolen "$QUIET" report_of "$@"
	check_report "$1"
}

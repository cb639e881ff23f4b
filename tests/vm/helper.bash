# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034 # used by those who load this
#
# Functions for the tests of the tool in L1: starting and ending guests, measuring, checking a measurement, and
# comparing it with the guest's own log. Loaded by every gtimehalt-*.bats.

src=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
GTIMEHALT=${GTIMEHALT:-$src/.output/gtimehalt}
GTIMEHALT_EXPORTER=$GTIMEHALT-exporter
PAYLOAD=${PAYLOAD:-$src/.output/tests/payload/payload}
ACCOUNT=${ACCOUNT:-$src/.output/tests/payload/payload-account}

# The CPU without a tick, and the CPU for everything else.
QUIET_CPU=1
OTHER_CPU=0

# The module of KVM for the CPUs of this host.
KVM_VENDOR=kvm_amd
! grep -qw vmx /proc/cpuinfo || KVM_VENDOR=kvm_intel

# The largest difference, in percentage points, between the tool and the guest's own log for a vCPU that is alone on
# its CPU. In virtual time the bed's only remaining error is that the guest counts the exit from a halt as halted.
TOLERANCE_POINTS=0.2
[[ -e /bed/virtual ]] || TOLERANCE_POINTS=1.0

# The percentage that the machine below may take from a CPU of a parallel VM before a measurement is invalid (void).
QUIET="$QUIET_CPU=0.5"
VOID_MAX=5

# The per mille of a row's wall time that may be clamped.
clamped_max=1

# shellcheck source=tests/vm/lib/msr.bash
. "$src/tests/vm/lib/msr.bash"

guest=''
guests=()

# guest_start NAME OPTION...: starts a payload; sets $guest to its PID. Its report will be
# $BATS_TEST_TMPDIR/NAME.json.
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

# guest_end: ends all guests; afterwards their reports have been written.
guest_end() {
	((${#guests[@]})) || return 0
	kill "${guests[@]}" 2>/dev/null || :
	wait "${guests[@]}" || :
	guests=()
}

teardown() {
	guest_end
}

# measure FILE OPTION...: runs the tool with -j, and checks the identities of every row.
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

# check_report FILE [FROM_NS TO_NS]: in every row of every interval the identities must hold to the nanosecond, and
# nothing may be lost; nor clamped, in the intervals within the span if there is one. In switch mode fewer values are known.
check_report() {
	local broken
	broken=$(jq -c --argjson clamped_max "$clamped_max" --argjson from "${2:-0}" --argjson to "${3:-9e18}" '
		(.start_monotonic_ns >= $from and .end_monotonic_ns <= $to) as $in_span |
		select((.schema == 1 and (.health | add) == 0 and
		([.vms[] | .total, .vcpus[]] | all(
			.wall_ns == .loaded_ns + .wait_ns + .blocked_ns and
			(.guest_ns == null or .loaded_ns == .guest_ns + .host_ns and
				.guest_ns == .busy_ns + .halted_ns) and
			.unmeasured_ns == 0 and
			(($in_span | not) or .clamped_ns <= .wall_ns * $clamped_max / 1000)))) | not)' "$1") || return
	[[ -s $1 && -z $broken ]] || {
		echo "an interval violates an identity, or something was lost:"
		echo "$broken"
		return 1
	}
}

# vcpu_of FILE NAME VCPU: prints the row of a vCPU in the first interval.
vcpu_of() {
	jq -e -s --arg name "$2" --argjson vcpu "$3" \
		'.[0].vms[] | select(.name == $name) | .vcpus[] | select(.vcpu == $vcpu)' "$1"
}

# own_share FILE NAME [VM] [VCPU]: prints the percentage of the first interval that the vCPU was halted, by its own
# log.
own_share() {
	local from to
	from=$(jq -s '.[0].start_monotonic_ns' "$1")
	to=$(jq -s '.[0].end_monotonic_ns' "$1")
	"$ACCOUNT" "$BATS_TEST_TMPDIR/$2.json" --from "$from" --to "$to" --vm "${3:-0}" \
		--vcpu "${4:-0}" | jq '100 * .share'
}

# is_linux_before MAJOR MINOR: whether the running kernel is older.
is_linux_before() {
	local major minor
	IFS=. read -r major minor _ < <(uname -r)
	((major < $1 || (major == $1 && minor < $2)))
}

# near A B TOLERANCE WHAT: fails if A and B differ by more than TOLERANCE.
near() {
	jq -n -e --argjson a "$1" --argjson b "$2" --argjson t "$3" '($a - $b) | fabs <= $t' \
		>/dev/null || {
		echo "$4: $1 and $2 differ by more than $3"
		return 1
	}
}

# void_if_stolen LIMITS COMMAND...: runs a command that measures, and repeats it if the machine below has taken too
# much of a CPU meanwhile; LIMITS is "CPU=PERCENT ...". The caller checks the results afterwards: a measurement is
# repeated because of what the plugin reports about the machine, never because of its result. If the machine is too
# busy for a parallel VM, the test is skipped with this reason. In virtual time nothing can be stolen.
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

# report_of FILE OPTION...: writes the tool's JSON to FILE.
report_of() {
	local file=$1
	shift
	timeout 120 "$GTIMEHALT" -j "$@" >"$file"
}

# quiet_measure FILE OPTION...: like measure, but repeats it if the machine below is too busy.
quiet_measure() {
	void_if_stolen "$QUIET" report_of "$@"
	check_report "$1"
}

# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
#
# Functions for the tests of a host on which gtimehalt must refuse to run. Loaded after faults.bash.

# The UID of an ordinary user.
NOBODY=61234

# The capabilities that are enough to measure where nothing else forbids it. Before Linux 5.11, memory of BPF maps
# counts against RLIMIT_MEMLOCK, which only CAP_SYS_RESOURCE can raise.
ENOUGH=+sys_admin
! is_linux_before 5 11 || ENOUGH+=,+sys_resource

# guest_run: starts a guest of a known duty cycle; the measurements of a test are compared with its account.
guest_run() {
	guest_start duty --busy 60 --pin "$QUIET_CPU"
}

# with_caps CAPS CMD...: runs CMD as root with only these capabilities, such as "+sys_admin,+bpf".
with_caps() {
	setpriv --bounding-set="-all${1:+,$1}" --inh-caps=-all "${@:2}"
}

# without_cap CAP CMD...: runs CMD as root without this capability.
without_cap() {
	setpriv --bounding-set="-$1" --inh-caps="-$1" "${@:2}"
}

# as_user CAPS CMD...: runs CMD as an ordinary user with these capabilities.
as_user() {
	setpriv --reuid "$NOBODY" --regid "$NOBODY" --clear-groups --inh-caps="-all${1:+,$1}" \
		--ambient-caps="-all${1:+,$1}" --bounding-set="-all${1:+,$1}" "${@:2}"
}

# in_mounts SCRIPT CMD...: runs SCRIPT and then CMD in a new mount namespace.
in_mounts() {
	# shellcheck disable=SC2016 # the inner shell's
	unshare --mount --propagation private bash -ec "$1"'; exec "${@:2}"' - "$@"
}

programs() {
	bpftool -j prog list | jq length
}

# is_refused PATTERN CMD...: fails unless CMD exits with status 3 and prints nothing to stdout and one line to stderr
# that matches PATTERN, and nothing stays attached. Sets $refusal to that line.
is_refused() {
	local pattern=$1 before out=$BATS_TEST_TMPDIR/refused status=0
	before=$(programs)
	"${@:2}" >"$out" 2>"$out.stderr" 3>&- 4>&- || status=$?
	refusal=$(<"$out.stderr")
	# shellcheck disable=SC2053 # a pattern
	[[ $status == 3 && ! -s $out && $(wc -l <"$out.stderr") == 1 && $refusal == "gtimehalt: "$pattern &&
		$(programs) == "$before" ]] || {
		echo "${*:2}: exit $status, $(wc -c <"$out") bytes on stdout, on stderr: $refusal"
		return 1
	}
}

# is_measured PATTERN CMD...: fails unless CMD exits with status 0, its stderr matches PATTERN, and the guest is shown
# under the name $shown_as. all_agree checks the times.
shown_as=duty
runs=()
is_measured() {
	local out=$BATS_TEST_TMPDIR/run-${#runs[@]} status=0 said
	"${@:2}" -j -d 1.5 >"$out" 2>"$out.stderr" 3>&- 4>&- || status=$?
	said=$(<"$out.stderr")
	# shellcheck disable=SC2053 # a pattern
	[[ $status == 0 && $said == $1 ]] || {
		echo "${*:2}: exit $status, on stderr: $said"
		return 1
	}
	shown_over "$out" "$shown_as" 0 >/dev/null
	# The guest has another name in this run, but its account is the same.
	[[ $shown_as == duty ]] || ln -sf duty.json "$BATS_TEST_TMPDIR/$shown_as.json"
	runs+=("$shown_as ${*:2}")
}

# all_agree: ends the guest and compares all measurements with its account. $agreed is about the last one.
all_agree() {
	local i
	guest_end
	((${#runs[@]}))
	for i in "${!runs[@]}"; do
		echo "${runs[i]}:"
		agrees "$BATS_TEST_TMPDIR/run-$i" "${runs[i]%% *}" 2
		# The guest is halted for about 40 % of the time. A share near 0 means that the guest was not
		# measured.
		jq -e '[.vms[] | .total.halted_ns / .total.wall_ns] | add > 0.03' "$BATS_TEST_TMPDIR/run-$i" >/dev/null
	done
}

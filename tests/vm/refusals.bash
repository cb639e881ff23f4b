# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
#
# What the tests of a host that refuses share. Loaded behind faults.bash.

# An ordinary user.
NOBODY=61234

# Enough to measure what is not closed to us. Before Linux 5.11 BPF's memory counts to RLIMIT_MEMLOCK, which only
# CAP_SYS_RESOURCE raises.
ENOUGH=+sys_admin
! is_linux_before 5 11 || ENOUGH+=,+sys_resource

# guest_run: a guest of known duty; what follows is held against its account.
guest_run() {
	guest_start duty --busy 60 --pin "$QUIET_CPU"
}

# with_caps CAPS CMD...: root with these capabilities and no other: "+sys_admin,+bpf".
with_caps() {
	setpriv --bounding-set="-all${1:+,$1}" --inh-caps=-all "${@:2}"
}

# without_cap CAP CMD...: root without this one.
without_cap() {
	setpriv --bounding-set="-$1" --inh-caps="-$1" "${@:2}"
}

# as_user CAPS CMD...: an ordinary user with these.
as_user() {
	setpriv --reuid "$NOBODY" --regid "$NOBODY" --clear-groups --inh-caps="-all${1:+,$1}" \
		--ambient-caps="-all${1:+,$1}" --bounding-set="-all${1:+,$1}" "${@:2}"
}

# in_mounts SCRIPT CMD...: CMD in a mount namespace of its own, behind SCRIPT.
in_mounts() {
	# shellcheck disable=SC2016 # the inner shell's
	unshare --mount --propagation private bash -ec "$1"'; exec "${@:2}"' - "$@"
}

programs() {
	bpftool -j prog list | jq length
}

# is_refused PATTERN CMD...: exit 3, one line on stderr like it, which is in $refusal afterwards, nothing on
# stdout, and nothing attached.
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

# is_measured PATTERN CMD...: exit 0, what is said on stderr like the pattern, and the guest is there, under the
# name $shown_as. Its numbers are for all_agree.
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
	# Below another name it is the same guest.
	[[ $shown_as == duty ]] || ln -sf duty.json "$BATS_TEST_TMPDIR/$shown_as.json"
	runs+=("$shown_as ${*:2}")
}

# all_agree: ends the guest, and holds all that was measured of it against its account. $agreed is of the last.
all_agree() {
	local i
	guest_end
	((${#runs[@]}))
	for i in "${!runs[@]}"; do
		echo "${runs[i]}:"
		agrees "$BATS_TEST_TMPDIR/run-$i" "${runs[i]%% *}" 2
		# It is busy for 60 ms of 100: none at all would be a guest that was not seen.
		jq -e '[.vms[] | .total.halted_ns / .total.wall_ns] | add > 0.03' "$BATS_TEST_TMPDIR/run-$i" >/dev/null
	done
}

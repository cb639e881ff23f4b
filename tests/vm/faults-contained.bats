#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Namespaces, as containers have them. BPF tells the host's PIDs: a /proc with others must never be taken for the
# host's. Runs in the bed.

bats_require_minimum_version 1.5.0
load helper
load faults
load refusals

@test "a PID namespace with its own /proc" {
	local seen
	guest_run
	is_refused '/proc belongs to a container*PID namespace*--pid=host*' unshare --pid --fork --mount-proc "$GTIMEHALT" -d 1
	seen=$refusal
	# A VM of its own there, whose PID is another process's on the host.
	# shellcheck disable=SC2016 # the inner shell's
	is_refused '/proc belongs to a container*PID namespace*' unshare --pid --fork --mount-proc bash -c '
		"$1" --name inner --ready "$3" --report /dev/null --seconds 60 --busy 50 2>/dev/null &
		for ((i = 0; i < 100; i++)); do [[ -e $3 ]] && break; sleep 0.1; done
		[[ -e $3 ]] && "$2" -p $! -d 1' - "$PAYLOAD" "$GTIMEHALT" "$BATS_TEST_TMPDIR/inner.ready"
	is_refused '/proc is not mounted, or belongs to a PID namespace*' in_mounts '
		unshare --pid --fork mount -t proc none /proc' "$GTIMEHALT" -d 1
	fault 'unshare --pid --fork --mount-proc; with a VM in it; its /proc from without' \
		'exit 3: its PIDs are not those of BPF' "$seen; $refusal"
}

# bats test_tags=core-newest
@test "a PID namespace with the host's /proc" {
	guest_run
	is_measured '' unshare --pid --fork "$GTIMEHALT"
	is_measured '' unshare --pid --fork "$GTIMEHALT" -p "$guest"
	is_measured '' unshare --pid --fork unshare --pid --fork "$GTIMEHALT"
	all_agree
	fault 'unshare --pid --fork, and another one in it' 'measured: no thread is taken for one that has ended' \
		"${#runs[@]} measured, $agreed"
}

@test "a user namespace" {
	local seen
	guest_run
	is_refused 'runs in a user namespace*root of the host' unshare --map-root-user "$GTIMEHALT" -d 1
	seen=$refusal
	is_refused 'runs in a user namespace*' unshare --map-root-user --pid --fork --mount-proc "$GTIMEHALT" -d 1
	is_refused 'runs in a user namespace*' unshare --map-root-user "$GTIMEHALT" --pin
	is_refused 'runs in a user namespace*' setpriv --reuid "$NOBODY" --clear-groups unshare --map-root-user "$GTIMEHALT" -d 1
	fault 'unshare --map-root-user, by root and by a user' 'exit 3: it is no root of the host' "$seen"
}

# bats test_tags=core-oldest,core-newest
@test "a time namespace" {
	local seen
	guest_run
	is_refused 'runs in a time namespace*nsenter -T -t 1*' unshare --time --fork --boottime 86400 --monotonic 86400 "$GTIMEHALT" -d 1
	seen=$refusal
	is_refused 'runs in a time namespace*' unshare --time --fork --monotonic -20 "$GTIMEHALT" -j --mode switch -d 1
	is_refused 'runs in a time namespace*' unshare --time --fork --boottime 86400 "$GTIMEHALT" --pin
	if ! is_linux_before 5 15; then
		"$GTIMEHALT" --pin
		is_refused 'runs in a time namespace*' unshare --time --fork --monotonic 86400 "$GTIMEHALT" -d 1
		# The host's clocks again.
		is_measured '' unshare --time --fork --monotonic 86400 nsenter -T -t 1 "$GTIMEHALT"
		"$GTIMEHALT" --unpin
	fi
	is_measured '' unshare --time --fork --monotonic 86400 nsenter -T -t 1 "$GTIMEHALT"
	all_agree
	fault 'unshare --time with clocks a day ahead, and 20 s behind; --pin there, and a reader of what is pinned' \
		'exit 3: its clocks are not those of BPF' "$seen"
}

@test "a host that is a guest itself, and has MPERF" {
	guest_run
	# Of the bed's own flag nothing is to be seen; behind that is the real file.
	is_measured '*warning: this host is itself a VM*' in_mounts 'umount /proc/cpuinfo' "$GTIMEHALT"
	is_measured '' "$GTIMEHALT"
	all_agree
	fault "the flag hypervisor in /proc/cpuinfo: $(unshare --mount sh -c 'umount /proc/cpuinfo; grep -c hypervisor /proc/cpuinfo')" \
		'measured, and warned of' "$agreed"
}

@test "all other namespaces, and a chroot" {
	local root=$BATS_TEST_TMPDIR/root
	guest_run
	is_measured '' unshare --net --ipc --uts --cgroup --mount "$GTIMEHALT"
	mkdir "$root"
	is_measured '' in_mounts "mount --rbind / $root" chroot "$root" "$GTIMEHALT" -p "$guest"
	all_agree
	fault 'unshare --net --ipc --uts --cgroup --mount; chroot' 'measured, as docker run --privileged --pid=host' \
		"${#runs[@]} measured, $agreed"
}

@test "a VM in a container, seen from the host" {
	local ready=$BATS_TEST_TMPDIR/inner.ready tries
	unshare --pid --fork --kill-child --mount-proc --net "$PAYLOAD" --name duty --ready "$ready" \
		--report "$BATS_TEST_TMPDIR/duty.json" --seconds 120 --busy 60 --pin "$QUIET_CPU" 2>/dev/null 3>&- &
	for ((tries = 0; tries < 200; tries++)); do
		[[ ! -e $ready ]] || break
		sleep 0.1
	done
	guest=$(pgrep -P $!)
	is_measured '' "$GTIMEHALT"
	is_measured '' "$GTIMEHALT" -p "$guest"
	kill "$guest"
	wait $! || :
	all_agree
	fault 'the VMM in a PID namespace of its own' 'measured, by the PID of the host' "$agreed"
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The host refuses: rights, sysctls, limits, filters of system calls and file systems that are not there. Either one
# line and exit status 3, or numbers that are right. Runs in the bed.

bats_require_minimum_version 1.5.0
load helper
load faults
load refusals

setup_file() {
	paranoid=$(</proc/sys/kernel/perf_event_paranoid)
	unprivileged=$(</proc/sys/kernel/unprivileged_bpf_disabled)
	export paranoid unprivileged
}

teardown() {
	guest_end
	# Those that a test may have left changed.
	sysctl -qw "kernel.perf_event_paranoid=$paranoid" "kernel.unprivileged_bpf_disabled=$unprivileged" \
		kernel.kptr_restrict=0 kernel.bpf_stats_enabled=0 net.core.bpf_jit_enable=1 net.core.bpf_jit_harden=0
	sysctl -qw kernel.ftrace_enabled=1 2>/dev/null || :
	echo 1 >/sys/kernel/debug/kprobes/enabled
}

@test "each capability taken from root, one by one" {
	local cap others=(bpf perfmon sys_ptrace dac_read_search net_admin)
	guest_run
	is_refused 'needs CAP_SYS_ADMIN *root' without_cap sys_admin "$GTIMEHALT" -d 1
	if is_linux_before 5 11; then
		is_refused '*RLIMIT_MEMLOCK *CAP_SYS_RESOURCE' without_cap sys_resource "$GTIMEHALT" -d 1
	else
		others+=(sys_resource)
	fi
	for cap in "${others[@]}"; do
		is_measured '*' without_cap "$cap" "$GTIMEHALT"
	done
	all_agree
	fault 'setpriv --bounding-set=-CAP' \
		'exit 3 without CAP_SYS_ADMIN, before 5.11 without CAP_SYS_RESOURCE too, else right numbers' \
		"$refusal; without each of ${#runs[@]} others measured, $agreed"
}

@test "CAP_SYS_ADMIN and no other capability" {
	local said
	guest_run
	# A process that has more capabilities than we is closed to us, of the same user or not.
	is_measured '*warning: cannot inspect some processes *CAP_SYS_PTRACE*' with_caps "$ENOUGH" "$GTIMEHALT"
	said=$(<"$BATS_TEST_TMPDIR/run-0.stderr")
	is_refused '*process *CAP_SYS_PTRACE*' with_caps "$ENOUGH" "$GTIMEHALT" -p "$guest"
	is_measured '' with_caps "$ENOUGH,+sys_ptrace" "$GTIMEHALT" -p "$guest"
	all_agree
	fault "root with --bounding-set=-all,$ENOUGH" 'measured, a warning of what it cannot see; -p: exit 3' \
		"$said; -p: $refusal; with CAP_SYS_PTRACE, $agreed"
}

@test "CAP_BPF and CAP_PERFMON without CAP_SYS_ADMIN" {
	local most=+bpf,+perfmon,+sys_ptrace,+dac_read_search,+sys_resource,+net_admin level
	for level in 1 2 3; do
		sysctl -qw "kernel.perf_event_paranoid=$level"
		is_refused 'needs CAP_SYS_ADMIN *root' with_caps "$most" "$GTIMEHALT" -d 1
	done
	is_refused 'needs CAP_SYS_ADMIN *root' as_user "$most" "$GTIMEHALT" -d 1
	is_refused 'needs CAP_SYS_ADMIN *root' as_user "$most" "$GTIMEHALT" --pin
	fault "these and four more; perf_event_paranoid 1 to 3" 'exit 3' "$refusal"
}

# bats test_tags=core-newest
@test "an ordinary user, without and with capabilities of the file" {
	local file=$BATS_TEST_TMPDIR/gtimehalt
	is_refused 'needs CAP_SYS_ADMIN *root' as_user '' "$GTIMEHALT" -d 1
	guest_run
	chmod 755 "$BATS_TEST_TMPDIR" "${BATS_TEST_TMPDIR%/*}" "${BATS_TEST_TMPDIR%/*/*}"
	cp "$GTIMEHALT" "$file"
	setcap cap_sys_admin,cap_sys_ptrace,cap_dac_read_search,cap_sys_resource=ep "$file"
	is_measured '' setpriv --reuid "$NOBODY" --regid "$NOBODY" --clear-groups "$file"
	setcap cap_sys_admin,cap_sys_resource=ep "$file"
	is_measured '*cannot inspect some processes *' setpriv --reuid "$NOBODY" --regid "$NOBODY" --clear-groups "$file"
	all_agree
	fault 'setpriv --reuid; setcap cap_sys_admin,cap_sys_ptrace,cap_dac_read_search,cap_sys_resource=ep' \
		'exit 3; measured with them' "$refusal; with them, $agreed"
}

@test "kernel.perf_event_paranoid from -1 to 4" {
	local level
	guest_run
	for level in -1 1 2 4; do
		sysctl -qw "kernel.perf_event_paranoid=$level"
		is_measured '' with_caps "$ENOUGH,+sys_ptrace" "$GTIMEHALT"
	done
	all_agree
	fault 'sysctl kernel.perf_event_paranoid' 'CAP_SYS_ADMIN is enough at each, before 5.11 with CAP_SYS_RESOURCE' \
		"measured at ${#runs[@]} levels, $agreed"
}

@test "sysctls that forbid BPF to others, or hide and harden" {
	local setting
	guest_run
	for setting in kernel.unprivileged_bpf_disabled={0,2} kernel.kptr_restrict=2 kernel.bpf_stats_enabled=1 \
		net.core.bpf_jit_harden=2 net.core.bpf_jit_enable=0; do
		# What a kernel does not let itself be told is as it was.
		sysctl -qw "$setting" 2>/dev/null || continue
		is_measured '' "$GTIMEHALT"
		sysctl -qw net.core.bpf_jit_enable=1
	done
	sysctl -qw kernel.unprivileged_bpf_disabled=0
	is_refused 'needs CAP_SYS_ADMIN *root' as_user '' "$GTIMEHALT" -d 1
	all_agree
	((${#runs[@]} >= 4))
	fault 'sysctl unprivileged_bpf_disabled, kptr_restrict, bpf_stats_enabled, bpf_jit_harden, bpf_jit_enable' \
		'root measures; a user may not, whatever they are' "${#runs[@]} settings, $agreed; a user: $refusal"
}

@test "probes switched off for the whole host" {
	local hook seen
	guest_run
	echo 0 >/sys/kernel/debug/kprobes/enabled
	is_refused '/sys/kernel/debug/kprobes/enabled is 0*echo 1 *' "$GTIMEHALT" --hook kprobe -d 1
	seen=$refusal
	if [[ -e /sys/kernel/btf/kvm ]]; then
		for hook in fentry tracepoint; do
			is_measured '' "$GTIMEHALT" --hook "$hook"
		done
	else
		# Windows are seen by kprobes here, whatever the stints are seen by.
		is_refused '/sys/kernel/debug/kprobes/enabled is 0*echo 1 *' "$GTIMEHALT" --mode switch -d 1
	fi
	echo 1 >/sys/kernel/debug/kprobes/enabled
	if sysctl -qw kernel.ftrace_enabled=0 2>/dev/null; then
		is_refused 'kernel.ftrace_enabled is 0*sysctl *' "$GTIMEHALT" -d 1
		seen+="; $refusal"
		sysctl -qw kernel.ftrace_enabled=1
	else
		seen+='; ftrace cannot be disabled on this kernel'
	fi
	is_measured '' "$GTIMEHALT"
	all_agree
	fault 'echo 0 > kprobes/enabled; sysctl kernel.ftrace_enabled=0' 'exit 3 where they would be used: they attach, and never run' \
		"$seen; switched on again, $agreed"
}

@test "RLIMIT_MEMLOCK of 64 KiB" {
	local low=(prlimit --memlock=65536:65536) seen=''
	guest_run
	# Linux 5.11 counts BPF's memory to control groups in its place.
	if is_linux_before 5 11; then
		is_refused '*RLIMIT_MEMLOCK is 64 KiB*ulimit -l unlimited*' "${low[@]}" setpriv \
			--bounding-set=-sys_resource --inh-caps=-sys_resource "$GTIMEHALT" -d 1
		seen="$refusal; "
	else
		is_measured '' "${low[@]}" setpriv --bounding-set=-sys_resource --inh-caps=-sys_resource "$GTIMEHALT"
	fi
	is_measured '' "${low[@]}" "$GTIMEHALT"
	all_agree
	fault 'prlimit --memlock=65536, without and with CAP_SYS_RESOURCE' \
		'before Linux 5.11 exit 3 without it; else measured' "$seen${#runs[@]} measured, $agreed"
}

@test "file systems that are not there, or read-only" {
	guest_run
	is_measured '' in_mounts 'umount -l /sys/kernel/debug' "$GTIMEHALT"
	is_measured '' in_mounts 'mount -t tmpfs none /sys/kernel/debug' "$GTIMEHALT"
	is_measured '' in_mounts 'umount -l /sys/kernel/tracing; umount -l /sys/kernel/debug; umount -l /sys/fs/bpf
		umount -l /sys/fs/cgroup || :; mount -t tmpfs none /dev/cpu' "$GTIMEHALT" --hook kprobe
	is_refused 'bpffs is not mounted: mount *' in_mounts 'umount -l /sys/fs/bpf' "$GTIMEHALT" --pin
	# shellcheck disable=SC2016 # the inner shell's
	is_measured '' in_mounts 'mount --bind /proc/sys /proc/sys
		for dir in /sys /proc/sys /; do mount -o remount,bind,ro "$dir"; done
		mount -t tmpfs -o ro none /tmp; if touch /tmp/x || touch /x; then exit 9; fi 2>/dev/null' "$GTIMEHALT"
	all_agree
	fault 'umount or hide debugfs, tracefs, bpffs, cgroupfs, /dev/cpu; / and /sys and /proc/sys read-only; no /tmp' \
		'measured; --pin without bpffs: exit 3' "${#runs[@]} measured, $agreed; $refusal"
}

@test "no /sys, no /proc" {
	local seen
	guest_run
	is_refused '/sys is not mounted: mount *' in_mounts 'mount -t tmpfs none /sys' "$GTIMEHALT" -d 1
	seen=$refusal
	is_refused '/sys is not mounted: mount *' in_mounts 'umount -l /sys' "$GTIMEHALT" --wait -d 1
	is_refused '/proc is not mounted*mount *' in_mounts 'mount -t tmpfs none /proc' "$GTIMEHALT" -d 1
	fault 'umount, or a tmpfs over it' 'exit 3' "$seen; $refusal"
}

# A /proc of its own has the bed's flag of a hypervisor again: see tests/vm/lib/l1.
HIDDEN='mount -t proc -o hidepid=2 none /proc; mount --bind /run/cpuinfo /proc/cpuinfo'

@test "/proc that hides processes" {
	local seen
	guest_run
	is_measured '' in_mounts "$HIDDEN" "$GTIMEHALT" -p "$guest"
	shown_as='?' is_measured '*warning: /proc hides processes (hidepid)*' in_mounts "$HIDDEN" \
		setpriv --reuid "$NOBODY" --regid "$NOBODY" --clear-groups --inh-caps=-all,+sys_admin,+sys_resource \
		--ambient-caps=-all,+sys_admin,+sys_resource "$GTIMEHALT"
	seen=$(<"$BATS_TEST_TMPDIR/run-1.stderr")
	is_measured '' in_mounts "$HIDDEN" \
		setpriv --reuid "$NOBODY" --regid "$NOBODY" --clear-groups --inh-caps=-all,+sys_admin,+sys_resource,+sys_ptrace,+dac_read_search \
		--ambient-caps=-all,+sys_admin,+sys_resource,+sys_ptrace,+dac_read_search "$GTIMEHALT" -p "$guest"
	# Linux 5.8; and /proc/sys and the rest is not there.
	is_measured '' in_mounts 'mount -t proc -o subset=pid none /proc' "$GTIMEHALT"
	all_agree
	fault 'hidepid=2 for root, and for a user without and with CAP_SYS_PTRACE; subset=pid' \
		'right numbers; without CAP_SYS_PTRACE no names, and a warning' "$seen; $agreed"
}

# bats test_tags=core-newest
@test "a filter of system calls that forbids bpf() or perf_event_open()" {
	local forbid=$src/tests/vm/lib/forbid call error seen=''
	guest_run
	for call in bpf perf_event_open; do
		for error in EPERM ENOSYS; do
			is_refused "cannot *seccomp*forbids $call()*" "$forbid" "$call" "$error" "$GTIMEHALT" -d 1
			seen+="$refusal; "
			is_refused "cannot *seccomp*forbids $call()*" "$forbid" "$call" "$error" "$GTIMEHALT" --pin
		done
	done
	fault 'a seccomp filter that answers EPERM or ENOSYS' 'exit 3, and what may have forbidden it' "${seen%; }"
}

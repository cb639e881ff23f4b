#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# bats file_tags=boot:last
#
# What can be switched on and not off again: the kernel's lockdown, and BPF for none but root. A boot of its own in
# the bed, in this order.

bats_require_minimum_version 1.5.0
load helper
load faults
load refusals

lock() {
	[[ -e /sys/kernel/security/lockdown ]] || mount -t securityfs none /sys/kernel/security
	echo "$1" >/sys/kernel/security/lockdown
	[[ $(</sys/kernel/security/lockdown) == *"[$1]"* ]]
}

@test "kernel.unprivileged_bpf_disabled=1" {
	guest_run
	sysctl -qw kernel.unprivileged_bpf_disabled=1
	is_measured '' "$GTIMEHALT"
	is_refused 'needs CAP_SYS_ADMIN *root' as_user '' "$GTIMEHALT" -d 1
	all_agree
	fault 'sysctl' 'root measures' "$agreed; a user: $refusal"
}

# bats test_tags=core-newest
@test "lockdown=integrity" {
	guest_run
	lock integrity
	is_measured '' "$GTIMEHALT"
	is_measured '' "$GTIMEHALT" --hook kprobe
	all_agree
	fault 'echo integrity > /sys/kernel/security/lockdown' 'measured' "$agreed"
}

@test "lockdown=confidentiality" {
	guest_run
	lock confidentiality
	is_refused '*locked down for confidentiality*lockdown=integrity*' "$GTIMEHALT" -d 1
	is_refused '*locked down for confidentiality*' "$GTIMEHALT" --mode switch -d 1
	is_refused '*locked down for confidentiality*' "$GTIMEHALT" --wait -d 1
	is_refused '*locked down for confidentiality*' "$GTIMEHALT" --pin
	fault 'echo confidentiality > /sys/kernel/security/lockdown' 'exit 3: BPF may not read kernel memory' "$refusal"
}

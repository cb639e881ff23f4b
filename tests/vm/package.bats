#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The Debian packages, installed: the programs run from where they were put, and leave nothing when they are removed.
# Runs in the bed, whose root is of another release of Debian than the one that the packages were built on.
#
# The root is an overlay that ends with the VM: what is installed here is installed nowhere else.

bats_require_minimum_version 1.5.0
load helper

GTIMEHALT=/usr/sbin/gtimehalt
PACKAGES=(gtimehalt gtimehalt-exporter gtimehalt-steer)

setup_file() {
	local debs
	cd "$BATS_TEST_DIRNAME/../.." || return
	debs=("${OUTPUT:-.output}"/deb/gtimehalt{,-exporter,-steer}_*.deb)
	ls "${debs[@]}" || {
		echo 'there are no packages: make deb'
		return 1
	}
	[[ ! -e /usr/sbin/gtimehalt ]]
	dpkg --install "${debs[@]}"
}

teardown_file() {
	dpkg --purge "${PACKAGES[@]}"
}

@test "dpkg has installed them, with all that they depend on" {
	[[ $(dpkg-query -W -f '${db:Status-Abbrev}' "${PACKAGES[@]}") == 'ii ii ii ' ]]
	run -0 dpkg --audit
	[[ -z $output ]]
	for program in "${PACKAGES[@]}"; do
		run -0 "/usr/sbin/$program" --version
		[[ $output == "$program $(dpkg-query -W -f '${Version}' "$program")" ]]
	done
}

@test "it measures a guest" {
	guest_start duty --busy 50 --pin "$QUIET_CPU"
	measure "$BATS_TEST_TMPDIR/out" -p "$guest" -d 1
	vcpu_of "$BATS_TEST_TMPDIR/out" duty 0 | jq -e '.loaded_ns / .wall_ns > 0.9 and
		.halted_ns / .loaded_ns > 0.2 and .halted_ns / .loaded_ns < 0.8' >/dev/null || {
		cat "$BATS_TEST_TMPDIR/out"
		return 1
	}
}

@test "its completion finds the process of a guest, and no other" {
	guest_start duty --busy 50 --pin "$QUIET_CPU"
	# shellcheck source=contrib/completion/gtimehalt.bash
	. /usr/share/bash-completion/completions/gtimehalt
	COMP_WORDS=(gtimehalt -p '') COMP_CWORD=2
	_gtimehalt
	[[ ${COMPREPLY[*]} == "$guest" ]]
}

@test "removed, they leave nothing, and no measurement that was pinned by hand" {
	local paths path
	mapfile -t paths < <(dpkg --listfiles "${PACKAGES[@]}" | grep gtimehalt)
	# The path filter of the bed's root keeps some of its files out.
	[[ " ${paths[*]} " == *" /usr/sbin/gtimehalt "* && -d /usr/share/gtimehalt ]]
	if ! is_linux_before 5 15; then
		mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf
		"$GTIMEHALT" --pin
		[[ -e /sys/fs/bpf/gtimehalt/about ]]
	fi
	dpkg --purge "${PACKAGES[@]}"
	[[ ! -e /sys/fs/bpf/gtimehalt ]]
	for path in "${paths[@]}"; do
		[[ ! -e $path ]]
	done
	run -1 dpkg-query -W "${PACKAGES[@]}"
}

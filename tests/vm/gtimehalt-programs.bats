#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every BPF program of the tool through this kernel's verifier, also those that its host never loads because another
# hook is better there; and which hooks the tool chooses. Runs in the bed, on every kernel.

bats_require_minimum_version 1.5.0
load helper

# bats test_tags=core,core-oldest,core-newest
@test "every program passes the verifier, plain and with all that can be switched on" {
	run "$src/.output/tests/load_programs" "$(grep -qw vmx /proc/cpuinfo && echo vmx || echo svm)_vcpu_run"
	printf '%s\n' "$output"
	((status == 0))
	[[ $output == *'ok 1 '* && $output != *'not ok '* ]]
}

# bats test_tags=core,core-oldest,core-newest
@test "-v says which hooks it has chosen" {
	run --separate-stderr "$GTIMEHALT" -v -d 0.1
	((status == 0))
	[[ $stderr == *'stints by '* ]]
	sed -n 's/^gtimehalt: \(.*stints by .*\)/# hook: \1/p' <<<"$stderr" >&3
}

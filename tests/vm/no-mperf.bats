#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# bats file_tags=boot:no-mperf
#
# A host without MPERF. Runs in the bed, booted with --no-mperf.

bats_require_minimum_version 1.5.0
load helper

@test "no MPERF: one line, no numbers, exit 3" {
	guest_start duty --busy 50 --pin "$QUIET_CPU"
	for args in "1 1" "-p $guest" "-j"; do
		# shellcheck disable=SC2086 # several words
		run -3 --separate-stderr "$GTIMEHALT" $args
		[[ -z $output ]]
		[[ $stderr == "gtimehalt: "*MPERF* && $(wc -l <<<"$stderr") == 1 ]]
	done
}

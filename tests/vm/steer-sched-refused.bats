#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Hosts on which gtimehalt-steer --sched must not start: an old kernel, or nohz_full CPUs, which this boot of the bed
# has where the kernel supports them.

bats_require_minimum_version 1.5.0
load helper

# bats test_tags=core,core-oldest,core-newest
@test "--sched is refused on an old kernel and with nohz_full CPUs: one line, exit 3, nothing loaded" {
	run -3 --separate-stderr "$src/.output/gtimehalt-steer" --mperf-ratio 1 --sched
	[[ ! $output && $(wc -l <<<"$stderr") == 1 ]]
	if is_linux_before 6 18; then
		[[ $stderr == *"needs Linux 6.18 or later, and this is $(uname -r)"* ]]
	else
		[[ $stderr == *'CPUs 1 are nohz_full'* && $(</sys/kernel/sched_ext/enable_seq) == 0 ]]
	fi
}

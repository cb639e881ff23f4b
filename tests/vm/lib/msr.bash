# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154
#
# The plugin's MSRs (plugin/mperf.c), for tests that run in L1. Source this file.

readonly MSR_MPERF=0xe7 MSR_APERF=0xe8
readonly MSR_BED_ID=0x6d706600 MSR_BED_INSNS=0x6d706601 MSR_BED_STOLEN=0x6d706602
readonly MSR_BED_HALTED=0x6d706603 MSR_BED_RATE=0x6d706604 MSR_BED_TSC=0x6d706605
readonly MSR_BED_WHERE=0x6d706606 MSR_BED_WANTED=0x6d706607
readonly MSR_BED_ID_VALUE=0x6d70657266

# msr_read CPU MSR: prints its value in decimal.
msr_read()
{
	rdmsr -p "$1" -u "$2"
}

# msr_write CPU MSR VALUE
msr_write()
{
	wrmsr -p "$1" "$2" "$3"
}

bed_has_mperf()
{
	[[ $(msr_read 0 "$MSR_BED_ID" 2>/dev/null) == "$((MSR_BED_ID_VALUE))" ]]
}

# mperf_set_rate CPU PPM: from now on MPERF of CPU runs at PPM millionths of TSC; 0 stops it.
mperf_set_rate()
{
	msr_write "$1" "$MSR_BED_RATE" "$2"
}

# where_reset CPU: counts the kernel's instructions by place anew; where_write CPU: /bed/where has those
# of CPU since then, lines "ADDRESS COUNT" for each block of code. With --where only.
where_reset()
{
	msr_write "$1" "$MSR_BED_WHERE" 0
}

where_write()
{
	msr_write "$1" "$MSR_BED_WHERE" 1
}

# stolen_mark CPU: prints where the counters stand, for stolen_percent CPU MARK, which prints how
# much of the time since then the machine below took from this CPU while it was not idle. More
# than 0.5 makes a measurement on that CPU void.
stolen_mark()
{
	printf '%s %s\n' "$(msr_read "$1" "$MSR_BED_TSC")" "$(msr_read "$1" "$MSR_BED_STOLEN")"
}

stolen_percent()
{
	local now

	now=$(stolen_mark "$1")
	awk -v mark="$2" -v now="$now" 'BEGIN {
		split(mark, a); split(now, b)
		printf "%.2f\n", 100 * (b[2] - a[2]) / (b[1] - a[1])
	}'
}

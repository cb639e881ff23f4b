# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154
#
# The plugin's MSRs (plugin/mperf.c), for tests in L1. Source this file.

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

# msr_write CPU MSR VALUE: writes an MSR.
msr_write()
{
	wrmsr -p "$1" "$2" "$3"
}

bed_has_mperf()
{
	[[ $(msr_read 0 "$MSR_BED_ID" 2>/dev/null) == "$((MSR_BED_ID_VALUE))" ]]
}

# mperf_set_rate CPU PPM: from now on, MPERF of this CPU counts at PPM millionths of the TSC rate; 0 stops it.
mperf_set_rate()
{
	msr_write "$1" "$MSR_BED_RATE" "$2"
}

# where_reset CPU: resets the counters of kernel instructions by address. where_write CPU: writes those of this CPU
# since then to /bed/where, a line "ADDRESS COUNT" for each block of code. Both need --where.
where_reset()
{
	msr_write "$1" "$MSR_BED_WHERE" 0
}

where_write()
{
	msr_write "$1" "$MSR_BED_WHERE" 1
}

# stolen_mark CPU: prints the present counters. stolen_percent CPU MARK: prints the percentage of the time since the
# mark that the machine below has taken from this CPU while it was not idle. More than 0.5 invalidates a measurement
# on that CPU.
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

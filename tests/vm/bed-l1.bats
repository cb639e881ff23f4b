#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the bed promises about L1, checked in L1: bed run --count -- bats tests/vm/bed-l1.bats
# CPU 1 is the one under test: isolated, nohz_full.

setup()
{
	# shellcheck source=tests/vm/lib/msr.bash
	. "$BATS_TEST_DIRNAME/lib/msr.bash"
}

teardown()
{
	if [[ -n ${spin_pid:-} ]]; then
		kill "$spin_pid" 2>/dev/null || :
		wait "$spin_pid" 2>/dev/null || :
	fi
	mperf_set_rate 1 1000000
}

# Keeps CPU 1 busy until teardown.
spin_start()
{
	taskset -c 1 spin 1000000000000 &
	spin_pid=$!
	sleep 0.3
}

# mperf_percent CPU: MPERF over TSC of a CPU for two seconds, as the kernel's msr PMU has it.
mperf_percent()
{
	perf stat -x, -o "$BATS_TEST_TMPDIR/perf" -C "$1" -e '{msr/mperf/,msr/tsc/}' -- sleep 2
	awk -F, '$3 == "msr/mperf/" { mperf = $1 } $3 == "msr/tsc/" { tsc = $1 }
		END { if (!tsc) exit 1; printf "%.3f\n", 100 * mperf / tsc }' "$BATS_TEST_TMPDIR/perf"
}

# within VALUE LOW HIGH
within()
{
	echo "$1: expected from $2 to $3"
	awk -v v="$1" -v low="$2" -v high="$3" 'BEGIN { exit !(v != "" && v >= low && v <= high) }'
}

# insns_of_spin ITERATIONS: instructions that CPU 1 executes around and in such a spin.
insns_of_spin()
{
	local before after

	before=$(msr_read 1 "$MSR_BED_INSNS")
	taskset -c 1 spin "$1"
	after=$(msr_read 1 "$MSR_BED_INSNS")
	echo $((after - before))
}

@test "the plugin answers, and the kernel's msr PMU has mperf" {
	bed_has_mperf
	[[ -e /sys/bus/event_source/devices/msr/events/mperf ]]
	[[ -e /sys/bus/event_source/devices/msr/events/aperf ]]
}

@test "TSC is the clocksource" {
	[[ $(</sys/devices/system/clocksource/clocksource0/current_clocksource) == tsc ]]
}

@test "kvm-amd is loaded, and bpffs, tracefs and debugfs are mounted" {
	[[ -c /dev/kvm ]]
	mountpoint -q /sys/fs/bpf
	mountpoint -q /sys/kernel/tracing
	mountpoint -q /sys/kernel/debug
}

@test "MPERF of an idle CPU nearly stands still" {
	within "$(mperf_percent 1)" 0 2
}

@test "MPERF of a busy CPU is TSC within 0.1 %" {
	spin_start
	within "$(mperf_percent 1)" 99.9 100.1
}

@test "C0 and halted cycles add up to TSC" {
	local tsc mperf halted share

	tsc=$(msr_read 1 "$MSR_BED_TSC")
	mperf=$(msr_read 1 "$MSR_MPERF")
	halted=$(msr_read 1 "$MSR_BED_HALTED")
	spin_start
	sleep 1
	kill "$spin_pid"
	sleep 2
	tsc=$(($(msr_read 1 "$MSR_BED_TSC") - tsc))
	mperf=$(($(msr_read 1 "$MSR_MPERF") - mperf))
	halted=$(($(msr_read 1 "$MSR_BED_HALTED") - halted))
	share=$(awk -v a="$mperf" -v b="$halted" -v c="$tsc" 'BEGIN { print 100 * (a + b) / c }')
	# The reads are some 50 ms apart.
	within "$share" 95 105
	within "$(awk -v a="$halted" -v c="$tsc" 'BEGIN { print 100 * a / c }')" 40 75
}

@test "MPERF runs at the rate it is set to, on that CPU only" {
	spin_start
	mperf_set_rate 1 970000
	[[ $(msr_read 1 "$MSR_BED_RATE") == 970000 ]]
	[[ $(msr_read 0 "$MSR_BED_RATE") == 1000000 ]]
	within "$(mperf_percent 1)" 96.9 97.1
}

@test "MPERF stands still when stopped, and goes on from there" {
	local before after

	spin_start
	mperf_set_rate 1 0
	before=$(msr_read 1 "$MSR_MPERF")
	within "$(mperf_percent 1)" 0 0
	[[ $(msr_read 1 "$MSR_MPERF") == "$before" ]]
	mperf_set_rate 1 1000000
	within "$(mperf_percent 1)" 99.9 100.1
	after=$(msr_read 1 "$MSR_MPERF")
	((after > before))
}

@test "a rate above 2 is not taken" {
	mperf_set_rate 1 2000001
	[[ $(msr_read 1 "$MSR_BED_RATE") == 1000000 ]]
}

@test "instruction counts repeat, and are what was executed" {
	local first second twice

	(($(msr_read 1 "$MSR_BED_INSNS") > 0)) || skip "booted without --count"
	insns_of_spin 1000 >/dev/null
	first=$(insns_of_spin 100000000)
	second=$(insns_of_spin 100000000)
	twice=$(insns_of_spin 200000000)
	echo "$first $second $twice"
	within "$((first - second))" -200000 200000
	within "$((twice - first))" 199800000 200200000
}

@test "instructions by place: the kernel's sum up, and a system call is among them" {
	local insns sum

	where_reset 1
	where_write 1
	[[ -s /bed/where ]] || skip "booted without --where"
	insns=$(msr_read 1 "$MSR_BED_INSNS")
	where_reset 1
	taskset -c 1 dd if=/dev/zero of=/dev/null bs=1 count=50000 status=none
	insns=$(($(msr_read 1 "$MSR_BED_INSNS") - insns))
	where_write 1
	sum=$(awk '{ sum += $2 } END { print sum }' /bed/where)
	echo "$sum of $insns"
	# The rest is dd's own, in user space.
	within "$sum" $((insns / 2)) "$insns"
	awk 'NR == FNR { if ($3 == "ksys_read") begin = $1; next }
		$1 == begin { found = $2 } END { exit !(found >= 50000) }' /proc/kallsyms /bed/where
}

@test "L2 sees what KVM gives it, not the plugin's answers" {
	local line i

	for ((i = 0; i < 3; i++)); do
		line=$(taskset -c 1 l2probe)
		echo "$line"
		[[ $line == "cpuid6_ecx=0x0 rdmsr=exit" ]]
	done
	# And CPU 1 is L1 again: the plugin answers it, and MPERF moves.
	[[ $(msr_read 1 "$MSR_BED_ID") == "$((MSR_BED_ID_VALUE))" ]]
	spin_start
	within "$(mperf_percent 1)" 99.9 100.1
}

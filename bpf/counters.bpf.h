/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * counters.bpf.h - reads TSC and MPERF of the CPU, and converts their cycles.
 */
#ifndef COUNTERS_BPF_H
#define COUNTERS_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "gtimehalt.h"
#include "events.bpf.h"
#include "slot.bpf.h"

/* The host has two kinds of core, and the rate of MPERF differs between them. */
const volatile __u8 targ_scaled = 0;

/* Nanoseconds per TSC cycle by the scheduler's clock, in 2^-TSC_NS_SHIFT. */
const volatile __u64 targ_ns_per_tsc_cycle = 0;

/* TSC cycles per MPERF cycle on a CPU of the first kind, in 2^-TSC_PER_MPERF_SHIFT. */
const volatile __u64 targ_tsc_per_mperf = 0;

/*
 * Reads TSC first, then MPERF, at both ends of every window, so that the skew between the two
 * cancels. Sets r->tsc_cycles to 0 when a read fails.
 */
static __always_inline void read_counters(struct counter_reading *r)
{
	r->tsc_cycles = read_event(EVENT_TSC);
	r->mperf_cycles = read_event(EVENT_MPERF);
	if (is_error(r->tsc_cycles) || is_error(r->mperf_cycles)) {
		r->tsc_cycles = 0;
		COUNT(mperf_error_cnt);
	}
}

/*
 * Returns value * factor / 2^shift. Multiplies in two parts, because 64 bits do not hold the
 * product for a window that nobody reads for hours.
 */
static __always_inline __u64 multiply(__u64 value, __u64 factor, const int shift)
{
	return (value >> shift) * factor + ((value & ((1ULL << shift) - 1)) * factor >> shift);
}

static __always_inline __u64 ns_of(__u64 tsc_cycles)
{
	return multiply(tsc_cycles, targ_ns_per_tsc_cycle, TSC_NS_SHIFT);
}

/*
 * Returns how many TSC cycles of a span on a CPU of the first kind were halted; a few below 0 if
 * none were. Convert mperf_cycles by scaled() first on another kind of CPU.
 */
static __always_inline __s64 halted_cycles_of(__u64 tsc_cycles, __u64 mperf_cycles)
{
	return tsc_cycles - multiply(mperf_cycles, targ_tsc_per_mperf, TSC_PER_MPERF_SHIFT);
}

/* Converts MPERF cycles of this CPU to those of a CPU of the first kind. */
static __always_inline __u64 scaled(const struct cpu_slot *slot, __u64 mperf_cycles)
{
	if (!targ_scaled)
		return mperf_cycles;
	return multiply(mperf_cycles, slot->mperf_scale, GTIMEHALT_SCALE_SHIFT);
}

/*
 * MPERF is read twice at the end of a span that is longer than this. If MPERF stops in a shorter
 * span, the error is less than this value, and shorter spans are so frequent that they must not
 * cost more than a comparison.
 */
#define MPERF_LOOK_NS 10000000ULL

/* One further read is enough, except on Xeon Phi, where MPERF counts 1024 times slower than TSC. */
#define MPERF_LOOKS 64

/*
 * Returns whether MPERF has stopped, from mperf_cycles, a count that was just read. This code
 * itself runs in C0, in which MPERF counts. If the count does not change, MPERF has stopped, or the
 * event became stale when its CPU went offline: reads of such an event succeed.
 *
 * The function is not static, so that the verifier checks the loop once and not at each call. The
 * same holds for other functions here that take only numbers.
 */
int mperf_has_stopped(__u64 mperf_cycles);
__noinline int mperf_has_stopped(__u64 mperf_cycles)
{
#pragma clang loop unroll(disable)
	for (int i = 0; i < MPERF_LOOKS; i++) {
		__u64 cycles = read_event(EVENT_MPERF);

		if (cycles != mperf_cycles)
			return 0;
	}
	return 1;
}

#endif /* COUNTERS_BPF_H */

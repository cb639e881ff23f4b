/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * span - what one vCPU did between two snapshots. Pure arithmetic: no clock, no
 * file, no library but libc.
 *
 * With d for the difference between the snapshots:
 *
 *	wall    = d at_ns, or the vCPU's age if it is younger
 *	loaded  = d loaded_ns, clamped to 0 .. wall; wall - wait if the thread did not sleep;
 *		  d guest_ns if that is longer
 *	halted  = d measured_ns - d mperf_cycles / (mperf_ratio * tsc_per_ns), clamped to 0 .. guest
 *	guest   = d guest_ns, clamped to 0 .. loaded
 *	busy    = guest - halted
 *	host    = loaded - guest
 *	wait    = d wait_ns, clamped to 0 .. wall - loaded
 *	blocked = wall - loaded - wait
 *	idle    = halted + blocked
 *
 * where tsc_per_ns = d tsc_cycles / d mono_ns of the two snapshots. d of times by the scheduler's
 * clock (loaded_ns, measured_ns, unmeasured_ns, wait_ns) is multiplied by d mono_ns / d raw_ns, so
 * that clock steering cancels out.
 *
 * The scheduler does not count all the time in which a thread has a CPU as run time: it leaves out
 * interrupts where it accounts for them separately, and the time since the last tick. The rest of
 * wall is therefore called blocked only if the thread slept; otherwise the thread had the CPU.
 *
 * In every report loaded + wait + blocked = wall, guest + host = loaded and busy + halted = guest
 * hold to the nanosecond wherever all three values are known, also in the sums of a VM.
 * METRIC_CLAMPED_NS has what the clamps changed to achieve this. Differences are signed: a counter
 * that goes back is clamped to 0 and does not become 2^64.
 *
 * vCPUs are identified by vcpu_reading__compare(). If prev does not have a vCPU, all its sums were
 * made since prev, because the hooks were attached before prev was taken; d is then the sum itself,
 * and wall begins at prev or when the thread was created. The exception is wait_ns, which the
 * kernel counts from the creation of the thread.
 *
 * Unknown values and their causes:
 *
 *	MODE_SWITCH		guest, host, busy, entries; halted is clamped to 0 .. loaded instead
 *	no time was measured	halted and busy, if any time was loaded and there was a window
 *	the host was suspended	the same, because TSC's rate is unknown then
 *	the host halts CPUs	the same, because halts outside of its idle task look like a guest's
 *	some was unmeasured	busy; halted and idle are those of the measured part: lower bounds,
 *				too low by METRIC_UNMEASURED_NS at most
 *	halted or blocked	idle
 *	no wait_ns in prev	wait and blocked, unless the thread is younger than prev. A thread
 *				that was not `seen` in prev may have a wait_ns there. If the thread
 *				is not `seen` in cur, loaded and host are unknown too
 *	`cannot_halt`		none: halted is 0 and busy is guest by KVM's flags, not measured
 *	not `seen`		none: a vCPU that no hook saw was not loaded, so its times in the
 *				guest are a measured 0, and its thread ran in user mode alone. But
 *				all except wall, if windows were not kept for want of room
 *				(map_full_cnt, refused_window_cnt)
 *	first `seen` in cur	all except wall, if the map was full in the interval, or was full
 *				earlier and the vCPU is older: earlier windows may be missing
 *	the hooks did not run	all except wall, in an interval in which they did not or may not
 *				have run (hooks_off_cnt), and in the first later one in which a vCPU
 *				is loaded that was `stale` at its begin
 *	entry_cnt went back	entries; the clamp is in ns and cannot count them
 */
#ifndef SPAN_H
#define SPAN_H

#include <stdbool.h>
#include "report/metrics.h"
#include "report/snapshot.h"

/* The part that is the same for all vCPUs. Set by span__init(). */
struct span {
	__u64 begin_ns; /* CLOCK_MONOTONIC */
	__u64 interval_ns;
	__u64 boot_offset_ns; /* CLOCK_BOOTTIME - CLOCK_MONOTONIC */
	/*
	 * The 64-bit mantissa of x87 holds any count of cycles exactly, and the error of the
	 * conversion is far below 1 ns for any interval that fits an integer. With a double it
	 * would reach 1 ns after 3 months.
	 */
	long double ns_per_mperf_cycle;
	long double
		mono_per_raw; /* nanoseconds of CLOCK_MONOTONIC in one of the scheduler's clock */
	bool entry_mode;
	bool map_was_full;   /* at any time up to the end of the span */
	bool map_is_full;    /* within the span */
	bool hooks_were_off; /* within the span, for some of it or all */
	/*
	 * The host was suspended, so that TSC has counted, or not counted, time that
	 * CLOCK_MONOTONIC does not contain; or the host halted CPUs outside of its idle task.
	 */
	bool halts_unknown;
};

/*
 * Checks whether there can be a span from prev to cur: CLOCK_MONOTONIC must
 * increase, and so must TSC unless there was a suspend, after which TSC may
 * restart at 0. Live snapshots and recordings use this same rule.
 * Returns NULL, or a text that names the clock and the problem.
 */
const char *span__clock_problem(const struct clock_reading *prev, const struct clock_reading *cur);

/*
 * Prepares the span from prev to cur. Returns 0; or -EINVAL, with *span unchanged, if
 * span__clock_problem() finds one or mperf_ratio is not a finite number above 0.
 */
int span__init(struct span *span, const struct snapshot *prev, const struct snapshot *cur);

/*
 * Returns whether nothing but wall is known of the vCPU, because the hooks did
 * not run. `old`: see below.
 */
bool span__is_unhooked(const struct span *span, const struct vcpu_reading *old,
		       const struct vcpu_reading *now);

/*
 * Computes what the vCPU `now`, which is in cur, did in the span. `old` is the same vCPU in prev,
 * or NULL. `waited` is the reading of the same thread in prev, seen or not, or NULL.
 */
void span__account(const struct span *span, const struct vcpu_reading *old,
		   const struct vcpu_reading *waited, const struct vcpu_reading *now,
		   struct metrics *metrics);

#endif /* SPAN_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * span - what one vCPU did between two snapshots. Pure arithmetic: no clock, no file, no library but libc.
 *
 * With d for the difference between the snapshots:
 *
 *	wall    = d at_ns, or the vCPU's age when it is younger
 *	loaded  = d loaded_ns, clamped to 0 .. wall; wall - wait when the thread did not sleep at all
 *	halted  = d measured_ns - d mperf_cycles / (mperf_ratio * tsc_per_ns), clamped to 0 .. guest
 *	guest   = d guest_ns, clamped to 0 .. loaded
 *	busy    = guest - halted
 *	host    = loaded - guest
 *	wait    = d wait_ns, clamped to 0 .. wall - loaded
 *	blocked = wall - loaded - wait
 *
 * where tsc_per_ns = d tsc_cycles / d mono_ns of the two snapshots, and d of times by the scheduler's clock (loaded_ns,
 * measured_ns, unmeasured_ns, wait_ns) is multiplied by d mono_ns / d raw_ns: clock steering cancels.
 *
 * The scheduler does not count all the time that a thread has a CPU as run: not interrupts, where it tells those apart, and
 * not what has come since the last tick. What is left of wall is therefore only called blocked when the thread slept; when
 * it did not, the thread had the CPU.
 * loaded + wait + blocked = wall, guest + host = loaded and busy + halted = guest hold in every
 * report to the nanosecond, in the sums of a VM too, wherever all three are known; what it took to
 * make them hold is in METRIC_CLAMPED_NS, not lost. The differences are signed: a counter that goes
 * back is clamped at 0 like any other, it does not come out as 2^64.
 *
 * vCPUs are told apart by vcpu_reading__compare(). One that prev does not have has gathered all of
 * its sums since prev, for the hooks were there before prev was taken; d is then the sum itself, and
 * wall begins at prev or at its birth. The exception is wait_ns, which the kernel counts from the
 * birth of the thread.
 *
 * What is unknown, and why:
 *
 *	MODE_SWITCH		guest, host, busy, entries; halted is clamped to 0 .. loaded instead
 *	no time measured	halted and busy, if any time was loaded and there was a window at all
 *	the host was suspended	the same: TSC's rate is not known then
 *	the host halts CPUs	the same: outside of its idle task its halts look like a guest's
 *	some of it unmeasured	busy; halted is that of the measured part, so it is a lower bound that
 *				falls short by METRIC_UNMEASURED_NS at most
 *	no wait_ns at prev	wait and blocked, unless the thread is younger than prev. A thread that
 *				was not `seen` at prev may have one all the same
 *	not `seen`		nothing: the hooks would have seen it, so it is a measured 0. Not so when
 *				the map of vCPUs is or was full (map_full_cnt): then all but wall is
 *				unknown
 *	first `seen` in cur	the same, if the map was full in the interval, or was before and the vCPU
 *				is older: it may have had windows before for which there was no room
 *	the hooks did not run	all but wall: in an interval in which they did not, or may not have
 *				(hooks_off_cnt); and in the first one behind it in which a vCPU is loaded
 *				again that was not at its begin (`stale`)
 *	entry_cnt went back	entries; there are no nanoseconds to count it in
 */
#ifndef SPAN_H
#define SPAN_H

#include <stdbool.h>
#include "report/metrics.h"
#include "report/snapshot.h"

/* What is the same for all vCPUs. Set by span__init(). */
struct span {
	__u64 begin_ns; /* CLOCK_MONOTONIC */
	__u64 interval_ns;
	__u64 boot_offset_ns; /* CLOCK_BOOTTIME - CLOCK_MONOTONIC */
	/*
	 * Of x87's 64 bits of mantissa every count of cycles is exact, and what the conversion adds
	 * is far below 1 ns for any interval that fits an integer. A double errs by 1 ns at 3 months.
	 */
	long double ns_per_mperf_cycle;
	long double
		mono_per_raw; /* nanoseconds of CLOCK_MONOTONIC in one of the scheduler's clock */
	bool entry_mode;
	bool map_was_full;   /* up to its end */
	bool map_is_full;    /* within it */
	bool hooks_were_off; /* within it, for some time or all */
	/*
	 * Halts are not known: the host was suspended, so that TSC has counted, or has not, time that CLOCK_MONOTONIC does
	 * not know; or the host halted CPUs outside of its idle task.
	 */
	bool halts_unknown;
};

/*
 * Whether there can be a span from prev to cur: CLOCK_MONOTONIC goes on, and TSC too, but for a suspend, after which it
 * may begin at 0. The one rule for snapshots that are taken and for those that are read from a recording.
 * Returns NULL; or which clock is wrong, and how.
 */
const char *span__clock_problem(const struct clock_reading *prev, const struct clock_reading *cur);

/*
 * The span from prev to cur. Returns 0; or -EINVAL (span__clock_problem(), or mperf_ratio is not a finite number above
 * 0), and *span is left as it was.
 */
int span__init(struct span *span, const struct snapshot *prev, const struct snapshot *cur);

/* Whether nothing is known of the vCPU but that it was there, because the hooks did not run; `old` as below. */
bool span__is_unhooked(const struct span *span, const struct vcpu_reading *old,
		       const struct vcpu_reading *now);

/*
 * Sets *metrics to what the vCPU `now`, of cur, did in the span. `old` is the same vCPU in prev, or NULL; `waited` the
 * reading of the same thread there, whether it was seen then or not, or NULL.
 */
void span__account(const struct span *span, const struct vcpu_reading *old,
		   const struct vcpu_reading *waited, const struct vcpu_reading *now,
		   struct metrics *metrics);

#endif /* SPAN_H */

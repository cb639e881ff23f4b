/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * sched_clock - the clock of the scheduler and of perf (sched_clock_cpu()), in which the kernel counts what threads ran and
 * waited. On x86 it is TSC at one fixed rate, which NTP does not steer. No system call reads the clock, but perf tells how
 * it is made from TSC (struct perf_event_mmap_page, cap_user_time_zero).
 */
#ifndef SCHED_CLOCK_H
#define SCHED_CLOCK_H

#include <linux/types.h>

struct sched_clock;

/*
 * Opens the clock. Where the kernel's clock is not TSC alone, its offset stays unknown and its rate is measured, in a tenth
 * of a second. Returns 0 and *clock, which the caller ends with sched_clock__free(); or -ENOMEM.
 */
int sched_clock__new(struct sched_clock **clock);
void sched_clock__free(struct sched_clock *clock);

/* The clock less CLOCK_MONOTONIC, now, in ns. NTP changes it all the time. 0: not known, or clock is NULL. */
__s64 sched_clock__offset_ns(const struct sched_clock *clock);

/* Nanoseconds of the clock in a cycle of TSC. */
double sched_clock__ns_per_tsc_cycle(const struct sched_clock *clock);

/* TSC cycles in nanoseconds of the clock. Exact below 2^64 cycles: x87 has 64 bits of mantissa. */
static inline __u64 tsc_cycles_to_ns(__u64 cycles, double ns_per_cycle)
{
	return (__u64)((long double)cycles * ns_per_cycle + 0.5L);
}

#endif /* SCHED_CLOCK_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * sched_clock - the clock of the scheduler and of perf (sched_clock_cpu()), by which the kernel
 * counts the run and wait time of threads. On x86 the clock is TSC at one fixed rate, which NTP
 * does not steer. No system call reads the clock, but perf provides the factor and the offset by
 * which it is computed from TSC (struct perf_event_mmap_page, cap_user_time_zero).
 */
#ifndef SCHED_CLOCK_H
#define SCHED_CLOCK_H

#include <linux/types.h>

struct sched_clock;

/*
 * Opens the clock. If the kernel's clock is not TSC alone, its offset stays unknown and its rate is
 * measured, which takes a tenth of a second. Returns 0 and *clock, which the caller frees with
 * sched_clock__free(); or -ENOMEM.
 */
int sched_clock__new(struct sched_clock **clock);
void sched_clock__free(struct sched_clock *clock);

/*
 * Returns the current value of the clock less CLOCK_MONOTONIC, in ns; 0: unknown, or clock is NULL.
 * NTP changes the difference all the time.
 */
__s64 sched_clock__offset_ns(const struct sched_clock *clock);

/* Returns nanoseconds of the clock per TSC cycle. */
double sched_clock__ns_per_tsc_cycle(const struct sched_clock *clock);

/*
 * Converts TSC cycles to nanoseconds of the clock. Exact below 2^64 cycles: x87 has 64 bits of
 * mantissa.
 */
static inline __u64 tsc_cycles_to_ns(__u64 cycles, double ns_per_cycle)
{
	return (__u64)((long double)cycles * ns_per_cycle + 0.5L);
}

#endif /* SCHED_CLOCK_H */

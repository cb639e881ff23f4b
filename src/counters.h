/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * counters - the perf msr PMU's mperf event, opened once on each CPU.
 *
 * MPERF counts in C0 only, at a fixed rate (Intel SDM volume 3, "Hardware Feedback: IA32_MPERF and
 * IA32_APERF"). The msr PMU reads it in place, needs no hardware counter and is never multiplexed
 * (arch/x86/events/msr.c), so one event a CPU serves all threads.
 */
#ifndef COUNTERS_H
#define COUNTERS_H

struct counters;
struct hostfs;

/*
 * Opens MPERF on every CPU that is online, of cpu_cnt possible ones.
 * Returns 0 and *counters, which the caller ends with counters__free(); -EOPNOTSUPP, with the reason
 * logged, when there is no MPERF; or another -errno, logged.
 */
int counters__new(const struct hostfs *fs, int cpu_cnt, struct counters **counters);
void counters__free(struct counters *counters);

/* The CPU's event, owned by counters; -1 when the CPU was offline when it was last opened. */
int counters__fd(const struct counters *counters, int cpu);

/*
 * Opens the CPU's event anew: after a CPU was offline its event is stale, and reads with success.
 * Returns the new descriptor, owned by counters, or -errno (-ENODEV: the CPU is offline).
 */
int counters__reopen(struct counters *counters, int cpu);

#endif /* COUNTERS_H */

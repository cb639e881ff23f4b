/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * counters - the tsc and mperf events of the perf msr PMU, opened once on each CPU.
 *
 * MPERF counts in C0 only, at a fixed rate (Intel SDM volume 3, "Hardware Feedback: IA32_MPERF and
 * IA32_APERF"). The msr PMU reads it in place, needs no hardware counter and is never multiplexed
 * (arch/x86/events/msr.c), so one pair of events a CPU serves all threads.
 */
#ifndef COUNTERS_H
#define COUNTERS_H

#include <linux/types.h>
#include "gtimehalt.h"

struct counters;
struct hostfs;

/*
 * Opens both on every CPU that is online, of cpu_cnt possible ones.
 * Returns 0 and *counters, which the caller ends with counters__free(); -EOPNOTSUPP, with the reason
 * logged, when there is no MPERF; or another -errno, logged.
 */
int counters__new(const struct hostfs *fs, int cpu_cnt, struct counters **counters);

/* The same without opening any: counters__reopen() does, when a CPU's is wanted. */
int counters__new_closed(const struct hostfs *fs, int cpu_cnt, struct counters **counters);
void counters__free(struct counters *counters);

/* The CPU's MPERF event, owned by counters; -1 when the CPU was offline when it was last opened. */
int counters__fd(const struct counters *counters, int cpu);

/* Puts both events of the CPU into the event array of the BPF programs, if they are open. Returns 0 or -errno. */
int counters__hand_over(const struct counters *counters, int cpu, int map_fd);

/*
 * From here on a process of its own opens events anew, so that this one can give up the right to; see opener.h,
 * also for when this is to be called, and for the user that it becomes. Returns 0 or -errno, logged.
 */
int counters__start_opener(struct counters *counters, const char *user);

/*
 * Reopens the CPU's events: after a CPU was offline they are stale, and read with success.
 * Returns 0 or -errno (-ENODEV: the CPU is offline).
 */
int counters__reopen(struct counters *counters, int cpu);

/*
 * Whether MPERF of the CPU stands still: two reads of its event are the same. Each interrupts the CPU, which is then in
 * C0, whatever runs there. 1, 0, or -errno (-ENODEV: the CPU is offline, or was when its event was last opened).
 */
int counters__stand_still(const struct counters *counters, int cpu);

/* TSC and MPERF of one CPU, read together. */
struct counter_pair {
	int fds[EVENT_CNT_PER_CPU];
};

struct pair_reading {
	__u64 tsc_cycles, mperf_cycles; /* since the pair was opened */
};

/*
 * Opens both events of a CPU: a single read(2) reads them one right after the other
 * with interrupts off, always in the same order, so the skew between them cancels in differences.
 * Returns 0, and the caller ends the pair with counter_pair__close(); or -errno, and nothing is open.
 */
int counter_pair__open(const struct counters *counters, int cpu, struct counter_pair *pair);
void counter_pair__close(struct counter_pair *pair);

/* Returns 0 or -errno. On another CPU than the pair's it costs an inter-processor interrupt. */
int counter_pair__read(const struct counter_pair *pair, struct pair_reading *reading);

#endif /* COUNTERS_H */

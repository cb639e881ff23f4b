/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * perf_events - the tsc and mperf events of the perf msr PMU, opened once on each CPU.
 *
 * MPERF counts only in C0, at a fixed rate (Intel SDM volume 3, "Hardware Feedback: IA32_MPERF and
 * IA32_APERF"). The msr PMU reads the register itself, needs no hardware counter and is never
 * multiplexed (arch/x86/events/msr.c), so one pair of events on each CPU serves all threads.
 */
#ifndef PERF_EVENTS_H
#define PERF_EVENTS_H

#include <linux/types.h>
#include "gtimehalt.h"

struct perf_events;
struct hostfs;
struct perf_helper_ops;

/*
 * Opens both events on every online CPU, of cpu_cnt possible ones.
 * Returns 0 and *events, which the caller frees with perf_events__free(); -EOPNOTSUPP, logged with
 * the reason, when there is no MPERF; or another -errno, logged.
 */
int perf_events__new(const struct hostfs *fs, int cpu_cnt, struct perf_events **events);

/*
 * As perf_events__new(), but opens no event; perf_events__reopen() opens a CPU's events when they
 * are needed.
 */
int perf_events__new_closed(const struct hostfs *fs, int cpu_cnt, struct perf_events **events);
void perf_events__free(struct perf_events *events);

/*
 * Returns the CPU's MPERF event, owned by *events; -1 when the CPU was offline when it was last
 * opened.
 */
int perf_events__fd(const struct perf_events *events, int cpu);

/*
 * Stores both events of the CPU, if they are open, in the event array of the BPF programs. Returns
 * 0 or -errno.
 */
int perf_events__hand_over(const struct perf_events *events, int cpu, int map_fd);

/*
 * Starts a helper process that reopens events from now on, so that this process can give up the
 * right to do so. See perf_helper.h for when to call this, and for the user that the helper
 * becomes. Returns 0 or -errno, logged.
 */
int perf_events__start_helper(struct perf_events *events, const struct perf_helper_ops *ops,
			      const char *user);

/*
 * Reopens the CPU's events: after the CPU was offline they are stale, but reads still succeed.
 * Returns 0 or -errno (-ENODEV: the CPU is offline).
 */
int perf_events__reopen(struct perf_events *events, int cpu);

/*
 * Returns 1 if MPERF of the CPU has stopped, because two reads of its event are the same; 0 if
 * MPERF counts; or -errno (-ENODEV: the CPU is offline, or was when its event was last opened).
 * Each read interrupts the CPU, which is then in C0 regardless of what runs there.
 */
int perf_events__have_stopped(const struct perf_events *events, int cpu);

/* TSC and MPERF of one CPU, read together. */
struct perf_pair {
	int fds[EVENT_CNT_PER_CPU];
};

struct pair_reading {
	__u64 tsc_cycles, mperf_cycles; /* since the pair was opened */
};

/*
 * Opens both events of a CPU as a pair: one read(2) reads them one right after the other, with
 * interrupts off and always in the same order, so that the skew between them cancels in
 * differences.
 * Returns 0, and the caller closes the pair with perf_pair__close(); or -errno, and nothing is
 * open.
 */
int perf_pair__open(const struct perf_events *events, int cpu, struct perf_pair *pair);
void perf_pair__close(struct perf_pair *pair);

/*
 * Reads a pair. Costs an inter-processor interrupt on any other CPU than the pair's. Returns 0 or
 * -errno.
 */
int perf_pair__read(const struct perf_pair *pair, struct pair_reading *reading);

#endif /* PERF_EVENTS_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * load - how busy the vCPUs on each CPU were between two snapshots. Pure arithmetic.
 */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <linux/types.h>

struct snapshot;

struct cpu_load {
	/*
	 * False when the CPU was offline at either end, when its MPERF did not read or did not count, or when
	 * the interval has windows that were not seen.
	 */
	bool known;
	__u64 window_ns; /* in which a vCPU was loaded on the CPU */
	/*
	 * C0 time of these windows over window_ns, 0 to 1. A share of the loaded time: a busy vCPU beside a
	 * busy task is 1, not one half. Undefined when window_ns is 0.
	 */
	double busy_share;
};

/*
 * Sets loads[0 .. cpu_cnt - 1] from two snapshots that have CPUs, of the same measurement. Nothing is known when
 * there can be no span from prev to cur.
 */
void load__measure(const struct snapshot *prev, const struct snapshot *cur, struct cpu_load *loads,
		   int cpu_cnt);

#endif /* LOAD_H */

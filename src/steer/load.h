/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * load - how busy the vCPUs on each CPU were in an interval. Pure.
 */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <linux/types.h>

struct report;

struct cpu_load {
	bool known;
	/*
	 * Sums over the vCPUs whose threads are on the CPU at the end of the interval. busy_ns is
	 * the loaded time in which they were not halted: a polling vCPU that shares its CPU with
	 * another busy task is loaded for half of the time, and busy for all of its loaded time.
	 */
	__u64 loaded_ns;
	__u64 busy_ns;
};

/*
 * Computes loads[0 .. cpu_cnt - 1]. cpu_of[i] is the CPU of report->vcpus[i], negative when the
 * thread has ended. The load of a CPU without a vCPU is known to be 0. The load of a CPU is unknown
 * when the loaded or halted time of one of its vCPUs is unknown.
 */
void load__measure(const struct report *report, const int *cpu_of, struct cpu_load *loads,
		   int cpu_cnt);

#endif /* LOAD_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * load - how busy the vCPUs on each CPU were in an interval. Pure arithmetic.
 */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <linux/types.h>

struct report;

struct cpu_load {
	bool known;
	/* The vCPUs that are on the CPU at the end of the interval were: */
	__u64 loaded_ns;
	__u64 busy_ns; /* and not halted: half of the time for a busy vCPU beside a busy task */
};

/*
 * Sets loads[0 .. cpu_cnt - 1]. cpu_of has the CPU of each of report->vcpus, below 0 for a thread
 * that has ended. A CPU without a vCPU is known, and its load is 0. A CPU is unknown when it is
 * unknown how long one of its vCPUs was halted.
 */
void load__measure(const struct report *report, const int *cpu_of, struct cpu_load *loads,
		   int cpu_cnt);

#endif /* LOAD_H */

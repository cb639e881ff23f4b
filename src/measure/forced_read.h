/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * forced_read - runs a BPF program on a chosen CPU, and for --check fetches what it found there.
 *
 * Each read interrupts its CPU, which costs a vCPU that runs there one VM exit.
 */
#ifndef FORCED_READ_H
#define FORCED_READ_H

#include <linux/types.h>

struct snapshot;

/* Returns what the program answers, or -errno; -ENXIO when the CPU is offline. */
int forced_read__run(int prog_fd, int cpu);

/*
 * Runs take_accounts on all entries up to the highest index that was seen, and behind it as long as there are any: new ones
 * are handed out from below. Returns 0 or -errno.
 */
int forced_read__accounts(int prog_fd, __u32 highest_index);

/*
 * Runs check_read on the CPU and adds the reading to the snapshot; none when the CPU is offline or its
 * MPERF does not read. map_fd is that of cpu_accounts, mperf_ratio that of the CPU's kind of core.
 * Returns 0 or -errno.
 */
int forced_read__account(int prog_fd, int map_fd, int cpu, double mperf_ratio,
			 struct snapshot *snap);

#endif /* FORCED_READ_H */

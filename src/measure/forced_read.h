/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * forced_read - runs a BPF program on a chosen CPU, and for --check fetches what it found there.
 *
 * Each read interrupts its CPU, which costs a vCPU that runs there one VM exit.
 */
#ifndef FORCED_READ_H
#define FORCED_READ_H

#include <linux/types.h>

struct cpu_account;

/*
 * Runs forced_read or check_read on the CPU. sched_offset_ns: sched_clock__offset_ns(), 0: not known.
 * Returns what the program answers, or -errno; -ENXIO when the CPU is offline.
 */
int forced_read__run(int prog_fd, int cpu, __s64 sched_offset_ns);

/*
 * Runs take_accounts on all entries up to the highest index that was seen, and behind it as long as there are any: new ones
 * are handed out from below. What a forced read has taken since since_ns (CLOCK_MONOTONIC) stays. Returns 0 or -errno.
 */
int forced_read__accounts(int prog_fd, __u32 highest_index, __u64 since_ns, __s64 sched_offset_ns);

/*
 * Runs check_read on the CPU and fetches its account. map_fd: cpu_accounts.
 * Returns 1; 0 when the CPU is offline or its counters do not read; or -errno.
 */
int forced_read__account(int prog_fd, int map_fd, int cpu, __s64 sched_offset_ns,
			 struct cpu_account *account);

#endif /* FORCED_READ_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * forced_read - runs a BPF program on a chosen CPU, and for --check gets the account that it took
 * there.
 *
 * Each read interrupts its CPU, which costs a vCPU that runs there one VM exit.
 */
#ifndef FORCED_READ_H
#define FORCED_READ_H

#include <linux/types.h>

struct cpu_account;

/*
 * Runs forced_read or check_read on the CPU. sched_offset_ns: sched_clock__offset_ns(), 0: unknown.
 * Returns the enum forced_read of the program, or -errno; -ENXIO when the CPU is offline.
 */
int forced_read__run(int prog_fd, int cpu, __s64 sched_offset_ns);

/*
 * Runs take_accounts on all entries up to the highest index that was seen, and beyond it while
 * entries are in use there: new entries get the lowest free index. Accounts taken at since_ns
 * (CLOCK_MONOTONIC) or later are kept. Returns 0 or -errno.
 */
int forced_read__accounts(int prog_fd, __u32 highest_index, __u64 since_ns, __s64 sched_offset_ns);

/*
 * Runs check_read on the CPU and gets its account. map_fd: cpu_accounts.
 * Returns 1; 0 when the CPU is offline or its counters cannot be read; or -errno.
 */
int forced_read__account(int prog_fd, int map_fd, int cpu, __s64 sched_offset_ns,
			 struct cpu_account *account);

#endif /* FORCED_READ_H */

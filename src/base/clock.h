/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * clock - read the host's clocks, including TSC, at one moment.
 */
#ifndef CLOCK_H
#define CLOCK_H

#include <linux/types.h>

/* All clocks at one moment. */
struct clock_reading {
	__u64 mono_ns;    /* CLOCK_MONOTONIC */
	__u64 boot_ns;    /* CLOCK_BOOTTIME, for the age of threads */
	__u64 real_ns;    /* CLOCK_REALTIME, only for display */
	__u64 tsc_cycles; /* TSC at mono_ns */
	/*
	 * CLOCK_MONOTONIC_RAW: like the clock of perf and the scheduler, TSC at a fixed rate that
	 * NTP does not steer. 0: unknown; times by the scheduler's clock are then used unconverted.
	 */
	__u64 raw_ns;
};

/*
 * Reads all clocks as close together as possible: TSC between two reads of CLOCK_MONOTONIC, several
 * times, and the fastest attempt is used.
 */
void clock__read(struct clock_reading *clock);

/* Returns CLOCK_MONOTONIC. */
__u64 clock__now_ns(void);

#endif /* CLOCK_H */

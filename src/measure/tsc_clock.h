/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * tsc_clock - tells the BPF side what TSC is in CLOCK_MONOTONIC (struct tsc_clock in gtimehalt.h).
 */
#ifndef TSC_CLOCK_H
#define TSC_CLOCK_H

#include <linux/types.h>
#include "base/clock.h"

struct tsc_clock;

struct tsc_clock_feed {
	struct tsc_clock *clocks; /* two, in the BPF side's memory */
	__u32 *index;             /* of the one that is in use */
	struct clock_reading opened_at;
};

/* Over the time since opened_at: the longer that is, the more exact. */
double tsc_clock__ns_per_cycle(const struct tsc_clock_feed *feed, const struct clock_reading *now);

/* Fills the clock that is not in use, for the BPF side may be reading the other, and turns to it. */
void tsc_clock__put(const struct tsc_clock_feed *feed, const struct clock_reading *now);

#endif /* TSC_CLOCK_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * clock - the host's clocks at one moment, TSC among them.
 */
#ifndef CLOCK_H
#define CLOCK_H

#include "report/snapshot.h"

/*
 * Reads all clocks as close together as the scheduler allows: TSC between two readings of
 * CLOCK_MONOTONIC, and again when those are far apart.
 */
void clock__read(struct clock_reading *clock);

/* CLOCK_MONOTONIC. */
__u64 clock__now_ns(void);

#endif /* CLOCK_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * metrics - the values that are shown for a vCPU, and summed for its VM.
 */
#ifndef METRICS_H
#define METRICS_H

#include <linux/types.h>
#include <stdint.h>

enum metric {
	METRIC_WALL_NS,
	METRIC_LOADED_NS,
	METRIC_HALTED_NS,
	METRIC_GUEST_NS,
	METRIC_BUSY_NS,
	METRIC_HOST_NS,
	METRIC_WAIT_NS,
	METRIC_BLOCKED_NS,
	METRIC_ENTRY_CNT,
	METRIC_CLAMPED_NS, /* sum of what all clamps added or took away */
	/* loaded time without MPERF, an upper bound: its halted part is unknown */
	METRIC_UNMEASURED_NS,
	METRIC_IDLE_NS, /* halted + blocked: what the guest did not use */
	METRIC_CNT,
};

/*
 * A value that was not measured; it is never replaced by 0. A sum is unknown if one of its terms
 * is, or if it overflows.
 */
#define METRIC_UNKNOWN UINT64_MAX

struct metrics {
	__u64 value[METRIC_CNT];
};

/* Makes all values unknown. */
static inline void metrics__forget(struct metrics *metrics)
{
	for (int i = 0; i < METRIC_CNT; i++)
		metrics->value[i] = METRIC_UNKNOWN;
}

#endif /* METRICS_H */

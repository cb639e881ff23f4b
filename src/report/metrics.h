/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * metrics - what is shown of a vCPU, and in sum of its VM.
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
	METRIC_CLAMPED_NS,    /* sum of what every clamp took away or added */
	METRIC_UNMEASURED_NS, /* loaded time without MPERF, at most: its halted part is not known */
	METRIC_CNT,
};

/*
 * Not measured. Never zero in its place. Unknown in a sum makes the sum unknown, and so does a sum
 * that does not fit.
 */
#define METRIC_UNKNOWN UINT64_MAX

struct metrics {
	__u64 value[METRIC_CNT];
};

/* All of them are unknown then. */
static inline void metrics__forget(struct metrics *metrics)
{
	for (int i = 0; i < METRIC_CNT; i++)
		metrics->value[i] = METRIC_UNKNOWN;
}

#endif /* METRICS_H */

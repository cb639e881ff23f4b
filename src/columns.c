// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "columns.h"

#define IN_ENTRY  (1U << MODE_ENTRY)
#define IN_SWITCH (1U << MODE_SWITCH)
#define IN_BOTH   (IN_ENTRY | IN_SWITCH)

/* JSON has all columns in this order, the table those that have a heading and are in its mode. */
const struct column_def column_defs[COLUMN_CNT] = {
	[COLUMN_HALTED] = { "halted_ns", "HALTED%", 7, UNIT_SHARE, METRIC_HALTED_NS, IN_BOTH },
	[COLUMN_LOADED] = { "loaded_ns", "LOADED%", 7, UNIT_SHARE, METRIC_LOADED_NS, IN_SWITCH },
	[COLUMN_GUEST] = { "guest_ns", .metric = METRIC_GUEST_NS },
	[COLUMN_BUSY] = { "busy_ns", "BUSY%", 5, UNIT_SHARE, METRIC_BUSY_NS, IN_ENTRY },
	[COLUMN_HOST] = { "host_ns", "HOST%", 5, UNIT_SHARE, METRIC_HOST_NS, IN_ENTRY },
	[COLUMN_WAIT] = { "wait_ns", "WAIT%", 5, UNIT_SHARE, METRIC_WAIT_NS, IN_BOTH },
	[COLUMN_BLOCKED] = { "blocked_ns", "BLOCK%", 6, UNIT_SHARE, METRIC_BLOCKED_NS, IN_BOTH },
	[COLUMN_ENTRIES] = { "entries", "ENTRIES/s", 9, UNIT_RATE, METRIC_ENTRY_CNT, IN_ENTRY },
	[COLUMN_WALL] = { "wall_ns", .metric = METRIC_WALL_NS },
	[COLUMN_CLAMPED] = { "clamped_ns", .metric = METRIC_CLAMPED_NS },
	[COLUMN_UNMEASURED] = { "unmeasured_ns", .metric = METRIC_UNMEASURED_NS },
};
_Static_assert((int)COLUMN_CNT == (int)METRIC_CNT, "every metric has its column");

const struct failure_def failure_defs[FAILURE_CNT] = {
	{ "lost_windows", "windows lost, their time is missing",
	  offsetof(struct health, lost_window_cnt) },
	{ "mperf_errors", "MPERF reads failed", offsetof(struct health, mperf_error_cnt) },
	{ "map_full", "windows of vCPUs for which there was no room",
	  offsetof(struct health, map_full_cnt) },
};
_Static_assert(sizeof(struct health) == FAILURE_CNT * sizeof(__u64), "every failure is shown");

unsigned int instance_of(const struct report *report, size_t vm)
{
	unsigned int instance = 1;

	for (; vm > 0 && report->vms[vm - 1].pid == report->vms[vm].pid; vm--)
		instance++;
	return instance;
}

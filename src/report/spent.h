/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * spent - what the wall time of all vCPUs of a report was spent on. Pure.
 *
 * A sum of metrics is unknown as soon as one vCPU's is. Here each part has what is known of it, and
 * the time of which nothing is known is a part of its own. The parts add up to wall_ns.
 */
#ifndef SPENT_H
#define SPENT_H

#include "report/account.h"

struct spent {
	__u64 wall_ns;
	__u64 idle_ns; /* halted or blocked */
	__u64 halted_ns;
	__u64 busy_ns; /* METRIC_UNKNOWN in MODE_SWITCH, like host_ns */
	__u64 host_ns;
	__u64 used_ns; /* busy + host; in MODE_SWITCH loaded and not halted */
	__u64 wait_ns;
	__u64 unknown_ns;
};

struct spent spent__of(const struct report *report);

/*
 * Adds what a vCPU's time was spent on, which is `value`, in a report of this mode. busy_ns and
 * host_ns must be known; in MODE_SWITCH nothing is added to them.
 */
void spent__add(struct spent *spent, const __u64 *value, enum measure_mode mode);

#endif /* SPENT_H */

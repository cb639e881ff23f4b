// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "report/spent.h"

static __u64 known_or_0(__u64 value)
{
	return value == METRIC_UNKNOWN ? 0 : value;
}

/* Adds a part of what is left of a vCPU's wall time. A hostile recording may claim more. */
static void take(__u64 part_ns, __u64 *left_ns, __u64 *sum_ns)
{
	part_ns = part_ns < *left_ns ? part_ns : *left_ns;
	*left_ns -= part_ns;
	*sum_ns += part_ns;
}

void spent__add(struct spent *spent, const __u64 *value, enum measure_mode mode)
{
	__u64 left_ns = known_or_0(value[METRIC_WALL_NS]), halted_ns = 0, wall_ns;

	if (__builtin_add_overflow(spent->wall_ns, left_ns, &wall_ns))
		return;
	spent->wall_ns = wall_ns;
	take(known_or_0(value[METRIC_HALTED_NS]), &left_ns, &halted_ns);
	spent->halted_ns += halted_ns;
	spent->idle_ns += halted_ns;
	take(known_or_0(value[METRIC_BLOCKED_NS]), &left_ns, &spent->idle_ns);
	take(known_or_0(value[METRIC_WAIT_NS]), &left_ns, &spent->wait_ns);
	if (mode == MODE_ENTRY) {
		take(known_or_0(value[METRIC_BUSY_NS]), &left_ns, &spent->busy_ns);
		take(known_or_0(value[METRIC_HOST_NS]), &left_ns, &spent->host_ns);
		spent->used_ns = spent->busy_ns + spent->host_ns;
	} else if (value[METRIC_HALTED_NS] != METRIC_UNKNOWN &&
		   value[METRIC_LOADED_NS] != METRIC_UNKNOWN && !value[METRIC_UNMEASURED_NS]) {
		take(value[METRIC_LOADED_NS] - value[METRIC_HALTED_NS], &left_ns, &spent->used_ns);
	}
	spent->unknown_ns += left_ns;
}

struct spent spent__of(const struct report *report)
{
	struct spent spent = { 0 };

	for (size_t i = 0; i < report->vcpu_cnt; i++)
		spent__add(&spent, report->vcpus[i].metrics.value, report->mode);
	if (report->mode != MODE_ENTRY) {
		spent.busy_ns = METRIC_UNKNOWN;
		spent.host_ns = METRIC_UNKNOWN;
	}
	return spent;
}

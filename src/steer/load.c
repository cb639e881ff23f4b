// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stddef.h>
#include "report/account.h"
#include "steer/load.h"

static void add_vcpu(const __u64 *value, struct cpu_load *load)
{
	__u64 loaded_ns = value[METRIC_LOADED_NS], halted_ns = value[METRIC_HALTED_NS];

	if (loaded_ns == METRIC_UNKNOWN || halted_ns == METRIC_UNKNOWN) {
		load->known = false;
		return;
	}
	/* Unmeasured time counts as busy, because it makes halted_ns a lower bound. */
	load->loaded_ns += loaded_ns;
	load->busy_ns += loaded_ns - halted_ns;
}

void load__measure(const struct report *report, const int *cpu_of, struct cpu_load *loads,
		   int cpu_cnt)
{
	for (int cpu = 0; cpu < cpu_cnt; cpu++)
		loads[cpu] = (struct cpu_load){ .known = true };
	for (size_t i = 0; i < report->vcpu_cnt; i++)
		if (cpu_of[i] >= 0 && cpu_of[i] < cpu_cnt)
			add_vcpu(report->vcpus[i].metrics.value, &loads[cpu_of[i]]);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stddef.h>
#include "report/snapshot.h"
#include "report/span.h"
#include "steer/load.h"

static struct cpu_load measure_cpu(const struct cpu_reading *old, const struct cpu_reading *now,
				   long double ns_per_mperf_cycle)
{
	__s64 window_ns = (__s64)(now->window_ns - old->window_ns);
	struct cpu_load load = { .window_ns = window_ns > 0 ? (__u64)window_ns : 0 };
	long double busy_ns;

	/* The reading itself runs in C0: an MPERF that did not grow stands, or was opened again. */
	load.known = now->at_ns > old->at_ns && window_ns >= 0 &&
		     (__s64)(now->mperf_cycles - old->mperf_cycles) > 0;
	if (!load.known || !load.window_ns)
		return load;
	busy_ns = (long double)(__s64)(now->window_mperf_cycles - old->window_mperf_cycles) *
		  ns_per_mperf_cycle;
	load.busy_share = (double)(busy_ns / (long double)window_ns);
	/* VM entry and exit are in the windows: rounding may put the share above 1, by a hair. */
	if (load.busy_share > 1)
		load.busy_share = 1;
	if (load.busy_share < 0)
		load.known = false;
	return load;
}

/* Windows of that interval are missing, and the CPUs that they were on are not known. */
static bool lacks_windows(const struct span *span, const struct snapshot *prev,
			  const struct snapshot *cur)
{
	return span->hooks_were_off || span->map_is_full || span->was_suspended ||
	       cur->health.lost_window_cnt != prev->health.lost_window_cnt;
}

void load__measure(const struct snapshot *prev, const struct snapshot *cur, struct cpu_load *loads,
		   int cpu_cnt)
{
	const struct cpu_reading *old = prev->cpus, *old_end = old + prev->cpu_cnt;
	struct span span;

	for (int cpu = 0; cpu < cpu_cnt; cpu++)
		loads[cpu] = (struct cpu_load){ .known = false };
	if (span__init(&span, prev, cur) || lacks_windows(&span, prev, cur))
		return;
	for (size_t i = 0; i < cur->cpu_cnt; i++) {
		const struct cpu_reading *now = &cur->cpus[i];

		while (old < old_end && old->cpu < now->cpu)
			old++;
		/* span has the rate of the first kind of core. */
		if (old < old_end && old->cpu == now->cpu && now->cpu < cpu_cnt)
			loads[now->cpu] = measure_cpu(old, now,
						      span.ns_per_mperf_cycle * cur->mperf_ratio /
							      now->mperf_ratio);
	}
}

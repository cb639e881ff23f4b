// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "gtimehalt.h"
#include "measure/tsc_clock.h"

double tsc_clock__ns_per_cycle(const struct tsc_clock_feed *feed, const struct clock_reading *now)
{
	/* TSC goes on while the host is suspended; CLOCK_MONOTONIC does not. */
	return (double)(now->boot_ns - feed->opened_at.boot_ns) /
	       (double)(now->tsc_cycles - feed->opened_at.tsc_cycles);
}

void tsc_clock__put(const struct tsc_clock_feed *feed, const struct clock_reading *now)
{
	double ns_per_cycle = tsc_clock__ns_per_cycle(feed, now);
	__u32 next = !*feed->index;

	feed->clocks[next] = (struct tsc_clock){
		.tsc_cycles = now->tsc_cycles,
		.mono_ns = now->mono_ns,
		.ns_per_cycle = (__u64)(ns_per_cycle * (1 << TSC_CLOCK_SHIFT) + 0.5),
	};
	__atomic_store_n(feed->index, next, __ATOMIC_RELEASE);
}

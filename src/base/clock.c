// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdint.h>
#include <time.h>
#include <x86intrin.h>
#include "base/clock.h"

/*
 * Number of attempts, of which the fastest is used, because this thread may be
 * preempted between two reads.
 */
#define CLOCK_TRIES 9

static __u64 now_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (__u64)ts.tv_sec * 1000000000ULL + (__u64)ts.tv_nsec;
}

void clock__read(struct clock_reading *clock)
{
	__u64 best_ns = UINT64_MAX;

	for (int i = 0; i < CLOCK_TRIES; i++) {
		__u64 before_ns = now_ns(CLOCK_MONOTONIC);
		__u64 tsc_cycles = __rdtsc();
		__u64 width_ns = now_ns(CLOCK_MONOTONIC) - before_ns;
		__u64 raw_ns = now_ns(CLOCK_MONOTONIC_RAW);
		__u64 boot_ns = now_ns(CLOCK_BOOTTIME);
		__u64 real_ns = now_ns(CLOCK_REALTIME);
		__u64 all_ns = now_ns(CLOCK_MONOTONIC) - before_ns;

		/*
		 * Compare all of the reads, because the difference between CLOCK_BOOTTIME and
		 * CLOCK_MONOTONIC is also used: it shows whether there was a suspend.
		 */
		if (all_ns >= best_ns)
			continue;
		best_ns = all_ns;
		clock->mono_ns = before_ns + width_ns / 2;
		clock->tsc_cycles = tsc_cycles;
		clock->raw_ns = raw_ns;
		clock->boot_ns = boot_ns;
		clock->real_ns = real_ns;
	}
}

__u64 clock__now_ns(void)
{
	return now_ns(CLOCK_MONOTONIC);
}

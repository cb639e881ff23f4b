// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "measure/sched_clock.h"

/*
 * Time over which TSC is compared to CLOCK_MONOTONIC_RAW where the kernel does not provide its
 * rate.
 */
#define RATE_SPAN_NS 100000000ULL

struct sched_clock {
	/* ns = time_zero + (TSC cycles * time_mult >> time_shift). time_mult 0: not provided. */
	__u64 time_zero;
	__u32 time_mult;
	__u16 time_shift;
	double ns_per_cycle;
};

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/*
 * Reads the clock's parameters from the page of an event of this process that counts nothing. They
 * are the same in every event's page, and constant while TSC has its rate. The kernel writes the
 * page when it maps it and when the thread gets a CPU, between two increments of `lock`. The event
 * must not stay: while an event of a task exists, the kernel runs perf's part of each thread
 * switch, on all CPUs (perf_sched_events in kernel/events/core.c).
 */
static void read_parameters(struct sched_clock *clock)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_DUMMY,
		.exclude_kernel = 1,
	};
	long fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	const volatile struct perf_event_mmap_page *page;
	void *mapped;

	if (fd < 0)
		return;
	mapped = mmap(NULL, page_size(), PROT_READ, MAP_SHARED, (int)fd, 0);
	close((int)fd);
	if (mapped == MAP_FAILED)
		return;
	page = mapped;
	if (page->cap_user_time && page->cap_user_time_zero) {
		__u32 lock;

		do {
			lock = page->lock;
			__sync_synchronize();
			clock->time_zero = page->time_zero;
			clock->time_mult = page->time_mult;
			clock->time_shift = page->time_shift;
			__sync_synchronize();
		} while (page->lock != lock || lock & 1);
	}
	munmap(mapped, page_size());
}

static double measure_rate(void)
{
	struct clock_reading first, now;

	clock__read(&first);
	do
		clock__read(&now);
	while (now.raw_ns - first.raw_ns < RATE_SPAN_NS);
	return (double)(now.raw_ns - first.raw_ns) / (double)(now.tsc_cycles - first.tsc_cycles);
}

int sched_clock__new(struct sched_clock **out)
{
	struct sched_clock *clock = calloc(1, sizeof(*clock));

	if (!clock)
		return -ENOMEM;
	read_parameters(clock);
	if (clock->time_mult) {
		clock->ns_per_cycle =
			(double)clock->time_mult / (double)(1ULL << clock->time_shift);
	} else {
		pr_info("the scheduler's clock is not TSC alone: its rate is measured, and the run time "
			"of running threads is known only up to the last tick");
		clock->ns_per_cycle = measure_rate();
	}
	*out = clock;
	return 0;
}

void sched_clock__free(struct sched_clock *clock)
{
	free(clock);
}

__s64 sched_clock__offset_ns(const struct sched_clock *clock)
{
	struct clock_reading now;
	unsigned __int128 ns;

	if (!clock || !clock->time_mult)
		return 0;
	clock__read(&now);
	ns = (unsigned __int128)now.tsc_cycles * clock->time_mult >> clock->time_shift;
	return (__s64)(clock->time_zero + (__u64)ns - now.mono_ns);
}

double sched_clock__ns_per_tsc_cycle(const struct sched_clock *clock)
{
	return clock->ns_per_cycle;
}

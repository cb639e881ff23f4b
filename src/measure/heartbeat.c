// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <x86intrin.h>
#include "base/clock.h"
#include "gtimehalt.h"
#include "measure/counters.h"
#include "measure/heartbeat.h"

/* Of so many tries the shortest is the least disturbed. */
#define BASE_TRIES 16

static int open_timer(int cpu)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = HEARTBEAT_NS,
	};
	long fd = syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : (int)fd;
}

/* The event counts from its opening on: what TSC was then. */
static int find_base(int tsc_fd, __u64 *base_cycles)
{
	__u64 shortest = UINT64_MAX;

	for (int i = 0; i < BASE_TRIES; i++) {
		__u64 cnt, before = __rdtsc(), after;
		ssize_t n = read(tsc_fd, &cnt, sizeof(cnt));

		after = __rdtsc();
		if (n != sizeof(cnt))
			return n < 0 ? -errno : -EIO;
		if (after - before >= shortest)
			continue;
		shortest = after - before;
		*base_cycles = before + shortest / 2 - cnt;
	}
	return 0;
}

static int put_tsc(const struct heartbeat *heartbeat, const struct counters *counters, int cpu)
{
	/* Or it would be late until it beats for the first time. */
	struct cpu_beat beat = { .beat_ns = clock__now_ns() };
	__u32 key = (__u32)cpu;
	int fd = counters__open_tsc(counters, cpu);
	int err;

	if (fd < 0)
		return fd;
	err = find_base(fd, &beat.tsc_base_cycles);
	if (!err)
		err = bpf_map_update_elem(heartbeat->tsc_events_fd, &key, &fd, BPF_ANY);
	if (!err)
		err = bpf_map_update_elem(heartbeat->cpu_beats_fd, &key, &beat, BPF_ANY);
	close(fd);
	return err;
}

int heartbeat__start(const struct heartbeat *heartbeat, const struct counters *counters, int cpu)
{
	int err = put_tsc(heartbeat, counters, cpu);
	int timer_fd, link_fd;

	if (err)
		return err;
	timer_fd = open_timer(cpu);
	if (timer_fd < 0)
		return timer_fd;
	link_fd = bpf_link_create(heartbeat->prog_fd, timer_fd, BPF_PERF_EVENT, NULL);
	close(timer_fd);
	return link_fd;
}

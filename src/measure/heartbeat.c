// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/clock.h"
#include "gtimehalt.h"
#include "measure/heartbeat.h"

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

static int put_beat(const struct heartbeat *heartbeat, int cpu)
{
	/*
	 * Without this value, the CPU would count as late until its timer fires for the first time.
	 */
	struct cpu_beat beat = { .beat_ns = clock__now_ns() };
	__u32 key = (__u32)cpu;

	return bpf_map_update_elem(heartbeat->cpu_beats_fd, &key, &beat, BPF_ANY);
}

int heartbeat__start(const struct heartbeat *heartbeat, int cpu)
{
	int err = put_beat(heartbeat, cpu);
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

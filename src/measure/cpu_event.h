/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* cpu_event - perf events that count on a CPU, regardless of what runs there. */
#ifndef CPU_EVENT_H
#define CPU_EVENT_H

#include <errno.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "gtimehalt.h"

/* Type and config (perf_event_open(2)) of a CPU's events, indexed by EVENT_TSC and EVENT_MPERF. */
struct cpu_events {
	__u32 type;
	__u64 configs[EVENT_CNT_PER_CPU];
};

/* Closes the open ones of a CPU's events, and sets fds to -1. */
static inline void cpu_events__close(int *fds)
{
	for (int i = 0; i < EVENT_CNT_PER_CPU; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

/*
 * Opens the events of a CPU as one group with EVENT_TSC as the leader: perf starts and stops both
 * one right after the other, always in this order, and read(2) of the leader reads both
 * (PERF_FORMAT_GROUP).
 * Returns 0, and the caller closes fds with cpu_events__close(); or -errno (-ENODEV: the CPU is
 * offline), and both fds are -1.
 */
static inline int cpu_events__open(const struct cpu_events *events, int cpu, int *fds)
{
	for (int i = 0; i < EVENT_CNT_PER_CPU; i++)
		fds[i] = -1;
	for (int i = 0; i < EVENT_CNT_PER_CPU; i++) {
		struct perf_event_attr attr = {
			.size = sizeof(attr),
			.type = events->type,
			.config = events->configs[i],
			.read_format = i ? 0 : PERF_FORMAT_GROUP,
		};
		/* The types are long because seccomp compares whole registers. */
		long fd = syscall(SYS_perf_event_open, &attr, -1L, (long)cpu,
				  i ? (long)fds[0] : -1L, PERF_FLAG_FD_CLOEXEC);

		if (fd < 0) {
			int err = -errno;

			cpu_events__close(fds);
			return err;
		}
		fds[i] = (int)fd;
	}
	return 0;
}

#endif /* CPU_EVENT_H */

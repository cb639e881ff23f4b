/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * cpu_event - a perf event that counts what a CPU does, whoever runs there.
 */
#ifndef CPU_EVENT_H
#define CPU_EVENT_H

#include <errno.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Its descriptor, or -errno (-ENODEV: the CPU is offline). group_fd: the event that leads it, or -1. */
static inline int cpu_event__open(const struct perf_event_attr *attr, int cpu, int group_fd)
{
	/* long: seccomp compares whole registers. */
	long fd = syscall(SYS_perf_event_open, attr, -1L, (long)cpu, (long)group_fd,
			  PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : (int)fd;
}

#endif /* CPU_EVENT_H */

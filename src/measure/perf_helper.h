/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * perf_helper - a process that opens the perf events of one CPU at a time, for a process that has
 * given up its rights.
 *
 * When a CPU comes back online, the events that were open on it are stale and have to be reopened,
 * which needs CAP_PERFMON. A long-lived process does not keep this capability, but forks this
 * helper before it drops its rights. The helper runs as the same unprivileged user, keeps only the
 * one capability, has one descriptor, a socket to its parent, and can make five system calls, among
 * them perf_event_open(2) for a CPU below cpu_cnt as a whole. It takes the number of a CPU and
 * answers with the events' descriptors (SCM_RIGHTS). The events are fixed when the helper starts,
 * so that an attacker who controls the parent gets nothing else from the helper.
 *
 * Kernels with perf_event_paranoid above 2, the default of Debian and Ubuntu, then require
 * CAP_SYS_ADMIN in place of CAP_PERFMON (their own patch to perf_event_open()). The helper finds
 * out which one it needs, if any, by opening an event; see privileges.h.
 */
#ifndef PERF_HELPER_H
#define PERF_HELPER_H

#include <linux/types.h>
#include <sys/types.h>
#include "measure/cpu_event.h"

struct perf_helper;

struct perf_helper_opts {
	struct cpu_events events;
	int cpu_cnt;
	const char *user; /* as in privileges_opts */
};

/*
 * Starts the helper. This process must still have all its rights and no other thread. Call it
 * early, because the helper inherits all memory that is mapped here. The helper ends when
 * perf_helper__free() is called, or when its parent ends in any way.
 * Returns 0 and *helper; or -errno, logged.
 */
int perf_helper__new(const struct perf_helper_opts *opts, struct perf_helper **helper);
void perf_helper__free(struct perf_helper *helper);

/*
 * Opens the events of a CPU. Returns 0 and EVENT_CNT_PER_CPU fds, which the caller closes; or
 * -errno: -ENODEV (the CPU is offline), -EINVAL (there is no such CPU), -EPIPE (the helper has
 * ended, which is logged once).
 */
int perf_helper__open(struct perf_helper *helper, int cpu, int *fds);

/*
 * The functions above, for a caller that uses the helper only if it gets this pointer: the programs
 * that pass no such pointer do not link the libraries of rights/.
 */
struct perf_helper_ops {
	int (*start)(const struct perf_helper_opts *opts, struct perf_helper **helper);
	int (*open)(struct perf_helper *helper, int cpu, int *fds);
	void (*free)(struct perf_helper *helper);
};
extern const struct perf_helper_ops perf_helper_ops;

/* Returns the PID of the helper, for tests. */
pid_t perf_helper__pid(const struct perf_helper *helper);

#endif /* PERF_HELPER_H */

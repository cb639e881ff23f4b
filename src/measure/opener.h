/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * opener - a helper process that opens the perf events of one CPU at a time, for a process that has given
 * up its rights.
 *
 * When a CPU comes back online, the events that were open on it are stale and have to be reopened, which takes
 * CAP_PERFMON. Instead of keeping that, a long-lived process forks this helper before it drops its rights. The
 * helper is the same unprivileged user, keeps the one capability and nothing else, holds one descriptor, a socket
 * to its parent, and can make five system calls, perf_event_open(2) among them for a CPU below cpu_cnt as a whole.
 * It takes the number of a CPU and answers with the events' descriptors (SCM_RIGHTS). Which events they are was fixed
 * when it was started: nothing else can be had through it, whoever has taken its parent over.
 *
 * Kernels that have perf_event_paranoid above 2, as Debian's and Ubuntu's have by default, ask for CAP_SYS_ADMIN
 * in place of CAP_PERFMON then (a patch of theirs to perf_event_open()). Which one, or none, is found out by
 * opening an event; see privileges.h.
 */
#ifndef OPENER_H
#define OPENER_H

#include <linux/types.h>
#include <sys/types.h>
#include "measure/cpu_event.h"

struct opener;

struct opener_opts {
	struct cpu_events events;
	int cpu_cnt;
	const char *user; /* as privileges_opts has it */
};

/*
 * Starts the helper, while this process has all its rights and no other thread. It has all that is mapped here,
 * too: so it is best started early. It ends when opener__free() is called, or when its parent has ended, however.
 * Returns 0 and *opener; or -errno, logged.
 */
int opener__new(const struct opener_opts *opts, struct opener **opener);
void opener__free(struct opener *opener);

/*
 * Opens the events of a CPU. Returns 0 and EVENT_CNT_PER_CPU fds, the caller's to close; or -errno: -ENODEV (the CPU is offline),
 * -EINVAL (there is no such CPU), -EPIPE (the helper is not there any more, which is logged once).
 */
int opener__open(struct opener *opener, int cpu, int *fds);

/* For those who look at it from outside. */
pid_t opener__pid(const struct opener *opener);

#endif /* OPENER_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * cpuset - the cpuset of one cgroup (version 2): reads and writes it, and looks at what is in the
 * cgroup.
 *
 * After cpuset__open() nothing here needs a right: the kernel checks the right to write when a file
 * of a cgroup is opened, not when it is written (cpuset_write_resmask() asks for none), and all
 * that is read is for everybody. Cgroups are below a directory that a test can put elsewhere.
 */
#ifndef CPUSET_H
#define CPUSET_H

#include <stdbool.h>
#include <limits.h>
#include <linux/types.h>
#include <sys/types.h>
#include "steer/cpus.h"

struct hostfs;

/* { .dir_fd = -1, .cpus_fd = -1 } is a cgroup that is not open. */
struct cpuset {
	int dir_fd;
	int cpus_fd; /* cpuset.cpus, to write; -1: it is read only */
	__u64 inode; /* tells the cgroup from a later one of the same path */
};

/*
 * Opens the cgroup at `path` below root_fd, for writing its cpuset.cpus if `writes`. Returns 0;
 * -ENOENT (there is no such cgroup); -ENODATA (it has no cpuset: the parent's
 * cgroup.subtree_control lacks the controller); or another -errno. On failure nothing is open.
 */
int cpuset__open(int root_fd, const char *path, bool writes, struct cpuset *cpuset);
void cpuset__close(struct cpuset *cpuset);

/* Whether the cgroup has been removed since it was opened, or is not open. */
bool cpuset__is_gone(const struct cpuset *cpuset);

/*
 * Read the set that is configured (empty: all of the parent's), the one in effect, and the one in
 * effect in the parent. A cgroup without the controller has an empty one, and that of its nearest
 * ancestor in effect. Each returns 0 or -errno.
 */
int cpuset__read(const struct cpuset *cpuset, struct cpus *cpus);
int cpuset__read_effective(const struct cpuset *cpuset, struct cpus *cpus);
int cpuset__read_parent(const struct cpuset *cpuset, struct cpus *cpus);

/*
 * Returns 0, or -errno: -ENOSPC for an empty set while the cgroup has tasks, before Linux 7
 * (validate_change() in kernel/cgroup/cpuset.c).
 */
int cpuset__write(const struct cpuset *cpuset, const struct cpus *cpus);

/* Whether the cgroup is a partition root, valid or not. Returns 1, 0 or -errno. */
int cpuset__is_partition(const struct cpuset *cpuset);

/*
 * Reads the path of a thread's cgroup, without a slash in front, into path: "" is the root. Returns
 * 0; -ESRCH (it has ended); or another -errno.
 */
int cpuset__path_of(const struct hostfs *fs, pid_t tid, char path[static PATH_MAX]);

/* Whether the cgroup at `path` is the one at `top`, or below it. */
bool cpuset__is_below(const char *path, const char *top);

/*
 * Looks in the cgroup and all below it for a thread whose affinity is narrower than its cpuset,
 * that is one of its own. Returns 1 and *tid; 0; or -errno.
 */
int cpuset__find_own_affinity(const struct cpuset *cpuset, const struct hostfs *fs, pid_t *tid);

/*
 * Finds out, with a child process in a scratch cgroup at root_fd's `parent`, whether the kernel
 * keeps the affinity that a task has set for itself when its cpuset is written: Linux before 6.2
 * replaces it (8f9ea86fdf99 "sched: Always preserve the user requested cpumask"). Returns 1 (it is
 * kept), 0 (it is lost); or -errno: -ENODATA when cgroups at `parent` have no cpuset, or fewer than
 * two CPUs.
 */
int cpuset__keeps_affinity(int root_fd, const char *parent);

#endif /* CPUSET_H */

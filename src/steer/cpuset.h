/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * cpuset - reads and writes the cpuset of one cgroup (version 2), and inspects the threads in it.
 *
 * After cpuset__open(), no function on an open cgroup needs a privilege: the kernel checks the
 * permission to write when a cgroup file is opened, not when it is written (cpuset_write_resmask()
 * does not check), and everything that is read is world-readable. All paths are relative to a
 * directory that the caller passes, so that a test can use its own.
 */
#ifndef CPUSET_H
#define CPUSET_H

#include <stdbool.h>
#include <limits.h>
#include <linux/types.h>
#include <sys/types.h>
#include "steer/cpus.h"

struct hostfs;

/* A struct with .dir_fd = -1 and .cpus_fd = -1 refers to no cgroup. */
struct cpuset {
	int dir_fd;
	int cpus_fd; /* cpuset.cpus, open for writing; -1: read only */
	__u64 inode; /* distinguishes the cgroup from a later one at the same path */
};

/*
 * Opens the cgroup at `path` below root_fd and, if `writes`, its cpuset.cpus for writing. Returns
 * 0; -ENOENT when there is no such cgroup; -ENODATA when the cgroup has no cpuset.cpus because its
 * parent's cgroup.subtree_control lacks the cpuset controller; or another -errno. On failure
 * nothing is open.
 */
int cpuset__open(int root_fd, const char *path, bool writes, struct cpuset *cpuset);
void cpuset__close(struct cpuset *cpuset);

/* Returns whether the cgroup was removed after it was opened, or is not open. */
bool cpuset__is_gone(const struct cpuset *cpuset);

/*
 * cpuset__read() reads the configured CPUs (empty: the cgroup inherits all CPUs of its parent),
 * cpuset__read_effective() the CPUs in effect, and cpuset__read_parent() the CPUs in effect in the
 * parent. In a cgroup without the cpuset controller, the configured set is empty, and the CPUs in
 * effect are those of the nearest ancestor with the controller. Each returns 0 or -errno.
 */
int cpuset__read(const struct cpuset *cpuset, struct cpus *cpus);
int cpuset__read_effective(const struct cpuset *cpuset, struct cpus *cpus);
int cpuset__read_parent(const struct cpuset *cpuset, struct cpus *cpus);

/*
 * Writes cpuset.cpus. Returns 0 or -errno. Linux before 7 refuses an empty set with -ENOSPC while
 * the cgroup has tasks (validate_change() in kernel/cgroup/cpuset.c).
 */
int cpuset__write(const struct cpuset *cpuset, const struct cpus *cpus);

/* Returns 1 if the cgroup is a partition root, valid or invalid; 0 if not; or -errno. */
int cpuset__is_partition(const struct cpuset *cpuset);

/*
 * Reads the path of a thread's cgroup into path, without a leading slash; the root is "". Returns
 * 0; -ESRCH when the thread has ended; or another -errno.
 */
int cpuset__path_of(const struct hostfs *fs, pid_t tid, char path[static PATH_MAX]);

/* Returns whether the cgroup at `path` is the cgroup at `top` or a descendant of it. */
bool cpuset__is_below(const char *path, const char *top);

/*
 * Searches the cgroup and its descendants for a thread whose affinity is narrower than its cpuset,
 * because the affinity was set by sched_setaffinity(). Returns 1 and the thread in *tid; 0 when
 * there is none; or -errno.
 */
int cpuset__find_own_affinity(const struct cpuset *cpuset, const struct hostfs *fs, pid_t *tid);

/*
 * Finds out whether the kernel preserves the affinity that a task has set with sched_setaffinity()
 * when the task's cpuset is written. Linux before 6.2 overwrites the affinity; 8f9ea86fdf99 "sched:
 * Always preserve the user requested cpumask" changed this. Tests it with a child process in a
 * scratch cgroup, which is created in the cgroup `parent` below root_fd ("": in root_fd itself).
 * Returns 1 (preserved) or 0 (lost); -ENODATA when a cgroup in `parent` has no cpuset or fewer than
 * two CPUs; or another -errno.
 */
int cpuset__keeps_affinity(int root_fd, const char *parent);

#endif /* CPUSET_H */

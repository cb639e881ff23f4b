/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * group - one housekeeping cgroup: reads its original CPUs, sets its CPUs and restores them, by a
 * write to its cpuset or through systemd.
 */
#ifndef GROUP_H
#define GROUP_H

#include <limits.h>
#include <stdbool.h>
#include "steer/cpuset.h"
#include "steer/unit.h"

/* Access to the cgroups and to systemd. The caller owns both. */
struct group_host {
	int root_fd; /* the root of the cgroup file system */
	sd_bus *bus; /* NULL: the host does not run systemd */
};

struct group {
	/* Below root_fd, without a slash at either end; empty for a unit that is not running. */
	char path[PATH_MAX];
	bool is_unit;
	struct systemd_unit unit;
	struct cpuset cpuset;
	struct cpus original; /* configured before steering; empty: all CPUs of the parent */
};

/*
 * Converts a name, which is "/sys/fs/cgroup/PATH", "/PATH" or "PATH" with or without a slash at its
 * end, to PATH, which is below the root of the cgroup file system. Returns 0; or -EINVAL when PATH
 * is empty or too long, or a component of it is "", "." or "..".
 */
int group__parse_path(const char *name, char path[static PATH_MAX]);

/*
 * Opens the group of this name, which is a path as group__parse_path() accepts it, or a systemd
 * unit. If there is a bus and the cgroup belongs to a unit, systemd sets its CPUs. The cgroup of a
 * unit that is not running counts as gone; the unit can be restored nevertheless. writes: the CPUs
 * will be set, not only read. Returns 0; -EINVAL as group__parse_path(); -ENOENT when there is no
 * such cgroup; -ENODATA as cpuset__open(); or another -errno. The caller closes it with
 * group__close().
 */
int group__open(const struct group_host *host, const char *name, bool writes, struct group *group);
void group__close(struct group *group);

/*
 * Writes the name by which group__open() finds the group again: "/PATH", or the name of the unit.
 */
void group__name(const struct group *group, char name[static PATH_MAX + 1]);

/*
 * Opens the current cgroup of a unit, because systemd removes and creates the cgroup as the
 * processes of the unit end and start. Returns 0 or -errno.
 */
int group__reopen(const struct group_host *host, struct group *group);

/*
 * Sets the CPUs. systemd sets the CPUs of a unit some time after this has returned. Returns 0 or
 * -errno.
 */
int group__set(const struct group_host *host, const struct group *group, const struct cpus *cpus);

/*
 * Restores the original CPUs. If the original set is empty, first writes the list of all CPUs of
 * the parent, because the kernel may refuse the empty set; in this case the list stays, and -v
 * reports it. Returns 0 when the original CPUs are in effect again or the cgroup is gone; or
 * -errno.
 */
int group__restore(const struct group_host *host, const struct group *group);

#endif /* GROUP_H */

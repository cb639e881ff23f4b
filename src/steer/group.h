/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * group - one housekeeping cgroup: what its CPUs were, and how they are set and given back, by a
 * write to its cpuset or by systemd.
 */
#ifndef GROUP_H
#define GROUP_H

#include <limits.h>
#include <stdbool.h>
#include "steer/cpuset.h"
#include "steer/unit.h"

/* Where cgroups are, and systemd; both are the caller's. */
struct group_host {
	int root_fd; /* of the cgroup file system */
	sd_bus *bus; /* NULL: there is no systemd */
};

struct group {
	/* Below root_fd, without a slash at either end; empty for a unit that does not run. */
	char path[PATH_MAX];
	bool is_unit;
	struct systemd_unit unit;
	struct cpuset cpuset;
	struct cpus original; /* what was configured; empty: all of the parent's */
};

/*
 * The path in a name, from the root of the cgroup file system or below, without slashes around it.
 * Returns 0; or -EINVAL: a part of it is "", "." or "..", or it is too long.
 */
int group__parse_path(const char *name, char path[static PATH_MAX]);

/*
 * Opens the group of this name: a path, from the root of the cgroup file system or below, or a
 * systemd unit. A cgroup that is a unit's is set by systemd where there is a bus; that of a unit
 * which does not run is gone, and the group can be restored all the same. Returns 0; -EINVAL (a
 * part of the path is "", "." or ".."); -ENOENT (no such cgroup); -ENODATA as cpuset__open(); or
 * another -errno. The caller ends it with group__close().
 */
int group__open(const struct group_host *host, const char *name, bool writes, struct group *group);
void group__close(struct group *group);

/* The name by which group__open() finds it again: "/PATH", or a unit's. */
void group__name(const struct group *group, char name[static PATH_MAX + 1]);

/*
 * The cgroup of a unit comes and goes with its processes: opens the one that is there now. Returns
 * 0 or -errno.
 */
int group__reopen(const struct group_host *host, struct group *group);

/*
 * Sets the CPUs; systemd sets those of a unit some time after this has returned. Returns 0 or
 * -errno.
 */
int group__set(const struct group_host *host, const struct group *group, const struct cpus *cpus);

/*
 * Restores what was configured. In place of an empty set, all CPUs of the parent are written first,
 * because the kernel may refuse the empty one; then that list stays, and -v says so. Returns 0 when
 * the original is in effect again or the cgroup has gone; or -errno.
 */
int group__restore(const struct group_host *host, const struct group *group);

#endif /* GROUP_H */

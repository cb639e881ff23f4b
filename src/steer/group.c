// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/log.h"
#include "steer/group.h"

#define MOUNT_POINT "/sys/fs/cgroup/"

/* systemd writes a cgroup from its main loop, some time after it has replied: how long to wait. */
#define WRITTEN_TRIES   200
#define WRITTEN_WAIT_US 10000

/*
 * Returns whether the path has only proper components. The empty path is refused because the root
 * cgroup has no cpuset.cpus.
 */
static bool is_proper(const char *path)
{
	if (!*path)
		return false;
	while (*path) {
		size_t len = strcspn(path, "/");

		if (!len || (len == 1 && path[0] == '.') || (len == 2 && !strncmp(path, "..", 2)))
			return false;
		path += len;
		if (*path && !*++path)
			return false;
	}
	return true;
}

int group__parse_path(const char *name, char path[static PATH_MAX])
{
	size_t len;

	if (!strncmp(name, MOUNT_POINT, strlen(MOUNT_POINT)))
		name += strlen(MOUNT_POINT);
	else if (*name == '/')
		name++;
	len = strlen(name);
	if (len && name[len - 1] == '/')
		len--;
	if (len >= PATH_MAX)
		return -EINVAL;
	memcpy(path, name, len);
	path[len] = '\0';
	return is_proper(path) ? 0 : -EINVAL;
}

/*
 * Finds the unit that owns the cgroup at group->path, if there is one: systemd names a cgroup after
 * its unit.
 */
static void find_unit_of_path(const struct group_host *host, struct group *group)
{
	const char *slash = strrchr(group->path, '/');
	char cgroup[PATH_MAX];

	group->is_unit =
		host->bus &&
		!unit__find(host->bus, slash ? slash + 1 : group->path, &group->unit, cgroup) &&
		!strcmp(cgroup, group->path);
}

static int find(const struct group_host *host, const char *name, struct group *group)
{
	int err;

	if (host->bus && !strchr(name, '/')) {
		group->is_unit = !unit__find(host->bus, name, &group->unit, group->path);
		if (group->is_unit)
			return 0;
	}
	err = group__parse_path(name, group->path);
	if (!err)
		find_unit_of_path(host, group);
	return err;
}

int group__open(const struct group_host *host, const char *name, bool writes, struct group *group)
{
	int err;

	group->cpuset = (struct cpuset){ .dir_fd = -1, .cpus_fd = -1 };
	group->is_unit = false;
	err = find(host, name, group);
	if (err)
		return err;
	if (*group->path)
		err = cpuset__open(host->root_fd, group->path, writes && !group->is_unit,
				   &group->cpuset);
	if (!err)
		err = group->is_unit ? unit__read(host->bus, &group->unit, &group->original)
				     : cpuset__read(&group->cpuset, &group->original);
	if (err)
		group__close(group);
	return err;
}

void group__name(const struct group *group, char name[static PATH_MAX + 1])
{
	if (group->is_unit)
		snprintf(name, PATH_MAX + 1, "%s", group->unit.name);
	else
		snprintf(name, PATH_MAX + 1, "/%s", group->path);
}

void group__close(struct group *group)
{
	cpuset__close(&group->cpuset);
}

int group__reopen(const struct group_host *host, struct group *group)
{
	cpuset__close(&group->cpuset);
	return cpuset__open(host->root_fd, group->path, false, &group->cpuset);
}

int group__set(const struct group_host *host, const struct group *group, const struct cpus *cpus)
{
	if (group->is_unit)
		return unit__write(host->bus, &group->unit, cpus);
	return cpuset__write(&group->cpuset, cpus);
}

/* Waits until cpuset.cpus contains the set. Returns 0, -ETIMEDOUT or another -errno. */
static int await_written(const struct group *group, const struct cpus *cpus)
{
	struct cpus now;
	int err = 0;

	for (int i = 0; i < WRITTEN_TRIES; i++) {
		err = cpuset__read(&group->cpuset, &now);
		if (err || cpus__equal(&now, cpus))
			return err;
		usleep(WRITTEN_WAIT_US);
	}
	return -ETIMEDOUT;
}

static int restore(const struct group_host *host, const struct group *group)
{
	bool inherits = !cpus__cnt(&group->original);
	struct cpus wide = group->original, effective;
	int err = inherits ? cpuset__read_parent(&group->cpuset, &wide) : 0;

	if (!err)
		err = group__set(host, group, &wide);
	if (!err)
		err = await_written(group, &wide);
	if (!err && inherits && group__set(host, group, &group->original))
		pr_info("%s: cpuset.cpus keeps the list of all CPUs of the parent, because this "
			"kernel refuses an empty list while the cgroup has tasks",
			group->path);
	if (err)
		return err;
	/*
	 * Compare only the CPUs that the parent still has: some original CPUs may be offline by
	 * now.
	 */
	err = cpuset__read_parent(&group->cpuset, &effective);
	if (err)
		return err;
	cpus__and(&wide, &wide, &effective);
	err = cpuset__read_effective(&group->cpuset, &effective);
	if (err)
		return err;
	return !cpus__cnt(&wide) || cpus__equal(&effective, &wide) ? 0 : -EIO;
}

int group__restore(const struct group_host *host, const struct group *group)
{
	int err;

	/* systemd applies the last set of a unit to the next cgroup of the unit, too. */
	if (cpuset__is_gone(&group->cpuset))
		return group->is_unit ? group__set(host, group, &group->original) : 0;
	err = restore(host, group);
	return err && cpuset__is_gone(&group->cpuset) ? 0 : err;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "report/snapshot.h"
#include "steer/housekeeping.h"
#include "steer/steer.h"

#define CGROUP_ROOT "/sys/fs/cgroup"

/*
 * Opens the cgroup file system, and a connection to systemd if the host runs it. Returns 0 or
 * -errno, logged.
 */
static int open_cgroups(struct group_host *host)
{
	struct statfs st;
	int err;

	host->root_fd = open(CGROUP_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (host->root_fd < 0)
		return log__failure("open " CGROUP_ROOT, -errno);
	if (fstatfs(host->root_fd, &st) || st.f_type != CGROUP2_SUPER_MAGIC) {
		pr_err("no cgroup file system of version 2 is mounted at " CGROUP_ROOT
		       ": boot with systemd.unified_cgroup_hierarchy=1");
		return -EOPNOTSUPP;
	}
	err = unit__connect(&host->bus);
	if (err && err != -ENOENT)
		return log__failure("connect to systemd over D-Bus", err);
	if (!err)
		pr_info("systemd sets the CPUs of its units' cgroups (AllowedCPUs=)");
	return 0;
}

static void close_cgroups(struct group_host *host)
{
	sd_bus_flush_close_unref(host->bus);
	if (host->root_fd >= 0)
		close(host->root_fd);
}

static int check_overlap(const struct housekeeping *h, const struct steered *new)
{
	for (size_t i = 0; i < h->opened_cnt; i++) {
		const char *a = h->steered[i].group.path, *b = new->group.path;

		if (!cpuset__is_below(a, b) && !cpuset__is_below(b, a))
			continue;
		pr_err("%s and %s: one is part of the other: name only the outer one", a, b);
		return -EINVAL;
	}
	return 0;
}

static int open_groups(struct housekeeping *h)
{
	for (size_t i = 0; i < h->opts->cnt; i++) {
		struct steered *new = &h->steered[i];
		int err = steered__open(&h->groups, h->opts->names[i], !h->opts->dry_run,
					h->opts->writes_per_s, new);

		if (!err)
			err = check_overlap(h, new);
		if (err)
			return err;
		h->opened_cnt++;
	}
	return 0;
}

/*
 * Probes in the parent of the first cgroup and, if this fails, in the root: a scratch cgroup has a
 * cpuset only where its siblings have one. Returns the same as cpuset__keeps_affinity().
 */
static int probe_affinity(const struct housekeeping *h)
{
	char parent[PATH_MAX];
	char *slash;
	int keeps;

	memcpy(parent, h->steered[0].group.path, sizeof(parent));
	slash = strrchr(parent, '/');
	parent[slash ? slash - parent : 0] = '\0';
	keeps = cpuset__keeps_affinity(h->groups.root_fd, parent);
	if (keeps < 0)
		keeps = cpuset__keeps_affinity(h->groups.root_fd, "");
	return keeps;
}

static void learn_affinity(struct housekeeping *h)
{
	int keeps = probe_affinity(h);

	h->host.keeps_affinity = keeps == 1;
	if (keeps < 0)
		pr_warn("cannot find out whether this kernel keeps affinities when a cpuset is written (%s): "
			"assuming that it erases them",
			strerror(-keeps));
	else
		pr_info("when a cpuset is written, this kernel %s the affinities that tasks have set",
			keeps ? "keeps" : "erases");
}

/* Sets tids[i] to a vCPU's thread that is in the i-th cgroup or a descendant; 0: there is none. */
static void find_vcpus(const struct housekeeping *h, const struct snapshot *snap, pid_t *tids)
{
	char path[PATH_MAX];

	memset(tids, 0, h->opened_cnt * sizeof(*tids));
	for (size_t i = 0; i < snap->vcpu_cnt; i++) {
		/* A thread that has ended is in no cgroup. */
		if (cpuset__path_of(h->host.fs, snap->vcpus[i].tid, path))
			continue;
		for (size_t j = 0; j < h->opened_cnt; j++)
			if (cpuset__is_below(path, h->steered[j].group.path))
				tids[j] = snap->vcpus[i].tid;
	}
}

/*
 * Writes the original CPUs of the cgroups to the journal, except for cgroups whose CPUs another
 * program has set, because they must not be restored. Returns 0 or -errno, logged.
 */
static int write_journal(const struct housekeeping *h)
{
	const struct group **groups;
	size_t cnt = 0;
	int err;

	if (h->opts->dry_run)
		return 0;
	groups = calloc(h->opened_cnt, sizeof(void *));
	if (!groups)
		return log__failure("save the CPUs of the cgroups", -ENOMEM);
	for (size_t i = 0; i < h->opened_cnt; i++)
		if (h->steered[i].refusal != REFUSAL_FOREIGN)
			groups[cnt++] = &h->steered[i].group;
	err = journal__write(&h->journal, groups, cnt);
	free(groups);
	return err;
}

int housekeeping__look(struct housekeeping *h, const struct snapshot *snap, __u64 now_ns,
		       size_t *refused_cnt)
{
	pid_t *tids = calloc(h->opened_cnt, sizeof(*tids));
	bool journal_changes = false;

	*refused_cnt = 0;
	if (!tids)
		return log__failure("check the cgroups", -ENOMEM);
	find_vcpus(h, snap, tids);
	for (size_t i = 0; i < h->opened_cnt; i++) {
		struct steered *steered = &h->steered[i];
		bool was_foreign = steered->refusal == REFUSAL_FOREIGN;

		if (!steered__look(&h->host, steered, tids[i], now_ns))
			++*refused_cnt;
		journal_changes |= !was_foreign && steered->refusal == REFUSAL_FOREIGN;
	}
	free(tids);
	return journal_changes ? write_journal(h) : 0;
}

/*
 * Restores what a killed run has left before this run reads the cgroups, because the narrowed sets
 * would be taken for the original CPUs.
 */
static int open_journal(struct housekeeping *h)
{
	int err = h->opts->dry_run ? 0 : journal__open(JOURNAL_DIR, &h->journal);

	if (err || h->opts->dry_run)
		return err;
	err = journal__restore(&h->journal, &h->groups);
	if (err > 0)
		pr_warn("restored cgroups that a killed run had left narrowed: %d", err);
	return err < 0 ? err : 0;
}

int housekeeping__open(struct housekeeping *h)
{
	int err = h->opts->cnt ? 0 : -EINVAL;

	for (size_t i = 0; !err && i < h->opts->cnt; i++)
		err = steered__check_name(h->opts->names[i]);
	if (err)
		return err;
	h->steered = calloc(h->opts->cnt, sizeof(*h->steered));
	if (!h->steered)
		return log__failure("open the cgroups", -ENOMEM);
	err = open_cgroups(&h->groups);
	if (!err)
		err = open_journal(h);
	return err ? err : open_groups(h);
}

void housekeeping__close(struct housekeeping *h)
{
	for (size_t i = 0; i < h->opened_cnt; i++)
		steered__close(&h->steered[i]);
	free(h->steered);
	close_cgroups(&h->groups);
	journal__close(&h->journal);
}

void housekeeping__forget(const struct housekeeping *h)
{
	if (h->opened_cnt && !h->opts->dry_run)
		journal__write(&h->journal, NULL, 0);
}

int housekeeping__check(struct housekeeping *h, const struct snapshot *snap)
{
	size_t refused_cnt;
	int err;

	if (h->opts->dry_run)
		h->host.keeps_affinity = true;
	else
		learn_affinity(h);
	err = housekeeping__look(h, snap, clock__now_ns(), &refused_cnt);
	if (!err && refused_cnt)
		err = -EOPNOTSUPP;
	return err ? err : write_journal(h);
}

bool housekeeping__is_gone(const struct housekeeping *h)
{
	for (size_t i = 0; i < h->opened_cnt; i++)
		if (h->steered[i].group.is_unit || h->steered[i].refusal != REFUSAL_GONE)
			return false;
	return true;
}

int housekeeping__restore(struct housekeeping *h)
{
	int first = 0;

	for (size_t i = 0; i < h->opened_cnt; i++) {
		int err = steered__restore(&h->host, &h->steered[i]);

		first = first ? first : err;
	}
	if (!first && !h->opts->dry_run)
		first = journal__write(&h->journal, NULL, 0);
	return first;
}

int housekeeping__undo(void)
{
	struct group_host host = { .root_fd = -1 };
	struct journal journal;
	int err = journal__open(JOURNAL_DIR, &journal);
	bool has_any = !err && !journal__is_empty(&journal);

	if (has_any)
		err = open_cgroups(&host);
	if (has_any && !err)
		err = journal__restore(&journal, &host);
	if (err > 0)
		pr_info("restored cgroups: %d", err);
	close_cgroups(&host);
	journal__close(&journal);
	return err < 0 ? err : 0;
}

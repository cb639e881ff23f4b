// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/log.h"
#include "steer/steered.h"

/*
 * systemd writes a unit's cgroup within this time; a set that differs later is another program's.
 */
#define PENDING_NS 3000000000ULL

/* At each change, systemd writes a drop-in file and updates the unit's cgroup. */
#define UNIT_WRITES_PER_S 1

static const char *const words[REFUSAL_CNT] = {
	[REFUSAL_NONE] = "none",         [REFUSAL_GONE] = "gone",
	[REFUSAL_FOREIGN] = "foreign",   [REFUSAL_VCPU] = "vcpu",
	[REFUSAL_SELF] = "self",         [REFUSAL_PARTITION] = "partition",
	[REFUSAL_AFFINITY] = "affinity", [REFUSAL_INEFFECTIVE] = "ineffective",
	[REFUSAL_FAILED] = "failed",
};

static const char *const texts[REFUSAL_CNT] = {
	[REFUSAL_NONE] = "",
	[REFUSAL_GONE] = "there is no such cgroup, or the unit is not running",
	[REFUSAL_FOREIGN] =
		"another program has set its CPUs, and this run does not change them any more",
	[REFUSAL_VCPU] = "a vCPU's thread is in it: name cgroups without VMs",
	[REFUSAL_SELF] = "gtimehalt-steer runs in it: start it in another cgroup, for example with "
			 "systemd-run --slice=gtimehalt.slice",
	[REFUSAL_PARTITION] = "it is a partition root (cpuset.cpus.partition)",
	[REFUSAL_AFFINITY] =
		"a thread in it has an affinity of its own, which this kernel (before Linux 6.2) "
		"would erase when the cpuset is written",
	[REFUSAL_INEFFECTIVE] = "a write to cpuset.cpus did not come into effect",
	[REFUSAL_FAILED] = "its cpuset cannot be read or written",
};

const char *refusal__word(enum refusal refusal)
{
	return words[refusal];
}

const char *refusal__text(enum refusal refusal)
{
	return texts[refusal];
}

int steered__check_name(const char *name)
{
	char path[PATH_MAX];

	if (group__parse_path(name, path)) {
		pr_err("'%s' cannot be steered: name a path below /sys/fs/cgroup, or a systemd unit",
		       name);
		return -EINVAL;
	}
	if (!cpuset__is_below(path, "machine.slice"))
		return 0;
	pr_err("%s: machine.slice is for VMs, not for housekeeping", name);
	return -EINVAL;
}

int steered__open(const struct group_host *host, const char *name, bool writes, int writes_per_s,
		  struct steered *s)
{
	int err = group__open(host, name, writes, &s->group);

	if (err == -ENOENT || err == -ENODATA) {
		pr_err("%s: %s", name,
		       err == -ENOENT
			       ? texts[REFUSAL_GONE]
			       : "it has no cpuset: write +cpuset to its parent's cgroup.subtree_control");
		return -EOPNOTSUPP;
	}
	if (err) {
		pr_err("cannot open cgroup %s: %s", name, strerror(-err));
		return err;
	}
	/* Check the path, too: the name of a unit does not show where its cgroup is. */
	err = *s->group.path ? steered__check_name(s->group.path) : 0;
	if (!err && *s->group.path)
		err = cpuset__read(&s->group.cpuset, &s->set);
	s->budget.cnt = s->group.is_unit ? UNIT_WRITES_PER_S : writes_per_s;
	if (err)
		group__close(&s->group);
	return err;
}

void steered__close(struct steered *s)
{
	group__close(&s->group);
}

/*
 * Reopens the cgroup of a unit that was started again: systemd has created a new cgroup, and
 * applies the last set of the unit to it. Returns false when the cgroup is gone or unreadable.
 */
static bool find_again(const struct steered_host *host, struct steered *s, __u64 now_ns)
{
	if (!cpuset__is_gone(&s->group.cpuset))
		return true;
	if (!s->group.is_unit || group__reopen(host->groups, &s->group))
		return false;
	s->set_ns = now_ns;
	return !cpuset__read(&s->group.cpuset, &s->before);
}

/*
 * Checks whether cpuset.cpus is what this program has set last. While systemd has not written a
 * unit's cgroup yet, the set before is accepted, too.
 */
static enum refusal look_at_set(struct steered *s, __u64 now_ns)
{
	struct cpus now;

	if (s->refusal == REFUSAL_FOREIGN)
		return REFUSAL_FOREIGN;
	if (cpuset__read(&s->group.cpuset, &now))
		return REFUSAL_FAILED;
	if (cpus__equal(&now, &s->set)) {
		s->set_ns = 0;
		return REFUSAL_NONE;
	}
	return s->set_ns && now_ns - s->set_ns < PENDING_NS && cpus__equal(&now, &s->before)
		       ? REFUSAL_NONE
		       : REFUSAL_FOREIGN;
}

/*
 * Checks the effective CPUs, because the kernel falls back to the parent's CPUs without an error
 * when no CPU of a set is usable.
 */
static enum refusal look_at_effect(const struct steered *s)
{
	struct cpus effective, wanted;

	if (s->set_ns || !s->is_narrowed)
		return REFUSAL_NONE;
	if (cpuset__read_effective(&s->group.cpuset, &effective) ||
	    cpuset__read_parent(&s->group.cpuset, &wanted))
		return REFUSAL_FAILED;
	cpus__and(&wanted, &wanted, &s->set);
	return cpus__equal(&effective, &wanted) ? REFUSAL_NONE : REFUSAL_INEFFECTIVE;
}

static enum refusal look_at_self(const struct steered_host *host, const struct steered *s)
{
	char path[PATH_MAX];

	if (cpuset__path_of(host->fs, getpid(), path))
		return REFUSAL_FAILED;
	return cpuset__is_below(path, s->group.path) ? REFUSAL_SELF : REFUSAL_NONE;
}

/* Called only where a write may follow, because it walks over all threads. */
static enum refusal look_at_affinity(const struct steered_host *host, struct steered *s)
{
	int found = host->keeps_affinity
			    ? 0
			    : cpuset__find_own_affinity(&s->group.cpuset, host->fs, &s->tid);

	if (found < 0)
		return REFUSAL_FAILED;
	return found ? REFUSAL_AFFINITY : REFUSAL_NONE;
}

static enum refusal look(const struct steered_host *host, struct steered *s, pid_t vcpu_tid,
			 __u64 now_ns)
{
	enum refusal refusal;
	int is_partition;

	if (!find_again(host, s, now_ns))
		return REFUSAL_GONE;
	s->tid = vcpu_tid;
	if (vcpu_tid)
		return REFUSAL_VCPU;
	refusal = look_at_self(host, s);
	if (!refusal && !host->dry_run)
		refusal = look_at_set(s, now_ns);
	if (refusal)
		return refusal;
	is_partition = cpuset__is_partition(&s->group.cpuset);
	if (is_partition)
		return is_partition < 0 ? REFUSAL_FAILED : REFUSAL_PARTITION;
	/*
	 * Check at the start, and while such a thread is known; at other times, set() checks before
	 * it writes.
	 */
	if (s->refusal == REFUSAL_AFFINITY || !s->total_ns)
		refusal = look_at_affinity(host, s);
	if (!refusal && s->failed_ns && now_ns - s->failed_ns < host->retry_ns)
		return s->refusal;
	return refusal || host->dry_run ? refusal : look_at_effect(s);
}

static void refuse(struct steered *s, enum refusal refusal, __u64 now_ns)
{
	char tid[32] = "";

	if (refusal >= REFUSAL_INEFFECTIVE && refusal != s->refusal)
		s->failed_ns = now_ns;
	if (refusal == s->refusal)
		return;
	s->refusal = refusal;
	if (!refusal) {
		s->failed_ns = 0;
		pr_info("%s is steered again", s->group.path);
		return;
	}
	s->refusal_cnt++;
	if (refusal == REFUSAL_VCPU || refusal == REFUSAL_AFFINITY)
		snprintf(tid, sizeof(tid), " (thread %d)", s->tid);
	pr_warn("%s is not steered: %s%s", s->group.path, texts[refusal], tid);
}

bool steered__look(const struct steered_host *host, struct steered *s, pid_t vcpu_tid, __u64 now_ns)
{
	refuse(s, look(host, s, vcpu_tid, now_ns), now_ns);
	return !s->refusal;
}

static int give_back(const struct steered_host *host, struct steered *s)
{
	int err = group__restore(host->groups, &s->group);

	s->is_narrowed = false;
	s->is_touched = err != 0;
	s->set_ns = 0;
	if (!err)
		err = cpuset__is_gone(&s->group.cpuset) ? 0
							: cpuset__read(&s->group.cpuset, &s->set);
	if (err)
		pr_err("cannot restore the CPUs of %s: %s", s->group.path, strerror(-err));
	return err;
}

/*
 * Computes the CPUs that the cgroup should have. Returns 0, the CPUs in *want, and in *narrowed
 * whether they are fewer than without steering; or -errno.
 */
static int choose(const struct steered_host *host, const struct steered *s, struct cpus *want,
		  bool *narrowed)
{
	struct cpus allowed, chosen;
	int err = cpuset__read_parent(&s->group.cpuset, &allowed);

	if (err)
		return err;
	*want = cpus__cnt(&s->group.original) ? s->group.original : allowed;
	cpus__and(&allowed, &allowed, want);
	cpus__and_not(&allowed, &allowed, &host->isolated);
	*narrowed = policy__choose(host->policy, &allowed, &chosen);
	if (*narrowed)
		*want = chosen;
	return 0;
}

/* Sets the CPUs, unless this would erase a thread's affinity. Returns whether they were set. */
static bool set(const struct steered_host *host, struct steered *s, const struct cpus *want,
		__u64 now_ns)
{
	enum refusal refusal = look_at_affinity(host, s);
	int err;

	if (refusal) {
		refuse(s, refusal, now_ns);
		return false;
	}
	write_budget__take(&s->budget, now_ns);
	err = host->dry_run ? 0 : group__set(host->groups, &s->group, want);
	if (err) {
		s->failure_cnt++;
		pr_warn("cannot set the CPUs of %s: %s", s->group.path, strerror(-err));
		refuse(s, cpuset__is_gone(&s->group.cpuset) ? REFUSAL_GONE : REFUSAL_FAILED,
		       now_ns);
		return false;
	}
	s->write_cnt++;
	return true;
}

bool steered__step(const struct steered_host *host, struct steered *s, __u64 now_ns)
{
	struct cpus want, had = s->set;
	bool narrowed;

	switch (s->refusal) {
	case REFUSAL_NONE:
		break;
	case REFUSAL_FOREIGN:
	case REFUSAL_GONE:
	case REFUSAL_AFFINITY:
		if (s->refusal != REFUSAL_AFFINITY)
			s->is_narrowed = false;
		return false;
	default:
		if (s->refusal == REFUSAL_INEFFECTIVE && s->is_touched)
			s->failure_cnt++;
		if (s->is_touched && !host->dry_run)
			give_back(host, s);
		return !cpus__equal(&had, &s->set);
	}
	if (s->set_ns || !write_budget__has(&s->budget, now_ns))
		return false;
	if (choose(host, s, &want, &narrowed)) {
		refuse(s, REFUSAL_FAILED, now_ns);
		return false;
	}
	if (s->is_touched ? cpus__equal(&want, &s->set) : !narrowed)
		return false;
	if (!set(host, s, &want, now_ns))
		return false;
	s->before = had;
	s->set = want;
	s->set_ns = s->group.is_unit ? now_ns : 0;
	s->is_narrowed = narrowed;
	s->is_touched = true;
	return true;
}

int steered__restore(const struct steered_host *host, struct steered *s)
{
	if (host->dry_run || !s->is_touched || s->refusal == REFUSAL_FOREIGN)
		return 0;
	return give_back(host, s);
}

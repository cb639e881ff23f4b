/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * steered - a housekeeping cgroup that is being steered: whether that may go on, and what it is
 * given.
 */
#ifndef STEERED_H
#define STEERED_H

#include <stdbool.h>
#include <linux/types.h>
#include "steer/cpus.h"
#include "steer/group.h"
#include "steer/policy.h"

struct hostfs;

/* Why a cgroup is left alone. */
enum refusal {
	REFUSAL_NONE,
	REFUSAL_GONE,        /* removed; a unit that does not run */
	REFUSAL_FOREIGN,     /* somebody else has set its CPUs since it was opened: for good */
	REFUSAL_VCPU,        /* a vCPU's thread is in it, or below */
	REFUSAL_SELF,        /* this process is in it, or below */
	REFUSAL_PARTITION,   /* it is a partition root */
	REFUSAL_AFFINITY,    /* a write would erase a thread's own affinity */
	REFUSAL_INEFFECTIVE, /* what was written did not come into effect */
	REFUSAL_FAILED,      /* a read or a write failed */
	REFUSAL_CNT,
};

/* The same for all cgroups of a run. */
struct steered_host {
	const struct hostfs *fs;
	const struct group_host *groups;
	const struct policy *policy;
	struct cpus isolated;
	__u64 retry_ns;      /* how long a cgroup with a failure is left alone */
	bool keeps_affinity; /* writes keep the threads' own affinities */
	bool dry_run;        /* nothing is written */
};

struct steered {
	struct group group;
	enum refusal refusal;
	pid_t tid;        /* the thread that REFUSAL_VCPU or REFUSAL_AFFINITY is about */
	bool is_narrowed; /* it has fewer CPUs than it would have by itself */
	bool is_touched;  /* its cpuset.cpus is not the original one */
	struct cpus set;  /* what cpuset.cpus is, or will be when systemd has written it */
	struct cpus before;
	__u64 set_ns; /* when it was set; 0: that has been seen in cpuset.cpus */
	__u64 failed_ns;
	struct write_budget budget;
	/* Since the beginning: */
	__u64 write_cnt, failure_cnt, refusal_cnt;
	__u64 narrowed_ns, total_ns;
};

/* Whether a name can be that of a cgroup to steer. Returns 0, or -EINVAL, logged. */
int steered__check_name(const char *name);

/*
 * Opens it; nothing is written yet. Returns 0; -EINVAL or -EOPNOTSUPP, logged, when it is none to
 * steer; or another -errno, logged. The caller ends it with steered__close().
 */
int steered__open(const struct group_host *host, const char *name, bool writes, int writes_per_s,
		  struct steered *steered);
void steered__close(struct steered *steered);

/*
 * Looks whether it may be steered, and sets refusal. vcpu_tid: of a vCPU's thread that is in it or
 * below; 0: none is. Warns of a refusal that is new. Returns whether there is none.
 */
bool steered__look(const struct steered_host *host, struct steered *steered, pid_t vcpu_tid,
		   __u64 now_ns);

/*
 * After steered__look(): sets the CPUs that the policy chooses, or restores the original ones while
 * the cgroup is refused. Returns whether its set has changed.
 */
bool steered__step(const struct steered_host *host, struct steered *steered, __u64 now_ns);

/* Restores the original CPUs, unless somebody else has set others. Returns 0 or -errno, logged. */
int steered__restore(const struct steered_host *host, struct steered *steered);

/* Why it is left alone, as one word for machines, and as the end of a sentence. */
const char *refusal__word(enum refusal refusal);
const char *refusal__text(enum refusal refusal);

#endif /* STEERED_H */

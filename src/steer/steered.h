/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * steered - one housekeeping cgroup that is being steered: whether it may be, and which CPUs it
 * gets.
 */
#ifndef STEERED_H
#define STEERED_H

#include <stdbool.h>
#include <linux/types.h>
#include "steer/cpus.h"
#include "steer/group.h"
#include "steer/policy.h"

struct hostfs;

/* Why a cgroup is not steered. */
enum refusal {
	REFUSAL_NONE,
	REFUSAL_GONE,        /* removed, or its unit is not running */
	REFUSAL_FOREIGN,     /* another program has set its CPUs since it was opened: permanent */
	REFUSAL_VCPU,        /* the cgroup or a descendant contains a vCPU's thread */
	REFUSAL_SELF,        /* the cgroup or a descendant contains this process */
	REFUSAL_PARTITION,   /* it is a partition root */
	REFUSAL_AFFINITY,    /* a write would erase an affinity that a thread has set */
	REFUSAL_INEFFECTIVE, /* a write did not come into effect */
	REFUSAL_FAILED,      /* a read or a write failed */
	REFUSAL_CNT,
};

/* Common to all cgroups of a run. */
struct steered_host {
	const struct hostfs *fs;
	const struct group_host *groups;
	const struct policy *policy;
	struct cpus isolated;
	__u64 retry_ns;      /* for how long a cgroup is not steered after a failure */
	bool keeps_affinity; /* a cpuset write preserves the affinities that threads have set */
	bool dry_run;        /* nothing is written */
};

struct steered {
	struct group group;
	enum refusal refusal;
	pid_t tid;        /* the thread that caused REFUSAL_VCPU or REFUSAL_AFFINITY */
	bool is_narrowed; /* the cgroup has fewer CPUs than without steering */
	bool is_touched;  /* cpuset.cpus is not the original set */
	struct cpus set;  /* content of cpuset.cpus, now or once systemd has written it */
	struct cpus before;
	__u64 set_ns; /* when systemd was asked to write `set`; 0: `set` is in cpuset.cpus */
	__u64 failed_ns;
	struct write_budget budget;
	/* Since the start of the run: */
	__u64 write_cnt, failure_cnt, refusal_cnt;
	__u64 narrowed_ns, total_ns;
};

/*
 * Checks whether a name can be that of a cgroup to steer: machine.slice and its descendants are
 * refused. Returns 0; or -EINVAL, logged.
 */
int steered__check_name(const char *name);

/*
 * Opens the cgroup and writes nothing yet. *steered is zeroed by the caller. Returns 0; -EINVAL
 * when the cgroup must not be steered; -EOPNOTSUPP when it does not exist or has no cpuset; or
 * another -errno; all logged. The caller closes it with steered__close().
 */
int steered__open(const struct group_host *host, const char *name, bool writes, int writes_per_s,
		  struct steered *steered);
void steered__close(struct steered *steered);

/*
 * Checks whether the cgroup may be steered now, sets steered->refusal, and warns of a new refusal.
 * vcpu_tid: a vCPU's thread that is in the cgroup or a descendant; 0: there is none. now_ns:
 * CLOCK_MONOTONIC. Returns whether the cgroup may be steered.
 */
bool steered__look(const struct steered_host *host, struct steered *steered, pid_t vcpu_tid,
		   __u64 now_ns);

/*
 * Called after steered__look(): sets the CPUs that the policy chooses, or restores the original
 * CPUs while the cgroup is refused, except for REFUSAL_FOREIGN, REFUSAL_GONE and REFUSAL_AFFINITY,
 * which write nothing. Returns whether steered->set has changed.
 */
bool steered__step(const struct steered_host *host, struct steered *steered, __u64 now_ns);

/*
 * Restores the original CPUs, unless another program has set the CPUs. Returns 0 or -errno, logged.
 */
int steered__restore(const struct steered_host *host, struct steered *steered);

/* The refusal as one word for machines, and as text that ends a message. */
const char *refusal__word(enum refusal refusal);
const char *refusal__text(enum refusal refusal);

#endif /* STEERED_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * policy - which CPUs housekeeping may use: loads, topology and time in, sets of CPUs out. Pure.
 *
 * A CPU is *halted* when the vCPUs on it were busy for less than halted_share of their loaded time,
 * without a break for dwell_ns, or when no vCPU was loaded there for so long. A halted CPU whose
 * vCPUs are busy for busy_share or more is *busy* at once: housekeeping there costs the guest,
 * while a CPU given late costs housekeeping a little. Between the two shares nothing changes. An
 * unknown CPU is busy. gtimehalt-steer(8), POLICY, has the reasons for the numbers.
 */
#ifndef POLICY_H
#define POLICY_H

#include <stdbool.h>
#include <linux/types.h>
#include "steer/cpus.h"
#include "steer/load.h"

struct policy;

struct policy_opts {
	double busy_share, halted_share; /* 0 <= halted_share < busy_share <= 1 */
	__u64 dwell_ns;
	int min_cnt; /* fewer CPUs than that are not enough for housekeeping */
};

/*
 * core_of[cpu], for cpu_cnt CPUs: the same number for the SMT siblings of one core, below cpu_cnt;
 * it is copied. Returns 0 and *policy, which the caller ends with policy__free(); or -ENOMEM.
 */
int policy__new(const struct policy_opts *opts, const int *core_of, int cpu_cnt,
		struct policy **policy);
void policy__free(struct policy *policy);

/* Takes the loads of the interval that ended at now_ns, one for each CPU; NULL: none is known. */
void policy__feed(struct policy *policy, __u64 now_ns, const struct cpu_load *loads);

/*
 * Chooses among the CPUs that are allowed: those that are halted, first the ones without a busy SMT
 * sibling. Where these are fewer than min_cnt, those that are below halted_share now, then the
 * least busy below busy_share. Returns whether *chosen is a choice: false, and *chosen is all that
 * are allowed, when every CPU would be chosen, or there are fewer than min_cnt even so. Where no
 * vCPU is halted all share the cost.
 */
bool policy__choose(const struct policy *policy, const struct cpus *allowed, struct cpus *chosen);

/* The CPUs that are busy or unknown. */
void policy__busy(const struct policy *policy, struct cpus *busy);

/*
 * At most cnt writes within a second, each of which costs the kernel a walk over the cgroup's
 * tasks.
 */
#define WRITE_BUDGET_MAX 16

struct write_budget {
	int cnt; /* 1 .. WRITE_BUDGET_MAX; the caller sets it, all else is 0 at first */
	int next;
	__u64 at_ns[WRITE_BUDGET_MAX];
};

bool write_budget__has(const struct write_budget *budget, __u64 now_ns);
void write_budget__take(struct write_budget *budget, __u64 now_ns);

#endif /* POLICY_H */

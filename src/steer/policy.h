/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * policy - chooses the CPUs that housekeeping may use, from loads, topology and time. Pure.
 *
 * The share of a CPU is the busy time of its vCPUs over their loaded time, and 0 once no vCPU was
 * loaded there for dwell_ns. A CPU becomes *halted* when its share was below halted_share for
 * dwell_ns without interruption. A halted CPU becomes *busy* as soon as its share is busy_share or
 * more, because housekeeping on a busy CPU costs the guest latency, whereas a CPU that is given
 * late costs housekeeping only a little time. Between the two shares the state does not change. A
 * CPU whose load is unknown is busy. The section POLICY of gtimehalt-steer(8) explains the default
 * numbers.
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
	int min_cnt; /* the fewest CPUs that are enough for housekeeping */
};

/*
 * Creates a policy. core_of[cpu], for cpu_cnt CPUs, is the same number below cpu_cnt for all SMT
 * siblings of one core; the array is copied. Returns 0 and *policy, which the caller frees with
 * policy__free(); or -ENOMEM.
 */
int policy__new(const struct policy_opts *opts, const int *core_of, int cpu_cnt,
		struct policy **policy);
void policy__free(struct policy *policy);

/*
 * Updates the states of all CPUs from the loads of the interval that ended at now_ns; NULL: all
 * loads are unknown.
 */
void policy__feed(struct policy *policy, __u64 now_ns, const struct cpu_load *loads);

/*
 * Chooses from the allowed CPUs, in this order, until there are min_cnt: all halted CPUs without a
 * busy SMT sibling; all other halted CPUs; all CPUs whose share is below halted_share now; CPUs
 * whose share is below busy_share, one at a time, the least busy first. Returns true and the choice
 * in *chosen. Returns false, and all allowed CPUs in *chosen, when the choice would be all of them
 * or fewer than min_cnt: where no vCPU is halted, all vCPUs share the cost of housekeeping.
 */
bool policy__choose(const struct policy *policy, const struct cpus *allowed, struct cpus *chosen);

/* Sets *busy to the CPUs that are busy or unknown. */
void policy__busy(const struct policy *policy, struct cpus *busy);

/*
 * Allows at most cnt writes in each second, because each write makes the kernel walk over all tasks
 * of the cgroup.
 */
#define WRITE_BUDGET_MAX 16

struct write_budget {
	int cnt; /* 1 .. WRITE_BUDGET_MAX, set by the caller; all other fields are 0 at first */
	int next;
	__u64 at_ns[WRITE_BUDGET_MAX];
};

/* Returns whether a write at now_ns is within the limit; _take() counts the write. */
bool write_budget__has(const struct write_budget *budget, __u64 now_ns);
void write_budget__take(struct write_budget *budget, __u64 now_ns);

#endif /* POLICY_H */

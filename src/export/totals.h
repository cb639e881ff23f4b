/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * totals - what all reports so far add up to: of each vCPU, each VM, and the node. Pure.
 *
 * Nothing ever goes back. An interval of which a metric is not known adds nothing to it, and a metric that
 * was never known stays METRIC_UNKNOWN: it is absent, not 0.
 *
 * A VM is a process and its name: two VMs of one process are one here, and one that is given another name
 * ends and begins anew. A vCPU is a number in a VM, whichever thread runs it. One that a report no longer
 * has has ended: it is kept for TOTALS_KEEP_NS, so that all who read the totals see what it did last, and then dropped.
 * What it gave stays in its VM, and what a VM gave in the node.
 */
#ifndef TOTALS_H
#define TOTALS_H

#include <stdbool.h>
#include <stddef.h>
#include "report/account.h"

/* Longer than any server waits between two scrapes; after five minutes Prometheus has no value of a series any more. */
#define TOTALS_KEEP_NS (300 * 1000000000ULL)

/* How many vCPUs that have ended are kept, and how many VMs; the oldest are dropped. */
#define TOTALS_ENDED_MAX 4096

/*
 * Stints by how long they were halted, in fewer buckets than histogram.h has: bucket i has those below
 * totals__stint_bound_ns(i), and not below that of the bucket before; the last has all others. Those halted
 * for less than STINT_MIN_NS are in none. 2^36 ns is no bound, for the tool's own last bucket has none.
 */
#define TOTALS_BOUND_MIN_SHIFT 12
#define TOTALS_BOUND_MAX_SHIFT 34
#define TOTALS_BOUND_CNT       ((TOTALS_BOUND_MAX_SHIFT - TOTALS_BOUND_MIN_SHIFT) / 2 + 1)

struct stint_totals {
	bool known; /* some report had a histogram */
	__u64 halted_ns;
	__u64 cnt[TOTALS_BOUND_CNT + 1];
};

/* What a VM and a vCPU have in common. */
struct total {
	pid_t pid;
	__u32 vcpu_id;   /* of a vCPU */
	__u64 vm_number; /* unique among VMs, never used again */
	struct metrics sums;
	__u64 ended_ns; /* CLOCK_MONOTONIC at which it was missed; 0: it lives */
	bool seen;      /* in the last report */
};

struct vm_total {
	struct total total;
	char name[sizeof(((struct vm_reading *)NULL)->name)];
	size_t vcpu_cnt; /* in the last report, as vcpu_cnt_of() */
	struct stint_totals stints;
};

/* One kind of series: VMs or vCPUs. */
struct total_list {
	void *items; /* each begins with a struct total */
	size_t item_size;
	size_t cnt, sorted_cnt, room;
	size_t ended_cnt;
	int (*compare)(const void *a, const void *b);
};

/* To read from: only the functions below write. */
struct totals {
	struct total_list vms;   /* struct vm_total, by pid, name */
	struct total_list vcpus; /* struct total, by pid, vm_number, vcpu_id */
	struct metrics node;
	struct health health;
	double mperf_ratio; /* of the last report; 0: there was none */
	__u64 vm_number;    /* of the last VM that was made */
	__u64 dropped_cnt; /* VMs and vCPUs that were dropped before TOTALS_KEEP_NS, for there were too many */
};

/* Nothing is known yet. The caller ends it with totals__free(). */
void totals__init(struct totals *totals);
void totals__free(struct totals *totals);

/*
 * Adds a report, which begins where the one before ended. Returns 0; or -ENOMEM, and nothing was added:
 * what comes next should begin where this one did.
 */
int totals__add(struct totals *totals, const struct report *report);

static inline size_t totals__vm_cnt(const struct totals *totals)
{
	return totals->vms.cnt;
}

static inline const struct vm_total *totals__vm(const struct totals *totals, size_t i)
{
	return (const struct vm_total *)totals->vms.items + i;
}

static inline size_t totals__vcpu_cnt(const struct totals *totals)
{
	return totals->vcpus.cnt;
}

static inline const struct total *totals__vcpu(const struct totals *totals, size_t i)
{
	return (const struct total *)totals->vcpus.items + i;
}

/* NULL: it has been dropped. */
const struct vm_total *totals__vm_of(const struct totals *totals, const struct total *vcpu);

/* How many VMs the last report had. */
size_t totals__live_vm_cnt(const struct totals *totals);

/* For i below TOTALS_BOUND_CNT. */
__u64 totals__stint_bound_ns(unsigned int i);

#endif /* TOTALS_H */

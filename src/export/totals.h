/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * totals - sums over all reports so far, for each vCPU, each VM and the node. Pure.
 *
 * Sums never decrease. An interval with an unknown value of a metric adds nothing to it; a metric
 * that was never known stays METRIC_UNKNOWN and is absent from the output, not 0.
 *
 * A VM is identified by process and name: several VMs of one process are one VM
 * here, and a VM that is renamed ends and begins again. A vCPU is identified by
 * its number in the VM, whichever thread runs it.
 *
 * A VM or vCPU that is missing from a report has ended. It is kept for TOTALS_KEEP_NS, so that
 * every scraper sees its last values, and then dropped. Its sums remain part of its VM, and those
 * of a VM part of the node.
 */
#ifndef TOTALS_H
#define TOTALS_H

#include <stdbool.h>
#include <stddef.h>
#include "report/account.h"

/*
 * Longer than any usual scrape interval. Prometheus itself regards a series as
 * stale after five minutes.
 */
#define TOTALS_KEEP_NS (300 * 1000000000ULL)

/* Limit on ended vCPUs, and on ended VMs, that are kept; the oldest are dropped. */
#define TOTALS_ENDED_MAX 4096

/*
 * Histogram of stints by halted time, with fewer buckets than histogram.h has. Bucket i contains
 * stints below totals__stint_bound_ns(i) that are in no lower bucket; the last one contains all
 * others. Stints halted for less than STINT_MIN_NS are in none. The largest bound is 2^34 ns; 2^36
 * ns cannot be one, because the last bucket of histogram.h is unbounded.
 */
#define TOTALS_BOUND_MIN_SHIFT 12
#define TOTALS_BOUND_MAX_SHIFT 34
#define TOTALS_BOUND_CNT       ((TOTALS_BOUND_MAX_SHIFT - TOTALS_BOUND_MIN_SHIFT) / 2 + 1)

struct stint_totals {
	bool known; /* some report had a histogram */
	__u64 halted_ns;
	__u64 cnt[TOTALS_BOUND_CNT + 1];
};

/* The common part of VMs and vCPUs. */
struct total {
	pid_t pid;
	__u32 vcpu_id;   /* only for a vCPU */
	__u64 vm_number; /* unique among all VMs of the run */
	struct metrics sums;
	__u64 ended_ns; /* CLOCK_MONOTONIC of the first report without it; 0: not ended */
	bool seen;      /* it is in the last report */
};

struct vm_total {
	struct total total;
	char name[sizeof(((struct vm_reading *)NULL)->name)];
	size_t vcpu_cnt; /* vcpu_cnt_of() in the last report */
	struct stint_totals stints;
};

/* A list of VMs or of vCPUs. */
struct total_list {
	void *items; /* each begins with a struct total */
	size_t item_size;
	size_t cnt, sorted_cnt, room;
	size_t ended_cnt;
	int (*compare)(const void *a, const void *b);
};

/* Read-only for callers. */
struct totals {
	struct total_list vms;   /* struct vm_total, sorted by pid, name */
	struct total_list vcpus; /* struct total, sorted by pid, vm_number, vcpu_id */
	struct metrics node;
	struct health health;
	double mperf_ratio; /* of the last report; 0: none yet */
	__u64 vm_number;    /* of the newest VM */
	/* VMs and vCPUs dropped before TOTALS_KEEP_NS because there were too many */
	__u64 dropped_cnt;
};

/* Initializes an empty total, to be freed with totals__free(). */
void totals__init(struct totals *totals);
void totals__free(struct totals *totals);

/*
 * Adds a report, which must begin where the previous one ended.
 * Returns 0; or -ENOMEM, with nothing added: the next report should then begin where this one did.
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

/* Returns the VM of a vCPU; NULL if it was dropped. */
const struct vm_total *totals__vm_of(const struct totals *totals, const struct total *vcpu);

/* Returns the number of VMs in the last report. */
size_t totals__live_vm_cnt(const struct totals *totals);

/* Returns the upper bound of bucket i; i must be below TOTALS_BOUND_CNT. */
__u64 totals__stint_bound_ns(unsigned int i);

#endif /* TOTALS_H */

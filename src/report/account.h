/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * account - make a report from two snapshots. Pure arithmetic: no clock, no
 * file, no library but libc.
 *
 * span.h computes the metrics of a single vCPU; this module groups vCPUs into VMs and sums them.
 */
#ifndef ACCOUNT_H
#define ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "report/histogram.h"
#include "report/metrics.h"
#include "report/snapshot.h"

/* Whether vCPUs can halt in guest mode, by KVM's flags, which are the same for a whole VM. */
enum halting {
	HALTING_UNKNOWN, /* no hook has seen one of the vCPUs */
	HALTING_NEVER,   /* halted_ns is 0 by KVM's flags, and was not measured */
	HALTING_MEASURED,
};

struct vcpu_report {
	pid_t tid;
	__u32 vcpu_id;
	enum halting halting;
	struct metrics metrics;
	const struct histogram *histogram; /* NULL: stints were not counted */
};

struct vm_report {
	pid_t pid;
	__u64 vm_id;
	const char *name; /* from the current snapshot; "?" if it has none */
	enum halting halting;
	struct metrics metrics;            /* sums over vcpus; all unknown if there are none */
	const struct histogram *histogram; /* sum over vcpus; NULL if one vCPU has none */
	const struct vcpu_report *vcpus;   /* sorted by vcpu_id, tid; memory of the report */
	size_t vcpu_cnt;
};

struct report {
	__u64 interval_ns;
	struct clock_reading begin, end;
	enum measure_mode mode;
	bool pinned; /* read from a measurement that --pin started */
	double mperf_ratio;
	struct health health; /* failures within the interval */
	__u32 online_cpu_cnt; /* at its end; 0: unknown */
	struct metrics total; /* sums over vcpus, as in a VM */
	/*
	 * Sorted by pid, vm_id. A process with several VMs has one entry for
	 * each, all with the same name; its unseen vCPUs belong to the first
	 * one. VMs without known vCPUs are included.
	 */
	struct vm_report *vms;
	size_t vm_cnt;
	struct vcpu_report *vcpus; /* vCPUs of all VMs, in the order of vms */
	size_t vcpu_cnt;
	/* Memory to which vcpus and vms point. */
	struct histogram *vcpu_histograms, *vm_histograms;
	/* allocated elements */
	size_t vm_room, vcpu_room, vcpu_histogram_room, vm_histogram_room;
};

/*
 * Makes the report of the interval from prev to cur. Both must be sorted by snapshot__sort() and
 * must outlive the report. Zero-initialize *report before the first call; its memory is reused by
 * later calls and freed by report__free().
 * Returns 0; -EINVAL as span__init() does, with the report unchanged; or
 * -ENOMEM, with the report freed.
 */
int account__report(const struct snapshot *prev, const struct snapshot *cur, struct report *report);
void report__free(struct report *report);

#endif /* ACCOUNT_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * account - two snapshots to one report. Pure arithmetic: no clock, no file, no library but libc.
 *
 * What is known of one vCPU, and what is not, is in span.h; here they become VMs, and sums.
 */
#ifndef ACCOUNT_H
#define ACCOUNT_H

#include <stddef.h>
#include <stdint.h>
#include "report/histogram.h"
#include "report/metrics.h"
#include "report/snapshot.h"

struct vcpu_report {
	pid_t tid;
	__u32 vcpu_id;
	struct metrics metrics;
	const struct histogram *histogram; /* NULL: stints were not counted */
};

struct vm_report {
	pid_t pid;
	__u64 vm_id;
	const char *name;                  /* in the current snapshot; "?" when that has none */
	struct metrics metrics;            /* sums over vcpus; all unknown when there are none */
	const struct histogram *histogram; /* sum over vcpus; NULL as theirs */
	const struct vcpu_report *vcpus;   /* by vcpu_id, tid; in the report's own memory */
	size_t vcpu_cnt;
};

struct report {
	__u64 interval_ns;
	struct clock_reading begin, end;
	enum measure_mode mode;
	double mperf_ratio;
	struct health health; /* failures within the interval */
	/*
	 * By pid, vm_id. A process with several VMs has one report for each, all of the same name; its
	 * vCPUs that were not seen count to the first. A VM of which no vCPU is known is there too.
	 */
	struct vm_report *vms;
	size_t vm_cnt;
	struct vcpu_report *vcpus; /* of all VMs, in the order of vms */
	size_t vcpu_cnt;
	/* What vcpus and vms point to. */
	struct histogram *vcpu_histograms, *vm_histograms;
	/* elements for which there is memory */
	size_t vm_room, vcpu_room, vcpu_histogram_room, vm_histogram_room;
};

/*
 * Makes the report of the span from prev to cur, both in the order that snapshot__sort() makes. They
 * outlive the report, whose memory is used again when the same struct is given (zero-initialise it
 * before the first time) and is freed by report__free().
 * Returns 0; -EINVAL as span__init(), and the report is left as it was; or -ENOMEM, and it is freed.
 */
int account__report(const struct snapshot *prev, const struct snapshot *cur, struct report *report);
void report__free(struct report *report);

#endif /* ACCOUNT_H */

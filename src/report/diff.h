/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * diff - compare two runs: of each VM the shares in both, and whether they differ by more than they
 * vary within each run. Pure arithmetic.
 *
 * A VM is identified by its name. Where a name occurs more than once in one of the runs, its VMs
 * are identified by name, process and number within the process.
 *
 * Each run is divided into DIFF_PARTS parts of about equal length. The standard deviation of the
 * means of the parts, divided by the root of their number, is the standard error of the mean of the
 * run. The parts are longer than the intervals, because successive intervals of a load are alike,
 * and the error would come out too small. A difference exceeds the variation if it is above
 * DIFF_ERRORS standard errors of the difference, and above DIFF_LEAST_PCT, the error of the
 * measurement. DIFF_ERRORS is Student's t for 1 % and 9 degrees of freedom: the differences of
 * equal loads exceed it in 1 of 100 cases, or fewer, if the load of a part does not depend on that
 * of the part before: recordings that are short compared to the bursts of a load differ more often.
 */
#ifndef DIFF_H
#define DIFF_H

#include <stddef.h>
#include <linux/types.h>

struct timeline;
struct timeline_vm;

#define DIFF_PARTS     10
#define DIFF_ERRORS    3.25
#define DIFF_LEAST_PCT 0.2

enum diff_share {
	DIFF_IDLE,
	DIFF_HALTED,
	DIFF_BUSY,
	DIFF_HOST,
	DIFF_WAIT,
	DIFF_SHARE_CNT,
};

enum diff_run {
	DIFF_BEFORE,
	DIFF_AFTER,
	DIFF_RUN_CNT,
};

enum diff_verdict {
	DIFF_UNKNOWN, /* a part of one run has no interval in which the share is known */
	DIFF_WITHIN,
	DIFF_EXCEEDS,
};

/* Per cent of wall time, over the intervals in which the share is known. NaN: unknown. */
struct diff_value {
	double mean_pct[DIFF_RUN_CNT];
	/* part of the VM's wall time in which the share is unknown, in per cent */
	double unknown_pct[DIFF_RUN_CNT];
	double difference_pct; /* after - before */
	double variation_pct;  /* what a difference must exceed; NaN: unknown */
	enum diff_verdict verdict;
};

struct diff_vm {
	const struct timeline_vm *vms[DIFF_RUN_CNT]; /* NULL: only in the other run */
};

struct diff {
	const struct timeline *runs[DIFF_RUN_CNT];
	struct diff_vm
		*vms; /* in the order of the first run; then those that only the second has */
	size_t vm_cnt;
};

/*
 * Compares two runs, which must outlive the result. The caller frees it with diff__free().
 * Returns 0 or -ENOMEM.
 */
int diff__make(const struct timeline *before, const struct timeline *after, struct diff *diff);
void diff__free(struct diff *diff);

struct diff_value diff__value(const struct diff *diff, const struct diff_vm *vm,
			      enum diff_share share);

#endif /* DIFF_H */

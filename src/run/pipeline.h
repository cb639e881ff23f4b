/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * pipeline - take snapshots from the source and show one interval after the other, until the count
 * is reached, a signal or key ends the run, or the source or all selected vCPUs have ended.
 */
#ifndef PIPELINE_H
#define PIPELINE_H

#include <stdbool.h>

struct interval;
struct options;
struct page;
struct show;
struct source;
struct timeline;
struct top;

struct pipeline {
	const struct options *opts;
	struct source *source;
	/* NULL: do not wait between snapshots, and do not end on signals */
	const struct interval *interval;
	/* Where intervals go: to the first of these that is not NULL. */
	struct timeline *timeline;
	struct page *page; /* written at the end */
	struct top *top;
	struct show *show;
	/* Result: in some checked interval the sums did not close. */
	bool check_failed;
};

/*
 * Runs until the end, and records if the options say so. All parts stay owned by the caller.
 * Returns 0 or -errno, logged.
 */
int pipeline__run(struct pipeline *pipeline);

#endif /* PIPELINE_H */

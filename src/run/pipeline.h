/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * pipeline - an interval at a time, from the source of snapshots to what is shown, until the count, a
 * signal, a key, the end of the source, or of all that was asked for.
 */
#ifndef PIPELINE_H
#define PIPELINE_H

#include <stdbool.h>

struct interval;
struct options;
struct show;
struct source;
struct top;

struct pipeline {
	const struct options *opts;
	struct source *source;
	const struct interval *interval; /* NULL: nothing is waited for, nor do signals end it */
	struct show *show;
	struct top *top; /* NULL: intervals go to show */
	/* Out: sums of an interval that was checked did not close. */
	bool check_failed;
};

/*
 * Runs it; all parts stay the caller's. What the options want recorded is.
 * Returns 0 or -errno, logged.
 */
int pipeline__run(struct pipeline *pipeline);

#endif /* PIPELINE_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * render_histogram - show how long stints were halted, in the style of libbpf-tools.
 */
#ifndef RENDER_HISTOGRAM_H
#define RENDER_HISTOGRAM_H

#include <stdio.h>
#include "report/histogram.h"

struct report;
struct view;

/*
 * Writes the lines of render__host() and a histogram for each row of the view or, if the view has
 * both VMs and vCPUs, one histogram of the whole report, without a title. The rows of a histogram
 * are powers of two, from the shortest halt that occurred to the longest; the longest bar is that
 * of the largest count.
 *
 * Below each histogram: the count and sum of the stints in it; the median and other quantiles,
 * computed from finer buckets than those shown; and the number of stints that were halted for less
 * than the first bucket or not at all. The notes of render__table() follow at the end. Lines have
 * at most 79 columns if counts are below 10^15.
 *
 * Flushes the stream. Returns 0 or -errno.
 */
int render__histogram(const struct report *report, const struct view *view,
		      enum histogram_unit unit, FILE *out);

#endif /* RENDER_HISTOGRAM_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * render_histogram - how long stints were halted, as libbpf-tools show such distributions.
 */
#ifndef RENDER_HISTOGRAM_H
#define RENDER_HISTOGRAM_H

#include <stdio.h>
#include "report/histogram.h"

struct report;
struct view;

/*
 * A histogram for each row of the view, or, where it has both kinds of rows, one of all that it has: powers
 * of two, from the shortest that there was to the longest, with the longest bar for the greatest count.
 * Below each: the count and the sum of the stints in it; the median and other quantiles of these, from
 * finer buckets than those shown; and how many stints were halted less than the first bucket has, or not
 * at all. Then the notes of render__table(). At most 79 columns, as long as counts are below 10^15.
 * Flushes the stream. Returns 0, or -errno when it failed.
 */
int render__histogram(const struct report *report, const struct view *view,
		      enum histogram_unit unit, FILE *out);

#endif /* RENDER_HISTOGRAM_H */

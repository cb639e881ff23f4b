/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * histogram - how long stints were halted: counts by duration, and quantiles. Pure.
 *
 * It has eight buckets per power of two (gtimehalt.h), more than are shown, so that a quantile errs
 * by half a bucket at most, 6.25 %. Several short halts within one stint count as one.
 */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdbool.h>
#include "gtimehalt.h"

struct histogram {
	/* Stints halted for less than STINT_MIN_NS or not at all; may be HISTOGRAM_UNKNOWN. */
	__u64 below_cnt;
	__u64 halted_ns; /* exact sum over the stints in cnt */
	__u64 cnt[STINT_BUCKET_CNT];
};

#define HISTOGRAM_UNKNOWN UINT64_MAX

/* Adds all counts of `from`. A value that is unknown on one side is unknown in the sum. */
void histogram__add(struct histogram *histogram, const struct histogram *from);

/* Returns the number of stints in buckets: those halted for STINT_MIN_NS or longer. */
__u64 histogram__halted_cnt(const struct histogram *histogram);

/* Gets the durations of a bucket: from *low_ns up to, but not including, *high_ns. */
void histogram__bounds(unsigned int bucket, __u64 *low_ns, __u64 *high_ns);

/*
 * Computes the duration that `permille` (1 to 1000) of the stints in buckets do
 * not exceed, as the middle of a bucket; 1000 gives the longest. Stints below
 * STINT_MIN_NS are ignored, because they hardly halted.
 * Returns false, with *ns unchanged, if all buckets are empty.
 */
bool histogram__quantile(const struct histogram *histogram, unsigned int permille, __u64 *ns);

/* Units in which durations are shown. */
enum histogram_unit {
	HISTOGRAM_US,
	HISTOGRAM_MS,
	HISTOGRAM_NS,
};

#endif /* HISTOGRAM_H */

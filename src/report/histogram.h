/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * histogram - how long stints were halted: counts by duration, and what follows from them. Pure.
 *
 * Inside it is finer than what is shown: eight buckets to a power of two (gtimehalt.h), so a quantile errs
 * by no more than half a bucket, 6.25 %. Several short halts within one stint add up to one entry.
 */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdbool.h>
#include "gtimehalt.h"

struct histogram {
	/* Stints that were halted for less than STINT_MIN_NS, or not at all; HISTOGRAM_UNKNOWN. */
	__u64 below_cnt;
	__u64 halted_ns; /* sum over the stints in cnt, exact */
	__u64 cnt[STINT_BUCKET_CNT];
};

#define HISTOGRAM_UNKNOWN UINT64_MAX

/* Adds all that is in `from`. What is unknown on one side is unknown in the sum. */
void histogram__add(struct histogram *histogram, const struct histogram *from);

/* The stints that are counted in buckets: those halted for STINT_MIN_NS and more. */
__u64 histogram__halted_cnt(const struct histogram *histogram);

/* The durations of a bucket: from *low_ns up to, but not including, *high_ns. */
void histogram__bounds(unsigned int bucket, __u64 *low_ns, __u64 *high_ns);

/*
 * The duration that `permille` of the stints in buckets do not exceed, 1 to 1000, as the middle of a bucket;
 * 1000 is that of the longest. Stints below STINT_MIN_NS are left out: they are no halts to speak of.
 * Returns false, and *ns is left alone, when no stint is in a bucket.
 */
bool histogram__quantile(const struct histogram *histogram, unsigned int permille, __u64 *ns);

/* In which durations are shown. */
enum histogram_unit {
	HISTOGRAM_US,
	HISTOGRAM_MS,
	HISTOGRAM_NS,
};

#endif /* HISTOGRAM_H */

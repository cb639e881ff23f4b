// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdint.h>
#include "report/histogram.h"

static __u64 add_saturated(__u64 a, __u64 b)
{
	__u64 sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

void histogram__add(struct histogram *histogram, const struct histogram *from)
{
	histogram->below_cnt = add_saturated(histogram->below_cnt, from->below_cnt);
	histogram->halted_ns = add_saturated(histogram->halted_ns, from->halted_ns);
	for (unsigned int i = 0; i < STINT_BUCKET_CNT; i++)
		histogram->cnt[i] = add_saturated(histogram->cnt[i], from->cnt[i]);
}

__u64 histogram__halted_cnt(const struct histogram *histogram)
{
	__u64 cnt = 0;

	for (unsigned int i = 0; i < STINT_BUCKET_CNT; i++)
		cnt = add_saturated(cnt, histogram->cnt[i]);
	return cnt;
}

static __u64 low_end(unsigned int bucket)
{
	unsigned int shift = STINT_MIN_SHIFT + (bucket >> STINT_SUB_SHIFT);
	__u64 part = bucket & ((1 << STINT_SUB_SHIFT) - 1);

	return (1ULL << shift) + (part << (shift - STINT_SUB_SHIFT));
}

void histogram__bounds(unsigned int bucket, __u64 *low_ns, __u64 *high_ns)
{
	*low_ns = low_end(bucket);
	*high_ns = low_end(bucket + 1);
}

bool histogram__quantile(const struct histogram *histogram, unsigned int permille, __u64 *ns)
{
	__u64 cnt = histogram__halted_cnt(histogram), before = 0;
	/*
	 * Rank of the wanted stint, from 1. It is rounded up, so that the median
	 * of two is the first.
	 */
	__u64 rank = (__u64)(((unsigned __int128)cnt * permille + 999) / 1000);

	for (unsigned int i = 0; i < STINT_BUCKET_CNT; i++) {
		__u64 low_ns, high_ns;

		before = add_saturated(before, histogram->cnt[i]);
		if (!histogram->cnt[i] || before < rank)
			continue;
		histogram__bounds(i, &low_ns, &high_ns);
		*ns = low_ns + (high_ns - low_ns) / 2;
		return true;
	}
	return false;
}

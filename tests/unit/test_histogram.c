// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <math.h>
#include <string.h>
#include "report/histogram.h"
#include "test.h"

#define MS 1000000ULL

/* Finds the bucket of a duration by searching; the BPF side finds it by shifts. */
static unsigned int bucket_of(__u64 ns)
{
	for (unsigned int i = 0; i < STINT_BUCKET_CNT; i++) {
		__u64 low_ns, high_ns;

		histogram__bounds(i, &low_ns, &high_ns);
		if (ns >= low_ns && ns < high_ns)
			return i;
	}
	fail_msg("%llu ns is in no bucket", ns);
	return 0;
}

static void buckets_follow_each_other(void **state)
{
	__u64 end_ns = STINT_MIN_NS, low_ns, high_ns;

	(void)state;
	for (unsigned int i = 0; i < STINT_BUCKET_CNT; i++) {
		histogram__bounds(i, &low_ns, &high_ns);
		assert_true(low_ns == end_ns);
		assert_true(high_ns > low_ns);
		/* No value in a bucket is further than 6.25 % from its middle. */
		assert_true((double)(high_ns - low_ns) / 2 <= 0.0625 * (double)low_ns);
		end_ns = high_ns;
	}
	assert_true(end_ns == 1ULL << STINT_MAX_SHIFT);
}

static void nothing_has_no_quantile(void **state)
{
	struct histogram histogram = { .below_cnt = 1000 };
	__u64 ns = 77;

	(void)state;
	assert_int_equal(histogram__halted_cnt(&histogram), 0);
	assert_false(histogram__quantile(&histogram, 500, &ns));
	assert_int_equal(ns, 77);
}

static void assert_quantile(const struct histogram *histogram, unsigned int permille, double ns)
{
	__u64 shown_ns = 0;

	assert_true(histogram__quantile(histogram, permille, &shown_ns));
	if (fabs((double)shown_ns - ns) > 0.0625 * ns)
		fail_msg("p%u is %llu, not %.0f", permille, shown_ns, ns);
}

static void quantiles(void **state)
{
	struct histogram histogram = { 0 };

	(void)state;
	histogram.cnt[bucket_of(1 * MS)] = 50;
	histogram.cnt[bucket_of(3 * MS)] = 40;
	histogram.cnt[bucket_of(10 * MS)] = 9;
	histogram.cnt[bucket_of(30 * MS)] = 1;
	assert_int_equal(histogram__halted_cnt(&histogram), 100);
	assert_quantile(&histogram, 1, 1e6);
	assert_quantile(&histogram, 500, 1e6);
	assert_quantile(&histogram, 501, 3e6);
	assert_quantile(&histogram, 900, 3e6);
	assert_quantile(&histogram, 901, 10e6);
	assert_quantile(&histogram, 990, 10e6);
	assert_quantile(&histogram, 991, 30e6);
	assert_quantile(&histogram, 1000, 30e6);
}

static void ends_of_the_range(void **state)
{
	struct histogram histogram = { 0 };

	(void)state;
	histogram.cnt[0] = 1;
	assert_quantile(&histogram, 1000, 1024);
	histogram.cnt[STINT_BUCKET_CNT - 1] = 1;
	assert_quantile(&histogram, 1000, ldexp(1.9375, STINT_MAX_SHIFT - 1));
	assert_quantile(&histogram, 500, 1024);
}

static void sums(void **state)
{
	struct histogram a = { .below_cnt = 3, .halted_ns = 10, .cnt = { 1, 2, 3 } };
	struct histogram b = { .below_cnt = 4, .halted_ns = 20, .cnt = { 0, 5, UINT64_MAX } };

	(void)state;
	histogram__add(&a, &b);
	assert_int_equal(a.below_cnt, 7);
	assert_int_equal(a.halted_ns, 30);
	assert_int_equal(a.cnt[0], 1);
	assert_int_equal(a.cnt[1], 7);
	assert_true(a.cnt[2] == UINT64_MAX);
	b.below_cnt = HISTOGRAM_UNKNOWN;
	histogram__add(&a, &b);
	assert_true(a.below_cnt == HISTOGRAM_UNKNOWN);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets_follow_each_other),
		cmocka_unit_test(nothing_has_no_quantile),
		cmocka_unit_test(quantiles),
		cmocka_unit_test(ends_of_the_range),
		cmocka_unit_test(sums),
	};

	return cmocka_run_group_tests_name("histogram", tests, NULL, NULL);
}

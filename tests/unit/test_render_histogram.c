// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "failing_stream.h"
#include "render/render_histogram.h"

static enum histogram_unit unit;

static int write_it(struct fixture *f, FILE *out)
{
	return render__histogram(&f->report, view_of(f), unit, out);
}

/* Returns the text below the two lines of the host, which other tests read. */
static const char *histograms(struct fixture *f)
{
	const char *text = written(f, write_it);

	for (int i = 0; i < 2; i++) {
		text = strchr(text, '\n');
		assert_non_null(text);
		text++;
	}
	return text;
}

/* Finds the bucket of a duration by the bounds of the buckets. */
static unsigned int bucket_of(__u64 ns)
{
	__u64 low_ns, high_ns;

	for (unsigned int i = 0; i < STINT_BUCKET_CNT; i++) {
		histogram__bounds(i, &low_ns, &high_ns);
		if (ns >= low_ns && ns < high_ns)
			return i;
	}
	fail_msg("%llu ns is in no bucket", ns);
	return 0;
}

static void add(struct histogram *histogram, __u64 ns, __u64 cnt)
{
	histogram->cnt[bucket_of(ns)] += cnt;
	histogram->halted_ns += ns * cnt;
}

/* Adds one VM with two vCPUs; sums[0] and sums[1] count the vCPUs' stints, sums[2] both. */
static void add_counted(struct fixture *f, struct histogram sums[3])
{
	add(&sums[1], 1100, 3);
	add(&sums[1], 3 * MS, 40);
	sums[1].below_cnt = 5;
	add(&sums[2], 2000, 1);
	add(&sums[2], 30 * MS, 20);
	sums[2].below_cnt = 1234;
	histogram__add(&sums[0], &sums[1]);
	histogram__add(&sums[0], &sums[2]);
	add_demo(f);
	f->vms[0].histogram = &sums[0];
	f->vcpus[0].histogram = &sums[1];
	f->vcpus[1].histogram = &sums[2];
}

#define NOTE "# Halts within one stint, from VM entry to exit, add up to one entry.\n"

static void test_all(void **state)
{
	struct histogram sums[3] = { 0 };

	unit = HISTOGRAM_US;
	add_counted(*state, sums);
	assert_string_equal(
		histograms(*state),
		"     usecs               : count    distribution\n"
		"      1.02 -> 2.05       : 4        |****                                    |\n"
		"      2.05 -> 4.10       : 0        |                                        |\n"
		"      4.10 -> 8.19       : 0        |                                        |\n"
		"      8.19 -> 16.4       : 0        |                                        |\n"
		"      16.4 -> 32.8       : 0        |                                        |\n"
		"      32.8 -> 65.5       : 0        |                                        |\n"
		"      65.5 -> 131.1      : 0        |                                        |\n"
		"     131.1 -> 262.1      : 0        |                                        |\n"
		"     262.1 -> 524.3      : 0        |                                        |\n"
		"     524.3 -> 1048.6     : 0        |                                        |\n"
		"    1048.6 -> 2097.2     : 0        |                                        |\n"
		"    2097.2 -> 4194.3     : 40       |****************************************|\n"
		"    4194.3 -> 8388.6     : 0        |                                        |\n"
		"    8388.6 -> 16777.2    : 0        |                                        |\n"
		"   16777.2 -> 33554.4    : 20       |********************                    |\n"
		"count 64, sum 720005.3 usecs\n"
		"p50 3014.7, p90 30408.7, p99 30408.7, max 30408.7 usecs\n"
		"halted below 1 usec, or not at all: 1239\n" NOTE);
}

/* Three digits are significant, so that halts of microseconds do not become 0.00. */
static void test_per_vcpu_in_milliseconds(void **state)
{
	struct fixture *f = *state;
	struct histogram sums[3] = { 0 };

	unit = HISTOGRAM_MS;
	f->view_opts.level = VIEW_VCPUS;
	add_counted(f, sums);
	assert_string_equal(
		histograms(f),
		"demo, vCPU 0, TID 1240\n"
		"     msecs               : count    distribution\n"
		"   0.00102 -> 0.00205    : 3        |***                                     |\n"
		"   0.00205 -> 0.00410    : 0        |                                        |\n"
		"   0.00410 -> 0.00819    : 0        |                                        |\n"
		"   0.00819 -> 0.0164     : 0        |                                        |\n"
		"    0.0164 -> 0.0328     : 0        |                                        |\n"
		"    0.0328 -> 0.0655     : 0        |                                        |\n"
		"    0.0655 -> 0.131      : 0        |                                        |\n"
		"     0.131 -> 0.262      : 0        |                                        |\n"
		"     0.262 -> 0.524      : 0        |                                        |\n"
		"     0.524 -> 1.05       : 0        |                                        |\n"
		"      1.05 -> 2.10       : 0        |                                        |\n"
		"      2.10 -> 4.19       : 40       |****************************************|\n"
		"count 43, sum 120.0 msecs\n"
		"p50 3.01, p90 3.01, p99 3.01, max 3.01 msecs\n"
		"halted below 1 usec, or not at all: 5\n"
		"\n"
		"demo, vCPU 1, TID 1241\n"
		"     msecs               : count    distribution\n"
		"   0.00102 -> 0.00205    : 1        |**                                      |\n"
		"   0.00205 -> 0.00410    : 0        |                                        |\n"
		"   0.00410 -> 0.00819    : 0        |                                        |\n"
		"   0.00819 -> 0.0164     : 0        |                                        |\n"
		"    0.0164 -> 0.0328     : 0        |                                        |\n"
		"    0.0328 -> 0.0655     : 0        |                                        |\n"
		"    0.0655 -> 0.131      : 0        |                                        |\n"
		"     0.131 -> 0.262      : 0        |                                        |\n"
		"     0.262 -> 0.524      : 0        |                                        |\n"
		"     0.524 -> 1.05       : 0        |                                        |\n"
		"      1.05 -> 2.10       : 0        |                                        |\n"
		"      2.10 -> 4.19       : 0        |                                        |\n"
		"      4.19 -> 8.39       : 0        |                                        |\n"
		"      8.39 -> 16.8       : 0        |                                        |\n"
		"      16.8 -> 33.6       : 20       |****************************************|\n"
		"count 21, sum 600.0 msecs\n"
		"p50 30.4, p90 30.4, p99 30.4, max 30.4 msecs\n"
		"halted below 1 usec, or not at all: 1234\n" NOTE);
}

static void test_per_vm_in_nanoseconds(void **state)
{
	struct fixture *f = *state;
	struct histogram histogram = { .below_cnt = HISTOGRAM_UNKNOWN };

	unit = HISTOGRAM_NS;
	f->view_opts.level = VIEW_VMS;
	/* The last bucket counts all longer durations. */
	add(&histogram, 65 * S, 2);
	add_vm(f, 7, "twin", half_halted)->histogram = &histogram;
	add_vcpu(f, 0, 8, half_halted);
	add_vm(f, 7, "twin", half_halted);
	assert_string_equal(
		histograms(f),
		"twin#1, PID 7, 1 vCPU\n"
		"     nsecs                 : count    distribution\n"
		"34359738368 -> and more    : 2        |***************************************|\n"
		"count 2, sum 130000000000 nsecs\n"
		"p50 66571993088, p90 66571993088, p99 66571993088, max 66571993088 nsecs\n"
		"\n"
		"twin#2, PID 7, 0 vCPUs\n"
		"stints were not counted\n" NOTE);
}

static void test_nothing_halted(void **state)
{
	struct fixture *f = *state;
	struct histogram none = { .below_cnt = 17 };

	unit = HISTOGRAM_US;
	add_vm(f, 7, "busy", half_halted)->histogram = &none;
	assert_string_equal(histograms(f), "no stint was halted for 1 usec or longer\n"
					   "halted below 1 usec, or not at all: 17\n" NOTE);
	f->report.vm_cnt = 0;
	assert_string_equal(histograms(f), "no stint was halted for 1 usec or longer\n"
					   "halted below 1 usec, or not at all: 0\n" NOTE);
}

static int widest_line(const char *text)
{
	int widest = 0;

	while (*text) {
		int len = (int)strcspn(text, "\n");

		widest = len > widest ? len : widest;
		text += len + 1;
	}
	return widest;
}

/* The largest counts, and a name that leaves room for the rest of the title: names are not cut. */
static void test_width(void **state)
{
	static char name[41];
	struct fixture *f = *state;
	struct histogram full = { .below_cnt = UINT64_MAX - 1, .halted_ns = UINT64_MAX };

	memset(name, 'n', sizeof(name) - 1);
	for (unsigned int i = 0; i < STINT_BUCKET_CNT; i++)
		full.cnt[i] = 100000000000000ULL + i;
	f->view_opts.level = VIEW_VCPUS;
	add_vm(f, 4194304, name, half_halted)->histogram = &full;
	add_vcpu(f, UINT32_MAX, 4194304, half_halted);
	f->vcpus[0].histogram = &full;
	for (unit = HISTOGRAM_US; unit <= HISTOGRAM_NS; unit++) {
		int width = widest_line(written(f, write_it));

		assert_true(width > 70 && width <= 79);
	}
	/*
	 * A count that is too large for any real run takes room from the bar, so that the row is
	 * still shown.
	 */
	full.cnt[3] = UINT64_MAX;
	unit = HISTOGRAM_US;
	assert_non_null(strstr(histograms(f), ": 18446744073709551615 |***"));
}

static void test_notes(void **state)
{
	struct fixture *f = *state;
	struct histogram sums[3] = { 0 };

	unit = HISTOGRAM_US;
	add_counted(f, sums);
	f->report.health.lost_window_cnt = 3;
	assert_non_null(strstr(histograms(f), NOTE "# "));
}

static void test_failures_are_told(void **state)
{
	struct histogram sums[3] = { 0 };

	unit = HISTOGRAM_US;
	add_counted(*state, sums);
	assert_full_device_is_told(*state, write_it);
	assert_earlier_failure_is_told(*state, write_it);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_all),
		TEST(test_per_vcpu_in_milliseconds),
		TEST(test_per_vm_in_nanoseconds),
		TEST(test_nothing_halted),
		TEST(test_width),
		TEST(test_notes),
		TEST(test_failures_are_told),
	};

	return cmocka_run_group_tests_name("render_histogram", tests, NULL, NULL);
}

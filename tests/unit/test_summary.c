// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "report/summary.h"
#include "failing_stream.h"
#include "render/render_summary.h"

static struct summary summary;

/* Adds an interval in which a VM of 8 vCPUs was busy with `busy_pct` per cent of one vCPU. */
static void add_interval(struct fixture *f, __u64 interval_ns, __u64 busy_pct)
{
	struct metrics metrics = { { 0 } };

	f->report.vm_cnt = f->report.vcpu_cnt = 0;
	f->vms[0].vcpu_cnt = 0;
	f->report.interval_ns = interval_ns;
	f->report.begin = f->report.end;
	f->report.end.mono_ns += interval_ns;
	f->report.end.real_ns += interval_ns;
	metrics.value[METRIC_WALL_NS] = 8 * interval_ns;
	metrics.value[METRIC_BUSY_NS] = interval_ns * busy_pct / 100;
	metrics.value[METRIC_IDLE_NS] = 8 * interval_ns - interval_ns * busy_pct / 100;
	add_vm(f, 7, "web", metrics);
	for (__u32 i = 0; i < 8; i++)
		add_vcpu(f, i, 70 + (pid_t)i, metrics);
	assert_int_equal(summary__add(&summary, &f->report), 0);
}

static int teardown_summary(void **state)
{
	summary__free(&summary);
	return teardown(state);
}

static void assert_near(double value, double expected)
{
	if (!(value >= expected - 1e-9 && value <= expected + 1e-9))
		fail_msg("%g is not %g", value, expected);
}

/* 10 min: 94 % of the time at 0.5 vCPUs, 5 % at 1.2, 1 % at 4. */
static void add_ten_minutes(struct fixture *f)
{
	for (int i = 0; i < 564; i++)
		add_interval(f, S, 50);
	for (int i = 0; i < 30; i++)
		add_interval(f, S, 120);
	for (int i = 0; i < 6; i++)
		add_interval(f, S, 400);
}

static void test_spread(void **state)
{
	struct summary_spread busy, idle;

	add_ten_minutes(*state);
	assert_int_equal(summary.vm_cnt, 1);
	assert_int_equal(summary.interval_cnt, 600);
	assert_int_equal(summary.vms[0].vcpu_cnt, 8);
	busy = summary__spread(&summary.vms[0], SUMMARY_BUSY);
	assert_near(busy.mean, (564 * 0.5 + 30 * 1.2 + 6 * 4.0) / 600);
	assert_near(busy.p50, 0.5);
	assert_near(busy.p95, 1.2);
	assert_near(busy.max, 4);
	assert_near(busy.minute, (24 * 0.5 + 30 * 1.2 + 6 * 4.0) / 60);
	assert_int_equal(busy.unknown_ns, 0);
	idle = summary__spread(&summary.vms[0], SUMMARY_IDLE);
	assert_near(idle.p50, 7.5);
	assert_near(idle.max, 7.5);
	assert_near(idle.minute, 8 - busy.minute);
	/* 1 % of the time may need more than is enough, and no less than that. */
	assert_int_equal(summary__enough_vcpus(&summary.vms[0]), 2);
	add_interval(*state, S, 400);
	assert_int_equal(summary__enough_vcpus(&summary.vms[0]), 4);
}

/* Percentiles are of time, not of intervals. */
static void test_intervals_of_any_length(void **state)
{
	struct summary_spread busy;

	for (int i = 0; i < 9; i++)
		add_interval(*state, S, 100);
	add_interval(*state, 100 * S, 300);
	busy = summary__spread(&summary.vms[0], SUMMARY_BUSY);
	assert_near(busy.p50, 3);
	assert_near(busy.mean, 309.0 / 109);
	assert_near(busy.minute, 3);
}

static void test_unknown_is_not_counted(void **state)
{
	struct fixture *f = *state;
	struct summary_spread spread;

	add_interval(f, S, 100);
	f->vms[0].metrics.value[METRIC_BUSY_NS] = UNKNOWN;
	f->vms[0].metrics.value[METRIC_IDLE_NS] = UNKNOWN;
	assert_int_equal(summary__add(&summary, &f->report), 0);
	spread = summary__spread(&summary.vms[0], SUMMARY_BUSY);
	assert_near(spread.mean, 1);
	assert_int_equal(spread.unknown_ns, S);
	assert_true(spread.minute != spread.minute);
	/* Idle is only a lower bound where some of the time is unmeasured. */
	add_interval(f, S, 100);
	f->vms[0].metrics.value[METRIC_UNMEASURED_NS] = 1;
	assert_int_equal(summary__add(&summary, &f->report), 0);
	assert_int_equal(summary__spread(&summary.vms[0], SUMMARY_WANTED).unknown_ns, 2 * S);
}

static void test_nothing_known(void **state)
{
	struct fixture *f = *state;

	add_vm(f, 7, "new", all_unknown);
	assert_int_equal(summary__add(&summary, &f->report), 0);
	assert_int_equal(summary__enough_vcpus(&summary.vms[0]), 0);
	assert_true(summary__spread(&summary.vms[0], SUMMARY_BUSY).mean !=
		    summary__spread(&summary.vms[0], SUMMARY_BUSY).mean);
}

static int write_it(struct fixture *f, FILE *out)
{
	(void)f;
	return render__summary(&summary, out);
}

static int write_json(struct fixture *f, FILE *out)
{
	(void)f;
	return render__summary_json(&summary, out);
}

static void test_text(void **state)
{
	struct fixture *f = *state;

	setenv("TZ", "UTC", 1);
	add_ten_minutes(f);
	f->report.vm_cnt = f->report.vcpu_cnt = 0;
	f->vms[0].vcpu_cnt = 0;
	add_vm(f, 9, "new", all_unknown);
	assert_int_equal(summary__add(&summary, &f->report), 0);
	assert_string_equal(
		written(f, write_it),
		"14:26:41 to 14:36:41, 600 s in 601 intervals; values in vCPUs\n"
		"VM                         vCPUs     PID         MEAN    P50    P95    MAX MINUTE\n"
		"web                            8       7  busy   0.57   0.50   1.20   4.00   1.20\n"
		"                                          idle   7.43   7.50   7.50   7.50   6.80\n"
		"new                            0       9  busy      -      -      -      -      -\n"
		"                                          idle      -      -      -      -      -\n"
		"# web: wanted 1.20 of 8 vCPUs at p95; 2 would be enough for 99 % of the time\n"
		"# new: nothing is known of what it wanted\n");
	assert_non_null(strstr(written(f, write_json), "\"enough_vcpus\":2"));
	assert_non_null(
		strstr(f->text, "\"wanted\":{\"mean\":0.5700,\"p50\":0.5000,\"p95\":1.2000,"));
	assert_non_null(strstr(f->text, "\"busy\":{\"mean\":null,"));
}

static void test_failures_are_told(void **state)
{
	add_interval(*state, S, 100);
	assert_full_device_is_told(*state, write_it);
	assert_full_device_is_told(*state, write_json);
	assert_earlier_failure_is_told(*state, write_it);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown_summary)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_spread),
		TEST(test_intervals_of_any_length),
		TEST(test_unknown_is_not_counted),
		TEST(test_nothing_known),
		TEST(test_text),
		TEST(test_failures_are_told),
	};

	return cmocka_run_group_tests_name("summary", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "report/diff.h"
#include "failing_stream.h"
#include "render/render_diff.h"
#include "report/timeline.h"

static struct timeline runs[DIFF_RUN_CNT];
static struct diff diff;

static int teardown_runs(void **state)
{
	diff__free(&diff);
	timeline__free(&runs[DIFF_BEFORE]);
	timeline__free(&runs[DIFF_AFTER]);
	return teardown(state);
}

/* A second of one vCPU with this much busy time; the rest is halted. */
static struct metrics second(__u64 busy_ms)
{
	const __u64 busy = busy_ms * MS, halted = S - busy;

	return (struct metrics){ { S, S, halted, S, busy, 0, 0, 0, 9, 0, 0, halted } };
}

static void begin(struct fixture *f)
{
	f->report.vm_cnt = f->report.vcpu_cnt = 0;
	memset(f->vms, 0, sizeof(f->vms));
}

static void add_second(struct fixture *f, pid_t pid, const char *name, struct metrics metrics)
{
	add_vm(f, pid, name, metrics);
	add_vcpu(f, 0, pid + 1, metrics);
}

static void end(struct fixture *f, enum diff_run run)
{
	f->report.begin = f->report.end;
	f->report.end.mono_ns += S;
	f->report.end.real_ns += S;
	assert_int_equal(timeline__add(&runs[run], &f->report), 0);
}

static struct diff_value compared(enum diff_share share)
{
	diff__free(&diff);
	assert_int_equal(diff__make(&runs[DIFF_BEFORE], &runs[DIFF_AFTER], &diff), 0);
	assert_int_equal(diff.vm_cnt, 1);
	return diff__value(&diff, &diff.vms[0], share);
}

static void add_run(struct fixture *f, enum diff_run run, size_t cnt, __u64 (*busy_ms)(size_t i))
{
	for (size_t i = 0; i < cnt; i++) {
		begin(f);
		add_second(f, 7, "web", second(busy_ms(i)));
		end(f, run);
	}
}

static void assert_near(double value, double expected)
{
	if (!(value >= expected - 1e-3 && value <= expected + 1e-3))
		fail_msg("%g is not %g", value, expected);
}

static __u64 swing_200(size_t i)
{
	return i % 2 ? 100 : 300;
}

static __u64 swing_600(size_t i)
{
	return i % 2 ? 500 : 700;
}

static __u64 swing_201(size_t i)
{
	return i % 2 ? 101 : 301;
}

/* Long bursts: of 10 parts, 5 are busy. */
static __u64 bursts_of_20(size_t i)
{
	return i / 20 % 2 ? 100 : 700;
}

static __u64 bursts_later(size_t i)
{
	return i / 20 % 2 ? 300 : 900;
}

static void test_a_difference(void **state)
{
	struct diff_value value;

	add_run(*state, DIFF_BEFORE, 200, swing_200);
	add_run(*state, DIFF_AFTER, 200, swing_600);
	value = compared(DIFF_BUSY);
	assert_near(value.mean_pct[DIFF_BEFORE], 20);
	assert_near(value.mean_pct[DIFF_AFTER], 60);
	assert_near(value.difference_pct, 40);
	assert_near(value.variation_pct, DIFF_LEAST_PCT);
	assert_int_equal(value.verdict, DIFF_EXCEEDS);
	value = compared(DIFF_IDLE);
	assert_near(value.difference_pct, -40);
	assert_int_equal(value.verdict, DIFF_EXCEEDS);
	assert_near(compared(DIFF_WAIT).difference_pct, 0);
	assert_int_equal(compared(DIFF_WAIT).verdict, DIFF_WITHIN);
}

/* A difference that the measurement itself may make is none, however steady the load is. */
static void test_error_of_the_measurement(void **state)
{
	struct diff_value value;

	add_run(*state, DIFF_BEFORE, 200, swing_200);
	add_run(*state, DIFF_AFTER, 200, swing_201);
	value = compared(DIFF_BUSY);
	assert_near(value.difference_pct, 0.1);
	assert_int_equal(value.verdict, DIFF_WITHIN);
}

/*
 * Successive intervals are alike. From 200 independent ones, 3.25 errors of the difference would be
 * 9.8 points; the parts of 20 show that they are 46.
 */
static void test_bursts(void **state)
{
	struct diff_value value;

	add_run(*state, DIFF_BEFORE, 200, bursts_of_20);
	add_run(*state, DIFF_AFTER, 200, bursts_later);
	value = compared(DIFF_BUSY);
	assert_near(value.difference_pct, 20);
	assert_near(value.variation_pct, 3.25 * 14.14214);
	assert_int_equal(value.verdict, DIFF_WITHIN);
}

static void test_too_few_intervals(void **state)
{
	struct diff_value value;

	add_run(*state, DIFF_BEFORE, 9, swing_200);
	add_run(*state, DIFF_AFTER, 200, swing_600);
	value = compared(DIFF_BUSY);
	assert_near(value.difference_pct, 60 - 190.0 / 9);
	assert_true(value.variation_pct != value.variation_pct);
	assert_int_equal(value.verdict, DIFF_UNKNOWN);
	add_run(*state, DIFF_BEFORE, 1, swing_200);
	assert_int_equal(compared(DIFF_BUSY).verdict, DIFF_EXCEEDS);
}

/* Unknown intervals do not count, and are told. */
static void test_unknown(void **state)
{
	struct fixture *f = *state;
	struct metrics metrics = second(300);
	struct diff_value value;

	metrics.value[METRIC_WAIT_NS] = UNKNOWN;
	add_run(f, DIFF_BEFORE, 15, swing_200);
	add_run(f, DIFF_AFTER, 15, swing_200);
	begin(f);
	add_second(f, 7, "web", metrics);
	for (int i = 0; i < 5; i++)
		end(f, DIFF_AFTER);
	value = compared(DIFF_WAIT);
	assert_near(value.unknown_pct[DIFF_BEFORE], 0);
	assert_near(value.unknown_pct[DIFF_AFTER], 25);
	assert_near(value.mean_pct[DIFF_AFTER], 0);
	assert_near(compared(DIFF_BUSY).unknown_pct[DIFF_AFTER], 0);
	begin(f);
	metrics.value[METRIC_BUSY_NS] = UNKNOWN;
	add_second(f, 8, "other", metrics);
	end(f, DIFF_BEFORE);
	diff__free(&diff);
	assert_int_equal(diff__make(&runs[DIFF_BEFORE], &runs[DIFF_AFTER], &diff), 0);
	value = diff__value(&diff, &diff.vms[1], DIFF_BUSY);
	assert_true(value.mean_pct[DIFF_BEFORE] != value.mean_pct[DIFF_BEFORE]);
	assert_true(value.mean_pct[DIFF_AFTER] != value.mean_pct[DIFF_AFTER]);
	assert_true(value.difference_pct != value.difference_pct);
	assert_int_equal(value.verdict, DIFF_UNKNOWN);
}

static void assert_pair(size_t i, pid_t before, pid_t after)
{
	const struct diff_vm *vm = &diff.vms[i];

	assert_int_equal(vm->vms[DIFF_BEFORE] ? vm->vms[DIFF_BEFORE]->pid : 0, before);
	assert_int_equal(vm->vms[DIFF_AFTER] ? vm->vms[DIFF_AFTER]->pid : 0, after);
}

/* A name that is there once identifies a VM, whatever its PID; other names need the PID, too. */
static void test_identity(void **state)
{
	struct fixture *f = *state;

	begin(f);
	add_second(f, 10, "restarted", second(100));
	add_second(f, 20, "twin", second(100));
	add_second(f, 30, "twin", second(100));
	add_second(f, 40, "gone", second(100));
	add_second(f, 50, "one, then two", second(100));
	end(f, DIFF_BEFORE);
	begin(f);
	add_second(f, 11, "restarted", second(100));
	add_second(f, 30, "twin", second(100));
	add_second(f, 31, "twin", second(100));
	add_second(f, 50, "one, then two", second(100));
	add_second(f, 51, "one, then two", second(100));
	end(f, DIFF_AFTER);
	assert_int_equal(diff__make(&runs[DIFF_BEFORE], &runs[DIFF_AFTER], &diff), 0);
	assert_int_equal(diff.vm_cnt, 7);
	assert_pair(0, 10, 11);
	assert_pair(1, 20, 0);
	assert_pair(2, 30, 30);
	assert_pair(3, 40, 0);
	assert_pair(4, 50, 50);
	assert_pair(5, 0, 31);
	assert_pair(6, 0, 51);
}

static int write_it(struct fixture *f, FILE *out)
{
	(void)f;
	return render__diff(&diff, out);
}

static int write_json(struct fixture *f, FILE *out)
{
	(void)f;
	return render__diff_json(&diff, out);
}

static void make_text(struct fixture *f)
{
	struct metrics metrics = second(500);

	setenv("TZ", "UTC", 1);
	metrics.value[METRIC_WAIT_NS] = UNKNOWN;
	for (int i = 0; i < 20; i++) {
		begin(f);
		add_second(f, 7, "web", second(100 + 10 * (__u64)(i % 2)));
		add_second(f, 9, "old\x1b", second(0));
		if (i > 15)
			add_second(f, 12, "late", i > 17 ? metrics : second(500));
		end(f, DIFF_BEFORE);
	}
	for (int i = 0; i < 20; i++) {
		begin(f);
		add_second(f, 8, "web", second(300 + 10 * (__u64)(i % 2)));
		add_second(f, 12, "late", second(100));
		add_second(f, 13, "a-very-long-name-indeed", second(1000));
		end(f, DIFF_AFTER);
	}
	assert_int_equal(diff__make(&runs[DIFF_BEFORE], &runs[DIFF_AFTER], &diff), 0);
}

static void test_text(void **state)
{
	struct fixture *f = *state;

	make_text(f);
	assert_string_equal(
		written(f, write_it),
		"before 2025-11-23 14:26:41 to 2025-11-23 14:27:01, 20.0 s in 20 intervals\n"
		"after  2025-11-23 14:27:01 to 2025-11-23 14:27:21, 20.0 s in 20 intervals\n"
		"VM                 vCPUs     PID         IDLE% HALTED%   BUSY%   HOST%   WAIT%\n"
		"web                    1       7 before   89.5    89.5    10.5     0.0     0.0\n"
		"                       1       8 after    69.5    69.5    30.5     0.0     0.0\n"
		"                                 change  -20.0*  -20.0*  +20.0*    0.0     0.0\n"
		"old?                   1       9 before  100.0   100.0     0.0     0.0     0.0\n"
		"                                 after   not in this recording\n"
		"late                   1      12 before   50.0    50.0    50.0     0.0     0.0\n"
		"                       1      12 after    90.0    90.0    10.0     0.0     0.0\n"
		"                                 change  +40.0?  +40.0?  -40.0?    0.0?    0.0?\n"
		"a-very-lo~e-indeed               before  not in this recording\n"
		"                       1      13 after     0.0     0.0   100.0     0.0     0.0\n"
		"# *: a difference above the variation within the recordings; ?: variation unknown\n"
		"# late, before: time that is not counted, because its wait is unknown:   50.0 %\n");
	assert_non_null(
		strstr(written(f, write_json),
		       "{\"name\":\"web\",\"before\":{\"pid\":7,\"instance\":1,\"vcpu_count\":1},"
		       "\"after\":{\"pid\":8,\"instance\":1,\"vcpu_count\":1},"
		       "\"idle\":{\"before_pct\":89.5000,\"after_pct\":69.5000,"
		       "\"difference_pct\":-20.0000,\"variation_pct\":0.2000,\"exceeds\":true,"
		       "\"before_unknown_pct\":0.0000,\"after_unknown_pct\":0.0000}"));
	assert_non_null(strstr(f->text, "{\"name\":\"old?\",\"before\":{\"pid\":9,"
					"\"instance\":1,\"vcpu_count\":1},\"after\":null,"
					"\"idle\":{\"before_pct\":100.0000,\"after_pct\":null,"));
}

static void test_failures_are_told(void **state)
{
	make_text(*state);
	assert_full_device_is_told(*state, write_it);
	assert_full_device_is_told(*state, write_json);
	assert_earlier_failure_is_told(*state, write_it);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown_runs)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_a_difference), TEST(test_error_of_the_measurement),
		TEST(test_bursts),       TEST(test_too_few_intervals),
		TEST(test_unknown),      TEST(test_identity),
		TEST(test_text),         TEST(test_failures_are_told),
	};

	return cmocka_run_group_tests_name("diff", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Takes snapshots of a simulated source with one vCPU that is always loaded. */
#include <errno.h>
#include <stdlib.h>
#include "capture.h"
#include "measure/measure_opts.h"
#include "run/tally.h"
#include "run/source_ops.h"

#define S 1000000000ULL

struct made_up {
	struct source source;
	__u64 now_ns;  /* time of the next snapshot */
	__u64 step_ns; /* time between snapshots */
	int answer;    /* 1, or what the source returns in place of a snapshot */
	bool has_vm;
};

static int next_snapshot(struct source *source, struct snapshot *snap)
{
	struct made_up *m = (struct made_up *)source;
	struct vcpu_reading *vcpu;

	snapshot__clear(snap);
	if (m->answer != 1)
		return m->answer;
	m->now_ns += m->step_ns;
	snap->clock = (struct clock_reading){ .mono_ns = m->now_ns,
					      .boot_ns = m->now_ns,
					      .tsc_cycles = m->now_ns };
	snap->mode = MODE_SWITCH;
	snap->mperf_ratio = 1;
	if (!m->has_vm)
		return 1;
	*snapshot__add_vm(snap) = (struct vm_reading){ .pid = 7, .name = "a" };
	vcpu = snapshot__add_vcpu(snap);
	*vcpu = (struct vcpu_reading){
		.pid = 7,
		.tid = 8,
		.seen = true,
		.vm_id = 1,
		.at_ns = m->now_ns,
		.loaded_ns = m->now_ns - 1000 * S,
		.measured_ns = m->now_ns - 1000 * S,
		.mperf_cycles = m->now_ns - 1000 * S,
	};
	return 1;
}

struct bench {
	struct measure_opts opts;
	struct made_up made_up;
	struct tally tally;
};

static int begin(void **state)
{
	static const struct source_ops ops = { .next = next_snapshot };
	struct bench *b = calloc(1, sizeof(*b));

	if (!b)
		return -1;
	b->made_up = (struct made_up){
		.source.ops = &ops, .now_ns = 1000 * S, .step_ns = S, .answer = 1, .has_vm = true
	};
	tally__open(&b->tally, &b->opts, &b->made_up.source);
	*state = b;
	return 0;
}

static int end(void **state)
{
	struct bench *b = *state;

	tally__close(&b->tally);
	free(b);
	return 0;
}

#define BENCH_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

static __u64 loaded_ns(const struct bench *b)
{
	return b->tally.totals.node.value[METRIC_LOADED_NS];
}

/* The first snapshot is the reference for the others: time before it does not count. */
static void snapshots_add_up(void **state)
{
	struct bench *b = *state;

	assert_int_equal(tally__take(&b->tally), 1);
	assert_true(loaded_ns(b) == METRIC_UNKNOWN);
	for (__u64 i = 1; i <= 3; i++) {
		assert_int_equal(tally__take(&b->tally), 1);
		assert_true(loaded_ns(b) == i * S);
	}
	assert_int_equal(b->tally.taken_cnt, 4);
	assert_int_equal(b->tally.failure_cnt, 0);
	b->made_up.answer = 0;
	assert_int_equal(tally__take(&b->tally), 0);
	assert_int_equal(b->tally.taken_cnt, 4);
}

static void a_failed_one_loses_nothing(void **state)
{
	struct bench *b = *state;

	assert_int_equal(tally__take(&b->tally), 1);
	assert_int_equal(tally__take(&b->tally), 1);
	b->made_up.answer = -EIO;
	b->made_up.now_ns += 2 * S;
	for (unsigned int i = 1; i <= 3; i++) {
		assert_int_equal(tally__take(&b->tally), -EIO);
		assert_int_equal(b->tally.failed_in_row, i);
		assert_true(loaded_ns(b) == S);
	}
	assert_true(b->tally.last_good_ns < b->tally.last_ns);
	b->made_up.answer = 1;
	assert_int_equal(tally__take(&b->tally), 1);
	assert_true(loaded_ns(b) == 4 * S);
	assert_int_equal(b->tally.failure_cnt, 3);
	assert_int_equal(b->tally.failed_in_row, 0);
	assert_true(b->tally.last_good_ns == b->tally.last_ns);
}

/*
 * A clock that has not advanced is an error, and the next snapshot is compared with the one that
 * failed.
 */
static void the_clock_stands_still(void **state)
{
	struct bench *b = *state;
	struct capture err;
	int got;

	assert_int_equal(tally__take(&b->tally), 1);
	assert_int_equal(tally__take(&b->tally), 1);
	b->made_up.step_ns = 0;
	capture__begin(&err, stderr);
	got = tally__take(&b->tally);
	capture__end(&err);
	assert_int_equal(got, -EINVAL);
	assert_string_equal(err.text,
			    "gtimehalt: cannot account for the interval: Invalid argument\n");
	b->made_up.step_ns = S;
	assert_int_equal(tally__take(&b->tally), 1);
	assert_true(loaded_ns(b) == 2 * S);
	assert_int_equal(b->tally.failure_cnt, 1);
}

static void what_is_not_wanted_is_not_counted(void **state)
{
	pid_t pids[] = { 9 };
	struct bench *b = *state;

	b->opts.filter.pids = pids;
	b->opts.filter.pid_cnt = 1;
	for (int i = 0; i < 3; i++)
		assert_int_equal(tally__take(&b->tally), 1);
	assert_int_equal(totals__vm_cnt(&b->tally.totals), 0);
	assert_true(loaded_ns(b) == METRIC_UNKNOWN);
}

static void a_vm_comes_and_goes(void **state)
{
	struct bench *b = *state;

	b->made_up.has_vm = false;
	assert_int_equal(tally__take(&b->tally), 1);
	assert_int_equal(tally__take(&b->tally), 1);
	assert_int_equal(totals__live_vm_cnt(&b->tally.totals), 0);
	b->made_up.has_vm = true;
	assert_int_equal(tally__take(&b->tally), 1);
	assert_int_equal(totals__live_vm_cnt(&b->tally.totals), 1);
	assert_true(loaded_ns(b) == S);
	b->made_up.has_vm = false;
	assert_int_equal(tally__take(&b->tally), 1);
	assert_int_equal(totals__live_vm_cnt(&b->tally.totals), 0);
	assert_true(loaded_ns(b) == S);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		BENCH_TEST(snapshots_add_up),       BENCH_TEST(a_failed_one_loses_nothing),
		BENCH_TEST(the_clock_stands_still), BENCH_TEST(what_is_not_wanted_is_not_counted),
		BENCH_TEST(a_vm_comes_and_goes),
	};

	return cmocka_run_group_tests_name("tally", tests, NULL, NULL);
}

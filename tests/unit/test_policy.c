// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdlib.h>
#include "steer/policy.h"
#include "test.h"

#define MS  1000000ULL
#define CNT 4

static const struct policy_opts defaults = {
	.busy_share = 0.6,
	.halted_share = 0.4,
	.dwell_ns = 1000 * MS,
	.min_cnt = 1,
};

static const int own_cores[CNT] = { 0, 1, 2, 3 };

struct fixture {
	struct policy *policy;
	__u64 now_ns;
};

static void begin(struct fixture *f, const struct policy_opts *opts, const int *core_of)
{
	f->now_ns = 5000 * MS;
	assert_int_equal(policy__new(opts, core_of, CNT, &f->policy), 0);
}

/*
 * Feeds an interval of 0.2 s. busy_pct below 0: the load is unknown; above 100: no vCPU was loaded.
 */
static void feed(struct fixture *f, int a, int b, int c, int d)
{
	const int busy_pct[CNT] = { a, b, c, d };
	struct cpu_load loads[CNT];

	for (int cpu = 0; cpu < CNT; cpu++) {
		loads[cpu] = (struct cpu_load){ .known = busy_pct[cpu] >= 0 };
		if (busy_pct[cpu] >= 0 && busy_pct[cpu] <= 100) {
			loads[cpu].loaded_ns = 200 * MS;
			loads[cpu].busy_ns = 2 * MS * (__u64)busy_pct[cpu];
		}
	}
	f->now_ns += 200 * MS;
	policy__feed(f->policy, f->now_ns, loads);
}

static void feed_for(struct fixture *f, int cnt, int a, int b, int c, int d)
{
	while (cnt--)
		feed(f, a, b, c, d);
}

/* Checks the choice from `allowed`. list NULL: no choice, that is, all allowed CPUs. */
static void assert_chosen(const struct fixture *f, const char *allowed, const char *list)
{
	char text[CPUS_TEXT_MAX];
	struct cpus from, chosen;
	bool is_choice;

	assert_int_equal(cpus__parse(allowed, &from), 0);
	is_choice = policy__choose(f->policy, &from, &chosen);
	assert_string_equal(cpus__format(&chosen, text), list ? list : allowed);
	assert_int_equal(is_choice, list != NULL);
}

static void test_halted_after_dwell(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, &defaults, own_cores);
	/* CPU 2 is halted from the start; CPU 1 is halted later. */
	feed_for(&f, 7, 90, 90, 10, 90);
	assert_chosen(&f, "0-3", "2");
	feed_for(&f, 5, 90, 10, 10, 90);
	assert_chosen(&f, "0-3", "2");
	feed(&f, 90, 10, 10, 90);
	assert_chosen(&f, "0-3", "1-2");
	policy__free(f.policy);
}

static void test_busy_at_once(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, &defaults, own_cores);
	feed_for(&f, 7, 90, 10, 10, 90);
	assert_chosen(&f, "0-3", "1-2");
	feed(&f, 90, 60, 10, 90);
	assert_chosen(&f, "0-3", "2");
	policy__free(f.policy);
}

/* Between the two shares the state does not change, and an interruption restarts the dwell. */
static void test_hysteresis(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, &defaults, own_cores);
	feed_for(&f, 7, 90, 10, 10, 90);
	feed_for(&f, 20, 50, 59, 10, 50);
	assert_chosen(&f, "0-3", "1-2");
	feed_for(&f, 5, 39, 10, 10, 90);
	feed(&f, 40, 10, 10, 90);
	feed_for(&f, 5, 39, 10, 10, 90);
	assert_chosen(&f, "0-3", "1-2");
	feed(&f, 39, 10, 10, 90);
	assert_chosen(&f, "0-3", "0-2");
	policy__free(f.policy);
}

/*
 * vCPUs that are busy for about half of their time give shares on either side of both limits:
 * without hysteresis, each interval would cause a write.
 */
static void test_no_flapping(void **state)
{
	struct cpus from, chosen, last = { 0 };
	int change_cnt = 0;
	struct fixture f;

	(void)state;
	begin(&f, &defaults, own_cores);
	cpus__parse("0-3", &from);
	feed_for(&f, 7, 45, 10, 90, 90);
	srand(1);
	for (int i = 0; i < 500; i++) {
		feed(&f, 35 + rand() % 24, rand() % 59, 70 + rand() % 30, 41 + rand() % 50);
		policy__choose(f.policy, &from, &chosen);
		change_cnt += !cpus__equal(&chosen, &last);
		last = chosen;
	}
	assert_in_range(change_cnt, 1, 3);
	policy__free(f.policy);
}

/*
 * After a swap of roles, takes a CPU that is below halted_share now instead of none or a busy one.
 */
static void test_swap(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, &defaults, own_cores);
	feed_for(&f, 7, 100, 0, 100, 100);
	assert_chosen(&f, "0-3", "1");
	feed(&f, 0, 100, 100, 100);
	assert_chosen(&f, "0-3", "0");
	/* No CPU is below halted_share: takes the least busy CPU below busy_share. */
	feed(&f, 90, 59, 55, 100);
	assert_chosen(&f, "0-3", "2");
	policy__free(f.policy);
}

static void test_none_halted(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, &defaults, own_cores);
	assert_chosen(&f, "0-3", NULL);
	feed_for(&f, 7, 90, 70, 60, 100);
	assert_chosen(&f, "0-3", NULL);
	policy__free(f.policy);
}

static void test_all_halted(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, &defaults, own_cores);
	feed_for(&f, 7, 0, 10, 20, 101);
	assert_chosen(&f, "0-3", NULL);
	/* The same when all allowed CPUs are halted and another CPU is busy. */
	feed(&f, 90, 10, 20, 101);
	assert_chosen(&f, "1-3", NULL);
	assert_chosen(&f, "0-1", "1");
	assert_chosen(&f, "0", NULL);
	assert_chosen(&f, "", NULL);
	policy__free(f.policy);
}

static void test_unknown_is_busy(void **state)
{
	struct cpus busy;
	char text[CPUS_TEXT_MAX];
	struct fixture f;

	(void)state;
	begin(&f, &defaults, own_cores);
	feed_for(&f, 7, 10, 10, 90, -1);
	assert_chosen(&f, "0-3", "0-1");
	feed(&f, -1, 10, 90, -1);
	assert_chosen(&f, "0-3", "1");
	policy__busy(f.policy, &busy);
	assert_string_equal(cpus__format(&busy, text), "0,2-3");
	/* After its load is known again, CPU 0 has to be halted for the whole dwell. */
	feed_for(&f, 5, 10, 10, 90, -1);
	assert_chosen(&f, "0-3", "1");
	feed(&f, 10, 10, 90, -1);
	assert_chosen(&f, "0-3", "0-1");
	policy__feed(f.policy, f.now_ns + 200 * MS, NULL);
	assert_chosen(&f, "0-3", NULL);
	policy__free(f.policy);
}

/* A polling vCPU that did not get its CPU for an interval looks as if no vCPU were there. */
static void test_starved(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, &defaults, own_cores);
	feed_for(&f, 7, 90, 10, 90, 90);
	feed_for(&f, 4, 101, 10, 90, 90);
	assert_chosen(&f, "0,2-3", NULL);
	/* After the dwell without a loaded vCPU, the CPU has no load. */
	feed_for(&f, 2, 101, 10, 90, 90);
	assert_chosen(&f, "0,2-3", "0");
	policy__free(f.policy);
}

static void test_min_cnt(void **state)
{
	struct policy_opts opts = defaults;
	struct fixture f;

	(void)state;
	opts.min_cnt = 2;
	begin(&f, &opts, own_cores);
	feed_for(&f, 7, 10, 90, 90, 90);
	assert_chosen(&f, "0-3", NULL);
	feed(&f, 10, 90, 50, 55);
	assert_chosen(&f, "0-3", "0,2");
	feed(&f, 10, 20, 30, 55);
	assert_chosen(&f, "0-3", "0-2");
	policy__free(f.policy);
}

/* CPUs 0 and 1 are siblings, and so are CPUs 2 and 3. */
static void test_siblings_last(void **state)
{
	static const int cores[CNT] = { 0, 0, 2, 2 };
	struct policy_opts opts = defaults;
	struct fixture f;

	(void)state;
	begin(&f, &opts, cores);
	feed_for(&f, 7, 90, 10, 10, 10);
	assert_chosen(&f, "0-3", "2-3");
	assert_chosen(&f, "0-1", "1");
	feed(&f, 90, 10, 10, 90);
	assert_chosen(&f, "0-3", "1-2");
	policy__free(f.policy);

	opts.min_cnt = 3;
	begin(&f, &opts, cores);
	feed_for(&f, 7, 90, 10, 10, 10);
	assert_chosen(&f, "0-3", "1-3");
	policy__free(f.policy);
}

static void test_budget(void **state)
{
	struct write_budget budget = { .cnt = 4 };
	__u64 now_ns = 1;
	int cnt = 0;

	(void)state;
	for (int i = 0; i < 1000; i++, now_ns += 10 * MS) {
		if (!write_budget__has(&budget, now_ns))
			continue;
		write_budget__take(&budget, now_ns);
		cnt++;
	}
	/* Four writes a second for ten seconds. */
	assert_int_equal(cnt, 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_halted_after_dwell),
		cmocka_unit_test(test_busy_at_once),
		cmocka_unit_test(test_hysteresis),
		cmocka_unit_test(test_no_flapping),
		cmocka_unit_test(test_swap),
		cmocka_unit_test(test_none_halted),
		cmocka_unit_test(test_all_halted),
		cmocka_unit_test(test_unknown_is_busy),
		cmocka_unit_test(test_starved),
		cmocka_unit_test(test_min_cnt),
		cmocka_unit_test(test_siblings_last),
		cmocka_unit_test(test_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

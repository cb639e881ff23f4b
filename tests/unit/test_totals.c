// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "export/totals.h"
#include "report_fixture.h"

#define MINUTE (60 * S)

struct sums {
	struct fixture f;
	struct totals totals;
};

static int begin(void **state)
{
	struct sums *s = calloc(1, sizeof(*s));
	void *fixture;

	if (!s || setup(&fixture))
		return -1;
	s->f = *(struct fixture *)fixture;
	free(fixture);
	s->f.report.vms = s->f.vms;
	s->f.report.vcpus = s->f.vcpus;
	totals__init(&s->totals);
	*state = s;
	return 0;
}

static int end(void **state)
{
	struct sums *s = *state;

	totals__free(&s->totals);
	free(s);
	return 0;
}

#define SUMS_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

/* Begins a report of an interval of `span_ns`, without VMs. */
static void next_interval(struct sums *s, __u64 span_ns)
{
	struct report *report = &s->f.report;

	memset(s->f.vms, 0, sizeof(s->f.vms));
	memset(s->f.vcpus, 0, sizeof(s->f.vcpus));
	report->vm_cnt = 0;
	report->vcpu_cnt = 0;
	report->begin = report->end;
	report->end.mono_ns += span_ns;
}

static void add_report(struct sums *s)
{
	assert_int_equal(totals__add(&s->totals, &s->f.report), 0);
}

/* Adds a VM with one vCPU that was halted for half of a second. */
static void add_half_halted(struct sums *s, pid_t pid, const char *name)
{
	add_vm(&s->f, pid, name, half_halted);
	add_vcpu(&s->f, 0, pid + 1, half_halted);
}

static const struct vm_total *find_vm(const struct sums *s, pid_t pid, const char *name)
{
	for (size_t i = 0; i < totals__vm_cnt(&s->totals); i++) {
		const struct vm_total *vm = totals__vm(&s->totals, i);

		if (vm->total.pid == pid && !strcmp(vm->name, name))
			return vm;
	}
	return NULL;
}

static __u64 halted_ns(const struct metrics *metrics)
{
	return metrics->value[METRIC_HALTED_NS];
}

static void they_add_up(void **state)
{
	struct sums *s = *state;

	for (int i = 1; i <= 3; i++) {
		next_interval(s, S);
		add_half_halted(s, 10, "a");
		add_vcpu(&s->f, 1, 12, half_halted);
		add_half_halted(s, 20, "b");
		add_report(s);
		assert_int_equal(totals__vm_cnt(&s->totals), 2);
		assert_int_equal(totals__vcpu_cnt(&s->totals), 3);
		assert_int_equal(totals__live_vm_cnt(&s->totals), 2);
		assert_true(halted_ns(&totals__vcpu(&s->totals, 1)->sums) == i * 491 * MS);
		assert_true(halted_ns(&find_vm(s, 10, "a")->total.sums) == 2 * i * 491 * MS);
		assert_true(halted_ns(&find_vm(s, 20, "b")->total.sums) == i * 491 * MS);
		assert_true(halted_ns(&s->totals.node) == 3 * i * 491 * MS);
		assert_int_equal(find_vm(s, 10, "a")->vcpu_cnt, 2);
	}
	assert_ptr_equal(totals__vm_of(&s->totals, totals__vcpu(&s->totals, 2)),
			 find_vm(s, 20, "b"));
}

static void what_is_unknown_adds_nothing(void **state)
{
	struct sums *s = *state;
	struct metrics no_wait = half_halted;

	no_wait.value[METRIC_WAIT_NS] = METRIC_UNKNOWN;
	no_wait.value[METRIC_GUEST_NS] = METRIC_UNKNOWN;
	next_interval(s, S);
	add_half_halted(s, 10, "a");
	s->f.vcpus[0].metrics = no_wait;
	add_report(s);
	assert_true(s->totals.node.value[METRIC_WAIT_NS] == METRIC_UNKNOWN);
	assert_true(s->totals.node.value[METRIC_LOADED_NS] == S);

	next_interval(s, S);
	add_half_halted(s, 10, "a");
	s->f.vcpus[0].metrics.value[METRIC_WAIT_NS] = 7;
	s->f.vcpus[0].metrics.value[METRIC_LOADED_NS] = METRIC_UNKNOWN;
	s->f.vcpus[0].metrics.value[METRIC_GUEST_NS] = METRIC_UNKNOWN;
	/* Unknown values of one vCPU must not hide those of another. */
	add_vcpu(&s->f, 1, 12, half_halted);
	add_report(s);
	assert_true(totals__vcpu(&s->totals, 0)->sums.value[METRIC_WAIT_NS] == 7);
	assert_true(totals__vcpu(&s->totals, 0)->sums.value[METRIC_LOADED_NS] == S);
	assert_true(totals__vcpu(&s->totals, 0)->sums.value[METRIC_GUEST_NS] == METRIC_UNKNOWN);
	assert_true(s->totals.node.value[METRIC_LOADED_NS] == 2 * S);
}

/* Sums this large are unrealistic, but they must not become METRIC_UNKNOWN. */
static void they_saturate(void **state)
{
	struct sums *s = *state;

	for (int i = 0; i < 3; i++) {
		next_interval(s, S);
		add_half_halted(s, 10, "a");
		s->f.vcpus[0].metrics.value[METRIC_LOADED_NS] = UINT64_MAX / 2;
		add_report(s);
	}
	assert_true(s->totals.node.value[METRIC_LOADED_NS] == UINT64_MAX - 1);
}

/*
 * An ended VM stays for a while, so that each of several Prometheus servers can scrape its last
 * values.
 */
static void a_vm_that_ends_is_kept_for_a_time(void **state)
{
	struct sums *s = *state;

	next_interval(s, S);
	add_half_halted(s, 10, "a");
	add_half_halted(s, 20, "b");
	add_report(s);
	for (int i = 0; i < 5; i++) {
		next_interval(s, MINUTE);
		add_half_halted(s, 20, "b");
		add_report(s);
		assert_non_null(find_vm(s, 10, "a"));
		assert_true(halted_ns(&find_vm(s, 10, "a")->total.sums) == 491 * MS);
		assert_int_equal(totals__vcpu_cnt(&s->totals), 2);
		assert_int_equal(totals__live_vm_cnt(&s->totals), 1);
	}
	next_interval(s, MINUTE);
	add_half_halted(s, 20, "b");
	add_report(s);
	assert_null(find_vm(s, 10, "a"));
	assert_int_equal(totals__vcpu_cnt(&s->totals), 1);
	assert_true(halted_ns(&s->totals.node) == 8 * 491 * MS);
	assert_int_equal(s->totals.dropped_cnt, 0);
}

/* A thread that runs two vCPUs in turn: each turn lasts a second, of which 0.9 s were halted. */
static void turns_are_no_vcpus(void **state)
{
	const struct metrics turn = { .value = { [METRIC_WALL_NS] = S,
						 [METRIC_LOADED_NS] = S,
						 [METRIC_HALTED_NS] = 900 * MS } };
	struct sums *s = *state;

	next_interval(s, 8 * S);
	add_vm(&s->f, 10, "a", turn);
	for (__u32 i = 0; i < 8; i++)
		add_vcpu(&s->f, i / 4, 12, turn);
	add_report(s);
	assert_int_equal(find_vm(s, 10, "a")->vcpu_cnt, 2);
	assert_int_equal(totals__vcpu_cnt(&s->totals), 2);
	assert_true(halted_ns(&find_vm(s, 10, "a")->total.sums) == 8 * 900 * MS);
}

/*
 * An unplugged vCPU keeps its sums. If its number comes back, in whatever thread, the sums go on.
 */
static void a_vcpu_is_unplugged(void **state)
{
	struct sums *s = *state;

	next_interval(s, S);
	add_half_halted(s, 10, "a");
	add_vcpu(&s->f, 1, 12, half_halted);
	add_report(s);
	next_interval(s, S);
	add_half_halted(s, 10, "a");
	add_report(s);
	assert_int_equal(totals__vcpu_cnt(&s->totals), 2);
	assert_int_equal(find_vm(s, 10, "a")->vcpu_cnt, 1);
	assert_true(halted_ns(&find_vm(s, 10, "a")->total.sums) == 3 * 491 * MS);
	next_interval(s, S);
	add_half_halted(s, 10, "a");
	add_vcpu(&s->f, 1, 99, half_halted);
	add_report(s);
	assert_true(halted_ns(&totals__vcpu(&s->totals, 1)->sums) == 2 * 491 * MS);
	assert_int_equal(totals__vcpu_cnt(&s->totals), 2);
}

static void two_vms_in_one_process(void **state)
{
	struct sums *s = *state;

	for (__u64 i = 1; i <= 2; i++) {
		next_interval(s, S);
		add_half_halted(s, 10, "a");
		add_vcpu(&s->f, 1, 12, half_halted);
		add_half_halted(s, 10, "a");
		add_report(s);
		assert_int_equal(totals__vm_cnt(&s->totals), 1);
		assert_int_equal(totals__vcpu_cnt(&s->totals), 2);
		assert_int_equal(totals__vcpu(&s->totals, 0)->vcpu_id, 0);
		assert_true(halted_ns(&totals__vcpu(&s->totals, 0)->sums) == 2 * i * 491 * MS);
		assert_true(halted_ns(&totals__vcpu(&s->totals, 1)->sums) == i * 491 * MS);
		assert_int_equal(find_vm(s, 10, "a")->vcpu_cnt, 3);
	}
}

static void a_name_changes(void **state)
{
	struct sums *s = *state;

	next_interval(s, S);
	add_half_halted(s, 10, "qemu");
	add_report(s);
	next_interval(s, S);
	add_half_halted(s, 10, "a");
	add_report(s);
	assert_int_equal(totals__vm_cnt(&s->totals), 2);
	assert_int_equal(totals__vcpu_cnt(&s->totals), 2);
	assert_int_equal(totals__live_vm_cnt(&s->totals), 1);
	assert_true(halted_ns(&find_vm(s, 10, "a")->total.sums) == 491 * MS);
	for (size_t i = 0; i < 2; i++)
		assert_non_null(totals__vm_of(&s->totals, totals__vcpu(&s->totals, i)));
	next_interval(s, TOTALS_KEEP_NS);
	add_half_halted(s, 10, "a");
	add_report(s);
	assert_int_equal(totals__vm_cnt(&s->totals), 1);
	assert_int_equal(totals__vcpu_cnt(&s->totals), 1);
	assert_true(halted_ns(&s->totals.node) == 3 * 491 * MS);
}

/*
 * Names that are made printable may become equal. They share one series, because Prometheus refuses
 * duplicates.
 */
static void names_that_would_look_alike_are_one(void **state)
{
	struct sums *s = *state;

	next_interval(s, S);
	add_half_halted(s, 10, "a\001");
	add_report(s);
	next_interval(s, S);
	add_half_halted(s, 10, "a\377");
	add_report(s);
	assert_int_equal(totals__vm_cnt(&s->totals), 1);
	assert_string_equal(totals__vm(&s->totals, 0)->name, "a?");
}

/* Each vCPU belongs to a new process, and nobody scrapes. */
static void thousands_come_and_go(void **state)
{
	struct sums *s = *state;
	__u64 before_ns = 0;

	for (pid_t i = 0; i < 2500; i++) {
		next_interval(s, MS);
		for (pid_t j = 0; j < 4; j++)
			add_half_halted(s, 1 + 8 * i + 2 * j, "a");
		add_report(s);
		assert_true(halted_ns(&s->totals.node) == before_ns + 4 * 491 * MS);
		before_ns = halted_ns(&s->totals.node);
		/* Series above the limit are dropped at the next report. */
		assert_in_range(totals__vcpu_cnt(&s->totals), 1, TOTALS_ENDED_MAX + 8);
		assert_in_range(totals__vm_cnt(&s->totals), 1, TOTALS_ENDED_MAX + 8);
		assert_in_range(s->totals.vcpus.room, 1, 2 * TOTALS_ENDED_MAX);
	}
	/* The oldest series were dropped first. */
	assert_true(totals__vm(&s->totals, 0)->total.pid > 8 * (2500 - TOTALS_ENDED_MAX / 4 - 4));
	assert_int_equal(s->totals.dropped_cnt + totals__vm_cnt(&s->totals) +
				 totals__vcpu_cnt(&s->totals),
			 2 * 10000);
}

static void stints_in_fewer_buckets(void **state)
{
	struct histogram histogram = { .below_cnt = 5, .halted_ns = 1000 };
	struct sums *s = *state;
	const struct stint_totals *stints;
	__u64 sum = 0;

	for (unsigned int i = 0; i < STINT_BUCKET_CNT; i++)
		histogram.cnt[i] = i + 1;
	for (int i = 0; i < 2; i++) {
		next_interval(s, S);
		add_half_halted(s, 10, "a");
		s->f.vms[0].histogram = &histogram;
		add_report(s);
	}
	stints = &totals__vm(&s->totals, 0)->stints;
	assert_true(stints->known);
	assert_true(stints->halted_ns == 2000);
	/* Sixteen buckets of histogram.h per power of four. */
	for (unsigned int i = 0; i <= TOTALS_BOUND_CNT; i++) {
		assert_true(stints->cnt[i] == 2 * (16 * (16 * i) + 16 * 17 / 2));
		sum += stints->cnt[i];
	}
	assert_true(sum == 2 * histogram__halted_cnt(&histogram));
	assert_true(totals__stint_bound_ns(0) == 4096);
	assert_true(totals__stint_bound_ns(TOTALS_BOUND_CNT - 1) == 1ULL << 34);
}

static void failures_add_up(void **state)
{
	struct sums *s = *state;

	s->f.report.health = (struct health){ 1, 2, 3, 4, 5 };
	for (int i = 0; i < 2; i++) {
		next_interval(s, S);
		add_report(s);
	}
	assert_int_equal(s->totals.health.lost_window_cnt, 2);
	assert_int_equal(s->totals.health.mperf_error_cnt, 4);
	assert_int_equal(s->totals.health.map_full_cnt, 6);
	assert_int_equal(s->totals.health.hooks_off_cnt, 8);
	assert_int_equal(s->totals.health.refused_window_cnt, 10);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		SUMS_TEST(they_add_up),
		SUMS_TEST(what_is_unknown_adds_nothing),
		SUMS_TEST(they_saturate),
		SUMS_TEST(a_vm_that_ends_is_kept_for_a_time),
		SUMS_TEST(turns_are_no_vcpus),
		SUMS_TEST(a_vcpu_is_unplugged),
		SUMS_TEST(two_vms_in_one_process),
		SUMS_TEST(a_name_changes),
		SUMS_TEST(names_that_would_look_alike_are_one),
		SUMS_TEST(thousands_come_and_go),
		SUMS_TEST(stints_in_fewer_buckets),
		SUMS_TEST(failures_add_up),
	};

	return cmocka_run_group_tests_name("totals", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include "report_fixture.h"

/*
 * AddressSanitizer must let an allocation that is too large return NULL, as malloc() does without
 * it.
 */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static struct metrics halted(__u64 halted_ns, __u64 wall_ns)
{
	struct metrics metrics = half_halted;

	metrics.value[METRIC_HALTED_NS] = halted_ns;
	metrics.value[METRIC_WALL_NS] = wall_ns;
	return metrics;
}

/* Three VMs: the second has the highest share of halted time, the third the most nanoseconds. */
static void add_three(struct fixture *f)
{
	add_vm(f, 10, "a", halted(10, 100));
	add_vcpu(f, 0, 11, halted(1, 50));
	add_vcpu(f, 1, 12, halted(9, 50));
	add_vm(f, 20, "b", halted(9, 10));
	add_vcpu(f, 0, 21, halted(9, 10));
	add_vm(f, 30, "c", halted(600, 2000));
	add_vcpu(f, 0, 31, halted(0, 500));
	add_vcpu(f, 1, 32, halted(300, 500));
	add_vcpu(f, 2, 33, halted(0, 500));
	add_vcpu(f, 3, 34, halted(300, 500));
}

/*
 * The expected rows are PIDs of VMs and TIDs of vCPUs; a plus precedes the number of rows left out.
 */
static void assert_rows(struct fixture *f, struct view_opts opts, const char *expected)
{
	char text[256] = "", *end = text;

	f->view_opts = opts;
	view_of(f);
	assert_int_equal(f->view.level, opts.level);
	for (size_t i = 0; i < f->view.row_cnt; i++) {
		const struct view_row *row = &f->view.rows[i];

		assert_non_null(row->vm);
		/* The row of a vCPU must point to the VM of that vCPU. */
		if (row->vcpu)
			assert_true(row->vcpu >= row->vm->vcpus &&
				    row->vcpu < row->vm->vcpus + row->vm->vcpu_cnt);
		end += sprintf(end, "%d ", row->vcpu ? row->vcpu->tid : row->vm->pid);
	}
	sprintf(end, "+%zu", f->view.left_out_cnt);
	assert_string_equal(text, expected);
}

static void test_levels(void **state)
{
	struct fixture *f = *state;

	add_three(f);
	assert_rows(f, (struct view_opts){ .level = VIEW_VMS_AND_VCPUS },
		    "10 11 12 20 21 30 31 32 33 34 +0");
	assert_rows(f, (struct view_opts){ .level = VIEW_VMS }, "10 20 30 +0");
	assert_rows(f, (struct view_opts){ .level = VIEW_VCPUS }, "11 12 21 31 32 33 34 +0");
}

/* The view is unsorted unless `sorted` is set, whatever `sort` says. */
static void test_not_sorted(void **state)
{
	struct fixture *f = *state;

	add_three(f);
	assert_rows(f, (struct view_opts){ .level = VIEW_VMS, .sort = COLUMN_HALTED },
		    "10 20 30 +0");
}

/* Rows are sorted by their share, which is what the table shows; equal ones keep their order. */
static void test_sorted_by_share(void **state)
{
	struct fixture *f = *state;
	struct view_opts opts = { .sorted = true, .sort = COLUMN_HALTED };

	add_three(f);
	opts.level = VIEW_VMS_AND_VCPUS;
	assert_rows(f, opts, "20 21 30 32 34 31 33 10 12 11 +0");
	opts.level = VIEW_VMS;
	assert_rows(f, opts, "20 30 10 +0");
	opts.level = VIEW_VCPUS;
	assert_rows(f, opts, "21 32 34 12 11 31 33 +0");
}

/* Rates refer to the interval, which is the same for all rows. */
static void test_sorted_by_rate(void **state)
{
	struct fixture *f = *state;
	struct view_opts opts = { VIEW_VMS, .sorted = true, .sort = COLUMN_ENTRIES };

	add_three(f);
	f->vms[0].metrics.value[METRIC_ENTRY_CNT] = 5;
	f->vms[1].metrics.value[METRIC_ENTRY_CNT] = 0;
	f->vms[2].metrics.value[METRIC_ENTRY_CNT] = 5000;
	assert_rows(f, opts, "30 10 20 +0");
}

/* Unknown values are sorted below all known ones, even below a measured zero. */
static void test_unknown_is_last(void **state)
{
	struct fixture *f = *state;
	struct view_opts opts = { VIEW_VMS, .sorted = true, .sort = COLUMN_HALTED };

	add_vm(f, 1, "unknown", all_unknown);
	add_vm(f, 2, "no wall time", halted(0, 0));
	add_vm(f, 3, "wall unknown", halted(5, UNKNOWN));
	add_vm(f, 4, "zero", halted(0, 100));
	add_vm(f, 5, "some", halted(1, 100));
	assert_rows(f, opts, "5 4 1 2 3 +0");
	/* A rate does not need a wall time. */
	opts.sort = COLUMN_ENTRIES;
	assert_rows(f, opts, "2 3 4 5 1 +0");
}

/* Comparing these needs products of more than 64 bits. */
static void test_large_values(void **state)
{
	struct fixture *f = *state;
	struct view_opts opts = { VIEW_VMS, .sorted = true, .sort = COLUMN_HALTED };
	const __u64 max = UINT64_MAX - 1;

	add_vm(f, 1, "a", halted(max - 1, max));
	add_vm(f, 2, "b", halted(max, max));
	add_vm(f, 3, "c", halted(max / 2, max));
	assert_rows(f, opts, "2 1 3 +0");
}

static void test_row_max(void **state)
{
	struct fixture *f = *state;
	struct view_opts opts = { .sorted = true, .sort = COLUMN_HALTED, .row_max = 1 };

	add_three(f);
	/* A VM is counted as one row, and is shown with all of its vCPUs. */
	assert_rows(f, opts, "20 21 +2");
	opts.row_max = 2;
	assert_rows(f, opts, "20 21 30 32 34 31 33 +1");
	opts.row_max = 3;
	assert_rows(f, opts, "20 21 30 32 34 31 33 10 12 11 +0");
	opts.row_max = UINT32_MAX;
	assert_rows(f, opts, "20 21 30 32 34 31 33 10 12 11 +0");
	opts.level = VIEW_VMS;
	opts.row_max = 2;
	assert_rows(f, opts, "20 30 +1");
	opts.level = VIEW_VCPUS;
	assert_rows(f, opts, "21 32 +5");
	opts.sorted = false;
	assert_rows(f, opts, "11 12 +5");
}

static void test_vm_without_vcpus(void **state)
{
	struct fixture *f = *state;

	add_vm(f, 10, "a", all_unknown);
	assert_rows(f, (struct view_opts){ .level = VIEW_VMS_AND_VCPUS }, "10 +0");
	assert_rows(f, (struct view_opts){ .level = VIEW_VMS }, "10 +0");
	assert_rows(f, (struct view_opts){ .level = VIEW_VCPUS }, "+0");
}

static void test_nothing(void **state)
{
	struct view_opts opts = { .sorted = true, .sort = COLUMN_HALTED, .row_max = 1 };

	assert_rows(*state, opts, "+0");
}

/* The memory of a view is reused for smaller and larger reports. */
static void test_a_view_made_again(void **state)
{
	struct fixture *f = *state;
	struct view_opts opts = { .row_max = 1 };

	add_vm(f, 5, "z", half_halted);
	assert_rows(f, (struct view_opts){ .level = VIEW_VMS }, "5 +0");
	add_three(f);
	assert_rows(f, opts, "5 +3");
	assert_rows(f, (struct view_opts){ .level = VIEW_VMS }, "5 10 20 30 +0");
	f->report.vm_cnt = 1;
	f->report.vcpu_cnt = 0;
	assert_rows(f, (struct view_opts){ .level = VIEW_VMS }, "5 +0");
}

static void test_no_memory(void **state)
{
	struct fixture *f = *state;
	struct view_opts opts = { .level = VIEW_VMS };

	add_three(f);
	assert_rows(f, opts, "10 20 30 +0");
	f->report.vcpu_cnt = SIZE_MAX / sizeof(struct view_row);
	assert_int_equal(view__make(&f->report, &opts, &f->view), -ENOMEM);
	assert_int_equal(f->view.row_cnt, 3);
	assert_int_equal(f->view.rows[2].vm->pid, 30);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_levels),          TEST(test_not_sorted),
		TEST(test_sorted_by_share), TEST(test_sorted_by_rate),
		TEST(test_unknown_is_last), TEST(test_large_values),
		TEST(test_row_max),         TEST(test_vm_without_vcpus),
		TEST(test_nothing),         TEST(test_a_view_made_again),
		TEST(test_no_memory),
	};

	return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}

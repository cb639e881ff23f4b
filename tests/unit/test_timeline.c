// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "report/timeline.h"
#include "report_fixture.h"

static struct timeline timeline;

static int teardown_timeline(void **state)
{
	timeline__free(&timeline);
	return teardown(state);
}

/* A second, of which `busy_ms` were busy, 10 were host time, 40 wait, and the rest halted. */
static struct metrics second(__u64 busy_ms)
{
	const __u64 busy = busy_ms * MS, host = 10 * MS, wait = 40 * MS;
	const __u64 halted = S - busy - host - wait;

	return (struct metrics){ { S, S - wait, halted, busy + halted, busy, host, wait, 0, 9, 0, 0,
				   halted } };
}

static void add_report(struct fixture *f, __u64 interval_ns)
{
	f->report.interval_ns = interval_ns;
	f->report.begin = f->report.end;
	f->report.end.mono_ns += interval_ns;
	f->report.end.real_ns += interval_ns;
	assert_int_equal(timeline__add(&timeline, &f->report), 0);
}

static void clear(struct fixture *f)
{
	f->report.vm_cnt = f->report.vcpu_cnt = 0;
	memset(f->vms, 0, sizeof(f->vms));
}

static void assert_ms(float ns, double ms)
{
	if (!(ns / 1e6 >= ms * 0.9999 && ns / 1e6 <= ms * 1.0001))
		fail_msg("%g ms is not %g ms", ns / 1e6, ms);
}

static void test_parts(void **state)
{
	struct fixture *f = *state;
	const struct timeline_cell *cell;

	timeline.has_vcpus = true;
	add_vm(f, 7, "web", half_halted);
	add_vcpu(f, 0, 70, second(200));
	add_vcpu(f, 1, 71, second(600));
	add_report(f, S);
	add_report(f, S);
	assert_int_equal(timeline.column_cnt, 2);
	assert_int_equal(timeline.vm_cnt, 1);
	assert_int_equal(timeline.vms[0].vcpu_cnt, 2);
	assert_int_equal(timeline.vms[0].vcpu_max, 2);
	cell = &timeline.vms[0].cells[1];
	assert_ms(cell->ns[PART_BUSY], 800);
	assert_ms(cell->ns[PART_HOST], 20);
	assert_ms(cell->ns[PART_WAIT], 80);
	assert_ms(cell->ns[PART_HALTED], 1100);
	assert_ms(timeline__wall_ns(cell), 2000);
	assert_int_equal(cell->unknown_parts, 0);
	assert_ms(timeline.vms[0].vcpus[1].cells[0].ns[PART_BUSY], 600);
	assert_int_equal(timeline.columns[1].begin_ns, timeline.columns[0].end_ns);
}

/* Unknown time is a part of its own, and marked. */
static void test_unknown(void **state)
{
	struct fixture *f = *state;
	struct metrics metrics = second(200);
	const struct timeline_cell *cell;

	metrics.value[METRIC_WAIT_NS] = metrics.value[METRIC_BLOCKED_NS] = UNKNOWN;
	add_vm(f, 7, "web", metrics);
	add_vcpu(f, 0, 70, metrics);
	add_report(f, S);
	cell = &timeline.vms[0].cells[0];
	assert_ms(cell->ns[PART_UNKNOWN], 40);
	assert_ms(timeline__wall_ns(cell), 1000);
	assert_int_equal(cell->unknown_parts, 1U << PART_WAIT | 1U << PART_BLOCKED);
	/* Halted is a lower bound where some of the time is unmeasured. */
	metrics = second(200);
	metrics.value[METRIC_UNMEASURED_NS] = 1;
	f->vcpus[0].metrics = metrics;
	add_report(f, S);
	assert_int_equal(timeline.vms[0].cells[1].unknown_parts, 1U << PART_HALTED);
	/* In switch mode busy and host are known together only. */
	metrics = second(200);
	metrics.value[METRIC_BUSY_NS] = metrics.value[METRIC_HOST_NS] = UNKNOWN;
	f->vcpus[0].metrics = metrics;
	f->report.mode = MODE_SWITCH;
	add_report(f, S);
	assert_ms(timeline.vms[0].cells[2].ns[PART_USED], 210);
	assert_ms(timeline__wall_ns(&timeline.vms[0].cells[2]), 1000);
	assert_int_equal(timeline.vms[0].cells[2].unknown_parts, 1U << PART_BUSY | 1U << PART_HOST);
	assert_int_equal(timeline.mode, MODE_SWITCH);
}

/* VMs come and go; two VMs of one process, and a reused PID with another name, are not mixed up. */
static void test_identity(void **state)
{
	struct fixture *f = *state;

	add_vm(f, 7, "web", half_halted);
	add_vcpu(f, 0, 70, second(100));
	add_vm(f, 7, "web", half_halted);
	add_vcpu(f, 0, 71, second(200));
	add_report(f, S);
	clear(f);
	add_vm(f, 5, "new", half_halted);
	add_vcpu(f, 0, 50, second(300));
	add_vm(f, 7, "db", half_halted);
	add_vcpu(f, 0, 70, second(400));
	add_report(f, S);
	assert_int_equal(timeline.vm_cnt, 4);
	assert_ms(timeline.vms[0].cells[0].ns[PART_BUSY], 100);
	assert_ms(timeline.vms[1].cells[0].ns[PART_BUSY], 200);
	assert_true(timeline__wall_ns(&timeline.vms[1].cells[1]) == 0);
	assert_string_equal(timeline.vms[2].name, "new");
	assert_true(timeline__wall_ns(&timeline.vms[2].cells[0]) == 0);
	assert_ms(timeline.vms[3].cells[1].ns[PART_BUSY], 400);
	assert_true(timeline__is_one_of_several(&timeline, &timeline.vms[0]));
	assert_false(timeline__is_one_of_several(&timeline, &timeline.vms[2]));
}

/* A long run has fewer columns than intervals, and loses nothing. */
static void test_columns_are_joined(void **state)
{
	const size_t cnt = 5 * TIMELINE_COLUMNS_MAX + 3;
	struct fixture *f = *state;
	double busy_ns = 0, wall_ns = 0;

	timeline.has_vcpus = true;
	add_vm(f, 7, "web", half_halted);
	add_vcpu(f, 0, 70, second(0));
	for (size_t i = 0; i < cnt; i++) {
		f->vcpus[0].metrics = second(i % 900);
		busy_ns += (double)(i % 900) * MS;
		add_report(f, S);
		assert_true(timeline.column_cnt <= TIMELINE_COLUMNS_MAX);
	}
	assert_int_equal(timeline.interval_cnt, cnt);
	assert_int_equal(timeline.joined_cnt, 8);
	assert_int_equal(timeline.column_cnt, (cnt + 7) / 8);
	for (size_t i = 0; i < timeline.column_cnt; i++) {
		const struct timeline_column *column = &timeline.columns[i];

		assert_int_equal(column->begin_ns,
				 i ? timeline.columns[i - 1].end_ns : timeline.begin.mono_ns);
		assert_ms(timeline__wall_ns(&timeline.vms[0].cells[i]),
			  (double)(column->end_ns - column->begin_ns) / MS);
		busy_ns -= (double)timeline.vms[0].vcpus[0].cells[i].ns[PART_BUSY];
		wall_ns += (double)timeline__wall_ns(&timeline.vms[0].cells[i]);
	}
	assert_int_equal(timeline.columns[timeline.column_cnt - 1].end_ns, timeline.end.mono_ns);
	assert_true(busy_ns < 1e-4 * wall_ns && busy_ns > -1e-4 * wall_ns);
}

/* With many VMs there are fewer columns; beyond the limit, VMs are counted and left out. */
static void test_many_rows(void **state)
{
	struct fixture *f = *state;
	size_t cells = 0;

	for (int i = 0; i < 300; i++) {
		clear(f);
		add_vm(f, 1, "first", half_halted);
		add_vcpu(f, 0, 2, second(500));
		add_report(f, S);
	}
	for (int i = 0; i < TIMELINE_ROWS_MAX + 4; i += 4) {
		clear(f);
		for (int j = 0; j < 4; j++) {
			add_vm(f, 10 + i + j, "many", half_halted);
			add_vcpu(f, 0, 10, second(500));
		}
		add_report(f, S);
		assert_true(timeline.row_cnt * timeline.column_cnt <= TIMELINE_CELLS_MAX);
	}
	assert_int_equal(timeline.row_cnt, TIMELINE_ROWS_MAX);
	assert_int_equal(timeline.vm_cnt, TIMELINE_ROWS_MAX);
	assert_int_equal(timeline.left_out_cnt, 5);
	assert_true(timeline.column_cnt >= 4);
	for (size_t i = 0; i < timeline.column_cnt; i++)
		cells += timeline.vms[0].cells[i].ns[PART_BUSY] > 0;
	assert_true(cells >= 1);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown_timeline)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_parts),     TEST(test_unknown),
		TEST(test_identity),  TEST(test_columns_are_joined),
		TEST(test_many_rows),
	};

	return cmocka_run_group_tests_name("timeline", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include "render/render_notes.h"
#include "report_fixture.h"

static int write_it(struct fixture *f, FILE *out)
{
	return render__notes(&f->report, view_of(f), out);
}

static const char *notes(struct fixture *f)
{
	return written(f, write_it);
}

static void test_note_of_rows_left_out(void **state)
{
	struct fixture *f = *state;

	add_demo(f);
	add_vm(f, 2, "b", half_halted);
	add_vcpu(f, 0, 21, half_halted);
	add_vm(f, 3, "c", half_halted);
	assert_string_equal(notes(f), "");
	f->view_opts.row_max = 2;
	assert_string_equal(notes(f), "# 1 more VM\n");
	f->view_opts.row_max = 1;
	assert_string_equal(notes(f), "# 2 more VMs\n");
	f->view_opts.level = VIEW_VMS;
	assert_string_equal(notes(f), "# 2 more VMs\n");
	f->view_opts.level = VIEW_VCPUS;
	assert_string_equal(notes(f), "# 2 more vCPUs\n");
	f->view_opts.row_max = 2;
	assert_string_equal(notes(f), "# 1 more vCPU\n");
}

/* A vCPU that was blocked all the time, and never halted. */
static struct metrics sleeping(void)
{
	struct metrics metrics = { { 0 } };

	metrics.value[METRIC_WALL_NS] = S;
	metrics.value[METRIC_BLOCKED_NS] = S;
	return metrics;
}

static void test_note_of_idle_in_blocked(void **state)
{
	struct fixture *f = *state;

	add_vm(f, 1, "halts", half_halted);
	add_vcpu(f, 0, 11, half_halted);
	assert_string_equal(notes(f), "");
	add_vm(f, 2, "sleeps", sleeping());
	add_vcpu(f, 0, 21, sleeping());
	assert_string_equal(notes(f), "# idle in BLOCK% (HLT exits, or paused): sleeps\n");
	add_vm(f, 3, "unknown", all_unknown);
	add_vm(f, 4, "two\x1b", sleeping());
	add_vcpu(f, 0, 41, sleeping());
	add_vm(f, 4, "two\x1b", sleeping());
	add_vcpu(f, 0, 42, sleeping());
	assert_string_equal(notes(f), "# idle in BLOCK% (HLT exits, or paused): "
				      "sleeps, two?#1, two?#2\n");
}

/* The note names only VMs that are shown, because there is no BLOCK% to misread for the others. */
static void test_note_of_idle_in_blocked_when_cut(void **state)
{
	struct fixture *f = *state;

	add_vm(f, 1, "first", sleeping());
	add_vcpu(f, 0, 11, sleeping());
	add_vm(f, 2, "second", sleeping());
	add_vcpu(f, 0, 21, sleeping());
	f->view_opts.row_max = 1;
	assert_string_equal(notes(f), "# 1 more VM\n"
				      "# idle in BLOCK% (HLT exits, or paused): first\n");
	f->view_opts.level = VIEW_VCPUS;
	assert_string_equal(notes(f), "# 1 more vCPU\n"
				      "# idle in BLOCK% (HLT exits, or paused): first\n");
}

/* The note has as many names as fit, followed by the number of the other VMs. */
static void test_note_of_many_idle_in_blocked(void **state)
{
	struct fixture *f = *state;

	add_vm(f, 1, "a-name-that-is-rather-long", sleeping());
	for (pid_t pid = 2; pid < 9; pid++)
		add_vm(f, pid, "short", sleeping());
	assert_string_equal(notes(f), "# idle in BLOCK% (HLT exits, or paused): "
				      "a-name-tha~ther-long and 7 more\n");
	f->vms[0].name = "short";
	f->vms[3].name = "longer-than-that";
	assert_string_equal(notes(f), "# idle in BLOCK% (HLT exits, or paused): "
				      "short, short, short and 5 more\n");
	/* If a name does not fit, no later name is shown either, so that the order is kept. */
	f->vms[1].name = "longer-than-that-";
	assert_string_equal(notes(f), "# idle in BLOCK% (HLT exits, or paused): "
				      "short and 7 more\n");
}

static void test_note_of_failures(void **state)
{
	struct fixture *f = *state;

	/* Shown even without a VM, because the failures may be the reason why there is none. */
	f->report.health = (struct health){ 1, 0, 0, 0, 0 };
	assert_string_equal(notes(f), "# windows lost, their time is missing: 1\n");
	f->report.health = (struct health){ 0, 2, 3, 4, 5 };
	assert_string_equal(notes(f),
			    "# MPERF reads failed: 2\n"
			    "# windows of vCPUs for which there was no room: 3\n"
			    "# hooks were off, nothing is known about the interval: 4\n"
			    "# windows refused, a process had its share of the room: 5\n");
}

static void test_note_of_vcpus_without_room(void **state)
{
	struct fixture *f = *state;
	struct metrics without_room = all_unknown;

	without_room.value[METRIC_WALL_NS] = S;
	without_room.value[METRIC_CLAMPED_NS] = 0;
	add_vm(f, 1, "a", all_unknown);
	add_vcpu(f, 0, 11, half_halted);
	assert_string_equal(notes(f), "");
	add_vcpu(f, 1, 12, without_room);
	add_vcpu(f, 2, 13, without_room);
	assert_string_equal(notes(f),
			    "# vCPUs that are not measured (no room, or hooks were off): 2\n");
}

static void test_note_of_clamps(void **state)
{
	struct fixture *f = *state;
	struct metrics clamped = half_halted;

	clamped.value[METRIC_CLAMPED_NS] = MS;
	add_vm(f, 1, "a", clamped);
	add_vcpu(f, 0, 11, clamped);
	assert_string_equal(notes(f), "");
	clamped.value[METRIC_CLAMPED_NS] = MS + 1;
	add_vcpu(f, 1, 12, clamped);
	assert_string_equal(
		notes(f), "# shares of 1 vCPU may be off by up to 0.1 points (TID 12), clamped\n");
	clamped.value[METRIC_CLAMPED_NS] = 25 * MS;
	add_vcpu(f, 2, 13, clamped);
	clamped.value[METRIC_CLAMPED_NS] = 20 * MS;
	add_vcpu(f, 3, 14, clamped);
	assert_string_equal(
		notes(f), "# shares of 3 vCPUs may be off by up to 2.5 points (TID 13), clamped\n");

	/* Times that were clamped altogether, such as those of a clock that went back. */
	clamped.value[METRIC_WALL_NS] = 0;
	clamped.value[METRIC_CLAMPED_NS] = 7;
	add_vcpu(f, 4, 15, clamped);
	assert_string_equal(
		notes(f), "# shares of 4 vCPUs may be off by up to 100 points (TID 15), clamped\n");
}

static void test_note_of_unmeasured_time(void **state)
{
	struct fixture *f = *state;
	struct metrics metrics = half_halted;

	add_vm(f, 1, "a", all_unknown);
	add_vcpu(f, 0, 11, all_unknown);
	assert_string_equal(notes(f), "");
	metrics.value[METRIC_UNMEASURED_NS] = 1;
	add_vcpu(f, 1, 12, metrics);
	assert_string_equal(notes(f), "# loaded but not measured: 1 ns, not in HALTED%\n");
	metrics.value[METRIC_UNMEASURED_NS] = 1234567;
	add_vcpu(f, 2, 13, metrics);
	assert_string_equal(notes(f), "# loaded but not measured: 1.23 ms, not in HALTED%\n");
}

/* Somebody else's choice of a mode must not look like a fault of the tool. */
static void test_note_of_a_pinned_measurement(void **state)
{
	struct fixture *f = *state;

	f->report.pinned = true;
	assert_string_equal(notes(f), "# read from what --pin measures\n");
	f->report.mode = MODE_SWITCH;
	assert_string_equal(notes(f), "# read from what --pin measures: BUSY% and HOST% need "
				      "--mode entry\n");
}

static void test_note_of_the_ratio(void **state)
{
	struct fixture *f = *state;

	add_vm(f, 1, "a", half_halted);
	f->report.mperf_ratio = 0.9995;
	assert_string_equal(notes(f), "");
	f->report.mperf_ratio = 1.0005;
	assert_string_equal(notes(f), "");
	f->report.mperf_ratio = 1.0011;
	assert_string_equal(notes(f), "# MPERF counts at 1.0011 times the rate of TSC\n");
	f->report.mperf_ratio = 0.9;
	assert_string_equal(notes(f), "# MPERF counts at 0.9 times the rate of TSC\n");
}

/* A stream on which every write fails: each note must report the error. */
static ssize_t refuse_all(void *cookie, const char *bytes, size_t size)
{
	(void)cookie;
	(void)bytes;
	(void)size;
	errno = EDQUOT;
	return 0;
}

static void test_each_note_fails(void **state)
{
	struct fixture *f = *state;
	struct metrics metrics = half_halted;

	add_vm(f, 1, "a", half_halted);
	for (int i = 0; i < 7; i++) {
		cookie_io_functions_t functions = { .write = refuse_all };
		FILE *out = fopencookie(NULL, "w", functions);

		assert_non_null(out);
		setvbuf(out, NULL, _IOLBF, BUFSIZ);
		f->report.health.lost_window_cnt = i == 0;
		f->report.mperf_ratio = i == 1 ? 0.5 : 1;
		metrics.value[METRIC_CLAMPED_NS] = i == 2 ? S : 0;
		metrics.value[METRIC_UNMEASURED_NS] = i == 3 ? S : 0;
		f->vms[0].metrics = i == 4 ? sleeping() : half_halted;
		f->view_opts.row_max = i == 5;
		f->report.pinned = i == 6;
		f->report.vcpu_cnt = 0;
		f->vms[0].vcpu_cnt = 0;
		add_vcpu(f, 0, 11, metrics);
		f->report.vm_cnt = 1;
		if (i == 5)
			add_vm(f, 2, "b", half_halted);
		assert_int_equal(write_it(f, out), -EDQUOT);
		fclose(out);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_note_of_rows_left_out),
		TEST(test_note_of_idle_in_blocked),
		TEST(test_note_of_idle_in_blocked_when_cut),
		TEST(test_note_of_many_idle_in_blocked),
		TEST(test_note_of_failures),
		TEST(test_note_of_vcpus_without_room),
		TEST(test_note_of_clamps),
		TEST(test_note_of_unmeasured_time),
		TEST(test_note_of_a_pinned_measurement),
		TEST(test_note_of_the_ratio),
		TEST(test_each_note_fails),
	};

	return cmocka_run_group_tests_name("render_notes", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "failing_stream.h"
#include "render/render.h"

#define METRIC_FIELDS                                                                              \
	"idle_ns,halted_ns,loaded_ns,guest_ns,busy_ns,host_ns,wait_ns,blocked_ns,entries,wall_ns," \
	"clamped_ns,unmeasured_ns"

static int write_heading(struct fixture *f, FILE *out)
{
	(void)f;
	return render__csv_heading(out);
}

static int write_it(struct fixture *f, FILE *out)
{
	return render__csv(&f->report, view_of(f), out);
}

static void test_heading(void **state)
{
	assert_string_equal(written(*state, write_heading),
			    "time,interval_ns,mode,row,pid,instance,name,vcpu,tid," METRIC_FIELDS
			    ",lost_windows,mperf_errors,map_full,hooks_off,refused_windows\n");
}

static void test_rows(void **state)
{
	struct fixture *f = *state;

	f->report.health = (struct health){ 1, 2, 3, 4, 5 };
	add_vm(f, 1234, "demo", (struct metrics){ { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 } });
	add_vcpu(f, 5, 1240,
		 (struct metrics){ { 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32 } });
	f->report.total = (struct metrics){ { 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52 } };
	assert_string_equal(
		written(f, write_it),
		"2025-11-23T14:26:41.007000045Z,1000000000,entry,host,,,,,,"
		"52,43,42,44,45,46,47,48,49,41,50,51,1,2,3,4,5\n"
		"2025-11-23T14:26:41.007000045Z,1000000000,entry,vm,1234,1,\"demo\",,,"
		"12,3,2,4,5,6,7,8,9,1,10,11,1,2,3,4,5\n"
		"2025-11-23T14:26:41.007000045Z,1000000000,entry,vcpu,1234,1,\"demo\",5,1240,"
		"32,23,22,24,25,26,27,28,29,21,30,31,1,2,3,4,5\n");
}

/* Each line must have as many fields as the heading. */
static void test_number_of_fields(void **state)
{
	struct fixture *f = *state;
	size_t expected = 0, cnt = 0;

	for (const char *c = written(f, write_heading); *c; c++)
		expected += *c == ',';
	add_demo(f);
	for (const char *c = written(f, write_it); *c; c++) {
		cnt += *c == ',';
		if (*c == '\n') {
			assert_int_equal(cnt, expected);
			cnt = 0;
		}
	}
}

static void test_unknown_is_empty(void **state)
{
	struct fixture *f = *state;

	f->report.mode = MODE_SWITCH;
	f->report.total = all_unknown;
	add_vm(f, 7, "silent", all_unknown);
	assert_string_equal(written(f, write_it),
			    "2025-11-23T14:26:41.007000045Z,1000000000,switch,host,,,,,,"
			    ",,,,,,,,,,,,0,0,0,0,0\n"
			    "2025-11-23T14:26:41.007000045Z,1000000000,switch,vm,7,1,\"silent\",,,"
			    ",,,,,,,,,,,,0,0,0,0,0\n");
}

static size_t line_cnt(const char *text)
{
	size_t cnt = 0;

	for (; *text; text++)
		cnt += *text == '\n';
	return cnt;
}

static void test_rows_are_those_of_the_view(void **state)
{
	struct fixture *f = *state;

	f->view_opts = (struct view_opts){ VIEW_VCPUS, true, COLUMN_BUSY, 1 };
	add_demo(f);
	assert_non_null(strstr(written(f, write_it), ",vcpu,1234,1,\"demo\",1,1241,"));
	/* Beside the row of the host. */
	assert_int_equal(line_cnt(f->text), 2);
	f->report.vm_cnt = 0;
	f->report.vcpu_cnt = 0;
	assert_int_equal(line_cnt(written(f, write_it)), 1);
}

static void test_vms_of_one_process(void **state)
{
	struct fixture *f = *state;

	f->view_opts.level = VIEW_VMS;
	add_vm(f, 7, "a", half_halted);
	add_vm(f, 7, "a", half_halted);
	written(f, write_it);
	assert_non_null(strstr(f->text, ",vm,7,1,\"a\","));
	assert_non_null(strstr(f->text, ",vm,7,2,\"a\","));
}

/* The quoted field that is written for a name must equal `expected`. */
static void assert_name(struct fixture *f, const char *name, const char *expected)
{
	const char *field;

	f->report.vm_cnt = 0;
	add_vm(f, 7, name, half_halted);
	field = strstr(written(f, write_it), ",vm,7,1,");
	assert_non_null(field);
	field += strlen(",vm,7,1,");
	if (strncmp(field, expected, strlen(expected)) || field[strlen(expected)] != ',')
		fail_msg("%s is not %s", field, expected);
}

static void test_names_are_quoted(void **state)
{
	struct fixture *f = *state;

	assert_name(f, "", "\"\"");
	assert_name(f, "a,b", "\"a,b\"");
	assert_name(f, "a\"b\"", "\"a\"\"b\"\"\"");
	assert_name(f, "\"", "\"\"\"\"");
	assert_name(f, "\xc3\xa9", "\"\xc3\xa9\"");
	/* Line breaks, and characters that act on a terminal, are replaced. */
	assert_name(f, "a\r\nb\x1b[2J\xff", "\"a??b?[2J?\"");
}

/*
 * Spreadsheets take a cell that begins with =, +, - or @ (or with their full-width forms) for a
 * formula.
 */
static void test_names_are_no_formulas(void **state)
{
	struct fixture *f = *state;

	assert_name(f, "=1+1", "\"'=1+1\"");
	assert_name(f, "+1", "\"'+1\"");
	assert_name(f, "-1", "\"'-1\"");
	assert_name(f, "@SUM(A1)", "\"'@SUM(A1)\"");
	assert_name(f,
		    "\xef\xbc\x9d"
		    "1",
		    "\"'\xef\xbc\x9d"
		    "1\"");
	assert_name(f,
		    "\xef\xbc\x8b"
		    "1",
		    "\"'\xef\xbc\x8b"
		    "1\"");
	assert_name(f,
		    "\xef\xbc\x8d"
		    "1",
		    "\"'\xef\xbc\x8d"
		    "1\"");
	assert_name(f,
		    "\xef\xbc\xa0"
		    "a",
		    "\"'\xef\xbc\xa0"
		    "a\"");
	/* A tab or carriage return before such a character is replaced, so that it is harmless. */
	assert_name(f, "\t=1", "\"?=1\"");
	assert_name(f, "\r=1", "\"?=1\"");
	assert_name(f, "a=1", "\"a=1\"");
	/*
	 * Names that begin with a quote get another one, so that removing one quote always gives
	 * the original name.
	 */
	assert_name(f, "'=1", "\"''=1\"");
	assert_name(f, "'", "\"''\"");
}

static void test_full_device(void **state)
{
	add_demo(*state);
	assert_full_device_is_told(*state, write_it);
	assert_full_device_is_told(*state, write_heading);
}

static void test_stream_that_had_failed(void **state)
{
	assert_earlier_failure_is_told(*state, write_it);
	assert_earlier_failure_is_told(*state, write_heading);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_heading),
		TEST(test_rows),
		TEST(test_number_of_fields),
		TEST(test_unknown_is_empty),
		TEST(test_rows_are_those_of_the_view),
		TEST(test_vms_of_one_process),
		TEST(test_names_are_quoted),
		TEST(test_names_are_no_formulas),
		TEST(test_full_device),
		TEST(test_stream_that_had_failed),
	};

	return cmocka_run_group_tests_name("render_csv", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <time.h>
#include "failing_stream.h"
#include "render/render.h"
#include "text/line.h"
#include "text/utf8.h"

#define HEADING "VM/vCPU                PID/TID IDLE% HALTED% BUSY% HOST% WAIT% BLOCK% ENTRIES/s\n"
#define HEADING_SWITCH                                                                             \
	"VM/vCPU                              PID/TID IDLE% HALTED% LOADED% WAIT% BLOCK%\n"

/* The width of the terminal; 0: there is none. */
static int max_width = LINE_WIDTH;

static int write_it(struct fixture *f, FILE *out)
{
	return render__table(&f->report, view_of(f), max_width, out);
}

static const char *table(struct fixture *f)
{
	const char *text = written(f, write_it);

	/* The lines of the host, which tests of their own read. */
	for (int i = 0; i < 2; i++) {
		text = strchr(text, '\n');
		assert_non_null(text);
		text++;
	}
	return text;
}

static void test_table(void **state)
{
	struct fixture *f = *state;

	add_demo(f);
	assert_string_equal(
		table(f), HEADING
		"demo                      1234  49.1    49.1  50.0   0.9   0.0    0.0       212\n"
		"  vCPU 0                  1240  98.0    98.0   1.2   0.8   0.0    0.0       104\n"
		"  vCPU 1                  1241   0.5     0.2  97.9   1.0   0.6    0.3       108\n");
}

static void test_table_in_switch_mode(void **state)
{
	struct fixture *f = *state;

	f->report.mode = MODE_SWITCH;
	add_vm(f, 1234, "demo",
	       (struct metrics){ { S, 600 * MS, 400 * MS, UNKNOWN, UNKNOWN, UNKNOWN, 100 * MS,
				   300 * MS, UNKNOWN, 0, 0, 700 * MS } });
	add_vcpu(f, 0, 4194304, f->vms[0].metrics);
	assert_string_equal(
		table(f), HEADING_SWITCH
		"demo                                    1234  70.0    40.0    60.0  10.0   30.0\n"
		"  vCPU 0                             4194304  70.0    40.0    60.0  10.0   30.0\n");
}

static void test_table_of_vms(void **state)
{
	struct fixture *f = *state;

	f->view_opts.level = VIEW_VMS;
	add_demo(f);
	add_vm(f, 5, "more-than-14-characters", all_unknown);
	assert_string_equal(
		table(f),
		"VM               vCPUs     PID IDLE% HALTED% BUSY% HOST% WAIT% BLOCK% ENTRIES/s\n"
		"demo                 2    1234  49.1    49.1  50.0   0.9   0.0    0.0       212\n"
		"more-tha~racters     0       5     -       -     -     -     -      -         -\n");
}

static void test_table_of_vcpus(void **state)
{
	struct fixture *f = *state;

	f->view_opts.level = VIEW_VCPUS;
	add_demo(f);
	add_vm(f, 5, "more-than-15-characters", all_unknown);
	add_vcpu(f, 4095, 51, all_unknown);
	assert_string_equal(
		table(f),
		"VM                vCPU     TID IDLE% HALTED% BUSY% HOST% WAIT% BLOCK% ENTRIES/s\n"
		"demo                 0    1240  98.0    98.0   1.2   0.8   0.0    0.0       104\n"
		"demo                 1    1241   0.5     0.2  97.9   1.0   0.6    0.3       108\n"
		"more-tha~aracters 4095      51     -       -     -     -     -      -         -\n");
}

static void test_table_in_the_order_of_the_view(void **state)
{
	struct fixture *f = *state;

	f->view_opts = (struct view_opts){ .sorted = true, .sort = COLUMN_BUSY, .row_max = 1 };
	add_demo(f);
	add_vm(f, 5, "idle", (struct metrics){ { S, S, S, S, 0, 0, 0, 0, 0, 0, 0 } });
	assert_string_equal(
		table(f), HEADING
		"demo                      1234  49.1    49.1  50.0   0.9   0.0    0.0       212\n"
		"  vCPU 1                  1241   0.5     0.2  97.9   1.0   0.6    0.3       108\n"
		"  vCPU 0                  1240  98.0    98.0   1.2   0.8   0.0    0.0       104\n"
		"# 1 more VM\n");
}

static int write_between(struct fixture *f, FILE *out)
{
	int err = render__gap(out);

	return err ? err : render__host(&f->report, out);
}

static void test_what_stands_above_tables(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(setenv("TZ", "FAR-05:30", 1), 0);
	tzset();
	assert_string_equal(written(f, write_between),
			    "\n19:56:41, 1.00 s\n0 vCPUs of 0 VMs on 8 CPUs\n");
	f->report.interval_ns = 99 * MS;
	add_demo(f);
	assert_string_equal(written(f, write_between),
			    "\n19:56:41, 0.0990 s\n2 vCPUs of 1 VM on 8 CPUs: idle 9.9, busy 10.0, "
			    "host 0.2, wait 0.1\n");
}

static void test_table_of_nothing(void **state)
{
	struct fixture *f = *state;

	f->report.mperf_ratio = 0.97;
	assert_string_equal(table(f), HEADING);
}

static void test_unknown_is_a_dash(void **state)
{
	struct fixture *f = *state;

	add_vm(f, 7, "silent", all_unknown);
	assert_string_equal(
		table(f), HEADING
		"silent                       7     -       -     -     -     -      -         -\n");
}

/* A vCPU that was created at the end of the interval has no wall time to take a share of. */
static void test_no_wall_time(void **state)
{
	struct fixture *f = *state;

	add_vm(f, 7, "new", (struct metrics){ { 0 } });
	assert_string_equal(
		table(f), HEADING
		"new                          7     -       -     -     -     -      -         0\n");
}

static void test_rounding(void **state)
{
	struct fixture *f = *state;

	/* Percentages never exceed 100.0 or show as -0.0; halves are rounded up. */
	add_vm(f, 1, "a", (struct metrics){ { 3, 3, 2, 3, 1, 0, 0, 0, 0, 0, 0 } });
	add_vm(f, 2, "b",
	       (struct metrics){ { S, S, 999500000, S, 500000, 499999, 0, 0, 1, 0, 0 } });
	add_vm(f, 3, "c",
	       (struct metrics){ { S, S, 999499999, S, 500001, 0, 0, 0, 999999999, 0, 0 } });
	f->report.interval_ns = 2 * S;
	assert_string_equal(
		table(f), HEADING
		"a                            1   0.0    66.7  33.3   0.0   0.0    0.0         0\n"
		"b                            2   0.0   100.0   0.1   0.0   0.0    0.0         1\n"
		"c                            3   0.0    99.9   0.1   0.0   0.0    0.0 500000000\n");
}

/* The widest possible values, and values that are too large for any interval. */
static void test_width_of_numbers(void **state)
{
	struct fixture *f = *state;
	const __u64 max = UINT64_MAX - 1;

	add_vm(f, 4194304, "max",
	       (struct metrics){ { max, max, max, max, max, max, max, max, 999999999, 0, 0 } });
	add_vcpu(f, UINT32_MAX, 4194304,
		 (struct metrics){ { 1, 1, max, 1, 1, 1, 1, 1, max, 0, 0 } });
	assert_string_equal(
		table(f), HEADING
		"max                    4194304   0.0   100.0 100.0 100.0 100.0  100.0 999999999\n"
		"  vCPU 4294967295      4194304   0.0   2e+19 100.0 100.0 100.0  100.0     2e+19\n");
}

static void test_long_names(void **state)
{
	struct fixture *f = *state;

	add_vm(f, 1, "exactly-21-characters", half_halted);
	add_vm(f, 2, "more-than-21-characters", half_halted);
	/* 10 of these glyphs take 20 columns; an eleventh would leave no room for the mark. */
	add_vm(f, 3,
	       "\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5"
	       "\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5",
	       half_halted);
	add_vm(f, 4, "\xc3\xa9t\xc3\xa9", half_halted);
	/*
	 * A glyph of two columns does not fit before the cut, so that a blank fills the gap after
	 * the mark.
	 */
	add_vm(f, 5, "nineteen-characters\xe6\x97\xa5\xe6\x97\xa5", half_halted);
	assert_string_equal(
		table(f), HEADING
		"exactly-21-characters        1  49.1    49.1  50.0   0.9   0.0    0.0       212\n"
		"more-than-2~characters       2  49.1    49.1  50.0   0.9   0.0    0.0       212\n"
		"\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5~\xe6\x97\xa5"
		"\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5"
		"        3  49.1    49.1  50.0   0.9   0.0    0.0       212\n"
		"\xc3\xa9t\xc3\xa9"
		"                          4  49.1    49.1  50.0   0.9   0.0    0.0       212\n"
		"nineteen-ch~acters\xe6\x97\xa5\xe6\x97\xa5       5  49.1    49.1  50.0   0.9   0.0    0.0       212\n");
}

static void test_names_cannot_write_to_the_terminal(void **state)
{
	struct fixture *f = *state;
	const char *text;

	add_vm(f, 1, "a\x1b[2J\nb\x7f\xc2\x9b\xff\xe2\x80\xaetxt", half_halted);
	text = table(f);
	assert_string_equal(
		text, HEADING
		"a?[2J?b????txt               1  49.1    49.1  50.0   0.9   0.0    0.0       212\n");
}

/* Combining marks have no width, so a name made of them would never reach the end of its column. */
static void test_names_without_width(void **state)
{
	struct fixture *f = *state;
	char name[4096 + 1] = "";

	for (size_t i = 0; i < sizeof(name) - 1; i += 2) {
		name[i] = '\xcc';
		name[i + 1] = '\x81';
	}
	add_vm(f, 1, name, half_halted);
	assert_true(strlen(table(f)) < 512);
	assert_non_null(strstr(f->text, "  1  49.1    49.1  50.0 "));

	memset(name, 'x', 30);
	assert_true(strlen(table(f)) < 512);
	assert_non_null(strstr(f->text, "\nxxxxxxxxxxx~xxxxxxxxxx\xcc\x81"));
	assert_non_null(strstr(f->text, "\xcc\x81       1  49.1    49.1  50.0 "));
}

/* Names that differ at their ends only, as OpenStack's do, at several widths of the terminal. */
static void test_widths(void **state)
{
	static const struct {
		int max_width;
		const char *table;
	} cases[] = {
		{ 0,
		  "VM/vCPU                         PID/TID IDLE% HALTED% BUSY% HOST% WAIT% BLOCK% "
		  "ENTRIES/s\n"
		  "a-long-prefix-instance-00000a01       1  49.1    49.1  50.0   0.9   0.0    0.0 "
		  "      212\n"
		  "a-long-prefix-instance-00000a02       2  49.1    49.1  50.0   0.9   0.0    0.0 "
		  "      212\n" },
		{ 84, "VM/vCPU                     PID/TID IDLE% HALTED% BUSY% HOST% WAIT% BLOCK% "
		      "ENTRIES/s\n"
		      "a-long-prefix~ance-00000a01       1  49.1    49.1  50.0   0.9   0.0    0.0 "
		      "      212\n"
		      "a-long-prefix~ance-00000a02       2  49.1    49.1  50.0   0.9   0.0    0.0 "
		      "      212\n" },
		{ 60, "VM/vCPU       PID/TID IDLE% HALTED% BUSY% HOST% WAIT% BLOCK%\n"
		      "a-long~000a01       1  49.1    49.1  50.0   0.9   0.0    0.0\n"
		      "a-long~000a02       2  49.1    49.1  50.0   0.9   0.0    0.0\n" },
		{ 50, "VM/vCPU     IDLE% HALTED% BUSY% HOST% WAIT% BLOCK%\n"
		      "a-lon~00a01  49.1    49.1  50.0   0.9   0.0    0.0\n"
		      "a-lon~00a02  49.1    49.1  50.0   0.9   0.0    0.0\n" },
	};
	struct fixture *f = *state;

	add_vm(f, 1, "a-long-prefix-instance-00000a01", half_halted);
	add_vm(f, 2, "a-long-prefix-instance-00000a02", half_halted);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		max_width = cases[i].max_width;
		assert_string_equal(table(f), cases[i].table);
	}
	max_width = LINE_WIDTH;
}

static void test_two_vms_of_one_process(void **state)
{
	struct fixture *f = *state;

	add_vm(f, 1, "a", half_halted);
	add_vm(f, 2, "twins", half_halted);
	add_vm(f, 2, "twins", half_halted);
	add_vm(f, 3, "a-name-that-has-to-be-cut", half_halted);
	add_vm(f, 3, "a-name-that-has-to-be-cut", half_halted);
	assert_string_equal(
		table(f), HEADING
		"a                            1  49.1    49.1  50.0   0.9   0.0    0.0       212\n"
		"twins#1                      2  49.1    49.1  50.0   0.9   0.0    0.0       212\n"
		"twins#2                      2  49.1    49.1  50.0   0.9   0.0    0.0       212\n"
		"a-name-tha~to-be-cut#1       3  49.1    49.1  50.0   0.9   0.0    0.0       212\n"
		"a-name-tha~to-be-cut#2       3  49.1    49.1  50.0   0.9   0.0    0.0       212\n");
}

/* No line may exceed 79 columns or contain a byte that is not printable. */
static void assert_fits(const char *text)
{
	int width = 0;

	while (*text) {
		struct utf8_glyph glyph;

		if (*text == '\n') {
			assert_true(width <= 79);
			width = 0;
			text++;
			continue;
		}
		glyph = utf8__next_glyph(&text);
		assert_ptr_equal(glyph.bytes + glyph.len, text);
		width += glyph.width;
	}
	assert_int_equal(width, 0);
}

static void test_every_line_fits(void **state)
{
	struct fixture *f = *state;
	const __u64 max = UINT64_MAX - 1;
	unsigned int seed = 1;
	char name[128];

	f->report.mperf_ratio = 1234567.891;
	f->report.health = (struct health){ max, max, max, max, max };
	add_vm(f, 4194304, name, half_halted);
	add_vcpu(f, UINT32_MAX, 4194304,
		 (struct metrics){ { 1, max, max, max, max, max, max, max, max, max, max } });
	add_vcpu(f, 0, 4194304,
		 (struct metrics){ { 1, max, max, max, max, max, max, max, max, max, max } });
	for (int i = 0; i < 2000; i++) {
		for (size_t j = 0; j < sizeof(name) - 1; j++) {
			seed = seed * 1103515245 + 12345;
			name[j] = (char)(seed >> 16 & 0xff);
		}
		name[sizeof(name) - 1] = '\0';
		f->report.mode = i % 2 ? MODE_ENTRY : MODE_SWITCH;
		f->view_opts.level = (enum view_level)(i % 3);
		assert_fits(table(f));
	}
}

static void test_full_device(void **state)
{
	struct fixture *f = *state;

	add_demo(f);
	assert_full_device_is_told(f, write_it);
}

static void test_stream_that_had_failed(void **state)
{
	assert_earlier_failure_is_told(*state, write_it);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_table),
		TEST(test_table_in_switch_mode),
		TEST(test_table_of_vms),
		TEST(test_table_of_vcpus),
		TEST(test_table_in_the_order_of_the_view),
		TEST(test_what_stands_above_tables),
		TEST(test_table_of_nothing),
		TEST(test_unknown_is_a_dash),
		TEST(test_no_wall_time),
		TEST(test_rounding),
		TEST(test_width_of_numbers),
		TEST(test_long_names),
		TEST(test_names_cannot_write_to_the_terminal),
		TEST(test_names_without_width),
		TEST(test_widths),
		TEST(test_two_vms_of_one_process),
		TEST(test_every_line_fits),
		TEST(test_full_device),
		TEST(test_stream_that_had_failed),
	};

	return cmocka_run_group_tests_name("render_table", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdbool.h>
#include <stdio.h>
#include "top/top_canvas.h"
#include "top_fixture.h"
#include "top/top_notes.h"
#include "top/top_page.h"
#include "text/utf8.h"

#define ROWS    40
#define COLUMNS 260

#define UNKNOWN METRIC_UNKNOWN

/* A canvas in memory. */
struct grid {
	struct top_canvas canvas;
	char cells[ROWS][COLUMNS][8]; /* "": covered by the wide glyph before it */
	enum top_style styles[ROWS][COLUMNS];
	bool overwritten; /* a cell was written twice */
	int cursor_row, cursor_column;
	char text[ROWS * COLUMNS * 4];
};

static void grid_put(struct top_canvas *canvas, int row, int column, enum top_style style,
		     const char *text)
{
	struct grid *grid = (struct grid *)canvas;

	assert_in_range(row, 0, canvas->row_cnt - 1);
	assert_true(column >= 0);
	while (*text) {
		struct utf8_glyph glyph = utf8__next_glyph(&text);

		if (column + glyph.width > canvas->column_cnt)
			return;
		if (!glyph.width)
			continue;
		grid->overwritten |= strcmp(grid->cells[row][column], " ") != 0;
		memcpy(grid->cells[row][column], glyph.bytes, glyph.len);
		grid->cells[row][column][glyph.len] = '\0';
		grid->styles[row][column] = style;
		if (glyph.width == 2)
			*grid->cells[row][column + 1] = '\0';
		column += glyph.width;
	}
}

static void grid_show_cursor(struct top_canvas *canvas, int row, int column)
{
	struct grid *grid = (struct grid *)canvas;

	assert_in_range(row, 0, canvas->row_cnt - 1);
	assert_in_range(column, 0, canvas->column_cnt - 1);
	grid->cursor_row = row;
	grid->cursor_column = column;
}

static struct grid grid; /* too large for a stack */
static struct top_notes notes;
static const char *message;
static const char *hook;
static size_t waiting_cnt;

static void draw(struct fixture *f, int column_cnt, int row_cnt)
{
	struct top_content content = {
		.report = &f->report,
		.notes = &notes,
		.message = message ? message : "",
		.hook = hook,
		.waiting_cnt = waiting_cnt,
	};

	grid.canvas = (struct top_canvas){ row_cnt, column_cnt, grid_put, grid_show_cursor };
	grid.overwritten = false;
	grid.cursor_row = -1;
	for (int i = 0; i < ROWS * COLUMNS; i++)
		strcpy(grid.cells[i / COLUMNS][i % COLUMNS], " ");
	top_page__draw(&f->state, &content, &grid.canvas);
}

/* Returns a line as drawn, without trailing blanks. */
static const char *line(int row)
{
	size_t len = 0;

	for (int i = 0; i < grid.canvas.column_cnt; i++)
		len += (size_t)sprintf(grid.text + len, "%s", grid.cells[row][i]);
	while (len && grid.text[len - 1] == ' ')
		len--;
	grid.text[len] = '\0';
	return grid.text;
}

/* Returns the column of the first such glyph in a line; -1 if there is none. */
static int column_of(int row, const char *glyph)
{
	for (int i = 0; i < grid.canvas.column_cnt; i++) {
		if (!strcmp(grid.cells[row][i], glyph))
			return i;
	}
	return -1;
}

static bool is_on_page(const char *text)
{
	for (int i = 0; i < grid.canvas.row_cnt; i++) {
		if (strstr(line(i), text))
			return true;
	}
	return false;
}

static void make_notes(struct fixture *f)
{
	struct health total = f->report.health;

	assert_int_equal(top_notes__make(&f->report, &f->state.view, &total, 1, &notes), 0);
}

static int setup_page(void **state)
{
	setenv("TZ", "UTC", 1);
	message = hook = NULL;
	waiting_cnt = 0;
	return setup(state);
}

static int teardown_page(void **state)
{
	top_notes__free(&notes);
	return teardown(state);
}

static void add_demo(struct fixture *f)
{
	add_vm(f, 1234, "demo");
	add_vcpu(f, halted_busy(980, 20));
	add_vcpu(f, halted_busy(0, 1000));
	add_vm_of(f, 5678, "other", 100, 500);
	update(f);
}

static void test_page(void **state)
{
	struct fixture *f = *state;
	static const char *const lines[] = {
		"gtimehalt  14:26:41  1.00 s  by idle  entry, kprobe",
		"3 vCPUs of 2 VMs: idle 1.5, busy 1.5, host 0.0, wait 0.0",
		"   # busy  = host  ? unknown  w wait  . halted  blank: blocked",
		"   VM/vCPU  PID/TID IDLE% HALTED% BUSY% HOST% WAIT% BLOCK% 0 %             100 %",
		">- other       5678  50.0    10.0  50.0   0.0   0.0   40.0 [##########.        ]",
		"     vCPU 0    5679  50.0    10.0  50.0   0.0   0.0   40.0 [##########.        ]",
		" + demo        1234  49.0    49.0  51.0   0.0   0.0    0.0 [##########.........]",
		"",
		"",
		"q quit  ? help  Enter unfold  s sort  / name  p pause  i interval  a all",
	};

	add_demo(f);
	press(f, TOP_KEY_RIGHT);
	hook = "kprobe";
	draw(f, 80, 10);
	for (int i = 0; i < 10; i++)
		assert_string_equal(line(i), lines[i]);
	assert_int_equal(grid.cursor_row, -1);
}

/*
 * The marks of a bar have the styles of their parts; the cursor's row and the sort column are
 * highlighted.
 */
static void test_styles(void **state)
{
	struct fixture *f = *state;

	add_demo(f);
	draw(f, 80, 10);
	assert_int_equal(grid.styles[5][60], TOP_STYLE_BUSY);
	assert_int_equal(grid.styles[5][78], TOP_STYLE_HALTED);
	assert_int_equal(grid.styles[4][3], TOP_STYLE_CURSOR);
	assert_int_equal(grid.styles[5][3], TOP_STYLE_PLAIN);
	assert_int_equal(grid.styles[3][20], TOP_STYLE_SORTED);
	assert_int_equal(grid.styles[3][3], TOP_STYLE_HEADING);
}

static void test_switch_mode(void **state)
{
	struct fixture *f = *state;
	struct metrics metrics = halted_busy(250, 500);

	metrics.value[METRIC_BUSY_NS] = metrics.value[METRIC_GUEST_NS] = UNKNOWN;
	metrics.value[METRIC_HOST_NS] = metrics.value[METRIC_ENTRY_CNT] = UNKNOWN;
	f->report.mode = MODE_SWITCH;
	add_vm(f, 1, "vm");
	add_vcpu(f, metrics);
	f->vms[0].metrics = metrics;
	update(f);
	draw(f, 80, 10);
	assert_string_equal(line(0), "gtimehalt  14:26:41  1.00 s  by idle  switch");
	assert_string_equal(line(2),
			    "   # busy or host  ? unknown  w wait  . halted  blank: blocked");
	assert_non_null(strstr(line(4), " 25.0    75.0   0.0   25.0 [############"));
}

static void test_unknown_is_a_dash(void **state)
{
	struct fixture *f = *state;

	add_vm(f, 7, "new");
	for (int i = 0; i < METRIC_CNT; i++)
		f->vms[0].metrics.value[i] = UNKNOWN;
	update(f);
	draw(f, 80, 10);
	assert_string_equal(
		line(4),
		">  new            7     -       -     -     -     -      - [                   ]");
}

static void test_wide_names_keep_the_columns(void **state)
{
	struct fixture *f = *state;

	add_vm_of(f, 1,
		  "\xe6\x95\xb0\xe6\x8d\xae\xe5\xba\x93\xe6\x95\xb0\xe6\x8d\xae\xe5\xba\x93"
		  "\xe6\x95\xb0\xe6\x8d\xae\xe5\xba\x93",
		  500, 500);
	add_vm_of(f, 2, "e\xcc\x81", 400, 600);
	update(f);
	draw(f, 80, 10);
	assert_string_equal(grid.cells[4][3], "\xe6\x95\xb0");
	assert_int_equal(column_of(4, "["), column_of(5, "["));
	assert_int_equal(column_of(4, "]"), 79);
	assert_int_equal(column_of(5, "]"), 79);
	assert_false(grid.overwritten);
}

/* Names are made printable before they reach the canvas. */
static void test_hostile_names(void **state)
{
	struct fixture *f = *state;

	add_vm_of(f, 1,
		  "a\x1b[2Jb\r\n\t\xc2\x9b"
		  "c\xff",
		  500, 500);
	update(f);
	draw(f, 200, 10);
	assert_non_null(strstr(line(4), " a?[2Jb????c? "));
}

static void test_two_vms_of_one_process(void **state)
{
	struct fixture *f = *state;

	add_vm_of(f, 1, "twin", 500, 500);
	add_vm_of(f, 1, "twin", 400, 500);
	f->vms[1].vm_id = 1;
	update(f);
	press(f, 'v');
	draw(f, 120, 10);
	assert_non_null(strstr(line(4), ">  twin#1/0 "));
	assert_non_null(strstr(line(5), "   twin#2/0 "));
}

/* A wide terminal has room for long names and for all columns. */
static void test_wide_terminal(void **state)
{
	struct fixture *f = *state;

	add_vm_of(f, 1, "a-name-that-is-as-long-as-forty-columns", 500, 500);
	update(f);
	draw(f, 200, 10);
	assert_true(is_on_page("a-name-that-is-as-long-as-forty-columns "));
	assert_true(is_on_page("ENTRIES/s"));
	assert_string_equal(grid.cells[4][199], "]");
}

static void test_narrow_terminal(void **state)
{
	struct fixture *f = *state;

	add_demo(f);
	draw(f, 20, 5);
	assert_string_equal(line(0), "14:26:41  1.00 s  by");
	assert_string_equal(line(1), "   VM/vCPU     IDLE%");
	assert_string_equal(line(2), ">+ other        50.0");
	assert_string_equal(line(3), " + demo         49.0");
	assert_string_equal(line(4), "q quit  ? help");
}

/* The sort column is always shown. */
static void test_narrow_terminal_keeps_the_order_visible(void **state)
{
	struct fixture *f = *state;

	add_demo(f);
	press(f, 'W');
	draw(f, 30, 5);
	assert_non_null(strstr(line(1), "WAIT%"));
	press(f, 'E');
	draw(f, 80, 5);
	assert_non_null(strstr(line(1), "ENTRIES/s"));
}

/*
 * Every size, on every page and with every prompt: nothing is drawn outside of the screen or twice
 * in one cell.
 */
static void test_every_size(void **state)
{
	struct fixture *f = *state;
	static const char *const keys[] = { "", "a", "v", "?", "n", "/x", "i9", "E", "P", "p" };

	for (int i = 0; i < 30; i++)
		add_vm_of(f, 4194304 - i, "some-name-that-is-rather-long", 500, 500);
	f->report.health.lost_window_cnt = 1;
	f->report.mperf_ratio = 0.9;
	update(f);
	make_notes(f);
	message = "gtimehalt: warning: something that is longer than a line of a narrow terminal";
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		press_all(f, keys[i]);
		for (int columns = 1; columns <= 230; columns++) {
			for (int rows = 1; rows <= 30; rows += rows < 10 ? 1 : 5) {
				draw(f, columns, rows);
				if (columns >= 20)
					assert_false(grid.overwritten);
			}
		}
		press(f, TOP_KEY_ESCAPE);
		press(f, TOP_KEY_ESCAPE);
	}
}

/* The cursor's row is visible, however small the page is. */
static void test_cursor_is_on_the_page(void **state)
{
	struct fixture *f = *state;
	static const int heights[] = { 1, 2, 3, 4, 5, 7, 8, 9, 24 };

	for (int i = 0; i < 50; i++)
		add_vm_of(f, 100 + i, "vm", (__u64)(500 - i), 0);
	update(f);
	draw(f, 80, 24);
	assert_true(is_on_page("  1-19 of 50"));
	for (int i = 0; i < 40; i++)
		press(f, 'j');
	for (size_t i = 0; i < sizeof(heights) / sizeof(heights[0]); i++) {
		draw(f, 80, heights[i]);
		assert_true(is_on_page(">+ vm"));
	}
	assert_true(is_on_page("  32-50 of 50"));
}

/* States */

static void test_before_the_first_report(void **state)
{
	struct fixture *f = *state;

	f->report.interval_ns = 0;
	f->state.interval_ns = S / 4;
	update(f);
	draw(f, 80, 9);
	assert_string_equal(line(0), "gtimehalt  0.250 s  by idle  entry");
	assert_string_equal(line(4), "   measuring");
}

static void test_nothing_to_show(void **state)
{
	struct fixture *f = *state;

	update(f);
	draw(f, 80, 9);
	assert_true(is_on_page("no VM is running"));
	add_demo(f);
	press_all(f, "/zzz");
	draw(f, 80, 9);
	assert_true(is_on_page("no VM has \"zzz\" in its name"));
}

static void test_pause(void **state)
{
	struct fixture *f = *state;

	add_demo(f);
	press(f, 'p');
	draw(f, 80, 9);
	assert_non_null(strstr(line(0), "14:26:41  PAUSED  1.00 s"));
	waiting_cnt = 3;
	draw(f, 80, 9);
	assert_non_null(strstr(line(0), "14:26:41  PAUSED, 3 newer  1.00 s"));
}

static void test_filter(void **state)
{
	struct fixture *f = *state;

	add_demo(f);
	press_all(f, "/dem");
	draw(f, 80, 9);
	assert_string_equal(line(8), "Name: dem");
	assert_int_equal(grid.cursor_row, 8);
	assert_int_equal(grid.cursor_column, 9);
	assert_non_null(strstr(line(0), "1.00 s  only \"dem\"  by idle"));
	assert_false(is_on_page("other"));
	/*
	 * If the end of the text does not fit, the terminal's cursor must still be on the screen.
	 */
	draw(f, 5, 5);
	assert_int_equal(grid.cursor_column, 4);
	press(f, TOP_KEY_ENTER);
	draw(f, 80, 9);
	assert_int_equal(grid.cursor_row, -1);
	assert_non_null(strstr(line(0), "only \"dem\""));
}

static void test_interval(void **state)
{
	struct fixture *f = *state;

	add_demo(f);
	press_all(f, "i0.x");
	draw(f, 80, 9);
	assert_string_equal(line(8), "Seconds: 0.x");
	press(f, TOP_KEY_ENTER);
	draw(f, 80, 9);
	assert_string_equal(line(8), "Seconds, 0.001 to 1000000: 0.x");
}

/* Notes */

static void test_notes(void **state)
{
	struct fixture *f = *state;

	add_demo(f);
	f->report.mperf_ratio = 0.97;
	make_notes(f);
	draw(f, 80, 24);
	assert_string_equal(line(22), "# MPERF counts at 0.97 times the rate of TSC");
	assert_int_equal(grid.styles[22][0], TOP_STYLE_WARNING);
	message = "gtimehalt: it rains";
	draw(f, 80, 24);
	assert_string_equal(line(21), "gtimehalt: it rains");
	assert_string_equal(line(22), "# MPERF counts at 0.97 times the rate of TSC");
}

/* Notes that do not fit are counted; a key shows all of them. */
static void test_notes_without_room(void **state)
{
	struct fixture *f = *state;

	add_demo(f);
	f->report.mperf_ratio = 0.97;
	f->report.health = (struct health){ 1, 2, 3, 0, 0 };
	f->vcpus[0].metrics.value[METRIC_CLAMPED_NS] = S / 2;
	make_notes(f);
	/* The table has two rows, and all notes fit; with one line less, some do not. */
	draw(f, 80, 13);
	assert_string_equal(line(7), "# windows lost, their time is missing: 1");
	assert_string_equal(line(11), "# MPERF counts at 0.97 times the rate of TSC");
	draw(f, 80, 12);
	assert_string_equal(line(7), "# windows lost, their time is missing: 1");
	assert_string_equal(line(9), "# windows of vCPUs for which there was no room: 3");
	assert_string_equal(line(10), "# 2 more: n shows all");
	draw(f, 80, 9);
	assert_string_equal(line(7), "# 5 more: n shows all");
	for (int i = 0; i < 20; i++)
		add_vm_of(f, 6000 + i, "another", 1, 1);
	update(f);
	draw(f, 80, 24);
	assert_string_equal(line(22), "# 2 more: n shows all");
	draw(f, 80, 9);
	assert_string_equal(line(7), "# 5 more: n shows all");
	draw(f, 80, 5);
	assert_non_null(strstr(line(4), "n: 5 notes  q quit"));
	press(f, 'n');
	draw(f, 80, 9);
	assert_string_equal(line(0), "# windows lost, their time is missing: 1");
	assert_string_equal(line(4), "# MPERF counts at 0.97 times the rate of TSC");
	/* On a narrow terminal, notes are wrapped, not cut. */
	draw(f, 30, 9);
	assert_string_equal(line(0), "# windows lost, their time is");
	assert_string_equal(line(1), "missing: 1");
	/* The page of notes can be scrolled. */
	press(f, TOP_KEY_END);
	draw(f, 30, 9);
	assert_string_equal(line(7), "he rate of TSC");
}

/* Failures of earlier intervals are still shown. */
static void test_notes_of_the_past(void **state)
{
	struct fixture *f = *state;
	struct health total = { .lost_window_cnt = 41, .map_full_cnt = 2 };

	add_demo(f);
	f->report.health.map_full_cnt = 2;
	assert_int_equal(top_notes__make(&f->report, &f->state.view, &total, 9, &notes), 0);
	assert_int_equal(notes.line_cnt, 2);
	assert_string_equal(notes.lines[0], "# windows of vCPUs for which there was no room: 2");
	assert_string_equal(notes.lines[1],
			    "# windows lost, their time is missing: 41 in all 9 intervals");
}

static void test_nothing_to_note(void **state)
{
	struct fixture *f = *state;

	add_demo(f);
	make_notes(f);
	press(f, 'n');
	draw(f, 80, 9);
	assert_string_equal(line(0), "There are no notes.");
}

static void test_help(void **state)
{
	struct fixture *f = *state;

	add_demo(f);
	press(f, '?');
	draw(f, 80, 24);
	assert_true(is_on_page("s S "));
	assert_true(is_on_page("  q       ")); /* the last line, so that all of it fits */
	assert_string_equal(line(23), "any other key: back  Up Down: scroll");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_page, teardown_page)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_page),
		TEST(test_styles),
		TEST(test_switch_mode),
		TEST(test_unknown_is_a_dash),
		TEST(test_wide_names_keep_the_columns),
		TEST(test_hostile_names),
		TEST(test_two_vms_of_one_process),
		TEST(test_wide_terminal),
		TEST(test_narrow_terminal),
		TEST(test_narrow_terminal_keeps_the_order_visible),
		TEST(test_every_size),
		TEST(test_cursor_is_on_the_page),
		TEST(test_before_the_first_report),
		TEST(test_nothing_to_show),
		TEST(test_pause),
		TEST(test_filter),
		TEST(test_interval),
		TEST(test_notes),
		TEST(test_notes_without_room),
		TEST(test_notes_of_the_past),
		TEST(test_nothing_to_note),
		TEST(test_help),
	};

	return cmocka_run_group_tests_name("top_page", tests, NULL, NULL);
}

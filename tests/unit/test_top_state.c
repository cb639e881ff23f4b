// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdio.h>
#include "top_fixture.h"

/*
 * Returns the rows in short form, such as "a b1 b2 >c": names of VMs, for vCPUs followed by their
 * number; > is the cursor.
 */
static const char *rows(struct fixture *f)
{
	static char text[1024];
	size_t len = 0;

	*text = '\0';
	for (size_t i = 0; i < f->state.view.row_cnt; i++) {
		const struct view_row *row = &f->state.view.rows[i];

		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s%s", i ? " " : "",
					i == f->state.cursor ? ">" : "", row->vm->name);
		if (row->vcpu)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%u",
						row->vcpu->vcpu_id);
	}
	return text;
}

/* a: halted 10 %, busy 90 %; b: halted 50 %, busy 40 %; c: halted 90 %, busy 0 %. */
static void add_three(struct fixture *f)
{
	add_vm_of(f, 100, "a", 100, 900);
	add_vm(f, 200, "b");
	add_vcpu(f, halted_busy(200, 700));
	add_vcpu(f, halted_busy(800, 100));
	add_vm_of(f, 300, "c", 900, 0);
	update(f);
}

static void test_starts_with_vms_by_halted(void **state)
{
	struct fixture *f = *state;

	add_three(f);
	assert_string_equal(rows(f), ">c b a");
}

static void test_starts_as_asked_for(void **state)
{
	struct fixture *f = *state;
	struct top_state_opts opts = {
		.view = { .level = VIEW_VCPUS, .sorted = true, .sort = COLUMN_BUSY, .row_max = 3 },
		.interval_ns = 5 * S,
	};

	top_state__init(&f->state, &opts);
	add_three(f);
	assert_string_equal(rows(f), ">a0 b0 b1");
	assert_int_equal(f->state.view.left_out_cnt, 1);
	assert_int_equal(f->state.interval_ns, 5 * S);
}

static void test_sort_by_key(void **state)
{
	struct fixture *f = *state;

	add_three(f);
	press(f, 'B');
	assert_string_equal(rows(f), ">a b c");
	press(f, 'K'); /* b and c: 10 % */
	assert_string_equal(rows(f), ">b c a");
	press(f, 'H');
	assert_string_equal(rows(f), ">c b a");
	press(f, 'P');
	assert_string_equal(rows(f), ">a b c");
	assert_false(f->state.sorted);
}

/*
 * Through all columns and back. LOADED is not offered, because the table does not show it in this
 * mode.
 */
static void test_sort_by_neighbour(void **state)
{
	struct fixture *f = *state;
	static const int order[] = { COLUMN_HALTED,  COLUMN_BUSY,    COLUMN_HOST, COLUMN_WAIT,
				     COLUMN_BLOCKED, COLUMN_ENTRIES, -1,          COLUMN_IDLE };
	const size_t cnt = sizeof(order) / sizeof(order[0]);

	add_three(f);
	for (size_t i = 0; i < cnt; i++) {
		press(f, 's');
		assert_int_equal(f->state.sorted, order[i] >= 0);
		if (order[i] >= 0)
			assert_int_equal(f->state.sort, order[i]);
	}
	for (size_t i = cnt - 1; i-- > 0;) {
		press(f, 'S');
		assert_int_equal(f->state.sorted, order[i] >= 0);
		if (order[i] >= 0)
			assert_int_equal(f->state.sort, order[i]);
	}
}

static void test_sort_by_what_the_mode_has(void **state)
{
	struct fixture *f = *state;

	f->report.mode = MODE_SWITCH;
	add_three(f);
	press(f, 'B');
	assert_int_equal(f->state.sort, COLUMN_IDLE);
	press(f, 'H');
	press(f, 's');
	assert_int_equal(f->state.sort, COLUMN_LOADED);
	press(f, 's');
	assert_int_equal(f->state.sort, COLUMN_WAIT);
	press_all(f, "SSSSS");
	assert_int_equal(f->state.sort, COLUMN_BLOCKED);
	press(f, 'L');
	assert_int_equal(f->state.sort, COLUMN_LOADED);
}

/* A later report may have another mode, which does not have the sort column. */
static void test_sort_column_that_the_mode_lost(void **state)
{
	struct fixture *f = *state;

	add_three(f);
	press(f, 'B');
	f->report.mode = MODE_SWITCH;
	update(f);
	press(f, 's');
	assert_int_equal(f->state.sort, COLUMN_WAIT);
}

/* Folds */

static void test_unfold_and_fold(void **state)
{
	struct fixture *f = *state;

	add_three(f);
	press(f, TOP_KEY_DOWN);
	press(f, TOP_KEY_ENTER);
	assert_string_equal(rows(f), "c >b b1 b0 a");
	press(f, TOP_KEY_ENTER);
	assert_string_equal(rows(f), "c >b a");
	press(f, TOP_KEY_RIGHT);
	press(f, TOP_KEY_RIGHT);
	assert_string_equal(rows(f), "c >b b1 b0 a");
	press(f, TOP_KEY_LEFT);
	press(f, TOP_KEY_LEFT);
	assert_string_equal(rows(f), "c >b a");
}

static void test_fold_from_a_vcpu(void **state)
{
	struct fixture *f = *state;

	add_three(f);
	press(f, 'j');
	press(f, TOP_KEY_ENTER);
	press_all(f, "jj");
	assert_string_equal(rows(f), "c b b1 >b0 a");
	press(f, TOP_KEY_LEFT);
	assert_string_equal(rows(f), "c >b a");
}

static void test_unfold_all(void **state)
{
	struct fixture *f = *state;

	add_three(f);
	press(f, 'a');
	assert_string_equal(rows(f), ">c c0 b b1 b0 a a0");
	press(f, TOP_KEY_ENTER);
	assert_string_equal(rows(f), ">c b b1 b0 a a0");
	press(f, 'a');
	assert_string_equal(rows(f), ">c b a");
}

static void test_fold_goes_with_its_vm(void **state)
{
	struct fixture *f = *state;

	add_three(f);
	press(f, TOP_KEY_ENTER);
	assert_string_equal(rows(f), ">c c0 b a");
	clear_report(f);
	update(f);
	assert_string_equal(rows(f), "");
	add_three(f);
	assert_string_equal(rows(f), ">c b a");
}

static void test_two_vms_of_one_process_fold_apart(void **state)
{
	struct fixture *f = *state;

	add_vm_of(f, 100, "x", 900, 0);
	add_vm_of(f, 100, "y", 800, 0);
	f->vms[1].vm_id = 7;
	update(f);
	press(f, TOP_KEY_ENTER);
	assert_string_equal(rows(f), ">x x0 y");
}

static void test_one_list_of_vcpus(void **state)
{
	struct fixture *f = *state;

	add_three(f);
	press(f, 'v');
	assert_string_equal(rows(f), ">c0 b1 b0 a0");
	press(f, TOP_KEY_ENTER); /* a vCPU has nothing to unfold */
	assert_string_equal(rows(f), ">c0 b1 b0 a0");
	press(f, 'v');
	assert_string_equal(rows(f), ">c b a");
}

/* The cursor */

static void test_cursor_stays_in_the_rows(void **state)
{
	struct fixture *f = *state;

	press(f, TOP_KEY_DOWN);
	press(f, TOP_KEY_ENTER);
	assert_int_equal(f->state.cursor, 0);
	add_three(f);
	press(f, TOP_KEY_UP);
	assert_string_equal(rows(f), ">c b a");
	press(f, TOP_KEY_END);
	press(f, TOP_KEY_DOWN);
	assert_string_equal(rows(f), "c b >a");
	press(f, TOP_KEY_HOME);
	assert_string_equal(rows(f), ">c b a");
}

static void test_cursor_goes_with_its_row(void **state)
{
	struct fixture *f = *state;

	add_three(f);
	press(f, 'j');
	press(f, TOP_KEY_RIGHT);
	press(f, 'j');
	assert_string_equal(rows(f), "c b >b1 b0 a");
	press(f, 'B');
	assert_string_equal(rows(f), "a b b0 >b1 c");
}

/* In the first row, the cursor stays in the first row; otherwise it follows its VM or vCPU. */
static void test_cursor_on_top_stays_there(void **state)
{
	struct fixture *f = *state;

	add_three(f);
	press(f, 'B');
	assert_string_equal(rows(f), ">a b c");
	press_all(f, "jk");
	press(f, 'H');
	assert_string_equal(rows(f), ">c b a");
}

static void test_cursor_on_a_row_that_goes(void **state)
{
	struct fixture *f = *state;

	add_three(f);
	press(f, 'G');
	assert_string_equal(rows(f), "c b >a");
	clear_report(f);
	add_vm_of(f, 300, "c", 900, 0);
	update(f);
	assert_string_equal(rows(f), ">c");
	clear_report(f);
	update(f);
	assert_int_equal(f->state.cursor, 0);
}

static void test_scrolling(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 20; i++)
		add_vm_of(f, 100 + i, "vm", (__u64)(100 - i), 0);
	update(f);
	top_state__fit(&f->state, 5);
	assert_int_equal(f->state.row_first, 0);
	press(f, TOP_KEY_PAGE_DOWN);
	assert_int_equal(f->state.cursor, 5);
	assert_int_equal(f->state.row_first, 1);
	press(f, TOP_KEY_END);
	assert_int_equal(f->state.row_first, 15);
	press(f, TOP_KEY_PAGE_UP);
	assert_int_equal(f->state.cursor, 14);
	assert_int_equal(f->state.row_first, 14);
	/* When the screen grows, rows from above fill it. */
	top_state__fit(&f->state, 12);
	assert_int_equal(f->state.row_first, 8);
	top_state__fit(&f->state, 100);
	assert_int_equal(f->state.row_first, 0);
	top_state__fit(&f->state, 0);
	assert_int_equal(f->state.row_first, 14);
}

/* Filter */

static void test_filter_as_it_is_typed(void **state)
{
	struct fixture *f = *state;

	add_vm_of(f, 100, "web-1", 900, 0);
	add_vm_of(f, 200, "WEB-2", 800, 0);
	add_vm_of(f, 300, "db", 700, 0);
	update(f);
	press(f, '/');
	assert_string_equal(rows(f), ">web-1 WEB-2 db");
	press_all(f, "web");
	assert_string_equal(rows(f), ">web-1 WEB-2");
	press_all(f, "-2");
	assert_string_equal(rows(f), ">WEB-2");
	press(f, TOP_KEY_BACKSPACE);
	assert_string_equal(rows(f), ">web-1 WEB-2");
	press(f, TOP_KEY_ENTER);
	assert_int_equal(f->state.prompt, TOP_PROMPT_NONE);
	assert_string_equal(rows(f), ">web-1 WEB-2");
	press(f, 'j');
	assert_string_equal(rows(f), "web-1 >WEB-2");
	press(f, TOP_KEY_ESCAPE);
	assert_string_equal(rows(f), "web-1 >WEB-2 db");
}

/* Escape restores the earlier filter. */
static void test_filter_given_up(void **state)
{
	struct fixture *f = *state;

	add_three(f);
	press_all(f, "/a\n/");
	press(f, TOP_KEY_KILL);
	press(f, 'b');
	assert_string_equal(rows(f), ">b");
	press(f, TOP_KEY_ESCAPE);
	assert_string_equal(rows(f), ">a");
	assert_string_equal(top_state__filter(&f->state), "a");
}

/* While a filter is typed, keys that are commands elsewhere are letters. */
static void test_filter_takes_every_letter(void **state)
{
	struct fixture *f = *state;

	add_three(f);
	press_all(f, "/qpH?");
	assert_string_equal(f->state.typed, "qpH?");
	assert_int_equal(f->event, TOP_GO_ON);
	assert_false(f->state.paused);
	assert_string_equal(rows(f), "");
}

static void test_filter_in_utf8(void **state)
{
	struct fixture *f = *state;

	add_vm_of(f, 100, "b\xc3\xbc\xe6\x95\xb0\xf0\x9f\x98\x80", 900, 0);
	add_vm_of(f, 200, "b\xc3\xb6", 900, 0);
	update(f);
	press(f, '/');
	press(f, 0xfc);
	press(f, 0x6570);
	press(f, 0x1f600);
	assert_string_equal(f->state.typed, "\xc3\xbc\xe6\x95\xb0\xf0\x9f\x98\x80");
	assert_int_equal(f->state.view.row_cnt, 1);
	press(f, TOP_KEY_BACKSPACE);
	assert_string_equal(f->state.typed, "\xc3\xbc\xe6\x95\xb0");
	press(f, TOP_KEY_BACKSPACE);
	press(f, TOP_KEY_BACKSPACE);
	press(f, TOP_KEY_BACKSPACE);
	assert_string_equal(f->state.typed, "");
}

/* Control characters, half of a surrogate pair, and keys that are not characters are refused. */
static void test_filter_refuses_what_is_no_text(void **state)
{
	struct fixture *f = *state;
	static const __u32 keys[] = { 0, 1, 0x9b, 0xd800, 0x202e, TOP_KEY_UP, TOP_KEY_HELP };

	press(f, '/');
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		press(f, keys[i]);
	assert_string_equal(f->state.typed, "");
	press(f, '?');
	assert_string_equal(f->state.typed, "?");
}

static void test_filter_that_is_too_long(void **state)
{
	struct fixture *f = *state;

	press(f, '/');
	for (int i = 0; i < 2 * TOP_TEXT_SIZE; i++)
		press(f, i == TOP_TEXT_SIZE - 2 ? 0xfc : 'x');
	assert_int_equal(strlen(f->state.typed), TOP_TEXT_SIZE - 1);
	assert_null(strchr(f->state.typed, 0xc3));
	press(f, TOP_KEY_ENTER);
	assert_int_equal(strlen(f->state.filter), TOP_TEXT_SIZE - 1);
}

/* The limit of -r applies to the rows that the filter lets through. */
static void test_filter_before_the_limit(void **state)
{
	struct fixture *f = *state;

	f->state.row_max = 1;
	add_three(f);
	assert_string_equal(rows(f), ">c");
	assert_int_equal(f->state.view.left_out_cnt, 2);
	press_all(f, "/a\n");
	assert_string_equal(rows(f), ">a");
	assert_int_equal(f->state.view.left_out_cnt, 2);
	press(f, TOP_KEY_ENTER);
	assert_string_equal(rows(f), ">a a0");
}

/* The interval */

static void test_interval(void **state)
{
	struct fixture *f = *state;

	press_all(f, "i0.5");
	assert_int_equal(f->event, TOP_GO_ON);
	assert_int_equal(f->state.interval_ns, S);
	press(f, TOP_KEY_ENTER);
	assert_int_equal(f->event, TOP_INTERVAL);
	assert_int_equal(f->state.interval_ns, S / 2);
	assert_int_equal(f->state.prompt, TOP_PROMPT_NONE);
	/* The same interval again: nothing has to be done. */
	press_all(f, "i0.5\n");
	assert_int_equal(f->event, TOP_GO_ON);
	press_all(f, "i\n");
	assert_int_equal(f->event, TOP_GO_ON);
	assert_int_equal(f->state.prompt, TOP_PROMPT_NONE);
	press_all(f, "i7\x1b");
	assert_int_equal(f->state.interval_ns, S / 2);
}

static void test_interval_that_is_none(void **state)
{
	struct fixture *f = *state;
	static const char *const words[] = { "0", "0.0009", "1000000.1", "x", "-1", "1e3", "1 " };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		press(f, 'i');
		press_all(f, words[i]);
		press(f, TOP_KEY_ENTER);
		assert_int_equal(f->event, TOP_GO_ON);
		assert_true(f->state.typed_is_wrong);
		assert_int_equal(f->state.prompt, TOP_PROMPT_INTERVAL);
		assert_string_equal(f->state.typed, words[i]);
		press(f, TOP_KEY_BACKSPACE);
		assert_false(f->state.typed_is_wrong);
		press(f, TOP_KEY_ESCAPE);
		assert_int_equal(f->state.interval_ns, S);
	}
	press_all(f, "i0.001\n");
	assert_int_equal(f->state.interval_ns, S / 1000);
	press_all(f, "i1000000\n");
	assert_int_equal(f->state.interval_ns, 1000000 * S);
}

/* Pages, pause, the end */

static void test_pause(void **state)
{
	struct fixture *f = *state;

	press(f, 'p');
	assert_true(f->state.paused);
	press(f, ' ');
	assert_false(f->state.paused);
}

static void test_quit(void **state)
{
	struct fixture *f = *state;

	press(f, 'x');
	assert_int_equal(f->event, TOP_GO_ON);
	press(f, 'q');
	assert_int_equal(f->event, TOP_QUIT);
}

static void test_pages_open_and_close(void **state)
{
	struct fixture *f = *state;
	static const struct {
		__u32 key;
		enum top_page page;
	} cases[] = {
		{ '?', TOP_PAGE_HELP },
		{ 'h', TOP_PAGE_HELP },
		{ TOP_KEY_HELP, TOP_PAGE_HELP },
		{ 'n', TOP_PAGE_NOTES },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		press(f, cases[i].key);
		assert_int_equal(f->state.page, cases[i].page);
		/* q closes the page, but does not quit the program. */
		press(f, 'q');
		assert_int_equal(f->event, TOP_GO_ON);
		assert_int_equal(f->state.page, TOP_PAGE_ROWS);
	}
}

static void test_pages_scroll(void **state)
{
	struct fixture *f = *state;

	press(f, '?');
	top_state__fit_page(&f->state, 20, 8);
	press(f, TOP_KEY_DOWN);
	assert_int_equal(f->state.page_first, 1);
	press(f, TOP_KEY_END);
	top_state__fit_page(&f->state, 20, 8);
	assert_int_equal(f->state.page_first, 12);
	press(f, TOP_KEY_UP);
	assert_int_equal(f->state.page_first, 11);
	press(f, TOP_KEY_PAGE_UP);
	assert_int_equal(f->state.page_first, 3);
	top_state__fit_page(&f->state, 5, 8);
	assert_int_equal(f->state.page_first, 0);
	press(f, TOP_KEY_ESCAPE);
	press(f, '?');
	assert_int_equal(f->state.page_first, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_starts_with_vms_by_halted),
		TEST(test_starts_as_asked_for),
		TEST(test_sort_by_key),
		TEST(test_sort_by_neighbour),
		TEST(test_sort_by_what_the_mode_has),
		TEST(test_sort_column_that_the_mode_lost),
		TEST(test_unfold_and_fold),
		TEST(test_fold_from_a_vcpu),
		TEST(test_unfold_all),
		TEST(test_fold_goes_with_its_vm),
		TEST(test_two_vms_of_one_process_fold_apart),
		TEST(test_one_list_of_vcpus),
		TEST(test_cursor_stays_in_the_rows),
		TEST(test_cursor_goes_with_its_row),
		TEST(test_cursor_on_top_stays_there),
		TEST(test_cursor_on_a_row_that_goes),
		TEST(test_scrolling),
		TEST(test_filter_as_it_is_typed),
		TEST(test_filter_given_up),
		TEST(test_filter_takes_every_letter),
		TEST(test_filter_in_utf8),
		TEST(test_filter_refuses_what_is_no_text),
		TEST(test_filter_that_is_too_long),
		TEST(test_filter_before_the_limit),
		TEST(test_interval),
		TEST(test_interval_that_is_none),
		TEST(test_pause),
		TEST(test_quit),
		TEST(test_pages_open_and_close),
		TEST(test_pages_scroll),
	};

	return cmocka_run_group_tests_name("top_state", tests, NULL, NULL);
}

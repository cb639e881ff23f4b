// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The actions of all keys: top_state__key().
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "report/columns.h"
#include "base/number.h"
#include "top/top_state.h"
#include "text/utf8.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* The limits of INTERVAL on the command line. */
#define INTERVAL_MIN_NS 1000000ULL
#define INTERVAL_MAX_NS (1000000 * 1000000000ULL)

/* The cursor */

static const struct view_row *row_under_cursor(const struct top_state *state)
{
	return state->cursor < state->view.row_cnt ? &state->view.rows[state->cursor] : NULL;
}

static void hold_cursor(struct top_state *state)
{
	const struct view_row *row = row_under_cursor(state);

	state->cursor_held = row;
	if (row)
		state->under = (struct top_row_id){ row->vm->pid, row->vm->vm_id,
						    row->vcpu ? row->vcpu->tid : 0 };
}

/*
 * Returns the number of lines by which a key moves, and the direction. Returns
 * false for other keys.
 */
static bool find_move(const struct top_state *state, __u32 key, bool *up, size_t *cnt)
{
	const struct {
		__u32 key;
		bool up;
		size_t cnt;
	} moves[] = {
		{ TOP_KEY_UP, true, 1 },
		{ 'k', true, 1 },
		{ TOP_KEY_DOWN, false, 1 },
		{ 'j', false, 1 },
		{ TOP_KEY_PAGE_UP, true, state->height },
		{ TOP_KEY_PAGE_DOWN, false, state->height },
		{ TOP_KEY_HOME, true, SIZE_MAX },
		{ 'g', true, SIZE_MAX },
		{ TOP_KEY_END, false, SIZE_MAX },
		{ 'G', false, SIZE_MAX },
	};

	for (size_t i = 0; i < ARRAY_SIZE(moves); i++) {
		if (moves[i].key != key)
			continue;
		*up = moves[i].up;
		*cnt = moves[i].cnt;
		return true;
	}
	return false;
}

static size_t moved(size_t from, bool up, size_t cnt, size_t last)
{
	if (up)
		return from > cnt ? from - cnt : 0;
	return last - from > cnt ? from + cnt : last;
}

static void move_cursor(struct top_state *state, bool up, size_t cnt)
{
	size_t row_cnt = state->view.row_cnt;

	if (!row_cnt)
		return;
	state->cursor = moved(state->cursor, up, cnt, row_cnt - 1);
	hold_cursor(state);
	/*
	 * Release the cursor at the top, so that it stays on the first row while
	 * rows change places.
	 */
	if (!state->cursor)
		state->cursor_held = false;
}

/* Folds */

static void drop_fold(struct top_state *state, size_t i)
{
	state->fold_else[i] = state->fold_else[--state->fold_else_cnt];
}

static int add_fold(struct top_state *state, const struct vm_report *vm)
{
	struct top_row_id *ids = state->fold_else;
	size_t room = state->fold_else_room;

	if (state->fold_else_cnt == room) {
		room = 2 * room + 8;
		ids = reallocarray(ids, room, sizeof(*ids));
		if (!ids)
			return -ENOMEM;
		state->fold_else = ids;
		state->fold_else_room = room;
	}
	ids[state->fold_else_cnt++] = (struct top_row_id){ .pid = vm->pid, .vm_id = vm->vm_id };
	return 0;
}

static int toggle_fold(struct top_state *state)
{
	const struct view_row *row = row_under_cursor(state);

	if (!row || state->by_vcpu)
		return 0;
	hold_cursor(state);
	for (size_t i = 0; i < state->fold_else_cnt; i++) {
		if (state->fold_else[i].pid != row->vm->pid ||
		    state->fold_else[i].vm_id != row->vm->vm_id)
			continue;
		drop_fold(state, i);
		return 0;
	}
	return add_fold(state, row->vm);
}

static int set_fold(struct top_state *state, bool unfolded)
{
	const struct view_row *row = row_under_cursor(state);

	if (!row || top_state__is_unfolded(state, row->vm) == unfolded)
		return 0;
	return toggle_fold(state);
}

/* Sorting */

/* COLUMN_CNT: no column, the order of the report. */
static const struct {
	__u32 key;
	int column;
} sort_keys[] = {
	{ 'I', COLUMN_IDLE },    { 'H', COLUMN_HALTED },  { 'L', COLUMN_LOADED },
	{ 'B', COLUMN_BUSY },    { 'O', COLUMN_HOST },    { 'W', COLUMN_WAIT },
	{ 'K', COLUMN_BLOCKED }, { 'E', COLUMN_ENTRIES }, { 'P', COLUMN_CNT },
};

static bool is_offered(const struct top_state *state, size_t i)
{
	return sort_keys[i].column == COLUMN_CNT ||
	       column_defs[sort_keys[i].column].modes & 1U << state->mode;
}

static void sort_by(struct top_state *state, size_t i)
{
	state->sorted = sort_keys[i].column != COLUMN_CNT;
	if (state->sorted)
		state->sort = sort_keys[i].column;
}

static bool sort_by_key(struct top_state *state, __u32 key)
{
	for (size_t i = 0; i < ARRAY_SIZE(sort_keys); i++) {
		if (sort_keys[i].key != key || !is_offered(state, i))
			continue;
		sort_by(state, i);
		return true;
	}
	return false;
}

static void sort_by_neighbour(struct top_state *state, size_t step)
{
	int column = state->sorted ? (int)state->sort : COLUMN_CNT;
	size_t i = 0;

	while (sort_keys[i].column != column)
		i++;
	do {
		i = (i + step) % ARRAY_SIZE(sort_keys);
	} while (!is_offered(state, i));
	sort_by(state, i);
}

/* Prompts */

static void open_prompt(struct top_state *state, enum top_prompt prompt)
{
	state->prompt = prompt;
	state->typed_is_wrong = false;
	*state->typed = '\0';
	if (prompt == TOP_PROMPT_FILTER)
		memcpy(state->typed, state->filter, sizeof(state->typed));
}

#define UTF8_SIZE sizeof("\xf4\x8f\xbf\xbf")

static void encode(__u32 code, char bytes[static UTF8_SIZE])
{
	static const __u8 heads[] = { 0x00, 0xc0, 0xe0, 0xf0 };
	size_t tail_cnt = (code > 0x7f) + (code > 0x7ff) + (code > 0xffff);

	bytes[tail_cnt + 1] = '\0';
	for (size_t i = tail_cnt; i; i--, code >>= 6)
		bytes[i] = (char)(0x80 | (code & 0x3f));
	bytes[0] = (char)(heads[tail_cnt] | code);
}

static void type(struct top_state *state, __u32 code)
{
	size_t len = strlen(state->typed);
	char bytes[UTF8_SIZE];
	const char *rest = bytes;

	encode(code, bytes);
	/* Ignore characters that would be displayed as something else. */
	if (utf8__next_glyph(&rest).bytes != bytes || len + strlen(bytes) >= sizeof(state->typed))
		return;
	memcpy(state->typed + len, bytes, strlen(bytes) + 1);
}

static void erase_last(struct top_state *state)
{
	size_t len = strlen(state->typed);

	while (len && (state->typed[--len] & 0xc0) == 0x80)
		;
	state->typed[len] = '\0';
}

static enum top_event accept_interval(struct top_state *state)
{
	__u64 interval_ns;

	if (*state->typed && (number__parse_seconds(state->typed, INTERVAL_MAX_NS, &interval_ns) ||
			      interval_ns < INTERVAL_MIN_NS)) {
		state->typed_is_wrong = true;
		return TOP_GO_ON;
	}
	state->prompt = TOP_PROMPT_NONE;
	if (!*state->typed || interval_ns == state->interval_ns)
		return TOP_GO_ON;
	state->interval_ns = interval_ns;
	return TOP_INTERVAL;
}

static enum top_event key_at_prompt(struct top_state *state, __u32 key)
{
	state->typed_is_wrong = false;
	switch (key) {
	case TOP_KEY_ESCAPE:
		state->prompt = TOP_PROMPT_NONE;
		break;
	case TOP_KEY_BACKSPACE:
		erase_last(state);
		break;
	case TOP_KEY_KILL:
		*state->typed = '\0';
		break;
	case TOP_KEY_ENTER:
		if (state->prompt == TOP_PROMPT_INTERVAL)
			return accept_interval(state);
		state->prompt = TOP_PROMPT_NONE;
		memcpy(state->filter, state->typed, sizeof(state->filter));
		break;
	default:
		if (key < TOP_KEY_NONE)
			type(state, key);
	}
	return TOP_GO_ON;
}

/* Pages */

static void open_page(struct top_state *state, enum top_page page)
{
	state->page = page;
	state->page_first = 0;
}

/* Help and notes scroll; any other key closes them. */
static void key_at_page(struct top_state *state, __u32 key)
{
	bool up;
	size_t cnt;

	if (!find_move(state, key, &up, &cnt))
		state->page = TOP_PAGE_ROWS;
	else
		state->page_first = moved(state->page_first, up, cnt, SIZE_MAX);
}

static int key_at_rows(struct top_state *state, __u32 key)
{
	bool up;
	size_t cnt;

	if (find_move(state, key, &up, &cnt)) {
		move_cursor(state, up, cnt);
		return 0;
	}
	if (sort_by_key(state, key))
		return 0;
	switch (key) {
	case TOP_KEY_ENTER:
	case '\t':
		return toggle_fold(state);
	case TOP_KEY_RIGHT:
	case TOP_KEY_LEFT:
		return set_fold(state, key == TOP_KEY_RIGHT);
	case 'a':
		state->unfolded = !state->unfolded;
		state->fold_else_cnt = 0;
		break;
	case 'v':
		state->by_vcpu = !state->by_vcpu;
		break;
	case 's':
	case 'S':
		sort_by_neighbour(state, key == 's' ? 1 : ARRAY_SIZE(sort_keys) - 1);
		break;
	case 'p':
	case ' ':
		state->paused = !state->paused;
		break;
	case '/':
		open_prompt(state, TOP_PROMPT_FILTER);
		break;
	case 'i':
		open_prompt(state, TOP_PROMPT_INTERVAL);
		break;
	case TOP_KEY_ESCAPE:
		*state->filter = '\0';
		break;
	case 'n':
		open_page(state, TOP_PAGE_NOTES);
		break;
	case '?':
	case 'h':
	case TOP_KEY_HELP:
		open_page(state, TOP_PAGE_HELP);
		break;
	default:
		break;
	}
	return 0;
}

int top_state__key(struct top_state *state, __u32 key, enum top_event *event)
{
	*event = TOP_GO_ON;
	if (state->prompt != TOP_PROMPT_NONE) {
		*event = key_at_prompt(state, key);
	} else if (key == 'q' && state->page == TOP_PAGE_ROWS) {
		*event = TOP_QUIT;
	} else if (state->page != TOP_PAGE_ROWS) {
		key_at_page(state, key);
	} else {
		return key_at_rows(state, key);
	}
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <string.h>
#include "fuzz.h"
#include "report/account.h"
#include "screen.h"
#include "shown.h"
#include "top/top_notes.h"
#include "top/top_page.h"
#include "top/top_state.h"

/*
 * Control characters in the text are allowed, because a canvas does not print them; only their
 * width is used.
 */
static void put(struct top_canvas *canvas, int row, int column, enum top_style style,
		const char *text)
{
	FUZZ_ASSERT(row >= 0 && row < canvas->row_cnt && column >= 0);
	FUZZ_ASSERT(style < TOP_STYLE_CNT);
	while (*text)
		shown__width(&text);
}

static void show_cursor(struct top_canvas *canvas, int row, int column)
{
	FUZZ_ASSERT(row >= 0 && row < canvas->row_cnt);
	FUZZ_ASSERT(column >= 0 && column < canvas->column_cnt);
}

static void check_state(const struct top_state *state)
{
	const struct view *view = &state->view;

	FUZZ_ASSERT(state->height >= 1);
	FUZZ_ASSERT(view->row_cnt ? state->cursor < view->row_cnt : !state->cursor);
	FUZZ_ASSERT(!view->row_cnt || state->row_first < view->row_cnt);
	FUZZ_ASSERT(strnlen(state->typed, sizeof(state->typed)) < sizeof(state->typed));
	FUZZ_ASSERT(strnlen(state->filter, sizeof(state->filter)) < sizeof(state->filter));
	shown__check_safe(state->typed, strlen(state->typed));
	shown__check_safe(state->filter, strlen(state->filter));
	FUZZ_ASSERT(state->interval_ns >= 1000000 && state->interval_ns <= 1000000000000000);
}

void screen__draw(struct top_state *state, const struct report *report,
		  const struct top_notes *notes, int row_cnt, int column_cnt)
{
	struct top_canvas canvas = { row_cnt, column_cnt, put, show_cursor };
	const struct top_content content = {
		.report = report,
		.notes = notes,
		.message = "",
		.hook = "fentry",
		.waiting_cnt = state->paused,
	};

	check_state(state);
	top_page__draw(state, &content, &canvas);
	check_state(state);
	if (state->page == TOP_PAGE_ROWS && state->view.row_cnt)
		FUZZ_ASSERT(state->cursor >= state->row_first &&
			    state->cursor < state->row_first + state->height);
}

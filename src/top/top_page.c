// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "report/account.h"
#include "report/columns.h"
#include "render/host_text.h"
#include "text/time_text.h"
#include "top/top_bar.h"
#include "top/top_canvas.h"
#include "top/top_help.h"
#include "top/top_layout.h"
#include "top/top_notes.h"
#include "top/top_page.h"
#include "top/top_rows.h"
#include "top/top_state.h"
#include "text/utf8.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define NS_PER_S 1000000000ULL

/* Heights of the canvas from which on these lines are shown, beside the rows. */
#define FOOTER_FROM  2
#define HEADING_FROM 4
#define HOST_FROM    6
#define LEGEND_FROM  8

/* Width from which on the program's name is shown. */
#define TITLE_FROM 80

/* Position of the next text. */
struct pen {
	struct top_canvas *canvas;
	int line, column;
};

static int width_of(const char *text)
{
	int width = 0;

	while (*text)
		width += utf8__next_glyph(&text).width;
	return width;
}

__attribute__((format(printf, 3, 4))) static void pen__put(struct pen *pen, enum top_style style,
							   const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	pen->canvas->put(pen->canvas, pen->line, pen->column, style, text);
	pen->column += width_of(text);
}

/* Status line and legend */

/* Always in seconds: about one second must not be now 1.00 s and now 999 ms. */
static void put_seconds(struct pen *pen, __u64 ns)
{
	char text[TIME_TEXT_SIZE];

	time_text__in_unit(ns, NS_PER_S, 0, text);
	pen__put(pen, TOP_STYLE_PLAIN, "%s s", text);
}

static void put_pause(struct pen *pen, size_t waiting_cnt)
{
	pen__put(pen, TOP_STYLE_WARNING, "PAUSED");
	if (waiting_cnt)
		pen__put(pen, TOP_STYLE_WARNING, ", %zu newer", waiting_cnt);
	pen__put(pen, TOP_STYLE_PLAIN, "  ");
}

static void draw_status(const struct top_state *state, const struct top_content *content,
			struct top_canvas *canvas, int line)
{
	const struct report *report = content->report;
	struct pen pen = { canvas, line, 0 };
	const char *filter = top_state__filter(state);
	char clock[TIME_TEXT_SIZE];

	if (canvas->column_cnt >= TITLE_FROM)
		pen__put(&pen, TOP_STYLE_HEADING, "gtimehalt  ");
	if (report->interval_ns) {
		time_text__clock(report->end.real_ns, clock);
		pen__put(&pen, TOP_STYLE_PLAIN, "%s  ", clock);
	}
	if (state->paused)
		put_pause(&pen, content->waiting_cnt);
	put_seconds(&pen, report->interval_ns ? report->interval_ns : state->interval_ns);
	if (*filter)
		pen__put(&pen, TOP_STYLE_WARNING, "  only \"%s\"", filter);
	if (state->sorted)
		pen__put(&pen, TOP_STYLE_PLAIN, "  by %.*s", (int)column__name_len(state->sort),
			 column_defs[state->sort].key);
	else
		pen__put(&pen, TOP_STYLE_PLAIN, "  by PID");
	pen__put(&pen, TOP_STYLE_PLAIN, "  %s%s%s", mode__name(state->mode),
		 content->hook ? ", " : "", content->hook ? content->hook : "");
}

static void draw_host(const struct report *report, struct top_canvas *canvas, int line)
{
	char text[HOST_TEXT_SIZE];

	if (!report->interval_ns)
		return;
	host_text__format(report, text);
	canvas->put(canvas, line, 0, TOP_STYLE_PLAIN, text);
}

static void draw_legend(const struct top_state *state, struct top_canvas *canvas, int line)
{
	static const char *const names[TOP_BAR_PART_CNT] = {
		[TOP_BAR_BUSY] = "busy", [TOP_BAR_HOST] = "host",     [TOP_BAR_UNKNOWN] = "unknown",
		[TOP_BAR_WAIT] = "wait", [TOP_BAR_HALTED] = "halted",
	};
	struct pen pen = { canvas, line, TOP_MARKS_WIDTH };
	size_t first = state->row_first, last = first + state->height;

	for (int i = 0; i < TOP_BAR_PART_CNT; i++) {
		if (i == TOP_BAR_HOST && state->mode == MODE_SWITCH)
			continue;
		pen__put(&pen, top_bar_marks[i].style, "%c", top_bar_marks[i].mark);
		pen__put(&pen, TOP_STYLE_PLAIN, " %s%s  ", names[i],
			 i == TOP_BAR_BUSY && state->mode == MODE_SWITCH ? " or host" : "");
	}
	pen__put(&pen, TOP_STYLE_PLAIN, "blank: blocked  ");
	if (state->view.row_cnt > state->height)
		pen__put(&pen, TOP_STYLE_PLAIN, "%zu-%zu of %zu", first + 1, last,
			 state->view.row_cnt);
}

/* Footer: notes, and the keys or the prompt */

static size_t note_cnt(const struct top_content *content)
{
	return content->notes->line_cnt + (*content->message != '\0');
}

/* The program's own message is the first note. */
static const char *note(const struct top_content *content, size_t i)
{
	if (*content->message)
		return i ? content->notes->lines[i - 1] : content->message;
	return content->notes->lines[i];
}

/* Number of lines that are not rows or notes. */
static int frame_line_cnt(const struct top_canvas *canvas)
{
	int row_cnt = canvas->row_cnt;

	return (row_cnt > FOOTER_FROM) + (row_cnt >= HOST_FROM) + (row_cnt >= LEGEND_FROM) +
	       (row_cnt >= HEADING_FROM) + (row_cnt >= FOOTER_FROM);
}

/* Number of lines for notes: those that the rows do not need, or up to a sixth of the canvas. */
static int note_line_cnt(const struct top_state *state, const struct top_content *content,
			 const struct top_canvas *canvas)
{
	int room = canvas->row_cnt - frame_line_cnt(canvas);
	int max = canvas->row_cnt >= LEGEND_FROM ? canvas->row_cnt / 6 : 0;
	size_t cnt = note_cnt(content);

	/* One line is reserved for the message that is shown if there are no rows. */
	if (state->view.row_cnt < (size_t)room && room - (int)state->view.row_cnt - 1 > max)
		max = room - (int)state->view.row_cnt - 1;
	return cnt < (size_t)max ? (int)cnt : max;
}

static void draw_notes(const struct top_content *content, struct top_canvas *canvas, int line,
		       int line_cnt)
{
	size_t cnt = note_cnt(content);
	int shown = cnt > (size_t)line_cnt ? line_cnt - 1 : line_cnt;
	struct pen pen = { canvas, line + shown, 0 };

	for (int i = 0; i < shown; i++)
		canvas->put(canvas, line + i, 0, TOP_STYLE_WARNING, note(content, (size_t)i));
	if (shown < line_cnt)
		pen__put(&pen, TOP_STYLE_WARNING, "# %zu more: n shows all", cnt - (size_t)shown);
}

static void draw_prompt(const struct top_state *state, struct top_canvas *canvas, int line)
{
	struct pen pen = { canvas, line, 0 };

	if (state->prompt == TOP_PROMPT_FILTER)
		pen__put(&pen, TOP_STYLE_HEADING, "Name:");
	else if (state->typed_is_wrong)
		pen__put(&pen, TOP_STYLE_WARNING, "Seconds, 0.001 to 1000000:");
	else
		pen__put(&pen, TOP_STYLE_HEADING, "Seconds:");
	pen__put(&pen, TOP_STYLE_PLAIN, " %s", state->typed);
	canvas->show_cursor(canvas, line,
			    pen.column < canvas->column_cnt ? pen.column : canvas->column_cnt - 1);
}

/* Draws as many keys as fit, the most important ones first. */
static void draw_keys(const struct top_state *state, const struct top_content *content,
		      struct top_canvas *canvas, int line)
{
	static const char *const keys[] = {
		"q quit",  "? help",     "Enter unfold", "s sort",  "/ name",
		"p pause", "i interval", "a all",        "v vCPUs", "n notes",
	};
	struct pen pen = { canvas, line, 0 };

	if (state->page != TOP_PAGE_ROWS) {
		pen__put(&pen, TOP_STYLE_PLAIN, "any other key: back  Up Down: scroll");
		return;
	}
	if (note_cnt(content) && !note_line_cnt(state, content, canvas))
		pen__put(&pen, TOP_STYLE_WARNING, "n: %zu note%s  ", note_cnt(content),
			 note_cnt(content) == 1 ? "" : "s");
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (pen.column + (int)strlen(keys[i]) <= canvas->column_cnt)
			pen__put(&pen, TOP_STYLE_PLAIN, "%s  ", keys[i]);
	}
}

static void draw_footer(const struct top_state *state, const struct top_content *content,
			struct top_canvas *canvas)
{
	int line = canvas->row_cnt - 1;

	if (state->prompt != TOP_PROMPT_NONE)
		draw_prompt(state, canvas, line);
	else
		draw_keys(state, content, canvas, line);
}

/* Pages */

static void draw_no_rows(const struct top_state *state, const struct top_content *content,
			 struct top_canvas *canvas, int line)
{
	struct pen pen = { canvas, line, TOP_MARKS_WIDTH };

	if (!content->report->interval_ns)
		pen__put(&pen, TOP_STYLE_PLAIN, "measuring");
	else if (content->report->vm_cnt)
		pen__put(&pen, TOP_STYLE_PLAIN, "no VM has \"%s\" in its name",
			 top_state__filter(state));
	else
		pen__put(&pen, TOP_STYLE_PLAIN, "no VM is running");
}

static void draw_rows(struct top_state *state, const struct top_content *content,
		      struct top_canvas *canvas)
{
	int row_cnt = canvas->row_cnt, line = 0;
	int notes_cnt = note_line_cnt(state, content, canvas);
	int end = row_cnt - (row_cnt >= FOOTER_FROM) - notes_cnt;
	struct top_layout layout = top_rows__layout(state, content->report, canvas);

	top_state__fit(state, (size_t)(row_cnt - frame_line_cnt(canvas) - notes_cnt));
	if (row_cnt > FOOTER_FROM)
		draw_status(state, content, canvas, line++);
	if (row_cnt >= HOST_FROM)
		draw_host(content->report, canvas, line++);
	if (row_cnt >= LEGEND_FROM)
		draw_legend(state, canvas, line++);
	if (row_cnt >= HEADING_FROM)
		top_rows__draw_heading(state, &layout, canvas, line++);
	if (!state->view.row_cnt)
		draw_no_rows(state, content, canvas, line);
	for (size_t i = state->row_first; i < state->view.row_cnt && line < end; i++)
		top_rows__draw_row(state, &layout, content->report, canvas, line++, i);
	if (notes_cnt)
		draw_notes(content, canvas, end, notes_cnt);
}

/* Splits off as much of the text as fits into a line. */
static void take_line(const char **text, int max_width, char line[static 512])
{
	int width = 0;
	size_t len = 0;

	while (**text) {
		const char *rest = *text;
		struct utf8_glyph glyph = utf8__next_glyph(&rest);

		if ((len && width + glyph.width > max_width) || len + glyph.len >= 512)
			break;
		memcpy(line + len, glyph.bytes, glyph.len);
		len += glyph.len;
		width += glyph.width;
		*text = rest;
	}
	line[len] = '\0';
}

/*
 * Writes a text, wrapped, above line `end`, without its first *skip lines.
 * Returns its number of lines.
 */
static size_t put_text(struct pen *pen, int end, size_t *skip, const char *text)
{
	size_t cnt = 0;

	do {
		char line[512];

		take_line(&text, pen->canvas->column_cnt, line);
		cnt++;
		if (*skip)
			--*skip;
		else if (pen->line < end)
			pen->canvas->put(pen->canvas, pen->line++, 0, TOP_STYLE_PLAIN, line);
	} while (*text);
	return cnt;
}

static size_t put_page(const struct top_state *state, const struct top_content *content,
		       struct top_canvas *canvas, int end, size_t skip)
{
	struct pen pen = { canvas, 0, 0 };
	size_t cnt = 0;

	if (state->page == TOP_PAGE_HELP) {
		for (size_t i = 0; i < top_help_line_cnt; i++)
			cnt += put_text(&pen, end, &skip, top_help_lines[i]);
		return cnt;
	}
	if (!note_cnt(content))
		return put_text(&pen, end, &skip, "There are no notes.");
	for (size_t i = 0; i < note_cnt(content); i++)
		cnt += put_text(&pen, end, &skip, note(content, i));
	return cnt;
}

static void draw_page(struct top_state *state, const struct top_content *content,
		      struct top_canvas *canvas)
{
	int end = canvas->row_cnt - (canvas->row_cnt >= FOOTER_FROM);
	size_t line_cnt = put_page(state, content, canvas, 0, 0); /* counts lines only */

	top_state__fit_page(state, line_cnt, (size_t)end);
	put_page(state, content, canvas, end, state->page_first);
}

void top_page__draw(struct top_state *state, const struct top_content *content,
		    struct top_canvas *canvas)
{
	if (state->page == TOP_PAGE_ROWS)
		draw_rows(state, content, canvas);
	else
		draw_page(state, content, canvas);
	if (canvas->row_cnt >= FOOTER_FROM)
		draw_footer(state, content, canvas);
}
